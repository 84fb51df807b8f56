/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/monitor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "engine/counters.h"
#include "runtime/halt.h"

static const struct metric_family rejects_family = {
    "segue_rejects", NULL, "Input records refused, by reason", METRIC_COUNTER};
static const struct metric_family outputs_family = {"segue_outputs", NULL,
                                                    "Records written, by topic", METRIC_COUNTER};
static const struct metric_family blocked_family = {
    "segue_offers_blocked", NULL, "Offers not made, by the gate that stopped each", METRIC_COUNTER};
static const struct metric_family commit_family = {
    "segue_commit_seconds", "seconds", "Duration of a transaction, begin to committed, by worker",
    METRIC_HISTOGRAM};
static const struct metric_family apply_family = {"segue_apply_seconds", "seconds",
                                                  "From committed to applied to Redis, by task",
                                                  METRIC_HISTOGRAM};
static const struct metric_family task_events_family = {
    "segue_task_events", NULL, "Input records processed, by task", METRIC_COUNTER};
static const struct metric_family task_rejects_family = {
    "segue_task_rejects", NULL, "Input records refused, by task", METRIC_COUNTER};
static const struct metric_family age_family = {"segue_transaction_age_seconds", "seconds",
                                                "Age of the oldest running transaction",
                                                METRIC_GAUGE};
static const struct metric_family lag_family = {
    "segue_lag_records", NULL, "Input records not read yet, by task", METRIC_GAUGE};
static const struct metric_family due_family = {
    "segue_deadline_lag_seconds", "seconds",
    "From the earliest deadline that nobody has looked at yet to the now of its live task",
    METRIC_GAUGE};
static const struct metric_family state_family = {
    "segue_task_state", NULL, "0 idle, 1 claiming, 2 live, 3 rebuilding, 4 halted", METRIC_GAUGE};
static const struct metric_family halted_family = {
    "segue_halted_tasks", NULL, "Tasks that wait for a person, by reason", METRIC_GAUGE};
static const struct metric_family committed_family = {"segue_task_committed_cut", NULL,
                                                      "C: the last committed cut", METRIC_GAUGE};
static const struct metric_family applied_family = {"segue_task_applied_cut", NULL,
                                                    "W: the last cut in Redis", METRIC_GAUGE};
static const struct metric_family customers_family = {
    "segue_customers", NULL, "Customers with a record, by task", METRIC_GAUGE};
static const struct metric_family rebuilt_family = {"segue_task_rebuilt_customers", NULL,
                                                    "Customers written by the task's last rebuild",
                                                    METRIC_GAUGE};
static const struct metric_family low_family = {
    "segue_task_low_cut", NULL, "Cuts from here on are needed for a rebuild", METRIC_GAUGE};
static const struct metric_family full_family = {
    "segue_schemas_full", NULL,
    "1: records wait because more schemas are in use than there is room for", METRIC_GAUGE};
static const struct metric_family waiting_family = {
    "segue_schemas_waiting", NULL, "Schema ids being asked for; their records wait", METRIC_GAUGE};
static const struct metric_family failures_family = {
    "segue_registry_failures", NULL, "Requests to the registry that failed", METRIC_COUNTER};
static const struct metric_family unapplied_family = {
    "segue_unapplied_cuts", NULL, "Cuts committed and not yet in Redis, all tasks", METRIC_GAUGE};
static const struct metric_family ready_family = {"segue_tasks_ready", NULL,
                                                  "Owned tasks that are live", METRIC_GAUGE};
static const struct metric_family silent_family = {
    "segue_source_silent", NULL, "Tasks for which nobody's records of that source come",
    METRIC_GAUGE};
static const struct metric_family unsure_family = {
    "segue_events_unsure", NULL,
    "Events counted though they may have come before: their customers have more than ids are known",
    METRIC_COUNTER};
static const struct metric_family build_family = {
    "segue_build", NULL, "Version and playbook of this process", METRIC_GAUGE};

