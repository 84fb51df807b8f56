/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/topic_list.h"

#include <string.h>

#include "base/invariant.h"

static struct kafka_topic_want *add(struct kafka_topic_want *wants, uint32_t *count,
                                    const char *name, uint32_t partition_count,
                                    int32_t replication_factor)
{
    struct kafka_topic_want *want = &wants[(*count)++];
    *want = (struct kafka_topic_want){
        .name = name, .partition_count = partition_count, .replication_factor = replication_factor};
    return want;
}

static void add_config(struct kafka_topic_want *want, const char *name, const char *value)
{
    INVARIANT(want->created_count == 0); /* those stand behind all of these */
    want->config[want->config_count++] = (struct kafka_property){name, value};
}

/* Records name customers, and a compacted topic keeps the old ones as long as its cleaner likes. A week twice and
 * the broker's day for tombstones: an erasure is over within the month that the GDPR gives (erase_dates.c). */
static void add_compacted(struct kafka_topic_want *want)
{
    add_config(want, "cleanup.policy", "compact");
    want->config[want->config_count + want->created_count++] =
        (struct kafka_property){"max.compaction.lag.ms", "604800000"};
}

static bool is_compacted(enum output_kind kind)
{
    return kind == OUTPUT_SEGMENT_STATE || kind == OUTPUT_OFFER_STATS;
}

/* Records keep their time there, so no retention by time: Segue deletes by itself what every task has read. */
static void add_repartition(const struct settings *settings, const struct settings_source *source,
                            const struct topic_sizes *sizes, struct kafka_topic_want *wants,
                            uint32_t *count)
{
    struct kafka_topic_want *want =
        add(wants, count, source->task_topic, sizes->task_count, sizes->replication_factor);
    want->partitions_fixed = true;
    add_config(want, "cleanup.policy", "delete");
    add_config(want, "retention.ms", "-1");
    add_config(want, "retention.bytes", "-1");
    add_config(want, "message.timestamp.type", "CreateTime");
    add_config(want, "max.message.bytes", settings->repartition_message_size);
}

uint32_t topic_list_fill(const struct settings *settings, const struct topic_sizes *sizes,
                         struct kafka_topic_want out_wants[TOPIC_LIST_MAX])
{
    uint32_t count = 0;
    int32_t replicas = sizes->replication_factor;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (settings->sources[s].used) {
            struct kafka_topic_want *want =
                add(out_wants, &count, settings->sources[s].topic, sizes->task_count, replicas);
            if (s == SOURCE_CUSTOMER_PROFILES) {
                add_compacted(want);
            }
        }
    }
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (settings->sources[s].used && settings->sources[s].repartition != REPARTITION_OFF) {
            add_repartition(settings, &settings->sources[s], sizes, out_wants, &count);
        }
    }
    for (uint32_t k = 0; k < OUTPUT_KIND_COUNT; k++) {
        struct kafka_topic_want *want =
            add(out_wants, &count, settings->topics[k], sizes->output_count, replicas);
        if (is_compacted((enum output_kind)k)) {
            add_compacted(want);
        } else {
            add_config(want, "cleanup.policy", "delete");
        }
    }
    uint32_t tasks = sizes->task_count;
    uint32_t journals = sizes->journal_count < tasks ? sizes->journal_count : tasks;
    struct kafka_topic_want *journal =
        add(out_wants, &count, settings->journal_topic, journals, replicas);
    journal->partitions_max = tasks; /* `segue run` refuses more: they would stay empty */
    add_config(journal, "cleanup.policy", "delete");
    add_config(journal, "retention.ms",
               "-1"); /* Segue deletes by itself what no checkpoint needs */
    add_config(journal, "retention.bytes", "-1");
    /* A task's now is bounded by the broker's time of its last cut; a writer's own would bound nothing. */
    add_config(journal, "message.timestamp.type", "LogAppendTime");
    struct kafka_topic_want *checkpoints =
        add(out_wants, &count, settings->checkpoint_topic, journals, replicas);
    add_compacted(checkpoints);
    struct kafka_topic_want *playbook =
        add(out_wants, &count, settings->playbook_topic, 1, replicas);
    add_config(playbook, "cleanup.policy", "compact"); /* names no customer */
    return count;
}

bool topic_list_has(const struct settings *settings, const char *topic)
{
    const struct topic_sizes sizes = {1, 1, 1, -1}; /* names do not depend on them */
    struct kafka_topic_want wants[TOPIC_LIST_MAX];
    uint32_t count = topic_list_fill(settings, &sizes, wants);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(wants[i].name, topic) == 0) {
            return true;
        }
    }
    return false;
}

const char *topic_list_packed(const struct settings *settings, const char *name)
{
    const struct {
        const char *topic, *key, *what;
    } packed[] = {
        {settings->journal_topic, "journal",
         "what Redis will be told; `segue doctor` looks after it, `segue get CUSTOMER` shows what "
         "it comes to"},
        {settings->checkpoint_topic, "checkpoints",
         "customers as they were, for `segue rebuild`; `segue get CUSTOMER` shows one as it is"},
        {settings->playbook_topic, "playbook",
         "the playbooks that were applied; `segue plan` compares with the last of them"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(packed); i++) {
        if (strcmp(name, packed[i].topic) == 0 || strcmp(name, packed[i].key) == 0) {
            return packed[i].what;
        }
    }
    return NULL;
}
