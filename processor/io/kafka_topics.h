/* SPDX-License-Identifier: Apache-2.0 */
/* Are the topics what Segue needs? Asked once at start: a wrong one must not be found out later. */
#ifndef IO_KAFKA_TOPICS_H
#define IO_KAFKA_TOPICS_H

#include "io/kafka_admin.h"

struct kafka_topic_counts {
    uint32_t task_count;    /* N */
    uint32_t journal_count; /* J */
    uint32_t checkpoint_count;
    char cluster_id[128];
};

/* STATUS_INVALID with topic, what it is, what it must be, and the command that mends it;
 * STATUS_AWAY. */
enum status kafka_topics_check(const struct kafka_log_settings *settings, int32_t timeout_ms,
                               struct kafka_topic_counts *out_counts,
                               struct status_text *out_text) MUST_USE;

#endif
