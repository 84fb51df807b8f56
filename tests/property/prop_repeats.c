/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of events that come again to a busy customer: bursts of more events within allowed_lateness than are
 * remembered with what they gave (SEED=n repeats one):
 *   once       as many as ids are known: each counts once, whenever and in whatever order it comes again
 *   order      any order of arrival leaves the same record, byte for byte, with more events than ids are known too
 *   unsure     with more: one that comes again is told to be a duplicate, or that it may be one
 *   taken back PENDING, POSTED and reversals with the event's own fields: counts and sums are those of the recount,
 *              whatever was LATE when it came
 *   conditions other conditions half way: what is kept is the recount of all, what is held anew never loses a hold
 *              from before
 *   packing    state packed and unpacked at any moment goes on as if nothing had been */
#include "features_model.h"
#include "law.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/fields.h"

enum {
    RUNS = 150,
    EVENTS_MAX = 500,
    ARRIVALS_MAX = 2 * EVENTS_MAX,
    ARENA_SIZE = 1 << 20,
    PACKED_SIZE_MAX = 1 << 16,
    SPREAD_MS = 5 * 24 * 3600 * 1000,      /* less than the 7 days of allowed_lateness */
    NOW_MS = SPREAD_MS + 31 * 3600 * 1000, /* after all reversals */
};

static uint32_t repeats_met, unsure_met, taken_met, late_met, holds_met;
static const struct zones *zones;

/* ---- definitions ---- */

static bool is_large(const struct event *event)
{
    return event->tx.amount_minor > 600;
}

static const struct cel_program large = {is_large, NULL};

/* The first are told exactly after a reversal too, the first of those when the conditions change as well. */
enum { KEPT = 7, HELD = KEPT, COUNTED = 10, DEFS = 15 };
static struct feature_def defs[DEFS], changed_defs[COUNTED];

static struct feature_def define(const char *name, enum feature_kind kind, enum feature_unit unit,
                                 uint32_t length)
{
    struct feature_def def = {
        .name = name, .kind = kind, .source = SOURCE_TRANSACTIONS, .unit = unit, .length = length};
    enum feature_needs needs = features_kind(kind)->needs;
    if (needs != FEATURE_NEEDS_NOTHING) {
        const char *field = needs == FEATURE_NEEDS_NUMBER ? "amount_minor" : "merchant_country";
        def.from = FEATURE_FROM_FIELD;
        def.value_field = (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text(field));
    }
    return def;
}

static void make_defs(void)
{
    uint32_t n = 0;
    defs[n++] = define("count", FEATURE_COUNT, FEATURE_ALL, 0);
    defs[n++] = define("sum_day", FEATURE_SUM, FEATURE_DAYS, 1);
    defs[n++] = define("sum_3d", FEATURE_SUM, FEATURE_DAYS, 3);
    defs[n++] = define("avg_7d", FEATURE_AVG, FEATURE_DAYS, 7);
    defs[n++] = define("active", FEATURE_ACTIVE_DAYS, FEATURE_DAYS, 30);
    defs[n++] = define("late_sum", FEATURE_SUM, FEATURE_ALL, 0);
    defs[n - 1].late = FEATURE_LATE_ONLY;
    defs[n++] = define("with_late", FEATURE_COUNT, FEATURE_DAYS, 7);
    defs[n - 1].late = FEATURE_LATE_INCLUDE;
    INVARIANT(n == KEPT);
    defs[n++] = define("held", FEATURE_SUM, FEATURE_ALL, 0);
    defs[n - 1].pending = FEATURE_PENDING_ONLY;
    defs[n++] = define("large_hours", FEATURE_COUNT, FEATURE_MINUTES, 2880);
    defs[n - 1].where = &large;
    defs[n - 1].where_text = slice_text("large");
    defs[n++] = define("both", FEATURE_COUNT, FEATURE_ALL, 0);
    defs[n - 1].pending = FEATURE_PENDING_INCLUDE;
    INVARIANT(n == COUNTED);
    defs[n++] = define("max", FEATURE_MAX, FEATURE_ALL, 0);
    defs[n++] = define("last", FEATURE_LAST, FEATURE_ALL, 0);
    defs[n++] = define("median", FEATURE_QUANTILE, FEATURE_EVENTS, 9);
    defs[n - 1].quantile = 0.5;
    defs[n++] = define("countries", FEATURE_DISTINCT, FEATURE_DAYS, 30);
    defs[n++] = define("min_day", FEATURE_MIN, FEATURE_DAYS, 2);
    INVARIANT(n == DEFS);
    memcpy(changed_defs, defs, sizeof(changed_defs));
    changed_defs[HELD].where = &large;
    changed_defs[HELD].where_text = slice_text("large enough to hold");
}

