/* SPDX-License-Identifier: Apache-2.0 */
#include "features/plan.h"

#include "features/remembered.h"
#include "features/samples.h"
#include "features/table.h"
#include "features/tiles.h"

void features_init(const struct features_plan *plan, void *state)
{
    memset(state, 0, plan->state_size);
    ((struct state_head *)state)->latest_day = TILE_NONE;
    tiles_init(plan, state);
    samples_init(plan, state);
    table_init(plan, state);
    remembered_init(plan, state);
}

/* ---- an event as facts ---- */

static void set_number(struct facts *facts, uint32_t index, int64_t value)
{
    facts->present |= UINT32_C(1) << index;
    facts->values[index] = value;
}

static void set_text(struct facts *facts, uint32_t index, struct slice text)
{
    set_number(facts, index, (int64_t)hash64(text, 0));
    facts->texts[index] = text;
}

static void set_double(struct facts *facts, uint32_t index, double value)
{
    int64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    set_number(facts, index, bits);
}

static void read_field(const struct event *event, uint32_t field, struct facts *facts,
                       uint32_t index)
{
    const struct field *known = &fields_of((enum source)event->source)->fields[field];
    const uint8_t *at = (const uint8_t *)event + known->offset;
    int32_t small = 0;
    int64_t large = 0;
    double real = 0;
    struct slice text;
    if (!event_has(event, field)) {
        return;
    }
    switch (known->type) {
    case FIELD_STRING:
        memcpy(&text, at, sizeof(text));
        set_text(facts, index, text);
        break;
    case FIELD_CODE:
        set_text(facts, index, slice_text(codes_text(known->codes, *at)));
        break;
    case FIELD_INT64:
    case FIELD_TIME:
        memcpy(&large, at, sizeof(large));
        set_number(facts, index, large);
        break;
    case FIELD_INT32:
    case FIELD_DATE:
        memcpy(&small, at, sizeof(small));
        set_number(facts, index, small);
        break;
    case FIELD_DOUBLE:
        memcpy(&real, at, sizeof(real));
        set_double(facts, index, real);
        break;
    case FIELD_BOOL:
        set_number(facts, index, *at != 0);
        break;
    case FIELD_CODE_SET:
    case FIELD_MAP:
    case FIELD_CONSENTS:
    case FIELD_TYPE_COUNT:
        break; /* refused when the plan was built */
    }
}

static void read_program(const struct value_plan *value, const struct scope *scope,
                         struct arena *scratch, struct facts *facts, uint32_t index)
{
    struct cel_value result = rules_value(value->program, scope, scratch);
    switch ((int)result.kind) {
    case CEL_INT:
        set_number(facts, index, result.i);
        break;
    case CEL_UINT:
        set_number(facts, index, (int64_t)result.u);
        break;
    case CEL_BOOL:
        set_number(facts, index, result.b);
        break;
    case CEL_DOUBLE:
        set_double(facts, index, result.d);
        break;
    case CEL_STRING:
        set_text(facts, index, result.text);
        break;
    case CEL_TIMESTAMP:
        set_number(facts, index, result.i * 1000 + result.nanos / 1000000);
        break;
    default:
        break; /* absent or an error: the event has no such value */
    }
}

static void read_values(const struct source_plan *source, const struct scope *scope,
                        struct arena *scratch, struct facts *facts)
{
    const struct event *event = scope->event;
    for (uint32_t i = 0; i < source->value_count; i++) {
        const struct value_plan *value = &source->values[i];
        switch (value->from) {
        case FEATURE_FROM_FIELD:
            read_field(event, value->field, facts, i);
            break;
        case FEATURE_FROM_PROGRAM:
            read_program(value, scope, scratch, facts, i);
            break;
        case FEATURE_FROM_TIME:
            set_number(facts, i, event->time_ms);
            break;
        case FEATURE_FROM_DAY:
            set_number(facts, i, facts->day);
            break;
        case FEATURE_FROM_PARTITION:
            set_number(facts, i, event->partition);
            break;
        case FEATURE_FROM_OFFSET:
            set_number(facts, i, event->offset);
            break;
        case FEATURE_FROM_NOTHING:
            break;
        }
    }
}

static bool holds_now(const struct predicate *predicate, const struct scope *scope,
                      struct arena *scratch)
{
    return predicate->program == NULL ||
           rules_holds(predicate->program, scope, scratch, NULL) == RULES_YES;
}

