/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kafka_client.h"

#include "base/hash.h"
#include "base/invariant.h"

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

struct setting {
    const char *name;
    const char *value;
    uint32_t roles; /* bit per enum kafka_role */
};

enum { KNOW_TIMEOUT_MS = 2000 };

enum {
    MEMBER = 1u << KAFKA_ROLE_MEMBER,
    DATA = 1u << KAFKA_ROLE_DATA,
    READER = 1u << KAFKA_ROLE_READER,
    PRODUCER = 1u << KAFKA_ROLE_PRODUCER,
    ADMIN = 1u << KAFKA_ROLE_ADMIN,
    FEED = 1u << KAFKA_ROLE_FEED,
    OUTSIDE = 1u << KAFKA_ROLE_OUTSIDE,
    CONSUMERS = MEMBER | DATA | READER | OUTSIDE,
    FETCHERS = DATA | READER,
    PRODUCERS = PRODUCER | FEED,
    EVERYBODY = CONSUMERS | PRODUCERS | ADMIN,
};

/* Defaults that the configuration may change (`kafka:`), with the reason where it is not plain. */
static const struct setting defaults[] = {
    /* On by default before 2.10: 40 ms stalls (#4986). */
    {"socket.nagle.disable", "true", EVERYBODY},
    {"socket.keepalive.enable", "true", EVERYBODY},
    {"reconnect.backoff.ms", "50", EVERYBODY},
    /* Default 10 s: too long after a broker's restart. */
    {"reconnect.backoff.max.ms", "1000", EVERYBODY},
    {"log.connection.close", "false", EVERYBODY},
    {"session.timeout.ms", "10000", MEMBER},
    {"heartbeat.interval.ms", "1000", MEMBER}, /* joins took 2 to 3 s with 3000 */
    {"fetch.wait.max.ms", "10", FETCHERS},
    {"fetch.wait.max.ms", "50", OUTSIDE},
    {"fetch.error.backoff.ms", "50", FETCHERS},
    /* Its maximum: once a queue is longer, the broker thread looks again only after up to 1 s.
     * Memory is bounded by kilobytes instead; they count per task. */
    {"queued.min.messages", "10000000", FETCHERS},
    {"queued.max.messages.kbytes", "65536", DATA},
    /* Twice what is read in the second that a full queue waits: a rebuild reads whole topics. */
    {"queued.max.messages.kbytes", "32768", READER},
    {"fetch.message.max.bytes", "4194304", READER},
    /* The default, 60 s, holds back readers that long. */
    {"transaction.timeout.ms", "10000", PRODUCER},
    {"message.timeout.ms", "9000", PRODUCER},
    {"socket.timeout.ms", "10000", PRODUCER},
    /* AddOffsetsToTxn waits this long on CONCURRENT_TRANSACTIONS. */
    {"retry.backoff.ms", "3", PRODUCER},
    /* The flush of a commit sends at once; before it, nothing wakes up to find that nothing may be sent yet. */
    {"linger.ms", "100", PRODUCER},
    {"queue.buffering.max.messages", "1000000", PRODUCERS},
    {"queue.buffering.max.kbytes", "262144", PRODUCERS},
    {"linger.ms", "20", FEED}, /* thousands of tiny requests melt a small broker */
    {"compression.type", "lz4", FEED},
};

/* What correctness hangs on; refused in the configuration. */
static const struct setting fixed[] = {
    {"allow.auto.create.topics", "false", EVERYBODY},
    {"enable.auto.commit", "false", CONSUMERS},
    {"enable.auto.offset.store", "false", CONSUMERS},
    {"auto.commit.enable", "false", FETCHERS | OUTSIDE},
    /* Any other value skips or repeats data silently. */
    {"auto.offset.reset", "error", MEMBER | FETCHERS},
    /* Who looks from outside wants what there still is. */
    {"auto.offset.reset", "earliest", OUTSIDE},
    /* Also makes OffsetFetch ask for stable offsets. */
    {"isolation.level", "read_committed", CONSUMERS},
    {"check.crcs", "true", FETCHERS | OUTSIDE},
    {"enable.partition.eof", "true", FETCHERS | OUTSIDE},
    /* Co-partitioning; no cooperative bugs of 2.0.2. */
    {"partition.assignment.strategy", "range", MEMBER},
    {"partitioner", "murmur2_random", PRODUCERS}, /* as Java's default; librdkafka's own is CRC32 */
    {"enable.idempotence", "true", PRODUCERS},
};

struct refusal {
    const char *name;
    const char *reason;
};

