/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction holds so many bytes. What does not fit is divided, however wrong the guess of its size was; only
 * what cannot be divided halts a task. And when commits are made. */
#include <stdio.h>

#include "runtime/stats.h"
#include "runtime/worker_double.h"
#include "support/suite.h"

enum {
    NUMBER = 3,
    NEXT = 10,
    CUSTOMERS = 256,
    COMMIT_BYTES = 4096,
    TRIES_MAX = 64,
    TURN_US = 2000
};

static struct worker *worker;
static struct task *task;
static char ids[CUSTOMERS][16];

static void open_with(size_t commit_bytes)
{
    struct worker_options options;
    worker_options_init(&options);
    options.limits.cut_bytes = commit_bytes < COMMIT_BYTES ? commit_bytes : COMMIT_BYTES;
    options.limits.commit_bytes = commit_bytes;
    options.limits.step_bytes = commit_bytes / 2;
    double_open_as(options, NUMBER);
    worker = doubled.worker;
    task = &worker->tasks[0];
    worker->flight_bytes_max = 2 * commit_bytes; /* the broker is quick */
    double_become_live(NEXT);
    double_turn(LOG_PRODUCER_READY, NUMBER, 0);
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "C%u", i);
    }
}

/* What a midnight does: time alone brings customer after customer, until there is no room. */
static uint32_t touch_all(void)
{
    uint32_t count = 0;
    for (; count < CUSTOMERS; count++) {
        struct cache_entry *entry = cache_find(&worker->cache, task->slot, slice_text(ids[count]));
        if (entry == NULL) {
            entry = cache_insert(&worker->cache, task->slot, slice_text(ids[count]));
            ck_assert_ptr_nonnull(entry);
            engine_customer_init(worker->options.engine, cache_customer(entry),
                                 slice_text(ids[count]));
        }
        if (!batch_room(worker, task, entry)) {
            break;
        }
        batch_touch(worker, task, entry);
    }
    return count;
}

static void taken_by_redis(void)
{
    ck_assert_uint_eq(task->pending_count, 1);
    flight_unhold(worker, task->pending[0].flight);
    task->pending_count = 0;
    task->acked_seq = task->committed_seq;
}

/* The transaction is closed, and commits if anything is in it; Redis takes the cut. True: the cut did fit. */
static bool close_it(void)
{
    doubled.committing = NULL;
    worker->now_us += worker->options.commit_interval_ms * 1000;
    flight_turn(worker);
    if (doubled.committing == NULL) {
        return false;
    }
    double_turn(LOG_COMMIT_DONE, NUMBER, 0);
    taken_by_redis();
    return true;
}

static void claim_again(void)
{
    ck_assert_int_eq(task->state, TASK_CLAIMING);
    double_become_live(NEXT);
}

/* Until a cut fits; returns how many customers it has. Each try has fewer than the one before. */
static uint32_t divide_until_it_fits(uint32_t *out_tries)
{
    uint32_t before = CUSTOMERS + 1;
    for (*out_tries = 1; *out_tries < TRIES_MAX; (*out_tries)++) {
        uint32_t count = touch_all();
        ck_assert_uint_gt(count, 0);
        ck_assert_uint_lt(count, before);
        if (close_it()) {
            return count;
        }
        claim_again();
        before = count;
    }
    ck_abort_msg("it never fits");
    return 0;
}

START_TEST(a_cut_that_does_not_fit_is_tried_with_half_the_customers_until_it_does)
{
    uint32_t tries;
    open_with(COMMIT_BYTES);
    worker->entries_size = (size_t)20 * ENTRIES_AVERAGED; /* all entries so far were small */
    ck_assert_uint_gt(divide_until_it_fits(&tries), 1);
    ck_assert_uint_gt(tries, 1);
    ck_assert_uint_le(tries, 8); /* halved from at most CUSTOMERS = 2^8 */
    ck_assert_int_eq(task->state, TASK_LIVE);
}
END_TEST

START_TEST(few_records_and_many_customers_do_not_halt_a_task)
{
    uint32_t tries;
    open_with(COMMIT_BYTES);
    task->chunk_limit = 1; /* records cannot be fewer, those whom time brings can */
    worker->entries_size = (size_t)20 * ENTRIES_AVERAGED;
    ck_assert_uint_gt(divide_until_it_fits(&tries), 1);
    ck_assert_uint_gt(tries, 1);
}
END_TEST

