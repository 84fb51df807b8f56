/* SPDX-License-Identifier: Apache-2.0 */
/* Customers' working blocks in memory, within a bound.
 *
 * The worker is the only writer of its tasks, so a hit needs no read. An entry is pinned while a cut with it
 * has not reached Redis, or while the batch being built has changed it; the others leave by the clock rule
 * (second chance). Open addressing, linear probing, deletion by shifting back; nothing is allocated. */
#ifndef RUNTIME_CACHE_H
#define RUNTIME_CACHE_H

#include "model/customer.h"

struct cache_entry {
    uint64_t hash;
    uint64_t last_seq; /* the newest cut that has it */
    int64_t bucket;    /* its due entry in Redis, all sealed cuts applied; CUT_NO_BUCKET: none */
    int64_t heap_ms;   /* the earliest deadline of it that waits in the due heap; INT64_MAX: none */
    uint32_t slot;
    bool used;
    bool referenced;
    bool building; /* changed in the batch that is being built */
    bool stored;   /* Redis (with the cuts sealed so far) has a record of it */
    /* struct customer follows, on a line of its own */
};

enum {
    CACHE_LINE_SIZE = 64,
    CACHE_HOT_LINES_MAX = 64,
    CACHE_ASK_PARTS = 4,
    CACHE_ENTRY_SIZE =
        (sizeof(struct cache_entry) + CACHE_LINE_SIZE - 1) / CACHE_LINE_SIZE * CACHE_LINE_SIZE,
};

struct cache {
    uint8_t *entries;
    size_t stride;
    uint32_t count; /* capacity */
    uint32_t *table;
    uint32_t table_size; /* power of two */
    uint32_t hand;
    uint32_t used;
    bool (*pinned)(void *context, const struct cache_entry *entry);
    void *context;
    /* Of a customer, for cache_ask; the owner fills it in */
    uint16_t hot_lines[CACHE_HOT_LINES_MAX];
    uint32_t hot_count;
};

/* Zeroed: nobody. */
struct cache_asking {
    const struct cache_entry *entries[CACHE_ASK_PARTS];
    uint32_t turn;
};

static inline struct customer *cache_customer(struct cache_entry *entry)
{
    return (struct customer *)((uint8_t *)entry + CACHE_ENTRY_SIZE);
}

/* Take memory for about `bytes` (at least 64 entries) of customers of `customer_size` bytes. */
void cache_init(struct cache *cache, size_t bytes, size_t customer_size);

static inline struct cache_entry *cache_at(const struct cache *cache, uint32_t index)
{
    return (struct cache_entry *)(cache->entries + (size_t)index * cache->stride);
}

uint32_t cache_index(const struct cache *cache, const struct cache_entry *entry);

/* NULL: not here. Sets the second-chance mark. */
struct cache_entry *cache_find(struct cache *cache, uint32_t slot, struct slice id);

/* A customer's block is in memory that nothing has touched for seconds: waiting for it line by line costs more
 * than all the rules. These ask for it beforehand and change nothing: first for its place in the index; some
 * customers later cache_peek says what stands there (mostly the right one; NULL: nothing), and cache_ask asks for
 * it.
 *
 * A core has no more than some dozen lines on their way and stands still when it asks for more at once. So each
 * cache_ask asks for a quarter of the given entry's lines and for a further quarter of those given before: whoever
 * is asked for has come CACHE_ASK_PARTS calls later. `entry` NULL: nobody more. */
void cache_ask_place(const struct cache *cache, uint32_t slot, struct slice id);
const struct cache_entry *cache_peek(const struct cache *cache, uint32_t slot, struct slice id);
void cache_ask(const struct cache *cache, struct cache_asking *asking,
               const struct cache_entry *entry);

/* An entry for a customer who is not here; its block's id is set, everything else is the caller's to fill.
 * NULL: every entry is pinned (a normal answer: commit, and wait for Redis). */
struct cache_entry *cache_insert(struct cache *cache, uint32_t slot, struct slice id);

void cache_remove(struct cache *cache, struct cache_entry *entry);

/* Everything of a task goes. */
void cache_forget(struct cache *cache, uint32_t slot);

#endif
