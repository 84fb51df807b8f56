/* SPDX-License-Identifier: Apache-2.0 */
#include "offers/offers.h"

#include "base/civil.h"
#include "base/status.h"
#include "offers/choose.h"

enum { EXPOSED_AGAIN_DAYS = 30 };

size_t offers_task_size(const struct offers *offers)
{
    /* twice: this task's own, then what it has read of the others' */
    return sizeof(struct offers_task) +
           2 * (size_t)offers_arms_before(offers, offers->count) * sizeof(struct offer_counts);
}

/* Where and how it would be said: worked out for both sides by the same rule, from what is known before either is
 * treated, so that channels and variants can be compared with the control group as customers are. */
static struct slice plan_exposure(const struct decision *decision, struct gate_view *view,
                                  enum offer_gate gate)
{
    const struct offer_cap *full = NULL;
    if (gate <= GATE_CAP && !channel_choose(view, &full)) {
        view->plan.channel = (uint8_t)__builtin_ctz(view->channels);
    }
    return view->def->variant_count > 1
               ? offer_variant_id(view->def, variant_planned(view, decision->id))
               : (struct slice){NULL, 0};
}

static struct output *say_exposure(const struct decision *decision, const struct gate_view *view,
                                   struct slice layer, uint64_t number, struct slice variant)
{
    const struct offer_def *def = view->def;
    struct output_identity identity = {.definition = {def->id, def->version, def->hash},
                                       .kind = OUTPUT_EXPOSURE,
                                       .sequence = (uint64_t)view->index << 8 | number};
    struct output *output = step_output(view->step, OUTPUT_EXPOSURE, &identity);
    if (output != NULL) {
        output->exposure.decision_id = decision->decision_id;
        output->exposure.offer_id = def->id;
        output->exposure.variant = variant;
        output->exposure.layer = layer;
        output->exposure.channel = view->plan.channel;
        output->exposure.effective_at_ms = view->step->scope->now_ms;
    }
    return output;
}

/* Who reaches the holdout gate is in the experiment, whatever comes of it: both sides are counted by the same
 * rule, so that they can be compared, and their numbers checked against the split. */
static void expose(struct decision *decision, struct gate_view *view, struct offer_history *history,
                   struct offers_task *task, enum offer_gate gate)
{
    bool by_all = offers_global_holdout(view->offers, view->def) > 0;
    struct arena *arena = &view->step->effects->arena;
    int64_t now_ms = view->step->scope->now_ms;
    bool held = gate == GATE_HOLDOUT;
    struct slice global = offers_global_layer(view->offers);
    struct slice own = offers_offer_layer(view->def, arena);
    if (gate < GATE_HOLDOUT || view->def->contact_class == OFFER_MANDATORY) {
        return;
    }
    if (held) {
        decision->holdout = view->held_by_all ? global : own;
    }
    if (!by_all && view->def->holdout == 0) {
        return;
    }
    bool first = !experiment_has(task, view->index, history);
    if (!first && history->exposed_ms != 0 &&
        now_ms < history->exposed_ms + EXPOSED_AGAIN_DAYS * MS_PER_DAY) {
        return;
    }
    struct slice variant = plan_exposure(decision, view, gate);
    if (by_all) {
        struct output *output = say_exposure(decision, view, global, 0, variant);
        if (output != NULL) {
            output->exposure.held_out = held && view->held_by_all;
        }
    }
    if (view->def->holdout > 0 && !view->held_by_all) {
        struct output *output = say_exposure(decision, view, own, 1, variant);
        if (output != NULL) {
            output->exposure.held_out = held;
        }
    }
    history->exposed_ms = now_ms;
    if (first) {
        experiment_enter(view, history, task, held);
    }
}

