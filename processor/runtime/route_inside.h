/* SPDX-License-Identifier: Apache-2.0 */
/* What route.c (claims, transactions, trouble) and route_batch.c (from records to writes) share. */
#ifndef RUNTIME_ROUTE_INSIDE_H
#define RUNTIME_ROUTE_INSIDE_H

#include "base/arena.h"
#include "runtime/halt.h"
#include "runtime/route.h"

enum {
    ROUTE_LANE = 128,           /* records of a partition in hand, not yet in a batch */
    ROUTE_ARENA_SIZE = 8 << 20, /* headers and dead letters of one batch */
    ROUTE_HEADERS_SIZE_MAX =
        32768, /* key and headers of one record; repartition_message_size has the room */
    ROUTE_RETRY_US = 50000,
    ROUTE_BATCHES = 2, /* the next one fills while one commits */
};

struct route_partition {
    enum task_state state;
    bool asked;          /* CLAIMING: for the committed offset */
    bool touched;        /* its offset goes into the batch that is being built */
    uint32_t generation; /* of its assignment */
    uint32_t number;
    int64_t position;     /* next to read; -1: the first there is */
    uint64_t fingerprint; /* of the record before it; 0: none was read */
    uint64_t
        verify; /* what the record at position - 1 was when it was read; 0: nothing to verify */
    int64_t retry_us;  /* not before: a schema is not known yet */
    bool known;        /* `event` (or `reject`) is of the record in hand */
    bool given_up;     /* it was waited for once; it holds nobody until it has something */
    bool coming;       /* when it was found empty: it has more that has not come yet */
    uint32_t empty_in; /* the fill in which it was found empty; it is not asked again in that */
    enum worker_decode decoded;
    struct reject reject;
    struct event event;
    struct log_record *records; /* ROUTE_LANE */
    uint32_t at, count;
    char reason[WORKER_REASON_SIZE];
};

/* One transaction. Records are borrowed from the log until it has ended. */
struct route_batch {
    struct log_record *records; /* records_max */
    uint32_t count;
    struct log_write *writes; /* records_max */
    uint32_t write_count;
    struct log_offset *offsets; /* partition_count */
    uint32_t offset_count;
    struct arena arena;
    size_t bytes;     /* keys and values taken */
    uint64_t written; /* records for the tasks */
    uint64_t written_bytes;
    uint64_t rejects[REJECT_REASON_COUNT];
    int64_t began_us; /* the first record was taken; 0: empty */
    uint32_t generation;
    struct log_transaction transaction;
};

struct route {
    struct route_options options;
    struct route_partition *partitions; /* partition_count */
    struct route_batch batches[ROUTE_BATCHES];
    uint32_t building; /* index; the other one flies, or is empty */
    bool flying;
    bool producer_ready, producer_opening;
    bool stopping, leave;
    int64_t reopen_us; /* not before: the producer could not be opened */
    int64_t now_us, wall_ms;
    int64_t lag_us;  /* when lags were looked at last */
    int64_t held_us; /* since when the merge waits; 0: it does not */
    uint32_t fills;  /* counts calls of route_fill, from 1 */
    struct log_event happened;
    char reason[WORKER_REASON_SIZE];
    struct route_stats stats;
};

/* Take what has arrived into the batch, the earliest event first, as far as it has room. True: something was taken
 * and there may be more. */
bool route_fill(struct route *route);

/* Give a partition's records in hand back to the log. */
void route_lane_release(struct route *route, struct route_partition *partition);

/* Empty a batch; its records go back to the log. */
void route_batch_release(struct route *route, struct route_batch *batch);

void route_set_state(struct route *route, struct route_partition *partition, enum task_state state);

/* A person must look. Nothing of this partition is read until a restart. */
void route_halt(struct route *route, struct route_partition *partition, enum halt halt,
                const char *format, ...) PRINTF_LIKE(4, 5);

#endif
