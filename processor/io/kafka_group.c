/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_group.h"

#include "base/memory.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

enum { LIST_TIMEOUT_MS = 1000, PROBE_MS = 1000, PROBE_TIMEOUT_MS = 500 };

void kafka_membership_hold(struct kafka_membership *membership)
{
    atomic_fetch_add(&membership->references, 1);
}

void kafka_membership_drop(struct kafka_membership *membership)
{
    if (membership != NULL && atomic_fetch_sub(&membership->references, 1) == 1) {
        rd_kafka_consumer_group_metadata_destroy(membership->metadata);
        free(membership);
    }
}

/* The broker's generation inside librdkafka's metadata, which has no question for it: its written
 * form is "CGMDv2:" and then the generation as a machine word. */
static int32_t generation_of(const rd_kafka_consumer_group_metadata_t *metadata)
{
    enum { GENERATION_AT = 7 };
    void *bytes = NULL;
    size_t size = 0;
    rd_kafka_error_t *error = rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size);
    int32_t generation = -1;
    if (error != NULL) {
        rd_kafka_error_destroy(error);
    } else {
        if (size >= GENERATION_AT + sizeof(generation) &&
            memcmp(bytes, "CGMDv2:", GENERATION_AT) == 0) {
            memcpy(&generation, (const char *)bytes + GENERATION_AT, sizeof(generation));
        }
        rd_kafka_mem_free(NULL, bytes);
    }
    return generation;
}

/* NULL when the member has lost its place between the rebalance and now: with generation -1 the
 * broker would take offsets from anybody. Another rebalance follows. */
static struct kafka_membership *membership_capture(struct kafka_group *group)
{
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata(group->client);
    if (metadata == NULL || generation_of(metadata) < 0) {
        if (metadata != NULL) {
            rd_kafka_consumer_group_metadata_destroy(metadata);
        }
        return NULL;
    }
    struct kafka_membership *membership = calloc(1, sizeof(*membership));
    if (membership == NULL) {
        rd_kafka_consumer_group_metadata_destroy(metadata);
        return NULL;
    }
    membership->metadata = metadata;
    membership->generation = ++group->generation_last;
    atomic_store(&membership->references, 1);
    return membership;
}

static uint32_t source_count(const struct kafka_log_settings *settings)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        count += settings->topics[s] != NULL ? 1u : 0u;
    }
    return count;
}

static void assign(struct kafka_group *group, const rd_kafka_topic_partition_list_t *partitions)
{
    uint32_t wanted = source_count(group->settings);
    struct kafka_membership *membership = membership_capture(group);
    if (membership == NULL) {
        kafka_say(&group->settings->connection, LOG_WARN, "REBALANCE",
                  "lost again before it was taken up");
        return;
    }
    kafka_rejoin_assigned(&group->rejoin, partitions->cnt == 0, kafka_now_ms());
    memset(group->have, 0, group->task_count);
    for (int i = 0; i < partitions->cnt; i++) {
        uint32_t task = (uint32_t)partitions->elems[i].partition;
        if (task >= group->task_count) {
            group->owner.fatal(
                group->owner.context,
                "a source has more partitions than at start: start again so that all are checked");
            continue;
        }
        group->have[task]++;
    }
    atomic_store(&group->generation, membership->generation);
    uint32_t count = 0;
    for (uint32_t task = 0; task < group->task_count; task++) {
        if (group->have[task] == wanted) {
            count++;
            atomic_store(&group->ours[task], true);
            group->owner.assigned(group->owner.context, task, membership);
        } else if (group->have[task] != 0) {
            group->owner.fatal(
                group->owner.context,
                "a partition came without its fellows of the other sources: another member of the "
                "group subscribes to other topics or uses another assignor");
        }
    }
    kafka_say(&group->settings->connection, LOG_INFO, "REBALANCE",
              "%u tasks are ours (assignment %u)", count, membership->generation);
    kafka_membership_drop(membership);
}

static void revoke(struct kafka_group *group)
{
    kafka_rejoin_revoked(&group->rejoin);
    atomic_store(&group->generation, 0);
    for (uint32_t task = 0; task < group->task_count; task++) {
        if (atomic_exchange(&group->ours[task], false)) {
            group->owner.revoked(group->owner.context, task);
        }
    }
}

/* Runs inside rd_kafka_consumer_poll, on the poller's thread. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct kafka_callbacks *callbacks = opaque;
    struct kafka_group *group = callbacks->owner;
    rd_kafka_resp_err_t result;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        revoke(group); /* never two at once */
        rd_kafka_topic_partition_list_t *nothing = rd_kafka_topic_partition_list_new(0);
        result = rd_kafka_assign(client, nothing);
        rd_kafka_topic_partition_list_destroy(nothing);
        assign(group, partitions);
    } else {
        bool lost = rd_kafka_assignment_lost(client) != 0;
        revoke(group);
        if (!lost) {
            group->owner.settle(group->owner.context);
        }
        result = rd_kafka_assign(client, NULL);
    }
    if (result != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_say(callbacks->connection, LOG_ERROR, "REBALANCE", "%s", rd_kafka_err2str(result));
    }
}

/* The member's client is beyond help (FENCED_INSTANCE_ID: somebody else runs under our name). */
static void on_group_error(void *owner, int code, bool fatal, const char *reason)
{
    struct kafka_group *group = owner;
    if (fatal || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
        revoke(group);
        group->owner.fatal(group->owner.context, reason);
    }
}

