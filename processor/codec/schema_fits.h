/* SPDX-License-Identifier: Apache-2.0 */
/* Does a default, or a logical type, fit its type? Used while a schema is parsed. */
#ifndef CODEC_SCHEMA_FITS_H
#define CODEC_SCHEMA_FITS_H

#include "codec/schema.h"

struct json_t; /* jansson's */

/* `value` against `schema`; a union takes what fits any of its branches (Avro 1.12). `depth` starts at 0. */
bool schema_default_fits(const struct schema *schema, const struct json_t *value, uint32_t depth);

/* Can `schema` carry the logical type that `json` names? Sets precision and scale of a decimal. What does
 * not fit is ignored by the parser, as the specification asks. */
bool schema_logical_fits(struct schema *schema, const struct json_t *json,
                         enum schema_logical logical);

#endif
