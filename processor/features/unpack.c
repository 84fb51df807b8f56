/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what pack.c writes; its head comment has the format. The bytes may be hostile: every count is checked
 * against what is left, every number that reckoning depends on against its range. */
#include "features/pack.h"

#include "features/known.h"
#include "features/samples.h"
#include "features/table.h"
#include "features/tiles.h"

static bool refuse(struct bytes_reader *reader)
{
    reader->bad = true;
    return false;
}

static int64_t take_value(struct bytes_reader *reader, bool raw)
{
    return raw ? (int64_t)bytes_take_u64(reader) : bytes_take_varint(reader);
}

static uint16_t take_u16(struct bytes_reader *reader)
{
    uint16_t value = 0;
    struct slice bytes = bytes_take(reader, sizeof(value));
    if (bytes.size == sizeof(value)) {
        memcpy(&value, bytes.data, sizeof(value));
    }
    return value;
}

static bool time_is_sane(int64_t time_ms)
{
    return time_ms >= -PLAN_TIME_MS_MAX && time_ms <= PLAN_TIME_MS_MAX;
}

static bool tile_is_sane(int64_t tile)
{
    return tile >= -PLAN_TILE_MAX && tile <= PLAN_TILE_MAX;
}

/* ---- groups ---- */

enum { CELL_UNKNOWN = UINT16_MAX };

static uint16_t find_cell(const struct features_plan *plan, uint32_t name, uint16_t likely)
{
    if (likely < plan->cell_count && plan->cells[likely].name == name) {
        return likely; /* the same playbook: the cells come in their own order */
    }
    for (uint32_t i = 0; i < plan->cell_count; i++) {
        if (plan->cells[i].name == name) {
            return (uint16_t)i;
        }
    }
    return CELL_UNKNOWN;
}

/* What one packed group becomes: the same group, or cells here and there. */
struct group_cells {
    const struct group *same; /* its cells stand in the same order; NULL: see `cells` */
    uint32_t same_number;
    uint32_t count;
    int32_t head;
    uint16_t cells[PACK_CELLS_MAX]; /* CELL_UNKNOWN: no longer kept */
};

/* Cells of one packed group may live in several groups now; all of them get its head. */
static void reach_head(const struct features_plan *plan, void *state,
                       const struct group_cells *from)
{
    if (from->same != NULL) {
        (void)tiles_reach(plan, state, from->same_number, from->head);
        return;
    }
    for (uint32_t i = 0; i < from->count; i++) {
        if (from->cells[i] != CELL_UNKNOWN) {
            (void)tiles_reach(plan, state, plan->cells[from->cells[i]].group, from->head);
        }
    }
}

/* Records from before sums had an end may be beyond it. */
static int64_t cell_value(const struct cell *cell, int64_t value)
{
    int64_t end = plan_sum_max(cell);
    if (cell->operation > CELL_SUM) {
        return value;
    }
    return value > end ? end : value < -end ? -end : value;
}

static bool unpack_row(const struct features_plan *plan, void *state,
                       const struct group_cells *from, int32_t tile, struct bytes_reader *reader)
{
    struct slice bits = bytes_take(reader, (from->count + 7) / 8);
    if (reader->bad) {
        return false;
    }
    int64_t *row = NULL;
    if (from->same != NULL && tiles_reach(plan, state, from->same_number, tile)) {
        row = tiles_take(from->same, state, tile);
    }
    for (uint32_t i = 0; i < from->count; i++) {
        if ((bits.data[i / 8] >> i % 8 & 1) == 0) {
            continue;
        }
        int64_t value = bytes_take_varint(reader);
        if (row != NULL) {
            row[i] = cell_value(&plan->cells[from->cells[i]], value);
        } else if (from->same == NULL && from->cells[i] != CELL_UNKNOWN) {
            const struct cell *cell = &plan->cells[from->cells[i]];
            if (tiles_reach(plan, state, cell->group, tile)) {
                tiles_take(&plan->groups[cell->group], state, tile)[cell->index] =
                    cell_value(cell, value);
            }
        }
    }
    return !reader->bad;
}

static bool find_cells(const struct features_plan *plan, uint8_t unit, struct group_cells *out,
                       struct bytes_reader *reader)
{
    uint16_t likely = 0;
    bool in_order = out->count > 0;
    for (uint32_t i = 0; i < out->count; i++) {
        out->cells[i] = find_cell(plan, bytes_take_u32(reader), likely);
        if (out->cells[i] == CELL_UNKNOWN) {
            in_order = false;
            continue;
        }
        const struct cell *cell = &plan->cells[out->cells[i]];
        const struct group *group = &plan->groups[cell->group];
        if (cell->unit != unit) {
            return refuse(reader);
        }
        out->same_number = i == 0 ? cell->group : out->same_number;
        in_order = in_order && cell->group == out->same_number && cell->index == i &&
                   group->cell_count == out->count;
        likely = cell->index + 1U < group->cell_count ? group->cells[cell->index + 1U] : 0;
    }
    out->same = in_order ? &plan->groups[out->same_number] : NULL;
    return !reader->bad;
}

