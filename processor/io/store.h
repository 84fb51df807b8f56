/* SPDX-License-Identifier: Apache-2.0 */
/* Redis as one worker sees it: pipelines of commands on numbered connections. The real one is
 * io/redis_store.h; the simulator has a model that understands the same commands.
 *
 * Connections: connection 0 is for reads of all tasks; each task has a write connection of its own, because
 * EXEC drops every WATCH of its connection. Nothing blocks: a pipeline's replies come back from
 * next_answer(), whole, in the order in which they were submitted per connection. A connection that breaks
 * fails every pipeline on it (status STATUS_AWAY): whether its commands ran is then not known. */
#ifndef IO_STORE_H
#define IO_STORE_H

#include "base/slice.h"
#include "base/status.h"

enum store_reply_kind {
    STORE_NIL,
    STORE_STATUS, /* +OK, +QUEUED: text */
    STORE_ERROR,  /* -ERR..: text */
    STORE_INTEGER,
    STORE_BULK,  /* text */
    STORE_ARRAY, /* children */
};

struct store_reply {
    enum store_reply_kind kind;
    struct slice text;
    int64_t integer;
    const struct store_reply *children;
    uint32_t count;
};

/* Does a reply's text begin so? Redis names its errors by the first word. */
static inline bool store_text_begins(struct slice text, const char *start)
{
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

/* A command under construction: RESP bytes, so that encoding happens once and the adapter only sends. */
struct store_pipeline {
    uint8_t *data; /* RESP, borrowed by submit until the answer comes */
    size_t size;
    size_t limit;
    uint32_t command_count;
    bool full; /* did not fit */
};

/* Begin a command of `argument_count` arguments, then add exactly that many. */
void store_command(struct store_pipeline *pipeline, uint32_t argument_count);
void store_argument(struct store_pipeline *pipeline, struct slice argument);
void store_argument_text(struct store_pipeline *pipeline, const char *text);
/* An argument made of two parts (prefix and customer id), without a copy in between. */
void store_argument_pair(struct store_pipeline *pipeline, struct slice first, struct slice second);
/* The same with a number in decimal behind the prefix, which may be empty. */
void store_argument_number(struct store_pipeline *pipeline, struct slice prefix, int64_t number);

struct store_answer {
    uint64_t token; /* as given to submit */
    uint32_t connection;
    enum status status; /* STATUS_OK, or STATUS_AWAY: the connection broke, replies are not known */
    /* Command_count of them; borrowed until the next next_answer */
    const struct store_reply *replies;
    uint32_t reply_count;
    /* Counts reconnects of that connection: a WATCH belongs to one epoch */
    uint64_t connection_epoch;
};

struct store_counters {
    uint64_t commands;
    uint64_t sent;     /* bytes */
    uint64_t received; /* bytes */
    uint64_t connects; /* connections made ready, first times included */
    uint64_t breaks;   /* connections lost after they were ready */
};

struct store;

struct store_ops {
    /* Send. STATUS_AWAY: not connected now (it reconnects by itself, with back-off); nothing was sent.
     * STATUS_FULL: too much is in flight on that connection. */
    enum status (*submit)(struct store *store, uint32_t connection,
                          const struct store_pipeline *pipeline, uint64_t token);
    bool (*next_answer)(struct store *store, struct store_answer *out_answer);
    /* The current epoch of a connection; 0: not connected. */
    uint64_t (*epoch)(struct store *store, uint32_t connection);
    /* What it has done so far, for metrics. */
    void (*counters)(struct store *store, struct store_counters *out_counters);
    /* Break a connection on purpose (an answer is overdue). */
    void (*reset)(struct store *store, uint32_t connection);
    /* File descriptor that becomes readable when next_answer may have something; -1 in simulations. */
    int (*descriptor)(struct store *store);
};

struct store {
    const struct store_ops *ops;
};

enum { STORE_CONNECTION_READ = 0, STORE_CONNECTION_WRITE_FIRST = 1 };

#endif
