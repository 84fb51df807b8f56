/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine says to the world: one struct per output record of the contract (DESIGN section 4,
 * schemas/). The codec turns them into Avro and, for backtest, into NDJSON, by one field table each.
 *
 * Everything an output points to lives in the effects' arena, until the batch is committed. */
#ifndef MODEL_OUTPUT_H
#define MODEL_OUTPUT_H

#include "base/arena.h"
#include "model/codes.h"
#include "model/event.h"
#include "model/reject.h"

enum output_kind {
    OUTPUT_SEGMENT_CHANGED, /* segue.segment-changes, key customer */
    OUTPUT_SEGMENT_STATE,   /* segue.segment-state, key customer|segment; tombstone on erasure */
    OUTPUT_LIFE_EVENT,      /* segue.life-events, key customer */
    OUTPUT_OFFER_DECIDED,   /* segue.offers, key customer */
    OUTPUT_EXPOSURE,        /* segue.exposures, key customer */
    OUTPUT_OFFER_STATS,     /* segue.offer-stats, key task|offer|variant|channel|context */
    OUTPUT_CONTROL,         /* segue.control, key definition */
    OUTPUT_DEAD_LETTER,     /* segue.dead-letters, no key */
    OUTPUT_KIND_COUNT
};

/* "segment-changes", ...: the topic's name without the application's prefix. Static. */
const char *output_topic(enum output_kind kind);
/* Fully qualified Avro name, "segue.v1.SegmentChanged", ... Static. */
const char *output_record_name(enum output_kind kind);

/* The input that led to an output. source SOURCE_COUNT: none (a deadline). */
struct cause {
    uint8_t source; /* enum source */
    uint32_t partition;
    int64_t offset;
    int64_t time_ms;
    struct slice event_id;
    struct slice type; /* "transaction", "app.login", "profile", ... */
};

struct proof_leaf {
    /* the characteristic's name in the playbook, "high_cash.1" for its second leaf */
    struct slice leaf_id;
    struct slice expr;      /* as written */
    struct slice value;     /* the left side's value, as text; empty when missing */
    struct slice threshold; /* the right side's, as text; empty when the leaf is no comparison */
    struct slice feature;   /* the first name read, or empty */
    int64_t as_of_ms;
    uint8_t polarity; /* enum polarity */
    bool holds;
    /* enum blame of rules/: keeps the characteristic from being what its polarity asks. Not published */
    uint8_t blame;
    bool negated; /* stands under `!`: that it is not so speaks for the condition. Not published */
    bool span;    /* value and threshold are durations. Not published */
    bool unknown; /* nobody knows whether it holds. Not published */
};

struct definition_ref {
    struct slice id;
    int32_t version;
    uint64_t hash; /* of the definition and all that it reads */
};

/* What a rule reads through a tainted feature, when its definition does not say it more exactly. */
#define DATA_CATEGORY_SPECIAL "special_category"

struct segment_changed {
    struct definition_ref segment;
    uint8_t transition; /* enum segment_transition */
    uint8_t origin;     /* enum origin */
    int64_t effective_at_ms;
    int64_t valid_until_ms;      /* INT64_MAX: open */
    int64_t entered_at_ms;       /* 0: not known */
    int64_t previous_exit_at_ms; /* 0: none */
    uint64_t membership_seq;     /* transitions of this customer in this segment, from 1 */
    struct cause cause;
    struct proof_leaf *proof;
    uint32_t proof_count;
    struct slice *missing_features;
    uint32_t missing_count;
    struct slice purpose;
    struct slice data_category;
    struct slice need;
};

struct evidence {
    struct slice signal;
    double weight;
    int64_t at_ms;
};

struct life_event_detected {
    struct definition_ref life_event;
    uint8_t state; /* enum life_event_state */
    uint8_t origin;
    double confidence; /* 0..1 */
    int64_t effective_at_ms;
    int64_t window_from_ms; /* when it may have happened */
    int64_t window_to_ms;
    struct cause cause;
    struct evidence *evidence;
    uint32_t evidence_count;
    struct proof_leaf *proof;
    uint32_t proof_count;
    struct slice data_category; /* in the headers only; empty: none */
    struct slice route;         /* in the headers only; empty: none */
    bool vulnerable;
};

