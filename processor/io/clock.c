/* SPDX-License-Identifier: Apache-2.0 */
#include "io/clock.h"

#include "base/attributes.h"
#include "base/invariant.h"

#include <sys/random.h>
#include <time.h>

static int64_t wall_ms(struct clock *clock UNUSED)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t monotonic_us(struct clock *clock UNUSED)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t random64(struct clock *clock UNUSED)
{
    uint64_t value;
    INVARIANT(getrandom(&value, sizeof(value), 0) == (ssize_t)sizeof(value));
    return value;
}

static const struct clock_ops system_ops = {wall_ms, monotonic_us, random64};
static struct clock system_clock = {&system_ops};

struct clock *clock_system(void)
{
    return &system_clock;
}
