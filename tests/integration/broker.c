/* SPDX-License-Identifier: Apache-2.0 */
#include "integration/broker.h"

#include <check.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct broker_open {
    rd_kafka_t *client;
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void say(void *context, enum log_level level, const char *facility, const char *text)
{
    (void)context;
    if (getenv("SEGUE_TEST_VERBOSE") != NULL) {
        (void)fprintf(stderr, "# %lld %d %s %s\n", (long long)now_ms(), (int)level, facility, text);
    }
}

const char *broker_address(void)
{
    const char *address = getenv("SEGUE_TEST_BROKERS");
    if (address == NULL || address[0] == '\0') {
        (void)puts("1..0 # SKIP SEGUE_TEST_BROKERS names no Kafka (host:port)");
        return NULL;
    }
    return address;
}

static struct kafka_connection connection(const char *application, const char *instance)
{
    return (struct kafka_connection){.brokers = broker_address(),
                                     .application = application,
                                     .instance = instance,
                                     .log_function = say};
}

void broker_world_open(struct broker_world *world, const char *name)
{
    broker_world_make(world, name, BROKER_JOURNALS);
}

void broker_world_make(struct broker_world *world, const char *name, uint32_t journals)
{
    (void)snprintf(world->prefix, sizeof(world->prefix), "it-%s-%d-%lld", name, (int)getpid(),
                   (long long)now_ms());
    (void)snprintf(world->transactions, sizeof(world->transactions), "%s.tx", world->prefix);
    (void)snprintf(world->app, sizeof(world->app), "%s.app", world->prefix);
    (void)snprintf(world->journal, sizeof(world->journal), "%s.journal", world->prefix);
    (void)snprintf(world->checkpoints, sizeof(world->checkpoints), "%s.checkpoints", world->prefix);
    (void)snprintf(world->outputs, sizeof(world->outputs), "%s.out", world->prefix);
    const struct kafka_topic_want wants[] = {
        {.name = world->transactions, .partition_count = BROKER_TASKS, .replication_factor = 1},
        {.name = world->app, .partition_count = BROKER_TASKS, .replication_factor = 1},
        {.name = world->journal,
         .partition_count = journals,
         .replication_factor = 1,
         .config = {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}},
         .config_count = 2},
        {.name = world->checkpoints,
         .partition_count = BROKER_JOURNALS,
         .replication_factor = 1,
         .config = {{"cleanup.policy", "compact"}},
         .config_count = 1},
        {.name = world->outputs, .partition_count = 1, .replication_factor = 1},
    };
    struct kafka_connection from = connection("it", "admin");
    struct kafka_admin *admin = NULL;
    struct status_text text = {""};
    ck_assert_msg(kafka_admin_open(&from, 10000, &admin, &text) == STATUS_OK, "%s", text.text);
    ck_assert_msg(kafka_admin_create(admin, wants, 5, 20000, &text) == STATUS_OK, "%s", text.text);
    kafka_admin_close(admin);
}

struct kafka_log_settings broker_settings(const struct broker_world *world, const char *instance,
                                          uint32_t workers)
{
    struct kafka_log_settings settings = {
        .connection = connection(world->prefix, instance),
        .journal_topic = world->journal,
        .checkpoint_topic = world->checkpoints,
        .output_topics = {world->outputs},
        .output_count = 1,
        .worker_count = workers,
    };
    settings.topics[SOURCE_TRANSACTIONS] = world->transactions;
    settings.topics[SOURCE_APP_ENGAGEMENT] = world->app;
    return settings;
}

static rd_kafka_t *plain_client(rd_kafka_type_t type, const char *const *settings)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];
    (void)rd_kafka_conf_set(conf, "bootstrap.servers", broker_address(), why, sizeof(why));
    for (uint32_t i = 0; settings[i] != NULL; i += 2) {
        ck_assert_msg(rd_kafka_conf_set(conf, settings[i], settings[i + 1], why, sizeof(why)) ==
                          RD_KAFKA_CONF_OK,
                      "%s", why);
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof(why));
    ck_assert_msg(client != NULL, "%s", why);
    return client;
}

