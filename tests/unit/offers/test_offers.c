/* SPDX-License-Identifier: Apache-2.0 */
#include "support/offers_kit.h"

START_TEST(an_offer_shows_its_terms)
{
    const struct offer_decided *said = decide(1);
    ck_assert_uint_eq(said->offer_count, 1);
    const struct ranked_offer *offer = &said->offers[0];
    ck_assert(slice_is(offer->offer.id, "one"));
    ck_assert(slice_is(offer->variant, "default"));
    ck_assert_int_eq(offer->channel, CHANNEL_PUSH);
    ck_assert_double_eq_tol(offer->p, 1.0 / 20, 1e-12);
    ck_assert_double_eq_tol(offer->v, 20, 1e-12);
    ck_assert_double_eq_tol(offer->score, 1, 1e-12);
    ck_assert_uint_eq(said->decision_id.size, 32);
    ck_assert_uint_eq(task->decisions, 1);
}
END_TEST

START_TEST(gates_say_why)
{
    struct profile *profile = &stage.customer.profile;
    stage_set(&stage, STAGE_SPEND, 5);
    expect_blocked(1, "eligible:not_met");
    stage.values[STAGE_SPEND].present = false;
    expect_blocked(2, "eligible:missing:f.spend");
    stage_set(&stage, STAGE_SPEND, 50);
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_WITHDRAWN;
    expect_blocked(3, "consent:not_granted");
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_NONE;
    expect_blocked(4, "consent:missing:c.consents");
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_GRANTED;
    profile->complaint_open = true;
    expect_blocked(5, "complaint:complaint_open");
    profile->complaint_open = false;
    profile->vulnerability = 1U << VULNERABLE_BEREAVEMENT;
    expect_blocked(6, "vulnerable:BEREAVEMENT");
    profile->vulnerability = 1U << VULNERABLE_SIGHT; /* a need of access stops nothing */
    facts.life_vulnerable = 2;
    expect_blocked(7, "vulnerable:life_event_of_care");
    facts.life_vulnerable = 0;
    hide("risk_profile");
    expect_blocked(8, "suitable:missing:c.risk_profile");
    hide("complaint_open");
    expect_blocked(81, "complaint:missing:c.complaint_open");
    hide("vulnerability");
    expect_blocked(82, "vulnerable:missing:c.vulnerability");
    profile->present = UINT64_MAX;
    profile->risk_profile = 1;
    expect_blocked(9, "suitable:not_met");
    profile->risk_profile = 4;
    defs[0].not_life = 4;
    facts.life_open = 4;
    expect_blocked(10, "life:life_event");
    facts.life_open = 0;
    defs[0].product_held = 1U << PRODUCT_FX;
    profile->products_held = 1U << PRODUCT_FX;
    expect_blocked(11, "applicable:already_held");
    profile->products_held = 0;
    ck_assert_uint_eq(decide(12)->offer_count, 1);
    ck_assert_uint_eq(task->no_offers, 13);
    ck_assert_uint_eq(task->blocked[GATE_CONSENT], 2);
}
END_TEST

START_TEST(sensitive_rules_need_explicit_consent)
{
    defs[0].sensitive = true;
    stage.customer.profile.consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis =
        BASIS_LEGITIMATE_INTEREST;
    expect_blocked(1, "sensitivity:no_explicit_consent");
    stage.customer.profile.consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis = BASIS_CONSENT;
    const struct offer_decided *decided = decide(2);
    ck_assert_uint_eq(decided->offer_count, 1);
    ck_assert(slice_is(decided->data_category, DATA_CATEGORY_SPECIAL));
}
END_TEST

START_TEST(stops_of_the_policy_have_names)
{
    static const uint32_t arrears[] = {1};
    static const struct slice names[] = {{(const uint8_t *)"good", 4},
                                         {(const uint8_t *)"arrears", 7}};
    offers.policy.stop_segments = arrears;
    offers.policy.stop_segments_count = 1;
    offers.policy.stop_life = 2;
    offers.segment_ids = offers.life_ids = names;
    in[0] = 2;
    expect_blocked(1, "stop:segment arrears");
    in[0] = 1;
    facts.life_open = 2;
    expect_blocked(2, "stop:life event arrears");
    facts.life_open = 1;
    ck_assert_uint_eq(decide(3)->offer_count, 1);
}
END_TEST

