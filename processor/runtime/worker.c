/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/worker.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { RECORDS_PER_TURN = 4096, EVENTS_PER_TURN = 4096, WAIT_IDLE_MS = 20, COUNT_US = 250000 };

void worker_heard_init(struct worker_heard *heard)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        atomic_init(&heard->at_ms[i], INT64_MIN);
    }
}

static const char *const state_names[] = {"idle", "claiming", "live", "rebuilding", "halted"};
_Static_assert(ARRAY_COUNT(state_names) == TASK_STATE_COUNT, "one name per state");

const char *task_state_name(enum task_state state)
{
    return state_names[state];
}

void task_set_state(struct worker *worker, struct task *task, enum task_state state)
{
    task->state = state;
    atomic_store_explicit(&worker->stats.tasks[task->slot].due_lag_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->stats.tasks[task->slot].state, (int32_t)state,
                          memory_order_relaxed);
}

/* Everything in memory goes, what waits for Redis too: the journal has it. */
void task_forget(struct worker *worker, struct task *task)
{
    struct log *log = worker->options.log;
    task->serial++;
    flight_drop_task(worker, task);
    for (uint32_t i = 0; i < task->pending_count; i++) {
        if (task->pending[i].flight != NO_INDEX) {
            flight_unhold(worker, task->pending[i].flight);
        }
    }
    task->pending_count = 0;
    sweep_reset(worker, task);
    follow_end(worker, task);
    restore_end(worker, task);
    journal_release_reader(worker, task);
    take_forget(worker, task);
    if (task->state == TASK_LIVE) {
        log->ops->stop(log, task->number);
    }
    if (!SIM_WITHOUT(MUTANT_KEEP_CACHE)) {
        cache_forget(&worker->cache, task->slot);
    }
    due_clear(&task->due);
    task->watch_epoch = 0;
    task->append_ms = 0;
    task_hold_clock(worker, task, 0);
    silence_end(worker, task);
    task->chunk_limit = worker->options.limits.chunk_records;
    task->unverified = 0;
}

void task_reclaim(struct worker *worker, struct task *task, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(task->reason, sizeof(task->reason), format, arguments);
    va_end(arguments);
    log_warn("task_reclaim", "a task is claimed again", "task=%u why=\"%s\"", task->number,
             task->reason);
    task_forget(worker, task);
    task->retry_us = worker->now_us + RETRY_US;
    claim_begin(worker, task);
}

void task_halt(struct worker *worker, struct task *task, enum halt halt, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(task->reason, sizeof(task->reason), format, arguments);
    va_end(arguments);
    log_error("task_halted", "a task halted",
              "task=%u halt=%s runbook=deploy/README.md#%s why=\"%s\"", task->number,
              halt_code(halt), halt_code(halt), task->reason);
    task_forget(worker, task);
    atomic_store_explicit(&worker->stats.tasks[task->slot].halt, (uint32_t)halt,
                          memory_order_relaxed);
    task_set_state(worker, task, TASK_HALTED);
}

struct task *worker_task(struct worker *worker, uint32_t number)
{
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        if (worker->tasks[i].number == number) {
            return &worker->tasks[i];
        }
    }
    return NULL;
}

static bool cache_pinned(void *context, const struct cache_entry *entry)
{
    const struct worker *worker = context;
    return entry->last_seq > worker->tasks[entry->slot].acked_seq;
}

static void open_tasks(struct worker *worker)
{
    const struct worker_options *options = &worker->options;
    const struct worker_limits *limits = &options->limits;
    size_t block = engine_task_size(options->engine);
    worker->tasks = memory_take(options->tasks_max * sizeof(struct task), "tasks");
    worker->stats.totals =
        memory_take(options->task_count * sizeof(*worker->stats.totals), "counters");
    for (uint32_t i = 0; i < options->tasks_max; i++) {
        struct task *task = &worker->tasks[i];
        task->slot = i;
        task->number = NO_INDEX;
        task->reader = NO_INDEX;
        task->read_keys_max = READ_KEYS_MAX;
        task->due_sets_max = DUE_ASK_FIRST;
        task->sweep_sets_max = DUE_ASK_FIRST;
        task->rebuild_sets_max = DUE_ASK_FIRST;
        take_open(worker, task);
        task->state_block = memory_take(block, "task records");
        task->due.items =
            memory_take(limits->due_entries * sizeof(struct due_item), "deadlines in memory");
        task->due.limit = limits->due_entries;
    }
}

