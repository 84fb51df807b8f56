/* SPDX-License-Identifier: Apache-2.0 */
#include "life/life.h"

#include "support/stage_kit.h"

static struct stage stage;
static struct life_def def;
static struct life_signal signals[2];
static struct life_events events;
static struct life_state state;
static struct life_result result;

static void setup(void)
{
    stage_open(&stage);
    def = (struct life_def){
        .id = slice_text("e"), .hash = 1, .weight = 1, .suspect_at = 0.3, .confirm_at = 0.7};
    events = (struct life_events){&def, 1};
    state = (struct life_state){0};
    stage_set(&stage, STAGE_SPEND, 0);
    stage_set(&stage, STAGE_LOGINS, 0);
    stage_set(&stage, STAGE_LAST_ACTIVITY, KIT_START_MS);
}

static void teardown(void)
{
    stage_close(&stage);
}

static const struct life_event_detected *evaluate_at(int64_t now_ms, const struct event *event)
{
    stage_at(&stage, 0, event);
    stage.scope.now_ms = now_ms;
    result = life_evaluate(&events, &state, stage.names, &stage.step);
    return stage.kit.effects.count == 0 ? NULL : &stage.kit.effects.outputs[0].life_event;
}

static const struct life_event_detected *evaluate(int64_t days)
{
    return evaluate_at(KIT_START_MS + days * KIT_DAY_MS, NULL);
}

static void absent(int64_t days)
{
    def.absent = (struct life_absent){.used = true,
                                      .feature = STAGE_LAST_ACTIVITY,
                                      .for_ms = days * KIT_DAY_MS,
                                      .name = slice_text("f.last_activity"),
                                      .text = slice_text("45d")};
}

START_TEST(absence_is_more_than_its_time_and_armed_to_the_millisecond)
{
    absent(45);
    ck_assert_ptr_null(evaluate(1));
    int64_t edge = KIT_START_MS + INT64_C(45) * KIT_DAY_MS;
    ck_assert_int_eq(life_next_change(&events, &state, NULL, &stage.scope), edge + 1);
    ck_assert_ptr_null(evaluate_at(edge, NULL));
    const struct life_event_detected *said = evaluate_at(edge + 1, NULL);
    ck_assert_ptr_nonnull(said);
    ck_assert_int_eq(said->state, LIFE_CONFIRMED);
    ck_assert_int_eq(said->window_from_ms, KIT_START_MS);
    ck_assert_int_eq(said->window_to_ms, edge + 1);
    ck_assert_uint_eq(said->proof_count, 1);
    ck_assert(slice_is(said->proof[0].value, "2026-01-01T00:00:00Z"));
    ck_assert(slice_is(said->proof[0].threshold, "45d"));
    ck_assert(slice_is(said->evidence[0].signal, "absent"));
    ck_assert(result.confirmed == 1);
    ck_assert_uint_eq(stage.scope.life_count, 1);
    ck_assert_ptr_null(evaluate(60));
}
END_TEST

/* The episode goes on by what was known last; whoever asks is not told that it is so. */
START_TEST(a_condition_that_is_not_known_is_said_to_be_neither)
{
    def.when = kit_condition(&stage.kit, "rich", "f.spend >= 10");
    stage_set(&stage, STAGE_SPEND, 50);
    ck_assert_ptr_nonnull(evaluate(1));
    ck_assert_int_eq(life_primary(&def, &stage.step), RULES_YES);
    stage.values[STAGE_SPEND].present = false;
    (void)evaluate(2);
    ck_assert(state.primary);
    ck_assert_int_eq(life_primary(&def, &stage.step), RULES_UNKNOWN);
    stage_set(&stage, STAGE_SPEND, 5);
    (void)evaluate(3);
    ck_assert_int_eq(life_primary(&def, &stage.step), RULES_NO);
}
END_TEST

START_TEST(absence_of_what_never_was_is_none)
{
    absent(45);
    stage.values[STAGE_LAST_ACTIVITY].present = false;
    ck_assert_ptr_null(evaluate(400));
    ck_assert_int_eq(life_next_change(&events, &state, NULL, &stage.scope), INT64_MAX);
}
END_TEST

START_TEST(a_silent_source_holds_absences)
{
    absent(45);
    def.absent.source = SOURCE_APP_ENGAGEMENT;
    int64_t silent[SOURCE_COUNT];
    for (int i = 0; i < SOURCE_COUNT; i++) {
        silent[i] = INT64_MAX;
    }
    stage.scope.silent_from_ms = silent;
    silent[SOURCE_APP_ENGAGEMENT] = KIT_START_MS + INT64_C(40) * KIT_DAY_MS;
    ck_assert_ptr_null(evaluate(50));
    ck_assert_int_eq(life_next_change(&events, &state, NULL, &stage.scope),
                     stage.scope.now_ms + 60000);
    silent[SOURCE_APP_ENGAGEMENT] = INT64_MAX;
    silent[SOURCE_TRANSACTIONS] = KIT_START_MS; /* another one's silence is no reason */
    ck_assert_ptr_nonnull(evaluate(51));
    stage.scope.silent_from_ms = NULL;
}
END_TEST

