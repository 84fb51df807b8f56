/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/event_index.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/memory.h"

enum {
    NAMES_SIZE = ENGINE_VIEW_FIELDS_MAX * 96, /* bytes for the names of view fields */
    SERIES_PACKED_MAX = SERIES_TRACKS_MAX * 174 + 8,
    LIFE_PACKED_MAX = 120,
    SEGMENT_PACKED_MAX = 48,
    HISTORY_PACKED_MAX = 192,
    LEDGER_PACKED_MAX = OFFER_LEDGER_MAX * 20 + 224,
    CORE_PACKED_MAX = 1024, /* head and profile */
    ARM_PACKED_MAX = 10 + 9 * 10,
    SIDES_PACKED_MAX = 9 + 2 * OFFER_LAYER_COUNT * (3 * 10 + 8),
};

enum part_kind { PART_SERIES = 1, PART_LIFE, PART_SEGMENT, PART_OFFER };

static uint32_t part_key(enum part_kind kind, struct slice id, uint64_t hash)
{
    uint64_t seed = hash64(slice_of(&hash, sizeof(hash)), (uint64_t)kind);
    return (uint32_t)hash64(id, seed);
}

static size_t aligned(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static size_t place(size_t *at, size_t size)
{
    size_t here = *at;
    *at = aligned(here + size);
    return here;
}

/* Lays out the part `recall` too. */
static size_t recall_size(struct engine *engine)
{
    const struct playbook *playbook = engine->playbook;
    size_t at = sizeof(struct recall_head) + engine->reads.width * sizeof(uint64_t);
    engine->recall_life = place(&at, playbook->life.count * sizeof(int64_t));
    engine->recall_segments = place(&at, playbook->segments.count * sizeof(int64_t));
    engine->recall_series = place(&at, playbook->series_count * sizeof(int64_t));
    engine->recall_dues = place(&at, features_dues_size(playbook->features));
    engine->recall_kept = place(&at, playbook->series_count * sizeof(struct series_kept));
    return at;
}

static void place_parts(struct engine *engine)
{
    const struct playbook *playbook = engine->playbook;
    size_t at = aligned(sizeof(struct customer));
    engine->features = place(&at, features_state_size(playbook->features));
    engine->recall = place(&at, recall_size(engine));
    engine->series = place(&at, playbook->series_count * sizeof(struct series_state));
    engine->life = place(&at, playbook->life.count * sizeof(struct life_state));
    engine->segments = place(&at, playbook->segments.count * sizeof(struct segment_state));
    engine->ledger = place(&at, sizeof(struct offers_state));
    engine->histories = place(&at, playbook->offers.count * sizeof(struct offer_history));
    engine->view_hashes = place(&at, engine->view_count * sizeof(uint32_t));
    engine->customer_size = at;
    at = aligned(sizeof(struct task_head));
    engine->sizes = place(&at, playbook->segments.count * sizeof(uint64_t));
    engine->segments_swept = place(&at, playbook->segments.count * sizeof(uint64_t));
    engine->offers_task = place(&at, offers_task_size(&playbook->offers));
    engine->task_size = at;
}

static void name_parts(struct engine *engine)
{
    const struct playbook *playbook = engine->playbook;
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        engine->keys.series[i] =
            part_key(PART_SERIES, playbook->series[i].id, playbook->series[i].hash);
    }
    for (uint32_t i = 0; i < playbook->life.count; i++) {
        const struct life_def *def = &playbook->life.defs[i];
        engine->keys.life[i] = part_key(PART_LIFE, def->id, def->hash);
    }
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        const struct segment_def *def = &playbook->segments.defs[i];
        /* By name alone: a member stays one when the rule changes, until the new rule says otherwise. */
        engine->keys.segments[i] = part_key(PART_SEGMENT, def->id, 0);
    }
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        /* By name alone: what a customer said to an offer outlives a change of its terms. */
        engine->keys.offers[i] = part_key(PART_OFFER, playbook->offers.defs[i].id, 0);
    }
}

