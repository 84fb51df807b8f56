/* SPDX-License-Identifier: Apache-2.0 */
/* What operators see of the workers: /metrics, /healthz (do the loops move?) and /readyz (is every
 * owned task live, and are Kafka, Redis and the registry there?). Reads the workers' atomics; asks nobody.
 */
#ifndef RUNTIME_MONITOR_H
#define RUNTIME_MONITOR_H

#include "base/metrics.h"
#include "io/http.h"
#include "runtime/probe.h"
#include "runtime/worker.h"

enum { MONITOR_WORKERS_MAX = 32 };

struct monitor;

/* Writers' schemas. */
struct monitor_schemas {
    bool full;         /* records wait because more are in use than there is room for */
    uint64_t waiting;  /* ids being asked for now: their records wait */
    uint64_t failures; /* requests to the registry that failed, so far */
};

struct monitor_options {
    struct worker *const *workers;    /* worker_count of them, until exit */
    uint32_t worker_count;            /* at most MONITOR_WORKERS_MAX */
    uint32_t task_count;              /* N: series are registered for each */
    const char *topics[SOURCE_COUNT]; /* NULL: not used */
    uint64_t playbook_hash;
    int64_t stall_ms; /* the watchdog: a worker without a turn for so long is stuck */
    struct clock *clock;
    struct monitor_schemas (*ask_schemas)(const void *schemas); /* must not wait */
    const void *schemas;
    const struct probe_check *checks; /* check_count, until exit */
    uint32_t check_count;             /* at most PROBE_CHECKS_MAX */
    /* More series than these: `more_count` of them, registered through monitor_metrics; `refresh_more` before each
     * answer, from the HTTP thread. NULL: none. */
    void (*refresh_more)(void *context);
    void *more;
    uint32_t more_count;
};

/* Register every series. Before memory_seal. */
struct monitor *monitor_open(const struct monitor_options *options);

/* Where more series are registered; before memory_seal. */
struct metrics *monitor_metrics(struct monitor *monitor);

/* Bytes that an answer with all series of so many tasks needs at most. */
size_t monitor_answer_size(uint32_t task_count);

/* The three paths, for http_open. Returns their number. `out_handlers` has room for 3. */
uint32_t monitor_handlers(struct monitor *monitor, struct http_handler *out_handlers);

/* For the watchdog: false when some worker has made no turn for stall_ms. Call it every
 * second or so, from one thread. */
bool monitor_alive(struct monitor *monitor);

#endif
