/* SPDX-License-Identifier: Apache-2.0 */
/* segue topics: what each topic must look like and what it is; --create makes those that are
 * missing. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/show.h"
#include "commands/all.h"
#include "commands/connect.h"
#include "commands/contract.h"
#include "commands/kafka_acls.h"
#include "commands/topic_list.h"

static const char help[] =
    "usage: segue topics [--config FILE] [--create] [OPTION..]\n\n"
    "Prints every topic that Segue reads or writes, what it must be and "
    "what it is. Exit 1 when one is\n"
    "missing or wrong. A topic that exists is never changed.\n\n"
    "  --config FILE        default config/segue.yaml\n"
    "  --create             make those that are missing, and register the "
    "schemas of schemas/ for them\n"
    "  --tasks N            partitions of sources to make (default: `tasks` "
    "of the configuration, what is there, or 8)\n"
    "  --output-partitions N   of outputs to make (default 2: a commit "
    "costs by the partitions it touches)\n"
    "  --replicas N         default: the broker's\n"
    "  --acls PRINCIPAL     print, as commands, the Kafka ACLs that `segue run` "
    "(and `segue repartition`) needs for a user\n"
    "                       (User:segue); asks no broker\n";

enum { TIMEOUT_MS = 15000, TASKS_DEFAULT = 8, OUTPUTS_DEFAULT = 2, PARTITIONS_MAX = 10000 };

struct topics_options {
    const char *config;
    bool create;
    const char *acls;         /* NULL: not asked for; otherwise the principal */
    struct topic_sizes sizes; /* 0: not given */
};

static bool number(const char *text, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *out >= 1 && *out <= max;
}

/* EXIT_GOOD: go on; otherwise the exit code, message printed. -1: help was asked for. */
static int take_options(int argument_count, char **arguments, struct topics_options *options)
{
    static const struct option table[] = {
        {"config", required_argument, NULL, 'c'},
        {"create", no_argument, NULL, 'C'},
        {"tasks", required_argument, NULL, 't'},
        {"output-partitions", required_argument, NULL, 'o'},
        {"replicas", required_argument, NULL, 'r'},
        {"acls", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    int64_t value = 0;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", table, NULL)) != -1) {
        bool good = true;
        switch (option) {
        case 'c':
            options->config = optarg;
            break;
        case 'C':
            options->create = true;
            break;
        case 't':
            good = number(optarg, PARTITIONS_MAX, &value);
            options->sizes.task_count = (uint32_t)value;
            break;
        case 'o':
            good = number(optarg, PARTITIONS_MAX, &value);
            options->sizes.output_count = (uint32_t)value;
            break;
        case 'r':
            good = number(optarg, 100, &value);
            options->sizes.replication_factor = (int32_t)value;
            break;
        case 'a':
            options->acls = optarg;
            if (strchr(optarg, ':') == NULL) { /* kafka-acls.sh takes no other */
                (void)fprintf(stderr,
                              "segue topics: --acls takes a principal, as User:%s, not `%s`\n",
                              optarg, optarg);
                return EXIT_USAGE;
            }
            break;
        case 'h':
            (void)fputs(help, stdout);
            return -1;
        default:
            (void)fputs(help, stderr);
            return EXIT_USAGE;
        }
        if (!good) {
            (void)fprintf(stderr, "segue topics: `%s` is not a number from 1 on\n", optarg);
            return EXIT_USAGE;
        }
    }
    if (optind < argument_count) {
        (void)fprintf(stderr, "segue topics: what is `%s`?\n", arguments[optind]);
        return EXIT_USAGE;
    }
    return EXIT_GOOD;
}

/* As many as the first topic has that the tasks read, if there is one. */
static uint32_t count_tasks(struct kafka_admin *admin, const struct settings *settings)
{
    struct kafka_topic_want wants[SOURCE_COUNT] = {0};
    struct kafka_topic_state states[SOURCE_COUNT] = {0};
    struct status_text text;
    uint32_t count = 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        if (settings->sources[s].used) {
            wants[count++].name = settings->sources[s].task_topic;
        }
    }
    if (kafka_admin_describe(admin, wants, count, states, TIMEOUT_MS, &text) != STATUS_OK) {
        return 0; /* what follows says why */
    }
    for (uint32_t i = 0; i < count; i++) {
        if (states[i].exists) {
            return states[i].partition_count;
        }
    }
    return 0;
}

