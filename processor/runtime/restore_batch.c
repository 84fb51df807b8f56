/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/restore_batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "runtime/due.h"
#include "runtime/inside.h"

enum { SEEN_PROBES = 3 };

void restore_batch_clear(struct restore_batch *batch)
{
    batch->size = 0;
    batch->count = 0;
    batch->asked = 0;
    memset(batch->places, 0, sizeof(batch->places));
}

void restore_room_begin(struct restore_room *room, uint8_t *bytes, size_t size)
{
    memset(room->seen, 0, sizeof(room->seen));
    for (size_t i = 0; i < 2; i++) {
        room->batches[i].bytes = bytes + i * (size / 2);
        room->batches[i].limit = size / 2;
        restore_batch_clear(&room->batches[i]);
    }
}

static struct cut_entry entry_at(const struct restore_batch *batch, uint32_t index)
{
    struct cut_entry entry;
    size_t at = batch->entries[index].at;
    struct bytes_reader reader = bytes_reader(slice_of(batch->bytes + at, batch->size - at));
    INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK); /* restore_add wrote it */
    return entry;
}

/* Was the customer seen, perhaps? From now on he was. */
static bool see(struct restore_room *room, uint64_t hash)
{
    bool seen = true;
    for (uint32_t i = 0; i < SEEN_PROBES; i++) {
        uint64_t bit = (hash >> (21 * i)) % RESTORE_SEEN_BITS;
        uint64_t mask = UINT64_C(1) << bit % 64;
        seen = seen && (room->seen[bit / 64] & mask) != 0;
        room->seen[bit / 64] |= mask;
    }
    return seen;
}

/* The place of that customer, or the free one where he would be. */
static uint16_t *place_of(struct restore_batch *batch, uint64_t hash, struct slice id)
{
    uint32_t at = (uint32_t)hash % RESTORE_PLACES;
    while (batch->places[at] != 0 && !slice_equal(entry_at(batch, batch->places[at] - 1U).id, id)) {
        at = (at + 1) % RESTORE_PLACES;
    }
    return &batch->places[at];
}

bool restore_add(struct restore_room *room, struct restore_batch *batch,
                 const struct cut_entry *entry)
{
    struct bytes_writer writer =
        bytes_writer(batch->bytes + batch->size, batch->limit - batch->size);
    uint64_t hash = hash64(entry->id, 0);
    INVARIANT(batch->count < RESTORE_BATCH_MAX);
    cut_put_entry(&writer, entry);
    if (writer.full) {
        return false;
    }
    uint16_t *place = place_of(batch, hash, entry->id);
    if (*place != 0 && !SIM_WITHOUT(MUTANT_BOTH_COUNT)) {
        batch->entries[*place - 1].superseded = true;
    }
    batch->entries[batch->count] = (struct restore_entry){
        .at = (uint32_t)batch->size, .seen = see(room, hash), .before = CUT_NO_BUCKET};
    batch->size += writer.size;
    *place = (uint16_t)++batch->count;
    return true;
}

bool restore_next_question(const struct restore_batch *batch, uint32_t *index, struct slice *out_id)
{
    while (*index < batch->count) {
        const struct restore_entry *entry = &batch->entries[(*index)++];
        if (entry->seen && !entry->superseded) {
            *out_id = entry_at(batch, *index - 1).id;
            return true;
        }
    }
    return false;
}

/* ---- as commands ---- */

struct in_bucket {
    int64_t bucket;
    uint32_t index;
};

static int by_bucket(const void *a, const void *b)
{
    const struct in_bucket *left = a;
    const struct in_bucket *right = b;
    return left->bucket != right->bucket
               ? (left->bucket < right->bucket ? -1 : 1)
               : (left->index > right->index) - (left->index < right->index);
}

/* One SADD for each due set. */
static void put_due_sets(const struct restore_batch *batch, struct slice due_key,
                         struct in_bucket *items, uint32_t count, struct store_pipeline *pipeline)
{
    uint32_t members = 0;
    qsort(items, count, sizeof(*items), by_bucket);
    for (uint32_t i = 0; i < count; i += members) {
        for (members = 1; i + members < count && items[i + members].bucket == items[i].bucket;) {
            members++;
        }
        store_command(pipeline, 2 + members);
        store_argument_text(pipeline, "SADD");
        store_argument_number(pipeline, due_key, items[i].bucket);
        for (uint32_t k = 0; k < members; k++) {
            store_argument(pipeline, entry_at(batch, items[i + k].index).id);
        }
    }
}