/* Of every worker, summed. */
#define AT(member) offsetof(struct worker_stats, member)
static const struct sum {
    struct metric_family family;
    size_t at;
} sums[] = {
    {{"segue_events", NULL, "Input records processed", METRIC_COUNTER}, AT(events)},
    {{"segue_deadlines", NULL, "Customers looked at because time passed", METRIC_COUNTER},
     AT(deadlines)},
    {{"segue_commits", NULL, "Transactions committed", METRIC_COUNTER}, AT(commits)},
    {{"segue_commit_failures", NULL, "Transactions that failed or whose end nobody knows",
      METRIC_COUNTER},
     AT(commits_failed)},
    {{"segue_offer_decisions", NULL, "Decisions with at least one offer", METRIC_COUNTER},
     AT(decisions)},
    {{"segue_no_offers", NULL, "Decisions without any", METRIC_COUNTER}, AT(no_offers)},
    {{"segue_claims", NULL, "Tasks claimed", METRIC_COUNTER}, AT(claims)},
    {{"segue_rebuilds", NULL, "Tasks rebuilt into Redis", METRIC_COUNTER}, AT(rebuilds)},
    {{"segue_applies", NULL, "Cuts applied to Redis", METRIC_COUNTER}, AT(applies)},
    {{"segue_checkpoints", NULL, "Customers written to the checkpoint topic", METRIC_COUNTER},
     AT(checkpoints)},
    {{"segue_journal_bytes", "bytes", "Written to the journal", METRIC_COUNTER}, AT(journal_bytes)},
    {{"segue_cache_hits", NULL, "Customers found in memory", METRIC_COUNTER}, AT(cache_hits)},
    {{"segue_cache_misses", NULL, "Customers read from Redis", METRIC_COUNTER}, AT(cache_misses)},
    {{"segue_cache_customers", NULL, "Customers in memory", METRIC_GAUGE}, AT(cache_used)},
    {{"segue_cache_limit_customers", NULL, "Room in memory for so many", METRIC_GAUGE},
     AT(cache_limit)},
    {{"segue_redis_commands", NULL, "Commands sent to Redis", METRIC_COUNTER}, AT(redis_commands)},
    {{"segue_redis_sent_bytes", "bytes", "Sent to Redis", METRIC_COUNTER}, AT(redis_sent)},
    {{"segue_redis_received_bytes", "bytes", "Received from Redis", METRIC_COUNTER},
     AT(redis_received)},
    {{"segue_redis_connects", NULL, "Connections to Redis made ready", METRIC_COUNTER},
     AT(redis_connects)},
    {{"segue_redis_breaks", NULL, "Connections to Redis lost after they were ready",
      METRIC_COUNTER},
     AT(redis_breaks)},
    {{"segue_redis_ready", NULL, "Workers whose connection for reads is ready", METRIC_GAUGE},
     AT(redis_ready)},
    {{"segue_sweeps_running", NULL,
      "Tasks whose customers are being looked at under another playbook", METRIC_GAUGE},
     AT(sweeping)},
    {{"segue_swept_customers", NULL,
      "Customers brought by for another playbook; after a restart once more", METRIC_COUNTER},
     AT(swept)},
    {{"segue_clock_held", NULL, "Tasks for which the wall clock runs ahead of Kafka's",
      METRIC_GAUGE},
     AT(held_clock)},
};
#undef AT

enum { TASK_SERIES = 11 };

struct task_series {
    struct metric *lag, *due, *state, *committed, *applied, *customers, *rebuilt, *low;
    struct metric *events, *rejects, *apply_time;
};

