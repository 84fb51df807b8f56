/* SPDX-License-Identifier: Apache-2.0 */
#include "features/plan.h"

#include "features/known.h"
#include "features/pack.h"
#include "features/samples.h"
#include "features/table.h"

/* The second half of a plan: cells into groups, windows over them, lists per source, offsets and sizes. */
struct layout {
    struct features_plan *plan;
    struct arena *arena;
    struct cell *cells;
    struct group *groups;
    struct window *windows;
    uint32_t offset;
    bool full;
};

enum {
    ROWS_OFTEN = 8, /* so many rows of a ring most customers have */
};

static void *take(struct layout *layout, size_t count, size_t size)
{
    void *block = arena_take(layout->arena, count * size + 1);
    layout->full = layout->full || block == NULL;
    return block;
}

/* Events may be dated PLAN_AHEAD_MS ahead of the moment at which windows are read: so many rows more than the
 * longest window, and a tile ahead does not cost one that is still inside. */
static uint16_t ring_tiles(const struct cell *cell)
{
    if (cell->unit == FEATURE_ALL) {
        return 1;
    }
    uint32_t ahead =
        cell->tile_ms == PLAN_DAY_TILE_MS ? 1 : 1 + (PLAN_AHEAD_MS - 1) / cell->tile_ms;
    INVARIANT(cell->length + ahead <= PLAN_TILES_MAX);
    return (uint16_t)(cell->length + ahead);
}

static void group_cells(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t i = 0; i < plan->cell_count; i++) {
        struct cell *cell = &layout->cells[i];
        uint32_t g = 0;
        while (g < plan->group_count && (layout->groups[g].unit != cell->unit ||
                                         layout->groups[g].tile_ms != cell->tile_ms ||
                                         layout->groups[g].tile_count != ring_tiles(cell))) {
            g++;
        }
        if (g == PLAN_GROUPS_MAX) {
            layout->full = true;
            return;
        }
        if (g == plan->group_count) {
            plan->group_count++;
            layout->groups[g] = (struct group){
                .unit = cell->unit, .tile_count = ring_tiles(cell), .tile_ms = cell->tile_ms};
        }
        cell->group = (uint8_t)g;
        cell->index = layout->groups[g].cell_count++;
    }
}

static int64_t empty_value(const struct cell *cell)
{
    switch ((enum cell_operation)cell->operation) {
    case CELL_MIN:
        return INT64_MAX;
    case CELL_MAX:
        return INT64_MIN;
    case CELL_COUNT:
    case CELL_SUM:
        break;
    }
    return 0;
}

static void fill_groups(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t g = 0; g < plan->group_count && !layout->full; g++) {
        struct group *group = &layout->groups[g];
        uint16_t *cells = take(layout, group->cell_count, sizeof(uint16_t));
        int64_t *empty = take(layout, group->cell_count, sizeof(int64_t));
        for (uint32_t i = 0; i < plan->cell_count && !layout->full; i++) {
            if (layout->cells[i].group == g) {
                cells[layout->cells[i].index] = (uint16_t)i;
                empty[layout->cells[i].index] = empty_value(&layout->cells[i]);
            }
        }
        group->cells = cells;
        group->empty_row = empty;
    }
}

static void name_groups(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t g = 0; g < plan->group_count && !layout->full; g++) {
        struct group *group = &layout->groups[g];
        size_t size = 2 + BYTES_VARINT_MAX + group->cell_count * sizeof(uint32_t);
        struct bytes_writer head = bytes_writer(take(layout, size, 1), size);
        if (layout->full) {
            return;
        }
        bytes_put_u8(&head, PART_GROUP);
        bytes_put_u8(&head, group->unit);
        bytes_put_varuint(&head, group->cell_count);
        for (uint32_t i = 0; i < group->cell_count; i++) {
            bytes_put_u32(&head, plan->cells[group->cells[i]].name);
        }
        group->packed_head = slice_of(head.data, head.size);
    }
}

