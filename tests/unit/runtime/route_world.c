/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/route_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "support/suite.h"

enum { TEXT_SIZE = 96 };

struct world world;

static struct process *process_of(struct log *log)
{
    return (struct process *)(void *)log;
}

static bool chance(double likely)
{
    return !world.calm && random_chance(&world.random, likely);
}

static void push(struct process *process, struct log_event event)
{
    ck_assert_uint_lt(process->count, EVENTS);
    process->events[(process->first + process->count++) % EVENTS] = event;
}

/* ---- struct log_ops */

static bool next_event(struct log *log, struct log_event *out_event)
{
    struct process *process = process_of(log);
    if (process->count == 0) {
        return false;
    }
    *out_event = process->events[process->first];
    process->first = (process->first + 1) % EVENTS;
    process->count--;
    return true;
}

static uint32_t fetch(struct log *log, uint32_t task, uint32_t source,
                      struct log_record *out_records, uint32_t max)
{
    struct process *process = process_of(log);
    uint32_t count = 0;
    ck_assert_uint_eq(source, SOURCE_COUNT);
    uint32_t some = 1 + (uint32_t)random_below(&world.random, 7);
    if (process->at[task] >= 0 && process->at[task] < world.first[task]) {
        process->at[task] = -1;
        push(process, (struct log_event){.kind = LOG_INPUT_GONE, .task = task});
    }
    if (world.stuck && task == 0) {
        return 0;
    }
    while (process->at[task] >= 0 && process->at[task] < RECORDS && count < max && count < some) {
        int64_t offset = process->at[task]++;
        const char *value = world.values[task][offset], *key = world.keys[task][offset];
        out_records[count++] = (struct log_record){.key = slice_text(key),
                                                   .has_key = true,
                                                   .value = slice_text(value),
                                                   .has_value = value[0] != '-',
                                                   .partition = task,
                                                   .offset = offset,
                                                   .append_ms = 1000 + offset};
        process->borrowed++;
    }
    return count;
}

static void release(struct log *log, struct log_record *records, uint32_t count)
{
    (void)records;
    ck_assert_uint_ge(process_of(log)->borrowed, count);
    process_of(log)->borrowed -= count;
}

static void start(struct log *log, uint32_t task, const int64_t *offsets)
{
    int64_t from = offsets[SOURCE_TRANSACTIONS];
    ck_assert_int_eq(offsets[SOURCE_APP_ENGAGEMENT], -1);
    process_of(log)->at[task] = from == ROUTE_START_FIRST ? 0 : from;
}

static void stop(struct log *log, uint32_t task)
{
    process_of(log)->at[task] = -1;
}

static int64_t high_watermark(struct log *log, uint32_t task, enum source source, bool *out_empty)
{
    (void)source;
    *out_empty = false;
    return process_of(log)->at[task] < 0 ? -1 : RECORDS;
}

static void ask_committed(struct log *log, uint32_t task)
{
    struct process *process = process_of(log);
    ck_assert(!process->pending.active); /* no claim asks while a commit of its own runs */
    process->ask_until[task] = world.turn + 1 + (int64_t)random_below(&world.random, 20);
}

static void open_producer(struct log *log)
{
    struct process *process = process_of(log);
    process->instance = 0;
    process->opening_until = world.turn + 1 + (int64_t)random_below(&world.random, 20);
}

static uint32_t where(const struct log_write *write, struct placed *out)
{
    char text[TEXT_SIZE];
    long long offset = 0;
    unsigned partition = 0;
    uint64_t id[2] = {0, 0};
    const struct header *last = &write->headers[write->header_count - 1];
    (void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(last->value));
    bool dead = strcmp(write->topic, "dead") == 0;
    ck_assert_int_eq(
        sscanf(text, "bank/%u/%lld %" SCNx64 " %" SCNx64, &partition, &offset, &id[0], &id[1]),
        dead ? 4 : 2);
    *out = (struct placed){partition, (uint32_t)write->partition, offset, dead, {id[0], id[1]}};
    return partition;
}

