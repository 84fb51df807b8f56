/* SPDX-License-Identifier: Apache-2.0 */
#include "segments/segments.h"

/* Every including characteristic holds and no excluding one does; a NO decides even beside an unknown. With
 * a proof, all of them are looked at; without, the first NO ends it. */
enum rules_truth segment_entry(const struct segment_def *def, struct step *step,
                               struct proof *proof, struct arena *arena)
{
    enum rules_truth entry = def->retired ? RULES_NO : RULES_YES;
    for (uint32_t i = 0; i < def->including_count + def->excluding_count; i++) {
        bool including = i < def->including_count;
        const struct condition *condition =
            including ? &def->including[i] : &def->excluding[i - def->including_count];
        struct slice why = {NULL, 0};
        enum rules_truth truth = condition_holds(condition, step, proof != NULL ? &why : NULL);
        if (proof != NULL) {
            proof_add(proof, arena, step, condition,
                      including ? POLARITY_INCLUDING : POLARITY_EXCLUDING);
        }
        if (truth == RULES_UNKNOWN) {
            if (proof != NULL) {
                proof_add_missing(proof, arena, why);
            }
            entry = entry == RULES_NO ? RULES_NO : RULES_UNKNOWN;
        } else if ((truth == RULES_YES) != including) {
            entry = RULES_NO;
            if (proof == NULL) {
                break;
            }
        }
    }
    return entry;
}

enum rules_truth segment_exit(const struct segment_def *def, struct step *step, struct proof *proof,
                              struct arena *arena)
{
    if (def->exit_when.program == NULL) {
        enum rules_truth entry = segment_entry(def, step, proof, arena);
        return entry == RULES_UNKNOWN ? RULES_UNKNOWN : entry == RULES_NO ? RULES_YES : RULES_NO;
    }
    struct slice why = {NULL, 0};
    struct slice *out_why = proof != NULL ? &why : NULL;
    enum rules_truth leave = condition_holds(&def->exit_when, step, out_why);
    if (proof != NULL) {
        proof_add(proof, arena, step, &def->exit_when, POLARITY_EXCLUDING);
        proof_add_missing(proof, arena, why);
    }
    for (uint32_t i = 0; i < def->excluding_count; i++) {
        if (proof == NULL && leave == RULES_YES) {
            break;
        }
        enum rules_truth excluded = condition_holds(&def->excluding[i], step, out_why);
        if (excluded == RULES_YES) {
            leave = RULES_YES;
        } else if (excluded == RULES_UNKNOWN && leave == RULES_NO) {
            leave = RULES_UNKNOWN;
        }
        if (proof != NULL) {
            proof_add(proof, arena, step, &def->excluding[i], POLARITY_EXCLUDING);
            if (excluded == RULES_UNKNOWN) {
                proof_add_missing(proof, arena, why);
            }
        }
    }
    return leave;
}

static struct segment_changed describe(const struct segment_def *def,
                                       const struct segment_state *state,
                                       enum segment_transition transition, struct step *step,
                                       struct proof *proof)
{
    struct arena *arena = &step->effects->arena;
    struct proof_leaf *leaves = proof_leaves(proof, arena);
    struct slice *missing = proof_missing(proof, arena);
    bool entered = transition == TRANSITION_ENTERED;
    return (struct segment_changed){
        .segment = {def->id, def->version, def->hash},
        .transition = (uint8_t)transition,
        .origin = step->origin,
        .effective_at_ms = step->scope->now_ms,
        .valid_until_ms =
            entered && def->expires_ms > 0 ? state->entered_ms + def->expires_ms : INT64_MAX,
        .entered_at_ms = state->entered_ms,
        .previous_exit_at_ms = entered ? state->exited_ms : 0,
        .membership_seq = state->membership_seq,
        .cause = step->cause,
        .proof = leaves,
        .proof_count = proof->count,
        .missing_features = missing,
        .missing_count = proof->missing_count,
        .purpose = def->purpose,
        .data_category = def->data_category,
        .need = def->need,
    };
}

struct manner {
    bool change;    /* the change too; false: the state only */
    bool tombstone; /* the state as a null value */
};

