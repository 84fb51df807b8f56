/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/blame.h"

enum { NODES_MAX = 3 * CEL_LEAVES_MAX };

/* A node of the postfix form: its last operand ends right before it, the other one `size` of the last earlier. */
struct node {
    enum rules_truth truth;
    uint32_t size; /* nodes of its tree, itself included */
    uint8_t blame; /* what it ought to be, and is not */
};

static enum rules_truth negated(enum rules_truth truth)
{
    return truth == RULES_YES ? RULES_NO : truth == RULES_NO ? RULES_YES : RULES_UNKNOWN;
}

/* && of what holds if `decides` is NO, || if it is YES: one that is `decides` decides. */
static enum rules_truth joined(enum rules_truth left, enum rules_truth right,
                               enum rules_truth decides)
{
    if (left == decides || right == decides) {
        return decides;
    }
    return left == right ? left : RULES_UNKNOWN;
}

static void judge(const struct cel_logic *logic, const enum rules_truth *truths, struct node *nodes,
                  uint32_t i)
{
    const struct node *last = i > 0 ? &nodes[i - 1] : NULL;
    nodes[i] = (struct node){RULES_UNKNOWN, 1, BLAME_NONE};
    if (logic[i].op == CEL_LOGIC_LEAF) {
        nodes[i].truth = truths[logic[i].leaf];
        return;
    }
    if (last == NULL) {
        return;
    }
    nodes[i].size += last->size;
    if (logic[i].op == CEL_LOGIC_NOT) {
        nodes[i].truth = negated(last->truth);
    } else if (i > last->size) {
        const struct node *first = &nodes[i - 1 - last->size];
        nodes[i].size += first->size;
        nodes[i].truth =
            joined(first->truth, last->truth, logic[i].op == CEL_LOGIC_AND ? RULES_NO : RULES_YES);
    }
}

static void want(struct node *node, uint8_t blame)
{
    bool good = node->truth == (blame == BLAME_OUGHT_TO_HOLD ? RULES_YES : RULES_NO);
    node->blame = good ? BLAME_NONE : blame;
}

static void pass_on(const struct cel_logic *logic, struct node *nodes, uint32_t i)
{
    uint8_t blame = nodes[i].blame;
    if (blame == BLAME_NONE || logic[i].op == CEL_LOGIC_LEAF || i == 0) {
        return;
    }
    if (logic[i].op == CEL_LOGIC_NOT) {
        want(&nodes[i - 1],
             blame == BLAME_OUGHT_TO_HOLD ? BLAME_OUGHT_NOT_TO : BLAME_OUGHT_TO_HOLD);
        return;
    }
    want(&nodes[i - 1], blame);
    if (i > nodes[i - 1].size) {
        want(&nodes[i - 1 - nodes[i - 1].size], blame);
    }
}

void blame_leaves(const struct cel_program *program, const enum rules_truth *truths, bool ought,
                  uint8_t *out_blames)
{
    struct node nodes[NODES_MAX];
    uint8_t blame = ought ? BLAME_OUGHT_TO_HOLD : BLAME_OUGHT_NOT_TO;
    uint32_t leaf_count = cel_program_leaf_count(program);
    uint32_t count = 0;
    const struct cel_logic *logic = cel_program_logic(program, &count);
    if (logic == NULL || count == 0 || count > NODES_MAX) {
        for (uint32_t i = 0; i < leaf_count; i++) {
            out_blames[i] = truths[i] == (ought ? RULES_YES : RULES_NO) ? BLAME_NONE : blame;
        }
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        judge(logic, truths, nodes, i);
    }
    want(&nodes[count - 1], blame);
    for (uint32_t i = count; i-- > 0;) {
        pass_on(logic, nodes, i);
        if (logic[i].op == CEL_LOGIC_LEAF) {
            out_blames[logic[i].leaf] = nodes[i].blame;
        }
    }
}
