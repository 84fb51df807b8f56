/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "engine/counters.h"
#include "engine/explain.h"
#include "support/engine_kit.h"
#include "support/suite.h"

static struct kit kit;
static uint32_t event_number;

static void setup(void)
{
    event_number = 0;
    kit_open(&kit);
}

static void teardown(void)
{
    kit_close(&kit);
}

static int64_t day(int64_t days)
{
    return KIT_START_MS + days * KIT_DAY_MS + INT64_C(12) * 3600000;
}

static void take(struct event event)
{
    event.offset = ++event_number;
    kit_event(&kit, 0, &event);
}

static void pay_salary(uint32_t months)
{
    for (uint32_t i = 0; i < months; i++) {
        take(kit_tx(day((int64_t)i * 30), DIRECTION_CREDIT, 250000, "acme"));
    }
}

START_TEST(a_salary_that_stops_is_noticed_with_no_event)
{
    pay_salary(4);
    kit_advance(&kit, 0, day(90 + 45));
    ck_assert_uint_eq(kit_count(&kit, "salary.stopped"), 0);
    kit_advance(&kit, 0, day(90 + 45) + 1);
    ck_assert_uint_eq(kit_count(&kit, "salary.stopped CONFIRMED TIMER"), 1);
    ck_assert_uint_eq(kit_count(&kit, "offer notice/default POST"),
                      1); /* mandatory, triggered by it */
    take(kit_tx(day(150), DIRECTION_CREDIT, 250000, "acme"));
    ck_assert_uint_eq(kit_count(&kit, "salary.stopped EXPIRED LIVE"), 1);
}
END_TEST

START_TEST(other_events_do_not_hide_a_stopped_salary)
{
    pay_salary(4);
    for (int64_t i = 91; i < 140; i++) {
        take(kit_tx(day(i), DIRECTION_DEBIT, 500, "shop"));
    }
    ck_assert_uint_eq(kit_count(&kit, "salary.stopped CONFIRMED TIMER"), 1);
    char expected[80];
    (void)snprintf(expected, sizeof(expected), "life-events %lld ",
                   (long long)(day(135) + 1 - KIT_START_MS));
    ck_assert_uint_eq(kit_count(&kit, expected),
                      1); /* effective at its moment, not at the next event */
}
END_TEST

START_TEST(a_windfall_leads_through_all_stages)
{
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate"));
    ck_assert_uint_eq(kit_count(&kit, "windfall CONFIRMED LIVE"), 1);
    ck_assert_uint_eq(kit_count(&kit, "lucky ENTERED LIVE m1 by transaction@2"),
                      2); /* change and state */
    ck_assert_uint_eq(kit_count(&kit, "offer savings/"), 1);
    ck_assert_uint_eq(kit_count(&kit, "exposures"), 1);
    kit_advance(&kit, 0, day(12));
    ck_assert_uint_eq(kit_count(&kit, "lucky EXITED TIMER m2 by deadline@-1"), 2);
    kit_advance(&kit, 0, day(32));
    ck_assert_uint_eq(kit_count(&kit, "windfall EXPIRED TIMER"), 1);
}
END_TEST

START_TEST(no_offer_says_what_is_missing)
{
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate"));
    ck_assert_uint_eq(kit_count(&kit, "blocked savings by consent:missing:c.consents"), 1);
    struct engine_counters counters;
    engine_counters(kit.engine, kit.task, &counters);
    ck_assert_uint_eq(counters.no_offers, 1);
    ck_assert_uint_eq(counters.blocked[GATE_CONSENT], 1);
    ck_assert_str_eq(engine_gate_name(GATE_CONSENT), "consent");
    ck_assert_uint_eq(counters.segment_sizes[2], 1);
}
END_TEST

