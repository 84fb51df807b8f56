/* SPDX-License-Identifier: Apache-2.0 */
/* Claim of a task (DESIGN 5.6): learn the truth from Kafka, own the head, bring Redis up to it.
 *
 *   ask C -> journal until cut C is whole -> (prove membership) -> WATCH, GET head -> own it
 *         -> apply W..C -> task record -> live
 *
 * W > C, or a Redis to be written anew: ask C and look once more (claim_looked).
 *
 * There is no order between owners: Kafka decides who may commit, the head only who may write what
 * was committed. Every stop for a person (TASK_HALTED) says what to do. */
#include "base/hash.h"
#include "base/invariant.h"
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { CLAIM_ASK_AGAIN_US = 300000, CLAIM_TORN_US = 120000000, CLAIM_BEYOND_ASKS = 3 };

void claim_begin(struct worker *worker, struct task *task)
{
    task_set_state(worker, task, TASK_CLAIMING);
    task->step = CLAIM_ASK;
    task->ahead_asked = false;
    task->rebuild_asked = 0;
    task->beyond = 0;
    task->beyond_asks = 0;
    task->claim_since_us = worker->now_us;
    stats_add(&worker->stats.claims, 1);
}

/* What is known of the task that had this slot says nothing about its next one, nor about itself when it comes
 * back: another process had it meanwhile. */
void claim_assigned(struct worker *worker, struct task *task, uint32_t number)
{
    struct worker_task_stats *stats = &worker->stats.tasks[task->slot];
    task_forget(worker, task);
    task->want_rebuild = task->want_rebuild && task->number == number;
    task->accept = false;
    task->gone = 0;
    task->prove = false;
    task->restore.newer = 0;
    task->reason[0] = '\0';
    task->retry_us = 0;
    stats_set(&stats->committed, 0);
    stats_set(&stats->applied, 0);
    stats_set(&stats->rebuilt, 0);
    stats_set(&stats->customers, 0);
    stats_set(&stats->low, 0);
    atomic_store_explicit(&stats->lag, -1, memory_order_relaxed);
    task->number = number;
    task->assigned_us = worker->now_us;
    task->prefix_size =
        key_prefix(task->prefix, sizeof(task->prefix), worker->options.application, number);
    atomic_store_explicit(&worker->stats.tasks[task->slot].task, number, memory_order_relaxed);
    claim_begin(worker, task);
}

static void claim_ask(struct worker *worker, struct task *task)
{
    task->asked_us = worker->now_us;
    worker->options.log->ops->ask_committed(worker->options.log, task->number);
}

/* What the committed offsets say. False: the task was halted. */
static bool claim_understand(struct worker *worker, struct task *task,
                             const struct log_event *event)
{
    task->named_any = false;
    task->named = (struct cut_metadata){.low_offset = -1, .previous_offset = -1};
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        struct cut_metadata metadata;
        task->committed[i] = -1;
        if (!worker->options.sources[i].used || event->offsets[i].offset < 0) {
            continue;
        }
        task->committed[i] = event->offsets[i].offset;
        if (!cut_metadata_parse(event->offsets[i].metadata, &metadata)) {
            task_halt(
                worker, task, HALT_OFFSET_FOREIGN,
                "the committed offset of %s was not written by Segue (somebody moved it by hand): "
                "put it "
                "back, or delete the offsets of task %u so that they are taken from the journal",
                worker->options.sources[i].topic, task->number);
            return false;
        }
        if (!task->named_any || metadata.seq > task->named.seq) {
            task->named = metadata;
        }
        task->named_any = true;
    }
    return true;
}

void claim_committed(struct worker *worker, struct task *task, const struct log_event *event)
{
    if (task->state != TASK_CLAIMING) {
        return;
    }
    uint64_t before = task->named.seq;
    bool before_any = task->named_any;
    if (task->step == CLAIM_ASKED) {
        if (!claim_understand(worker, task, event)) {
            return;
        }
        if (task->ahead_asked && task->named.seq < task->ahead_seq) {
            task_halt(worker, task, HALT_KAFKA_BEHIND,
                      "Redis is at cut %llu but Kafka has committed only %llu: Kafka lost "
                      "committed data; restore "
                      "it, or accept Kafka's state with `segue rebuild --task %u`",
                      (unsigned long long)task->ahead_seq, (unsigned long long)task->named.seq,
                      task->number);
            return;
        }
        task->ahead_asked = false;
        task->step = CLAIM_READER;
    } else if (task->step == CLAIM_FIND) {
        if (!claim_understand(worker, task, event)) {
            return;
        }
        if (task->named.seq != before || task->named_any != before_any) {
            journal_release_reader(worker, task);
            task->beyond = 0;
            task->beyond_asks = 0;
            task->step = CLAIM_READER;
        } else if (task->beyond > 0 && ++task->beyond_asks > CLAIM_BEYOND_ASKS) {
            task_halt(worker, task, HALT_CUT_MISSING,
                      "the journal of task %u has cut %llu but not cut %llu, which the committed "
                      "offsets name: a "
                      "transaction was torn; see `segue doctor`",
                      task->number, (unsigned long long)task->beyond,
                      (unsigned long long)task->named.seq);
        }
    }
}

