/* SPDX-License-Identifier: Apache-2.0 */
#include "features/remembered.h"

#include "features/known.h"
#include "features/tiles.h"

/* | head | ids[capacity] | times[capacity] | entries[capacity] |, slots in no order */

static struct remembered_head *head_of(void *state, const struct source_plan *source)
{
    return state_at(state, source->remembered.offset);
}

static uint64_t *ids_of(void *state, const struct source_plan *source)
{
    return state_at(state, source->remembered.offset + (uint32_t)sizeof(struct remembered_head));
}

static int64_t *times_of(void *state, const struct source_plan *source)
{
    return (int64_t *)(void *)(ids_of(state, source) + source->remembered.capacity);
}

static struct remembered_entry *entry_of(void *state, const struct source_plan *source,
                                         uint32_t slot)
{
    uint8_t *first = (uint8_t *)(times_of(state, source) + source->remembered.capacity);
    return (struct remembered_entry *)(void *)(first +
                                               (size_t)slot * source->remembered.entry_size);
}

/* Reading shares the accessors above; nothing is written through it. */
static void *readable(const void *state)
{
    return (void *)(uintptr_t)state;
}

void remembered_init(const struct features_plan *plan, void *state)
{
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (plan->sources[s].remembered.capacity > 0) {
            *head_of(state, &plan->sources[s]) =
                (struct remembered_head){.newest_ms = INT64_MIN, .forgotten_ms = INT64_MIN};
        }
    }
}

static int64_t horizon_ms(const struct features_plan *plan, const struct remembered_head *head)
{
    int64_t lateness = plan->options.allowed_lateness_ms;
    return head->newest_ms < INT64_MIN + lateness ? INT64_MIN : head->newest_ms - lateness;
}

int32_t remembered_find(const struct features_plan *plan, const void *state,
                        const struct source_plan *source, uint64_t id)
{
    const struct remembered_head *head = head_of(readable(state), source);
    const uint64_t *ids = ids_of(readable(state), source);
    int32_t found = -1;
    for (uint32_t i = 0; i < head->count && found < 0; i++) {
        found = ids[i] == id ? (int32_t)i : -1;
    }
    if (found < 0) {
        int32_t place = known_find(state, source, id);
        found = place < 0 ? -1 : (int32_t)source->remembered.capacity + place;
    }
    bool live =
        found >= 0 && remembered_time_ms(plan, state, source, found) >= horizon_ms(plan, head);
    return live ? found : -1;
}

bool remembered_is_unsure(const struct features_plan *plan, const void *state,
                          const struct source_plan *source, int64_t time_ms)
{
    const struct remembered_head *head = head_of(readable(state), source);
    return time_ms <= head->forgotten_ms && time_ms >= horizon_ms(plan, head);
}

/* Place among the known ids; -1: a remembered one. */
static int32_t place_of(const struct source_plan *source, int32_t slot)
{
    int32_t capacity = (int32_t)source->remembered.capacity;
    return slot < capacity ? -1 : slot - capacity;
}

static uint8_t late_flag(uint8_t class)
{
    return (class & (FEED_POSTED_LATE | FEED_PENDING_LATE)) != 0 ? REMEMBERED_LATE : 0;
}

static uint8_t entry_flags(const struct remembered_entry *entry)
{
    return (uint8_t)(entry->flags | late_flag(entry->class));
}

uint8_t remembered_flags(const struct features_plan *plan UNUSED, const void *state,
                         const struct source_plan *source, int32_t slot)
{
    int32_t place = place_of(source, slot);
    return place < 0 ? entry_flags(entry_of(readable(state), source, (uint32_t)slot))
                     : (uint8_t)(known_flags(state, source, (uint32_t)place) | REMEMBERED_ID);
}

void remembered_add_flag(const struct features_plan *plan UNUSED, void *state,
                         const struct source_plan *source, int32_t slot, uint8_t flag)
{
    int32_t place = place_of(source, slot);
    if (place < 0) {
        entry_of(state, source, (uint32_t)slot)->flags |= flag;
    } else {
        uint8_t flags = known_flags(state, source, (uint32_t)place);
        known_set_flags(state, source, (uint32_t)place, (uint8_t)(flags | flag));
    }
}

