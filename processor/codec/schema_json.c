/* SPDX-License-Identifier: Apache-2.0 */
/* schema_parse: JSON text -> struct schema. jansson reads the JSON (and refuses duplicate keys);
 * what it allocates is freed before we return. Recursion is bounded by SCHEMA_DEPTH_MAX. */
#include "codec/schema.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/schema_fits.h"

enum { WHERE_SIZE = 256 };

/* A default waits until every type is complete: it may be of a record that contains it. */
struct pending {
    struct schema_field *field;
    json_t *value; /* borrowed from the document */
    struct slice where;
    struct pending *next;
};

struct parser {
    struct arena *arena;
    struct status_text *text;
    enum status status; /* of the first failure */
    struct schema *names[SCHEMA_NAMES_MAX];
    uint32_t name_count;
    uint32_t node_count;
    struct pending *pending;
    char where[WHERE_SIZE]; /* path of what is being read, for messages */
};

static const struct slice nothing = {(const uint8_t *)"", 0};

static const struct schema primitives[] = {
    {.type = SCHEMA_NULL, .default_symbol = -1},  {.type = SCHEMA_BOOLEAN, .default_symbol = -1},
    {.type = SCHEMA_INT, .default_symbol = -1},   {.type = SCHEMA_LONG, .default_symbol = -1},
    {.type = SCHEMA_FLOAT, .default_symbol = -1}, {.type = SCHEMA_DOUBLE, .default_symbol = -1},
    {.type = SCHEMA_BYTES, .default_symbol = -1}, {.type = SCHEMA_STRING, .default_symbol = -1},
};

static const struct schema *parse_type(struct parser *parser, json_t *json, struct slice space,
                                       uint32_t depth);

static void *fail(struct parser *parser, const char *what, struct slice detail)
{
    if (parser->status == STATUS_OK) {
        parser->status = status_fail(parser->text, STATUS_INVALID, "%s%s%s%s%.*s", parser->where,
                                     parser->where[0] == '\0' ? "" : ": ", what,
                                     detail.size > 0 ? " " : "", SLICE_ARG(detail));
    }
    return NULL;
}

static void *fail_full(struct parser *parser)
{
    if (parser->status == STATUS_OK) {
        parser->status = status_fail(parser->text, STATUS_FULL,
                                     "the schema needs more memory than there is for schemas");
    }
    return NULL;
}

static void *take(struct parser *parser, size_t size)
{
    void *block = arena_take(parser->arena, size == 0 ? 1 : size);
    return block == NULL ? fail_full(parser) : block;
}

static struct slice json_slice(json_t *json)
{
    const char *text = json_string_value(json);
    return text == NULL ? nothing : slice_of(text, json_string_length(json));
}

static bool keep(struct parser *parser, struct slice text, struct slice *out)
{
    *out = arena_copy(parser->arena, text);
    if (out->data == NULL) {
        (void)fail_full(parser);
        return false;
    }
    return true;
}

static size_t where_push(struct parser *parser, const char *separator, struct slice name)
{
    size_t before = strlen(parser->where);
    (void)snprintf(parser->where + before, WHERE_SIZE - before, "%s%.*s",
                   before == 0 ? "" : separator, SLICE_ARG(name));
    return before;
}

/* Names -------------------------------------------------------------------------------------------
 */

static bool is_name(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        int c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return text.size > 0;
}

/* Names joined by dots. */
static bool is_full_name(struct slice text)
{
    const uint8_t *start = text.data;
    const uint8_t *end = text.data + text.size;
    while (start <= end && text.size > 0) {
        const uint8_t *dot = memchr(start, '.', (size_t)(end - start));
        const uint8_t *stop = dot == NULL ? end : dot;
        if (!is_name(slice_of(start, (size_t)(stop - start)))) {
            return false;
        }
        if (dot == NULL) {
            return true;
        }
        start = dot + 1;
    }
    return false;
}

static const uint8_t *last_dot(struct slice name)
{
    for (size_t i = name.size; i > 0; i--) {
        if (name.data[i - 1] == '.') {
            return &name.data[i - 1];
        }
    }
    return NULL;
}

