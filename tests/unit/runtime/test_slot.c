/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's slot outlives its task: what was found out about one task's input, or decided by a person for it, must
 * not be believed of the next one. */
#include "engine/sweep.h"
#include "runtime/stats.h"
#include "runtime/worker_double.h"
#include "support/suite.h"

enum { NEXT = 10, FIRST_LEFT = -2 };

static const int64_t *const started = doubled.started;

static void set_up(void)
{
    double_open(64, 3);
}

static void become_live(void)
{
    double_become_live(NEXT);
}

/* `segue rebuild` for the task in the slot. */
static void person_asks(void)
{
    const struct store_reply reply = double_head(HEAD_REBUILDING, 0);
    wish_answered(doubled.worker, &doubled.worker->tasks[0],
                  &(struct store_answer){.replies = &reply, .reply_count = 1});
}

/* Both are gone, the record before the next one and the next one. */
static void halt_without_input(uint32_t number)
{
    become_live();
    double_turn(LOG_INPUT_GONE, number, 0);
    become_live();
    double_turn(LOG_INPUT_GONE, number, 0);
    ck_assert_int_eq(doubled.worker->tasks[0].state, TASK_HALTED);
}

START_TEST(a_record_that_is_gone_is_compared_again_by_the_claim_after_the_next)
{
    become_live();
    ck_assert_int_eq(started[0], NEXT - 1);
    double_turn(LOG_INPUT_GONE, 3, 0);
    become_live();
    ck_assert_int_eq(started[0], NEXT);
    ck_assert_int_eq(started[1], NEXT - 1);
    task_reclaim(doubled.worker, &doubled.worker->tasks[0], "another reason");
    become_live();
    ck_assert_int_eq(started[0], NEXT - 1);
}
END_TEST

