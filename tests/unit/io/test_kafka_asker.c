/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks, with a broker that never answers DeleteRecords: librdkafka's calls that ask are replaced
 * below, for its mock cluster knows no such request. */
#include "io/kafka_asker.h"

#include <librdkafka/rdkafka.h>

#include "support/suite.h"

enum { CAPACITY = 8, WAIT_MS = 100, WAITS_MAX = 300 };

static rd_kafka_t *client;
static struct kafka_log_settings settings;
static struct kafka_group group;
static struct kafka_inbox inbox;
static struct kafka_asker asker;
static struct status_text text;
static atomic_uint deletions;

rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *rk UNUSED, rd_kafka_topic_partition_list_t *list,
                                       int timeout_ms UNUSED)
{
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = 5;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *rk UNUSED,
                                               rd_kafka_topic_partition_list_t *list,
                                               int timeout_ms UNUSED)
{
    for (int i = 0; i < list->cnt; i++) {
        list->elems[i].offset = 9;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_query_watermark_offsets(rd_kafka_t *rk UNUSED,
                                                     const char *topic UNUSED,
                                                     int32_t partition UNUSED, int64_t *low,
                                                     int64_t *high, int timeout_ms UNUSED)
{
    *low = 1;
    *high = 2;
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_DeleteRecords(rd_kafka_t *rk UNUSED, rd_kafka_DeleteRecords_t **requests UNUSED,
                            size_t count UNUSED, const rd_kafka_AdminOptions_t *options UNUSED,
                            rd_kafka_queue_t *queue UNUSED)
{
    deletions++;
}

static bool low_offset(const char *metadata UNUSED, int64_t *out_offset)
{
    *out_offset = 3;
    return true;
}

static void set_up(void)
{
    char why[256];
    client = rd_kafka_new(RD_KAFKA_CONSUMER, rd_kafka_conf_new(), why, sizeof(why));
    ck_assert_ptr_nonnull(client);
    settings.topics[0] = "transactions";
    group.client = client;
    ck_assert(kafka_inbox_init(&inbox, CAPACITY));
    asker = (struct kafka_asker){
        .settings = &settings, .group = &group, .client = client, .inbox = &inbox};
    ck_assert_int_eq(kafka_asker_start(&asker, CAPACITY, &text), STATUS_OK);
}

static void tear_down(void)
{
    kafka_asker_stop(&asker);
    kafka_inbox_finish(&inbox);
    rd_kafka_destroy(client);
}

static void put(enum kafka_question_kind kind, uint32_t task)
{
    struct kafka_question question = {.kind = kind,
                                      .task = task,
                                      .topic = "journal",
                                      .low_offset = low_offset,
                                      .first_task = task,
                                      .task_count = 1};
    ck_assert(kafka_asker_put(&asker, &question));
}

START_TEST(a_deletion_without_answer_keeps_nobody_waiting)
{
    struct kafka_note note = {0};
    put(KAFKA_ASK_DELETE, 0);
    put(KAFKA_ASK_DELETE, 1); /* after the first; it waits for it */
    put(KAFKA_ASK_MARKS, 2);
    bool came = false;
    for (uint32_t i = 0; i < WAITS_MAX && !came; i++) {
        kafka_inbox_wait(&inbox, WAIT_MS);
        came = kafka_inbox_take(&inbox, &note, &text);
    }
    ck_assert(came);
    ck_assert_int_eq(note.kind, KAFKA_NOTE_MARKS); /* and not that the broker is silent */
    ck_assert_uint_eq(deletions, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_asker");
    TCase *tests = tcase_create("questions");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_deletion_without_answer_keeps_nobody_waiting);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
