/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/avro_json.h"

#include <inttypes.h>
#include <math.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/show.h"

struct walk {
    struct bytes_reader in;
    FILE *out;
    uint32_t depth;
    uint32_t values;
};

static bool value(struct walk *walk, const struct schema *schema);

static void hexadecimal(struct slice bytes, FILE *out)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < bytes.size; i++) {
        (void)fprintf(out, "%02x", bytes.data[i]);
    }
    (void)fputc('"', out);
}

/* What no calendar has is shown as the number that it is. */
static bool is_day(int64_t day)
{
    return day >= CIVIL_DAY_MIN && day <= CIVIL_DAY_MAX;
}

static void integer(struct walk *walk, const struct schema *schema, int64_t number)
{
    char text[CIVIL_TEXT_SIZE];
    bool is_micros = schema->logical == LOGICAL_TIMESTAMP_MICROS;
    bool is_time = is_micros || schema->logical == LOGICAL_TIMESTAMP_MILLIS;
    int64_t time_ms = is_micros ? civil_floor(number, 1000) : number;
    if (schema->logical == LOGICAL_DATE && is_day(number)) {
        civil_format_date((int32_t)number, text);
        (void)fprintf(walk->out, "\"%s\"", text);
    } else if (is_time && is_day(civil_floor(time_ms, MS_PER_DAY))) {
        civil_format_time(time_ms, text);
        (void)fprintf(walk->out, "\"%s\"", text);
    } else {
        (void)fprintf(walk->out, "%" PRId64, number);
    }
}

static void real(struct walk *walk, double number)
{
    if (isfinite(number)) {
        (void)fprintf(walk->out, "%.17g", number);
    } else {
        (void)fputs("null", walk->out);
    }
}

static bool record(struct walk *walk, const struct schema *schema)
{
    (void)fputc('{', walk->out);
    for (uint32_t i = 0; i < schema->count; i++) {
        if (i > 0) {
            (void)fputc(',', walk->out);
        }
        show_json(schema->fields[i].name, walk->out);
        (void)fputc(':', walk->out);
        if (!value(walk, schema->fields[i].type)) {
            return false;
        }
    }
    (void)fputc('}', walk->out);
    return true;
}

/* A length as Avro writes it: zigzag, never negative. */
static struct slice sized(struct walk *walk)
{
    int64_t size = bytes_take_varint(&walk->in);
    if (size < 0) {
        walk->in.bad = true;
        size = 0;
    }
    return bytes_take(&walk->in, (uint64_t)size);
}

/* Blocks of an array or a map: a count, negative with a byte size behind it, until 0. */
static bool blocks(struct walk *walk, const struct schema *schema)
{
    bool is_map = schema->type == SCHEMA_MAP;
    bool first = true;
    (void)fputc(is_map ? '{' : '[', walk->out);
    for (;;) {
        int64_t count = bytes_take_varint(&walk->in);
        if (count < 0) {
            (void)bytes_take_varint(&walk->in);
            count = count == INT64_MIN ? INT64_MAX : -count;
        }
        if (walk->in.bad || count == 0) {
            break;
        }
        for (; count > 0; count--, first = false) {
            (void)fputs(first ? "" : ",", walk->out);
            if (is_map) {
                show_json(sized(walk), walk->out);
                (void)fputc(':', walk->out);
            }
            if (!value(walk, schema->items)) {
                return false;
            }
        }
    }
    (void)fputc(is_map ? '}' : ']', walk->out);
    return !walk->in.bad;
}

static void floating(struct walk *walk, const struct schema *schema)
{
    if (schema->type == SCHEMA_FLOAT) {
        float number = 0;
        uint32_t bits = bytes_take_u32(&walk->in);
        memcpy(&number, &bits, sizeof(number));
        real(walk, (double)number);
    } else {
        double number = 0;
        uint64_t bits = bytes_take_u64(&walk->in);
        memcpy(&number, &bits, sizeof(number));
        real(walk, number);
    }
}

static bool value(struct walk *walk, const struct schema *schema)
{
    int64_t index;
    bool good = true;
    if (walk->depth++ >= AVRO_JSON_DEPTH_MAX || walk->values++ >= AVRO_JSON_VALUES_MAX) {
        return false;
    }
    switch (schema->type) {
    case SCHEMA_NULL:
        (void)fputs("null", walk->out);
        break;
    case SCHEMA_BOOLEAN:
        (void)fputs(bytes_take_u8(&walk->in) != 0 ? "true" : "false", walk->out);
        break;
    case SCHEMA_INT:
    case SCHEMA_LONG:
        integer(walk, schema, bytes_take_varint(&walk->in));
        break;
    case SCHEMA_FLOAT:
    case SCHEMA_DOUBLE:
        floating(walk, schema);
        break;
    case SCHEMA_BYTES:
        hexadecimal(sized(walk), walk->out);
        break;
    case SCHEMA_FIXED:
        hexadecimal(bytes_take(&walk->in, schema->fixed_size), walk->out);
        break;
    case SCHEMA_STRING:
        show_json(sized(walk), walk->out);
        break;
    case SCHEMA_RECORD:
        good = record(walk, schema);
        break;
    case SCHEMA_ENUM:
        index = bytes_take_varint(&walk->in);
        good = index >= 0 && index < (int64_t)schema->count;
        if (good) {
            show_json(schema->symbols[index], walk->out);
        }
        break;
    case SCHEMA_ARRAY:
    case SCHEMA_MAP:
        good = blocks(walk, schema);
        break;
    case SCHEMA_UNION:
        index = bytes_take_varint(&walk->in);
        good = index >= 0 && index < (int64_t)schema->count && value(walk, schema->branches[index]);
        break;
    case SCHEMA_TYPE_COUNT:
        good = false;
        break;
    }
    walk->depth--;
    return good && !walk->in.bad;
}

bool avro_json_write(const struct schema *schema, struct slice payload, FILE *out)
{
    struct walk walk = {.in = bytes_reader(payload), .out = out};
    return value(&walk, schema) && bytes_left(&walk.in) == 0;
}