/* ---- arrivals ---- */

static struct model_event arrivals[ARRIVALS_MAX];
static uint32_t arrival_count;
static int64_t start_ms;

/* Equal times are told apart by arrival, so each has its own: its milliseconds end in its number. */
static int64_t own_time(int64_t time_ms, uint32_t i)
{
    return time_ms / 1000 * 1000 + i % 1000;
}

static struct model_event make_event(struct random *random, uint32_t i, int64_t time_ms)
{
    static const char *const countries[] = {"GB", "FR", "ES", "DE", "IT"};
    struct model_event e = {.event = {.source = SOURCE_TRANSACTIONS,
                                      .time_ms = own_time(time_ms, i),
                                      .present = UINT64_MAX,
                                      .tx = {.currency = slice_text("GB"),
                                             .amount_minor = random_between(random, 1, 1000),
                                             .status = TX_POSTED}}};
    (void)snprintf(e.id, sizeof(e.id), "e%u", i);
    (void)snprintf(e.text, sizeof(e.text), "%s", countries[random_below(random, 5)]);
    return e;
}

static void bind(struct model_event *e)
{
    e->event.event_id = slice_text(e->id);
    e->event.tx.reverses = slice_text(e->reverses);
    e->event.tx.merchant_country = slice_text(e->text);
}

/* Put before the arrival number `at`. */
static void insert(uint32_t at, const struct model_event *e)
{
    INVARIANT(arrival_count < ARRIVALS_MAX && at <= arrival_count);
    struct model_event copy = *e;
    memmove(&arrivals[at + 1], &arrivals[at], (arrival_count - at) * sizeof(copy));
    arrivals[at] = copy;
    arrival_count++;
}

static void shuffle(struct random *random)
{
    for (uint32_t i = arrival_count; i > 1; i--) {
        uint32_t k = (uint32_t)random_below(random, i);
        struct model_event swap = arrivals[i - 1];
        arrivals[i - 1] = arrivals[k];
        arrivals[k] = swap;
    }
}

/* A burst of so many events, in order of time; mostly in one hour. */
static void make_burst(struct random *random, uint32_t count)
{
    arrival_count = 0;
    int64_t hour_ms = random_between(random, 0, SPREAD_MS - MS_PER_HOUR);
    for (uint32_t i = 0; i < count; i++) {
        bool dense = random_chance(random, 0.8);
        int64_t at_ms = dense ? hour_ms + random_between(random, 0, MS_PER_HOUR)
                              : random_between(random, 0, SPREAD_MS);
        struct model_event e = make_event(random, i, start_ms + at_ms);
        uint32_t at = arrival_count;
        while (at > 0 && arrivals[at - 1].event.time_ms > e.event.time_ms) {
            at--;
        }
        insert(at, &e);
    }
}

static void repeat_some(struct random *random, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct model_event again = arrivals[random_below(random, arrival_count)];
        insert((uint32_t)random_below(random, arrival_count + 1), &again);
    }
}

