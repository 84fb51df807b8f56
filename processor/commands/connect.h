/* SPDX-License-Identifier: Apache-2.0 */
/* From settings to connections: what every command that talks to Kafka, Redis or the registry
 * needs. */
#ifndef COMMANDS_CONNECT_H
#define COMMANDS_CONNECT_H

#include <stdio.h>

#include "io/kafka_log.h"
#include "io/redis_store.h"
#include "io/registry.h"
#include "settings/settings.h"

/* Everything read from the configuration; big, so static in the command. Valid until exit. */
struct connect {
    struct settings settings;
    struct kafka_property properties[SETTINGS_PROPERTIES_MAX];
    struct kafka_connection kafka;
};

/* The configuration file when none is named. */
extern const char connect_config_default[];

/* "--config FILE " of a command to type next; nothing when FILE is the default. */
void connect_print_option(const char *config, FILE *out);

enum { CONNECT_GO_ON = -1 };

/* The options of a command that has --config and --help alone; optind is where its other arguments begin.
 * CONNECT_GO_ON and the file; otherwise the command's exit code, and `help` has been printed. */
MUST_USE int connect_options(int argument_count, char **arguments, const char *help,
                             const char **out_config);

/* Load `path`; false after the errors have been printed to stderr (exit 78). */
MUST_USE bool connect_load(const char *path, struct connect *out_connect);

struct registry_settings connect_registry(const struct connect *connect);
struct redis_settings connect_redis(const struct connect *connect, uint32_t connection_count);

/* Print "segue NAME: text" to stderr; the exit code that fits the status. */
int connect_fail(const char *command, enum status status, const struct status_text *text);

#endif
