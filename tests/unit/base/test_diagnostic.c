/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diagnostic.h"

#include "support/suite.h"

START_TEST(prints_line_and_caret)
{
    static struct diagnostic list[DIAGNOSTICS_MAX];
    struct source_file file = {"job.yaml", slice_text("a: 1\nwhen: 'f.mises >= 2'\n")};
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics, list);
    diagnostics_add(&diagnostics, DIAGNOSTIC_ERROR, (struct source_span){&file, 2, 10, 5},
                    "did you mean `misses`?", "no field `%s`", "mises");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diagnostics_print(&diagnostics, out, false);
    (void)fclose(out);
    ck_assert_str_eq(text, "error: no field `mises`\n"
                           "  --> job.yaml:2:10\n"
                           "  |\n"
                           "2 | when: 'f.mises >= 2'\n"
                           "  |          ^^^^^ did you mean `misses`?\n"
                           "1 error, 0 warnings\n");
    free(text);
}
END_TEST

START_TEST(a_line_of_the_file_is_shown_not_obeyed)
{
    static struct diagnostic list[DIAGNOSTICS_MAX];
    struct source_file file = {"job.yaml", slice_text("a: \x1b[2J\n")};
    struct diagnostics diagnostics;
    char *text = NULL;
    size_t size = 0;
    diagnostics_init(&diagnostics, list);
    diagnostics_add(&diagnostics, DIAGNOSTIC_ERROR, (struct source_span){&file, 1, 4, 1}, NULL,
                    "no `%s`", "\x1b]0;");
    FILE *out = open_memstream(&text, &size);
    diagnostics_print(&diagnostics, out, false);
    (void)fclose(out);
    ck_assert_ptr_null(strchr(text, '\x1b'));
    ck_assert_ptr_nonnull(strstr(text, "error: no `\\x1b]0;`\n"));
    ck_assert_ptr_nonnull(strstr(text, "1 | a: \\x1b[2J\n"));
    free(text);
}
END_TEST

START_TEST(nearest_word_is_found_or_not)
{
    const char *words[] = {"misses", "window", "where"};
    ck_assert_str_eq(diagnostic_nearest(slice_text("mises"), words, 3), "misses");
    ck_assert_ptr_null(diagnostic_nearest(slice_text("zebra"), words, 3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diagnostic");
    TCase *tests = tcase_create("diagnostic");
    tcase_add_test(tests, prints_line_and_caret);
    tcase_add_test(tests, a_line_of_the_file_is_shown_not_obeyed);
    tcase_add_test(tests, nearest_word_is_found_or_not);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
