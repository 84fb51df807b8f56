/* SPDX-License-Identifier: Apache-2.0 */
/* May this client do all that Segue does? Asked of the brokers by doing it, for they tell nothing else: a
 * transaction with a record for each topic that is written is begun and aborted, each source, journal,
 * checkpoints and what is read aside are read from their end, and the group's offsets are asked for. Readers
 * with read_committed see nothing of it. */
#ifndef IO_KAFKA_PERMISSIONS_H
#define IO_KAFKA_PERMISSIONS_H

#include "io/kafka_log.h"

enum { KAFKA_DENIALS_MAX = 2 * KAFKA_OUTPUTS_MAX + SOURCE_COUNT + KAFKA_ASIDE_MAX + 8 };

/* What is missing: an ACL as kafka-acls.sh names it. Borrows from the settings. */
struct kafka_denial {
    const char *resource; /* "--topic", "--group", "--transactional-id" */
    const char *name;
    const char *operation; /* "Read", .. */
    bool prefixed;         /* the name is a prefix */
};

/* Ask, under the transactional id of the worker after the last one, which nobody uses.
 * `out_denials`: KAFKA_DENIALS_MAX of them, `*out_count` filled. STATUS_OK whether any or none; STATUS_AWAY: no
 * answer in time; STATUS_INVALID: a property is wrong. */
enum status kafka_permissions_ask(const struct kafka_log_settings *settings, int32_t timeout_ms,
                                  struct kafka_denial *out_denials, uint32_t *out_count,
                                  struct status_text *out_text) MUST_USE;

/* The same; STATUS_INVALID names what is missing and the command that permits the first. */
enum status kafka_permissions_check(const struct kafka_log_settings *settings, int32_t timeout_ms,
                                    struct status_text *out_text) MUST_USE;

/* The command that permits it, into `out` of `size` bytes. `principal`: "User:segue". */
void kafka_permission_command(const struct kafka_denial *denial, const char *brokers,
                              const char *principal, char *out, size_t size);

#endif
