/* SPDX-License-Identifier: Apache-2.0 */
/* Claims, transactions and trouble. Every rule is one of the worker's (README.md):
 *
 * - no claim asks for the committed offset before the producer's epoch was bumped and our own last commit has
 *   ended;
 * - after a transaction that failed, or whose end nobody knows, all in memory is forgotten: new producer, claim;
 * - after a fence only partitions assigned before that transaction are dropped. */
#include "runtime/route.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "runtime/cut.h"
#include "runtime/route_inside.h"
#include "runtime/stats.h"

enum { REOPEN_US = 200000, LAG_EVERY_US = 200000, IDLE_WAIT_MS = 100, SPIN_MAX = 64 };

/* The metadata of a committed offset: what the record before it was. */
static const char metadata_prefix[] = "route1 ";

void route_options_init(struct route_options *options)
{
    *options = (struct route_options){.commit_interval_ms = 50,
                                      .merge_wait_ms = 2000,
                                      .records_max = 20000,
                                      .input_bytes_max = 16 << 20};
}

void route_set_state(struct route *route, struct route_partition *partition, enum task_state state)
{
    partition->state = state;
    atomic_store_explicit(&route->stats.partitions[partition->number].state, (int32_t)state,
                          memory_order_relaxed);
}

void route_halt(struct route *route, struct route_partition *partition, enum halt halt,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(partition->reason, sizeof(partition->reason), format, arguments);
    va_end(arguments);
    route->options.log->ops->stop(route->options.log, partition->number);
    route_lane_release(route, partition);
    atomic_store(&route->stats.partitions[partition->number].halt, (uint32_t)halt);
    route_set_state(route, partition, TASK_HALTED);
    log_error("route_halted", "a partition of a source waits for a person",
              "topic=%s partition=%u halt=%s runbook=deploy/README.md#%s why=\"%s\"",
              route->options.source_topic, partition->number, halt_code(halt), halt_code(halt),
              partition->reason);
}

/* Ours, and nothing known of it but that. */
static void claim(struct route *route, struct route_partition *partition)
{
    route->options.log->ops->stop(route->options.log, partition->number);
    route_lane_release(route, partition);
    partition->asked = false;
    partition->given_up = false;
    partition->coming = true;
    partition->empty_in = 0;
    partition->touched = false;
    partition->verify = 0;
    partition->retry_us = 0;
    route_set_state(route, partition, TASK_CLAIMING);
    stats_add(&route->stats.claims, 1);
}

static void drop(struct route *route, struct route_partition *partition)
{
    route->options.log->ops->stop(route->options.log, partition->number);
    route_lane_release(route, partition);
    partition->touched = false;
    route_set_state(route, partition, TASK_IDLE);
}

/* The batch that is being built must not be; Kafka gives its records again. */
static void forget_building(struct route *route)
{
    for (uint32_t i = 0; i < route->options.partition_count; i++) {
        struct route_partition *partition = &route->partitions[i];
        if (partition->touched && partition->state == TASK_LIVE) {
            claim(route, partition);
        }
        partition->touched = false;
    }
    route_batch_release(route, &route->batches[route->building]);
}

static void open_producer(struct route *route)
{
    route->producer_ready = false;
    route->producer_opening = true;
    route->options.log->ops->open_producer(route->options.log);
}

/* Nothing in memory is believed any more; what is halted stays so. */
static void begin_anew(struct route *route)
{
    forget_building(route);
    for (uint32_t i = 0; i < route->options.partition_count; i++) {
        if (route->partitions[i].state == TASK_LIVE ||
            route->partitions[i].state == TASK_CLAIMING) {
            claim(route, &route->partitions[i]);
        }
    }
    open_producer(route);
}

/* ---- what the log says */

static void on_assigned(struct route *route, const struct log_event *event)
{
    struct route_partition *partition = &route->partitions[event->task];
    if (partition->touched) {
        forget_building(route);
    }
    partition->generation = event->generation;
    claim(route, partition);
}

