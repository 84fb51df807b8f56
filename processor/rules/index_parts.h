/* SPDX-License-Identifier: Apache-2.0 */
/* What an index is made of. Private to index.c, index_match.c and index_report.c. */
#ifndef RULES_INDEX_PARTS_H
#define RULES_INDEX_PARTS_H

#include "model/fields.h"
#include "rules/index.h"
#include "rules/terms.h"

enum {
    TERM_WORDS = RULES_TERMS_MAX / 64,
    TESTED_WORDS = RULES_ATOMS_MAX / 64,
};
_Static_assert((int)RULES_TERMS_MAX == (int)RULES_INDEX_TERMS, "a bit each in struct rules_found");

enum group_kind { BY_CODE, BY_NUMBER, BY_TEXT };

/* The atoms over one field. Row 0: the field is not there. Then by code, or by where the value stands among the
 * sorted keys (before the first, the first, between, the second, ..), or: another text, the first, .. */
struct group {
    const struct field *field;
    uint32_t index; /* of the field */
    enum group_kind kind;
    uint32_t key_count;
    const int64_t *numbers;
    const struct slice *texts;
    uint32_t row_count;
    const uint64_t *rows; /* a bit per term: its atoms over this field hold */
};

/* A text that patterns are searched in. */
struct searched {
    uint32_t slot;
    const struct cel_scanner *scanner;
    const uint16_t *atoms;      /* by pattern */
    uint64_t all[TESTED_WORDS]; /* a bit per atom */
    uint32_t pattern_count;
    /* As in a table: a row per pattern, a bit per term that must find it (the first such of the term), and a row of
     * all these terms behind them */
    const uint64_t *wanting;
};

struct term {
    uint16_t condition;
    uint16_t first, count; /* literals: 2 x number of a tested atom + what it must be */
    uint16_t later_count;  /* behind them, as in struct rules_term */
};

/* An atom that is asked when it is needed. */
struct tested {
    const struct cel_program *program;
    uint32_t leaf;     /* UINT32_MAX: the whole program */
    uint32_t searched; /* UINT32_MAX: evaluated by itself */
};

struct rules_index {
    const struct group *groups;
    const struct searched *searched;
    const struct tested *tested;
    const struct term *terms;
    const uint16_t *first_terms; /* by condition, and behind the last */
    const uint16_t *literals;
    const struct cel_program *const *programs; /* by condition */
    uint32_t group_count, searched_count, tested_count, term_count, tabulated_count;
    uint32_t words; /* of a row */
};

#endif
