/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts together and is the table of functions that the runtime sees. */
#include "io/kafka_log.h"

#include "base/invariant.h"
#include "base/memory.h"
#include "io/kafka_asker.h"
#include "io/kafka_committer.h"
#include "io/kafka_intake.h"
#include "io/kafka_permissions.h"
#include "io/kafka_replay.h"
#include "io/kafka_topics.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { START_TIMEOUT_MS = 30000, SETTLE_TIMEOUT_MS = 1000, SILENT_MS_MAX = 3000 };

struct kafka_worker {
    struct log log; /* first: struct log * is struct kafka_worker * */
    struct kafka_log *kafka;
    uint32_t index;
    struct kafka_inbox inbox;
    struct kafka_committer committer;
    struct kafka_asker asker;
    struct kafka_replay replay;
    struct kafka_header_pool headers;
    struct kafka_membership *membership; /* of the assignment that this worker knows of; held */
};

struct kafka_log {
    struct kafka_log_settings settings;
    struct kafka_topic_counts counts;
    struct kafka_group group;
    struct kafka_intake intake;
    struct kafka_worker *workers;
    uint32_t workers_open;
    struct log_offset *answers;
    int64_t *ends;
    uint32_t *tickets; /* per task: of the last question about offsets; its worker's */
    pthread_t asking; /* permissions, while everything else is opened; joined before the group is */
    bool is_asking;
    enum status permitted;
    struct status_text why_not;
};

static struct kafka_worker *worker_of(struct log *log)
{
    return (struct kafka_worker *)(void *)log;
}

/* ---- what the group tells: on the poller's thread ---- */

static struct kafka_worker *owner_of(struct kafka_log *kafka, uint32_t task)
{
    return &kafka->workers[task % kafka->settings.worker_count];
}

static void group_assigned(void *context, uint32_t task, struct kafka_membership *membership)
{
    struct kafka_note note = {.kind = KAFKA_NOTE_ASSIGNED, .task = task, .membership = membership};
    kafka_membership_hold(membership);
    kafka_inbox_put(&owner_of(context, task)->inbox, &note, NULL);
}

static void group_revoked(void *context, uint32_t task)
{
    struct kafka_note note = {.kind = KAFKA_NOTE_REVOKED, .task = task};
    kafka_inbox_put(&owner_of(context, task)->inbox, &note, NULL);
}

/* A transaction that is under way may still end well before the group moves on; new ones are
 * refused by log_commit from the moment of the revocation. */
static void group_settle(void *context)
{
    struct kafka_log *kafka = context;
    int64_t deadline_ms = kafka_now_ms() + SETTLE_TIMEOUT_MS;
    for (uint32_t w = 0; w < kafka->settings.worker_count; w++) {
        while (!kafka_committer_is_idle(&kafka->workers[w].committer) &&
               kafka_now_ms() < deadline_ms) {
            (void)usleep(1000);
        }
    }
}

static void group_fatal(void *context, const char *reason)
{
    struct kafka_log *kafka = context;
    struct kafka_note note = {.kind = KAFKA_NOTE_FATAL};
    struct status_text text;
    (void)status_fail(&text, STATUS_FATAL, "consumer group: %s", reason);
    for (uint32_t w = 0; w < kafka->settings.worker_count; w++) {
        kafka_inbox_put(&kafka->workers[w].inbox, &note, &text);
    }
}

/* ---- struct log_ops: on the worker's thread ---- */

static void end_task(struct kafka_worker *worker, uint32_t task)
{
    kafka_intake_stop(&worker->kafka->intake, task);
    kafka_replay_stop(&worker->replay, false, task);
    kafka_replay_stop(&worker->replay, true, task);
}

static void take_up(struct kafka_worker *worker, const struct kafka_note *note,
                    struct log_event *event)
{
    event->kind = LOG_ASSIGNED;
    event->generation = note->membership->generation;
    kafka_membership_drop(worker->membership);
    worker->membership = note->membership;
}

