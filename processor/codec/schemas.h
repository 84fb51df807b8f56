/* SPDX-License-Identifier: Apache-2.0 */
/* The contract's schemas (the files of schemas/), built into the program. */
#ifndef CODEC_SCHEMAS_H
#define CODEC_SCHEMAS_H

#include "base/slice.h"
#include "model/event.h"
#include "model/output.h"

/* The newest version of schemas/<name>/N.avsc as written there; empty when there is no such folder.
 * Static. */
struct slice schemas_text(const char *name);

/* "transaction", ...: the folder of the record of an input or output. Static. */
const char *schemas_name_of_source(enum source source);
const char *schemas_name_of_output(enum output_kind kind);

/* All folders in alphabetical order: names 0 .. count - 1. Static. */
uint32_t schemas_count(void);
const char *schemas_name(uint32_t index);

#endif
