/* SPDX-License-Identifier: Apache-2.0 */
/* All of our own memory is taken at start, by name, and then the door is shut.
 *
 * `segue check` prints what was taken; after memory_seal() a further take is a programmer's mistake. What was taken
 * is a limit: a page counts from when it is first touched, so that a small deployment pays for what it uses.
 * Libraries (librdkafka, libcurl, ...) allocate by themselves; they stay in io/. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

enum { MEMORY_POOLS_MAX = 256 };

/* Take `size` zeroed bytes, aligned to 64, until exit. `what` names the pool (static text).
 * Out of memory ends the process with a message that names the pool: at start nothing is lost by it.
 * INVARIANT: not sealed. Threads: before the workers start only. */
void *memory_take(size_t size, const char *what);

/* The same for what is accessed at random: in huge pages where the kernel gives them, which halves the cost of an
 * access to the customer cache; it is then paid for 2 MiB at a time. */
void *memory_take_huge(size_t size, const char *what);

/* From now on memory_take() is a mistake. */
void memory_seal(void);

/* Tests only: allow takes again. */
void memory_unseal(void);

struct memory_pool {
    const char *what; /* static */
    size_t size;      /* bytes, all takes of that name together */
    uint32_t takes;
};

/* The plan as taken so far, in order of first take. Returns the count; `out_pools` is static. */
size_t memory_plan(const struct memory_pool **out_pools);

#endif
