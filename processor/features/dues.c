/* SPDX-License-Identifier: Apache-2.0 */
/* What an event or the passing of time may change, so that the engine looks again at nothing else.
 *
 * An event moves the features that take events by a condition which held for it: a bit set per condition, made
 * with the plan. Time moves a feature at its due, which is kept beside the state until it has come or the
 * feature was touched. Both err on one side only: a feature that is named may be unchanged, one that is not
 * named is. */
#include "features/values.h"

enum { DAY_NONE = INT32_MAX };

/* Kept per customer; `daily_count` days, then `timed_count` moments. */
struct dues {
    int32_t least_day;
    int32_t start_day; /* the day whose start is start_ms; DAY_NONE: none */
    int64_t least_ms;
    int64_t start_ms;
};

static void set(uint64_t *bits, uint32_t index)
{
    bits[index / 64] |= UINT64_C(1) << index % 64;
}

static bool has(const uint64_t *bits, uint32_t index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

/* ---- the plan ---- */

static enum feature_drift window_drift(const struct feature_def *def)
{
    if (def->unit == FEATURE_MINUTES) {
        return FEATURE_DRIFTS;
    }
    return def->unit == FEATURE_DAYS && def->anchor == FEATURE_ANCHOR_NOW ? FEATURE_DRIFTS_DAILY
                                                                          : FEATURE_STEADY;
}

enum feature_drift features_drift(const struct features_plan *plan, uint32_t index)
{
    const struct feature_def *def = &plan->defs[index];
    enum feature_drift most = FEATURE_STEADY;
    switch ((int)def->kind) {
    case FEATURE_TIME_SINCE:
    case FEATURE_ABSENCE:
        return FEATURE_DRIFTS;
    case FEATURE_DAYS_SINCE:
    case FEATURE_DAYS_SINCE_FIRST:
        return def->anchor == FEATURE_ANCHOR_NOW ? FEATURE_DRIFTS_DAILY : FEATURE_STEADY;
    default:
        break;
    }
    if (features_kind(def->kind)->needs != FEATURE_NEEDS_OPERANDS) {
        return window_drift(def);
    }
    for (uint32_t i = 0; i < values_operand_count(def->kind); i++) {
        enum feature_drift drift = features_drift(plan, def->operands[i]);
        most = drift > most ? drift : most;
    }
    return most;
}

static bool is_since(const struct feature_def *def)
{
    return def->kind == FEATURE_TIME_SINCE || def->kind == FEATURE_DAYS_SINCE ||
           def->kind == FEATURE_DAYS_SINCE_FIRST;
}

bool features_dues_tell_values(const struct features_plan *plan, uint32_t index)
{
    const struct feature_def *def = &plan->defs[index];
    return features_dues_tell(plan, index) && !(is_since(def) && def->threshold_count > 0);
}

bool features_dues_tell(const struct features_plan *plan, uint32_t index)
{
    const struct feature_def *def = &plan->defs[index];
    if (features_drift(plan, index) == FEATURE_STEADY) {
        return true;
    }
    for (uint32_t i = 0; i < values_operand_count(def->kind); i++) {
        if (!features_dues_tell_values(plan, def->operands[i])) {
            return false;
        }
    }
    if (values_operand_count(def->kind) > 0) {
        return true;
    }
    bool moves_on = def->kind == FEATURE_TIME_SINCE && def->threshold_count == 0;
    return !moves_on && plan->dues.place[index] != UINT16_MAX;
}

/* Are its dues local midnights? */
static bool is_daily(const struct feature_def *def)
{
    if (def->kind == FEATURE_TIME_SINCE) {
        return def->threshold_count == 0;
    }
    return def->kind != FEATURE_ABSENCE && def->unit != FEATURE_MINUTES;
}

static bool moves_with_latest_day(const struct feature_def *def)
{
    return def->anchor == FEATURE_ANCHOR_CUSTOMER;
}

/* A feature's events all come by one or two conditions of its source. */
static void add_conditions(struct features_plan *plan, uint32_t index,
                           uint64_t (*by_predicate)[FEATURES_WORDS])
{
    const struct reader *reader = &plan->readers[index];
    for (uint32_t part = 0; part < 2; part++) {
        if (reader->cell[part] != UINT16_MAX) {
            set(by_predicate[plan->cells[reader->cell[part]].feed.predicate], index);
        }
        if (reader->samples[part] != UINT16_MAX) {
            set(by_predicate[plan->samples[reader->samples[part]].feed.predicate], index);
        }
    }
    if (reader->table != UINT16_MAX) {
        set(by_predicate[plan->tables[reader->table].feed.predicate], index);
    }
}

static enum status plan_touch(struct features_plan *plan, struct arena *arena)
{
    uint64_t(*by_predicate[SOURCE_COUNT])[FEATURES_WORDS];
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        by_predicate[s] =
            arena_take(arena, (plan->sources[s].predicate_count + 1) * sizeof(*by_predicate[s]));
        if (by_predicate[s] == NULL) {
            return STATUS_FULL;
        }
        plan->sources[s].by_predicate = (const uint64_t(*)[FEATURES_WORDS])by_predicate[s];
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct feature_def *def = &plan->defs[i];
        if (values_operand_count(def->kind) > 0) {
            set(plan->made, i);
            continue;
        }
        struct source_plan *source = &plan->sources[def->source];
        add_conditions(plan, i, by_predicate[def->source]);
        set(source->all, i);
        if (def->kind == FEATURE_FIRST || def->kind == FEATURE_DAYS_SINCE_FIRST) {
            set(source->firsts, i);
        }
        if (def->kind == FEATURE_SESSIONS) {
            set(source->sessions, i);
        }
        if (moves_with_latest_day(def)) {
            set(plan->anchored, i);
        }
    }
    return STATUS_OK;
}