static bool has_window(const struct feature_def *def)
{
    switch (def->kind) {
    case FEATURE_COUNT:
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_MIN:
    case FEATURE_MAX:
        return def->unit == FEATURE_DAYS || def->unit == FEATURE_MINUTES;
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
    case FEATURE_TREND:
    case FEATURE_DECAY:
    case FEATURE_FIRST:
    case FEATURE_LAST:
    case FEATURE_NTH:
    case FEATURE_TIME_SINCE:
    case FEATURE_DAYS_SINCE:
    case FEATURE_DAYS_SINCE_FIRST:
    case FEATURE_DISTINCT:
    case FEATURE_TOP:
    case FEATURE_TOP_COUNT:
    case FEATURE_QUANTILE:
    case FEATURE_MAD:
    case FEATURE_SESSIONS:
    case FEATURE_SEQUENCE:
    case FEATURE_ABSENCE:
    case FEATURE_RATIO:
    case FEATURE_RFM:
    case FEATURE_KIND_COUNT:
        break;
    }
    return false;
}

static uint16_t window_total(struct window *window, uint16_t cell)
{
    uint16_t t = 0;
    while (t < window->total_count && window->cells[t] != cell) {
        t++;
    }
    if (t == window->total_count) {
        window->cells[window->total_count++] = cell;
    }
    return t;
}

static void add_window(struct layout *layout, uint32_t feature, struct reader *reader)
{
    struct features_plan *plan = layout->plan;
    const struct feature_def *def = &plan->defs[feature];
    const struct cell *cell = &layout->cells[reader->cell[0]];
    uint32_t minutes = cell->tile_ms / (uint32_t)MS_PER_MINUTE;
    uint32_t length =
        def->unit == FEATURE_DAYS ? def->length : (def->length + minutes - 1) / minutes;
    for (uint32_t part = 0; part < 2 && reader->cell[part] != UINT16_MAX; part++) {
        const struct cell *own = &layout->cells[reader->cell[part]];
        uint32_t w = 0;
        while (w < plan->window_count &&
               (layout->windows[w].group != own->group || layout->windows[w].length != length ||
                layout->windows[w].anchor != (uint8_t)def->anchor)) {
            w++;
        }
        struct window *window = &layout->windows[w];
        if (w == plan->window_count) {
            struct group *group = &layout->groups[own->group];
            *window = (struct window){.group = own->group,
                                      .anchor = (uint8_t)def->anchor,
                                      .length = (uint16_t)length,
                                      .cells = take(layout, group->cell_count, sizeof(uint16_t))};
            if (layout->full) {
                return;
            }
            plan->window_count++;
            group->window_count++;
        }
        reader->window[part] = (uint16_t)w;
        reader->total[part] = window_total(window, reader->cell[part]);
    }
}

static void add_windows(struct layout *layout, struct reader *readers)
{
    for (uint32_t i = 0; i < layout->plan->count && !layout->full; i++) {
        if (has_window(&layout->plan->defs[i])) {
            add_window(layout, i, &readers[i]);
        }
    }
}

static void link_windows(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t i = 0; i < plan->cell_count && !layout->full; i++) {
        struct cell *cell = &layout->cells[i];
        struct link *links = take(layout, plan->window_count, sizeof(struct link));
        for (uint32_t w = 0; w < plan->window_count && !layout->full; w++) {
            for (uint16_t t = 0; t < layout->windows[w].total_count; t++) {
                if (layout->windows[w].cells[t] == i) {
                    links[cell->link_count++] = (struct link){(uint16_t)w, t};
                }
            }
        }
        cell->links = links;
    }
    for (uint32_t g = 0; g < plan->group_count && !layout->full; g++) {
        struct group *group = &layout->groups[g];
        uint16_t *windows = take(layout, group->window_count, sizeof(uint16_t));
        uint32_t count = 0;
        for (uint32_t w = 0; w < plan->window_count && !layout->full; w++) {
            if (layout->windows[w].group == g) {
                windows[count++] = (uint16_t)w;
            }
        }
        group->windows = windows;
    }
}

/* By condition, else in the order of the parts. */
static struct fed fed_by(struct layout *layout, const struct source_plan *source, uint32_t count,
                         const struct feed *(*feed_of)(const struct features_plan *, uint32_t),
                         uint32_t number)
{
    uint16_t *parts = take(layout, count, sizeof(uint16_t));
    uint16_t *ends = take(layout, source->predicate_count + 1, sizeof(uint16_t));
    uint16_t at = 0;
    for (uint32_t p = 0; p < source->predicate_count && !layout->full; p++) {
        for (uint32_t i = 0; i < count; i++) {
            const struct feed *feed = feed_of(layout->plan, i);
            if (feed != NULL && feed->source == number && feed->predicate == p) {
                parts[at++] = (uint16_t)i;
            }
        }
        ends[p] = at;
    }
    return (struct fed){parts, ends};
}

