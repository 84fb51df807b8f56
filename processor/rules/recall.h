/* SPDX-License-Identifier: Apache-2.0 */
/* What the last evaluation of a customer found, so that the next one looks only at definitions of which
 * something changed. It is no state: forget it, and the next evaluation looks at everything and says the same.
 *
 *   bits | what conditions said, and behind each the leaves that decided | settled life events | settled segments |
 *
 * A condition and each leaf of it that is kept have a place of 2 bits: 0 not known, else 1 + enum rules_truth. What
 * leaves said means something while it is known what their condition said.
 *
 * A definition is *settled* when another evaluation with the same inputs would change nothing: its last one
 * changed nothing and read neither the event nor the clock. Each input (a feature, a field of a series, `life`,
 * `seg`, the day) has a row as wide as `bits`: the leaves and conditions that read it, and those definitions that
 * read it without a condition or read names. When the input changes, its row is cleared; other definitions are
 * unsettled when a leaf is asked again, has turned, and its condition with it (ask_again in engine/recall.c). */
#ifndef RULES_RECALL_H
#define RULES_RECALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One stage's part of it. The arrays are in the customer's block; bit and entry i are of its definition i. */
struct recall {
    uint64_t *bits; /* all stages' */
    /* By place: that of the same leaf before it, which is asked first; 0: none. While something is known there,
     * it is known here too */
    const uint16_t *twins;
    uint32_t width; /* words of `bits` and of a row */
    uint64_t *settled;
    uint64_t *in;        /* a member; a confirmed life event */
    uint64_t *open;      /* a suspected or confirmed life event */
    int64_t *next_ms;    /* when the definition must be looked at with no event */
    int64_t *least_ms;   /* the least of them */
    int64_t *clock_ms;   /* when what was said of the clock is no longer good, at the earliest */
    const uint64_t *row; /* of those that read this stage's names */
    uint64_t *looked;    /* out: looked at now; for the call */
};

static inline void recall_clear(uint64_t *bits, const uint64_t *row, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++) {
        bits[i] &= ~row[i];
    }
}

static inline bool recall_has(const uint64_t *bits, uint32_t index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

static inline void recall_put(uint64_t *bits, uint32_t index, bool on)
{
    uint64_t bit = UINT64_C(1) << index % 64;
    bits[index / 64] = on ? bits[index / 64] | bit : bits[index / 64] & ~bit;
}

/* What stands at that place of what conditions and leaves have said; 0: nothing is known. */
static inline uint64_t recall_said(const uint64_t *bits, uint32_t place)
{
    return bits[place / 32] >> place % 32 * 2 & 3;
}

static inline void recall_say(uint64_t *bits, uint32_t place, uint64_t said)
{
    uint32_t shift = place % 32 * 2;
    bits[place / 32] = (bits[place / 32] & ~(UINT64_C(3) << shift)) | said << shift;
}

/* Unsettle the definitions whose moment has come. */
static inline void recall_wake(const struct recall *recall, uint32_t count, int64_t now_ms)
{
    for (uint32_t i = 0; *recall->least_ms <= now_ms && i < count; i++) {
        if (recall->next_ms[i] <= now_ms) {
            recall_put(recall->settled, i, false);
        }
    }
}

static inline int64_t recall_least(const struct recall *recall, uint32_t count)
{
    int64_t least_ms = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        least_ms = recall->next_ms[i] < least_ms ? recall->next_ms[i] : least_ms;
    }
    return least_ms;
}

/* The first bit at or behind `from` that is `on`; `count`: none. */
static inline uint32_t recall_find(const uint64_t *bits, bool on, uint32_t from, uint32_t count)
{
    while (from < count) {
        uint64_t rest = (on ? bits[from / 64] : ~bits[from / 64]) >> from % 64;
        if (rest != 0) {
            from += (uint32_t)__builtin_ctzll(rest);
            return from < count ? from : count;
        }
        from = (from / 64 + 1) * 64;
    }
    return count;
}

/* The next definition to look at: one that is not settled, or simply the next when nothing is recalled. */
static inline uint32_t recall_next(const struct recall *recall, uint32_t from, uint32_t count)
{
    return recall == NULL || from >= count ? from
                                           : recall_find(recall->settled, false, from, count);
}

#endif
