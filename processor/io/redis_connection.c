/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_connection.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "base/invariant.h"

enum {
    WRITE_PARTS_MAX = 64, /* pipelines in one writev */
    MOVES_MAX =
        5, /* followed at once; more in a row are nodes that do not agree on who has the slot */
};

static uint32_t number_of(const struct redis_store *redis,
                          const struct redis_connection *connection)
{
    return (uint32_t)(connection - redis->connections);
}

static struct redis_flight *flight_at(struct redis_connection *connection, uint32_t index)
{
    return &connection->flights[(connection->first + index) % REDIS_IN_FLIGHT_MAX];
}

static void drop_flight(struct redis_connection *connection)
{
    connection->first = (connection->first + 1) % REDIS_IN_FLIGHT_MAX;
    connection->count--;
}

/* --- breaking */

void redis_connection_break(struct redis_store *redis, struct redis_connection *connection,
                            enum status verdict, const char *why)
{
    if (why != connection->why.text) {
        (void)status_fail(&connection->why, verdict, "%s", why);
    }
    connection->verdict = verdict;
    if (connection->phase == PHASE_READY) {
        redis->counters.breaks++;
        connection->failed_count = connection->count;
    } else {
        redis->counters.failures++;
        connection->first = connection->count = 0; /* the greeting, if it was sent */
    }
    transport_close(&connection->transport);
    connection->interest = 0;
    connection->epoch = 0;
    connection->sent_count = 0;
    connection->sent_of_next = 0;
    connection->begun = false;
    if (redis_has_sentinels(redis) ||
        (redis->settings.cluster && connection->phase != PHASE_READY)) {
        connection->node[0] = '\0'; /* back to the seeds */
    }
    connection->asking = false;
    connection->phase = PHASE_WAITING;
    connection->redirected = false;
    explicit_bzero(connection->greeting, sizeof(connection->greeting));
    uint64_t random = redis->clock->ops->random64(redis->clock);
    uint32_t pause_ms =
        transport_backoff_ms(&redis->settings.transport, ++connection->attempt, random);
    connection->due_us = redis->clock->ops->monotonic_us(redis->clock) + (int64_t)pause_ms * 1000;
    redis_set_timer(redis);
    redis_tell(redis);
    if (connection->failed_count > 0) {
        redis_make_runnable(redis, connection);
    }
}

/* --- sending and reading */

/* Tell epoll what this connection waits for now. Only changes cost a call. False: it cannot be watched (no
 * memory in the kernel, or a limit), and the connection is broken. */
static bool watch(struct redis_store *redis, struct redis_connection *connection)
{
    uint32_t wanted = (connection->transport.wants_read ? (uint32_t)EPOLLIN : 0) |
                      (connection->transport.wants_write ? (uint32_t)EPOLLOUT : 0);
    if (connection->transport.state == TRANSPORT_CLOSED || wanted == connection->interest) {
        return true;
    }
    struct epoll_event event = {.events = wanted, .data.u32 = number_of(redis, connection)};
    /* ADD: a fresh socket, or the transport went on to the host's next address. */
    if (epoll_ctl(redis->epoll, EPOLL_CTL_MOD, connection->transport.fd, &event) != 0 &&
        epoll_ctl(redis->epoll, EPOLL_CTL_ADD, connection->transport.fd, &event) != 0) {
        (void)status_fail(&connection->why, STATUS_AWAY, "%s: cannot be watched: %s",
                          connection->target.address, strerror(errno));
        redis_connection_break(redis, connection, STATUS_AWAY, connection->why.text);
        return false;
    }
    connection->interest = wanted;
    return true;
}

/* Send what is not sent yet, straight from the pipelines. False: the connection broke. */
static bool send_flights(struct redis_store *redis, struct redis_connection *connection)
{
    while (connection->sent_count < connection->count) {
        struct iovec parts[WRITE_PARTS_MAX];
        int part_count = 0;
        for (uint32_t i = connection->sent_count;
             i < connection->count && part_count < WRITE_PARTS_MAX; i++) {
            const struct redis_flight *flight = flight_at(connection, i);
            size_t skip = part_count == 0 ? connection->sent_of_next : 0;
            parts[part_count].iov_base = (void *)(uintptr_t)(flight->data + skip);
            parts[part_count++].iov_len = flight->size - skip;
        }
        size_t sent = 0;
        enum status status = transport_write(&connection->transport, parts, part_count, &sent);
        if (status == STATUS_RETRY) {
            break;
        }
        if (status != STATUS_OK) {
            redis_connection_break(redis, connection, STATUS_AWAY, connection->transport.why.text);
            return false;
        }
        redis->counters.sent += sent;
        sent += connection->sent_of_next;
        while (connection->sent_count < connection->count &&
               sent >= flight_at(connection, connection->sent_count)->size) {
            sent -= flight_at(connection, connection->sent_count)->size;
            connection->sent_count++;
        }
        connection->sent_of_next = sent;
    }
    return true;
}

