/* SPDX-License-Identifier: Apache-2.0 */
/* segue backtest: a playbook over event files, without Kafka or Redis. The same engine, the same
 * clock rule as `clock: stream`, tasks as murmur2 deals them; outputs in the order in which they
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
#include "commands/customers.h"
#include "commands/event_files.h"
#include "commands/opened.h"
#include "settings/settings.h"

static const char help[] =
    "usage: segue backtest [OPTION..] --events FILE..\n\n"
    "  --playbook PATH   file or folder (default config/playbooks/retail)\n"
    "  --events FILE..   NDJSON, one {\"source\":..,\"event\":{..}} a line; - is standard input; "
    "the sources of a task\n"
    "                    merge by event time, each source of a file in its own order\n"
    "  --tasks N         divide customers as N partitions do (default 1)\n"
    "  --salt TEXT       of holdouts and arms, as in the configuration (default segue)\n"
    "  --application A   name in ce_source (default segue)\n"
    "  --prefix TEXT     of output topics (default segue.)\n"
    "  --state FILE      write every customer at the end: "
    "{\"customer\":..,\"task\":..,\"view\":{..}} a line\n"
    "  --quiet           no summary on stderr\n\n"
    "Outputs go to stdout as NDJSON. Lines that are no event are reported with file and line and "
    "skipped.\n";

enum {
    TASKS_MAX = 100000,
    OUTPUTS = 1024,
    EFFECTS_SIZE = 8 << 20,
    LINE_SIZE = 2 << 20,
    WORKING_SIZE = 512 << 20,
    BAD_LINES_SHOWN = 20,
};

struct backtest {
    struct opened opened;
    struct event_files *files;
    struct customers *customers;
    uint8_t *tasks; /* task_count blocks of task_size bytes */
    size_t task_size;
    int64_t *now_ms;  /* per task; INT64_MIN: no event yet */
    int64_t *offsets; /* per task and source: what the next event's offset would be in its topic */
    uint32_t task_count;
    struct effects effects;
    struct encode_facts facts;
    const char *prefix;
    char topics[OUTPUT_KIND_COUNT][128];
    uint8_t *line;
    uint64_t events, outputs, bad;
    const char *state;
    bool failed; /* stdout is gone, or memory ended */
};

/* Write what was said and forget it. */
static void flush_effects(struct backtest *backtest, int64_t now_ms)
{
    struct effects *effects = &backtest->effects;
    backtest->facts.processed_at_ms = now_ms;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct output *output = &effects->outputs[i];
        size_t size =
            encode_json_output(output, &backtest->facts, slice_text(backtest->topics[output->kind]),
                               &effects->arena, backtest->line, LINE_SIZE);
        backtest->failed |= size == 0 || fwrite(backtest->line, 1, size, stdout) != size;
    }
    backtest->outputs += effects->count;
    effects->count = 0;
    arena_reset(&effects->arena);
}

static void *task_of(struct backtest *backtest, uint32_t task)
{
    return backtest->tasks + task * backtest->task_size;
}

static void advance(struct backtest *backtest, uint32_t task, struct customer *customer)
{
    enum engine_result result;
    do {
        result = engine_advance(backtest->opened.engine, task_of(backtest, task), customer,
                                backtest->now_ms[task], &backtest->effects);
        if (backtest->effects.count > 0) {
            flush_effects(backtest, backtest->now_ms[task]);
        }
    } while (result == ENGINE_MORE);
}

static void process(struct backtest *backtest, struct event *event)
{
    uint32_t task = hash_partition(event->customer_id, backtest->task_count);
    struct customer *customer = customers_get(backtest->customers, event->customer_id);
    if (customer == NULL) {
        backtest->failed = true;
        return;
    }
    event->partition = task;
    event->offset = backtest->offsets[task * SOURCE_COUNT + event->source]++;
    if (event->time_ms > backtest->now_ms[task]) {
        backtest->now_ms[task] = event->time_ms;
    }
    while (engine_event(backtest->opened.engine, task_of(backtest, task), customer, event,
                        backtest->now_ms[task], &backtest->effects) == ENGINE_MORE) {
        flush_effects(backtest, backtest->now_ms[task]);
        advance(backtest, task, customer);
    }
    if (backtest->effects.count > 0) {
        flush_effects(backtest, backtest->now_ms[task]);
    }
}

static void on_bad(void *context, const struct event_files_bad *bad)
{
    struct backtest *backtest = context;
    if (backtest->bad++ < BAD_LINES_SHOWN) {
        (void)fprintf(stderr, "%s:%" PRIu64 ":%u: %s\n", bad->path, bad->line, bad->error.column,
                      bad->error.text.text);
    }
}

