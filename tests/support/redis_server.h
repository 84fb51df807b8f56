/* SPDX-License-Identifier: Apache-2.0 */
/* A real redis-server of the test's own: in a fresh folder, on a Unix socket and a free port of
 * loopback. */
#ifndef SUPPORT_REDIS_SERVER_H
#define SUPPORT_REDIS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct redis_server {
    char folder[64];
    char unix_address[128]; /* "unix:/.." for io/transport.h */
    char tcp_address[32];   /* "127.0.0.1:port" */
    char tls_address[32];   /* "localhost:port", with redis_server_certificates */
    uint16_t port;
    uint16_t tls_port; /* 0: no TLS */
    pid_t pid;         /* 0: not running */
};

/* Is there a redis-server to run? */
bool redis_server_installed(void);

/* Make the folder and choose ports. Aborts the test when it cannot. */
void redis_server_prepare(struct redis_server *server);

/* ca.pem, server.pem/.key (localhost), client.pem/.key and other-ca.pem in the folder; then start
 * with TLS. */
void redis_server_certificates(struct redis_server *server);

/* Start with more options ("--name", "value", .., NULL) and wait until it accepts connections. It
 * ends with the test process at the latest. The same folder and ports when started again. */
void redis_server_start(struct redis_server *server, const char *const *options);

/* kill -9, and wait for its end. */
void redis_server_kill(struct redis_server *server);

/* SIGSTOP and SIGCONT. */
void redis_server_freeze(struct redis_server *server, bool frozen);

/* Kill it and remove the folder. */
void redis_server_finish(struct redis_server *server);

/* Write `text` to folder/name and return the path (static until the next call). */
const char *redis_server_file(const struct redis_server *server, const char *name,
                              const char *text);

#endif