int64_t remembered_time_ms(const struct features_plan *plan UNUSED, const void *state,
                           const struct source_plan *source, int32_t slot)
{
    int32_t place = place_of(source, slot);
    return place < 0 ? times_of(readable(state), source)[slot]
                     : known_time_ms(state, source, (uint32_t)place);
}

const struct remembered_entry *remembered_entry(const void *state, const struct source_plan *source,
                                                int32_t slot)
{
    return entry_of(readable(state), source, (uint32_t)slot);
}

uint64_t remembered_id(const void *state, const struct source_plan *source, int32_t slot)
{
    return ids_of(readable(state), source)[slot];
}

struct facts remembered_facts(const struct features_plan *plan UNUSED, void *state,
                              const struct source_plan *source, int32_t slot)
{
    const struct remembered_entry *entry = entry_of(state, source, (uint32_t)slot);
    struct facts facts = {
        .time_ms = times_of(state, source)[slot],
        .day = entry->day,
        .class = entry->class,
        .present = entry->present,
        .matched = {entry->matched},
    };
    memcpy(facts.values, entry->values, plan_kept_values(source) * sizeof(int64_t));
    facts_widen(source, &facts);
    return facts;
}

/* What it gave stands and is known. */
static bool counts(const struct remembered_entry *entry)
{
    return (entry->flags & (REMEMBERED_REVERSED | REMEMBERED_REPLACED | REMEMBERED_BLANK)) == 0;
}

static void forget(const struct features_plan *plan, void *state, const struct source_plan *source,
                   uint32_t slot)
{
    if (source->extreme_count > 0 && counts(entry_of(state, source, slot))) {
        struct facts facts = remembered_facts(plan, state, source, (int32_t)slot);
        tiles_forget(plan, state, source, &facts);
    }
}

void remembered_know(void *state, const struct source_plan *source, uint64_t id, int64_t time_ms,
                     uint8_t flags)
{
    struct remembered_head *head = head_of(state, source);
    int64_t lost_ms = known_put(state, source, id, time_ms, flags & KNOWN_FLAGS);
    head->forgotten_ms = lost_ms > head->forgotten_ms ? lost_ms : head->forgotten_ms;
}

/* Slot for an event of that time, or -1: the set is full of newer ones. The oldest makes room. */
static int32_t slot_for(const struct features_plan *plan, void *state,
                        const struct source_plan *source, uint64_t id, int64_t time_ms)
{
    struct remembered_head *head = head_of(state, source);
    const uint64_t *ids = ids_of(state, source);
    const int64_t *times = times_of(state, source);
    for (uint32_t i = 0; i < head->count; i++) {
        if (ids[i] == id) {
            return (int32_t)i;
        }
    }
    int32_t place = known_find(state, source, id);
    if (place >= 0) {
        known_remove(state, source, (uint32_t)place);
    }
    if (head->count < source->remembered.capacity) {
        return (int32_t)head->count++;
    }
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < head->count; i++) {
        if (times[i] < times[oldest] || (times[i] == times[oldest] && ids[i] < ids[oldest])) {
            oldest = i;
        }
    }
    if (time_ms < times[oldest] || (time_ms == times[oldest] && id < ids[oldest])) {
        return -1;
    }
    forget(plan, state, source, oldest);
    remembered_know(state, source, ids[oldest], times[oldest],
                    entry_flags(entry_of(state, source, oldest)));
    return (int32_t)oldest;
}

/* A newer event has moved the horizon. */
static void forget_old(const struct features_plan *plan, void *state,
                       const struct source_plan *source)
{
    struct remembered_head *head = head_of(state, source);
    uint64_t *ids = ids_of(state, source);
    int64_t *times = times_of(state, source);
    int64_t from_ms = horizon_ms(plan, head);
    for (uint32_t i = head->count; i > 0; i--) {
        if (times[i - 1] >= from_ms) {
            continue;
        }
        forget(plan, state, source, i - 1);
        uint32_t last = --head->count;
        ids[i - 1] = ids[last];
        times[i - 1] = times[last];
        memmove(entry_of(state, source, i - 1), entry_of(state, source, last),
                source->remembered.entry_size);
    }
    known_forget_old(state, source, from_ms);
}

