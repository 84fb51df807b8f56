/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/job_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/random.h"

enum {
    EVENTS_MAX = 256,
    CONNECTIONS = 1 + JOB_TASKS,
    ANSWERS_MAX = 2 * CONNECTIONS,
    REPLIES_MAX = 1 << 17,
    HEAD_MAX = 256,
    START_S = 1780000000,
};

/* Answers to one pipeline; as many as tasks and reads may wait at a time. */
struct answer {
    uint64_t token;
    uint32_t connection, count;
    struct store_reply *replies;
};

struct job_world {
    struct log log;
    struct store store;
    struct clock clock;
    const struct job_load *load;
    int64_t now_us, commit_us, due_us; /* when the running commit is answered; 0: none runs */
    struct random random;
    struct log_event events[EVENTS_MAX];
    uint32_t event_first, event_count;
    const struct log_transaction *transaction;
    uint32_t next[JOB_TASKS]; /* records handed out */
    int64_t journal_end;
    struct {
        uint8_t bytes[HEAD_MAX];
        size_t size;
    } heads[JOB_TASKS];
    struct answer answers[ANSWERS_MAX];
    uint32_t answer_first, answer_count;
    struct job_written written;
};

static struct job_world *of_log(struct log *log)
{
    return (struct job_world *)(void *)((char *)log - offsetof(struct job_world, log));
}

static struct job_world *of_store(struct store *store)
{
    return (struct job_world *)(void *)((char *)store - offsetof(struct job_world, store));
}

static struct job_world *of_clock(struct clock *clock)
{
    return (struct job_world *)(void *)((char *)clock - offsetof(struct job_world, clock));
}

/* ---- the clock ---- */

static int64_t clock_wall_ms(struct clock *clock)
{
    return START_S * INT64_C(1000) + of_clock(clock)->now_us / 1000;
}

static int64_t clock_monotonic_us(struct clock *clock)
{
    return of_clock(clock)->now_us;
}

static uint64_t clock_random64(struct clock *clock)
{
    return random_next(&of_clock(clock)->random);
}

void job_world_pass(struct job_world *world, int64_t us)
{
    world->now_us += us;
}

/* ---- the log ---- */

static struct log_event *happen(struct job_world *world, enum log_event_kind kind, uint32_t task)
{
    INVARIANT(world->event_count < EVENTS_MAX);
    uint32_t at = (world->event_first + world->event_count++) % EVENTS_MAX;
    world->events[at] = (struct log_event){.kind = kind, .task = task};
    return &world->events[at];
}

static void mix(uint64_t *hash, struct slice bytes)
{
    *hash = hash64(bytes, *hash);
}

/* Key, value, timestamp and headers; a journal record has no key. */
static void log_take(struct job_world *world, const struct log_write *write)
{
    struct job_written *written = &world->written;
    mix(&written->log_hash, write->key);
    mix(&written->log_hash, write->value);
    mix(&written->log_hash, slice_of(&write->timestamp_ms, sizeof(write->timestamp_ms)));
    for (uint32_t i = 0; i < write->header_count; i++) {
        mix(&written->log_hash, write->headers[i].name);
        mix(&written->log_hash, write->headers[i].value);
    }
    written->cuts += !write->has_key;
    written->journal_bytes += write->has_key ? 0 : write->value.size;
    written->outputs += write->has_key;
    written->output_bytes += write->has_key ? write->value.size : 0;
}

static void end_commit(struct job_world *world)
{
    const struct log_transaction *transaction = world->transaction;
    for (uint32_t i = 0; i < transaction->write_count; i++) {
        log_take(world, &transaction->writes[i]);
        transaction->written[i] = (struct log_written){world->journal_end++, world->now_us / 1000};
    }
    for (uint32_t i = 0; i < transaction->offset_count; i++) {
        mix(&world->written.log_hash, slice_text(transaction->offsets[i].metadata));
    }
    world->written.commits++;
    world->due_us = 0;
    (void)happen(world, LOG_COMMIT_DONE, 0);
}