static void commit(struct log *log, const struct log_transaction *transaction)
{
    struct process *process = process_of(log);
    struct pending *pending = &process->pending;
    ck_assert(!pending->active && process->instance != 0);
    *pending =
        (struct pending){.active = true,
                         .instance = process->instance,
                         .generation = process->generation,
                         .end_turn = world.turn + 1 + (int64_t)random_below(&world.random, 25)};
    pending->offset_count = transaction->offset_count;
    memcpy(pending->offsets, transaction->offsets,
           transaction->offset_count * sizeof(struct log_offset));
    for (uint32_t i = 0; i < transaction->write_count; i++) {
        const struct log_write *write = &transaction->writes[i];
        struct placed *placed = &pending->placed[pending->placed_count++];
        uint32_t partition = where(write, placed);
        if (!placed->dead) {
            const char *value = world.values[partition][placed->offset];
            ck_assert(slice_is(write->value, value) || value[0] == '-');
            ck_assert_int_eq(write->timestamp_ms, 1000 + placed->offset);
            ck_assert_uint_eq(placed->to, hash_partition(write->key, TASKS));
        }
    }
}

static const struct log_ops ops = {.next_event = next_event,
                                   .fetch = fetch,
                                   .release = release,
                                   .start = start,
                                   .stop = stop,
                                   .high_watermark = high_watermark,
                                   .ask_committed = ask_committed,
                                   .open_producer = open_producer,
                                   .commit = commit};

/* ---- clock and codec */

static int64_t wall_ms(struct clock *clock)
{
    (void)clock;
    return 1000000;
}

static int64_t monotonic_us(struct clock *clock)
{
    (void)clock;
    return world.turn * 5000;
}

static const struct clock_ops clocks = {wall_ms, monotonic_us, NULL};

/* "C12" is a record of customer C12, "?C12" one whose schema is slow, "!" garbage, "." one of nobody. */
static enum worker_decode decode(void *context, const struct log_record *record,
                                 struct event *out_event, struct reject *out_reject)
{
    (void)context;
    struct slice value = record->has_value ? record->value : record->key;
    if (value.data[0] == '!') {
        out_reject->reason = REJECT_TRUNCATED;
        return WORKER_REJECTED;
    }
    if (value.data[0] == '?' && world.waits++ % 5 != 4) {
        return WORKER_WAIT;
    }
    uint32_t skip = value.data[0] == '?' || value.data[0] == '.' ? 1 : 0;
    out_event->customer_id = slice_of(value.data + skip, value.size - skip);
    out_event->time_ms = world.times[record->partition][record->offset];
    return WORKER_DECODED;
}

static enum status encode(void *context, const struct output *output, int64_t processed_at_ms,
                          struct arena *arena, struct log_write *out_write)
{
    (void)context;
    (void)processed_at_ms;
    struct header *header = arena_take(arena, sizeof(*header));
    char *text = arena_take(arena, TEXT_SIZE);
    const struct dead_letter *letter = &output->dead_letter;
    ck_assert_int_eq(output->kind, OUTPUT_DEAD_LETTER);
    (void)snprintf(text, TEXT_SIZE, "%.*s/%u/%lld %" PRIx64 " %" PRIx64, SLICE_ARG(letter->topic),
                   letter->partition, (long long)letter->offset, output->id[0], output->id[1]);
    *header = (struct header){slice_text("where"), slice_text(text)};
    *out_write =
        (struct log_write){.topic = "dead", .partition = -1, .headers = header, .header_count = 1};
    return STATUS_OK;
}

/* ---- the world's side */

void process_start(struct process *process)
{
    struct route_options options;
    struct status_text text;
    route_options_init(&options);
    options.log = &process->log;
    options.clock = &process->clock;
    options.codec = (struct worker_codec){NULL, decode, encode};
    options.source = SOURCE_TRANSACTIONS;
    options.source_topic = "bank";
    options.topic = "tasks";
    options.partition_count = PARTITIONS;
    options.task_count = TASKS;
    options.by_customer = world.by_customer;
    options.start_offsets = world.starts;
    options.records_max = 1 + (uint32_t)random_below(&world.random, 20);
    process->log.ops = &ops;
    process->clock.ops = &clocks;
    process->count = 0;
    process->borrowed = 0;
    process->instance = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        process->at[p] = -1;
        process->ask_until[p] = 0;
    }
    ck_assert_int_eq(route_open(&process->route, &options, &text), STATUS_OK);
}

static void carry_out(struct pending *pending)
{
    for (uint32_t i = 0; i < pending->offset_count; i++) {
        const struct log_offset *offset = &pending->offsets[i];
        world.committed[offset->task].offset = offset->offset;
        memcpy(world.committed[offset->task].metadata, offset->metadata, LOG_METADATA_SIZE_MAX);
    }
    for (uint32_t i = 0; i < pending->placed_count; i++) {
        ck_assert_uint_lt(world.out_count, OUT_MAX);
        world.out[world.out_count++] = pending->placed[i];
    }
}