bool remembered_put(const struct features_plan *plan, void *state, const struct source_plan *source,
                    uint64_t id, const struct facts *facts, uint8_t flags)
{
    struct remembered_head *head = head_of(state, source);
    if (facts->time_ms > head->newest_ms) {
        head->newest_ms = facts->time_ms;
        forget_old(plan, state, source);
    }
    if (facts->time_ms < horizon_ms(plan, head)) {
        return false; /* older than anything that is remembered */
    }
    int32_t slot = slot_for(plan, state, source, id, facts->time_ms);
    if (slot < 0) {
        remembered_know(state, source, id, facts->time_ms,
                        (uint8_t)(flags | late_flag(facts->class)));
        return false;
    }
    ids_of(state, source)[slot] = id;
    times_of(state, source)[slot] = facts->time_ms;
    struct remembered_entry *entry = entry_of(state, source, (uint32_t)slot);
    *entry = (struct remembered_entry){
        .matched = facts->matched[0],
        .present = facts->present,
        .day = facts->day,
        .class = facts->class,
        .flags = flags,
    };
    memcpy(entry->values, facts->values, source->value_count * sizeof(int64_t));
    if (plan_is_wide(source)) {
        entry->values[source->value_count] = (int64_t)facts->matched[1];
        entry->present |= UINT32_C(1) << source->value_count;
    }
    return true;
}

void remembered_extreme(const struct features_plan *plan, void *state, const struct cell *cell,
                        const struct facts *facts, int64_t *value)
{
    const struct source_plan *source = &plan->sources[cell->feed.source];
    const struct remembered_head *head = head_of(state, source);
    int32_t tile = tile_of(cell->tile_ms, facts->time_ms, facts->day);
    for (uint32_t i = 0; i < head->count; i++) {
        struct facts other = remembered_facts(plan, state, source, (int32_t)i);
        if (!counts(entry_of(state, source, i)) || !feed_takes(&cell->feed, &other) ||
            (cell->unit != FEATURE_ALL &&
             tile_of(cell->tile_ms, other.time_ms, other.day) != tile)) {
            continue;
        }
        int64_t given = feed_value(&cell->feed, &other);
        bool better = cell->operation == CELL_MIN ? given < *value : given > *value;
        *value = better ? given : *value;
    }
}

bool remembered_next(const struct features_plan *plan, void *state, const struct feed *feed,
                     int64_t than_ms, bool newer, int64_t *out_time_ms, int64_t *out_value)
{
    const struct source_plan *source = &plan->sources[feed->source];
    uint32_t count = source->remembered.capacity > 0 ? head_of(state, source)->count : 0;
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        int64_t time_ms = times_of(state, source)[i];
        bool beyond = newer ? time_ms > than_ms && (!found || time_ms < *out_time_ms)
                            : time_ms < than_ms && (!found || time_ms > *out_time_ms);
        if (!beyond || !counts(entry_of(state, source, i))) {
            continue;
        }
        struct facts facts = remembered_facts(plan, state, source, (int32_t)i);
        if (feed_takes(feed, &facts)) {
            found = true;
            *out_time_ms = time_ms;
            *out_value = feed_value(feed, &facts);
        }
    }
    return found;
}

int32_t remembered_tile(const struct features_plan *plan, void *state, const struct feed *feed,
                        uint32_t tile_ms, int64_t value)
{
    const struct source_plan *source = &plan->sources[feed->source];
    uint32_t count = source->remembered.capacity > 0 ? head_of(state, source)->count : 0;
    int32_t newest = TILE_NONE;
    int32_t oldest = PLAN_TILE_MAX;
    for (uint32_t i = 0; i < count; i++) {
        struct facts facts = remembered_facts(plan, state, source, (int32_t)i);
        int32_t tile = tile_of(tile_ms, facts.time_ms, facts.day);
        oldest = tile < oldest ? tile : oldest;
        if (counts(entry_of(state, source, i)) && feed_takes(feed, &facts) &&
            feed_value(feed, &facts) == value && tile > newest) {
            newest = tile;
        }
    }
    return newest != TILE_NONE ? newest : oldest;
}
