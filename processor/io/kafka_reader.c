/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_reader.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { READER_TOPICS_MAX = 32 };

struct kafka_reader {
    rd_kafka_t *client;
    rd_kafka_message_t *message; /* what the last record was borrowed from */
    const char *topics[READER_TOPICS_MAX];
    uint32_t topic_count;
    uint32_t first[READER_TOPICS_MAX]; /* of each topic's partitions, in `ended` */
    bool *ended; /* per assigned partition: read to its end, and nothing came since */
    uint32_t partition_count;
    uint32_t ended_count;
    struct header headers[LOG_HEADERS_MAX];
    char words[STATUS_TEXT_SIZE / 2]; /* librdkafka's last ones of trouble: why nobody answers */
};

/* From any of its threads; the reader's own reads them when a call has failed. */
static void take_words(const rd_kafka_t *client, int level UNUSED, const char *facility UNUSED,
                       const char *text)
{
    struct kafka_reader *reader = rd_kafka_opaque(client);
    if (reader != NULL) {
        (void)snprintf(reader->words, sizeof(reader->words), "%s", text);
    }
}

static enum status set(rd_kafka_conf_t *conf, const char *name, const char *value,
                       struct status_text *out_text)
{
    char text[256];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK) {
        return status_fail(out_text, STATUS_INVALID, "kafka property %s: %s", name, text);
    }
    return STATUS_OK;
}

