/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression can learn of one name: the largest parts that read it and nothing else.
 *
 *   tx.amount > 100 ? tx.mcc == 8011 : false      ->  tx.mcc == 8011
 *   x.exists(k, k > 1 && tx.mcc == 8011)          ->  tx.mcc == 8011
 *   tx.mcc == c.age                               ->  tx.mcc
 *
 * Each stands by itself, so it can be evaluated whatever the other names are: no conjunction, choice or macro
 * around it hides what it does. */
#include "cel/types.h"

enum { READS_IT = 1, READS_OTHERS = 2 };

struct parts {
    struct cel_compilation *compilation;
    uint32_t slot;
    const struct cel_program **out;
    uint32_t max, count;
    bool full;
};

/* Which names the subtree reads, and whether all its variables are its own: `scope` were there before it. */
static int reads_of(const struct parts *parts, const struct cel_node *node, uint32_t scope,
                    bool *out_closed)
{
    int reads = 0;
    if (node == NULL) {
        return 0;
    }
    if (node->kind == NODE_LOCAL && node->index < scope) {
        *out_closed = false;
    } else if (node->kind == NODE_SLOT) {
        const struct cel_name *name = &parts->compilation->environment->names[node->index];
        reads = name->slot == parts->slot ? READS_IT : READS_OTHERS;
    } else if (node->kind == NODE_UNKNOWN) {
        reads = READS_OTHERS;
    }
    reads |= reads_of(parts, node->target, scope, out_closed);
    for (uint32_t i = 0; i < node->count; i++) {
        reads |= reads_of(parts, node->items[i], scope, out_closed);
    }
    return reads;
}

/* Variables in scope in item `i` of a node that `scope` of them surround. */
static uint32_t scope_in(const struct cel_node *node, uint32_t i, uint32_t scope)
{
    switch ((int)node->kind) {
    case NODE_LOOP:
        return node->index + node->variable_count;
    case NODE_BLOCK:
        return node->index + i;
    case NODE_BIND:
    case NODE_OPTIONAL_MAP:
        return node->index + (node->target != NULL);
    default:
        return scope;
    }
}

static void take(struct parts *parts, struct cel_node *node)
{
    const struct cel_program *program = NULL;
    if (parts->count < parts->max) {
        node->type = cel_type_settle(parts->compilation, node->type);
        program = cel_emit(parts->compilation, node);
        parts->full = parts->full || program == NULL;
        parts->out[parts->count] = program;
    }
    parts->count++;
}

static void visit(struct parts *parts, struct cel_node *node, uint32_t scope)
{
    bool closed = true;
    int reads = node == NULL ? 0 : reads_of(parts, node, scope, &closed);
    if ((reads & READS_IT) == 0) {
        return;
    }
    if (reads == READS_IT && closed) {
        take(parts, node);
        return;
    }
    visit(parts, node->target, scope);
    for (uint32_t i = 0; i < node->count; i++) {
        visit(parts, node->items[i], scope_in(node, i, scope));
    }
}

uint32_t cel_program_parts(const struct cel_program *program, uint32_t slot, struct arena *arena,
                           const struct cel_program **out, uint32_t max)
{
    static _Thread_local struct diagnostic list[DIAGNOSTICS_MAX];
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, list);
    struct cel_compilation compilation = {
        program->environment, program->text, {NULL, 1, 1, 0}, arena, &diagnostics, false};
    struct parts parts = {&compilation, slot, out, max, 0, false};
    struct cel_node *root = cel_parse(&compilation);
    if (root == NULL || !cel_check(&compilation, root)) {
        return UINT32_MAX;
    }
    visit(&parts, root, 0);
    return parts.full ? UINT32_MAX : parts.count;
}
