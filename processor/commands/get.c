/* SPDX-License-Identifier: Apache-2.0 */
/* segue get C: all that is kept about a customer, read from Redis without touching it. */
#include <getopt.h>

#include "base/memory.h"
#include "commands/all.h"
#include "commands/explained.h"
#include "commands/lookup.h"
#include "commands/subject_access.h"
#include "io/clock.h"

static const char help[] =
    "usage: segue get [--config FILE] [--json | --subject-access] CUSTOMER\n\n"
    "Features, life events, segments and offers of a customer, as they stand now.\n"
    "--subject-access: all that is held, profile and consents too, in plain words.\n";

int get_run(int argument_count, char **arguments)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"subject-access", no_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct lookup lookup;
    const char *config = connect_config_default;
    bool json = false, subject_access = false;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        if (option == 'c') {
            config = optarg;
        } else if (option == 'j') {
            json = true;
        } else if (option == 's') {
            subject_access = true;
        } else {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
    }
    if (argument_count - optind != 1 || (json && subject_access)) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    int code = lookup_customer("get", config, slice_text(arguments[optind]), &lookup);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct arena arena;
    struct clock *clock = clock_system();
    int64_t now_ms = clock->ops->wall_ms(clock);
    arena_init(&arena, memory_take(EXPLAIN_ARENA_SIZE, "explain"), EXPLAIN_ARENA_SIZE);
    if (lookup.connect.settings.clock == CLOCK_STREAM || now_ms < lookup.customer->seen_ms) {
        now_ms = lookup.customer->seen_ms; /* event time: the wall clock says nothing here */
    }
    if (subject_access) {
        subject_access_begin(&lookup.connect.settings, lookup.customer, stdout);
    }
    enum status status =
        explained_customer(lookup.opened.engine, lookup.opened.playbook, lookup.task,
                           lookup.customer, now_ms, json, &arena, stdout);
    if (subject_access) {
        subject_access_end(&lookup.connect.settings, lookup.customer, stdout);
    }
    return status == STATUS_OK ? EXIT_GOOD : EXIT_NO;
}