static void on_revoked(struct route *route, uint32_t number)
{
    struct route_partition *partition = &route->partitions[number];
    if (partition->touched) {
        forget_building(route);
    }
    drop(route, partition);
}

static void on_committed(struct route *route, const struct log_event *event)
{
    struct route_partition *partition = &route->partitions[event->task];
    const struct log_offset *offset = &event->offsets[route->options.source];
    int64_t from[SOURCE_COUNT];
    if (partition->state != TASK_CLAIMING || !partition->asked) {
        return;
    }
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        from[i] = -1;
    }
    partition->position = offset->offset;
    partition->fingerprint = 0;
    if (offset->offset < 0) {
        int64_t start = route->options.start_offsets[event->task];
        partition->position = start >= 0 ? start : -1;
        partition->touched = start >= 0; /* so that no later start begins elsewhere */
    } else if (strncmp(offset->metadata, metadata_prefix, sizeof(metadata_prefix) - 1) == 0) {
        partition->verify = strtoull(offset->metadata + sizeof(metadata_prefix) - 1, NULL, 16);
        partition->fingerprint = partition->verify;
    } else {
        log_warn("route_offset_moved", "the committed offset is not ours: somebody moved it",
                 "topic=%s partition=%u offset=%" PRId64, route->options.source_topic, event->task,
                 offset->offset);
    }
    partition->verify = partition->position > 0 ? partition->verify : 0;
    from[route->options.source] = partition->position < 0  ? ROUTE_START_FIRST
                                  : partition->verify != 0 ? partition->position - 1
                                                           : partition->position;
    partition->reason[0] = '\0';
    route_set_state(route, partition, TASK_LIVE);
    log_info("route_live", "a partition of a source is read",
             "topic=%s partition=%u position=%" PRId64, route->options.source_topic, event->task,
             partition->position);
    route->options.log->ops->start(route->options.log, event->task, from);
}

static void on_gone(struct route *route, const struct log_event *event)
{
    struct route_partition *partition = &route->partitions[event->task];
    if (partition->state != TASK_LIVE) {
        return;
    }
    if (partition->verify != 0) { /* only the record before is gone: retention may do that */
        int64_t from[SOURCE_COUNT];
        for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
            from[i] = -1;
        }
        from[route->options.source] = partition->position;
        partition->verify = 0;
        route->options.log->ops->start(route->options.log, event->task, from);
        return;
    }
    route_halt(route, partition, HALT_INPUT_GONE,
               "%s: what comes next is not in the topic (retention, or it was made anew): restore "
               "it, or lose it "
               "knowingly: move the group's offset of partition %u and start again",
               event->text.text, event->task);
}

/* ---- transactions */

static void commit_ended(struct route *route, const struct log_event *event)
{
    struct route_batch *batch = &route->batches[1 - route->building];
    uint32_t generation = batch->generation;
    route->flying = false;
    atomic_store(&route->stats.transaction_since_ms, 0);
    if (event->kind == LOG_COMMIT_DONE) {
        stats_add(&route->stats.commits, 1);
        stats_add(&route->stats.records, batch->written);
        stats_add(&route->stats.bytes, batch->written_bytes);
        for (uint32_t i = 0; i < REJECT_REASON_COUNT; i++) {
            stats_add(&route->stats.rejects[i], batch->rejects[i]);
        }
        route_batch_release(route, batch);
        if (event->reinit) {
            open_producer(route);
        }
        return;
    }
    stats_add(&route->stats.commits_failed, 1);
    log_warn("route_commit_failed", "claiming again", "topic=%s why=\"%s\"",
             route->options.source_topic, event->text.text);
    route_batch_release(route, batch);
    for (uint32_t i = 0; event->kind == LOG_COMMIT_FENCED && i < route->options.partition_count;
         i++) {
        if (route->partitions[i].generation <= generation &&
            route->partitions[i].state != TASK_IDLE) {
            on_revoked(route, i); /* LOG_ASSIGNED will say what is ours */
        }
    }
    begin_anew(route);
}

