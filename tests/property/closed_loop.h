/* SPDX-License-Identifier: Apache-2.0 */
/* What the closed loops share: an experiment whose truth is known, looked at again and again. */
#ifndef PROPERTY_CLOSED_LOOP_H
#define PROPERTY_CLOSED_LOOP_H

#include "commands/experiment.h"

enum { LOOKS = 20 };

/* `expected`: the sums that chance alone keeps the sides from. */
struct looked {
    struct experiment_side sides[2]; /* treated, held out */
    double expected[2];
    bool missed; /* at one look the interval left out the truth */
    double width;
};

/* One customer: what came of it, and what was to be expected on that side, by that treatment. */
static inline void looked_add(struct looked *looked, bool held, double value, double expected)
{
    experiment_add(&looked->sides[held], value);
    looked->expected[held] += expected;
}

static inline double looked_truth(const struct looked *looked)
{
    return looked->expected[0] / (double)looked->sides[0].count -
           looked->expected[1] / (double)looked->sides[1].count;
}

/* Is the truth in the interval now? Nothing is claimed before there is one. */
static inline void looked_look(struct looked *looked, bool binary)
{
    struct experiment_interval interval =
        experiment_difference(&looked->sides[0], &looked->sides[1], binary, EXPERIMENT_ALPHA);
    double truth = looked_truth(looked);
    looked->missed = looked->missed || truth < interval.low || truth > interval.high;
    looked->width = interval.high - interval.low;
}

#endif
