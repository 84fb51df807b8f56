/* SPDX-License-Identifier: Apache-2.0 */
/* Playbooks of random rules over features of every kind, for laws over all of them. Some are refused: a condition
 * that leaves nobody of another, say. */
#ifndef PROPERTY_RANDOM_RULES_H
#define PROPERTY_RANDOM_RULES_H

#include <stdio.h>

#include "base/random.h"
#include "support/suite.h"

static const char features[] =
    "features:\n"
    "  spent: {sum: tx.amount_minor, where: 'tx.direction == \"DEBIT\"', window: 30d, currency: "
    "any}\n"
    "  often: {count: tx, window: 7d}\n"
    "  most: {max: tx.amount_minor, window: 10d, currency: any, publish: true}\n"
    "  mean: {avg: tx.amount_minor, where: 'tx.kind == \"CARD\"', window: 20d, currency: any}\n"
    "  hours: {count: tx, window: 6h}\n"
    "  since: {time_since: tx}\n"
    "  idle: {days_since: tx, where: 'tx.direction == \"DEBIT\"'}\n"
    "  away: {days_since: app}\n"
    "  known: {days_since_first: tx}\n"
    "  kinds: {distinct: tx.mcc, window: 14d}\n"
    "  lands: {distinct: tx.merchant_country, window: last 5 events}\n"
    "  own: {count: tx, window: 5d, anchor: customer}\n"
    "  waits: {count: tx, pending: include, window: 20d}\n"
    "  row: {streak: tx, window: 30d}\n"
    "  slope: {trend: tx.amount_minor, window: 15d, currency: any}\n"
    "  balance: {last: tx.balance_after_minor}\n"
    "  after: {sequence: tx, where: 'tx.mcc == 5411', then: 'tx.mcc == 5812', within: 5d}\n"
    "  gone: {absence: tx, where: 'tx.mcc == 7011', then: 'tx.mcc == 4511', within: 9d}\n"
    "  seen: {last: event.time}\n"
    "  late: {count: tx, late: include, window: 60d}\n"
    "  trips: {sessions: tx, within: 30h, window: last 4 events}\n"
    "  share: {ratio: [f.spent, f.most]}\n"
    "  pace: {ratio: [f.idle, f.known]}\n"
    "  pay: {series: tx.credit, min_hits: 2, amount_tolerance: 90%, tolerance: 6d}\n";

