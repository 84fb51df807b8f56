/* SPDX-License-Identifier: Apache-2.0 */
/* Why a customer is or is not in a segment, has or has not a life event, would or would not be offered
 * something: leaf by leaf and gate by gate, with values. Looks at copies; nothing is changed. */
#ifndef ENGINE_EXPLAIN_H
#define ENGINE_EXPLAIN_H

#include "engine/engine.h"
#include "features/series.h"
#include "life/life.h"
#include "model/scope.h"

enum explain_kind { EXPLAIN_SEGMENT, EXPLAIN_LIFE_EVENT, EXPLAIN_OFFER };

enum {
    EXPLAIN_LEAVES_MAX = 128,
    EXPLAIN_GATES_MAX = 24,
    EXPLAIN_ARENA_SIZE =
        4 << 20, /* enough for the copies of any customer and task, and the texts */
};

struct explain_gate {
    struct slice gate;   /* "consent", ... in funnel order */
    struct slice reason; /* empty: passed */
};

/* One piece of evidence of a life event as it stands. */
struct explain_signal {
    struct slice id;
    struct slice about; /* for people; empty: not said */
    double weight;      /* as the playbook says it; negative: counter-evidence */
    double weighs;      /* now: 0 not seen, less than `weight` when it fades */
    int64_t seen_ms;    /* when it was last seen, of those that fade; 0: holds now, or never */
};

/* A series that a life event reads, as it stands: SERIES_FIELD_COUNT values by enum series_field. */
struct explain_series {
    const struct series_def *def; /* the playbook's */
    const struct feature_value *values;
};

struct explanation {
    enum explain_kind kind;
    struct definition_ref definition;
    /* Is a member; the life event is suspected or confirmed; no gate blocks the offer */
    bool holds;
    bool confirmed;    /* life events */
    double confidence; /* life events, as last published */
    bool calibrated;   /* life events: the confidence says how often so much evidence was right */
    bool has_primary;  /* life events: it has a condition of its own beside the evidence .. */
    enum {
        EXPLAIN_NO,
        EXPLAIN_YES,
        EXPLAIN_UNKNOWN
    } rule;           /* segments: what the entry rule says now; life events: that condition */
    int64_t since_ms; /* of holds; 0: not so, or not known */
    /* Segments: entry holds, dwell or cool-down runs until then; 0: not waiting */
    int64_t waiting_until_ms;
    int64_t evaluated_at_ms;
    /* Of the deciding rule; for members with a separate exit, its leaves too */
    struct proof_leaf *leaves;
    uint32_t leaf_count;
    struct slice *missing;
    uint32_t missing_count;
    struct explain_gate gates[EXPLAIN_GATES_MAX]; /* offers: all of them */
    uint32_t gate_count;
    struct slice trigger;     /* offers: what makes it be decided at all, in words */
    int64_t offered_ms;       /* offers: the last time it was made; 0: never */
    struct slice decision_id; /* offers: of that time */
    uint8_t channel;          /* offers: enum channel, then */
    int64_t heard_ms;         /* offers: what counted of that decision last; 0: nothing */
    uint8_t heard;            /* enum outcome, then */
    int64_t held_until_ms;    /* offers: quiet hours hold it until then; 0: they do not */
    struct slice need;        /* segments: for people */
    struct slice about;       /* life events, offers: for people */
    struct explain_signal signals[LIFE_SIGNALS_MAX];
    uint32_t signal_count;
    struct explain_series series[SERIES_DEFS_MAX]; /* life events: those that it reads */
    uint32_t series_count;
    struct slice ruled_out; /* life events: the text of `unless` while it holds; else empty */
    int64_t ended_ms; /* life events that are not open: when the last one ended; 0: none was */
    bool spent;       /* .. and what it began with has not been untrue since */
    const struct zones *zones; /* life events: dates are the customer's own */
    int32_t zone;
    struct slice route;         /* life events: who is to act on it; empty: nobody */
    bool vulnerable;            /* life events: care, never marketing */
    struct slice disclosure;    /* segments: what the customer may be told */
    struct slice purpose;       /* segments; empty: none said */
    struct slice data_category; /* segments, life events; empty: none */
};

/* Find a definition by kind and id. False when the playbook has none. */
bool engine_find(const struct engine *engine, enum explain_kind kind, struct slice id,
                 uint32_t *out_index);

/* Is the customer a member of segment `segment` (index in the playbook)? */
bool engine_is_member(const struct engine *engine, const struct customer *customer,
                      uint32_t segment);

/* Is life event `life` (index in the playbook) confirmed of the customer? */
bool engine_is_confirmed(const struct engine *engine, const struct customer *customer,
                         uint32_t life);

/* Explain definition `index` for the customer at `now_ms`. `event` (may be NULL) is taken in first, as a
 * what-if; an offer that it would bring is in offered_ms, while gates ask for those before it. `arena`
 * (EXPLAIN_ARENA_SIZE bytes) holds everything that the result points to. STATUS_FULL: the arena is too small. */
enum status engine_explain(const struct engine *engine, const void *task,
                           const struct customer *customer, enum explain_kind kind, uint32_t index,
                           int64_t now_ms, const struct event *event, struct arena *arena,
                           struct explanation *out_explanation);

/* Every f.NAME as it stands for the customer at `now_ms`, with no event taken in: playbook->name_count
 * values (RULES_FEATURES_MAX of room), the order of playbook->names. Texts and the values live in `arena`.
 * STATUS_FULL: the arena is too small. */
enum status engine_values(const struct engine *engine, const struct customer *customer,
                          int64_t now_ms, struct arena *arena,
                          const struct feature_value **out_values);

#endif
