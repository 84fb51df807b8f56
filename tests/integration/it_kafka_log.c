/* SPDX-License-Identifier: Apache-2.0 */
/* io/kafka_log against a real Kafka: what the runtime builds on, seen from outside. */
#include "integration/broker.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "support/suite.h"

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct kafka_log *open_kafka(const struct broker_world *world, const char *instance)
{
    struct kafka_log_settings settings = broker_settings(world, instance, 1);
    struct kafka_log *kafka = NULL;
    struct status_text text = {""};
    ck_assert_msg(kafka_open(&settings, &kafka, &text) == STATUS_OK, "%s", text.text);
    return kafka;
}

static struct log_offset offset_of(uint32_t task, int64_t offset, const char *metadata)
{
    struct log_offset out = {.task = task, .source = SOURCE_TRANSACTIONS, .offset = offset};
    (void)snprintf(out.metadata, sizeof(out.metadata), "%s", metadata);
    return out;
}

static struct log_write write_of(const char *topic, int32_t partition, const char *value)
{
    return (struct log_write){.topic = topic,
                              .partition = partition,
                              .key = slice_text("k"),
                              .has_key = true,
                              .value = slice_text(value),
                              .has_value = true};
}

static void commit(struct log *log, const struct log_transaction *transaction,
                   enum log_event_kind end, struct log_event *out_event)
{
    log->ops->commit(log, transaction);
    int64_t deadline_ms = now_ms() + 30000;
    for (;;) {
        while (log->ops->next_event(log, out_event)) {
            if (out_event->kind >= LOG_COMMIT_DONE && out_event->kind <= LOG_COMMIT_FENCED) {
                ck_assert_msg(out_event->kind == end, "ended as %d: %s", (int)out_event->kind,
                              out_event->text.text);
                return;
            }
            ck_assert_msg(out_event->kind != LOG_FATAL, "%s", out_event->text.text);
        }
        ck_assert_msg(now_ms() < deadline_ms, "the commit does not end");
        log->ops->wait(log, 20);
    }
}

START_TEST(a_transaction_carries_offsets_metadata_and_outputs)
{
    struct broker_world world;
    struct log_event event;
    char text[1024];
    broker_world_open(&world, "txn");
    broker_produce(world.transactions, 1, 0, 100);
    broker_produce(world.app, 1, 1000, 10);
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    ck_assert_uint_eq(kafka_task_count(kafka), BROKER_TASKS);
    ck_assert_uint_eq(kafka_journal_count(kafka), BROKER_JOURNALS);
    ck_assert_str_ne(kafka_cluster_id(kafka), "");
    broker_start(kafka, BROKER_TASKS);
    log->ops->ask_committed(log, 1);
    broker_await(log, LOG_COMMITTED_OFFSETS, &event, 5000);
    ck_assert_int_eq(event.task, 1);
    ck_assert_int_eq(event.offsets[SOURCE_TRANSACTIONS].offset, -1);
    const int64_t from[SOURCE_COUNT] = {-2, 0, -1, -1, -1, -1};
    log->ops->start(log, 1, from);
    (void)broker_fetch(log, 1, 110, 10000);

    const struct header headers[] = {{slice_of("ce_id", 5), slice_of("7", 1)}};
    const struct log_offset offsets[] = {offset_of(1, 100, "n=1;low=0")};
    struct log_write writes[] = {write_of(world.outputs, 0, "changed"),
                                 write_of(world.journal, 1, "cut"),
                                 write_of(world.checkpoints, 0, "")};
    writes[0].headers = headers;
    writes[0].header_count = 1;
    writes[2].has_value = false;
    struct log_written written[3];
    const struct log_transaction transaction = {offsets, 1, writes, 3, written};
    commit(log, &transaction, LOG_COMMIT_DONE, &event);
    ck_assert(!event.reinit);
    ck_assert_int_eq(written[1].offset, 0);
    ck_assert_int_gt(written[1].append_ms, 0);
    broker_read(world.outputs, 0, text, sizeof(text));
    ck_assert_str_eq(text, "changed");
    log->ops->ask_committed(log, 1);
    broker_await(log, LOG_COMMITTED_OFFSETS, &event, 5000);
    ck_assert_int_eq(event.offsets[SOURCE_TRANSACTIONS].offset, 100);
    ck_assert_str_eq(event.offsets[SOURCE_TRANSACTIONS].metadata, "n=1;low=0");
    ck_assert_int_eq(event.offsets[SOURCE_APP_ENGAGEMENT].offset, -1);
    kafka_close(kafka);
}
END_TEST

