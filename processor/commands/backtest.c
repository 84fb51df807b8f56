/* SPDX-License-Identifier: Apache-2.0 */
/* segue backtest: a playbook over event files, without Kafka or Redis. The same engine, the same
 * clock rule as `clock: stream`; outputs in the order in which they
 * were decided. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/memory.h"
#include "codec/encode_json.h"
#include "commands/all.h"
#include "commands/event_files.h"
#include "commands/replay.h"
#include "settings/settings.h"

static const char help[] =
    "usage: segue backtest [OPTION..] --events FILE..\n\n"
    "  --playbook PATH   file or folder (default config/playbooks/retail)\n"
    "  --events FILE..   NDJSON, one {\"source\":..,\"event\":{..}} a line, or an Avro container "
    "file "
    "(codecs null and\n"
    "                    deflate); - is standard input; the sources of a task merge by event time, "
    "each source\n"
    "                    of a file in its own order\n"
    "  --source NAME     what the containers hold (default: the source whose contract has the "
    "schema's name)\n"
    "  --tasks N         divide customers as N partitions do (default 1)\n"
    "  --salt TEXT       of holdouts and arms, as in the configuration (default segue)\n"
    "  --application A   name in ce_source (default segue)\n"
    "  --prefix TEXT     of output topics (default segue.)\n"
    "  --state FILE      write every customer at the end: "
    "{\"customer\":..,\"task\":..,\"view\":{..}} a line\n"
    "  --quiet           no summary on stderr\n\n"
    "Outputs go to stdout as NDJSON. Lines and records that are no event are reported with their "
    "place and skipped;\n"
    "then the exit code is 1.\n";

enum {
    LINE_SIZE = 2 << 20,
    WORKING_SIZE = 512 << 20,
    BAD_LINES_SHOWN = 20,
};

struct backtest {
    struct replay replay;
    struct event_files *files;
    struct encode_facts facts;
    const char *prefix;
    char topics[OUTPUT_KIND_COUNT][128];
    uint8_t *line;
    uint64_t outputs, bad;
    const char *state;
    int32_t container_source;
};

static void write_effects(void *context, struct effects *effects, int64_t now_ms)
{
    struct backtest *backtest = context;
    backtest->facts.processed_at_ms = now_ms;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct output *output = &effects->outputs[i];
        size_t size =
            encode_json_output(output, &backtest->facts, slice_text(backtest->topics[output->kind]),
                               &effects->arena, backtest->line, LINE_SIZE);
        backtest->replay.failed |= size == 0 || fwrite(backtest->line, 1, size, stdout) != size;
    }
    backtest->outputs += effects->count;
}

static void on_bad(void *context, const struct event_files_bad *bad)
{
    struct backtest *backtest = context;
    if (backtest->bad++ < BAD_LINES_SHOWN) {
        event_files_show_bad(bad);
    }
}

static void put_json(FILE *out, struct slice text)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\' || c < 0x20) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
    (void)fputc('"', out);
}

static bool write_state(struct backtest *backtest)
{
    static struct view_change changes[ENGINE_VIEW_FIELDS_MAX];
    FILE *out = fopen(backtest->state, "w");
    if (out == NULL) {
        perror(backtest->state);
        return false;
    }
    for (uint32_t i = 0; i < customers_count(backtest->replay.customers); i++) {
        struct customer *customer = customers_at(backtest->replay.customers, i);
        if (customer == NULL || customer->erased) {
            continue;
        }
        arena_reset(&backtest->replay.effects.arena);
        uint32_t count = engine_view(backtest->replay.opened.engine, customer,
                                     &backtest->replay.effects.arena, changes);
        (void)fputs("{\"customer\":", out);
        put_json(out, customer_id(customer));
        (void)fprintf(out, ",\"task\":%u,\"view\":{",
                      hash_partition(customer_id(customer), backtest->replay.task_count));
        bool first = true;
        for (uint32_t j = 0; j < count; j++) {
            if (!changes[j].remove) {
                (void)fputs(first ? "" : ",", out);
                put_json(out, changes[j].name);
                (void)fputc(':', out);
                put_json(out, changes[j].text);
                first = false;
            }
        }
        (void)fputs("}}\n", out);
    }
    bool good = ferror(out) == 0;
    good = fclose(out) == 0 && good;
    if (!good) {
        (void)fprintf(stderr, "segue backtest: %s cannot be written; is the disk full?\n",
                      backtest->state);
    }
    return good;
}

static int open_all(struct backtest *backtest, const char *playbook, const char *salt)
{
    struct replay *replay = &backtest->replay;
    int code = opened_playbook("backtest", playbook, false, &replay->opened);
    if (code == EXIT_GOOD) {
        replay->on_effects = write_effects;
        replay->context = backtest;
        code = replay_open("backtest", replay, salt, WORKING_SIZE);
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    backtest->line = memory_take(LINE_SIZE, "output line");
    for (uint32_t i = 0; i < OUTPUT_KIND_COUNT; i++) {
        (void)snprintf(backtest->topics[i], sizeof(backtest->topics[i]), "%s%s", backtest->prefix,
                       output_topic((enum output_kind)i));
    }
    return EXIT_GOOD;
}

static void summary(const struct backtest *backtest, double seconds)
{
    (void)fprintf(stderr,
                  "events: %" PRIu64 "\ncustomers: %u\noutputs: %" PRIu64 "\nbad lines: %" PRIu64
                  "\nseconds: %.3f\nevents per second: %.0f\n",
                  backtest->replay.events, customers_count(backtest->replay.customers),
                  backtest->outputs, backtest->bad, seconds,
                  seconds > 0 ? (double)backtest->replay.events / seconds : 0);
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run(struct backtest *backtest, bool quiet)
{
    struct event event;
    double begin = seconds_now();
    (void)setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    while (!backtest->replay.failed &&
           event_files_next(backtest->files, &event, on_bad, backtest)) {
        replay_event(&backtest->replay, &event);
    }
    replay_finish(&backtest->replay);
    if (backtest->bad > 0) {
        (void)fprintf(stderr,
                      "segue backtest: lines or records that are no event, skipped: %" PRIu64 "\n",
                      backtest->bad);
    }
    backtest->replay.failed |= fflush(stdout) != 0;
    if (backtest->state != NULL && !write_state(backtest)) {
        return EXIT_NO;
    }
    if (!quiet) {
        summary(backtest, seconds_now() - begin);
    }
    if (backtest->replay.failed) {
        (void)fputs("segue backtest: stopped: the output cannot be written, or memory is short\n",
                    stderr);
        return EXIT_NO;
    }
    return backtest->bad > 0 ? EXIT_NO : EXIT_GOOD;
}

static int open_events(struct backtest *backtest, char **paths, uint32_t count)
{
    struct status_text text;
    if (event_files_open((const char *const *)paths, count, backtest->replay.task_count,
                         backtest->container_source, &backtest->files, &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue backtest: %s\n", text.text);
        return EXIT_NO;
    }
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        backtest->facts.topics[i] = slice_text(settings_default_topic((enum source)i));
    }
    return EXIT_GOOD;
}

struct backtest_options {
    const char *playbook, *salt, *application;
    long tasks;
    bool quiet;
};

/* False: *out_code ends the command. */
static bool take_options(struct backtest *backtest, struct backtest_options *out, int count,
                         char **arguments, int *out_code)
{
    static const struct option options[] = {{"playbook", required_argument, NULL, 'p'},
                                            {"events", no_argument, NULL, 'e'},
                                            {"source", required_argument, NULL, 'c'},
                                            {"tasks", required_argument, NULL, 't'},
                                            {"salt", required_argument, NULL, 's'},
                                            {"application", required_argument, NULL, 'a'},
                                            {"prefix", required_argument, NULL, 'x'},
                                            {"state", required_argument, NULL, 'o'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    *out_code = EXIT_USAGE;
    optind = 1;
    while ((option = getopt_long(count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            out->playbook = optarg;
            break;
        case 'e':
            break;
        case 'c':
            if (!event_files_source("backtest", optarg, &backtest->container_source)) {
                return false;
            }
            break;
        case 't':
            out->tasks = strtol(optarg, NULL, 10);
            break;
        case 's':
            out->salt = optarg;
            break;
        case 'a':
            out->application = optarg;
            break;
        case 'x':
            backtest->prefix = optarg;
            break;
        case 'o':
            backtest->state = optarg;
            break;
        case 'q':
            out->quiet = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            *out_code = EXIT_GOOD;
            return false;
        default:
            (void)fputs(help, stderr);
            return false;
        }
    }
    return true;
}

int backtest_run(int argument_count, char **arguments)
{
    static struct backtest backtest = {.prefix = "segue.", .container_source = EVENT_CONTAINER_ANY};
    struct backtest_options options = {
        .playbook = "config/playbooks/retail", .salt = "segue", .application = "segue", .tasks = 1};
    int code;
    if (!take_options(&backtest, &options, argument_count, arguments, &code)) {
        return code;
    }
    if (optind == argument_count || options.tasks < 1 || options.tasks > REPLAY_TASKS_MAX) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    backtest.replay.task_count = (uint32_t)options.tasks;
    code = open_all(&backtest, options.playbook, options.salt);
    if (code == EXIT_GOOD) {
        code = open_events(&backtest, arguments + optind, (uint32_t)(argument_count - optind));
    }
    if (code != EXIT_GOOD) {
        return code;
    }
    backtest.facts.application = slice_text(options.application);
    return run(&backtest, options.quiet);
}
