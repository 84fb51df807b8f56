/* SPDX-License-Identifier: Apache-2.0 */
/* What one task's counters teach the others, from the topic's record to the task's own. */
#include "support/suite.h"

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

int main(void)
{
    Suite *suite = suite_create("learned");
    TCase *tests = tcase_create("learned");
    tcase_add_checked_fixture(tests, open_all, NULL);
    tcase_add_test(tests, a_task_learns_from_all_but_itself_and_the_newest_record_counts);
    tcase_add_test(tests, what_names_no_arm_is_passed_over);
    tcase_add_test(tests, what_was_taken_in_is_in_the_task_record);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
