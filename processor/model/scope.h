/* SPDX-License-Identifier: Apache-2.0 */
/* The names that a rule may read, and where their values stand at the moment of evaluation.
 *
 * A name is compiled to a slot: a namespace and an index. The engine fills one `struct scope` per
 * evaluation; stages hand it to CEL as the activation. Stages do not see each other: what segments need
 * of features is here, as plain values. */
#ifndef MODEL_SCOPE_H
#define MODEL_SCOPE_H

#include "model/customer.h"

enum scope_space {
    SCOPE_NOW,     /* now: the moment of evaluation */
    SCOPE_FEATURE, /* f.NAME, index in the playbook's features */
    SCOPE_PROFILE, /* c.NAME, index in fields_of(SOURCE_CUSTOMER_PROFILES); CEL helpers add c.age */
    SCOPE_EVENT, /* tx.NAME, app.NAME, outcome.NAME..: index in fields_of(event source) + 64 * source */
    SCOPE_LIFE,    /* life: the list of confirmed life events' names */
    SCOPE_SEGMENT, /* seg: the list of the customer's segments' names */
    SCOPE_SPACE_COUNT
};

#define SCOPE_SLOT(space, index) ((uint32_t)(space) << 24 | (uint32_t)(index))
#define SCOPE_SLOT_SPACE(slot)   ((enum scope_space)((slot) >> 24))
#define SCOPE_SLOT_INDEX(slot)   ((slot)&0xffffffU)

enum feature_value_type { FEATURE_INT, FEATURE_DOUBLE, FEATURE_STRING, FEATURE_BOOL, FEATURE_TIME };

/* The value of a feature at one moment. */
struct feature_value {
    enum feature_value_type type;
    bool present; /* false: nothing known yet (max of nothing, time since never) */
    union {
        int64_t i; /* FEATURE_INT, FEATURE_TIME (ms), FEATURE_BOOL (0/1) */
        double d;
        struct slice text; /* borrowed from the customer's state */
    };
};

enum scope_restless { SCOPE_READ_EVENT = 1, SCOPE_READ_CLOCK = 2 };

struct scope {
    int64_t now_ms;
    const struct event *event; /* NULL: a deadline */
    const struct customer *customer;
    const struct feature_value *features; /* feature_count entries; read through scope_feature() */
    uint32_t feature_count;
    /* A bit per feature: its value stands in `features`. Most events decide by few of them, so the others are
     * not reckoned: `read_feature` is called for one that is asked for. NULL: all values stand. */
    const uint64_t *features_ready;
    void (*read_feature)(void *reader, uint32_t index);
    void *reader;
    /* enum scope_restless bits, set when a rule reads the event or the clock: what it said may be otherwise at the
     * next moment. NULL: nobody asks. */
    uint8_t *restless;
    const struct slice *life; /* names of confirmed life events */
    uint32_t life_count;
    const struct slice *segments; /* names of segments the customer is in */
    uint32_t segment_count;
    const struct zones *zones;
    /* Per source, SOURCE_COUNT of them: since when nobody's records of it have come (INT64_MAX: they
     * come); NULL: all come. */
    const int64_t *silent_from_ms;
};

/* A rule reads the event or the clock. */
static inline void scope_reads(const struct scope *scope, enum scope_restless what)
{
    if (scope->restless != NULL) {
        *scope->restless |= (uint8_t)what;
    }
}

/* The value of a feature at this moment; NULL: there is no such feature. */
static inline const struct feature_value *scope_feature(const struct scope *scope, uint32_t index)
{
    if (index >= scope->feature_count) {
        return NULL;
    }
    if (scope->features_ready != NULL &&
        (scope->features_ready[index / 64] >> index % 64 & 1) == 0) {
        scope->read_feature(scope->reader, index);
    }
    return &scope->features[index];
}

enum { SCOPE_SILENT_RECHECK_MS = 60000 };

/* The moment up to which it may be judged what has NOT come from a source: a late feed is not a bank full
 * of lost jobs. */
static inline int64_t scope_judged_until(const struct scope *scope, enum source source)
{
    int64_t silent_ms = scope->silent_from_ms == NULL ? INT64_MAX : scope->silent_from_ms[source];
    return scope->now_ms < silent_ms ? scope->now_ms : silent_ms;
}

/* When to look again for an absence that is certain from `at_ms` on: after now, and while its source is
 * silent every minute. INT64_MAX: it was judged. */
static inline int64_t scope_absence_due(const struct scope *scope, enum source source,
                                        int64_t at_ms)
{
    if (at_ms > scope->now_ms) {
        return at_ms;
    }
    return at_ms > scope_judged_until(scope, source) ? scope->now_ms + SCOPE_SILENT_RECHECK_MS
                                                     : INT64_MAX;
}

#endif