static struct ranked_offer make_offer(const struct gate_view *view, struct offer_history *history,
                                      struct offers_state *state, struct offers_task *task,
                                      const struct decision *decision)
{
    struct step *step = view->step;
    double share = 1;
    uint32_t arm = variant_choose(view, decision->id, &share);
    struct ranked_offer offer = {
        .offer = {view->def->id, view->def->version, view->def->hash},
        .variant = offer_variant_id(view->def, arm),
        .channel = view->plan.channel,
        .send_after_ms = view->plan.at_ms,
        .score = view->score,
        .p = view->p,
        .c = view->c,
        .v = view->v,
        .l = view->l,
        .selection_probability = view->place_share > 0 ? share * view->place_share : share,
        .propensity_from = view->def->propensity.program == NULL
                               ? (struct slice){NULL, 0}
                               : slice_text(view->modelled ? "model" : "policy"),
        .context = offers_context_id(view->offers, view->context),
        .channel_reason = slice_text(view->channel_reason),
        .bundle = view->def->bundle,
    };
    open_note(view, state, history, decision->id, false);
    history->variant = ledger_name(offer.variant);
    task->made[view->index]++;
    if (view->def->variant_count > 1) {
        struct slice layer = offers_variant_layer(view->def, &step->effects->arena);
        (void)say_exposure(decision, view, layer, 2, offer.variant);
    }
    return offer;
}

static void begin_decision(struct decision *decision, const struct offers *offers,
                           const struct offers_state *state, struct step *step)
{
    struct output_identity identity = {.kind = OUTPUT_OFFER_DECIDED,
                                       .transition = 1,
                                       .definition = {.hash = step->policy_hash},
                                       .sequence = state->decisions};
    char text[OFFERS_DECISION_TEXT_SIZE + 1];
    step_output_id(step, &identity, decision->id);
    offer_id_text(decision->id, text);
    decision->decision_id = arena_copy(&step->effects->arena, slice_text(text));
    decision->blocked =
        arena_take(&step->effects->arena, 2 * offers->count * sizeof(*decision->blocked));
}

static bool run_funnel(const struct offers *offers, struct decision *decision,
                       struct offers_state *state, struct offer_history *histories,
                       struct offers_task *task, const struct offers_facts *facts,
                       struct step *step)
{
    bool any = false, too_old = gates_too_old(&offers->policy, step);
    uint64_t rest = triggers_possible(offers, state, facts, step->scope->event);
    for (; rest != 0; rest &= rest - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(rest);
        if (!trigger_fires(&offers->defs[i], &histories[i], facts, step->scope)) {
            continue;
        }
        if (!any) {
            any = true;
            begin_decision(decision, offers, state, step);
        }
        struct gate_view view = {.offers = offers,
                                 .def = &offers->defs[i],
                                 .index = i,
                                 .state = state,
                                 .history = &histories[i],
                                 .task = task,
                                 .facts = facts,
                                 .step = step,
                                 .asked = OFFERS_EVERY_CHANNEL};
        /* What came too late takes nothing away: an offer that is held waits on for its own moment. */
        if (!too_old) {
            open_release(&histories[i]);
        }
        enum offer_gate gate = gates_decide(&view, too_old);
        expose(decision, &view, &histories[i], task, gate);
        if (gate == OFFER_GATE_COUNT) {
            decision_add(decision, &view);
            continue;
        }
        decision_block(decision, task, view.def, gate, view.reason, step->effects);
        if (gate == GATE_QUIET) {
            open_note(&view, state, &histories[i], decision->id, true);
        }
    }
    return any;
}

/* Why nothing was offered, in one line: the candidate that came furthest, as "gate:reason". */
static struct slice no_offer_reason(const struct decision *decision, struct arena *arena)
{
    const struct blocked_offer *furthest = NULL;
    int best = -1;
    for (uint32_t i = 0; i < decision->blocked_count; i++) {
        for (int gate = 0; gate < OFFER_GATE_COUNT; gate++) {
            if (gate > best &&
                slice_is(decision->blocked[i].gate, offer_gate_name((enum offer_gate)gate))) {
                best = gate;
                furthest = &decision->blocked[i];
            }
        }
    }
    if (furthest == NULL) {
        return slice_text("no_candidate");
    }
    uint8_t text[STATUS_TEXT_SIZE];
    struct bytes_writer writer = bytes_writer(text, sizeof(text));
    bytes_put(&writer, furthest->gate.data, furthest->gate.size);
    bytes_put_u8(&writer, ':');
    bytes_put(&writer, furthest->reason.data, furthest->reason.size);
    return writer.full ? furthest->gate : arena_copy(arena, slice_of(text, writer.size));
}

