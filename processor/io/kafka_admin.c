/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_admin.h"

#include "io/kafka_client.h"
#include "io/kafka_words.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct kafka_admin {
    struct kafka_connection connection;
    struct kafka_words words; /* why nobody answers */
    struct kafka_callbacks callbacks;
    struct rd_kafka_s *client;
    char cluster_id[128];
    uint32_t broker_count;
};

enum status kafka_admin_open(const struct kafka_connection *connection, int32_t timeout_ms,
                             struct kafka_admin **out_admin, struct status_text *out_text)
{
    struct kafka_admin *admin = calloc(1, sizeof(*admin));
    if (admin == NULL) {
        return status_fail(out_text, STATUS_FULL, "kafka: out of memory");
    }
    admin->connection = *connection;
    kafka_words_listen(&admin->words, &admin->connection);
    admin->callbacks.connection = &admin->connection;
    admin->callbacks.owner = admin;
    rd_kafka_conf_t *conf = kafka_conf_new(&admin->callbacks, KAFKA_ROLE_ADMIN, 0, out_text);
    admin->client = conf == NULL ? NULL : kafka_client_new(conf, KAFKA_ROLE_ADMIN, out_text);
    if (admin->client == NULL) {
        kafka_words_finish(&admin->words);
        free(admin);
        return STATUS_INVALID;
    }
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin->client, 0, NULL, &metadata, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        char words[KAFKA_WORDS_SIZE];
        kafka_words_last(&admin->words, words);
        (void)status_fail(out_text, STATUS_AWAY, "kafka: no broker of %s answers within %d ms: %s",
                          connection->brokers, timeout_ms,
                          words[0] != '\0' ? words : rd_kafka_err2str(code));
        kafka_admin_close(admin);
        return STATUS_AWAY;
    }
    admin->broker_count = (uint32_t)metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    char *id = rd_kafka_clusterid(admin->client, timeout_ms);
    if (id != NULL) {
        (void)snprintf(admin->cluster_id, sizeof(admin->cluster_id), "%s", id);
        rd_kafka_mem_free(admin->client, id);
    }
    *out_admin = admin;
    return STATUS_OK;
}

void kafka_admin_close(struct kafka_admin *admin)
{
    rd_kafka_destroy(admin->client);
    kafka_words_finish(&admin->words);
    free(admin);
}

const char *kafka_admin_cluster_id(struct kafka_admin *admin)
{
    return admin->cluster_id;
}

uint32_t kafka_admin_broker_count(struct kafka_admin *admin)
{
    return admin->broker_count;
}

/* A list of all topics leaves out those that one may not see; asked for by its name, one is refused. */
static bool is_denied(struct kafka_admin *admin, const char *name, int32_t timeout_ms)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(admin->client, name, NULL);
    bool denied = false;
    if (topic != NULL && rd_kafka_metadata(admin->client, 0, topic, &metadata, timeout_ms) ==
                             RD_KAFKA_RESP_ERR_NO_ERROR) {
        denied = metadata->topic_cnt == 1 &&
                 metadata->topics[0].err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        rd_kafka_metadata_destroy(metadata);
    }
    if (topic != NULL) {
        rd_kafka_topic_destroy(topic);
    }
    return denied;
}

/* Partition and replica counts. One request for all topics: asking for one that does not exist is
 * no error. */
static enum status describe_counts(struct kafka_admin *admin, const struct kafka_topic_want *wants,
                                   uint32_t count, struct kafka_topic_state *out_states,
                                   int32_t timeout_ms, struct status_text *out_text)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin->client, 1, NULL, &metadata, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return status_fail(out_text, STATUS_AWAY, "kafka: metadata: %s", rd_kafka_err2str(code));
    }
    for (uint32_t i = 0; i < count; i++) {
        for (int t = 0; t < metadata->topic_cnt; t++) {
            const struct rd_kafka_metadata_topic *topic = &metadata->topics[t];
            if (strcmp(topic->topic, wants[i].name) != 0 ||
                topic->err != RD_KAFKA_RESP_ERR_NO_ERROR || topic->partition_cnt == 0) {
                continue;
            }
            out_states[i].exists = true;
            out_states[i].partition_count = (uint32_t)topic->partition_cnt;
            out_states[i].replication_factor = topic->partitions[0].replica_cnt;
        }
    }
    rd_kafka_metadata_destroy(metadata);
    for (uint32_t i = 0; i < count; i++) {
        out_states[i].denied = !out_states[i].exists && is_denied(admin, wants[i].name, timeout_ms);
    }
    return STATUS_OK;
}

