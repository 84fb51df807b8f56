/* SPDX-License-Identifier: Apache-2.0 */
/* Redis Sentinel: who is the primary now? Only redis_*.c include this.
 *
 * A connection without a node asks one of the sentinels, then connects to what it was told and, like
 * any other, greets it: only a server that says of itself that it is a primary is used. Whatever
 * breaks a connection, a READONLY reply too, sends it back to the next sentinel. What a failover to
 * a lagging replica has lost is brought from the journal: the task's head there is an older one. */
#ifndef IO_REDIS_SENTINEL_H
#define IO_REDIS_SENTINEL_H

#include "io/redis_cluster.h"
#include "io/redis_store.h"

/* Write AUTH (when there is a password file for sentinels) and SENTINEL GET-MASTER-ADDR-BY-NAME.
 * STATUS_INVALID: the file cannot be read, is empty or too long. */
MUST_USE enum status redis_sentinel_write(const struct redis_settings *settings,
                                          struct store_pipeline *pipeline,
                                          struct status_text *out_text);

/* Judge the answer of the sentinel at `from`. STATUS_OK: `out_address` is "host:port" of the primary.
 * STATUS_AWAY: not now. STATUS_INVALID: it watches no primary of that name, or wants a password;
 * `out_text` has the mend. */
MUST_USE enum status redis_sentinel_judge(const struct redis_settings *settings, const char *from,
                                          const struct store_reply *replies, uint32_t count,
                                          char out_address[REDIS_NODE_SIZE],
                                          struct status_text *out_text);

/* Does one of these replies say that the server is a replica by now? Then nothing was written. */
bool redis_sentinel_is_demoted(const struct store_reply *replies, uint32_t count);

#endif
