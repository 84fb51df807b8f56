/* SPDX-License-Identifier: Apache-2.0 */
/* segue doctor: is everything that `segue run` needs there and right? Each line says what was
 * found, and the command that mends it. */
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "base/show.h"
#include "commands/all.h"
#include "commands/doctor_halts.h"
#include "commands/doctor_repartition.h"

static const char help[] =
    "usage: segue doctor [--config FILE] [--json] [--timeout SECONDS]\n\n"
    "Looks at this machine, Kafka's brokers and topics, the schema registry and Redis, and says "
    "what is wrong and\n"
    "what mends it. Changes nothing (in Redis it writes and deletes one probe key, in Kafka it "
    "aborts a transaction).\n\n"
    "  --config FILE   default config/segue.yaml\n"
    "  --timeout N     seconds to wait for brokers, and for Redis (default 5)\n"
    "  --json          {\"checks\":[{\"name\",\"level\",\"text\",\"mend\"}]}\n\n"
    "Exit 0: nothing fails; 1: something is wrong; 69: something cannot be reached.\n";

static const char *const level_names[] = {"OK", "WARN", "FAIL", "AWAY"};
static const char *const level_colors[] = {"\033[32m", "\033[33m", "\033[31m", "\033[31m"};
_Static_assert(ARRAY_COUNT(level_names) == DOCTOR_LEVEL_COUNT, "one name per level");
_Static_assert(ARRAY_COUNT(level_colors) == DOCTOR_LEVEL_COUNT, "one colour per level");

void doctor_print(const struct doctor_report *report)
{
    bool color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    uint32_t counts[DOCTOR_LEVEL_COUNT] = {0};
    for (uint32_t i = 0; i < report->count; i++) {
        const struct doctor_line *line = &report->lines[i];
        counts[line->level]++;
        (void)printf("%s%-4s%s  %-13s  %s\n", color ? level_colors[line->level] : "",
                     level_names[line->level], color ? "\033[0m" : "", line->name, line->text);
        if (line->mend[0] != '\0') {
            (void)printf("                     mend: %s\n", line->mend);
        }
    }
    (void)printf("%u good, %u warning%s, %u failed\n", counts[DOCTOR_OK], counts[DOCTOR_WARN],
                 show_s(counts[DOCTOR_WARN]), counts[DOCTOR_FAIL] + counts[DOCTOR_AWAY]);
}

static void print_json(const struct doctor_report *report)
{
    json_t *checks = json_array();
    for (uint32_t i = 0; i < report->count; i++) {
        const struct doctor_line *line = &report->lines[i];
        (void)json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:s}", "name", line->name,
                                                      "level", level_names[line->level], "text",
                                                      line->text, "mend", line->mend));
    }
    json_t *whole = json_pack("{s:o}", "checks", checks);
    (void)json_dumpf(whole, stdout, JSON_INDENT(1));
    (void)puts("");
    json_decref(whole);
}

int doctor_code(const struct doctor_report *report)
{
    int code = EXIT_GOOD;
    for (uint32_t i = 0; i < report->count; i++) {
        if (report->lines[i].level == DOCTOR_AWAY) {
            return EXIT_AWAY;
        }
        code = report->lines[i].level == DOCTOR_FAIL ? EXIT_NO : code;
    }
    return code;
}

int doctor_run(int argument_count, char **arguments)
{
    static const struct option table[] = {
        {"config", required_argument, NULL, 'c'},
        {"timeout", required_argument, NULL, 't'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static struct connect connect;
    static struct doctor_report report = {.timeout_ms = 5000};
    const char *config = connect_config_default;
    bool json = false;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", table, NULL)) != -1) {
        if (option == 'c') {
            config = optarg;
        } else if (option == 'j') {
            json = true;
        } else if (option == 't' && strtol(optarg, NULL, 10) > 0 &&
                   strtol(optarg, NULL, 10) < 600) {
            report.timeout_ms = (int32_t)strtol(optarg, NULL, 10) * 1000;
        } else {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
    }
    if (optind < argument_count) {
        (void)fprintf(stderr, "segue doctor: what is `%s`?\n", arguments[optind]);
        return EXIT_USAGE;
    }
    if (!connect_load(config, &connect)) {
        return EXIT_CONFIG;
    }
    doctor_check_machine(&report);
    doctor_check_kafka(&connect, &report);
    doctor_check_registry(&connect, &report);
    doctor_check_redis(&connect, &report);
    doctor_check_repartition(&connect, &report);
    doctor_check_halts(&connect, &report);
    if (json) {
        print_json(&report);
    } else {
        doctor_print(&report);
    }
    return doctor_code(&report);
}