START_TEST(a_failed_transaction_leaves_nothing_and_a_new_producer_goes_on)
{
    struct broker_world world;
    struct log_event event;
    char text[1024];
    broker_world_open(&world, "fail");
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    const struct log_offset offsets[] = {offset_of(0, 5, "lost")};
    const struct log_write bad[] = {write_of(world.outputs, 0, "lost"),
                                    write_of("it-no-such-topic", 0, "lost")};
    const struct log_transaction lost = {offsets, 1, bad, 2, NULL};
    commit(log, &lost, LOG_COMMIT_FAILED, &event);
    ck_assert_msg(strstr(event.text.text, "it-no-such-topic") != NULL, "%s", event.text.text);
    /* Without a producer nothing can be committed. */
    const struct log_write good[] = {write_of(world.outputs, 0, "kept")};
    const struct log_offset kept[] = {offset_of(0, 6, "kept")};
    const struct log_transaction again = {kept, 1, good, 1, NULL};
    commit(log, &again, LOG_COMMIT_FAILED, &event);
    int64_t begin_ms = now_ms();
    log->ops->open_producer(log);
    broker_await(log, LOG_PRODUCER_READY, &event, 10000);
    ck_assert_int_lt(now_ms() - begin_ms, 450); /* not librdkafka's 500 ms */
    commit(log, &again, LOG_COMMIT_DONE, &event);
    broker_read(world.outputs, 0, text, sizeof(text));
    ck_assert_str_eq(text, "kept");
    log->ops->ask_committed(log, 0);
    broker_await(log, LOG_COMMITTED_OFFSETS, &event, 5000);
    ck_assert_int_eq(event.offsets[SOURCE_TRANSACTIONS].offset, 6);
    ck_assert_str_eq(event.offsets[SOURCE_TRANSACTIONS].metadata, "kept");
    kafka_close(kafka);
}
END_TEST

START_TEST(a_second_process_under_the_same_name_ends_the_first)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "fence");
    struct kafka_log *first = open_kafka(&world, "one");
    struct log *old = kafka_worker_log(first, 0);
    broker_start(first, BROKER_TASKS);
    struct kafka_log *second = open_kafka(&world, "one");
    broker_start(second, BROKER_TASKS);
    const struct log_offset offsets[] = {offset_of(0, 5, "zombie")};
    const struct log_transaction zombie = {offsets, 1, NULL, 0, NULL};
    bool fatal = false;
    bool tried = false;
    int64_t deadline_ms = now_ms() + 15000;
    while (!fatal && now_ms() < deadline_ms) {
        while (old->ops->next_event(old, &event)) {
            fatal = fatal || event.kind == LOG_FATAL;
            ck_assert_int_ne(event.kind, LOG_COMMIT_DONE);
        }
        if (!tried) {
            old->ops->commit(old, &zombie);
            tried = true;
        }
        old->ops->wait(old, 20);
    }
    ck_assert_msg(fatal, "the first never hears that it is fenced");
    struct log *log = kafka_worker_log(second, 0);
    log->ops->ask_committed(log, 0);
    broker_await(log, LOG_COMMITTED_OFFSETS, &event, 5000);
    ck_assert_int_eq(event.offsets[SOURCE_TRANSACTIONS].offset, -1);
    kafka_close(second);
    kafka_close(first);
}
END_TEST

