/* SPDX-License-Identifier: Apache-2.0 */
/* The whole job of README.md but for Kafka and Redis: the real worker over a log and a Redis in memory, one thread:
 * taking records, decoding, customers, engine, packing, cuts, Redis' commands.
 * usage: bench_job [PLAYBOOK [EVENTS [CUSTOMERS]]], from the repository's folder
 *
 * CPU time of the thread, one figure a line. The hashes are of every byte that left: a change that should change
 * nothing leaves them. Without servers nothing depends on the machine's load but the time:
 *   valgrind --tool=callgrind --toggle-collect=worker_turn \
 *     build/tests/bench/bench_job tests/playbooks/bench 400000 20000 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "bench/job_world.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/framing.h"
#include "codec/schemas.h"
#include "commands/opened.h"
#include "runtime/worker.h"

enum {
    PLANS_SIZE = 1 << 20,
    CACHE_SIZE = 512 << 20,
    CUSTOMERS = 100000,
    TURN_US = 12000,
    COMMIT_US = 60000
};

struct codec {
    const struct plan *plan;
    const struct encoder *encoders[OUTPUT_KIND_COUNT];
    struct encode_facts facts;
};

static double cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(enum status status, const struct status_text *text)
{
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "bench_job: %s\n", text->text);
        exit(1);
    }
}

/* ---- the codec: one schema, known from the start (runtime/live_codec.c asks a registry) ---- */

static enum worker_decode decode(void *context, const struct log_record *record,
                                 struct event *out_event, struct reject *out_reject)
{
    const struct codec *codec = context;
    struct schema_key key;
    struct slice payload;
    if (!framing_read(record->value, record->headers, record->header_count, &key, &payload) ||
        !decode_event(codec->plan, payload, DECODE_RECORD_SIZE_MAX, out_event, out_reject)) {
        return WORKER_REJECTED;
    }
    return WORKER_DECODED;
}

static enum status encode(void *context, const struct output *output, int64_t processed_at_ms,
                          struct arena *arena, struct log_write *out_write)
{
    const struct codec *codec = context;
    struct encode_facts facts = codec->facts;
    facts.processed_at_ms = processed_at_ms;
    struct header *headers = arena_take(arena, ENCODE_HEADERS_MAX * sizeof(*headers));
    if (headers == NULL) {
        return STATUS_FULL;
    }
    struct slice key = arena_copy(arena, output->key);
    uint32_t header_count = encode_headers(output, &facts, arena, headers);
    uint8_t *at = arena->block + arena->used;
    size_t size = encode_output(codec->encoders[output->kind], output, &facts, 9, at,
                                arena->size - arena->used);
    arena->used += size;
    *out_write = (struct log_write){.topic = "outputs",
                                    .partition = -1,
                                    .key = key,
                                    .has_key = true,
                                    .value = slice_of(at, size),
                                    .has_value = true,
                                    .headers = headers,
                                    .header_count = header_count};
    return size == 0 || header_count == 0 ? STATUS_FULL : STATUS_OK;
}

static void open_codec(struct codec *codec)
{
    struct arena arena, scratch;
    struct status_text text;
    const struct schema *writer, *contract;
    arena_init(&arena, memory_take(PLANS_SIZE, "plans"), PLANS_SIZE);
    arena_init(&scratch, memory_take(PLANS_SIZE, "plans"), PLANS_SIZE);
    must(schema_parse(job_schema(), NULL, 0, &scratch, &writer, &text), &text);
    must(schema_parse(schemas_text(schemas_name_of_source(SOURCE_TRANSACTIONS)), NULL, 0, &scratch,
                      &contract, &text),
         &text);
    must(plan_compile(writer, contract, job_mapping(), &arena, &codec->plan, &text), &text);
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        const char *name = schemas_name_of_output((enum output_kind)kind);
        must(schema_parse(schemas_text(name), NULL, 0, &scratch, &contract, &text), &text);
        must(encoder_compile((enum output_kind)kind, contract, &arena, &codec->encoders[kind],
                             &text),
             &text);
    }
    codec->facts.application = slice_text("bench");
    codec->facts.topics[SOURCE_TRANSACTIONS] = slice_text("bench.transactions");
}