/* librdkafka's RD_KAFKA_V_* are statement expressions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

static void put_records(rd_kafka_t *client, const char *topic, int32_t partition, uint32_t first,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char value[16];
        int size = snprintf(value, sizeof(value), "%u", first + i);
        rd_kafka_resp_err_t code = rd_kafka_producev(
            client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_KEY("k", 1), RD_KAFKA_V_VALUE(value, (size_t)size),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK), RD_KAFKA_V_END);
        ck_assert_int_eq(code, RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ck_assert_int_eq(rd_kafka_flush(client, 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

#pragma GCC diagnostic pop

void broker_produce(const char *topic, int32_t partition, uint32_t first, uint32_t count)
{
    const char *settings[] = {"acks", "all", "linger.ms", "0", NULL};
    rd_kafka_t *client = plain_client(RD_KAFKA_PRODUCER, settings);
    put_records(client, topic, partition, first, count);
    rd_kafka_destroy(client);
}

struct broker_open *broker_produce_open(const char *topic, int32_t partition,
                                        const char *transactional_id, uint32_t first,
                                        uint32_t count)
{
    char id[64];
    (void)snprintf(id, sizeof(id), "%s-%d", transactional_id,
                   (int)getpid()); /* others may run the same test */
    const char *settings[] = {"transactional.id", id, "linger.ms", "0", NULL};
    struct broker_open *open = calloc(1, sizeof(*open));
    open->client = plain_client(RD_KAFKA_PRODUCER, settings);
    ck_assert_ptr_null(rd_kafka_init_transactions(open->client, 10000));
    ck_assert_ptr_null(rd_kafka_begin_transaction(open->client));
    put_records(open->client, topic, partition, first, count);
    return open;
}

void broker_open_end(struct broker_open *open, bool commit)
{
    rd_kafka_error_t *error = commit ? rd_kafka_commit_transaction(open->client, 10000)
                                     : rd_kafka_abort_transaction(open->client, 10000);
    ck_assert_ptr_null(error);
    rd_kafka_destroy(open->client);
    free(open);
}

int64_t broker_end(const char *topic, int32_t partition)
{
    const char *settings[] = {NULL};
    rd_kafka_t *client = plain_client(RD_KAFKA_CONSUMER, settings);
    int64_t begin, end;
    ck_assert_int_eq(
        rd_kafka_query_watermark_offsets(client, topic, partition, &begin, &end, 10000),
        RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(client);
    return end;
}

void broker_read(const char *topic, int32_t partition, char *out_text, size_t size)
{
    const char *settings[] = {"group.id",
                              "it-outside",
                              "isolation.level",
                              "read_committed",
                              "enable.partition.eof",
                              "true",
                              "enable.auto.commit",
                              "false",
                              NULL};
    rd_kafka_t *client = plain_client(RD_KAFKA_CONSUMER, settings);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = RD_KAFKA_OFFSET_BEGINNING;
    ck_assert_int_eq(rd_kafka_assign(client, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    size_t at = 0;
    out_text[0] = '\0';
    int64_t deadline_ms = now_ms() + 10000;
    bool end = false;
    while (!end) {
        ck_assert_msg(now_ms() < deadline_ms, "%s has no end", topic);
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
        if (message == NULL) {
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            end = true;
        } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && at < size) {
            at += (size_t)snprintf(out_text + at, size - at, "%s%.*s", at > 0 ? "," : "",
                                   (int)message->len, (const char *)message->payload);
        }
        rd_kafka_message_destroy(message);
    }
    (void)rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
}

void broker_await(struct log *log, enum log_event_kind kind, struct log_event *out_event,
                  int32_t timeout_ms)
{
    int64_t deadline_ms = now_ms() + timeout_ms;
    for (;;) {
        while (log->ops->next_event(log, out_event)) {
            if (out_event->kind == kind) {
                return;
            }
            ck_assert_msg(out_event->kind != LOG_FATAL, "%s", out_event->text.text);
        }
        ck_assert_msg(now_ms() < deadline_ms, "no event %d within %d ms", (int)kind, timeout_ms);
        log->ops->wait(log, 20);
    }
}

int64_t broker_fetch(struct log *log, uint32_t task, uint32_t count, int32_t timeout_ms)
{
    int64_t deadline_ms = now_ms() + timeout_ms;
    int64_t last = -1;
    uint32_t got = 0;
    while (got < count) {
        struct log_record records[64];
        uint32_t n =
            log->ops->fetch(log, task, SOURCE_COUNT, records, count - got < 64 ? count - got : 64);
        if (n > 0) {
            last = records[n - 1].offset;
        }
        log->ops->release(log, records, n);
        got += n;
        ck_assert_msg(now_ms() < deadline_ms, "task %u: %u of %u records", task, got, count);
        if (n == 0) {
            log->ops->wait(log, 20);
        }
    }
    return last;
}

void broker_start(struct kafka_log *kafka, uint32_t count)
{
    struct status_text text = {""};
    struct log_event event;
    struct log *log = kafka_worker_log(kafka, 0);
    log->ops->open_producer(log);
    broker_await(log, LOG_PRODUCER_READY, &event, 20000);
    ck_assert_msg(kafka_join(kafka, &text) == STATUS_OK, "%s", text.text);
    for (uint32_t i = 0; i < count; i++) {
        broker_await(log, LOG_ASSIGNED, &event, 30000);
    }
}
