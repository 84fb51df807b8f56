/* SPDX-License-Identifier: Apache-2.0 */
/* An EXEC of ours ran in part: the head has moved, some keys have not, and only we know. Whoever owns the
 * task from now on must not believe it, so the head is made to say REBUILDING at once, by compare and set,
 * whatever has become of the task here meanwhile: claimed again, halted, revoked, its slot another task's. A
 * head that says so already, or is gone, needs nothing: every key is written anew then.
 *
 * The owner (we, or somebody else) meets it at his next write, read or look, and rebuilds. */
#include "base/invariant.h"
#include "base/log.h"
#include "runtime/inside.h"

static struct slice condemned_key(char *out, const struct worker *worker, const struct task *task)
{
    size_t size =
        key_prefix(out, KEY_PREFIX_SIZE_MAX, worker->options.application, task->condemned);
    memcpy(out + size, "head", 4);
    return slice_of(out, size + 4);
}

static void condemn_done(struct task *task)
{
    log_warn("task_condemned", "what a half-done write left will be written anew", "task=%u",
             task->condemned);
    task->condemned = NO_INDEX;
}

/* The answer ends with WATCH and GET of the head: write the next one, if it is still to be believed. */
static void condemn_write(struct worker *worker, struct task *task,
                          const struct store_answer *answer)
{
    const struct store *store = worker->options.store;
    const struct store_reply *reply = &answer->replies[answer->reply_count - 1];
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    uint8_t bytes[HEAD_SIZE_MAX];
    struct head head;
    if (answer->replies[answer->reply_count - 2].kind == STORE_ERROR ||
        reply->kind == STORE_ERROR) {
        task->condemn_retry_us = worker->now_us + RETRY_US;
        return;
    }
    if (reply->kind != STORE_BULK || head_parse(reply->text, &head) != STATUS_OK ||
        head.state == HEAD_REBUILDING) {
        condemn_done(task);
        return;
    }
    if (answer->connection_epoch !=
            store->ops->epoch(worker->options.store, STORE_CONNECTION_WRITE_FIRST + task->slot) ||
        !apply_write_begin(worker, task, &pipeline)) {
        return; /* condemn_step looks again */
    }
    head.state = HEAD_REBUILDING;
    head.owner = worker->options.clock->ops->random64(worker->options.clock); /* nobody's */
    head.customer_count = 0;
    struct slice key = condemned_key(text, worker, task);
    apply_put_plain(&pipeline, "MULTI");
    store_command(&pipeline, 3);
    store_argument_text(&pipeline, "SET");
    store_argument(&pipeline, key);
    store_argument(&pipeline, slice_of(bytes, head_write(&head, bytes)));
    apply_put_plain(&pipeline, "EXEC");
    apply_put_look(&pipeline, key);
    (void)apply_write_submit(worker, task, &pipeline, WRITE_CONDEMN);
}

void condemn_begin(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    if (SIM_WITHOUT(MUTANT_FORGET_PARTIAL)) {
        return;
    }
    INVARIANT(task->condemned == NO_INDEX); /* nothing else is written before it is through */
    task->condemned = task->write_number;
    task->condemn_retry_us = 0;
    condemn_write(worker, task, answer);
}

void condemn_step(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    if (task->condemned == NO_INDEX || apply_is_writing(worker, task) ||
        worker->now_us < task->condemn_retry_us || !apply_write_begin(worker, task, &pipeline)) {
        return;
    }
    apply_put_look(&pipeline, condemned_key(text, worker, task));
    if (!apply_write_submit(worker, task, &pipeline, WRITE_CONDEMN)) {
        task->condemn_retry_us = worker->now_us + RETRY_US;
    }
}

void condemn_answer(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    enum { LOOK_REPLIES = 2 };
    if (answer->reply_count == LOOK_REPLIES) {
        condemn_write(worker, task, answer);
        return;
    }
    const struct store_reply *exec = &answer->replies[answer->reply_count - LOOK_REPLIES - 1];
    if (exec->kind == STORE_NIL) {
        condemn_write(worker, task, answer);
    } else if (exec->kind == STORE_ARRAY && !apply_has_error(exec)) {
        condemn_done(task);
    } else {
        task->condemn_retry_us = worker->now_us + RETRY_US; /* OOM, READONLY, .. */
    }
}
