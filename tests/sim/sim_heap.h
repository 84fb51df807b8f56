/* SPDX-License-Identifier: Apache-2.0 */
/* What is going to happen in the simulated world (sim_later), by time. */
#ifndef SIM_SIM_HEAP_H
#define SIM_SIM_HEAP_H

#include "sim/sim.h"

struct sim_item {
    void (*fn)(void *data, uint32_t process);
    void *data;
    uint32_t process;
    uint32_t life;
};

/* Nothing is going to happen. */
void sim_heap_begin(void);
/* Take what happens next, up to end_us; sim->now_us is its time then. Of two things at the same time, what was put
 * there first. False: nothing does. */
bool sim_heap_next(int64_t end_us, struct sim_item *out_item);

#endif
