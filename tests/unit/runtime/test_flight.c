/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/inside.h"

#include "support/suite.h"

enum { WRITES = 8, OURS = 0, DROPPED = 1, THIRD = 2 };

static struct worker worker;
static struct task task;
static struct log_write writes[WRITES];
static uint32_t slots[WRITES];
static struct flight_cut sealed[2];

/* Outputs of three tasks, then the cuts of two of them: offset names each. */
static void set_up(void)
{
    static const uint32_t of[WRITES] = {DROPPED, OURS, DROPPED, THIRD,
                                        DROPPED, OURS, THIRD,   DROPPED};
    worker.building = 0;
    struct flight *flight = &worker.flights[0];
    *flight = (struct flight){.state = FLIGHT_BUILDING,
                              .writes = writes,
                              .write_slots = slots,
                              .write_count = WRITES,
                              .sealed = sealed,
                              .sealed_count = 2};
    for (uint32_t i = 0; i < WRITES; i++) {
        writes[i] = (struct log_write){.partition = (int32_t)i};
        slots[i] = of[i];
    }
    sealed[0] = (struct flight_cut){.slot = OURS, .write = 5};
    sealed[1] = (struct flight_cut){.slot = THIRD, .write = 6};
    task = (struct task){.slot = DROPPED, .held_building = true};
}

START_TEST(a_task_that_is_dropped_takes_its_records_with_it_and_no_others)
{
    flight_drop_task(&worker, &task);
    ck_assert_uint_eq(worker.flights[0].write_count, 4);
    static const int32_t left[] = {1, 3, 5, 6};
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(writes[i].partition, left[i]);
        ck_assert_uint_ne(slots[i], DROPPED);
    }
    ck_assert(!task.held_building);
}
END_TEST

/* From there the broker's answer is read: where the cut lies in the journal. */
START_TEST(cuts_that_were_sealed_before_it_still_know_their_first_record)
{
    flight_drop_task(&worker, &task);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_uint_lt(sealed[i].write, worker.flights[0].write_count);
        ck_assert_int_eq(writes[sealed[i].write].partition, (int32_t)(5 + i));
    }
}
END_TEST

enum { INTERVAL_MS = 50, CATCH_UP_MS = 500, CACHED = 1000 };

/* A live task of which a flight took 100 records a while ago, and one of which nothing is in it. */
static void set_up_due(void)
{
    static struct task tasks[2];
    static uint8_t room[1024];
    struct flight *flight = &worker.flights[0];
    worker = (struct worker){.tasks = tasks, .now_us = 10000000, .cache = {.count = CACHED}};
    worker.options.tasks_max = 2;
    worker.options.commit_interval_ms = INTERVAL_MS;
    worker.options.commit_catch_up_ms = CATCH_UP_MS;
    worker.options.limits =
        (struct worker_limits){.customers_per_cut = 300,
                               .records_per_commit = 5000,
                               .outputs_per_commit = 4 * ENGINE_OUTPUTS_PER_STEP_MAX,
                               .input_bytes = 1000,
                               .cut_bytes = 65536,
                               .commit_bytes = 65536};
    worker.flight_bytes_max = 131072;
    tasks[0] =
        (struct task){.state = TASK_LIVE, .held_building = true, .events_built = 100, .lag = 404};
    tasks[1] = (struct task){.state = TASK_LIVE};
    *flight = (struct flight){
        .state = FLIGHT_BUILDING,
    };
    arena_init(&flight->arena, room, sizeof(room));
}

static bool is_due_after(int64_t age_ms)
{
    worker.flights[0].began_us = worker.now_us - age_ms * 1000;
    return flight_is_due(&worker, &worker.flights[0]);
}

START_TEST(while_far_more_waits_a_flight_grows_beyond_the_interval)
{
    ck_assert(!is_due_after(INTERVAL_MS - 1) && !is_due_after(INTERVAL_MS));
    ck_assert(!is_due_after(CATCH_UP_MS - 1) && is_due_after(CATCH_UP_MS));
    worker.idle = true; /* the inputs' queue ran dry for a moment, or Redis has not answered yet */
    ck_assert(!is_due_after(INTERVAL_MS));
}
END_TEST

START_TEST(a_flight_that_holds_a_good_part_of_what_waits_is_closed)
{
    worker.tasks[0].lag = 403; /* not more than four times 100 */
    ck_assert(!is_due_after(INTERVAL_MS - 1) && is_due_after(INTERVAL_MS));
    worker.tasks[0].lag = -1; /* not known */
    ck_assert(is_due_after(INTERVAL_MS));
    worker.tasks[0].lag = 0;
    worker.idle = true;
    ck_assert(is_due_after(1));
}
END_TEST

START_TEST(a_task_that_keeps_up_does_not_wait_for_one_that_is_behind)
{
    worker.tasks[1].held_building = true; /* a deadline without an event is enough */
    ck_assert(is_due_after(INTERVAL_MS));
}
END_TEST

START_TEST(one_that_is_stuck_makes_nobody_wait)
{
    worker.tasks[0].lag = 0;
    worker.tasks[1].lag = 1000000;
    ck_assert(is_due_after(INTERVAL_MS));
    worker.tasks[0].held_building = false; /* a flight of checkpoints only */
    ck_assert(is_due_after(INTERVAL_MS));
}
END_TEST

START_TEST(a_flight_does_not_push_everybody_else_out_of_the_cache)
{
    worker.touched_count = CACHED / 4 - 1;
    ck_assert(!is_due_after(INTERVAL_MS));
    worker.touched_count = CACHED / 4;
    ck_assert(is_due_after(INTERVAL_MS));
}
END_TEST

