/* SPDX-License-Identifier: Apache-2.0 */
#include "features/plan.h"

#include "features/known.h"
#include "features/samples.h"
#include "features/table.h"

/* A plan being built: every part once, found again by what it means. */
struct builder {
    struct features_plan *plan;
    struct arena *arena;
    struct features_problem *problem;
    uint32_t index; /* of the definition being planned */
    struct cell *cells;
    struct samples_plan *samples;
    struct table_plan *tables;
    struct reader *readers;
    struct predicate *predicates[SOURCE_COUNT];
    struct value_plan *values[SOURCE_COUNT];
    bool full; /* the arena */
};

static enum status refuse(struct builder *builder, enum status status, const char *why)
{
    builder->problem->index = builder->index;
    return status_fail(&builder->problem->text, status, "feature `%s`: %s",
                       builder->plan->defs[builder->index].name, why);
}

static void *take(struct builder *builder, size_t count, size_t size)
{
    void *block = arena_take(builder->arena, count * size + 1);
    builder->full = builder->full || block == NULL;
    return block;
}

/* ---- is the definition one that can be kept? ---- */

static const char *value_problem(const struct feature_def *def)
{
    enum feature_needs needs = features_kind(def->kind)->needs;
    if (needs == FEATURE_NEEDS_NOTHING || needs == FEATURE_NEEDS_OPERANDS) {
        return NULL;
    }
    if (def->from == FEATURE_FROM_NOTHING) {
        return "needs a value, like tx.amount_minor";
    }
    if (def->from == FEATURE_FROM_PROGRAM && def->value == NULL) {
        return "has no compiled value";
    }
    if (def->from == FEATURE_FROM_FIELD) {
        const struct field_table *table = fields_of(def->source);
        if (def->value_field >= table->count) {
            return "names a field that its source does not have";
        }
        enum field_type type = table->fields[def->value_field].type;
        if (type == FIELD_CODE_SET || type == FIELD_MAP || type == FIELD_CONSENTS) {
            return "cannot keep a set, a map or consents";
        }
    }
    enum feature_value_type type = plan_value_type(def);
    if (needs == FEATURE_NEEDS_NUMBER && type != FEATURE_INT && type != FEATURE_TIME) {
        return "needs a whole number (money is in minor units)";
    }
    return NULL;
}

static const char *window_problem(const struct feature_def *def)
{
    static const uint8_t bits[] = {
        [FEATURE_ALL] = FEATURE_WINDOW_ALL,
        [FEATURE_DAYS] = FEATURE_WINDOW_DAYS,
        [FEATURE_MINUTES] = FEATURE_WINDOW_MINUTES,
        [FEATURE_EVENTS] = FEATURE_WINDOW_EVENTS,
    };
    static const uint32_t longest[] = {0, FEATURES_DAYS_MAX, FEATURES_MINUTES_MAX,
                                       FEATURES_EVENTS_MAX};
    if ((features_kind(def->kind)->windows & bits[def->unit]) == 0) {
        return features_kind(def->kind)->windows == FEATURE_WINDOW_ALL
                   ? "takes no window"
                   : "does not take that window: see its kind in the reference";
    }
    if (def->unit != FEATURE_ALL && (def->length == 0 || def->length > longest[def->unit])) {
        return "has a window that is too long (400 days, 48 hours or 64 events at most) or empty";
    }
    if (def->anchor == FEATURE_ANCHOR_CUSTOMER && def->unit == FEATURE_MINUTES) {
        return "cannot anchor minutes at the customer's latest day";
    }
    return NULL;
}

