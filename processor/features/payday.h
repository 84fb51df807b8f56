/* SPDX-License-Identifier: Apache-2.0 */
/* The habit of a monthly payday, found from the days on which it paid. Days are numbers (base/civil.h), local to
 * the customer. A habit is one of two, in one byte:
 *   a date     1..31, 31 the last day; of a free day (Saturday, Sunday) it comes on the working day before
 *              or after, or it does not move. Date 31 with `before` is the last working day.
 *   a weekday  the first to fourth, or the last, Monday .. of the month
 * Bank holidays are known to no calendar here. */
#ifndef FEATURES_PAYDAY_H
#define FEATURES_PAYDAY_H

#include <stdbool.h>
#include <stdint.h>

enum { PAYDAY_DAYS_MAX = 4 }; /* days that a habit is found among; more are not looked at */

/* The habit that explains most of the days (newest first, at least one); the simplest among equals: a date that
 * does not move (the newest day's first), a date that free days move, a weekday. One early payday (December)
 * is outvoted. */
uint8_t payday_habit(const int32_t *days, uint32_t count);

/* On how many of the days would this habit (`anchor`) have paid? */
uint32_t payday_fits(const int32_t *days, uint32_t count, int32_t anchor);

/* The habit's day `count` months after the one that the payment on `last_day` stands for. */
int32_t payday_after(int32_t last_day, int32_t anchor, int32_t count);

#endif
