/* SPDX-License-Identifier: Apache-2.0 */
/* The newest events of a source, remembered as what they gave: so that one that comes again counts once, a
 * POSTED takes the place of its PENDING, and a REVERSED takes back exactly.
 *
 * What is remembered is a set, not a history: the `capacity` newest by event time, none older than
 * allowed_lateness before the newest. Of those that fall out of it for newer ones the ids stay known (known.h):
 * blank entries, in slots from `capacity` on. Both do not depend on the order of arrival, and packing them at any
 * moment changes nothing. Events are known by a 64-bit hash of their event_id: with 256 known, two different
 * ones are mistaken for each other once in 10^16 events. */
#ifndef FEATURES_REMEMBERED_H
#define FEATURES_REMEMBERED_H

#include "features/plan.h"

enum remembered_flags {
    REMEMBERED_POSTED = 1,
    REMEMBERED_PENDING = 2,  /* its PENDING stands, or was replaced */
    REMEMBERED_REVERSED = 4, /* taken back: `facts` no longer count */
    REMEMBERED_OWN = 8, /* a REVERSED whose event was not known: its own fields were subtracted */
    REMEMBERED_REPLACED = 16, /* a PENDING whose POSTED came under another id */
    REMEMBERED_BLANK = 32,    /* given under other conditions: nobody knows to which features */
    REMEMBERED_FLAGS = 63,    /* those of an entry */
    REMEMBERED_LATE = 64, /* it was LATE: of an entry its class says so, of an id alone this flag */
    REMEMBERED_ID = 128,  /* the id alone is known; never stored, the slot says it */
};

struct remembered_entry {
    uint64_t matched;
    uint32_t present;
    int32_t day;
    uint8_t class; /* enum feed_class it was applied as */
    uint8_t flags; /* enum remembered_flags */
    uint16_t reserved;
    uint32_t reserved_too;
    int64_t values[]; /* plan_kept_values() of the source */
};

struct remembered_head {
    int64_t newest_ms;    /* latest event time seen; INT64_MIN */
    int64_t forgotten_ms; /* latest time of an event whose id is no longer known; INT64_MIN */
    uint32_t count;
    uint32_t known_count;
};

void remembered_init(const struct features_plan *plan, void *state);

/* Slot of an event by the hash of its id; -1 when it is not known (any more). */
int32_t remembered_find(const struct features_plan *plan, const void *state,
                        const struct source_plan *source, uint64_t id);

/* One of that time that is not found may have come all the same: it is within allowed_lateness, but no newer than
 * one whose id had to go. */
bool remembered_is_unsure(const struct features_plan *plan, const void *state,
                          const struct source_plan *source, int64_t time_ms);

/* Of any slot that was found; LATE and ID too. */
uint8_t remembered_flags(const struct features_plan *plan, const void *state,
                         const struct source_plan *source, int32_t slot);
void remembered_add_flag(const struct features_plan *plan, void *state,
                         const struct source_plan *source, int32_t slot, uint8_t flag);
int64_t remembered_time_ms(const struct features_plan *plan, const void *state,
                           const struct source_plan *source, int32_t slot);

/* Of a slot below `capacity`: what it gave, without texts. */
const struct remembered_entry *remembered_entry(const void *state, const struct source_plan *source,
                                                int32_t slot);
uint64_t remembered_id(const void *state, const struct source_plan *source, int32_t slot);
struct facts remembered_facts(const struct features_plan *plan, void *state,
                              const struct source_plan *source, int32_t slot);

/* Remember an event, replacing what was known under that id. What older ones gave may be forgotten for it, and the
 * id of the oldest. False when it is older than what is remembered: then what it gave is forgotten itself
 * (tiles_forget, once it was given). */
bool remembered_put(const struct features_plan *plan, void *state, const struct source_plan *source,
                    uint64_t id, const struct facts *facts, uint8_t flags);

/* Know an id, and of what it gave only whether it was LATE, and under which conditions (BLANK: others); the oldest
 * known may have to go. */
void remembered_know(void *state, const struct source_plan *source, uint64_t id, int64_t time_ms,
                     uint8_t flags);

/* When one is taken back (its entry flagged already), from those that still count: */

/* The extreme of the cell in the tile of `facts`, if it is beyond `value`. */
void remembered_extreme(const struct features_plan *plan, void *state, const struct cell *cell,
                        const struct facts *facts, int64_t *value);

/* The event that feeds `feed` next before `than_ms`, or with `newer` next after it. */
bool remembered_next(const struct features_plan *plan, void *state, const struct feed *feed,
                     int64_t than_ms, bool newer, int64_t *out_time_ms, int64_t *out_value);

/* The newest tile in which the value came. When none of those that count brought it, the oldest tile of which
 * anything is remembered: all that is forgotten is older. */
int32_t remembered_tile(const struct features_plan *plan, void *state, const struct feed *feed,
                        uint32_t tile_ms, int64_t value);

#endif
