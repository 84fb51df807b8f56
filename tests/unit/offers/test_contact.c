/* SPDX-License-Identifier: Apache-2.0 */
/* The contact policy, and what becomes of an offer between the decision and the customer. */
#include "support/offers_kit.h"

START_TEST(caps_roll_and_outcomes_cool)
{
    static const struct offer_cap caps[] = {
        {2, INT64_C(30) * KIT_DAY_MS, CAP_OFFER, CHANNEL_COUNT}};
    defs[0].caps = caps;
    defs[0].cap_count = 1;
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    ck_assert_uint_eq(decide(3)->offer_count, 1);
    expect_blocked(5, "contact_cap:offer");
    ck_assert_uint_eq(decide(31)->offer_count, 1); /* the first contact has left the window */
    expect_blocked(32, "contact_cap:offer");
    ck_assert_uint_eq(decide(70)->offer_count, 1);
    defs[0].cool_down_ms[OUTCOME_REJECTED] = INT64_C(10) * KIT_DAY_MS;
    struct event outcome =
        kit_outcome(KIT_START_MS + INT64_C(71) * KIT_DAY_MS, "one", OUTCOME_REJECTED);
    outcome.outcome.variant = slice_text("default");
    stage_at(&stage, 71, &outcome);
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 1);
    ck_assert_int_eq(stage.kit.effects.outputs[0].kind, OUTPUT_OFFER_STATS);
    ck_assert_int_eq(stage.kit.effects.outputs[0].offer_stats.rejected, 1);
    expect_blocked(72, "cool_down:REJECTED until 2026-03-23T00:00:00Z");
    ck_assert_uint_eq(decide(110)->offer_count, 1);
}
END_TEST

START_TEST(the_same_offer_is_not_repeated_at_once)
{
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    const struct offer_decided *said = decide_at(KIT_START_MS + KIT_DAY_MS + HOUR_MS);
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert(slice_is(said->blocked[0].gate, "applicable"));
}
END_TEST

START_TEST(quiet_hours_hold_and_do_not_drop)
{
    offers.policy.quiet_from_minute = 21 * 60;
    offers.policy.quiet_to_minute = 8 * 60;
    offers.policy.quiet_channels = 1U << CHANNEL_PUSH;
    int64_t night_ms = KIT_START_MS + INT64_C(23) * HOUR_MS;
    int64_t morning_ms = KIT_START_MS + INT64_C(32) * HOUR_MS;
    const struct offer_decided *said = decide_at(night_ms);
    ck_assert(slice_is(said->no_offer_reason, "quiet_hours:held until 2026-01-02T08:00:00Z"));
    ck_assert_uint_eq(state.contact_count, 0);
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, night_ms), morning_ms);
    said = advance_to(morning_ms);
    ck_assert_uint_eq(said->offer_count, 1);
    ck_assert_int_eq(said->offers[0].send_after_ms, morning_ms);
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, morning_ms), INT64_MAX);
    ck_assert_ptr_null(advance_to(morning_ms + 1));
    said = decide_at(KIT_START_MS + INT64_C(60) * HOUR_MS); /* noon: at once */
    ck_assert_int_eq(said->offers[0].send_after_ms, KIT_START_MS + INT64_C(60) * HOUR_MS);
}
END_TEST

START_TEST(what_is_held_is_withdrawn_with_the_consent)
{
    offers.policy.quiet_from_minute = 21 * 60;
    offers.policy.quiet_to_minute = 8 * 60;
    offers.policy.quiet_channels = 1U << CHANNEL_PUSH;
    char held[OFFER_TEXT_SIZE];
    keep(held, decide_at(KIT_START_MS + INT64_C(23) * HOUR_MS)->decision_id);
    stage.customer.profile.consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_WITHDRAWN;
    const struct offer_decided *said = tell_profile(1);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].decision_id, held));
    ck_assert(slice_is(said->withdrawn[0].gate, "consent"));
    ck_assert(slice_is(said->withdrawn[0].reason, "not_granted"));
    ck_assert(slice_is(said->no_offer_reason, "withdrawn"));
    ck_assert_ptr_null(advance_to(KIT_START_MS + INT64_C(32) * HOUR_MS));
}
END_TEST

