/* SPDX-License-Identifier: Apache-2.0 */
/* Next best offer: from a trigger to ranked offers, or to no offer with every reason (DESIGN 6.5).
 *
 *   catalogue -> time, stock -> eligibility -> consent, purpose, lawful basis -> sensitivity -> vulnerability ->
 *   suitability -> applicability -> holdout -> contact policy -> score P*C*V*L -> arbitration -> variant ->
 *   channel and time
 *
 * Each gate has a name and a reason; the first that fails decides. Gates fail closed: a predicate that cannot be
 * evaluated blocks with "missing:NAME". A decision is made when the trigger of at least one offer fires
 * (it entered a segment, a life event was confirmed, the app did something); the offers whose trigger fired
 * are the candidates. Quiet hours hold an offer (send_after), they do not drop it. */
#ifndef OFFERS_OFFERS_H
#define OFFERS_OFFERS_H

#include "base/bytes.h"
#include "base/zone.h"
#include "rules/step.h"

enum {
    OFFERS_MAX = 64,
    OFFER_VARIANTS_MAX = 8,
    OFFER_CAPS_MAX = 8,      /* per offer; and of the policy */
    OFFER_LEDGER_MAX = 24,   /* contacts remembered per customer: as many as any cap may count to */
    OFFERS_TOP_MAX = 8,
};

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
    int32_t version;
    uint64_t hash;
    uint8_t purpose; /* enum purpose */
    uint8_t basis;   /* enum lawful_basis it relies on; NONE: the one of the consent */
    uint8_t contact_class; /* enum offer_class; marketing when purpose is MARKETING */
    uint8_t channels; /* bit per enum channel, allowed */
    bool sensitive;  /* reads tainted data: needs explicit consent (BASIS_CONSENT) */
    bool publish;    /* in the view */

    struct condition eligible; /* name "eligible" */
    struct condition suitable; /* name "suitable" */
    struct condition context;  /* C, a number; name "context"; program NULL: 1 */
    struct condition value;    /* V in minor units, a number; name "value"; program NULL: value_minor */
    int64_t value_minor;
    double priority; /* L, > 0; default 1 */

    const uint32_t *segments_any; /* segment indices: must be in one of them; count 0: no condition */
    uint32_t segments_any_count;
    uint64_t not_life;       /* bit per life event: suspected or confirmed blocks */
    uint32_t product_held;   /* bits per enum product: holding one makes it not applicable */

    /* Trigger. All empty: entering one of segments_any. */
    const uint32_t *on_segments; /* segment indices: on entry */
    uint32_t on_segments_count;
    uint64_t on_life;            /* bit per life event: on confirmation */
    const struct slice *on_app;  /* app-engagement `event` values, e.g. "login" */
    uint32_t on_app_count;

    struct slice group; /* contact group; one offer per group wins; empty: its own */
    const struct offer_cap *caps;
    uint32_t cap_count;
    int64_t cool_down_ms[OUTCOME_COUNT]; /* after that outcome; 0: none */
    int64_t repeat_after_ms; /* the same offer not again before; 0: 1 day */

    int64_t valid_from_ms;  /* INT64_MIN: always */
    int64_t valid_until_ms; /* INT64_MAX: always */
    int64_t stock;          /* offers that may be made in all; 0: unlimited. A task gives its share */
    uint32_t holdout;       /* of 10,000 customers held out of this offer */
    struct slice holdout_layer; /* default "offer:ID" */
    const struct offer_variant *variants; /* count 0: one, named "default" */
    uint32_t variant_count;
};

