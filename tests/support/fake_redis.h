/* SPDX-License-Identifier: Apache-2.0 */
/* A node of Redis that says what a test wants: it greets as a primary and answers everything else
 * with one text. On a free port of loopback, one connection at a time, in a thread of its own. */
#ifndef SUPPORT_FAKE_REDIS_H
#define SUPPORT_FAKE_REDIS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct fake_redis {
    uint16_t port;
    _Atomic(const char *) answer; /* RESP, static; to all but PING, AUTH and INFO */
    atomic_uint connects;
    /* private */
    int listener;
    void *tls; /* SSL_CTX; NULL: plain TCP */
    pthread_t thread;
};

/* Start. With `certificate` (a file of fake_redis_certificate; NULL: plain TCP) it speaks TLS. Aborts the test
 * when it cannot. */
void fake_redis_start(struct fake_redis *fake, const char *answer, const char *certificate);

/* The same port, another certificate: from the next connection on. */
void fake_redis_certify(struct fake_redis *fake, const char *certificate);

/* Write a new key and its self-signed certificate for "DNS:name" or "IP:address" to a PEM file, which is the
 * authority for it as well. */
void fake_redis_certificate(const char *path, const char *name);

/* End; its clients have closed their connections before. */
void fake_redis_stop(struct fake_redis *fake);

#endif
