/* SPDX-License-Identifier: Apache-2.0 */
/* The second half of a rebuild (DESIGN 5.6): what the checkpoints have goes to Redis, in fenced batches while the
 * head says REBUILDING; then the journal's cuts from `low` on are applied as in any claim.
 *
 * A compacted topic may still hold older checkpoints of a customer, so each batch asks Redis where an older one
 * put him. A batch stays in the reader's buffer until Redis has it: whatever happens to the answer, it is simply
 * asked and written again. Cuts that a checkpoint already has are applied over it: each says all it changes, so
 * the last one decides. */
#include <stdio.h>

#include "base/invariant.h"
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum {
    RESTORE_COUNT_MAX = 512,           /* customers in a batch */
    RESTORE_ENTRY_MAX = 300 * 1024,    /* bytes of one */
    RESTORE_TELL_US = 5000000,
    RESTORE_NEWER_ASKS = 3,
};

static void hold(struct worker *worker, struct task *task, bool held)
{
    task->restore.full = held;
    worker->idle = worker->idle && held; /* what waits in the queue wakes nobody */
    worker->options.log->ops->hold_reader(worker->options.log, task->number | LOG_CHECKPOINT_READER, held);
}

void restore_begin(struct worker *worker, struct task *task)
{
    uint64_t newer = task->restore.newer;
    task->restore = (struct restore){
        .reading = true, .began_us = worker->now_us, .told_us = worker->now_us, .newer = newer};
    worker->readers[task->reader].size = 0;
    task->head.customer_count = 0;
    worker->options.log->ops->read_checkpoints(worker->options.log, task->number);
}

void restore_end(struct worker *worker, struct task *task)
{
    if (task->restore.reading) {
        worker->options.log->ops->stop_checkpoints(worker->options.log, task->number);
    }
    task->restore.reading = false;
}

/* "NN:customer"; false: another task's. */
static bool own_key(const struct task *task, struct slice key, struct slice *out_id)
{
    char prefix[16];
    int size = snprintf(prefix, sizeof(prefix), "%u:", task->number);
    if (key.size < (size_t)size || memcmp(key.data, prefix, (size_t)size) != 0) {
        return false;
    }
    *out_id = slice_of(key.data + size, key.size - (size_t)size);
    return out_id->size <= CUSTOMER_ID_SIZE_MAX;
}

static uint64_t seq_of(const struct log_record *record)
{
    uint64_t seq = 0;
    for (uint32_t i = 0; i < record->header_count; i++) {
        if (slice_is(record->headers[i].name, "seq")) {
            struct slice digits = record->headers[i].value;
            for (size_t k = 0; k < digits.size && k < 19; k++) {
                seq = seq * 10 + (uint64_t)(digits.data[k] - '0');
            }
        }
    }
    return seq;
}

/* A checkpoint that is newer than C: C was read too early, or Kafka lost committed offsets. */
static void found_newer(struct worker *worker, struct task *task, uint64_t seq)
{
    if (++task->restore.newer > RESTORE_NEWER_ASKS) {
        task_halt(worker, task,
                  "a checkpoint of task %u is of cut %llu but Kafka has committed only %llu: Kafka lost "
                  "committed data; restore it, or choose a new application name and replay",
                  task->number, (unsigned long long)seq, (unsigned long long)task->committed_seq);
        return;
    }
    task_reclaim(worker, task, "a checkpoint is newer than the committed cut: reading that again");
}

void restore_record(struct worker *worker, struct task *task, const struct log_record *record)
{
    struct reader *reader = &worker->readers[task->reader];
    struct cut_entry entry = {.flags = CUT_RECORD_DELETE, .bucket_old = CUT_NO_BUCKET};
    struct slice id;
    if (task->step != CLAIM_CHECKPOINTS || !own_key(task, record->key, &id)) {
        return;
    }
    uint64_t seq = seq_of(record);
    if (seq > task->committed_seq) {
        found_newer(worker, task, seq);
        return;
    }
    if (record->has_value &&
        (cut_take_checkpoint(record->value, &entry) != STATUS_OK || !slice_equal(entry.id, id))) {
        task_halt(worker, task,
                  "the checkpoint at offset %lld of %s cannot be read: something else writes there, or "
                  "it is of a newer version; upgrade, or take the permission away",
                  (long long)record->offset, worker->options.checkpoint_topic);
        return;
    }
    entry.id = id;
    struct bytes_writer writer = bytes_writer(reader->buffer + reader->size, reader->limit - reader->size);
    cut_put_entry(&writer, &entry);
    if (writer.full) {
        task_halt(worker, task,
                  "a customer's checkpoint does not fit into a batch: raise limits.commit_bytes");
        return;
    }
    reader->size += writer.size;
    task->restore.count++;
    size_t reserve = RESTORE_ENTRY_MAX < reader->limit / 4 ? RESTORE_ENTRY_MAX : reader->limit / 4;
    if (task->restore.count == RESTORE_COUNT_MAX || task->restore.count == task->read_keys_max ||
        reader->limit - reader->size < reserve) {
        hold(worker, task, true);
    }
}

