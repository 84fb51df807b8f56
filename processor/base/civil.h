/* SPDX-License-Identifier: Apache-2.0 */
/* Days and calendar dates, proleptic Gregorian (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"). A day is the count of days since 1970-01-01. */
#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE INT64_C(60000)
#define MS_PER_HOUR   INT64_C(3600000)
#define MS_PER_DAY    INT64_C(86400000)

enum { CIVIL_DAY_MIN = -719162 /* 0001-01-01 */, CIVIL_DAY_MAX = 2932896 /* 9999-12-31 */ };

struct civil_date {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
};

/* Good for every date whose day fits, and for every day: years -5877641 to 5881580. */
int32_t civil_day(struct civil_date date);
struct civil_date civil_date(int32_t day);

/* 0 Sunday .. 6 Saturday. */
int32_t civil_weekday(int32_t day);

/* Floor division, for times before 1970 too. */
static inline int64_t civil_floor(int64_t value, int64_t unit)
{
    int64_t quotient = value / unit;
    return quotient - (value % unit < 0);
}

/* "2026-11-25" -> day. False when it is not a real date. */
bool civil_parse_date(struct slice text, int32_t *out_day);

/* RFC 3339: "2026-11-25T10:00:00[.123](Z|+01:00)" -> milliseconds since the epoch, UTC. */
bool civil_parse_time(struct slice text, int64_t *out_ms);

enum { CIVIL_TEXT_SIZE = 40 };

/* "2026-11-25T10:00:00.123Z" into `out`, NUL-terminated; the milliseconds only when not 0. */
void civil_format_time(int64_t time_ms, char out[CIVIL_TEXT_SIZE]);
void civil_format_date(int32_t day, char out[CIVIL_TEXT_SIZE]);

#endif
