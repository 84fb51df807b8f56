/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/dead_letter.h"

#include "base/hash.h"

void dead_letter_fill(struct output *output, const char *topic, const struct log_record *record,
                      const struct reject *reject, uint64_t salt)
{
    output->effective_at_ms = record->append_ms;
    output->dead_letter = (struct dead_letter){
        .topic = slice_text(topic),
        .partition = record->partition,
        .offset = record->offset,
        .reason = (uint8_t)reject->reason,
        .at = reject->at,
        .schema_id = reject->schema_id,
        .field = reject->field == NULL ? (struct slice){NULL, 0} : slice_text(reject->field),
    };
    int64_t where[3] = {record->source, record->partition, record->offset};
    output->id[0] = hash64(slice_of(where, sizeof(where)), salt + 1);
    output->id[1] = hash64(slice_of(where, sizeof(where)), salt + 2);
}
