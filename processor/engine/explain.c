/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/explain.h"

#include <stdio.h>

#include "engine/work.h"

_Static_assert(OFFER_GATE_COUNT <= (int)EXPLAIN_GATES_MAX, "every gate is explained");

bool engine_find(const struct engine *engine, enum explain_kind kind, struct slice id,
                 uint32_t *out_index)
{
    static const enum playbook_kind kinds[] = {[EXPLAIN_SEGMENT] = PLAYBOOK_SEGMENT,
                                               [EXPLAIN_LIFE_EVENT] = PLAYBOOK_LIFE_EVENT,
                                               [EXPLAIN_OFFER] = PLAYBOOK_OFFER};
    int32_t index = playbook_find(engine->playbook, kinds[kind], id);
    if (index >= 0) {
        *out_index = (uint32_t)index;
    }
    return index >= 0;
}

bool engine_is_member(const struct engine *engine, const struct customer *customer,
                      uint32_t segment)
{
    const struct segment_state *states = part_of(customer, engine->segments);
    return states[segment].in;
}

bool engine_is_confirmed(const struct engine *engine, const struct customer *customer,
                         uint32_t life)
{
    const struct life_state *states = part_of(customer, engine->life);
    return states[life].phase == LIFE_PHASE_CONFIRMED;
}

static void explain_segment(struct work *work, uint32_t index, struct arena *arena,
                            struct explanation *out)
{
    const struct segment_def *def = &work->engine->playbook->segments.defs[index];
    const struct segment_state *state =
        (const struct segment_state *)part_of(work->customer, work->engine->segments) + index;
    struct proof proof;
    proof.count = proof.missing_count = 0;
    enum rules_truth entry = segment_entry(def, &work->step, &proof, arena);
    if (state->in && def->exit_when.program != NULL) {
        (void)segment_exit(def, &work->step, &proof, arena);
    }
    out->definition = (struct definition_ref){def->id, def->version, def->hash};
    out->holds = state->in;
    out->rule = entry == RULES_YES ? EXPLAIN_YES : entry == RULES_NO ? EXPLAIN_NO : EXPLAIN_UNKNOWN;
    out->since_ms = state->in ? state->entered_ms : 0;
    out->need = def->need;
    out->disclosure = def->disclosure;
    out->purpose = def->purpose;
    out->data_category = def->data_category;
    if (!state->in && state->entry_since_ms != 0) {
        int64_t dwell_ms = state->entry_since_ms + def->dwell_ms;
        int64_t cool_ms = state->exited_ms != 0 ? state->exited_ms + def->cool_down_ms : 0;
        out->waiting_until_ms = dwell_ms > cool_ms ? dwell_ms : cool_ms;
    }
    out->leaf_count = proof.count;
    out->leaves = proof_leaves(&proof, arena);
    out->missing_count = proof.missing_count;
    out->missing = proof_missing(&proof, arena);
}

static bool life_reads(const struct playbook *playbook, uint32_t life, uint32_t first,
                       uint32_t count)
{
    for (uint32_t i = 0; i < playbook->edge_count; i++) {
        const struct playbook_edge *edge = &playbook->edges[i];
        if (edge->kind == PLAYBOOK_LIFE_EVENT && edge->index == life &&
            edge->reads_kind == PLAYBOOK_FEATURE && edge->reads - first < count) {
            return true;
        }
    }
    return false;
}

/* The facts behind it: a reader wants to know which payment stopped, and when. */
static void explain_series(struct work *work, uint32_t index, struct explanation *out)
{
    const struct playbook *playbook = work->engine->playbook;
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        const struct series_def *def = &playbook->series[i];
        if (!life_reads(playbook, index, def->first_feature, SERIES_FIELD_COUNT)) {
            continue;
        }
        for (uint32_t f = 0; f < SERIES_FIELD_COUNT; f++) {
            (void)scope_feature(&work->scope, def->first_feature + f);
        }
        out->series[out->series_count++] =
            (struct explain_series){def, &work->values[def->first_feature]};
    }
    out->zones = work->engine->zones;
    out->zone = work->customer->profile.zone;
}

