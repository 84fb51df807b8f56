/* SPDX-License-Identifier: Apache-2.0 */
/* The fenced apply (DESIGN 5.2): Redis moves from cut W to W+1 in one atomic step, or not at all.
 *
 *   MULTI  MSET head record..  SADD/SREM due  HSET/HDEL view  DEL ..  EXEC  WATCH head  GET head
 *
 * EXEC drops every WATCH of its connection, so each task has a connection of its own, and MULTI is
 * sent only when the last reply there was GET head = what we expect, in the same connection epoch.
 * EXEC undoes nothing when one of its commands fails, and only its answer says so. Whoever did not
 * read that answer therefore writes the head's own cut again, the same bytes: after a lost answer
 * here, and in every claim (claim.c; decision 0017). One that fails in part is seen by its sender: rebuild.
 * Live work and recovery use this file alike; it knows nothing of playbooks. */
#include "base/invariant.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

struct slice task_key(char *out, const struct task *task, const char *part)
{
    size_t size = strlen(part);
    memcpy(out, task->prefix, task->prefix_size);
    memcpy(out + task->prefix_size, part, size);
    return slice_of(out, task->prefix_size + size);
}

/* Keys, lengths and command names of at most six commands. */
static size_t commands_size(size_t id_size)
{
    return 6 * (KEY_PREFIX_SIZE_MAX + id_size + 64);
}

size_t apply_size(const struct cut_entry *entry)
{
    return commands_size(entry->id.size) + entry->record.size + entry->view.size +
           (size_t)entry->view_count * 32; /* what is around each field */
}

size_t apply_size_max(const struct worker_limits *limits)
{
    /* Its bytes, and twice as much around fields of views, unless they are tiny. */
    return 3 * limits->cut_bytes + limits->customers_per_cut * commands_size(CUSTOMER_ID_SIZE_MAX);
}

void apply_due(struct store_pipeline *pipeline, struct slice prefix, const char *command,
               int64_t bucket, struct slice id)
{
    store_command(pipeline, 3);
    store_argument_text(pipeline, command);
    store_argument_number(pipeline, prefix, bucket);
    store_argument(pipeline, id);
}

void apply_view(struct store_pipeline *pipeline, struct slice prefix, const struct cut_entry *entry)
{
    uint32_t counts[2] = {0, 0};
    struct bytes_reader reader = bytes_reader(entry->view);
    struct cut_field field;
    for (uint32_t i = 0; i < entry->view_count; i++) {
        INVARIANT(cut_take_field(&reader, &field) == STATUS_OK);
        counts[field.remove]++;
    }
    if ((entry->flags & CUT_VIEW_WHOLE) != 0) {
        store_command(pipeline, 2);
        store_argument_text(pipeline, "DEL");
        store_argument_pair(pipeline, prefix, entry->id);
    }
    for (uint32_t remove = 0; remove < 2; remove++) {
        if (counts[remove] == 0) {
            continue;
        }
        store_command(pipeline, 2 + counts[remove] * (remove == 1 ? 1 : 2));
        store_argument_text(pipeline, remove == 1 ? "HDEL" : "HSET");
        store_argument_pair(pipeline, prefix, entry->id);
        reader = bytes_reader(entry->view);
        for (uint32_t i = 0; i < entry->view_count; i++) {
            INVARIANT(cut_take_field(&reader, &field) == STATUS_OK);
            if (field.remove == (remove == 1)) {
                store_argument(pipeline, field.name);
                if (!field.remove) {
                    store_argument(pipeline, field.text);
                }
            }
        }
    }
}

