/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of a rebuild (DESIGN 5.6): what the checkpoints have goes to Redis, in fenced batches while the
 * head says REBUILDING; then the journal's cuts from `low` on are applied as in any claim.
 *
 * A batch stays in the reader's buffer until Redis has it: whatever happens to the answer, it is simply
 * written again (the same values: that changes nothing). Meanwhile the other half of the buffer is filled. Cuts
 * that a checkpoint already has are applied over it: each says all it changes, so the last one decides. */
#include <stdio.h>

#include "base/invariant.h"
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum {
    RESTORE_ENTRY_MAX = 300 * 1024, /* bytes of one */
    RESTORE_TELL_US = 5000000,
    RESTORE_NEWER_ASKS = 3,
};

static struct restore_room *room_of(const struct worker *worker, const struct task *task)
{
    return worker->readers[task->reader].restore;
}

static struct restore_batch *filling(const struct worker *worker, const struct task *task)
{
    return &room_of(worker, task)->batches[task->restore.fill];
}

/* Redis is at work on it, unless it is empty. */
static struct restore_batch *sending(const struct worker *worker, const struct task *task)
{
    return &room_of(worker, task)->batches[1 - task->restore.fill];
}

static void hold(struct worker *worker, struct task *task, bool held)
{
    task->restore.held = held;
    worker->idle = worker->idle && held; /* what waits in the queue wakes nobody */
    worker->options.log->ops->hold_reader(worker->options.log, task->number | LOG_CHECKPOINT_READER,
                                          held);
}

void restore_begin(struct worker *worker, struct task *task)
{
    uint64_t newer = task->restore.newer;
    task->restore = (struct restore){
        .reading = true, .began_us = worker->now_us, .told_us = worker->now_us, .newer = newer};
    restore_room_begin(room_of(worker, task), worker->readers[task->reader].buffer,
                       worker->readers[task->reader].limit);
    worker->options.log->ops->read_checkpoints(worker->options.log, task->number);
}

void restore_end(struct worker *worker, struct task *task)
{
    if (task->restore.reading) {
        worker->options.log->ops->stop_checkpoints(worker->options.log, task->number);
    }
    task->restore.reading = false;
}

/* A checkpoint that is newer than C: C was read too early, or Kafka lost committed offsets. */
static void found_newer(struct worker *worker, struct task *task, uint64_t seq)
{
    if (++task->restore.newer > RESTORE_NEWER_ASKS) {
        task_halt(
            worker, task, HALT_CHECKPOINT_NEWER,
            "a checkpoint of task %u is of cut %llu but Kafka has committed only %llu: Kafka lost "
            "committed data; restore it, or choose a new application name and replay",
            task->number, (unsigned long long)seq, (unsigned long long)task->committed_seq);
        return;
    }
    task_reclaim(worker, task, "a checkpoint is newer than the committed cut: reading that again");
}

/* No further entry is sure to fit. */
static bool is_full(const struct worker *worker, const struct restore_batch *batch)
{
    size_t reserve = RESTORE_ENTRY_MAX < batch->limit / 4 ? RESTORE_ENTRY_MAX : batch->limit / 4;
    return batch->count == RESTORE_BATCH_MAX ||
           batch->count >= worker->options.limits.customers_per_cut ||
           batch->limit - batch->size < reserve;
}

/* The batch being filled goes to Redis, the other is filled. */
static void turn_over(struct worker *worker, struct task *task)
{
    task->restore.fill = 1 - task->restore.fill;
    if (task->restore.held) {
        hold(worker, task, false);
    }
}

static void take_entry(struct worker *worker, struct task *task, const struct cut_entry *entry)
{
    struct restore_batch *batch = filling(worker, task);
    if (!restore_add(room_of(worker, task), batch, entry)) {
        task_halt(worker, task, HALT_CHECKPOINT_TOO_LARGE,
                  "a customer's checkpoint does not fit into a batch: raise limits.commit");
        return;
    }
    if (is_full(worker, batch)) {
        if (sending(worker, task)->count == 0) {
            turn_over(worker, task);
        } else {
            hold(worker, task, true);
        }
    }
}

void restore_record(struct worker *worker, struct task *task, const struct log_record *record)
{
    struct cut_entry entry = {.flags = CUT_RECORD_DELETE, .bucket_old = CUT_NO_BUCKET};
    struct slice id;
    if (task->step != CLAIM_CHECKPOINTS || !cut_checkpoint_key(record->key, task->number, &id)) {
        return;
    }
    uint64_t seq = cut_checkpoint_seq(record->headers, record->header_count);
    if (seq > task->committed_seq) {
        found_newer(worker, task, seq);
        return;
    }
    if (record->has_value &&
        (cut_take_checkpoint(record->value, &entry) != STATUS_OK || !slice_equal(entry.id, id))) {
        task_halt(
            worker, task, HALT_CHECKPOINT_UNREADABLE,
            "the checkpoint at offset %lld of %s cannot be read: something else writes there, or "
            "it is of a newer version; upgrade, or take the permission away",
            (long long)record->offset, worker->options.checkpoint_topic);
        return;
    }
    entry.id = id;
    take_entry(worker, task, &entry);
}

