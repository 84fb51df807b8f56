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

/* What names customers is compacted within a bound, or an erasure has no date and doctor warns. */
START_TEST(a_compacted_topic_is_made_with_a_bound)
{
    settings.sources[SOURCE_CUSTOMER_PROFILES] =
        (struct settings_source){.used = true, .topic = "profiles"};
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        settings.topics[kind] = output_topic((enum output_kind)kind);
    }
    settings.playbook_topic = "playbook";
    (void)find("checkpoints", 2, 1);
    uint32_t compacted = 0;
    for (uint32_t i = 0; i < TOPIC_LIST_MAX && wants[i].name != NULL; i++) {
        const struct kafka_topic_want *want = &wants[i];
        bool bounded = want->created_count == 1 &&
                       strcmp(want->config[want->config_count].name, "max.compaction.lag.ms") == 0;
        bool names_customers =
            strcmp(want->config[0].value, "compact") == 0 && strcmp(want->name, "playbook") != 0;
        ck_assert_msg(want->config_count > 0 || strcmp(want->name, "profiles") != 0, "no policy");
        ck_assert_msg(bounded == (want->config_count > 0 && names_customers), "%s", want->name);
        compacted += bounded;
    }
    ck_assert_uint_eq(compacted, 4);
}
END_TEST

/* What cannot be printed is refused before a broker is asked, under whatever name it was given. */
START_TEST(tail_knows_every_topic_of_the_settings)
{
    static uint8_t block[4 << 20];
    static struct diagnostic list[DIAGNOSTICS_MAX];
    static struct settings read;
    struct diagnostics diagnostics;
    struct arena arena;
    arena_init(&arena, block, sizeof(block));
    diagnostics_init(&diagnostics, list);
    ck_assert(settings_load_text("t.yaml",
                                 slice_text("application: a\ninstance: i\nplaybook: p\nkafka: "
                                            "{brokers: b}\nredis: {address: 'r:1'}\n"
                                            "sources: {transactions: {topic: till}}\n"
                                            "topics: {prefix: 'uk.', journal: log}\n"),
                                 &arena, &diagnostics, &read));
    ck_assert(topic_list_has(&read, "till") && topic_list_has(&read, "uk.offers"));
    ck_assert(topic_list_has(&read, "log") && topic_list_has(&read, "uk.checkpoints"));
    ck_assert(topic_list_has(&read, "uk.playbook") && !topic_list_has(&read, "uk.journal"));
    ck_assert_ptr_nonnull(strstr(topic_list_packed(&read, "log"), "segue doctor"));
    ck_assert_ptr_eq(topic_list_packed(&read, "log"), topic_list_packed(&read, "journal"));
    ck_assert_ptr_nonnull(strstr(topic_list_packed(&read, "uk.checkpoints"), "segue rebuild"));
    ck_assert_ptr_nonnull(strstr(topic_list_packed(&read, "playbook"), "segue plan"));
    ck_assert_ptr_null(topic_list_packed(&read, "uk.control"));
    ck_assert_ptr_null(topic_list_packed(&read, "till"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topic_list");
    TCase *tests = tcase_create("topic_list");
    tcase_add_test(tests, a_journal_has_no_more_partitions_than_there_are_tasks);
    tcase_add_test(tests, a_compacted_topic_is_made_with_a_bound);
    tcase_add_test(tests, tail_knows_every_topic_of_the_settings);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