enum status plan_dues(struct features_plan *plan, struct arena *arena)
{
    size_t count = plan->count + 1;
    uint16_t *place = arena_take(arena, count * sizeof(*place));
    uint16_t *daily = arena_take(arena, count * sizeof(*daily));
    uint16_t *timed = arena_take(arena, count * sizeof(*timed));
    if (place == NULL || daily == NULL || timed == NULL || plan_touch(plan, arena) != STATUS_OK) {
        return STATUS_FULL;
    }
    uint64_t kept[FEATURES_WORDS] = {0};
    for (uint32_t i = plan->count; i-- > 0;) { /* readers first: what they read is kept for them */
        const struct feature_def *def = &plan->defs[i];
        if (def->armed || def->publish) {
            set(kept, i);
        }
        for (uint32_t k = 0; has(kept, i) && k < values_operand_count(def->kind); k++) {
            set(kept, def->operands[k]);
        }
    }
    struct dues_plan dues = {.daily = daily, .timed = timed, .place = place};
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct feature_def *def = &plan->defs[i];
        place[i] = UINT16_MAX;
        if (!has(kept, i) || has(plan->made, i) || features_drift(plan, i) == FEATURE_STEADY) {
            continue;
        }
        set(dues.kept, i);
        if (is_daily(def)) {
            place[i] = (uint16_t)dues.daily_count;
            daily[dues.daily_count++] = (uint16_t)i;
        } else {
            place[i] = (uint16_t)dues.timed_count;
            timed[dues.timed_count++] = (uint16_t)i;
        }
    }
    plan->dues = dues;
    return STATUS_OK;
}

/* ---- a customer's dues ---- */

static size_t timed_offset(const struct features_plan *plan)
{
    return sizeof(struct dues) + (plan->dues.daily_count * sizeof(int32_t) + 7) / 8 * 8;
}

static int32_t *days_of(void *dues)
{
    return (int32_t *)((struct dues *)dues + 1);
}

static int64_t *times_of(const struct features_plan *plan, void *dues)
{
    return (int64_t *)((uint8_t *)dues + timed_offset(plan));
}

size_t features_dues_size(const struct features_plan *plan)
{
    return timed_offset(plan) + plan->dues.timed_count * sizeof(int64_t);
}

void features_dues_init(const struct features_plan *plan, void *dues)
{
    *(struct dues *)dues =
        (struct dues){.least_day = plan->dues.daily_count > 0 ? INT32_MIN : DAY_NONE,
                      .start_day = DAY_NONE,
                      .least_ms = plan->dues.timed_count > 0 ? INT64_MIN : INT64_MAX};
    for (uint32_t i = 0; i < plan->dues.daily_count; i++) {
        days_of(dues)[i] = INT32_MIN;
    }
    for (uint32_t i = 0; i < plan->dues.timed_count; i++) {
        times_of(plan, dues)[i] = INT64_MIN;
    }
}

void features_dues_reached(const struct features_plan *plan, const void *dues,
                           const struct features_moment *moment, uint64_t bits[FEATURES_WORDS])
{
    const struct dues *least = dues;
    if (least->least_day <= moment->today) {
        const int32_t *days = (const int32_t *)(least + 1);
        for (uint32_t i = 0; i < plan->dues.daily_count; i++) {
            if (days[i] <= moment->today) {
                set(bits, plan->dues.daily[i]);
            }
        }
    }
    if (least->least_ms <= moment->now_ms) {
        const int64_t *times = (const int64_t *)((const uint8_t *)dues + timed_offset(plan));
        for (uint32_t i = 0; i < plan->dues.timed_count; i++) {
            if (times[i] <= moment->now_ms) {
                set(bits, plan->dues.timed[i]);
            }
        }
    }
}

