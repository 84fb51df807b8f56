/* SPDX-License-Identifier: Apache-2.0 */
/* A bad input is a value, not an error: it becomes a dead letter (a pointer and a reason, never the
 * payload) and a counter, in the same transaction as the good records around it. */
#ifndef MODEL_REJECT_H
#define MODEL_REJECT_H

#include "base/slice.h"

#define REJECT_REASONS(X)                                                                          \
    X(REJECT_NONE, "none")                                                                         \
    X(REJECT_TRUNCATED, "truncated")           /* the bytes end inside a value */                  \
    X(REJECT_TRAILING_BYTES, "trailing_bytes") /* bytes are left after the record */               \
    X(REJECT_BAD_FRAMING, "bad_framing")       /* no magic byte or header that we know */          \
    X(REJECT_UNKNOWN_SCHEMA, "unknown_schema") /* the registry definitely does not know the id */  \
    X(REJECT_BAD_SCHEMA, "bad_schema")         /* the writer's schema cannot be mapped */          \
    X(REJECT_BAD_VALUE, "bad_value")           /* varint, boolean, enum or union out of range */   \
    X(REJECT_BAD_UTF8, "bad_utf8")                                                                 \
    X(REJECT_TOO_LARGE, "too_large") /* record, string or collection over its limit */             \
    X(REJECT_TOO_DEEP, "too_deep")                                                                 \
    X(REJECT_MISSING_FIELD, "missing_field")     /* a required field is null or absent */          \
    X(REJECT_OUT_OF_RANGE, "out_of_range")       /* amount <= 0 or > 10^15, a year of 30000 ... */ \
    X(REJECT_KEY_MISMATCH, "key_mismatch")       /* the record's key is not its customer_id */     \
    X(REJECT_WRONG_PARTITION, "wrong_partition") /* murmur2(customer_id) says another partition */ \
    X(REJECT_FUTURE, "future")                   /* dated too far ahead */                         \
    X(REJECT_EMPTY, "empty")                     /* a null value where that means nothing */

#define REJECT_ENUM(name, text) name,
enum reject_reason { REJECT_REASONS(REJECT_ENUM) REJECT_REASON_COUNT };
#undef REJECT_ENUM

struct reject {
    enum reject_reason reason;
    uint32_t at;        /* byte in the value at which it was noticed */
    uint64_t schema_id; /* writer's schema id, or 0 */
    const char *field;  /* path of the field, static until the schema goes, or NULL */
};

/* "truncated", ... Static. */
const char *reject_reason_text(enum reject_reason reason);

#endif
