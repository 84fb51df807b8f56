/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's slot outlives its task: what was found out about one task's input, or decided by a person for it, must
 * not be believed of the next one. */
#include <stdio.h>

#include "runtime/inside.h"
#include "runtime/stats.h"
#include "support/engine_kit.h"
#include "support/suite.h"

enum { TASKS = 8, EVENTS = 16, CUT = 5, NEXT = 10, FIRST_LEFT = -2 };

static struct log_event events[EVENTS];
static uint32_t event_count, event_at;
static int64_t started[SOURCE_COUNT]; /* offsets of the last start */
static struct kit kit;
static struct worker *worker;

static bool next_event(struct log *log, struct log_event *out_event)
{
    (void)log;
    if (event_at == event_count) {
        return false;
    }
    *out_event = events[event_at++];
    return true;
}

static void start(struct log *log, uint32_t task, const int64_t *offsets)
{
    (void)log;
    (void)task;
    memcpy(started, offsets, sizeof(started));
}

static void nothing(struct log *log, uint32_t task)
{
    (void)log;
    (void)task;
}

static void read_journal(struct log *log, uint32_t task, int64_t offset)
{
    (void)log;
    (void)task;
    (void)offset;
}

static uint32_t fetch(struct log *log, uint32_t task, uint32_t source, struct log_record *records,
                      uint32_t max)
{
    (void)log;
    (void)task;
    (void)source;
    (void)records;
    (void)max;
    return 0;
}

static int64_t high_watermark(struct log *log, uint32_t task, enum source source, bool *out_empty)
{
    (void)log;
    (void)task;
    (void)source;
    *out_empty = false;
    return -1;
}

static void open_producer(struct log *log)
{
    (void)log;
}

static const struct log_ops log_ops = {.next_event = next_event,
                                       .fetch = fetch,
                                       .start = start,
                                       .stop = nothing,
                                       .high_watermark = high_watermark,
                                       .ask_committed = nothing,
                                       .read_journal = read_journal,
                                       .stop_journal = nothing,
                                       .open_producer = open_producer};

static enum status submit(struct store *store, uint32_t connection,
                          const struct store_pipeline *pipeline, uint64_t token)
{
    (void)store;
    (void)connection;
    (void)pipeline;
    (void)token;
    return STATUS_AWAY;
}

static bool next_answer(struct store *store, struct store_answer *out_answer)
{
    (void)store;
    (void)out_answer;
    return false;
}

static uint64_t epoch(struct store *store, uint32_t connection)
{
    (void)store;
    (void)connection;
    return 0;
}

static void counters(struct store *store, struct store_counters *out_counters)
{
    (void)store;
    (void)out_counters;
}

static const struct store_ops store_ops = {
    .submit = submit, .next_answer = next_answer, .epoch = epoch, .counters = counters};

static int64_t now_us(struct clock *clock)
{
    static int64_t now = 1000000000;
    (void)clock;
    return now += 1000;
}

static uint64_t random64(struct clock *clock)
{
    (void)clock;
    return 4711;
}

static const struct clock_ops clock_ops = {now_us, now_us, random64};

static void turn(enum log_event_kind kind, uint32_t task, uint32_t ticket)
{
    int32_t wait_ms;
    event_at = 0;
    event_count = 1;
    events[0] = (struct log_event){.kind = kind, .task = task, .ticket = ticket};
    ck_assert_int_eq(worker_turn(worker, &wait_ms), WORKER_GO_ON);
}

static void set_up(void)
{
    static struct log log = {&log_ops};
    static struct store store = {&store_ops};
    static struct clock clock = {&clock_ops};
    struct worker_options options;
    struct status_text text;
    kit_open(&kit);
    worker_options_init(&options);
    options.engine = kit.engine;
    options.log = &log;
    options.store = &store;
    options.clock = &clock;
    options.application = "app";
    options.cluster_id = "cluster";
    options.journal_topic = "journal";
    options.checkpoint_topic = "checkpoints";
    options.task_count = TASKS;
    options.journal_partitions = 1;
    options.checkpoint_partitions = 1;
    options.tasks_max = 1;
    for (uint32_t i = 0; i < 2; i++) {
        options.sources[i] = (struct worker_source){.used = true, .topic = "input"};
    }
    ck_assert_int_eq(worker_open(&worker, &options, &text), STATUS_OK);
    turn(LOG_ASSIGNED, 3, 0);
}

/* The end of a claim of whatever task has the slot: cut 5 ended before offset 10 of both sources. */
static void become_live(void)
{
    struct task *task = &worker->tasks[0];
    uint8_t bytes[HEAD_SIZE_MAX];
    ck_assert_int_eq(task->state, TASK_CLAIMING);
    for (uint32_t i = 0; i < 2; i++) {
        task->committed[i] = NEXT;
        task->sources[i] = (struct task_source){.verify = 77, .verify_offset = NEXT - 1};
    }
    task->step = CLAIM_TASK_RECORD;
    task->committed_seq = CUT;
    task->acked_seq = CUT;
    task->sent_seq = CUT;
    task->owner = 1;
    struct head head = {.state = HEAD_READY, .owner = 1, .seq = CUT};
    struct store_reply parts[2] = {
        {.kind = STORE_BULK, .text = slice_of(bytes, head_write(&head, bytes))},
        {.kind = STORE_NIL}};
    struct store_reply reply = {.kind = STORE_ARRAY, .children = parts, .count = 2};
    claim_task_record(worker, task, &(struct store_answer){.replies = &reply, .reply_count = 1});
    ck_assert_int_eq(task->state, TASK_LIVE);
}

