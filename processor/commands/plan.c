/* SPDX-License-Identifier: Apache-2.0 */
/* segue plan: what a changed playbook would do, before it is live. The result can be saved; `segue
 * apply` makes exactly that live. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "commands/all.h"
#include "commands/bundle.h"
#include "commands/event_files.h"
#include "commands/live.h"
#include "commands/plan_report.h"
#include "io/clock.h"

static const char help[] =
    "usage: segue plan [OPTION..] --playbook NEW --events FILE..\n\n"
    "Runs a sample through the live playbook, takes its customers over into NEW as `segue apply` "
    "does, and shows\nwho enters, leaves and stays then, and why.\n\n"
    "  --playbook NEW    file or folder\n"
    "  --live PATH       the playbook to compare with (default: what is live in Kafka, by "
    "--config; if "
    "nothing\n"
    "                    was applied yet, the files that the configuration names)\n"
    "  --config FILE     default config/segue.yaml\n"
    "  --events FILE..   a sample: NDJSON or Avro containers, as of `segue backtest`; a line that "
    "is no event is\n"
    "                    skipped, and then the exit code is 1\n"
    "  --source NAME     what the containers hold, as of `segue backtest`\n"
    "  --tasks N         divide customers as N partitions do (default 1)\n"
    "  --out FILE        save the plan, for `segue apply FILE`\n"
    "  --drop-retired    forget segments that are retired in the live playbook (everybody has "
    "left)\n"
    "  --all             show what stays as it is, too\n"
    "  --json            for programs; names customers who move, up to a hundred each\n\n"
    "A segment that NEW no longer has is retired: its members leave when the plan is applied.\n";

enum { BAD_LINES_SHOWN = 20, RETIRED_SIZE = 65536 };

struct planning {
    const char *playbook, *live_path, *config, *out, *salt;
    long tasks;
    bool json, all, drop_retired;
    struct connect connect;
    struct bundle next_bundle;
    struct plan plan;
    uint64_t
        applied; /* hash of the record of what is live; 0: it is the files that the configuration names */
    char retired[RETIRED_SIZE]; /* the file that retires what is gone */
    uint64_t bad;
    int32_t container_source;
};

static void on_bad(void *context, const struct event_files_bad *bad)
{
    struct planning *planning = context;
    if (planning->bad++ < BAD_LINES_SHOWN) {
        event_files_show_bad(bad);
    }
}

/* What the processes of the application run now. */
static int open_live(struct planning *planning)
{
    struct opened *opened = &planning->plan.live.replay.opened;
    if (planning->live_path != NULL) {
        opened->applied = true;
        return opened_playbook("plan", planning->live_path, false, opened);
    }
    if (!connect_load(planning->config, &planning->connect)) {
        return EXIT_CONFIG;
    }
    planning->salt = planning->connect.settings.salt;
    if (planning->connect.settings.clock == CLOCK_LIVE) { /* else time is what the events say */
        planning->plan.applied_ms = clock_system()->ops->wall_ms(clock_system());
    }
    return live_open("plan", &planning->connect, opened, &planning->applied);
}

static bool has_segment(const struct playbook *playbook, struct slice id)
{
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        if (slice_equal(playbook->segments.defs[i].id, id)) {
            return true;
        }
    }
    return false;
}

/* Segments that are live and no longer written down. False: more than fit. */
static bool write_retired(struct planning *planning, const struct playbook *next, size_t *out_size)
{
    const struct segments *live = &planning->plan.live.replay.opened.playbook->segments;
    size_t size = 0;
    for (uint32_t i = 0; i < live->count; i++) {
        const struct segment_def *def = &live->defs[i];
        if (has_segment(next, def->id) || (def->retired && planning->drop_retired)) {
            continue;
        }
        int more = snprintf(planning->retired + size, RETIRED_SIZE - size,
                            "%s  %.*s: {retired: true, version: %d}\n",
                            size == 0 ? "segments:\n" : "", SLICE_ARG(def->id), def->version);
        if (more < 0 || (size_t)more >= RETIRED_SIZE - size) {
            return false;
        }
        size += (size_t)more;
    }
    *out_size = size;
    return true;
}

