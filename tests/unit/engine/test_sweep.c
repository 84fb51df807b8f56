/* SPDX-License-Identifier: Apache-2.0 */
/* Another playbook over the same customers: who stays, who leaves, and what consumers are told. */
#include "engine/sweep.h"

#include "support/engine_kit.h"
#include "support/suite.h"

static const int64_t day_20 = KIT_START_MS + INT64_C(20) * KIT_DAY_MS;
static struct kit kit;

static void setup(void)
{
    kit_open(&kit);
    /* c-00 becomes a spender, then active after the dwell, which excludes it from the spenders. */
    for (uint32_t i = 0; i < 4; i++) {
        struct event event =
            kit_tx(KIT_START_MS + (int64_t)i * KIT_DAY_MS, DIRECTION_DEBIT, 9000, "shop");
        kit_event(&kit, 0, &event);
    }
    kit_advance(&kit, 0, day_20);
    ck_assert_uint_eq(kit_count(&kit, "active ENTERED"), 2);
    kit.said_size = 0;
    kit.said[0] = 0;
}

static void teardown(void)
{
    kit_close(&kit);
}

START_TEST(a_task_under_its_own_rules_needs_no_sweep)
{
    ck_assert(!engine_sweep_due(kit.engine, kit.task));
    kit_cut(&kit);
    ck_assert(!engine_sweep_due(kit.engine, kit.task));
}
END_TEST

START_TEST(members_stay_when_another_segment_changes)
{
    kit_change_rules(&kit, kit_other_layout(&kit, false));
    ck_assert(engine_sweep_due(kit.engine, kit.task));
    kit_sweep(&kit, day_20);
    ck_assert(!engine_sweep_due(kit.engine, kit.task));
    ck_assert_uint_eq(kit_count(&kit, "active EXITED"), 0);
    ck_assert_uint_eq(kit_count(&kit, "active ENTERED"), 0);
}
END_TEST

START_TEST(members_of_a_retired_segment_leave_and_are_forgotten)
{
    kit_change_rules(&kit, kit_other_layout(&kit, true));
    kit_sweep(&kit, day_20);
    ck_assert_uint_eq(kit_count(&kit, "active EXITED RULE_CHANGE m2 by deadline@-1 [retired"), 2);
    ck_assert_uint_eq(kit_count(&kit, "tombstone active EXITED"), 1);
    size_t said = kit.said_size;
    kit_cut(&kit);
    struct event event = kit_tx(day_20 + 1, DIRECTION_DEBIT, 1, "shop");
    kit_event(&kit, 0, &event);
    ck_assert_ptr_null(strstr(kit.said + said, "active"));
}
END_TEST

START_TEST(only_the_first_look_is_a_rule_change)
{
    kit_change_rules(&kit, kit_other_layout(&kit, true));
    kit_sweep(&kit, day_20);
    kit.said_size = 0;
    kit.said[0] = 0;
    kit_advance(&kit, 0, day_20 + INT64_C(200) * KIT_DAY_MS);
    ck_assert_uint_eq(kit_count(&kit, "RULE_CHANGE"), 0);
}
END_TEST

START_TEST(markers_name_what_changed_once)
{
    kit_change_rules(&kit, kit_other_layout(&kit, true));
    engine_sweep_begin(kit.engine, kit.task, day_20, &kit.effects);
    ck_assert_uint_eq(kit.effects.count, 3); /* active, spender, playbook; lucky did not change */
    kit.effects.count = 0;
    kit_cut(&kit); /* a crash in the middle */
    ck_assert(engine_sweep_due(kit.engine, kit.task));
    kit_sweep(&kit, day_20);
    ck_assert_uint_eq(kit_count(&kit, "begin task 0"), 0);
    ck_assert_uint_eq(kit_count(&kit, "complete task 0"), 3);
    ck_assert_uint_eq(kit_count(&kit, "active control"), 1);
    ck_assert_uint_eq(kit_count(&kit, "playbook control"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *tests = tcase_create("sweep");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_task_under_its_own_rules_needs_no_sweep);
    tcase_add_test(tests, members_stay_when_another_segment_changes);
    tcase_add_test(tests, members_of_a_retired_segment_leave_and_are_forgotten);
    tcase_add_test(tests, only_the_first_look_is_a_rule_change);
    tcase_add_test(tests, markers_name_what_changed_once);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
