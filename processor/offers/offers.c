/* SPDX-License-Identifier: Apache-2.0 */
#include "offers/offers.h"

#include <stdio.h>

#include "base/civil.h"
#include "base/hash.h"
#include "offers/choose.h"

struct slice offers_global_layer(const struct offers *offers)
{
    return offers->policy.holdout_layer.size > 0 ? offers->policy.holdout_layer : slice_text("global");
}

struct slice offers_offer_layer(const struct offer_def *def, struct arena *arena)
{
    if (def->holdout_layer.size > 0) {
        return def->holdout_layer;
    }
    char text[EVENT_ID_SIZE_MAX + 8];
    int size = snprintf(text, sizeof(text), "offer:%.*s",
                        (int)(def->id.size < EVENT_ID_SIZE_MAX ? def->id.size : EVENT_ID_SIZE_MAX),
                        (const char *)def->id.data);
    return arena_copy(arena, slice_of(text, size > 0 ? (size_t)size : 0));
}

size_t offers_task_size(const struct offers *offers)
{
    return sizeof(struct offers_task) +
           (size_t)offers->count * OFFER_VARIANTS_MAX * CHANNEL_COUNT * sizeof(struct offer_counts);
}

static bool number(const struct condition *condition, const struct step *step, double *out)
{
    struct cel_value value = rules_value(condition->program, step->scope, step->scratch);
    if (value.kind == CEL_INT) {
        *out = (double)value.i;
        return true;
    }
    if (value.kind == CEL_UINT) {
        *out = (double)value.u;
        return true;
    }
    *out = value.kind == CEL_DOUBLE ? value.d : 0;
    return value.kind == CEL_DOUBLE;
}

/* Mean of the Beta posterior: (prior accepted + accepted) / (prior presented + presented), over the variants
 * of the offer on the channel chosen, from this task's counters. */
static double propensity(const struct gate_view *view)
{
    const struct offers_policy *policy = &view->offers->policy;
    double accepted = policy->prior_accepted > 0 ? policy->prior_accepted : 1;
    double presented = policy->prior_presented > 0 ? policy->prior_presented : 20;
    for (uint32_t i = 0; i < OFFER_VARIANTS_MAX; i++) {
        const struct offer_counts *counts =
            &view->task->counts[offers_arm(view->index, i, view->plan.channel)];
        accepted += (double)counts->accepted;
        presented += (double)counts->presented;
    }
    return accepted < presented ? accepted / presented : 1;
}

bool offer_score(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    double minor = (double)def->value_minor;
    view->c = 1;
    if ((def->value.program != NULL && !number(&def->value, view->step, &minor)) ||
        (def->context.program != NULL && !number(&def->context, view->step, &view->c))) {
        return false;
    }
    view->p = propensity(view);
    view->v = minor / 100;
    view->l = def->priority > 0 ? def->priority : 1;
    view->score = view->p * view->c * view->v * view->l;
    return true;
}

static bool triggered(const struct offer_def *def, const struct offers_facts *facts,
                      const struct event *event)
{
    bool by_default = def->on_segments_count == 0 && def->on_life == 0 && def->on_app_count == 0;
    const uint32_t *segments = by_default ? def->segments_any : def->on_segments;
    uint32_t count = by_default ? def->segments_any_count : def->on_segments_count;
    for (uint32_t i = 0; i < count; i++) {
        if ((facts->segments_entered[segments[i] >> 6] >> (segments[i] & 63) & 1) != 0) {
            return true;
        }
    }
    if ((def->on_life & facts->life_confirmed) != 0) {
        return true;
    }
    for (uint32_t i = 0;
         event != NULL && event->source == SOURCE_APP_ENGAGEMENT && i < def->on_app_count; i++) {
        if (slice_equal(def->on_app[i], event->app.event)) {
            return true;
        }
    }
    return false;
}

static uint32_t variant_count(const struct offer_def *def)
{
    return def->variant_count > 0 ? def->variant_count : 1;
}

static struct slice variant_id(const struct offer_def *def, uint32_t index)
{
    return def->variant_count > 0 ? def->variants[index].id : slice_text("default");
}

