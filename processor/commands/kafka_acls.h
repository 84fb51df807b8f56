/* SPDX-License-Identifier: Apache-2.0 */
/* The Kafka ACLs that `segue run` needs, as kafka-acls.sh takes them. */
#ifndef COMMANDS_KAFKA_ACLS_H
#define COMMANDS_KAFKA_ACLS_H

#include <stdio.h>

#include "commands/connect.h"

/* A command a line; `principal` like "User:segue". */
void kafka_acls_print(const struct settings *settings, const char *principal, FILE *out);

/* How the brokers' log is asked by io/kafka_permissions.h. Borrows from `connect`. */
struct kafka_log_settings kafka_acls_settings(const struct connect *connect);

#endif
