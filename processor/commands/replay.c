/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/replay.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "commands/commands.h"
#include "engine/sweep.h"

enum { OUTPUTS = 1024, EFFECTS_SIZE = 8 << 20 };

static void *task_of(struct replay *replay, uint32_t task)
{
    return replay->tasks + task * replay->task_size;
}

void *replay_task(struct replay *replay, struct slice customer_id)
{
    return task_of(replay, hash_partition(customer_id, replay->task_count));
}

static void flush_effects(struct replay *replay, int64_t now_ms)
{
    struct effects *effects = &replay->effects;
    if (effects->count > 0) {
        replay->on_effects(replay->context, effects, now_ms);
        effects->count = 0;
        arena_reset(&effects->arena);
    }
}

static void advance(struct replay *replay, uint32_t task, struct customer *customer)
{
    enum engine_result result;
    replay->customer = customers_number(replay->customers, customer);
    do {
        result = engine_advance(replay->opened.engine, task_of(replay, task), customer,
                                replay->now_ms[task], &replay->effects);
        flush_effects(replay, replay->now_ms[task]);
    } while (result == ENGINE_MORE);
}

void replay_event(struct replay *replay, struct event *event)
{
    uint32_t task = hash_partition(event->customer_id, replay->task_count);
    struct customer *customer = customers_get(replay->customers, event->customer_id);
    if (customer == NULL) {
        replay->failed = true;
        return;
    }
    replay->customer = customers_number(replay->customers, customer);
    event->partition = task;
    event->offset = replay->offsets[task * SOURCE_COUNT + event->source]++;
    if (event->time_ms > replay->now_ms[task]) {
        replay->now_ms[task] = event->time_ms;
    }
    while (engine_event(replay->opened.engine, task_of(replay, task), customer, event,
                        replay->now_ms[task], &replay->effects) == ENGINE_MORE) {
        flush_effects(replay, replay->now_ms[task]);
        advance(replay, task, customer);
    }
    flush_effects(replay, replay->now_ms[task]);
    replay->events++;
}

void replay_finish(struct replay *replay)
{
    for (uint32_t i = 0; i < customers_count(replay->customers) && !replay->failed; i++) {
        struct customer *customer = customers_at(replay->customers, i);
        if (customer == NULL) {
            replay->failed = true;
            return;
        }
        advance(replay, hash_partition(customer_id(customer), replay->task_count), customer);
    }
}

/* As the worker asks it: the same playbook sweeps nobody. */
static bool sweeps(struct replay *replay, uint32_t task)
{
    return replay->now_ms[task] != INT64_MIN &&
           engine_sweep_due(replay->opened.engine, task_of(replay, task));
}

static void take_over_task(struct replay *to, struct replay *from, uint32_t task, uint8_t *record)
{
    struct status_text text;
    size_t size = engine_task_pack(from->opened.engine, task_of(from, task), record);
    enum status status = engine_task_unpack(to->opened.engine, task_of(to, task), task,
                                            slice_of(record, size), &text);
    INVARIANT(status == STATUS_OK); /* we packed it ourselves */
    to->now_ms[task] = from->now_ms[task];
    if (sweeps(to, task)) {
        engine_sweep_begin(to->opened.engine, task_of(to, task), to->now_ms[task], &to->effects);
        flush_effects(to, to->now_ms[task]);
    }
}

static void take_over_customer(struct replay *to, struct replay *from, uint32_t index,
                               uint8_t *record)
{
    struct status_text text;
    struct customer *was = customers_at(from->customers, index);
    struct customer *is = was == NULL ? NULL : customers_get(to->customers, customer_id(was));
    if (is == NULL) {
        to->failed = true;
        return;
    }
    size_t size = engine_customer_pack(from->opened.engine, was, record);
    enum status status = engine_customer_unpack(to->opened.engine, is, customer_id(was),
                                                slice_of(record, size), &text);
    INVARIANT(status == STATUS_OK);
    advance(to, hash_partition(customer_id(is), to->task_count), is);
}

void replay_take_over(struct replay *to, struct replay *from)
{
    uint8_t *record = memory_take(ENGINE_RECORD_SIZE_MAX, "records");
    INVARIANT(to->task_count == from->task_count && customers_count(to->customers) == 0);
    to->failed = to->failed || from->failed;
    for (uint32_t i = 0; i < to->task_count && !to->failed; i++) {
        take_over_task(to, from, i, record);
    }
    for (uint32_t i = 0; i < customers_count(from->customers) && !to->failed; i++) {
        take_over_customer(to, from, i, record);
    }
    for (uint32_t i = 0; i < to->task_count && !to->failed; i++) {
        if (sweeps(to, i)) {
            engine_sweep_complete(to->opened.engine, task_of(to, i), to->now_ms[i], &to->effects);
            flush_effects(to, to->now_ms[i]);
        }
    }
    to->events = from->events;
}

int replay_open(const char *command, struct replay *replay, const char *salt, size_t working_size)
{
    struct engine_options options = {.clock = ENGINE_CLOCK_STREAM,
                                     .live_from_ms = INT64_MIN,
                                     .salt = hash64(slice_text(salt), 0),
                                     .task_count = replay->task_count};
    int code = opened_engine(command, options, &replay->opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    const struct engine *engine = replay->opened.engine;
    replay->customers = customers_open(engine, working_size);
    if (replay->customers == NULL) {
        (void)fprintf(stderr, "segue %s: out of memory\n", command);
        return EXIT_NO;
    }
    replay->task_size = (engine_task_size(engine) + 63) / 64 * 64;
    replay->tasks = memory_take(replay->task_count * replay->task_size, "tasks");
    replay->now_ms = memory_take(replay->task_count * sizeof(int64_t), "tasks");
    replay->offsets = memory_take(replay->task_count * SOURCE_COUNT * sizeof(int64_t), "tasks");
    for (uint32_t i = 0; i < replay->task_count; i++) {
        engine_task_init(engine, task_of(replay, i), i);
        replay->now_ms[i] = INT64_MIN;
    }
    replay->effects.outputs = memory_take(OUTPUTS * sizeof(struct output), "effects");
    replay->effects.capacity = OUTPUTS;
    arena_init(&replay->effects.arena, memory_take(EFFECTS_SIZE, "effects"), EFFECTS_SIZE);
    return EXIT_GOOD;
}
