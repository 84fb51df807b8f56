/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil.h"
#include "series_kit.h"

static int64_t at(int32_t year, int32_t month, int32_t day)
{
    return civil_day((struct civil_date){year, month, day}) * MS_PER_DAY;
}

static void pay_monthly(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ck_assert(credit(at(2025, 1 + (int32_t)i, 25), 250000, "acme"));
    }
}

START_TEST(three_equal_monthly_credits_make_a_series)
{
    pay_monthly(2);
    ck_assert(!value(SERIES_LAST_AT, at(2025, 2, 26)).present);
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 2, 26)).i, 0);
    ck_assert(credit(at(2025, 3, 25), 250000, "acme"));
    int64_t now = at(2025, 3, 26);
    ck_assert_int_eq(value(SERIES_HITS, now).i, 3);
    ck_assert_int_eq(value(SERIES_PERIOD_DAYS, now).i, 30);
    ck_assert_int_eq(value(SERIES_LAST_AT, now).i, at(2025, 3, 25));
    ck_assert_int_eq(value(SERIES_NEXT_AT, now).i, at(2025, 4, 25));
    ck_assert_int_eq(value(SERIES_AMOUNT, now).i, 250000);
    ck_assert_int_eq(value(SERIES_ACTIVE, now).i, 1);
}
END_TEST

START_TEST(irregular_or_unequal_credits_make_none)
{
    static const int32_t days[] = {1, 9, 40, 45, 110, 112, 170};
    for (size_t i = 0; i < 7; i++) {
        (void)credit(at(2025, 1, 1) + days[i] * MS_PER_DAY, 5000, "friend");
        (void)credit(at(2025, 1, 1) + (int64_t)i * 30 * MS_PER_DAY, 1000 + (int64_t)i * 777,
                     "shop");
    }
    ck_assert(!value(SERIES_LAST_AT, at(2025, 8, 1)).present);
    ck_assert_int_eq(series_next_change(&def, &state, zones, 0, at(2025, 8, 1)), INT64_MAX);
}
END_TEST

START_TEST(misses_are_deadlines)
{
    pay_monthly(4);
    int64_t first = at(2025, 5, 30); /* the 25th, four days of grace, then its day is over */
    ck_assert_int_eq(series_next_change(&def, &state, zones, 0, at(2025, 4, 26)), first);
    ck_assert_int_eq(value(SERIES_MISSES, first - 1).i, 0);
    ck_assert_int_eq(value(SERIES_MISSES, first).i, 1);
    ck_assert_int_eq(value(SERIES_OVERDUE, first).i, 1);
    int64_t second = series_next_change(&def, &state, zones, 0, first);
    ck_assert_int_eq(second, at(2025, 6, 30));
    ck_assert_int_eq(value(SERIES_MISSES, second - 1).i, 1);
    ck_assert_int_eq(value(SERIES_MISSES, second).i, 2);
    uint32_t count = 0;
    for (int64_t now = first; now != INT64_MAX;
         now = series_next_change(&def, &state, zones, 0, now)) {
        count++;
    }
    ck_assert_uint_eq(count, SERIES_MISSES_MAX); /* not watched for ever */
}
END_TEST

START_TEST(a_bonus_month_is_no_miss_and_no_hit)
{
    pay_monthly(4);
    ck_assert(
        credit(at(2025, 5, 25), 500000, "acme")); /* the thirteenth salary in place of the usual */
    ck_assert_int_eq(value(SERIES_MISSES, at(2025, 6, 20)).i, 0);
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 6, 20)).i, 4);
    ck_assert_int_eq(value(SERIES_AMOUNT, at(2025, 6, 20)).i, 250000);
    ck_assert(credit(at(2025, 6, 25), 250000, "acme"));
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 6, 26)).i, 5); /* 61 days between equal credits */
    ck_assert_int_eq(value(SERIES_MISSES, at(2025, 7, 20)).i, 0);
}
END_TEST

