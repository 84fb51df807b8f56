/* SPDX-License-Identifier: Apache-2.0 */
/* What merging sources needs from a real Kafka: one at a time, and where they end now. */
#include "integration/broker.h"

#include "io/kafka_client.h"
#include "support/suite.h"

START_TEST(sources_apart_are_fetched_one_by_one_and_their_ends_can_be_asked_for)
{
    struct broker_world world;
    struct log_event event;
    struct log_record record;
    struct kafka_log *kafka = NULL;
    struct status_text text = {""};
    bool empty = false;
    broker_world_open(&world, "apart");
    broker_produce(world.transactions, 0, 0, 10);
    broker_produce(world.app, 0, 0, 5);
    struct kafka_log_settings settings = broker_settings(&world, "one", 1);
    settings.sources_apart = true;
    ck_assert_msg(kafka_open(&settings, &kafka, &text) == STATUS_OK, "%s", text.text);
    struct log *log = kafka_worker_log(kafka, 0);
    broker_start(kafka, BROKER_TASKS);
    const int64_t from[SOURCE_COUNT] = {0, 0, -1, -1, -1, -1};
    log->ops->start(log, 0, from);
    int64_t until_ms = kafka_now_ms() + 10000;
    for (uint32_t got = 0; got < 5;) {
        ck_assert_int_lt(kafka_now_ms(), until_ms);
        if (log->ops->fetch(log, 0, SOURCE_APP_ENGAGEMENT, &record, 1) == 1) {
            ck_assert_uint_eq(record.source, SOURCE_APP_ENGAGEMENT);
            ck_assert_int_eq(record.offset, got++);
            log->ops->release(log, &record, 1);
        } else {
            log->ops->wait(log, 20);
        }
    }
    /* Nothing is fetched any more, so only the broker's answer can tell of these and their marker. */
    broker_open_end(broker_produce_open(world.app, 0, "it-apart", 5, 3), true);
    /* The broker says that it committed before the marker is written: it may take a second look to see it. */
    uint32_t ticket = 77;
    do {
        log->ops->ask_ends(log, 0, ticket);
        broker_await(log, LOG_ENDS, &event, 10000);
        ck_assert_uint_eq(event.ticket, ticket);
        ck_assert_uint_eq(event.task, 0);
    } while (log->ops->high_watermark(log, 0, SOURCE_APP_ENGAGEMENT, &empty) < 9 && ++ticket < 177);
    ck_assert_int_eq(log->ops->high_watermark(log, 0, SOURCE_TRANSACTIONS, &empty), 10);
    ck_assert_int_eq(log->ops->high_watermark(log, 0, SOURCE_APP_ENGAGEMENT, &empty), 9);
    ck_assert(!empty);
    kafka_close(kafka);
}
END_TEST

int main(void)
{
    if (broker_address() == NULL) {
        return BROKER_EXIT_SKIPPED;
    }
    Suite *suite = suite_create("kafka_sources");
    TCase *tests = tcase_create("real broker");
    tcase_set_timeout(tests, 90);
    tcase_add_test(tests, sources_apart_are_fetched_one_by_one_and_their_ends_can_be_asked_for);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
