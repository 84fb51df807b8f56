/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/head.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/invariant.h"

enum { HEAD_VERSION = 2 };

size_t head_write(const struct head *head, uint8_t *out)
{
    struct bytes_writer writer = bytes_writer(out, HEAD_SIZE_MAX);
    bytes_put_u8(&writer, HEAD_VERSION);
    bytes_put_u8(&writer, head->state);
    bytes_put_u64(&writer, head->owner);
    bytes_put_varuint(&writer, head->seq);
    bytes_put_varuint(&writer, head->journal_partition);
    bytes_put_varint(&writer, head->journal_offset);
    bytes_put_u64(&writer, head->layout_hash);
    bytes_put_u64(&writer, head->playbook_hash);
    bytes_put_varuint(&writer, head->task_count);
    bytes_put_varuint(&writer, head->journal_partitions);
    bytes_put_varint(&writer, head->due_first);
    bytes_put_varint(&writer, head->due_last);
    bytes_put_u64(&writer, head->cluster_hash);
    bytes_put_varuint(&writer, head->customer_count);
    INVARIANT(!writer.full);
    return writer.size;
}

struct head head_of_same_cut(const struct head *next, const struct head *before)
{
    struct head other = *next;
    other.journal_offset = before->journal_offset - 1;
    return other;
}

bool head_is(struct slice bytes, const struct head *head)
{
    uint8_t expected[HEAD_SIZE_MAX];
    return slice_equal(bytes, slice_of(expected, head_write(head, expected)));
}

enum status head_parse(struct slice bytes, struct head *out_head)
{
    struct bytes_reader reader = bytes_reader(bytes);
    struct head head = {0};
    uint8_t version = bytes_take_u8(&reader);
    head.state = bytes_take_u8(&reader);
    head.owner = bytes_take_u64(&reader);
    head.seq = bytes_take_varuint(&reader);
    head.journal_partition = (uint32_t)bytes_take_varuint(&reader);
    head.journal_offset = bytes_take_varint(&reader);
    head.layout_hash = bytes_take_u64(&reader);
    head.playbook_hash = bytes_take_u64(&reader);
    head.task_count = (uint32_t)bytes_take_varuint(&reader);
    head.journal_partitions = (uint32_t)bytes_take_varuint(&reader);
    head.due_first = bytes_take_varint(&reader);
    head.due_last = bytes_take_varint(&reader);
    head.cluster_hash = bytes_take_u64(&reader);
    head.customer_count = bytes_take_varuint(&reader);
    if (reader.bad || bytes_left(&reader) != 0 || version != HEAD_VERSION ||
        head.state > HEAD_REBUILDING) {
        return STATUS_INVALID;
    }
    *out_head = head;
    return STATUS_OK;
}

size_t key_prefix(char *out, size_t size, const char *application, uint32_t task)
{
    int written = snprintf(out, size, "{%s.%u}", application, task);
    INVARIANT(written > 0 && (size_t)written < size);
    return (size_t)written;
}
