/* SPDX-License-Identifier: Apache-2.0 */
/* How many due sets a sweep and a rebuild ask for at a time, what they do with the answer, and what an interrupted
 * rebuild's head says. */
#include <stdio.h>

#include "base/hash.h"
#include "runtime/worker_double.h"
#include "support/suite.h"

enum { BUCKET = 1000, LAST = BUCKET + 100000, HEAP = 64, HEAD_AND_FRAME = 3, MEMBERS_MAX = 4096 };

static struct task *task;
static struct store_reply members[MEMBERS_MAX];
static char names[MEMBERS_MAX][16];

static void set_up(void)
{
    double_open(HEAP, 3);
    double_become_live(10);
    task = &doubled.worker->tasks[0];
    doubled.connected = true;
    task->now_ms = INT64_C(60000) * BUCKET;
    for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
        int size = snprintf(names[i], sizeof(names[i]), "k%u", i);
        members[i] =
            (struct store_reply){.kind = STORE_BULK, .text = slice_of(names[i], (size_t)size)};
    }
}

static void come_away(void)
{
    read_answer(doubled.worker, task, &(struct store_answer){.status = STATUS_AWAY});
    task->retry_us = 0;
}

/* ---- what waits to be looked at ---- */

START_TEST(the_earliest_deadline_that_waits_is_told)
{
    set_up();
    struct due *due = &task->due;
    due->count = 0;
    due->missed = INT64_MAX;
    due->loaded = due->last = BUCKET;
    int64_t now_ms = INT64_C(60000) * BUCKET + 500;
    ck_assert_int_eq(due_earliest(due, now_ms), INT64_MAX);
    ck_assert(due_push(due, now_ms + 1, members[0].text));
    ck_assert_int_eq(due_earliest(due, now_ms), INT64_MAX);
    ck_assert_int_eq(due_earliest(due, now_ms + 1), now_ms + 1);
    ck_assert(due_push(due, now_ms - 7, members[1].text));
    ck_assert_int_eq(due_earliest(due, now_ms), now_ms - 7);
    due->missed = BUCKET; /* to be read again, from its first millisecond on */
    ck_assert_int_eq(due_earliest(due, now_ms), now_ms - 500);
    due->missed = INT64_MAX;
    due->loaded = BUCKET - 3;
    ck_assert_int_eq(due_earliest(due, now_ms), INT64_C(60000) * (BUCKET - 2));
    due->last = BUCKET - 3; /* nobody was ever put behind it */
    ck_assert_int_eq(due_earliest(due, now_ms), now_ms - 7);

    task->now_ms = now_ms;
    due_tell(doubled.worker, task);
    ck_assert_int_eq(worker_stats(doubled.worker)->tasks[task->slot].due_lag_ms, 8);
    ck_assert(due_push(due, INT64_MIN, members[2].text)); /* at once */
    due_tell(doubled.worker, task);
    ck_assert_int_eq(worker_stats(doubled.worker)->tasks[task->slot].due_lag_ms, 1);
    task_set_state(doubled.worker, task, TASK_HALTED); /* its deadlines are nobody's business now */
    ck_assert_int_eq(worker_stats(doubled.worker)->tasks[task->slot].due_lag_ms, 0);
}
END_TEST

/* At the end of a history now stands still: what was left of its minute must not wait for the next one. */
START_TEST(what_did_not_fit_is_read_although_somebody_is_due_later_in_this_minute)
{
    set_up();
    struct due *due = &task->due;
    due->count = 0;
    due->loaded = due->last = due->missed = BUCKET;
    task->now_ms = INT64_C(60000) * BUCKET + 500;
    ck_assert(due_push(due, task->now_ms + 1, members[0].text));
    doubled.worker->building = 0;
    due_step(doubled.worker, task);
    ck_assert_int_eq(task->reading_store, READ_DUE);
    ck_assert_int_eq(task->read_bucket, BUCKET);
}
END_TEST

/* ---- a sweep ---- */

static void begin_sweep(void)
{
    set_up();
    double_change_playbook();
    doubled.worker->building = 0;
    task->due.last = LAST;
    task->due.cursor = BUCKET;
    sweep_step(doubled.worker, task);
    ck_assert(task->sweeping);
    ck_assert_int_eq(task->sweep_bucket, BUCKET);
}

/* Asks; returns for how many sets. */
static uint32_t sweep_asks(void)
{
    task->sweep_yields = false;
    doubled.worker->sweep_us = 0;
    task->due.count = 0; /* all of them were looked at */
    sweep_step(doubled.worker, task);
    ck_assert_int_eq(task->reading_store, READ_SWEEP);
    ck_assert_uint_eq(doubled.commands, task->read_count + HEAD_AND_FRAME);
    return task->read_count;
}

