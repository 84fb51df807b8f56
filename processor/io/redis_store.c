/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "io/redis_connection.h"

enum {
    READ_REPLY_SIZE_MAX = 64 * 1024 * 1024,
    WRITE_REPLY_SIZE_MAX = 256 * 1024,
    REPLY_SIZE_MIN = 16 * 1024, /* the greeting's answer fits */
    EVENTS_PER_POLL = 64,
};

/* What an event of epoll is about, when not a connection. */
#define EVENT_TIMER UINT32_MAX
#define EVENT_NAMES (UINT32_MAX - 1)

/* --- what moves next */

void redis_make_runnable(struct redis_store *redis, struct redis_connection *connection)
{
    if (!connection->queued) {
        uint32_t limit = redis->settings.connection_count;
        redis->runnable[(redis->runnable_first + redis->runnable_count++) % limit] =
            (uint32_t)(connection - redis->connections);
        connection->queued = true;
    }
}

static struct redis_connection *next_runnable(struct redis_store *redis)
{
    if (redis->runnable_count == 0) {
        return NULL;
    }
    struct redis_connection *connection =
        &redis->connections[redis->runnable[redis->runnable_first]];
    redis->runnable_first = (redis->runnable_first + 1) % redis->settings.connection_count;
    redis->runnable_count--;
    connection->queued = false;
    return connection;
}

/* Set the timer to the earliest moment at which some connection is due. */
void redis_set_timer(struct redis_store *redis)
{
    int64_t earliest = REDIS_NEVER_US;
    for (uint32_t i = 0; i < redis->settings.connection_count; i++) {
        if (redis->connections[i].due_us < earliest) {
            earliest = redis->connections[i].due_us;
        }
    }
    if (earliest == redis->timer_us) {
        return;
    }
    redis->timer_us = earliest;
    struct itimerspec when = {0};
    if (earliest != REDIS_NEVER_US) {
        int64_t left = earliest - redis->clock->ops->monotonic_us(redis->clock);
        left = left < 1 ? 1 : left;
        when.it_value.tv_sec = left / 1000000;
        when.it_value.tv_nsec = left % 1000000 * 1000;
    }
    (void)timerfd_settime(redis->timer, 0, &when, NULL);
}

/* A name was looked up: whoever waits for one looks again. */
static void wake_looking(struct redis_store *redis)
{
    resolver_clear(redis->resolver, redis->clock->ops->monotonic_us(redis->clock));
    for (uint32_t i = 0; i < redis->settings.connection_count; i++) {
        if (redis->connections[i].phase == PHASE_LOOKING) {
            redis_make_runnable(redis, &redis->connections[i]);
        }
    }
}

static void poll_once(struct redis_store *redis)
{
    struct epoll_event events[EVENTS_PER_POLL];
    int count = epoll_wait(redis->epoll, events, EVENTS_PER_POLL, 0);
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 == EVENT_NAMES) {
            wake_looking(redis);
        } else if (events[i].data.u32 == EVENT_TIMER) {
            uint64_t ticks;
            ssize_t got = read(redis->timer, &ticks, sizeof(ticks));
            (void)got; /* the clock below decides */
        } else {
            redis_make_runnable(redis, &redis->connections[events[i].data.u32]);
        }
    }
    if (redis->timer_us == REDIS_NEVER_US) {
        return;
    }
    int64_t now_us = redis->clock->ops->monotonic_us(redis->clock);
    if (now_us < redis->timer_us) {
        return;
    }
    for (uint32_t i = 0; i < redis->settings.connection_count; i++) {
        if (redis->connections[i].due_us <= now_us) {
            redis_make_runnable(redis, &redis->connections[i]);
        }
    }
    redis->timer_us = 0; /* rung: set again below whatever comes */
    redis_set_timer(redis);
}

/* --- the table of functions */

