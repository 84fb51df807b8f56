/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cut.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/hash.h"
#include "base/invariant.h"

#define CUT_MAGIC        UINT32_C(0x43474553) /* "SEGC" */
#define CUT_SALT         UINT64_C(0x5e60e)
#define FINGERPRINT_SALT UINT64_C(0xf19e)

void cut_put_header(struct bytes_writer *writer, const struct cut_header *header)
{
    bytes_put_u8(writer, CUT_VERSION);
    bytes_put_slice(writer, header->application);
    bytes_put_slice(writer, header->cluster_id);
    bytes_put_varuint(writer, header->task_count);
    bytes_put_varuint(writer, header->journal_partitions);
    bytes_put_u64(writer, header->layout_hash);
    bytes_put_u64(writer, header->playbook_hash);
    bytes_put_varuint(writer, header->task);
    bytes_put_varuint(writer, header->seq);
    bytes_put_u64(writer, header->owner);
    bytes_put_u8(writer, SOURCE_COUNT);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        bytes_put_varint(writer, header->sources[i].from);
        bytes_put_varint(writer, header->sources[i].to);
        bytes_put_u64(writer, header->sources[i].fingerprint);
    }
    bytes_put_varint(writer, header->now_ms);
    bytes_put_varint(writer, header->due_cursor);
    bytes_put_varint(writer, header->due_last);
    bytes_put_u64(writer, header->previous_hash);
    bytes_put_varuint(writer, header->low);
    bytes_put_varuint(writer, header->customer_count);
    bytes_put_varuint(writer, header->event_count);
    bytes_put_varuint(writer, header->output_count);
    bytes_put_varuint(writer, header->entry_count);
}

static uint32_t take_u32(struct bytes_reader *reader)
{
    uint64_t value = bytes_take_varuint(reader);
    if (value > UINT32_MAX) {
        reader->bad = true;
        return 0;
    }
    return (uint32_t)value;
}

enum status cut_take_header(struct bytes_reader *reader, struct cut_header *out_header)
{
    struct cut_header header = {0};
    if (bytes_take_u8(reader) != CUT_VERSION) {
        return STATUS_INVALID;
    }
    header.application = bytes_take_slice(reader);
    header.cluster_id = bytes_take_slice(reader);
    header.task_count = take_u32(reader);
    header.journal_partitions = take_u32(reader);
    header.layout_hash = bytes_take_u64(reader);
    header.playbook_hash = bytes_take_u64(reader);
    header.task = take_u32(reader);
    header.seq = bytes_take_varuint(reader);
    header.owner = bytes_take_u64(reader);
    uint32_t source_count = bytes_take_u8(reader);
    if (source_count > SOURCE_COUNT) {
        return STATUS_INVALID;
    }
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        header.sources[i] = (struct cut_source){-1, -1, 0};
        if (i < source_count) {
            header.sources[i].from = bytes_take_varint(reader);
            header.sources[i].to = bytes_take_varint(reader);
            header.sources[i].fingerprint = bytes_take_u64(reader);
        }
    }
    header.now_ms = bytes_take_varint(reader);
    header.due_cursor = bytes_take_varint(reader);
    header.due_last = bytes_take_varint(reader);
    header.previous_hash = bytes_take_u64(reader);
    header.low = bytes_take_varuint(reader);
    header.customer_count = bytes_take_varuint(reader);
    header.event_count = take_u32(reader);
    header.output_count = take_u32(reader);
    header.entry_count = take_u32(reader);
    if (reader->bad) {
        return STATUS_INVALID;
    }
    *out_header = header;
    return STATUS_OK;
}

void cut_put_entry(struct bytes_writer *writer, const struct cut_entry *entry)
{
    bytes_put_u8(writer, (uint8_t)entry->flags);
    bytes_put_slice(writer, entry->id);
    if ((entry->flags & CUT_BUCKET_OLD) != 0) {
        bytes_put_varint(writer, entry->bucket_old);
    }
    if ((entry->flags & CUT_BUCKET_NEW) != 0) {
        bytes_put_varint(writer, entry->bucket_new);
    }
    if ((entry->flags & CUT_RECORD_SET) != 0) {
        bytes_put_slice(writer, entry->record);
    }
    bytes_put_varuint(writer, entry->view_count);
    bytes_put_slice(writer, entry->view);
}

