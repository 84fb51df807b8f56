/* SPDX-License-Identifier: Apache-2.0 */
/* A single leaf of a condition, and its names as plain numbers, without the machine where that can be. Private to
 * rules/. */
#ifndef RULES_LEAF_H
#define RULES_LEAF_H

#include "rules/rules.h"

/* Are they the same question? */
bool rules_leaf_same(const struct cel_leaf *a, const struct cel_leaf *b);

/* As rules_holds says of a program. `scratch` is used and not reset. */
enum rules_truth rules_leaf_holds(const struct cel_program *program, uint32_t leaf,
                                  const struct scope *scope, struct arena *scratch);

/* cel_read_whole; `context` is a `const struct scope *`. Features, the event, the clock, and what is worked out
 * from the profile; other names are read by the machine. */
enum cel_found rules_read_whole(const void *context, uint32_t slot, int64_t *out_value);

/* The same of the event's fields. */
enum cel_found rules_event_whole(const struct scope *scope, uint32_t index, int64_t *out_value);

#endif