static enum status configure(rd_kafka_conf_t *conf, const struct kafka_connection *connection,
                             struct status_text *out_text)
{
    const char *const fixed[][2] = {{"bootstrap.servers", connection->brokers},
                                    {"group.id", "segue-reader"},
                                    {"enable.auto.commit", "false"},
                                    {"enable.partition.eof", "true"},
                                    {"isolation.level", "read_committed"},
                                    {"auto.offset.reset", "earliest"},
                                    {"fetch.wait.max.ms", "50"},
                                    {"log_level", "3"}};
    for (uint32_t i = 0; i < connection->property_count; i++) {
        enum status status =
            set(conf, connection->properties[i].name, connection->properties[i].value, out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(fixed); i++) {
        enum status status = set(conf, fixed[i][0], fixed[i][1], out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Every partition of every topic, from the first or the next offset. */
static enum status assign(struct kafka_reader *reader, enum kafka_reader_start start,
                          int32_t timeout_ms, struct status_text *out_text)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(32);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < reader->topic_count; i++) {
        const struct rd_kafka_metadata *metadata;
        rd_kafka_topic_t *topic = rd_kafka_topic_new(reader->client, reader->topics[i], NULL);
        rd_kafka_resp_err_t error =
            rd_kafka_metadata(reader->client, 0, topic, &metadata, timeout_ms);
        rd_kafka_topic_destroy(topic);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            status =
                status_fail(out_text, STATUS_AWAY, "topic %s: %s", reader->topics[i],
                            reader->words[0] != '\0' ? reader->words : rd_kafka_err2str(error));
            break;
        }
        if (metadata->topic_cnt != 1 || metadata->topics[0].partition_cnt == 0) {
            status = status_fail(out_text, STATUS_INVALID,
                                 "topic %s does not exist; `segue topics --create` makes it",
                                 reader->topics[i]);
        } else {
            reader->first[i] = (uint32_t)list->cnt;
            for (int p = 0; p < metadata->topics[0].partition_cnt; p++) {
                rd_kafka_topic_partition_list_add(list, reader->topics[i], p)->offset =
                    start == KAFKA_READER_EARLIEST ? RD_KAFKA_OFFSET_BEGINNING
                                                   : RD_KAFKA_OFFSET_END;
            }
        }
        rd_kafka_metadata_destroy(metadata);
    }
    reader->partition_count = (uint32_t)list->cnt;
    reader->ended = calloc(reader->partition_count + 1, sizeof(*reader->ended));
    if (status == STATUS_OK && reader->ended == NULL) {
        status = status_fail(out_text, STATUS_FATAL, "no memory");
    }
    if (status == STATUS_OK &&
        rd_kafka_assign(reader->client, list) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = status_fail(out_text, STATUS_FATAL, "cannot assign partitions");
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

enum status kafka_reader_open(const struct kafka_connection *connection, const char *const *topics,
                              uint32_t count, enum kafka_reader_start start, int32_t timeout_ms,
                              struct kafka_reader **out_reader, struct status_text *out_text)
{
    char text[256];
    if (count > READER_TOPICS_MAX) {
        return status_fail(out_text, STATUS_INVALID, "at most %d topics at once",
                           READER_TOPICS_MAX);
    }
    struct kafka_reader *reader = calloc(1, sizeof(*reader));
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (reader == NULL) {
        rd_kafka_conf_destroy(conf);
        return status_fail(out_text, STATUS_FATAL, "no memory");
    }
    rd_kafka_conf_set_opaque(conf, reader);
    rd_kafka_conf_set_log_cb(conf, take_words);
    enum status status = configure(conf, connection, out_text);
    if (status == STATUS_OK) {
        reader->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
        if (reader->client == NULL) {
            status = status_fail(out_text, STATUS_INVALID, "%s", text);
        }
    }
    if (reader->client == NULL) {
        rd_kafka_conf_destroy(conf);
        free(reader);
        return status;
    }
    (void)rd_kafka_poll_set_consumer(reader->client);
    reader->topic_count = count;
    for (uint32_t i = 0; i < count; i++) {
        reader->topics[i] = topics[i];
    }
    status = assign(reader, start, timeout_ms, out_text);
    if (status != STATUS_OK) {
        kafka_reader_close(reader);
        return status;
    }
    *out_reader = reader;
    return STATUS_OK;
}

static void take_headers(struct kafka_reader *reader, struct log_record *record)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    record->headers = reader->headers;
    if (rd_kafka_message_headers(reader->message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    while (record->header_count < LOG_HEADERS_MAX &&
           rd_kafka_header_get_all(headers, record->header_count, &name, &value, &size) ==
               RD_KAFKA_RESP_ERR_NO_ERROR) {
        reader->headers[record->header_count++] =
            (struct header){slice_text(name), slice_of(value, size)};
    }
}

static uint32_t topic_index(const struct kafka_reader *reader)
{
    uint32_t at = 0;
    while (at + 1 < reader->topic_count &&
           strcmp(rd_kafka_topic_name(reader->message->rkt), reader->topics[at]) != 0) {
        at++;
    }
    return at;
}

static void take(struct kafka_reader *reader, struct log_record *record)
{
    const rd_kafka_message_t *message = reader->message;
    *record = (struct log_record){.key = slice_of(message->key, message->key_len),
                                  .value = slice_of(message->payload, message->len),
                                  .has_key = message->key != NULL,
                                  .has_value = message->payload != NULL,
                                  .partition = (uint32_t)message->partition,
                                  .offset = message->offset,
                                  .append_ms = rd_kafka_message_timestamp(message, NULL)};
    record->source = (uint8_t)topic_index(reader);
    take_headers(reader, record);
}

/* librdkafka tells of a partition's end once, until a record comes from it again: so each is remembered for
 * itself. What comes from one partition says nothing about the others. */
static void note_end(struct kafka_reader *reader, bool ended)
{
    uint32_t at = reader->first[topic_index(reader)] + (uint32_t)reader->message->partition;
    if (at < reader->partition_count && reader->ended[at] != ended) {
        reader->ended[at] = ended;
        reader->ended_count = ended ? reader->ended_count + 1 : reader->ended_count - 1;
    }
}

enum status kafka_reader_next(struct kafka_reader *reader, int32_t timeout_ms,
                              struct log_record *out_record, struct status_text *out_text)
{
    for (;;) {
        if (reader->message != NULL) {
            rd_kafka_message_destroy(reader->message);
        }
        reader->message = rd_kafka_consumer_poll(reader->client, timeout_ms);
        if (reader->message == NULL) {
            return STATUS_RETRY;
        }
        if (reader->message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            note_end(reader, false);
            take(reader, out_record);
            return STATUS_OK;
        }
        if (reader->message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            note_end(reader, true);
            if (reader->ended_count >= reader->partition_count) {
                return STATUS_RETRY;
            }
        } else if (rd_kafka_fatal_error(reader->client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return status_fail(out_text, STATUS_FATAL, "%s",
                               rd_kafka_message_errstr(reader->message));
        }
    }
}

bool kafka_reader_at_end(const struct kafka_reader *reader)
{
    return reader->ended_count >= reader->partition_count;
}

void kafka_reader_close(struct kafka_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->message != NULL) {
        rd_kafka_message_destroy(reader->message);
    }
    if (reader->client != NULL) {
        rd_kafka_destroy(reader->client);
    }
    free(reader->ended);
    free(reader);
}
