/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil.h"
#include "base/random.h"
#include "features/payday.h"
#include "series_kit.h"

/* ---- habits of payday, as a law: three years of them, with the working days of a country ---- */

enum habit {
    WEEKLY,
    FORTNIGHTLY,
    FOUR_WEEKLY,
    DATE_25_AS_IT_IS,
    DATE_25_BEFORE,
    DATE_1_AFTER,
    LAST_WORKING_DAY,
    THIRD_FRIDAY,
    LAST_THURSDAY,
    HABIT_COUNT
};

static bool is_free(int32_t day)
{
    struct civil_date date = civil_date(day);
    int32_t weekday = civil_weekday(day);
    bool holiday = (date.month == 12 && (date.day == 25 || date.day == 26)) ||
                   (date.month == 1 && date.day == 1) ||
                   (date.month == 5 && weekday == 1 && (date.day <= 7 || date.day >= 25));
    return weekday == 0 || weekday == 6 || holiday;
}

static int32_t working(int32_t day, int32_t step)
{
    while (is_free(day)) {
        day += step;
    }
    return day;
}

/* The day of payment number `i` from January 2023 on. */
static int32_t habit_day(enum habit habit, int32_t i)
{
    int32_t friday = civil_day((struct civil_date){2023, 1, 6});
    int32_t year = 2023 + i / 12, month = i % 12 + 1;
    int32_t first = civil_day((struct civil_date){year, month, 1});
    int32_t next = month == 12 ? civil_day((struct civil_date){year + 1, 1, 1})
                               : civil_day((struct civil_date){year, month + 1, 1});
    int32_t day;
    switch (habit) {
    case WEEKLY:
        return working(friday + 7 * i, -1);
    case FORTNIGHTLY:
        return working(friday + 14 * i, -1);
    case FOUR_WEEKLY:
        return working(friday + 28 * i, -1);
    case DATE_25_AS_IT_IS:
        return first + 24;
    case DATE_25_BEFORE:
        return working(first + 24, -1);
    case DATE_1_AFTER:
        return working(first, 1);
    case LAST_WORKING_DAY:
        return working(next - 1, -1);
    case THIRD_FRIDAY:
        return working(first + (5 - civil_weekday(first) + 7) % 7 + 14, -1);
    case LAST_THURSDAY:
        for (day = next - 1; civil_weekday(day) != 4; day--) {
        }
        return working(day, -1);
    case HABIT_COUNT:
        break;
    }
    return 0;
}

/* Law: whatever the habit, weekends and bank holidays, the series is found with its period, never misses while
 * it goes on, says the next day to within the holidays' shift, and misses once it stops; with overtime in
 * every amount. */
START_TEST(every_habit_is_followed)
{
    static const int32_t periods[HABIT_COUNT] = {7, 14, 28, 30, 30, 30, 30, 30, 30};
    enum habit habit = (enum habit)_i;
    struct random random;
    random_init(&random, 11);
    def.min_hits = 3;
    def.tolerance_days = 5;
    def.amount_tolerance_permille = 350;
    int32_t per_year = habit == WEEKLY        ? 52
                       : habit == FORTNIGHTLY ? 26
                       : habit == FOUR_WEEKLY ? 13
                                              : 12;
    int32_t far = 0, day = 0;
    for (int32_t i = 0; i < 3 * per_year; i++) {
        day = habit_day(habit, i);
        int64_t now = day * MS_PER_DAY + 2 * MS_PER_HOUR;
        if (i >= 6) {
            ck_assert_msg(value(SERIES_MISSES, now).i == 0, "payment %d is a miss", i);
            int64_t next = value(SERIES_NEXT_AT, now - MS_PER_DAY).i;
            int32_t off = zones_local_day(zones, 0, next) - day;
            far += off > 1 || off < -1;
            ck_assert_msg(off >= -5 && off <= 5, "payment %d, %d days off", i, off);
        }
        ck_assert(credit(now, 250000 + random_between(&random, -20000, 20000), "acme"));
    }
    int64_t after = (day + 1) * MS_PER_DAY;
    ck_assert_int_eq(value(SERIES_PERIOD_DAYS, after).i, periods[habit]);
    ck_assert_int_ge(value(SERIES_HITS, after).i, 3 * per_year - 1);
    ck_assert_msg(far * 10 <= 3 * per_year, "%d of %d expectations are more than a day off", far,
                  3 * per_year);
    ck_assert_int_eq(value(SERIES_MISSES, (day + periods[habit] + 12) * MS_PER_DAY).i, 1);
}
END_TEST

/* Law: from whatever payment on a bank sees it, a payer of the month is no four-weekly one for long: from the third
 * payment seen there is no miss, although December's comes on the 19th. */
START_TEST(a_month_is_not_taken_for_four_weeks)
{
    enum habit habit = (enum habit)_i;
    def.min_hits = 2;
    def.tolerance_days = 5;
    for (int32_t begin = 0; begin < 24; begin++) {
        state = (struct series_state){0};
        for (int32_t i = begin; i < begin + 12; i++) {
            struct civil_date date = civil_date(habit_day(habit, i));
            int32_t day = date.month == 12 && date.day > 19
                              ? civil_day((struct civil_date){date.year, 12, 19})
                              : habit_day(habit, i);
            int64_t now = day * MS_PER_DAY + 2 * MS_PER_HOUR;
            ck_assert_msg(i < begin + 3 || value(SERIES_MISSES, now).i == 0,
                          "payment %d is a miss when %d is the first", i, begin);
            ck_assert(credit(now, 250000, "acme"));
        }
    }
}
END_TEST

/* What fits is what payday_after says, in any month. */
START_TEST(a_day_fits_a_habit_that_pays_on_it)
{
    int32_t first = civil_day((struct civil_date){2023, 1, 1}), fits = 0;
    int32_t anchor = _i;
    bool weekday = (anchor & 0x80) != 0;
    bool known = weekday ? anchor % 8 < 7 && (anchor & 0x7f) / 8 <= 4
                         : (anchor & 31) != 0 && (anchor & 0x60) != 0x60;
    for (int32_t day = first; known && day < first + 1500; day++) { /* with a leap year */
        bool pays = false;
        for (int32_t months = 0; months < 4 && !pays; months++) {
            pays = payday_after(day - 45, anchor, months) == day;
        }
        ck_assert_msg(payday_fits(&day, 1, anchor) == pays, "habit %#x, day %d: %d",
                      (unsigned)anchor, day - first, pays);
        fits += pays;
    }
    ck_assert_int_eq(known, fits >= 45); /* once a month */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series_paydays");
    TCase *tests = tcase_create("series_paydays");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_loop_test(tests, every_habit_is_followed, 0, HABIT_COUNT);
    tcase_add_loop_test(tests, a_month_is_not_taken_for_four_weeks, DATE_25_AS_IT_IS, HABIT_COUNT);
    tcase_add_loop_test(tests, a_day_fits_a_habit_that_pays_on_it, 0, 256);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