/* A server that refuses says one error and hangs up: the error is the better reason. */
static enum status verdict_of(const struct redis_store *redis,
                              const struct redis_connection *connection, struct status_text *text)
{
    struct redis_facts facts;
    if (connection->phase != PHASE_GREETING || connection->resp.reply_count == 0 ||
        connection->asking) {
        return STATUS_AWAY;
    }
    return redis_greeting_judge(&redis->settings, connection->resp.replies,
                                connection->resp.reply_count, &facts, text);
}

/* Read until the oldest flight is answered whole. STATUS_OK: it is. STATUS_RETRY: not yet.
 * STATUS_AWAY: the connection broke. */
static enum status read_answer(struct redis_store *redis, struct redis_connection *connection)
{
    struct status_text text = {0};
    for (;;) {
        enum status status = STATUS_RETRY;
        if (connection->count > 0) {
            if (!connection->begun) {
                status = resp_begin(&connection->resp, flight_at(connection, 0)->command_count);
                connection->begun = status == STATUS_OK;
            }
            if (connection->begun) {
                status = resp_advance(&connection->resp, &text);
            } else {
                (void)status_fail(&text, status, "no room for so many replies");
            }
            if (status == STATUS_OK) {
                return STATUS_OK;
            }
        }
        size_t count = 0;
        if (status == STATUS_RETRY) {
            status =
                transport_read(&connection->transport, redis->chunk, RESP_FEED_SIZE_MAX, &count);
            if (status == STATUS_RETRY) {
                return STATUS_RETRY;
            }
            text = connection->transport.why;
        }
        if (status == STATUS_OK && connection->count == 0) {
            status = status_fail(&text, STATUS_INVALID, "bytes that nobody asked for");
        }
        if (status == STATUS_OK) {
            redis->counters.received += count;
            status = resp_feed(&connection->resp, slice_of(redis->chunk, count));
            (void)status_fail(&text, status, "the answer needs more than its limit");
        }
        if (status != STATUS_OK) {
            redis_connection_break(redis, connection, verdict_of(redis, connection, &text),
                                   text.text);
            return STATUS_AWAY;
        }
    }
}

/* --- the way to READY */

/* Once the addresses are known. Until then the resolver's descriptor wakes it, or the time-out. */
static void look_up(struct redis_store *redis, struct redis_connection *connection)
{
    struct transport_address addresses[TRANSPORT_ADDRESSES_MAX];
    uint32_t count = 0;
    int64_t now_us = redis->clock->ops->monotonic_us(redis->clock);
    enum status status = resolver_find(redis->resolver, &connection->target, now_us, addresses,
                                       &count, &connection->why);
    if (status == STATUS_RETRY && now_us < connection->due_us) {
        return;
    }
    if (status == STATUS_RETRY) {
        status = status_fail(&connection->why, STATUS_AWAY,
                             "%s: no name server answers within the time-out",
                             connection->target.address);
    }
    if (status != STATUS_OK) {
        redis_connection_break(redis, connection, status, connection->why.text);
        return;
    }
    connection->phase = PHASE_CONNECTING;
    status = transport_open(&connection->transport, &connection->target, redis->tls, addresses,
                            count, now_us);
    if (status != STATUS_OK) {
        redis_connection_break(redis, connection, status, connection->transport.why.text);
        return;
    }
    connection->due_us = connection->transport.due_us;
    redis_set_timer(redis);
    redis_make_runnable(redis, connection); /* a Unix socket is connected at once */
    (void)watch(redis, connection);
}

