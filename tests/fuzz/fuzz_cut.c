/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a cut (payload, journal record, checkpoint) and as an offset's metadata: refused, or what is
 * written again from what was read is read as the same. */
#include "fuzz.h"

#include <string.h>

#include "base/invariant.h"
#include "io/log.h"
#include "runtime/cut.h"

enum { WRITTEN_SIZE_MAX = 1 << 23 };
static uint8_t written[WRITTEN_SIZE_MAX];

static void copy_fields(const struct cut_entry *entry)
{
    struct bytes_reader reader = bytes_reader(entry->view);
    for (uint32_t i = 0; i < entry->view_count; i++) {
        struct cut_field field;
        INVARIANT(cut_take_field(&reader, &field) == STATUS_OK);
    }
}

static void payload_from(struct slice payload)
{
    struct cut_header header, second;
    struct bytes_writer writer = bytes_writer(written, sizeof(written));
    if (cut_check(payload, &header) != STATUS_OK) {
        return;
    }
    struct bytes_reader reader = bytes_reader(payload);
    INVARIANT(cut_take_header(&reader, &second) == STATUS_OK);
    cut_put_header(&writer, &header);
    for (uint32_t i = 0; i < header.entry_count; i++) {
        struct cut_entry entry;
        INVARIANT(cut_take_entry(&reader, &entry) == STATUS_OK);
        copy_fields(&entry);
        cut_put_entry(&writer, &entry);
    }
    INVARIANT(!writer.full && cut_check(slice_of(written, writer.size), &second) == STATUS_OK);
    INVARIANT(second.entry_count == header.entry_count && second.seq == header.seq);
}

static void record_from(struct slice value)
{
    struct cut_part part;
    struct cut_entry entry;
    if (cut_part_parse(value, &part) == STATUS_OK) {
        payload_from(part.piece);
    }
    if (cut_take_checkpoint(value, &entry) == STATUS_OK) {
        copy_fields(&entry);
    }
}

static void metadata_from(struct slice value)
{
    char text[LOG_METADATA_SIZE_MAX], again[LOG_METADATA_SIZE_MAX];
    struct cut_metadata first, second;
    int64_t offset;
    size_t size = value.size < sizeof(text) - 1 ? value.size : sizeof(text) - 1;
    if (size > 0) {
        memcpy(text, value.data, size);
    }
    text[size] = '\0';
    (void)cut_low_offset(text, &offset);
    if (cut_metadata_parse(text, &first)) {
        cut_metadata_write(&first, again, sizeof(again));
        INVARIANT(cut_metadata_parse(again, &second) && first.seq == second.seq &&
                  first.low == second.low);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    payload_from(slice_of(data, size));
    record_from(slice_of(data, size));
    metadata_from(slice_of(data, size));
    return 0;
}
