/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks, with a broker that never answers DeleteRecords: librdkafka's calls that ask are replaced
 * below, for its mock cluster knows no such request. */
#include "io/kafka_asker.h"

#include <librdkafka/rdkafka.h>
#include <semaphore.h>

#include "support/suite.h"

enum { CAPACITY = 8, WAIT_MS = 100, WAITS_MAX = 300, POLL_MS_MAX = 100 };

static rd_kafka_t *client;
static struct kafka_log_settings settings;
static struct kafka_group group;
static struct kafka_inbox inbox;
static struct kafka_asker asker;
static struct status_text text;
static atomic_uint deletions;
static atomic_int longest_poll_ms;
static atomic_bool held; /* committed offsets are not answered before `released` */
static sem_t asked, released;

rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *rk UNUSED, rd_kafka_topic_partition_list_t *list,
                                       int timeout_ms UNUSED)
{
    if (atomic_load(&held)) {
        (void)sem_post(&asked);
        (void)sem_wait(&released);
    }
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

/* Called with the deletion's queue only. */
rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *queue UNUSED, int timeout_ms)
{
    struct timespec pause = {0, 1000000};
    longest_poll_ms = timeout_ms > longest_poll_ms ? timeout_ms : longest_poll_ms;
    (void)nanosleep(&pause, NULL);
    return NULL;
}

static bool low_offset(const char *metadata UNUSED, int64_t *out_offset)
{
    *out_offset = 3;
    return true;
}

static bool low_offset_unknown(const char *metadata UNUSED, int64_t *out_offset UNUSED)
{
    return false; /* nothing is deleted then */
}

static void set_up(void)
{
    char why[256];
    client = rd_kafka_new(RD_KAFKA_CONSUMER, rd_kafka_conf_new(), why, sizeof(why));
    ck_assert_ptr_nonnull(client);
    settings.topics[0] = "transactions";
    group.client = client;
    ck_assert(kafka_inbox_init(&inbox, CAPACITY));
    ck_assert(sem_init(&asked, 0, 0) == 0 && sem_init(&released, 0, 0) == 0);
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

static void put(enum kafka_question_kind kind, uint32_t task, log_low_offset *low)
{
    struct kafka_question question = {.kind = kind,
                                      .task = task,
                                      .topic = "journal",
                                      .low_offset = low,
                                      .first_task = task,
                                      .task_count = 1};
    ck_assert(kafka_asker_put(&asker, &question));
}

static struct kafka_note next_note(void)
{
    struct kafka_note note = {0};
    bool came = false;
    for (uint32_t i = 0; i < WAITS_MAX && !came; i++) {
        kafka_inbox_wait(&inbox, WAIT_MS);
        came = kafka_inbox_take(&inbox, &note, &text);
    }
    ck_assert(came);
    return note;
}

/* Tasks that became live together trim together. */
START_TEST(a_deletion_without_answer_keeps_nobody_waiting)
{
    for (uint32_t task = 0; task < CAPACITY - 1; task++) {
        put(KAFKA_ASK_DELETE, task, low_offset);
    }
    for (uint32_t i = 0; i < WAITS_MAX && deletions == 0; i++) {
        kafka_inbox_wait(&inbox, WAIT_MS);
    }
    put(KAFKA_ASK_MARKS, CAPACITY, NULL);
    ck_assert_int_eq(next_note().kind, KAFKA_NOTE_MARKS); /* and not that the broker is silent */
    ck_assert_uint_eq(deletions, 1);
    ck_assert_int_le(longest_poll_ms, POLL_MS_MAX);
}
END_TEST

START_TEST(deletions_give_way_to_all_others)
{
    held = true;
    put(KAFKA_ASK_DELETE, 0, low_offset_unknown);
    (void)sem_wait(&asked);
    put(KAFKA_ASK_DELETE, 1, low_offset_unknown);
    put(KAFKA_ASK_DELETE, 2, low_offset_unknown);
    put(KAFKA_ASK_MARKS, 3, NULL);
    held = false;
    (void)sem_post(&released);
    static const enum kafka_note_kind kinds[] = {KAFKA_NOTE_DELETED, KAFKA_NOTE_MARKS,
                                                 KAFKA_NOTE_DELETED, KAFKA_NOTE_DELETED};
    static const uint32_t tasks[] = {0, 3, 1, 2};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct kafka_note note = next_note();
        ck_assert_int_eq(note.kind, kinds[i]);
        ck_assert_uint_eq(note.task, tasks[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_asker");
    TCase *tests = tcase_create("questions");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_deletion_without_answer_keeps_nobody_waiting);
    tcase_add_test(tests, deletions_give_way_to_all_others);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
