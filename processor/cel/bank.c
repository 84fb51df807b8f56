/* SPDX-License-Identifier: Apache-2.0 */
/* What rules of a bank need and CEL lacks: money without decimals, ratios of whole numbers, days.
 *
 *   money("250.00")            25000: minor units, two decimals; exact, an error beyond
 *   ratio(a, b)                double(a) / double(b); b = 0 is an error: a gate stays shut
 *   pct(x, n)                  n percent of x, rounded half away from zero, in x's units
 *   days_between(t1, t2)       whole days from t1 to t2 by UTC dates; negative when t2 is earlier
 *   age_years(birth, t)        completed years; 29 February comes of age on 1 March
 *   is_business_day(t)         not a weekend or a bank holiday of England and Wales, by UTC date
 *   business_days(t1, t2)      business days after t1's date up to t2's, both by UTC date
 *   is_business_day(t, name), business_days(t1, t2, name)     by a calendar of the environment
 *   local_hour(t, zone)        0..23 in an IANA zone or at +hh:mm */
#include <math.h>

#include "base/civil.h"
#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

enum { SECONDS_PER_DAY = 86400, HOLIDAY_YEARS_MAX = 200 };

FUNCTION(money)
{
    UNUSED_ARGUMENTS;
    const struct cel_value bad = cel_error("not an amount: write it as 250 or 250.00");
    struct slice text = a[0].text;
    size_t i = text.size > 0 && text.data[0] == '-';
    size_t whole = 0, places = 0;
    bool dot = false;
    int64_t minor = 0;
    for (size_t at = i; at < text.size; at++) {
        int c = text.data[at];
        if (c == '.' && !dot && whole > 0) {
            dot = true;
            continue;
        }
        bool fits = c >= '0' && c <= '9' && places < 2 &&
                    !__builtin_mul_overflow(minor, 10, &minor) &&
                    !__builtin_add_overflow(minor, c - '0', &minor);
        if (!fits) {
            return bad;
        }
        whole += !dot;
        places += dot;
    }
    if (whole == 0 || (dot && places != 2) ||
        (!dot && __builtin_mul_overflow(minor, 100, &minor))) {
        return bad;
    }
    return cel_int(i == 1 ? -minor : minor);
}

static double as_double(const struct cel_value *value)
{
    return value->kind == CEL_INT    ? (double)value->i
           : value->kind == CEL_UINT ? (double)value->u
                                     : value->d;
}

FUNCTION(ratio)
{
    UNUSED_ARGUMENTS;
    double divisor = as_double(&a[1]);
    if (!cel_is_number(&a[0]) || !cel_is_number(&a[1])) {
        return cel_no_overload();
    }
    return divisor == 0 ? cel_error("ratio: divide by zero")
                        : cel_double(as_double(&a[0]) / divisor);
}

FUNCTION(percent_int)
{
    UNUSED_ARGUMENTS;
    cel_wide product = (cel_wide)a[0].i * a[1].i;
    cel_wide rounded = (product + (product < 0 ? -50 : 50)) / 100;
    return rounded > INT64_MAX || rounded < INT64_MIN ? cel_error("pct: overflow")
                                                      : cel_int((int64_t)rounded);
}

FUNCTION(percent_double)
{
    UNUSED_ARGUMENTS;
    if (!cel_is_number(&a[0])) {
        return cel_no_overload();
    }
    double part = as_double(&a[0]) * as_double(&a[1]) / 100;
    if (a[0].kind == CEL_DOUBLE) {
        return cel_double(part);
    }
    return fabs(part) < 9e18 ? cel_int((int64_t)round(part)) : cel_error("pct: overflow");
}

static int32_t day_of(const struct cel_value *timestamp)
{
    return (int32_t)civil_floor(timestamp->i, SECONDS_PER_DAY);
}

FUNCTION(days_between)
{
    UNUSED_ARGUMENTS;
    return cel_int((int64_t)day_of(&a[1]) - day_of(&a[0]));
}

FUNCTION(age_years)
{
    UNUSED_ARGUMENTS;
    struct civil_date birth = civil_date(day_of(&a[0])), date = civil_date(day_of(&a[1]));
    bool before = date.month < birth.month || (date.month == birth.month && date.day < birth.day);
    return cel_int((int64_t)date.year - birth.year - before);
}

/* Easter Sunday, Gregorian (Meeus, Jones, Butcher). */
static int32_t easter(int32_t year)
{
    int32_t a = year % 19, b = year / 100, c = year % 100;
    int32_t h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
    int32_t l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
    int32_t n = h + l - 7 * ((a + 11 * h + 22 * l) / 451) + 114;
    return civil_day((struct civil_date){year, n / 31, n % 31 + 1});
}

/* The first (or, with last, the last) Monday of a month. */
static int32_t monday(int32_t year, int32_t month, bool last)
{
    int32_t day = civil_day((struct civil_date){year, month, last ? 31 : 1});
    while (civil_weekday(day) != 1) {
        day += last ? -1 : 1;
    }
    return day;
}

