/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a decode plan: written by plan.c and plan_leaf.c, run by decode.c.
 *
 * `offset` counts from the struct event, but between CONSENT_BEGIN and CONSENT_END from the
 * consent. */
#ifndef CODEC_PLAN_OPS_H
#define CODEC_PLAN_OPS_H

#include "codec/plan.h"

enum plan_code {
    /* control */
    PLAN_END,  /* of the record */
    PLAN_JUMP, /* a: to */
    PLAN_CALL, /* a: to; a recursive type that is skipped */
    PLAN_RETURN,
    PLAN_NULLABLE,  /* a: which branch is null, b: to when it is */
    PLAN_UNION,     /* a: first target, b: branches */
    PLAN_LOOP,      /* array or map. a: to when done, b: 1 when items may have no bytes */
    PLAN_LOOP_NEXT, /* end of the loop's body */
    PLAN_MARK,      /* the next value is read more than once */
    PLAN_BACK,      /* to the mark */
    /* nothing kept */
    PLAN_SKIP_INT,
    PLAN_SKIP_LONG,
    PLAN_SKIP_BOOL,
    PLAN_SKIP_BYTES, /* a: how many */
    PLAN_SKIP_SIZED, /* string, bytes */
    PLAN_SKIP_ENUM,  /* b: symbols */
    /* kept; bit: the field's. number > 1: multiply, < -1: divide */
    PLAN_STRING,
    PLAN_STRING_ENUM, /* a: first text, b: symbols */
    PLAN_INT32,       /* from int or long */
    PLAN_INT64,
    PLAN_INT_TEXT,     /* digits; a: 4 or 8 bytes to store */
    PLAN_AMOUNT_BYTES, /* decimal */
    PLAN_AMOUNT_FIXED, /* decimal; a: bytes */
    PLAN_AMOUNT_FLOAT, /* a: 4 or 8 bytes to read */
    PLAN_DOUBLE_LONG,  /* from int or long */
    PLAN_DOUBLE_FLOAT, /* a: 4 or 8 bytes to read */
    PLAN_BOOL,
    PLAN_TIME_TEXT,
    PLAN_DATE, /* number: units of a day, 1 for days */
    PLAN_DATE_TEXT,
    PLAN_CODE_ENUM, /* a: first entry of codes, b: symbols */
    PLAN_CODE_TEXT, /* a: first text, b: texts, number: code of any other or -1 */
    PLAN_SET_ENUM,  /* one item of a code set */
    PLAN_SET_TEXT,
    PLAN_PRESENT, /* of a set, map or list, before its items */
    PLAN_MAP_KEY,
    PLAN_MAP_VALUE,
    PLAN_CONSENT_BEGIN,
    PLAN_CONSENT_END, /* number: bits required */
    /* constants and defaults, before the record. number, or a: text */
    PLAN_PUT_STRING,
    PLAN_PUT_INT8,
    PLAN_PUT_INT32,
    PLAN_PUT_INT64,
    PLAN_PUT_DOUBLE,
    PLAN_CODE_COUNT
};

enum { PLAN_CODE_UNKNOWN = 255 /* in codes: a symbol that means nothing to us */ };

struct plan_op {
    uint8_t code; /* enum plan_code */
    uint8_t bit;  /* of present */
    uint16_t offset;
    uint32_t a;
    uint32_t b;
    union {
        int64_t number;
        double real; /* PLAN_PUT_DOUBLE */
    };
    const char *path; /* of the field in the writer's record, for rejects */
};

/* A text and what it stands for. */
struct plan_text {
    struct slice text;
    uint8_t code;
};

struct plan {
    enum source source;
    uint32_t entry; /* first op to run */
    uint32_t op_count;
    uint32_t clear_size; /* bytes of the event's union to clear */
    const struct plan_op *ops;
    const uint32_t *targets; /* of unions */
    const uint8_t *codes;    /* of enums */
    const struct plan_text *texts;
    uint64_t required; /* bits of present */
    uint64_t fields;
};

#endif
