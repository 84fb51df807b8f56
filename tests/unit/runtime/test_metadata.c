/* SPDX-License-Identifier: Apache-2.0 */
/* The text beside a committed offset: what a claim believes, and an older or newer program must read. */
#include "io/log.h"
#include "runtime/cut.h"
#include "support/suite.h"

START_TEST(the_text_is_the_same_as_ever)
{
    char text[LOG_METADATA_SIZE_MAX];
    cut_metadata_write(&(struct cut_metadata){12, 7, 3456, -1}, text, sizeof(text));
    ck_assert_str_eq(text, "segue1 n=12 low=7 low_at=3456 previous_at=-1");
}
END_TEST

START_TEST(the_largest_numbers_fit_and_come_back)
{
    char text[LOG_METADATA_SIZE_MAX];
    struct cut_metadata back;
    const struct cut_metadata most = {INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN};
    cut_metadata_write(&most, text, sizeof(text));
    ck_assert(cut_metadata_parse(text, &back));
    ck_assert_uint_eq(back.seq, most.seq);
    ck_assert_uint_eq(back.low, most.low);
    ck_assert_int_eq(back.low_offset, most.low_offset);
    ck_assert_int_eq(back.previous_offset, most.previous_offset);
}
END_TEST

static const char *const foreign[] = {
    "",
    "segue1",
    "segue1 n=",
    "segue2 n=1 low=1 low_at=1 previous_at=1",
    "segue1 n=x low=1 low_at=1 previous_at=1",
    "segue1 n=1 low=1 low_at=1",
    "segue1 n=1 low=1 low_at=1 previous_at=",
    "somebody else's note",
};

START_TEST(what_is_not_ours_is_refused)
{
    struct cut_metadata metadata;
    int64_t offset;
    ck_assert(!cut_metadata_parse(foreign[_i], &metadata));
    ck_assert(!cut_low_offset(foreign[_i], &offset));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metadata");
    TCase *tests = tcase_create("metadata");
    tcase_add_test(tests, the_text_is_the_same_as_ever);
    tcase_add_test(tests, the_largest_numbers_fit_and_come_back);
    tcase_add_loop_test(tests, what_is_not_ours_is_refused, 0, (int)ARRAY_COUNT(foreign));
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
