/* SPDX-License-Identifier: Apache-2.0 */
#include "features/features.h"

#include <stdio.h>

#include "base/random.h"
#include "bench_defs.h"
#include "support/suite.h"

enum { BLOCK_SIZE = 1 << 20 };

static uint8_t block[BLOCK_SIZE], texts[4096], packed[65536];
static _Alignas(16) uint8_t state[1 << 16], other[1 << 16];
static struct arena arena, scratch;
static const struct zones *zones;
static struct customer customer;
static struct feature_value values[64];
static struct features_problem problem;

static void set_up(void)
{
    struct status_text text;
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
    arena_init(&arena, block, sizeof(block));
    arena_init(&scratch, texts, sizeof(texts));
    memset(&customer, 0, sizeof(customer));
}

static const struct features_plan *build(const struct feature_def *defs, uint32_t count,
                                         struct features_options options)
{
    const struct features_plan *plan = NULL;
    enum status status = features_plan_build(defs, count, &options, &arena, &plan, &problem);
    ck_assert_msg(status == STATUS_OK, "%s", problem.text.text);
    ck_assert_uint_le(features_state_size(plan), sizeof(state));
    features_init(plan, state);
    return plan;
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    ck_assert(civil_parse_time(slice_text(text), &ms));
    return ms;
}

static struct scope scope_at(int64_t now_ms, const struct event *event)
{
    return (struct scope){.now_ms = now_ms, .event = event, .customer = &customer, .zones = zones};
}

static struct event payment(const char *id, int64_t time_ms, int64_t amount_minor)
{
    return (struct event){.event_id = slice_text(id),
                          .source = SOURCE_TRANSACTIONS,
                          .time_ms = time_ms,
                          .present = UINT64_MAX,
                          .tx = {.amount_minor = amount_minor,
                                 .currency = slice_text("GBP"),
                                 .merchant_country = slice_text("GB")}};
}

static enum features_result give(const struct features_plan *plan, struct event event)
{
    struct scope scope = scope_at(event.time_ms, &event);
    return features_event(plan, state, &scope, &scratch).result;
}

static void read_at(const struct features_plan *plan, int64_t now_ms)
{
    struct scope scope = scope_at(now_ms, NULL);
    features_values(plan, state, &scope, values);
}

/* ---- the benchmark's job ---- */

static struct event job_event(struct random *random, int64_t clock_ms, int64_t offset,
                              bool *out_balance)
{
    static const char *const countries[] = {"GB", "FR", "ES", "US"};
    int64_t back_ms = random_chance(random, 0.2) ? random_between(random, 0, MS_PER_HOUR) : 0;
    back_ms = random_chance(random, 0.02) ? 40 * MS_PER_DAY : back_ms;
    struct event event = payment("", clock_ms - back_ms, random_between(random, 1, 100000));
    *out_balance = random_chance(random, 0.8);
    event.offset = offset;
    event.partition = 5;
    event.present =
        *out_balance
            ? UINT64_MAX
            : ~(UINT64_C(1) << fields_find(SOURCE_TRANSACTIONS, slice_text("balance_after_minor")));
    event.tx.balance_after_minor = random_between(random, -1000, 1000);
    event.tx.mcc = (int32_t)random_between(random, 1000, 9999);
    event.tx.direction = random_chance(random, 0.7) ? DIRECTION_DEBIT : DIRECTION_CREDIT;
    event.tx.merchant_country = slice_text(countries[random_below(random, 4)]);
    return event;
}