/* The deadline of the hold has not been looked at yet (a task that was away): what arrives first decides. */
START_TEST(what_is_held_is_withdrawn_when_its_end_is_noticed_late)
{
    offers.policy.quiet_from_minute = 21 * 60;
    offers.policy.quiet_to_minute = 8 * 60;
    offers.policy.quiet_channels = 1U << CHANNEL_PUSH;
    char held[OFFER_TEXT_SIZE];
    keep(held, decide_at(KIT_START_MS + INT64_C(23) * HOUR_MS)->decision_id);
    ck_assert_uint_eq(state.shown_count, 0);
    stage.customer.profile.consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_WITHDRAWN;
    const struct offer_decided *said = tell_profile(2); /* sixteen hours after the night */
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].decision_id, held));
    ck_assert(slice_is(said->withdrawn[0].gate, "consent"));
    ck_assert_ptr_null(tell_profile(3));
}
END_TEST

START_TEST(an_open_offer_is_withdrawn_until_something_is_heard_of_it)
{
    char first[OFFER_TEXT_SIZE];
    keep(first, decide(1)->decision_id);
    ck_assert_uint_eq(state.shown_count, 1);
    stage.customer.profile.complaint_open = true;
    const struct offer_decided *said = tell_profile(2);
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].decision_id, first));
    ck_assert(slice_is(said->withdrawn[0].gate, "complaint"));
    ck_assert_uint_eq(state.shown_count, 0);
    ck_assert_ptr_null(tell_profile(3)); /* once */
    stage.customer.profile.complaint_open = false;
    ck_assert_ptr_null(tell_profile(4));
    struct event seen =
        kit_outcome(KIT_START_MS + INT64_C(6) * KIT_DAY_MS, "one", OUTCOME_PRESENTED);
    keep(first, decide(5)->decision_id);
    seen.outcome.decision_id = slice_text(first);
    ck_assert_ptr_null(said_by(&seen));
    stage.customer.profile.complaint_open = true;
    ck_assert_ptr_null(tell_profile(7)); /* it has reached the customer */
}
END_TEST

/* One that waits for a person is open and stands in no view; days without a word of it change nothing. */
START_TEST(what_a_person_has_not_released_is_withdrawn_too)
{
    defs[0].review = true;
    ck_assert_uint_eq(decide(1)->for_review_count, 1);
    ck_assert_uint_eq(state.shown_count, 0);
    ck_assert_ptr_null(tell_profile(2));
    ck_assert_ptr_null(tell_profile(3));
    stage.customer.profile.complaint_open = true;
    ck_assert_uint_eq(tell_profile(4)->withdrawn_count, 1);
}
END_TEST

/* Channels read the view: nothing may stand in it that may not be said any more, heard of or not, open or not. */
START_TEST(what_was_heard_of_leaves_the_view_when_it_may_not_be_said_any_more)
{
    struct profile *profile = &stage.customer.profile;
    char first[OFFER_TEXT_SIZE];
    for (int64_t turn = 0; turn < 3; turn++) {
        int64_t day = 1 + 20 * turn;
        keep(first, decide(day)->decision_id);
        struct event seen =
            kit_outcome(KIT_START_MS + (day + 1) * KIT_DAY_MS, "one", OUTCOME_PRESENTED);
        seen.outcome.decision_id = slice_text(first);
        ck_assert_ptr_null(said_by(&seen));
        ck_assert_uint_eq(state.shown_count, 1);
        int64_t later = day + 2 + 8 * (turn == 2); /* behind open_for too */
        if (turn == 0) {
            ck_assert_ptr_null(tell_outcome(later, OUTCOME_COMPLAINED));
            ck_assert_uint_eq(state.shown_count, 0);
            ck_assert_ptr_null(tell_profile(later + 1));
        } else if (turn == 1) {
            ck_assert_ptr_null(tell_outcome(later, OUTCOME_OPTED_OUT));
            ck_assert_uint_eq(state.shown_count, 0);
            profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].updated_at_ms =
                KIT_START_MS + (later + 1) * KIT_DAY_MS;
        } else {
            profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_WITHDRAWN;
            ck_assert_ptr_null(tell_profile(later));
            ck_assert_uint_eq(state.shown_count, 0);
        }
    }
}
END_TEST

