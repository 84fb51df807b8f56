/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lookup.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/show.h"
#include "commands/commands.h"
#include "commands/live.h"
#include "io/clock.h"
#include "io/store.h"
#include "runtime/head.h"

enum { TIMEOUT_MS = 5000, PIPELINE_SIZE = 4096, KEY_SIZE = 256, ARENA_SIZE = 4 << 20 };

/* GET each key; copies of the values land in `arena` (empty data: the key is not there). */
static enum status read_keys(struct redis_store *redis, const struct slice *keys, uint32_t count,
                             struct arena *arena, struct slice *out_values,
                             struct status_text *out_text)
{
    uint8_t block[PIPELINE_SIZE];
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    struct store_answer answer;
    for (uint32_t i = 0; i < count; i++) {
        store_command(&pipeline, 2);
        store_argument_text(&pipeline, "GET");
        store_argument(&pipeline, keys[i]);
    }
    enum status status =
        redis_store_call(redis, STORE_CONNECTION_READ, &pipeline, TIMEOUT_MS, &answer, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct store_reply *reply = &answer.replies[i];
        if (reply->kind == STORE_ERROR) {
            return status_fail(out_text, STATUS_INVALID, "Redis: %.*s", SLICE_ARG(reply->text));
        }
        out_values[i] =
            reply->kind == STORE_BULK ? arena_copy(arena, reply->text) : slice_of(NULL, 0);
    }
    return STATUS_OK;
}

static struct slice key_of(const struct lookup *lookup, uint32_t task, const char *kind,
                           struct slice id, char out[KEY_SIZE])
{
    size_t size = key_prefix(out, KEY_SIZE, lookup->connect.settings.application, task);
    struct bytes_writer writer = bytes_writer((uint8_t *)out + size, KEY_SIZE - size);
    bytes_put(&writer, kind, strlen(kind));
    bytes_put(&writer, id.data, id.size); /* whole: cut at a NUL it would be somebody else's key */
    INVARIANT(!writer.full);
    return slice_of(out, size + writer.size);
}

static enum status take_head(struct slice key, struct slice value, struct head *out_head,
                             struct status_text *out_text)
{
    if (value.data == NULL) {
        return status_fail(out_text, STATUS_INVALID,
                           "there is no %.*s in Redis: nothing has been processed yet, or "
                           "`application` is another one",
                           SLICE_ARG(key));
    }
    if (head_parse(value, out_head) != STATUS_OK) {
        return status_fail(out_text, STATUS_INVALID, "%.*s is no head that this version knows",
                           SLICE_ARG(key));
    }
    return STATUS_OK;
}

/* Heads say how many tasks there are; task 0 always exists. */
static enum status read_task_count(struct lookup *lookup, struct status_text *out_text)
{
    char text[KEY_SIZE];
    struct head head = {0};
    struct slice key = key_of(lookup, 0, "head", slice_text(""), text), value = {0};
    enum status status = read_keys(lookup->redis, &key, 1, &lookup->arena, &value, out_text);
    if (status == STATUS_OK) {
        status = take_head(key, value, &head, out_text);
    }
    if (status == STATUS_OK) {
        lookup->task_count = head.task_count;
        lookup->written_hash = head.playbook_hash;
    }
    return status;
}

/* The playbook that wrote what stands in Redis, or the nearest to it; see lookup_open. */
static int open_playbook(struct lookup *lookup)
{
    struct opened files = {0};
    int code = opened_playbook(lookup->command, lookup->connect.settings.playbook, true, &files);
    if (code == EXIT_GOOD && files.playbook->hash == lookup->written_hash) {
        lookup->opened = files;
        return code;
    }
    lookup->opened.zones = files.zones;
    uint64_t applied = 0;
    code = live_open(lookup->command, &lookup->connect, &lookup->opened, &applied);
    lookup->applied = applied != 0;
    return code;
}

/* Once, and on stderr: the answer stands on stdout. */
static void tell_other(struct lookup *lookup, const struct head *head)
{
    uint64_t ours = lookup->opened.playbook->hash;
    if (head->playbook_hash == ours || lookup->told_other) {
        return;
    }
    lookup->told_other = true;
    (void)fprintf(stderr,
                  "segue %s: task %u was written under playbook %016" PRIx64
                  ", this answer is by %016" PRIx64 ", %s\n",
                  lookup->command, lookup->task_number, head->playbook_hash, ours,
                  lookup->applied ? "which is live: the process is changing over to it"
                                  : "the files of the configuration, which nobody has applied");
}