static bool is_its_currency(const struct predicate *predicate, const struct event *event)
{
    return predicate->currency.size == 0 || (event->source == SOURCE_TRANSACTIONS &&
                                             slice_equal(predicate->currency, event->tx.currency));
}

static void match_all(const struct source_plan *source, const struct scope *scope,
                      struct arena *scratch, struct facts *facts)
{
    for (uint32_t i = 0; i < source->predicate_count; i++) {
        const struct predicate *predicate = &source->predicates[i];
        if (is_its_currency(predicate, scope->event) && holds_now(predicate, scope, scratch)) {
            facts->matched[i / 64] |= UINT64_C(1) << i % 64;
        }
    }
}

/* The index has said which hold, so that nobody looks at the many others. */
static void match_held(const struct source_plan *source, const struct event *event,
                       const uint64_t *holds, struct facts *facts)
{
    for (uint32_t first = 0; first < source->predicate_count; first += 64) {
        uint32_t count = source->predicate_count - first;
        uint64_t ours = count < 64 ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
        for (uint64_t rest = holds[first / 64] & ours; rest != 0; rest &= rest - 1) {
            uint32_t i = first + (uint32_t)__builtin_ctzll(rest);
            if (is_its_currency(&source->predicates[i], event)) {
                facts->matched[i / 64] |= UINT64_C(1) << i % 64;
            }
        }
    }
}

/* `holds`: of the index; NULL: there is none, and all are evaluated. */
static void match(const struct source_plan *source, const struct scope *scope,
                  struct arena *scratch, const uint64_t *holds, struct facts *facts)
{
    if (holds == NULL) {
        match_all(source, scope, scratch, facts);
    } else {
        match_held(source, scope->event, holds, facts);
    }
}

/* ---- giving and taking ---- */

static void apply(const struct features_plan *plan, void *state, const struct source_plan *source,
                  const struct facts *facts, int32_t sign)
{
    tiles_apply(plan, state, source, facts, sign, false);
    samples_apply(plan, state, source, facts, sign);
    table_apply(plan, state, source, facts, sign);
}

/* One event on its way in. */
struct arrival {
    const struct features_plan *plan;
    void *state;
    const struct source_plan *source;
    const struct scope *scope;
    struct facts facts;
    uint64_t id;
    bool remembers;
    bool unsure;    /* it may have come before: its id would be forgotten */
    bool took_back; /* what an earlier event gave: any feature of the source may have moved */
    uint64_t touched[FEATURES_WORDS]; /* features that it moves when it is given */
};

static uint64_t id_hash(const struct event *event, struct slice id)
{
    return hash64(id, event->source);
}

/* A reversal is known by its own id too: the event it names may be forgotten before the reversal is. */
static uint64_t reversal_hash(const struct event *event)
{
    return hash64(event->event_id, event->source + (uint64_t)SOURCE_COUNT);
}

/* Slot of the event by its own id; -1: it is not known. */
static int32_t look_up(struct arrival *arrival, uint64_t id)
{
    int32_t slot = remembered_find(arrival->plan, arrival->state, arrival->source, id);
    arrival->unsure = slot < 0 && remembered_is_unsure(arrival->plan, arrival->state,
                                                       arrival->source, arrival->facts.time_ms);
    return slot;
}

static bool is_late(const struct features_plan *plan, const struct state_head *head, int32_t day)
{
    return plan->options.late_after_days > 0 && head->latest_day != TILE_NONE &&
           day < head->latest_day - plan->options.late_after_days;
}

/* A PENDING whose POSTED has not come. */
static bool is_hold(uint8_t flags)
{
    return (flags & (REMEMBERED_PENDING | REMEMBERED_POSTED)) == REMEMBERED_PENDING;
}

static uint8_t class_of(bool pending, bool late)
{
    return (uint8_t)((pending ? FEED_PENDING : FEED_POSTED) * (late ? 4 : 1));
}

/* What is taken back is not known, by the id alone or as it was given under other conditions. */
static bool is_supposed(uint8_t flags)
{
    return (flags & (REMEMBERED_BLANK | REMEMBERED_ID)) != 0;
}

