/* SPDX-License-Identifier: Apache-2.0 */
/* LifeSim: a synthetic bank with ground truth.
 *
 * People have jobs, employers, partners, rents, paydays, habits, holidays and phones. To some of them
 * one of the life events of the pack happens, to others something that only looks like one (a decoy);
 * both leave partial and noisy footprints. Every customer is a pure function of (seed, number), every
 * day of theirs of (seed, number, day) and the balance so far, so a bank can be made again. Days come
 * out in order of time within the day; late and repeated records are what a real feed has too.
 *
 *   lifesim_world    the countries          lifesim_person      who they are, what they earn
 *   lifesim_story    what may happen        lifesim_routine     an ordinary day
 *   lifesim_bank     balances and records   lifesim_footprints  what a story adds to a day
 *   lifesim.c        the loop and the truth */
#ifndef LIFESIM_LIFESIM_H
#define LIFESIM_LIFESIM_H

#include <stdio.h>

#include "base/random.h"
#include "lifesim/world.h"

enum { LIFESIM_CUSTOMERS_MAX = 10000000, LIFESIM_DAYS_MAX = 3660 };

struct lifesim_options {
    const struct world *world;
    uint64_t seed;
    uint32_t customers;
    int32_t first_day;  /* days since 1970-01-01 */
    int32_t days;       /* how many */
    int64_t until_ms;   /* nothing that was sent from then on; INT64_MAX: no end but the days */
    double duplicates;  /* share of records sent twice */
    double late;        /* share of records sent up to three days late */
    double refunds;     /* share of card payments taken back within a week (REVERSED) */
    double life_events; /* chance that a customer has a life event in the time simulated */
    double decoys;      /* chance that one without has something that looks like one */
};

/* The defaults that `segue simulate --help` prints. */
struct lifesim_options lifesim_defaults(void);

struct lifesim_counts {
    uint64_t events;
    uint64_t life_events;
    uint64_t decoys;
};

/* Write NDJSON events to `out` and, when not NULL, what happened to `truth`, one object a line:
 *   {"customer_id":..,"life_event":..,"happened_at":"2026-03-02","knowable_at":"2026-04-01",
 *    "decoy":null,"implied":false}
 * `decoy` says what it really was when `life_event` did not happen. `implied`: it follows from another
 * event of the customer (a lost job is also an income that fell) and may or may not be told.
 * `progress` (may be NULL) is called after each day. False when writing failed (errno says why). Takes
 * memory by malloc; frees it. */
bool lifesim_run(const struct lifesim_options *options, FILE *out, FILE *truth,
                 void (*progress)(int32_t days_done, int32_t days,
                                  const struct lifesim_counts *counts),
                 struct lifesim_counts *out_counts);

#endif
