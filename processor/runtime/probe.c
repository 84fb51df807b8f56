/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/probe.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/invariant.h"

static const struct metric_family up_family = {
    "segue_dependency_up", NULL, "1: there and usable; 0: waited for, /readyz says why",
    METRIC_GAUGE};

void probe_checks_register(struct probe_checks *out_checks, const struct probe_check *list,
                           uint32_t count, struct metrics *metrics)
{
    INVARIANT(count <= PROBE_CHECKS_MAX);
    *out_checks = (struct probe_checks){.list = list, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        char labels[METRIC_LABELS_SIZE] = "";
        INVARIANT(metrics_label(labels, "name", list[i].name));
        out_checks->up[i] = metrics_register(metrics, &up_family, labels);
    }
}

void probe_checks_refresh(const struct probe_checks *checks)
{
    for (uint32_t i = 0; i < checks->count; i++) {
        struct status_text text;
        const struct probe_check *check = &checks->list[i];
        metric_set(checks->up[i], check->ask(check->context, &text) == STATUS_OK);
    }
}

void probe_checks_say(const struct probe_checks *checks, struct http_answer *answer)
{
    for (uint32_t i = 0; i < checks->count; i++) {
        struct status_text text = {""};
        const struct probe_check *check = &checks->list[i];
        bool good = check->ask(check->context, &text) == STATUS_OK;
        const char *between = good && text.text[0] != '\0' ? "; " : "";
        probe_say(answer, "%s: %s%s%s\n", check->name, good ? "ok" : "", between, text.text);
        answer->status = good ? answer->status : 503;
    }
}

void probe_say(struct http_answer *answer, const char *format, ...)
{
    va_list arguments;
    size_t left = answer->limit - answer->size;
    va_start(arguments, format);
    int more = vsnprintf(answer->data + answer->size, left, format, arguments);
    va_end(arguments);
    if (more > 0 && left > 0) {
        answer->size += (size_t)more < left ? (size_t)more : left - 1;
    }
}

void probe_say_starting(struct http_answer *answer, const char *who, uint64_t turns)
{
    if (turns == 0) {
        probe_say(answer, "%s: starting\n", who);
        answer->status = 503;
    }
}

void probe_say_state(struct http_answer *answer, const char *what, uint32_t number,
                     enum task_state state, uint32_t halt)
{
    if (state == TASK_HALTED) {
        enum halt why = (enum halt)(halt % HALT_COUNT);
        probe_say(answer, "%s %u: halted: %s: %s; see deploy/README.md#%s\n", what, number,
                  halt_code(why), halt_what(why), halt_code(why));
    } else {
        probe_say(answer, "%s %u: %s\n", what, number, task_state_name(state));
    }
    answer->status = state == TASK_LIVE ? answer->status : 503;
}

void probe_turns_begin(struct probe_turns *turns, struct clock *clock)
{
    turns->seen = 0;
    atomic_init(&turns->moved_us, clock->ops->monotonic_us(clock));
}

void probe_turns_look(struct probe_turns *turns, uint64_t count, struct clock *clock)
{
    if (count != turns->seen) {
        turns->seen = count;
        atomic_store(&turns->moved_us, clock->ops->monotonic_us(clock));
    }
}

bool probe_turns_stalled(const struct probe_turns *turns, int64_t stall_ms, struct clock *clock)
{
    return clock->ops->monotonic_us(clock) - atomic_load(&turns->moved_us) > stall_ms * 1000;
}
