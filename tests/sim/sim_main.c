/* SPDX-License-Identifier: Apache-2.0 */
/* sim SEED [COUNT [N]]  run COUNT seeds from SEED in N processes (one per core); one that fails prints its trace
 * sim calm SEED [COUNT] the same without faults
 * sim trace SEED        one seed with its trace
 * sim mutants [SEEDS [NAME]] remove one rule at a time: each must be caught within SEEDS (2,000) seeds
 * sim rates SEEDS [NAME] how many of SEEDS seeds catch each mutant, which oracles do, and what it costs
 */
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/invariant.h"
#include "sim/sim_mutants.h"
#include "sim/sim_world.h"
#include "sim_commit.h"

enum { TRACE_LINES = 60, TWICE_EVERY = 1000, SEEDS_PER_MUTANT = 2000, SHARES_MAX = 64 };

static void print_failure(uint64_t seed, bool faults)
{
    char *text = NULL;
    size_t size = 0;
    FILE *trace = open_memstream(&text, &size);
    if (trace == NULL) {
        return;
    }
    sim_run(seed, faults, false, trace);
    (void)fclose(trace);
    size_t lines = 0;
    size_t at = size;
    while (at > 0 && lines <= TRACE_LINES) {
        lines += text[--at] == '\n';
    }
    (void)fprintf(stderr, "%s%s", at > 0 ? "...\n" : "", text + at);
    (void)fprintf(stderr, "seed %llu of commit " SIM_COMMIT ": %s\n", (unsigned long long)seed,
                  sim->checker.text);
    free(text);
}

struct totals {
    uint64_t failed, cuts, kills, backs, flushes, late, rebalances, aborted, elections;
};

static void add_counts(struct totals *totals)
{
    totals->cuts += sim->counts.cuts;
    totals->kills += sim->counts.kills;
    totals->backs += sim->counts.backs;
    totals->flushes += sim->counts.flushes;
    totals->late += sim->counts.late_ends + sim->counts.late_offsets;
    totals->rebalances += sim->counts.rebalances;
    totals->aborted += sim->counts.aborted;
    totals->elections += sim->counts.elections;
}

/* Every so many seeds, and the last one, run twice: in a process of their own, and after others. */
static bool is_twice(uint64_t seed, uint64_t last)
{
    return seed % TWICE_EVERY == 0 || seed == last;
}

static size_t alone_index(uint64_t seed, uint64_t first, uint64_t last)
{
    return seed == last ? 0 : 1 + seed / TWICE_EVERY - first / TWICE_EVERY;
}

/* The hash of such a seed's trace, by alone_index, from a process that has run nothing before it. */
static uint64_t *run_alone(uint64_t first, uint64_t last, uint64_t share, uint64_t shares,
                           bool faults)
{
    size_t size = ((last - first) / TWICE_EVERY + 3) * sizeof(uint64_t);
    uint64_t *alone = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    INVARIANT(alone != MAP_FAILED);
    for (uint64_t seed = first + share; seed <= last; seed += shares) {
        if (!is_twice(seed, last)) {
            continue;
        }
        pid_t child = fork();
        if (child == 0) {
            sim_run(seed, faults, true, NULL);
            alone[alone_index(seed, first, last)] = sim->trace_hash;
            _exit(0);
        }
        (void)waitpid(child, NULL, 0); /* one that ended early has left no hash, and differs */
    }
    return alone;
}

static void run_seed(uint64_t seed, bool faults, const uint64_t *alone, struct totals *totals)
{
    sim_run(seed, faults, alone != NULL, NULL);
    add_counts(totals);
    bool bad = sim->checker.failed;
    if (alone != NULL && sim->trace_hash != *alone) {
        (void)fprintf(stderr, "seed %llu: its run alone and its run after others differ\n",
                      (unsigned long long)seed);
        totals->failed++;
    }
    if (bad && ++totals->failed <= 3) {
        print_failure(seed, faults);
    }
}

