/* SPDX-License-Identifier: Apache-2.0 */
/* The worst cost of a tree, bounded before it runs. */
#include "cel/machine.h"

int cel_relation_of(struct slice name)
{
    static const char *const names[] = {"_<_", "_<=_", "_>_", "_>=_", "_==_", "_!=_"};
    for (int i = 0; i < (int)ARRAY_COUNT(names); i++) {
        if (slice_is(name, names[i])) {
            return i;
        }
    }
    return -1;
}

/* ---- cost: one step an instruction; a loop multiplies by the longest list it may meet ---- */

static uint64_t add_cost(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX / 4 || b > UINT64_MAX / 4 ? UINT64_MAX / 4 : a + b;
}

static uint64_t multiply_cost(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) || product > UINT64_MAX / 4 ? UINT64_MAX / 4
                                                                              : product;
}

static uint64_t range_count(const struct cel_environment *environment, const struct cel_node *range)
{
    if (range->kind == NODE_LOCAL && range->bound != NULL) {
        return range_count(environment, range->bound);
    }
    if (range->kind == NODE_LOOP) {
        return range_count(environment, range->target);
    }
    if (range->kind == NODE_LIST || range->kind == NODE_MAP) {
        return range->count;
    }
    if (range->kind == NODE_LITERAL &&
        (range->value.kind == CEL_LIST || range->value.kind == CEL_MAP)) {
        return range->value.list.count;
    }
    uint32_t bound = environment->list_size_max;
    return bound == 0 ? 1024 : bound;
}

uint64_t cel_cost(const struct cel_environment *environment, const struct cel_node *node)
{
    if (node->kind == NODE_LITERAL) {
        return 1;
    }
    uint64_t own = node->kind == NODE_CALL && cel_relation_of(node->name) < 0 ? 3 : 1;
    uint64_t items = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        items = add_cost(items, node->items[i] == NULL ? 0 : cel_cost(environment, node->items[i]));
    }
    if (node->kind == NODE_CALL &&
        (slice_is(node->name, "@in") || slice_is(node->name, "matches"))) {
        own = slice_is(node->name, "@in") ? 2 + range_count(environment, node->items[1]) / 8 : 200;
    }
    if (node->kind == NODE_LOOP) {
        items = multiply_cost(add_cost(items, 2), range_count(environment, node->target));
    }
    uint64_t target = node->target == NULL ? 0 : cel_cost(environment, node->target);
    return add_cost(add_cost(own, items), target);
}
