/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include "base/invariant.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct memory_pool pools[MEMORY_POOLS_MAX];
static size_t pool_count;
static bool sealed;

enum { MEMORY_BLOCKS_MAX = 4096 };

/* Every block, so that a leak checker sees that it is meant to stay. */
static void *volatile blocks[MEMORY_BLOCKS_MAX];
static size_t block_count;

enum { HUGE_PAGE_SIZE = 2 * 1024 * 1024 };

static void note(size_t size, const char *what)
{
    for (size_t i = 0; i < pool_count; i++) {
        if (strcmp(pools[i].what, what) == 0) {
            pools[i].size += size;
            pools[i].takes++;
            return;
        }
    }
    if (pool_count < MEMORY_POOLS_MAX) {
        pools[pool_count++] = (struct memory_pool){what, size, 1};
    }
}

void *memory_take(size_t size, const char *what)
{
    INVARIANT(!sealed);
    size_t alignment = size >= HUGE_PAGE_SIZE ? HUGE_PAGE_SIZE : 64;
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    void *block = aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (block == NULL) {
        (void)fprintf(stderr,
                      "segue: no memory for %s (%zu bytes); lower its limit in the configuration\n",
                      what, size);
        exit(78);
    }
    if (alignment == HUGE_PAGE_SIZE) {
        /* Halves the cost of a random access in the record cache; harmless where it is refused. */
        (void)madvise(block, rounded, MADV_HUGEPAGE);
    }
    memset(block, 0, rounded);
    note(size, what);
    if (block_count < MEMORY_BLOCKS_MAX) {
        blocks[block_count++] = block;
    }
    return block;
}

void memory_seal(void)
{
    sealed = true;
}

void memory_unseal(void)
{
    sealed = false;
}

size_t memory_plan(const struct memory_pool **out_pools)
{
    *out_pools = pools;
    return pool_count;
}
