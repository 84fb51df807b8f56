/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>
#include <string.h>

void kafka_record_of(struct rd_kafka_message_s *message, uint8_t source,
                     struct log_record *out_record)
{
    rd_kafka_timestamp_type_t kind;
    *out_record = (struct log_record){
        .key = slice_of(message->key, message->key == NULL ? 0 : message->key_len),
        .value = slice_of(message->payload, message->payload == NULL ? 0 : message->len),
        .has_key = message->key != NULL,
        .has_value = message->payload != NULL,
        .source = source,
        .partition = (uint32_t)message->partition,
        .offset = message->offset,
        .append_ms = rd_kafka_message_timestamp(message, &kind),
        .handle = message,
    };
}

bool kafka_record_has_headers(struct rd_kafka_message_s *message)
{
    rd_kafka_headers_t *headers = NULL;
    return rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
           rd_kafka_header_cnt(headers) > 0;
}

uint32_t kafka_record_headers(struct rd_kafka_message_s *message, struct header *out_headers)
{
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    size_t count = 0;
    const char *name;
    const void *value;
    size_t size;
    for (; rd_kafka_header_get_all(headers, count, &name, &value, &size) ==
           RD_KAFKA_RESP_ERR_NO_ERROR;
         count++) {
        bool fits = count < LOG_HEADERS_MAX;
        if (fits || strcmp(name, HEADER_SCHEMA_ID) == 0) {
            out_headers[fits ? count : LOG_HEADERS_MAX - 1] =
                (struct header){slice_text(name), slice_of(value, value == NULL ? 0 : size)};
        }
    }
    return count < LOG_HEADERS_MAX ? (uint32_t)count : LOG_HEADERS_MAX;
}

static rd_kafka_headers_t *headers_of(const struct log_write *write)
{
    if (write->header_count == 0) {
        return NULL;
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_new(write->header_count);
    for (uint32_t i = 0; i < write->header_count; i++) {
        const struct header *header = &write->headers[i];
        (void)rd_kafka_header_add(headers, (const char *)header->name.data,
                                  (ssize_t)header->name.size, header->value.data,
                                  (ssize_t)header->value.size);
    }
    return headers;
}

/* librdkafka takes a NULL pointer for a null, so an empty payload needs an address. */
static const void *payload_of(struct slice bytes, bool present)
{
    if (!present) {
        return NULL;
    }
    return bytes.size > 0 ? (const void *)bytes.data : "";
}

/* librdkafka's RD_KAFKA_V_* are statement expressions. Its produceva, which does without, frees
 * headers twice on failure before 2.12.0 (#4628). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

int kafka_record_send(struct rd_kafka_s *client, struct rd_kafka_topic_s *topic,
                      const struct log_write *write, bool copy, void *opaque)
{
    const void *key = payload_of(write->key, write->has_key);
    void *value = (void *)payload_of(write->value, write->has_value); /* not written to */
    int flags = copy ? RD_KAFKA_MSG_F_COPY : 0;
    rd_kafka_headers_t *headers = headers_of(write);
    rd_kafka_resp_err_t code;
    if (topic != NULL) {
        code = rd_kafka_producev(
            client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(write->partition),
            RD_KAFKA_V_MSGFLAGS(flags), RD_KAFKA_V_VALUE(value, write->value.size),
            RD_KAFKA_V_KEY(key, write->key.size), RD_KAFKA_V_TIMESTAMP(write->timestamp_ms),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    } else {
        code = rd_kafka_producev(
            client, RD_KAFKA_V_TOPIC(write->topic), RD_KAFKA_V_PARTITION(write->partition),
            RD_KAFKA_V_MSGFLAGS(flags), RD_KAFKA_V_VALUE(value, write->value.size),
            RD_KAFKA_V_KEY(key, write->key.size), RD_KAFKA_V_TIMESTAMP(write->timestamp_ms),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL) {
        rd_kafka_headers_destroy(headers); /* ours again on failure */
    }
    return (int)code;
}

#pragma GCC diagnostic pop