/* Some are PENDING first, some are reversed: by events of their own fields, before or after. */
static void take_some_back(struct random *random, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t of = (uint32_t)random_below(random, arrival_count);
        struct model_event other = arrivals[of];
        if (other.event.tx.status != TX_POSTED) {
            continue;
        }
        if (random_chance(random, 0.5)) {
            other.event.tx.status = TX_PENDING; /* same id and fields, a little earlier */
            other.event.time_ms -= 1000;
            insert((uint32_t)random_below(random, of + 1), &other);
        } else {
            other.event.tx.status = TX_REVERSED;
            int64_t later_ms = random_between(random, MS_PER_MINUTE, 30 * MS_PER_HOUR);
            other.event.time_ms = own_time(other.event.time_ms + later_ms, 500 + i);
            memcpy(other.reverses, other.id, sizeof(other.id));
            (void)snprintf(other.id, sizeof(other.id), "r%u", i);
            insert((uint32_t)random_below(random, arrival_count + 1), &other);
        }
        taken_met++;
    }
}

/* ---- one run ---- */

struct run {
    const struct features_plan *plan;
    struct customer customer;
    uint32_t remembered;
    int32_t late_after;        /* days; 0: never */
    struct model model, since; /* all arrivals; those since the conditions changed */
    void *state, *other;
    struct arena scratch;
};

static uint8_t packed[PACKED_SIZE_MAX], packed_other[PACKED_SIZE_MAX];

static size_t pack(const struct features_plan *plan, const void *state, uint8_t *out)
{
    struct bytes_writer writer = bytes_writer(out, PACKED_SIZE_MAX);
    features_pack(plan, state, &writer);
    LAW(!writer.full && writer.size <= features_packed_size_max(plan),
        "packing: larger than features_packed_size_max");
    return writer.size;
}

static void repack(struct run *run, void *state)
{
    struct status_text text;
    size_t size = pack(run->plan, state, packed);
    struct bytes_reader reader = bytes_reader(slice_of(packed, size));
    LAW(features_unpack(run->plan, state, &reader, &text) == STATUS_OK, "packing: %s", text.text);
    LAW(bytes_left(&reader) == 0, "packing: bytes are left");
    LAW(pack(run->plan, state, packed_other) == size && memcmp(packed, packed_other, size) == 0,
        "packing: other bytes after unpacking");
}

static struct features_outcome give(struct run *run, void *state, struct model_event *e)
{
    bind(e);
    struct scope scope = {.now_ms = start_ms + NOW_MS,
                          .event = &e->event,
                          .customer = &run->customer,
                          .zones = zones};
    return features_event(run->plan, state, &scope, &run->scratch);
}

static void build(struct run *run, struct arena *arena, const struct feature_def *all,
                  uint32_t count)
{
    struct features_options options = features_options_default();
    struct features_problem problem;
    options.remembered[SOURCE_TRANSACTIONS] = run->remembered;
    options.late_after_days = run->late_after;
    arena_reset(arena);
    LAW(features_plan_build(all, count, &options, arena, &run->plan, &problem) == STATUS_OK,
        "plan: %s", problem.text.text);
    run->state = arena_take(arena, features_state_size(run->plan));
    run->other = arena_take(arena, features_state_size(run->plan));
    LAW(run->other != NULL, "plan: two states do not fit");
}

static void give_all(struct run *run, void *state, struct random *random)
{
    features_init(run->plan, state);
    for (uint32_t i = 0; i < arrival_count; i++) {
        (void)give(run, state, &arrivals[i]);
        if (random_chance(random, 0.02)) {
            repack(run, state);
        }
    }
}

static void check_same_bytes(struct run *run)
{
    size_t size = pack(run->plan, run->state, packed);
    size_t other = pack(run->plan, run->other, packed_other);
    LAW(size == other && memcmp(packed, packed_other, size) == 0, "order: bytes differ");
}

