/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_producer.h"

#include "base/invariant.h"
#include "io/kafka_record.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <unistd.h>

/* Kafka's api keys (protocol guide). */
enum {
    API_ADD_PARTITIONS_TO_TXN = 24,
    API_ADD_OFFSETS_TO_TXN = 25,
    API_END_TXN = 26,
    API_TXN_OFFSET_COMMIT = 28,
};

enum {
    COMMIT_TIMEOUT_MS = 12000,
    REGISTER_WAIT_US = 200,
    REGISTER_QUIET = 3,
    REGISTER_WAIT_MS_MAX = 30,
    INIT_WAIT_MS = 5,
    INIT_WAIT_MS_MAX = 80,
};

static struct kafka_request_count *count_of(struct kafka_producer *producer, int16_t api_key)
{
    switch (api_key) {
    case API_ADD_PARTITIONS_TO_TXN:
        return &producer->add_partitions;
    case API_ADD_OFFSETS_TO_TXN:
        return &producer->add_offsets;
    case API_END_TXN:
        return &producer->end_txn;
    case API_TXN_OFFSET_COMMIT:
        return &producer->offset_commit;
    default:
        return NULL;
    }
}

/* NOLINTNEXTLINE(readability-function-size): librdkafka's signature */
static rd_kafka_resp_err_t on_request_sent(rd_kafka_t *client UNUSED, int socket UNUSED,
                                           const char *broker UNUSED, int32_t broker_id UNUSED,
                                           int16_t api_key, int16_t api_version UNUSED,
                                           int32_t correlation UNUSED, size_t size UNUSED,
                                           void *opaque)
{
    struct kafka_request_count *count = count_of(opaque, api_key);
    if (count != NULL) {
        atomic_fetch_add(&count->sent, 1);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* NOLINTNEXTLINE(readability-function-size): librdkafka's signature */
static rd_kafka_resp_err_t on_response_received(rd_kafka_t *client UNUSED, int socket UNUSED,
                                                const char *broker UNUSED, int32_t broker_id UNUSED,
                                                int16_t api_key, int16_t api_version UNUSED,
                                                int32_t correlation UNUSED, size_t size UNUSED,
                                                int64_t round_trip UNUSED,
                                                rd_kafka_resp_err_t error, void *opaque)
{
    struct kafka_request_count *count = count_of(opaque, api_key);
    if (count != NULL && error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add(&count->answered, 1);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf UNUSED,
                                  void *opaque, char *why UNUSED, size_t why_size UNUSED)
{
    rd_kafka_resp_err_t error =
        rd_kafka_interceptor_add_on_request_sent(client, "segue", on_request_sent, opaque);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        error = rd_kafka_interceptor_add_on_response_received(client, "segue", on_response_received,
                                                              opaque);
    }
    return error;
}

static void count_reset(struct kafka_request_count *count)
{
    atomic_store(&count->sent, 0);
    atomic_store(&count->answered, 0);
}

/* May a copy of a request of this transaction still reach the broker? AddOffsetsToTxn is commonly
 * sent again after an answer (CONCURRENT_TRANSACTIONS from the markers of the transaction before),
 * which leaves nothing under way; the other two are not, so more than one of them is reason enough.
 */
static bool may_be_under_way(struct kafka_producer *producer)
{
    return atomic_load(&producer->end_txn.sent) > 1 ||
           atomic_load(&producer->offset_commit.sent) > 1 ||
           atomic_load(&producer->add_offsets.sent) > atomic_load(&producer->add_offsets.answered);
}

void kafka_producer_init(struct kafka_producer *producer, const struct kafka_log_settings *settings,
                         uint32_t worker)
{
    memset(producer, 0, sizeof(*producer));
    producer->settings = settings;
    producer->worker = worker;
    producer->callbacks.connection = &settings->connection;
    producer->callbacks.owner = producer;
}

void kafka_producer_close(struct kafka_producer *producer)
{
    if (producer->client == NULL) {
        return;
    }
    kafka_client_forget_topics(producer->topics, producer->topic_count);
    producer->topic_count = 0;
    (void)rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_poll(producer->client, 0);
    rd_kafka_destroy(producer->client);
    producer->client = NULL;
}

static rd_kafka_t *instance_new(struct kafka_producer *producer, struct status_text *out_text)
{
    char id[KAFKA_TRANSACTIONAL_ID_SIZE];
    if (!kafka_transactional_id(id, &producer->settings->connection, producer->worker)) {
        (void)status_fail(out_text, STATUS_INVALID,
                          "kafka: application and instance are too long together");
        return NULL;
    }
    rd_kafka_conf_t *conf =
        kafka_conf_new(&producer->callbacks, KAFKA_ROLE_PRODUCER, producer->worker, out_text);
    if (conf == NULL) {
        return NULL;
    }
    kafka_conf_must_set(conf, "transactional.id", id);
    if (rd_kafka_conf_interceptor_add_on_new(conf, "segue", on_new, producer) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_conf_destroy(conf);
        (void)status_fail(out_text, STATUS_FATAL, "kafka: librdkafka takes no interceptor");
        return NULL;
    }
    return kafka_client_new(conf, KAFKA_ROLE_PRODUCER, out_text);
}

/* Trouble that another attempt cannot mend. */
static bool is_hopeless(rd_kafka_resp_err_t code)
{
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return true;
    default:
        return false;
    }
}

/* Our place in the group is not what it was when this assignment was made (KIP-447). */
static bool is_group_fence(rd_kafka_resp_err_t code)
{
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
        return true;
    default:
        return false;
    }
}