void restore_read_all(struct worker *worker, struct task *task)
{
    (void)worker;
    task->restore.reading = false;
    task->restore.ended = true;
}

/* Ask where an older checkpoint put those who may have one. True: somebody is asked for, or will be. */
static bool ask_old(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    struct restore_batch *batch = sending(worker, task);
    struct slice id;
    uint32_t most = worker->options.limits.chunk_records < task->read_keys_max
                        ? worker->options.limits.chunk_records
                        : task->read_keys_max;
    uint32_t end = batch->asked;
    uint32_t count = 0;
    while (count < most && restore_next_question(batch, &end, &id)) {
        count++;
    }
    if (count == 0) {
        batch->asked = batch->count;
        return false;
    }
    if (!read_begin(worker, task, READ_OLD, &pipeline)) {
        return true;
    }
    struct slice key = task_key(text, task, "c:");
    store_command(&pipeline, 1 + count);
    store_argument_text(&pipeline, "MGET");
    for (uint32_t index = batch->asked; index < end && restore_next_question(batch, &index, &id);) {
        store_argument_pair(&pipeline, key, id);
    }
    task->read_count = count;
    task->restore.asked_to = end;
    read_submit(worker, task, &pipeline);
    return true;
}

void restore_loaded(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    const struct store_reply *old = &answer->replies[0];
    struct slice id;
    if (task->step != CLAIM_CHECKPOINTS || task->reader == NO_INDEX || answer->reply_count != 1 ||
        old->kind != STORE_ARRAY || old->count != task->read_count) {
        task->retry_us = worker->now_us + RETRY_US;
        return;
    }
    struct restore_batch *batch = sending(worker, task); /* only now is there a reader for sure */
    uint32_t index = batch->asked;
    for (uint32_t i = 0; i < old->count && restore_next_question(batch, &index, &id); i++) {
        struct restore_entry *entry = &batch->entries[index - 1];
        struct slice packed;
        int64_t before = CUT_NO_BUCKET;
        entry->known = old->children[i].kind == STORE_BULK && !SIM_WITHOUT(MUTANT_OLD_BUCKET) &&
                       record_open(old->children[i].text, &before, &packed);
        entry->before = entry->known && id.size > 0 ? before : CUT_NO_BUCKET;
    }
    batch->asked = task->restore.asked_to;
}

static void write_batch(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char record_text[KEY_PREFIX_SIZE_MAX + 8];
    char view_text[KEY_PREFIX_SIZE_MAX + 8];
    char due_text[KEY_PREFIX_SIZE_MAX + 8];
    struct head head = task->head;
    head.customer_count = task->restore.customers; /* not the head's: this may be the second try */
    if (!apply_fenced_begin(worker, task, &pipeline)) {
        return;
    }
    if (!restore_put(sending(worker, task), task_key(record_text, task, "c:"),
                     task_key(view_text, task, "v:"), task_key(due_text, task, "due:"), &head,
                     &pipeline)) {
        worker->write_buffers[task->write_buffer].used = false;
        task_halt(worker, task, HALT_CHECKPOINT_TOO_LARGE,
                  "a batch of checkpoints does not fit: raise limits.commit");
        return;
    }
    apply_fenced_end(worker, task, &pipeline, &head);
}

static void tell(struct worker *worker, struct task *task, const char *code)
{
    int64_t took_us = worker->now_us - task->restore.began_us;
    uint64_t count = task->head.customer_count;
    task->restore.told_us = worker->now_us;
    log_info(code, "customers written from their checkpoints",
             "task=%u customers=%llu seconds=%.1f per_second=%.0f", task->number,
             (unsigned long long)count, (double)took_us / 1e6,
             took_us > 0 ? (double)count * 1e6 / (double)took_us : 0.0);
}

void restore_written(struct worker *worker, struct task *task)
{
    restore_batch_clear(sending(worker, task));
    task->restore.customers = task->head.customer_count;
    atomic_store_explicit(&worker->stats.tasks[task->slot].rebuilt, task->head.customer_count,
                          memory_order_relaxed);
    if (worker->now_us - task->restore.told_us >= RESTORE_TELL_US) {
        tell(worker, task, "rebuild_progress");
    }
    if (task->restore.held) {
        turn_over(worker, task);
    }
}

void restore_step(struct worker *worker, struct task *task)
{
    apply_step(worker, task); /* looks at the head again after a reconnect */
    if (task->state != TASK_REBUILDING || task->writing != WRITE_NONE ||
        task->reading_store != READ_NONE || worker->now_us < task->retry_us ||
        task->watch_epoch == 0) {
        return;
    }
    if (task->restore.ended && sending(worker, task)->count == 0 &&
        filling(worker, task)->count > 0) {
        turn_over(worker, task);
    }
    if (sending(worker, task)->count > 0) {
        if (!ask_old(worker, task)) {
            write_batch(worker, task);
        }
    } else if (task->restore.ended) {
        tell(worker, task, "rebuild_checkpoints");
        task->restore.newer = 0;
        task->acked_seq = task->low - 1; /* cut `low` and all after it come from the journal */
        task->sent_seq = task->acked_seq;
        task->next_offset = task->low_offset;
        task->step = CLAIM_CATCH_UP;
    }
}