/* Deadlines of everybody up to their task's last moment. */
static void finish(struct backtest *backtest)
{
    for (uint32_t i = 0; i < customers_count(backtest->customers) && !backtest->failed; i++) {
        struct customer *customer = customers_at(backtest->customers, i);
        if (customer == NULL) {
            backtest->failed = true;
            return;
        }
        advance(backtest, hash_partition(customer_id(customer), backtest->task_count), customer);
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
    for (uint32_t i = 0; i < customers_count(backtest->customers); i++) {
        struct customer *customer = customers_at(backtest->customers, i);
        if (customer == NULL || customer->erased) {
            continue;
        }
        arena_reset(&backtest->effects.arena);
        uint32_t count =
            engine_view(backtest->opened.engine, customer, &backtest->effects.arena, changes);
        (void)fputs("{\"customer\":", out);
        put_json(out, customer_id(customer));
        (void)fprintf(out, ",\"task\":%u,\"view\":{",
                      hash_partition(customer_id(customer), backtest->task_count));
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
    return fclose(out) == 0 && good;
}

static int open_all(struct backtest *backtest, const char *playbook, const char *salt)
{
    int code = opened_playbook("backtest", playbook, false, &backtest->opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct engine_options options = {.clock = ENGINE_CLOCK_STREAM,
                                     .live_from_ms = INT64_MIN,
                                     .salt = hash64(slice_text(salt), 0),
                                     .task_count = backtest->task_count};
    code = opened_engine("backtest", options, &backtest->opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    const struct engine *engine = backtest->opened.engine;
    backtest->customers = customers_open(engine, WORKING_SIZE);
    if (backtest->customers == NULL) {
        (void)fputs("segue backtest: out of memory\n", stderr);
        return EXIT_NO;
    }
    backtest->task_size = (engine_task_size(engine) + 63) / 64 * 64;
    backtest->tasks = memory_take(backtest->task_count * backtest->task_size, "tasks");
    backtest->now_ms = memory_take(backtest->task_count * sizeof(int64_t), "tasks");
    backtest->offsets = memory_take(backtest->task_count * SOURCE_COUNT * sizeof(int64_t), "tasks");
    for (uint32_t i = 0; i < backtest->task_count; i++) {
        engine_task_init(engine, task_of(backtest, i), i);
        backtest->now_ms[i] = INT64_MIN;
    }
    backtest->effects.outputs = memory_take(OUTPUTS * sizeof(struct output), "effects");
    backtest->effects.capacity = OUTPUTS;
    arena_init(&backtest->effects.arena, memory_take(EFFECTS_SIZE, "effects"), EFFECTS_SIZE);
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
                  backtest->events, customers_count(backtest->customers), backtest->outputs,
                  backtest->bad, seconds, seconds > 0 ? (double)backtest->events / seconds : 0);
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
    while (!backtest->failed && event_files_next(backtest->files, &event, on_bad, backtest)) {
        process(backtest, &event);
        backtest->events++;
    }
    finish(backtest);
    if (backtest->bad > BAD_LINES_SHOWN) {
        (void)fprintf(stderr, "and %" PRIu64 " more lines that are no event\n",
                      backtest->bad - BAD_LINES_SHOWN);
    }
    backtest->failed |= fflush(stdout) != 0;
    if (backtest->state != NULL && !write_state(backtest)) {
        return EXIT_NO;
    }
    if (!quiet) {
        summary(backtest, seconds_now() - begin);
    }
    if (backtest->failed) {
        (void)fputs("segue backtest: stopped: the output cannot be written, or memory is short\n",
                    stderr);
        return EXIT_NO;
    }
    return EXIT_GOOD;
}

int backtest_run(int argument_count, char **arguments)
{
    static const struct option options[] = {{"playbook", required_argument, NULL, 'p'},
                                            {"events", no_argument, NULL, 'e'},
                                            {"tasks", required_argument, NULL, 't'},
                                            {"salt", required_argument, NULL, 's'},
                                            {"application", required_argument, NULL, 'a'},
                                            {"prefix", required_argument, NULL, 'x'},
                                            {"state", required_argument, NULL, 'o'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct backtest backtest;
    const char *playbook = "config/playbooks/retail", *salt = "segue", *application = "segue";
    long tasks = 1;
    bool quiet = false;
    int option;
    backtest.prefix = "segue.";
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            playbook = optarg;
            break;
        case 'e':
            break;
        case 't':
            tasks = strtol(optarg, NULL, 10);
            break;
        case 's':
            salt = optarg;
            break;
        case 'a':
            application = optarg;
            break;
        case 'x':
            backtest.prefix = optarg;
            break;
        case 'o':
            backtest.state = optarg;
            break;
        case 'q':
            quiet = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_GOOD;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind == argument_count || tasks < 1 || tasks > TASKS_MAX) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    struct status_text text;
    backtest.task_count = (uint32_t)tasks;
    int code = open_all(&backtest, playbook, salt);
    if (code != EXIT_GOOD) {
        return code;
    }
    if (event_files_open((const char *const *)arguments + optind,
                         (uint32_t)(argument_count - optind), backtest.task_count, &backtest.files,
                         &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue backtest: %s\n", text.text);
        return EXIT_NO;
    }
    backtest.facts.application = slice_text(application);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        backtest.facts.topics[i] = slice_text(settings_default_topic((enum source)i));
    }
    return run(&backtest, quiet);
}
