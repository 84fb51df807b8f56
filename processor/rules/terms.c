/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/terms.h"

#include "rules/leaf.h"

enum {
    SUM_MAX = 24, /* terms of one condition; one with more is an atom itself */
    NODES_MAX = 3 * CEL_LEAVES_MAX,
    NOWHERE = UINT16_MAX,
};

/* A condition or a part of it as a sum of products. Empty: it cannot hold. */
struct sum {
    uint32_t count;
    struct rules_term terms[SUM_MAX];
};

struct node {
    enum cel_logic_op op;
    uint32_t leaf;
    uint16_t left, right;
};

struct builder {
    struct rules_terms *terms;
    enum source source;
    const struct cel_program *program;
    struct arena *scratch;
    struct node nodes[NODES_MAX];
    bool waits;
    bool coarse; /* what is asked later is not taken apart: it was too much for a term */
    bool full;
};

/* Postfix to a tree; returns the root. */
static uint16_t grow(struct builder *b, const struct cel_logic *logic, uint32_t count)
{
    uint16_t stack[NODES_MAX] = {0};
    uint32_t depth = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct node *node = &b->nodes[i];
        *node = (struct node){(enum cel_logic_op)logic[i].op, logic[i].leaf, NOWHERE, NOWHERE};
        if (node->op == CEL_LOGIC_AND || node->op == CEL_LOGIC_OR) {
            node->right = stack[--depth];
        }
        if (node->op != CEL_LOGIC_LEAF) {
            node->left = stack[--depth];
        }
        stack[depth++] = (uint16_t)i;
    }
    return stack[0];
}

/* ---- what a leaf reads ---- */

enum reading {
    READS_NOW,       /* what is known when the event is there: it, the profile, the clock */
    READS_LATER,     /* a feature, a life event or a segment too */
    READS_ELSEWHERE, /* nothing but events of other sources */
};

static enum reading reading_of(enum source source, const uint32_t *slots, uint32_t count)
{
    bool elsewhere = true;
    for (uint32_t i = 0; i < count; i++) {
        enum scope_space space = SCOPE_SLOT_SPACE(slots[i]);
        if (space == SCOPE_FEATURE || space == SCOPE_LIFE || space == SCOPE_SEGMENT) {
            return READS_LATER;
        }
        elsewhere = elsewhere && space == SCOPE_EVENT &&
                    SCOPE_SLOT_INDEX(slots[i]) / RULES_EVENT_FIELDS_EACH != (uint32_t)source;
    }
    return elsewhere ? READS_ELSEWHERE : READS_NOW;
}

/* No table says what it is, and its condition's other leaves may decide. */
static bool had_better_wait(const struct cel_leaf *leaf)
{
    return leaf->form != CEL_LEAF_MATCHES && leaf->slot_count > 0 &&
           (leaf->slot_count > 1 || SCOPE_SLOT_SPACE(leaf->slots[0]) == SCOPE_PROFILE);
}

static struct cel_value read_nothing(const struct cel_activation *activation, uint32_t slot)
{
    (void)activation;
    (void)slot;
    return (struct cel_value){.kind = CEL_ABSENT};
}

/* Is the leaf always this, for events of the source? */
static bool is_always(const struct builder *b, uint32_t leaf, bool wanted)
{
    const struct cel_activation activation = {.read = read_nothing, .scratch = b->scratch};
    size_t used = b->scratch->used;
    struct cel_value value = cel_evaluate_leaf(b->program, leaf, &activation);
    b->scratch->used = used;
    return value.kind == CEL_BOOL && value.b == wanted;
}

/* ---- atoms ---- */

static uint32_t intern(struct builder *b, uint32_t leaf)
{
    struct rules_terms *terms = b->terms;
    for (uint32_t i = 0; i < terms->atom_count; i++) {
        const struct rules_atom *atom = &terms->atoms[i];
        bool same = atom->program == b->program && atom->leaf == leaf;
        if (same || (leaf != UINT32_MAX && atom->leaf != UINT32_MAX &&
                     rules_leaf_same(cel_program_leaf(atom->program, atom->leaf),
                                     cel_program_leaf(b->program, leaf)))) {
            return i;
        }
    }
    if (terms->atom_count == RULES_ATOMS_MAX) {
        b->full = true;
        return 0;
    }
    terms->atoms[terms->atom_count] = (struct rules_atom){.program = b->program, .leaf = leaf};
    return terms->atom_count++;
}

/* ---- sums ---- */

static void append(struct builder *b, struct sum *sum, const struct rules_term *term)
{
    if (sum->count == SUM_MAX) {
        b->full = true;
        return;
    }
    sum->terms[sum->count++] = *term;
}

/* False: one contradicts another. */
static bool add_literals(struct builder *b, uint16_t *list, uint16_t *count, const uint16_t *more,
                         uint16_t more_count)
{
    for (uint32_t i = 0; i < more_count; i++) {
        bool there = false;
        for (uint32_t k = 0; k < *count; k++) {
            if (list[k] == (more[i] ^ 1U)) {
                return false;
            }
            there = there || list[k] == more[i];
        }
        if (!there && *count == RULES_TERM_SIZE_MAX) {
            b->full = true;
        } else if (!there) {
            list[(*count)++] = more[i];
        }
    }
    return true;
}

