/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "runtime/dead_letter.h"
#include "runtime/halt.h"
#include "runtime/route_inside.h"
#include "runtime/route_monitor.h"
#include "runtime/route_world.h"
#include "support/suite.h"

enum { STORM_TURNS = 4000, CALM_TURNS = 4000 };

/* ---- what must hold */

static void make_records(void)
{
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        for (uint32_t i = 0; i < RECORDS; i++) {
            uint64_t kind = random_below(&world.random, 20);
            uint64_t customer = random_below(&world.random, 30);
            const char *prefix = kind == 0 ? "!" : kind == 1 ? "?" : kind == 2 ? "-" : "";
            (void)snprintf(world.values[p][i], sizeof(world.values[p][i]), "%sC%u", prefix,
                           (unsigned)customer);
            (void)snprintf(world.keys[p][i], sizeof(world.keys[p][i]), "A%u", (unsigned)customer);
        }
    }
}

/* Each from `first` on once, in order; garbage and tombstones as dead letters. */
static void check_out(const int64_t first[PARTITIONS])
{
    int64_t next[PARTITIONS];
    memcpy(next, first, sizeof(next));
    for (uint32_t i = 0; i < world.out_count; i++) {
        const struct placed *placed = &world.out[i];
        char kind = world.values[placed->partition][placed->offset][0];
        ck_assert_int_eq(placed->offset, next[placed->partition]);
        ck_assert(placed->dead == (kind == '!' || kind == '-'));
        next[placed->partition]++;
    }
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        ck_assert_int_eq(next[p], RECORDS);
        ck_assert_int_eq(world.committed[p].offset, RECORDS);
    }
}

static void run_all(void)
{
    for (uint32_t n = 0; n < PROCESSES; n++) {
        process_start(&world.processes[n]);
    }
    rebalance();
    for (int i = 0; i < STORM_TURNS; i++) {
        turn_all();
    }
    world.calm = true;
    for (int i = 0; i < CALM_TURNS; i++) {
        turn_all();
    }
}

START_TEST(prop_each_record_is_once_in_the_output_in_order_whatever_fails)
{
    random_init(&world.random, (uint64_t)_i);
    make_records();
    run_all();
    check_out((int64_t[PARTITIONS]){0});
    for (uint32_t n = 0; n < PROCESSES; n++) {
        ck_assert_uint_eq(world.processes[n].borrowed, 0);
    }
}
END_TEST

START_TEST(a_first_start_elsewhere_is_committed_before_anything_is_read)
{
    random_init(&world.random, 1);
    make_records();
    memcpy(world.starts, (int64_t[PARTITIONS]){5, RECORDS, 0}, sizeof(world.starts));
    run_all();
    check_out((int64_t[PARTITIONS]){5, RECORDS, 0});
}
END_TEST

/* One process over records of its own making; stops by itself. */
static void run_one(void)
{
    world.calm = true;
    process_start(&world.processes[0]);
    process_start(&world.processes[1]);
    world.generation = 1;
    memset(world.owner, 0, sizeof(world.owner));
    assign();
    for (int i = 0; i < CALM_TURNS; i++) {
        turn_all();
    }
}

static void all_values(const char *value, const char *key)
{
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        for (uint32_t i = 0; i < RECORDS; i++) {
            (void)snprintf(world.values[p][i], sizeof(world.values[p][i]), "%s", value);
            (void)snprintf(world.keys[p][i], sizeof(world.keys[p][i]), "%s", key);
        }
    }
}

static const struct {
    const char *value, *key;
    bool by_customer;
    enum reject_reason reason; /* REJECT_NONE: it passes */
} judged[] = {
    {"C1", "A7", false, REJECT_NONE},        {"C1", "C1", true, REJECT_NONE},
    {"C1", "A7", true, REJECT_KEY_MISMATCH}, {".", "A7", false, REJECT_MISSING_FIELD},
    {"-", "C1", true, REJECT_NONE},          {"-", "A7", false, REJECT_EMPTY},
};

START_TEST(a_record_is_judged_by_what_its_key_is_said_to_be)
{
    world.by_customer = judged[_i].by_customer;
    all_values(judged[_i].value, judged[_i].key);
    run_one();
    const struct route_stats *stats = route_stats(world.processes[0].route);
    uint64_t all = PARTITIONS * RECORDS;
    ck_assert_uint_eq(atomic_load(&stats->records), judged[_i].reason == REJECT_NONE ? all : 0);
    if (judged[_i].reason != REJECT_NONE) {
        ck_assert_uint_eq(atomic_load(&stats->rejects[judged[_i].reason]), all);
    }
    ck_assert_int_eq(atomic_load(&stats->partitions[0].lag), 0);
    ck_assert_int_eq(atomic_load(&stats->partitions[0].state), TASK_LIVE);
}
END_TEST

