/* SPDX-License-Identifier: Apache-2.0 */
/* Close the batch: each task's changed customers become a cut, its journal records and its offsets, as bytes in the
 * flight. Nothing here is visible outside before the flight commits. */
#include "base/hash.h"
#include "base/invariant.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

/* Which due set the customer belongs into from now on. */
static int64_t seal_bucket(const struct task *task, const struct customer *customer)
{
    if (customer->deadline_ms == INT64_MAX) {
        return DUE_FAR_FIRST + (int64_t)(hash64(customer_id(customer), 7) % DUE_FAR_BUCKETS);
    }
    int64_t bucket = due_bucket_of(customer->deadline_ms);
    int64_t latest =
        task->now_ms == INT64_MIN ? bucket : due_bucket_of(task->now_ms) + DUE_HORIZON_BUCKETS;
    bucket = bucket > latest ? latest : bucket; /* looked at too early is harmless */
    return bucket < task->due.cursor ? task->due.cursor : bucket;
}

/* The published fields that changed, as bytes in worker->view_bytes. */
static bool seal_view(struct worker *worker, struct customer *customer, struct cut_entry *entry)
{
    arena_reset(&worker->view_arena);
    entry->flags |= customer->view_whole ? CUT_VIEW_WHOLE : 0;
    customer->view_whole = false;
    uint32_t count =
        engine_view(worker->options.engine, customer, &worker->view_arena, worker->view_changes);
    struct bytes_writer writer = bytes_writer(worker->view_bytes, worker->view_bytes_size);
    for (uint32_t i = 0; i < count; i++) {
        const struct view_change *change = &worker->view_changes[i];
        cut_put_field(&writer, &(struct cut_field){change->name, change->text, change->remove});
    }
    entry->view_count = count;
    entry->view = slice_of(worker->view_bytes, writer.size);
    return !writer.full;
}

static bool seal_entry(struct worker *worker, struct task *task, struct cache_entry *cached,
                       struct bytes_writer *writer, size_t *apply_bytes)
{
    struct customer *customer = cache_customer(cached);
    struct cut_entry entry = {.id = customer_id(customer), .bucket_old = cached->bucket};
    int64_t bucket = CUT_NO_BUCKET;
    if (customer->erased) {
        entry.flags = CUT_RECORD_DELETE;
    } else {
        if (!seal_view(worker, customer, &entry)) {
            return false;
        }
        bucket = seal_bucket(task, customer);
        struct bytes_writer record = bytes_writer(worker->packed, ENGINE_RECORD_SIZE_MAX + 16);
        record_begin(&record, bucket);
        size_t size =
            engine_customer_pack(worker->options.engine, customer, worker->packed + record.size);
        entry.flags |= CUT_RECORD_SET;
        entry.record = slice_of(worker->packed, record.size + size);
        entry.bucket_new = bucket;
        if (bucket < DUE_FAR_FIRST && bucket > task->due.last) {
            task->due.last = bucket;
        }
    }
    if (bucket != cached->bucket) {
        entry.flags |= cached->bucket != CUT_NO_BUCKET ? CUT_BUCKET_OLD : 0U;
        entry.flags |= bucket != CUT_NO_BUCKET ? CUT_BUCKET_NEW : 0U;
    }
    size_t before = writer->size;
    cut_put_entry(writer, &entry);
    *apply_bytes += apply_size(&entry);
    if (writer->full) {
        return false;
    }
    worker->entries_size += writer->size - before - worker->entries_size / ENTRIES_AVERAGED;
    cached->bucket = bucket;
    cached->last_seq = task->seq + 1;
    task->customer_count += !cached->stored && !customer->erased;
    task->customer_count -= cached->stored && customer->erased;
    cached->stored = !customer->erased;
    if (customer->erased) {
        struct slice id = customer_id(customer);
        uint8_t copy[CUSTOMER_ID_SIZE_MAX];
        memcpy(copy, id.data, id.size);
        engine_customer_init(worker->options.engine, customer, slice_of(copy, id.size));
    } else if (due_bucket_of(customer->deadline_ms) <= task->due.loaded &&
               customer->deadline_ms < cached->heap_ms) {
        if (due_push(&task->due, customer->deadline_ms, customer_id(customer))) {
            cached->heap_ms = customer->deadline_ms;
        } else if (bucket < task->due.missed) {
            task->due.missed = bucket;
        }
    }
    return true;
}

