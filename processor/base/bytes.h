/* SPDX-License-Identifier: Apache-2.0 */
/* Writing and reading packed bytes with every length checked: varints (Avro's zigzag), little-endian
 * words, length-prefixed slices. An error is sticky, so a caller may check once at the end. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/slice.h"

struct bytes_writer {
    uint8_t *data; /* borrowed */
    size_t size;   /* bytes written */
    size_t limit;  /* bytes available */
    bool full;     /* something did not fit; size is then meaningless */
};

struct bytes_reader {
    const uint8_t *at;  /* borrowed */
    const uint8_t *end; /* one past the last */
    bool bad;           /* something was cut short or overlong; values read since are 0 */
};

static inline struct bytes_writer bytes_writer(void *data, size_t limit)
{
    return (struct bytes_writer){data, 0, limit, false};
}

static inline struct bytes_reader bytes_reader(struct slice bytes)
{
    /* Nothing may have no address, and NULL + 0 is undefined in C. */
    const uint8_t *end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size;
    return (struct bytes_reader){bytes.data, end, false};
}

static inline void bytes_put(struct bytes_writer *writer, const void *data, size_t size)
{
    if (writer->full || size > writer->limit - writer->size) {
        writer->full = true;
        return;
    }
    if (size > 0) {
        memcpy(writer->data + writer->size, data, size);
    }
    writer->size += size;
}

static inline void bytes_put_u8(struct bytes_writer *writer, uint8_t value)
{
    bytes_put(writer, &value, 1);
}

static inline void bytes_put_u32(struct bytes_writer *writer, uint32_t value)
{
    bytes_put(writer, &value, 4);
}

static inline void bytes_put_u64(struct bytes_writer *writer, uint64_t value)
{
    bytes_put(writer, &value, 8);
}

/* For many small values at once: bytes_room looks for `size` bytes, the functions that end in `_at` write without
 * looking and return where to go on, bytes_wrote says how far they came. NULL, and full: there is no such room. */
static inline uint8_t *bytes_room(struct bytes_writer *writer, size_t size)
{
    if (writer->full || size > writer->limit - writer->size) {
        writer->full = true;
        return NULL;
    }
    return writer->data + writer->size;
}

static inline void bytes_wrote(struct bytes_writer *writer, const uint8_t *at)
{
    writer->size = (size_t)(at - writer->data);
}

enum { BYTES_VARINT_MAX = 10 };

static inline uint8_t *bytes_varuint_at(uint8_t *at, uint64_t value)
{
    for (; value >= 128; value >>= 7) {
        *at++ = (uint8_t)(value | 128);
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *bytes_varint_at(uint8_t *at, int64_t value)
{
    return bytes_varuint_at(at, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static inline uint8_t *bytes_copy_at(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

/* Unsigned LEB128, at most 10 bytes. */
static inline void bytes_put_varuint(struct bytes_writer *writer, uint64_t value)
{
    if (writer->full || writer->limit - writer->size < BYTES_VARINT_MAX) {
        uint8_t small[BYTES_VARINT_MAX];
        bytes_put(writer, small, (size_t)(bytes_varuint_at(small, value) - small));
        return;
    }
    bytes_wrote(writer, bytes_varuint_at(writer->data + writer->size, value));
}

/* Zigzag LEB128: Avro's int and long. */
static inline void bytes_put_varint(struct bytes_writer *writer, int64_t value)
{
    bytes_put_varuint(writer, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

/* Length as varuint, then the bytes. */
static inline void bytes_put_slice(struct bytes_writer *writer, struct slice bytes)
{
    bytes_put_varuint(writer, bytes.size);
    bytes_put(writer, bytes.data, bytes.size);
}

static inline size_t bytes_left(const struct bytes_reader *reader)
{
    return reader->bad ? 0 : (size_t)(reader->end - reader->at);
}

/* `size` bytes, borrowed from the input; an empty slice and `bad` when fewer are left. */
static inline struct slice bytes_take(struct bytes_reader *reader, uint64_t size)
{
    if (reader->bad || size > (uint64_t)(reader->end - reader->at)) {
        reader->bad = true;
        return (struct slice){NULL, 0};
    }
    struct slice out = {reader->at, (size_t)size};
    reader->at += size;
    return out;
}

static inline uint8_t bytes_take_u8(struct bytes_reader *reader)
{
    struct slice s = bytes_take(reader, 1);
    return s.size == 1 ? s.data[0] : 0;
}

static inline uint32_t bytes_take_u32(struct bytes_reader *reader)
{
    uint32_t value = 0;
    struct slice s = bytes_take(reader, 4);
    if (s.size == 4) {
        memcpy(&value, s.data, 4);
    }
    return value;
}

static inline uint64_t bytes_take_u64(struct bytes_reader *reader)
{
    uint64_t value = 0;
    struct slice s = bytes_take(reader, 8);
    if (s.size == 8) {
        memcpy(&value, s.data, 8);
    }
    return value;
}

static inline uint64_t bytes_take_varuint(struct bytes_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && !reader->bad && reader->at < reader->end; shift += 7) {
        uint64_t byte = *reader->at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (byte & 127) << shift;
        if (byte < 128) {
            return value;
        }
    }
    reader->bad = true;
    return 0;
}

static inline int64_t bytes_take_varint(struct bytes_reader *reader)
{
    uint64_t value = bytes_take_varuint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline struct slice bytes_take_slice(struct bytes_reader *reader)
{
    return bytes_take(reader, bytes_take_varuint(reader));
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "words are stored as the machine has them");

#endif
