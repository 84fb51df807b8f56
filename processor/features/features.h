/* SPDX-License-Identifier: Apache-2.0 */
/* Features: numbers, times and texts kept per customer, from events, over windows.
 *
 *   definitions --features_plan_build--> plan (immutable, shared by all threads)
 *   event  --features_event-->  state (a fixed block inside the customer)  --features_values--> f.*
 *
 * A definition says WHICH events (source, where, statuses, currency), WHAT of them (value), HOW it is put
 * together (kind) and OVER WHICH window. Definitions that differ only in window or in how they are read share
 * what is kept: `sum` over 7 and over 90 days is one row of tiles, `avg` is the sum and the count that others
 * read too. README.md beside this file has the picture, the rules of time and of taking back.
 *
 * In a playbook (the loader maps one key to one member of struct feature_def):
 *   spend_90d:     {sum: tx.amount_minor, where: 'tx.direction == "DEBIT"', window: 90d, publish: true}
 *   days_active:   {active_days: tx, window: 30d}
 *   dormant_days:  {days_since: tx, where: '!(tx.kind in ["INTEREST", "FEE"])'}
 *   countries_4:   {distinct: tx.merchant_country, window: last 4 events}
 *   save_rate:     {ratio: [f.saved_90d, f.income_90d]}
 *   partition:     {last: event.partition, order: arrival, late: include}
 * Everything is pure: no clock, no allocation, no globals. */
#ifndef FEATURES_FEATURES_H
#define FEATURES_FEATURES_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/status.h"
#include "base/zone.h"
#include "model/scope.h"
#include "rules/rules.h"

enum {
    FEATURES_MAX = RULES_FEATURES_MAX,
    FEATURES_PREDICATES_MAX = 128, /* different (where, currency) of one source */
    FEATURES_VALUES_MAX =
        16, /* different value expressions of one source; 15 beside more than 64 conditions */
    FEATURES_DAYS_MAX = 400,     /* longest window of days: 13 months */
    FEATURES_MINUTES_MAX = 2880, /* longest window of minutes: 48 hours */
    FEATURES_EVENTS_MAX = 64, /* longest `last N events`; samples kept for quantiles and the like */
    FEATURES_TEXT_SIZE =
        23, /* bytes of a text value kept; longer ones are cut on a character's edge */
    FEATURES_REMEMBERED_MAX = 64, /* events remembered per source for duplicates and taking back */
    /* Ids known per source, with those of the remembered: so many times as many, at most so many. */
    FEATURES_KNOWN_PER_REMEMBERED = 8,
    FEATURES_KNOWN_MAX = 256,
    FEATURES_PAIRS_MAX = 8, /* newest events of each side in which SEQUENCE and ABSENCE look */
    FEATURES_THRESHOLDS_MAX = 8,
    FEATURES_OPERANDS_MAX = 3,
};

/* What a kind takes. */
enum feature_needs {
    FEATURE_NEEDS_NOTHING,  /* events are enough: {count: tx} */
    FEATURE_NEEDS_NUMBER,   /* an integer value: {sum: tx.amount_minor} */
    FEATURE_NEEDS_VALUE,    /* any value, text too: {distinct: tx.merchant_country} */
    FEATURE_NEEDS_OPERANDS, /* other features: {ratio: [f.a, f.b]} */
};

enum { /* bits: windows that a kind may have */
       FEATURE_WINDOW_ALL = 1,
       FEATURE_WINDOW_DAYS = 2,
       FEATURE_WINDOW_MINUTES = 4,
       FEATURE_WINDOW_EVENTS = 8,
       FEATURE_WINDOW_TILES = 7,
       FEATURE_WINDOW_ANY = 15,
};

/* The kinds: enum, key in YAML, what it needs, its windows, the type of its value (FEATURE_STRING stands for
 * "the type of `value`"), and one line for the reference. Append only. */
