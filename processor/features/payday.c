/* SPDX-License-Identifier: Apache-2.0 */
#include "features/payday.h"

#include "base/civil.h"

static int32_t month_length(int32_t year, int32_t month)
{
    static const int32_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return lengths[month - 1] + (leap && month == 2);
}

/* The code of a habit: payday.h. */
enum {
    ANCHOR_DATE_BITS = 0x1f,
    ANCHOR_BEFORE = 0x20,
    ANCHOR_AFTER = 0x40,
    ANCHOR_WEEKDAY = 0x80, /* | place (0..3, 4: the last) * 8 | day of the week */
    LAST_PLACE = 4,
    SATURDAY = 6,
    SUNDAY = 0,
};

/* From the habit's date, a day of that weekday, to when it pays. */
static int32_t free_day_shift(int32_t weekday, int32_t anchor)
{
    if ((anchor & ANCHOR_BEFORE) != 0) {
        return weekday == SATURDAY ? -1 : weekday == SUNDAY ? -2 : 0;
    }
    if ((anchor & ANCHOR_AFTER) != 0) {
        return weekday == SATURDAY ? 2 : weekday == SUNDAY ? 1 : 0;
    }
    return 0;
}

/* The anchor's day in the month that lies `months` after that of `date`. */
static int32_t anchor_day(struct civil_date date, int32_t months, int32_t anchor)
{
    int32_t index = date.year * 12 + date.month - 1 + months;
    int32_t year = (int32_t)civil_floor(index, 12);
    int32_t month = index - year * 12 + 1;
    int32_t length = month_length(year, month);
    if ((anchor & ANCHOR_WEEKDAY) == 0) {
        int32_t wanted = anchor & ANCHOR_DATE_BITS;
        int32_t day =
            civil_day((struct civil_date){year, month, wanted < length ? wanted : length});
        return day + free_day_shift(civil_weekday(day), anchor);
    }
    int32_t place = (anchor & ~ANCHOR_WEEKDAY) / 8;
    int32_t first = civil_day((struct civil_date){year, month, 1});
    int32_t date_of_first = 1 + (anchor % 8 - civil_weekday(first) + 7) % 7;
    int32_t wanted = date_of_first + place * 7;
    return first + (wanted <= length ? wanted : wanted - 7) - 1;
}

/* The anchor's day that is nearest to a payment: its own cycle, however early or late it came. */
static int32_t own_month(int32_t day, int32_t anchor)
{
    struct civil_date date = civil_date(day);
    int32_t own = 0, nearest = INT32_MAX;
    for (int32_t months = -1; months <= 1; months++) {
        int32_t distance = anchor_day(date, months, anchor) - day;
        distance = distance < 0 ? -distance : distance;
        if (distance < nearest) {
            nearest = distance;
            own = months;
        }
    }
    return own;
}

/* A day on which was paid, and what habits ask of it. */
struct paid {
    int32_t day, date, weekday;
    int32_t length, length_before; /* days of its month and of the one before */
};

static struct paid paid_on(int32_t day)
{
    struct civil_date date = civil_date(day);
    bool january = date.month == 1;
    return (struct paid){
        .day = day,
        .date = date.day,
        .weekday = civil_weekday(day),
        .length = month_length(date.year, date.month),
        .length_before =
            month_length(january ? date.year - 1 : date.year, january ? 12 : date.month - 1),
    };
}

static int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Does a habit whose date falls so many days after the payment (negative: before) pay on the payment's day? */
static bool comes_from(const struct paid *paid, int32_t away, int32_t anchor)
{
    int32_t weekday = (paid->weekday + away + 70) % 7;
    return away + free_day_shift(weekday, anchor) == 0;
}

/* Its day lies in the month of its date, but that one before a free day may lie in the month before, and one
 * behind it in the next. */
