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
    return (struct experiment_interval){estimate, estimate - reach * deviation,
                                        estimate + reach * deviation};
}

/* P(chi square with `freedom` degrees > x), from Q(1/2) or Q(1) up by the recurrence of the incomplete gamma. */
static double chi_square_above(double x, uint32_t freedom)
{
    double half = x / 2;
    double shape = freedom % 2 == 1 ? 0.5 : 1;
    double above = freedom % 2 == 1 ? erfc(sqrt(half)) : exp(-half);
    double term = freedom % 2 == 1 ? 2 * sqrt(half / M_PI) * exp(-half) : half * exp(-half);
    for (; shape < freedom / 2.0 - 0.25; shape += 1) {
        above += term;
        term *= half / (shape + 1);
    }
    return above;
}

double experiment_split_chance(const int64_t *counts, const double *shares, uint32_t count)
{
    double all = 0;
    double distance = 0;
    uint32_t sides = 0;
    for (uint32_t i = 0; i < count; i++) {
        all += (double)counts[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        double expected = shares[i] * all;
        if (shares[i] > 0 && expected < 5) {
            return 1;
        }
        if (shares[i] > 0) {
            distance += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
            sides++;
        } else if (counts[i] > 0) {
            return 0; /* somebody where nobody may be */
        }
    }
    return sides < 2 ? 1 : chi_square_above(distance, sides - 1);
}
