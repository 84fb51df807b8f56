/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: which plan; the rest: a payload, or for the last plan a framed value. The plans are
 * those of our contracts, and one of a schema with everything that is skipped. */
#include "fuzz.h"

#include "base/invariant.h"
#include "codec/decode.h"
#include "codec/framing.h"
#include "codec/schemas.h"

static const char zoo[] =
    "{\"type\":\"record\",\"name\":\"Z\",\"fields\":["
    "{\"name\":\"customer_id\",\"type\":\"string\"},{\"name\":\"name\",\"type\":[\"int\","
    "\"string\",\"null\"]},"
    "{\"name\":\"a\",\"type\":{\"type\":\"array\",\"items\":\"null\"}},"
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":"
    "\"boolean\"}}},"
    "{\"name\":\"n\",\"type\":{\"type\":\"record\",\"name\":\"N\",\"fields\":["
    "{\"name\":\"x\",\"type\":[\"null\",\"N\"]}]}},"
    "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}},"
    "{\"name\":\"value\",\"type\":\"float\"},{\"name\":\"scored_at\",\"type\":\"string\"}]}";

static uint8_t block[1 << 21];
static const struct plan *plans[SOURCE_COUNT + 1];

static void open_plans(void)
{
    struct arena arena;
    const struct schema *schema;
    struct status_text why;
    arena_init(&arena, block, sizeof block);
    for (int i = 0; i <= SOURCE_COUNT; i++) {
        enum source source = i == SOURCE_COUNT ? SOURCE_SCORES : (enum source)i;
        struct source_mapping mapping = {.source = source};
        struct slice text = schemas_text(schemas_name_of_source(source));
        if (i == SOURCE_COUNT) { /* its name is no text: map another */
            mapping.fields[1].path = slice_text("customer_id");
            text = slice_text(zoo);
        }
        INVARIANT(schema_parse(text, NULL, 0, &arena, &schema, &why) == STATUS_OK);
        INVARIANT(plan_compile(schema, NULL, &mapping, &arena, &plans[i], &why) == STATUS_OK);
    }
}

static void inside(struct slice part, struct slice whole)
{
    INVARIANT(part.size == 0 ||
              (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event event;
    struct reject reject;
    struct schema_key key;
    struct slice payload;
    if (plans[0] == NULL) {
        open_plans();
    }
    if (size == 0) {
        return 0;
    }
    payload = slice_of(data + 1, size - 1);
    if (data[0] >= 128 && !framing_read(payload, NULL, 0, &key, &payload)) {
        return 0;
    }
    if (decode_event(plans[data[0] % (SOURCE_COUNT + 1)], payload, DECODE_RECORD_SIZE_MAX, &event,
                     &reject)) {
        inside(event.customer_id, payload);
        inside(event.event_id, payload);
        INVARIANT(event.customer_id.size > 0 && event.customer_id.size <= CUSTOMER_ID_SIZE_MAX);
        INVARIANT(event.source != SOURCE_TRANSACTIONS ||
                  (event.tx.amount_minor > 0 && event.tx.amount_minor <= EVENT_AMOUNT_MINOR_MAX));
    } else {
        INVARIANT(reject.reason != REJECT_NONE && reject.at <= payload.size);
    }
    return 0;
}
