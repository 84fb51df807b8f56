/* SPDX-License-Identifier: Apache-2.0 */
/* Offers in a world whose answers are known: customers come, offers are decided, customers answer by true rates,
 * days later, and the answers go back in.
 *
 *   - the learned variants: the best arm's share grows, and what is lost against always-best is less than what
 *     dealing by weight loses
 *   - the uplift against the control group: its interval, looked at again and again, never leaves out the truth in
 *     at least 95 of 100 worlds
 *   - the split: no alarm on a sound one, an alarm on one that loses a tenth of its control group
 */
#include <math.h>

#include "base/random.h"
#include "closed_loop.h"
#include "support/offers_kit.h"

enum { ARMS = 3, CUSTOMERS = 6000, WORLDS = 100, UNITS = 4000, DELAY = 200 };

static const double rates[ARMS] = {0.05, 0.08, 0.12};

/* An answer on its way back. */
struct answer {
    char decision[OFFER_TEXT_SIZE];
    uint32_t arm, customer;
    bool accepted;
};

static void use_arms(bool learn)
{
    static const struct offer_variant variants[ARMS] = {{{(const uint8_t *)"a", 1}, 1},
                                                        {{(const uint8_t *)"b", 1}, 1},
                                                        {{(const uint8_t *)"c", 1}, 1}};
    defs[0].variants = variants;
    defs[0].variant_count = ARMS;
    defs[0].learn = learn;
    offers.policy.floor = 0.05;
}

static void become(const char *kind, uint32_t number)
{
    char id[32];
    memset(&state, 0, sizeof(state));
    memset(histories, 0, sizeof(histories));
    stage.customer.id_size = (uint8_t)snprintf(id, sizeof(id), "%s-%u", kind, number);
    memcpy(stage.customer.id, id, stage.customer.id_size);
}

static void give_back(const struct answer *answer)
{
    char arm[2] = {(char)('a' + answer->arm), '\0'};
    become("back", answer->customer);
    for (int kind = 0; kind < 1 + answer->accepted; kind++) {
        struct event event = kit_outcome(KIT_START_MS + 2 * KIT_DAY_MS, "one",
                                         kind == 0 ? OUTCOME_PRESENTED : OUTCOME_ACCEPTED);
        event.outcome.variant = slice_text(arm);
        event.outcome.decision_id = slice_text(answer->decision);
        (void)said_by(&event);
    }
}

/* Expected acceptances lost against always showing the best arm, over the first and the second half. */
struct loop {
    double lost, best_share[2];
};

static struct loop run_loop(bool learn, uint64_t seed)
{
    static struct answer waiting[DELAY];
    struct loop loop = {0};
    struct random random;
    random_init(&random, seed);
    use_arms(learn);
    memset(task->counts, 0,
           2 * offers_arms_before(&offers, offers.count) * sizeof(task->counts[0]));
    for (uint32_t i = 0; i < CUSTOMERS; i++) {
        struct answer *answer = &waiting[i % DELAY];
        if (i >= DELAY) {
            give_back(answer);
        }
        char kind[24];
        (void)snprintf(kind, sizeof(kind), "l%llu", (unsigned long long)seed);
        become(kind, i);
        const struct offer_decided *said = decide(1);
        ck_assert_uint_eq(said->offer_count, 1);
        answer->arm = said->offers[0].variant.data[0] - (uint32_t)'a';
        answer->customer = i;
        answer->accepted = random_chance(&random, rates[answer->arm]);
        keep(answer->decision, said->decision_id);
        loop.lost += rates[ARMS - 1] - rates[answer->arm];
        loop.best_share[i >= CUSTOMERS / 2] += answer->arm == ARMS - 1 ? 2.0 / CUSTOMERS : 0;
    }
    return loop;
}

START_TEST(the_best_arm_is_found_and_little_is_lost_on_the_way)
{
    struct loop learned = run_loop(true, 1);
    struct loop dealt = run_loop(false, 1);
    (void)printf("# best arm's share: %.2f, then %.2f (by weight %.2f); lost against always best: "
                 "%.1f of %d "
                 "customers, by weight %.1f\n",
                 learned.best_share[0], learned.best_share[1], dealt.best_share[1], learned.lost,
                 CUSTOMERS, dealt.lost);
    ck_assert_double_gt(learned.best_share[1], learned.best_share[0]);
    ck_assert_double_gt(learned.best_share[1], 0.8);
    ck_assert_double_lt(learned.lost, dealt.lost / 2);
    ck_assert_double_lt(fabs(dealt.best_share[1] - 1.0 / 3), 0.05);
}
END_TEST