static void fill_offset(struct route *route, struct route_batch *batch,
                        struct route_partition *partition)
{
    struct log_offset *offset = &batch->offsets[batch->offset_count++];
    *offset = (struct log_offset){.task = partition->number,
                                  .source = (uint8_t)route->options.source,
                                  .offset = partition->position};
    (void)snprintf(offset->metadata, sizeof(offset->metadata), "%s%016" PRIx64, metadata_prefix,
                   partition->fingerprint);
    batch->generation =
        partition->generation > batch->generation ? partition->generation : batch->generation;
    partition->touched = false;
}

/* Is there something to commit, and is it time? */
static bool is_due(struct route *route)
{
    const struct route_batch *batch = &route->batches[route->building];
    bool touched = false;
    if (route->flying || !route->producer_ready) {
        return false;
    }
    for (uint32_t i = 0; i < route->options.partition_count && !touched; i++) {
        touched = route->partitions[i].touched;
    }
    return touched &&
           (batch->began_us == 0 || route->stopping || batch->count >= route->options.records_max ||
            batch->bytes >= route->options.input_bytes_max ||
            route->now_us - batch->began_us >= route->options.commit_interval_ms * 1000);
}

static void commit(struct route *route)
{
    struct route_batch *batch = &route->batches[route->building];
    batch->generation = 0;
    for (uint32_t i = 0; i < route->options.partition_count; i++) {
        if (route->partitions[i].touched) {
            fill_offset(route, batch, &route->partitions[i]);
        }
    }
    batch->transaction = (struct log_transaction){.offsets = batch->offsets,
                                                  .offset_count = batch->offset_count,
                                                  .writes = batch->writes,
                                                  .write_count = batch->write_count};
    route->flying = true;
    route->building = 1 - route->building;
    atomic_store(&route->stats.transaction_since_ms, route->wall_ms);
    route->options.log->ops->commit(route->options.log, &batch->transaction);
}

static void take_event(struct route *route, const struct log_event *event)
{
    switch (event->kind) {
    case LOG_ASSIGNED:
        on_assigned(route, event);
        break;
    case LOG_REVOKED:
        on_revoked(route, event->task);
        break;
    case LOG_PRODUCER_READY:
        route->producer_ready = true;
        route->producer_opening = false;
        break;
    case LOG_PRODUCER_FAILED:
        route->producer_opening = false;
        route->reopen_us = route->now_us + REOPEN_US;
        break;
    case LOG_COMMITTED_OFFSETS:
        on_committed(route, event);
        break;
    case LOG_COMMIT_DONE:
    case LOG_COMMIT_FAILED:
    case LOG_COMMIT_FENCED:
        commit_ended(route, event);
        break;
    case LOG_INPUT_GONE:
        on_gone(route, event);
        break;
    case LOG_FATAL:
        route->leave = true;
        (void)snprintf(route->reason, sizeof(route->reason), "%.470s", event->text.text);
        break;
    case LOG_JOURNAL_RECORD:
    case LOG_JOURNAL_END:
    case LOG_ENDS:
    case LOG_DELETED:
        break; /* never asked for */
    }
}

/* ---- a turn */

static void ask_claims(struct route *route)
{
    struct log *log = route->options.log;
    if (route->flying || !route->producer_ready) {
        return;
    }
    for (uint32_t i = 0; i < route->options.partition_count; i++) {
        struct route_partition *partition = &route->partitions[i];
        if (partition->state == TASK_CLAIMING && !partition->asked) {
            partition->asked = true;
            log->ops->ask_committed(log, i);
        }
    }
}