static void take_values(const rd_kafka_ConfigResource_t *resource,
                        const struct kafka_topic_want *want, struct kafka_topic_state *state)
{
    if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    size_t entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resource, &entry_count);
    state->values_known = true;
    for (uint32_t c = 0; c < want->config_count; c++) {
        for (size_t e = 0; e < entry_count; e++) {
            const char *value = rd_kafka_ConfigEntry_value(entries[e]);
            if (value != NULL &&
                strcmp(rd_kafka_ConfigEntry_name(entries[e]), want->config[c].name) == 0) {
                (void)snprintf(state->values[c], KAFKA_CONFIG_VALUE_SIZE, "%s", value);
            }
        }
    }
}

/* Send an admin request and wait; NULL with `out_text` when nothing came or it failed as a whole.
 */
static rd_kafka_event_t *await(rd_kafka_queue_t *queue, int32_t timeout_ms, const char *what,
                               struct status_text *out_text)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms);
    if (event == NULL) {
        (void)status_fail(out_text, STATUS_AWAY, "kafka: %s: no answer within %d ms", what,
                          timeout_ms);
        return NULL;
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)status_fail(out_text, STATUS_AWAY, "kafka: %s: %s", what,
                          rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        return NULL;
    }
    return event;
}

static rd_kafka_AdminOptions_t *options_new(struct kafka_admin *admin,
                                            rd_kafka_admin_op_t operation, int32_t timeout_ms)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->client, operation);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, NULL, 0);
    return options;
}

/* Configs may be refused by an ACL: then the counts must do. */
static void describe_values(struct kafka_admin *admin, const struct kafka_topic_want *wants,
                            uint32_t count, struct kafka_topic_state *out_states,
                            int32_t timeout_ms)
{
    rd_kafka_ConfigResource_t **resources = calloc(count, sizeof(*resources));
    size_t resource_count = 0;
    for (uint32_t i = 0; resources != NULL && i < count; i++) {
        bool again = false; /* asked for twice, librdkafka takes the answer for a broken one */
        for (uint32_t j = 0; j < i; j++) {
            again =
                again || (wants[j].config_count > 0 && strcmp(wants[i].name, wants[j].name) == 0);
        }
        if (out_states[i].exists && wants[i].config_count > 0 && !again) {
            resources[resource_count++] =
                rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, wants[i].name);
        }
    }
    if (resource_count > 0) {
        rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
        rd_kafka_AdminOptions_t *options =
            options_new(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
        rd_kafka_DescribeConfigs(admin->client, resources, resource_count, options, queue);
        struct status_text text;
        rd_kafka_event_t *event = await(queue, timeout_ms, "DescribeConfigs", &text);
        size_t got = 0;
        const rd_kafka_ConfigResource_t **answers =
            event == NULL ? NULL
                          : rd_kafka_DescribeConfigs_result_resources(
                                rd_kafka_event_DescribeConfigs_result(event), &got);
        for (size_t a = 0; a < got; a++) {
            for (uint32_t i = 0; i < count; i++) {
                if (strcmp(rd_kafka_ConfigResource_name(answers[a]), wants[i].name) == 0) {
                    take_values(answers[a], &wants[i], &out_states[i]);
                }
            }
        }
        if (event != NULL) {
            rd_kafka_event_destroy(event);
        }
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_queue_destroy(queue);
        rd_kafka_ConfigResource_destroy_array(resources, resource_count);
    }
    free(resources);
}

enum status kafka_admin_describe(struct kafka_admin *admin, const struct kafka_topic_want *wants,
                                 uint32_t count, struct kafka_topic_state *out_states,
                                 int32_t timeout_ms, struct status_text *out_text)
{
    memset(out_states, 0, count * sizeof(*out_states));
    enum status status = describe_counts(admin, wants, count, out_states, timeout_ms, out_text);
    if (status == STATUS_OK) {
        describe_values(admin, wants, count, out_states, timeout_ms);
    }
    return status;
}

