/* SPDX-License-Identifier: Apache-2.0 */
/* One worker's transactional producer: blocking calls, made by the committer's thread only.
 *
 * A producer never outlives trouble (DESIGN 5.7): librdkafka has no KIP-890, so a copy of EndTxn
 * that is still under way could end the *next* transaction of the same epoch. Whatever may have
 * left such a copy behind ends the instance: purge, destroy, and a new one whose init_transactions
 * raises the epoch. */
#ifndef IO_KAFKA_PRODUCER_H
#define IO_KAFKA_PRODUCER_H

#include <stdatomic.h>

#include "io/kafka_client.h"

struct rd_kafka_topic_s;
struct rd_kafka_consumer_group_metadata_s;

/* How often a request was sent and how often it was answered since the transaction began. */
struct kafka_request_count {
    atomic_uint sent;
    atomic_uint answered; /* with no transport error */
};

struct kafka_producer {
    /* private */
    const struct kafka_log_settings *settings;
    uint32_t worker;
    struct kafka_callbacks callbacks;
    struct rd_kafka_s *client; /* NULL: none; the next transaction needs kafka_producer_open */
    char topic_names[KAFKA_OUTPUTS_MAX + 2][256];
    struct rd_kafka_topic_s *topics[KAFKA_OUTPUTS_MAX + 2]; /* of `client` */
    uint32_t topic_count;
    struct kafka_request_count end_txn;
    struct kafka_request_count offset_commit;
    struct kafka_request_count add_offsets;
    struct kafka_request_count add_partitions;
};

void kafka_producer_init(struct kafka_producer *producer, const struct kafka_log_settings *settings,
                         uint32_t worker);

/* Replace the instance: nothing that the old one sent can commit any more. Blocks up to
 * `timeout_ms`.
 *
 * STATUS_RETRY or STATUS_AWAY: not now; STATUS_FATAL: never (authorisation, version). */
enum status kafka_producer_open(struct kafka_producer *producer, int32_t timeout_ms,
                                struct status_text *out_text) MUST_USE;

/* Run one transaction: begin, offsets, writes, EndTxn. Blocks until it ended or the instance is
 * destroyed: when this returns, librdkafka holds no reference to anything of `transaction`.
 *
 * LOG_COMMIT_DONE (`out_reinit`: a request may still be under way, open before the next),
 * LOG_COMMIT_FAILED, LOG_COMMIT_FENCED (the group has moved on), LOG_FATAL (authorisation; a record
 * over the size limit). */
enum log_event_kind kafka_producer_commit(struct kafka_producer *producer,
                                          const struct log_transaction *transaction,
                                          const struct rd_kafka_consumer_group_metadata_s *metadata,
                                          bool *out_reinit, struct status_text *out_text);

/* Destroy the instance, if any. */
void kafka_producer_close(struct kafka_producer *producer);

#endif
