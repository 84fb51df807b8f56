/* SPDX-License-Identifier: Apache-2.0 */
/* struct settings as the Kafka adapter wants it, and what every topic must look like. */
#ifndef COMMANDS_CLUSTER_H
#define COMMANDS_CLUSTER_H

#include "io/kafka_admin.h"
#include "settings/settings.h"

/* A connection and the list it points to. Borrows from `settings`. */
struct cluster {
    struct kafka_connection connection;
    struct kafka_property properties[SETTINGS_PROPERTIES_MAX];
};

/* librdkafka's lines go to the log as code=kafka. `cluster` must stay where it is. */
void cluster_connect(struct cluster *cluster, const struct settings *settings);

/* Settings of kafka_open: sources in use, journal, checkpoints, outputs. `worker_count` as given. */
void cluster_log_settings(const struct cluster *cluster, const struct settings *settings, uint32_t worker_count,
                          struct kafka_log_settings *out_settings);

enum { CLUSTER_TOPICS_MAX = SOURCE_COUNT + OUTPUT_KIND_COUNT + 3 };

struct cluster_sizes {
    uint32_t task_count;    /* partitions of every source */
    uint32_t output_count;  /* of every output */
    uint32_t journal_count; /* of journal and checkpoints */
    int32_t replication_factor; /* -1: the broker's default */
};

/* Every topic that Segue reads or writes, as it must be. Returns how many. Borrows from `settings`. */
uint32_t cluster_topics(const struct settings *settings, const struct cluster_sizes *sizes,
                        struct kafka_topic_want out_wants[CLUSTER_TOPICS_MAX]);

#endif
