/* SPDX-License-Identifier: Apache-2.0 */
#include "features/known.h"

/* | ids[room] | times[room] | flags[room] |, oldest first; how many stands in the head of the remembered events,
 * which every event reads anyway. */

static struct remembered_head *head_of(void *state, const struct source_plan *source)
{
    return state_at(state, source->remembered.offset);
}

static uint64_t *ids_of(void *state, const struct source_plan *source)
{
    return state_at(state, source->remembered.known_offset);
}

static int64_t *times_of(void *state, const struct source_plan *source)
{
    return (int64_t *)(void *)(ids_of(state, source) + source->remembered.known_room);
}

static uint8_t *flags_of(void *state, const struct source_plan *source)
{
    return (uint8_t *)(times_of(state, source) + source->remembered.known_room);
}

/* Reading shares the accessors above; nothing is written through it. */
static void *readable(const void *state)
{
    return (void *)(uintptr_t)state;
}

uint32_t known_count(const void *state, const struct source_plan *source)
{
    return head_of(readable(state), source)->known_count;
}

int32_t known_find(const void *state, const struct source_plan *source, uint64_t id)
{
    const uint64_t *ids = ids_of(readable(state), source);
    uint32_t count = known_count(state, source);
    for (uint32_t i = count; i > 0; i--) { /* what comes again mostly is of the newest */
        if (ids[i - 1] == id) {
            return (int32_t)i - 1;
        }
    }
    return -1;
}

uint64_t known_id(const void *state, const struct source_plan *source, uint32_t place)
{
    return ids_of(readable(state), source)[place];
}

int64_t known_time_ms(const void *state, const struct source_plan *source, uint32_t place)
{
    return times_of(readable(state), source)[place];
}

uint8_t known_flags(const void *state, const struct source_plan *source, uint32_t place)
{
    return flags_of(readable(state), source)[place];
}

void known_set_flags(void *state, const struct source_plan *source, uint32_t place, uint8_t flags)
{
    flags_of(state, source)[place] = flags;
}

/* Those from `from` on stand from `to` on. */
static void move(void *state, const struct source_plan *source, uint32_t to, uint32_t from,
                 uint32_t count)
{
    uint64_t *ids = ids_of(state, source);
    int64_t *times = times_of(state, source);
    uint8_t *flags = flags_of(state, source);
    memmove(ids + to, ids + from, count * sizeof(ids[0]));
    memmove(times + to, times + from, count * sizeof(times[0]));
    memmove(flags + to, flags + from, count);
}

int64_t known_put(void *state, const struct source_plan *source, uint64_t id, int64_t time_ms,
                  uint8_t flags)
{
    struct remembered_head *head = head_of(state, source);
    uint64_t *ids = ids_of(state, source);
    int64_t *times = times_of(state, source);
    uint32_t at = head->known_count;
    while (at > 0 && (times[at - 1] > time_ms || (times[at - 1] == time_ms && ids[at - 1] > id))) {
        at--;
    }
    if (at > 0 && times[at - 1] == time_ms && ids[at - 1] == id) {
        return INT64_MIN; /* bytes from outside may say it twice */
    }
    int64_t lost_ms = INT64_MIN;
    if (head->known_count < source->remembered.known_room) {
        move(state, source, at + 1, at, head->known_count++ - at);
    } else if (at == 0) {
        return time_ms; /* older than all of them; or there is no room for any */
    } else {
        lost_ms = times[0];
        move(state, source, 0, 1, --at);
    }
    ids[at] = id;
    times[at] = time_ms;
    flags_of(state, source)[at] = flags;
    return lost_ms;
}

void known_remove(void *state, const struct source_plan *source, uint32_t place)
{
    struct remembered_head *head = head_of(state, source);
    move(state, source, place, place + 1, --head->known_count - place);
}

void known_forget_old(void *state, const struct source_plan *source, int64_t from_ms)
{
    struct remembered_head *head = head_of(state, source);
    const int64_t *times = times_of(state, source);
    uint32_t old = 0;
    while (old < head->known_count && times[old] < from_ms) {
        old++;
    }
    if (old > 0) {
        head->known_count -= old;
        move(state, source, 0, old, head->known_count);
    }
}
