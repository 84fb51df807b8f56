/* SPDX-License-Identifier: Apache-2.0 */
/* A record's headers, there and back through librdkafka's mock cluster. */
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>

#include "support/suite.h"

enum { TIMEOUT_MS = 20000, SENT_MAX = 40 };

static rd_kafka_t *producer, *consumer;
static rd_kafka_topic_t *to, *from;
static rd_kafka_message_t *message;
static struct header sent[SENT_MAX], got[LOG_HEADERS_MAX];

static void open_cluster(void)
{
    char errstr[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    ck_assert_int_eq(rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", errstr, sizeof(errstr)),
                     RD_KAFKA_CONF_OK);
    producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, errstr, sizeof(errstr));
    ck_assert_ptr_nonnull(producer);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(producer);
    (void)rd_kafka_mock_topic_create(cluster, "topic", 1, 1);
    conf = rd_kafka_conf_new();
    ck_assert_int_eq(rd_kafka_conf_set(conf, "bootstrap.servers",
                                       rd_kafka_mock_cluster_bootstraps(cluster), errstr,
                                       sizeof(errstr)),
                     RD_KAFKA_CONF_OK);
    consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, errstr, sizeof(errstr));
    ck_assert_ptr_nonnull(consumer);
    to = rd_kafka_topic_new(producer, "topic", NULL);
    from = rd_kafka_topic_new(consumer, "topic", NULL);
}

static void close_cluster(void)
{
    rd_kafka_message_destroy(message);
    (void)rd_kafka_consume_stop(from, 0);
    rd_kafka_topic_destroy(from);
    rd_kafka_destroy(consumer);
    rd_kafka_topic_destroy(to);
    rd_kafka_destroy(producer);
}

/* How many headers are shown of a record that has `count`, those in sent[]. */
static uint32_t shown(uint32_t count)
{
    struct log_write write = {.value = slice_text("v"),
                              .has_value = true,
                              .partition = 0,
                              .headers = sent,
                              .header_count = count};
    ck_assert_int_eq(kafka_record_send(producer, to, &write, true, NULL), 0);
    ck_assert_int_eq(rd_kafka_flush(producer, TIMEOUT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert_int_eq(rd_kafka_consume_start(from, 0, RD_KAFKA_OFFSET_BEGINNING), 0);
    message = rd_kafka_consume(from, 0, TIMEOUT_MS);
    ck_assert(message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
    ck_assert(kafka_record_has_headers(message));
    return kafka_record_headers(message, got);
}

static void fill(uint32_t count)
{
    static char names[SENT_MAX][8];
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "h%u", i);
        sent[i] = (struct header){slice_text(names[i]), slice_text("x")};
    }
}

START_TEST(a_null_an_empty_and_a_full_value_differ)
{
    fill(3);
    sent[0].value = (struct slice){NULL, 0};
    sent[1].value = slice_text("");
    ck_assert_uint_eq(shown(3), 3);
    ck_assert(slice_is(got[0].name, "h0") && got[0].value.data == NULL);
    ck_assert(got[1].value.data != NULL && got[1].value.size == 0);
    ck_assert(slice_is(got[2].value, "x"));
}
END_TEST

/* Serializers add it last, behind whatever the application has. */
START_TEST(the_last_schema_id_is_shown_however_many_headers_there_are)
{
    fill(SENT_MAX);
    sent[3] = (struct header){slice_text(HEADER_SCHEMA_ID), slice_text("first")};
    sent[25] = (struct header){slice_text(HEADER_SCHEMA_ID), slice_text("second")};
    sent[38] = (struct header){slice_text(HEADER_SCHEMA_ID), slice_text("last")};
    ck_assert_uint_eq(shown(SENT_MAX), LOG_HEADERS_MAX);
    ck_assert(slice_is(got[3].value, "first"));
    ck_assert(slice_is(got[LOG_HEADERS_MAX - 2].name, "h14"));
    ck_assert(slice_is(got[LOG_HEADERS_MAX - 1].name, HEADER_SCHEMA_ID));
    ck_assert(slice_is(got[LOG_HEADERS_MAX - 1].value, "last"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_record");
    TCase *tests = tcase_create("kafka_record");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, open_cluster, close_cluster);
    tcase_add_test(tests, a_null_an_empty_and_a_full_value_differ);
    tcase_add_test(tests, the_last_schema_id_is_shown_however_many_headers_there_are);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
