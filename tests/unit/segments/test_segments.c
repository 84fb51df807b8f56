/* SPDX-License-Identifier: Apache-2.0 */
#include "segments/segments.h"

#include "support/stage_kit.h"

static struct stage stage;
static struct segment_def defs[2];
static struct segments segments;
static struct segment_state states[2];
static uint64_t sizes[2];
static struct condition including, excluding;
static struct segments_result result;

static void setup(void)
{
    stage_open(&stage);
    including = kit_condition(&stage.kit, "spends", "f.spend >= 100");
    excluding = kit_condition(&stage.kit, "unsure", "f.logins > 5");
    defs[0] = (struct segment_def){
        .id = slice_text("s"), .hash = 1, .including = &including, .including_count = 1};
    segments = (struct segments){defs, 1};
    memset(states, 0, sizeof(states));
    memset(sizes, 0, sizeof(sizes));
    stage_set(&stage, STAGE_LOGINS, 0);
}

static void teardown(void)
{
    stage_close(&stage);
}

static uint32_t evaluate(int64_t days, int64_t spend)
{
    stage_at(&stage, days, NULL);
    stage_set(&stage, STAGE_SPEND, spend);
    segments_evaluate(&segments, states, sizes, stage.names, &stage.step, &result);
    return stage.kit.effects.count;
}

static int64_t next_day(int64_t days)
{
    int64_t next = segments_next_change(&segments, states, NULL, KIT_START_MS + days * KIT_DAY_MS);
    return next == INT64_MAX ? -1 : (next - KIT_START_MS) / KIT_DAY_MS;
}

START_TEST(entering_says_the_change_and_the_state_with_proof)
{
    ck_assert_uint_eq(evaluate(1, 100), 2);
    const struct output *changed = &stage.kit.effects.outputs[0];
    const struct output *kept = &stage.kit.effects.outputs[1];
    ck_assert_int_eq(changed->kind, OUTPUT_SEGMENT_CHANGED);
    ck_assert_int_eq(kept->kind, OUTPUT_SEGMENT_STATE);
    ck_assert(slice_is(changed->key, "x"));
    ck_assert(slice_is(kept->key, "x|s"));
    ck_assert(memcmp(changed->id, kept->id, sizeof(kept->id)) != 0);
    const struct segment_changed *said = &changed->segment_changed;
    ck_assert_int_eq(said->transition, TRANSITION_ENTERED);
    ck_assert_uint_eq(said->membership_seq, 1);
    ck_assert_uint_eq(said->proof_count, 1);
    ck_assert(slice_is(said->proof[0].leaf_id, "spends"));
    ck_assert(slice_is(said->proof[0].expr, "f.spend >= 100"));
    ck_assert(slice_is(said->proof[0].value, "100"));
    ck_assert(slice_is(said->proof[0].threshold, "100"));
    ck_assert(slice_is(said->proof[0].feature, "f.spend"));
    ck_assert(said->proof[0].holds);
    ck_assert_uint_eq(sizes[0], 1);
    ck_assert_uint_eq(stage.scope.segment_count, 1);
    ck_assert_uint_eq(evaluate(2, 100), 0);
    ck_assert_uint_eq(evaluate(3, 99), 2);
    ck_assert_int_eq(stage.kit.effects.outputs[0].segment_changed.transition, TRANSITION_EXITED);
    ck_assert_uint_eq(sizes[0], 0);
}
END_TEST

START_TEST(a_constant_on_the_left_is_the_threshold)
{
    including = kit_condition(&stage.kit, "spends", "100 <= f.spend");
    ck_assert_uint_eq(evaluate(1, 120), 2);
    const struct segment_changed *said = &stage.kit.effects.outputs[0].segment_changed;
    ck_assert(slice_is(said->proof[0].value, "120"));
    ck_assert(slice_is(said->proof[0].threshold, "100"));
}
END_TEST

START_TEST(dwell_is_served_before_entering_and_begins_anew)
{
    defs[0].dwell_ms = INT64_C(3) * KIT_DAY_MS;
    ck_assert_uint_eq(evaluate(1, 100), 0);
    ck_assert_int_eq(next_day(1), 4);
    ck_assert_uint_eq(evaluate(2, 0), 0);
    ck_assert_int_eq(next_day(2), -1);
    ck_assert_uint_eq(evaluate(5, 100), 0);
    ck_assert_uint_eq(evaluate(7, 100), 0);
    ck_assert_uint_eq(evaluate(8, 100), 2);
}
END_TEST

