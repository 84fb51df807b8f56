/* SPDX-License-Identifier: Apache-2.0 */
/* segue check: every mistake in the configuration and the playbook, then the plan that they make.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/show.h"
#include "commands/all.h"
#include "commands/doctor_repartition.h"
#include "commands/opened.h"
#include "io/kafka_log.h"
#include "playbook/keys.h"
#include "settings/settings.h"

enum { TOPICS_TIMEOUT_MS = 5000 };

static const char help[] =
    "usage: segue check [--config FILE] [--playbook PATH] [--json] [--topics | --defaults | "
    "--schema | "
    "--reference]\n\n"
    "Reads the configuration (default config/segue.yaml) and its playbook and reports every error "
    "with file, line and\n"
    "column; then prints the plan: what each feature costs, who reads it, what can change with no "
    "event, memory.\n"
    "  --playbook PATH  check this playbook and no configuration\n"
    "  --json           {\"diagnostics\":[..],\"plan\":{..}} on stdout\n"
    "  --topics         asks Kafka instead: which source needs `segue repartition`, and what it "
    "costs\n"
    "  --defaults       every key of the configuration with its default, bounds and meaning\n"
    "  --schema         JSON Schema of a playbook, for editors\n"
    "  --reference      every key of a playbook as Markdown tables\n";

struct check {
    struct settings settings;
    struct diagnostics settings_diagnostics;
    struct opened opened;
    bool json;
};

/* Ids of a kind, by index. */
static struct slice id_of(const struct playbook *playbook, uint8_t kind, uint32_t index)
{
    switch ((enum playbook_kind)kind) {
    case PLAYBOOK_FEATURE:
        return slice_text(playbook->names[index].name);
    case PLAYBOOK_LIFE_EVENT:
        return playbook->life.defs[index].id;
    case PLAYBOOK_SEGMENT:
        return playbook->segments.defs[index].id;
    case PLAYBOOK_OFFER:
        return playbook->offers.defs[index].id;
    }
    return slice_text("?");
}

static uint64_t hash_of(const struct playbook *playbook, uint8_t kind, uint32_t index)
{
    switch ((enum playbook_kind)kind) {
    case PLAYBOOK_FEATURE:
        return index < playbook->feature_count ? playbook->feature_defs[index].hash : 0;
    case PLAYBOOK_LIFE_EVENT:
        return playbook->life.defs[index].hash;
    case PLAYBOOK_SEGMENT:
        return playbook->segments.defs[index].hash;
    case PLAYBOOK_OFFER:
        return playbook->offers.defs[index].hash;
    }
    return 0;
}

static const char *const kind_names[] = {"feature", "life event", "segment", "offer"};
static const char *const name_prefix[] = {"f.", "life ", "seg ", ""};

/* Can this definition change with no event? An absence, a dwell, a stay, a window that moves on. */
static bool changes_alone(const struct playbook *playbook, uint8_t kind, uint32_t index)
{
    if (kind == PLAYBOOK_OFFER) {
        return false; /* offers are made when something else happens */
    }
    if (kind == PLAYBOOK_LIFE_EVENT) {
        const struct life_def *def = &playbook->life.defs[index];
        if (def->absent.used || def->expires_ms > 0) {
            return true;
        }
    }
    if (kind == PLAYBOOK_SEGMENT) {
        const struct segment_def *def = &playbook->segments.defs[index];
        if (def->on_event || def->dwell_ms > 0 || def->expires_ms > 0) {
            return !def->on_event;
        }
    }
    for (uint32_t i = 0; i < playbook->edge_count; i++) {
        const struct playbook_edge *edge = &playbook->edges[i];
        bool feature = edge->reads_kind == PLAYBOOK_FEATURE;
        if (edge->kind == kind && edge->index == index &&
            (feature ? edge->reads >= playbook->feature_count ||
                           features_cost(playbook->features, edge->reads).changes_alone
                     : changes_alone(playbook, edge->reads_kind, edge->reads))) {
            return true;
        }
    }
    return false;
}