static void take_commit(struct kafka_worker *worker, const struct kafka_note *note,
                        struct log_event *event)
{
    event->kind = note->result;
    event->reinit = note->reinit;
    /* Fenced under an assignment that is already over, while the next one has been taken up: no
     * LOG_ASSIGNED will come to wait for, so the claim begins now. */
    if (note->result == LOG_COMMIT_FENCED && worker->membership != NULL &&
        worker->membership->generation != note->generation) {
        event->kind = LOG_COMMIT_FAILED;
    }
}

static void take_ends(struct kafka_worker *worker, uint32_t task)
{
    int64_t ends[SOURCE_COUNT];
    kafka_asker_ends(&worker->asker, task, ends);
    kafka_intake_ends(&worker->kafka->intake, task, ends);
}

/* Turn a note into the runtime's event; false: it was ours alone. */
static bool take_note(struct kafka_worker *worker, const struct kafka_note *note,
                      struct log_event *event)
{
    event->task = note->task;
    switch (note->kind) {
    case KAFKA_NOTE_ASSIGNED:
        take_up(worker, note, event);
        return true;
    case KAFKA_NOTE_REVOKED:
        end_task(worker, note->task);
        worker->kafka->tickets[note->task]++; /* an answer under way is nobody's */
        event->kind = LOG_REVOKED;
        return true;
    case KAFKA_NOTE_PRODUCER:
        event->kind = note->result;
        return true;
    case KAFKA_NOTE_COMMIT:
        take_commit(worker, note, event);
        return true;
    case KAFKA_NOTE_OFFSETS:
        event->kind = LOG_COMMITTED_OFFSETS;
        kafka_asker_offsets(&worker->asker, note->task, event->offsets);
        return note->ticket ==
               worker->kafka->tickets[note->task]; /* else an older question's answer */
    case KAFKA_NOTE_ENDS:
        event->kind = LOG_ENDS;
        event->ticket = note->ticket;
        take_ends(worker, note->task);
        return true;
    case KAFKA_NOTE_DELETED:
        event->kind = LOG_DELETED;
        return true;
    case KAFKA_NOTE_MARKS:
        kafka_replay_marks(&worker->replay, note);
        return false;
    case KAFKA_NOTE_GONE:
        event->kind = LOG_INPUT_GONE;
        event->ticket = note->ticket;
        return true;
    case KAFKA_NOTE_FATAL:
        event->kind = LOG_FATAL;
        return true;
    }
    INVARIANT(false); /* no such note */
}

/* Only what an event of its kind uses is set; the offsets alone are 1.6 KB. */
static bool log_next_event(struct log *log, struct log_event *out_event)
{
    struct kafka_worker *worker = worker_of(log);
    struct kafka_note note;
    while (kafka_inbox_take(&worker->inbox, &note, &out_event->text)) {
        out_event->reinit = false;
        if (take_note(worker, &note, out_event)) {
            return true;
        }
    }
    out_event->reinit = false;
    return kafka_replay_next(&worker->replay, out_event);
}

static uint32_t log_fetch(struct log *log, uint32_t task, uint32_t source,
                          struct log_record *out_records, uint32_t max)
{
    struct kafka_worker *worker = worker_of(log);
    return kafka_intake_fetch(&worker->kafka->intake, task, source, &worker->headers, out_records,
                              max);
}

static void log_release(struct log *log, struct log_record *records, uint32_t count)
{
    kafka_intake_release(&worker_of(log)->headers, records, count);
}

static void log_start(struct log *log, uint32_t task, const int64_t *offsets)
{
    kafka_intake_start(&worker_of(log)->kafka->intake, task, offsets);
}

static void log_stop(struct log *log, uint32_t task)
{
    kafka_intake_stop(&worker_of(log)->kafka->intake, task);
}

static int64_t log_high_watermark(struct log *log, uint32_t task, enum source source,
                                  bool *out_empty)
{
    return kafka_intake_high_watermark(&worker_of(log)->kafka->intake, task, source, out_empty);
}

static void log_ask_ends(struct log *log, uint32_t task, uint32_t ticket)
{
    struct kafka_question question = {.kind = KAFKA_ASK_ENDS, .task = task, .ticket = ticket};
    INVARIANT(kafka_asker_put(&worker_of(log)->asker, &question));
}

