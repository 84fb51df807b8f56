/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "base/diagnostic.h"
#include "base/memory.h"
#include "commands/all.h"

static int version_run(int argument_count UNUSED, char **arguments UNUSED)
{
    (void)puts("segue " SEGUE_VERSION);
    return EXIT_GOOD;
}

static const struct command commands[] = {
    {"run", "process until told to stop", run_run},
    {"check", "read configuration and playbook; report every error; print the plan", check_run},
    {"test", "run the tests written in a playbook", test_run},
    {"backtest", "run a playbook over files, without Kafka or Redis", backtest_run},
    {"plan", "what a changed playbook would do: who enters, leaves, stays, and why", plan_run},
    {"apply", "make a saved plan live on all processes", apply_run},
    {"get", "what is kept about a customer", get_run},
    {"why", "why a customer is or is not in a segment, has a life event, was offered", why_run},
    {"why-not", "what keeps a customer out of a segment, or an offer back", why_not_run},
    {"erase", "forget a customer everywhere, and say by when the last copy is gone", erase_run},
    {"simulate", "LifeSim, a synthetic bank with ground truth, as NDJSON", simulate_run},
    {"feed", "publish event files (NDJSON) as Avro", feed_run},
    {"tail", "print committed records of Segue's topics as NDJSON", tail_run},
    {"report", "what offers did: conversion, uplift against the control groups, revenue",
     report_run},
    {"topics", "what each topic must be and is; make those missing", topics_run},
    {"repartition", "bring sources with another key or partition count to the tasks",
     repartition_run},
    {"doctor", "say what is wrong around Segue, and what mends it", doctor_run},
    {"rebuild", "have Redis written anew from Kafka", rebuild_run},
    {"version", "print the version", version_run},
};

static char **program_arguments;

char **commands_arguments(void)
{
    return program_arguments;
}

static void usage(FILE *out)
{
    (void)fputs("usage: segue COMMAND [OPTION..]\n\n", out);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        (void)fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs("\nsegue COMMAND --help says more.\n", out);
}

static int no_command(const char *name)
{
    const char *names[ARRAY_COUNT(commands)];
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = diagnostic_nearest(slice_text(name), names, ARRAY_COUNT(names));
    (void)fprintf(stderr, "segue: no command `%s`; ", name);
    if (nearest != NULL) {
        (void)fprintf(stderr, "did you mean `%s`? ", nearest);
    }
    (void)fputs("segue --help lists them\n", stderr);
    return EXIT_USAGE;
}

/* getopt begins what it refuses with the first word: as one typed it, `segue check`. The words as they came stay
 * untouched for whoever starts the program again. */
static int run_command(const struct command *command, int count, char **arguments)
{
    static char name[32];
    char **own = memory_take(((size_t)count + 1) * sizeof(own[0]), "arguments");
    (void)snprintf(name, sizeof(name), "segue %s", command->name);
    memcpy(own, arguments, ((size_t)count + 1) * sizeof(own[0]));
    own[0] = name;
    return command->run(count, own);
}

int commands_main(int argument_count, char **arguments)
{
    program_arguments = arguments;
    if (argument_count < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0 ||
        strcmp(arguments[1], "help") == 0) {
        usage(stdout);
        return EXIT_GOOD;
    }
    if (strcmp(arguments[1], "--version") == 0) {
        return version_run(0, NULL);
    }
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strcmp(arguments[1], commands[i].name) == 0) {
            return run_command(&commands[i], argument_count - 1, arguments + 1);
        }
    }
    return no_command(arguments[1]);
}