/* Records from before extremes were told apart by what is remembered: all of them stand for good. */
static void forget_extremes(const struct features_plan *plan, void *state,
                            const struct group_cells *from)
{
    for (uint32_t i = 0; from->same == NULL && i < from->count; i++) {
        const struct cell *cell =
            from->cells[i] != CELL_UNKNOWN ? &plan->cells[from->cells[i]] : NULL;
        bool known = cell == NULL || cell->forgotten == UINT16_MAX;
        for (uint32_t k = 0; !known && k < from->count; k++) {
            known = from->cells[k] == cell->forgotten;
        }
        if (!known) {
            tiles_forget_cell(plan, state, cell);
        }
    }
}

static bool unpack_group(const struct features_plan *plan, void *state, struct bytes_reader *reader)
{
    struct group_cells from;
    uint8_t unit = bytes_take_u8(reader);
    uint64_t count = bytes_take_varuint(reader);
    if (reader->bad || unit > FEATURE_EVENTS || count > PACK_CELLS_MAX) {
        return refuse(reader);
    }
    from.same_number = 0;
    from.count = (uint32_t)count;
    if (!find_cells(plan, unit, &from, reader)) {
        return false;
    }
    int64_t head = bytes_take_varint(reader);
    uint16_t rows = take_u16(reader);
    if (reader->bad || !tile_is_sane(head) || (unit == FEATURE_ALL && head != 0)) {
        return refuse(reader);
    }
    from.head = (int32_t)head;
    reach_head(plan, state, &from);
    int64_t before = INT64_MIN;
    for (; rows > 0; rows--) {
        uint64_t step = bytes_take_varuint(reader);
        if (reader->bad || step > PLAN_TILE_MAX || (unit == FEATURE_ALL && step != 0)) {
            return refuse(reader);
        }
        int64_t tile = head - (int64_t)step;
        if (tile <= before || !tile_is_sane(tile)) {
            return refuse(reader);
        }
        before = tile;
        if (!unpack_row(plan, state, &from, (int32_t)tile, reader)) {
            return false;
        }
    }
    forget_extremes(plan, state, &from);
    return true;
}

/* ---- known ids ---- */

/* `others`: a bit for each source whose memory is of other conditions; its ids stand behind it. */
static bool unpack_known(const struct features_plan *plan, void *state, uint32_t name,
                         uint32_t others, struct bytes_reader *reader)
{
    uint32_t number = known_source(name);
    uint8_t flags = bytes_take_u8(reader);
    uint64_t count = bytes_take_varuint(reader);
    if (reader->bad || number >= SOURCE_COUNT || flags != SAMPLES_RAW ||
        count > FEATURES_KNOWN_MAX) {
        return refuse(reader);
    }
    const struct source_plan *source = &plan->sources[number];
    struct remembered_head *head =
        source->remembered.capacity > 0 ? state_at(state, source->remembered.offset) : NULL;
    uint8_t given =
        (uint8_t)(known_name_flags(name) | ((others >> number & 1) != 0 ? REMEMBERED_BLANK : 0));
    int64_t time_ms = 0;
    uint64_t id = 0;
    for (uint64_t i = 0; i < count; i++) {
        int64_t step = bytes_take_varint(reader);
        uint64_t older = id;
        id = bytes_take_u64(reader);
        bool ordered = i == 0 || step > 0 || (step == 0 && id > older);
        if (reader->bad || !ordered || __builtin_add_overflow(time_ms, step, &time_ms) ||
            !time_is_sane(time_ms) || (head != NULL && time_ms > head->newest_ms)) {
            return refuse(reader);
        }
        if (head != NULL) {
            remembered_know(state, source, id, time_ms, given);
        }
    }
    return true;
}

/* ---- samples ---- */

static const struct samples_plan *find_samples(const struct features_plan *plan, uint32_t name)
{
    for (uint32_t i = 0; i < plan->samples_count; i++) {
        if (plan->samples[i].name == name) {
            return &plan->samples[i];
        }
    }
    return NULL;
}

static bool order_is_kept(const struct samples_plan *part, int64_t before_ms, int64_t time_ms)
{
    if (part->order == FEATURE_BY_ARRIVAL) {
        return true;
    }
    return part->oldest ? time_ms >= before_ms : time_ms <= before_ms;
}

