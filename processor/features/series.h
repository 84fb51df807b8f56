/* SPDX-License-Identifier: Apache-2.0 */
/* Series: a recurring credit or debit per counterparty (a salary, a rent), found while events arrive, in
 * bounded space, with its period, its amount, and the day on which the next one is expected.
 *
 * One definition follows up to SERIES_TRACKS_MAX counterparties ("tracks"). A track becomes *established*
 * when `min_hits` credits of equal amount (within amount_tolerance) came at one period: weekly,
 * fortnightly, four-weekly or monthly (a gap of two periods is allowed: one payment was different). An
 * established track stays alive on any payment of its counterparty near an expected day, so a bonus
 * month (a 13th salary) is no miss; two like payments in a row at a new amount are a step.
 *
 *   hits        2       3 established                 miss 1         miss 2
 *   -----|------|-------|.......[ expected +- tolerance ]-------------|---------> time
 *                       last_at                        ^ a deadline    ^ a deadline
 *
 * Misses are computed from the last hit and the moment, so no timer has state of its own. A monthly payday
 * is a date (free days move it to the working day before, after, or not at all; the 31st is the last day, so
 * the last working day is one of these) or a weekday (the third Friday, the last one): the habit that
 * explains most of the last hits, so one early payday (December) does not move the next. Bank holidays
 * are known to no calendar here: that is what the tolerance is for.
 *
 * Rules read a series as features f.ID.hits, f.ID.last_at ...: series_field_names in this order, at
 * scope.features[def->first_feature + field]. */
#ifndef FEATURES_SERIES_H
#define FEATURES_SERIES_H

#include "base/bytes.h"
#include "base/zone.h"
#include "rules/rules.h"

enum {
    SERIES_TRACKS_MAX = 8,   /* counterparties remembered per definition and customer */
    SERIES_HITS_KEPT = 4,    /* moments of the last hits kept per track */
    SERIES_AMOUNTS_KEPT = 6, /* amounts of the last hits: the newest two against those before */
    SERIES_DEFS_MAX = 16,
    SERIES_MISSES_MAX = 13,         /* a track is not watched beyond that many misses */
    SERIES_VARIATION_WHOLE = 10000, /* of `variation`: as much as the amount itself */
    /* In the hash of each definition. Raise it with what a track's key is a hash of, and with the packed form: to
     * the next version stored tracks are then those of a changed definition, which starts empty; else they are
     * payers of whom no payment comes any more, and customers would be said to have stopped earning. 2: the
     * letters of a name, before 1: the whole name; 3: how the amounts vary is kept */
    SERIES_TRACKS_VERSION = 3,
};

/* The first ones are about the *primary* track: of the established ones without a miss that with the most
 * money a month; while all have missed, the one paid last. A salary is then not hidden by a friend's
 * standing order, nor by the job before. `stopped_*` are about the track that missed a payment and has not
 * come back: the one paid last among those that gave at least two fifths of the most. What is not known is
 * absent, counts are 0. */
