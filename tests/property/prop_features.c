/* SPDX-License-Identifier: Apache-2.0 */
/* Laws of features, on generated streams (SEED=n repeats one):
 *   recount    after every event, each feature equals the naive model's recount
 *   deadline   a value is constant until features_next_change says
 *   packing    state packed and unpacked at any moment goes on as if nothing had been
 *   order      any order of arrival within the allowed lateness gives the same values and the same record. Not so
 *              by definition: `order: arrival` and `order: strict`, what depends on which events are late
 *              (late_after), and what stands for forgotten events (a `distinct` beyond its capacity)
 *   kept       under other definitions, what features_kept calls kept is as if they had been there all along, and
 *              what it calls empty is as if nothing had come */
#include "features_model.h"
#include "law.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "base/random.h"
#include "model/fields.h"

enum {
    RUNS = 60,
    EVENTS_PER_RUN = 260,
    DEFS_MAX = 96,
    ARENA_SIZE = 1 << 20,
    PACKED_SIZE_MAX = 1 << 17
};

static uint32_t kinds_made[FEATURE_KIND_COUNT]; /* so that no kind is without a law */
static uint32_t orders_checked;
/* after something was taken back, by kind: readings that had to be the recount, and that were not promised */
static uint32_t held[FEATURE_KIND_COUNT], unheld[FEATURE_KIND_COUNT];
static const struct zones *zones;

/* ---- conditions and values ---- */

static bool is_debit(const struct event *event)
{
    return event->tx.direction == DIRECTION_DEBIT;
}

static bool is_activity(const struct event *event)
{
    return event->tx.kind != KIND_FEE && event->tx.kind != KIND_INTEREST;
}

static bool is_large(const struct event *event)
{
    return event->tx.amount_minor > 600;
}

static int64_t signed_amount(const struct event *event)
{
    return event->tx.direction == DIRECTION_DEBIT ? -event->tx.amount_minor
                                                  : event->tx.amount_minor;
}

static const struct cel_program debit = {is_debit, NULL}, activity = {is_activity, NULL},
                                large = {is_large, NULL}, net = {NULL, signed_amount};

/* ---- definitions ---- */

static struct feature_def defs[DEFS_MAX];
static char names[DEFS_MAX][16];
static uint32_t def_count;

static struct feature_def *add(enum feature_kind kind)
{
    struct feature_def *def = &defs[def_count];
    *def = (struct feature_def){.kind = kind, .source = SOURCE_TRANSACTIONS, .armed = true};
    (void)snprintf(names[def_count], sizeof(names[0]), "f%u", def_count);
    def->name = names[def_count++];
    kinds_made[kind]++;
    enum feature_needs needs = features_kind(kind)->needs;
    if (needs == FEATURE_NEEDS_NUMBER || needs == FEATURE_NEEDS_VALUE) {
        def->from = FEATURE_FROM_FIELD;
        const char *field = needs == FEATURE_NEEDS_NUMBER ? "amount_minor" : "merchant_country";
        def->value_field = (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text(field));
    }
    return def;
}

static void where(struct feature_def *def, const struct cel_program *program, const char *text)
{
    def->where = program;
    def->where_text = slice_text(text);
}

static void vary(struct random *random, struct feature_def *def)
{
    switch (random_below(random, 4)) {
    case 0:
        where(def, &debit, "debit");
        break;
    case 1:
        where(def, &activity, "activity");
        break;
    case 2:
        def->currency = slice_text("GBP");
        break;
    default:
        break;
    }
    bool any_value =
        def->kind == FEATURE_FIRST || def->kind == FEATURE_LAST || def->kind == FEATURE_NTH;
    if (any_value && random_chance(random, 0.5)) {
        def->value_field = (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text("amount_minor"));
    }
    if (features_kind(def->kind)->needs == FEATURE_NEEDS_NUMBER && random_chance(random, 0.4)) {
        if (random_chance(random, 0.5)) {
            def->from = FEATURE_FROM_PROGRAM;
            def->value = &net;
            def->value_text = slice_text("net");
        } else {
            def->value_field =
                (uint8_t)fields_find(SOURCE_TRANSACTIONS, slice_text("balance_after_minor"));
        }
    }
}

