/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps (years 1 to 9999, nanoseconds) and durations, in UTC, at fixed offsets and in IANA
 * zones. libc's zone is never asked: zones come as plain tables with the environment. */
#include <stdio.h>

#include "base/civil.h"
#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

static const int64_t timestamp_min = INT64_C(-62135596800), timestamp_max = INT64_C(253402300799);
static const int64_t duration_max = INT64_C(315576000000);
enum { NANOS = 1000000000, SECONDS_PER_DAY = 86400 };

struct cel_value cel_timestamp_of(int64_t seconds, int64_t nanos)
{
    seconds += civil_floor(nanos, NANOS);
    nanos -= civil_floor(nanos, NANOS) * NANOS;
    if (seconds < timestamp_min || seconds > timestamp_max) {
        return cel_error("range error: a timestamp outside the years 1 to 9999");
    }
    return (struct cel_value){.kind = CEL_TIMESTAMP, .i = seconds, .nanos = (int32_t)nanos};
}

/* Seconds and nanoseconds of a duration have the same sign. */
struct cel_value cel_duration_of(int64_t seconds, int64_t nanos)
{
    seconds += nanos / NANOS;
    nanos %= NANOS;
    if (seconds > 0 && nanos < 0) {
        seconds--;
        nanos += NANOS;
    } else if (seconds < 0 && nanos > 0) {
        seconds++;
        nanos -= NANOS;
    }
    if (seconds > duration_max || seconds < -duration_max) {
        return cel_error("range error: a duration beyond 10,000 years");
    }
    return (struct cel_value){.kind = CEL_DURATION, .i = seconds, .nanos = (int32_t)nanos};
}

/* ".123" from nanoseconds, no zeros at the end; "" for 0. */
static void fraction(int32_t nanos, char out[12])
{
    int size = nanos == 0 ? 0 : snprintf(out, 12, ".%09d", nanos);
    while (size > 0 && out[size - 1] == '0') {
        size--;
    }
    out[size] = '\0';
}

size_t cel_timestamp_text(const struct cel_value *value, char *out)
{
    int32_t day = (int32_t)civil_floor(value->i, SECONDS_PER_DAY);
    int32_t second = (int32_t)(value->i - (int64_t)day * SECONDS_PER_DAY);
    struct civil_date date = civil_date(day);
    char part[12];
    fraction(value->nanos, part);
    return (size_t)snprintf(out, 64, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", date.year, date.month,
                            date.day, second / 3600, second / 60 % 60, second % 60, part);
}

size_t cel_duration_text(const struct cel_value *value, char *out)
{
    char part[12];
    bool negative = value->i < 0 || value->nanos < 0;
    fraction(negative ? -value->nanos : value->nanos, part);
    return (size_t)snprintf(out, 64, "%s%lld%ss", negative ? "-" : "",
                            (long long)(negative ? -value->i : value->i), part);
}

/* Exactly `count` digits at `*at`, which moves on; -1 otherwise. */
static int32_t number(struct slice text, size_t *at, size_t count)
{
    int32_t value = 0;
    for (size_t end = *at + count; *at < end; ++*at) {
        if (*at >= text.size || text.data[*at] < '0' || text.data[*at] > '9') {
            return -1;
        }
        value = value * 10 + (text.data[*at] - '0');
    }
    return value;
}

static bool character(struct slice text, size_t *at, char expected)
{
    bool good =
        *at < text.size && (text.data[*at] | (expected > '_' ? 0x20 : 0)) == (uint8_t)expected;
    *at += good;
    return good;
}

/* "Z" or "+hh:mm"; -1 million when it is none of both. */
static int32_t offset_minutes(struct slice text, size_t *at)
{
    if (character(text, at, 'z')) {
        return 0;
    }
    int32_t sign = character(text, at, '-') ? -1 : character(text, at, '+') ? 1 : 0;
    int32_t hours = number(text, at, 2);
    bool colon = character(text, at, ':');
    int32_t minutes = number(text, at, 2);
    bool good = sign != 0 && colon && hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
    return good ? sign * (hours * 60 + minutes) : -1000000;
}

