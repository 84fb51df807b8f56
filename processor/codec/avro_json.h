/* SPDX-License-Identifier: Apache-2.0 */
/* Any Avro value as JSON text, by its schema alone: for people (`segue tail`, dead letter
 * inspection), not for the hot path. Timestamps and dates become ISO text, unions their plain
 * value, bytes hexadecimal. */
#ifndef CODEC_AVRO_JSON_H
#define CODEC_AVRO_JSON_H

#include <stdio.h>

#include "codec/schema.h"

enum { AVRO_JSON_DEPTH_MAX = 32, AVRO_JSON_ITEMS_MAX = 100000 };

/* Write `payload` (framing removed) to `out`. False when the bytes do not decode; what was written
 * so far is then not JSON. */
MUST_USE bool avro_json_write(const struct schema *schema, struct slice payload, FILE *out);

/* A JSON string, quotes included. */
void avro_json_text(struct slice text, FILE *out);

#endif
