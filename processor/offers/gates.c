/* SPDX-License-Identifier: Apache-2.0 */
/* The funnel: one function a gate, in the order of OFFER_GATES. Each returns true when it lets the offer
 * pass, else it has written why. */
#include <math.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/status.h"
#include "model/fields.h"
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

static bool say_named(struct gate_view *view, const char *what, struct slice name)
{
    uint8_t text[STATUS_TEXT_SIZE];
    struct bytes_writer writer = bytes_writer(text, sizeof(text));
    bytes_put(&writer, what, strlen(what));
    bytes_put(&writer, name.data, name.size);
    view->reason = writer.full ? slice_text(what)
                               : arena_copy(view->step->scratch, slice_of(text, writer.size));
    return false;
}

static bool say_moment(struct gate_view *view, const char *what, const char *how, int64_t moment_ms)
{
    char at[CIVIL_TEXT_SIZE];
    char text[CIVIL_TEXT_SIZE + 64];
    civil_format_time(moment_ms, at);
    int size = snprintf(text, sizeof(text), "%s %s %s", what, how, at);
    view->reason = arena_copy(view->step->scratch, slice_of(text, size > 0 ? (size_t)size : 0));
    return false;
}

static bool say_until(struct gate_view *view, const char *what, int64_t until_ms)
{
    return say_moment(view, what, "until", until_ms);
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

static const struct profile *profile_of(const struct gate_view *view)
{
    return &view->step->scope->customer->profile;
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

/* NULL when marketing, or the purpose that it is, may use this channel; else why not. */
static const char *consent_lacks(const struct gate_view *view, uint32_t channel)
{
    const struct offer_def *def = view->def;
    const struct profile *profile = profile_of(view);
    uint8_t status = profile->consents[def->purpose][channel].status;
    uint8_t basis = profile->consents[def->purpose][channel].basis;
    if (status == CONSENT_NONE) {
        return "missing:c.consents";
    }
    if (status != CONSENT_GRANTED) {
        return "not_granted";
    }
    if (offer_is_marketing(def) && view->state->opted_out_ms[channel] != 0 &&
        profile->consents[def->purpose][channel].updated_at_ms <=
            view->state->opted_out_ms[channel]) {
        return "opted_out";
    }
    if (basis == BASIS_NONE) {
        return "missing:c.consents.lawful_basis";
    }
    return def->basis == BASIS_NONE || basis == def->basis ? NULL : "other_basis";
}

/* Mandatory messages rest on the contract or the law, not on consent; everything else needs a grant for its
 * purpose on at least one of its channels, on the basis that it names, that no opt-out has followed. */
static bool pass_consent(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    const char *worst = "missing:c.consents";
    view->channels = def->channels & view->asked;
    if (def->contact_class == OFFER_MANDATORY) {
        return true;
    }
    for (uint32_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        if ((view->channels >> channel & 1) == 0) {
            continue;
        }
        const char *lacks = consent_lacks(view, channel);
        if (lacks == NULL) {
            continue;
        }
        view->channels &= (uint8_t) ~(1U << channel);
        bool never_asked = profile_of(view)->consents[def->purpose][channel].status == CONSENT_NONE;
        worst = never_asked ? worst : lacks;
    }
    return view->channels != 0 || say(view, worst);
}

static bool pass_sensitivity(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    if (!def->sensitive) {
        return true;
    }
    for (uint32_t channel = 0; channel < CHANNEL_COUNT; channel++) {
        /* Explicit is what stands: a consent that was withdrawn keeps its basis. */
        if (profile_of(view)->consents[def->purpose][channel].status != CONSENT_GRANTED ||
            profile_of(view)->consents[def->purpose][channel].basis != BASIS_CONSENT) {
            view->channels &= (uint8_t) ~(1U << channel);
        }
    }
    return view->channels != 0 || say(view, "no_explicit_consent");
}

/* A complaint that came as an outcome stands until a newer profile says that none is open. */
static bool pass_complaint(struct gate_view *view)
{
    const struct profile *profile = profile_of(view);
    if (!offer_is_marketing(view->def)) {
        return true;
    }
    if (!profile_has(profile, PROFILE_COMPLAINT_OPEN)) {
        return say(view, "missing:c.complaint_open");
    }
    if (profile->complaint_open) {
        return say(view, "complaint_open");
    }
    return view->state->complained_ms == 0 || profile->updated_at_ms > view->state->complained_ms ||
           say(view, "complained");
}

/* What the contact policy calls a stop: arrears, fraud, whatever the bank's segments and life events say. */
static bool pass_stop(struct gate_view *view)
{
    const struct offers *offers = view->offers;
    const struct offers_policy *policy = &offers->policy;
    if (!offer_is_marketing(view->def)) {
        return true;
    }
    for (uint32_t i = 0; i < policy->stop_segments_count; i++) {
        uint32_t segment = policy->stop_segments[i];
        if ((view->facts->segments_in[segment >> 6] >> (segment & 63) & 1) != 0) {
            return offers->segment_ids == NULL
                       ? say(view, "segment")
                       : say_named(view, "segment ", offers->segment_ids[segment]);
        }
    }
    uint64_t life = policy->stop_life & view->facts->life_open;
    if (life == 0) {
        return true;
    }
    return offers->life_ids == NULL
               ? say(view, "life_event")
               : say_named(view, "life event ", offers->life_ids[__builtin_ctzll(life)]);
}

/* HEARING, SIGHT, MOBILITY and LANGUAGE are needs of access; the others stop marketing (DESIGN 4). */
static bool pass_vulnerable(struct gate_view *view)
{
    const uint32_t access = 1U << VULNERABLE_HEARING | 1U << VULNERABLE_SIGHT |
                            1U << VULNERABLE_MOBILITY | 1U << VULNERABLE_LANGUAGE;
    uint32_t list = profile_of(view)->vulnerability & ~access;
    if (!offer_is_marketing(view->def)) {
        return true;
    }
    if (!profile_has(profile_of(view), PROFILE_VULNERABILITY)) {
        return say(view, "missing:c.vulnerability");
    }
    for (uint32_t i = 0; i < VULNERABILITY_COUNT; i++) {
        if ((list >> i & 1) != 0) {
            return say(view, codes_text(&codes_vulnerability, i));
        }
    }
    return view->facts->life_vulnerable == 0 || say(view, "life_event_of_care");
}

static bool pass_life(struct gate_view *view)
{
    uint64_t stops = view->def->not_life & view->facts->life_open;
    if (stops == 0) {
        return true;
    }
    return view->offers->life_ids == NULL
               ? say(view, "life_event")
               : say_named(view, "", view->offers->life_ids[__builtin_ctzll(stops)]);
}

/* What carries a risk of loss is never offered to somebody whose appetite for risk or whose knowledge of it
 * is not known, whatever the playbook's own rule says (COBS 9, 10A), and under whatever purpose: what sells an
 * investment is no service. Only what the law or the contract demands goes out regardless. */
static bool pass_suitable(struct gate_view *view)
{
    uint8_t product = view->def->product;
    if (view->def->contact_class != OFFER_MANDATORY &&
        (product == (uint8_t)ACCOUNT_INVESTMENT || product == (uint8_t)ACCOUNT_PENSION)) {
        if (!profile_has(profile_of(view), PROFILE_RISK_PROFILE)) {
            return say(view, "missing:c.risk_profile");
        }
        if (!profile_has(profile_of(view), PROFILE_KNOWLEDGE)) {
            return say(view, "missing:c.knowledge");
        }
        if ((profile_of(view)->knowledge >> product & 1) == 0) {
            return say(view, "no_knowledge");
        }
    }
    return holds(view, &view->def->suitable);
}

static bool pass_affordable(struct gate_view *view)
{
    return holds(view, &view->def->affordable);
}

static bool pass_applicable(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    int64_t now_ms = view->step->scope->now_ms;
    if (def->product_held != 0 && !profile_has(profile_of(view), PROFILE_PRODUCTS_HELD)) {
        return say(view, "missing:c.products_held");
    }
    if ((profile_of(view)->products_held & def->product_held) != 0) {
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
    if (step_bucket(step->salt, id, offers_global_layer(view->offers)) <
        offers_global_holdout(view->offers, def)) {
        view->held_by_all = true;
        return say(view, "global_holdout");
    }
    struct slice layer = offers_offer_layer(def, step->scratch);
    return step_bucket(step->salt, id, layer) >= def->holdout || say(view, "offer_holdout");
}

static bool pass_cap(struct gate_view *view)
{
    static const char *const scopes[] = {"offer", "group", "channel", "all"};
    const struct offer_cap *full = NULL;
    if (channel_choose(view, &full)) {
        return true;
    }
    return say(view, full != NULL                                     ? scopes[full->scope]
                     : channels_unsure(view) != 0                     ? "missing:c.timezone"
                     : view->state->contact_count == OFFER_LEDGER_MAX ? "ledger"
                                                                      : "no_channel");
}

static bool pass_cool_down(struct gate_view *view)
{
    enum outcome outcome = OUTCOME_PRESENTED;
    int64_t until =
        ledger_cool_until(view->def, view->history, view->step->scope->now_ms, &outcome);
    return until == 0 || view->def->contact_class == OFFER_MANDATORY ||
           say_until(view, codes_text(&codes_outcome, outcome), until);
}

static bool pass_fatigue(struct gate_view *view)
{
    const struct offer_fatigue *fatigue = &view->offers->policy.fatigue;
    int64_t now_ms = view->step->scope->now_ms;
    if (fatigue->limit <= 0 || !offer_is_marketing(view->def)) {
        return true;
    }
    double tired = outcome_tired(fatigue, view->state, now_ms);
    if (tired < fatigue->limit) {
        return true;
    }
    double halvings = log2(tired / fatigue->limit);
    return say_until(view, "tired",
                     now_ms + (int64_t)(halvings * (double)fatigue->half_life_ms) + 1);
}

/* Not a refusal: the offer waits for its moment, and the gates are asked again then. */
static bool pass_quiet(struct gate_view *view)
{
    return view->plan.at_ms <= view->step->act_ms || say_until(view, "held", view->plan.at_ms);
}

static bool pass_value(struct gate_view *view)
{
    if (!offer_score(view)) {
        return say(view, "missing:value");
    }
    return view->score > 0 || view->def->contact_class == OFFER_MANDATORY ||
           say(view, "worth_nothing");
}

static bool (*const gates[])(struct gate_view *view) = {
    [GATE_TIME] = pass_time,
    [GATE_STOCK] = pass_stock,
    [GATE_ELIGIBLE] = pass_eligible,
    [GATE_SEGMENT] = pass_segment,
    [GATE_CONSENT] = pass_consent,
    [GATE_SENSITIVITY] = pass_sensitivity,
    [GATE_COMPLAINT] = pass_complaint,
    [GATE_STOP] = pass_stop,
    [GATE_VULNERABLE] = pass_vulnerable,
    [GATE_LIFE] = pass_life,
    [GATE_SUITABLE] = pass_suitable,
    [GATE_AFFORDABLE] = pass_affordable,
    [GATE_APPLICABLE] = pass_applicable,
    [GATE_HOLDOUT] = pass_holdout,
    [GATE_CAP] = pass_cap,
    [GATE_COOL_DOWN] = pass_cool_down,
    [GATE_FATIGUE] = pass_fatigue,
    [GATE_QUIET] = pass_quiet,
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

/* When what is decided now reaches somebody, as late as anybody may think: what looks old is not offered. */
static int64_t reaches_ms(const struct step *step)
{
    int64_t known_ms = step->act_ms > step->task_now_ms ? step->act_ms : step->task_now_ms;
    return step->heard_ms > known_ms ? step->heard_ms : known_ms;
}

bool gates_too_old(const struct offers_policy *policy, const struct step *step)
{
    const struct event *event = step->scope->event;
    int64_t max_age_ms = policy->max_age_ms > 0 ? policy->max_age_ms : MS_PER_DAY;
    int64_t moment_ms = event != NULL ? event->time_ms : step->scope->now_ms;
    return reaches_ms(step) - moment_ms > max_age_ms;
}

bool gates_ended(const struct gate_view *view)
{
    int64_t until_ms = view->def->valid_until_ms;
    return view->step->scope->now_ms < until_ms && until_ms <= reaches_ms(view->step);
}

enum offer_gate gates_decide(struct gate_view *view, bool too_old)
{
    if (too_old || gates_ended(view)) {
        (void)say_moment(view, too_old ? "too_old" : "no_longer_valid", "at",
                         reaches_ms(view->step));
        return GATE_TIME;
    }
    return gates_pass(view, NULL);
}

/* The first gate of a list that blocks. */
static enum offer_gate first_of(struct gate_view *view, const enum offer_gate *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        view->reason = (struct slice){NULL, 0};
        if (!gates[list[i]](view)) {
            return list[i];
        }
    }
    return OFFER_GATE_COUNT;
}

enum offer_gate gates_still_pass(struct gate_view *view, bool rules)
{
    static const enum offer_gate always[] = {GATE_TIME,      GATE_CONSENT, GATE_SENSITIVITY,
                                             GATE_COMPLAINT, GATE_STOP,    GATE_VULNERABLE,
                                             GATE_LIFE};
    enum offer_gate gate = first_of(view, always, sizeof(always) / sizeof(always[0]));
    const struct {
        const struct condition *condition;
        enum offer_gate gate;
    } by_rule[] = {{&view->def->eligible, GATE_ELIGIBLE},
                   {&view->def->suitable, GATE_SUITABLE},
                   {&view->def->affordable, GATE_AFFORDABLE}};
    for (uint32_t i = 0; rules && gate == OFFER_GATE_COUNT && i < 3; i++) {
        /* A rule about the event that triggered the offer says nothing about this one. */
        if (!condition_reads_event(by_rule[i].condition)) {
            gate = first_of(view, &by_rule[i].gate, 1);
        }
    }
    return gate;
}

enum offer_gate gates_contact(struct gate_view *view)
{
    static const enum offer_gate contact[] = {GATE_CAP, GATE_QUIET, GATE_VALUE};
    return first_of(view, contact, sizeof(contact) / sizeof(contact[0]));
}

enum offer_gate offer_blocked(const struct offers *offers, uint32_t index,
                              const struct offers_state *state, const struct offer_history *history,
                              const struct offers_task *task, const struct offers_facts *facts,
                              struct step *step, struct slice *out_reason, struct slice *out_all)
{
    struct gate_view view = {.offers = offers,
                             .def = &offers->defs[index],
                             .index = index,
                             .state = state,
                             .history = history,
                             .task = task,
                             .facts = facts,
                             .step = step,
                             .asked = OFFERS_EVERY_CHANNEL};
    enum offer_gate gate = gates_pass(&view, out_all);
    *out_reason = view.reason;
    return gate;
}