static void set_window(struct random *random, struct feature_def *def)
{
    uint8_t windows = features_kind(def->kind)->windows;
    do {
        def->unit = (enum feature_unit)random_below(random, 4);
    } while ((windows >> def->unit & 1) == 0);
    static const uint32_t days[] = {1, 2, 7, 30, 90, FEATURES_DAYS_MAX};
    static const uint32_t minutes[] = {1, 7, 60, 100, 1440, 2880};
    def->length = def->unit == FEATURE_DAYS      ? days[random_below(random, ARRAY_COUNT(days))]
                  : def->unit == FEATURE_MINUTES ? minutes[random_below(random, 6)]
                  : def->unit == FEATURE_EVENTS  ? (uint32_t)random_between(random, 1, 12)
                                                 : 0;
    if (def->unit != FEATURE_MINUTES && random_chance(random, 0.3)) {
        def->anchor = FEATURE_ANCHOR_CUSTOMER;
    }
}

static void make_defs(struct random *random, bool reversals)
{
    bool by_arrival =
        !reversals && random_chance(random, 0.3); /* else the law of order could not be asked */
    def_count = 0;
    for (uint32_t i = 0; i < 2 * (uint32_t)FEATURE_RATIO; i++) {
        enum feature_kind kind = (enum feature_kind)(i % FEATURE_RATIO);
        struct feature_def *def = add(kind);
        vary(random, def);
        set_window(random, def);
        if (reversals && random_chance(random, 0.3)) {
            def->pending =
                random_chance(random, 0.5) ? FEATURE_PENDING_INCLUDE : FEATURE_PENDING_ONLY;
        }
        def->late = (enum feature_late)random_below(random, 3);
        def->order = by_arrival && kind != FEATURE_SESSIONS && kind != FEATURE_SEQUENCE &&
                             kind != FEATURE_ABSENCE && random_chance(random, 0.5)
                         ? FEATURE_BY_ARRIVAL
                         : FEATURE_BY_TIME;
        def->nth = (uint32_t)random_between(random, 1, def->length < 3 ? def->length : 3);
        def->quantile = random_unit(random);
        def->half_life_days = 1 + 20 * random_unit(random);
        def->within_ms = random_between(random, 1, 3 * MS_PER_DAY);
        if (kind == FEATURE_SEQUENCE || (kind == FEATURE_ABSENCE && random_chance(random, 0.5))) {
            def->then = &large;
            def->then_text = slice_text("large");
        }
        def->capacity = 8;
    }
    uint32_t basics = def_count;
    for (uint32_t i = 0; i < basics && def_count < DEFS_MAX - 2; i++) {
        if (features_type(&defs[i]) == FEATURE_INT && i >= 2 &&
            features_type(&defs[i - 1]) == FEATURE_INT &&
            features_type(&defs[i - 2]) == FEATURE_INT && random_chance(random, 0.2)) {
            struct feature_def *def = add(random_chance(random, 0.5) ? FEATURE_RATIO : FEATURE_RFM);
            uint32_t operands[] = {i, i - 1, i - 2};
            memcpy(def->operands, operands, sizeof(operands));
            for (uint32_t part = 0; part < 3; part++) {
                for (uint32_t cut = 0; cut < 4; cut++) {
                    def->cuts[part][cut] = 1 + cut * 5;
                }
            }
        }
    }
}

/* ---- streams ---- */

static struct model_event stream[EVENTS_PER_RUN];

static void make_event(struct random *random, uint32_t i, int64_t time_ms, struct model_event *e)
{
    static const char *const countries[] = {"GB", "FR", "ES", "DE", "IT"};
    *e = (struct model_event){.event = {.source = SOURCE_TRANSACTIONS, .time_ms = time_ms}};
    (void)snprintf(e->id, sizeof(e->id), "e%u", i);
    (void)snprintf(e->text, sizeof(e->text), "%s", countries[random_below(random, 5)]);
    struct event *event = &e->event;
    event->offset = (int64_t)i;
    event->partition = 3;
    event->present = UINT64_MAX;
    if (random_chance(random, 0.2)) {
        event->present &=
            ~(UINT64_C(1) << fields_find(SOURCE_TRANSACTIONS, slice_text("balance_after_minor")));
    }
    event->tx.currency = slice_text(random_chance(random, 0.8) ? "GBP" : "EUR");
    event->tx.amount_minor = random_between(random, 1, 1000);
    event->tx.balance_after_minor = random_between(random, -5000, 5000);
    event->tx.direction = random_chance(random, 0.6) ? DIRECTION_DEBIT : DIRECTION_CREDIT;
    event->tx.kind = (uint8_t)random_below(random, TX_KIND_COUNT);
    event->tx.status = TX_POSTED;
}

