/* SPDX-License-Identifier: Apache-2.0 */
/* Running one seed. */
#ifndef SIM_SIM_WORLD_H
#define SIM_SIM_WORLD_H

#include "sim/sim.h"

void sim_checker_init(void);

/* Run a seed to its end; sim->checker says how it ended. `trace` NULL: silent. */
void sim_run(uint64_t seed, bool faults, FILE *trace);

#endif
