/* SPDX-License-Identifier: Apache-2.0 */
/* Membership of the consumer group, and nothing else: this client joins, heartbeats and is told its
 * partitions, but fetches nothing. librdkafka's local assignment stays empty; the data client reads
 * each partition from the offset that its claim found (kafka_intake.h). So a rebalance never
 * touches fetch positions, and nothing is ever paused, resumed or sought: the bugs of 2.0.2 around
 * those cannot be met. */
#ifndef IO_KAFKA_GROUP_H
#define IO_KAFKA_GROUP_H

#include <pthread.h>
#include <stdatomic.h>

#include "io/kafka_client.h"
#include "io/kafka_rejoin.h"

struct rd_kafka_consumer_group_metadata_s;

/* The group metadata of one assignment (KIP-447), captured once in the rebalance callback and
 * shared by the workers that got tasks from it. Reading it at commit time could name a newer
 * generation and let a worker that has not yet heard of its loss commit. */
struct kafka_membership {
    struct rd_kafka_consumer_group_metadata_s *metadata;
    uint32_t generation; /* counts assignments in this process, from 1 */
    atomic_uint references;
};

void kafka_membership_hold(struct kafka_membership *membership);
void kafka_membership_drop(struct kafka_membership *membership); /* NULL: nothing */

/* What the group tells; called on the poller's thread. */
struct kafka_group_owner {
    void *context;
    /* Task is ours under this membership (the callee holds it if it keeps it). */
    void (*assigned)(void *context, uint32_t task, struct kafka_membership *membership);
    void (*revoked)(void *context, uint32_t task);
    /* All revoked() have been said: wait, bounded, until no transaction is under way. */
    void (*settle)(void *context);
    void (*fatal)(void *context, const char *reason);
};

struct kafka_group {
    /* private */
    const struct kafka_log_settings *settings;
    struct kafka_group_owner owner;
    struct kafka_callbacks callbacks;
    struct rd_kafka_s *client;
    pthread_t poller;
    bool polling;
    atomic_bool stop;
    uint32_t task_count;
    uint8_t *have;          /* per task: sources that came with this assignment; scratch */
    atomic_bool *ours;      /* per task */
    atomic_uint generation; /* of the assignment that holds now; 0: none */
    uint32_t generation_last;
    struct kafka_rejoin rejoin;    /* the poller's own */
    atomic_int_least64_t heard_ms; /* a broker last answered the poller (kafka_now_ms) */
    int64_t probed_ms;             /* the poller's own */
};

/* Make the client; does not join. Memory from memory_take. */
enum status kafka_group_open(struct kafka_group *group, const struct kafka_log_settings *settings,
                             uint32_t task_count, const struct kafka_group_owner *owner,
                             struct status_text *out_text) MUST_USE;
enum status kafka_group_join(struct kafka_group *group, struct status_text *out_text) MUST_USE;
/* Milliseconds since a broker last answered; the poller asks every second. From any thread. */
int64_t kafka_group_silent_ms(const struct kafka_group *group);
/* End the poller; close does so too. */
void kafka_group_leave(struct kafka_group *group);
void kafka_group_close(struct kafka_group *group);

#endif