static bool unpack_sample(const struct samples_plan *part, void *state, uint8_t flags,
                          int64_t time_ms, struct bytes_reader *reader)
{
    struct slice text = {NULL, 0};
    int64_t value = 0;
    bool with_text = (flags & SAMPLES_TEXT) != 0;
    if (with_text) {
        text = bytes_take_slice(reader);
        value = (int64_t)hash64(text, 0);
        if (text.size > FEATURES_TEXT_SIZE) {
            return refuse(reader);
        }
    }
    if (!with_text || text.size > TEXT_UNCUT_SIZE) {
        value = take_value(reader, (flags & SAMPLES_RAW) != 0);
    }
    if (part != NULL && !reader->bad) {
        (void)samples_append(part, state, time_ms, value, text);
    }
    return !reader->bad;
}

static bool unpack_samples(const struct features_plan *plan, void *state, uint32_t others,
                           struct bytes_reader *reader)
{
    uint32_t name = bytes_take_u32(reader);
    if (known_is_name(name)) {
        return unpack_known(plan, state, name, others, reader);
    }
    const struct samples_plan *part = find_samples(plan, name);
    uint8_t flags = bytes_take_u8(reader);
    int64_t newest_ms = (flags & SAMPLES_STRICT) != 0 ? bytes_take_varint(reader) : INT64_MIN;
    uint64_t count = bytes_take_varuint(reader);
    if (reader->bad || (flags & ~SAMPLES_FLAGS) != 0) {
        return refuse(reader);
    }
    /* A newer playbook may want the texts of what was kept without: that part starts anew. */
    if (part != NULL && (samples_head(part, state)->count > 0 ||
                         (part->with_text && (flags & SAMPLES_TEXT) == 0 && count > 0))) {
        part = NULL;
    }
    int64_t time_ms = 0;
    for (uint64_t i = 0; i < count; i++) {
        int64_t step = bytes_take_varint(reader);
        int64_t before_ms = time_ms;
        if (reader->bad || __builtin_add_overflow(time_ms, step, &time_ms) ||
            !time_is_sane(time_ms)) {
            return refuse(reader);
        }
        if (i > 0 && part != NULL && !order_is_kept(part, before_ms, time_ms)) {
            return refuse(reader);
        }
        if (!unpack_sample(part, state, flags, time_ms, reader)) {
            return false;
        }
    }
    if (part != NULL) {
        struct samples_head *head = state_at(state, part->offset);
        head->lost = head->lost || (flags & SAMPLES_LOST) != 0;
        head->newest_ms = part->order == FEATURE_BY_TIME_STRICT ? newest_ms : head->newest_ms;
    }
    return true;
}

/* ---- tables ---- */

static bool unpack_table(const struct features_plan *plan, void *state, struct bytes_reader *reader)
{
    uint32_t name = bytes_take_u32(reader);
    uint64_t count = bytes_take_varuint(reader);
    const struct table_plan *part = NULL;
    for (uint32_t i = 0; i < plan->table_count; i++) {
        part = plan->tables[i].name == name ? &plan->tables[i] : part;
    }
    uint64_t hash = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t step = bytes_take_varuint(reader);
        int64_t tile = bytes_take_varint(reader);
        uint64_t uses = bytes_take_varuint(reader);
        if (reader->bad || (i > 0 && step == 0) || hash + step < hash || !tile_is_sane(tile) ||
            uses == 0 || uses > UINT32_MAX) {
            return refuse(reader);
        }
        hash += step;
        if (part != NULL) {
            table_put(part, state, hash, (int32_t)tile, (uint32_t)uses);
        }
    }
    return !reader->bad;
}

/* ---- remembered events ---- */

struct remembered_header {
    uint64_t value_count, raw;
    int64_t newest_ms;
    bool same; /* as now: predicates and values are numbered alike */
};

