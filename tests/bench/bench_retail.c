/* SPDX-License-Identifier: Apache-2.0 */
/* The starter pack alone: a LifeSim bank's stream, decoded already, customers in memory, one core.
 * usage: bench_retail [PLAYBOOK [CUSTOMERS [DAYS]]], from the repository's folder
 *
 * The same stream goes through the whole pack and through the pack without its life/ folder (of which `salary`
 * stays: segments read it); the difference is what the detectors cost. By CPU time of the thread; each 500 events
 * count as in the quickest of six rounds, since neighbours on the machine's cores and caches only ever add. The
 * first quarter of the stream is not measured: customers must have a history. Prints one figure a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "commands/event_files.h"
#include "commands/opened.h"
#include "engine/layout.h"
#include "lifesim/lifesim.h"
#include "model/fields.h"
#include "support/engine_kit.h"

enum { EFFECTS_SIZE = 4 * ENGINE_ARENA_PER_STEP_MAX, ROUNDS = 6, BLOCK = 500, TEXTS_MAX = 64 };

struct stream {
    struct event *events;
    uint32_t *whose;
    uint32_t count, customers;
};

struct bench {
    const struct engine *engine;
    void *task;
    struct customer **customers;
    struct effects effects;
    uint64_t outputs;
    double ns_per_event;
};

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *need(void *block)
{
    if (block == NULL) {
        perror("bench_retail");
        exit(1);
    }
    return block;
}

/* ---- the stream ---- */

static struct slice kept(struct slice text)
{
    uint8_t *copy = need(calloc(1, text.size + 1));
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return slice_of(copy, text.size);
}

static void keep_texts(struct event *event)
{
    const struct field_table *table = fields_of((enum source)event->source);
    event->customer_id = kept(event->customer_id);
    event->event_id = kept(event->event_id);
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->fields[i].type == FIELD_STRING && event_has(event, i) &&
            table->fields[i].offset >= offsetof(struct event, tx)) {
            struct slice *text = (struct slice *)(void *)((char *)event + table->fields[i].offset);
            *text = kept(*text);
        }
    }
    for (uint32_t i = 0; event->source == SOURCE_APP_ENGAGEMENT && i < event->app.attribute_count;
         i++) {
        event->app.attributes[i].name = kept(event->app.attributes[i].name);
        event->app.attributes[i].value = kept(event->app.attributes[i].value);
    }
}

/* Customers of LifeSim are numbered; their number stands at the end of the id. */
static uint32_t number_of(struct slice id)
{
    uint32_t number = 0;
    for (size_t i = 0; i < id.size; i++) {
        bool digit = id.data[i] >= '0' && id.data[i] <= '9';
        number = digit ? number * 10 + (uint32_t)(id.data[i] - '0') : 0;
    }
    return number;
}

static void simulate(struct stream *stream, int32_t days)
{
    char path[] = "/tmp/segue-bench-XXXXXX";
    const char *paths[] = {path};
    struct lifesim_options options = lifesim_defaults();
    struct lifesim_counts counts;
    struct status_text text;
    struct event_files *files;
    int descriptor = mkstemp(path);
    FILE *out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    options.customers = stream->customers;
    options.days = days;
    if (out == NULL || !lifesim_run(&options, out, NULL, NULL, &counts) || fclose(out) != 0 ||
        event_files_open(paths, 1, 1, EVENT_CONTAINER_ANY, &files, &text) != STATUS_OK) {
        perror(path);
        exit(1);
    }
    (void)unlink(path);
    stream->events = need(malloc((counts.events + 1) * sizeof(struct event)));
    stream->whose = need(malloc((counts.events + 1) * sizeof(uint32_t)));
    while (stream->count < counts.events &&
           event_files_next(files, &stream->events[stream->count], NULL, NULL)) {
        struct event *event = &stream->events[stream->count];
        keep_texts(event);
        event->offset = stream->count;
        stream->whose[stream->count++] = number_of(event->customer_id) % stream->customers;
    }
}

