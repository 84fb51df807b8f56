/* SPDX-License-Identifier: Apache-2.0 */
#include "features/values.h"

#include <math.h>

#include "features/samples.h"
#include "features/table.h"
#include "features/tiles.h"

struct features_moment features_moment(const struct features_plan *plan, const void *state,
                                       const struct scope *scope)
{
    (void)plan;
    return (struct features_moment){
        .now_ms = scope->now_ms,
        .today = zones_local_day(scope->zones, scope->customer->profile.zone, scope->now_ms),
        .latest = ((const struct state_head *)state)->latest_day,
        .zone = scope->customer->profile.zone,
        .zones = scope->zones,
        .scope = scope,
    };
}

int32_t moment_end(const struct features_moment *moment, uint32_t tile_ms, uint8_t anchor)
{
    if (tile_ms != PLAN_DAY_TILE_MS) {
        return tile_of(tile_ms, moment->now_ms, 0);
    }
    return anchor == FEATURE_ANCHOR_CUSTOMER ? moment->latest : moment->today;
}

/* ---- tiles ---- */

static int64_t tile_total(const struct features_plan *plan, void *state,
                          const struct reader *reader, uint32_t part,
                          const struct features_moment *moment)
{
    const struct cell *cell = &plan->cells[reader->cell[part]];
    const struct group *group = &plan->groups[cell->group];
    int64_t empty = group->empty_row[cell->index];
    if (reader->window[part] == UINT16_MAX) {
        const int64_t *row = tiles_row(group, state, 0);
        return row == NULL ? empty : row[cell->index];
    }
    int32_t end = moment_end(moment, cell->tile_ms, plan->windows[reader->window[part]].anchor);
    return end == TILE_NONE
               ? empty
               : tiles_move_window(plan, state, reader->window[part], end)[reader->total[part]];
}

/* `count`: of an average. */
static inline struct feature_value total_value(unsigned kind, enum feature_value_type type,
                                               int64_t total, int64_t count)
{
    struct feature_value value = {.type = type, .present = true};
    switch (kind) {
    case FEATURE_MIN:
        value.present = total != INT64_MAX;
        break;
    case FEATURE_MAX:
        value.present = total != INT64_MIN;
        break;
    case FEATURE_AVG:
        value.present = count != 0;
        value.d = count != 0 ? (double)total / (double)count : 0;
        return value;
    default:
        break;
    }
    value.i = value.present ? total : 0;
    return value;
}

static struct feature_value tile_value(const struct features_plan *plan, void *state,
                                       uint32_t index, const struct features_moment *moment)
{
    const struct reader *reader = &plan->readers[index];
    bool avg = plan->defs[index].kind == FEATURE_AVG;
    int64_t total = tile_total(plan, state, reader, 0, moment);
    int64_t count = avg ? tile_total(plan, state, reader, 1, moment) : 0;
    return total_value(plan->defs[index].kind, reader->type, total, count);
}

/* Days one by one, newest last: `visit` order of the kinds that look at each. */
static int64_t streak(const struct group *group, uint32_t cell, const void *state, int64_t first,
                      int64_t last)
{
    int64_t length = 0;
    for (int64_t day = last; day >= first; day--) {
        const int64_t *row = tiles_row(group, state, (int32_t)day);
        bool active = row != NULL && row[cell] > 0;
        if (!active && day != last) {
            break;
        }
        length += active;
    }
    return length;
}

static int64_t longest_streak(const struct group *group, uint32_t cell, const void *state,
                              int64_t first, int64_t last)
{
    int64_t longest = 0;
    int64_t length = 0;
    int64_t before = first - 2;
    for (int64_t day = tiles_next(group, state, first, last); day <= last;
         day = tiles_next(group, state, day + 1, last)) {
        if (tiles_row(group, state, (int32_t)day)[cell] > 0) {
            length = day == before + 1 ? length + 1 : 1;
            longest = length > longest ? length : longest;
            before = day;
        }
    }
    return longest;
}

