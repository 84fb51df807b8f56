/* SPDX-License-Identifier: Apache-2.0 */
/* The record's bytes of the features:
 *
 *   u8 version | varint latest day | u16 parts | part ..
 *   group       1 | unit | cells n | u32 name[n] | head | u16 rows | (head - tile | bits | varint ..) ..
 *   samples     2 | u32 name | flags | [newest] | n | (time step | value or text) ..
 *   table       3 | u32 name | n | (hash step | tile | uses) ..
 *   remembered  4 | source | u32 name | values | raw bits | newest | forgotten | n | entry ..
 *   known ids   2 | u32 known_name | SAMPLES_RAW | n | (time step | id) .., after their source's remembered
 *
 * Every part can be read without knowing its plan, so parts of an older playbook are passed over. */
#include "features/pack.h"

#include "features/known.h"
#include "features/samples.h"
#include "features/table.h"
#include "features/tiles.h"

static bool is_raw(const struct source_plan *source, uint32_t value)
{
    return value != PLAN_NONE && (source->values[value].type == FEATURE_STRING ||
                                  source->values[value].type == FEATURE_DOUBLE);
}

static void put_value(struct bytes_writer *writer, bool raw, int64_t value)
{
    if (raw) {
        bytes_put_u64(writer, (uint64_t)value);
    } else {
        bytes_put_varint(writer, value);
    }
}

/* ---- pack ---- */

enum {
    COUNT_SIZE = 2,
    KNOWN_COUNT_SIZE_MAX = 2, /* of ids, as a varuint */
};
_Static_assert(FEATURES_KNOWN_MAX < 1 << 14, "two bytes");

/* What a part takes at most, beside the code that writes it: packers that ask for room once ask for this. */
enum {
    HEAD_SIZE_MAX = 1 + BYTES_VARINT_MAX + COUNT_SIZE,
    STEP_SIZE_MAX = 5, /* a tile, or a difference of tiles */
};

static size_t row_size_max(const struct group *group)
{
    return STEP_SIZE_MAX + (group->cell_count + 7U) / 8 +
           (size_t)group->cell_count * BYTES_VARINT_MAX;
}

static size_t group_size_max(const struct group *group)
{
    return group->packed_head.size + STEP_SIZE_MAX + COUNT_SIZE +
           group->tile_count * row_size_max(group);
}

/* False, and nothing written, when every cell is empty. */
static bool pack_row(const struct group *group, const int64_t *row, uint64_t step,
                     struct bytes_writer *writer)
{
    size_t bits_size = (group->cell_count + 7U) / 8;
    uint8_t *at = bytes_room(writer, row_size_max(group));
    if (at == NULL) {
        return false;
    }
    uint8_t *bits = bytes_varuint_at(at, step);
    uint8_t *values = bits + bits_size;
    at = values;
    memset(bits, 0, bits_size);
    for (uint32_t i = 0; i < group->cell_count; i++) {
        if (row[i] != group->empty_row[i]) {
            bits[i / 8] |= (uint8_t)(1 << i % 8);
            at = bytes_varint_at(at, row[i]);
        }
    }
    if (at == values) {
        return false;
    }
    bytes_wrote(writer, at);
    return true;
}

/* Counts that are known only afterwards stand as two bytes and are written back. */
static size_t reserve_count(struct bytes_writer *writer)
{
    bytes_put(writer, "\0\0", COUNT_SIZE);
    return writer->size - COUNT_SIZE;
}

static void write_count(struct bytes_writer *writer, size_t at, uint16_t count)
{
    if (!writer->full) {
        memcpy(writer->data + at, &count, sizeof(count));
    }
}

