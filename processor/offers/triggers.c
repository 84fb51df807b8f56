/* SPDX-License-Identifier: Apache-2.0 */
/* What makes a decision. Most events concern no offer at all, so that nobody should have to ask each: which may be
 * triggered at all is a matter of a few words. */
#include "offers/choose.h"

static bool by_default(const struct offer_def *def)
{
    return def->on_segments_count == 0 && def->on_life == 0 && def->on_app_count == 0;
}

/* Segments whose entry triggers it. */
static const uint32_t *trigger_segments(const struct offer_def *def, uint32_t *out_count)
{
    bool any = by_default(def);
    *out_count = any ? def->segments_any_count : def->on_segments_count;
    return any ? def->segments_any : def->on_segments;
}

void offers_triggers_build(const struct offers *offers, struct offers_triggers *out)
{
    *out = (struct offers_triggers){.life = 0};
    for (uint32_t i = 0; i < offers->count; i++) {
        const struct offer_def *def = &offers->defs[i];
        uint64_t bit = UINT64_C(1) << i;
        uint32_t count = 0;
        const uint32_t *segments = trigger_segments(def, &count);
        for (uint32_t k = 0; k < count; k++) {
            uint32_t words = segments[k] / 64 + 1;
            out->segment_words = words > out->segment_words ? words : out->segment_words;
        }
        out->segments |= count > 0 ? bit : 0;
        out->life |= def->on_life != 0 ? bit : 0;
        out->app |= def->on_app_count > 0 ? bit : 0;
    }
}

uint64_t offers_every(const struct offers *offers)
{
    return offers->count == OFFERS_MAX ? UINT64_MAX : (UINT64_C(1) << offers->count) - 1;
}

uint64_t offers_noted(const struct offers *offers, const struct offers_state *state)
{
    return (offers->triggers == NULL ? UINT64_MAX : state->noted) & offers_every(offers);
}

uint64_t triggers_possible(const struct offers *offers, const struct offers_state *state,
                           const struct offers_facts *facts, const struct event *event)
{
    const struct offers_triggers *triggers = offers->triggers;
    if (triggers == NULL) {
        return offers_every(offers);
    }
    uint64_t possible = offers_noted(offers, state); /* what is held comes by itself */
    uint64_t entered = 0;
    for (uint32_t i = 0; i < triggers->segment_words; i++) {
        entered |= facts->segments_entered[i];
    }
    possible |= entered != 0 ? triggers->segments : 0;
    possible |= facts->life_confirmed != 0 ? triggers->life : 0;
    possible |= event != NULL && event->source == SOURCE_APP_ENGAGEMENT ? triggers->app : 0;
    return possible & offers_every(offers);
}

bool trigger_fires(const struct offer_def *def, const struct offer_history *history,
                   const struct offers_facts *facts, const struct scope *scope)
{
    const struct event *event = scope->event;
    if (history->held_until_ms != 0 && history->held_until_ms <= scope->now_ms) {
        return true;
    }
    uint32_t count = 0;
    const uint32_t *segments = trigger_segments(def, &count);
    for (uint32_t i = 0; i < count; i++) {
        if ((facts->segments_entered[segments[i] >> 6] >> (segments[i] & 63) & 1) != 0) {
            return true;
        }
    }
    if ((def->on_life & facts->life_confirmed) != 0) {
        return true;
    }
    for (uint32_t i = 0;
         event != NULL && event->source == SOURCE_APP_ENGAGEMENT && i < def->on_app_count; i++) {
        if (slice_equal(def->on_app[i], event->app.event)) {
            return true;
        }
    }
    return false;
}
