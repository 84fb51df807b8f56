/* SPDX-License-Identifier: Apache-2.0 */
/* The view: published values as text, for channels that read Redis. Only what changed is written: a 32-bit
 * hash of each field's text is kept in the record (0: not in the view). */
#include <stdio.h>

#include "base/civil.h"
#include "base/hash.h"
#include "engine/layout.h"

/* One field's text; empty: the field is not in the view. */
struct text {
    char data[ENGINE_VIEW_TEXT_SIZE_MAX];
    size_t size;
};

static void text_take(struct text *text, int size)
{
    text->size = size < 0 ? 0 : (size_t)size;
    text->size = text->size < sizeof(text->data) ? text->size : sizeof(text->data) - 1;
}

static void write_feature(struct feature_value value, struct text *out)
{
    if (!value.present) {
        return;
    }
    switch (value.type) {
    case FEATURE_INT:
        text_take(out, snprintf(out->data, sizeof(out->data), "%lld", (long long)value.i));
        break;
    case FEATURE_DOUBLE:
        text_take(out, snprintf(out->data, sizeof(out->data), "%.10g", value.d));
        break;
    case FEATURE_BOOL:
        text_take(out,
                  snprintf(out->data, sizeof(out->data), "%s", value.i != 0 ? "true" : "false"));
        break;
    case FEATURE_STRING:
        text_take(out, snprintf(out->data, sizeof(out->data), "%.*s", SLICE_ARG(value.text)));
        break;
    case FEATURE_TIME: {
        char at[CIVIL_TEXT_SIZE];
        civil_format_time(value.i, at);
        text_take(out, snprintf(out->data, sizeof(out->data), "%s", at));
        break;
    }
    }
}

static void write_since(const char *what, int64_t since_ms, struct text *out)
{
    char at[CIVIL_TEXT_SIZE];
    civil_format_time(since_ms, at);
    text_take(out, snprintf(out->data, sizeof(out->data), "%s since %s", what, at));
}

/* The last decision's published offers that still stand, best first: "savings_boost,premium_travel_card". */
static void write_offers(const struct engine *engine, const struct customer *customer,
                         struct text *out)
{
    const struct offers *offers = &engine->playbook->offers;
    const struct offers_state *state = part_of(customer, engine->ledger);
    for (uint32_t k = 0; k < state->shown_count; k++) {
        for (uint32_t i = 0; i < offers->count; i++) {
            const struct offer_def *def = &offers->defs[i];
            size_t left = sizeof(out->data) - out->size;
            if (!def->publish || (uint32_t)hash64(def->id, 0) != state->shown[k] ||
                customer->seen_ms >= def->valid_until_ms || def->id.size + 2 > left) {
                continue;
            }
            int size = snprintf(out->data + out->size, left, "%s%.*s", out->size > 0 ? "," : "",
                                SLICE_ARG(def->id));
            text_take(out, (int)out->size + size);
        }
    }
}

static uint32_t hash_text(const struct text *text)
{
    uint32_t hash = (uint32_t)hash64(slice_of(text->data, text->size), 0);
    return text->size == 0 ? 0 : hash == 0 ? 1 : hash;
}

/* A customer's published values are read one by one; a series gives all of its fields at once. */
struct reading {
    const struct engine *engine;
    struct customer *customer;
    struct scope scope;
    struct features_moment moment;
    uint32_t series_first; /* index of the first of the fields below; UINT32_MAX: none were read */
    struct feature_value fields[SERIES_FIELD_COUNT];
};

static void reading_begin(struct reading *reading, const struct engine *engine,
                          struct customer *customer)
{
    reading->engine = engine;
    reading->customer = customer;
    reading->scope =
        (struct scope){.now_ms = customer->seen_ms, .customer = customer, .zones = engine->zones};
    reading->moment = features_moment(engine->playbook->features, part(customer, engine->features),
                                      &reading->scope);
    reading->series_first = UINT32_MAX;
}

static struct feature_value read_value(struct reading *reading, uint32_t index)
{
    const struct engine *engine = reading->engine;
    const struct playbook *playbook = engine->playbook;
    if (index < playbook->feature_count) {
        return features_value(playbook->features, part(reading->customer, engine->features), index,
                              &reading->moment);
    }
    uint32_t number = 0;
    while (index - playbook->series[number].first_feature >= SERIES_FIELD_COUNT) {
        number++; /* unsigned: below the first is far away too */
    }
    const struct series_def *series = &playbook->series[number];
    if (reading->series_first != series->first_feature) {
        const struct series_state *states = part_of(reading->customer, engine->series);
        series_values(series, &states[number], engine->zones, reading->customer->profile.zone,
                      reading->scope.now_ms, true, reading->fields);
        reading->series_first = series->first_feature;
    }
    return reading->fields[index - series->first_feature];
}

static void write_field(struct reading *reading, const struct engine_view_field *field,
                        struct text *out)
{
    const struct engine *engine = reading->engine;
    const struct customer *customer = reading->customer;
    switch ((enum engine_view_kind)field->kind) {
    case VIEW_FEATURE:
        write_feature(read_value(reading, field->index), out);
        break;
    case VIEW_LIFE: {
        const struct life_state *state =
            (const struct life_state *)part_of(customer, engine->life) + field->index;
        if (state->phase != LIFE_PHASE_IDLE) {
            write_since(state->phase == LIFE_PHASE_CONFIRMED ? "confirmed" : "suspected",
                        state->since_ms, out);
        }
        break;
    }
    case VIEW_SEGMENT: {
        const struct segment_state *state =
            (const struct segment_state *)part_of(customer, engine->segments) + field->index;
        if (segment_is_told(state)) {
            write_since("in", state->entered_ms, out);
        }
        break;
    }
    case VIEW_OFFER:
        write_offers(engine, customer, out);
        break;
    }
}

uint32_t engine_view(const struct engine *engine, struct customer *customer, struct arena *arena,
                     struct view_change *out_changes)
{
    struct reading reading;
    uint32_t *hashes = part(customer, engine->view_hashes);
    uint32_t count = 0;
    if (engine->view_count == 0) {
        return 0;
    }
    bool known = !customer->erased && customer->seen_ms != INT64_MIN;
    if (known) {
        reading_begin(&reading, engine, customer);
    }
    for (uint32_t i = 0; i < engine->view_count; i++) {
        struct text text;
        text.size = 0;
        if (known) {
            write_field(&reading, &engine->view[i], &text);
        }
        uint32_t hash = hash_text(&text);
        if (hash == hashes[i]) {
            continue;
        }
        hashes[i] = hash;
        out_changes[count++] = (struct view_change){
            .name = engine->view[i].name,
            .text = arena_copy(arena, slice_of(text.data, text.size)),
            .remove = hash == 0,
        };
    }
    return count;
}