/* ---- the engine ---- */

static void forget_said(struct bench *bench)
{
    bench->outputs += bench->effects.count;
    bench->effects.count = 0;
    arena_reset(&bench->effects.arena);
}

static void run(struct bench *bench, const struct stream *stream, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        enum engine_result result;
        do {
            result = engine_event(bench->engine, bench->task, bench->customers[stream->whose[i]],
                                  &stream->events[i], stream->events[i].time_ms, &bench->effects);
            if (bench->effects.count > 0) {
                forget_said(bench);
            }
        } while (result == ENGINE_MORE);
    }
}

static void begin(struct bench *bench, const struct stream *stream)
{
    engine_task_init(bench->engine, bench->task, 0);
    for (uint32_t i = 0; i < stream->customers; i++) {
        char id[24];
        (void)snprintf(id, sizeof(id), "b-%u", i);
        engine_customer_init(bench->engine, bench->customers[i], slice_text(id));
    }
    bench->outputs = 0;
}

static void measure(struct bench *bench, const struct stream *stream)
{
    uint32_t from = stream->count / 4;
    bench->task = need(malloc(engine_task_size(bench->engine)));
    bench->customers = need(malloc(stream->customers * sizeof(*bench->customers)));
    for (uint32_t i = 0; i < stream->customers; i++) {
        bench->customers[i] = need(malloc(engine_customer_size(bench->engine)));
    }
    bench->effects.capacity = 4 * ENGINE_OUTPUTS_PER_STEP_MAX;
    bench->effects.outputs = need(malloc(bench->effects.capacity * sizeof(struct output)));
    arena_init(&bench->effects.arena, need(malloc(EFFECTS_SIZE)), EFFECTS_SIZE);
    uint32_t blocks = (stream->count - from + BLOCK - 1) / BLOCK;
    double *least = need(malloc((blocks + 1) * sizeof(*least)));
    double seconds = 0;
    for (int round = 0; round < ROUNDS; round++) {
        begin(bench, stream);
        run(bench, stream, 0, from);
        for (uint32_t i = 0; i < blocks; i++) {
            uint32_t first = from + i * BLOCK;
            uint32_t end = first + BLOCK < stream->count ? first + BLOCK : stream->count;
            double start = cpu_s();
            run(bench, stream, first, end);
            double taken = cpu_s() - start;
            least[i] = round == 0 || taken < least[i] ? taken : least[i];
        }
    }
    for (uint32_t i = 0; i < blocks; i++) {
        seconds += least[i];
    }
    free(least);
    bench->ns_per_event = seconds * 1e9 / (double)(stream->count - from);
}

static const struct engine *open_engine(struct opened *opened)
{
    struct engine_options options = {
        .clock = ENGINE_CLOCK_STREAM, .live_from_ms = INT64_MIN, .salt = 1, .task_count = 1};
    if (opened_engine("bench_retail", options, opened) != 0) {
        exit(1);
    }
    return opened->engine;
}

/* ---- the pack without its detectors ---- */

/* "features:" and the definition of `salary` alone. */
static struct slice only_salary(struct slice text)
{
    const char *begin = strstr((const char *)text.data, "\n  salary:");
    const char *end = begin == NULL ? NULL : strstr(begin, "\n  pension:");
    char *copy = need(calloc(1, text.size + 16));
    if (end != NULL) {
        (void)snprintf(copy, text.size + 16, "features:%.*s\n", (int)(end - begin), begin);
    }
    return slice_text(copy);
}

/* The only rule outside the folder that reads one of its life events. */
static struct slice without_windfall(struct slice text)
{
    static const char trigger[] = ", life: [windfall]";
    char *copy = (char *)(uintptr_t)kept(text).data;
    char *found = strstr(copy, trigger);
    if (found != NULL) {
        memset(found, ' ', sizeof(trigger) - 1);
    }
    return slice_of(copy, text.size);
}

