/* SPDX-License-Identifier: Apache-2.0 */
/* A test for each gate, rule of the contact policy and term that goes red when just that is taken out. */
#include "support/offers_kit.h"

static void only_service(struct offer_def *def, uint8_t class)
{
    struct profile *profile = &stage.customer.profile;
    def->purpose = PURPOSE_SERVICE;
    def->contact_class = class;
    profile->consents[PURPOSE_SERVICE][CHANNEL_PUSH] =
        profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH];
}

static void night_from_21_to_8(void)
{
    offers.policy.quiet_from_minute = 21 * 60;
    offers.policy.quiet_to_minute = 8 * 60;
    offers.policy.quiet_channels = 1U << CHANNEL_PUSH;
}

START_TEST(an_offer_has_its_time)
{
    defs[0].valid_from_ms = KIT_START_MS + 2 * KIT_DAY_MS;
    defs[0].valid_until_ms = KIT_START_MS + 4 * KIT_DAY_MS;
    expect_blocked(1, "time:not_yet_valid");
    ck_assert_uint_eq(decide(2)->offer_count, 1);
    ck_assert_uint_eq(advance_to(defs[0].valid_until_ms)->withdrawn_count, 1);
    expect_blocked(4, "time:no_longer_valid");
}
END_TEST

/* A login of then, read now: the offer was valid then, and is no longer. */
START_TEST(what_a_backlog_decides_must_still_be_valid)
{
    struct event event = kit_app(KIT_START_MS + KIT_DAY_MS, "login");
    defs[0].valid_until_ms = event.time_ms + HOUR_MS;
    stage_at(&stage, 1, &event);
    stage.step.act_ms = defs[0].valid_until_ms;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 1);
    const struct offer_decided *said = &stage.kit.effects.outputs[0].offer_decided;
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert(slice_is(said->no_offer_reason, "time:no_longer_valid at 2026-01-02T01:00:00Z"));
    ck_assert_uint_eq(task->blocked[GATE_TIME], 1);
    stage_at(&stage, 1, &event);
    stage.step.act_ms = defs[0].valid_until_ms - 1;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.outputs[0].offer_decided.offer_count, 1);
}
END_TEST

START_TEST(an_offer_has_its_segments)
{
    static const uint32_t wanted[] = {3, 70};
    defs[0].segments_any = wanted;
    defs[0].segments_any_count = 2;
    in[0] = 16;
    expect_blocked(1, "segment:in_none_of_segments_any");
    in[1] = UINT64_C(1) << 6;
    ck_assert_uint_eq(decide(2)->offer_count, 1);
}
END_TEST

START_TEST(what_is_not_known_blocks_and_has_a_name)
{
    struct profile *profile = &stage.customer.profile;
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis = BASIS_NONE;
    expect_blocked(1, "consent:missing:c.consents.lawful_basis");
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis = BASIS_CONSENT;
    defs[0].product_held = 1U << PRODUCT_FX;
    hide("products_held");
    expect_blocked(2, "applicable:missing:c.products_held");
    profile->present = UINT64_MAX;
    defs[0].value = kit_condition(&stage.kit, "value", "f.logins");
    expect_blocked(3, "value:missing:value");
    stage_set(&stage, STAGE_LOGINS, 0);
    expect_blocked(4, "value:worth_nothing");
    stage_set(&stage, STAGE_LOGINS, 500);
    ck_assert_uint_eq(decide(5)->offer_count, 1);
}
END_TEST

START_TEST(the_global_control_group_hears_nothing)
{
    offers.policy.holdout = 10000;
    expect_blocked(1, "holdout:global_holdout");
    ck_assert(slice_is(decide(2)->holdout, "global"));
    only_service(&defs[0], OFFER_MANDATORY);
    ck_assert_uint_eq(decide(3)->offer_count, 1);
}
END_TEST