/* Judge the answers for single topics; `ignore` is no failure. */
static enum status judge(const rd_kafka_topic_result_t **results, size_t count,
                         rd_kafka_resp_err_t ignore, const char *what, struct status_text *out_text)
{
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != ignore) {
            const char *why = rd_kafka_topic_result_error_string(results[i]);
            return status_fail(out_text, STATUS_INVALID, "kafka: %s topic %s: %s", what,
                               rd_kafka_topic_result_name(results[i]),
                               why != NULL ? why : rd_kafka_err2str(code));
        }
    }
    return STATUS_OK;
}

/* A topic is usable once its leaders are known, shortly after the controller said yes. */
static enum status await_leaders(struct kafka_admin *admin, const struct kafka_topic_want *wants,
                                 uint32_t count, int32_t timeout_ms, struct status_text *out_text)
{
    int64_t deadline_ms = kafka_now_ms() + timeout_ms;
    if (count == 0) {
        return STATUS_OK;
    }
    struct kafka_topic_state *states = calloc(count, sizeof(*states));
    if (states == NULL) {
        return status_fail(out_text, STATUS_FULL, "kafka: out of memory");
    }
    for (;;) {
        memset(states, 0, count * sizeof(*states));
        enum status status = describe_counts(admin, wants, count, states, timeout_ms, out_text);
        uint32_t ready = 0;
        for (uint32_t i = 0; i < count; i++) {
            ready += states[i].exists ? 1 : 0;
        }
        if (status != STATUS_OK || ready == count) {
            free(states);
            return status;
        }
        if (kafka_now_ms() >= deadline_ms) {
            free(states);
            return status_fail(out_text, STATUS_AWAY,
                               "kafka: topics were made but have no leaders yet");
        }
        (void)usleep(20000);
    }
}

static rd_kafka_NewTopic_t *new_topic(const struct kafka_topic_want *want,
                                      struct status_text *out_text)
{
    char why[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(want->name, (int)want->partition_count,
                                                       want->replication_factor, why, sizeof(why));
    if (topic == NULL) {
        (void)status_fail(out_text, STATUS_INVALID, "kafka: topic %s: %s", want->name, why);
        return NULL;
    }
    for (uint32_t c = 0; c < want->config_count + want->created_count; c++) {
        (void)rd_kafka_NewTopic_set_config(topic, want->config[c].name, want->config[c].value);
    }
    return topic;
}

enum status kafka_admin_create(struct kafka_admin *admin, const struct kafka_topic_want *wants,
                               uint32_t count, int32_t timeout_ms, struct status_text *out_text)
{
    rd_kafka_NewTopic_t **topics = calloc(count + 1, sizeof(*topics));
    enum status status = topics == NULL ? STATUS_FULL : STATUS_OK;
    uint32_t made = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        topics[made] = new_topic(&wants[i], out_text);
        if (topics[made] == NULL) {
            status = STATUS_INVALID;
        } else {
            made++;
        }
    }
    if (status == STATUS_OK && count > 0) {
        rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
        rd_kafka_AdminOptions_t *options =
            options_new(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
        (void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, NULL, 0);
        rd_kafka_CreateTopics(admin->client, topics, count, options, queue);
        rd_kafka_event_t *event = await(queue, timeout_ms, "CreateTopics", out_text);
        if (event == NULL) {
            status = STATUS_AWAY;
        } else {
            size_t got = 0;
            const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
                rd_kafka_event_CreateTopics_result(event), &got);
            status =
                judge(results, got, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "create", out_text);
            rd_kafka_event_destroy(event);
        }
        rd_kafka_AdminOptions_destroy(options);
        rd_kafka_queue_destroy(queue);
    }
    rd_kafka_NewTopic_destroy_array(topics, made);
    free(topics);
    return status == STATUS_OK ? await_leaders(admin, wants, count, timeout_ms, out_text) : status;
}

