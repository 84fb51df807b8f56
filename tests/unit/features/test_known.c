/* SPDX-License-Identifier: Apache-2.0 */
/* Ids behind the remembered events. The laws are in tests/property/prop_repeats.c; here are the single cases and
 * the record. */
#include "features/known.h"

#include <stdio.h>

#include "bench_defs.h"
#include "support/suite.h"

enum { BLOCK_SIZE = 1 << 18, ROOM = 8 /* ids known when 1 is remembered */ };

static uint8_t block[BLOCK_SIZE], texts[4096], packed[32768], other[32768];
static _Alignas(16) uint8_t state[1 << 15];
static struct arena arena, scratch;
static const struct zones *zones;
static struct customer customer;
static struct feature_def defs[4];
static struct feature_value values[4];
static int64_t start_ms;
static int32_t late_after_days;

static void set_up(void)
{
    struct status_text text;
    ck_assert_int_eq(zones_load(&zones, &text), STATUS_OK);
    ck_assert(civil_parse_time(slice_text("2026-03-02T08:00:00Z"), &start_ms));
    arena_init(&scratch, texts, sizeof(texts));
    bench_set(&defs[0], "count", FEATURE_COUNT, NULL);
    bench_set(&defs[1], "held", FEATURE_SUM, "amount_minor");
    defs[1].pending = FEATURE_PENDING_ONLY;
    bench_set(&defs[2], "max", FEATURE_MAX, "amount_minor");
    bench_set(&defs[3], "sum_day", FEATURE_SUM, "amount_minor");
    bench_days(&defs[3], 1, NULL, "");
    defs[3].anchor = FEATURE_ANCHOR_NOW;
    late_after_days = 0;
}

static const struct features_plan *build(uint32_t count, uint32_t remembered)
{
    const struct features_plan *plan = NULL;
    struct features_problem problem;
    struct features_options options = features_options_default();
    options.remembered[SOURCE_TRANSACTIONS] = remembered;
    options.late_after_days = late_after_days;
    arena_init(&arena, block, sizeof(block));
    ck_assert_int_eq(features_plan_build(defs, count, &options, &arena, &plan, &problem),
                     STATUS_OK);
    ck_assert_uint_le(features_state_size(plan), sizeof(state));
    features_init(plan, state);
    return plan;
}

static struct event payment(const char *id, int64_t second, int64_t amount_minor)
{
    return (struct event){
        .event_id = slice_text(id),
        .source = SOURCE_TRANSACTIONS,
        .time_ms = start_ms + second * 1000,
        .present = UINT64_MAX,
        .tx = {.amount_minor = amount_minor, .currency = slice_text("GBP"), .status = TX_POSTED}};
}

static struct event with_status(struct event event, uint8_t status)
{
    event.tx.status = status;
    return event;
}

static struct event reversal(const char *id, int64_t second, int64_t amount_minor, const char *of)
{
    struct event event = with_status(payment(id, second, amount_minor), TX_REVERSED);
    event.tx.reverses = slice_text(of);
    return event;
}

static struct features_outcome give(const struct features_plan *plan, struct event event)
{
    struct scope scope = {
        .now_ms = event.time_ms, .event = &event, .customer = &customer, .zones = zones};
    return features_event(plan, state, &scope, &scratch);
}

/* The payments number from..to, one a second, as that many events. */
static void fill(const struct features_plan *plan, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "fill%u", i);
        ck_assert_int_eq(give(plan, payment(id, i, 10)).result, FEATURES_ACCEPTED);
    }
}

static void read_at(const struct features_plan *plan, int64_t second)
{
    struct scope scope = {
        .now_ms = start_ms + second * 1000, .customer = &customer, .zones = zones};
    features_values(plan, state, &scope, values);
}

static size_t pack(const struct features_plan *plan, uint8_t *out)
{
    struct bytes_writer writer = bytes_writer(out, sizeof(packed));
    features_pack(plan, state, &writer);
    ck_assert(!writer.full);
    return writer.size;
}

