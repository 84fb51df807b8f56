/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions taken apart: one holds when a term of it does, a term when all its atoms are what it wants. For
 * rules/index.c, which asks many conditions at once. */
#ifndef RULES_TERMS_H
#define RULES_TERMS_H

#include "rules/rules.h"

enum {
    RULES_TERMS_MAX = 1024,
    RULES_ATOMS_MAX = 512,
    RULES_TERM_SIZE_MAX = 16, /* atoms of one, and leaves that are asked later */
    RULES_TERM_WHOLE = UINT16_MAX,
};

/* A leaf that several conditions may share, or a whole condition that cannot be taken apart. */
struct rules_atom {
    const struct cel_program *program;
    uint32_t leaf;  /* UINT32_MAX: the whole */
    bool tabulated; /* for the index */
};

struct rules_term {
    uint16_t condition;
    uint16_t count;
    uint16_t literals[RULES_TERM_SIZE_MAX]; /* 2 x atom + 1: it must be true; + 0: false */
    /* What it asks of features, life events and segments, of which nothing is known when the event comes, and what
     * had better wait (rules_terms_add): likewise by leaf of its condition's program, or RULES_TERM_WHOLE: all of
     * the program must hold */
    uint16_t later[RULES_TERM_SIZE_MAX];
    uint16_t later_count;
};

/* Zeroed: nothing. */
struct rules_terms {
    struct rules_atom atoms[RULES_ATOMS_MAX];
    struct rules_term terms[RULES_TERMS_MAX];
    uint32_t atom_count, term_count;
};

/* Take apart what `program` (NULL: always holds) asks of an event of `source`. `waits`: leaves that no table of the
 * event's values decides, over the profile alone and over two names or more, are asked later; else they are atoms.
 * `scratch` is left as it was. False: a limit. */
bool rules_terms_add(struct rules_terms *terms, enum source source,
                     const struct cel_program *program, uint32_t condition, bool waits,
                     struct arena *scratch);

#endif
