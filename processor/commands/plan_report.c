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
    json_t *entering, *leaving; /* the first of their ids; NULL: not asked for */
};

struct movement {
    uint64_t live, others;
    struct moved applied, filled;
    struct reason reasons[PLAN_REASONS_MAX];
    uint32_t reason_count;
};

static uint64_t offer_bit(const struct engine *engine, struct slice id)
{
    uint32_t index;
    return engine_find(engine, EXPLAIN_OFFER, id, &index) ? UINT64_C(1) << index : 0;
}

static bool make_room(struct plan_side *side, uint32_t customer)
{
    uint32_t room = side->offered_room;
    while (room <= customer) {
        room = room == 0 ? 4096 : 2 * room;
    }
    if (room == side->offered_room) {
        return true;
    }
    uint64_t *offered = realloc(side->offered, room * sizeof(*offered));
    if (offered == NULL) {
        side->replay.failed = true;
        return false;
    }
    memset(offered + side->offered_room, 0, (room - side->offered_room) * sizeof(*offered));
    side->offered = offered;
    side->offered_room = room;
    return true;
}

static void count_offers(struct plan_side *side, const struct offer_decided *decided)
{
    const struct engine *engine = side->replay.opened.engine;
    uint32_t index;
    if (!make_room(side, side->replay.customer)) {
        return;
    }
    uint64_t *offered = &side->offered[side->replay.customer];
    for (uint32_t i = 0; i < decided->withdrawn_count; i++) {
        *offered &= ~offer_bit(engine, decided->withdrawn[i].offer_id);
    }
    for (uint32_t i = 0; i < decided->offer_count; i++) {
        if (engine_find(engine, EXPLAIN_OFFER, decided->offers[i].offer.id, &index)) {
            *offered |= UINT64_C(1) << index;
            side->offers[index]++;
        }
    }
}

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
        if (output->kind == OUTPUT_OFFER_DECIDED) {
            count_offers(counted, &output->offer_decided);
        }
    }
}