START_TEST(an_interval_longer_than_the_other_counts_alone)
{
    worker.options.commit_catch_up_ms = 0;
    ck_assert(!is_due_after(INTERVAL_MS - 1) && is_due_after(INTERVAL_MS));
    worker.idle = true;
    ck_assert(is_due_after(1));
}
END_TEST

/* Its step of Redis holds everybody else there. */
START_TEST(a_task_with_as_many_customers_as_a_cut_may_have_closes_it)
{
    worker.tasks[0].customers_built = 299;
    ck_assert(!is_due_after(1));
    worker.tasks[0].customers_built = 300;
    ck_assert(is_due_after(1));
}
END_TEST

enum { KIB = 1024 };

/* A flight of so many bytes was committed and took so long; `commit_bytes` is 65536. */
static size_t bytes_after(size_t max, size_t bytes, int64_t took_ms, enum log_event_kind end)
{
    struct log_event event = {.kind = end};
    worker.options.tasks_max = 0;
    worker.flight_bytes_max = max;
    worker.building = NO_INDEX;
    worker.committing = 0;
    worker.commit_began_us = worker.now_us - took_ms * 1000;
    worker.flights[0].state = FLIGHT_COMMITTING;
    worker.flights[0].bytes = bytes;
    if (end == LOG_COMMIT_DONE) {
        flight_committed(&worker, &event);
    } else {
        flight_failed(&worker, end == LOG_COMMIT_FENCED, "");
    }
    return worker.flight_bytes_max;
}

START_TEST(a_commit_that_took_long_halves_the_next_ones)
{
    ck_assert_uint_eq(bytes_after(64 * KIB, 64 * KIB, 1001, LOG_COMMIT_DONE), 32 * KIB);
    ck_assert_uint_eq(bytes_after(64 * KIB, 64 * KIB, 0, LOG_COMMIT_FAILED), 32 * KIB);
    ck_assert_uint_eq(bytes_after(64 * KIB, 64 * KIB, 0, LOG_COMMIT_FENCED), 64 * KIB);
    ck_assert_uint_eq(bytes_after(1 * KIB, 1 * KIB, 9000, LOG_COMMIT_DONE), 1 * KIB);
}
END_TEST

START_TEST(one_that_did_not_allows_twice_as_much_as_it_had)
{
    ck_assert_uint_eq(bytes_after(16 * KIB, 8 * KIB, 499, LOG_COMMIT_DONE), 32 * KIB);
    ck_assert_uint_eq(bytes_after(16 * KIB, 8 * KIB - 1, 1, LOG_COMMIT_DONE), 16 * KIB);
    ck_assert_uint_eq(bytes_after(16 * KIB, 16 * KIB, 500, LOG_COMMIT_DONE), 16 * KIB);
    ck_assert_uint_eq(bytes_after(128 * KIB, 128 * KIB, 1, LOG_COMMIT_DONE), 128 * KIB);
}
END_TEST

/* A broker that takes 2 MiB a second, and more waits than can ever be read. */
START_TEST(behind_a_slow_broker_commits_come_to_rest)
{
    size_t max = flight_bytes_first(&worker);
    const size_t per_ms = 8; /* of these limits as 2 MiB a second are of the defaults */
    for (int i = 0; i < 20; i++) {
        size_t took_ms = max / per_ms;
        ck_assert_uint_le(took_ms, 2048); /* a transaction may take 10 s */
        max = bytes_after(max, max, (int64_t)took_ms, LOG_COMMIT_DONE);
    }
    ck_assert_uint_ge(max / per_ms, 500);
    ck_assert_uint_le(max / per_ms, 1024);
}
END_TEST

START_TEST(a_flight_takes_nobody_in_beyond_what_commits_showed)
{
    worker.flight_bytes_max = 600;
    worker.entries_size = (size_t)ENTRIES_AVERAGED * 100;
    worker.touched_count = 5;
    ck_assert(flight_has_room(&worker, &worker.flights[0]) && !is_due_after(1));
    worker.touched_count = 6;
    ck_assert(!flight_has_room(&worker, &worker.flights[0]) && is_due_after(1));
    ck_assert(flight_has_step(&worker, &worker.flights[0])); /* who is in it already goes on */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *due = tcase_create("due");
    tcase_add_checked_fixture(due, set_up_due, NULL);
    tcase_add_test(due, while_far_more_waits_a_flight_grows_beyond_the_interval);
    tcase_add_test(due, a_flight_that_holds_a_good_part_of_what_waits_is_closed);
    tcase_add_test(due, a_task_that_keeps_up_does_not_wait_for_one_that_is_behind);
    tcase_add_test(due, one_that_is_stuck_makes_nobody_wait);
    tcase_add_test(due, a_flight_does_not_push_everybody_else_out_of_the_cache);
    tcase_add_test(due, an_interval_longer_than_the_other_counts_alone);
    tcase_add_test(due, a_task_with_as_many_customers_as_a_cut_may_have_closes_it);
    tcase_add_test(due, a_commit_that_took_long_halves_the_next_ones);
    tcase_add_test(due, one_that_did_not_allows_twice_as_much_as_it_had);
    tcase_add_test(due, behind_a_slow_broker_commits_come_to_rest);
    tcase_add_test(due, a_flight_takes_nobody_in_beyond_what_commits_showed);
    suite_add_tcase(suite, due);
    TCase *drop = tcase_create("drop");
    tcase_add_checked_fixture(drop, set_up, NULL);
    tcase_add_test(drop, a_task_that_is_dropped_takes_its_records_with_it_and_no_others);
    tcase_add_test(drop, cuts_that_were_sealed_before_it_still_know_their_first_record);
    suite_add_tcase(suite, drop);
    return suite_run_all(suite);
}
