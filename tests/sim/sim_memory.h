/* SPDX-License-Identifier: Apache-2.0 */
/* The world's memory and that of each process (base/memory.h for the runtime in it). */
#ifndef SIM_SIM_MEMORY_H
#define SIM_SIM_MEMORY_H

#include "sim/sim.h"

/* A new world: all that sim_take gave is taken back. */
void sim_memory_world(void);
/* A process starts: all that its last life took is taken back, and zeroed. */
void sim_memory_life(uint32_t process);

#endif