static size_t random_condition(struct random *random, char *out, size_t size, bool segment)
{
    static const char *const forms[] = {
        "f.spent >= %d000", "f.often >= %d / 9", "f.most < %d000", "f.mean > %d00.0",
        "f.hours >= %d %% 4", "f.since >= %d000000", "f.idle >= %d / 3", "f.away > %d",
        "f.known >= %d * 5", "f.kinds < 1 + %d / 9", "f.lands >= 1 + %d %% 3", "f.own >= %d / 8",
        "f.waits > %d", "f.row >= %d / 12", "f.slope > %d.0 - 30.0", "f.balance < %d000",
        "has(f.after) && f.after > now - duration(\"%dh\")", "f.gone || f.often > %d",
        "f.late > %d", "f.share < 0.1 * %d.0", "f.pace > 0.02 * %d.0",
        "f.pay.misses >= 1 + %d %% 2", "f.pay.hits >= %d %% 5", "c.age >= %d",
        "c.tenure_days > 10 * %d", "c.risk_profile >= %d %% 7", "f.pay.amount > %d000 * 5",
        "f.pay.monthly * 2 < %d0000", "f.pay.regularity < %d * 2",
        "f.pay.active >= 1 && f.pay.spread_percent > %d %% 9", "f.pay.period_days > %d",
        "f.pay.last_at > now - duration(\"%dh\")", "f.pay.stopped_hits >= 1 + %d %% 3",
        "f.pay.next_from > timestamp(\"2026-01-09T00:00:00Z\") + duration(\"%d00h\")",
        "f.pay.change_percent > %d - 20", "f.trips >= 2 + %d %% 3",
        "f.trips < 2 || f.late < %d / 9", "tx.mcc == 5411 && f.often > %d %% 5",
        "tx.amount_minor > %d00", "app.event == \"login\" && f.away < %d",
        "now - f.seen > duration(\"%dh\")", "f.spent > f.most * (%d %% 4)",
        "!has(f.balance) || f.idle > %d", "f.idle < 2 && f.known > %d",
        /* of several leaves, of which now one decides, now another */
        "f.often > %d %% 9 && f.spent > f.most * 2 || f.idle > 3",
        "!(f.often >= 1 && f.away < %d) || f.gone",
        "f.often > %d %% 4 && f.after > f.seen - duration(\"480h\")",
        "f.balance < 0 || f.often >= %d / 9 || f.kinds > 5 && f.own > 2",
        "(f.idle > 2 || f.seen < now - duration(\"%dh\")) && f.often > 1",
        "f.pay.hits >= 2 && f.mean > %d00.0 || c.age > 40 && f.row >= 2",
        "f.after > f.seen - duration(\"48h\") && f.often > %d %% 6 || f.gone",
        /* of an event and features */
        "f.often > %d %% 3 || tx.balance_after_minor > tx.amount_minor * 2",
        "f.idle < 2 && tx.amount_minor * (1 + %d %% 3) > tx.balance_after_minor",
        "f.known > %d || tx.mcc == 5411", "f.idle > %d %% 6 || tx.mcc == 5812",
        "f.kinds > 2 && tx.amount_minor > tx.balance_after_minor || f.often > %d",
        /* of an event against a feature, with no leaf that stands until the next event */
        "tx.direction == \"DEBIT\" && tx.amount_minor * (1 + %d) >= f.spent",
        "tx.kind == \"CARD\" && tx.mcc == 5411 && tx.amount_minor * (1 + %d %% 9) > f.spent",
        /* with leaves of each other, and twice the same */
        "f.often >= 3 && f.spent > f.most * (%d %% 4)", "f.often >= 3 || f.kinds > %d %% 3",
        "f.often >= 3 && f.kinds > 2 || f.often >= 3 && f.own > %d %% 4",
        "f.idle < 2 || f.kinds > 2 && f.own > %d %% 4",
        /* of segments only */
        "\"l1\" in life || f.often > %d", "\"s0\" in seg && f.idle < %d",
        "!(\"s0\" in seg) || f.often > %d %% 5", "!(\"l0\" in life) || f.away > %d"};
    uint64_t count = ARRAY_COUNT(forms) - (segment ? 0 : 4);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    return (size_t)snprintf(out, size, forms[random_below(random, count)],
                            (int)random_below(random, 50));
#pragma GCC diagnostic pop
}

/* Nothing but an event that may meet a signal makes anybody look at it. */
static const char bare_signals[] =
    "  bare:\n    suspect_at: 0.2\n    confirm_at: 0.6\n    expires: 9d\n    evidence:\n"
    "      - {id: food, if: 'tx.mcc == 5411', weight: 0.7}\n"
    "      - {id: login, if: 'app.event == \"login\"', weight: -0.5, half_life: 4d}\n";

/* Features of transactions with more terms than an index has room for. */
static size_t crowd(char *out, size_t size)
{
    size_t at = 0;
    for (uint32_t i = 0; i < 45; i++) {
        at += (size_t)snprintf(out + at, size - at,
                               "  more%u: {count: tx, window: 9d, where: 'tx.amount_minor > %u00",
                               i, i + 1);
        for (uint32_t k = 0; k < 23; k++) {
            at += (size_t)snprintf(out + at, size - at, " || tx.mcc == %u", 5400 + k);
        }
        at += (size_t)snprintf(out + at, size - at, "'}\n");
    }
    return at;
}