/* Initialise `producer->client` until `deadline_ms`. A coordinator that still has a transaction of
 * this id open aborts it and answers CONCURRENT_TRANSACTIONS; librdkafka then sets a timer of 500
 * ms, but a call that begins anew asks at once. So the waits are short: 12 ms in all instead of
 * 510. */
static enum status initialise(struct kafka_producer *producer, int64_t deadline_ms,
                              struct status_text *out_text)
{
    for (int wait_ms = INIT_WAIT_MS;;
         wait_ms = wait_ms < INIT_WAIT_MS_MAX ? wait_ms * 2 : wait_ms) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(producer->client, wait_ms);
        if (error == NULL) {
            return STATUS_OK;
        }
        rd_kafka_resp_err_t code = rd_kafka_error_code(error);
        bool again = rd_kafka_error_is_retriable(error) && !rd_kafka_error_is_fatal(error);
        enum status status = is_hopeless(code) ? STATUS_FATAL : STATUS_RETRY;
        (void)status_fail(out_text, status, "init_transactions: %s: %s", rd_kafka_err2name(code),
                          rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        if (!again || kafka_now_ms() >= deadline_ms) {
            return status;
        }
        if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) {
            (void)usleep((useconds_t)wait_ms * 1000 /
                         4); /* answered at once: not faster than the answer helps */
        }
    }
}

static void warm_up(struct kafka_producer *producer)
{
    const struct kafka_log_settings *settings = producer->settings;
    const char *names[KAFKA_OUTPUTS_MAX + 2];
    uint32_t count = 0;
    if (settings->journal_topic != NULL) {
        names[count++] = settings->journal_topic;
        names[count++] = settings->checkpoint_topic;
    }
    for (uint32_t i = 0; i < settings->output_count; i++) {
        names[count++] = settings->output_topics[i];
    }
    kafka_client_know_topics(producer->client, names, count, producer->topics);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(producer->topic_names[i], sizeof(producer->topic_names[0]), "%s", names[i]);
    }
    producer->topic_count = count;
}

enum status kafka_producer_open(struct kafka_producer *producer, int32_t timeout_ms,
                                struct status_text *out_text)
{
    kafka_producer_close(producer);
    producer->client = instance_new(producer, out_text);
    if (producer->client == NULL) {
        return STATUS_FATAL;
    }
    enum status status = initialise(producer, kafka_now_ms() + timeout_ms, out_text);
    if (status == STATUS_OK) {
        warm_up(producer);
    } else {
        kafka_producer_close(producer);
    }
    return status;
}