START_TEST(a_separate_exit_and_minimum_stay_hold_a_member)
{
    defs[0].exit_when = kit_condition(&stage.kit, "exit_when", "f.spend < 50");
    defs[0].min_stay_ms = INT64_C(5) * KIT_DAY_MS;
    ck_assert_uint_eq(evaluate(1, 100), 2);
    ck_assert_uint_eq(evaluate(2, 60), 0); /* below entry, above exit */
    ck_assert_uint_eq(evaluate(3, 40), 0); /* exit holds, the stay does not allow it */
    ck_assert_int_eq(next_day(3), 6);
    ck_assert_uint_eq(evaluate(6, 40), 2);
    ck_assert(result.exited[0] == 1);
}
END_TEST

START_TEST(an_exclusion_ends_membership_in_spite_of_a_separate_exit)
{
    defs[0].exit_when = kit_condition(&stage.kit, "exit_when", "f.spend < 50");
    defs[0].excluding = &excluding;
    defs[0].excluding_count = 1;
    ck_assert_uint_eq(evaluate(1, 100), 2);
    stage_set(&stage, STAGE_LOGINS, 6);
    ck_assert_uint_eq(evaluate(2, 100), 2);
    ck_assert(!states[0].in);
}
END_TEST

START_TEST(what_cannot_be_evaluated_leaves_membership_as_it_is)
{
    ck_assert_uint_eq(evaluate(1, 100), 2);
    stage_at(&stage, 2, NULL);
    stage.values[STAGE_SPEND].present = false;
    segments_evaluate(&segments, states, sizes, stage.names, &stage.step, &result);
    ck_assert(states[0].in);
    ck_assert_uint_gt(stage.step.unknowns, 0);
}
END_TEST

START_TEST(cool_down_and_longest_stay)
{
    defs[0].expires_ms = INT64_C(10) * KIT_DAY_MS;
    defs[0].cool_down_ms = INT64_C(4) * KIT_DAY_MS;
    ck_assert_uint_eq(evaluate(1, 100), 2);
    ck_assert_int_eq(stage.kit.effects.outputs[0].segment_changed.valid_until_ms,
                     KIT_START_MS + INT64_C(11) * KIT_DAY_MS);
    ck_assert_int_eq(next_day(1), 11);
    ck_assert_uint_eq(evaluate(11, 100), 2);
    ck_assert_uint_eq(evaluate(30, 100), 0); /* still true since: it does not come back by itself */
    ck_assert_uint_eq(evaluate(31, 0), 0);
    ck_assert_uint_eq(evaluate(32, 100), 2);
    ck_assert_uint_eq(evaluate(33, 0), 2);
    ck_assert_uint_eq(evaluate(34, 100), 0);
    ck_assert_int_eq(next_day(34), 37);
    ck_assert_uint_eq(evaluate(37, 100), 2);
    ck_assert_int_eq(stage.kit.effects.outputs[0].segment_changed.previous_exit_at_ms,
                     KIT_START_MS + INT64_C(33) * KIT_DAY_MS);
}
END_TEST

START_TEST(a_small_segment_is_not_published)
{
    defs[0].min_size = 3;
    ck_assert_uint_eq(evaluate(1, 100), 0);
    ck_assert(states[0].in);
    sizes[0] = 3;                           /* two more have come */
    ck_assert_uint_eq(evaluate(2, 100), 0); /* a deadline tells nothing */
    struct event event = kit_app(KIT_START_MS + INT64_C(3) * KIT_DAY_MS, "view");
    stage_at(&stage, 3, &event);
    segments_evaluate(&segments, states, sizes, stage.names, &stage.step, &result);
    ck_assert_uint_eq(stage.kit.effects.count, 2);
}
END_TEST

START_TEST(a_segment_reads_those_before_it)
{
    struct condition other = kit_condition(&stage.kit, "s", "\"s\" in seg");
    defs[1] = (struct segment_def){
        .id = slice_text("t"), .hash = 2, .including = &other, .including_count = 1};
    segments.count = 2;
    ck_assert_uint_eq(evaluate(1, 100), 4);
    ck_assert_uint_eq(evaluate(2, 0), 4);
}
END_TEST

