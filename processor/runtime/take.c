/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a task's records from the log in the order in which they are to be processed.
 *
 * Clock live: as they come. Clock stream: sources merge by event time (merge.h), each with a lane of
 * its own, so that what a source is ahead stays in the log's bounded queue and behind it in Kafka. */
#include "base/memory.h"
#include "runtime/inside.h"

static uint32_t used_sources(const struct worker_options *options)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        count += options->sources[i].used;
    }
    return count;
}

void take_open(struct worker *worker, struct task *task)
{
    const struct worker_options *options = &worker->options;
    uint32_t used = used_sources(options);
    bool apart = options->clock_mode == ENGINE_CLOCK_STREAM && used > 1;
    task->lane_count = apart ? used : 1;
    uint32_t limit = options->limits.chunk_records / task->lane_count;
    uint32_t source = 0;
    for (uint32_t i = 0; i < task->lane_count; i++, source++) {
        while (apart && !options->sources[source].used) {
            source++;
        }
        struct lane *lane = &task->lanes[i];
        lane->source = apart ? source : SOURCE_COUNT;
        lane->limit = limit == 0 ? 1 : limit;
        lane->records = memory_take(lane->limit * sizeof(struct log_record), "records in hand");
    }
}

/* Another record mostly comes before the cut: only the last one's bytes are looked at. */
void take_fingerprints(struct task *task)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        struct task_source *source = &task->sources[i];
        if (source->newest_waits) {
            source->fingerprint = cut_fingerprint(source->newest);
            source->newest_waits = false;
        }
    }
}

static void lane_release(struct worker *worker, struct task *task, struct lane *lane)
{
    struct log *log = worker->options.log;
    if (lane->count > 0) {
        take_fingerprints(task);
        log->ops->release(log, lane->records, lane->count);
        worker->event_of = NULL; /* it may borrow from one of them */
    }
    lane->count = 0;
    lane->at = 0;
}

static void lane_fetch(struct worker *worker, struct task *task, struct lane *lane)
{
    struct log *log = worker->options.log;
    uint32_t wanted = task->chunk_limit / task->lane_count;
    wanted = wanted == 0 ? 1 : wanted;
    lane_release(worker, task, lane);
    lane->count = log->ops->fetch(log, task->number, lane->source, lane->records,
                                  wanted < lane->limit ? wanted : lane->limit);
}

/* Clock stream goes where its events say, and a deadline falls due on every day up to there: 9999-12-31, which
 * many systems write for "open", would take minutes for each customer and leave whoever comes after it late. */
static bool is_beyond_stream(const struct worker *worker, const struct event *event,
                             const char **out_field)
{
    return worker->options.clock_mode == ENGINE_CLOCK_STREAM &&
           event_is_beyond(event, worker->wall_ms + WORKER_STREAM_FUTURE_MS_MAX, out_field);
}

enum worker_decode take_decode(struct worker *worker, const struct log_record *record,
                               struct reject *out_reject)
{
    const struct worker_codec *codec = &worker->options.codec;
    struct event *event = &worker->event;
    if (worker->event_of == record) {
        return WORKER_DECODED;
    }
    worker->event_of = NULL;
    event->present = 0;
    enum worker_decode decoded = codec->decode(codec->context, record, event, out_reject);
    if (decoded == WORKER_DECODED && is_beyond_stream(worker, event, &out_reject->field)) {
        out_reject->reason = REJECT_FUTURE;
        return WORKER_REJECTED;
    }
    if (decoded == WORKER_DECODED) {
        event->partition = record->partition;
        event->offset = record->offset;
        event->source = record->source;
        worker->event_of = record;
    }
    return decoded;
}

/* Where in the merge this lane stands. */
static void lane_look(struct worker *worker, struct task *task, struct lane *lane)
{
    struct merge_head *head = &task->merge.heads[lane->source];
    if (lane->at == lane->count) {
        int64_t lag = task_source_lag(worker, task, (enum source)lane->source);
        head->state = lag == 0 ? MERGE_ENDED : MERGE_COMING;
        return;
    }
    const struct log_record *record = &lane->records[lane->at];
    struct reject reject = {0};
    head->state = MERGE_READY;
    head->offset = record->offset;
    head->time_ms = MERGE_AT_ONCE;
    if (record->offset < task->sources[lane->source].position) {
        return; /* read again after a claim */
    }
    switch (take_decode(worker, record, &reject)) {
    case WORKER_DECODED:
        head->time_ms = worker->event.time_ms;
        break;
    case WORKER_REJECTED:
        break;
    case WORKER_WAIT: /* its schema is not known yet, so neither is its time */
        head->state = MERGE_COMING;
        task->retry_us = worker->now_us + RETRY_US;
        break;
    }
}

