/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's flights. Nobody outside runtime/ includes this.
 *
 *   flight   one Kafka transaction and the memory it needs: being built, committing, or waiting for Redis
 *   pending  a committed cut that Redis does not have yet
 */
#ifndef RUNTIME_FLIGHT_H
#define RUNTIME_FLIGHT_H

#include "base/arena.h"
#include "io/log.h"
#include "runtime/head.h"

struct worker;
struct task;

enum flight_state { FLIGHT_FREE, FLIGHT_BUILDING, FLIGHT_COMMITTING, FLIGHT_WAITING };

struct flight_cut {
    uint32_t slot;
    uint64_t serial; /* of the task when it was sealed; another one now: nobody waits for it */
    uint64_t seq;
    struct slice payload;
    uint64_t hash;
    struct head head; /* as Redis will have it after this cut */
    bool prove;       /* an empty cut that only proves membership */
    uint64_t low;     /* once committed */
    int64_t low_offset;
    uint32_t write; /* index of its first record in the flight's writes */
};

struct flight {
    enum flight_state state;
    uint32_t holders;   /* pendings that point into `cuts` */
    struct arena arena; /* encoded outputs and checkpoints */
    struct arena parts; /* of cuts longer than a message, where `arena` is full */
    uint8_t *cuts;
    size_t cuts_used;
    struct log_write *writes;
    struct log_written *written;
    uint32_t *write_slots; /* which task each write is for */
    uint32_t write_count;
    struct log_offset *offsets;
    uint32_t offset_count;
    struct flight_cut *sealed;
    uint32_t sealed_count;
    int64_t began_us;     /* first thing in it; 0: empty */
    uint32_t input_count; /* records read into it, and their bytes */
    size_t input_bytes;
    size_t bytes; /* flight_bytes as it was closed */
    struct log_transaction transaction;
};

struct pending {
    uint64_t seq;
    struct slice payload;
    struct head head;
    uint32_t flight; /* NO_INDEX: the bytes are a reader's */
};

/* seal.c */
/* Close the batch into the flight's cuts, journal records and offsets. A task whose cut does not fit is forgotten;
 * the others' stand. */
void seal_flight(struct worker *worker, struct flight *flight);

/* flight.c: none of these fails; what a flight cannot hold waits, and what did not commit is claimed again. */
/* If none is being built, begin with a free one: worker->building, or still NO_INDEX. When all wait for Redis,
 * tasks whose cuts it does not take are reclaimed. */
void flight_choose(struct worker *worker);
/* Open a producer if one is wanted; close the flight that is being built, if it is due and none commits, and hand
 * it to the log. The answer comes as flight_committed or flight_failed. */
void flight_turn(struct worker *worker);
/* The committing flight is in Kafka: its cuts are `pending`, and it waits until Redis has each. */
void flight_committed(struct worker *worker, const struct log_event *event);
/* It is not, or nobody knows: every task of the worker is reclaimed, or left if `fenced` (a later generation of the
 * group has those that were ours when the commit began). `why`: for the log. */
void flight_failed(struct worker *worker, bool fenced, const char *why);
/* Take the task's outputs and customers out of the flight that is being built; the others' stay. */
void flight_drop_task(struct worker *worker, struct task *task);
/* The task has nothing in the flight that is being built. */
void flight_begin_task(struct task *task);
/* Is there room for one more record of a customer who is in it already, and for what an engine step says? */
bool flight_has_step(const struct worker *worker, const struct flight *flight);
/* The same for a customer who is not: `flight` is the one being built. */
bool flight_has_room(const struct worker *worker, const struct flight *flight);
/* Bytes that the transaction of the one being built will have, about: outputs, checkpoints, cuts to be sealed. */
size_t flight_bytes(const struct worker *worker, const struct flight *flight);
/* So many it may have at first, from there on what commits show (decision 0016). */
size_t flight_bytes_first(const struct worker *worker);
/* Is it time to close the one that is being built? */
bool flight_is_due(const struct worker *worker, const struct flight *flight);
/* One of its cuts needs it no longer; the last one sets it free. INVARIANT: it waits for Redis. */
void flight_unhold(struct worker *worker, uint32_t index);

#endif
