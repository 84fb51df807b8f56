/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil.h"

#include <stdio.h>

int32_t civil_day(struct civil_date date)
{
    int32_t year = date.year - (date.month <= 2);
    int32_t era = (year >= 0 ? year : year - 399) / 400;
    int32_t year_of_era = year - era * 400;
    int32_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)((int64_t)era * 146097 + day_of_era - 719468);
}

struct civil_date civil_date(int32_t day)
{
    int64_t z = (int64_t)day + 719468;
    int32_t era = (int32_t)((z >= 0 ? z : z - 146096) / 146097);
    int32_t day_of_era = (int32_t)(z - (int64_t)era * 146097);
    int32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int32_t mp = (5 * day_of_year + 2) / 153;
    int32_t month = mp + (mp < 10 ? 3 : -9);
    return (struct civil_date){year_of_era + era * 400 + (month <= 2), month,
                               day_of_year - (153 * mp + 2) / 5 + 1};
}

int32_t civil_weekday(int32_t day)
{
    return (int32_t)(((int64_t)day % 7 + 11) % 7);
}

/* Exactly `count` digits at `at`. */
static bool digits(struct slice text, size_t at, size_t count, int32_t *out)
{
    int32_t value = 0;
    if (at + count > text.size) {
        return false;
    }
    for (size_t i = at; i < at + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return true;
}

static bool date_at(struct slice text, int32_t *out_day)
{
    struct civil_date date;
    if (text.size < 10 || text.data[4] != '-' || text.data[7] != '-' ||
        !digits(text, 0, 4, &date.year) || !digits(text, 5, 2, &date.month) ||
        !digits(text, 8, 2, &date.day) || date.month < 1 || date.month > 12 || date.day < 1 ||
        date.day > 31) {
        return false;
    }
    int32_t day = civil_day(date);
    struct civil_date back = civil_date(day);
    if (back.day != date.day || back.month != date.month) {
        return false;
    }
    *out_day = day;
    return true;
}

bool civil_parse_date(struct slice text, int32_t *out_day)
{
    return text.size == 10 && date_at(text, out_day);
}

/* The part behind the seconds: ".fraction" and the zone, in milliseconds each. */
static bool fraction_and_zone(struct slice text, size_t at, int32_t *out_ms, int64_t *out_zone_ms)
{
    int32_t ms = 0;
    if (at < text.size && text.data[at] == '.') {
        int32_t scale = 100;
        size_t first = ++at;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            ms += (text.data[at] - '0') * scale;
            scale /= 10;
        }
        if (at == first || at - first > 9) {
            return false;
        }
    }
    int32_t hours;
    int32_t minutes;
    *out_ms = ms;
    *out_zone_ms = 0;
    if (at + 1 == text.size && (text.data[at] == 'Z' || text.data[at] == 'z')) {
        return true;
    }
    if (at + 6 != text.size || (text.data[at] != '+' && text.data[at] != '-') ||
        text.data[at + 3] != ':' || !digits(text, at + 1, 2, &hours) ||
        !digits(text, at + 4, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *out_zone_ms =
        (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE) * (text.data[at] == '-' ? -1 : 1);
    return true;
}

bool civil_parse_time(struct slice text, int64_t *out_ms)
{
    int32_t day;
    int32_t h;
    int32_t m;
    int32_t s;
    int32_t ms;
    int64_t zone_ms;
    if (text.size < 20 || (text.data[10] != 'T' && text.data[10] != 't') || text.data[13] != ':' ||
        text.data[16] != ':' || !date_at(text, &day) || !digits(text, 11, 2, &h) ||
        !digits(text, 14, 2, &m) || !digits(text, 17, 2, &s) || h > 23 || m > 59 || s > 59 ||
        !fraction_and_zone(text, 19, &ms, &zone_ms)) {
        return false;
    }
    *out_ms =
        day * MS_PER_DAY + h * MS_PER_HOUR + m * MS_PER_MINUTE + s * MS_PER_SECOND + ms - zone_ms;
    return true;
}

void civil_format_date(int32_t day, char out[CIVIL_TEXT_SIZE])
{
    struct civil_date date = civil_date(day);
    (void)snprintf(out, CIVIL_TEXT_SIZE, "%04d-%02d-%02d", date.year, date.month, date.day);
}

void civil_format_time(int64_t time_ms, char out[CIVIL_TEXT_SIZE])
{
    int64_t day = civil_floor(time_ms, MS_PER_DAY);
    int32_t ms = (int32_t)(time_ms - day * MS_PER_DAY);
    struct civil_date date = civil_date((int32_t)day);
    int used = snprintf(out, CIVIL_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", date.year,
                        date.month, date.day, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60);
    if (ms % 1000 != 0) {
        used += snprintf(out + used, CIVIL_TEXT_SIZE - (size_t)used, ".%03d", ms % 1000);
    }
    (void)snprintf(out + used, CIVIL_TEXT_SIZE - (size_t)used, "Z");
}
