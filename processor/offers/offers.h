/* SPDX-License-Identifier: Apache-2.0 */
/* Next best offer: from a trigger to ranked offers, or to no offer with every reason (DESIGN 6.5).
 *
 *   catalogue -> time, stock -> eligibility -> consent, purpose, lawful basis -> sensitivity -> complaint,
 *   stop, vulnerability -> suitability, affordability -> applicability -> holdout -> contact policy ->
 *   score P*C*V*L -> arbitration -> variant -> channel and time
 *
 * Each gate has a name and a reason; the first that fails decides. Gates fail closed: a predicate that cannot be
 * evaluated, or a fact that is not known, blocks with "missing:NAME". A decision is made when the trigger of at
 * least one offer fires (it entered a segment, a life event was confirmed, the app did something, quiet hours
 * that held it are over); the offers whose trigger fired are the candidates. README.md beside this file says what
 * each gate asks, and what becomes of an offer between the decision and the customer. */
#ifndef OFFERS_OFFERS_H
#define OFFERS_OFFERS_H

#include "base/bytes.h"
#include "base/zone.h"
#include "rules/step.h"

enum {
    OFFERS_MAX = 64,
    OFFER_VARIANTS_MAX = 8,
    OFFER_CAPS_MAX = 8,    /* per offer; and of the policy */
    OFFER_LEDGER_MAX = 24, /* contacts remembered per customer: as many as any cap may count to */
    OFFERS_TOP_MAX = 8,
    OFFER_CONTEXTS_MAX = 4, /* coarse contexts of P; the first, "other", is always there */
    OFFER_LAYER_SIZE_MAX = EVENT_ID_SIZE_MAX + 16, /* bytes of a layer's name */
};

/* Arms that are counted apart per offer: variants x channels x contexts. */
#define OFFER_ARMS_MAX (OFFER_VARIANTS_MAX * (uint32_t)CHANNEL_COUNT * OFFER_CONTEXTS_MAX)

enum offer_class { OFFER_MARKETING, OFFER_TRANSACTIONAL, OFFER_MANDATORY };

enum offer_cap_scope { CAP_OFFER, CAP_GROUP, CAP_CHANNEL, CAP_ALL };

/* `cap: 2/30d` with a scope. Rolling. */
struct offer_cap {
    uint32_t limit; /* at most OFFER_LEDGER_MAX */
    int64_t window_ms;
    uint8_t scope;   /* enum offer_cap_scope */
    uint8_t channel; /* CAP_CHANNEL in the policy: which; CHANNEL_COUNT: each */
};

struct offer_variant {
    struct slice id;
    uint32_t weight; /* > 0 */
};

/* One entry of `offers:`. Immutable. */
struct offer_def {
    struct slice id;
    struct slice about; /* for people; empty: not said. No part of the meaning */
    int32_t version;
    uint64_t hash;
    uint8_t purpose;       /* enum purpose */
    uint8_t basis;         /* enum lawful_basis it relies on; NONE: the one of the consent */
    uint8_t contact_class; /* enum offer_class; marketing when purpose is MARKETING */
    uint8_t channels;      /* bit per enum channel, allowed */
    bool sensitive;        /* reads tainted data: needs explicit consent (BASIS_CONSENT) */
    bool publish;          /* in the view */

    bool review;     /* a person must release it: it goes to the review queue, not to a channel */
    bool learn;      /* variants by what was learned (Thompson), not by fixed weights */
    uint8_t product; /* enum product that it sells; ACCOUNT_UNKNOWN: none of them */

    struct condition eligible;   /* name "eligible" */
    struct condition suitable;   /* name "suitable" */
    struct condition affordable; /* name "affordable" */
    /* a model's own P, a number in 0..1; name "propensity"; its prior mean */
    struct condition propensity;
    /* the model's word counts only while this holds; name "propensity_while"; program NULL: always */
    struct condition propensity_while;
    struct condition context; /* C, a number; name "context"; program NULL: 1 */
    /* V in minor units, a number; name "value"; program NULL: value_minor */
    struct condition value;
    int64_t value_minor;
    double priority; /* L, > 0; default 1 */

    /* segment indices: must be in one of them; count 0: no condition */
    const uint32_t *segments_any;
    uint32_t segments_any_count;
    uint64_t not_life;     /* bit per life event: suspected or confirmed blocks */
    uint32_t product_held; /* bits per enum product: holding one makes it not applicable */

    /* Trigger. All empty: entering one of segments_any. */
    const uint32_t *on_segments; /* segment indices: on entry */
    uint32_t on_segments_count;
    uint64_t on_life;           /* bit per life event: on confirmation */
    const struct slice *on_app; /* app-engagement `event` values, e.g. "login" */
    uint32_t on_app_count;

