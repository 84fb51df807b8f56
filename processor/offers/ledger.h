/* SPDX-License-Identifier: Apache-2.0 */
/* The contact ledger: what a customer was offered, when and where, as far back as any cap looks; rolling
 * caps and cool-downs over it; quiet hours. Private to offers/. */
#ifndef OFFERS_LEDGER_H
#define OFFERS_LEDGER_H

#include "offers/offers.h"

/* One contact that may be made: its moment (send_after) and where. */
struct contact_plan {
    int64_t at_ms;
    uint8_t channel; /* enum channel */
};

/* What an offer and its group are called in the ledger (by name, so that a changed playbook keeps them). */
uint32_t ledger_name(struct slice name);
struct slice ledger_group(const struct offer_def *def);

/* Contacts within `cap` before `plan.at_ms`. */
uint32_t ledger_count(const struct offers_state *state, const struct offer_def *def,
                      const struct offer_cap *cap, struct contact_plan plan);

/* Is any cap of the offer or the policy full for this plan? `out_cap` says which. */
bool ledger_capped(const struct offers *offers, const struct offer_def *def,
                   const struct offers_state *state, struct contact_plan plan,
                   const struct offer_cap **out_cap);

/* Is there room for one more contact at that moment? Only what no cap can count any more makes room: a
 * ledger full of what still counts refuses rather than forget. */
bool ledger_has_room(const struct offers *offers, const struct offers_state *state, int64_t at_ms);

/* Add a contact; what no cap can count any more at plan.at_ms goes. There must be room. */
void ledger_add(const struct offers *offers, struct offers_state *state,
                const struct offer_def *def, struct contact_plan plan);

/* When the offer is free again after its outcomes; `out_outcome` says which one holds it. 0: free. */
int64_t ledger_cool_until(const struct offer_def *def, const struct offer_history *history,
                          int64_t now_ms, enum outcome *out_outcome);

/* The first moment from `from_ms` on at which that channel may sound, in the customer's local time. */
int64_t ledger_send_after(const struct offers_policy *policy, const struct scope *scope,
                          uint8_t channel, int64_t from_ms);

#endif