void take_begin(struct worker *worker, struct task *task)
{
    struct log *log = worker->options.log;
    for (uint32_t i = 0; i < task->lane_count; i++) {
        struct lane *lane = &task->lanes[i];
        bool empty = lane->at == lane->count;
        if (empty) {
            lane_fetch(worker, task, lane);
        }
        if (task->lane_count == 1) {
            return;
        }
        struct merge_head *head = &task->merge.heads[lane->source];
        if (empty || head->state == MERGE_COMING) {
            lane_look(worker, task, lane);
        }
        bool none;
        head->end = log->ops->high_watermark(log, task->number, (enum source)lane->source, &none);
    }
}

static struct lane *lane_of(struct task *task, uint32_t source)
{
    struct lane *lane = task->lanes;
    while (lane->source != source) {
        lane++;
    }
    return lane;
}

/* The lane that is next by event time; NULL: wait. */
static struct lane *take_merged(struct worker *worker, struct task *task)
{
    uint32_t source = 0;
    struct log *log = worker->options.log;
    int64_t wait_us = worker->options.merge_wait_ms * 1000;
    switch (merge_next(&task->merge, worker->now_us, wait_us, &source)) {
    case MERGE_TAKE:
        return lane_of(task, source);
    case MERGE_WAIT:
        if (SIM_WITHOUT(MUTANT_NO_MERGE_WAIT) && task->merge.heads[source].state == MERGE_READY) {
            return lane_of(task, source);
        }
        break;
    case MERGE_ASK:
        if (SIM_WITHOUT(MUTANT_STALE_END)) {
            merge_confirm(&task->merge);
        }
        task->ends_ticket = ++worker->ends_tickets;
        log->ops->ask_ends(log, task->number, task->ends_ticket);
        break;
    }
    return NULL;
}

enum { ASK_PLACE_AHEAD = 16, ASK_ENTRY_AHEAD = CACHE_ASK_PARTS + 1 };

/* While this record is processed, the customers of those behind it come into reach. */
static void ask_ahead(const struct worker *worker, const struct task *task, struct lane *lane)
{
    if (lane->at + ASK_PLACE_AHEAD < lane->count) {
        cache_ask_place(&worker->cache, task->slot, lane->records[lane->at + ASK_PLACE_AHEAD].key);
    }
    const struct cache_entry *entry = NULL;
    if (lane->at + ASK_ENTRY_AHEAD < lane->count) {
        entry =
            cache_peek(&worker->cache, task->slot, lane->records[lane->at + ASK_ENTRY_AHEAD].key);
    }
    cache_ask(&worker->cache, &lane->asking, entry);
}

const struct log_record *take_next(struct worker *worker, struct task *task)
{
    if (task->lane == NULL) {
        task->lane = task->lane_count > 1 ? take_merged(worker, task) : &task->lanes[0];
    }
    struct lane *lane = task->lane;
    if (lane == NULL || lane->at == lane->count) {
        return NULL;
    }
    ask_ahead(worker, task, lane);
    return &lane->records[lane->at];
}

void take_done(struct worker *worker, struct task *task)
{
    struct lane *lane = task->lane;
    lane->at++;
    if (task->lane_count == 1) {
        return;
    }
    task->lane = NULL;
    if (lane->at == lane->count) {
        lane_fetch(worker, task, lane);
    }
    lane_look(worker, task, lane);
}

void take_forget(struct worker *worker, struct task *task)
{
    for (uint32_t i = 0; i < task->lane_count; i++) {
        lane_release(worker, task, &task->lanes[i]);
    }
    task->lane = NULL;
    task->ends_ticket = 0;
    merge_init(&task->merge);
}

void take_ends(struct task *task, const struct log_event *event)
{
    if (event->ticket == task->ends_ticket) {
        merge_confirm(&task->merge);
    }
}