START_TEST(an_open_offer_ends_with_its_valid_period)
{
    char first[OFFER_TEXT_SIZE];
    int64_t begin_ms = KIT_START_MS + KIT_DAY_MS, end_ms = begin_ms + 2 * KIT_DAY_MS;
    defs[0].valid_until_ms = end_ms;
    keep(first, decide(1)->decision_id);
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, begin_ms), end_ms);
    ck_assert_ptr_null(advance_to(end_ms - 1));
    const struct offer_decided *said = advance_to(end_ms);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].decision_id, first));
    ck_assert(slice_is(said->withdrawn[0].gate, "time"));
    ck_assert(slice_is(said->withdrawn[0].reason, "no_longer_valid"));
    ck_assert_int_eq(said->effective_at_ms, end_ms);
    ck_assert_uint_eq(state.shown_count, 0);
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, end_ms), INT64_MAX);
    ck_assert_ptr_null(advance_to(end_ms + 1)); /* once */
}
END_TEST

START_TEST(what_was_heard_of_leaves_the_view_with_its_valid_period)
{
    char first[OFFER_TEXT_SIZE];
    int64_t begin_ms = KIT_START_MS + KIT_DAY_MS, end_ms = begin_ms + 4 * KIT_DAY_MS;
    defs[0].valid_until_ms = end_ms;
    keep(first, decide(1)->decision_id);
    struct event seen = kit_outcome(begin_ms + KIT_DAY_MS, "one", OUTCOME_PRESENTED);
    seen.outcome.decision_id = slice_text(first);
    ck_assert_ptr_null(said_by(&seen));
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, seen.time_ms), end_ms);
    ck_assert_ptr_null(advance_to(end_ms - 1));
    ck_assert_uint_eq(state.shown_count, 1);
    ck_assert_ptr_null(advance_to(end_ms)); /* nobody takes back what has been seen */
    ck_assert_uint_eq(state.shown_count, 0);
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, end_ms), INT64_MAX);
}
END_TEST

START_TEST(what_is_forgotten_leaves_the_view_with_its_valid_period)
{
    int64_t begin_ms = KIT_START_MS + KIT_DAY_MS;
    int64_t end_ms =
        begin_ms + INT64_C(30) * KIT_DAY_MS; /* after open_for: nobody waits any more */
    defs[0].valid_until_ms = end_ms;
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, begin_ms), end_ms);
    ck_assert_ptr_null(advance_to(end_ms - 1));
    ck_assert_uint_eq(state.shown_count, 1);
    ck_assert_ptr_null(advance_to(end_ms));
    ck_assert_uint_eq(state.shown_count, 0);
}
END_TEST

START_TEST(what_the_view_does_not_show_and_nobody_awaits_needs_no_end)
{
    int64_t begin_ms = KIT_START_MS + KIT_DAY_MS, later_ms = begin_ms + 9 * KIT_DAY_MS;
    defs[0].valid_until_ms = begin_ms + INT64_C(30) * KIT_DAY_MS;
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    state.shown_count = 0; /* another decision took its place in the view */
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, later_ms), INT64_MAX);
    ck_assert_ptr_null(advance_to(defs[0].valid_until_ms));
}
END_TEST

