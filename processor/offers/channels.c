/* SPDX-License-Identifier: Apache-2.0 */
/* Where to speak: of the channels that are still open, the one that fits the customer best and that no cap
 * closes. In this order: what an access need speaks against comes last; the telephone for what is worth it;
 * the customer's own preference; what this customer has liked more often; the order of the code list. */
#include "offers/choose.h"

/* Access needs shape the channel, they stop nothing (DESIGN 4). */
static uint8_t unfit_channels(uint32_t vulnerability)
{
    uint8_t unfit = 0;
    if ((vulnerability >> VULNERABLE_HEARING & 1) != 0 ||
        (vulnerability >> VULNERABLE_LANGUAGE & 1) != 0) {
        unfit |= 1U << CHANNEL_PHONE;
    }
    if ((vulnerability >> VULNERABLE_SIGHT & 1) != 0) {
        unfit |= 1U << CHANNEL_POST;
    }
    return unfit;
}

/* Share of what this customer saw there that was liked, with a prior of one in four. */
static double affinity(const struct offers_state *state, uint8_t channel)
{
    return (state->liked[channel] + 1.0) / (state->seen[channel] + 4.0);
}

struct rank {
    bool fit, worth, preferred;
    double affinity;
};

static struct rank rank_channel(const struct gate_view *view, uint8_t channel)
{
    const struct profile *profile = &view->step->scope->customer->profile;
    int64_t phone_from = view->offers->policy.phone_from_minor;
    return (struct rank){
        .fit = (unfit_channels(profile->vulnerability) >> channel & 1) == 0,
        .worth = channel == CHANNEL_PHONE && phone_from > 0 && view->valued &&
                 view->v * 100 >= (double)phone_from,
        .preferred = profile->preferred_channel == channel &&
                     profile_has(profile, PROFILE_PREFERRED_CHANNEL),
        .affinity = affinity(view->state, channel),
    };
}

static bool rank_beats(struct rank a, struct rank b)
{
    if (a.fit != b.fit) {
        return a.fit;
    }
    if (a.worth != b.worth) {
        return a.worth;
    }
    if (a.preferred != b.preferred) {
        return a.preferred;
    }
    return a.affinity > b.affinity;
}

/* A call costs more than most offers earn. */
static uint8_t affordable_channels(const struct gate_view *view)
{
    int64_t phone_from = view->offers->policy.phone_from_minor;
    bool dear = phone_from > 0 && (!view->valued || view->v * 100 < (double)phone_from);
    return dear ? view->channels & (uint8_t) ~(1U << CHANNEL_PHONE) : view->channels;
}

uint8_t channels_unsure(const struct gate_view *view)
{
    const struct offers_policy *policy = &view->offers->policy;
    bool quiet = policy->quiet_from_minute >= 0 &&
                 policy->quiet_from_minute != policy->quiet_to_minute &&
                 view->def->contact_class != OFFER_MANDATORY;
    return quiet && view->step->scope->customer->profile.zone_guessed
               ? view->channels & policy->quiet_channels
               : 0;
}

static const char *reason_of(struct rank rank, bool only)
{
    return only ? "only" : rank.worth ? "value" : rank.preferred ? "preferred" : "affinity";
}

/* Quiet hours end for both clocks, where they differ: neither may wake anybody. */
static int64_t send_after(const struct gate_view *view, uint8_t channel)
{
    const struct step *step = view->step;
    const struct offers_policy *policy = &view->offers->policy;
    int64_t after_ms = ledger_send_after(policy, step->scope, channel, step->act_ms);
    if (after_ms <= step->act_ms && step->heard_ms > step->act_ms) {
        int64_t later_ms = ledger_send_after(policy, step->scope, channel, step->heard_ms);
        after_ms = later_ms > step->heard_ms ? later_ms : after_ms;
    }
    return after_ms;
}

bool channel_choose(struct gate_view *view, const struct offer_cap **out_cap)
{
    bool mandatory = view->def->contact_class == OFFER_MANDATORY;
    if (!view->valued) {
        (void)offer_value(view);
    }
    uint8_t left = affordable_channels(view) & (uint8_t)~channels_unsure(view);
    bool only = (left & (left - 1)) == 0;
    *out_cap = NULL;
    while (left != 0) {
        uint8_t best = CHANNEL_COUNT;
        struct rank best_rank = {0};
        for (uint32_t channel = 0; channel < CHANNEL_COUNT; channel++) {
            struct rank rank = rank_channel(view, (uint8_t)channel);
            if ((left >> channel & 1) != 0 &&
                (best == CHANNEL_COUNT || rank_beats(rank, best_rank))) {
                best = (uint8_t)channel;
                best_rank = rank;
            }
        }
        struct contact_plan plan = {mandatory ? view->step->act_ms : send_after(view, best), best};
        const struct offer_cap *full = NULL;
        if (view->def->contact_class != OFFER_MARKETING ||
            (!ledger_capped(view->offers, view->def, view->state, plan, &full) &&
             ledger_has_room(view->offers, view->state, plan.at_ms))) {
            view->plan = plan;
            view->channel_reason = reason_of(best_rank, only);
            return true;
        }
        *out_cap = full;
        left &= (uint8_t) ~(1U << best);
    }
    return false;
}
