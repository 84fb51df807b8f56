/* SPDX-License-Identifier: Apache-2.0 */
/* Strings by code points, and base64. Positions count code points, never bytes. */
#include "cel/machine.h"

#define FUNCTION(name)                                                                             \
    static struct cel_value name(struct cel_machine *m, const struct cel_value *a, uint32_t count)
#define UNUSED_ARGUMENTS (void)m, (void)a, (void)count

static uint8_t *room(struct cel_machine *m, size_t size)
{
    return m->scratch == NULL ? NULL : arena_take(m->scratch, size + 1);
}

/* The byte where code point `index` starts; size when it is one past the last; -1 beyond. */
static int64_t byte_at(struct slice text, int64_t index)
{
    size_t at = 0;
    for (int64_t i = 0; i < index; i++) {
        if (at >= text.size) {
            return -1;
        }
        (void)cel_utf8_next(text, &at);
    }
    return index < 0 ? -1 : (int64_t)at;
}

static struct slice part(struct slice text, size_t from, size_t to)
{
    return slice_of(text.data + from, to - from);
}

static struct cel_value out_of_range(void)
{
    return cel_error("index out of range");
}

/* The first byte position of `needle` at or after `from`; -1: none. */
static int64_t find(struct slice text, struct slice needle, size_t from)
{
    if (from > text.size || needle.size > text.size - from) {
        return -1;
    }
    if (needle.size == 0) {
        return (int64_t)from;
    }
    const uint8_t *found = memmem(text.data + from, text.size - from, needle.data, needle.size);
    return found == NULL ? -1 : found - text.data;
}

FUNCTION(text_size)
{
    UNUSED_ARGUMENTS;
    return cel_int(cel_utf8_count(a[0].text));
}

FUNCTION(bytes_size)
{
    UNUSED_ARGUMENTS;
    return cel_int((int64_t)a[0].text.size);
}

FUNCTION(contains)
{
    UNUSED_ARGUMENTS;
    return cel_bool(find(a[0].text, a[1].text, 0) >= 0);
}

FUNCTION(starts_with)
{
    UNUSED_ARGUMENTS;
    size_t size = a[1].text.size;
    return cel_bool(size <= a[0].text.size && slice_equal(part(a[0].text, 0, size), a[1].text));
}

FUNCTION(ends_with)
{
    UNUSED_ARGUMENTS;
    size_t size = a[1].text.size, all = a[0].text.size;
    return cel_bool(size <= all && slice_equal(part(a[0].text, all - size, all), a[1].text));
}

FUNCTION(matches)
{
    (void)count;
    const char *error = NULL;
    if (m->scratch == NULL) {
        return cel_out_of_scratch();
    }
    const struct cel_pattern *pattern = cel_pattern_compile(a[1].text, m->scratch, &error);
    return pattern == NULL ? cel_error(error) : cel_pattern_match(pattern, a[0].text, m->scratch);
}

FUNCTION(char_at)
{
    UNUSED_ARGUMENTS;
    int64_t at = byte_at(a[0].text, a[1].i);
    if (at < 0) {
        return out_of_range();
    }
    size_t end = (size_t)at;
    if (end < a[0].text.size) {
        (void)cel_utf8_next(a[0].text, &end);
    }
    return cel_string(part(a[0].text, (size_t)at, end));
}

FUNCTION(index_of)
{
    UNUSED_ARGUMENTS;
    int64_t from = count == 3 ? byte_at(a[0].text, a[2].i) : 0;
    if (from < 0) {
        return out_of_range();
    }
    int64_t at = find(a[0].text, a[1].text, (size_t)from);
    return cel_int(at < 0 ? -1 : cel_utf8_count(part(a[0].text, 0, (size_t)at)));
}

FUNCTION(last_index_of)
{
    UNUSED_ARGUMENTS;
    int64_t limit = count == 3 ? a[2].i : INT64_MAX, best = -1;
    if (count == 3 && byte_at(a[0].text, a[2].i) < 0) {
        return out_of_range();
    }
    int64_t index = 0;
    for (size_t at = 0; index <= limit; index++) {
        if (a[0].text.size - at < a[1].text.size) {
            break;
        }
        if (slice_equal(part(a[0].text, at, at + a[1].text.size), a[1].text)) {
            best = index;
        }
        if (at == a[0].text.size) {
            break;
        }
        (void)cel_utf8_next(a[0].text, &at);
    }
    return cel_int(best);
}

FUNCTION(substring)
{
    UNUSED_ARGUMENTS;
    int64_t from = byte_at(a[0].text, a[1].i);
    int64_t to = count == 3 ? byte_at(a[0].text, a[2].i) : (int64_t)a[0].text.size;
    return from < 0 || to < from ? out_of_range()
                                 : cel_string(part(a[0].text, (size_t)from, (size_t)to));
}

