/* SPDX-License-Identifier: Apache-2.0 */
/* Joins a shape to a schema by name. Whatever the schema asks must be there or have a null or a
 * default, and every type must be one that ours becomes without loss. */
#include <stdio.h>

#include "base/invariant.h"
#include "codec/encode_ops.h"

struct joiner {
    struct arena *arena;
    struct status_text *text;
    enum status status;
};

static const struct encoder *join(struct joiner *joiner, const struct shape *shape,
                                  const struct schema *schema);

static void *take(struct joiner *joiner, size_t size)
{
    void *block = arena_take(joiner->arena, size == 0 ? 1 : size);
    if (block == NULL && joiner->status == STATUS_OK) {
        joiner->status = status_fail(joiner->text, STATUS_FULL, "no memory left for encoders");
    }
    return block;
}

static void fail(struct joiner *joiner, const struct schema *record, struct slice field,
                 const char *what, const struct schema *type)
{
    char text[160] = "";
    if (joiner->status == STATUS_OK) {
        if (type != NULL) {
            schema_describe(type, text, sizeof text);
        }
        joiner->status = status_fail(joiner->text, STATUS_INVALID, "%.*s.%.*s: %s%s",
                                     SLICE_ARG(record->name), SLICE_ARG(field), what, text);
    }
}

