/* SPDX-License-Identifier: Apache-2.0 */
/* Does a default, or a logical type, fit its type? Used while a schema is parsed. */
#ifndef CODEC_SCHEMA_FITS_H
#define CODEC_SCHEMA_FITS_H

#include "codec/schema.h"

struct json_t; /* jansson's */

/* All defaults of one schema: a union takes the first branch that fits, so that records in unions of one another
 * can ask for as many comparisons as there are paths through them. */
enum { SCHEMA_FIT_STEPS_MAX = 1000000 };

/* `value` against `schema`; a union takes what fits any of its branches (Avro 1.12). `depth` starts at 0.
 * steps_left: counted down by what the comparison costs; 0 afterwards: it was given up, and is false. */
bool schema_default_fits(const struct schema *schema, const struct json_t *value, uint32_t depth,
                         uint32_t *steps_left);

/* Can `schema` carry the logical type that `json` names? Sets precision and scale of a decimal. What does
 * not fit is ignored by the parser, as the specification asks. */
bool schema_logical_fits(struct schema *schema, const struct json_t *json,
                         enum schema_logical logical);

#endif
