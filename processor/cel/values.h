/* SPDX-License-Identifier: Apache-2.0 */
/* Values: UTF-8, equality and order across kinds, errors. Private to cel/. */
#ifndef CEL_VALUES_H
#define CEL_VALUES_H

#include "cel/cel.h"

/* Room for a product of two 64-bit numbers (a compiler extension, hence the one typedef). */
__extension__ typedef __int128 cel_wide;

/* Append a code point; returns the bytes written (1 to 4). */
size_t cel_utf8_put(uint32_t code, uint8_t *out);

/* The code point at text[*at], which moves on. Malformed bytes count as U+FFFD, one byte each. */
uint32_t cel_utf8_next(struct slice text, size_t *at);

bool cel_utf8_valid(struct slice text);

/* Code points in the text. */
int64_t cel_utf8_count(struct slice text);

/* An error with a static message. */
static inline struct cel_value cel_error(const char *text)
{
    return (struct cel_value){.kind = CEL_ERROR, .text = slice_text(text)};
}

static inline struct cel_value cel_no_overload(void)
{
    return cel_error("no such overload");
}

static inline struct cel_value cel_uint(uint64_t u)
{
    return (struct cel_value){.kind = CEL_UINT, .u = u};
}

static inline struct cel_value cel_list(const struct cel_value *items, uint32_t count)
{
    return (struct cel_value){.kind = CEL_LIST, .list = {items, count}};
}

static inline bool cel_is_number(const struct cel_value *value)
{
    return value->kind == CEL_INT || value->kind == CEL_UINT || value->kind == CEL_DOUBLE;
}

enum { CEL_UNORDERED = 2 }; /* NaN */

/* Numbers of any two kinds by their mathematical value: -1, 0, 1 or CEL_UNORDERED. */
int cel_compare_numbers(const struct cel_value *a, const struct cel_value *b);

/* _==_ of the spec: never an error; values of different kinds are unequal, numbers compare across
 * kinds. */
bool cel_equal(const struct cel_value *a, const struct cel_value *b);

/* Order of two values; false when the kinds have none. */
bool cel_compare(const struct cel_value *a, const struct cel_value *b, int *out_order);

/* The value of `key`; NULL when the map has none. A whole double finds an int key. */
const struct cel_value *cel_map_find(const struct cel_value *map, const struct cel_value *key);

/* The type's name as an expression sees it: "int", "google.protobuf.Timestamp". Static. */
const char *cel_kind_name(enum cel_kind kind);

/* A double in the fewest digits that read back as it. Returns the length. */
size_t cel_double_text(double d, char *out, size_t size);

#endif
