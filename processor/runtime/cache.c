/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cache.h"

#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "runtime/mutant.h"

enum { CACHE_ENTRIES_MIN = 64, CACHE_EMPTY = 0 }; /* the table holds index + 1 */

static size_t aligned(size_t size)
{
    return (size + CACHE_LINE_SIZE - 1) / CACHE_LINE_SIZE * CACHE_LINE_SIZE;
}

void cache_init(struct cache *cache, size_t bytes, size_t customer_size)
{
    size_t stride = CACHE_ENTRY_SIZE + aligned(customer_size);
    size_t count = bytes / (stride + 8);
    count = count < CACHE_ENTRIES_MIN ? CACHE_ENTRIES_MIN : count;
    INVARIANT(count < UINT32_MAX / 4);
    cache->stride = stride;
    cache->count = (uint32_t)count;
    cache->entries = memory_take_huge(count * stride, "customer cache");
    cache->table_size = 128;
    while (cache->table_size < 2 * count) {
        cache->table_size *= 2;
    }
    cache->table = memory_take_huge(cache->table_size * sizeof(uint32_t), "customer cache index");
}

uint32_t cache_index(const struct cache *cache, const struct cache_entry *entry)
{
    return (uint32_t)((size_t)((const uint8_t *)entry - cache->entries) / cache->stride);
}

static uint64_t cache_hash(uint32_t slot, struct slice id)
{
    return hash64(id, slot + 1);
}

/* Where the customer is, or the empty place where it would be. */
static uint32_t cache_place(const struct cache *cache, uint64_t hash, uint32_t slot,
                            struct slice id)
{
    uint32_t mask = cache->table_size - 1;
    for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
        if (cache->table[at] == CACHE_EMPTY) {
            return at;
        }
        struct cache_entry *entry = cache_at(cache, cache->table[at] - 1);
        if (entry->hash == hash && entry->slot == slot &&
            slice_equal(customer_id(cache_customer(entry)), id)) {
            return at;
        }
    }
}

struct cache_entry *cache_find(struct cache *cache, uint32_t slot, struct slice id)
{
    uint32_t place = cache_place(cache, cache_hash(slot, id), slot, id);
    if (cache->table[place] == CACHE_EMPTY) {
        return NULL;
    }
    struct cache_entry *entry = cache_at(cache, cache->table[place] - 1);
    entry->referenced = true;
    return entry;
}

void cache_ask_place(const struct cache *cache, uint32_t slot, struct slice id)
{
    __builtin_prefetch(&cache->table[cache_hash(slot, id) & (cache->table_size - 1)]);
}

const struct cache_entry *cache_peek(const struct cache *cache, uint32_t slot, struct slice id)
{
    uint32_t found = cache->table[cache_hash(slot, id) & (cache->table_size - 1)];
    return found == CACHE_EMPTY ? NULL : cache_at(cache, found - 1);
}

void cache_ask(const struct cache *cache, struct cache_asking *asking,
               const struct cache_entry *entry)
{
    asking->entries[asking->turn % CACHE_ASK_PARTS] = entry;
    if (entry != NULL) {
        __builtin_prefetch(entry);
    }
    for (uint32_t part = 0; part < CACHE_ASK_PARTS; part++) {
        const struct cache_entry *of =
            asking->entries[(asking->turn + CACHE_ASK_PARTS - part) % CACHE_ASK_PARTS];
        if (of == NULL) {
            continue;
        }
        const uint8_t *customer = (const uint8_t *)of + CACHE_ENTRY_SIZE;
        uint32_t end = (part + 1) * cache->hot_count / CACHE_ASK_PARTS;
        for (uint32_t i = part * cache->hot_count / CACHE_ASK_PARTS; i < end; i++) {
            __builtin_prefetch(customer + (size_t)cache->hot_lines[i] * CACHE_LINE_SIZE);
        }
    }
    asking->turn++;
}

void cache_remove(struct cache *cache, struct cache_entry *entry)
{
    INVARIANT(entry->used);
    uint32_t mask = cache->table_size - 1;
    uint32_t hole =
        cache_place(cache, entry->hash, entry->slot, customer_id(cache_customer(entry)));
    INVARIANT(cache->table[hole] != CACHE_EMPTY);
    entry->used = false;
    cache->used--;
    /* Shift back whatever would no longer be found across the hole. */
    for (uint32_t at = (hole + 1) & mask; cache->table[at] != CACHE_EMPTY; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)cache_at(cache, cache->table[at] - 1)->hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            cache->table[hole] = cache->table[at];
            hole = at;
        }
    }
    cache->table[hole] = CACHE_EMPTY;
}

static struct cache_entry *cache_free_entry(struct cache *cache)
{
    for (uint32_t tries = 0; tries < 2 * cache->count + 1; tries++) {
        struct cache_entry *entry = cache_at(cache, cache->hand);
        cache->hand = cache->hand + 1 == cache->count ? 0 : cache->hand + 1;
        if (!entry->used) {
            return entry;
        }
        if (entry->building ||
            (!SIM_WITHOUT(MUTANT_EVICT_PINNED) && cache->pinned(cache->context, entry))) {
            continue;
        }
        if (entry->referenced) {
            entry->referenced = false;
            continue;
        }
        cache_remove(cache, entry);
        return entry;
    }
    return NULL;
}

struct cache_entry *cache_insert(struct cache *cache, uint32_t slot, struct slice id)
{
    INVARIANT(id.size <= CUSTOMER_ID_SIZE_MAX);
    struct cache_entry *entry = cache_free_entry(cache);
    if (entry == NULL) {
        return NULL;
    }
    uint64_t hash = cache_hash(slot, id);
    uint32_t place = cache_place(cache, hash, slot, id);
    INVARIANT(cache->table[place] == CACHE_EMPTY);
    *entry = (struct cache_entry){.hash = hash,
                                  .slot = slot,
                                  .used = true,
                                  .referenced = true,
                                  .heap_ms = INT64_MAX,
                                  .bucket = INT64_MIN};
    struct customer *customer = cache_customer(entry);
    if (id.size > 0) {
        memcpy(customer->id, id.data, id.size);
    }
    customer->id_size = (uint8_t)id.size;
    cache->table[place] = cache_index(cache, entry) + 1;
    cache->used++;
    return entry;
}

void cache_forget(struct cache *cache, uint32_t slot)
{
    for (uint32_t i = 0; i < cache->count; i++) {
        struct cache_entry *entry = cache_at(cache, i);
        if (entry->used && entry->slot == slot) {
            cache_remove(cache, entry);
        }
    }
}