/* Judge a failed step, and end the instance: nothing of it may meet the next transaction. */
static enum log_event_kind fail(struct kafka_producer *producer, const char *step,
                                rd_kafka_resp_err_t code, const char *reason,
                                struct status_text *out_text)
{
    (void)status_fail(out_text, STATUS_RETRY, "%s: %s: %s", step, rd_kafka_err2name(code), reason);
    kafka_producer_close(producer);
    if (is_group_fence(code)) {
        return LOG_COMMIT_FENCED;
    }
    /* _FENCED and INVALID_PRODUCER_EPOCH: a time-out of the transaction on the broker raises the
     * epoch as a second process would. Opening again is right for the first; the second also takes
     * our group place, and the member is told so (FENCED_INSTANCE_ID, fatal). */
    return is_hopeless(code) ? LOG_FATAL : LOG_COMMIT_FAILED;
}

static enum log_event_kind fail_error(struct kafka_producer *producer, const char *step,
                                      rd_kafka_error_t *error, struct status_text *out_text)
{
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    char reason[STATUS_TEXT_SIZE - 64];
    (void)snprintf(reason, sizeof(reason), "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return fail(producer, step, code, reason, out_text);
}

static rd_kafka_topic_partition_list_t *offsets_list(const struct kafka_log_settings *settings,
                                                     const struct log_transaction *transaction)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)transaction->offset_count);
    for (uint32_t i = 0; i < transaction->offset_count; i++) {
        const struct log_offset *offset = &transaction->offsets[i];
        INVARIANT(offset->source < SOURCE_COUNT && settings->topics[offset->source] != NULL);
        rd_kafka_topic_partition_t *entry = rd_kafka_topic_partition_list_add(
            list, settings->topics[offset->source], (int32_t)offset->task);
        entry->offset = offset->offset;
        entry->metadata_size = strnlen(offset->metadata, sizeof(offset->metadata) - 1);
        entry->metadata =
            rd_kafka_mem_malloc(NULL, entry->metadata_size + 1); /* the list frees it */
        memcpy(entry->metadata, offset->metadata, entry->metadata_size);
        ((char *)entry->metadata)[entry->metadata_size] = '\0';
    }
    return list;
}

static rd_kafka_topic_t *topic_of(struct kafka_producer *producer, const char *name)
{
    for (uint32_t i = 0; i < producer->topic_count; i++) {
        if (strcmp(producer->topic_names[i], name) == 0) {
            return producer->topics[i];
        }
    }
    return NULL;
}

/* Hand one record over; payloads are not copied (they are borrowed until the commit ends, and an
 * instance that fails is destroyed before that is said). A full queue is waited for. */
static rd_kafka_resp_err_t produce(struct kafka_producer *producer, const struct log_write *write,
                                   struct log_written *written, int64_t deadline_ms)
{
    rd_kafka_topic_t *topic = topic_of(producer, write->topic);
    if (topic == NULL) {
        return RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    }
    for (;;) {
        int code = kafka_record_send(producer->client, topic, write, false, written);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && kafka_now_ms() < deadline_ms) {
            (void)rd_kafka_poll(producer->client, 5);
            continue;
        }
        return (rd_kafka_resp_err_t)code;
    }
}

static bool is_retriable(rd_kafka_error_t *error, int64_t deadline_ms)
{
    return rd_kafka_error_is_retriable(error) && !rd_kafka_error_is_fatal(error) &&
           !rd_kafka_error_txn_requires_abort(error) && kafka_now_ms() < deadline_ms;
}