#define FEATURE_KINDS(X)                                                                           \
    X(FEATURE_COUNT, "count", NOTHING, ANY, INT, "how many events")                                \
    X(FEATURE_SUM, "sum", NUMBER, TILES, INT, "the sum of a whole number; one currency")           \
    X(FEATURE_AVG, "avg", NUMBER, TILES, DOUBLE, "sum / count; absent with no event")              \
    X(FEATURE_MIN, "min", NUMBER, TILES, INT, "the smallest; absent with no event")                \
    X(FEATURE_MAX, "max", NUMBER, TILES, INT, "the largest; absent with no event")                 \
    X(FEATURE_ACTIVE_DAYS, "active_days", NOTHING, DAYS, INT, "days with an event")                \
    X(FEATURE_STREAK, "streak", NOTHING, DAYS, INT,                                                \
      "days in a row with an event, up to today; today may lack")                                  \
    X(FEATURE_LONGEST_STREAK, "longest_streak", NOTHING, DAYS, INT,                                \
      "most days in a row with an event")                                                          \
    X(FEATURE_TREND, "trend", NUMBER, DAYS, DOUBLE,                                                \
      "slope of the days' sums, per day, by least squares")                                        \
    X(FEATURE_DECAY, "decay", NUMBER, DAYS, DOUBLE,                                                \
      "sum in which a day counts half after each half-life")                                       \
    X(FEATURE_FIRST, "first", VALUE, ALL, STRING, "the value of the first event")                  \
    X(FEATURE_LAST, "last", VALUE, ALL, STRING, "the value of the last event")                     \
    X(FEATURE_NTH, "nth", VALUE, EVENTS, STRING,                                                   \
      "the value of the n-th last event; 1 is the last")                                           \
    X(FEATURE_TIME_SINCE, "time_since", NOTHING, ALL, INT, "milliseconds since the last event")    \
    X(FEATURE_DAYS_SINCE, "days_since", NOTHING, ALL, INT,                                         \
      "local calendar days since the last event")                                                  \
    X(FEATURE_DAYS_SINCE_FIRST, "days_since_first", NOTHING, ALL, INT,                             \
      "local calendar days since the first")                                                       \
    X(FEATURE_DISTINCT, "distinct", VALUE, ANY, INT, "how many different values")                  \
    X(FEATURE_TOP, "top", VALUE, EVENTS, STRING,                                                   \
      "the n-th most frequent value of the last N events")                                         \
    X(FEATURE_TOP_COUNT, "top_count", VALUE, EVENTS, INT,                                          \
      "how often the n-th most frequent value came")                                               \
    X(FEATURE_QUANTILE, "quantile", NUMBER, EVENTS, INT,                                           \
      "the q-quantile of the last N events (nearest rank)")                                        \
    X(FEATURE_MAD, "mad", NUMBER, EVENTS, INT,                                                     \
      "median distance from the median: a personal baseline")                                      \
    X(FEATURE_SESSIONS, "sessions", NOTHING, EVENTS, INT,                                          \
      "runs of the last N events without a gap > `within`")                                        \
    X(FEATURE_SEQUENCE, "sequence", NOTHING, ALL, TIME,                                            \
      "when `then` last came within `within` after `where`")                                       \
    X(FEATURE_ABSENCE, "absence", NOTHING, ALL, BOOL,                                              \
      "`where` came and `then` did not within `within`")                                           \
    X(FEATURE_RATIO, "ratio", OPERANDS, ALL, DOUBLE,                                               \
      "a / b of two features; absent when b is 0 or absent")                                       \
    X(FEATURE_RFM, "rfm", OPERANDS, ALL, INT,                                                      \
      "three digits 1..5: recency, frequency, money by `cuts`")

#define FEATURE_KIND_ENUM(name, key, needs, windows, type, text) name,
enum feature_kind { FEATURE_KINDS(FEATURE_KIND_ENUM) FEATURE_KIND_COUNT };
#undef FEATURE_KIND_ENUM

struct feature_kind_info {
    const char *key; /* "sum" */
    enum feature_needs needs;
    uint8_t windows; /* FEATURE_WINDOW_* bits */
    enum feature_value_type type;
    const char *text; /* for the reference */
};

const struct feature_kind_info *features_kind(enum feature_kind kind);
/* The kind of a YAML key; -1 when there is none. */
int32_t features_kind_find(struct slice key);

enum feature_unit { FEATURE_ALL, FEATURE_DAYS, FEATURE_MINUTES, FEATURE_EVENTS };

/* Where a window ends. */
enum feature_anchor {
    FEATURE_ANCHOR_NOW,      /* the moment of evaluation: changes with no event, arms deadlines */
    FEATURE_ANCHOR_CUSTOMER, /* the customer's own latest day: changes with events only */
};

