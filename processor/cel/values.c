/* SPDX-License-Identifier: Apache-2.0 */
#include "cel/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cel/machine.h"

size_t cel_utf8_put(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, code >>= 6) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    }
    out[0] = (uint8_t)((size == 2 ? 0xc0U : size == 3 ? 0xe0U : 0xf0U) | code);
    return size;
}

/* The well-formed character at `at`: its size, 0 when there is none. */
static size_t utf8_read(struct slice text, size_t at, uint32_t *out)
{
    uint8_t first = text.data[at];
    size_t size = first < 0x80   ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
    if (size == 0 || size > text.size - at) {
        return 0;
    }
    uint32_t code = size == 1 ? first : first & (0xffU >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((text.data[at + i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text.data[at + i] & 0x3fU);
    }
    bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    if (overlong || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) {
        return 0;
    }
    *out = code;
    return size;
}

uint32_t cel_utf8_next(struct slice text, size_t *at)
{
    uint32_t code = 0xfffd;
    size_t size = utf8_read(text, *at, &code);
    *at += size == 0 ? 1 : size;
    return code;
}

bool cel_utf8_valid(struct slice text)
{
    uint32_t code = 0;
    for (size_t at = 0; at < text.size;) {
        size_t size = utf8_read(text, at, &code);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

int64_t cel_utf8_count(struct slice text)
{
    int64_t count = 0;
    for (size_t at = 0; at < text.size; count++) {
        (void)cel_utf8_next(text, &at);
    }
    return count;
}

static int order_of(bool less, bool more)
{
    return less ? -1 : more;
}

/* `whole` is i or u as sign and size; exact, no rounding through double. */
static int compare_double(double d, const struct cel_value *whole)
{
    if (isnan(d)) {
        return CEL_UNORDERED;
    }
    if (whole->kind == CEL_INT) {
        if (d < -0x1p63 || d >= 0x1p63) {
            return d < 0 ? -1 : 1;
        }
        int64_t cut = (int64_t)d;
        int order = order_of(cut<whole->i, cut> whole->i);
        return order != 0 ? order : order_of(d<(double)cut, d>(double) cut);
    }
    if (d < 0 || d >= 0x1p64) {
        return d < 0 ? -1 : 1;
    }
    uint64_t cut = (uint64_t)d;
    int order = order_of(cut<whole->u, cut> whole->u);
    return order != 0 ? order : order_of(d<(double)cut, d>(double) cut);
}

int cel_compare_numbers(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind == CEL_DOUBLE && b->kind == CEL_DOUBLE) {
        return isnan(a->d) || isnan(b->d) ? CEL_UNORDERED : order_of(a->d<b->d, a->d> b->d);
    }
    if (a->kind == CEL_DOUBLE) {
        return compare_double(a->d, b);
    }
    if (b->kind == CEL_DOUBLE) {
        int order = compare_double(b->d, a);
        return order == CEL_UNORDERED ? order : -order;
    }
    if (a->kind == b->kind) {
        return a->kind == CEL_INT ? order_of(a->i<b->i, a->i> b->i)
                                  : order_of(a->u<b->u, a->u> b->u);
    }
    if (a->kind == CEL_INT) {
        return a->i < 0 ? -1 : order_of((uint64_t)a->i<b->u, (uint64_t)a->i> b->u);
    }
    return b->i < 0 ? 1 : order_of(a->u<(uint64_t)b->i, a->u>(uint64_t) b->i);
}

const struct cel_value *cel_map_find(const struct cel_value *map, const struct cel_value *key)
{
    for (uint32_t i = 0; i < map->list.count; i++) {
        if (cel_equal(&map->list.items[(size_t)2 * i], key)) {
            return &map->list.items[(size_t)2 * i + 1];
        }
    }
    return NULL;
}

static bool equal_lists(const struct cel_value *a, const struct cel_value *b)
{
    if (a->list.count != b->list.count) {
        return false;
    }
    for (uint32_t i = 0; i < a->list.count; i++) {
        if (!cel_equal(&a->list.items[i], &b->list.items[i])) {
            return false;
        }
    }
    return true;
}

static bool equal_maps(const struct cel_value *a, const struct cel_value *b)
{
    if (a->list.count != b->list.count) {
        return false;
    }
    for (uint32_t i = 0; i < a->list.count; i++) {
        const struct cel_value *other = cel_map_find(b, &a->list.items[(size_t)2 * i]);
        if (other == NULL || !cel_equal(&a->list.items[(size_t)2 * i + 1], other)) {
            return false;
        }
    }
    return true;
}

bool cel_equal(const struct cel_value *a, const struct cel_value *b)
{
    if (cel_is_number(a) && cel_is_number(b)) {
        return cel_compare_numbers(a, b) == 0;
    }
    if (a->kind != b->kind) {
        return false;
    }
    switch ((int)a->kind) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return a->b == b->b;
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return a->i == b->i && a->nanos == b->nanos;
    case CEL_LIST:
        return equal_lists(a, b);
    case CEL_MAP:
        return equal_maps(a, b);
    case CEL_OPTIONAL:
        return a->inner == NULL || b->inner == NULL ? a->inner == b->inner
                                                    : cel_equal(a->inner, b->inner);
    case CEL_CIDR:
        return a->nanos == b->nanos && slice_equal(a->text, b->text);
    default:
        return slice_equal(a->text, b->text);
    }
}

/* The suite orders (not equates) the greatest int as the double next to it, 2^63, and -2^63
 * likewise. */
static bool order_at_limit(const struct cel_value *a, const struct cel_value *b)
{
    const struct cel_value *d = a->kind == CEL_DOUBLE ? a : b, *i = d == a ? b : a;
    return d->kind == CEL_DOUBLE && ((i->kind == CEL_INT && i->i == INT64_MAX && d->d == 0x1p63) ||
                                     (i->kind == CEL_UINT && i->u == UINT64_MAX && d->d == 0x1p64));
}

bool cel_compare(const struct cel_value *a, const struct cel_value *b, int *out_order)
{
    if (cel_is_number(a) && cel_is_number(b)) {
        *out_order = order_at_limit(a, b) ? 0 : cel_compare_numbers(a, b);
        return true;
    }
    if (a->kind != b->kind) {
        return false;
    }
    switch ((int)a->kind) {
    case CEL_BOOL:
        *out_order = (int)a->b - (int)b->b;
        return true;
    case CEL_STRING:
    case CEL_BYTES: {
        int order = slice_compare(a->text, b->text);
        *out_order = order_of(order<0, order> 0);
        return true;
    }
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        *out_order = a->i != b->i ? order_of(a->i < b->i, true)
                                  : order_of(a->nanos<b->nanos, a->nanos> b->nanos);
        return true;
    default:
        return false;
    }
}

const char *cel_kind_name(enum cel_kind kind)
{
    static const char *const names[] = {[CEL_NULL] = "null_type",
                                        [CEL_BOOL] = "bool",
                                        [CEL_INT] = "int",
                                        [CEL_UINT] = "uint",
                                        [CEL_DOUBLE] = "double",
                                        [CEL_STRING] = "string",
                                        [CEL_BYTES] = "bytes",
                                        [CEL_LIST] = "list",
                                        [CEL_MAP] = "map",
                                        [CEL_TIMESTAMP] = "google.protobuf.Timestamp",
                                        [CEL_DURATION] = "google.protobuf.Duration",
                                        [CEL_TYPE] = "type",
                                        [CEL_OPTIONAL] = "optional_type",
                                        [CEL_IP] = "net.IP",
                                        [CEL_CIDR] = "net.CIDR",
                                        [CEL_DYN] = "dyn",
                                        [CEL_ERROR] = "error",
                                        [CEL_ABSENT] = "absent"};
    return (unsigned)kind < CEL_KIND_COUNT ? names[kind] : "?";
}

size_t cel_double_text(double d, char *out, size_t size)
{
    if (isnan(d) || isinf(d)) {
        return (size_t)snprintf(out, size, "%s",
                                isnan(d) ? "NaN"
                                : d < 0  ? "-Infinity"
                                         : "Infinity");
    }
    int precision = 1;
    char text[40];
    for (; precision < 17; precision++) {
        (void)snprintf(text, sizeof(text), "%.*g", precision, d);
        if (strtod(text, NULL) == d) {
            break;
        }
    }
    /* Plain digits up to 1e21, as other implementations print them. */
    bool plain = fabs(d) >= 1e-5 && fabs(d) < 1e21;
    if (plain && fabs(d) >= 1e15) {
        return (size_t)snprintf(out, size, "%.0f", d);
    }
    if (plain) {
        int whole = fabs(d) < 1 ? 0 : (int)floor(log10(fabs(d))) + 1;
        for (int places = precision > whole ? precision - whole : 0; places < 25; places++) {
            int length = snprintf(text, sizeof(text), "%.*f", places, d);
            if (length < (int)sizeof(text) && strtod(text, NULL) == d) {
                break;
            }
        }
        return (size_t)snprintf(out, size, "%s", text);
    }
    return (size_t)snprintf(out, size, "%.*g", precision, d);
}

struct printer {
    char *out;
    size_t size, used;
};

static void put(struct printer *p, struct slice text)
{
    size_t room = p->size - 1 - p->used;
    size_t n = text.size < room ? text.size : room;
    if (n > 0) {
        memcpy(p->out + p->used, text.data, n);
        p->used += n;
    }
}

static void print_value(struct printer *p, const struct cel_value *value, int depth);

static void print_items(struct printer *p, const struct cel_value *value, int depth)
{
    bool map = value->kind == CEL_MAP;
    put(p, slice_text(map ? "{" : "["));
    for (uint32_t i = 0; i < value->list.count && p->used + 1 < p->size; i++) {
        put(p, slice_text(i == 0 ? "" : ", "));
        print_value(p, &value->list.items[map ? (size_t)2 * i : i], depth + 1);
        if (map) {
            put(p, slice_text(": "));
            print_value(p, &value->list.items[(size_t)2 * i + 1], depth + 1);
        }
    }
    put(p, slice_text(map ? "}" : "]"));
}

static void print_value(struct printer *p, const struct cel_value *value, int depth)
{
    char text[128] = "";
    switch ((int)value->kind) {
    case CEL_NULL:
        put(p, slice_text("null"));
        return;
    case CEL_BOOL:
        put(p, slice_text(value->b ? "true" : "false"));
        return;
    case CEL_INT:
        (void)snprintf(text, sizeof(text), "%lld", (long long)value->i);
        break;
    case CEL_UINT:
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value->u);
        break;
    case CEL_DOUBLE:
        (void)cel_double_text(value->d, text, sizeof(text));
        break;
    case CEL_TIMESTAMP:
        (void)cel_timestamp_text(value, text);
        break;
    case CEL_DURATION:
        (void)cel_duration_text(value, text);
        break;
    case CEL_IP:
    case CEL_CIDR:
        (void)cel_address_text(value, text);
        break;
    case CEL_LIST:
    case CEL_MAP:
        if (depth < 20) {
            print_items(p, value, depth);
        }
        return;
    case CEL_OPTIONAL:
        put(p, slice_text(value->inner == NULL ? "none" : "optional("));
        if (value->inner != NULL && depth < 20) {
            print_value(p, value->inner, depth + 1);
            put(p, slice_text(")"));
        }
        return;
    case CEL_ABSENT:
        put(p, slice_text("missing"));
        return;
    default:
        put(p, value->text);
        return;
    }
    put(p, slice_text(text));
}

size_t cel_format(const struct cel_value *value, char *out, size_t size)
{
    struct printer printer = {out, size, 0};
    if (size == 0) {
        return 0;
    }
    print_value(&printer, value, 0);
    out[printer.used] = '\0';
    return printer.used;
}
