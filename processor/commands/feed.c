/* SPDX-License-Identifier: Apache-2.0 */
/* segue feed: event files onto the source topics, as an upstream system would publish them: Avro of
 * the contract's schemas, key = customer, Kafka's default partitioner. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/show.h"
#include "codec/encode.h"
#include "codec/ndjson.h"
#include "codec/schemas.h"
#include "commands/all.h"
#include "commands/connect.h"
#include "commands/contract.h"
#include "io/clock.h"
#include "io/kafka_feeder.h"

static const char help[] =
    "usage: segue feed [--config FILE] [--rate N] FILE..\n\n"
    "Publishes events (NDJSON, one {\"source\":..,\"event\":{..}} a line; `-`: standard input) to "
    "the topics of\n"
    "the configuration's sources. A bad line is reported as file:line:column and not published; "
    "the others are;\n"
    "then the exit code is 1.\n\n"
    "  --config FILE   default config/segue.yaml\n"
    "  --rate N        at most N events a second (default: as fast as Kafka takes them)\n";

enum {
    TIMEOUT_MS = 15000,
    FLUSH_TIMEOUT_MS = 120000,
    BAD_LINES_SHOWN = 20,
    ARENA_SIZE = 4 * NDJSON_LINE_SIZE_MAX,
    SCHEMA_ARENA_SIZE = 4 << 20,
    PROGRESS_EVERY = 4096, /* events */
};

struct feed_source {
    const struct encoder *encoder; /* NULL: not opened yet */
    uint32_t schema_id;
};

struct feed {
    struct connect connect;
    struct registry *registry;
    struct kafka_feeder *feeder;
    struct arena arena;        /* of one line */
    struct arena schema_arena; /* of encoders */
    uint8_t *value;            /* ENCODE_SIZE_MAX */
    struct feed_source sources[SOURCE_COUNT];
    double rate; /* events a second; 0: no bound */
    uint64_t count;
    uint64_t bad_count;
    int64_t begin_us;
    bool progress;
};

static enum status open_source(struct feed *feed, enum source source, struct status_text *out_text)
{
    struct feed_source *out = &feed->sources[source];
    if (out->encoder != NULL) {
        return STATUS_OK;
    }
    if (!feed->connect.settings.sources[source].used) {
        return status_fail(out_text, STATUS_INVALID, "source `%s` is not in the configuration",
                           source_name(source));
    }
    const struct schema *schema = NULL;
    struct slice text = schemas_text(schemas_name_of_source(source));
    enum status status = schema_parse(text, NULL, 0, &feed->schema_arena, &schema, out_text);
    if (status == STATUS_OK) {
        status =
            contract_id(feed->registry, feed->connect.settings.sources[source].topic,
                        schemas_name_of_source(source),
                        feed->connect.settings.registry.auto_register, &out->schema_id, out_text);
    }
    if (status == STATUS_OK) {
        status =
            encoder_compile_event(source, schema, &feed->schema_arena, &out->encoder, out_text);
    }
    return status;
}

static bool is_erase(const struct event *event)
{
    return event->source == SOURCE_CUSTOMER_PROFILES && event->profile.erase;
}

static enum status publish(struct feed *feed, const struct event *event,
                           struct status_text *out_text)
{
    const struct feed_source *source = &feed->sources[event->source];
    struct log_write write = {
        .topic = feed->connect.settings.sources[event->source].topic,
        .partition = -1,
        .key = event->customer_id,
        .has_key = true,
        .has_value = !is_erase(event),
    };
    if (write.has_value) {
        size_t size =
            encode_event(source->encoder, event, source->schema_id, feed->value, ENCODE_SIZE_MAX);
        if (size == 0) {
            return status_fail(out_text, STATUS_INVALID, "the event is larger than %d bytes",
                               ENCODE_SIZE_MAX);
        }
        write.value = slice_of(feed->value, size);
    }
    return kafka_feeder_put(feed->feeder, &write, out_text);
}

static void show_progress(const struct feed *feed, const char *end)
{
    double seconds =
        (double)(clock_system()->ops->monotonic_us(clock_system()) - feed->begin_us) / 1e6;
    (void)fprintf(stderr, "\r  %llu event%s, %.0f a second%s", (unsigned long long)feed->count,
                  show_s(feed->count), seconds > 0 ? (double)feed->count / seconds : 0.0, end);
}

/* Not ahead of the rate; in steps that a small timer error does not add up in. */
static void keep_rate(const struct feed *feed)
{
    if (feed->rate <= 0) {
        return;
    }
    int64_t due_us = feed->begin_us + (int64_t)((double)feed->count * 1e6 / feed->rate);
    int64_t early_us = due_us - clock_system()->ops->monotonic_us(clock_system());
    if (early_us > 1000) {
        (void)usleep((useconds_t)(early_us < 1000000 ? early_us : 999999));
    }
}

static void bad_line(struct feed *feed, const char *path, uint64_t line, uint32_t column,
                     const char *text)
{
    if (feed->bad_count++ < BAD_LINES_SHOWN) {
        (void)fprintf(stderr, "%s%s:%llu:%u: ", feed->progress ? "\r" : "", path,
                      (unsigned long long)line, column);
        show_text(slice_text(text), stderr);
        (void)fputc('\n', stderr);
    } else if (feed->bad_count == BAD_LINES_SHOWN + 1) {
        (void)fprintf(stderr, "%s: further bad lines are only counted\n", path);
    }
}

