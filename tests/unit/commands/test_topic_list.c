/* SPDX-License-Identifier: Apache-2.0 */
/* The topics that `segue topics --create` makes are such that `segue run` starts on them. */
#include "support/suite.h"

#include "commands/topic_list.h"

static struct settings settings;
static struct kafka_topic_want wants[TOPIC_LIST_MAX];

static const struct kafka_topic_want *find(const char *name, uint32_t tasks, uint32_t journals)
{
    struct topic_sizes sizes = {tasks, 2, journals, -1};
    settings.journal_topic = "journal";
    settings.checkpoint_topic = "checkpoints";
    uint32_t count = topic_list_fill(&settings, &sizes, wants);
    for (uint32_t i = 0; i < count; i++) {
        if (wants[i].name != NULL && strcmp(wants[i].name, name) == 0) {
            return &wants[i];
        }
    }
    ck_abort_msg("%s is not there", name);
}

START_TEST(a_journal_has_no_more_partitions_than_there_are_tasks)
{
    ck_assert_uint_eq(find("journal", 2, 4)->partition_count, 2);
    ck_assert_uint_eq(find("checkpoints", 2, 4)->partition_count, 2);
    ck_assert_uint_eq(find("journal", 2, 4)->partitions_max, 2);
    ck_assert_uint_eq(find("journal", 32, 4)->partition_count, 4);
    ck_assert_uint_eq(find("journal", 32, 4)->partitions_max, 32);
    ck_assert_uint_eq(find("checkpoints", 32, 4)->partitions_max, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topic_list");
    TCase *tests = tcase_create("topic_list");
    tcase_add_test(tests, a_journal_has_no_more_partitions_than_there_are_tasks);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