/* Least squares over x = 0 .. n-1 (oldest day 0): slope = (n Sxy - Sx Sy) / (n Sxx - Sx^2). */
static double trend(const struct group *group, uint32_t cell, const void *state, int64_t first,
                    int64_t last)
{
    double n = (double)(last - first + 1);
    double sum_x = n * (n - 1) / 2;
    double sum_xx = n * (n - 1) * (2 * n - 1) / 6;
    double sum_y = 0;
    double sum_xy = 0;
    for (int64_t day = tiles_next(group, state, first, last); day <= last;
         day = tiles_next(group, state, day + 1, last)) {
        double y = (double)tiles_row(group, state, (int32_t)day)[cell];
        sum_y += y;
        sum_xy += y * (double)(day - first);
    }
    double below = n * sum_xx - sum_x * sum_x;
    return below > 0 ? (n * sum_xy - sum_x * sum_y) / below : 0;
}

static double decay(const struct group *group, uint32_t cell, const void *state, int64_t first,
                    int64_t last, double half_life_days)
{
    double sum = 0;
    for (int64_t day = tiles_next(group, state, first, last); day <= last;
         day = tiles_next(group, state, day + 1, last)) {
        sum += (double)tiles_row(group, state, (int32_t)day)[cell] *
               exp2(-(double)(last - day) / half_life_days);
    }
    return sum;
}

static struct feature_value day_value(const struct features_plan *plan, const void *state,
                                      uint32_t index, const struct features_moment *moment)
{
    const struct feature_def *def = &plan->defs[index];
    const struct reader *reader = &plan->readers[index];
    const struct cell *cell = &plan->cells[reader->cell[0]];
    const struct group *group = &plan->groups[cell->group];
    struct feature_value value = {.type = reader->type, .present = true};
    int64_t last = moment_end(moment, PLAN_DAY_TILE_MS, (uint8_t)def->anchor);
    int64_t first = last - def->length + 1;
    if (last == TILE_NONE) {
        return value; /* no day is the customer's latest yet: nothing, not unknown */
    }
    switch ((int)def->kind) {
    case FEATURE_STREAK:
        value.i = streak(group, cell->index, state, first, last);
        break;
    case FEATURE_LONGEST_STREAK:
        value.i = longest_streak(group, cell->index, state, first, last);
        break;
    case FEATURE_ACTIVE_DAYS:
        value.i = tiles_positive(group, state, cell->index, first, last);
        break;
    case FEATURE_TREND:
        value.d = trend(group, cell->index, state, first, last);
        break;
    default:
        value.d = decay(group, cell->index, state, first, last, def->half_life_days);
        break;
    }
    return value;
}

/* ---- samples ---- */

static void set_sample(struct feature_value *value, const struct sample *sample)
{
    value->present = true;
    switch (value->type) {
    case FEATURE_STRING:
        value->text = sample_text(sample);
        break;
    case FEATURE_DOUBLE:
        memcpy(&value->d, &sample->value, sizeof(value->d));
        break;
    case FEATURE_INT:
    case FEATURE_BOOL:
    case FEATURE_TIME:
        value->i = sample->value;
        break;
    }
}

/* Indexes of each different value's newest sample, most frequent first, equal ones newest first. */
static uint32_t rank(const struct samples_plan *part, const void *state, uint32_t count,
                     uint8_t out_index[FEATURES_EVENTS_MAX], uint8_t out_uses[FEATURES_EVENTS_MAX])
{
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < count; i++) {
        int64_t value = samples_get(part, state, i)->value;
        uint32_t k = 0;
        while (k < kinds && samples_get(part, state, out_index[k])->value != value) {
            k++;
        }
        if (k == kinds) {
            out_index[kinds] = (uint8_t)i;
            out_uses[kinds++] = 0;
        }
        out_uses[k]++;
    }
    for (uint32_t i = 1; i < kinds; i++) { /* stable, and there are few */
        uint8_t index = out_index[i];
        uint8_t uses = out_uses[i];
        uint32_t at = i;
        for (; at > 0 && out_uses[at - 1] < uses; at--) {
            out_index[at] = out_index[at - 1];
            out_uses[at] = out_uses[at - 1];
        }
        out_index[at] = index;
        out_uses[at] = uses;
    }
    return kinds;
}

