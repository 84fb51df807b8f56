/* SPDX-License-Identifier: Apache-2.0 */
/* An Avro schema as a tree of our own: strict, complete (defaults, aliases, logical types, enum defaults)
 * and bounded. avro-c's tree drops half of that and accepts schemas that are wrong.
 *
 *   registry's JSON text -> schema_parse -> struct schema -> plan_compile (decode), encoder_compile (encode)
 *
 * Everything a schema points to lives in the arena given to schema_parse. A named type stands once; each
 * reference to it is the same pointer, so a recursive schema is a cyclic graph. */
#ifndef CODEC_SCHEMA_H
#define CODEC_SCHEMA_H

#include "base/arena.h"
#include "base/status.h"

enum {
    SCHEMA_TEXT_SIZE_MAX = 1048576, /* bytes of one JSON text */
    SCHEMA_DEPTH_MAX = 32,          /* types within types */
    SCHEMA_NODES_MAX = 4096,        /* types, references not counted */
    SCHEMA_NAMES_MAX = 512,         /* named types, referenced schemas included */
    SCHEMA_FIELDS_MAX = 1024,       /* of one record */
    SCHEMA_SYMBOLS_MAX = 1024,      /* of one enum */
    SCHEMA_BRANCHES_MAX = 64,       /* of one union */
    SCHEMA_REFERENCES_MAX = 64,     /* referenced schemas, those of references included */
    SCHEMA_FIXED_SIZE_MAX = 1048576,
    SCHEMA_DECIMAL_PRECISION_MAX = 1000,
};

enum schema_type {
    SCHEMA_NULL,
    SCHEMA_BOOLEAN,
    SCHEMA_INT,
    SCHEMA_LONG,
    SCHEMA_FLOAT,
    SCHEMA_DOUBLE,
    SCHEMA_BYTES,
    SCHEMA_STRING,
    SCHEMA_RECORD,
    SCHEMA_ENUM,
    SCHEMA_ARRAY,
    SCHEMA_MAP,
    SCHEMA_UNION,
    SCHEMA_FIXED,
    SCHEMA_TYPE_COUNT
};

/* A logical type that its underlying type cannot carry is ignored, as the specification says. */
enum schema_logical {
    LOGICAL_NONE,
    LOGICAL_DECIMAL,
    LOGICAL_DATE,
    LOGICAL_TIME_MILLIS,
    LOGICAL_TIME_MICROS,
    LOGICAL_TIMESTAMP_MILLIS,
    LOGICAL_TIMESTAMP_MICROS,
    LOGICAL_TIMESTAMP_NANOS,
    LOGICAL_LOCAL_TIMESTAMP_MILLIS,
    LOGICAL_LOCAL_TIMESTAMP_MICROS,
    LOGICAL_UUID,
    LOGICAL_COUNT
};

struct schema;

struct schema_field {
    struct slice name;
    const struct slice *aliases; /* alias_count */
    uint32_t alias_count;
    const struct schema *type;
    bool has_default;
    /* compact JSON text, checked against the type; valid with has_default */
    struct slice default_json;
};

struct schema {
    enum schema_type type;
    enum schema_logical logical;
    struct slice name;           /* full name of a record, enum or fixed; else empty */
    const struct slice *aliases; /* full names; alias_count */
    uint32_t alias_count;
    uint32_t count; /* of fields, symbols or branches */
    union {
        struct schema_field *fields;    /* SCHEMA_RECORD */
        struct slice *symbols;          /* SCHEMA_ENUM */
        const struct schema **branches; /* SCHEMA_UNION */
        const struct schema *items;     /* SCHEMA_ARRAY, SCHEMA_MAP (its values) */
    };
    int32_t default_symbol; /* SCHEMA_ENUM: index, or -1 */
    uint32_t fixed_size;    /* SCHEMA_FIXED: bytes */
    uint32_t precision;     /* LOGICAL_DECIMAL */
    uint32_t scale;         /* LOGICAL_DECIMAL */
};

/* Parse one schema's JSON text. `references`: texts of schemas that it may name, each of which may name
 * those before it (the registry's order). Duplicate keys, unknown types, names that are not names,
 * defaults that do not fit, unions in unions and anything beyond the limits above are refused.
 *
 * STATUS_INVALID: out_text says what and where ("Transaction.amount: ...").
 * STATUS_FULL: the arena is too small. */
MUST_USE enum status schema_parse(struct slice text, const struct slice *references,
                                  uint32_t reference_count, struct arena *arena,
                                  const struct schema **out_schema, struct status_text *out_text);

/* The Parsing Canonical Form, in `arena`; an empty slice when the arena is full. */
struct slice schema_canonical(const struct schema *schema, struct arena *arena);

/* CRC-64-AVRO (Rabin) of a text, normally of the canonical form. */
uint64_t schema_fingerprint(struct slice canonical);

/* "record", "int", ... Static. */
const char *schema_type_name(enum schema_type type);

/* The logical type of a name, LOGICAL_NONE when it is not one of ours. */
enum schema_logical schema_logical_find(struct slice name);

/* For messages: `record Account`, `decimal(18,2) in bytes`, `union of null, string`; cut at `size`. */
void schema_describe(const struct schema *schema, char *out, size_t size);

/* Field of a record by name, then by the fields' aliases; NULL when there is none. */
const struct schema_field *schema_field_find(const struct schema *record, struct slice name);

#endif