/* Two parts with one name would read each other's bytes: 32 bits among some hundred names, so look. */
static bool names_differ(const uint32_t *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (keys[i] == keys[k]) {
                return false;
            }
        }
    }
    return true;
}

struct name_pool {
    char *text;
    size_t used;
};

static bool view_add(struct engine *engine, struct name_pool *pool, struct engine_view_field field,
                     const char *prefix, struct slice name)
{
    if (engine->view_count == ENGINE_VIEW_FIELDS_MAX) {
        return false;
    }
    int size = snprintf(pool->text + pool->used, NAMES_SIZE - pool->used, "%s%.*s", prefix,
                        SLICE_ARG(name));
    if (size < 0 || (size_t)size >= NAMES_SIZE - pool->used) {
        return false;
    }
    field.name = slice_of(pool->text + pool->used, (size_t)size);
    field.key = (uint32_t)hash64(field.name, 0);
    pool->used += (size_t)size + 1;
    engine->view[engine->view_count++] = field;
    return true;
}

static bool build_view(struct engine *engine, char *names)
{
    const struct playbook *playbook = engine->playbook;
    struct name_pool pool = {names, 0};
    bool fits = true;
    for (uint32_t i = 0; i < playbook->feature_count; i++) {
        if (playbook->feature_defs[i].publish) {
            fits = fits && view_add(engine, &pool, (struct engine_view_field){.index = i}, "f.",
                                    slice_text(playbook->feature_defs[i].name));
        }
    }
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        for (uint32_t field = 0; playbook->series[i].publish && field < SERIES_FIELD_COUNT;
             field++) {
            uint32_t index = playbook->series[i].first_feature + field;
            fits = fits && view_add(engine, &pool, (struct engine_view_field){.index = index}, "f.",
                                    slice_text(playbook->names[index].name));
        }
    }
    for (uint32_t i = 0; i < playbook->life.count; i++) {
        if (playbook->life.defs[i].publish) {
            struct engine_view_field field = {.index = i, .kind = VIEW_LIFE};
            fits = fits && view_add(engine, &pool, field, "life.", playbook->life.defs[i].id);
        }
    }
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        if (playbook->segments.defs[i].publish) {
            struct engine_view_field field = {.index = i, .kind = VIEW_SEGMENT};
            fits = fits && view_add(engine, &pool, field, "seg.", playbook->segments.defs[i].id);
        }
    }
    bool offers = false;
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        offers = offers || playbook->offers.defs[i].publish;
    }
    if (offers) {
        struct engine_view_field field = {.kind = VIEW_OFFER};
        fits = fits && view_add(engine, &pool, field, "offer", (struct slice){NULL, 0});
    }
    return fits;
}

static uint64_t hash_layout(const struct engine *engine)
{
    const struct playbook *playbook = engine->playbook;
    uint64_t hash = hash64(slice_of(&engine->keys, sizeof(engine->keys)), playbook->hash);
    for (uint32_t i = 0; i < engine->view_count; i++) {
        hash = hash64(engine->view[i].name, hash);
    }
    return hash;
}

static size_t packed_size_max(const struct engine *engine)
{
    const struct playbook *playbook = engine->playbook;
    return CORE_PACKED_MAX + features_packed_size_max(playbook->features) +
           playbook->series_count * SERIES_PACKED_MAX + playbook->life.count * LIFE_PACKED_MAX +
           playbook->segments.count * SEGMENT_PACKED_MAX +
           playbook->offers.count * HISTORY_PACKED_MAX + LEDGER_PACKED_MAX + engine->view_count * 8;
}

static size_t task_packed_size_max(const struct playbook *playbook)
{
    size_t size = 1024 + playbook->segments.count * 24;
    for (uint32_t i = 0; i < playbook->offers.count; i++) {
        uint32_t arms = playbook->offers.defs[i].variant_count;
        uint32_t channels = 0;
        for (uint32_t channel = 0; channel < CHANNEL_COUNT; channel++) {
            channels += playbook->offers.defs[i].channels >> channel & 1;
        }
        uint32_t contexts = playbook->offers.policy.context_count;
        size += 32 + SIDES_PACKED_MAX +
                (size_t)(arms > 0 ? arms : 1) * channels * (contexts > 0 ? contexts : 1) *
                    ARM_PACKED_MAX;
    }
    return size;
}