/* Sizes not given: what the configuration says; for tasks, what is there. */
static void fill_sizes(struct kafka_admin *admin, struct topic_sizes *sizes,
                       const struct settings *settings)
{
    if (sizes->task_count == 0) {
        sizes->task_count = (uint32_t)settings->tasks;
    }
    if (sizes->task_count == 0) {
        sizes->task_count = count_tasks(admin, settings);
    }
    sizes->task_count = sizes->task_count == 0 ? TASKS_DEFAULT : sizes->task_count;
    if (sizes->output_count == 0) {
        sizes->output_count = OUTPUTS_DEFAULT;
    }
    sizes->journal_count =
        settings->journal_partitions > 0 ? (uint32_t)settings->journal_partitions : 1;
    if (sizes->replication_factor == 0) {
        sizes->replication_factor = -1;
    }
}

/* One line of the table. Wrong is what Segue cannot work with: a configuration that differs.
 * Partition counts of outputs are the owner's choice. */
static bool print_topic(const struct kafka_topic_want *want, const struct kafka_topic_state *state)
{
    bool good = state->exists;
    uint32_t shown = want->config_count + (state->exists ? 0 : want->created_count);
    (void)printf("%-32s %3u partitions", want->name,
                 state->exists ? state->partition_count : want->partition_count);
    for (uint32_t c = 0; c < shown; c++) {
        (void)printf(" %s=%s", want->config[c].name, want->config[c].value);
    }
    if (!state->exists) {
        (void)puts("  MISSING");
        return false;
    }
    if (want->partitions_fixed && state->partition_count != want->partition_count) {
        (void)printf("  WRONG: not %u partition%s, the number of tasks", want->partition_count,
                     show_s(want->partition_count));
        good = false;
    }
    if (want->partitions_max > 0 && state->partition_count > want->partitions_max) {
        (void)printf("  WRONG: more than %u partition%s, the number of tasks", want->partitions_max,
                     show_s(want->partitions_max));
        good = false;
    }
    for (uint32_t c = 0; state->values_known && c < want->config_count; c++) {
        if (strcmp(state->values[c], want->config[c].value) != 0) {
            (void)printf("  WRONG: %s=%s", want->config[c].name, state->values[c]);
            good = false;
        }
    }
    (void)puts(good ? "  ok" : "");
    return good;
}

static int report(struct kafka_admin *admin, const struct kafka_topic_want *wants, uint32_t count)
{
    struct kafka_topic_state states[TOPIC_LIST_MAX];
    struct status_text text = {""};
    if (kafka_admin_describe(admin, wants, count, states, TIMEOUT_MS, &text) != STATUS_OK) {
        return connect_fail("topics", STATUS_AWAY, &text);
    }
    bool good = true;
    for (uint32_t i = 0; i < count; i++) {
        good = print_topic(&wants[i], &states[i]) && good;
    }
    return good ? EXIT_GOOD : EXIT_NO;
}

/* The contract's schemas belong to the topics: without them nothing can be written. */
static enum status register_schemas(const struct connect *connect, struct status_text *out_text)
{
    struct registry_settings settings = connect_registry(connect);
    struct registry *registry = NULL;
    uint32_t count = 0;
    if (settings.url_count == 0) {
        return STATUS_OK;
    }
    enum status status = registry_open(&registry, &settings, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    status = contract_register(registry, &connect->settings, &count, out_text);
    registry_close(registry);
    if (status == STATUS_OK) {
        (void)printf("%u schema%s registered\n", count, count == 1 ? " is" : "s are");
    }
    return status;
}

static int run(const struct topics_options *options, const struct connect *connect)
{
    struct topic_sizes sizes = options->sizes;
    struct kafka_topic_want wants[TOPIC_LIST_MAX];
    struct kafka_admin *admin = NULL;
    struct status_text text = {""};
    enum status status = kafka_admin_open(&connect->kafka, TIMEOUT_MS, &admin, &text);
    if (status != STATUS_OK) {
        return connect_fail("topics", status, &text);
    }
    fill_sizes(admin, &sizes, &connect->settings);
    uint32_t count = topic_list_fill(&connect->settings, &sizes, wants);
    if (options->create) {
        status = kafka_admin_create(admin, wants, count, TIMEOUT_MS, &text);
        if (status == STATUS_OK) {
            status = register_schemas(connect, &text);
        }
    }
    int code =
        status == STATUS_OK ? report(admin, wants, count) : connect_fail("topics", status, &text);
    kafka_admin_close(admin);
    return code;
}

int topics_run(int argument_count, char **arguments)
{
    static struct connect connect;
    struct topics_options options = {.config = connect_config_default};
    int code = take_options(argument_count, arguments, &options);
    if (code != EXIT_GOOD) {
        return code < 0 ? EXIT_GOOD : code;
    }
    if (!connect_load(options.config, &connect)) {
        return EXIT_CONFIG;
    }
    if (options.acls != NULL) {
        kafka_acls_print(&connect.settings, options.acls, stdout);
        return EXIT_GOOD;
    }
    return run(&options, &connect);
}
