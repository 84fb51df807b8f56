/* SPDX-License-Identifier: Apache-2.0 */
/* The funnel: one function a gate, in the order of OFFER_GATES. Each returns true when it lets the offer
 * pass, else it has written why. */
#include <stdio.h>

#include "base/civil.h"
#include "offers/choose.h"
#include "offers/ledger.h"

static const char *const gate_names[] = {
#define OFFER_GATE_NAME(name, text) text,
    OFFER_GATES(OFFER_GATE_NAME)
#undef OFFER_GATE_NAME
};

const char *offer_gate_name(enum offer_gate gate)
{
    return gate < OFFER_GATE_COUNT ? gate_names[gate] : "none";
}

static bool say(struct gate_view *view, const char *text)
{
    view->reason = slice_text(text);
    return false;
}

static bool say_until(struct gate_view *view, const char *what, int64_t until_ms)
{
    char at[CIVIL_TEXT_SIZE];
    char text[CIVIL_TEXT_SIZE + 64];
    civil_format_time(until_ms, at);
    int size = snprintf(text, sizeof(text), "%s until %s", what, at);
    view->reason = arena_copy(view->step->scratch, slice_of(text, size > 0 ? (size_t)size : 0));
    return false;
}

static bool holds(struct gate_view *view, const struct condition *condition)
{
    struct slice why = {NULL, 0};
    switch (condition_holds(condition, view->step, &why)) {
    case RULES_YES:
        return true;
    case RULES_NO:
        return say(view, "not_met");
    case RULES_UNKNOWN:
        break;
    }
    view->reason = why.size > 0 ? why : slice_text("unknown");
    return false;
}

static bool pass_time(struct gate_view *view)
{
    const struct step *step = view->step;
    int64_t now_ms = step->scope->now_ms;
    if (now_ms < view->def->valid_from_ms) {
        return say(view, "not_yet_valid");
    }
    if (now_ms >= view->def->valid_until_ms) {
        return say(view, "no_longer_valid");
    }
    return true;
}

/* A task may give its share of the stock: the first `stock mod N` tasks one more. */
static bool pass_stock(struct gate_view *view)
{
    int64_t stock = view->def->stock;
    if (stock == 0) {
        return true;
    }
    int64_t tasks = view->step->task_count > 0 ? view->step->task_count : 1;
    int64_t share = stock / tasks + (view->step->task_number < stock % tasks);
    return view->task->made[view->index] < share || say(view, "sold_out");
}

static bool pass_eligible(struct gate_view *view)
{
    return holds(view, &view->def->eligible);
}

static bool pass_segment(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    bool in = def->segments_any_count == 0;
    for (uint32_t i = 0; !in && i < def->segments_any_count; i++) {
        uint32_t segment = def->segments_any[i];
        in = (view->facts->segments_in[segment >> 6] >> (segment & 63) & 1) != 0;
    }
    return in || say(view, "in_none_of_segments_any");
}

static bool is_marketing(const struct offer_def *def)
{
    return def->purpose == PURPOSE_MARKETING || def->contact_class == OFFER_MARKETING;
}

/* Mandatory messages rest on the contract or the law, not on consent; everything else needs a grant for its
 * purpose on at least one of its channels, on the basis that it names. */
static bool pass_consent(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    const struct profile *profile = &view->step->scope->customer->profile;
    view->channels = def->channels;
    if (def->contact_class == OFFER_MANDATORY) {
        return true;
    }
    bool recorded = false;
    for (uint8_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        uint8_t status = profile->consents[def->purpose][channel].status;
        uint8_t basis = profile->consents[def->purpose][channel].basis;
        bool allowed = (def->channels >> channel & 1) != 0;
        recorded = recorded || (allowed && status != CONSENT_NONE);
        if (status != CONSENT_GRANTED || (def->basis != BASIS_NONE && basis != def->basis)) {
            view->channels &= (uint8_t)~(1U << channel);
        }
    }
    if (view->channels != 0) {
        return true;
    }
    return say(view, recorded ? "not_granted" : "missing:c.consents");
}

static bool pass_sensitivity(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    const struct profile *profile = &view->step->scope->customer->profile;
    if (!def->sensitive) {
        return true;
    }
    for (uint8_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (profile->consents[def->purpose][channel].basis != BASIS_CONSENT) {
            view->channels &= (uint8_t)~(1U << channel);
        }
    }
    return view->channels != 0 || say(view, "no_explicit_consent");
}

static bool pass_complaint(struct gate_view *view)
{
    bool open = view->step->scope->customer->profile.complaint_open;
    return !open || !is_marketing(view->def) || say(view, "complaint_open");
}

/* HEARING, SIGHT, MOBILITY and LANGUAGE are needs of access; the others stop marketing (DESIGN 4). */
static bool pass_vulnerable(struct gate_view *view)
{
    const uint32_t access = 1U << VULNERABLE_HEARING | 1U << VULNERABLE_SIGHT |
                            1U << VULNERABLE_MOBILITY | 1U << VULNERABLE_LANGUAGE;
    uint32_t list = view->step->scope->customer->profile.vulnerability & ~access;
    if (!is_marketing(view->def) || (list == 0 && view->facts->life_vulnerable == 0)) {
        return true;
    }
    if (list == 0) {
        return say(view, "life_event_of_care");
    }
    for (uint32_t i = 0; i < VULNERABILITY_COUNT; i++) {
        if ((list >> i & 1) != 0) {
            return say(view, codes_text(&codes_vulnerability, i));
        }
    }
    return say(view, "vulnerable");
}