static enum status check_limits(const struct engine *engine, struct status_text *out_text)
{
    const struct playbook *playbook = engine->playbook;
    const struct {
        const char *what;
        uint32_t count, max;
    } limits[] = {
        {"series", playbook->series_count, SERIES_DEFS_MAX},
        {"life events", playbook->life.count, LIFE_DEFS_MAX},
        {"segments", playbook->segments.count, SEGMENTS_MAX},
        {"offers", playbook->offers.count, OFFERS_MAX},
        {"features", playbook->name_count, RULES_FEATURES_MAX},
        {"outputs of one evaluation", engine->outputs_per_moment, ENGINE_OUTPUTS_PER_STEP_MAX},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (limits[i].count > limits[i].max) {
            return status_fail(out_text, STATUS_FULL, "the playbook has %u %s, at most %u",
                               limits[i].count, limits[i].what, limits[i].max);
        }
    }
    return STATUS_OK;
}

/* Say which part to make smaller: without the ids of events all would fit, or the largest feature. */
static enum status refuse_size(const struct playbook *playbook, size_t size,
                               struct status_text *out_text)
{
    size_t ids_size = features_ids_size_max(playbook->features);
    if (size - ids_size <= ENGINE_RECORD_SIZE_MAX) {
        return status_fail(out_text, STATUS_FULL,
                           "a customer may need %zu bytes, at most %d; %zu of them are ids of "
                           "events behind the remembered ones: write a smaller `remember`, or "
                           "shorter windows",
                           size, ENGINE_RECORD_SIZE_MAX, ids_size);
    }
    uint32_t worst = 0;
    uint32_t worst_size = 0;
    for (uint32_t i = 0; i < playbook->feature_count; i++) {
        struct features_cost cost = features_cost(playbook->features, i);
        if (cost.packed_size_max > worst_size) {
            worst_size = cost.packed_size_max;
            worst = i;
        }
    }
    return status_fail(
        out_text, STATUS_FULL,
        "a customer may need %zu bytes, at most %d; the largest part is f.%s with %u", size,
        ENGINE_RECORD_SIZE_MAX, worst_size > 0 ? playbook->feature_defs[worst].name : "-",
        worst_size);
}

static enum status check_sizes(const struct engine *engine, struct status_text *out_text)
{
    const struct playbook *playbook = engine->playbook;
    size_t size = packed_size_max(engine);
    if (size > ENGINE_RECORD_SIZE_MAX) {
        return refuse_size(playbook, size, out_text);
    }
    size = task_packed_size_max(playbook);
    if (size > ENGINE_RECORD_SIZE_MAX) {
        return status_fail(
            out_text, STATUS_FULL,
            "a task's counters may need %zu bytes, at most %d: fewer offers or variants", size,
            ENGINE_RECORD_SIZE_MAX);
    }
    const struct engine_keys *keys = &engine->keys;
    if (!names_differ(keys->series, playbook->series_count) ||
        !names_differ(keys->life, playbook->life.count) ||
        !names_differ(keys->segments, playbook->segments.count) ||
        !names_differ(keys->offers, playbook->offers.count)) {
        return status_fail(out_text, STATUS_INVALID,
                           "two definitions have one 32-bit name: change the id of one");
    }
    return STATUS_OK;
}

