/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates and values written in C where the program has compiled CEL: a stage's tests need no compiler, and
 * a mistake there is not mistaken for one here. Link rules_double.c before the rules library. */
#ifndef SUPPORT_RULES_DOUBLE_H
#define SUPPORT_RULES_DOUBLE_H

#include "rules/rules.h"

struct cel_program {
    bool (*holds)(const struct event *event);
    int64_t (*value)(const struct event *event);
};

#endif