/* Distinct times: the i-th arrival's milliseconds end in its own number. */
static int64_t own_time(int64_t time_ms, uint32_t i)
{
    return time_ms / 1000 * 1000 + i % 1000;
}

static uint32_t make_stream(struct random *random, int64_t start_ms, bool reversals, bool sparse)
{
    int64_t clock_ms = start_ms;
    for (uint32_t i = 0; i < EVENTS_PER_RUN; i++) {
        struct model_event *e = &stream[i];
        int64_t step_ms = random_chance(random, 0.3) ? random_between(random, 0, MS_PER_HOUR)
                                                     : random_between(random, 0, MS_PER_DAY);
        step_ms +=
            sparse && random_chance(random, 0.1) ? random_between(random, 0, 40 * MS_PER_DAY) : 0;
        clock_ms += step_ms;
        int64_t back_ms =
            random_chance(random, 0.2) ? random_between(random, 0, 5 * MS_PER_DAY) : 0;
        make_event(random, i, own_time(clock_ms - back_ms, i), e);
        if (!reversals && random_chance(random, 0.02)) {
            e->event.time_ms = own_time(clock_ms - random_between(random, 20, 90) * MS_PER_DAY, i);
        }
        uint32_t near = i == 0 ? 0 : (uint32_t)random_between(random, i < 6 ? 0 : i - 6, i - 1);
        bool reachable = i > 0 && clock_ms - stream[near].event.time_ms < 4 * MS_PER_DAY;
        if (reachable && random_chance(random, 0.1)) {
            *e = stream[near]; /* delivered twice */
        } else if (reversals && reachable && random_chance(random, 0.15)) {
            struct model_event pair = stream[near];
            if (pair.event.tx.status == TX_PENDING) {
                pair.event.tx.status = TX_POSTED;
                pair.event.tx.amount_minor += 7;
                *e = pair;
            } else if (pair.event.tx.status == TX_POSTED) {
                memcpy(e->reverses, pair.id, sizeof(pair.id));
                e->event.tx.status = TX_REVERSED;
                if (random_chance(random, 0.5)) { /* the reversal comes first */
                    struct model_event swap = *e;
                    swap.event.time_ms = own_time(pair.event.time_ms + 60000, i);
                    *e = stream[near];
                    stream[near] = swap;
                }
            }
        } else if (reversals && random_chance(random, 0.2)) {
            e->event.tx.status = TX_PENDING;
        }
    }
    return EVENTS_PER_RUN;
}

static void bind(struct model_event *e)
{
    e->event.event_id = slice_text(e->id);
    e->event.tx.reverses = slice_text(e->reverses);
    e->event.tx.merchant_country = slice_text(e->text);
}

/* ---- one run ---- */

static bool same_value(const struct feature_value *a, const struct feature_value *b)
{
    if (a->present != b->present || a->type != b->type) {
        return false;
    }
    if (!a->present) {
        return true;
    }
    switch (a->type) {
    case FEATURE_STRING:
        return slice_equal(a->text, b->text);
    case FEATURE_DOUBLE:
        return fabs(a->d - b->d) <= 1e-9 * (1 + fabs(a->d) + fabs(b->d));
    case FEATURE_INT:
    case FEATURE_BOOL:
    case FEATURE_TIME:
        break;
    }
    return a->i == b->i;
}

static double shown(const struct feature_value *value)
{
    return value->type == FEATURE_DOUBLE   ? value->d
           : value->type == FEATURE_STRING ? -1
                                           : (double)value->i;
}

struct run {
    const struct features_plan *plan;
    struct customer customer;
    struct model model;
    void *state, *other;
    struct arena scratch;
    struct features_options options;
    bool reversals;
};

static struct scope scope_at(struct run *run, int64_t now_ms, const struct event *event)
{
    return (struct scope){
        .now_ms = now_ms, .event = event, .customer = &run->customer, .zones = zones};
}