START_TEST(a_rebalance_revokes_and_refuses_commits_of_the_old_assignment)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "move");
    struct kafka_log *first = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(first, 0);
    broker_start(first, BROKER_TASKS);
    struct kafka_log *second = open_kafka(&world, "two");
    struct log *other = kafka_worker_log(second, 0);
    struct status_text text = {""};
    ck_assert_msg(kafka_join(second, &text) == STATUS_OK, "%s", text.text);
    /* Until the worker looks, it believes in its tasks; what it commits then is refused. */
    const struct log_offset offsets[] = {offset_of(3, 9, "late")};
    const struct log_transaction late = {offsets, 1, NULL, 0, NULL};
    broker_await(other, LOG_ASSIGNED, &event, 20000);
    ck_assert_uint_ge(event.task, 2);
    log->ops->commit(log, &late);
    uint32_t revoked = 0;
    uint32_t assigned = 0;
    bool refused = false;
    int64_t deadline_ms = now_ms() + 20000;
    while ((revoked < BROKER_TASKS || assigned < 2 || !refused) && now_ms() < deadline_ms) {
        while (log->ops->next_event(log, &event)) {
            revoked += event.kind == LOG_REVOKED;
            assigned += event.kind == LOG_ASSIGNED;
            ck_assert_int_ne(event.kind, LOG_COMMIT_DONE);
            /* FENCED says "wait for LOG_ASSIGNED": never after that has come. */
            ck_assert(event.kind != LOG_COMMIT_FENCED || assigned == 0);
            refused = refused || event.kind == LOG_COMMIT_FAILED || event.kind == LOG_COMMIT_FENCED;
        }
        log->ops->wait(log, 20);
    }
    ck_assert_uint_eq(revoked, BROKER_TASKS);
    ck_assert_uint_eq(assigned, 2);
    ck_assert(refused);
    kafka_close(second);
    kafka_close(first);
}
END_TEST

/* Read a task's journal to its end: count records, check that offsets rise. */
static uint32_t read_to_end(struct log *log, uint32_t task, struct log_event *out_event)
{
    uint32_t count = 0;
    int64_t last = -1;
    int64_t deadline_ms = now_ms() + 10000;
    for (;;) {
        while (log->ops->next_event(log, out_event)) {
            if (out_event->task != task) {
                continue;
            }
            if (out_event->kind == LOG_JOURNAL_END) {
                return count;
            }
            ck_assert_int_eq(out_event->kind, LOG_JOURNAL_RECORD);
            ck_assert_int_gt(out_event->record.offset, last);
            last = out_event->record.offset;
            count++;
        }
        ck_assert_msg(now_ms() < deadline_ms, "the journal has no end");
        log->ops->wait(log, 20);
    }
}

START_TEST(the_journal_ends_at_the_last_stable_offset)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "journal");
    broker_open_end(broker_produce_open(world.journal, 0, "it-a", 0, 10),
                    true); /* 0..9, marker 10 */
    broker_open_end(broker_produce_open(world.journal, 0, "it-a", 50, 5),
                    false); /* 11..15 aborted, marker 16 */
    struct broker_open *open =
        broker_produce_open(world.journal, 0, "it-b", 100, 3); /* 17..19, open */
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    log->ops->read_journal(log, 0, -2);
    ck_assert_uint_eq(read_to_end(log, 0, &event), 10);
    ck_assert_int_eq(event.journal_start, 0);
    ck_assert_int_eq(event.journal_end, 17);
    /* A neighbour of the same partition begins later and lower down: each gets what it asked for.
     */
    log->ops->read_journal(log, 1, 4);
    ck_assert_uint_eq(read_to_end(log, 1, &event), 6);
    broker_open_end(open, true);
    ck_assert_uint_eq(read_to_end(log, 0, &event), 3);
    /* 17..19, marker 20; a broker that is slow to answer itself writes a marker again. */
    int64_t end = broker_end(world.journal, 0);
    ck_assert_int_ge(end, 21);
    ck_assert_int_eq(event.journal_end, end);
    log->ops->stop_journal(log, 0);
    log->ops->stop_journal(log, 1);
    /* At the end already: told again to one who begins there. */
    log->ops->read_journal(log, 0, end);
    ck_assert_uint_eq(read_to_end(log, 0, &event), 0);
    while (log->ops->next_event(log, &event)) {
        ck_assert_int_ne(event.kind, LOG_JOURNAL_END); /* once is enough */
    }
    log->ops->read_journal(log, 1, end);
    ck_assert_uint_eq(read_to_end(log, 1, &event), 0);
    kafka_close(kafka);
}
END_TEST

