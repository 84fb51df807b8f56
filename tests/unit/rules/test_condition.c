/* SPDX-License-Identifier: Apache-2.0 */
/* Of a condition only the leaves that decided are asked again: whatever moved since, its verdict is that of
 * evaluating it whole. */
#include "rules/step.h"
#include "support/suite.h"

enum {
    LEAVES = 3,
    FORMULAS = 2 * 4 * 32, /* where the brackets stand, two times && or ||, five times ! or not */
    STATES = 27,           /* each leaf not known, false or true */
};

static uint8_t block[8 << 20];
static uint8_t scratch_block[1 << 16];
static struct diagnostic list[DIAGNOSTICS_MAX];
static struct arena arena, scratch;
static struct feature_value features[LEAVES];
static const struct rules_feature names[LEAVES] = {
    {"a", FEATURE_INT}, {"b", FEATURE_INT}, {"c", FEATURE_INT}};
static uint64_t bits[1];
static int64_t clock_ms;
static uint8_t restless;
static const uint16_t twins[2 + LEAVES]; /* no leaf stands elsewhere too */
static struct recall recall = {.bits = bits, .twins = twins, .width = 1, .clock_ms = &clock_ms};
static struct scope scope = {.features = features, .feature_count = LEAVES, .restless = &restless};
static struct step step = {.scope = &scope, .scratch = &scratch};
static struct condition condition;
static char text[128];

/* As `(a && !b) || c` or `a && !(b || c)`, with `!` before each of its parts or not. */
static void open_formula(const struct cel_environment *environment, uint32_t formula)
{
    static const char *const forms[] = {"%s(%s(%s(f.a > 0) %s %s(f.b > 0)) %s %s(f.c > 0))",
                                        "%s(%s(f.a > 0) %s %s(%s(f.b > 0) %s %s(f.c > 0)))"};
    const char *parts[7];
    bool left = formula % 2 == 0;
    for (uint32_t i = 0; i < 7; i++) {
        bool set = (formula >> (1 + i) & 1) != 0;
        bool is_op = i == 5 || i == (left ? 3U : 2U);
        parts[i] = is_op ? set ? "&&" : "||" : set ? "!" : "";
    }
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, list);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, sizeof(text), forms[formula % 2], parts[0], parts[1], parts[2], parts[3],
                   parts[4], parts[5], parts[6]);
#pragma GCC diagnostic pop
    condition = (struct condition){.number = 1};
    condition.program = cel_compile(environment, slice_text(text),
                                    (struct source_span){NULL, 1, 1, 0}, &arena, &diagnostics);
    ck_assert_msg(condition.program != NULL, "%s: %s", text, list[0].text);
    condition.leaf_count = (uint8_t)condition_leaves(&condition);
    ck_assert_msg(condition.leaf_count == LEAVES, "%s: %d leaves", text, condition.leaf_count);
}

/* What each leaf says: a digit of base 3 each, as enum rules_truth. */
static void set_state(uint32_t state)
{
    for (uint32_t i = 0; i < LEAVES; i++, state /= 3) {
        enum rules_truth truth = (enum rules_truth)(state % 3);
        features[i] = (struct feature_value){
            .type = FEATURE_INT, .present = truth != RULES_UNKNOWN, .i = truth == RULES_YES};
    }
}

/* As the engine does when all three features have moved. Returns whether no leaf that decided has turned. */
static bool ask_leaves_again(void)
{
    bool same = true;
    for (uint32_t i = 0; i < LEAVES; i++) {
        uint64_t said = recall_said(bits, condition.number + 1 + i);
        recall_say(bits, condition.number + 1 + i, 0);
        same = same && (said == 0 || condition_leaf_says(&condition, i, said, &step));
    }
    if (!same) {
        recall_say(bits, condition.number, 0);
    }
    return same;
}

START_TEST(a_verdict_is_that_of_the_whole_whatever_moved)
{
    const struct zones *zones = NULL;
    struct status_text status;
    uint64_t stood[3] = {0}, turned = 0;
    ck_assert_int_eq(zones_load(&zones, &status), STATUS_OK);
    arena_init(&arena, block, sizeof(block));
    arena_init(&scratch, scratch_block, sizeof(scratch_block));
    const struct cel_environment *environment =
        rules_environment(RULES_CUSTOMER, SOURCE_TRANSACTIONS, names, LEAVES, zones, &arena);
    size_t used = arena.used;
    for (uint32_t formula = 0; formula < FORMULAS; formula++) {
        arena.used = used;
        open_formula(environment, formula);
        for (uint32_t pair = 0; pair < STATES * STATES; pair++) {
            bits[0] = 0;
            arena_reset(&scratch);
            step.recall = &recall;
            set_state(pair % STATES);
            enum rules_truth before = condition_holds(&condition, &step, NULL);
            enum rules_truth whole = rules_holds(condition.program, &scope, &scratch, NULL);
            ck_assert_msg(before == whole, "%s: %d, not %d, in state %u", text, (int)before,
                          (int)whole, pair % STATES);
            set_state(pair / STATES);
            bool same = ask_leaves_again();
            enum rules_truth after = condition_holds(&condition, &step, NULL);
            whole = rules_holds(condition.program, &scope, &scratch, NULL);
            ck_assert_msg(after == whole, "%s: %d, not %d, from state %u to %u", text, (int)after,
                          (int)whole, pair % STATES, pair / STATES);
            stood[before] += same && pair % STATES != pair / STATES;
            turned += !same;
        }
    }
    ck_assert(stood[RULES_NO] > 0 && stood[RULES_YES] > 0 && stood[RULES_UNKNOWN] > 0 &&
              turned > 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");
    TCase *tests = tcase_create("condition");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_verdict_is_that_of_the_whole_whatever_moved);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