/* Of what happened in the afternoon nobody hears at night, though the event says that it is day. */
START_TEST(quiet_hours_are_those_of_the_decision)
{
    struct engine_options options = {ENGINE_CLOCK_LIVE, INT64_MIN, 99, 1};
    struct status_text text;
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_DEBIT, 200000, "shop"));
    /* days of the kit begin at noon: 14:00, and 23:00 where the task is */
    kit.now_ms = day(1) + INT64_C(11) * 3600000;
    take(kit_app(day(1) + INT64_C(2) * 3600000, "login")); /* stream clock: as it was then */
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 1);
    ck_assert_int_eq(engine_open(&kit.playbook, kit.zones, options, &kit.engine, &text), STATUS_OK);
    kit.now_ms = day(6) + INT64_C(11) * 3600000;
    take(kit_app(day(6) + INT64_C(2) * 3600000, "login"));
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 1);
    ck_assert_uint_eq(kit_count(&kit, "blocked card by quiet_hours:held until 2026-01-08T08"), 1);
    kit_advance(&kit, 0, day(7) - INT64_C(4) * 3600000);
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 2);
}
END_TEST

/* Before a task's first own cut two clocks may differ: when either says that it is night, nobody is woken. */
START_TEST(quiet_hours_are_those_of_either_clock)
{
    struct engine_options options = {ENGINE_CLOCK_LIVE, INT64_MIN, 99, 1};
    struct status_text text;
    const int64_t hour = 3600000;
    ck_assert_int_eq(engine_open(&kit.playbook, kit.zones, options, &kit.engine, &text), STATUS_OK);
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_DEBIT, 200000, "shop"));
    /* half past two at night, and this machine's clock says half past eight */
    kit.now_ms = day(6) + 14 * hour + hour / 2;
    engine_task_acts(kit.engine, kit.task, kit.now_ms, kit.now_ms + 6 * hour);
    take(kit_app(kit.now_ms, "login"));
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 0);
    ck_assert_uint_eq(kit_count(&kit, "blocked card by quiet_hours:held until 2026-01-08T08"), 1);
    /* three in the afternoon as far as the broker was heard; this machine says one at night */
    kit_advance(&kit, 0, day(7) - 4 * hour);
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 1);
    kit.now_ms = day(12) + 3 * hour;
    engine_task_acts(kit.engine, kit.task, kit.now_ms, kit.now_ms + 10 * hour);
    take(kit_app(kit.now_ms, "login"));
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 1);
    ck_assert_uint_eq(kit_count(&kit, "blocked card by quiet_hours:held until 2026-01-14T08"), 1);
}
END_TEST

/* A task that reads a backlog is as old as the events are; what it decides is heard of now. */
START_TEST(a_backlog_offers_only_what_is_young_enough_for_those_who_hear_it)
{
    struct engine_options options = {ENGINE_CLOCK_LIVE, INT64_MIN, 99, 1};
    struct engine_counters counters;
    struct status_text text;
    ck_assert_int_eq(engine_open(&kit.playbook, kit.zones, options, &kit.engine, &text), STATUS_OK);
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_DEBIT, 200000, "shop"));
    engine_task_acts(kit.engine, kit.task, day(9), day(9));
    kit.now_ms = day(6);
    take(kit_app(day(6), "login"));
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 0);
    ck_assert_uint_eq(kit_count(&kit, "blocked card by time:too_old at 2026-01-10T12:00:00Z"), 1);
    engine_counters(kit.engine, kit.task, &counters);
    ck_assert_uint_eq(counters.blocked[GATE_TIME], 1);
    kit.now_ms = day(8);
    take(kit_app(day(8), "login")); /* a day ago, of at most two */
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 1);
}
END_TEST

START_TEST(a_duplicate_changes_nothing)
{
    struct event event = kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate");
    event.event_id = slice_text("e-1");
    take(event);
    size_t said = kit.said_size;
    take(event);
    ck_assert_uint_eq(kit.said_size, said);
}
END_TEST