START_TEST(the_limits_grow_again_with_each_cut_that_fits)
{
    uint32_t limit = 0;
    uint32_t cuts = 0;
    open_with(COMMIT_BYTES);
    task->chunk_limit = 1;
    worker->entries_size =
        (size_t)(COMMIT_BYTES / 2) * ENTRIES_AVERAGED; /* one customer at a time */
    ck_assert_uint_eq(touch_all(), 1);
    uint32_t customers = 1;
    for (; task->chunk_limit < worker->options.limits.chunk_records; cuts++) {
        ck_assert(close_it());
        ck_assert_uint_gt(task->chunk_limit, limit);
        limit = task->chunk_limit;
        customers = touch_all();
        ck_assert_uint_lt(cuts, 100);
    }
    ck_assert_uint_eq(task->chunk_limit, worker->options.limits.chunk_records);
    for (; customers < 4; cuts++) {
        ck_assert(close_it());
        customers = touch_all();
        ck_assert_uint_lt(cuts, 1000);
    }
}
END_TEST

START_TEST(a_claim_for_another_reason_begins_with_whole_chunks)
{
    open_with(COMMIT_BYTES);
    task->chunk_limit = 1;
    task_reclaim(worker, task, "another reason");
    ck_assert_uint_eq(task->chunk_limit, worker->options.limits.chunk_records);
}
END_TEST

START_TEST(one_customer_who_does_not_fit_alone_halts_the_task)
{
    open_with(COMMIT_BYTES);
    worker->options.limits.cut_bytes = 700; /* a header, and no customer */
    uint32_t tries = 0;
    while (task->state != TASK_HALTED) {
        ck_assert_uint_lt(++tries, TRIES_MAX);
        ck_assert_uint_eq(touch_all(), 1);
        ck_assert(!close_it());
        if (task->state != TASK_HALTED) {
            claim_again();
        }
    }
    ck_assert_uint_gt(tries, 1);
    ck_assert_uint_eq(atomic_load(&worker_stats(worker)->tasks[0].halt), HALT_BATCH_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(worker_reason(worker, NUMBER), "limits.commit"));
}
END_TEST

/* Another process may have to read it, and has room for one task's cut. */
START_TEST(however_much_a_transaction_holds_a_task_has_one_cut_of_it)
{
    uint32_t tries;
    open_with(8 * COMMIT_BYTES);
    worker->entries_size = (size_t)20 * ENTRIES_AVERAGED;
    ck_assert_uint_gt(divide_until_it_fits(&tries), 1);
    ck_assert_uint_gt(tries, 1);
    ck_assert_uint_eq(doubled.committing->write_count, 1);
    ck_assert_uint_le(doubled.committing->writes[0].value.size, COMMIT_BYTES);
    while (touch_all() < CUSTOMERS) { /* nor is it reckoned with more */
        ck_assert_uint_le(worker->entries_size / ENTRIES_AVERAGED * task->customers_built,
                          COMMIT_BYTES * 3 / 4);
        ck_assert(close_it());
        if (++tries == TRIES_MAX) {
            break;
        }
    }
}
END_TEST

static uint8_t part_bytes[CUT_PART_OVERHEAD + COMMIT_BYTES];

/* A record of the journal with that part of a cut in it, of so many bytes. */
static enum journal_news read_part(uint32_t number, uint32_t size)
{
    struct cut_header header;
    struct slice payload;
    struct cut_part part = {NUMBER, DOUBLE_CUT, 1,
                            number, 2,          slice_of(part_bytes + CUT_PART_HEAD, size)};
    cut_frame(part_bytes, &part);
    struct log_record record = {.value = slice_of(part_bytes, size + CUT_PART_OVERHEAD),
                                .has_value = true};
    return journal_take(worker, task, &record, &header, &payload);
}

START_TEST(a_cut_that_is_too_large_to_read_is_not_taken_for_one_that_is_missing)
{
    open_with(COMMIT_BYTES);
    ck_assert(journal_take_reader(worker, task, 0));
    ck_assert_int_eq(read_part(0, COMMIT_BYTES), JOURNAL_NOTHING);
    ck_assert_int_eq(task->state, TASK_LIVE);
    ck_assert_int_eq(read_part(1, 1), JOURNAL_BAD);
    ck_assert_int_eq(task->state, TASK_HALTED);
    ck_assert_uint_eq(atomic_load(&worker_stats(worker)->tasks[0].halt), HALT_CUT_TOO_LARGE);
}
END_TEST

START_TEST(a_transaction_holds_four_cuts_and_always_one)
{
    static const size_t mib = 1024 * 1024;
    static const size_t of[][2] = {{1, 4}, {3, 12}, {4, 16}, {6, 16}, {16, 16}, {64, 64}};
    struct worker_limits limits = {0};
    worker_limit_cuts(&limits, of[_i][0] * mib);
    ck_assert_uint_eq(limits.cut_bytes, of[_i][0] * mib);
    ck_assert_uint_eq(limits.commit_bytes, of[_i][1] * mib);
}
END_TEST

static void say_something(void)
{
    struct cache_entry *entry = cache_insert(&worker->cache, task->slot, slice_text(ids[0]));
    engine_customer_init(worker->options.engine, cache_customer(entry), slice_text(ids[0]));
    batch_touch(worker, task, entry);
    ck_assert_ptr_nonnull(effects_add(&worker->effects, OUTPUT_SEGMENT_CHANGED));
}

