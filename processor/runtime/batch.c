/* SPDX-License-Identifier: Apache-2.0 */
/* From records to changed customers: decode, find the customer, run the engine, encode what it
 * says.
 *
 * Nothing here is visible outside before the flight commits; a batch that must not be is forgotten
 * together with its task, and Kafka gives the records again. */
#include "base/hash.h"
#include "base/invariant.h"
#include "runtime/dead_letter.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum batch_next { BATCH_NEXT, BATCH_STOP, BATCH_LOAD };

bool task_has_room(const struct worker *worker, const struct task *task)
{
    const struct worker_limits *limits = &worker->options.limits;
    size_t entry_bytes = worker->entries_size / ENTRIES_AVERAGED;
    return task->customers_built < limits->customers_per_cut &&
           entry_bytes * (task->customers_built + 1) < limits->cut_bytes * 3 / 4;
}

bool batch_room(const struct worker *worker, const struct task *task,
                const struct cache_entry *entry)
{
    if (worker->building == NO_INDEX) {
        return false;
    }
    const struct flight *flight = &worker->flights[worker->building];
    if (entry != NULL && entry->building) {
        return flight_has_step(worker, flight);
    }
    return flight_has_room(worker, flight) && task_has_room(worker, task);
}

void batch_touch(struct worker *worker, struct task *task, struct cache_entry *entry)
{
    struct flight *flight = &worker->flights[worker->building];
    if (flight->began_us == 0) {
        flight->began_us = worker->now_us;
    }
    task->held_building = true;
    if (!entry->building) {
        entry->building = true;
        worker->touched[worker->touched_count++] =
            (struct touched){cache_index(&worker->cache, entry), task->slot};
        task->customers_built++;
    }
}

/* The next cut has half the records of before and half the customers, those too that only a deadline brings. */
void batch_shrink(struct worker *worker, struct task *task, bool least)
{
    if (least) {
        task_halt(
            worker, task, HALT_BATCH_TOO_LARGE,
            "one record's outputs or one customer's state do not fit into a transaction: raise "
            "limits.commit and start again");
        return;
    }
    /* The most: then there is room for one. */
    size_t most = ENTRIES_AVERAGED * (worker->options.limits.cut_bytes / 2);
    worker->entries_size = worker->entries_size < most / 2 ? 2 * worker->entries_size : most;
    uint32_t less = task->chunk_limit / 2;
    task_reclaim(worker, task,
                 "a batch did not fit into a transaction; trying again with fewer records");
    task->chunk_limit = less == 0 ? 1 : less;
}

void batch_grow(const struct worker *worker, struct task *task)
{
    uint32_t limit = worker->options.limits.chunk_records;
    uint32_t more = task->chunk_limit + 1 + task->chunk_limit / 8;
    task->chunk_limit = more < limit ? more : limit;
}

bool batch_flush(struct worker *worker, struct task *task)
{
    struct flight *flight = &worker->flights[worker->building];
    for (uint32_t i = 0; i < worker->effects.count; i++) {
        const struct output *output = &worker->effects.outputs[i];
        struct log_write *write = &flight->writes[flight->write_count];
        *write = (struct log_write){.partition = -1};
        if (worker->options.codec.encode(worker->options.codec.context, output, worker->wall_ms,
                                         &flight->arena, write) != STATUS_OK) {
            worker->effects.count = 0;
            batch_shrink(worker, task, task->chunk_limit == 1); /* there was room for a step */
            return false;
        }
        write->timestamp_ms = worker->record_ms;
        flight->write_slots[flight->write_count++] = task->slot;
        task->outputs_built++;
        stats_add(&worker->stats.outputs[output->kind], 1);
    }
    INVARIANT(!worker->effects.full);
    worker->effects.count = 0;
    arena_reset(&worker->effects.arena);
    return true;
}

static void batch_reject(struct worker *worker, struct task *task, const struct log_record *record,
                         const struct reject *reject)
{
    struct output *output = effects_add(&worker->effects, OUTPUT_DEAD_LETTER);
    INVARIANT(output != NULL);
    dead_letter_fill(output, worker->options.sources[record->source].topic, record, reject, 0);
    struct flight *flight = &worker->flights[worker->building];
    if (flight->began_us == 0) {
        flight->began_us = worker->now_us;
    }
    task->held_building = true;
    stats_add(&worker->stats.rejects[reject->reason], 1);
    stats_add(&worker->stats.totals[task->number].rejects, 1);
}

