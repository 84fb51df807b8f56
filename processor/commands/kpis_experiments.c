/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/kpis_experiments.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "commands/experiment.h"

enum { BOUNDS = 3, SERIES_EACH = 2 + 2 * BOUNDS + 1 };

static const struct metric_family customers_family = {
    "segue_offer_experiment_customers", NULL,
    "Customers of an experiment, by the side of their first exposure", METRIC_GAUGE};
static const struct metric_family conversion_family = {
    "segue_offer_incremental_conversion", NULL,
    "Conversion above the control group's, 95% at any time", METRIC_GAUGE};
static const struct metric_family revenue_family = {
    "segue_offer_incremental_revenue", NULL,
    "Revenue of the treated above the control group's, in major units, 95% at any time",
    METRIC_GAUGE};
static const struct metric_family alarm_family = {
    "segue_offer_split_alarm", NULL, "1: less than one sound experiment in 1,000 is ever split so",
    METRIC_GAUGE};

/* One offer in one layer; [0] is the treated side, [1] the control group. */
struct one {
    bool used;
    double holdout; /* planned share */
    struct offer_side total[2];
    struct metric *customers[2], *conversion[BOUNDS], *revenue[BOUNDS], *alarm;
};

struct kpis_experiments {
    const struct offers *offers;
    const char *currency;
    uint32_t task_count;
    uint32_t used;
    struct one one[OFFERS_MAX][OFFER_LAYER_COUNT];
    struct offer_side (*seen)[OFFER_LAYER_COUNT][2]; /* task_count x offers */
};

static uint32_t holdout_of(const struct offers *offers, uint32_t offer, enum offer_layer layer)
{
    const struct offer_def *def = &offers->defs[offer];
    return layer == LAYER_GLOBAL ? offers_global_holdout(offers, def) : def->holdout;
}

static struct slice layer_of(const struct offers *offers, uint32_t offer, enum offer_layer layer)
{
    return layer == LAYER_GLOBAL ? offers->policy.holdout_layer : offers->defs[offer].holdout_layer;
}

struct kpis_experiments *kpis_experiments_open(const struct offers *offers, const char *currency,
                                               uint32_t task_count)
{
    struct kpis_experiments *all = memory_take(sizeof(*all), "figures of experiments");
    all->offers = offers;
    all->currency = currency;
    all->task_count = task_count;
    all->seen = memory_take((size_t)task_count * offers->count * sizeof(*all->seen) + 1,
                            "figures of experiments");
    for (uint32_t i = 0; i < offers->count; i++) {
        for (enum offer_layer layer = LAYER_GLOBAL; layer < OFFER_LAYER_COUNT; layer++) {
            uint32_t holdout = holdout_of(offers, i, layer);
            bool splits = holdout > 0 && offers->defs[i].contact_class != OFFER_MANDATORY;
            all->one[i][layer].used = splits;
            all->one[i][layer].holdout = holdout / 10000.0;
            all->used += splits;
        }
    }
    return all;
}

uint32_t kpis_experiments_series(const struct kpis_experiments *experiments)
{
    return experiments->used * SERIES_EACH;
}

static struct metric *add(struct metrics *metrics, const struct metric_family *family,
                          const char *labels, const char *name, const char *value)
{
    char all[METRIC_LABELS_SIZE];
    (void)snprintf(all, sizeof(all), "%s", labels);
    if (name != NULL) {
        (void)metrics_label(all, name, value);
    }
    return metrics_register(metrics, family, all);
}

static void register_one(const struct kpis_experiments *all, struct one *one, uint32_t offer,
                         enum offer_layer layer, struct metrics *metrics)
{
    static const char *const sides[] = {"treated", "held_out"};
    static const char *const bounds[BOUNDS] = {"low", "estimate", "high"};
    char labels[METRIC_LABELS_SIZE] = "", text[METRIC_LABELS_SIZE / 4];
    (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(all->offers->defs[offer].id));
    (void)metrics_label(labels, "offer", text);
    (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(layer_of(all->offers, offer, layer)));
    (void)metrics_label(labels, "layer", text);
    for (int i = 0; i < 2; i++) {
        one->customers[i] = add(metrics, &customers_family, labels, "side", sides[i]);
    }
    for (int i = 0; i < BOUNDS; i++) {
        one->conversion[i] = add(metrics, &conversion_family, labels, "bound", bounds[i]);
    }
    char money[METRIC_LABELS_SIZE];
    (void)snprintf(money, sizeof(money), "%s", labels);
    (void)metrics_label(money, "currency", all->currency);
    for (int i = 0; i < BOUNDS; i++) {
        one->revenue[i] = add(metrics, &revenue_family, money, "bound", bounds[i]);
    }
    one->alarm = add(metrics, &alarm_family, labels, NULL, NULL);
    for (int i = 0; i < BOUNDS; i++) { /* until both sides have somebody */
        metric_set(one->conversion[i], NAN);
        metric_set(one->revenue[i], NAN);
    }
}