static bool seal_task_record(struct worker *worker, struct task *task, struct bytes_writer *writer,
                             size_t *apply_bytes, uint32_t *entry_count)
{
    struct bytes_writer record = bytes_writer(worker->packed, ENGINE_RECORD_SIZE_MAX + 16);
    record_begin(&record, 0);
    size_t size =
        engine_task_pack(worker->options.engine, task->state_block, worker->packed + record.size);
    struct slice bytes = slice_of(worker->packed, record.size + size);
    uint64_t hash = hash64(bytes, 0);
    if (hash == task->state_hash) {
        return true;
    }
    struct cut_entry entry = {.flags = CUT_RECORD_SET, .record = bytes};
    cut_put_entry(writer, &entry);
    *apply_bytes += apply_size(&entry);
    *entry_count += 1;
    task->state_hash = hash;
    return !writer->full;
}

/* The lowest bucket in which somebody may still wait. */
static int64_t seal_cursor(const struct task *task)
{
    const struct due *due = &task->due;
    if (due->loaded == INT64_MIN) {
        return due->cursor; /* a cut that only proves membership leaves it where it was */
    }
    int64_t cursor = due->loaded;
    if (SIM_WITHOUT(MUTANT_CURSOR_AHEAD)) {
        return due->loaded + 1;
    }
    if (due->count > 0 && due_bucket_of(due->items[0].at_ms) < cursor) {
        cursor = due_bucket_of(due->items[0].at_ms);
    }
    cursor = due->missed < cursor ? due->missed : cursor;
    return cursor < due->cursor ? due->cursor : cursor;
}

static struct cut_header seal_header(struct worker *worker, struct task *task)
{
    const struct worker_options *options = &worker->options;
    struct cut_header header = {
        .application = slice_text(options->application),
        .cluster_id = slice_text(options->cluster_id),
        .task_count = options->task_count,
        .journal_partitions = options->journal_partitions,
        .layout_hash = worker->layout_hash,
        .playbook_hash = worker->playbook_hash,
        .task = task->number,
        .seq = task->seq + 1,
        .owner = task->owner,
        .now_ms = task->now_ms,
        .due_cursor = task->due.cursor,
        .due_last = task->due.last,
        .previous_hash = task->hash,
        .low = task->low,
        .customer_count = task->customer_count,
        .event_count = task->events_built,
        .output_count = task->outputs_built,
    };
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        const struct task_source *source = &task->sources[i];
        header.sources[i] = (struct cut_source){-1, -1, 0};
        if (options->sources[i].used) {
            int64_t to = task->state == TASK_LIVE ? source->position : task->committed[i];
            int64_t from = task->state == TASK_LIVE ? source->from : to;
            header.sources[i] = (struct cut_source){from, to, source->fingerprint};
        }
    }
    return header;
}

/* Which of the task's customers are on their way while others are packed. */
struct seal_asking {
    uint32_t at; /* where to look for the next one */
    struct cache_asking asking;
};

static void seal_ask(const struct worker *worker, const struct task *task,
                     struct seal_asking *ahead)
{
    const struct cache_entry *entry = NULL;
    while (ahead->at < worker->touched_count && worker->touched[ahead->at].slot != task->slot) {
        ahead->at++;
    }
    if (ahead->at < worker->touched_count) {
        entry = cache_at(&worker->cache, worker->touched[ahead->at++].entry);
    }
    cache_ask(&worker->cache, &ahead->asking, entry);
}

/* Bytes that the next cut may have: whoever reads it has room for so many. */
static size_t seal_limit(const struct worker *worker, const struct flight *flight)
{
    const struct worker_limits *limits = &worker->options.limits;
    size_t left = limits->commit_bytes - flight->cuts_used;
    return left < limits->cut_bytes ? left : limits->cut_bytes;
}