/* Both at once. False: they contradict each other. */
static bool join(struct builder *b, struct rules_term *term, const struct rules_term *other)
{
    return add_literals(b, term->literals, &term->count, other->literals, other->count) &&
           add_literals(b, term->later, &term->later_count, other->later, other->later_count);
}

static void sum_of_leaf(struct builder *b, uint32_t leaf, bool wanted, struct sum *out)
{
    const struct cel_leaf *about = cel_program_leaf(b->program, leaf);
    enum reading reading = reading_of(b->source, about->slots, about->slot_count);
    struct rules_term term = {.count = 0};
    if (reading == READS_NOW && b->waits && had_better_wait(about)) {
        reading = READS_LATER;
    }
    if (reading == READS_NOW) {
        term.literals[term.count++] = (uint16_t)(2 * intern(b, leaf) + wanted);
    } else if (reading == READS_LATER && !b->coarse) {
        term.later[term.later_count++] = (uint16_t)(2 * leaf + wanted);
    }
    if (reading != READS_ELSEWHERE || is_always(b, leaf, wanted)) {
        append(b, out, &term);
    }
}

/* The node, or its contrary: !(a && b) is !a || !b, whatever a and b are, errors too. */
static void sum_of(struct builder *b, uint16_t number, bool wanted, struct sum *out)
{
    const struct node *node = &b->nodes[number];
    out->count = 0;
    if (b->full) {
        return;
    }
    if (node->op == CEL_LOGIC_LEAF) {
        sum_of_leaf(b, node->leaf, wanted, out);
        return;
    }
    if (node->op == CEL_LOGIC_NOT) {
        sum_of(b, node->left, !wanted, out);
        return;
    }
    struct sum left, right;
    sum_of(b, node->left, wanted, &left);
    sum_of(b, node->right, wanted, &right);
    if ((node->op == CEL_LOGIC_OR) == wanted) {
        *out = left;
        for (uint32_t i = 0; i < right.count; i++) {
            append(b, out, &right.terms[i]);
        }
        return;
    }
    for (uint32_t i = 0; i < left.count; i++) {
        for (uint32_t k = 0; k < right.count; k++) {
            struct rules_term term = left.terms[i];
            if (join(b, &term, &right.terms[k])) {
                append(b, out, &term);
            }
        }
    }
}

static bool program_reads_later(const struct builder *b)
{
    uint32_t count = b->waits ? cel_program_leaf_count(b->program) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (had_better_wait(cel_program_leaf(b->program, i))) {
            return true;
        }
    }
    const uint32_t *slots = cel_program_slots(b->program, &count);
    return reading_of(b->source, slots, count) == READS_LATER;
}

/* As one atom. */
static void sum_of_whole(struct builder *b, struct sum *out)
{
    struct rules_term term = {.count = 0};
    if (program_reads_later(b)) {
        term.later[term.later_count++] = RULES_TERM_WHOLE;
    } else {
        term.literals[term.count++] = (uint16_t)(2 * intern(b, UINT32_MAX) + 1);
    }
    out->count = 0;
    append(b, out, &term);
}

/* Only what the event must be is taken apart. */
static void sum_of_event(struct builder *b, uint16_t root, struct sum *out)
{
    b->full = false;
    b->coarse = true;
    sum_of(b, root, true, out);
    for (uint32_t i = 0; i < out->count && program_reads_later(b); i++) {
        out->terms[i].later[0] = RULES_TERM_WHOLE;
        out->terms[i].later_count = 1;
    }
}

bool rules_terms_add(struct rules_terms *terms, enum source source,
                     const struct cel_program *program, uint32_t condition, bool waits,
                     struct arena *scratch)
{
    struct builder b = {
        .terms = terms, .source = source, .program = program, .waits = waits, .scratch = scratch};
    struct sum sum = {.count = 0};
    uint32_t count = 0;
    const struct cel_logic *logic = program == NULL ? NULL : cel_program_logic(program, &count);
    if (program == NULL) {
        sum.count = 1;
        sum.terms[0] = (struct rules_term){.count = 0};
    } else if (logic != NULL) {
        uint16_t root = grow(&b, logic, count);
        sum_of(&b, root, true, &sum);
        if (b.full) {
            sum_of_event(&b, root, &sum);
        }
    }
    if (program != NULL && (logic == NULL || b.full)) {
        b.full = false;
        sum_of_whole(&b, &sum);
    }
    if (b.full || sum.count > RULES_TERMS_MAX - terms->term_count) {
        return false;
    }
    for (uint32_t i = 0; i < sum.count; i++) {
        sum.terms[i].condition = (uint16_t)condition;
        terms->terms[terms->term_count++] = sum.terms[i];
    }
    return true;
}