/* Does this cut belong to this application, cluster and division into tasks? */
static bool claim_check_cut(struct worker *worker, struct task *task,
                            const struct cut_header *header)
{
    const struct worker_options *options = &worker->options;
    const char *what = NULL;
    if (!slice_is(header->application, options->application)) {
        what = "another application's name";
    } else if (!slice_is(header->cluster_id, options->cluster_id)) {
        what = "another Kafka cluster's id";
    } else if (header->task_count != options->task_count) {
        what = "another number of tasks (partitions)";
    } else if (header->journal_partitions != options->journal_partitions) {
        what = "another number of journal partitions";
    }
    if (what != NULL) {
        task_halt(worker, task, HALT_JOURNAL_OF_ANOTHER,
                  "the journal carries %s: go back to the configuration that wrote it, or start a "
                  "new application "
                  "name and replay; `segue doctor` shows both sides",
                  what);
    }
    return what == NULL;
}

static void claim_take_cut(struct worker *worker, struct task *task,
                           const struct cut_header *header, struct slice payload, int64_t offset)
{
    task->seq = header->seq;
    task->committed_seq = header->seq;
    task->hash = cut_hash(payload);
    task->last_offset = offset;
    task->now_ms = header->now_ms;
    if (task->now_ms == INT64_MIN && header->customer_count > 0 &&
        worker->options.clock_mode == ENGINE_CLOCK_LIVE) {
        /* Events were processed under a clock that was not believed yet; a sweep, which waits for now, goes before
         * the next ones. The broker's time of that cut is the least that now can be. */
        task->now_ms = task->append_ms;
    }
    task->low = header->low;
    task->customer_count = header->customer_count;
    task->due.cursor = header->due_cursor;
    task->due.last = header->due_last;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        if (!task->named_any) {
            task->committed[i] = header->sources[i].to;
        }
        task->sources[i].verify = header->sources[i].fingerprint;
        task->sources[i].verify_offset = header->sources[i].to - 1;
        task->sources[i].fingerprint = header->sources[i].fingerprint;
    }
}

static void claim_found(struct worker *worker, struct task *task)
{
    journal_stop(worker, task);
    atomic_store_explicit(&worker->stats.tasks[task->slot].committed, task->committed_seq,
                          memory_order_relaxed);
    task->step = task->prove ? CLAIM_PROVE : CLAIM_LOOK;
}

static void claim_find_cut(struct worker *worker, struct task *task,
                           const struct cut_header *header, struct slice payload, int64_t offset)
{
    if (!task->named_any || SIM_WITHOUT(MUTANT_NO_MARKER_WAIT)) {
        claim_take_cut(worker, task, header, payload, offset); /* the last one counts */
        return;
    }
    if (header->seq > task->named.seq) {
        task->beyond = header->seq;
    } else if (header->seq == task->named.seq && claim_check_cut(worker, task, header)) {
        for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
            if (task->committed[i] >= 0 && header->sources[i].to >= 0 &&
                task->committed[i] != header->sources[i].to) {
                task_halt(worker, task, HALT_OFFSET_DIFFERS,
                          "cut %llu of task %u ends at offset %lld of %s but the committed offset "
                          "is %lld: "
                          "a transaction was torn or an offset was moved; see `segue doctor`",
                          (unsigned long long)header->seq, task->number,
                          (long long)header->sources[i].to, worker->options.sources[i].topic,
                          (long long)task->committed[i]);
                return;
            }
        }
        claim_take_cut(worker, task, header, payload, offset);
        claim_found(worker, task);
    }
}

