/* SPDX-License-Identifier: Apache-2.0 */
/* segue get C: all that is kept about a customer, read from Redis without touching it. */
#include <getopt.h>
#include <stdlib.h>

#include "base/memory.h"
#include "commands/all.h"
#include "commands/explained.h"
#include "commands/lookup.h"
#include "commands/subject_access.h"

static const char help[] =
    "usage: segue get [--config FILE] [--all | --json | --subject-access] CUSTOMER\n\n"
    "Life events, segments, offers and features of a customer, as they stand now.\n"
    "CUSTOMER `-`: many, their ids on standard input, one a line; empty lines are passed over.\n"
    "Amounts are printed as money of their currency; where it is not known, as (minor units). "
    "--json\n"
    "has minor units always.\n"
    "--all: features that are not known, or as of a customer with no events (a count of 0), too;\n"
    "  --json has them always.\n"
    "--subject-access: all that is held, profile and consents too, in plain words.\n";

struct manner {
    enum explained_form form;
    bool subject_access;
};

static int print_customer(struct lookup *lookup, struct slice id, struct manner manner,
                          struct arena *arena)
{
    int code = lookup_customer(lookup, id);
    if (code != EXIT_GOOD) {
        return code;
    }
    const struct settings *settings = &lookup->connect.settings;
    const struct opened *opened = &lookup->opened;
    int64_t now_ms = lookup_now_ms(lookup);
    enum status status;
    if (manner.subject_access) {
        subject_access_begin(settings, lookup->customer, stdout);
        status = subject_access_values(opened->engine, opened->playbook, lookup->task,
                                       lookup->customer, now_ms, arena, stdout);
        if (status == STATUS_OK) { /* it closes what is whole */
            subject_access_end(settings, stdout);
        }
    } else {
        status = explained_customer(opened->engine, opened->playbook, lookup->task,
                                    lookup->customer, now_ms, manner.form, arena, stdout);
    }
    if (status != STATUS_OK) {
        (void)fputs("segue get: the answer is cut short: what is held does not fit\n", stderr);
        return EXIT_NO;
    }
    return EXIT_GOOD;
}

/* Those that are not there are named on stderr, and the others printed. */
static int print_customers(struct lookup *lookup, struct manner manner, struct arena *arena)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    int worst = EXIT_GOOD;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) {
            size--;
        }
        if (size == 0) {
            continue; /* an empty line names nobody, and is no reason to leave the others out */
        }
        int code = print_customer(lookup, slice_of(line, (size_t)size), manner, arena);
        worst = code > worst ? code : worst;
        if (code > EXIT_NO &&
            code != EXIT_USAGE) { /* an id that cannot be one is no reason either */
            break;
        }
    }
    free(line);
    return worst;
}

int get_run(int argument_count, char **arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"all", no_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},         {"subject-access", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    static struct lookup lookup;
    const char *config = connect_config_default;
    bool all = false, json = false, subject_access = false;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        if (option == 'c') {
            config = optarg;
        } else if (option == 'a') {
            all = true;
        } else if (option == 'j') {
            json = true;
        } else if (option == 's') {
            subject_access = true;
        } else {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
    }
    if (argument_count - optind != 1 || all + json + subject_access > 1) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    int code = lookup_open("get", config, &lookup);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct arena arena;
    arena_init(&arena, memory_take(EXPLAIN_ARENA_SIZE, "explain"), EXPLAIN_ARENA_SIZE);
    struct slice id = slice_text(arguments[optind]);
    struct manner manner = {json  ? EXPLAINED_JSON
                            : all ? EXPLAINED_ALL
                                  : EXPLAINED_SHORT,
                            subject_access};
    return slice_is(id, "-") ? print_customers(&lookup, manner, &arena)
                             : print_customer(&lookup, id, manner, &arena);
}
