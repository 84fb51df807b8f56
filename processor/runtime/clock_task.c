/* SPDX-License-Identifier: Apache-2.0 */
/* A task's now (DESIGN 6.6): it never goes back, it is written into every cut, and the engine sees no other.
 *
 * clock: live. While the task is behind (records are waiting), now follows the time of the events read; once
 * caught up it is the wall clock, which is believed only up to the broker's time of our own last cut, plus
 * what has passed since, plus a minute: a machine whose clock jumps a year must not fire a year of absences.
 * clock: stream. Now is event time, nothing else. */
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { CLOCK_AHEAD_MS_MAX = 60000 };

void task_clock_event(struct worker *worker, struct task *task, const struct event *event)
{
    int64_t moment = event->time_ms;
    if (worker->options.clock_mode == ENGINE_CLOCK_LIVE && !task->behind) {
        return;
    }
    task->now_ms = moment > task->now_ms ? moment : task->now_ms;
}

/* Is anything left to read, as far as the last fetch knows? */
static bool task_is_behind(struct worker *worker, struct task *task, int64_t *out_lag)
{
    struct log *log = worker->options.log;
    bool behind = false;
    *out_lag = 0;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        if (!worker->options.sources[i].used) {
            continue;
        }
        int64_t end = log->ops->high_watermark(log, task->number, (enum source)i);
        int64_t position = task->sources[i].position;
        if (end < 0) {
            *out_lag = -1;
            return true; /* not known yet */
        }
        if (position < 0 ? end > 0 && worker->options.sources[i].start == WORKER_START_EARLIEST
                         : position < end) {
            behind = true;
            *out_lag += position < 0 ? end : end - position;
        }
    }
    return behind;
}

void task_clock_step(struct worker *worker, struct task *task)
{
    int64_t lag = 0;
    task->behind = task_is_behind(worker, task, &lag);
    atomic_store_explicit(&worker->stats.tasks[task->slot].lag, lag, memory_order_relaxed);
    if (worker->options.clock_mode == ENGINE_CLOCK_LIVE && !task->behind) {
        int64_t now = worker->wall_ms;
        if (task->append_ms > 0) {
            int64_t bound = task->append_ms + (worker->now_us - task->append_us) / 1000 + CLOCK_AHEAD_MS_MAX;
            atomic_store_explicit(&worker->stats.held_clock, now > bound, memory_order_relaxed);
            now = now > bound ? bound : now;
        }
        task->now_ms = now > task->now_ms ? now : task->now_ms;
    }
    atomic_store_explicit(&worker->stats.tasks[task->slot].now_ms, task->now_ms, memory_order_relaxed);
}
