/* SPDX-License-Identifier: Apache-2.0 */
/* Which writer types fit which field, and by what op. One function per kind of field. */
#include "codec/plan_compile.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"

static const int64_t powers_of_10[] = {1,
                                       10,
                                       100,
                                       1000,
                                       10000,
                                       100000,
                                       1000000,
                                       10000000,
                                       100000000,
                                       1000000000,
                                       INT64_C(10000000000),
                                       INT64_C(100000000000),
                                       INT64_C(1000000000000),
                                       INT64_C(10000000000000),
                                       INT64_C(100000000000000),
                                       INT64_C(1000000000000000),
                                       INT64_C(10000000000000000),
                                       INT64_C(100000000000000000),
                                       INT64_C(1000000000000000000)};

static struct plan_op op_for(enum plan_code code, const struct want *want)
{
    return (struct plan_op){.code = (uint8_t)code, .bit = want->bit, .offset = want->field->offset};
}

static void emit(struct compiler *compiler, enum plan_code code, const struct want *want,
                 int64_t number)
{
    struct plan_op op = op_for(code, want);
    op.number = number;
    (void)compiler_emit(compiler, op);
}

static bool is_whole(const struct schema *schema)
{
    return schema->type == SCHEMA_INT || schema->type == SCHEMA_LONG;
}

static void emit_whole(struct compiler *compiler, enum plan_code code, const struct schema *schema,
                       const struct want *want, int64_t number)
{
    struct plan_op op = op_for(code, want);
    op.number = number;
    op.b = schema->type == SCHEMA_INT;
    (void)compiler_emit(compiler, op);
}

/* Texts and numbers -------------------------------------------------------------------------------
 */