enum status cut_take_entry(struct bytes_reader *reader, struct cut_entry *out_entry)
{
    struct cut_entry entry = {.bucket_old = CUT_NO_BUCKET, .bucket_new = CUT_NO_BUCKET};
    entry.flags = bytes_take_u8(reader);
    entry.id = bytes_take_slice(reader);
    if ((entry.flags & CUT_BUCKET_OLD) != 0) {
        entry.bucket_old = bytes_take_varint(reader);
    }
    if ((entry.flags & CUT_BUCKET_NEW) != 0) {
        entry.bucket_new = bytes_take_varint(reader);
    }
    if ((entry.flags & CUT_RECORD_SET) != 0) {
        entry.record = bytes_take_slice(reader);
    }
    entry.view_count = take_u32(reader);
    entry.view = bytes_take_slice(reader);
    if (reader->bad || entry.flags > 31 || entry.id.size > CUSTOMER_ID_SIZE_MAX) {
        return STATUS_INVALID;
    }
    *out_entry = entry;
    return STATUS_OK;
}

void cut_put_field(struct bytes_writer *writer, const struct cut_field *field)
{
    bytes_put_u8(writer, field->remove ? 1 : 0);
    bytes_put_slice(writer, field->name);
    if (!field->remove) {
        bytes_put_slice(writer, field->text);
    }
}

enum status cut_take_field(struct bytes_reader *reader, struct cut_field *out_field)
{
    struct cut_field field = {0};
    uint8_t remove = bytes_take_u8(reader);
    field.remove = remove != 0;
    field.name = bytes_take_slice(reader);
    if (!field.remove) {
        field.text = bytes_take_slice(reader);
    }
    if (reader->bad || remove > 1) {
        return STATUS_INVALID;
    }
    *out_field = field;
    return STATUS_OK;
}

/* Can every field of the view be read? */
static bool view_is_whole(const struct cut_entry *entry)
{
    struct bytes_reader fields = bytes_reader(entry->view);
    for (uint32_t k = 0; k < entry->view_count; k++) {
        struct cut_field field;
        if (cut_take_field(&fields, &field) != STATUS_OK) {
            return false;
        }
    }
    return bytes_left(&fields) == 0;
}

void cut_put_checkpoint(struct bytes_writer *writer, const struct cut_entry *entry)
{
    size_t begin = writer->size;
    bytes_put_u8(writer, CUT_VERSION);
    cut_put_entry(writer, entry);
    if (!writer->full) {
        bytes_put_u64(writer,
                      hash64(slice_of(writer->data + begin, writer->size - begin), CUT_SALT));
    }
}

enum status cut_take_checkpoint(struct slice value, struct cut_entry *out_entry)
{
    struct bytes_reader reader = bytes_reader(value);
    struct cut_entry entry;
    if (bytes_take_u8(&reader) != CUT_VERSION || cut_take_entry(&reader, &entry) != STATUS_OK) {
        return STATUS_INVALID;
    }
    uint64_t hash = bytes_take_u64(&reader);
    if (reader.bad || bytes_left(&reader) != 0 || (entry.flags & CUT_RECORD_SET) == 0 ||
        !view_is_whole(&entry) ||
        hash != hash64(slice_of(value.data, value.size - sizeof(hash)), CUT_SALT)) {
        return STATUS_INVALID;
    }
    *out_entry = entry;
    return STATUS_OK;
}

enum status cut_check(struct slice payload, struct cut_header *out_header)
{
    struct bytes_reader reader = bytes_reader(payload);
    struct cut_header header;
    if (cut_take_header(&reader, &header) != STATUS_OK) {
        return STATUS_INVALID;
    }
    for (uint32_t i = 0; i < header.entry_count; i++) {
        struct cut_entry entry;
        if (cut_take_entry(&reader, &entry) != STATUS_OK) {
            return STATUS_INVALID;
        }
        if (!view_is_whole(&entry)) {
            return STATUS_INVALID;
        }
    }
    if (bytes_left(&reader) != 0) {
        return STATUS_INVALID;
    }
    *out_header = header;
    return STATUS_OK;
}

uint64_t cut_hash(struct slice payload)
{
    return hash64(payload, CUT_SALT);
}

uint64_t cut_fingerprint(struct slice value_or_key)
{
    return hash64(value_or_key, FINGERPRINT_SALT) | 1;
}

