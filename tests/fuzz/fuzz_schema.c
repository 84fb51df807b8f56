/* SPDX-License-Identifier: Apache-2.0 */
/* A registry's answer is not trusted: any text, parsed, described, canonical; and again from the
 * canonical form, which must mean the same. */
#include "fuzz.h"

#include "base/invariant.h"
#include "codec/schema.h"

static uint8_t block[1 << 22];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct status_text text;
    char described[200];
    const struct schema *schema, *again;
    arena_init(&arena, block, sizeof block);
    if (schema_parse(slice_of(data, size), NULL, 0, &arena, &schema, &text) != STATUS_OK) {
        return 0;
    }
    schema_describe(schema, described, sizeof described);
    struct slice form = schema_canonical(schema, &arena);
    if (form.size > 0 && schema_parse(form, NULL, 0, &arena, &again, &text) == STATUS_OK) {
        struct slice form_again = schema_canonical(again, &arena);
        INVARIANT(form_again.size == 0 || slice_equal(form, form_again));
    } else {
        INVARIANT(arena.size - arena.used < size * 64 + 65536); /* only for want of room */
    }
    return 0;
}