START_TEST(an_episode_expires_and_needs_an_end_before_the_next)
{
    absent(45);
    def.expires_ms = INT64_C(30) * KIT_DAY_MS;
    ck_assert_ptr_nonnull(evaluate(50));
    ck_assert_int_eq(life_next_change(&events, &state, NULL, &stage.scope),
                     KIT_START_MS + INT64_C(80) * KIT_DAY_MS);
    ck_assert_int_eq(evaluate(80)->state, LIFE_EXPIRED);
    ck_assert_ptr_null(evaluate(100)); /* still absent: the same absence */
    stage_set(&stage, STAGE_LAST_ACTIVITY, KIT_START_MS + INT64_C(110) * KIT_DAY_MS);
    ck_assert_ptr_null(evaluate(110));
    ck_assert_int_eq(evaluate(160)->state, LIFE_CONFIRMED);
}
END_TEST

START_TEST(counter_evidence_refutes_and_an_end_expires)
{
    def.when = kit_condition(&stage.kit, "when", "f.spend > 10");
    def.unless = kit_condition(&stage.kit, "unless", "f.logins > 3");
    ck_assert_ptr_null(evaluate(1));
    stage_set(&stage, STAGE_SPEND, 11);
    ck_assert_int_eq(evaluate(2)->state, LIFE_CONFIRMED);
    stage_set(&stage, STAGE_LOGINS, 4);
    const struct life_event_detected *said = evaluate(3);
    ck_assert_int_eq(said->state, LIFE_REFUTED);
    ck_assert_uint_eq(said->proof_count, 2);
    ck_assert(result.ended == 1);
}
END_TEST

START_TEST(evidence_adds_up_fades_and_is_told)
{
    signals[0] = (struct life_signal){kit_condition(&stage.kit, "help", "app.event == \"help\""),
                                      0.5, INT64_C(10) * KIT_DAY_MS};
    signals[1] = (struct life_signal){kit_condition(&stage.kit, "logins", "f.logins >= 5"), 0.3, 0};
    def.signals = signals;
    def.signal_count = 2;
    struct event help = kit_app(KIT_START_MS, "help");
    const struct life_event_detected *said = evaluate_at(KIT_START_MS, &help);
    ck_assert_int_eq(said->state, LIFE_SUSPECTED);
    ck_assert_double_eq_tol(said->confidence, 0.5, 1e-9);
    stage_set(&stage, STAGE_LOGINS, 5);
    said = evaluate(1);
    ck_assert_int_eq(said->state, LIFE_CONFIRMED);
    ck_assert_uint_eq(said->evidence_count, 2);
    ck_assert_double_eq_tol(said->confidence, 0.3 + 0.5 * 0.933033, 1e-5);
}
END_TEST

START_TEST(a_signal_may_be_an_absence)
{
    signals[0] = (struct life_signal){.condition.name = slice_text("quiet"),
                                      .weight = 0.6,
                                      .absent = {.used = true,
                                                 .feature = STAGE_LAST_ACTIVITY,
                                                 .for_ms = INT64_C(30) * KIT_DAY_MS,
                                                 .name = slice_text("f.last_activity"),
                                                 .text = slice_text("30d")}};
    signals[1] = (struct life_signal){kit_condition(&stage.kit, "logins", "f.logins >= 5"), 0.3, 0,
                                      signals[0].absent};
    signals[1].absent.for_ms = INT64_C(40) * KIT_DAY_MS;
    def.signals = signals;
    def.signal_count = 2;
    stage_set(&stage, STAGE_LOGINS, 5);
    ck_assert_ptr_null(evaluate(1)); /* the condition holds, its absence does not */
    int64_t edge = KIT_START_MS + INT64_C(30) * KIT_DAY_MS + 1;
    ck_assert_int_eq(life_next_change(&events, &state, NULL, &stage.scope), edge);
    const struct life_event_detected *said = evaluate_at(edge, NULL);
    ck_assert_int_eq(said->state, LIFE_SUSPECTED);
    ck_assert(slice_is(said->evidence[0].signal, "quiet"));
    ck_assert(slice_is(said->proof[0].leaf_id, "quiet"));
    ck_assert(said->proof[0].holds && !said->proof[1].holds);
    edge += INT64_C(10) * KIT_DAY_MS;
    ck_assert_int_eq(life_next_change(&events, &state, NULL, &stage.scope), edge);
    ck_assert_int_eq(evaluate_at(edge, NULL)->state, LIFE_CONFIRMED);
}
END_TEST

