/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones as plain tables (TZif, RFC 8536), read once at start from the system's zoneinfo.
 *
 * libc's localtime_r reads one global zone; customers live in several and the engine may not touch
 * globals, so we keep the transitions ourselves. Zone 0 is UTC, the others are numbered by their names.
 * A number is good in this process only: another tzdata has other names, so what is kept or sent says the name. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/slice.h"
#include "base/status.h"

enum {
    ZONES_MAX = 1024, /* the tz database has about 600 names */
    ZONE_NAME_SIZE = 40,
    ZONE_TRANSITIONS_MAX = 400, /* after 1970 and to 2100: Europe has 261 */
};

struct zones; /* immutable after zones_load, shared by all threads */

/* Read every zone under the system's zoneinfo folder ($TZDIR, else /usr/share/zoneinfo).
 * STATUS_INVALID when it is not there: install tzdata; or when it holds more than fits, or a zone or folder
 * that cannot be read whole (`out_text` names it): a zone that is left out would move its customers to another, so
 * none is. Links to nothing and files that are no TZif are passed over. The result is static. */
enum status zones_load(const struct zones **out_zones, struct status_text *out_text);

/* The number of an IANA name ("Europe/London"); -1 when unknown. */
int32_t zones_find(const struct zones *zones, struct slice name);
const char *zones_name(const struct zones *zones, int32_t zone);

/* Offset from UTC, in milliseconds, at that moment. `zone` out of range counts as UTC. */
int64_t zones_offset_ms(const struct zones *zones, int32_t zone, int64_t time_ms);

/* The local calendar day (days since 1970-01-01) at that moment. */
int32_t zones_local_day(const struct zones *zones, int32_t zone, int64_t time_ms);

/* The first moment of that local day: where midnight does not exist (a spring change at 00:00), the
 * first moment that does. */
int64_t zones_day_start_ms(const struct zones *zones, int32_t zone, int32_t local_day);

/* The first moment whose local time is `local_ms` (milliseconds since local 1970-01-01T00:00) or later. */
int64_t zones_from_local_ms(const struct zones *zones, int32_t zone, int64_t local_ms);

#endif
