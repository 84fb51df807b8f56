/* SPDX-License-Identifier: Apache-2.0 */
/* One Kafka transaction: when the batch is closed, its commit, and the cuts handed to Redis.
 *
 * One flight is built while another commits. A commit that failed, or of which nobody knows,
 * forgets every task: C in Kafka is the truth, and the claim reads it. A producer never outlives
 * trouble (DESIGN 5.7). */
#include "base/invariant.h"
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum {
    FLIGHT_STUCK_US = 2000000,
    BEHIND_SHARE =
        4, /* a flight grows while it holds less than this part of what waits to be read */
    CACHE_SHARE = 4, /* and while its customers are less than this part of the cache */
    COMMIT_SLOW_US = 1000000,
    BYTES_FIRST_SHARE = 4, /* of limits.commit_bytes */
    BYTES_LEAST_SHARE = 64,
};

void flight_unhold(struct worker *worker, uint32_t index)
{
    struct flight *flight = &worker->flights[index];
    INVARIANT(flight->holders > 0 && flight->state == FLIGHT_WAITING);
    if (--flight->holders == 0) {
        flight->state = FLIGHT_FREE;
    }
}

static void flight_reset(struct flight *flight, enum flight_state state)
{
    flight->state = state;
    flight->holders = 0;
    flight->cuts_used = 0;
    flight->write_count = 0;
    flight->offset_count = 0;
    flight->sealed_count = 0;
    flight->began_us = 0;
    flight->input_count = 0;
    flight->input_bytes = 0;
    arena_reset(&flight->arena);
    arena_reset(&flight->parts);
}

/* Redis does not take the cuts of some task and its bytes fill our memory: its journal has them
 * too. */
static void flight_give_up_oldest(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        struct task *task = &worker->tasks[i];
        if (task->state == TASK_LIVE && task->pending_count > 0 &&
            worker->now_us - task->last_cut_us > FLIGHT_STUCK_US) {
            task_reclaim(worker, task,
                         "Redis does not take cuts: they will be read from the journal again");
        }
    }
}

void flight_choose(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->flight_count && worker->building == NO_INDEX; i++) {
        if (worker->flights[i].state == FLIGHT_FREE) {
            worker->building = i;
            flight_reset(&worker->flights[i], FLIGHT_BUILDING);
        }
    }
    if (worker->building == NO_INDEX && worker->committing == NO_INDEX) {
        flight_give_up_oldest(worker);
    }
}

void flight_begin_task(struct task *task)
{
    task->held_building = false;
    task->events_built = 0;
    task->outputs_built = 0;
    task->customers_built = 0;
}

void flight_drop_task(struct worker *worker, struct task *task)
{
    if (worker->building == NO_INDEX) {
        return;
    }
    struct flight *flight = &worker->flights[worker->building];
    uint32_t kept = 0;
    uint32_t sealed = 0; /* cuts sealed before this task's did not fit: their records move up too */
    for (uint32_t i = 0; i < flight->write_count; i++) {
        if (flight->write_slots[i] != task->slot) {
            if (sealed < flight->sealed_count && flight->sealed[sealed].write == i) {
                flight->sealed[sealed++].write = kept;
            }
            flight->writes[kept] = flight->writes[i];
            flight->write_slots[kept++] = flight->write_slots[i];
        }
    }
    flight->write_count = kept;
    kept = 0;
    for (uint32_t i = 0; i < worker->touched_count; i++) {
        if (worker->touched[i].slot == task->slot) {
            cache_at(&worker->cache, worker->touched[i].entry)->building = false;
        } else {
            worker->touched[kept++] = worker->touched[i];
        }
    }
    worker->touched_count = kept;
    flight_begin_task(task);
}

bool flight_has_step(const struct worker *worker, const struct flight *flight)
{
    const struct worker_limits *limits = &worker->options.limits;
    return flight->write_count + ENGINE_OUTPUTS_PER_STEP_MAX + 1 <= limits->outputs_per_commit &&
           flight->arena.size - flight->arena.used >= limits->step_bytes &&
           flight->input_count < limits->records_per_commit &&
           flight->input_bytes < limits->input_bytes;
}

size_t flight_bytes(const struct worker *worker, const struct flight *flight)
{
    return flight->arena.used + worker->entries_size / ENTRIES_AVERAGED * worker->touched_count;
}

size_t flight_bytes_first(const struct worker *worker)
{
    return worker->options.limits.commit_bytes / BYTES_FIRST_SHARE;
}

