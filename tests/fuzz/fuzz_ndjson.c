/* SPDX-License-Identifier: Apache-2.0 */
/* Any line; what is accepted is written again and must be read as the same line, and must be Avro
 * of the contract that a decode plan reads. */
#include "fuzz.h"

#include "base/invariant.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/encode_json.h"
#include "codec/framing.h"
#include "codec/ndjson.h"
#include "codec/schemas.h"

enum { OUT_SIZE = 1 << 22 };

static uint8_t block[1 << 21], texts[1 << 22], out[OUT_SIZE], again[OUT_SIZE];
static const struct encoder *encoders[SOURCE_COUNT];
static const struct plan *plans[SOURCE_COUNT];

static void open_all(void)
{
    struct arena arena;
    struct status_text why;
    arena_init(&arena, block, sizeof block);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        const struct schema *schema;
        struct source_mapping mapping = {.source = (enum source)i};
        struct slice text = schemas_text(schemas_name_of_source((enum source)i));
        INVARIANT(schema_parse(text, NULL, 0, &arena, &schema, &why) == STATUS_OK);
        INVARIANT(plan_compile(schema, schema, &mapping, &arena, &plans[i], &why) == STATUS_OK);
        INVARIANT(encoder_compile_event((enum source)i, schema, &arena, &encoders[i], &why) ==
                  STATUS_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct event event = {0}, read = {0};
    struct ndjson_error error;
    struct reject reject;
    if (plans[0] == NULL) {
        open_all();
    }
    arena_init(&arena, texts, sizeof texts);
    enum status status = ndjson_parse(slice_of(data, size), &arena, &event, &error);
    if (status != STATUS_OK) {
        INVARIANT(error.text.text[0] != '\0' && error.column > 0);
        return 0;
    }
    size_t length = encode_json_event(&event, out, OUT_SIZE);
    INVARIANT(length > 0);
    INVARIANT(ndjson_parse(slice_of(out, length), &arena, &read, &error) == STATUS_OK);
    INVARIANT(encode_json_event(&read, again, OUT_SIZE) == length &&
              memcmp(out, again, length) == 0);
    if (event.source == SOURCE_CUSTOMER_PROFILES && event.profile.erase) {
        return 0;
    }
    size = encode_event(encoders[event.source], &event, 1, again, OUT_SIZE);
    INVARIANT(size > FRAMING_SIZE);
    struct slice payload = slice_of(again + FRAMING_SIZE, size - FRAMING_SIZE);
    INVARIANT(decode_event(plans[event.source], payload, OUT_SIZE, &read, &reject));
    return 0;
}