START_TEST(investments_need_risk_profile_and_knowledge)
{
    struct profile *profile = &stage.customer.profile;
    defs[0].product = ACCOUNT_INVESTMENT;
    defs[0].suitable.program = NULL; /* the playbook forgot its own rule */
    hide("risk_profile");
    expect_blocked(1, "suitable:missing:c.risk_profile");
    hide("knowledge");
    expect_blocked(2, "suitable:missing:c.knowledge");
    profile->present = UINT64_MAX;
    expect_blocked(3, "suitable:no_knowledge");
    defs[0].purpose =
        PURPOSE_SERVICE; /* what sells an investment is no service, whatever it says */
    defs[0].contact_class = OFFER_TRANSACTIONAL;
    profile->consents[PURPOSE_SERVICE][CHANNEL_PUSH] =
        profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH];
    expect_blocked(3, "suitable:no_knowledge");
    defs[0].purpose = PURPOSE_MARKETING;
    defs[0].contact_class = OFFER_MARKETING;
    profile->knowledge = 1U << ACCOUNT_INVESTMENT;
    ck_assert_uint_eq(decide(4)->offer_count, 1);
}
END_TEST

START_TEST(a_bundle_is_one_entry)
{
    offers.count = 2;
    offers.policy.top = 1;
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    defs[0].bundle = defs[1].bundle = slice_text("home_pack");
    defs[0].group = defs[1].group = slice_text("home");
    const struct offer_decided *said = decide(3);
    ck_assert_uint_eq(said->offer_count, 2);
    ck_assert(slice_is(said->offers[1].bundle, "home_pack"));
}
END_TEST

START_TEST(what_a_person_must_release_goes_to_review)
{
    defs[0].review = true;
    const struct offer_decided *said = decide(1);
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert_uint_eq(said->for_review_count, 1);
    ck_assert(slice_is(said->for_review[0].offer.id, "one"));
    ck_assert(slice_is(said->no_offer_reason, "review"));
    ck_assert_uint_eq(state.shown_count, 0);
}
END_TEST

START_TEST(a_learned_variant_is_drawn_by_its_logged_chance)
{
    static const struct offer_variant variants[] = {{{(const uint8_t *)"a", 1}, 1},
                                                    {{(const uint8_t *)"b", 1}, 1}};
    defs[0].variants = variants;
    defs[0].variant_count = 2;
    defs[0].learn = true;
    offers.policy.floor = 0.1;
    task->counts[offers_arm(&offers, 0, 0, CHANNEL_PUSH, 0)].presented = 200;
    task->counts[offers_arm(&offers, 0, 0, CHANNEL_PUSH, 0)].accepted = 20;
    task->counts[offers_arm(&offers, 0, 1, CHANNEL_PUSH, 0)].presented = 200;
    task->counts[offers_arm(&offers, 0, 1, CHANNEL_PUSH, 0)].accepted = 26;
    uint32_t b = 0;
    double chance = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        char id[16];
        memset(&state, 0, sizeof(state));
        memset(histories, 0, sizeof(histories));
        stage.customer.id_size = (uint8_t)snprintf(id, sizeof(id), "t-%u", i);
        memcpy(stage.customer.id, id, stage.customer.id_size);
        const struct ranked_offer *offer = &decide(1)->offers[0];
        bool is_b = slice_is(offer->variant, "b");
        chance = is_b ? offer->selection_probability : 1 - offer->selection_probability;
        b += is_b;
    }
    /* 1 - pnorm(0) of the difference of the two posteriors is 0.83; with the floor 0.8 */
    ck_assert_double_eq_tol(chance, 0.8, 0.02);
    ck_assert_double_eq_tol(b / 4000.0, chance, 0.03);
}
END_TEST