START_TEST(what_may_have_come_before_is_counted)
{
    struct engine_counters counters;
    char id[16];
    for (uint32_t i = 0; i < 300; i++) {
        struct event event = kit_tx(day(1) + i * 1000, DIRECTION_DEBIT, 100, "shop");
        (void)snprintf(id, sizeof(id), "e-%u", i);
        event.event_id = slice_text(id);
        take(event);
    }
    engine_counters(kit.engine, kit.task, &counters);
    ck_assert_uint_eq(counters.unsure[SOURCE_TRANSACTIONS], 0);
    struct event again = kit_tx(day(1), DIRECTION_DEBIT, 100, "shop");
    again.event_id = slice_text("e-0");
    take(again);
    engine_counters(kit.engine, kit.task, &counters);
    ck_assert_uint_eq(counters.unsure[SOURCE_TRANSACTIONS], 1);
    ck_assert_uint_eq(counters.unsure[SOURCE_APP_ENGAGEMENT], 0);
}
END_TEST

/* stress with a signal of an event and of a feature that is not known yet. */
static const struct engine *with_unknown_signal(void)
{
    struct playbook *other = arena_take(&kit.arena, sizeof(*other));
    struct life_def *defs = arena_take(&kit.arena, 4 * sizeof(*defs));
    struct life_signal *signals = arena_take(&kit.arena, 2 * sizeof(*signals));
    struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, 99, 1};
    const struct engine *engine = NULL;
    struct status_text text;
    *other = kit.playbook;
    memcpy(defs, other->life.defs, 4 * sizeof(*defs));
    memcpy(signals, defs[3].signals, 2 * sizeof(*signals));
    signals[0].condition =
        kit_condition(&kit, "dear", "tx.amount_minor > 100 && tx.amount_minor > f.salary.amount");
    defs[3].signals = signals;
    other->life.defs = defs;
    ck_assert_int_eq(engine_open(other, kit.zones, options, &engine, &text), STATUS_OK);
    return engine;
}

/* By how many predicates more could not be evaluated. */
static uint64_t unknown_after(struct event event)
{
    struct engine_counters before, after;
    engine_counters(kit.engine, kit.task, &before);
    take(event);
    engine_counters(kit.engine, kit.task, &after);
    return after.rules_unknown - before.rules_unknown;
}

START_TEST(an_event_that_decides_nothing_asks_no_signal)
{
    kit_change_rules(&kit, with_unknown_signal());
    struct event event = kit_tx(day(20), DIRECTION_DEBIT, 500, "shop");
    struct event pending = event;
    event.event_id = slice_text("e-1");
    pending.event_id = slice_text("e-2");
    pending.tx.status = TX_PENDING;
    take(event);
    ck_assert_uint_eq(unknown_after(event), 0); /* it came again: passed over, as a late one is */
    ck_assert_uint_eq(unknown_after(pending), 0);
    event.event_id = slice_text("e-3");
    ck_assert_uint_gt(unknown_after(event), 0);
}
END_TEST

START_TEST(erasure_ends_everything_and_leaves_nothing)
{
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate"));
    struct event erase = kit_profile(day(2));
    erase.profile.erase = true;
    take(erase);
    ck_assert(kit.customers[0]->erased);
    ck_assert_int_eq(kit.customers[0]->deadline_ms, INT64_MAX);
    ck_assert_int_eq(kit.customers[0]->profile.updated_at_ms, INT64_MIN);
    ck_assert_uint_eq(kit_count(&kit, "lucky EXITED ERASURE"), 2);
    ck_assert_uint_eq(kit_count(&kit, "tombstone"), 1);
    ck_assert_uint_eq(kit_count(&kit, "windfall EXPIRED ERASURE"), 1);
    take(kit_tx(day(3), DIRECTION_DEBIT, 500, "shop"));
    ck_assert(!kit.customers[0]->erased);
}
END_TEST

