/* SPDX-License-Identifier: Apache-2.0 */
/* The leaves of a condition's tree. Private to cel/. */
#ifndef CEL_LEAVES_H
#define CEL_LEAVES_H

#include "cel/machine.h"

struct cel_leaf_list {
    struct cel_node *nodes[CEL_LEAVES_MAX];
    uint32_t count;
    struct cel_logic logic[3 * CEL_LEAVES_MAX];
    uint32_t logic_count; /* 0: the whole is more than && || ! over these leaves */
    bool is_logic;
};

/* After the tree was emitted: what is constant is a literal by then. */
void cel_leaves_gather(struct cel_node *root, struct cel_leaf_list *out_list);

/* All of a leaf but `constant_left` and `pattern`, which are known when its code is. False: the arena is full. */
bool cel_leaf_describe(const struct cel_compilation *compilation, const struct cel_node *node,
                       struct cel_leaf *out_leaf);

#endif
