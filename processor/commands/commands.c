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
    {"run", "run [--config FILE]", "process until told to stop", run_run},
    {"check", "check [--config FILE] [--playbook PATH] [--json] [--defaults]",
     "read configuration and playbook; report every error; print the plan", check_run},
    {"erase", "erase [--dry-run] [--config FILE] CUSTOMER",
     "forget a customer everywhere, and say by when the last copy is gone", erase_run},
    {"rebuild", "rebuild (--task N | --all) [--no-wait] [--config FILE]",
     "have Redis written anew from Kafka", rebuild_run},
    {"get", "get CUSTOMER [--config FILE] [--json]", "what is kept about a customer", get_run},
    {"why", "why CUSTOMER WHAT [--config FILE] [--json]",
     "why a customer is or is not in a segment, has a life event, was offered", why_run},
    {"why-not", "why-not CUSTOMER WHAT [--config FILE]",
     "what keeps a customer out of a segment, or an offer back", why_not_run},
    {"backtest", "backtest --playbook PATH --events FILE.. [--tasks N]",
     "run a playbook over files, without Kafka or Redis", backtest_run},
    {"plan", "plan --playbook NEW --events FILE.. [--out FILE]",
     "what a changed playbook would do: who enters, leaves, stays, and why", plan_run},
    {"apply", "apply [--config FILE] PLAN", "make a saved plan live on all processes", apply_run},
    {"test", "test [--playbook PATH]", "run the tests written in a playbook", test_run},
    {"simulate", "simulate [OPTION..]", "LifeSim, a synthetic bank with ground truth, as NDJSON",
     simulate_run},
    {"feed", "feed [--config FILE] [--rate N] FILE..", "publish event files (NDJSON) as Avro",
     feed_run},
    {"tail", "tail [--config FILE] [--from-start] [TOPIC..]",
     "print committed records of Segue's topics as NDJSON", tail_run},
    {"report", "report [--by WHAT] [--json] FILE..",
     "what offers did: conversion, uplift against the control groups, revenue", report_run},
    {"topics", "topics [--config FILE] [--create]",
     "what each topic must be and is; make those missing", topics_run},
    {"doctor", "doctor [--config FILE] [--json]",
     "say what is wrong around Segue, and what mends it", doctor_run},
    {"version", "version", "print the version", version_run},
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
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs("\nsegue COMMAND --help says more.\n", out);
}

int commands_main(int argument_count, char **arguments)
{
    program_arguments = arguments;
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
