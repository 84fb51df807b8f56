/* SPDX-License-Identifier: Apache-2.0 */
/* The Kafka ACLs that `segue run` needs, as kafka-acls.sh takes them. */
#ifndef COMMANDS_KAFKA_ACLS_H
#define COMMANDS_KAFKA_ACLS_H

#include <stdio.h>

#include "commands/connect.h"

/* A command a line; `principal` like "User:segue". */
void kafka_acls_print(const struct settings *settings, const char *principal, FILE *out);

/* What `segue run` reads and writes, for kafka_open and io/kafka_permissions.h; with no workers yet. Borrows from
 * `connect`. */
struct kafka_log_settings kafka_acls_settings(const struct connect *connect);

#endif