static const char *kind_problem(const struct features_plan *plan, uint32_t index)
{
    const struct feature_def *def = &plan->defs[index];
    if (def->kind == FEATURE_QUANTILE && !(def->quantile >= 0 && def->quantile <= 1)) {
        return "has a quantile outside 0..1";
    }
    if (def->kind == FEATURE_DECAY && !(def->half_life_days > 0)) {
        return "needs a half_life";
    }
    bool text_lacks = (def->where != NULL && def->where_text.size == 0) ||
                      (def->then != NULL && def->then_text.size == 0) ||
                      (def->from == FEATURE_FROM_PROGRAM && def->value_text.size == 0);
    if (text_lacks) {
        return "has an expression without its text, which names what is kept in the record";
    }
    bool pair = def->kind == FEATURE_SEQUENCE || def->kind == FEATURE_ABSENCE;
    if ((pair || def->kind == FEATURE_SESSIONS) &&
        (def->within_ms <= 0 || def->within_ms > PLAN_TIME_MS_MAX)) {
        return "needs `within`";
    }
    if (def->kind == FEATURE_SEQUENCE && def->then == NULL) {
        return "needs `then`";
    }
    if ((def->kind == FEATURE_NTH) && def->nth > def->length) {
        return "asks for an event outside its window";
    }
    if (def->order == FEATURE_BY_TIME_STRICT && def->kind != FEATURE_LAST) {
        return "order: strict is for `last` only";
    }
    if (def->capacity > 256) {
        return "keeps at most 256 different values";
    }
    uint32_t operands = def->kind == FEATURE_RATIO ? 2 : def->kind == FEATURE_RFM ? 3 : 0;
    for (uint32_t i = 0; i < operands; i++) {
        if (def->operands[i] >= index || plan->readers[def->operands[i]].type == FEATURE_STRING ||
            features_kind(plan->defs[def->operands[i]].kind)->needs == FEATURE_NEEDS_OPERANDS) {
            return "reads a feature that is no number, stands after it, or is a ratio or rfm "
                   "itself";
        }
    }
    if (def->pending != FEATURE_PENDING_EXCLUDE && plan->options.remembered[def->source] == 0) {
        return "counts PENDING, which needs remembered events";
    }
    return NULL;
}

/* ---- what feeds it ---- */

static enum status find_predicate(struct builder *builder, const struct cel_program *program,
                                  struct slice text, struct slice currency, uint8_t *out_index)
{
    const struct feature_def *def = &builder->plan->defs[builder->index];
    struct source_plan *source = &builder->plan->sources[def->source];
    struct predicate *list = builder->predicates[def->source];
    for (uint32_t i = 0; i < source->predicate_count; i++) {
        bool same_program =
            list[i].program == program || (program != NULL && list[i].program != NULL &&
                                           text.size > 0 && slice_equal(list[i].text, text));
        if (same_program && slice_equal(list[i].currency, currency)) {
            *out_index = (uint8_t)i;
            return STATUS_OK;
        }
    }
    if (source->predicate_count == FEATURES_PREDICATES_MAX) {
        return refuse(
            builder, STATUS_FULL,
            "its source has more than 128 different conditions, where the same `where` in "
            "two currencies is two (a sum of money has one, a count none unless it says "
            "so): let features share a `where` and currency, or take out those that "
            "nobody reads");
    }
    if (source->predicate_count == 64 && source->value_count == FEATURES_VALUES_MAX) {
        return refuse(
            builder, STATUS_FULL,
            "its source has more than 64 different conditions (a `where` in a currency) beside "
            "16 different values: let features share a `where`, or a value");
    }
    *out_index = (uint8_t)source->predicate_count;
    list[source->predicate_count++] = (struct predicate){program, text, currency};
    return STATUS_OK;
}