void apply_entries(struct store_pipeline *pipeline, const struct task *task,
                   const struct head *next, struct slice payload)
{
    char head_key[KEY_PREFIX_SIZE_MAX + 8];
    char record_text[KEY_PREFIX_SIZE_MAX + 8];
    char view_text[KEY_PREFIX_SIZE_MAX + 8];
    char due_text[KEY_PREFIX_SIZE_MAX + 8];
    struct slice record_key = task_key(record_text, task, "c:");
    struct slice view_key = task_key(view_text, task, "v:");
    struct slice due_key = task_key(due_text, task, "due:");
    uint8_t head[HEAD_SIZE_MAX];
    /* The first cut that is written over keys of which nobody knows whether they are whole. */
    bool anew = task->head.state == HEAD_REBUILDING || task->head.seq == next->seq;
    struct bytes_reader start = bytes_reader(payload);
    struct cut_header header;
    INVARIANT(cut_take_header(&start, &header) == STATUS_OK);
    uint32_t set = 0;
    bool more = false; /* than records */
    struct cut_entry entry;
    struct bytes_reader reader = start;
    for (uint32_t i = 0; i < header.entry_count; i++) {
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK);
        set += (entry.flags & CUT_RECORD_SET) != 0;
        more = more || (entry.flags & ~(uint32_t)CUT_RECORD_SET) != 0 || entry.view_count > 0;
    }
    store_command(pipeline, 1 + 2 * (set + 1));
    store_argument_text(pipeline, "MSET");
    store_argument(pipeline, task_key(head_key, task, "head"));
    store_argument(pipeline, slice_of(head, head_write(next, head)));
    reader = start;
    for (uint32_t i = 0; i < header.entry_count; i++) {
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK);
        if ((entry.flags & CUT_RECORD_SET) != 0) {
            store_argument_pair(pipeline, record_key, entry.id);
            store_argument(pipeline, entry.record);
        }
    }
    reader = start;
    for (uint32_t i = 0; more && i < header.entry_count; i++) {
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK);
        if ((entry.flags & CUT_BUCKET_OLD) != 0) {
            apply_due(pipeline, due_key, "SREM", entry.bucket_old, entry.id);
        }
        if ((entry.flags & CUT_BUCKET_NEW) != 0) {
            apply_due(pipeline, due_key, "SADD", entry.bucket_new, entry.id);
        }
        if ((entry.flags & CUT_RECORD_DELETE) != 0) {
            store_command(pipeline, 3);
            store_argument_text(pipeline, "DEL");
            store_argument_pair(pipeline, record_key, entry.id);
            store_argument_pair(pipeline, view_key, entry.id);
        }
        if (anew && (entry.flags & (CUT_BUCKET_OLD | CUT_BUCKET_NEW)) == CUT_BUCKET_NEW) {
            entry.flags |= CUT_VIEW_WHOLE; /* also of somebody new: put_gone says why */
        }
        apply_view(pipeline, view_key, &entry);
    }
}

bool apply_write_begin(struct worker *worker, struct task *task,
                       struct store_pipeline *out_pipeline)
{
    INVARIANT(task->writing == WRITE_NONE);
    task->write_buffer = buffer_take(worker->write_buffers, STORE_BUFFERS_WRITE);
    if (task->write_buffer == NO_INDEX) {
        return false;
    }
    *out_pipeline = (struct store_pipeline){.data = worker->write_buffers[task->write_buffer].data,
                                            .limit = worker->write_buffer_size};
    return true;
}

void apply_put_look(struct store_pipeline *pipeline, struct slice key)
{
    store_command(pipeline, 2);
    store_argument_text(pipeline, SIM_WITHOUT(MUTANT_NO_WATCH) ? "GET" : "WATCH");
    store_argument(pipeline, key);
    store_command(pipeline, 2);
    store_argument_text(pipeline, "GET");
    store_argument(pipeline, key);
}

bool apply_write_submit(struct worker *worker, struct task *task, struct store_pipeline *pipeline,
                        enum write_operation operation)
{
    INVARIANT(!pipeline->full);
    enum status status = worker->options.store->ops->submit(
        worker->options.store, STORE_CONNECTION_WRITE_FIRST + task->slot, pipeline,
        (uint64_t)task->slot << 1 | 1);
    if (status != STATUS_OK) {
        worker->write_buffers[task->write_buffer].used = false;
        task->retry_us = worker->now_us + RETRY_US;
        return false;
    }
    task->writing = operation;
    task->write_serial = task->serial;
    task->write_since_us = worker->now_us;
    task->write_commands = pipeline->command_count;
    return true;
}

