/* SPDX-License-Identifier: Apache-2.0 */
/* Any Avro value as JSON text, by its schema alone: for people (`segue tail`, dead letter
 * inspection), not for the hot path. Timestamps and dates become ISO text, unions their plain
 * value, bytes hexadecimal. */
#ifndef CODEC_AVRO_JSON_H
#define CODEC_AVRO_JSON_H

#include <stdio.h>

#include "codec/schema.h"

enum {
    AVRO_JSON_DEPTH_MAX = 32,
    /* of one payload, one within another counted too: values of no bytes cost nothing to send, and records of
     * records of them are more than anybody can print */
    AVRO_JSON_VALUES_MAX = 1 << 20,
};

/* Write `payload` (framing removed) to `out`. False when the bytes do not decode; what was written
 * so far is then not JSON. */
MUST_USE bool avro_json_write(const struct schema *schema, struct slice payload, FILE *out);

#endif