struct monitor {
    struct monitor_options options;
    struct metrics *metrics;
    pthread_mutex_t lock; /* HTTP may answer two scrapes at once */
    struct metric *sums[ARRAY_COUNT(sums)];
    struct metric *rejects[REJECT_REASON_COUNT], *outputs[OUTPUT_KIND_COUNT],
        *blocked[WORKER_GATES_MAX];
    struct metric *age, *unapplied, *ready;
    struct metric *full, *waiting, *failures;
    struct probe_checks checks;
    struct metric *silent[SOURCE_COUNT], *unsure[SOURCE_COUNT]; /* NULL: not used */
    struct metric *halted[HALT_COUNT];
    struct task_series *tasks; /* task_count */
    struct probe_turns turns[MONITOR_WORKERS_MAX];
    struct metric *commit_time[MONITOR_WORKERS_MAX];
};

static struct metric *series(struct monitor *monitor, const struct metric_family *family,
                             const char *name, const char *value)
{
    char labels[METRIC_LABELS_SIZE] = "";
    if (name != NULL) {
        INVARIANT(metrics_label(labels, name, value));
    }
    return metrics_register(monitor->metrics, family, labels);
}

static void register_totals(struct monitor *m)
{
    for (size_t i = 0; i < ARRAY_COUNT(sums); i++) {
        m->sums[i] = series(m, &sums[i].family, NULL, NULL);
    }
    m->age = series(m, &age_family, NULL, NULL);
    m->unapplied = series(m, &unapplied_family, NULL, NULL);
    m->ready = series(m, &ready_family, NULL, NULL);
    m->full = series(m, &full_family, NULL, NULL);
    m->waiting = series(m, &waiting_family, NULL, NULL);
    m->failures = series(m, &failures_family, NULL, NULL);
    probe_checks_register(&m->checks, m->options.checks, m->options.check_count, m->metrics);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        const char *topic = m->options.topics[i];
        m->silent[i] = topic == NULL ? NULL : series(m, &silent_family, "topic", topic);
        m->unsure[i] = topic == NULL ? NULL : series(m, &unsure_family, "topic", topic);
    }
    for (int i = HALT_NONE + 1; i < HALT_COUNT; i++) {
        m->halted[i] = series(m, &halted_family, "reason", halt_code((enum halt)i));
    }
    for (int i = 1; i < REJECT_REASON_COUNT; i++) {
        m->rejects[i] =
            series(m, &rejects_family, "reason", reject_reason_text((enum reject_reason)i));
    }
    for (uint32_t i = 0; i < engine_gate_count(); i++) {
        m->blocked[i] = series(m, &blocked_family, "gate", engine_gate_name(i));
    }
    for (int i = 0; i < OUTPUT_KIND_COUNT; i++) {
        m->outputs[i] = series(m, &outputs_family, "topic", output_topic((enum output_kind)i));
    }
}

static void register_build(struct monitor *m)
{
    char labels[METRIC_LABELS_SIZE] = "";
    char hash[24];
    (void)snprintf(hash, sizeof(hash), "%016" PRIx64, m->options.playbook_hash);
    INVARIANT(metrics_label(labels, "version", SEGUE_VERSION) &&
              metrics_label(labels, "playbook", hash));
    metric_set(metrics_register(m->metrics, &build_family, labels), 1);
}

static void register_task(struct monitor *m, uint32_t task)
{
    char number[16];
    (void)snprintf(number, sizeof(number), "%u", task);
    m->tasks[task] =
        (struct task_series){.lag = series(m, &lag_family, "task", number),
                             .due = series(m, &due_family, "task", number),
                             .state = series(m, &state_family, "task", number),
                             .committed = series(m, &committed_family, "task", number),
                             .applied = series(m, &applied_family, "task", number),
                             .customers = series(m, &customers_family, "task", number),
                             .rebuilt = series(m, &rebuilt_family, "task", number),
                             .low = series(m, &low_family, "task", number),
                             .events = series(m, &task_events_family, "task", number),
                             .rejects = series(m, &task_rejects_family, "task", number),
                             .apply_time = series(m, &apply_family, "task", number)};
}