enum status kafka_admin_delete(struct kafka_admin *admin, const char *const *names, uint32_t count,
                               int32_t timeout_ms, struct status_text *out_text)
{
    if (count == 0) {
        return STATUS_OK;
    }
    rd_kafka_DeleteTopic_t **topics = calloc(count, sizeof(*topics));
    if (topics == NULL) {
        return status_fail(out_text, STATUS_FULL, "kafka: out of memory");
    }
    for (uint32_t i = 0; i < count; i++) {
        topics[i] = rd_kafka_DeleteTopic_new(names[i]);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
    rd_kafka_AdminOptions_t *options =
        options_new(admin, RD_KAFKA_ADMIN_OP_DELETETOPICS, timeout_ms);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, timeout_ms, NULL, 0);
    rd_kafka_DeleteTopics(admin->client, topics, count, options, queue);
    rd_kafka_event_t *event = await(queue, timeout_ms, "DeleteTopics", out_text);
    enum status status = STATUS_AWAY;
    if (event != NULL) {
        size_t got = 0;
        const rd_kafka_topic_result_t **results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &got);
        status = judge(results, got, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "delete", out_text);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy_array(topics, count);
    free(topics);
    return status;
}

enum status kafka_admin_watermarks(struct kafka_admin *admin, const char *topic, uint32_t partition,
                                   int32_t timeout_ms, int64_t *out_low, int64_t *out_high,
                                   struct status_text *out_text)
{
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        admin->client, topic, (int32_t)partition, out_low, out_high, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return status_fail(out_text, STATUS_AWAY, "kafka: %s [%u]: %s", topic, partition,
                           rd_kafka_err2str(code));
    }
    return STATUS_OK;
}

enum status kafka_admin_offsets_at(struct kafka_admin *admin, const char *topic,
                                   uint32_t partition_count, int64_t time_ms, int32_t timeout_ms,
                                   int64_t *out_offsets, struct status_text *out_text)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)partition_count);
    for (uint32_t p = 0; p < partition_count; p++) {
        rd_kafka_topic_partition_list_add(list, topic, (int32_t)p)->offset = time_ms;
    }
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(admin->client, list, timeout_ms);
    enum status status = STATUS_OK;
    for (uint32_t p = 0; p < partition_count && status == STATUS_OK; p++) {
        const rd_kafka_topic_partition_t *entry = &list->elems[p];
        code = code != RD_KAFKA_RESP_ERR_NO_ERROR ? code : entry->err;
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            status = status_fail(out_text, STATUS_AWAY, "kafka: offsets of %s at a time: %s", topic,
                                 rd_kafka_err2str(code));
        } else if (entry->offset >= 0) {
            out_offsets[entry->partition] = entry->offset;
        } else {
            int64_t low;
            status = kafka_admin_watermarks(admin, topic, (uint32_t)entry->partition, timeout_ms,
                                            &low, &out_offsets[entry->partition], out_text);
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

enum status kafka_admin_delete_before(struct kafka_admin *admin, const char *topic,
                                      uint32_t partition_count, const int64_t *offsets,
                                      int32_t timeout_ms, struct status_text *out_text)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)partition_count);
    for (uint32_t p = 0; p < partition_count; p++) {
        if (offsets[p] > 0) {
            rd_kafka_topic_partition_list_add(list, topic, (int32_t)p)->offset = offsets[p];
        }
    }
    if (list->cnt == 0) {
        rd_kafka_topic_partition_list_destroy(list);
        return STATUS_OK;
    }
    rd_kafka_DeleteRecords_t *request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_AdminOptions_t *options =
        options_new(admin, RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout_ms);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->client);
    rd_kafka_DeleteRecords(admin->client, &request, 1, options, queue);
    rd_kafka_event_t *event = await(queue, timeout_ms, "DeleteRecords", out_text);
    enum status status = event == NULL ? STATUS_AWAY : STATUS_OK;
    if (event != NULL) {
        const rd_kafka_topic_partition_list_t *done =
            rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
        for (int i = 0; i < done->cnt && status == STATUS_OK; i++) {
            if (done->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                status = status_fail(out_text, STATUS_AWAY, "kafka: DeleteRecords of %s [%d]: %s",
                                     topic, (int)done->elems[i].partition,
                                     rd_kafka_err2str(done->elems[i].err));
            }
        }
        rd_kafka_event_destroy(event);
    }
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(request);
    return status;
}
