/* SPDX-License-Identifier: Apache-2.0 */
/* A non-blocking stream of bytes to one server: TCP, Unix socket, or TLS over TCP.
 *
 * It connects, with a time-out over connection and TLS handshake together, which the addresses of the
 * host share: one that is silent does not keep it from the next. It does not reconnect: that is its
 * owner's business (transport_backoff_ms says when). Nothing blocks but transport_find, for a host
 * that is a name: io/resolver.h does that elsewhere.
 *
 *   CLOSED -- open --> CONNECTING -- ready --> OPEN -- error, end of stream, close --> CLOSED */
#ifndef IO_TRANSPORT_H
#define IO_TRANSPORT_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/slice.h"
#include "base/status.h"

enum { TRANSPORT_HOST_SIZE = 256, TRANSPORT_ADDRESSES_MAX = 4 };

/* All texts are borrowed until the transport is closed for good; "" is as good as NULL. */
struct transport_settings {
    const char *address;          /* "host:port", "[::1]:port" or "unix:/path" */
    bool tls;                     /* only with host:port */
    const char *ca_file;          /* PEM; NULL: the system's authorities */
    const char *certificate_file; /* PEM chain of our own; NULL: none */
    const char *key_file;         /* PEM; NULL: in certificate_file */
    const char *server_name;      /* verified in every certificate; NULL: the host of `address` */
    uint32_t connect_timeout_ms;  /* 0: 2,000 */
    uint32_t backoff_ms_min;      /* 0: 50 */
    uint32_t backoff_ms_max;      /* 0: 2,000 */
};

enum transport_state { TRANSPORT_CLOSED, TRANSPORT_CONNECTING, TRANSPORT_OPEN };

/* What one TLS client needs once per store and settings: parsed certificates. One thread's. */
struct transport_tls;

/* Read the certificates of `settings`; every connection that is opened looks whether the files have
 * changed since. Of the system's authorities those are the bundle and which files the folder has (when
 * SSL_CERT_DIR names several folders: none; what is added there is found, what is removed stays trusted).
 * Name and address of a server do not matter yet: one serves connections to many nodes. `out_tls` is NULL
 * when settings->tls is false. STATUS_INVALID: a file cannot be read or does not fit; `out_text` says
 * which. */
MUST_USE enum status transport_tls_open(struct transport_tls **out_tls,
                                        const struct transport_settings *settings,
                                        struct status_text *out_text);
void transport_tls_close(struct transport_tls *tls);

/* "", or which of the files has changed and cannot be used: connections use what was read before. As of the
 * connection that was opened last. `tls` may be NULL. Borrowed until the next one is opened. */
const char *transport_tls_problem(const struct transport_tls *tls);

struct transport_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/* One connection. Zeroed is a closed one. */
struct transport {
    enum transport_state state;
    int fd;                 /* -1 or 0 with TRANSPORT_CLOSED; for epoll */
    bool wants_read;        /* wait for readability before the next call */
    bool wants_write;       /* wait for writability before the next call */
    int64_t due_us;         /* while CONNECTING: call transport_advance by then, ready or not;
                               OPEN: when the time-out would have ended */
    struct status_text why; /* why it is closed; "" when by its owner */
    /* private */
    const struct transport_settings *settings;
    struct transport_tls *tls;
    void *session; /* SSL */
    int64_t deadline_us;
    bool read_wants_write; /* TLS only: what the last read and the last write wait for */
    bool write_wants_write;
    bool connected; /* TCP is there, TLS goes on */
    /* Of the host, tried one after the other; the next one */
    struct transport_address addresses[TRANSPORT_ADDRESSES_MAX];
    uint32_t address_count;
    uint32_t address_index;
};

/* STATUS_INVALID: the address is none of the three kinds, or TLS is asked for on a Unix socket. */
MUST_USE enum status transport_check_address(const struct transport_settings *settings,
                                             struct status_text *out_text);

/* All addresses of the host, in the order in which they are to be tried: "localhost" is often ::1 first
 * and served by none. Asks the system's resolver, which may block for as long as resolv.conf says.
 * STATUS_AWAY: the name is not found now. STATUS_INVALID: the address is not one. */
MUST_USE enum status transport_find(const struct transport_settings *settings,
                                    struct transport_address out_addresses[TRANSPORT_ADDRESSES_MAX],
                                    uint32_t *out_count, struct status_text *out_text);

/* The time-out of a connection attempt: as set, or the default. */
uint32_t transport_timeout_ms(const struct transport_settings *settings);

/* Does it name a host that must be looked up? */
bool transport_is_name(const char *address);

/* Begin to connect to `addresses` (of transport_find, at most TRANSPORT_ADDRESSES_MAX; copied), in that
 * order. `settings` and `tls` (NULL without TLS) stay until transport_close.
 * STATUS_OK: CONNECTING; call transport_advance when the fd is ready. STATUS_AWAY: refused at once
 * (`why`). */
MUST_USE enum status transport_open(struct transport *transport,
                                    const struct transport_settings *settings,
                                    struct transport_tls *tls,
                                    const struct transport_address *addresses, uint32_t count,
                                    int64_t now_us);

/* Go on connecting. STATUS_OK: OPEN now. STATUS_RETRY: not yet (see wants_*). STATUS_AWAY: closed
 * (`why`), also when the time-out has passed. */
MUST_USE enum status transport_advance(struct transport *transport, int64_t now_us);

/* Read what is there, at most `size` bytes. STATUS_OK: `out_count` > 0; read on until STATUS_RETRY
 * (nothing now): TLS may hold bytes that no poll of the fd announces. STATUS_AWAY: closed (end of
 * stream, an error). */
MUST_USE enum status transport_read(struct transport *transport, void *data, size_t size,
                                    size_t *out_count);

/* Send from `parts` in order without copying; `out_count` bytes were taken. STATUS_OK,
 * STATUS_RETRY: nothing was taken, wait for writability, then offer the same bytes first.
 * STATUS_AWAY: closed. */
MUST_USE enum status transport_write(struct transport *transport, const struct iovec *parts,
                                     int count, size_t *out_count);

/* Close without waiting; `why` stays what it was. */
void transport_close(struct transport *transport);

/* How long to wait before attempt number `attempt` (1 is the first retry): exponential between the
 * settings' bounds, with full jitter of the upper half from `random`. Milliseconds. */
uint32_t transport_backoff_ms(const struct transport_settings *settings, uint32_t attempt,
                              uint64_t random);

#endif