/* Checks that need no schema: does the record belong here? out_field: set where it helps. */
static enum reject_reason batch_check(const struct worker *worker, const struct task *task,
                                      const struct log_record *record, const struct event *event,
                                      const char **out_field)
{
    if (event->customer_id.size == 0) {
        return REJECT_MISSING_FIELD;
    }
    if (event->customer_id.size > CUSTOMER_ID_SIZE_MAX) {
        return REJECT_TOO_LARGE;
    }
    if (record->has_key && !slice_equal(record->key, event->customer_id)) {
        return REJECT_KEY_MISMATCH;
    }
    if (hash_partition(event->customer_id, worker->options.task_count) != task->number) {
        return REJECT_WRONG_PARTITION;
    }
    if (worker->options.clock_mode == ENGINE_CLOCK_LIVE &&
        event_is_beyond(event, worker->wall_ms + worker->options.future_ms_max, out_field)) {
        return REJECT_FUTURE;
    }
    return REJECT_NONE;
}

static void batch_took(struct worker *worker, struct task *task, const struct log_record *record)
{
    struct flight *flight = &worker->flights[worker->building];
    flight->input_count++;
    flight->input_bytes += record->key.size + record->value.size;
    struct task_source *source = &task->sources[record->source];
    task->accepting &= ~(1U << record->source);
    task->anew &= ~(1U << record->source);
    source->position = record->offset + 1;
    source->newest = record->has_value ? record->value : record->key;
    source->newest_waits = true;
    task->events_built++;
}

/* One event through the engine, with the deadlines that come before it. */
static enum batch_next batch_event(struct worker *worker, struct task *task,
                                   struct cache_entry *entry)
{
    struct customer *customer = cache_customer(entry);
    batch_touch(worker, task, entry);
    learn_step(worker, task);
    enum engine_result result;
    do {
        if (!batch_room(worker, task, entry)) {
            return BATCH_STOP;
        }
        result = engine_event(worker->options.engine, task->state_block, customer, &worker->event,
                              task->now_ms, &worker->effects);
        if (!batch_flush(worker, task)) {
            return BATCH_STOP;
        }
        while (result == ENGINE_MORE) {
            if (!batch_room(worker, task, entry)) {
                return BATCH_STOP;
            }
            enum engine_result more = engine_advance(worker->options.engine, task->state_block,
                                                     customer, task->now_ms, &worker->effects);
            if (!batch_flush(worker, task)) {
                return BATCH_STOP;
            }
            if (more == ENGINE_DONE) {
                break;
            }
        }
    } while (result == ENGINE_MORE);
    return BATCH_NEXT;
}

/* The record that the last cut read must still be the same: else somebody replaced the topic. */
static bool batch_verify(struct worker *worker, struct task *task, const struct log_record *record)
{
    struct task_source *source = &task->sources[record->source];
    if (source->verify == 0 || record->offset != source->verify_offset) {
        return true;
    }
    uint64_t found = cut_fingerprint(record->has_value ? record->value : record->key);
    if (found != source->verify) {
        task_halt(worker, task, HALT_INPUT_REPLACED,
                  "offset %lld of %s is another record than the one processed before: the topic "
                  "was replaced "
                  "or lost data; see `segue doctor`, then move on with `segue rebuild --task %u`",
                  (long long)record->offset, worker->options.sources[record->source].topic,
                  task->number);
        return false;
    }
    source->verify = 0;
    return true;
}

static enum batch_next batch_record(struct worker *worker, struct task *task,
                                    const struct log_record *record)
{
    struct task_source *source = &task->sources[record->source];
    if (!batch_verify(worker, task, record)) {
        return BATCH_STOP;
    }
    if (source->position >= 0 && record->offset < source->position) {
        return BATCH_NEXT; /* read again after a claim */
    }
    if (!batch_room(worker, task, NULL)) {
        return BATCH_STOP;
    }
    struct event *event = &worker->event;
    struct reject reject = {0};
    worker->record_ms = record->append_ms > 0 ? record->append_ms : 0;
    enum worker_decode decoded = take_decode(worker, record, &reject);
    if (decoded == WORKER_WAIT) {
        task->retry_us = worker->now_us + RETRY_US;
        return BATCH_STOP;
    }
    if (decoded == WORKER_DECODED) {
        reject.reason = batch_check(worker, task, record, event, &reject.field);
    }
    if (reject.reason != REJECT_NONE) {
        batch_reject(worker, task, record, &reject);
        if (!batch_flush(worker, task)) {
            return BATCH_STOP;
        }
        batch_took(worker, task, record);
        return BATCH_NEXT;
    }
    struct cache_entry *entry = cache_find(&worker->cache, task->slot, event->customer_id);
    if (entry == NULL) {
        return BATCH_LOAD;
    }
    task_clock_event(worker, task, event);
    enum batch_next next = batch_event(worker, task, entry);
    if (next == BATCH_NEXT) {
        batch_took(worker, task, record);
        stats_add(&worker->stats.events, 1);
        stats_add(&worker->stats.totals[task->number].events, 1);
    }
    return next;
}

/* Is this record's customer not in memory, as far as its key tells? */
static bool batch_needs(struct worker *worker, const struct task *task,
                        const struct log_record *record)
{
    return record->has_key && record->key.size > 0 && record->key.size <= CUSTOMER_ID_SIZE_MAX &&
           cache_find(&worker->cache, task->slot, record->key) == NULL &&
           hash_partition(record->key, worker->options.task_count) == task->number;
}

