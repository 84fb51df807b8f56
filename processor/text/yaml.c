/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's events -> tree. Its marks count characters and lines from 0; ours count bytes and
 * from 1. */
#include "text/yaml.h"

#include <yaml.h>

#include "text/yaml_map.h"

enum { ENTRIES_MAX = 4096 /* of one mapping: the search for duplicates is quadratic */ };

/* One collection that is still open. */
struct level {
    struct yaml_node *node;
    struct yaml_node *last; /* its newest child */
    struct yaml_node *key;  /* mapping: a key that waits for its value */
};

struct place {
    size_t index; /* characters, as libyaml counts */
    size_t byte;
    uint32_t line;     /* from 1 */
    size_t line_start; /* byte */
};

struct builder {
    const struct source_file *file;
    struct arena *arena;
    struct diagnostics *diagnostics;
    struct level levels[YAML_DEPTH_MAX];
    uint32_t depth;
    uint32_t nodes;
    uint32_t documents;
    struct yaml_node *root;
    size_t base;         /* bytes of a byte order mark */
    struct place walked; /* as far as the marks have been turned into bytes */
    struct place start;  /* where the newest node began */
    size_t end_byte;     /* where it ended */
};

/* Walk on to libyaml's character `index`. Marks grow, except back to a node's start, so this reads
 * the file once or twice. */
static struct place place_at(struct builder *builder, size_t index)
{
    struct slice text = builder->file->text;
    struct place at = builder->walked;
    if (index < at.index) {
        at = builder->start;
    }
    if (index < at.index) {
        at = (struct place){0, builder->base, 1, 0};
    }
    while (at.index < index && at.byte < text.size) {
        bool newline = text.data[at.byte] == '\n';
        at.byte++;
        while (at.byte < text.size && (text.data[at.byte] & 0xc0) == 0x80) {
            at.byte++;
        }
        at.index++;
        at.line += newline;
        at.line_start = newline ? at.byte : at.line_start;
    }
    builder->walked = at;
    return at;
}

static struct source_span span_of(struct builder *builder, yaml_mark_t start, yaml_mark_t end)
{
    builder->start = place_at(builder, start.index);
    builder->end_byte = place_at(builder, end.index).byte;
    return yaml_span_on(builder->file, builder->start.line, builder->start.line_start,
                        builder->start.byte, builder->end_byte);
}

static bool refuse(struct builder *builder, const yaml_event_t *event, const char *mend,
                   const char *what)
{
    diagnostics_add(builder->diagnostics, DIAGNOSTIC_ERROR,
                    span_of(builder, event->start_mark, event->end_mark), mend, "%s", what);
    return false;
}

static struct yaml_node *add_node(struct builder *builder, const yaml_event_t *event,
                                  enum yaml_kind kind)
{
    if (++builder->nodes > YAML_NODES_MAX) {
        (void)refuse(builder, event, "split the file", "more than 100,000 nodes in one file");
        return NULL;
    }
    struct yaml_node *node = arena_take(builder->arena, sizeof(*node));
    if (node == NULL) {
        (void)refuse(builder, event, "make the files smaller", "no room left for this file");
        return NULL;
    }
    node->kind = kind;
    node->span = span_of(builder, event->start_mark, event->end_mark);
    return node;
}

static bool set_key(struct builder *builder, const yaml_event_t *event, struct level *level,
                    struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || node->text.size == 0) {
        return refuse(builder, event, NULL, "a key must be plain text");
    }
    for (const struct yaml_node *other = level->node->first; other != NULL; other = other->next) {
        if (slice_equal(other->key->text, node->text)) {
            char mend[80];
            (void)snprintf(mend, sizeof(mend), "the first one is in line %u",
                           other->key->span.line);
            diagnostics_add(builder->diagnostics, DIAGNOSTIC_ERROR, node->span, mend,
                            "key `%.*s` stands twice", SLICE_ARG(node->text));
            return false;
        }
    }
    level->key = node;
    return true;
}

/* Hang a finished or opened node where it belongs. */
static bool attach(struct builder *builder, const yaml_event_t *event, struct yaml_node *node)
{
    if (builder->depth == 0) {
        builder->root = node;
        return true;
    }
    struct level *level = &builder->levels[builder->depth - 1];
    if (level->node->kind == YAML_MAPPING && level->key == NULL) {
        return set_key(builder, event, level, node);
    }
    if (level->node->count >= ENTRIES_MAX && level->node->kind == YAML_MAPPING) {
        return refuse(builder, event, "split it", "more than 4,096 entries in one mapping");
    }
    node->key = level->key;
    level->key = NULL;
    if (level->last == NULL) {
        level->node->first = node;
    } else {
        level->last->next = node;
    }
    level->last = node;
    level->node->count++;
    return true;
}