/* The change (live only) and the state; both say the same. */
static void publish(const struct segment_def *def, const struct segment_state *state,
                    enum segment_transition transition, struct step *step, struct proof *proof,
                    struct manner manner)
{
    struct output_identity identity = {
        .definition = {def->id, def->version, def->hash},
        .transition = (uint8_t)transition,
        .sequence = state->membership_seq,
    };
    struct segment_changed changed = describe(def, state, transition, step, proof);
    enum output_kind kinds[] = {OUTPUT_SEGMENT_CHANGED, OUTPUT_SEGMENT_STATE};
    for (uint32_t i = step->live && manner.change ? 0 : 1; i < 2; i++) {
        identity.kind = (uint8_t)kinds[i];
        struct output *output = step_output(step, kinds[i], &identity);
        if (output == NULL) {
            return;
        }
        output->segment_changed = changed;
        if (kinds[i] == OUTPUT_SEGMENT_STATE) {
            uint8_t key[CUSTOMER_ID_SIZE_MAX + 1 + EVENT_ID_SIZE_MAX];
            struct bytes_writer writer = bytes_writer(key, sizeof(key));
            bytes_put(&writer, step->customer->id, step->customer->id_size);
            bytes_put_u8(&writer, '|');
            bytes_put(&writer, def->id.data,
                      def->id.size < EVENT_ID_SIZE_MAX ? def->id.size : EVENT_ID_SIZE_MAX);
            output->key = arena_copy(&step->effects->arena, slice_of(key, writer.size));
            output->tombstone = manner.tombstone;
        }
    }
}

static void enter(struct segment_state *state, uint64_t *size, const struct step *step)
{
    state->in = true;
    state->announced = false;
    state->entered_ms = step->scope->now_ms;
    state->entry_since_ms = 0;
    state->membership_seq++;
    ++*size;
}

/* A member that was not announced, because the segment was smaller than k, is so at its first event after
 * the segment has grown (at an event, so that a deadline checked too early changes nothing). */
static void announce(const struct segment_def *def, struct segment_state *state, uint64_t size,
                     struct step *step)
{
    bool at_entry = state->entered_ms == step->scope->now_ms;
    if (state->announced || size < def->min_size || (step->scope->event == NULL && !at_entry)) {
        return;
    }
    state->announced = true;
    struct proof proof;
    proof.count = proof.missing_count = 0;
    (void)segment_entry(def, step, &proof, &step->effects->arena);
    publish(def, state, TRANSITION_ENTERED, step, &proof, (struct manner){true, false});
}

static void leave(const struct segment_def *def, struct segment_state *state, uint64_t *size,
                  struct step *step, bool expired)
{
    int64_t now_ms = step->scope->now_ms;
    state->in = false;
    state->membership_seq++;
    *size -= *size > 0;
    if (state->announced) {
        struct arena *arena = &step->effects->arena;
        struct proof proof;
        proof.count = proof.missing_count = 0;
        if (expired) {
            proof_add_fact(&proof, arena,
                           (struct proof_leaf){.leaf_id = slice_text("expires"),
                                               .expr = slice_text("longest stay reached"),
                                               .as_of_ms = now_ms,
                                               .polarity = POLARITY_EXCLUDING,
                                               .holds = true});
        } else {
            (void)segment_exit(def, step, &proof, arena);
        }
        publish(def, state, TRANSITION_EXITED, step, &proof, (struct manner){true, false});
    }
    state->announced = false;
    state->entered_ms = 0;
    state->exited_ms = now_ms;
    state->entry_since_ms = 0;
    state->spent = segment_entry(def, step, NULL, NULL) == RULES_YES;
}

/* While out. */
static void consider_entry(const struct segment_def *def, struct segment_state *state,
                           uint64_t *size, struct step *step)
{
    int64_t now_ms = step->scope->now_ms;
    switch (segment_entry(def, step, NULL, NULL)) {
    case RULES_UNKNOWN:
        return;
    case RULES_NO:
        state->entry_since_ms = 0;
        state->spent = false;
        return;
    case RULES_YES:
        break;
    }
    if (state->spent) {
        return;
    }
    if (state->entry_since_ms == 0) {
        state->entry_since_ms = now_ms;
    }
    bool cool = state->exited_ms == 0 || now_ms >= state->exited_ms + def->cool_down_ms;
    if (cool && now_ms >= state->entry_since_ms + def->dwell_ms) {
        enter(state, size, step);
    }
}

/* While in. */
static void consider_exit(const struct segment_def *def, struct segment_state *state,
                          uint64_t *size, struct step *step)
{
    int64_t now_ms = step->scope->now_ms;
    bool expired = def->expires_ms > 0 && now_ms >= state->entered_ms + def->expires_ms;
    if (!expired) {
        if (now_ms < state->entered_ms + def->min_stay_ms ||
            segment_exit(def, step, NULL, NULL) != RULES_YES) {
            return;
        }
    }
    leave(def, state, size, step, expired);
}