/* `segue rebuild` for the task in the slot. */
static void person_asks(void)
{
    uint8_t bytes[HEAD_SIZE_MAX];
    struct head head = {.state = HEAD_REBUILDING};
    struct store_reply reply = {.kind = STORE_BULK,
                                .text = slice_of(bytes, head_write(&head, bytes))};
    wish_answered(worker, &worker->tasks[0],
                  &(struct store_answer){.replies = &reply, .reply_count = 1});
}

/* Both are gone, the record before the next one and the next one. */
static void halt_without_input(uint32_t number)
{
    become_live();
    turn(LOG_INPUT_GONE, number, 0);
    become_live();
    turn(LOG_INPUT_GONE, number, 0);
    ck_assert_int_eq(worker->tasks[0].state, TASK_HALTED);
}

START_TEST(a_record_that_is_gone_is_compared_again_by_the_claim_after_the_next)
{
    become_live();
    ck_assert_int_eq(started[0], NEXT - 1);
    turn(LOG_INPUT_GONE, 3, 0);
    become_live();
    ck_assert_int_eq(started[0], NEXT);
    ck_assert_int_eq(started[1], NEXT - 1);
    task_reclaim(worker, &worker->tasks[0], "another reason");
    become_live();
    ck_assert_int_eq(started[0], NEXT - 1);
}
END_TEST

START_TEST(two_sources_whose_last_records_are_gone_start)
{
    become_live();
    turn(LOG_INPUT_GONE, 3, 0);
    become_live();
    turn(LOG_INPUT_GONE, 3, 1);
    become_live();
    ck_assert_int_eq(started[0], NEXT);
    ck_assert_int_eq(started[1], NEXT);
}
END_TEST

START_TEST(a_person_who_accepts_a_lost_input_lets_it_begin_with_what_is_left)
{
    halt_without_input(3);
    person_asks();
    become_live();
    ck_assert_int_eq(started[0], FIRST_LEFT);
    ck_assert_int_eq(started[1], NEXT);
}
END_TEST

/* Halted, and given to another process, or not: the next task in the slot compares, and reads on where it was. */
START_TEST(the_next_task_of_a_slot_inherits_nothing)
{
    static const uint32_t next[] = {
        4, 3}; /* it may be the same one, which another process had meanwhile */
    halt_without_input(3);
    if (_i >= 2) {
        person_asks();
    }
    turn(LOG_REVOKED, 3, 0);
    turn(LOG_ASSIGNED, next[_i % 2], 0);
    become_live();
    ck_assert_int_eq(started[0], NEXT - 1);
    ck_assert_int_eq(started[1], NEXT - 1);
    task_reclaim(worker, &worker->tasks[0], "a person asks, for another reason");
    worker->tasks[0].accept = true;
    become_live();
    ck_assert_int_eq(started[0], NEXT);
}
END_TEST

START_TEST(what_is_shown_of_a_slot_is_of_its_task)
{
    struct worker_task_stats *stats = &worker_stats(worker)->tasks[0];
    become_live();
    stats_set(&stats->customers, 9);
    stats_set(&stats->committed, 9);
    stats_set(&stats->low, 9);
    stats_set(&stats->rebuilt, 9);
    atomic_store(&stats->lag, 9);
    worker->tasks[0].restore.newer = 2;
    worker->tasks[0].customer_count = 9;
    task_reclaim(worker, &worker->tasks[0], "something about task 3");
    turn(LOG_REVOKED, 3, 0);
    turn(LOG_ASSIGNED, 4, 0);
    ck_assert_uint_eq(atomic_load(&stats->task), 4);
    ck_assert_uint_eq(atomic_load(&stats->customers), 0);
    ck_assert_uint_eq(atomic_load(&stats->committed), 0);
    ck_assert_uint_eq(atomic_load(&stats->applied), 0);
    ck_assert_uint_eq(atomic_load(&stats->low), 0);
    ck_assert_uint_eq(atomic_load(&stats->rebuilt), 0);
    ck_assert_int_eq(atomic_load(&stats->lag), -1);
    ck_assert_str_eq(worker_reason(worker, 4), "");
    ck_assert_uint_eq(worker->tasks[0].restore.newer, 0);
    /* It has no cut yet, so no claim says how many customers it has. */
    worker->tasks[0].step = CLAIM_READER;
    claim_step(worker, &worker->tasks[0]);
    ck_assert_int_eq(worker->tasks[0].step, CLAIM_FIND);
    ck_assert_uint_eq(worker->tasks[0].customer_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slot");
    TCase *tests = tcase_create("slot");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, a_record_that_is_gone_is_compared_again_by_the_claim_after_the_next);
    tcase_add_test(tests, two_sources_whose_last_records_are_gone_start);
    tcase_add_test(tests, a_person_who_accepts_a_lost_input_lets_it_begin_with_what_is_left);
    tcase_add_loop_test(tests, the_next_task_of_a_slot_inherits_nothing, 0, 4);
    tcase_add_test(tests, what_is_shown_of_a_slot_is_of_its_task);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
