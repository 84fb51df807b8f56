/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digits.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/random.h"
#include "support/suite.h"

static void check(int64_t value)
{
    char expected[24], out[DIGITS_MAX];
    int size = snprintf(expected, sizeof(expected), "%" PRId64, value);
    struct slice digits = digits_of(value, out);
    ck_assert_uint_eq(digits.size, (size_t)size);
    ck_assert_mem_eq(digits.data, expected, digits.size);
}

START_TEST(numbers_are_written_as_printf_writes_them)
{
    struct random random;
    random_init(&random, 1);
    for (int64_t value = -1200; value <= 1200; value++) {
        check(value);
    }
    check(INT64_MIN);
    check(INT64_MAX);
    for (int i = 0; i < 10000; i++) {
        check((int64_t)(random_next(&random) >> (i % 64)));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("digits");
    TCase *tests = tcase_create("digits");
    tcase_add_test(tests, numbers_are_written_as_printf_writes_them);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
