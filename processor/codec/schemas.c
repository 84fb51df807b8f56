/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/schemas.h"

#include "base/attributes.h"
#include "base/invariant.h"
#include "codec/schemas_table.h"

static const char *const source_names[] = {"transaction",         "app_engagement",
                                           "customer_profile",    "offer_outcome",
                                           "life_event_feedback", "score"};
_Static_assert(ARRAY_COUNT(source_names) == SOURCE_COUNT, "one schema per source");

static const char *const output_names[] = {
    "segment_changed", "segment_state", "life_event_detected", "offer_decided", "exposure",
    "offer_stats",     "control",       "dead_letter"};
_Static_assert(ARRAY_COUNT(output_names) == OUTPUT_KIND_COUNT, "one schema per output");

struct slice schemas_text(const char *name)
{
    for (unsigned i = 0; i < schemas_table_count; i++) {
        if (strcmp(schemas_table[i].name, name) == 0) {
            return slice_of(schemas_table[i].text, schemas_table[i].size);
        }
    }
    return (struct slice){NULL, 0};
}

const char *schemas_name_of_source(enum source source)
{
    INVARIANT((unsigned)source < SOURCE_COUNT);
    return source_names[source];
}

const char *schemas_name_of_output(enum output_kind kind)
{
    INVARIANT((unsigned)kind < OUTPUT_KIND_COUNT);
    return output_names[kind];
}

uint32_t schemas_count(void)
{
    return schemas_table_count;
}

const char *schemas_name(uint32_t index)
{
    INVARIANT(index < schemas_table_count);
    return schemas_table[index].name;
}
