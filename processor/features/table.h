/* SPDX-License-Identifier: Apache-2.0 */
/* Different values and the tile in which each was last seen: `distinct` over days, minutes or all. Exact up to
 * the part's capacity; beyond it the value seen longest ago makes room, so the count is then a lower bound. */
#ifndef FEATURES_TABLE_H
#define FEATURES_TABLE_H

#include "features/plan.h"

struct table_entry {
    uint64_t hash; /* of the text, or the number itself */
    int32_t tile;  /* newest tile it was seen in */
    uint32_t uses; /* events that brought it and were not taken back */
};

struct table_head {
    uint32_t count;
    uint32_t reserved;
    struct table_entry entries[]; /* by hash, rising */
};

void table_init(const struct features_plan *plan, void *state);

/* Taking back removes a value that nothing else brought. One that other events brought goes back to the newest
 * tile in which a remembered one did; when only forgotten ones did, to the oldest tile that is remembered, which is
 * at or after the true one. */
void table_apply(const struct features_plan *plan, void *state, const struct source_plan *source,
                 const struct facts *facts, int32_t sign);

static inline const struct table_head *table_head(const struct table_plan *part, const void *state)
{
    return state_at_const(state, part->offset);
}

/* How many values were seen in tile `first` or later. One seen a little ahead of the moment counts at once: only
 * its newest tile is known, and it may have been seen before. */
uint32_t table_count(const struct table_plan *part, const void *state, int64_t first);

/* Add or refresh a value with `uses` uses. */
void table_put(const struct table_plan *part, void *state, uint64_t hash, int32_t tile,
               uint32_t uses);

#endif
