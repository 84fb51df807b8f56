/* SPDX-License-Identifier: Apache-2.0 */
/* Between a decision and the customer: offers that quiet hours hold, and offers that nothing was heard of yet.
 * Both can still be taken back, and are, with the event that closes a gate for them. */
#include "base/civil.h"
#include "offers/choose.h"

enum { DEFAULT_OPEN_DAYS = 7 };

void offer_id_text(const uint64_t id[2], char out[OFFERS_DECISION_TEXT_SIZE + 1])
{
    /* "%016llx" twice, which took a tenth of the time of a decision */
    for (uint32_t i = 0; i < OFFERS_DECISION_TEXT_SIZE; i++) {
        out[i] = "0123456789abcdef"[id[i / 16] >> (60 - 4 * (i % 16)) & 15];
    }
    out[OFFERS_DECISION_TEXT_SIZE] = '\0';
}

static int64_t open_for(const struct offers_policy *policy)
{
    return policy->open_ms > 0 ? policy->open_ms : DEFAULT_OPEN_DAYS * MS_PER_DAY;
}

void open_note(const struct gate_view *view, struct offers_state *state,
               struct offer_history *history, const uint64_t decision[2], bool held)
{
    int64_t now_ms = view->step->scope->now_ms;
    int64_t until_ms = held ? view->plan.at_ms : now_ms + open_for(&view->offers->policy);
    state->noted |= UINT64_C(1) << view->index;
    history->held_until_ms = held ? until_ms : 0;
    memcpy(held ? history->held_decision : history->decision, decision, sizeof(history->decision));
    if (held) {
        history->held_channel = view->plan.channel;
    } else {
        memset(history->held_decision, 0, sizeof(history->held_decision));
        history->held_channel = 0;
        history->open = true;
        history->channel = view->plan.channel;
        history->decided_ms = now_ms;
        history->context = (uint8_t)view->context;
        history->counted = 0;
    }
    state->open_until_ms = until_ms > state->open_until_ms ? until_ms : state->open_until_ms;
}

/* What is being taken back in one evaluation. */
struct withdrawal {
    struct withdrawn_offer *list;
    uint32_t count, capacity;
};

static void add_withdrawn(struct withdrawal *out, const struct gate_view *view,
                          enum offer_gate gate, const uint64_t decision[2], uint8_t channel)
{
    struct arena *arena = &view->step->effects->arena;
    char id[OFFERS_DECISION_TEXT_SIZE + 1];
    if (out->list == NULL) {
        out->capacity = 2 * view->offers->count;
        out->list = arena_take(arena, out->capacity * sizeof(*out->list));
    }
    if (out->list == NULL) {
        view->step->effects->full = true;
        return;
    }
    offer_id_text(decision, id);
    out->list[out->count++] = (struct withdrawn_offer){
        .decision_id = arena_copy(arena, slice_text(id)),
        .offer_id = view->def->id,
        .channel = channel,
        .gate = slice_text(offer_gate_name(gate)),
        .reason = arena_copy(arena, view->reason),
    };
}

static void say_withdrawn(struct offers_state *state, const struct withdrawal *withdrawal,
                          struct step *step)
{
    struct output_identity identity = {.definition = {.hash = step->policy_hash},
                                       .kind = OUTPUT_OFFER_DECIDED,
                                       .transition = 2,
                                       .sequence = state->decisions++};
    struct output *output = step_output(step, OUTPUT_OFFER_DECIDED, &identity);
    char id[OFFERS_DECISION_TEXT_SIZE + 1];
    if (output == NULL) {
        return;
    }
    offer_id_text(output->id, id);
    output->offer_decided = (struct offer_decided){
        .decision_id = arena_copy(&step->effects->arena, slice_text(id)),
        .origin = step->origin,
        .effective_at_ms = step->scope->now_ms,
        .cause = step->cause,
        .withdrawn = withdrawal->list,
        .withdrawn_count = withdrawal->count,
        .no_offer_reason = slice_text("withdrawn"),
        .policy_hash = step->policy_hash,
    };
}

/* What channels read must not show it any longer. */
static void unshow(struct offers_state *state, const struct offer_def *def)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < state->shown_count; i++) {
        if (state->shown[i] != ledger_name(def->id)) {
            state->shown[kept++] = state->shown[i];
        }
    }
    memset(&state->shown[kept], 0, (OFFERS_TOP_MAX - kept) * sizeof(state->shown[0]));
    state->shown_count = (uint8_t)kept;
}

/* In the view? Whoever is not of the last decision with offers cannot be, which spares most the hash. */
static bool is_shown(const struct offers_state *state, const struct offer_history *history,
                     const struct offer_def *def)
{
    uint32_t at = 0;
    if (state->shown_count == 0 || history->decided_ms != state->decided_ms) {
        return false;
    }
    uint32_t name = ledger_name(def->id);
    while (at < state->shown_count && state->shown[at] != name) {
        at++;
    }
    return at < state->shown_count;
}

/* An open offer, and one that the view still shows though it was heard of, is asked about its own channel, a held
 * one about all that it may still take. Only what nobody has heard of is said to be withdrawn. */