/* Offers to channels, and those that wait for a person. */
struct made {
    struct ranked_offer *ranked, *for_review;
    uint32_t ranked_count, for_review_count;
    bool sensitive; /* one of them reads special-category data */
};

static bool make_offers(struct decision *decision, uint32_t kept, struct offers_state *state,
                        struct offer_history *histories, struct offers_task *task,
                        struct step *step, struct made *out)
{
    struct arena *arena = &step->effects->arena;
    *out = (struct made){.ranked = arena_take(arena, OFFERS_TOP_MAX * sizeof(*out->ranked)),
                         .for_review = arena_take(arena, OFFERS_TOP_MAX * sizeof(*out->ranked))};
    if (out->ranked == NULL || out->for_review == NULL) {
        step->effects->full = true;
        return false;
    }
    for (uint32_t i = 0; i < kept; i++) {
        const struct gate_view *view = &decision->views[i];
        struct ranked_offer offer =
            make_offer(view, &histories[view->index], state, task, decision);
        out->sensitive = out->sensitive || view->def->sensitive;
        if (view->def->review) {
            out->for_review[out->for_review_count++] = offer;
            continue;
        }
        if (out->ranked_count == 0) {
            memset(state->shown, 0, sizeof(state->shown));
        }
        state->shown[out->ranked_count] = ledger_name(view->def->id);
        out->ranked[out->ranked_count++] = offer;
        state->shown_count = (uint8_t)out->ranked_count;
        state->decided_ms = step->scope->now_ms;
    }
    return true;
}

static void decide(const struct offers *offers, struct offers_state *state,
                   struct offer_history *histories, struct offers_task *task,
                   const struct offers_facts *facts, struct step *step)
{
    struct decision decision;
    struct made made;
    struct arena *arena = &step->effects->arena;
    decision.passed = decision.blocked_count = 0;
    decision.holdout = decision.decision_id = (struct slice){NULL, 0};
    if (!run_funnel(offers, &decision, state, histories, task, facts, step)) {
        return;
    }
    uint32_t kept = decision_arbitrate(&decision, offers, state, histories, task, step->effects);
    if (!make_offers(&decision, kept, state, histories, task, step, &made)) {
        return;
    }
    task->decisions += kept > 0;
    task->no_offers += kept == 0;
    uint64_t number = state->decisions++;
    if (kept == 0 && !offers->policy.publish_no_offer) {
        return;
    }
    struct output_identity identity = {.definition = {.hash = step->policy_hash},
                                       .kind = OUTPUT_OFFER_DECIDED,
                                       .sequence = number};
    struct output *output = step_output(step, OUTPUT_OFFER_DECIDED, &identity);
    if (output == NULL) {
        return;
    }
    output->offer_decided = (struct offer_decided){
        .decision_id = decision.decision_id,
        .origin = step->origin,
        .effective_at_ms = step->scope->now_ms,
        .cause = step->cause,
        .offers = made.ranked,
        .offer_count = made.ranked_count,
        .for_review = made.for_review,
        .for_review_count = made.for_review_count,
        .blocked = decision.blocked,
        .blocked_count = decision.blocked_count,
        .holdout = decision.holdout,
        .no_offer_reason = kept == 0                ? no_offer_reason(&decision, arena)
                           : made.ranked_count == 0 ? slice_text("review")
                                                    : (struct slice){NULL, 0},
        .data_category = slice_text(made.sensitive ? DATA_CATEGORY_SPECIAL : ""),
        .policy_hash = step->policy_hash,
    };
}

void offers_evaluate(const struct offers *offers, struct offers_state *state,
                     struct offer_history *histories, struct offers_task *task,
                     const struct offers_facts *facts, struct step *step)
{
    const struct event *event = step->scope->event;
    if (event != NULL && event->source == SOURCE_OFFER_OUTCOMES) {
        outcome_take(offers, state, histories, task, step);
    }
    open_withdraw(offers, state, histories, task, facts, step);
    if (!step->live || gates_too_old(&offers->policy, step)) {
        /* Too old to make offers from: what quiet hours held until now is too old as well. */
        open_expire(offers, state, histories, task, step);
    }
    if (step->live) {
        decide(offers, state, histories, task, facts, step);
    }
}
