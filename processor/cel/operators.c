/* SPDX-License-Identifier: Apache-2.0 */
/* Operators: arithmetic that refuses to overflow, `in`, fields and elements. */
#include <math.h>

#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

static struct cel_value overflow(void)
{
    return cel_error("return error for overflow");
}

FUNCTION(int_add)
{
    UNUSED_ARGUMENTS;
    int64_t out = 0;
    return __builtin_add_overflow(a[0].i, a[1].i, &out) ? overflow() : cel_int(out);
}

FUNCTION(int_subtract)
{
    UNUSED_ARGUMENTS;
    int64_t out = 0;
    return __builtin_sub_overflow(a[0].i, a[1].i, &out) ? overflow() : cel_int(out);
}

FUNCTION(int_multiply)
{
    UNUSED_ARGUMENTS;
    int64_t out = 0;
    return __builtin_mul_overflow(a[0].i, a[1].i, &out) ? overflow() : cel_int(out);
}

FUNCTION(int_divide)
{
    UNUSED_ARGUMENTS;
    if (a[1].i == 0) {
        return cel_error("divide by zero");
    }
    return a[0].i == INT64_MIN && a[1].i == -1 ? overflow() : cel_int(a[0].i / a[1].i);
}

FUNCTION(int_modulo)
{
    UNUSED_ARGUMENTS;
    if (a[1].i == 0) {
        return cel_error("modulus by zero");
    }
    return a[1].i == -1 ? (a[0].i == INT64_MIN ? overflow() : cel_int(0))
                        : cel_int(a[0].i % a[1].i);
}

FUNCTION(int_negate)
{
    UNUSED_ARGUMENTS;
    return a[0].i == INT64_MIN ? overflow() : cel_int(-a[0].i);
}

FUNCTION(uint_add)
{
    UNUSED_ARGUMENTS;
    uint64_t out = 0;
    return __builtin_add_overflow(a[0].u, a[1].u, &out) ? overflow() : cel_uint(out);
}

FUNCTION(uint_subtract)
{
    UNUSED_ARGUMENTS;
    return a[0].u < a[1].u ? overflow() : cel_uint(a[0].u - a[1].u);
}

FUNCTION(uint_multiply)
{
    UNUSED_ARGUMENTS;
    uint64_t out = 0;
    return __builtin_mul_overflow(a[0].u, a[1].u, &out) ? overflow() : cel_uint(out);
}

FUNCTION(uint_divide)
{
    UNUSED_ARGUMENTS;
    return a[1].u == 0 ? cel_error("divide by zero") : cel_uint(a[0].u / a[1].u);
}

FUNCTION(uint_modulo)
{
    UNUSED_ARGUMENTS;
    return a[1].u == 0 ? cel_error("modulus by zero") : cel_uint(a[0].u % a[1].u);
}

FUNCTION(double_add)
{
    UNUSED_ARGUMENTS;
    return cel_double(a[0].d + a[1].d);
}

FUNCTION(double_subtract)
{
    UNUSED_ARGUMENTS;
    return cel_double(a[0].d - a[1].d);
}

FUNCTION(double_multiply)
{
    UNUSED_ARGUMENTS;
    return cel_double(a[0].d * a[1].d);
}

/* IEEE 754 division: by zero it is an infinity or NaN, which is what the spec wants. */
__attribute__((no_sanitize("float-divide-by-zero"))) FUNCTION(double_divide)
{
    UNUSED_ARGUMENTS;
    return cel_double(a[0].d / a[1].d);
}

FUNCTION(double_negate)
{
    UNUSED_ARGUMENTS;
    return cel_double(-a[0].d);
}

FUNCTION(text_add)
{
    (void)count;
    size_t size = a[0].text.size + a[1].text.size;
    uint8_t *out = m->scratch == NULL ? NULL : arena_take(m->scratch, size + 1);
    if (out == NULL) {
        return cel_out_of_scratch();
    }
    if (a[0].text.size > 0) {
        memcpy(out, a[0].text.data, a[0].text.size);
    }
    if (a[1].text.size > 0) {
        memcpy(out + a[0].text.size, a[1].text.data, a[1].text.size);
    }
    return (struct cel_value){.kind = a[0].kind, .text = {out, size}};
}

