/* SPDX-License-Identifier: Apache-2.0 */
/* What the other tasks have counted (segue.offer-stats), handed to workers (decisions/0009). */
#ifndef RUNTIME_LEARN_H
#define RUNTIME_LEARN_H

#include <stdatomic.h>

#include "engine/engine.h"

/* Written by whoever reads the topic, read by every worker. */
struct worker_learning {
    void *context;
    /* Counters of all tasks but `task`, engine_arm_count entries. Any thread; short. */
    void (*others)(void *context, uint32_t task, struct engine_trials *out_others);
    atomic_uint_least64_t version; /* moves when there is something new */
};

#endif
