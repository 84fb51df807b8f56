/* SPDX-License-Identifier: Apache-2.0 */
/* Publish records as an upstream system would: idempotent, no transaction, partition by murmur2 of
 * the key. For `segue feed` and `segue simulate`. One thread. */
#ifndef IO_KAFKA_FEEDER_H
#define IO_KAFKA_FEEDER_H

#include "io/kafka_log.h"

struct kafka_feeder;

struct kafka_feeder_counts {
    uint64_t delivered;
    uint64_t failed;
    struct status_text first_failure; /* text of the first one; "" when none */
};

/* STATUS_INVALID: a property is wrong; STATUS_AWAY: no broker within timeout_ms. */
enum status kafka_feeder_open(const struct kafka_connection *connection, int32_t timeout_ms,
                              struct kafka_feeder **out_feeder,
                              struct status_text *out_text) MUST_USE;

/* Hand over one record; copied. Waits while librdkafka's queue is full (back-pressure).
 * STATUS_INVALID: unknown topic, too large; STATUS_FATAL: the producer can do nothing more. */
enum status kafka_feeder_put(struct kafka_feeder *feeder, const struct log_write *write,
                             struct status_text *out_text) MUST_USE;

/* Wait until everything was delivered or failed. STATUS_AWAY: not within timeout_ms. */
enum status kafka_feeder_flush(struct kafka_feeder *feeder, int32_t timeout_ms,
                               struct status_text *out_text) MUST_USE;

/* Serves delivery reports too: call it now and then. */
struct kafka_feeder_counts kafka_feeder_counts(struct kafka_feeder *feeder);

void kafka_feeder_close(struct kafka_feeder *feeder);

#endif