static const struct refusal refusals[] = {
    {"allow.auto.create.topics", "topics are checked at start, never made by accident"},
    {"enable.auto.commit", "offsets are committed inside the transaction"},
    {"auto.commit.enable", "offsets are committed inside the transaction"},
    {"enable.auto.offset.store", "offsets are committed inside the transaction"},
    {"auto.offset.reset", "skipping or repeating data is never right; `sources.X.start` says where "
                          "a first start begins"},
    {"isolation.level", "a claim needs stable offsets and committed cuts"},
    {"check.crcs", "damaged records must be noticed"},
    {"enable.partition.eof", "the end of a partition is how a task knows that it has caught up"},
    {"partition.assignment.strategy", "partition p of every source must come to the same process"},
    {"partitioner", "a task owns the customers that murmur2 gives it"},
    {"partitioner_cb", "it takes a function"},
    {"enable.idempotence", "transactions need it"},
    {"enable.gapless.guarantee", "it makes errors fatal that a new producer mends"},
    {"acks", "transactions need all replicas"},
    {"request.required.acks", "transactions need all replicas"},
    {"max.in.flight", "idempotence sets it"},
    {"max.in.flight.requests.per.connection", "idempotence sets it"},
    {"message.send.max.retries", "idempotence sets it"},
    {"retries", "idempotence sets it"},
    {"transactional.id", "it is made of application, instance and worker"},
    {"group.id", "write it as `group:`"},
    {"group.instance.id", "write it as `instance:`"},
    {"group.protocol.type", "the group protocol is fixed"},
    {"client.id", "it is made of application, instance and role"},
    {"bootstrap.servers", "write it as `brokers:`"},
    {"metadata.broker.list", "write it as `brokers:`"},
    {"test.mock.num.brokers", "it replaces the cluster by a toy"},
    {"plugin.library.paths", "it loads foreign code"},
    {"ssl.engine.location", "it loads foreign code"},
    {"builtin.features", "it is librdkafka's own"},
    {"opaque", "it takes a pointer"},
    {"log.queue", "it would silence the log"},
    {"enabled_events", "it would silence callbacks"},
};

static const char *const role_letters[] = {"m", "d", "j", "p", "a", "f", "o"};
_Static_assert(ARRAY_COUNT(role_letters) == KAFKA_ROLE_COUNT, "a letter per role");

int64_t kafka_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *kafka_error_name(int code)
{
    return rd_kafka_err2name((rd_kafka_resp_err_t)code);
}

void kafka_say(const struct kafka_connection *connection, enum log_level level,
               const char *facility, const char *format, ...)
{
    if (connection->log_function == NULL) {
        return;
    }
    char text[STATUS_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    connection->log_function(connection->log_context, level, facility, text);
}

void kafka_client_know_topics(rd_kafka_t *client, const char *const *names, uint32_t count,
                              rd_kafka_topic_t **out_topics)
{
    const struct rd_kafka_metadata *metadata = NULL;
    for (uint32_t i = 0; i < count; i++) {
        out_topics[i] = rd_kafka_topic_new(client, names[i], NULL);
    }
    if (rd_kafka_metadata(client, 0, NULL, &metadata, KNOW_TIMEOUT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_metadata_destroy(metadata);
    }
}

void kafka_client_forget_topics(rd_kafka_topic_t **topics, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (topics[i] != NULL) {
            rd_kafka_topic_destroy(topics[i]);
        }
    }
}

void kafka_client_id(char out_id[KAFKA_CLIENT_ID_SIZE], const struct kafka_connection *connection,
                     enum kafka_role role, uint32_t worker)
{
    char whole[1024];
    int size = snprintf(whole, sizeof(whole), "%s-%s-%s%u", connection->application,
                        connection->instance, role_letters[role], worker);
    if (size < KAFKA_CLIENT_ID_SIZE) {
        memcpy(out_id, whole, (size_t)size + 1);
        return;
    }
    size_t kept = size < (int)sizeof(whole) ? (size_t)size : sizeof(whole) - 1;
    uint32_t hash = (uint32_t)hash64(slice_of(whole, kept), 0);
    (void)snprintf(out_id, KAFKA_CLIENT_ID_SIZE, "%08x-%s", hash, whole + kept - 23);
}

bool kafka_transactional_id(char out_id[KAFKA_TRANSACTIONAL_ID_SIZE],
                            const struct kafka_connection *connection, uint32_t worker)
{
    int size = snprintf(out_id, KAFKA_TRANSACTIONAL_ID_SIZE, "%s.%s.%u", connection->application,
                        connection->instance, worker);
    return size > 0 && size < KAFKA_TRANSACTIONAL_ID_SIZE;
}

/* syslog's severities, as librdkafka gives them, on our four. */
static enum log_level level_of(int severity)
{
    if (severity <= 3) {
        return LOG_ERROR;
    }
    if (severity == 4) {
        return LOG_WARN;
    }
    return severity <= 6 ? LOG_INFO : LOG_DEBUG;
}

static void on_log(const rd_kafka_t *client, int severity, const char *facility, const char *text)
{
    const struct kafka_callbacks *callbacks = rd_kafka_opaque(client);
    /* CONFWARN: a consumer's property on a producer and the other way round; the configuration is
     * one list. */
    if (callbacks == NULL || strcmp(facility, "CONFWARN") == 0) {
        return;
    }
    kafka_say(callbacks->connection, level_of(severity), facility, "%s", text);
}

static void on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct kafka_callbacks *callbacks = opaque;
    char why[STATUS_TEXT_SIZE];
    bool fatal = code == RD_KAFKA_RESP_ERR__FATAL;
    if (fatal) {
        code = rd_kafka_fatal_error(client, why, sizeof(why));
        reason = why;
    }
    kafka_say(callbacks->connection, fatal ? LOG_ERROR : LOG_WARN, "ERROR", "%s: %s",
              kafka_error_name(code), reason);
    callbacks->on_error(callbacks->owner, code, fatal, reason);
}