START_TEST(two_payments_at_a_new_level_are_a_step)
{
    pay_monthly(4);
    ck_assert(credit(at(2025, 5, 25), 270000, "acme"));
    ck_assert(credit(at(2025, 6, 25), 270000, "acme"));
    ck_assert_int_eq(value(SERIES_AMOUNT, at(2025, 6, 26)).i, 270000);
    ck_assert_int_eq(value(SERIES_AMOUNT_BEFORE, at(2025, 6, 26)).i, 250000);
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 6, 26)).i, 6);
}
END_TEST

START_TEST(an_early_payday_does_not_move_the_next)
{
    for (int32_t month = 8; month <= 11; month++) {
        ck_assert(credit(at(2025, month, 25), 250000, "acme"));
    }
    ck_assert(credit(at(2025, 12, 19), 250000, "acme")); /* before Christmas */
    ck_assert_int_eq(value(SERIES_NEXT_AT, at(2025, 12, 20)).i, at(2026, 1, 25));
    ck_assert_int_eq(value(SERIES_MISSES, at(2026, 1, 28)).i, 0);
}
END_TEST

START_TEST(the_last_day_of_a_month_is_as_long_as_the_month)
{
    ck_assert(credit(at(2025, 10, 31), 1000, "acme"));
    ck_assert(credit(at(2025, 11, 30), 1000, "acme"));
    ck_assert(credit(at(2025, 12, 31), 1000, "acme"));
    ck_assert(credit(at(2026, 1, 31), 1000, "acme"));
    ck_assert_int_eq(value(SERIES_NEXT_AT, at(2026, 2, 1)).i, at(2026, 2, 28));
}
END_TEST

static const struct {
    int32_t gap;
    int32_t period;
} gaps[] = {{7, 7}, {14, 14}, {28, 28}, {30, 30}, {31, 30}};

START_TEST(periods_are_told_apart)
{
    for (int32_t i = 0; i < 5; i++) {
        ck_assert(credit(at(2025, 3, 3) + i * gaps[_i].gap * MS_PER_DAY, 900, "acme"));
    }
    ck_assert_int_eq(value(SERIES_PERIOD_DAYS, at(2025, 9, 1)).i, gaps[_i].period);
}
END_TEST

START_TEST(amounts_within_tolerance_are_equal)
{
    def.amount_tolerance_permille = 100;
    ck_assert(credit(at(2025, 1, 25), 200000, "acme"));
    ck_assert(credit(at(2025, 2, 25), 210000, "acme"));
    ck_assert(credit(at(2025, 3, 25), 195000, "acme"));
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 3, 26)).i, 3);
    ck_assert(credit(at(2025, 4, 25), 100, "acme"));
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 4, 26)).i, 3);
}
END_TEST

START_TEST(a_reversal_takes_the_last_hit_back)
{
    pay_monthly(3);
    struct event event = {.source = SOURCE_TRANSACTIONS, .time_ms = at(2025, 3, 27)};
    event.tx = (struct transaction){.amount_minor = 250000,
                                    .direction = DIRECTION_CREDIT,
                                    .status = TX_REVERSED,
                                    .counterparty_id = slice_text("acme")};
    struct scope scope = {.event = &event, .customer = &customer, .zones = zones};
    ck_assert(series_update(&def, &state, &event, &scope, NULL));
    ck_assert(!value(SERIES_LAST_AT, at(2025, 3, 28)).present);
}
END_TEST

START_TEST(an_established_payer_is_not_pushed_out)
{
    char payer[16];
    pay_monthly(3);
    for (int32_t i = 0; i < 50; i++) {
        (void)snprintf(payer, sizeof(payer), "p-%d", i);
        ck_assert(credit(at(2025, 3, 26) + i * MS_PER_HOUR, 100 + i, payer));
    }
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 4, 1)).i, 3);
}
END_TEST

START_TEST(who_pays_by_the_hour_has_paid_all_along)
{
    static const int64_t amounts[] = {41200, 30100, 22500, 54900, 35700, 35700, 35700};
    for (int32_t week = 0; week < 7; week++) {
        ck_assert(credit(at(2025, 1, 3) + week * 7 * MS_PER_DAY, amounts[week], "cafe"));
    }
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 2, 15)).i, 3);
    ck_assert_int_eq(value(SERIES_FIRST_AT, at(2025, 2, 15)).i, at(2025, 1, 3));
}
END_TEST

