/* SPDX-License-Identifier: Apache-2.0 */
/* One source that goes through `segue repartition`: its topics, group, begin, and what may be deleted behind the
 * tasks. */
#ifndef COMMANDS_REPARTITION_STEP_H
#define COMMANDS_REPARTITION_STEP_H

#include "commands/connect.h"
#include "io/kafka_admin.h"

enum { REPARTITION_NAME_SIZE = 320 };

struct repartition_step {
    const struct connect *connect;
    enum source source;
    char group[REPARTITION_NAME_SIZE];    /* of the step's own consumer group */
    char instance[REPARTITION_NAME_SIZE]; /* stem of its transactional id and static membership */
    struct kafka_property properties[SETTINGS_PROPERTIES_MAX + 1];
    struct kafka_log_settings kafka; /* for kafka_open; borrows from this struct */
    uint32_t source_partitions, task_count;
    int64_t *start_offsets;   /* source_partitions */
    int64_t *deleted, *below; /* task_count: what was deleted up to; what is to be now */
};

/* Names and settings; asks nobody. `step` must outlive what is opened with step->kafka. */
void repartition_step_init(struct repartition_step *step, const struct connect *connect,
                           enum source source);

/* Count the partitions of both topics, and find where a first start begins. Takes memory. STATUS_INVALID: a topic
 * is missing, or the repartition topic has not as many partitions as there are tasks; STATUS_AWAY. */
MUST_USE enum status repartition_step_look(struct repartition_step *step, struct kafka_admin *admin,
                                           int32_t timeout_ms, struct status_text *out_text);

/* Delete from the repartition topic what the tasks have committed. STATUS_AWAY: another time. */
MUST_USE enum status repartition_step_trim(struct repartition_step *step, int32_t timeout_ms,
                                           struct status_text *out_text);

#endif
