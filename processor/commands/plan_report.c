/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/plan_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "commands/commands.h"
#include "commands/plan_kept.h"
#include "engine/explain.h"

enum { ABSENT = -1, WORKING_SIZE = 128 << 20 };

/* A definition in both playbooks, by id. */
struct pair {
    struct slice id;
    int32_t live, next; /* index, ABSENT */
    const char *state;
};

struct reason {
    char text[PLAN_REASON_SIZE];
    uint64_t count;
};

/* Customers in a definition under the one and under the other. */
struct moved {
    uint64_t next, enter, leave, keep;
};

struct movement {
    uint64_t live, others;
    struct moved applied, filled;
    struct reason reasons[PLAN_REASONS_MAX];
    uint32_t reason_count;
};

static void count_effects(void *side, struct effects *effects, int64_t now_ms)
{
    struct plan_side *counted = side;
    const struct engine *engine = counted->replay.opened.engine;
    uint32_t index;
    (void)now_ms;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct output *output = &effects->outputs[i];
        if (output->kind == OUTPUT_LIFE_EVENT && output->life_event.state == LIFE_CONFIRMED &&
            engine_find(engine, EXPLAIN_LIFE_EVENT, output->life_event.life_event.id, &index)) {
            counted->life[index]++;
        }
        for (uint32_t k = 0;
             output->kind == OUTPUT_OFFER_DECIDED && k < output->offer_decided.offer_count; k++) {
            if (engine_find(engine, EXPLAIN_OFFER, output->offer_decided.offers[k].offer.id,
                            &index)) {
                counted->offers[index]++;
            }
        }
    }
}

/* ---- definitions ---- */

struct definitions {
    struct slice (*id)(const struct playbook *playbook, uint32_t index);
    uint64_t (*hash)(const struct playbook *playbook, uint32_t index);
};

static struct slice segment_id(const struct playbook *playbook, uint32_t index)
{
    return playbook->segments.defs[index].id;
}

static uint64_t segment_hash(const struct playbook *playbook, uint32_t index)
{
    return playbook->segments.defs[index].hash;
}

static struct slice life_id(const struct playbook *playbook, uint32_t index)
{
    return playbook->life.defs[index].id;
}

static uint64_t life_hash(const struct playbook *playbook, uint32_t index)
{
    return playbook->life.defs[index].hash;
}

static struct slice offer_id(const struct playbook *playbook, uint32_t index)
{
    return playbook->offers.defs[index].id;
}

static uint64_t offer_hash(const struct playbook *playbook, uint32_t index)
{
    return playbook->offers.defs[index].hash;
}

/* Features, then series. */
static struct slice feature_id(const struct playbook *playbook, uint32_t index)
{
    return index < playbook->feature_count ? slice_text(playbook->feature_defs[index].name)
                                           : playbook->series[index - playbook->feature_count].id;
}

static uint64_t feature_hash(const struct playbook *playbook, uint32_t index)
{
    return index < playbook->feature_count ? playbook->feature_defs[index].hash
                                           : playbook->series[index - playbook->feature_count].hash;
}

static uint32_t count_of(const struct playbook *playbook, enum playbook_kind kind)
{
    switch (kind) {
    case PLAYBOOK_FEATURE:
        return playbook->feature_count + playbook->series_count;
    case PLAYBOOK_LIFE_EVENT:
        return playbook->life.count;
    case PLAYBOOK_SEGMENT:
        return playbook->segments.count;
    case PLAYBOOK_OFFER:
        return playbook->offers.count;
    }
    return 0;
}

static const struct definitions kinds[] = {
    [PLAYBOOK_FEATURE] = {feature_id, feature_hash},
    [PLAYBOOK_LIFE_EVENT] = {life_id, life_hash},
    [PLAYBOOK_SEGMENT] = {segment_id, segment_hash},
    [PLAYBOOK_OFFER] = {offer_id, offer_hash},
};

static int compare_pairs(const void *a, const void *b)
{
    const struct slice one = ((const struct pair *)a)->id, two = ((const struct pair *)b)->id;
    int order = memcmp(one.data, two.data, one.size < two.size ? one.size : two.size);
    return order != 0 ? order : (one.size > two.size) - (one.size < two.size);
}

