/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of controlled experiments: is the split what it should be, and what did the treatment do.
 * Pure; no allocation. */
#ifndef COMMANDS_EXPERIMENT_H
#define COMMANDS_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

enum { EXPERIMENT_ARMS_MAX = 16 };

/* One side: customers, and a number for each (converted or not, revenue). */
struct experiment_side {
    int64_t count;
    double sum, sum_of_squares;
};

void experiment_add(struct experiment_side *side, double value);

struct experiment_interval {
    double estimate, low,
        high; /* NAN when a side is empty; low and high also when nothing varies yet */
};

/* Mean of `treated` less mean of `control`, with an asymptotic confidence sequence (Waudby-Smith, Arbour,
 * Sinha, Kennedy, Ramdas 2024): it covers the truth at every moment at once with probability 1 - alpha, so
 * a report may be looked at every day and stopped at any. `binary`: values are 0 or 1. */
struct experiment_interval experiment_difference(const struct experiment_side *treated,
                                                 const struct experiment_side *control, bool binary,
                                                 double alpha);

/* Sample-ratio mismatch, by a test that may be asked at every moment (Lindon and Malek 2020, Anytime-valid
 * inference for multinomial count data): one over the Bayes factor of shares near `shares` (a Dirichlet around
 * them) against exactly `shares`, which sum to 1; at most 1. In a sound experiment it EVER falls below u with
 * chance u at most, however often one looks; Pearson's chi square promises that for one look only. */
double experiment_split_chance(const int64_t *counts, const double *shares, uint32_t count);

/* One interval in twenty may leave out the truth at some moment. */
#define EXPERIMENT_ALPHA 0.05

/* Below this chance the split is called broken: a false alarm, ever, in one sound experiment of 1,000. */
#define EXPERIMENT_SPLIT_ALARM 0.001

#endif
