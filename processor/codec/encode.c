/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders: compiled from shape and schema in encode_compile.c, run here. */
#include "codec/encode.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/invariant.h"
#include "codec/encode_ops.h"
#include "codec/framing.h"

static void put_record(struct bytes_writer *writer, const struct encoder *encoder,
                       const struct shape_view *view);

static void put_text(struct bytes_writer *writer, struct slice text)
{
    bytes_put_varint(writer, (int64_t)text.size);
    bytes_put(writer, text.data, text.size);
}

/* A block of `count` items begins, or nothing when there are none; put_end writes the last block.
 */
static void put_count(struct bytes_writer *writer, uint32_t count)
{
    if (count > 0) {
        bytes_put_varint(writer, count);
    }
}

static void put_end(struct bytes_writer *writer)
{
    bytes_put_varint(writer, 0);
}

static void put_code_set(struct bytes_writer *writer, const struct encode_op *op,
                         const struct shape_view *view)
{
    uint32_t set = (uint32_t)shape_number(view, op->field);
    put_count(writer, (uint32_t)__builtin_popcount(set));
    for (; set != 0; set &= set - 1) {
        bytes_put_varint(writer, op->symbols[__builtin_ctz(set)]);
    }
    put_end(writer);
}

static void put_items(struct bytes_writer *writer, const struct encode_op *op,
                      const struct shape_view *view)
{
    const uint8_t *first;
    uint32_t count = shape_items(view, op->field, &first);
    put_count(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        if (op->field->type == SHAPE_TEXTS) {
            put_text(writer, ((const struct slice *)(const void *)first)[i]);
        } else if (op->field->type == SHAPE_MAP) {
            const struct attribute *attribute = &((const struct attribute *)(const void *)first)[i];
            put_text(writer, attribute->name);
            put_text(writer, attribute->value);
        } else {
            struct shape_view item = {.base = first + (size_t)i * op->field->items->size,
                                      .facts = view->facts};
            put_record(writer, op->items, &item);
        }
    }
    put_end(writer);
}

static void put_value(struct bytes_writer *writer, const struct encode_op *op,
                      const struct shape_view *view)
{
    const struct shape_field *field = op->field;
    char scratch[17];
    struct shape_view inner;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): ops of a value have a field */
    switch (field->type) {
    case SHAPE_CODE:
    case SHAPE_CODE_OR_NULL:
        if (op->symbols != NULL) {
            int64_t code = shape_number(view, field);
            bytes_put_varint(writer, op->symbols[code < field->codes->count ? code : 0]);
            break;
        }
        put_text(writer, shape_text(view, field, scratch));
        break;
    case SHAPE_STRING:
    case SHAPE_HASH:
    case SHAPE_TOPIC:
    case SHAPE_REASON:
        put_text(writer, shape_text(view, field, scratch));
        break;
    case SHAPE_BOOL:
        bytes_put_u8(writer, shape_number(view, field) != 0);
        break;
    case SHAPE_INT32:
    case SHAPE_UINT32:
    case SHAPE_INT64:
    case SHAPE_UINT64:
    case SHAPE_TIME:
    case SHAPE_DATE:
    case SHAPE_PROCESSED_AT:
        bytes_put_varint(writer, shape_number(view, field));
        break;
    case SHAPE_DOUBLE:
        bytes_put(writer, view->base + field->offset, sizeof(double));
        break;
    case SHAPE_CODE_SET:
        put_code_set(writer, op, view);
        break;
    case SHAPE_RECORD:
    case SHAPE_CAUSE:
        inner = (struct shape_view){.base = view->base + field->offset, .facts = view->facts};
        put_record(writer, op->items, &inner);
        break;
    case SHAPE_LIST:
    case SHAPE_INLINE_LIST:
    case SHAPE_TEXTS:
    case SHAPE_MAP:
        put_items(writer, op, view);
        break;
    case SHAPE_TYPE_COUNT:
        break;
    }
}

/* Recursion is as deep as the shapes are: an item of a list of an output. */
static void put_record(struct bytes_writer *writer, const struct encoder *encoder,
                       const struct shape_view *view)
{
    for (uint32_t i = 0; i < encoder->op_count; i++) {
        const struct encode_op *op = &encoder->ops[i];
        bool null = op->field == NULL || shape_is_null(view, op->field, op->index);
        if (null && op->null_branch >= 0) {
            bytes_put_varint(writer, op->null_branch);
            continue;
        }
        if (op->value_branch >= 0) {
            bytes_put_varint(writer, op->value_branch);
        }
        if (null && op->default_symbol >= 0) {
            bytes_put_varint(writer, op->default_symbol);
        } else {
            put_value(writer, op, view);
        }
    }
}

static size_t encode(const struct encoder *encoder, const struct shape_view *view,
                     uint32_t schema_id, uint8_t *out, size_t limit)
{
    struct bytes_writer writer = bytes_writer(out, limit);
    uint8_t framing[FRAMING_SIZE];
    framing_write(schema_id, framing);
    bytes_put(&writer, framing, sizeof framing);
    put_record(&writer, encoder, view);
    return writer.full ? 0 : writer.size;
}

