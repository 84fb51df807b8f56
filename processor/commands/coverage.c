/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/coverage.h"

#include "base/memory.h"

enum { LEAF_ID_SIZE = 256 };

void coverage_open(struct coverage *coverage)
{
    *coverage = (struct coverage){
        .leaves = memory_take(COVERAGE_LEAVES_MAX * sizeof(*coverage->leaves), "coverage")};
    arena_init(&coverage->texts, memory_take(COVERAGE_ARENA_SIZE, "coverage"), COVERAGE_ARENA_SIZE);
}

/* The absence and the condition of one signal have the same id, so the text is part of the name. */
static struct coverage_leaf *leaf_of(struct coverage *coverage, enum playbook_kind kind,
                                     struct slice definition, struct slice id, struct slice expr)
{
    for (uint32_t i = 0; i < coverage->count; i++) {
        struct coverage_leaf *leaf = &coverage->leaves[i];
        if (leaf->kind == kind && slice_equal(leaf->definition, definition) &&
            slice_equal(leaf->id, id) && slice_equal(leaf->expr, expr)) {
            return leaf;
        }
    }
    if (coverage->count == COVERAGE_LEAVES_MAX) {
        return NULL;
    }
    struct coverage_leaf *leaf = &coverage->leaves[coverage->count++];
    *leaf = (struct coverage_leaf){.kind = kind,
                                   .definition = definition,
                                   .id = arena_copy(&coverage->texts, id),
                                   .expr = arena_copy(&coverage->texts, expr)};
    return leaf;
}

void coverage_leaves(struct coverage *coverage, enum playbook_kind kind, struct slice definition,
                     const struct proof_leaf *leaves, uint32_t count, bool seen)
{
    for (uint32_t i = 0; i < count; i++) {
        struct coverage_leaf *leaf =
            leaf_of(coverage, kind, definition, leaves[i].leaf_id, leaves[i].expr);
        if (leaf != NULL && seen) {
            leaf->yes |= leaves[i].holds;
            leaf->no |= !leaves[i].holds;
        }
    }
}

/* Named as proof_add names them. */
void coverage_condition(struct coverage *coverage, enum playbook_kind kind, struct slice definition,
                        const struct condition *condition)
{
    uint32_t count = condition->program == NULL ? 0 : cel_program_leaf_count(condition->program);
    for (uint32_t i = 0; i < count; i++) {
        char id[LEAF_ID_SIZE];
        if (count == 1) {
            (void)snprintf(id, sizeof(id), "%.*s", SLICE_ARG(condition->name));
        } else {
            (void)snprintf(id, sizeof(id), "%.*s.%u", SLICE_ARG(condition->name), i + 1);
        }
        (void)leaf_of(coverage, kind, definition, slice_text(id),
                      cel_program_leaf(condition->program, i)->text);
    }
}

static uint32_t both_ways(const struct coverage *coverage)
{
    uint32_t both = 0;
    for (uint32_t i = 0; i < coverage->count; i++) {
        both += coverage->leaves[i].yes && coverage->leaves[i].no;
    }
    return both;
}

void coverage_print(const struct coverage *coverage, bool all, FILE *out)
{
    for (uint32_t i = 0; i < coverage->count && all; i++) {
        const struct coverage_leaf *leaf = &coverage->leaves[i];
        if (leaf->yes && leaf->no) {
            continue;
        }
        (void)fprintf(out, "never %s: %.*s %.*s: %.*s\n",
                      leaf->yes  ? "false"
                      : leaf->no ? "true"
                                 : "looked at",
                      SLICE_ARG(leaf->definition), SLICE_ARG(leaf->id), SLICE_ARG(leaf->expr));
    }
    if (coverage->count > 0) {
        (void)fprintf(out, "leaves seen both true and false: %u of %u (%u%%)\n",
                      both_ways(coverage), coverage->count, coverage_percent(coverage));
    }
}

uint32_t coverage_percent(const struct coverage *coverage)
{
    return coverage->count == 0 ? 100 : both_ways(coverage) * 100 / coverage->count;
}