/* The new playbook, with what it retires as a file of its own. */
static int open_next(struct planning *planning)
{
    struct opened *opened = &planning->plan.filled.replay.opened;
    size_t size = 0;
    opened->zones = planning->plan.live.replay.opened.zones;
    int code = opened_playbook("plan", planning->playbook, false, opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    bundle_of(opened->playbook, &planning->next_bundle);
    if (!write_retired(planning, opened->playbook, &size)) {
        (void)fputs("segue plan: too many segments would be retired at once\n", stderr);
        return EXIT_NO;
    }
    if (size > 0) {
        struct bundle *bundle = &planning->next_bundle;
        if (bundle->file_count == PLAYBOOK_FILES_MAX) {
            (void)fprintf(stderr, "segue plan: more than %d files\n", PLAYBOOK_FILES_MAX - 1);
            return EXIT_NO;
        }
        bundle->files[bundle->file_count++] =
            (struct playbook_text){"retired.yaml", slice_of(planning->retired, size)};
        code = opened_texts("plan", planning->playbook, bundle->files, bundle->file_count, opened);
    }
    planning->next_bundle.hash = opened->playbook->hash;
    planning->next_bundle.replaces = planning->applied != 0
                                         ? planning->applied
                                         : planning->plan.live.replay.opened.playbook->hash;
    return code;
}

static int open_sides(struct planning *planning)
{
    int code = open_live(planning);
    code = code == EXIT_GOOD ? open_next(planning) : code;
    return code == EXIT_GOOD ? plan_open(&planning->plan, (uint32_t)planning->tasks, planning->salt)
                             : code;
}

static bool save(const struct planning *planning, json_t *report)
{
    char *bundle = bundle_write(&planning->next_bundle, "");
    json_t *whole = json_copy(report);
    bool good = bundle != NULL && whole != NULL &&
                json_object_set_new(whole, "segue_plan", json_integer(1)) == 0 &&
                json_object_set_new(whole, "bundle", json_loads(bundle, 0, NULL)) == 0 &&
                json_dump_file(whole, planning->out, JSON_INDENT(1)) == 0;
    free(bundle);
    json_decref(whole);
    if (!good) {
        (void)fprintf(stderr,
                      "segue plan: %s: cannot be written, or the playbook is larger than %d KiB\n",
                      planning->out, BUNDLE_SIZE_MAX / 1024);
    }
    return good;
}

static int compare(struct planning *planning, struct event_files *files)
{
    struct event event;
    bool good = true;
    while (good && event_files_next(files, &event, on_bad, planning)) {
        good = plan_event(&planning->plan, &event);
    }
    json_t *report = plan_finish(&planning->plan);
    if (report == NULL) {
        (void)fputs("segue plan: out of memory\n", stderr);
        return EXIT_NO;
    }
    if (planning->json) {
        (void)json_dumpf(report, stdout, JSON_INDENT(1));
        (void)puts("");
    } else {
        plan_print(report, planning->all, stdout);
    }
    good = planning->out == NULL || save(planning, report);
    if (good && planning->out != NULL && !planning->json) {
        (void)printf("\nsaved: %s    make it live: segue apply ", planning->out);
        connect_print_option(planning->config, stdout);
        (void)puts(planning->out);
    }
    json_decref(report);
    if (planning->bad > 0) {
        (void)fprintf(stderr, "segue plan: lines or records that are no event, skipped: %llu\n",
                      (unsigned long long)planning->bad);
    }
    return good && planning->bad == 0 ? EXIT_GOOD : EXIT_NO;
}

static bool take_options(struct planning *planning, int argument_count, char **arguments,
                         int *out_code)
{
    static const struct option known[] = {{"playbook", required_argument, NULL, 'p'},
                                          {"live", required_argument, NULL, 'l'},
                                          {"config", required_argument, NULL, 'c'},
                                          {"events", no_argument, NULL, 'e'},
                                          {"source", required_argument, NULL, 's'},
                                          {"tasks", required_argument, NULL, 't'},
                                          {"out", required_argument, NULL, 'o'},
                                          {"drop-retired", no_argument, NULL, 'd'},
                                          {"all", no_argument, NULL, 'a'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *out_code = EXIT_USAGE;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "c:", known, NULL)) != -1) {
        switch (option) {
        case 'p':
            planning->playbook = optarg;
            break;
        case 'l':
            planning->live_path = optarg;
            break;
        case 'c':
            planning->config = optarg;
            break;
        case 'e':
            break;
        case 's':
            if (!event_files_source("plan", optarg, &planning->container_source)) {
                return false;
            }
            break;
        case 't':
            planning->tasks = strtol(optarg, NULL, 10);
            break;
        case 'o':
            planning->out = optarg;
            break;
        case 'd':
            planning->drop_retired = true;
            break;
        case 'a':
            planning->all = true;
            break;
        case 'j':
            planning->json = true;
            break;
        case 'h':
            *out_code = EXIT_GOOD;
            (void)fputs(help, stdout);
            return false;
        default:
            (void)fputs(help, stderr);
            return false;
        }
    }
    if (planning->playbook == NULL || optind == argument_count || planning->tasks < 1 ||
        planning->tasks > REPLAY_TASKS_MAX) {
        (void)fputs(help, stderr);
        return false;
    }
    return true;
}

int plan_run(int argument_count, char **arguments)
{
    static struct planning planning = {.config = connect_config_default,
                                       .salt = "segue",
                                       .tasks = 1,
                                       .container_source = EVENT_CONTAINER_ANY};
    struct event_files *files;
    struct status_text text;
    int code;
    if (!take_options(&planning, argument_count, arguments, &code)) {
        return code;
    }
    planning.plan.ids = planning.json;
    code = open_sides(&planning);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (event_files_open((const char *const *)arguments + optind,
                         (uint32_t)(argument_count - optind), (uint32_t)planning.tasks,
                         planning.container_source, &files, &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue plan: %s\n", text.text);
        return EXIT_NO;
    }
    return compare(&planning, files);
}
