/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>

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
    uint32_t count = 0;
    const char *name;
    const void *value;
    size_t size;
    while (count < LOG_HEADERS_MAX &&
           rd_kafka_header_get_all(headers, count, &name, &value, &size) ==
               RD_KAFKA_RESP_ERR_NO_ERROR) {
        out_headers[count].name = slice_text(name);
        out_headers[count].value = slice_of(value, value == NULL ? 0 : size);
        count++;
    }
    return count;
}

struct rd_kafka_headers_s *kafka_headers_of(const struct log_write *write)
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