static int32_t state_of(uint32_t partition)
{
    return atomic_load(&route_stats(world.processes[0].route)->partitions[partition].state);
}

static uint32_t halt_of(uint32_t partition)
{
    return atomic_load(&route_stats(world.processes[0].route)->partitions[partition].halt);
}

START_TEST(a_replaced_or_shortened_source_halts_its_partition_and_no_other)
{
    all_values("C1", "A1");
    run_one();
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        world.committed[p].offset = RECORDS / 2;
    }
    uint32_t before = world.out_count;
    world.first[0] = RECORDS / 2;     /* only the record before the offset is gone */
    world.first[1] = RECORDS / 2 + 1; /* what comes next is gone */
    (void)snprintf(world.values[2][RECORDS / 2 - 1], sizeof(world.values[2][0]), "other");
    world.epochs[0]++;
    run_one();
    ck_assert_int_eq(state_of(0), TASK_LIVE);
    ck_assert_int_eq(state_of(1), TASK_HALTED);
    ck_assert_int_eq(state_of(2), TASK_HALTED);
    ck_assert_str_eq(halt_code((enum halt)halt_of(1)), "input_gone");
    ck_assert_str_eq(halt_code((enum halt)halt_of(2)), "input_replaced");
    ck_assert_ptr_nonnull(strstr(route_reason(world.processes[0].route, 2), "was replaced"));
    ck_assert_uint_eq(world.out_count, before + RECORDS / 2);
    ck_assert_int_eq(world.committed[1].offset, RECORDS / 2);
}
END_TEST

/* Events of all partitions at once, each partition's rising; fetched in pieces of any size. */
START_TEST(what_is_behind_is_read_in_the_order_of_its_events)
{
    random_init(&world.random, (uint64_t)_i);
    all_values("C1", "A1");
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        for (uint32_t i = 0; i < RECORDS; i++) {
            world.times[p][i] =
                (i == 0 ? 0 : world.times[p][i - 1]) + (int64_t)random_below(&world.random, 100);
        }
    }
    run_one();
    check_out((int64_t[PARTITIONS]){0});
    for (uint32_t i = 1; i < world.out_count; i++) {
        const struct placed *a = &world.out[i - 1], *b = &world.out[i];
        ck_assert_int_le(world.times[a->partition][a->offset],
                         world.times[b->partition][b->offset]);
    }
}
END_TEST

/* 9999-12-31, which many systems write for "open": the tasks refuse it. */
START_TEST(what_is_dated_too_far_ahead_holds_nobody_back)
{
    all_values("C1", "A1");
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        for (uint32_t i = 0; i < RECORDS; i++) {
            world.times[p][i] = i;
        }
    }
    world.times[0][10] = INT64_C(253402214400000);
    run_one();
    check_out((int64_t[PARTITIONS]){0});
    int64_t last_ms = 0;
    for (uint32_t i = 0; i < world.out_count; i++) {
        const struct placed *placed = &world.out[i];
        if (placed->partition != 0 || placed->offset != 10) {
            ck_assert_int_ge(world.times[placed->partition][placed->offset], last_ms);
            last_ms = world.times[placed->partition][placed->offset];
        }
    }
}
END_TEST

/* The repartition topic has the same source, partitions and offsets, and its garbage is a task's. */
START_TEST(a_dead_letter_has_another_id_than_that_of_a_task_for_the_same_place)
{
    all_values("!", "A1");
    run_one();
    ck_assert_uint_eq(world.out_count, PARTITIONS * RECORDS);
    for (uint32_t i = 0; i < world.out_count; i++) {
        const struct placed *placed = &world.out[i];
        const struct log_record record = {.source = SOURCE_TRANSACTIONS,
                                          .partition = placed->partition,
                                          .offset = placed->offset};
        const struct reject reject = {.reason = REJECT_TRUNCATED};
        struct output output = {.kind = OUTPUT_DEAD_LETTER};
        dead_letter_fill(&output, "tasks", &record, &reject, 0);
        ck_assert_uint_ne(placed->id[0], output.id[0]);
        ck_assert_uint_ne(placed->id[1], output.id[1]);
    }
}
END_TEST

/* What is in hand cannot be committed: nothing is to be done until something is heard. */
START_TEST(without_a_producer_it_waits_for_news)
{
    all_values("C1", "A1");
    world.away = true;
    run_one();
    int32_t wait_ms = 0;
    ck_assert_uint_lt(world.out_count, PARTITIONS * RECORDS);
    ck_assert_int_eq(route_turn(world.processes[0].route, &wait_ms), WORKER_GO_ON);
    ck_assert_int_eq(wait_ms, 100);
}
END_TEST

/* Partition 0 says that it has more, and nothing comes of it. */
START_TEST(a_partition_that_does_not_answer_is_waited_for_once)
{
    all_values("C1", "A1");
    world.stuck = true;
    run_one();
    ck_assert_uint_eq(world.out_count, 2 * RECORDS);
    ck_assert_int_eq(world.committed[0].offset, -1);
}
END_TEST

