/* SPDX-License-Identifier: Apache-2.0 */
/* Silent sources (DESIGN 6.6): when nobody's records of a source have come for `stale_after`, what
 * has not come from it says nothing about a customer, and absences are held until it is heard
 * again.
 *
 * Heard is the newest append time over all tasks of this process, by the broker's clock, so that a
 * restart in the middle of an outage still knows: the claim reads each source's last record again.
 * Until that one has come (SILENCE_LEARN_US) nothing is judged. A source with records left to read
 * is not silent. */
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { SILENCE_LEARN_US = 10000000 };

static void set_silent(struct worker *worker, struct task *task, uint32_t source, bool silent,
                       int64_t from_ms)
{
    uint32_t bit = 1U << source;
    engine_task_silent(worker->options.engine, task->state_block, (enum source)source, from_ms);
    if (silent == ((task->silent & bit) != 0)) {
        return;
    }
    task->silent ^= bit;
    if (silent) {
        stats_add(&worker->stats.silent[source], 1);
        log_warn(
            "source_silent",
            "no record of this source has come for longer than stale_after: its absences wait; "
            "look after the feed",
            "task=%u topic=%s stale_after_ms=%lld", task->number,
            worker->options.sources[source].topic,
            (long long)worker->options.sources[source].stale_after_ms);
    } else {
        stats_take(&worker->stats.silent[source], 1);
        log_info("source_heard", "a source is heard again: its absences are judged",
                 "task=%u topic=%s", task->number, worker->options.sources[source].topic);
    }
}

void silence_end(struct worker *worker, struct task *task)
{
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        if ((task->silent >> i & 1) != 0) {
            set_silent(worker, task, i, false, INT64_MAX);
        }
    }
}

void silence_heard(struct worker *worker, struct task *task, const struct log_record *record)
{
    atomic_int_least64_t *heard = &worker->heard->at_ms[record->source];
    int64_t before = atomic_load_explicit(heard, memory_order_relaxed);
    while (record->append_ms > before &&
           !atomic_compare_exchange_weak_explicit(heard, &before, record->append_ms,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    if ((task->silent >> record->source & 1) != 0 &&
        worker->wall_ms - record->append_ms <=
            worker->options.sources[record->source].stale_after_ms) {
        set_silent(worker, task, record->source, false, INT64_MAX);
    }
}

void silence_step(struct worker *worker, struct task *task, uint32_t lagging)
{
    if (worker->options.clock_mode != ENGINE_CLOCK_LIVE) {
        return;
    }
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        int64_t stale_ms = worker->options.sources[i].stale_after_ms;
        if (!worker->options.sources[i].used || stale_ms == 0) {
            continue;
        }
        int64_t heard_ms = atomic_load_explicit(&worker->heard->at_ms[i], memory_order_relaxed);
        if ((lagging >> i & 1) != 0) {
            set_silent(worker, task, i, false, INT64_MAX);
        } else if (heard_ms != INT64_MIN) {
            bool silent = worker->wall_ms - heard_ms > stale_ms;
            set_silent(worker, task, i, silent, silent ? heard_ms + stale_ms : INT64_MAX);
        } else if (task->sources[i].verify != 0 &&
                   worker->now_us - task->live_since_us < SILENCE_LEARN_US) {
            engine_task_silent(worker->options.engine, task->state_block, (enum source)i,
                               INT64_MIN);
        } else {
            int64_t never = INT64_MIN; /* silent from now on, if it stays so */
            (void)atomic_compare_exchange_strong(&worker->heard->at_ms[i], &never, worker->wall_ms);
        }
    }
}