static struct slice space_of(struct slice full)
{
    const uint8_t *dot = last_dot(full);
    return dot == NULL ? nothing : slice_of(full.data, (size_t)(dot - full.data));
}

static const struct schema *primitive_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_COUNT(primitives); i++) {
        if (slice_is(name, schema_type_name(primitives[i].type))) {
            return &primitives[i];
        }
    }
    return NULL;
}

/* `name` inside `space`, unless it has dots of its own. */
static bool full_name(struct parser *parser, struct slice name, struct slice space,
                      struct slice *out)
{
    if (name.size == 0 || space.size == 0 || last_dot(name) != NULL) {
        return keep(parser, name, out);
    }
    uint8_t *joined = take(parser, space.size + 1 + name.size);
    if (joined == NULL) {
        return false;
    }
    memcpy(joined, space.data, space.size);
    joined[space.size] = '.';
    memcpy(joined + space.size + 1, name.data, name.size);
    *out = slice_of(joined, space.size + 1 + name.size);
    return true;
}

static struct schema *name_find(struct parser *parser, struct slice full)
{
    for (uint32_t i = 0; i < parser->name_count; i++) {
        if (slice_equal(parser->names[i]->name, full)) {
            return parser->names[i];
        }
    }
    return NULL;
}

static const struct schema *parse_reference(struct parser *parser, struct slice name,
                                            struct slice space)
{
    struct slice full;
    if (!full_name(parser, name, space, &full)) {
        return NULL;
    }
    const struct schema *found = name_find(parser, full);
    /* Java and C look in the null namespace too, and schemas in the wild lean on that. */
    found = found == NULL ? name_find(parser, name) : found;
    return found == NULL ? fail(parser, "there is no type", name) : found;
}

static struct schema *node_new(struct parser *parser, enum schema_type type)
{
    if (++parser->node_count > SCHEMA_NODES_MAX) {
        return fail(parser, "too many types", nothing);
    }
    struct schema *schema = take(parser, sizeof *schema);
    if (schema != NULL) {
        *schema = (struct schema){.type = type, .default_symbol = -1};
    }
    return schema;
}

static bool parse_aliases(struct parser *parser, json_t *json, struct slice space, bool full,
                          const struct slice **out_aliases, uint32_t *out_count)
{
    json_t *list = json_object_get(json, "aliases");
    if (list == NULL) {
        return true;
    }
    if (!json_is_array(list) || json_array_size(list) > SCHEMA_FIELDS_MAX) {
        (void)fail(parser, "aliases is no list of names", nothing);
        return false;
    }
    size_t count = json_array_size(list);
    struct slice *aliases = take(parser, count * sizeof *aliases);
    for (size_t i = 0; aliases != NULL && i < count; i++) {
        struct slice alias = json_slice(json_array_get(list, i));
        if (full ? !is_full_name(alias) : !is_name(alias)) {
            aliases = fail(parser, "this alias is no name:", alias);
        } else if (!(full ? full_name(parser, alias, space, &aliases[i])
                          : keep(parser, alias, &aliases[i]))) {
            aliases = NULL;
        }
    }
    *out_aliases = aliases;
    *out_count = (uint32_t)count;
    return aliases != NULL;
}

/* Read name, namespace and aliases of a record, enum or fixed, and make the name known. */
static struct schema *named_new(struct parser *parser, json_t *json, enum schema_type type,
                                struct slice enclosing)
{
    json_t *namespace = json_object_get(json, "namespace");
    struct slice name = json_slice(json_object_get(json, "name"));
    if (!is_full_name(name)) {
        return fail(parser, name.size == 0 ? "a named type has no name" : "this is no name:", name);
    }
    if (namespace != NULL && !json_is_string(namespace)) {
        return fail(parser, "namespace is no text", nothing);
    }
    struct slice space = namespace == NULL ? enclosing : json_slice(namespace);
    if (namespace != NULL && space.size > 0 && !is_full_name(space)) {
        return fail(parser, "this is no namespace:", space);
    }
    struct schema *schema = node_new(parser, type);
    if (schema == NULL || !full_name(parser, name, space, &schema->name)) {
        return NULL;
    }
    if (primitive_find(schema->name) != NULL) {
        return fail(parser, "a type may not be named", schema->name);
    }
    if (name_find(parser, schema->name) != NULL) {
        return fail(parser, "this type is defined twice:", schema->name);
    }
    if (parser->name_count == SCHEMA_NAMES_MAX) {
        return fail(parser, "too many named types", nothing);
    }
    parser->names[parser->name_count++] = schema;
    return parse_aliases(parser, json, space_of(schema->name), true, &schema->aliases,
                         &schema->alias_count)
               ? schema
               : NULL;
}

