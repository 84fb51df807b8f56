/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/encode_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "codec/shape.h"

static void put_record(struct bytes_writer *writer, const struct shape *shape,
                       const struct shape_view *view);

static void put_raw(struct bytes_writer *writer, const char *text)
{
    bytes_put(writer, text, strlen(text));
}

static void put_text(struct bytes_writer *writer, struct slice text)
{
    put_raw(writer, "\"");
    size_t plain = 0; /* where the bytes that need no escape begin */
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        char escape[8];
        bytes_put(writer, text.data + plain, i - plain);
        plain = i + 1;
        if (c == '"' || c == '\\') {
            (void)snprintf(escape, sizeof escape, "\\%c", c);
        } else {
            (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
        }
        put_raw(writer, escape);
    }
    if (plain < text.size) {
        bytes_put(writer, text.data + plain, text.size - plain);
    }
    put_raw(writer, "\"");
}

static void put_number(struct bytes_writer *writer, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    put_raw(writer, text);
}

/* The shortest of 15 to 17 digits that reads back as the same number; JSON has no infinities. */
static void put_double(struct bytes_writer *writer, double value)
{
    char text[40] = "null";
    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    put_raw(writer, text);
    if (strpbrk(text, ".en") == NULL) {
        put_raw(writer, ".0");
    }
}

static void put_date(struct bytes_writer *writer, int32_t day)
{
    char text[CIVIL_TEXT_SIZE];
    civil_format_date(day, text);
    put_text(writer, slice_text(text));
}

static void put_codes(struct bytes_writer *writer, const struct codes *codes, uint32_t set)
{
    put_raw(writer, "[");
    for (uint32_t rest = set; rest != 0; rest &= rest - 1) {
        put_raw(writer, rest == set ? "" : ",");
        put_text(writer, slice_text(codes_text(codes, (uint32_t)__builtin_ctz(rest))));
    }
    put_raw(writer, "]");
}

static void put_items(struct bytes_writer *writer, const struct shape_field *field,
                      const struct shape_view *view)
{
    const uint8_t *first;
    uint32_t count = shape_items(view, field, &first);
    bool is_map = field->type == SHAPE_MAP;
    put_raw(writer, is_map ? "{" : "[");
    for (uint32_t i = 0; i < count; i++) {
        put_raw(writer, i == 0 ? "" : ",");
        if (field->type == SHAPE_TEXTS) {
            put_text(writer, ((const struct slice *)(const void *)first)[i]);
        } else if (is_map) {
            const struct attribute *attribute = &((const struct attribute *)(const void *)first)[i];
            put_text(writer, attribute->name);
            put_raw(writer, ":");
            put_text(writer, attribute->value);
        } else {
            struct shape_view item = {.base = first + (size_t)i * field->items->size,
                                      .facts = view->facts};
            put_record(writer, field->items, &item);
        }
    }
    put_raw(writer, is_map ? "}" : "]");
}

static void put_value(struct bytes_writer *writer, const struct shape_field *field,
                      const struct shape_view *view)
{
    char scratch[17];
    double real;
    struct shape_view inner = {.base = view->base + field->offset, .facts = view->facts};
    switch (field->type) {
    case SHAPE_STRING:
    case SHAPE_HASH:
    case SHAPE_TOPIC:
    case SHAPE_REASON:
    case SHAPE_CODE:
    case SHAPE_CODE_OR_NULL:
        put_text(writer, shape_text(view, field, scratch));
        break;
    case SHAPE_BOOL:
        put_raw(writer, shape_number(view, field) != 0 ? "true" : "false");
        break;
    case SHAPE_INT32:
    case SHAPE_UINT32:
    case SHAPE_INT64:
    case SHAPE_UINT64:
    case SHAPE_TIME:
    case SHAPE_PROCESSED_AT:
        put_number(writer, shape_number(view, field));
        break;
    case SHAPE_DATE:
        put_date(writer, (int32_t)shape_number(view, field));
        break;
    case SHAPE_DOUBLE:
        memcpy(&real, view->base + field->offset, sizeof real);
        put_double(writer, real);
        break;
    case SHAPE_CODE_SET:
        put_codes(writer, field->codes, (uint32_t)shape_number(view, field));
        break;
    case SHAPE_RECORD:
    case SHAPE_CAUSE:
        put_record(writer, field->items, &inner);
        break;
    case SHAPE_LIST:
    case SHAPE_INLINE_LIST:
    case SHAPE_TEXTS:
    case SHAPE_MAP:
        put_items(writer, field, view);
        break;
    case SHAPE_TYPE_COUNT:
        break;
    }
}

/* Events leave nulls out; outputs write them, so that every line of a kind has the same keys. */
static void put_record(struct bytes_writer *writer, const struct shape *shape,
                       const struct shape_view *view)
{
    bool first = true;
    put_raw(writer, "{");
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct shape_field *field = &shape->fields[i];
        bool null = shape_is_null(view, field, i);
        if (null && view->facts == NULL) {
            continue;
        }
        put_raw(writer, first ? "\"" : ",\"");
        put_raw(writer, field->name);
        put_raw(writer, "\":");
        if (null) {
            put_raw(writer, "null");
        } else {
            put_value(writer, field, view);
        }
        first = false;
    }
    put_raw(writer, "}");
}

size_t encode_json_output(const struct output *output, const struct encode_facts *facts,
                          struct slice topic, struct arena *arena, uint8_t *out, size_t limit)
{
    struct bytes_writer writer = bytes_writer(out, limit);
    struct header headers[ENCODE_HEADERS_MAX];
    size_t used = arena->used;
    uint32_t count = encode_headers(output, facts, arena, headers);
    put_raw(&writer, "{\"topic\":");
    put_text(&writer, topic);
    put_raw(&writer, ",\"key\":");
    if (output->key.size > 0) {
        put_text(&writer, output->key);
    } else {
        put_raw(&writer, "null");
    }
    put_raw(&writer, ",\"headers\":{");
    for (uint32_t i = 0; i < count; i++) {
        put_raw(&writer, i == 0 ? "" : ",");
        put_text(&writer, headers[i].name);
        put_raw(&writer, ":");
        put_text(&writer, headers[i].value);
    }
    put_raw(&writer, "},\"value\":");
    if (output->tombstone) {
        put_raw(&writer, "null");
    } else {
        struct shape_view view = {.base = (const uint8_t *)output, .facts = facts};
        put_record(&writer, shape_of_output(output->kind), &view);
    }
    put_raw(&writer, "}\n");
    arena->used = used; /* the headers' texts are in the line now */
    return writer.full || count == 0 ? 0 : writer.size;
}

size_t encode_json_event(const struct event *event, uint8_t *out, size_t limit)
{
    struct bytes_writer writer = bytes_writer(out, limit);
    struct shape_field fields[FIELDS_MAX];
    enum source source = (enum source)event->source;
    put_raw(&writer, "{\"source\":");
    put_text(&writer, slice_text(source_name(source)));
    if (source == SOURCE_CUSTOMER_PROFILES && event->profile.erase) {
        put_raw(&writer, ",\"key\":");
        put_text(&writer, event->customer_id);
        put_raw(&writer, ",\"event\":null}\n");
        return writer.full ? 0 : writer.size;
    }
    struct shape shape = shape_of_event(source, fields);
    struct shape_view view = {
        .base = (const uint8_t *)event, .by_present = true, .present = event->present};
    put_raw(&writer, ",\"event\":");
    put_record(&writer, &shape, &view);
    put_raw(&writer, "}\n");
    return writer.full ? 0 : writer.size;
}