static bool log_next_event(struct log *log, struct log_event *out_event)
{
    struct job_world *world = of_log(log);
    if (world->due_us != 0 && world->now_us >= world->due_us) {
        end_commit(world);
    }
    if (world->event_count == 0) {
        return false;
    }
    *out_event = world->events[world->event_first];
    world->event_first = (world->event_first + 1) % EVENTS_MAX;
    world->event_count--;
    return true;
}

static uint32_t log_fetch(struct log *log, uint32_t task, uint32_t source,
                          struct log_record *out_records, uint32_t max)
{
    struct job_world *world = of_log(log);
    uint32_t count = 0;
    (void)source;
    for (; count < max && world->next[task] < world->load->counts[task]; count++) {
        const struct job_record *record = &world->load->records[task][world->next[task]];
        out_records[count] = (struct log_record){.key = record->key,
                                                 .value = record->value,
                                                 .has_key = true,
                                                 .has_value = true,
                                                 .source = SOURCE_TRANSACTIONS,
                                                 .partition = task,
                                                 .offset = world->next[task]++,
                                                 .append_ms = START_S * INT64_C(1000)};
    }
    world->written.taken += count;
    return count;
}

static void log_release(struct log *log, struct log_record *records, uint32_t count)
{
    (void)log;
    (void)records;
    (void)count;
}

static void log_start(struct log *log, uint32_t task, const int64_t *offsets)
{
    (void)offsets; /* a first start */
    of_log(log)->next[task] = 0;
}

static void log_nothing(struct log *log, uint32_t task)
{
    (void)log;
    (void)task;
}

static int64_t log_high_watermark(struct log *log, uint32_t task, enum source source,
                                  bool *out_empty)
{
    struct job_world *world = of_log(log);
    (void)source;
    *out_empty = false;
    return world->load->counts[task];
}

static void log_ask_ends(struct log *log, uint32_t task, uint32_t ticket)
{
    happen(of_log(log), LOG_ENDS, task)->ticket = ticket;
}

static void log_ask_committed(struct log *log, uint32_t task)
{
    struct log_event *event = happen(of_log(log), LOG_COMMITTED_OFFSETS, task);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        event->offsets[i] = (struct log_offset){.task = task, .source = (uint8_t)i, .offset = -1};
    }
}

static void log_read_journal(struct log *log, uint32_t task, int64_t offset)
{
    (void)offset;
    (void)happen(of_log(log), LOG_JOURNAL_END, task);
}

static void log_open_producer(struct log *log)
{
    (void)happen(of_log(log), LOG_PRODUCER_READY, 0);
}

static void log_commit(struct log *log, const struct log_transaction *transaction)
{
    struct job_world *world = of_log(log);
    INVARIANT(world->due_us == 0);
    world->transaction = transaction;
    world->due_us = world->now_us + world->commit_us;
}

static void log_trim_journal(struct log *log, uint32_t task, int64_t keep_ms,
                             log_low_offset *low_offset)
{
    (void)keep_ms;
    (void)low_offset;
    (void)happen(of_log(log), LOG_DELETED, task);
}

static void log_read_checkpoints(struct log *log, uint32_t task)
{
    (void)happen(of_log(log), LOG_JOURNAL_END, task | LOG_CHECKPOINT_READER);
}

static void log_hold_reader(struct log *log, uint32_t task, bool hold)
{
    (void)log;
    (void)task;
    (void)hold;
}

static void log_wait(struct log *log, int32_t timeout_ms)
{
    (void)log;
    (void)timeout_ms;
}

/* ---- Redis ---- */

/* RESP that our own runtime wrote: nothing is checked. */
struct resp {
    const uint8_t *at;
    const uint8_t *end;
};

static uint32_t resp_number(struct resp *resp)
{
    uint32_t number = 0;
    for (resp->at++; *resp->at != '\r'; resp->at++) {
        number = number * 10 + (uint32_t)(*resp->at - '0');
    }
    resp->at += 2;
    return number;
}