static void open_flights(struct worker *worker)
{
    const struct worker_options *options = &worker->options;
    const struct worker_limits *limits = &options->limits;
    worker->flight_count = options->apply_queue_max + FLIGHTS_BESIDES_QUEUE;
    for (uint32_t i = 0; i < worker->flight_count; i++) {
        struct flight *flight = &worker->flights[i];
        arena_init(&flight->arena, memory_take(limits->commit_bytes, "outputs in flight"),
                   limits->commit_bytes);
        size_t parts_size = limits->commit_bytes + (size_t)CUT_PARTS_MAX * (CUT_PART_OVERHEAD + 16);
        arena_init(&flight->parts, memory_take(parts_size, "parts of cuts in flight"), parts_size);
        flight->cuts = memory_take(limits->commit_bytes, "cuts in flight");
        flight->writes =
            memory_take(limits->outputs_per_commit * sizeof(struct log_write), "writes in flight");
        flight->write_slots =
            memory_take(limits->outputs_per_commit * sizeof(uint32_t), "writes in flight");
        flight->written = memory_take(limits->outputs_per_commit * sizeof(struct log_written),
                                      "writes in flight");
        flight->offsets = memory_take(options->tasks_max * SOURCE_COUNT * sizeof(struct log_offset),
                                      "offsets in flight");
        flight->sealed =
            memory_take(options->tasks_max * sizeof(struct flight_cut), "cuts in flight");
    }
}

static void open_buffers(struct worker *worker)
{
    const struct worker_options *options = &worker->options;
    const struct worker_limits *limits = &options->limits;
    worker->read_buffer_size =
        (limits->chunk_records > 256 ? limits->chunk_records : 256) * (KEY_PREFIX_SIZE_MAX + 96) +
        1024;
    worker->write_buffer_size = apply_size_max(limits);
    for (uint32_t i = 0; i < STORE_BUFFERS_READ; i++) {
        worker->read_buffers[i].data = memory_take(
            worker->read_buffer_size + READ_KEYS_MAX * (CUSTOMER_ID_SIZE_MAX + 1), "Redis reads");
    }
    for (uint32_t i = 0; i < STORE_BUFFERS_WRITE; i++) {
        worker->write_buffers[i].data = memory_take(worker->write_buffer_size, "Redis writes");
    }
    worker->reader_count = options->tasks_max + 1; /* all at once, and one to follow the journal */
    worker->reader_count = worker->reader_count < READERS_MIN   ? READERS_MIN
                           : worker->reader_count > READERS_MAX ? READERS_MAX
                                                                : worker->reader_count;
    for (uint32_t i = 0; i < worker->reader_count; i++) {
        worker->readers[i] = (struct reader){
            .slot = NO_INDEX,
            .limit = limits->cut_bytes,
            .buffer = memory_take(limits->cut_bytes, "journal reading"),
            .restore = memory_take(sizeof(struct restore_room), "checkpoint reading")};
    }
}

static void open_memory(struct worker *worker)
{
    const struct worker_options *options = &worker->options;
    const struct worker_limits *limits = &options->limits;
    if (options->learning != NULL) {
        worker->others =
            memory_take(engine_arm_count(options->engine) * sizeof(*worker->others) + 1,
                        "counters of the other tasks");
    }
    open_tasks(worker);
    open_flights(worker);
    open_buffers(worker);
    worker->recent = memory_take(RECENT_CHECKPOINTS * sizeof(*worker->recent), "checkpoints");
    worker->touched =
        memory_take((size_t)options->tasks_max * limits->customers_per_cut * sizeof(struct touched),
                    "touched customers");
    worker->effects.outputs =
        memory_take(2 * ENGINE_OUTPUTS_PER_STEP_MAX * sizeof(struct output), "effects");
    worker->effects.capacity = 2 * ENGINE_OUTPUTS_PER_STEP_MAX;
    arena_init(&worker->effects.arena, memory_take(2 * ENGINE_ARENA_PER_STEP_MAX, "effects"),
               2 * ENGINE_ARENA_PER_STEP_MAX);
    worker->packed = memory_take(ENGINE_RECORD_SIZE_MAX + 16, "packing");
    worker->view_bytes_size = (size_t)ENGINE_VIEW_FIELDS_MAX * (ENGINE_VIEW_TEXT_SIZE_MAX + 128);
    worker->view_bytes = memory_take(worker->view_bytes_size, "packing");
    arena_init(&worker->view_arena, memory_take(worker->view_bytes_size, "packing"),
               worker->view_bytes_size);
    worker->view_changes =
        memory_take(ENGINE_VIEW_FIELDS_MAX * sizeof(struct view_change), "packing");
    cache_init(&worker->cache, limits->cache_bytes, engine_customer_size(options->engine));
    worker->cache.hot_count =
        engine_hot_lines(options->engine, worker->cache.hot_lines, CACHE_HOT_LINES_MAX);
    worker->cache.pinned = cache_pinned;
    worker->cache.context = worker;
}