START_TEST(an_outcome_counts_for_the_arm_and_context_of_its_decision_once)
{
    char id[OFFER_TEXT_SIZE];
    offers.policy.contexts[1] = kit_condition(&stage.kit, "rich", "f.spend >= 50");
    offers.policy.contexts[1].name = slice_text("rich");
    offers.policy.context_count = 2;
    const struct offer_decided *said = decide(1);
    ck_assert(slice_is(said->offers[0].context, "rich"));
    keep(id, said->decision_id);
    struct event event =
        kit_outcome(KIT_START_MS + INT64_C(2) * KIT_DAY_MS, "one", OUTCOME_ACCEPTED);
    event.outcome.decision_id = slice_text(id);
    event.outcome.variant = (struct slice){NULL, 0}; /* and no channel: the decision knows */
    event.present = 0;
    stage_set(&stage, STAGE_SPEND, 10);
    for (int i = 0; i < 3; i++) {
        (void)said_by(&event);
    }
    const struct offer_counts *counts = &task->counts[offers_arm(&offers, 0, 0, CHANNEL_PUSH, 1)];
    ck_assert_int_eq(counts->accepted, 1);
    ck_assert_int_eq(counts->presented, 1);
    event.outcome.outcome = OUTCOME_CLICKED;
    event.time_ms += INT64_C(40) * KIT_DAY_MS; /* too late to be its doing */
    (void)said_by(&event);
    ck_assert_int_eq(counts->clicked, 0);
}
END_TEST

/* Of a decision that is not remembered: older, another system's, or one that held the offer out. */
static void tell_stray(int64_t days, enum outcome kind)
{
    struct event event = kit_outcome(KIT_START_MS + days * KIT_DAY_MS, "one", kind);
    event.outcome.decision_id = slice_text("forgotten");
    event.present = UINT64_MAX;
    (void)said_by(&event);
}

START_TEST(what_the_control_group_buys_teaches_nothing)
{
    const struct offer_counts *counts = &task->counts[offers_arm(&offers, 0, 0, CHANNEL_PUSH, 0)];
    char id[OFFER_TEXT_SIZE];
    defs[0].holdout = 10000;
    keep(id, decide(1)->decision_id);
    struct event bought = kit_outcome(KIT_START_MS + 2 * KIT_DAY_MS, "one", OUTCOME_ACCEPTED);
    bought.outcome.decision_id = slice_text(id);
    bought.present = UINT64_MAX;
    (void)said_by(&bought);
    ck_assert_int_eq(counts->accepted, 0);
    ck_assert_int_eq(task->sides[0][LAYER_OWN][1].converted, 1); /* its side counts it */
}
END_TEST

START_TEST(a_forgotten_decision_counts_once_per_kind_and_not_for_ever)
{
    const struct offer_counts *counts = &task->counts[offers_arm(&offers, 0, 0, CHANNEL_PUSH, 0)];
    tell_stray(1, OUTCOME_PRESENTED);
    tell_stray(2, OUTCOME_PRESENTED);
    tell_stray(3, OUTCOME_ACCEPTED);
    tell_stray(4, OUTCOME_ACCEPTED);
    ck_assert_int_eq(counts->presented, 1);
    ck_assert_int_eq(counts->accepted, 1);
    tell_stray(33, OUTCOME_CLICKED); /* 31 days after it was last presented */
    ck_assert_int_eq(counts->clicked, 0);
    tell_stray(34, OUTCOME_PRESENTED); /* and again */
    tell_stray(35, OUTCOME_ACCEPTED);
    ck_assert_int_eq(counts->presented, 2);
    ck_assert_int_eq(counts->accepted, 2);
}
END_TEST

START_TEST(the_better_offer_wins_its_group)
{
    offers.count = 2;
    const struct offer_decided *said = decide(1);
    ck_assert_uint_eq(said->offer_count, 2);
    ck_assert(slice_is(said->offers[0].offer.id, "two"));
    defs[0].group = defs[1].group = slice_text("g");
    said = decide(3);
    ck_assert_uint_eq(said->offer_count, 1);
    ck_assert(slice_is(said->offers[0].offer.id, "two"));
    ck_assert(slice_is(said->blocked[0].gate, "arbitration"));
}
END_TEST

