/* SPDX-License-Identifier: Apache-2.0 */
/* Host names without waiting: the system's resolver blocks for as long as resolv.conf says, minutes when no name
 * server answers, so a thread of its own asks it. All connections of an owner share what it brought, for a moment.
 *
 *   unknown or old -- find --> ASKED -- the thread --> answered, good or not: for RESOLVER_FRESH_MS
 *                                                      from its first use on, unused for RESOLVER_KEPT_MS */
#ifndef IO_RESOLVER_H
#define IO_RESOLVER_H

#include "io/transport.h"

enum {
    RESOLVER_NAMES_MAX = 64, /* more at once push out the one that was answered first */
    RESOLVER_FRESH_MS = 1000,
    RESOLVER_KEPT_MS =
        10000, /* an answer that came too late for who asked waits so long for the next try */
};

struct resolver;

/* No thread yet: addresses in figures need none. STATUS_AWAY: no memory or no descriptor. One thread owns it and
 * calls what follows. */
MUST_USE enum status resolver_open(struct resolver **out_resolver, struct status_text *out_text);

/* Does not wait for a look-up: one that is under way goes on, and its thread ends and frees everything. */
void resolver_close(struct resolver *resolver);

/* Readable once an answer has come; then call resolver_clear, which makes it unreadable again. For epoll. */
int resolver_descriptor(const struct resolver *resolver);
void resolver_clear(struct resolver *resolver, int64_t now_us);

/* The addresses of `settings->address`. STATUS_RETRY: it is being looked up; ask again when the descriptor is
 * readable. STATUS_AWAY: the name was not found a moment ago, or no thread can be had. STATUS_INVALID:
 * the address is not one. Never waits. `now_us`: monotonic. */
MUST_USE enum status resolver_find(struct resolver *resolver,
                                   const struct transport_settings *settings, int64_t now_us,
                                   struct transport_address out_addresses[TRANSPORT_ADDRESSES_MAX],
                                   uint32_t *out_count, struct status_text *out_text);

#endif
