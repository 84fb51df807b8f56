/* SPDX-License-Identifier: Apache-2.0 */
/* A block is taken only when the marker after it is right, so a wrong size cannot have us read something else
 * as records. After a corrupt one the next marker is looked for, which is what markers are for. */
#define ZLIB_CONST /* its input is not written to */
#include "codec/container.h"

#include <string.h>
#include <zlib.h>

#include "codec/schema.h"
#include "codec/varint.h"

enum {
    SYNC_SIZE = 16,
    MAGIC_SIZE = 4,
    METADATA_MAX = 1024,
    RAW_DEFLATE = -15,
    /* fastavro cuts a zlib stream to a deflate stream and leaves so much of zlib's checksum behind it */
    CHECKSUM_REST_SIZE = 3,
};

bool container_is(struct slice file)
{
    return file.size >= MAGIC_SIZE && memcmp(file.data, "Obj\1", MAGIC_SIZE) == 0;
}

static bool take_long(struct container *container, int64_t *out)
{
    const uint8_t *end = container->file.data + container->file.size;
    const uint8_t *after = varint_read(container->file.data + container->at, end, out);
    if (after != NULL) {
        container->at = (size_t)(after - container->file.data);
    }
    return after != NULL;
}

static bool take_sized(struct container *container, struct slice *out)
{
    int64_t size;
    if (!take_long(container, &size) || size < 0 ||
        (uint64_t)size > container->file.size - container->at) {
        return false;
    }
    *out = slice_of(container->file.data + container->at, (size_t)size);
    container->at += (size_t)size;
    return true;
}

/* The header's map; `codec` stays when it is not named. */
static bool take_metadata(struct container *container, struct slice *codec)
{
    struct slice key, value;
    uint32_t left = METADATA_MAX;
    for (;;) {
        int64_t count, size;
        if (!take_long(container, &count) || count < -METADATA_MAX || count > METADATA_MAX) {
            return false;
        }
        if (count == 0) {
            return true;
        }
        if (count < 0 && !take_long(container, &size)) {
            return false;
        }
        for (count = count < 0 ? -count : count; count > 0; count--) {
            if (left-- == 0 || !take_sized(container, &key) || !take_sized(container, &value)) {
                return false;
            }
            if (slice_is(key, "avro.schema")) {
                container->schema = value;
            } else if (slice_is(key, "avro.codec")) {
                *codec = value;
            }
        }
    }
}

enum status container_open(struct slice file, uint8_t *room, struct container *out_container,
                           struct status_text *out_text)
{
    struct container container = {.file = file, .at = MAGIC_SIZE, .room = room};
    struct slice codec = slice_text("null");
    if (!container_is(file)) {
        return status_fail(out_text, STATUS_INVALID, "byte 0: this is no Avro container file");
    }
    if (!take_metadata(&container, &codec) || file.size - container.at < SYNC_SIZE) {
        return status_fail(out_text, STATUS_INVALID,
                           "byte %zu: the header of the container is broken", container.at);
    }
    if (container.schema.size == 0 || container.schema.size > SCHEMA_TEXT_SIZE_MAX) {
        return status_fail(out_text, STATUS_INVALID,
                           "byte %d: the header's avro.schema is absent, or above %d bytes",
                           MAGIC_SIZE, SCHEMA_TEXT_SIZE_MAX);
    }
    container.deflated = slice_is(codec, "deflate");
    if (!container.deflated && !slice_is(codec, "null")) {
        return status_fail(out_text, STATUS_INVALID,
                           "byte %d: codec `%.*s`; only null and deflate can be read", MAGIC_SIZE,
                           codec.size > 32 ? 32 : (int)codec.size, (const char *)codec.data);
    }
    container.sync = file.data + container.at;
    container.at += SYNC_SIZE;
    *out_container = container;
    return STATUS_OK;
}

bool container_ended(const struct container *container)
{
    return container->at == container->file.size;
}

/* Behind the next marker at or after `from`, or the end. */
static void skip_to_sync(struct container *container, size_t from)
{
    for (size_t at = from; container->file.size - at >= SYNC_SIZE; at++) {
        if (memcmp(container->file.data + at, container->sync, SYNC_SIZE) == 0) {
            container->at = at + SYNC_SIZE;
            return;
        }
    }
    container->at = container->file.size;
}

/* NULL: good. */
static const char *inflate_block(struct container *container, struct slice *bytes)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, RAW_DEFLATE) != Z_OK) {
        return "no memory to inflate its block";
    }
    stream.next_in = bytes->data;
    stream.avail_in = (uInt)bytes->size;
    stream.next_out = container->room;
    stream.avail_out = CONTAINER_BLOCK_SIZE_MAX;
    int result = inflate(&stream, Z_FINISH);
    *bytes = slice_of(container->room, CONTAINER_BLOCK_SIZE_MAX - stream.avail_out);
    bool whole = result == Z_STREAM_END && stream.avail_in <= CHECKSUM_REST_SIZE;
    (void)inflateEnd(&stream);
    if (result == Z_BUF_ERROR && stream.avail_out == 0) {
        return "its block is larger than 16 MiB when inflated";
    }
    return whole ? NULL : "its block does not inflate";
}

static const char *take_block(struct container *container, struct container_block *out)
{
    int64_t count, size;
    if (!take_long(container, &count) || !take_long(container, &size)) {
        return "its count or size is cut off or no number";
    }
    size_t left = container->file.size - container->at;
    if (count < 0 || size < 0) {
        return "its count or size is below 0";
    }
    if (size > CONTAINER_BLOCK_SIZE_MAX) {
        return "its block is larger than 16 MiB";
    }
    if (left < SYNC_SIZE || (uint64_t)size > left - SYNC_SIZE) {
        return "its block is cut off";
    }
    out->at = container->at;
    out->count = (uint64_t)count;
    out->bytes = slice_of(container->file.data + container->at, (size_t)size);
    if (memcmp(out->bytes.data + size, container->sync, SYNC_SIZE) != 0) {
        return "its block does not end in the file's sync marker";
    }
    container->at += (size_t)size + SYNC_SIZE;
    return container->deflated ? inflate_block(container, &out->bytes) : NULL;
}

enum status container_next(struct container *container, struct container_block *out_block,
                           struct status_text *out_text)
{
    struct container_block block;
    size_t from = container->at;
    const char *wrong = take_block(container, &block);
    if (wrong == NULL) {
        *out_block = block;
        return STATUS_OK;
    }
    skip_to_sync(container, from);
    return status_fail(out_text, STATUS_INVALID, "block at byte %zu: %s; its records are skipped",
                       from, wrong);
}
