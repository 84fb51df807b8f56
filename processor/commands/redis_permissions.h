/* SPDX-License-Identifier: Apache-2.0 */
/* May the Redis user do all that Segue does? Tried on a probe key, which is deleted again: a user
 * who may only read would be found out at the first commit otherwise, when records have been read.
 */
#ifndef COMMANDS_REDIS_PERMISSIONS_H
#define COMMANDS_REDIS_PERMISSIONS_H

#include "commands/connect.h"

/* STATUS_OK: it may. STATUS_INVALID: `out_text` says what it may not, `out_mend` holds the command
 * that permits it. STATUS_RETRY: Redis refuses for another reason, which passes. STATUS_AWAY: no
 * answer. */
MUST_USE enum status redis_permissions_ask(const struct connect *connect, struct redis_store *redis,
                                           int32_t timeout_ms, char *out_mend, size_t mend_size,
                                           struct status_text *out_text);

#endif
