/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an encoder: written by encode_compile.c, run by encode.c. */
#ifndef CODEC_ENCODE_OPS_H
#define CODEC_ENCODE_OPS_H

#include "codec/encode.h"
#include "codec/shape.h"

/* One field of the schema. */
struct encode_op {
    const struct shape_field *field; /* NULL: we have none, null_branch is written */
    uint32_t index;                  /* of field in its shape: its bit of event.present */
    int8_t null_branch;              /* of the union, or -1 */
    int8_t value_branch;             /* of the union, or -1: no union */
    int16_t default_symbol;          /* of an enum that has no null, for an absent value; or -1 */
    const uint16_t *symbols;     /* schema's symbol of each of our codes; NULL: written as text */
    const struct encoder *items; /* of a record or of a list's records */
};

struct encoder {
    const struct encode_op *ops;
    uint32_t op_count;
};

#endif
