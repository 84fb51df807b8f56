/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints and the journal's end (DESIGN 5.5): a task follows its own cuts in the journal, some
 * checkpoint.interval behind, and writes the customers in them to the compacted topic.
 *
 *   cut n (old enough) -> its customers without a checkpoint since -> one read from Redis, with the head
 *     -> checkpoints into the next transaction -> committed: low = n -> the journal before cut `low` may go
 *
 * The journal itself is the list of who changed, so nothing grows with the number of customers and a restart
 * goes on where the committed metadata says (`low`). A checkpoint is copied from Redis as of cut W >= n: a
 * customer who changes every second is written once and skipped in the cuts up to W. What is forgotten here,
 * or read twice, costs a checkpoint too many, never one too few. */
#include "base/digits.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum {
    FOLLOW_REST_US_MIN = 1000000,
    FOLLOW_STUCK_US = 5000000, /* reading brings nothing: let others have the reader */
    FOLLOW_TURN_US = 1000000,  /* then another task has its turn */
    FOLLOW_KEYS_MAX = 256,     /* customers of one read */
    FOLLOW_KEY_BYTES =
        2 * (KEY_PREFIX_SIZE_MAX + CUSTOMER_ID_SIZE_MAX) + 64, /* of its commands, each */
    FOLLOW_WRITES_LEFT = 256, /* records that the transaction keeps room for */
    FOLLOW_READERS_LEFT = 1,  /* for claims */
};

void follow_begin(struct worker *worker, struct task *task)
{
    task->follow = (struct follow){
        .offset = task->low_offset, .done_seq = task->low, .done_offset = task->low_offset};
    task->follow.next_us = worker->now_us;
    task->follow.trimmed_us = worker->now_us;
}

static int64_t interval_us(const struct worker *worker)
{
    return worker->options.checkpoint_interval_ms * 1000;
}

/* Give the reader back; go on at `offset` not before `rest_us` from now. */
static void follow_rest(struct worker *worker, struct task *task, int64_t offset, int64_t rest_us)
{
    int64_t least_us =
        interval_us(worker) < FOLLOW_REST_US_MIN ? interval_us(worker) : FOLLOW_REST_US_MIN;
    follow_end(worker, task);
    task->follow.offset = offset;
    task->follow.next_us = worker->now_us + (rest_us > least_us ? rest_us : least_us);
}

void follow_end(struct worker *worker, struct task *task)
{
    if (task->follow.state != FOLLOW_REST) {
        journal_release_reader(worker, task);
        task->follow.state = FOLLOW_REST;
    }
    if (worker->following == task->slot) {
        worker->following = NO_INDEX;
    }
}

/* ---- what the journal says ---- */

void follow_journal(struct worker *worker, struct task *task, const struct log_event *event)
{
    struct follow *follow = &task->follow;
    struct cut_header header;
    struct slice payload;
    if (follow->state != FOLLOW_READING ||
        journal_take(worker, task, &event->record, &header, &payload) != JOURNAL_CUT) {
        return;
    }
    int64_t first_offset = worker->readers[task->reader].first_offset;
    follow->since_us = worker->now_us;
    if (header.seq <= follow->done_seq) {
        return;
    }
    /* The cut has the broker's time: where our own clock is slow, that of our last cut says more. */
    int64_t broker_ms = task->append_ms + (worker->now_us - task->append_us) / 1000;
    int64_t now_ms = broker_ms > worker->wall_ms ? broker_ms : worker->wall_ms;
    int64_t young_ms = event->record.append_ms + worker->options.checkpoint_interval_ms - now_ms;
    if (header.seq != follow->done_seq + 1 || header.seq > task->acked_seq || young_ms > 0) {
        /* Nothing to do yet; a gap means that somebody else owns the task by now. */
        int64_t rest_us =
            young_ms * 1000 < interval_us(worker) ? young_ms * 1000 : interval_us(worker);
        follow_rest(worker, task, first_offset, rest_us);
        return;
    }
    struct bytes_reader reader = bytes_reader(payload);
    INVARIANT(cut_take_header(&reader, &header) == STATUS_OK);
    follow->state = FOLLOW_CUT;
    follow->seq = header.seq;
    follow->cut_offset = first_offset;
    follow->after_offset = event->record.offset + 1;
    follow->entries_left = header.entry_count;
    follow->entries_at = (size_t)(reader.at - payload.data);
    if (SIM_WITHOUT(MUTANT_LOW_EARLY)) {
        follow->done_seq = header.seq;
        follow->done_offset = first_offset;
    }
    journal_hold(worker, task, true);
}