/* Behind the random segments. */
static const char offers_text[] =
    "  halt: {including: {a: 'f.hours >= 2'}}\n"
    "contact_policy:\n"
    "  quiet_hours: {from: '21:00', to: '08:00', channels: [PUSH]}\n"
    "  stops: {segments: [halt]}\n"
    "offers:\n"
    "  o0: {purpose: MARKETING, product: SAVINGS, channels: [PUSH], on: {app: [login]}, value: "
    "10}\n"
    "  o1: {purpose: MARKETING, product: SAVINGS, channels: [EMAIL], on: {life: [l1]}, value: 20,\n"
    "       not_life: [l3], publish: true}\n"
    "  o2: {purpose: MARKETING, product: SAVINGS, channels: [EMAIL], on: {segments: [s1, s5]},\n"
    "       value: 30, review: true}\n"
    "  o3: {purpose: MARKETING, product: SAVINGS, channels: [PUSH, EMAIL], segments_any: [s3],\n"
    "       value: 40}\n";

static const char *random_playbook(struct random *random, char *text, size_t limit, bool crowded,
                                   bool offering)
{
    size_t at = (size_t)snprintf(text, limit, "late_after: 40d\n%s", features);
    at += crowded ? crowd(text + at, limit - at) : 0;
    at += (size_t)snprintf(text + at, limit - at, "life_events:\n%s", crowded ? bare_signals : "");
    for (uint32_t i = 0; i < 6; i++) {
        at += (size_t)snprintf(text + at, limit - at, "  l%u:\n", i);
        if (random_chance(random, 0.3)) {
            at +=
                (size_t)snprintf(text + at, limit - at, "    absent: {feature: f.seen, for: %dd}\n",
                                 2 + (int)random_below(random, 20));
        }
        static const char *const keys[] = {"when", "unless", "ends"};
        for (uint32_t k = 0; k < 3; k++) {
            if (random_chance(random, k == 0 ? 0.8 : 0.3) || (k == 0 && i == 0)) {
                at += (size_t)snprintf(text + at, limit - at, "    %s: '", keys[k]);
                at += random_condition(random, text + at, limit - at, false);
                at += (size_t)snprintf(text + at, limit - at, "'\n");
            }
        }
        at += (size_t)snprintf(
            text + at, limit - at,
            "    suspect_at: 0.2\n    confirm_at: 0.6\n    expires: %dd\n    evidence:\n",
            3 + (int)random_below(random, 40));
        for (uint32_t k = 0; k < 4; k++) {
            at += (size_t)snprintf(text + at, limit - at, "      - {id: e%u, if: '", k);
            at += random_condition(random, text + at, limit - at, false);
            at += (size_t)snprintf(text + at, limit - at, "', weight: %s0.%d%s}\n",
                                   k > 0 && random_chance(random, 0.3) ? "-" : "",
                                   k == 0 ? 7 : 1 + (int)random_below(random, 5),
                                   random_chance(random, 0.4) ? ", half_life: 4d" : "");
        }
    }
    at += (size_t)snprintf(text + at, limit - at, "segments:\n");
    for (uint32_t i = 0; i < 10; i++) {
        at += (size_t)snprintf(text + at, limit - at, "  s%u:\n    including: {a: '", i);
        at += random_condition(random, text + at, limit - at, i > 0);
        at += (size_t)snprintf(text + at, limit - at, "'}\n");
        if (random_chance(random, 0.4)) {
            at += (size_t)snprintf(text + at, limit - at, "    excluding: {b: '");
            at += random_condition(random, text + at, limit - at, i > 0);
            at += (size_t)snprintf(text + at, limit - at, "'}\n");
        }
        static const char *const extras[] = {"    dwell: 2d\n",
                                             "    cool_down: 3d\n",
                                             "    evaluate: on_event\n",
                                             "    min_size: 2\n",
                                             "    stay: {min: 2d, max: 20d}\n",
                                             "    publish: true\n"};
        for (uint32_t k = 0; k < ARRAY_COUNT(extras); k++) {
            if (random_chance(random, 0.3)) {
                at += (size_t)snprintf(text + at, limit - at, "%s", extras[k]);
            }
        }
    }
    at += (size_t)snprintf(text + at, limit - at, "%s", offering ? offers_text : "");
    ck_assert(at < limit);
    return text;
}

#endif
