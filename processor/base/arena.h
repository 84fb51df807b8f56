/* SPDX-License-Identifier: Apache-2.0 */
/* A fixed block handed out from the front and given back all at once: what lives for one batch. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena {
    uint8_t *block; /* from memory_take, or the caller's */
    size_t size;    /* bytes of block */
    size_t used;    /* bytes handed out */
};

/* Use `size` bytes at `block`, which must outlive the arena. */
void arena_init(struct arena *arena, void *block, size_t size);

/* `size` zeroed bytes aligned to 16, until arena_reset; NULL when the block is full (a normal answer:
 * the caller cuts the batch). */
void *arena_take(struct arena *arena, size_t size);

/* A copy of `bytes` with a NUL behind it. An empty slice with NULL data when the arena is full. */
struct slice arena_copy(struct arena *arena, struct slice bytes);

/* Everything taken becomes invalid. */
void arena_reset(struct arena *arena);

#endif