/* Types -------------------------------------------------------------------------------------------
 */

static bool parse_default(struct parser *parser, json_t *json, struct schema_field *field)
{
    json_t *value = json_object_get(json, "default");
    if (value == NULL) {
        return true;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    struct pending *pending = take(parser, sizeof *pending);
    bool good = text != NULL && pending != NULL &&
                keep(parser, slice_text(text), &field->default_json) &&
                keep(parser, slice_text(parser->where), &pending->where);
    free(text);
    if (!good) {
        (void)fail_full(parser);
        return false;
    }
    field->has_default = true;
    pending->field = field;
    pending->value = value;
    pending->next = parser->pending;
    parser->pending = pending;
    return true;
}

static bool parse_field(struct parser *parser, json_t *json, struct schema *record, uint32_t index,
                        uint32_t depth)
{
    struct schema_field *field = &record->fields[index];
    struct slice name = json_slice(json_object_get(json, "name"));
    if (!json_is_object(json) || !is_name(name)) {
        (void)fail(parser, name.size == 0 ? "a field has no name" : "this is no field name:", name);
        return false;
    }
    for (uint32_t i = 0; i < index; i++) {
        if (slice_equal(record->fields[i].name, name)) {
            (void)fail(parser, "this field stands twice:", name);
            return false;
        }
    }
    size_t before = where_push(parser, ".", name);
    json_t *type = json_object_get(json, "type");
    bool good =
        keep(parser, name, &field->name) &&
        (type != NULL || fail(parser, "the field has no type", nothing) != NULL) &&
        (field->type = parse_type(parser, type, space_of(record->name), depth + 1)) != NULL &&
        parse_aliases(parser, json, nothing, false, &field->aliases, &field->alias_count) &&
        parse_default(parser, json, field);
    parser->where[before] = '\0';
    return good;
}

static const struct schema *parse_record(struct parser *parser, json_t *json, struct slice space,
                                         uint32_t depth)
{
    struct schema *record = named_new(parser, json, SCHEMA_RECORD, space);
    json_t *fields = json_object_get(json, "fields");
    if (record == NULL) {
        return NULL;
    }
    if (!json_is_array(fields) || json_array_size(fields) > SCHEMA_FIELDS_MAX) {
        return fail(parser, "a record needs a list of at most 1024 fields:", record->name);
    }
    size_t before = where_push(parser, ".", depth == 0 ? record->name : nothing);
    if (depth > 0) {
        parser->where[before] = '\0';
    }
    uint32_t count = (uint32_t)json_array_size(fields);
    record->fields = take(parser, count * sizeof *record->fields);
    for (uint32_t i = 0; record->fields != NULL && i < count; i++) {
        if (!parse_field(parser, json_array_get(fields, i), record, i, depth)) {
            return NULL;
        }
        record->count = i + 1;
    }
    parser->where[before] = '\0';
    return record->fields == NULL ? NULL : record;
}

static int32_t symbol_find(const struct schema *schema, struct slice symbol)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        if (slice_equal(schema->symbols[i], symbol)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static const struct schema *parse_enum(struct parser *parser, json_t *json, struct slice space)
{
    struct schema *schema = named_new(parser, json, SCHEMA_ENUM, space);
    json_t *symbols = json_object_get(json, "symbols");
    if (schema == NULL) {
        return NULL;
    }
    size_t count = json_array_size(symbols);
    if (!json_is_array(symbols) || count == 0 || count > SCHEMA_SYMBOLS_MAX) {
        return fail(parser, "an enum needs a list of 1 to 1024 symbols:", schema->name);
    }
    schema->symbols = take(parser, count * sizeof *schema->symbols);
    for (size_t i = 0; schema->symbols != NULL && i < count; i++) {
        struct slice symbol = json_slice(json_array_get(symbols, i));
        if (!is_name(symbol)) {
            return fail(parser, "this is no symbol:", symbol);
        }
        if (symbol_find(schema, symbol) >= 0) {
            return fail(parser, "this symbol stands twice:", symbol);
        }
        if (!keep(parser, symbol, &schema->symbols[i])) {
            return NULL;
        }
        schema->count = (uint32_t)i + 1;
    }
    json_t *value = json_object_get(json, "default");
    if (value != NULL) {
        schema->default_symbol = symbol_find(schema, json_slice(value));
        if (schema->default_symbol < 0) {
            return fail(parser, "the default is no symbol of", schema->name);
        }
    }
    return schema->symbols == NULL ? NULL : schema;
}

static const struct schema *parse_fixed(struct parser *parser, json_t *json, struct slice space)
{
    struct schema *schema = named_new(parser, json, SCHEMA_FIXED, space);
    json_t *size = json_object_get(json, "size");
    if (schema == NULL) {
        return NULL;
    }
    if (!json_is_integer(size) || json_integer_value(size) < 0 ||
        json_integer_value(size) > SCHEMA_FIXED_SIZE_MAX) {
        return fail(parser, "a fixed needs a size of 0 to 1048576:", schema->name);
    }
    schema->fixed_size = (uint32_t)json_integer_value(size);
    return schema;
}

static const struct schema *parse_union(struct parser *parser, json_t *json, struct slice space,
                                        uint32_t depth)
{
    struct schema *schema = node_new(parser, SCHEMA_UNION);
    size_t count = json_array_size(json);
    if (schema == NULL) {
        return NULL;
    }
    if (count > SCHEMA_BRANCHES_MAX) {
        return fail(parser, "a union has at most 64 branches", nothing);
    }
    schema->branches = take(parser, count * sizeof *schema->branches);
    for (size_t i = 0; schema->branches != NULL && i < count; i++) {
        const struct schema *branch = parse_type(parser, json_array_get(json, i), space, depth + 1);
        if (branch == NULL) {
            return NULL;
        }
        if (branch->type == SCHEMA_UNION) {
            return fail(parser, "a union may not stand in a union", nothing);
        }
        for (size_t j = 0; j < i; j++) {
            const struct schema *other = schema->branches[j];
            if (other->type == branch->type && slice_equal(other->name, branch->name)) {
                return fail(parser, "two branches of a union are the same:",
                            slice_text(schema_type_name(branch->type)));
            }
        }
        schema->branches[i] = branch;
        schema->count = (uint32_t)i + 1;
    }
    return schema->branches == NULL ? NULL : schema;
}

static const struct schema *parse_items(struct parser *parser, json_t *json, enum schema_type type,
                                        struct slice space, uint32_t depth)
{
    struct schema *schema = node_new(parser, type);
    json_t *items = json_object_get(json, type == SCHEMA_ARRAY ? "items" : "values");
    if (schema == NULL) {
        return NULL;
    }
    if (items == NULL) {
        return fail(parser, type == SCHEMA_ARRAY ? "an array needs items" : "a map needs values",
                    nothing);
    }
    schema->items = parse_type(parser, items, space, depth + 1);
    return schema->items == NULL ? NULL : schema;
}

static const struct schema *parse_object(struct parser *parser, json_t *json, struct slice space,
                                         uint32_t depth)
{
    json_t *type = json_object_get(json, "type");
    if (json_is_object(type) || json_is_array(type)) {
        return parse_type(parser, type, space, depth + 1); /* {"type":{"type":"string"}} */
    }
    struct slice name = json_slice(type);
    const struct schema *schema;
    if (slice_is(name, "record")) {
        return parse_record(parser, json, space, depth);
    }
    if (slice_is(name, "enum")) {
        return parse_enum(parser, json, space);
    }
    if (slice_is(name, "array") || slice_is(name, "map")) {
        return parse_items(parser, json, slice_is(name, "map") ? SCHEMA_MAP : SCHEMA_ARRAY, space,
                           depth);
    }
    bool is_fixed = slice_is(name, "fixed");
    schema = is_fixed ? parse_fixed(parser, json, space) : primitive_find(name);
    if (schema == NULL) {
        return parser->status != STATUS_OK ? NULL
               : name.size == 0            ? fail(parser, "a type is missing", nothing)
                                           : parse_reference(parser, name, space);
    }
    enum schema_logical logical =
        schema_logical_find(json_slice(json_object_get(json, "logicalType")));
    if (logical == LOGICAL_NONE) {
        return schema;
    }
    /* A fixed is ours already; a primitive is shared, so it gets a node of its own. */
    struct schema *own =
        is_fixed ? parser->names[parser->name_count - 1] : node_new(parser, schema->type);
    if (own != NULL && schema_logical_fits(own, json, logical)) {
        own->logical = logical;
    }
    return own;
}

static const struct schema *parse_type(struct parser *parser, json_t *json, struct slice space,
                                       uint32_t depth)
{
    if (depth > SCHEMA_DEPTH_MAX) {
        return fail(parser, "types are nested too deep", nothing);
    }
    if (json_is_string(json)) {
        const struct schema *primitive = primitive_find(json_slice(json));
        return primitive != NULL ? primitive : parse_reference(parser, json_slice(json), space);
    }
    if (json_is_array(json)) {
        return parse_union(parser, json, space, depth);
    }
    if (json_is_object(json)) {
        return parse_object(parser, json, space, depth);
    }
    return fail(parser, "a type is a name, a list or an object", nothing);
}

/* One document: its JSON stays open until the defaults have been checked. */
static const struct schema *parse_text(struct parser *parser, struct slice text, json_t **out_json)
{
    json_error_t error;
    parser->where[0] = '\0';
    if (text.size > SCHEMA_TEXT_SIZE_MAX) {
        return fail(parser, "the text is larger than 1 MiB", nothing);
    }
    *out_json = json_loadb((const char *)text.data, text.size,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (*out_json == NULL) {
        (void)snprintf(parser->where, WHERE_SIZE, "line %d, column %d", error.line, error.column);
        return fail(parser, error.text, nothing);
    }
    return parse_type(parser, *out_json, nothing, 0);
}

static void check_defaults(struct parser *parser)
{
    uint32_t steps_left = SCHEMA_FIT_STEPS_MAX;
    for (struct pending *p = parser->pending; p != NULL && parser->status == STATUS_OK;
         p = p->next) {
        if (schema_default_fits(p->field->type, p->value, 0, &steps_left)) {
            continue;
        }
        if (steps_left == 0) {
            parser->status =
                status_fail(parser->text, STATUS_INVALID,
                            "%.*s: too many ways in which the defaults could fit their types",
                            SLICE_ARG(p->where));
        } else {
            char type[160];
            schema_describe(p->field->type, type, sizeof type);
            parser->status =
                status_fail(parser->text, STATUS_INVALID, "%.*s: the default %.*s does not fit %s",
                            SLICE_ARG(p->where), SLICE_ARG(p->field->default_json), type);
        }
    }
}

enum status schema_parse(struct slice text, const struct slice *references,
                         uint32_t reference_count, struct arena *arena,
                         const struct schema **out_schema, struct status_text *out_text)
{
    json_t *documents[SCHEMA_REFERENCES_MAX + 1] = {NULL};
    struct parser parser = {.arena = arena, .text = out_text, .status = STATUS_OK};
    const struct schema *schema = NULL;
    if (reference_count > SCHEMA_REFERENCES_MAX) {
        return status_fail(out_text, STATUS_INVALID, "more than %d references",
                           SCHEMA_REFERENCES_MAX);
    }
    for (uint32_t i = 0; i <= reference_count && parser.status == STATUS_OK; i++) {
        schema = parse_text(&parser, i < reference_count ? references[i] : text, &documents[i]);
    }
    check_defaults(&parser);
    for (uint32_t i = 0; i <= reference_count; i++) {
        json_decref(documents[i]);
    }
    if (parser.status == STATUS_OK) {
        *out_schema = schema;
    }
    return parser.status;
}
