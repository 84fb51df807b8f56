/* SPDX-License-Identifier: Apache-2.0 */
/* Which schema wrote this value? Confluent's conventions:
 *
 *   00 | id, 4 bytes big-endian | Avro        the usual one, and what we write
 *   01 | GUID, 16 bytes | Avro
 *   header __value_schema_id = 00 + id or 01 + GUID, value = Avro with nothing in front
 *
 * Of several such headers the last one holds; one that is null is none (as Confluent's deserializers have it). */
#ifndef CODEC_FRAMING_H
#define CODEC_FRAMING_H

#include "base/attributes.h"
#include "base/slice.h"
#include "model/header.h"

enum { FRAMING_SIZE = 5, FRAMING_GUID_SIZE = 16, FRAMING_GUID_TEXT_SIZE = 37 };

struct schema_key {
    bool is_guid;
    uint32_t id;                     /* 0 with a GUID */
    uint8_t guid[FRAMING_GUID_SIZE]; /* zeroes with an id */
};

/* Split a value. False: bad_framing; outputs untouched. The payload is borrowed from `value`. */
MUST_USE bool framing_read(struct slice value, const struct header *headers, uint32_t header_count,
                           struct schema_key *out_key, struct slice *out_payload);

/* Write magic 0 and the id. */
void framing_write(uint32_t schema_id, uint8_t out[FRAMING_SIZE]);

/* "12345", or "8-4-4-4-12" hexadecimal, NUL-terminated: as the registry's URLs want it. */
void framing_key_text(const struct schema_key *key, char out[FRAMING_GUID_TEXT_SIZE]);

bool schema_key_equal(const struct schema_key *a, const struct schema_key *b);

#endif
