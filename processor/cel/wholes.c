/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates over whole numbers, moments and distances between them, which most rules of a bank are: the same
 * bytecode on a stack of plain numbers. A missing value goes on as an error, as in the machine. What is not known
 * here (other kinds, an overflow, a distance with nanoseconds or of centuries) is left to the machine, which
 * begins anew. */
#include "cel/machine.h"

enum { DEPTH_MAX = 7 };

/* Within these the machine knows every sum and difference too. Milliseconds; the years 2 to 9998, 250 years. */
#define MOMENT_MIN   INT64_C(-62104060800000)
#define MOMENT_MAX   INT64_C(253370764800000)
#define DISTANCE_MAX INT64_C(7889400000000)

enum number_kind { NUMBER, TRUTH, MOMENT, DISTANCE, FAILURE };

struct number {
    int64_t i; /* of moments and distances milliseconds */
    enum number_kind kind;
};

static bool plain_distance(const struct cel_value *value)
{
    return value->kind == CEL_DURATION && value->nanos == 0 && value->i <= DISTANCE_MAX / 1000 &&
           value->i >= -DISTANCE_MAX / 1000;
}

static bool knows(const struct cel_program *program, const struct cel_instruction *in)
{
    switch (in->op) {
    case OP_CONSTANT:
        return program->constants[in->c].kind == CEL_INT ||
               plain_distance(&program->constants[in->c]);
    case OP_COMPARE_SLOT:
        return program->constants[in->c].kind == CEL_INT;
    case OP_SLOT:
    case OP_HAS_SLOT:
    case OP_UNLESS_FALSE:
    case OP_UNLESS_TRUE:
    case OP_AND:
    case OP_OR:
    case OP_NOT:
    case OP_COMPARE:
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_MODULO:
    case OP_RETURN:
        return true;
    default:
        return false;
    }
}

/* All of it is known, or what comes first may decide. */
bool cel_is_whole(const struct cel_program *program, uint32_t entry, uint32_t code_count)
{
    bool may_decide = false;
    for (uint32_t pc = entry; pc < code_count; pc++) {
        const struct cel_instruction *in = &program->code[pc];
        if (!knows(program, in)) {
            return may_decide;
        }
        if (in->op == OP_RETURN) {
            return true;
        }
        may_decide = may_decide || in->op == OP_UNLESS_FALSE || in->op == OP_UNLESS_TRUE;
    }
    return false;
}

static bool push_constant(const struct cel_value *constant, struct number *out)
{
    bool whole = constant->kind == CEL_INT;
    *out = (struct number){whole ? constant->i : 0, whole ? NUMBER : DISTANCE};
    if (!whole && plain_distance(constant)) {
        out->i = constant->i * 1000;
        return true;
    }
    return whole;
}

/* A name's value onto the stack; false: it is not for us. */
static bool push_slot(const struct cel_program *program, const struct cel_instruction *in,
                      cel_read_whole *read, const void *context, struct number *out)
{
    int64_t value = 0;
    enum cel_found found = read(context, program->slots[in->b], &value);
    if (in->op == OP_HAS_SLOT) {
        *out = (struct number){found != CEL_MISSING, TRUTH};
        return found != CEL_UNSURE;
    }
    if (found == CEL_MISSING) {
        *out = (struct number){0, FAILURE};
        return true;
    }
    if (in->op == OP_COMPARE_SLOT) {
        const struct cel_value *constant = &program->constants[in->c];
        *out = (struct number){cel_compare_wholes(in->a, value, constant->i), TRUTH};
        return found == CEL_WHOLE && constant->kind == CEL_INT;
    }
    *out = (struct number){value, found == CEL_WHOLE ? NUMBER : MOMENT};
    return found == CEL_WHOLE || found == CEL_MOMENT;
}

/* && and ||: the left was not decisive, or we would not be here. */
static bool join(bool is_or, struct number *left, const struct number *right)
{
    if (left->kind == TRUTH || (right->kind == TRUTH && (right->i != 0) == is_or)) {
        *left = *right;
    }
    return left->kind == TRUTH || left->kind == FAILURE;
}

