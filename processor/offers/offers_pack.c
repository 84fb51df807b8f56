/* SPDX-License-Identifier: Apache-2.0 */
/* The packed forms of the ledger and of one offer's history. */
#include <math.h>

#include "offers/offers.h"

static bool sane_time(int64_t time_ms)
{
    return time_ms > -INT64_MAX / 4 && time_ms < INT64_MAX / 4;
}

bool offers_is_empty(const struct offers_state *state)
{
    bool quiet = state->complained_ms == 0 && state->tired_ms == 0 && state->open_until_ms == 0;
    for (uint32_t i = 0; quiet && i < CHANNEL_COUNT; i++) {
        quiet = state->opted_out_ms[i] == 0 && state->seen[i] == 0 && state->liked[i] == 0;
    }
    return quiet && state->contact_count == 0 && state->decisions == 0 && state->shown_count == 0;
}

/* The customer's mood: a bit per part that there is, then the parts. */
static void pack_mood(const struct offers_state *state, struct bytes_writer *writer)
{
    uint8_t opted = 0;
    uint8_t seen = 0;
    for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
        opted |= (uint8_t)((state->opted_out_ms[i] != 0) << i);
        seen |= (uint8_t)((state->seen[i] != 0 || state->liked[i] != 0) << i);
    }
    bytes_put_varint(writer, state->open_until_ms);
    bytes_put_varint(writer, state->complained_ms);
    bytes_put_varint(writer, state->tired_ms);
    if (state->tired_ms != 0) {
        bytes_put(writer, &state->tired, sizeof(state->tired));
    }
    bytes_put_u8(writer, opted);
    bytes_put_u8(writer, seen);
    for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
        if ((opted >> i & 1) != 0) {
            bytes_put_varint(writer, state->opted_out_ms[i]);
        }
        if ((seen >> i & 1) != 0) {
            bytes_put_varuint(writer, state->seen[i]);
            bytes_put_varuint(writer, state->liked[i]);
        }
    }
}

static uint16_t take_small(struct bytes_reader *reader)
{
    uint64_t value = bytes_take_varuint(reader);
    reader->bad = reader->bad || value > UINT16_MAX;
    return (uint16_t)value;
}

static bool unpack_mood(struct offers_state *state, struct bytes_reader *reader)
{
    state->open_until_ms = bytes_take_varint(reader);
    state->complained_ms = bytes_take_varint(reader);
    state->tired_ms = bytes_take_varint(reader);
    bool sane = sane_time(state->open_until_ms) && sane_time(state->complained_ms) &&
                sane_time(state->tired_ms);
    if (state->tired_ms != 0) {
        struct slice bytes = bytes_take(reader, sizeof(state->tired));
        if (bytes.size == sizeof(state->tired)) {
            memcpy(&state->tired, bytes.data, sizeof(state->tired));
        }
        sane = sane && isfinite(state->tired);
    }
    uint8_t opted = bytes_take_u8(reader);
    uint8_t seen = bytes_take_u8(reader);
    sane = sane && (opted | seen) >> CHANNEL_COUNT == 0;
    for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
        if ((opted >> i & 1) != 0) {
            state->opted_out_ms[i] = bytes_take_varint(reader);
            sane = sane && sane_time(state->opted_out_ms[i]);
        }
        if ((seen >> i & 1) != 0) {
            state->seen[i] = take_small(reader);
            state->liked[i] = take_small(reader);
        }
    }
    return sane && !reader->bad;
}

void offers_pack(const struct offers_state *state, struct bytes_writer *writer)
{
    bytes_put_varuint(writer, state->decisions);
    bytes_put_varint(writer, state->decided_ms);
    bytes_put_u8(writer, state->shown_count);
    for (uint32_t i = 0; i < state->shown_count; i++) {
        bytes_put_u32(writer, state->shown[i]);
    }
    bytes_put_u8(writer, (uint8_t)state->contact_count);
    int64_t before_ms = 0;
    for (uint32_t i = 0; i < state->contact_count; i++) {
        const struct offer_contact *contact = &state->contacts[i];
        bytes_put_varint(writer, contact->at_ms - before_ms);
        bytes_put_u32(writer, contact->offer);
        bytes_put_u32(writer, contact->group);
        bytes_put_u8(writer, contact->channel);
        before_ms = contact->at_ms;
    }
    pack_mood(state, writer);
}

bool offers_unpack(struct offers_state *state, struct bytes_reader *reader)
{
    *state = (struct offers_state){0};
    struct offers_state out = {.decisions = bytes_take_varuint(reader),
                               .decided_ms = bytes_take_varint(reader),
                               .shown_count = bytes_take_u8(reader)};
    if (reader->bad || out.shown_count > OFFERS_TOP_MAX || !sane_time(out.decided_ms)) {
        return false;
    }
    for (uint32_t i = 0; i < out.shown_count; i++) {
        out.shown[i] = bytes_take_u32(reader);
    }
    out.contact_count = bytes_take_u8(reader);
    if (reader->bad || out.contact_count > OFFER_LEDGER_MAX) {
        return false;
    }
    int64_t at_ms = 0;
    for (uint32_t i = 0; i < out.contact_count; i++) {
        int64_t distance = bytes_take_varint(reader);
        if (!sane_time(distance) || !sane_time(at_ms + distance)) {
            return false;
        }
        at_ms += distance;
        out.contacts[i].at_ms = at_ms;
        out.contacts[i].offer = bytes_take_u32(reader);
        out.contacts[i].group = bytes_take_u32(reader);
        out.contacts[i].channel = bytes_take_u8(reader);
        if (reader->bad || out.contacts[i].channel >= CHANNEL_COUNT) {
            return false;
        }
    }
    if (!unpack_mood(&out, reader)) {
        return false;
    }
    *state = out;
    return true;
}