/* The features from..to against the recount. */
static void check_recount(struct run *run, const struct model *model, const struct feature_def *all,
                          uint32_t from, uint32_t to, uint32_t step)
{
    struct feature_value got[DEFS];
    struct feature_value want[DEFS];
    int64_t now_ms = start_ms + NOW_MS;
    struct scope scope = {.now_ms = now_ms, .customer = &run->customer, .zones = zones};
    features_values(run->plan, run->state, &scope, got);
    for (uint32_t i = from; i < to; i++) {
        want[i] = model_value(model, all, i, now_ms, want);
        bool same = got[i].present == want[i].present;
        if (got[i].type == FEATURE_STRING) {
            same = same && slice_equal(got[i].text, want[i].text);
        } else if (got[i].type == FEATURE_DOUBLE) {
            double off = got[i].d - want[i].d;
            same = same && off < 1e-6 && off > -1e-6;
        } else {
            same = same && got[i].i == want[i].i;
        }
        LAW(same, "once: step %u, %s: got %d %lld, want %d %lld", step, all[i].name, got[i].present,
            (long long)got[i].i, want[i].present, (long long)want[i].i);
    }
}

/* Each arrival against the model; `count` features against its recount. */
static void follow(struct run *run, struct random *random, uint32_t count)
{
    features_init(run->plan, run->state);
    run->model.count = 0;
    run->model.latest_day = INT32_MIN;
    for (uint32_t i = 0; i < arrival_count; i++) {
        struct features_outcome got = give(run, run->state, &arrivals[i]);
        enum features_result want = model_take(&run->model, &arrivals[i], run->late_after);
        LAW(got.result == want && !got.unsure, "once: step %u, %s: result %d, want %d", i,
            arrivals[i].id, (int)got.result, (int)want);
        repeats_met += want == FEATURES_DUPLICATE;
        late_met += want == FEATURES_LATE;
        if (i % 41 == 0 || i + 1 == arrival_count) {
            check_recount(run, &run->model, defs, 0, count, i);
        }
        if (random_chance(random, 0.05)) {
            repack(run, run->state);
        }
    }
}

/* The arrival takes the place of a hold from before the conditions changed. */
static bool was_held(const struct model *model, const struct model *since, uint32_t arrival)
{
    bool held = false;
    for (uint32_t i = 0; i < model->count; i++) {
        held = held || (model->events[i].event.tx.status == TX_PENDING &&
                        strcmp(model->events[i].id, arrivals[arrival].id) == 0);
    }
    for (uint32_t i = 0; i < since->count; i++) {
        held = held && strcmp(since->events[i].id, arrivals[arrival].id) != 0;
    }
    return held && arrivals[arrival].event.tx.status == TX_POSTED;
}

/* As `follow`, with other conditions from somewhere on. */
static void follow_change(struct run *run, struct arena *arena, struct random *random)
{
    uint32_t from = (uint32_t)random_below(random, arrival_count);
    const struct feature_def *all = defs;
    features_init(run->plan, run->state);
    run->model.count = run->since.count = 0;
    run->model.latest_day = INT32_MIN;
    for (uint32_t i = 0; i < arrival_count; i++) {
        if (i == from) {
            size_t size = pack(run->plan, run->state, packed);
            all = changed_defs;
            build(run, arena, all, COUNTED);
            struct bytes_reader reader = bytes_reader(slice_of(packed, size));
            LAW(features_unpack(run->plan, run->state, &reader, NULL) == STATUS_OK,
                "conditions: not read");
            run->since.latest_day = run->model.latest_day;
        }
        enum features_result got = give(run, run->state, &arrivals[i]).result;
        enum features_result want = model_take(&run->model, &arrivals[i], run->late_after);
        LAW(got == want, "conditions: step %u, %s: result %d, want %d", i, arrivals[i].id, (int)got,
            (int)want);
        if (i >= from && got != FEATURES_DUPLICATE) {
            holds_met += got != FEATURES_REVERSED && was_held(&run->model, &run->since, i);
            (void)model_take(&run->since, &arrivals[i], run->late_after);
        }
        if (random_chance(random, 0.05)) {
            repack(run, run->state);
        }
        check_recount(run, &run->model, all, 0, KEPT, i);
        check_recount(run, i < from ? &run->model : &run->since, all, HELD, HELD + 1, i);
    }
}