enum status worker_open(struct worker **out_worker, const struct worker_options *options,
                        struct status_text *out_text)
{
    const struct worker_limits *limits = &options->limits;
    if (options->task_count == 0 || options->tasks_max == 0 ||
        options->tasks_max > LOG_TASKS_PER_WORKER_MAX || options->journal_partitions == 0 ||
        options->checkpoint_partitions == 0) {
        return status_fail(out_text, STATUS_INVALID,
                           "tasks or partitions are out of range: at most %d tasks a worker",
                           LOG_TASKS_PER_WORKER_MAX);
    }
    if (options->journal_partitions > options->task_count) {
        return status_fail(
            out_text, STATUS_INVALID,
            "the journal %s has %u partitions and there %s %u task%s; it may not have more than "
            "those. Before the first start: delete it and %s, and `segue topics --create` makes "
            "both as they must be",
            options->journal_topic, options->journal_partitions,
            options->task_count == 1 ? "is" : "are", options->task_count,
            options->task_count == 1 ? "" : "s", options->checkpoint_topic);
    }
    if (strlen(options->application) >= WORKER_APPLICATION_SIZE_MAX ||
        strlen(options->cluster_id) >= WORKER_CLUSTER_ID_SIZE_MAX) {
        return status_fail(out_text, STATUS_INVALID,
                           "the application's name or the cluster id is too long");
    }
    if (options->apply_queue_max == 0 || options->apply_queue_max > WORKER_APPLY_QUEUE_MAX ||
        limits->records_per_commit == 0 || limits->input_bytes == 0) {
        return status_fail(out_text, STATUS_INVALID, "a commit or apply limit is out of range");
    }
    if (limits->chunk_records == 0 || limits->chunk_records > READ_KEYS_MAX ||
        limits->due_entries < 8 || limits->outputs_per_commit < 4 * ENGINE_OUTPUTS_PER_STEP_MAX ||
        limits->commit_bytes < 2 * limits->step_bytes || limits->cut_bytes > limits->commit_bytes ||
        limits->cut_bytes < 2 * CUT_HEADER_SIZE_MAX ||
        limits->message_bytes <= 2 * CUT_PART_OVERHEAD) {
        return status_fail(out_text, STATUS_INVALID,
                           "a limit is out of range; see `segue check --defaults`");
    }
    struct worker *worker = memory_take(sizeof(*worker), "workers");
    worker->options = *options;
    worker_heard_init(&worker->heard_here);
    worker->heard = options->heard != NULL ? options->heard : &worker->heard_here;
    worker->cluster_hash = hash64(slice_text(options->cluster_id), 3);
    worker->layout_hash = engine_layout_hash(options->engine);
    worker->playbook_hash = engine_playbook_hash(options->engine);
    worker->building = NO_INDEX;
    worker->committing = NO_INDEX;
    worker->following = NO_INDEX;
    worker->producer = PRODUCER_WANTED;
    worker->entries_size = (size_t)ENTRIES_AVERAGED * 512;
    worker->flight_bytes_max = flight_bytes_first(worker);
    open_memory(worker);
    for (uint32_t i = 0; i < LOG_TASKS_PER_WORKER_MAX; i++) {
        atomic_init(&worker->stats.tasks[i].task, UINT32_MAX);
    }
    *out_worker = worker;
    return STATUS_OK;
}

static void worker_assigned(struct worker *worker, uint32_t number)
{
    struct task *task = worker_task(worker, number);
    for (uint32_t i = 0; i < worker->options.tasks_max && task == NULL; i++) {
        if (worker->tasks[i].number == NO_INDEX || worker->tasks[i].state == TASK_IDLE) {
            task = &worker->tasks[i];
        }
    }
    if (task == NULL) {
        worker->leave = true;
        (void)snprintf(worker->reason, sizeof(worker->reason),
                       "more than %u tasks were given to one worker: raise workers or tasks_max",
                       worker->options.tasks_max);
        return;
    }
    claim_assigned(worker, task, number);
}

