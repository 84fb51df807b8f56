/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the runtime taken away one at a time: what finds each, and at what price. Both print one line a mutant;
 * `only` names one, NULL: all. They return what main does: 0, or 1 when there is a mutant that nothing found. */
#ifndef SIM_SIM_MUTANTS_H
#define SIM_SIM_MUTANTS_H

#include <stdint.h>

/* Seeds from 1 until one finds a violation, `seeds` at most. */
int sim_mutants_find(uint64_t seeds, const char *only);
/* All of the seeds 1 to `seeds`: a first seed is luck, a share of many is not. */
int sim_mutants_rate(uint64_t seeds, const char *only);

#endif
