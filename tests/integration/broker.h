/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests against a real Kafka share: topics of their own, a plain producer, a worker's log
 * driven by hand. The broker's address comes from SEGUE_TEST_BROKERS. */
#ifndef INTEGRATION_BROKER_H
#define INTEGRATION_BROKER_H

#include "io/kafka_admin.h"
#include "io/kafka_log.h"

enum { BROKER_TASKS = 4, BROKER_JOURNALS = 2, BROKER_EXIT_SKIPPED = 77 };

/* One test's world: topics with names nobody else has. */
struct broker_world {
    char prefix[64];
    char transactions[96];
    char app[96];
    char journal[96];
    char checkpoints[96];
    char outputs[96];
};

/* The address, or NULL: then print why and return BROKER_EXIT_SKIPPED from main. */
const char *broker_address(void);

/* Create the topics, the journal with `journals` partitions. Fails the test when it cannot. */
void broker_world_make(struct broker_world *world, const char *name, uint32_t journals);

/* The same with BROKER_JOURNALS. */
void broker_world_open(struct broker_world *world, const char *name);

/* Settings for one process of that world: `instance` names it, `workers` threads. */
struct kafka_log_settings broker_settings(const struct broker_world *world, const char *instance,
                                          uint32_t workers);

/* Write `count` records "<first+i>" to one partition and wait until they are there. With
 * `transactional_id` in one transaction: committed when `commit`, else left open until
 * broker_open_end. */
void broker_produce(const char *topic, int32_t partition, uint32_t first, uint32_t count);

struct broker_open; /* a transaction that is held open */
struct broker_open *broker_produce_open(const char *topic, int32_t partition,
                                        const char *transactional_id, uint32_t first,
                                        uint32_t count);
void broker_open_end(struct broker_open *open, bool commit);

/* Values of a partition as a read_committed consumer sees them, joined by commas. */
void broker_read(const char *topic, int32_t partition, char *out_text, size_t size);

/* One past the last record or marker of a partition, as the broker says. */
int64_t broker_end(const char *topic, int32_t partition);

/* Wait for an event of that kind (others are dropped, LOG_FATAL fails the test unless wanted). */
void broker_await(struct log *log, enum log_event_kind kind, struct log_event *out_event,
                  int32_t timeout_ms);

/* Fetch until `count` records of the task came; releases them. Returns the last one's offset. */
int64_t broker_fetch(struct log *log, uint32_t task, uint32_t count, int32_t timeout_ms);

/* Join and wait until the first worker owns `count` tasks, and open its producer. */
void broker_start(struct kafka_log *kafka, uint32_t count);

#endif
