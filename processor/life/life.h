/* SPDX-License-Identifier: Apache-2.0 */
/* Life events: from signals to suspected -> confirmed -> expired | refuted, with evidence (DESIGN 6.3).
 *
 * Evidence = weight of the primary condition (`when` and `absent` together) while it holds
 *          + weight of each signal while its condition holds, and after that halved every half_life
 *            (in steps of a day since it last held; without a half_life it counts only while it holds),
 * cut to 0..1. An episode opens when evidence reaches suspect_at (the primary, where there is one, must
 * have held), is confirmed at confirm_at, and ends
 *   REFUTED  when `unless` holds, feedback says no, or a suspicion's evidence falls to 0 by counter-evidence
 *   EXPIRED  `expires` after confirmation, when `ends` holds, or when a suspicion fades below suspect_at.
 * After an episode the conditions must have been untrue once before the next one opens.
 *
 * What is published as confidence is how often so much evidence was right: `calibration` turns one into the
 * other. It moves no threshold. Without it, evidence is published as it is; feedback is 1 or 0.
 *
 * A signal that reads the event (tx.*, app.*) counts from that event on; of transactions it sees those that
 * are POSTED.
 *
 * `absent: {feature: f.salary.last_at, for: 45d}`, of the whole or of one signal, is true when the feature (a
 * moment) is known and more than `for` has passed since: from value + for + 1 ms on. That moment
 * is armed as a deadline. */
#ifndef LIFE_LIFE_H
#define LIFE_LIFE_H

#include "base/bytes.h"
#include "rules/step.h"

enum {
    LIFE_DEFS_MAX = 64,
    LIFE_SIGNALS_MAX = 8,     /* per life event */
    LIFE_CALIBRATION_MAX = 8, /* points of the curve */
};

/* So much evidence was right so often. Between two points a straight line; flat before the first and after
 * the last. */
struct life_calibration {
    double evidence, confidence; /* 0..1, both rising from point to point */
};

struct life_absent {
    bool used;
    uint32_t feature; /* index in scope.features, of type FEATURE_TIME */
    uint8_t source;   /* enum source: where the feature's events come from */
    int64_t for_ms;
    struct slice name; /* "f.salary.last_at" */
    struct slice text; /* "45d" as written */
};

/* `evidence:` one entry: a condition, an absence, or both together. */
struct life_signal {
    struct condition condition; /* name: the signal's id, or its text when it has none */
    double weight;              /* negative: counter-evidence */
    int64_t half_life_ms;       /* 0: counts only while it holds */
    struct life_absent absent;
    /* From 1: its number among the signals that read the event. Whoever calls life_evaluate has unsettled the
     * definition if the signal may hold for it: by step->may_hold, without that at every event. 0: not given */
    uint32_t number;
    bool decided;       /* what step->may_hold says of it is what it says: no further evaluation */
    struct slice about; /* for people: what it means when it holds; empty: not said */
};

/* One entry of `life_events:`. Immutable. */
struct life_def {
    struct slice id; /* "salary.stopped" */
    int32_t version;
    uint64_t hash;
    struct life_absent absent;
    struct condition when;   /* name "when" */
    struct condition unless; /* name "unless" */
    struct condition ends;   /* name "ends" */
    double weight;           /* of the primary; default 1.0 without evidence, else 0.7 */
    double suspect_at;       /* default 0.3 */
    double confirm_at;       /* default 0.7 */
    int64_t expires_ms;      /* after confirmation; 0: never */
    int64_t window_ms;       /* how far before it may have happened; 0: absent.for or none */
    const struct life_signal *signals;
    uint32_t signal_count;
    struct slice data_category; /* empty: none */
    struct slice about;         /* for people; empty: not said */
    struct life_calibration calibration[LIFE_CALIBRATION_MAX];
    uint32_t calibration_count; /* 0: evidence is the confidence */
    /* Policy: header `ce_route` of its outputs, who is to act on it; empty: nobody */
    struct slice route;
    bool vulnerable; /* policy: care, never marketing */
    bool publish;    /* in the view */
};

enum life_phase { LIFE_PHASE_IDLE, LIFE_PHASE_SUSPECTED, LIFE_PHASE_CONFIRMED };

struct life_state {
    int64_t since_ms;     /* of the phase */
    int64_t confirmed_ms; /* of the last confirmation; 0: never */
    /* When the signal stopped holding, or the event that gave it; 0: never. */
    int64_t signal_ms[LIFE_SIGNALS_MAX];
    float confidence;     /* as last published, calibrated; 0 when idle */
    uint32_t transitions; /* ever made: part of the ids of outputs */
    uint8_t phase;        /* enum life_phase */
    uint8_t signals_hold; /* bit per signal: holds now */
    bool primary;         /* primary condition holds now */
    bool spent;           /* an episode ended and the conditions have not been untrue since */
};

struct life_events {
    const struct life_def *defs;
    uint32_t count; /* at most LIFE_DEFS_MAX */
};

/* What happened in one evaluation, for the stages behind. Bits are definition indices. */
struct life_result {
    uint64_t suspected; /* became so now */
    uint64_t confirmed;
    uint64_t ended;
};

/* Evaluating more often than needed changes nothing: what holds is remembered by its edges, which fall
 * on events and deadlines.
 *
 * Evaluate at scope->now_ms all definitions of which something may have changed (step->recall; NULL: all);
 * outputs go to step->effects, names of confirmed events to `names` (room for `count`) and into
 * step->scope->life. Life events do not read `life` or `seg`.
 * `states`: count entries. */
struct life_result life_evaluate(const struct life_events *events, struct life_state *states,
                                 struct slice *names, struct step *step);

/* Does this event (NULL: none) inform signals that read it? Not a transaction that is not POSTED. */
bool life_is_informed(const struct event *event);

/* What signal `index` weighs at `now_ms`: its full weight while it holds, less as it fades, 0 when it is gone
 * or never was. The states are as life_evaluate left them. */
double life_signal_weight(const struct life_def *def, const struct life_state *state,
                          uint32_t index, int64_t now_ms);

/* Does the primary condition hold now, as far as anybody knows? (The state keeps what was known last.) */
enum rules_truth life_primary(const struct life_def *def, struct step *step);

/* Every leaf of the definition as it stands now: absent, when, signals, unless, ends. */
void life_prove(const struct life_def *def, struct step *step, struct proof *proof,
                struct arena *arena);

/* The first moment after scope->now_ms at which life_evaluate could decide otherwise with no event.
 * `recall`: only the definitions that were looked at are asked again; NULL: all.
 * While a source is silent for everybody (scope->silent_from_ms), its absences are asked again every
 * minute. */
int64_t life_next_change(const struct life_events *events, const struct life_state *states,
                         const struct recall *recall, const struct scope *scope);

/* End every open episode with origin ERASURE (nothing is published but the ends). */
void life_erase(const struct life_events *events, struct life_state *states, struct step *step);

/* Bits of definitions that are suspected or confirmed and `vulnerable`; all such. */
uint64_t life_vulnerable(const struct life_events *events, const struct life_state *states);
uint64_t life_open(const struct life_events *events, const struct life_state *states);

/* Packed form of one state; an empty one packs nothing. False: hostile bytes, state left empty. */
bool life_is_empty(const struct life_state *state);
void life_pack(const struct life_def *def, const struct life_state *state,
               struct bytes_writer *writer);
bool life_unpack(const struct life_def *def, struct life_state *state, struct bytes_reader *reader);

#endif