static void explain_life(struct work *work, uint32_t index, struct arena *arena,
                         struct explanation *out)
{
    const struct life_def *def = &work->engine->playbook->life.defs[index];
    const struct life_state *state =
        (const struct life_state *)part_of(work->customer, work->engine->life) + index;
    struct proof proof;
    proof.count = proof.missing_count = 0;
    life_prove(def, &work->step, &proof, arena);
    out->definition = (struct definition_ref){def->id, def->version, def->hash};
    out->holds = state->phase != LIFE_PHASE_IDLE;
    out->confirmed = state->phase == LIFE_PHASE_CONFIRMED;
    out->confidence = (double)state->confidence;
    out->calibrated = def->calibration_count > 0;
    out->has_primary = def->absent.used || def->when.program != NULL;
    static const uint8_t said[] = {
        [RULES_NO] = EXPLAIN_NO, [RULES_YES] = EXPLAIN_YES, [RULES_UNKNOWN] = EXPLAIN_UNKNOWN};
    if (out->has_primary) {
        out->rule = said[life_primary(def, &work->step)];
    }
    out->data_category = def->data_category;
    out->about = def->about;
    out->route = def->route;
    out->vulnerable = def->vulnerable;
    out->signal_count = def->signal_count;
    for (uint32_t i = 0; i < def->signal_count; i++) {
        bool holds = (state->signals_hold >> i & 1) != 0;
        out->signals[i] = (struct explain_signal){
            .id = def->signals[i].condition.name,
            .about = def->signals[i].about,
            .weight = def->signals[i].weight,
            .weighs = life_signal_weight(def, state, i, work->step.scope->now_ms),
            .seen_ms = holds ? 0 : state->signal_ms[i],
        };
    }
    out->since_ms = out->holds ? state->since_ms : 0;
    out->ended_ms = !out->holds && state->transitions > 0 ? state->since_ms : 0;
    out->spent = !out->holds && state->spent;
    if (condition_holds(&def->unless, &work->step, NULL) == RULES_YES &&
        def->unless.program != NULL) {
        out->ruled_out = def->unless.text;
    }
    explain_series(work, index, out);
    out->leaf_count = proof.count;
    out->leaves = proof_leaves(&proof, arena);
}

static void put_item(struct bytes_writer *writer, bool first, const char *what, struct slice name)
{
    const char *lead = !first ? ", " : writer->size > 0 ? "; or " : "";
    bytes_put(writer, lead, strlen(lead));
    bytes_put(writer, first ? what : "", first ? strlen(what) : 0);
    bytes_put(writer, name.data, name.size);
}

/* "enters a, b; app says login": as the playbook lists it. */
static struct slice trigger_of(const struct playbook *playbook, const struct offer_def *def,
                               struct arena *arena)
{
    uint8_t text[STATUS_TEXT_SIZE];
    struct bytes_writer writer = bytes_writer(text, sizeof(text));
    bool by_default = def->on_segments_count == 0 && def->on_life == 0 && def->on_app_count == 0;
    const uint32_t *segments = by_default ? def->segments_any : def->on_segments;
    uint32_t count = by_default ? def->segments_any_count : def->on_segments_count;
    for (uint32_t i = 0; i < count; i++) {
        put_item(&writer, i == 0, "the customer enters ", playbook->segments.defs[segments[i]].id);
    }
    for (uint64_t left = def->on_life; left != 0; left &= left - 1) {
        put_item(&writer, left == def->on_life,
                 "a life event is confirmed: ", playbook->life.defs[__builtin_ctzll(left)].id);
    }
    for (uint32_t i = 0; i < def->on_app_count; i++) {
        put_item(&writer, i == 0, "the app says ", def->on_app[i]);
    }
    return arena_copy(arena, slice_of(text, writer.size));
}

