/* SPDX-License-Identifier: Apache-2.0 */
#include "io/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/invariant.h"
#include "io/transport_tls.h"

enum {
    CONNECT_TIMEOUT_MS = 2000,
    BACKOFF_MS_MIN = 50,
    BACKOFF_MS_MAX = 2000,
    USER_TIMEOUT_MS = 10000, /* unacknowledged bytes: the peer's machine is gone */
    PORT_SIZE_MAX = 8,
};

/* --- addresses */

/* Split "host:port" or "[v6]:port". False: it is neither. */
static bool split_address(const char *address, char host[TRANSPORT_HOST_SIZE],
                          char port[PORT_SIZE_MAX])
{
    const char *start = address;
    const char *end = strrchr(address, ':');
    if (end == NULL || end[1] == '\0' || strlen(end + 1) >= PORT_SIZE_MAX) {
        return false;
    }
    (void)snprintf(port, PORT_SIZE_MAX, "%s", end + 1);
    if (strspn(port, "0123456789") != strlen(port)) {
        return false;
    }
    if (address[0] == '[') {
        start = address + 1;
        end = strchr(address, ']');
        if (end == NULL || end[1] != ':') {
            return false;
        }
    } else if (memchr(address, ':', (size_t)(end - address)) != NULL) {
        return false; /* an IPv6 address needs its brackets */
    }
    size_t size = (size_t)(end - start);
    if (size == 0 || size >= TRANSPORT_HOST_SIZE) {
        return false;
    }
    memcpy(host, start, size);
    host[size] = '\0';
    return true;
}

bool transport_host_of(const char *address, char out_host[TRANSPORT_HOST_SIZE])
{
    char port[PORT_SIZE_MAX];
    return strncmp(address, "unix:", 5) != 0 && split_address(address, out_host, port);
}

bool transport_is_name(const char *address)
{
    char host[TRANSPORT_HOST_SIZE];
    uint8_t figures[16];
    return transport_host_of(address, host) && inet_pton(AF_INET, host, figures) != 1 &&
           inet_pton(AF_INET6, host, figures) != 1;
}

enum status transport_check_address(const struct transport_settings *settings,
                                    struct status_text *out_text)
{
    char host[TRANSPORT_HOST_SIZE];
    char port[PORT_SIZE_MAX];
    const char *address = settings->address;
    if (address == NULL) {
        return status_fail(out_text, STATUS_INVALID, "no address is given");
    }
    if (strncmp(address, "unix:", 5) == 0) {
        size_t size = strlen(address + 5);
        if (size == 0 || size >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
            return status_fail(out_text, STATUS_INVALID, "%s: the path is %s for a socket", address,
                               size == 0 ? "too short" : "too long");
        }
        if (settings->tls) {
            return status_fail(out_text, STATUS_INVALID, "%s: TLS needs host:port", address);
        }
    } else if (!split_address(address, host, port)) {
        return status_fail(out_text, STATUS_INVALID,
                           "`%s` is not host:port, [v6]:port or unix:/path", address);
    }
    return STATUS_OK;
}

enum status transport_find(const struct transport_settings *settings,
                           struct transport_address out_addresses[TRANSPORT_ADDRESSES_MAX],
                           uint32_t *out_count, struct status_text *out_text)
{
    const char *address = settings->address;
    char host[TRANSPORT_HOST_SIZE];
    char port[PORT_SIZE_MAX];
    enum status status = transport_check_address(settings, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    *out_count = 0;
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un local = {.sun_family = AF_UNIX};
        memcpy(local.sun_path, address + 5, strlen(address + 5));
        memcpy(&out_addresses[0].storage, &local, sizeof(local));
        out_addresses[0].size = sizeof(local);
        *out_count = 1;
        return STATUS_OK;
    }
    (void)split_address(address, host, port); /* checked above */
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(host, port, &hints, &list);
    if (failed != 0) {
        return status_fail(out_text, STATUS_AWAY, "%s: %s", address, gai_strerror(failed));
    }
    for (struct addrinfo *at = list; at != NULL && *out_count < TRANSPORT_ADDRESSES_MAX;
         at = at->ai_next) {
        struct transport_address *slot = &out_addresses[(*out_count)++];
        memcpy(&slot->storage, at->ai_addr, at->ai_addrlen);
        slot->size = at->ai_addrlen;
    }
    freeaddrinfo(list);
    return STATUS_OK;
}

/* --- connecting */

uint32_t transport_timeout_ms(const struct transport_settings *settings)
{
    return settings->connect_timeout_ms == 0 ? CONNECT_TIMEOUT_MS : settings->connect_timeout_ms;
}