void follow_journal_end(struct worker *worker, struct task *task)
{
    struct follow *follow = &task->follow;
    if (follow->state == FOLLOW_READING) {
        follow_rest(worker, task, follow->after_offset > 0 ? follow->after_offset : follow->offset,
                    interval_us(worker) / 4);
    }
}

/* ---- whose checkpoint is due ---- */

/* What an earlier claim wrote may never have been committed. (Not in the hash's seed: hashes of short ids under
 * neighbouring seeds coincide.) */
static uint64_t claim_of(const struct task *task)
{
    return task->serial << 16 | task->slot;
}

static struct recent_checkpoint *recent_of(const struct worker *worker, uint64_t hash)
{
    return &worker->recent[hash & (RECENT_CHECKPOINTS - 1)];
}

static bool is_recent(const struct worker *worker, const struct task *task, struct slice id)
{
    uint64_t hash = hash64(id, 0);
    const struct recent_checkpoint *recent = recent_of(worker, hash);
    return recent->hash == hash &&
           (recent->claim == claim_of(task) || SIM_WITHOUT(MUTANT_OLD_CHECKPOINT)) &&
           recent->seq >= task->follow.seq;
}

/* The next customer of the cut in the reader who has no checkpoint since; false: no more. Moves on to behind
 * him in `at` and `left`. */
static bool next_due(const struct worker *worker, const struct task *task, size_t *at,
                     uint32_t *left, struct slice *out_id)
{
    const struct reader *source = &worker->readers[task->reader];
    struct bytes_reader reader = bytes_reader(slice_of(source->buffer + *at, source->size - *at));
    while (*left > 0) {
        struct cut_entry entry;
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK); /* the whole cut was checked */
        (*left)--;
        *at = (size_t)(reader.at - source->buffer);
        if (!is_recent(worker, task, entry.id)) {
            *out_id = entry.id;
            return true;
        }
    }
    return false;
}

/* Head, records and views in one atomic step. */
static void follow_read(struct worker *worker, struct task *task, const struct slice *ids,
                        uint32_t count)
{
    struct store_pipeline pipeline;
    char record_text[KEY_PREFIX_SIZE_MAX + 8];
    char view_text[KEY_PREFIX_SIZE_MAX + 8];
    char head_text[KEY_PREFIX_SIZE_MAX + 8];
    if (!read_begin(worker, task, READ_CHECKPOINT, &pipeline)) {
        return;
    }
    struct slice record_key = task_key(record_text, task, "c:");
    struct slice view_key = task_key(view_text, task, "v:");
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, "MULTI");
    store_command(&pipeline, 2 + count);
    store_argument_text(&pipeline, "MGET");
    store_argument(&pipeline, task_key(head_text, task, "head"));
    for (uint32_t i = 0; i < count; i++) {
        store_argument_pair(&pipeline, record_key, ids[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        store_command(&pipeline, 2);
        store_argument_text(&pipeline, "HGETALL");
        store_argument_pair(&pipeline, view_key, ids[i]);
    }
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, "EXEC");
    read_note_keys(worker, task, ids, count);
    read_submit(worker, task, &pipeline);
}

/* Checkpoints may fill what a batch leaves of a transaction; where commits are slow, and batches leave nothing,
 * a quarter more. */
static bool follow_room(const struct worker *worker)
{
    if (worker->building == NO_INDEX) {
        return false;
    }
    const struct flight *flight = &worker->flights[worker->building];
    size_t most = worker->flight_bytes_max + worker->flight_bytes_max / 4;
    return flight->arena.size - flight->arena.used > worker->options.limits.step_bytes / 4 &&
           flight_bytes(worker, flight) < most &&
           flight->write_count + FOLLOW_WRITES_LEFT < worker->options.limits.outputs_per_commit;
}

static uint32_t keys_most(const struct worker *worker, const struct task *task)
{
    uint32_t most = (uint32_t)(worker->read_buffer_size / FOLLOW_KEY_BYTES);
    most = most < FOLLOW_KEYS_MAX ? most : FOLLOW_KEYS_MAX;
    return task->read_keys_max < most ? task->read_keys_max : most;
}