START_TEST(outcomes_move_the_odds)
{
    offers.count = 2;
    for (int i = 0; i < 400; i++) {
        struct event outcome =
            kit_outcome(KIT_START_MS, i % 2 == 0 ? "one" : "two", OUTCOME_PRESENTED);
        outcome.outcome.variant = slice_text("default");
        memset(histories, 0, sizeof(histories)); /* another customer's */
        stage_at(&stage, 0, &outcome);
        offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
        if (i % 2 == 0 && i % 4 == 0) {
            outcome.outcome.outcome = OUTCOME_ACCEPTED;
            stage_at(&stage, 0, &outcome);
            offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
        }
    }
    const struct offer_decided *said = decide(1);
    ck_assert(slice_is(said->offers[0].offer.id, "one")); /* half its value, but half accept it */
    ck_assert_double_eq_tol(said->offers[0].p, 101.0 / 220, 1e-9);
    ck_assert_double_eq_tol(said->offers[1].p, 1.0 / 220, 1e-9);
}
END_TEST

START_TEST(holdouts_are_a_share_and_are_exposed)
{
    defs[0].holdout = 2000;
    uint32_t held = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        char id[16];
        memset(&state, 0, sizeof(state));
        memset(histories, 0, sizeof(histories));
        stage.customer.id_size = (uint8_t)snprintf(id, sizeof(id), "k-%u", i);
        memcpy(stage.customer.id, id, stage.customer.id_size);
        const struct offer_decided *said = decide(1);
        bool now = said->offer_count == 0;
        held += now;
        ck_assert_int_eq(stage.kit.effects.outputs[0].kind, OUTPUT_EXPOSURE);
        ck_assert_int_eq(stage.kit.effects.outputs[0].exposure.held_out, now);
        ck_assert(slice_is(stage.kit.effects.outputs[0].exposure.layer, "offer:one"));
    }
    ck_assert_uint_gt(held, 900);
    ck_assert_uint_lt(held, 1100);
}
END_TEST

/* What the first exposure of a customer says of where and how. */
static void exposed_as(uint32_t number, uint32_t holdout, uint8_t *out_channel, char *out_variant)
{
    char id[16];
    memset(&state, 0, sizeof(state));
    memset(histories, 0, sizeof(histories));
    stage.customer.id_size = (uint8_t)snprintf(id, sizeof(id), "e-%u", number);
    memcpy(stage.customer.id, id, stage.customer.id_size);
    stage.customer.profile.preferred_channel = number % 2 == 0 ? CHANNEL_PUSH : CHANNEL_EMAIL;
    defs[0].holdout = holdout;
    (void)decide(1);
    const struct output *output = &stage.kit.effects.outputs[0];
    ck_assert_int_eq(output->kind, OUTPUT_EXPOSURE);
    ck_assert_int_eq(output->exposure.held_out, holdout == 10000);
    *out_channel = output->exposure.channel;
    keep(out_variant, output->exposure.variant);
}

/* Else the control group of a channel or variant would not be like those who were told. */
START_TEST(both_sides_of_an_experiment_are_planned_alike)
{
    static const struct offer_variant variants[] = {{{(const uint8_t *)"a", 1}, 1},
                                                    {{(const uint8_t *)"b", 1}, 1}};
    struct profile *profile = &stage.customer.profile;
    profile->consents[PURPOSE_MARKETING][CHANNEL_EMAIL] =
        profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH];
    defs[0].variants = variants;
    defs[0].variant_count = 2;
    uint32_t seen[2] = {0, 0};
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t told, held;
        char told_variant[OFFER_TEXT_SIZE], held_variant[OFFER_TEXT_SIZE];
        defs[0].learn = i % 4 < 2;
        exposed_as(i, 10000, &held, held_variant);
        exposed_as(i, 1, &told, told_variant);
        ck_assert_int_eq(held, told);
        ck_assert_int_eq(told, profile->preferred_channel);
        ck_assert_str_eq(held_variant, told_variant);
        seen[told_variant[0] == 'b']++;
    }
    ck_assert_uint_gt(seen[0], 100);
    ck_assert_uint_gt(seen[1], 100);
}
END_TEST

