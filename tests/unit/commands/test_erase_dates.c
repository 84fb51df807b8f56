/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of when a customer is gone: a date where one follows, and nothing like one where it does not. */
#include <stdlib.h>
#include <string.h>

#include "commands/erase_dates.h"
#include "support/suite.h"

static struct erase_topics topics;
static char *said;

static void add(const char *name, enum erase_fate fate, const char *policy)
{
    static const char *const values[] = {NULL, "60000", "60000", "60000", "60000", "60000"};
    struct kafka_topic_state *state = &topics.states[topics.count];
    *state = (struct kafka_topic_state){.exists = true, .values_known = true};
    erase_topics_add(&topics, name, fate);
    (void)snprintf(state->values[0], sizeof(state->values[0]), "%s", policy);
    for (int i = 1; i < 6; i++) {
        (void)snprintf(state->values[i], sizeof(state->values[i]), "%s", values[i]);
    }
}

static void setup(void)
{
    topics = (struct erase_topics){.checkpoint_interval_ms = 60000, .journal_keep_ms = 60000};
    add("in", ERASE_INPUT, "delete");
    add("offers", ERASE_OUTPUT, "delete");
    add("state", ERASE_OUTPUT, "compact");
    add("journal", ERASE_JOURNAL, "delete");
    said = NULL;
}

static void teardown(void)
{
    free(said);
}

static void print(void)
{
    size_t size = 0;
    free(said);
    FILE *out = open_memstream(&said, &size);
    erase_dates_print(&topics, out);
    ck_assert_int_eq(fclose(out), 0);
}

static void expect(const char *text)
{
    ck_assert_msg(strstr(said, text) != NULL, "`%s` is not in\n%s", text, said);
}

static void expect_no(const char *text)
{
    ck_assert_msg(strstr(said, text) == NULL, "`%s` is in\n%s", text, said);
}

START_TEST(the_last_date_is_that_of_the_slowest_topic)
{
    print();
    /* lag, tombstone, lag, the broker's look, the file's delay: 3 + 5 + 1 minutes; the journal as well */
    expect("The last copy that Segue wrote is gone by 1970-01-01T00:09:00Z.");
    expect("the bank's own record of what happened");
}
END_TEST

/* What doctor says beforehand is what erase would say. */
START_TEST(topics_from_which_nobody_goes_are_known)
{
    for (uint32_t i = 0; i < topics.count; i++) {
        ck_assert(!erase_topic_is_endless(&topics, i));
    }
    (void)snprintf(topics.states[0].values[1], 32, "-1"); /* the bank's own input */
    (void)snprintf(topics.states[1].values[1], 32, "-1"); /* outputs, by retention.ms */
    (void)snprintf(topics.states[2].values[2], 32,
                   "9223372036854775807"); /* state, by compaction */
    ck_assert(!erase_topic_is_endless(&topics, 0));
    ck_assert(erase_topic_is_endless(&topics, 1));
    ck_assert(erase_topic_is_endless(&topics, 2));
    print();
    expect("set retention.ms");
    expect("set max.compaction.lag.ms");
    topics.states[1].values_known = false; /* nobody knows */
    ck_assert(!erase_topic_is_endless(&topics, 1));
}
END_TEST

START_TEST(where_settings_may_not_be_read_there_is_no_date)
{
    topics.states[2].values_known = false;
    print();
    expect("the permission DescribeConfigs on it is missing");
    expect("not known: of 1 topic that Segue writes");
    expect_no("gone by");
    topics.states[3].exists = false;
    topics.states[3].denied = true;
    print();
    expect("the permission Describe on it is missing");
    expect("not known: of 2 topics that Segue writes");
    expect_no("gone by");
}
END_TEST

START_TEST(what_keeps_for_ever_is_told_beside_what_is_not_known)
{
    topics.states[1].values_known = false;
    (void)snprintf(topics.states[2].values[2], sizeof(topics.states[2].values[2]), "%lld",
                   9223372036854775807LL);
    print();
    expect("set max.compaction.lag.ms");
    expect("never gone for certain");
    expect("not known: of 1 topic");
}
END_TEST

START_TEST(what_does_not_exist_or_is_the_banks_own_takes_no_date_away)
{
    topics.states[0].values_known = false; /* the bank's own topic: no promise of ours */
    topics.states[1] = (struct kafka_topic_state){.exists = false};
    print();
    expect("there is no such topic");
    expect("the permission DescribeConfigs on it is missing");
    expect("gone by 1970-01-01T00:09:00Z.");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("erase_dates");
    TCase *tests = tcase_create("erase_dates");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_last_date_is_that_of_the_slowest_topic);
    tcase_add_test(tests, topics_from_which_nobody_goes_are_known);
    tcase_add_test(tests, where_settings_may_not_be_read_there_is_no_date);
    tcase_add_test(tests, what_keeps_for_ever_is_told_beside_what_is_not_known);
    tcase_add_test(tests, what_does_not_exist_or_is_the_banks_own_takes_no_date_away);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