static void check_recount(struct run *run, int64_t now_ms, uint32_t step)
{
    struct feature_value got[DEFS_MAX];
    struct feature_value want[DEFS_MAX];
    struct scope scope = scope_at(run, now_ms, NULL);
    int64_t slacks[DEFS_MAX];
    features_values(run->plan, run->state, &scope, got);
    for (uint32_t i = 0; i < def_count; i++) {
        want[i] = model_value(&run->model, defs, i, now_ms, want);
        slacks[i] =
            run->reversals ? model_slack(&run->model, defs, i, now_ms, 7 * MS_PER_DAY, slacks) : 0;
        held[defs[i].kind] += run->reversals && slacks[i] >= 0;
        unheld[defs[i].kind] += slacks[i] < 0;
        bool within = slacks[i] < 0 || (got[i].i >= want[i].i && got[i].i - want[i].i <= slacks[i]);
        LAW(slacks[i] == 0 ? same_value(&got[i], &want[i]) : within,
            "recount: step %u, %s %s unit %d length %u anchor %d late %d pending %d order %d: "
            "got %d %f, want %d %f",
            step, defs[i].name, features_kind(defs[i].kind)->key, (int)defs[i].unit, defs[i].length,
            (int)defs[i].anchor, (int)defs[i].late, (int)defs[i].pending, (int)defs[i].order,
            got[i].present, shown(&got[i]), want[i].present, shown(&want[i]));
    }
}

static void check_deadlines(struct run *run, int64_t now_ms, struct random *random)
{
    struct feature_value before[DEFS_MAX];
    struct feature_value after[DEFS_MAX];
    struct scope scope = scope_at(run, now_ms, NULL);
    features_values(run->plan, run->state, &scope, before);
    int64_t soonest = INT64_MAX;
    for (uint32_t i = 0; i < def_count; i++) {
        int64_t due_ms = features_next_change(run->plan, run->state, i, &scope);
        soonest = due_ms < soonest ? due_ms : soonest;
        LAW(due_ms > now_ms, "deadline: %s is due in the past", defs[i].name);
        if (defs[i].kind == FEATURE_TIME_SINCE) {
            continue;
        }
        bool reads_time = false;
        for (uint32_t o = 0; features_kind(defs[i].kind)->needs == FEATURE_NEEDS_OPERANDS && o < 3;
             o++) {
            reads_time = reads_time || defs[defs[i].operands[o]].kind == FEATURE_TIME_SINCE;
        }
        if (reads_time) {
            continue;
        }
        int64_t last_ms = due_ms == INT64_MAX ? now_ms + 500 * MS_PER_DAY : due_ms - 1;
        struct scope later = scope_at(
            run, random_chance(random, 0.5) ? last_ms : random_between(random, now_ms, last_ms),
            NULL);
        features_values(run->plan, run->state, &later, after);
        LAW(same_value(&before[i], &after[i]), "deadline: %s %s changed before %lld", defs[i].name,
            features_kind(defs[i].kind)->key, (long long)due_ms);
    }
    LAW(features_deadline(run->plan, run->state, &scope) == soonest,
        "deadline: not the first of all");
}

static size_t pack(const struct features_plan *plan, const void *state, uint8_t *out)
{
    struct bytes_writer writer = bytes_writer(out, PACKED_SIZE_MAX);
    features_pack(plan, state, &writer);
    LAW(!writer.full, "packing: does not fit");
    LAW(writer.size <= features_packed_size_max(plan),
        "packing: larger than features_packed_size_max");
    return writer.size;
}

static uint8_t packed[PACKED_SIZE_MAX], packed_other[PACKED_SIZE_MAX];

static void repack(struct run *run)
{
    struct status_text text;
    size_t size = pack(run->plan, run->other, packed);
    struct bytes_reader reader = bytes_reader(slice_of(packed, size));
    LAW(features_unpack(run->plan, run->other, &reader, &text) == STATUS_OK, "packing: %s",
        text.text);
    LAW(bytes_left(&reader) == 0, "packing: bytes are left");
}

static void check_same_bytes(struct run *run, const char *law)
{
    size_t size = pack(run->plan, run->state, packed);
    size_t other = pack(run->plan, run->other, packed_other);
    LAW(size == other && memcmp(packed, packed_other, size) == 0, "%s: bytes differ", law);
}