void kpis_experiments_register(struct kpis_experiments *experiments, struct metrics *metrics)
{
    for (uint32_t i = 0; i < experiments->offers->count; i++) {
        for (enum offer_layer layer = LAYER_GLOBAL; layer < OFFER_LAYER_COUNT; layer++) {
            if (experiments->one[i][layer].used) {
                register_one(experiments, &experiments->one[i][layer], i, layer, metrics);
            }
        }
    }
}

static struct slice text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return slice_text(text == NULL ? "" : text);
}

/* The offer that the record speaks of; offers->count: none. */
static uint32_t find(const struct offers *offers, const json_t *value)
{
    uint32_t at = 0;
    while (at < offers->count && !slice_equal(offers->defs[at].id, text_of(value, "offer_id"))) {
        at++;
    }
    return at;
}

/* Is it split as the offer is now? */
static bool is_of_plan(const struct offers *offers, uint32_t offer, const json_t *value)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "%08x", offers_experiment(offers, offer));
    return slice_is(text_of(value, "experiment"), name);
}

static void read_side(const struct kpis_experiments *all, uint32_t offer, const json_t *value,
                      struct offer_side now[OFFER_LAYER_COUNT][2])
{
    bool control = json_is_true(json_object_get(value, "control"));
    for (enum offer_layer layer = LAYER_GLOBAL; layer < OFFER_LAYER_COUNT; layer++) {
        if (all->one[offer][layer].used &&
            slice_equal(layer_of(all->offers, offer, layer), text_of(value, "layer"))) {
            now[layer][control] = (struct offer_side){
                json_integer_value(json_object_get(value, "customers")),
                json_integer_value(json_object_get(value, "converted")),
                json_integer_value(json_object_get(value, "revenue_minor")),
                json_number_value(json_object_get(value, "revenue_squares")),
            };
        }
    }
}

static void add_side(struct offer_side *total, const struct offer_side *now,
                     const struct offer_side *before)
{
    total->customers += now->customers - before->customers;
    total->converted += now->converted - before->converted;
    total->revenue_minor += now->revenue_minor - before->revenue_minor;
    total->revenue_squares += now->revenue_squares - before->revenue_squares;
}

bool kpis_experiments_take(struct kpis_experiments *experiments, const json_t *value)
{
    const struct offers *offers = experiments->offers;
    struct offer_side now[OFFER_LAYER_COUNT][2] = {{{0}}};
    uint32_t offer = find(offers, value);
    int64_t task = json_integer_value(json_object_get(value, "task"));
    size_t i;
    json_t *side;
    if (offer == offers->count || task < 0 || task >= experiments->task_count) {
        return false;
    }
    /* A record is the whole truth of its task: what it does not say, of another plan too, is nobody. */
    bool known = is_of_plan(offers, offer, value);
    json_array_foreach(json_object_get(value, "sides"), i, side)
    {
        if (known) {
            read_side(experiments, offer, side, now);
        }
    }
    struct offer_side(*seen)[2] = experiments->seen[(size_t)task * offers->count + offer];
    for (enum offer_layer layer = LAYER_GLOBAL; layer < OFFER_LAYER_COUNT; layer++) {
        for (int held = 0; held < 2; held++) {
            add_side(&experiments->one[offer][layer].total[held], &now[layer][held],
                     &seen[layer][held]);
            seen[layer][held] = now[layer][held];
        }
    }
    return known;
}

static void set_interval(struct metric *const series[BOUNDS], struct experiment_interval interval,
                         double scale)
{
    metric_set(series[0], interval.low * scale);
    metric_set(series[1], interval.estimate * scale);
    metric_set(series[2], interval.high * scale);
}

static void refresh_one(struct one *one)
{
    struct experiment_side converted[2], revenue[2];
    int64_t counts[2];
    double shares[2] = {1 - one->holdout, one->holdout};
    for (int i = 0; i < 2; i++) {
        const struct offer_side *side = &one->total[i];
        counts[i] = side->customers;
        converted[i] = (struct experiment_side){side->customers, (double)side->converted,
                                                (double)side->converted};
        revenue[i] = (struct experiment_side){side->customers, (double)side->revenue_minor / 100,
                                              side->revenue_squares};
        metric_set(one->customers[i], (double)side->customers);
    }
    set_interval(one->conversion,
                 experiment_difference(&converted[0], &converted[1], true, EXPERIMENT_ALPHA), 1);
    set_interval(one->revenue,
                 experiment_difference(&revenue[0], &revenue[1], false, EXPERIMENT_ALPHA),
                 (double)counts[0]);
    metric_set(one->alarm, experiment_split_chance(counts, shares, 2) < EXPERIMENT_SPLIT_ALARM);
}

void kpis_experiments_refresh(struct kpis_experiments *experiments)
{
    for (uint32_t i = 0; i < experiments->offers->count; i++) {
        for (enum offer_layer layer = LAYER_GLOBAL; layer < OFFER_LAYER_COUNT; layer++) {
            if (experiments->one[i][layer].used) {
                refresh_one(&experiments->one[i][layer]);
            }
        }
    }
}