/* NULL: events do not reach it. */
static const struct feed *cell_feed(const struct features_plan *plan, uint32_t index)
{
    return plan->cells[index].is_forgotten ? NULL : &plan->cells[index].feed;
}

static const struct feed *extreme_feed(const struct features_plan *plan, uint32_t index)
{
    return plan->cells[index].forgotten == UINT16_MAX ? NULL : cell_feed(plan, index);
}

static const struct feed *samples_feed(const struct features_plan *plan, uint32_t index)
{
    return &plan->samples[index].feed;
}

static void list_by_source(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct source_plan *source = &plan->sources[s];
        source->cells = fed_by(layout, source, plan->cell_count, cell_feed, s);
        source->samples = fed_by(layout, source, plan->samples_count, samples_feed, s);
        source->extremes = fed_by(layout, source, plan->cell_count, extreme_feed, s);
        uint16_t *tables = take(layout, plan->table_count, sizeof(uint16_t));
        if (layout->full) {
            return;
        }
        for (uint32_t i = 0; i < plan->cell_count; i++) {
            if (plan->cells[i].feed.source == s && !plan->cells[i].is_forgotten) {
                source->groups |= UINT32_C(1) << plan->cells[i].group;
                if (plan->cells[i].forgotten != UINT16_MAX) {
                    source->extreme_count++;
                }
            }
        }
        for (uint32_t i = 0; i < plan->table_count; i++) {
            if (plan->tables[i].feed.source == s) {
                tables[source->table_count++] = (uint16_t)i;
            }
        }
        source->tables = tables;
    }
}

static uint32_t claim(struct layout *layout, size_t size)
{
    uint32_t at = layout->offset;
    layout->offset += (uint32_t)((size + 7) / 8 * 8);
    return at;
}

static void place_tiles(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t g = 0; g < plan->group_count; g++) {
        struct group *group = &layout->groups[g];
        size_t place_size = group->tile_count <= PLAN_PLACES_NARROW_MAX ? 1 : sizeof(uint16_t);
        group->offset = claim(layout, sizeof(struct ring));
        group->touched_offset = claim(layout, (group->tile_count + 63U) / 64 * sizeof(uint64_t));
        group->places_offset = claim(layout, group->tile_count * place_size);
    }
    for (uint32_t w = 0; w < plan->window_count; w++) {
        layout->windows[w].offset = claim(
            layout, sizeof(struct window_state) + layout->windows[w].total_count * sizeof(int64_t));
    }
}

/* What is read from the totals of one window alone. */
static void note_quick(const struct features_plan *plan, struct reader *readers)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct feature_def *def = &plan->defs[i];
        struct reader *reader = &readers[i];
        bool avg = def->kind == FEATURE_AVG;
        if (has_window(def) && def->unit == FEATURE_DAYS && reader->window[0] != UINT16_MAX &&
            (!avg || reader->window[1] == reader->window[0])) {
            reader->quick.window = plan->windows[reader->window[0]].offset;
            reader->quick.total[0] = reader->total[0];
            reader->quick.total[1] = avg ? reader->total[1] : 0;
            reader->quick.kind = (uint8_t)def->kind;
            reader->quick.anchor = (uint8_t)def->anchor;
        }
    }
}

static void place_parts(struct layout *layout, struct samples_plan *samples,
                        struct table_plan *tables)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t i = 0; i < plan->samples_count; i++) {
        samples[i].offset = claim(layout, sizeof(struct samples_head) +
                                              (size_t)samples[i].capacity * samples[i].stride);
    }
    for (uint32_t i = 0; i < plan->table_count; i++) {
        tables[i].offset =
            claim(layout, sizeof(struct table_head) +
                              (size_t)tables[i].capacity * sizeof(struct table_entry));
    }
}

