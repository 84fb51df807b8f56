/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/suite.h"

enum { A = SOURCE_TRANSACTIONS, B = SOURCE_APP_ENGAGEMENT, WAIT_US = 2000 };

static struct merge merge;

static void set_up(void)
{
    merge_init(&merge);
}

static void ready(uint32_t source, int64_t time_ms, int64_t offset, int64_t end)
{
    merge.heads[source] = (struct merge_head){MERGE_READY, time_ms, offset, end};
}

static void none(uint32_t source, enum merge_state state)
{
    merge.heads[source] = (struct merge_head){.state = state, .end = 0};
}

/* The source that may go, or -1 for wait, -2 for ask. */
static int next(int64_t now_us)
{
    uint32_t source = SOURCE_COUNT;
    switch (merge_next(&merge, now_us, WAIT_US, &source)) {
    case MERGE_TAKE:
        return (int)source;
    case MERGE_WAIT:
        return -1;
    case MERGE_ASK:
        return -2;
    }
    return -3;
}

START_TEST(the_earlier_head_goes_first_and_the_lower_source_among_equals)
{
    ready(A, 20, 0, 1);
    ready(B, 10, 5, 6);
    ck_assert_int_eq(next(0), B);
    ready(B, 20, 6, 7);
    ck_assert_int_eq(next(0), A);
    ready(A, 21, 1, 2);
    ck_assert_int_eq(next(0), B);
}
END_TEST

START_TEST(a_head_that_goes_back_in_time_goes_first)
{
    ready(A, 100, 7, 9);
    ready(B, 50, 0, 1);
    ck_assert_int_eq(next(0), B);
    ready(B, 3, 1, 2);
    ck_assert_int_eq(next(0), B);
}
END_TEST

START_TEST(a_source_that_has_more_is_waited_for_without_limit)
{
    ready(A, 1, 0, 10);
    none(B, MERGE_COMING);
    ck_assert_int_eq(next(0), -1);
    ck_assert_int_eq(next(1000 * WAIT_US), -1);
    merge_confirm(&merge);
    ck_assert_int_eq(next(2000 * WAIT_US), -1);
}
END_TEST

START_TEST(a_record_waits_for_a_source_at_its_end_until_the_log_was_asked_anew)
{
    ready(A, 1, 0, 1);
    none(B, MERGE_ENDED);
    ck_assert_int_eq(next(100), -1);
    ck_assert_int_eq(next(100 + WAIT_US - 1), -1);
    ck_assert_int_eq(next(100 + WAIT_US), -2);
    ck_assert_int_eq(next(100 + 9 * WAIT_US), -1); /* asked once, not answered */
    merge_confirm(&merge);
    ck_assert_int_eq(next(100 + 9 * WAIT_US), A);
}
END_TEST

START_TEST(an_answer_that_tells_of_more_is_waited_for)
{
    ready(A, 100, 0, 1);
    none(B, MERGE_ENDED);
    ck_assert_int_eq(next(0), -1);
    ck_assert_int_eq(next(WAIT_US), -2);
    merge_confirm(&merge);
    none(B, MERGE_COMING); /* the same answer moved its end */
    ck_assert_int_eq(next(2 * WAIT_US), -1);
    ready(B, 50, 3, 4);
    ck_assert_int_eq(next(3 * WAIT_US), B);
    none(B, MERGE_ENDED);
    ck_assert_int_eq(next(3 * WAIT_US), A);
}
END_TEST

START_TEST(an_answer_nobody_asked_for_confirms_nothing)
{
    ready(A, 1, 0, 1);
    none(B, MERGE_ENDED);
    ck_assert_int_eq(next(0), -1);
    merge_confirm(&merge);
    ck_assert_int_eq(next(WAIT_US - 1), -1);
    ck_assert_int_eq(next(WAIT_US), -2);
}
END_TEST

START_TEST(all_that_existed_when_the_wait_began_goes_together_and_what_came_later_waits_for_itself)
{
    ready(A, 1, 0, 3);
    none(B, MERGE_ENDED);
    ck_assert_int_eq(next(0), -1);
    ck_assert_int_eq(next(WAIT_US), -2);
    merge.heads[A].end = 8; /* five more came meanwhile */
    merge_confirm(&merge);
    for (int64_t i = 0; i < 3; i++) {
        ready(A, 1 + i, i, 8);
        ck_assert_int_eq(next(WAIT_US + 1), A);
    }
    ready(A, 4, 3, 20); /* noted at WAIT_US + 1: it existed then */
    ck_assert_int_eq(next(WAIT_US + 2), -1);
    ck_assert_int_eq(next(2 * WAIT_US), -1);
    ck_assert_int_eq(next(2 * WAIT_US + 1), -2);
    merge_confirm(&merge);
    ready(A, 8, 7, 20);
    ck_assert_int_eq(next(2 * WAIT_US + 2), A);
    ready(A, 9, 8, 20);
    ck_assert_int_eq(next(2 * WAIT_US + 2), -1);
}
END_TEST

START_TEST(a_record_without_a_place_goes_at_once)
{
    ready(B, MERGE_AT_ONCE, 0, 1);
    none(A, MERGE_COMING);
    ck_assert_int_eq(next(0), B);
    ready(A, 1, 0, 1);
    ck_assert_int_eq(next(0), B);
}
END_TEST

