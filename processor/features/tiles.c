/* SPDX-License-Identifier: Apache-2.0 */
#include "features/tiles.h"

#include "features/remembered.h"

/* Of totals, which cannot overflow: PLAN_TILE_SUM_MAX. The way round them, by what an event gave, may. */
static inline int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* What a tile's sum becomes. One that came to its end stays there: it no longer says what was added, so nothing can
 * be taken back from it. */
static inline int64_t sum_after(const struct cell *cell, int64_t sum, int64_t given, int32_t sign)
{
    int64_t end = plan_sum_max(cell);
    int64_t after;
    if (UNLIKELY(sum >= end || sum <= -end)) {
        return sum;
    }
    bool over = sign > 0 ? __builtin_add_overflow(sum, given, &after)
                         : __builtin_sub_overflow(sum, given, &after);
    if (UNLIKELY(over)) {
        return (given > 0) == (sign > 0) ? end : -end;
    }
    return after > end ? end : after < -end ? -end : after;
}

static inline bool is_better(const struct cell *cell, int64_t value, int64_t than)
{
    return cell->operation == CELL_MIN ? value < than : value > than;
}

static inline uint32_t slot_of(const struct group *group, int32_t tile)
{
    int32_t slot = tile % (int32_t)group->tile_count;
    return (uint32_t)(slot < 0 ? slot + (int32_t)group->tile_count : slot);
}

/* ---- rows ---- */

/* A byte or two per slot: 1 + the place of its row among those in use, 0 when it has none. The rows in use stand at
 * the front, in no order, so that a customer with few of them fills few lines of the cache. */
static inline uint32_t place_get(const struct group *group, const void *state, uint32_t slot)
{
    const uint8_t *places = state_at_const(state, group->places_offset);
    if (LIKELY(group->tile_count <= PLAN_PLACES_NARROW_MAX)) {
        return places[slot];
    }
    uint16_t place;
    memcpy(&place, places + slot * sizeof(place), sizeof(place));
    return place;
}

static inline void place_set(const struct group *group, void *state, uint32_t slot, uint32_t place)
{
    uint8_t *places = state_at(state, group->places_offset);
    if (LIKELY(group->tile_count <= PLAN_PLACES_NARROW_MAX)) {
        places[slot] = (uint8_t)place;
        return;
    }
    uint16_t wide = (uint16_t)place;
    memcpy(places + slot * sizeof(wide), &wide, sizeof(wide));
}

static inline int64_t *row_in(const struct group *group, void *state, uint32_t place)
{
    return (int64_t *)state_at(state, group->rows_offset) + (size_t)(place - 1) * group->cell_count;
}

/* Of a slot that has one. */
static inline int64_t *row_at(const struct group *group, void *state, uint32_t slot)
{
    return row_in(group, state, place_get(group, state, slot));
}

static const int64_t *row_const(const struct group *group, const void *state, uint32_t slot)
{
    return (const int64_t *)state_at_const(state, group->rows_offset) +
           (size_t)(place_get(group, state, slot) - 1) * group->cell_count;
}

static uint32_t slot_with(const struct group *group, const void *state, uint32_t place)
{
    uint32_t slot = 0;
    if (group->tile_count <= PLAN_PLACES_NARROW_MAX) {
        const uint8_t *places = state_at_const(state, group->places_offset);
        const uint8_t *found = memchr(places, (int)place, group->tile_count);
        INVARIANT(found != NULL);
        return (uint32_t)(found - places);
    }
    while (place_get(group, state, slot) != place) {
        slot++;
    }
    return slot;
}