void features_add_readers(const struct features_plan *plan, uint64_t bits[FEATURES_WORDS])
{
    for (uint32_t word = 0; word * 64 < plan->count; word++) {
        for (uint64_t rest = plan->made[word]; rest != 0; rest &= rest - 1) {
            uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(rest);
            const struct feature_def *def = &plan->defs[index];
            for (uint32_t i = 0; i < values_operand_count(def->kind); i++) {
                if (has(bits, def->operands[i])) {
                    set(bits, index);
                }
            }
        }
    }
}

/* The first day that holds something leaves its window a number of days later. An event of a later day, which takes
 * nothing back, moves neither that day nor what it holds. */
static bool stays_due(const struct features_plan *plan, const void *state, const void *dues,
                      uint32_t index, const struct features_moment *moment,
                      const struct features_outcome *added)
{
    const struct feature_def *def = &plan->defs[index];
    switch ((int)def->kind) {
    case FEATURE_COUNT:
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_MIN:
    case FEATURE_MAX:
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_LONGEST_STREAK:
        break;
    default:
        return false;
    }
    if (def->unit != FEATURE_DAYS) {
        return false;
    }
    int64_t due = ((const int32_t *)((const struct dues *)dues + 1))[plan->dues.place[index]];
    if (due <= moment->today || due == DAY_NONE) {
        return false;
    }
    const struct group *group = &plan->groups[plan->cells[plan->readers[index].cell[0]].group];
    const struct ring *ring = state_at_const(state, group->offset);
    bool ahead = ring->head > moment->today; /* a day that is yet to enter is due too */
    return !ahead && due - def->length < added->day;
}

/* Of a feature whose due is kept. True: it was the least, and others may be less now. */
static bool reckon(const struct features_plan *plan, const void *state, struct dues *dues,
                   uint32_t index, const struct features_moment *moment)
{
    struct due due = {INT64_MAX, INT64_MAX};
    uint16_t place = plan->dues.place[index];
    due_feature(plan, state, index, moment, &due);
    if (is_daily(&plan->defs[index])) {
        INVARIANT(due.at_ms == INT64_MAX);
        int32_t *at = &days_of(dues)[place], was = *at;
        *at = due.day > PLAN_TILE_MAX ? DAY_NONE : (int32_t)due.day;
        dues->least_day = *at < dues->least_day ? *at : dues->least_day;
        return was == dues->least_day && *at > was;
    }
    INVARIANT(due.day == INT64_MAX);
    int64_t *at = &times_of(plan, dues)[place], was = *at;
    *at = due.at_ms;
    dues->least_ms = *at < dues->least_ms ? *at : dues->least_ms;
    return was == dues->least_ms && *at > was;
}

static void find_least(const struct features_plan *plan, struct dues *dues)
{
    const int32_t *days = days_of(dues);
    int32_t day = DAY_NONE;
    for (uint32_t i = 0; i < plan->dues.daily_count; i++) {
        day = days[i] < day ? days[i] : day;
    }
    const int64_t *times = times_of(plan, dues);
    int64_t at_ms = INT64_MAX;
    for (uint32_t i = 0; i < plan->dues.timed_count; i++) {
        at_ms = times[i] < at_ms ? times[i] : at_ms;
    }
    dues->least_day = day;
    dues->least_ms = at_ms;
}

/* The least as a moment. When its day starts is known as long as it is that day: another zone forgets all dues. */
static int64_t least_moment(struct dues *dues, const struct features_moment *moment)
{
    struct due due = {INT64_MAX, dues->least_ms};
    if (dues->least_day != DAY_NONE) {
        if (dues->start_day != dues->least_day) {
            dues->start_day = dues->least_day;
            dues->start_ms = zones_day_start_ms(moment->zones, moment->zone, dues->least_day);
        }
        due.at_ms = dues->start_ms < due.at_ms ? dues->start_ms : due.at_ms;
    }
    return due_settle(&due, moment);
}

int64_t features_dues_settle(const struct features_plan *plan, const void *state, void *dues,
                             const struct features_moment *moment,
                             const uint64_t bits[FEATURES_WORDS],
                             const struct features_outcome *added)
{
    bool rose = false;
    for (uint32_t word = 0; word * 64 < plan->count; word++) {
        for (uint64_t rest = bits[word] & plan->dues.kept[word]; rest != 0; rest &= rest - 1) {
            uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(rest);
            if (added == NULL || !added->only_added ||
                !stays_due(plan, state, dues, index, moment, added)) {
                rose |= reckon(plan, state, dues, index, moment);
            }
        }
    }
    if (rose) {
        find_least(plan, dues);
    }
    return least_moment(dues, moment);
}