/* One world: customers reach the holdout gate one by one; is the truth in the interval at every look? */
static bool world_is_covered(uint64_t seed, double treated_rate, double control_rate,
                             double *out_width)
{
    struct looked looked = {0};
    struct random random;
    random_init(&random, seed);
    for (uint32_t i = 0; i < UNITS; i++) {
        char layer[24];
        char id[16];
        (void)snprintf(layer, sizeof(layer), "w%llu", (unsigned long long)seed);
        int size = snprintf(id, sizeof(id), "u-%u", i);
        bool held = step_bucket(7, slice_of(id, (size_t)size), slice_text(layer)) < 1000;
        double rate = held ? control_rate : treated_rate;
        looked_add(&looked, held, random_chance(&random, rate), rate);
        if ((i + 1) % (UNITS / LOOKS) == 0) {
            looked_look(&looked, true);
        }
    }
    *out_width = looked.width;
    return !looked.missed;
}

START_TEST(the_interval_covers_the_truth_at_every_look)
{
    static const double worlds[][2] = {{0.05, 0.05}, {0.06, 0.03}, {0.2, 0.15}};
    for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
        uint32_t covered = 0;
        double width = 0;
        for (uint64_t seed = 0; seed < WORLDS; seed++) {
            covered += world_is_covered(seed, worlds[i][0], worlds[i][1], &width);
        }
        (void)printf(
            "# %.2f against %.2f: covered in %u of %d worlds, %d looks each; last width %.3f\n",
            worlds[i][0], worlds[i][1], covered, WORLDS, LOOKS, width);
        ck_assert_uint_ge(covered, 95);
        ck_assert_double_lt(width, 0.25);
    }
}
END_TEST

/* Revenue is 0 for nearly all and has a long tail for the rest: whoever converts pays 10 pounds and as much again
 * as an exponential draw of mean 40 says. */
static double revenue(struct random *random, double rate)
{
    double unit = ((double)(random_next(random) >> 11) + 1) * 0x1p-53;
    return random_chance(random, rate) ? 10 - 40 * log(unit) : 0;
}

START_TEST(the_interval_covers_revenue_too)
{
    static const double worlds[][2] = {{0.05, 0.05}, {0.06, 0.03}, {0.2, 0.15}};
    for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
        uint32_t covered = 0;
        double width = 0;
        for (uint64_t seed = 0; seed < WORLDS; seed++) {
            struct looked looked = {0};
            struct random random;
            random_init(&random, seed);
            for (uint32_t k = 0; k < UNITS; k++) {
                bool held = random_chance(&random, 0.1);
                looked_add(&looked, held, revenue(&random, worlds[i][held]), 50 * worlds[i][held]);
                if ((k + 1) % (UNITS / LOOKS) == 0) {
                    looked_look(&looked, false);
                }
            }
            covered += !looked.missed;
            width = looked.width;
        }
        (void)printf(
            "# revenue, %.2f against %.2f: covered in %u of %d worlds; last width %.2f pounds\n",
            worlds[i][0], worlds[i][1], covered, WORLDS, width);
        ck_assert_uint_ge(covered, 95);
    }
}
END_TEST

START_TEST(a_fixed_interval_would_not)
{
    uint32_t covered = 0;
    for (uint64_t seed = 0; seed < WORLDS; seed++) { /* the canary: 1.96 deviations at every look */
        struct experiment_side sides[2] = {{0}};
        struct random random;
        bool all = true;
        random_init(&random, seed);
        for (uint32_t i = 0; i < UNITS; i++) {
            bool held = random_chance(&random, 0.5);
            experiment_add(&sides[held], random_chance(&random, 0.2));
            if ((i + 1) % (UNITS / 200) == 0 && sides[0].count > 0 && sides[1].count > 0) {
                double difference =
                    sides[0].sum / (double)sides[0].count - sides[1].sum / (double)sides[1].count;
                double deviation =
                    sqrt(0.16 / (double)sides[0].count + 0.16 / (double)sides[1].count);
                all = all && fabs(difference) <= 1.96 * deviation;
            }
        }
        covered += all;
    }
    ck_assert_uint_lt(covered, 90);
}
END_TEST