static void print_rules(const struct playbook *playbook, uint8_t kind, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        (void)printf("%s %.*s  %016" PRIx64 "%s\n ", kind_names[kind],
                     SLICE_ARG(id_of(playbook, kind, i)), hash_of(playbook, kind, i),
                     changes_alone(playbook, kind, i) ? "  can change with no event" : "");
        for (uint32_t j = 0; j < playbook->edge_count; j++) {
            const struct playbook_edge *edge = &playbook->edges[j];
            if (edge->kind == kind && edge->index == i) {
                (void)printf(" %s%.*s", name_prefix[edge->reads_kind],
                             SLICE_ARG(id_of(playbook, edge->reads_kind, edge->reads)));
            }
        }
        (void)fputc('\n', stdout);
    }
}

/* Do only life events read it, themselves or through another feature? */
static bool is_of_detectors(const struct playbook *playbook, uint32_t feature)
{
    bool read = false;
    for (uint32_t i = 0; i < playbook->edge_count; i++) {
        const struct playbook_edge *edge = &playbook->edges[i];
        if (edge->reads_kind != PLAYBOOK_FEATURE || edge->reads != feature) {
            continue;
        }
        read = true;
        if (edge->kind != PLAYBOOK_LIFE_EVENT &&
            (edge->kind != PLAYBOOK_FEATURE || edge->index <= feature ||
             !is_of_detectors(playbook, edge->index))) {
            return false;
        }
    }
    return read;
}

/* A customer's bytes in memory by stage, and those of the life events with all that only they read. */
struct plan_bytes {
    struct engine_customer_parts parts;
    size_t detector_features, detector_series, detectors;
};

static struct plan_bytes plan_bytes(const struct check *check)
{
    const struct playbook *playbook = check->opened.playbook;
    struct plan_bytes bytes = {.parts = engine_customer_parts(check->opened.engine)};
    for (uint32_t i = 0; i < playbook->feature_count; i++) {
        bytes.detector_features +=
            is_of_detectors(playbook, i) ? features_cost(playbook->features, i).working_size : 0;
    }
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        bool any = false, only = true;
        for (uint32_t e = 0; e < playbook->edge_count; e++) {
            const struct playbook_edge *edge = &playbook->edges[e];
            bool reads = edge->reads_kind == PLAYBOOK_FEATURE &&
                         edge->reads - playbook->series[i].first_feature < SERIES_FIELD_COUNT;
            any = any || reads;
            only = only && (!reads || edge->kind == PLAYBOOK_LIFE_EVENT);
        }
        bytes.detector_series += any && only ? bytes.parts.one_series : 0;
    }
    bytes.detectors = bytes.parts.life + bytes.detector_features + bytes.detector_series;
    return bytes;
}

static void print_bytes(const struct check *check)
{
    const struct playbook *playbook = check->opened.playbook;
    struct plan_bytes bytes = plan_bytes(check);
    (void)printf(
        "\ncustomer: %zu bytes while worked on: features %zu, series %zu (%u of %zu), life "
        "events %zu (%u of %zu), segments %zu, offers %zu, what is recalled %zu\n"
        "detectors: %zu bytes of these: life events %zu, series that only they read %zu, "
        "features that only they read %zu\n"
        "record: features at most %zu bytes\ntask: %zu bytes\n\n",
        engine_customer_size(check->opened.engine), bytes.parts.features, bytes.parts.series,
        playbook->series_count, bytes.parts.one_series, bytes.parts.life, playbook->life.count,
        bytes.parts.one_life_event, bytes.parts.segments, bytes.parts.offers, bytes.parts.recall,
        bytes.detectors, bytes.parts.life, bytes.detector_series, bytes.detector_features,
        features_packed_size_max(playbook->features), engine_task_size(check->opened.engine));
}

