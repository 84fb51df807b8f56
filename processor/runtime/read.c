/* SPDX-License-Identifier: Apache-2.0 */
/* Reads from Redis: one at a time per task, on the connection that all tasks share.
 *
 * A read tells nothing by itself: the task's head comes in the same atomic step, and is believed
 * only if it is ours and acked <= W <= sent. What Redis does not have yet is in memory, pinned
 * (cache.h). */
#include "base/invariant.h"
#include "runtime/inside.h"

uint32_t buffer_take(struct store_buffer *buffers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!buffers[i].used) {
            buffers[i].used = true;
            return i;
        }
    }
    return NO_INDEX;
}

/* The second half of a read buffer keeps the keys asked for. */
void read_note_keys(struct worker *worker, struct task *task, const struct slice *keys,
                    uint32_t count)
{
    uint8_t *at = worker->read_buffers[task->read_buffer].data + worker->read_buffer_size;
    for (uint32_t i = 0; i < count; i++) {
        at[i * (CUSTOMER_ID_SIZE_MAX + 1)] = (uint8_t)keys[i].size;
        memcpy(at + i * (CUSTOMER_ID_SIZE_MAX + 1) + 1, keys[i].data, keys[i].size);
    }
    task->read_count = count;
}

struct slice read_key(const struct worker *worker, const struct task *task, uint32_t index)
{
    const uint8_t *at = worker->read_buffers[task->read_buffer].data + worker->read_buffer_size +
                        index * (CUSTOMER_ID_SIZE_MAX + 1);
    return slice_of(at + 1, at[0]);
}

bool read_begin(struct worker *worker, struct task *task, enum read_operation operation,
                struct store_pipeline *out_pipeline)
{
    INVARIANT(task->reading_store == READ_NONE);
    task->read_buffer = buffer_take(worker->read_buffers, STORE_BUFFERS_READ);
    if (task->read_buffer == NO_INDEX) {
        return false;
    }
    task->reading_store = operation;
    task->read_acked = task->acked_seq;
    task->read_since_us = worker->now_us;
    task->read_serial = task->serial;
    task->read_count = 0;
    *out_pipeline = (struct store_pipeline){.data = worker->read_buffers[task->read_buffer].data,
                                            .limit = worker->read_buffer_size};
    return true;
}

static void read_end(struct worker *worker, struct task *task)
{
    worker->read_buffers[task->read_buffer].used = false;
    task->read_buffer = NO_INDEX;
    task->reading_store = READ_NONE;
}

uint32_t read_connection(const struct worker *worker, const struct task *task)
{
    const struct worker_options *options = &worker->options;
    return options->store_reads_per_task
               ? STORE_CONNECTION_WRITE_FIRST + options->tasks_max + task->slot
               : STORE_CONNECTION_READ;
}

void read_submit(struct worker *worker, struct task *task, struct store_pipeline *pipeline)
{
    INVARIANT(!pipeline->full);
    enum status status = worker->options.store->ops->submit(
        worker->options.store, read_connection(worker, task), pipeline, (uint64_t)task->slot << 1);
    if (status != STATUS_OK) {
        read_end(worker, task);
        task->retry_us = worker->now_us + RETRY_US;
    }
}

enum read_trust read_judge(struct worker *worker, struct task *task, const struct store_reply *head)
{
    struct head found;
    if (SIM_WITHOUT(MUTANT_NO_READ_JUDGE)) {
        return READ_TRUST;
    }
    if (head->kind == STORE_ERROR) {
        task->retry_us = worker->now_us + RETRY_US;
        return READ_AGAIN;
    }
    if (head->kind != STORE_BULK || head_parse(head->text, &found) != STATUS_OK ||
        found.owner != task->owner || found.state != HEAD_READY) {
        task->prove = true;
        task_reclaim(worker, task, "the head in Redis is not ours");
        return READ_LOST;
    }
    if (found.seq == task->acked_seq && !head_is(head->text, &task->acked_head)) {
        if (task->read_acked < task->acked_seq) {
            return READ_AGAIN; /* this cut was written, and written again, since it was asked */
        }
        task_reclaim(worker, task, "Redis went back to an earlier head of cut %llu",
                     (unsigned long long)found.seq);
        return READ_LOST;
    }
    if (found.seq >= task->acked_seq && found.seq <= task->sent_seq) {
        return READ_TRUST;
    }
    if (found.seq >= task->read_acked && found.seq <= task->sent_seq) {
        return READ_AGAIN; /* it was right when Redis answered; cuts were applied since */
    }
    task_reclaim(worker, task, "Redis is at cut %llu, not within %llu to %llu",
                 (unsigned long long)found.seq, (unsigned long long)task->acked_seq,
                 (unsigned long long)task->sent_seq);
    return READ_LOST;
}

