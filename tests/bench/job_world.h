/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker needs around it, in memory and always well: a log that has the load and takes every commit, a
 * Redis in which nobody is yet and that believes everything, a clock that is told to go on. Nothing here costs
 * much, and a profile names it apart. No trouble: tests/sim is for that. */
#ifndef BENCH_JOB_WORLD_H
#define BENCH_JOB_WORLD_H

#include "bench/job_load.h"
#include "io/clock.h"
#include "io/log.h"
#include "io/store.h"

struct job_world;

/* Over the load, until exit. A commit is answered `commit_us` later by the world's clock. */
struct job_world *job_world_open(const struct job_load *load, int64_t commit_us);

struct log *job_world_log(struct job_world *world);
struct store *job_world_store(struct job_world *world);
struct clock *job_world_clock(struct job_world *world);

/* Let the clock go on. */
void job_world_pass(struct job_world *world, int64_t us);

/* All that left the worker so far. The hashes are of every byte, in order: two programs that do the same have
 * the same. */
struct job_written {
    uint64_t taken; /* records handed out */
    uint64_t commits, outputs, output_bytes, cuts, journal_bytes, redis_bytes;
    uint64_t log_hash, redis_hash;
};
struct job_written job_world_written(const struct job_world *world);

#endif