static bool low_offset(const char *metadata, int64_t *out_offset)
{
    char *end;
    *out_offset = strtoll(metadata, &end, 10);
    return end != metadata;
}

START_TEST(a_truncated_journal_says_where_it_begins)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "cut");
    broker_produce(world.journal, 1, 0, 20);
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    /* Tasks 2 and 3 of 4 share journal partition 1 of 2: the least of what both need stays. */
    const struct log_offset first[] = {offset_of(3, 1, "12")};
    const struct log_transaction one = {.offsets = first, .offset_count = 1};
    commit(log, &one, LOG_COMMIT_DONE, &event);
    log->ops->trim_journal(log, 3, 0, low_offset); /* task 2 has said nothing: nothing goes */
    broker_await(log, LOG_DELETED, &event, 10000);
    const struct log_offset second[] = {offset_of(2, 1, "8")};
    const struct log_transaction two = {.offsets = second, .offset_count = 1};
    commit(log, &two, LOG_COMMIT_DONE, &event);
    log->ops->read_journal(log, 3, 0);
    ck_assert_uint_eq(read_to_end(log, 3, &event), 20);
    ck_assert_int_eq(event.journal_start, 0);
    log->ops->stop_journal(log, 3);
    log->ops->trim_journal(log, 3, 3600000, low_offset); /* too young */
    broker_await(log, LOG_DELETED, &event, 10000);
    log->ops->read_journal(log, 3, 0);
    ck_assert_uint_eq(read_to_end(log, 3, &event), 20);
    log->ops->stop_journal(log, 3);
    log->ops->trim_journal(log, 3, 0, low_offset);
    broker_await(log, LOG_DELETED, &event, 10000);
    ck_assert_str_eq(event.text.text, "");
    log->ops->read_journal(log, 3, 2); /* gone: the rest is read */
    ck_assert_uint_eq(read_to_end(log, 3, &event), 12);
    ck_assert_int_eq(event.journal_start, 8);
    ck_assert_int_eq(event.journal_end, 20);
    kafka_close(kafka);
}
END_TEST

START_TEST(checkpoints_are_read_to_their_end_at_the_question)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "check");
    broker_produce(world.checkpoints, 0, 0, 7);
    struct broker_open *open = broker_produce_open(world.checkpoints, 0, "it-c", 7, 2); /* 7, 8 */
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    log->ops->read_checkpoints(log, 1);
    /* The high watermark is beyond the last stable offset: no end may be told yet. */
    int64_t until_ms = now_ms() + 700;
    uint32_t before = 0;
    while (now_ms() < until_ms) {
        while (log->ops->next_event(log, &event)) {
            ck_assert_int_eq(event.kind, LOG_JOURNAL_RECORD);
            ck_assert_uint_eq(event.task, 1 | LOG_CHECKPOINT_READER);
            before++;
        }
        log->ops->wait(log, 20);
    }
    ck_assert_uint_eq(before, 7);
    broker_open_end(open, true);
    ck_assert_uint_eq(read_to_end(log, 1 | LOG_CHECKPOINT_READER, &event), 2);
    /* An empty partition has an end too. */
    log->ops->read_checkpoints(log, 2);
    ck_assert_uint_eq(read_to_end(log, 2 | LOG_CHECKPOINT_READER, &event), 0);
    kafka_close(kafka);
}
END_TEST

START_TEST(a_restart_takes_its_place_and_finds_its_offsets)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "again");
    broker_produce(world.transactions, 2, 0, 50);
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    const struct log_offset offsets[] = {offset_of(2, 30, "n=4;low=2;at=1:17")};
    const struct log_transaction transaction = {offsets, 1, NULL, 0, NULL};
    commit(log, &transaction, LOG_COMMIT_DONE, &event);
    kafka_close(kafka);

    int64_t begin_ms = now_ms();
    kafka = open_kafka(&world, "one");
    log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    log->ops->ask_committed(log, 2);
    broker_await(log, LOG_COMMITTED_OFFSETS, &event, 5000);
    ck_assert_int_eq(event.offsets[SOURCE_TRANSACTIONS].offset, 30);
    ck_assert_str_eq(event.offsets[SOURCE_TRANSACTIONS].metadata, "n=4;low=2;at=1:17");
    const int64_t from[SOURCE_COUNT] = {30, -1, -1, -1, -1, -1};
    log->ops->start(log, 2, from);
    ck_assert_int_eq(broker_fetch(log, 2, 20, 5000), 49);
    ck_assert_int_lt(now_ms() - begin_ms,
                     5000); /* static membership: no session time-out is waited for */
    kafka_close(kafka);
}
END_TEST