static bool redis_next_answer(struct store *store, struct store_answer *out_answer)
{
    struct redis_store *redis = (struct redis_store *)store;
    for (bool polled = false;; polled = true) {
        struct redis_connection *connection;
        while ((connection = next_runnable(redis)) != NULL) {
            if (redis_connection_step(redis, connection, out_answer)) {
                return true;
            }
        }
        if (polled) {
            return false;
        }
        poll_once(redis);
    }
}

static enum status redis_submit(struct store *store, uint32_t number,
                                const struct store_pipeline *pipeline, uint64_t token)
{
    struct redis_store *redis = (struct redis_store *)store;
    INVARIANT(number < redis->settings.connection_count);
    INVARIANT(pipeline->command_count > 0 && !pipeline->full);
    struct redis_connection *connection = &redis->connections[number];
    if (connection->phase != PHASE_READY) {
        return STATUS_AWAY;
    }
    if (connection->count == REDIS_IN_FLIGHT_MAX) {
        return STATUS_FULL;
    }
    redis_connection_send(redis, connection, pipeline, token);
    return STATUS_OK;
}

static uint64_t redis_epoch(struct store *store, uint32_t number)
{
    struct redis_store *redis = (struct redis_store *)store;
    INVARIANT(number < redis->settings.connection_count);
    return redis->connections[number].epoch;
}

static void redis_reset(struct store *store, uint32_t number)
{
    struct redis_store *redis = (struct redis_store *)store;
    INVARIANT(number < redis->settings.connection_count);
    struct redis_connection *connection = &redis->connections[number];
    if (connection->phase != PHASE_WAITING) {
        redis_connection_break(redis, connection, STATUS_AWAY,
                               "broken on purpose: an answer was overdue");
    }
}

static int redis_descriptor(struct store *store)
{
    return ((struct redis_store *)store)->epoll;
}

static void redis_counters(struct store *store, struct store_counters *out_counters)
{
    const struct redis_counters *counters = &((struct redis_store *)store)->counters;
    *out_counters = (struct store_counters){.commands = counters->commands,
                                            .sent = counters->sent,
                                            .received = counters->received,
                                            .connects = counters->connects,
                                            .breaks = counters->breaks};
}

static const struct store_ops redis_ops = {redis_submit,   redis_next_answer, redis_epoch,
                                           redis_counters, redis_reset,       redis_descriptor};

/* --- opening and closing */

