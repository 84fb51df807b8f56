/* SPDX-License-Identifier: Apache-2.0 */
/* How a stream is cut into batches changes nothing: a run that packs, forgets and reads back every customer at
 * random places says exactly what a run without cuts says. */
#include "support/engine_kit.h"
#include "support/suite.h"

enum { EVENTS = 4000, CUSTOMERS = 6 };

enum run { WHOLE, CUT, CUT_AND_LOSE };

static uint64_t run(struct kit *kit, uint64_t seed, enum run how, char **out_said)
{
    struct kit_stream stream;
    struct random cuts;
    kit_reset(kit);
    kit_stream_init(&stream, seed, CUSTOMERS, true);
    random_init(&cuts, seed + 1);
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t customer = 0;
        struct event event = kit_stream_next(&stream, &customer);
        if (how == CUT_AND_LOSE && i == EVENTS / 2) {
            continue; /* the canary: one event falls between two batches */
        }
        kit_event(kit, customer, &event);
        if (how != WHOLE && random_chance(&cuts, 0.1)) {
            kit_cut(kit);
        }
    }
    *out_said = strdup(kit->said);
    return kit->outputs;
}

static void compare(uint64_t seed, enum run how, bool equal)
{
    struct kit kit;
    char *whole = NULL;
    char *other = NULL;
    kit_open(&kit);
    uint64_t outputs = run(&kit, seed, WHOLE, &whole);
    (void)run(&kit, seed, how, &other);
    ck_assert_msg(outputs > EVENTS / 20, "the stream says too little: %llu",
                  (unsigned long long)outputs);
    ck_assert_msg((strcmp(whole, other) == 0) == equal, "SEED=%llu", (unsigned long long)seed);
    free(whole);
    free(other);
    kit_close(&kit);
}

START_TEST(cuts_anywhere_change_nothing)
{
    compare(kit_seed(1000) + (uint64_t)_i, CUT, true);
}
END_TEST

START_TEST(canary_a_lost_event_is_seen)
{
    compare(kit_seed(1000), CUT_AND_LOSE, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prop_batch_cut");
    TCase *tests = tcase_create("batch_cut");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, cuts_anywhere_change_nothing, 0, 6);
    tcase_add_test(tests, canary_a_lost_event_is_seen);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
