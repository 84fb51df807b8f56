/* SPDX-License-Identifier: Apache-2.0 */
/* A task's now (DESIGN 6.6): it never goes back, it is written into every cut, and the engine sees
 * no other.
 *
 * clock: live. While the task is behind (records are waiting), now follows the time of the events
 * read; once caught up it is the wall clock, which is believed only up to the broker's time of our
 * own last cut, plus what has passed since, plus a minute: a machine whose clock jumps a year must
 * not fire a year of absences. clock: stream. Now is event time, nothing else. */
#include "base/log.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

enum { CLOCK_ASK_US = 1000000 };

static void task_set_now(struct task *task, int64_t moment_ms)
{
    task->now_ms = moment_ms > task->now_ms ? moment_ms : task->now_ms;
    if (task->due.loaded == INT64_MIN) {
        task->due.loaded =
            due_bucket_of(task->now_ms) - 1; /* the first moment ever: nobody waits before it */
    }
}

void task_clock_event(struct worker *worker, struct task *task, const struct event *event)
{
    int64_t moment = event->time_ms;
    if (worker->options.clock_mode == ENGINE_CLOCK_LIVE && !task->behind) {
        return;
    }
    task_set_now(task, moment);
}

int64_t task_source_lag(struct worker *worker, struct task *task, enum source source)
{
    bool empty = false;
    struct log *log = worker->options.log;
    int64_t end = log->ops->high_watermark(log, task->number, source, &empty);
    int64_t *position = &task->sources[source].position;
    if (end < 0) {
        return -1;
    }
    if (*position < 0 && empty) {
        *position = end; /* whoever comes, comes there */
    }
    if (*position < 0) {
        return end;
    }
    return *position < end ? end - *position : 0;
}

/* Is anything left to read, as far as the last fetch knows? */
static bool task_is_behind(struct worker *worker, struct task *task, uint32_t *out_lagging)
{
    task->lag = 0;
    *out_lagging = 0;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        int64_t lag =
            worker->options.sources[i].used ? task_source_lag(worker, task, (enum source)i) : 0;
        if (lag < 0) {
            task->lag = -1;
            *out_lagging = UINT32_MAX;
            return true;
        }
        *out_lagging |= lag > 0 ? 1U << i : 0;
        task->lag += lag;
    }
    return task->lag > 0;
}

/* A cut without events, when the task has nothing else to say. */
static void task_empty_cut(struct worker *worker, struct task *task)
{
    if (worker->building == NO_INDEX || worker->stopping || !task_may_cut_alone(worker, task)) {
        return;
    }
    struct flight *flight = &worker->flights[worker->building];
    if (flight->began_us == 0) {
        flight->began_us = worker->now_us;
    }
    task->held_building = true;
}

/* Say it once, when it begins and when it ends. */
void task_hold_clock(struct worker *worker, struct task *task, int64_t lead_ms)
{
    bool held = lead_ms > 0;
    if (held == task->clock_held) {
        return;
    }
    task->clock_held = held;
    if (held) {
        stats_add(&worker->stats.held_clock, 1);
        log_warn("clock_held",
                 "this machine's clock runs ahead of Kafka's: deadlines wait; set the clock (NTP)",
                 "task=%u ahead_ms=%lld allowed_ms=%lld", task->number,
                 (long long)(lead_ms + worker->options.clock_lead_ms_max),
                 (long long)worker->options.clock_lead_ms_max);
    } else {
        stats_take(&worker->stats.held_clock, 1);
        log_info("clock_good", "the clock is believed again", "task=%u", task->number);
    }
}

/* Has the broker told its time since the claim? What it said before may be a week old. */
static bool knows_time(const struct task *task)
{
    return task->append_us > task->live_since_us;
}

static void task_follow_wall(struct worker *worker, struct task *task)
{
    int64_t now = worker->wall_ms;
    int64_t bound = task->append_ms + (worker->now_us - task->append_us) / 1000 +
                    worker->options.clock_lead_ms_max;
    if (now > bound && !SIM_WITHOUT(MUTANT_WALL_CLOCK)) {
        /* Away for long, or a clock that jumped: a cut of our own tells the broker's time. */
        if (worker->now_us - task->last_cut_us >= CLOCK_ASK_US || task->append_ms == 0) {
            task_empty_cut(worker, task);
        }
        if (task->append_ms == 0) {
            return;
        }
        if (knows_time(task)) {
            task_hold_clock(worker, task, now - bound);
        }
        now = bound;
    } else {
        task_hold_clock(worker, task, 0);
    }
    task_set_now(task, now);
}

/* What time it is for those whom a decision reaches: the broker's, by a cut of our own since the claim. Before
 * there is one its last word may be a week old, and this machine's clock is asked too. It may be wrong: for what
 * comes too late (`heard`) it is taken as it is, since what looks old is not offered; as the hour of the day
 * (`act`) it is believed as far as the task's now believes it. */
static void task_tell_time(struct worker *worker, struct task *task)
{
    int64_t act_ms = task->append_ms + (worker->now_us - task->append_us) / 1000;
    int64_t heard_ms = act_ms;
    if (!knows_time(task) && worker->wall_ms > act_ms) {
        int64_t bound_ms = act_ms + worker->options.clock_lead_ms_max;
        heard_ms = worker->wall_ms;
        act_ms = heard_ms < bound_ms || SIM_WITHOUT(MUTANT_WALL_CLOCK) ? heard_ms : bound_ms;
    }
    engine_task_acts(worker->options.engine, task->state_block, act_ms, heard_ms);
}

void task_clock_step(struct worker *worker, struct task *task)
{
    uint32_t lagging = 0;
    task->behind = task_is_behind(worker, task, &lagging);
    silence_step(worker, task, lagging);
    atomic_store_explicit(&worker->stats.tasks[task->slot].lag, task->lag, memory_order_relaxed);
    if (worker->options.clock_mode == ENGINE_CLOCK_LIVE) {
        task_tell_time(worker, task);
        if (!task->behind) {
            task_follow_wall(worker, task);
        }
    }
    if (worker->now_us - task->last_cut_us >= worker->options.checkpoint_interval_ms * 1000) {
        task_empty_cut(worker, task); /* keeps `low` and the broker's time fresh */
    }
    atomic_store_explicit(&worker->stats.tasks[task->slot].now_ms, task->now_ms,
                          memory_order_relaxed);
}