struct monitor *monitor_open(const struct monitor_options *options)
{
    struct monitor *m = memory_take(sizeof(*m), "metrics");
    INVARIANT(options->worker_count <= MONITOR_WORKERS_MAX);
    INVARIANT(engine_gate_count() <= WORKER_GATES_MAX);
    m->options = *options;
    m->metrics = metrics_open(186 + options->worker_count + TASK_SERIES * options->task_count +
                                  options->more_count,
                              options->worker_count + options->task_count);
    m->tasks = memory_take(options->task_count * sizeof(*m->tasks), "metrics");
    INVARIANT(pthread_mutex_init(&m->lock, NULL) == 0);
    register_totals(m);
    register_build(m);
    for (uint32_t t = 0; t < options->task_count; t++) {
        register_task(m, t);
    }
    for (uint32_t w = 0; w < options->worker_count; w++) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", w);
        m->commit_time[w] = series(m, &commit_family, "worker", number);
        probe_turns_begin(&m->turns[w], options->clock);
    }
    return m;
}

size_t monitor_answer_size(uint32_t task_count)
{
    /* A line is at most a hundred bytes; a task has nine numbers and a histogram. */
    return 1048576 + (size_t)task_count * 100 * (TASK_SERIES + WORKER_HISTOGRAM_BUCKETS + 2);
}

struct metrics *monitor_metrics(struct monitor *monitor)
{
    return monitor->metrics;
}

static void refresh_sums(struct monitor *m)
{
    for (size_t i = 0; i < ARRAY_COUNT(sums); i++) {
        uint64_t total = 0;
        for (uint32_t w = 0; w < m->options.worker_count; w++) {
            char *stats = (char *)worker_stats(m->options.workers[w]);
            total += atomic_load((atomic_uint_least64_t *)(void *)(stats + sums[i].at));
        }
        if (sums[i].family.kind == METRIC_COUNTER) {
            metric_set_total(m->sums[i], total);
        } else {
            metric_set(m->sums[i], (double)total);
        }
    }
}

static void refresh_arrays(struct monitor *m)
{
    for (int i = 1; i < REJECT_REASON_COUNT; i++) {
        uint64_t sum = 0;
        for (uint32_t w = 0; w < m->options.worker_count; w++) {
            sum += atomic_load(&worker_stats(m->options.workers[w])->rejects[i]);
        }
        metric_set_total(m->rejects[i], sum);
    }
    for (int i = 0; i < SOURCE_COUNT; i++) {
        uint64_t silent = 0, unsure = 0;
        for (uint32_t w = 0; w < m->options.worker_count; w++) {
            silent += atomic_load(&worker_stats(m->options.workers[w])->silent[i]);
            unsure += atomic_load(&worker_stats(m->options.workers[w])->unsure[i]);
        }
        if (m->silent[i] != NULL) {
            metric_set(m->silent[i], (double)silent);
            metric_set_total(m->unsure[i], unsure);
        }
    }
    for (int i = 0; i < OUTPUT_KIND_COUNT; i++) {
        uint64_t sum = 0;
        for (uint32_t w = 0; w < m->options.worker_count; w++) {
            sum += atomic_load(&worker_stats(m->options.workers[w])->outputs[i]);
        }
        metric_set_total(m->outputs[i], sum);
    }
}

static void refresh_gates(struct monitor *m)
{
    for (uint32_t i = 0; i < engine_gate_count(); i++) {
        uint64_t sum = 0;
        for (uint32_t w = 0; w < m->options.worker_count; w++) {
            sum += atomic_load(&worker_stats(m->options.workers[w])->blocked[i]);
        }
        metric_set_total(m->blocked[i], sum);
    }
}

static void add_histogram(uint64_t counts[WORKER_HISTOGRAM_BUCKETS], uint64_t *sum_us,
                          struct worker_histogram *histogram)
{
    for (uint32_t i = 0; i < WORKER_HISTOGRAM_BUCKETS; i++) {
        counts[i] += atomic_load(&histogram->buckets[i]);
    }
    *sum_us += atomic_load(&histogram->sum_us);
}