/* What was offered under the live playbook stays so until the sweep says otherwise. */
static void take_over_offers(struct plan *plan)
{
    const struct offers *before = &plan->live.replay.opened.playbook->offers;
    const struct engine *engine = plan->applied.replay.opened.engine;
    uint32_t count = customers_count(plan->live.replay.customers);
    if (count == 0 || !make_room(&plan->applied, count - 1) || !make_room(&plan->live, count - 1) ||
        !make_room(&plan->filled, count - 1)) {
        return;
    }
    for (uint32_t c = 0; c < count; c++) {
        for (uint32_t i = 0; i < before->count && plan->live.offered[c] != 0; i++) {
            if ((plan->live.offered[c] >> i & 1) != 0) {
                plan->applied.offered[c] |= offer_bit(engine, before->defs[i].id);
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

static json_t *id_of(struct slice id)
{
    return json_stringn((const char *)id.data, id.size);
}

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
    uint32_t number;
    struct customer *live, *applied, *filled;
};

/* Is a member, is known to be in that life event, was made that offer. */
static bool is_in(const struct plan_side *side, enum playbook_kind kind,
                  const struct customer *customer, uint32_t number, int32_t index)
{
    const struct engine *engine = side->replay.opened.engine;
    if (index == ABSENT) {
        return false;
    }
    return kind == PLAYBOOK_SEGMENT      ? engine_is_member(engine, customer, (uint32_t)index)
           : kind == PLAYBOOK_LIFE_EVENT ? engine_is_confirmed(engine, customer, (uint32_t)index)
                                         : (side->offered[number] >> index & 1) != 0;
}

static void count_moved(struct moved *moved, bool was, bool is, const struct customer *customer)
{
    json_t *ids = is ? moved->entering : moved->leaving;
    moved->next += is;
    moved->enter += is && !was;
    moved->leave += was && !is;
    moved->keep += was && is;
    if (was != is && ids != NULL && json_array_size(ids) < PLAN_IDS_MAX) {
        (void)json_array_append_new(ids, id_of(customer_id(customer)));
    }
}

static bool is_retired(const struct plan *plan, const struct pair *pair)
{
    return pair->next != ABSENT &&
           plan->applied.replay.opened.playbook->segments.defs[pair->next].retired;
}

static void reason_of(struct plan *plan, const struct pair *pair,
                      const struct customer_sides *customer, bool is, struct arena *arena,
                      struct movement *movement)
{
    char text[PLAN_REASON_SIZE];
    if (pair->live == ABSENT || pair->next == ABSENT || is_retired(plan, pair)) {
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

static void move(struct plan *plan, enum playbook_kind kind, const struct pair *pair,
                 const struct customer_sides *customer, struct arena *arena,
                 struct movement *movement)
{
    uint32_t number = customer->number;
    bool was = is_in(&plan->live, kind, customer->live, number, pair->live);
    bool is = is_in(&plan->applied, kind, customer->applied, number, pair->next);
    bool filled = is_in(&plan->filled, kind, customer->filled, number, pair->next);
    movement->live += was;
    count_moved(&movement->applied, was, is, customer->live);
    count_moved(&movement->filled, was, filled, customer->live);
    if (was != is && kind == PLAYBOOK_SEGMENT) {
        reason_of(plan, pair, customer, is, arena, movement);
    }
}

static int compare_reasons(const void *a, const void *b)
{
    uint64_t one = ((const struct reason *)a)->count, two = ((const struct reason *)b)->count;
    return (one < two) - (one > two);
}

/* Customers enter and leave segments; a life event or an offer they gain and lose. */
static const char *const move_words[][3] = {
    {"gained", "lost", "kept"},
    {"enter", "leave", "keep"},
};

/* Counts; and the ids of those who move, and how many more there are. */
static void add_moved(json_t *row, enum playbook_kind kind, const struct moved *moved)
{
    const char *const *words = move_words[kind == PLAYBOOK_SEGMENT];
    (void)json_object_set_new(row, "new", json_integer((json_int_t)moved->next));
    (void)json_object_set_new(row, words[0], json_integer((json_int_t)moved->enter));
    (void)json_object_set_new(row, words[1], json_integer((json_int_t)moved->leave));
    (void)json_object_set_new(row, words[2], json_integer((json_int_t)moved->keep));
    if (moved->entering == NULL) {
        return;
    }
    uint64_t more_in = moved->enter - json_array_size(moved->entering);
    uint64_t more_out = moved->leave - json_array_size(moved->leaving);
    (void)json_object_set_new(row, "customers",
                              json_pack("{s:{s:o, s:I}, s:{s:o, s:I}}", words[0], "ids",
                                        moved->entering, "more", (json_int_t)more_in, words[1],
                                        "ids", moved->leaving, "more", (json_int_t)more_out));
}

static void add_lacks(const struct plan_kept *kept, enum playbook_kind kind,
                      const struct pair *pair, json_t *row)
{
    json_t *lacks =
        pair->next == ABSENT ? json_array() : plan_kept_lacks(kept, kind, (uint32_t)pair->next);
    (void)json_object_set_new(row, "sees_too_little", lacks);
}

static json_t *reasons_of(struct movement *movement)
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
    return reasons;
}

/* How often it was decided, each customer as often as it came. */
static json_t *in_sample(const struct plan *plan, enum playbook_kind kind, const struct pair *pair)
{
    bool offer = kind == PLAYBOOK_OFFER;
    const uint64_t *live = offer ? plan->live.offers : plan->live.life;
    const uint64_t *next = offer ? plan->filled.offers : plan->filled.life;
    return json_pack("{s:I, s:I}", "live",
                     (json_int_t)(pair->live == ABSENT ? 0 : live[pair->live]), "new",
                     (json_int_t)(pair->next == ABSENT ? 0 : next[pair->next]));
}

static json_t *row_of(const struct plan *plan, const struct plan_kept *kept,
                      enum playbook_kind kind, const struct pair *pair, struct movement *movement)
{
    bool retired = kind == PLAYBOOK_SEGMENT && is_retired(plan, pair);
    json_t *row = json_pack("{s:o, s:s, s:I}", "id", id_of(pair->id), "state",
                            retired ? "retired" : pair->state, "live", (json_int_t)movement->live);
    json_t *filled = json_object();
    add_moved(row, kind, &movement->applied);
    add_moved(filled, kind, &movement->filled);
    (void)json_object_set_new(row, "filled", filled);
    add_lacks(kept, kind, pair, row);
    if (kind == PLAYBOOK_SEGMENT) {
        (void)json_object_set_new(row, "reasons", reasons_of(movement));
    } else {
        (void)json_object_set_new(row, "in_sample", in_sample(plan, kind, pair));
    }
    return row;
}

/* NULL: out of memory. */
static json_t *rows_of(struct plan *plan, const struct plan_kept *kept, enum playbook_kind kind)
{
    const struct playbook *before = plan->live.replay.opened.playbook;
    const struct playbook *after = plan->applied.replay.opened.playbook;
    uint32_t room = count_of(before, kind) + count_of(after, kind) + 1;
    struct pair *pairs = memory_take(room * sizeof(*pairs), "plan");
    uint32_t count = pair_up(before, after, kind, pairs);
    struct movement *movements = memory_take((count + 1) * sizeof(*movements), "plan");
    struct arena arena;
    arena_init(&arena, memory_take(EXPLAIN_ARENA_SIZE, "plan"), EXPLAIN_ARENA_SIZE);
    for (uint32_t i = 0; i < count && plan->ids; i++) {
        struct moved *both[] = {&movements[i].applied, &movements[i].filled};
        for (size_t k = 0; k < 2; k++) {
            both[k]->entering = json_array();
            both[k]->leaving = json_array();
        }
    }
    for (uint32_t c = 0; c < customers_count(plan->live.replay.customers); c++) {
        /* All sides saw the same events, so customer c is the same on each. */
        struct customer_sides customer = {c, customers_at(plan->live.replay.customers, c),
                                          customers_at(plan->applied.replay.customers, c),
                                          customers_at(plan->filled.replay.customers, c)};
        if (customer.live == NULL || customer.applied == NULL || customer.filled == NULL) {
            return NULL;
        }
        for (uint32_t i = 0; i < count; i++) {
            move(plan, kind, &pairs[i], &customer, &arena, &movements[i]);
        }
    }
    json_t *rows = json_array();
    for (uint32_t i = 0; i < count; i++) {
        (void)json_array_append_new(rows, row_of(plan, kept, kind, &pairs[i], &movements[i]));
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
    take_over_offers(plan);
    replay_take_over(&plan->applied.replay, &live->replay);
    if (plan->applied.replay.failed || next->replay.failed) {
        return NULL;
    }
    struct plan_kept *kept = memory_take(sizeof(*kept), "plan");
    plan_kept_find(live->replay.opened.playbook, next->replay.opened.playbook,
                   plan->applied_ms != 0 ? plan->applied_ms : last_moment(&live->replay), kept);
    json_t *segments = rows_of(plan, kept, PLAYBOOK_SEGMENT);
    json_t *life = rows_of(plan, kept, PLAYBOOK_LIFE_EVENT);
    json_t *offers = rows_of(plan, kept, PLAYBOOK_OFFER);
    if (segments == NULL || life == NULL || offers == NULL) {
        return NULL;
    }
    return json_pack("{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "live",
                     hash_text(live->replay.opened.playbook->hash), "new",
                     hash_text(next->replay.opened.playbook->hash), "events",
                     (json_int_t)next->replay.events, "customers",
                     (json_int_t)customers_count(next->replay.customers), "segments", segments,
                     "life_events", life, "offers", offers, "features", feature_rows(plan, kept));
}