/* Seeds know nothing of each other: one process per core that we may use, each with its share. */
static struct totals *run_shares(uint64_t first, uint64_t count, bool faults, uint64_t shares)
{
    struct totals *totals = mmap(NULL, SHARES_MAX * sizeof(*totals), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    INVARIANT(totals != MAP_FAILED);
    const uint64_t last = first + count - 1;
    for (uint64_t share = 0; share < shares; share++) {
        if (fork() != 0) {
            continue; /* one that could not be made is missed below */
        }
        const uint64_t *alone = run_alone(first, last, share, shares, faults);
        for (uint64_t seed = first + share; seed <= last; seed += shares) {
            run_seed(seed, faults,
                     is_twice(seed, last) ? &alone[alone_index(seed, first, last)] : NULL,
                     &totals[share]);
        }
        _exit(0);
    }
    for (uint64_t share = 0; share < shares; share++) {
        int status = 0;
        if (wait(&status) < 0 || status != 0) {
            (void)fputs("a share of the seeds ended early\n", stderr);
            totals[0].failed++;
        }
    }
    return totals;
}

static uint64_t shares_of(uint64_t count, const char *wanted)
{
    cpu_set_t allowed; /* taskset counts */
    uint64_t cores =
        sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? (uint64_t)CPU_COUNT(&allowed) : 1;
    uint64_t shares = wanted != NULL ? strtoull(wanted, NULL, 10) : cores;
    return shares < 1 || count < shares ? 1 : shares > SHARES_MAX ? SHARES_MAX : shares;
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What a busy machine does not change much. */
static double children_cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Failing seeds. */
static uint64_t run_seeds(uint64_t first, uint64_t count, bool faults, uint64_t shares)
{
    struct totals all = {0};
    double began = seconds_now();
    const struct totals *totals = run_shares(first, count, faults, shares);
    for (uint64_t i = 0; i < shares; i++) {
        all.failed += totals[i].failed;
        all.cuts += totals[i].cuts;
        all.kills += totals[i].kills;
        all.backs += totals[i].backs;
        all.flushes += totals[i].flushes;
        all.late += totals[i].late;
        all.rebalances += totals[i].rebalances;
        all.aborted += totals[i].aborted;
        all.elections += totals[i].elections;
    }
    double seconds = seconds_now() - began;
    double cpu_seconds = children_cpu_seconds();
    printf("sim_seeds: %llu\nsim_failed: %llu\nsim_seeds_per_second: %.0f\n"
           "sim_seeds_per_cpu_second: %.0f\n",
           (unsigned long long)count, (unsigned long long)all.failed,
           (double)count / (seconds > 0 ? seconds : 1),
           (double)count / (cpu_seconds > 0 ? cpu_seconds : 1));
    printf("sim_cuts: %llu\nsim_kills: %llu\nsim_rebalances: %llu\nsim_aborted: "
           "%llu\nsim_late_copies: %llu\n"
           "sim_redis_rollbacks: %llu\nsim_redis_losses: %llu\nsim_elections: %llu\n",
           (unsigned long long)all.cuts, (unsigned long long)all.kills,
           (unsigned long long)all.rebalances, (unsigned long long)all.aborted,
           (unsigned long long)all.late, (unsigned long long)all.backs,
           (unsigned long long)all.flushes, (unsigned long long)all.elections);
    return all.failed;
}

int main(int argc, char **argv)
{
    bool faults = true;
    int at = 1;
    if (argc > at && strcmp(argv[at], "calm") == 0) {
        faults = false;
        at++;
    }
    const char *name = argc > at + 2 ? argv[at + 2] : NULL;
    if (argc > at && strcmp(argv[at], "mutants") == 0) {
        return sim_mutants_find(argc > at + 1 ? strtoull(argv[at + 1], NULL, 10) : SEEDS_PER_MUTANT,
                                name);
    }
    if (argc > at + 1 && strcmp(argv[at], "rates") == 0) {
        return sim_mutants_rate(strtoull(argv[at + 1], NULL, 10), name);
    }
    if (argc == at + 2 && strcmp(argv[at], "trace") == 0) {
        sim_run(strtoull(argv[at + 1], NULL, 10), faults, false, stdout);
        return sim->checker.failed;
    }
    if (argc <= at) {
        (void)fprintf(stderr, "usage: sim [calm] SEED [COUNT [PROCESSES]] | sim trace SEED | sim "
                              "mutants [SEEDS [NAME]] | sim rates SEEDS [NAME]\n");
        return 64;
    }
    uint64_t count = argc > at + 1 ? strtoull(argv[at + 1], NULL, 10) : 1;
    uint64_t shares = shares_of(count, argc > at + 2 ? argv[at + 2] : NULL);
    return run_seeds(strtoull(argv[at], NULL, 10), count, faults, shares) != 0;
}
