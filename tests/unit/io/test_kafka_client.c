/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_client.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>

#include "io/kafka_replay.h"
#include "support/suite.h"

static const char *const refused[] = {
    "enable.auto.commit",
    "auto.offset.reset",
    "isolation.level",
    "check.crcs",
    "partitioner",
    "acks",
    "partition.assignment.strategy",
    "transactional.id",
    "group.id",
    "group.instance.id",
    "client.id",
    "bootstrap.servers",
    "enable.idempotence",
    "test.mock.num.brokers",
    "plugin.library.paths",
    "rebalance_cb",
};

START_TEST(what_correctness_hangs_on_is_refused)
{
    struct kafka_property property = {refused[_i], "true"};
    struct status_text text = {""};
    ck_assert_int_eq(kafka_properties_check(&property, 1, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, refused[_i]) != NULL, "%s", text.text);
}
END_TEST

START_TEST(other_properties_pass)
{
    const struct kafka_property properties[] = {
        {"security.protocol", "ssl"},    {"linger.ms", "2"},
        {"compression.type", "lz4"},     {"queued.max.messages.kbytes", "1024"},
        {"session.timeout.ms", "20000"},
    };
    struct status_text text = {""};
    ck_assert_msg(kafka_properties_check(properties, 5, &text) == STATUS_OK, "%s", text.text);
    ck_assert_int_eq(kafka_properties_check(NULL, 0, &text), STATUS_OK);
}
END_TEST

START_TEST(unknown_and_bad_values_are_named)
{
    struct kafka_property unknown = {"linger.msec", "2"};
    struct kafka_property bad = {"linger.ms", "soon"};
    struct status_text text = {""};
    ck_assert_int_eq(kafka_properties_check(&unknown, 1, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "linger.msec") != NULL, "%s", text.text);
    ck_assert_int_eq(kafka_properties_check(&bad, 1, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "linger.ms") != NULL, "%s", text.text);
}
END_TEST

START_TEST(a_secret_is_never_in_the_message)
{
    struct kafka_property secret = {"ssl.key.pem", "hunter2"};
    struct kafka_property mechanism = {"sasl.oauthbearer.method", "hunter2"};
    struct status_text text = {""};
    enum status status =
        kafka_properties_check(&secret, 1, &text); /* checked at connect only, or now */
    ck_assert(status == STATUS_OK || status == STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "hunter2") == NULL, "%s", text.text);
    ck_assert_int_eq(kafka_properties_check(&mechanism, 1, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "hunter2") == NULL, "%s", text.text);
}
END_TEST

START_TEST(client_ids_fit_in_32_bytes_and_differ)
{
    const struct kafka_connection small = {.application = "segue", .instance = "a"};
    const struct kafka_connection one = {.application = "a-bank-with-a-rather-long-name",
                                         .instance = "pod-0"};
    const struct kafka_connection two = {.application = "A-bank-with-a-rather-long-name",
                                         .instance = "pod-0"};
    char id[KAFKA_CLIENT_ID_SIZE];
    char other[KAFKA_CLIENT_ID_SIZE];
    kafka_client_id(id, &small, KAFKA_ROLE_PRODUCER, 3);
    ck_assert_str_eq(id, "segue-a-p3");
    kafka_client_id(id, &one, KAFKA_ROLE_PRODUCER, 3);
    kafka_client_id(other, &two, KAFKA_ROLE_PRODUCER, 3);
    ck_assert_uint_eq(strlen(id), 32);
    ck_assert_str_ne(id, other);
    ck_assert_str_eq(id + 32 - strlen("-name-pod-0-p3"), "-name-pod-0-p3");
    kafka_client_id(other, &one, KAFKA_ROLE_PRODUCER, 4);
    ck_assert_str_ne(id, other);
}
END_TEST

START_TEST(transactional_ids_are_stable_and_bounded)
{
    char id[KAFKA_TRANSACTIONAL_ID_SIZE];
    char name[300];
    const struct kafka_connection small = {.application = "segue", .instance = "pod-0"};
    ck_assert(kafka_transactional_id(id, &small, 2));
    ck_assert_str_eq(id, "segue.pod-0.2");
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    const struct kafka_connection huge = {.application = "segue", .instance = name};
    ck_assert(!kafka_transactional_id(id, &huge, 2));
}
END_TEST

START_TEST(every_role_accepts_its_own_properties)
{
    const struct kafka_connection connection = {
        .brokers = "localhost:1", .application = "a", .instance = "i"};
    struct kafka_callbacks callbacks = {.connection = &connection};
    struct status_text text = {""};
    rd_kafka_conf_t *conf = kafka_conf_new(&callbacks, (enum kafka_role)_i, 0, &text);
    ck_assert_msg(conf != NULL, "%s", text.text);
    rd_kafka_conf_destroy(conf);
}
END_TEST

START_TEST(tasks_share_partitions_in_order)
{
    /* floor(t * J / N), N = 8, J = 3 */
    const uint32_t expected[] = {0, 0, 0, 1, 1, 1, 2, 2};
    for (uint32_t task = 0; task < 8; task++) {
        ck_assert_uint_eq(kafka_shared_partition(task, 8, 3), expected[task]);
    }
    ck_assert_uint_eq(kafka_shared_partition(0xfffffffe, 0xffffffff, 4), 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_client");
    TCase *tests = tcase_create("properties and names");
    tcase_add_loop_test(tests, what_correctness_hangs_on_is_refused, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tests, other_properties_pass);
    tcase_add_test(tests, unknown_and_bad_values_are_named);
    tcase_add_test(tests, a_secret_is_never_in_the_message);
    tcase_add_test(tests, client_ids_fit_in_32_bytes_and_differ);
    tcase_add_test(tests, transactional_ids_are_stable_and_bounded);
    tcase_add_loop_test(tests, every_role_accepts_its_own_properties, 0, KAFKA_ROLE_COUNT);
    tcase_add_test(tests, tasks_share_partitions_in_order);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