static bool pack_group(const void *state, const struct group *group, struct bytes_writer *writer)
{
    const struct ring *ring = state_at_const(state, group->offset);
    if (ring->head == TILE_NONE) {
        return false;
    }
    bytes_put(writer, group->packed_head.data, group->packed_head.size);
    bytes_put_varint(writer, ring->head);
    size_t count_at = reserve_count(writer);
    uint16_t rows = 0;
    int64_t oldest = (int64_t)ring->head - group->tile_count + 1;
    for (int64_t tile = tiles_next(group, state, oldest, ring->head); tile <= ring->head;
         tile = tiles_next(group, state, tile + 1, ring->head)) {
        const int64_t *row = tiles_row(group, state, (int32_t)tile);
        rows = (uint16_t)(rows + pack_row(group, row, (uint64_t)(ring->head - tile), writer));
    }
    write_count(writer, count_at, rows);
    return true;
}

_Static_assert(FEATURES_TEXT_SIZE < 128, "its size is one byte");

static size_t samples_size_max(size_t count)
{
    return 1 + 4 + 1 + 2 * BYTES_VARINT_MAX +
           count * (2 * BYTES_VARINT_MAX + 1 + FEATURES_TEXT_SIZE);
}

static bool pack_samples(const struct features_plan *plan, const void *state,
                         const struct samples_plan *part, struct bytes_writer *writer)
{
    const struct samples_head *head = samples_head(part, state);
    if (head->count == 0 && !head->lost && head->newest_ms == INT64_MIN) {
        return false;
    }
    bool raw = is_raw(&plan->sources[part->feed.source], part->feed.value);
    bool strict = part->order == FEATURE_BY_TIME_STRICT;
    uint8_t *at = bytes_room(writer, samples_size_max(head->count));
    if (at == NULL) {
        return false;
    }
    *at++ = PART_SAMPLES;
    at = bytes_copy_at(at, &part->name, sizeof(part->name));
    *at++ = (uint8_t)((head->lost ? SAMPLES_LOST : 0) | (part->with_text ? SAMPLES_TEXT : 0) |
                      (strict ? SAMPLES_STRICT : 0) | (raw ? SAMPLES_RAW : 0));
    if (strict) {
        at = bytes_varint_at(at, head->newest_ms);
    }
    at = bytes_varuint_at(at, head->count);
    int64_t before = 0;
    for (uint32_t i = 0; i < head->count; i++) {
        const struct sample *sample = samples_get(part, state, i);
        at = bytes_varint_at(at, sample->time_ms - before);
        before = sample->time_ms;
        if (part->with_text) {
            struct slice text = sample_text(sample);
            *at++ = (uint8_t)text.size;
            at = bytes_copy_at(at, text.data, text.size);
        }
        if (!part->with_text || sample->text_size > TEXT_UNCUT_SIZE) {
            at = raw ? bytes_copy_at(at, &sample->value, sizeof(sample->value))
                     : bytes_varint_at(at, sample->value);
        }
    }
    bytes_wrote(writer, at);
    return true;
}

static size_t table_size_max(const struct table_plan *part)
{
    return 1 + 4 + BYTES_VARINT_MAX + part->capacity * (size_t)(BYTES_VARINT_MAX + 5 + 5);
}

static bool pack_table(const void *state, const struct table_plan *part,
                       struct bytes_writer *writer)
{
    const struct table_head *head = table_head(part, state);
    if (head->count == 0) {
        return false;
    }
    bytes_put_u8(writer, PART_TABLE);
    bytes_put_u32(writer, part->name);
    bytes_put_varuint(writer, head->count);
    uint64_t before = 0;
    for (uint32_t i = 0; i < head->count; i++) {
        bytes_put_varuint(writer, head->entries[i].hash - before);
        before = head->entries[i].hash;
        bytes_put_varint(writer, head->entries[i].tile);
        bytes_put_varuint(writer, head->entries[i].uses);
    }
    return true;
}