static rd_kafka_resp_err_t subscribe(struct kafka_group *group)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(SOURCE_COUNT);
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (group->settings->topics[s] != NULL) {
            (void)rd_kafka_topic_partition_list_add(topics, group->settings->topics[s],
                                                    RD_KAFKA_PARTITION_UA);
        }
    }
    rd_kafka_resp_err_t code = rd_kafka_subscribe(group->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code;
}

/* Members of our group as the coordinator has them; -1: not known now. */
static int members_count(struct kafka_group *group)
{
    const struct rd_kafka_group_list *list = NULL;
    const char *name = group->settings->group != NULL ? group->settings->group
                                                      : group->settings->connection.application;
    int count = -1;
    if (rd_kafka_list_groups(group->client, name, &list, LIST_TIMEOUT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (list->group_cnt == 1 && list->groups[0].err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            count = list->groups[0].member_cnt;
        }
        rd_kafka_group_list_destroy(list);
    }
    return count;
}

/* A member with nothing while there are tasks for everybody: nobody else will mend it. */
static void rejoin_when_forgotten(struct kafka_group *group)
{
    if (!kafka_rejoin_asks(&group->rejoin, kafka_now_ms())) {
        return;
    }
    int members = members_count(group);
    if (!kafka_rejoin_decide(&group->rejoin, members, group->task_count)) {
        return;
    }
    kafka_say(&group->settings->connection, LOG_WARN, "REBALANCE",
              "no task of %u for %d members: joining the group anew", group->task_count, members);
    rd_kafka_resp_err_t code = rd_kafka_unsubscribe(group->client);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = subscribe(group);
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_say(&group->settings->connection, LOG_ERROR, "REBALANCE", "%s",
                  rd_kafka_err2str(code));
    }
}

/* Whether there is a broker: librdkafka says that one is lost, but not that one is back. */
static void probe_broker(struct kafka_group *group)
{
    const struct rd_kafka_metadata *metadata = NULL;
    int64_t now_ms = kafka_now_ms();
    if (now_ms - group->probed_ms < PROBE_MS) {
        return;
    }
    if (rd_kafka_metadata(group->client, 0, NULL, &metadata, PROBE_TIMEOUT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
        atomic_store(&group->heard_ms, kafka_now_ms());
    }
    group->probed_ms = kafka_now_ms();
}

int64_t kafka_group_silent_ms(const struct kafka_group *group)
{
    return kafka_now_ms() - atomic_load(&group->heard_ms);
}

static void *poll_group(void *argument)
{
    struct kafka_group *group = argument;
    while (!atomic_load(&group->stop)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(group->client, 100);
        rejoin_when_forgotten(group);
        probe_broker(group);
        if (message == NULL) {
            continue;
        }
        if (message->err == RD_KAFKA_RESP_ERR__FATAL ||
            message->err == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
            char why[STATUS_TEXT_SIZE];
            (void)rd_kafka_fatal_error(group->client, why, sizeof(why));
            on_group_error(group, message->err, true, why);
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            kafka_say(&group->settings->connection, LOG_WARN, "GROUP", "%s",
                      rd_kafka_message_errstr(message));
        }
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

enum status kafka_group_open(struct kafka_group *group, const struct kafka_log_settings *settings,
                             uint32_t task_count, const struct kafka_group_owner *owner,
                             struct status_text *out_text)
{
    memset(group, 0, sizeof(*group));
    group->settings = settings;
    group->owner = *owner;
    group->task_count = task_count;
    group->probed_ms = kafka_now_ms();
    atomic_store(&group->heard_ms, group->probed_ms); /* kafka_open has just read the topics */
    kafka_rejoin_init(&group->rejoin);
    group->callbacks.connection = &settings->connection;
    group->callbacks.owner = group;
    group->callbacks.on_error = on_group_error;
    group->have = memory_take(task_count, "kafka: tasks");
    group->ours = memory_take(task_count * sizeof(*group->ours), "kafka: tasks");
    rd_kafka_conf_t *conf = kafka_conf_new(&group->callbacks, KAFKA_ROLE_MEMBER, 0, out_text);
    if (conf == NULL) {
        return STATUS_INVALID;
    }
    kafka_conf_must_set(conf, "group.id",
                        settings->group != NULL ? settings->group
                                                : settings->connection.application);
    kafka_conf_must_set(conf, "group.instance.id", settings->connection.instance);
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    group->client = kafka_client_new(conf, KAFKA_ROLE_MEMBER, out_text);
    if (group->client == NULL) {
        return STATUS_INVALID;
    }
    (void)rd_kafka_poll_set_consumer(group->client);
    return STATUS_OK;
}

enum status kafka_group_join(struct kafka_group *group, struct status_text *out_text)
{
    rd_kafka_resp_err_t code = subscribe(group);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return status_fail(out_text, STATUS_INVALID, "kafka: subscribe: %s",
                           rd_kafka_err2str(code));
    }
    if (pthread_create(&group->poller, NULL, poll_group, group) != 0) {
        return status_fail(out_text, STATUS_AWAY, "kafka: no thread for the group");
    }
    group->polling = true;
    return STATUS_OK;
}

void kafka_group_leave(struct kafka_group *group)
{
    if (group->polling) {
        atomic_store(&group->stop, true);
        (void)pthread_join(group->poller, NULL);
        group->polling = false;
    }
}

void kafka_group_close(struct kafka_group *group)
{
    kafka_group_leave(group);
    if (group->client != NULL) {
        /* No consumer_close: a static member does not leave, and closing may hang when the
         * coordinator is away. */
        rd_kafka_destroy_flags(group->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
        group->client = NULL;
    }
}