/* A stable arm per customer: bucket in layer "variant:ID", arms laid side by side by weight. */
static uint32_t variant_choose(const struct offer_def *def, const struct step *step, double *out_share)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < def->variant_count; i++) {
        total += def->variants[i].weight;
    }
    *out_share = 1;
    if (total == 0) {
        return 0;
    }
    char layer[EVENT_ID_SIZE_MAX + 10];
    int size = snprintf(layer, sizeof(layer), "variant:%.*s",
                        (int)(def->id.size < EVENT_ID_SIZE_MAX ? def->id.size : EVENT_ID_SIZE_MAX),
                        (const char *)def->id.data);
    uint64_t at = step_bucket(step->salt, customer_id(step->customer),
                              slice_of(layer, size > 0 ? (size_t)size : 0)) * total / 10000;
    uint32_t arm = 0;
    while (at >= def->variants[arm].weight) {
        at -= def->variants[arm++].weight;
    }
    *out_share = (double)def->variants[arm].weight / (double)total;
    return arm;
}

/* One decision being made. */
struct decision {
    struct gate_view views[OFFERS_MAX]; /* of candidates that passed, best first */
    uint32_t passed;
    struct blocked_offer *blocked;
    uint32_t blocked_count;
    struct slice holdout; /* layer, when one held an offer out */
    struct slice decision_id;
};

static void block(struct decision *decision, struct offers_task *task, const struct offer_def *def,
                  enum offer_gate gate, struct slice reason, struct effects *effects)
{
    task->blocked[gate]++;
    if (decision->blocked != NULL) {
        decision->blocked[decision->blocked_count++] = (struct blocked_offer){
            def->id, slice_text(offer_gate_name(gate)), arena_copy(&effects->arena, reason)};
    }
}

static struct output *say_exposure(const struct decision *decision, const struct offer_def *def,
                                   uint32_t index, struct step *step)
{
    struct output_identity identity = {.definition = {def->id, def->version, def->hash},
                                       .kind = OUTPUT_EXPOSURE, .sequence = index};
    struct output *output = step_output(step, OUTPUT_EXPOSURE, &identity);
    if (output != NULL) {
        output->exposure.decision_id = decision->decision_id;
        output->exposure.offer_id = def->id;
        output->exposure.effective_at_ms = step->scope->now_ms;
    }
    return output;
}

/* Held out of this offer: the moment at which it would have been made counts for its control group. */
static void hold_out(struct decision *decision, const struct gate_view *view)
{
    struct step *step = view->step;
    struct slice layer =
        view->held_by_all ? offers_global_layer(view->offers)
                          : offers_offer_layer(view->def, &step->effects->arena);
    decision->holdout = layer;
    struct output *output = say_exposure(decision, view->def, view->index, step);
    if (output != NULL) {
        output->exposure.layer = layer;
        output->exposure.held_out = true;
        output->exposure.variant = slice_text("control");
    }
}

static void insert_by_score(struct decision *decision, const struct gate_view *view)
{
    uint32_t at = decision->passed++;
    for (; at > 0 && decision->views[at - 1].score < view->score; at--) {
        decision->views[at] = decision->views[at - 1];
    }
    decision->views[at] = *view;
}

/* One per group, the best `top`; the others are blocked by arbitration. */
static uint32_t arbitrate(struct decision *decision, const struct offers *offers,
                          struct offers_task *task, struct effects *effects)
{
    uint32_t top = offers->policy.top > 0 ? offers->policy.top : 3;
    top = top < OFFERS_TOP_MAX ? top : OFFERS_TOP_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < decision->passed; i++) {
        const struct gate_view *view = &decision->views[i];
        bool taken = false;
        for (uint32_t k = 0; k < kept; k++) {
            taken = taken || slice_equal(ledger_group(decision->views[k].def), ledger_group(view->def));
        }
        if (taken || kept == top) {
            block(decision, task, view->def, GATE_ARBITRATION,
                  slice_text(taken ? "group" : "lower_score"), effects);
        } else {
            decision->views[kept++] = *view;
        }
    }
    return kept;
}

static void make_offer(const struct gate_view *view, struct ranked_offer *out,
                       struct offers_state *state, struct offer_history *histories,
                       struct offers_task *task, const struct decision *decision)
{
    struct step *step = view->step;
    double share = 1;
    uint32_t arm = variant_choose(view->def, step, &share);
    *out = (struct ranked_offer){
        .offer = {view->def->id, view->def->version, view->def->hash},
        .variant = variant_id(view->def, arm),
        .channel = view->plan.channel,
        .send_after_ms = view->plan.at_ms,
        .score = view->score,
        .p = view->p, .c = view->c, .v = view->v, .l = view->l,
        .selection_probability = share,
    };
    if (view->def->contact_class == OFFER_MARKETING) {
        ledger_add(state, view->def, view->plan);
    }
    histories[view->index].decided_ms = step->scope->now_ms;
    task->made[view->index]++;
    if (view->def->holdout > 0 || view->def->variant_count > 1 || view->offers->policy.holdout > 0) {
        struct output *output = say_exposure(decision, view->def, view->index, step);
        if (output != NULL) {
            output->exposure.variant = out->variant;
            output->exposure.channel = out->channel;
            output->exposure.layer = offers_offer_layer(view->def, &step->effects->arena);
        }
    }
}