FUNCTION(list_add)
{
    (void)count;
    size_t total = (size_t)a[0].list.count + a[1].list.count;
    struct cel_value *items = cel_take_values(m, total);
    if (items == NULL || total > UINT32_MAX) {
        return cel_out_of_scratch();
    }
    memcpy(items, a[0].list.items, a[0].list.count * sizeof(*items));
    memcpy(items + a[0].list.count, a[1].list.items, a[1].list.count * sizeof(*items));
    return cel_list(items, (uint32_t)total);
}

FUNCTION(time_add)
{
    UNUSED_ARGUMENTS;
    int64_t seconds = 0;
    if (__builtin_add_overflow(a[0].i, a[1].i, &seconds)) {
        return overflow();
    }
    int64_t nanos = (int64_t)a[0].nanos + a[1].nanos;
    bool moment = a[0].kind == CEL_TIMESTAMP || a[1].kind == CEL_TIMESTAMP;
    return moment ? cel_timestamp_of(seconds, nanos) : cel_duration_of(seconds, nanos);
}

FUNCTION(time_subtract)
{
    UNUSED_ARGUMENTS;
    int64_t seconds = 0;
    if (__builtin_sub_overflow(a[0].i, a[1].i, &seconds)) {
        return overflow();
    }
    int64_t nanos = (int64_t)a[0].nanos - a[1].nanos;
    bool moment = a[0].kind == CEL_TIMESTAMP && a[1].kind == CEL_DURATION;
    /* Between two moments the suite wants what fits 64 bits of nanoseconds: 292 years. */
    if (a[1].kind == CEL_TIMESTAMP &&
        (seconds > INT64_MAX / 1000000000 || seconds < INT64_MIN / 1000000000)) {
        return overflow();
    }
    return moment ? cel_timestamp_of(seconds, nanos) : cel_duration_of(seconds, nanos);
}

FUNCTION(duration_negate)
{
    UNUSED_ARGUMENTS;
    return cel_duration_of(-a[0].i, -(int64_t)a[0].nanos);
}

FUNCTION(in_list)
{
    UNUSED_ARGUMENTS;
    for (uint32_t i = 0; i < a[1].list.count; i++) {
        if (cel_equal(&a[1].list.items[i], &a[0])) {
            return cel_bool(true);
        }
    }
    return cel_bool(false);
}

FUNCTION(in_map)
{
    UNUSED_ARGUMENTS;
    return cel_bool(cel_map_find(&a[1], &a[0]) != NULL);
}

/* Reached through cel_dispatch only when kinds are not known before; the machine has a shorter way.
 */
FUNCTION(never)
{
    UNUSED_ARGUMENTS;
    return cel_no_overload();
}

#define COMPARISONS(name)                                                                          \
    {name, "bb:b", never}, {name, "ii:b", never}, {name, "iu:b", never}, {name, "id:b", never},    \
        {name, "ui:b", never}, {name, "uu:b", never}, {name, "ud:b", never},                       \
        {name, "di:b", never}, {name, "du:b", never}, {name, "dd:b", never},                       \
        {name, "ss:b", never}, {name, "yy:b", never}, {name, "tt:b", never},                       \
        {name, "DD:b", never},