static void log_ask_committed(struct log *log, uint32_t task)
{
    struct kafka_worker *worker = worker_of(log);
    struct kafka_question question = {.kind = KAFKA_ASK_OFFSETS, .task = task};
    question.ticket = ++worker->kafka->tickets[task];
    INVARIANT(kafka_asker_put(&worker->asker, &question));
}

static void log_read_journal(struct log *log, uint32_t task, int64_t offset)
{
    kafka_replay_start(&worker_of(log)->replay, false, task, offset);
}

static void log_stop_journal(struct log *log, uint32_t task)
{
    kafka_replay_stop(&worker_of(log)->replay, false, task);
}

static void log_read_checkpoints(struct log *log, uint32_t task)
{
    kafka_replay_start(&worker_of(log)->replay, true, task, -2);
}

static void log_stop_checkpoints(struct log *log, uint32_t task)
{
    kafka_replay_stop(&worker_of(log)->replay, true, task);
}

static void log_hold_reader(struct log *log, uint32_t task, bool hold)
{
    kafka_replay_hold(&worker_of(log)->replay, (task & LOG_CHECKPOINT_READER) != 0,
                      task & ~LOG_CHECKPOINT_READER, hold);
}

static void log_open_producer(struct log *log)
{
    kafka_committer_open(&worker_of(log)->committer);
}

static void log_commit(struct log *log, const struct log_transaction *transaction)
{
    struct kafka_worker *worker = worker_of(log);
    struct kafka_group *group = &worker->kafka->group;
    struct kafka_membership *membership = worker->membership;
    if (transaction->offset_count > 0 &&
        (membership == NULL || membership->generation != atomic_load(&group->generation))) {
        /* The assignment is over, and REVOKED waits in the inbox. The broker would refuse it as
         * well, but then the producer would have to be made anew. */
        struct kafka_note note = {.kind = KAFKA_NOTE_COMMIT, .result = LOG_COMMIT_FENCED};
        struct status_text text;
        note.generation = membership == NULL ? 0 : membership->generation;
        (void)status_fail(&text, STATUS_RETRY, "the assignment is over; nothing was sent");
        kafka_inbox_put(&worker->inbox, &note, &text);
        return;
    }
    kafka_committer_commit(&worker->committer, transaction, membership);
}

static void log_trim_journal(struct log *log, uint32_t task, int64_t keep_ms,
                             log_low_offset *low_offset)
{
    struct kafka_worker *worker = worker_of(log);
    const struct kafka_topic_counts *counts = &worker->kafka->counts;
    struct kafka_question question = {
        .kind = KAFKA_ASK_DELETE, .task = task, .keep_ms = keep_ms, .low_offset = low_offset};
    question.topic = worker->kafka->settings.journal_topic;
    question.partition =
        (int32_t)kafka_shared_partition(task, counts->task_count, counts->journal_count);
    for (uint32_t t = 0; t < counts->task_count; t++) {
        if ((int32_t)kafka_shared_partition(t, counts->task_count, counts->journal_count) ==
            question.partition) {
            question.first_task = question.task_count++ == 0 ? t : question.first_task;
        }
    }
    INVARIANT(kafka_asker_put(&worker->asker, &question));
}

static void log_wait(struct log *log, int32_t timeout_ms)
{
    kafka_inbox_wait(&worker_of(log)->inbox, timeout_ms);
}

static const struct log_ops kafka_ops = {
    .next_event = log_next_event,
    .fetch = log_fetch,
    .release = log_release,
    .start = log_start,
    .stop = log_stop,
    .high_watermark = log_high_watermark,
    .ask_ends = log_ask_ends,
    .ask_committed = log_ask_committed,
    .read_journal = log_read_journal,
    .stop_journal = log_stop_journal,
    .open_producer = log_open_producer,
    .commit = log_commit,
    .trim_journal = log_trim_journal,
    .read_checkpoints = log_read_checkpoints,
    .stop_checkpoints = log_stop_checkpoints,
    .hold_reader = log_hold_reader,
    .wait = log_wait,
};

