/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdio.h>
#include <unistd.h>

#include "base/attributes.h"

#include "support/suite.h"

enum { MIB = 1024 * 1024, BIG = 256 * MIB };

static size_t resident(void)
{
    unsigned long all = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu %lu", &all, &resident), 2);
    (void)fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(what_is_taken_is_zero_and_aligned)
{
    static const size_t sizes[] = {0, 1, 63, 64, 4096, 65535, 65536, 100001, 2 * MIB, 5 * MIB + 3};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        uint8_t *blocks[] = {memory_take(sizes[i], "a test"), memory_take_huge(sizes[i], "a test")};
        for (size_t k = 0; k < 2; k++) {
            ck_assert_uint_eq((uintptr_t)blocks[k] % 64, 0);
            size_t zeroes = 0;
            for (size_t at = 0; at < sizes[i]; at++) {
                zeroes += blocks[k][at] == 0;
                blocks[k][at] = 0xff; /* the next block is another */
            }
            ck_assert_uint_eq(zeroes, sizes[i]);
        }
    }
}
END_TEST

START_TEST(what_is_not_touched_costs_nothing)
{
#ifdef __SANITIZE_ADDRESS__
    return; /* its allocator is used then, and the block zeroed */
#endif
    size_t before = resident();
    uint8_t *block = _i == 0 ? memory_take(BIG, "a test") : memory_take_huge(BIG, "a test");
    ck_assert_uint_lt(resident() - before, 4 * MIB);
    block[0] = 1;
    block[BIG - 1] = 1;
    ck_assert_uint_lt(resident() - before, 8 * MIB);
}
END_TEST

START_TEST(the_plan_adds_up_what_has_one_name)
{
    const struct memory_pool *pools;
    (void)memory_take(100, "the plan's test");
    (void)memory_take_huge(3 * MIB, "the plan's test");
    size_t count = memory_plan(&pools);
    ck_assert_uint_ge(count, 1);
    ck_assert_str_eq(pools[count - 1].what, "the plan's test");
    ck_assert_uint_eq(pools[count - 1].size, 100 + 3 * MIB);
    ck_assert_uint_eq(pools[count - 1].takes, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tests = tcase_create("takes");
    tcase_add_test(tests, what_is_taken_is_zero_and_aligned);
    tcase_add_loop_test(tests, what_is_not_touched_costs_nothing, 0, 2);
    tcase_add_test(tests, the_plan_adds_up_what_has_one_name);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
