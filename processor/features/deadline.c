/* SPDX-License-Identifier: Apache-2.0 */
#include "features/samples.h"
#include "features/table.h"
#include "features/tiles.h"
#include "features/values.h"

static void due_day(struct due *due, const struct features_moment *moment, int64_t day)
{
    if (day > moment->today && day < due->day) {
        due->day = day;
    }
}

static void due_ms(struct due *due, const struct features_moment *moment, int64_t at_ms)
{
    if (at_ms > moment->now_ms && at_ms < due->at_ms) {
        due->at_ms = at_ms;
    }
}

static void due_tile(struct due *due, const struct features_moment *moment, uint32_t tile_ms,
                     int64_t tile)
{
    if (tile_ms == PLAN_DAY_TILE_MS) {
        due_day(due, moment, tile);
    } else {
        due_ms(due, moment, tile * tile_ms);
    }
}

static int64_t window_tiles(const struct feature_def *def, uint32_t tile_ms)
{
    uint32_t minutes = tile_ms / (uint32_t)MS_PER_MINUTE;
    return minutes == 0 ? def->length : (def->length + minutes - 1) / minutes;
}

/* The first tile of the window that holds something leaves it `length` tiles later; a tile ahead of the moment
 * (events may be dated a few minutes ahead) enters. */
static void due_cell(const struct features_plan *plan, const void *state, uint32_t index,
                     uint32_t part, const struct features_moment *moment, struct due *due)
{
    const struct feature_def *def = &plan->defs[index];
    if (def->unit == FEATURE_ALL || def->anchor == FEATURE_ANCHOR_CUSTOMER) {
        return;
    }
    const struct cell *cell = &plan->cells[plan->readers[index].cell[part]];
    const struct group *group = &plan->groups[cell->group];
    const struct ring *ring = state_at_const(state, group->offset);
    int64_t length = window_tiles(def, cell->tile_ms);
    int64_t end = moment_end(moment, cell->tile_ms, FEATURE_ANCHOR_NOW);
    bool daily =
        def->kind == FEATURE_STREAK || def->kind == FEATURE_TREND || def->kind == FEATURE_DECAY;
    int64_t head = ring->head;
    int64_t first = tiles_first(group, state, cell->index, end - length + 1, head);
    if (first <= head && first <= end && !daily) {
        due_tile(due, moment, cell->tile_ms, first + length);
        /* What leaves first is found; only a tile ahead could be earlier. */
        first = tiles_first(group, state, cell->index, end + 1, head);
    }
    if (first <= head) {
        due_tile(due, moment, cell->tile_ms, daily ? end + 1 : first);
    }
}

static void due_since(const struct features_plan *plan, const void *state, uint32_t index,
                      const struct features_moment *moment, struct due *due)
{
    const struct feature_def *def = &plan->defs[index];
    const struct samples_plan *part = &plan->samples[plan->readers[index].samples[0]];
    if (def->anchor == FEATURE_ANCHOR_CUSTOMER || samples_head(part, state)->count == 0) {
        return;
    }
    int64_t time_ms = samples_get(part, state, 0)->time_ms;
    if (def->threshold_count == 0) {
        due_day(due, moment, moment->today + 1);
        return;
    }
    int64_t day = zones_local_day(moment->zones, moment->zone, time_ms);
    for (uint32_t i = 0; i < def->threshold_count; i++) {
        int64_t limit = def->thresholds[i];
        if (limit < -PLAN_TIME_MS_MAX || limit > PLAN_TIME_MS_MAX) {
            continue; /* not in anybody's time */
        }
        if (def->kind == FEATURE_TIME_SINCE) { /* reached: >= and < turn; passed: > and <= do */
            due_ms(due, moment, time_ms + limit);
            due_ms(due, moment, time_ms + limit + 1);
        } else {
            due_day(due, moment, day + limit);
            due_day(due, moment, day + limit + 1);
        }
    }
}

static void due_distinct(const struct features_plan *plan, const void *state, uint32_t index,
                         const struct features_moment *moment, struct due *due)
{
    const struct feature_def *def = &plan->defs[index];
    const struct table_plan *part = &plan->tables[plan->readers[index].table];
    if (def->unit == FEATURE_ALL || def->anchor == FEATURE_ANCHOR_CUSTOMER) {
        return;
    }
    const struct table_head *head = table_head(part, state);
    int64_t length = window_tiles(def, part->tile_ms);
    for (uint32_t i = 0; i < head->count; i++) {
        due_tile(due, moment, part->tile_ms, head->entries[i].tile + length);
    }
}

