/* SPDX-License-Identifier: Apache-2.0 */
/* What one evaluation of a predicate costs: `name: ns` a line. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/attributes.h"
#include "cel/cel.h"

enum { ROUNDS = 5000000 };

static const struct cel_type string_type = {.kind = CEL_STRING};
static const struct cel_name names[] = {
    {"f.spend_90d", {.kind = CEL_INT}, 0},
    {"c.age", {.kind = CEL_INT}, 1},
    {"c.employment_status", {.kind = CEL_STRING}, 2},
    {"c.products_held", {.kind = CEL_LIST, .element = &string_type}, 3},
    {"f.income", {.kind = CEL_INT}, 4},
    {"c.risk_profile", {.kind = CEL_INT}, 5},
};
static struct cel_value values[6];

static struct cel_value read_slot(const struct cel_activation *activation, uint32_t slot)
{
    (void)activation;
    return values[slot];
}

static const char *const predicates[] = {
    "f.spend_90d > 100000 && c.age >= 18",
    "c.age >= 18",
    "f.spend_90d > 100000 && c.age >= 18 && ratio(f.spend_90d, f.income) > 0.3",
    "f.spend_90d * 4 > f.income + 1000",
    "c.employment_status == 'EMPLOYED' || c.employment_status == 'SELF_EMPLOYED'",
    "c.employment_status in ['STUDENT', 'RETIRED', 'EMPLOYED']",
    "'MORTGAGE' in c.products_held",
    "c.products_held.exists(p, p.startsWith('MORT'))",
    "has(c.risk_profile) && c.risk_profile >= 3",
    "c.employment_status.matches('^(SELF_)?EMPLOYED$')",
};

static double now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void)
{
    static struct diagnostic list[DIAGNOSTICS_MAX];
    struct diagnostics diagnostics;
    struct arena arena, scratch;
    struct cel_value held[] = {cel_string(slice_text("CURRENT")),
                               cel_string(slice_text("MORTGAGE"))};
    arena_init(&arena, malloc(1 << 22), 1 << 22);
    arena_init(&scratch, malloc(1 << 16), 1 << 16);
    values[0] = cel_int(150000);
    values[1] = cel_int(42);
    values[2] = cel_string(slice_text("EMPLOYED"));
    values[3] = (struct cel_value){.kind = CEL_LIST, .list = {held, 2}};
    values[4] = cel_int(300000);
    values[5] = (struct cel_value){.kind = CEL_ABSENT};
    const struct cel_environment environment = {.names = names, .name_count = ARRAY_COUNT(names)};
    for (size_t p = 0; p < ARRAY_COUNT(predicates); p++) {
        diagnostics_init(&diagnostics, list);
        const struct cel_program *program =
            cel_compile(&environment, slice_text(predicates[p]),
                        (struct source_span){NULL, 1, 1, 0}, &arena, &diagnostics);
        if (program == NULL) {
            diagnostics_print(&diagnostics, stderr, false);
            return EXIT_FAILURE;
        }
        const struct cel_activation activation = {.read = read_slot, .scratch = &scratch};
        uint64_t yes = 0;
        double start = now_ns();
        for (int i = 0; i < ROUNDS; i++) {
            arena_reset(&scratch);
            values[0].i = 99000 + (i & 0x7ff);
            struct cel_value value = cel_evaluate(program, &activation);
            yes += value.b;
        }
        printf("%s: %.1f ns (true in %.0f %%)\n", predicates[p], (now_ns() - start) / ROUNDS,
               100.0 * (double)yes / ROUNDS);
    }
    return EXIT_SUCCESS;
}