static void compare_job(const struct bench_customer *c)
{
    const int64_t want[] = {
        [BENCH_TOTAL] = c->total,
        [BENCH_LATE] = c->late,
        [BENCH_LAST_TS] = c->last_ts,
        [BENCH_FIRST_DAY] = c->first_day,
        [BENCH_BALANCE] = c->balance,
        [BENCH_COUNT_7] = bench_sum(c, 0, 7),
        [BENCH_COUNT_30] = bench_sum(c, 0, 30),
        [BENCH_DEBIT_30] = bench_sum(c, 1, 30),
        [BENCH_CREDIT_30] = bench_sum(c, 2, 30),
        [BENCH_G4_30] = bench_sum(c, 3, 30),
        [BENCH_G5_30] = bench_sum(c, 4, 30),
        [BENCH_G6_30] = bench_sum(c, 5, 30),
    };
    for (uint32_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        if (i != BENCH_BALANCE || c->has_balance) {
            ck_assert_int_eq(values[i].i, want[i]);
        }
    }
    ck_assert_int_eq(values[BENCH_DAYS_SINCE_FIRST].i, c->day - c->first_day);
    ck_assert_int_eq(values[BENCH_PARTITION].i, c->part);
    ck_assert_int_eq(values[BENCH_OFFSET].i, c->off);
    int64_t distinct = 0;
    int64_t most = 0;
    for (uint32_t i = 0; i < c->country_count; i++) {
        ck_assert(slice_is(values[BENCH_COUNTRY_1 + i].text, c->countries[i]));
        int64_t same = 0;
        bool first = true;
        for (uint32_t k = 0; k < c->country_count; k++) {
            bool equal = strcmp(c->countries[i], c->countries[k]) == 0;
            same += equal;
            first = first && !(equal && k < i);
        }
        distinct += first;
        most = same > most ? same : most;
    }
    ck_assert_int_eq(values[BENCH_DISTINCT].i, distinct);
    ck_assert_int_eq(values[BENCH_TOP_COUNT].i, most);
}

START_TEST(benchmark_job_equals_its_description)
{
    struct feature_def defs[BENCH_FEATURE_COUNT];
    bench_defs(defs);
    const struct features_plan *plan = build(defs, BENCH_FEATURE_COUNT, bench_options());
    struct bench_customer job = {0};
    struct random random;
    random_init(&random, 7);
    int64_t clock_ms = at("2026-01-05T10:00:00Z");
    for (int64_t offset = 0; offset < 3000; offset++) {
        bool has_balance = false;
        clock_ms +=
            random_between(&random, 0, offset % 100 == 0 ? 20 * MS_PER_DAY : MS_PER_DAY / 2);
        struct event event = job_event(&random, clock_ms, offset, &has_balance);
        int64_t late = job.late;
        bench_job(&job, &event, has_balance);
        ck_assert_int_eq(give(plan, event), job.late > late ? FEATURES_LATE : FEATURES_ACCEPTED);
        read_at(plan, clock_ms);
        compare_job(&job);
    }
    struct scope scope = scope_at(clock_ms, NULL);
    ck_assert_int_eq(features_deadline(plan, state, &scope), INT64_MAX);
    ck_assert_int_gt(job.late, 20);
}
END_TEST

/* ---- sharing ---- */

START_TEST(windows_of_one_sum_share_their_tiles)
{
    struct feature_def defs[4];
    bench_set(&defs[0], "sum_7d", FEATURE_SUM, "amount_minor");
    bench_set(&defs[1], "sum_90d", FEATURE_SUM, "amount_minor");
    bench_set(&defs[2], "avg_30d", FEATURE_AVG, "amount_minor");
    bench_set(&defs[3], "sum_30d_debit", FEATURE_SUM, "amount_minor");
    bench_days(&defs[0], 7, NULL, "");
    bench_days(&defs[1], 90, NULL, "");
    bench_days(&defs[2], 30, NULL, "");
    bench_days(&defs[3], 30, &bench_debit, "debit");
    const struct features_plan *plan = build(defs, 4, features_options_default());
    ck_assert_uint_eq(features_cost(plan, 0).shared_with, 2);
    ck_assert_uint_eq(features_cost(plan, 1).shared_with, 2);
    ck_assert_uint_eq(features_cost(plan, 3).shared_with, 0);
    ck_assert(!features_cost(plan, 0).changes_alone);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    features_plan_describe(plan, out);
    (void)fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "sum_30d_debit"));
    ck_assert_ptr_nonnull(strstr(text, "3 cells"));
    free(text);
}
END_TEST

