/* SPDX-License-Identifier: Apache-2.0 */
#include "textproto.h"

#include <stdio.h>
#include <stdlib.h>

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static void *take(size_t size)
{
    void *block = calloc(1, size);
    if (block == NULL) {
        abort();
    }
    return block;
}

static void skip_blank(struct reader *r)
{
    while (r->at < r->end) {
        if (*r->at == '#') {
            const uint8_t *line = memchr(r->at, '\n', (size_t)(r->end - r->at));
            r->at = line == NULL ? r->end : line;
        } else if (strchr(" \t\r\n,;", *r->at) != NULL) {
            r->at++;
        } else {
            return;
        }
    }
}

static bool accept(struct reader *r, char c)
{
    skip_blank(r);
    bool yes = r->at < r->end && *r->at == (uint8_t)c;
    r->at += yes;
    return yes;
}

static size_t put_utf8(uint32_t code, uint8_t *out)
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

static uint32_t read_digits(struct reader *r, int base, int count)
{
    uint32_t value = 0;
    for (; count > 0 && r->at < r->end; count--, r->at++) {
        int c = *r->at, digit = c >= '0' && c <= '9'                 ? c - '0'
                                : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 87
                                                                     : 99;
        if (digit >= base) {
            break;
        }
        value = value * (uint32_t)base + (uint32_t)digit;
    }
    return value;
}

static size_t read_escape(struct reader *r, uint8_t *out)
{
    static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
    int c = *r->at++;
    const char *plain = strchr(from, c);
    if (plain != NULL && c != 0) {
        out[0] = (uint8_t)to[plain - from];
        return 1;
    }
    if (c == 'u' || c == 'U') {
        return put_utf8(read_digits(r, 16, c == 'u' ? 4 : 8), out);
    }
    if (c == 'x') {
        out[0] = (uint8_t)read_digits(r, 16, 2);
        return 1;
    }
    if (c >= '0' && c <= '7') {
        r->at--;
        out[0] = (uint8_t)read_digits(r, 8, 3);
        return 1;
    }
    out[0] = (uint8_t)c;
    return 1;
}

/* Quoted texts side by side are one. */
static struct slice read_quoted(struct reader *r)
{
    uint8_t *out = take((size_t)(r->end - r->at) + 8);
    size_t size = 0;
    for (skip_blank(r); r->at < r->end && (*r->at == '"' || *r->at == '\''); skip_blank(r)) {
        uint8_t quote = *r->at++;
        while (r->at < r->end && *r->at != quote) {
            if (*r->at == '\\' && r->at + 1 < r->end) {
                r->at++;
                size += read_escape(r, out + size);
            } else {
                out[size++] = *r->at++;
            }
        }
        r->bad = r->bad || r->at >= r->end;
        r->at += r->at < r->end;
    }
    uint8_t *kept = realloc(out, size + 1);
    kept[size] = 0;
    return slice_of(kept, size);
}

static struct slice read_word(struct reader *r)
{
    const uint8_t *start = r->at;
    if (r->at < r->end && *r->at == '[') {
        const uint8_t *close = memchr(r->at, ']', (size_t)(r->end - r->at));
        r->at = close == NULL ? r->end : close + 1;
        return slice_of(start, (size_t)(r->at - start));
    }
    while (r->at < r->end && strchr(" \t\r\n,;:{}<>#\"'[]", *r->at) == NULL) {
        r->at++;
    }
    return slice_of(start, (size_t)(r->at - start));
}

static struct textproto *read_fields(struct reader *r, bool inside);

static void read_value(struct reader *r, struct textproto *field)
{
    skip_blank(r);
    if (accept(r, '{')) {
        field->first = read_fields(r, true);
    } else if (r->at < r->end && (*r->at == '"' || *r->at == '\'')) {
        field->quoted = true;
        field->text = read_quoted(r);
    } else {
        field->text = read_word(r);
        r->bad = r->bad || field->text.size == 0;
    }
}

static struct textproto *read_fields(struct reader *r, bool inside)
{
    struct textproto *first = NULL, **tail = &first;
    for (;;) {
        skip_blank(r);
        if (r->at >= r->end || r->bad) {
            r->bad = r->bad || inside;
            return first;
        }
        if (inside && accept(r, '}')) {
            return first;
        }
        struct textproto *field = take(sizeof(*field));
        const uint8_t *start = r->at;
        field->name = read_word(r);
        r->bad = r->bad || field->name.size == 0;
        (void)accept(r, ':');
        /* name: [a, b] is the field twice. */
        if (accept(r, '[')) {
            struct slice name = field->name;
            while (!r->bad && !accept(r, ']')) {
                field->name = name;
                read_value(r, field);
                *tail = field;
                tail = &field->next;
                field = take(sizeof(*field));
            }
            continue;
        }
        read_value(r, field);
        field->source = slice_of(start, (size_t)(r->at - start));
        *tail = field;
        tail = &field->next;
    }
}

struct textproto *textproto_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return NULL;
    }
    uint8_t *text = take(4 << 20);
    size_t size = fread(text, 1, 4 << 20, file);
    (void)fclose(file);
    struct reader reader = {text, text + size, false};
    struct textproto *fields = read_fields(&reader, false);
    if (reader.bad) {
        (void)fprintf(stderr, "%s: not text format, near byte %zu\n", path,
                      (size_t)(reader.at - text));
        return NULL;
    }
    return fields;
}

const struct textproto *textproto_field(const struct textproto *message, const char *name)
{
    for (const struct textproto *f = message == NULL ? NULL : message->first; f != NULL;
         f = f->next) {
        if (slice_is(f->name, name)) {
            return f;
        }
    }
    return NULL;
}

struct slice textproto_text(const struct textproto *message, const char *name)
{
    const struct textproto *field = textproto_field(message, name);
    return field == NULL ? slice_of(NULL, 0) : field->text;
}