static enum status find_value(struct builder *builder, uint8_t *out_index)
{
    const struct feature_def *def = &builder->plan->defs[builder->index];
    struct source_plan *source = &builder->plan->sources[def->source];
    struct value_plan *list = builder->values[def->source];
    *out_index = PLAN_NONE;
    if (def->from == FEATURE_FROM_NOTHING ||
        features_kind(def->kind)->needs == FEATURE_NEEDS_NOTHING) {
        return STATUS_OK;
    }
    for (uint32_t i = 0; i < source->value_count; i++) {
        bool same = list[i].from == def->from &&
                    (def->from != FEATURE_FROM_FIELD || list[i].field == def->value_field) &&
                    (def->from != FEATURE_FROM_PROGRAM || list[i].program == def->value ||
                     (def->value_text.size > 0 && slice_equal(list[i].text, def->value_text)));
        if (same) {
            *out_index = (uint8_t)i;
            return STATUS_OK;
        }
    }
    if (source->value_count + plan_is_wide(source) == FEATURES_VALUES_MAX) {
        return refuse(
            builder, STATUS_FULL,
            "its source has more than 16 different values: let features share one, with the "
            "condition in `where`");
    }
    *out_index = (uint8_t)source->value_count;
    list[source->value_count++] = (struct value_plan){def->from, def->value_field, def->value,
                                                      def->value_text, plan_value_type(def)};
    return STATUS_OK;
}

static uint8_t accepted_classes(const struct feature_def *def)
{
    static const uint8_t statuses[] = {
        [FEATURE_PENDING_EXCLUDE] = FEED_POSTED,
        [FEATURE_PENDING_INCLUDE] = FEED_POSTED | FEED_PENDING,
        [FEATURE_PENDING_ONLY] = FEED_PENDING,
    };
    uint8_t in_time = statuses[def->pending];
    uint8_t late = (uint8_t)(in_time * 4);
    switch (def->late) {
    case FEATURE_LATE_INCLUDE:
        return (uint8_t)(in_time | late);
    case FEATURE_LATE_ONLY:
        return late;
    case FEATURE_LATE_EXCLUDE:
        break;
    }
    return in_time;
}

/* A part's name in the record: a hash of all that makes its content mean what it means. */
static uint32_t name_part(const struct builder *builder, const struct feed *feed,
                          const uint32_t *more, size_t more_count)
{
    uint8_t head[64];
    struct bytes_writer writer = bytes_writer(head, sizeof(head));
    const struct predicate *predicate = &builder->predicates[feed->source][feed->predicate];
    bytes_put_u8(&writer, feed->source);
    bytes_put_u8(&writer, feed->accepts);
    bytes_put(&writer, more, more_count * sizeof(more[0]));
    uint64_t hash = hash64(predicate->text, 1);
    hash = hash64(predicate->currency, hash);
    if (feed->value != PLAN_NONE) {
        const struct value_plan *value = &builder->values[feed->source][feed->value];
        bytes_put_u8(&writer, (uint8_t)value->from);
        if (value->from == FEATURE_FROM_FIELD) {
            const char *field = fields_of((enum source)feed->source)->fields[value->field].name;
            hash = hash64(slice_text(field), hash);
        }
        hash = hash64(value->text, hash);
    }
    return (uint32_t)hash64(slice_of(head, writer.size), hash);
}

/* ---- parts ---- */

/* The smallest tile with which a window of minutes has at most 96 of them. */
static uint32_t minute_tile_ms(uint32_t minutes)
{
    static const uint32_t sizes[] = {1, 2, 5, 10, 15, 30}; /* 30 minutes: 48 hours */
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        if ((minutes + sizes[i] - 1) / sizes[i] <= 96) {
            return sizes[i] * (uint32_t)MS_PER_MINUTE;
        }
    }
    return (uint32_t)MS_PER_MINUTE;
}

static uint32_t tile_ms_of(const struct feature_def *def)
{
    return def->unit == FEATURE_MINUTES ? minute_tile_ms(def->length) : PLAN_DAY_TILE_MS;
}

static uint16_t tiles_of(const struct feature_def *def)
{
    if (def->unit == FEATURE_ALL) {
        return 0;
    }
    uint32_t tile_minutes = tile_ms_of(def) / (uint32_t)MS_PER_MINUTE;
    return (uint16_t)(def->unit == FEATURE_DAYS ? def->length
                                                : (def->length + tile_minutes - 1) / tile_minutes);
}