/* Forty of the largest amounts every day for longer than the longest window, then nothing. */
START_TEST(no_sum_turns_over)
{
    struct feature_def defs[3];
    bench_set(&defs[0], "sum_400d", FEATURE_SUM, "amount_minor");
    bench_set(&defs[1], "sum_1d", FEATURE_SUM, "amount_minor");
    bench_set(&defs[2], "sum_all", FEATURE_SUM, "amount_minor");
    bench_days(&defs[0], FEATURES_DAYS_MAX, NULL, "");
    bench_days(&defs[1], 1, NULL, "");
    defs[0].anchor = defs[1].anchor = FEATURE_ANCHOR_NOW;
    defs[2].unit = FEATURE_ALL;
    const struct features_plan *plan = build(defs, 3, features_options_default());
    int64_t day = at("2025-01-01T12:00:00Z");
    int64_t before = 0;
    for (uint32_t i = 0; i < 420; i++, day += MS_PER_DAY) {
        for (uint32_t k = 0; k < 40; k++) {
            (void)give(plan, payment("", day, EVENT_AMOUNT_MINOR_MAX));
        }
        read_at(plan, day);
        ck_assert_int_gt(values[1].i, 16 * EVENT_AMOUNT_MINOR_MAX);
        ck_assert_int_lt(values[1].i, 20 * EVENT_AMOUNT_MINOR_MAX);
        ck_assert_int_eq(values[0].i, (i < 400 ? i + 1 : 400) * values[1].i);
        ck_assert_int_ge(values[2].i, before);
        before = values[2].i;
    }
    ck_assert_int_eq(values[2].i, INT64_MAX);
    struct event reversal = payment("", day - MS_PER_DAY, EVENT_AMOUNT_MINOR_MAX);
    int64_t full = values[1].i;
    reversal.tx.status = TX_REVERSED; /* of a day that no longer says what it was given */
    (void)give(plan, reversal);
    for (uint32_t left = 399; left > 0; left--, day += MS_PER_DAY) {
        read_at(plan, day); /* what leaves is what was there */
        ck_assert_int_eq(values[0].i, left * full);
    }
    read_at(plan, day);
    ck_assert_int_eq(values[0].i, 0);
    ck_assert_int_eq(values[2].i, INT64_MAX);
}
END_TEST

/* ---- what is refused ---- */

static void spoil(struct feature_def *def, int which)
{
    switch (which) {
    case 0:
        def->from = FEATURE_FROM_NOTHING;
        break;
    case 1:
        def->value_field =
            (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text("merchant_country"));
        break;
    case 2:
        def->unit = FEATURE_EVENTS;
        def->length = 4;
        break;
    case 3:
        bench_days(def, 401, NULL, "");
        break;
    case 4:
        bench_days(def, 30, &bench_debit, "");
        break;
    case 5:
        def->kind = FEATURE_RATIO;
        def->operands[0] = 1;
        break;
    case 6:
        def->kind = FEATURE_DECAY;
        bench_days(def, 30, NULL, "");
        break;
    default:
        def->kind = FEATURE_QUANTILE;
        def->unit = FEATURE_EVENTS;
        def->length = 4;
        def->quantile = 1.5;
        break;
    }
}

static const char *const refusals[] = {
    "feature `bad`: needs a value",
    "feature `bad`: needs a whole number",
    "feature `bad`: does not take that",
    "feature `bad`: has a window that is too long",
    "feature `bad`: has an expression",
    "feature `bad`: reads a feature that is no number, stands after it",
    "feature `bad`: needs a half_life",
    "feature `bad`: has a quantile outside",
};

START_TEST(definitions_that_cannot_be_kept_are_refused)
{
    struct feature_def defs[2];
    bench_set(&defs[0], "good", FEATURE_COUNT, NULL);
    bench_set(&defs[1], "bad", FEATURE_SUM, "amount_minor");
    spoil(&defs[1], _i);
    const struct features_plan *plan = NULL;
    struct features_options options = features_options_default();
    ck_assert_int_eq(features_plan_build(defs, 2, &options, &arena, &plan, &problem),
                     STATUS_INVALID);
    ck_assert_uint_eq(problem.index, 1);
    ck_assert_msg(strncmp(problem.text.text, refusals[_i], strlen(refusals[_i])) == 0, "%s",
                  problem.text.text);
}
END_TEST

