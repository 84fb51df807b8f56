/* SPDX-License-Identifier: Apache-2.0 */
/* A log in memory for the step before the tasks, where everything fails by seed: transactions that are refused, or
 * committed with their answer lost, rebalances at any moment, processes that are killed, or frozen until they are
 * zombies, committed offsets that are asked for while a transaction is pending. */
#ifndef RUNTIME_ROUTE_WORLD_H
#define RUNTIME_ROUTE_WORLD_H

#include "base/random.h"
#include "runtime/route.h"

enum {
    PARTITIONS = 3,
    RECORDS = 80, /* of each partition */
    TASKS = 8,
    PROCESSES = 2,
    EVENTS = 256,
    OUT_MAX = 4 * PARTITIONS * RECORDS,
};

struct placed {
    uint32_t partition, to;
    int64_t offset;
    bool dead;
    uint64_t id[2]; /* of a dead letter */
};

/* A transaction under way. */
struct pending {
    bool active;
    uint32_t instance; /* of the producer that began it */
    uint32_t generation;
    int64_t end_turn;
    struct log_offset offsets[PARTITIONS];
    uint32_t offset_count;
    struct placed placed[PARTITIONS * RECORDS];
    uint32_t placed_count;
};

struct process {
    struct log log; /* first */
    struct clock clock;
    struct route *route;
    int64_t frozen_until;
    struct log_event events[EVENTS];
    uint32_t first, count;
    uint32_t instance;   /* of its producer; 0: none yet */
    uint32_t generation; /* of its assignment */
    int64_t opening_until;
    int64_t at[PARTITIONS]; /* next to fetch; -1: stopped */
    int64_t ask_until[PARTITIONS];
    struct pending pending;
    uint32_t borrowed;
};

struct world {
    struct random random;
    int64_t turn;
    bool calm;
    uint32_t generation;
    uint32_t owner[PARTITIONS];
    struct {
        int64_t offset;
        char metadata[LOG_METADATA_SIZE_MAX];
    } committed[PARTITIONS];
    struct placed out[OUT_MAX];
    uint32_t out_count;
    struct process processes[PROCESSES];
    char values[PARTITIONS][RECORDS][16];
    char keys[PARTITIONS][RECORDS][16];
    int64_t times[PARTITIONS][RECORDS]; /* of the events */
    uint32_t epochs[PROCESSES];         /* newest instance of each transactional id */
    uint32_t waits;
    int64_t starts[PARTITIONS];
    int64_t first[PARTITIONS]; /* below it everything was deleted */
    bool by_customer;
    bool stuck; /* of partition 0 nothing comes */
    bool away;  /* after each transaction another producer is wanted, and none can be opened */
};

extern struct world world;

void world_init(void);
void process_start(struct process *process);
/* Give the partitions as world.owner says. */
void assign(void);
/* A new generation, dealt at random. */
void rebalance(void);
/* What the brokers do for that process now. */
void serve(uint32_t number);
/* Everybody once; with faults unless it is calm. */
void turn_all(void);

#endif