enum series_field {
    SERIES_HITS,       /* int: equal payments seen */
    SERIES_MISSES,     /* int: expected payments overdue since the last one */
    SERIES_LAST_AT,    /* time: the last payment */
    SERIES_NEXT_AT,    /* time: start of the local day on which the next one is expected */
    SERIES_NEXT_FROM,  /* time: the interval of the next one: from `tolerance` before that day .. */
    SERIES_NEXT_UNTIL, /* time: .. to the end of the last tolerated day, when it is missed */
    SERIES_REGULARITY, /* int: percent of the last hits kept that came within a day of the habit's day */
    SERIES_SPREAD_PERCENT, /* int: how far the kept amounts before the newest two differ, of their median */
    SERIES_PERIOD_DAYS,   /* int: 7, 14, 28, 30 */
    SERIES_AMOUNT,        /* int: minor units, the current level */
    SERIES_AMOUNT_BEFORE, /* int: the level before the last step; absent without one */
    SERIES_FIRST_AT,      /* time: its first payment */
    SERIES_ACTIVE,        /* int: established tracks without a miss */
    SERIES_OVERDUE,       /* int: established tracks with a miss */
    SERIES_NEW_PAYER_HITS, /* int: most hits of a track that began after the primary's last payment, or
                            * after that of the one that has stopped (the primary may be a small job) */
    SERIES_MONEY,          /* int: the primary's money in 30 days, at its median amount */
    SERIES_TOTAL_MONEY,    /* int: the same of all tracks without a miss; 0: none */
    SERIES_CHANGE_PERCENT, /* int: the newest two amounts against the median before them, when both lie
                             * outside all of those before by half as much as those differ, the lesser
                             * change at least half as far out and thrice what amounts of this payer
                             * usually differ by, and a rise is 6 % above all that was ever paid twice;
                             * else 0 */
    SERIES_RENAMED_AT,     /* time: first payment under another payer's id (`follow_renames`) */
    SERIES_STOPPED_FIRST_AT, /* time: its payer's first payment */
    SERIES_STOPPED_AT,       /* time: last payment */
    SERIES_STOPPED_DUE_AT,   /* time: the payment that did not come was expected then */
    SERIES_STOPPED_MONEY,    /* int: money in 30 days */
    SERIES_STOPPED_HITS, /* int: 0 when none has stopped, so that a rule sees that it came back */
    SERIES_STOPPED_GAPS, /* int: how often it had stopped before and come back */
    SERIES_STOPPED_PERIOD_DAYS, /* int: 7, 14, 28, 30; the primary's may be another */
    SERIES_STARTS, /* int: established tracks that began in the last `recent` days, others before */
    SERIES_STOPS,  /* int: tracks whose first missed payment fell into the last `recent` days */
    SERIES_FIELD_COUNT
};

/* "hits", "misses", ...: the playbook declares "ID.NAME" for each. Static. */
const char *series_field_name(enum series_field field);
enum feature_value_type series_field_type(enum series_field field);

enum series_period {
    SERIES_PERIOD_NONE, /* in a definition: any (auto); in a track: not known */
    SERIES_WEEKLY,
    SERIES_FORTNIGHTLY,
    SERIES_FOUR_WEEKLY,
    SERIES_MONTHLY,
    SERIES_PERIOD_COUNT
};

/* One `series:` feature of the playbook. Immutable. */
struct series_def {
    struct slice id;    /* "salary" */
    struct slice about; /* for people; empty: not said. No part of the meaning */
    int32_t version;
    uint64_t hash;
    const struct cel_program *where;    /* RULES_EVENT over transactions; NULL: every one */
    uint32_t min_hits;                  /* default 3, at least 2 */
    uint32_t amount_tolerance_permille; /* default 0: equal amounts; 100 = within 10 % */
    int32_t tolerance_days; /* default 4: how late a payment may be before it is a miss */
    int32_t recent_days;    /* default 60: of starts and stops */
    bool follow_renames;    /* another payer's equal payment on the expected day goes on with it */
    uint32_t first_feature; /* index of f.ID.hits in scope.features */
    uint8_t direction;      /* enum direction; default DIRECTION_CREDIT */
    uint8_t period;         /* enum series_period; NONE: found */
    bool publish;           /* its fields are in the view */
};