static void refresh_commits(struct monitor *m)
{
    for (uint32_t w = 0; w < m->options.worker_count; w++) {
        uint64_t counts[WORKER_HISTOGRAM_BUCKETS] = {0};
        uint64_t sum_us = 0;
        add_histogram(counts, &sum_us, &worker_stats(m->options.workers[w])->commit_latency);
        metric_set_histogram(m->commit_time[w], counts, sum_us);
    }
}

/* A task that moved from one worker to another has counted in both. */
static void refresh_totals(struct monitor *m)
{
    for (uint32_t t = 0; t < m->options.task_count; t++) {
        uint64_t counts[WORKER_HISTOGRAM_BUCKETS] = {0};
        uint64_t sum_us = 0, events = 0, rejects = 0;
        for (uint32_t w = 0; w < m->options.worker_count; w++) {
            struct worker_task_totals *totals = &worker_stats(m->options.workers[w])->totals[t];
            add_histogram(counts, &sum_us, &totals->apply_latency);
            events += atomic_load(&totals->events);
            rejects += atomic_load(&totals->rejects);
        }
        metric_set_total(m->tasks[t].events, events);
        metric_set_total(m->tasks[t].rejects, rejects);
        metric_set_histogram(m->tasks[t].apply_time, counts, sum_us);
    }
}

static void refresh_tasks(struct monitor *m)
{
    uint64_t unapplied = 0;
    uint32_t ready = 0;
    uint32_t halted[HALT_COUNT] = {0};
    for (uint32_t t = 0; t < m->options.task_count; t++) {
        metric_set(m->tasks[t].state, TASK_IDLE);
        metric_set(m->tasks[t].lag, 0);
        metric_set(m->tasks[t].due, 0);
        metric_set(m->tasks[t].customers, 0); /* another process tells of its own */
    }
    for (uint32_t w = 0; w < m->options.worker_count; w++) {
        struct worker_stats *stats = worker_stats(m->options.workers[w]);
        for (uint32_t i = 0; i < LOG_TASKS_PER_WORKER_MAX; i++) {
            uint32_t t = atomic_load(&stats->tasks[i].task);
            if (t >= m->options.task_count) {
                continue;
            }
            int32_t state = atomic_load(&stats->tasks[i].state);
            uint64_t committed = atomic_load(&stats->tasks[i].committed);
            uint64_t applied = atomic_load(&stats->tasks[i].applied);
            int64_t lag = atomic_load(&stats->tasks[i].lag);
            metric_set(m->tasks[t].state, state);
            metric_set(m->tasks[t].lag, lag < 0 ? 0 : (double)lag);
            metric_set(m->tasks[t].due, (double)atomic_load(&stats->tasks[i].due_lag_ms) / 1e3);
            metric_set(m->tasks[t].committed, (double)committed);
            metric_set(m->tasks[t].applied, (double)applied);
            metric_set(m->tasks[t].customers, (double)atomic_load(&stats->tasks[i].customers));
            metric_set(m->tasks[t].rebuilt, (double)atomic_load(&stats->tasks[i].rebuilt));
            metric_set(m->tasks[t].low, (double)atomic_load(&stats->tasks[i].low));
            unapplied += committed > applied ? committed - applied : 0;
            ready += state == TASK_LIVE;
            halted[atomic_load(&stats->tasks[i].halt) % HALT_COUNT] += state == TASK_HALTED;
        }
    }
    for (int i = HALT_NONE + 1; i < HALT_COUNT; i++) {
        metric_set(m->halted[i], halted[i]);
    }
    metric_set(m->unapplied, (double)unapplied);
    metric_set(m->ready, ready);
}

static void refresh_dependencies(struct monitor *m)
{
    struct monitor_schemas schemas = m->options.ask_schemas(m->options.schemas);
    metric_set(m->full, schemas.full);
    metric_set(m->waiting, (double)schemas.waiting);
    metric_set_total(m->failures, schemas.failures);
    probe_checks_refresh(&m->checks);
}

