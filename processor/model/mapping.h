/* SPDX-License-Identifier: Apache-2.0 */
/* How a bank's own Avro record becomes an event of the contract: per contract field, where to read it.
 *
 * A zeroed struct source_mapping (with `source` set) is the default: every field under its own name at the
 * top of the record. Texts are borrowed and must outlive every use of the mapping (settings keep them). */
#ifndef MODEL_MAPPING_H
#define MODEL_MAPPING_H

#include "model/fields.h"

/* The unit of a number that becomes a time or a duration when the schema has no logical type, or lies. */
enum mapping_unit {
    MAPPING_UNIT_SCHEMA, /* as the logical type says; plain int and long are milliseconds */
    MAPPING_UNIT_SECONDS,
    MAPPING_UNIT_MILLIS,
    MAPPING_UNIT_MICROS,
    MAPPING_UNIT_COUNT
};

/* One entry of a value map: the bank's symbol or string, and the contract's. `theirs` = "*" stands for
 * every value that no other entry and no contract symbol matches. */
struct mapping_value {
    struct slice theirs;
    struct slice ours;
};

enum { MAPPING_SCALE_MAX = 6 };

struct field_mapping {
    struct slice path; /* dotted, "payload.amount"; empty: the field's own name */
    /* Taken when the path is empty, and when the record has null at the path: a code's symbol, a number,
     * true or false, ISO text for times and dates, the text of a string. */
    struct slice constant;
    bool has_constant;
    /* Amounts (fields named *_minor): digits of the minor unit. Decimals, floats and doubles are in major
     * units and use it (2 unless has_scale); int and long are minor units unless has_scale. */
    bool has_scale;
    uint8_t scale; /* 0..MAPPING_SCALE_MAX */
    enum mapping_unit unit;
    const struct mapping_value *values; /* value_count entries, for codes and code sets */
    uint32_t value_count;
};

struct source_mapping {
    enum source source;
    struct field_mapping fields[FIELDS_MAX]; /* index: as in fields_of(source) */
};

#endif
