/* SPDX-License-Identifier: Apache-2.0 */
/* "%s %.2f".format([...]): the strings extension's formatting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cel/machine.h"

enum { PRECISION_MAX = 100, CLAUSE_SIZE_MAX = 512 };

/* Grows by doubling inside scratch; `full` sticks. */
struct text {
    struct arena *scratch;
    uint8_t *data;
    size_t size, room;
    bool full;
};

static void put(struct text *text, const void *data, size_t size)
{
    if (text->full) {
        return;
    }
    if (size > text->room - text->size) {
        size_t room = 2 * (text->size + size) + 64;
        uint8_t *more = text->scratch == NULL ? NULL : arena_take(text->scratch, room);
        if (more == NULL) {
            text->full = true;
            return;
        }
        if (text->size > 0) {
            memcpy(more, text->data, text->size);
        }
        text->data = more;
        text->room = room;
    }
    if (size > 0) {
        memcpy(text->data + text->size, data, size);
    }
    text->size += size;
}

static void put_text(struct text *text, const char *plain)
{
    put(text, plain, strlen(plain));
}

static bool put_value(struct text *out, const struct cel_value *value, int depth);

struct shown {
    struct slice key;
    const struct cel_value *value;
};

static int by_key(const void *a, const void *b)
{
    return slice_compare(((const struct shown *)a)->key, ((const struct shown *)b)->key);
}

/* Maps are shown in the order of their keys' texts. */
static bool put_map(struct text *out, const struct cel_value *map, int depth)
{
    uint32_t count = map->list.count;
    struct shown *entries =
        out->scratch == NULL ? NULL : arena_take(out->scratch, (count + 1) * sizeof(*entries));
    if (entries == NULL) {
        out->full = true;
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct text key = {.scratch = out->scratch};
        if (!put_value(&key, &map->list.items[(size_t)2 * i], depth)) {
            return false;
        }
        entries[i] =
            (struct shown){slice_of(key.data, key.size), &map->list.items[(size_t)2 * i + 1]};
    }
    qsort(entries, count, sizeof(*entries), by_key);
    put_text(out, "{");
    for (uint32_t i = 0; i < count; i++) {
        put_text(out, i == 0 ? "" : ", ");
        put(out, entries[i].key.data, entries[i].key.size);
        put_text(out, ": ");
        if (!put_value(out, entries[i].value, depth)) {
            return false;
        }
    }
    put_text(out, "}");
    return true;
}

static bool put_value(struct text *out, const struct cel_value *value, int depth)
{
    char text[CLAUSE_SIZE_MAX];
    if (depth > 20) {
        return false;
    }
    if (value->kind == CEL_STRING || value->kind == CEL_BYTES || value->kind == CEL_TYPE) {
        put(out, value->text.data, value->text.size);
        return true;
    }
    if (value->kind == CEL_MAP) {
        return put_map(out, value, depth + 1);
    }
    if (value->kind != CEL_LIST) {
        put(out, text, cel_format(value, text, sizeof(text)));
        return value->kind < CEL_OPTIONAL;
    }
    put_text(out, "[");
    for (uint32_t i = 0; i < value->list.count; i++) {
        put_text(out, i == 0 ? "" : ", ");
        if (!put_value(out, &value->list.items[i], depth + 1)) {
            return false;
        }
    }
    put_text(out, "]");
    return true;
}

static bool put_not_finite(struct text *out, const struct cel_value *value)
{
    if (value->kind != CEL_DOUBLE || isfinite(value->d)) {
        return false;
    }
    put_text(out, isnan(value->d) ? "NaN" : value->d < 0 ? "-Infinity" : "Infinity");
    return true;
}

/* Digits of a magnitude in a base of 2, 8 or 16. */
static void put_base(struct text *out, uint64_t u, bool negative, unsigned base, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[72];
    size_t at = sizeof(text);
    do {
        text[--at] = digits[u % base];
        u /= base;
    } while (u > 0);
    put_text(out, negative ? "-" : "");
    put(out, text + at, sizeof(text) - at);
}