/* What such an entry gave, as far as the event says that names it: its own fields at the time of that entry. */
static struct facts supposed_facts(const struct arrival *arrival, int32_t slot, uint8_t flags)
{
    struct facts facts = arrival->facts;
    facts.time_ms = remembered_time_ms(arrival->plan, arrival->state, arrival->source, slot);
    facts.day = zones_local_day(arrival->scope->zones, arrival->scope->customer->profile.zone,
                                facts.time_ms);
    facts.class = class_of(is_hold(flags), (flags & REMEMBERED_LATE) != 0);
    return facts;
}

/* A hold from before the conditions changed is not subtracted: nobody gave it to the features that are new since,
 * and every open hold would leave them below nothing. */
static void take_back(struct arrival *arrival, int32_t slot, uint8_t flag)
{
    const struct source_plan *source = arrival->source;
    uint8_t flags = remembered_flags(arrival->plan, arrival->state, source, slot);
    arrival->took_back = true;
    remembered_add_flag(arrival->plan, arrival->state, source, slot, flag);
    if ((flags & REMEMBERED_BLANK) != 0 && is_hold(flags)) {
        return;
    }
    if (is_supposed(flags)) {
        struct facts supposed = supposed_facts(arrival, slot, flags);
        tiles_apply(arrival->plan, arrival->state, source, &supposed, -1, true);
    } else {
        struct facts given = remembered_facts(arrival->plan, arrival->state, source, slot);
        apply(arrival->plan, arrival->state, source, &given, -1);
    }
}

static enum features_result take_back_named(struct arrival *arrival, const struct event *event)
{
    uint64_t target =
        event->tx.reverses.size > 0 ? id_hash(event, event->tx.reverses) : arrival->id;
    int32_t slot = arrival->remembers
                       ? remembered_find(arrival->plan, arrival->state, arrival->source, target)
                       : -1;
    if (slot >= 0) {
        uint8_t flags = remembered_flags(arrival->plan, arrival->state, arrival->source, slot);
        if ((flags & REMEMBERED_REVERSED) != 0) {
            return FEATURES_DUPLICATE;
        }
        if ((flags & REMEMBERED_REPLACED) == 0) {
            take_back(arrival, slot, REMEMBERED_REVERSED);
            return FEATURES_REVERSED;
        }
    }
    tiles_apply(arrival->plan, arrival->state, arrival->source, &arrival->facts, -1, true);
    if (arrival->remembers) {
        (void)remembered_put(arrival->plan, arrival->state, arrival->source, target,
                             &arrival->facts, REMEMBERED_REVERSED | REMEMBERED_OWN);
    }
    return FEATURES_REVERSED;
}

static enum features_result take_reversed(struct arrival *arrival, const struct event *event)
{
    if (!arrival->remembers) {
        return take_back_named(arrival, event);
    }
    uint64_t own = reversal_hash(event);
    if (look_up(arrival, own) >= 0) {
        return FEATURES_DUPLICATE;
    }
    enum features_result result = take_back_named(arrival, event);
    struct facts nothing = {.time_ms = arrival->facts.time_ms, .day = arrival->facts.day};
    (void)remembered_put(arrival->plan, arrival->state, arrival->source, own, &nothing,
                         REMEMBERED_REVERSED);
    return result;
}

/* Its reversal came first and subtracted its own fields: add those again, and the pair is nothing. */
static enum features_result meet_reversal(struct arrival *arrival, int32_t slot, uint8_t flag)
{
    const struct source_plan *source = arrival->source;
    uint8_t flags = remembered_flags(arrival->plan, arrival->state, source, slot);
    if ((flags & REMEMBERED_OWN) == 0) {
        remembered_add_flag(arrival->plan, arrival->state, source, slot, flag);
        return FEATURES_DUPLICATE;
    }
    struct facts subtracted = is_supposed(flags)
                                  ? supposed_facts(arrival, slot, flags)
                                  : remembered_facts(arrival->plan, arrival->state, source, slot);
    tiles_apply(arrival->plan, arrival->state, source, &subtracted, 1, true);
    (void)remembered_put(arrival->plan, arrival->state, source, arrival->id, &arrival->facts,
                         (uint8_t)(flag | REMEMBERED_REVERSED));
    return FEATURES_REVERSED;
}