START_TEST(with_nothing_in_hand_there_is_nothing_to_ask)
{
    none(A, MERGE_ENDED);
    none(B, MERGE_ENDED);
    ck_assert_int_eq(next(0), -1);
    ck_assert_int_eq(next(100 * WAIT_US), -1);
}
END_TEST

/* ---- the law: however records arrive, within the wait, the order is that of the whole logs ---- */
enum { SOURCES = 3, RECORDS = 60 };

struct input {
    int64_t time_ms, arrives_us;
};

struct world {
    struct input inputs[SOURCES][RECORDS];
    uint32_t at[SOURCES];
    uint32_t seen[SOURCES]; /* ends as fetched last */
    uint32_t taken[SOURCES * RECORDS];
    uint32_t taken_count;
};

static void fill(struct world *world, struct random *random)
{
    memset(world, 0, sizeof(*world));
    for (uint32_t s = 0; s < SOURCES; s++) {
        int64_t at_us = 0;
        for (uint32_t i = 0; i < RECORDS; i++) {
            /* Now and then a source is silent for many times the wait. */
            at_us += random_between(random, 0, random_chance(random, .1) ? 9 * WAIT_US : 400);
            world->inputs[s][i] =
                (struct input){at_us / 100 - random_between(random, 0, WAIT_US / 200), at_us};
        }
    }
}

static uint32_t earliest(const struct world *world)
{
    uint32_t best = SOURCES;
    for (uint32_t s = 0; s < SOURCES; s++) {
        if (world->at[s] < RECORDS &&
            (best == SOURCES || merge_before(world->inputs[s][world->at[s]].time_ms, s,
                                             world->inputs[best][world->at[best]].time_ms, best))) {
            best = s;
        }
    }
    return best;
}

static uint32_t end_of(const struct world *world, uint32_t source, int64_t now_us)
{
    uint32_t end = 0;
    while (end < RECORDS && world->inputs[source][end].arrives_us <= now_us) {
        end++;
    }
    return end;
}

/* One look at the heads, with at most one record in hand of each source. */
static enum merge_next look(struct world *world, struct random *random, int64_t now_us,
                            uint32_t *out_source)
{
    for (uint32_t s = 0; s < SOURCES; s++) {
        struct merge_head *head = &merge.heads[s];
        if (random_chance(random, .3)) {
            world->seen[s] = end_of(world, s, now_us);
        }
        bool here = world->at[s] < world->seen[s] &&
                    (head->state == MERGE_READY || random_chance(random, .7));
        *head = (struct merge_head){MERGE_ENDED, 0, world->at[s], world->seen[s]};
        if (here) {
            head->state = MERGE_READY;
            head->time_ms = world->inputs[s][world->at[s]].time_ms;
        } else if (world->at[s] < world->seen[s]) {
            head->state = MERGE_COMING;
        }
    }
    return merge_next(&merge, now_us, WAIT_US, out_source);
}

static void run(struct world *world, struct random *random)
{
    int64_t now_us = 0, answer_us = INT64_MAX;
    for (uint32_t turns = 0; world->taken_count < SOURCES * RECORDS; turns++) {
        uint32_t source = 0;
        ck_assert_uint_lt(turns, 1000000);
        if (now_us >= answer_us) {
            for (uint32_t s = 0; s < SOURCES; s++) {
                world->seen[s] = end_of(world, s, answer_us);
            }
            merge_confirm(&merge);
            answer_us = INT64_MAX;
        }
        switch (look(world, random, now_us, &source)) {
        case MERGE_TAKE:
            world->taken[world->taken_count++] = source;
            world->at[source]++;
            merge.heads[source].state = MERGE_ENDED;
            break;
        case MERGE_ASK:
            answer_us = now_us + random_between(random, 1, 3000);
            break;
        case MERGE_WAIT:
            now_us += random_between(random, 1, 300);
            break;
        }
    }
}

START_TEST(prop_the_order_is_that_of_the_whole_logs)
{
    static struct world world, whole;
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1000 + (uint64_t)_i;
    struct random random;
    random_init(&random, seed);
    fill(&world, &random);
    whole = world;
    run(&world, &random);
    for (uint32_t i = 0; i < SOURCES * RECORDS; i++) {
        uint32_t expected = earliest(&whole);
        ck_assert_msg(world.taken[i] == expected, "SEED=%llu: record %u is of source %u, not %u",
                      (unsigned long long)seed, i, world.taken[i], expected);
        whole.at[expected]++;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge");
    TCase *tests = tcase_create("merge");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, the_earlier_head_goes_first_and_the_lower_source_among_equals);
    tcase_add_test(tests, a_head_that_goes_back_in_time_goes_first);
    tcase_add_test(tests, a_source_that_has_more_is_waited_for_without_limit);
    tcase_add_test(tests, a_record_waits_for_a_source_at_its_end_until_the_log_was_asked_anew);
    tcase_add_test(tests, an_answer_that_tells_of_more_is_waited_for);
    tcase_add_test(tests, an_answer_nobody_asked_for_confirms_nothing);
    tcase_add_test(
        tests,
        all_that_existed_when_the_wait_began_goes_together_and_what_came_later_waits_for_itself);
    tcase_add_test(tests, a_record_without_a_place_goes_at_once);
    tcase_add_test(tests, with_nothing_in_hand_there_is_nothing_to_ask);
    tcase_add_loop_test(tests, prop_the_order_is_that_of_the_whole_logs, 0, 200);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
