/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_heap.h"

#include <stdlib.h>

#include "base/invariant.h"

enum { HEAP_MAX = 1 << 16, TIME_BITS = 31 };

/* What the heap moves is small; the items stay where they are. */
struct place {
    uint64_t when; /* microseconds, then of those at the same time who was first: one comparison */
    uint32_t item;
};

static struct place *heap;
static uint32_t heap_count;
static uint32_t heap_order;
static struct sim_item *items;
static uint32_t *items_free; /* heap_count.. of HEAP_MAX: not in use */

void sim_later(int64_t delay_us, uint32_t process, uint32_t life,
               void (*fn)(void *data, uint32_t process), void *data)
{
    INVARIANT(heap_count < HEAP_MAX);
    uint32_t at = heap_count++;
    uint64_t at_us = (uint64_t)(sim->now_us + (delay_us < 0 ? 0 : delay_us));
    INVARIANT(at_us >> TIME_BITS == 0);
    struct place place = {at_us << 32 | heap_order++, items_free[at]};
    items[place.item] = (struct sim_item){fn, data, process, life};
    while (at > 0 && place.when < heap[(at - 1) / 2].when) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = place;
}

void sim_heap_begin(void)
{
    if (heap == NULL) {
        heap = calloc(HEAP_MAX + 1, sizeof(*heap));
        items = calloc(HEAP_MAX, sizeof(*items));
        items_free = calloc(HEAP_MAX, sizeof(*items_free));
        for (uint32_t i = 0; i < HEAP_MAX; i++) {
            items_free[i] = i;
        }
    }
    while (heap_count > 0) { /* what the last world did not live to see */
        heap_count--;
        items_free[heap_count] = heap[heap_count].item;
    }
    heap_order = 0;
}

bool sim_heap_next(int64_t end_us, struct sim_item *out_item)
{
    if (heap_count == 0 || (int64_t)(heap[0].when >> 32) > end_us) {
        return false;
    }
    struct place top = heap[0];
    struct place last = heap[--heap_count];
    uint32_t at = 0;
    items_free[heap_count] = top.item;
    sim->now_us = (int64_t)(top.when >> 32);
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= heap_count) {
            break;
        }
        /* Behind the last one lies a copy of it: of two that are the same the first is taken. */
        child += heap[child + 1].when < heap[child].when;
        if (heap[child].when >= last.when) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    *out_item = items[top.item];
    return true;
}
