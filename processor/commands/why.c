/* SPDX-License-Identifier: Apache-2.0 */
/* segue why C X: why a customer is or is not in segment X, has or has not life event X, was or was
 * not offered X. segue why-not C X: only what is in the way. */
#include <getopt.h>
#include <string.h>

#include "base/memory.h"
#include "codec/ndjson.h"
#include "commands/all.h"
#include "commands/event_files.h"
#include "commands/explained.h"
#include "commands/lookup.h"

static const char help[] =
    "usage: segue why     [--config FILE] [--at-event FILE] [--json] CUSTOMER NAME\n"
    "       segue why-not [--config FILE] [--at-event FILE] CUSTOMER NAME\n\n"
    "NAME is a segment, a life event or an offer. Leaf by leaf, with values; nothing is changed.\n"
    "`+` begins what belongs to the rule, `-` what keeps out or ends it; where `!` turns a yes or "
    "no\n"
    "around, it is said which way it speaks.\n"
    "why-not: only what keeps the customer out, or the offer back.\n"
    "  --at-event FILE  as if this event (one NDJSON line; - is standard input) came now; an\n"
    "                   offer that it brings is not in its own way. Of several events the\n"
    "                   earliest is taken, and then the exit code is 1\n";

static void on_bad(void *context, const struct event_files_bad *bad)
{
    (void)context;
    event_files_show_bad(bad);
}

/* The event of --at-event, valid until `out_files` is read again; it must be this customer's. */
static int read_event(const char *path, const struct lookup *lookup, struct event_files **out_files,
                      struct event *out_event)
{
    struct status_text text;
    if (event_files_open(&path, 1, 1, EVENT_CONTAINER_ANY, out_files, &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue %s: %s\n", lookup->command, text.text);
        return EXIT_NO;
    }
    if (!event_files_next(*out_files, out_event, on_bad, NULL)) {
        (void)fprintf(stderr, "segue %s: there is no event in %s\n", lookup->command, path);
        return EXIT_NO;
    }
    if (!slice_equal(out_event->customer_id, customer_id(lookup->customer))) {
        (void)fprintf(stderr, "segue %s: the event is of another customer\n", lookup->command);
        return EXIT_NO;
    }
    return EXIT_GOOD;
}

/* After the answer, as what it points to is gone then: an answer for one event is none for several. */
static int refuse_more(const char *command, const char *path, struct event_files *files)
{
    struct event more;
    if (!event_files_next(files, &more, on_bad, NULL)) {
        return EXIT_GOOD;
    }
    (void)fprintf(stderr,
                  "segue %s: %s has several events, and this is the answer for the earliest alone; "
                  "give one\n",
                  command, path);
    return EXIT_NO;
}

enum manner { MANNER_TEXT, MANNER_JSON, MANNER_IN_THE_WAY };

static int no_such_name(const struct lookup *lookup, const char *name)
{
    const char *near =
        playbook_nearest(lookup->opened.playbook, slice_text(name),
                         1U << PLAYBOOK_SEGMENT | 1U << PLAYBOOK_LIFE_EVENT | 1U << PLAYBOOK_OFFER);
    (void)fprintf(stderr, "segue %s: the playbook has no segment, life event or offer `%s`",
                  lookup->command, name);
    if (near != NULL) {
        (void)fprintf(stderr, "; did you mean `%s`?\n", near);
    } else {
        (void)fputs("; `segue check` lists them\n", stderr);
    }
    return EXIT_NO;
}

static int explain(struct lookup *lookup, const char *name, const char *event_path,
                   enum manner manner)
{
    struct explanation explanation;
    struct event_files *files = NULL;
    struct event event;
    struct arena arena;
    int64_t now_ms = lookup_now_ms(lookup);
    if (event_path != NULL) {
        int code = read_event(event_path, lookup, &files, &event);
        if (code != EXIT_GOOD) {
            return code;
        }
        now_ms = event.time_ms > now_ms ? event.time_ms : now_ms;
    }
    arena_init(&arena, memory_take(EXPLAIN_ARENA_SIZE, "explain"), EXPLAIN_ARENA_SIZE);
    for (enum explain_kind kind = EXPLAIN_SEGMENT; kind <= EXPLAIN_OFFER; kind++) {
        uint32_t index;
        if (!engine_find(lookup->opened.engine, kind, slice_text(name), &index)) {
            continue;
        }
        enum status status =
            engine_explain(lookup->opened.engine, lookup->task, lookup->customer, kind, index,
                           now_ms, event_path != NULL ? &event : NULL, &arena, &explanation);
        if (status != STATUS_OK) {
            (void)fprintf(stderr, "segue %s: the explanation does not fit\n", lookup->command);
            return EXIT_NO;
        }
        if (manner == MANNER_IN_THE_WAY) {
            explained_in_the_way(&explanation, stdout);
        } else {
            explained_print(&explanation, manner == MANNER_JSON, stdout);
        }
        return files == NULL ? EXIT_GOOD : refuse_more(lookup->command, event_path, files);
    }
    return no_such_name(lookup, name);
}

static int run(int argument_count, char **arguments, const char *command, enum manner manner)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"at-event", required_argument, NULL, 'e'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct lookup lookup;
    const char *config = connect_config_default, *event_path = NULL;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        if (option == 'c') {
            config = optarg;
        } else if (option == 'j' && manner != MANNER_IN_THE_WAY) {
            manner = MANNER_JSON;
        } else if (option == 'e') {
            event_path = optarg;
        } else {
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
    }
    if (argument_count - optind != 2) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    int code = lookup_open(command, config, &lookup);
    if (code == EXIT_GOOD) {
        code = lookup_customer(&lookup, slice_text(arguments[optind]));
    }
    return code != EXIT_GOOD ? code : explain(&lookup, arguments[optind + 1], event_path, manner);
}

int why_run(int argument_count, char **arguments)
{
    return run(argument_count, arguments, "why", MANNER_TEXT);
}

int why_not_run(int argument_count, char **arguments)
{
    return run(argument_count, arguments, "why-not", MANNER_IN_THE_WAY);
}