START_TEST(what_is_held_ends_with_its_valid_period)
{
    offers.policy.quiet_from_minute = 21 * 60;
    offers.policy.quiet_to_minute = 8 * 60;
    offers.policy.quiet_channels = 1U << CHANNEL_PUSH;
    char held[OFFER_TEXT_SIZE];
    int64_t night_ms = KIT_START_MS + INT64_C(23) * HOUR_MS;
    defs[0].valid_until_ms = night_ms + HOUR_MS;
    keep(held, decide_at(night_ms)->decision_id);
    ck_assert_int_eq(offers_next_change(&offers, &state, histories, night_ms),
                     defs[0].valid_until_ms);
    const struct offer_decided *said = advance_to(defs[0].valid_until_ms);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].decision_id, held));
    ck_assert(slice_is(said->withdrawn[0].reason, "no_longer_valid"));
    ck_assert_ptr_null(advance_to(KIT_START_MS + INT64_C(32) * HOUR_MS));
}
END_TEST

START_TEST(an_open_offer_ends_with_its_own_channel)
{
    struct profile *profile = &stage.customer.profile;
    profile->consents[PURPOSE_MARKETING][CHANNEL_EMAIL] =
        profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH];
    ck_assert_int_eq(decide(1)->offers[0].channel, CHANNEL_PUSH);
    profile->consents[PURPOSE_MARKETING][CHANNEL_EMAIL].status = CONSENT_WITHDRAWN;
    ck_assert_ptr_null(tell_profile(2));
    profile->consents[PURPOSE_MARKETING][CHANNEL_EMAIL].status = CONSENT_GRANTED;
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_WITHDRAWN;
    ck_assert_uint_eq(tell_profile(3)->withdrawn_count, 1);
    ck_assert_int_eq(decide(4)->offers[0].channel, CHANNEL_EMAIL);
}
END_TEST

START_TEST(opting_out_and_complaining_stop_until_the_profile_says_otherwise)
{
    struct profile *profile = &stage.customer.profile;
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].updated_at_ms = KIT_START_MS;
    (void)tell_outcome(1, OUTCOME_OPTED_OUT);
    expect_blocked(2, "consent:opted_out");
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].updated_at_ms =
        KIT_START_MS + 3 * KIT_DAY_MS;
    ck_assert_uint_eq(decide(4)->offer_count, 1);
    const struct offer_decided *said = tell_outcome(5, OUTCOME_COMPLAINED);
    ck_assert_uint_eq(said->withdrawn_count, 1);
    expect_blocked(6, "complaint:complained");
    (void)tell_profile(7);
    ck_assert_uint_eq(decide(8)->offer_count, 1);
}
END_TEST

/* A null channel is not the first of the code list. */
START_TEST(an_opt_out_that_names_no_channel_is_of_all)
{
    char id[OFFER_TEXT_SIZE];
    int32_t field = fields_find(SOURCE_OFFER_OUTCOMES, slice_text("channel"));
    keep(id, decide(1)->decision_id);
    struct event event = kit_outcome(KIT_START_MS + 2 * KIT_DAY_MS, "one", OUTCOME_OPTED_OUT);
    event.outcome.channel = 0; /* as decoding leaves a null */
    event.present &= ~(UINT64_C(1) << field);
    for (int turn = 0; turn < 3; turn++) {
        memset(state.opted_out_ms, 0, sizeof(state.opted_out_ms));
        event.outcome.decision_id = turn == 0 ? slice_text("other") : slice_text(id);
        event.outcome.offer_id = turn == 2 ? slice_text("gone") : slice_text("one");
        (void)said_by(&event);
        for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
            ck_assert_int_eq(state.opted_out_ms[i], event.time_ms);
        }
    }
    expect_blocked(3, "consent:opted_out");
    ck_assert_int_eq(task->counts[offers_arm(&offers, 0, 0, CHANNEL_EMAIL, 0)].opted_out, 0);
    ck_assert_int_eq(task->counts[offers_arm(&offers, 0, 0, CHANNEL_PUSH, 0)].opted_out, 1);
}
END_TEST

