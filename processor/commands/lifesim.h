/* SPDX-License-Identifier: Apache-2.0 */
/* LifeSim: a synthetic bank with ground truth.
 *
 * People have jobs, employers, rents, paydays, habits, holidays and phones; some of them lose or
 * change a job, get a rise, a windfall, a baby, move, or leave quietly. Every customer is a pure
 * function of (seed, number), every day of theirs of (seed, number, day), so a bank can be made
 * again, in part or in parallel. Days come out in order of time within the day; late and repeated
 * records are what a real feed has too. */
#ifndef COMMANDS_LIFESIM_H
#define COMMANDS_LIFESIM_H

#include <stdio.h>

#include "base/random.h"

enum { LIFESIM_CUSTOMERS_MAX = 10000000, LIFESIM_DAYS_MAX = 3660 };

struct lifesim_options {
    uint64_t seed;
    uint32_t customers;
    int32_t first_day;  /* days since 1970-01-01 */
    int32_t days;       /* how many */
    double duplicates;  /* share of records sent twice */
    double late;        /* share of records sent up to three days late */
    double refunds;     /* share of card payments taken back within a week (REVERSED) */
    double life_events; /* chance that a customer has a life event in the time simulated */
};

/* The defaults that `segue simulate --help` prints. */
struct lifesim_options lifesim_defaults(void);

struct lifesim_counts {
    uint64_t events;
    uint64_t life_events;
};

/* Write NDJSON events to `out` and, when not NULL, one line per life event that really happened to
 * `truth`:
 * {"customer_id":..,"life_event":..,"at":"2026-03-02"}. `progress` (may be NULL) is called after
 * each day. False when writing failed (errno says why). Takes memory by malloc; frees it. */
bool lifesim_run(const struct lifesim_options *options, FILE *out, FILE *truth,
                 void (*progress)(int32_t days_done, int32_t days,
                                  const struct lifesim_counts *counts),
                 struct lifesim_counts *out_counts);

#endif