/* Somebody new each week is forgotten before the one who pays every week. */
START_TEST(who_paid_last_is_kept_whatever_the_amount)
{
    static const int64_t amounts[] = {41200, 30100, 22500, 54900, 28700, 47300, 19900};
    char once[] = "aa";
    for (int32_t week = 0; week < 70; week++) {
        (void)credit(at(2025, 1, 3) + week * 7 * MS_PER_DAY, amounts[week % 7], "cafe");
        once[0] = (char)('a' + week % 26);
        once[1] = (char)('a' + week / 26);
        (void)credit(at(2025, 1, 4) + week * 7 * MS_PER_DAY, 3000, once);
    }
    for (int32_t week = 70; week < 73; week++) {
        ck_assert(credit(at(2025, 1, 3) + week * 7 * MS_PER_DAY, 35700, "cafe"));
    }
    ck_assert_int_eq(value(SERIES_FIRST_AT, at(2026, 6, 1)).i, at(2025, 1, 3));
}
END_TEST

START_TEST(a_new_payer_is_counted_after_the_old_one_stopped)
{
    pay_monthly(4);
    ck_assert(credit(at(2025, 6, 10), 300000, "globex"));
    ck_assert(credit(at(2025, 7, 10), 300000, "globex"));
    ck_assert_int_eq(value(SERIES_NEW_PAYER_HITS, at(2025, 7, 11)).i, 2);
    ck_assert_int_eq(value(SERIES_MISSES, at(2025, 7, 11)).i, 2);
}
END_TEST

START_TEST(the_primary_gives_the_most_a_month)
{
    for (int32_t i = 0; i < 5; i++) {
        ck_assert(credit(at(2025, 1 + i, 25), 250000, "acme"));
        ck_assert(credit(at(2025, 1 + i, 28), 30000, "friend"));
    }
    ck_assert_int_eq(value(SERIES_AMOUNT, at(2025, 5, 29)).i, 250000); /* not the one paid last */
    ck_assert_int_eq(value(SERIES_MONEY, at(2025, 5, 29)).i, 250000);
    ck_assert_int_eq(value(SERIES_TOTAL_MONEY, at(2025, 5, 29)).i, 280000);
    ck_assert(!value(SERIES_STOPPED_AT, at(2025, 5, 29)).present);
    ck_assert(credit(at(2025, 6, 28), 30000, "friend"));
    int64_t missed = at(2025, 6, 30); /* acme's payment of the 25th and four days */
    ck_assert_int_eq(value(SERIES_STOPPED_AT, missed).i, at(2025, 5, 25));
    ck_assert_int_eq(value(SERIES_STOPPED_DUE_AT, missed).i, at(2025, 6, 25));
    ck_assert_int_eq(value(SERIES_STOPPED_MONEY, missed).i, 250000);
    ck_assert_int_eq(value(SERIES_STOPPED_HITS, missed).i, 5);
    ck_assert_int_eq(value(SERIES_TOTAL_MONEY, missed).i, 30000);
    ck_assert(!value(SERIES_STOPPED_AT, missed - 1).present);
    ck_assert(credit(at(2025, 7, 25), 250000, "acme")); /* it comes back */
    ck_assert(!value(SERIES_STOPPED_AT, at(2025, 7, 26)).present);
    ck_assert_int_eq(state.tracks[0].gaps, 1);
}
END_TEST

START_TEST(a_payer_renamed_is_the_same_series)
{
    def.follow_renames = true;
    pay_monthly(4);
    ck_assert(credit(at(2025, 5, 26), 252000, "acme holding"));
    ck_assert(credit(at(2025, 6, 25), 252000, "acme holding"));
    int64_t now = at(2025, 6, 26);
    ck_assert_int_eq(value(SERIES_ACTIVE, now).i, 1);
    ck_assert_int_eq(value(SERIES_OVERDUE, now).i, 0);
    ck_assert_int_eq(value(SERIES_RENAMED_AT, now).i, at(2025, 5, 26));
    ck_assert_int_eq(value(SERIES_NEW_PAYER_HITS, now).i, 0);
}
END_TEST