/* Whoever reads a membership would tell of it: a reader is in with the proof `"s" in seg`, an offer is made. */
START_TEST(a_small_segment_is_told_to_nobody_else)
{
    struct condition other = kit_condition(&stage.kit, "s", "\"s\" in seg");
    defs[0].min_size = 3;
    defs[1] = (struct segment_def){
        .id = slice_text("t"), .hash = 2, .including = &other, .including_count = 1};
    segments.count = 2;
    ck_assert_uint_eq(evaluate(1, 100), 0);
    ck_assert(states[0].in && !states[1].in);
    ck_assert_uint_eq(stage.scope.segment_count, 0);
    ck_assert_uint_eq(result.entered[0], 0);
    ck_assert_uint_eq(evaluate(2, 0), 0); /* and nobody hears of the end */
    ck_assert_uint_eq(result.exited[0], 0);
    ck_assert_uint_eq(evaluate(3, 100), 0);
    sizes[0] =
        3; /* two more have come: who is in is told with the next event, readers at the same moment */
    struct event event = kit_app(KIT_START_MS + INT64_C(4) * KIT_DAY_MS, "view");
    stage_at(&stage, 4, &event);
    segments_evaluate(&segments, states, sizes, stage.names, &stage.step, &result);
    ck_assert_uint_eq(stage.kit.effects.count, 4);
    ck_assert_uint_eq(stage.scope.segment_count, 2);
    ck_assert_uint_eq(result.entered[0], 3);
}
END_TEST

START_TEST(on_event_segments_do_not_move_at_deadlines)
{
    defs[0].on_event = true;
    ck_assert_uint_eq(evaluate(1, 100), 0);
    struct event event = kit_app(KIT_START_MS, "view");
    stage_at(&stage, 2, &event);
    segments_evaluate(&segments, states, sizes, stage.names, &stage.step, &result);
    ck_assert_uint_eq(stage.kit.effects.count, 2);
    ck_assert_int_eq(next_day(2), -1);
}
END_TEST

START_TEST(erasure_leaves_tombstones)
{
    ck_assert_uint_eq(evaluate(1, 100), 2);
    stage_at(&stage, 2, NULL);
    stage.step.origin = ORIGIN_ERASURE;
    segments_erase(&segments, states, sizes, &stage.step);
    ck_assert_uint_eq(stage.kit.effects.count, 2);
    ck_assert(!stage.kit.effects.outputs[0].tombstone);
    ck_assert(stage.kit.effects.outputs[1].tombstone);
    ck_assert_int_eq(stage.kit.effects.outputs[0].segment_changed.origin, ORIGIN_ERASURE);
    ck_assert(segment_is_empty(&states[0]));
}
END_TEST

START_TEST(before_live_from_only_the_state_is_said)
{
    stage.step.live = false;
    ck_assert_uint_eq(evaluate(1, 100), 1);
    ck_assert_int_eq(stage.kit.effects.outputs[0].kind, OUTPUT_SEGMENT_STATE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segments");
    TCase *tests = tcase_create("segments");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, entering_says_the_change_and_the_state_with_proof);
    tcase_add_test(tests, a_constant_on_the_left_is_the_threshold);
    tcase_add_test(tests, dwell_is_served_before_entering_and_begins_anew);
    tcase_add_test(tests, a_separate_exit_and_minimum_stay_hold_a_member);
    tcase_add_test(tests, an_exclusion_ends_membership_in_spite_of_a_separate_exit);
    tcase_add_test(tests, what_cannot_be_evaluated_leaves_membership_as_it_is);
    tcase_add_test(tests, cool_down_and_longest_stay);
    tcase_add_test(tests, a_small_segment_is_not_published);
    tcase_add_test(tests, a_small_segment_is_told_to_nobody_else);
    tcase_add_test(tests, a_segment_reads_those_before_it);
    tcase_add_test(tests, on_event_segments_do_not_move_at_deadlines);
    tcase_add_test(tests, erasure_leaves_tombstones);
    tcase_add_test(tests, before_live_from_only_the_state_is_said);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
