/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the offers that passed are made: by score, but no two of a group, bundles whole, at most `top`
 * entries, and never more than the contact policy allows together. */
#include "offers/choose.h"

void decision_block(struct decision *decision, struct offers_task *task,
                    const struct offer_def *def, enum offer_gate gate, struct slice reason,
                    struct effects *effects)
{
    task->blocked[gate]++;
    if (decision->blocked != NULL) {
        decision->blocked[decision->blocked_count++] = (struct blocked_offer){
            def->id, slice_text(offer_gate_name(gate)), arena_copy(&effects->arena, reason)};
    }
}

void decision_add(struct decision *decision, const struct gate_view *view)
{
    uint32_t at = decision->passed;
    while (at > 0 && decision->views[at - 1].score < view->score) {
        decision->views[at] = decision->views[at - 1];
        at--;
    }
    decision->views[at] = *view;
    decision->passed++;
}

static bool same_bundle(const struct gate_view *a, const struct gate_view *b)
{
    return a->def->bundle.size > 0 && slice_equal(a->def->bundle, b->def->bundle);
}

/* What an entry of the ranking is worth: an offer's score, or the sum of a bundle's. */
static double entry_score(const struct decision *decision, const struct gate_view *view)
{
    double score = view->score;
    for (uint32_t i = 0; i < decision->passed; i++) {
        const struct gate_view *other = &decision->views[i];
        score += other->def != view->def && same_bundle(other, view) ? other->score : 0;
    }
    return score;
}

/* Entries by their worth, a bundle's offers side by side; within one, and between equals, the old order. */
static void order_entries(struct decision *decision)
{
    double worth[DECISION_CANDIDATES_MAX];
    for (uint32_t i = 0; i < decision->passed; i++) {
        worth[i] = entry_score(decision, &decision->views[i]);
    }
    for (uint32_t i = 1; i < decision->passed; i++) {
        struct gate_view view = decision->views[i];
        double score = worth[i];
        uint32_t at = i;
        while (at > 0 && worth[at - 1] < score) {
            decision->views[at] = decision->views[at - 1];
            worth[at] = worth[at - 1];
            at--;
        }
        decision->views[at] = view;
        worth[at] = score;
    }
}

/* The best entry comes first but for a share of decisions, in which one is drawn evenly: or an offer that did
 * badly with its first customers would never be seen again. Only the first place is drawn; groups and caps
 * follow from it, so the chance of the whole list is the one of its first place. The draw is a hash of the
 * decision: a replay draws the same. */
static void draw_first(struct decision *decision, double explore)
{
    uint32_t begins[DECISION_CANDIDATES_MAX];
    uint32_t entries = 0;
    for (uint32_t i = 0; i < decision->passed; i++) {
        if (i == 0 || !same_bundle(&decision->views[i - 1], &decision->views[i])) {
            begins[entries++] = i;
        }
    }
    if (explore <= 0 || entries < 2) {
        return;
    }
    double at = keyed_unit(decision->views[0].step, decision->id, slice_text("first"));
    uint32_t drawn = at < explore ? (uint32_t)(at / explore * entries) : 0;
    drawn = drawn < entries ? drawn : entries - 1;
    double share = explore / entries + (drawn == 0 ? 1 - explore : 0);
    uint32_t begin = begins[drawn];
    uint32_t end = drawn + 1 < entries ? begins[drawn + 1] : decision->passed;
    for (uint32_t i = begin; i < end; i++) { /* in front of all, in its own order */
        struct gate_view view = decision->views[i];
        memmove(&decision->views[i - begin + 1], &decision->views[i - begin],
                begin * sizeof(decision->views[0]));
        decision->views[i - begin] = view;
        decision->views[i - begin].place_share = share; /* a bundle is drawn as one */
    }
}

/* Offers of one bundle may share its group; nobody else may. */
static bool group_is_taken(const struct decision *decision, uint32_t kept,
                           const struct gate_view *view)
{
    for (uint32_t k = 0; k < kept; k++) {
        const struct gate_view *chosen = &decision->views[k];
        if (slice_equal(ledger_group(chosen->def), ledger_group(view->def)) &&
            !same_bundle(chosen, view)) {
            return true;
        }
    }
    return false;
}

uint32_t decision_arbitrate(struct decision *decision, const struct offers *offers,
                            struct offers_state *state, struct offer_history *histories,
                            struct offers_task *task, struct effects *effects)
{
    uint32_t top = offers->policy.top > 0 ? offers->policy.top : 3;
    uint32_t kept = 0;
    uint32_t entries = 0;
    order_entries(decision);
    draw_first(decision, offers->policy.explore_offers);
    for (uint32_t i = 0; i < decision->passed; i++) {
        struct gate_view view = decision->views[i];
        bool joins = kept > 0 && same_bundle(&decision->views[kept - 1], &view);
        bool taken = group_is_taken(decision, kept, &view);
        if (taken || kept == OFFERS_TOP_MAX || (entries >= top && !joins)) {
            decision_block(decision, task, view.def, GATE_ARBITRATION,
                           slice_text(taken ? "group" : "lower_score"), effects);
            continue;
        }
        enum offer_gate gate = kept > 0 ? gates_contact(&view) : OFFER_GATE_COUNT;
        if (gate != OFFER_GATE_COUNT) {
            decision_block(decision, task, view.def, gate, view.reason, effects);
            if (gate == GATE_QUIET) { /* the channel that could speak now is used up */
                open_note(&view, state, &histories[view.index], decision->id, true);
            }
            continue;
        }
        if (view.def->contact_class == OFFER_MARKETING) {
            ledger_add(offers, state, view.def, view.plan);
        }
        entries += !joins;
        decision->views[kept++] = view;
    }
    return kept;
}