static void leaf_string(struct compiler *compiler, const struct schema *schema,
                        const struct want *want)
{
    if (schema->type == SCHEMA_STRING ||
        (schema->type == SCHEMA_BYTES && schema->logical == LOGICAL_NONE)) {
        emit(compiler, PLAN_STRING, want, 0);
    } else if (schema->type == SCHEMA_ENUM) {
        struct plan_op op = op_for(PLAN_STRING_ENUM, want);
        op.a = compiler->text_count;
        op.b = schema->count;
        for (uint32_t i = 0; i < schema->count; i++) {
            (void)compiler_text(compiler, schema->symbols[i], 0);
        }
        (void)compiler_emit(compiler, op);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

static bool is_amount(const struct field *field)
{
    static const char suffix[] = "_minor";
    size_t size = strlen(field->name);
    return size > sizeof suffix - 1 &&
           strcmp(field->name + size - (sizeof suffix - 1), suffix) == 0;
}

/* A decimal of `scale` digits into minor units of `digits`: multiply, or divide and round. */
static void leaf_decimal(struct compiler *compiler, const struct schema *schema,
                         const struct want *want, uint32_t digits)
{
    uint32_t shift = schema->scale > digits ? schema->scale - digits : digits - schema->scale;
    if (shift >= ARRAY_COUNT(powers_of_10)) {
        compiler_mismatch(compiler, want, schema);
        return;
    }
    bool is_fixed = schema->type == SCHEMA_FIXED;
    struct plan_op op = op_for(is_fixed ? PLAN_AMOUNT_FIXED : PLAN_AMOUNT_BYTES, want);
    op.a = schema->fixed_size;
    op.number = schema->scale > digits ? -powers_of_10[shift] : powers_of_10[shift];
    (void)compiler_emit(compiler, op);
}

static void leaf_amount(struct compiler *compiler, const struct schema *schema,
                        const struct want *want)
{
    const struct field_mapping *mapping = want->mapping;
    if (mapping->has_scale && mapping->scale > MAPPING_SCALE_MAX) {
        compiler_fail(compiler, "%s: a scale is 0 to %d", want->field->name, MAPPING_SCALE_MAX);
        return;
    }
    uint32_t digits = mapping->has_scale ? mapping->scale : 2;
    if (is_whole(schema) && schema->logical == LOGICAL_NONE) {
        emit_whole(compiler, PLAN_INT64, schema, want,
                   mapping->has_scale ? powers_of_10[digits] : 1);
    } else if (schema->logical == LOGICAL_DECIMAL) {
        leaf_decimal(compiler, schema, want, digits);
    } else if (schema->type == SCHEMA_FLOAT || schema->type == SCHEMA_DOUBLE) {
        struct plan_op op = op_for(PLAN_AMOUNT_FLOAT, want);
        op.a = schema->type == SCHEMA_FLOAT ? 4 : 8;
        op.number = powers_of_10[digits];
        (void)compiler_emit(compiler, op);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

/* Factor from a unit to milliseconds: > 0 multiplies, < 0 divides; 0: the schema does not say. */
static int64_t to_ms(enum mapping_unit unit)
{
    switch (unit) {
    case MAPPING_UNIT_SECONDS:
        return 1000;
    case MAPPING_UNIT_MILLIS:
        return 1;
    case MAPPING_UNIT_MICROS:
        return -1000;
    case MAPPING_UNIT_SCHEMA:
    case MAPPING_UNIT_COUNT:
        break;
    }
    return 0;
}

static void leaf_int64(struct compiler *compiler, const struct schema *schema,
                       const struct want *want)
{
    if (is_whole(schema)) {
        int64_t factor = to_ms(want->mapping->unit);
        bool micros = schema->logical == LOGICAL_TIME_MICROS;
        emit_whole(compiler, PLAN_INT64, schema, want, factor != 0 ? factor : micros ? -1000 : 1);
    } else if (schema->type == SCHEMA_STRING) {
        struct plan_op op = op_for(PLAN_INT_TEXT, want);
        op.a = 8;
        (void)compiler_emit(compiler, op);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

static void leaf_int32(struct compiler *compiler, const struct schema *schema,
                       const struct want *want)
{
    if (is_whole(schema) && schema->logical == LOGICAL_NONE) {
        emit_whole(compiler, PLAN_INT32, schema, want, 1);
    } else if (schema->type == SCHEMA_STRING) {
        struct plan_op op = op_for(PLAN_INT_TEXT, want);
        op.a = 4;
        (void)compiler_emit(compiler, op);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

static void leaf_double(struct compiler *compiler, const struct schema *schema,
                        const struct want *want)
{
    if (is_whole(schema)) {
        emit(compiler, PLAN_DOUBLE_LONG, want, 0);
    } else if (schema->type == SCHEMA_FLOAT || schema->type == SCHEMA_DOUBLE) {
        struct plan_op op = op_for(PLAN_DOUBLE_FLOAT, want);
        op.a = schema->type == SCHEMA_FLOAT ? 4 : 8;
        (void)compiler_emit(compiler, op);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

/* Times -------------------------------------------------------------------------------------------
 */

/* The factor to milliseconds that the schema states; 0: it is no moment in time. */
static int64_t schema_to_ms(const struct schema *schema)
{
    switch (schema->logical) {
    case LOGICAL_NONE:
    case LOGICAL_TIMESTAMP_MILLIS:
        return 1;
    case LOGICAL_TIMESTAMP_MICROS:
        return -1000;
    case LOGICAL_TIMESTAMP_NANOS:
        return -1000000;
    case LOGICAL_DATE:
        return MS_PER_DAY;
    case LOGICAL_DECIMAL:
    case LOGICAL_TIME_MILLIS:
    case LOGICAL_TIME_MICROS:
    case LOGICAL_LOCAL_TIMESTAMP_MILLIS: /* of which zone? the mapping may say `unit` and mean UTC
                                          */
    case LOGICAL_LOCAL_TIMESTAMP_MICROS:
    case LOGICAL_UUID:
    case LOGICAL_COUNT:
        break;
    }
    return 0;
}

static void leaf_time(struct compiler *compiler, const struct schema *schema,
                      const struct want *want)
{
    int64_t factor = want->mapping == NULL ? 0 : to_ms(want->mapping->unit);
    factor = factor != 0 ? factor : schema_to_ms(schema);
    if (is_whole(schema) && factor != 0) {
        emit_whole(compiler, PLAN_INT64, schema, want, factor);
    } else if (schema->type == SCHEMA_STRING) {
        emit(compiler, PLAN_TIME_TEXT, want, 0);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

static void leaf_date(struct compiler *compiler, const struct schema *schema,
                      const struct want *want)
{
    int64_t factor = schema_to_ms(schema);
    if (schema->type == SCHEMA_INT && (factor == 1 || factor == MS_PER_DAY)) {
        emit(compiler, PLAN_DATE, want, 1);
    } else if (schema->type == SCHEMA_LONG && schema->logical != LOGICAL_NONE && factor != 0) {
        emit(compiler, PLAN_DATE, want, factor > 0 ? MS_PER_DAY / factor : MS_PER_DAY * -factor);
    } else if (schema->type == SCHEMA_STRING) {
        emit(compiler, PLAN_DATE_TEXT, want, 0);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

/* Codes -------------------------------------------------------------------------------------------
 */

/* The contract's enum default: what an unknown symbol means. -1: nothing. */
static int32_t contract_default(const struct want *want)
{
    const struct schema *schema = want->contract;
    for (int depth = 0; schema != NULL && depth < 4; depth++) {
        const struct schema *inner = NULL;
        if (schema->type == SCHEMA_ENUM) {
            return schema->default_symbol < 0
                       ? -1
                       : codes_find(want->field->codes, schema->symbols[schema->default_symbol]);
        }
        if (schema->type == SCHEMA_ARRAY) {
            inner = schema->items;
        }
        for (uint32_t i = 0; schema->type == SCHEMA_UNION && i < schema->count; i++) {
            inner = schema->branches[i]->type != SCHEMA_NULL ? schema->branches[i] : inner;
        }
        schema = inner;
    }
    return -1;
}

/* Our code for "everything else": the mapping's "*", or the contract's default. -1: there is none.
 */
static int32_t code_of_others(const struct want *want)
{
    for (uint32_t i = 0; want->mapping != NULL && i < want->mapping->value_count; i++) {
        if (slice_is(want->mapping->values[i].theirs, "*")) {
            return codes_find(want->field->codes, want->mapping->values[i].ours);
        }
    }
    return contract_default(want);
}

static bool check_values(struct compiler *compiler, const struct want *want)
{
    for (uint32_t i = 0; want->mapping != NULL && i < want->mapping->value_count; i++) {
        const struct mapping_value *value = &want->mapping->values[i];
        if (codes_find(want->field->codes, value->ours) < 0) {
            compiler_fail(compiler, "%s: `%.*s` is mapped to `%.*s`, which is none of its codes",
                          want->field->name, SLICE_ARG(value->theirs), SLICE_ARG(value->ours));
            return false;
        }
    }
    return true;
}

static int32_t code_of(const struct want *want, struct slice symbol)
{
    for (uint32_t i = 0; want->mapping != NULL && i < want->mapping->value_count; i++) {
        if (slice_equal(want->mapping->values[i].theirs, symbol)) {
            return codes_find(want->field->codes, want->mapping->values[i].ours);
        }
    }
    int32_t code = codes_find(want->field->codes, symbol);
    return code >= 0 ? code : code_of_others(want);
}

static void emit_enum(struct compiler *compiler, enum plan_code code, const struct schema *schema,
                      const struct want *want)
{
    struct plan_op op = op_for(code, want);
    uint32_t known = 0;
    op.a = compiler->code_count;
    op.b = schema->count;
    if (compiler->code_count + schema->count > PLAN_CODES_MAX) {
        compiler_fail(compiler, "the schema has too many symbols for a decode plan");
        return;
    }
    for (uint32_t i = 0; i < schema->count; i++) {
        int32_t ours = code_of(want, schema->symbols[i]);
        known += ours >= 0;
        compiler->codes[compiler->code_count++] = ours < 0 ? PLAN_CODE_UNKNOWN : (uint8_t)ours;
    }
    if (known == 0) {
        compiler_fail(
            compiler,
            "%s: no symbol of enum %.*s at `%s` is one of its codes; map them by `values`",
            want->field->name, SLICE_ARG(schema->name), compiler->path);
    }
    (void)compiler_emit(compiler, op);
}

/* The mapping's values first, so that they may give a contract symbol another meaning. */
static void emit_code_text(struct compiler *compiler, enum plan_code code, const struct want *want)
{
    struct plan_op op = op_for(code, want);
    op.a = compiler->text_count;
    for (uint32_t i = 0; want->mapping != NULL && i < want->mapping->value_count; i++) {
        const struct mapping_value *value = &want->mapping->values[i];
        if (!slice_is(value->theirs, "*")) {
            (void)compiler_text(compiler, value->theirs,
                                (uint8_t)codes_find(want->field->codes, value->ours));
        }
    }
    for (uint32_t i = 0; i < want->field->codes->count; i++) {
        (void)compiler_text(compiler, slice_text(want->field->codes->names[i]), (uint8_t)i);
    }
    op.b = compiler->text_count - op.a;
    op.number = code_of_others(want);
    (void)compiler_emit(compiler, op);
}

static void leaf_code(struct compiler *compiler, const struct schema *schema,
                      const struct want *want, bool is_item)
{
    if (!check_values(compiler, want)) {
        return;
    }
    if (schema->type == SCHEMA_ENUM) {
        emit_enum(compiler, is_item ? PLAN_SET_ENUM : PLAN_CODE_ENUM, schema, want);
    } else if (schema->type == SCHEMA_STRING) {
        emit_code_text(compiler, is_item ? PLAN_SET_TEXT : PLAN_CODE_TEXT, want);
    } else {
        compiler_mismatch(compiler, want, schema);
    }
}

void compiler_set_item(struct compiler *compiler, const struct schema *schema,
                       const struct want *want)
{
    leaf_code(compiler, schema, want, true);
}

void compiler_leaf(struct compiler *compiler, const struct schema *schema, const struct want *want)
{
    switch (want->field->type) {
    case FIELD_STRING:
        leaf_string(compiler, schema, want);
        break;
    case FIELD_INT64:
        if (is_amount(want->field)) {
            leaf_amount(compiler, schema, want);
        } else {
            leaf_int64(compiler, schema, want);
        }
        break;
    case FIELD_INT32:
        leaf_int32(compiler, schema, want);
        break;
    case FIELD_DOUBLE:
        leaf_double(compiler, schema, want);
        break;
    case FIELD_BOOL:
        if (schema->type == SCHEMA_BOOLEAN) {
            emit(compiler, PLAN_BOOL, want, 0);
        } else {
            compiler_mismatch(compiler, want, schema);
        }
        break;
    case FIELD_TIME:
        leaf_time(compiler, schema, want);
        break;
    case FIELD_DATE:
        leaf_date(compiler, schema, want);
        break;
    case FIELD_CODE:
        leaf_code(compiler, schema, want, false);
        break;
    case FIELD_CODE_SET:
    case FIELD_MAP:
    case FIELD_CONSENTS:
    case FIELD_TYPE_COUNT:
        compiler_mismatch(compiler, want, schema);
        break;
    }
}

/* Constants ---------------------------------------------------------------------------------------
 */

static bool parse_number(struct slice text, int64_t *out)
{
    char buffer[32];
    char *end;
    if (text.size == 0 || text.size >= sizeof buffer) {
        return false;
    }
    memcpy(buffer, text.data, text.size);
    buffer[text.size] = '\0';
    *out = strtoll(buffer, &end, 10);
    return *end == '\0';
}

static bool parse_real(struct slice text, double *out)
{
    char buffer[40];
    char *end;
    if (text.size == 0 || text.size >= sizeof buffer) {
        return false;
    }
    memcpy(buffer, text.data, text.size);
    buffer[text.size] = '\0';
    *out = strtod(buffer, &end);
    return *end == '\0';
}

/* Fill `op` from a text by the field's type; false when the text is none of that type. */
static bool constant_value(struct compiler *compiler, const struct want *want, struct slice text,
                           struct plan_op *op)
{
    int64_t number = 0;
    int32_t day = 0;
    bool good = false;
    op->code = PLAN_PUT_INT64;
    switch (want->field->type) {
    case FIELD_STRING:
        op->code = PLAN_PUT_STRING;
        op->a = compiler_text(compiler, text, 0);
        return true;
    case FIELD_DOUBLE:
        op->code = PLAN_PUT_DOUBLE;
        return parse_real(text, &op->real);
    case FIELD_INT64:
        good = parse_number(text, &number);
        break;
    case FIELD_INT32:
        op->code = PLAN_PUT_INT32;
        good = parse_number(text, &number) && number >= INT32_MIN && number <= INT32_MAX;
        break;
    case FIELD_BOOL:
        op->code = PLAN_PUT_INT8;
        number = slice_is(text, "true");
        good = number != 0 || slice_is(text, "false");
        break;
    case FIELD_TIME:
        good = civil_parse_time(text, &number) || parse_number(text, &number);
        break;
    case FIELD_DATE:
        op->code = PLAN_PUT_INT32;
        good = civil_parse_date(text, &day);
        number = day;
        break;
    case FIELD_CODE:
        op->code = PLAN_PUT_INT8;
        number = codes_find(want->field->codes, text);
        good = number >= 0;
        break;
    case FIELD_CODE_SET:
    case FIELD_MAP:
    case FIELD_CONSENTS:
    case FIELD_TYPE_COUNT:
        break;
    }
    op->number = number;
    return good;
}

bool compiler_constant(struct compiler *compiler, const struct want *want, struct slice text)
{
    struct plan_op op = op_for(PLAN_PUT_INT64, want);
    if (slice_is(text, "null")) {
        return false;
    }
    if (text.size >= 2 && text.data[0] == '"') { /* a default from a schema: simple JSON text */
        text = slice_of(text.data + 1, text.size - 2);
    }
    if (!constant_value(compiler, want, text, &op)) {
        compiler_fail(compiler, "%s: the constant `%.*s` is not of its type", want->field->name,
                      SLICE_ARG(text));
        return false;
    }
    (void)compiler_emit(compiler, op);
    return true;
}