bool read_found_foreign(struct worker *worker, struct task *task, const struct store_reply *keys,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (reply_is_foreign(&keys[i])) {
            task->want_rebuild = true;
            task_reclaim(worker, task, "a key in Redis is of another type: somebody wrote it");
            return true;
        }
    }
    return false;
}

/* NULL: a question of that kind asks for no due sets. */
static uint32_t *sets_max(struct task *task, enum read_operation operation)
{
    return operation == READ_DUE         ? &task->due_sets_max
           : operation == READ_SWEEP     ? &task->sweep_sets_max
           : operation == READ_ENUMERATE ? &task->rebuild_sets_max
                                         : NULL;
}

static void sets_set(uint32_t *most, uint32_t count)
{
    *most = count > DUE_ASK_MAX ? DUE_ASK_MAX : count > 0 ? count : 1;
}

void read_sets_used(struct task *task, uint32_t used)
{
    uint32_t half = task->read_count / 2;
    sets_set(sets_max(task, task->reading_store), used == task->read_count ? 2 * used
                                                  : used < half            ? half
                                                                           : used + 1);
}

/* An answer beyond redis.reply_size breaks the connection, and so does an outage: ask for half as
 * many either way. One record, and the share of one due set, always fits. */
static void read_learn(struct task *task, enum read_operation operation, bool good)
{
    uint32_t *sets = sets_max(task, operation);
    if (sets != NULL && !good) {
        sets_set(sets, task->read_count / 2);
    }
    if (operation != READ_CUSTOMERS && operation != READ_CHECKPOINT && operation != READ_OLD) {
        return;
    }
    if (!good) {
        task->read_keys_max = task->read_count > 1 ? task->read_count / 2 : 1;
    } else if (task->read_keys_max < READ_KEYS_MAX) {
        uint32_t more = task->read_keys_max + READ_KEYS_MORE;
        task->read_keys_max = more < READ_KEYS_MAX ? more : READ_KEYS_MAX;
    }
}

void read_answer(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    enum read_operation operation = task->reading_store;
    if (operation == READ_NONE) {
        return;
    }
    read_learn(task, operation, answer->status == STATUS_OK);
    if (answer->status != STATUS_OK) {
        task->retry_us = worker->now_us + RETRY_US;
    } else if (task->read_serial == task->serial || SIM_WITHOUT(MUTANT_OLD_ANSWER)) {
        /* The handlers may begin a claim; the buffer stays ours until they are through. */
        switch (operation) {
        case READ_CUSTOMERS:
            batch_loaded(worker, task, answer);
            break;
        case READ_DUE:
            due_loaded(worker, task, answer);
            break;
        case READ_SWEEP:
            sweep_loaded(worker, task, answer);
            break;
        case READ_TASK:
            claim_task_record(worker, task, answer);
            break;
        case READ_ENUMERATE:
            rebuild_listed(worker, task, answer);
            break;
        case READ_CHECKPOINT:
            follow_loaded(worker, task, answer);
            break;
        case READ_WISH:
            wish_answered(worker, task, answer);
            break;
        case READ_OLD:
            restore_loaded(worker, task, answer);
            break;
        case READ_NONE:
            break;
        }
    }
    read_end(worker, task);
}
