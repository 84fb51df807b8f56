/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/schema.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"

static const char *const type_names[] = {"null",   "boolean", "int",    "long",   "float",
                                         "double", "bytes",   "string", "record", "enum",
                                         "array",  "map",     "union",  "fixed"};
_Static_assert(ARRAY_COUNT(type_names) == SCHEMA_TYPE_COUNT, "one name per type");

static const char *const logical_names[] = {"",
                                            "decimal",
                                            "date",
                                            "time-millis",
                                            "time-micros",
                                            "timestamp-millis",
                                            "timestamp-micros",
                                            "timestamp-nanos",
                                            "local-timestamp-millis",
                                            "local-timestamp-micros",
                                            "uuid"};
_Static_assert(ARRAY_COUNT(logical_names) == LOGICAL_COUNT, "one name per logical type");

const char *schema_type_name(enum schema_type type)
{
    return (unsigned)type < SCHEMA_TYPE_COUNT ? type_names[type] : "?";
}

enum schema_logical schema_logical_find(struct slice name)
{
    for (unsigned i = 1; i < LOGICAL_COUNT; i++) {
        if (slice_is(name, logical_names[i])) {
            return (enum schema_logical)i;
        }
    }
    return LOGICAL_NONE;
}

const struct schema_field *schema_field_find(const struct schema *record, struct slice name)
{
    for (uint32_t i = 0; i < record->count; i++) {
        if (slice_equal(record->fields[i].name, name)) {
            return &record->fields[i];
        }
    }
    for (uint32_t i = 0; i < record->count; i++) {
        for (uint32_t j = 0; j < record->fields[i].alias_count; j++) {
            if (slice_equal(record->fields[i].aliases[j], name)) {
                return &record->fields[i];
            }
        }
    }
    return NULL;
}

/* Text into a buffer that may be too short. */
struct sink {
    char *out;
    size_t size;
    size_t used;
};

PRINTF_LIKE(2, 3) static void sink_print(struct sink *sink, const char *format, ...)
{
    if (sink->used + 1 >= sink->size) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int wrote = vsnprintf(sink->out + sink->used, sink->size - sink->used, format, arguments);
    va_end(arguments);
    if (wrote > 0) {
        sink->used += (size_t)wrote;
        sink->used = sink->used < sink->size ? sink->used : sink->size - 1;
    }
}

static void describe(const struct schema *schema, struct sink *sink, int depth)
{
    if (schema->logical == LOGICAL_DECIMAL) {
        sink_print(sink, "decimal(%u,%u) in ", (unsigned)schema->precision,
                   (unsigned)schema->scale);
    } else if (schema->logical != LOGICAL_NONE) {
        sink_print(sink, "%s in ", logical_names[schema->logical]);
    }
    sink_print(sink, "%s", schema_type_name(schema->type));
    if (schema->name.size > 0) {
        sink_print(sink, " %.*s", SLICE_ARG(schema->name));
    }
    if (depth > 2) {
        return;
    }
    if (schema->type == SCHEMA_ARRAY || schema->type == SCHEMA_MAP) {
        sink_print(sink, " of ");
        describe(schema->items, sink, depth + 1);
    } else if (schema->type == SCHEMA_UNION) {
        for (uint32_t i = 0; i < schema->count; i++) {
            sink_print(sink, i == 0 ? " of " : ", ");
            describe(schema->branches[i], sink, depth + 1);
        }
    }
}

void schema_describe(const struct schema *schema, char *out, size_t size)
{
    struct sink sink = {out, size, 0};
    out[0] = '\0';
    describe(schema, &sink, 0);
}

/* Canonical form ----------------------------------------------------------------------------------
 */

struct canonical {
    struct bytes_writer writer;
    const struct schema *seen[SCHEMA_NAMES_MAX]; /* named types written in full already */
    uint32_t seen_count;
};

static void put_text(struct canonical *form, const char *text)
{
    bytes_put(&form->writer, text, strlen(text));
}

static void put_quoted(struct canonical *form, struct slice text)
{
    put_text(form, "\"");
    bytes_put(&form->writer, text.data, text.size);
    put_text(form, "\"");
}