START_TEST(outputs_that_do_not_fit_are_tried_with_half_the_records_and_halt_with_one)
{
    open_with(COMMIT_BYTES);
    doubled.refuses_outputs = true;
    for (uint32_t limit = worker->options.limits.chunk_records; limit > 1; limit /= 2) {
        ck_assert_uint_eq(task->chunk_limit, limit);
        say_something();
        ck_assert(!batch_flush(worker, task));
        uint32_t less = task->chunk_limit;
        ck_assert_uint_eq(worker->effects.count, 0);
        ck_assert_uint_eq(worker->touched_count, 0);
        claim_again();
        ck_assert_uint_eq(task->chunk_limit, less);
    }
    say_something();
    ck_assert(!batch_flush(worker, task));
    ck_assert_int_eq(task->state, TASK_HALTED);
    ck_assert_uint_eq(atomic_load(&worker_stats(worker)->tasks[0].halt), HALT_BATCH_TOO_LARGE);
}
END_TEST

/* ---- when ---- */

/* Nothing else has to do with Redis: the customer is in memory, no checkpoint is due, no person is asked for. */
static void open_fed(int64_t interval_ms)
{
    struct worker_options options;
    worker_options_init(&options);
    options.commit_interval_ms = interval_ms;
    double_open_as(options, NUMBER);
    worker = doubled.worker;
    task = &worker->tasks[0];
    double_become_live(NEXT);
    double_turn(LOG_PRODUCER_READY, NUMBER, 0);
    double_knows_fed(task);
    doubled.connected = true;
    task->follow.next_us = INT64_MAX;
}

static void turn_quietly(void)
{
    task->wish_us = worker->now_us;
    double_turn_quietly();
}

/* Turns until a commit begins; when. */
static int64_t next_commit_us(void)
{
    doubled.committing = NULL;
    for (int turns = 0; doubled.committing == NULL; turns++) {
        ck_assert_int_lt(turns, 100000);
        turn_quietly();
    }
    int64_t began_us = worker->now_us;
    double_turn(LOG_COMMIT_DONE, NUMBER, 0);
    taken_by_redis();
    return began_us;
}

START_TEST(under_steady_input_a_commit_begins_once_per_interval)
{
    static const int64_t intervals_ms[] = {25, 50, 200, 1000, 5000};
    int64_t interval_us = intervals_ms[_i] * 1000;
    open_fed(intervals_ms[_i]);
    doubled.feeding = true;
    int64_t before_us = next_commit_us();
    for (int i = 0; i < 20; i++) {
        uint32_t fed = doubled.fed;
        int64_t at_us = next_commit_us();
        ck_assert_int_ge(at_us - before_us, interval_us);
        ck_assert_int_le(at_us - before_us, interval_us + 3 * TURN_US);
        ck_assert_int_ge((int64_t)(doubled.fed - fed), interval_us / TURN_US / 2);
        before_us = at_us;
    }
}
END_TEST

START_TEST(a_record_that_comes_alone_does_not_wait_for_the_interval)
{
    open_fed(1000);
    doubled.feeding = true;
    while (doubled.fed == 0) {
        turn_quietly();
    }
    doubled.feeding = false;
    ck_assert_uint_eq(doubled.fed, 1);
    int64_t came_us = worker->now_us;
    ck_assert_int_le(next_commit_us() - came_us,
                     worker->options.commit_floor_ms * 1000 + 3 * TURN_US);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batch");
    TCase *size = tcase_create("size");
    tcase_add_test(size, a_cut_that_does_not_fit_is_tried_with_half_the_customers_until_it_does);
    tcase_add_test(size, few_records_and_many_customers_do_not_halt_a_task);
    tcase_add_test(size, the_limits_grow_again_with_each_cut_that_fits);
    tcase_add_test(size, a_claim_for_another_reason_begins_with_whole_chunks);
    tcase_add_test(size, one_customer_who_does_not_fit_alone_halts_the_task);
    tcase_add_test(size, however_much_a_transaction_holds_a_task_has_one_cut_of_it);
    tcase_add_test(size, a_cut_that_is_too_large_to_read_is_not_taken_for_one_that_is_missing);
    tcase_add_loop_test(size, a_transaction_holds_four_cuts_and_always_one, 0, 6);
    tcase_add_test(size, outputs_that_do_not_fit_are_tried_with_half_the_records_and_halt_with_one);
    suite_add_tcase(suite, size);
    TCase *time = tcase_create("time");
    tcase_add_loop_test(time, under_steady_input_a_commit_begins_once_per_interval, 0, 5);
    tcase_add_test(time, a_record_that_comes_alone_does_not_wait_for_the_interval);
    suite_add_tcase(suite, time);
    return suite_run_all(suite);
}