static void put_records(const struct restore_batch *batch, struct slice record_key,
                        struct store_pipeline *pipeline)
{
    uint32_t sets = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        sets += !batch->entries[i].superseded && (entry_at(batch, i).flags & CUT_RECORD_SET) != 0;
    }
    if (sets == 0) {
        return;
    }
    store_command(pipeline, 1 + 2 * sets);
    store_argument_text(pipeline, "MSET");
    for (uint32_t i = 0; i < batch->count; i++) {
        struct cut_entry entry = entry_at(batch, i);
        if (!batch->entries[i].superseded && (entry.flags & CUT_RECORD_SET) != 0) {
            store_argument_pair(pipeline, record_key, entry.id);
            store_argument(pipeline, entry.record);
        }
    }
}

/* One DEL for all that a batch does not write over: views, and records of whoever is gone. Of each, whether seen
 * before or not: an EXEC that ran in part may have left keys of a customer who stands in no due set, and
 * then nobody deleted them (decision 0017). */
static void put_gone(const struct restore_batch *batch, struct slice record_key,
                     struct slice view_key, struct store_pipeline *pipeline)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        bool set = (entry_at(batch, i).flags & CUT_RECORD_SET) != 0;
        count += batch->entries[i].superseded ? 0U : (set ? 1U : 2U);
    }
    store_command(pipeline, 1 + count);
    store_argument_text(pipeline, "DEL");
    for (uint32_t i = 0; i < batch->count; i++) {
        struct cut_entry entry = entry_at(batch, i);
        if (batch->entries[i].superseded) {
            continue;
        }
        store_argument_pair(pipeline, view_key, entry.id);
        if ((entry.flags & CUT_RECORD_SET) == 0) {
            store_argument_pair(pipeline, record_key, entry.id);
        }
    }
}

/* Where an older checkpoint put him, and his view. */
static void put_rest(const struct restore_entry *of, struct cut_entry entry, struct slice view_key,
                     struct slice due_key, struct store_pipeline *pipeline)
{
    bool moves = (entry.flags & CUT_BUCKET_NEW) == 0 || of->before != entry.bucket_new;
    if (of->before != CUT_NO_BUCKET && moves) {
        apply_due(pipeline, due_key, "SREM", of->before, entry.id);
    }
    if ((entry.flags & CUT_RECORD_SET) != 0) {
        entry.flags &= ~(uint32_t)CUT_VIEW_WHOLE; /* put_gone took it away */
        apply_view(pipeline, view_key, &entry);
    }
}

static void note_bucket(struct head *head, int64_t bucket)
{
    if (bucket < DUE_FAR_FIRST) {
        head->due_first = bucket < head->due_first ? bucket : head->due_first;
        head->due_last = bucket > head->due_last ? bucket : head->due_last;
    }
}

bool restore_put(const struct restore_batch *batch, struct slice record_key, struct slice view_key,
                 struct slice due_key, struct head *head, struct store_pipeline *pipeline)
{
    struct in_bucket items[RESTORE_BATCH_MAX];
    uint32_t count = 0;
    size_t size = HEAD_SIZE_MAX + 1024;
    for (uint32_t i = 0; i < batch->count; i++) {
        struct cut_entry entry = entry_at(batch, i);
        size += apply_size(&entry);
    }
    if (pipeline->limit - pipeline->size < size) {
        return false;
    }
    put_records(batch, record_key, pipeline);
    put_gone(batch, record_key, view_key, pipeline);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct restore_entry *of = &batch->entries[i];
        struct cut_entry entry = entry_at(batch, i);
        if (of->superseded) {
            continue;
        }
        if (entry.id.size > 0) {
            head->customer_count += (entry.flags & CUT_RECORD_SET) != 0;
            head->customer_count -= of->known && head->customer_count > 0;
        }
        if ((entry.flags & CUT_BUCKET_NEW) != 0) {
            note_bucket(head, entry.bucket_new);
            items[count++] = (struct in_bucket){entry.bucket_new, i};
        }
        put_rest(of, entry, view_key, due_key, pipeline);
    }
    put_due_sets(batch, due_key, items, count, pipeline);
    return true;
}