static bool pass_life(struct gate_view *view)
{
    return (view->def->not_life & view->facts->life_open) == 0 || say(view, "life_event");
}

static bool pass_suitable(struct gate_view *view)
{
    return holds(view, &view->def->suitable);
}

static bool pass_applicable(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    int64_t now_ms = view->step->scope->now_ms;
    if ((view->step->scope->customer->profile.products_held & def->product_held) != 0) {
        return say(view, "already_held");
    }
    int64_t repeat_ms = def->repeat_after_ms > 0 ? def->repeat_after_ms : MS_PER_DAY;
    if (view->history->decided_ms != 0 && now_ms < view->history->decided_ms + repeat_ms) {
        return say_until(view, "offered_already", view->history->decided_ms + repeat_ms);
    }
    return true;
}

static bool pass_holdout(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    const struct step *step = view->step;
    struct slice id = customer_id(step->customer);
    if (def->contact_class == OFFER_MANDATORY) {
        return true;
    }
    if (step_bucket(step->salt, id, offers_global_layer(view->offers)) < view->offers->policy.holdout) {
        view->held_by_all = true;
        return say(view, "global_holdout");
    }
    struct slice layer = offers_offer_layer(def, step->scratch);
    return step_bucket(step->salt, id, layer) >= def->holdout || say(view, "offer_holdout");
}

/* Choose the channel on the way: the preferred one if it may be used, else the first that no cap closes. */
static bool pass_cap(struct gate_view *view)
{
    const struct offers_policy *policy = &view->offers->policy;
    const struct scope *scope = view->step->scope;
    const struct profile *profile = &scope->customer->profile;
    const struct offer_cap *full = NULL;
    bool preferred_known = view->step->scope->customer->profile.updated_at_ms != INT64_MIN;
    for (uint32_t turn = 0; turn <= CHANNEL_COUNT; turn++) {
        uint8_t channel = turn == 0 ? profile->preferred_channel : (uint8_t)(turn - 1);
        if ((turn == 0 && !preferred_known) || channel >= CHANNEL_COUNT ||
            (view->channels >> channel & 1) == 0) {
            continue;
        }
        struct contact_plan plan = {
            view->def->contact_class == OFFER_MANDATORY ? scope->now_ms
                                                        : ledger_send_after(policy, scope, channel),
            channel};
        if (view->def->contact_class != OFFER_MARKETING ||
            !ledger_capped(view->offers, view->def, view->state, plan, &full)) {
            view->plan = plan;
            return true;
        }
    }
    static const char *const scopes[] = {"offer", "group", "channel", "all"};
    return say(view, full == NULL ? "no_channel" : scopes[full->scope]);
}

static bool pass_cool_down(struct gate_view *view)
{
    enum outcome outcome = OUTCOME_PRESENTED;
    int64_t until = ledger_cool_until(view->def, view->history, view->step->scope->now_ms, &outcome);
    return until == 0 || view->def->contact_class == OFFER_MANDATORY ||
           say_until(view, codes_text(&codes_outcome, outcome), until);
}

static bool pass_value(struct gate_view *view)
{
    if (!offer_score(view)) {
        return say(view, "missing:value");
    }
    return view->score > 0 || view->def->contact_class == OFFER_MANDATORY || say(view, "worth_nothing");
}

static bool (*const gates[])(struct gate_view *view) = {
    [GATE_TIME] = pass_time,           [GATE_STOCK] = pass_stock,
    [GATE_ELIGIBLE] = pass_eligible,   [GATE_SEGMENT] = pass_segment,
    [GATE_CONSENT] = pass_consent,     [GATE_SENSITIVITY] = pass_sensitivity,
    [GATE_COMPLAINT] = pass_complaint, [GATE_VULNERABLE] = pass_vulnerable,
    [GATE_LIFE] = pass_life,           [GATE_SUITABLE] = pass_suitable,
    [GATE_APPLICABLE] = pass_applicable, [GATE_HOLDOUT] = pass_holdout,
    [GATE_CAP] = pass_cap,             [GATE_COOL_DOWN] = pass_cool_down,
    [GATE_VALUE] = pass_value,
};
_Static_assert(sizeof(gates) / sizeof(gates[0]) == GATE_ARBITRATION, "a function per gate");

enum offer_gate gates_pass(struct gate_view *view, struct slice *out_all)
{
    enum offer_gate first = OFFER_GATE_COUNT;
    struct slice first_reason = {NULL, 0};
    for (int gate = 0; gate < GATE_ARBITRATION; gate++) {
        view->reason = (struct slice){NULL, 0};
        if (gates[gate](view)) {
            continue;
        }
        if (first == OFFER_GATE_COUNT) {
            first = (enum offer_gate)gate;
            first_reason = view->reason;
        }
        if (out_all == NULL) {
            break;
        }
        out_all[gate] = view->reason;
    }
    view->reason = first_reason;
    return first;
}

enum offer_gate offer_blocked(const struct offers *offers, uint32_t index,
                              const struct offers_state *state, const struct offer_history *history,
                              const struct offers_task *task, const struct offers_facts *facts,
                              struct step *step, struct slice *out_reason, struct slice *out_all)
{
    struct gate_view view = {.offers = offers, .def = &offers->defs[index], .index = index,
                             .state = state, .history = history, .task = task, .facts = facts,
                             .step = step};
    enum offer_gate gate = gates_pass(&view, out_all);
    *out_reason = view.reason;
    return gate;
}