static void start_connection(struct redis_store *redis, struct redis_connection *connection)
{
    connection->target = redis->settings.transport;
    if (redis->settings.cluster || redis_has_sentinels(redis)) {
        if (connection->node[0] == '\0') {
            connection->asking = redis_has_sentinels(redis);
            INVARIANT(redis_cluster_seed(redis->settings.transport.address, connection->seed++,
                                         connection->node)); /* checked at open */
        }
        connection->target.address = connection->node;
    }
    connection->phase = PHASE_LOOKING;
    if (resp_restart(&connection->resp) != STATUS_OK) {
        redis_connection_break(redis, connection, STATUS_AWAY, "no memory to read answers");
        return;
    }
    connection->due_us = redis->clock->ops->monotonic_us(redis->clock) +
                         transport_timeout_ms(&connection->target) * INT64_C(1000);
    redis_set_timer(redis);
    look_up(redis, connection);
}

static void greet(struct redis_store *redis, struct redis_connection *connection)
{
    struct store_pipeline pipeline = {.data = connection->greeting,
                                      .limit = sizeof(connection->greeting)};
    enum status status = connection->asking
                             ? redis_sentinel_write(&redis->settings, &pipeline, &connection->why)
                             : redis_greeting_write(&redis->settings, &pipeline, &connection->why);
    if (status != STATUS_OK) {
        redis_connection_break(redis, connection, status, connection->why.text);
        return;
    }
    connection->phase = PHASE_GREETING;
    connection->first = 0;
    connection->count = 1;
    connection->flights[0] =
        (struct redis_flight){pipeline.data, pipeline.size, 0, pipeline.command_count};
    (void)send_flights(redis, connection);
}

/* The sentinel has answered: on to the primary that it names, with no pause. */
static void judge_sentinel(struct redis_store *redis, struct redis_connection *connection)
{
    char node[REDIS_NODE_SIZE];
    enum status status =
        redis_sentinel_judge(&redis->settings, connection->node, connection->resp.replies,
                             connection->resp.reply_count, node, &connection->why);
    if (status != STATUS_OK) {
        redis_connection_break(redis, connection, status, connection->why.text);
        return;
    }
    transport_close(&connection->transport);
    explicit_bzero(connection->greeting, sizeof(connection->greeting));
    connection->interest = 0;
    connection->first = connection->count = 0;
    connection->sent_count = 0;
    connection->sent_of_next = 0;
    connection->begun = false;
    connection->asking = false;
    memcpy(connection->node, node, sizeof(node));
    start_connection(redis, connection);
}

static void judge(struct redis_store *redis, struct redis_connection *connection)
{
    struct redis_facts facts = {0};
    enum status status =
        redis_greeting_judge(&redis->settings, connection->resp.replies,
                             connection->resp.reply_count, &facts, &connection->why);
    facts.asked_ms = redis->clock->ops->wall_ms(redis->clock);
    if (number_of(redis, connection) == STORE_CONNECTION_READ && facts.version[0] != '\0') {
        redis->facts = facts;
    }
    if (status != STATUS_OK) {
        redis_connection_break(redis, connection, status, connection->why.text);
        return;
    }
    explicit_bzero(connection->greeting, sizeof(connection->greeting));
    drop_flight(connection);
    connection->sent_count = 0;
    connection->begun = false;
    connection->phase = PHASE_READY;
    connection->epoch = ++connection->epoch_last;
    if (!connection->astray) {
        connection->attempt = 0;
    }
    connection->due_us = REDIS_NEVER_US;
    connection->verdict = STATUS_OK;
    connection->why.text[0] = '\0';
    redis->counters.connects++;
    redis_set_timer(redis);
    redis_tell(redis);
}

/* One step towards READY; a step that achieved something makes the next one runnable. */
static void approach(struct redis_store *redis, struct redis_connection *connection)
{
    int64_t now_us = redis->clock->ops->monotonic_us(redis->clock);
    if (connection->phase == PHASE_WAITING) {
        if (now_us >= connection->due_us) {
            start_connection(redis, connection);
        }
        return;
    }
    if (connection->phase == PHASE_LOOKING) {
        look_up(redis, connection);
        return;
    }
    if (connection->phase == PHASE_CONNECTING) {
        uint32_t address = connection->transport.address_index;
        enum status status = transport_advance(&connection->transport, now_us);
        if (connection->transport.address_index != address) {
            connection->interest =
                0; /* the host's next address: a new socket, perhaps under the old number */
        }
        connection->due_us = connection->transport.due_us; /* the greeting's time-out, too */
        redis_set_timer(redis);
        if (status == STATUS_OK) {
            greet(redis, connection);
        } else if (status != STATUS_RETRY) {
            redis_connection_break(redis, connection, STATUS_AWAY, connection->transport.why.text);
        }
    }
    if (connection->phase == PHASE_GREETING && send_flights(redis, connection)) {
        enum status status = read_answer(redis, connection);
        if (status == STATUS_OK && connection->asking) {
            judge_sentinel(redis, connection);
        } else if (status == STATUS_OK) {
            judge(redis, connection);
        } else if (status == STATUS_RETRY && now_us >= connection->due_us) {
            struct status_text text;
            (void)status_fail(&text, STATUS_AWAY,
                              "Redis at %s accepts connections but does not answer",
                              connection->target.address);
            redis_connection_break(redis, connection, STATUS_AWAY, text.text);
        }
    }
    (void)watch(redis, connection);
}

