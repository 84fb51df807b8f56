/* SPDX-License-Identifier: Apache-2.0 */
/* Emptying a task's Redis before it is written anew (DESIGN 5.6).
 *
 * There is no SCAN: every customer stands in exactly one due set, and the head says which sets are
 * in use. (But for what an EXEC did in part; whatever is written anew is written over that.) The head
 * says REBUILDING from before the first key goes until the last cut is in, so nobody believes the keys
 * between, and a rebuild that is interrupted begins again. Each batch is fenced like an apply. */
#include "base/invariant.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

#define REBUILD_END (DUE_FAR_FIRST + DUE_FAR_BUCKETS)

/* Of each set no more than one batch may delete. */
static void rebuild_list(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    int64_t last = task->rebuild_bucket >= DUE_FAR_FIRST ? REBUILD_END - 1 : task->head.due_last;
    uint32_t count = due_ask_sets(task->rebuild_bucket, last, task->rebuild_sets_max);
    if (!read_begin(worker, task, READ_ENUMERATE, &pipeline)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        store_command(&pipeline, 3);
        store_argument_text(&pipeline, "SRANDMEMBER");
        store_argument_number(&pipeline, task_key(text, task, "due:"), task->rebuild_bucket + i);
        store_argument_number(&pipeline, (struct slice){NULL, 0},
                              due_ask_share(RESTORE_BATCH_MAX, count, i));
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

/* A head that says which sets are left, so that a rebuild that was interrupted does not look through the others
 * again. This batch's are among them: whether all of it went well only its answer says. */
static struct head rebuild_head(const struct task *task)
{
    struct head head = task->head;
    head.due_first = task->read_bucket;
    return head;
}

/* Delete whoever stands in these sets, as many as one batch holds; a set that is left over is read
 * again. Where nobody stands nothing is written: a year has half a million sets. */
static void rebuild_take(struct worker *worker, struct task *task, const struct store_reply *sets)
{
    struct store_pipeline pipeline;
    uint32_t left = RESTORE_BATCH_MAX; /* an EXEC of some tens of milliseconds, and it fits */
    uint32_t emptied = 0;
    bool any = false;
    for (uint32_t i = 0; i < task->read_count; i++) {
        any = any || sets[i].count > 0 || reply_is_foreign(&sets[i]);
    }
    if (!any && task->read_bucket + task->read_count < REBUILD_END) {
        task->rebuild_bucket = task->read_bucket + task->read_count;
        read_sets_used(task, task->read_count);
        return;
    }
    if (!apply_fenced_begin(worker, task, &pipeline)) {
        return;
    }
    for (uint32_t i = 0; i < task->read_count && left > 0; i++) {
        uint32_t count = sets[i].count < left ? sets[i].count : left;
        if (reply_is_foreign(&sets[i])) {
            /* Whom it named has keys still: restore and cuts write over them. */
            char key[KEY_PREFIX_SIZE_MAX + 8];
            store_command(&pipeline, 2);
            store_argument_text(&pipeline, "DEL");
            store_argument_number(&pipeline, task_key(key, task, "due:"), task->read_bucket + i);
        } else if (count > 0) {
            rebuild_delete(&pipeline, task, task->read_bucket + i, sets[i].children, count);
        }
        left -= count;
        emptied += emptied == i && count == sets[i].count &&
                   count < due_ask_share(RESTORE_BATCH_MAX, task->read_count, i);
    }
    task->rebuild_next = task->read_bucket + emptied;
    read_sets_used(task, emptied);
    const struct store_reply task_record = {.text = {NULL, 0}};
    rebuild_delete(&pipeline, task, task->read_bucket, &task_record, 1);
    const struct head head = rebuild_head(task);
    apply_fenced_end(worker, task, &pipeline, &head);
}

void rebuild_listed(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    if (task->state != TASK_REBUILDING || answer->reply_count != task->read_count) {
        return;
    }
    for (uint32_t i = 0; i < answer->reply_count; i++) {
        if (answer->replies[i].kind != STORE_ARRAY && !reply_is_foreign(&answer->replies[i])) {
            task->retry_us = worker->now_us + RETRY_US;
            return;
        }
    }
    rebuild_take(worker, task, answer->replies);
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
    if (task->rebuild_bucket >= REBUILD_END) {
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
