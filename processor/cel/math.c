/* SPDX-License-Identifier: Apache-2.0 */
/* The math extension. */
#include <math.h>

#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

/* Of the arguments, or of the one list: the last in order `sign`; the first among equals. */
static struct cel_value extreme(const struct cel_value *a, uint32_t count, int sign)
{
    if (count == 1 && a[0].kind == CEL_LIST) {
        count = a[0].list.count;
        a = a[0].list.items;
    }
    if (count == 0) {
        return cel_error("no such overload: an empty list has no least or greatest");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!cel_is_number(&a[i])) {
            return cel_no_overload();
        }
    }
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        best = cel_compare_numbers(&a[i], &a[best]) == sign ? i : best;
    }
    return a[best];
}

FUNCTION(greatest)
{
    (void)m;
    return extreme(a, count, 1);
}

FUNCTION(least)
{
    (void)m;
    return extreme(a, count, -1);
}

#define ROUNDING(name, function)                                                                   \
    FUNCTION(name)                                                                                 \
    {                                                                                              \
        UNUSED_ARGUMENTS;                                                                          \
        return cel_double(function(a[0].d));                                                       \
    }
ROUNDING(round_up, ceil)
ROUNDING(round_down, floor)
ROUNDING(round_near, round)
ROUNDING(cut, trunc)
ROUNDING(root, sqrt)
ROUNDING(double_abs, fabs)

FUNCTION(int_root)
{
    UNUSED_ARGUMENTS;
    return cel_double(sqrt(a[0].kind == CEL_INT ? (double)a[0].i : (double)a[0].u));
}

FUNCTION(int_abs)
{
    UNUSED_ARGUMENTS;
    return a[0].i == INT64_MIN ? cel_error("overflow") : cel_int(a[0].i < 0 ? -a[0].i : a[0].i);
}

FUNCTION(same)
{
    UNUSED_ARGUMENTS;
    return a[0];
}

FUNCTION(int_sign)
{
    UNUSED_ARGUMENTS;
    return cel_int((a[0].i > 0) - (a[0].i < 0));
}

FUNCTION(uint_sign)
{
    UNUSED_ARGUMENTS;
    return cel_uint(a[0].u > 0);
}

FUNCTION(double_sign)
{
    UNUSED_ARGUMENTS;
    return isnan(a[0].d) ? a[0] : cel_double((a[0].d > 0) - (a[0].d < 0));
}

FUNCTION(is_nan)
{
    UNUSED_ARGUMENTS;
    return cel_bool(isnan(a[0].d));
}

FUNCTION(is_inf)
{
    UNUSED_ARGUMENTS;
    return cel_bool(isinf(a[0].d));
}

FUNCTION(is_finite)
{
    UNUSED_ARGUMENTS;
    return cel_bool(isfinite(a[0].d));
}

/* Bits of int and uint alike: the union shares them. */
static struct cel_value bits(const struct cel_value *like, uint64_t u)
{
    return (struct cel_value){.kind = like->kind, .u = u};
}

FUNCTION(bit_and)
{
    UNUSED_ARGUMENTS;
    return bits(a, a[0].u & a[1].u);
}

FUNCTION(bit_or)
{
    UNUSED_ARGUMENTS;
    return bits(a, a[0].u | a[1].u);
}

FUNCTION(bit_xor)
{
    UNUSED_ARGUMENTS;
    return bits(a, a[0].u ^ a[1].u);
}

FUNCTION(bit_not)
{
    UNUSED_ARGUMENTS;
    return bits(a, ~a[0].u);
}

FUNCTION(shift_left)
{
    UNUSED_ARGUMENTS;
    return a[1].i < 0 ? cel_error("negative offset") : bits(a, a[1].i > 63 ? 0 : a[0].u << a[1].i);
}

/* No sign is kept: the spec shifts int as uint. */
FUNCTION(shift_right)
{
    UNUSED_ARGUMENTS;
    return a[1].i < 0 ? cel_error("negative offset") : bits(a, a[1].i > 63 ? 0 : a[0].u >> a[1].i);
}

const struct cel_function cel_maths[] = {
    {"math.greatest", "i+:i", greatest},
    {"math.greatest", "u+:u", greatest},
    {"math.greatest", "d+:d", greatest},
    {"math.greatest", "Li:i", greatest},
    {"math.greatest", "Lu:u", greatest},
    {"math.greatest", "Ld:d", greatest},
    {"math.greatest", "N+:*", greatest},
    {"math.least", "i+:i", least},
    {"math.least", "u+:u", least},
    {"math.least", "d+:d", least},
    {"math.least", "Li:i", least},
    {"math.least", "Lu:u", least},
    {"math.least", "Ld:d", least},
    {"math.least", "N+:*", least},
    {"math.ceil", "d:d", round_up},
    {"math.floor", "d:d", round_down},
    {"math.round", "d:d", round_near},
    {"math.trunc", "d:d", cut},
    {"math.sqrt", "d:d", root},
    {"math.sqrt", "i:d", int_root},
    {"math.sqrt", "u:d", int_root},
    {"math.abs", "d:d", double_abs},
    {"math.abs", "i:i", int_abs},
    {"math.abs", "u:u", same},
    {"math.sign", "i:i", int_sign},
    {"math.sign", "u:u", uint_sign},
    {"math.sign", "d:d", double_sign},
    {"math.isNaN", "d:b", is_nan},
    {"math.isInf", "d:b", is_inf},
    {"math.isFinite", "d:b", is_finite},
    {"math.bitAnd", "ii:i", bit_and},
    {"math.bitAnd", "uu:u", bit_and},
    {"math.bitOr", "ii:i", bit_or},
    {"math.bitOr", "uu:u", bit_or},
    {"math.bitXor", "ii:i", bit_xor},
    {"math.bitXor", "uu:u", bit_xor},
    {"math.bitNot", "i:i", bit_not},
    {"math.bitNot", "u:u", bit_not},
    {"math.bitShiftLeft", "ii:i", shift_left},
    {"math.bitShiftLeft", "ui:u", shift_left},
    {"math.bitShiftRight", "ii:i", shift_right},
    {"math.bitShiftRight", "ui:u", shift_right},
    {NULL, NULL, NULL},
};
