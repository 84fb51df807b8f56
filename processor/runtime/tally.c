/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine has counted, as counters of this process. A task's own counters are absolute and move with it, so
 * what it brought along is set aside when it becomes live and only what each committed cut adds is shown. */
#include "engine/counters.h"
#include "runtime/inside.h"
#include "runtime/stats.h"

static struct engine_counters counters_of(const struct worker *worker, const struct task *task)
{
    struct engine_counters counters;
    engine_counters(worker->options.engine, task->state_block, &counters);
    return counters;
}

/* `seen` becomes `value`; the difference is added to `counter` (NULL: to nothing). */
static void take(uint64_t *seen, uint64_t value, atomic_uint_least64_t *counter)
{
    if (counter != NULL && value > *seen) {
        stats_add(counter, value - *seen);
    }
    *seen = value;
}

static void take_all(struct worker *worker, struct task *task, bool show)
{
    struct engine_counters counters = counters_of(worker, task);
    struct worker_stats *stats = &worker->stats;
    take(&task->tally.decisions, counters.decisions, show ? &stats->decisions : NULL);
    take(&task->tally.no_offers, counters.no_offers, show ? &stats->no_offers : NULL);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        take(&task->tally.unsure[i], counters.unsure[i], show ? &stats->unsure[i] : NULL);
    }
    for (uint32_t i = 0; i < counters.gate_count; i++) {
        take(&task->tally.blocked[i], counters.blocked[i], show ? &stats->blocked[i] : NULL);
    }
}

void tally_begin(struct worker *worker, struct task *task)
{
    take_all(worker, task, false);
}

void tally_committed(struct worker *worker, struct task *task)
{
    take_all(worker, task, true);
}
