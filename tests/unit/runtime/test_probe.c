/* SPDX-License-Identifier: Apache-2.0 */
/* What /readyz says of Kafka, Redis and the registry. */
#include "runtime/probe.h"

#include "support/suite.h"

static enum status good(void *context UNUSED, struct status_text *out_text UNUSED)
{
    return STATUS_OK;
}

static enum status good_with_a_word(void *context UNUSED, struct status_text *out_text)
{
    return status_fail(out_text, STATUS_OK, "mend this");
}

static enum status away(void *context UNUSED, struct status_text *out_text)
{
    return status_fail(out_text, STATUS_AWAY, "no answer");
}

START_TEST(each_check_has_a_line_and_only_what_is_away_makes_it_503)
{
    static const struct probe_check list[] = {
        {"kafka", good, NULL}, {"redis", good_with_a_word, NULL}, {"registry", away, NULL}};
    char data[256] = "";
    struct http_answer answer = {.status = 200, .data = data, .limit = sizeof(data)};
    struct probe_checks checks = {.list = list, .count = 2};
    probe_checks_say(&checks, &answer);
    ck_assert_str_eq(data, "kafka: ok\nredis: ok; mend this\n");
    ck_assert_int_eq(answer.status, 200);
    answer.size = 0;
    checks.count = 3;
    probe_checks_say(&checks, &answer);
    ck_assert_str_eq(data, "kafka: ok\nredis: ok; mend this\nregistry: no answer\n");
    ck_assert_int_eq(answer.status, 503);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe");
    TCase *tests = tcase_create("probe");
    tcase_add_test(tests, each_check_has_a_line_and_only_what_is_away_makes_it_503);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
