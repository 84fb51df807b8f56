/* SPDX-License-Identifier: Apache-2.0 */
/* One offer on its way through the funnel. Private to offers/. */
#ifndef OFFERS_CHOOSE_H
#define OFFERS_CHOOSE_H

#include "offers/ledger.h"
#include "offers/offers.h"

struct gate_view {
    const struct offers *offers;
    const struct offer_def *def;
    uint32_t index; /* of def */
    const struct offers_state *state;
    const struct offer_history *history;
    const struct offers_task *task;
    const struct offers_facts *facts;
    struct step *step;
    /* what the gates find out */
    struct slice reason; /* static, or in step->scratch */
    uint8_t channels;    /* still open */
    bool held_by_all;    /* the global holdout, not the offer's */
    struct contact_plan plan;
    double p, c, v, l, score;
};

/* Run the gates; the first that blocks, OFFER_GATE_COUNT when none does. */
enum offer_gate gates_pass(struct gate_view *view, struct slice *out_all);

/* P, C, V, L and their product into the view; false when V or C cannot be evaluated. */
bool offer_score(struct gate_view *view);

struct slice offers_global_layer(const struct offers *offers);
/* In `arena` when the offer names none. */
struct slice offers_offer_layer(const struct offer_def *def, struct arena *arena);

#endif
