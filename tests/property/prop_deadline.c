/* SPDX-License-Identifier: Apache-2.0 */
/* When deadlines are noticed makes no difference: a run in which a sweep visits everybody often, one in which
 * deadlines fire only when the next event comes, and one in which customers are looked at too early
 * all say the same. A deadline that is armed too late is seen. */
#include "support/engine_kit.h"
#include "support/suite.h"

enum { EVENTS = 2000, CUSTOMERS = 4 };

enum run { LAZY, SWEPT, TOO_EARLY, TOO_LATE };

static void disturb(struct kit *kit, enum run how, struct random *random)
{
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        struct customer *customer = kit->customers[i];
        if (how == SWEPT) {
            kit_advance(kit, i, kit->now_ms);
        } else if (how == TOO_EARLY && customer->seen_ms != INT64_MIN &&
                   random_chance(random, 0.3) && customer->deadline_ms > kit->now_ms) {
            customer->deadline_ms = kit->now_ms;
        } else if (how == TOO_LATE && customer->deadline_ms != INT64_MAX && !customer->erased) {
            customer->deadline_ms += random_chance(random, 0.3) ? KIT_DAY_MS : 0;
        }
    }
}

/* Lines of each customer apart, since a sweep says them in another order among customers. */
static void run(struct kit *kit, uint64_t seed, enum run how, char *out_said[CUSTOMERS])
{
    for (uint32_t only = 0; only < CUSTOMERS; only++) {
        struct kit_stream stream;
        struct random random;
        kit_reset(kit);
        kit_stream_init(&stream, seed, CUSTOMERS, false);
        random_init(&random, seed + 1);
        for (uint32_t i = 0; i < EVENTS; i++) {
            uint32_t customer = 0;
            struct event event = kit_stream_next(&stream, &customer);
            kit->now_ms = event.time_ms;
            disturb(kit, how, &random);
            if (customer == only) {
                kit_event(kit, customer, &event);
            }
        }
        int64_t end_ms = stream.time_ms + INT64_C(400) * KIT_DAY_MS;
        for (int64_t now_ms = stream.time_ms; how == SWEPT && now_ms < end_ms;
             now_ms += KIT_DAY_MS / 2) {
            kit_advance(kit, only, now_ms);
        }
        kit_advance(kit, only, end_ms);
        out_said[only] = strdup(kit->said);
    }
}

static void compare(uint64_t seed, enum run how, bool equal)
{
    struct kit kit;
    char *lazy[CUSTOMERS];
    char *other[CUSTOMERS];
    bool all = true;
    kit_open(&kit);
    run(&kit, seed, LAZY, lazy);
    ck_assert(kit_count(&kit, "by deadline") > 0);
    run(&kit, seed, how, other);
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        all = all && strcmp(lazy[i], other[i]) == 0;
        free(lazy[i]);
        free(other[i]);
    }
    ck_assert_msg(all == equal, "SEED=%llu", (unsigned long long)seed);
    kit_close(&kit);
}

START_TEST(a_sweep_says_what_the_next_event_would)
{
    compare(kit_seed(3000) + (uint64_t)_i, SWEPT, true);
}
END_TEST

START_TEST(looking_too_early_changes_nothing)
{
    compare(kit_seed(3000) + (uint64_t)_i, TOO_EARLY, true);
}
END_TEST

START_TEST(canary_a_late_deadline_is_seen)
{
    compare(kit_seed(3000), TOO_LATE, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prop_deadline");
    TCase *tests = tcase_create("deadline");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_sweep_says_what_the_next_event_would, 0, 3);
    tcase_add_loop_test(tests, looking_too_early_changes_nothing, 0, 3);
    tcase_add_test(tests, canary_a_late_deadline_is_seen);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
