/* SPDX-License-Identifier: Apache-2.0 */
/* Emptying a task's Redis before it is written anew (DESIGN 5.6).
 *
 * There is no SCAN: every customer stands in exactly one due set, and the head says which sets are
 * in use. The head says REBUILDING from before the first key goes until the last cut is in, so
 * nobody believes the keys between, and a rebuild that is interrupted begins again. Each batch is
 * fenced like an apply. */
#include "base/invariant.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { REBUILD_BUCKETS_PER_READ = 64 };

/* Of each set no more than one batch may delete. */
static void rebuild_list(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    uint32_t count = 0;
    if (!read_begin(worker, task, READ_ENUMERATE, &pipeline)) {
        return;
    }
    int64_t last = DUE_FAR_FIRST + DUE_FAR_BUCKETS - 1;
    last = task->rebuild_bucket >= DUE_FAR_FIRST ? last : task->head.due_last;
    for (int64_t bucket = task->rebuild_bucket; bucket <= last && count < REBUILD_BUCKETS_PER_READ;
         bucket++) {
        store_command(&pipeline, 3);
        store_argument_text(&pipeline, "SRANDMEMBER");
        store_argument_number(&pipeline, task_key(text, task, "due:"), bucket);
        store_argument_number(&pipeline, (struct slice){NULL, 0}, RESTORE_BATCH_MAX);
        count++;
    }
    task->read_bucket = task->rebuild_bucket;
    task->read_count = count;
    read_submit(worker, task, &pipeline);
}

/* Records, views and due entries of the first `count` members of a due set. */
static void rebuild_delete(struct store_pipeline *pipeline, const struct task *task, int64_t bucket,
                           const struct store_reply *members, uint32_t count)
{
    char record[KEY_PREFIX_SIZE_MAX + 32];
    char view[KEY_PREFIX_SIZE_MAX + 32];
    char due[KEY_PREFIX_SIZE_MAX + 32];
    struct slice record_key = task_key(record, task, "c:");
    struct slice view_key = task_key(view, task, "v:");
    store_command(pipeline, 1 + 2 * count);
    store_argument_text(pipeline, "DEL");
    for (uint32_t i = 0; i < count; i++) {
        store_argument_pair(pipeline, record_key, members[i].text);
        store_argument_pair(pipeline, view_key, members[i].text);
    }
    store_command(pipeline, 2 + count);
    store_argument_text(pipeline, "SREM");
    store_argument_number(pipeline, task_key(due, task, "due:"), bucket);
    for (uint32_t i = 0; i < count; i++) {
        store_argument(pipeline, members[i].text);
    }
}

/* Delete whoever stands in these sets, as many as one batch holds; a set that is left over is read
 * again. */
void rebuild_listed(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    struct store_pipeline pipeline;
    if (task->state != TASK_REBUILDING || answer->reply_count != task->read_count) {
        return;
    }
    for (uint32_t i = 0; i < answer->reply_count; i++) {
        if (answer->replies[i].kind != STORE_ARRAY) {
            task->retry_us = worker->now_us + RETRY_US;
            return;
        }
    }
    if (!apply_fenced_begin(worker, task, &pipeline)) {
        return;
    }
    uint32_t left = RESTORE_BATCH_MAX; /* an EXEC of some milliseconds, and it fits */
    task->rebuild_next = task->read_bucket;
    for (uint32_t i = 0; i < answer->reply_count && left > 0; i++) {
        const struct store_reply *members = &answer->replies[i];
        uint32_t count = members->count < left ? members->count : left;
        if (count > 0) {
            rebuild_delete(&pipeline, task, task->read_bucket + i, members->children, count);
        }
        task->rebuild_next += count == members->count && count < RESTORE_BATCH_MAX;
        left -= count;
    }
    const struct store_reply task_record = {.text = {NULL, 0}};
    rebuild_delete(&pipeline, task, task->read_bucket, &task_record, 1);
    apply_fenced_end(worker, task, &pipeline, &task->head);
}

void rebuild_written(struct worker *worker, struct task *task)
{
    if (task->step == CLAIM_CHECKPOINTS) {
        restore_written(worker, task);
    } else {
        task->rebuild_bucket = task->rebuild_next;
    }
}

void rebuild_step(struct worker *worker, struct task *task)
{
    apply_step(worker, task); /* looks at the head again after a reconnect */
    if (task->state != TASK_REBUILDING || task->writing != WRITE_NONE ||
        task->reading_store != READ_NONE || worker->now_us < task->retry_us ||
        task->watch_epoch == 0) {
        return;
    }
    if (task->head.due_last > 0 &&
        task->rebuild_bucket < task->head.due_last - 2 * DUE_HORIZON_BUCKETS) {
        task->rebuild_bucket = task->head.due_last - 2 * DUE_HORIZON_BUCKETS;
    }
    if (task->rebuild_bucket < DUE_FAR_FIRST && task->rebuild_bucket > task->head.due_last) {
        task->rebuild_bucket = DUE_FAR_FIRST;
    }
    if (task->rebuild_bucket >= DUE_FAR_FIRST + DUE_FAR_BUCKETS) {
        task->rebuild_deleted = true;
        task->want_rebuild = false;
        task->next_offset = -1;
        task->step = CLAIM_CATCH_UP;
        if (task->low > 0) {
            task->step = CLAIM_CHECKPOINTS;
            restore_begin(worker, task);
        }
        return;
    }
    rebuild_list(worker, task);
}
