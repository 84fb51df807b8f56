/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil.h"

#include "support/suite.h"

START_TEST(every_day_of_four_centuries_comes_back)
{
    for (int32_t day = -146097; day < 146097; day++) {
        ck_assert_int_eq(civil_day(civil_date(day)), day);
    }
    ck_assert_int_eq(civil_weekday(0), 4);
    ck_assert_int_eq(civil_weekday(-1), 3);
}
END_TEST

START_TEST(no_day_is_too_far_away)
{
    static const int32_t days[] = {INT32_MIN,     INT32_MIN + 1, -719469,  CIVIL_DAY_MIN,
                                   CIVIL_DAY_MAX, INT32_MAX - 1, INT32_MAX};
    ck_assert_int_eq(civil_day(civil_date(days[_i])), days[_i]);
    ck_assert_int_eq(civil_date(INT32_MIN).year, -5877641);
    ck_assert_int_eq(civil_date(INT32_MAX).year, 5881580);
    ck_assert_int_eq(civil_date(CIVIL_DAY_MIN).year, 1);
    ck_assert_int_eq(civil_date(CIVIL_DAY_MIN - 1).year, 0);
    ck_assert_int_eq(civil_date(CIVIL_DAY_MAX).year, 9999);
    ck_assert_int_eq(civil_date(CIVIL_DAY_MAX + 1).year, 10000);
}
END_TEST

START_TEST(times_are_read_and_written)
{
    int64_t ms;
    char text[CIVIL_TEXT_SIZE];
    ck_assert(civil_parse_time(slice_text("2026-11-25T10:00:00.250+01:00"), &ms));
    civil_format_time(ms, text);
    ck_assert_str_eq(text, "2026-11-25T09:00:00.250Z");
    ck_assert(!civil_parse_time(slice_text("2026-02-30T10:00:00Z"), &ms));
    ck_assert(!civil_parse_time(slice_text("2026-02-28 10:00:00Z"), &ms));
    ck_assert(!civil_parse_time(slice_text("2026-02-28T10:00:00"), &ms));
    int32_t day;
    ck_assert(civil_parse_date(slice_text("1970-01-02"), &day));
    ck_assert_int_eq(day, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("civil");
    TCase *tests = tcase_create("civil");
    tcase_add_test(tests, every_day_of_four_centuries_comes_back);
    tcase_add_loop_test(tests, no_day_is_too_far_away, 0, 7);
    tcase_add_test(tests, times_are_read_and_written);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
