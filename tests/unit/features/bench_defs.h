/* SPDX-License-Identifier: Apache-2.0 */
/* The features of the whole-job benchmark (tests/bench): what a playbook would say of it, and the job itself
 * as straight-line code to compare with. */
#ifndef UNIT_FEATURES_BENCH_DEFS_H
#define UNIT_FEATURES_BENCH_DEFS_H

#include "base/civil.h"
#include "features/features.h"
#include "model/fields.h"
#include "support/rules_double.h"

static inline bool bench_is_debit(const struct event *event)
{
    return event->tx.direction == DIRECTION_DEBIT;
}

static inline bool bench_is_credit(const struct event *event)
{
    return event->tx.direction == DIRECTION_CREDIT;
}

static inline bool bench_is_group_4(const struct event *event)
{
    return event->tx.mcc / 1000 % 8 == 4;
}

static inline bool bench_is_group_5(const struct event *event)
{
    return event->tx.mcc / 1000 % 8 == 5;
}

static inline bool bench_is_group_6(const struct event *event)
{
    return event->tx.mcc / 1000 % 8 == 6;
}

enum bench_feature {
    BENCH_TOTAL,
    BENCH_LATE,
    BENCH_LAST_TS,
    BENCH_FIRST_DAY,
    BENCH_BALANCE,
    BENCH_COUNT_7,
    BENCH_COUNT_30,
    BENCH_DEBIT_30,
    BENCH_CREDIT_30,
    BENCH_G4_30,
    BENCH_G5_30,
    BENCH_G6_30,
    BENCH_DISTINCT,
    BENCH_TOP_COUNT,
    BENCH_COUNTRY_1,
    BENCH_COUNTRY_2,
    BENCH_COUNTRY_3,
    BENCH_COUNTRY_4,
    BENCH_DAYS_SINCE_FIRST,
    BENCH_PARTITION,
    BENCH_OFFSET,
    BENCH_FEATURE_COUNT
};

static const struct cel_program bench_debit = {bench_is_debit, NULL},
                                bench_credit = {bench_is_credit, NULL},
                                bench_group_4 = {bench_is_group_4, NULL},
                                bench_group_5 = {bench_is_group_5, NULL},
                                bench_group_6 = {bench_is_group_6, NULL};

static inline void bench_set(struct feature_def *def, const char *name, enum feature_kind kind,
                             const char *field)
{
    *def = (struct feature_def){.name = name, .kind = kind, .source = SOURCE_TRANSACTIONS};
    if (field != NULL) {
        def->from = FEATURE_FROM_FIELD;
        def->value_field = (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text(field));
    }
}

static inline void bench_days(struct feature_def *def, uint32_t days,
                              const struct cel_program *where, const char *text)
{
    def->unit = FEATURE_DAYS;
    def->length = days;
    def->anchor = FEATURE_ANCHOR_CUSTOMER;
    def->where = where;
    def->where_text = slice_text(text);
}