START_TEST(two_sources_whose_last_records_are_gone_start)
{
    become_live();
    double_turn(LOG_INPUT_GONE, 3, 0);
    become_live();
    double_turn(LOG_INPUT_GONE, 3, 1);
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

/* Both are gone; the log says so of one, and of the other once a person has accepted the first. */
static void lose_both(void)
{
    halt_without_input(3);
    person_asks();
    become_live();
    ck_assert_int_eq(started[0], FIRST_LEFT);
    double_turn(LOG_INPUT_GONE, 3, 1);
}

START_TEST(one_word_of_a_person_is_for_all_sources_that_are_gone)
{
    lose_both();
    ck_assert_int_eq(doubled.worker->tasks[0].state, TASK_CLAIMING);
    become_live();
    ck_assert_int_eq(started[0], FIRST_LEFT);
    ck_assert_int_eq(started[1], FIRST_LEFT);
}
END_TEST

static void read_one(uint32_t source)
{
    doubled.feeding = true;
    doubled.feeding_source = source;
    for (doubled.fed = 0; doubled.fed == 0;) {
        double_turn_quietly();
    }
    doubled.feeding = false;
}

/* It was read since, so what is gone now was lost since. */
START_TEST(what_a_person_accepted_is_not_what_is_lost_later)
{
    struct task *task = &doubled.worker->tasks[0];
    halt_without_input(3);
    person_asks();
    become_live();
    double_knows_fed(task);
    if (_i == 0) {
        read_one(1);
    } else {
        task->live_since_us -= INT64_C(60000000); /* a minute passes */
    }
    task->sources[1].verify = 0;
    double_turn(LOG_INPUT_GONE, 3, 1);
    ck_assert_int_eq(task->state, TASK_HALTED);
}
END_TEST

/* Whose rebuild was asked for when nothing was known to be lost. */
START_TEST(a_rebuild_for_another_reason_accepts_no_loss)
{
    struct task *task = &doubled.worker->tasks[0];
    become_live();
    task_halt(doubled.worker, task, HALT_CUSTOMER_RECORD, "another reason");
    person_asks();
    become_live();
    double_turn(LOG_INPUT_GONE, 3, 1);
    ck_assert_int_eq(task->state, TASK_HALTED);
}
END_TEST

/* The first of them is read on from where it is by then, not from its begin again. */
START_TEST(a_source_that_was_read_since_does_not_begin_again)
{
    struct task *task = &doubled.worker->tasks[0];
    halt_without_input(3);
    person_asks();
    become_live();
    double_knows_fed(task);
    read_one(0);
    double_turn(LOG_INPUT_GONE, 3, 1);
    become_live();
    ck_assert_int_eq(started[0], NEXT);
    ck_assert_int_eq(started[1], FIRST_LEFT);
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
    double_turn(LOG_REVOKED, 3, 0);
    double_turn(LOG_ASSIGNED, next[_i % 2], 0);
    become_live();
    ck_assert_int_eq(started[0], NEXT - 1);
    ck_assert_int_eq(started[1], NEXT - 1);
    task_reclaim(doubled.worker, &doubled.worker->tasks[0], "a person asks, for another reason");
    doubled.worker->tasks[0].accept = true;
    become_live();
    ck_assert_int_eq(started[0], NEXT);
}
END_TEST

/* A customer whose deadline has passed waits. */
static void somebody_is_due(struct task *task)
{
    static const struct slice id = {(const uint8_t *)"K", 1};
    struct worker *worker = doubled.worker;
    struct cache_entry *entry = cache_insert(&worker->cache, task->slot, id);
    ck_assert_ptr_nonnull(entry);
    engine_customer_init(worker->options.engine, cache_customer(entry), id);
    cache_customer(entry)->deadline_ms = 1000;
    entry->stored = true;
    task->now_ms = 2000;
    task->due.loaded = task->due.last = due_bucket_of(task->now_ms);
    ck_assert(due_push(&task->due, 1000, id));
}

static const struct log_transaction *next_commit(void)
{
    doubled.committing = NULL;
    for (int turns = 0; doubled.committing == NULL && turns < 100; turns++) {
        double_turn_quietly();
    }
    return doubled.committing;
}

/* What its deadlines say must not be in a transaction that does not say where the task stands. */
START_TEST(no_deadline_is_met_before_there_is_a_position_to_commit)
{
    struct task *task = &doubled.worker->tasks[0];
    lose_both();
    become_live();
    double_turn(LOG_PRODUCER_READY, 3, 0);
    double_knows_fed(task);
    somebody_is_due(task);
    ck_assert_ptr_null(next_commit());
    ck_assert_uint_eq(task->due.count, 1);
    doubled.feeding = true;
    const struct log_transaction *transaction = next_commit();
    ck_assert_ptr_nonnull(transaction);
    ck_assert_uint_eq(transaction->offset_count, 1);
    ck_assert_int_ge(transaction->offsets[0].offset, 0);
}
END_TEST

/* A sweep comes before records, so the first one is looked at for where it is alone. */
START_TEST(the_first_record_tells_the_position_before_it_is_processed)
{
    struct task *task = &doubled.worker->tasks[0];
    lose_both();
    become_live();
    double_turn(LOG_PRODUCER_READY, 3, 0);
    double_knows_fed(task);
    somebody_is_due(task);
    double_change_playbook();
    ck_assert(sweep_waits(doubled.worker, task));
    ck_assert_ptr_null(next_commit());
    doubled.feeding = true;
    const struct log_transaction *transaction = next_commit();
    ck_assert_ptr_nonnull(transaction);
    ck_assert_uint_eq(transaction->offset_count, 1);
    ck_assert(!sweep_waits(doubled.worker, task));
}
END_TEST

START_TEST(what_is_shown_of_a_slot_is_of_its_task)
{
    struct worker_task_stats *stats = &worker_stats(doubled.worker)->tasks[0];
    become_live();
    stats_set(&stats->customers, 9);
    stats_set(&stats->committed, 9);
    stats_set(&stats->low, 9);
    stats_set(&stats->rebuilt, 9);
    atomic_store(&stats->lag, 9);
    doubled.worker->tasks[0].restore.newer = 2;
    doubled.worker->tasks[0].customer_count = 9;
    task_reclaim(doubled.worker, &doubled.worker->tasks[0], "something about task 3");
    double_turn(LOG_REVOKED, 3, 0);
    double_turn(LOG_ASSIGNED, 4, 0);
    ck_assert_uint_eq(atomic_load(&stats->task), 4);
    ck_assert_uint_eq(atomic_load(&stats->customers), 0);
    ck_assert_uint_eq(atomic_load(&stats->committed), 0);
    ck_assert_uint_eq(atomic_load(&stats->applied), 0);
    ck_assert_uint_eq(atomic_load(&stats->low), 0);
    ck_assert_uint_eq(atomic_load(&stats->rebuilt), 0);
    ck_assert_int_eq(atomic_load(&stats->lag), -1);
    ck_assert_str_eq(worker_reason(doubled.worker, 4), "");
    ck_assert_uint_eq(doubled.worker->tasks[0].restore.newer, 0);
    /* It has no cut yet, so no claim says how many customers it has. */
    doubled.worker->tasks[0].step = CLAIM_READER;
    claim_step(doubled.worker, &doubled.worker->tasks[0]);
    ck_assert_int_eq(doubled.worker->tasks[0].step, CLAIM_FIND);
    ck_assert_uint_eq(doubled.worker->tasks[0].customer_count, 0);
}
END_TEST

/* A claim that finds the task's record, of the playbook before, at the same cut. Is a sweep due then? */
static bool sweep_is_due(int64_t now_ms, uint64_t customers)
{
    static uint8_t record[ENGINE_RECORD_SIZE_MAX + 16];
    struct worker *worker = doubled.worker;
    struct task *task = &worker->tasks[0];
    struct bytes_writer writer = bytes_writer(record, sizeof(record));
    record_begin(&writer, 0);
    size_t size = writer.size +
                  engine_task_pack(worker->options.engine, task->state_block, record + writer.size);
    double_change_playbook();
    task_reclaim(worker, task, "a test");
    task->step = CLAIM_TASK_RECORD;
    task->now_ms = now_ms;
    task->customer_count = customers;
    task->seq = task->committed_seq = task->acked_seq = task->sent_seq = DOUBLE_CUT;
    task->owner = 1;
    const struct store_reply parts[2] = {double_head(HEAD_READY, 1),
                                         {.kind = STORE_BULK, .text = slice_of(record, size)}};
    const struct store_reply reply = {.kind = STORE_ARRAY, .children = parts, .count = 2};
    claim_task_record(worker, task, &(struct store_answer){.replies = &reply, .reply_count = 1});
    ck_assert_int_eq(task->state, TASK_LIVE);
    return engine_sweep_due(worker->options.engine, task->state_block);
}

/* Its first event tells now, which a sweep waits for, and is processed before it. */
START_TEST(a_task_that_saw_no_event_has_nobody_to_sweep)
{
    become_live();
    ck_assert(!sweep_is_due(INT64_MIN, 0));
}
END_TEST

START_TEST(a_task_that_saw_events_is_swept)
{
    become_live();
    ck_assert(sweep_is_due(1000, _i == 0 ? 0 : 7));
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
    tcase_add_test(tests, one_word_of_a_person_is_for_all_sources_that_are_gone);
    tcase_add_loop_test(tests, what_a_person_accepted_is_not_what_is_lost_later, 0, 2);
    tcase_add_test(tests, a_rebuild_for_another_reason_accepts_no_loss);
    tcase_add_test(tests, a_source_that_was_read_since_does_not_begin_again);
    tcase_add_loop_test(tests, the_next_task_of_a_slot_inherits_nothing, 0, 4);
    tcase_add_test(tests, no_deadline_is_met_before_there_is_a_position_to_commit);
    tcase_add_test(tests, the_first_record_tells_the_position_before_it_is_processed);
    tcase_add_test(tests, what_is_shown_of_a_slot_is_of_its_task);
    tcase_add_test(tests, a_task_that_saw_no_event_has_nobody_to_sweep);
    tcase_add_loop_test(tests, a_task_that_saw_events_is_swept, 0, 2);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