/* Events older than features_options.late_after_days, counted from the customer's latest day. */
enum feature_late {
    FEATURE_LATE_EXCLUDE,
    FEATURE_LATE_INCLUDE,
    FEATURE_LATE_ONLY,
};

enum feature_pending {
    FEATURE_PENDING_EXCLUDE, /* POSTED counts */
    FEATURE_PENDING_INCLUDE, /* PENDING counts until its POSTED takes its place */
    FEATURE_PENDING_ONLY,
};

/* What "last", "first" and "the last N events" mean. */
enum feature_order {
    FEATURE_BY_TIME, /* by the events' own time; equal times: by arrival. Any order gives the same */
    FEATURE_BY_TIME_STRICT, /* last: as BY_TIME, but an event whose value is null also makes older ones too late */
    FEATURE_BY_ARRIVAL, /* by partition order, whatever their times say */
};

/* What of the event: a field, a fact about the record, or an expression. */
enum feature_value_from {
    FEATURE_FROM_NOTHING,
    /* value_field: index in fields_of(source); FIELD_INT*, TIME, DATE, BOOL, DOUBLE, STRING, CODE */
    FEATURE_FROM_FIELD,
    FEATURE_FROM_PROGRAM,   /* value: CEL of type int, bool, string, double or timestamp */
    FEATURE_FROM_TIME,      /* event.time: FEATURE_TIME */
    FEATURE_FROM_DAY,       /* event.day: its local day, days since 1970-01-01 */
    FEATURE_FROM_PARTITION, /* event.partition */
    FEATURE_FROM_OFFSET,    /* event.offset */
};

/* One feature as the playbook says it. Zeroed = the defaults. Texts, programs and thresholds must live as long
 * as the plan. */
struct feature_def {
    const char *name;   /* without "f." */
    struct slice about; /* for people; empty: not said. No part of the meaning */
    uint32_t version;
    uint64_t hash; /* of the definition's meaning; the engine names it in proofs */
    enum feature_kind kind;
    enum source source;

    /* NULL: every event. Not true (no, unknown, error): does not match */
    const struct cel_program *where;
    struct slice where_text; /* as written, spaces squeezed; equal texts are evaluated once */
    const struct cel_program *then; /* SEQUENCE, ABSENCE: the second event, same source */
    struct slice then_text;
    struct slice currency; /* 3 letters; empty: any. Part of the match */
    enum feature_value_from from;
    uint8_t value_field;
    const struct cel_program *value;
    struct slice value_text;

    enum feature_unit unit;
    uint32_t length; /* days, minutes or events */
    enum feature_anchor anchor;
    enum feature_late late;
    enum feature_pending pending;
    enum feature_order order;

    uint32_t nth;          /* NTH, TOP, TOP_COUNT: from 1; 0 means 1 */
    double quantile;       /* QUANTILE: 0..1 */
    double half_life_days; /* DECAY */
    int64_t within_ms;     /* SESSIONS, SEQUENCE, ABSENCE */
    uint32_t capacity;     /* DISTINCT over days or all: values kept; 0 means 32, at most 256 */
    /* RATIO: a, b; RFM: recency, frequency, money: indexes of earlier features */
    uint32_t operands[FEATURES_OPERANDS_MAX];
    int64_t cuts[3][4]; /* RFM: four rising limits each; recency counts down (small is 5) */

    bool publish; /* in the view */
    /* a rule or the view must notice when it changes with no event (publish implies it) */
    bool armed;
    /* Constants that rules compare it with. TIME_SINCE and DAYS_SINCE* change all the time: when thresholds are
     * given, only reaching or passing one of them is a deadline; when none, every local midnight is. */
    int64_t thresholds[FEATURES_THRESHOLDS_MAX];
    uint32_t threshold_count;
};

/* For the whole playbook. Zeroed is not the default: use features_options_default. */
struct features_options {
    int64_t allowed_lateness_ms; /* duplicates and taking back reach that far; default 7 days */
    /* Events per source that can be taken back exactly; the ids of FEATURES_KNOWN_PER_REMEMBERED times as many are
     * known. 0: off. Default 32 transactions, 16 of the others */
    uint32_t remembered[SOURCE_COUNT];
    bool
        follow[SOURCE_COUNT]; /* remember its events for later stages even if no feature reads it */
    int32_t late_after_days; /* an event more days before the customer's latest is late; 0: never */
};

struct features_options features_options_default(void);

