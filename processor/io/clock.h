/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks. Only runtime/ and commands/ ask; the engine is told. */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <stdint.h>

struct clock;

struct clock_ops {
    int64_t (*wall_ms)(struct clock *clock);      /* milliseconds since the epoch; may jump */
    int64_t (*monotonic_us)(struct clock *clock); /* microseconds; never goes back */
    uint64_t (*random64)(
        struct clock *clock); /* fresh, unpredictable (owner numbers); seeded in simulations */
};

struct clock {
    const struct clock_ops *ops;
};

/* The machine's clocks and getrandom(2). Static. */
struct clock *clock_system(void);

#endif
