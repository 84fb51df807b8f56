/* SPDX-License-Identifier: Apache-2.0 */
/* Topics: describe, create those missing, delete. For `segue topics`, doctor, the demo and tests;
 * every call blocks up to `timeout_ms`. */
#ifndef IO_KAFKA_ADMIN_H
#define IO_KAFKA_ADMIN_H

#include "io/kafka_log.h"

enum { KAFKA_TOPIC_CONFIG_MAX = 8, KAFKA_CONFIG_VALUE_SIZE = 64 };

/* What a topic must be. */
struct kafka_topic_want {
    const char *name;
    uint32_t partition_count;
    bool partitions_fixed;      /* another count is wrong; otherwise it is the owner's choice */
    int32_t replication_factor; /* -1: the broker's default */
    struct kafka_property config[KAFKA_TOPIC_CONFIG_MAX]; /* retention.ms, cleanup.policy, ... */
    uint32_t config_count;
    uint32_t
        created_count; /* behind them in `config`: given when it is made, afterwards the owner's choice */
    uint32_t partitions_max; /* more are wrong; 0: no bound */
};

/* What a topic is. */
struct kafka_topic_state {
    bool exists;
    bool denied; /* it may or may not exist: this user may not see it */
    uint32_t partition_count;
    int32_t replication_factor; /* replicas of partition 0 */
    char values[KAFKA_TOPIC_CONFIG_MAX]
               [KAFKA_CONFIG_VALUE_SIZE]; /* of want->config[i].name; "" when unknown */
    bool values_known; /* false: describing configs was refused (ACL); counts are still right */
};

struct kafka_admin;

/* Connect a client of its own. STATUS_INVALID: bad property; STATUS_AWAY: no broker within
 * timeout_ms. */
enum status kafka_admin_open(const struct kafka_connection *connection, int32_t timeout_ms,
                             struct kafka_admin **out_admin, struct status_text *out_text) MUST_USE;
void kafka_admin_close(struct kafka_admin *admin);

/* The cluster's id, or "" when the brokers do not tell. Until kafka_admin_close. */
const char *kafka_admin_cluster_id(struct kafka_admin *admin);

/* The number of brokers now known. */
uint32_t kafka_admin_broker_count(struct kafka_admin *admin);

/* Fill out_states[i] for wants[i] (only name and config names are read from wants). */
enum status kafka_admin_describe(struct kafka_admin *admin, const struct kafka_topic_want *wants,
                                 uint32_t count, struct kafka_topic_state *out_states,
                                 int32_t timeout_ms, struct status_text *out_text) MUST_USE;

/* Create those that do not exist; an existing one is left as it is and is no error. Returns once
 * their leaders are known. STATUS_INVALID: refused (text names topic and reason). */
enum status kafka_admin_create(struct kafka_admin *admin, const struct kafka_topic_want *wants,
                               uint32_t count, int32_t timeout_ms,
                               struct status_text *out_text) MUST_USE;

/* Delete topics; one that does not exist is no error. */
enum status kafka_admin_delete(struct kafka_admin *admin, const char *const *names, uint32_t count,
                               int32_t timeout_ms, struct status_text *out_text) MUST_USE;

/* First and next offset of one partition, as the broker has them now. */
enum status kafka_admin_watermarks(struct kafka_admin *admin, const char *topic, uint32_t partition,
                                   int32_t timeout_ms, int64_t *out_low, int64_t *out_high,
                                   struct status_text *out_text) MUST_USE;

/* Delete the records of partition p below offsets[p], for each p below `partition_count`; 0: none of that one.
 * STATUS_AWAY: no answer, or it may not be deleted; `out_text` says which. Those that could be deleted are. */
enum status kafka_admin_delete_before(struct kafka_admin *admin, const char *topic,
                                      uint32_t partition_count, const int64_t *offsets,
                                      int32_t timeout_ms, struct status_text *out_text) MUST_USE;

/* For each partition 0 .. partition_count - 1: the first offset whose record's time is `time_ms` or
 * later; the end, when there is none yet. */
enum status kafka_admin_offsets_at(struct kafka_admin *admin, const char *topic,
                                   uint32_t partition_count, int64_t time_ms, int32_t timeout_ms,
                                   int64_t *out_offsets, struct status_text *out_text) MUST_USE;

#endif