static int64_t claim_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The next cut for Redis: it waits in the reader until it is applied. */
static void claim_catch_cut(struct worker *worker, struct task *task,
                            const struct cut_header *header, struct slice payload, int64_t offset,
                            int64_t next_offset)
{
    if (header->seq <= task->acked_seq) {
        return;
    }
    journal_hold(worker, task, true);
    if (header->seq != task->acked_seq + 1 && !SIM_WITHOUT(MUTANT_SKIP_GAP)) {
        claim_rebuild(worker, task, "the journal no longer has the cuts that Redis needs");
        return;
    }
    task->next_offset = next_offset;
    task->pending[0] = (struct pending){.seq = header->seq, .payload = payload, .flight = NO_INDEX};
    task->pending[0].head = task->head;
    if (header->seq == task->committed_seq) {
        task->pending[0].head.state = HEAD_READY; /* a rebuild ends here */
    }
    task->pending[0].head.seq = header->seq;
    task->pending[0].head.journal_offset = offset;
    task->pending[0].head.layout_hash = header->layout_hash;
    task->pending[0].head.playbook_hash = header->playbook_hash;
    task->pending[0].head.customer_count = header->customer_count;
    /* Whoever must delete finds every bucket in use: of a half-done rebuild, or of a cut that went well in part. */
    task->pending[0].head.due_first =
        claim_least(task->head.due_first, due_first_of(header->due_cursor));
    task->pending[0].head.due_last =
        task->head.due_last > header->due_last ? task->head.due_last : header->due_last;
    task->pending_count = 1;
}

void claim_journal(struct worker *worker, struct task *task, const struct log_event *event)
{
    struct cut_header header;
    struct slice payload;
    if (!task_is_claiming(task) || !task->reading || task->reader == NO_INDEX ||
        journal_take(worker, task, &event->record, &header, &payload) != JOURNAL_CUT) {
        return;
    }
    int64_t offset = worker->readers[task->reader].first_offset;
    if (task->step == CLAIM_FIND) {
        task->append_ms = event->record.append_ms;
        task->append_us = worker->now_us;
        claim_find_cut(worker, task, &header, payload, offset);
    } else if (task->step == CLAIM_CATCH_UP) {
        claim_catch_cut(worker, task, &header, payload, offset, event->record.offset + 1);
    }
}

void claim_journal_end(struct worker *worker, struct task *task, const struct log_event *event)
{
    (void)event;
    if (!task_is_claiming(task) || !task->reading) {
        return;
    }
    if (task->step == CLAIM_FIND && (!task->named_any || SIM_WITHOUT(MUTANT_NO_MARKER_WAIT))) {
        /* A first start, or the offsets expired and the journal's last cut counts. */
        claim_found(worker, task);
    } else if (task->step == CLAIM_CATCH_UP) {
        journal_stop(worker, task);
        claim_rebuild(worker, task, "the journal does not have the cuts that Redis needs");
    }
}

/* C once more, and the head after it. */
static void claim_ask_again(struct worker *worker, struct task *task)
{
    task->step = CLAIM_ASKED;
    journal_release_reader(worker, task);
    claim_ask(worker, task);
}

void claim_looked(struct worker *worker, struct task *task, const struct store_reply *reply)
{
    struct head head = {.journal_offset = -1, .due_first = INT64_MAX, .due_last = INT64_MIN};
    const struct worker_options *options = &worker->options;
    if (reply->kind == STORE_BULK) {
        if (head_parse(reply->text, &head) != STATUS_OK ||
            head.cluster_hash != worker->cluster_hash || head.task_count != options->task_count ||
            head.journal_partitions != options->journal_partitions) {
            task_halt(worker, task, HALT_HEAD_OF_ANOTHER,
                      "Redis at %shead belongs to another Kafka cluster, version or number of "
                      "tasks: point "
                      "redis.address elsewhere or choose another application name",
                      task->prefix);
            return;
        }
    } else if (reply->kind != STORE_NIL) {
        task->retry_us = worker->now_us + RETRY_US;
        return;
    }
    if (head.seq > task->committed_seq) {
        /* W may only be judged against a C that was read after it. */
        task->ahead_asked = true;
        task->ahead_seq = head.seq;
        claim_ask_again(worker, task);
        return;
    }
    bool lost = reply->kind == STORE_NIL && task->low > 0;
    bool rebuild = head.state == HEAD_REBUILDING || task->want_rebuild;
    if (rebuild && reply->kind == STORE_BULK && task->rebuild_asked != hash64(reply->text, 0)) {
        /* What is to be deleted may be of any W, and what an EXEC did in part is not found by its due set: only
         * the cut that it belongs to writes over it. So the cuts must go as far as whoever wrote this head did. */
        task->rebuild_asked = hash64(reply->text, 0);
        claim_ask_again(worker, task);
        return;
    }
    if (rebuild || lost) {
        task->accept = task->accept || (reply->kind == STORE_BULK && head.owner == 0);
        head.state = HEAD_REBUILDING;
        head.seq = 0;
        head.customer_count = 0;
        head.journal_offset = -1;
    }
    task->owner = options->clock->ops->random64(options->clock);
    head.owner = task->owner;
    head.cluster_hash = worker->cluster_hash;
    head.task_count = options->task_count;
    head.journal_partitions = options->journal_partitions;
    head.journal_partition =
        journal_partition_of(worker, task->number, options->journal_partitions);
    task->step = CLAIM_OWN;
    apply_own(worker, task, &head);
    if (task->writing == WRITE_NONE) {
        task->step = CLAIM_LOOK;
    }
}

