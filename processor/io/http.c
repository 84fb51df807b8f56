/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/attributes.h"
#include "base/memory.h"

enum {
    IDLE_SECONDS = 10,
    CONNECTION_MEMORY_SIZE = 16 * 1024, /* a request's line and headers fit or are refused (431) */
    NOT_FOUND_SIZE = 1024,
    BACKLOG = 32,
};

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_handler handlers[HTTP_HANDLERS_MAX];
    uint32_t handler_count;
    char *buffer; /* one: requests are answered one after the other by the one thread */
    size_t buffer_size;
    uint16_t port;
};

/* --- answering */

static enum MHD_Result answer_with(struct MHD_Connection *connection,
                                   const struct http_answer *answer, const char *allow)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->size, answer->data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", answer->content_type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (allow != NULL) {
        (void)MHD_add_response_header(response, "Allow", allow);
    }
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static void say(struct http_answer *answer, int status, const char *text)
{
    int size = snprintf(answer->data, answer->limit, "%s", text);
    answer->status = status;
    answer->size = size < 0 ? 0 : (size_t)size < answer->limit ? (size_t)size : answer->limit - 1;
}

static void list_paths(const struct http_server *server, struct http_answer *answer)
{
    char text[NOT_FOUND_SIZE] = "there is:";
    size_t used = strlen(text);
    for (uint32_t i = 0; i < server->handler_count && used < sizeof(text); i++) {
        int size = snprintf(text + used, sizeof(text) - used, " %s", server->handlers[i].path);
        used += size < 0 ? 0 : (size_t)size;
    }
    say(answer, MHD_HTTP_NOT_FOUND, text);
}

/* Called twice per request: with its headers, then (no body is accepted) to answer. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version UNUSED,
                              const char *body UNUSED, size_t *body_size, void **state)
{
    static int seen;
    struct http_server *server = context;
    struct http_answer answer = {.status = MHD_HTTP_OK,
                                 .content_type = "text/plain; charset=utf-8",
                                 .data = server->buffer,
                                 .limit = server->buffer_size};
    if (*state == NULL) {
        *state = &seen;
        return MHD_YES;
    }
    if (*body_size > 0) {
        return MHD_NO; /* closes: nobody who sends a body means us */
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        say(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
        return answer_with(connection, &answer, "GET, HEAD");
    }
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept");
    struct http_request request = {path, accept == NULL ? "" : accept};
    for (uint32_t i = 0; i < server->handler_count; i++) {
        if (strcmp(server->handlers[i].path, path) == 0) {
            server->handlers[i].fill(server->handlers[i].context, &request, &answer);
            return answer_with(connection, &answer, NULL);
        }
    }
    list_paths(server, &answer);
    return answer_with(connection, &answer, NULL);
}

/* --- listening */

/* "127.0.0.1:9464" or "[::1]:9464". */
static bool parse_address(const char *address, struct sockaddr_storage *out_address,
                          socklen_t *out_size)
{
    char host[64];
    char *end = NULL;
    const char *colon = strrchr(address, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - address);
    if (size == 0 || size >= sizeof(host) || colon[1] < '0' || colon[1] > '9') {
        return false;
    }
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != '\0' || port > UINT16_MAX) {
        return false;
    }
    memcpy(host, address, size);
    host[size] = '\0';
    memset(out_address, 0, sizeof(*out_address));
    struct sockaddr_in *four = (struct sockaddr_in *)out_address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out_address;
    if (host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        *out_size = sizeof(*six);
        return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1;
    }
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    *out_size = sizeof(*four);
    return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

/* A listening socket of our own, because microhttpd does not say why it could not have one. -1:
 * errno. */
static int listen_on(const struct sockaddr_storage *address, socklen_t size)
{
    int on = 1;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)address, size) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound = {.v6 = {0}};
    socklen_t size = sizeof(bound);
    (void)getsockname(fd, &bound.any, &size);
    return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

enum status http_open(struct http_server **out_server, const char *address,
                      const struct http_handler *handlers, uint32_t count, size_t answer_size_max,
                      struct status_text *out_text)
{
    struct sockaddr_storage where;
    socklen_t size = 0;
    if (count > HTTP_HANDLERS_MAX || !parse_address(address, &where, &size)) {
        return status_fail(out_text, STATUS_INVALID, "listener `%s` is not address:port in figures",
                           address);
    }
    int fd = listen_on(&where, size);
    if (fd < 0) {
        return status_fail(
            out_text, STATUS_AWAY, "cannot listen on %s: %s%s", address, strerror(errno),
            errno == EADDRINUSE ? "; choose another listener, or stop who has it" : "");
    }
    struct http_server *server = memory_take(sizeof(*server), "http server");
    server->buffer_size = answer_size_max < NOT_FOUND_SIZE ? NOT_FOUND_SIZE : answer_size_max;
    server->buffer = memory_take(server->buffer_size, "http server");
    memcpy(server->handlers, handlers, count * sizeof(*handlers));
    server->handler_count = count;
    server->port = port_of(fd);
    server->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC, 0, NULL, NULL, handle, server,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_PER_ADDRESS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_SIZE, MHD_OPTION_END);
    if (server->daemon == NULL) {
        (void)close(fd);
        return status_fail(out_text, STATUS_AWAY, "cannot serve HTTP on %s", address);
    }
    *out_server = server;
    return STATUS_OK;
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}

void http_close(struct http_server *server)
{
    MHD_stop_daemon(server->daemon);
}