START_TEST(a_withdrawn_consent_is_the_origin_and_takes_effect_at_once)
{
    take(kit_profile(day(0)));
    struct event withdrawn = kit_profile(day(1));
    withdrawn.profile.consents[0].status = CONSENT_WITHDRAWN;
    withdrawn.profile.consents[1].status = CONSENT_WITHDRAWN;
    take(withdrawn);
    struct event older = kit_profile(day(0) + 1); /* arrives late: the newer word stands */
    take(older);
    take(kit_tx(day(2), DIRECTION_CREDIT, 1500000, "estate"));
    ck_assert_uint_eq(kit_count(&kit, "blocked savings by consent:not_granted"), 1);
}
END_TEST

START_TEST(many_deadlines_are_fired_in_more_than_one_call)
{
    pay_salary(4);
    uint32_t calls = 1;
    int64_t end = day(2000);
    while (engine_advance(kit.engine, kit.task, kit.customers[0], end, &kit.effects) ==
           ENGINE_MORE) {
        calls++;
    }
    ck_assert_uint_gt(calls, 1);
    ck_assert_int_gt(kit.customers[0]->deadline_ms, end);
}
END_TEST

static uint32_t view(struct view_change *changes)
{
    arena_reset(&kit.effects.arena);
    return engine_view(kit.engine, kit.customers[0], &kit.effects.arena, changes);
}

START_TEST(the_view_holds_what_is_published_and_changes_only_with_it)
{
    struct view_change changes[ENGINE_VIEW_FIELDS_MAX];
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate"));
    uint32_t count = view(changes);
    bool windfall = false;
    bool offer = false;
    for (uint32_t i = 0; i < count; i++) {
        windfall = windfall || (slice_is(changes[i].name, "life.windfall") &&
                                slice_is(changes[i].text, "confirmed since 2026-01-02T12:00:00Z"));
        offer =
            offer || (slice_is(changes[i].name, "offer") && slice_is(changes[i].text, "savings"));
        ck_assert(!changes[i].remove);
    }
    ck_assert(windfall);
    ck_assert(offer);
    ck_assert_uint_eq(view(changes), 0);
    take(kit_tx(day(2), DIRECTION_DEBIT, 5, "shop"));
    ck_assert_uint_eq(view(changes), 1);
    ck_assert(slice_is(changes[0].name, "f.count_tx"));
    ck_assert(slice_is(changes[0].text, "2"));
    kit_advance(&kit, 0, day(40));
    count = view(changes);
    ck_assert_uint_eq(count, 1);
    ck_assert(changes[0].remove);
    struct event erase = kit_profile(day(41));
    erase.profile.erase = true;
    take(erase);
    count = view(changes);
    ck_assert_uint_gt(count, 3);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert(changes[i].remove);
    }
}
END_TEST

START_TEST(an_offer_goes_to_no_member_of_a_segment_smaller_than_its_k)
{
    ((struct segment_def *)(uintptr_t)kit.playbook.segments.defs)[2].min_size = 2; /* lucky */
    struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, 99, 1};
    struct status_text text;
    ck_assert(engine_open(&kit.playbook, kit.zones, options, &kit.engine, &text) == STATUS_OK);
    kit_reset(&kit);
    struct arena arena;
    struct explanation why;
    uint32_t index = 0;
    arena_init(&arena, malloc(EXPLAIN_ARENA_SIZE), EXPLAIN_ARENA_SIZE);
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate"));
    ck_assert_uint_eq(kit_count(&kit, "windfall CONFIRMED LIVE"), 1);
    ck_assert_uint_eq(kit_count(&kit, "lucky"), 0);
    ck_assert_uint_eq(kit_count(&kit, "offer savings/"), 0);
    ck_assert(engine_find(kit.engine, EXPLAIN_OFFER, slice_text("savings"), &index));
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index, day(2),
                             NULL, &arena, &why) == STATUS_OK);
    ck_assert(slice_is(why.gates[GATE_SEGMENT].reason, "in_none_of_segments_any"));
    ck_assert_int_eq(why.offered_ms, 0);
    ck_assert(slice_is(why.trigger, "the customer enters lucky"));
    free(arena.block);
}
END_TEST