/* The customers of the records in hand that are not in memory, in one MGET with the head. */
static void batch_load(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    if (!read_begin(worker, task, READ_CUSTOMERS, &pipeline)) {
        return;
    }
    char head[KEY_PREFIX_SIZE_MAX + 8];
    char customer[KEY_PREFIX_SIZE_MAX + 8];
    size_t size = task->prefix_size;
    memcpy(head, task->prefix, size);
    memcpy(head + size, "head", 4);
    memcpy(customer, task->prefix, size);
    memcpy(customer + size, "c:", 2);
    struct slice keys[READ_KEYS_MAX];
    /* The record in hand is known to need its customer, by its decoded id; others by their key. */
    keys[0] = worker->event.customer_id;
    uint32_t count = 1;
    for (uint32_t l = 0; l < task->lane_count; l++) {
        const struct lane *lane = &task->lanes[l];
        uint32_t first = lane->at + (lane == task->lane ? 1 : 0);
        for (uint32_t i = first; i < lane->count && count < task->read_keys_max; i++) {
            const struct log_record *record = &lane->records[i];
            if (batch_needs(worker, task, record)) {
                keys[count++] = record->key;
            } else {
                stats_add(&worker->stats.cache_hits, 1);
            }
        }
    }
    store_command(&pipeline, 2 + count);
    store_argument_text(&pipeline, "MGET");
    store_argument(&pipeline, slice_of(head, size + 4));
    for (uint32_t i = 0; i < count; i++) {
        store_argument_pair(&pipeline, slice_of(customer, size + 2), keys[i]);
    }
    INVARIANT(!pipeline.full);
    read_note_keys(worker, task, keys, count);
    stats_add(&worker->stats.cache_misses, count);
    read_submit(worker, task, &pipeline);
}

/* Put customers who came from Redis into the cache. False: the task was given up. */
static bool batch_take_customer(struct worker *worker, struct task *task, struct slice id,
                                const struct store_reply *value)
{
    if (cache_find(&worker->cache, task->slot, id) != NULL) {
        return true; /* asked for twice, or changed since */
    }
    struct cache_entry *entry = cache_insert(&worker->cache, task->slot, id);
    if (entry == NULL) {
        return true; /* all pinned: it is asked for again after the next commit */
    }
    struct customer *customer = cache_customer(entry);
    if (value->kind == STORE_NIL) {
        engine_customer_init(worker->options.engine, customer, id);
        return true;
    }
    struct slice packed;
    struct status_text text;
    entry->stored = true;
    if (value->kind == STORE_BULK && record_open(value->text, &entry->bucket, &packed) &&
        engine_customer_unpack(worker->options.engine, customer, id, packed, &text) == STATUS_OK) {
        return true;
    }
    cache_remove(&worker->cache, entry);
    task_halt(worker, task, HALT_CUSTOMER_RECORD,
              "a customer's record in Redis cannot be read (task %u): `segue rebuild --task %u` "
              "writes Redis "
              "anew from Kafka",
              task->number, task->number);
    return false;
}

void batch_loaded(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    const struct store_reply *reply = &answer->replies[0];
    if (answer->reply_count != 1 || reply->kind != STORE_ARRAY ||
        reply->count != task->read_count + 1) {
        task->retry_us = worker->now_us + RETRY_US; /* an error: LOADING, CLUSTERDOWN, .. */
        return;
    }
    if (read_judge(worker, task, &reply->children[0]) != READ_TRUST) {
        return;
    }
    for (uint32_t i = 0; i < task->read_count; i++) {
        if (!batch_take_customer(worker, task, read_key(worker, task, i),
                                 &reply->children[1 + i])) {
            return;
        }
    }
}

void batch_step(struct worker *worker, struct task *task)
{
    if (task->reading_store != READ_NONE || worker->building == NO_INDEX || worker->stopping ||
        worker->now_us < task->retry_us || !task_may_cut(worker, task)) {
        return;
    }
    take_begin(worker, task);
    for (uint32_t left = task->chunk_limit; left > 0 && worker->turn_budget > 0; left--) {
        const struct log_record *record = take_next(worker, task);
        if (record == NULL) {
            return;
        }
        worker->idle = false;
        task->sources[record->source].heard_us = worker->now_us;
        silence_heard(worker, task, record);
        uint64_t serial = task->serial;
        enum batch_next next = batch_record(worker, task, record);
        if (task->serial != serial || task->state != TASK_LIVE) {
            return;
        }
        if (next == BATCH_LOAD) {
            batch_load(worker, task);
            return;
        }
        if (next == BATCH_STOP) {
            return;
        }
        take_done(worker, task);
        worker->turn_budget--;
    }
}
