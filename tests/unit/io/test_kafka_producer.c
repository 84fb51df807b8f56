/* SPDX-License-Identifier: Apache-2.0 */
/* Against librdkafka's mock cluster: how a transaction ends when the broker answers late. */
#include "io/kafka_producer.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <sys/time.h>
#include <time.h>

#include "support/suite.h"

enum {
    BROKER = 1,
    API_END_TXN = 26,
    COMMIT_MS = 500,
    LATE_MS = 700,
    ANSWER_MS = 20,
    OPEN_MS = 10000,
    TRIES = 40,
    BACK_S = 3600
};

static rd_kafka_t *helper;
static rd_kafka_mock_cluster_t *cluster;
static struct kafka_log_settings settings;
static struct kafka_producer producer;
static struct status_text text;

static atomic_bool waits_end_at_once;

/* librdkafka's, which computes from it until when it waits. */
int(gettimeofday)(struct timeval *restrict out, void *restrict zone UNUSED)
{
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec - (atomic_load(&waits_end_at_once) ? BACK_S : 0),
                            now.tv_nsec / 1000};
    return result;
}

static void set_up(void)
{
    char errstr[256];
    helper = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), errstr, sizeof(errstr));
    cluster = rd_kafka_mock_cluster_new(helper, 1);
    ck_assert_ptr_nonnull(cluster);
    (void)rd_kafka_mock_topic_create(cluster, "journal", 1, 1);
    settings = (struct kafka_log_settings){
        .connection = {.brokers = rd_kafka_mock_cluster_bootstraps(cluster),
                       .application = "app",
                       .instance = "one"},
        .journal_topic = "journal",
        .commit_timeout_ms = COMMIT_MS,
    };
    kafka_producer_init(&producer, &settings, 0);
    ck_assert_int_eq(kafka_producer_open(&producer, OPEN_MS, &text), STATUS_OK);
}

static void tear_down(void)
{
    kafka_producer_close(&producer);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(helper);
}

static enum log_event_kind commit_one(bool *out_reinit)
{
    struct log_written written;
    struct log_write write = {.topic = "journal", .value = slice_text("cut"), .has_value = true};
    struct log_transaction transaction = {.writes = &write, .write_count = 1, .written = &written};
    return kafka_producer_commit(&producer, &transaction, NULL, out_reinit, &text);
}

START_TEST(a_commit_answered_in_time_is_done)
{
    bool reinit = true;
    ck_assert_int_eq(commit_one(&reinit), LOG_COMMIT_DONE);
    ck_assert(!reinit);
}
END_TEST

START_TEST(an_answer_after_its_time_leaves_a_failed_commit)
{
    bool reinit = false;
    rd_kafka_mock_broker_push_request_error_rtts(cluster, BROKER, API_END_TXN, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR, LATE_MS);
    ck_assert_int_eq(commit_one(&reinit), LOG_COMMIT_FAILED);
    ck_assert_int_eq(kafka_producer_open(&producer, OPEN_MS, &text), STATUS_OK);
    ck_assert_int_eq(commit_one(&reinit), LOG_COMMIT_DONE);
}
END_TEST

/* librdkafka waits until a moment of the wall clock: set forward meanwhile, it ends every wait at
 * once. Asked to go on, 2.0.2 takes answers for those of other questions, and ends the process in
 * one of fifty commits. */
START_TEST(a_clock_that_is_set_forward_meanwhile_costs_at_most_the_commit)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        bool reinit = false;
        rd_kafka_mock_broker_push_request_error_rtts(cluster, BROKER, API_END_TXN, 1,
                                                     RD_KAFKA_RESP_ERR_NO_ERROR, ANSWER_MS);
        atomic_store(&waits_end_at_once, true);
        (void)commit_one(&reinit);
        atomic_store(&waits_end_at_once, false);
        ck_assert_int_eq(kafka_producer_open(&producer, OPEN_MS, &text), STATUS_OK);
        ck_assert_int_eq(commit_one(&reinit), LOG_COMMIT_DONE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_producer");
    TCase *tests = tcase_create("kafka_producer");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_commit_answered_in_time_is_done);
    tcase_add_test(tests, an_answer_after_its_time_leaves_a_failed_commit);
    tcase_add_test(tests, a_clock_that_is_set_forward_meanwhile_costs_at_most_the_commit);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