static void check_order(struct run *run, struct random *random, uint32_t count, int64_t end_ms)
{
    for (uint32_t i = 0; i < def_count; i++) {
        if (defs[i].order == FEATURE_BY_ARRIVAL || run->options.late_after_days > 0) {
            return;
        }
    }
    orders_checked++;
    int64_t arrives_ms[EVENTS_PER_RUN];
    for (uint32_t i = 0; i < count; i++) { /* each up to three days late, sorted by arrival */
        struct model_event event = stream[i];
        int64_t at_ms = event.event.time_ms + random_between(random, 0, 3 * MS_PER_DAY);
        uint32_t at = i;
        for (; at > 0 && arrives_ms[at - 1] > at_ms; at--) {
            stream[at] = stream[at - 1];
            arrives_ms[at] = arrives_ms[at - 1];
        }
        stream[at] = event;
        arrives_ms[at] = at_ms;
    }
    features_init(run->plan, run->other);
    for (uint32_t i = 0; i < count; i++) {
        bind(&stream[i]);
        struct scope scope = scope_at(run, end_ms, &stream[i].event);
        (void)features_event(run->plan, run->other, &scope, &run->scratch);
    }
    struct feature_value a[DEFS_MAX];
    struct feature_value b[DEFS_MAX];
    struct scope scope = scope_at(run, end_ms, NULL);
    features_values(run->plan, run->state, &scope, a);
    features_values(run->plan, run->other, &scope, b);
    for (uint32_t i = 0; i < def_count; i++) {
        LAW(same_value(&a[i], &b[i]), "order: %s %s: %f or %f", defs[i].name,
            features_kind(defs[i].kind)->key, shown(&a[i]), shown(&b[i]));
    }
    check_same_bytes(run, "order");
}

static uint32_t kept_as[FEATURES_EMPTY + 1]; /* so that each was in some stream */

static void check_kept(struct run *run, struct random *random, bool reversals, uint32_t count,
                       int64_t now_ms)
{
    static uint8_t block[3 * ARENA_SIZE];
    static struct feature_def own[DEFS_MAX]; /* of run->plan, which reads them in their place */
    uint32_t own_count = def_count;
    struct arena arena;
    const struct features_plan *plan;
    struct features_problem problem;
    struct status_text text;
    size_t size = pack(run->plan, run->state, packed);
    memcpy(own, defs, sizeof(own));
    make_defs(random, reversals);
    arena_init(&arena, block, sizeof(block));
    LAW(features_plan_build(defs, def_count, &run->options, &arena, &plan, &problem) == STATUS_OK,
        "kept: %s", problem.text.text);
    void *states[3]; /* of the records, all along, never */
    struct feature_value values[3][DEFS_MAX];
    for (uint32_t s = 0; s < 3; s++) {
        states[s] = arena_take(&arena, features_state_size(plan));
        LAW(states[s] != NULL, "kept: three states do not fit");
        features_init(plan, states[s]);
    }
    struct bytes_reader reader = bytes_reader(slice_of(packed, size));
    LAW(features_unpack(plan, states[0], &reader, &text) == STATUS_OK, "kept: %s", text.text);
    for (uint32_t i = 0; i < count; i++) {
        struct scope scope = scope_at(run, now_ms, &stream[i].event);
        (void)features_event(plan, states[1], &scope, &run->scratch);
    }
    struct scope scope = scope_at(run, now_ms, NULL);
    for (uint32_t s = 0; s < 3; s++) {
        features_values(plan, states[s], &scope, values[s]);
    }
    for (uint32_t i = 0; i < def_count; i++) {
        struct features_kept kept = features_kept(plan, i, run->plan);
        kept_as[kept.state]++;
        LAW(kept.state == FEATURES_KEPT_PARTLY || (reversals && !model_is_counted(&defs[i])) ||
                same_value(&values[0][i], &values[kept.state == FEATURES_KEPT ? 1 : 2][i]),
            "kept: %s unit %d length %u is said to be %s: %f, all along %f",
            features_kind(defs[i].kind)->key, (int)defs[i].unit, defs[i].length,
            kept.state == FEATURES_KEPT ? "kept" : "empty", shown(&values[0][i]),
            shown(&values[1][i]));
    }
    memcpy(defs, own, sizeof(own));
    def_count = own_count;
}

static const char *const zone_names[] = {"UTC", "Europe/London", "Asia/Kolkata",
                                         "Australia/Lord_Howe", "America/St_Johns"};