static void follow_cut(struct worker *worker, struct task *task)
{
    struct follow *follow = &task->follow;
    struct slice ids[FOLLOW_KEYS_MAX];
    uint32_t most = keys_most(worker, task);
    uint32_t count = 0;
    size_t at = follow->entries_at;
    uint32_t left = follow->entries_left;
    if (worker->now_us < task->retry_us || task->reading_store != READ_NONE ||
        !follow_room(worker) || worker->stopping || !task_may_cut_alone(worker, task) ||
        task->acked_seq < follow->ahead) {
        if (worker->now_us - follow->since_us > FOLLOW_STUCK_US) {
            follow_rest(worker, task, follow->cut_offset, 0);
        }
        return;
    }
    while (count < most && next_due(worker, task, &at, &left, &ids[count])) {
        count++;
    }
    follow->since_us = worker->now_us;
    if (count > 0) {
        follow_read(worker, task, ids, count);
        return;
    }
    follow->done_seq = follow->seq;
    follow->done_offset = follow->cut_offset;
    if (worker->now_us - follow->turn_us > FOLLOW_TURN_US) {
        follow_rest(worker, task, follow->after_offset, 0);
        return;
    }
    follow->state = FOLLOW_READING;
    journal_hold(worker, task, false);
}

/* ---- writing them ---- */

/* A view as Redis has it, as the fields of an entry. False: it does not fit, or Redis could not read it. */
static bool take_view(struct worker *worker, const struct store_reply *view,
                      struct cut_entry *entry)
{
    struct bytes_writer writer = bytes_writer(worker->view_bytes, worker->view_bytes_size);
    if (view->kind != STORE_ARRAY || view->count % 2 != 0) {
        return false;
    }
    for (uint32_t i = 0; i + 1 < view->count; i += 2) {
        cut_put_field(&writer, &(struct cut_field){view->children[i].text,
                                                   view->children[i + 1].text, false});
    }
    entry->view_count = view->count / 2;
    entry->view = slice_of(worker->view_bytes, writer.size);
    return !writer.full;
}

static bool take_value(struct worker *worker, struct task *task, struct flight *flight,
                       struct slice id, const struct store_reply *record,
                       const struct store_reply *view, struct log_write *write)
{
    struct cut_entry entry = {
        .id = id, .flags = CUT_RECORD_SET | CUT_VIEW_WHOLE, .record = record->text};
    struct slice packed;
    (void)task;
    if (!record_open(record->text, &entry.bucket_new, &packed) ||
        !take_view(worker, view, &entry)) {
        return false;
    }
    entry.flags |= id.size > 0 ? CUT_BUCKET_NEW : 0U;
    size_t size = CUT_CHECKPOINT_OVERHEAD + id.size + entry.record.size + entry.view.size;
    uint8_t *bytes = arena_take(&flight->arena, size);
    if (bytes == NULL) {
        return false;
    }
    struct bytes_writer writer = bytes_writer(bytes, size);
    cut_put_checkpoint(&writer, &entry);
    INVARIANT(!writer.full);
    write->value = slice_of(bytes, writer.size);
    write->has_value = true;
    return true;
}

/* One customer as of cut W; nobody in Redis: a tombstone. False: no room. */
static bool follow_write(struct worker *worker, struct task *task, struct slice id,
                         const struct store_reply *record, const struct store_reply *view,
                         uint64_t seq)
{
    struct flight *flight = &worker->flights[worker->building];
    char text[DIGITS_MAX + 1 + CUSTOMER_ID_SIZE_MAX];
    char number[DIGITS_MAX];
    struct slice digits = digits_of(task->number, number);
    memcpy(text, digits.data, digits.size);
    text[digits.size] = ':';
    memcpy(text + digits.size + 1, id.data, id.size);
    struct header *header = arena_take(&flight->arena, sizeof(*header));
    struct log_write write = {
        .topic = worker->options.checkpoint_topic,
        .partition = (int32_t)journal_partition_of(worker, task->number,
                                                   worker->options.checkpoint_partitions),
        .key = arena_copy(&flight->arena, slice_of(text, digits.size + 1 + id.size)),
        .has_key = true,
        .headers = header,
        .header_count = 1,
    };
    if (header == NULL || write.key.data == NULL || !follow_room(worker)) {
        return false;
    }
    *header = (struct header){slice_text("seq"),
                              arena_copy(&flight->arena, digits_of((int64_t)seq, number))};
    if (header->value.data == NULL ||
        (record->kind == STORE_BULK &&
         !take_value(worker, task, flight, id, record, view, &write))) {
        return false;
    }
    flight->write_slots[flight->write_count] = task->slot;
    flight->writes[flight->write_count++] = write;
    uint64_t hash = hash64(id, 0);
    *recent_of(worker, hash) = (struct recent_checkpoint){hash, seq, claim_of(task)};
    stats_add(&worker->stats.checkpoints, 1);
    return true;
}

