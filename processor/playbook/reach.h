/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that cannot do what they say. Inside playbook/ only; reach.c tells how it knows. */
#ifndef PLAYBOOK_REACH_H
#define PLAYBOOK_REACH_H

#include "playbook/loader.h"

enum { REACH_PARTS_MAX = SEGMENT_CHARACTERISTICS_MAX + 1 };

/* One of the conditions that must all be as wanted. */
struct reach_part {
    const struct condition *condition; /* with its program */
    const struct yaml_node *node;      /* for the error */
    bool wanted;                       /* true: it must hold; false: it must not */
};

/* False: nothing satisfies them together; an error was added. */
bool reach_check(struct loader *loader, const struct cel_environment *environment,
                 const struct reach_part *parts, uint32_t count);

/* A warning when `exit` holds for somebody who has just come in. */
void reach_exit(struct loader *loader, const struct reach_part *parts, uint32_t count,
                const struct reach_part *exit);

/* An error for each text that a code is compared with and that is none of its values, and for each comparison whose
 * two sides are the same. */
void reach_leaves(struct loader *loader, const struct yaml_node *node,
                  const struct cel_program *program);

#endif