static struct cel_value change_case(struct cel_machine *m, struct slice text, uint8_t first,
                                    uint8_t last)
{
    uint8_t *out = room(m, text.size);
    for (size_t i = 0; out != NULL && i < text.size; i++) {
        bool change = text.data[i] >= first && text.data[i] <= last;
        out[i] = change ? text.data[i] ^ 0x20 : text.data[i];
    }
    return out == NULL ? cel_out_of_scratch() : cel_string(slice_of(out, text.size));
}

FUNCTION(lower)
{
    (void)count;
    return change_case(m, a[0].text, 'A', 'Z');
}

FUNCTION(upper)
{
    (void)count;
    return change_case(m, a[0].text, 'a', 'z');
}

/* Two passes over the same walk: count the bytes, then write them. */
static size_t replace_into(const struct cel_value *a, int64_t limit, uint8_t *out)
{
    size_t used = 0, at = 0;
    struct slice text = a[0].text, from = a[1].text, to = a[2].text;
    for (int64_t done = 0; limit < 0 || done < limit; done++) {
        int64_t found = find(text, from, at);
        if (found < 0) {
            break;
        }
        size_t keep = (size_t)found - at;
        if (out != NULL) {
            memcpy(out + used, text.data + at, keep);
            memcpy(out + used + keep, to.data, to.size);
        }
        used += keep + to.size;
        at = (size_t)found + from.size;
        if (from.size == 0) {
            size_t next = at;
            if (next >= text.size) {
                return used;
            }
            (void)cel_utf8_next(text, &next);
            if (out != NULL) {
                memcpy(out + used, text.data + at, next - at);
            }
            used += next - at;
            at = next;
        }
    }
    if (out != NULL) {
        memcpy(out + used, text.data + at, text.size - at);
    }
    return used + text.size - at;
}

FUNCTION(replace)
{
    int64_t limit = count == 4 ? a[3].i : -1;
    size_t size = replace_into(a, limit, NULL);
    uint8_t *out = room(m, size);
    if (out == NULL) {
        return cel_out_of_scratch();
    }
    (void)replace_into(a, limit, out);
    return cel_string(slice_of(out, size));
}

FUNCTION(split)
{
    struct slice text = a[0].text, mark = a[1].text;
    int64_t limit = count == 3 ? a[2].i : -1;
    size_t most = mark.size == 0 ? text.size + 1 : text.size / mark.size + 1;
    most = limit >= 0 && (size_t)limit < most ? (size_t)limit : most;
    struct cel_value *items = cel_take_values(m, most + 1);
    uint32_t used = 0;
    size_t at = 0;
    if (items == NULL) {
        return cel_out_of_scratch();
    }
    while (used + 1 < most) {
        size_t end = at;
        if (mark.size == 0) {
            if (at >= text.size) {
                break;
            }
            (void)cel_utf8_next(text, &end);
            if (end >= text.size) {
                break;
            }
        } else {
            int64_t found = find(text, mark, at);
            if (found < 0) {
                break;
            }
            end = (size_t)found;
        }
        items[used++] = cel_string(part(text, at, end));
        at = end + mark.size;
    }
    if (limit != 0 && (mark.size > 0 || at < text.size)) {
        items[used++] = cel_string(part(text, at, text.size));
    }
    return cel_list(items, used);
}

FUNCTION(join)
{
    struct slice mark = count == 2 ? a[1].text : slice_of(NULL, 0);
    size_t size = 0, used = 0;
    for (uint32_t i = 0; i < a[0].list.count; i++) {
        if (a[0].list.items[i].kind != CEL_STRING) {
            return cel_no_overload();
        }
        size += a[0].list.items[i].text.size + (i > 0 ? mark.size : 0);
    }
    uint8_t *out = room(m, size);
    for (uint32_t i = 0; out != NULL && i < a[0].list.count; i++) {
        struct slice item = a[0].list.items[i].text;
        if (i > 0 && mark.size > 0) {
            memcpy(out + used, mark.data, mark.size);
            used += mark.size;
        }
        if (item.size > 0) {
            memcpy(out + used, item.data, item.size);
        }
        used += item.size;
    }
    return out == NULL ? cel_out_of_scratch() : cel_string(slice_of(out, size));
}

static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

FUNCTION(trim)
{
    UNUSED_ARGUMENTS;
    struct slice text = a[0].text;
    size_t from = text.size, to = 0;
    for (size_t at = 0; at < text.size;) {
        size_t start = at;
        if (!is_space(cel_utf8_next(text, &at))) {
            from = start < from ? start : from;
            to = at;
        }
    }
    return cel_string(from < to ? part(text, from, to) : slice_of(text.data, 0));
}