START_TEST(a_payment_that_is_not_posted_is_no_evidence)
{
    signals[0] = (struct life_signal){kit_condition(&stage.kit, "card", "tx.amount_minor > 5"), 0.8,
                                      INT64_C(10) * KIT_DAY_MS};
    def.signals = signals;
    def.signal_count = 1;
    struct event event = {
        .source = SOURCE_TRANSACTIONS, .time_ms = KIT_START_MS, .present = UINT64_MAX};
    event.tx = (struct transaction){.amount_minor = 10, .status = TX_REVERSED};
    ck_assert_ptr_null(evaluate_at(KIT_START_MS, &event));
    event.tx.status = TX_PENDING;
    ck_assert_ptr_null(evaluate_at(KIT_START_MS, &event));
    event.tx.status = TX_POSTED;
    ck_assert_int_eq(evaluate_at(KIT_START_MS, &event)->state, LIFE_CONFIRMED);
}
END_TEST

START_TEST(a_suspicion_fades_at_a_day_that_is_armed)
{
    signals[0] = (struct life_signal){kit_condition(&stage.kit, "help", "app.event == \"help\""),
                                      0.5, INT64_C(10) * KIT_DAY_MS};
    def.signals = signals;
    def.signal_count = 1;
    struct event help = kit_app(KIT_START_MS, "help");
    ck_assert_int_eq(evaluate_at(KIT_START_MS, &help)->state, LIFE_SUSPECTED);
    const struct life_event_detected *said = NULL;
    int64_t now_ms = KIT_START_MS;
    while (said == NULL) {
        now_ms = life_next_change(&events, &state, NULL, &stage.scope);
        ck_assert_int_lt(now_ms, KIT_START_MS + INT64_C(60) * KIT_DAY_MS);
        said = evaluate_at(now_ms, NULL);
    }
    ck_assert_int_eq(said->state, LIFE_EXPIRED);
    ck_assert_int_eq((now_ms - KIT_START_MS) / KIT_DAY_MS, 8); /* 0.5 x 2^(-8/10) < 0.3 */
    ck_assert_int_eq(life_next_change(&events, &state, NULL, &stage.scope), INT64_MAX);
}
END_TEST

START_TEST(feedback_confirms_and_refutes)
{
    def.when = kit_condition(&stage.kit, "when", "f.spend > 10");
    struct event event = {.source = SOURCE_LIFE_EVENT_FEEDBACK, .time_ms = KIT_START_MS};
    event.feedback = (struct life_event_feedback){slice_text("e"), slice_text("ADVISER"), true};
    ck_assert_int_eq(evaluate_at(KIT_START_MS, &event)->state, LIFE_CONFIRMED);
    event.feedback.is_true = false;
    const struct life_event_detected *said = evaluate_at(KIT_START_MS + 1, &event);
    ck_assert_int_eq(said->state, LIFE_REFUTED);
    ck_assert(slice_is(said->evidence[0].signal, "feedback"));
}
END_TEST

START_TEST(packed_states_come_back)
{
    signals[0] = (struct life_signal){kit_condition(&stage.kit, "logins", "f.logins >= 5"), 0.5, 5};
    def.signals = signals;
    def.signal_count = 1;
    stage_set(&stage, STAGE_LOGINS, 9);
    ck_assert_ptr_nonnull(evaluate(3));
    uint8_t bytes[128];
    struct bytes_writer writer = bytes_writer(bytes, sizeof(bytes));
    life_pack(&def, &state, &writer);
    struct life_state back;
    struct bytes_reader reader = bytes_reader(slice_of(bytes, writer.size));
    ck_assert(life_unpack(&def, &back, &reader));
    ck_assert_mem_eq(&back, &state, sizeof(state));
    for (size_t size = 0; size < writer.size; size++) {
        reader = bytes_reader(slice_of(bytes, size));
        ck_assert(!life_unpack(&def, &back, &reader));
    }
}
END_TEST