static inline void bench_defs(struct feature_def defs[BENCH_FEATURE_COUNT])
{
    static const char *const countries[] = {"country_1", "country_2", "country_3", "country_4"};
    bench_set(&defs[BENCH_TOTAL], "total", FEATURE_COUNT, NULL);
    bench_set(&defs[BENCH_LATE], "late", FEATURE_COUNT, NULL);
    defs[BENCH_LATE].late = FEATURE_LATE_ONLY;
    bench_set(&defs[BENCH_LAST_TS], "last_ts", FEATURE_LAST, "booked_at");
    bench_set(&defs[BENCH_FIRST_DAY], "first_day", FEATURE_FIRST, NULL);
    defs[BENCH_FIRST_DAY].from = FEATURE_FROM_DAY;
    defs[BENCH_FIRST_DAY].order = FEATURE_BY_ARRIVAL;
    bench_set(&defs[BENCH_BALANCE], "balance", FEATURE_LAST, "balance_after_minor");
    defs[BENCH_BALANCE].order = FEATURE_BY_TIME_STRICT;
    bench_set(&defs[BENCH_COUNT_7], "count_7d", FEATURE_COUNT, NULL);
    bench_days(&defs[BENCH_COUNT_7], 7, NULL, "");
    bench_set(&defs[BENCH_COUNT_30], "count_30d", FEATURE_COUNT, NULL);
    bench_days(&defs[BENCH_COUNT_30], 30, NULL, "");
    bench_set(&defs[BENCH_DEBIT_30], "debit_30d", FEATURE_SUM, "amount_minor");
    bench_days(&defs[BENCH_DEBIT_30], 30, &bench_debit, "debit");
    bench_set(&defs[BENCH_CREDIT_30], "credit_30d", FEATURE_SUM, "amount_minor");
    bench_days(&defs[BENCH_CREDIT_30], 30, &bench_credit, "credit");
    bench_set(&defs[BENCH_G4_30], "g4_30d", FEATURE_COUNT, NULL);
    bench_days(&defs[BENCH_G4_30], 30, &bench_group_4, "g4");
    bench_set(&defs[BENCH_G5_30], "g5_30d", FEATURE_COUNT, NULL);
    bench_days(&defs[BENCH_G5_30], 30, &bench_group_5, "g5");
    bench_set(&defs[BENCH_G6_30], "g6_30d", FEATURE_COUNT, NULL);
    bench_days(&defs[BENCH_G6_30], 30, &bench_group_6, "g6");
    bench_set(&defs[BENCH_DISTINCT], "countries", FEATURE_DISTINCT, "merchant_country");
    bench_set(&defs[BENCH_TOP_COUNT], "max_country_count", FEATURE_TOP_COUNT, "merchant_country");
    for (uint32_t i = 0; i < 4; i++) {
        bench_set(&defs[BENCH_COUNTRY_1 + i], countries[i], FEATURE_NTH, "merchant_country");
        defs[BENCH_COUNTRY_1 + i].nth = i + 1;
    }
    for (uint32_t i = BENCH_DISTINCT; i <= BENCH_COUNTRY_4; i++) {
        defs[i].unit = FEATURE_EVENTS;
        defs[i].length = 4;
        defs[i].order = FEATURE_BY_ARRIVAL;
    }
    bench_set(&defs[BENCH_DAYS_SINCE_FIRST], "days_since_first", FEATURE_DAYS_SINCE_FIRST, NULL);
    defs[BENCH_DAYS_SINCE_FIRST].order = FEATURE_BY_ARRIVAL;
    defs[BENCH_DAYS_SINCE_FIRST].anchor = FEATURE_ANCHOR_CUSTOMER;
    bench_set(&defs[BENCH_PARTITION], "part", FEATURE_LAST, NULL);
    defs[BENCH_PARTITION].from = FEATURE_FROM_PARTITION;
    bench_set(&defs[BENCH_OFFSET], "off", FEATURE_LAST, NULL);
    defs[BENCH_OFFSET].from = FEATURE_FROM_OFFSET;
    for (uint32_t i = BENCH_PARTITION; i <= BENCH_OFFSET; i++) {
        defs[i].order = FEATURE_BY_ARRIVAL;
        defs[i].late = FEATURE_LATE_INCLUDE;
    }
}

static inline struct features_options bench_options(void)
{
    return (struct features_options){.late_after_days = 34}; /* nothing remembered */
}

/* ---- the job itself, after its own description ---- */

struct bench_customer {
    int64_t total, late, last_ts, first_day, day, balance, part, off;
    bool has_balance;
    int64_t buckets[35][6]; /* count, debit, credit, g4, g5, g6 of day mod 35 */
    char countries[4][3];
    uint32_t country_count;
};

static inline void bench_job(struct bench_customer *c, const struct event *event, bool has_balance)
{
    int64_t day = event->time_ms / MS_PER_DAY;
    c->part = event->partition;
    c->off = event->offset;
    if (c->total > 0 && day < c->day - 34) {
        c->late++;
        return;
    }
    if (c->total == 0) {
        c->first_day = c->day = day;
        c->last_ts = event->time_ms;
    }
    for (; c->day < day; c->day++) {
        memset(c->buckets[(c->day + 1) % 35], 0, sizeof(c->buckets[0]));
    }
    if (event->time_ms >= c->last_ts) {
        c->last_ts = event->time_ms;
        c->balance = has_balance ? event->tx.balance_after_minor : c->balance;
        c->has_balance = c->has_balance || has_balance;
    }
    c->total++;
    int64_t *bucket = c->buckets[day % 35];
    bucket[0]++;
    bucket[event->tx.direction == DIRECTION_DEBIT ? 1 : 2] += event->tx.amount_minor;
    int32_t group = event->tx.mcc / 1000 % 8;
    if (group >= 4 && group <= 6) {
        bucket[group - 1]++;
    }
    memmove(c->countries[1], c->countries[0], sizeof(c->countries[0]) * 3);
    memcpy(c->countries[0], event->tx.merchant_country.data, 2);
    c->country_count += c->country_count < 4;
}

static inline int64_t bench_sum(const struct bench_customer *c, uint32_t column, int64_t days)
{
    int64_t sum = 0;
    for (int64_t day = c->day - days + 1; day <= c->day; day++) {
        sum += day >= 0 ? c->buckets[day % 35][column] : 0;
    }
    return sum;
}

#endif
