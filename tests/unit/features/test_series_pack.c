/* SPDX-License-Identifier: Apache-2.0 */
/* A series read back from its record is the one that was written, and goes on as it would have. */
#include "base/civil.h"
#include "base/random.h"
#include "series_kit.h"

#define START_MS (INT64_C(19723) * MS_PER_DAY) /* 2024-01-01 */

START_TEST(packed_series_come_back)
{
    static const char *const payers[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct random random;
    uint8_t bytes[2048], again[2048];
    random_init(&random, 5);
    for (int32_t i = 0; i < 400; i++) {
        (void)credit(START_MS + i * 2 * MS_PER_DAY, random_between(&random, 1, 3) * 1000,
                     payers[random_below(&random, 8)]);
        struct bytes_writer writer = bytes_writer(bytes, sizeof(bytes));
        series_pack(&state, &writer);
        ck_assert(!writer.full);
        struct series_state back;
        struct bytes_reader reader = bytes_reader(slice_of(bytes, writer.size));
        ck_assert(series_unpack(&def, &back, &reader, zones, 0));
        for (uint32_t k = 0; k < SERIES_TRACKS_MAX; k++) {
            ck_assert_int_eq(back.tracks[k].due_ms,
                             state.tracks[k].key == 0 ? 0 : state.tracks[k].due_ms);
            ck_assert_int_eq(back.tracks[k].period, state.tracks[k].period);
        }
        struct bytes_writer second = bytes_writer(again, sizeof(again));
        series_pack(&back, &second);
        ck_assert_uint_eq(second.size, writer.size);
        ck_assert_mem_eq(bytes, again, writer.size);
        reader = bytes_reader(slice_of(bytes, random_below(&random, writer.size)));
        ck_assert(!series_unpack(&def, &back, &reader, zones, 0));
        ck_assert(series_is_empty(&back));
    }
}
END_TEST

static size_t packed(const struct series_state *of, uint8_t *out, size_t size)
{
    struct bytes_writer writer = bytes_writer(out, size);
    series_pack(of, &writer);
    ck_assert(!writer.full);
    return writer.size;
}

static void pay(struct series_state *to, const struct event *event)
{
    struct scope scope = {
        .event = event, .customer = &customer, .zones = zones, .now_ms = event->time_ms};
    (void)series_update(&def, to, event, &scope, NULL);
}

/* Payers change what they pay and how often, a unit more or less, and take back; a twin is read from its record
 * before every payment. */
START_TEST(a_series_goes_on_from_its_record)
{
    static const char *const payers[] = {"a", "b", "c"};
    static const int32_t rhythms[] = {7, 14, 28, 30};
    uint8_t bytes[2048], twin_bytes[2048];
    struct random random;
    struct series_state twin = {0};
    int64_t active = 0;
    random_init(&random, 70 + (uint64_t)_i);
    def.amount_tolerance_permille = (uint32_t)random_below(&random, 2) * 350;
    for (uint32_t payer = 0, rhythm = 0, level = 1000, day = 0, i = 0; i < 400; i++) {
        payer = random_chance(&random, 0.1) ? (uint32_t)random_below(&random, 3) : payer;
        rhythm = random_chance(&random, 0.1) ? (uint32_t)random_below(&random, 4) : rhythm;
        level =
            random_chance(&random, 0.1) ? 1000 + 100 * (uint32_t)random_below(&random, 9) : level;
        day += (uint32_t)rhythms[rhythm];
        struct event event = {.source = SOURCE_TRANSACTIONS,
                              .time_ms = START_MS + day * MS_PER_DAY};
        event.tx =
            (struct transaction){.amount_minor = level + random_between(&random, -1, 1),
                                 .direction = DIRECTION_CREDIT,
                                 .status = random_chance(&random, 0.05) ? TX_REVERSED : TX_POSTED,
                                 .counterparty_id = slice_text(payers[payer])};
        struct bytes_reader reader =
            bytes_reader(slice_of(twin_bytes, packed(&twin, twin_bytes, sizeof(twin_bytes))));
        ck_assert(series_unpack(&def, &twin, &reader, zones, 0));
        pay(&state, &event);
        pay(&twin, &event);
        size_t size = packed(&state, bytes, sizeof(bytes));
        ck_assert_msg(size == packed(&twin, twin_bytes, sizeof(twin_bytes)) &&
                          memcmp(bytes, twin_bytes, size) == 0,
                      "payment %u", i);
        active += value(SERIES_ACTIVE, event.time_ms).i;
    }
    ck_assert_int_gt(active, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series_pack");
    TCase *tests = tcase_create("series_pack");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, packed_series_come_back);
    tcase_add_loop_test(tests, a_series_goes_on_from_its_record, 0, 50);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