static void open_without_life(const struct opened *whole, struct opened *out)
{
    struct playbook_text texts[TEXTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < whole->playbook->file_count && count < TEXTS_MAX; i++) {
        const struct source_file *file = &whole->playbook->files[i];
        bool life = strstr(file->path, "/life/") != NULL;
        if (!life || strstr(file->path, "features.yaml") != NULL) {
            texts[count++] = (struct playbook_text){
                file->path, life ? only_salary(kept(file->text)) : without_windfall(file->text)};
        }
    }
    out->zones = whole->zones;
    if (opened_texts("bench_retail", "without-life", texts, count, out) != 0) {
        exit(1);
    }
}

/* ---- figures ---- */

/* Mean bytes of a customer's record. */
static size_t mean_record(const struct bench *bench, const struct stream *stream)
{
    static uint8_t bytes[ENGINE_RECORD_SIZE_MAX];
    size_t packed = 0;
    for (uint32_t i = 0; i < stream->customers; i++) {
        packed += engine_customer_pack(bench->engine, bench->customers[i], bytes);
    }
    return packed / stream->customers;
}

/* Returns the mean record's bytes. */
static size_t print_bytes(const struct bench *bench, const struct stream *stream)
{
    const struct engine *engine = bench->engine;
    double start = cpu_s();
    size_t record = mean_record(bench, stream);
    double seconds = cpu_s() - start;
    printf("retail_pack_ns: %.0f\n", seconds * 1e9 / stream->customers);
    printf("retail_record_bytes: %zu\n", record);
    printf("retail_memory_bytes: %zu\n", engine->customer_size);
    printf("retail_memory_bytes_features: %zu\n", engine->recall - engine->features);
    printf("retail_memory_bytes_recall: %zu\n", engine->series - engine->recall);
    printf("retail_memory_bytes_series: %zu\n", engine->life - engine->series);
    printf("retail_memory_bytes_life: %zu\n", engine->segments - engine->life);
    printf("retail_memory_bytes_segments: %zu\n", engine->ledger - engine->segments);
    printf("retail_memory_bytes_offers: %zu\n", engine->view_hashes - engine->ledger);
    return record;
}

int main(int argc, char **argv)
{
    static struct opened whole, without;
    static struct bench benches[2];
    struct stream stream = {.customers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 200};
    int32_t days = argc > 3 ? (int32_t)strtol(argv[3], NULL, 10) : 360;
    const char *playbook = argc > 1 ? argv[1] : "config/playbooks/retail";
    if (stream.customers == 0 || days <= 0 ||
        opened_playbook("bench_retail", playbook, false, &whole) != 0) {
        (void)fprintf(stderr, "usage: bench_retail [PLAYBOOK [CUSTOMERS [DAYS]]]\n");
        return 64;
    }
    open_without_life(&whole, &without);
    benches[0].engine = open_engine(&whole);
    benches[1].engine = open_engine(&without);
    simulate(&stream, days);
    measure(&benches[0], &stream);
    measure(&benches[1], &stream);
    printf("retail_events: %u\n", stream.count);
    printf("retail_outputs: %llu\n", (unsigned long long)benches[0].outputs);
    printf("retail_ns_per_event: %.0f\n", benches[0].ns_per_event);
    printf("retail_events_per_s: %.0f\n", 1e9 / benches[0].ns_per_event);
    printf("retail_ns_per_event_without_life: %.0f\n", benches[1].ns_per_event);
    printf("retail_ns_per_event_of_life: %.0f\n",
           benches[0].ns_per_event - benches[1].ns_per_event);
    size_t record = print_bytes(&benches[0], &stream);
    printf("retail_memory_bytes_of_life: %zu\n",
           benches[0].engine->customer_size - benches[1].engine->customer_size);
    printf("retail_record_bytes_of_life: %zu\n", record - mean_record(&benches[1], &stream));
    return 0;
}
