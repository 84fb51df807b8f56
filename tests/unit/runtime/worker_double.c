/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/worker_double.h"

#include "base/hash.h"
#include "support/engine_kit.h"
#include "support/suite.h"

struct worker_double doubled;

static bool happens;
static struct log_event happening;
static struct kit kit;

static bool next_event(struct log *log, struct log_event *out_event)
{
    (void)log;
    bool any = happens;
    *out_event = happening;
    happens = false;
    return any;
}

static void start(struct log *log, uint32_t task, const int64_t *offsets)
{
    (void)log;
    (void)task;
    memcpy(doubled.started, offsets, sizeof(doubled.started));
}

static void nothing(struct log *log, uint32_t task)
{
    (void)log;
    (void)task;
}

static void read_journal(struct log *log, uint32_t task, int64_t offset)
{
    (void)log;
    (void)task;
    (void)offset;
}

/* An id of task 3 of 8. */
static const struct slice fed_id = {(const uint8_t *)"C0000002", 8};

static uint32_t fetch(struct log *log, uint32_t task, uint32_t source, struct log_record *records,
                      uint32_t max)
{
    (void)log;
    (void)task;
    (void)source;
    if (max > 0 && doubled.record != NULL) {
        records[0] = *doubled.record;
        doubled.record = NULL;
        return 1;
    }
    if (!doubled.feeding || max == 0) {
        return 0;
    }
    int64_t next = doubled.worker->tasks[0].sources[doubled.feeding_source].position;
    records[0] = (struct log_record){.key = fed_id,
                                     .value = fed_id,
                                     .has_key = true,
                                     .has_value = true,
                                     .source = (uint8_t)doubled.feeding_source,
                                     .offset = next < 0 ? 0 : next};
    doubled.fed++;
    return 1;
}

static void release(struct log *log, struct log_record *records, uint32_t count)
{
    (void)log;
    (void)records;
    (void)count;
}

static int64_t high_watermark(struct log *log, uint32_t task, enum source source, bool *out_empty)
{
    (void)log;
    (void)task;
    (void)source;
    *out_empty = false;
    return -1;
}

static void open_producer(struct log *log)
{
    (void)log;
}

static void commit(struct log *log, const struct log_transaction *transaction)
{
    (void)log;
    doubled.committing = transaction;
}

static const struct log_ops log_ops = {.next_event = next_event,
                                       .fetch = fetch,
                                       .release = release,
                                       .start = start,
                                       .stop = nothing,
                                       .high_watermark = high_watermark,
                                       .ask_committed = nothing,
                                       .read_journal = read_journal,
                                       .stop_journal = nothing,
                                       .open_producer = open_producer,
                                       .commit = commit};

static enum status submit(struct store *store, uint32_t connection,
                          const struct store_pipeline *pipeline, uint64_t token)
{
    (void)store;
    (void)connection;
    (void)token;
    if (!doubled.connected) {
        return STATUS_AWAY;
    }
    doubled.commands = pipeline->command_count;
    doubled.pipeline = *pipeline;
    return STATUS_OK;
}

static bool next_answer(struct store *store, struct store_answer *out_answer)
{
    (void)store;
    (void)out_answer;
    return false;
}

static uint64_t epoch(struct store *store, uint32_t connection)
{
    (void)store;
    (void)connection;
    return doubled.connected ? 1 : 0;
}

static void counters(struct store *store, struct store_counters *out_counters)
{
    (void)store;
    (void)out_counters;
}

static void reset(struct store *store, uint32_t connection)
{
    (void)store;
    (void)connection;
    doubled.breaks++;
}

static const struct store_ops store_ops = {.submit = submit,
                                           .next_answer = next_answer,
                                           .epoch = epoch,
                                           .counters = counters,
                                           .reset = reset};

static int64_t now_us(struct clock *clock)
{
    static int64_t now = 1000000000;
    (void)clock;
    return now += 1000;
}

static uint64_t random64(struct clock *clock)
{
    (void)clock;
    return 4711;
}

static const struct clock_ops clock_ops = {now_us, now_us, random64};

static enum status encode(void *context, const struct output *output, int64_t processed_at_ms,
                          struct arena *arena, struct log_write *out_write)
{
    (void)context;
    (void)processed_at_ms;
    (void)arena;
    (void)out_write;
    if (output->kind == OUTPUT_DEAD_LETTER) {
        doubled.dead_letter = output->dead_letter;
    }
    return doubled.refuses_outputs ? STATUS_FULL : STATUS_OK;
}

