/* SPDX-License-Identifier: Apache-2.0 */
/* What one event costs in features alone: the 21 features of the whole job (plain C conditions, so that CEL's
 * share is not in it), over customers whose states lie in memory. One figure a line. */
#include "../unit/features/bench_defs.h"

#include <stdio.h>
#include <time.h>

#include "base/invariant.h"
#include "base/memory.h"
#include "base/random.h"

enum { CUSTOMERS = 10000, EVENTS = 2000000, ARENA_SIZE = 1 << 20 };

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct bench {
    const struct features_plan *plan;
    const struct zones *zones;
    uint8_t *states;
    size_t stride;
    struct customer customer;
    struct arena scratch;
};

static struct event next_event(struct random *random, int64_t i)
{
    static const char *const countries[] = {"GB", "GB", "GB", "FR"};
    uint64_t bits = random_next(random);
    return (struct event){.event_id = {(const uint8_t *)"", 0},
                          .source = SOURCE_TRANSACTIONS,
                          .time_ms = INT64_C(1760000000000) + i * 2592,
                          .offset = i,
                          .present = UINT64_MAX,
                          .tx = {.amount_minor = (int64_t)(bits % 100000 + 1),
                                 .currency = slice_text("GBP"),
                                 .mcc = (int32_t)(bits >> 20 & 8191),
                                 .direction = (uint8_t)(bits >> 40 & 1),
                                 .merchant_country = slice_text(countries[bits >> 41 & 3]),
                                 .balance_after_minor = (int64_t)(bits >> 50)}};
}

static void run(struct bench *bench, const char *name, bool values, bool deadline, bool packing)
{
    static uint8_t packed[1 << 16];
    struct feature_value out[BENCH_FEATURE_COUNT];
    struct random random;
    struct status_text text;
    int64_t check = 0;
    random_init(&random, 1);
    for (uint32_t c = 0; c < CUSTOMERS; c++) {
        features_init(bench->plan, bench->states + c * bench->stride);
    }
    double start = seconds_now();
    for (int64_t i = 0; i < EVENTS; i++) {
        uint8_t *state = bench->states + random_below(&random, CUSTOMERS) * bench->stride;
        struct event event = next_event(&random, i);
        struct scope scope = {.now_ms = event.time_ms,
                              .event = &event,
                              .customer = &bench->customer,
                              .zones = bench->zones};
        (void)features_event(bench->plan, state, &scope, &bench->scratch);
        if (values) {
            features_values(bench->plan, state, &scope, out);
            check += out[BENCH_COUNT_7].i;
        }
        if (deadline) {
            check += features_deadline(bench->plan, state, &scope) == INT64_MAX;
        }
        if (packing) {
            struct bytes_writer writer = bytes_writer(packed, sizeof(packed));
            features_pack(bench->plan, state, &writer);
            struct bytes_reader reader = bytes_reader(slice_of(packed, writer.size));
            INVARIANT(features_unpack(bench->plan, state, &reader, &text) == STATUS_OK);
            check += (int64_t)writer.size;
        }
    }
    double nanoseconds = (seconds_now() - start) / EVENTS * 1e9;
    (void)printf("%s: %.0f ns/event (check %lld)\n", name, nanoseconds, (long long)check);
}

int main(void)
{
    struct feature_def defs[BENCH_FEATURE_COUNT];
    struct features_options options = bench_options();
    struct features_problem problem;
    struct bench bench = {0};
    struct arena arena;
    struct status_text text;
    INVARIANT(zones_load(&bench.zones, &text) == STATUS_OK);
    arena_init(&arena, memory_take(ARENA_SIZE, "plan"), ARENA_SIZE);
    arena_init(&bench.scratch, memory_take(4096, "scratch"), 4096);
    bench_defs(defs);
    INVARIANT(features_plan_build(defs, BENCH_FEATURE_COUNT, &options, &arena, &bench.plan,
                                  &problem) == STATUS_OK);
    bench.stride = features_state_size(bench.plan);
    bench.states = memory_take(CUSTOMERS * bench.stride, "states");
    (void)printf("features_state_bytes: %zu\n", bench.stride);
    run(&bench, "features_event", false, false, false);
    run(&bench, "features_event_values", true, false, false);
    run(&bench, "features_event_values_deadline", true, true, false);
    run(&bench, "features_event_values_pack_unpack", true, false, true);
    options.remembered[SOURCE_TRANSACTIONS] = 32;
    for (uint32_t i = BENCH_COUNT_7; i <= BENCH_G6_30; i++) {
        defs[i].anchor = FEATURE_ANCHOR_NOW;
        defs[i].armed = true;
    }
    arena_reset(&arena);
    INVARIANT(features_plan_build(defs, BENCH_FEATURE_COUNT, &options, &arena, &bench.plan,
                                  &problem) == STATUS_OK);
    bench.stride = features_state_size(bench.plan);
    bench.states = memory_take(CUSTOMERS * bench.stride, "states");
    run(&bench, "features_windows_at_now_with_deadlines", true, true, false);
    return 0;
}