static void sort_values(int64_t *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        int64_t value = values[i];
        uint32_t at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

/* Nearest rank: the smallest value with at least q of the values at or below it. */
static int64_t nearest_rank(const int64_t *sorted, uint32_t count, double q)
{
    double rank = ceil(q * (double)count);
    uint32_t index = rank < 1 ? 0 : (uint32_t)rank - 1;
    return sorted[index < count ? index : count - 1];
}

static void set_spread(const struct feature_def *def, const struct samples_plan *part,
                       const void *state, uint32_t count, struct feature_value *value)
{
    int64_t values[FEATURES_EVENTS_MAX];
    if (count == 0) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] = samples_get(part, state, i)->value;
    }
    sort_values(values, count);
    value->present = true;
    if (def->kind == FEATURE_QUANTILE) {
        value->i = nearest_rank(values, count, def->quantile);
        return;
    }
    int64_t median = nearest_rank(values, count, 0.5);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t distance = values[i] > median ? (uint64_t)values[i] - (uint64_t)median
                                               : (uint64_t)median - (uint64_t)values[i];
        values[i] = distance > INT64_MAX ? INT64_MAX : (int64_t)distance;
    }
    sort_values(values, count);
    value->i = nearest_rank(values, count, 0.5);
}

static int64_t sessions(const struct samples_plan *part, const void *state, uint32_t count,
                        int64_t gap_ms)
{
    int64_t runs = count > 0;
    for (uint32_t i = 1; i < count; i++) {
        int64_t newer_ms = samples_get(part, state, i - 1)->time_ms;
        runs += newer_ms - samples_get(part, state, i)->time_ms > gap_ms;
    }
    return runs;
}

static struct feature_value events_value(const struct features_plan *plan, const void *state,
                                         uint32_t index)
{
    const struct feature_def *def = &plan->defs[index];
    const struct samples_plan *part = &plan->samples[plan->readers[index].samples[0]];
    struct feature_value value = {.type = plan->readers[index].type};
    uint8_t order[FEATURES_EVENTS_MAX];
    uint8_t uses[FEATURES_EVENTS_MAX];
    uint32_t kept = samples_head(part, state)->count;
    uint32_t count = kept < def->length ? kept : def->length;
    uint32_t nth = def->nth == 0 ? 0 : def->nth - 1;
    switch ((int)def->kind) {
    case FEATURE_COUNT:
        value.present = true;
        value.i = count;
        break;
    case FEATURE_NTH:
        if (nth < count) {
            set_sample(&value, samples_get(part, state, nth));
        }
        break;
    case FEATURE_DISTINCT:
        value.present = true;
        value.i = rank(part, state, count, order, uses);
        break;
    case FEATURE_TOP:
        if (nth < rank(part, state, count, order, uses)) {
            set_sample(&value, samples_get(part, state, order[nth]));
        }
        break;
    case FEATURE_TOP_COUNT:
        value.present = true;
        value.i = nth < rank(part, state, count, order, uses) ? uses[nth] : 0;
        break;
    case FEATURE_SESSIONS:
        value.present = true;
        value.i = sessions(part, state, count, def->within_ms);
        break;
    default:
        set_spread(def, part, state, count, &value);
        break;
    }
    return value;
}

static struct feature_value since_value(const struct features_plan *plan, const void *state,
                                        uint32_t index, const struct features_moment *moment)
{
    const struct feature_def *def = &plan->defs[index];
    const struct samples_plan *part = &plan->samples[plan->readers[index].samples[0]];
    struct feature_value value = {.type = plan->readers[index].type};
    if (samples_head(part, state)->count == 0) {
        return value;
    }
    const struct sample *sample = samples_get(part, state, 0);
    if (def->kind == FEATURE_FIRST || def->kind == FEATURE_LAST) {
        set_sample(&value, sample);
        return value;
    }
    value.present = true;
    if (def->kind == FEATURE_TIME_SINCE) {
        value.i = moment->now_ms - sample->time_ms;
        return value;
    }
    int32_t end = moment_end(moment, PLAN_DAY_TILE_MS, (uint8_t)def->anchor);
    value.present = end != TILE_NONE;
    value.i =
        value.present ? end - zones_local_day(moment->zones, moment->zone, sample->time_ms) : 0;
    return value;
}

