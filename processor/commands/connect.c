/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/connect.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/show.h"
#include "commands/commands.h"

const char connect_config_default[] = "config/segue.yaml";

void connect_print_option(const char *config, FILE *out)
{
    if (strcmp(config, connect_config_default) != 0) {
        (void)fprintf(out, "--config %s ", config);
    }
}

/* librdkafka's own words, as our log lines. It never prints payloads. */
static void log_kafka(void *context UNUSED, enum log_level level, const char *facility,
                      const char *text)
{
    log_line(level, "kafka", text, "facility=%s", facility);
}

int connect_options(int argument_count, char **arguments, const char *help, const char **out_config)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *out_config = connect_config_default;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "c:", known, NULL)) != -1) {
        if (option != 'c') {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
        *out_config = optarg;
    }
    return CONNECT_GO_ON;
}

bool connect_load(const char *path, struct connect *out_connect)
{
    struct arena arena;
    struct diagnostics diagnostics;
    arena_init(&arena, memory_take(SETTINGS_ARENA_SIZE, "settings"), SETTINGS_ARENA_SIZE);
    diagnostics_init(&diagnostics,
                     memory_take(DIAGNOSTICS_MAX * sizeof(struct diagnostic), "diagnostics"));
    bool good = settings_load(path, &arena, &diagnostics, &out_connect->settings);
    if (diagnostics.count > 0) {
        diagnostics_print(&diagnostics, stderr,
                          isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL);
    }
    if (!good) {
        return false;
    }
    const struct settings *settings = &out_connect->settings;
    for (uint32_t i = 0; i < settings->property_count; i++) {
        out_connect->properties[i] =
            (struct kafka_property){settings->properties[i].name, settings->properties[i].value};
    }
    out_connect->kafka = (struct kafka_connection){.brokers = settings->brokers,
                                                   .application = settings->application,
                                                   .instance = settings->instance,
                                                   .properties = out_connect->properties,
                                                   .property_count = settings->property_count,
                                                   .log_function = log_kafka};
    log_set_level(settings->log_level);
    return true;
}

/* "" in settings is NULL for the adapters. */
static const char *or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : text;
}

struct registry_settings connect_registry(const struct connect *connect)
{
    const struct settings *settings = &connect->settings;
    struct registry_settings out = {
        .url_count = settings->registry.url_count,
        .base_path = settings->registry.base_path,
        .user = or_null(settings->registry.user),
        .password_file = or_null(settings->registry.password_file),
        .token_file = or_null(settings->registry.token_file),
        .ca_file = or_null(settings->registry.ca_file),
        .certificate_file = or_null(settings->registry.certificate_file),
        .key_file = or_null(settings->registry.key_file),
        .cache_folder = or_null(settings->registry.cache_folder),
        .connect_timeout_ms = (uint32_t)settings->registry.connect_timeout_ms,
        .timeout_ms = (uint32_t)settings->registry.timeout_ms,
        .missing_after_ms = (uint32_t)settings->registry.missing_after_ms,
        .negative_ttl_ms = (uint32_t)settings->registry.negative_ttl_ms};
    for (uint32_t i = 0; i < out.url_count && i < REGISTRY_URLS_MAX; i++) {
        out.urls[i] = settings->registry.urls[i];
    }
    return out;
}

struct redis_settings connect_redis(const struct connect *connect, uint32_t connection_count)
{
    const struct settings *settings = &connect->settings;
    return (struct redis_settings){
        .transport = {.address = settings->redis.address,
                      .tls = settings->redis.tls,
                      .ca_file = or_null(settings->redis.ca_file),
                      .certificate_file = or_null(settings->redis.certificate_file),
                      .key_file = or_null(settings->redis.key_file),
                      .server_name = or_null(settings->redis.server_name),
                      .connect_timeout_ms = (uint32_t)settings->redis.connect_timeout_ms},
        .user = or_null(settings->redis.user),
        .password_file = or_null(settings->redis.password_file),
        .connection_count = connection_count,
        .cluster = settings->redis.cluster,
        .sentinel_master = or_null(settings->redis.sentinel_master),
        .sentinel_password_file = or_null(settings->redis.sentinel_password_file),
        .read_reply_size_max = settings->redis.reply_size_max};
}

int connect_fail(const char *command, enum status status, const struct status_text *text)
{
    (void)fprintf(stderr, "segue %s: ", command);
    show_text(slice_text(text->text), stderr); /* it may hold a server's words */
    (void)fputc('\n', stderr);
    switch (status) {
    case STATUS_AWAY:
    case STATUS_RETRY:
        (void)fputs(
            "  `segue doctor` looks at Kafka, the registry and Redis, and says what mends it\n",
            stderr);
        return EXIT_AWAY;
    case STATUS_INVALID:
        return EXIT_CONFIG;
    case STATUS_OK:
    case STATUS_FULL:
    case STATUS_FATAL:
    case STATUS_COUNT:
        break;
    }
    return EXIT_NO;
}