/* `part`: 1, or 4 for the extremes of events that are forgotten. */
static uint16_t find_cell_of(struct builder *builder, struct feed feed,
                             enum cell_operation operation, uint32_t part)
{
    const struct feature_def *def = &builder->plan->defs[builder->index];
    uint32_t more[] = {part, operation, def->unit, tile_ms_of(def)};
    uint32_t name = name_part(builder, &feed, more, ARRAY_COUNT(more));
    uint16_t length = tiles_of(def);
    for (uint32_t i = 0; i < builder->plan->cell_count; i++) {
        if (builder->cells[i].name == name) {
            struct cell *cell = &builder->cells[i];
            cell->length = length > cell->length ? length : cell->length;
            return (uint16_t)i;
        }
    }
    builder->cells[builder->plan->cell_count] = (struct cell){
        .feed = feed,
        .operation = (uint8_t)operation,
        .unit = (uint8_t)def->unit,
        .length = length,
        .tile_ms = tile_ms_of(def),
        .forgotten = UINT16_MAX,
        .is_forgotten = part == 4,
        .name = name,
    };
    return (uint16_t)builder->plan->cell_count++;
}

static uint16_t find_cell(struct builder *builder, struct feed feed, enum cell_operation operation)
{
    return find_cell_of(builder, feed, operation, 1);
}

/* Only transactions are taken back. */
static bool is_taken_back(const struct builder *builder, const struct feature_def *def)
{
    return def->source == SOURCE_TRANSACTIONS &&
           builder->plan->options.remembered[SOURCE_TRANSACTIONS] > 0;
}

static uint16_t find_extreme(struct builder *builder, struct feed feed,
                             enum cell_operation operation)
{
    uint16_t cell = find_cell_of(builder, feed, operation, 1);
    if (is_taken_back(builder, &builder->plan->defs[builder->index])) {
        uint16_t forgotten = find_cell_of(builder, feed, operation, 4);
        builder->cells[cell].forgotten = forgotten;
    }
    return cell;
}

static uint16_t find_samples(struct builder *builder, struct feed feed, uint32_t capacity,
                             bool oldest)
{
    const struct feature_def *def = &builder->plan->defs[builder->index];
    uint32_t more[] = {2, def->order, oldest};
    uint32_t name = name_part(builder, &feed, more, ARRAY_COUNT(more));
    name = known_is_name(name) ? ~name : name; /* those names mean known ids in the record */
    enum feature_value_type type =
        feed.value == PLAN_NONE ? FEATURE_INT : builder->values[feed.source][feed.value].type;
    bool with_text = type == FEATURE_STRING && features_kind(def->kind)->type == FEATURE_STRING;
    struct samples_plan *part = NULL;
    uint32_t i = 0;
    while (i < builder->plan->samples_count && builder->samples[i].name != name) {
        i++;
    }
    part = &builder->samples[i];
    if (i == builder->plan->samples_count) {
        *part = (struct samples_plan){
            .feed = feed, .order = (uint8_t)def->order, .oldest = oldest, .name = name};
        builder->plan->samples_count++;
    }
    part->capacity = capacity > part->capacity ? (uint16_t)capacity : part->capacity;
    part->with_text = part->with_text || with_text;
    part->stride = part->with_text ? SAMPLE_TEXT_SIZE : SAMPLE_SIZE;
    return (uint16_t)i;
}

static uint16_t find_table(struct builder *builder, struct feed feed)
{
    const struct feature_def *def = &builder->plan->defs[builder->index];
    uint32_t more[] = {3, def->unit, tile_ms_of(def)};
    uint32_t name = name_part(builder, &feed, more, ARRAY_COUNT(more));
    uint16_t capacity = (uint16_t)(def->capacity == 0 ? 32 : def->capacity);
    uint32_t i = 0;
    while (i < builder->plan->table_count && builder->tables[i].name != name) {
        i++;
    }
    struct table_plan *part = &builder->tables[i];
    if (i == builder->plan->table_count) {
        *part = (struct table_plan){
            .feed = feed, .unit = (uint8_t)def->unit, .tile_ms = tile_ms_of(def), .name = name};
        builder->plan->table_count++;
    }
    part->capacity = capacity > part->capacity ? capacity : part->capacity;
    return (uint16_t)i;
}