    struct slice group; /* contact group; one offer per group wins; empty: its own */
    /* offers of one bundle that pass together are one entry of the ranking; empty: none */
    struct slice bundle;
    const struct offer_cap *caps;
    uint32_t cap_count;
    int64_t cool_down_ms[OUTCOME_COUNT]; /* after that outcome; 0: none */
    int64_t repeat_after_ms;             /* the same offer not again before; 0: 1 day */

    int64_t valid_from_ms;  /* INT64_MIN: always */
    int64_t valid_until_ms; /* INT64_MAX: always */
    int64_t stock;    /* offers that may be made in all; 0: unlimited. A task gives its share */
    uint32_t holdout; /* of 10,000 customers held out of this offer */
    struct slice holdout_layer;           /* default "offer:ID" */
    const struct offer_variant *variants; /* count 0: one, named "default" */
    uint32_t variant_count;
};

/* How tired of us a customer is: outcomes add points, which halve every `half_life_ms`. */
struct offer_fatigue {
    double limit; /* marketing stops at this level; 0: no such rule */
    int64_t half_life_ms;
    double points[OUTCOME_COUNT]; /* ACCEPTED forgives all */
};

/* `contact_policy:` and what holds for all offers. */
struct offers_policy {
    uint32_t top;                 /* offers in one decision; default 3, at most OFFERS_TOP_MAX */
    const struct offer_cap *caps; /* CAP_CHANNEL and CAP_ALL */
    uint32_t cap_count;
    int32_t quiet_from_minute; /* of the local day; -1: no quiet hours. 21:00 = 1260 */
    int32_t quiet_to_minute;   /* 08:00 = 480; may be smaller than from: over midnight */
    /* bit per enum channel that is quiet then; default PUSH SMS PHONE IN_APP */
    uint8_t quiet_channels;
    int64_t max_age_ms;                     /* no offer from an older event; default 1 day */
    uint32_t holdout;                       /* of 10,000: global control group */
    struct slice holdout_layer;             /* default "global" */
    double prior_accepted, prior_presented; /* Beta prior of P; default 1 of 20 */
    bool publish_no_offer;                  /* default true */
    /* segment indices: being in one stops marketing (arrears, fraud) */
    const uint32_t *stop_segments;
    uint32_t stop_segments_count;
    uint64_t stop_life; /* bit per life event: suspected or confirmed stops marketing */
    struct offer_fatigue fatigue;
    int64_t open_ms; /* an offer with no outcome may still reach the customer so long; 0: 7 days */
    int64_t attribution_ms;   /* outcomes count for P so long after the decision; 0: 30 days */
    int64_t phone_from_minor; /* PHONE from this value on, and then before the others; 0: no rule */
    /* Share of decisions whose first offer is drawn evenly, 0..1; default 0 */
    double explore_offers;
    double floor; /* share of decisions in which variants are drawn by weight, 0..1; default 0.05 */
    /* the first that holds; [0]: none does, "other" */
    struct condition contexts[OFFER_CONTEXTS_MAX];
    uint32_t context_count; /* with "other"; 0: only that */
};

/* A bit per offer for what may trigger it. */
struct offers_triggers {
    uint64_t segments, life, app;
    uint32_t segment_words; /* of segments_entered, as far as a segment triggers anything */
};

struct offers {
    const struct offer_def *defs;
    uint32_t count;
    const struct offers_triggers *triggers; /* NULL: every offer is looked at every time */
    struct offers_policy policy;
    const struct slice *segment_ids; /* for reasons; NULL: reasons without names */
    const struct slice *life_ids;
};

/* Of `offers`, for offers->triggers: it says the same and looks at less. */
void offers_triggers_build(const struct offers *offers, struct offers_triggers *out);

/* Does it sell? What only serves reaches everybody who may be spoken to. */
static inline bool offer_is_marketing(const struct offer_def *def)
{
    return def->purpose == PURPOSE_MARKETING || def->contact_class == OFFER_MARKETING;
}
/* Of 10,000 customers those whom the global control group holds out of this offer: a control group is there to
 * see what selling brings, nobody is left without a service message for it. */
static inline uint32_t offers_global_holdout(const struct offers *offers,
                                             const struct offer_def *def)
{
    return offer_is_marketing(def) ? offers->policy.holdout : 0;
}