/* Behind what every event touches: mostly only the first of them are in use. */
static void place_rows(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t g = 0; g < plan->group_count; g++) {
        struct group *group = &layout->groups[g];
        group->rows_offset =
            claim(layout, (size_t)group->tile_count * group->cell_count * sizeof(int64_t));
    }
}

/* Predicates and values by which remembered facts are numbered. */
static uint32_t name_remembered(const struct source_plan *source)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < source->predicate_count; i++) {
        hash = hash64(source->predicates[i].text, hash + 1);
        hash = hash64(source->predicates[i].currency, hash);
    }
    for (uint32_t i = 0; i < source->value_count; i++) {
        uint32_t fixed[2] = {source->values[i].from, source->values[i].field};
        hash = hash64(slice_of(fixed, sizeof(fixed)), hash);
        hash = hash64(source->values[i].text, hash);
    }
    return (uint32_t)hash;
}

static void place_remembered(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct source_plan *source = &plan->sources[s];
        struct remembered_plan *part = &source->remembered;
        bool has_id = fields_find((enum source)s, slice_text("event_id")) >= 0;
        bool wanted = source->any || plan->options.follow[s];
        part->capacity = wanted && has_id ? plan->options.remembered[s] : 0;
        part->capacity =
            part->capacity > FEATURES_REMEMBERED_MAX ? FEATURES_REMEMBERED_MAX : part->capacity;
        part->entry_size = (uint32_t)(sizeof(struct remembered_entry) +
                                      plan_kept_values(source) * sizeof(int64_t));
        part->name = name_remembered(source);
        if (part->capacity > 0) {
            part->offset = claim(layout, sizeof(struct remembered_head) +
                                             (size_t)part->capacity * (16 + part->entry_size));
        }
    }
}

/* Behind all else: few events touch them. */
static void place_known(struct layout *layout)
{
    struct features_plan *plan = layout->plan;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct remembered_plan *part = &plan->sources[s].remembered;
        uint32_t all = part->capacity * FEATURES_KNOWN_PER_REMEMBERED;
        all = all > FEATURES_KNOWN_MAX ? FEATURES_KNOWN_MAX : all;
        part->known_room = all - part->capacity;
        part->known_offset = claim(layout, part->known_room * KNOWN_SIZE);
    }
}

enum status plan_lay_out(struct features_plan *plan, struct arena *arena)
{
    struct layout layout = {.plan = plan, .arena = arena, .cells = (struct cell *)plan->cells};
    layout.groups = take(&layout, PLAN_GROUPS_MAX, sizeof(struct group));
    layout.windows = take(&layout, 2 * plan->count, sizeof(struct window));
    plan->groups = layout.groups;
    plan->windows = layout.windows;
    if (!layout.full) {
        group_cells(&layout);
        fill_groups(&layout);
        name_groups(&layout);
        add_windows(&layout, (struct reader *)plan->readers);
        link_windows(&layout);
        list_by_source(&layout);
    }
    if (layout.full) {
        return STATUS_FULL;
    }
    (void)claim(&layout, sizeof(struct state_head));
    place_tiles(&layout);
    note_quick(plan, (struct reader *)plan->readers);
    place_parts(&layout, (struct samples_plan *)plan->samples, (struct table_plan *)plan->tables);
    place_rows(&layout);
    place_remembered(&layout);
    place_known(&layout);
    plan->state_size = layout.offset;
    plan->packed_size_max = pack_size_max(plan, &plan->ids_size_max);
    return STATUS_OK;
}

bool features_sparse_at(const struct features_plan *plan, uint32_t number, size_t *out_offset,
                        size_t *out_size)
{
    if (number < plan->group_count) {
        const struct group *group = &plan->groups[number];
        size_t row_size = group->cell_count * sizeof(int64_t);
        uint32_t often = group->tile_count < ROWS_OFTEN ? group->tile_count : ROWS_OFTEN;
        *out_offset = group->rows_offset + often * row_size;
        *out_size = (group->tile_count - often) * row_size;
        return true;
    }
    if (number - plan->group_count < SOURCE_COUNT) {
        const struct remembered_plan *part = &plan->sources[number - plan->group_count].remembered;
        *out_offset = part->known_offset;
        *out_size = (size_t)part->known_room * KNOWN_SIZE;
        return true;
    }
    return false;
}
