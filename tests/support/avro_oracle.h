/* SPDX-License-Identifier: Apache-2.0 */
/* avro-c as a second opinion: read a value by its schema and show it as plain JSON (unions without
 * their branch's name), which shares no code with ours. Tests only. */
#ifndef SUPPORT_AVRO_ORACLE_H
#define SUPPORT_AVRO_ORACLE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/slice.h"

struct avro_oracle;

/* From a schema's text; aborts when avro-c does not take it. */
struct avro_oracle *avro_oracle_open(struct slice schema);
void avro_oracle_close(struct avro_oracle *oracle);

/* NULL: avro-c does not read it, or bytes are left over. The caller owns the JSON. */
json_t *avro_oracle_read(struct avro_oracle *oracle, struct slice payload);

#endif
