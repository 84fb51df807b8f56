/* SPDX-License-Identifier: Apache-2.0 */
/* Customers in experiments. A customer counts once in each experiment, on the side of the first exposure:
 * intention to treat. Converted: an ACCEPTED outcome of that offer within the attribution window, whoever asked
 * for it. A first exposure before the time that was asked for, or of somebody who was not of the segment then, is
 * the first all the same: what comes after it is conditioned on the treatment, and counts nowhere.
 *
 * A layer that several offers share is an experiment of its own: each customer from the first exposure to any of
 * them on, with whatever of them was accepted since, without an end. Nobody can have been treated before that
 * moment, so the sides are alike in it; those who are there to be exposed to a later offer of the layer are not.
 *
 * A part of an experiment (a channel, a variant, a day, a segment) has the customers of whom that was true at the
 * first exposure. Both sides were planned by one rule before either was treated (offers/offers.c), so each part is
 * an experiment of its own. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "commands/report_reader.h"

static const struct offer_def *offer_named(const struct reader *reader, const char *id)
{
    for (uint32_t i = 0; i < reader->playbook->offers.count; i++) {
        if (slice_is(reader->playbook->offers.defs[i].id, id)) {
            return &reader->playbook->offers.defs[i];
        }
    }
    return NULL;
}

/* Fixed variants: each customer once. */
static void take_variant(struct reader *reader, const char *customer, const json_t *value,
                         bool counts)
{
    struct report *report = &reader->report;
    const struct offer_def *def = offer_named(reader, reader_text(value, "offer_id"));
    char *key = reader_join(customer, reader_text(value, "offer_id"), "");
    uint32_t at = 0;
    bool first = key != NULL && json_object_get(reader->arms, key) == NULL;
    if (first) {
        (void)json_object_set_new(reader->arms, key, json_true());
    }
    if (first && counts && def != NULL && !def->learn) {
        while (at < report->split_count && report->splits[at].def != def) {
            at++;
        }
        if (at == report->split_count) {
            report->splits[report->split_count++] = (struct report_split){.def = def};
        }
        for (uint32_t i = 0; i < def->variant_count; i++) {
            report->splits[at].counts[i] +=
                slice_is(def->variants[i].id, reader_text(value, "variant"));
        }
    }
    free(key);
}

/* The share that all offers of a layer hold out; NAN: there is no such layer, or its offers do not agree. */
static double agreed_holdout(const struct offers *offers, const char *layer)
{
    double agreed = NAN;
    bool differ = false;
    for (uint32_t i = 0; i < offers->count; i++) {
        const struct offer_def *def = &offers->defs[i];
        if (slice_is(def->holdout_layer, layer)) {
            differ = differ || (!isnan(agreed) && agreed != def->holdout / 10000.0);
            agreed = def->holdout / 10000.0;
        }
    }
    return differ ? NAN : agreed;
}

static double planned_holdout(const struct reader *reader, const char *offer, const char *layer)
{
    const struct offers_policy *policy = &reader->playbook->offers.policy;
    const struct offer_def *def = offer_named(reader, offer);
    if (slice_is(policy->holdout_layer, layer)) {
        return policy->holdout / 10000.0;
    }
    if (strcmp(offer, REPORT_ALL_OFFERS) == 0) {
        return agreed_holdout(&reader->playbook->offers, layer);
    }
    return def != NULL && slice_is(def->holdout_layer, layer) ? def->holdout / 10000.0 : NAN;
}

static int64_t experiment_index(struct reader *reader, const char *offer, const char *layer,
                                const char *part)
{
    struct report *report = &reader->report;
    char *whole = reader_join(offer, layer, "");
    char *key = whole == NULL ? NULL : reader_join(whole, part, "");
    int64_t at = reader_find(reader->experiments, key);
    if (at < 0 && key != NULL) {
        struct report_experiment *experiment = reader_grow(
            (void **)&report->experiments, &report->experiment_count, sizeof(*experiment));
        if (experiment != NULL) {
            experiment->offer = strdup(offer);
            experiment->layer = strdup(layer);
            experiment->part = strdup(part);
            experiment->holdout = planned_holdout(reader, offer, layer);
            at = report->experiment_count - 1;
            (void)json_object_set_new(reader->experiments, key, json_integer(at));
        }
    }
    reader->failed |= at < 0;
    free(whole);
    free(key);
    return at;
}

static json_t *units_of(struct reader *reader, const char *customer, const char *offer,
                        const char *layer)
{
    char *key = reader_join(customer, offer, layer);
    json_t *units = key == NULL ? NULL : json_object_get(reader->units, key);
    if (units == NULL && key != NULL) {
        units = json_array();
        (void)json_object_set_new(reader->units, key, units);
    }
    reader->failed |= units == NULL;
    free(key);
    return units;
}

/* Once only. */
static bool is_first(struct reader *reader, const char *customer, const char *offer,
                     const char *layer)
{
    char *key = reader_join(customer, offer, layer);
    bool first = key != NULL && json_object_get(reader->exposed, key) == NULL;
    if (first) {
        (void)json_object_set_new(reader->exposed, key, json_true());
    }
    reader->failed |= key == NULL;
    free(key);
    return first;
}

