/* SPDX-License-Identifier: Apache-2.0 */
/* What experiments say, on /metrics: incremental conversion and revenue against the control group with their
 * interval, and the alarm of the split. Inside kpis.c, which holds the lock. */
#ifndef COMMANDS_KPIS_EXPERIMENTS_H
#define COMMANDS_KPIS_EXPERIMENTS_H

#include "base/metrics.h"
#include "offers/offers.h"

struct json_t; /* jansson */

struct kpis_experiments;

/* An experiment per offer and layer that holds somebody out. Memory until exit; before memory_seal. `currency` is
 * static. */
struct kpis_experiments *kpis_experiments_open(const struct offers *offers, const char *currency,
                                               uint32_t task_count);

uint32_t kpis_experiments_series(const struct kpis_experiments *experiments);

void kpis_experiments_register(struct kpis_experiments *experiments, struct metrics *metrics);

/* One OfferStats record of an offer as a whole. False: no offer of this playbook, or split by another plan. */
bool kpis_experiments_take(struct kpis_experiments *experiments, const struct json_t *value);

void kpis_experiments_refresh(struct kpis_experiments *experiments);

#endif