/* More events than ids: what is taken twice is at least said to be unsure. */
static void check_unsure(struct run *run)
{
    features_init(run->plan, run->state);
    for (uint32_t i = 0; i < arrival_count; i++) {
        bool again = false;
        for (uint32_t k = 0; k < i && !again; k++) {
            again = strcmp(arrivals[k].id, arrivals[i].id) == 0;
        }
        struct features_outcome got = give(run, run->state, &arrivals[i]);
        LAW(!again || got.result == FEATURES_DUPLICATE || got.unsure,
            "unsure: %s came again and nobody said so", arrivals[i].id);
        LAW(again || got.result == FEATURES_ACCEPTED, "unsure: %s is new", arrivals[i].id);
        unsure_met += got.unsure;
    }
}

static void one_run(struct run *run, struct arena *arena, struct random *random)
{
    static const uint32_t sizes[] = {1, 4, 8, 31, 32, FEATURES_REMEMBERED_MAX};
    run->remembered = sizes[random_below(random, ARRAY_COUNT(sizes))];
    run->late_after = 0; /* what is late depends on the order */
    uint32_t known = run->remembered * FEATURES_KNOWN_PER_REMEMBERED;
    known = known > FEATURES_KNOWN_MAX ? FEATURES_KNOWN_MAX : known;
    build(run, arena, defs, DEFS);
    start_ms = civil_day((struct civil_date){2024, 1 + (int32_t)random_below(random, 12), 20}) *
               MS_PER_DAY;
    make_burst(random, known);
    if (random_chance(random, 0.5)) {
        shuffle(random);
    }
    repeat_some(random, known / 2);
    follow(run, random, DEFS);
    shuffle(random);
    give_all(run, run->other, random);
    check_same_bytes(run);

    /* a reversal is known by its own id too, beside the one that it names */
    for (uint32_t turn = 0; turn < 2; turn++) {
        run->late_after = (int32_t)random_below(random, 4);
        build(run, arena, defs, DEFS);
        make_burst(random, known / 2);
        if (random_chance(random, 0.5)) {
            shuffle(random);
        }
        take_some_back(random, known / 6);
        repeat_some(random, known / 4);
        if (turn == 0) {
            follow(run, random, COUNTED);
        } else {
            follow_change(run, arena, random);
        }
    }

    run->late_after = 0;
    build(run, arena, defs, DEFS);
    make_burst(random, known + (uint32_t)random_between(random, 1, EVENTS_MAX - known));
    give_all(run, run->state, random);
    shuffle(random);
    give_all(run, run->other, random);
    check_same_bytes(run);
    repeat_some(random, known);
    check_unsure(run);
}

int main(void)
{
    const char *given = getenv("SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : 20261130;
    struct status_text text;
    if (zones_load(&zones, &text) != STATUS_OK) {
        (void)printf("Bail out! %s\n", text.text);
        return 1;
    }
    static struct run run;
    run.model.events = memory_take(MODEL_EVENTS_MAX * sizeof(struct model_event), "model");
    run.since.events = memory_take(MODEL_EVENTS_MAX * sizeof(struct model_event), "model");
    run.model.zones = run.since.zones = zones;
    run.model.zone = run.since.zone = run.customer.profile.zone =
        zones_find(zones, slice_text("Europe/London"));
    arena_init(&run.scratch, memory_take(4096, "scratch"), 4096);
    struct arena arena;
    arena_init(&arena, memory_take(ARENA_SIZE, "plan"), ARENA_SIZE);
    struct random random;
    random_init(&random, seed);
    make_defs();
    for (run_number = 0; run_number < RUNS; run_number++) {
        one_run(&run, &arena, &random);
    }
    LAW(repeats_met > 0 && unsure_met > 0 && taken_met > 0 && late_met > 0 && holds_met > 0,
        "a law was asked of nothing");
    (void)printf("ok 1 - %d bursts keep the laws: %u repeats, %u taken back, %u late, %u unsure "
                 "(SEED=%llu)\n"
                 "1..1\n",
                 RUNS, repeats_met, taken_met, late_met, unsure_met, (unsigned long long)seed);
    return 0;
}
