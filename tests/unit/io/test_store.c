/* SPDX-License-Identifier: Apache-2.0 */
#include "io/store.h"

#include "io/transport.h"
#include "support/suite.h"

static uint8_t block[64];

START_TEST(command_is_resp)
{
    static const char wanted[] = "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n*1\r\n$4\r\nEXEC\r\n";
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    store_command(&pipeline, 3);
    store_argument_text(&pipeline, "SET");
    store_argument_pair(&pipeline, slice_text("k"), slice_text("\r\n"));
    store_argument(&pipeline, (struct slice){NULL, 0});
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, "EXEC");
    ck_assert(!pipeline.full);
    ck_assert_uint_eq(pipeline.command_count, 2);
    ck_assert(slice_is(slice_of(block, pipeline.size), wanted));
}
END_TEST

START_TEST(a_number_stands_behind_its_prefix)
{
    static const char wanted[] = "$6\r\ndue:-7\r\n$1\r\n0\r\n";
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    store_argument_number(&pipeline, slice_text("due:"), -7);
    store_argument_number(&pipeline, (struct slice){NULL, 0}, 0);
    ck_assert(slice_is(slice_of(block, pipeline.size), wanted));
}
END_TEST

START_TEST(pipeline_that_does_not_fit_says_so_and_writes_no_further)
{
    for (size_t limit = 0; limit < 27; limit++) {
        uint8_t guarded[32];
        memset(guarded, 0xaa, sizeof(guarded));
        struct store_pipeline pipeline = {.data = guarded, .limit = limit};
        store_command(&pipeline, 2);
        store_argument_text(&pipeline, "GET");
        store_argument_text(&pipeline, "customer-1");
        ck_assert(pipeline.full);
        for (size_t i = limit; i < sizeof(guarded); i++) {
            ck_assert_uint_eq(guarded[i], 0xaa);
        }
    }
}
END_TEST

START_TEST(back_off_grows_within_its_bounds)
{
    const struct transport_settings settings = {.backoff_ms_min = 100, .backoff_ms_max = 1000};
    static const uint32_t uppers[] = {100, 200, 400, 800, 1000, 1000};
    for (uint32_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(transport_backoff_ms(&settings, i + 1, 0), uppers[i] / 2);
        ck_assert_uint_eq(transport_backoff_ms(&settings, i + 1, uppers[i] - uppers[i] / 2),
                          uppers[i]);
    }
    ck_assert_uint_le(transport_backoff_ms(&settings, UINT32_MAX, UINT64_MAX), 1000);
}
END_TEST

static const struct {
    const char *address;
    enum status status;
} addresses[] = {
    {"localhost:6379", STATUS_OK}, {"[::1]:6379", STATUS_OK},     {"unix:/run/redis", STATUS_OK},
    {"", STATUS_INVALID},          {"localhost", STATUS_INVALID}, {"::1:6379", STATUS_INVALID},
    {"unix:", STATUS_INVALID},     {":1", STATUS_INVALID},        {"h:12x", STATUS_INVALID},
    {"[::1]6379", STATUS_INVALID}, {"h:", STATUS_INVALID},        {"h:123456789", STATUS_INVALID},
};

START_TEST(address_is_one_of_three_kinds)
{
    const struct transport_settings settings = {.address = addresses[_i].address};
    ck_assert_int_eq(transport_check_address(&settings, NULL), addresses[_i].status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store");
    tcase_add_test(tests, command_is_resp);
    tcase_add_test(tests, a_number_stands_behind_its_prefix);
    tcase_add_test(tests, pipeline_that_does_not_fit_says_so_and_writes_no_further);
    tcase_add_test(tests, back_off_grows_within_its_bounds);
    tcase_add_loop_test(tests, address_is_one_of_three_kinds, 0,
                        sizeof(addresses) / sizeof(addresses[0]));
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