/* Leave without a rule and be as if never in; the state topic's copy goes too. */
static void forget(const struct segment_def *def, struct segment_state *state, uint64_t *size,
                   struct step *step, struct proof *proof)
{
    bool announced = state->announced;
    if (state->in) {
        state->in = false;
        state->membership_seq++;
        *size -= *size > 0;
    }
    if (state->membership_seq > 0) {
        /* The state topic keeps the last exit of everybody who ever was a member: clear that too. */
        publish(def, state, TRANSITION_EXITED, step, proof, (struct manner){announced, true});
    }
    *state = (struct segment_state){0};
}

static void retire(const struct segment_def *def, struct segment_state *state, uint64_t *size,
                   struct step *step)
{
    struct proof proof;
    proof.count = proof.missing_count = 0;
    if (!segment_is_empty(state)) {
        proof_add_fact(&proof, &step->effects->arena,
                       (struct proof_leaf){.leaf_id = slice_text("retired"),
                                           .expr = slice_text("the segment is retired"),
                                           .as_of_ms = step->scope->now_ms,
                                           .polarity = POLARITY_EXCLUDING,
                                           .holds = true});
        forget(def, state, size, step, &proof);
    }
}

/* One segment at this moment. */
static void look_at(const struct segment_def *def, struct segment_state *state, uint64_t *size,
                    struct step *step)
{
    if (def->retired) {
        retire(def, state, size, step);
        return;
    }
    if (state->in) {
        consider_exit(def, state, size, step);
    } else {
        consider_entry(def, state, size, step);
    }
    if (state->in) {
        announce(def, state, *size, step);
    }
}

/* The names of the segments from..to - 1 that the customer is told to be in, behind those before. */
static void name_members(const struct segments *segments, const struct segment_state *states,
                         uint32_t from, uint32_t to, struct slice *names, struct step *step)
{
    const struct recall *recall = step->recall;
    for (uint32_t i = from; i < to; i++) {
        i = recall == NULL ? i : recall_find(recall->in, true, i, to);
        if (i < to && segment_is_told(&states[i])) {
            names[step->scope->segment_count++] = segments->defs[i].id;
        }
    }
}

static bool same(const struct segment_state *a, const struct segment_state *b)
{
    return a->entered_ms == b->entered_ms && a->entry_since_ms == b->entry_since_ms &&
           a->exited_ms == b->exited_ms && a->membership_seq == b->membership_seq &&
           a->in == b->in && a->spent == b->spent && a->announced == b->announced;
}

/* What the evaluation of one segment leaves for the next moment. One that is smaller than its k is announced when
 * others have made it grow, so it is looked at until then. */
static void remember(const struct segment_def *def, const struct segment_state *before,
                     const struct segment_state *state, uint32_t index, struct step *step)
{
    struct recall *recall = step->recall;
    bool changed = !same(before, state);
    bool asleep = def->on_event && step->scope->event == NULL;
    recall_put(recall->looked, index, true);
    recall_put(recall->settled, index,
               !changed && !asleep && *step->scope->restless == 0 &&
                   (!state->in || state->announced));
    bool told = segment_is_told(state);
    if (recall_has(recall->in, index) != told) {
        recall_put(recall->in, index, told);
        recall_clear(recall->bits, recall->row, recall->width);
    }
}

void segments_evaluate(const struct segments *segments, struct segment_state *states,
                       uint64_t *sizes, struct slice *names, struct step *step,
                       struct segments_result *out_result)
{
    struct recall *recall = step->recall;
    uint32_t named = 0;
    *out_result = (struct segments_result){0};
    step->scope->segments = names;
    step->scope->segment_count = 0;
    if (recall != NULL) {
        recall_wake(recall, segments->count, step->scope->now_ms);
    }
    for (uint32_t i = recall_next(recall, 0, segments->count); i < segments->count;
         i = recall_next(recall, i + 1, segments->count)) {
        const struct segment_def *def = &segments->defs[i];
        struct segment_state before = states[i];
        name_members(segments, states, named, i, names, step);
        named = i;
        if (recall != NULL) {
            *step->scope->restless = 0;
        }
        arena_reset(step->scratch); /* so that what one needs is nothing to the next */
        if (def->retired || !def->on_event || step->scope->event != NULL) {
            look_at(def, &states[i], &sizes[i], step);
        }
        bool was_told = segment_is_told(&before), told = segment_is_told(&states[i]);
        out_result->entered[i >> 6] |= (uint64_t)(told && !was_told) << (i & 63);
        out_result->exited[i >> 6] |= (uint64_t)(was_told && !told) << (i & 63);
        if (recall != NULL) {
            remember(def, &before, &states[i], i, step);
        }
    }
    name_members(segments, states, named, segments->count, names, step);
}

