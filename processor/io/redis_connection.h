/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of a redis_store: how it gets ready, sends, reads and breaks. Only redis_*.c
 * include this.
 *
 * Everything happens inside submit() and next_answer(). next_answer() takes runnable connections
 * one by one and moves each a step: connect, greet, send, read, answer. When none is runnable it
 * asks epoll once, without waiting, and looks at the clock; a timerfd in the same epoll wakes a
 * sleeping worker for back-offs and time-outs. An answer is borrowed, so a connection parses its
 * next one only after the caller has come back.
 *
 *   WAITING -- due --> LOOKING -- found --> CONNECTING -- open --> GREETING -- judged good --> READY
 *      ^------------------ break: fail the pipelines, back off -----------------------------' */
#ifndef IO_REDIS_CONNECTION_H
#define IO_REDIS_CONNECTION_H

#include <pthread.h>

#include "io/redis_cluster.h"
#include "io/redis_greeting.h"
#include "io/redis_sentinel.h"
#include "io/redis_store.h"
#include "io/resolver.h"
#include "io/resp.h"

#define REDIS_NEVER_US INT64_MAX

enum redis_phase { PHASE_WAITING, PHASE_LOOKING, PHASE_CONNECTING, PHASE_GREETING, PHASE_READY };

struct redis_flight {
    const uint8_t *data; /* borrowed until the answer */
    size_t size;
    uint64_t token;
    uint32_t command_count;
};

struct redis_connection {
    struct transport transport;
    struct resp resp;
    struct redis_flight flights[REDIS_IN_FLIGHT_MAX]; /* ring, oldest first */
    uint32_t first;
    uint32_t count;
    uint32_t sent_count;   /* flights from the oldest that are sent whole */
    size_t sent_of_next;   /* bytes of the next one that are sent */
    uint32_t failed_count; /* flights of a broken connection, still to be answered AWAY */
    uint32_t
        attempt;    /* failures in a row; 0 again once READY, or, after a redirect, once answered */
    uint32_t moves; /* MOVEDs since a pipeline was answered */
    int64_t due_us; /* when WAITING ends, or the time-out until READY */
    uint64_t epoch; /* 0: not ready */
    uint64_t epoch_last; /* of the last time it was ready */
    uint32_t interest;   /* what epoll watches */
    enum redis_phase phase;
    enum status verdict; /* of the last attempt */
    bool begun;          /* resp_begin was called for the oldest flight */
    bool queued;         /* in the queue of runnables */
    bool redirected; /* the last break: a node of the cluster that has not, or not yet, the keys */
    bool astray;     /* redirected since a pipeline was answered: READY alone proves nothing */
    bool asking;     /* the server is a sentinel, asked where the primary is */
    uint32_t seed;   /* the next one to try */
    /* what `transport` connects to; its address is `node` in a cluster and with sentinels */
    struct transport_settings target;
    char node[REDIS_NODE_SIZE];
    struct status_text why;
    uint8_t greeting[REDIS_GREETING_SIZE_MAX];
};

struct redis_store {
    struct store store; /* first: ops take a struct store * */
    struct redis_settings settings;
    struct clock *clock;
    struct transport_tls *tls;
    struct resolver *resolver;
    struct redis_connection *connections;
    uint32_t *runnable; /* ring of connection numbers, each at most once */
    uint32_t runnable_first;
    uint32_t runnable_count;
    int epoll;
    int timer;
    int64_t timer_us; /* what the timer is set to */
    uint8_t *chunk;   /* RESP_FEED_SIZE_MAX bytes to read into */
    struct redis_facts facts;
    struct redis_counters counters;
    struct { /* of connection 0, for other threads: redis_store_health */
        pthread_mutex_t lock;
        enum status status;
        struct status_text why;
        struct status_text problem; /* of the files for TLS */
    } told;
};

static inline bool redis_has_sentinels(const struct redis_store *redis)
{
    return redis->settings.sentinel_master != NULL && redis->settings.sentinel_master[0] != '\0';
}

/* Let next_answer() move this connection. At most once in the queue. */
void redis_make_runnable(struct redis_store *redis, struct redis_connection *connection);

/* Connection 0 is ready or lost, or one was made with other files: let redis_store_health say so. */
void redis_tell(struct redis_store *redis);

/* Set the timer to the earliest due_us of all connections. */
void redis_set_timer(struct redis_store *redis);

/* Move one connection a step. True: `out_answer` is filled. */
bool redis_connection_step(struct redis_store *redis, struct redis_connection *connection,
                           struct store_answer *out_answer);

/* Put one more pipeline into flight and send what the socket takes; the connection is ready and has
 * room. */
void redis_connection_send(struct redis_store *redis, struct redis_connection *connection,
                           const struct store_pipeline *pipeline, uint64_t token);

/* Lose the connection: every pipeline on it fails, and it comes back after a pause. `why` may be
 * its own. */
void redis_connection_break(struct redis_store *redis, struct redis_connection *connection,
                            enum status verdict, const char *why);

#endif