/* Does a value of this shape become a value of this type? */
static bool fits(const struct shape_field *field, const struct schema *schema)
{
    switch (field->type) {
    case SHAPE_STRING:
    case SHAPE_HASH:
    case SHAPE_TOPIC:
    case SHAPE_REASON:
        return schema->type == SCHEMA_STRING;
    case SHAPE_CODE:
    case SHAPE_CODE_OR_NULL:
        return schema->type == SCHEMA_ENUM || schema->type == SCHEMA_STRING;
    case SHAPE_BOOL:
        return schema->type == SCHEMA_BOOLEAN;
    case SHAPE_INT32:
    case SHAPE_UINT32:
        return schema->logical == LOGICAL_NONE &&
               (schema->type == SCHEMA_INT || schema->type == SCHEMA_LONG);
    case SHAPE_INT64:
    case SHAPE_UINT64:
        return schema->logical == LOGICAL_NONE && schema->type == SCHEMA_LONG;
    case SHAPE_TIME:
    case SHAPE_PROCESSED_AT:
        return schema->type == SCHEMA_LONG &&
               (schema->logical == LOGICAL_NONE || schema->logical == LOGICAL_TIMESTAMP_MILLIS);
    case SHAPE_DATE:
        return schema->type == SCHEMA_INT;
    case SHAPE_DOUBLE:
        return schema->type == SCHEMA_DOUBLE;
    case SHAPE_CODE_SET:
        return schema->type == SCHEMA_ARRAY && schema->items->type == SCHEMA_ENUM;
    case SHAPE_RECORD:
    case SHAPE_CAUSE:
        return schema->type == SCHEMA_RECORD;
    case SHAPE_LIST:
    case SHAPE_INLINE_LIST:
        return schema->type == SCHEMA_ARRAY && schema->items->type == SCHEMA_RECORD;
    case SHAPE_TEXTS:
        return schema->type == SCHEMA_ARRAY && schema->items->type == SCHEMA_STRING;
    case SHAPE_MAP:
        return schema->type == SCHEMA_MAP && schema->items->type == SCHEMA_STRING;
    case SHAPE_TYPE_COUNT:
        break;
    }
    return false;
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

/* Our codes as the schema's symbols; one that it lacks becomes its default. */
static const uint16_t *join_symbols(struct joiner *joiner, const struct shape_field *field,
                                    const struct schema *schema)
{
    uint16_t *symbols = take(joiner, field->codes->count * sizeof *symbols);
    for (uint32_t i = 0; symbols != NULL && i < field->codes->count; i++) {
        int32_t symbol = symbol_find(schema, slice_text(field->codes->names[i]));
        symbol = symbol >= 0 ? symbol : schema->default_symbol;
        bool is_none = i == 0 && strcmp(field->codes->names[0], "NONE") == 0; /* never written */
        if (symbol < 0 && !is_none) {
            fail(joiner, schema, slice_text(field->codes->names[i]), "the enum lacks this symbol",
                 NULL);
        }
        symbols[i] = (uint16_t)(symbol >= 0 ? symbol : 0);
    }
    return symbols;
}

/* A record's default symbol, from the text `"NAME"`. */
static int16_t default_symbol(const struct schema_field *field, const struct schema *schema)
{
    struct slice text = field->default_json;
    if (!field->has_default || schema->type != SCHEMA_ENUM || text.size < 2) {
        return -1;
    }
    return (int16_t)symbol_find(schema, slice_of(text.data + 1, text.size - 2));
}

/* Choose the branches for null and for the value. False: no branch takes the value. */
static bool choose(const struct shape_field *field, const struct schema **schema,
                   struct encode_op *op)
{
    const struct schema *type = *schema;
    bool found = type->type != SCHEMA_UNION && (field == NULL || fits(field, type));
    for (uint32_t i = 0; type->type == SCHEMA_UNION && i < type->count; i++) {
        if (type->branches[i]->type == SCHEMA_NULL) {
            op->null_branch = (int8_t)i;
        } else if (!found && field != NULL && fits(field, type->branches[i])) {
            op->value_branch = (int8_t)i;
            *schema = type->branches[i];
            found = true;
        }
    }
    return found;
}

static void join_field(struct joiner *joiner, const struct shape *shape,
                       const struct schema *record, const struct schema_field *field,
                       struct encode_op *op)
{
    const struct schema *type = field->type;
    *op = (struct encode_op){.null_branch = -1, .value_branch = -1, .default_symbol = -1};
    for (uint32_t i = 0; i < shape->count; i++) {
        if (slice_is(field->name, shape->fields[i].name)) {
            op->field = &shape->fields[i];
            op->index = i;
        }
    }
    bool found = choose(op->field, &type, op);
    if (op->field == NULL) {
        if (op->null_branch < 0) {
            fail(joiner, record, field->name, "we have no such field, and it takes no null", NULL);
        }
        return;
    }
    if (!found) {
        fail(joiner, record, field->name, "our value does not become ", field->type);
        return;
    }
    op->default_symbol = default_symbol(field, type);
    enum shape_type shape_type = op->field->type;
    if (type->type == SCHEMA_ENUM) {
        op->symbols = join_symbols(joiner, op->field, type);
    } else if (shape_type == SHAPE_CODE_SET) {
        op->symbols = join_symbols(joiner, op->field, type->items);
    } else if (shape_type == SHAPE_RECORD || shape_type == SHAPE_CAUSE) {
        op->items = join(joiner, op->field->items, type);
    } else if (shape_type == SHAPE_LIST || shape_type == SHAPE_INLINE_LIST) {
        op->items = join(joiner, op->field->items, type->items);
    }
}

/* Recursion is as deep as the shape. */
static const struct encoder *join(struct joiner *joiner, const struct shape *shape,
                                  const struct schema *schema)
{
    struct encoder *encoder = take(joiner, sizeof *encoder);
    struct encode_op *ops = take(joiner, schema->count * sizeof *ops);
    for (uint32_t i = 0; joiner->status == STATUS_OK && i < schema->count; i++) {
        join_field(joiner, shape, schema, &schema->fields[i], &ops[i]);
    }
    if (joiner->status != STATUS_OK) {
        return NULL;
    }
    *encoder = (struct encoder){ops, schema->count};
    return encoder;
}

static enum status compile(const struct shape *shape, const struct schema *schema,
                           struct joiner *joiner, const struct encoder **out_encoder)
{
    if (schema->type != SCHEMA_RECORD) {
        return status_fail(joiner->text, STATUS_INVALID, "the schema is no record");
    }
    const struct encoder *encoder = join(joiner, shape, schema);
    if (joiner->status == STATUS_OK) {
        *out_encoder = encoder;
    }
    return joiner->status;
}

enum status encoder_compile(enum output_kind kind, const struct schema *schema, struct arena *arena,
                            const struct encoder **out_encoder, struct status_text *out_text)
{
    struct joiner joiner = {arena, out_text, STATUS_OK};
    return compile(shape_of_output(kind), schema, &joiner, out_encoder);
}

enum status encoder_compile_event(enum source source, const struct schema *schema,
                                  struct arena *arena, const struct encoder **out_encoder,
                                  struct status_text *out_text)
{
    struct joiner joiner = {arena, out_text, STATUS_OK};
    struct shape_field *fields = take(&joiner, FIELDS_MAX * sizeof *fields);
    if (fields == NULL) {
        return joiner.status;
    }
    struct shape shape = shape_of_event(source, fields);
    return compile(&shape, schema, &joiner, out_encoder);
}
