/* SPDX-License-Identifier: Apache-2.0 */
/* What came back: when each outcome was last seen, what it says about the customer's mood and channels, and
 * the counters of the arm that earned it.
 *
 * An outcome of the decision that is remembered counts for the arm and the context it was made in, and once
 * per kind, however often the app reports it; ACCEPTED without PRESENTED is both. Later than `attribution` after
 * the decision it moves no P.
 *
 * An outcome of another decision (an older one, another system's, one that offered nothing) counts for the arm that
 * it names if the offer was made or PRESENTED to the customer no longer than `attribution` ago, and once per kind
 * in that time: a control group buys too, and its purchases say nothing of what an offer does. */
#include <math.h>
#include <stdio.h>

#include "base/civil.h"
#include "model/fields.h"
#include "offers/choose.h"

enum { DEFAULT_ATTRIBUTION_DAYS = 30 };

int64_t outcome_attribution(const struct offers_policy *policy)
{
    return policy->attribution_ms > 0 ? policy->attribution_ms
                                      : DEFAULT_ATTRIBUTION_DAYS * MS_PER_DAY;
}

double outcome_tired(const struct offer_fatigue *fatigue, const struct offers_state *state,
                     int64_t now_ms)
{
    if (state->tired <= 0 || fatigue->half_life_ms <= 0 || now_ms <= state->tired_ms) {
        return state->tired;
    }
    return state->tired * exp2(-(double)(now_ms - state->tired_ms) / (double)fatigue->half_life_ms);
}

static void tire(const struct offer_fatigue *fatigue, struct offers_state *state,
                 enum outcome outcome, int64_t now_ms)
{
    if (fatigue->limit <= 0) {
        return;
    }
    double tired = outcome_tired(fatigue, state, now_ms) + fatigue->points[outcome];
    state->tired = outcome == OUTCOME_ACCEPTED || tired < 0 ? 0 : tired;
    state->tired_ms = now_ms;
}

/* Where it was said; CHANNEL_COUNT: the outcome leaves that out. */
static uint8_t named_channel(const struct event *event)
{
    int32_t field = fields_find(SOURCE_OFFER_OUTCOMES, slice_text("channel"));
    bool named = (event->present >> field & 1) != 0;
    return named ? event->outcome.channel : (uint8_t)CHANNEL_COUNT;
}

static void count_liking(struct offers_state *state, uint8_t channel, enum outcome outcome)
{
    uint16_t *seen = &state->seen[channel];
    uint16_t *liked = &state->liked[channel];
    *seen = (uint16_t)(*seen + (outcome == OUTCOME_PRESENTED));
    *liked = (uint16_t)(*liked + (outcome == OUTCOME_CLICKED || outcome == OUTCOME_ACCEPTED));
    if (*seen > 1000 || *liked > 1000) {
        *seen /= 2;
        *liked /= 2;
    }
}

/* `channel`: where the customer was spoken to, CHANNEL_COUNT: nobody knows. Whoever opts out and names no channel
 * has opted out of all, even if the decision had one: it is not for us to guess which he may still bear. */
static void count_mood(struct offers_state *state, uint8_t channel, const struct event *event)
{
    enum outcome outcome = (enum outcome)event->outcome.outcome;
    int64_t at_ms = event->time_ms;
    uint8_t named = named_channel(event);
    if (channel < CHANNEL_COUNT) {
        count_liking(state, channel, outcome);
    }
    if (outcome == OUTCOME_COMPLAINED && at_ms > state->complained_ms) {
        state->complained_ms = at_ms;
    }
    for (uint32_t i = 0; outcome == OUTCOME_OPTED_OUT && i < CHANNEL_COUNT; i++) {
        bool meant = named == CHANNEL_COUNT || named == i;
        if (meant && at_ms > state->opted_out_ms[i]) {
            state->opted_out_ms[i] = at_ms;
        }
    }
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
    counts->revenue_minor = offer_revenue_add(counts->revenue_minor, outcome->revenue_minor);
}

/* The arm that an outcome speaks of. */
struct arm {
    uint32_t offer, variant, context;
    uint8_t channel;
};

/* This task's counters of one arm, whole: the newest record per key is the truth of the compacted topic. */
static void say_stats(const struct offers *offers, struct arm arm,
                      const struct offer_counts *counts, struct step *step)
{
    const struct offer_def *def = &offers->defs[arm.offer];
    struct output_identity identity = {.definition = {def->id, def->version, def->hash},
                                       .kind = OUTPUT_OFFER_STATS,
                                       .sequence = (uint64_t)arm.variant << 16 |
                                                   (uint64_t)arm.context << 8 | arm.channel};
    struct output *output = step_output(step, OUTPUT_OFFER_STATS, &identity);
    if (output == NULL) {
        return;
    }
    struct slice variant = offer_variant_id(def, arm.variant);
    struct slice context = offers_context_id(offers, arm.context);
    char key[3 * EVENT_ID_SIZE_MAX + 64];
    int size = snprintf(key, sizeof(key), "%u|%.*s|%.*s|%s|%.*s", step->task_number,
                        (int)(def->id.size < EVENT_ID_SIZE_MAX ? def->id.size : EVENT_ID_SIZE_MAX),
                        (const char *)def->id.data,
                        (int)(variant.size < EVENT_ID_SIZE_MAX ? variant.size : EVENT_ID_SIZE_MAX),
                        (const char *)variant.data, codes_text(&codes_channel, arm.channel),
                        (int)(context.size < EVENT_ID_SIZE_MAX ? context.size : EVENT_ID_SIZE_MAX),
                        (const char *)context.data);
    output->key = arena_copy(&step->effects->arena, slice_of(key, size > 0 ? (size_t)size : 0));
    output->offer_stats = (struct offer_stats){
        .offer_id = def->id,
        .variant = variant,
        .context = context,
        .channel = arm.channel,
        .task = step->task_number,
        .presented = counts->presented,
        .clicked = counts->clicked,
        .accepted = counts->accepted,
        .rejected = counts->rejected,
        .complained = counts->complained,
        .opted_out = counts->opted_out,
        .revenue_minor = counts->revenue_minor,
    };
}

