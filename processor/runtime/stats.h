/* SPDX-License-Identifier: Apache-2.0 */
/* Counting for struct worker_stats: one writer, so relaxed and without a locked instruction. */
#ifndef RUNTIME_STATS_H
#define RUNTIME_STATS_H

#include "base/metrics.h"
#include "runtime/worker.h"

static inline void stats_add(atomic_uint_least64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

static inline void stats_set(atomic_uint_least64_t *gauge, uint64_t value)
{
    atomic_store_explicit(gauge, value, memory_order_relaxed);
}

static inline void stats_take(atomic_uint_least64_t *gauge, uint64_t value)
{
    atomic_store_explicit(gauge, atomic_load_explicit(gauge, memory_order_relaxed) - value,
                          memory_order_relaxed);
}

static inline void stats_time(struct worker_histogram *histogram, int64_t us)
{
    uint64_t value = us < 0 ? 0 : (uint64_t)us;
    stats_add(&histogram->buckets[metric_bucket_us(us)], 1);
    stats_add(&histogram->sum_us, value);
    stats_add(&histogram->count, 1);
}

#endif