/* A control group shows what selling brings; nobody is left without a service message for it. */
START_TEST(a_service_message_has_no_global_control_group)
{
    offers.policy.holdout = 10000;
    only_service(&defs[0], OFFER_TRANSACTIONAL);
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    ck_assert_uint_eq(stage.kit.effects.count, 1); /* and it is in no experiment */
    ck_assert_uint_eq(offers_experiment(&offers, 0), 0);
    defs[0].holdout = 10000; /* one of its own is what the playbook asked for */
    expect_blocked(3, "holdout:offer_holdout");
}
END_TEST

/* A mandatory message asks for no consent; to read special-category data it needs one that stands. */
START_TEST(a_withdrawn_consent_is_not_explicit)
{
    struct profile *profile = &stage.customer.profile;
    only_service(&defs[0], OFFER_MANDATORY);
    defs[0].sensitive = true;
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    profile->consents[PURPOSE_SERVICE][CHANNEL_PUSH].status = CONSENT_WITHDRAWN;
    (void)decide(3);
    expect_blocked(4, "sensitivity:no_explicit_consent");
}
END_TEST

START_TEST(quiet_hours_end_in_the_second_of_two_equal_hours)
{
    stage.customer.profile.zone = zones_find(stage.kit.zones, slice_text("Europe/London"));
    night_from_21_to_8();
    offers.policy.quiet_to_minute = 90;
    /* 2026-10-25 01:10 UTC is 01:10 once more: an hour before it was 01:10 in summer time */
    int64_t second_ms = INT64_C(1792890600000);
    const struct offer_decided *said = decide_at(second_ms);
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert_msg(slice_is(said->no_offer_reason, "quiet_hours:held until 2026-10-25T01:30:00Z"),
                  "%.*s", SLICE_ARG(said->no_offer_reason));
}
END_TEST

START_TEST(an_unknown_zone_silences_what_sounds)
{
    struct profile *profile = &stage.customer.profile;
    profile->zone_guessed = true;
    ck_assert_uint_eq(decide(1)->offer_count, 1); /* no quiet hours: nobody asks what time it is */
    night_from_21_to_8();
    expect_blocked(3, "contact_cap:missing:c.timezone");
    profile->consents[PURPOSE_MARKETING][CHANNEL_EMAIL] =
        profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH];
    ck_assert_int_eq(decide(5)->offers[0].channel, CHANNEL_EMAIL);
    only_service(&defs[0], OFFER_MANDATORY);
    ck_assert_int_eq(decide(7)->offers[0].channel, CHANNEL_PUSH);
}
END_TEST

START_TEST(what_is_held_too_long_is_withdrawn)
{
    char held[OFFER_TEXT_SIZE];
    night_from_21_to_8();
    keep(held, decide_at(KIT_START_MS + INT64_C(23) * HOUR_MS)->decision_id);
    stage_at(&stage, 0, NULL); /* nobody ran for a week: the live clock notices late */
    stage.scope.now_ms = KIT_START_MS + INT64_C(32) * HOUR_MS;
    stage.step.task_now_ms = stage.step.act_ms = KIT_START_MS + 8 * KIT_DAY_MS;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 1);
    const struct offer_decided *said = &stage.kit.effects.outputs[0].offer_decided;
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].decision_id, held));
    ck_assert(slice_is(said->withdrawn[0].gate, "quiet_hours"));
    ck_assert(slice_is(said->withdrawn[0].reason, "overdue"));
    ck_assert_int_eq(histories[0].held_until_ms, 0);
    ck_assert_uint_eq(task->blocked[GATE_QUIET], 2); /* held, and lost */
}
END_TEST

/* A login of three days ago is read while an offer waits for the morning. */
START_TEST(an_old_event_takes_nothing_from_what_is_held)
{
    char held[OFFER_TEXT_SIZE];
    int64_t night_ms = KIT_START_MS + INT64_C(23) * HOUR_MS;
    struct event late = kit_app(night_ms - 3 * KIT_DAY_MS, "login");
    night_from_21_to_8();
    keep(held, decide_at(night_ms)->decision_id);
    int64_t until_ms = histories[0].held_until_ms;
    stage_at(&stage, 0, &late);
    stage.scope.now_ms = stage.step.task_now_ms = stage.step.act_ms = night_ms + HOUR_MS;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 1);
    const struct offer_decided *said = &stage.kit.effects.outputs[0].offer_decided;
    ck_assert(slice_is(said->blocked[0].gate, "time"));
    ck_assert_int_eq(histories[0].held_until_ms, until_ms);
    said = advance_to(until_ms);
    ck_assert_uint_eq(said->offer_count, 1);
    ck_assert_int_eq(histories[0].held_until_ms, 0);
}
END_TEST