void apply_put_plain(struct store_pipeline *pipeline, const char *command)
{
    store_command(pipeline, 1);
    store_argument_text(pipeline, command);
}

void apply_look(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    task->watch_epoch = 0;
    if (apply_write_begin(worker, task, &pipeline)) {
        apply_put_look(&pipeline, task_key(text, task, "head"));
        (void)apply_write_submit(worker, task, &pipeline, WRITE_LOOK);
    }
}

void apply_own(struct worker *worker, struct task *task, const struct head *next)
{
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    uint8_t bytes[HEAD_SIZE_MAX];
    /* The answer may be older than the connection: a WATCH does not survive a reconnect. */
    if (task->watch_epoch !=
            worker->options.store->ops->epoch(worker->options.store,
                                              STORE_CONNECTION_WRITE_FIRST + task->slot) ||
        !apply_write_begin(worker, task, &pipeline)) {
        return;
    }
    apply_put_plain(&pipeline, "MULTI");
    store_command(&pipeline, 3);
    store_argument_text(&pipeline, "SET");
    store_argument(&pipeline, task_key(text, task, "head"));
    store_argument(&pipeline, slice_of(bytes, head_write(next, bytes)));
    apply_put_plain(&pipeline, "EXEC");
    apply_put_look(&pipeline, task_key(text, task, "head"));
    task->next_head = *next;
    (void)apply_write_submit(worker, task, &pipeline, WRITE_OWN);
}

bool apply_fenced_begin(struct worker *worker, struct task *task,
                        struct store_pipeline *out_pipeline)
{
    if (task->writing != WRITE_NONE || task->watch_epoch == 0 ||
        task->watch_epoch !=
            worker->options.store->ops->epoch(worker->options.store,
                                              STORE_CONNECTION_WRITE_FIRST + task->slot) ||
        !apply_write_begin(worker, task, out_pipeline)) {
        return false;
    }
    apply_put_plain(out_pipeline, "MULTI");
    return true;
}

void apply_fenced_end(struct worker *worker, struct task *task, struct store_pipeline *pipeline,
                      const struct head *head)
{
    char text[KEY_PREFIX_SIZE_MAX + 8];
    uint8_t bytes[HEAD_SIZE_MAX];
    store_command(pipeline, 3);
    store_argument_text(pipeline, "SET"); /* even the same head: whoever watches it must notice */
    store_argument(pipeline, task_key(text, task, "head"));
    struct head next = head_of_same_cut(head, &task->head);
    store_argument(pipeline, slice_of(bytes, head_write(&next, bytes)));
    apply_put_plain(pipeline, "EXEC");
    apply_put_look(pipeline, task_key(text, task, "head"));
    task->next_head = next;
    (void)apply_write_submit(worker, task, pipeline, WRITE_DELETE);
}

static void apply_send(struct worker *worker, struct task *task)
{
    const struct pending *pending = &task->pending[0];
    struct store_pipeline pipeline;
    char text[KEY_PREFIX_SIZE_MAX + 8];
    if (!apply_write_begin(worker, task, &pipeline)) {
        return;
    }
    struct head next = pending->head;
    next.owner = task->owner;
    if (next.seq == task->head.seq) {
        next = head_of_same_cut(&next, &task->head);
    }
    if (!SIM_WITHOUT(MUTANT_NO_FENCE)) {
        apply_put_plain(&pipeline, "MULTI");
    }
    apply_entries(&pipeline, task, &next, pending->payload);
    if (!SIM_WITHOUT(MUTANT_NO_FENCE)) {
        apply_put_plain(&pipeline, "EXEC");
        apply_put_look(&pipeline, task_key(text, task, "head"));
    }
    task->next_head = next;
    if (apply_write_submit(worker, task, &pipeline, WRITE_APPLY)) {
        task->sent_seq = pending->seq > task->sent_seq ? pending->seq : task->sent_seq;
    }
}

