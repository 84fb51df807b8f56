/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection to Redis says before it is used, and what must be answered. Only redis_*.c
 * include this. */
#ifndef IO_REDIS_GREETING_H
#define IO_REDIS_GREETING_H

#include "io/redis_store.h"

enum {
    REDIS_GREETING_SIZE_MAX = 1536,
    REDIS_PASSWORD_SIZE_MAX = 1024,
};

/* Write AUTH (when there is a password file, which is read now), PING, INFO server, memory,
 * replication into `pipeline`. STATUS_INVALID: the file cannot be read, is empty or too long. */
MUST_USE enum status redis_greeting_write(const struct redis_settings *settings,
                                          struct store_pipeline *pipeline,
                                          struct status_text *out_text);

/* Write AUTH; nothing when `file` is NULL or "". `key`: what the configuration calls the file. STATUS_INVALID as
 * above. */
MUST_USE enum status redis_greeting_auth(const char *user, const char *file, const char *key,
                                         struct store_pipeline *pipeline,
                                         struct status_text *out_text);

/* Judge the answer, which may be cut short (`count`) by a server that hung up.
 * STATUS_OK: use the connection; `out_facts` are filled (asked_ms by the caller).
 * STATUS_AWAY: not now (it loads its data, hung up).
 * STATUS_INVALID: never, as things stand; `out_text` has the mend. */
MUST_USE enum status redis_greeting_judge(const struct redis_settings *settings,
                                          const struct store_reply *replies, uint32_t count,
                                          struct redis_facts *out_facts,
                                          struct status_text *out_text);

#endif
