/* SPDX-License-Identifier: Apache-2.0 */
/* What one task's counters teach the others, from the topic's record to the task's own. */
#include "support/suite.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "commands/learned.h"
#include "commands/opened.h"

enum { TASKS = 3 };

static struct opened opened;
static struct learned *learned;
static struct engine_trials *trials;

static void open_all(void)
{
    struct status_text text;
    struct engine_options options = {ENGINE_CLOCK_LIVE, INT64_MIN, 1, TASKS};
    ck_assert_int_eq(opened_playbook("test", RETAIL, false, &opened), 0);
    ck_assert_int_eq(opened_engine("test", options, &opened), 0);
    struct learned_options learned_options = {.engine = opened.engine, .task_count = TASKS};
    ck_assert_int_eq(learned_open(&learned_options, &learned, &text), STATUS_OK);
    trials = memory_take(engine_arm_count(opened.engine) * sizeof(*trials), "test");
}

static bool take(int task, const char *variant, const char *context, int presented, int accepted)
{
    char json[400];
    (void)snprintf(
        json, sizeof(json),
        "{\"offer_id\":\"savings_boost\",\"variant\":\"%s\",\"context\":\"%s\",\"channel\":"
        "\"EMAIL\","
        "\"task\":%d,\"presented\":%d,\"clicked\":0,\"accepted\":%d,\"revenue_minor\":0}",
        variant, context, task, presented, accepted);
    return learned_take(learned, json);
}

static struct engine_trials others_of(uint32_t task)
{
    struct worker_learning *learning = learned_interface(learned);
    learning->others(learning->context, task, trials);
    return trials[engine_arm_find(opened.engine, slice_text("savings_boost"), slice_text("goal"),
                                  CHANNEL_EMAIL, slice_text("young"))];
}

START_TEST(a_task_learns_from_all_but_itself_and_the_newest_record_counts)
{
    ck_assert(take(0, "goal", "young", 10, 1));
    ck_assert(take(1, "goal", "young", 100, 7));
    ck_assert(take(1, "goal", "young", 120, 9)); /* the same key again: instead of the one before */
    ck_assert(take(2, "plain", "young", 50, 5));
    ck_assert_int_eq(others_of(0).presented, 120);
    ck_assert_int_eq(others_of(0).accepted, 9);
    ck_assert_int_eq(others_of(1).presented, 10);
    ck_assert_int_eq(others_of(2).presented, 130);
}
END_TEST

START_TEST(what_names_no_arm_is_passed_over)
{
    ck_assert(!take(3, "goal", "young", 10, 1)); /* there are three tasks */
    ck_assert(!take(-1, "goal", "young", 10, 1));
    ck_assert(!take(1, "gone", "young", 10, 1));
    ck_assert(!learned_take(learned, "{\"offer_id\":7}"));
    ck_assert(!learned_take(learned, "no json"));
    ck_assert(take(1, "goal", "retired_context", 10, 1)); /* counts as "other" */
    ck_assert_int_eq(others_of(0).presented, 0);
}
END_TEST

START_TEST(what_was_taken_in_is_in_the_task_record)
{
    static uint8_t bytes[2][ENGINE_RECORD_SIZE_MAX];
    struct status_text text;
    void *task = memory_take(engine_task_size(opened.engine), "test");
    engine_task_init(opened.engine, task, 0);
    size_t before = engine_task_pack(opened.engine, task, bytes[0]);
    ck_assert(take(1, "goal", "young", 100, 7));
    (void)others_of(0);
    engine_task_learn(opened.engine, task, trials);
    size_t size = engine_task_pack(opened.engine, task, bytes[0]);
    ck_assert_uint_gt(size, before);
    void *back = memory_take(engine_task_size(opened.engine), "test");
    ck_assert_int_eq(engine_task_unpack(opened.engine, back, 0, slice_of(bytes[0], size), &text),
                     STATUS_OK);
    ck_assert_uint_eq(engine_task_pack(opened.engine, back, bytes[1]), size);
    ck_assert_mem_eq(bytes[0], bytes[1], size);
}
END_TEST

