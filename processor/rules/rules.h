/* SPDX-License-Identifier: Apache-2.0 */
/* Where CEL meets the model: which names a rule may read (and their slots), and how a slot is read
 * from a scope at the moment of evaluation. Stages use this; cel/ knows nothing of banks and model/
 * nothing of CEL. */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "cel/cel.h"
#include "model/scope.h"

enum {
    RULES_NAMES_MAX = 1024, /* features + profile fields + event fields + the fixed names */
    RULES_FEATURES_MAX = 512,
    RULES_WATCH_THRESHOLDS_MAX = 16,
    RULES_EVENT_FIELDS_EACH = 64, /* SCOPE_EVENT: index in fields_of(source) + this * source */
    RULES_SLOT_AGE = SCOPE_SLOT(SCOPE_PROFILE, 64),
    RULES_SLOT_TENURE_DAYS = SCOPE_SLOT(SCOPE_PROFILE, 65),
    RULES_SLOT_TEXT = SCOPE_SLOT(SCOPE_EVENT, RULES_EVENT_FIELDS_EACH - 1), /* tx.text */
};

/* Which names are in scope: an offer's gate may not read an event that a deadline does not have. */
enum rules_context {
    RULES_EVENT,    /* a feature's where/value over one source: tx.* (or app.* ...), c.*, now */
    RULES_CUSTOMER, /* life events, segments, offers: f.*, c.*, life, seg, now; event names too,
                     * which are absent on a deadline */
};

struct rules_feature {
    const char *name; /* without "f." */
    enum feature_value_type type;
};

/* The environment to compile with; NULL when `arena` is full. Built in `arena`, lives as long.
 * `source` matters for RULES_EVENT. Sub-names of c (c.age: whole years at now, c.tenure_days) are
 * derived and have slots of their own. */
const struct cel_environment *rules_environment(enum rules_context context, enum source source,
                                                const struct rules_feature *features,
                                                uint32_t feature_count, const struct zones *zones,
                                                struct arena *arena);

/* The same with calendars of one's own; NULL when `arena` is full. */
const struct cel_environment *
rules_environment_with_calendars(const struct cel_environment *environment,
                                 const struct cel_calendar *calendars, uint32_t count,
                                 struct arena *arena);

/* cel_activation.read; activation->context is a `const struct scope *`. Lists (code sets, life,
 * seg) and app.attributes are built in activation->scratch.
 *
 * How values look in a rule:
 *   code                   string: c.employment_status == "EMPLOYED"
 *   code set               list of strings: "MORTGAGE" in c.products_held
 *   time                   timestamp
 *   date                   timestamp at midnight UTC of that date: age_years(c.birth_date, now)
 *   amounts                int, minor units: tx.amount_minor > money("250.00")
 *   tx.text                string, lower case (ASCII): counterparty_name merchant_name reference
 *   app.attributes         map(string, string): app.attributes.calculator
 *   c.timezone             the zone in force: the profile's, else the application's
 *   c.consents.P.C         bool for purpose P and channel C: c.consents.MARKETING.EMAIL; absent when never asked
 *   c.explicit_consent.P   bool: granted for purpose P on some channel with basis CONSENT
 *   c.age                  int, completed years at now in the customer's zone; absent without c.birth_date
 *   c.tenure_days          int, days since c.relationship_since; likewise
 *   life, seg              list of strings: "job.lost" in life
 *
 * What is null or not known is absent: has() is false, reading it makes the rule RULES_UNKNOWN. */
struct cel_value rules_read(const struct cel_activation *activation, uint32_t slot);

/* Which of the names that are worked out from the profile and the clock must be noticed when they change with no
 * event. Zeroed: none. */
struct rules_watch {
    bool age;
    bool tenure;     /* c.tenure_days, when it reaches one of these: */
    bool tenure_any; /* .. or every local midnight */
    int64_t tenure_thresholds[RULES_WATCH_THRESHOLDS_MAX];
    uint32_t tenure_threshold_count;
};

/* The first moment > scope->now_ms at which a watched name changes (reaches a threshold); INT64_MAX: none. */
int64_t rules_next_change(const struct rules_watch *watch, const struct scope *scope);

/* The first local day after `today` on which c.age is another one; INT32_MAX: while this profile stands, none. */
int32_t rules_age_until(const struct profile *profile, int32_t today);

enum rules_truth {
    RULES_NO,
    RULES_YES,
    RULES_UNKNOWN, /* a value was missing or the evaluation failed: gates fail closed, memberships
                      stay */
};

/* Evaluate a predicate. `out_why` (may be NULL): for RULES_UNKNOWN "missing:f.x" or the error's
 * text, living in `scratch`. `scratch` is used and not reset. */
enum rules_truth rules_holds(const struct cel_program *program, const struct scope *scope,
                             struct arena *scratch, struct slice *out_why);

/* Evaluate an integer, double or string expression; CEL_ERROR or CEL_ABSENT when it has none. */
struct cel_value rules_value(const struct cel_program *program, const struct scope *scope,
                             struct arena *scratch);

/* The name behind a slot ("f.spend_90d", "c.risk_profile", "tx.mcc", "now"), for messages. Static
 * or the environment's. */
const char *rules_slot_name(const struct cel_environment *environment, uint32_t slot);

#endif
