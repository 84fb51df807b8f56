/* SPDX-License-Identifier: Apache-2.0 */
/* What a changed playbook would do to the customers of a sample. The events of the sample run through the live
 * playbook; then its customers are taken over as `segue apply` takes them over, records and all, and looked at as
 * the sweep does: who moves then is who would move. A feature whose state is not taken over starts empty there, so
 * the events run through the changed playbook as well: what it comes to once its features are filled. */
#ifndef COMMANDS_PLAN_REPORT_H
#define COMMANDS_PLAN_REPORT_H

#include "commands/replay.h"

struct json_t; /* jansson.h */

enum {
    PLAN_REASONS_MAX = 16,
    PLAN_REASON_SIZE = 160,
    PLAN_IDS_MAX = 100, /* named of those who enter or leave one definition */
};

/* One playbook over the sample. */
struct plan_side {
    struct replay replay;
    uint64_t life[LIFE_DEFS_MAX]; /* how often confirmed, per definition */
    uint64_t offers[OFFERS_MAX];  /* how often decided, per definition */
    uint64_t *offered; /* by customer: a bit per offer that was made and not taken back */
    uint32_t offered_room;
};

struct plan {
    struct plan_side live; /* the caller opens its playbook .. */
    struct plan_side
        filled; /* .. and that of the changed one: as if it had been live all the time */
    struct plan_side applied; /* the changed one on the records of the live one */
    bool ids;                 /* name those who move */
    int64_t applied_ms; /* when it would be applied, for dates; 0: at the sample's last moment */
};

/* Open what is behind the two playbooks. EXIT_GOOD, or the exit code after a message. */
int plan_open(struct plan *plan, uint32_t task_count, const char *salt);

/* The next event, in order of time. False: out of memory. */
bool plan_event(struct plan *plan, struct event *event);

/* After the last event. {"live", "new", "events", "customers",
 * "segments":[{"id", "state", "live", "new", "enter", "leave", "keep",
 *              "filled":{"new", "enter", "leave", "keep", ..}, "sees_too_little":[..],
 *              "reasons":[{"text","count"}]}],
 * "life_events":[{"id", "state", "live", "new", "gained", "lost", "kept", "filled":{..},
 *                 "sees_too_little":[..], "in_sample":{"live","new"}}], "offers":[..],
 * "features":[{"id","state", ..}]};
 * Counted are customers: members, those with the life event confirmed, those who were made the
 * offer and did not have it taken back; "in_sample" counts decisions. With `ids` each row, and its
 * "filled", has "customers":{"enter":{"ids":[..], "more":N}, ..}. state: unchanged, changed, new,
 * dropped, retired. Of features and series "record" and what follows it (commands/plan_kept.h;
 * "dropped" too); "sees_too_little": the features that the definition reads and that are not kept
 * whole. NULL: out of memory. The caller releases it. */
struct json_t *plan_finish(struct plan *plan);

/* The same as a table; unchanged rows are counted, not shown, unless `all`. */
void plan_print(struct json_t *report, bool all, FILE *out);

#endif