/* A record that is not delivered makes commit_transaction fail, so only the place of one that is
 * matters here. It must be registered in any case: without it librdkafka's flush polls in steps of
 * 10 ms. */
static void on_delivery(rd_kafka_t *client UNUSED, const rd_kafka_message_t *message,
                        void *opaque UNUSED)
{
    struct log_written *written = message->_private;
    if (written != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_timestamp_type_t kind;
        written->offset = message->offset;
        written->append_ms = rd_kafka_message_timestamp(message, &kind);
    }
}

static enum status conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
                            struct status_text *out_text)
{
    char why[STATUS_TEXT_SIZE - 64];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, why, sizeof(why));
    if (result == RD_KAFKA_CONF_UNKNOWN) {
        return status_fail(out_text, STATUS_INVALID, "kafka: librdkafka %s has no property `%s`",
                           rd_kafka_version_str(), name);
    }
    if (result != RD_KAFKA_CONF_OK) {
        /* The value may be a secret and librdkafka's text quotes it: name the property only. */
        bool secret = strstr(name, "password") != NULL || strstr(name, "secret") != NULL ||
                      strstr(name, ".pem") != NULL || strstr(name, "sasl.") == name;
        return status_fail(out_text, STATUS_INVALID, "kafka: property `%s`: %s", name,
                           secret ? "librdkafka refuses this value" : why);
    }
    return STATUS_OK;
}

void kafka_conf_must_set(struct rd_kafka_conf_s *conf, const char *name, const char *value)
{
    struct status_text text;
    if (conf_set(conf, name, value, &text) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", text.text);
        INVARIANT(false); /* a property of our own is refused */
    }
}

static enum status refuse(const struct kafka_property *property, struct status_text *out_text)
{
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        if (strcmp(property->name, refusals[i].name) == 0) {
            return status_fail(out_text, STATUS_INVALID,
                               "kafka: property `%s` is not for the configuration: %s",
                               property->name, refusals[i].reason);
        }
    }
    size_t size = strlen(property->name);
    if (size > 3 && strcmp(property->name + size - 3, "_cb") == 0) {
        return status_fail(out_text, STATUS_INVALID, "kafka: property `%s` takes a function",
                           property->name);
    }
    return STATUS_OK;
}

enum status kafka_properties_check(const struct kafka_property *properties, uint32_t count,
                                   struct status_text *out_text)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        status = refuse(&properties[i], out_text);
        if (status == STATUS_OK) {
            status = conf_set(conf, properties[i].name, properties[i].value, out_text);
        }
    }
    rd_kafka_conf_destroy(conf);
    return status;
}

static void set_table(rd_kafka_conf_t *conf, const struct setting *table, size_t count,
                      enum kafka_role role)
{
    for (size_t i = 0; i < count; i++) {
        if ((table[i].roles & (1u << role)) != 0) {
            kafka_conf_must_set(conf, table[i].name, table[i].value);
        }
    }
}

struct rd_kafka_conf_s *kafka_conf_new(struct kafka_callbacks *callbacks, enum kafka_role role,
                                       uint32_t worker, struct status_text *out_text)
{
    const struct kafka_connection *connection = callbacks->connection;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char client_id[KAFKA_CLIENT_ID_SIZE];
    kafka_client_id(client_id, connection, role, worker);
    set_table(conf, defaults, ARRAY_COUNT(defaults), role);
    for (uint32_t i = 0; i < connection->property_count; i++) {
        const struct kafka_property *property = &connection->properties[i];
        if (refuse(property, out_text) != STATUS_OK ||
            conf_set(conf, property->name, property->value, out_text) != STATUS_OK) {
            rd_kafka_conf_destroy(conf);
            return NULL;
        }
    }
    set_table(conf, fixed, ARRAY_COUNT(fixed), role);
    kafka_conf_must_set(conf, "client.id", client_id);
    if (conf_set(conf, "bootstrap.servers", connection->brokers, out_text) != STATUS_OK) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, callbacks);
    rd_kafka_conf_set_log_cb(conf, on_log);
    if (callbacks->on_error != NULL) {
        /* Only for a client that is polled: errors wait in its queue until then. The others' are
         * logged. */
        rd_kafka_conf_set_error_cb(conf, on_error);
    }
    if (((uint32_t)PRODUCERS & (1u << role)) != 0) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    return conf;
}

struct rd_kafka_s *kafka_client_new(struct rd_kafka_conf_s *conf, enum kafka_role role,
                                    struct status_text *out_text)
{
    bool consumer = ((uint32_t)CONSUMERS & (1u << role)) != 0;
    char why[STATUS_TEXT_SIZE - 16];
    rd_kafka_t *client =
        rd_kafka_new(consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        (void)status_fail(out_text, STATUS_INVALID, "kafka: %s", why);
    }
    return client;
}