/* When it was made last, and what came of it. */
static void explain_made(const struct offer_history *history, struct arena *arena,
                         struct explanation *out)
{
    char id[40];
    int size = snprintf(id, sizeof(id), "%016llx%016llx", (unsigned long long)history->decision[0],
                        (unsigned long long)history->decision[1]);
    out->held_until_ms = history->held_until_ms;
    out->offered_ms = history->decided_ms;
    out->channel = history->channel;
    out->decision_id = history->decided_ms == 0 ? (struct slice){NULL, 0}
                                                : arena_copy(arena, slice_of(id, (size_t)size));
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        int64_t at_ms = history->outcome_ms[i];
        /* the moment alone may be another decision's; what counted is of this one */
        if ((history->counted >> i & 1) != 0 && at_ms >= history->decided_ms &&
            at_ms > out->heard_ms) {
            out->heard_ms = at_ms;
            out->heard = (uint8_t)i;
        }
    }
}

/* What gates ask of earlier offers. */
struct earlier {
    const void *ledger, *histories, *task;
};

static void explain_offer(struct work *work, uint32_t index, const struct earlier *earlier,
                          struct arena *arena, struct explanation *out)
{
    const struct engine *engine = work->engine;
    const struct offers *offers = &engine->playbook->offers;
    const struct offer_def *def = &offers->defs[index];
    const struct offer_history *histories = part_of(work->customer, engine->histories);
    uint64_t in[SEGMENTS_MAX / 64];
    struct offers_facts facts = work_facts(work, in);
    struct slice reasons[OFFER_GATE_COUNT] = {0};
    struct slice first = {NULL, 0};
    enum offer_gate gate = offer_blocked(offers, index, earlier->ledger,
                                         (const struct offer_history *)earlier->histories + index,
                                         earlier->task, &facts, &work->step, &first, reasons);
    out->definition = (struct definition_ref){def->id, def->version, def->hash};
    out->holds = gate == OFFER_GATE_COUNT;
    out->about = def->about;
    out->trigger = trigger_of(engine->playbook, def, arena);
    explain_made(&histories[index], arena, out);
    for (uint32_t i = 0; i < GATE_ARBITRATION; i++) {
        out->gates[out->gate_count++] = (struct explain_gate){
            slice_text(offer_gate_name((enum offer_gate)i)), arena_copy(arena, reasons[i])};
    }
    struct proof proof;
    proof.count = proof.missing_count = 0;
    proof_add(&proof, arena, &work->step, &def->eligible, POLARITY_INCLUDING);
    proof_add(&proof, arena, &work->step, &def->suitable, POLARITY_INCLUDING);
    proof_add(&proof, arena, &work->step, &def->affordable, POLARITY_INCLUDING);
    for (uint32_t i = 0; i < OFFER_GATE_COUNT; i++) {
        proof_add_missing(&proof, arena, reasons[i]);
    }
    out->leaf_count = proof.count;
    out->leaves = proof_leaves(&proof, arena);
    out->missing_count = proof.missing_count;
    out->missing = proof_missing(&proof, arena);
}

static void take_in(const struct engine *engine, void *task, struct customer *customer,
                    const struct event *event, int64_t now_ms, struct effects *effects)
{
    enum engine_result result = ENGINE_MORE;
    while (result == ENGINE_MORE) {
        arena_reset(&effects->arena);
        effects->count = 0;
        result = event != NULL ? engine_event(engine, task, customer, event, now_ms, effects)
                               : engine_advance(engine, task, customer, now_ms, effects);
    }
}

/* Copies of what stands before the event. False: the arena is too small. */
static bool keep_earlier(const struct engine *engine, const void *task,
                         const struct customer *customer, struct arena *arena,
                         struct earlier *out_earlier)
{
    size_t size = engine->view_hashes - engine->ledger;
    size_t task_size = engine->task_size - engine->offers_task;
    void *ledger = arena_take(arena, size), *task_part = arena_take(arena, task_size);
    if (ledger == NULL || task_part == NULL) {
        return false;
    }
    memcpy(ledger, part_of(customer, engine->ledger), size);
    memcpy(task_part, part_of(task, engine->offers_task), task_size);
    *out_earlier =
        (struct earlier){ledger, part_of(ledger, engine->histories - engine->ledger), task_part};
    return true;
}