const struct cel_function cel_operators[] = {
    {"_+_", "ii:i", int_add},
    {"_+_", "uu:u", uint_add},
    {"_+_", "dd:d", double_add},
    {"_+_", "ss:s", text_add},
    {"_+_", "yy:y", text_add},
    {"_+_", "LALA:LA", list_add},
    {"_+_", "tD:t", time_add},
    {"_+_", "Dt:t", time_add},
    {"_+_", "DD:D", time_add},
    {"_-_", "ii:i", int_subtract},
    {"_-_", "uu:u", uint_subtract},
    {"_-_", "dd:d", double_subtract},
    {"_-_", "tt:D", time_subtract},
    {"_-_", "tD:t", time_subtract},
    {"_-_", "DD:D", time_subtract},
    {"_*_", "ii:i", int_multiply},
    {"_*_", "uu:u", uint_multiply},
    {"_*_", "dd:d", double_multiply},
    {"_/_", "ii:i", int_divide},
    {"_/_", "uu:u", uint_divide},
    {"_/_", "dd:d", double_divide},
    {"_%_", "ii:i", int_modulo},
    {"_%_", "uu:u", uint_modulo},
    {"-_", "i:i", int_negate},
    {"-_", "d:d", double_negate},
    {"-_", "D:D", duration_negate},
    {"!_", "b:b", never},
    {"_==_", "AA:b", never},
    {"_!=_", "AA:b", never},
    COMPARISONS("_<_") COMPARISONS("_<=_") COMPARISONS("_>_")
        COMPARISONS("_>=_"){"@in", "ALA:b", in_list},
    {"@in", "AMAB:b", in_map},
    {NULL, NULL, NULL},
};

/* ---- fields and elements ---- */

static struct cel_value no_such_key(void)
{
    return cel_error("no such key");
}

/* The optional forms: nothing there is none; an optional target passes through. */
static struct cel_value wrap(struct cel_machine *m, const struct cel_value *found)
{
    return found == NULL ? cel_none() : cel_some(m, found);
}

struct cel_value cel_select(struct cel_machine *m, const struct cel_value *target,
                            const struct cel_value *name, unsigned flags)
{
    struct cel_value of = *target;
    bool optional = (flags & SELECT_OPTIONAL) != 0, test = (flags & SELECT_TEST) != 0;
    if (of.kind == CEL_OPTIONAL) {
        if (of.inner == NULL) {
            return test ? cel_bool(false) : of;
        }
        of = *of.inner;
        optional = true;
    }
    if (of.kind != CEL_MAP) {
        return of.kind == CEL_ERROR ? of : optional || test ? no_such_key() : cel_no_overload();
    }
    const struct cel_value *found = cel_map_find(&of, name);
    if (test) {
        return cel_bool(found != NULL);
    }
    return optional ? wrap(m, found) : found == NULL ? no_such_key() : *found;
}

/* The element's index as a whole number; false when the key is none. */
static bool whole_index(const struct cel_value *key, int64_t *out)
{
    bool fraction = key->kind == CEL_DOUBLE && (key->d != floor(key->d) || fabs(key->d) > 1e15);
    if (!cel_is_number(key) || fraction || (key->kind == CEL_UINT && key->u > INT64_MAX)) {
        return false;
    }
    *out = key->kind == CEL_DOUBLE ? (int64_t)key->d : key->i;
    return true;
}

struct cel_value cel_index(struct cel_machine *m, const struct cel_value *target,
                           const struct cel_value *key, bool optional)
{
    struct cel_value of = *target;
    const struct cel_value *found = NULL;
    int64_t i = 0;
    if (of.kind == CEL_ERROR || key->kind == CEL_ERROR) {
        return of.kind == CEL_ERROR ? of : *key;
    }
    if (of.kind == CEL_OPTIONAL) {
        if (of.inner == NULL) {
            return of;
        }
        of = *of.inner;
        optional = true;
    }
    if (of.kind == CEL_MAP) {
        bool good = cel_is_number(key) || key->kind == CEL_BOOL || key->kind == CEL_STRING;
        found = cel_map_find(&of, key);
        if (found == NULL && !optional) {
            return good ? no_such_key() : cel_error("unsupported key type");
        }
    } else if (of.kind == CEL_LIST) {
        if (!whole_index(key, &i)) {
            return cel_error("invalid_argument: a list is indexed by a whole number");
        }
        found = i >= 0 && i < of.list.count ? &of.list.items[i] : NULL;
        if (found == NULL && !optional) {
            return cel_error("invalid_argument: index out of range");
        }
    } else {
        return cel_no_overload();
    }
    return optional ? wrap(m, found) : *found;
}
