/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a rule with what they are now, for explained.c: all of them, or those that are in the way. */
#ifndef COMMANDS_EXPLAINED_LEAVES_H
#define COMMANDS_EXPLAINED_LEAVES_H

#include <stdio.h>

#include "engine/explain.h"

/* One line each; one that is in two lists is said once:
 *   + when.4   f.salary.amount % 500 == 0   5 against 0   no, which speaks for it
 * The last words stand where `!` makes a "no" a point for the rule, or a "yes" one against it. Durations are as a
 * playbook writes them, 90d. */
void explained_leaves(const struct explanation *explanation, FILE *out);

/* Of those only what ought to be otherwise. */
void explained_leaves_in_the_way(const struct explanation *explanation, FILE *out);

/* An object. */
void explained_json_leaf(const struct proof_leaf *leaf, FILE *out);

#endif