void restore_read_all(struct worker *worker, struct task *task)
{
    (void)worker;
    task->restore.reading = false;
    task->restore.ended = true;
}

/* Ask where an older checkpoint put these customers. */
static void ask_old(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    const struct reader *source = &worker->readers[task->reader];
    struct bytes_reader reader = bytes_reader(slice_of(source->buffer, source->size));
    if (!read_begin(worker, task, READ_OLD, &pipeline)) {
        return;
    }
    struct slice key = task_key(text, task, "c:");
    store_command(&pipeline, 1 + task->restore.count);
    store_argument_text(&pipeline, "MGET");
    for (uint32_t i = 0; i < task->restore.count; i++) {
        struct cut_entry entry;
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK);
        store_argument_pair(&pipeline, key, entry.id);
    }
    task->read_count = task->restore.count;
    read_submit(worker, task, &pipeline);
}

/* Is there a later checkpoint of the same customer in the batch? `reader` stands behind the entry. */
static bool is_superseded(struct bytes_reader reader, struct slice id, uint32_t left)
{
    while (left-- > 0) {
        struct cut_entry entry;
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK);
        if (slice_equal(entry.id, id)) {
            return true;
        }
    }
    return false;
}

static void note_bucket(struct head *head, int64_t bucket)
{
    if (bucket < DUE_FAR_FIRST) {
        head->due_first = bucket < head->due_first ? bucket : head->due_first;
        head->due_last = bucket > head->due_last ? bucket : head->due_last;
    }
}

/* The batch as commands. False: the buffer is too small. */
static bool put_batch(struct worker *worker, struct task *task, const struct store_reply *old,
                      struct head *head, struct store_pipeline *pipeline)
{
    const struct reader *source = &worker->readers[task->reader];
    struct bytes_reader reader = bytes_reader(slice_of(source->buffer, source->size));
    for (uint32_t i = 0; i < task->restore.count; i++) {
        struct cut_entry entry;
        int64_t before = CUT_NO_BUCKET;
        struct slice packed;
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK);
        if (is_superseded(reader, entry.id, task->restore.count - 1 - i)) {
            continue;
        }
        bool known = old->children[i].kind == STORE_BULK && !SIM_WITHOUT(MUTANT_OLD_BUCKET) &&
                     record_open(old->children[i].text, &before, &packed);
        before = known && entry.id.size > 0 ? before : CUT_NO_BUCKET;
        bool set = (entry.flags & CUT_RECORD_SET) != 0;
        if (entry.id.size > 0) {
            head->customer_count = head->customer_count + set - known;
        }
        if ((entry.flags & CUT_BUCKET_NEW) != 0) {
            note_bucket(head, entry.bucket_new);
        }
        if (pipeline->limit - pipeline->size < apply_size(worker, &entry) + HEAD_SIZE_MAX + 1024) {
            return false;
        }
        apply_checkpoint(pipeline, task, &entry, before);
    }
    return true;
}

void restore_loaded(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    const struct store_reply *old = &answer->replies[0];
    struct store_pipeline pipeline;
    if (task->step != CLAIM_CHECKPOINTS || answer->reply_count != 1 || old->kind != STORE_ARRAY ||
        old->count != task->restore.count) {
        task->retry_us = worker->now_us + RETRY_US;
        return;
    }
    if (!apply_fenced_begin(worker, task, &pipeline)) {
        return;
    }
    struct head head = task->head;
    if (!put_batch(worker, task, old, &head, &pipeline)) {
        task_halt(worker, task, "a batch of checkpoints does not fit: raise limits.commit_bytes");
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
    task->restore.count = 0;
    worker->readers[task->reader].size = 0;
    atomic_store_explicit(&worker->stats.tasks[task->slot].rebuilt, task->head.customer_count,
                          memory_order_relaxed);
    if (worker->now_us - task->restore.told_us >= RESTORE_TELL_US) {
        tell(worker, task, "rebuild_progress");
    }
    if (task->restore.full) {
        hold(worker, task, false);
    }
}

void restore_step(struct worker *worker, struct task *task)
{
    apply_step(worker, task); /* looks at the head again after a reconnect */
    if (task->state != TASK_REBUILDING || task->writing != WRITE_NONE ||
        task->reading_store != READ_NONE || worker->now_us < task->retry_us || task->watch_epoch == 0) {
        return;
    }
    if (task->restore.count > 0 && (task->restore.full || task->restore.ended)) {
        ask_old(worker, task);
    } else if (task->restore.ended) {
        tell(worker, task, "rebuild_checkpoints");
        task->restore.newer = 0;
        task->acked_seq = task->low - 1; /* cut `low` and all after it come from the journal */
        task->sent_seq = task->acked_seq;
        task->next_offset = task->low_offset;
        task->step = CLAIM_CATCH_UP;
    }
}
