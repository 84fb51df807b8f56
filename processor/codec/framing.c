/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/framing.h"

#include <stdio.h>

enum { MAGIC_ID = 0, MAGIC_GUID = 1 };

/* Bytes of magic and id at the front of `bytes`; 0 when it is neither form. */
static size_t key_read(struct slice bytes, struct schema_key *out_key)
{
    struct schema_key key = {false, 0, {0}};
    if (bytes.size >= FRAMING_SIZE && bytes.data[0] == MAGIC_ID) {
        key.id = (uint32_t)bytes.data[1] << 24 | (uint32_t)bytes.data[2] << 16 |
                 (uint32_t)bytes.data[3] << 8 | bytes.data[4];
        *out_key = key;
        return FRAMING_SIZE;
    }
    if (bytes.size >= 1 + FRAMING_GUID_SIZE && bytes.data[0] == MAGIC_GUID) {
        key.is_guid = true;
        memcpy(key.guid, bytes.data + 1, FRAMING_GUID_SIZE);
        *out_key = key;
        return 1 + FRAMING_GUID_SIZE;
    }
    return 0;
}

bool framing_read(struct slice value, const struct header *headers, uint32_t header_count,
                  struct schema_key *out_key, struct slice *out_payload)
{
    struct schema_key key;
    for (uint32_t i = header_count; i > 0; i--) { /* of several the last one holds */
        const struct header *header = &headers[i - 1];
        if (!slice_is(header->name, HEADER_SCHEMA_ID)) {
            continue;
        }
        if (header->value.data == NULL) {
            break; /* null: said to be nothing */
        }
        if (header->value.size == 0 || key_read(header->value, &key) != header->value.size) {
            return false;
        }
        *out_key = key;
        *out_payload = value;
        return true;
    }
    size_t size = key_read(value, &key);
    if (size == 0) {
        return false;
    }
    *out_key = key;
    *out_payload = slice_of(value.data + size, value.size - size);
    return true;
}

void framing_write(uint32_t schema_id, uint8_t out[FRAMING_SIZE])
{
    out[0] = MAGIC_ID;
    out[1] = (uint8_t)(schema_id >> 24);
    out[2] = (uint8_t)(schema_id >> 16);
    out[3] = (uint8_t)(schema_id >> 8);
    out[4] = (uint8_t)schema_id;
}

void framing_key_text(const struct schema_key *key, char out[FRAMING_GUID_TEXT_SIZE])
{
    if (!key->is_guid) {
        (void)snprintf(out, FRAMING_GUID_TEXT_SIZE, "%u", (unsigned)key->id);
        return;
    }
    size_t at = 0;
    for (size_t i = 0; i < FRAMING_GUID_SIZE; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        at += (size_t)snprintf(out + at, FRAMING_GUID_TEXT_SIZE - at, "%s%02x", dash ? "-" : "",
                               (unsigned)key->guid[i]);
    }
}

bool schema_key_equal(const struct schema_key *a, const struct schema_key *b)
{
    return a->is_guid == b->is_guid && a->id == b->id &&
           memcmp(a->guid, b->guid, FRAMING_GUID_SIZE) == 0;
}