/* ---- opening and closing ---- */

static enum status worker_open(struct kafka_log *kafka, uint32_t index,
                               struct status_text *out_text)
{
    struct kafka_worker *worker = &kafka->workers[index];
    uint32_t task_count = kafka->counts.task_count;
    uint32_t shared[2] = {kafka->counts.journal_count, kafka->counts.checkpoint_count};
    worker->log.ops = &kafka_ops;
    worker->kafka = kafka;
    worker->index = index;
    kafka->workers_open = index + 1;
    /* Room for four rebalances that the worker has not looked at, and an answer to every question.
     */
    if (!kafka_inbox_init(&worker->inbox, task_count * 12 + (shared[0] + shared[1]) * 2 + 64)) {
        return status_fail(out_text, STATUS_FULL, "kafka: no eventfd: too many open files");
    }
    enum status status = kafka_replay_open(&worker->replay, &kafka->settings, index, task_count,
                                           shared, &worker->inbox, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    worker->replay.asker = &worker->asker;
    worker->asker.settings = &kafka->settings;
    worker->asker.group = &kafka->group;
    worker->asker.client = worker->replay.client;
    worker->asker.inbox = &worker->inbox;
    worker->asker.answers = kafka->answers;
    worker->asker.ends = kafka->ends;
    status = kafka_asker_start(&worker->asker, task_count * 8 + (shared[0] + shared[1]) * 2 + 16,
                               out_text);
    if (status != STATUS_OK) {
        return status;
    }
    for (uint32_t task = index; task < task_count; task += kafka->settings.worker_count) {
        kafka_intake_watch(&kafka->intake, task, &worker->inbox);
    }
    return kafka_committer_start(&worker->committer, &kafka->settings, index, &worker->inbox,
                                 out_text);
}

static enum status open_parts(struct kafka_log *kafka, struct status_text *out_text)
{
    const struct kafka_group_owner owner = {kafka, group_assigned, group_revoked, group_settle,
                                            group_fatal};
    uint32_t task_count = kafka->counts.task_count;
    enum status status =
        kafka_group_open(&kafka->group, &kafka->settings, task_count, &owner, out_text);
    if (status == STATUS_OK) {
        status = kafka_intake_open(&kafka->intake, &kafka->settings, task_count, out_text);
    }
    kafka->answers =
        memory_take((size_t)task_count * SOURCE_COUNT * sizeof(*kafka->answers), "kafka: tasks");
    kafka->ends =
        memory_take((size_t)task_count * SOURCE_COUNT * sizeof(*kafka->ends), "kafka: tasks");
    kafka->tickets = memory_take(task_count * sizeof(*kafka->tickets), "kafka: tasks");
    kafka->workers =
        memory_take(kafka->settings.worker_count * sizeof(*kafka->workers), "kafka: workers");
    for (uint32_t w = 0; w < kafka->settings.worker_count && status == STATUS_OK; w++) {
        status = worker_open(kafka, w, out_text);
    }
    return status;
}

/* It takes some round trips, and a restart has no time for them in a row. */
static void *ask_permissions(void *argument)
{
    struct kafka_log *kafka = argument;
    kafka->permitted = kafka_permissions_check(&kafka->settings, START_TIMEOUT_MS, &kafka->why_not);
    return NULL;
}

static enum status permissions_answered(struct kafka_log *kafka)
{
    if (kafka->is_asking) {
        (void)pthread_join(kafka->asking, NULL);
        kafka->is_asking = false;
    }
    return kafka->permitted;
}

enum status kafka_open(const struct kafka_log_settings *settings, struct kafka_log **out_kafka,
                       struct status_text *out_text)
{
    int32_t timeout_ms =
        settings->start_timeout_ms > 0 ? settings->start_timeout_ms : START_TIMEOUT_MS;
    INVARIANT(settings->worker_count > 0 && settings->worker_count <= KAFKA_WORKERS_MAX);
    INVARIANT(settings->output_count <= KAFKA_OUTPUTS_MAX);
    struct kafka_log *kafka = memory_take(sizeof(*kafka), "kafka: workers");
    kafka->settings = *settings;
    enum status status = kafka_topics_check(&kafka->settings, timeout_ms, &kafka->counts, out_text);
    if (status == STATUS_OK &&
        kafka->counts.task_count > LOG_TASKS_PER_WORKER_MAX * settings->worker_count) {
        status = status_fail(
            out_text, STATUS_INVALID,
            "kafka: %u partitions are more than %u workers can own (%d each): raise `workers`",
            kafka->counts.task_count, settings->worker_count, LOG_TASKS_PER_WORKER_MAX);
    }
    if (status == STATUS_OK) {
        status = open_parts(kafka, out_text);
        if (status != STATUS_OK) {
            kafka_close(kafka);
        }
    }
    if (status == STATUS_OK) {
        kafka->is_asking = pthread_create(&kafka->asking, NULL, ask_permissions, kafka) == 0;
        if (!kafka->is_asking) {
            (void)ask_permissions(kafka);
        }
        *out_kafka = kafka;
    }
    return status;
}

uint32_t kafka_task_count(const struct kafka_log *kafka)
{
    return kafka->counts.task_count;
}

uint32_t kafka_journal_count(const struct kafka_log *kafka)
{
    return kafka->counts.journal_count;
}

uint32_t kafka_checkpoint_count(const struct kafka_log *kafka)
{
    return kafka->counts.checkpoint_count;
}

const char *kafka_cluster_id(const struct kafka_log *kafka)
{
    return kafka->counts.cluster_id;
}

struct log *kafka_worker_log(struct kafka_log *kafka, uint32_t worker)
{
    INVARIANT(worker < kafka->settings.worker_count);
    return &kafka->workers[worker].log;
}

void kafka_wake(struct kafka_log *kafka, uint32_t worker)
{
    kafka_inbox_wake(&kafka->workers[worker].inbox);
}

int kafka_descriptor(struct kafka_log *kafka, uint32_t worker)
{
    return kafka->workers[worker].inbox.descriptor;
}

enum status kafka_health(const struct kafka_log *kafka, struct status_text *out_text)
{
    int64_t silent_ms = kafka_group_silent_ms(&kafka->group);
    if (silent_ms <= SILENT_MS_MAX) {
        return STATUS_OK;
    }
    return status_fail(out_text, STATUS_AWAY,
                       "no broker of %s has answered for %lld s; is Kafka there?",
                       kafka->settings.connection.brokers, (long long)silent_ms / 1000);
}

enum status kafka_permitted(struct kafka_log *kafka, struct status_text *out_text)
{
    enum status status = permissions_answered(kafka);
    return status == STATUS_OK ? status : status_fail(out_text, status, "%s", kafka->why_not.text);
}

enum status kafka_join(struct kafka_log *kafka, struct status_text *out_text)
{
    enum status status = kafka_permitted(kafka, out_text);
    return status != STATUS_OK ? status : kafka_group_join(&kafka->group, out_text);
}

static void worker_close(struct kafka_worker *worker)
{
    struct kafka_note note;
    struct status_text text;
    kafka_committer_stop(&worker->committer);
    kafka_asker_stop(&worker->asker);
    kafka_replay_close(&worker->replay);
    while (kafka_inbox_take(&worker->inbox, &note, &text)) {
        kafka_membership_drop(note.membership);
    }
    kafka_membership_drop(worker->membership);
    worker->membership = NULL;
    kafka_header_pool_finish(&worker->headers);
}

void kafka_close(struct kafka_log *kafka)
{
    /* The poller fills the inboxes, the askers use the group's client, and the intake's queues
     * write to the inboxes: hence the order. */
    (void)permissions_answered(kafka);
    kafka_group_leave(&kafka->group);
    for (uint32_t w = 0; w < kafka->workers_open; w++) {
        worker_close(&kafka->workers[w]);
    }
    kafka_group_close(&kafka->group);
    kafka_intake_close(&kafka->intake);
    for (uint32_t w = 0; w < kafka->workers_open; w++) {
        kafka_inbox_finish(&kafka->workers[w].inbox);
    }
    kafka->workers_open = 0;
}