void cut_frame(uint8_t *frame, const struct cut_part *part)
{
    INVARIANT(part->piece.size <= UINT32_MAX && part->piece.data == frame + CUT_PART_HEAD);
    struct bytes_writer writer = bytes_writer(frame, CUT_PART_HEAD);
    bytes_put_u32(&writer, CUT_MAGIC);
    bytes_put_u32(&writer, CUT_VERSION | part->part << 8);
    bytes_put_u32(&writer, part->task);
    bytes_put_u64(&writer, part->seq);
    bytes_put_u64(&writer, part->owner);
    bytes_put_u32(&writer, part->parts);
    bytes_put_u32(&writer, (uint32_t)part->piece.size);
    INVARIANT(!writer.full && writer.size == CUT_PART_HEAD);
    uint64_t hash = hash64(slice_of(frame, CUT_PART_HEAD + part->piece.size), CUT_SALT);
    memcpy(frame + CUT_PART_HEAD + part->piece.size, &hash, sizeof(hash));
}

enum status cut_part_parse(struct slice value, struct cut_part *out_part)
{
    if (value.size < CUT_PART_OVERHEAD) {
        return STATUS_INVALID;
    }
    struct bytes_reader reader = bytes_reader(value);
    uint32_t magic = bytes_take_u32(&reader);
    uint32_t version = bytes_take_u32(&reader);
    struct cut_part part = {.part = version >> 8};
    part.task = bytes_take_u32(&reader);
    part.seq = bytes_take_u64(&reader);
    part.owner = bytes_take_u64(&reader);
    part.parts = bytes_take_u32(&reader);
    part.piece = bytes_take(&reader, bytes_take_u32(&reader));
    uint64_t hash = bytes_take_u64(&reader);
    if (reader.bad || bytes_left(&reader) != 0 || magic != CUT_MAGIC ||
        (version & 255) != CUT_VERSION || part.parts == 0 || part.parts > CUT_PARTS_MAX ||
        part.part >= part.parts ||
        hash != hash64(slice_of(value.data, value.size - sizeof(hash)), CUT_SALT)) {
        return STATUS_INVALID;
    }
    *out_part = part;
    return STATUS_OK;
}

static const char *const metadata_labels[] = {"segue1 n=", " low=", " low_at=", " previous_at="};
enum { METADATA_NUMBERS = ARRAY_COUNT(metadata_labels) };

void cut_metadata_write(const struct cut_metadata *metadata, char *out_text, size_t size)
{
    const int64_t numbers[] = {(int64_t)metadata->seq, (int64_t)metadata->low, metadata->low_offset,
                               metadata->previous_offset};
    _Static_assert(ARRAY_COUNT(numbers) == METADATA_NUMBERS, "a label for each");
    size_t at = 0;
    for (uint32_t i = 0; i < METADATA_NUMBERS; i++) {
        char digits[DIGITS_MAX];
        struct slice label = slice_text(metadata_labels[i]);
        struct slice number = digits_of(numbers[i], digits);
        INVARIANT(at + label.size + number.size < size);
        memcpy(out_text + at, label.data, label.size);
        memcpy(out_text + at + label.size, number.data, number.size);
        at += label.size + number.size;
    }
    out_text[at] = '\0';
}

bool cut_metadata_parse(const char *text, struct cut_metadata *out_metadata)
{
    int64_t numbers[METADATA_NUMBERS];
    for (uint32_t i = 0; i < METADATA_NUMBERS; i++) {
        size_t label = strlen(metadata_labels[i]);
        char *end;
        if (strncmp(text, metadata_labels[i], label) != 0) {
            return false;
        }
        numbers[i] = strtoll(text + label, &end, 10);
        if (end == text + label) {
            return false;
        }
        text = end;
    }
    *out_metadata =
        (struct cut_metadata){(uint64_t)numbers[0], (uint64_t)numbers[1], numbers[2], numbers[3]};
    return true;
}

bool cut_low_offset(const char *text, int64_t *out_offset)
{
    struct cut_metadata metadata;
    if (!cut_metadata_parse(text, &metadata)) {
        return false;
    }
    *out_offset = metadata.low_offset < 0 ? 0 : metadata.low_offset;
    return true;
}

bool cut_checkpoint_key(struct slice key, uint32_t task, struct slice *out_id)
{
    char prefix[16];
    int size = snprintf(prefix, sizeof(prefix), "%u:", task);
    if (key.size < (size_t)size || memcmp(key.data, prefix, (size_t)size) != 0) {
        return false;
    }
    *out_id = slice_of(key.data + size, key.size - (size_t)size);
    return out_id->size <= CUSTOMER_ID_SIZE_MAX;
}

uint64_t cut_checkpoint_seq(const struct header *headers, uint32_t count)
{
    uint64_t seq = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (slice_is(headers[i].name, "seq")) {
            struct slice digits = headers[i].value;
            for (size_t k = 0; k < digits.size && k < 19; k++) {
                seq = seq * 10 + (uint64_t)(digits.data[k] - '0');
            }
        }
    }
    return seq;
}