/* The last row takes the place of the one that goes. */
static void drop_row(const struct group *group, void *state, uint32_t slot)
{
    uint64_t *touched = state_at(state, group->touched_offset);
    if ((touched[slot / 64] >> slot % 64 & 1) == 0) {
        return;
    }
    struct ring *ring = state_at(state, group->offset);
    uint32_t place = place_get(group, state, slot);
    uint32_t last = ring->rows--;
    if (place != last) {
        place_set(group, state, slot_with(group, state, last), place);
        memcpy(row_in(group, state, place), row_in(group, state, last),
               group->cell_count * sizeof(int64_t));
    }
    place_set(group, state, slot, 0);
    touched[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

static void drop_rows(const struct group *group, void *state)
{
    size_t place_size = group->tile_count <= PLAN_PLACES_NARROW_MAX ? 1 : sizeof(uint16_t);
    memset(state_at(state, group->places_offset), 0, group->tile_count * place_size);
    memset(state_at(state, group->touched_offset), 0,
           (group->tile_count + 63U) / 64 * sizeof(uint64_t));
    ((struct ring *)state_at(state, group->offset))->rows = 0;
}

int64_t *tiles_take(const struct group *group, void *state, int32_t tile)
{
    uint64_t *touched = state_at(state, group->touched_offset);
    uint32_t slot = slot_of(group, tile);
    if ((touched[slot / 64] >> slot % 64 & 1) != 0) {
        return row_at(group, state, slot);
    }
    struct ring *ring = state_at(state, group->offset);
    uint32_t place = ++ring->rows;
    int64_t *row = row_in(group, state, place);
    place_set(group, state, slot, place);
    touched[slot / 64] |= UINT64_C(1) << slot % 64;
    memcpy(row, group->empty_row, group->cell_count * sizeof(int64_t));
    return row;
}

void tiles_init(const struct features_plan *plan, void *state)
{
    for (uint32_t g = 0; g < plan->group_count; g++) {
        ((struct ring *)state_at(state, plan->groups[g].offset))->head = TILE_NONE;
    }
    for (uint32_t w = 0; w < plan->window_count; w++) {
        ((struct window_state *)state_at(state, plan->windows[w].offset))->end = TILE_NONE;
    }
}

static inline bool in_ring(const struct group *group, int32_t head, int32_t tile)
{
    return head != TILE_NONE && tile <= head && (int64_t)head - tile < group->tile_count;
}

const int64_t *tiles_row(const struct group *group, const void *state, int32_t tile)
{
    const struct ring *ring = state_at_const(state, group->offset);
    if (!in_ring(group, ring->head, tile)) {
        return NULL;
    }
    uint32_t slot = slot_of(group, tile);
    const uint64_t *touched = state_at_const(state, group->touched_offset);
    if ((touched[slot / 64] >> slot % 64 & 1) == 0) {
        return NULL;
    }
    return row_const(group, state, slot);
}

int64_t tiles_next(const struct group *group, const void *state, int64_t from, int64_t to)
{
    const struct ring *ring = state_at_const(state, group->offset);
    const uint64_t *touched = state_at_const(state, group->touched_offset);
    if (ring->head == TILE_NONE) {
        return to + 1;
    }
    int64_t oldest = (int64_t)ring->head - group->tile_count + 1;
    int64_t at = from > oldest ? from : oldest;
    int64_t last = to < ring->head ? to : ring->head;
    if (at > last) {
        return to + 1;
    }
    uint32_t slot = slot_of(group, (int32_t)at);
    while (at <= last) {
        uint64_t rest = touched[slot / 64] >> slot % 64;
        if ((rest & 1) != 0) {
            return at;
        }
        /* To the next touched slot of this word, the word's end, or the ring's end. */
        uint32_t step = rest != 0 ? (uint32_t)__builtin_ctzll(rest) : 64 - slot % 64;
        step = step < group->tile_count - slot ? step : group->tile_count - slot;
        at += step;
        slot += step;
        slot = slot == group->tile_count ? 0 : slot;
    }
    return to + 1;
}

int64_t tiles_first(const struct group *group, const void *state, uint32_t cell, int64_t from,
                    int64_t to)
{
    const struct ring *ring = state_at_const(state, group->offset);
    const uint64_t *touched = state_at_const(state, group->touched_offset);
    int64_t oldest = (int64_t)ring->head - group->tile_count + 1;
    int64_t at = from > oldest ? from : oldest;
    int64_t last = to < ring->head ? to : ring->head;
    if (ring->head == TILE_NONE || at > last) {
        return to + 1;
    }
    uint32_t slot = slot_of(group, (int32_t)at);
    while (at <= last) { /* up to the end of a word or of the ring, by the touched ones */
        uint32_t span = 64 - slot % 64;
        span = span < group->tile_count - slot ? span : group->tile_count - slot;
        uint64_t rest = touched[slot / 64] >> slot % 64;
        for (; rest != 0; rest &= rest - 1) {
            uint32_t step = (uint32_t)__builtin_ctzll(rest);
            if (step >= span || at + step > last) {
                break;
            }
            if (row_const(group, state, slot + step)[cell] != group->empty_row[cell]) {
                return at + step;
            }
        }
        at += span;
        slot = slot + span == group->tile_count ? 0 : slot + span;
    }
    return to + 1;
}

uint32_t tiles_positive(const struct group *group, const void *state, uint32_t cell, int64_t from,
                        int64_t to)
{
    const struct ring *ring = state_at_const(state, group->offset);
    const uint64_t *touched = state_at_const(state, group->touched_offset);
    int64_t oldest = (int64_t)ring->head - group->tile_count + 1;
    int64_t left = (to < ring->head ? to : ring->head) - (from > oldest ? from : oldest) + 1;
    uint32_t count = 0;
    if (ring->head == TILE_NONE || left <= 0) {
        return 0;
    }
    uint32_t slot = slot_of(group, (int32_t)(from > oldest ? from : oldest));
    while (left > 0) { /* up to the end of a word or of the ring, by the touched ones */
        uint32_t span = 64 - slot % 64;
        span = span < group->tile_count - slot ? span : group->tile_count - slot;
        span = span < left ? span : (uint32_t)left;
        uint64_t rest = touched[slot / 64] >> slot % 64;
        rest = span < 64 ? rest & ((UINT64_C(1) << span) - 1) : rest;
        for (; rest != 0; rest &= rest - 1) {
            uint32_t at = slot + (uint32_t)__builtin_ctzll(rest);
            count += row_const(group, state, at)[cell] > 0;
        }
        left -= span;
        slot = slot + span == group->tile_count ? 0 : slot + span;
    }
    return count;
}

/* ---- windows ---- */

static inline void merge(const struct cell *cell, int64_t *total, int64_t value)
{
    switch ((enum cell_operation)cell->operation) {
    case CELL_COUNT:
    case CELL_SUM:
        *total = plus(*total, value);
        break;
    case CELL_MIN:
        *total = value < *total ? value : *total;
        break;
    case CELL_MAX:
        *total = value > *total ? value : *total;
        break;
    }
}

static void merge_row(const struct features_plan *plan, const struct window *window,
                      struct window_state *totals, const int64_t *row)
{
    for (uint32_t t = 0; t < window->total_count; t++) {
        const struct cell *cell = &plan->cells[window->cells[t]];
        merge(cell, &totals->totals[t], row[cell->index]);
    }
}

static void recount(const struct features_plan *plan, void *state, const struct window *window,
                    struct window_state *totals, int32_t end)
{
    const struct group *group = &plan->groups[window->group];
    for (uint32_t t = 0; t < window->total_count; t++) {
        totals->totals[t] = group->empty_row[plan->cells[window->cells[t]].index];
    }
    int64_t first = (int64_t)end - window->length + 1;
    for (int64_t tile = tiles_next(group, state, first, end); tile <= end;
         tile = tiles_next(group, state, tile + 1, end)) {
        merge_row(plan, window, totals, row_at(group, state, slot_of(group, (int32_t)tile)));
    }
    totals->end = end;
}

/* Without this row. True: a smallest or largest went with it, which is as of no tile now. */
static bool take_row(const struct features_plan *plan, const struct window *window,
                     struct window_state *totals, const int64_t *row)
{
    const int64_t *empty_row = plan->groups[window->group].empty_row;
    bool lost = false;
    for (uint32_t t = 0; t < window->total_count; t++) {
        const struct cell *cell = &plan->cells[window->cells[t]];
        int64_t value = row[cell->index], empty = empty_row[cell->index];
        if (cell->operation <= CELL_SUM) {
            totals->totals[t] = minus(totals->totals[t], value);
        } else if (value != empty && value == totals->totals[t]) {
            totals->totals[t] = empty;
            lost = true;
        }
    }
    return lost;
}

/* The extremes that are as of no tile, over the tiles that are left; one that has none comes out the same. */
static void find_extremes(const struct features_plan *plan, const void *state,
                          const struct window *window, struct window_state *totals, int64_t first,
                          int64_t last)
{
    const struct group *group = &plan->groups[window->group];
    for (uint32_t t = 0; t < window->total_count; t++) {
        const struct cell *cell = &plan->cells[window->cells[t]];
        if (cell->operation <= CELL_SUM || totals->totals[t] != group->empty_row[cell->index]) {
            continue;
        }
        for (int64_t tile = tiles_next(group, state, first, last); tile <= last;
             tile = tiles_next(group, state, tile + 1, last)) {
            merge(cell, &totals->totals[t], tiles_row(group, state, (int32_t)tile)[cell->index]);
        }
    }
}

const int64_t *tiles_move_window(const struct features_plan *plan, void *state, uint32_t number,
                                 int32_t end)
{
    const struct window *window = &plan->windows[number];
    struct window_state *totals = state_at(state, window->offset);
    if (LIKELY(totals->end == end)) {
        return totals->totals;
    }
    const struct group *group = &plan->groups[window->group];
    int64_t was = totals->end;
    if (was == TILE_NONE || end < was || end - was >= window->length) {
        recount(plan, state, window, totals, end);
        return totals->totals;
    }
    bool lost = false;
    int64_t gone = end - (int64_t)window->length;
    for (int64_t tile = tiles_next(group, state, was - window->length + 1, gone); tile <= gone;
         tile = tiles_next(group, state, tile + 1, gone)) {
        lost |= take_row(plan, window, totals, row_at(group, state, slot_of(group, (int32_t)tile)));
    }
    if (lost) {
        find_extremes(plan, state, window, totals, gone + 1, was);
    }
    for (int64_t tile = tiles_next(group, state, was + 1, end); tile <= end;
         tile = tiles_next(group, state, tile + 1, end)) {
        merge_row(plan, window, totals, row_at(group, state, slot_of(group, (int32_t)tile)));
    }
    totals->end = end;
    return totals->totals;
}

/* ---- events ---- */

/* Rows that are about to be emptied may still stand in a window's totals: move such a window past them, to where it
 * is asked next. */
static void move_head(const struct features_plan *plan, void *state, const struct group *group,
                      int32_t tile)
{
    struct ring *ring = state_at(state, group->offset);
    if (ring->head != TILE_NONE && group->unit != FEATURE_ALL) {
        for (uint32_t i = 0; i < group->window_count; i++) {
            const struct window *window = &plan->windows[group->windows[i]];
            struct window_state *totals = state_at(state, window->offset);
            int64_t least = (int64_t)tile - group->tile_count + window->length;
            if (totals->end != TILE_NONE && totals->end < least) {
                (void)tiles_move_window(plan, state, group->windows[i], tile);
            }
        }
        int64_t steps = (int64_t)tile - ring->head;
        if (steps >= group->tile_count) {
            drop_rows(group, state);
        }
        uint32_t slot = slot_of(group, tile);
        for (; steps > 0 && ring->rows > 0; steps--) {
            drop_row(group, state, slot);
            slot = slot == 0 ? group->tile_count - 1U : slot - 1;
        }
    }
    ring->head = tile;
}

bool tiles_reach(const struct features_plan *plan, void *state, uint32_t number, int32_t tile)
{
    const struct group *group = &plan->groups[number];
    const struct ring *ring = state_at(state, group->offset);
    if (ring->head == TILE_NONE || tile > ring->head) {
        move_head(plan, state, group, tile);
        return true;
    }
    return in_ring(group, ring->head, tile);
}

static void forget_windows(const struct features_plan *plan, void *state, const struct cell *cell)
{
    for (uint32_t i = 0; i < cell->link_count; i++) {
        ((struct window_state *)state_at(state, plan->windows[cell->links[i].window].offset))->end =
            TILE_NONE;
    }
}

/* The smallest or largest of a tile is that of its forgotten events or of the remembered ones. */
static void take_extreme(const struct features_plan *plan, void *state, const struct cell *cell,
                         const struct facts *facts, int64_t *row)
{
    if (cell->forgotten != UINT16_MAX && row[cell->index] == feed_value(&cell->feed, facts)) {
        row[cell->index] = row[plan->cells[cell->forgotten].index];
        remembered_extreme(plan, state, cell, facts, &row[cell->index]);
        forget_windows(plan, state, cell);
    }
}

void tiles_forget(const struct features_plan *plan, void *state, const struct source_plan *source,
                  const struct facts *facts)
{
    struct fed_walk walk = fed_walk(source, &source->extremes, facts);
    for (const uint16_t *part = fed_next(&walk); part != NULL; part = fed_next(&walk)) {
        const struct cell *cell = &plan->cells[*part];
        const struct group *group = &plan->groups[cell->group];
        int32_t tile =
            cell->unit == FEATURE_ALL ? 0 : tile_of(cell->tile_ms, facts->time_ms, facts->day);
        if (feed_admits(&cell->feed, facts) && tiles_row(group, state, tile) != NULL) {
            int64_t value = feed_value(&cell->feed, facts);
            int64_t *kept =
                row_at(group, state, slot_of(group, tile)) + plan->cells[cell->forgotten].index;
            *kept = is_better(cell, value, *kept) ? value : *kept;
        }
    }
}

void tiles_forget_cell(const struct features_plan *plan, void *state, const struct cell *cell)
{
    const struct group *group = &plan->groups[cell->group];
    int64_t last = ((const struct ring *)state_at(state, group->offset))->head;
    int64_t first = last - group->tile_count + 1;
    for (int64_t tile = tiles_next(group, state, first, last); tile <= last;
         tile = tiles_next(group, state, tile + 1, last)) {
        int64_t *row = row_at(group, state, slot_of(group, (int32_t)tile));
        row[plan->cells[cell->forgotten].index] = row[cell->index];
    }
}

static inline void update_windows(const struct features_plan *plan, void *state,
                                  const struct cell *cell, int32_t tile, int64_t value)
{
    for (uint32_t i = 0; i < cell->link_count; i++) {
        const struct window *window = &plan->windows[cell->links[i].window];
        struct window_state *totals = state_at(state, window->offset);
        if ((uint32_t)totals->end - (uint32_t)tile >= window->length) {
            continue; /* outside, or not counted yet */
        }
        int64_t *total = &totals->totals[cell->links[i].total];
        if (cell->operation <= CELL_SUM) {
            *total = plus(*total, value);
        } else if (is_better(cell, value, *total)) {
            *total = value;
        }
    }
}

static void apply_cell(const struct features_plan *plan, void *state, const struct cell *cell,
                       const struct facts *facts, int64_t *row, int32_t tile, int32_t sign)
{
    int64_t *value = &row[cell->index];
    int64_t given = cell->operation == CELL_COUNT ? 1 : feed_value(&cell->feed, facts);
    switch ((enum cell_operation)cell->operation) {
    case CELL_COUNT:
    case CELL_SUM: {
        int64_t was = *value;
        *value = sum_after(cell, was, given, sign);
        update_windows(plan, state, cell, tile, minus(*value, was));
        break;
    }
    case CELL_MIN:
    case CELL_MAX:
        if (sign < 0) {
            take_extreme(plan, state, cell, facts, row);
        } else if (is_better(cell, given, *value)) {
            *value = given;
            update_windows(plan, state, cell, tile, given);
        }
        break;
    }
}

void tiles_apply(const struct features_plan *plan, void *state, const struct source_plan *source,
                 const struct facts *facts, int32_t sign, bool additive_only)
{
    int64_t *rows[PLAN_GROUPS_MAX];
    int32_t tiles[PLAN_GROUPS_MAX];
    uint32_t reached = 0; /* a bit per group whose ring has the event's tile */
    for (uint32_t rest = source->groups; rest != 0; rest &= rest - 1) {
        uint32_t g = (uint32_t)__builtin_ctz(rest);
        const struct group *group = &plan->groups[g];
        tiles[g] =
            group->unit == FEATURE_ALL ? 0 : tile_of(group->tile_ms, facts->time_ms, facts->day);
        rows[g] = NULL;
        const struct ring *ring = state_at(state, group->offset);
        bool there = ring->head == tiles[g] || tiles_reach(plan, state, g, tiles[g]);
        reached |= (uint32_t)there << g;
    }
    struct fed_walk walk = fed_walk(source, &source->cells, facts);
    for (const uint16_t *part = fed_next(&walk); part != NULL; part = fed_next(&walk)) {
        const struct cell *cell = &plan->cells[*part];
        uint32_t g = cell->group;
        if ((reached >> g & 1) == 0 || !feed_admits(&cell->feed, facts) ||
            (additive_only && cell->operation > CELL_SUM)) {
            continue;
        }
        if (rows[g] == NULL) {
            rows[g] = tiles_take(&plan->groups[g], state, tiles[g]);
        }
        apply_cell(plan, state, cell, facts, rows[g], tiles[g], sign);
    }
}