static void worker_journal_record(struct worker *worker, struct task *task,
                                  const struct log_event *event)
{
    if ((event->task & LOG_CHECKPOINT_READER) != 0) {
        restore_record(worker, task, &event->record);
    } else if (task->state == TASK_LIVE) {
        follow_journal(worker, task, event);
    } else {
        claim_journal(worker, task, event);
    }
}

static void worker_journal_end(struct worker *worker, struct task *task,
                               const struct log_event *event)
{
    if ((event->task & LOG_CHECKPOINT_READER) != 0) {
        restore_read_all(worker, task);
    } else if (task->state == TASK_LIVE) {
        follow_journal_end(worker, task);
    } else {
        claim_journal_end(worker, task, event);
    }
}

static void worker_log_event(struct worker *worker, const struct log_event *event)
{
    struct task *task = worker_task(worker, event->task & ~LOG_CHECKPOINT_READER);
    switch (event->kind) {
    case LOG_ASSIGNED:
        worker_assigned(worker, event->task);
        break;
    case LOG_REVOKED:
        if (task != NULL && task->state != TASK_IDLE) {
            task_forget(worker, task);
            task_set_state(worker, task, TASK_IDLE);
            atomic_store_explicit(&worker->stats.tasks[task->slot].task, UINT32_MAX,
                                  memory_order_relaxed);
        }
        break;
    case LOG_PRODUCER_READY:
        worker->producer = PRODUCER_READY;
        break;
    case LOG_PRODUCER_FAILED:
        worker->producer = PRODUCER_WANTED;
        worker->producer_retry_us = worker->now_us + 4 * RETRY_US;
        break;
    case LOG_COMMITTED_OFFSETS:
        if (task != NULL) {
            claim_committed(worker, task, event);
        }
        break;
    case LOG_JOURNAL_RECORD:
        if (task != NULL) {
            worker_journal_record(worker, task, event);
        }
        break;
    case LOG_JOURNAL_END:
        if (task != NULL) {
            worker_journal_end(worker, task, event);
        }
        break;
    case LOG_COMMIT_DONE:
        flight_committed(worker, event);
        break;
    case LOG_COMMIT_FAILED:
    case LOG_COMMIT_FENCED:
        flight_failed(worker, event->kind == LOG_COMMIT_FENCED, event->text.text);
        break;
    case LOG_ENDS:
        if (task != NULL) {
            take_ends(task, event);
        }
        break;
    case LOG_DELETED:
        if (event->text.text[0] != '\0') {
            log_warn("journal_kept", "what nobody needs of the journal could not be deleted",
                     "task=%u why=\"%s\"", event->task, event->text.text);
        }
        break;
    case LOG_INPUT_GONE:
        if (task != NULL && task->state == TASK_LIVE) {
            start_input_gone(worker, task, event);
        }
        break;
    case LOG_FATAL:
        worker->leave = true;
        (void)snprintf(worker->reason, sizeof(worker->reason), "%.470s", event->text.text);
        break;
    }
}

static void worker_store_answers(struct worker *worker)
{
    struct store_answer answer;
    struct store *store = worker->options.store;
    while (store->ops->next_answer(store, &answer)) {
        uint64_t slot = answer.token >> 1;
        INVARIANT(slot < worker->options.tasks_max);
        if ((answer.token & 1) != 0) {
            apply_answer(worker, &worker->tasks[slot], &answer);
        } else {
            read_answer(worker, &worker->tasks[slot], &answer);
        }
    }
}

/* What only the worker's thread may look at, for whoever reads metrics. */
static void worker_count(struct worker *worker)
{
    struct store *store = worker->options.store;
    struct worker_stats *stats = &worker->stats;
    struct store_counters counters = {0};
    if (worker->now_us - worker->counted_us < COUNT_US) {
        return;
    }
    worker->counted_us = worker->now_us;
    store->ops->counters(store, &counters);
    stats_set(&stats->cache_used, worker->cache.used);
    stats_set(&stats->cache_limit, worker->cache.count);
    stats_set(&stats->redis_commands, counters.commands);
    stats_set(&stats->redis_sent, counters.sent);
    stats_set(&stats->redis_received, counters.received);
    stats_set(&stats->redis_connects, counters.connects);
    stats_set(&stats->redis_breaks, counters.breaks);
    stats_set(&stats->redis_ready, store->ops->epoch(store, STORE_CONNECTION_READ) != 0);
}