static enum status unpack(struct lookup *lookup, struct slice id, struct slice record,
                          struct slice task_record, struct status_text *out_text)
{
    const struct engine *engine = lookup->opened.engine;
    struct slice packed;
    int64_t bucket;
    engine_task_init(engine, lookup->task, lookup->task_number);
    if (!record_open(record, &bucket, &packed)) {
        return status_fail(out_text, STATUS_INVALID,
                           "the customer's record is none that this version knows");
    }
    enum status status = engine_customer_unpack(engine, lookup->customer, id, packed, out_text);
    if (status == STATUS_OK && task_record.data != NULL &&
        record_open(task_record, &bucket, &packed)) {
        status = engine_task_unpack(engine, lookup->task, lookup->task_number, packed, out_text);
    }
    return status;
}

int lookup_customer(struct lookup *lookup, struct slice id)
{
    enum { HEAD, RECORD, TASK_RECORD, KEYS };
    char texts[KEYS][KEY_SIZE];
    struct slice values[KEYS] = {{0}};
    struct head head = {0};
    struct status_text text;
    if (id.size == 0 || id.size > CUSTOMER_ID_SIZE_MAX) {
        (void)fprintf(stderr, "segue %s: a customer's id has 1 to %d bytes\n", lookup->command,
                      CUSTOMER_ID_SIZE_MAX);
        return EXIT_USAGE;
    }
    arena_reset(&lookup->arena);
    uint32_t task = lookup->task_number = hash_partition(id, lookup->task_count);
    const struct slice keys[KEYS] = {
        key_of(lookup, task, "head", slice_text(""), texts[HEAD]),
        key_of(lookup, task, "c:", id, texts[RECORD]),
        key_of(lookup, task, "c:", slice_text(""), texts[TASK_RECORD])};
    enum status status = read_keys(lookup->redis, keys, KEYS, &lookup->arena, values, &text);
    if (status == STATUS_OK) {
        status = take_head(keys[HEAD], values[HEAD], &head, &text);
    }
    if (status != STATUS_OK) {
        return connect_fail(lookup->command, status, &text);
    }
    lookup->ready = head.state == HEAD_READY;
    tell_other(lookup, &head);
    if (values[RECORD].data == NULL) {
        (void)fprintf(stderr, "segue %s: there is no customer ", lookup->command);
        show_text(id, stderr);
        (void)fprintf(stderr, " in task %u%s\n", task,
                      lookup->ready ? "" : " (it is being rebuilt)");
        return EXIT_NO;
    }
    status = unpack(lookup, id, values[RECORD], values[TASK_RECORD], &text);
    return status == STATUS_OK ? EXIT_GOOD : connect_fail(lookup->command, status, &text);
}

int lookup_open(const char *command, const char *config, struct lookup *out_lookup)
{
    struct status_text text;
    out_lookup->command = command;
    arena_init(&out_lookup->arena, memory_take(ARENA_SIZE, "lookup"), ARENA_SIZE);
    if (!connect_load(config, &out_lookup->connect)) {
        return EXIT_CONFIG;
    }
    const struct settings *of = &out_lookup->connect.settings;
    struct redis_settings redis = connect_redis(&out_lookup->connect, 1);
    enum status status = redis_store_open(&out_lookup->redis, &redis, clock_system(), &text);
    if (status == STATUS_OK) {
        status =
            redis_store_wait_ready(out_lookup->redis, STORE_CONNECTION_READ, TIMEOUT_MS, &text);
    }
    if (status == STATUS_OK) {
        status = read_task_count(out_lookup, &text);
    }
    if (status != STATUS_OK) {
        return connect_fail(command, status, &text);
    }
    struct engine_options options = {ENGINE_CLOCK_LIVE, of->live_from_ms, of->salt_hash,
                                     out_lookup->task_count};
    int code = open_playbook(out_lookup);
    if (code != EXIT_GOOD) {
        return code;
    }
    code = opened_engine(command, options, &out_lookup->opened);
    if (code == EXIT_GOOD) {
        const struct engine *engine = out_lookup->opened.engine;
        out_lookup->customer = memory_take(engine_customer_size(engine), "lookup");
        out_lookup->task = memory_take(engine_task_size(engine), "lookup");
    }
    return code;
}

int64_t lookup_now_ms(const struct lookup *lookup)
{
    struct clock *clock = clock_system();
    int64_t now_ms = clock->ops->wall_ms(clock), seen_ms = lookup->customer->seen_ms;
    bool stream = lookup->connect.settings.clock == CLOCK_STREAM;
    return stream || now_ms < seen_ms ? seen_ms : now_ms;
}
