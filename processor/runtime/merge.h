/* SPDX-License-Identifier: Apache-2.0 */
/* Which source's record is next when several merge by event time (clock: stream; decisions/0007).
 *
 * The heads of the partitions are compared by (time, source); inside a partition nothing overtakes. A
 * partition of which more is known to exist is waited for without limit. One that has been read to its
 * end is waited for until the record in question has been here for `wait_us` and the log has said anew
 * that this is still the end: so a record is overtaken only by what reaches the log more than wait_us
 * after it was known here, however long this process slept or the broker was away.
 *
 * Pure: the caller says what it has in hand and how late it is. */
#ifndef RUNTIME_MERGE_H
#define RUNTIME_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

/* The time of a record that has no place among events (it cannot be decoded): it goes at once. */
#define MERGE_AT_ONCE INT64_MIN

enum merge_state {
    MERGE_UNUSED, /* no source of this task */
    MERGE_READY,  /* a record is in hand */
    MERGE_COMING, /* none is, but more exists */
    MERGE_ENDED,  /* none is, and none is known to exist */
};

struct merge_head {
    enum merge_state state;
    int64_t time_ms; /* READY: event time, or MERGE_AT_ONCE */
    int64_t offset;  /* READY */
    int64_t end;     /* next offset that will be written, as far as known; -1: not known */
};

struct merge {
    struct merge_head heads[SOURCE_COUNT]; /* by enum source; the caller's to fill in */
    /* private */
    int64_t released[SOURCE_COUNT]; /* records before these offsets have waited enough */
    int64_t noted[SOURCE_COUNT];    /* what existed at noted_us */
    int64_t noted_us;
    bool waiting;   /* noted and noted_us are valid */
    bool asked;     /* MERGE_ASK was said for this note */
    bool confirmed; /* and answered */
};

enum merge_next {
    MERGE_TAKE, /* that source's head */
    MERGE_WAIT, /* nothing in hand may go yet */
    MERGE_ASK,  /* as WAIT; and ask the log for the ends, then merge_confirm. Said once per note */
};

/* The order of events of different sources of a task, here and in `segue backtest`. Equal for none. */
static inline bool merge_before(int64_t time_ms, uint32_t source, int64_t other_ms, uint32_t other)
{
    return time_ms != other_ms ? time_ms < other_ms : source < other;
}

/* Nothing has waited yet. All heads UNUSED. */
void merge_init(struct merge *merge);

enum merge_next merge_next(struct merge *merge, int64_t now_us, int64_t wait_us,
                           uint32_t *out_source);

/* The heads are as the log said in answer to the last MERGE_ASK, or later. */
void merge_confirm(struct merge *merge);

#endif
