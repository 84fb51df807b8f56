/* SPDX-License-Identifier: Apache-2.0 */
#include "features/table.h"

#include "features/remembered.h"

static struct table_head *head_of(const struct table_plan *part, void *state)
{
    return state_at(state, part->offset);
}

void table_init(const struct features_plan *plan, void *state)
{
    for (uint32_t i = 0; i < plan->table_count; i++) {
        head_of(&plan->tables[i], state)->count = 0;
    }
}

/* First entry whose hash is >= `hash`. */
static uint32_t lower_bound(const struct table_head *head, uint64_t hash)
{
    uint32_t low = 0;
    uint32_t high = head->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (head->entries[middle].hash < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void remove_entry(struct table_head *head, uint32_t at)
{
    head->count--;
    memmove(&head->entries[at], &head->entries[at + 1],
            (head->count - at) * sizeof(head->entries[0]));
}

/* The entry seen longest ago, the smaller hash among equals. */
static uint32_t oldest_entry(const struct table_head *head)
{
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < head->count; i++) {
        oldest = head->entries[i].tile < head->entries[oldest].tile ? i : oldest;
    }
    return oldest;
}

void table_put(const struct table_plan *part, void *state, uint64_t hash, int32_t tile,
               uint32_t uses)
{
    struct table_head *head = head_of(part, state);
    uint32_t at = lower_bound(head, hash);
    if (at < head->count && head->entries[at].hash == hash) {
        struct table_entry *entry = &head->entries[at];
        entry->tile = tile > entry->tile ? tile : entry->tile;
        entry->uses = entry->uses > UINT32_MAX - uses ? UINT32_MAX : entry->uses + uses;
        return;
    }
    if (head->count == part->capacity) {
        uint32_t oldest = oldest_entry(head);
        if (head->entries[oldest].tile > tile ||
            (head->entries[oldest].tile == tile && head->entries[oldest].hash > hash)) {
            return;
        }
        remove_entry(head, oldest);
        at = lower_bound(head, hash);
    }
    memmove(&head->entries[at + 1], &head->entries[at],
            (head->count - at) * sizeof(head->entries[0]));
    head->entries[at] = (struct table_entry){hash, tile, uses};
    head->count++;
}

static void take(const struct features_plan *plan, const struct table_plan *part, void *state,
                 uint64_t hash, int32_t tile)
{
    struct table_head *head = head_of(part, state);
    uint32_t at = lower_bound(head, hash);
    if (at == head->count || head->entries[at].hash != hash) {
        return;
    }
    struct table_entry *entry = &head->entries[at];
    if (--entry->uses == 0) {
        remove_entry(head, at);
    } else if (part->unit != FEATURE_ALL && entry->tile == tile) {
        int32_t other = remembered_tile(plan, state, &part->feed, part->tile_ms, (int64_t)hash);
        entry->tile = other < tile ? other : tile;
    }
}

void table_apply(const struct features_plan *plan, void *state, const struct source_plan *source,
                 const struct facts *facts, int32_t sign)
{
    for (uint32_t i = 0; i < source->table_count; i++) {
        const struct table_plan *part = &plan->tables[source->tables[i]];
        if (!feed_takes(&part->feed, facts)) {
            continue;
        }
        uint64_t hash = (uint64_t)feed_value(&part->feed, facts);
        int32_t tile =
            part->unit == FEATURE_ALL ? 0 : tile_of(part->tile_ms, facts->time_ms, facts->day);
        if (sign > 0) {
            table_put(part, state, hash, tile, 1);
        } else {
            take(plan, part, state, hash, tile);
        }
    }
}

uint32_t table_count(const struct table_plan *part, const void *state, int64_t first)
{
    const struct table_head *head = table_head(part, state);
    uint32_t count = 0;
    for (uint32_t i = 0; i < head->count; i++) {
        count += head->entries[i].tile >= first;
    }
    return count;
}