START_TEST(a_task_that_has_read_all_is_caught_up_behind_markers_too)
{
    struct broker_world world;
    broker_world_open(&world, "marks");
    broker_open_end(broker_produce_open(world.transactions, 0, "it-d", 0, 10),
                    true); /* marker at 10 */
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    const int64_t from[SOURCE_COUNT] = {0, -1, -1, -1, -1, -1};
    log->ops->start(log, 0, from);
    ck_assert_int_eq(broker_fetch(log, 0, 10, 5000), 9);
    int64_t until_ms = now_ms() + 3000;
    struct log_record record;
    bool empty = false;
    while (log->ops->high_watermark(log, 0, SOURCE_TRANSACTIONS, &empty) != 10 &&
           now_ms() < until_ms) {
        ck_assert_uint_eq(log->ops->fetch(log, 0, SOURCE_COUNT, &record, 1), 0);
        log->ops->wait(log, 20);
    }
    ck_assert_int_eq(log->ops->high_watermark(log, 0, SOURCE_TRANSACTIONS, &empty), 10);
    ck_assert(!empty);
    ck_assert_int_eq(log->ops->high_watermark(log, 0, SOURCE_APP_ENGAGEMENT, &empty), -1);
    /* New records end the sleep at once. */
    while (log->ops->fetch(log, 0, SOURCE_COUNT, &record, 1) > 0) {
    }
    log->ops->wait(log, 0);
    for (uint32_t round = 0; round < 5; round++) {
        broker_produce(world.transactions, 0, 10 + round, 1);
        int64_t begin_ms = now_ms();
        uint32_t got = 0;
        while (got == 0) {
            log->ops->wait(log, 2000);
            got = log->ops->fetch(log, 0, SOURCE_COUNT, &record, 1);
        }
        ck_assert_int_lt(now_ms() - begin_ms, 500);
        log->ops->release(log, &record, 1);
        /* A queue wakes when it was empty: take the partition's end as well. */
        while (log->ops->fetch(log, 0, SOURCE_COUNT, &record, 1) > 0) {
        }
    }
    kafka_close(kafka);
}
END_TEST

static long resident_kib(void)
{
    long size = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld %ld", &size, &resident), 2);
    (void)fclose(file);
    return resident * (long)(sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(a_worker_that_takes_nothing_bounds_the_queue)
{
    /* Counts payload: records as tiny as these take 30 times that. */
    static const struct kafka_property small[] = {{"queued.max.messages.kbytes", "256"},
                                                  {"fetch.message.max.bytes", "262144"}};
    struct broker_world world;
    struct kafka_log *kafka = NULL;
    struct status_text text = {""};
    broker_world_open(&world, "full");
    broker_produce(world.transactions, 0, 1000000,
                   400000); /* over 60 MiB as librdkafka's messages */
    broker_produce(world.app, 0, 1000000, 200000);
    struct kafka_log_settings settings = broker_settings(&world, "one", 1);
    settings.connection.properties = small;
    settings.connection.property_count = 2;
    ck_assert_msg(kafka_open(&settings, &kafka, &text) == STATUS_OK, "%s", text.text);
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    const int64_t from[SOURCE_COUNT] = {0, 0, -1, -1, -1, -1};
    long before_kib = resident_kib();
    log->ops->start(log, 0, from);
    int64_t until_ms = now_ms() + 2500;
    while (now_ms() < until_ms) {
        log->ops->wait(log, 100);
    }
    ck_assert_int_lt(resident_kib() - before_kib, 40000);
    (void)broker_fetch(log, 0, 600000, 60000); /* and it goes on */
    kafka_close(kafka);
}
END_TEST

START_TEST(only_the_answer_to_the_last_question_comes)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "asks");
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    log->ops->ask_committed(log, 2);
    (void)usleep(300000); /* its answer is there, but not looked at */
    for (uint32_t i = 0; i < 1000; i++) {
        log->ops->ask_committed(log, 2);
    }
    broker_await(log, LOG_COMMITTED_OFFSETS, &event, 5000);
    int64_t until_ms = now_ms() + 300;
    while (now_ms() < until_ms) {
        ck_assert(!log->ops->next_event(log, &event));
        log->ops->wait(log, 20);
    }
    kafka_close(kafka);
}
END_TEST

