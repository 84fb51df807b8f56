/* SPDX-License-Identifier: Apache-2.0 */
/* A cut decides by one state of the counters: they are taken in before its first event and stand in the task record
 * that it carries. */
#include "runtime/learn.h"

#include "runtime/inside.h"

void learn_step(struct worker *worker, struct task *task)
{
    struct worker_learning *learning = worker->options.learning;
    if (learning == NULL || task->events_built > 0 || task->outputs_built > 0) {
        return;
    }
    uint64_t version = atomic_load_explicit(&learning->version, memory_order_acquire);
    if (version == task->learned) {
        return;
    }
    learning->others(learning->context, task->number, worker->others);
    engine_task_learn(worker->options.engine, task->state_block, worker->others);
    task->learned = version;
}
