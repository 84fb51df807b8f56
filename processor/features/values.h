/* SPDX-License-Identifier: Apache-2.0 */
/* What reading values and reckoning deadlines share: the moment, as the customer's calendar sees it. */
#ifndef FEATURES_VALUES_H
#define FEATURES_VALUES_H

#include "features/plan.h"

/* The last tile inside a window. `anchor` is enum feature_anchor; TILE_NONE: nothing has come yet. */
int32_t moment_end(const struct features_moment *moment, uint32_t tile_ms, uint8_t anchor);

/* ABSENCE: when it becomes, or became, true; INT64_MAX: it is and stays false without an event. */
int64_t absence_due_ms(const struct features_plan *plan, const void *state, uint32_t index);

/* The earliest change found so far: the start of a local day, or a moment; INT64_MAX each: none. Days are
 * turned into moments once, at the end. */
struct due {
    int64_t day;
    int64_t at_ms;
};

/* What one feature adds to it, its operands aside. */
void due_feature(const struct features_plan *plan, const void *state, uint32_t index,
                 const struct features_moment *moment, struct due *due);
/* The moment, at least now + 1. */
int64_t due_settle(const struct due *due, const struct features_moment *moment);

/* How many operands a kind reads. */
uint32_t values_operand_count(enum feature_kind kind);

#endif