static enum status unpack(const struct features_plan *plan, const uint8_t *bytes, size_t size)
{
    struct bytes_reader reader = bytes_reader(slice_of(bytes, size));
    return features_unpack(plan, state, &reader, NULL);
}

/* A customer has 200 more payments in the same minutes; then a broker sends all again. */
START_TEST(what_comes_again_behind_many_newer_ones_counts_once)
{
    const struct features_plan *plan = build(1, 32);
    fill(plan, 0, FEATURES_KNOWN_MAX);
    for (uint32_t i = 0; i < FEATURES_KNOWN_MAX; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "fill%u", i);
        ck_assert_int_eq(give(plan, payment(id, i, 10)).result, FEATURES_DUPLICATE);
    }
    read_at(plan, 300);
    ck_assert_int_eq(values[0].i, FEATURES_KNOWN_MAX);
}
END_TEST

static size_t memory_size(uint32_t remembered, uint32_t known)
{
    return sizeof(struct remembered_head) + remembered * (16 + sizeof(struct remembered_entry)) +
           known * KNOWN_SIZE;
}

START_TEST(who_wants_no_memory_pays_for_none)
{
    size_t with_32 = features_state_size(build(1, 32));
    size_t with_64 = features_state_size(build(1, 64));
    const struct features_plan *plan = build(1, 0);
    ck_assert_uint_eq(with_32 - features_state_size(plan), memory_size(32, 224));
    ck_assert_uint_eq(with_64 - features_state_size(plan), memory_size(64, 192));
    fill(plan, 0, 2);
    fill(plan, 0, 2); /* accepted again */
}
END_TEST

START_TEST(the_oldest_id_goes_and_what_is_older_is_unsure)
{
    const struct features_plan *plan = build(1, 1);
    fill(plan, 0, ROOM);
    ck_assert(!give(plan, payment("older", -1, 10)).unsure); /* nothing has gone before it */
    ck_assert(give(plan, payment("older", -1, 10)).unsure);  /* it went itself */
    fill(plan, ROOM, ROOM + 1);
    ck_assert(give(plan, payment("fill0", 0, 10)).unsure);
    ck_assert_int_eq(give(plan, payment("fill1", 1, 10)).result, FEATURES_DUPLICATE);
    ck_assert(!give(plan, payment("new", 1, 10)).unsure);
    struct features_outcome got = give(plan, payment("fill1", 1, 10));
    ck_assert(got.result == FEATURES_ACCEPTED && got.unsure);
    got = give(plan, payment("fill8", 8, 10)); /* is known: sure */
    ck_assert(got.result == FEATURES_DUPLICATE && !got.unsure);
    /* beyond allowed_lateness nobody asks */
    fill(plan, 8 * 86400, 8 * 86400 + 1);
    ck_assert(!give(plan, payment("fill0", 0, 10)).unsure);
}
END_TEST

/* Of events of one moment those with the least hashes go, whatever came first. */
START_TEST(equal_times_are_told_apart_by_their_ids)
{
    const struct features_plan *plan = build(1, 1);
    size_t size = 0;
    for (uint32_t turn = 0; turn < 20; turn++) {
        features_init(plan, state);
        for (uint32_t i = 0; i < 20; i++) {
            char id[16];
            (void)snprintf(id, sizeof(id), "e%u", (i * 7 + turn) % 20);
            ck_assert_int_eq(give(plan, payment(id, 0, 10)).result, FEATURES_ACCEPTED);
        }
        size_t now = pack(plan, turn == 0 ? packed : other);
        ck_assert(turn == 0 || (now == size && memcmp(packed, other, size) == 0));
        size = now;
    }
}
END_TEST