/* Read as of then, when it was valid; until somebody hears of it, it no longer is. */
START_TEST(what_is_held_and_ends_in_the_backlog_is_withdrawn)
{
    char held[OFFER_TEXT_SIZE];
    int64_t night_ms = KIT_START_MS + INT64_C(23) * HOUR_MS;
    int64_t morning_ms = KIT_START_MS + INT64_C(32) * HOUR_MS;
    night_from_21_to_8();
    keep(held, decide_at(night_ms)->decision_id);
    defs[0].valid_until_ms = morning_ms + HOUR_MS;
    stage_at(&stage, 0, NULL);
    stage.scope.now_ms = morning_ms;
    stage.step.task_now_ms = stage.step.act_ms = morning_ms + 2 * HOUR_MS;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    const struct offer_decided *said = &stage.kit.effects.outputs[0].offer_decided;
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].decision_id, held));
    ck_assert(slice_is(said->withdrawn[0].gate, "time"));
    ck_assert(slice_is(said->withdrawn[0].reason, "no_longer_valid at 2026-01-02T10:00:00Z"));
    ck_assert_int_eq(histories[0].held_until_ms, 0);
}
END_TEST

/* The backlog's contact stands where it counts: at the moment at which it can go out, not when it was caused. */
START_TEST(a_backlogs_contact_stands_when_it_goes_out)
{
    struct event event = kit_app(KIT_START_MS + KIT_DAY_MS, "login");
    stage_at(&stage, 1, &event);
    stage.step.act_ms = event.time_ms + 5 * HOUR_MS;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(state.contact_count, 1);
    ck_assert_int_eq(state.contacts[0].at_ms, event.time_ms + 5 * HOUR_MS);
    ck_assert_int_eq(histories[0].decided_ms, event.time_ms);
}
END_TEST

START_TEST(all_gates_that_fail_are_listed_on_demand)
{
    struct profile *profile = &stage.customer.profile;
    struct slice all[OFFER_GATE_COUNT] = {{NULL, 0}};
    struct slice reason = {NULL, 0};
    stage_at(&stage, 1, NULL);
    stage_set(&stage, STAGE_SPEND, 5);
    profile->complaint_open = true;
    profile->risk_profile = 1;
    offers.policy.holdout = 10000;
    enum offer_gate gate =
        offer_blocked(&offers, 0, &state, &histories[0], task, &facts, &stage.step, &reason, all);
    ck_assert_int_eq(gate, GATE_ELIGIBLE);
    ck_assert(slice_is(reason, "not_met"));
    const struct {
        enum offer_gate gate;
        const char *reason;
    } expected[] = {{GATE_ELIGIBLE, "not_met"},
                    {GATE_COMPLAINT, "complaint_open"},
                    {GATE_SUITABLE, "not_met"},
                    {GATE_HOLDOUT, "global_holdout"}};
    uint32_t at = 0;
    for (int i = 0; i < OFFER_GATE_COUNT; i++) {
        bool wanted = at < 4 && expected[at].gate == (enum offer_gate)i;
        ck_assert_msg(wanted ? slice_is(all[i], expected[at].reason) : all[i].size == 0, "%s: %.*s",
                      offer_gate_name((enum offer_gate)i), SLICE_ARG(all[i]));
        at += wanted;
    }
    ck_assert_uint_eq(at, 4);
}
END_TEST