/* Slots of what still counts as remembered, newest first. */
static uint32_t order_remembered(const struct features_plan *plan, const void *state,
                                 const struct source_plan *source,
                                 uint8_t out_slots[FEATURES_REMEMBERED_MAX])
{
    const struct remembered_head *head = state_at_const(state, source->remembered.offset);
    int64_t horizon_ms = head->newest_ms - plan->options.allowed_lateness_ms;
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < head->count; slot++) {
        int64_t time_ms = remembered_time_ms(plan, state, source, (int32_t)slot);
        if (time_ms < horizon_ms) {
            continue;
        }
        uint64_t id = remembered_id(state, source, (int32_t)slot);
        uint32_t at = count++;
        for (; at > 0; at--) {
            int64_t other_ms = remembered_time_ms(plan, state, source, out_slots[at - 1]);
            if (other_ms > time_ms ||
                (other_ms == time_ms && remembered_id(state, source, out_slots[at - 1]) > id)) {
                break;
            }
            out_slots[at] = out_slots[at - 1];
        }
        out_slots[at] = (uint8_t)slot;
    }
    return count;
}

static void pack_entry(const struct features_plan *plan, void *state,
                       const struct source_plan *source, int32_t slot, struct bytes_writer *writer)
{
    const struct remembered_head *head = state_at_const(state, source->remembered.offset);
    const struct remembered_entry *entry = remembered_entry(state, source, slot);
    int64_t time_ms = remembered_time_ms(plan, state, source, slot);
    bytes_put_u64(writer, remembered_id(state, source, slot));
    bytes_put_varuint(writer, (uint64_t)(head->newest_ms - time_ms));
    bytes_put_varint(writer, entry->day - civil_floor(time_ms, MS_PER_DAY));
    bytes_put_u8(writer, entry->class);
    bytes_put_u8(writer, entry->flags);
    bytes_put_varuint(writer, entry->matched);
    bytes_put_varuint(writer, entry->present);
    for (uint32_t i = 0; i < plan_kept_values(source); i++) {
        if ((entry->present >> i & 1) != 0) {
            put_value(writer, i < source->value_count && is_raw(source, i), entry->values[i]);
        }
    }
}

static size_t remembered_size_max(const struct source_plan *source)
{
    uint32_t capacity = source->remembered.capacity;
    size_t entry = 8 + 4 * BYTES_VARINT_MAX + 2; /* without its values */
    entry += (size_t)plan_kept_values(source) * BYTES_VARINT_MAX;
    return capacity == 0 ? 0 : 1 + 1 + 4 + 5 * BYTES_VARINT_MAX + capacity * entry;
}

static bool pack_remembered(const struct features_plan *plan, const void *state, uint32_t number,
                            struct bytes_writer *writer)
{
    const struct source_plan *source = &plan->sources[number];
    if (source->remembered.capacity == 0) {
        return false;
    }
    const struct remembered_head *head = state_at_const(state, source->remembered.offset);
    if (head->newest_ms == INT64_MIN) {
        return false;
    }
    uint8_t slots[FEATURES_REMEMBERED_MAX];
    uint32_t count = order_remembered(plan, state, source, slots);
    bool forgotten = head->forgotten_ms >= head->newest_ms - plan->options.allowed_lateness_ms;
    uint64_t raw = 0;
    for (uint32_t i = 0; i < source->value_count; i++) {
        raw |= (uint64_t)is_raw(source, i) << i;
    }
    bytes_put_u8(writer, PART_REMEMBERED);
    bytes_put_u8(writer, (uint8_t)number);
    bytes_put_u32(writer, source->remembered.name);
    bytes_put_varuint(writer, plan_kept_values(source));
    bytes_put_varuint(writer, raw);
    bytes_put_varint(writer, head->newest_ms);
    bytes_put_varuint(writer, forgotten ? (uint64_t)(head->newest_ms - head->forgotten_ms) + 1 : 0);
    bytes_put_varuint(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_entry(plan, (void *)(uintptr_t)state, source, slots[i], writer);
    }
    return true;
}

