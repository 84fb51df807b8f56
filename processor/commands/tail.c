/* SPDX-License-Identifier: Apache-2.0 */
/* segue tail: committed records of Segue's topics as NDJSON, as they come. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "codec/avro_json.h"
#include "codec/framing.h"
#include "codec/schemas.h"
#include "commands/all.h"
#include "commands/connect.h"
#include "io/kafka_reader.h"

enum { TAIL_SCHEMAS_MAX = 64, TAIL_ARENA_SIZE = 4 << 20, TAIL_TIMEOUT_MS = 10000 };

static const char help[] =
    "usage: segue tail [--config FILE] [--from-start] [--once] [TOPIC..]\n\n"
    "Prints committed records as "
    "{\"topic\":..,\"partition\":..,\"offset\":..,\"key\":..,\"value\":{..}} a line.\n"
    "TOPIC: segment-changes, life-events, offers, dead-letters, ... or a whole topic name "
    "(default: the first three).\n\n"
    "  --from-start   everything from the first record (default: only what comes)\n"
    "  --once         end when the end is reached\n";

struct known {
    struct schema_key key;
    const struct schema *schema; /* NULL: it could not be had */
};

struct tail {
    struct connect connect;
    struct registry *registry;
    struct arena arena;
    struct known known[TAIL_SCHEMAS_MAX];
    uint32_t known_count;
    const char *topics[OUTPUT_KIND_COUNT + SOURCE_COUNT];
    uint32_t topic_count;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number UNUSED)
{
    stopping = 1;
}

/* The writer's schema, waiting for the registry at most TAIL_TIMEOUT_MS. NULL when there is none.
 */
static const struct schema *schema_of(struct tail *tail, const struct schema_key *key)
{
    const struct registry_schema *found = NULL;
    const struct schema *schema = NULL;
    struct registry_key asked = {.by_guid = key->is_guid, .id = key->id};
    for (uint32_t i = 0; i < tail->known_count; i++) {
        if (schema_key_equal(&tail->known[i].key, key)) {
            return tail->known[i].schema;
        }
    }
    memcpy(asked.guid, key->guid, sizeof(asked.guid));
    for (int waited_ms = 0; waited_ms < TAIL_TIMEOUT_MS && !stopping; waited_ms += 20) {
        enum registry_state state = registry_ask(tail->registry, &asked, &found);
        if (state == REGISTRY_FOUND || state == REGISTRY_UNKNOWN) {
            break;
        }
        (void)nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    struct status_text text;
    if (found != NULL && schema_parse(found->text, found->references, found->reference_count,
                                      &tail->arena, &schema, &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue tail: schema %u: %s\n", key->id, text.text);
        schema = NULL;
    }
    if (tail->known_count < TAIL_SCHEMAS_MAX) {
        tail->known[tail->known_count++] = (struct known){*key, schema};
    }
    return schema;
}

static void print_value(struct tail *tail, const struct log_record *record)
{
    struct schema_key key;
    struct slice payload;
    char *text = NULL;
    size_t size = 0;
    if (!record->has_value) {
        (void)fputs("null", stdout);
        return;
    }
    const struct schema *schema = NULL;
    if (framing_read(record->value, record->headers, record->header_count, &key, &payload)) {
        schema = schema_of(tail, &key);
    }
    /* Into memory first: a value that breaks off must not leave half a line of JSON. */
    FILE *out = schema == NULL ? NULL : open_memstream(&text, &size);
    bool good = out != NULL && avro_json_write(schema, payload, out);
    if (out != NULL) {
        (void)fclose(out);
    }
    (void)fputs(good ? text : "{\"error\":\"not decodable\"}", stdout);
    free(text);
}

static void print_record(struct tail *tail, const struct log_record *record)
{
    (void)fputs("{\"topic\":", stdout);
    avro_json_text(slice_text(tail->topics[record->source]), stdout);
    (void)printf(",\"partition\":%u,\"offset\":%lld,\"key\":", record->partition,
                 (long long)record->offset);
    if (record->has_key) {
        avro_json_text(record->key, stdout);
    } else {
        (void)fputs("null", stdout);
    }
    (void)fputs(",\"headers\":{", stdout);
    for (uint32_t i = 0; i < record->header_count; i++) {
        (void)fputs(i == 0 ? "" : ",", stdout);
        avro_json_text(record->headers[i].name, stdout);
        (void)fputc(':', stdout);
        avro_json_text(record->headers[i].value, stdout);
    }
    (void)fputs("},\"value\":", stdout);
    print_value(tail, record);
    (void)fputs("}\n", stdout);
}

/* "offers" -> the configured topic of that output; anything else is a topic's whole name. */
static const char *topic_of(const struct settings *settings, const char *name)
{
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        if (strcmp(name, output_topic((enum output_kind)kind)) == 0) {
            return settings->topics[kind];
        }
    }
    return name;
}

static int follow(struct tail *tail, enum kafka_reader_start start, bool once)
{
    struct kafka_reader *reader;
    struct status_text text;
    struct log_record record;
    enum status status = kafka_reader_open(&tail->connect.kafka, tail->topics, tail->topic_count,
                                           start, TAIL_TIMEOUT_MS, &reader, &text);
    if (status != STATUS_OK) {
        return connect_fail("tail", status, &text);
    }
    while (!stopping) {
        status = kafka_reader_next(reader, 200, &record, &text);
        if (status == STATUS_OK) {
            print_record(tail, &record);
            continue;
        }
        if (fflush(stdout) != 0 || status == STATUS_FATAL ||
            (once && kafka_reader_at_end(reader))) {
            break;
        }
    }
    kafka_reader_close(reader);
    return status == STATUS_FATAL ? connect_fail("tail", status, &text) : EXIT_GOOD;
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
    static const enum output_kind usual[] = {OUTPUT_SEGMENT_CHANGED, OUTPUT_LIFE_EVENT,
                                             OUTPUT_OFFER_DECIDED};
    for (int i = optind; i < argument_count && tail.topic_count < ARRAY_COUNT(tail.topics); i++) {
        tail.topics[tail.topic_count++] = topic_of(&tail.connect.settings, arguments[i]);
    }
    for (size_t i = 0; optind == argument_count && i < ARRAY_COUNT(usual); i++) {
        tail.topics[tail.topic_count++] = tail.connect.settings.topics[usual[i]];
    }
    struct status_text text;
    struct registry_settings registry = connect_registry(&tail.connect);
    arena_init(&tail.arena, memory_take(TAIL_ARENA_SIZE, "schemas"), TAIL_ARENA_SIZE);
    enum status status = registry_open(&tail.registry, &registry, &text);
    if (status != STATUS_OK) {
        return connect_fail("tail", status, &text);
    }
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    int code = follow(&tail, start, once);
    registry_close(tail.registry);
    return code;
}