/* ---- time ---- */

START_TEST(a_day_is_the_customers_own_day)
{
    struct feature_def defs[2];
    bench_set(&defs[0], "today", FEATURE_COUNT, NULL);
    bench_set(&defs[1], "dormant", FEATURE_DAYS_SINCE, NULL);
    defs[0].unit = FEATURE_DAYS;
    defs[0].length = 1;
    const struct features_plan *plan = build(defs, 2, features_options_default());
    customer.profile.zone = zones_find(zones, slice_text("Europe/London"));
    /* 31 March 2024 has 23 hours: it begins at 00:00Z and ends at 23:00Z. */
    int64_t noon_ms = at("2024-03-31T11:00:00Z");
    ck_assert_int_eq(give(plan, payment("a", noon_ms, 5)), FEATURES_ACCEPTED);
    struct scope scope = scope_at(noon_ms, NULL);
    ck_assert_int_eq(features_next_change(plan, state, 0, &scope), at("2024-03-31T23:00:00Z"));
    read_at(plan, at("2024-03-31T22:59:59Z"));
    ck_assert_int_eq(values[0].i, 1);
    ck_assert_int_eq(values[1].i, 0);
    read_at(plan, at("2024-03-31T23:00:00Z"));
    ck_assert_int_eq(values[0].i, 0);
    ck_assert_int_eq(values[1].i, 1);
    ck_assert_int_eq(features_reaches(plan, state, 1, 90, &scope), at("2024-06-28T23:00:00Z"));
}
END_TEST

START_TEST(dormancy_with_a_threshold_arms_that_day_only)
{
    struct feature_def def;
    bench_set(&def, "dormant", FEATURE_DAYS_SINCE, NULL);
    def.armed = true;
    def.threshold_count = 1;
    def.thresholds[0] = 180;
    const struct features_plan *plan = build(&def, 1, features_options_default());
    (void)give(plan, payment("a", at("2026-01-01T15:00:00Z"), 5));
    struct scope scope = scope_at(at("2026-01-01T15:00:00Z"), NULL);
    ck_assert_int_eq(features_deadline(plan, state, &scope), at("2026-06-30T00:00:00Z"));
    scope.now_ms = at("2026-06-30T00:00:00Z"); /* `>=` turned; `>` turns a day later */
    ck_assert_int_eq(features_deadline(plan, state, &scope), at("2026-07-01T00:00:00Z"));
    scope.now_ms = at("2026-07-01T00:00:00Z");
    ck_assert_int_eq(features_deadline(plan, state, &scope), INT64_MAX);
}
END_TEST

/* ---- taking back ---- */

START_TEST(what_is_not_remembered_is_subtracted_by_its_own_fields)
{
    struct feature_def defs[2];
    bench_set(&defs[0], "count", FEATURE_COUNT, NULL);
    bench_set(&defs[1], "sum", FEATURE_SUM, "amount_minor");
    const struct features_plan *plan = build(defs, 2, features_options_default());
    int64_t start_ms = at("2026-01-01T00:00:00Z");
    (void)give(plan, payment("old", start_ms, 100));
    (void)give(plan, payment("new", start_ms + 30 * MS_PER_DAY, 1));
    struct event reversal = payment("r", start_ms + 30 * MS_PER_DAY + 1, 100);
    reversal.tx.status = TX_REVERSED;
    reversal.tx.reverses = slice_text("old");
    ck_assert_int_eq(give(plan, reversal), FEATURES_REVERSED);
    ck_assert_int_eq(give(plan, reversal), FEATURES_DUPLICATE);
    read_at(plan, reversal.time_ms);
    ck_assert_int_eq(values[0].i, 1);
    ck_assert_int_eq(values[1].i, 1);
}
END_TEST