START_TEST(another_payer_on_another_day_is_no_rename)
{
    def.follow_renames = true;
    pay_monthly(4);
    ck_assert(credit(at(2025, 5, 10), 250000, "other"));
    ck_assert(credit(at(2025, 5, 25), 300000, "third")); /* the day, another amount */
    ck_assert(!value(SERIES_RENAMED_AT, at(2025, 5, 26)).present);
    ck_assert_int_eq(value(SERIES_OVERDUE, at(2025, 6, 1)).i, 1);
}
END_TEST

START_TEST(a_change_is_two_payments_outside_all_before)
{
    static const int64_t pay[] = {250000, 252000, 251000, 290000, 250500, 270000, 280000};
    static const int64_t change[] = {0, 0, 0, 0, 0, 0, 9};
    def.amount_tolerance_permille = 350;
    for (int32_t i = 0; i < 7; i++) {
        ck_assert(credit(at(2025, 1 + i, 25), i == 3 ? 330000 : pay[i], "acme")); /* a bonus once */
        struct feature_value now = value(SERIES_CHANGE_PERCENT, at(2025, 1 + i, 26));
        ck_assert_int_eq(now.present ? now.i : 0, i == 6 ? 0 : change[i]);
    }
    /* 330000 stands among those before: only when it has left do two higher ones count. */
    state = (struct series_state){0};
    for (int32_t i = 0; i < 6; i++) {
        ck_assert(credit(at(2025, 1 + i, 25), i < 4 ? 250000 + i * 500 : 275000, "acme"));
    }
    ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 6, 26)).i, 9);
    ck_assert(credit(at(2025, 7, 25), 120000, "acme"));
    ck_assert(credit(at(2025, 8, 25), 121000, "acme"));
    ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 8, 26)).i, -53);
}
END_TEST

START_TEST(arrears_of_a_rise_are_no_sign_that_pay_varies)
{
    def.amount_tolerance_permille = 350;
    pay_monthly(6);
    ck_assert(credit(at(2025, 7, 25), 26000, "acme"));
    ck_assert(credit(at(2025, 7, 25) + 1000, 290000, "acme"));
    ck_assert(credit(at(2025, 8, 25), 290000, "acme"));
    ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 8, 26)).i, 16);
}
END_TEST

/* Monthly pay that comes by the fortnight from now on, and weekly pay likewise. */
START_TEST(another_calendar_is_no_change)
{
    def.amount_tolerance_permille = 350;
    pay_monthly(6);
    for (int32_t i = 0; i < 12; i++) {
        int64_t now = at(2025, 7, 4) + i * 14 * MS_PER_DAY;
        ck_assert(credit(now, 115400, "acme"));
        ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, now).i, 0);
    }
    ck_assert_int_eq(value(SERIES_PERIOD_DAYS, at(2025, 12, 6)).i, 14);
    state = (struct series_state){0};
    for (int32_t i = 0; i < 10; i++) {
        ck_assert(credit(at(2025, 1, 3) + i * 7 * MS_PER_DAY, 50000, "acme"));
    }
    for (int32_t i = 0; i < 8; i++) {
        int64_t now = at(2025, 3, 21) + i * 14 * MS_PER_DAY;
        ck_assert(credit(now, 100000, "acme"));
        ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, now).i, 0);
    }
    ck_assert_int_eq(value(SERIES_PERIOD_DAYS, at(2025, 6, 28)).i, 14);
}
END_TEST

