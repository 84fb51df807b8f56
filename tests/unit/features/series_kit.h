/* SPDX-License-Identifier: Apache-2.0 */
/* One customer and one series, for the tests of series.h: credits go in, fields come out. */
#ifndef TESTS_UNIT_FEATURES_SERIES_KIT_H
#define TESTS_UNIT_FEATURES_SERIES_KIT_H

#include "features/series.h"
#include "support/suite.h"

static const struct zones *zones;
static struct customer customer;
static struct series_def def;
static struct series_state state;

static void setup(void)
{
    struct status_text text;
    ck_assert_msg(zones_load(&zones, &text) == STATUS_OK, "%s", text.text);
    customer = (struct customer){.profile = {.zone = 0}};
    def = (struct series_def){.min_hits = 3, .tolerance_days = 4, .direction = DIRECTION_CREDIT};
    state = (struct series_state){0};
}

static bool credit(int64_t time_ms, int64_t amount_minor, const char *payer)
{
    struct event event = {.source = SOURCE_TRANSACTIONS, .time_ms = time_ms};
    event.tx = (struct transaction){.amount_minor = amount_minor,
                                    .direction = DIRECTION_CREDIT,
                                    .status = TX_POSTED,
                                    .counterparty_id = slice_text(payer)};
    struct scope scope = {
        .event = &event, .customer = &customer, .zones = zones, .now_ms = time_ms};
    return series_update(&def, &state, &event, &scope, NULL);
}

static struct feature_value value(enum series_field field, int64_t now_ms)
{
    struct feature_value values[SERIES_FIELD_COUNT];
    series_values(&def, &state, zones, 0, now_ms, true, values);
    return values[field];
}

#endif