START_TEST(a_reversal_is_known_when_what_it_named_is_forgotten)
{
    struct feature_def def;
    bench_set(&def, "count", FEATURE_COUNT, NULL);
    const struct features_plan *plan = build(&def, 1, features_options_default());
    int64_t start_ms = at("2026-01-01T00:00:00Z");
    struct event reversal = payment("r", start_ms + 6 * MS_PER_DAY, 100);
    reversal.tx.status = TX_REVERSED;
    reversal.tx.reverses = slice_text("a");
    ck_assert_int_eq(give(plan, payment("a", start_ms, 100)), FEATURES_ACCEPTED);
    ck_assert_int_eq(give(plan, reversal), FEATURES_REVERSED);
    ck_assert_int_eq(give(plan, payment("b", start_ms + 8 * MS_PER_DAY, 100)), FEATURES_ACCEPTED);
    ck_assert_int_eq(give(plan, reversal), FEATURES_DUPLICATE);
    read_at(plan, start_ms + 8 * MS_PER_DAY);
    ck_assert_int_eq(values[0].i, 1);
}
END_TEST

/* Two older ones are forgotten for capacity (3 are remembered); then the newest is taken back. */
START_TEST(what_stands_in_front_is_taken_back_exactly)
{
    uint8_t amount = (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text("amount_minor"));
    struct feature_def defs[6] = {
        {.name = "max_all", .kind = FEATURE_MAX},       {.name = "max_30d", .kind = FEATURE_MAX},
        {.name = "last", .kind = FEATURE_LAST},         {.name = "second", .kind = FEATURE_NTH},
        {.name = "distinct", .kind = FEATURE_DISTINCT}, {.name = "min_all", .kind = FEATURE_MIN}};
    for (uint32_t i = 0; i < 6; i++) {
        defs[i].from = FEATURE_FROM_FIELD;
        defs[i].value_field = amount;
    }
    defs[1].unit = defs[4].unit = FEATURE_DAYS;
    defs[1].length = defs[4].length = 30;
    defs[3].unit = FEATURE_EVENTS;
    defs[3].length = defs[3].nth = 2;
    struct features_options options = features_options_default();
    options.remembered[SOURCE_TRANSACTIONS] = 4;
    const struct features_plan *plan = build(defs, 6, options);
    int64_t start_ms = at("2026-03-01T08:00:00Z");
    const int64_t amounts[] = {700, 20, 300, 400, 9000};
    const char *const ids[] = {"a", "b", "c", "d", "e"};
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(give(plan, payment(ids[i], start_ms + (int64_t)i * 60000, amounts[i])),
                         FEATURES_ACCEPTED);
    }
    struct event reversal = payment("r", start_ms + 600000, 9000);
    reversal.tx.status = TX_REVERSED;
    reversal.tx.reverses = slice_text("e");
    ck_assert_int_eq(give(plan, reversal), FEATURES_REVERSED);
    read_at(plan, reversal.time_ms);
    ck_assert_int_eq(values[0].i, 700); /* of a forgotten event */
    ck_assert_int_eq(values[1].i, 700);
    ck_assert_int_eq(values[2].i, 400);
    ck_assert_int_eq(values[3].i, 300); /* was pushed out by the one that went */
    ck_assert_int_eq(values[4].i, 4);
    ck_assert_int_eq(values[5].i, 20);
}
END_TEST

START_TEST(posted_takes_the_place_of_its_pending)
{
    struct feature_def defs[2];
    bench_set(&defs[0], "posted", FEATURE_SUM, "amount_minor");
    bench_set(&defs[1], "both", FEATURE_SUM, "amount_minor");
    defs[1].pending = FEATURE_PENDING_INCLUDE;
    const struct features_plan *plan = build(defs, 2, features_options_default());
    int64_t start_ms = at("2026-01-01T00:00:00Z");
    struct event event = payment("hold", start_ms, 100);
    event.tx.status = TX_PENDING;
    (void)give(plan, event);
    read_at(plan, start_ms);
    ck_assert_int_eq(values[0].i, 0);
    ck_assert_int_eq(values[1].i, 100);
    event = payment("final", start_ms + 1000, 90); /* fuel: the hold was higher */
    event.tx.reverses = slice_text("hold");
    (void)give(plan, event);
    read_at(plan, start_ms + 1000);
    ck_assert_int_eq(values[0].i, 90);
    ck_assert_int_eq(values[1].i, 90);
}
END_TEST

