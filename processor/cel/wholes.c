/* SPDX-License-Identifier: Apache-2.0 */
/* Predicates over whole numbers, which most rules of a bank are: the same bytecode on a stack of plain numbers.
 * What it does not know (other kinds, a missing value, an overflow) it leaves to the machine, which begins anew. */
#include "cel/machine.h"

enum { DEPTH_MAX = 7 };

struct number {
    int64_t i;
    bool is_bool;
};

static bool knows(const struct cel_program *program, const struct cel_instruction *in)
{
    switch (in->op) {
    case OP_CONSTANT:
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
bool cel_is_whole(const struct cel_program *program, uint32_t code_count)
{
    bool may_decide = false;
    for (uint32_t pc = 1; pc < code_count; pc++) {
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

/* A value onto the stack; false: it is not for us. */
static bool push(const struct cel_program *program, const struct cel_instruction *in,
                 cel_read_whole *read, const void *context, struct number *out)
{
    if (in->op == OP_CONSTANT) {
        const struct cel_value *constant = &program->constants[in->c];
        *out = (struct number){constant->i, false};
        return constant->kind == CEL_INT;
    }
    int64_t value = 0;
    enum cel_found found = read(context, program->slots[in->b], &value);
    if (in->op == OP_HAS_SLOT) {
        *out = (struct number){found != CEL_MISSING, true};
        return found != CEL_UNSURE;
    }
    if (in->op == OP_COMPARE_SLOT) {
        const struct cel_value *constant = &program->constants[in->c];
        *out = (struct number){cel_compare_wholes(in->a, value, constant->i), true};
        return found == CEL_WHOLE && constant->kind == CEL_INT;
    }
    *out = (struct number){value, false};
    return found == CEL_WHOLE;
}

/* Two values into one, in the place of the first. */
static bool join(const struct cel_instruction *in, struct number *left, const struct number *right)
{
    bool logic = in->op == OP_AND || in->op == OP_OR;
    if (left->is_bool != logic || right->is_bool != logic) {
        return false;
    }
    if (logic) {
        left->i = right->i; /* the left was not decisive, or we would not be here */
        return true;
    }
    if (in->op == OP_COMPARE) {
        *left = (struct number){cel_compare_wholes(in->a, left->i, right->i), true};
        return true;
    }
    return cel_whole_arithmetic(in->op, left->i, right->i, &left->i);
}

static int run(const struct cel_program *program, cel_read_whole *read, const void *context)
{
    struct number stack[DEPTH_MAX + 1] = {{0, false}};
    struct number *top = stack; /* stack[0] is below the first value */
    for (uint32_t pc = 1;;) {
        const struct cel_instruction *in = &program->code[pc++];
        bool good = true;
        switch (in->op) {
        case OP_CONSTANT:
        case OP_SLOT:
        case OP_HAS_SLOT:
        case OP_COMPARE_SLOT:
            good = top < stack + DEPTH_MAX && push(program, in, read, context, ++top);
            break;
        case OP_UNLESS_FALSE:
        case OP_UNLESS_TRUE:
            good = top->is_bool;
            pc = (top->i != 0) == (in->op == OP_UNLESS_TRUE) ? in->c : pc;
            break;
        case OP_NOT:
            good = top->is_bool;
            top->i = top->i == 0;
            break;
        case OP_AND:
        case OP_OR:
        case OP_COMPARE:
        case OP_ADD:
        case OP_SUBTRACT:
        case OP_MULTIPLY:
        case OP_DIVIDE:
        case OP_MODULO:
            top--;
            good = join(in, top, top + 1);
            break;
        case OP_RETURN:
            return top->is_bool ? top->i != 0 : -1;
        default:
            return -1;
        }
        if (UNLIKELY(!good)) {
            return -1;
        }
    }
}

int cel_evaluate_whole(const struct cel_program *program, cel_read_whole *read, const void *context)
{
    return program->whole ? run(program, read, context) : -1;
}
