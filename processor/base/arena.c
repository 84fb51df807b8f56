/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

void arena_init(struct arena *arena, void *block, size_t size)
{
    *arena = (struct arena){block, size, 0};
}

void *arena_take(struct arena *arena, size_t size)
{
    size_t start = (arena->used + 15) & ~(size_t)15;
    if (start > arena->size || size > arena->size - start) {
        return NULL;
    }
    arena->used = start + size;
    memset(arena->block + start, 0, size);
    return arena->block + start;
}

struct slice arena_copy(struct arena *arena, struct slice bytes)
{
    uint8_t *copy = arena_take(arena, bytes.size + 1);
    if (copy == NULL) {
        return (struct slice){NULL, 0};
    }
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return (struct slice){copy, bytes.size};
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
}