/* The newest record of the offer as a whole among what was just said; NULL: there is none. */
static const struct offer_stats *sides_said(void)
{
    const struct offer_stats *found = NULL;
    for (uint32_t i = 0; i < stage.kit.effects.count; i++) {
        const struct output *output = &stage.kit.effects.outputs[i];
        bool whole = output->kind == OUTPUT_OFFER_STATS && output->offer_stats.experiment.size > 0;
        found = whole ? &output->offer_stats : found;
    }
    return found;
}

static void tell_revenue(int64_t days, enum outcome kind, int64_t revenue_minor)
{
    struct event event = kit_outcome(KIT_START_MS + days * KIT_DAY_MS, "one", kind);
    event.outcome.revenue_minor = revenue_minor;
    event.present = UINT64_MAX;
    (void)said_by(&event);
}

START_TEST(an_experiment_counts_each_customer_once_and_what_he_brings)
{
    defs[0].holdout = 1; /* nobody of those below */
    (void)decide(1);
    const struct offer_stats *said = sides_said();
    ck_assert_ptr_nonnull(said);
    ck_assert(slice_is(said->variant, "*"));
    ck_assert_uint_eq(said->side_count, 1);
    ck_assert(slice_is(said->sides[0].layer, "offer:one"));
    ck_assert(!said->sides[0].control);
    ck_assert_int_eq(said->sides[0].customers, 1);
    (void)decide(3); /* again, and still one */
    ck_assert_ptr_null(sides_said());
    tell_revenue(4, OUTCOME_CLICKED, 100);
    tell_revenue(5, OUTCOME_ACCEPTED, 200);
    tell_revenue(6, OUTCOME_ACCEPTED, 300); /* converted once */
    said = sides_said();
    ck_assert_int_eq(said->sides[0].converted, 1);
    ck_assert_int_eq(said->sides[0].revenue_minor, 600);
    ck_assert_double_eq_tol(said->sides[0].revenue_squares, 36, 1e-9); /* one customer's 6 pounds */
    tell_revenue(40, OUTCOME_ACCEPTED, 400);                           /* later than attributed */
    ck_assert_ptr_null(sides_said());
    tell_outcome(7, OUTCOME_PRESENTED); /* moves nothing */
    ck_assert_ptr_null(sides_said());
}
END_TEST

/* And the record can still be read. */
START_TEST(revenue_has_an_end)
{
    uint8_t bytes[256];
    defs[0].holdout = 1;
    (void)decide(1);
    for (int i = 0; i < 3; i++) {
        tell_revenue(4, OUTCOME_ACCEPTED, INT64_MAX);
    }
    ck_assert_int_eq(task->sides[0][LAYER_OWN][0].revenue_minor, OFFER_REVENUE_MAX);
    ck_assert_int_eq(task->counts[offers_arm(&offers, 0, 0, CHANNEL_PUSH, 0)].revenue_minor,
                     OFFER_REVENUE_MAX);
    struct bytes_writer writer = bytes_writer(bytes, sizeof(bytes));
    offer_history_pack(&histories[0], &writer);
    struct offer_history history;
    struct bytes_reader reader = bytes_reader(slice_of(bytes, writer.size));
    ck_assert(offer_history_unpack(&history, &reader));
    tell_revenue(5, OUTCOME_CLICKED, INT64_MIN);
    ck_assert_int_eq(task->sides[0][LAYER_OWN][0].revenue_minor, -OFFER_REVENUE_MAX);
}
END_TEST

START_TEST(another_plan_is_another_experiment)
{
    defs[0].holdout = 1;
    (void)decide(1);
    uint32_t before = offers_experiment(&offers, 0);
    defs[0].holdout = 10000;
    ck_assert_uint_ne(offers_experiment(&offers, 0), before);
    memset(task->sides, 0, sizeof(task->sides)); /* as unpacking leaves them */
    memset(task->experiments, 0, sizeof(task->experiments));
    (void)decide(3);
    const struct offer_stats *said = sides_said();
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->side_count, 1);
    ck_assert(said->sides[0].control);
    ck_assert_int_eq(stage.kit.effects.outputs[0].kind,
                     OUTPUT_EXPOSURE); /* although within 30 days */
    defs[0].holdout = 0;
    ck_assert_uint_eq(offers_experiment(&offers, 0), 0);
}
END_TEST

