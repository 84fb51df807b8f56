/* SPDX-License-Identifier: Apache-2.0 */
/* Which leaves of the rules a playbook's tests have seen both true and false. A leaf is one comparison (or one
 * other part that `&&` and `||` join) of a condition: `f.a >= 2 && "x" in life` has two. */
#ifndef COMMANDS_COVERAGE_H
#define COMMANDS_COVERAGE_H

#include <stdio.h>

#include "model/output.h"
#include "playbook/playbook.h"

enum { COVERAGE_LEAVES_MAX = 8192, COVERAGE_ARENA_SIZE = 4 << 20 };

struct coverage_leaf {
    enum playbook_kind kind;
    struct slice definition; /* borrowed from the playbook */
    struct slice id, expr;
    bool yes, no; /* seen true, seen false */
};

struct coverage {
    struct coverage_leaf *leaves; /* COVERAGE_LEAVES_MAX of room */
    uint32_t count;
    struct arena texts;
};

/* Takes the memory; once per process. */
void coverage_open(struct coverage *coverage);

/* The leaves of a definition, as an explanation or an output has them: `seen`: with what they said; otherwise
 * they only count, as not seen yet. A leaf beyond COVERAGE_LEAVES_MAX is not counted. */
void coverage_leaves(struct coverage *coverage, enum playbook_kind kind, struct slice definition,
                     const struct proof_leaf *leaves, uint32_t count, bool seen);

/* Count the leaves of a condition, which no explanation shows as long as it does not matter (an exit, for who
 * is out). */
void coverage_condition(struct coverage *coverage, enum playbook_kind kind, struct slice definition,
                        const struct condition *condition);

/* Leaves that were seen one way only (when `all`), then how many were seen both ways; nothing when there is no
 * leaf. */
void coverage_print(const struct coverage *coverage, bool all, FILE *out);

/* Whole percent seen both ways, rounded down; 100 when there is no leaf. */
uint32_t coverage_percent(const struct coverage *coverage);

#endif