START_TEST(a_posted_takes_the_place_of_a_forgotten_pending)
{
    const struct features_plan *plan = build(3, 1);
    struct event hold = with_status(payment("hold", 0, 500), TX_PENDING);
    ck_assert_int_eq(give(plan, hold).result, FEATURES_ACCEPTED);
    fill(plan, 1, 4);
    ck_assert_int_eq(give(plan, hold).result, FEATURES_DUPLICATE);
    read_at(plan, 4);
    ck_assert_int_eq(values[1].i, 500);
    ck_assert_int_eq(give(plan, payment("hold", 5, 500)).result, FEATURES_ACCEPTED);
    read_at(plan, 5);
    ck_assert_int_eq(values[0].i, 4);
    ck_assert_int_eq(values[1].i, 0);
    ck_assert_int_eq(values[2].i, 500);
    ck_assert_int_eq(give(plan, payment("hold", 5, 500)).result, FEATURES_DUPLICATE);
    ck_assert_int_eq(give(plan, hold).result, FEATURES_DUPLICATE);
    /* what the POSTED gave is remembered: it is taken back exactly */
    ck_assert_int_eq(give(plan, reversal("r", 6, 500, "hold")).result, FEATURES_REVERSED);
    read_at(plan, 6);
    ck_assert_int_eq(values[0].i, 3);
    ck_assert_int_eq(values[2].i, 10);
}
END_TEST

START_TEST(a_named_pending_that_is_forgotten_is_replaced_once)
{
    const struct features_plan *plan = build(2, 1);
    ck_assert_int_eq(give(plan, with_status(payment("hold", 0, 500), TX_PENDING)).result,
                     FEATURES_ACCEPTED);
    fill(plan, 1, 4);
    struct event final = payment("final", 5, 500);
    final.tx.reverses = slice_text("hold");
    ck_assert_int_eq(give(plan, final).result, FEATURES_ACCEPTED);
    ck_assert_int_eq(give(plan, final).result, FEATURES_DUPLICATE);
    ck_assert_int_eq(give(plan, payment("hold", 0, 500)).result, FEATURES_DUPLICATE);
    read_at(plan, 6);
    ck_assert_int_eq(values[0].i, 4);
    ck_assert_int_eq(values[1].i, 0);
}
END_TEST

/* A day later: its own fields are subtracted where the event stood, and it does not come back. */
START_TEST(a_forgotten_event_is_reversed_in_its_own_tile)
{
    const struct features_plan *plan = build(4, 1);
    int64_t tomorrow = 86400;
    ck_assert_int_eq(give(plan, payment("a", 0, 700)).result, FEATURES_ACCEPTED);
    fill(plan, (uint32_t)tomorrow, (uint32_t)tomorrow + 3);
    struct event undo = reversal("r", tomorrow + 5, 700, "a");
    ck_assert_int_eq(give(plan, undo).result, FEATURES_REVERSED);
    read_at(plan, tomorrow + 6);
    ck_assert_int_eq(values[0].i, 3);
    ck_assert_int_eq(values[3].i, 30); /* of today: nothing was subtracted here */
    ck_assert_int_eq(give(plan, undo).result, FEATURES_DUPLICATE);
    ck_assert_int_eq(give(plan, reversal("r2", tomorrow + 6, 700, "a")).result, FEATURES_DUPLICATE);
    ck_assert_int_eq(give(plan, payment("a", 0, 700)).result, FEATURES_DUPLICATE);
    read_at(plan, tomorrow + 6);
    ck_assert_int_eq(values[0].i, 3);
}
END_TEST

/* The reversal comes first, is forgotten, and then what it named comes: the pair is nothing. */
START_TEST(a_forgotten_reversal_meets_its_event)
{
    const struct features_plan *plan = build(1, 1);
    ck_assert_int_eq(give(plan, reversal("r", 0, 700, "a")).result, FEATURES_REVERSED);
    fill(plan, 1, 4);
    ck_assert_int_eq(give(plan, payment("a", -60, 700)).result, FEATURES_REVERSED);
    read_at(plan, 5);
    ck_assert_int_eq(values[0].i, 3);
    ck_assert_int_eq(give(plan, payment("a", -60, 700)).result, FEATURES_DUPLICATE);
}
END_TEST

static void go_through_record(const struct features_plan *plan)
{
    size_t size = pack(plan, packed);
    ck_assert_int_eq(unpack(plan, packed, size), STATUS_OK);
    ck_assert_uint_eq(pack(plan, other), size);
    ck_assert_mem_eq(packed, other, size);
}

