/* SPDX-License-Identifier: Apache-2.0 */
/* What a law of generated runs says when it is broken: the seed and the run that show it. */
#ifndef PROPERTY_LAW_H
#define PROPERTY_LAW_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed;       /* of this program; the caller sets it before the first law */
static uint32_t run_number; /* under that seed */

/* Ends the program with 1 when `condition` does not hold; the rest is what printf takes. */
#define LAW(condition, ...)                                                                        \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)printf("not ok - SEED=%llu run %u: ", (unsigned long long)seed, run_number);     \
            (void)printf(__VA_ARGS__);                                                             \
            (void)printf("\n");                                                                    \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#endif
