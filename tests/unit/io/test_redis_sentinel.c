/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_sentinel.h"

#include "base/attributes.h"
#include "support/suite.h"

static const struct redis_settings settings = {.sentinel_master = "bank"};
static char address[REDIS_NODE_SIZE];
static struct status_text text;

static struct store_reply reply(enum store_reply_kind kind, const char *said)
{
    return (struct store_reply){.kind = kind, .text = slice_text(said)};
}

static enum status judge(const struct store_reply *replies, uint32_t count)
{
    address[0] = '\0';
    return redis_sentinel_judge(&settings, "sentinel-1:26379", replies, count, address, &text);
}

static enum status judge_pair(const char *host, const char *port)
{
    const struct store_reply pair[] = {reply(STORE_BULK, host), reply(STORE_BULK, port)};
    const struct store_reply replies[] = {reply(STORE_STATUS, "OK"),
                                          {.kind = STORE_ARRAY, .children = pair, .count = 2}};
    return judge(replies, 2);
}

START_TEST(the_primary_is_what_it_names)
{
    ck_assert_int_eq(judge_pair("10.0.0.7", "6379"), STATUS_OK);
    ck_assert_str_eq(address, "10.0.0.7:6379");
    ck_assert_int_eq(judge_pair("fe80::2", "6380"), STATUS_OK);
    ck_assert_str_eq(address, "[fe80::2]:6380");
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_refused)
{
    char host[2 * REDIS_NODE_SIZE];
    memset(host, 'h', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    ck_assert_int_eq(judge_pair(host, "6379"), STATUS_INVALID);
}
END_TEST

static const struct {
    enum store_reply_kind kind;
    const char *said;
    enum status status;
    const char *told;
} answers[] = {
    {STORE_NIL, "", STATUS_INVALID, "watches no primary `bank`; mend redis.sentinel_master"},
    {STORE_ERROR, "NOAUTH Authentication required.", STATUS_INVALID,
     "set redis.sentinel_password_file"},
    {STORE_ERROR, "WRONGPASS invalid username-password pair", STATUS_INVALID,
     "set redis.sentinel_password_file"},
    {STORE_ERROR, "LOADING", STATUS_AWAY, "LOADING"},
    {STORE_BULK, "PONG", STATUS_INVALID, "does not answer as a sentinel does"},
};

START_TEST(another_answer_is_waited_out_or_told_with_its_mend)
{
    const struct store_reply said = reply(answers[_i].kind, answers[_i].said);
    ck_assert_int_eq(judge(&said, 1), answers[_i].status);
    ck_assert_msg(strstr(text.text, answers[_i].told) != NULL, "%s", text.text);
    ck_assert_msg(strstr(text.text, "sentinel-1:26379") != NULL, "%s", text.text);
}
END_TEST

START_TEST(one_that_hangs_up_is_away)
{
    ck_assert_int_eq(judge(NULL, 0), STATUS_AWAY);
}
END_TEST

/* The old primary of a failover, asked to write on a connection that nobody has ended. */
START_TEST(a_replica_by_now_says_so)
{
    const struct store_reply demoted[] = {
        reply(STORE_STATUS, "OK"),
        reply(STORE_ERROR, "READONLY You can't write against a read only replica."),
        reply(STORE_ERROR, "EXECABORT Transaction discarded because of previous errors.")};
    ck_assert(redis_sentinel_is_demoted(demoted, 3));
    ck_assert(!redis_sentinel_is_demoted(demoted, 1));
    ck_assert(!redis_sentinel_is_demoted(demoted + 2, 1));
    const struct store_reply value = reply(STORE_BULK, "READONLY");
    ck_assert(!redis_sentinel_is_demoted(&value, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis_sentinel");
    TCase *tests = tcase_create("answers");
    tcase_add_test(tests, the_primary_is_what_it_names);
    tcase_add_test(tests, a_name_that_does_not_fit_is_refused);
    tcase_add_loop_test(tests, another_answer_is_waited_out_or_told_with_its_mend, 0,
                        (int)ARRAY_COUNT(answers));
    tcase_add_test(tests, one_that_hangs_up_is_away);
    tcase_add_test(tests, a_replica_by_now_says_so);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