/* The end of a transaction: the generation is checked, as the broker does; the answer may get lost. */
static void end_pending(uint32_t number)
{
    struct process *process = &world.processes[number];
    struct pending *pending = &process->pending;
    struct log_event event = {.kind = LOG_COMMIT_DONE};
    bool lost = chance(0.05);
    pending->active = false;
    if (pending->instance != world.epochs[number]) {
        return; /* a newer producer aborted it; whoever began it is gone */
    }
    if (pending->generation != world.generation) {
        event.kind =
            process->generation == pending->generation ? LOG_COMMIT_FENCED : LOG_COMMIT_FAILED;
    } else if (chance(0.05)) {
        event.kind = LOG_COMMIT_FAILED;
    } else {
        carry_out(pending);
        event.kind = lost ? LOG_COMMIT_FAILED : LOG_COMMIT_DONE;
        event.reinit = world.away || chance(0.1);
    }
    push(process, event);
}

void assign(void)
{
    for (uint32_t n = 0; n < PROCESSES; n++) {
        struct process *process = &world.processes[n];
        for (uint32_t p = 0; p < PARTITIONS; p++) {
            push(process, (struct log_event){.kind = LOG_REVOKED, .task = p});
            process->ask_until[p] = 0; /* an answer under way is nobody's */
        }
        process->generation = world.generation;
        for (uint32_t p = 0; p < PARTITIONS; p++) {
            if (world.owner[p] == n) {
                push(process, (struct log_event){
                                  .kind = LOG_ASSIGNED, .task = p, .generation = world.generation});
            }
        }
    }
}

void rebalance(void)
{
    world.generation++;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        world.owner[p] = (uint32_t)random_below(&world.random, PROCESSES);
    }
    assign();
}

static bool is_stable(uint32_t partition)
{
    for (uint32_t n = 0; n < PROCESSES; n++) {
        const struct pending *pending = &world.processes[n].pending;
        for (uint32_t i = 0; pending->active && i < pending->offset_count; i++) {
            if (pending->offsets[i].task == partition) {
                return false;
            }
        }
    }
    return true;
}

void serve(uint32_t number)
{
    struct process *process = &world.processes[number];
    if (process->pending.active && world.turn >= process->pending.end_turn) {
        end_pending(number);
    }
    if (process->opening_until != 0 && world.turn >= process->opening_until) {
        process->opening_until = 0;
        process->pending.active = false; /* init_transactions aborts what was open */
        if (chance(0.1) || (world.away && world.out_count > 0)) {
            push(process, (struct log_event){.kind = LOG_PRODUCER_FAILED});
        } else {
            process->instance = ++world.epochs[number];
            push(process, (struct log_event){.kind = LOG_PRODUCER_READY});
        }
    }
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        if (process->ask_until[p] != 0 && world.turn >= process->ask_until[p] && is_stable(p)) {
            struct log_event event = {.kind = LOG_COMMITTED_OFFSETS, .task = p};
            struct log_offset *offset = &event.offsets[SOURCE_TRANSACTIONS];
            process->ask_until[p] = 0;
            offset->offset = world.committed[p].offset;
            memcpy(offset->metadata, world.committed[p].metadata, LOG_METADATA_SIZE_MAX);
            push(process, event);
        }
    }
}

/* kill -9 and a start in the same place: what EndTxn had reached the broker is committed. */
static void kill_process(uint32_t number)
{
    struct process *process = &world.processes[number];
    if (process->pending.active && random_chance(&world.random, 0.5)) {
        end_pending(number);
    }
    process->pending.active = false;
    world.epochs[number]++;
    process_start(process);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        if (world.owner[p] == number) {
            push(process, (struct log_event){
                              .kind = LOG_ASSIGNED, .task = p, .generation = world.generation});
        }
    }
    process->generation = world.generation;
}

void turn_all(void)
{
    world.turn++;
    if (chance(0.004)) {
        rebalance();
    }
    for (uint32_t n = 0; n < PROCESSES; n++) {
        struct process *process = &world.processes[n];
        int32_t wait_ms = 0;
        if (chance(0.002)) {
            kill_process(n);
        }
        if (chance(0.003)) {
            process->frozen_until = world.turn + 200;
        }
        serve(n);
        if (world.turn >= process->frozen_until || world.calm) {
            ck_assert_int_eq(route_turn(process->route, &wait_ms), WORKER_GO_ON);
        }
    }
}

void world_init(void)
{
    log_set_level(LOG_LEVEL_COUNT);
    memset(&world, 0, sizeof(world));
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        world.committed[p].offset = -1;
        world.starts[p] = ROUTE_START_FIRST;
    }
}