/* Gates in funnel order; their names are the `gate` of a blocked offer. */
/* clang-format off */
#define OFFER_GATES(X)                                                                             \
    X(GATE_TIME, "time") X(GATE_STOCK, "stock") X(GATE_ELIGIBLE, "eligible")                       \
    X(GATE_SEGMENT, "segment") X(GATE_CONSENT, "consent") X(GATE_SENSITIVITY, "sensitivity")       \
    X(GATE_COMPLAINT, "complaint") X(GATE_STOP, "stop") X(GATE_VULNERABLE, "vulnerable")           \
    X(GATE_LIFE, "life") X(GATE_SUITABLE, "suitable") X(GATE_AFFORDABLE, "affordable")             \
    X(GATE_APPLICABLE, "applicable") X(GATE_HOLDOUT, "holdout") X(GATE_CAP, "contact_cap")         \
    X(GATE_COOL_DOWN, "cool_down") X(GATE_FATIGUE, "fatigue") X(GATE_QUIET, "quiet_hours")         \
    X(GATE_VALUE, "value") X(GATE_ARBITRATION, "arbitration")
/* clang-format on */
#define OFFER_GATE_ENUM(name, text) name,
enum offer_gate { OFFER_GATES(OFFER_GATE_ENUM) OFFER_GATE_COUNT };
#undef OFFER_GATE_ENUM
const char *offer_gate_name(enum offer_gate gate);

/* Per customer. */
struct offer_contact {
    int64_t at_ms;
    uint32_t offer; /* low 32 bits of the hash of the offer's id */
    uint32_t group; /* likewise of its group */
    uint8_t channel;
};
struct offer_history {                 /* per offer */
    int64_t decided_ms;                /* last time offered; 0: never */
    int64_t outcome_ms[OUTCOME_COUNT]; /* last time of each; 0: never */
    int64_t exposed_ms;                /* last exposure of an experiment; 0: never */
    int64_t held_until_ms;             /* quiet hours end; 0: not held */
    uint64_t decision[2]; /* the last decision that offered it; what follows is of that decision */
    uint64_t held_decision[2]; /* the decision that quiet hours hold */
    uint32_t variant;          /* as named in the ledger */
    uint8_t channel;           /* enum channel */
    uint8_t context;
    uint8_t counted;      /* bit per outcome that has come */
    bool open;            /* nothing was heard of it yet */
    uint8_t held_channel; /* enum channel; where it would have been made */
    /* The customer's place in the offer's experiment; another than the task's: none, whatever it counted */
    uint32_t experiment;
    uint8_t sides; /* bit per layer that he is in, then bit per layer that holds him out */
    bool converted;
    int64_t since_ms;     /* the first exposure */
    int64_t earned_minor; /* revenue since, as long as it is attributed */
};
struct offers_state {
    struct offer_contact contacts[OFFER_LEDGER_MAX]; /* newest last */
    uint32_t contact_count;
    uint64_t decisions;             /* ever made, no offer included: part of the decision id */
    int64_t decided_ms;             /* last decision with an offer */
    uint32_t shown[OFFERS_TOP_MAX]; /* its offers as named in the ledger, best first */
    uint8_t shown_count;
    /* A bit for each offer that may be open, held or shown. No part of a record: who reads one sets all bits */
    uint64_t noted;
    int64_t open_until_ms;               /* no offer is open or held after that; 0: none */
    int64_t complained_ms;               /* newest COMPLAINED; 0: none */
    int64_t opted_out_ms[CHANNEL_COUNT]; /* newest OPTED_OUT; 0: none */
    double tired;                        /* points of fatigue at tired_ms */
    int64_t tired_ms;
    /* outcomes PRESENTED per channel, both halved before they overflow */
    uint16_t seen[CHANNEL_COUNT];
    uint16_t liked[CHANNEL_COUNT]; /* CLICKED and ACCEPTED */
};

/* Per task: own counters only; sums over tasks are the truth. */
struct offer_counts {
    int64_t presented, clicked, accepted, rejected, complained, opted_out;
    int64_t revenue_minor;
};
/* Revenue is a sum of what others report, and a sum has an end: 10^15 minor units either way, so that thousands of
 * tasks can still be added up and a record never holds what it may not. */
#define OFFER_REVENUE_MAX INT64_C(1000000000000000)
static inline int64_t offer_revenue_add(int64_t sum, int64_t more)
{
    int64_t out = 0;
    bool over = __builtin_add_overflow(sum, more, &out);
    if (over || out > OFFER_REVENUE_MAX || out < -OFFER_REVENUE_MAX) {
        bool below = over ? more < 0 : out < 0;
        return below ? -OFFER_REVENUE_MAX : OFFER_REVENUE_MAX;
    }
    return out;
}
/* One side of an experiment. */
struct offer_side {
    int64_t customers, converted, revenue_minor;
    double revenue_squares; /* of each customer's revenue in major units */
};
enum offer_layer { LAYER_GLOBAL, LAYER_OWN, OFFER_LAYER_COUNT };

