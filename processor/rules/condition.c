/* SPDX-License-Identifier: Apache-2.0 */
/* What a condition says, and what is kept of it so that it need not say it again.
 *
 * Of `f.a > 3 && f.b > f.c` that fails for f.a the second leaf does not matter: kept are the verdict and the leaves
 * that decide it, with what they say. While they say that, the verdict stands, whatever else moves; most of these
 * leaves compare a window that moves with a constant that it does not pass. (Watched literals of SAT solvers:
 * Moskewicz and others, 2001.) */
#include "rules/leaf.h"
#include "rules/step.h"

#define CLOCK_AGO_S_MAX INT64_C(100000000000) /* 3,000 years: added to a moment, no overflow */

enum {
    NODES_MAX = 3 * CONDITION_LEAVES_MAX,
    /* Steps. No loop over a list of the host's is so cheap: bounds on rounds and scratch, which hold for the whole,
     * cannot be reached, and leaves asked by themselves say what they say in it. */
    LEAVES_COST_MAX = 1000,
};

static enum rules_truth evaluate(const struct condition *condition, struct step *step,
                                 struct slice *out_why)
{
    enum rules_truth truth = rules_holds(condition->program, step->scope, step->scratch, out_why);
    step->unknowns += truth == RULES_UNKNOWN;
    return truth;
}

/* ---- the clock ---- */

struct condition_clock condition_clock(const struct condition *condition)
{
    struct condition_clock clock = {.known = false};
    uint32_t count = 0;
    if (condition->program == NULL || cel_program_logic(condition->program, &count) == NULL) {
        return clock;
    }
    count = cel_program_leaf_count(condition->program);
    for (uint32_t i = 0; i < count; i++) {
        const struct cel_leaf *leaf = cel_program_leaf(condition->program, i);
        bool reads = false;
        for (uint32_t k = 0; k < leaf->slot_count; k++) {
            reads = reads || SCOPE_SLOT_SPACE(leaf->slots[k]) == SCOPE_NOW;
        }
        if (!reads) {
            continue;
        }
        bool plain = leaf->form == CEL_LEAF_DISTANCE && leaf->slot_count == 2 &&
                     SCOPE_SLOT_SPACE(leaf->slots[0]) == SCOPE_FEATURE &&
                     SCOPE_SLOT_SPACE(leaf->slots[1]) == SCOPE_NOW &&
                     leaf->constant->kind == CEL_DURATION && leaf->constant->nanos == 0 &&
                     leaf->constant->i >= 0 && leaf->constant->i <= CLOCK_AGO_S_MAX;
        if (!plain || clock.count == CONDITION_CLOCK_MAX) {
            return (struct condition_clock){.known = false};
        }
        clock.leaves[clock.count].feature = SCOPE_SLOT_INDEX(leaf->slots[0]);
        clock.leaves[clock.count++].ago_ms = leaf->constant->i * 1000;
    }
    clock.known = clock.count > 0;
    return clock;
}

/* The first moment after now at which a leaf turns: as much later than its feature's moment as it says, or, as <
 * and <= differ, a millisecond after that. */
static int64_t clock_turns(const struct condition_clock *clock, const struct scope *scope)
{
    int64_t next_ms = INT64_MAX;
    for (uint32_t i = 0; i < clock->count; i++) {
        const struct feature_value *value = scope_feature(scope, clock->leaves[i].feature);
        if (value == NULL || !value->present) {
            continue; /* it says nothing until the feature changes */
        }
        int64_t turns_ms = value->i + clock->leaves[i].ago_ms;
        turns_ms += turns_ms == scope->now_ms;
        next_ms = turns_ms > scope->now_ms && turns_ms < next_ms ? turns_ms : next_ms;
    }
    return next_ms;
}

/* Is what was read good until something moves? What was read of the clock then has its moment. */
static bool stands(const struct condition *condition, struct step *step)
{
    uint8_t *restless = step->scope->restless;
    if ((*restless & SCOPE_READ_CLOCK) != 0 && condition->clock.known) {
        int64_t turns_ms = clock_turns(&condition->clock, step->scope);
        int64_t *least_ms = step->recall->clock_ms;
        *least_ms = turns_ms < *least_ms ? turns_ms : *least_ms;
        *restless &= (uint8_t)~SCOPE_READ_CLOCK;
    }
    return *restless == 0;
}

/* ---- leaves ---- */