struct series_track {
    /* Hash of counterparty_id, else of the letters of its name, else of the merchant's: a batch number, a
     * branch or capitals make no other payer. 0: free */
    uint64_t key;
    int64_t hit_ms[SERIES_HITS_KEPT]; /* newest first */
    int64_t first_ms;
    int64_t alive_ms; /* last payment that counted as coming, bonus included */
    int64_t amount_minor;
    int64_t amount_before_minor;          /* 0: no step yet */
    int64_t other_minor;                  /* a different amount seen since the last hit; 0: none */
    int64_t other_ms;                     /* when */
    int64_t renamed_ms;                   /* 0: always the same payer */
    int64_t amounts[SERIES_AMOUNTS_KEPT]; /* of the last hits, newest first */
    /* The most that was paid twice in a row, before the newest two; 0: not yet */
    int64_t peak_minor;
    int64_t due_ms;  /* when the next miss is certain; INT64_MAX: not established */
    int64_t next_ms; /* start of the local day on which the next one is expected */
    uint16_t hits;   /* equal payments, saturating */
    /* By how many hundredths of a percent an amount differs from those before it, on average of the last
     * sixteen or so. The newest two are not in it: they are what is compared with it */
    uint16_t variation;
    uint8_t period;     /* enum series_period */
    uint8_t anchor;     /* monthly: the habit, as series.c codes it; found again when unpacked */
    uint8_t regularity; /* SERIES_REGULARITY; found again when unpacked */
    uint8_t amount_count;
    uint8_t gaps; /* missed and came back, saturating */
};

struct series_state {
    struct series_track tracks[SERIES_TRACKS_MAX];
};

/* Take in one posted or reversed transaction (others are ignored; the caller has dropped duplicates).
 * `scope` is for `where`. Returns true when something changed. */
bool series_update(const struct series_def *def, struct series_state *state,
                   const struct event *event, const struct scope *scope, struct arena *scratch);
/* As series_update, when `where` is known to hold. */
bool series_update_matched(const struct series_def *def, struct series_state *state,
                           const struct event *event, const struct scope *scope);

/* Is the track a series: enough hits at one period? */
static inline bool series_is_established(const struct series_track *track)
{
    return track->due_ms != INT64_MAX;
}

/* The moment from which `count` payments are overdue: the end of the last tolerated day. */
int64_t series_miss_ms(const struct series_def *def, const struct series_track *track,
                       const struct zones *zones, int32_t zone, int32_t count);

/* 0, 7, 14, 28, 30. */
int32_t series_period_days(enum series_period period);

/* Write SERIES_FIELD_COUNT values as they are at `now_ms`; without `costly` those of series_is_costly are not among
 * them. */
void series_values(const struct series_def *def, const struct series_state *state,
                   const struct zones *zones, int32_t zone, int64_t now_ms, bool costly,
                   struct feature_value *out_values);

/* Is the field left out when series_values is not asked for the costly ones? */
bool series_is_costly(uint32_t field);

/* Values that were read, kept with the customer until the series is touched or changes by itself. Zeroed: none. */
struct series_kept {
    uint32_t stands, present; /* a bit per field */
    int64_t values[SERIES_FIELD_COUNT];
};
_Static_assert(SERIES_FIELD_COUNT <= 32, "a bit each");
static inline bool series_keeps(const struct series_kept *kept, uint32_t field)
{
    return (kept->stands >> field & 1) != 0;
}
/* Of a field that it keeps. */
struct feature_value series_kept_value(const struct series_kept *kept, uint32_t field);
/* Keep what series_values wrote. A bit for each field that is not as it was kept, or was not kept. */
uint32_t series_keep(struct series_kept *kept, const struct feature_value *values, bool costly);

/* The first moment after `now_ms` at which a value changes with no event; INT64_MAX: never. */
int64_t series_next_change(const struct series_def *def, const struct series_state *state,
                           const struct zones *zones, int32_t zone, int64_t now_ms);

/* Compute period, expected day and deadline of every track again: the customer's zone has changed. */
void series_renew(const struct series_def *def, struct series_state *state,
                  const struct zones *zones, int32_t zone);

/* Packed form; an empty state writes nothing. Unpack refuses hostile bytes (false) and then leaves the
 * state empty. */
bool series_is_empty(const struct series_state *state);
void series_pack(const struct series_state *state, struct bytes_writer *writer);
bool series_unpack(const struct series_def *def, struct series_state *state,
                   struct bytes_reader *reader, const struct zones *zones, int32_t zone);

#endif