struct offers_task {
    uint64_t decisions;                 /* with at least one offer */
    uint64_t no_offers;                 /* decisions without */
    uint64_t blocked[OFFER_GATE_COUNT]; /* candidates stopped, by gate */
    uint64_t outcomes[OUTCOME_COUNT];
    /* outcomes of offers or variants that the playbook does not have, or of nobody knows which channel */
    uint64_t unknown_outcomes;
    int64_t made[OFFERS_MAX]; /* for stock */
    /* The experiment that `sides` count, of all that were ever split by this plan; 0: nobody is in it yet */
    uint32_t experiments[OFFERS_MAX];
    /* This task's own: those who may be told, those who are held out */
    struct offer_side sides[OFFERS_MAX][OFFER_LAYER_COUNT][2];
    /* This task's own, by offers_arm; then as many of the other tasks' */
    struct offer_counts counts[];
};

/* Bytes of a task's part, a multiple of 8. */
size_t offers_task_size(const struct offers *offers);

static inline uint32_t offer_variant_count(const struct offer_def *def)
{
    return def->variant_count > 0 ? def->variant_count : 1;
}
static inline uint32_t offers_context_count(const struct offers *offers)
{
    return offers->policy.context_count > 0 ? offers->policy.context_count : 1;
}
/* Arms of the offers before `offer`; of all for offers->count. */
static inline uint32_t offers_arms_before(const struct offers *offers, uint32_t offer)
{
    uint32_t variants = 0;
    for (uint32_t i = 0; i < offer; i++) {
        variants += offer_variant_count(&offers->defs[i]);
    }
    return variants * CHANNEL_COUNT * offers_context_count(offers);
}
/* Where the counters of one arm stand. */
static inline uint32_t offers_arm(const struct offers *offers, uint32_t offer, uint32_t variant,
                                  uint32_t channel, uint32_t context)
{
    return offers_arms_before(offers, offer) +
           (variant * CHANNEL_COUNT + channel) * offers_context_count(offers) + context;
}

/* A variant's name; "default" for an offer without variants. Static, or the playbook's. */
struct slice offer_variant_id(const struct offer_def *def, uint32_t index);
/* "other" for 0, else the playbook's. */
struct slice offers_context_id(const struct offers *offers, uint32_t context);

/* The name of the plan by which an offer's customers are split: layers, shares, attribution. When it changes, a new
 * experiment begins, and its counters at 0; so it does when a plan comes back. 0: there is none. */
uint32_t offers_experiment(const struct offers *offers, uint32_t offer);

/* What the stages before found, beside the scope. */
struct offers_facts {
    const uint64_t *segments_in;      /* bit per segment */
    const uint64_t *segments_entered; /* now */
    uint64_t life_open;               /* suspected or confirmed */
    uint64_t life_confirmed;          /* became so now */
    uint64_t life_vulnerable;         /* open and of care type */
};

/* Take in an outcome event (ledger, history, counters; OUTPUT_OFFER_STATS), or decide when a trigger fires.
 * `histories`: one per offer. */
void offers_evaluate(const struct offers *offers, struct offers_state *state,
                     struct offer_history *histories, struct offers_task *task,
                     const struct offers_facts *facts, struct step *step);

/* The gate that blocks this offer now, with its reason in `out_reason` (in step->scratch);
 * OFFER_GATE_COUNT: none does. All gates when `out_all` (OFFER_GATE_COUNT entries, empty: passed) is given. */
enum offer_gate offer_blocked(const struct offers *offers, uint32_t index,
                              const struct offers_state *state, const struct offer_history *history,
                              const struct offers_task *task, const struct offers_facts *facts,
                              struct step *step, struct slice *out_reason, struct slice *out_all);

/* The first moment after `now_ms` at which an offer that quiet hours hold is free, or the `valid` period of one
 * that is open, held or in the view ends; INT64_MAX: nothing of the kind. */
int64_t offers_next_change(const struct offers *offers, const struct offers_state *state,
                           const struct offer_history *histories, int64_t now_ms);

/* The customer is to be forgotten: what is open or held is taken back. The state is the caller's to clear. */
void offers_erase(const struct offers *offers, struct offers_state *state,
                  struct offer_history *histories, struct step *step);

bool offers_is_empty(const struct offers_state *state);
void offers_pack(const struct offers_state *state, struct bytes_writer *writer);
bool offers_unpack(struct offers_state *state, struct bytes_reader *reader);
bool offer_history_is_empty(const struct offer_history *history);
void offer_history_pack(const struct offer_history *history, struct bytes_writer *writer);
bool offer_history_unpack(struct offer_history *history, struct bytes_reader *reader);

#endif