static struct slice resp_argument(struct resp *resp)
{
    uint32_t size = resp_number(resp);
    struct slice argument = slice_of(resp->at, size);
    resp->at += size + 2;
    return argument;
}

static struct store_reply *answer_add(struct answer *answer, enum store_reply_kind kind)
{
    INVARIANT(answer->count < REPLIES_MAX);
    struct store_reply *reply = &answer->replies[answer->count++];
    *reply = (struct store_reply){.kind = kind, .text = slice_text("OK")};
    return reply;
}

/* "{application.NN}head": the task's number. */
static uint32_t task_of(struct slice key)
{
    uint32_t number = 0;
    for (size_t i = 0; i < key.size && key.data[i] != '}'; i++) {
        bool digit = key.data[i] >= '0' && key.data[i] <= '9';
        number = digit ? number * 10 + (uint32_t)(key.data[i] - '0') : 0;
    }
    INVARIANT(number < JOB_TASKS);
    return number;
}

static void answer_head(struct job_world *world, struct store_reply *reply, uint32_t task)
{
    reply->kind = world->heads[task].size > 0 ? STORE_BULK : STORE_NIL;
    reply->text = slice_of(world->heads[task].bytes, world->heads[task].size);
}

static bool is_head(struct slice key)
{
    return key.size > 5 && memcmp(key.data + key.size - 5, "}head", 5) == 0;
}

/* Keys and values of SET and MSET: of all that is written only the heads are asked for again. */
static void keep_heads(struct job_world *world, struct resp *resp, uint32_t pairs)
{
    for (uint32_t i = 0; i < pairs; i++) {
        struct slice key = resp_argument(resp);
        struct slice value = resp_argument(resp);
        if (is_head(key)) {
            uint32_t task = task_of(key);
            INVARIANT(value.size <= HEAD_MAX);
            memcpy(world->heads[task].bytes, value.data, value.size);
            world->heads[task].size = value.size;
        }
    }
}

/* MGET of a head and of customers, whom nobody has written that is not in memory. */
static void answer_many(struct job_world *world, struct answer *answer, struct resp *resp,
                        uint32_t count)
{
    struct store_reply *reply = answer_add(answer, STORE_ARRAY);
    reply->count = count;
    reply->children = answer->replies + answer->count;
    for (uint32_t i = 0; i < count; i++) {
        struct slice key = resp_argument(resp);
        struct store_reply *child = answer_add(answer, STORE_NIL);
        if (is_head(key)) {
            answer_head(world, child, task_of(key));
        }
    }
}

static void answer_command(struct job_world *world, struct answer *answer, struct resp *resp)
{
    uint32_t count = resp_number(resp);
    struct slice command = resp_argument(resp);
    if (slice_is(command, "MGET")) {
        answer_many(world, answer, resp, count - 1);
    } else if (slice_is(command, "GET")) {
        struct slice key = resp_argument(resp);
        struct store_reply *reply = answer_add(answer, STORE_NIL);
        if (is_head(key)) {
            answer_head(world, reply, task_of(key));
        }
    } else if (slice_is(command, "EXEC")) {
        struct store_reply *reply = answer_add(answer, STORE_ARRAY);
        reply->count = 0;
    } else {
        (void)answer_add(answer, STORE_STATUS);
        if (slice_is(command, "SET") || slice_is(command, "MSET")) {
            keep_heads(world, resp, (count - 1) / 2);
        } else {
            for (uint32_t i = 1; i < count; i++) {
                (void)resp_argument(resp);
            }
        }
    }
}

