/* SPDX-License-Identifier: Apache-2.0 */
/* What of the features of a changed playbook is found in the records of the live one, and which rules see too
 * little until the rest has come. */
#ifndef COMMANDS_PLAN_KEPT_H
#define COMMANDS_PLAN_KEPT_H

#include "playbook/playbook.h"

struct json_t; /* jansson.h */

enum { PLAN_KEPT_MAX = FEATURES_MAX + SERIES_DEFS_MAX };

struct plan_kept {
    const struct playbook *playbook;
    int64_t applied_ms;                      /* from when on the rest comes */
    struct features_kept all[PLAN_KEPT_MAX]; /* features, then series */
};

void plan_kept_find(const struct playbook *records, const struct playbook *next, int64_t applied_ms,
                    struct plan_kept *out);

/* Add "record" (kept, partly, empty) of feature or series `index`, and of what is not kept "complete_on" (a date)
 * or "lacks_events"; none of the two: what was before stays unknown. */
void plan_kept_add(const struct plan_kept *kept, uint32_t index, struct json_t *row);

/* [{"id", "record", "complete_on", "lacks_events"}] of what the definition reads, itself or through others, and
 * does not find whole. */
struct json_t *plan_kept_lacks(const struct plan_kept *kept, enum playbook_kind kind,
                               uint32_t index);

#endif
