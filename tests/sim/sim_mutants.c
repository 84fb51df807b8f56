/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_mutants.h"

#include <math.h>
#include <time.h>

#include "sim/sim_world.h"

enum mutant sim_mutant;

static const struct {
    const char *name;
    const char *what;
} mutants[] = {
#define MUTANT_ROW(id, name, what) {name, what},
    MUTANTS(MUTANT_ROW)
#undef MUTANT_ROW
};

static bool is_wanted(uint32_t mutant, const char *only)
{
    return only == NULL || strcmp(only, mutants[mutant].name) == 0;
}

/* The first seed that finds something, or seeds + 1. */
static uint64_t find(uint64_t seeds)
{
    uint64_t seed = 1;
    for (; seed <= seeds; seed++) {
        sim_run(seed, true, false, NULL);
        if (sim->checker.failed) {
            break;
        }
    }
    return seed;
}

int sim_mutants_find(uint64_t seeds, const char *only)
{
    int survived = 0, tried = 0;
    for (uint32_t i = 1; i < MUTANT_COUNT; i++) {
        if (!is_wanted(i, only)) {
            continue;
        }
        tried++;
        sim_mutant = (enum mutant)i;
        uint64_t seed = find(seeds);
        if (seed <= seeds) {
            printf("%-16s caught by seed %llu, oracle %s: %s\n", mutants[i].name,
                   (unsigned long long)seed, sim_oracle_name(sim->checker.oracle),
                   sim->checker.text);
        } else {
            printf("%-16s SURVIVED %llu seeds (%s)\n", mutants[i].name, (unsigned long long)seeds,
                   mutants[i].what);
            survived++;
        }
        (void)fflush(stdout);
    }
    sim_mutant = MUTANT_NONE;
    printf("sim_mutants: %d\nsim_mutants_survived: %d\n", tried, survived);
    return tried == 0 || survived > 0;
}

static double cpu_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Caught in which share, after how many seeds in half of all series that begin anywhere, for how much CPU. */
static bool rate(uint32_t mutant, uint64_t seeds)
{
    uint64_t caught = 0;
    uint64_t by[ORACLE_COUNT] = {0};
    double began = cpu_ms();
    sim_mutant = (enum mutant)mutant;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        sim_run(seed, true, false, NULL);
        caught += sim->checker.failed;
        by[sim->checker.oracle]++;
    }
    double spent = cpu_ms() - began;
    double share = (double)caught / (double)seeds;
    double median = share >= .5 ? 1 : share > 0 ? ceil(log(.5) / log1p(-share)) : INFINITY;
    printf("%-16s caught in %llu of %llu seeds, median %.0f, %.1f ms of CPU each:",
           mutants[mutant].name, (unsigned long long)caught, (unsigned long long)seeds, median,
           spent / (double)caught);
    for (uint32_t i = 1; i < ORACLE_COUNT; i++) {
        if (by[i] > 0) {
            printf(" %s %llu,", sim_oracle_name((enum sim_oracle)i), (unsigned long long)by[i]);
        }
    }
    printf("\n");
    (void)fflush(stdout);
    return caught > 0;
}

int sim_mutants_rate(uint64_t seeds, const char *only)
{
    bool all = true;
    for (uint32_t i = 1; i < MUTANT_COUNT; i++) {
        all = !is_wanted(i, only) || rate(i, seeds) ? all : false;
    }
    sim_mutant = MUTANT_NONE;
    return all ? 0 : 1;
}
