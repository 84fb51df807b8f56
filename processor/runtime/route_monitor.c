/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/route_monitor.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "runtime/halt.h"

static const struct metric_family lag_family = {
    "segue_repartition_lag_records", NULL, "Source records not repartitioned yet", METRIC_GAUGE};
static const struct metric_family state_family = {
    "segue_repartition_state", NULL, "0 not ours, 1 claiming, 2 live, 4 halted", METRIC_GAUGE};
static const struct metric_family halted_family = {
    "segue_repartition_halted", NULL, "Source partitions that wait for a person", METRIC_GAUGE};
static const struct metric_family rejects_family = {
    "segue_repartition_rejects", NULL, "Source records refused, by reason", METRIC_COUNTER};
static const struct metric_family age_family = {"segue_repartition_transaction_age_seconds",
                                                "seconds", "Age of the running transaction",
                                                METRIC_GAUGE};
static const struct metric_family build_family = {"segue_build", NULL, "Version of this process",
                                                  METRIC_GAUGE};

#define AT(member) offsetof(struct route_stats, member)
static const struct total {
    struct metric_family family;
    size_t at;
} totals[] = {
    {{"segue_repartition_records", NULL, "Records written for the tasks", METRIC_COUNTER},
     AT(records)},
    {{"segue_repartition_bytes", "bytes", "Their keys, values and headers", METRIC_COUNTER},
     AT(bytes)},
    {{"segue_repartition_commits", NULL, "Transactions committed", METRIC_COUNTER}, AT(commits)},
    {{"segue_repartition_commit_failures", NULL,
      "Transactions that failed or whose end nobody knows", METRIC_COUNTER},
     AT(commits_failed)},
    {{"segue_repartition_claims", NULL, "Source partitions claimed", METRIC_COUNTER}, AT(claims)},
};
#undef AT

struct route_series {
    struct metric *totals[ARRAY_COUNT(totals)];
    struct metric *rejects[REJECT_REASON_COUNT];
    struct metric *halted[HALT_COUNT];
    struct metric *age;
    struct metric **lags, **states; /* partition_counts[] */
    struct probe_turns turns;
};

struct route_monitor {
    struct route_monitor_options options;
    struct metrics *metrics;
    pthread_mutex_t lock; /* HTTP may answer two scrapes at once */
    struct route_series sources[SOURCE_COUNT];
    struct probe_checks checks;
};

/* One series; `name` NULL: no label but the source's. */
static struct metric *series(struct route_monitor *m, const struct metric_family *family,
                             int source, const char *name, const char *value)
{
    char labels[METRIC_LABELS_SIZE] = "";
    INVARIANT(metrics_label(labels, "source", source_name((enum source)source)));
    INVARIANT(name == NULL || metrics_label(labels, name, value));
    return metrics_register(m->metrics, family, labels);
}

static void register_source(struct route_monitor *m, int source)
{
    struct route_series *of = &m->sources[source];
    uint32_t count = m->options.partition_counts[source];
    for (size_t i = 0; i < ARRAY_COUNT(totals); i++) {
        of->totals[i] = series(m, &totals[i].family, source, NULL, NULL);
    }
    for (int i = 1; i < REJECT_REASON_COUNT; i++) {
        of->rejects[i] =
            series(m, &rejects_family, source, "reason", reject_reason_text((enum reject_reason)i));
    }
    of->halted[HALT_INPUT_GONE] =
        series(m, &halted_family, source, "reason", halt_code(HALT_INPUT_GONE));
    of->halted[HALT_INPUT_REPLACED] =
        series(m, &halted_family, source, "reason", halt_code(HALT_INPUT_REPLACED));
    of->age = series(m, &age_family, source, NULL, NULL);
    of->lags = memory_take(count * sizeof(struct metric *), "metrics");
    of->states = memory_take(count * sizeof(struct metric *), "metrics");
    for (uint32_t p = 0; p < count; p++) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", p);
        of->lags[p] = series(m, &lag_family, source, "partition", number);
        of->states[p] = series(m, &state_family, source, "partition", number);
    }
    probe_turns_begin(&of->turns, m->options.clock);
}

struct route_monitor *route_monitor_open(const struct route_monitor_options *options)
{
    struct route_monitor *m = memory_take(sizeof(*m), "metrics");
    char labels[METRIC_LABELS_SIZE] = "";
    uint32_t count = 1 + PROBE_CHECKS_MAX;
    m->options = *options;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (options->routes[i] != NULL) {
            count += (uint32_t)ARRAY_COUNT(totals) + REJECT_REASON_COUNT + 3 +
                     2 * options->partition_counts[i];
        }
    }
    m->metrics = metrics_open(count, 0);
    INVARIANT(pthread_mutex_init(&m->lock, NULL) == 0);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (options->routes[i] != NULL) {
            register_source(m, i);
        }
    }
    probe_checks_register(&m->checks, options->checks, options->check_count, m->metrics);
    INVARIANT(metrics_label(labels, "version", SEGUE_VERSION));
    metric_set(metrics_register(m->metrics, &build_family, labels), 1);
    return m;
}