/* Of a customer to whom the card may be offered at a login; to be freed. */
static void *open_explanations(struct arena *arena)
{
    void *block = malloc(EXPLAIN_ARENA_SIZE);
    arena_init(arena, block, EXPLAIN_ARENA_SIZE);
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_DEBIT, 200000, "shop"));
    return block;
}

START_TEST(an_explanation_knows_what_was_offered_and_what_came_of_it)
{
    struct arena arena;
    struct explanation why;
    uint32_t index = 0;
    void *block = open_explanations(&arena);
    take(kit_app(day(2), "login"));
    ck_assert_uint_eq(kit_count(&kit, "offer card/"), 1);
    ck_assert(engine_find(kit.engine, EXPLAIN_OFFER, slice_text("card"), &index));
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index, day(2),
                             NULL, &arena, &why) == STATUS_OK);
    ck_assert_int_eq(why.offered_ms, day(2));
    ck_assert_int_eq(why.heard_ms, 0);
    ck_assert_uint_eq(why.decision_id.size, 32);
    ck_assert(slice_is(why.trigger, "the app says login"));
    struct event other = kit_outcome(day(2) + 1, "card", OUTCOME_REJECTED);
    other.outcome.decision_id = slice_text("0123456789abcdef0123456789abcdef");
    take(other);
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index, day(3),
                             NULL, &arena, &why) == STATUS_OK);
    ck_assert_int_eq(why.heard_ms, 0); /* of another decision */
    struct event seen = kit_outcome(day(3), "card", OUTCOME_DISMISSED);
    seen.outcome.decision_id = why.decision_id;
    take(seen);
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index, day(3),
                             NULL, &arena, &why) == STATUS_OK);
    ck_assert_int_eq(why.heard_ms, day(3));
    ck_assert_int_eq(why.heard, OUTCOME_DISMISSED);
    free(block);
}
END_TEST

START_TEST(an_offer_is_not_in_the_way_of_the_event_that_brings_it)
{
    struct arena arena;
    struct explanation why;
    uint32_t index = 0;
    void *block = open_explanations(&arena);
    ck_assert(engine_find(kit.engine, EXPLAIN_OFFER, slice_text("card"), &index));
    struct event login = kit_app(day(2), "login"), again = kit_app(day(2) + 1, "login");
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index, day(2),
                             &login, &arena, &why) == STATUS_OK);
    ck_assert(why.holds);
    ck_assert_int_eq(why.offered_ms, day(2));
    take(login);
    arena_reset(&arena);
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index,
                             day(2) + 1, &again, &arena, &why) == STATUS_OK);
    ck_assert(!why.holds && why.offered_ms == day(2));
    struct event seen = kit_outcome(day(2) + 1, "card", OUTCOME_OPTED_OUT);
    arena_reset(&arena);
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index,
                             day(2) + 1, &seen, &arena, &why) == STATUS_OK);
    ck_assert(slice_is(why.gates[GATE_CONSENT].reason, "opted_out"));
    free(block);
}
END_TEST