static bool is_of_decision(const struct offer_history *history, struct slice decision_id)
{
    char text[OFFERS_DECISION_TEXT_SIZE + 1];
    offer_id_text(history->decision, text);
    return history->decided_ms != 0 && slice_is(decision_id, text);
}

/* -1: the offer has no such variant. */
static int32_t variant_find(const struct offer_def *def, struct slice id)
{
    for (uint32_t i = 0; i < offer_variant_count(def); i++) {
        if (slice_equal(offer_variant_id(def, i), id)) {
            return (int32_t)i;
        }
    }
    return -1;
}

static int32_t variant_named(const struct offer_def *def, uint32_t name)
{
    for (uint32_t i = 0; i < offer_variant_count(def); i++) {
        if (ledger_name(offer_variant_id(def, i)) == name) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* What the outcome leaves out is what the decision said. */
static bool find_arm(const struct offers *offers, const struct offer_history *history, bool ours,
                     const struct event *event, struct arm *out)
{
    const struct offer_outcome *outcome = &event->outcome;
    const struct offer_def *def = &offers->defs[out->offer];
    int32_t variant = outcome->variant.size > 0 ? variant_find(def, outcome->variant)
                      : ours                    ? variant_named(def, history->variant)
                      : def->variant_count == 0 ? 0
                                                : -1;
    out->variant = (uint32_t)variant;
    uint8_t named = named_channel(event);
    out->channel = named == CHANNEL_COUNT && ours ? history->channel : named;
    out->context = ours && history->context < offers_context_count(offers) ? history->context : 0;
    return variant >= 0 && out->channel < CHANNEL_COUNT;
}

/* May an outcome of a decision that is not remembered teach P? Asked before the history takes it in. */
static bool follows_offer(const struct offers *offers, const struct offer_history *history,
                          const struct event *event)
{
    int64_t window_ms = outcome_attribution(&offers->policy);
    enum outcome kind = (enum outcome)event->outcome.outcome;
    int64_t before_ms = history->outcome_ms[kind];
    int64_t presented_ms = history->outcome_ms[OUTCOME_PRESENTED];
    int64_t told_ms = presented_ms > history->decided_ms ? presented_ms : history->decided_ms;
    bool again = before_ms != 0 && event->time_ms <= before_ms + window_ms;
    bool told = told_ms != 0 && event->time_ms <= told_ms + window_ms;
    return !again && (kind == OUTCOME_PRESENTED || told);
}

static void count_arm(const struct offers *offers, struct offer_history *history, bool ours,
                      struct arm arm, struct offers_task *task, struct step *step)
{
    const struct offer_outcome *outcome = &step->scope->event->outcome;
    struct offer_counts *counts =
        &task->counts[offers_arm(offers, arm.offer, arm.variant, arm.channel, arm.context)];
    if (ours) {
        bool again = (history->counted >> outcome->outcome & 1) != 0;
        if (again || step->scope->event->time_ms >
                         history->decided_ms + outcome_attribution(&offers->policy)) {
            return;
        }
        bool unseen = (history->counted >> OUTCOME_PRESENTED & 1) == 0;
        if (unseen && outcome->outcome == OUTCOME_ACCEPTED) {
            counts->presented++;
            history->counted |= 1U << OUTCOME_PRESENTED;
        }
        history->counted |= (uint8_t)(1U << outcome->outcome);
    }
    count_outcome(counts, outcome);
    say_stats(offers, arm, counts, step);
}

void outcome_take(const struct offers *offers, struct offers_state *state,
                  struct offer_history *histories, struct offers_task *task, struct step *step)
{
    const struct event *event = step->scope->event;
    const struct offer_outcome *outcome = &event->outcome;
    struct arm arm = {.offer = 0};
    if (outcome->outcome >= OUTCOME_COUNT || outcome->channel >= CHANNEL_COUNT) {
        return;
    }
    while (arm.offer < offers->count &&
           !slice_equal(offers->defs[arm.offer].id, outcome->offer_id)) {
        arm.offer++;
    }
    task->outcomes[outcome->outcome]++;
    tire(&offers->policy.fatigue, state, (enum outcome)outcome->outcome, step->scope->now_ms);
    if (arm.offer == offers->count) {
        /* An offer that the playbook has no more can still be complained about. */
        count_mood(state, named_channel(event), event);
        task->unknown_outcomes++;
        return;
    }
    struct offer_history *history = &histories[arm.offer];
    bool ours = is_of_decision(history, outcome->decision_id);
    bool known = find_arm(offers, history, ours, event, &arm);
    count_mood(state, arm.channel, event);
    bool counts = ours || follows_offer(offers, history, event);
    int64_t *at_ms = &history->outcome_ms[outcome->outcome];
    *at_ms = event->time_ms > *at_ms ? event->time_ms : *at_ms;
    history->open = history->open && !ours;
    experiment_outcome(offers, arm.offer, history, task, step);
    if (!known) {
        task->unknown_outcomes++;
        return;
    }
    if (counts) {
        count_arm(offers, history, ours, arm, task, step);
    }
}
