/* SPDX-License-Identifier: Apache-2.0 */
/* The values of literal tokens: numbers within their range, text with its escapes. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cel/ast.h"
#include "cel/values.h"

static bool fail(struct cel_compilation *c, uint32_t start, uint32_t end, const char *what)
{
    cel_report(c, start, end, NULL, "%s", what);
    return false;
}

static bool number(struct cel_compilation *c, const struct cel_token *token, bool negative,
                   struct cel_value *out)
{
    char text[400];
    size_t size = token->end - token->start;
    if (size >= sizeof(text)) {
        return fail(c, token->start, token->end, "a number too long to read");
    }
    memcpy(text, c->text.data + token->start, size);
    text[size] = '\0';
    if (token->kind == TOKEN_DOUBLE) {
        double d = strtod(text, NULL);
        *out = cel_double(negative ? -d : d);
        return true;
    }
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    char *stop = NULL;
    unsigned long long u = strtoull(hex ? text + 2 : text, &stop, hex ? 16 : 10);
    if (errno != 0 || stop == text + 2 * hex) {
        return fail(c, token->start, token->end, "a whole number outside 64 bits");
    }
    if (token->kind == TOKEN_UINT) {
        if (negative) {
            return fail(c, token->start, token->end, "an unsigned number has no sign");
        }
        *out = (struct cel_value){.kind = CEL_UINT, .u = u};
        return true;
    }
    if (u > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return fail(c, token->start, token->end, "int overflow: outside -2^63 .. 2^63-1");
    }
    *out = cel_int(negative ? (int64_t)(0 - u) : (int64_t)u);
    return true;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `count` digits of `base` at text[i]; -1 when they are not there. */
static int64_t digits(struct slice text, size_t i, size_t count, int base)
{
    int64_t value = 0;
    for (size_t k = i; k < i + count; k++) {
        int digit = k < text.size ? hex_digit(text.data[k]) : -1;
        if (digit < 0 || digit >= base) {
            return -1;
        }
        value = value * base + digit;
    }
    return value;
}

/* One escape at text[*i] (the backslash). Appends to out; -1 when it is not one. */
static int escape(struct slice text, size_t *i, bool bytes, uint8_t *out)
{
    static const char from[] = "abfnrtv\\?\"'`";
    static const char to[] = "\a\b\f\n\r\t\v\\?\"'`";
    int c = *i + 1 < text.size ? text.data[*i + 1] : 0;
    const char *plain = c == 0 ? NULL : strchr(from, c);
    if (plain != NULL) {
        *i += 2;
        out[0] = (uint8_t)to[plain - from];
        return 1;
    }
    size_t count = c == 'x' || c == 'X' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 3;
    bool octal = c >= '0' && c <= '3';
    if (!octal && count == 3) {
        return -1;
    }
    int64_t code = octal ? digits(text, *i + 1, 3, 8) : digits(text, *i + 2, count, 16);
    *i += octal ? 4 : 2 + count;
    if (code < 0 || (bytes && count > 3)) {
        return -1;
    }
    if (bytes) {
        out[0] = (uint8_t)code;
        return 1;
    }
    return code > 0x10ffff || (code >= 0xd800 && code < 0xe000)
               ? -1
               : (int)cel_utf8_put((uint32_t)code, out);
}

static bool text_literal(struct cel_compilation *c, const struct cel_token *token,
                         struct cel_value *out)
{
    struct slice all = slice_of(c->text.data + token->start, token->end - token->start);
    bool raw = false, bytes = token->kind == TOKEN_BYTES;
    size_t i = 0;
    for (; all.data[i] != '"' && all.data[i] != '\''; i++) {
        raw = raw || all.data[i] == 'r' || all.data[i] == 'R';
    }
    bool triple =
        all.size - i >= 6 && all.data[i + 1] == all.data[i] && all.data[i + 2] == all.data[i];
    size_t quotes = triple ? 3 : 1;
    struct slice inner = slice_of(all.data + i + quotes, all.size - i - 2 * quotes);
    uint8_t *copy = arena_take(c->arena, inner.size + 4);
    if (copy == NULL) {
        return fail(c, token->start, token->end, "out of memory");
    }
    size_t size = 0;
    for (size_t k = 0; k < inner.size;) {
        if (inner.data[k] != '\\' || raw) {
            /* Line ends are \n whatever the file has. */
            bool crlf = inner.data[k] == '\r' && k + 1 < inner.size && inner.data[k + 1] == '\n';
            k += crlf;
            copy[size++] = inner.data[k] == '\r' ? '\n' : inner.data[k];
            k++;
            continue;
        }
        uint32_t where = token->start + (uint32_t)(i + quotes + k);
        int put = escape(inner, &k, bytes, copy + size);
        if (put < 0) {
            return fail(c, where, where + 2, "no such escape in text: write \\\\ for a backslash");
        }
        size += (size_t)put;
    }
    struct slice text = slice_of(copy, size);
    if (!bytes && !cel_utf8_valid(text)) {
        return fail(c, token->start, token->end, "text is not UTF-8");
    }
    *out = (struct cel_value){.kind = bytes ? CEL_BYTES : CEL_STRING, .text = text};
    return true;
}

bool cel_literal(struct cel_compilation *c, const struct cel_token *token, bool negative,
                 struct cel_value *out)
{
    return token->kind == TOKEN_STRING || token->kind == TOKEN_BYTES
               ? text_literal(c, token, out)
               : number(c, token, negative, out);
}
