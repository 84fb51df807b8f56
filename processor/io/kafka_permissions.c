/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_permissions.h"

#include "io/kafka_client.h"
#include "io/kafka_look.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { READ_TIMEOUT_MS = 5000 };

struct question {
    const struct kafka_log_settings *settings;
    int32_t timeout_ms;
    struct kafka_denial *denials; /* those below `count` stay as they are */
    pthread_mutex_t lock;         /* to add one: librdkafka's own threads tell of some */
    atomic_uint count;
};

static const char *group_of(const struct kafka_log_settings *settings)
{
    return settings->group != NULL && settings->group[0] != '\0' ? settings->group
                                                                 : settings->connection.application;
}

/* The topics that are written: outputs, then journal and checkpoints, if there are. */
static const char *written_topic(const struct kafka_log_settings *settings, uint32_t number)
{
    return number < settings->output_count    ? settings->output_topics[number]
           : number == settings->output_count ? settings->journal_topic
                                              : settings->checkpoint_topic;
}

static uint32_t written_count(const struct kafka_log_settings *settings)
{
    return settings->output_count + (settings->journal_topic == NULL ? 0 : 2);
}

static void deny(struct question *question, const char *resource, const char *name,
                 const char *operation)
{
    bool known = false;
    (void)pthread_mutex_lock(&question->lock);
    uint32_t count = question->count;
    for (uint32_t i = 0; i < count; i++) {
        const struct kafka_denial *before = &question->denials[i];
        known |= strcmp(before->name, name) == 0 && strcmp(before->operation, operation) == 0;
    }
    if (!known && count < KAFKA_DENIALS_MAX) {
        question->denials[count] = (struct kafka_denial){
            resource, name, operation, strcmp(resource, "--transactional-id") == 0};
        question->count = count + 1;
    }
    (void)pthread_mutex_unlock(&question->lock);
}

/* --- reading */

/* From the end of partition 0: its end comes back, or the refusal. */
static enum status ask_read(struct question *question, struct kafka_look *look, const char *topic,
                            struct status_text *out_text)
{
    int64_t low = 0, high = 0;
    struct log_record record;
    enum status status = kafka_look_marks(look, topic, 0, &low, &high, out_text);
    if (status == STATUS_OK) {
        status = kafka_look_at(look, topic, 0, high, out_text);
    }
    if (status == STATUS_OK) {
        status = kafka_look_next(look, &record, out_text);
    }
    if (kafka_look_denied(look)) {
        deny(question, "--topic", topic, "Read");
        return STATUS_OK;
    }
    return status == STATUS_FULL || status == STATUS_INVALID ? STATUS_OK : status;
}

/* Once, of everything that is read; what is refused is noted. */
static enum status read_all(struct question *question, struct kafka_look *look,
                            struct status_text *out_text)
{
    const struct kafka_log_settings *settings = question->settings;
    const char *topics[SOURCE_COUNT + 2 + KAFKA_ASIDE_MAX];
    struct log_offset offsets[SOURCE_COUNT];
    uint32_t count = 0;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (settings->topics[s] != NULL) {
            topics[count++] = settings->topics[s];
        }
    }
    if (settings->journal_topic != NULL) {
        topics[count++] = settings->journal_topic;
        topics[count++] = settings->checkpoint_topic;
    }
    for (uint32_t i = 0; i < settings->aside_count; i++) {
        topics[count++] = settings->aside_topics[i];
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        status = ask_read(question, look, topics[i], out_text);
    }
    if (status == STATUS_OK) {
        status = kafka_look_committed(look, settings->topics, 0, offsets, out_text);
        if (kafka_look_denied(look)) {
            deny(question, "--group", group_of(settings), "Read");
            status = STATUS_OK;
        }
    }
    return status;
}