/* Format 3 had no sides of experiments: a byte less per offer of a task that has counted nothing. */
START_TEST(a_task_record_of_format_3_is_read)
{
    static uint8_t bytes[ENGINE_RECORD_SIZE_MAX], again[ENGINE_RECORD_SIZE_MAX];
    enum { OFFER_BYTES = 7 };
    struct status_text text;
    uint32_t count = opened.playbook->offers.count;
    void *task = memory_take(engine_task_size(opened.engine), "test");
    engine_task_init(opened.engine, task, 0);
    size_t size = engine_task_pack(opened.engine, task, bytes);
    size_t from = size - (size_t)count * OFFER_BYTES, to = from;
    for (size_t at = from; at < size; at += OFFER_BYTES, to += OFFER_BYTES - 1) {
        memmove(bytes + to, bytes + at, OFFER_BYTES - 1);
    }
    ck_assert_uint_eq(bytes[0], 5);
    bytes[0] = 3;
    ck_assert_int_eq(engine_task_unpack(opened.engine, task, 0, slice_of(bytes, to), &text),
                     STATUS_OK);
    ck_assert_uint_eq(engine_task_pack(opened.engine, task, again),
                      size); /* and written as the new one */
    bytes[0] = 2;
    ck_assert_int_ne(engine_task_unpack(opened.engine, task, 0, slice_of(bytes, to), &text),
                     STATUS_OK);
}
END_TEST

/* ---- what experiments say ---- */

static struct kpis *kpis;
static struct metrics *metrics;

static void open_kpis(void)
{
    struct kpis_options options = {opened.engine, &opened.playbook->offers, "GBP", TASKS};
    kpis = kpis_open(&options);
    metrics = metrics_open(kpis_series(kpis), 0);
    kpis_register(kpis, metrics);
    kpis_ready(kpis);
}

/* Of savings_boost in the global layer: customers told and held out, of whom so many converted, for 10 pounds
 * each. */
static bool tell(int task, uint32_t plan, const int told[2], const int held[2])
{
    char json[800];
    (void)snprintf(
        json, sizeof(json),
        "{\"offer_id\":\"savings_boost\",\"variant\":\"*\",\"channel\":\"EMAIL\",\"task\":%d,"
        "\"experiment\":\"%08x\",\"sides\":["
        "{\"layer\":\"global\",\"control\":false,\"customers\":%d,\"converted\":%d,"
        "\"revenue_minor\":%d,\"revenue_squares\":%d},"
        "{\"layer\":\"global\",\"control\":true,\"customers\":%d,\"converted\":%d,"
        "\"revenue_minor\":%d,\"revenue_squares\":%d}]}",
        task, plan, told[0], told[1], told[1] * 1000, told[1] * 100, held[0], held[1],
        held[1] * 1000, held[1] * 100);
    json_t *record = json_loads(json, 0, NULL);
    bool known = kpis_take_experiment(kpis, record);
    json_decref(record);
    return known;
}

/* The value of a series of savings_boost in the global layer. */
static double shown(const char *name, const char *label)
{
    static char page[1 << 20];
    char line[300];
    kpis_refresh(kpis);
    ck_assert_uint_gt(metrics_write(metrics, METRICS_PROMETHEUS, page, sizeof(page)), 0);
    (void)snprintf(line, sizeof(line), "\n%s{offer=\"savings_boost\",layer=\"global\"%s} ", name,
                   label);
    const char *at = strstr(page, line);
    ck_assert_msg(at != NULL, "%s", line);
    return strtod(at + strlen(line), NULL);
}

static uint32_t plan_of(const char *id)
{
    uint32_t at = 0;
    while (!slice_is(opened.playbook->offers.defs[at].id, id)) {
        at++;
    }
    return offers_experiment(&opened.playbook->offers, at);
}

