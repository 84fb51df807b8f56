/* SPDX-License-Identifier: Apache-2.0 */
/* A customer as bytes: what Redis, the journal and checkpoints hold.
 *
 *   format 1 | layout 8 | flags 1 | changes, seen, deadline varints | profile? | features (length first)
 *   | count | (kind 1, name 4, length, bytes) per part that is not empty | count | (name 4, hash 4) of the view
 *
 * A part's name is 32 bits of its kind, id and definition hash (layout.c), so another layout finds what is
 * unchanged and passes over the rest. Within one layout the same state gives the same bytes. */
#include "base/invariant.h"
#include "engine/layout.h"
#include "engine/profile.h"

enum { RECORD_FORMAT = 1, FLAG_PROFILE = 1, FLAG_DEADLINE = 2, FLAG_RULES = 4, FLAGS_ALL = 7 };

enum record_part { RECORD_SERIES = 1, RECORD_LIFE, RECORD_SEGMENT, RECORD_LEDGER, RECORD_HISTORY };

/* Where the parts are written: their count stands before them and is known at the end. */
struct parts_writer {
    struct bytes_writer *writer;
    size_t count_at;
    size_t length_at;
    uint16_t count;
};

static void part_begin(struct parts_writer *parts, enum record_part kind, uint32_t name)
{
    bytes_put_u8(parts->writer, (uint8_t)kind);
    bytes_put_u32(parts->writer, name);
    parts->length_at = parts->writer->size;
    bytes_put(parts->writer, "\0\0", 2);
    parts->count++;
}

static void part_end(struct parts_writer *parts)
{
    struct bytes_writer *writer = parts->writer;
    if (!writer->full) {
        uint16_t size = (uint16_t)(writer->size - parts->length_at - 2);
        memcpy(writer->data + parts->length_at, &size, 2);
    }
}

static void pack_parts(const struct engine *engine, const struct customer *customer,
                       struct bytes_writer *writer)
{
    const struct playbook *playbook = engine->playbook;
    const struct series_state *series = part_of(customer, engine->series);
    const struct life_state *life = part_of(customer, engine->life);
    const struct segment_state *segments = part_of(customer, engine->segments);
    const struct offers_state *ledger = part_of(customer, engine->ledger);
    const struct offer_history *histories = part_of(customer, engine->histories);
    struct parts_writer parts = {.writer = writer, .count_at = writer->size};
    bytes_put(writer, "\0\0", 2);
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        if (!series_is_empty(&series[i])) {
            part_begin(&parts, RECORD_SERIES, engine->keys.series[i]);
            series_pack(&series[i], writer);
            part_end(&parts);
        }
    }
    for (uint32_t i = 0; i < playbook->life.count; i++) {
        if (!life_is_empty(&life[i])) {
            part_begin(&parts, RECORD_LIFE, engine->keys.life[i]);
            life_pack(&playbook->life.defs[i], &life[i], writer);
            part_end(&parts);
        }
    }
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        if (!segment_is_empty(&segments[i])) {
            part_begin(&parts, RECORD_SEGMENT, engine->keys.segments[i]);
            segment_pack(&segments[i], writer);
            part_end(&parts);
        }
    }
    if (!offers_is_empty(ledger)) {
        part_begin(&parts, RECORD_LEDGER, 0);
        offers_pack(ledger, writer);
        part_end(&parts);
    }
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        if (!offer_history_is_empty(&histories[i])) {
            part_begin(&parts, RECORD_HISTORY, engine->keys.offers[i]);
            offer_history_pack(&histories[i], writer);
            part_end(&parts);
        }
    }
    if (!writer->full) {
        memcpy(writer->data + parts.count_at, &parts.count, 2);
    }
}

size_t engine_customer_pack(const struct engine *engine, const struct customer *customer,
                            uint8_t *out)
{
    struct bytes_writer writer = bytes_writer(out, ENGINE_RECORD_SIZE_MAX);
    bool profile = !profile_is_empty(&customer->profile);
    bool deadline = customer->deadline_ms != INT64_MAX;
    bytes_put_u8(&writer, RECORD_FORMAT);
    bytes_put_u64(&writer, engine->layout_hash);
    bytes_put_u8(&writer, (uint8_t)((profile ? FLAG_PROFILE : 0) | (deadline ? FLAG_DEADLINE : 0) |
                                    (customer->rules_changed ? FLAG_RULES : 0)));
    bytes_put_varuint(&writer, customer->changes);
    bytes_put_varint(&writer, customer->seen_ms);
    if (deadline) {
        bytes_put_varint(&writer, customer->deadline_ms);
    }
    if (profile) {
        profile_pack(&customer->profile, engine->zones, &writer);
    }
    size_t length_at = writer.size;
    bytes_put_u32(&writer, 0);
    features_pack(engine->playbook->features, part_of(customer, engine->features), &writer);
    if (!writer.full) {
        uint32_t size = (uint32_t)(writer.size - length_at - 4);
        memcpy(out + length_at, &size, 4);
    }
    pack_parts(engine, customer, &writer);
    const uint32_t *hashes = part_of(customer, engine->view_hashes);
    uint16_t count = 0;
    for (uint32_t i = 0; i < engine->view_count; i++) {
        count = (uint16_t)(count + (hashes[i] != 0));
    }
    bytes_put(&writer, &count, 2);
    for (uint32_t i = 0; i < engine->view_count; i++) {
        if (hashes[i] != 0) {
            bytes_put_u32(&writer, engine->view[i].key);
            bytes_put_u32(&writer, hashes[i]);
        }
    }
    INVARIANT(!writer.full); /* engine_open compared the worst case with the limit */
    return writer.size;
}

