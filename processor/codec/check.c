/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of every event, whether it came as Avro or as JSON. */
#include "base/civil.h"
#include "base/show.h"
#include "codec/decode.h"

/* Years 1900 to 9999: whatever is outside is a mistake of units. */
static const int64_t time_ms_min = INT64_C(-2208988800000);
static const int64_t time_ms_max = INT64_C(253402300799999);

static size_t ascii_prefix(struct slice text)
{
    size_t i = 0;
    for (; i + 8 <= text.size; i += 8) {
        uint64_t word;
        memcpy(&word, text.data + i, 8);
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            return i;
        }
    }
    while (i < text.size && text.data[i] < 0x80) {
        i++;
    }
    return i;
}

bool utf8_is_valid(struct slice text)
{
    size_t i = ascii_prefix(text);
    while (i < text.size) {
        size_t size = utf8_size(text.data + i, text.size - i);
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

static bool refuse(struct reject *out_reject, enum reject_reason reason, const char *field)
{
    *out_reject = (struct reject){.reason = reason, .field = field};
    return false;
}

static bool is_real(int64_t time_ms)
{
    return time_ms >= time_ms_min && time_ms <= time_ms_max;
}

/* Dates have a wider range than times: 0001-01-01 is what many systems write for "unknown". */
static bool is_date(int32_t day)
{
    return day >= CIVIL_DAY_MIN && day <= CIVIL_DAY_MAX;
}

static bool check_profile(const struct event *event, struct reject *out_reject)
{
    if (event_has(event, PROFILE_RISK_PROFILE) &&
        (event->profile.risk_profile < 1 || event->profile.risk_profile > 7)) {
        return refuse(out_reject, REJECT_OUT_OF_RANGE, "risk_profile");
    }
    if (!is_date(event->profile.birth_day)) {
        return refuse(out_reject, REJECT_OUT_OF_RANGE, "birth_date");
    }
    if (!is_date(event->profile.relationship_day)) {
        return refuse(out_reject, REJECT_OUT_OF_RANGE, "relationship_since");
    }
    for (uint32_t i = 0; i < event->profile.consent_count; i++) {
        if (!is_real(event->profile.consents[i].updated_at_ms)) {
            return refuse(out_reject, REJECT_OUT_OF_RANGE, EVENT_CONSENT_TIME_FIELD);
        }
    }
    return true;
}

static bool is_currency(struct slice text)
{
    bool is = text.size == 3;
    for (size_t i = 0; is && i < text.size; i++) {
        is = text.data[i] >= 'A' && text.data[i] <= 'Z';
    }
    return is;
}

static bool check_transaction(const struct event *event, struct reject *out_reject)
{
    if (event->tx.amount_minor <= 0 || event->tx.amount_minor > EVENT_AMOUNT_MINOR_MAX) {
        return refuse(out_reject, REJECT_OUT_OF_RANGE, "amount_minor");
    }
    if (!is_currency(event->tx.currency)) {
        return refuse(out_reject, REJECT_OUT_OF_RANGE, "currency");
    }
    return true;
}

bool event_check(const struct event *event, struct reject *out_reject)
{
    if (event->customer_id.size == 0) {
        return refuse(out_reject, REJECT_MISSING_FIELD, "customer_id");
    }
    if (event->customer_id.size > CUSTOMER_ID_SIZE_MAX) {
        return refuse(out_reject, REJECT_TOO_LARGE, "customer_id");
    }
    if (event->event_id.size > EVENT_ID_SIZE_MAX) {
        return refuse(out_reject, REJECT_TOO_LARGE, "event_id");
    }
    if (!is_real(event->time_ms)) {
        return refuse(out_reject, REJECT_OUT_OF_RANGE, event_time_field(event));
    }
    if (event->source == SOURCE_TRANSACTIONS) {
        return check_transaction(event, out_reject);
    }
    return event->source != SOURCE_CUSTOMER_PROFILES || check_profile(event, out_reject);
}