/* The union of both sides by id. `out_pairs` has room for all. */
static uint32_t pair_up(const struct playbook *live, const struct playbook *next,
                        enum playbook_kind kind, struct pair *out_pairs)
{
    const struct definitions *of = &kinds[kind];
    uint32_t count = 0, live_count = count_of(live, kind), next_count = count_of(next, kind);
    for (uint32_t i = 0; i < next_count; i++) {
        out_pairs[count++] = (struct pair){of->id(next, i), ABSENT, (int32_t)i, "new"};
    }
    for (uint32_t i = 0; i < live_count; i++) {
        struct pair *found = NULL;
        for (uint32_t k = 0; k < next_count && found == NULL; k++) {
            found = slice_equal(out_pairs[k].id, of->id(live, i)) ? &out_pairs[k] : NULL;
        }
        if (found == NULL) {
            out_pairs[count++] = (struct pair){of->id(live, i), (int32_t)i, ABSENT, "dropped"};
        } else {
            found->live = (int32_t)i;
            found->state = of->hash(live, i) == of->hash(next, (uint32_t)found->next) ? "unchanged"
                                                                                      : "changed";
        }
    }
    qsort(out_pairs, count, sizeof(*out_pairs), compare_pairs);
    return count;
}

/* ---- who moves, and why ---- */

static void add_reason(struct movement *movement, const char *text)
{
    for (uint32_t i = 0; i < movement->reason_count; i++) {
        if (strcmp(movement->reasons[i].text, text) == 0) {
            movement->reasons[i].count++;
            return;
        }
    }
    if (movement->reason_count == PLAN_REASONS_MAX) {
        movement->others++;
        return;
    }
    struct reason *reason = &movement->reasons[movement->reason_count++];
    (void)snprintf(reason->text, sizeof(reason->text), "%s", text);
    reason->count = 1;
}

/* The leaf that keeps a customer out on the side where it is out. */
static void find_reason(struct plan_side *side, struct customer *customer, int32_t segment,
                        struct arena *arena, char out_text[PLAN_REASON_SIZE])
{
    struct explanation why;
    arena_reset(arena);
    (void)snprintf(out_text, PLAN_REASON_SIZE, "a dwell, a cool-down or a minimum stay");
    if (engine_explain(side->replay.opened.engine,
                       replay_task(&side->replay, customer_id(customer)), customer, EXPLAIN_SEGMENT,
                       (uint32_t)segment, customer->seen_ms, NULL, arena, &why) != STATUS_OK) {
        return;
    }
    for (uint32_t i = 0; i < why.leaf_count; i++) {
        const struct proof_leaf *leaf = &why.leaves[i];
        if (leaf->holds != (leaf->polarity == POLARITY_INCLUDING)) {
            (void)snprintf(out_text, PLAN_REASON_SIZE, "%.*s: %s%.*s", SLICE_ARG(leaf->leaf_id),
                           leaf->holds ? "" : "not ", SLICE_ARG(leaf->expr));
            return;
        }
    }
}

/* One customer on each side. */
struct customer_sides {
    struct customer *live, *applied, *filled;
};

static bool is_in(const struct plan_side *side, const struct customer *customer, int32_t segment)
{
    return segment != ABSENT &&
           engine_is_member(side->replay.opened.engine, customer, (uint32_t)segment);
}

static void count_moved(struct moved *moved, bool was, bool is)
{
    moved->next += is;
    moved->enter += is && !was;
    moved->leave += was && !is;
    moved->keep += was && is;
}

static void move(struct plan *plan, const struct pair *pair, const struct customer_sides *customer,
                 struct arena *arena, struct movement *movement)
{
    char text[PLAN_REASON_SIZE];
    bool was = is_in(&plan->live, customer->live, pair->live);
    bool is = is_in(&plan->applied, customer->applied, pair->next);
    movement->live += was;
    count_moved(&movement->applied, was, is);
    count_moved(&movement->filled, was, is_in(&plan->filled, customer->filled, pair->next));
    if (was == is) {
        return;
    }
    if (pair->live == ABSENT || pair->next == ABSENT ||
        plan->applied.replay.opened.playbook->segments.defs[pair->next].retired) {
        add_reason(movement, is ? "the segment is new" : "the segment is retired");
        return;
    }
    if (is) {
        find_reason(&plan->live, customer->live, pair->live, arena, text);
    } else {
        find_reason(&plan->applied, customer->applied, pair->next, arena, text);
    }
    add_reason(movement, text);
}