static rd_kafka_error_t *send_offsets(struct kafka_producer *producer,
                                      const struct log_transaction *transaction,
                                      const rd_kafka_consumer_group_metadata_t *metadata,
                                      int64_t deadline_ms)
{
    rd_kafka_topic_partition_list_t *list = offsets_list(producer->settings, transaction);
    rd_kafka_error_t *error = NULL;
    for (;;) {
        int64_t left_ms = deadline_ms - kafka_now_ms();
        error = rd_kafka_send_offsets_to_transaction(producer->client, list, metadata,
                                                     left_ms > 1 ? (int)left_ms : 1);
        if (error == NULL || !is_retriable(error, deadline_ms)) {
            break;
        }
        rd_kafka_error_destroy(error);
        (void)usleep(2000);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

/* Until the coordinator knows the partitions that were produced to. A flush that begins before makes librdkafka's
 * broker thread spin until then: its next wake-up is "now" as soon as something could be sent, and nothing may be
 * sent yet. That was more CPU than the whole engine. */
static void wait_for_partitions(struct kafka_producer *producer)
{
    int64_t end_ms = kafka_now_ms() + REGISTER_WAIT_MS_MAX;
    uint32_t quiet = 0;
    while (quiet < REGISTER_QUIET && kafka_now_ms() < end_ms) {
        (void)usleep(REGISTER_WAIT_US);
        uint32_t sent = atomic_load(&producer->add_partitions.sent);
        bool answered = sent > 0 && atomic_load(&producer->add_partitions.answered) == sent;
        quiet = answered ? quiet + 1 : 0; /* those produced to meanwhile go in one more request */
    }
}

/* Once, whatever librdkafka says of going on. A call that ends early (its waits are until a moment of
 * the wall clock, which somebody may set) leaves its question behind; the next takes the answer for
 * its own and forgets that a commit is under way. The end of that one then ends this process
 * (2.0.2): "BUG: Invalid transaction state transition attempted: CommittingTransaction ->
 * AbortedNotAcked". */
static rd_kafka_error_t *end_transaction(struct kafka_producer *producer, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - kafka_now_ms();
    return rd_kafka_commit_transaction(producer->client, left_ms > 1 ? (int)left_ms : 1);
}

enum log_event_kind kafka_producer_commit(struct kafka_producer *producer,
                                          const struct log_transaction *transaction,
                                          const struct rd_kafka_consumer_group_metadata_s *metadata,
                                          bool *out_reinit, struct status_text *out_text)
{
    *out_reinit = false;
    if (producer->client == NULL) {
        (void)status_fail(out_text, STATUS_RETRY,
                          "there is no producer: open_producer comes first");
        return LOG_COMMIT_FAILED;
    }
    int32_t timeout_ms = producer->settings->commit_timeout_ms;
    int64_t deadline_ms = kafka_now_ms() + (timeout_ms > 0 ? timeout_ms : COMMIT_TIMEOUT_MS);
    count_reset(&producer->end_txn);
    count_reset(&producer->offset_commit);
    count_reset(&producer->add_offsets);
    count_reset(&producer->add_partitions);
    rd_kafka_error_t *error = rd_kafka_begin_transaction(producer->client);
    if (error != NULL) {
        return fail_error(producer, "begin_transaction", error, out_text);
    }
    if (transaction->offset_count > 0) {
        if (metadata == NULL) {
            return fail(producer, "send_offsets", RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
                        "no assignment", out_text);
        }
        error = send_offsets(producer, transaction, metadata, deadline_ms);
        if (error != NULL) {
            return fail_error(producer, "send_offsets", error, out_text);
        }
    }
    for (uint32_t i = 0; i < transaction->write_count; i++) {
        struct log_written *written =
            transaction->written == NULL ? NULL : &transaction->written[i];
        if (written != NULL) {
            *written = (struct log_written){-1, -1};
        }
        rd_kafka_resp_err_t code = produce(producer, &transaction->writes[i], written, deadline_ms);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return fail(producer, "produce", code, transaction->writes[i].topic, out_text);
        }
        if ((i & 1023) == 1023) {
            (void)rd_kafka_poll(producer->client, 0);
        }
    }
    if (transaction->write_count > 0) {
        wait_for_partitions(producer);
    }
    error = end_transaction(producer, deadline_ms);
    if (error != NULL) {
        return fail_error(producer, "commit_transaction", error, out_text);
    }
    *out_reinit = may_be_under_way(producer);
    return LOG_COMMIT_DONE;
}
