/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/experiment.h"

#include <math.h>

/* The sequence is tightest at this many customers; any fixed number is valid. */
static const double tuned_for = 5000;

void experiment_add(struct experiment_side *side, double value)
{
    side->count++;
    side->sum += value;
    side->sum_of_squares += value * value;
}

static double mean(const struct experiment_side *side)
{
    return side->sum / (double)side->count;
}

static double spread(double count, double sum, double sum_of_squares)
{
    double middle = sum / count;
    double out = sum_of_squares / count - middle * middle;
    return out > 0 ? out : 0;
}

/* Of one value, not of the mean. A small side in which nothing has happened yet is not sure that nothing does:
 * shares are moved towards a half by one of each kind, and a side varies at least as both do together. */
static double variance(const struct experiment_side *side, const struct experiment_side *other,
                       bool binary)
{
    double share = (side->sum + 1) / ((double)side->count + 2);
    double own =
        binary ? share * (1 - share) : spread((double)side->count, side->sum, side->sum_of_squares);
    double both = spread((double)(side->count + other->count), side->sum + other->sum,
                         side->sum_of_squares + other->sum_of_squares);
    return own > both ? own : both;
}

struct experiment_interval experiment_difference(const struct experiment_side *treated,
                                                 const struct experiment_side *control, bool binary,
                                                 double alpha)
{
    if (treated->count == 0 || control->count == 0) {
        return (struct experiment_interval){NAN, NAN, NAN};
    }
    double all = (double)(treated->count + control->count);
    double rho2 = (-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuned_for;
    double deviation = sqrt(variance(treated, control, binary) / (double)treated->count +
                            variance(control, treated, binary) / (double)control->count);
    double reach = sqrt((all * rho2 + 1) / (all * rho2) * log((all * rho2 + 1) / (alpha * alpha)));
    double estimate = mean(treated) - mean(control);
    if (deviation <=
        0) { /* nobody has paid yet, or all the same: no sample of that says how it varies */
        return (struct experiment_interval){estimate, NAN, NAN};
    }
    return (struct experiment_interval){estimate, estimate - reach * deviation,
                                        estimate + reach * deviation};
}

/* How sure the alternative is that shares are near the planned ones: it differs from them by a tenth or so. */
static const double nearby = 1000;

double experiment_split_chance(const int64_t *counts, const double *shares, uint32_t count)
{
    double all = 0, evidence = 0;
    uint32_t sides = 0;
    for (uint32_t i = 0; i < count; i++) {
        double seen = (double)counts[i], prior = nearby * shares[i];
        if (shares[i] <= 0 && counts[i] > 0) {
            return 0; /* somebody where nobody may be */
        }
        if (shares[i] > 0) {
            evidence += lgamma(prior + seen) - lgamma(prior) - seen * log(shares[i]);
            all += seen;
            sides++;
        }
    }
    evidence += lgamma(nearby) - lgamma(nearby + all);
    return sides < 2 || evidence <= 0 ? 1 : exp(-evidence);
}
