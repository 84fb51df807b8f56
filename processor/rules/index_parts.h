/* SPDX-License-Identifier: Apache-2.0 */
/* What an index is made of. Private to index.c and index_report.c. */
#ifndef RULES_INDEX_PARTS_H
#define RULES_INDEX_PARTS_H

#include "rules/index.h"

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
    const uint16_t *literals;
    uint32_t group_count, searched_count, tested_count, term_count, tabulated_count;
    uint32_t words; /* of a row */
};

#endif
