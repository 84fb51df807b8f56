/* SPDX-License-Identifier: Apache-2.0 */
/* What `segue tail --once` and every other reader from outside lean on: knowing when all has been read. */
#include "integration/broker.h"

#include "io/kafka_client.h"
#include "io/kafka_reader.h"
#include "support/suite.h"

/* Read until the end is known; how many records came. Fails the test when it is not known in time. */
static uint32_t read_to_end(struct kafka_reader *reader, uint32_t at_least)
{
    struct log_record record;
    struct status_text text = {""};
    uint32_t count = 0;
    int64_t until_ms = kafka_now_ms() + 20000;
    while (count < at_least || !kafka_reader_at_end(reader)) {
        ck_assert_msg(kafka_now_ms() < until_ms, "the end is not known after %u records", count);
        count += kafka_reader_next(reader, 100, &record, &text) == STATUS_OK;
    }
    return count;
}

START_TEST(the_end_is_known_again_after_one_of_several_partitions_went_on)
{
    struct broker_world world;
    struct kafka_reader *reader = NULL;
    struct status_text text = {""};
    broker_world_open(&world, "reader");
    broker_produce(world.transactions, 0, 0,
                   3); /* the other partitions are empty: they end first */
    broker_produce(world.app, 1, 0, 2);
    struct kafka_connection connection = broker_settings(&world, "reader", 1).connection;
    const char *const topics[] = {world.transactions, world.app};
    enum status status =
        kafka_reader_open(&connection, topics, 2, KAFKA_READER_EARLIEST, 10000, &reader, &text);
    ck_assert_msg(status == STATUS_OK, "%s", text.text);
    ck_assert(!kafka_reader_at_end(reader));
    ck_assert_uint_eq(read_to_end(reader, 5), 5);
    broker_produce(world.app, BROKER_TASKS - 1, 0, 4);
    ck_assert_uint_eq(read_to_end(reader, 4), 4);
    broker_produce(world.transactions, 2, 0, 1);
    ck_assert_uint_eq(read_to_end(reader, 1), 1);
    kafka_reader_close(reader);
}
END_TEST

int main(void)
{
    if (broker_address() == NULL) {
        return BROKER_EXIT_SKIPPED;
    }
    Suite *suite = suite_create("kafka_reader");
    TCase *tests = tcase_create("real broker");
    tcase_set_timeout(tests, 90);
    tcase_add_test(tests, the_end_is_known_again_after_one_of_several_partitions_went_on);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
