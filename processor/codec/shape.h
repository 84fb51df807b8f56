/* SPDX-License-Identifier: Apache-2.0 */
/* What our structs hold, told once: name, type and place of every field of every output and event.
 * The Avro encoder joins this to a schema by name; the JSON writer walks it as it stands. */
#ifndef CODEC_SHAPE_H
#define CODEC_SHAPE_H

#include "model/fields.h"
#include "model/output.h"

enum shape_type {
    SHAPE_STRING, /* struct slice; empty is null */
    SHAPE_BOOL,
    SHAPE_INT32,
    SHAPE_UINT32,
    SHAPE_INT64,
    SHAPE_UINT64,
    SHAPE_DOUBLE,
    SHAPE_TIME,         /* int64_t, ms; 0, INT64_MIN and INT64_MAX are null */
    SHAPE_DATE,         /* int32_t, days */
    SHAPE_CODE,         /* uint8_t of `codes` */
    SHAPE_CODE_OR_NULL, /* the same; 0 is null */
    SHAPE_CODE_SET,     /* uint32_t, a bit per code */
    SHAPE_HASH,         /* uint64_t as 16 hex digits */
    SHAPE_TOPIC,        /* uint8_t, enum source as its topic */
    SHAPE_REASON,       /* uint8_t, enum reject_reason as text */
    SHAPE_PROCESSED_AT, /* the facts' */
    SHAPE_RECORD,       /* a struct at `offset`, as `items` */
    SHAPE_CAUSE,        /* struct cause at `offset`; null when its source is SOURCE_COUNT */
    SHAPE_LIST,         /* pointer at `offset`, uint32_t at `count_offset`, as `items` */
    SHAPE_INLINE_LIST,  /* an array at `offset`, uint8_t at `count_offset`, as `items` */
    SHAPE_TEXTS,        /* pointer to struct slice, uint32_t at `count_offset` */
    SHAPE_MAP,          /* struct attribute array at `offset`, uint8_t at `count_offset` */
    SHAPE_TYPE_COUNT
};

struct shape_field {
    const char *name; /* as in the contract's schema */
    enum shape_type type;
    uint16_t offset;
    bool nullable; /* the contract allows null here */
    uint16_t count_offset;
    const struct codes *codes;
    const struct shape *items;
};

struct shape {
    const struct shape_field *fields;
    uint32_t count;
    uint32_t size; /* of one struct, for lists */
};

/* Of an output; offsets count from struct output. Static. */
const struct shape *shape_of_output(enum output_kind kind);

/* Of a source's events, in the order of fields_of(source); offsets count from struct event. Field i
 * is null when bit i of event.present is clear, whatever its value. Fills `out_fields`. */
struct shape shape_of_event(enum source source, struct shape_field out_fields[FIELDS_MAX]);

/* What a field's null depends on, besides the field itself. */
struct shape_view {
    const uint8_t *base; /* the struct */
    bool by_present;     /* an event: nulls are told by `present` */
    uint64_t present;
    const struct encode_facts *facts; /* NULL for events */
};

/* Is field `index` of this struct null? */
bool shape_is_null(const struct shape_view *view, const struct shape_field *field, uint32_t index);

/* The text of a STRING, HASH, TOPIC, REASON or CODE field. `scratch` has room for 17 bytes. */
struct slice shape_text(const struct shape_view *view, const struct shape_field *field,
                        char *scratch);

/* The value of an INT32, UINT32, INT64, UINT64, TIME, DATE, CODE, BOOL or PROCESSED_AT field. */
int64_t shape_number(const struct shape_view *view, const struct shape_field *field);

/* Items of a LIST, INLINE_LIST, TEXTS or MAP field. */
uint32_t shape_items(const struct shape_view *view, const struct shape_field *field,
                     const uint8_t **out_first);

#endif