/* ---- the record ---- */

static size_t pack(const struct features_plan *plan)
{
    struct bytes_writer writer = bytes_writer(packed, sizeof(packed));
    features_pack(plan, state, &writer);
    ck_assert(!writer.full);
    return writer.size;
}

static void fill(const struct features_plan *plan)
{
    char id[16];
    for (int64_t i = 0; i < 40; i++) {
        (void)snprintf(id, sizeof(id), "e%d", (int)i);
        struct event event = payment(id, at("2026-01-01T00:00:00Z") + i * MS_PER_DAY, 10 + i);
        (void)give(plan, event);
    }
}

START_TEST(an_older_playbooks_record_keeps_what_is_unchanged)
{
    struct feature_def old[3], new[3];
    bench_set(&old[0], "sum_30d", FEATURE_SUM, "amount_minor");
    bench_days(&old[0], 30, NULL, "");
    bench_set(&old[1], "debits", FEATURE_COUNT, NULL);
    old[1].where = &bench_debit;
    old[1].where_text = slice_text("debit");
    bench_set(&old[2], "country", FEATURE_LAST, "merchant_country");
    const struct features_plan *plan = build(old, 3, features_options_default());
    fill(plan);
    size_t size = pack(plan);
    new[0] = old[2]; /* another place, another name */
    new[0].name = "last_country";
    new[1] = old[0];
    new[1].length = 7; /* a shorter window of the same sum */
    bench_set(&new[2], "credits", FEATURE_COUNT, NULL);
    new[2].where = &bench_credit;
    new[2].where_text = slice_text("credit");
    plan = build(new, 3, features_options_default());
    struct bytes_reader reader = bytes_reader(slice_of(packed, size));
    struct status_text text;
    ck_assert_int_eq(features_unpack(plan, state, &reader, &text), STATUS_OK);
    ck_assert_uint_eq(bytes_left(&reader), 0);
    read_at(plan, at("2026-02-09T12:00:00Z"));
    ck_assert(slice_is(values[0].text, "GB"));
    ck_assert_int_eq(values[1].i, 43 + 44 + 45 + 46 + 47 + 48 + 49);
    ck_assert_int_eq(values[2].i, 0);
    ck_assert_int_eq(give(plan, payment("e39", at("2026-02-09T00:00:00Z"), 49)),
                     FEATURES_DUPLICATE);
}
END_TEST

static struct feature_def sum_over(enum feature_kind kind, enum feature_unit unit, uint32_t length)
{
    struct feature_def def;
    bench_set(&def, "feature", kind, kind == FEATURE_COUNT ? NULL : "amount_minor");
    def.unit = unit;
    def.length = length;
    return def;
}

static void check_kept(const struct feature_def *was, const struct feature_def *is, int wanted,
                       int64_t lacks_ms, uint32_t lacks_events)
{
    const struct features_plan *records = build(was, 1, features_options_default());
    const struct features_plan *plan = build(is, 1, features_options_default());
    struct features_kept kept = features_kept(plan, 0, records);
    ck_assert_int_eq((int)kept.state, wanted);
    ck_assert_int_eq(kept.lacks_ms, lacks_ms);
    ck_assert_uint_eq(kept.lacks_events, lacks_events);
}

