/* SPDX-License-Identifier: Apache-2.0 */
/* Against librdkafka's mock cluster: what a reader from outside is told when it may not read, or when nobody
 * answers. Silence would look like an empty topic. */
#include "io/kafka_reader.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

#include "support/suite.h"

enum { API_FETCH = 1, TIMEOUT_MS = 20000, STEP_MS = 100, STEPS_MAX = 200 };

static rd_kafka_t *helper;
static rd_kafka_mock_cluster_t *cluster;
static struct kafka_reader *reader;
static struct status_text text;

static void open_cluster(void)
{
    char errstr[256];
    helper = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), errstr, sizeof(errstr));
    cluster = rd_kafka_mock_cluster_new(helper, 1);
    ck_assert_ptr_nonnull(cluster);
    (void)rd_kafka_mock_topic_create(cluster, "playbook", 1, 1);
    reader = NULL;
    text.text[0] = '\0';
}

static void tear_down(void)
{
    kafka_reader_close(reader);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(helper);
}

static enum status open_with(const struct kafka_property *properties, uint32_t count)
{
    static const char *const topics[] = {"playbook"};
    const struct kafka_connection connection = {.brokers =
                                                    rd_kafka_mock_cluster_bootstraps(cluster),
                                                .application = "app",
                                                .instance = "one",
                                                .properties = properties,
                                                .property_count = count};
    return kafka_reader_open(&connection, topics, 1, KAFKA_READER_EARLIEST, TIMEOUT_MS, &reader,
                             &text);
}

/* Read until something else comes than "nothing yet". */
static enum status read_on(void)
{
    struct log_record record;
    enum status status = STATUS_RETRY;
    for (uint32_t i = 0; i < STEPS_MAX && status == STATUS_RETRY; i++) {
        status = kafka_reader_next(reader, STEP_MS, &record, &text);
    }
    return status;
}

static void assert_said(const char *words)
{
    ck_assert_msg(strstr(text.text, words) != NULL, "%s", text.text);
}

START_TEST(reading_that_is_denied_is_told_with_its_mend)
{
    ck_assert_int_eq(open_with(NULL, 0), STATUS_OK);
    rd_kafka_mock_push_request_errors(cluster, API_FETCH, 2,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    ck_assert_int_eq(read_on(), STATUS_INVALID);
    assert_said("kafka-acls.sh");
    assert_said("--operation Read --topic playbook");
}
END_TEST

START_TEST(a_topic_that_may_not_be_seen_is_not_called_missing)
{
    rd_kafka_mock_topic_set_error(cluster, "playbook",
                                  RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    ck_assert_int_eq(open_with(NULL, 0), STATUS_INVALID);
    assert_said("--operation Read --topic playbook");
    ck_assert_msg(strstr(text.text, "does not exist") == NULL, "%s", text.text);
}
END_TEST

START_TEST(a_topic_that_is_not_there_is_called_missing)
{
    rd_kafka_mock_topic_set_error(cluster, "playbook", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    ck_assert_int_eq(open_with(NULL, 0), STATUS_INVALID);
    assert_said("segue topics --create");
}
END_TEST

START_TEST(why_nobody_answers_is_told_until_the_end_is_read)
{
    struct log_record record;
    ck_assert_int_eq(open_with(NULL, 0), STATUS_OK);
    for (uint32_t i = 0; i < STEPS_MAX && !kafka_reader_at_end(reader); i++) {
        ck_assert_int_eq(kafka_reader_next(reader, STEP_MS, &record, &text), STATUS_RETRY);
    }
    ck_assert_str_eq(text.text, "");
    rd_kafka_mock_broker_set_down(cluster, 1);
    for (uint32_t i = 0; i < STEPS_MAX && text.text[0] == '\0'; i++) {
        ck_assert_int_eq(kafka_reader_next(reader, STEP_MS, &record, &text), STATUS_RETRY);
    }
    ck_assert_str_ne(text.text, "");
}
END_TEST

START_TEST(properties_are_judged_as_for_every_other_client)
{
    const struct kafka_property refused = {"auto.offset.reset", "latest"};
    const struct kafka_property secret = {"sasl.oauthbearer.method", "hunter2"};
    ck_assert_int_eq(open_with(&refused, 1), STATUS_INVALID);
    assert_said("auto.offset.reset");
    ck_assert_int_eq(open_with(&secret, 1), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "hunter2") == NULL, "%s", text.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_reader");
    TCase *tests = tcase_create("trouble");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, open_cluster, tear_down);
    tcase_add_test(tests, reading_that_is_denied_is_told_with_its_mend);
    tcase_add_test(tests, a_topic_that_may_not_be_seen_is_not_called_missing);
    tcase_add_test(tests, a_topic_that_is_not_there_is_called_missing);
    tcase_add_test(tests, why_nobody_answers_is_told_until_the_end_is_read);
    tcase_add_test(tests, properties_are_judged_as_for_every_other_client);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