START_TEST(a_stop_commits_what_was_taken_and_reads_no_more)
{
    random_init(&world.random, (uint64_t)_i);
    all_values("C1", "A1");
    world.calm = true;
    process_start(&world.processes[0]);
    process_start(&world.processes[1]);
    world.generation = 1;
    assign();
    struct process *process = &world.processes[0];
    const struct route *route = process->route;
    const struct route_batch *building = NULL;
    int32_t wait_ms = 0;
    for (int i = 0; i < CALM_TURNS; i++) { /* until one batch commits, and more was taken */
        turn_all();
        building = &route->batches[route->building];
        if (route->flying && building->count > 0) {
            break;
        }
    }
    ck_assert(route->flying && building->count > 0);
    uint32_t taken = world.out_count + building->count + route->batches[1 - route->building].count;
    int64_t at[PARTITIONS];
    memcpy(at, process->at, sizeof(at));
    route_stop(process->route);
    enum worker_outcome outcome = WORKER_GO_ON;
    for (int i = 0; i < CALM_TURNS && outcome == WORKER_GO_ON; i++) {
        world.turn++;
        serve(0);
        outcome = route_turn(process->route, &wait_ms);
    }
    ck_assert_int_eq(outcome, WORKER_DRAINED);
    ck_assert_mem_eq(at, process->at, sizeof(at));
    int64_t sum = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        sum += world.committed[p].offset < 0 ? 0 : world.committed[p].offset;
    }
    ck_assert_uint_eq(world.out_count, taken);
    ck_assert_int_eq(sum, taken);
    ck_assert_int_lt(sum, PARTITIONS * RECORDS);
}
END_TEST

/* What /readyz says of the first process's route. */
static int ask_ready(const char **out_text)
{
    static char text[4096];
    static struct route_monitor *monitor;
    struct http_handler handlers[3];
    struct http_answer answer = {.status = 200, .data = text, .limit = sizeof(text)};
    if (monitor == NULL) {
        struct route_monitor_options options = {.clock = &world.processes[0].clock,
                                                .stall_ms = 1000};
        options.routes[SOURCE_TRANSACTIONS] = world.processes[0].route;
        options.partition_counts[SOURCE_TRANSACTIONS] = PARTITIONS;
        monitor = route_monitor_open(&options);
    }
    ck_assert_uint_eq(route_monitor_handlers(monitor, handlers), 3);
    ck_assert_str_eq(handlers[2].path, "/readyz");
    handlers[2].fill(handlers[2].context, &(struct http_request){0}, &answer);
    *out_text = text;
    return answer.status;
}

START_TEST(a_route_is_not_ready_before_its_first_turn)
{
    const char *text;
    int32_t wait_ms = 0;
    process_start(&world.processes[0]);
    ck_assert_int_eq(ask_ready(&text), 503);
    ck_assert_ptr_nonnull(strstr(text, "transactions: starting\n"));
    ck_assert_int_eq(route_turn(world.processes[0].route, &wait_ms), WORKER_GO_ON);
    ck_assert_int_eq(ask_ready(&text), 200);
    ck_assert_str_eq(text, "transactions partitions owned: 0\n");
}
END_TEST

/* A process each, whose memory a sanitizer looks at for a second. */
#ifdef __SANITIZE_ADDRESS__
enum { WORLDS = 20 };
#else
enum { WORLDS = 100 };
#endif

int main(void)
{
    Suite *suite = suite_create("route");
    TCase *tests = tcase_create("route");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, world_init, NULL);
    tcase_add_loop_test(tests, prop_each_record_is_once_in_the_output_in_order_whatever_fails, 0,
                        WORLDS);
    tcase_add_test(tests, a_first_start_elsewhere_is_committed_before_anything_is_read);
    tcase_add_loop_test(tests, a_record_is_judged_by_what_its_key_is_said_to_be, 0,
                        (int)(sizeof(judged) / sizeof(judged[0])));
    tcase_add_test(tests, a_replaced_or_shortened_source_halts_its_partition_and_no_other);
    tcase_add_loop_test(tests, what_is_behind_is_read_in_the_order_of_its_events, 0, WORLDS / 5);
    tcase_add_test(tests, what_is_dated_too_far_ahead_holds_nobody_back);
    tcase_add_test(tests, a_dead_letter_has_another_id_than_that_of_a_task_for_the_same_place);
    tcase_add_test(tests, without_a_producer_it_waits_for_news);
    tcase_add_test(tests, a_partition_that_does_not_answer_is_waited_for_once);
    tcase_add_loop_test(tests, a_stop_commits_what_was_taken_and_reads_no_more, 0, 5);
    tcase_add_test(tests, a_route_is_not_ready_before_its_first_turn);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
