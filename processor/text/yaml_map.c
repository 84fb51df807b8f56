/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml decodes scalars and forgets where their bytes were. We walk the raw slice and the decoded
 * text side by side instead of decoding a second time: what is equal goes in step, and only four
 * things may differ.
 *
 *   raw      'a ''b'' >        decoded  a 'b' > 3      '' -> '        \n, \u00e9 -> one character
 *             3'                                       line break and indent -> one space or line
 * feeds an indent that is dropped */
#include "text/yaml_map.h"

struct source_span yaml_span_on(const struct source_file *file, uint32_t line, size_t line_start,
                                size_t from, size_t to)
{
    const uint8_t *data = file->text.data;
    struct source_span span = {file, line, (uint32_t)(from - line_start) + 1, 0};
    const uint8_t *newline = to > from ? memchr(data + from, '\n', to - from) : NULL;
    size_t stop = newline == NULL ? to : (size_t)(newline - data);
    while (stop > from && (data[stop - 1] == '\r' || data[stop - 1] == ' ')) {
        stop--;
    }
    span.length = stop > from ? (uint32_t)(stop - from) : 0;
    return span;
}

struct source_span yaml_span(const struct source_file *file, size_t from, size_t to)
{
    from = from > file->text.size ? file->text.size : from;
    to = to > file->text.size ? file->text.size : to;
    uint32_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < from; i++) {
        if (file->text.data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return yaml_span_on(file, line, line_start, from, to);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Raw bytes of the escape at `raw` (a backslash), and how many decoded bytes it makes (0: none). */
static size_t escape_size(struct slice raw, size_t at, struct slice text, size_t i,
                          size_t *out_decoded)
{
    uint8_t kind = at + 1 < raw.size ? raw.data[at + 1] : 0;
    size_t size = kind == 'x' ? 4 : kind == 'u' ? 6 : kind == 'U' ? 10 : 2;
    if (kind == '\n' || kind == '\r') { /* the line goes on */
        *out_decoded = 0;
        return 2;
    }
    size_t decoded = i < text.size ? 1 : 0;
    while (i + decoded < text.size && (text.data[i + decoded] & 0xc0) == 0x80) {
        decoded++;
    }
    *out_decoded = decoded;
    return size;
}

static void walk(struct slice raw, struct slice text, enum yaml_form form, size_t base,
                 uint32_t *map)
{
    size_t at = 0, i = 0;
    while (i < text.size && at < raw.size) {
        if (form == YAML_FORM_DOUBLE && raw.data[at] == '\\') {
            size_t decoded;
            size_t size = escape_size(raw, at, text, i, &decoded);
            for (size_t j = 0; j < decoded; j++) {
                map[i++] = (uint32_t)(base + at);
            }
            at += size;
        } else if (raw.data[at] == text.data[i]) {
            map[i++] = (uint32_t)(base + at);
            at += form == YAML_FORM_SINGLE && raw.data[at] == '\'' ? 2 : 1;
        } else if (is_blank(raw.data[at])) {
            at++;
        } else if (is_blank(text.data[i])) {
            map[i++] = (uint32_t)(base + at);
        } else {
            at++; /* cannot be for what libyaml accepts; the place is then near, not exact */
        }
    }
    for (; i <= text.size; i++) {
        map[i] = (uint32_t)(base + (at < raw.size ? at : raw.size));
    }
}

bool yaml_map_build(struct yaml_node *node, enum yaml_form form, size_t from, size_t to,
                    struct arena *arena)
{
    struct slice file = node->span.file->text;
    to = to > file.size ? file.size : to;
    from = from > to ? to : from;
    if (form == YAML_FORM_BLOCK) { /* behind the header `>-` or `|` */
        const uint8_t *newline = to > from ? memchr(file.data + from, '\n', to - from) : NULL;
        from = newline == NULL ? to : (size_t)(newline - file.data) + 1;
    } else if (form != YAML_FORM_PLAIN && from < to) {
        from++;
    }
    node->content_at = (uint32_t)from;
    if (node->text.size <= to - from &&
        (node->text.size == 0 || memcmp(file.data + from, node->text.data, node->text.size) == 0)) {
        return true; /* one to one */
    }
    uint32_t *map = arena_take(arena, (node->text.size + 1) * sizeof(*map));
    if (map == NULL) {
        return false;
    }
    walk(slice_of(file.data + from, to - from), node->text, form, from, map);
    node->map = map;
    return true;
}

static size_t place_of(const struct yaml_node *scalar, size_t offset)
{
    offset = offset > scalar->text.size ? scalar->text.size : offset;
    return scalar->map == NULL ? scalar->content_at + offset : scalar->map[offset];
}

struct source_span yaml_locate(const struct yaml_node *scalar, size_t offset, uint32_t length)
{
    size_t from = place_of(scalar, offset);
    size_t to = length == 0 ? from : place_of(scalar, offset + length - 1) + 1;
    return yaml_span(scalar->span.file, from, to < from ? from : to);
}

/* The offset of a line and column in the decoded text. */
static size_t offset_of(struct slice text, uint32_t line, uint32_t column)
{
    size_t at = 0;
    for (uint32_t i = 1; i < line && at < text.size; i++) {
        const uint8_t *newline = memchr(text.data + at, '\n', text.size - at);
        at = newline == NULL ? text.size : (size_t)(newline - text.data) + 1;
    }
    return at + (column > 0 ? column - 1 : 0);
}

void yaml_relocate(const struct yaml_node *scalar, struct diagnostics *diagnostics, uint32_t first)
{
    for (uint32_t i = first; i < diagnostics->count; i++) {
        struct source_span *span = &diagnostics->list[i].span;
        *span =
            yaml_locate(scalar, offset_of(scalar->text, span->line, span->column), span->length);
    }
}
