/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of each source by name: what the codec fills, what CEL sees as tx.NAME, app.NAME and so on.
 * The order of a source's table is the order of the bits of event.present. */
#ifndef MODEL_FIELDS_H
#define MODEL_FIELDS_H

#include "model/event.h"

enum field_type {
    FIELD_STRING, /* struct slice */
    FIELD_INT64,  /* int64_t */
    FIELD_INT32,  /* int32_t */
    FIELD_DOUBLE, /* double */
    FIELD_BOOL,   /* bool */
    FIELD_TIME, /* int64_t, milliseconds since the epoch; Avro timestamp-millis or -micros, ISO text */
    FIELD_DATE,     /* int32_t, days since the epoch; Avro date, ISO text in NDJSON */
    FIELD_CODE,     /* uint8_t, a position in `codes`; Avro enum or string, by symbol */
    FIELD_CODE_SET, /* uint32_t, a bit per position in `codes`; Avro array of enum or string */
    FIELD_MAP,      /* engagement.attributes */
    FIELD_CONSENTS, /* profile_update.consents */
    FIELD_TYPE_COUNT
};

struct field {
    const char *name; /* as in the contract's schema and in NDJSON */
    enum field_type type;
    uint16_t offset;           /* in struct event */
    bool required;             /* a record without it is rejected as missing_field */
    const struct codes *codes; /* FIELD_CODE, FIELD_CODE_SET */
};

enum { FIELDS_MAX = 32 };

/* A profile's fields, in the order of their table, for those who ask in code whether one is known. */
enum profile_field {
    PROFILE_CUSTOMER_ID,
    PROFILE_UPDATED_AT,
    PROFILE_BIRTH_DATE,
    PROFILE_COUNTRY,
    PROFILE_REGION,
    PROFILE_TIMEZONE,
    PROFILE_OCCUPATION,
    PROFILE_EMPLOYMENT_STATUS,
    PROFILE_INCOME_BAND,
    PROFILE_DEPENDANTS,
    PROFILE_RELATIONSHIP_SINCE,
    PROFILE_RISK_PROFILE,
    PROFILE_KNOWLEDGE,
    PROFILE_PRODUCTS_HELD,
    PROFILE_CONSENTS,
    PROFILE_PREFERRED_CHANNEL,
    PROFILE_VULNERABILITY,
    PROFILE_COMPLAINT_OPEN,
    PROFILE_LIFETIME_VALUE_MINOR,
    PROFILE_FIELD_COUNT
};

struct field_table {
    const struct field *fields; /* static */
    uint32_t count;
    const char *prefix; /* "tx", "app", "c", "outcome", "feedback", "score": the name in CEL */
};

const struct field_table *fields_of(enum source source);

/* Index of a field by name; -1 when the source has none such. */
int32_t fields_find(enum source source, struct slice name);

/* Is field `index` (of the event's own source) not null? */
static inline bool event_has(const struct event *event, uint32_t index)
{
    return (event->present >> index & 1) != 0;
}

#endif