/* Entries first, at a distance that leaves room for the header, which needs their number. */
static bool seal_payload(struct worker *worker, struct task *task, struct flight *flight,
                         struct slice *out_payload)
{
    size_t limit = seal_limit(worker, flight);
    if (limit < CUT_PART_OVERHEAD + CUT_HEADER_SIZE_MAX) {
        return false;
    }
    uint8_t *entries_at = flight->cuts + flight->cuts_used + CUT_PART_HEAD + CUT_HEADER_SIZE_MAX;
    struct bytes_writer entries =
        bytes_writer(entries_at, limit - CUT_PART_OVERHEAD - CUT_HEADER_SIZE_MAX);
    size_t apply_bytes = 4096;
    uint32_t entry_count = 0;
    int64_t cursor = seal_cursor(task);
    task->due.cursor = cursor;
    struct seal_asking ahead = {0};
    for (uint32_t i = 0; i < CACHE_ASK_PARTS; i++) {
        seal_ask(worker, task, &ahead);
    }
    for (uint32_t i = 0; i < worker->touched_count; i++) {
        if (worker->touched[i].slot != task->slot) {
            continue;
        }
        seal_ask(worker, task, &ahead);
        entry_count++;
        if (!seal_entry(worker, task, cache_at(&worker->cache, worker->touched[i].entry), &entries,
                        &apply_bytes)) {
            return false;
        }
    }
    if (task->state == TASK_LIVE &&
        !seal_task_record(worker, task, &entries, &apply_bytes, &entry_count)) {
        return false;
    }
    if (apply_bytes > worker->write_buffer_size) {
        return false;
    }
    uint8_t header_bytes[CUT_HEADER_SIZE_MAX];
    struct bytes_writer writer = bytes_writer(header_bytes, sizeof(header_bytes));
    struct cut_header header = seal_header(worker, task);
    header.entry_count = entry_count;
    cut_put_header(&writer, &header);
    INVARIANT(!writer.full);
    uint8_t *payload = flight->cuts + flight->cuts_used + CUT_PART_HEAD;
    memcpy(payload, header_bytes, writer.size);
    memmove(payload + writer.size, entries_at, entries.size);
    *out_payload = slice_of(payload, writer.size + entries.size);
    flight->cuts_used += CUT_PART_OVERHEAD + out_payload->size;
    return true;
}

/* The journal records of one cut. */
static bool seal_parts(struct worker *worker, struct task *task, struct flight *flight,
                       struct flight_cut *sealed)
{
    const struct worker_options *options = &worker->options;
    size_t piece_max = options->limits.message_bytes - CUT_PART_OVERHEAD;
    size_t parts = (sealed->payload.size + piece_max - 1) / piece_max;
    if (parts > CUT_PARTS_MAX || flight->write_count + parts > options->limits.outputs_per_commit) {
        return false;
    }
    int32_t partition =
        (int32_t)journal_partition_of(worker, task->number, options->journal_partitions);
    sealed->write = flight->write_count;
    for (size_t i = 0; i < parts; i++) {
        size_t from = i * piece_max;
        size_t size =
            sealed->payload.size - from < piece_max ? sealed->payload.size - from : piece_max;
        uint8_t *frame = flight->cuts + (sealed->payload.data - flight->cuts) - CUT_PART_HEAD;
        if (parts > 1) {
            frame = arena_take(&flight->arena, size + CUT_PART_OVERHEAD);
            if (frame == NULL) { /* beside the outputs there is no room: seldom */
                frame = arena_take(&flight->parts, size + CUT_PART_OVERHEAD);
            }
            if (frame == NULL) {
                return false;
            }
            memcpy(frame + CUT_PART_HEAD, sealed->payload.data + from, size);
        }
        struct cut_part part = {task->number,    sealed->seq,
                                task->owner,     (uint32_t)i,
                                (uint32_t)parts, slice_of(frame + CUT_PART_HEAD, size)};
        cut_frame(frame, &part);
        flight->write_slots[flight->write_count] = task->slot;
        flight->writes[flight->write_count++] = (struct log_write){
            .topic = options->journal_topic,
            .partition = partition,
            .value = slice_of(frame, size + CUT_PART_OVERHEAD),
            .has_value = true,
        };
        stats_add(&worker->stats.journal_bytes, size + CUT_PART_OVERHEAD);
    }
    return true;
}

