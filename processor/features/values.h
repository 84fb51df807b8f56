/* SPDX-License-Identifier: Apache-2.0 */
/* What reading values and reckoning deadlines share: the moment, as the customer's calendar sees it. */
#ifndef FEATURES_VALUES_H
#define FEATURES_VALUES_H

#include "features/plan.h"

struct moment {
    int64_t now_ms;
    int32_t today;  /* local day of now */
    int32_t latest; /* the customer's latest day; TILE_NONE */
    int32_t zone;
    const struct zones *zones;
    const struct scope *scope;
};

struct moment moment_of(const struct features_plan *plan, const void *state, const struct scope *scope);

/* The last tile inside a window. `anchor` is enum feature_anchor; TILE_NONE: nothing has come yet. */
int32_t moment_end(const struct moment *moment, uint32_t tile_ms, uint8_t anchor);

/* ABSENCE: when it becomes, or became, true; INT64_MAX: it is and stays false without an event. */
int64_t absence_due_ms(const struct features_plan *plan, const void *state, uint32_t index);

#endif
