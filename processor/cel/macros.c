/* SPDX-License-Identifier: Apache-2.0 */
/* Macros: calls whose arguments are not values but pieces of program. Each becomes a node of its
 * own kind (a loop, a binding) rather than the spec's general fold: that is what the emitter wants.
 */
#include <stdio.h>

#include "cel/ast.h"

static struct cel_node *fail(struct cel_compilation *c, const struct cel_node *at, const char *what)
{
    cel_report(c, at->start, at->end, NULL, "%s", what);
    return NULL;
}

static bool variable(struct cel_compilation *c, const struct cel_node *node, struct slice *out)
{
    if (node->kind != NODE_NAME || node->rooted) {
        (void)fail(c, node, "a macro's variable is a plain name");
        return false;
    }
    *out = node->name;
    return true;
}

static struct cel_node *make(struct cel_compilation *c, const struct cel_node *call,
                             enum cel_node_kind kind, struct cel_node *target, uint32_t count)
{
    struct cel_node *node = cel_node_make(c, kind, call->start);
    if (node == NULL) {
        return NULL;
    }
    node->items = arena_take(c->arena, (count + 1) * sizeof(*node->items));
    if (node->items == NULL) {
        return fail(c, call, "out of memory for the expression");
    }
    node->target = target;
    node->count = count;
    node->name = call->name;
    node->name_start = call->name_start;
    node->name_end = call->name_end;
    return node;
}

static struct cel_node *expand_has(struct cel_compilation *c, struct cel_node *call)
{
    struct cel_node *argument = call->items[0];
    if (argument->kind != NODE_SELECT || argument->optional || argument->test) {
        return fail(c, argument, "has() asks about a field: has(c.risk_profile)");
    }
    argument->test = true;
    argument->start = call->start; /* a leaf is shown as it was written */
    return argument;
}

struct loop_macro {
    const char *name;
    enum cel_loop loop;
    uint32_t variables;
    uint32_t count; /* arguments in all */
    bool filter;    /* the first expression is a condition */
};

static const struct loop_macro loop_macros[] = {
    {"all", LOOP_ALL, 1, 2, true},
    {"all", LOOP_ALL, 2, 3, true},
    {"exists", LOOP_EXISTS, 1, 2, true},
    {"exists", LOOP_EXISTS, 2, 3, true},
    {"exists_one", LOOP_ONE, 1, 2, true},
    {"exists_one", LOOP_ONE, 2, 3, true},
    {"existsOne", LOOP_ONE, 1, 2, true},
    {"existsOne", LOOP_ONE, 2, 3, true},
    {"filter", LOOP_LIST, 1, 2, true},
    {"map", LOOP_LIST, 1, 2, false},
    {"map", LOOP_LIST, 1, 3, true},
    {"transformList", LOOP_LIST, 2, 3, false},
    {"transformList", LOOP_LIST, 2, 4, true},
    {"transformMap", LOOP_MAP, 2, 3, false},
    {"transformMap", LOOP_MAP, 2, 4, true},
    {"transformMapEntry", LOOP_ENTRY, 2, 3, false},
    {"transformMapEntry", LOOP_ENTRY, 2, 4, true},
};

/* items[0]: condition or NULL; items[1]: what an element becomes, or NULL. count covers what is
 * there. */
static struct cel_node *expand_loop(struct cel_compilation *c, struct cel_node *call,
                                    const struct loop_macro *macro)
{
    struct cel_node *node = make(c, call, NODE_LOOP, call->target, 2);
    if (node == NULL) {
        return NULL;
    }
    node->loop = macro->loop;
    node->variable_count = macro->variables;
    for (uint32_t i = 0; i < macro->variables; i++) {
        if (!variable(c, call->items[i], &node->variables[i])) {
            return NULL;
        }
    }
    if (macro->variables == 2 && slice_equal(node->variables[0], node->variables[1])) {
        return fail(c, call->items[1], "the two variables of a macro need two names");
    }
    uint32_t at = macro->variables;
    node->items[0] = macro->filter ? call->items[at++] : NULL;
    node->items[1] = at < macro->count ? call->items[at] : NULL;
    return node;
}

