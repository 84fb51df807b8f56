/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_look.h"

#include "io/kafka_client.h"
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <unistd.h>

enum { SETTLING_WAIT_US = 50000 };

struct kafka_look {
    struct kafka_connection connection;
    struct kafka_callbacks callbacks;
    rd_kafka_t *client;
    rd_kafka_message_t *message; /* what the last record was borrowed from */
    struct header headers[LOG_HEADERS_MAX];
    int32_t timeout_ms;
    bool denied;       /* the last failure was for want of a permission */
    bool group_denied; /* said once, among the records, when the coordinator was looked for */
};

static enum status away(struct kafka_look *look, rd_kafka_resp_err_t code, const char *what,
                        struct status_text *out_text)
{
    look->denied = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                   code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? STATUS_OK
               : status_fail(out_text, STATUS_AWAY, "kafka: %s: %s", what, rd_kafka_err2str(code));
}

bool kafka_look_denied(const struct kafka_look *look)
{
    return look->denied;
}

enum status kafka_look_open(const struct kafka_connection *connection, const char *group,
                            bool committed, int32_t timeout_ms, struct kafka_look **out_look,
                            struct status_text *out_text)
{
    struct kafka_look *look = calloc(1, sizeof(*look));
    if (look == NULL) {
        return status_fail(out_text, STATUS_FATAL, "no memory");
    }
    look->connection = *connection;
    look->callbacks.connection = &look->connection;
    look->timeout_ms = timeout_ms;
    rd_kafka_conf_t *conf = kafka_conf_new(&look->callbacks, KAFKA_ROLE_READER, 0, out_text);
    if (conf != NULL) {
        kafka_conf_must_set(conf, "group.id", group);
        if (!committed) {
            kafka_conf_must_set(conf, "isolation.level", "read_uncommitted");
        }
        look->client = kafka_client_new(conf, KAFKA_ROLE_READER, out_text);
    }
    if (look->client == NULL) {
        free(look);
        return STATUS_INVALID;
    }
    (void)rd_kafka_poll_set_consumer(look->client);
    *out_look = look;
    return STATUS_OK;
}

static void drop_message(struct kafka_look *look)
{
    if (look->message != NULL) {
        rd_kafka_message_destroy(look->message);
        look->message = NULL;
    }
}

void kafka_look_close(struct kafka_look *look)
{
    if (look != NULL) {
        drop_message(look);
        rd_kafka_destroy_flags(look->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        free(look);
    }
}

/* Passes by itself: a leader is being elected, a coordinator has moved or reads its log after a
 * restart, or the topic was created a moment ago. */
static bool is_settling(rd_kafka_resp_err_t code)
{
    return code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR_FOR_GROUP ||
           code == RD_KAFKA_RESP_ERR_GROUP_COORDINATOR_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_GROUP_LOAD_IN_PROGRESS;
}

/* The list's offsets; the first error of the whole or of one of them. */
static rd_kafka_resp_err_t ask_committed(struct kafka_look *look,
                                         rd_kafka_topic_partition_list_t *list)
{
    int64_t deadline_ms = kafka_now_ms() + look->timeout_ms;
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_committed(look->client, list, look->timeout_ms);
        for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
            code = list->elems[i].err;
        }
        if (!is_settling(code) || kafka_now_ms() >= deadline_ms) {
            return code;
        }
        (void)usleep(SETTLING_WAIT_US);
    }
}

enum status kafka_look_committed(struct kafka_look *look, const char *const topics[SOURCE_COUNT],
                                 uint32_t task, struct log_offset out_offsets[SOURCE_COUNT],
                                 struct status_text *out_text)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(SOURCE_COUNT);
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        out_offsets[s] = (struct log_offset){.task = task, .source = (uint8_t)s, .offset = -1};
        if (topics[s] != NULL) {
            (void)rd_kafka_topic_partition_list_add(list, topics[s], (int32_t)task);
        }
    }
    rd_kafka_resp_err_t code = ask_committed(look, list);
    for (int i = 0; i < list->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        const rd_kafka_topic_partition_t *entry = &list->elems[i];
        for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
            if (topics[s] == NULL || strcmp(topics[s], entry->topic) != 0 || entry->offset < 0) {
                continue;
            }
            size_t size = entry->metadata == NULL ? 0 : entry->metadata_size;
            size = size < LOG_METADATA_SIZE_MAX ? size : LOG_METADATA_SIZE_MAX - 1;
            out_offsets[s].offset = entry->offset;
            memcpy(out_offsets[s].metadata, size == 0 ? "" : entry->metadata, size);
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (code ==
        RD_KAFKA_RESP_ERR__TIMED_OUT) { /* why no coordinator was found stands in the queue */
        drop_message(look);
        while ((look->message = rd_kafka_consumer_poll(look->client, 0)) != NULL) {
            look->group_denied = look->group_denied ||
                                 look->message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
            drop_message(look);
        }
        code = look->group_denied ? RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED : code;
    }
    return away(look, code, "committed offsets", out_text);
}

enum status kafka_look_marks(struct kafka_look *look, const char *topic, uint32_t partition,
                             int64_t *out_low, int64_t *out_high, struct status_text *out_text)
{
    int64_t deadline_ms = kafka_now_ms() + look->timeout_ms;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        look->client, topic, (int32_t)partition, out_low, out_high, look->timeout_ms);
    while (is_settling(code) && kafka_now_ms() < deadline_ms) {
        (void)usleep(SETTLING_WAIT_US);
        code = rd_kafka_query_watermark_offsets(look->client, topic, (int32_t)partition, out_low,
                                                out_high, look->timeout_ms);
    }
    return away(look, code, topic, out_text);
}

enum status kafka_look_at(struct kafka_look *look, const char *topic, uint32_t partition,
                          int64_t offset, struct status_text *out_text)
{
    drop_message(look);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, (int32_t)partition)->offset =
        offset < 0 ? RD_KAFKA_OFFSET_BEGINNING : offset;
    rd_kafka_resp_err_t code = rd_kafka_assign(look->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR
               ? STATUS_OK
               : status_fail(out_text, STATUS_FATAL, "kafka: %s [%u]: %s", topic, partition,
                             rd_kafka_err2str(code));
}

enum status kafka_look_next(struct kafka_look *look, struct log_record *out_record,
                            struct status_text *out_text)
{
    int64_t deadline_ms = kafka_now_ms() + look->timeout_ms;
    look->denied = false;
    for (;;) {
        drop_message(look);
        int64_t left_ms = deadline_ms - kafka_now_ms();
        look->message = rd_kafka_consumer_poll(look->client, left_ms < 0 ? 0 : (int)left_ms);
        if (look->message == NULL) {
            return status_fail(out_text, STATUS_AWAY, "kafka: nothing came within %d ms",
                               look->timeout_ms);
        }
        switch ((int)look->message->err) {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            kafka_record_of(look->message, 0, out_record);
            out_record->headers = look->headers;
            out_record->header_count = kafka_record_has_headers(look->message)
                                           ? kafka_record_headers(look->message, look->headers)
                                           : 0;
            return STATUS_OK;
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            return STATUS_FULL;
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            return status_fail(out_text, STATUS_INVALID, "kafka: %s",
                               rd_kafka_message_errstr(look->message));
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
            return away(look, look->message->err, rd_kafka_topic_name(look->message->rkt),
                        out_text);
        case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
            look->group_denied = true;
            break;
        default: /* it tries again by itself */
            break;
        }
    }
}
