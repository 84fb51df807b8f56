/* SPDX-License-Identifier: Apache-2.0 */
/* segue tail: committed records of Segue's topics as NDJSON, as they come. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/diagnostic.h"
#include "base/show.h"
#include "commands/all.h"
#include "commands/avro_records.h"
#include "commands/connect.h"
#include "commands/topic_list.h"
#include "io/kafka_reader.h"

enum { TAIL_TIMEOUT_MS = 10000, TAIL_POLL_MS = 200 };

static const char help[] =
    "usage: segue tail [--config FILE] [--from-start] [--once] [TOPIC..]\n\n"
    "Prints committed records as "
    "{\"topic\":..,\"partition\":..,\"offset\":..,\"key\":..,\"value\":{..}} a line.\n"
    "TOPIC: segment-changes, life-events, offers, dead-letters, ... or a whole topic name "
    "(default: the first three).\n\n"
    "  --from-start   everything from the first record (default: only what comes)\n"
    "  --once         end when the end is reached\n";

struct tail {
    struct connect connect;
    struct registry *registry;
    struct avro_records records;
    const char *topics[TOPIC_LIST_MAX];
    uint32_t topic_count;
    const char *strange; /* the first that Segue neither reads nor writes; NULL: none */
};

static volatile sig_atomic_t stopping;

static void on_signal(int number UNUSED)
{
    stopping = 1;
}

static void print_value(struct tail *tail, const struct log_record *record)
{
    if (!record->has_value) {
        (void)fputs("null", stdout);
        return;
    }
    char *text = avro_records_text(&tail->records, record);
    (void)fputs(text != NULL ? text : "{\"error\":\"not decodable\"}", stdout);
    free(text);
}

static void print_record(struct tail *tail, const struct log_record *record)
{
    (void)fputs("{\"topic\":", stdout);
    show_json(slice_text(tail->topics[record->source]), stdout);
    (void)printf(",\"partition\":%u,\"offset\":%lld,\"key\":", record->partition,
                 (long long)record->offset);
    if (record->has_key) {
        show_json(record->key, stdout);
    } else {
        (void)fputs("null", stdout);
    }
    (void)fputs(",\"headers\":{", stdout);
    for (uint32_t i = 0; i < record->header_count; i++) {
        (void)fputs(i == 0 ? "" : ",", stdout);
        show_json(record->headers[i].name, stdout);
        (void)fputc(':', stdout);
        show_json(record->headers[i].value, stdout);
    }
    (void)fputs("},\"value\":", stdout);
    print_value(tail, record);
    (void)fputs("}\n", stdout);
}

/* "offers" -> the configured topic of that output; anything else is a topic's whole name. */
static const char *topic_of(struct tail *tail, const char *name)
{
    const struct settings *settings = &tail->connect.settings;
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        if (strcmp(name, output_topic((enum output_kind)kind)) == 0) {
            return settings->topics[kind];
        }
    }
    if (tail->strange == NULL && !topic_list_has(settings, name)) {
        tail->strange = name;
    }
    return name;
}

/* Without names: what was decided. False: one cannot be printed, or they are too many; said why. */
static bool take_topics(struct tail *tail, char **names, uint32_t count)
{
    static const enum output_kind usual[] = {OUTPUT_SEGMENT_CHANGED, OUTPUT_LIFE_EVENT,
                                             OUTPUT_OFFER_DECIDED};
    for (size_t i = 0; count == 0 && i < ARRAY_COUNT(usual); i++) {
        tail->topics[tail->topic_count++] = tail->connect.settings.topics[usual[i]];
    }
    if (count > ARRAY_COUNT(tail->topics)) {
        (void)fprintf(stderr, "segue tail: %u topics, at most %zu at a time\n", count,
                      ARRAY_COUNT(tail->topics));
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *packed = topic_list_packed(&tail->connect.settings, names[i]);
        if (packed != NULL) {
            (void)fprintf(stderr, "segue tail: `%s` cannot be printed, its values are packed: %s\n",
                          names[i], packed);
            return false;
        }
        tail->topics[tail->topic_count++] = topic_of(tail, names[i]);
    }
    return true;
}

/* Perhaps it is a topic of the bank's; if it cannot be read, here is what was perhaps meant, and all that can. */
static void say_names(const struct tail *tail)
{
    const struct settings *settings = &tail->connect.settings;
    const char *names[OUTPUT_KIND_COUNT + SOURCE_COUNT];
    uint32_t count = 0;
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        names[count++] = output_topic((enum output_kind)kind);
    }
    for (int source = 0; source < SOURCE_COUNT; source++) {
        if (settings->sources[source].used) {
            names[count++] = settings->sources[source].topic;
        }
    }
    const char *near = diagnostic_nearest(slice_text(tail->strange), names, count);
    (void)fprintf(stderr, "segue tail: `%s` is no name that Segue has", tail->strange);
    if (near != NULL) {
        (void)fprintf(stderr, "; did you mean `%s`?\n", near);
    }
    (void)fputs(near != NULL ? "  It has" : ". It has", stderr);
    for (uint32_t i = 0; i < count; i++) {
        (void)fprintf(stderr, "%s %s", i == 0 ? "" : ",", names[i]);
    }
    (void)fputs("; anything else is a topic's whole name\n", stderr);
}

static int follow(struct tail *tail, enum kafka_reader_start start, bool once)
{
    struct kafka_reader *reader;
    struct status_text text;
    struct log_record record;
    enum status status = kafka_reader_open(&tail->connect.kafka, tail->topics, tail->topic_count,
                                           start, TAIL_TIMEOUT_MS, &reader, &text);
    if (status != STATUS_OK) {
        int code = connect_fail("tail", status, &text);
        if (status == STATUS_INVALID && tail->strange != NULL) {
            say_names(tail);
        }
        return code;
    }
    bool printed = false;
    while (!stopping) {
        /* What is printed leaves at once when nothing more is at hand: others wait for it. */
        status = kafka_reader_next(reader, printed ? 0 : TAIL_POLL_MS, &record, &text);
        if (status == STATUS_OK) {
            print_record(tail, &record);
            printed = true;
            continue;
        }
        printed = false;
        if (fflush(stdout) != 0 || status != STATUS_RETRY ||
            (once && kafka_reader_at_end(reader))) {
            break;
        }
    }
    kafka_reader_close(reader);
    bool failed = status != STATUS_OK && status != STATUS_RETRY;
    return failed ? connect_fail("tail", status, &text) : EXIT_GOOD;
}

int tail_run(int argument_count, char **arguments)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"from-start", no_argument, NULL, 's'},
                                          {"once", no_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static struct tail tail;
    const char *config = connect_config_default;
    enum kafka_reader_start start = KAFKA_READER_LATEST;
    bool once = false;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "c:", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 's':
            start = KAFKA_READER_EARLIEST;
            break;
        case 'o':
            once = true;
            break;
        default:
            (void)fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_GOOD : EXIT_USAGE;
        }
    }
    if (!connect_load(config, &tail.connect)) {
        return EXIT_CONFIG;
    }
    if (!take_topics(&tail, arguments + optind, (uint32_t)(argument_count - optind))) {
        return EXIT_USAGE;
    }
    struct status_text text;
    struct registry_settings registry = connect_registry(&tail.connect);
    enum status status = registry_open(&tail.registry, &registry, &text);
    if (status != STATUS_OK) {
        return connect_fail("tail", status, &text);
    }
    avro_records_init(&tail.records, tail.registry, &stopping);
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    int code = follow(&tail, start, once);
    registry_close(tail.registry);
    return code;
}