static struct cel_node *expand_method(struct cel_compilation *c, struct cel_node *call)
{
    for (size_t i = 0; i < ARRAY_COUNT(loop_macros); i++) {
        if (call->count == loop_macros[i].count && slice_is(call->name, loop_macros[i].name)) {
            return expand_loop(c, call, &loop_macros[i]);
        }
    }
    bool map = slice_is(call->name, "optMap"), flat = slice_is(call->name, "optFlatMap");
    if (call->count != 2 || (!map && !flat)) {
        return call;
    }
    struct cel_node *node = make(c, call, NODE_OPTIONAL_MAP, call->target, 1);
    if (node == NULL || !variable(c, call->items[0], &node->variables[0])) {
        return NULL;
    }
    node->variable_count = 1;
    node->optional = flat;
    node->items[0] = call->items[1];
    return node;
}

/* cel.index(N), cel.iterVar(N, M), cel.accuVar(N, M): names that no text can spell. */
static struct cel_node *expand_name(struct cel_compilation *c, struct cel_node *call,
                                    const char *prefix)
{
    char name[64];
    int size = snprintf(name, sizeof(name), "%s", prefix);
    for (uint32_t i = 0; i < call->count; i++) {
        if (call->items[i]->kind != NODE_LITERAL || call->items[i]->value.kind != CEL_INT) {
            return fail(c, call->items[i], "a whole number expected");
        }
        size += snprintf(name + size, sizeof(name) - (size_t)size, ":%lld",
                         (long long)call->items[i]->value.i);
    }
    struct cel_node *node = cel_node_make(c, NODE_NAME, call->start);
    if (node != NULL) {
        node->name = arena_copy(c->arena, slice_text(name));
        node->name_end = call->name_end;
    }
    return node;
}

static struct cel_node *expand_block(struct cel_compilation *c, struct cel_node *call)
{
    struct cel_node *list = call->items[0];
    if (list->kind != NODE_LIST) {
        return fail(c, list, "cel.block takes a list of values");
    }
    struct cel_node *node = make(c, call, NODE_BLOCK, NULL, list->count + 1);
    if (node != NULL) {
        memcpy(node->items, list->items, list->count * sizeof(*list->items));
        node->items[list->count] = call->items[1];
    }
    return node;
}

static struct cel_node *expand_cel(struct cel_compilation *c, struct cel_node *call)
{
    if (call->count == 3 && slice_is(call->name, "bind")) {
        struct cel_node *node = make(c, call, NODE_BIND, call->items[1], 1);
        if (node == NULL || !variable(c, call->items[0], &node->variables[0])) {
            return NULL;
        }
        node->variable_count = 1;
        node->items[0] = call->items[2];
        return node;
    }
    if (call->count == 2 && slice_is(call->name, "block")) {
        return expand_block(c, call);
    }
    if (call->count == 1 && slice_is(call->name, "index")) {
        return expand_name(c, call, "@index");
    }
    if (call->count == 2 && slice_is(call->name, "iterVar")) {
        return expand_name(c, call, "@it");
    }
    return call->count == 2 && slice_is(call->name, "accuVar") ? expand_name(c, call, "@ac") : call;
}

struct cel_node *cel_expand(struct cel_compilation *c, struct cel_node *call)
{
    if (c->environment->no_macros) {
        return call;
    }
    if (call->target == NULL) {
        return call->count == 1 && slice_is(call->name, "has") ? expand_has(c, call) : call;
    }
    if (call->target->kind == NODE_NAME && slice_is(call->target->name, "cel")) {
        return expand_cel(c, call);
    }
    return expand_method(c, call);
}
