/* SPDX-License-Identifier: Apache-2.0 */
/* Customers in experiments. A customer counts once in each experiment, on the side of the first exposure:
 * intention to treat. Converted: an ACCEPTED outcome of that offer within the attribution window, whoever asked
 * for it.
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
static void take_variant(struct reader *reader, const char *customer, const json_t *value)
{
    struct report *report = &reader->report;
    const struct offer_def *def = offer_named(reader, reader_text(value, "offer_id"));
    char *key = reader_join(customer, reader_text(value, "offer_id"), "");
    uint32_t at = 0;
    if (def != NULL && !def->learn && key != NULL && json_object_get(reader->arms, key) == NULL) {
        (void)json_object_set_new(reader->arms, key, json_true());
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

static double planned_holdout(const struct reader *reader, const char *offer, const char *layer)
{
    const struct offers_policy *policy = &reader->playbook->offers.policy;
    const struct offer_def *def = offer_named(reader, offer);
    if (slice_is(policy->holdout_layer, layer)) {
        return policy->holdout / 10000.0;
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

static json_t *units_of(struct reader *reader, const char *customer, const char *offer)
{
    char *key = reader_join(customer, offer, "");
    json_t *units = key == NULL ? NULL : json_object_get(reader->units, key);
    if (units == NULL && key != NULL) {
        units = json_array();
        (void)json_object_set_new(reader->units, key, units);
    }
    reader->failed |= units == NULL;
    free(key);
    return units;
}

static bool is_in(const struct report *report, const json_t *units, int64_t experiment)
{
    size_t i;
    json_t *unit;
    json_array_foreach(units, i, unit)
    {
        if (report->units[json_integer_value(unit)].experiment == experiment) {
            return true;
        }
    }
    return false;
}

static void add_unit(struct reader *reader, json_t *units, const json_t *value, int64_t experiment)
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
        (void)json_array_append_new(units, json_integer(report->unit_count - 1));
    }
}

/* In which parts a customer counts who is now exposed for the first time. */
static void add_parts(struct reader *reader, json_t *units, const json_t *value)
{
    const char *offer = reader_text(value, "offer_id"), *layer = reader_text(value, "layer");
    const char *variant = reader_text(value, "variant"), *segment;
    char day[CIVIL_TEXT_SIZE];
    json_t *is_true;
    switch (reader->by) {
    case BY_VARIANT:
        add_unit(reader, units, value,
                 experiment_index(reader, offer, layer, variant[0] != '\0' ? variant : "default"));
        break;
    case BY_CHANNEL:
        add_unit(reader, units, value,
                 experiment_index(reader, offer, layer, reader_text(value, "channel")));
        break;
    case BY_DAY:
        civil_format_date((int32_t)civil_floor(reader_time(value, "effective_at"), MS_PER_DAY),
                          day);
        add_unit(reader, units, value, experiment_index(reader, offer, layer, day));
        break;
    case BY_SEGMENT:
        json_object_foreach(json_object_get(reader->members, reader_text(value, "customer_id")),
                            segment, is_true)
        {
            add_unit(reader, units, value, experiment_index(reader, offer, layer, segment));
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

void units_expose(struct reader *reader, const json_t *value)
{
    const char *customer = reader_text(value, "customer_id");
    const char *offer = reader_text(value, "offer_id");
    if (is_of_variants(value)) {
        take_variant(reader, customer, value);
        return;
    }
    json_t *units = units_of(reader, customer, offer);
    int64_t whole = experiment_index(reader, offer, reader_text(value, "layer"), "");
    if (!reader->failed && !is_in(&reader->report, units, whole)) {
        add_unit(reader, units, value, whole);
        add_parts(reader, units, value);
    }
}

void units_outcome(struct reader *reader, const json_t *value, bool accepted, int64_t revenue)
{
    int64_t attribution_ms = reader->playbook->offers.policy.attribution_ms;
    int64_t when_ms = reader_time(value, "occurred_at");
    char *key = reader_join(reader_text(value, "customer_id"), reader_text(value, "offer_id"), "");
    const json_t *units = key == NULL ? NULL : json_object_get(reader->units, key);
    size_t i;
    json_t *index;
    reader->failed |= key == NULL;
    free(key);
    json_array_foreach(units, i, index)
    {
        struct report_unit *unit = &reader->report.units[json_integer_value(index)];
        if (when_ms >= unit->since_ms && when_ms <= unit->since_ms + attribution_ms) {
            unit->converted |= accepted;
            unit->revenue_minor = offer_revenue_add(unit->revenue_minor, revenue);
        }
    }
}
