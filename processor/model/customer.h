/* SPDX-License-Identifier: Apache-2.0 */
/* A customer's state while it is being worked on: a block of fixed size, laid out by the engine from the
 * playbook. What Redis and the journal hold is the packed form (engine/record.h); both say the same.
 *
 *   | struct customer | features | life events | segments | offers |
 *     at 0              each stage's state at the offset that engine_layout chose, aligned to 8
 */
#ifndef MODEL_CUSTOMER_H
#define MODEL_CUSTOMER_H

#include "model/event.h"

/* The newest profile of the customer, as kept. Strings are cut at their field's size on the edge of a
 * UTF-8 character and flagged nowhere: playbooks compare codes, not prose. */
struct profile {
    int64_t updated_at_ms; /* INT64_MIN: no profile yet */
    uint64_t present;      /* bit i: field i of SOURCE_CUSTOMER_PROFILES is not null */
    int64_t lifetime_value_minor;
    int32_t birth_day;
    int32_t relationship_day;
    int32_t dependants;
    int32_t risk_profile;
    int32_t
        zone; /* index for base/zone.h; the application's zone when the profile names none that we know */
    bool zone_guessed; /* it names one that we do not know */
    uint32_t knowledge;
    uint32_t products_held;
    uint32_t vulnerability;
    uint8_t employment_status;
    uint8_t income_band;
    uint8_t preferred_channel;
    bool complaint_open;
    uint8_t country_size, region_size, occupation_size;
    char country[8];
    char region[24];
    char occupation[40];
    struct {
        int64_t updated_at_ms;
        uint8_t status; /* enum consent_status */
        uint8_t basis;  /* enum lawful_basis */
    } consents[PURPOSE_COUNT][CHANNEL_COUNT];
};

/* Did the newest profile say anything about a field (PROFILE_* of model/fields.h)? False without a profile. */
static inline bool profile_has(const struct profile *profile, uint32_t field)
{
    return profile->updated_at_ms != INT64_MIN && (profile->present >> field & 1) != 0;
}

struct customer {
    uint8_t id[CUSTOMER_ID_SIZE_MAX];
    uint8_t id_size;
    bool erased;         /* a tombstone came: pack nothing, delete every key */
    bool view_whole;     /* its view was written under another layout: write all of it anew */
    bool rules_changed;  /* unpacked from other rules' layout, not evaluated under these yet */
    uint64_t changes;    /* outputs ever made for this customer: ce_sequence */
    int64_t seen_ms;     /* the latest moment this customer was evaluated at; never goes back */
    int64_t deadline_ms; /* next moment to look with no event; INT64_MAX: never */
    struct profile profile;
    /* stage states follow */
};

static inline struct slice customer_id(const struct customer *customer)
{
    return slice_of(customer->id, customer->id_size);
}

#endif
