/* SPDX-License-Identifier: Apache-2.0 */
/* What offers earn and cost, on /metrics: outcomes, revenue, rates and what experiments say, from the counters
 * of segue.offer-stats, which every process reads whole, so each shows the sums over all tasks (take the max
 * over processes, not the sum).
 *
 * Series: (offer, variant, channel that the offer may use) x outcome, at most KPIS_SERIES_MAX; a playbook with
 * more gets them per offer. Experiments (kpis_experiments.h) per offer and layer; by channel, variant, day and
 * segment `segue report` has them. */
#ifndef COMMANDS_KPIS_H
#define COMMANDS_KPIS_H

#include "base/metrics.h"
#include "commands/arm_stats.h"
#include "engine/engine.h"
#include "offers/offers.h"

struct json_t; /* jansson */

enum { KPIS_SERIES_MAX = 4000 };

struct kpis_options {
    const struct engine *engine;
    const struct offers *offers; /* the engine's */
    const char *currency;        /* static; a label of revenue */
    uint32_t task_count;
};

struct kpis;

/* Memory until exit; before memory_seal. */
struct kpis *kpis_open(const struct kpis_options *options);

/* How many series kpis_register makes. */
uint32_t kpis_series(const struct kpis *kpis);

/* Once, at start. */
void kpis_register(struct kpis *kpis, struct metrics *metrics);

/* One record, parsed for this engine and task_count: the newest of its task and arm counts. Any thread. */
void kpis_take(struct kpis *kpis, const struct arm_stats *stats);

/* The record of an offer as a whole (`experiment`, `sides`). False: no offer of this playbook, or split by another
 * plan. Any thread. */
bool kpis_take_experiment(struct kpis *kpis, const struct json_t *record);

/* The topic has been read to its end: from now on the figures are whole and shown. Any thread. */
void kpis_ready(struct kpis *kpis);

/* Bring the series up to date; `context` is a struct kpis. Any thread. */
void kpis_refresh(void *context);

#endif
