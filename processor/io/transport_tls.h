/* SPDX-License-Identifier: Apache-2.0 */
/* The part of transport.c that knows certificates. Only transport.c includes this. */
#ifndef IO_TRANSPORT_TLS_H
#define IO_TRANSPORT_TLS_H

#include "io/transport.h"

/* The host of "host:port"; false when there is none (a Unix socket, not an address). */
bool transport_host_of(const char *address, char out_host[TRANSPORT_HOST_SIZE]);

/* Read the files again if one has changed since they were read: a certificate that was rotated is used
 * from the next connection on. What cannot be used (a certificate whose key is still to come) leaves what was read
 * before in use; transport_tls_problem says so, and the next call looks again. */
void transport_tls_refresh(struct transport_tls *tls, const struct transport_settings *settings);

/* A new client session (an SSL *) over a connected socket, which verifies the server's name: that of
 * `settings`, or the host of their address. SSL_free ends it. NULL: no memory, or no name. */
void *transport_tls_session(struct transport_tls *tls, const struct transport_settings *settings,
                            int fd);

/* Why the last operation on `session` failed, in words; uses up OpenSSL's queue of errors. */
void transport_tls_reason(void *session, char *out_text, size_t size);

#endif
