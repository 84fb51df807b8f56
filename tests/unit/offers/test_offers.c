/* SPDX-License-Identifier: Apache-2.0 */
#include "offers/offers.h"

#include "support/stage_kit.h"

enum { HOUR_MS = 3600000 };

static struct stage stage;
static struct offer_def defs[2];
static struct offers offers;
static struct offers_state state;
static struct offer_history histories[2];
static struct offers_task *task;
static uint64_t in[SEGMENTS_MAX / 64], entered[SEGMENTS_MAX / 64];
static struct offers_facts facts;
static struct slice login;

static void setup(void)
{
    stage_open(&stage);
    login = slice_text("login");
    defs[0] = (struct offer_def){
        .id = slice_text("one"), .hash = 1, .purpose = PURPOSE_MARKETING,
        .channels = 1U << CHANNEL_PUSH | 1U << CHANNEL_EMAIL, .value_minor = 2000, .priority = 1,
        .on_app = &login, .on_app_count = 1, .valid_from_ms = INT64_MIN, .valid_until_ms = INT64_MAX,
        .eligible = kit_condition(&stage.kit, "eligible", "f.spend >= 10"),
        .suitable = kit_condition(&stage.kit, "suitable", "c.risk_profile >= 3")};
    defs[1] = defs[0];
    defs[1].id = slice_text("two");
    defs[1].hash = 2;
    defs[1].value_minor = 4000;
    offers = (struct offers){.defs = defs, .count = 1, .policy = {.top = 2, .quiet_from_minute = -1,
                                                                  .publish_no_offer = true}};
    memset(&state, 0, sizeof(state));
    memset(histories, 0, sizeof(histories));
    memset(in, 0, sizeof(in));
    memset(entered, 0, sizeof(entered));
    facts = (struct offers_facts){.segments_in = in, .segments_entered = entered};
    task = calloc(1, sizeof(*task) + 2 * OFFER_VARIANTS_MAX * CHANNEL_COUNT * sizeof(struct offer_counts));
    stage_set(&stage, STAGE_SPEND, 50);
    struct profile *profile = &stage.customer.profile;
    profile->updated_at_ms = KIT_START_MS;
    profile->present = UINT64_MAX;
    profile->risk_profile = 4;
    profile->preferred_channel = CHANNEL_PUSH;
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_GRANTED;
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis = BASIS_CONSENT;
}

static void teardown(void)
{
    free(task);
    stage_close(&stage);
}

static const struct offer_decided *decide_at(int64_t now_ms)
{
    struct event event = kit_app(now_ms, "login");
    stage_at(&stage, 0, &event);
    stage.scope.now_ms = now_ms;
    stage.step.task_now_ms = now_ms;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    for (uint32_t i = 0; i < stage.kit.effects.count; i++) {
        if (stage.kit.effects.outputs[i].kind == OUTPUT_OFFER_DECIDED) {
            return &stage.kit.effects.outputs[i].offer_decided;
        }
    }
    return NULL;
}

static const struct offer_decided *decide(int64_t days)
{
    return decide_at(KIT_START_MS + days * KIT_DAY_MS);
}

static void expect_blocked(int64_t days, const char *reason)
{
    const struct offer_decided *said = decide(days);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert_msg(slice_is(said->no_offer_reason, reason), "%.*s", SLICE_ARG(said->no_offer_reason));
}

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
    profile->present = 0;
    expect_blocked(8, "suitable:missing:c.risk_profile");
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
    ck_assert_uint_eq(task->no_offers, 11);
    ck_assert_uint_eq(task->blocked[GATE_CONSENT], 2);
}
END_TEST

START_TEST(sensitive_rules_need_explicit_consent)
{
    defs[0].sensitive = true;
    stage.customer.profile.consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis = BASIS_LEGITIMATE_INTEREST;
    expect_blocked(1, "sensitivity:no_explicit_consent");
    stage.customer.profile.consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis = BASIS_CONSENT;
    ck_assert_uint_eq(decide(2)->offer_count, 1);
}
END_TEST

START_TEST(caps_roll_and_outcomes_cool)
{
    static const struct offer_cap caps[] = {{2, INT64_C(30) * KIT_DAY_MS, CAP_OFFER, CHANNEL_COUNT}};
    defs[0].caps = caps;
    defs[0].cap_count = 1;
    ck_assert_uint_eq(decide(1)->offer_count, 1);
    ck_assert_uint_eq(decide(3)->offer_count, 1);
    expect_blocked(5, "contact_cap:offer");
    ck_assert_uint_eq(decide(31)->offer_count, 1); /* the first contact has left the window */
    expect_blocked(32, "contact_cap:offer");
    ck_assert_uint_eq(decide(70)->offer_count, 1);
    defs[0].cool_down_ms[OUTCOME_REJECTED] = INT64_C(10) * KIT_DAY_MS;
    struct event outcome = kit_outcome(KIT_START_MS + INT64_C(71) * KIT_DAY_MS, "one", OUTCOME_REJECTED);
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
    const struct offer_decided *said = decide_at(KIT_START_MS + INT64_C(23) * HOUR_MS);
    ck_assert_uint_eq(said->offer_count, 1);
    ck_assert_int_eq(said->offers[0].send_after_ms, KIT_START_MS + INT64_C(32) * HOUR_MS);
    said = decide_at(KIT_START_MS + INT64_C(60) * HOUR_MS); /* noon: at once */
    ck_assert_int_eq(said->offers[0].send_after_ms, KIT_START_MS + INT64_C(60) * HOUR_MS);
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
        struct event outcome = kit_outcome(KIT_START_MS, i % 2 == 0 ? "one" : "two",
                                           OUTCOME_PRESENTED);
        outcome.outcome.variant = slice_text("default");
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

START_TEST(a_packed_ledger_and_history_come_back)
{
    uint8_t bytes[1024];
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

START_TEST(old_events_and_backfill_make_no_offer)
{
    struct event event = kit_app(KIT_START_MS, "login");
    stage_at(&stage, 3, &event);
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 0);
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
    tcase_add_test(tests, caps_roll_and_outcomes_cool);
    tcase_add_test(tests, the_same_offer_is_not_repeated_at_once);
    tcase_add_test(tests, quiet_hours_hold_and_do_not_drop);
    tcase_add_test(tests, the_better_offer_wins_its_group);
    tcase_add_test(tests, outcomes_move_the_odds);
    tcase_add_test(tests, holdouts_are_a_share_and_are_exposed);
    tcase_add_test(tests, variants_split_by_weight_and_stay);
    tcase_add_test(tests, stock_is_shared_by_tasks_and_runs_out);
    tcase_add_test(tests, a_packed_ledger_and_history_come_back);
    tcase_add_test(tests, old_events_and_backfill_make_no_offer);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