/* Two where one REVERSED may take the newest away. */
static uint32_t depth_of(const struct builder *builder, const struct feature_def *def)
{
    return is_taken_back(builder, def) ? 2 : 1;
}

static enum status plan_pair(struct builder *builder, struct feed feed)
{
    const struct feature_def *def = &builder->plan->defs[builder->index];
    struct reader *reader = &builder->readers[builder->index];
    reader->samples[0] = find_samples(builder, feed, FEATURES_PAIRS_MAX, false);
    reader->samples[1] = reader->samples[0];
    if (def->then == NULL) {
        return STATUS_OK;
    }
    enum status status =
        find_predicate(builder, def->then, def->then_text, def->currency, &feed.predicate);
    reader->samples[1] = find_samples(builder, feed, FEATURES_PAIRS_MAX, false);
    return status;
}

static enum status plan_parts(struct builder *builder, struct feed feed)
{
    const struct feature_def *def = &builder->plan->defs[builder->index];
    struct reader *reader = &builder->readers[builder->index];
    switch (def->kind) {
    case FEATURE_COUNT:
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
        if (def->unit == FEATURE_EVENTS) {
            reader->samples[0] = find_samples(builder, feed, def->length, false);
        } else {
            reader->cell[0] = find_cell(builder, feed, CELL_COUNT);
        }
        break;
    case FEATURE_AVG:
        reader->cell[1] = find_cell(builder, feed, CELL_COUNT);
        reader->cell[0] = find_cell(builder, feed, CELL_SUM);
        break;
    case FEATURE_SUM:
    case FEATURE_TREND:
    case FEATURE_DECAY:
        reader->cell[0] = find_cell(builder, feed, CELL_SUM);
        break;
    case FEATURE_MIN:
    case FEATURE_MAX:
        reader->cell[0] =
            find_extreme(builder, feed, def->kind == FEATURE_MIN ? CELL_MIN : CELL_MAX);
        break;
    case FEATURE_FIRST:
    case FEATURE_DAYS_SINCE_FIRST:
        reader->samples[0] = find_samples(builder, feed, depth_of(builder, def), true);
        break;
    case FEATURE_LAST:
    case FEATURE_TIME_SINCE:
    case FEATURE_DAYS_SINCE:
        reader->samples[0] = find_samples(builder, feed, depth_of(builder, def), false);
        break;
    case FEATURE_DISTINCT:
        if (def->unit != FEATURE_EVENTS) {
            reader->table = find_table(builder, feed);
            break;
        }
        reader->samples[0] = find_samples(builder, feed, def->length, false);
        break;
    case FEATURE_NTH:
    case FEATURE_TOP:
    case FEATURE_TOP_COUNT:
    case FEATURE_QUANTILE:
    case FEATURE_MAD:
    case FEATURE_SESSIONS:
        reader->samples[0] = find_samples(builder, feed, def->length, false);
        break;
    case FEATURE_SEQUENCE:
    case FEATURE_ABSENCE:
        return plan_pair(builder, feed);
    case FEATURE_RATIO:
    case FEATURE_RFM:
    case FEATURE_KIND_COUNT:
        break;
    }
    return STATUS_OK;
}

