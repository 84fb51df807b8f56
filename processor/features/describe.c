/* SPDX-License-Identifier: Apache-2.0 */
#include "features/plan.h"

#include "features/known.h"
#include "features/samples.h"
#include "features/table.h"

/* Readers of a part: features that were planned onto it. */
static uint32_t readers_of_cell(const struct features_plan *plan, uint32_t cell)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        count += plan->readers[i].cell[0] == cell || plan->readers[i].cell[1] == cell;
    }
    return count;
}

static uint32_t readers_of_samples(const struct features_plan *plan, uint32_t part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        count += plan->readers[i].samples[0] == part || plan->readers[i].samples[1] == part;
    }
    return count;
}

static uint32_t readers_of_table(const struct features_plan *plan, uint32_t part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        count += plan->readers[i].table == part;
    }
    return count;
}

static void add(struct features_cost *cost, size_t working, size_t packed, uint32_t readers)
{
    cost->working_size += (uint32_t)(working / readers);
    cost->packed_size_max += (uint32_t)(packed / readers);
    cost->shared_with = readers - 1 > cost->shared_with ? readers - 1 : cost->shared_with;
}

static bool changes_alone(const struct features_plan *plan, uint32_t index)
{
    const struct feature_def *def = &plan->defs[index];
    bool since = def->kind == FEATURE_TIME_SINCE || def->kind == FEATURE_DAYS_SINCE ||
                 def->kind == FEATURE_DAYS_SINCE_FIRST;
    bool window = def->unit == FEATURE_DAYS || def->unit == FEATURE_MINUTES;
    return def->kind == FEATURE_ABSENCE || (def->anchor == FEATURE_ANCHOR_NOW && (since || window));
}

struct features_cost features_cost(const struct features_plan *plan, uint32_t index)
{
    INVARIANT(index < plan->count);
    const struct reader *reader = &plan->readers[index];
    const struct feature_def *def = &plan->defs[index];
    struct features_cost cost = {.changes_alone = changes_alone(plan, index)};
    for (uint32_t part = 0; part < 2; part++) {
        if (reader->cell[part] != UINT16_MAX) {
            uint32_t tiles = plan->groups[plan->cells[reader->cell[part]].group].tile_count;
            add(&cost, tiles * sizeof(int64_t), tiles * 5U,
                readers_of_cell(plan, reader->cell[part]));
        }
        bool again = part == 1 && reader->samples[1] == reader->samples[0];
        if (reader->samples[part] != UINT16_MAX && !again) {
            const struct samples_plan *samples = &plan->samples[reader->samples[part]];
            add(&cost, sizeof(struct samples_head) + (size_t)samples->capacity * samples->stride,
                6 + samples->capacity * (samples->with_text ? 28U : 9U),
                readers_of_samples(plan, reader->samples[part]));
        }
    }
    if (reader->table != UINT16_MAX) {
        const struct table_plan *table = &plan->tables[reader->table];
        add(&cost, sizeof(struct table_head) + table->capacity * sizeof(struct table_entry),
            5 + table->capacity * 13U, readers_of_table(plan, reader->table));
    }
    uint32_t operands = def->kind == FEATURE_RATIO ? 2 : def->kind == FEATURE_RFM ? 3 : 0;
    for (uint32_t i = 0; i < operands; i++) {
        cost.changes_alone = cost.changes_alone || changes_alone(plan, def->operands[i]);
    }
    return cost;
}

static void window_text(const struct feature_def *def, char *out, size_t size)
{
    static const char *const units[] = {"", "d", "m", " events"};
    if (def->unit == FEATURE_ALL) {
        (void)snprintf(out, size, "all");
    } else if (def->unit == FEATURE_MINUTES && def->length % 60 == 0) {
        (void)snprintf(out, size, "%uh", def->length / 60); /* 24h is not 1d, a calendar day */
    } else {
        (void)snprintf(out, size, "%u%s", def->length, units[def->unit]);
    }
}

void features_plan_describe(const struct features_plan *plan, FILE *out)
{
    (void)fprintf(out, "%-28s %-16s %-10s %9s %9s %7s  %s\n", "feature", "kind", "window",
                  "memory B", "record B", "shared", "changes alone");
    for (uint32_t i = 0; i < plan->count; i++) {
        struct features_cost cost = features_cost(plan, i);
        char window[24];
        window_text(&plan->defs[i], window, sizeof(window));
        (void)fprintf(out, "%-28s %-16s %-10s %9u %9u %7u  %s\n", plan->defs[i].name,
                      features_kind(plan->defs[i].kind)->key, window, cost.working_size,
                      cost.packed_size_max, cost.shared_with, cost.changes_alone ? "yes" : "no");
    }
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        const struct remembered_plan *part = &plan->sources[s].remembered;
        if (part->capacity > 0) {
            (void)fprintf(out, "%-28s %-16s %-10u %9u %9u\n", source_name((enum source)s),
                          "remembered", part->capacity, part->capacity * (part->entry_size + 16),
                          part->capacity * 24);
            (void)fprintf(out, "%-28s %-16s %-10u %9u %9u\n", source_name((enum source)s),
                          "ids behind them", part->known_room, part->known_room * KNOWN_SIZE,
                          part->known_room * 12);
        }
    }
    (void)fprintf(
        out,
        "features: %u, parts: %u cells in %u rings, %u samples, %u tables; %zu bytes a customer "
        "in memory\n",
        plan->count, plan->cell_count, plan->group_count, plan->samples_count, plan->table_count,
        plan->state_size);
}
