/* SPDX-License-Identifier: Apache-2.0 */
/* What io/kafka_log costs against a real Kafka: begin..commit at a pace, and draining a topic.
 * usage: SEGUE_TEST_BROKERS=host:port bench_kafka_log [name=value of `kafka:` ..] */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "integration/broker.h"
#include "support/suite.h"

enum { JOURNALS = 4, ROUNDS = 200, PACE_US = 50000, DRAIN_COUNT = 1000000 };

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* Commits with one cut in each of `journals` partitions and `outputs` outputs; 0 pace: back to
 * back. */
static void bench_commits(struct log *log, const struct broker_world *world, uint32_t journals,
                          uint32_t outputs, int64_t pace_us)
{
    static uint8_t cut[4096];
    static int64_t spent_us[ROUNDS];
    struct log_write writes[64];
    uint32_t reinits = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < outputs; i++) {
        writes[count++] = (struct log_write){.topic = world->outputs,
                                             .partition = 0,
                                             .key = slice_text("customer"),
                                             .has_key = true,
                                             .value = slice_of(cut, 400),
                                             .has_value = true};
    }
    for (uint32_t j = 0; j < journals; j++) {
        writes[count++] = (struct log_write){.topic = world->journal,
                                             .partition = (int32_t)j,
                                             .value = slice_of(cut, sizeof(cut)),
                                             .has_value = true};
    }
    int64_t begin_us = now_us();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct log_offset offsets[BROKER_TASKS];
        for (uint32_t t = 0; t < BROKER_TASKS; t++) {
            offsets[t] =
                (struct log_offset){.task = t, .source = SOURCE_TRANSACTIONS, .offset = round};
            (void)snprintf(offsets[t].metadata, sizeof(offsets[t].metadata), "n=%u;low=0", round);
        }
        const struct log_transaction transaction = {offsets, BROKER_TASKS, writes, count, NULL};
        struct log_event event;
        int64_t started_us = now_us();
        log->ops->commit(log, &transaction);
        broker_await(log, LOG_COMMIT_DONE, &event, 20000);
        spent_us[round] = now_us() - started_us;
        if (event.reinit) {
            reinits++;
            log->ops->open_producer(log);
            broker_await(log, LOG_PRODUCER_READY, &event, 20000);
        }
        int64_t next_us = started_us + pace_us - now_us();
        if (next_us > 0) {
            (void)usleep((useconds_t)next_us);
        }
    }
    int64_t whole_us = now_us() - begin_us;
    qsort(spent_us, ROUNDS, sizeof(spent_us[0]), by_value);
    int64_t p50_us = spent_us[ROUNDS / 2];
    int64_t p99_us = spent_us[ROUNDS * 99 / 100];
    (void)printf(
        "commit_%u_journals_%u_outputs_%lld_ms_pace: p50 %.1f ms, p99 %.1f ms, %.1f per s, %u "
        "reinits\n",
        journals, outputs, (long long)(pace_us / 1000), (double)p50_us / 1000.0,
        (double)p99_us / 1000.0, ROUNDS * 1e6 / (double)whole_us, reinits);
    (void)fflush(stdout);
}

static void bench_drain(struct log *log, const struct broker_world *world)
{
    for (int32_t p = 0; p < BROKER_TASKS; p++) {
        broker_produce(world->transactions, p, 100000000, DRAIN_COUNT / BROKER_TASKS);
    }
    const int64_t from[SOURCE_COUNT] = {0, -1, -1, -1, -1, -1};
    struct log_record records[512];
    uint32_t count = 0;
    int64_t begin_us = now_us();
    for (uint32_t t = 0; t < BROKER_TASKS; t++) {
        log->ops->start(log, t, from);
    }
    struct timespec cpu_begin;
    struct timespec cpu_end;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu_begin);
    while (count < DRAIN_COUNT) {
        uint32_t before = count;
        for (uint32_t t = 0; t < BROKER_TASKS; t++) {
            uint32_t got = log->ops->fetch(log, t, SOURCE_COUNT, records, 512);
            log->ops->release(log, records, got);
            count += got;
        }
        if (count == before) {
            log->ops->wait(log, 100);
        }
    }
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu_end);
    double cpu_ns = (double)(cpu_end.tv_sec - cpu_begin.tv_sec) * 1e9 +
                    (double)(cpu_end.tv_nsec - cpu_begin.tv_nsec);
    (void)printf("drain_per_s: %.0f\nfetch_and_release_ns_per_record: %.0f\n",
                 DRAIN_COUNT * 1e6 / (double)(now_us() - begin_us), cpu_ns / DRAIN_COUNT);
}

static int property_count;
static char **property_texts;

/* A Check test, because the helpers of the integration tests report through Check. */
START_TEST(measure)
{
    static struct kafka_property properties[16];
    struct broker_world world;
    struct kafka_log *kafka = NULL;
    struct status_text text = {""};
    broker_world_make(&world, "bench", JOURNALS);
    struct kafka_log_settings settings = broker_settings(&world, "one", 1);
    for (int i = 0; i < property_count && i < 16; i++) {
        char *equals = strchr(property_texts[i], '=');
        ck_assert_ptr_nonnull(equals);
        *equals = '\0';
        properties[settings.connection.property_count++] =
            (struct kafka_property){property_texts[i], equals + 1};
    }
    settings.connection.properties = properties;
    ck_assert_msg(kafka_open(&settings, &kafka, &text) == STATUS_OK, "%s", text.text);
    broker_start(kafka, BROKER_TASKS);
    struct log *log = kafka_worker_log(kafka, 0);
    bench_commits(log, &world, 1, 0, PACE_US);
    bench_commits(log, &world, JOURNALS, 0, PACE_US);
    bench_commits(log, &world, JOURNALS, 50, PACE_US);
    bench_commits(log, &world, 1, 0, 0);
    if (getenv("SEGUE_BENCH_DRAIN") != NULL) {
        bench_drain(log, &world);
    }
    kafka_close(kafka);
}
END_TEST

int main(int argument_count, char **arguments)
{
    if (broker_address() == NULL) {
        return BROKER_EXIT_SKIPPED;
    }
    property_count = argument_count - 1;
    property_texts = arguments + 1;
    Suite *suite = suite_create("bench_kafka_log");
    TCase *tests = tcase_create("measure");
    tcase_add_test(tests, measure);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_MINIMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