/* STATUS_OK also for a line that was refused; others end the command. */
static enum status feed_line(struct feed *feed, const char *path, uint64_t number,
                             struct slice line, struct status_text *out_text)
{
    struct event event;
    struct ndjson_error error;
    arena_reset(&feed->arena);
    enum status status = ndjson_parse(line, &feed->arena, &event, &error);
    if (status != STATUS_OK) {
        bad_line(feed, path, number, status == STATUS_INVALID ? error.column : 1,
                 status == STATUS_INVALID ? error.text.text : "the line is too large");
        return STATUS_OK;
    }
    status = open_source(feed, (enum source)event.source, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    status = publish(feed, &event, out_text);
    if (status == STATUS_INVALID) {
        bad_line(feed, path, number, 1, out_text->text);
        return STATUS_OK;
    }
    if (status == STATUS_OK && ++feed->count % PROGRESS_EVERY == 0) {
        if (feed->progress) {
            show_progress(feed, "");
        }
        if (kafka_feeder_counts(feed->feeder).failed > 0) {
            return status_fail(out_text, STATUS_AWAY, "%s",
                               kafka_feeder_counts(feed->feeder).first_failure.text);
        }
    }
    keep_rate(feed);
    return status;
}

static enum status feed_file(struct feed *feed, const char *path, struct status_text *out_text)
{
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "re");
    if (file == NULL) {
        return status_fail(out_text, STATUS_INVALID, "%s: %s", path, strerror(errno));
    }
    char *line = NULL;
    size_t room = 0;
    uint64_t number = 0;
    enum status status = STATUS_OK;
    ssize_t size;
    while (status == STATUS_OK && (size = getline(&line, &room, file)) >= 0) {
        number++;
        while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r')) {
            size--;
        }
        if (size > NDJSON_LINE_SIZE_MAX) {
            bad_line(feed, path, number, 1, "the line is too large");
        } else if (size > 0) {
            status = feed_line(feed, path, number, slice_of(line, (size_t)size), out_text);
        }
    }
    if (status == STATUS_OK && ferror(file) != 0) {
        status = status_fail(out_text, STATUS_INVALID, "%s: %s", path, strerror(errno));
    }
    free(line);
    if (!standard_input) {
        (void)fclose(file);
    }
    return status;
}

static enum status feed_open(struct feed *feed, struct status_text *out_text)
{
    struct registry_settings registry = connect_registry(&feed->connect);
    arena_init(&feed->arena, memory_take(ARENA_SIZE, "feed: line"), ARENA_SIZE);
    arena_init(&feed->schema_arena, memory_take(SCHEMA_ARENA_SIZE, "feed: schemas"),
               SCHEMA_ARENA_SIZE);
    feed->value = memory_take(ENCODE_SIZE_MAX, "feed: value");
    feed->begin_us = clock_system()->ops->monotonic_us(clock_system());
    feed->progress = isatty(STDERR_FILENO) == 1;
    enum status status = registry_open(&feed->registry, &registry, out_text);
    return status == STATUS_OK
               ? kafka_feeder_open(&feed->connect.kafka, TIMEOUT_MS, &feed->feeder, out_text)
               : status;
}

/* A name that is mistyped is told before anything is sent. */
static bool all_readable(char **paths, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(paths[i], "-") != 0 && access(paths[i], R_OK) != 0) {
            (void)fprintf(stderr, "segue feed: %s: %s\n", paths[i], strerror(errno));
            return false;
        }
    }
    return true;
}

static int feed_files(struct feed *feed, char **paths, int count)
{
    struct status_text text = {""};
    enum status status = feed_open(feed, &text);
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        status = feed_file(feed, paths[i], &text);
    }
    if (feed->feeder != NULL) {
        enum status flushed =
            kafka_feeder_flush(feed->feeder, FLUSH_TIMEOUT_MS, status == STATUS_OK ? &text : NULL);
        struct kafka_feeder_counts counts = kafka_feeder_counts(feed->feeder);
        if (status == STATUS_OK) {
            status = flushed;
        }
        if (status == STATUS_OK && counts.failed > 0) {
            status = status_fail(&text, STATUS_AWAY, "%llu event%s not delivered; the first: %s",
                                 (unsigned long long)counts.failed,
                                 counts.failed == 1 ? " is" : "s are", counts.first_failure.text);
        }
        feed->count = counts.delivered;
        kafka_feeder_close(feed->feeder);
    }
    if (feed->registry != NULL) {
        registry_close(feed->registry);
    }
    show_progress(feed, "\n");
    if (feed->bad_count > 0) {
        (void)fprintf(stderr, "  %llu line%s refused\n", (unsigned long long)feed->bad_count,
                      show_s(feed->bad_count));
    }
    if (status != STATUS_OK) {
        return connect_fail("feed", status, &text);
    }
    return feed->bad_count > 0 ? EXIT_NO : EXIT_GOOD;
}

int feed_run(int argument_count, char **arguments)
{
    static struct feed feed;
    static const struct option table[] = {{"config", required_argument, NULL, 'c'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *config = connect_config_default;
    char *end = NULL;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", table, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'r':
            feed.rate = strtod(optarg, &end);
            if (end == optarg || *end != '\0' || !isfinite(feed.rate) || feed.rate <= 0) {
                (void)fprintf(stderr, "segue feed: --rate: `%s` is not a number above 0\n", optarg);
                return EXIT_USAGE;
            }
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_GOOD;
        default:
            (void)fputs(help, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind >= argument_count) {
        (void)fputs("segue feed: which file? `-` is standard input\n", stderr);
        return EXIT_USAGE;
    }
    if (!all_readable(arguments + optind, argument_count - optind)) {
        return EXIT_NO;
    }
    if (!connect_load(config, &feed.connect)) {
        return EXIT_CONFIG;
    }
    return feed_files(&feed, arguments + optind, argument_count - optind);
}