/* Those with these flags, oldest first: so unpacking appends. */
static void pack_known_alike(const void *state, const struct source_plan *source, uint32_t first,
                             uint8_t flags, struct bytes_writer *writer)
{
    uint64_t alike = 0;
    for (uint32_t i = first; i < known_count(state, source); i++) {
        alike += known_flags(state, source, i) == flags;
    }
    bytes_put_varuint(writer, alike);
    int64_t before_ms = 0;
    for (uint32_t i = first; i < known_count(state, source); i++) {
        if (known_flags(state, source, i) == flags) {
            int64_t time_ms = known_time_ms(state, source, i);
            bytes_put_varint(writer, time_ms - before_ms);
            bytes_put_u64(writer, known_id(state, source, i));
            before_ms = time_ms;
        }
    }
}

/* A part for each combination of flags that there is. */
static size_t known_size_max(const struct remembered_plan *part)
{
    uint32_t room = part->known_room;
    uint32_t parts = room > KNOWN_FLAGS ? KNOWN_FLAGS + 1 : room;
    return parts * (size_t)(1 + 4 + 1 + KNOWN_COUNT_SIZE_MAX) +
           room * (BYTES_VARINT_MAX + sizeof(uint64_t));
}

static uint16_t pack_known(const struct features_plan *plan, const void *state, uint32_t number,
                           struct bytes_writer *writer)
{
    const struct source_plan *source = &plan->sources[number];
    if (source->remembered.capacity == 0) {
        return 0;
    }
    const struct remembered_head *head = state_at_const(state, source->remembered.offset);
    if (head->newest_ms == INT64_MIN) {
        return 0;
    }
    int64_t horizon_ms = head->newest_ms - plan->options.allowed_lateness_ms;
    uint32_t first = 0;
    bool used[KNOWN_FLAGS + 1] = {false}; /* each combination */
    while (first < head->known_count && known_time_ms(state, source, first) < horizon_ms) {
        first++;
    }
    for (uint32_t i = first; i < head->known_count; i++) {
        used[known_flags(state, source, i)] = true;
    }
    uint16_t parts = 0;
    for (uint8_t alike = 0; first < head->known_count && alike <= KNOWN_FLAGS; alike++) {
        if (!used[alike]) {
            continue;
        }
        bytes_put_u8(writer, PART_SAMPLES);
        bytes_put_u32(writer, known_name(number, alike));
        bytes_put_u8(writer, SAMPLES_RAW);
        pack_known_alike(state, source, first, alike, writer);
        parts++;
    }
    return parts;
}

void features_pack(const struct features_plan *plan, const void *state, struct bytes_writer *writer)
{
    bytes_put_u8(writer, PACK_VERSION);
    bytes_put_varint(writer, ((const struct state_head *)state)->latest_day);
    size_t count_at = reserve_count(writer);
    uint16_t parts = 0;
    for (uint32_t i = 0; i < plan->group_count; i++) {
        parts = (uint16_t)(parts + pack_group(state, &plan->groups[i], writer));
    }
    for (uint32_t i = 0; i < plan->samples_count; i++) {
        parts = (uint16_t)(parts + pack_samples(plan, state, &plan->samples[i], writer));
    }
    for (uint32_t i = 0; i < plan->table_count; i++) {
        parts = (uint16_t)(parts + pack_table(state, &plan->tables[i], writer));
    }
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        parts = (uint16_t)(parts + pack_remembered(plan, state, i, writer));
        parts = (uint16_t)(parts + pack_known(plan, state, i, writer));
    }
    write_count(writer, count_at, parts);
}

size_t pack_size_max(const struct features_plan *plan, size_t *out_ids_size)
{
    size_t size = HEAD_SIZE_MAX, ids_size = 0;
    for (uint32_t i = 0; i < plan->group_count; i++) {
        size += group_size_max(&plan->groups[i]);
    }
    for (uint32_t i = 0; i < plan->samples_count; i++) {
        size += samples_size_max(plan->samples[i].capacity);
    }
    for (uint32_t i = 0; i < plan->table_count; i++) {
        size += table_size_max(&plan->tables[i]);
    }
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        size += remembered_size_max(&plan->sources[i]);
        ids_size += known_size_max(&plan->sources[i].remembered);
    }
    *out_ids_size = ids_size;
    return size + ids_size;
}