static bool seal_offsets(struct worker *worker, struct task *task, struct flight *flight)
{
    struct cut_metadata metadata = {task->seq + 1, task->low, task->low_offset, task->last_offset};
    uint32_t before = flight->offset_count;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        int64_t position =
            task->state == TASK_LIVE ? task->sources[i].position : task->committed[i];
        if (!worker->options.sources[i].used || position < 0 ||
            (i > 0 && SIM_WITHOUT(MUTANT_NO_FROM))) {
            continue;
        }
        struct log_offset *offset = &flight->offsets[flight->offset_count++];
        *offset =
            (struct log_offset){.task = task->number, .source = (uint8_t)i, .offset = position};
        cut_metadata_write(&metadata, offset->metadata, sizeof(offset->metadata));
    }
    return flight->offset_count > before;
}

static bool seal_task(struct worker *worker, struct task *task, struct flight *flight)
{
    take_fingerprints(task);
    struct flight_cut *sealed = &flight->sealed[flight->sealed_count];
    *sealed = (struct flight_cut){.slot = task->slot,
                                  .serial = task->serial,
                                  .seq = task->seq + 1,
                                  .prove = task->state == TASK_CLAIMING};
    /* Of the cut before: this one takes members out of sets from there on. */
    int64_t cursor = task->due.cursor;
    if (!seal_payload(worker, task, flight, &sealed->payload) ||
        !seal_parts(worker, task, flight, sealed)) {
        return false;
    }
    sealed->hash = cut_hash(sealed->payload);
    sealed->head = task->head;
    sealed->head.state = HEAD_READY;
    sealed->head.seq = sealed->seq;
    sealed->head.layout_hash = worker->layout_hash;
    sealed->head.playbook_hash = worker->playbook_hash;
    sealed->head.due_first = due_first_of(cursor == INT64_MIN ? task->due.cursor : cursor);
    sealed->head.due_last = task->due.last;
    sealed->head.customer_count = task->customer_count;
    sealed->low = task->state == TASK_LIVE ? task->follow.done_seq : task->low;
    sealed->low_offset = task->state == TASK_LIVE ? task->follow.done_offset : task->low_offset;
    flight->sealed_count++;
    batch_grow(worker, task);
    task->seq++;
    task->hash = sealed->hash;
    flight_begin_task(task);
    task->last_cut_us = worker->now_us;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        task->sources[i].from = task->sources[i].position;
    }
    if (sealed->prove) {
        task->step = CLAIM_PROVING;
    }
    return true;
}

void seal_flight(struct worker *worker, struct flight *flight)
{
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        struct task *task = &worker->tasks[i];
        bool prove = task->state == TASK_CLAIMING && task->step == CLAIM_PROVE;
        bool live = task->state == TASK_LIVE && task->held_building;
        if (!prove && !live) {
            continue;
        }
        size_t cuts_before = flight->cuts_used;
        uint32_t offsets_before = flight->offset_count;
        if (!seal_offsets(worker, task, flight)) {
            INVARIANT(prove || SIM_WITHOUT(MUTANT_NO_FROM)); /* start_position */
            task->step =
                CLAIM_LOOK; /* nothing was ever committed: there is nothing to prove with */
            continue;
        }
        if (!seal_task(worker, task, flight)) {
            flight->offset_count = offsets_before;
            flight->cuts_used = cuts_before;
            bool alone = task->customers_built <= 1 &&
                         seal_limit(worker, flight) == worker->options.limits.cut_bytes;
            batch_shrink(worker, task, task->chunk_limit == 1 && alone);
        }
    }
    for (uint32_t i = 0; i < worker->touched_count; i++) {
        cache_at(&worker->cache, worker->touched[i].entry)->building = false;
    }
    worker->touched_count = 0;
}
