/* SPDX-License-Identifier: Apache-2.0 */
/* One thread per worker: turn, sleep until something may have happened, turn again. The only
 * threads that touch workers; a worker that must leave takes the whole process with it (crash-only:
 * the claim is the recovery). */
#ifndef RUNTIME_THREADS_H
#define RUNTIME_THREADS_H

#include "runtime/worker.h"

enum { THREADS_MAX = 32 };

struct thread_worker {
    struct worker *worker;
    struct log *log;
    struct store *store;
    int log_descriptor; /* readable: the log may have something (kafka_descriptor) */
};

struct threads;

/* Start `count` threads (at most THREADS_MAX). Memory before memory_seal; `workers` is copied.
 * STATUS_FATAL: the system gives no more threads. */
MUST_USE enum status threads_start(const struct thread_worker *workers, uint32_t count,
                                   struct threads **out_threads, struct status_text *out_text);

/* Ask every worker to drain: finish the cut, commit, apply. Any thread, also more than once. */
void threads_stop(struct threads *threads);

/* Have all workers drained? */
bool threads_drained(const struct threads *threads);

#endif