/* The type of the value, from the definition alone (rules are compiled before the plan is built). For kinds
 * whose type is their value's: FEATURE_INT unless the field or program says otherwise. */
enum feature_value_type features_type(const struct feature_def *def);

struct features_plan; /* immutable */

struct features_problem {
    uint32_t index; /* of the definition at fault */
    struct status_text text;
};

/* Check the definitions and lay out a customer's state. The plan lives in `arena` (about 2 KiB a feature)
 * and keeps `defs`. STATUS_INVALID: a definition is wrong; STATUS_FULL: a limit or the arena; `out_problem`
 * says which. */
enum status features_plan_build(const struct feature_def *defs, uint32_t count,
                                const struct features_options *options, struct arena *arena,
                                const struct features_plan **out_plan,
                                struct features_problem *out_problem);

uint32_t features_count(const struct features_plan *plan);
const struct feature_def *features_def(const struct features_plan *plan, uint32_t index);

/* What a feature costs per customer. What is shared is split evenly among those who share it. */
struct features_cost {
    uint32_t working_size;    /* bytes in memory */
    uint32_t packed_size_max; /* bytes in the record when every tile is full */
    uint32_t shared_with;     /* other features that read the same cells */
    bool changes_alone;       /* can change with no event */
};
struct features_cost features_cost(const struct features_plan *plan, uint32_t index);
/* The table for `segue check`. */
void features_plan_describe(const struct features_plan *plan, FILE *out);

/* Bytes of a customer's features block (a multiple of 8); alignment 8. */
size_t features_state_size(const struct features_plan *plan);
/* Bytes that features_pack may need at most. */
size_t features_packed_size_max(const struct features_plan *plan);
/* How many of those are ids of events behind the remembered ones: a smaller `remembered` in the options, fewer. */
size_t features_ids_size_max(const struct features_plan *plan);
void features_init(const struct features_plan *plan, void *state);

/* The parts of a block of which an event touches little, `number` from 0 on: the tiles of a group but for the first
 * few, the known ids of a source. False: there is no such part. */
bool features_sparse_at(const struct features_plan *plan, uint32_t number, size_t *out_offset,
                        size_t *out_size);

enum features_result {
    FEATURES_ACCEPTED,
    FEATURES_DUPLICATE, /* seen before: nothing changed, evaluate nothing */
    FEATURES_LATE, /* late_after_days: only `late:` features moved, evaluate nothing but what was said */
    /* What the named event gave was taken back, or the reversal's own fields were subtracted; or an event came
     * whose reversal had come before: the pair is nothing. */
    FEATURES_REVERSED,
    FEATURES_RESULT_COUNT
};

enum { FEATURES_WORDS = FEATURES_MAX / 64 };

struct features_outcome {
    enum features_result result;
    /* some feature's state changed (last and arrival features change with every event) */
    bool changed;
    /* Taken, though it may have come before: within allowed_lateness, but of a customer with so many events that
     * ids of its time are known no more. */
    bool unsure;
    /* It only added to its own day: nothing earlier was taken back */
    bool only_added;
    int32_t day; /* local; where only_added */
    /* A bit per feature whose value may differ from before the event; all others' do not. */
    uint64_t touched[FEATURES_WORDS];
};

/* Take one event in. `scope` has event, customer, zones and now_ms; now_ms may not go back for this customer.
 * `scratch` serves the where expressions and is not reset. Profiles are no business of this stage: a source
 * without features is ACCEPTED and nothing changes. */
struct features_outcome features_event(const struct features_plan *plan, void *state,
                                       const struct scope *scope, struct arena *scratch);

/* The same by whoever has asked the conditions already: bit i of `holds` says whether condition i of the event's
 * source holds. NULL: they are evaluated. */
struct features_outcome features_event_matched(const struct features_plan *plan, void *state,
                                               const struct scope *scope, struct arena *scratch,
                                               const uint64_t *holds);

/* The different conditions of a source's features. A NULL program always holds. */
uint32_t features_predicate_count(const struct features_plan *plan, enum source source);
const struct cel_program *features_predicate(const struct features_plan *plan, enum source source,
                                             uint32_t index);

/* The moment of a reading, as the customer's calendar sees it: reckoned once for all that is read then. */
struct features_moment {
    int64_t now_ms;
    int32_t today;  /* local day of now */
    int32_t latest; /* the customer's newest local day; INT32_MIN: nothing has come yet */
    int32_t zone;
    const struct zones *zones;
    const struct scope *scope;
};

