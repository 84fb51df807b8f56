/* SPDX-License-Identifier: Apache-2.0 */
/* A task's record: segment sizes, offer counters, stock given out. Parts are named like a customer's. */
#include "base/invariant.h"
#include "engine/counters.h"
#include "engine/layout.h"

enum { TASK_FORMAT = 1, ARM_NUMBERS = 7 };

static void pack_counts(const struct offers_task *offers, uint32_t offer, struct bytes_writer *writer)
{
    uint32_t arms = OFFER_VARIANTS_MAX * CHANNEL_COUNT;
    const struct offer_counts *counts = &offers->counts[offers_arm(offer, 0, 0)];
    uint64_t used = 0;
    static const struct offer_counts none;
    for (uint32_t i = 0; i < arms; i++) {
        used |= (uint64_t)(memcmp(&counts[i], &none, sizeof(none)) != 0) << i;
    }
    bytes_put_varuint(writer, used);
    for (uint32_t i = 0; i < arms; i++) {
        if ((used >> i & 1) != 0) {
            const int64_t numbers[ARM_NUMBERS] = {
                counts[i].presented, counts[i].clicked,   counts[i].accepted,     counts[i].rejected,
                counts[i].complained, counts[i].opted_out, counts[i].revenue_minor};
            for (uint32_t k = 0; k < ARM_NUMBERS; k++) {
                bytes_put_varint(writer, numbers[k]);
            }
        }
    }
}

static void unpack_counts(struct offer_counts *counts, struct bytes_reader *reader)
{
    uint64_t used = bytes_take_varuint(reader);
    if (used >> (OFFER_VARIANTS_MAX * CHANNEL_COUNT) != 0) {
        reader->bad = true;
    }
    for (uint32_t i = 0; i < OFFER_VARIANTS_MAX * CHANNEL_COUNT && !reader->bad; i++) {
        if ((used >> i & 1) != 0) {
            counts[i].presented = bytes_take_varint(reader);
            counts[i].clicked = bytes_take_varint(reader);
            counts[i].accepted = bytes_take_varint(reader);
            counts[i].rejected = bytes_take_varint(reader);
            counts[i].complained = bytes_take_varint(reader);
            counts[i].opted_out = bytes_take_varint(reader);
            counts[i].revenue_minor = bytes_take_varint(reader);
        }
    }
}

_Static_assert(OFFER_VARIANTS_MAX * CHANNEL_COUNT < 64, "a bit per arm");

size_t engine_task_pack(const struct engine *engine, const void *task, uint8_t *out)
{
    const struct playbook *playbook = engine->playbook;
    const uint64_t *sizes = part_of(task, engine->sizes);
    const struct offers_task *offers = part_of(task, engine->offers_task);
    struct bytes_writer writer = bytes_writer(out, ENGINE_RECORD_SIZE_MAX);
    bytes_put_u8(&writer, TASK_FORMAT);
    bytes_put_varuint(&writer, offers->decisions);
    bytes_put_varuint(&writer, offers->no_offers);
    bytes_put_varuint(&writer, offers->unknown_outcomes);
    bytes_put_u8(&writer, OFFER_GATE_COUNT);
    for (uint32_t i = 0; i < OFFER_GATE_COUNT; i++) {
        bytes_put_varuint(&writer, offers->blocked[i]);
    }
    bytes_put_u8(&writer, OUTCOME_COUNT);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        bytes_put_varuint(&writer, offers->outcomes[i]);
    }
    bytes_put_varuint(&writer, playbook->segments.count);
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        bytes_put_u32(&writer, engine->keys.segments[i]);
        bytes_put_varuint(&writer, sizes[i]);
    }
    bytes_put_varuint(&writer, playbook->offers.count);
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        bytes_put_u32(&writer, engine->keys.offers[i]);
        bytes_put_varint(&writer, offers->made[i]);
        pack_counts(offers, i, &writer);
    }
    INVARIANT(!writer.full); /* engine_open compared the worst case with the limit */
    return writer.size;
}

static void take_sizes(const struct engine *engine, void *task, struct bytes_reader *reader)
{
    uint64_t *sizes = part(task, engine->sizes);
    uint64_t count = bytes_take_varuint(reader);
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        uint32_t key = bytes_take_u32(reader);
        uint64_t size = bytes_take_varuint(reader);
        for (uint32_t k = 0; k < engine->playbook->segments.count; k++) {
            sizes[k] = engine->keys.segments[k] == key ? size : sizes[k];
        }
    }
}

static void take_offers(const struct engine *engine, struct offers_task *offers,
                        struct bytes_reader *reader)
{
    uint64_t count = bytes_take_varuint(reader);
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        uint32_t key = bytes_take_u32(reader);
        int64_t made = bytes_take_varint(reader);
        struct offer_counts counts[OFFER_VARIANTS_MAX * CHANNEL_COUNT] = {0};
        unpack_counts(counts, reader);
        for (uint32_t k = 0; k < engine->playbook->offers.count && !reader->bad; k++) {
            if (engine->keys.offers[k] == key) {
                offers->made[k] = made;
                memcpy(&offers->counts[offers_arm(k, 0, 0)], counts, sizeof(counts));
            }
        }
    }
}

enum status engine_task_unpack(const struct engine *engine, void *task, uint32_t task_number,
                               struct slice packed, struct status_text *out_text)
{
    engine_task_init(engine, task, task_number);
    struct offers_task *offers = part(task, engine->offers_task);
    struct bytes_reader reader = bytes_reader(packed);
    bool known = bytes_take_u8(&reader) == TASK_FORMAT;
    offers->decisions = bytes_take_varuint(&reader);
    offers->no_offers = bytes_take_varuint(&reader);
    offers->unknown_outcomes = bytes_take_varuint(&reader);
    uint8_t gates = bytes_take_u8(&reader);
    for (uint32_t i = 0; i < gates; i++) {
        uint64_t blocked = bytes_take_varuint(&reader);
        if (i < OFFER_GATE_COUNT) {
            offers->blocked[i] = blocked;
        }
    }
    uint8_t outcomes = bytes_take_u8(&reader);
    for (uint32_t i = 0; i < outcomes; i++) {
        uint64_t seen = bytes_take_varuint(&reader);
        if (i < OUTCOME_COUNT) {
            offers->outcomes[i] = seen;
        }
    }
    take_sizes(engine, task, &reader);
    take_offers(engine, offers, &reader);
    if (!known || reader.bad || bytes_left(&reader) != 0) {
        engine_task_init(engine, task, task_number);
        return status_fail(out_text, STATUS_INVALID, "a task record that is cut short or hostile");
    }
    return STATUS_OK;
}

void engine_counters(const struct engine *engine, const void *task, struct engine_counters *out_counters)
{
    const struct offers_task *offers = part_of(task, engine->offers_task);
    *out_counters = (struct engine_counters){
        .rules_unknown = ((const struct task_head *)task)->unknowns,
        .decisions = offers->decisions,
        .no_offers = offers->no_offers,
        .unknown_outcomes = offers->unknown_outcomes,
        .blocked = offers->blocked,
        .gate_count = OFFER_GATE_COUNT,
        .outcomes = offers->outcomes,
        .outcome_count = OUTCOME_COUNT,
        .segment_sizes = part_of(task, engine->sizes),
        .segment_count = engine->playbook->segments.count,
    };
}

const char *engine_gate_name(uint32_t gate)
{
    return offer_gate_name((enum offer_gate)gate);
}

struct slice engine_segment_id(const struct engine *engine, uint32_t segment)
{
    return engine->playbook->segments.defs[segment].id;
}