struct ranked_offer {
    struct definition_ref offer;
    struct slice variant;
    uint8_t channel; /* enum channel */
    int64_t send_after_ms;
    double score;
    double p, c, v, l;            /* propensity, context, value in major units, levers */
    double selection_probability; /* of this arm, for off-policy evaluation */
    struct slice propensity_from; /* "model", "policy"; empty: the offer asks no model */
    struct slice context;         /* the coarse context that p was learned in */
    struct slice channel_reason;  /* "preferred", "value", "affinity" or "only" */
    struct slice bundle;          /* or empty */
};

struct blocked_offer {
    struct slice offer_id;
    struct slice gate;   /* "consent", "contact_cap", ... in funnel order (DESIGN 6.5) */
    struct slice reason; /* "missing:c.risk_profile", ... */
};

/* An offer of an earlier decision that must not reach the customer any more. */
struct withdrawn_offer {
    struct slice decision_id; /* of the decision that offered or held it */
    struct slice offer_id;
    uint8_t channel;
    struct slice gate; /* that would stop it now */
    struct slice reason;
};

struct offer_decided {
    struct slice decision_id;
    uint8_t origin;
    int64_t effective_at_ms;
    struct cause cause;
    struct ranked_offer *offers;
    uint32_t offer_count;
    struct ranked_offer *for_review; /* good, but a person must release them */
    uint32_t for_review_count;
    struct withdrawn_offer *withdrawn;
    uint32_t withdrawn_count;
    struct blocked_offer *blocked;
    uint32_t blocked_count;
    struct slice holdout;         /* the layer that held the customer out, or empty */
    struct slice no_offer_reason; /* when offer_count is 0 */
    struct slice data_category;   /* of the offers made; in the headers only; empty: none */
    uint64_t policy_hash;
};

struct exposure {
    struct slice decision_id;
    struct slice offer_id;
    struct slice variant;
    struct slice layer;
    uint8_t channel;
    bool held_out;
    int64_t effective_at_ms;
};

/* One side of an experiment, as one task has counted it. */
struct offer_stats_side {
    struct slice layer;
    bool control; /* those held out */
    int64_t customers, converted, revenue_minor;
    double revenue_squares; /* of each customer's revenue in major units */
};

struct offer_stats {
    struct slice offer_id;
    struct slice variant;
    struct slice context;
    uint8_t channel;
    uint32_t task;
    int64_t presented, clicked, accepted, rejected, complained, opted_out;
    int64_t revenue_minor;
    struct slice experiment;              /* of the offer as a whole: its plan; empty: of an arm */
    const struct offer_stats_side *sides; /* then, those with customers */
    uint32_t side_count;
};

struct control {
    struct slice what; /* "begin" or "complete" */
    struct definition_ref definition;
    uint32_t task;
    int64_t effective_at_ms;
};

struct dead_letter {
    struct slice topic;
    uint32_t partition;
    int64_t offset;
    uint8_t reason; /* enum reject_reason */
    uint32_t at;    /* byte in the value */
    uint64_t schema_id;
    struct slice field;
};

struct output {
    enum output_kind kind;
    struct slice key;         /* Kafka key; empty: none */
    struct slice customer_id; /* ce_subject; empty for dead letters and control */
    uint64_t id[2];           /* deterministic: ce_id is their 32 hex digits */
    uint64_t sequence;        /* ce_sequence */
    int64_t effective_at_ms;  /* ce_time */
    bool tombstone;           /* null value */
    union {
        struct segment_changed segment_changed; /* OUTPUT_SEGMENT_STATE too */
        struct life_event_detected life_event;
        struct offer_decided offer_decided;
        struct exposure exposure;
        struct offer_stats offer_stats;
        struct control control;
        struct dead_letter dead_letter;
    };
};

/* What a batch has said so far, in order. */
struct effects {
    struct arena arena;     /* texts, proofs, evidence; cleared with the batch */
    struct output *outputs; /* capacity entries */
    uint32_t count;
    uint32_t capacity;
    /* something did not fit: the caller checks engine_room() first, so this is a mistake */
    bool full;
};

/* The next output, zeroed, of that kind; NULL and `full` when there is none left. */
struct output *effects_add(struct effects *effects, enum output_kind kind);

#endif