FUNCTION(reverse)
{
    (void)count;
    struct slice text = a[0].text;
    uint8_t *out = room(m, text.size);
    for (size_t at = 0; out != NULL && at < text.size;) {
        size_t start = at;
        (void)cel_utf8_next(text, &at);
        memcpy(out + text.size - at, text.data + start, at - start);
    }
    return out == NULL ? cel_out_of_scratch() : cel_string(slice_of(out, text.size));
}

FUNCTION(quote)
{
    (void)count;
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
    struct slice text = a[0].text;
    uint8_t *out = room(m, 4 * text.size + 2);
    size_t used = 0;
    if (out == NULL) {
        return cel_out_of_scratch();
    }
    out[used++] = '"';
    for (size_t at = 0; at < text.size;) {
        uint32_t c = cel_utf8_next(text, &at);
        const char *special = c > 0 && c < 0x80 ? strchr(from, (int)c) : NULL;
        if (special != NULL) {
            out[used++] = '\\';
            out[used++] = (uint8_t)to[special - from];
        } else {
            used += cel_utf8_put(c, out + used);
        }
    }
    out[used++] = '"';
    return cel_string(slice_of(out, used));
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

FUNCTION(base64_encode)
{
    (void)count;
    struct slice in = a[0].text;
    uint8_t *out = room(m, (in.size + 2) / 3 * 4);
    size_t used = 0;
    for (size_t i = 0; out != NULL && i < in.size; i += 3) {
        uint32_t left = (uint32_t)(in.size - i);
        uint32_t bits = (uint32_t)in.data[i] << 16 |
                        (left > 1 ? (uint32_t)in.data[i + 1] << 8 : 0) |
                        (left > 2 ? in.data[i + 2] : 0U);
        for (uint32_t k = 0; k < 4; k++) {
            out[used++] =
                k > left ? (uint8_t)'=' : (uint8_t)base64_digits[bits >> (18 - 6 * k) & 63];
        }
    }
    return out == NULL ? cel_out_of_scratch() : cel_string(slice_of(out, used));
}

FUNCTION(base64_decode)
{
    (void)count;
    struct slice in = a[0].text;
    for (int pads = 0; pads < 2 && in.size > 0 && in.size % 4 <= 1 && in.data[in.size - 1] == '=';
         pads++) {
        in.size--;
        if (in.size % 4 == 2) {
            break;
        }
    }
    while (in.size > 0 && in.data[in.size - 1] == '=') {
        in.size--;
    }
    uint8_t *out = room(m, in.size);
    uint32_t bits = 0, have = 0;
    size_t used = 0;
    for (size_t i = 0; out != NULL && i < in.size; i++) {
        const char *digit = in.data[i] == 0 ? NULL : strchr(base64_digits, in.data[i]);
        if (digit == NULL || in.size % 4 == 1) {
            return cel_error("not base64");
        }
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[used++] = (uint8_t)(bits >> have);
        }
    }
    return out == NULL ? cel_out_of_scratch()
                       : (struct cel_value){.kind = CEL_BYTES, .text = {out, used}};
}

const struct cel_function cel_strings[] = {
    {"size", "s:i", text_size},
    {"size", ".s:i", text_size},
    {"size", "y:i", bytes_size},
    {"size", ".y:i", bytes_size},
    {"size", "LA:i", cel_list_size},
    {"size", ".LA:i", cel_list_size},
    {"size", "MAB:i", cel_list_size},
    {"size", ".MAB:i", cel_list_size},
    {"contains", ".ss:b", contains},
    {"startsWith", ".ss:b", starts_with},
    {"endsWith", ".ss:b", ends_with},
    {"matches", ".ss:b", matches},
    {"matches", "ss:b", matches},
    {"charAt", ".si:s", char_at},
    {"indexOf", ".ss:i", index_of},
    {"indexOf", ".ssi:i", index_of},
    {"lastIndexOf", ".ss:i", last_index_of},
    {"lastIndexOf", ".ssi:i", last_index_of},
    {"substring", ".si:s", substring},
    {"substring", ".sii:s", substring},
    {"lowerAscii", ".s:s", lower},
    {"upperAscii", ".s:s", upper},
    {"replace", ".sss:s", replace},
    {"replace", ".sssi:s", replace},
    {"split", ".ss:Ls", split},
    {"split", ".ssi:Ls", split},
    {"join", ".Ls:s", join},
    {"join", ".Lss:s", join},
    {"trim", ".s:s", trim},
    {"reverse", ".s:s", reverse},
    {"reverse", ".LA:LA", cel_list_reverse},
    {"strings.quote", "s:s", quote},
    {"base64.encode", "y:s", base64_encode},
    {"base64.decode", "s:y", base64_decode},
    {NULL, NULL, NULL},
};
