/* SPDX-License-Identifier: Apache-2.0 */
/* An Avro object container file, block by block: codecs `null` and `deflate`, sync markers checked. The bytes
 * are hostile until proven otherwise; each message names the byte of the file at which it was noticed.
 *
 *   "Obj\1" | map of metadata: avro.schema, avro.codec | sync | { count | size | bytes | sync }.. */
#ifndef CODEC_CONTAINER_H
#define CODEC_CONTAINER_H

#include "base/slice.h"
#include "base/status.h"

enum { CONTAINER_BLOCK_SIZE_MAX = 16777216 /* bytes of a block, inflated */ };

struct container {
    struct slice schema; /* the writer's, JSON text in the file */
    bool deflated;       /* blocks are inflated into `room` */
    /* private */
    struct slice file;
    size_t at;
    const uint8_t *sync; /* the marker of 16 bytes, in the file */
    uint8_t *room;
};

struct container_block {
    uint64_t at;        /* byte of the file at which its records begin */
    uint64_t count;     /* records that it says to have */
    struct slice bytes; /* in the file, or in the room until the next block */
};

/* Does the file begin as a container does? */
bool container_is(struct slice file);

/* Read the header. `file` and `room` (CONTAINER_BLOCK_SIZE_MAX bytes) outlive the container.
 * STATUS_INVALID: out_text says what and at which byte. */
MUST_USE enum status container_open(struct slice file, uint8_t *room,
                                    struct container *out_container, struct status_text *out_text);

bool container_ended(const struct container *container);

/* The next block; not after the end. STATUS_INVALID: it is corrupt, out_text says how and where; the one after
 * the next sync marker follows. */
MUST_USE enum status container_next(struct container *container, struct container_block *out_block,
                                    struct status_text *out_text);

#endif
