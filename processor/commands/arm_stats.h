/* SPDX-License-Identifier: Apache-2.0 */
/* One record of segue.offer-stats: what one task has counted so far of one arm (offer, variant, channel,
 * context). */
#ifndef COMMANDS_ARM_STATS_H
#define COMMANDS_ARM_STATS_H

#include "engine/engine.h"

struct json_t; /* jansson */

/* The counts; those before ARM_STAT_REVENUE count customers' outcomes, which revenue (minor units) does not. */
enum arm_stat {
    ARM_STAT_PRESENTED,
    ARM_STAT_CLICKED,
    ARM_STAT_ACCEPTED,
    ARM_STAT_REJECTED,
    ARM_STAT_COMPLAINED,
    ARM_STAT_OPTED_OUT,
    ARM_STAT_REVENUE,
    ARM_STAT_COUNT,
};

struct arm_stats {
    uint32_t task;
    uint32_t arm; /* of the engine it was parsed with */
    int64_t counts[ARM_STAT_COUNT];
};

/* Understand a record. False: it is no object, names no arm of this engine's playbook or a task that does not
 * exist; `out_stats` is untouched. A context that the playbook does not have counts as "other". */
bool arm_stats_parse(const struct json_t *record, const struct engine *engine, uint32_t task_count,
                     struct arm_stats *out_stats);

#endif