bool apply_is_writing(struct worker *worker, struct task *task)
{
    struct store *store = worker->options.store;
    bool writing = task->writing != WRITE_NONE;
    if (writing &&
        worker->now_us - task->write_since_us > worker->options.store_timeout_ms * 1000) {
        task->write_since_us = worker->now_us;
        store->ops->reset(store, STORE_CONNECTION_WRITE_FIRST + task->slot);
    }
    return writing;
}

void apply_step(struct worker *worker, struct task *task)
{
    struct store *store = worker->options.store;
    uint32_t connection = STORE_CONNECTION_WRITE_FIRST + task->slot;
    if (apply_is_writing(worker, task)) {
        return;
    }
    if (worker->now_us < task->retry_us) {
        return;
    }
    uint64_t epoch = store->ops->epoch(store, connection);
    bool claiming = task->state == TASK_CLAIMING && task->step == CLAIM_LOOK;
    bool rebuilding = task->state == TASK_REBUILDING &&
                      (task->step == CLAIM_REBUILD_DELETE || task->step == CLAIM_CHECKPOINTS);
    if (epoch != 0 && rebuilding) {
        if (task->watch_epoch != epoch) {
            apply_look(worker, task);
        }
        return;
    }
    if (epoch == 0 || (task->pending_count == 0 && !claiming) ||
        (task->reading_store == READ_CHECKPOINT && task->follow.ahead != 0)) {
        return;
    }
    if (claiming || (task->watch_epoch != epoch && !SIM_WITHOUT(MUTANT_BLIND_SEND))) {
        apply_look(worker, task);
    } else {
        apply_send(worker, task);
    }
}

static bool reply_is_head(const struct store_reply *reply, const struct head *head)
{
    return reply->kind == STORE_BULK && head_is(reply->text, head);
}

static void apply_acked(struct worker *worker, struct task *task)
{
    struct pending done = task->pending[0];
    task->head = task->next_head;
    task->acked_head = task->head;
    task->acked_seq = done.seq;
    stats_add(&worker->stats.applies, 1);
    stats_time(&worker->stats.totals[task->number].apply_latency,
               worker->now_us - task->write_since_us);
    atomic_store_explicit(&worker->stats.tasks[task->slot].applied, done.seq, memory_order_relaxed);
    memmove(&task->pending[0], &task->pending[1],
            (task->pending_count - 1) * sizeof(task->pending[0]));
    task->pending_count--;
    if (done.flight != NO_INDEX) {
        flight_unhold(worker, done.flight);
    }
}

static bool apply_has_error(const struct store_reply *exec)
{
    for (uint32_t i = 0; i < exec->count; i++) {
        if (exec->children[i].kind == STORE_ERROR) {
            return true;
        }
    }
    return false;
}

