/* SPDX-License-Identifier: Apache-2.0 */
/* One offer on its way through the funnel. Private to offers/. */
#ifndef OFFERS_CHOOSE_H
#define OFFERS_CHOOSE_H

#include "model/fields.h"
#include "offers/ledger.h"
#include "offers/offers.h"

enum { OFFERS_EVERY_CHANNEL = (1U << CHANNEL_COUNT) - 1, OFFERS_DECISION_TEXT_SIZE = 32 };

struct gate_view {
    const struct offers *offers;
    const struct offer_def *def;
    uint32_t index; /* of def */
    const struct offers_state *state;
    const struct offer_history *history;
    const struct offers_task *task;
    const struct offers_facts *facts;
    struct step *step;
    uint8_t asked; /* channels that are asked about: all, or that of an open offer */
    /* what the gates find out */
    struct slice reason; /* static, or in step->scratch */
    uint8_t channels;    /* still open */
    bool held_by_all;    /* the global holdout, not the offer's */
    bool modelled;       /* p starts from the model's word, not from the policy's prior */
    bool valued;         /* v and c were worked out; false as well when they cannot be */
    struct contact_plan plan;
    const char *channel_reason;
    uint32_t context;
    double p, c, v, l, score;
    /* The chance with which it came first, when that was drawn; 0: it was not */
    double place_share;
};

/* Is what triggers decisions now older than `max_age` when it can be acted on? Then nothing is offered from it. */
bool gates_too_old(const struct offers_policy *policy, const struct step *step);

/* Run the gates for a decision. Before them: whether what triggered it is too old, and whether `valid` has ended
 * between then and now. A backlog is read as of then, and nobody hears of a decision before now; the reason names
 * that moment, so that the decision shows all that it rests on. */
enum offer_gate gates_decide(struct gate_view *view, bool too_old);

/* Has `valid` ended between what triggered it and the moment at which it can be acted on? */
bool gates_ended(const struct gate_view *view);

/* Run the gates; the first that blocks, OFFER_GATE_COUNT when none does. */
enum offer_gate gates_pass(struct gate_view *view, struct slice *out_all);

/* Those that a change of mind or of circumstances may close after the decision: consent, sensitivity,
 * complaint, stop, vulnerable, life; with `rules` also eligible, suitable and affordable. */
enum offer_gate gates_still_pass(struct gate_view *view, bool rules);

/* The contact policy once more: an offer of the same decision has been chosen since. */
enum offer_gate gates_contact(struct gate_view *view);

/* ---- triggers.c: a bit per offer ---- */

uint64_t offers_every(const struct offers *offers);

/* Those that may be open, held or shown; every one without offers->triggers. */
uint64_t offers_noted(const struct offers *offers, const struct offers_state *state);

/* Those whose trigger may fire: of no other one does it. */
uint64_t triggers_possible(const struct offers *offers, const struct offers_state *state,
                           const struct offers_facts *facts, const struct event *event);
bool trigger_fires(const struct offer_def *def, const struct offer_history *history,
                   const struct offers_facts *facts, const struct scope *scope);

/* ---- channels.c ---- */

/* The channel and its moment into view->plan; false: none is left, `out_cap` says which cap (NULL: none). */
bool channel_choose(struct gate_view *view, const struct offer_cap **out_cap);

/* Those that quiet hours silence while nobody knows the customer's zone: when it is night there. */
uint8_t channels_unsure(const struct gate_view *view);

/* ---- score.c ---- */

/* V and C; false when they cannot be evaluated. */
bool offer_value(struct gate_view *view);

/* P, L and the product; false when V or C cannot be evaluated. */
bool offer_score(struct gate_view *view);

/* The customer's coarse context. */
uint32_t offers_context(const struct offers *offers, struct step *step);

/* Uniform in [0, 1), by (decision, what) and the salt. */
double keyed_unit(const struct step *step, const uint64_t decision[2], struct slice what);

/* The arm and the probability with which it was drawn. `decision` keys the draw. */
uint32_t variant_choose(const struct gate_view *view, const uint64_t decision[2],
                        double *out_share);

/* The arm that would be drawn, of an offer that may not have been scored: fills in the context too. */
uint32_t variant_planned(struct gate_view *view, const uint64_t decision[2]);

struct slice offers_global_layer(const struct offers *offers);
/* In `arena` when the offer names none. */
struct slice offers_offer_layer(const struct offer_def *def, struct arena *arena);
struct slice offers_variant_layer(const struct offer_def *def, struct arena *arena);

/* ---- open.c: between a decision and the customer ---- */

void offer_id_text(const uint64_t id[2], char out[OFFERS_DECISION_TEXT_SIZE + 1]);

/* Keep in the history that the decision offered it, or that quiet hours hold it. */
void open_note(const struct gate_view *view, struct offers_state *state,
               struct offer_history *history, const uint64_t decision[2], bool held);

/* No longer held. */
void open_release(struct offer_history *history);

/* Take back what quiet hours held until now, and what came too late for a decision, and say so. */
void open_expire(const struct offers *offers, struct offers_state *state,
                 struct offer_history *histories, struct offers_task *task, struct step *step);

/* Take back what may no longer reach the customer, and say so in one OfferDecided. Of what is held also what ends
 * before this can be acted on. */
void open_withdraw(const struct offers *offers, struct offers_state *state,
                   struct offer_history *histories, struct offers_task *task,
                   const struct offers_facts *facts, struct step *step);

/* ---- outcomes.c ---- */

/* How long after it an outcome is a decision's. */
int64_t outcome_attribution(const struct offers_policy *policy);

/* An outcome event: history, ledger of the mood, counters, OUTPUT_OFFER_STATS. */
void outcome_take(const struct offers *offers, struct offers_state *state,
                  struct offer_history *histories, struct offers_task *task, struct step *step);

/* Points of fatigue at that moment. */
double outcome_tired(const struct offer_fatigue *fatigue, const struct offers_state *state,
                     int64_t now_ms);

/* ---- experiment.c: the same experiments as counters ---- */

/* Is the customer in the experiment that the task counts? */
bool experiment_has(const struct offers_task *task, uint32_t offer,
                    const struct offer_history *history);

/* The customer has reached the holdout gate for the first time, on whichever side. */
void experiment_enter(const struct gate_view *view, struct offer_history *history,
                      struct offers_task *task, bool held_out);

/* An outcome of that offer. */
void experiment_outcome(const struct offers *offers, uint32_t offer, struct offer_history *history,
                        struct offers_task *task, struct step *step);

/* ---- arbitrate.c ---- */

enum { DECISION_CANDIDATES_MAX = OFFERS_MAX };

/* One decision being made. */
struct decision {
    struct gate_view views[DECISION_CANDIDATES_MAX]; /* of candidates that passed, best first */
    uint32_t passed;
    struct blocked_offer *blocked;
    uint32_t blocked_count;
    struct slice holdout; /* layer, when one held an offer out */
    uint64_t id[2];
    struct slice decision_id;
};

void decision_block(struct decision *decision, struct offers_task *task,
                    const struct offer_def *def, enum offer_gate gate, struct slice reason,
                    struct effects *effects);

/* By score, best first; the same score by playbook order. */
void decision_add(struct decision *decision, const struct gate_view *view);

/* Bundles together, one offer per group, `top` entries, caps with what was chosen counted in: those chosen
 * stand first in `views`; marketing is in the ledger. Returns how many. */
uint32_t decision_arbitrate(struct decision *decision, const struct offers *offers,
                            struct offers_state *state, struct offer_history *histories,
                            struct offers_task *task, struct effects *effects);

#endif