static void one_run(struct run *run, struct arena *arena, struct random *random)
{
    bool reversals = random_chance(random, 0.5);
    bool sparse = random_chance(random, 0.5);
    run->reversals = reversals;
    make_defs(random, reversals);
    run->options = features_options_default();
    run->options.remembered[SOURCE_TRANSACTIONS] = FEATURES_REMEMBERED_MAX;
    run->options.late_after_days = random_chance(random, 0.5) ? 34 : 0;
    struct features_problem problem;
    arena_reset(arena);
    enum status status =
        features_plan_build(defs, def_count, &run->options, arena, &run->plan, &problem);
    LAW(status == STATUS_OK, "plan: %s", problem.text.text);
    run->state = arena_take(arena, features_state_size(run->plan));
    run->other = arena_take(arena, features_state_size(run->plan));
    LAW(run->other != NULL, "plan: two states of %zu bytes do not fit",
        features_state_size(run->plan));
    features_init(run->plan, run->state);
    features_init(run->plan, run->other);
    run->model.count = 0;
    run->model.latest_day = INT32_MIN;
    run->model.zone = run->customer.profile.zone =
        zones_find(zones, slice_text(zone_names[run_number % 5]));
    int64_t start_ms =
        civil_day((struct civil_date){2024, 1 + (int32_t)random_below(random, 12), 20}) *
        MS_PER_DAY;
    uint32_t count = make_stream(random, start_ms, reversals, sparse);
    int64_t now_ms = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        struct model_event *e = &stream[i];
        bind(e);
        int64_t ahead_ms = random_chance(random, 0.1) ? -4 * MS_PER_MINUTE
                                                      : random_between(random, 0, MS_PER_HOUR);
        now_ms = e->event.time_ms + ahead_ms > now_ms ? e->event.time_ms + ahead_ms : now_ms;
        struct scope scope = scope_at(run, now_ms, &e->event);
        struct features_outcome got = features_event(run->plan, run->state, &scope, &run->scratch);
        struct features_outcome other =
            features_event(run->plan, run->other, &scope, &run->scratch);
        enum features_result want = model_take(&run->model, e, run->options.late_after_days);
        LAW(got.result == want && other.result == want, "recount: step %u: result %d, want %d", i,
            (int)got.result, (int)want);
        if (i % 3 == 0) {
            check_recount(run, now_ms, i);
        }
        if (i % 16 == 5) {
            check_deadlines(run, now_ms, random);
        }
        if (random_chance(random, 0.2)) {
            repack(run);
        }
    }
    check_recount(run, now_ms, count);
    check_recount(run, now_ms + 5 * MS_PER_DAY, count);
    check_same_bytes(run, "packing");
    check_kept(run, random, reversals, count, now_ms);
    if (!reversals) {
        check_order(run, random, count, now_ms);
    }
}

int main(void)
{
    const char *given = getenv("SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : 20261125;
    struct status_text text;
    if (zones_load(&zones, &text) != STATUS_OK) {
        (void)printf("Bail out! %s\n", text.text);
        return 1;
    }
    static struct run run;
    run.model.events = memory_take(MODEL_EVENTS_MAX * sizeof(struct model_event), "model");
    run.model.zones = zones;
    arena_init(&run.scratch, memory_take(4096, "scratch"), 4096);
    struct arena arena;
    arena_init(&arena, memory_take(ARENA_SIZE, "plan"), ARENA_SIZE);
    struct random random;
    random_init(&random, seed);
    for (run_number = 0; run_number < RUNS; run_number++) {
        one_run(&run, &arena, &random);
    }
    LAW(orders_checked > 0, "no stream was asked for the law of order");
    for (int kind = 0; kind < FEATURE_KIND_COUNT; kind++) {
        LAW(4 * held[kind] > unheld[kind],
            "%s: after a reversal the recount was asked %u times, not %u times",
            features_kind((enum feature_kind)kind)->key, held[kind], unheld[kind]);
        LAW(kinds_made[kind] > 0, "no stream had the kind %s",
            features_kind((enum feature_kind)kind)->key);
    }
    LAW(kept_as[FEATURES_KEPT] > 0 && kept_as[FEATURES_KEPT_PARTLY] > 0 &&
            kept_as[FEATURES_EMPTY] > 0,
        "kept: not each was in a stream");
    (void)printf(
        "ok 1 - %d streams of %d events keep the laws, %u in another order too (SEED=%llu)\n1..1\n",
        RUNS, EVENTS_PER_RUN, orders_checked, (unsigned long long)seed);
    return 0;
}