static void refresh_source(struct route_monitor *m, int source)
{
    struct route_series *of = &m->sources[source];
    struct route_stats *stats = route_stats(m->options.routes[source]);
    uint32_t halted[HALT_COUNT] = {0};
    for (size_t i = 0; i < ARRAY_COUNT(totals); i++) {
        char *at = (char *)stats + totals[i].at;
        metric_set_total(of->totals[i], atomic_load((atomic_uint_least64_t *)(void *)at));
    }
    for (int i = 1; i < REJECT_REASON_COUNT; i++) {
        metric_set_total(of->rejects[i], atomic_load(&stats->rejects[i]));
    }
    for (uint32_t p = 0; p < m->options.partition_counts[source]; p++) {
        int64_t lag = atomic_load(&stats->partitions[p].lag);
        int32_t state = atomic_load(&stats->partitions[p].state);
        metric_set(of->lags[p], lag < 0 ? 0 : (double)lag);
        metric_set(of->states[p], state);
        halted[atomic_load(&stats->partitions[p].halt) % HALT_COUNT] += state == TASK_HALTED;
    }
    for (int i = 0; i < HALT_COUNT; i++) {
        if (of->halted[i] != NULL) {
            metric_set(of->halted[i], halted[i]);
        }
    }
    int64_t since_ms = atomic_load(&stats->transaction_since_ms);
    int64_t now_ms = m->options.clock->ops->wall_ms(m->options.clock);
    metric_set(of->age, since_ms == 0 ? 0 : (double)(now_ms - since_ms) / 1e3);
}

static void fill_metrics(void *context, const struct http_request *request,
                         struct http_answer *answer)
{
    struct route_monitor *m = context;
    enum metrics_format format = metrics_format_of(request->accept);
    (void)pthread_mutex_lock(&m->lock);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (m->options.routes[i] != NULL) {
            refresh_source(m, i);
        }
    }
    probe_checks_refresh(&m->checks);
    answer->size = metrics_write(m->metrics, format, answer->data, answer->limit);
    (void)pthread_mutex_unlock(&m->lock);
    answer->content_type = metrics_content_type(format);
    answer->status = answer->size == 0 ? 500 : 200;
}

static bool stalled(const struct route_monitor *m, int source)
{
    return probe_turns_stalled(&m->sources[source].turns, m->options.stall_ms, m->options.clock);
}

static void fill_health(void *context, const struct http_request *request UNUSED,
                        struct http_answer *answer)
{
    struct route_monitor *m = context;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (m->options.routes[i] != NULL) {
            bool bad = stalled(m, i);
            probe_say(answer, "%s: %s\n", source_name((enum source)i),
                      bad ? "makes no turns; the watchdog ends it" : "ok");
            answer->status = bad ? 503 : answer->status;
        }
    }
}

static void say_source(const struct route_monitor *m, int source, struct http_answer *answer)
{
    struct route_stats *stats = route_stats(m->options.routes[source]);
    char what[64];
    uint32_t owned = 0;
    probe_say_starting(answer, source_name((enum source)source), atomic_load(&stats->turns));
    (void)snprintf(what, sizeof(what), "%s partition", source_name((enum source)source));
    for (uint32_t p = 0; p < m->options.partition_counts[source]; p++) {
        enum task_state state = (enum task_state)atomic_load(&stats->partitions[p].state);
        if (state == TASK_IDLE) {
            continue;
        }
        owned++;
        probe_say_state(answer, what, p, state, atomic_load(&stats->partitions[p].halt));
    }
    probe_say(answer, "%s partitions owned: %u\n", source_name((enum source)source), owned);
}

static void fill_ready(void *context, const struct http_request *request UNUSED,
                       struct http_answer *answer)
{
    struct route_monitor *m = context;
    probe_checks_say(&m->checks, answer);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (m->options.routes[i] != NULL) {
            say_source(m, i, answer);
        }
    }
}

size_t route_monitor_answer_size(uint32_t partition_count)
{
    /* A line is at most a hundred bytes; a partition has two of them on each page. */
    return 262144 + (size_t)partition_count * 400;
}

uint32_t route_monitor_handlers(struct route_monitor *monitor, struct http_handler *out_handlers)
{
    out_handlers[0] = (struct http_handler){"/metrics", fill_metrics, monitor};
    out_handlers[1] = (struct http_handler){"/healthz", fill_health, monitor};
    out_handlers[2] = (struct http_handler){"/readyz", fill_ready, monitor};
    return 3;
}

bool route_monitor_alive(struct route_monitor *monitor)
{
    bool alive = true;
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (monitor->options.routes[i] == NULL) {
            continue;
        }
        uint64_t turns = atomic_load(&route_stats(monitor->options.routes[i])->turns);
        probe_turns_look(&monitor->sources[i].turns, turns, monitor->options.clock);
        alive = alive && !stalled(monitor, i);
    }
    return alive;
}
