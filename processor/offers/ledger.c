/* SPDX-License-Identifier: Apache-2.0 */
#include "offers/ledger.h"

#include "base/civil.h"
#include "base/hash.h"
#include "base/invariant.h"

uint32_t ledger_name(struct slice name)
{
    return (uint32_t)hash64(name, 0);
}

struct slice ledger_group(const struct offer_def *def)
{
    return def->group.size > 0 ? def->group : def->id;
}

uint32_t ledger_count(const struct offers_state *state, const struct offer_def *def,
                      const struct offer_cap *cap, struct contact_plan plan)
{
    uint32_t offer = ledger_name(def->id);
    uint32_t group = ledger_name(ledger_group(def));
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->contact_count; i++) {
        const struct offer_contact *contact = &state->contacts[i];
        bool counts = true;
        switch ((enum offer_cap_scope)cap->scope) {
        case CAP_OFFER:
            counts = contact->offer == offer;
            break;
        case CAP_GROUP:
            counts = contact->group == group;
            break;
        case CAP_CHANNEL:
            counts = contact->channel == plan.channel;
            break;
        case CAP_ALL:
            break;
        }
        count += counts && contact->at_ms > plan.at_ms - cap->window_ms;
    }
    return count;
}

static const struct offer_cap *first_full(const struct offer_cap *caps, uint32_t cap_count,
                                          const struct offer_def *def,
                                          const struct offers_state *state,
                                          struct contact_plan plan)
{
    for (uint32_t i = 0; i < cap_count; i++) {
        bool about = caps[i].scope != CAP_CHANNEL || caps[i].channel == CHANNEL_COUNT ||
                     caps[i].channel == plan.channel;
        if (about && ledger_count(state, def, &caps[i], plan) >= caps[i].limit) {
            return &caps[i];
        }
    }
    return NULL;
}

bool ledger_capped(const struct offers *offers, const struct offer_def *def,
                   const struct offers_state *state, struct contact_plan plan,
                   const struct offer_cap **out_cap)
{
    const struct offer_cap *full = first_full(def->caps, def->cap_count, def, state, plan);
    if (full == NULL) {
        full = first_full(offers->policy.caps, offers->policy.cap_count, def, state, plan);
    }
    *out_cap = full;
    return full != NULL;
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* How far back any cap may look and still count this contact. */
static int64_t counted_for(const struct offers *offers, const struct offer_contact *contact)
{
    const struct offers_policy *policy = &offers->policy;
    int64_t window_ms = 0;
    for (uint32_t i = 0; i < policy->cap_count; i++) {
        const struct offer_cap *cap = &policy->caps[i];
        bool about = cap->scope != CAP_CHANNEL || cap->channel == CHANNEL_COUNT ||
                     cap->channel == contact->channel;
        window_ms = about ? longer(window_ms, cap->window_ms) : window_ms;
    }
    for (uint32_t i = 0; i < offers->count; i++) {
        const struct offer_def *def = &offers->defs[i];
        bool own = ledger_name(def->id) == contact->offer;
        bool group = ledger_name(ledger_group(def)) == contact->group;
        for (uint32_t k = 0; k < def->cap_count; k++) {
            const struct offer_cap *cap = &def->caps[k];
            bool about = cap->scope == CAP_OFFER ? own
                         : cap->scope == CAP_GROUP
                             ? group
                             : cap->scope != CAP_CHANNEL || cap->channel == CHANNEL_COUNT ||
                                   cap->channel == contact->channel;
            window_ms = about ? longer(window_ms, cap->window_ms) : window_ms;
        }
    }
    return window_ms;
}

bool ledger_has_room(const struct offers *offers, const struct offers_state *state, int64_t at_ms)
{
    if (state->contact_count < OFFER_LEDGER_MAX) {
        return true;
    }
    for (uint32_t i = 0; i < state->contact_count; i++) {
        const struct offer_contact *contact = &state->contacts[i];
        if (contact->at_ms <= at_ms - counted_for(offers, contact)) {
            return true;
        }
    }
    return false;
}

void ledger_add(const struct offers *offers, struct offers_state *state,
                const struct offer_def *def, struct contact_plan plan)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < state->contact_count; i++) {
        const struct offer_contact *contact = &state->contacts[i];
        if (contact->at_ms > plan.at_ms - counted_for(offers, contact)) {
            state->contacts[kept++] = *contact;
        }
    }
    INVARIANT(kept < OFFER_LEDGER_MAX);
    state->contacts[kept++] = (struct offer_contact){
        .at_ms = plan.at_ms,
        .offer = ledger_name(def->id),
        .group = ledger_name(ledger_group(def)),
        .channel = plan.channel,
    };
    memset(&state->contacts[kept], 0, (OFFER_LEDGER_MAX - kept) * sizeof(state->contacts[0]));
    state->contact_count = kept;
}

int64_t ledger_cool_until(const struct offer_def *def, const struct offer_history *history,
                          int64_t now_ms, enum outcome *out_outcome)
{
    int64_t until = 0;
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        int64_t at_ms = history->outcome_ms[outcome];
        if (at_ms == 0 || def->cool_down_ms[outcome] == 0) {
            continue;
        }
        int64_t free_ms = at_ms + def->cool_down_ms[outcome];
        if (free_ms > now_ms && free_ms > until) {
            until = free_ms;
            *out_outcome = (enum outcome)outcome;
        }
    }
    return until;
}

int64_t ledger_send_after(const struct offers_policy *policy, const struct scope *scope,
                          uint8_t channel, int64_t from_ms)
{
    int32_t from = policy->quiet_from_minute;
    int32_t to = policy->quiet_to_minute;
    if (from < 0 || from == to || (policy->quiet_channels >> channel & 1) == 0) {
        return from_ms;
    }
    int32_t zone = scope->customer->profile.zone;
    int64_t local_ms = from_ms + zones_offset_ms(scope->zones, zone, from_ms);
    int64_t day = civil_floor(local_ms, MS_PER_DAY);
    int32_t minute = (int32_t)((local_ms - day * MS_PER_DAY) / MS_PER_MINUTE);
    bool quiet = from < to ? minute >= from && minute < to : minute >= from || minute < to;
    if (!quiet) {
        return from_ms;
    }
    int64_t end_day = minute < to ? day : day + 1;
    int64_t end_local_ms = end_day * MS_PER_DAY + to * MS_PER_MINUTE;
    int64_t end_ms = zones_from_local_ms(scope->zones, zone, end_local_ms);
    /* In an hour that the clock shows twice the end has been once, and comes again. */
    return end_ms > from_ms ? end_ms : from_ms + (end_local_ms - local_ms);
}
