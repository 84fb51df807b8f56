/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/threads.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"

enum { EXIT_START_ME_AGAIN = 75 };

struct thread {
    struct thread_worker of;
    struct threads *all;
    pthread_t id;
    uint32_t number;
};

struct threads {
    struct thread list[THREADS_MAX];
    uint32_t count;
    atomic_bool stopping;
    atomic_uint drained;
};

/* Sleep on both adapters' descriptors; a wake-up for nothing is harmless. */
static void sleep_on(const struct thread_worker *of, int32_t wait_ms)
{
    int store = of->store->ops->descriptor(of->store);
    struct pollfd descriptors[2] = {{of->log_descriptor, POLLIN, 0}, {store, POLLIN, 0}};
    if (poll(descriptors, 2, wait_ms) < 0 && errno != EINTR) {
        INVARIANT(errno == ENOMEM);
    }
    of->log->ops->wait(of->log, 0);
}

static void *run(void *argument)
{
    struct thread *thread = argument;
    struct worker *worker = thread->of.worker;
    bool told = false;
    char name[16]; /* for top -H and debuggers */
    (void)snprintf(name, sizeof(name), "worker-%u", thread->number);
    (void)pthread_setname_np(pthread_self(), name);
    for (;;) {
        int32_t wait_ms = 0;
        if (!told && atomic_load(&thread->all->stopping)) {
            worker_stop(worker);
            told = true;
        }
        enum worker_outcome outcome = worker_turn(worker, &wait_ms);
        if (outcome == WORKER_DRAINED) {
            (void)atomic_fetch_add(&thread->all->drained, 1);
            return NULL;
        }
        if (outcome == WORKER_LEAVE) {
            log_error("leave", "this process must be started again", "worker=%u reason=\"%s\"",
                      thread->number, worker_reason(worker, UINT32_MAX));
            _exit(EXIT_START_ME_AGAIN);
        }
        if (wait_ms > 0) {
            sleep_on(&thread->of, wait_ms);
        }
    }
}

enum status threads_start(const struct thread_worker *workers, uint32_t count,
                          struct threads **out_threads, struct status_text *out_text)
{
    INVARIANT(count <= THREADS_MAX);
    struct threads *threads = memory_take(sizeof(*threads), "threads");
    threads->count = count;
    for (uint32_t i = 0; i < count; i++) {
        threads->list[i] = (struct thread){.of = workers[i], .all = threads, .number = i};
        if (pthread_create(&threads->list[i].id, NULL, run, &threads->list[i]) != 0) {
            return status_fail(out_text, STATUS_FATAL, "cannot start the thread of worker %u", i);
        }
    }
    *out_threads = threads;
    return STATUS_OK;
}

void threads_stop(struct threads *threads)
{
    atomic_store(&threads->stopping, true);
}

bool threads_drained(const struct threads *threads)
{
    return atomic_load(&threads->drained) == threads->count;
}
