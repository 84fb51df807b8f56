/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/framing.h"

#include "support/suite.h"

static struct schema_key key;
static struct slice payload;

START_TEST(magic_0_carries_a_big_endian_id)
{
    uint8_t value[8] = {0};
    framing_write(0x01020304, value);
    value[5] = 'x';
    ck_assert(framing_read(slice_of(value, 6), NULL, 0, &key, &payload));
    ck_assert(!key.is_guid);
    ck_assert_uint_eq(key.id, 0x01020304);
    ck_assert(slice_is(payload, "x"));
    ck_assert_uint_eq(value[1], 1);
    char text[FRAMING_GUID_TEXT_SIZE];
    framing_key_text(&key, text);
    ck_assert_str_eq(text, "16909060");
}
END_TEST

START_TEST(magic_1_carries_a_guid)
{
    uint8_t value[18] = {1, 0x89, 0x79, 0x12, 0x34, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 'x'};
    ck_assert(framing_read(slice_of(value, sizeof value), NULL, 0, &key, &payload));
    ck_assert(key.is_guid);
    ck_assert(slice_is(payload, "x"));
    char text[FRAMING_GUID_TEXT_SIZE];
    framing_key_text(&key, text);
    ck_assert_str_eq(text, "89791234-0506-0708-090a-0b0c0d0e0f10");
}
END_TEST

START_TEST(a_header_wins_and_leaves_the_payload_whole)
{
    uint8_t id[5] = {0, 0, 0, 0, 9};
    struct header headers[] = {{slice_text("ce_id"), slice_text("1")},
                               {slice_text("__value_schema_id"), slice_of(id, sizeof id)}};
    ck_assert(framing_read(slice_text("\002abc"), headers, 2, &key, &payload));
    ck_assert_uint_eq(key.id, 9);
    ck_assert_uint_eq(payload.size, 4);
    headers[1].value.size = 4;
    ck_assert(!framing_read(slice_text("\002abc"), headers, 2, &key, &payload));
    headers[1].value.size = 0;
    ck_assert(!framing_read(slice_text("\002abc"), headers, 2, &key, &payload));
}
END_TEST

/* A record that was copied on: whoever wrote it last said what it is. */
START_TEST(of_several_headers_the_last_one_holds_and_a_null_is_none)
{
    uint8_t old[5] = {0, 0, 0, 0, 9}, id[5] = {0, 0, 0, 0, 10}, value[6] = {0, 0, 0, 0, 11, 'x'};
    struct slice framed = slice_of(value, sizeof value);
    struct header headers[] = {{slice_text("__value_schema_id"), slice_of(old, sizeof old)},
                               {slice_text("__value_schema_id"), slice_of(id, sizeof id)},
                               {slice_text("ce_id"), slice_text("1")}};
    ck_assert(framing_read(framed, headers, 3, &key, &payload));
    ck_assert_uint_eq(key.id, 10);
    ck_assert_uint_eq(payload.size, sizeof value);
    headers[1].value = (struct slice){NULL, 0};
    ck_assert(framing_read(framed, headers, 3, &key, &payload));
    ck_assert_uint_eq(key.id, 11);
    ck_assert(slice_is(payload, "x"));
    headers[1].value = slice_of(id, 4);
    ck_assert(!framing_read(framed, headers, 3, &key, &payload));
}
END_TEST

START_TEST(anything_else_is_refused)
{
    static const uint8_t bytes[][17] = {{0, 0, 0, 7}, {1, 2, 3}, {2, 0, 0, 0, 7, 1}, {'{', '"'}};
    static const size_t sizes[] = {4, 16, 6, 2};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(!framing_read(slice_of(bytes[i], sizes[i]), NULL, 0, &key, &payload));
    }
    ck_assert(!framing_read((struct slice){NULL, 0}, NULL, 0, &key, &payload));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("framing");
    TCase *tests = tcase_create("framing");
    tcase_add_test(tests, magic_0_carries_a_big_endian_id);
    tcase_add_test(tests, magic_1_carries_a_guid);
    tcase_add_test(tests, a_header_wins_and_leaves_the_payload_whole);
    tcase_add_test(tests, of_several_headers_the_last_one_holds_and_a_null_is_none);
    tcase_add_test(tests, anything_else_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