static enum status fail_closed(struct transport *transport, const char *what, const char *why)
{
    (void)status_fail(&transport->why, STATUS_AWAY, "%s: %s%s%s", transport->settings->address,
                      what, why[0] == '\0' ? "" : ": ", why);
    transport_close(transport);
    return STATUS_AWAY;
}

static void close_socket(struct transport *transport)
{
    if (transport->fd >= 0) {
        (void)close(transport->fd);
    }
    transport->fd = -1;
}

static void tune(int fd, int family)
{
    if (family == AF_UNIX) {
        return;
    }
    int on = 1;
    unsigned timeout_ms = USER_TIMEOUT_MS;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

static void end_session(struct transport *transport)
{
    if (transport->session != NULL) {
        SSL_free(transport->session);
        transport->session = NULL;
    }
    transport->connected = false;
    transport->read_wants_write = transport->write_wants_write = false;
}

/* Start with the next address that does not refuse at once. It may take its share of the time that is
 * left: one that is silent leaves as much to each that comes after it. */
static enum status connect_next(struct transport *transport, int64_t now_us, const char *reason)
{
    while (transport->address_index < transport->address_count) {
        int64_t left = transport->address_count - transport->address_index;
        const struct transport_address *address = &transport->addresses[transport->address_index++];
        transport->due_us = now_us + (transport->deadline_us - now_us) / left;
        end_session(transport);
        close_socket(transport);
        int family = ((const struct sockaddr *)&address->storage)->sa_family;
        transport->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (transport->fd < 0) {
            reason = strerror(errno);
            continue;
        }
        tune(transport->fd, family);
        if (connect(transport->fd, (const struct sockaddr *)&address->storage, address->size) ==
                0 ||
            errno == EINPROGRESS) {
            transport->state = TRANSPORT_CONNECTING;
            transport->wants_read = false;
            transport->wants_write = true;
            return STATUS_RETRY;
        }
        /* A Unix socket's full backlog says EAGAIN: the owner's back-off tries again. */
        reason = strerror(errno);
    }
    return fail_closed(transport, "cannot connect", reason);
}

enum status transport_open(struct transport *transport, const struct transport_settings *settings,
                           struct transport_tls *tls, const struct transport_address *addresses,
                           uint32_t count, int64_t now_us)
{
    INVARIANT(transport->state == TRANSPORT_CLOSED);
    INVARIANT(settings->tls == (tls != NULL) && count <= TRANSPORT_ADDRESSES_MAX);
    *transport =
        (struct transport){.fd = -1, .settings = settings, .tls = tls, .address_count = count};
    transport->deadline_us = now_us + (int64_t)transport_timeout_ms(settings) * 1000;
    memcpy(transport->addresses, addresses, count * sizeof(addresses[0]));
    if (tls != NULL) {
        transport_tls_refresh(tls, settings);
    }
    enum status status = connect_next(transport, now_us, "no address");
    return status == STATUS_RETRY ? STATUS_OK : status;
}

/* Has the connection that was started come about? */
static enum status finish_connect(struct transport *transport, int64_t now_us)
{
    struct pollfd ready = {transport->fd, POLLOUT, 0};
    if (poll(&ready, 1, 0) <= 0) {
        return STATUS_RETRY;
    }
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(transport->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        return connect_next(transport, now_us, strerror(error));
    }
    transport->connected = true;
    transport->wants_write = false;
    transport->wants_read = true;
    return STATUS_OK;
}

/* SSL wants the socket to be readable or writable first; anything else ends the connection. */
static enum status tls_wait_or_fail(struct transport *transport, int result, const char *what,
                                    bool *out_wants_write)
{
    char text[256] = "";
    switch (SSL_get_error(transport->session, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        *out_wants_write = SSL_want_write(transport->session);
        transport->wants_read = true;
        transport->wants_write = transport->read_wants_write || transport->write_wants_write;
        return STATUS_RETRY;
    case SSL_ERROR_ZERO_RETURN:
        return fail_closed(transport, "the server closed the connection", "");
    default:
        transport_tls_reason(transport->session, text, sizeof(text));
        return fail_closed(transport, what, text);
    }
}

static enum status shake_hands(struct transport *transport)
{
    if (transport->session == NULL) {
        transport->session =
            transport_tls_session(transport->tls, transport->settings, transport->fd);
        if (transport->session == NULL) {
            return fail_closed(transport, "TLS", "no memory, or no name to verify");
        }
    }
    ERR_clear_error();
    int result = SSL_connect(transport->session);
    if (result == 1) {
        transport->wants_read = true;
        transport->wants_write = false;
        transport->write_wants_write = false;
        return STATUS_OK;
    }
    return tls_wait_or_fail(transport, result, "TLS handshake failed",
                            &transport->write_wants_write);
}

enum status transport_advance(struct transport *transport, int64_t now_us)
{
    enum status status = STATUS_OK;
    if (transport->state == TRANSPORT_CLOSED) {
        return STATUS_AWAY;
    }
    if (transport->state == TRANSPORT_OPEN) {
        return STATUS_OK;
    }
    if (!transport->connected) {
        status = finish_connect(transport, now_us);
    }
    if (status == STATUS_OK && transport->tls != NULL) {
        status = shake_hands(transport);
    }
    if (status == STATUS_OK) {
        transport->state = TRANSPORT_OPEN;
        transport->due_us = transport->deadline_us;
    } else if (status == STATUS_RETRY && now_us >= transport->due_us) {
        return connect_next(transport, now_us,
                            transport->connected ? "no TLS handshake within the time-out"
                                                 : "no answer within the time-out");
    }
    return status;
}

/* --- bytes */

enum status transport_read(struct transport *transport, void *data, size_t size, size_t *out_count)
{
    INVARIANT(transport->state == TRANSPORT_OPEN);
    if (transport->session != NULL) {
        ERR_clear_error();
        int result = SSL_read(transport->session, data, size > INT32_MAX ? INT32_MAX : (int)size);
        if (result <= 0) {
            return tls_wait_or_fail(transport, result, "read", &transport->read_wants_write);
        }
        transport->read_wants_write = false;
        *out_count = (size_t)result;
        return STATUS_OK;
    }
    ssize_t count;
    do {
        count = recv(transport->fd, data, size, 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        *out_count = (size_t)count;
        return STATUS_OK;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return STATUS_RETRY;
    }
    return count == 0 ? fail_closed(transport, "the server closed the connection", "")
                      : fail_closed(transport, "read", strerror(errno));
}

static enum status tls_write(struct transport *transport, const struct iovec *parts, int count,
                             size_t *out_count)
{
    size_t taken = 0;
    for (int i = 0; i < count; i++) {
        const uint8_t *at = parts[i].iov_base;
        size_t left = parts[i].iov_len;
        while (left > 0) {
            ERR_clear_error();
            int result =
                SSL_write(transport->session, at, left > INT32_MAX ? INT32_MAX : (int)left);
            if (result <= 0) {
                enum status status =
                    tls_wait_or_fail(transport, result, "write", &transport->write_wants_write);
                if (status == STATUS_RETRY && taken > 0) {
                    *out_count = taken;
                    return STATUS_OK;
                }
                return status;
            }
            at += result;
            left -= (size_t)result;
            taken += (size_t)result;
        }
    }
    transport->write_wants_write = false;
    transport->wants_write = transport->read_wants_write;
    *out_count = taken;
    return STATUS_OK;
}

enum status transport_write(struct transport *transport, const struct iovec *parts, int count,
                            size_t *out_count)
{
    INVARIANT(transport->state == TRANSPORT_OPEN);
    if (transport->session != NULL) {
        return tls_write(transport, parts, count, out_count);
    }
    size_t wanted = 0;
    for (int i = 0; i < count; i++) {
        wanted += parts[i].iov_len;
    }
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts,
                             .msg_iovlen = (size_t)count};
    ssize_t sent;
    do {
        sent = sendmsg(transport->fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        transport->wants_write = true;
        return STATUS_RETRY;
    }
    if (sent < 0) {
        return fail_closed(transport, "write", strerror(errno));
    }
    transport->wants_write = (size_t)sent < wanted;
    *out_count = (size_t)sent;
    return STATUS_OK;
}

void transport_close(struct transport *transport)
{
    end_session(transport);
    if (transport->settings != NULL) { /* a zeroed transport has no fd, though the figure says 0 */
        close_socket(transport);
    }
    transport->fd = -1;
    transport->state = TRANSPORT_CLOSED;
    transport->wants_read = false;
    transport->wants_write = false;
}

uint32_t transport_backoff_ms(const struct transport_settings *settings, uint32_t attempt,
                              uint64_t random)
{
    uint64_t low = settings->backoff_ms_min == 0 ? BACKOFF_MS_MIN : settings->backoff_ms_min;
    uint64_t high = settings->backoff_ms_max == 0 ? BACKOFF_MS_MAX : settings->backoff_ms_max;
    uint32_t doublings = attempt <= 1 ? 0 : attempt - 1;
    uint64_t wait = doublings > 20 ? high : low << doublings;
    wait = wait > high ? high : wait;
    return (uint32_t)(wait / 2 + random % (wait - wait / 2 + 1));
}
