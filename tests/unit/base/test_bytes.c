/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include "support/suite.h"

static const int64_t values[] = {0,   -1,        1,         63,        64,       -64,
                                 -65, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};

START_TEST(varint_comes_back)
{
    uint8_t buffer[10];
    struct bytes_writer writer = bytes_writer(buffer, sizeof(buffer));
    bytes_put_varint(&writer, values[_i]);
    ck_assert(!writer.full);
    struct bytes_reader reader = bytes_reader(slice_of(buffer, writer.size));
    ck_assert_int_eq(bytes_take_varint(&reader), values[_i]);
    ck_assert(!reader.bad);
    ck_assert_uint_eq(bytes_left(&reader), 0);
}
END_TEST

START_TEST(reader_refuses_what_is_cut_short_or_overlong)
{
    uint8_t overlong[11] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0};
    struct bytes_reader reader = bytes_reader(slice_of(overlong, sizeof(overlong)));
    ck_assert_uint_eq(bytes_take_varuint(&reader), 0);
    ck_assert(reader.bad);
    reader = bytes_reader(slice_of("\x80", 1));
    (void)bytes_take_varuint(&reader);
    ck_assert(reader.bad);
    reader = bytes_reader(slice_of("\x05"
                                   "abc",
                                   4));
    (void)bytes_take_slice(&reader);
    ck_assert(reader.bad);
}
END_TEST

START_TEST(writer_says_when_it_is_full)
{
    uint8_t buffer[3];
    struct bytes_writer writer = bytes_writer(buffer, sizeof(buffer));
    bytes_put_slice(&writer, slice_text("abc"));
    ck_assert(writer.full);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bytes");
    TCase *tests = tcase_create("bytes");
    tcase_add_loop_test(tests, varint_comes_back, 0, sizeof(values) / sizeof(values[0]));
    tcase_add_test(tests, reader_refuses_what_is_cut_short_or_overlong);
    tcase_add_test(tests, writer_says_when_it_is_full);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
