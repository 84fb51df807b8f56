/* SPDX-License-Identifier: Apache-2.0 */
/* The boolean leaves of a condition, how they make the whole, and what each reads. */
#include "cel/leaves.h"

static void add_logic(struct cel_leaf_list *list, enum cel_logic_op op, uint32_t leaf)
{
    list->is_logic = list->is_logic && list->logic_count < ARRAY_COUNT(list->logic);
    if (list->is_logic) {
        list->logic[list->logic_count++] = (struct cel_logic){(uint8_t)op, (uint8_t)leaf};
    }
}

static void gather(struct cel_node *node, struct cel_leaf_list *list)
{
    bool negation = node->kind == NODE_CALL && node->count == 1 && slice_is(node->name, "!_");
    if (node->kind == NODE_AND || node->kind == NODE_OR || node->kind == NODE_TERNARY || negation) {
        for (uint32_t i = 0; i < node->count; i++) {
            gather(node->items[i], list);
        }
        list->is_logic = list->is_logic && node->kind != NODE_TERNARY;
        add_logic(list,
                  negation                 ? CEL_LOGIC_NOT
                  : node->kind == NODE_AND ? CEL_LOGIC_AND
                                           : CEL_LOGIC_OR,
                  0);
    } else if (list->count < CEL_LEAVES_MAX && node->type.kind == CEL_BOOL) {
        add_logic(list, CEL_LOGIC_LEAF, list->count);
        list->nodes[list->count++] = node;
    } else {
        list->is_logic = false;
    }
}

void cel_leaves_gather(struct cel_node *root, struct cel_leaf_list *out_list)
{
    out_list->count = out_list->logic_count = 0;
    out_list->is_logic = true;
    gather(root, out_list);
    out_list->logic_count = out_list->is_logic ? out_list->logic_count : 0;
}

enum { SLOTS_MAX = 1024 };

struct slots {
    uint32_t list[SLOTS_MAX];
    uint32_t count;
};

/* In the order in which they are read. */
static void gather_slots(const struct cel_compilation *c, const struct cel_node *node,
                         struct slots *slots)
{
    if (node->kind == NODE_SLOT) {
        uint32_t slot = c->environment->names[node->index].slot;
        uint32_t i = 0;
        while (i < slots->count && slots->list[i] != slot) {
            i++;
        }
        if (i == slots->count && slots->count < SLOTS_MAX) {
            slots->list[slots->count++] = slot;
        }
        return;
    }
    if (node->target != NULL) {
        gather_slots(c, node->target, slots);
    }
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->items[i] != NULL) {
            gather_slots(c, node->items[i], slots);
        }
    }
}

static bool is_sides(const struct cel_node *node)
{
    return node->kind == NODE_CALL && node->target == NULL && node->count == 2 &&
           (cel_relation_of(node->name) >= 0 || slice_is(node->name, "@in"));
}

static bool is_plain_name(const struct cel_node *node)
{
    return node != NULL && node->kind == NODE_SLOT && !node->test && !node->optional;
}

/* NAME - CONSTANT */
static bool is_offset(const struct cel_node *node)
{
    return node->kind == NODE_CALL && node->target == NULL && node->count == 2 &&
           slice_is(node->name, "_-_") && is_plain_name(node->items[0]) &&
           node->items[1]->kind == NODE_LITERAL;
}

/* Both sides are names of texts, and not the same. */
static bool is_two_texts(const struct cel_node *node)
{
    const struct cel_node *left = node->items[0], *right = node->items[1];
    return is_plain_name(left) && is_plain_name(right) && left->index != right->index &&
           left->type.kind == CEL_STRING && right->type.kind == CEL_STRING;
}

static enum cel_leaf_form form_of(const struct cel_node *node)
{
    if (node->kind == NODE_SLOT && node->test) {
        return CEL_LEAF_HAS;
    }
    if (is_sides(node) && is_plain_name(node->items[0]) && node->items[1]->kind == NODE_LITERAL) {
        return CEL_LEAF_COMPARES;
    }
    if (is_sides(node) && slice_is(node->name, "@in") && node->items[0]->kind == NODE_LITERAL &&
        is_plain_name(node->items[1])) {
        return CEL_LEAF_CONTAINS;
    }
    if (is_sides(node) && is_plain_name(node->items[0]) && is_offset(node->items[1])) {
        return CEL_LEAF_DISTANCE;
    }
    if (is_sides(node) && is_two_texts(node) && slice_is(node->name, "_==_")) {
        return CEL_LEAF_SAME;
    }
    if (is_sides(node) && is_two_texts(node) && slice_is(node->name, "_!=_")) {
        return CEL_LEAF_DIFFERS;
    }
    if (node->kind != NODE_CALL || !slice_is(node->name, "matches") ||
        node->count + (node->target != NULL) != 2) {
        return CEL_LEAF_OTHER;
    }
    const struct cel_node *text = node->target != NULL ? node->target : node->items[0];
    const struct cel_node *pattern = node->items[node->count - 1];
    bool known = pattern->kind == NODE_LITERAL && pattern->value.kind == CEL_STRING;
    return known && is_plain_name(text) ? CEL_LEAF_MATCHES : CEL_LEAF_OTHER;
}

static struct slice written(const struct cel_compilation *c, const struct cel_node *node)
{
    return slice_of(c->text.data + node->start, node->end - node->start);
}

bool cel_leaf_describe(const struct cel_compilation *c, const struct cel_node *node,
                       struct cel_leaf *out_leaf)
{
    struct slots slots = {.count = 0};
    gather_slots(c, node, &slots);
    uint32_t *kept = arena_take(c->arena, (slots.count + 1) * sizeof(*kept));
    if (kept == NULL) {
        return false;
    }
    memcpy(kept, slots.list, slots.count * sizeof(*kept));
    bool sides = is_sides(node);
    enum cel_leaf_form form = form_of(node);
    *out_leaf = (struct cel_leaf){
        .text = written(c, node),
        .left_text = written(c, sides ? node->items[0] : node),
        .right_text = sides ? written(c, node->items[1]) : slice_of(NULL, 0),
        .first_slot = slots.count > 0 ? slots.list[0] : UINT32_MAX,
        .comparison = sides,
        .form = form,
        .slots = kept,
        .slot_count = slots.count,
        .constant = form == CEL_LEAF_COMPARES   ? &node->items[1]->value
                    : form == CEL_LEAF_CONTAINS ? &node->items[0]->value
                    : form == CEL_LEAF_DISTANCE ? &node->items[1]->items[1]->value
                                                : NULL,
        .ordered = sides && cel_relation_of(node->name) >= RELATION_LT &&
                   cel_relation_of(node->name) <= RELATION_GE,
    };
    return true;
}
