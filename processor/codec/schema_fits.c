/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/schema_fits.h"

#include <jansson.h>

static bool integer_fits(const json_t *value, json_int_t low, json_int_t high)
{
    return json_is_integer(value) && json_integer_value(value) >= low &&
           json_integer_value(value) <= high;
}

/* Bytes are written as text whose code points 0..255 are the bytes. -1: not such a text. */
static int64_t bytes_count(const json_t *value)
{
    const unsigned char *text = (const unsigned char *)json_string_value(value);
    size_t size = json_string_length(value);
    int64_t count = 0;
    for (size_t i = 0; i < size; i++, count++) {
        if (text[i] >= 0x80) {
            if (text[i] > 0xc3 || i + 1 == size) {
                return -1;
            }
            i++;
        }
    }
    return count;
}

static bool symbol_fits(const struct schema *schema, const json_t *value)
{
    const char *text = json_string_value(value);
    for (uint32_t i = 0; text != NULL && i < schema->count; i++) {
        if (slice_is(schema->symbols[i], text)) {
            return true;
        }
    }
    return false;
}

static bool record_fits(const struct schema *schema, const json_t *value, uint32_t depth,
                        uint32_t *steps_left)
{
    if (!json_is_object(value)) {
        return false;
    }
    size_t found = 0;
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct schema_field *field = &schema->fields[i];
        const json_t *member =
            json_object_getn(value, (const char *)field->name.data, field->name.size);
        if (member == NULL ? !field->has_default
                           : !schema_default_fits(field->type, member, depth, steps_left)) {
            return false;
        }
        found += member != NULL;
    }
    return found == json_object_size(value);
}

static bool items_fit(const struct schema *schema, const json_t *value, uint32_t depth,
                      uint32_t *steps_left)
{
    if (schema->type == SCHEMA_ARRAY) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (!schema_default_fits(schema->items, json_array_get(value, i), depth, steps_left)) {
                return false;
            }
        }
        return json_is_array(value);
    }
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (!schema_default_fits(schema->items, member, depth, steps_left)) {
            return false;
        }
    }
    return json_is_object(value);
}

/* What one look at `value` costs, its members apart: a step is a few dozen nanoseconds. */
static uint32_t steps_of(const struct schema *schema, const json_t *value)
{
    uint32_t listed = schema->type == SCHEMA_RECORD ? schema->count / 4
                      : schema->type == SCHEMA_ENUM ? schema->count / 16
                                                    : 0;
    return 1 + listed + (uint32_t)(json_string_length(value) / 64);
}

bool schema_default_fits(const struct schema *schema, const struct json_t *value, uint32_t depth,
                         uint32_t *steps_left)
{
    uint32_t steps = steps_of(schema, value);
    if (steps >= *steps_left) {
        *steps_left = 0;
        return false;
    }
    *steps_left -= steps;
    if (depth > SCHEMA_DEPTH_MAX) {
        return false;
    }
    switch (schema->type) {
    case SCHEMA_NULL:
        return json_is_null(value);
    case SCHEMA_BOOLEAN:
        return json_is_boolean(value);
    case SCHEMA_INT:
        return integer_fits(value, INT32_MIN, INT32_MAX);
    case SCHEMA_LONG:
        return integer_fits(value, INT64_MIN, INT64_MAX);
    case SCHEMA_FLOAT:
    case SCHEMA_DOUBLE:
        return json_is_number(value);
    case SCHEMA_BYTES:
        return json_is_string(value) && bytes_count(value) >= 0;
    case SCHEMA_FIXED:
        return json_is_string(value) && bytes_count(value) == schema->fixed_size;
    case SCHEMA_STRING:
        return json_is_string(value);
    case SCHEMA_ENUM:
        return symbol_fits(schema, value);
    case SCHEMA_RECORD:
        return record_fits(schema, value, depth + 1, steps_left);
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        return items_fit(schema, value, depth + 1, steps_left);
    case SCHEMA_UNION:
        for (uint32_t i = 0; i < schema->count; i++) {
            if (schema_default_fits(schema->branches[i], value, depth + 1, steps_left)) {
                return true;
            }
        }
        return false;
    case SCHEMA_TYPE_COUNT:
        break;
    }
    return false;
}

/* The most decimal digits that `size` bytes of two's complement hold. */
static uint32_t digits_of_bytes(uint32_t size)
{
    /* log10(2) = 0.30103; exact for every size that matters here. */
    return size == 0 ? 0 : (uint32_t)((uint64_t)(8 * size - 1) * 30103 / 100000);
}

bool schema_logical_fits(struct schema *schema, const struct json_t *json,
                         enum schema_logical logical)
{
    bool is_fixed = schema->type == SCHEMA_FIXED;
    json_int_t precision = json_integer_value(json_object_get(json, "precision"));
    json_int_t scale = json_integer_value(json_object_get(json, "scale"));
    switch (logical) {
    case LOGICAL_DECIMAL:
        if ((schema->type != SCHEMA_BYTES && !is_fixed) || precision < 1 || scale < 0 ||
            scale > precision || precision > SCHEMA_DECIMAL_PRECISION_MAX ||
            (is_fixed && precision > (json_int_t)digits_of_bytes(schema->fixed_size))) {
            return false;
        }
        schema->precision = (uint32_t)precision;
        schema->scale = (uint32_t)scale;
        return true;
    case LOGICAL_DATE:
    case LOGICAL_TIME_MILLIS:
        return schema->type == SCHEMA_INT;
    case LOGICAL_TIME_MICROS:
    case LOGICAL_TIMESTAMP_MILLIS:
    case LOGICAL_TIMESTAMP_MICROS:
    case LOGICAL_TIMESTAMP_NANOS:
    case LOGICAL_LOCAL_TIMESTAMP_MILLIS:
    case LOGICAL_LOCAL_TIMESTAMP_MICROS:
        return schema->type == SCHEMA_LONG;
    case LOGICAL_UUID:
        return schema->type == SCHEMA_STRING || (is_fixed && schema->fixed_size == 16);
    case LOGICAL_NONE:
    case LOGICAL_COUNT:
        break;
    }
    return false;
}