/* Sources whose conditions are evaluated one by one. That says the same, so nobody would notice but by the time. */
static void print_unindexed(const struct check *check)
{
    for (uint32_t source = 0; source < SOURCE_COUNT; source++) {
        if (!engine_indexed(check->opened.engine, (enum source)source)) {
            (void)printf(
                "slower: conditions over %s are evaluated one by one, for each event: they are "
                "more than an index has room for\n",
                source_name((enum source)source));
        }
    }
}

enum { PATTERNS_SHOWN = 3 };

/* One automaton for all patterns over a text is several times faster than each by itself. */
static void print_patterns_alone(const struct check *check)
{
    struct slice texts[PATTERNS_SHOWN];
    for (uint32_t source = 0; source < SOURCE_COUNT; source++) {
        uint32_t count =
            engine_patterns_alone(check->opened.engine, (enum source)source, texts, PATTERNS_SHOWN);
        for (uint32_t i = 0; i < count && i < PATTERNS_SHOWN; i++) {
            (void)printf("%s%.*s", i == 0 ? "slower: " : ", ", SLICE_ARG(texts[i]));
        }
        if (count > 0) {
            (void)printf(
                "%s: %u patterns over %s match one by one, for each event: together they are more "
                "than an automaton has room for. Mend those with wide gaps or counts (`.{9}`, "
                "`.*` between words): plain words cost nothing\n",
                count > PATTERNS_SHOWN ? ", .." : "", count, source_name((enum source)source));
        }
    }
}

static void print_patterns_alone_json(const struct check *check)
{
    bool first = true;
    (void)fputs(",\"patterns_alone\":{", stdout);
    for (uint32_t source = 0; source < SOURCE_COUNT; source++) {
        uint32_t count = engine_patterns_alone(check->opened.engine, (enum source)source, NULL, 0);
        if (count > 0) {
            (void)printf("%s\"%s\":%u", first ? "" : ",", source_name((enum source)source), count);
            first = false;
        }
    }
    (void)fputc('}', stdout);
}

static void print_unindexed_json(const struct check *check)
{
    bool first = true;
    (void)fputs(",\"one_by_one\":[", stdout);
    for (uint32_t source = 0; source < SOURCE_COUNT; source++) {
        if (!engine_indexed(check->opened.engine, (enum source)source)) {
            (void)printf("%s\"%s\"", first ? "" : ",", source_name((enum source)source));
            first = false;
        }
    }
    (void)fputc(']', stdout);
}

static void print_plan(const struct check *check)
{
    const struct playbook *playbook = check->opened.playbook;
    const struct engine *engine = check->opened.engine;
    const struct memory_pool *pools;
    size_t total = 0;
    (void)printf(
        "playbook %s: %u file%s, %u feature%s, %u series, %u life event%s, %u segment%s, %u "
        "offer%s, %u test%s\n"
        "hash %016" PRIx64 "  layout %016" PRIx64 "\n\n",
        playbook->path, playbook->file_count, show_s(playbook->file_count), playbook->feature_count,
        show_s(playbook->feature_count), playbook->series_count, playbook->life.count,
        show_s(playbook->life.count), playbook->segments.count, show_s(playbook->segments.count),
        playbook->offers.count, show_s(playbook->offers.count), playbook->test_count,
        show_s(playbook->test_count), engine_playbook_hash(engine), engine_layout_hash(engine));
    features_plan_describe(playbook->features, stdout);
    (void)fputc('\n', stdout);
    print_rules(playbook, PLAYBOOK_LIFE_EVENT, playbook->life.count);
    print_rules(playbook, PLAYBOOK_SEGMENT, playbook->segments.count);
    print_rules(playbook, PLAYBOOK_OFFER, playbook->offers.count);
    print_bytes(check);
    print_unindexed(check);
    print_patterns_alone(check);
    size_t count = memory_plan(&pools);
    for (size_t i = 0; i < count; i++) {
        (void)printf("memory %-24s %12zu bytes in %u\n", pools[i].what, pools[i].size,
                     pools[i].takes);
        total += pools[i].size;
    }
    (void)printf("memory %-24s %12zu bytes\n", "(this command)", total);
    if (check->settings.application != NULL) {
        (void)printf("memory %-24s %12" PRIu64 " bytes when running\n", "customer cache",
                     check->settings.cache_size);
    }
}