void claim_owned(struct worker *worker, struct task *task)
{
    task->head = task->next_head;
    task->acked_head = task->head;
    task->acked_seq = task->head.seq;
    if (task->head.seq > 0 && !SIM_WITHOUT(MUTANT_NO_REDO)) {
        task->acked_seq--; /* whether all of cut W went well, only its writer knew (decision 0017) */
    }
    task->sent_seq = task->head.seq;
    task->next_offset = task->head.journal_offset;
    if (task->head.state == HEAD_REBUILDING) {
        /* Said now, not when it was decided: a Redis that refuses the head is asked twenty times a second. */
        stats_add(&worker->stats.rebuilds, 1);
        log_warn("task_rebuild", "a task's Redis is written anew", "task=%u", task->number);
        task_set_state(worker, task, TASK_REBUILDING);
        task->rebuild_bucket = claim_least(task->head.due_first, DUE_FAR_FIRST);
        task->step = CLAIM_REBUILD_DELETE;
        return;
    }
    task->step = task->acked_seq < task->committed_seq ? CLAIM_CATCH_UP : CLAIM_TASK_RECORD;
}

static void claim_live(struct worker *worker, struct task *task)
{
    int64_t offsets[SOURCE_COUNT];
    atomic_store_explicit(&worker->stats.tasks[task->slot].applied, task->acked_seq,
                          memory_order_relaxed);
    start_offsets(worker, task, offsets);
    journal_release_reader(worker, task);
    task->due.loaded = task->due.cursor == INT64_MIN ? INT64_MIN : task->due.cursor - 1;
    task->due.missed = INT64_MAX;
    sweep_reset(worker, task);
    task->last_cut_us = worker->now_us;
    task->live_since_us = worker->now_us;
    task->reason[0] = '\0';
    task->want_rebuild = false;
    follow_begin(worker, task);
    tally_begin(worker, task);
    atomic_store_explicit(&worker->stats.tasks[task->slot].customers, task->customer_count,
                          memory_order_relaxed);
    task_set_state(worker, task, TASK_LIVE);
    log_info("task_live", "a task is live", "task=%u cut=%llu took_ms=%lld", task->number,
             (unsigned long long)task->committed_seq,
             (long long)((worker->now_us - task->claim_since_us) / 1000));
    worker->options.log->ops->start(worker->options.log, task->number, offsets);
}

void claim_task_record(struct worker *worker, struct task *task, const struct store_answer *answer)
{
    const struct store_reply *reply = &answer->replies[0];
    if (!task_is_claiming(task) || task->step != CLAIM_TASK_RECORD) {
        return;
    }
    if (answer->reply_count != 1 || reply->kind != STORE_ARRAY || reply->count != 2) {
        task->retry_us = worker->now_us + RETRY_US;
        return;
    }
    if (read_judge(worker, task, &reply->children[0]) != READ_TRUST) {
        return;
    }
    int64_t bucket;
    struct slice packed;
    struct status_text text;
    engine_task_init(worker->options.engine, task->state_block, task->number);
    task->learned = 0;
    task->state_hash = 0;
    /* Before the first event there is nothing to know of a task, and nobody to sweep for another playbook. */
    bool blank = task->now_ms == INT64_MIN && task->customer_count == 0;
    if (reply->children[1].kind == STORE_BULK && !blank) {
        task->state_hash = hash64(reply->children[1].text, 0);
        if (!record_open(reply->children[1].text, &bucket, &packed) ||
            engine_task_unpack(worker->options.engine, task->state_block, task->number, packed,
                               &text) != STATUS_OK) {
            task_halt(worker, task, HALT_TASK_RECORD,
                      "the task record of task %u cannot be read: `segue rebuild --task %u`",
                      task->number, task->number);
            return;
        }
    }
    claim_live(worker, task);
}