size_t encode_output(const struct encoder *encoder, const struct output *output,
                     const struct encode_facts *facts, uint32_t schema_id, uint8_t *out,
                     size_t limit)
{
    INVARIANT(!output->tombstone);
    struct shape_view view = {.base = (const uint8_t *)output, .facts = facts};
    return encode(encoder, &view, schema_id, out, limit);
}

size_t encode_event(const struct encoder *encoder, const struct event *event, uint32_t schema_id,
                    uint8_t *out, size_t limit)
{
    INVARIANT(event->source != SOURCE_CUSTOMER_PROFILES || !event->profile.erase);
    struct shape_view view = {
        .base = (const uint8_t *)event, .by_present = true, .present = event->present};
    return encode(encoder, &view, schema_id, out, limit);
}

/* Headers -----------------------------------------------------------------------------------------
 */

struct header_list {
    struct header *headers;
    struct arena *arena;
    uint32_t count;
    bool full;
};

/* As it is: an id may hold any character, a NUL too, and a header names the same customer as the key. */
static void add_text(struct header_list *list, const char *name, struct slice text)
{
    struct slice value = arena_copy(list->arena, text);
    list->full = list->full || value.data == NULL;
    list->headers[list->count++] = (struct header){slice_text(name), value};
}

PRINTF_LIKE(3, 4)
static void add(struct header_list *list, const char *name, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size = size < (int)sizeof text ? size : (int)sizeof text - 1;
    add_text(list, name, slice_of(text, (size_t)size));
}

static const struct cause *cause_of(const struct output *output)
{
    switch (output->kind) {
    case OUTPUT_SEGMENT_CHANGED:
    case OUTPUT_SEGMENT_STATE:
        return &output->segment_changed.cause;
    case OUTPUT_LIFE_EVENT:
        return &output->life_event.cause;
    case OUTPUT_OFFER_DECIDED:
        return &output->offer_decided.cause;
    case OUTPUT_EXPOSURE:
    case OUTPUT_OFFER_STATS:
    case OUTPUT_CONTROL:
    case OUTPUT_DEAD_LETTER:
    case OUTPUT_KIND_COUNT:
        break;
    }
    return NULL;
}

/* The event's own id, or where it lies when it has none. */
static void add_cause(struct header_list *list, const struct cause *cause,
                      const struct encode_facts *facts)
{
    if (cause == NULL || cause->source >= SOURCE_COUNT) {
        return;
    }
    if (cause->event_id.size > 0) {
        add_text(list, "ce_causationid", cause->event_id);
        return;
    }
    struct slice topic = facts->topics[cause->source];
    topic = topic.size > 0 ? topic : slice_text(source_name((enum source)cause->source));
    add(list, "ce_causationid", "%.*s/%u/%lld", SLICE_ARG(topic), (unsigned)cause->partition,
        (long long)cause->offset);
}

/* Empty: nothing that needs special care. */
static struct slice category_of(const struct output *output)
{
    switch (output->kind) {
    case OUTPUT_SEGMENT_CHANGED:
    case OUTPUT_SEGMENT_STATE:
        return output->segment_changed.data_category;
    case OUTPUT_LIFE_EVENT:
        return output->life_event.data_category;
    case OUTPUT_OFFER_DECIDED:
        return output->offer_decided.data_category;
    case OUTPUT_EXPOSURE:
    case OUTPUT_OFFER_STATS:
    case OUTPUT_CONTROL:
    case OUTPUT_DEAD_LETTER:
    case OUTPUT_KIND_COUNT:
        break;
    }
    return slice_of(NULL, 0);
}

uint32_t encode_headers(const struct output *output, const struct encode_facts *facts,
                        struct arena *arena, struct header out_headers[ENCODE_HEADERS_MAX])
{
    struct header_list list = {out_headers, arena, 0, false};
    char time[CIVIL_TEXT_SIZE];
    struct slice category = category_of(output);
    add(&list, "ce_specversion", "1.0");
    add(&list, "ce_id", "%016llx%016llx", (unsigned long long)output->id[0],
        (unsigned long long)output->id[1]);
    add(&list, "ce_source", "/segue/%.*s", SLICE_ARG(facts->application));
    add(&list, "ce_type", "%s", output_record_name(output->kind));
    civil_format_time(output->effective_at_ms, time);
    add(&list, "ce_time", "%s", time);
    if (output->customer_id.size > 0) {
        add_text(&list, "ce_subject", output->customer_id);
    }
    add_cause(&list, cause_of(output), facts);
    /* Twenty digits, so that the order of texts is the order of numbers. */
    add(&list, "ce_sequence", "%020llu", (unsigned long long)output->sequence);
    if (category.size > 0) {
        add(&list, "ce_dataclassification", "%.*s", SLICE_ARG(category));
    }
    if (output->kind == OUTPUT_LIFE_EVENT && output->life_event.route.size > 0) {
        add(&list, "ce_route", "%.*s", SLICE_ARG(output->life_event.route));
    }
    add(&list, "content-type", "application/avro");
    return list.full ? 0 : list.count;
}