START_TEST(fatigue_fades)
{
    offers.policy.fatigue = (struct offer_fatigue){
        .limit = 4, .half_life_ms = INT64_C(10) * KIT_DAY_MS, .points = {[OUTCOME_DISMISSED] = 4}};
    (void)tell_outcome(1, OUTCOME_DISMISSED);
    (void)tell_outcome(1, OUTCOME_DISMISSED);
    expect_blocked(1, "fatigue:tired until 2026-01-12T00:00:00.001Z");
    ck_assert_uint_eq(decide(12)->offer_count, 1);
    (void)tell_outcome(13, OUTCOME_ACCEPTED);
    (void)tell_outcome(13, OUTCOME_DISMISSED);
    expect_blocked(13, "fatigue:tired until 2026-01-14T00:00:00.001Z");
}
END_TEST

START_TEST(a_decision_counts_its_own_offers_against_the_caps)
{
    static const struct offer_cap caps[] = {{1, INT64_C(7) * KIT_DAY_MS, CAP_ALL, CHANNEL_COUNT}};
    offers.policy.caps = caps;
    offers.policy.cap_count = 1;
    offers.count = 2;
    const struct offer_decided *said = decide(1);
    ck_assert_uint_eq(said->offer_count, 1);
    ck_assert(slice_is(said->blocked[0].gate, "contact_cap"));
    ck_assert(slice_is(said->blocked[0].reason, "all"));
}
END_TEST

START_TEST(a_full_ledger_refuses_and_does_not_forget)
{
    static const struct offer_cap caps[] = {
        {24, INT64_C(90) * KIT_DAY_MS, CAP_OFFER, CHANNEL_COUNT}};
    static const struct offer_cap other[] = {
        {24, INT64_C(2) * KIT_DAY_MS, CAP_OFFER, CHANNEL_COUNT}};
    offers.count = 2;
    defs[0].caps = caps;
    defs[1].caps = other;
    defs[0].cap_count = defs[1].cap_count = 1;
    defs[0].value_minor = 8000;
    for (int64_t day = 1; day <= OFFER_LEDGER_MAX; day++) {
        ck_assert(slice_is(decide(2 * day)->offers[0].offer.id, "one"));
    }
    const struct offer_decided *said = decide(2 * OFFER_LEDGER_MAX + 2);
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert(slice_is(said->blocked[0].reason, "offer")); /* its own cap */
    ck_assert(slice_is(said->blocked[1].reason, "ledger"));
}
END_TEST

START_TEST(the_channel_says_why)
{
    struct profile *profile = &stage.customer.profile;
    defs[0].channels |= 1U << CHANNEL_PHONE | 1U << CHANNEL_SMS;
    for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
        profile->consents[PURPOSE_MARKETING][i] =
            profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH];
    }
    const struct offer_decided *said = decide(1);
    ck_assert_int_eq(said->offers[0].channel, CHANNEL_PUSH);
    ck_assert(slice_is(said->offers[0].channel_reason, "preferred"));
    offers.policy.phone_from_minor = 2000;
    said = decide(3);
    ck_assert_int_eq(said->offers[0].channel, CHANNEL_PHONE);
    ck_assert(slice_is(said->offers[0].channel_reason, "value"));
    profile->vulnerability = 1U << VULNERABLE_HEARING;
    ck_assert_int_eq(decide(5)->offers[0].channel, CHANNEL_PUSH);
    profile->preferred_channel = CHANNEL_POST; /* not one of the offer's */
    state.seen[CHANNEL_SMS] = 4;
    state.liked[CHANNEL_SMS] = 4;
    said = decide(7);
    ck_assert_int_eq(said->offers[0].channel, CHANNEL_SMS);
    ck_assert(slice_is(said->offers[0].channel_reason, "affinity"));
    memset(histories, 0, sizeof(histories)); /* nothing is open */
    offers.policy.phone_from_minor = 2001;   /* not worth a call */
    defs[0].channels = 1U << CHANNEL_PHONE;
    expect_blocked(9, "contact_cap:no_channel");
}
END_TEST