/* The PENDING that this POSTED names under another id: gone now, or when it comes late. */
static void replace_pending(struct arrival *arrival, const struct event *event)
{
    uint64_t other = id_hash(event, event->tx.reverses);
    int32_t slot = remembered_find(arrival->plan, arrival->state, arrival->source, other);
    if (slot < 0) {
        (void)remembered_put(arrival->plan, arrival->state, arrival->source, other, &arrival->facts,
                             REMEMBERED_REPLACED);
        return;
    }
    uint8_t flags = remembered_flags(arrival->plan, arrival->state, arrival->source, slot);
    if ((flags & (REMEMBERED_PENDING | REMEMBERED_POSTED | REMEMBERED_REVERSED |
                  REMEMBERED_REPLACED)) == REMEMBERED_PENDING) {
        take_back(arrival, slot, REMEMBERED_REPLACED);
    }
}

static enum features_result take_given(struct arrival *arrival, const struct event *event,
                                       bool pending)
{
    uint8_t flag = pending ? REMEMBERED_PENDING : REMEMBERED_POSTED;
    bool kept = false;
    if (arrival->remembers) {
        int32_t slot = look_up(arrival, arrival->id);
        uint8_t flags =
            slot < 0 ? 0 : remembered_flags(arrival->plan, arrival->state, arrival->source, slot);
        if ((flags & flag) != 0 || (pending && flags != 0) || (flags & REMEMBERED_REPLACED) != 0) {
            return FEATURES_DUPLICATE;
        }
        if ((flags & REMEMBERED_REVERSED) != 0) {
            return meet_reversal(arrival, slot, flag);
        }
        if ((flags & REMEMBERED_PENDING) != 0) {
            take_back(arrival, slot, REMEMBERED_REPLACED); /* it is put anew, as POSTED, below */
        }
        if (!pending && event->source == SOURCE_TRANSACTIONS && event->tx.reverses.size > 0) {
            replace_pending(arrival, event);
        }
        kept = remembered_put(arrival->plan, arrival->state, arrival->source, arrival->id,
                              &arrival->facts,
                              (uint8_t)(((flags & REMEMBERED_FLAGS) | flag) & ~REMEMBERED_BLANK));
    }
    apply(arrival->plan, arrival->state, arrival->source, &arrival->facts, 1);
    if (!kept) {
        tiles_forget(arrival->plan, arrival->state, arrival->source, &arrival->facts);
    }
    return FEATURES_ACCEPTED;
}

/* An event later than the first one does not move what is asked of the first. */
static bool first_stands(const struct features_plan *plan, const void *state, uint32_t index,
                         const struct facts *facts)
{
    const struct samples_plan *part = &plan->samples[plan->readers[index].samples[0]];
    return samples_head(part, state)->count > 0 &&
           samples_get(part, state, 0)->time_ms < facts->time_ms;
}

/* Of a count of sessions, before the event is given to it: it is newer than all, begins no session, and pushes none
 * out of the window. */
static bool sessions_stand(const struct features_plan *plan, const void *state, uint32_t index,
                           const struct facts *facts)
{
    const struct feature_def *def = &plan->defs[index];
    const struct samples_plan *part = &plan->samples[plan->readers[index].samples[0]];
    uint32_t count = samples_head(part, state)->count;
    if (count == 0) {
        return false;
    }
    int64_t newest_ms = samples_get(part, state, 0)->time_ms;
    bool begins = facts->time_ms - newest_ms > def->within_ms, ends = false;
    if (count >= def->length && def->length > 1) {
        int64_t last_ms = samples_get(part, state, def->length - 1U)->time_ms;
        ends = samples_get(part, state, def->length - 2U)->time_ms - last_ms > def->within_ms;
    }
    return facts->time_ms >= newest_ms && begins == ends;
}

/* The features of conditions that the event met. */
static void add_matched(const struct arrival *arrival, uint64_t *touched)
{
    const struct source_plan *source = arrival->source;
    uint32_t words = (arrival->plan->count + 63) / 64;
    for (uint32_t half = 0; half < ARRAY_COUNT(arrival->facts.matched); half++) {
        for (uint64_t rest = arrival->facts.matched[half]; rest != 0; rest &= rest - 1) {
            const uint64_t *moved =
                source->by_predicate[half * 64 + (uint32_t)__builtin_ctzll(rest)];
            for (uint32_t i = 0; i < words; i++) {
                touched[i] |= moved[i];
            }
        }
    }
}

