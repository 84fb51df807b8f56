/* SPDX-License-Identifier: Apache-2.0 */
#include "base/show.h"

#include "support/suite.h"

typedef void show_function(struct slice text, FILE *out);

static const struct {
    const char *given, *text, *json;
} cases[] = {
    {"Müller \"& Co\" \\ €", "Müller \"& Co\" \\ €", "\"Müller \\\"& Co\\\" \\\\ €\""},
    {"a\x1b[2Jb\x07", "a\\x1b[2Jb\\x07", "\"a\\u001b[2Jb\\u0007\""},
    {"line\nforged\r\ttab\x7f", "line\\nforged\\x0d\ttab\\x7f",
     "\"line\\u000aforged\\u000d\\u0009tab\\u007f\""},
    {"csi \xc2\x9b"
     "31m",
     "csi \\x9b31m", "\"csi \\u009b31m\""},
    {"bad \xff\xc0\x80 \xe2\x82", "bad \\xff\\xc0\\x80 \\xe2\\x82",
     "\"bad \\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\""},
    {"", "", "\"\""},
};

static void expect(show_function *show, const char *given, const char *wanted)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    show(slice_text(given), out);
    (void)fclose(out);
    ck_assert_str_eq(text, wanted);
    free(text);
}

START_TEST(a_terminal_is_given_nothing_to_obey)
{
    expect(show_text, cases[_i].given, cases[_i].text);
    expect(show_json, cases[_i].given, cases[_i].json);
}
END_TEST

START_TEST(one_has_no_s)
{
    ck_assert_str_eq(show_s(0), "s");
    ck_assert_str_eq(show_s(1), "");
    ck_assert_str_eq(show_s(2), "s");
    ck_assert_str_eq(show_s(UINT64_C(1) << 32 | 1), "s");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("show");
    TCase *tests = tcase_create("show");
    tcase_add_test(tests, one_has_no_s);
    tcase_add_loop_test(tests, a_terminal_is_given_nothing_to_obey, 0,
                        sizeof cases / sizeof cases[0]);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