static bool unpack_entry(const struct features_plan *plan, void *state,
                         const struct source_plan *source, const struct remembered_header *header,
                         struct bytes_reader *reader)
{
    struct facts facts = {.class = 0};
    uint64_t id = bytes_take_u64(reader);
    uint64_t age_ms = bytes_take_varuint(reader);
    int64_t shift = bytes_take_varint(reader);
    facts.class = bytes_take_u8(reader);
    uint8_t flags = bytes_take_u8(reader);
    facts.matched[0] = bytes_take_varuint(reader);
    uint64_t present = bytes_take_varuint(reader);
    if (reader->bad || age_ms > (uint64_t)PLAN_TIME_MS_MAX || shift < -2 || shift > 2 ||
        (flags & ~REMEMBERED_FLAGS) != 0 || present >> header->value_count != 0) {
        return refuse(reader);
    }
    for (uint32_t i = 0; i < header->value_count; i++) {
        if ((present >> i & 1) != 0) {
            facts.values[i] = take_value(reader, (header->raw >> i & 1) != 0);
        }
    }
    facts.time_ms = header->newest_ms - (int64_t)age_ms;
    if (reader->bad || !time_is_sane(facts.time_ms)) {
        return refuse(reader);
    }
    facts.day = (int32_t)(civil_floor(facts.time_ms, MS_PER_DAY) + shift);
    facts.present = (uint32_t)present;
    if (!header->same) {
        facts.matched[0] = 0;
        facts.present = 0;
        flags |= REMEMBERED_BLANK;
    } else {
        facts_widen(source, &facts);
    }
    if (source->remembered.capacity > 0 &&
        !remembered_put(plan, state, source, id, &facts, flags) &&
        (flags & (REMEMBERED_REVERSED | REMEMBERED_REPLACED | REMEMBERED_BLANK)) == 0) {
        tiles_forget(plan, state, source, &facts); /* fewer are remembered than before */
    }
    return true;
}

static bool unpack_remembered(const struct features_plan *plan, void *state, uint32_t *others,
                              struct bytes_reader *reader)
{
    uint8_t number = bytes_take_u8(reader);
    uint32_t name = bytes_take_u32(reader);
    struct remembered_header header = {.value_count = bytes_take_varuint(reader)};
    header.raw = bytes_take_varuint(reader);
    header.newest_ms = bytes_take_varint(reader);
    uint64_t forgotten = bytes_take_varuint(reader);
    uint64_t count = bytes_take_varuint(reader);
    if (reader->bad || number >= SOURCE_COUNT || header.value_count > FEATURES_VALUES_MAX ||
        !time_is_sane(header.newest_ms) || forgotten > (uint64_t)PLAN_TIME_MS_MAX ||
        count > FEATURES_REMEMBERED_MAX) {
        return refuse(reader);
    }
    const struct source_plan *source = &plan->sources[number];
    header.same = name == source->remembered.name && header.value_count == plan_kept_values(source);
    *others |= header.same ? 0 : UINT32_C(1) << number;
    struct remembered_head *head =
        source->remembered.capacity > 0 ? state_at(state, source->remembered.offset) : NULL;
    if (head != NULL) {
        if (head->newest_ms != INT64_MIN) {
            return refuse(reader); /* a source's memory stands in a record once */
        }
        head->newest_ms = header.newest_ms;
    }
    for (uint32_t i = 0; !header.same && i < source->extreme_count; i++) {
        tiles_forget_cell(plan, state, &plan->cells[source->extremes.parts[i]]);
    }
    for (; count > 0; count--) {
        if (!unpack_entry(plan, state, source, &header, reader)) {
            return false;
        }
    }
    if (head != NULL && forgotten > 0) {
        int64_t forgotten_ms = header.newest_ms - (int64_t)(forgotten - 1);
        head->forgotten_ms = forgotten_ms > head->forgotten_ms ? forgotten_ms : head->forgotten_ms;
    }
    return true;
}

static bool unpack_part(const struct features_plan *plan, void *state, uint32_t *others,
                        struct bytes_reader *reader)
{
    switch ((enum part_kind)bytes_take_u8(reader)) {
    case PART_GROUP:
        return unpack_group(plan, state, reader);
    case PART_SAMPLES:
        return unpack_samples(plan, state, *others, reader);
    case PART_TABLE:
        return unpack_table(plan, state, reader);
    case PART_REMEMBERED:
        return unpack_remembered(plan, state, others, reader);
    }
    return refuse(reader);
}

enum status features_unpack(const struct features_plan *plan, void *state,
                            struct bytes_reader *reader, struct status_text *out_text)
{
    features_init(plan, state);
    uint8_t version = bytes_take_u8(reader);
    int64_t latest = bytes_take_varint(reader);
    uint16_t parts = take_u16(reader);
    if (reader->bad || version != PACK_VERSION || (latest != TILE_NONE && !tile_is_sane(latest))) {
        return status_fail(out_text, STATUS_INVALID,
                           "features: bytes of an unknown version, or cut short");
    }
    ((struct state_head *)state)->latest_day = (int32_t)latest;
    uint32_t others = 0;
    for (; parts > 0; parts--) {
        if (!unpack_part(plan, state, &others, reader)) {
            features_init(plan, state);
            return status_fail(out_text, STATUS_INVALID,
                               "features: the record's bytes are damaged");
        }
    }
    return STATUS_OK;
}