/* Amounts so large are no pay. What they differ by, in hundredths of a percent, does not fit. */
START_TEST(amounts_beyond_all_reckoning_do_not_change)
{
    static const int64_t much[] = {INT64_MAX, INT64_MAX / 10000 + 1, INT64_MAX / 4 * 3,
                                   3000000000000000};
    def.amount_tolerance_permille = 350;
    for (size_t k = 0; k < ARRAY_COUNT(much); k++) {
        for (int up = 0; up < 2; up++) {
            state = (struct series_state){0};
            ck_assert(credit(at(2025, 1, 25), 250000, "acme"));
            for (int32_t i = 1; i < 6; i++) {
                ck_assert(credit(at(2025, 1 + i, 25), 250000, "acme"));
            }
            struct series_track *track = &state.tracks[0];
            for (uint32_t i = 0; i < track->amount_count; i++) {
                track->amounts[i] = (i < 2) == (up == 1) ? much[k] : 120000;
            }
            track->variation = 0;
            ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 6, 26)).i, 0);
        }
    }
}
END_TEST

START_TEST(the_next_payment_has_an_interval_and_the_past_a_regularity)
{
    pay_monthly(4);
    int64_t now = at(2025, 4, 26);
    ck_assert_int_eq(value(SERIES_NEXT_FROM, now).i, at(2025, 5, 21));
    ck_assert_int_eq(value(SERIES_NEXT_UNTIL, now).i, at(2025, 5, 30));
    ck_assert_int_eq(series_next_change(&def, &state, zones, 0, now), at(2025, 5, 30));
    ck_assert_int_eq(value(SERIES_REGULARITY, now).i, 100);
    ck_assert(credit(at(2025, 5, 28), 250000, "acme")); /* three days late: one of the last three */
    ck_assert_int_eq(value(SERIES_REGULARITY, at(2025, 5, 29)).i, 66);
    ck_assert_int_eq(value(SERIES_NEXT_FROM, at(2025, 5, 29)).i, at(2025, 6, 21));
}
END_TEST

START_TEST(what_came_back_has_not_stopped)
{
    pay_monthly(4);
    ck_assert_int_eq(value(SERIES_STOPPED_HITS, at(2025, 4, 26)).i, 0);
    ck_assert(
        value(SERIES_STOPPED_HITS, at(2025, 4, 26)).present); /* not unknown: a rule must see it */
    ck_assert_int_eq(value(SERIES_STOPPED_HITS, at(2025, 5, 31)).i, 4);
    ck_assert(credit(at(2025, 5, 31), 250000, "acme"));
    ck_assert(value(SERIES_STOPPED_HITS, at(2025, 6, 1)).present);
    ck_assert_int_eq(value(SERIES_STOPPED_HITS, at(2025, 6, 1)).i, 0);
    ck_assert_int_eq(value(SERIES_STOPPED_GAPS, at(2025, 6, 1)).i, 0);
    ck_assert(!value(SERIES_STOPPED_AT, at(2025, 6, 1)).present);
}
END_TEST

START_TEST(a_change_must_stand_out_from_pay_that_varies)
{
    static const int64_t varies[] = {443000, 442500, 478000, 497000, 493500}; /* 8 % apart before */
    def.amount_tolerance_permille = 350;
    for (int32_t i = 0; i < 5; i++) {
        ck_assert(credit(at(2025, 1 + i, 25), varies[i], "acme"));
    }
    ck_assert_int_eq(value(SERIES_SPREAD_PERCENT, at(2025, 5, 26)).i, 8);
    ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 5, 26)).i, 0);
    ck_assert(credit(at(2025, 6, 25), 520000, "acme"));
    ck_assert(credit(at(2025, 7, 25), 522000, "acme"));
    ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 7, 26)).i,
                     0); /* 23000 above, 54500 apart */
    ck_assert(credit(at(2025, 8, 25), 590000, "acme"));
    ck_assert(credit(at(2025, 9, 25), 595000, "acme"));
    ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 9, 26)).i, 19);
}
END_TEST

/* Twelve weeks, by turns above and below the same, then four quiet ones and two that are an eighth more. */
static int64_t change_after(int64_t swing)
{
    state = (struct series_state){0};
    for (int32_t week = 0; week < 18; week++) {
        int64_t amount =
            week < 12 ? 100000 + (week % 2 == 0 ? swing : -swing) : (week < 16 ? 100000 : 113000);
        ck_assert(credit(at(2025, 1, 3) + week * 7 * MS_PER_DAY, amount, "acme"));
    }
    return value(SERIES_CHANGE_PERCENT, at(2025, 5, 4)).i;
}

