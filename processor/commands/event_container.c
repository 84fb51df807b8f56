/* SPDX-License-Identifier: Apache-2.0 */
/* A record's end is known by decoding it only. One that is refused for what it says is passed over; one that does
 * not decode takes the rest of its block with it, since nobody knows where the next begins. */
#include "commands/event_container.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/show.h"
#include "codec/container.h"
#include "codec/decode.h"
#include "codec/schemas.h"

enum { SCHEMA_ARENA_SIZE = 8 << 20, NAME_SHOWN_MAX = 128 };

struct event_container {
    struct container container;
    const struct plan *plan;
    enum source source;
    struct container_block block;
    size_t at;     /* in the block's bytes */
    uint64_t left; /* records of the block */
    uint64_t number;
};

static bool is_of(const struct schema *contract, struct slice name)
{
    struct slice bare = contract->name;
    for (size_t i = 0; i < contract->name.size; i++) {
        if (contract->name.data[i] == '.') {
            bare = slice_of(contract->name.data + i + 1, contract->name.size - i - 1);
        }
    }
    return slice_equal(contract->name, name) || slice_equal(bare, name);
}

static enum status compile(struct event_container *container, int32_t source, struct arena *arena,
                           struct status_text *out_text)
{
    const struct schema *writer, *contract;
    enum status status =
        schema_parse(container->container.schema, NULL, 0, arena, &writer, out_text);
    for (int32_t s = 0; status == STATUS_OK && s < SOURCE_COUNT; s++) {
        struct source_mapping mapping = {.source = (enum source)s};
        status = schema_parse(schemas_text(schemas_name_of_source((enum source)s)), NULL, 0, arena,
                              &contract, out_text);
        if (status == STATUS_OK &&
            (s == source || (source == EVENT_CONTAINER_ANY && is_of(contract, writer->name)))) {
            container->source = (enum source)s;
            return plan_compile(writer, contract, &mapping, arena, &container->plan, out_text);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct slice name = writer->name;
    name.size = name.size < NAME_SHOWN_MAX ? name.size : NAME_SHOWN_MAX;
    return status_fail(out_text, STATUS_INVALID,
                       "the schema `%.*s` is no source's; name the source with --source",
                       SLICE_ARG(name));
}

enum status event_container_open(struct slice file, int32_t source,
                                 struct event_container **out_container,
                                 struct status_text *out_text)
{
    struct event_container *container = memory_take(sizeof(*container), "event files");
    struct arena arena;
    /* Address space; what is never written to costs nothing. */
    uint8_t *memory =
        mmap(NULL, SCHEMA_ARENA_SIZE + CONTAINER_BLOCK_SIZE_MAX, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return status_fail(out_text, STATUS_FATAL, "no memory: %s", strerror(errno));
    }
    arena_init(&arena, memory, SCHEMA_ARENA_SIZE);
    enum status status =
        container_open(file, memory + SCHEMA_ARENA_SIZE, &container->container, out_text);
    if (status == STATUS_OK) {
        status = compile(container, source, &arena, out_text);
    }
    if (status == STATUS_FULL) {
        return status_fail(out_text, STATUS_INVALID, "the schema is too large");
    }
    *out_container = container;
    return status;
}

enum source event_container_source(const struct event_container *container)
{
    return container->source;
}

static void fail(struct ndjson_error *out, enum reject_reason reason, struct status_text text)
{
    *out = (struct ndjson_error){.reason = reason, .text = text};
}

/* The next block that has records. STATUS_AWAY: there is none. */
static enum status open_block(struct event_container *container, struct ndjson_error *out_error)
{
    struct status_text text;
    while (container->left == 0) {
        if (container_ended(&container->container)) {
            return STATUS_AWAY;
        }
        if (container_next(&container->container, &container->block, &text) != STATUS_OK) {
            fail(out_error, REJECT_TRUNCATED, text);
            return STATUS_INVALID;
        }
        container->at = 0;
        container->left = container->block.count;
        if (container->left == 0 && container->block.bytes.size > 0) {
            (void)status_fail(&text, STATUS_INVALID,
                              "block at byte %" PRIu64 ": it has bytes and no record",
                              container->block.at);
            fail(out_error, REJECT_TRAILING_BYTES, text);
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

/* `size`: of the refused record, 0: the rest of the block goes with it. */
static void refuse(struct event_container *container, const struct reject *reject, size_t size,
                   struct ndjson_error *out_error)
{
    struct status_text text, tail = {""};
    uint64_t lost = size == 0 ? container->left - 1 : 0;
    if (lost > 0) {
        (void)status_fail(&tail, STATUS_INVALID,
                          "; the %" PRIu64 " record%s behind it in its block %s skipped", lost,
                          show_s(lost), lost == 1 ? "is" : "are");
        container->number += lost;
        container->left -= lost;
    }
    bool deflated = container->container.deflated;
    uint64_t at = container->at + reject->at;
    char of[64] = "";
    if (deflated) {
        (void)snprintf(of, sizeof of, " of the block at byte %" PRIu64 ", inflated",
                       container->block.at);
    }
    (void)status_fail(&text, STATUS_INVALID, "%s%s%.100s at byte %" PRIu64 "%s%.100s",
                      reject_reason_text(reject->reason), reject->field == NULL ? "" : " in ",
                      reject->field == NULL ? "" : reject->field,
                      deflated ? at : container->block.at + at, of, tail.text);
    fail(out_error, reject->reason, text);
}

enum status event_container_next(struct event_container *container, struct arena *arena,
                                 struct event *out_event, uint64_t *out_number,
                                 struct ndjson_error *out_error)
{
    enum status status = open_block(container, out_error);
    *out_number = container->number + 1;
    if (status != STATUS_OK) {
        return status;
    }
    struct slice rest = slice_of(container->block.bytes.data + container->at,
                                 container->block.bytes.size - container->at);
    struct reject reject = {.reason = REJECT_NONE};
    size_t size;
    bool good =
        decode_next(container->plan, rest, DECODE_RECORD_SIZE_MAX, out_event, &size, &reject);
    if (good && container->left == 1 && size < rest.size) {
        good = false; /* its count is too small, or the record is not what it seems */
        reject = (struct reject){.reason = REJECT_TRAILING_BYTES, .at = (uint32_t)size};
    }
    if (good && container->container.deflated) { /* the room is the next block's */
        struct slice copy = arena_copy(arena, slice_of(rest.data, size));
        if (copy.data == NULL) {
            return STATUS_FULL;
        }
        good = decode_event(container->plan, copy, DECODE_RECORD_SIZE_MAX, out_event, &reject);
    }
    container->number++;
    if (!good) {
        refuse(container, &reject, size, out_error);
    }
    container->at += size;
    container->left--;
    return good ? STATUS_OK : STATUS_INVALID;
}
