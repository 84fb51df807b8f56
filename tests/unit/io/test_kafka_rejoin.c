/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_rejoin.h"

#include "support/suite.h"

enum { TASKS = 4, ASSIGNED_MS = 1000 };

static const int64_t LONG_AFTER_MS = INT64_C(1000000000);

static struct kafka_rejoin rejoin;

static void set_up(void)
{
    kafka_rejoin_init(&rejoin);
}

static void given(bool empty)
{
    kafka_rejoin_assigned(&rejoin, empty, ASSIGNED_MS);
}

START_TEST(a_member_with_tasks_never_asks)
{
    ck_assert(!kafka_rejoin_asks(&rejoin, LONG_AFTER_MS)); /* not in the group yet */
    given(false);
    ck_assert(!kafka_rejoin_asks(&rejoin, LONG_AFTER_MS));
}
END_TEST

START_TEST(a_member_with_nothing_asks_after_three_seconds_and_then_again)
{
    given(true);
    ck_assert(!kafka_rejoin_asks(&rejoin, ASSIGNED_MS + KAFKA_REJOIN_FIRST_MS - 1));
    ck_assert(kafka_rejoin_asks(&rejoin, ASSIGNED_MS + KAFKA_REJOIN_FIRST_MS));
    ck_assert(!kafka_rejoin_asks(&rejoin, ASSIGNED_MS + 2 * KAFKA_REJOIN_FIRST_MS - 1));
    ck_assert(kafka_rejoin_asks(&rejoin, ASSIGNED_MS + 2 * KAFKA_REJOIN_FIRST_MS));
}
END_TEST

START_TEST(a_revocation_ends_the_doubt)
{
    given(true);
    kafka_rejoin_revoked(&rejoin);
    ck_assert(!kafka_rejoin_asks(&rejoin, LONG_AFTER_MS));
}
END_TEST

START_TEST(it_joins_anew_only_when_there_are_tasks_for_all)
{
    ck_assert(!kafka_rejoin_decide(&rejoin, -1, TASKS)); /* not known */
    ck_assert(!kafka_rejoin_decide(&rejoin, TASKS + 1, TASKS));
    ck_assert(kafka_rejoin_decide(&rejoin, TASKS, TASKS));
    ck_assert(kafka_rejoin_decide(&rejoin, 1, TASKS));
}
END_TEST

START_TEST(the_wait_doubles_with_each_try_up_to_a_limit_and_begins_anew_with_a_task)
{
    int64_t now_ms = ASSIGNED_MS;
    int64_t wait_ms = KAFKA_REJOIN_FIRST_MS;
    given(true);
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert(!kafka_rejoin_asks(&rejoin, now_ms + wait_ms - 1));
        now_ms += wait_ms;
        ck_assert(kafka_rejoin_asks(&rejoin, now_ms));
        ck_assert(kafka_rejoin_decide(&rejoin, 1, TASKS));
        wait_ms = wait_ms < KAFKA_REJOIN_LAST_MS ? 2 * wait_ms : wait_ms;
    }
    given(false);
    given(true);
    ck_assert(kafka_rejoin_asks(&rejoin, ASSIGNED_MS + KAFKA_REJOIN_FIRST_MS));
}
END_TEST

START_TEST(asking_in_vain_does_not_lengthen_the_wait)
{
    given(true);
    for (int64_t i = 1; i < 9; i++) {
        ck_assert(kafka_rejoin_asks(&rejoin, ASSIGNED_MS + i * KAFKA_REJOIN_FIRST_MS));
        ck_assert(!kafka_rejoin_decide(&rejoin, -1, TASKS));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_rejoin");
    TCase *tests = tcase_create("kafka_rejoin");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, a_member_with_tasks_never_asks);
    tcase_add_test(tests, a_member_with_nothing_asks_after_three_seconds_and_then_again);
    tcase_add_test(tests, a_revocation_ends_the_doubt);
    tcase_add_test(tests, it_joins_anew_only_when_there_are_tasks_for_all);
    tcase_add_test(tests, the_wait_doubles_with_each_try_up_to_a_limit_and_begins_anew_with_a_task);
    tcase_add_test(tests, asking_in_vain_does_not_lengthen_the_wait);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
