/* SPDX-License-Identifier: Apache-2.0 */
/* The packed form of a life event's state. */
#include "life/life.h"

enum {
    FLAG_PRIMARY = 4, /* the two lowest bits are the phase */
    FLAG_SPENT = 8,
    FLAG_CONFIRMED = 16,
    FLAG_SIGNALS = 32,
    FLAGS_ALL = 63,
};

bool life_is_empty(const struct life_state *state)
{
    bool empty = state->phase == LIFE_PHASE_IDLE && state->transitions == 0 && !state->primary &&
                 !state->spent && state->signals_hold == 0;
    for (uint32_t i = 0; empty && i < LIFE_SIGNALS_MAX; i++) {
        empty = state->signal_ms[i] == 0;
    }
    return empty;
}

static bool has_signals(const struct life_state *state)
{
    bool has = state->signals_hold != 0;
    for (uint32_t i = 0; !has && i < LIFE_SIGNALS_MAX; i++) {
        has = state->signal_ms[i] != 0;
    }
    return has;
}

void life_pack(const struct life_def *def, const struct life_state *state,
               struct bytes_writer *writer)
{
    bool signals = has_signals(state);
    bytes_put_u8(writer, (uint8_t)(state->phase | (state->primary ? FLAG_PRIMARY : 0) |
                                   (state->spent ? FLAG_SPENT : 0) |
                                   (state->confirmed_ms != 0 ? FLAG_CONFIRMED : 0) |
                                   (signals ? FLAG_SIGNALS : 0)));
    bytes_put_varuint(writer, state->transitions);
    bytes_put_varint(writer, state->since_ms);
    uint32_t confidence;
    memcpy(&confidence, &state->confidence, sizeof(confidence));
    bytes_put_u32(writer, confidence);
    if (state->confirmed_ms != 0) {
        bytes_put_varint(writer, state->confirmed_ms);
    }
    if (signals) {
        bytes_put_u8(writer, state->signals_hold);
        for (uint32_t i = 0; i < def->signal_count; i++) {
            bytes_put_varint(writer, state->signal_ms[i]);
        }
    }
}

static bool sane_time(int64_t time_ms)
{
    return time_ms > -INT64_MAX / 4 && time_ms < INT64_MAX / 4;
}

bool life_unpack(const struct life_def *def, struct life_state *state, struct bytes_reader *reader)
{
    *state = (struct life_state){0};
    uint8_t flags = bytes_take_u8(reader);
    uint64_t transitions = bytes_take_varuint(reader);
    state->since_ms = bytes_take_varint(reader);
    uint32_t confidence = bytes_take_u32(reader);
    memcpy(&state->confidence, &confidence, sizeof(confidence));
    state->phase = flags & 3;
    state->primary = (flags & FLAG_PRIMARY) != 0;
    state->spent = (flags & FLAG_SPENT) != 0;
    state->transitions = (uint32_t)transitions;
    state->confirmed_ms = (flags & FLAG_CONFIRMED) != 0 ? bytes_take_varint(reader) : 0;
    bool sane = flags <= FLAGS_ALL && state->phase <= LIFE_PHASE_CONFIRMED &&
                transitions <= UINT32_MAX && state->confidence >= 0 && state->confidence <= 1 &&
                sane_time(state->since_ms) && sane_time(state->confirmed_ms);
    if ((flags & FLAG_SIGNALS) != 0) {
        state->signals_hold = bytes_take_u8(reader);
        sane = sane && state->signals_hold >> def->signal_count == 0;
        for (uint32_t i = 0; i < def->signal_count; i++) {
            state->signal_ms[i] = bytes_take_varint(reader);
            sane = sane && sane_time(state->signal_ms[i]);
        }
    }
    if (reader->bad || !sane) {
        *state = (struct life_state){0};
        return false;
    }
    return true;
}
