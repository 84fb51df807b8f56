/* SPDX-License-Identifier: Apache-2.0 */
#include "cel/types.h"

#include <stdio.h>

static const struct cel_type unfixed = {.kind = CEL_ABSENT};

struct cel_type cel_type_of(enum cel_kind kind)
{
    return (struct cel_type){.kind = kind};
}

static const struct cel_type *keep(struct cel_compilation *c, struct cel_type type)
{
    struct cel_type *copy = arena_take(c->arena, sizeof(*copy));
    if (copy == NULL) {
        return &unfixed;
    }
    *copy = type;
    return copy;
}

struct cel_type cel_type_list(struct cel_compilation *c, enum cel_kind kind,
                              struct cel_type element)
{
    return (struct cel_type){.kind = kind, .element = keep(c, element)};
}

struct cel_type cel_type_map(struct cel_compilation *c, struct cel_type key,
                             struct cel_type element)
{
    return (struct cel_type){.kind = CEL_MAP, .key = keep(c, key), .element = keep(c, element)};
}

static struct cel_type part(const struct cel_type *type)
{
    return type == NULL ? cel_type_of(CEL_DYN) : *type;
}

bool cel_type_same(const struct cel_type *a, const struct cel_type *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a->kind == b->kind && cel_type_same(a->key, b->key) &&
           cel_type_same(a->element, b->element);
}

bool cel_type_join(struct cel_compilation *c, struct cel_type a, struct cel_type b,
                   struct cel_type *out)
{
    if (a.kind == CEL_ABSENT || b.kind == CEL_ABSENT) {
        *out = a.kind == CEL_ABSENT ? b : a;
        return true;
    }
    *out = cel_type_of(CEL_DYN);
    if (a.kind == CEL_DYN || b.kind == CEL_DYN) {
        return true;
    }
    if (a.kind == CEL_NULL || b.kind == CEL_NULL) {
        *out = a.kind == b.kind ? a : cel_type_of(CEL_DYN);
        return true;
    }
    if (a.kind != b.kind) {
        return false;
    }
    if (a.kind != CEL_LIST && a.kind != CEL_MAP && a.kind != CEL_OPTIONAL) {
        *out = a;
        return true;
    }
    struct cel_type key = cel_type_of(CEL_DYN), element;
    bool fits = a.kind != CEL_MAP || cel_type_join(c, part(a.key), part(b.key), &key);
    fits = cel_type_join(c, part(a.element), part(b.element), &element) && fits;
    *out = a.kind == CEL_MAP ? cel_type_map(c, key, element) : cel_type_list(c, a.kind, element);
    return fits;
}

struct cel_type cel_type_settle(struct cel_compilation *c, struct cel_type type)
{
    if (type.kind == CEL_ABSENT) {
        return cel_type_of(CEL_DYN);
    }
    if (type.element == NULL) {
        return type;
    }
    struct cel_type element = cel_type_settle(c, *type.element);
    return type.kind == CEL_MAP ? cel_type_map(c, cel_type_settle(c, part(type.key)), element)
                                : cel_type_list(c, type.kind, element);
}

enum cel_kind cel_letter_kind(char letter)
{
    switch (letter) {
    case 'b':
        return CEL_BOOL;
    case 'i':
        return CEL_INT;
    case 'u':
        return CEL_UINT;
    case 'd':
        return CEL_DOUBLE;
    case 's':
        return CEL_STRING;
    case 'y':
        return CEL_BYTES;
    case 't':
        return CEL_TIMESTAMP;
    case 'D':
        return CEL_DURATION;
    case 'n':
        return CEL_NULL;
    case 'T':
        return CEL_TYPE;
    case 'P':
        return CEL_IP;
    case 'C':
        return CEL_CIDR;
    case 'L':
        return CEL_LIST;
    case 'M':
        return CEL_MAP;
    case 'O':
        return CEL_OPTIONAL;
    default:
        return CEL_DYN;
    }
}

static bool fits(struct cel_compilation *c, const char **signature, struct cel_type actual,
                 struct cel_type bound[2])
{
    char letter = *(*signature)++;
    if (letter == 'A' || letter == 'B') {
        struct cel_type *slot = &bound[letter - 'A'];
        return cel_type_join(c, *slot, actual, slot);
    }
    enum cel_kind kind = cel_letter_kind(letter);
    if (kind == CEL_DYN && letter != 'N') {
        return true;
    }
    bool open = actual.kind == CEL_DYN || actual.kind == CEL_ABSENT;
    struct cel_type any = cel_type_of(open ? actual.kind : CEL_DYN);
    bool good = open || actual.kind == kind;
    if (letter == 'N') {
        return open || actual.kind == CEL_INT || actual.kind == CEL_UINT ||
               actual.kind == CEL_DOUBLE;
    }
    if (kind == CEL_MAP) {
        good = fits(c, signature, open || !good ? any : part(actual.key), bound) && good;
    }
    if (kind == CEL_LIST || kind == CEL_MAP || kind == CEL_OPTIONAL) {
        good = fits(c, signature, open || !good ? any : part(actual.element), bound) && good;
    }
    return good;
}

static struct cel_type build(struct cel_compilation *c, const char **signature,
                             const struct cel_type bound[2])
{
    char letter = *(*signature)++;
    if (letter == 'A' || letter == 'B') {
        return bound[letter - 'A'];
    }
    enum cel_kind kind = cel_letter_kind(letter);
    if (kind == CEL_MAP) {
        struct cel_type key = build(c, signature, bound);
        return cel_type_map(c, key, build(c, signature, bound));
    }
    if (kind == CEL_LIST || kind == CEL_OPTIONAL) {
        return cel_type_list(c, kind, build(c, signature, bound));
    }
    return cel_type_of(kind);
}

bool cel_signature_fits(struct cel_compilation *c, const struct cel_function *function, bool method,
                        const struct cel_type *arguments, uint32_t count,
                        struct cel_type *out_result)
{
    const char *at = function->signature;
    struct cel_type bound[2] = {unfixed, unfixed};
    if ((*at == '.') != method) {
        return false;
    }
    at += method;
    for (uint32_t i = 0; i < count; i++) {
        const char *parameter = at;
        if (*at == ':' || !fits(c, &at, arguments[i], bound)) {
            return false;
        }
        if (*at == '+') {
            at = i + 1 < count ? parameter : at + 1;
        }
    }
    if (*at != ':') {
        return false;
    }
    at++;
    *out_result = build(c, &at, bound);
    return true;
}

void cel_type_text(const struct cel_type *type, char *out, size_t size)
{
    char key[100], element[100];
    if (type->element == NULL ||
        (type->kind != CEL_LIST && type->kind != CEL_MAP && type->kind != CEL_OPTIONAL)) {
        const char *name = type->kind == CEL_TIMESTAMP  ? "timestamp"
                           : type->kind == CEL_DURATION ? "duration"
                           : type->kind == CEL_ABSENT   ? "dyn"
                           : type->kind == CEL_NULL     ? "null"
                                                        : cel_kind_name(type->kind);
        (void)snprintf(out, size, "%s", name);
        return;
    }
    cel_type_text(type->element, element, sizeof(element));
    if (type->kind != CEL_MAP) {
        (void)snprintf(out, size, "%s(%s)", type->kind == CEL_LIST ? "list" : "optional", element);
        return;
    }
    struct cel_type key_type = part(type->key);
    cel_type_text(&key_type, key, sizeof(key));
    (void)snprintf(out, size, "map(%s, %s)", key, element);
}
