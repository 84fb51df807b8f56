/* SPDX-License-Identifier: Apache-2.0 */
/* Text to tokens (langdef.md, "Syntax"). Tokens are made on demand: the parser looks one ahead. */
#include "cel/ast.h"

#include <stdarg.h>
#include <stdio.h>

void cel_report(struct cel_compilation *compilation, uint32_t start, uint32_t end, const char *mend,
                const char *format, ...)
{
    struct source_span span = compilation->origin;
    for (uint32_t i = 0; i < start && i < compilation->text.size; i++) {
        if (compilation->text.data[i] == '\n') {
            span.line++;
            span.column = 1;
        } else {
            span.column++;
        }
    }
    span.length = end > start ? end - start : 1;
    char text[DIAGNOSTIC_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    diagnostics_add(compilation->diagnostics, DIAGNOSTIC_ERROR, span, mend, "%s", text);
    compilation->failed = true;
}

static int at(const struct cel_compilation *c, uint32_t i)
{
    return i < c->text.size ? c->text.data[i] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_name(int c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static uint32_t skip_blank(const struct cel_compilation *c, uint32_t i)
{
    for (;;) {
        int ch = at(c, i);
        if (ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r' || ch == '\f') {
            i++;
        } else if (ch == '/' && at(c, i + 1) == '/') {
            while (at(c, i) != -1 && at(c, i) != '\n') {
                i++;
            }
        } else {
            return i;
        }
    }
}

static struct cel_token bad(struct cel_compilation *c, uint32_t start, uint32_t end,
                            const char *what, const char *mend)
{
    cel_report(c, start, end, mend, "%s", what);
    return (struct cel_token){TOKEN_BAD, start, end, 0};
}

/* `i` stands on the opening quote; `start` on the prefix. */
static struct cel_token lex_string(struct cel_compilation *c, uint32_t start, uint32_t i, bool raw,
                                   bool bytes)
{
    int quote = at(c, i);
    bool triple = at(c, i + 1) == quote && at(c, i + 2) == quote;
    for (i += triple ? 3 : 1;; i++) {
        int ch = at(c, i);
        if (ch == -1 || (!triple && (ch == '\n' || ch == '\r'))) {
            return bad(c, start, i, "text without an end", "close the quotes");
        }
        if (ch == '\\' && !raw) {
            i++;
        } else if (ch == quote && (!triple || (at(c, i + 1) == quote && at(c, i + 2) == quote))) {
            return (struct cel_token){bytes ? TOKEN_BYTES : TOKEN_STRING, start,
                                      i + (triple ? 3 : 1), 0};
        }
    }
}

static struct cel_token lex_number(struct cel_compilation *c, uint32_t start)
{
    uint32_t i = start;
    enum cel_token_kind kind = TOKEN_INT;
    if (at(c, i) == '0' && (at(c, i + 1) == 'x' || at(c, i + 1) == 'X')) {
        for (i += 2; is_hex(at(c, i)); i++) {
        }
    } else {
        while (is_digit(at(c, i))) {
            i++;
        }
        if (at(c, i) == '.' && is_digit(at(c, i + 1))) {
            kind = TOKEN_DOUBLE;
            for (i++; is_digit(at(c, i)); i++) {
            }
        }
        uint32_t sign = at(c, i + 1) == '+' || at(c, i + 1) == '-';
        if ((at(c, i) == 'e' || at(c, i) == 'E') && is_digit(at(c, i + 1 + sign))) {
            kind = TOKEN_DOUBLE;
            for (i += 1 + sign; is_digit(at(c, i)); i++) {
            }
        }
    }
    if (kind == TOKEN_INT && (at(c, i) == 'u' || at(c, i) == 'U')) {
        kind = TOKEN_UINT;
        i++;
    }
    if (is_name(at(c, i))) {
        return bad(c, start, i + 1, "a number runs into a name",
                   "put a space or an operator between");
    }
    return (struct cel_token){kind, start, i, 0};
}

/* The length of a string prefix (r, b, rb, br) before a quote at `i`; 0 when it is no prefix. */
static uint32_t string_prefix(const struct cel_compilation *c, uint32_t i, bool *raw, bool *bytes)
{
    uint32_t n = 0;
    *raw = *bytes = false;
    for (; n < 2; n++) {
        int ch = at(c, i + n);
        if ((ch == 'r' || ch == 'R') && !*raw) {
            *raw = true;
        } else if ((ch == 'b' || ch == 'B') && !*bytes) {
            *bytes = true;
        } else {
            break;
        }
    }
    return at(c, i + n) == '"' || at(c, i + n) == '\'' ? n : 0;
}

static struct cel_token lex_symbol(struct cel_compilation *c, uint32_t i)
{
    static const char pairs[][2] = {{'&', '&'}, {'|', '|'}, {'=', '='},
                                    {'!', '='}, {'<', '='}, {'>', '='}};
    int ch = at(c, i);
    for (size_t p = 0; p < ARRAY_COUNT(pairs); p++) {
        if (ch == pairs[p][0] && at(c, i + 1) == pairs[p][1]) {
            return (struct cel_token){TOKEN_SYMBOL, i, i + 2, SYMBOL2(ch, pairs[p][1])};
        }
    }
    if (ch == '=') {
        return bad(c, i, i + 1, "`=` is not an operator", "write ==");
    }
    if (ch == '&' || ch == '|') {
        return bad(c, i, i + 1, ch == '&' ? "`&` is not an operator" : "`|` is not an operator",
                   ch == '&' ? "write &&" : "write ||");
    }
    if (ch < 0x80 && strchr("!<>+-*/%?:.,()[]{}", ch) != NULL) {
        return (struct cel_token){TOKEN_SYMBOL, i, i + 1, (uint32_t)ch};
    }
    uint32_t end = i + 1;
    while ((at(c, end) & 0xc0) == 0x80 && at(c, end) != -1) {
        end++;
    }
    char what[64];
    (void)snprintf(what, sizeof(what), "`%.*s` means nothing here", ch < ' ' ? 0 : (int)(end - i),
                   (const char *)c->text.data + i);
    return bad(c, i, end, what, NULL);
}

struct cel_token cel_lex(struct cel_compilation *c, uint32_t from)
{
    uint32_t i = skip_blank(c, from);
    int ch = at(c, i);
    bool raw = false, bytes = false;
    if (ch == -1) {
        return (struct cel_token){TOKEN_END, i, i, 0};
    }
    uint32_t prefix = string_prefix(c, i, &raw, &bytes);
    if (prefix > 0 || ch == '"' || ch == '\'') {
        return lex_string(c, i, i + prefix, raw && prefix > 0, bytes && prefix > 0);
    }
    if (is_name(ch)) {
        uint32_t end = i;
        while (is_name(at(c, end)) || is_digit(at(c, end))) {
            end++;
        }
        return (struct cel_token){TOKEN_NAME, i, end, 0};
    }
    if (ch == '`') {
        uint32_t end = i + 1;
        while (is_name(at(c, end)) || is_digit(at(c, end)) ||
               (at(c, end) > 0 && strchr(".-/ ", at(c, end)))) {
            end++;
        }
        if (at(c, end) != '`' || end == i + 1) {
            return bad(c, i, end, "a quoted field has letters, digits and _.-/ only", NULL);
        }
        return (struct cel_token){TOKEN_QUOTED, i, end + 1, 0};
    }
    if (is_digit(ch) || (ch == '.' && is_digit(at(c, i + 1)))) {
        return lex_number(c, i);
    }
    return lex_symbol(c, i);
}