START_TEST(explanations_show_values_and_change_nothing)
{
    static uint8_t before[ENGINE_RECORD_SIZE_MAX], after[ENGINE_RECORD_SIZE_MAX];
    struct arena arena;
    struct explanation why;
    uint32_t index = 0;
    arena_init(&arena, malloc(EXPLAIN_ARENA_SIZE), EXPLAIN_ARENA_SIZE);
    take(kit_profile(day(0)));
    take(kit_tx(day(1), DIRECTION_DEBIT, 15000, "shop"));
    size_t size = engine_customer_pack(kit.engine, kit.customers[0], before);
    ck_assert(engine_find(kit.engine, EXPLAIN_SEGMENT, slice_text("spender"), &index));
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_SEGMENT, index, day(2),
                             NULL, &arena, &why) == STATUS_OK);
    ck_assert(!why.holds);
    ck_assert_int_eq(why.rule, EXPLAIN_NO);
    ck_assert_uint_eq(why.leaf_count, 2);
    ck_assert(slice_is(why.leaves[0].value, "15000"));
    ck_assert(slice_is(why.leaves[0].threshold, "20000"));
    arena_reset(&arena);
    struct event more = kit_tx(day(2), DIRECTION_DEBIT, 5000, "shop"); /* what if */
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_SEGMENT, index, day(2),
                             &more, &arena, &why) == STATUS_OK);
    ck_assert(why.holds);
    arena_reset(&arena);
    ck_assert(engine_find(kit.engine, EXPLAIN_OFFER, slice_text("savings"), &index));
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_OFFER, index, day(2),
                             NULL, &arena, &why) == STATUS_OK);
    ck_assert(!why.holds);
    ck_assert_uint_eq(why.gates[GATE_ELIGIBLE].reason.size, 0);
    ck_assert(slice_is(why.gates[GATE_SEGMENT].reason, "in_none_of_segments_any"));
    arena_reset(&arena);
    ck_assert(engine_find(kit.engine, EXPLAIN_LIFE_EVENT, slice_text("dormant"), &index));
    ck_assert(engine_explain(kit.engine, kit.task, kit.customers[0], EXPLAIN_LIFE_EVENT, index,
                             day(200), NULL, &arena, &why) == STATUS_OK);
    ck_assert(!engine_find(kit.engine, EXPLAIN_OFFER, slice_text("none"), &index));
    ck_assert_uint_eq(engine_customer_pack(kit.engine, kit.customers[0], after), size);
    ck_assert_mem_eq(before, after, size);
    free(arena.block);
}
END_TEST

START_TEST(ids_are_the_same_in_every_replay_and_differ_among_outputs)
{
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate"));
    char *first = strdup(kit.said);
    kit_reset(&kit);
    event_number = 0;
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate"));
    ck_assert_str_eq(first, kit.said);
    kit_reset(&kit);
    take(kit_tx(day(1), DIRECTION_CREDIT, 1500000, "estate")); /* another offset: other ids */
    ck_assert_str_ne(first, kit.said);
    free(first);
}
END_TEST

/* The same playbook with another share held out of all. */
static const struct engine *split_by(uint32_t holdout)
{
    struct playbook *other = arena_take(&kit.arena, sizeof(*other));
    struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, 99, 1};
    const struct engine *engine = NULL;
    struct status_text text;
    *other = kit.playbook;
    other->offers.policy.holdout = holdout;
    other->offers.policy.holdout_layer = slice_text("global");
    ck_assert_int_eq(engine_open(other, kit.zones, options, &engine, &text), STATUS_OK);
    return engine;
}

/* What triggers the card, of somebody who may be told of it. */
static void log_in(int64_t days)
{
    take(kit_tx(day(days), DIRECTION_DEBIT, 5000, "shop"));
    take(kit_app(day(days) + 1, "login"));
}

/* A share so small that the customer is told, then none or another, then the first once more. */
START_TEST(an_experiment_that_comes_back_begins_anew)
{
    const struct engine *first = split_by(1), *between = split_by(_i == 0 ? 0 : 2);
    kit_change_rules(&kit, first);
    take(kit_profile(day(0)));
    log_in(2);
    ck_assert_uint_eq(kit_count(&kit, "told 1 converted 0"), 1);
    kit_cut(&kit);
    log_in(6); /* a cut changes nothing */
    ck_assert_uint_eq(kit_count(&kit, "told 1 converted 0"), 1);
    kit_change_rules(&kit, between);
    log_in(10);
    uint32_t told = kit_count(&kit, "told 1 converted 0");
    ck_assert_uint_eq(told, _i == 0 ? 1 : 2);
    kit_change_rules(&kit, first);
    take(kit_outcome(day(14), "card", OUTCOME_ACCEPTED)); /* he is not in it yet */
    ck_assert_uint_eq(kit_count(&kit, "converted 1"), 0);
    log_in(18);
    ck_assert_uint_eq(kit_count(&kit, "told 1 converted 0"), told + 1);
    kit_cut(&kit);
    log_in(22);
    ck_assert_uint_eq(kit_count(&kit, "told 1 converted 0"), told + 1);
    take(kit_outcome(day(23), "card", OUTCOME_ACCEPTED));
    ck_assert_uint_eq(kit_count(&kit, "told 1 converted 1"), 1);
}
END_TEST