static bool pays_on(const struct paid *paid, int32_t anchor)
{
    if ((anchor & ANCHOR_WEEKDAY) != 0) {
        int32_t wanted = 1 + (paid->date - 1) % 7 + (anchor & ~ANCHOR_WEEKDAY) / 8 * 7;
        return paid->weekday == anchor % 8 &&
               paid->date == (wanted <= paid->length ? wanted : wanted - 7);
    }
    int32_t wanted = anchor & ANCHOR_DATE_BITS;
    if (comes_from(paid, least(wanted, paid->length) - paid->date, anchor)) {
        return true;
    }
    if ((anchor & ANCHOR_BEFORE) != 0) { /* of the first or second of the next month */
        int32_t away = paid->length - paid->date + wanted;
        return away <= 2 && comes_from(paid, away, anchor);
    }
    int32_t ago = paid->date + paid->length_before - least(wanted, paid->length_before);
    return (anchor & ANCHOR_AFTER) != 0 && ago <= 2 && comes_from(paid, -ago, anchor);
}

static uint32_t fits(const struct paid *paid, uint32_t count, int32_t anchor)
{
    uint32_t fits = 0;
    for (uint32_t i = 0; i < count; i++) {
        fits += pays_on(&paid[i], anchor);
    }
    return fits;
}

uint32_t payday_fits(const int32_t *days, uint32_t count, int32_t anchor)
{
    uint32_t all = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct paid paid = paid_on(days[i]);
        all += fits(&paid, 1, anchor);
    }
    return all;
}

/* The third Friday, when the day is one; with `last` the last Friday. */
static int32_t weekday_habit(const struct paid *paid, bool last)
{
    int32_t place = last ? LAST_PLACE : (paid->date - 1) / 7;
    return ANCHOR_WEEKDAY | place * 8 | paid->weekday;
}

/* Habits in the order in which they are tried, each once. */
struct tries {
    uint8_t list[PAYDAY_DAYS_MAX * 6 + 2];
    uint32_t count;
    uint64_t seen[4];
};

static void try(struct tries *tries, int32_t anchor)
{
    uint64_t bit = UINT64_C(1) << anchor % 64;
    if ((tries->seen[anchor / 64] & bit) == 0) {
        tries->seen[anchor / 64] |= bit;
        tries->list[tries->count++] = (uint8_t)anchor;
    }
}

/* A Friday may stand for the Saturday or Sunday behind it, a Monday for those before. */
static void try_free_days(struct tries *tries, const struct paid *paid)
{
    int32_t step = paid->weekday == SATURDAY - 1 ? 1 : paid->weekday == SUNDAY + 1 ? -1 : 0;
    for (int32_t away = 0; away <= (step == 0 ? 0 : 2); away++) {
        int32_t date = paid->date + away * step;
        date = date > paid->length ? date - paid->length
               : date < 1          ? date + paid->length_before
                                   : date;
        try(tries, date | (step < 0 ? ANCHOR_AFTER : ANCHOR_BEFORE));
    }
}

uint8_t payday_habit(const int32_t *days, uint32_t count)
{
    struct paid paid[PAYDAY_DAYS_MAX];
    struct tries tries = {.count = 0};
    count = count < PAYDAY_DAYS_MAX ? count : PAYDAY_DAYS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        paid[i] = paid_on(days[i]);
        try(&tries, paid[i].date);
    }
    try(&tries, 31);
    try(&tries, 31 | ANCHOR_BEFORE);
    for (uint32_t i = 0; i < count; i++) {
        try_free_days(&tries, &paid[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        try(&tries, weekday_habit(&paid[i], false));
        try(&tries, weekday_habit(&paid[i], true));
    }
    uint8_t best = tries.list[0];
    uint32_t most = 0;
    for (uint32_t i = 0; i < tries.count && most < count; i++) {
        uint32_t fitting = fits(paid, count, tries.list[i]);
        if (fitting > most) {
            most = fitting;
            best = tries.list[i];
        }
    }
    return best;
}

int32_t payday_after(int32_t last_day, int32_t anchor, int32_t count)
{
    return anchor_day(civil_date(last_day), own_month(last_day, anchor) + count, anchor);
}