/* Index of a name among `count` keys; -1: this layout has no such part. */
static int32_t key_find(const uint32_t *keys, uint32_t count, uint32_t key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i] == key) {
            return (int32_t)i;
        }
    }
    return -1;
}

/* One part from its own bytes. A part that this layout does not have is passed over. False: hostile. */
static bool unpack_part(const struct engine *engine, struct customer *customer, uint8_t kind,
                        uint32_t name, struct slice bytes)
{
    const struct playbook *playbook = engine->playbook;
    const struct engine_keys *keys = &engine->keys;
    struct bytes_reader reader = bytes_reader(bytes);
    int32_t at = -1;
    bool good = true;
    switch (kind) {
    case RECORD_SERIES:
        at = key_find(keys->series, playbook->series_count, name);
        good = at < 0 || series_unpack(&playbook->series[at],
                                       (struct series_state *)part(customer, engine->series) + at,
                                       &reader, engine->zones, customer->profile.zone);
        break;
    case RECORD_LIFE:
        at = key_find(keys->life, playbook->life.count, name);
        good =
            at < 0 || life_unpack(&playbook->life.defs[at],
                                  (struct life_state *)part(customer, engine->life) + at, &reader);
        break;
    case RECORD_SEGMENT:
        at = key_find(keys->segments, playbook->segments.count, name);
        good =
            at < 0 ||
            segment_unpack((struct segment_state *)part(customer, engine->segments) + at, &reader);
        break;
    case RECORD_LEDGER:
        at = 0;
        good = offers_unpack(part(customer, engine->ledger), &reader);
        break;
    case RECORD_HISTORY:
        at = key_find(keys->offers, playbook->offers.count, name);
        good = at < 0 ||
               offer_history_unpack((struct offer_history *)part(customer, engine->histories) + at,
                                    &reader);
        break;
    default:
        return false;
    }
    return good && (at < 0 || bytes_left(&reader) == 0);
}

static uint16_t take_u16(struct bytes_reader *reader)
{
    uint16_t value = 0;
    struct slice bytes = bytes_take(reader, 2);
    if (bytes.size == 2) {
        memcpy(&value, bytes.data, 2);
    }
    return value;
}

static bool unpack_view(const struct engine *engine, struct customer *customer,
                        struct bytes_reader *reader)
{
    uint32_t *hashes = part(customer, engine->view_hashes);
    uint16_t count = take_u16(reader);
    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        uint32_t key = bytes_take_u32(reader);
        uint32_t hash = bytes_take_u32(reader);
        for (uint32_t k = 0; k < engine->view_count; k++) {
            bool known = engine->view[k].key == key && !customer->view_whole;
            hashes[k] = known ? hash : hashes[k];
        }
    }
    return !reader->bad;
}

static bool sane_time(int64_t time_ms)
{
    return time_ms > -INT64_MAX / 4 && time_ms < INT64_MAX / 4;
}

/* Returns what is wrong; NULL when all is well. */
static const char *unpack_all(const struct engine *engine, struct customer *customer,
                              struct bytes_reader *reader)
{
    if (bytes_take_u8(reader) != RECORD_FORMAT) {
        return "a record of an unknown format";
    }
    bool same_layout = bytes_take_u64(reader) == engine->layout_hash;
    uint8_t flags = bytes_take_u8(reader);
    customer->changes = bytes_take_varuint(reader);
    customer->seen_ms = bytes_take_varint(reader);
    customer->deadline_ms = (flags & FLAG_DEADLINE) != 0 ? bytes_take_varint(reader) : INT64_MAX;
    customer->rules_changed = (flags & FLAG_RULES) != 0;
    bool never = customer->seen_ms == INT64_MIN;
    if (reader->bad || flags > FLAGS_ALL || (!never && !sane_time(customer->seen_ms)) ||
        ((flags & FLAG_DEADLINE) != 0 && !sane_time(customer->deadline_ms))) {
        return "a record with a bad head";
    }
    if ((flags & FLAG_PROFILE) != 0 &&
        !profile_unpack(&customer->profile, engine->zones, engine->playbook->zone, reader)) {
        return "a record with a bad profile";
    }
    struct bytes_reader features = bytes_reader(bytes_take(reader, bytes_take_u32(reader)));
    if (reader->bad ||
        features_unpack(engine->playbook->features, part(customer, engine->features), &features,
                        NULL) != STATUS_OK ||
        bytes_left(&features) != 0) {
        return "a record with bad features";
    }
    uint16_t count = take_u16(reader);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t kind = bytes_take_u8(reader);
        uint32_t name = bytes_take_u32(reader);
        struct slice bytes = bytes_take(reader, take_u16(reader));
        if (reader->bad || !unpack_part(engine, customer, kind, name, bytes)) {
            return "a record with a bad part";
        }
    }
    customer->view_whole = !same_layout;
    if (!unpack_view(engine, customer, reader) || bytes_left(reader) != 0) {
        return "a record with a bad view or bytes left over";
    }
    if (!same_layout && !never) {
        /* Other rules: their deadlines are not ours. Look at once; that is never wrong. */
        customer->deadline_ms = customer->seen_ms;
        customer->rules_changed = true;
    }
    return NULL;
}

enum status engine_customer_unpack(const struct engine *engine, struct customer *customer,
                                   struct slice id, struct slice packed,
                                   struct status_text *out_text)
{
    engine_customer_init(engine, customer, id);
    struct bytes_reader reader = bytes_reader(packed);
    const char *wrong = unpack_all(engine, customer, &reader);
    if (wrong != NULL) {
        engine_customer_init(engine, customer, id);
        return status_fail(out_text, STATUS_INVALID, "%s", wrong);
    }
    ((struct offers_state *)part(customer, engine->ledger))->noted = UINT64_MAX;
    return STATUS_OK;
}
