/* SPDX-License-Identifier: Apache-2.0 */
/* What embed_schemas.py writes at build time. Use codec/schemas.h. */
#ifndef CODEC_SCHEMAS_TABLE_H
#define CODEC_SCHEMAS_TABLE_H

#include <stddef.h>

struct schemas_entry {
    const char *name; /* the folder */
    const unsigned char *text;
    size_t size;
};

extern const struct schemas_entry schemas_table[]; /* by name, ascending */
extern const unsigned schemas_table_count;

#endif