static int compare_reasons(const void *a, const void *b)
{
    uint64_t one = ((const struct reason *)a)->count, two = ((const struct reason *)b)->count;
    return (one < two) - (one > two);
}

static json_t *id_of(struct slice id)
{
    return json_stringn((const char *)id.data, id.size);
}

static void add_moved(json_t *row, const struct moved *moved)
{
    (void)json_object_set_new(row, "new", json_integer((json_int_t)moved->next));
    (void)json_object_set_new(row, "enter", json_integer((json_int_t)moved->enter));
    (void)json_object_set_new(row, "leave", json_integer((json_int_t)moved->leave));
    (void)json_object_set_new(row, "keep", json_integer((json_int_t)moved->keep));
}

static void add_lacks(const struct plan_kept *kept, enum playbook_kind kind,
                      const struct pair *pair, json_t *row)
{
    json_t *lacks =
        pair->next == ABSENT ? json_array() : plan_kept_lacks(kept, kind, (uint32_t)pair->next);
    (void)json_object_set_new(row, "sees_too_little", lacks);
}

static json_t *segment_row(const struct pair *pair, struct movement *movement, bool retired)
{
    json_t *reasons = json_array();
    qsort(movement->reasons, movement->reason_count, sizeof(struct reason), compare_reasons);
    for (uint32_t i = 0; i < movement->reason_count; i++) {
        (void)json_array_append_new(reasons,
                                    json_pack("{s:s, s:I}", "text", movement->reasons[i].text,
                                              "count", (json_int_t)movement->reasons[i].count));
    }
    if (movement->others > 0) {
        (void)json_array_append_new(reasons, json_pack("{s:s, s:I}", "text", "others", "count",
                                                       (json_int_t)movement->others));
    }
    json_t *row = json_pack("{s:o, s:s, s:I}", "id", id_of(pair->id), "state",
                            retired ? "retired" : pair->state, "live", (json_int_t)movement->live);
    json_t *filled = json_object();
    add_moved(row, &movement->applied);
    add_moved(filled, &movement->filled);
    (void)json_object_set_new(row, "filled", filled);
    (void)json_object_set_new(row, "reasons", reasons);
    return row;
}

