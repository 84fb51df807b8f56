/* SPDX-License-Identifier: Apache-2.0 */
/* The packed form of a series: what cannot be computed again (period, expected day and deadline can). */
#include "features/series.h"

bool series_is_empty(const struct series_state *state)
{
    return state->tracks[0].key == 0;
}

/* 0: there is none; what is as much as the level or more is one further away, so that nothing else is 0. */
static int64_t peak_distance(const struct series_track *track)
{
    int64_t distance = track->peak_minor - track->amount_minor;
    return track->peak_minor == 0 ? 0 : distance + (distance >= 0);
}

void series_pack(const struct series_state *state, struct bytes_writer *writer)
{
    uint8_t count = 0;
    while (count < SERIES_TRACKS_MAX && state->tracks[count].key != 0) {
        count++;
    }
    bytes_put_u8(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct series_track *track = &state->tracks[i];
        bytes_put_u64(writer, track->key);
        bytes_put_varint(writer, track->first_ms);
        bytes_put_varuint(writer, track->hits);
        for (uint32_t k = 0; k < track->hits && k < SERIES_HITS_KEPT; k++) {
            bytes_put_varint(writer, track->hit_ms[k] - track->first_ms);
        }
        bytes_put_varint(writer, track->alive_ms - track->first_ms);
        bytes_put_varint(writer, track->amount_minor);
        bytes_put_varint(writer, track->amount_before_minor);
        bytes_put_varint(writer, track->other_minor);
        if (track->other_minor != 0) {
            bytes_put_varint(writer, track->other_ms - track->first_ms);
        }
        bytes_put_u8(writer, track->period);
        bytes_put_u8(writer, track->gaps);
        bytes_put_varuint(writer, track->variation);
        bytes_put_varint(writer,
                         track->renamed_ms == 0 ? 0 : track->renamed_ms - track->first_ms + 1);
        bytes_put_varint(writer, peak_distance(track));
        bytes_put_u8(writer, track->amount_count);
        for (uint32_t k = 0; k < track->amount_count; k++) {
            bytes_put_varint(writer,
                             track->amounts[k] - track->amount_minor); /* mostly 0: one byte */
        }
    }
}

/* Moments from a record are used in calendar arithmetic: keep them within years 0 to 9999. */
static bool sane_time(int64_t time_ms)
{
    return time_ms > -62135596800000 && time_ms < 253402300800000;
}

static bool amounts_unpack(struct series_track *track, struct bytes_reader *reader)
{
    track->gaps = bytes_take_u8(reader);
    uint64_t variation = bytes_take_varuint(reader);
    int64_t renamed = bytes_take_varint(reader);
    bool sane = sane_time(renamed) && sane_time(track->first_ms + renamed);
    track->renamed_ms = renamed == 0 || !sane ? 0 : track->first_ms + renamed - 1;
    int64_t peak = bytes_take_varint(reader);
    uint8_t count = bytes_take_u8(reader);
    if (!sane || reader->bad || count > SERIES_AMOUNTS_KEPT || track->amount_minor < 0 ||
        variation > UINT16_MAX) {
        return false;
    }
    track->variation = (uint16_t)variation;
    sane = peak == 0 || (peak > -track->amount_minor && peak <= INT64_MAX - track->amount_minor);
    track->peak_minor = peak == 0 || !sane ? 0 : track->amount_minor + peak - (peak > 0);
    track->amount_count = count;
    for (uint32_t k = 0; k < count; k++) {
        int64_t distance = bytes_take_varint(reader);
        if (distance < -track->amount_minor || distance > INT64_MAX - track->amount_minor) {
            return false;
        }
        track->amounts[k] = track->amount_minor + distance;
    }
    return sane;
}

static bool track_unpack(struct series_track *track, struct bytes_reader *reader)
{
    track->key = bytes_take_u64(reader);
    track->first_ms = bytes_take_varint(reader);
    uint64_t hits = bytes_take_varuint(reader);
    if (reader->bad || track->key == 0 || hits == 0 || hits > UINT16_MAX ||
        !sane_time(track->first_ms)) {
        return false;
    }
    track->hits = (uint16_t)hits;
    bool sane = true;
    for (uint32_t k = 0; k < track->hits && k < SERIES_HITS_KEPT; k++) {
        int64_t distance = bytes_take_varint(reader);
        sane = sane && sane_time(distance) && sane_time(track->first_ms + distance);
        track->hit_ms[k] = sane ? track->first_ms + distance : 0;
        sane = sane && (k == 0 || track->hit_ms[k] <= track->hit_ms[k - 1]);
    }
    int64_t distance = bytes_take_varint(reader);
    sane = sane && sane_time(distance) && sane_time(track->first_ms + distance);
    track->alive_ms = sane ? track->first_ms + distance : 0;
    track->amount_minor = bytes_take_varint(reader);
    track->amount_before_minor = bytes_take_varint(reader);
    track->other_minor = bytes_take_varint(reader);
    if (track->other_minor != 0) {
        distance = bytes_take_varint(reader);
        sane = sane && sane_time(distance) && sane_time(track->first_ms + distance);
        track->other_ms = sane ? track->first_ms + distance : 0;
    }
    track->period = bytes_take_u8(reader);
    sane = amounts_unpack(track, reader) && sane;
    return sane && !reader->bad && track->period < SERIES_PERIOD_COUNT &&
           track->amount_minor >= 0 && track->amount_before_minor >= 0 && track->other_minor >= 0;
}

bool series_unpack(const struct series_def *def, struct series_state *state,
                   struct bytes_reader *reader, const struct zones *zones, int32_t zone)
{
    *state = (struct series_state){0};
    uint8_t count = bytes_take_u8(reader);
    bool good = !reader->bad && count <= SERIES_TRACKS_MAX;
    for (uint32_t i = 0; good && i < count; i++) {
        good = track_unpack(&state->tracks[i], reader);
    }
    if (!good) {
        *state = (struct series_state){0};
        return false;
    }
    series_renew(def, state, zones, zone);
    return true;
}