START_TEST(what_has_always_varied_does_not_change_after_a_quiet_month)
{
    def.amount_tolerance_permille = 350;
    ck_assert_int_eq(change_after(0), 13);
    ck_assert_int_eq(change_after(2000), 13);
    ck_assert_int_eq(change_after(12000), 0);
}
END_TEST

START_TEST(less_once_is_how_a_pay_varies_and_a_bonus_is_not)
{
    static const int64_t once[] = {180000, 20000};
    def.amount_tolerance_permille = 350;
    for (int32_t lesser = 0; lesser < 2; lesser++) {
        state = (struct series_state){0};
        for (int32_t week = 0; week < 18; week++) {
            bool other = week % 4 == 3 && week < 14;
            int64_t amount = other ? once[lesser] : week < 16 ? 100000 : 113000;
            ck_assert(credit(at(2025, 1, 3) + week * 7 * MS_PER_DAY, amount, "acme"));
        }
        ck_assert_int_eq(value(SERIES_CHANGE_PERCENT, at(2025, 5, 4)).i, lesser ? 0 : 13);
    }
}
END_TEST

START_TEST(beside_a_small_job_that_goes_on_the_one_that_stopped_is_seen)
{
    for (int32_t week = 0; week < 32; week++) {
        ck_assert(credit(at(2025, 1, 3) + week * 7 * MS_PER_DAY, 9000, "side"));
    }
    pay_monthly(4);
    int64_t now = at(2025, 6, 20);
    ck_assert_int_eq(value(SERIES_PERIOD_DAYS, now).i, 7);
    ck_assert_int_eq(value(SERIES_STOPPED_PERIOD_DAYS, now).i, 30);
    ck_assert_int_eq(value(SERIES_NEW_PAYER_HITS, now).i, 0);
    ck_assert(credit(at(2025, 5, 28), 270000,
                     "zenith")); /* since the salary, before the last of the side job */
    ck_assert_int_eq(value(SERIES_NEW_PAYER_HITS, now).i, 1);
}
END_TEST

static bool named(int64_t time_ms, const char *name)
{
    struct event event = {.source = SOURCE_TRANSACTIONS, .time_ms = time_ms};
    event.tx = (struct transaction){.amount_minor = 250000,
                                    .direction = DIRECTION_CREDIT,
                                    .status = TX_POSTED,
                                    .counterparty_name = slice_text(name)};
    struct scope scope = {
        .event = &event, .customer = &customer, .zones = zones, .now_ms = time_ms};
    return series_update(&def, &state, &event, &scope, NULL);
}

START_TEST(a_payer_without_an_account_is_known_by_the_letters_of_its_name)
{
    ck_assert(named(at(2025, 1, 25), "Acme Ltd 2501/17"));
    ck_assert(named(at(2025, 2, 25), "ACME LTD 2502/44"));
    ck_assert(named(at(2025, 3, 25), "acme ltd."));
    ck_assert_int_eq(value(SERIES_HITS, at(2025, 3, 26)).i, 3);
    ck_assert(named(at(2025, 3, 26), "Zenith 1"));
    ck_assert(named(at(2025, 3, 27), "007")); /* no letters: as it is */
    ck_assert(named(at(2025, 3, 27), "008"));
    uint32_t payers = 0;
    while (payers < SERIES_TRACKS_MAX && state.tracks[payers].key != 0) {
        payers++;
    }
    ck_assert_uint_eq(payers, 4);
}
END_TEST

START_TEST(a_stored_track_is_found_by_its_payer)
{
    /* What records in use hold. If one differs, SERIES_TRACKS_VERSION is to be raised. */
    static const uint64_t keys[] = {UINT64_C(0xef604c0a70d82df1), UINT64_C(0xa089bba2f75f4cd0),
                                    UINT64_C(0x489d89369e96611a)};
    ck_assert_int_eq(SERIES_TRACKS_VERSION, 3);
    ck_assert(credit(at(2025, 1, 25), 250000, "GB29NWBK60161331926819"));
    ck_assert(named(at(2025, 1, 26), "Acme Ltd 2501/17"));
    ck_assert(named(at(2025, 1, 27), "007"));
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        ck_assert_uint_eq(state.tracks[i].key, keys[i]);
    }
}
END_TEST