START_TEST(experiments_are_those_of_all_tasks)
{
    uint32_t plan = plan_of("savings_boost");
    open_kpis();
    ck_assert(isnan(shown("segue_offer_incremental_conversion", ",bound=\"estimate\"")));
    ck_assert(tell(0, plan, (int[]){500, 10}, (int[]){20, 0}));
    ck_assert(tell(0, plan, (int[]){980, 98}, (int[]){20, 0}));  /* instead of the one before */
    ck_assert(!tell(1, plan + 2, (int[]){9, 9}, (int[]){9, 9})); /* split by another plan */
    ck_assert(tell(1, plan, (int[]){980, 98}, (int[]){20, 2}));
    ck_assert(!tell(TASKS, plan, (int[]){9, 9}, (int[]){9, 9}));
    ck_assert_double_eq(shown("segue_offer_experiment_customers", ",side=\"treated\""), 1960);
    ck_assert_double_eq(shown("segue_offer_experiment_customers", ",side=\"held_out\""), 40);
    ck_assert_double_eq_tol(shown("segue_offer_incremental_conversion", ",bound=\"estimate\""),
                            0.1 - 0.05, 1e-9);
    double gain = shown("segue_offer_incremental_revenue", ",currency=\"GBP\",bound=\"estimate\"");
    ck_assert_double_eq_tol(gain, 1960 * (1.0 - 0.5), 1e-6); /* a pound each against fifty pence */
    ck_assert_double_lt(shown("segue_offer_incremental_revenue", ",currency=\"GBP\",bound=\"low\""),
                        gain);
    ck_assert_double_gt(
        shown("segue_offer_incremental_revenue", ",currency=\"GBP\",bound=\"high\""), gain);
    ck_assert_double_eq(shown("segue_offer_split_alarm", ""), 0);
}
END_TEST

/* The plan of today, another, and today's again: what the first time counted is gone. */
START_TEST(an_experiment_that_comes_back_begins_at_nobody)
{
    static const char again[] =
        "{\"offer_id\":\"savings_boost\",\"variant\":\"*\",\"channel\":\"EMAIL\",\"task\":0,"
        "\"experiment\":\"%08x\",\"sides\":[{\"layer\":\"global\",\"control\":false,"
        "\"customers\":3,\"converted\":0,\"revenue_minor\":0,\"revenue_squares\":0}]}";
    uint32_t plan = plan_of("savings_boost");
    char json[400];
    open_kpis();
    ck_assert(tell(0, plan, (int[]){980, 98}, (int[]){20, 2}));
    ck_assert(tell(1, plan, (int[]){980, 98}, (int[]){20, 2}));
    ck_assert(!tell(1, plan + 2, (int[]){9, 9}, (int[]){9, 9}));
    (void)snprintf(json, sizeof(json), again, plan);
    json_t *record = json_loads(json, 0, NULL);
    ck_assert(kpis_take_experiment(kpis, record)); /* of nobody held out it says nothing */
    json_decref(record);
    ck_assert_double_eq(shown("segue_offer_experiment_customers", ",side=\"treated\""), 3);
    ck_assert_double_eq(shown("segue_offer_experiment_customers", ",side=\"held_out\""), 0);
}
END_TEST

START_TEST(a_broken_split_is_an_alarm)
{
    uint32_t plan = plan_of("savings_boost");
    open_kpis();
    ck_assert(tell(0, plan, (int[]){1960, 0}, (int[]){40, 0}));
    ck_assert_double_eq(shown("segue_offer_split_alarm", ""), 0);
    ck_assert(
        tell(1, plan, (int[]){1960, 0}, (int[]){0, 0})); /* half of the control group is lost */
    ck_assert_double_eq(shown("segue_offer_split_alarm", ""), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learned");
    TCase *tests = tcase_create("learned");
    tcase_add_checked_fixture(tests, open_all, NULL);
    tcase_add_test(tests, a_task_learns_from_all_but_itself_and_the_newest_record_counts);
    tcase_add_test(tests, what_names_no_arm_is_passed_over);
    tcase_add_test(tests, what_was_taken_in_is_in_the_task_record);
    tcase_add_test(tests, a_task_record_of_format_3_is_read);
    tcase_add_test(tests, experiments_are_those_of_all_tasks);
    tcase_add_test(tests, an_experiment_that_comes_back_begins_at_nobody);
    tcase_add_test(tests, a_broken_split_is_an_alarm);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
