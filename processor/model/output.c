/* SPDX-License-Identifier: Apache-2.0 */
#include "model/output.h"

#include "base/attributes.h"

static const struct {
    const char *topic;
    const char *record;
} kinds[] = {
    {"segment-changes", "segue.v1.SegmentChanged"},
    {"segment-state", "segue.v1.SegmentState"},
    {"life-events", "segue.v1.LifeEventDetected"},
    {"offers", "segue.v1.OfferDecided"},
    {"exposures", "segue.v1.Exposure"},
    {"offer-stats", "segue.v1.OfferStats"},
    {"control", "segue.v1.Control"},
    {"dead-letters", "segue.v1.DeadLetter"},
};
_Static_assert(ARRAY_COUNT(kinds) == OUTPUT_KIND_COUNT, "one row per kind");

const char *output_topic(enum output_kind kind)
{
    return kinds[kind].topic;
}

const char *output_record_name(enum output_kind kind)
{
    return kinds[kind].record;
}

struct output *effects_add(struct effects *effects, enum output_kind kind)
{
    if (effects->count == effects->capacity) {
        effects->full = true;
        return NULL;
    }
    struct output *output = &effects->outputs[effects->count++];
    *output = (struct output){.kind = kind};
    return output;
}