/* While one flight commits the next one is filled, so a broker that is slow would make each larger than the one
 * before, until one takes longer than a transaction may. A flight has half the bytes after one that took too long,
 * and at most twice those of one that did not take half as long. */
static void flight_learn(struct worker *worker, const struct flight *flight, int64_t took_us)
{
    size_t least = worker->options.limits.commit_bytes / BYTES_LEAST_SHARE;
    size_t most = 2 * worker->options.limits.commit_bytes; /* cuts and outputs */
    size_t bytes = worker->flight_bytes_max;
    if (took_us > COMMIT_SLOW_US) {
        bytes = bytes / 2 < least ? least : bytes / 2;
    } else if (took_us < COMMIT_SLOW_US / 2 && flight->bytes >= bytes / 2) {
        bytes = bytes * 2 > most ? most : bytes * 2;
    }
    worker->flight_bytes_max = bytes;
}

bool flight_has_room(const struct worker *worker, const struct flight *flight)
{
    size_t entry_bytes = worker->entries_size / ENTRIES_AVERAGED;
    return flight_has_step(worker, flight) &&
           flight_bytes(worker, flight) < worker->flight_bytes_max &&
           entry_bytes * (worker->touched_count + 1) < worker->options.limits.commit_bytes * 3 / 4;
}

static bool flight_is_full(const struct worker *worker, const struct flight *flight)
{
    if (!flight_has_room(worker, flight)) {
        return true;
    }
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        const struct task *task = &worker->tasks[i];
        if (task->state == TASK_LIVE && !task_has_room(worker, task)) {
            return true;
        }
    }
    return false;
}

/* Of every task in it far more waits to be read than it holds, so its records are late by more than it makes them
 * wait. The more of them share a transaction (its markers, a step of Redis for each task, one record for all
 * events of a customer), the sooner the rest is read. A task that keeps up ends it; one that is stuck has nothing
 * in it and does not count (decision 0016). */
static bool flight_grows(const struct worker *worker)
{
    const struct worker_options *options = &worker->options;
    bool any = false;
    for (uint32_t i = 0; i < options->tasks_max; i++) {
        const struct task *task = &worker->tasks[i];
        if (task->held_building) {
            any = true;
            if (task->lag / BEHIND_SHARE <= (int64_t)task->events_built) {
                return false;
            }
        }
    }
    return any && options->commit_catch_up_ms > options->commit_interval_ms &&
           worker->touched_count < worker->cache.count / CACHE_SHARE;
}

bool flight_is_due(const struct worker *worker, const struct flight *flight)
{
    const struct worker_options *options = &worker->options;
    for (uint32_t i = 0; i < options->tasks_max; i++) {
        if (worker->tasks[i].state == TASK_CLAIMING && worker->tasks[i].step == CLAIM_PROVE) {
            return true;
        }
    }
    if (flight->began_us == 0) {
        return false;
    }
    bool grows = flight_grows(worker);
    int64_t age_us = worker->now_us - flight->began_us;
    int64_t most_ms = grows ? options->commit_catch_up_ms : options->commit_interval_ms;
    return worker->stopping || age_us >= most_ms * 1000 || flight_is_full(worker, flight) ||
           (worker->idle && !grows &&
            worker->now_us - worker->commit_began_us >= options->commit_floor_ms * 1000);
}

void flight_turn(struct worker *worker)
{
    struct log *log = worker->options.log;
    if (worker->committing != NO_INDEX) {
        return;
    }
    if (worker->producer == PRODUCER_WANTED && worker->now_us >= worker->producer_retry_us) {
        worker->producer = PRODUCER_OPENING;
        log->ops->open_producer(log);
    }
    if (worker->producer != PRODUCER_READY || worker->building == NO_INDEX) {
        return;
    }
    struct flight *flight = &worker->flights[worker->building];
    if (!flight_is_due(worker, flight)) {
        return;
    }
    flight->bytes = flight_bytes(worker, flight);
    seal_flight(worker, flight);
    if (flight->sealed_count == 0) {
        flight_reset(flight, FLIGHT_BUILDING);
        return;
    }
    flight->state = FLIGHT_COMMITTING;
    worker->committing = worker->building;
    worker->building = NO_INDEX;
    worker->commit_began_us = worker->now_us;
    atomic_store_explicit(&worker->stats.transaction_since_ms, worker->wall_ms,
                          memory_order_relaxed);
    flight->transaction =
        (struct log_transaction){flight->offsets, flight->offset_count, flight->writes,
                                 flight->write_count, flight->written};
    for (uint32_t i = 0; i < flight->write_count; i++) {
        flight->written[i] = (struct log_written){-1, 0};
    }
    if (SIM_WITHOUT(MUTANT_REDIS_FIRST)) {
        struct log_event early = {.kind = LOG_COMMIT_DONE};
        uint32_t kept = worker->committing;
        flight_committed(worker, &early);
        worker->committing = kept;
    }
    log->ops->commit(log, &flight->transaction);
    flight_choose(worker);
}

