/* SPDX-License-Identifier: Apache-2.0 */
/* For avro_share.py: parse the schema on stdin, print its canonical form and fingerprint. Exit 1:
 * refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/schema.h"

static uint8_t block[1 << 22];
static char input[1 << 20];

int main(void)
{
    struct arena arena;
    struct status_text why;
    const struct schema *schema;
    size_t size = fread(input, 1, sizeof input, stdin);
    arena_init(&arena, block, sizeof block);
    if (schema_parse(slice_of(input, size), NULL, 0, &arena, &schema, &why) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return EXIT_FAILURE;
    }
    struct slice form = schema_canonical(schema, &arena);
    (void)printf("%.*s\n%" PRId64 "\n", SLICE_ARG(form), (int64_t)schema_fingerprint(form));
    return EXIT_SUCCESS;
}