/* Days moved or added by proclamation since 2000; the rule says the rest. */
static bool special_holiday(struct civil_date d, bool *out_holiday)
{
    static const struct {
        struct civil_date date;
        bool holiday;
    } list[] = {{{2002, 5, 27}, false}, {{2002, 6, 3}, true},   {{2002, 6, 4}, true},
                {{2011, 4, 29}, true},  {{2012, 5, 28}, false}, {{2012, 6, 4}, true},
                {{2012, 6, 5}, true},   {{2020, 5, 4}, false},  {{2020, 5, 8}, true},
                {{2022, 5, 30}, false}, {{2022, 6, 2}, true},   {{2022, 6, 3}, true},
                {{2022, 9, 19}, true},  {{2023, 5, 8}, true}};
    for (size_t i = 0; i < ARRAY_COUNT(list); i++) {
        if (list[i].date.year == d.year && list[i].date.month == d.month &&
            list[i].date.day == d.day) {
            *out_holiday = list[i].holiday;
            return true;
        }
    }
    return false;
}

/* Bank holidays of England and Wales. A holiday on a weekend is moved to the next free working day.
 */
static bool is_holiday(int32_t day)
{
    struct civil_date d = civil_date(day);
    int32_t weekday = civil_weekday(day), sunday = easter(d.year);
    bool special = false;
    if (special_holiday(d, &special)) {
        return special;
    }
    bool new_year = d.month == 1 && (d.day == 1 || (weekday == 1 && d.day <= 3));
    /* 27 and 28 December stand in when Christmas or Boxing Day falls on a weekend. */
    bool christmas = d.month == 12 && (d.day == 25 || d.day == 26 ||
                                       (d.day == 27 && (weekday == 1 || weekday == 2)) ||
                                       (d.day == 28 && (weekday == 1 || weekday == 2)));
    return new_year || christmas || day == sunday - 2 || day == sunday + 1 ||
           day == monday(d.year, 5, false) || day == monday(d.year, 5, true) ||
           day == monday(d.year, 8, true);
}

enum { WEEKEND = 1 << 0 | 1 << 6 };
static const struct cel_calendar england_wales = {.england_wales = true, .weekend = WEEKEND};

/* NULL: there is none of that name. */
static const struct cel_calendar *calendar_of(const struct cel_machine *m, struct slice name)
{
    const struct cel_environment *environment = m->program->environment;
    for (uint32_t i = 0; i < environment->calendar_count; i++) {
        if (slice_equal(environment->calendars[i].name, name)) {
            return &environment->calendars[i];
        }
    }
    return slice_is(name, "england_wales") ? &england_wales : NULL;
}

static bool is_named(const struct cel_holiday *list, uint32_t count, int32_t day)
{
    struct civil_date date = civil_date(day);
    int32_t values[] = {[CEL_ONCE] = day,
                        [CEL_YEARLY] = date.month * 32 + date.day,
                        [CEL_EASTER] = count > 0 ? day - easter(date.year) : 0};
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].value == values[list[i].kind]) {
            return true;
        }
    }
    return false;
}

static bool is_business_day(const struct cel_calendar *calendar, int32_t day)
{
    if ((calendar->weekend >> civil_weekday(day) & 1) != 0) {
        return false;
    }
    bool holiday = (calendar->england_wales && is_holiday(day)) ||
                   is_named(calendar->holidays, calendar->holiday_count, day);
    return !holiday || is_named(calendar->working, calendar->working_count, day);
}

FUNCTION(business_day)
{
    const struct cel_calendar *calendar = count == 1 ? &england_wales : calendar_of(m, a[1].text);
    return calendar == NULL ? cel_error("unknown calendar")
                            : cel_bool(is_business_day(calendar, day_of(&a[0])));
}

FUNCTION(business_days)
{
    const struct cel_calendar *calendar = count == 2 ? &england_wales : calendar_of(m, a[2].text);
    if (calendar == NULL) {
        return cel_error("unknown calendar");
    }
    int32_t from = day_of(&a[0]), to = day_of(&a[1]);
    bool backwards = from > to;
    int32_t low = backwards ? to : from, high = backwards ? from : to;
    if (high - low > HOLIDAY_YEARS_MAX * 366) {
        return cel_error("business_days: more than 200 years apart");
    }
    int64_t total = 0;
    for (int32_t day = low + 1; day <= high; day++) {
        total += is_business_day(calendar, day);
    }
    return cel_int(backwards ? -total : total);
}

FUNCTION(local_hour)
{
    (void)count;
    int64_t local = 0;
    if (!cel_local_seconds(m->zones, &a[0], a[1].text, &local)) {
        return cel_error("unknown time zone");
    }
    return cel_int((local - civil_floor(local, SECONDS_PER_DAY) * SECONDS_PER_DAY) / 3600);
}

const struct cel_function cel_banking[] = {
    {"money", "s:i", money},
    {"ratio", "ii:d", ratio},
    {"ratio", "dd:d", ratio},
    {"ratio", "id:d", ratio},
    {"ratio", "di:d", ratio},
    {"ratio", "**:d", ratio},
    {"pct", "ii:i", percent_int},
    {"pct", "id:i", percent_double},
    {"pct", "di:d", percent_double},
    {"pct", "dd:d", percent_double},
    {"days_between", "tt:i", days_between},
    {"age_years", "tt:i", age_years},
    {"is_business_day", "t:b", business_day},
    {"is_business_day", "ts:b", business_day},
    {"business_days", "tt:i", business_days},
    {"business_days", "tts:i", business_days},
    {"local_hour", "ts:i", local_hour},
    {NULL, NULL, NULL},
};
