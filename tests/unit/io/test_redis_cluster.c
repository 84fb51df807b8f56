/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_cluster.h"

#include "base/attributes.h"
#include "support/suite.h"

static char node[REDIS_NODE_SIZE];

static struct store_reply reply(enum store_reply_kind kind, const char *text)
{
    return (struct store_reply){.kind = kind, .text = slice_text(text)};
}

START_TEST(seeds_go_round)
{
    static const char *const wanted[] = {"a:1", "b:2", "[::1]:3", "a:1"};
    ck_assert_uint_eq(redis_cluster_seed_count("a:1,b:2, [::1]:3"), 3);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(redis_cluster_seed("a:1,b:2, [::1]:3", i, node));
        ck_assert_str_eq(node, wanted[i]);
    }
    ck_assert(redis_cluster_seed("a:1", 7, node));
    ck_assert_str_eq(node, "a:1");
}
END_TEST

START_TEST(a_seed_that_does_not_fit_is_refused)
{
    char list[2 * REDIS_NODE_SIZE];
    memset(list, 'x', sizeof(list));
    list[sizeof(list) - 1] = '\0';
    ck_assert(!redis_cluster_seed(list, 0, node));
}
END_TEST

static const struct {
    const char *error;
    enum redis_redirect redirect;
    const char *node;
} errors[] = {
    {"MOVED 3999 127.0.0.1:6381", REDIRECT_MOVED, "127.0.0.1:6381"},
    {"MOVED 3999 redis-2.bank:6381", REDIRECT_MOVED, "redis-2.bank:6381"},
    {"MOVED 3999 :6381", REDIRECT_MOVED, "10.0.0.7:6381"},
    {"MOVED 3999 fe80::2:6381", REDIRECT_MOVED, "[fe80::2]:6381"},
    {"MOVED 3999", REDIRECT_WAIT, NULL},
    {"MOVED 3999 nowhere", REDIRECT_WAIT, NULL},
    {"MOVED 3999 ", REDIRECT_WAIT, NULL},
    {"ASK 3999 127.0.0.1:6381", REDIRECT_WAIT, NULL},
    {"TRYAGAIN Multiple keys request during rehashing of slot", REDIRECT_WAIT, NULL},
    {"CLUSTERDOWN Hash slot not served", REDIRECT_WAIT, NULL},
    {"EXECABORT Transaction discarded because of previous errors.", REDIRECT_NONE, NULL},
    {"OOM command not allowed", REDIRECT_NONE, NULL},
    {"", REDIRECT_NONE, NULL},
};

START_TEST(errors_tell_where_to_go)
{
    const struct store_reply replies[] = {reply(STORE_STATUS, "OK"),
                                          reply(STORE_ERROR, errors[_i].error),
                                          reply(STORE_ERROR, "EXECABORT")};
    ck_assert_int_eq(redis_cluster_redirect(replies, 3, "10.0.0.7:6379", node),
                     errors[_i].redirect);
    if (errors[_i].node != NULL) {
        ck_assert_str_eq(node, errors[_i].node);
    }
}
END_TEST

START_TEST(a_value_that_reads_like_an_error_is_a_value)
{
    const struct store_reply replies[] = {reply(STORE_BULK, "MOVED 1 a:1"), reply(STORE_NIL, "")};
    ck_assert_int_eq(redis_cluster_redirect(replies, 2, "a:2", node), REDIRECT_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis_cluster");
    TCase *cases = tcase_create("redis_cluster");
    tcase_add_test(cases, seeds_go_round);
    tcase_add_test(cases, a_seed_that_does_not_fit_is_refused);
    tcase_add_loop_test(cases, errors_tell_where_to_go, 0, ARRAY_COUNT(errors));
    tcase_add_test(cases, a_value_that_reads_like_an_error_is_a_value);
    suite_add_tcase(suite, cases);
    return suite_run_all(suite);
}