uint32_t condition_leaves(const struct condition *condition)
{
    uint32_t count = 0, slot_count = 0;
    const struct cel_program *program = condition->program;
    if (program == NULL || cel_program_logic(program, &count) == NULL ||
        cel_program_leaf_count(program) > CONDITION_LEAVES_MAX || count > NODES_MAX ||
        cel_program_cost(program) > LEAVES_COST_MAX) {
        return 0;
    }
    const uint32_t *slots = cel_program_slots(program, &slot_count);
    for (uint32_t i = 0; i < slot_count; i++) {
        enum scope_space space = SCOPE_SLOT_SPACE(slots[i]);
        if (space == SCOPE_EVENT || space == SCOPE_LIFE || space == SCOPE_SEGMENT) {
            return 0;
        }
    }
    count = cel_program_leaf_count(program);
    return count > 1 ? count : 0;
}

static bool stands_between_events(const struct cel_leaf *leaf)
{
    for (uint32_t i = 0; i < leaf->slot_count; i++) {
        enum scope_space space = SCOPE_SLOT_SPACE(leaf->slots[i]);
        if (space != SCOPE_FEATURE && space != SCOPE_PROFILE) {
            return false;
        }
    }
    return true;
}

/* The leaf that stands there: one of several, or all of the condition. NULL: it is no leaf. */
static const struct cel_leaf *leaf_at(const struct condition *condition, uint32_t leaf)
{
    const struct cel_program *program = condition->program;
    uint32_t count = 0;
    if (program == NULL || leaf != UINT32_MAX) {
        return program == NULL ? NULL : cel_program_leaf(program, leaf);
    }
    const struct cel_logic *logic = cel_program_logic(program, &count);
    return logic != NULL && count == 1 ? cel_program_leaf(program, logic[0].leaf) : NULL;
}

bool condition_asks_the_same(const struct condition *a, uint32_t leaf_a, const struct condition *b,
                             uint32_t leaf_b)
{
    const struct cel_leaf *one = leaf_at(a, leaf_a), *other = leaf_at(b, leaf_b);
    return one != NULL && other != NULL && stands_between_events(one) &&
           rules_leaf_same(one, other);
}

/* What the same question elsewhere has said at this moment. 0: it is not known there. */
static uint64_t said_by_twin(uint32_t place, const struct step *step)
{
    uint32_t twin = step->recall != NULL ? step->recall->twins[place] : 0;
    return twin != 0 ? recall_said(step->recall->bits, twin) : 0;
}

static enum rules_truth leaf_holds(const struct condition *condition, uint32_t leaf,
                                   struct step *step)
{
    bool placed = condition->mixed || leaf < condition->leaf_count;
    uint64_t twin = placed ? said_by_twin(condition->number + 1 + leaf, step) : 0;
    return twin != 0 ? (enum rules_truth)(twin - 1)
                     : rules_leaf_holds(condition->program, leaf, step->scope, step->scratch);
}

uint32_t condition_mixed(const struct condition *condition)
{
    const struct cel_program *program = condition->program;
    uint32_t count = program == NULL ? 0 : cel_program_leaf_count(program);
    bool any = false;
    if (count > CONDITION_LEAVES_MAX || !condition_reads_event(condition)) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        any = any || stands_between_events(cel_program_leaf(program, i));
    }
    return any ? count : 0;
}

struct deciding {
    const struct condition *condition;
    struct step *step;
    const struct cel_logic *logic;
    uint8_t size[NODES_MAX]; /* nodes of the tree that ends here */
    uint8_t truths[CONDITION_LEAVES_MAX];
};

struct decided {
    enum rules_truth truth;
    uint32_t leaves; /* a bit each: while they say what they say, it is this */
};

/* The tree that ends at that node, as the machine goes through it: the left side first, the right one only if that
 * does not decide. */
