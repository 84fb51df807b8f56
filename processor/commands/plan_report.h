/* SPDX-License-Identifier: Apache-2.0 */
/* What a changed playbook would do to the customers of a sample: both playbooks over the same
 * events, then compared. The customers that matter are those whose answer differs. */
#ifndef COMMANDS_PLAN_REPORT_H
#define COMMANDS_PLAN_REPORT_H

#include "commands/replay.h"

struct json_t; /* jansson.h */

enum { PLAN_REASONS_MAX = 16, PLAN_REASON_SIZE = 160 };

/* One playbook over the sample. */
struct plan_side {
    struct replay replay;
    uint64_t life[LIFE_DEFS_MAX]; /* confirmed, per definition */
    uint64_t offers[OFFERS_MAX];  /* decided, per definition */
};

/* replay.on_effects of a side: counts what was decided. */
void plan_count(void *side, struct effects *effects, int64_t now_ms);

/* Compare after replay_finish of both. {"live", "new", "events", "customers",
 * "segments":[{"id", "state", "live", "new", "enter", "leave", "keep", "reasons":[{"text","count"}]}],
 * "life_events":[{"id","state","live","new"}], "offers":[..], "features":[{"id","state"}]};
 * state: unchanged, changed, new, dropped, retired. NULL: out of memory. The caller releases it. */
struct json_t *plan_compare(struct plan_side *live, struct plan_side *next);

/* The same as a table; unchanged rows are counted, not shown, unless `all`. */
void plan_print(struct json_t *report, bool all, FILE *out);

#endif