static bool take_scalar(struct builder *builder, const yaml_event_t *event)
{
    yaml_scalar_style_t style = event->data.scalar.style;
    struct yaml_node *node = add_node(builder, event, YAML_SCALAR);
    if (node == NULL) {
        return false;
    }
    node->quoted =
        style == YAML_SINGLE_QUOTED_SCALAR_STYLE || style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    node->text =
        arena_copy(builder->arena, slice_of(event->data.scalar.value, event->data.scalar.length));
    enum yaml_form form = YAML_FORM_PLAIN;
    if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE) {
        form = YAML_FORM_SINGLE;
    } else if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE) {
        form = YAML_FORM_DOUBLE;
    } else if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) {
        form = YAML_FORM_BLOCK;
    }
    if (node->text.data == NULL ||
        !yaml_map_build(node, form, builder->start.byte, builder->end_byte, builder->arena)) {
        return refuse(builder, event, "make the files smaller", "no room left for this file");
    }
    return attach(builder, event, node);
}

static bool open_collection(struct builder *builder, const yaml_event_t *event, enum yaml_kind kind)
{
    struct yaml_node *node = add_node(builder, event, kind);
    if (node == NULL || !attach(builder, event, node)) {
        return false;
    }
    if (builder->depth > 0 && builder->levels[builder->depth - 1].key == node) {
        return false;
    }
    if (builder->depth == YAML_DEPTH_MAX) {
        return refuse(builder, event, NULL, "nested more than 32 deep");
    }
    builder->levels[builder->depth++] = (struct level){.node = node};
    return true;
}

/* Anchors and tags may stand at any node. */
static bool is_plain_node(struct builder *builder, const yaml_event_t *event,
                          const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL) {
        return refuse(builder, event, "write it out where it is used",
                      "anchors (&) are not allowed");
    }
    if (tag != NULL) {
        return refuse(builder, event, "leave the tag away", "tags (!) are not allowed");
    }
    return true;
}

static bool take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++builder->documents == 1 ||
               refuse(builder, event, "write the second one into a file of its own",
                      "a second document");
    case YAML_ALIAS_EVENT:
        return refuse(builder, event, "write it out", "aliases (*) are not allowed");
    case YAML_SCALAR_EVENT:
        return is_plain_node(builder, event, event->data.scalar.anchor, event->data.scalar.tag) &&
               take_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        return is_plain_node(builder, event, event->data.sequence_start.anchor,
                             event->data.sequence_start.tag) &&
               open_collection(builder, event, YAML_SEQUENCE);
    case YAML_MAPPING_START_EVENT:
        return is_plain_node(builder, event, event->data.mapping_start.anchor,
                             event->data.mapping_start.tag) &&
               open_collection(builder, event, YAML_MAPPING);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return false;
}

/* The two that everybody meets first; libyaml says neither what it is nor what to write. */
static const char *mend_of(const char *problem)
{
    if (strstr(problem, "cannot start any token") != NULL) {
        return "a tab does not indent: write spaces; a text that begins with % @ or ` needs quotes";
    }
    if (strcmp(problem, "mapping values are not allowed in this context") == 0) {
        return "indent the lines of one mapping alike; a text with `: ` in it needs quotes";
    }
    return NULL;
}

/* libyaml has up to two places for a syntax error: where it noticed, and what it was in the middle
 * of. */
static void syntax_error(struct builder *builder, const yaml_parser_t *parser)
{
    char mend[DIAGNOSTIC_TEXT_SIZE] = "";
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    if (parser->error == YAML_READER_ERROR) {
        size_t at = parser->problem_offset + builder->base;
        diagnostics_add(builder->diagnostics, DIAGNOSTIC_ERROR,
                        yaml_span(builder->file, at, at + 1), "write the file as UTF-8", "%s",
                        problem);
        return;
    }
    const char *known = mend_of(problem);
    if (known != NULL) {
        (void)snprintf(mend, sizeof(mend), "%s", known);
    } else if (parser->context != NULL) {
        (void)snprintf(mend, sizeof(mend), "%s at %zu:%zu", parser->context,
                       parser->context_mark.line + 1, parser->context_mark.column + 1);
    }
    diagnostics_add(builder->diagnostics, DIAGNOSTIC_ERROR,
                    span_of(builder, parser->problem_mark, parser->problem_mark), mend, "%s",
                    problem);
}

bool yaml_parse(const struct source_file *file, struct arena *arena,
                struct diagnostics *diagnostics, const struct yaml_node **out_root)
{
    struct builder builder = {.file = file, .arena = arena, .diagnostics = diagnostics};
    if (file->text.size > YAML_FILE_SIZE_MAX) {
        diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, (struct source_span){file, 1, 1, 0},
                        "split it", "the file is larger than 1 MiB");
        return false;
    }
    builder.base = file->text.size >= 3 && memcmp(file->text.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    builder.walked = builder.start = (struct place){0, builder.base, 1, 0};
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, (struct source_span){file, 1, 1, 0}, NULL,
                        "out of memory while reading the file");
        return false;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    const uint8_t *data = file->text.data == NULL ? (const uint8_t *)"" : file->text.data;
    yaml_parser_set_input_string(&parser, data + builder.base, file->text.size - builder.base);
    bool good = true, done = false;
    while (good && !done) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            syntax_error(&builder, &parser);
            good = false;
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        good = take_event(&builder, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (good) {
        *out_root = builder.root;
    }
    return good;
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != YAML_MAPPING) {
        return NULL;
    }
    for (const struct yaml_node *value = mapping->first; value != NULL; value = value->next) {
        if (slice_is(value->key->text, key)) {
            return value;
        }
    }
    return NULL;
}