static void committed_cut(struct worker *worker, uint32_t index, struct flight_cut *sealed)
{
    struct task *task = &worker->tasks[sealed->slot];
    if (task->serial != sealed->serial || task->committed_seq >= sealed->seq) {
        return;
    }
    const struct log_written *written = &worker->flights[index].written[sealed->write];
    task->committed_seq = sealed->seq;
    task->last_offset = written->offset;
    task->append_ms = written->append_ms;
    task->append_us = worker->now_us;
    task->low = sealed->low;
    task->low_offset = sealed->low_offset;
    atomic_store_explicit(&worker->stats.tasks[task->slot].low, task->low, memory_order_relaxed);
    atomic_store_explicit(&worker->stats.tasks[task->slot].customers, sealed->head.customer_count,
                          memory_order_relaxed);
    atomic_store_explicit(&worker->stats.tasks[task->slot].committed, sealed->seq,
                          memory_order_relaxed);
    tally_committed(worker, task);
    if (sealed->prove) {
        task->prove = false;
        journal_release_reader(worker, task);
        claim_begin(worker, task); /* we are a member: now take the head back */
        return;
    }
    INVARIANT(task->pending_count <= worker->options.apply_queue_max);
    sealed->head.journal_offset = written->offset;
    task->pending[task->pending_count++] =
        (struct pending){sealed->seq, sealed->payload, sealed->head, index};
    worker->flights[index].holders++;
}

void flight_committed(struct worker *worker, const struct log_event *event)
{
    INVARIANT(worker->committing != NO_INDEX);
    uint32_t index = worker->committing;
    struct flight *flight = &worker->flights[index];
    worker->committing = NO_INDEX;
    flight_learn(worker, flight, worker->now_us - worker->commit_began_us);
    if (flight->state == FLIGHT_COMMITTING) {
        flight->state = FLIGHT_WAITING;
        for (uint32_t i = 0; i < flight->sealed_count; i++) {
            committed_cut(worker, index, &flight->sealed[i]);
        }
        if (flight->holders == 0) {
            flight->state = FLIGHT_FREE;
        }
    }
    if (event->reinit && !SIM_WITHOUT(MUTANT_NO_REINIT)) {
        worker->producer = PRODUCER_WANTED;
    }
    stats_add(&worker->stats.commits, 1);
    stats_time(&worker->stats.commit_latency, worker->now_us - worker->commit_began_us);
    atomic_store_explicit(&worker->stats.transaction_since_ms, 0, memory_order_relaxed);
}

void flight_failed(struct worker *worker, bool fenced, const char *why)
{
    log_warn(fenced ? "commit_fenced" : "commit_failed", "a transaction did not commit",
             "why=\"%s\"", why);
    stats_add(&worker->stats.commits_failed, 1);
    atomic_store_explicit(&worker->stats.transaction_since_ms, 0, memory_order_relaxed);
    if (worker->committing != NO_INDEX) {
        struct flight *flight = &worker->flights[worker->committing];
        if (!fenced) {
            flight_learn(worker, flight,
                         INT64_MAX); /* whatever was in its way, less is sooner through */
        }
        if (flight->state == FLIGHT_COMMITTING) {
            flight->state = FLIGHT_FREE;
        }
        worker->committing = NO_INDEX;
    }
    if (!SIM_WITHOUT(MUTANT_NO_REINIT)) {
        worker->producer = PRODUCER_WANTED;
    }
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        struct task *task = &worker->tasks[i];
        if (task->state == TASK_IDLE || task->state == TASK_HALTED) {
            continue;
        }
        if (fenced &&
            (task->assigned_us <= worker->commit_began_us || SIM_WITHOUT(MUTANT_FENCE_ALL))) {
            task_forget(worker, task);
            task_set_state(worker, task, TASK_IDLE);
        } else if (!SIM_WITHOUT(MUTANT_NO_RECLAIM)) {
            task_reclaim(worker, task, "a transaction did not commit: %s", why);
        }
    }
}
