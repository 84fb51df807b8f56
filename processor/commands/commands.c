/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "commands/all.h"

static int version_run(int argument_count UNUSED, char **arguments UNUSED)
{
    (void)puts("segue " SEGUE_VERSION);
    return EXIT_GOOD;
}

static const struct command commands[] = {
    {"feed", "feed [--config FILE] [--rate N] FILE..", "publish event files (NDJSON) as Avro", feed_run},
    {"doctor", "doctor [--config FILE] [--json]", "say what is wrong around Segue, and what mends it", doctor_run},
    {"simulate", "simulate [OPTION..]", "LifeSim, a synthetic bank with ground truth, as NDJSON", simulate_run},
    {"topics", "topics [--config FILE] [--create]", "what each topic must be and is; make those missing",
     topics_run},
    {"version", "version", "print the version", version_run},
};

static void usage(FILE *out)
{
    (void)fputs("usage: segue COMMAND [OPTION..]\n\n", out);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs("\nsegue COMMAND --help says more.\n", out);
}

int commands_main(int argument_count, char **arguments)
{
    if (argument_count < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "help") == 0) {
        usage(stdout);
        return EXIT_GOOD;
    }
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strcmp(arguments[1], commands[i].name) == 0) {
            return commands[i].run(argument_count - 1, arguments + 1);
        }
    }
    (void)fprintf(stderr, "segue: no command `%s`; segue --help lists them\n", arguments[1]);
    return EXIT_USAGE;
}
