/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints on their way into an emptied Redis, a batch at a time (restore.c).
 *
 * A compacted topic may still have older checkpoints of a customer. Within a batch the last one counts. Across
 * batches Redis must be asked where an older one put him; a filter of everybody seen so far spares that question
 * for nearly all: whoever was not seen stands in no due set, since those were emptied first. */
#ifndef RUNTIME_RESTORE_BATCH_H
#define RUNTIME_RESTORE_BATCH_H

#include "io/store.h"
#include "runtime/cut.h"
#include "runtime/head.h"

enum {
    RESTORE_BATCH_MAX = 2048,    /* customers: one EXEC of some tens of milliseconds */
    RESTORE_PLACES = 4096,       /* of the table; power of two */
    RESTORE_SEEN_BITS = 1 << 21, /* 250,000 customers: one in thirty is asked for in vain */
};

struct restore_entry {
    uint32_t at;     /* in the batch's bytes */
    bool seen;       /* perhaps: Redis must be asked */
    bool superseded; /* a later one of the same customer is in the batch */
    bool known;      /* Redis has a record of him.. */
    int64_t before;  /* ..and he stands in this due set; or CUT_NO_BUCKET */
};

struct restore_batch {
    uint8_t *bytes; /* encoded entries of cuts */
    size_t size;
    size_t limit;
    uint32_t count;
    uint32_t asked; /* every entry before was asked for, where that is needed */
    struct restore_entry entries[RESTORE_BATCH_MAX];
    uint16_t places[RESTORE_PLACES]; /* entry + 1 by the id's hash; 0: free */
};

/* Two batches: one is filled while Redis works on the other. */
struct restore_room {
    struct restore_batch batches[2];
    uint64_t seen[RESTORE_SEEN_BITS / 64];
};

/* Nobody was seen. The batches share `size` bytes at `bytes`, which must outlive the room's use. */
void restore_room_begin(struct restore_room *room, uint8_t *bytes, size_t size);
void restore_batch_clear(struct restore_batch *batch);

/* Copy an entry into the batch. False: it does not fit, nothing was changed. INVARIANT: fewer than
 * RESTORE_BATCH_MAX. */
bool restore_add(struct restore_room *room, struct restore_batch *batch,
                 const struct cut_entry *entry);

/* The next entry from *index on that Redis must be asked for; moves on behind it. False: none is left. */
bool restore_next_question(const struct restore_batch *batch, uint32_t *index,
                           struct slice *out_id);

/* The batch as commands, and `head` as they leave it. False: it does not fit into the pipeline. */
bool restore_put(const struct restore_batch *batch, struct slice record_key, struct slice view_key,
                 struct slice due_key, struct head *head, struct store_pipeline *pipeline);

#endif
