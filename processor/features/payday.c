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

static int32_t shifted(int32_t day, int32_t anchor)
{
    int32_t weekday = civil_weekday(day);
    if ((anchor & ANCHOR_BEFORE) != 0) {
        return day - (weekday == SATURDAY ? 1 : weekday == SUNDAY ? 2 : 0);
    }
    if ((anchor & ANCHOR_AFTER) != 0) {
        return day + (weekday == SATURDAY ? 2 : weekday == SUNDAY ? 1 : 0);
    }
    return day;
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
        return shifted(
            civil_day((struct civil_date){year, month, wanted < length ? wanted : length}), anchor);
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

/* Its day lies in the month of its date, but that one before a free day may lie in the month before, and one
 * behind it in the next. */
uint32_t payday_fits(const int32_t *days, uint32_t count, int32_t anchor)
{
    int32_t other = (anchor & ANCHOR_WEEKDAY) != 0  ? 0
                    : (anchor & ANCHOR_BEFORE) != 0 ? 1
                    : (anchor & ANCHOR_AFTER) != 0  ? -1
                                                    : 0;
    uint32_t fits = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct civil_date date = civil_date(days[i]);
        fits += anchor_day(date, 0, anchor) == days[i] ||
                (other != 0 && anchor_day(date, other, anchor) == days[i]);
    }
    return fits;
}

/* The third Friday, when the day is one; with `last` the last Friday. */
static int32_t payday_weekday(int32_t day, bool last)
{
    int32_t place = last ? LAST_PLACE : (civil_date(day).day - 1) / 7;
    return ANCHOR_WEEKDAY | place * 8 | civil_weekday(day);
}

uint8_t payday_habit(const int32_t *days, uint32_t count)
{
    int32_t tried[PAYDAY_DAYS_MAX * 6 + 2];
    count = count < PAYDAY_DAYS_MAX ? count : PAYDAY_DAYS_MAX;
    uint32_t tries = 0;
    for (uint32_t i = 0; i < count; i++) {
        tried[tries++] = civil_date(days[i]).day;
    }
    tried[tries++] = 31;
    tried[tries++] = 31 | ANCHOR_BEFORE;
    for (uint32_t i = 0; i < count; i++) {
        int32_t weekday = civil_weekday(days[i]);
        int32_t step = weekday == SATURDAY - 1 ? 1 : weekday == SUNDAY + 1 ? -1 : 0;
        /* A Friday may stand for the Saturday or Sunday behind it, a Monday for those before. */
        for (int32_t away = 0; away <= (step == 0 ? 0 : 2); away++) {
            int32_t date = civil_date(days[i] + away * step).day;
            tried[tries++] = date | (step < 0 ? ANCHOR_AFTER : ANCHOR_BEFORE);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        tried[tries++] = payday_weekday(days[i], false);
        tried[tries++] = payday_weekday(days[i], true);
    }
    int32_t best = tried[0];
    uint32_t most = 0;
    for (uint32_t i = 0; i < tries && most < count; i++) {
        uint32_t fits = payday_fits(days, count, tried[i]);
        if (fits > most) {
            most = fits;
            best = tried[i];
        }
    }
    return (uint8_t)best;
}

int32_t payday_after(int32_t last_day, int32_t anchor, int32_t count)
{
    return anchor_day(civil_date(last_day), own_month(last_day, anchor) + count, anchor);
}