START_TEST(caps_count_by_group_and_by_channel)
{
    static const struct offer_cap group[] = {
        {1, INT64_C(7) * KIT_DAY_MS, CAP_GROUP, CHANNEL_COUNT}};
    static const struct offer_cap push[] = {
        {1, INT64_C(7) * KIT_DAY_MS, CAP_CHANNEL, CHANNEL_PUSH}};
    struct profile *profile = &stage.customer.profile;
    offers.count = 2;
    defs[0].group = defs[1].group = slice_text("borrow");
    defs[0].caps = defs[1].caps = group;
    defs[0].cap_count = defs[1].cap_count = 1;
    ck_assert(slice_is(decide(1)->offers[0].offer.id, "two"));
    const struct offer_decided *said = decide(3); /* the other one of the group, too soon */
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert(slice_is(said->blocked[0].offer_id, "one"));
    ck_assert(slice_is(said->blocked[0].reason, "group"));
    defs[0].cap_count = defs[1].cap_count = 0;
    offers.count = 1;
    offers.policy.caps = push;
    offers.policy.cap_count = 1;
    expect_blocked(5, "contact_cap:channel");
    profile->consents[PURPOSE_MARKETING][CHANNEL_EMAIL] =
        profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH];
    ck_assert_int_eq(decide(6)->offers[0].channel, CHANNEL_EMAIL);
    ck_assert_int_eq(decide(9)->offers[0].channel, CHANNEL_PUSH); /* a week later */
}
END_TEST

START_TEST(transactional_messages_are_not_capped_and_do_not_count)
{
    static const struct offer_cap caps[] = {{1, INT64_C(30) * KIT_DAY_MS, CAP_ALL, CHANNEL_COUNT}};
    offers.policy.caps = caps;
    offers.policy.cap_count = 1;
    only_service(&defs[0], OFFER_TRANSACTIONAL);
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    ck_assert_uint_eq(state.contact_count, 0);
    defs[0].contact_class = OFFER_MARKETING;
    defs[0].purpose = PURPOSE_MARKETING;
    ck_assert_uint_eq(decide(3)->offer_count, 1);
    ck_assert_uint_eq(state.contact_count, 1);
    expect_blocked(5, "contact_cap:all");
    only_service(&defs[0], OFFER_TRANSACTIONAL);
    ck_assert_uint_eq(decide(7)->offer_count, 1);
    ck_assert_uint_eq(state.contact_count, 1);
}
END_TEST

START_TEST(mandatory_messages_wait_for_no_morning_and_ask_no_consent)
{
    int64_t night_ms = KIT_START_MS + INT64_C(23) * HOUR_MS;
    night_from_21_to_8();
    memset(stage.customer.profile.consents, 0, sizeof(stage.customer.profile.consents));
    defs[0].purpose = PURPOSE_SERVICE;
    defs[0].contact_class = OFFER_MANDATORY;
    defs[0].channels = 1U << CHANNEL_PUSH;
    const struct offer_decided *said = decide_at(night_ms);
    ck_assert_uint_eq(said->offer_count, 1);
    ck_assert_int_eq(said->offers[0].send_after_ms, night_ms);
}
END_TEST

START_TEST(the_night_is_the_customers)
{
    int64_t noon_ms = KIT_START_MS + INT64_C(12) * HOUR_MS;
    night_from_21_to_8();
    ck_assert_uint_eq(decide_at(noon_ms)->offer_count, 1);
    stage.customer.profile.zone = zones_find(stage.kit.zones, slice_text("Pacific/Auckland"));
    ck_assert_int_ge(stage.customer.profile.zone, 0);
    const struct offer_decided *said =
        decide_at(noon_ms + 2 * KIT_DAY_MS); /* one in the morning there */
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert_msg(slice_is(said->no_offer_reason, "quiet_hours:held until 2026-01-03T19:00:00Z"),
                  "%.*s", SLICE_ARG(said->no_offer_reason));
}
END_TEST

START_TEST(every_term_is_in_the_score)
{
    stage_set(&stage, STAGE_LOGINS, 5);
    defs[0].context = kit_condition(&stage.kit, "context", "double(f.logins) / 10.0");
    defs[0].priority = 3;
    const struct ranked_offer *offer = &decide(1)->offers[0];
    ck_assert_double_eq_tol(offer->p, 0.05, 1e-12);
    ck_assert_double_eq_tol(offer->c, 0.5, 1e-12);
    ck_assert_double_eq_tol(offer->v, 20, 1e-12);
    ck_assert_double_eq_tol(offer->l, 3, 1e-12);
    ck_assert_double_eq_tol(offer->score, 1.5, 1e-12);
    ck_assert_uint_eq(offer->propensity_from.size, 0);
}
END_TEST

