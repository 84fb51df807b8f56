/* SPDX-License-Identifier: Apache-2.0 */
/* Reads segue.offer-stats in a thread of its own and adds up what each task has counted, so that every worker
 * learns from all of them (processor/decisions/0009). */
#ifndef COMMANDS_LEARNED_H
#define COMMANDS_LEARNED_H

#include "commands/kpis.h"
#include "io/kafka_log.h"
#include "io/registry.h"
#include "runtime/learn.h"

struct learned_options {
    const struct engine *engine;
    struct kafka_connection connection;
    struct registry *registry;
    const char *topic; /* NULL: no thread, learned_take alone (tests) */
    uint32_t task_count;
    struct kpis *kpis; /* told of every record too; NULL: none */
};

struct learned;

/* Take memory and start the thread. The topic is read from its begin; while it cannot be read, workers have their
 * own counters only, and a line in the log says so. STATUS_FATAL: the system gives no thread. */
MUST_USE enum status learned_open(const struct learned_options *options,
                                  struct learned **out_learned, struct status_text *out_text);

struct worker_learning *learned_interface(struct learned *learned);

/* One record's JSON; false: it names no arm (or offer, for an experiment) of this playbook, or a task that does
 * not exist. For tests too. */
bool learned_take(struct learned *learned, const char *json);

#endif
