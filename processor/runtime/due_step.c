/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of a live task: read the due buckets whose minute has begun, fire what is due.
 *
 * A bucket in Redis lacks what the un-acked cuts change; those customers are pinned in memory, so
 * the cache is asked too. A customer is looked at by its own deadline, so an item that is out of
 * date does nothing. */
#include "base/invariant.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { DUE_FIRE_PER_TURN = 256, DUE_KEYS_PER_READ = 256 };

bool due_ask_begin(struct worker *worker, struct task *task, enum read_operation operation,
                   struct store_pipeline *out_pipeline)
{
    char text[KEY_PREFIX_SIZE_MAX + 8];
    if (!read_begin(worker, task, operation, out_pipeline)) {
        return false;
    }
    store_command(out_pipeline, 1);
    store_argument_text(out_pipeline, "MULTI");
    store_command(out_pipeline, 2);
    store_argument_text(out_pipeline, "GET");
    store_argument(out_pipeline, task_key(text, task, "head"));
    return true;
}

void due_ask_end(struct worker *worker, struct task *task, int64_t first, uint32_t count,
                 struct store_pipeline *pipeline)
{
    store_command(pipeline, 1);
    store_argument_text(pipeline, "EXEC");
    task->read_bucket = first;
    task->read_count = count;
    read_submit(worker, task, pipeline);
}

/* The heap is at most half full when sets are read. */
static uint32_t members_max(const struct task *task)
{
    return task->due.limit / 2;
}

/* Some of each set: whoever is looked at leaves it, so that the next read meets others. A midnight, at which
 * every customer's windows move on, may have them all in one set: read whole, it would be more than an answer
 * may be, and all of it again for each time that the heap was emptied. */
static void due_read(struct worker *worker, struct task *task, int64_t first, int64_t last)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    uint32_t count = due_ask_sets(first, last, task->due_sets_max);
    if (!due_ask_begin(worker, task, READ_DUE, &pipeline)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        store_command(&pipeline, 3);
        store_argument_text(&pipeline, "SRANDMEMBER");
        store_argument_number(&pipeline, task_key(text, task, "due:"), first + i);
        store_argument_number(&pipeline, (struct slice){NULL, 0},
                              due_ask_share(members_max(task), count, i));
    }
    due_ask_end(worker, task, first, count, &pipeline);
}

static void due_missed(struct task *task, int64_t bucket)
{
    task->due.missed = bucket < task->due.missed ? bucket : task->due.missed;
}

/* `asked`: for so many. False: some are to be read again. */
static bool due_add(struct task *task, int64_t bucket, const struct store_reply *members,
                    uint32_t asked)
{
    bool all = members->count < asked; /* else there may be more */
    for (uint32_t i = 0; i < members->count; i++) {
        struct slice id = members->children[i].text;
        if (id.size <= CUSTOMER_ID_SIZE_MAX && !due_push(&task->due, bucket * DUE_BUCKET_MS, id)) {
            all = false;
        }
    }
    if (!all) {
        due_missed(task, bucket);
    }
    return all;
}

bool due_answered(struct worker *worker, struct task *task, const struct store_reply *exec)
{
    bool whole = exec->kind == STORE_ARRAY && exec->count == task->read_count + 1;
    for (uint32_t i = 1; whole && i < exec->count; i++) {
        whole = exec->children[i].kind == STORE_ARRAY || reply_is_foreign(&exec->children[i]);
    }
    if (!whole) {
        task->retry_us = worker->now_us + RETRY_US;
    }
    return whole && read_judge(worker, task, &exec->children[0]) == READ_TRUST &&
           !read_found_foreign(worker, task, exec->children + 1, task->read_count);
}

void due_loaded(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    const struct store_reply *exec = &answer->replies[answer->reply_count - 1];
    if (!due_answered(worker, task, exec)) {
        return;
    }
    int64_t last = task->read_bucket + (int64_t)task->read_count - 1;
    if (task->due.missed >= task->read_bucket && task->due.missed <= last) {
        task->due.missed = last < task->due.loaded ? last + 1 : INT64_MAX;
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < task->read_count; i++) {
        used += due_add(task, task->read_bucket + (int64_t)i, &exec->children[1 + i],
                        due_ask_share(members_max(task), task->read_count, i));
    }
    read_sets_used(task, used);
    if (last > task->due.loaded) {
        task->due.loaded = last;
    }
    for (uint32_t i = 0; i < worker->cache.count && !SIM_WITHOUT(MUTANT_NO_OVERLAY); i++) {
        struct cache_entry *entry = cache_at(&worker->cache, i);
        if (!entry->used || entry->slot != task->slot) {
            continue;
        }
        struct customer *customer = cache_customer(entry);
        if (due_bucket_of(customer->deadline_ms) <= last &&
            customer->deadline_ms < entry->heap_ms) {
            if (due_push(&task->due, customer->deadline_ms, customer_id(customer))) {
                entry->heap_ms = customer->deadline_ms;
            } else if (entry->bucket != CUT_NO_BUCKET) {
                due_missed(task, entry->bucket); /* one being changed: again when it is sealed */
            }
        }
    }
}