static void look_at_lags(struct route *route)
{
    struct log *log = route->options.log;
    if (route->now_us - route->lag_us < LAG_EVERY_US) {
        return;
    }
    route->lag_us = route->now_us;
    for (uint32_t i = 0; i < route->options.partition_count; i++) {
        const struct route_partition *partition = &route->partitions[i];
        bool empty = false;
        int64_t lag = partition->state == TASK_IDLE ? 0 : -1;
        if (partition->state == TASK_LIVE) {
            int64_t end = log->ops->high_watermark(log, i, route->options.source, &empty);
            lag = empty ? 0 : end < 0 || partition->position < 0 ? -1 : end - partition->position;
        }
        atomic_store_explicit(&route->stats.partitions[i].lag, lag < -1 ? 0 : lag,
                              memory_order_relaxed);
    }
}

enum worker_outcome route_turn(struct route *route, int32_t *out_wait_ms)
{
    struct clock *clock = route->options.clock;
    struct log *log = route->options.log;
    route->now_us = clock->ops->monotonic_us(clock);
    route->wall_ms = clock->ops->wall_ms(clock);
    stats_add(&route->stats.turns, 1);
    while (!route->leave && log->ops->next_event(log, &route->happened)) {
        take_event(route, &route->happened);
    }
    if (route->leave) {
        return WORKER_LEAVE;
    }
    if (!route->producer_ready && !route->producer_opening && route->now_us >= route->reopen_us) {
        open_producer(route);
    }
    ask_claims(route);
    bool more = !route->stopping;
    for (uint32_t i = 0; i < SPIN_MAX && more; i++) {
        more = route_fill(route);
    }
    look_at_lags(route);
    if (is_due(route)) {
        commit(route);
        more = true;
    }
    const struct route_batch *batch = &route->batches[route->building];
    if (route->stopping && !route->flying && batch->count == 0) {
        return WORKER_DRAINED;
    }
    int64_t left_us = batch->began_us + route->options.commit_interval_ms * 1000 - route->now_us;
    bool idle = batch->began_us == 0 || route->flying || !route->producer_ready;
    *out_wait_ms = more           ? 0
                   : idle         ? IDLE_WAIT_MS
                   : left_us <= 0 ? 1
                                  : (int32_t)(left_us / 1000) + 1;
    return WORKER_GO_ON;
}

void route_stop(struct route *route)
{
    route->stopping = true;
}

struct route_stats *route_stats(struct route *route)
{
    return &route->stats;
}

const char *route_reason(const struct route *route, uint32_t partition)
{
    return partition < route->options.partition_count ? route->partitions[partition].reason
                                                      : route->reason;
}

enum status route_open(struct route **out_route, const struct route_options *options,
                       struct status_text *out_text)
{
    if (options->partition_count == 0 || options->partition_count > LOG_TASKS_PER_WORKER_MAX ||
        options->task_count == 0 || options->records_max == 0) {
        return status_fail(out_text, STATUS_INVALID, "%s: %u partitions; one step takes 1 to %d",
                           options->source_topic, options->partition_count,
                           LOG_TASKS_PER_WORKER_MAX);
    }
    struct route *route = memory_take(sizeof(*route), "repartition");
    route->options = *options;
    route->partitions =
        memory_take(options->partition_count * sizeof(*route->partitions), "repartition");
    for (uint32_t i = 0; i < options->partition_count; i++) {
        route->partitions[i].number = i;
        route->partitions[i].records =
            memory_take(ROUTE_LANE * sizeof(struct log_record), "repartition: records in hand");
    }
    for (uint32_t i = 0; i < ROUTE_BATCHES; i++) {
        struct route_batch *batch = &route->batches[i];
        batch->records =
            memory_take(options->records_max * sizeof(*batch->records), "repartition: batches");
        batch->writes =
            memory_take(options->records_max * sizeof(*batch->writes), "repartition: batches");
        batch->offsets =
            memory_take(options->partition_count * sizeof(*batch->offsets), "repartition: batches");
        arena_init(&batch->arena, memory_take(ROUTE_ARENA_SIZE, "repartition: batches"),
                   ROUTE_ARENA_SIZE);
    }
    open_producer(route);
    *out_route = route;
    return STATUS_OK;
}
