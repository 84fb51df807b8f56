/* SPDX-License-Identifier: Apache-2.0 */
/* Avro's zigzag varint of at most 10 bytes, read from a position that the caller keeps in a
 * register (base/bytes.h keeps it in memory, which costs a third of a decode). */
#ifndef CODEC_VARINT_H
#define CODEC_VARINT_H

#include "base/attributes.h"
#include "model/reject.h"

/* The position behind the value, or NULL: varint_reason() tells why. */
static inline const uint8_t *varint_read(const uint8_t *at, const uint8_t *end, int64_t *out)
{
    if (LIKELY(at < end && *at < 0x80)) {
        *out = (int64_t)(*at >> 1) ^ -(int64_t)(*at & 1);
        return at + 1;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint64_t byte = *at++;
        value |= (byte & 127) << shift;
        if (byte < 128) {
            if (shift == 63 && byte > 1) {
                return NULL;
            }
            *out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
            return at;
        }
    }
    return NULL;
}

/* Why varint_read said NULL: the input ends, or the value has more than 64 bits. */
static inline enum reject_reason varint_reason(const uint8_t *at, const uint8_t *end)
{
    for (int i = 0; i < 10; i++) {
        if (at + i == end) {
            return REJECT_TRUNCATED;
        }
        if (at[i] < 128) {
            break;
        }
    }
    return REJECT_BAD_VALUE;
}

#endif
