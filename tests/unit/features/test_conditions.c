/* SPDX-License-Identifier: Apache-2.0 */
/* More different conditions of one source than one word has bits. Here a condition is a currency. */
#include <stdio.h>

#include "bench_defs.h"
#include "support/suite.h"

enum { DEFS_MAX = FEATURES_PREDICATES_MAX + 1, BLOCK_SIZE = 4 << 20 };

static uint8_t block[BLOCK_SIZE], texts[4096], packed[1 << 16];
static _Alignas(16) uint8_t state[1 << 20];
static char currencies[DEFS_MAX][4];
static struct feature_def defs[DEFS_MAX];
static struct feature_value values[DEFS_MAX];
static struct arena arena, scratch;
static const struct zones *zones;
static struct customer customer;
static struct features_problem problem;
static int64_t start_ms;

static void set_up(void)
{
    struct status_text text;
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
    ck_assert(civil_parse_time(slice_text("2026-03-02T08:00:00Z"), &start_ms));
    arena_init(&scratch, texts, sizeof(texts));
    for (uint32_t i = 0; i < DEFS_MAX; i++) {
        (void)snprintf(currencies[i], sizeof(currencies[i]), "%c%c%c", 'A' + (int)(i / 26),
                       'A' + (int)(i % 26), 'X');
        bench_set(&defs[i], currencies[i], FEATURE_COUNT, NULL);
        defs[i].currency = slice_text(currencies[i]);
    }
}

static enum status build(uint32_t count, const struct features_plan **out_plan)
{
    struct features_options options = features_options_default();
    options.remembered[SOURCE_TRANSACTIONS] = 4;
    arena_init(&arena, block, sizeof(block));
    enum status status = features_plan_build(defs, count, &options, &arena, out_plan, &problem);
    if (status == STATUS_OK) {
        ck_assert_uint_le(features_state_size(*out_plan), sizeof(state));
        features_init(*out_plan, state);
    }
    return status;
}

static enum features_result give(const struct features_plan *plan, const char *id, uint32_t kind,
                                 const char *reverses)
{
    struct event event = {.event_id = slice_text(id),
                          .source = SOURCE_TRANSACTIONS,
                          .time_ms = start_ms,
                          .present = UINT64_MAX,
                          .tx = {.amount_minor = 100,
                                 .currency = slice_text(currencies[kind]),
                                 .status = reverses == NULL ? TX_POSTED : TX_REVERSED,
                                 .reverses = slice_text(reverses == NULL ? "" : reverses)}};
    struct scope scope = {
        .now_ms = start_ms, .event = &event, .customer = &customer, .zones = zones};
    return features_event(plan, state, &scope, &scratch).result;
}

static void go_through_record(const struct features_plan *from, const struct features_plan *to)
{
    struct bytes_writer writer = bytes_writer(packed, sizeof(packed));
    features_pack(from, state, &writer);
    ck_assert(!writer.full);
    ck_assert_uint_le(writer.size, features_packed_size_max(from));
    struct bytes_reader reader = bytes_reader(slice_of(packed, writer.size));
    ck_assert_int_eq(features_unpack(to, state, &reader, NULL), STATUS_OK);
}

static int64_t counted(const struct features_plan *plan, uint32_t kind)
{
    struct scope scope = {.now_ms = start_ms, .customer = &customer, .zones = zones};
    features_values(plan, state, &scope, values);
    return values[kind].i;
}

/* Each event meets one condition; through a record, and taken back by what was remembered of it. */
START_TEST(each_of_all_conditions_is_met_remembered_and_taken_back)
{
    const struct features_plan *plan = NULL;
    ck_assert_int_eq(build(FEATURES_PREDICATES_MAX, &plan), STATUS_OK);
    for (uint32_t kind = 0; kind < FEATURES_PREDICATES_MAX; kind++) {
        char id[16], back[16];
        (void)snprintf(id, sizeof(id), "e%u", kind);
        (void)snprintf(back, sizeof(back), "r%u", kind);
        ck_assert_int_eq(give(plan, id, kind, NULL), FEATURES_ACCEPTED);
        ck_assert_int_eq(counted(plan, kind), 1);
        go_through_record(plan, plan);
        ck_assert_int_eq(counted(plan, kind), 1);
        ck_assert_int_eq(give(plan, back, kind, id), FEATURES_REVERSED);
        for (uint32_t i = 0; i < FEATURES_PREDICATES_MAX; i++) {
            ck_assert_int_eq(counted(plan, i), 0);
        }
    }
}
END_TEST

START_TEST(a_plan_with_more_or_fewer_conditions_reads_the_record)
{
    const uint32_t sizes[] = {64, 65, FEATURES_PREDICATES_MAX, 64};
    const struct features_plan *plan = NULL, *next = NULL;
    static uint8_t second[BLOCK_SIZE];
    for (size_t i = 0; i + 1 < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ck_assert_int_eq(build(sizes[i], &plan), STATUS_OK);
        ck_assert_int_eq(give(plan, "e", 63, NULL), FEATURES_ACCEPTED);
        struct features_options options = features_options_default();
        options.remembered[SOURCE_TRANSACTIONS] = 4;
        arena_init(&arena, second, sizeof(second));
        ck_assert_int_eq(features_plan_build(defs, sizes[i + 1], &options, &arena, &next, &problem),
                         STATUS_OK);
        go_through_record(plan, next);
        ck_assert_int_eq(counted(next, 63), 1);
        ck_assert_int_eq(give(next, "e", 63, NULL), FEATURES_DUPLICATE);
    }
}
END_TEST

START_TEST(one_condition_more_is_refused)
{
    const struct features_plan *plan = NULL;
    ck_assert_int_eq(build(DEFS_MAX, &plan), STATUS_FULL);
    static const char *const said[] = {"more than 128 different conditions",
                                       "the same `where` in two currencies is two",
                                       "let features share a `where` and currency"};
    for (uint32_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        ck_assert_msg(strstr(problem.text.text, said[i]) != NULL, "%s", problem.text.text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conditions");
    TCase *tests = tcase_create("conditions");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, each_of_all_conditions_is_met_remembered_and_taken_back);
    tcase_add_test(tests, a_plan_with_more_or_fewer_conditions_reads_the_record);
    tcase_add_test(tests, one_condition_more_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