enum status engine_open(const struct playbook *playbook, const struct zones *zones,
                        struct engine_options options, const struct engine **out_engine,
                        struct status_text *out_text)
{
    struct engine *engine = memory_take(sizeof(*engine), "engine");
    engine->playbook = playbook;
    engine->zones = zones;
    engine->options = options;
    /* an offer: an exposure per layer (global, its own, its variants) and its experiments; a decision, what is
     * withdrawn, counters of an arm and of experiments */
    engine->outputs_per_moment =
        2 * playbook->segments.count + playbook->life.count + 4 * playbook->offers.count + 4;
    enum status status = check_limits(engine, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    if (!build_view(engine, memory_take(NAMES_SIZE, "engine names"))) {
        return status_fail(out_text, STATUS_FULL,
                           "more than %d published fields, or names too long",
                           ENGINE_VIEW_FIELDS_MAX);
    }
    name_parts(engine);
    reads_build(engine);
    event_index_build(engine);
    place_parts(engine);
    engine->layout_hash = hash_layout(engine);
    status = check_sizes(engine, out_text);
    if (status == STATUS_OK) {
        *out_engine = engine;
    }
    return status;
}

size_t engine_customer_size(const struct engine *engine)
{
    return engine->customer_size;
}

struct engine_customer_parts engine_customer_parts(const struct engine *engine)
{
    return (struct engine_customer_parts){.features = engine->recall - engine->features,
                                          .recall = engine->series - engine->recall,
                                          .series = engine->life - engine->series,
                                          .life = engine->segments - engine->life,
                                          .segments = engine->ledger - engine->segments,
                                          .offers = engine->view_hashes - engine->ledger,
                                          .one_series = sizeof(struct series_state),
                                          .one_life_event = sizeof(struct life_state)};
}

size_t engine_task_size(const struct engine *engine)
{
    return engine->task_size;
}

/* The line that holds byte `at` of a customer. */
static bool is_hot(const struct engine *engine, size_t at)
{
    const size_t hot[][2] = {
        {0, offsetof(struct customer, profile.country)},
        {engine->features, engine->series},
        {engine->segments, engine->ledger},
        {engine->ledger + offsetof(struct offers_state, contact_count), engine->histories}};
    size_t from = at / ENGINE_LINE_SIZE * ENGINE_LINE_SIZE;
    size_t to = from + ENGINE_LINE_SIZE;
    size_t sparse, size;
    for (uint32_t i = 0; features_sparse_at(engine->playbook->features, i, &sparse, &size); i++) {
        sparse += engine->features;
        if (from >= sparse && to <= sparse + size) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(hot) / sizeof(hot[0]); i++) {
        if (from < hot[i][1] && to > hot[i][0]) {
            return true;
        }
    }
    return false;
}

uint32_t engine_hot_lines(const struct engine *engine, uint16_t *out_lines, uint32_t limit)
{
    uint32_t count = 0;
    for (size_t at = 0; at < engine->customer_size && count < limit; at += ENGINE_LINE_SIZE) {
        if (is_hot(engine, at)) {
            out_lines[count++] = (uint16_t)(at / ENGINE_LINE_SIZE);
        }
    }
    return count;
}

uint64_t engine_layout_hash(const struct engine *engine)
{
    return engine->layout_hash;
}

uint64_t engine_playbook_hash(const struct engine *engine)
{
    return engine->playbook->hash;
}

void engine_customer_init(const struct engine *engine, struct customer *customer, struct slice id)
{
    INVARIANT(id.size <= CUSTOMER_ID_SIZE_MAX);
    memset(customer, 0, engine->customer_size);
    memcpy(customer->id, id.data, id.size);
    customer->id_size = (uint8_t)id.size;
    customer->seen_ms = INT64_MIN;
    customer->deadline_ms = INT64_MAX;
    customer->profile.updated_at_ms = INT64_MIN;
    customer->profile.zone = engine->playbook->zone;
    features_init(engine->playbook->features, part(customer, engine->features));
}

void engine_task_init(const struct engine *engine, void *task, uint32_t task_number)
{
    memset(task, 0, engine->task_size);
    struct task_head *head = task;
    head->number = task_number;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        head->silent_from_ms[i] = INT64_MAX;
    }
    head->act_ms = head->heard_ms = INT64_MIN;
    sweep_is_done(engine, task);
}

void sweep_is_done(const struct engine *engine, void *task)
{
    struct task_head *head = task;
    uint64_t *swept = part(task, engine->segments_swept);
    head->swept_hash = head->begun_hash = engine->playbook->hash;
    for (uint32_t i = 0; i < engine->playbook->segments.count; i++) {
        swept[i] = engine->playbook->segments.defs[i].hash;
    }
}