/* --- answers */

static void answer_from(struct redis_store *redis, struct redis_connection *connection,
                        enum status status, struct store_answer *out_answer)
{
    const struct redis_flight *flight = flight_at(connection, 0);
    *out_answer = (struct store_answer){
        .token = flight->token,
        .connection = number_of(redis, connection),
        .status = status,
        .replies = status == STATUS_OK ? connection->resp.replies : NULL,
        .reply_count = status == STATUS_OK ? connection->resp.reply_count : 0,
        .connection_epoch = connection->epoch_last,
    };
    drop_flight(connection);
    redis_make_runnable(redis, connection); /* more may be waiting behind it */
}

/* True: the keys are elsewhere, on their way, or may not be written here any more. Everything in flight
 * fails and may be sent again. A MOVED is followed at once, so long as it leads somewhere; whatever
 * else, and nodes that send it round in circles, is asked again after pauses that grow. */
static bool redirect(struct redis_store *redis, struct redis_connection *connection)
{
    char node[REDIS_NODE_SIZE];
    if (redis_has_sentinels(redis)) {
        bool demoted =
            redis_sentinel_is_demoted(connection->resp.replies, connection->resp.reply_count);
        if (demoted) {
            redis_connection_break(redis, connection, STATUS_AWAY, "it is a replica by now");
        }
        return demoted;
    }
    if (!redis->settings.cluster) {
        return false;
    }
    enum redis_redirect where = redis_cluster_redirect(
        connection->resp.replies, connection->resp.reply_count, connection->node, node);
    if (where == REDIRECT_NONE) {
        return false;
    }
    redis_connection_break(redis, connection, STATUS_AWAY,
                           where == REDIRECT_MOVED
                               ? "the keys are on another node of the cluster"
                               : "the keys are being moved, or nobody has them");
    connection->redirected = true;
    connection->astray = true;
    if (where == REDIRECT_MOVED) {
        memcpy(connection->node, node, sizeof(node));
    }
    if (where == REDIRECT_MOVED && ++connection->moves <= MOVES_MAX) {
        connection->due_us = redis->clock->ops->monotonic_us(redis->clock); /* no reason to pause */
        redis_set_timer(redis);
    }
    return true;
}

bool redis_connection_step(struct redis_store *redis, struct redis_connection *connection,
                           struct store_answer *out_answer)
{
    if (connection->failed_count > 0) {
        connection->failed_count--;
        answer_from(redis, connection, STATUS_AWAY, out_answer);
        return true;
    }
    if (connection->phase != PHASE_READY) {
        approach(redis, connection);
        return false;
    }
    if (!send_flights(redis, connection)) {
        return false;
    }
    enum status status = read_answer(redis, connection);
    if (!watch(redis, connection) || status != STATUS_OK || redirect(redis, connection)) {
        return false;
    }
    connection->begun = false;
    connection->sent_count--;
    if (connection->astray) {
        connection->astray = false;
        connection->attempt = 0;
        connection->moves = 0;
    }
    answer_from(redis, connection, STATUS_OK, out_answer);
    return true;
}

void redis_connection_send(struct redis_store *redis, struct redis_connection *connection,
                           const struct store_pipeline *pipeline, uint64_t token)
{
    bool idle = connection->sent_count == connection->count;
    *flight_at(connection, connection->count++) =
        (struct redis_flight){pipeline->data, pipeline->size, token, pipeline->command_count};
    redis->counters.pipelines++;
    redis->counters.commands += pipeline->command_count;
    if (idle && send_flights(redis, connection)) {
        (void)watch(redis, connection); /* a break fails it by its answer */
    }
}