static bool was_seen(struct canonical *form, const struct schema *schema)
{
    for (uint32_t i = 0; i < form->seen_count; i++) {
        if (form->seen[i] == schema) {
            return true;
        }
    }
    if (form->seen_count < SCHEMA_NAMES_MAX) {
        form->seen[form->seen_count++] = schema;
    }
    return false;
}

static void put_schema(struct canonical *form, const struct schema *schema);

static void put_list(struct canonical *form, const struct schema *schema)
{
    for (uint32_t i = 0; i < schema->count; i++) {
        put_text(form, i == 0 ? "" : ",");
        if (schema->type == SCHEMA_UNION) {
            put_schema(form, schema->branches[i]);
        } else if (schema->type == SCHEMA_ENUM) {
            put_quoted(form, schema->symbols[i]);
        } else {
            put_text(form, "{\"name\":");
            put_quoted(form, schema->fields[i].name);
            put_text(form, ",\"type\":");
            put_schema(form, schema->fields[i].type);
            put_text(form, "}");
        }
    }
}

static void put_named(struct canonical *form, const struct schema *schema)
{
    if (was_seen(form, schema)) {
        put_quoted(form, schema->name);
        return;
    }
    put_text(form, "{\"name\":");
    put_quoted(form, schema->name);
    put_text(form, ",\"type\":");
    put_quoted(form, slice_text(schema_type_name(schema->type)));
    if (schema->type == SCHEMA_FIXED) {
        char size[32];
        (void)snprintf(size, sizeof size, ",\"size\":%u}", (unsigned)schema->fixed_size);
        put_text(form, size);
        return;
    }
    put_text(form, schema->type == SCHEMA_RECORD ? ",\"fields\":[" : ",\"symbols\":[");
    put_list(form, schema);
    put_text(form, "]}");
}

/* Depth is bounded by SCHEMA_DEPTH_MAX: a cycle ends at a name that was seen. */
static void put_schema(struct canonical *form, const struct schema *schema)
{
    if (schema->name.size > 0) {
        put_named(form, schema);
    } else if (schema->type == SCHEMA_UNION) {
        put_text(form, "[");
        put_list(form, schema);
        put_text(form, "]");
    } else if (schema->type == SCHEMA_ARRAY || schema->type == SCHEMA_MAP) {
        put_text(form, schema->type == SCHEMA_ARRAY ? "{\"type\":\"array\",\"items\":"
                                                    : "{\"type\":\"map\",\"values\":");
        put_schema(form, schema->items);
        put_text(form, "}");
    } else {
        put_quoted(form, slice_text(schema_type_name(schema->type)));
    }
}

struct slice schema_canonical(const struct schema *schema, struct arena *arena)
{
    size_t room = arena->size - arena->used;
    struct canonical form;
    form.seen_count = 0;
    form.writer = bytes_writer(arena->block + arena->used, room);
    put_schema(&form, schema);
    if (form.writer.full) {
        return (struct slice){NULL, 0};
    }
    /* The text was written into the arena's free end; taking it clears it, so write once more. */
    size_t size = form.writer.size;
    uint8_t *block = arena_take(arena, size);
    if (block == NULL) {
        return (struct slice){NULL, 0};
    }
    form.seen_count = 0;
    form.writer = bytes_writer(block, size);
    put_schema(&form, schema);
    return slice_of(block, size);
}

uint64_t schema_fingerprint(struct slice canonical)
{
    /* The polynomial and start value of the specification, "Schema Fingerprints". */
    const uint64_t empty = UINT64_C(0xc15d213aa4d7a795);
    uint64_t fingerprint = empty;
    for (size_t i = 0; i < canonical.size; i++) {
        uint64_t low = (fingerprint ^ canonical.data[i]) & 255;
        for (int bit = 0; bit < 8; bit++) {
            low = (low >> 1) ^ (empty & (0 - (low & 1)));
        }
        fingerprint = (fingerprint >> 8) ^ low;
    }
    return fingerprint;
}
