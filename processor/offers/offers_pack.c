/* SPDX-License-Identifier: Apache-2.0 */
/* The packed forms of the ledger and of one offer's history. */
#include "offers/offers.h"

static bool sane_time(int64_t time_ms)
{
    return time_ms > -INT64_MAX / 4 && time_ms < INT64_MAX / 4;
}

bool offers_is_empty(const struct offers_state *state)
{
    return state->contact_count == 0 && state->decisions == 0 && state->shown_count == 0;
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
    *state = out;
    return true;
}

bool offer_history_is_empty(const struct offer_history *history)
{
    bool empty = history->decided_ms == 0;
    for (uint32_t i = 0; empty && i < OUTCOME_COUNT; i++) {
        empty = history->outcome_ms[i] == 0;
    }
    return empty;
}

void offer_history_pack(const struct offer_history *history, struct bytes_writer *writer)
{
    uint8_t known = 0;
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        known |= (uint8_t)((history->outcome_ms[i] != 0) << i);
    }
    bytes_put_varint(writer, history->decided_ms);
    bytes_put_u8(writer, known);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        if ((known >> i & 1) != 0) {
            bytes_put_varint(writer, history->outcome_ms[i]);
        }
    }
}

bool offer_history_unpack(struct offer_history *history, struct bytes_reader *reader)
{
    *history = (struct offer_history){0};
    struct offer_history out = {.decided_ms = bytes_take_varint(reader)};
    uint8_t known = bytes_take_u8(reader);
    bool sane = sane_time(out.decided_ms);
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        out.outcome_ms[i] = (known >> i & 1) != 0 ? bytes_take_varint(reader) : 0;
        sane = sane && sane_time(out.outcome_ms[i]);
    }
    if (reader->bad || !sane) {
        return false;
    }
    *history = out;
    return true;
}

_Static_assert(OUTCOME_COUNT <= 8, "a bit per outcome");