/* `scope` as for features_event; it and the state must not change while the moment is in use. */
struct features_moment features_moment(const struct features_plan *plan, const void *state,
                                       const struct scope *scope);

/* One feature's value at that moment. Text is borrowed from `state`. */
struct feature_value features_value(const struct features_plan *plan, void *state, uint32_t index,
                                    const struct features_moment *moment);

/* Every feature's value at scope->now_ms in the customer's zone, into `out` (features_count entries). Texts are
 * borrowed from `state`. Moves cached window totals, so `state` is not const; what is packed does not change. */
void features_values(const struct features_plan *plan, void *state, const struct scope *scope,
                     struct feature_value *out);

/* The first moment > scope->now_ms at which an armed feature could change with no event; INT64_MAX: none. May be
 * too early (then nothing has changed), never too late. */
int64_t features_deadline(const struct features_plan *plan, const void *state,
                          const struct scope *scope);

/* The same for one feature, armed or not. */
int64_t features_next_change(const struct features_plan *plan, const void *state, uint32_t index,
                             const struct scope *scope);

/* TIME_SINCE and DAYS_SINCE*: the first moment > now_ms at which the value is >= `threshold`, if nothing comes;
 * INT64_MAX when it already is, or nothing has ever come. For other kinds: features_next_change. */
int64_t features_reaches(const struct features_plan *plan, const void *state, uint32_t index,
                         int64_t threshold, const struct scope *scope);

/* How a value moves as time passes, with no event. */
enum feature_drift {
    FEATURE_STEADY,
    FEATURE_DRIFTS_DAILY, /* at the start of a local day */
    FEATURE_DRIFTS,       /* at any moment */
};
enum feature_drift features_drift(const struct features_plan *plan, uint32_t index);

/* Dues: the next change of each armed feature, kept beside a customer's state so that after an event only those of
 * the features that it touched are reckoned again. Not packed: after features_dues_init all are due. */
size_t features_dues_size(const struct features_plan *plan); /* a multiple of 8; alignment 8 */
void features_dues_init(const struct features_plan *plan, void *dues);
/* Do the dues of this feature tell every moment at which what rules make of it can change with no event? */
bool features_dues_tell(const struct features_plan *plan, uint32_t index);
/* .. at which its value does? Thresholds say only when a rule turns. */
bool features_dues_tell_values(const struct features_plan *plan, uint32_t index);
/* Add the bits of the features whose due has come. */
void features_dues_reached(const struct features_plan *plan, const void *dues,
                           const struct features_moment *moment, uint64_t bits[FEATURES_WORDS]);
/* Add the features that are made of those (ratio, rfm). */
void features_add_readers(const struct features_plan *plan, uint64_t bits[FEATURES_WORDS]);
/* Reckon the dues of these features again; the least of all: what features_deadline says. `added`: what they took
 * since the last time is this event's alone; NULL: anything. */
int64_t features_dues_settle(const struct features_plan *plan, const void *state, void *dues,
                             const struct features_moment *moment,
                             const uint64_t bits[FEATURES_WORDS],
                             const struct features_outcome *added);

/* State <-> bytes. Parts carry a 32-bit name made of their meaning, so bytes of an older playbook keep every
 * part whose meaning is unchanged, whatever the names and windows of the features that read it (a longer window
 * starts with the tiles that are there). Empty tiles are left out. Equal histories give equal bytes.
 * Unpack: hostile bytes give STATUS_INVALID and leave `state` as after features_init. The reader is left after
 * the features' bytes. */
void features_pack(const struct features_plan *plan, const void *state,
                   struct bytes_writer *writer);
enum status features_unpack(const struct features_plan *plan, void *state,
                            struct bytes_reader *reader, struct status_text *out_text);

/* What features_unpack finds of feature `index` in bytes that the plan `records` wrote. */
struct features_kept {
    enum { FEATURES_KEPT, FEATURES_KEPT_PARTLY, FEATURES_EMPTY } state;
    /* Until it knows all that it asks for: so long, or so many matching events; lacks_ms INT64_MAX: what was before
     * stays unknown. 0: does not wait for that. */
    int64_t lacks_ms;
    uint32_t lacks_events;
};
struct features_kept features_kept(const struct features_plan *plan, uint32_t index,
                                   const struct features_plan *records);

#endif
