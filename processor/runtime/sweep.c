/* SPDX-License-Identifier: Apache-2.0 */
/* Another playbook went live: bring every customer of the task by (engine/sweep.h).
 *
 * Every customer stands in exactly one due set, so the sets in use are scanned one after another and
 * whoever stands in them is put on the heap as due now; due_step.c loads and fires them beside the
 * real deadlines. A customer that changes sets meanwhile was looked at. Customers in memory were read
 * by this engine and come due by themselves. Nothing of the progress is kept: after a restart the
 * sweep begins again, and whoever was looked at has nothing to say. */
#include "engine/sweep.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { SWEEP_PARTS_PER_SECOND = 10, US_PER_SECOND = 1000000 };

#define SWEEP_NOT_BEGUN INT64_MIN
#define SWEEP_END       (DUE_FAR_FIRST + DUE_FAR_BUCKETS)

static void sweep_go_to(struct task *task, int64_t bucket, uint64_t cursor)
{
    task->sweep_bucket = bucket;
    task->sweep_cursor = cursor;
    task->sweep_part = 0;
    task->sweep_parts = 0;
    task->sweep_missed = false;
}

void sweep_reset(struct worker *worker, struct task *task)
{
    if (task->sweeping) {
        stats_take(&worker->stats.sweeping, 1);
    }
    task->sweeping = false;
    sweep_go_to(task, SWEEP_NOT_BEGUN, 0);
}

/* The engine said something that belongs to no customer. */
static bool sweep_say(struct worker *worker, struct task *task)
{
    struct flight *flight = &worker->flights[worker->building];
    if (flight->began_us == 0) {
        flight->began_us = worker->now_us;
    }
    task->held_building = true;
    return batch_flush(worker, task);
}

static void sweep_begin(struct worker *worker, struct task *task)
{
    log_info("sweep_begins", "looking at every customer under another playbook",
             "task=%u playbook=%016llx", task->number, (unsigned long long)worker->playbook_hash);
    engine_sweep_begin(worker->options.engine, task->state_block, task->now_ms, &worker->effects);
    task->sweeping = true;
    stats_add(&worker->stats.sweeping, 1);
    sweep_go_to(task, task->due.cursor == INT64_MIN ? DUE_FAR_FIRST : task->due.cursor, 0);
    (void)sweep_say(worker, task);
}

static void sweep_complete(struct worker *worker, struct task *task)
{
    engine_sweep_complete(worker->options.engine, task->state_block, task->now_ms,
                          &worker->effects);
    if (sweep_say(worker, task)) {
        log_info("sweep_complete", "every customer was looked at", "task=%u playbook=%016llx",
                 task->number, (unsigned long long)worker->playbook_hash);
        sweep_reset(worker, task);
    }
}

/* Customers at a time: a part of the heap, and at a bounded pace what a tenth of a second may have. */
static uint32_t sweep_most(const struct worker *worker, const struct task *task)
{
    uint32_t heap = task->due.limit / 4;
    uint32_t pace = worker->options.sweep_rate / SWEEP_PARTS_PER_SECOND;
    if (worker->options.sweep_rate == 0 || heap < pace) {
        return heap;
    }
    return pace > 0 ? pace : 1;
}

/* A step of a scan may bring more customers than that: then it is done in parts, by a hash of the id. */
static uint32_t sweep_parts(const struct worker *worker, const struct task *task, uint32_t members)
{
    return members / sweep_most(worker, task) + 1;
}

/* Returns how many were put on the heap; `out_part`: of so many of this part. */
static uint32_t sweep_push(struct worker *worker, struct task *task,
                           const struct store_reply *members, uint32_t *out_part)
{
    uint32_t count = 0;
    *out_part = 0;
    for (uint32_t i = 0; i < members->count; i++) {
        struct slice id = members->children[i].text;
        if (id.size <= CUSTOMER_ID_SIZE_MAX &&
            hash64(id, 0) % task->sweep_parts == task->sweep_part) {
            bool pushed = due_push(&task->due, task->now_ms, id);
            task->sweep_missed |= !pushed && !SIM_WITHOUT(MUTANT_SWEEP_MISSED);
            count += pushed;
            *out_part += 1;
        }
    }
    stats_add(&worker->stats.swept, count);
    return count;
}

