/* SPDX-License-Identifier: Apache-2.0 */
#include "model/codes.h"

#include "base/attributes.h"

#define CODES_NAME(name, text) text,
#define CODES_TABLE(variable, list)                                                                \
    static const char *const variable##_names[] = {list(CODES_NAME)};                              \
    const struct codes codes_##variable = {variable##_names, ARRAY_COUNT(variable##_names)};

CODES_TABLE(account_type, ACCOUNT_TYPES)
CODES_TABLE(direction, DIRECTIONS)
CODES_TABLE(tx_status, TX_STATUSES)
CODES_TABLE(tx_kind, TX_KINDS)
CODES_TABLE(tx_channel, TX_CHANNELS)
CODES_TABLE(app_channel, APP_CHANNELS)
CODES_TABLE(employment_status, EMPLOYMENT_STATUSES)
CODES_TABLE(income_band, INCOME_BANDS)
CODES_TABLE(purpose, PURPOSES)
CODES_TABLE(channel, CHANNELS)
CODES_TABLE(consent_status, CONSENT_STATUSES)
CODES_TABLE(lawful_basis, LAWFUL_BASES)
CODES_TABLE(product, PRODUCTS)
CODES_TABLE(vulnerability, VULNERABILITIES)
CODES_TABLE(outcome, OUTCOMES)
CODES_TABLE(segment_transition, SEGMENT_TRANSITIONS)
CODES_TABLE(origin, ORIGINS)
CODES_TABLE(life_event_state, LIFE_EVENT_STATES)
CODES_TABLE(polarity, POLARITIES)

const char *codes_text(const struct codes *codes, uint32_t code)
{
    return code < codes->count ? codes->names[code] : "?";
}

int32_t codes_find(const struct codes *codes, struct slice text)
{
    for (uint32_t i = 0; i < codes->count; i++) {
        if (slice_is(text, codes->names[i])) {
            return (int32_t)i;
        }
    }
    return -1;
}
