/* SPDX-License-Identifier: Apache-2.0 */
/* What an index consists of, and what of it is slower than it could be, for `segue check`. */
#include "rules/index_parts.h"

uint32_t rules_index_alone(const struct rules_index *index, struct slice *out_texts, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < index->tested_count; i++) {
        const struct tested *atom = &index->tested[i];
        const struct cel_leaf *leaf =
            atom->leaf == UINT32_MAX ? NULL : cel_program_leaf(atom->program, atom->leaf);
        if (leaf != NULL && leaf->pattern != NULL && atom->searched == UINT32_MAX) {
            if (count < max) {
                out_texts[count] = leaf->text;
            }
            count++;
        }
    }
    return count;
}

struct rules_index_size rules_index_size(const struct rules_index *index)
{
    struct rules_index_size size = {index->term_count, index->tabulated_count, index->tested_count,
                                    0};
    for (uint32_t i = 0; i < index->tested_count; i++) {
        size.patterns += index->tested[i].searched != UINT32_MAX;
    }
    return size;
}
