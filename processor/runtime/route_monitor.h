/* SPDX-License-Identifier: Apache-2.0 */
/* What operators see of `segue repartition`: /metrics, /healthz, /readyz. Reads the routes' atomics; asks
 * nobody. */
#ifndef RUNTIME_ROUTE_MONITOR_H
#define RUNTIME_ROUTE_MONITOR_H

#include "runtime/probe.h"
#include "runtime/route.h"

struct route_monitor;

struct route_monitor_options {
    struct route *routes[SOURCE_COUNT]; /* NULL: that source goes through no step; until exit */
    uint32_t partition_counts[SOURCE_COUNT];
    const struct probe_check *checks; /* check_count, until exit */
    uint32_t check_count;             /* at most PROBE_CHECKS_MAX */
    struct clock *clock;
    int64_t stall_ms; /* the watchdog: a route without a turn for so long is stuck */
};

/* Register every series. Before memory_seal. */
struct route_monitor *route_monitor_open(const struct route_monitor_options *options);

/* Bytes that an answer with all series of so many source partitions needs at most. */
size_t route_monitor_answer_size(uint32_t partition_count);

/* The three paths, for http_open. Returns their number. `out_handlers` has room for 3. */
uint32_t route_monitor_handlers(struct route_monitor *monitor, struct http_handler *out_handlers);

/* For the watchdog: false when some route has made no turn for stall_ms. From one thread. */
bool route_monitor_alive(struct route_monitor *monitor);

#endif