static enum status plan_one(struct builder *builder)
{
    const struct features_plan *plan = builder->plan;
    const struct feature_def *def = &plan->defs[builder->index];
    if (def->name == NULL || (unsigned)def->kind >= FEATURE_KIND_COUNT ||
        (unsigned)def->source >= SOURCE_COUNT) {
        return refuse(builder, STATUS_INVALID, "has no name, kind or source");
    }
    const char *problem = value_problem(def);
    problem = problem != NULL ? problem : window_problem(def);
    problem = problem != NULL ? problem : kind_problem(plan, builder->index);
    if (problem != NULL) {
        return refuse(builder, STATUS_INVALID, problem);
    }
    struct reader *reader = &builder->readers[builder->index];
    memset(reader, 0xff, sizeof(*reader));
    reader->type = features_type(def);
    if (features_kind(def->kind)->needs == FEATURE_NEEDS_OPERANDS) {
        return STATUS_OK;
    }
    struct source_plan *source = &builder->plan->sources[def->source];
    source->any = true;
    source->takes_pending = source->takes_pending || def->pending != FEATURE_PENDING_EXCLUDE;
    struct feed feed = {.source = (uint8_t)def->source, .accepts = accepted_classes(def)};
    enum status status =
        find_predicate(builder, def->where, def->where_text, def->currency, &feed.predicate);
    if (status == STATUS_OK) {
        status = find_value(builder, &feed.value);
    }
    return status == STATUS_OK ? plan_parts(builder, feed) : status;
}

static enum status builder_init(struct builder *builder)
{
    uint32_t count = builder->plan->count;
    builder->cells = take(builder, 2 * count, sizeof(struct cell));
    builder->samples = take(builder, 2 * count, sizeof(struct samples_plan));
    builder->tables = take(builder, count, sizeof(struct table_plan));
    builder->readers = take(builder, count, sizeof(struct reader));
    uint32_t uses[SOURCE_COUNT] = {0};
    for (uint32_t i = 0; i < count; i++) {
        uses[(unsigned)builder->plan->defs[i].source % SOURCE_COUNT] += 2;
    }
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        uint32_t predicates = uses[s] < FEATURES_PREDICATES_MAX ? uses[s] : FEATURES_PREDICATES_MAX;
        uint32_t values = uses[s] < FEATURES_VALUES_MAX ? uses[s] : FEATURES_VALUES_MAX;
        builder->predicates[s] = take(builder, predicates, sizeof(struct predicate));
        builder->values[s] = take(builder, values, sizeof(struct value_plan));
        builder->plan->sources[s].predicates = builder->predicates[s];
        builder->plan->sources[s].values = builder->values[s];
    }
    builder->plan->cells = builder->cells;
    builder->plan->samples = builder->samples;
    builder->plan->tables = builder->tables;
    builder->plan->readers = builder->readers;
    return builder->full ? STATUS_FULL : STATUS_OK;
}

enum status features_plan_build(const struct feature_def *defs, uint32_t count,
                                const struct features_options *options, struct arena *arena,
                                const struct features_plan **out_plan,
                                struct features_problem *out_problem)
{
    struct builder builder = {.arena = arena, .problem = out_problem};
    out_problem->index = 0;
    if (count > FEATURES_MAX) {
        return status_fail(&out_problem->text, STATUS_FULL, "more than %d features", FEATURES_MAX);
    }
    builder.plan = take(&builder, 1, sizeof(struct features_plan));
    if (builder.full) {
        return status_fail(&out_problem->text, STATUS_FULL, "no room for the plan of the features");
    }
    *builder.plan = (struct features_plan){.defs = defs, .count = count, .options = *options};
    enum status status = builder_init(&builder);
    for (; status == STATUS_OK && builder.index < count; builder.index++) {
        status = plan_one(&builder);
        if (status != STATUS_OK) {
            return status;
        }
    }
    status = status == STATUS_OK ? plan_lay_out(builder.plan, arena) : status;
    status = status == STATUS_OK ? plan_dues(builder.plan, arena) : status;
    if (status != STATUS_OK) {
        return status_fail(&out_problem->text, status,
                           "no room for the plan of %u features, or more than "
                           "%d different lengths of window",
                           count, PLAN_GROUPS_MAX);
    }
    *out_plan = builder.plan;
    return STATUS_OK;
}
