/* SPDX-License-Identifier: Apache-2.0 */
/* What all librdkafka clients of a process have in common: properties, names, callbacks.
 * Inside io/kafka_* only; librdkafka's types stand here by tag, so that no header includes its
 * header. */
#ifndef IO_KAFKA_CLIENT_H
#define IO_KAFKA_CLIENT_H

#include "io/kafka_log.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;
struct rd_kafka_conf_s;

enum kafka_role {
    KAFKA_ROLE_MEMBER,   /* group membership: joins, heartbeats, is told its partitions; fetches
                            nothing */
    KAFKA_ROLE_DATA,     /* fetches the sources at offsets that we name */
    KAFKA_ROLE_READER,   /* fetches journal and checkpoints, while claiming */
    KAFKA_ROLE_PRODUCER, /* one worker's transactions */
    KAFKA_ROLE_ADMIN,    /* topics, watermarks */
    KAFKA_ROLE_FEED,     /* `segue feed`: idempotent, no transaction */
    KAFKA_ROLE_OUTSIDE,  /* reads topics with no part in the work (io/kafka_reader.h) */
    KAFKA_ROLE_COUNT
};

enum {
    KAFKA_CLIENT_ID_SIZE =
        33, /* 32 bytes and NUL: librdkafka before 2.5.0 crashes on long ones (#4689) */
    KAFKA_TRANSACTIONAL_ID_SIZE = 256,
};

/* The opaque of every client: librdkafka gives it back to each callback. */
struct kafka_callbacks {
    const struct kafka_connection *connection;
    void *owner;
    /* An error of the client as a whole; `fatal`: the instance can do nothing more. On the thread
     * that polls. NULL: errors are only logged. */
    void (*on_error)(void *owner, int code, bool fatal, const char *reason);
};

/* Properties of a role, pass-through last, callbacks set, opaque = `callbacks` (which must outlive
 * the client). The caller adds what is its own (rebalance callback, interceptors) and gives it to
 * kafka_client_new. NULL with `out_text` when a property is wrong. */
struct rd_kafka_conf_s *kafka_conf_new(struct kafka_callbacks *callbacks, enum kafka_role role,
                                       uint32_t worker, struct status_text *out_text);

/* Set one property of our own; a refusal is a programmer's mistake. */
void kafka_conf_must_set(struct rd_kafka_conf_s *conf, const char *name, const char *value);

/* Make the client; takes `conf` in any case. NULL with `out_text` when librdkafka refuses the
 * combination. */
struct rd_kafka_s *kafka_client_new(struct rd_kafka_conf_s *conf, enum kafka_role role,
                                    struct status_text *out_text);

/* Hold handles of topics that will be written, and fetch their metadata now: the first produce to an unknown one
 * may otherwise wait up to a second. `out_topics`: `count` handles, NULL where there is none; they go back to
 * kafka_client_forget_topics before the client ends. */
void kafka_client_know_topics(struct rd_kafka_s *client, const char *const *names, uint32_t count,
                              struct rd_kafka_topic_s **out_topics);
void kafka_client_forget_topics(struct rd_kafka_topic_s **topics, uint32_t count);

/* application-instance-<role and worker>, at most 32 bytes; a longer one keeps its end and a hash
 * of all. */
void kafka_client_id(char out_id[KAFKA_CLIENT_ID_SIZE], const struct kafka_connection *connection,
                     enum kafka_role role, uint32_t worker);

/* application.instance.worker: stable across restarts, so that a restart fences what it was before.
 * False when it does not fit. */
bool kafka_transactional_id(char out_id[KAFKA_TRANSACTIONAL_ID_SIZE],
                            const struct kafka_connection *connection, uint32_t worker);

/* A line to the connection's log function. */
void kafka_say(const struct kafka_connection *connection, enum log_level level,
               const char *facility, const char *format, ...) PRINTF_LIKE(4, 5);

/* CLOCK_MONOTONIC in milliseconds: bounds of waits. */
int64_t kafka_now_ms(void);

/* "UNKNOWN_TOPIC_OR_PART: Broker: Unknown topic or partition". Static. */
const char *kafka_error_name(int code);

#endif