/* `contact_policy:` and what holds for all offers. */
struct offers_policy {
    uint32_t top;         /* offers in one decision; default 3, at most OFFERS_TOP_MAX */
    const struct offer_cap *caps; /* CAP_CHANNEL and CAP_ALL */
    uint32_t cap_count;
    int32_t quiet_from_minute; /* of the local day; -1: no quiet hours. 21:00 = 1260 */
    int32_t quiet_to_minute;   /* 08:00 = 480; may be smaller than from: over midnight */
    uint8_t quiet_channels;    /* bit per enum channel that is quiet then; default PUSH SMS PHONE IN_APP */
    int64_t max_age_ms;        /* no offer from an older event; default 1 day */
    uint32_t holdout;          /* of 10,000: global control group */
    struct slice holdout_layer; /* default "global" */
    double prior_accepted, prior_presented; /* Beta prior of P; default 1 of 20 */
    bool publish_no_offer;     /* default true */
};

struct offers {
    const struct offer_def *defs;
    uint32_t count;
    struct offers_policy policy;
};

/* Gates in funnel order; their names are the `gate` of a blocked offer. */
#define OFFER_GATES(X)                                                                             \
    X(GATE_TIME, "time") X(GATE_STOCK, "stock") X(GATE_ELIGIBLE, "eligible")                       \
    X(GATE_SEGMENT, "segment") X(GATE_CONSENT, "consent") X(GATE_SENSITIVITY, "sensitivity")       \
    X(GATE_COMPLAINT, "complaint") X(GATE_VULNERABLE, "vulnerable") X(GATE_LIFE, "life")           \
    X(GATE_SUITABLE, "suitable") X(GATE_APPLICABLE, "applicable") X(GATE_HOLDOUT, "holdout")       \
    X(GATE_CAP, "contact_cap") X(GATE_COOL_DOWN, "cool_down") X(GATE_VALUE, "value")               \
    X(GATE_ARBITRATION, "arbitration")
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
struct offer_history { /* per offer */
    int64_t decided_ms; /* last time offered; 0: never */
    int64_t outcome_ms[OUTCOME_COUNT]; /* last time of each; 0: never */
};
struct offers_state {
    struct offer_contact contacts[OFFER_LEDGER_MAX]; /* newest last */
    uint32_t contact_count;
    uint64_t decisions; /* ever made, no offer included: part of the decision id */
    int64_t decided_ms; /* last decision with an offer */
    uint32_t shown[OFFERS_TOP_MAX]; /* its offers as named in the ledger, best first */
    uint8_t shown_count;
};

/* Per task: own counters only; sums over tasks are the truth. */
struct offer_counts {
    int64_t presented, clicked, accepted, rejected, complained, opted_out;
    int64_t revenue_minor;
};
struct offers_task {
    uint64_t decisions;              /* with at least one offer */
    uint64_t no_offers;              /* decisions without */
    uint64_t blocked[OFFER_GATE_COUNT]; /* candidates stopped, by gate */
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t unknown_outcomes;       /* outcomes of offers that the playbook does not have */
    int64_t made[OFFERS_MAX];        /* for stock */
    struct offer_counts counts[]; /* offers->count x OFFER_VARIANTS_MAX x CHANNEL_COUNT: offers_arm */
};

/* Bytes of a task's part, a multiple of 8. */
size_t offers_task_size(const struct offers *offers);

/* The counters of one arm. */
static inline uint32_t offers_arm(uint32_t offer, uint32_t variant, uint32_t channel)
{
    return (offer * OFFER_VARIANTS_MAX + variant) * CHANNEL_COUNT + channel;
}

/* What the stages before found, beside the scope. */
struct offers_facts {
    const uint64_t *segments_in;      /* bit per segment */
    const uint64_t *segments_entered; /* now */
    uint64_t life_open;       /* suspected or confirmed */
    uint64_t life_confirmed;  /* became so now */
    uint64_t life_vulnerable; /* open and of care type */
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

bool offers_is_empty(const struct offers_state *state);
void offers_pack(const struct offers_state *state, struct bytes_writer *writer);
bool offers_unpack(struct offers_state *state, struct bytes_reader *reader);
bool offer_history_is_empty(const struct offer_history *history);
void offer_history_pack(const struct offer_history *history, struct bytes_writer *writer);
bool offer_history_unpack(struct offer_history *history, struct bytes_reader *reader);

#endif