void due_feature(const struct features_plan *plan, const void *state, uint32_t index,
                 const struct features_moment *moment, struct due *due)
{
    const struct feature_def *def = &plan->defs[index];
    switch (def->kind) {
    case FEATURE_COUNT:
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_MIN:
    case FEATURE_MAX:
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
    case FEATURE_TREND:
    case FEATURE_DECAY:
        if (def->unit != FEATURE_EVENTS) {
            due_cell(plan, state, index, 0, moment, due);
        }
        if (def->kind == FEATURE_AVG) {
            due_cell(plan, state, index, 1, moment, due);
        }
        break;
    case FEATURE_TIME_SINCE:
    case FEATURE_DAYS_SINCE:
    case FEATURE_DAYS_SINCE_FIRST:
        due_since(plan, state, index, moment, due);
        break;
    case FEATURE_DISTINCT:
        if (def->unit != FEATURE_EVENTS) {
            due_distinct(plan, state, index, moment, due);
        }
        break;
    case FEATURE_ABSENCE:
        due_ms(due, moment,
               scope_absence_due(moment->scope, def->source, absence_due_ms(plan, state, index)));
        break;
    case FEATURE_FIRST:
    case FEATURE_LAST:
    case FEATURE_NTH:
    case FEATURE_TOP:
    case FEATURE_TOP_COUNT:
    case FEATURE_QUANTILE:
    case FEATURE_MAD:
    case FEATURE_SESSIONS:
    case FEATURE_SEQUENCE:
    case FEATURE_RATIO:
    case FEATURE_RFM:
    case FEATURE_KIND_COUNT:
        break;
    }
}

static void due_with_operands(const struct features_plan *plan, const void *state, uint32_t index,
                              const struct features_moment *moment, struct due *due)
{
    const struct feature_def *def = &plan->defs[index];
    due_feature(plan, state, index, moment, due);
    for (uint32_t i = 0; i < values_operand_count(def->kind); i++) {
        due_feature(plan, state, def->operands[i], moment, due);
    }
}

int64_t due_settle(const struct due *due, const struct features_moment *moment)
{
    int64_t at_ms = due->at_ms;
    if (due->day <= PLAN_TILE_MAX) {
        int64_t start_ms = zones_day_start_ms(moment->zones, moment->zone, (int32_t)due->day);
        at_ms = start_ms < at_ms ? start_ms : at_ms;
    }
    return at_ms > moment->now_ms ? at_ms : moment->now_ms + 1;
}

int64_t features_next_change(const struct features_plan *plan, const void *state, uint32_t index,
                             const struct scope *scope)
{
    INVARIANT(index < plan->count);
    struct features_moment moment = features_moment(plan, state, scope);
    struct due due = {INT64_MAX, INT64_MAX};
    due_with_operands(plan, state, index, &moment, &due);
    return due_settle(&due, &moment);
}

int64_t features_deadline(const struct features_plan *plan, const void *state,
                          const struct scope *scope)
{
    struct features_moment moment = features_moment(plan, state, scope);
    struct due due = {INT64_MAX, INT64_MAX};
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->defs[i].armed || plan->defs[i].publish) {
            due_with_operands(plan, state, i, &moment, &due);
        }
    }
    return due_settle(&due, &moment);
}

int64_t features_reaches(const struct features_plan *plan, const void *state, uint32_t index,
                         int64_t threshold, const struct scope *scope)
{
    INVARIANT(index < plan->count);
    const struct feature_def *def = &plan->defs[index];
    bool since = def->kind == FEATURE_TIME_SINCE || def->kind == FEATURE_DAYS_SINCE ||
                 def->kind == FEATURE_DAYS_SINCE_FIRST;
    if (!since) {
        return features_next_change(plan, state, index, scope);
    }
    const struct samples_plan *part = &plan->samples[plan->readers[index].samples[0]];
    struct features_moment moment = features_moment(plan, state, scope);
    struct due due = {INT64_MAX, INT64_MAX};
    if (def->anchor == FEATURE_ANCHOR_NOW && samples_head(part, state)->count > 0 &&
        threshold > -PLAN_TIME_MS_MAX && threshold < PLAN_TIME_MS_MAX) {
        int64_t time_ms = samples_get(part, state, 0)->time_ms;
        if (def->kind == FEATURE_TIME_SINCE) {
            due_ms(&due, &moment, time_ms + threshold);
        } else {
            due_day(&due, &moment, zones_local_day(moment.zones, moment.zone, time_ms) + threshold);
        }
    }
    return due_settle(&due, &moment);
}