/* Days later it is older than late_after; what counts is that it was not when it came. */
START_TEST(what_was_not_late_when_it_came_is_taken_back)
{
    late_after_days = 1;
    const struct features_plan *plan = build(2, 1);
    uint32_t later = 3 * 86400;
    ck_assert_int_eq(give(plan, payment("a", 0, 700)).result, FEATURES_ACCEPTED);
    ck_assert_int_eq(give(plan, with_status(payment("hold", 1, 500), TX_PENDING)).result,
                     FEATURES_ACCEPTED);
    fill(plan, later, later + 3);
    ck_assert_int_eq(give(plan, payment("late", 2, 900)).result, FEATURES_LATE);
    go_through_record(plan);
    ck_assert_int_eq(give(plan, reversal("r", later + 5, 700, "a")).result, FEATURES_REVERSED);
    ck_assert_int_eq(give(plan, payment("hold", later + 6, 500)).result, FEATURES_ACCEPTED);
    ck_assert_int_eq(give(plan, reversal("r2", later + 7, 900, "late")).result, FEATURES_REVERSED);
    read_at(plan, later + 8);
    ck_assert_int_eq(values[0].i, 4); /* three and the POSTED: the late one had given nothing */
    ck_assert_int_eq(values[1].i, 0);
}
END_TEST

static bool is_any(const struct event *event)
{
    return event->source == SOURCE_TRANSACTIONS;
}

/* A hold of 500 is known, as an entry or by its id alone; then another playbook counts holds anew. */
START_TEST(a_hold_from_before_other_conditions_is_not_subtracted)
{
    static const struct cel_program any = {is_any, NULL};
    for (uint32_t newer = 0; newer <= 4; newer += 4) {
        defs[1].where = NULL;
        const struct features_plan *plan = build(2, 1);
        ck_assert_int_eq(give(plan, payment("a", -1, 700)).result, FEATURES_ACCEPTED);
        ck_assert_int_eq(give(plan, with_status(payment("hold", 0, 500), TX_PENDING)).result,
                         FEATURES_ACCEPTED);
        fill(plan, 1, 1 + newer);
        size_t size = pack(plan, packed);
        defs[1].where = &any;
        defs[1].where_text = slice_text("any");
        plan = build(2, 1);
        ck_assert_int_eq(unpack(plan, packed, size), STATUS_OK);
        go_through_record(plan);
        ck_assert_int_eq(give(plan, with_status(payment("hold", 0, 500), TX_PENDING)).result,
                         FEATURES_DUPLICATE);
        ck_assert_int_eq(give(plan, payment("hold", 5, 500)).result, FEATURES_ACCEPTED);
        ck_assert_int_eq(give(plan, reversal("r", 6, 700, "a")).result, FEATURES_REVERSED);
        read_at(plan, 7);
        ck_assert_int_eq(values[0].i, newer + 1); /* what is kept is exact */
        ck_assert_int_eq(values[1].i, 0);
    }
}
END_TEST

/* ---- the record ---- */

/* Where the ids begin: the last part but those. */
static size_t find_ids(size_t size)
{
    uint32_t name = known_name(SOURCE_TRANSACTIONS, REMEMBERED_POSTED);
    for (size_t at = 0; at + 5 < size; at++) {
        if (packed[at] == 2 && memcmp(packed + at + 1, &name, sizeof(name)) == 0) {
            return at;
        }
    }
    return 0;
}

START_TEST(a_record_has_only_the_ids_that_are_there)
{
    const struct features_plan *plan = build(1, 32);
    fill(plan, 0, 32);
    size_t none = pack(plan, packed);
    ck_assert_uint_eq(find_ids(none), 0);
    fill(plan, 32, 33);
    size_t one = pack(plan, packed);
    ck_assert_uint_gt(find_ids(one), 0);
    ck_assert_uint_le(one - none, 8 + 6 + 8 + 1);
    fill(plan, 33, FEATURES_KNOWN_MAX + 9);
    ck_assert_uint_le(pack(plan, packed) - one, (FEATURES_KNOWN_MAX - 33) * 10 + 8);
}
END_TEST

