/* SPDX-License-Identifier: Apache-2.0 */
#include "life/life.h"

#include <math.h>
#include <stdio.h>

#include "base/civil.h"

enum {
    HALF_LIVES_MAX = 8, /* evidence older than that is gone: less than 0.4 % of its weight */
};

/* What one definition's conditions say at this moment. */
struct reading {
    bool has_primary;
    bool counter;    /* counter-evidence weighs in */
    double evidence; /* 0..1; what feedback says goes before */
    enum rules_truth unless;
    enum rules_truth ends;
    int feedback; /* 1 yes, -1 no, 0 none */
};

static const struct feature_value *absent_since(const struct life_absent *absent,
                                                const struct scope *scope)
{
    const struct feature_value *value = absent->used ? scope_feature(scope, absent->feature) : NULL;
    return value != NULL && value->present ? value : NULL;
}

static enum rules_truth absent_holds(const struct life_absent *absent, const struct scope *scope)
{
    if (!absent->used) {
        return RULES_YES;
    }
    const struct feature_value *since = absent_since(absent, scope);
    int64_t until_ms = scope_judged_until(scope, (enum source)absent->source);
    return since == NULL || until_ms - since->i <= absent->for_ms ? RULES_NO : RULES_YES;
}

enum rules_truth life_primary(const struct life_def *def, struct step *step)
{
    enum rules_truth absent = absent_holds(&def->absent, step->scope);
    enum rules_truth when = absent == RULES_NO ? RULES_NO : condition_holds(&def->when, step, NULL);
    if (absent == RULES_NO || when == RULES_NO) {
        return RULES_NO;
    }
    return absent == RULES_YES && when == RULES_YES ? RULES_YES : RULES_UNKNOWN;
}

static void read_primary(const struct life_def *def, struct life_state *state, struct step *step)
{
    enum rules_truth truth = life_primary(def, step);
    if (truth != RULES_UNKNOWN) {
        state->primary = truth == RULES_YES;
    }
}

/* Of a signal that is not passed over. */
static enum rules_truth signal_holds(const struct life_signal *signal, struct step *step)
{
    enum rules_truth absent = absent_holds(&signal->absent, step->scope);
    bool found = signal->decided && step->may_hold != NULL;
    if (absent == RULES_NO || found || signal->condition.program == NULL) {
        return absent;
    }
    enum rules_truth truth = condition_holds(&signal->condition, step, NULL);
    return truth == RULES_YES ? absent : truth;
}

bool life_is_informed(const struct event *event)
{
    return event != NULL && (event->source != SOURCE_TRANSACTIONS || event->tx.status == TX_POSTED);
}

/* Has the index found that it does not hold for this event? */
static bool passes_over(const struct life_signal *signal, const struct step *step)
{
    return signal->number != 0 && step->may_hold != NULL &&
           !recall_has(step->may_hold, step->may_hold_from + signal->number - 1);
}

/* Remember edges: a signal counts fully while it holds and decays from the moment at which it stopped; one
 * that reads the event counts from that event on. */
static void read_signals(const struct life_def *def, struct life_state *state, struct step *step)
{
    for (uint32_t i = 0; i < def->signal_count; i++) {
        const struct condition *condition = &def->signals[i].condition;
        uint8_t bit = (uint8_t)(1U << i);
        bool instant = def->signals[i].number != 0 || condition_reads_event(condition);
        if (instant && !life_is_informed(step->scope->event)) {
            continue;
        }
        if (instant && passes_over(&def->signals[i], step)) {
            continue;
        }
        uint8_t *restless = step->scope->restless;
        uint8_t before = restless != NULL ? *restless : 0;
        enum rules_truth truth = signal_holds(&def->signals[i], step);
        if (restless != NULL && def->signals[i].number != 0) {
            *restless = before;
        }
        if (instant) {
            state->signal_ms[i] = truth == RULES_YES ? step->scope->now_ms : state->signal_ms[i];
        } else if (truth == RULES_YES) {
            state->signals_hold |= bit;
        } else if (truth == RULES_NO && (state->signals_hold & bit) != 0) {
            state->signals_hold &= (uint8_t)~bit; /* gone at once, or it fades from now on */
            state->signal_ms[i] = def->signals[i].half_life_ms > 0 ? step->scope->now_ms : 0;
        }
    }
}

