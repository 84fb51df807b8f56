/* SPDX-License-Identifier: Apache-2.0 */
/* `segue rebuild` writes REBUILDING with owner 0 into a task's head. A busy task meets it at its next apply; an
 * idle or halted one has to look. (Versions before decision 0017 write another owner, after a write that ran in
 * part.) */
#include "runtime/inside.h"

enum { WISH_US = 3000000 };

void wish_step(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    if (worker->now_us - task->wish_us < WISH_US || worker->now_us < task->retry_us ||
        worker->stopping || task->reading_store != READ_NONE ||
        !read_begin(worker, task, READ_WISH, &pipeline)) {
        return;
    }
    task->wish_us = worker->now_us;
    store_command(&pipeline, 2);
    store_argument_text(&pipeline, "GET");
    store_argument(&pipeline, task_key(text, task, "head"));
    read_submit(worker, task, &pipeline);
}

void wish_answered(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    struct head head;
    const struct store_reply *reply = &answer->replies[0];
    bool rebuilding = reply->kind == STORE_BULK && head_parse(reply->text, &head) == STATUS_OK &&
                      head.state == HEAD_REBUILDING;
    bool asked = rebuilding && head.owner == 0;
    if (rebuilding && !asked && task->state == TASK_LIVE) {
        task->prove = true;
        task_reclaim(worker, task, "the head in Redis says that this task is to be written anew");
        return;
    }
    if (!asked) {
        task->accept = false; /* the next wish is a new one */
        return;
    }
    if (task->state == TASK_HALTED && task->accept) {
        return; /* it was tried, and halted again before it could own the head */
    }
    task->accept = true;
    task->prove = task->state == TASK_LIVE;
    task_reclaim(worker, task, "a person asked for a rebuild");
}
