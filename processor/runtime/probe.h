/* SPDX-License-Identifier: Apache-2.0 */
/* What /healthz, /readyz and the watchdog have in common, whoever's loops they tell of. */
#ifndef RUNTIME_PROBE_H
#define RUNTIME_PROBE_H

#include <stdatomic.h>

#include "base/attributes.h"
#include "base/metrics.h"
#include "base/status.h"
#include "io/clock.h"
#include "io/http.h"
#include "runtime/halt.h"
#include "runtime/worker.h"

enum { PROBE_CHECKS_MAX = 4 };

/* Something besides the loops that readiness depends on ("kafka", "redis", "registry"); also the
 * gauge segue_dependency_up. */
struct probe_check {
    const char *name; /* static */
    /* STATUS_OK ("", or what should be mended all the same), or why not. Called from the HTTP thread:
     * must not wait. */
    enum status (*ask)(void *context, struct status_text *out_text);
    void *context;
};

struct probe_checks {
    const struct probe_check *list; /* until exit */
    uint32_t count;                 /* at most PROBE_CHECKS_MAX */
    struct metric *up[PROBE_CHECKS_MAX];
};

/* A gauge each. Before memory_seal. `list` must live as long as `out_checks`. */
void probe_checks_register(struct probe_checks *out_checks, const struct probe_check *list,
                           uint32_t count, struct metrics *metrics);
/* Ask each, for its gauge. */
void probe_checks_refresh(const struct probe_checks *checks);
/* Ask each, a line each; 503 when one is away. */
void probe_checks_say(const struct probe_checks *checks, struct http_answer *answer);

/* Append to the answer what fits. */
void probe_say(struct http_answer *answer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Before the first turn of a loop: a line "WHO: starting", and 503. It owns nothing yet, so no other line would say
 * that it cannot be used. `turns`: how many it has made. */
void probe_say_starting(struct http_answer *answer, const char *who, uint64_t turns);

/* A line about a task or partition that is owned: "WHAT NUMBER: state", and why when it halted. 503 unless it is
 * live. */
void probe_say_state(struct http_answer *answer, const char *what, uint32_t number,
                     enum task_state state, uint32_t halt);

/* Does a loop still turn? The watchdog's thread looks; the HTTP thread asks. */
struct probe_turns {
    uint64_t seen; /* by the watchdog alone */
    atomic_int_least64_t moved_us;
};

void probe_turns_begin(struct probe_turns *turns, struct clock *clock);
/* `count`: the loop's turns so far. */
void probe_turns_look(struct probe_turns *turns, uint64_t count, struct clock *clock);
/* True: none for `stall_ms`. */
bool probe_turns_stalled(const struct probe_turns *turns, int64_t stall_ms, struct clock *clock);

#endif
