/* SPDX-License-Identifier: Apache-2.0 */
/* What unpack.c finds of a feature in records of another plan, told from the two plans alone. */
#include "features/plan.h"

static struct features_kept whole(void)
{
    return (struct features_kept){.state = FEATURES_KEPT};
}

static struct features_kept empty(const struct feature_def *def)
{
    struct features_kept kept = {.state = FEATURES_EMPTY};
    switch (def->unit) {
    case FEATURE_DAYS:
        kept.lacks_ms = (int64_t)def->length * MS_PER_DAY;
        break;
    case FEATURE_MINUTES:
        kept.lacks_ms = (int64_t)def->length * MS_PER_MINUTE;
        break;
    case FEATURE_EVENTS:
        kept.lacks_events = def->length;
        break;
    case FEATURE_ALL:
        kept.lacks_ms = INT64_MAX;
        break;
    }
    return kept;
}

/* Tiles that the definition reads back; 0: all are one. */
static uint32_t tiles_read(const struct feature_def *def, const struct cell *cell)
{
    uint32_t minutes = cell->tile_ms / (uint32_t)MS_PER_MINUTE;
    return def->unit == FEATURE_DAYS      ? def->length
           : def->unit == FEATURE_MINUTES ? (def->length + minutes - 1) / minutes
                                          : 0;
}

static struct features_kept kept_cell(const struct feature_def *def, const struct cell *cell,
                                      const struct features_plan *records)
{
    for (uint32_t i = 0; i < records->cell_count; i++) {
        const struct cell *was = &records->cells[i];
        uint32_t tiles = tiles_read(def, cell);
        if (was->name != cell->name) {
            continue;
        }
        if (tiles <= was->length) {
            return whole();
        }
        int64_t tile_ms = cell->tile_ms == PLAN_DAY_TILE_MS ? MS_PER_DAY : cell->tile_ms;
        return (struct features_kept){.state = FEATURES_KEPT_PARTLY,
                                      .lacks_ms = (tiles - was->length) * tile_ms};
    }
    return empty(def);
}

/* Events that the definition reads; of pairs as many as are kept. */
static uint32_t samples_read(const struct feature_def *def)
{
    bool pair = def->kind == FEATURE_SEQUENCE || def->kind == FEATURE_ABSENCE;
    return def->unit == FEATURE_EVENTS ? def->length : pair ? FEATURES_PAIRS_MAX : 1;
}

static struct features_kept kept_samples(const struct feature_def *def,
                                         const struct samples_plan *part,
                                         const struct features_plan *records)
{
    uint32_t count = samples_read(def);
    for (uint32_t i = 0; i < records->samples_count; i++) {
        const struct samples_plan *was = &records->samples[i];
        if (was->name != part->name || (part->with_text && !was->with_text)) {
            continue; /* kept without its texts it starts anew: unpack_samples */
        }
        return count <= was->capacity
                   ? whole()
                   : (struct features_kept){.state = FEATURES_KEPT_PARTLY,
                                            .lacks_events = count - was->capacity};
    }
    struct features_kept kept = empty(def);
    bool newest = def->kind == FEATURE_LAST || def->kind == FEATURE_TIME_SINCE ||
                  def->kind == FEATURE_DAYS_SINCE;
    if (newest) { /* the next event is all that it asks for */
        kept = (struct features_kept){.state = FEATURES_EMPTY, .lacks_events = 1};
    }
    return kept;
}

static struct features_kept kept_table(const struct feature_def *def, const struct table_plan *part,
                                       const struct features_plan *records)
{
    struct features_kept kept = empty(def);
    for (uint32_t i = 0; i < records->table_count; i++) {
        const struct table_plan *was = &records->tables[i];
        uint32_t capacity = def->capacity == 0 ? 32 : def->capacity;
        if (was->name == part->name) {
            /* Entries stay until others need their room, whatever the windows: only room can lack. */
            kept = capacity <= was->capacity ? whole() : kept;
            kept.state = capacity <= was->capacity ? FEATURES_KEPT : FEATURES_KEPT_PARTLY;
        }
    }
    return kept;
}

/* Of what is made of several parts. */
static void join(struct features_kept *all, struct features_kept one, uint32_t number)
{
    bool same = number == 0 || all->state == one.state;
    all->state = same ? one.state : FEATURES_KEPT_PARTLY;
    all->lacks_ms = one.lacks_ms > all->lacks_ms ? one.lacks_ms : all->lacks_ms;
    all->lacks_events = one.lacks_events > all->lacks_events ? one.lacks_events : all->lacks_events;
}

struct features_kept features_kept(const struct features_plan *plan, uint32_t index,
                                   const struct features_plan *records)
{
    INVARIANT(index < plan->count);
    const struct reader *reader = &plan->readers[index];
    const struct feature_def *def = &plan->defs[index];
    struct features_kept kept = whole();
    uint32_t number = 0;
    for (uint32_t part = 0; part < 2; part++) {
        if (reader->cell[part] != UINT16_MAX) {
            join(&kept, kept_cell(def, &plan->cells[reader->cell[part]], records), number++);
        }
        if (reader->samples[part] != UINT16_MAX) {
            join(&kept, kept_samples(def, &plan->samples[reader->samples[part]], records),
                 number++);
        }
    }
    if (reader->table != UINT16_MAX) {
        join(&kept, kept_table(def, &plan->tables[reader->table], records), number++);
    }
    uint32_t operands = def->kind == FEATURE_RATIO ? 2 : def->kind == FEATURE_RFM ? 3 : 0;
    for (uint32_t i = 0; i < operands; i++) {
        join(&kept, features_kept(plan, def->operands[i], records), number++);
    }
    return kept;
}