/* Format 4 named an experiment by its plan: in the task's record as in the customer's. */
START_TEST(an_experiment_of_task_format_4_goes_on)
{
    static uint8_t bytes[ENGINE_RECORD_SIZE_MAX];
    const struct engine *engine = split_by(1);
    struct status_text text;
    uint8_t names[8];
    kit_change_rules(&kit, engine);
    take(kit_profile(day(0)));
    log_in(2);
    size_t size = engine_task_pack(engine, kit.task, bytes);
    struct offers offers = kit.playbook.offers;
    offers.policy.holdout = 1;
    offers.policy.holdout_layer = slice_text("global");
    uint32_t plan = offers_experiment(&offers, 1);
    uint8_t *at = memmem(bytes, size, &plan, sizeof(plan));
    ck_assert_ptr_nonnull(at);
    memcpy(names, at, sizeof(names));
    memmove(at + 4, at + 8, size - (size_t)(at + 8 - bytes));
    bytes[0] = 4;
    ck_assert_int_eq(engine_task_unpack(engine, kit.task, 0, slice_of(bytes, size - 4), &text),
                     STATUS_OK);
    struct customer *customer = kit.customers[0];
    size = engine_customer_pack(engine, customer, bytes);
    at = memmem(bytes, size, names + 4, 4);
    ck_assert_ptr_nonnull(at);
    memcpy(at, names, 4);
    ck_assert_int_eq(
        engine_customer_unpack(engine, customer, slice_text("c-00"), slice_of(bytes, size), &text),
        STATUS_OK);
    log_in(6);
    ck_assert_uint_eq(kit_count(&kit, "told"), 1); /* he is in it already */
    take(kit_outcome(day(7), "card", OUTCOME_ACCEPTED));
    ck_assert_uint_eq(kit_count(&kit, "told 1 converted 1"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *tests = tcase_create("engine");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_salary_that_stops_is_noticed_with_no_event);
    tcase_add_test(tests, other_events_do_not_hide_a_stopped_salary);
    tcase_add_test(tests, a_windfall_leads_through_all_stages);
    tcase_add_test(tests, no_offer_says_what_is_missing);
    tcase_add_test(tests, quiet_hours_are_those_of_the_decision);
    tcase_add_test(tests, quiet_hours_are_those_of_either_clock);
    tcase_add_test(tests, a_backlog_offers_only_what_is_young_enough_for_those_who_hear_it);
    tcase_add_test(tests, a_duplicate_changes_nothing);
    tcase_add_test(tests, what_may_have_come_before_is_counted);
    tcase_add_test(tests, an_event_that_decides_nothing_asks_no_signal);
    tcase_add_test(tests, erasure_ends_everything_and_leaves_nothing);
    tcase_add_test(tests, a_withdrawn_consent_is_the_origin_and_takes_effect_at_once);
    tcase_add_test(tests, many_deadlines_are_fired_in_more_than_one_call);
    tcase_add_test(tests, the_view_holds_what_is_published_and_changes_only_with_it);
    tcase_add_test(tests, an_offer_goes_to_no_member_of_a_segment_smaller_than_its_k);
    tcase_add_test(tests, an_explanation_knows_what_was_offered_and_what_came_of_it);
    tcase_add_test(tests, an_offer_is_not_in_the_way_of_the_event_that_brings_it);
    tcase_add_test(tests, explanations_show_values_and_change_nothing);
    tcase_add_test(tests, ids_are_the_same_in_every_replay_and_differ_among_outputs);
    tcase_add_loop_test(tests, an_experiment_that_comes_back_begins_anew, 0, 2);
    tcase_add_test(tests, an_experiment_of_task_format_4_goes_on);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
