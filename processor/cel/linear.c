/* SPDX-License-Identifier: Apache-2.0 */
/* `f.acts_30d * 18 < f.acts_180d`, `f.acted_2 - f.acted_3 >= duration("2160h")`: most comparisons of a bank's rules
 * are one sum of names, each times a constant, against nought. Found once, when the program is made, by going
 * through its bytecode with sums in the place of values. */
#include "cel/machine.h"

enum {
    DEPTH_MAX = 7,
    TERMS_MAX = 4,
    WEIGHT_MAX = 1 << 17, /* sum of the factors' sizes, also of what is reckoned on the way */
};

/* Of values and constants that keep to these no sum on the way overflows: 2^17 * 2^44 + 2^61 < 2^63. Moments are
 * within 125 years of 1970, so that the machine, too, knows each distance between them. */
#define NUMBER_MAX   (INT64_C(1) << 44)
#define CONSTANT_MAX (INT64_C(1) << 60)
#define DISTANCE_MAX INT64_C(7889400000000) /* milliseconds: 250 years */

struct cel_linear {
    struct {
        uint16_t slot; /* entry of program->slots */
        int32_t factor;
    } terms[TERMS_MAX];
    int64_t constant;
    uint8_t count;
    uint8_t relation; /* of the sum to 0 */
    bool moments;     /* all names are moments, else all are whole numbers */
};

/* A value on the stack. */
struct sum {
    struct cel_linear it;
    int64_t weight;
    bool timed;   /* a duration is in it */
    int moments;  /* as a time: 1 a moment, 0 a distance; else it is no time */
    bool numbers; /* a number is in it, so it is no time */
};

static bool of_constant(const struct cel_value *value, struct sum *out)
{
    *out = (struct sum){.numbers = value->kind == CEL_INT, .timed = value->kind == CEL_DURATION};
    if (out->numbers) {
        out->it.constant = value->i;
        return value->i >= -CONSTANT_MAX && value->i <= CONSTANT_MAX;
    }
    bool plain = out->timed && value->nanos == 0 && value->i >= -DISTANCE_MAX / 1000 &&
                 value->i <= DISTANCE_MAX / 1000;
    out->it.constant = plain ? value->i * 1000 : 0;
    return plain;
}

static void of_slot(uint16_t slot, struct sum *out)
{
    *out = (struct sum){.moments = 1, .weight = 1};
    out->it.terms[0].slot = slot;
    out->it.terms[0].factor = 1;
    out->it.count = 1;
}

/* left += sign * right */
static bool join(struct sum *left, const struct sum *right, int sign)
{
    left->weight += right->weight;
    left->timed = left->timed || right->timed;
    left->moments += sign * right->moments;
    left->numbers = left->numbers || right->numbers || left->moments < 0 || left->moments > 1;
    left->it.constant += sign * right->it.constant;
    for (uint32_t i = 0; i < right->it.count; i++) {
        uint32_t at = 0;
        while (at < left->it.count && left->it.terms[at].slot != right->it.terms[i].slot) {
            at++;
        }
        if (at == TERMS_MAX) {
            return false;
        }
        if (at == left->it.count) {
            left->it.count++;
            left->it.terms[at].slot = right->it.terms[i].slot;
            left->it.terms[at].factor = 0;
        }
        left->it.terms[at].factor += sign * right->it.terms[i].factor;
    }
    return left->weight <= WEIGHT_MAX && left->it.constant >= -CONSTANT_MAX &&
           left->it.constant <= CONSTANT_MAX;
}

/* One of them must be a plain number. */
static bool multiply(struct sum *left, const struct sum *right)
{
    const struct sum *scale = left->it.count == 0 ? left : right;
    struct sum product = left->it.count == 0 ? *right : *left;
    int64_t factor = scale->it.constant;
    if (scale->it.count != 0 || left->timed || right->timed || factor > WEIGHT_MAX ||
        factor < -WEIGHT_MAX ||
        __builtin_mul_overflow(product.it.constant, factor, &product.it.constant)) {
        return false;
    }
    /* What stood there before is no larger, but for a factor of 0. */
    product.weight *= factor == 0 ? 1 : factor < 0 ? -factor : factor;
    product.numbers = true;
    for (uint32_t i = 0; product.weight <= WEIGHT_MAX && i < product.it.count; i++) {
        product.it.terms[i].factor *= (int32_t)factor;
    }
    *left = product;
    return product.weight <= WEIGHT_MAX && product.it.constant >= -CONSTANT_MAX &&
           product.it.constant <= CONSTANT_MAX;
}

/* The comparison's sum: left - right. */
static bool compare(struct sum *left, const struct sum *right, unsigned relation)
{
    bool alike = left->moments == right->moments;
    if (!join(left, right, -1)) {
        return false;
    }
    left->it.relation = (uint8_t)relation;
    left->it.moments = left->timed;
    return !left->timed || (alike && !left->numbers);
}

static bool step(const struct cel_program *program, const struct cel_instruction *in,
                 struct sum *stack, uint32_t *depth)
{
    struct sum *top = &stack[*depth], *under = top - 1;
    switch (in->op) {
    case OP_CONSTANT:
    case OP_SLOT:
        if (++*depth == DEPTH_MAX) {
            return false;
        }
        if (in->op == OP_CONSTANT) {
            return of_constant(&program->constants[in->c], top + 1);
        }
        of_slot(in->b, top + 1);
        return true;
    case OP_ADD:
    case OP_SUBTRACT:
        --*depth;
        return join(under, top, in->op == OP_ADD ? 1 : -1);
    case OP_MULTIPLY:
        --*depth;
        return multiply(under, top);
    default:
        return false;
    }
}

const struct cel_linear *cel_linear_of(const struct cel_program *program, uint32_t entry,
                                       uint32_t code_count, struct arena *arena)
{
    struct sum stack[DEPTH_MAX + 1] = {0}; /* stack[0] is below the first value */
    uint32_t pc = entry, depth = 0;
    while (pc < code_count && step(program, &program->code[pc], stack, &depth)) {
        pc++;
    }
    if (pc + 1 >= code_count || program->code[pc + 1].op != OP_RETURN) {
        return NULL;
    }
    const struct cel_instruction *in = &program->code[pc];
    if (in->op == OP_COMPARE_SLOT && depth == 0) {
        of_slot(in->b, &stack[1]);
        depth = of_constant(&program->constants[in->c], &stack[2]) ? 2 : 0;
    } else if (in->op != OP_COMPARE) {
        return NULL;
    }
    if (depth != 2 || !compare(&stack[1], &stack[2], in->a) || stack[1].it.count == 0) {
        return NULL;
    }
    struct cel_linear *linear = arena_take(arena, sizeof(*linear));
    if (linear != NULL) {
        *linear = stack[1].it;
    }
    return linear;
}

int cel_linear_holds(const struct cel_program *program, const struct cel_linear *linear,
                     cel_read_whole *read, const void *context)
{
    enum cel_found wanted = linear->moments ? CEL_MOMENT : CEL_WHOLE;
    int64_t most = linear->moments ? DISTANCE_MAX / 2 : NUMBER_MAX, sum = linear->constant;
    bool missing = false;
    for (uint32_t i = 0; i < linear->count; i++) {
        int64_t value = 0;
        enum cel_found found = read(context, program->slots[linear->terms[i].slot], &value);
        if (found == CEL_MISSING) {
            missing = true;
        } else if (found != wanted || value < -most || value > most) {
            return -1;
        } else {
            sum += linear->terms[i].factor * value;
        }
    }
    return missing ? CEL_WHOLE_FAILS : cel_compare_wholes(linear->relation, sum, 0);
}