START_TEST(a_models_word_is_where_p_starts_while_it_is_fresh)
{
    defs[0].propensity = kit_condition(&stage.kit, "propensity", "double(f.logins) / 10.0");
    defs[0].propensity_while = kit_condition(&stage.kit, "propensity_while", "f.spend <= 50");
    const struct {
        int64_t tenths, spend; /* below 0: the model has said nothing */
        double p;
        const char *from;
    } cases[] = {{4, 50, 0.4, "model"},
                 {4, 51, 0.05, "policy"},
                 {-1, 50, 0.05, "policy"},
                 {11, 50, 0.05, "policy"},
                 {10, 50, 1, "model"}};
    for (uint32_t i = 0; i < ARRAY_COUNT(cases); i++) {
        stage_set(&stage, STAGE_LOGINS, cases[i].tenths);
        stage.values[STAGE_LOGINS].present = cases[i].tenths >= 0;
        stage_set(&stage, STAGE_SPEND, cases[i].spend);
        const struct ranked_offer *offer = &decide(2 * (int64_t)i + 1)->offers[0];
        ck_assert_double_eq_tol(offer->p, cases[i].p, 1e-12);
        ck_assert(slice_is(offer->propensity_from, cases[i].from));
    }
}
END_TEST

START_TEST(a_bundle_is_worth_its_sum_and_comes_whole)
{
    offers.count = 3;
    offers.policy.top = 1;
    defs[0].bundle = defs[2].bundle = slice_text("pack"); /* 20 and 30 against 40 alone */
    defs[2].value_minor = 3000;
    const struct offer_decided *said = decide(1);
    ck_assert_uint_eq(said->offer_count, 2);
    ck_assert(slice_is(said->offers[0].offer.id, "three"));
    ck_assert(slice_is(said->offers[1].offer.id, "one"));
    ck_assert(slice_is(said->offers[1].bundle, "pack"));
    ck_assert(slice_is(said->blocked[0].offer_id, "two"));
    ck_assert(slice_is(said->blocked[0].reason, "lower_score"));
    offers.policy.top = 2;
    ck_assert_uint_eq(decide(3)->offer_count, 3); /* one entry, and one more */
}
END_TEST

START_TEST(a_share_of_decisions_explores_and_logs_its_chance)
{
    uint32_t first[3] = {0};
    offers.count = 3;
    offers.policy.explore_offers = 0.3;
    defs[2].value_minor = 3000; /* worth 20, 40 and 30 */
    for (uint32_t i = 0; i < 6000; i++) {
        char id[16];
        memset(&state, 0, sizeof(state));
        memset(histories, 0, sizeof(histories));
        stage.customer.id_size = (uint8_t)snprintf(id, sizeof(id), "e-%u", i);
        memcpy(stage.customer.id, id, stage.customer.id_size);
        const struct offer_decided *said = decide(1);
        const struct ranked_offer *offer = &said->offers[0];
        uint32_t at = slice_is(offer->offer.id, "one")   ? 0
                      : slice_is(offer->offer.id, "two") ? 1
                                                         : 2;
        ck_assert_uint_eq(said->offer_count, 2);
        ck_assert_double_eq_tol(offer->selection_probability, at == 1 ? 0.8 : 0.1, 1e-12);
        ck_assert_double_eq_tol(said->offers[1].selection_probability, 1, 1e-12);
        ck_assert(
            slice_is(said->offers[1].offer.id, at == 1 ? "three" : "two")); /* the rest by score */
        first[at]++;
    }
    ck_assert_uint_gt(first[0], 530); /* 600, five standard deviations of 23 off */
    ck_assert_uint_lt(first[0], 670);
    ck_assert_uint_gt(first[2], 530);
    ck_assert_uint_lt(first[2], 670);
    defs[1].bundle = defs[2].bundle = slice_text("pack"); /* an entry moves as a whole */
    offers.policy.explore_offers = 1;
    for (uint32_t i = 0; i < 50; i++) {
        memset(&state, 0, sizeof(state));
        memset(histories, 0, sizeof(histories));
        state.decisions = i;
        const struct offer_decided *said = decide(1);
        ck_assert_uint_eq(said->offer_count, 3);
        ck_assert(slice_is(said->offers[0].offer.id, "one") ||
                  slice_is(said->offers[2].offer.id, "one"));
        ck_assert_double_eq_tol(said->offers[0].selection_probability, 0.5, 1e-12);
        bool pack = slice_is(said->offers[2].offer.id, "one"); /* both of it were drawn, as one */
        ck_assert_double_eq_tol(said->offers[1].selection_probability, pack ? 0.5 : 1, 1e-12);
        ck_assert_double_eq_tol(said->offers[2].selection_probability, 1, 1e-12);
    }
}
END_TEST