static void refresh(struct monitor *m)
{
    int64_t oldest_ms = 0;
    refresh_sums(m);
    for (uint32_t w = 0; w < m->options.worker_count; w++) {
        struct worker_stats *stats = worker_stats(m->options.workers[w]);
        int64_t since = atomic_load(&stats->transaction_since_ms);
        oldest_ms = since != 0 && (oldest_ms == 0 || since < oldest_ms) ? since : oldest_ms;
    }
    int64_t now_ms = m->options.clock->ops->wall_ms(m->options.clock);
    metric_set(m->age, oldest_ms == 0 ? 0 : (double)(now_ms - oldest_ms) / 1e3);
    refresh_dependencies(m);
    refresh_arrays(m);
    refresh_gates(m);
    refresh_commits(m);
    refresh_totals(m);
    refresh_tasks(m);
    if (m->options.refresh_more != NULL) {
        m->options.refresh_more(m->options.more);
    }
}

static void fill_metrics(void *context, const struct http_request *request,
                         struct http_answer *answer)
{
    struct monitor *m = context;
    enum metrics_format format = metrics_format_of(request->accept);
    (void)pthread_mutex_lock(&m->lock);
    refresh(m);
    answer->size = metrics_write(m->metrics, format, answer->data, answer->limit);
    (void)pthread_mutex_unlock(&m->lock);
    answer->content_type = metrics_content_type(format);
    answer->status = answer->size == 0 ? 500 : 200;
}

static bool stalled(const struct monitor *m, uint32_t worker)
{
    return probe_turns_stalled(&m->turns[worker], m->options.stall_ms, m->options.clock);
}

static void fill_health(void *context, const struct http_request *request UNUSED,
                        struct http_answer *answer)
{
    struct monitor *m = context;
    for (uint32_t w = 0; w < m->options.worker_count; w++) {
        bool bad = stalled(m, w);
        probe_say(answer, "worker %u: %s\n", w,
                  bad ? "makes no turns; the watchdog ends it" : "ok");
        answer->status = bad ? 503 : answer->status;
    }
}

static void fill_ready(void *context, const struct http_request *request UNUSED,
                       struct http_answer *answer)
{
    struct monitor *m = context;
    uint32_t owned = 0;
    probe_checks_say(&m->checks, answer);
    for (uint32_t w = 0; w < m->options.worker_count; w++) {
        struct worker_stats *stats = worker_stats(m->options.workers[w]);
        char who[32];
        (void)snprintf(who, sizeof(who), "worker %u", w);
        probe_say_starting(answer, who, atomic_load(&stats->turns));
        for (uint32_t i = 0; i < LOG_TASKS_PER_WORKER_MAX; i++) {
            uint32_t t = atomic_load(&stats->tasks[i].task);
            if (t >= m->options.task_count) {
                continue;
            }
            enum task_state state = (enum task_state)atomic_load(&stats->tasks[i].state);
            owned++;
            probe_say_state(answer, "task", t, state, atomic_load(&stats->tasks[i].halt));
        }
    }
    probe_say(answer, "tasks owned: %u\n", owned);
}

uint32_t monitor_handlers(struct monitor *monitor, struct http_handler *out_handlers)
{
    out_handlers[0] = (struct http_handler){"/metrics", fill_metrics, monitor};
    out_handlers[1] = (struct http_handler){"/healthz", fill_health, monitor};
    out_handlers[2] = (struct http_handler){"/readyz", fill_ready, monitor};
    return 3;
}

bool monitor_alive(struct monitor *monitor)
{
    bool alive = true;
    for (uint32_t w = 0; w < monitor->options.worker_count; w++) {
        uint64_t turns = atomic_load(&worker_stats(monitor->options.workers[w])->turns);
        probe_turns_look(&monitor->turns[w], turns, monitor->options.clock);
        alive = alive && !stalled(monitor, w);
    }
    return alive;
}