static const char *put_whole(struct text *out, const struct cel_value *value, char clause)
{
    bool number = value->kind == CEL_INT || value->kind == CEL_UINT;
    bool negative = value->kind == CEL_INT && value->i < 0;
    uint64_t u = negative ? 0 - value->u : value->u;
    if (clause == 'b') {
        u = value->kind == CEL_BOOL ? value->b : u;
        put_base(out, u, negative, 2, false);
        return number || value->kind == CEL_BOOL
                   ? NULL
                   : "only integers and bools can be formatted as binary";
    }
    if (clause == 'o') {
        put_base(out, u, negative, 8, false);
        return number ? NULL : "octal clause can only be used on integers";
    }
    if (number) {
        put_base(out, u, negative, 16, clause == 'X');
        return NULL;
    }
    if (value->kind != CEL_STRING && value->kind != CEL_BYTES) {
        return "only integers, byte buffers, and strings can be formatted as hex";
    }
    for (size_t i = 0; i < value->text.size; i++) {
        char pair[3];
        (void)snprintf(pair, sizeof(pair), clause == 'X' ? "%02X" : "%02x", value->text.data[i]);
        put_text(out, pair);
    }
    return NULL;
}

/* One clause; NULL or what is wrong. */
static const char *put_clause(struct text *out, const struct cel_value *value, char clause,
                              int precision)
{
    char text[CLAUSE_SIZE_MAX];
    switch (clause) {
    case 's':
        return put_value(out, value, 0) ? NULL : "string clause cannot show this type";
    case 'd':
        if (put_not_finite(out, value)) {
            return NULL;
        }
        put(out, text, cel_format(value, text, sizeof(text)));
        return value->kind == CEL_INT || value->kind == CEL_UINT
                   ? NULL
                   : "decimal clause can only be used on integers";
    case 'f':
    case 'e': {
        if (put_not_finite(out, value)) {
            return NULL;
        }
        if (!cel_is_number(value)) {
            return "fixed-point and scientific clauses can only be used on numbers";
        }
        double d = value->kind == CEL_DOUBLE ? value->d
                   : value->kind == CEL_INT  ? (double)value->i
                                             : (double)value->u;
        int size = snprintf(text, sizeof(text), clause == 'f' ? "%.*f" : "%.*e", precision, d);
        put(out, text, (size_t)size);
        return NULL;
    }
    case 'b':
    case 'o':
    case 'x':
    case 'X':
        return put_whole(out, value, clause);
    default:
        return "could not parse formatting clause";
    }
}

static struct cel_value format(struct cel_machine *m, const struct cel_value *a, uint32_t count)
{
    struct text out = {.scratch = m->scratch};
    struct slice pattern = a[0].text;
    uint32_t next = 0;
    (void)count;
    for (size_t i = 0; i < pattern.size; i++) {
        if (pattern.data[i] != '%') {
            put(&out, &pattern.data[i], 1);
            continue;
        }
        int precision = 6;
        if (++i < pattern.size && pattern.data[i] == '%') {
            put_text(&out, "%");
            continue;
        }
        if (i < pattern.size && pattern.data[i] == '.') {
            precision = 0;
            for (i++; i < pattern.size && pattern.data[i] >= '0' && pattern.data[i] <= '9'; i++) {
                precision = precision > PRECISION_MAX ? precision
                                                      : precision * 10 + (pattern.data[i] - '0');
            }
        }
        if (i >= pattern.size || precision > PRECISION_MAX) {
            return cel_error("could not parse formatting clause");
        }
        if (next >= a[1].list.count) {
            return cel_error("format: more clauses than arguments (index out of range)");
        }
        const char *wrong =
            put_clause(&out, &a[1].list.items[next++], (char)pattern.data[i], precision);
        if (wrong != NULL) {
            return cel_error(wrong);
        }
    }
    return out.full ? cel_out_of_scratch() : cel_string(slice_of(out.data, out.size));
}

const struct cel_function cel_formats[] = {{"format", ".sL*:s", format}, {NULL, NULL, NULL}};