/* Exposures of `count` customers; a broken split loses every tenth of its control group on the way. */
static double split_chance(uint64_t seed, uint32_t count, bool broken)
{
    static const double shares[2] = {0.5, 0.5};
    int64_t counts[2] = {0, 0};
    defs[0].holdout = 5000;
    for (uint32_t i = 0; i < count; i++) {
        char kind[24];
        (void)snprintf(kind, sizeof(kind), "s%llu", (unsigned long long)seed);
        become(kind, i);
        (void)decide(1);
        ck_assert_int_eq(stage.kit.effects.outputs[0].kind, OUTPUT_EXPOSURE);
        bool held = stage.kit.effects.outputs[0].exposure.held_out;
        counts[held] += !(broken && held && i % 10 == 0);
    }
    defs[0].holdout = 0;
    return experiment_split_chance(counts, shares, 2);
}

START_TEST(the_split_alarm_fires_on_a_broken_split_and_on_no_sound_one)
{
    defs[0].variant_count = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        ck_assert_double_gt(split_chance(seed, 4000, false), EXPERIMENT_SPLIT_ALARM);
        ck_assert_double_lt(split_chance(seed, 16000, true), EXPERIMENT_SPLIT_ALARM);
    }
}
END_TEST

START_TEST(chances_are_those_of_the_formula)
{
    static const double halves[2] = {0.5, 0.5};
    static const double thirds[3] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    static const double tenth[2] = {0.9, 0.1};
    /* Python, in 60 digits of mpmath: see the formula in experiment.h */
    ck_assert_double_eq_tol(experiment_split_chance((int64_t[]){60, 40}, halves, 2),
                            0.874313912405039, 1e-9);
    ck_assert_double_eq_tol(experiment_split_chance((int64_t[]){600, 400}, halves, 2),
                            6.28310013706025e-5, 1e-12);
    ck_assert_double_eq_tol(experiment_split_chance((int64_t[]){1200, 900, 900}, thirds, 3),
                            1.11123087200096e-9, 1e-13);
    ck_assert_double_eq_tol(experiment_split_chance((int64_t[]){9300, 800}, tenth, 2),
                            1.99808690943977e-10, 1e-13);
    ck_assert_double_eq_tol(experiment_split_chance((int64_t[]){3, 1}, halves, 2), 1, 1e-12);
    ck_assert_double_eq_tol(experiment_split_chance((int64_t[]){0, 0}, halves, 2), 1, 1e-12);
    ck_assert_double_eq_tol(experiment_split_chance((int64_t[]){50, 1}, (double[]){1, 0}, 2), 0,
                            1e-12);
}
END_TEST

/* Looked at after every customer, for ever: a test for one look cries wolf, this one keeps its word. */
START_TEST(looking_often_does_not_wake_the_split_alarm)
{
    static const double shares[2] = {0.9, 0.1};
    enum { SPLITS = 400, CUSTOMERS_EACH = 20000 };
    uint32_t woken = 0;
    struct random random;
    random_init(&random, 7);
    for (uint32_t i = 0; i < SPLITS; i++) {
        int64_t counts[2] = {0, 0};
        bool now = false;
        for (uint32_t k = 0; k < CUSTOMERS_EACH && !now; k++) {
            counts[random_chance(&random, 0.1)]++;
            now = (k + 1) % 50 == 0 && experiment_split_chance(counts, shares, 2) < 0.05;
        }
        woken += now;
    }
    (void)printf("# sound splits called broken at 0.05 after 400 looks: %u of %d\n", woken, SPLITS);
    ck_assert_uint_le(woken, SPLITS / 20);
}
END_TEST

START_TEST(too_few_are_no_interval)
{
    struct experiment_side sides[2] = {{0}};
    for (int i = 0; i < 40; i++) {
        experiment_add(&sides[i % 2], 0);
    }
    struct experiment_interval interval = experiment_difference(&sides[0], &sides[1], false, 0.05);
    ck_assert_double_eq(interval.estimate, 0);
    ck_assert(isnan(interval.low) && isnan(interval.high));
    experiment_add(&sides[0], 20); /* one has paid */
    interval = experiment_difference(&sides[0], &sides[1], false, 0.05);
    ck_assert(interval.low < 0 && interval.high > 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("closed_loop");
    TCase *tests = tcase_create("closed_loop");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_best_arm_is_found_and_little_is_lost_on_the_way);
    tcase_add_test(tests, the_interval_covers_the_truth_at_every_look);
    tcase_add_test(tests, the_interval_covers_revenue_too);
    tcase_add_test(tests, a_fixed_interval_would_not);
    tcase_add_test(tests, the_split_alarm_fires_on_a_broken_split_and_on_no_sound_one);
    tcase_add_test(tests, chances_are_those_of_the_formula);
    tcase_add_test(tests, looking_often_does_not_wake_the_split_alarm);
    tcase_add_test(tests, too_few_are_no_interval);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