START_TEST(who_is_held_out_of_all_is_in_no_experiment_of_one)
{
    defs[0].holdout = 5000;
    offers.policy.holdout = 10000;
    (void)decide(1);
    const struct offer_stats *said = sides_said();
    ck_assert_uint_eq(said->side_count, 1);
    ck_assert(slice_is(said->sides[0].layer, "global"));
    ck_assert(said->sides[0].control);
    offers.policy.holdout = 0;
}
END_TEST

START_TEST(variants_split_by_weight_and_stay)
{
    static const struct offer_variant variants[] = {{{(const uint8_t *)"a", 1}, 1},
                                                    {{(const uint8_t *)"b", 1}, 3}};
    defs[0].variants = variants;
    defs[0].variant_count = 2;
    uint32_t b = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        char id[16];
        stage.customer.id_size = (uint8_t)snprintf(id, sizeof(id), "v-%u", i);
        memcpy(stage.customer.id, id, stage.customer.id_size);
        bool was_b = false;
        for (int turn = 0; turn < 2; turn++) {
            memset(&state, 0, sizeof(state));
            memset(histories, 0, sizeof(histories));
            const struct ranked_offer *offer = &decide(1 + turn)->offers[0];
            bool is_b = slice_is(offer->variant, "b");
            ck_assert(turn == 0 || is_b == was_b);
            ck_assert_double_eq_tol(offer->selection_probability, is_b ? 0.75 : 0.25, 1e-9);
            was_b = is_b;
        }
        b += was_b;
    }
    ck_assert_uint_gt(b, 2850);
    ck_assert_uint_lt(b, 3150);
}
END_TEST

START_TEST(stock_is_shared_by_tasks_and_runs_out)
{
    defs[0].stock = 3;
    stage.step.task_count = 2; /* this is task 0: two of three */
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    ck_assert_uint_eq(decide(3)->offer_count, 1);
    expect_blocked(5, "stock:sold_out");
}
END_TEST

START_TEST(old_events_and_backfill_make_no_offer)
{
    struct event event = kit_app(KIT_START_MS, "login");
    stage_at(&stage, 3, &event);
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 1);
    const struct offer_decided *said = &stage.kit.effects.outputs[0].offer_decided;
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert(slice_is(said->no_offer_reason, "time:too_old at 2026-01-04T00:00:00Z"));
    ck_assert_uint_eq(task->blocked[GATE_TIME], 1);
    stage.step.live = false;
    ck_assert_ptr_null(decide(4));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("offers");
    TCase *tests = tcase_create("offers");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_offer_shows_its_terms);
    tcase_add_test(tests, gates_say_why);
    tcase_add_test(tests, sensitive_rules_need_explicit_consent);
    tcase_add_test(tests, stops_of_the_policy_have_names);
    tcase_add_test(tests, investments_need_risk_profile_and_knowledge);
    tcase_add_test(tests, a_bundle_is_one_entry);
    tcase_add_test(tests, what_a_person_must_release_goes_to_review);
    tcase_add_test(tests, a_learned_variant_is_drawn_by_its_logged_chance);
    tcase_add_test(tests, an_outcome_counts_for_the_arm_and_context_of_its_decision_once);
    tcase_add_test(tests, what_the_control_group_buys_teaches_nothing);
    tcase_add_test(tests, a_forgotten_decision_counts_once_per_kind_and_not_for_ever);
    tcase_add_test(tests, the_better_offer_wins_its_group);
    tcase_add_test(tests, outcomes_move_the_odds);
    tcase_add_test(tests, holdouts_are_a_share_and_are_exposed);
    tcase_add_test(tests, an_experiment_counts_each_customer_once_and_what_he_brings);
    tcase_add_test(tests, revenue_has_an_end);
    tcase_add_test(tests, another_plan_is_another_experiment);
    tcase_add_test(tests, who_is_held_out_of_all_is_in_no_experiment_of_one);
    tcase_add_test(tests, both_sides_of_an_experiment_are_planned_alike);
    tcase_add_test(tests, variants_split_by_weight_and_stay);
    tcase_add_test(tests, stock_is_shared_by_tasks_and_runs_out);
    tcase_add_test(tests, old_events_and_backfill_make_no_offer);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