/* + and - with moments and distances. */
static bool move(unsigned op, struct number *left, const struct number *right)
{
    bool minus = op == OP_SUBTRACT;
    bool moments = left->kind == MOMENT && right->kind == MOMENT;
    bool both = left->kind == NUMBER || right->kind == NUMBER || op > OP_SUBTRACT ||
                (moments && !minus) || (minus && left->kind == DISTANCE && right->kind == MOMENT);
    if (both || !cel_whole_arithmetic(op, left->i, right->i, &left->i)) {
        return false; /* no such operator; or far beyond what we know */
    }
    left->kind = moments || left->kind == right->kind ? DISTANCE : MOMENT;
    return left->kind == MOMENT ? left->i >= MOMENT_MIN && left->i <= MOMENT_MAX
                                : left->i >= -DISTANCE_MAX && left->i <= DISTANCE_MAX;
}

/* Two values into one, in the place of the first. */
static bool reckon(const struct cel_instruction *in, struct number *left,
                   const struct number *right)
{
    if (left->kind == FAILURE || right->kind == FAILURE) {
        left->kind = FAILURE;
        return true;
    }
    if (left->kind == TRUTH || right->kind == TRUTH) {
        return false;
    }
    if (in->op == OP_COMPARE) {
        bool alike = left->kind == right->kind;
        *left = (struct number){cel_compare_wholes(in->a, left->i, right->i), TRUTH};
        return alike;
    }
    return left->kind == NUMBER && right->kind == NUMBER
               ? cel_whole_arithmetic(in->op, left->i, right->i, &left->i)
               : move(in->op, left, right);
}

static int run(const struct cel_program *program, uint32_t entry, cel_read_whole *read,
               const void *context)
{
    struct number stack[DEPTH_MAX + 1] = {{0, TRUTH}};
    struct number *top = stack; /* stack[0] is below the first value */
    for (uint32_t pc = entry;;) {
        const struct cel_instruction *in = &program->code[pc++];
        bool good = true;
        switch (in->op) {
        case OP_CONSTANT:
            good = top < stack + DEPTH_MAX && push_constant(&program->constants[in->c], ++top);
            break;
        case OP_SLOT:
        case OP_HAS_SLOT:
        case OP_COMPARE_SLOT:
            good = top < stack + DEPTH_MAX && push_slot(program, in, read, context, ++top);
            break;
        case OP_UNLESS_FALSE:
        case OP_UNLESS_TRUE:
            good = top->kind == TRUTH || top->kind == FAILURE;
            pc = top->kind == TRUTH && (top->i != 0) == (in->op == OP_UNLESS_TRUE) ? in->c : pc;
            break;
        case OP_NOT:
            good = top->kind == TRUTH || top->kind == FAILURE;
            top->i = top->i == 0;
            break;
        case OP_AND:
        case OP_OR:
            top--;
            good = join(in->op == OP_OR, top, top + 1);
            break;
        case OP_COMPARE:
        case OP_ADD:
        case OP_SUBTRACT:
        case OP_MULTIPLY:
        case OP_DIVIDE:
        case OP_MODULO:
            top--;
            good = reckon(in, top, top + 1);
            break;
        case OP_RETURN:
            return top->kind == TRUTH ? top->i != 0 : top->kind == FAILURE ? CEL_WHOLE_FAILS : -1;
        default:
            return -1;
        }
        if (UNLIKELY(!good)) {
            return -1;
        }
    }
}

/* The quickest that decides. */
static int decide(const struct cel_program *program, uint32_t entry, bool whole,
                  const struct cel_linear *linear, cel_read_whole *read, const void *context)
{
    int holds = linear != NULL ? cel_linear_holds(program, linear, read, context) : -1;
    return holds >= 0 || !whole ? holds : run(program, entry, read, context);
}

int cel_evaluate_whole(const struct cel_program *program, cel_read_whole *read, const void *context)
{
    return decide(program, 1, program->whole, program->linear, read, context);
}

int cel_evaluate_leaf_whole(const struct cel_program *program, uint32_t index, cel_read_whole *read,
                            const void *context)
{
    return index < program->leaf_count
               ? decide(program, program->leaf_code[index][0], program->leaf_whole[index],
                        program->leaf_linear[index], read, context)
               : -1;
}