static enum worker_decode decode(void *context, const struct log_record *record,
                                 struct event *out_event, struct reject *out_reject)
{
    (void)context;
    (void)out_reject;
    *out_event = (struct event){.customer_id = record->key, .time_ms = 1000 + record->offset};
    return WORKER_DECODED;
}

void double_knows_fed(struct task *task)
{
    ck_assert_uint_eq(hash_partition(fed_id, DOUBLE_TASKS), task->number);
    struct cache_entry *entry = cache_insert(&doubled.worker->cache, task->slot, fed_id);
    ck_assert_ptr_nonnull(entry);
    engine_customer_init(doubled.worker->options.engine, cache_customer(entry), fed_id);
}

void double_turn_quietly(void)
{
    int32_t wait_ms;
    happens = false;
    ck_assert_int_eq(worker_turn(doubled.worker, &wait_ms), WORKER_GO_ON);
}

void double_turn(enum log_event_kind kind, uint32_t task, uint32_t ticket)
{
    int32_t wait_ms;
    happens = true;
    happening = (struct log_event){.kind = kind, .task = task, .ticket = ticket};
    ck_assert_int_eq(worker_turn(doubled.worker, &wait_ms), WORKER_GO_ON);
}

void double_open(uint32_t due_entries, uint32_t number)
{
    struct worker_options options;
    worker_options_init(&options);
    options.limits.due_entries = due_entries;
    double_open_as(options, number);
}

void double_open_as(struct worker_options options, uint32_t number)
{
    static struct log log = {&log_ops};
    static struct store store = {&store_ops};
    static struct clock clock = {&clock_ops};
    struct status_text text;
    doubled = (struct worker_double){0};
    kit_open(&kit);
    options.engine = kit.engine;
    options.log = &log;
    options.store = &store;
    options.clock = &clock;
    options.codec.encode = encode;
    options.codec.decode = decode;
    options.application = "app";
    options.cluster_id = "cluster";
    options.journal_topic = "journal";
    options.checkpoint_topic = "checkpoints";
    options.task_count = DOUBLE_TASKS;
    options.journal_partitions = 1;
    options.checkpoint_partitions = 1;
    options.tasks_max = 1;
    for (uint32_t i = 0; i < 2; i++) {
        options.sources[i] = (struct worker_source){.used = true, .topic = "input"};
    }
    ck_assert_int_eq(worker_open(&doubled.worker, &options, &text), STATUS_OK);
    double_turn(LOG_ASSIGNED, number, 0);
}

struct store_reply double_head(enum head_state state, uint64_t owner)
{
    static uint8_t bytes[HEAD_SIZE_MAX];
    struct head head = {.state = (uint8_t)state, .owner = owner, .seq = DOUBLE_CUT};
    return (struct store_reply){.kind = STORE_BULK,
                                .text = slice_of(bytes, head_write(&head, bytes))};
}

void double_become_live(int64_t next)
{
    struct task *task = &doubled.worker->tasks[0];
    ck_assert_int_eq(task->state, TASK_CLAIMING);
    for (uint32_t i = 0; i < 2; i++) {
        task->committed[i] = next;
        task->sources[i] = (struct task_source){.verify = 77, .verify_offset = next - 1};
    }
    task->step = CLAIM_TASK_RECORD;
    task->seq = DOUBLE_CUT;
    task->committed_seq = DOUBLE_CUT;
    task->acked_seq = DOUBLE_CUT;
    task->sent_seq = DOUBLE_CUT;
    task->owner = 1;
    const struct store_reply parts[2] = {double_head(HEAD_READY, 1), {.kind = STORE_NIL}};
    ck_assert_int_eq(head_parse(parts[0].text, &task->acked_head), STATUS_OK);
    const struct store_reply reply = {.kind = STORE_ARRAY, .children = parts, .count = 2};
    claim_task_record(doubled.worker, task,
                      &(struct store_answer){.replies = &reply, .reply_count = 1});
    ck_assert_int_eq(task->state, TASK_LIVE);
}

void double_change_playbook(void)
{
    static uint8_t packed[ENGINE_RECORD_SIZE_MAX];
    struct status_text text;
    struct worker *worker = doubled.worker;
    struct task *task = &worker->tasks[0];
    size_t size = engine_task_pack(worker->options.engine, task->state_block, packed);
    const struct engine *other = kit_other_layout(&kit, false);
    ck_assert_uint_le(engine_task_size(other), engine_task_size(worker->options.engine));
    worker->options.engine = other;
    ck_assert_int_eq(
        engine_task_unpack(other, task->state_block, task->number, slice_of(packed, size), &text),
        STATUS_OK);
}