static void claim_read_task(struct worker *worker, struct task *task)
{
    struct store_pipeline pipeline;
    char key[KEY_PREFIX_SIZE_MAX + 8];
    size_t size = task->prefix_size;
    if (task->reading_store != READ_NONE || !read_begin(worker, task, READ_TASK, &pipeline)) {
        return;
    }
    memcpy(key, task->prefix, size);
    store_command(&pipeline, 3);
    store_argument_text(&pipeline, "MGET");
    memcpy(key + size, "head", 4);
    store_argument(&pipeline, slice_of(key, size + 4));
    memcpy(key + size, "c:", 2);
    store_argument(&pipeline, slice_of(key, size + 2));
    read_submit(worker, task, &pipeline);
}

static void claim_step_find(struct worker *worker, struct task *task)
{
    if (worker->now_us - task->asked_us > CLAIM_ASK_AGAIN_US) {
        claim_ask(worker, task);
    }
    if (worker->now_us - task->find_since_us > CLAIM_TORN_US && task->named_any) {
        task_halt(worker, task, HALT_CUT_MISSING,
                  "the journal of task %u does not have cut %llu, which the committed offsets "
                  "name: the journal "
                  "lost data or a transaction was torn; see `segue doctor`",
                  task->number, (unsigned long long)task->named.seq);
    }
}

static void claim_step_reader(struct worker *worker, struct task *task)
{
    if (!journal_take_reader(worker, task, 0)) {
        return;
    }
    task->seq = 0;
    task->committed_seq = 0;
    task->hash = 0;
    task->last_offset = -1;
    task->now_ms = INT64_MIN;
    task->low = 0;
    task->low_offset = task->named.low_offset;
    task->customer_count = 0;
    due_clear(&task->due);
    memset(task->sources, 0, sizeof(task->sources));
    task->step = CLAIM_FIND;
    task->find_since_us = worker->now_us;
    int64_t from = task->named_any ? task->named.previous_offset : -2;
    journal_read(worker, task, from);
}

/* A task that has no cut yet has none that ends its rebuild. */
static void claim_caught_up(struct worker *worker, struct task *task)
{
    struct head head = task->head;
    task->step = CLAIM_TASK_RECORD;
    if (head.state == HEAD_REBUILDING && task->committed_seq == 0) {
        head.state = HEAD_READY;
        head.due_first = INT64_MAX;
        head.due_last = INT64_MIN;
        task->want_rebuild = false;
        task_set_state(worker, task, TASK_CLAIMING);
        apply_own(worker, task, &head);
        task->step = task->writing == WRITE_OWN ? CLAIM_OWN : CLAIM_LOOK;
    }
}

void claim_step(struct worker *worker, struct task *task)
{
    if (worker->now_us < task->retry_us) {
        return;
    }
    switch (task->step) {
    case CLAIM_ASK:
        if (worker->producer == PRODUCER_READY &&
            (worker->committing == NO_INDEX || SIM_WITHOUT(MUTANT_ASK_EARLY))) {
            task->step = CLAIM_ASKED;
            claim_ask(worker, task);
        }
        break;
    case CLAIM_ASKED:
        if (worker->now_us - task->asked_us > 10 * CLAIM_ASK_AGAIN_US) {
            claim_ask(worker, task);
        }
        break;
    case CLAIM_READER:
        claim_step_reader(worker, task);
        break;
    case CLAIM_FIND:
        claim_step_find(worker, task);
        break;
    case CLAIM_LOOK:
    case CLAIM_OWN:
        apply_step(worker, task);
        break;
    case CLAIM_CATCH_UP:
        if (task->pending_count > 0) {
            apply_step(worker, task);
        } else if (task->acked_seq == task->committed_seq) {
            claim_caught_up(worker, task);
        } else if (task->held) {
            journal_hold(worker, task, false);
        } else if (!task->reading) {
            journal_read(worker, task, task->next_offset);
        }
        break;
    case CLAIM_TASK_RECORD:
        claim_read_task(worker, task);
        break;
    case CLAIM_REBUILD_DELETE:
        rebuild_step(worker, task);
        break;
    case CLAIM_CHECKPOINTS:
        restore_step(worker, task);
        break;
    case CLAIM_PROVE: /* flight.c puts an empty cut into the next transaction */
    case CLAIM_PROVING:
        break;
    }
}

void claim_rebuild(struct worker *worker, struct task *task, const char *why)
{
    if (task->head.state == HEAD_REBUILDING) {
        task_halt(worker, task, HALT_JOURNAL_BEGINS_LATE,
                  "%s, and the journal of task %u does not begin at its first cut: restore %s, or "
                  "replay the "
                  "inputs under a new application name",
                  why, task->number, worker->options.journal_topic);
        return;
    }
    task->want_rebuild = true;
    task_reclaim(worker, task, "%s: Redis will be written anew", why);
}