/* What comes back from the exposure `value` on until `until_ms` counts. */
static void add_unit(struct reader *reader, json_t *units, const json_t *value, int64_t experiment,
                     int64_t until_ms)
{
    struct report *report = &reader->report;
    struct report_unit *unit =
        experiment < 0 ? NULL
                       : reader_grow((void **)&report->units, &report->unit_count, sizeof(*unit));
    reader->failed |= unit == NULL;
    if (unit != NULL) {
        unit->experiment = (uint32_t)experiment;
        unit->held_out = json_is_true(json_object_get(value, "held_out"));
        unit->since_ms = reader_time(value, "effective_at");
        unit->until_ms = until_ms;
        (void)json_array_append_new(units, json_integer(report->unit_count - 1));
    }
}

/* In which parts a customer counts who is now exposed for the first time. */
static void add_parts(struct reader *reader, json_t *units, const json_t *value, int64_t until_ms)
{
    const char *offer = reader_text(value, "offer_id"), *layer = reader_text(value, "layer");
    const char *variant = reader_text(value, "variant"), *segment;
    char day[CIVIL_TEXT_SIZE];
    json_t *is_true;
    switch (reader->by) {
    case BY_VARIANT:
        add_unit(reader, units, value,
                 experiment_index(reader, offer, layer, variant[0] != '\0' ? variant : "default"),
                 until_ms);
        break;
    case BY_CHANNEL:
        add_unit(reader, units, value,
                 experiment_index(reader, offer, layer, reader_text(value, "channel")), until_ms);
        break;
    case BY_DAY:
        civil_format_date((int32_t)civil_floor(reader_time(value, "effective_at"), MS_PER_DAY),
                          day);
        add_unit(reader, units, value, experiment_index(reader, offer, layer, day), until_ms);
        break;
    case BY_SEGMENT:
        json_object_foreach(json_object_get(reader->members, reader_text(value, "customer_id")),
                            segment, is_true)
        {
            add_unit(reader, units, value, experiment_index(reader, offer, layer, segment),
                     until_ms);
        }
        break;
    default:
        break;
    }
}

/* What was shown, not what was planned: layer variant:OFFER. */
static bool is_of_variants(const json_t *value)
{
    static const char prefix[] = "variant:";
    const char *layer = reader_text(value, "layer");
    return strncmp(layer, prefix, sizeof(prefix) - 1) == 0 &&
           strcmp(layer + sizeof(prefix) - 1, reader_text(value, "offer_id")) == 0;
}

static void expose_to_layer(struct reader *reader, const char *customer, const char *layer,
                            const json_t *value)
{
    json_t *units = units_of(reader, customer, REPORT_ALL_OFFERS, layer);
    add_unit(reader, units, value, experiment_index(reader, REPORT_ALL_OFFERS, layer, ""),
             INT64_MAX);
}

/* Outcomes come last of all, so by then the offers of a layer are known. */
static void know_offer(struct reader *reader, const char *layer, const char *offer)
{
    json_t *offers = json_object_get(reader->layers, layer);
    if (offers == NULL) {
        offers = json_object();
        (void)json_object_set_new(reader->layers, layer, offers);
    }
    (void)json_object_set_new(offers, offer, json_true());
}

void units_expose(struct reader *reader, const json_t *value, bool counts)
{
    const char *customer = reader_text(value, "customer_id");
    const char *offer = reader_text(value, "offer_id");
    if (is_of_variants(value)) {
        take_variant(reader, customer, value, counts);
        return;
    }
    const char *layer = reader_text(value, "layer");
    if (is_first(reader, customer, offer, layer) && counts) {
        json_t *units = units_of(reader, customer, offer, "");
        int64_t until_ms =
            reader_time(value, "effective_at") + reader->playbook->offers.policy.attribution_ms;
        add_unit(reader, units, value, experiment_index(reader, offer, layer, ""), until_ms);
        add_parts(reader, units, value, until_ms);
    }
    if (is_first(reader, customer, REPORT_ALL_OFFERS, layer) && counts) {
        expose_to_layer(reader, customer, layer, value);
    }
    know_offer(reader, layer, offer);
}

static void count_outcome(struct reader *reader, const char *key, int64_t when_ms, bool accepted,
                          int64_t revenue)
{
    const json_t *units = key == NULL ? NULL : json_object_get(reader->units, key);
    size_t i;
    json_t *index;
    reader->failed |= key == NULL;
    json_array_foreach(units, i, index)
    {
        struct report_unit *unit = &reader->report.units[json_integer_value(index)];
        if (when_ms >= unit->since_ms && when_ms <= unit->until_ms) {
            unit->converted |= accepted;
            unit->revenue_minor = offer_revenue_add(unit->revenue_minor, revenue);
        }
    }
}

void units_outcome(struct reader *reader, const json_t *value, bool accepted, int64_t revenue)
{
    const char *customer = reader_text(value, "customer_id");
    const char *offer = reader_text(value, "offer_id"), *layer;
    int64_t when_ms = reader_time(value, "occurred_at");
    json_t *offers;
    char *key = reader_join(customer, offer, "");
    count_outcome(reader, key, when_ms, accepted, revenue);
    free(key);
    json_object_foreach(reader->layers, layer, offers)
    {
        if (json_object_get(offers, offer) != NULL) {
            key = reader_join(customer, REPORT_ALL_OFFERS, layer);
            count_outcome(reader, key, when_ms, accepted, revenue);
            free(key);
        }
    }
}

void units_finish(struct reader *reader)
{
    for (uint32_t i = 0; i < reader->report.experiment_count; i++) {
        struct report_experiment *e = &reader->report.experiments[i];
        if (strcmp(e->offer, REPORT_ALL_OFFERS) == 0) {
            e->offers = (uint32_t)json_object_size(json_object_get(reader->layers, e->layer));
        }
    }
}
