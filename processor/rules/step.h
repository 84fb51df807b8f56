/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages after features (life, segments, offers) share during one evaluation of one customer, and
 * how a compiled predicate becomes proof. Stages never include each other; they meet here and in model/. */
#ifndef RULES_STEP_H
#define RULES_STEP_H

#include "base/bytes.h"
#include "model/output.h"
#include "rules/recall.h"
#include "rules/rules.h"

enum {
    STEP_PROOF_MAX = 64,     /* proof leaves of one output */
    STEP_MISSING_MAX = 8,    /* names in one output's missing_features */
    CONDITION_CLOCK_MAX = 4, /* leaves of one condition that read the clock */
    CONDITION_LEAVES_MAX =
        16, /* of one condition that are kept; one with more is kept as a whole */
};

/* One named predicate of the playbook: a characteristic, a gate, a signal's condition. */
struct condition {
    struct slice name; /* "high_cash"; "when", "exit_when", "eligible", ... for keys */
    struct slice text; /* as written */
    const struct cel_program *program; /* NULL: the key is absent */
    /* From 1: its place among what is recalled; 0: evaluated whenever it is asked */
    uint32_t number;
    uint8_t leaf_count; /* given with `number`: leaves that are kept too, in the places behind it */
    bool reads_no_event; /* found with `number`; false: it does, or nobody has looked */
    /* Given with `number`: it reads the event, and each of its leaves that does not is kept by itself, in the
     * places behind it (condition_mixed) */
    bool mixed;
    /* Where it reads the clock it only asks how long ago a feature's moment is; so what it said is good until one
     * of these leaves turns. Made with `number`; zeroed: it reads no clock, or in another way */
    struct condition_clock {
        bool known;
        uint8_t count;
        struct {
            uint32_t feature;
            int64_t ago_ms;
        } leaves[CONDITION_CLOCK_MAX];
    } clock;
};

/* condition->clock, from its program. */
struct condition_clock condition_clock(const struct condition *condition);

/* How many of its leaves may be kept: what each says, where it decides, stands in the places behind
 * condition->number. 0: it is kept as a whole (one leaf, ?:, too many, an event's, `life`, `seg`). */
uint32_t condition_leaves(const struct condition *condition);

/* How many places its leaves take if it reads the event and has leaves that stand from one event to the next. 0:
 * there is none. */
uint32_t condition_mixed(const struct condition *condition);

/* One evaluation: an event, or a deadline at its own moment. Built by the engine, valid for the call. */
struct step {
    struct scope *scope; /* now_ms, event (NULL on a deadline), features, life, segments */
    struct effects *effects;
    /* reset between evaluations by whoever owns the loop; never holds outputs */
    struct arena *scratch;
    const struct cel_environment *environment; /* RULES_CUSTOMER's, for the names behind slots */
    struct customer *customer;
    /* Of the stage that is evaluating; NULL: nothing is recalled, all is looked at */
    struct recall *recall;
    /* Of conditions that an index has asked: a bit each, the first of the stage's at may_hold_from; NULL: none */
    const uint64_t *may_hold;
    uint32_t may_hold_from;
    struct cause cause;  /* of outputs */
    int64_t task_now_ms; /* the task's now: later than scope->now_ms while catching up */
    /* When what is decided now can be acted on, at the earliest: live clock, the task's now or, while it reads a
     * backlog, the broker's time; stream clock, scope->now_ms */
    int64_t act_ms;
    int64_t heard_ms;     /* perhaps as late as this, where nobody knows better: act_ms or later */
    uint64_t salt;        /* keyed hashes of holdouts and arms */
    uint64_t policy_hash; /* the playbook's hash */
    uint32_t task_number;
    uint32_t task_count;
    uint8_t origin;    /* enum origin of outputs made now */
    bool live;         /* false before live_from: origin BACKFILL, state topic only, no offers */
    uint64_t unknowns; /* out: predicates that came out RULES_UNKNOWN (a metric) */
};

/* What a set of conditions said, collected for an output (start with zero counts). Its texts are in the arena
 * given to proof_add; proof_leaves and proof_missing put the lists there too. */
struct proof {
    uint32_t count;
    uint32_t missing_count;
    struct proof_leaf leaves[STEP_PROOF_MAX];
    struct slice missing[STEP_MISSING_MAX];
};

/* Copies of the lists, as long as `arena` lives; NULL when empty, or when the arena is full (count 0 then). */
struct proof_leaf *proof_leaves(struct proof *proof, struct arena *arena);
struct slice *proof_missing(struct proof *proof, struct arena *arena);

/* Evaluate every leaf of the condition with its sides and append them, named "NAME" (one leaf) or "NAME.i"
 * (from 1). Texts are copied into `arena`. Leaves beyond STEP_PROOF_MAX are dropped. */
void proof_add(struct proof *proof, struct arena *arena, const struct step *step,
               const struct condition *condition, enum polarity polarity);

/* Append one leaf that no CEL program stands behind ("absent", "expires"); texts are copied. */
void proof_add_fact(struct proof *proof, struct arena *arena, struct proof_leaf leaf);

/* Note a reason as rules_holds gives it: "missing:f.x" adds f.x once; other texts are ignored. */
void proof_add_missing(struct proof *proof, struct arena *arena, struct slice why);

/* Of two conditions with numbers: is what stands at these places the same question, of names that neither an event
 * nor the clock moves? `leaf`: UINT32_MAX: the condition as a whole. */
bool condition_asks_the_same(const struct condition *a, uint32_t leaf_a, const struct condition *b,
                             uint32_t leaf_b);

/* rules_holds over a condition, counting unknowns in step->unknowns. A NULL program is RULES_YES. Without `out_why`
 * what step->recall still knows is not evaluated again. */
enum rules_truth condition_holds(const struct condition *condition, struct step *step,
                                 struct slice *out_why);

/* Does a leaf that decided say again what it said (as recall_said has it)? Then this stands in step->recall. False:
 * it turned, or reads the clock; forget the condition, and ask it. */
bool condition_leaf_says(const struct condition *condition, uint32_t leaf, uint64_t said,
                         struct step *step);

/* What one leaf says; of a mixed condition what step->recall still knows is not evaluated again. */
enum rules_truth condition_leaf_holds(const struct condition *condition, uint32_t leaf,
                                      struct step *step);

/* Does it read the event (tx.*, app.* ...)? Such a condition says nothing at a deadline. */
bool condition_reads_event(const struct condition *condition);

/* The deterministic id of an output: 128 bits of (customer, definition id and hash, cause offset and
 * partition and source, effective moment, transition, sequence). Same input, same id, in every replay. */
struct output_identity {
    struct definition_ref definition;
    uint8_t kind; /* enum output_kind */
    uint8_t transition;
    uint64_t sequence;
};
void step_output_id(const struct step *step, const struct output_identity *identity,
                    uint64_t out_id[2]);

/* The next output of that kind for this customer: key, customer id, effective time, ce_sequence and id set.
 * NULL when effects are full. */
struct output *step_output(struct step *step, enum output_kind kind,
                           const struct output_identity *identity);

/* Bucket 0..9999 of a customer in a layer, the documented holdout and variant hash:
 * XXH3_64(layer || 0x00 || customer_id, seed = salt) mod 10000. */
uint32_t step_bucket(uint64_t salt, struct slice customer_id, struct slice layer);

#endif