bool offer_history_is_empty(const struct offer_history *history)
{
    bool empty = history->decided_ms == 0 && history->exposed_ms == 0 &&
                 history->held_until_ms == 0 && history->experiment == 0;
    for (uint32_t i = 0; empty && i < OUTCOME_COUNT; i++) {
        empty = history->outcome_ms[i] == 0;
    }
    return empty;
}

/* What of a history there is, after the outcomes. */
enum {
    HISTORY_DECIDED = 1,
    HISTORY_EXPOSED = 2,
    HISTORY_HELD = 4,
    HISTORY_OPEN = 8,
    HISTORY_EXPERIMENT = 16,
    HISTORY_ALL = 31
};

enum { SIDES_ALL = 15, SIDES_CONVERTED = 16 };

static void pack_experiment(const struct offer_history *history, struct bytes_writer *writer)
{
    bytes_put_u32(writer, history->experiment);
    bytes_put_u8(writer, (uint8_t)(history->sides | (history->converted ? SIDES_CONVERTED : 0)));
    bytes_put_varint(writer, history->since_ms);
    bytes_put_varint(writer, history->earned_minor);
}

static bool unpack_experiment(struct offer_history *history, struct bytes_reader *reader)
{
    history->experiment = bytes_take_u32(reader);
    uint8_t sides = bytes_take_u8(reader);
    history->sides = sides & SIDES_ALL;
    history->converted = (sides & SIDES_CONVERTED) != 0;
    history->since_ms = bytes_take_varint(reader);
    history->earned_minor = bytes_take_varint(reader);
    return sides <= (SIDES_ALL | SIDES_CONVERTED) && sane_time(history->since_ms) &&
           sane_time(history->earned_minor);
}

void offer_history_pack(const struct offer_history *history, struct bytes_writer *writer)
{
    uint8_t known = 0;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        known |= (uint8_t)((history->outcome_ms[i] != 0) << i);
    }
    uint8_t parts = (uint8_t)((history->decided_ms != 0 ? HISTORY_DECIDED : 0) |
                              (history->exposed_ms != 0 ? HISTORY_EXPOSED : 0) |
                              (history->held_until_ms != 0 ? HISTORY_HELD : 0) |
                              (history->open ? HISTORY_OPEN : 0) |
                              (history->experiment != 0 ? HISTORY_EXPERIMENT : 0));
    bytes_put_u8(writer, known);
    bytes_put_u8(writer, parts);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        if ((known >> i & 1) != 0) {
            bytes_put_varint(writer, history->outcome_ms[i]);
        }
    }
    if ((parts & HISTORY_DECIDED) != 0) {
        bytes_put_varint(writer, history->decided_ms);
        bytes_put_u64(writer, history->decision[0]);
        bytes_put_u64(writer, history->decision[1]);
        bytes_put_u32(writer, history->variant);
        bytes_put_u8(writer, history->channel);
        bytes_put_u8(writer, history->context);
        bytes_put_u8(writer, history->counted);
    }
    if ((parts & HISTORY_EXPOSED) != 0) {
        bytes_put_varint(writer, history->exposed_ms);
    }
    if ((parts & HISTORY_HELD) != 0) {
        bytes_put_varint(writer, history->held_until_ms);
        bytes_put_u64(writer, history->held_decision[0]);
        bytes_put_u64(writer, history->held_decision[1]);
        bytes_put_u8(writer, history->held_channel);
    }
    if ((parts & HISTORY_EXPERIMENT) != 0) {
        pack_experiment(history, writer);
    }
}

bool offer_history_unpack(struct offer_history *history, struct bytes_reader *reader)
{
    *history = (struct offer_history){0};
    struct offer_history out = {0};
    uint8_t known = bytes_take_u8(reader);
    uint8_t parts = bytes_take_u8(reader);
    bool sane = parts <= HISTORY_ALL;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        out.outcome_ms[i] = (known >> i & 1) != 0 ? bytes_take_varint(reader) : 0;
        sane = sane && sane_time(out.outcome_ms[i]);
    }
    if ((parts & HISTORY_DECIDED) != 0) {
        out.decided_ms = bytes_take_varint(reader);
        out.decision[0] = bytes_take_u64(reader);
        out.decision[1] = bytes_take_u64(reader);
        out.variant = bytes_take_u32(reader);
        out.channel = bytes_take_u8(reader);
        out.context = bytes_take_u8(reader);
        out.counted = bytes_take_u8(reader);
    }
    out.open = (parts & HISTORY_OPEN) != 0;
    out.exposed_ms = (parts & HISTORY_EXPOSED) != 0 ? bytes_take_varint(reader) : 0;
    if ((parts & HISTORY_HELD) != 0) {
        out.held_until_ms = bytes_take_varint(reader);
        out.held_decision[0] = bytes_take_u64(reader);
        out.held_decision[1] = bytes_take_u64(reader);
        out.held_channel = bytes_take_u8(reader);
    }
    sane = sane && ((parts & HISTORY_EXPERIMENT) == 0 || unpack_experiment(&out, reader));
    sane = sane && sane_time(out.decided_ms) && sane_time(out.exposed_ms) &&
           sane_time(out.held_until_ms) && out.channel < CHANNEL_COUNT &&
           out.held_channel < CHANNEL_COUNT && out.context < OFFER_CONTEXTS_MAX;
    if (reader->bad || !sane) {
        return false;
    }
    *history = out;
    return true;
}

_Static_assert(OUTCOME_COUNT <= 8 && CHANNEL_COUNT <= 7, "a bit per outcome, a bit per channel");