static void withdraw_one(struct gate_view *view, struct offers_state *state,
                         struct offer_history *history, bool rules, struct withdrawal *out)
{
    int64_t now_ms = view->step->scope->now_ms;
    bool open = history->open && now_ms <= history->decided_ms + open_for(&view->offers->policy);
    if (open || is_shown(state, history, view->def)) {
        view->asked = (uint8_t)(1U << history->channel);
        enum offer_gate gate = gates_still_pass(view, rules);
        if (gate != OFFER_GATE_COUNT) {
            unshow(state, view->def);
        }
        if (gate != OFFER_GATE_COUNT && open) {
            add_withdrawn(out, view, gate, history->decision, history->channel);
            history->open = false;
        }
    }
    if (history->held_until_ms != 0) {
        view->asked = OFFERS_EVERY_CHANNEL;
        enum offer_gate gate = gates_still_pass(view, rules);
        if (gate == OFFER_GATE_COUNT && view->step->live && gates_ended(view)) {
            gate = gates_decide(view, false); /* its reason names the moment */
        }
        if (gate != OFFER_GATE_COUNT) {
            add_withdrawn(out, view, gate, history->held_decision, history->held_channel);
            open_release(history);
        }
    }
}

void open_release(struct offer_history *history)
{
    history->held_until_ms = 0;
    memset(history->held_decision, 0, sizeof(history->held_decision));
    history->held_channel = 0;
}

/* A hold whose end nobody has looked at yet: it waits on, though open_until_ms is over. */
static bool is_any_held(const struct offers *offers, const struct offers_state *state,
                        const struct offer_history *histories)
{
    uint64_t rest = offers_noted(offers, state);
    while (rest != 0 && histories[__builtin_ctzll(rest)].held_until_ms == 0) {
        rest &= rest - 1;
    }
    return rest != 0;
}

void open_withdraw(const struct offers *offers, struct offers_state *state,
                   struct offer_history *histories, struct offers_task *task,
                   const struct offers_facts *facts, struct step *step)
{
    int64_t now_ms = step->scope->now_ms;
    const struct event *event = step->scope->event;
    bool rules = event != NULL && event->source == SOURCE_CUSTOMER_PROFILES;
    struct withdrawal withdrawal = {NULL, 0, 0};
    if (state->open_until_ms != 0 && now_ms > state->open_until_ms &&
        !is_any_held(offers, state, histories)) {
        state->open_until_ms = 0;
    }
    bool any = state->open_until_ms != 0 || state->shown_count != 0;
    for (uint64_t rest = offers_noted(offers, state); rest != 0; rest &= rest - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(rest);
        if (!histories[i].open && histories[i].held_until_ms == 0 &&
            !is_shown(state, &histories[i], &offers->defs[i])) {
            state->noted &=
                ~(UINT64_C(1) << i); /* as of all, when the customer comes from a record */
            continue;
        }
        if (!any) {
            continue;
        }
        struct gate_view view = {.offers = offers,
                                 .def = &offers->defs[i],
                                 .index = i,
                                 .state = state,
                                 .history = &histories[i],
                                 .task = task,
                                 .facts = facts,
                                 .step = step};
        withdraw_one(&view, state, &histories[i], rules, &withdrawal);
    }
    if (withdrawal.count > 0) {
        say_withdrawn(state, &withdrawal, step);
    }
}

void open_expire(const struct offers *offers, struct offers_state *state,
                 struct offer_history *histories, struct offers_task *task, struct step *step)
{
    struct withdrawal withdrawal = {NULL, 0, 0};
    for (uint64_t rest = offers_noted(offers, state); rest != 0; rest &= rest - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(rest);
        struct offer_history *history = &histories[i];
        if (history->held_until_ms == 0 || history->held_until_ms > step->scope->now_ms) {
            continue;
        }
        struct gate_view view = {.offers = offers,
                                 .def = &offers->defs[i],
                                 .index = i,
                                 .step = step,
                                 .reason = slice_text("overdue")};
        if (step->live) { /* before live_from nothing is said of offers */
            task->blocked[GATE_QUIET]++;
            add_withdrawn(&withdrawal, &view, GATE_QUIET, history->held_decision,
                          history->held_channel);
        }
        open_release(history);
    }
    if (withdrawal.count > 0) {
        say_withdrawn(state, &withdrawal, step);
    }
}

void offers_erase(const struct offers *offers, struct offers_state *state,
                  struct offer_history *histories, struct step *step)
{
    struct withdrawal withdrawal = {NULL, 0, 0};
    for (uint32_t i = 0; state->open_until_ms != 0 && i < offers->count; i++) {
        struct offer_history *history = &histories[i];
        struct gate_view view = {.offers = offers,
                                 .def = &offers->defs[i],
                                 .index = i,
                                 .step = step,
                                 .reason = slice_text("erased")};
        if (history->open &&
            step->scope->now_ms <= history->decided_ms + open_for(&offers->policy)) {
            add_withdrawn(&withdrawal, &view, GATE_CONSENT, history->decision, history->channel);
        }
        if (history->held_until_ms != 0) {
            add_withdrawn(&withdrawal, &view, GATE_CONSENT, history->held_decision,
                          history->held_channel);
        }
    }
    if (withdrawal.count > 0) {
        say_withdrawn(state, &withdrawal, step);
    }
}

int64_t offers_next_change(const struct offers *offers, const struct offers_state *state,
                           const struct offer_history *histories, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    if (state->open_until_ms <= now_ms && state->shown_count == 0) {
        return next_ms;
    }
    for (uint64_t rest = offers_noted(offers, state); rest != 0; rest &= rest - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(rest);
        const struct offer_history *history = &histories[i];
        int64_t free_ms = history->held_until_ms, ends_ms = offers->defs[i].valid_until_ms;
        next_ms = free_ms > now_ms && free_ms < next_ms ? free_ms : next_ms;
        if (ends_ms <= now_ms || ends_ms >= next_ms) {
            continue;
        }
        /* Nothing is open any more behind open_until_ms; in the view an offer stays until another does. */
        bool waits = (history->open || free_ms != 0) && ends_ms <= state->open_until_ms;
        if (waits || is_shown(state, history, &offers->defs[i])) {
            next_ms = ends_ms;
        }
    }
    return next_ms;
}
