/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lookup.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/memory.h"
#include "commands/commands.h"
#include "io/clock.h"
#include "io/store.h"
#include "runtime/head.h"

enum { TIMEOUT_MS = 5000, PIPELINE_SIZE = 4096, KEYS_MAX = 3, KEY_SIZE = 256 };

static int fail(const char *command, enum status status, const struct status_text *text)
{
    return connect_fail(command, status, text);
}

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
    int more = snprintf(out + size, KEY_SIZE - size, "%s%.*s", kind, SLICE_ARG(id));
    return slice_of(out, size + (size_t)(more < 0 ? 0 : more));
}

/* Heads say how many tasks there are; task 0 always exists. */
static enum status read_head(struct lookup *lookup, struct redis_store *redis, uint32_t task,
                             struct arena *arena, struct head *out_head,
                             struct status_text *out_text)
{
    char text[KEY_SIZE];
    struct slice key = key_of(lookup, task, "head", slice_text(""), text), value;
    enum status status = read_keys(redis, &key, 1, arena, &value, out_text);
    if (status == STATUS_OK && value.data == NULL) {
        return status_fail(out_text, STATUS_INVALID,
                           "there is no %.*s in Redis: nothing has been processed yet, or "
                           "`application` is another one",
                           SLICE_ARG(key));
    }
    if (status != STATUS_OK || head_parse(value, out_head) != STATUS_OK) {
        return status != STATUS_OK
                   ? status
                   : status_fail(out_text, STATUS_INVALID,
                                 "%.*s is no head that this version knows", SLICE_ARG(key));
    }
    return STATUS_OK;
}

static enum status unpack(struct lookup *lookup, struct slice id, struct slice record,
                          struct slice task_record, struct status_text *out_text)
{
    const struct engine *engine = lookup->opened.engine;
    struct slice packed;
    int64_t bucket;
    lookup->customer = memory_take(engine_customer_size(engine), "lookup");
    lookup->task = memory_take(engine_task_size(engine), "lookup");
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

static int read_customer(const char *command, struct lookup *lookup, struct redis_store *redis,
                         struct slice id)
{
    struct arena arena;
    struct head head;
    struct status_text text;
    char record_key[KEY_SIZE], task_key[KEY_SIZE];
    struct slice values[2];
    arena_init(&arena, memory_take(4 << 20, "lookup"), 4 << 20);
    enum status status = read_head(lookup, redis, 0, &arena, &head, &text);
    if (status == STATUS_OK) {
        lookup->task_count = head.task_count;
        lookup->task_number = hash_partition(id, head.task_count);
        status = read_head(lookup, redis, lookup->task_number, &arena, &head, &text);
    }
    if (status != STATUS_OK) {
        return fail(command, status, &text);
    }
    lookup->ready = head.state == HEAD_READY;
    struct slice keys[2] = {key_of(lookup, lookup->task_number, "c:", id, record_key),
                            key_of(lookup, lookup->task_number, "c:", slice_text(""), task_key)};
    status = read_keys(redis, keys, 2, &arena, values, &text);
    if (status != STATUS_OK) {
        return fail(command, status, &text);
    }
    if (values[0].data == NULL) {
        (void)fprintf(stderr, "segue %s: there is no customer %.*s in task %u%s\n", command,
                      SLICE_ARG(id), lookup->task_number,
                      lookup->ready ? "" : " (it is being rebuilt)");
        return EXIT_NO;
    }
    struct engine_options options = {ENGINE_CLOCK_LIVE, lookup->connect.settings.live_from_ms,
                                     lookup->connect.settings.salt_hash, lookup->task_count};
    int code = opened_engine(command, options, &lookup->opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    status = unpack(lookup, id, values[0], values[1], &text);
    return status == STATUS_OK ? EXIT_GOOD : fail(command, status, &text);
}

int lookup_customer(const char *command, const char *config, struct slice id,
                    struct lookup *out_lookup)
{
    struct status_text text;
    struct redis_store *redis;
    if (id.size == 0 || id.size > CUSTOMER_ID_SIZE_MAX) {
        (void)fprintf(stderr, "segue %s: a customer's id has 1 to %d bytes\n", command,
                      CUSTOMER_ID_SIZE_MAX);
        return EXIT_USAGE;
    }
    if (!connect_load(config, &out_lookup->connect)) {
        return EXIT_CONFIG;
    }
    int code =
        opened_playbook(command, out_lookup->connect.settings.playbook, false, &out_lookup->opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    struct redis_settings settings = connect_redis(&out_lookup->connect, 1);
    enum status status = redis_store_open(&redis, &settings, clock_system(), &text);
    if (status != STATUS_OK) {
        return fail(command, status, &text);
    }
    status = redis_store_wait_ready(redis, STORE_CONNECTION_READ, TIMEOUT_MS, &text);
    code = status == STATUS_OK ? read_customer(command, out_lookup, redis, id)
                               : fail(command, status, &text);
    redis_store_close(redis);
    return code;
}

void lookup_json_text(struct slice text, FILE *out)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\' || c < 0x20) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
    (void)fputc('"', out);
}
