/* SPDX-License-Identifier: Apache-2.0 */
/* The step before the tasks, for a source that is not partitioned as they are (decisions/0011): each record goes,
 * value and headers unchanged, keyed by its customer to a topic with as many partitions as there are tasks.
 *
 *   fetch -> decode (who is it?) -> one transaction: offsets, records, dead letters
 *
 * A state machine that never blocks, over the same struct log as the worker and under the same rules; here a "task"
 * of the log is a partition of the source. What is committed is all there is: no memory outlives a claim.
 * Partitions that are behind are read in the order of their events' times, because a task's now follows its events.
 * Threads: everything belongs to one thread, except struct route_stats (atomics). */
#ifndef RUNTIME_ROUTE_H
#define RUNTIME_ROUTE_H

#include "runtime/worker.h"

enum { ROUTE_START_FIRST = -2 };

struct route_options {
    struct log *log; /* with this one source; its tasks are the source's partitions */
    struct clock *clock;
    struct worker_codec codec;
    enum source source;
    const char *source_topic; /* the bank's; static */
    const char *topic;        /* what the tasks read; static */
    uint32_t partition_count; /* of the source */
    uint32_t task_count;      /* of `topic`: partition = hash_partition(customer, task_count) */
    bool by_customer; /* the source's key is the customer: it is checked, and a tombstone passes */
    /* Per partition, where to begin when nothing was committed: an offset, or ROUTE_START_FIRST. Static */
    const int64_t *start_offsets;
    int64_t commit_interval_ms; /* the longest a record waits for its transaction; default 50 */
    /* How long records wait for those of another partition that exist and have not come: what is behind is read in
     * the order of its events' times. Default 2 s; INT64_MAX: without limit */
    int64_t merge_wait_ms;
    uint32_t records_max;   /* inputs of one transaction; default 20000 */
    size_t input_bytes_max; /* keys and values of one transaction; default 16 MiB */
};

/* The defaults; the caller fills in the rest. */
void route_options_init(struct route_options *options);

/* Counters for /metrics; one writer, any reader. */
struct route_partition_stats {
    atomic_int_least32_t state; /* enum task_state: IDLE, CLAIMING, LIVE, HALTED */
    atomic_uint_least32_t halt; /* enum halt, while HALTED */
    atomic_int_least64_t lag;   /* records not read yet; -1: not known */
};

struct route_stats {
    atomic_uint_least64_t records; /* written for the tasks, committed */
    atomic_uint_least64_t bytes;   /* their keys, values and headers */
    atomic_uint_least64_t rejects[REJECT_REASON_COUNT];
    atomic_uint_least64_t commits;
    atomic_uint_least64_t commits_failed;
    atomic_uint_least64_t claims;
    atomic_uint_least64_t turns;               /* a watchdog looks at this */
    atomic_int_least64_t transaction_since_ms; /* when the running commit began; 0: none */
    struct route_partition_stats partitions[LOG_TASKS_PER_WORKER_MAX];
};

struct route;

/* Take all memory (base/memory.h) and open a producer. STATUS_INVALID: more than LOG_TASKS_PER_WORKER_MAX
 * partitions, or another option out of range. */
MUST_USE enum status route_open(struct route **out_route, const struct route_options *options,
                                struct status_text *out_text);

/* Do what can be done now. Never blocks, never sleeps. WORKER_LEAVE: leave the process with 75. */
enum worker_outcome route_turn(struct route *route, int32_t *out_wait_ms);

/* Commit what has been taken, then WORKER_DRAINED. Read no more. */
void route_stop(struct route *route);

struct route_stats *route_stats(struct route *route);

/* Why a partition halted or was claimed last; why the route leaves (UINT32_MAX). Never NULL. */
const char *route_reason(const struct route *route, uint32_t partition);

#endif