/* A program from before finds samples of a name that it does not have: as here one whose bits mean no source. */
START_TEST(who_does_not_know_the_ids_passes_over_them)
{
    const struct features_plan *plan = build(1, 1);
    fill(plan, 0, ROOM);
    size_t size = pack(plan, packed);
    size_t at = find_ids(size);
    uint32_t foreign = ~(uint32_t)KNOWN_NAME;
    memcpy(packed + at + 1, &foreign, sizeof(foreign));
    ck_assert_int_eq(unpack(plan, packed, size), STATUS_OK);
    ck_assert_int_eq(give(plan, payment("fill7", 7, 10)).result, FEATURES_DUPLICATE);
    ck_assert_int_eq(give(plan, payment("fill0", 0, 10)).result, FEATURES_ACCEPTED);
    /* a source of which nothing is remembered any more */
    plan = build(1, 1);
    fill(plan, 0, ROOM);
    size = pack(plan, packed);
    ck_assert_int_eq(unpack(build(1, 0), packed, size), STATUS_OK);
}
END_TEST

/* More were remembered: what has no room with all that it gave is known by its id, and stands in its tile. */
START_TEST(a_record_with_more_remembered_events_becomes_ids)
{
    const struct features_plan *plan = build(3, 32);
    fill(plan, 0, 20);
    size_t size = pack(plan, packed);
    plan = build(3, 4);
    ck_assert_int_eq(unpack(plan, packed, size), STATUS_OK);
    ck_assert_int_eq(give(plan, payment("fill0", 0, 10)).result, FEATURES_DUPLICATE);
    fill(plan, 20, 30);
    size = pack(plan, packed);
    plan = build(3, 32); /* and back: ids do not become events */
    ck_assert_int_eq(unpack(plan, packed, size), STATUS_OK);
    ck_assert_uint_eq(pack(plan, other), size);
    ck_assert_mem_eq(packed, other, size);
    ck_assert_int_eq(give(plan, payment("fill0", 0, 10)).result, FEATURES_DUPLICATE);
}
END_TEST

START_TEST(hostile_ids_are_refused)
{
    const struct features_plan *plan = build(1, 1);
    fill(plan, 0, ROOM);
    size_t size = pack(plan, packed);
    size_t at = find_ids(size);
    ck_assert_uint_gt(at, 0);
    static const struct {
        size_t offset;
        uint8_t value;
    } damage[] = {
        {1, 0xe1},  /* no such source */
        {5, 9},     /* not raw */
        {6, 8},     /* more than there are */
        {8, 0xff},  /* a time after the newest */
        {21, 0x01}, /* the second is older than the first */
    };
    memcpy(other, packed, size);
    for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
        memcpy(packed, other, size);
        ck_assert_int_eq(unpack(plan, packed, size), STATUS_OK);
        packed[at + damage[i].offset] = damage[i].value;
        ck_assert_msg(unpack(plan, packed, size) == STATUS_INVALID, "damage %zu", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("known");
    TCase *tests = tcase_create("known");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, what_comes_again_behind_many_newer_ones_counts_once);
    tcase_add_test(tests, who_wants_no_memory_pays_for_none);
    tcase_add_test(tests, the_oldest_id_goes_and_what_is_older_is_unsure);
    tcase_add_test(tests, equal_times_are_told_apart_by_their_ids);
    tcase_add_test(tests, a_posted_takes_the_place_of_a_forgotten_pending);
    tcase_add_test(tests, a_named_pending_that_is_forgotten_is_replaced_once);
    tcase_add_test(tests, a_forgotten_event_is_reversed_in_its_own_tile);
    tcase_add_test(tests, a_forgotten_reversal_meets_its_event);
    tcase_add_test(tests, what_was_not_late_when_it_came_is_taken_back);
    tcase_add_test(tests, a_hold_from_before_other_conditions_is_not_subtracted);
    tcase_add_test(tests, a_record_has_only_the_ids_that_are_there);
    tcase_add_test(tests, who_does_not_know_the_ids_passes_over_them);
    tcase_add_test(tests, a_record_with_more_remembered_events_becomes_ids);
    tcase_add_test(tests, hostile_ids_are_refused);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