/* Fades in steps of a day since it stopped, so that the moments at which evidence can change are known. */
double life_signal_weight(const struct life_def *def, const struct life_state *state,
                          uint32_t index, int64_t now_ms)
{
    const struct life_signal *signal = &def->signals[index];
    if ((state->signals_hold >> index & 1) != 0) {
        return signal->weight;
    }
    if (state->signal_ms[index] == 0 || now_ms < state->signal_ms[index]) {
        return 0;
    }
    int64_t age_ms = now_ms - state->signal_ms[index];
    if (signal->half_life_ms <= 0) {
        return age_ms == 0 ? signal->weight : 0;
    }
    int64_t steps_ms = age_ms / MS_PER_DAY * MS_PER_DAY;
    if (steps_ms / signal->half_life_ms >= HALF_LIVES_MAX) {
        return 0;
    }
    return signal->weight * exp2(-(double)steps_ms / (double)signal->half_life_ms);
}

static void read_evidence(const struct life_def *def, const struct life_state *state,
                          int64_t now_ms, struct reading *reading)
{
    double sum = reading->has_primary && state->primary ? def->weight : 0;
    reading->counter = false;
    for (uint32_t i = 0; i < def->signal_count; i++) {
        double weight = life_signal_weight(def, state, i, now_ms);
        reading->counter = reading->counter || weight < 0;
        sum += weight;
    }
    reading->evidence = sum < 0 ? 0 : sum > 1 ? 1 : sum;
    if (reading->feedback != 0) {
        reading->evidence = reading->feedback > 0 ? 1 : 0;
    }
}

static int read_feedback(const struct life_def *def, const struct event *event)
{
    if (event == NULL || event->source != SOURCE_LIFE_EVENT_FEEDBACK ||
        !slice_equal(event->feedback.life_event, def->id)) {
        return 0;
    }
    return event->feedback.is_true ? 1 : -1;
}

static double calibrated(const struct life_def *def, double evidence)
{
    const struct life_calibration *points = def->calibration;
    uint32_t count = def->calibration_count;
    if (count == 0) {
        return evidence;
    }
    uint32_t i = 0;
    while (i < count && points[i].evidence < evidence) {
        i++;
    }
    if (i == 0 || i == count) {
        return points[i == 0 ? 0 : count - 1].confidence;
    }
    double share =
        (evidence - points[i - 1].evidence) / (points[i].evidence - points[i - 1].evidence);
    return points[i - 1].confidence + share * (points[i].confidence - points[i - 1].confidence);
}

/* As published: what the customer or an adviser says is certain. */
static double confidence_of(const struct life_def *def, const struct reading *reading)
{
    return reading->feedback != 0 ? reading->evidence : calibrated(def, reading->evidence);
}

/* Keeps the strongest first, whichever way it speaks. */
static void add_evidence(struct life_event_detected *out, struct slice signal, double weight,
                         int64_t at_ms)
{
    if (out->evidence == NULL || weight == 0) {
        return;
    }
    uint32_t place = out->evidence_count++;
    for (; place > 0 && fabs(out->evidence[place - 1].weight) < fabs(weight); place--) {
        out->evidence[place] = out->evidence[place - 1];
    }
    out->evidence[place] = (struct evidence){signal, weight, at_ms};
}

