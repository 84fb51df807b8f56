/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing over entries in order of first use; blocks are taken from a fixed pool by second
 * chance. A customer that gives up its block is packed, as a worker's cache does it, so a backtest
 * also exercises the record format. */
#include "commands/customers.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"

enum { NO_BLOCK = -1, BLOCKS_MIN = 64 };

struct entry {
    uint64_t hash;
    uint8_t *packed;
    uint32_t packed_size;
    int32_t block;
    uint8_t id_size;
    uint8_t id[CUSTOMER_ID_SIZE_MAX];
};

struct customers {
    const struct engine *engine;
    struct entry *entries; /* grows */
    uint32_t count, capacity;
    uint32_t *slots;     /* entry + 1; 0: free */
    uint32_t slot_count; /* power of two */
    uint8_t *blocks;
    size_t block_size;
    uint32_t *owner; /* of a block: entry + 1 */
    bool *touched;
    uint32_t block_count, hand;
    uint8_t record[ENGINE_RECORD_SIZE_MAX];
};

struct customers *customers_open(const struct engine *engine, size_t working_size)
{
    struct customers *customers = memory_take(sizeof(*customers), "customers");
    customers->engine = engine;
    customers->block_size = (engine_customer_size(engine) + 63) / 64 * 64;
    size_t count = working_size / customers->block_size;
    customers->block_count = (uint32_t)(count < BLOCKS_MIN ? BLOCKS_MIN : count);
    /* calloc, not memory_take: pages that no customer needs are never touched. */
    customers->blocks = calloc(customers->block_count, customers->block_size);
    if (customers->blocks == NULL) {
        return NULL;
    }
    customers->owner = memory_take(customers->block_count * sizeof(uint32_t), "customers");
    customers->touched = memory_take(customers->block_count, "customers");
    return customers;
}

static bool grow(struct customers *customers)
{
    uint32_t capacity = customers->capacity == 0 ? 4096 : customers->capacity * 2;
    struct entry *entries = realloc(customers->entries, capacity * sizeof(*entries));
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof(*slots));
    if (entries != NULL) {
        customers->entries = entries;
    }
    if (entries == NULL || slots == NULL) {
        free(slots);
        return false;
    }
    free(customers->slots);
    customers->slots = slots;
    customers->slot_count = capacity * 2;
    customers->capacity = capacity;
    for (uint32_t i = 0; i < customers->count; i++) {
        uint32_t at = (uint32_t)entries[i].hash & (customers->slot_count - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (customers->slot_count - 1);
        }
        slots[at] = i + 1;
    }
    return true;
}

static struct customer *block_of(struct customers *customers, uint32_t block)
{
    return (struct customer *)(void *)(customers->blocks + block * customers->block_size);
}

/* Put the block's owner into its packed form. */
static bool evict(struct customers *customers, uint32_t block)
{
    struct entry *entry = &customers->entries[customers->owner[block] - 1];
    size_t size =
        engine_customer_pack(customers->engine, block_of(customers, block), customers->record);
    uint8_t *packed = realloc(entry->packed, size == 0 ? 1 : size);
    if (packed == NULL) {
        return false;
    }
    memcpy(packed, customers->record, size);
    entry->packed = packed;
    entry->packed_size = (uint32_t)size;
    entry->block = NO_BLOCK;
    customers->owner[block] = 0;
    return true;
}

static int32_t free_block(struct customers *customers)
{
    for (;;) {
        uint32_t block = customers->hand;
        customers->hand = (customers->hand + 1) % customers->block_count;
        if (customers->owner[block] == 0) {
            return (int32_t)block;
        }
        if (customers->touched[block]) {
            customers->touched[block] = false;
        } else {
            return evict(customers, block) ? (int32_t)block : NO_BLOCK;
        }
    }
}

struct customer *customers_at(struct customers *customers, uint32_t index)
{
    struct entry *entry = &customers->entries[index];
    if (entry->block == NO_BLOCK) {
        int32_t block = free_block(customers);
        if (block == NO_BLOCK) {
            return NULL;
        }
        struct status_text text;
        struct customer *customer = block_of(customers, (uint32_t)block);
        struct slice id = slice_of(entry->id, entry->id_size);
        if (entry->packed == NULL) {
            engine_customer_init(customers->engine, customer, id);
        } else {
            enum status status =
                engine_customer_unpack(customers->engine, customer, id,
                                       slice_of(entry->packed, entry->packed_size), &text);
            INVARIANT(status == STATUS_OK); /* we packed it ourselves */
        }
        entry->block = block;
        customers->owner[block] = index + 1;
    }
    customers->touched[entry->block] = true;
    return block_of(customers, (uint32_t)entry->block);
}

struct customer *customers_get(struct customers *customers, struct slice id)
{
    uint64_t hash = hash64(id, 0);
    if (customers->count == customers->capacity && !grow(customers)) {
        return NULL;
    }
    uint32_t at = (uint32_t)hash & (customers->slot_count - 1);
    for (; customers->slots[at] != 0; at = (at + 1) & (customers->slot_count - 1)) {
        struct entry *entry = &customers->entries[customers->slots[at] - 1];
        if (entry->hash == hash && slice_equal(slice_of(entry->id, entry->id_size), id)) {
            return customers_at(customers, customers->slots[at] - 1);
        }
    }
    struct entry *entry = &customers->entries[customers->count++];
    *entry = (struct entry){.hash = hash, .block = NO_BLOCK, .id_size = (uint8_t)id.size};
    memcpy(entry->id, id.data, id.size);
    customers->slots[at] = customers->count;
    return customers_at(customers, customers->count - 1);
}

uint32_t customers_count(const struct customers *customers)
{
    return customers->count;
}

uint32_t customers_number(const struct customers *customers, const struct customer *customer)
{
    size_t block = (size_t)((const uint8_t *)customer - customers->blocks) / customers->block_size;
    return customers->owner[block] - 1;
}
