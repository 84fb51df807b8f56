/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says instead of a greeting: waited for, or the end of a start with the mend. */
#include "io/redis_greeting.h"

#include <sys/resource.h>

#include "base/attributes.h"
#include "support/suite.h"

static const struct {
    const char *error;
    enum status status;
    const char *told;
} errors[] = {
    {"LOADING Redis is loading the dataset in memory", STATUS_AWAY, "LOADING"},
    {"MASTERDOWN Link with MASTER is down", STATUS_AWAY, "MASTERDOWN"},
    {"BUSY Redis is busy running a script", STATUS_AWAY, "BUSY"},
    {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
     STATUS_AWAY, "MISCONF"},
    {"OOM command not allowed when used memory > 'maxmemory'", STATUS_AWAY, "OOM"},
    {"NOREPLICAS Not enough good replicas to write", STATUS_AWAY, "NOREPLICAS"},
    {"CLUSTERDOWN The cluster is down", STATUS_AWAY, "CLUSTERDOWN"},
    {"ERR max number of clients reached", STATUS_AWAY, "max number of clients"},
    {"WRONGPASS invalid username-password pair", STATUS_INVALID, "redis.password_file"},
    {"NOAUTH Authentication required.", STATUS_INVALID, "set redis.password_file"},
    {"NOPERM this user has no permissions to run the 'info' command", STATUS_INVALID,
     "+srandmember +sscan"},
    {"ERR unknown command", STATUS_INVALID, "unknown command"},
};

START_TEST(an_error_is_waited_out_or_told_with_its_mend)
{
    const struct redis_settings settings = {.transport.address = "localhost:1"};
    const struct store_reply reply = {.kind = STORE_ERROR, .text = slice_text(errors[_i].error)};
    struct redis_facts facts;
    struct status_text text = {""};
    ck_assert_int_eq(redis_greeting_judge(&settings, &reply, 1, &facts, &text), errors[_i].status);
    ck_assert_msg(strstr(text.text, errors[_i].told) != NULL, "%s", text.text);
    ck_assert_msg(strstr(text.text, "localhost:1") != NULL, "%s", text.text);
}
END_TEST

/* Whoever supervises starts again where the machine lacks a descriptor; a wrong path stays wrong. */
START_TEST(a_password_that_no_descriptor_is_left_for_is_read_later)
{
    const struct redis_settings settings = {.password_file = "/no/such/file"};
    uint8_t bytes[REDIS_GREETING_SIZE_MAX];
    struct store_pipeline pipeline = {.data = bytes, .limit = sizeof(bytes)};
    struct status_text text = {""};
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    ck_assert_int_eq(redis_greeting_write(&settings, &pipeline, &text), STATUS_INVALID);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    enum status status = redis_greeting_write(&settings, &pipeline, &text);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_msg(status == STATUS_AWAY, "%s: %s", status_name(status), text.text);
    ck_assert_msg(strstr(text.text, "redis.password_file") != NULL, "%s", text.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis_greeting");
    TCase *judge = tcase_create("judge");
    tcase_add_loop_test(judge, an_error_is_waited_out_or_told_with_its_mend, 0,
                        (int)ARRAY_COUNT(errors));
    tcase_add_test(judge, a_password_that_no_descriptor_is_left_for_is_read_later);
    suite_add_tcase(suite, judge);
    return suite_run_all(suite);
}
