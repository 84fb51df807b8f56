/* SPDX-License-Identifier: Apache-2.0 */
/* Real purchases: frequency, recency, age and mean value of 2,357 CDNOW customers on 30 September 1997 must
 * equal the table published with the data (Fader and Hardie; the lifetimes package's copy).
 * Data: $SEGUE_SHARED/data/cdnow, ../shared by default; skipped (in TAP's way) when it is not there. */
#include "features/features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "model/fields.h"
#include "support/suite.h"

enum { CUSTOMERS = 2357 };

enum { ACTIVE, AGE, RECENT, SPENT, FEATURE_TOTAL };

struct purchase {
    int32_t customer, day;
    int64_t cents;
};

static struct purchase purchases[8000];
static uint32_t purchase_count;
static double published[CUSTOMERS + 1][4];
static uint8_t block[1 << 18];
static _Alignas(16) uint8_t state[1 << 15];

static FILE *open_data(const char *name)
{
    char path[4096];
    const char *shared = getenv("SEGUE_SHARED");
    (void)snprintf(path, sizeof(path), "%s/data/cdnow/%s", shared != NULL ? shared : "../shared",
                   name);
    return fopen(path, "r");
}

static bool load(void)
{
    char line[256];
    FILE *sample = open_data("CDNOW_sample.txt");
    FILE *table = open_data("cdnow_customers_summary_with_transactions.csv");
    bool found = sample != NULL && table != NULL;
    while (found && fgets(line, sizeof(line), sample) != NULL) {
        int customer = 0, date = 0;
        double dollars = 0;
        if (sscanf(line, "%*d %d %d %*d %lf", &customer, &date, &dollars) == 3) {
            struct civil_date day = {date / 10000, date / 100 % 100, date % 100};
            purchases[purchase_count++] =
                (struct purchase){customer, civil_day(day), (int64_t)llround(dollars * 100)};
        }
    }
    while (found && fgets(line, sizeof(line), table) != NULL) {
        int customer = 0;
        double x = 0, t_x = 0, t = 0, mean = 0;
        if (sscanf(line, "%d,%lf,%lf,%lf,%lf", &customer, &x, &t_x, &t, &mean) == 5) {
            double row[] = {x, t_x, t, mean};
            memcpy(published[customer], row, sizeof(row));
        }
    }
    if (sample != NULL) {
        (void)fclose(sample);
    }
    if (table != NULL) {
        (void)fclose(table);
    }
    return found;
}

static const struct features_plan *build(struct arena *arena)
{
    static struct feature_def defs[] = {
        [ACTIVE] = {.name = "active",
                    .kind = FEATURE_ACTIVE_DAYS,
                    .unit = FEATURE_DAYS,
                    .length = 400},
        [AGE] = {.name = "age", .kind = FEATURE_DAYS_SINCE_FIRST},
        [RECENT] = {.name = "recent", .kind = FEATURE_DAYS_SINCE},
        [SPENT] = {.name = "spent", .kind = FEATURE_SUM, .from = FEATURE_FROM_FIELD},
    };
    struct features_options options = features_options_default();
    struct features_problem problem;
    const struct features_plan *plan = NULL;
    options.remembered[SOURCE_TRANSACTIONS] = 0;
    defs[SPENT].value_field = (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text("amount_minor"));
    ck_assert_int_eq(features_plan_build(defs, FEATURE_TOTAL, &options, arena, &plan, &problem),
                     STATUS_OK);
    ck_assert_uint_le(features_state_size(plan), sizeof(state));
    return plan;
}

static void near(double got, double want, int32_t customer)
{
    ck_assert_msg(fabs(got - want) < 0.0051, "customer %d: %f, published %f", customer, got, want);
}

START_TEST(features_equal_the_published_table)
{
    const struct zones *zones = NULL;
    struct arena arena, scratch;
    struct customer customer = {.id_size = 0};
    struct feature_value values[FEATURE_TOTAL];
    struct status_text text;
    int32_t end = civil_day((struct civil_date){1997, 9, 30});
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
    arena_init(&arena, block, sizeof(block));
    arena_init(&scratch, NULL, 0);
    const struct features_plan *plan = build(&arena);
    uint32_t at = 0;
    int32_t checked = 0;
    for (int32_t id = 1; id <= CUSTOMERS; id++, checked++) {
        int64_t first_day_spent = 0;
        features_init(plan, state);
        struct scope scope = {.customer = &customer, .zones = zones};
        for (; at < purchase_count && purchases[at].customer == id; at++) {
            if (purchases[at].day > end) {
                continue; /* the table ends there */
            }
            struct event event = {.source = SOURCE_TRANSACTIONS,
                                  .time_ms = purchases[at].day * MS_PER_DAY,
                                  .present = UINT64_MAX,
                                  .tx = {.amount_minor = purchases[at].cents}};
            scope.now_ms = event.time_ms;
            scope.event = &event;
            (void)features_event(plan, state, &scope, &scratch);
            features_values(plan, state, &scope, values);
            first_day_spent = values[ACTIVE].i == 1 ? values[SPENT].i : first_day_spent;
        }
        scope = (struct scope){.now_ms = end * MS_PER_DAY, .customer = &customer, .zones = zones};
        features_values(plan, state, &scope, values);
        int64_t repeats = values[ACTIVE].i - 1;
        near((double)repeats, published[id][0], id);
        near((double)(values[AGE].i - values[RECENT].i) / 7, published[id][1], id);
        near((double)values[AGE].i / 7, published[id][2], id);
        near(repeats == 0 ? 0 : (double)(values[SPENT].i - first_day_spent) / (double)repeats / 100,
             published[id][3], id);
    }
    ck_assert_int_eq(checked, CUSTOMERS);
    ck_assert_uint_eq(at, purchase_count);
    ck_assert_uint_gt(purchase_count, 6900);
}
END_TEST

int main(void)
{
    if (!load()) {
        (void)printf("1..0 # SKIP no CDNOW data; set SEGUE_SHARED\n");
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("cdnow");
    TCase *tests = tcase_create("cdnow");
    tcase_add_test(tests, features_equal_the_published_table);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
