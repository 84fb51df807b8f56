/* SPDX-License-Identifier: Apache-2.0 */
/* Which leaves of a condition keep it from being what somebody wants it to be.
 *
 * Of `a && !b` that ought to hold, a is in the way while it does not hold, and b while it does; of `a || b`
 * that ought to hold and does not, both are: either would do. Nothing is in the way of a condition that is as
 * it ought to be. */
#ifndef RULES_BLAME_H
#define RULES_BLAME_H

#include "rules/rules.h"

enum blame {
    BLAME_NONE,
    BLAME_OUGHT_TO_HOLD, /* and does not, or nobody knows */
    BLAME_OUGHT_NOT_TO   /* and does, or nobody knows */
};

/* `truths`: of each leaf of `program`, as cel_evaluate_leaf says. Fills `out_blames` (enum blame), one for each
 * leaf. To be asked of a whole that is not as it ought to be. Where the whole is more than && || ! over its
 * leaves (?:), every leaf that is not as the whole ought to be is blamed. */
void blame_leaves(const struct cel_program *program, const enum rules_truth *truths, bool ought,
                  uint8_t *out_blames);

#endif