static struct decided decide(struct deciding *deciding, uint32_t end)
{
    const struct cel_logic *node = &deciding->logic[end];
    if (node->op == CEL_LOGIC_LEAF) {
        enum rules_truth truth = leaf_holds(deciding->condition, node->leaf, deciding->step);
        deciding->truths[node->leaf] = (uint8_t)truth;
        return (struct decided){truth, UINT32_C(1) << node->leaf};
    }
    struct decided right;
    if (node->op == CEL_LOGIC_NOT) {
        right = decide(deciding, end - 1);
        right.truth = right.truth == RULES_YES  ? RULES_NO
                      : right.truth == RULES_NO ? RULES_YES
                                                : RULES_UNKNOWN;
        return right;
    }
    enum rules_truth decides = node->op == CEL_LOGIC_AND ? RULES_NO : RULES_YES;
    struct decided left = decide(deciding, end - 1 - deciding->size[end - 1]);
    if (left.truth == decides) {
        return left;
    }
    right = decide(deciding, end - 1);
    if (right.truth != decides) {
        right.leaves |= left.leaves;
        right.truth = left.truth == right.truth ? left.truth : RULES_UNKNOWN;
    }
    return right;
}

static enum rules_truth decide_by_leaves(const struct condition *condition, struct step *step)
{
    struct deciding deciding = {.condition = condition, .step = step};
    uint32_t count = 0;
    deciding.logic = cel_program_logic(condition->program, &count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t op = deciding.logic[i].op;
        uint32_t size = op == CEL_LOGIC_LEAF ? 1U : 1U + deciding.size[i - 1];
        deciding.size[i] =
            (uint8_t)(op == CEL_LOGIC_AND || op == CEL_LOGIC_OR ? size + deciding.size[i - size]
                                                                : size);
    }
    struct decided decided = decide(&deciding, count - 1);
    step->unknowns += decided.truth == RULES_UNKNOWN;
    if (stands(condition, step)) {
        for (uint32_t i = 0; i < condition->leaf_count; i++) {
            bool kept = (decided.leaves >> i & 1) != 0;
            recall_say(step->recall->bits, condition->number + 1 + i,
                       kept ? 1U + deciding.truths[i] : 0);
        }
    }
    return decided.truth;
}

bool condition_leaf_says(const struct condition *condition, uint32_t leaf, uint64_t said,
                         struct step *step)
{
    enum rules_truth truth = leaf_holds(condition, leaf, step);
    if (1U + (uint64_t)truth != said || !stands(condition, step)) {
        return false;
    }
    recall_say(step->recall->bits, condition->number + 1 + leaf, said);
    return true;
}

enum rules_truth condition_leaf_holds(const struct condition *condition, uint32_t leaf,
                                      struct step *step)
{
    uint32_t place = condition->number + 1 + leaf;
    bool kept = condition->mixed && step->recall != NULL;
    uint64_t said = kept ? recall_said(step->recall->bits, place) : 0;
    if (said != 0) {
        return (enum rules_truth)(said - 1);
    }
    enum rules_truth truth = leaf_holds(condition, leaf, step);
    if (kept && stands_between_events(cel_program_leaf(condition->program, leaf))) {
        recall_say(step->recall->bits, place, 1U + (uint64_t)truth);
    }
    return truth;
}

/* ---- conditions ---- */

/* What it said last, unless something that it reads has changed since. */
static enum rules_truth recall_holds(const struct condition *condition, struct step *step)
{
    uint64_t known = recall_said(step->recall->bits, condition->number);
    if (known != 0) {
        return (enum rules_truth)(known - 1);
    }
    uint8_t *restless = step->scope->restless;
    uint8_t before = *restless;
    *restless = 0;
    uint64_t twin = said_by_twin(condition->number, step);
    step->unknowns += twin == 1U + (uint64_t)RULES_UNKNOWN;
    enum rules_truth truth = twin != 0                   ? (enum rules_truth)(twin - 1)
                             : condition->leaf_count > 0 ? decide_by_leaves(condition, step)
                                                         : evaluate(condition, step, NULL);
    if (stands(condition, step)) {
        recall_say(step->recall->bits, condition->number, 1U + (uint64_t)truth);
    }
    *restless |= before;
    return truth;
}

enum rules_truth condition_holds(const struct condition *condition, struct step *step,
                                 struct slice *out_why)
{
    if (condition->program == NULL) {
        return RULES_YES;
    }
    bool kept = step->recall != NULL && condition->number != 0 && out_why == NULL;
    return kept ? recall_holds(condition, step) : evaluate(condition, step, out_why);
}

bool condition_reads_event(const struct condition *condition)
{
    uint32_t count = 0;
    if (condition->reads_no_event) {
        return false;
    }
    const uint32_t *slots =
        condition->program == NULL ? NULL : cel_program_slots(condition->program, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (SCOPE_SLOT_SPACE(slots[i]) == SCOPE_EVENT) {
            return true;
        }
    }
    return false;
}