static int64_t sooner(int64_t best_ms, int64_t at_ms, int64_t now_ms)
{
    return at_ms > now_ms && at_ms < best_ms ? at_ms : best_ms;
}

static int64_t next_of(const struct segment_def *def, const struct segment_state *state,
                       int64_t now_ms)
{
    int64_t next = INT64_MAX;
    if (def->on_event || def->retired) {
        return next;
    }
    if (state->in) {
        next = sooner(next, state->entered_ms + def->min_stay_ms, now_ms);
        return def->expires_ms > 0 ? sooner(next, state->entered_ms + def->expires_ms, now_ms)
                                   : next;
    }
    if (state->entry_since_ms != 0) {
        int64_t at_ms = state->entry_since_ms + def->dwell_ms;
        if (state->exited_ms != 0 && state->exited_ms + def->cool_down_ms > at_ms) {
            at_ms = state->exited_ms + def->cool_down_ms;
        }
        next = sooner(next, at_ms, now_ms);
    }
    return next;
}

int64_t segments_next_change(const struct segments *segments, const struct segment_state *states,
                             const struct recall *recall, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; recall == NULL && i < segments->count; i++) {
        int64_t at_ms = next_of(&segments->defs[i], &states[i], now_ms);
        next = at_ms < next ? at_ms : next;
    }
    if (recall == NULL) {
        return next;
    }
    uint32_t i = recall_find(recall->looked, true, 0, segments->count);
    if (i == segments->count) {
        return *recall->least_ms;
    }
    for (; i < segments->count; i = recall_find(recall->looked, true, i + 1, segments->count)) {
        recall->next_ms[i] = next_of(&segments->defs[i], &states[i], now_ms);
    }
    return *recall->least_ms = recall_least(recall, segments->count);
}

void segments_erase(const struct segments *segments, struct segment_state *states, uint64_t *sizes,
                    struct step *step)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        struct proof none;
        none.count = none.missing_count = 0;
        forget(&segments->defs[i], &states[i], &sizes[i], step, &none);
    }
    step->scope->segment_count = 0;
}

bool segment_is_empty(const struct segment_state *state)
{
    return state->membership_seq == 0 && state->entry_since_ms == 0 && !state->spent;
}

void segment_pack(const struct segment_state *state, struct bytes_writer *writer)
{
    bytes_put_u8(writer, (uint8_t)((state->in ? 1 : 0) | (state->announced ? 2 : 0) |
                                   (state->entry_since_ms != 0 ? 4 : 0) |
                                   (state->exited_ms != 0 ? 8 : 0) | (state->spent ? 16 : 0)));
    bytes_put_varuint(writer, state->membership_seq);
    if (state->in) {
        bytes_put_varint(writer, state->entered_ms);
    }
    if (state->entry_since_ms != 0) {
        bytes_put_varint(writer, state->entry_since_ms);
    }
    if (state->exited_ms != 0) {
        bytes_put_varint(writer, state->exited_ms);
    }
}

bool segment_unpack(struct segment_state *state, struct bytes_reader *reader)
{
    *state = (struct segment_state){0};
    uint8_t flags = bytes_take_u8(reader);
    state->membership_seq = bytes_take_varuint(reader);
    state->in = (flags & 1) != 0;
    state->announced = (flags & 2) != 0;
    state->entered_ms = state->in ? bytes_take_varint(reader) : 0;
    state->entry_since_ms = (flags & 4) != 0 ? bytes_take_varint(reader) : 0;
    state->exited_ms = (flags & 8) != 0 ? bytes_take_varint(reader) : 0;
    int64_t limit = INT64_MAX / 4;
    state->spent = (flags & 16) != 0;
    bool sane = flags < 32 && state->entered_ms < limit && state->entered_ms > -limit &&
                state->entry_since_ms < limit && state->entry_since_ms > -limit &&
                state->exited_ms < limit && state->exited_ms > -limit;
    if (reader->bad || !sane) {
        *state = (struct segment_state){0};
        return false;
    }
    return true;
}