/* Nobody is taken before these had their share of the second; the worker's tasks share its pace. */
static void sweep_pace(struct worker *worker, uint32_t pushed)
{
    if (worker->options.sweep_rate > 0) {
        int64_t from_us = worker->sweep_us > worker->now_us ? worker->sweep_us : worker->now_us;
        worker->sweep_us = from_us + (int64_t)pushed * US_PER_SECOND / worker->options.sweep_rate;
    }
}

/* The set has grown since it was divided: its parts do not fit. */
static void sweep_divide_finer(struct task *task)
{
    task->sweep_missed = false;
    task->sweep_parts *= 2;
    task->sweep_part = 0;
}

/* Not all of the part found room. It is read once more; whoever was looked at meanwhile has nothing to say. Later
 * deadlines give way and are read again afterwards; when nobody else is there, the parts were too large. */
static void sweep_make_room(struct worker *worker, struct task *task)
{
    if (task->due.count == 0) {
        sweep_divide_finer(task);
        return;
    }
    task->sweep_missed = false;
    due_forget(&task->due);
    for (uint32_t i = 0; i < worker->cache.count; i++) {
        struct cache_entry *entry = cache_at(&worker->cache, i);
        if (entry->used && entry->slot == task->slot) {
            entry->heap_ms = INT64_MAX;
        }
    }
}

/* One answer of SSCAN. */
struct scan {
    uint64_t cursor; /* for the next step; 0: the set is through */
    const struct store_reply *members;
};

static bool scan_of(const struct store_reply *reply, struct scan *out_scan)
{
    struct slice digits = reply->count == 2 ? reply->children[0].text : (struct slice){NULL, 0};
    uint64_t cursor = 0;
    for (size_t i = 0; i < digits.size && i < 20; i++) { /* an unsigned number of 64 bits */
        cursor = cursor * 10 + (uint64_t)(digits.data[i] - '0');
    }
    if (digits.size == 0 || reply->children[1].kind != STORE_ARRAY) {
        return false;
    }
    *out_scan = (struct scan){cursor, &reply->children[1]};
    return true;
}

/* How a step is divided is chosen once: members come and go, and another number would divide them anew. When the
 * step ends elsewhere than before, since the set's table was resized meanwhile, its parts would not be of the same
 * members, and it begins again. */
static void sweep_divide(struct task *task, const struct scan *scan, uint32_t parts)
{
    if (task->sweep_parts == 0 || task->sweep_next != scan->cursor) {
        task->sweep_next = scan->cursor;
        task->sweep_part = 0;
        task->sweep_parts = parts;
    } else if (SIM_WITHOUT(MUTANT_SWEEP_PARTS)) {
        task->sweep_parts = parts;
    }
}

/* The cursor, or the members of which some parts were swept, are of a server, or a connection to it, that is no
 * more. */
static bool sweep_is_lost(const struct task *task, const struct store_answer *answer)
{
    bool begun = task->sweep_cursor != 0 || task->sweep_part != 0;
    return begun && answer->connection_epoch != task->sweep_epoch &&
           !SIM_WITHOUT(MUTANT_SWEEP_CURSOR);
}

/* Puts the members on the heap, set after set as far as there is room. Returns how many sets it is through with. */
static uint32_t sweep_take(struct worker *worker, struct task *task, const struct store_reply *sets)
{
    uint32_t taken = 0;
    for (uint32_t i = 0; i < task->read_count; i++) {
        struct scan scan;
        if (!scan_of(&sets[i], &scan)) {
            task->retry_us = worker->now_us + RETRY_US;
            return i;
        }
        uint32_t parts = sweep_parts(worker, task, scan.members->count);
        if (i > 0 && (scan.cursor != 0 || parts > 1 ||
                      taken + scan.members->count > sweep_most(worker, task) ||
                      task->due.limit - task->due.count < scan.members->count)) {
            return i; /* first in the next read */
        }
        sweep_divide(task, &scan, parts);
        uint32_t of_part;
        uint32_t pushed = sweep_push(worker, task, scan.members, &of_part);
        taken += pushed;
        sweep_pace(worker, pushed);
        /* Who is looked at comes back with a deadline, so the heap is never empty again: do not wait for that. */
        if (task->sweep_missed && of_part > task->due.limit / 2) {
            sweep_divide_finer(task);
            return i;
        }
        if (task->sweep_missed || ++task->sweep_part < task->sweep_parts) {
            return i;
        }
        sweep_go_to(task, task->sweep_bucket + (scan.cursor == 0), scan.cursor);
        if (scan.cursor != 0) {
            return i;
        }
    }
    return task->read_count;
}

