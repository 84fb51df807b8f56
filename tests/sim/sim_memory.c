/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_memory.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/invariant.h"
#include "base/memory.h"

enum {
    WORLD_MEMORY = 1 << 30,
    PAGE = 4096,
    POOLS_MAX = 512,
    PROCESS_SMALL = 4 * 1024 * 1024,
    PROCESS_MEMORY = 96 * 1024 * 1024,
    POOL_SMALL = 28 * 1024
};

/* ---- one block for the world: what a world has used is used by the next one ---- */
static uint8_t *world_memory;
static size_t world_used;
static size_t world_dirty; /* bytes that an earlier seed used */

/* A pool stays where it is from life to life and seed to seed, so that few pages are ever touched. */
struct pool {
    const char *what;
    size_t offset, size;
    uint32_t life; /* that has it */
};

/* ---- and for each process: both start again with every life ---- */
static struct process_memory {
    uint8_t *large, *small;
    size_t large_used, small_used;
    uint32_t life, next;
    uint32_t pool_count;
    struct pool pools[POOLS_MAX];
} memories[SIM_PROCESSES];

static void *map_block(size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    INVARIANT(block != MAP_FAILED);
    return block;
}

void sim_memory_world(void)
{
    if (world_memory == NULL) {
        world_memory = map_block(WORLD_MEMORY);
        for (uint32_t i = 0; i < SIM_PROCESSES; i++) {
            memories[i].large = map_block(PROCESS_MEMORY);
            memories[i].small = map_block(PROCESS_SMALL);
        }
    }
    world_dirty = world_used > world_dirty ? world_used : world_dirty;
    world_used = 0;
}

void *sim_take_raw(size_t size)
{
    size_t rounded = (size + 15) / 16 * 16;
    INVARIANT(world_used + rounded <= WORLD_MEMORY);
    void *block = world_memory + world_used;
    world_used += rounded;
    return block;
}

void *sim_take(size_t size)
{
    void *block = sim_take_raw(size);
    if ((uint8_t *)block < world_memory + world_dirty) {
        memset(block, 0, size);
    }
    return block;
}

/* A new life wants zeroes. Of a large pool few pages were ever touched: to clear those costs a tenth of giving all
 * back to the kernel and taking a page fault for each. */
void sim_memory_life(uint32_t process)
{
    static uint8_t resident[PROCESS_MEMORY / PAGE];
    struct process_memory *memory = &memories[process];
    if (memory->large_used > 0) {
        INVARIANT(mincore(memory->large, memory->large_used, resident) == 0);
    }
    for (size_t page = 0; page < memory->large_used / PAGE; page++) {
        if ((resident[page] & 1) != 0) {
            memset(memory->large + page * PAGE, 0, PAGE);
        }
    }
    memset(memory->small, 0, memory->small_used);
    memory->small_used = 0;
    memory->life++;
    memory->next = 0;
}

/* Of the same name, large enough and free in this life; they are asked for in much the same order every time. */
static struct pool *find_pool(struct process_memory *memory, size_t size, const char *what)
{
    for (uint32_t i = 0; i < memory->pool_count; i++) {
        struct pool *pool = &memory->pools[(memory->next + i) % memory->pool_count];
        if (pool->life != memory->life && pool->size >= size && strcmp(pool->what, what) == 0) {
            return pool;
        }
    }
    size_t rounded = (size + PAGE - 1) / PAGE * PAGE;
    INVARIANT(memory->pool_count < POOLS_MAX && memory->large_used + rounded <= PROCESS_MEMORY);
    struct pool *pool = &memory->pools[memory->pool_count++];
    *pool = (struct pool){what, memory->large_used, rounded, 0};
    memory->large_used += rounded;
    return pool;
}

void *memory_take(size_t size, const char *what)
{
    struct process_memory *memory = &memories[sim_process_now];
    size_t rounded = (size + 63) / 64 * 64;
    if (rounded <= POOL_SMALL) {
        INVARIANT(memory->small_used + rounded <= PROCESS_SMALL);
        memory->small_used += rounded;
        return memory->small + memory->small_used - rounded;
    }
    struct pool *pool = find_pool(memory, size, what);
    pool->life = memory->life;
    memory->next = (uint32_t)(pool - memory->pools) + 1;
    return memory->large + pool->offset;
}

void *memory_take_huge(size_t size, const char *what)
{
    return memory_take(size, what);
}

void memory_seal(void)
{
}

void memory_unseal(void)
{
}

size_t memory_plan(const struct memory_pool **out_pools)
{
    *out_pools = NULL;
    return 0;
}