START_TEST(what_lacks_is_said_by_when_it_comes)
{
    struct feature_def days90 = sum_over(FEATURE_SUM, FEATURE_DAYS, 90);
    struct feature_def days30 = sum_over(FEATURE_SUM, FEATURE_DAYS, 30);
    struct feature_def minutes = sum_over(FEATURE_SUM, FEATURE_MINUTES, 60);
    struct feature_def all = sum_over(FEATURE_SUM, FEATURE_ALL, 0);
    struct feature_def last3 = sum_over(FEATURE_COUNT, FEATURE_EVENTS, 3);
    struct feature_def last5 = sum_over(FEATURE_COUNT, FEATURE_EVENTS, 5);
    struct feature_def average = sum_over(FEATURE_AVG, FEATURE_DAYS, 30);
    check_kept(&days90, &days30, FEATURES_KEPT, 0, 0);
    check_kept(&days30, &days90, FEATURES_KEPT_PARTLY, 60 * MS_PER_DAY, 0);
    check_kept(&days30, &minutes, FEATURES_EMPTY, MS_PER_HOUR, 0);
    check_kept(&days30, &all, FEATURES_EMPTY, INT64_MAX, 0);
    check_kept(&last5, &last3, FEATURES_KEPT, 0, 0);
    check_kept(&last3, &last5, FEATURES_KEPT_PARTLY, 0, 2);
    check_kept(&days30, &last5, FEATURES_EMPTY, 0, 5);
    check_kept(&days30, &average, FEATURES_KEPT_PARTLY, 30 * MS_PER_DAY, 0); /* its count lacks */
    struct feature_def debits = days30;
    debits.where = &bench_debit;
    debits.where_text = slice_text("debit");
    check_kept(&days30, &debits, FEATURES_EMPTY, 30 * MS_PER_DAY, 0);
}
END_TEST

START_TEST(damaged_bytes_are_refused_and_leave_nothing)
{
    struct feature_def defs[BENCH_FEATURE_COUNT];
    bench_defs(defs);
    struct features_options options = bench_options();
    options.remembered[SOURCE_TRANSACTIONS] = 8;
    const struct features_plan *plan = build(defs, BENCH_FEATURE_COUNT, options);
    fill(plan);
    size_t size = pack(plan);
    struct status_text text;
    features_init(plan, other);
    for (size_t cut = 0; cut < size; cut++) {
        struct bytes_reader reader = bytes_reader(slice_of(packed, cut));
        ck_assert_int_eq(features_unpack(plan, state, &reader, &text), STATUS_INVALID);
        ck_assert_mem_eq(state, other, features_state_size(plan));
    }
    struct random random;
    random_init(&random, 3);
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t damaged[sizeof(packed)];
        memcpy(damaged, packed, size);
        for (int64_t flips = random_between(&random, 1, 4); flips > 0; flips--) {
            damaged[random_below(&random, size)] ^= (uint8_t)random_between(&random, 1, 255);
        }
        struct bytes_reader reader = bytes_reader(slice_of(damaged, size));
        if (features_unpack(plan, state, &reader, &text) == STATUS_OK) {
            read_at(plan, at("2026-02-09T12:00:00Z"));
            (void)give(plan, payment("next", at("2026-02-10T12:00:00Z"), 1));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("features");
    TCase *tests = tcase_create("features");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, benchmark_job_equals_its_description);
    tcase_add_test(tests, windows_of_one_sum_share_their_tiles);
    tcase_add_test(tests, no_sum_turns_over);
    tcase_add_loop_test(tests, definitions_that_cannot_be_kept_are_refused, 0, 8);
    tcase_add_test(tests, a_day_is_the_customers_own_day);
    tcase_add_test(tests, dormancy_with_a_threshold_arms_that_day_only);
    tcase_add_test(tests, what_is_not_remembered_is_subtracted_by_its_own_fields);
    tcase_add_test(tests, what_stands_in_front_is_taken_back_exactly);
    tcase_add_test(tests, a_reversal_is_known_when_what_it_named_is_forgotten);
    tcase_add_test(tests, posted_takes_the_place_of_its_pending);
    tcase_add_test(tests, an_older_playbooks_record_keeps_what_is_unchanged);
    tcase_add_test(tests, what_lacks_is_said_by_when_it_comes);
    tcase_add_test(tests, damaged_bytes_are_refused_and_leave_nothing);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
