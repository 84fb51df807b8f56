/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fields.h"

#include "base/attributes.h"

#define AT(member) (uint16_t) offsetof(struct event, member)

static const struct field transactions[] = {
    {"event_id", FIELD_STRING, AT(event_id), true, NULL},
    {"customer_id", FIELD_STRING, AT(customer_id), true, NULL},
    {"account_id", FIELD_STRING, AT(tx.account_id), false, NULL},
    {"account_type", FIELD_CODE, AT(tx.account_type), false, &codes_account_type},
    {"booked_at", FIELD_TIME, AT(time_ms), true, NULL},
    {"amount_minor", FIELD_INT64, AT(tx.amount_minor), true, NULL},
    {"currency", FIELD_STRING, AT(tx.currency), true, NULL},
    {"direction", FIELD_CODE, AT(tx.direction), true, &codes_direction},
    {"status", FIELD_CODE, AT(tx.status), false, &codes_tx_status},
    {"reverses", FIELD_STRING, AT(tx.reverses), false, NULL},
    {"kind", FIELD_CODE, AT(tx.kind), false, &codes_tx_kind},
    {"mcc", FIELD_INT32, AT(tx.mcc), false, NULL},
    {"merchant_name", FIELD_STRING, AT(tx.merchant_name), false, NULL},
    {"merchant_country", FIELD_STRING, AT(tx.merchant_country), false, NULL},
    {"counterparty_id", FIELD_STRING, AT(tx.counterparty_id), false, NULL},
    {"counterparty_name", FIELD_STRING, AT(tx.counterparty_name), false, NULL},
    {"reference", FIELD_STRING, AT(tx.reference), false, NULL},
    {"balance_after_minor", FIELD_INT64, AT(tx.balance_after_minor), false, NULL},
    {"channel", FIELD_CODE, AT(tx.channel), false, &codes_tx_channel},
};

static const struct field engagements[] = {
    {"event_id", FIELD_STRING, AT(event_id), true, NULL},
    {"customer_id", FIELD_STRING, AT(customer_id), true, NULL},
    {"occurred_at", FIELD_TIME, AT(time_ms), true, NULL},
    {"event", FIELD_STRING, AT(app.event), true, NULL},
    {"screen", FIELD_STRING, AT(app.screen), false, NULL},
    {"product", FIELD_STRING, AT(app.product), false, NULL},
    {"channel", FIELD_CODE, AT(app.channel), false, &codes_app_channel},
    {"session_id", FIELD_STRING, AT(app.session_id), false, NULL},
    {"duration_ms", FIELD_INT64, AT(app.duration_ms), false, NULL},
    {"success", FIELD_BOOL, AT(app.success), false, NULL},
    {"attributes", FIELD_MAP, AT(app.attributes), false, NULL},
};

static const struct field profiles[] = {
    [PROFILE_CUSTOMER_ID] = {"customer_id", FIELD_STRING, AT(customer_id), true, NULL},
    [PROFILE_UPDATED_AT] = {"updated_at", FIELD_TIME, AT(time_ms), true, NULL},
    [PROFILE_BIRTH_DATE] = {"birth_date", FIELD_DATE, AT(profile.birth_day), false, NULL},
    [PROFILE_COUNTRY] = {"country", FIELD_STRING, AT(profile.country), false, NULL},
    [PROFILE_REGION] = {"region", FIELD_STRING, AT(profile.region), false, NULL},
    [PROFILE_TIMEZONE] = {"timezone", FIELD_STRING, AT(profile.timezone), false, NULL},
    [PROFILE_OCCUPATION] = {"occupation", FIELD_STRING, AT(profile.occupation), false, NULL},
    [PROFILE_EMPLOYMENT_STATUS] = {"employment_status", FIELD_CODE, AT(profile.employment_status),
                                   false, &codes_employment_status},
    [PROFILE_INCOME_BAND] = {"income_band", FIELD_CODE, AT(profile.income_band), false,
                             &codes_income_band},
    [PROFILE_DEPENDANTS] = {"dependants", FIELD_INT32, AT(profile.dependants), false, NULL},
    [PROFILE_RELATIONSHIP_SINCE] = {"relationship_since", FIELD_DATE, AT(profile.relationship_day),
                                    false, NULL},
    [PROFILE_RISK_PROFILE] = {"risk_profile", FIELD_INT32, AT(profile.risk_profile), false, NULL},
    [PROFILE_KNOWLEDGE] = {"knowledge", FIELD_CODE_SET, AT(profile.knowledge), false,
                           &codes_product},
    [PROFILE_PRODUCTS_HELD] = {"products_held", FIELD_CODE_SET, AT(profile.products_held), false,
                               &codes_product},
    [PROFILE_CONSENTS] = {"consents", FIELD_CONSENTS, AT(profile.consents), false, NULL},
    [PROFILE_PREFERRED_CHANNEL] = {"preferred_channel", FIELD_CODE, AT(profile.preferred_channel),
                                   false, &codes_channel},
    [PROFILE_VULNERABILITY] = {"vulnerability", FIELD_CODE_SET, AT(profile.vulnerability), false,
                               &codes_vulnerability},
    [PROFILE_COMPLAINT_OPEN] = {"complaint_open", FIELD_BOOL, AT(profile.complaint_open), false,
                                NULL},
    [PROFILE_LIFETIME_VALUE_MINOR] = {"lifetime_value_minor", FIELD_INT64,
                                      AT(profile.lifetime_value_minor), false, NULL},
};