START_TEST(starts_and_stops_are_counted_for_a_while)
{
    def.recent_days = 60;
    pay_monthly(6);
    for (int32_t i = 3; i < 6; i++) {
        ck_assert(credit(at(2025, 1 + i, 3), 4000, "new"));
    }
    int64_t now = at(2025, 6, 4); /* the third of "new": 61 days after its first */
    ck_assert_int_eq(value(SERIES_STARTS, now).i, 0);
    def.recent_days = 90;
    ck_assert_int_eq(value(SERIES_STARTS, now).i, 1);
    ck_assert_int_eq(value(SERIES_STOPS, now).i, 0);
    int64_t missed = at(2025, 7, 8);
    ck_assert_int_eq(value(SERIES_STOPS, missed).i, 1);
    ck_assert_int_eq(value(SERIES_STARTS, missed).i, 0);
    ck_assert_int_eq(value(SERIES_STOPS, missed + 89 * MS_PER_DAY).i, 2);
    ck_assert_int_eq(value(SERIES_STOPS, missed + 90 * MS_PER_DAY).i, 1);
    ck_assert_int_eq(series_next_change(&def, &state, zones, 0, missed + 89 * MS_PER_DAY),
                     missed + 90 * MS_PER_DAY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series");
    TCase *tests = tcase_create("series");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, three_equal_monthly_credits_make_a_series);
    tcase_add_test(tests, irregular_or_unequal_credits_make_none);
    tcase_add_test(tests, misses_are_deadlines);
    tcase_add_test(tests, a_bonus_month_is_no_miss_and_no_hit);
    tcase_add_test(tests, two_payments_at_a_new_level_are_a_step);
    tcase_add_test(tests, an_early_payday_does_not_move_the_next);
    tcase_add_test(tests, the_last_day_of_a_month_is_as_long_as_the_month);
    tcase_add_loop_test(tests, periods_are_told_apart, 0, 5);
    tcase_add_test(tests, amounts_within_tolerance_are_equal);
    tcase_add_test(tests, a_reversal_takes_the_last_hit_back);
    tcase_add_test(tests, an_established_payer_is_not_pushed_out);
    tcase_add_test(tests, who_pays_by_the_hour_has_paid_all_along);
    tcase_add_test(tests, who_paid_last_is_kept_whatever_the_amount);
    tcase_add_test(tests, a_new_payer_is_counted_after_the_old_one_stopped);
    tcase_add_test(tests, the_primary_gives_the_most_a_month);
    tcase_add_test(tests, a_payer_renamed_is_the_same_series);
    tcase_add_test(tests, another_payer_on_another_day_is_no_rename);
    tcase_add_test(tests, a_change_is_two_payments_outside_all_before);
    tcase_add_test(tests, arrears_of_a_rise_are_no_sign_that_pay_varies);
    tcase_add_test(tests, another_calendar_is_no_change);
    tcase_add_test(tests, amounts_beyond_all_reckoning_do_not_change);
    tcase_add_test(tests, the_next_payment_has_an_interval_and_the_past_a_regularity);
    tcase_add_test(tests, what_came_back_has_not_stopped);
    tcase_add_test(tests, a_change_must_stand_out_from_pay_that_varies);
    tcase_add_test(tests, what_has_always_varied_does_not_change_after_a_quiet_month);
    tcase_add_test(tests, less_once_is_how_a_pay_varies_and_a_bonus_is_not);
    tcase_add_test(tests, beside_a_small_job_that_goes_on_the_one_that_stopped_is_seen);
    tcase_add_test(tests, a_stored_track_is_found_by_its_payer);
    tcase_add_test(tests, a_payer_without_an_account_is_known_by_the_letters_of_its_name);
    tcase_add_test(tests, starts_and_stops_are_counted_for_a_while);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
