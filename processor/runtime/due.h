/* SPDX-License-Identifier: Apache-2.0 */
/* Who must be looked at when, with no event: a heap of the near deadlines of one task.
 *
 * All deadlines lie in Redis, in sets of one minute each ({app.NN}due:<bucket>, bucket = deadline / 60 s); a
 * bucket is read when its minute begins. The heap holds (moment, customer) for the buckets that were read; an
 * item may be out of date, for whoever takes it looks at the customer's own deadline. */
#ifndef RUNTIME_DUE_H
#define RUNTIME_DUE_H

#include "model/event.h"

enum { DUE_BUCKET_MS = 60000, DUE_FAR_BUCKETS = 64, DUE_HORIZON_BUCKETS = 400 * 1440 };

/* Customers with no deadline: these buckets never come. The year 3000 and later. */
#define DUE_FAR_FIRST INT64_C(541728000)

struct due_item {
    int64_t at_ms;
    uint8_t id[CUSTOMER_ID_SIZE_MAX];
    uint8_t id_size;
};

struct due {
    struct due_item *items; /* a binary heap, earliest first */
    uint32_t count;
    uint32_t limit;
    int64_t loaded; /* buckets up to this one were read; INT64_MIN: none yet */
    int64_t cursor; /* the lowest bucket in which somebody may wait, as known at the last cut */
    int64_t last;   /* the highest near bucket ever used */
    /* buckets from here to `loaded` are read again: some did not fit; INT64_MAX: none */
    int64_t missed;
};

/* One question asks for several sets, fewer after an answer of which not all could be used. */
enum { DUE_ASK_FIRST = 8, DUE_ASK_MAX = 256 };

/* How many sets from `first` on. */
static inline uint32_t due_ask_sets(int64_t first, int64_t last, uint32_t most)
{
    return last - first < (int64_t)most ? (uint32_t)(last - first + 1) : most;
}

/* How many members of one of them: of the first as many as can be used, of the others together no more than
 * that again, for around a midnight each may be that large. */
static inline uint32_t due_ask_share(uint32_t most, uint32_t sets, uint32_t index)
{
    uint32_t share = most / sets;
    return index == 0 ? most : share > 0 ? share : 1;
}

static inline int64_t due_bucket_of(int64_t moment_ms)
{
    int64_t bucket = moment_ms / DUE_BUCKET_MS;
    return moment_ms < 0 && bucket * DUE_BUCKET_MS > moment_ms ? bucket - 1 : bucket;
}

/* False: the heap is full. */
bool due_push(struct due *due, int64_t at_ms, struct slice id);
/* Remove the earliest; count > 0. */
void due_pop(struct due *due);
void due_clear(struct due *due);
/* The earliest moment, up to `now_ms`, at which somebody may have fallen due who has not been looked at: of an
 * item, or of a bucket that is not read (again) yet. INT64_MAX: there is none. */
int64_t due_earliest(const struct due *due, int64_t now_ms);
/* Make room: forget all items, none of which is due yet; `missed` says from where on to read again. */
void due_forget(struct due *due);

#endif
