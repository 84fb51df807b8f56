/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/kafka_acls.h"

static void print(const struct settings *settings, const char *principal, const char *operations,
                  const char *resource, const char *name, FILE *out)
{
    (void)fprintf(out, "kafka-acls.sh --bootstrap-server %s --add --allow-principal %s%s %s %s\n",
                  settings->brokers, principal, operations, resource, name);
}

/* Read and Write each permit Describe. DescribeConfigs lets a start check retention and compaction;
 * Delete lets Segue delete the journal's begin. */
void kafka_acls_print(const struct settings *settings, const char *principal, FILE *out)
{
    static const char read[] = " --operation Read";
    static const char write[] = " --operation Write --operation DescribeConfigs";
    static const char seen[] = " --operation Read --operation DescribeConfigs";
    static const char both[] = " --operation Read --operation Write --operation DescribeConfigs";
    static const char all[] =
        " --operation Read --operation Write --operation Delete --operation DescribeConfigs";
    char prefix[128];
    for (int s = 0; s < SOURCE_COUNT; s++) {
        if (settings->sources[s].used) {
            print(settings, principal, seen, "--topic", settings->sources[s].topic, out);
        }
        if (settings->sources[s].used && settings->sources[s].repartition != REPARTITION_OFF) {
            print(settings, principal, all, "--topic", settings->sources[s].task_topic, out);
        }
    }
    for (int k = 0; k < OUTPUT_KIND_COUNT; k++) {
        print(settings, principal, k == OUTPUT_OFFER_STATS ? both : write, "--topic",
              settings->topics[k], out);
    }
    print(settings, principal, all, "--topic", settings->journal_topic, out);
    print(settings, principal, both, "--topic", settings->checkpoint_topic, out);
    print(settings, principal, seen, "--topic", settings->playbook_topic, out);
    print(settings, principal, read, "--group",
          settings->group[0] == '\0' ? settings->application : settings->group, out);
    (void)snprintf(prefix, sizeof(prefix), "%s. --resource-pattern-type prefixed",
                   settings->application);
    print(settings, principal, " --operation Write --operation Describe", "--transactional-id",
          prefix, out);
    if (settings_repartitions(settings)) {
        (void)snprintf(prefix, sizeof(prefix), "%s.repartition. --resource-pattern-type prefixed",
                       settings->group);
        print(settings, principal, read, "--group", prefix, out);
    }
    print(settings, principal, read, "--group", "segue-reader", out);
}

struct kafka_log_settings kafka_acls_settings(const struct connect *connect)
{
    const struct settings *settings = &connect->settings;
    struct kafka_log_settings kafka = {
        .connection = connect->kafka,
        .group = settings->group,
        .journal_topic = settings->journal_topic,
        .checkpoint_topic = settings->checkpoint_topic,
        .output_count = OUTPUT_KIND_COUNT,
        .aside_topics = {settings->playbook_topic, settings->topics[OUTPUT_OFFER_STATS]},
        .aside_count = 2};
    for (int i = 0; i < SOURCE_COUNT; i++) {
        kafka.topics[i] = settings->sources[i].used ? settings->sources[i].task_topic : NULL;
    }
    for (int i = 0; i < OUTPUT_KIND_COUNT; i++) {
        kafka.output_topics[i] = settings->topics[i];
    }
    return kafka;
}