static enum status ask_reads(struct question *question, struct status_text *out_text)
{
    const struct kafka_log_settings *settings = question->settings;
    struct kafka_look *look = NULL;
    /* After a kill our own last transaction is still pending: what waits for it would wait in vain. */
    enum status status = kafka_look_open(&settings->connection, group_of(settings), false,
                                         READ_TIMEOUT_MS, &look, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    /* A broker that has just started answers some questions long before others. */
    int64_t deadline_ms = kafka_now_ms() + question->timeout_ms;
    do {
        status = read_all(question, look, out_text);
    } while (status == STATUS_AWAY && kafka_now_ms() < deadline_ms);
    kafka_look_close(look);
    return status;
}

/* --- writing */

/* What of librdkafka's words names a topic that may not be written: it tells nothing else of why a
 * transaction is lost. */
static void take_words(void *context, enum log_level level UNUSED, const char *facility UNUSED,
                       const char *text)
{
    struct question *question = context;
    const struct kafka_log_settings *settings = question->settings;
    if (strstr(text, "opic authorization failed") == NULL) {
        return;
    }
    for (uint32_t i = 0; i < written_count(settings); i++) {
        const char *topic = written_topic(settings, i);
        const char *at = strstr(text, topic);
        size_t size = strlen(topic);
        if (at != NULL && (at[size] == '"' || at[size] == ' ')) {
            deny(question, "--topic", topic, "Write");
        }
    }
}

static bool is_denied(const struct question *question, const char *topic)
{
    for (uint32_t i = 0; i < question->count; i++) {
        if (question->denials[i].name == topic && question->denials[i].operation[0] == 'W') {
            return true;
        }
    }
    return false;
}

static enum status judge(struct question *question, rd_kafka_error_t *error,
                         struct status_text *out_text)
{
    enum status status = STATUS_OK;
    if (error != NULL) {
        if (rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED) {
            deny(question, "--transactional-id", question->settings->connection.application,
                 "Write");
            status = STATUS_INVALID;
        } else {
            status = status_fail(out_text, STATUS_AWAY, "kafka: %s", rd_kafka_error_string(error));
        }
        rd_kafka_error_destroy(error);
    }
    return status;
}

/* One transaction with a record for every topic that is not known to be denied; aborted. `out_again`: another
 * one was found, and with it nothing was sent. */
static enum status write_probes(struct question *question, rd_kafka_t *client, bool *out_again,
                                struct status_text *out_text)
{
    const struct kafka_log_settings *settings = question->settings;
    struct log_written written[KAFKA_OUTPUTS_MAX + 2];
    uint32_t before = question->count, total = written_count(settings), left = 1;
    enum status status = judge(question, rd_kafka_begin_transaction(client), out_text);
    for (uint32_t i = 0; i < total && status == STATUS_OK; i++) {
        const char *topic = written_topic(settings, i);
        written[i].offset = is_denied(question, topic) ? 0 : -1;
        if (written[i].offset < 0 &&
            rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_KEY("probe", 5), RD_KAFKA_V_OPAQUE(&written[i]),
                              RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED) {
            deny(question, "--topic", topic, "Write");
        }
    }
    int64_t deadline_ms = kafka_now_ms() + question->timeout_ms;
    while (status == STATUS_OK && left > 0 && question->count == before) {
        if (kafka_now_ms() > deadline_ms) {
            status = status_fail(out_text, STATUS_AWAY, "kafka: no answer to a write within %d ms",
                                 question->timeout_ms);
        }
        (void)rd_kafka_poll(client, 10);
        left = 0;
        for (uint32_t i = 0; i < total; i++) {
            left += written[i].offset < 0;
        }
    }
    *out_again = question->count > before;
    if (!*out_again) { /* a transaction that was refused has nothing to abort */
        rd_kafka_error_t *error = rd_kafka_abort_transaction(client, question->timeout_ms);
        if (error != NULL) { /* the next init_transactions, or its time-out, ends it */
            rd_kafka_error_destroy(error);
        }
    }
    return status;
}

/* A new client each time: nothing is asked of one whose transaction was refused. */
static enum status ask_once(struct question *question, struct kafka_callbacks *callbacks,
                            bool *out_again, struct status_text *out_text)
{
    char id[KAFKA_TRANSACTIONAL_ID_SIZE];
    rd_kafka_conf_t *conf = kafka_conf_new(callbacks, KAFKA_ROLE_PRODUCER, 0, out_text);
    *out_again = false;
    if (conf == NULL) {
        return STATUS_INVALID;
    }
    if (!kafka_transactional_id(id, callbacks->connection, question->settings->worker_count)) {
        rd_kafka_conf_destroy(conf);
        return status_fail(out_text, STATUS_INVALID,
                           "kafka: application and instance are too long together");
    }
    kafka_conf_must_set(conf, "transactional.id", id);
    kafka_conf_must_set(conf, "linger.ms", "0");
    rd_kafka_t *client = kafka_client_new(conf, KAFKA_ROLE_PRODUCER, out_text);
    if (client == NULL) {
        return STATUS_INVALID;
    }
    const char *names[KAFKA_OUTPUTS_MAX + 2];
    rd_kafka_topic_t *topics[KAFKA_OUTPUTS_MAX + 2];
    uint32_t count = 0;
    enum status status =
        judge(question, rd_kafka_init_transactions(client, question->timeout_ms), out_text);
    if (status == STATUS_OK) {
        for (; count < written_count(question->settings); count++) {
            names[count] = written_topic(question->settings, count);
        }
        kafka_client_know_topics(client, names, count, topics);
        status = write_probes(question, client, out_again, out_text);
    }
    kafka_client_forget_topics(topics, count);
    (void)rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(client);
    return status;
}

static enum status ask_writes(struct question *question, struct status_text *out_text)
{
    struct kafka_connection connection = question->settings->connection;
    struct kafka_callbacks callbacks = {.connection = &connection};
    bool again = true;
    enum status status = STATUS_OK;
    connection.log_function = take_words;
    connection.log_context = question;
    while (status == STATUS_OK && again) {
        status = ask_once(question, &callbacks, &again, out_text);
    }
    return question->count > 0 && status == STATUS_INVALID ? STATUS_OK : status;
}

enum status kafka_permissions_ask(const struct kafka_log_settings *settings, int32_t timeout_ms,
                                  struct kafka_denial *out_denials, uint32_t *out_count,
                                  struct status_text *out_text)
{
    struct question question = {
        .settings = settings, .timeout_ms = timeout_ms, .denials = out_denials};
    (void)pthread_mutex_init(&question.lock, NULL);
    enum status status = ask_reads(&question, out_text);
    if (status == STATUS_OK) {
        status = ask_writes(&question, out_text);
    }
    (void)pthread_mutex_destroy(&question.lock);
    *out_count = question.count;
    return status;
}

void kafka_permission_command(const struct kafka_denial *denial, const char *brokers,
                              const char *principal, char *out, size_t size)
{
    (void)snprintf(out, size,
                   "kafka-acls.sh --bootstrap-server %s --add --allow-principal %s "
                   "--operation %s %s %s%s",
                   brokers, principal, denial->operation, denial->resource, denial->name,
                   denial->prefixed ? ". --resource-pattern-type prefixed" : "");
}

enum status kafka_permissions_check(const struct kafka_log_settings *settings, int32_t timeout_ms,
                                    struct status_text *out_text)
{
    struct kafka_denial denials[KAFKA_DENIALS_MAX];
    char command[STATUS_TEXT_SIZE / 2], list[STATUS_TEXT_SIZE / 2] = "";
    uint32_t count = 0;
    size_t size = 0;
    enum status status = kafka_permissions_ask(settings, timeout_ms, denials, &count, out_text);
    if (status != STATUS_OK || count == 0) {
        return status;
    }
    for (uint32_t i = 0; i < count && size < sizeof(list); i++) {
        size +=
            (size_t)snprintf(list + size, sizeof(list) - size, "%s%s of %s %s", i == 0 ? "" : ", ",
                             denials[i].operation, denials[i].resource + 2, denials[i].name);
    }
    kafka_permission_command(&denials[0], settings->connection.brokers, "User:NAME", command,
                             sizeof(command));
    return status_fail(out_text, STATUS_INVALID, "kafka: not permitted: %s. Mend it: %s%s", list,
                       command, count > 1 ? "; and so on: segue topics --acls" : "");
}
