/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/profile.h"

#include "model/fields.h"

/* Cut at `limit` bytes on the edge of a UTF-8 character. */
static uint8_t keep_text(char *out, size_t limit, struct slice text)
{
    size_t size = text.size < limit ? text.size : limit;
    if (size < text.size) {
        while (size > 0 && (text.data[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    memset(out, 0, limit);
    if (size > 0) {
        memcpy(out, text.data, size);
    }
    return (uint8_t)size;
}

static bool take_consents(struct profile *profile, const struct profile_update *update)
{
    bool lost = false;
    for (uint32_t i = 0; i < update->consent_count; i++) {
        const struct consent *from = &update->consents[i];
        if (from->purpose >= PURPOSE_COUNT || from->channel >= CHANNEL_COUNT) {
            continue;
        }
        int64_t *at_ms = &profile->consents[from->purpose][from->channel].updated_at_ms;
        uint8_t *status = &profile->consents[from->purpose][from->channel].status;
        if (*status != CONSENT_NONE && from->updated_at_ms < *at_ms) {
            continue;
        }
        lost = lost || (*status == CONSENT_GRANTED && from->status != CONSENT_GRANTED);
        *at_ms = from->updated_at_ms;
        *status = from->status;
        profile->consents[from->purpose][from->channel].basis = from->basis;
    }
    return lost;
}

bool profile_take(struct profile *profile, const struct event *event, const struct zones *zones,
                  int32_t home_zone)
{
    const struct profile_update *update = &event->profile;
    bool lost = take_consents(profile, update);
    if (event->time_ms < profile->updated_at_ms) {
        return lost;
    }
    int32_t zone = update->timezone.size > 0 ? zones_find(zones, update->timezone) : -1;
    profile->updated_at_ms = event->time_ms;
    profile->present = event->present;
    profile->lifetime_value_minor = update->lifetime_value_minor;
    profile->birth_day = update->birth_day;
    profile->relationship_day = update->relationship_day;
    profile->dependants = update->dependants;
    profile->risk_profile = update->risk_profile;
    profile->zone = zone >= 0 ? zone : home_zone;
    profile->zone_guessed = zone < 0 && update->timezone.size > 0;
    profile->knowledge = update->knowledge;
    profile->products_held = update->products_held;
    profile->vulnerability = update->vulnerability;
    profile->employment_status = update->employment_status;
    profile->income_band = update->income_band;
    profile->preferred_channel = update->preferred_channel;
    profile->complaint_open = update->complaint_open;
    profile->country_size = keep_text(profile->country, sizeof(profile->country), update->country);
    profile->region_size = keep_text(profile->region, sizeof(profile->region), update->region);
    profile->occupation_size =
        keep_text(profile->occupation, sizeof(profile->occupation), update->occupation);
    return lost;
}

bool profile_is_empty(const struct profile *profile)
{
    return profile->updated_at_ms ==
           INT64_MIN; /* then there are no consents either: profile_take */
}

void profile_pack(const struct profile *profile, const struct zones *zones,
                  struct bytes_writer *writer)
{
    bytes_put_varint(writer, profile->updated_at_ms);
    bytes_put_varuint(writer, profile->present);
    bytes_put_varint(writer, profile->lifetime_value_minor);
    bytes_put_varint(writer, profile->birth_day);
    bytes_put_varint(writer, profile->relationship_day);
    bytes_put_varint(writer, profile->dependants);
    bytes_put_varint(writer, profile->risk_profile);
    bytes_put_varuint(writer, profile->knowledge);
    bytes_put_varuint(writer, profile->products_held);
    bytes_put_varuint(writer, profile->vulnerability);
    bytes_put_u8(writer, profile->employment_status);
    bytes_put_u8(writer, profile->income_band);
    bytes_put_u8(writer, profile->preferred_channel);
    bytes_put_u8(writer, profile->complaint_open ? 1 : 0);
    /* Numbers differ by machine. No zone has no name: the one that was named is not known. */
    bytes_put_slice(writer,
                    slice_text(profile->zone_guessed ? "" : zones_name(zones, profile->zone)));
    bytes_put_slice(writer, slice_of(profile->country, profile->country_size));
    bytes_put_slice(writer, slice_of(profile->region, profile->region_size));
    bytes_put_slice(writer, slice_of(profile->occupation, profile->occupation_size));
    uint32_t known = 0;
    for (uint32_t i = 0; i < PURPOSE_COUNT * CHANNEL_COUNT; i++) {
        known |= (uint32_t)(profile->consents[i / CHANNEL_COUNT][i % CHANNEL_COUNT].status !=
                            CONSENT_NONE)
                 << i;
    }
    bytes_put_varuint(writer, known);
    int64_t before_ms = 0;
    for (uint32_t i = 0; i < PURPOSE_COUNT * CHANNEL_COUNT; i++) {
        if ((known >> i & 1) != 0) {
            int64_t at_ms = profile->consents[i / CHANNEL_COUNT][i % CHANNEL_COUNT].updated_at_ms;
            uint8_t status = profile->consents[i / CHANNEL_COUNT][i % CHANNEL_COUNT].status;
            uint8_t basis = profile->consents[i / CHANNEL_COUNT][i % CHANNEL_COUNT].basis;
            bytes_put_varint(writer, (int64_t)((uint64_t)at_ms - (uint64_t)before_ms));
            bytes_put_u8(writer, (uint8_t)(status << 4 | basis));
            before_ms = at_ms;
        }
    }
}

static uint8_t take_text(struct bytes_reader *reader, char *out, size_t limit)
{
    struct slice text = bytes_take_slice(reader);
    if (text.size > limit) {
        reader->bad = true;
        return 0;
    }
    if (text.size > 0) {
        memcpy(out, text.data, text.size);
    }
    return (uint8_t)text.size;
}

static int32_t take_int32(struct bytes_reader *reader)
{
    int64_t value = bytes_take_varint(reader);
    if (value < INT32_MIN || value > INT32_MAX) {
        reader->bad = true;
        return 0;
    }
    return (int32_t)value;
}

static uint32_t take_bits(struct bytes_reader *reader, uint32_t count)
{
    uint64_t value = bytes_take_varuint(reader);
    if (value >> count != 0) {
        reader->bad = true;
        return 0;
    }
    return (uint32_t)value;
}

static uint8_t take_code(struct bytes_reader *reader, uint32_t count)
{
    uint8_t value = bytes_take_u8(reader);
    if (value >= count) {
        reader->bad = true;
        return 0;
    }
    return value;
}

static void unpack_consents(struct profile *profile, struct bytes_reader *reader)
{
    uint32_t known = take_bits(reader, PURPOSE_COUNT * CHANNEL_COUNT);
    int64_t at_ms = 0;
    for (uint32_t i = 0; i < PURPOSE_COUNT * CHANNEL_COUNT; i++) {
        if ((known >> i & 1) == 0) {
            continue;
        }
        at_ms = (int64_t)((uint64_t)at_ms + (uint64_t)bytes_take_varint(reader));
        uint8_t both = bytes_take_u8(reader);
        if ((both >> 4) >= CONSENT_STATUS_COUNT || (both >> 4) == CONSENT_NONE ||
            (both & 15) >= LAWFUL_BASIS_COUNT) {
            reader->bad = true;
            return;
        }
        profile->consents[i / CHANNEL_COUNT][i % CHANNEL_COUNT].updated_at_ms = at_ms;
        profile->consents[i / CHANNEL_COUNT][i % CHANNEL_COUNT].status = both >> 4;
        profile->consents[i / CHANNEL_COUNT][i % CHANNEL_COUNT].basis = both & 15;
    }
}

bool profile_unpack(struct profile *profile, const struct zones *zones, int32_t home_zone,
                    struct bytes_reader *reader)
{
    struct profile out = {.updated_at_ms = bytes_take_varint(reader)};
    out.present = bytes_take_varuint(reader);
    out.lifetime_value_minor = bytes_take_varint(reader);
    out.birth_day = take_int32(reader);
    out.relationship_day = take_int32(reader);
    out.dependants = take_int32(reader);
    out.risk_profile = take_int32(reader);
    out.knowledge = take_bits(reader, PRODUCT_COUNT);
    out.products_held = take_bits(reader, PRODUCT_COUNT);
    out.vulnerability = take_bits(reader, VULNERABILITY_COUNT);
    out.employment_status = take_code(reader, EMPLOYMENT_STATUS_COUNT);
    out.income_band = take_code(reader, INCOME_BAND_COUNT);
    out.preferred_channel = take_code(reader, CHANNEL_COUNT);
    out.complaint_open = take_code(reader, 2) != 0;
    struct slice zone = bytes_take_slice(reader);
    int32_t found = zone.size > 0 ? zones_find(zones, zone) : -1;
    out.zone = found >= 0 ? found : home_zone;
    out.zone_guessed = found < 0;
    out.country_size = take_text(reader, out.country, sizeof(out.country));
    out.region_size = take_text(reader, out.region, sizeof(out.region));
    out.occupation_size = take_text(reader, out.occupation, sizeof(out.occupation));
    unpack_consents(&out, reader);
    if (reader->bad) {
        return false;
    }
    *profile = out;
    return true;
}
