/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_topics.h"

#include "io/kafka_client.h"
#include "io/kafka_permissions.h"

#include <stdio.h>

enum { TOPICS_MAX = SOURCE_COUNT + 2 + KAFKA_OUTPUTS_MAX };

struct topic_list {
    struct kafka_topic_want wants[TOPICS_MAX];
    struct kafka_topic_state states[TOPICS_MAX];
    uint32_t count;
    uint32_t source_count; /* the first ones; then journal, checkpoints, outputs */
};

static struct kafka_topic_want *list_add(struct topic_list *list, const char *name)
{
    struct kafka_topic_want *want = &list->wants[list->count++];
    want->name = name;
    return want;
}

static enum status say_denied(const struct topic_list *list, uint32_t i, const char *brokers,
                              struct status_text *out_text)
{
    bool source = i < list->source_count;
    char command[STATUS_TEXT_SIZE / 2];
    struct kafka_denial denial = {"--topic", list->wants[i].name, source ? "Read" : "Write", false};
    kafka_permission_command(&denial, brokers, "User:NAME", command, sizeof(command));
    return status_fail(out_text, STATUS_INVALID,
                       "kafka: not permitted: %s of topic %s. Mend it: %s; the whole list: segue "
                       "topics --acls User:NAME",
                       denial.operation, denial.name, command);
}

static enum status check_exist(const struct topic_list *list, const char *brokers,
                               struct status_text *out_text)
{
    char missing[STATUS_TEXT_SIZE - 128];
    size_t size = 0;
    for (uint32_t i = 0; i < list->count && size < sizeof(missing) - 1; i++) {
        if (list->states[i].denied) {
            return say_denied(list, i, brokers, out_text);
        }
        if (!list->states[i].exists) {
            int more = snprintf(missing + size, sizeof(missing) - size, "%s%s",
                                size > 0 ? ", " : "", list->wants[i].name);
            size += more > 0 ? (size_t)more : 0;
        }
    }
    if (size > 0) {
        return status_fail(out_text, STATUS_INVALID,
                           "kafka: topics are missing: %s. Make them: segue topics --create",
                           missing);
    }
    return STATUS_OK;
}

static enum status check_sources(const struct topic_list *list, struct status_text *out_text)
{
    for (uint32_t i = 1; i < list->source_count; i++) {
        if (list->states[i].partition_count != list->states[0].partition_count) {
            return status_fail(
                out_text, STATUS_INVALID,
                "kafka: %s has %u partitions and %s has %u: all sources need the same number, or "
                "partition p of one is not the customers of partition p of the other. Mend it: "
                "`repartition: partitions` for one; segue check --topics says what that costs",
                list->wants[0].name, list->states[0].partition_count, list->wants[i].name,
                list->states[i].partition_count);
        }
    }
    return STATUS_OK;
}

static enum status check_values(const struct kafka_log_settings *settings,
                                const struct topic_list *list, uint32_t i,
                                struct status_text *out_text)
{
    const struct kafka_topic_want *want = &list->wants[i];
    const struct kafka_topic_state *state = &list->states[i];
    if (want->config_count > 0 && !state->values_known) {
        kafka_say(&settings->connection, LOG_WARN, "TOPICS",
                  "%s: its configuration may not be read (DescribeConfigs); not checked",
                  want->name);
        return STATUS_OK;
    }
    for (uint32_t c = 0; c < want->config_count; c++) {
        if (strcmp(state->values[c], want->config[c].value) != 0) {
            return status_fail(
                out_text, STATUS_INVALID,
                "kafka: %s has %s=%s, must be %s. Mend it: kafka-configs.sh --bootstrap-server %s "
                "--alter --entity-type topics --entity-name %s --add-config %s=%s",
                want->name, want->config[c].name, state->values[c], want->config[c].value,
                settings->connection.brokers, want->name, want->config[c].name,
                want->config[c].value);
        }
    }
    return STATUS_OK;
}

static void list_fill(struct topic_list *list, const struct kafka_log_settings *settings)
{
    memset(list, 0, sizeof(*list));
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (settings->topics[s] != NULL) {
            (void)list_add(list, settings->topics[s]);
        }
    }
    list->source_count = list->count;
    if (settings->journal_topic != NULL) {
        struct kafka_topic_want *journal = list_add(list, settings->journal_topic);
        journal->config[0] = (struct kafka_property){"cleanup.policy", "delete"};
        journal->config[1] = (struct kafka_property){"retention.ms", "-1"};
        journal->config[2] = (struct kafka_property){"retention.bytes", "-1"};
        journal->config_count = 3;
        struct kafka_topic_want *checkpoints = list_add(list, settings->checkpoint_topic);
        checkpoints->config[0] = (struct kafka_property){"cleanup.policy", "compact"};
        checkpoints->config_count = 1;
    }
    for (uint32_t i = 0; i < settings->output_count; i++) {
        (void)list_add(list, settings->output_topics[i]);
    }
}

enum status kafka_topics_check(const struct kafka_log_settings *settings, int32_t timeout_ms,
                               struct kafka_topic_counts *out_counts, struct status_text *out_text)
{
    struct topic_list list;
    struct kafka_admin *admin = NULL;
    list_fill(&list, settings);
    if (list.source_count == 0) {
        return status_fail(out_text, STATUS_INVALID, "kafka: no source is configured");
    }
    enum status status = kafka_admin_open(&settings->connection, timeout_ms, &admin, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    status = kafka_admin_describe(admin, list.wants, list.count, list.states, timeout_ms, out_text);
    if (status == STATUS_OK) {
        status = check_exist(&list, settings->connection.brokers, out_text);
    }
    if (status == STATUS_OK) {
        status = check_sources(&list, out_text);
    }
    uint32_t inner = settings->journal_topic == NULL ? 0 : 2; /* journal and checkpoints */
    for (uint32_t i = 0; status == STATUS_OK && i < inner; i++) {
        status = check_values(settings, &list, list.source_count + i, out_text);
    }
    if (status == STATUS_OK) {
        out_counts->task_count = list.states[0].partition_count;
        out_counts->journal_count = inner == 0 ? 0 : list.states[list.source_count].partition_count;
        out_counts->checkpoint_count =
            inner == 0 ? 0 : list.states[list.source_count + 1].partition_count;
        (void)snprintf(out_counts->cluster_id, sizeof(out_counts->cluster_id), "%s",
                       kafka_admin_cluster_id(admin));
    }
    kafka_admin_close(admin);
    return status;
}
