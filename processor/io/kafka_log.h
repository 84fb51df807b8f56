/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka behind io/log.h: one group membership and one data consumer per process, one transactional
 * producer, one journal reader and two helper threads per worker.
 *
 *   thread            file               does
 *   group poller      kafka_group.c      polls the member; the rebalance callback runs here and nowhere else
 *   committer (x W)   kafka_committer.c  blocking transaction calls of worker w
 *   asker (x W)       kafka_asker.c      blocking questions: committed offsets, watermarks, DeleteRecords
 *   worker (x W)      the caller's       every function of struct log_ops; nothing in it waits for a broker
 *
 * Task p = partition p of every source; worker of a task = p modulo worker_count (the range
 * assignor gives a process neighbouring partitions, so this spreads them evenly). */
#ifndef IO_KAFKA_LOG_H
#define IO_KAFKA_LOG_H

#include "base/log.h"
#include "io/log.h"

enum {
    KAFKA_WORKERS_MAX = 32,
    KAFKA_OUTPUTS_MAX = 16,
    KAFKA_ASIDE_MAX = 4,
};

/* One librdkafka property, passed through from `kafka:` in the configuration. Secrets have been
 * read from their files by the caller. */
struct kafka_property {
    const char *name;
    const char *value;
};

/* Where librdkafka's own words go. `facility` is its short upper-case name (FAIL, FENCED, ...);
 * `text` never holds a payload. Called from any thread. */
typedef void kafka_log_function(void *context, enum log_level level, const char *facility,
                                const char *text);

/* How to reach a cluster. Everything is borrowed until kafka_close (or the end of a kafka_admin).
 */
struct kafka_connection {
    const char *brokers;     /* host:port,host:port */
    const char *application; /* `app` of DESIGN 3: prefix of client.id and transactional.id */
    const char *instance;    /* this process's stable name: group.instance.id */
    const struct kafka_property *properties;
    uint32_t property_count;
    kafka_log_function *log_function; /* NULL: silence */
    void *log_context;
};

struct kafka_log_settings {
    struct kafka_connection connection;
    const char *group;                /* NULL: the application's name */
    const char *topics[SOURCE_COUNT]; /* NULL: that source is not used */
    bool sources_apart; /* fetch names one source at a time, and each has a queue of its own */
    /* NULL, both: neither is read or written (the step that repartitions a source) */
    const char *journal_topic;
    const char *checkpoint_topic;
    /* Must exist; their metadata is fetched ahead of use */
    const char *output_topics[KAFKA_OUTPUTS_MAX];
    uint32_t output_count;
    /* Read besides, by others of this process (io/kafka_reader.h): only asked of the permissions */
    const char *aside_topics[KAFKA_ASIDE_MAX];
    uint32_t aside_count;
    uint32_t worker_count;    /* 1..KAFKA_WORKERS_MAX */
    int32_t start_timeout_ms; /* bound on kafka_open; 0: 30,000 */
    /* bound on one transaction; 0: 12,000, over transaction.timeout.ms: by then the broker has ended it */
    int32_t commit_timeout_ms;
};

struct kafka_log; /* one per process */

/* STATUS_OK when every name may be passed through and every value has the right form.
 * STATUS_INVALID: a name that Segue sets itself because correctness hangs on it, one librdkafka
 * does not know, a bad value; `out_text` names it. Needs no broker. */
enum status kafka_properties_check(const struct kafka_property *properties, uint32_t count,
                                   struct status_text *out_text) MUST_USE;

/* Connect, check the topics (exist; sources have equal partition counts; the journal is kept for
 * ever and not compacted; checkpoints are compacted) and make the workers' logs. Blocks up to
 * start_timeout_ms. Takes its memory (before memory_seal). The group is not joined yet: kafka_join
 * does that.
 *
 * STATUS_INVALID: settings or topics are wrong, `out_text` says which and the command that mends
 * it; STATUS_AWAY: no broker answered in time. */
enum status kafka_open(const struct kafka_log_settings *settings, struct kafka_log **out_kafka,
                       struct status_text *out_text) MUST_USE;

/* Known after kafka_open. */
uint32_t kafka_task_count(const struct kafka_log *kafka);    /* N: partitions of each source */
uint32_t kafka_journal_count(const struct kafka_log *kafka); /* J: partitions of the journal */
uint32_t kafka_checkpoint_count(const struct kafka_log *kafka);
const char *kafka_cluster_id(const struct kafka_log *kafka); /* static until kafka_close */

/* The log of worker w (0 .. worker_count - 1). Only that worker's thread may use it. */
struct log *kafka_worker_log(struct kafka_log *kafka, uint32_t worker);

/* Wake that worker's `wait`, from any thread (stopping, news from another adapter). */
void kafka_wake(struct kafka_log *kafka, uint32_t worker);

/* The descriptor that `wait` sleeps on, for a caller that waits for several adapters with one
 * poll(2). Readable: something may have happened; `wait` with timeout 0 clears it. */
int kafka_descriptor(struct kafka_log *kafka, uint32_t worker);

/* For readiness: STATUS_OK, or STATUS_AWAY when no broker has answered for some seconds; it goes on by
 * itself when one does. Never waits; from any thread, after kafka_join. */
enum status kafka_health(const struct kafka_log *kafka, struct status_text *out_text) MUST_USE;

/* Wait for the answer whether this user may do all that Segue does (io/kafka_permissions.h), asked since
 * kafka_open. STATUS_INVALID: no; `out_text` has the mend. Before any worker runs. */
MUST_USE enum status kafka_permitted(struct kafka_log *kafka, struct status_text *out_text);

/* Join the group: from now on LOG_ASSIGNED may come. */
enum status kafka_join(struct kafka_log *kafka, struct status_text *out_text) MUST_USE;

/* End the threads and the connections. The member does not leave the group (static membership: a
 * restart within the session time-out takes its place in milliseconds). Bounded by librdkafka's own
 * shutdown; a process that is leaving anyway may just _exit. No worker may use its log any more. */
void kafka_close(struct kafka_log *kafka);

#endif