/* Those of them that do not move, of these kinds. `stands` is asked of their state as it is now. */
static void leave(const struct arrival *arrival, const uint64_t *kinds,
                  bool (*stands)(const struct features_plan *, const void *, uint32_t,
                                 const struct facts *),
                  uint64_t *touched)
{
    for (uint32_t word = 0; word * 64 < arrival->plan->count; word++) {
        for (uint64_t rest = touched[word] & kinds[word]; rest != 0; rest &= rest - 1) {
            uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(rest);
            if (stands(arrival->plan, arrival->state, index, &arrival->facts)) {
                touched[word] &= ~(rest & -rest);
            }
        }
    }
}

static void name_touched(const struct arrival *arrival, bool whole, bool new_day, uint64_t *touched)
{
    const struct features_plan *plan = arrival->plan;
    for (uint32_t i = 0; i < (plan->count + 63) / 64; i++) {
        touched[i] = whole ? arrival->source->all[i] : arrival->touched[i];
        touched[i] |= new_day ? plan->anchored[i] : 0;
    }
}

uint32_t features_predicate_count(const struct features_plan *plan, enum source source)
{
    return plan->sources[source].predicate_count;
}

const struct cel_program *features_predicate(const struct features_plan *plan, enum source source,
                                             uint32_t index)
{
    return plan->sources[source].predicates[index].program;
}

struct features_outcome features_event(const struct features_plan *plan, void *state,
                                       const struct scope *scope, struct arena *scratch)
{
    return features_event_matched(plan, state, scope, scratch, NULL);
}

/* No feature reads it, but it must not be taken twice by others. */
static enum features_result follow_event(struct arrival *arrival)
{
    if (!arrival->remembers) {
        return FEATURES_ACCEPTED;
    }
    if (look_up(arrival, arrival->id) >= 0) {
        return FEATURES_DUPLICATE;
    }
    (void)remembered_put(arrival->plan, arrival->state, arrival->source, arrival->id,
                         &arrival->facts, REMEMBERED_POSTED);
    return FEATURES_ACCEPTED;
}

struct features_outcome features_event_matched(const struct features_plan *plan, void *state,
                                               const struct scope *scope, struct arena *scratch,
                                               const uint64_t *holds)
{
    const struct event *event = scope->event;
    INVARIANT(event != NULL && event->source < SOURCE_COUNT);
    const struct source_plan *source = &plan->sources[event->source];
    if (!source->any && source->remembered.capacity == 0) {
        return (struct features_outcome){.result = FEATURES_ACCEPTED};
    }
    struct state_head *head = state;
    struct arrival arrival = {.plan = plan, .state = state, .source = source, .scope = scope};
    arrival.facts.time_ms = event->time_ms;
    arrival.facts.day =
        zones_local_day(scope->zones, scope->customer->profile.zone, event->time_ms);
    arrival.remembers = source->remembered.capacity > 0 && event->event_id.size > 0;
    if (arrival.remembers) {
        arrival.id = id_hash(event, event->event_id);
    }
    if (!source->any) {
        enum features_result followed = follow_event(&arrival);
        return (struct features_outcome){.result = followed, .unsure = arrival.unsure};
    }
    uint8_t status = event->source == SOURCE_TRANSACTIONS ? event->tx.status : TX_POSTED;
    bool late = is_late(plan, head, arrival.facts.day);
    arrival.facts.class = class_of(status == TX_PENDING, late);
    match(source, scope, scratch, holds, &arrival.facts);
    read_values(source, scope, scratch, &arrival.facts);
    add_matched(&arrival, arrival.touched);
    leave(&arrival, source->firsts, first_stands, arrival.touched);
    leave(&arrival, source->sessions, sessions_stand, arrival.touched);
    enum features_result result = status == TX_REVERSED
                                      ? take_reversed(&arrival, event)
                                      : take_given(&arrival, event, status == TX_PENDING);
    if (result == FEATURES_ACCEPTED && late) {
        result = FEATURES_LATE;
    }
    bool new_day = !late && result != FEATURES_DUPLICATE && arrival.facts.day > head->latest_day;
    if (new_day) {
        head->latest_day = arrival.facts.day;
    }
    struct features_outcome outcome = {.result = result,
                                       .changed = result != FEATURES_DUPLICATE,
                                       .unsure = arrival.unsure && result != FEATURES_DUPLICATE,
                                       .only_added =
                                           !arrival.took_back && result != FEATURES_REVERSED,
                                       .day = arrival.facts.day};
    if (result != FEATURES_DUPLICATE) {
        name_touched(&arrival, arrival.took_back || result == FEATURES_REVERSED, new_day,
                     outcome.touched);
    }
    return outcome;
}
