/* SPDX-License-Identifier: Apache-2.0 */
/* Against librdkafka's mock cluster: what a start does while a leader is being elected, or a
 * coordinator is not yet what it is going to be. */
#include "io/kafka_look.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "support/suite.h"

enum {
    API_LIST_OFFSETS = 2,
    API_OFFSET_FETCH = 9,
    TIMEOUT_MS = 20000,
    SHORT_MS = 300,
    ELECTIONS_MANY = 100
};

static rd_kafka_t *helper;
static rd_kafka_mock_cluster_t *cluster;
static struct kafka_look *look;
static struct status_text text;
static int64_t low, high;

static void open_cluster(void)
{
    char errstr[256];
    helper = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), errstr, sizeof(errstr));
    cluster = rd_kafka_mock_cluster_new(helper, 1);
    ck_assert_ptr_nonnull(cluster);
    (void)rd_kafka_mock_topic_create(cluster, "journal", 1, 1);
}

static void open_look(int32_t timeout_ms)
{
    struct kafka_connection connection = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                                          .application = "app",
                                          .instance = "one"};
    ck_assert_int_eq(kafka_look_open(&connection, "app", true, timeout_ms, &look, &text),
                     STATUS_OK);
}

static void tear_down(void)
{
    kafka_look_close(look);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(helper);
}

static void elections(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        rd_kafka_mock_push_request_errors(cluster, API_LIST_OFFSETS, 1,
                                          RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    }
}

START_TEST(an_election_is_waited_for)
{
    open_look(TIMEOUT_MS);
    elections(3);
    enum status status = kafka_look_marks(look, "journal", 0, &low, &high, &text);
    ck_assert_msg(status == STATUS_OK, "%s", text.text);
    ck_assert_int_eq(high, 0);
}
END_TEST

START_TEST(an_election_without_end_is_told)
{
    open_look(SHORT_MS);
    elections(ELECTIONS_MANY);
    ck_assert_int_eq(kafka_look_marks(look, "journal", 0, &low, &high, &text), STATUS_AWAY);
    ck_assert_msg(strstr(text.text, "journal") != NULL, "%s", text.text);
    ck_assert(!kafka_look_denied(look));
}
END_TEST

START_TEST(a_coordinator_that_has_just_begun_is_waited_for)
{
    const char *topics[SOURCE_COUNT] = {"journal"};
    struct log_offset offsets[SOURCE_COUNT];
    open_look(TIMEOUT_MS);
    rd_kafka_mock_push_request_errors(cluster, API_OFFSET_FETCH, 2,
                                      RD_KAFKA_RESP_ERR_NOT_COORDINATOR_FOR_GROUP,
                                      RD_KAFKA_RESP_ERR_GROUP_LOAD_IN_PROGRESS);
    enum status status = kafka_look_committed(look, topics, 0, offsets, &text);
    ck_assert_msg(status == STATUS_OK, "%s", text.text);
    ck_assert_int_eq(offsets[0].offset, -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_look");
    TCase *marks = tcase_create("marks");
    tcase_set_timeout(marks, 60);
    tcase_add_checked_fixture(marks, open_cluster, tear_down);
    tcase_add_test(marks, an_election_is_waited_for);
    tcase_add_test(marks, an_election_without_end_is_told);
    tcase_add_test(marks, a_coordinator_that_has_just_begun_is_waited_for);
    suite_add_tcase(suite, marks);
    return suite_run_all(suite);
}