static enum status store_submit(struct store *store, uint32_t connection,
                                const struct store_pipeline *pipeline, uint64_t token)
{
    struct job_world *world = of_store(store);
    INVARIANT(world->answer_count < ANSWERS_MAX);
    struct answer *answer =
        &world->answers[(world->answer_first + world->answer_count++) % ANSWERS_MAX];
    answer->token = token;
    answer->connection = connection;
    answer->count = 0;
    struct resp resp = {pipeline->data, pipeline->data + pipeline->size};
    while (resp.at < resp.end) {
        answer_command(world, answer, &resp);
    }
    mix(&world->written.redis_hash, slice_of(pipeline->data, pipeline->size));
    world->written.redis_bytes += pipeline->size;
    return STATUS_OK;
}

static bool store_next_answer(struct store *store, struct store_answer *out_answer)
{
    struct job_world *world = of_store(store);
    if (world->answer_count == 0) {
        return false;
    }
    const struct answer *answer = &world->answers[world->answer_first];
    world->answer_first = (world->answer_first + 1) % ANSWERS_MAX;
    world->answer_count--;
    *out_answer = (struct store_answer){.token = answer->token,
                                        .connection = answer->connection,
                                        .status = STATUS_OK,
                                        .replies = answer->replies,
                                        .reply_count = answer->count,
                                        .connection_epoch = 1};
    if (answer->count > 0 && answer->replies[0].kind == STORE_ARRAY) {
        out_answer->reply_count = 1; /* the children stand behind it */
    }
    return true;
}

static uint64_t store_epoch(struct store *store, uint32_t connection)
{
    (void)store;
    (void)connection;
    return 1;
}

static void store_counters(struct store *store, struct store_counters *out_counters)
{
    *out_counters = (struct store_counters){.sent = of_store(store)->written.redis_bytes};
}

static void store_reset(struct store *store, uint32_t connection)
{
    (void)store;
    (void)connection;
    INVARIANT(of_store(store) == NULL); /* nothing is late here */
}

static int store_descriptor(struct store *store)
{
    (void)store;
    return -1;
}

/* ---- all of it ---- */

static const struct log_ops log_operations = {
    .next_event = log_next_event,
    .fetch = log_fetch,
    .release = log_release,
    .start = log_start,
    .stop = log_nothing,
    .high_watermark = log_high_watermark,
    .ask_ends = log_ask_ends,
    .ask_committed = log_ask_committed,
    .read_journal = log_read_journal,
    .stop_journal = log_nothing,
    .open_producer = log_open_producer,
    .commit = log_commit,
    .trim_journal = log_trim_journal,
    .read_checkpoints = log_read_checkpoints,
    .stop_checkpoints = log_nothing,
    .hold_reader = log_hold_reader,
    .wait = log_wait,
};

static const struct store_ops store_operations = {
    .submit = store_submit,
    .next_answer = store_next_answer,
    .epoch = store_epoch,
    .counters = store_counters,
    .reset = store_reset,
    .descriptor = store_descriptor,
};

static const struct clock_ops clock_operations = {clock_wall_ms, clock_monotonic_us,
                                                  clock_random64};

struct job_world *job_world_open(const struct job_load *load, int64_t commit_us)
{
    struct job_world *world = calloc(1, sizeof(*world));
    INVARIANT(world != NULL);
    world->log.ops = &log_operations;
    world->store.ops = &store_operations;
    world->clock.ops = &clock_operations;
    world->load = load;
    world->commit_us = commit_us;
    world->now_us = 1000000;
    random_init(&world->random, 2);
    for (uint32_t i = 0; i < ANSWERS_MAX; i++) {
        world->answers[i].replies = calloc(REPLIES_MAX, sizeof(struct store_reply));
        INVARIANT(world->answers[i].replies != NULL);
    }
    for (uint32_t i = 0; i < JOB_TASKS; i++) {
        (void)happen(world, LOG_ASSIGNED, i);
    }
    return world;
}

struct log *job_world_log(struct job_world *world)
{
    return &world->log;
}

struct store *job_world_store(struct job_world *world)
{
    return &world->store;
}

struct clock *job_world_clock(struct job_world *world)
{
    return &world->clock;
}

struct job_written job_world_written(const struct job_world *world)
{
    return world->written;
}
