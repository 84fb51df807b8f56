/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/schema_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/memory.h"
#include "codec/schemas.h"

enum {
    SLOTS_COUNT = 2048,     /* a power of two, twice the entries: probes stay short */
    SCRATCH_SIZE = 4194304, /* one writer's schema tree while it is compiled */
    CONTRACTS_SIZE = 262144,
    WHY_SIZE = 256,
};
_Static_assert(SLOTS_COUNT >= 2 * SCHEMA_CACHE_ENTRIES_MAX, "find() ends at an empty slot");

struct entry {
    struct schema_key key;
    enum source source;
    const struct plan *plan; /* NULL: bad */
    char why[WHY_SIZE];
};

struct schema_cache {
    _Atomic(struct entry *) slots[SLOTS_COUNT];
    /* private to publish, under the mutex */
    pthread_mutex_t mutex;
    struct entry entries[SCHEMA_CACHE_ENTRIES_MAX];
    uint32_t entry_count;
    struct arena plans;
    struct arena scratch;
    struct source_mapping mappings[SOURCE_COUNT];
    const struct schema *contracts[SOURCE_COUNT];
};

enum status schema_cache_open(const struct source_mapping *const mappings[SOURCE_COUNT],
                              struct schema_cache **out_cache, struct status_text *out_text)
{
    struct schema_cache *cache = memory_take(sizeof *cache, "schema cache");
    struct arena contracts;
    arena_init(&contracts, memory_take(CONTRACTS_SIZE, "schema contracts"), CONTRACTS_SIZE);
    arena_init(&cache->plans, memory_take(SCHEMA_CACHE_PLANS_SIZE, "decode plans"),
               SCHEMA_CACHE_PLANS_SIZE);
    arena_init(&cache->scratch, memory_take(SCRATCH_SIZE, "schema scratch"), SCRATCH_SIZE);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        struct slice text = schemas_text(schemas_name_of_source((enum source)i));
        enum status status =
            schema_parse(text, NULL, 0, &contracts, &cache->contracts[i], out_text);
        if (status != STATUS_OK) {
            return status;
        }
        if (mappings[i] != NULL) {
            cache->mappings[i] = *mappings[i];
        }
        cache->mappings[i].source = (enum source)i;
    }
    if (pthread_mutex_init(&cache->mutex, NULL) != 0) {
        return status_fail(out_text, STATUS_FATAL, "cannot make a mutex");
    }
    *out_cache = cache;
    return STATUS_OK;
}

/* The slot that holds the key, or the empty one where it would go. */
static uint32_t slot_of(const struct schema_cache *cache, enum source source,
                        const struct schema_key *key)
{
    struct slice bytes =
        key->is_guid ? slice_of(key->guid, FRAMING_GUID_SIZE) : slice_of(&key->id, sizeof key->id);
    uint32_t slot = (uint32_t)hash64(bytes, (uint64_t)source) % SLOTS_COUNT;
    for (;;) {
        const struct entry *entry = atomic_load_explicit(&cache->slots[slot], memory_order_acquire);
        if (entry == NULL || (entry->source == source && schema_key_equal(&entry->key, key))) {
            return slot;
        }
        slot = (slot + 1) % SLOTS_COUNT;
    }
}

enum schema_cache_answer schema_cache_find(const struct schema_cache *cache, enum source source,
                                           const struct schema_key *key,
                                           const struct plan **out_plan, const char **out_why)
{
    uint32_t slot = slot_of(cache, source, key);
    const struct entry *entry = atomic_load_explicit(&cache->slots[slot], memory_order_acquire);
    if (entry == NULL) {
        return SCHEMA_CACHE_ASK;
    }
    if (entry->plan == NULL) {
        if (out_why != NULL) {
            *out_why = entry->why;
        }
        return SCHEMA_CACHE_BAD;
    }
    *out_plan = entry->plan;
    return SCHEMA_CACHE_KNOWN;
}

/* What a failed compile took of the plans' arena is given back. */
static enum status compile(struct schema_cache *cache, enum source source, struct slice text,
                           const struct slice *references, uint32_t reference_count,
                           const struct plan **out_plan, struct status_text *out_text)
{
    const struct schema *writer;
    size_t before = cache->plans.used;
    arena_reset(&cache->scratch);
    enum status status =
        schema_parse(text, references, reference_count, &cache->scratch, &writer, out_text);
    if (status == STATUS_FULL) {
        return status_fail(out_text, STATUS_INVALID, "the schema is too large");
    }
    if (status == STATUS_OK) {
        status = plan_compile(writer, cache->contracts[source], &cache->mappings[source],
                              &cache->plans, out_plan, out_text);
    }
    if (status != STATUS_OK) {
        cache->plans.used = before;
    }
    return status;
}

static enum status publish(struct schema_cache *cache, enum source source,
                           const struct schema_key *key, struct slice text,
                           const struct slice *references, uint32_t reference_count,
                           struct status_text *why)
{
    uint32_t slot = slot_of(cache, source, key);
    const struct entry *known = atomic_load_explicit(&cache->slots[slot], memory_order_acquire);
    const struct plan *plan = NULL;
    if (known != NULL) {
        return known->plan != NULL ? STATUS_OK : status_fail(why, STATUS_INVALID, "%s", known->why);
    }
    if (cache->entry_count == SCHEMA_CACHE_ENTRIES_MAX) {
        return status_fail(why, STATUS_FULL, "more than %d schemas are in use",
                           SCHEMA_CACHE_ENTRIES_MAX);
    }
    enum status status = compile(cache, source, text, references, reference_count, &plan, why);
    if (status == STATUS_FULL) {
        return status;
    }
    struct entry *entry = &cache->entries[cache->entry_count++];
    *entry = (struct entry){.key = *key, .source = source, .plan = plan};
    if (status != STATUS_OK) {
        entry->plan = NULL;
        (void)snprintf(entry->why, sizeof entry->why, "%.*s", (int)sizeof entry->why - 1,
                       why->text);
    }
    atomic_store_explicit(&cache->slots[slot], entry, memory_order_release);
    return status;
}

enum status schema_cache_publish(struct schema_cache *cache, enum source source,
                                 const struct schema_key *key, struct slice text,
                                 const struct slice *references, uint32_t reference_count,
                                 struct status_text *out_text)
{
    struct status_text why = {""};
    (void)pthread_mutex_lock(&cache->mutex);
    enum status status = publish(cache, source, key, text, references, reference_count, &why);
    (void)pthread_mutex_unlock(&cache->mutex);
    if (status != STATUS_OK && out_text != NULL) {
        *out_text = why;
    }
    return status;
}