static struct slice make_decision_id(const struct offers_state *state, const struct step *step)
{
    uint64_t id[2];
    struct output_identity identity = {.kind = OUTPUT_OFFER_DECIDED, .transition = 1,
                                       .definition = {.hash = step->policy_hash},
                                       .sequence = state->decisions};
    step_output_id(step, &identity, id);
    char text[33];
    (void)snprintf(text, sizeof(text), "%016llx%016llx", (unsigned long long)id[0],
                   (unsigned long long)id[1]);
    return arena_copy(&step->effects->arena, slice_of(text, 32));
}

static bool run_funnel(const struct offers *offers, struct decision *decision,
                       const struct offers_state *state, const struct offer_history *histories,
                       struct offers_task *task, const struct offers_facts *facts, struct step *step)
{
    bool any = false;
    for (uint32_t i = 0; i < offers->count; i++) {
        if (!triggered(&offers->defs[i], facts, step->scope->event)) {
            continue;
        }
        if (!any) {
            any = true;
            decision->decision_id = make_decision_id(state, step);
            decision->blocked =
                arena_take(&step->effects->arena, offers->count * sizeof(*decision->blocked));
        }
        struct gate_view view = {.offers = offers, .def = &offers->defs[i], .index = i,
                                 .state = state, .history = &histories[i], .task = task,
                                 .facts = facts, .step = step};
        enum offer_gate gate = gates_pass(&view, NULL);
        if (gate == OFFER_GATE_COUNT) {
            insert_by_score(decision, &view);
            continue;
        }
        block(decision, task, view.def, gate, view.reason, step->effects);
        if (gate == GATE_HOLDOUT) {
            hold_out(decision, &view);
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
            if (gate > best && slice_is(decision->blocked[i].gate, offer_gate_name((enum offer_gate)gate))) {
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

static void decide(const struct offers *offers, struct offers_state *state,
                   struct offer_history *histories, struct offers_task *task,
                   const struct offers_facts *facts, struct step *step)
{
    struct decision decision = {.passed = 0};
    struct arena *arena = &step->effects->arena;
    if (!run_funnel(offers, &decision, state, histories, task, facts, step)) {
        return;
    }
    uint32_t kept = arbitrate(&decision, offers, task, step->effects);
    struct ranked_offer *ranked = arena_take(arena, OFFERS_TOP_MAX * sizeof(*ranked));
    if (ranked == NULL) {
        step->effects->full = true;
        return;
    }
    for (uint32_t i = 0; i < kept; i++) {
        make_offer(&decision.views[i], &ranked[i], state, histories, task, &decision);
        state->shown[i] = ledger_name(decision.views[i].def->id);
    }
    task->decisions += kept > 0;
    task->no_offers += kept == 0;
    if (kept > 0) {
        state->shown_count = (uint8_t)kept;
        state->decided_ms = step->scope->now_ms;
    }
    uint64_t number = state->decisions++;
    if (kept == 0 && !offers->policy.publish_no_offer) {
        return;
    }
    struct output_identity identity = {.definition = {.hash = step->policy_hash},
                                       .kind = OUTPUT_OFFER_DECIDED, .sequence = number};
    struct output *output = step_output(step, OUTPUT_OFFER_DECIDED, &identity);
    if (output == NULL) {
        return;
    }
    output->offer_decided = (struct offer_decided){
        .decision_id = decision.decision_id,
        .origin = step->origin,
        .effective_at_ms = step->scope->now_ms,
        .cause = step->cause,
        .offers = ranked,
        .offer_count = kept,
        .blocked = decision.blocked,
        .blocked_count = decision.blocked_count,
        .holdout = decision.holdout,
        .no_offer_reason =
            kept == 0 ? no_offer_reason(&decision, arena) : (struct slice){NULL, 0},
        .policy_hash = step->policy_hash,
    };
}

static void count_outcome(struct offer_counts *counts, const struct offer_outcome *outcome)
{
    switch ((enum outcome)outcome->outcome) {
    case OUTCOME_PRESENTED:
        counts->presented++;
        break;
    case OUTCOME_CLICKED:
        counts->clicked++;
        break;
    case OUTCOME_ACCEPTED:
        counts->accepted++;
        break;
    case OUTCOME_REJECTED:
    case OUTCOME_DISMISSED:
        counts->rejected++;
        break;
    case OUTCOME_COMPLAINED:
        counts->complained++;
        break;
    case OUTCOME_OPTED_OUT:
        counts->opted_out++;
        break;
    case OUTCOME_EXPIRED:
    case OUTCOME_COUNT:
        break;
    }
    counts->revenue_minor += outcome->revenue_minor;
}

/* This task's counters of one arm, whole: the newest record per key is the truth of the compacted topic. */
static void say_stats(const struct offer_def *def, uint32_t variant, uint8_t channel,
                      const struct offer_counts *counts, struct step *step)
{
    struct output_identity identity = {.definition = {def->id, def->version, def->hash},
                                       .kind = OUTPUT_OFFER_STATS,
                                       .sequence = (uint64_t)variant << 8 | channel};
    struct output *output = step_output(step, OUTPUT_OFFER_STATS, &identity);
    if (output == NULL) {
        return;
    }
    struct slice arm = variant_id(def, variant);
    char key[2 * EVENT_ID_SIZE_MAX + 64];
    int size = snprintf(key, sizeof(key), "%u|%.*s|%.*s|%s|", step->task_number,
                        (int)(def->id.size < EVENT_ID_SIZE_MAX ? def->id.size : EVENT_ID_SIZE_MAX),
                        (const char *)def->id.data,
                        (int)(arm.size < EVENT_ID_SIZE_MAX ? arm.size : EVENT_ID_SIZE_MAX),
                        (const char *)arm.data, codes_text(&codes_channel, channel));
    output->key = arena_copy(&step->effects->arena, slice_of(key, size > 0 ? (size_t)size : 0));
    output->offer_stats = (struct offer_stats){
        .offer_id = def->id, .variant = arm, .channel = channel, .task = step->task_number,
        .presented = counts->presented, .clicked = counts->clicked, .accepted = counts->accepted,
        .rejected = counts->rejected, .complained = counts->complained,
        .opted_out = counts->opted_out, .revenue_minor = counts->revenue_minor,
    };
}

static void take_outcome(const struct offers *offers, struct offer_history *histories,
                         struct offers_task *task, struct step *step)
{
    const struct offer_outcome *outcome = &step->scope->event->outcome;
    uint32_t index = 0;
    while (index < offers->count && !slice_equal(offers->defs[index].id, outcome->offer_id)) {
        index++;
    }
    if (outcome->outcome >= OUTCOME_COUNT || outcome->channel >= CHANNEL_COUNT) {
        return;
    }
    task->outcomes[outcome->outcome]++;
    if (index == offers->count) {
        task->unknown_outcomes++;
        return;
    }
    const struct offer_def *def = &offers->defs[index];
    int64_t *at_ms = &histories[index].outcome_ms[outcome->outcome];
    *at_ms = step->scope->event->time_ms > *at_ms ? step->scope->event->time_ms : *at_ms;
    uint32_t arm = 0;
    while (arm + 1 < variant_count(def) && !slice_equal(variant_id(def, arm), outcome->variant)) {
        arm++;
    }
    if (variant_count(def) > 1 && !slice_equal(variant_id(def, arm), outcome->variant)) {
        task->unknown_outcomes++;
        return;
    }
    struct offer_counts *counts = &task->counts[offers_arm(index, arm, outcome->channel)];
    count_outcome(counts, outcome);
    say_stats(def, arm, outcome->channel, counts, step);
}

void offers_evaluate(const struct offers *offers, struct offers_state *state,
                     struct offer_history *histories, struct offers_task *task,
                     const struct offers_facts *facts, struct step *step)
{
    const struct event *event = step->scope->event;
    if (event != NULL && event->source == SOURCE_OFFER_OUTCOMES) {
        take_outcome(offers, histories, task, step);
    }
    int64_t max_age_ms = offers->policy.max_age_ms > 0 ? offers->policy.max_age_ms : MS_PER_DAY;
    int64_t moment_ms = event != NULL ? event->time_ms : step->scope->now_ms;
    if (!step->live || step->task_now_ms - moment_ms > max_age_ms) {
        return;
    }
    decide(offers, state, histories, task, facts, step);
}
