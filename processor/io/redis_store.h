/* SPDX-License-Identifier: Apache-2.0 */
/* The store (io/store.h) that is a real Redis: one worker's connections under one epoll.
 *
 * Every connection is made ready before it is used: AUTH, PING, INFO; a server that evicts, is a
 * replica or loads its data is not used, and redis_store_health() says why and how to mend it. A
 * connection that breaks fails its pipelines (STATUS_AWAY), waits with back-off and jitter, and
 * comes back with its next epoch.
 *
 *   redis_store_open -> redis_store_wait_ready -> submit / next_answer .. -> redis_store_close
 *
 * Needs an ACL of just the commands in DESIGN section 3. One store, one thread. */
#ifndef IO_REDIS_STORE_H
#define IO_REDIS_STORE_H

#include "io/clock.h"
#include "io/store.h"
#include "io/transport.h"

enum {
    REDIS_CONNECTIONS_MAX = 1024,
    REDIS_IN_FLIGHT_MAX = 64, /* pipelines per connection; one more is STATUS_FULL */
};

/* All texts are borrowed until redis_store_close; "" is as good as NULL. */
struct redis_settings {
    struct transport_settings transport;
    const char *user; /* NULL or "": the default user */
    /* NULL: no AUTH. Read again at every connect, so that it may be rotated */
    const char *password_file;
    uint32_t connection_count; /* 1 (reads) + one per task that writes + one per task that reads */
    /* A Redis Cluster: transport.address names some nodes ("a:1,b:2"). A connection must serve one slot at a time,
     * so each task reads through one of its own, from this number on; 0: everybody reads through connection 0. */
    bool cluster;
    /* Redis Sentinel: the name of the primary; transport.address then names the sentinels. NULL or "": none */
    const char *sentinel_master;
    const char *sentinel_password_file; /* as password_file, for the sentinels */
    uint32_t read_first;
    /* Bytes of one pipeline's replies on a connection that reads; 0: 64 MiB */
    size_t read_reply_size_max;
    size_t write_reply_size_max; /* the same on one that writes; 0: 256 KiB */
};

struct redis_store;

/* Take the memory (base/memory.h: before memory_seal) and begin to connect; does not wait.
 * `clock` outlives the store. STATUS_INVALID: settings that cannot work (address, certificate, a
 * password file that cannot be read): `out_text`. */
MUST_USE enum status redis_store_open(struct redis_store **out_store,
                                      const struct redis_settings *settings, struct clock *clock,
                                      struct status_text *out_text);

/* Close every connection; nothing is answered any more. */
void redis_store_close(struct redis_store *redis);

/* The table of functions for runtime/. Lives as long as `redis`. */
struct store *redis_store_interface(struct redis_store *redis);

/* Wait until `connection` is ready, at most `timeout_ms`. STATUS_AWAY: it cannot be reached.
 * STATUS_INVALID: it answers, but must not be used (evicts, replica, wrong password, missing
 * permission): waiting does not help. `out_text` names the reason and the mend. */
MUST_USE enum status redis_store_wait_ready(struct redis_store *redis, uint32_t connection,
                                            int32_t timeout_ms, struct status_text *out_text);

/* STATUS_OK: connection 0 is ready; `out_text` is "" or names a file for TLS that must be mended all the same.
 * Otherwise as redis_store_wait_ready, without waiting. For readiness. Any thread: it is what
 * connection 0 was like when it last became ready or was lost. */
enum status redis_store_health(struct redis_store *redis, struct status_text *out_text);

/* Send one pipeline and wait for its answer: for commands, not for workers. Nothing else may be in
 * flight on that connection. In a cluster it goes on to the node that has the keys. `out_answer` as
 * from next_answer (borrowed until the next call). STATUS_AWAY also when no answer came within
 * `timeout_ms` (the connection is then reset). */
MUST_USE enum status redis_store_call(struct redis_store *redis, uint32_t connection,
                                      const struct store_pipeline *pipeline, int32_t timeout_ms,
                                      struct store_answer *out_answer,
                                      struct status_text *out_text);

/* What the server said of itself when connection 0 was last made ready. Empty before. */
struct redis_facts {
    char version[32];
    char run_id[48];
    char role[16];          /* "master" */
    char mode[16];          /* "standalone", "cluster" */
    char policy[32];        /* maxmemory-policy */
    uint64_t maxmemory;     /* bytes; 0: no limit */
    uint64_t used_memory;   /* bytes */
    int64_t server_time_ms; /* 0: an old server does not say */
    int64_t asked_ms;       /* our wall clock then */
};
const struct redis_facts *redis_store_facts(const struct redis_store *redis);

struct redis_counters {
    uint64_t pipelines;
    uint64_t commands;
    uint64_t sent;     /* bytes */
    uint64_t received; /* bytes */
    uint64_t connects; /* connections made ready, first times included */
    uint64_t breaks;   /* connections lost after they were ready */
    uint64_t failures; /* attempts that never got ready */
};
const struct redis_counters *redis_store_counters(const struct redis_store *redis);

#endif