/* The answer: [head, records..], then a view each. What does not fit into this transaction is read again. */
void follow_loaded(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    struct follow *follow = &task->follow;
    const struct store_reply *exec = &answer->replies[answer->reply_count - 1];
    struct head head;
    if (follow->state != FOLLOW_CUT || exec->kind != STORE_ARRAY ||
        exec->count != task->read_count + 1 || exec->children[0].kind != STORE_ARRAY ||
        exec->children[0].count != task->read_count + 1) {
        task->retry_us = worker->now_us + RETRY_US;
        return;
    }
    const struct store_reply *records = exec->children[0].children;
    follow->ahead = 0;
    if (read_judge(worker, task, &records[0]) != READ_TRUST ||
        read_found_foreign(worker, task, exec->children + 1, task->read_count) ||
        !follow_room(worker) || worker->stopping ||
        head_parse(records[0].text, &head) != STATUS_OK) {
        return;
    }
    INVARIANT(head.seq >= follow->seq || SIM_WITHOUT(MUTANT_NO_READ_JUDGE));
    if (head.seq > task->acked_seq && !SIM_WITHOUT(MUTANT_COPY_EARLY)) {
        follow->ahead =
            head.seq; /* a part of it may have failed: again, and before the next write */
        return;
    }
    for (uint32_t i = 0; i < task->read_count; i++) {
        size_t at = follow->entries_at;
        uint32_t left = follow->entries_left;
        struct slice id;
        if (!next_due(worker, task, &at, &left, &id) ||
            !slice_equal(id, read_key(worker, task, i)) ||
            !follow_write(worker, task, id, &records[1 + i], &exec->children[1 + i], head.seq)) {
            break;
        }
        follow->entries_at = at;
        follow->entries_left = left;
        /* In the same transaction as a cut of this task: who is no longer its owner writes no checkpoints. */
        struct flight *flight = &worker->flights[worker->building];
        flight->began_us = flight->began_us == 0 ? worker->now_us : flight->began_us;
        task->held_building = true;
    }
}

/* A claim reads the same partition of the journal. There is one reader for all of a worker's tasks: whoever waits
 * with a cut in hand holds everybody up, and whoever begins further back takes everybody there. */
static bool claim_is_reading(const struct worker *worker, const struct task *task)
{
    uint32_t count = worker->options.journal_partitions;
    uint32_t partition = journal_partition_of(worker, task->number, count);
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        const struct task *other = &worker->tasks[i];
        if (task_is_claiming(other) && other->reading &&
            journal_partition_of(worker, other->number, count) == partition) {
            return true;
        }
    }
    return false;
}

void follow_step(struct worker *worker, struct task *task)
{
    struct follow *follow = &task->follow;
    if (follow->state != FOLLOW_REST && claim_is_reading(worker, task)) {
        follow_rest(worker, task, follow->state == FOLLOW_CUT ? follow->cut_offset : follow->offset,
                    0);
    }
    switch (follow->state) {
    case FOLLOW_REST:
        if (worker->now_us < follow->next_us || worker->following != NO_INDEX ||
            claim_is_reading(worker, task) || task->last_offset < 0 || worker->stopping ||
            !journal_take_reader(worker, task, FOLLOW_READERS_LEFT)) {
            break;
        }
        worker->following = task->slot;
        follow->state = FOLLOW_READING;
        follow->since_us = worker->now_us;
        follow->turn_us = worker->now_us;
        follow->after_offset = 0;
        journal_read(worker, task, follow->offset);
        break;
    case FOLLOW_READING:
        if (worker->now_us - follow->since_us > FOLLOW_STUCK_US) {
            follow_rest(worker, task, follow->offset, 0);
        }
        break;
    case FOLLOW_CUT:
        follow_cut(worker, task);
        break;
    }
    if (task->low > 0 && worker->now_us - follow->trimmed_us >= interval_us(worker)) {
        follow->trimmed_us = worker->now_us;
        worker->options.log->ops->trim_journal(worker->options.log, task->number,
                                               worker->options.journal_keep_ms, cut_low_offset);
    }
}