/* ---- the worker ---- */

static struct worker *open_worker(struct opened *opened, struct job_world *world,
                                  struct codec *codec)
{
    struct worker *worker;
    struct status_text text;
    struct worker_options options;
    struct engine_options engine = {.clock = ENGINE_CLOCK_STREAM,
                                    .live_from_ms = INT64_MIN,
                                    .salt = 1,
                                    .task_count = JOB_TASKS};
    if (opened_engine("bench_job", engine, opened) != 0) {
        exit(1);
    }
    worker_options_init(&options);
    options.engine = opened->engine;
    options.log = job_world_log(world);
    options.store = job_world_store(world);
    options.clock = job_world_clock(world);
    options.codec = (struct worker_codec){codec, decode, encode};
    options.application = "bench";
    options.cluster_id = "memory";
    options.journal_topic = "journal";
    options.checkpoint_topic = "checkpoints";
    options.task_count = JOB_TASKS;
    options.journal_partitions = options.checkpoint_partitions = 1;
    options.tasks_max = JOB_TASKS;
    options.sources[SOURCE_TRANSACTIONS] =
        (struct worker_source){.used = true, .topic = "bench.transactions"};
    options.clock_mode = ENGINE_CLOCK_STREAM;
    options.limits.cache_bytes = CACHE_SIZE;
    must(worker_open(&worker, &options, &text), &text);
    return worker;
}

/* The clock goes on by as much as a turn takes, whatever it takes here: what is committed together is then the
 * same every time, and with fewer customers it is fewer records, so that as many of them share a customer. */
static void drain(struct worker *worker, struct job_world *world, uint32_t events,
                  uint32_t customers)
{
    int64_t turn_us = (int64_t)TURN_US * CUSTOMERS / customers;
    int32_t wait_ms;
    enum worker_outcome outcome = WORKER_GO_ON;
    while (outcome == WORKER_GO_ON) {
        outcome = worker_turn(worker, &wait_ms);
        job_world_pass(world, turn_us);
        if (atomic_load(&worker_stats(worker)->events) == events) {
            worker_stop(worker);
        }
    }
    INVARIANT(outcome == WORKER_DRAINED);
}

int main(int argc, char **argv)
{
    static struct opened opened;
    static struct job_load load;
    static struct codec codec;
    const char *playbook = argc > 1 ? argv[1] : "tests/playbooks/bench";
    uint32_t events = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2000000;
    uint32_t customers = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : CUSTOMERS;
    if (events == 0 || customers == 0 ||
        opened_playbook("bench_job", playbook, true, &opened) != 0) {
        (void)fprintf(stderr, "usage: bench_job [PLAYBOOK [EVENTS [CUSTOMERS]]]\n");
        return 64;
    }
    job_load_make(&load, events, customers);
    struct job_world *world = job_world_open(&load, COMMIT_US);
    open_codec(&codec);
    struct worker *worker = open_worker(&opened, world, &codec);
    double start = cpu_s();
    drain(worker, world, events, customers);
    double seconds = cpu_s() - start;
    struct job_written written = job_world_written(world);
    printf("job_cpu_ns_per_event: %.0f\n", seconds * 1e9 / events);
    printf("job_outputs: %llu\n", (unsigned long long)written.outputs);
    printf("job_commits: %llu\n", (unsigned long long)written.commits);
    printf("job_cuts: %llu\n", (unsigned long long)written.cuts);
    printf("job_journal_bytes_per_event: %.1f\n", (double)written.journal_bytes / events);
    printf("job_redis_bytes_per_event: %.1f\n", (double)written.redis_bytes / events);
    printf("job_customer_bytes: %zu\n", engine_customer_size(opened.engine));
    printf("job_log_hash: %016llx\n", (unsigned long long)written.log_hash);
    printf("job_redis_hash: %016llx\n", (unsigned long long)written.redis_hash);
    return 0;
}