/* The answer: in each set `count` members from `first` on. */
static void sweep_hears(uint32_t first, uint32_t count, uint64_t cursor, uint64_t epoch)
{
    static struct store_reply sets[DUE_ASK_MAX + 1], pairs[2];
    char text[24];
    int size = snprintf(text, sizeof(text), "%llu", (unsigned long long)cursor);
    pairs[0] = (struct store_reply){.kind = STORE_BULK, .text = slice_of(text, (size_t)size)};
    pairs[1] =
        (struct store_reply){.kind = STORE_ARRAY, .children = &members[first], .count = count};
    sets[0] = double_head(HEAD_READY, 1);
    for (uint32_t i = 1; i <= task->read_count; i++) {
        sets[i] = (struct store_reply){.kind = STORE_ARRAY, .children = pairs, .count = 2};
    }
    const struct store_reply exec = {
        .kind = STORE_ARRAY, .children = sets, .count = task->read_count + 1};
    read_answer(
        doubled.worker, task,
        &(struct store_answer){.replies = &exec, .reply_count = 1, .connection_epoch = epoch});
}

START_TEST(a_sweep_asks_for_more_empty_sets_and_for_half_when_the_answer_is_too_large)
{
    begin_sweep();
    uint32_t asked = sweep_asks();
    while (asked < DUE_ASK_MAX) {
        sweep_hears(0, 0, 0, 1);
        uint32_t more = sweep_asks();
        ck_assert_uint_gt(more, asked);
        asked = more;
    }
    for (uint32_t expected = DUE_ASK_MAX / 2; expected > 0; expected /= 2) {
        come_away();
        ck_assert_uint_eq(sweep_asks(), expected);
    }
    come_away();
    ck_assert_uint_eq(sweep_asks(), 1);
    sweep_hears(0, 0, 0, 1);
    ck_assert_uint_eq(sweep_asks(), 2);
}
END_TEST

/* A part of the heap at a time (16), of which a set has 12: one set is all that a step can use. */
START_TEST(a_sweep_asks_for_hardly_more_sets_than_it_uses)
{
    begin_sweep();
    for (int i = 0; i < 20; i++) {
        (void)sweep_asks();
        int64_t before = task->sweep_bucket;
        sweep_hears(0, 12, 0, 1);
        ck_assert_int_eq(task->sweep_bucket, before + 1);
    }
    ck_assert_uint_eq(sweep_asks(), 2);
}
END_TEST

static bool on_heap(struct slice id)
{
    for (uint32_t i = 0; i < task->due.count; i++) {
        if (slice_equal(slice_of(task->due.items[i].id, task->due.items[i].id_size), id)) {
            return true;
        }
    }
    return false;
}

/* The first step of a scan brings 40, which are swept in three parts. After the first part the server is another
 * one: the same cursor, other members. */
START_TEST(a_set_whose_first_step_is_swept_in_parts_begins_again_after_a_reconnect)
{
    enum { MANY = 40, OTHERS = 100 };
    bool met[MANY] = {false};
    begin_sweep();
    (void)sweep_asks();
    sweep_hears(0, MANY, 32, 1);
    ck_assert_uint_eq(task->sweep_part, 1);
    for (int i = 0; i < 10 && task->sweep_cursor == 0; i++) {
        (void)sweep_asks();
        sweep_hears(OTHERS, MANY, 32, 2);
        for (uint32_t k = 0; k < MANY; k++) {
            met[k] = met[k] || on_heap(members[OTHERS + k].text);
        }
    }
    ck_assert_uint_eq(task->sweep_cursor, 32);
    for (uint32_t k = 0; k < MANY; k++) {
        ck_assert_msg(met[k], "k%u was left behind", OTHERS + k);
    }
}
END_TEST

/* ---- a rebuild ---- */

static void begin_rebuild(void)
{
    set_up();
    task_forget(doubled.worker, task);
    task_set_state(doubled.worker, task, TASK_REBUILDING);
    task->step = CLAIM_REBUILD_DELETE;
    task->head =
        (struct head){.state = HEAD_REBUILDING, .owner = 1, .due_first = BUCKET, .due_last = LAST};
    task->watch_epoch = 1;
    task->rebuild_bucket = BUCKET;
}

static uint32_t rebuild_asks(void)
{
    rebuild_step(doubled.worker, task);
    ck_assert_int_eq(task->reading_store, READ_ENUMERATE);
    ck_assert_uint_eq(doubled.commands, task->read_count);
    return task->read_count;
}

