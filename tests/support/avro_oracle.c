/* SPDX-License-Identifier: Apache-2.0 */
#include "support/avro_oracle.h"

#include <avro.h>
#include <stdlib.h>

struct avro_oracle {
    avro_schema_t schema;
    avro_value_iface_t *class;
};

struct avro_oracle *avro_oracle_open(struct slice schema)
{
    struct avro_oracle *oracle = calloc(1, sizeof *oracle);
    if (oracle == NULL || avro_schema_from_json_length((const char *)schema.data, schema.size,
                                                       &oracle->schema) != 0) {
        abort();
    }
    oracle->class = avro_generic_class_from_schema(oracle->schema);
    return oracle;
}

void avro_oracle_close(struct avro_oracle *oracle)
{
    avro_value_iface_decref(oracle->class);
    avro_schema_decref(oracle->schema);
    free(oracle);
}

static json_t *to_json(avro_value_t *value);

static json_t *fields_to_json(avro_value_t *value, bool is_array)
{
    json_t *json = is_array ? json_array() : json_object();
    size_t count = 0;
    (void)avro_value_get_size(value, &count);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        const char *name = NULL;
        if (avro_value_get_by_index(value, i, &item, &name) != 0) {
            abort();
        }
        if (is_array) {
            (void)json_array_append_new(json, to_json(&item));
        } else {
            (void)json_object_set_new(json, name, to_json(&item));
        }
    }
    return json;
}

static json_t *scalar_to_json(avro_value_t *value)
{
    int truth = 0, symbol = 0;
    int32_t small = 0;
    int64_t large = 0;
    float narrow = 0;
    double real = 0;
    const char *text = "";
    size_t size = 1;
    switch ((int)avro_value_get_type(value)) {
    case AVRO_BOOLEAN:
        (void)avro_value_get_boolean(value, &truth);
        return json_boolean(truth);
    case AVRO_INT32:
        (void)avro_value_get_int(value, &small);
        return json_integer(small);
    case AVRO_INT64:
        (void)avro_value_get_long(value, &large);
        return json_integer(large);
    case AVRO_FLOAT:
        (void)avro_value_get_float(value, &narrow);
        return json_real((double)narrow);
    case AVRO_DOUBLE:
        (void)avro_value_get_double(value, &real);
        return json_real(real);
    case AVRO_STRING:
        (void)avro_value_get_string(value, &text, &size);
        return json_stringn_nocheck(text, size - 1); /* avro-c counts the NUL */
    case AVRO_ENUM:
        (void)avro_value_get_enum(value, &symbol);
        text = avro_schema_enum_get(avro_value_get_schema(value), symbol);
        return json_string(text);
    default:
        return json_null();
    }
}

static json_t *to_json(avro_value_t *value)
{
    avro_value_t branch;
    switch ((int)avro_value_get_type(value)) {
    case AVRO_RECORD:
    case AVRO_MAP:
        return fields_to_json(value, false);
    case AVRO_ARRAY:
        return fields_to_json(value, true);
    case AVRO_UNION:
        return avro_value_get_current_branch(value, &branch) == 0 ? to_json(&branch) : json_null();
    default:
        return scalar_to_json(value);
    }
}

json_t *avro_oracle_read(struct avro_oracle *oracle, struct slice payload)
{
    avro_value_t value;
    json_t *json = NULL;
    avro_reader_t reader = avro_reader_memory((const char *)payload.data, (int64_t)payload.size);
    if (reader == NULL || avro_generic_value_new(oracle->class, &value) != 0) {
        abort();
    }
    char rest;
    if (avro_value_read(reader, &value) == 0 && avro_read(reader, &rest, 1) != 0) {
        json = to_json(&value);
    }
    avro_value_decref(&value);
    avro_reader_free(reader);
    return json;
}