void sweep_loaded(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    const struct store_reply *exec = &answer->replies[answer->reply_count - 1];
    task->sweep_yields = true;
    if (!due_answered(worker, task, exec)) {
        return;
    }
    if (sweep_is_lost(task, answer)) {
        sweep_go_to(task, task->sweep_bucket, 0);
        return;
    }
    task->sweep_epoch = answer->connection_epoch;
    bool further = task->sweep_cursor != 0; /* of a set that is asked for alone */
    uint32_t used = sweep_take(worker, task, &exec->children[1]);
    if (!further) {
        read_sets_used(task, used);
    }
}

/* The next step of the set whose scan is under way, or the first ones of the next sets, as far as one question may
 * go. A step brings about as many as are asked for; of a small set always all. */
static void sweep_read(struct worker *worker, struct task *task, int64_t last)
{
    struct store_pipeline pipeline;
    char key[KEY_PREFIX_SIZE_MAX + 8];
    char cursor[24];
    uint32_t most = sweep_most(worker, task);
    uint32_t count =
        task->sweep_cursor != 0 ? 1 : due_ask_sets(task->sweep_bucket, last, task->sweep_sets_max);
    int size = snprintf(cursor, sizeof(cursor), "%" PRIu64, task->sweep_cursor);
    if (!due_ask_begin(worker, task, READ_SWEEP, &pipeline)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        store_command(&pipeline, 5);
        store_argument_text(&pipeline, "SSCAN");
        store_argument_number(&pipeline, task_key(key, task, "due:"), task->sweep_bucket + i);
        store_argument(&pipeline, slice_of(cursor, (size_t)size));
        store_argument_text(&pipeline, "COUNT");
        store_argument_number(&pipeline, (struct slice){NULL, 0},
                              due_ask_share(most - most / 4, count, i));
    }
    due_ask_end(worker, task, task->sweep_bucket, count, &pipeline);
}

bool sweep_waits(const struct worker *worker, const struct task *task)
{
    return task->sweep_bucket == SWEEP_NOT_BEGUN && task->now_ms != INT64_MIN &&
           engine_sweep_due(worker->options.engine, task->state_block) &&
           !SIM_WITHOUT(MUTANT_SWEEP_LATE);
}

void sweep_step(struct worker *worker, struct task *task)
{
    if (!engine_sweep_due(worker->options.engine, task->state_block) || task->now_ms == INT64_MIN ||
        task->reading_store != READ_NONE || worker->now_us < task->retry_us ||
        worker->building == NO_INDEX || worker->stopping || !task_may_cut_alone(worker, task) ||
        !batch_room(worker, task, NULL)) {
        return;
    }
    const struct due *due = &task->due;
    if (worker->now_us < worker->sweep_us) {
        return; /* at its pace */
    }
    worker->idle = false;
    if (task->sweep_bucket == SWEEP_NOT_BEGUN) {
        sweep_begin(worker, task);
        return;
    }
    if (due->count > 0 && due->items[0].at_ms <= task->now_ms) {
        return; /* those who are due are looked at first */
    }
    if (task->sweep_yields) { /* events read their customers in turn with the sweep */
        task->sweep_yields = false;
        return;
    }
    if (task->sweep_missed) {
        sweep_make_room(worker, task);
    }
    if (task->sweep_bucket < DUE_FAR_FIRST && task->sweep_bucket > due->last) {
        sweep_go_to(task, DUE_FAR_FIRST, 0);
    }
    if (task->sweep_bucket >= SWEEP_END) {
        sweep_complete(worker, task);
        return;
    }
    int64_t last = task->sweep_bucket >= DUE_FAR_FIRST ? SWEEP_END - 1 : due->last;
    sweep_read(worker, task, last);
}