/* In each set so many of those that were asked for. True: something was written, and Redis took it. */
static bool rebuild_hears(uint32_t count)
{
    static struct store_reply sets[DUE_ASK_MAX];
    for (uint32_t i = 0; i < task->read_count; i++) {
        uint32_t share = due_ask_share(RESTORE_BATCH_MAX, task->read_count, i);
        sets[i] = (struct store_reply){
            .kind = STORE_ARRAY, .children = members, .count = count < share ? count : share};
    }
    read_answer(doubled.worker, task,
                &(struct store_answer){.replies = sets, .reply_count = task->read_count});
    if (task->writing == WRITE_NONE) {
        return false;
    }
    task->writing = WRITE_NONE;
    doubled.worker->write_buffers[task->write_buffer].used = false;
    task->head = task->next_head;
    rebuild_written(doubled.worker, task);
    return true;
}

START_TEST(a_rebuild_asks_for_more_empty_sets_and_for_half_when_the_answer_is_too_large)
{
    begin_rebuild();
    uint32_t asked = rebuild_asks();
    while (asked < DUE_ASK_MAX) {
        ck_assert(!rebuild_hears(0)); /* nobody is there: nothing to write */
        uint32_t more = rebuild_asks();
        ck_assert_uint_gt(more, asked);
        asked = more;
    }
    for (uint32_t expected = DUE_ASK_MAX / 2; expected > 0; expected /= 2) {
        come_away();
        ck_assert_uint_eq(rebuild_asks(), expected);
    }
    come_away();
    ck_assert_uint_eq(rebuild_asks(), 1);
    (void)rebuild_hears(0);
    ck_assert_uint_eq(rebuild_asks(), 2);
}
END_TEST

START_TEST(a_rebuild_asks_for_hardly_more_members_than_a_batch_may_delete)
{
    begin_rebuild();
    for (uint32_t sets = 1; sets <= DUE_ASK_MAX; sets++) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < sets; i++) {
            sum += due_ask_share(RESTORE_BATCH_MAX, sets, i);
        }
        ck_assert_uint_le(sum, 2 * RESTORE_BATCH_MAX);
    }
    /* Each has as many as a batch may delete, so it is read twice: the second time it is empty. */
    for (int i = 0; i < 20; i++) {
        (void)rebuild_asks();
        ck_assert(rebuild_hears(RESTORE_BATCH_MAX));
        ck_assert_int_eq(task->rebuild_bucket, BUCKET);
    }
    ck_assert_uint_le(rebuild_asks(), 2);
}
END_TEST

/* What the next owner finds in the head: the last batch, of which nobody else knows whether it went well, and what
 * comes after it. */
START_TEST(a_rebuild_that_is_interrupted_goes_on_with_the_batch_in_doubt)
{
    begin_rebuild();
    while (task->rebuild_bucket <= LAST) {
        (void)rebuild_asks();
        int64_t first = task->read_bucket;
        (void)rebuild_hears(1);
        ck_assert_int_eq(task->head.due_first, first);
        ck_assert_int_eq(task->head.due_last, LAST);
        ck_assert_int_gt(task->rebuild_bucket, first);
    }
    while (task->rebuild_bucket < DUE_FAR_FIRST + DUE_FAR_BUCKETS) {
        (void)rebuild_asks();
        bool end = task->read_bucket + task->read_count == DUE_FAR_FIRST + DUE_FAR_BUCKETS;
        ck_assert_int_eq(rebuild_hears(0), end); /* the last one takes the task's own record */
    }
    rebuild_step(doubled.worker, task);
    ck_assert_int_ne(task->step, CLAIM_REBUILD_DELETE);
    claim_owned(doubled.worker, task); /* somebody begins again */
    ck_assert_int_eq(task->rebuild_bucket, DUE_FAR_FIRST);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("due_sets");
    TCase *tests = tcase_create("due_sets");
    tcase_add_test(tests,
                   a_sweep_asks_for_more_empty_sets_and_for_half_when_the_answer_is_too_large);
    tcase_add_test(tests, a_sweep_asks_for_hardly_more_sets_than_it_uses);
    tcase_add_test(tests, a_set_whose_first_step_is_swept_in_parts_begins_again_after_a_reconnect);
    tcase_add_test(tests,
                   a_rebuild_asks_for_more_empty_sets_and_for_half_when_the_answer_is_too_large);
    tcase_add_test(tests, a_rebuild_asks_for_hardly_more_members_than_a_batch_may_delete);
    tcase_add_test(tests, a_rebuild_that_is_interrupted_goes_on_with_the_batch_in_doubt);
    tcase_add_test(tests, the_earliest_deadline_that_waits_is_told);
    tcase_add_test(tests, what_did_not_fit_is_read_although_somebody_is_due_later_in_this_minute);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