static void print_rules_json(const struct playbook *playbook, uint8_t kind, uint32_t count,
                             const char *key)
{
    (void)printf(",\"%s\":[", key);
    for (uint32_t i = 0; i < count; i++) {
        bool first = true;
        (void)printf(
            "%s{\"id\":\"%.*s\",\"hash\":\"%016" PRIx64 "\",\"changes_alone\":%s,\"reads\":[",
            i == 0 ? "" : ",", SLICE_ARG(id_of(playbook, kind, i)), hash_of(playbook, kind, i),
            changes_alone(playbook, kind, i) ? "true" : "false");
        for (uint32_t j = 0; j < playbook->edge_count; j++) {
            const struct playbook_edge *edge = &playbook->edges[j];
            if (edge->kind == kind && edge->index == i) {
                (void)printf("%s{\"kind\":\"%s\",\"id\":\"%.*s\"}", first ? "" : ",",
                             kind_names[edge->reads_kind],
                             SLICE_ARG(id_of(playbook, edge->reads_kind, edge->reads)));
                first = false;
            }
        }
        (void)fputs("]}", stdout);
    }
    (void)fputc(']', stdout);
}

static void print_plan_json(const struct check *check)
{
    const struct playbook *playbook = check->opened.playbook;
    const struct engine *engine = check->opened.engine;
    struct plan_bytes bytes = plan_bytes(check);
    (void)printf("{\"hash\":\"%016" PRIx64 "\",\"layout\":\"%016" PRIx64
                 "\",\"customer_size\":%zu,\"task_size\":%zu,"
                 "\"customer_parts\":{\"features\":%zu,\"series\":%zu,\"life_events\":%zu,"
                 "\"segments\":%zu,\"offers\":%zu,\"recall\":%zu},\"detector_size\":%zu,"
                 "\"features\":[",
                 engine_playbook_hash(engine), engine_layout_hash(engine),
                 engine_customer_size(engine), engine_task_size(engine), bytes.parts.features,
                 bytes.parts.series, bytes.parts.life, bytes.parts.segments, bytes.parts.offers,
                 bytes.parts.recall, bytes.detectors);
    for (uint32_t i = 0; i < playbook->feature_count; i++) {
        struct features_cost cost = features_cost(playbook->features, i);
        (void)printf("%s{\"id\":\"%s\",\"hash\":\"%016" PRIx64
                     "\",\"working_size\":%u,\"packed_size_max\":%u,"
                     "\"shared_with\":%u,\"changes_alone\":%s}",
                     i == 0 ? "" : ",", playbook->names[i].name, playbook->feature_defs[i].hash,
                     cost.working_size, cost.packed_size_max, cost.shared_with,
                     cost.changes_alone ? "true" : "false");
    }
    (void)fputc(']', stdout);
    print_rules_json(playbook, PLAYBOOK_LIFE_EVENT, playbook->life.count, "life_events");
    print_rules_json(playbook, PLAYBOOK_SEGMENT, playbook->segments.count, "segments");
    print_rules_json(playbook, PLAYBOOK_OFFER, playbook->offers.count, "offers");
    print_unindexed_json(check);
    print_patterns_alone_json(check);
    (void)fputc('}', stdout);
}

