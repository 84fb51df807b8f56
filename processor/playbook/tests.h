/* SPDX-License-Identifier: Apache-2.0 */
/* Tests that stand beside a definition in the playbook; `segue test` runs them.
 *
 *   tests:
 *     - name: four trips in a quarter
 *       given:
 *         - {at: 2026-01-05, tx: {amount_minor: 90000, kind: CARD, mcc: 3001}}
 *         - {at: 2026-01-25, every: 1mo, times: 6, tx: {direction: CREDIT, amount_minor: 250000}}
 *         - {at: 2026-02-01, app: {event: login}}
 *         - {at: 2026-01-01, profile: {birth_date: 1990-05-01}}
 *       now: 2026-06-01                # deadlines fire up to here
 *       expect: entered                # or {entered: 2026-03-02}: the local day on which it became
 * true
 *
 * Segments: entered, exited, never. Life events: suspected, confirmed, expired, refuted, never.
 * Offers: offered, never, {blocked: GATE} or {blocked: 'GATE:REASON'}. The last thing said about
 * the definition counts. */
#ifndef PLAYBOOK_TESTS_H
#define PLAYBOOK_TESTS_H

#include "playbook/playbook.h"

enum { PLAYBOOK_TEST_EVENTS_MAX = 2000 /* of one test, repetitions counted */ };

enum playbook_expect {
    EXPECT_NEVER,
    EXPECT_ENTERED,
    EXPECT_EXITED,
    EXPECT_SUSPECTED,
    EXPECT_CONFIRMED,
    EXPECT_EXPIRED,
    EXPECT_REFUTED,
    EXPECT_OFFERED,
    EXPECT_BLOCKED,
};

struct playbook_test {
    uint8_t kind;    /* enum playbook_kind */
    uint32_t index;  /* of the definition in its stage's defs */
    struct slice id; /* of the definition */
    struct slice name;
    struct source_span span;   /* of `expect`, for a failure's message */
    const struct slice *lines; /* events as NDJSON, in order of time */
    uint32_t line_count;
    int64_t now_ms; /* INT64_MIN: the last event's time */
    enum playbook_expect expect;
    int32_t expect_day;        /* local day of effective_at; INT32_MIN: any */
    struct slice gate, reason; /* EXPECT_BLOCKED; reason empty: any */
};

/* The same playbook with what would hide a single customer taken away: minimum sizes. NULL: `arena` is full. */
const struct playbook *playbook_for_tests(const struct playbook *playbook, struct arena *arena);

/* The word of an expectation: "entered", ... Static. */
const char *playbook_expect_name(enum playbook_expect expect);

#endif