/* After a reconnect, or in a claim: where does the head stand? */
static void answer_look(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    const struct store_reply *head = &answer->replies[1];
    if (answer->replies[0].kind == STORE_ERROR || head->kind == STORE_ERROR) {
        task->retry_us = worker->now_us + RETRY_US;
        return;
    }
    if (task->state == TASK_CLAIMING && task->step == CLAIM_LOOK) {
        task->watch_epoch = answer->connection_epoch;
        claim_looked(worker, task, head);
        return;
    }
    if (task->pending_count == 0) {
        /* The last batch arrived, or not, and whole or not: the same batch again. */
        if (reply_is_head(head, &task->next_head)) {
            task->head = task->next_head;
        }
        if (reply_is_head(head, &task->head)) {
            task->watch_epoch = answer->connection_epoch;
        } else {
            task_reclaim(worker, task, "the head in Redis was changed while it was being rebuilt");
        }
        return;
    }
    if (reply_is_head(head, &task->head)) {
        task->watch_epoch = answer->connection_epoch;
        if (SIM_WITHOUT(MUTANT_GUESS_APPLY) && task->sent_seq == task->pending[0].seq) {
            apply_acked(worker, task);
        }
    } else if (task->sent_seq >= task->pending[0].seq && reply_is_head(head, &task->next_head)) {
        /* It arrived, but whether all of it went well was in the answer: once more. */
        task->watch_epoch = answer->connection_epoch;
        task->head = task->next_head;
        if (SIM_WITHOUT(MUTANT_TAKE_FOR_DONE)) {
            apply_acked(worker, task);
        }
    } else {
        task->prove = true;
        task_reclaim(worker, task,
                     "the head in Redis was changed by somebody else, or Redis went back");
    }
}

static void answer_exec(struct worker *worker, struct task *task, const struct store_answer *answer,
                        enum write_operation operation)
{
    if (operation == WRITE_APPLY && SIM_WITHOUT(MUTANT_NO_FENCE)) {
        apply_acked(worker, task);
        return;
    }
    uint32_t count = answer->reply_count;
    const struct store_reply *exec = &answer->replies[count - 3];
    const struct store_reply *head = &answer->replies[count - 1];
    if (exec->kind == STORE_ARRAY && apply_has_error(exec) && !SIM_WITHOUT(MUTANT_SKIP_PARTIAL)) {
        task->want_rebuild = true;
        task_reclaim(worker, task, "Redis carried out only a part of a transaction");
        return;
    }
    bool watched = answer->replies[count - 2].kind != STORE_ERROR;
    if (reply_is_head(head, &task->next_head)) {
        task->watch_epoch = watched ? answer->connection_epoch : 0;
        if (operation == WRITE_OWN) {
            claim_owned(worker, task);
        } else if (exec->kind != STORE_ARRAY && !SIM_WITHOUT(MUTANT_NIL_IS_DONE)) {
            /* An earlier try of ours arrived after all, and its answer is lost with its connection: once more. */
            task->head = task->next_head;
        } else if (operation == WRITE_DELETE) {
            task->head = task->next_head;
            rebuild_written(worker, task);
        } else {
            apply_acked(worker, task);
        }
        return;
    }
    if (exec->kind == STORE_ARRAY ||
        (head->kind != STORE_ERROR && !reply_is_head(head, &task->head))) {
        task->prove = true;
        task_reclaim(worker, task,
                     "the head in Redis was changed by somebody else, or Redis went back");
        return;
    }
    /* EXEC said no and nothing moved: an error while queueing (OOM, READONLY, ..), or a WATCH that
     * fired for a head that is back. */
    task->watch_epoch = head->kind == STORE_ERROR || !watched ? 0 : answer->connection_epoch;
    task->retry_us = worker->now_us + RETRY_US;
}

void apply_answer(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    enum write_operation operation = task->writing;
    if (operation == WRITE_NONE) {
        return;
    }
    task->writing = WRITE_NONE;
    uint32_t buffer = task->write_buffer;
    if (answer->status != STATUS_OK || answer->reply_count != task->write_commands) {
        task->watch_epoch = 0;
        if (task->write_serial == task->serial && operation == WRITE_OWN) {
            task->step = CLAIM_LOOK;
        }
    } else if (task->write_serial != task->serial) {
        task->watch_epoch = 0; /* of an earlier claim: this one writes the last cut again anyway */
    } else if (operation == WRITE_LOOK) {
        answer_look(worker, task, answer);
    } else {
        answer_exec(worker, task, answer, operation);
        if (operation == WRITE_OWN && task->state == TASK_CLAIMING && task->step == CLAIM_OWN) {
            task->step = CLAIM_LOOK; /* nothing moved: look again */
        }
    }
    worker->write_buffers[buffer].used = false;
}
