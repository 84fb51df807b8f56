/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions between types: int(), uint(), double(), string(), bytes(), bool(), type(), dyn().
 * Times and addresses convert in their own files. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

FUNCTION(same)
{
    UNUSED_ARGUMENTS;
    return a[0];
}

static struct cel_value range(void)
{
    return cel_error("range error: the number does not fit");
}

FUNCTION(int_of_uint)
{
    UNUSED_ARGUMENTS;
    return a[0].u > INT64_MAX ? range() : cel_int((int64_t)a[0].u);
}

FUNCTION(int_of_double)
{
    UNUSED_ARGUMENTS;
    /* The bounds themselves are out: a double there may stand for a number that does not fit. */
    return a[0].d > -0x1p63 && a[0].d < 0x1p63 ? cel_int((int64_t)a[0].d) : range();
}

/* Digits into a NUL-terminated buffer; false when there are too many or none. */
static bool digits(struct slice text, char out[400])
{
    if (text.size == 0 || text.size >= 400 || memchr(text.data, '\0', text.size) != NULL) {
        return false;
    }
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return strchr("0123456789+-.", out[0]) != NULL;
}

FUNCTION(int_of_string)
{
    UNUSED_ARGUMENTS;
    char text[400], *end = NULL;
    errno = 0;
    if (!digits(a[0].text, text)) {
        return cel_error("not a whole number");
    }
    long long i = strtoll(text, &end, 10);
    return *end != '\0' || end == text ? cel_error("not a whole number")
           : errno != 0                ? range()
                                       : cel_int(i);
}

FUNCTION(int_of_timestamp)
{
    UNUSED_ARGUMENTS;
    return cel_int(a[0].i);
}

FUNCTION(uint_of_int)
{
    UNUSED_ARGUMENTS;
    return a[0].i < 0 ? range() : cel_uint((uint64_t)a[0].i);
}

FUNCTION(uint_of_double)
{
    UNUSED_ARGUMENTS;
    return a[0].d > -1.0 && a[0].d < 0x1p64 && a[0].d >= 0 ? cel_uint((uint64_t)a[0].d) : range();
}

FUNCTION(uint_of_string)
{
    UNUSED_ARGUMENTS;
    char text[400], *end = NULL;
    errno = 0;
    if (!digits(a[0].text, text) || text[0] == '-') {
        return cel_error("not an unsigned whole number");
    }
    unsigned long long u = strtoull(text, &end, 10);
    return *end != '\0' ? cel_error("not an unsigned whole number")
           : errno != 0 ? range()
                        : cel_uint(u);
}

FUNCTION(double_of_int)
{
    UNUSED_ARGUMENTS;
    return cel_double((double)a[0].i);
}

FUNCTION(double_of_uint)
{
    UNUSED_ARGUMENTS;
    return cel_double((double)a[0].u);
}

FUNCTION(double_of_string)
{
    UNUSED_ARGUMENTS;
    char text[400], *end = NULL;
    if (slice_is(a[0].text, "NaN")) {
        return cel_double((double)NAN);
    }
    if (slice_is(a[0].text, "Infinity") || slice_is(a[0].text, "+Infinity") ||
        slice_is(a[0].text, "-Infinity")) {
        return cel_double(a[0].text.data[0] == '-' ? -(double)INFINITY : (double)INFINITY);
    }
    if (!digits(a[0].text, text) || strpbrk(text, "xXnN") != NULL) {
        return cel_error("not a number");
    }
    double d = strtod(text, &end);
    return *end != '\0' || end == text ? cel_error("not a number") : cel_double(d);
}

FUNCTION(string_of_any)
{
    (void)count;
    char text[400];
    size_t size = cel_format(&a[0], text, sizeof(text));
    return cel_scratch_string(m, slice_of(text, size));
}

FUNCTION(string_of_bytes)
{
    UNUSED_ARGUMENTS;
    return cel_utf8_valid(a[0].text) ? cel_string(a[0].text) : cel_error("invalid UTF-8");
}

FUNCTION(bytes_of_string)
{
    UNUSED_ARGUMENTS;
    return (struct cel_value){.kind = CEL_BYTES, .text = a[0].text};
}

FUNCTION(bool_of_string)
{
    UNUSED_ARGUMENTS;
    static const char *const texts[2][5] = {{"0", "f", "false", "FALSE", "False"},
                                            {"1", "t", "true", "TRUE", "True"}};
    for (int value = 0; value < 2; value++) {
        for (size_t i = 0; i < ARRAY_COUNT(texts[value]); i++) {
            if (slice_is(a[0].text, texts[value][i])) {
                return cel_bool(value == 1);
            }
        }
    }
    return cel_error("Type conversion error: not a bool");
}

FUNCTION(type_of)
{
    UNUSED_ARGUMENTS;
    return (struct cel_value){.kind = CEL_TYPE, .text = slice_text(cel_kind_name(a[0].kind))};
}

const struct cel_function cel_conversions[] = {
    {"int", "i:i", same},
    {"int", "u:i", int_of_uint},
    {"int", "d:i", int_of_double},
    {"int", "s:i", int_of_string},
    {"int", "t:i", int_of_timestamp},
    {"uint", "u:u", same},
    {"uint", "i:u", uint_of_int},
    {"uint", "d:u", uint_of_double},
    {"uint", "s:u", uint_of_string},
    {"double", "d:d", same},
    {"double", "i:d", double_of_int},
    {"double", "u:d", double_of_uint},
    {"double", "s:d", double_of_string},
    {"string", "s:s", same},
    {"string", "i:s", string_of_any},
    {"string", "u:s", string_of_any},
    {"string", "d:s", string_of_any},
    {"string", "b:s", string_of_any},
    {"string", "y:s", string_of_bytes},
    {"string", "t:s", string_of_any},
    {"string", "D:s", string_of_any},
    {"string", "P:s", string_of_any},
    {"string", "C:s", string_of_any},
    {"bytes", "y:y", same},
    {"bytes", "s:y", bytes_of_string},
    {"bool", "b:b", same},
    {"bool", "s:b", bool_of_string},
    {"type", "*:T", type_of},
    {"dyn", "*:*", same},
    {NULL, NULL, NULL},
};
