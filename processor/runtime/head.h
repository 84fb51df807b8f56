/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a task in Redis, and the small envelope around a customer's record there.
 *
 * Whoever changes a task's Redis compares the head first (WATCH, GET, MULTI .. EXEC) and moves it in the same
 * step, so that Redis is at any moment exactly the state after cut W (DESIGN 5.2, I3). */
#ifndef RUNTIME_HEAD_H
#define RUNTIME_HEAD_H

#include "base/bytes.h"
#include "base/status.h"

enum { HEAD_SIZE_MAX = 256, KEY_PREFIX_SIZE_MAX = 96 };

enum head_state { HEAD_READY, HEAD_REBUILDING };

struct head {
    uint8_t state;  /* enum head_state */
    uint64_t owner; /* the random number of whoever may write; 0: a person asked for a rebuild */
    uint64_t seq;   /* W */
    uint32_t journal_partition;
    int64_t journal_offset; /* where cut W begins, or somewhat before; < 0: not known */
    uint64_t layout_hash;
    uint64_t playbook_hash;
    uint32_t task_count;
    uint32_t journal_partitions;
    int64_t due_first; /* every due bucket in use, far ones aside, is in due_first .. due_last */
    int64_t due_last;
    uint64_t cluster_hash;   /* of Kafka's cluster id */
    uint64_t customer_count; /* of the task; REBUILDING: written so far */
};

/* Bytes written to `out` (HEAD_SIZE_MAX). */
size_t head_write(const struct head *head, uint8_t *out);
/* `next`, for a Redis that has `before` of the same cut: unlike it (and every one since that cut was first
 * written), or a Redis that falls back to it would not be noticed. It says to read the journal a little earlier. */
struct head head_of_same_cut(const struct head *next, const struct head *before);
/* Byte for byte? Several heads may name one cut. */
bool head_is(struct slice bytes, const struct head *head);
/* STATUS_INVALID: not a head that we know. An absent head is not asked here. */
MUST_USE enum status head_parse(struct slice bytes, struct head *out_head);

/* "{app.NN}head" and its siblings: prefix is "{app.NN}". Returns the length of the text. */
size_t key_prefix(char *out, size_t size, const char *application, uint32_t task);

/* A record in Redis, journal and checkpoints: version, due bucket, then what the engine packed. */
static inline void record_begin(struct bytes_writer *writer, int64_t bucket)
{
    bytes_put_u8(writer, 1);
    bytes_put_varint(writer, bucket);
}

/* False: not a record. `out_packed` borrows. */
static inline bool record_open(struct slice record, int64_t *out_bucket, struct slice *out_packed)
{
    struct bytes_reader reader = bytes_reader(record);
    uint8_t version = bytes_take_u8(&reader);
    int64_t bucket = bytes_take_varint(&reader);
    if (reader.bad || version != 1) {
        return false;
    }
    *out_bucket = bucket;
    *out_packed = slice_of(reader.at, bytes_left(&reader));
    return true;
}

#endif
