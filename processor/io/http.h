/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP server for operators: GET only, a fixed table of paths, one thread of its own.
 *
 * Anything else than GET or HEAD is 405, an unknown path 404 (with the list of paths). At most
 * HTTP_CONNECTIONS_MAX at a time, HTTP_CONNECTIONS_PER_ADDRESS_MAX from one address, each idle for at most 10 s;
 * a request's body is refused. */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "base/slice.h"
#include "base/status.h"

enum {
    HTTP_CONNECTIONS_MAX = 32,
    HTTP_CONNECTIONS_PER_ADDRESS_MAX = 16, /* the rest is for others, who ask whether we live */
    HTTP_HANDLERS_MAX = 16
};

struct http_request {
    const char *path;   /* call */
    const char *accept; /* the Accept header, "" when absent; call */
};

/* What to answer. `status` 200 and "text/plain; charset=utf-8" until the handler says otherwise. */
struct http_answer {
    int status;
    const char *content_type; /* static */
    char *data;               /* filled by the handler, at most `limit` bytes */
    size_t size;
    size_t limit;
};

struct http_handler {
    const char *path; /* "/metrics"; static */
    /* Runs in the server's thread: reads only what is safe to read from there. Must not wait. */
    void (*fill)(void *context, const struct http_request *request, struct http_answer *answer);
    void *context; /* outlives the server */
};

struct http_server;

/* Listen on `address` ("127.0.0.1:9464", "[::1]:9464"; port 0: any free one). `handlers` is copied.
 * `answer_size_max`: the largest body. STATUS_INVALID: not an address in figures. STATUS_AWAY: the
 * port cannot be bound; `out_text` says why and what to do. Takes its memory from base/memory.h. */
MUST_USE enum status http_open(struct http_server **out_server, const char *address,
                               const struct http_handler *handlers, uint32_t count,
                               size_t answer_size_max, struct status_text *out_text);

/* The port that is listened on. */
uint16_t http_port(const struct http_server *server);

/* Stop listening and end the thread. */
void http_close(struct http_server *server);

#endif
