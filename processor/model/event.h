/* SPDX-License-Identifier: Apache-2.0 */
/* One decoded input record. Strings are borrowed from the record's bytes, which the batch holds.
 *
 * Every source's fields stand in one table (model/fields.h) by name, type and offset, so that the codec
 * can write them, CEL can read them and NDJSON can print them without knowing each by hand. */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include "base/slice.h"
#include "model/codes.h"

enum source {
    SOURCE_TRANSACTIONS,
    SOURCE_APP_ENGAGEMENT,
    SOURCE_CUSTOMER_PROFILES,
    SOURCE_OFFER_OUTCOMES,
    SOURCE_LIFE_EVENT_FEEDBACK,
    SOURCE_SCORES,
    SOURCE_COUNT
};

/* "transactions", "app-engagement", ... as in the configuration and in NDJSON. Static. */
const char *source_name(enum source source);
/* -1 when there is no such source. */
int32_t source_find(struct slice name);

enum {
    CUSTOMER_ID_SIZE_MAX = 64, /* bytes of UTF-8; a longer one is rejected */
    EVENT_ID_SIZE_MAX = 128,
    EVENT_STRING_SIZE_MAX = 4096,
    CONSENTS_MAX = 24,   /* PURPOSE_COUNT x CHANNEL_COUNT */
    ATTRIBUTES_MAX = 32, /* entries of app-engagement's map */
};

/* A larger amount is rejected: it is no money but a mistake of the producer (a time, an id, another scale). Also
 * well below 2^53, so that averages and trends hold each amount exactly. */
#define EVENT_AMOUNT_MINOR_MAX INT64_C(1000000000000000)

struct transaction {
    struct slice account_id;
    struct slice currency; /* ISO 4217, 3 letters */
    struct slice reverses; /* the event_id taken back, or empty */
    struct slice merchant_name;
    struct slice merchant_country; /* ISO 3166-1 alpha-2 */
    struct slice counterparty_id;
    struct slice counterparty_name;
    struct slice reference;
    int64_t amount_minor; /* 1 to EVENT_AMOUNT_MINOR_MAX, in minor units of `currency` */
    int64_t balance_after_minor;
    int32_t mcc;
    uint8_t account_type; /* enum account_type */
    uint8_t direction;    /* enum direction */
    uint8_t status;       /* enum tx_status */
    uint8_t kind;         /* enum tx_kind */
    uint8_t channel;      /* enum tx_channel */
};

struct attribute {
    struct slice name;
    struct slice value;
};

struct engagement {
    struct slice event; /* login, view, click, ... */
    struct slice screen;
    struct slice product;
    struct slice session_id;
    int64_t duration_ms;
    uint8_t channel; /* enum app_channel */
    bool success;
    uint8_t attribute_count;
    struct attribute attributes[ATTRIBUTES_MAX];
};

struct consent {
    int64_t updated_at_ms;
    uint8_t purpose; /* enum purpose */
    uint8_t channel; /* enum channel */
    uint8_t status;  /* enum consent_status */
    uint8_t basis;   /* enum lawful_basis */
};

struct profile_update {
    struct slice country;
    struct slice region;
    struct slice timezone; /* IANA name */
    struct slice occupation;
    int64_t lifetime_value_minor;
    int32_t birth_day;        /* days since 1970-01-01 */
    int32_t relationship_day; /* days since 1970-01-01 */
    int32_t dependants;
    int32_t risk_profile;   /* 1..7 */
    uint32_t knowledge;     /* bit per enum product */
    uint32_t products_held; /* bit per enum product */
    uint32_t vulnerability; /* bit per enum vulnerability */
    uint8_t employment_status;
    uint8_t income_band;
    uint8_t preferred_channel; /* enum channel */
    bool complaint_open;
    bool erase; /* the record was a tombstone: forget this customer */
    uint8_t consent_count;
    struct consent consents[CONSENTS_MAX];
};

struct offer_outcome {
    struct slice decision_id;
    struct slice offer_id;
    struct slice variant;
    int64_t revenue_minor;
    uint8_t channel; /* enum channel */
    uint8_t outcome; /* enum outcome */
};

struct life_event_feedback {
    struct slice life_event;
    struct slice given_by; /* CUSTOMER or ADVISER */
    bool is_true;
};

struct external_score {
    struct slice name;
    double value;
};

struct event {
    struct slice customer_id;
    struct slice event_id; /* empty for profiles and scores: not deduplicated */
    int64_t time_ms;       /* booked_at, occurred_at or updated_at */
    int64_t offset;        /* in its topic's partition */
    uint64_t present;      /* bit i: field i of the source's table (model/fields.h) is not null */
    uint32_t partition;    /* = task */
    uint8_t source;        /* enum source */
    union {
        struct transaction tx;
        struct engagement app;
        struct profile_update profile;
        struct offer_outcome outcome;
        struct life_event_feedback feedback;
        struct external_score score;
    };
};

#define EVENT_CONSENT_TIME_FIELD "consents.updated_at"

/* The field that says `time_ms`: "booked_at", "occurred_at", ... Static. */
const char *event_time_field(const struct event *event);

/* Does it say a time after `latest_ms`? A consent has a time of its own, and since the later of two holds, one
 * dated far ahead would hold for ever. out_field: the field that says it, static; untouched when none does. */
bool event_is_beyond(const struct event *event, int64_t latest_ms, const char **out_field);

#endif
