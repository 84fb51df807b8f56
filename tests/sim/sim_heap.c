/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_heap.h"

#include <stdlib.h>

#include "base/invariant.h"

enum { HEAP_MAX = 1 << 16 };

/* What the heap moves is small; the items stay where they are. */
struct place {
    int64_t at_us;
    uint32_t order; /* of those at the same time, who was first */
    uint32_t item;
};

static struct place *heap;
static uint32_t heap_count;
static uint32_t heap_order;
static struct sim_item *items;
static uint32_t *items_free; /* heap_count.. of HEAP_MAX: not in use */

static bool is_before(const struct place *a, const struct place *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void sim_later(int64_t delay_us, uint32_t process, uint32_t life,
               void (*fn)(void *data, uint32_t process), void *data)
{
    INVARIANT(heap_count < HEAP_MAX);
    uint32_t at = heap_count++;
    struct place place = {sim->now_us + (delay_us < 0 ? 0 : delay_us), heap_order++,
                          items_free[at]};
    items[place.item] = (struct sim_item){fn, data, process, life};
    while (at > 0 && is_before(&place, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = place;
}

void sim_heap_begin(void)
{
    if (heap == NULL) {
        heap = calloc(HEAP_MAX, sizeof(*heap));
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
    if (heap_count == 0 || heap[0].at_us > end_us) {
        return false;
    }
    struct place top = heap[0];
    struct place last = heap[--heap_count];
    uint32_t at = 0;
    items_free[heap_count] = top.item;
    sim->now_us = top.at_us;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= heap_count) {
            break;
        }
        child += child + 1 < heap_count && is_before(&heap[child + 1], &heap[child]);
        if (!is_before(&heap[child], &last)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    *out_item = items[top.item];
    return true;
}