START_TEST(who_is_no_longer_suited_loses_an_open_offer)
{
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    stage.customer.profile.risk_profile = 1;
    const struct offer_decided *said = tell_profile(2);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->withdrawn_count, 1);
    ck_assert(slice_is(said->withdrawn[0].gate, "suitable"));
}
END_TEST

START_TEST(erasure_takes_back_what_is_open_and_what_is_held)
{
    char open[OFFER_TEXT_SIZE], held[OFFER_TEXT_SIZE];
    keep(open, decide(1)->decision_id);
    night_from_21_to_8();
    keep(held, decide_at(KIT_START_MS + 2 * KIT_DAY_MS + INT64_C(23) * HOUR_MS)->decision_id);
    stage_at(&stage, 3, NULL);
    offers_erase(&offers, &state, histories, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 1);
    const struct offer_decided *said = &stage.kit.effects.outputs[0].offer_decided;
    ck_assert_uint_eq(said->withdrawn_count, 2);
    ck_assert(slice_is(said->withdrawn[0].decision_id, open));
    ck_assert(slice_is(said->withdrawn[1].decision_id, held));
    ck_assert(slice_is(said->withdrawn[0].reason, "erased"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gates");
    TCase *tests = tcase_create("gates");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_offer_has_its_time);
    tcase_add_test(tests, what_a_backlog_decides_must_still_be_valid);
    tcase_add_test(tests, an_offer_has_its_segments);
    tcase_add_test(tests, what_is_not_known_blocks_and_has_a_name);
    tcase_add_test(tests, the_global_control_group_hears_nothing);
    tcase_add_test(tests, a_service_message_has_no_global_control_group);
    tcase_add_test(tests, a_withdrawn_consent_is_not_explicit);
    tcase_add_test(tests, quiet_hours_end_in_the_second_of_two_equal_hours);
    tcase_add_test(tests, an_unknown_zone_silences_what_sounds);
    tcase_add_test(tests, what_is_held_too_long_is_withdrawn);
    tcase_add_test(tests, an_old_event_takes_nothing_from_what_is_held);
    tcase_add_test(tests, what_is_held_and_ends_in_the_backlog_is_withdrawn);
    tcase_add_test(tests, a_backlogs_contact_stands_when_it_goes_out);
    tcase_add_test(tests, all_gates_that_fail_are_listed_on_demand);
    tcase_add_test(tests, caps_count_by_group_and_by_channel);
    tcase_add_test(tests, transactional_messages_are_not_capped_and_do_not_count);
    tcase_add_test(tests, mandatory_messages_wait_for_no_morning_and_ask_no_consent);
    tcase_add_test(tests, the_night_is_the_customers);
    tcase_add_test(tests, every_term_is_in_the_score);
    tcase_add_test(tests, a_models_word_is_where_p_starts_while_it_is_fresh);
    tcase_add_test(tests, a_bundle_is_worth_its_sum_and_comes_whole);
    tcase_add_test(tests, a_share_of_decisions_explores_and_logs_its_chance);
    tcase_add_test(tests, who_is_no_longer_suited_loses_an_open_offer);
    tcase_add_test(tests, erasure_takes_back_what_is_open_and_what_is_held);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