static struct feature_value distinct_value(const struct features_plan *plan, const void *state,
                                           uint32_t index, const struct features_moment *moment)
{
    const struct feature_def *def = &plan->defs[index];
    const struct table_plan *part = &plan->tables[plan->readers[index].table];
    struct feature_value value = {.type = FEATURE_INT, .present = true};
    if (def->unit == FEATURE_ALL) {
        value.i = table_count(part, state, INT32_MIN);
        return value;
    }
    int64_t last = moment_end(moment, part->tile_ms, (uint8_t)def->anchor);
    uint32_t minutes = part->tile_ms / (uint32_t)MS_PER_MINUTE;
    int64_t length = minutes == 0 ? def->length : (def->length + minutes - 1) / minutes;
    value.i = last == TILE_NONE ? 0 : table_count(part, state, last - length + 1);
    return value;
}

/* ---- pairs ---- */

/* Samples of one side; a part shared with a longer window may hold more. */
static uint32_t pair_count(const struct samples_plan *part, const void *state)
{
    uint32_t count = samples_head(part, state)->count;
    return count < FEATURES_PAIRS_MAX ? count : FEATURES_PAIRS_MAX;
}

/* Did one come after from_ms, at to_ms at the latest? */
static bool came_between(const struct samples_plan *part, const void *state, int64_t from_ms,
                         int64_t to_ms)
{
    for (uint32_t i = 0; i < pair_count(part, state); i++) {
        int64_t time_ms = samples_get(part, state, i)->time_ms;
        if (time_ms > from_ms && time_ms <= to_ms) {
            return true;
        }
    }
    return false;
}

static struct feature_value sequence_value(const struct features_plan *plan, const void *state,
                                           uint32_t index)
{
    const struct samples_plan *first = &plan->samples[plan->readers[index].samples[0]];
    const struct samples_plan *second = &plan->samples[plan->readers[index].samples[1]];
    struct feature_value value = {.type = FEATURE_TIME};
    for (uint32_t i = 0; i < pair_count(second, state); i++) {
        int64_t time_ms = samples_get(second, state, i)->time_ms;
        if (came_between(first, state, time_ms - plan->defs[index].within_ms - 1, time_ms - 1)) {
            value.present = true;
            value.i = time_ms;
            return value;
        }
    }
    return value;
}

static struct feature_value absence_value(const struct features_plan *plan, const void *state,
                                          uint32_t index, const struct features_moment *moment)
{
    struct feature_value value = {.type = FEATURE_BOOL, .present = true};
    value.i = absence_due_ms(plan, state, index) <=
              scope_judged_until(moment->scope, plan->defs[index].source);
    return value;
}

int64_t absence_due_ms(const struct features_plan *plan, const void *state, uint32_t index)
{
    const struct samples_plan *first = &plan->samples[plan->readers[index].samples[0]];
    const struct samples_plan *second = &plan->samples[plan->readers[index].samples[1]];
    if (samples_head(first, state)->count == 0) {
        return INT64_MAX;
    }
    int64_t from_ms = samples_get(first, state, 0)->time_ms;
    int64_t due_ms = from_ms + plan->defs[index].within_ms;
    /* At the moment it falls due it is true: an event of that very moment comes after it. */
    return came_between(second, state, from_ms, due_ms - 1) ? INT64_MAX : due_ms;
}

/* ---- of other features ---- */

uint32_t values_operand_count(enum feature_kind kind)
{
    return kind == FEATURE_RATIO ? 2 : kind == FEATURE_RFM ? 3 : 0;
}

static double number_of(const struct feature_value *value)
{
    return value->type == FEATURE_DOUBLE ? value->d : (double)value->i;
}

static struct feature_value ratio_value(const struct feature_value *operands)
{
    const struct feature_value *a = &operands[0];
    const struct feature_value *b = &operands[1];
    struct feature_value value = {.type = FEATURE_DOUBLE};
    value.present = a->present && b->present && number_of(b) != 0;
    value.d = value.present ? number_of(a) / number_of(b) : 0;
    return value;
}

