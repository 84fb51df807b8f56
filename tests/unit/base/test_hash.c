/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "support/suite.h"

/* From Apache Kafka's UtilsTest.testMurmur2. */
static const struct {
    const char *key;
    int32_t hash;
} vectors[] = {
    {"21", -973932308},
    {"foobar", -790332482},
    {"a-little-bit-long-string", -985981536},
    {"a-little-bit-longer-string", -1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
    {"abc", 479470107},
};

START_TEST(murmur2_equals_kafka)
{
    ck_assert_int_eq(hash_murmur2(slice_text(vectors[_i].key)), vectors[_i].hash);
}
END_TEST

START_TEST(partition_is_never_negative)
{
    ck_assert_uint_lt(hash_partition(slice_text("21"), 8), 8);
    ck_assert_uint_eq(hash_partition(slice_text("abc"), 1), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tests = tcase_create("murmur2");
    tcase_add_loop_test(tests, murmur2_equals_kafka, 0, sizeof(vectors) / sizeof(vectors[0]));
    tcase_add_test(tests, partition_is_never_negative);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
