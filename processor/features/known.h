/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of a source's events behind the remembered ones (remembered.h): what such an event gave is forgotten, but
 * one that comes again is known. 17 bytes of a customer's state each, and in the record only those that are there.
 *
 *   event time  old ------------------------------------------------------------------> new
 *               | forgotten | known: id, time, flags | remembered: what each gave |
 *
 * A set in order of (time, id): when it is full the oldest goes, whatever came first. So it does not depend on the
 * order of arrival either. `place` 0 is the oldest. */
#ifndef FEATURES_KNOWN_H
#define FEATURES_KNOWN_H

#include "features/remembered.h"

/* Places in use. */
uint32_t known_count(const void *state, const struct source_plan *source);

/* Place of an event by the hash of its id; -1: it is not here. */
int32_t known_find(const void *state, const struct source_plan *source, uint64_t id);

/* INVARIANT: place < known_count, here and below. */
uint64_t known_id(const void *state, const struct source_plan *source, uint32_t place);
int64_t known_time_ms(const void *state, const struct source_plan *source, uint32_t place);
uint8_t known_flags(const void *state, const struct source_plan *source, uint32_t place);
void known_set_flags(void *state, const struct source_plan *source, uint32_t place, uint8_t flags);

/* Add an id that is not here (at that very time: nothing changes). Returns the time of the one that is no longer
 * known for it, which may be itself; INT64_MIN: none. */
int64_t known_put(void *state, const struct source_plan *source, uint64_t id, int64_t time_ms,
                  uint8_t flags);

void known_remove(void *state, const struct source_plan *source, uint32_t place);

/* Forget all that are older than `from_ms`. */
void known_forget_old(void *state, const struct source_plan *source, int64_t from_ms);

/* In the record they stand as samples (pack.c) of names that no feature's samples have: so a program from before
 * passes over them, and a roll back costs nothing but them. A name says the source and the flags of its ids; those
 * that were LATE or given under other conditions have ranges of names of their own. */
enum {
    KNOWN_NAME = 0x6b6e6f00, /* "kno" to "knr", source in 3 bits, the first flags in 5 */
    KNOWN_FIRST_FLAGS = 31,
    KNOWN_FLAGS = 127,
    KNOWN_RANGES = 4,
    KNOWN_SIZE = 17, /* bytes of the state for each */
};
_Static_assert(SOURCE_COUNT <= 8, "3 bits");
_Static_assert(KNOWN_FLAGS == (REMEMBERED_FLAGS | REMEMBERED_LATE), "5 bits and 2");
_Static_assert(KNOWN_FLAGS - KNOWN_FIRST_FLAGS == (REMEMBERED_BLANK | REMEMBERED_LATE), "a range");

static inline uint32_t known_name(uint32_t source, uint8_t flags)
{
    uint32_t range = flags >> 5;
    return (uint32_t)KNOWN_NAME + (range << 8) + (source << 5 | (flags & KNOWN_FIRST_FLAGS));
}

static inline bool known_is_name(uint32_t name)
{
    return (name >> 8) - ((uint32_t)KNOWN_NAME >> 8) < KNOWN_RANGES;
}

/* INVARIANT: known_is_name(name), here and below. */
static inline uint32_t known_source(uint32_t name)
{
    return name >> 5 & 7;
}

static inline uint8_t known_name_flags(uint32_t name)
{
    uint32_t range = (name >> 8) - ((uint32_t)KNOWN_NAME >> 8);
    return (uint8_t)(range << 5 | (name & KNOWN_FIRST_FLAGS));
}

#endif