struct cel_value cel_timestamp_parse(struct slice text)
{
    const struct cel_value bad = cel_error("not a timestamp: write it as 2026-11-25T10:00:00Z");
    size_t at = 10;
    int32_t day = 0, nanos = 0;
    if (text.size < 20 || !civil_parse_date(slice_of(text.data, 10), &day) ||
        !character(text, &at, 't')) {
        return bad;
    }
    int32_t hour = number(text, &at, 2);
    bool good = hour >= 0 && hour < 24 && character(text, &at, ':');
    int32_t minute = good ? number(text, &at, 2) : -1;
    good = minute >= 0 && minute < 60 && character(text, &at, ':');
    int32_t second = good ? number(text, &at, 2) : -1;
    if (second < 0 || second > 59) {
        return bad;
    }
    if (character(text, &at, '.')) {
        size_t start = at;
        for (int32_t unit = NANOS / 10;
             at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            nanos += unit * (text.data[at] - '0');
            unit /= 10;
        }
        if (at == start || at - start > 9) {
            return bad;
        }
    }
    int32_t offset = offset_minutes(text, &at);
    if (offset == -1000000 || at != text.size) {
        return bad;
    }
    return cel_timestamp_of((int64_t)day * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second -
                                (int64_t)offset * 60,
                            nanos);
}

/* The unit at `*at` in nanoseconds; 0 when there is none. */
static int64_t duration_unit(struct slice text, size_t *at)
{
    static const struct {
        const char *text;
        int64_t nanos;
    } units[] = {{"ns", 1},
                 {"us", 1000},
                 {"\xc2\xb5s", 1000},
                 {"ms", 1000000},
                 {"h", INT64_C(3600) * NANOS},
                 {"m", INT64_C(60) * NANOS},
                 {"s", NANOS}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        size_t size = strlen(units[i].text);
        if (text.size - *at >= size && memcmp(text.data + *at, units[i].text, size) == 0) {
            *at += size;
            return units[i].nanos;
        }
    }
    return 0;
}

/* Go's form: [+-] (digits [. digits] unit)+ */
struct cel_value cel_duration_parse(struct slice text)
{
    const struct cel_value bad = cel_error("not a duration: write it as 36h, 90m, 1.5s");
    size_t at = 0;
    bool negative = character(text, &at, '-');
    (void)(negative || character(text, &at, '+'));
    if (text.size - at == 1 && text.data[at] == '0') {
        return cel_duration_of(0, 0);
    }
    cel_wide total = 0;
    size_t parts = 0;
    for (; at < text.size; parts++) {
        cel_wide whole = 0, part = 0, scale = 1;
        size_t start = at;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && at - start < 19;
             at++) {
            whole = whole * 10 + (text.data[at] - '0');
        }
        size_t count = at - start;
        if (character(text, &at, '.')) {
            for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++, count++) {
                bool precise = scale < INT64_C(1000000000000000);
                part = precise ? part * 10 + (text.data[at] - '0') : part;
                scale = precise ? scale * 10 : scale;
            }
        }
        int64_t unit = count == 0 ? 0 : duration_unit(text, &at);
        if (unit == 0) {
            return bad;
        }
        total += whole * unit + part * unit / scale;
        if (total > (cel_wide)duration_max * NANOS * 2) {
            return cel_error("range error: a duration beyond 10,000 years");
        }
    }
    if (parts == 0) {
        return bad;
    }
    total = negative ? -total : total;
    return cel_duration_of((int64_t)(total / NANOS), (int64_t)(total % NANOS));
}

bool cel_local_seconds(const struct zones *zones, const struct cel_value *timestamp,
                       struct slice zone, int64_t *out)
{
    size_t at = 0;
    int32_t index = zones == NULL ? -1 : zones_find(zones, zone);
    if (slice_is(zone, "UTC") || zone.size == 0) {
        *out = timestamp->i;
        return true;
    }
    if (index >= 0) {
        *out = timestamp->i + zones_offset_ms(zones, index, timestamp->i * 1000) / 1000;
        return true;
    }
    int32_t sign = character(zone, &at, '-') ? -1 : 1;
    (void)(at == 1 || character(zone, &at, '+'));
    int32_t hours = number(zone, &at, 2);
    bool colon = character(zone, &at, ':');
    int32_t minutes = number(zone, &at, 2);
    if (hours < 0 || hours > 23 || !colon || minutes < 0 || minutes > 59 || at != zone.size) {
        return false;
    }
    *out = timestamp->i + (int64_t)sign * (hours * 3600 + minutes * 60);
    return true;
}

