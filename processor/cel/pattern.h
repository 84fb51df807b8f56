/* SPDX-License-Identifier: Apache-2.0 */
/* The automaton of one pattern: states that pattern.c makes and runs, and scanner.c joins. Private to cel/. */
#ifndef CEL_PATTERN_H
#define CEL_PATTERN_H

#include "cel/machine.h"

enum { PATTERN_STATES_MAX = 2000 };

enum pattern_state_kind {
    STATE_MATCH,
    STATE_SPLIT,
    STATE_JUMP,
    STATE_CLASS,
    STATE_BEGIN,
    STATE_END,
    STATE_WORD,
    STATE_NOT_WORD
};

struct pattern_state {
    uint8_t kind;
    bool negated;
    uint16_t x, y; /* next states; a class: ranges x .. x + y - 1, next is the one behind */
};

struct pattern_range {
    uint32_t low, high;
};

struct cel_pattern {
    const struct pattern_state *states; /* begins at 0 */
    const struct pattern_range *ranges;
    uint32_t state_count, range_count;
};

/* Is the character one of the class? `state` is a STATE_CLASS of the pattern. */
static inline bool pattern_accepts(const struct cel_pattern *pattern,
                                   const struct pattern_state *state, uint32_t code)
{
    for (uint32_t i = 0; i < state->y; i++) {
        const struct pattern_range *range = &pattern->ranges[state->x + i];
        if (code >= range->low && code <= range->high) {
            return !state->negated;
        }
    }
    return state->negated;
}

#endif