static void collect_evidence(const struct life_def *def, const struct life_state *state,
                             const struct reading *reading, struct step *step,
                             struct life_event_detected *out)
{
    int64_t now_ms = step->scope->now_ms;
    out->evidence =
        arena_take(&step->effects->arena, (LIFE_SIGNALS_MAX + 2) * sizeof(*out->evidence));
    if (reading->has_primary && state->primary) {
        const struct feature_value *since = absent_since(&def->absent, step->scope);
        int64_t at_ms = since == NULL ? now_ms : since->i + def->absent.for_ms + 1;
        add_evidence(out, slice_text(def->absent.used ? "absent" : "when"), def->weight, at_ms);
    }
    for (uint32_t i = 0; i < def->signal_count; i++) {
        bool holds = (state->signals_hold >> i & 1) != 0;
        add_evidence(out, def->signals[i].condition.name, life_signal_weight(def, state, i, now_ms),
                     holds ? now_ms : state->signal_ms[i]);
    }
    if (reading->feedback != 0) {
        add_evidence(out, slice_text("feedback"), reading->feedback, now_ms);
    }
}

static void prove_absent(const struct life_absent *absent, struct slice id, enum polarity polarity,
                         struct step *step, struct proof *proof, struct arena *arena)
{
    const struct feature_value *since = absent_since(absent, step->scope);
    char text[STATUS_TEXT_SIZE];
    char at[CIVIL_TEXT_SIZE] = "";
    int size = snprintf(text, sizeof(text), "absent: %.*s for %.*s", SLICE_ARG(absent->name),
                        SLICE_ARG(absent->text));
    if (since != NULL) {
        civil_format_time(since->i, at);
    }
    size_t used = size < 0 ? 0 : (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1;
    proof_add_fact(proof, arena,
                   (struct proof_leaf){.leaf_id = id,
                                       .expr = slice_of(text, used),
                                       .value = slice_text(at),
                                       .threshold = absent->text,
                                       .feature = absent->name,
                                       .as_of_ms = step->scope->now_ms,
                                       .polarity = (uint8_t)polarity,
                                       .holds = absent_holds(absent, step->scope) == RULES_YES});
}

void life_prove(const struct life_def *def, struct step *step, struct proof *proof,
                struct arena *arena)
{
    if (def->absent.used) {
        prove_absent(&def->absent, slice_text("absent"), POLARITY_INCLUDING, step, proof, arena);
    }
    proof_add(proof, arena, step, &def->when, POLARITY_INCLUDING);
    for (uint32_t i = 0; i < def->signal_count; i++) {
        const struct life_signal *signal = &def->signals[i];
        enum polarity polarity = signal->weight < 0 ? POLARITY_EXCLUDING : POLARITY_INCLUDING;
        if (signal->absent.used) {
            prove_absent(&signal->absent, signal->condition.name, polarity, step, proof, arena);
        }
        proof_add(proof, arena, step, &signal->condition, polarity);
    }
    proof_add(proof, arena, step, &def->unless, POLARITY_EXCLUDING);
    proof_add(proof, arena, step, &def->ends, POLARITY_EXCLUDING);
}

static void publish(const struct life_def *def, struct life_state *state,
                    enum life_event_state what, const struct reading *reading, struct step *step)
{
    state->transitions++;
    state->confidence = state->phase == LIFE_PHASE_IDLE ? 0 : (float)confidence_of(def, reading);
    if (!step->live) {
        return;
    }
    struct output_identity identity = {
        .definition = {def->id, def->version, def->hash},
        .kind = OUTPUT_LIFE_EVENT,
        .transition = (uint8_t)what,
        .sequence = state->transitions,
    };
    struct output *output = step_output(step, OUTPUT_LIFE_EVENT, &identity);
    if (output == NULL) {
        return;
    }
    int64_t now_ms = step->scope->now_ms;
    const struct feature_value *since = absent_since(&def->absent, step->scope);
    int64_t from_ms = def->window_ms > 0 ? now_ms - def->window_ms
                      : since != NULL    ? since->i
                                         : now_ms;
    struct arena *arena = &step->effects->arena;
    struct proof proof;
    proof.count = proof.missing_count = 0;
    bool tell =
        step->origin != ORIGIN_ERASURE; /* of an erased customer nothing is told but the end */
    if (tell) {
        life_prove(def, step, &proof, arena);
    }
    struct proof_leaf *leaves = proof_leaves(&proof, arena);
    output->life_event = (struct life_event_detected){
        .life_event = identity.definition,
        .state = (uint8_t)what,
        .origin = step->origin,
        .confidence = confidence_of(def, reading),
        .effective_at_ms = now_ms,
        .window_from_ms = from_ms,
        .window_to_ms = now_ms,
        .cause = step->cause,
        .proof = leaves,
        .proof_count = proof.count,
        .data_category = def->data_category,
        .route = def->route,
        .vulnerable = def->vulnerable,
    };
    if (tell) {
        collect_evidence(def, state, reading, step, &output->life_event);
    }
}

/* Would the conditions open an episode at this moment? */
static bool wants(const struct life_def *def, const struct life_state *state,
                  const struct reading *reading)
{
    return (!reading->has_primary || state->primary) && reading->evidence >= def->suspect_at;
}

static void close_episode(const struct life_def *def, struct life_state *state,
                          enum life_event_state what, const struct reading *reading,
                          struct step *step)
{
    state->phase = LIFE_PHASE_IDLE;
    state->since_ms = step->scope->now_ms;
    state->spent = reading->has_primary ? state->primary : reading->evidence >= def->suspect_at;
    publish(def, state, what, reading, step);
}

static void confirm(const struct life_def *def, struct life_state *state,
                    const struct reading *reading, struct step *step)
{
    state->phase = LIFE_PHASE_CONFIRMED;
    state->since_ms = step->scope->now_ms;
    state->confirmed_ms = step->scope->now_ms;
    publish(def, state, LIFE_CONFIRMED, reading, step);
}

static void move_idle(const struct life_def *def, struct life_state *state,
                      const struct reading *reading, struct step *step)
{
    if (reading->feedback > 0) {
        confirm(def, state, reading, step);
        return;
    }
    if (!wants(def, state, reading)) {
        state->spent = state->spent && reading->has_primary && state->primary;
        return;
    }
    if (reading->feedback < 0) {
        state->spent = true;
    }
    if (state->spent || reading->unless == RULES_YES || reading->ends == RULES_YES) {
        return;
    }
    if (reading->evidence >= def->confirm_at) {
        confirm(def, state, reading, step);
        return;
    }
    state->phase = LIFE_PHASE_SUSPECTED;
    state->since_ms = step->scope->now_ms;
    publish(def, state, LIFE_SUSPECTED, reading, step);
}

static void move_open(const struct life_def *def, struct life_state *state,
                      const struct reading *reading, struct step *step)
{
    bool confirmed = state->phase == LIFE_PHASE_CONFIRMED;
    if (reading->unless == RULES_YES || reading->feedback < 0) {
        close_episode(def, state, LIFE_REFUTED, reading, step);
    } else if (reading->ends == RULES_YES ||
               (confirmed && def->expires_ms > 0 &&
                step->scope->now_ms >= state->confirmed_ms + def->expires_ms)) {
        close_episode(def, state, LIFE_EXPIRED, reading, step);
    } else if (confirmed) {
        return;
    } else if (reading->evidence >= def->confirm_at) {
        confirm(def, state, reading, step);
    } else if (reading->evidence <= 0 && reading->counter) {
        close_episode(def, state, LIFE_REFUTED, reading, step);
    } else if (reading->evidence < def->suspect_at) {
        close_episode(def, state, LIFE_EXPIRED, reading, step);
    }
}

static bool has_primary(const struct life_def *def)
{
    return def->absent.used || def->when.program != NULL;
}

/* Nothing but an absence that is not complete: an evaluation would find the state as it is. */
static bool still_waits(const struct life_def *def, const struct life_state *state,
                        const struct step *step)
{
    return def->absent.used && def->signal_count == 0 && state->phase == LIFE_PHASE_IDLE &&
           !state->primary && !state->spent &&
           absent_holds(&def->absent, step->scope) == RULES_NO &&
           read_feedback(def, step->scope->event) == 0;
}

static void evaluate_one(const struct life_def *def, struct life_state *state, struct step *step)
{
    struct reading reading = {
        .has_primary = has_primary(def),
        .unless = RULES_NO,
        .ends = RULES_NO,
        .feedback = read_feedback(def, step->scope->event),
    };
    if (reading.has_primary) {
        read_primary(def, state, step);
    }
    read_signals(def, state, step);
    read_evidence(def, state, step->scope->now_ms, &reading);
    bool matters = state->phase != LIFE_PHASE_IDLE || wants(def, state, &reading);
    if (matters && def->unless.program != NULL) {
        reading.unless = condition_holds(&def->unless, step, NULL);
    }
    if (matters && def->ends.program != NULL) {
        reading.ends = condition_holds(&def->ends, step, NULL);
    }
    if (state->phase == LIFE_PHASE_IDLE) {
        move_idle(def, state, &reading, step);
    } else {
        move_open(def, state, &reading, step);
    }
}

static bool same(const struct life_state *a, const struct life_state *b)
{
    return a->since_ms == b->since_ms && a->confirmed_ms == b->confirmed_ms &&
           memcmp(a->signal_ms, b->signal_ms, sizeof(a->signal_ms)) == 0 &&
           a->confidence == b->confidence && a->transitions == b->transitions &&
           a->phase == b->phase && a->signals_hold == b->signals_hold && a->primary == b->primary &&
           a->spent == b->spent;
}

/* What the evaluation of one definition leaves for the next moment. */
static void remember(const struct life_state *before, const struct life_state *state,
                     uint32_t index, struct step *step)
{
    struct recall *recall = step->recall;
    bool changed = !same(before, state);
    bool confirmed = state->phase == LIFE_PHASE_CONFIRMED;
    recall_put(recall->looked, index, true);
    recall_put(recall->settled, index, !changed && *step->scope->restless == 0);
    recall_put(recall->open, index, state->phase != LIFE_PHASE_IDLE);
    if (recall_has(recall->in, index) != confirmed) {
        recall_put(recall->in, index, confirmed);
        recall_clear(recall->bits, recall->row, recall->width);
    }
}

struct life_result life_evaluate(const struct life_events *events, struct life_state *states,
                                 struct slice *names, struct step *step)
{
    struct recall *recall = step->recall;
    struct life_result result = {0};
    uint32_t count = 0;
    if (recall != NULL) {
        recall_wake(recall, events->count, step->scope->now_ms);
    }
    for (uint32_t i = recall_next(recall, 0, events->count); i < events->count;
         i = recall_next(recall, i + 1, events->count)) {
        struct life_state *state = &states[i];
        if (recall != NULL && still_waits(&events->defs[i], state, step)) {
            recall_put(recall->looked, i, true);
            recall_put(recall->settled, i, true);
            continue;
        }
        struct life_state before = *state;
        if (recall != NULL) {
            *step->scope->restless = 0;
        }
        arena_reset(step->scratch); /* so that what one needs is nothing to the next */
        evaluate_one(&events->defs[i], state, step);
        if (recall != NULL) {
            remember(&before, state, i, step);
        }
        uint64_t bit = UINT64_C(1) << i;
        if (state->phase != before.phase) {
            result.suspected |= state->phase == LIFE_PHASE_SUSPECTED ? bit : 0;
            result.confirmed |= state->phase == LIFE_PHASE_CONFIRMED ? bit : 0;
            result.ended |= state->phase == LIFE_PHASE_IDLE ? bit : 0;
        }
    }
    for (uint32_t i = 0; i < events->count; i++) {
        i = recall == NULL ? i : recall_find(recall->in, true, i, events->count);
        if (i < events->count && states[i].phase == LIFE_PHASE_CONFIRMED) {
            names[count++] = events->defs[i].id;
        }
    }
    step->scope->life = names;
    step->scope->life_count = count;
    return result;
}

/* The next step of a fading signal, where it can matter with no event: a suspicion fades, counter-evidence
 * fades beside a primary that holds, or a spent event without primary must see its conditions untrue. */
static int64_t next_fade(const struct life_def *def, const struct life_state *state, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    bool any = state->phase == LIFE_PHASE_SUSPECTED ||
               (state->phase == LIFE_PHASE_IDLE && state->spent && !has_primary(def));
    for (uint32_t i = 0; i < def->signal_count; i++) {
        const struct life_signal *signal = &def->signals[i];
        bool matters = any || (signal->weight < 0 && state->phase == LIFE_PHASE_IDLE &&
                               (!has_primary(def) || state->primary));
        if (!matters || (state->signals_hold >> i & 1) != 0 ||
            life_signal_weight(def, state, i, now_ms) == 0) {
            continue;
        }
        int64_t step_ms = signal->half_life_ms <= 0 ? 1 : MS_PER_DAY;
        int64_t at_ms =
            state->signal_ms[i] + ((now_ms - state->signal_ms[i]) / step_ms + 1) * step_ms;
        next = at_ms < next ? at_ms : next;
    }
    return next;
}

/* The moment at which the absence becomes true with no event. */
static int64_t next_absence(const struct life_absent *absent, const struct scope *scope)
{
    const struct feature_value *since = absent_since(absent, scope);
    if (since == NULL) {
        return INT64_MAX;
    }
    return scope_absence_due(scope, (enum source)absent->source, since->i + absent->for_ms + 1);
}

static int64_t next_of(const struct life_def *def, const struct life_state *state,
                       const struct scope *scope)
{
    int64_t now_ms = scope->now_ms;
    int64_t at_ms = next_absence(&def->absent, scope);
    for (uint32_t k = 0; k < def->signal_count; k++) {
        int64_t signal_ms = next_absence(&def->signals[k].absent, scope);
        at_ms = signal_ms < at_ms ? signal_ms : at_ms;
    }
    if (state->phase == LIFE_PHASE_CONFIRMED && def->expires_ms > 0) {
        int64_t end_ms = state->confirmed_ms + def->expires_ms;
        at_ms = end_ms > now_ms && end_ms < at_ms ? end_ms : at_ms;
    }
    int64_t fade_ms = next_fade(def, state, now_ms);
    return fade_ms < at_ms ? fade_ms : at_ms;
}

int64_t life_next_change(const struct life_events *events, const struct life_state *states,
                         const struct recall *recall, const struct scope *scope)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; recall == NULL && i < events->count; i++) {
        int64_t at_ms = next_of(&events->defs[i], &states[i], scope);
        next = at_ms < next ? at_ms : next;
    }
    if (recall == NULL) {
        return next;
    }
    uint32_t i = recall_find(recall->looked, true, 0, events->count);
    if (i == events->count) {
        return *recall->least_ms;
    }
    for (; i < events->count; i = recall_find(recall->looked, true, i + 1, events->count)) {
        recall->next_ms[i] = next_of(&events->defs[i], &states[i], scope);
    }
    return *recall->least_ms = recall_least(recall, events->count);
}

void life_erase(const struct life_events *events, struct life_state *states, struct step *step)
{
    for (uint32_t i = 0; i < events->count; i++) {
        struct reading none = {.unless = RULES_NO, .ends = RULES_NO};
        if (states[i].phase != LIFE_PHASE_IDLE) {
            publish(&events->defs[i], &states[i], LIFE_EXPIRED, &none, step);
        }
        states[i] = (struct life_state){0};
    }
    step->scope->life_count = 0;
}

uint64_t life_vulnerable(const struct life_events *events, const struct life_state *states)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < events->count; i++) {
        bool open = states[i].phase != LIFE_PHASE_IDLE;
        bits |= open && events->defs[i].vulnerable ? UINT64_C(1) << i : 0;
    }
    return bits;
}

uint64_t life_open(const struct life_events *events, const struct life_state *states)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < events->count; i++) {
        bits |= states[i].phase != LIFE_PHASE_IDLE ? UINT64_C(1) << i : 0;
    }
    return bits;
}
