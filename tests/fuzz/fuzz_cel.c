/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as an expression: compiled, evaluated with values and with nothing, explained. Also the
 * same text as a pattern. The cost bound must keep every run short. */
#include "fuzz.h"

#include "base/invariant.h"
#include "cel/cel.h"

static uint8_t block[1 << 22];
static uint8_t scratch_block[1 << 18];
static struct diagnostic list[DIAGNOSTICS_MAX];

static const struct cel_name names[] = {
    {"f.spend", {.kind = CEL_INT}, 0}, {"c.age", {.kind = CEL_INT}, 1},
    {"x", {.kind = CEL_DYN}, 2},       {"s", {.kind = CEL_STRING}, 3},
    {"t", {.kind = CEL_TIMESTAMP}, 4}, {"l", {.kind = CEL_LIST}, 5},
    {"m", {.kind = CEL_MAP}, 6},       {"d", {.kind = CEL_DOUBLE}, 7},
};

static struct cel_value nothing(const struct cel_activation *activation, uint32_t slot)
{
    (void)activation;
    (void)slot;
    return (struct cel_value){.kind = CEL_ABSENT};
}

static struct cel_value something(const struct cel_activation *activation, uint32_t slot)
{
    static struct cel_value items[4];
    (void)activation;
    items[0] = cel_string(slice_text("a\u00a9"));
    items[1] = cel_int(-1);
    items[2] = cel_int(INT64_MIN);
    items[3] = (struct cel_value){.kind = CEL_NULL};
    const struct cel_value values[] = {cel_int(INT64_MAX),
                                       cel_int(INT64_MIN),
                                       items[slot % 4],
                                       cel_string(slice_text("text \xff")),
                                       cel_timestamp_ms(1),
                                       {.kind = CEL_LIST, .list = {items, 4}},
                                       {.kind = CEL_MAP, .list = {items, 2}},
                                       cel_double(-1e300)};
    return values[slot % 8];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The first byte chooses the environment. */
    unsigned flags = size > 0 ? data[0] : 0;
    const struct cel_environment environment = {.names = names,
                                                .name_count = 8,
                                                .cost_max = 20000,
                                                .list_size_max = 16,
                                                .dynamic = (flags & 1) != 0,
                                                .no_check = (flags & 2) != 0};
    struct arena arena, scratch;
    struct diagnostics diagnostics;
    arena_init(&arena, block, sizeof(block));
    diagnostics_init(&diagnostics, list);
    const struct cel_program *program =
        cel_compile(&environment, slice_of(data + (size > 0), size - (size > 0)),
                    (struct source_span){NULL, 1, 1, 0}, &arena, &diagnostics);
    INVARIANT((program == NULL) == (diagnostics.error_count > 0));
    for (int i = 0; program != NULL && i < 2; i++) {
        arena_init(&scratch, scratch_block, sizeof(scratch_block));
        const struct cel_activation activation = {.read = i == 0 ? nothing : something,
                                                  .scratch = &scratch};
        struct cel_value value = cel_evaluate(program, &activation);
        char text[100];
        (void)cel_format(&value, text, sizeof(text));
        for (uint32_t leaf = 0; leaf < cel_program_leaf_count(program); leaf++) {
            (void)cel_explain_leaf(program, leaf, &activation);
        }
    }
    return 0;
}
