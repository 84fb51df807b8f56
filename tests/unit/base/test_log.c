/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <string.h>
#include <unistd.h>

#include "support/suite.h"

static char said[8192];

/* What one line of log with `text` in it looks like on standard error. */
static const char *line_of(enum log_level level, const char *text)
{
    int ends[2];
    int kept = dup(STDERR_FILENO);
    ck_assert(kept >= 0 && pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_line(level, "test", "it is said", "why=\"%s\"", text);
    ck_assert(dup2(kept, STDERR_FILENO) >= 0 && close(kept) == 0 && close(ends[1]) == 0);
    ssize_t size = read(ends[0], said, sizeof(said) - 1);
    ck_assert(size >= 0 && close(ends[0]) == 0);
    said[size] = '\0';
    return said;
}

START_TEST(a_line_has_level_code_and_message)
{
    const char *line = line_of(LOG_WARN, "so");
    ck_assert_msg(strstr(line, "Z level=warn code=test msg=\"it is said\" why=\"so\"\n") != NULL,
                  "%s", line);
}
END_TEST

/* A server's text must not look like a line of ours. */
START_TEST(what_is_said_is_one_line_whatever_is_in_it)
{
    const char *line = line_of(LOG_ERROR, "a\nlevel=info code=forged\r\x1b[1m");
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_msg(strstr(line, "a level=info code=forged  [1m") != NULL, "%s", line);
}
END_TEST

/* DEL and C1 too, in UTF-8 and as a single byte; other letters stay. */
START_TEST(a_terminal_is_given_nothing_to_obey)
{
    const char *line = line_of(LOG_ERROR, "Zürich €\x7f"
                                          "a\xc2\x9b"
                                          "2J\x9b"
                                          "b\xe2\x82");
    ck_assert_msg(strstr(line, "why=\"Zürich € a  2J b  \"\n") != NULL, "%s", line);
}
END_TEST

START_TEST(a_long_line_is_cut_and_ended)
{
    char text[4000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    const char *line = line_of(LOG_ERROR, text);
    ck_assert_uint_eq(strlen(line), 2047);
    ck_assert_int_eq(line[2046], '\n');
}
END_TEST

START_TEST(what_is_below_the_level_is_not_said)
{
    ck_assert_str_eq(line_of(LOG_DEBUG, "so"), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, a_line_has_level_code_and_message);
    tcase_add_test(lines, what_is_said_is_one_line_whatever_is_in_it);
    tcase_add_test(lines, a_terminal_is_given_nothing_to_obey);
    tcase_add_test(lines, a_long_line_is_cut_and_ended);
    tcase_add_test(lines, what_is_below_the_level_is_not_said);
    suite_add_tcase(suite, lines);
    return suite_run_all(suite);
}