/* 1 + how many limits the value reaches; recency the other way round: a short time is a 5. */
static struct feature_value rfm_value(const struct feature_def *def,
                                      const struct feature_value *operands)
{
    struct feature_value value = {.type = FEATURE_INT, .present = true};
    for (uint32_t part = 0; part < 3; part++) {
        const struct feature_value *operand = &operands[part];
        int64_t reached = 0;
        for (uint32_t i = 0; i < 4; i++) {
            reached += operand->present && number_of(operand) >= (double)def->cuts[part][i];
        }
        int64_t digit = part > 0 ? 1 + reached : operand->present ? 5 - reached : 1;
        value.i = value.i * 10 + digit;
    }
    return value;
}

/* Operands are earlier features, so this comes to an end. */
static struct feature_value operands_value(const struct features_plan *plan, void *state,
                                           uint32_t index, const struct features_moment *moment)
{
    const struct feature_def *def = &plan->defs[index];
    struct feature_value operands[FEATURES_OPERANDS_MAX];
    for (uint32_t i = 0; i < values_operand_count(def->kind); i++) {
        operands[i] = features_value(plan, state, def->operands[i], moment);
    }
    return def->kind == FEATURE_RATIO ? ratio_value(operands) : rfm_value(def, operands);
}

static struct feature_value any_value(const struct features_plan *plan, void *state, uint32_t index,
                                      const struct features_moment *moment)
{
    const struct feature_def *def = &plan->defs[index];
    switch (def->kind) {
    case FEATURE_COUNT:
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_MIN:
    case FEATURE_MAX:
        return def->unit == FEATURE_EVENTS ? events_value(plan, state, index)
                                           : tile_value(plan, state, index, moment);
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
    case FEATURE_TREND:
    case FEATURE_DECAY:
        return day_value(plan, state, index, moment);
    case FEATURE_FIRST:
    case FEATURE_LAST:
    case FEATURE_TIME_SINCE:
    case FEATURE_DAYS_SINCE:
    case FEATURE_DAYS_SINCE_FIRST:
        return since_value(plan, state, index, moment);
    case FEATURE_DISTINCT:
        return def->unit == FEATURE_EVENTS ? events_value(plan, state, index)
                                           : distinct_value(plan, state, index, moment);
    case FEATURE_NTH:
    case FEATURE_TOP:
    case FEATURE_TOP_COUNT:
    case FEATURE_QUANTILE:
    case FEATURE_MAD:
    case FEATURE_SESSIONS:
        return events_value(plan, state, index);
    case FEATURE_SEQUENCE:
        return sequence_value(plan, state, index);
    case FEATURE_ABSENCE:
        return absence_value(plan, state, index, moment);
    case FEATURE_RATIO:
    case FEATURE_RFM:
        return operands_value(plan, state, index, moment);
    case FEATURE_KIND_COUNT:
        break;
    }
    return (struct feature_value){.present = false};
}

/* Most are totals that stand as they are until the day turns. */
struct feature_value features_value(const struct features_plan *plan, void *state, uint32_t index,
                                    const struct features_moment *moment)
{
    const struct reader *reader = &plan->readers[index];
    if (reader->quick.window != UINT32_MAX) {
        const struct window_state *window = state_at_const(state, reader->quick.window);
        int32_t end = moment_end(moment, PLAN_DAY_TILE_MS, reader->quick.anchor);
        if (LIKELY(window->end == end && end != TILE_NONE)) {
            return total_value(reader->quick.kind, reader->type,
                               window->totals[reader->quick.total[0]],
                               window->totals[reader->quick.total[1]]);
        }
    }
    return any_value(plan, state, index, moment);
}

void features_values(const struct features_plan *plan, void *state, const struct scope *scope,
                     struct feature_value *out)
{
    struct features_moment moment = features_moment(plan, state, scope);
    for (uint32_t i = 0; i < plan->count; i++) {
        out[i] = features_value(plan, state, i, &moment);
    }
}