/* The configuration and, for librdkafka's own names, the adapter's opinion. */
static bool load_settings(struct check *check, const char *path)
{
    struct arena arena;
    struct kafka_property properties[SETTINGS_PROPERTIES_MAX];
    struct status_text text;
    arena_init(&arena, memory_take(SETTINGS_ARENA_SIZE, "settings"), SETTINGS_ARENA_SIZE);
    diagnostics_init(&check->settings_diagnostics,
                     memory_take(DIAGNOSTICS_MAX * sizeof(struct diagnostic), "diagnostics"));
    if (!settings_load(path, &arena, &check->settings_diagnostics, &check->settings)) {
        return false;
    }
    for (uint32_t i = 0; i < check->settings.property_count; i++) {
        properties[i] = (struct kafka_property){check->settings.properties[i].name,
                                                check->settings.properties[i].value};
    }
    if (kafka_properties_check(properties, check->settings.property_count, &text) != STATUS_OK) {
        diagnostics_add(&check->settings_diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0},
                        NULL, "%s: kafka: %s", path, text.text);
        return false;
    }
    return true;
}

/* One array for both: the configuration's stand behind the playbook's. */
static void print_json(struct check *check, bool good)
{
    struct diagnostics *all = &check->opened.diagnostics;
    const struct diagnostics *settings = &check->settings_diagnostics;
    (void)fputs("{\"diagnostics\":", stdout);
    for (uint32_t i = 0; all->list != NULL && i < settings->count && all->count < DIAGNOSTICS_MAX;
         i++) {
        all->list[all->count++] = settings->list[i];
    }
    diagnostics_print_json(all->list != NULL ? all : settings, stdout);
    (void)fputs(",\"plan\":", stdout);
    if (good) {
        print_plan_json(check);
    } else {
        (void)fputs("null", stdout);
    }
    (void)fputs("}\n", stdout);
}

static int check_all(struct check *check, const char *config, const char *playbook)
{
    bool good = playbook != NULL || load_settings(check, config);
    if (!check->json && check->settings_diagnostics.count > 0) {
        diagnostics_print(&check->settings_diagnostics, stderr, opened_color());
    }
    if (good) {
        playbook = playbook != NULL ? playbook : check->settings.playbook;
        struct engine_options options = {ENGINE_CLOCK_STREAM, INT64_MIN, check->settings.salt_hash,
                                         1};
        good = opened_playbook("check", playbook, check->json, &check->opened) == EXIT_GOOD &&
               opened_engine("check", options, &check->opened) == EXIT_GOOD;
    }
    if (check->json) {
        print_json(check, good);
    } else if (good) {
        print_plan(check);
    }
    return good ? EXIT_GOOD : EXIT_CONFIG;
}

/* Which source is not partitioned as the tasks are? The rest of what is outside is doctor's. */
static int check_topics(const char *config)
{
    static struct connect connect;
    static struct doctor_report report = {.timeout_ms = TOPICS_TIMEOUT_MS};
    if (!connect_load(config, &connect)) {
        return EXIT_CONFIG;
    }
    doctor_check_repartition(&connect, &report);
    doctor_print(&report);
    return doctor_code(&report);
}

int check_run(int argument_count, char **arguments)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"playbook", required_argument, NULL, 'p'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"defaults", no_argument, NULL, 'd'},
                                            {"schema", no_argument, NULL, 's'},
                                            {"reference", no_argument, NULL, 'r'},
                                            {"topics", no_argument, NULL, 't'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static struct check check;
    const char *config = "config/segue.yaml", *playbook = NULL;
    bool topics = false;
    int option;
    optind = 1;
    while ((option = getopt_long(argument_count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            config = optarg;
            break;
        case 'p':
            playbook = optarg;
            break;
        case 'j':
            check.json = true;
            break;
        case 'd':
            settings_print_defaults(stdout);
            return EXIT_GOOD;
        case 's':
            keys_print_schema(stdout);
            return EXIT_GOOD;
        case 'r':
            keys_print_reference(stdout);
            return EXIT_GOOD;
        case 't':
            topics = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_GOOD;
        default:
            (void)fputs(help, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind != argument_count) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    return topics ? check_topics(config) : check_all(&check, config, playbook);
}