static json_t *segment_rows(struct plan *plan, const struct plan_kept *kept)
{
    const struct playbook *after = plan->applied.replay.opened.playbook;
    struct pair *pairs = memory_take(2 * SEGMENTS_MAX * sizeof(*pairs), "plan");
    uint32_t count = pair_up(plan->live.replay.opened.playbook, after, PLAYBOOK_SEGMENT, pairs);
    struct movement *movements = memory_take((count + 1) * sizeof(*movements), "plan");
    struct arena arena;
    arena_init(&arena, memory_take(EXPLAIN_ARENA_SIZE, "plan"), EXPLAIN_ARENA_SIZE);
    for (uint32_t c = 0; c < customers_count(plan->live.replay.customers); c++) {
        /* All sides saw the same events, so customer c is the same on each. */
        struct customer_sides customer = {customers_at(plan->live.replay.customers, c),
                                          customers_at(plan->applied.replay.customers, c),
                                          customers_at(plan->filled.replay.customers, c)};
        if (customer.live == NULL || customer.applied == NULL || customer.filled == NULL) {
            return NULL;
        }
        for (uint32_t i = 0; i < count; i++) {
            move(plan, &pairs[i], &customer, &arena, &movements[i]);
        }
    }
    json_t *rows = json_array();
    for (uint32_t i = 0; i < count; i++) {
        bool retired = pairs[i].next != ABSENT && after->segments.defs[pairs[i].next].retired;
        json_t *row = segment_row(&pairs[i], &movements[i], retired);
        add_lacks(kept, PLAYBOOK_SEGMENT, &pairs[i], row);
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

/* Life events or offers, with a count per side. */
static json_t *counted_rows(const struct plan *plan, const struct plan_kept *kept,
                            enum playbook_kind kind, const uint64_t *live_counts,
                            const uint64_t *next_counts)
{
    const struct playbook *before = plan->live.replay.opened.playbook;
    const struct playbook *after = plan->filled.replay.opened.playbook;
    uint32_t room = count_of(before, kind) + count_of(after, kind) + 1;
    struct pair *pairs = memory_take(room * sizeof(*pairs), "plan");
    uint32_t count = pair_up(before, after, kind, pairs);
    json_t *rows = json_array();
    for (uint32_t i = 0; i < count; i++) {
        uint64_t was = pairs[i].live == ABSENT ? 0 : live_counts[pairs[i].live];
        uint64_t is = pairs[i].next == ABSENT ? 0 : next_counts[pairs[i].next];
        json_t *row = json_pack("{s:o, s:s, s:I, s:I}", "id", id_of(pairs[i].id), "state",
                                pairs[i].state, "live", (json_int_t)was, "new", (json_int_t)is);
        add_lacks(kept, kind, &pairs[i], row);
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *feature_rows(const struct plan *plan, const struct plan_kept *kept)
{
    struct pair *pairs = memory_take((size_t)(2 * PLAN_KEPT_MAX) * sizeof(*pairs), "plan");
    uint32_t count = pair_up(plan->live.replay.opened.playbook, plan->filled.replay.opened.playbook,
                             PLAYBOOK_FEATURE, pairs);
    json_t *rows = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_t *row = json_pack("{s:o, s:s}", "id", id_of(pairs[i].id), "state", pairs[i].state);
        if (pairs[i].next == ABSENT) {
            (void)json_object_set_new(row, "record", json_string("dropped"));
        } else {
            plan_kept_add(kept, (uint32_t)pairs[i].next, row);
        }
        (void)json_array_append_new(rows, row);
    }
    return rows;
}

static int64_t last_moment(const struct replay *replay)
{
    int64_t last_ms = 0;
    for (uint32_t i = 0; i < replay->task_count; i++) {
        last_ms = replay->now_ms[i] > last_ms ? replay->now_ms[i] : last_ms;
    }
    return last_ms;
}

static json_t *hash_text(uint64_t hash)
{
    return json_sprintf("%016" PRIx64, hash);
}

int plan_open(struct plan *plan, uint32_t task_count, const char *salt)
{
    struct plan_side *sides[] = {&plan->live, &plan->applied, &plan->filled};
    int code = EXIT_GOOD;
    plan->applied.replay.opened = plan->filled.replay.opened;
    for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]) && code == EXIT_GOOD; i++) {
        struct replay *replay = &sides[i]->replay;
        replay->task_count = task_count;
        replay->on_effects = count_effects;
        replay->context = sides[i];
        code = replay_open("plan", replay, salt, WORKING_SIZE);
    }
    return code;
}

bool plan_event(struct plan *plan, struct event *event)
{
    replay_event(&plan->live.replay, event);
    replay_event(&plan->filled.replay, event);
    return !plan->live.replay.failed && !plan->filled.replay.failed;
}

json_t *plan_finish(struct plan *plan)
{
    struct plan_side *live = &plan->live, *next = &plan->filled;
    replay_finish(&live->replay);
    replay_finish(&next->replay);
    replay_take_over(&plan->applied.replay, &live->replay);
    if (plan->applied.replay.failed || next->replay.failed) {
        return NULL;
    }
    struct plan_kept *kept = memory_take(sizeof(*kept), "plan");
    plan_kept_find(live->replay.opened.playbook, next->replay.opened.playbook,
                   plan->applied_ms != 0 ? plan->applied_ms : last_moment(&live->replay), kept);
    json_t *segments = segment_rows(plan, kept);
    if (segments == NULL) {
        return NULL;
    }
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "live",
        hash_text(live->replay.opened.playbook->hash), "new",
        hash_text(next->replay.opened.playbook->hash), "events", (json_int_t)next->replay.events,
        "customers", (json_int_t)customers_count(next->replay.customers), "segments", segments,
        "life_events", counted_rows(plan, kept, PLAYBOOK_LIFE_EVENT, live->life, next->life),
        "offers", counted_rows(plan, kept, PLAYBOOK_OFFER, live->offers, next->offers), "features",
        feature_rows(plan, kept));
}