START_TEST(confidence_is_how_often_so_much_evidence_was_right)
{
    def.when = kit_condition(&stage.kit, "when", "f.spend > 10");
    def.weight = 0.5;
    signals[0] =
        (struct life_signal){kit_condition(&stage.kit, "logins", "f.logins >= 5"), 0.35, 0};
    def.signals = signals;
    def.signal_count = 1;
    def.calibration[0] = (struct life_calibration){0.5, 0.1};
    def.calibration[1] = (struct life_calibration){0.7, 0.5};
    def.calibration[2] = (struct life_calibration){0.8, 0.9};
    def.calibration_count = 3;
    stage_set(&stage, STAGE_SPEND, 11);
    const struct life_event_detected *said = evaluate(1);
    ck_assert_int_eq(said->state,
                     LIFE_SUSPECTED); /* thresholds speak of evidence, not of confidence */
    ck_assert_double_eq_tol(said->confidence, 0.1, 1e-9);
    stage_set(&stage, STAGE_LOGINS, 5);
    said = evaluate(2);
    ck_assert_int_eq(said->state, LIFE_CONFIRMED);
    ck_assert_double_eq_tol(said->confidence, 0.9, 1e-9); /* flat beyond the last point */
    ck_assert_double_eq_tol((double)state.confidence, 0.9, 1e-6);
    signals[0].weight = 0.25; /* between two points */
    state = (struct life_state){0};
    ck_assert_double_eq_tol(evaluate(3)->confidence, 0.7, 1e-9);
    struct event event = {.source = SOURCE_LIFE_EVENT_FEEDBACK, .time_ms = KIT_START_MS};
    event.feedback = (struct life_event_feedback){slice_text("e"), slice_text("CUSTOMER"), false};
    said = evaluate_at(KIT_START_MS + 4 * KIT_DAY_MS, &event);
    ck_assert_int_eq(said->state, LIFE_REFUTED);
    ck_assert_double_eq_tol(said->confidence, 0, 1e-9); /* what a person says is certain */
}
END_TEST

START_TEST(evidence_is_told_strongest_first)
{
    def.when = kit_condition(&stage.kit, "when", "f.spend > 10");
    def.weight = 0.3;
    signals[0] = (struct life_signal){kit_condition(&stage.kit, "weak", "f.logins >= 1"), 0.1, 0};
    signals[1] = (struct life_signal){kit_condition(&stage.kit, "strong", "f.logins >= 2"), 0.5, 0};
    def.signals = signals;
    def.signal_count = 2;
    stage_set(&stage, STAGE_SPEND, 11);
    stage_set(&stage, STAGE_LOGINS, 5);
    const struct life_event_detected *said = evaluate(1);
    ck_assert_uint_eq(said->evidence_count, 3);
    ck_assert(slice_is(said->evidence[0].signal, "strong") &&
              slice_is(said->evidence[2].signal, "weak"));
}
END_TEST

/* At the moment at which the primary begins to hold, a signal that stops then is gone already. */
START_TEST(a_signal_that_stops_counts_no_more_at_that_moment)
{
    def.when = kit_condition(&stage.kit, "when", "f.spend > 10");
    def.weight = 0.4;
    signals[0] = (struct life_signal){kit_condition(&stage.kit, "quiet", "f.logins < 5"), 0.45, 0};
    def.signals = signals;
    def.signal_count = 1;
    ck_assert_ptr_null(evaluate(1));
    stage_set(&stage, STAGE_SPEND, 11);
    stage_set(&stage, STAGE_LOGINS, 5);
    const struct life_event_detected *said = evaluate(2);
    ck_assert_int_eq(said->state, LIFE_SUSPECTED);
    ck_assert_double_eq_tol(said->confidence, 0.4, 1e-9);
}
END_TEST

START_TEST(whom_it_is_routed_to_is_said)
{
    def.when = kit_condition(&stage.kit, "when", "f.spend > 10");
    def.route = slice_text("care");
    stage_set(&stage, STAGE_SPEND, 11);
    ck_assert(slice_is(evaluate(1)->route, "care"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("life");
    TCase *tests = tcase_create("life");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, absence_is_more_than_its_time_and_armed_to_the_millisecond);
    tcase_add_test(tests, a_condition_that_is_not_known_is_said_to_be_neither);
    tcase_add_test(tests, absence_of_what_never_was_is_none);
    tcase_add_test(tests, a_silent_source_holds_absences);
    tcase_add_test(tests, an_episode_expires_and_needs_an_end_before_the_next);
    tcase_add_test(tests, counter_evidence_refutes_and_an_end_expires);
    tcase_add_test(tests, evidence_adds_up_fades_and_is_told);
    tcase_add_test(tests, a_signal_may_be_an_absence);
    tcase_add_test(tests, a_payment_that_is_not_posted_is_no_evidence);
    tcase_add_test(tests, a_suspicion_fades_at_a_day_that_is_armed);
    tcase_add_test(tests, feedback_confirms_and_refutes);
    tcase_add_test(tests, packed_states_come_back);
    tcase_add_test(tests, confidence_is_how_often_so_much_evidence_was_right);
    tcase_add_test(tests, evidence_is_told_strongest_first);
    tcase_add_test(tests, a_signal_that_stops_counts_no_more_at_that_moment);
    tcase_add_test(tests, whom_it_is_routed_to_is_said);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