enum part {
    PART_YEAR,
    PART_MONTH,
    PART_DAY,
    PART_DATE,
    PART_WEEKDAY,
    PART_YEARDAY,
    PART_HOUR,
    PART_MINUTE,
    PART_SECOND
};

static struct cel_value part_of(struct cel_machine *m, const struct cel_value *a, uint32_t count,
                                enum part part)
{
    int64_t local = a[0].i;
    if (count == 2 && !cel_local_seconds(m->zones, &a[0], a[1].text, &local)) {
        return cel_error("unknown time zone");
    }
    int32_t day = (int32_t)civil_floor(local, SECONDS_PER_DAY);
    int32_t second = (int32_t)(local - (int64_t)day * SECONDS_PER_DAY);
    struct civil_date date = civil_date(day);
    const int32_t values[] = {[PART_YEAR] = date.year,
                              [PART_MONTH] = date.month - 1,
                              [PART_DAY] = date.day - 1,
                              [PART_DATE] = date.day,
                              [PART_WEEKDAY] = civil_weekday(day),
                              [PART_YEARDAY] =
                                  day - civil_day((struct civil_date){date.year, 1, 1}),
                              [PART_HOUR] = second / 3600,
                              [PART_MINUTE] = second / 60 % 60,
                              [PART_SECOND] = second % 60};
    return cel_int(values[part]);
}

#define PART(name, part)                                                                           \
    FUNCTION(name)                                                                                 \
    {                                                                                              \
        return part_of(m, a, count, part);                                                         \
    }
PART(get_year, PART_YEAR)
PART(get_month, PART_MONTH)
PART(get_day, PART_DAY)
PART(get_date, PART_DATE)
PART(get_weekday, PART_WEEKDAY)
PART(get_yearday, PART_YEARDAY)
PART(get_hour, PART_HOUR)
PART(get_minute, PART_MINUTE)
PART(get_second, PART_SECOND)

FUNCTION(get_milliseconds)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].nanos / 1000000);
}

FUNCTION(duration_hours)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].i / 3600);
}

FUNCTION(duration_minutes)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].i / 60);
}

FUNCTION(duration_seconds)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].i);
}

FUNCTION(timestamp_string)
{
    UNUSED_ARGUMENTS;
    return cel_timestamp_parse(a[0].text);
}

FUNCTION(timestamp_int)
{
    UNUSED_ARGUMENTS;
    return cel_timestamp_of(a[0].i, 0);
}

FUNCTION(duration_string)
{
    UNUSED_ARGUMENTS;
    return cel_duration_parse(a[0].text);
}

FUNCTION(duration_int)
{
    UNUSED_ARGUMENTS;
    return cel_duration_of(a[0].i, 0);
}

FUNCTION(same)
{
    UNUSED_ARGUMENTS;
    return a[0];
}

const struct cel_function cel_times[] = {
    {"timestamp", "s:t", timestamp_string},
    {"timestamp", "i:t", timestamp_int},
    {"timestamp", "t:t", same},
    {"duration", "s:D", duration_string},
    {"duration", "i:D", duration_int},
    {"duration", "D:D", same},
    {"getFullYear", ".t:i", get_year},
    {"getFullYear", ".ts:i", get_year},
    {"getMonth", ".t:i", get_month},
    {"getMonth", ".ts:i", get_month},
    {"getDayOfMonth", ".t:i", get_day},
    {"getDayOfMonth", ".ts:i", get_day},
    {"getDate", ".t:i", get_date},
    {"getDate", ".ts:i", get_date},
    {"getDayOfWeek", ".t:i", get_weekday},
    {"getDayOfWeek", ".ts:i", get_weekday},
    {"getDayOfYear", ".t:i", get_yearday},
    {"getDayOfYear", ".ts:i", get_yearday},
    {"getHours", ".t:i", get_hour},
    {"getHours", ".ts:i", get_hour},
    {"getHours", ".D:i", duration_hours},
    {"getMinutes", ".t:i", get_minute},
    {"getMinutes", ".ts:i", get_minute},
    {"getMinutes", ".D:i", duration_minutes},
    {"getSeconds", ".t:i", get_second},
    {"getSeconds", ".ts:i", get_second},
    {"getSeconds", ".D:i", duration_seconds},
    {"getMilliseconds", ".t:i", get_milliseconds},
    {"getMilliseconds", ".ts:i", get_milliseconds},
    {"getMilliseconds", ".D:i", get_milliseconds},
    {NULL, NULL, NULL},
};