static enum status check_settings(const struct redis_settings *settings,
                                  struct status_text *out_text)
{
    uint8_t greeting[REDIS_GREETING_SIZE_MAX];
    struct store_pipeline pipeline = {.data = greeting, .limit = sizeof(greeting)};
    if (settings->connection_count == 0 || settings->connection_count > REDIS_CONNECTIONS_MAX) {
        return status_fail(out_text, STATUS_INVALID,
                           "%u connections to Redis; between 1 and %d are possible",
                           settings->connection_count, REDIS_CONNECTIONS_MAX);
    }
    enum status status = redis_greeting_write(settings, &pipeline, out_text);
    explicit_bzero(greeting, sizeof(greeting));
    bool sentinels = settings->sentinel_master != NULL && settings->sentinel_master[0] != '\0';
    if (sentinels && settings->cluster) {
        return status_fail(out_text, STATUS_INVALID,
                           "redis.cluster and redis.sentinel_master exclude each other");
    }
    if ((!settings->cluster && !sentinels) || status != STATUS_OK) {
        return status != STATUS_OK ? status
                                   : transport_check_address(&settings->transport, out_text);
    }
    struct transport_settings target = settings->transport;
    char node[REDIS_NODE_SIZE];
    for (uint32_t i = 0; i < redis_cluster_seed_count(settings->transport.address); i++) {
        if (!redis_cluster_seed(settings->transport.address, i, node)) {
            return status_fail(out_text, STATUS_INVALID, "an address in `%s` is too long",
                               settings->transport.address);
        }
        target.address = node;
        status = transport_check_address(&target, out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status redis_store_open(struct redis_store **out_store, const struct redis_settings *settings,
                             struct clock *clock, struct status_text *out_text)
{
    enum status status = check_settings(settings, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    struct transport_tls *tls = NULL;
    status = transport_tls_open(&tls, &settings->transport, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t count = settings->connection_count;
    struct redis_store *redis = memory_take(sizeof(*redis), "redis connections");
    redis->store.ops = &redis_ops;
    redis->settings = *settings;
    redis->clock = clock;
    redis->tls = tls;
    redis->connections = memory_take(count * sizeof(struct redis_connection), "redis connections");
    redis->runnable = memory_take(count * sizeof(uint32_t), "redis connections");
    redis->chunk = memory_take(RESP_FEED_SIZE_MAX, "redis connections");
    redis->epoll = epoll_create1(EPOLL_CLOEXEC);
    redis->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    redis->timer_us = REDIS_NEVER_US;
    struct epoll_event of_timer = {.events = EPOLLIN, .data.u32 = EVENT_TIMER};
    struct epoll_event of_names = {.events = EPOLLIN, .data.u32 = EVENT_NAMES};
    status = resolver_open(&redis->resolver, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    if (redis->epoll < 0 || redis->timer < 0 ||
        epoll_ctl(redis->epoll, EPOLL_CTL_ADD, redis->timer, &of_timer) != 0 ||
        epoll_ctl(redis->epoll, EPOLL_CTL_ADD, resolver_descriptor(redis->resolver), &of_names) !=
            0) {
        return status_fail(out_text, status_of_errno(errno), "no epoll: %s", strerror(errno));
    }
    size_t read_size =
        settings->read_reply_size_max == 0 ? READ_REPLY_SIZE_MAX : settings->read_reply_size_max;
    size_t write_size =
        settings->write_reply_size_max == 0 ? WRITE_REPLY_SIZE_MAX : settings->write_reply_size_max;
    for (uint32_t i = 0; i < count; i++) {
        struct redis_connection *connection = &redis->connections[i];
        bool reads =
            i == STORE_CONNECTION_READ || (settings->read_first > 0 && i >= settings->read_first);
        size_t size = reads ? read_size : write_size;
        size = size < REPLY_SIZE_MIN ? REPLY_SIZE_MIN : size;
        connection->verdict = STATUS_AWAY;
        (void)status_fail(&connection->why, STATUS_AWAY, "%s: not connected yet",
                          settings->transport.address);
        if (resp_open(&connection->resp, memory_take(size, "redis replies"), size) != STATUS_OK) {
            return status_fail(out_text, STATUS_AWAY, "no memory for Redis connections");
        }
        redis_make_runnable(redis, connection);
    }
    (void)pthread_mutex_init(&redis->told.lock, NULL);
    redis_tell(redis);
    *out_store = redis;
    return STATUS_OK;
}

void redis_store_close(struct redis_store *redis)
{
    for (uint32_t i = 0; i < redis->settings.connection_count; i++) {
        transport_close(&redis->connections[i].transport);
        resp_close(&redis->connections[i].resp);
    }
    (void)pthread_mutex_destroy(&redis->told.lock);
    transport_tls_close(redis->tls);
    resolver_close(redis->resolver);
    (void)close(redis->timer);
    (void)close(redis->epoll);
}

struct store *redis_store_interface(struct redis_store *redis)
{
    return &redis->store;
}

/* --- for start-up and commands */

static int64_t now_of(const struct redis_store *redis)
{
    return redis->clock->ops->monotonic_us(redis->clock);
}

/* Sleep until something may have happened or `end_us`. */
static void sleep_until(const struct redis_store *redis, int64_t end_us)
{
    int64_t left_ms = (end_us - now_of(redis) + 999) / 1000;
    struct pollfd ready = {redis->epoll, POLLIN, 0};
    (void)poll(&ready, 1, left_ms < 1 ? 1 : left_ms > 1000 ? 1000 : (int)left_ms);
}

static enum status connection_status(const struct redis_connection *connection,
                                     struct status_text *out_text)
{
    if (connection->phase == PHASE_READY) {
        return STATUS_OK;
    }
    return status_fail(out_text, connection->verdict, "%s", connection->why.text);
}

enum status redis_store_wait_ready(struct redis_store *redis, uint32_t number, int32_t timeout_ms,
                                   struct status_text *out_text)
{
    INVARIANT(number < redis->settings.connection_count);
    const struct redis_connection *connection = &redis->connections[number];
    int64_t end_us = now_of(redis) + (int64_t)timeout_ms * 1000;
    for (;;) {
        struct store_answer answer;
        bool answered = redis_next_answer(&redis->store, &answer);
        INVARIANT(!answered);
        enum status status = connection_status(connection, out_text);
        if (status == STATUS_OK || status == STATUS_INVALID) {
            return status;
        }
        if (now_of(redis) >= end_us) {
            return connection->why.text[0] != '\0'
                       ? status
                       : status_fail(out_text, status, "no answer within %d ms: is it overloaded?",
                                     timeout_ms);
        }
        sleep_until(redis, end_us);
    }
}

void redis_tell(struct redis_store *redis)
{
    const struct redis_connection *connection = &redis->connections[STORE_CONNECTION_READ];
    (void)pthread_mutex_lock(&redis->told.lock);
    redis->told.status = connection->phase == PHASE_READY ? STATUS_OK : connection->verdict;
    redis->told.why = connection->why;
    (void)snprintf(redis->told.problem.text, sizeof(redis->told.problem.text), "%s",
                   transport_tls_problem(redis->tls));
    (void)pthread_mutex_unlock(&redis->told.lock);
}

enum status redis_store_health(struct redis_store *redis, struct status_text *out_text)
{
    (void)pthread_mutex_lock(&redis->told.lock);
    enum status status = redis->told.status;
    struct status_text why = redis->told.why;
    struct status_text problem = redis->told.problem;
    (void)pthread_mutex_unlock(&redis->told.lock);
    (void)status_fail(out_text, status, "%s%s%s", why.text,
                      why.text[0] != '\0' && problem.text[0] != '\0' ? "; " : "", problem.text);
    return status;
}

static enum status call_once(struct redis_store *redis, uint32_t number,
                             const struct store_pipeline *pipeline, int64_t end_us,
                             struct store_answer *out_answer, struct status_text *out_text)
{
    enum status status = redis_submit(&redis->store, number, pipeline, 0);
    if (status == STATUS_AWAY) {
        return connection_status(&redis->connections[number], out_text);
    }
    if (status != STATUS_OK) {
        return status_fail(out_text, status, "too much in flight on connection %u", number);
    }
    while (!redis_next_answer(&redis->store, out_answer)) {
        if (now_of(redis) >= end_us) {
            redis_reset(&redis->store, number);
            (void)redis_next_answer(&redis->store, out_answer);
            return status_fail(out_text, STATUS_AWAY, "Redis at %s: no answer in time",
                               redis->settings.transport.address);
        }
        sleep_until(redis, end_us);
    }
    INVARIANT(out_answer->connection == number);
    if (out_answer->status != STATUS_OK) {
        return status_fail(out_text, STATUS_AWAY, "%s", redis->connections[number].why.text);
    }
    return STATUS_OK;
}

enum status redis_store_call(struct redis_store *redis, uint32_t number,
                             const struct store_pipeline *pipeline, int32_t timeout_ms,
                             struct store_answer *out_answer, struct status_text *out_text)
{
    const struct redis_connection *connection = &redis->connections[number];
    int64_t end_us = now_of(redis) + (int64_t)timeout_ms * 1000;
    for (;;) {
        enum status status = call_once(redis, number, pipeline, end_us, out_answer, out_text);
        int64_t left_ms = (end_us - now_of(redis)) / 1000;
        if (status != STATUS_AWAY || !connection->redirected || left_ms <= 0) {
            return status;
        }
        status = redis_store_wait_ready(redis, number, (int32_t)left_ms, out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
}

const struct redis_facts *redis_store_facts(const struct redis_store *redis)
{
    return &redis->facts;
}

const struct redis_counters *redis_store_counters(const struct redis_store *redis)
{
    return &redis->counters;
}