/* A read that does not come back breaks its connection; the answer then is STATUS_AWAY. */
static void worker_read_timeouts(struct worker *worker)
{
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        struct task *task = &worker->tasks[i];
        if (task->reading_store != READ_NONE &&
            worker->now_us - task->read_since_us > worker->options.store_timeout_ms * 1000) {
            task->read_since_us = worker->now_us;
            worker->options.store->ops->reset(worker->options.store, read_connection(worker, task));
            return;
        }
    }
}

static void worker_task_step(struct worker *worker, struct task *task)
{
    switch (task->state) {
    case TASK_CLAIMING:
    case TASK_REBUILDING:
        claim_step(worker, task);
        break;
    case TASK_LIVE:
        if (task->follow.ahead != 0) {
            follow_step(worker, task);
        }
        apply_step(worker, task);
        if (task->state != TASK_LIVE) {
            break;
        }
        start_position(worker, task);
        task_clock_step(worker, task);
        if (!sweep_waits(worker, task)) {
            due_step(worker, task);
        }
        if (task->state == TASK_LIVE) {
            sweep_step(worker, task);
        }
        if (task->state == TASK_LIVE && !sweep_waits(worker, task)) {
            batch_step(worker, task);
        }
        if (task->state == TASK_LIVE) {
            follow_step(worker, task);
        }
        if (task->state == TASK_LIVE) {
            wish_step(worker, task);
        }
        due_tell(worker, task);
        break;
    case TASK_IDLE:
        apply_step(worker, task);
        break;
    case TASK_HALTED:
        wish_step(worker, task);
        break;
    case TASK_STATE_COUNT:
        break;
    }
}

static bool worker_is_drained(const struct worker *worker)
{
    if (worker->committing != NO_INDEX) {
        return false;
    }
    if (worker->building != NO_INDEX && worker->flights[worker->building].began_us != 0 &&
        worker->touched_count > 0) {
        return false;
    }
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        const struct task *task = &worker->tasks[i];
        if (task->state == TASK_LIVE && task->pending_count > 0) {
            return false;
        }
    }
    return true;
}

enum worker_outcome worker_turn(struct worker *worker, int32_t *out_wait_ms)
{
    struct worker_options *options = &worker->options;
    struct log_event event;
    worker->now_us = options->clock->ops->monotonic_us(options->clock);
    worker->wall_ms = options->clock->ops->wall_ms(options->clock);
    worker->idle = true;
    worker->turn_budget = RECORDS_PER_TURN;
    stats_add(&worker->stats.turns, 1);
    uint32_t budget = EVENTS_PER_TURN;
    while (!worker->leave && budget > 0 && options->log->ops->next_event(options->log, &event)) {
        worker_log_event(worker, &event);
        budget--;
    }
    worker->idle = worker->idle && budget > 0;
    if (worker->leave) {
        *out_wait_ms = 0;
        return WORKER_LEAVE;
    }
    worker_store_answers(worker);
    worker_count(worker);
    worker_read_timeouts(worker);
    flight_choose(worker);
    for (uint32_t i = 0; i < options->tasks_max; i++) {
        worker_task_step(worker, &worker->tasks[i]);
    }
    flight_turn(worker);
    if (worker->stopping && worker_is_drained(worker)) {
        *out_wait_ms = 0;
        return WORKER_DRAINED;
    }
    *out_wait_ms = worker->idle ? WAIT_IDLE_MS : 1;
    if (worker->building != NO_INDEX && worker->flights[worker->building].began_us != 0) {
        *out_wait_ms = 1;
    }
    return WORKER_GO_ON;
}

void worker_stop(struct worker *worker)
{
    worker->stopping = true;
}

struct worker_stats *worker_stats(struct worker *worker)
{
    return &worker->stats;
}

const char *worker_reason(const struct worker *worker, uint32_t number)
{
    for (uint32_t i = 0; i < worker->options.tasks_max; i++) {
        if (worker->tasks[i].number == number && number != UINT32_MAX) {
            return worker->tasks[i].reason;
        }
    }
    return worker->reason;
}