/* The customers at the top of the heap who are not in memory. */
static void due_load_customers(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    struct slice keys[DUE_KEYS_PER_READ];
    uint32_t count = 0;
    uint32_t most =
        task->read_keys_max < DUE_KEYS_PER_READ ? task->read_keys_max : DUE_KEYS_PER_READ;
    for (uint32_t i = 0; i < task->due.count && count < most; i++) {
        const struct due_item *item = &task->due.items[i];
        struct slice id = slice_of(item->id, item->id_size);
        if (item->at_ms <= task->now_ms && cache_find(&worker->cache, task->slot, id) == NULL) {
            keys[count++] = id;
        }
    }
    if (!read_begin(worker, task, READ_CUSTOMERS, &pipeline)) {
        return;
    }
    char key[KEY_PREFIX_SIZE_MAX + 8];
    size_t size = task->prefix_size;
    memcpy(key, task->prefix, size);
    store_command(&pipeline, 2 + count);
    store_argument_text(&pipeline, "MGET");
    memcpy(key + size, "head", 4);
    store_argument(&pipeline, slice_of(key, size + 4));
    memcpy(key + size, "c:", 2);
    for (uint32_t i = 0; i < count; i++) {
        store_argument_pair(&pipeline, slice_of(key, size + 2), keys[i]);
    }
    read_note_keys(worker, task, keys, count);
    read_submit(worker, task, &pipeline);
}

/* Look at the customer on top of the heap. False: no room now. */
static bool due_fire(struct worker *worker, struct task *task, struct cache_entry *entry)
{
    struct customer *customer = cache_customer(entry);
    uint64_t serial = task->serial;
    bool known = entry->stored || entry->building;
    if (customer->deadline_ms <= task->now_ms && known) {
        if (!batch_room(worker, task, entry)) {
            return false;
        }
        batch_touch(worker, task, entry);
        learn_step(worker, task);
        worker->record_ms = 0;
        enum engine_result result = engine_advance(worker->options.engine, task->state_block,
                                                   customer, task->now_ms, &worker->effects);
        if (!batch_flush(worker, task) || task->serial != serial) {
            return false;
        }
        stats_add(&worker->stats.deadlines, 1);
        if (result == ENGINE_MORE) {
            return true; /* stays on top */
        }
    }
    due_pop(&task->due);
    entry->heap_ms = INT64_MAX;
    if (!known) {
        return true;
    }
    if (due_bucket_of(customer->deadline_ms) <= task->due.loaded) {
        if (due_push(&task->due, customer->deadline_ms, customer_id(customer))) {
            entry->heap_ms = customer->deadline_ms;
        }
    } else if (entry->bucket <= task->due.loaded && !entry->building &&
               entry->bucket != CUT_NO_BUCKET) {
        /* It waits in a bucket that has passed (a deadline beyond the horizon): move it on. */
        if (!batch_room(worker, task, entry)) {
            due_missed(task, entry->bucket);
            return false;
        }
        batch_touch(worker, task, entry);
    }
    return true;
}

void due_tell(struct worker *worker, const struct task *task)
{
    bool known = task->now_ms != INT64_MIN && task->due.loaded != INT64_MIN;
    int64_t earliest_ms = known ? due_earliest(&task->due, task->now_ms) : INT64_MAX;
    int64_t lag_ms = 0;
    if (earliest_ms == INT64_MIN) {
        lag_ms = 1; /* somebody to be looked at at once: since when, the deadline does not say */
    } else if (earliest_ms != INT64_MAX) {
        lag_ms = task->now_ms - earliest_ms + 1;
    }
    atomic_store_explicit(&worker->stats.tasks[task->slot].due_lag_ms, lag_ms,
                          memory_order_relaxed);
}

void due_step(struct worker *worker, struct task *task)
{
    struct due *due = &task->due;
    if (task->now_ms == INT64_MIN || due->loaded == INT64_MIN || task->reading_store != READ_NONE ||
        worker->now_us < task->retry_us || worker->building == NO_INDEX || worker->stopping) {
        return;
    }
    int64_t present = due_bucket_of(task->now_ms);
    if (due->loaded < present && due->loaded >= due->last) {
        due->loaded =
            present; /* no cut ever put anybody there; the next ones are told by `loaded` */
    }
    if (due->loaded < present && due->count < due->limit / 2) {
        due_read(worker, task, due->loaded + 1, present < due->last ? present : due->last);
        return;
    }
    /* What did not fit: a bucket whose minute is over once there is room (all of it is due), the
     * present one only when nobody here is due any more, for its later deadlines may fill the heap
     * again. */
    bool any = due->count > 0 && due->items[0].at_ms <= task->now_ms;
    int64_t last = any ? present - 1 : present;
    if (due->missed <= last && due->count < due->limit / 2) {
        due_read(worker, task, due->missed, last);
        return;
    }
    if (!task_may_cut_alone(worker, task)) {
        return;
    }
    for (uint32_t i = 0;
         i < DUE_FIRE_PER_TURN && due->count > 0 && due->items[0].at_ms <= task->now_ms; i++) {
        struct slice id = slice_of(due->items[0].id, due->items[0].id_size);
        struct cache_entry *entry = cache_find(&worker->cache, task->slot, id);
        worker->idle = false;
        if (entry == NULL) {
            due_load_customers(worker, task);
            return;
        }
        if (!due_fire(worker, task, entry)) {
            return;
        }
    }
}