static const struct field outcomes[] = {
    {"event_id", FIELD_STRING, AT(event_id), true, NULL},
    {"customer_id", FIELD_STRING, AT(customer_id), true, NULL},
    {"decision_id", FIELD_STRING, AT(outcome.decision_id), true, NULL},
    {"offer_id", FIELD_STRING, AT(outcome.offer_id), true, NULL},
    {"variant", FIELD_STRING, AT(outcome.variant), false, NULL},
    {"channel", FIELD_CODE, AT(outcome.channel), false, &codes_channel},
    {"outcome", FIELD_CODE, AT(outcome.outcome), true, &codes_outcome},
    {"occurred_at", FIELD_TIME, AT(time_ms), true, NULL},
    {"revenue_minor", FIELD_INT64, AT(outcome.revenue_minor), false, NULL},
};

static const struct field feedbacks[] = {
    {"event_id", FIELD_STRING, AT(event_id), true, NULL},
    {"customer_id", FIELD_STRING, AT(customer_id), true, NULL},
    {"life_event", FIELD_STRING, AT(feedback.life_event), true, NULL},
    {"is_true", FIELD_BOOL, AT(feedback.is_true), true, NULL},
    {"given_by", FIELD_STRING, AT(feedback.given_by), false, NULL},
    {"occurred_at", FIELD_TIME, AT(time_ms), true, NULL},
};

static const struct field scores[] = {
    {"customer_id", FIELD_STRING, AT(customer_id), true, NULL},
    {"name", FIELD_STRING, AT(score.name), true, NULL},
    {"value", FIELD_DOUBLE, AT(score.value), true, NULL},
    {"scored_at", FIELD_TIME, AT(time_ms), true, NULL},
};

static const struct field_table tables[] = {
    {transactions, ARRAY_COUNT(transactions), "tx"}, {engagements, ARRAY_COUNT(engagements), "app"},
    {profiles, ARRAY_COUNT(profiles), "c"},          {outcomes, ARRAY_COUNT(outcomes), "outcome"},
    {feedbacks, ARRAY_COUNT(feedbacks), "feedback"}, {scores, ARRAY_COUNT(scores), "score"},
};
_Static_assert(ARRAY_COUNT(tables) == SOURCE_COUNT, "one table per source");
_Static_assert(ARRAY_COUNT(profiles) == PROFILE_FIELD_COUNT,
               "enum profile_field names them in this order");

static const char *const names[] = {"transactions",   "app-engagement",      "customer-profiles",
                                    "offer-outcomes", "life-event-feedback", "scores"};
_Static_assert(ARRAY_COUNT(names) == SOURCE_COUNT, "one name per source");

const char *source_name(enum source source)
{
    return (unsigned)source < SOURCE_COUNT ? names[source] : "?";
}

int32_t source_find(struct slice name)
{
    for (int32_t i = 0; i < SOURCE_COUNT; i++) {
        if (slice_is(name, names[i])) {
            return i;
        }
    }
    return -1;
}

const char *event_time_field(const struct event *event)
{
    const struct field_table *table = &tables[event->source];
    uint32_t i = 0;
    while (table->fields[i].offset != AT(time_ms)) {
        i++; /* every source has one: a test looks */
    }
    return table->fields[i].name;
}

bool event_is_beyond(const struct event *event, int64_t latest_ms, const char **out_field)
{
    if (event->time_ms > latest_ms) {
        *out_field = event_time_field(event);
        return true;
    }
    uint32_t count = event->source == SOURCE_CUSTOMER_PROFILES ? event->profile.consent_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (event->profile.consents[i].updated_at_ms > latest_ms) {
            *out_field = EVENT_CONSENT_TIME_FIELD;
            return true;
        }
    }
    return false;
}

const struct field_table *fields_of(enum source source)
{
    return &tables[source];
}

int32_t fields_find(enum source source, struct slice name)
{
    const struct field_table *table = &tables[source];
    for (uint32_t i = 0; i < table->count; i++) {
        if (slice_is(name, table->fields[i].name)) {
            return (int32_t)i;
        }
    }
    return -1;
}
