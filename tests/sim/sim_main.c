/* SPDX-License-Identifier: Apache-2.0 */
/* sim SEED [COUNT]      run COUNT seeds from SEED; one that fails prints its trace
 * sim calm SEED [COUNT] the same without faults
 * sim mutants [SEEDS]   remove one rule at a time: each must be caught within SEEDS (2,000) seeds
 */
#include <stdlib.h>
#include <time.h>

#include "base/attributes.h"
#include "sim/sim_world.h"

#ifdef SEGUE_MUTANTS
enum mutant sim_mutant;
#endif

enum { TRACE_LINES = 60, SEEDS_PER_MUTANT = 2000, TWICE_EVERY = 1000 };

static void print_failure(uint64_t seed, bool faults)
{
    char *text = NULL;
    size_t size = 0;
    FILE *trace = open_memstream(&text, &size);
    if (trace == NULL) {
        return;
    }
    sim_run(seed, faults, trace);
    (void)fclose(trace);
    size_t lines = 0;
    size_t at = size;
    while (at > 0 && lines <= TRACE_LINES) {
        lines += text[--at] == '\n';
    }
    (void)fprintf(stderr, "%s%s", at > 0 ? "...\n" : "", text + at);
    (void)fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, sim->checker.text);
    free(text);
}

/* Failing seeds. */
static uint64_t run_seeds(uint64_t first, uint64_t count, bool faults)
{
    uint64_t failed = 0;
    uint64_t cuts = 0, kills = 0, backs = 0, flushes = 0, late = 0, rebalances = 0, aborted = 0;
    clock_t began = clock();
    for (uint64_t seed = first; seed < first + count; seed++) {
        sim_run(seed, faults, NULL);
        cuts += sim->counts.cuts;
        kills += sim->counts.kills;
        backs += sim->counts.backs;
        flushes += sim->counts.flushes;
        late += sim->counts.late_ends + sim->counts.late_offsets;
        rebalances += sim->counts.rebalances;
        aborted += sim->counts.aborted;
        bool bad = sim->checker.failed;
        if (!bad && seed % TWICE_EVERY == 0) {
            uint64_t hash = sim->trace_hash;
            sim_run(seed, faults, NULL);
            if (sim->trace_hash != hash) {
                (void)fprintf(stderr, "seed %llu: two runs differ\n", (unsigned long long)seed);
                failed++;
            }
        }
        if (bad) {
            failed++;
            if (failed <= 3) {
                print_failure(seed, faults);
            }
        }
    }
    double seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
    printf("sim_seeds: %llu\nsim_failed: %llu\nsim_seeds_per_second: %.0f\n",
           (unsigned long long)count, (unsigned long long)failed,
           (double)count / (seconds > 0 ? seconds : 1));
    printf("sim_cuts: %llu\nsim_kills: %llu\nsim_rebalances: %llu\nsim_aborted: "
           "%llu\nsim_late_copies: %llu\n"
           "sim_redis_rollbacks: %llu\nsim_redis_losses: %llu\n",
           (unsigned long long)cuts, (unsigned long long)kills, (unsigned long long)rebalances,
           (unsigned long long)aborted, (unsigned long long)late, (unsigned long long)backs,
           (unsigned long long)flushes);
    return failed;
}

#ifdef SEGUE_MUTANTS
static const struct {
    const char *name;
    const char *what;
} mutants[] = {
#define MUTANT_ROW(id, name, what) {name, what},
    MUTANTS(MUTANT_ROW)
#undef MUTANT_ROW
};

static int run_mutants(uint64_t seeds)
{
    int survived = 0;
    for (uint32_t i = 1; i < MUTANT_COUNT; i++) {
        uint64_t seed = 1;
        sim_mutant = (enum mutant)i;
        for (; seed <= seeds; seed++) {
            sim_run(seed, true, NULL);
            if (sim->checker.failed) {
                break;
            }
        }
        if (seed <= seeds) {
            printf("%-16s caught by seed %llu: %s\n", mutants[i].name, (unsigned long long)seed,
                   sim->checker.text);
        } else {
            printf("%-16s SURVIVED %llu seeds (%s)\n", mutants[i].name, (unsigned long long)seeds,
                   mutants[i].what);
            survived++;
        }
        (void)fflush(stdout);
    }
    sim_mutant = MUTANT_NONE;
    printf("sim_mutants: %d\nsim_mutants_survived: %d\n", MUTANT_COUNT - 1, survived);
    return survived;
}
#endif

int main(int argc, char **argv)
{
    bool faults = true;
    int at = 1;
    if (argc > at && strcmp(argv[at], "calm") == 0) {
        faults = false;
        at++;
    }
#ifdef SEGUE_MUTANTS
    if (argc > at && strcmp(argv[at], "mutants") == 0) {
        return run_mutants(argc > at + 1 ? strtoull(argv[at + 1], NULL, 10) : SEEDS_PER_MUTANT) !=
               0;
    }
#endif
    if (argc > at + 2 && strcmp(argv[at], "trace") == 0) {
        return 64;
    }
    if (argc > at && strcmp(argv[at], "trace") == 0) {
        sim_run(strtoull(argv[at + 1], NULL, 10), faults, stdout);
        return sim->checker.failed;
    }
    if (argc <= at) {
        (void)fprintf(stderr,
                      "usage: sim [calm] SEED [COUNT] | sim trace SEED | sim mutants [SEEDS]\n");
        return 64;
    }
    uint64_t count = argc > at + 1 ? strtoull(argv[at + 1], NULL, 10) : 1;
    return run_seeds(strtoull(argv[at], NULL, 10), count, faults) != 0;
}
