/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/due.h"

#include "base/invariant.h"

bool due_push(struct due *due, int64_t at_ms, struct slice id)
{
    INVARIANT(id.size <= CUSTOMER_ID_SIZE_MAX);
    if (due->count == due->limit) {
        return false;
    }
    uint32_t at = due->count++;
    while (at > 0 && due->items[(at - 1) / 2].at_ms > at_ms) {
        due->items[at] = due->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    struct due_item *item = &due->items[at];
    item->at_ms = at_ms;
    item->id_size = (uint8_t)id.size;
    memcpy(item->id, id.data, id.size);
    return true;
}

void due_pop(struct due *due)
{
    INVARIANT(due->count > 0);
    const struct due_item *last = &due->items[--due->count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= due->count) {
            break;
        }
        if (child + 1 < due->count && due->items[child + 1].at_ms < due->items[child].at_ms) {
            child++;
        }
        if (due->items[child].at_ms >= last->at_ms) {
            break;
        }
        due->items[at] = due->items[child];
        at = child;
    }
    if (due->count > 0) {
        due->items[at] = *last;
    }
}

int64_t due_earliest(const struct due *due, int64_t now_ms)
{
    int64_t present = due_bucket_of(now_ms);
    int64_t unread = due->loaded < due->last ? due->loaded + 1 : INT64_MAX;
    unread = due->missed < unread ? due->missed : unread;
    int64_t earliest = unread <= present ? unread * DUE_BUCKET_MS : INT64_MAX;
    if (due->count > 0 && due->items[0].at_ms < earliest) {
        earliest = due->items[0].at_ms;
    }
    return earliest <= now_ms ? earliest : INT64_MAX;
}

void due_forget(struct due *due)
{
    for (uint32_t i = 0; i < due->count; i++) {
        int64_t bucket = due_bucket_of(due->items[i].at_ms);
        due->missed = bucket < due->missed ? bucket : due->missed;
    }
    due->count = 0;
}

void due_clear(struct due *due)
{
    due->count = 0;
    due->loaded = INT64_MIN;
    due->cursor = INT64_MIN;
    due->last = INT64_MIN;
    due->missed = INT64_MAX;
}