/* Take the deadlines and the event into the copies; what they say is thrown away. An offer that the event brings
 * is not in its own way; one that it reports on (an outcome) counts as it reports. */
static enum status look_ahead(const struct engine *engine, void *task, struct customer *customer,
                              const struct event *event, int64_t now_ms, struct arena *arena,
                              struct earlier *out_earlier)
{
    *out_earlier =
        (struct earlier){part_of(customer, engine->ledger), part_of(customer, engine->histories),
                         part_of(task, engine->offers_task)};
    if (event == NULL && customer->deadline_ms > now_ms) {
        return STATUS_OK; /* as it stands; the memory below takes longer than all the rest */
    }
    struct effects effects = {.capacity = ENGINE_OUTPUTS_PER_STEP_MAX};
    size_t size = ENGINE_ARENA_PER_STEP_MAX;
    void *block = arena_take(arena, size);
    effects.outputs = arena_take(arena, effects.capacity * sizeof(*effects.outputs));
    if (block == NULL || effects.outputs == NULL) {
        return STATUS_FULL;
    }
    arena_init(&effects.arena, block, size);
    take_in(engine, task, customer, NULL, now_ms, &effects);
    if (event != NULL && event->source != SOURCE_OFFER_OUTCOMES &&
        !keep_earlier(engine, task, customer, arena, out_earlier)) {
        return STATUS_FULL;
    }
    if (event != NULL) {
        take_in(engine, task, customer, event, now_ms, &effects);
    }
    return STATUS_OK;
}

enum status engine_explain(const struct engine *engine, const void *task,
                           const struct customer *customer, enum explain_kind kind, uint32_t index,
                           int64_t now_ms, const struct event *event, struct arena *arena,
                           struct explanation *out_explanation)
{
    struct customer *copy = arena_take(arena, engine->customer_size);
    void *task_copy = arena_take(arena, engine->task_size);
    struct work *work = arena_take(arena, sizeof(*work));
    if (copy == NULL || task_copy == NULL || work == NULL) {
        return STATUS_FULL;
    }
    memcpy(copy, customer, engine->customer_size);
    memcpy(task_copy, task, engine->task_size);
    struct earlier earlier;
    if (look_ahead(engine, task_copy, copy, event, now_ms, arena, &earlier) != STATUS_OK) {
        return STATUS_FULL;
    }
    struct effects none = {.capacity = 0};
    work_begin(work, engine, task_copy, copy, &none);
    work->scope.now_ms = copy->seen_ms > now_ms ? copy->seen_ms : now_ms;
    work->scope.event = event;
    work->step.task_now_ms = work->step.act_ms = work->step.heard_ms = work->scope.now_ms;
    work->step.live = true;
    work->moment =
        features_moment(engine->playbook->features, part(copy, engine->features), &work->scope);
    work_read_features(work);
    for (uint32_t i = 0; i < engine->playbook->segments.count; i++) {
        const struct segment_state *state =
            (const struct segment_state *)part_of(copy, engine->segments) + i;
        if (segment_is_told(state)) {
            work->segment_names[work->scope.segment_count++] =
                engine->playbook->segments.defs[i].id;
        }
    }
    for (uint32_t i = 0; i < engine->playbook->life.count; i++) {
        const struct life_state *state = (const struct life_state *)part_of(copy, engine->life) + i;
        if (state->phase == LIFE_PHASE_CONFIRMED) {
            work->life_names[work->scope.life_count++] = engine->playbook->life.defs[i].id;
        }
    }
    work->scope.segments = work->segment_names;
    work->scope.life = work->life_names;
    *out_explanation = (struct explanation){.kind = kind, .evaluated_at_ms = work->scope.now_ms};
    switch (kind) {
    case EXPLAIN_SEGMENT:
        explain_segment(work, index, arena, out_explanation);
        break;
    case EXPLAIN_LIFE_EVENT:
        explain_life(work, index, arena, out_explanation);
        break;
    case EXPLAIN_OFFER:
        explain_offer(work, index, &earlier, arena, out_explanation);
        break;
    }
    return STATUS_OK;
}
