/* SPDX-License-Identifier: Apache-2.0 */
/* Repeatable random numbers from a seed (xoshiro256**, Blackman and Vigna 2018). For simulations and
 * generators; decisions use hash64 of ids instead. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

/* Any seed is good; it is spread by splitmix64. */
void random_init(struct random *random, uint64_t seed);

uint64_t random_next(struct random *random);

/* Uniform in 0 .. limit - 1; 0 when limit is 0. */
uint64_t random_below(struct random *random, uint64_t limit);

/* Uniform in low .. high, both included. */
int64_t random_between(struct random *random, int64_t low, int64_t high);

/* True with the given chance, 0.0 to 1.0. */
bool random_chance(struct random *random, double chance);

/* Uniform in [0, 1). */
double random_unit(struct random *random);

#endif