START_TEST(a_packed_ledger_and_history_come_back)
{
    static const struct offer_cap caps[] = {
        {2, INT64_C(30) * KIT_DAY_MS, CAP_OFFER, CHANNEL_COUNT}};
    uint8_t bytes[1024];
    defs[0].caps = caps;
    defs[0].cap_count = 1;
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    ck_assert_uint_eq(decide(3)->offer_count, 1);
    histories[0].outcome_ms[OUTCOME_CLICKED] = KIT_START_MS;
    struct bytes_writer writer = bytes_writer(bytes, sizeof(bytes));
    offers_pack(&state, &writer);
    struct offers_state back;
    struct bytes_reader reader = bytes_reader(slice_of(bytes, writer.size));
    ck_assert(offers_unpack(&back, &reader));
    ck_assert_uint_eq(back.contact_count, 2);
    ck_assert_int_eq(back.contacts[1].channel, CHANNEL_PUSH);
    back.noted = state.noted; /* no part of a record */
    ck_assert_mem_eq(&back, &state, sizeof(state));
    for (size_t size = 0; size < writer.size; size++) {
        reader = bytes_reader(slice_of(bytes, size));
        ck_assert(!offers_unpack(&back, &reader));
        ck_assert(offers_is_empty(&back));
    }
    writer = bytes_writer(bytes, sizeof(bytes));
    offer_history_pack(&histories[0], &writer);
    struct offer_history history;
    reader = bytes_reader(slice_of(bytes, writer.size));
    ck_assert(offer_history_unpack(&history, &reader));
    ck_assert_mem_eq(&history, &histories[0], sizeof(history));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contact");
    TCase *tests = tcase_create("contact");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, caps_roll_and_outcomes_cool);
    tcase_add_test(tests, the_same_offer_is_not_repeated_at_once);
    tcase_add_test(tests, quiet_hours_hold_and_do_not_drop);
    tcase_add_test(tests, what_is_held_is_withdrawn_with_the_consent);
    tcase_add_test(tests, what_is_held_is_withdrawn_when_its_end_is_noticed_late);
    tcase_add_test(tests, an_open_offer_is_withdrawn_until_something_is_heard_of_it);
    tcase_add_test(tests, what_a_person_has_not_released_is_withdrawn_too);
    tcase_add_test(tests, what_was_heard_of_leaves_the_view_when_it_may_not_be_said_any_more);
    tcase_add_test(tests, an_open_offer_ends_with_its_valid_period);
    tcase_add_test(tests, what_was_heard_of_leaves_the_view_with_its_valid_period);
    tcase_add_test(tests, what_is_forgotten_leaves_the_view_with_its_valid_period);
    tcase_add_test(tests, what_the_view_does_not_show_and_nobody_awaits_needs_no_end);
    tcase_add_test(tests, what_is_held_ends_with_its_valid_period);
    tcase_add_test(tests, an_open_offer_ends_with_its_own_channel);
    tcase_add_test(tests, opting_out_and_complaining_stop_until_the_profile_says_otherwise);
    tcase_add_test(tests, an_opt_out_that_names_no_channel_is_of_all);
    tcase_add_test(tests, fatigue_fades);
    tcase_add_test(tests, a_decision_counts_its_own_offers_against_the_caps);
    tcase_add_test(tests, a_full_ledger_refuses_and_does_not_forget);
    tcase_add_test(tests, the_channel_says_why);
    tcase_add_test(tests, a_packed_ledger_and_history_come_back);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
