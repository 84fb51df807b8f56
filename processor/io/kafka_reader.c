/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_reader.h"

#include "io/kafka_client.h"
#include "io/kafka_permissions.h"
#include "io/kafka_record.h"
#include "io/kafka_words.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum { READER_TOPICS_MAX = 32 };

struct kafka_reader {
    struct kafka_connection connection;
    struct kafka_callbacks callbacks;
    struct kafka_words words; /* why nobody answers, or what is wrong with a partition */
    rd_kafka_t *client;
    rd_kafka_message_t *message; /* what the last record was borrowed from */
    const char *topics[READER_TOPICS_MAX];
    uint32_t topic_count;
    uint32_t first[READER_TOPICS_MAX]; /* of each topic's partitions, in `ended` */
    bool *ended; /* per assigned partition: read to its end, and nothing came since */
    uint32_t partition_count;
    uint32_t ended_count;
    struct header headers[LOG_HEADERS_MAX];
};

static enum status say_denied(const struct kafka_reader *reader, const char *topic,
                              struct status_text *out_text)
{
    char command[STATUS_TEXT_SIZE / 2];
    const struct kafka_denial denial = {"--topic", topic, "Read", false};
    kafka_permission_command(&denial, reader->connection.brokers, "User:NAME", command,
                             sizeof(command));
    return status_fail(out_text, STATUS_INVALID,
                       "kafka: not permitted: Read of topic %s. Mend it: %s", topic, command);
}

/* Add the topic's partitions; the first one's place is noted. */
static enum status add_partitions(struct kafka_reader *reader, uint32_t number,
                                  const struct rd_kafka_metadata *metadata, int64_t offset,
                                  rd_kafka_topic_partition_list_t *list,
                                  struct status_text *out_text)
{
    const char *name = reader->topics[number];
    rd_kafka_resp_err_t code = metadata->topic_cnt == 1 ? metadata->topics[0].err
                                                        : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
        return say_denied(reader, name, out_text);
    }
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        (code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topics[0].partition_cnt == 0)) {
        return status_fail(out_text, STATUS_INVALID,
                           "topic %s does not exist; `segue topics --create` makes those of Segue",
                           name);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return status_fail(out_text, STATUS_AWAY, "topic %s: %s", name, rd_kafka_err2str(code));
    }
    reader->first[number] = (uint32_t)list->cnt;
    for (int p = 0; p < metadata->topics[0].partition_cnt; p++) {
        rd_kafka_topic_partition_list_add(list, name, p)->offset = offset;
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
            char words[KAFKA_WORDS_SIZE];
            kafka_words_last(&reader->words, words);
            status = status_fail(out_text, STATUS_AWAY, "topic %s: %s", reader->topics[i],
                                 words[0] != '\0' ? words : rd_kafka_err2str(error));
            break;
        }
        status = add_partitions(reader, i, metadata,
                                start == KAFKA_READER_EARLIEST ? RD_KAFKA_OFFSET_BEGINNING
                                                               : RD_KAFKA_OFFSET_END,
                                list, out_text);
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
    if (count > READER_TOPICS_MAX) {
        return status_fail(out_text, STATUS_INVALID, "at most %d topics at once",
                           READER_TOPICS_MAX);
    }
    struct kafka_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return status_fail(out_text, STATUS_FATAL, "no memory");
    }
    reader->connection = *connection;
    reader->callbacks.connection = &reader->connection;
    kafka_words_listen(&reader->words, &reader->connection);
    rd_kafka_conf_t *conf = kafka_conf_new(&reader->callbacks, KAFKA_ROLE_OUTSIDE, 0, out_text);
    if (conf != NULL) {
        /* librdkafka's consumer needs a name; nothing is ever committed under it. */
        kafka_conf_must_set(conf, "group.id", "segue-reader");
        reader->client = kafka_client_new(conf, KAFKA_ROLE_OUTSIDE, out_text);
    }
    if (reader->client == NULL) {
        kafka_reader_close(reader);
        return STATUS_INVALID;
    }
    (void)rd_kafka_poll_set_consumer(reader->client);
    reader->topic_count = count;
    for (uint32_t i = 0; i < count; i++) {
        reader->topics[i] = topics[i];
    }
    enum status status = assign(reader, start, timeout_ms, out_text);
    if (status != STATUS_OK) {
        kafka_reader_close(reader);
        return status;
    }
    *out_reader = reader;
    return STATUS_OK;
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
    kafka_record_of(reader->message, (uint8_t)topic_index(reader), record);
    record->headers = reader->headers;
    record->header_count = kafka_record_has_headers(reader->message)
                               ? kafka_record_headers(reader->message, reader->headers)
                               : 0;
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

/* Nothing came: with librdkafka's reason, if it gave one. */
static enum status nothing_came(struct kafka_reader *reader, struct status_text *out_text)
{
    char words[KAFKA_WORDS_SIZE];
    kafka_words_last(&reader->words, words);
    return status_fail(out_text, STATUS_RETRY, "%s", words);
}

/* A message that is an error. STATUS_OK: it passes by itself; read on. */
static enum status judge_error(struct kafka_reader *reader, struct status_text *out_text)
{
    const char *why = rd_kafka_message_errstr(reader->message);
    if (reader->message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED &&
        reader->message->rkt != NULL) {
        return say_denied(reader, rd_kafka_topic_name(reader->message->rkt), out_text);
    }
    if (rd_kafka_fatal_error(reader->client, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return status_fail(out_text, STATUS_FATAL, "%s", why);
    }
    if (reader->message->err != RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        kafka_words_put(&reader->words, why); /* of the group we want nothing */
    }
    return STATUS_OK;
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
            return nothing_came(reader, out_text);
        }
        if (reader->message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            note_end(reader, false);
            take(reader, out_record);
            return STATUS_OK;
        }
        if (reader->message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            note_end(reader, true);
            if (reader->ended_count >= reader->partition_count) {
                kafka_words_forget(&reader->words); /* all partitions are read: no trouble */
                return status_fail(out_text, STATUS_RETRY, "%s", "");
            }
            continue;
        }
        enum status status = judge_error(reader, out_text);
        if (status != STATUS_OK) {
            return status;
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
    kafka_words_finish(&reader->words);
    free(reader->ended);
    free(reader);
}