START_TEST(an_offset_that_is_gone_is_told_not_skipped)
{
    struct broker_world world;
    struct log_event event;
    broker_world_open(&world, "gone");
    broker_produce(world.transactions, 0, 0, 3);
    struct kafka_log *kafka = open_kafka(&world, "one");
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    const int64_t from[SOURCE_COUNT] = {500, -1, -1, -1, -1, -1};
    log->ops->start(log, 0, from);
    bool gone = false;
    int64_t until_ms = now_ms() + 10000;
    while (!gone && now_ms() < until_ms) {
        struct log_record record;
        ck_assert_uint_eq(log->ops->fetch(log, 0, SOURCE_COUNT, &record, 1), 0);
        while (!gone && log->ops->next_event(log, &event)) {
            gone = event.kind == LOG_INPUT_GONE;
        }
        log->ops->wait(log, 20);
    }
    ck_assert(gone);
    ck_assert_uint_eq(event.task, 0);
    ck_assert_uint_eq(event.ticket, SOURCE_TRANSACTIONS);
    ck_assert_msg(strstr(event.text.text, world.transactions) != NULL, "%s", event.text.text);
    kafka_close(kafka);
}
END_TEST

START_TEST(wrong_topics_are_refused_with_the_mend)
{
    struct broker_world world;
    struct status_text text = {""};
    struct kafka_log *kafka = NULL;
    broker_world_open(&world, "topics");
    struct kafka_log_settings settings = broker_settings(&world, "one", 1);
    settings.journal_topic = world.checkpoints;
    ck_assert_int_eq(kafka_open(&settings, &kafka, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "cleanup.policy=compact, must be delete") != NULL, "%s",
                  text.text);
    settings = broker_settings(&world, "one", 1);
    settings.topics[SOURCE_APP_ENGAGEMENT] = world.outputs;
    ck_assert_int_eq(kafka_open(&settings, &kafka, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "all sources need the same number") != NULL, "%s", text.text);
    settings = broker_settings(&world, "one", 1);
    settings.checkpoint_topic = "it-no-such-topic";
    ck_assert_int_eq(kafka_open(&settings, &kafka, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "it-no-such-topic") != NULL, "%s", text.text);
}
END_TEST

int main(void)
{
    if (broker_address() == NULL) {
        return BROKER_EXIT_SKIPPED;
    }
    Suite *suite = suite_create("kafka_log");
    TCase *tests = tcase_create("real broker");
    tcase_set_timeout(tests, 90);
    tcase_add_test(tests, a_transaction_carries_offsets_metadata_and_outputs);
    tcase_add_test(tests, a_failed_transaction_leaves_nothing_and_a_new_producer_goes_on);
    tcase_add_test(tests, a_second_process_under_the_same_name_ends_the_first);
    tcase_add_test(tests, a_rebalance_revokes_and_refuses_commits_of_the_old_assignment);
    tcase_add_test(tests, the_journal_ends_at_the_last_stable_offset);
    tcase_add_test(tests, a_truncated_journal_says_where_it_begins);
    tcase_add_test(tests, checkpoints_are_read_to_their_end_at_the_question);
    tcase_add_test(tests, a_restart_takes_its_place_and_finds_its_offsets);
    tcase_add_test(tests, a_task_that_has_read_all_is_caught_up_behind_markers_too);
    tcase_add_test(tests, a_worker_that_takes_nothing_bounds_the_queue);
    tcase_add_test(tests, only_the_answer_to_the_last_question_comes);
    tcase_add_test(tests, an_offset_that_is_gone_is_told_not_skipped);
    tcase_add_test(tests, wrong_topics_are_refused_with_the_mend);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
