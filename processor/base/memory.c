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

enum {
    HUGE_PAGE_SIZE = 2 * 1024 * 1024,
    PAGE_SIZE = 4096,
    MAPPED_SIZE_MIN = 64 * 1024,
    ALIGNMENT = 64
};

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

static size_t round_up(size_t size, size_t to)
{
    return (size + to - 1) / to * to;
}

static void *take_small(size_t size)
{
    size_t rounded = size == 0 ? ALIGNMENT : round_up(size, ALIGNMENT);
    void *block = aligned_alloc(ALIGNMENT, rounded);
    if (block != NULL) {
        memset(block, 0, rounded);
    }
    return block;
}

/* Pages straight from the kernel: zero already, and nothing is paid for one until it is touched. The rest of the
 * mapping, before and behind, may not be touched. NULL: no memory. */
static void *map(size_t size, size_t alignment)
{
#ifdef __SANITIZE_ADDRESS__
    /* A leak checker follows pointers through blocks of its own allocator only. */
    (void)alignment;
    return take_small(size);
#endif
    size_t rounded = round_up(size, PAGE_SIZE);
    uint8_t *mapped = mmap(NULL, rounded + 2 * alignment, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    uint8_t *block = mapped + (alignment - (uintptr_t)mapped % alignment);
    return mprotect(block, rounded, PROT_READ | PROT_WRITE) == 0 ? block : NULL;
}

static void *taken(void *block, size_t size, const char *what)
{
    if (block == NULL) {
        (void)fprintf(stderr,
                      "segue: no memory for %s (%zu bytes); lower its limit in the configuration\n",
                      what, size);
        exit(78);
    }
    note(size, what);
    if (block_count < MEMORY_BLOCKS_MAX) {
        blocks[block_count++] = block;
    }
    return block;
}

void *memory_take(size_t size, const char *what)
{
    INVARIANT(!sealed);
    return taken(size < MAPPED_SIZE_MIN ? take_small(size) : map(size, PAGE_SIZE), size, what);
}

void *memory_take_huge(size_t size, const char *what)
{
    INVARIANT(!sealed);
    void *block = size < HUGE_PAGE_SIZE ? take_small(size) : map(size, HUGE_PAGE_SIZE);
    if (block != NULL && size >= HUGE_PAGE_SIZE) {
        (void)madvise(block, size, MADV_HUGEPAGE); /* harmless where it is refused */
    }
    return taken(block, size, what);
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
