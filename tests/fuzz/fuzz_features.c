/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the features of a record: refused, or a state that can be read, fed and packed again; what is
 * packed is then a fixed point. */
#include "fuzz.h"

#include "../unit/features/bench_defs.h"
#include "base/invariant.h"

enum { ARENA_SIZE = 1 << 18, PACKED_SIZE_MAX = 1 << 16, STATE_SIZE_MAX = 1 << 14 };

static uint8_t block[ARENA_SIZE], packed[PACKED_SIZE_MAX], again[PACKED_SIZE_MAX];
static _Alignas(16) uint8_t state[STATE_SIZE_MAX];
static const struct features_plan *plan;
static const struct zones *zones;

static void open_all(void)
{
    static struct feature_def defs[BENCH_FEATURE_COUNT];
    struct features_options options = bench_options();
    struct features_problem problem;
    struct status_text text;
    struct arena arena;
    arena_init(&arena, block, sizeof(block));
    bench_defs(defs);
    defs[BENCH_COUNT_7].anchor = FEATURE_ANCHOR_NOW;
    defs[BENCH_COUNT_7].armed = true;
    options.remembered[SOURCE_TRANSACTIONS] = 8;
    options.allowed_lateness_ms = INT64_C(7) * 86400000;
    INVARIANT(zones_load(&zones, &text) == STATUS_OK);
    INVARIANT(features_plan_build(defs, BENCH_FEATURE_COUNT, &options, &arena, &plan, &problem) ==
              STATUS_OK);
    INVARIANT(features_state_size(plan) <= sizeof(state));
}

static size_t pack(uint8_t *out)
{
    struct bytes_writer writer = bytes_writer(out, PACKED_SIZE_MAX);
    features_pack(plan, state, &writer);
    INVARIANT(!writer.full && writer.size <= features_packed_size_max(plan));
    return writer.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct status_text text;
    struct arena scratch;
    struct customer customer = {.id_size = 0};
    struct feature_value values[BENCH_FEATURE_COUNT];
    if (plan == NULL) {
        open_all();
    }
    struct bytes_reader reader = bytes_reader(slice_of(data, size));
    if (features_unpack(plan, state, &reader, &text) != STATUS_OK) {
        return 0;
    }
    size_t packed_size = pack(packed);
    reader = bytes_reader(slice_of(packed, packed_size));
    INVARIANT(features_unpack(plan, state, &reader, &text) == STATUS_OK);
    INVARIANT(pack(again) == packed_size && memcmp(packed, again, packed_size) == 0);
    struct event event = {.source = SOURCE_TRANSACTIONS,
                          .event_id = slice_text("e"),
                          .time_ms = INT64_C(1770000000000),
                          .present = UINT64_MAX,
                          .tx = {.amount_minor = 5, .merchant_country = slice_text("GB")}};
    struct scope scope = {
        .now_ms = event.time_ms, .event = &event, .customer = &customer, .zones = zones};
    arena_init(&scratch, NULL, 0);
    features_values(plan, state, &scope, values);
    (void)features_event(plan, state, &scope, &scratch);
    features_values(plan, state, &scope, values);
    INVARIANT(features_deadline(plan, state, &scope) > scope.now_ms);
    return 0;
}
