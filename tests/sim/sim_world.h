/* SPDX-License-Identifier: Apache-2.0 */
/* Running one seed. */
#ifndef SIM_SIM_WORLD_H
#define SIM_SIM_WORLD_H

#include "sim/sim.h"

void sim_checker_init(void);

/* Run a seed to its end; sim->checker says how it ended. `trace` NULL: silent. `hashed`: sim->trace_hash becomes
 * the hash of the trace, which costs as much as to print it. */
void sim_run(uint64_t seed, bool faults, bool hashed, FILE *trace);

#endif
