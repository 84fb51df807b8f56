/* SPDX-License-Identifier: Apache-2.0 */
/* One step: the deadlines that came before, each at its own moment, then the event. README.md beside this
 * file tells the life of one event. */
#include <string.h>

#include "base/invariant.h"
#include "engine/event_index.h"
#include "engine/layout.h"
#include "engine/profile.h"
#include "engine/recall.h"
#include "engine/work.h"

void work_begin(struct work *work, const struct engine *engine, void *task,
                struct customer *customer, struct effects *effects)
{
    work->engine = engine;
    work->task = task;
    work->customer = customer;
    work->effects = effects;
    arena_init(&work->scratch, work->scratch_block, sizeof(work->scratch_block));
    memset(work->touched, 0, sizeof(work->touched));
    work->series_touched = 0;
    work->indexed = false;
    work->keeps_series = false;
    work->scope =
        (struct scope){.customer = customer,
                       .zones = engine->zones,
                       .features = work->values,
                       .restless = &work->restless,
                       .silent_from_ms = ((const struct task_head *)task)->silent_from_ms};
    work->step = (struct step){
        .scope = &work->scope,
        .effects = effects,
        .scratch = &work->scratch,
        .environment = engine->playbook->environment,
        .customer = customer,
        .salt = engine->options.salt,
        .policy_hash = engine->playbook->hash,
        .task_number = ((const struct task_head *)task)->number,
        .task_count = engine->options.task_count,
    };
}

struct offers_facts work_facts(const struct work *work, uint64_t *out_in)
{
    const struct engine *engine = work->engine;
    const struct playbook *playbook = engine->playbook;
    const struct life_state *life = part_of(work->customer, engine->life);
    const struct segment_state *segments = part_of(work->customer, engine->segments);
    memset(out_in, 0, SEGMENTS_MAX / 8);
    for (uint32_t i = 0; i < playbook->segments.count; i++) {
        out_in[i >> 6] |= (uint64_t)segment_is_told(&segments[i]) << (i & 63);
    }
    return (struct offers_facts){
        .segments_in = out_in,
        .life_open = life_open(&playbook->life, life),
        .life_vulnerable = life_vulnerable(&playbook->life, life),
    };
}

/* As work_facts, from what the stages have just left. */
static struct offers_facts facts_now(const struct work *work)
{
    uint64_t open = *work->life_recall.open;
    return (struct offers_facts){
        .segments_in = work->segments_recall.in,
        .life_open = open,
        .life_vulnerable = open & work->engine->reads.life_vulnerable,
    };
}

/* Life events, segments, offers: each reads what those before it have said. */
static void run_stages(struct work *work)
{
    const struct engine *engine = work->engine;
    const struct reads *reads = &engine->reads;
    struct step *step = &work->step;
    struct life_state *life = part(work->customer, engine->life);
    struct segment_state *segments = part(work->customer, engine->segments);
    step->recall = &work->life_recall;
    struct life_result changes = life_evaluate(&reads->life, life, work->life_names, step);
    struct segments_result transitions;
    step->recall = &work->segments_recall;
    segments_evaluate(&reads->segments, segments, part(work->task, engine->sizes),
                      work->segment_names, step, &transitions);
    arena_reset(&work->scratch);
    step->recall = NULL;
    struct offers_facts facts = facts_now(work);
    facts.segments_entered = transitions.entered;
    facts.life_confirmed = changes.confirmed;
    offers_evaluate(&reads->offers, part(work->customer, engine->ledger),
                    part(work->customer, engine->histories), part(work->task, engine->offers_task),
                    &facts, step);
    arena_reset(&work->scratch);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The first moment after now at which any stage could say otherwise. */
static void arm_deadline(struct work *work)
{
    const struct engine *engine = work->engine;
    int64_t now_ms = work->scope.now_ms;
    int64_t next = recall_end(work);
    next = earlier(next, offers_next_change(&engine->reads.offers,
                                            part_of(work->customer, engine->ledger),
                                            part_of(work->customer, engine->histories), now_ms));
    INVARIANT(next > now_ms);
    work->customer->deadline_ms = next;
}

void engine_task_silent(const struct engine *engine, void *task, enum source source,
                        int64_t from_ms)
{
    (void)engine;
    ((struct task_head *)task)->silent_from_ms[source] = from_ms;
}

void engine_task_acts(const struct engine *engine, void *task, int64_t act_ms, int64_t heard_ms)
{
    (void)engine;
    ((struct task_head *)task)->act_ms = act_ms;
    ((struct task_head *)task)->heard_ms = heard_ms;
}

/* Evaluations say whose fault they are: the event, or no event. */
static void begin_moment(struct work *work, const struct event *event, int64_t moment_ms)
{
    struct step *step = &work->step;
    work->scope.now_ms = moment_ms;
    work->scope.event = event;
    work->scope.feature_count = 0; /* what an earlier moment read is not of this one */
    work->scope.life_count = 0;
    work->scope.segment_count = 0;
    work->passed_over = false;
    work->indexed = false;
    work->keeps_series = false;
    step->may_hold = NULL;
    memset(work->touched, 0, sizeof(work->touched));
    work->series_touched = 0;
    /* In stream clock a deadline is as old as its moment, whenever it is noticed; in live clock one that fell due
     * a week ago, while nobody ran, is too old to make offers. */
    bool live_clock = work->engine->options.clock == ENGINE_CLOCK_LIVE;
    int64_t task_now_ms = work->task_now_ms > moment_ms ? work->task_now_ms : moment_ms;
    step->task_now_ms = event != NULL || live_clock ? task_now_ms : moment_ms;
    /* In stream clock another customer's later event must not matter: how a stream is cut changes nothing. */
    int64_t act_ms = ((const struct task_head *)work->task)->act_ms;
    int64_t heard_ms = ((const struct task_head *)work->task)->heard_ms;
    step->act_ms = !live_clock ? moment_ms : act_ms > task_now_ms ? act_ms : task_now_ms;
    step->heard_ms = live_clock && heard_ms > step->act_ms ? heard_ms : step->act_ms;
    step->live = moment_ms >= work->engine->options.live_from_ms;
    step->origin = event != NULL                   ? ORIGIN_LIVE
                   : work->customer->rules_changed ? ORIGIN_RULE_CHANGE
                                                   : ORIGIN_TIMER;
    step->cause = (struct cause){
        .source = SOURCE_COUNT, .partition = step->task_number, .offset = -1, .time_ms = moment_ms};
    if (event != NULL) {
        step->cause = (struct cause){.source = event->source,
                                     .partition = event->partition,
                                     .offset = event->offset,
                                     .time_ms = event->time_ms};
    }
    work->customer->seen_ms = moment_ms;
}

static struct slice cause_type(struct arena *arena, const struct event *event)
{
    static const char *const types[SOURCE_COUNT] = {
        [SOURCE_TRANSACTIONS] = "transaction",     [SOURCE_APP_ENGAGEMENT] = "app",
        [SOURCE_CUSTOMER_PROFILES] = "profile",    [SOURCE_OFFER_OUTCOMES] = "outcome",
        [SOURCE_LIFE_EVENT_FEEDBACK] = "feedback", [SOURCE_SCORES] = "score",
    };
    if (event->source != SOURCE_APP_ENGAGEMENT) {
        return slice_text(types[event->source]);
    }
    uint8_t text[160];
    struct bytes_writer writer = bytes_writer(text, sizeof(text));
    struct slice name = event->app.event;
    bytes_put(&writer, "app.", 4);
    const void *end = name.size == 0 ? NULL : memchr(name.data, 0, name.size);
    name.size = end == NULL ? name.size : (size_t)((const uint8_t *)end - name.data);
    bytes_put(&writer, name.data, name.size < 128 ? name.size : 128);
    return arena_copy(arena, slice_of(text, writer.size));
}

/* Most events say nothing, so the texts of their cause are copied only once something was said. */
static void name_cause(struct work *work, uint32_t first)
{
    struct effects *effects = work->effects;
    const struct event *event = work->scope.event;
    if (effects->count == first) {
        return;
    }
    struct slice id = {NULL, 0};
    struct slice type = slice_text("deadline");
    if (event != NULL) {
        id = arena_copy(&effects->arena, event->event_id);
        type = cause_type(&effects->arena, event);
    }
    for (uint32_t i = first; i < effects->count; i++) {
        struct output *output = &effects->outputs[i];
        struct cause *cause = NULL;
        switch (output->kind) {
        case OUTPUT_SEGMENT_CHANGED:
        case OUTPUT_SEGMENT_STATE:
            cause = &output->segment_changed.cause;
            break;
        case OUTPUT_LIFE_EVENT:
            cause = &output->life_event.cause;
            break;
        case OUTPUT_OFFER_DECIDED:
            cause = &output->offer_decided.cause;
            break;
        case OUTPUT_EXPOSURE:
        case OUTPUT_OFFER_STATS:
        case OUTPUT_CONTROL:
        case OUTPUT_DEAD_LETTER:
        case OUTPUT_KIND_COUNT:
            break;
        }
        if (cause != NULL) {
            cause->event_id = id;
            cause->type = type;
        }
    }
}

static void end_moment(struct work *work, uint32_t first_output)
{
    name_cause(work, first_output);
    ((struct task_head *)work->task)->unknowns += work->step.unknowns;
    work->step.unknowns = 0;
}

/* Forget the customer: say that every membership and life event is over, then be as after init. The view's
 * hashes stay, so that a later event in the same cut knows which fields to remove. */
static void erase(struct work *work)
{
    const struct engine *engine = work->engine;
    struct customer *customer = work->customer;
    work->step.origin = ORIGIN_ERASURE;
    life_erase(&engine->playbook->life, part(customer, engine->life), &work->step);
    segments_erase(&engine->playbook->segments, part(customer, engine->segments),
                   part(work->task, engine->sizes), &work->step);
    offers_erase(&engine->playbook->offers, part(customer, engine->ledger),
                 part(customer, engine->histories), &work->step);
    uint32_t hashes[ENGINE_VIEW_FIELDS_MAX];
    memcpy(hashes, part(customer, engine->view_hashes), engine->view_count * sizeof(uint32_t));
    uint8_t id[CUSTOMER_ID_SIZE_MAX];
    memcpy(id, customer->id, customer->id_size);
    uint64_t changes = customer->changes;
    int64_t seen_ms = customer->seen_ms;
    engine_customer_init(engine, customer, slice_of(id, customer->id_size));
    memcpy(part(customer, engine->view_hashes), hashes, engine->view_count * sizeof(uint32_t));
    customer->changes = changes;
    customer->seen_ms = seen_ms;
    customer->erased = true;
}

/* The profile first: features read the zone. True when the origin of what follows is a withdrawn consent. */
static void take_profile(struct work *work, const struct event *event)
{
    const struct engine *engine = work->engine;
    struct customer *customer = work->customer;
    int32_t zone = customer->profile.zone;
    if (profile_take(&customer->profile, event, engine->zones, engine->playbook->zone)) {
        work->step.origin = ORIGIN_CONSENT;
    }
    struct series_state *series = part(customer, engine->series);
    for (uint32_t i = 0; zone != customer->profile.zone && i < engine->playbook->series_count;
         i++) {
        series_renew(&engine->playbook->series[i], &series[i], engine->zones,
                     customer->profile.zone);
    }
}

static void follow_series(struct work *work, const struct event *event)
{
    const struct engine *engine = work->engine;
    const struct event_index *index = &engine->indexes[event->source];
    struct series_state *series = part(work->customer, engine->series);
    if (event->source != SOURCE_TRANSACTIONS) {
        return; /* the index of another source has no series */
    }
    uint32_t from = index->series_at, count = engine->playbook->series_count;
    for (uint32_t i = 0; i < count; i++) {
        if (work->indexed) { /* the next one whose condition holds */
            i = recall_find(work->found.may_hold, true, from + i, from + count) - from;
        }
        if (i == count) {
            break;
        }
        const struct series_def *def = &engine->playbook->series[i];
        arena_reset(&work->scratch);
        bool touched = work->indexed
                           ? series_update_matched(def, &series[i], event, &work->scope)
                           : series_update(def, &series[i], event, &work->scope, &work->scratch);
        work->series_touched |= (uint32_t)touched << i;
    }
}

/* A late event moves its features and decides nothing; a repeated one not even that. But what a customer has said
 * of himself is heeded however late it comes: an opt-out, a complaint, a consent that is gone. */
static bool is_passed_over(const struct event *event, enum features_result result)
{
    bool said = event->source == SOURCE_OFFER_OUTCOMES ||
                event->source == SOURCE_CUSTOMER_PROFILES ||
                event->source == SOURCE_LIFE_EVENT_FEEDBACK;
    return result == FEATURES_DUPLICATE || (result == FEATURES_LATE && !said);
}

static void evaluate_event(struct work *work, const struct event *event)
{
    const struct engine *engine = work->engine;
    const struct playbook *playbook = engine->playbook;
    struct customer *customer = work->customer;
    uint32_t first_output = work->effects->count;
    customer->erased = false;
    begin_moment(work, event,
                 event->time_ms > customer->seen_ms ? event->time_ms : customer->seen_ms);
    if (event->source == SOURCE_CUSTOMER_PROFILES) {
        if (event->profile.erase) {
            erase(work);
            end_moment(work, first_output);
            return;
        }
        take_profile(work, event);
    }
    event_index_match(work);
    work->outcome =
        features_event_matched(playbook->features, part(customer, engine->features), &work->scope,
                               &work->scratch, work->indexed ? work->found.may_hold : NULL);
    memcpy(work->touched, work->outcome.touched, sizeof(work->touched));
    ((struct task_head *)work->task)->unsure[event->source] += work->outcome.unsure;
    work->passed_over = is_passed_over(event, work->outcome.result);
    if (!work->passed_over) {
        work->step.origin =
            work->outcome.result == FEATURES_REVERSED ? ORIGIN_CORRECTION : work->step.origin;
        follow_series(work, event);
        recall_begin(work);
        run_stages(work);
    } else {
        recall_begin(work);
        recall_pass_over(work);
    }
    arm_deadline(work);
    end_moment(work, first_output);
}

static bool room_for_moment(const struct work *work)
{
    const struct effects *effects = work->effects;
    return effects->capacity - effects->count >= work->engine->outputs_per_moment &&
           effects->arena.size - effects->arena.used >= ENGINE_ARENA_PER_STEP_MAX / 2;
}

/* Every deadline up to `until_ms`, in order, each at its own moment: when a sweep finds them, or whether an
 * event comes first, makes no difference. */
static enum engine_result fire_deadlines(struct work *work, int64_t until_ms)
{
    struct customer *customer = work->customer;
    for (uint32_t fired = 0; customer->deadline_ms <= until_ms; fired++) {
        if (fired == ENGINE_DEADLINES_PER_STEP_MAX || (fired > 0 && !room_for_moment(work))) {
            return ENGINE_MORE;
        }
        uint32_t first_output = work->effects->count;
        int64_t moment_ms = customer->deadline_ms;
        begin_moment(work, NULL, moment_ms > customer->seen_ms ? moment_ms : customer->seen_ms);
        recall_begin(work);
        run_stages(work);
        arm_deadline(work);
        end_moment(work, first_output);
    }
    customer->rules_changed = false;
    return ENGINE_DONE;
}

enum engine_result engine_event(const struct engine *engine, void *task, struct customer *customer,
                                const struct event *event, int64_t now_ms, struct effects *effects)
{
    struct work work;
    work_begin(&work, engine, task, customer, effects);
    work.task_now_ms = now_ms;
    int64_t until_ms = event->time_ms > now_ms ? event->time_ms : now_ms;
    enum engine_result result = fire_deadlines(&work, until_ms);
    if (result == ENGINE_DONE && !room_for_moment(&work)) {
        result = ENGINE_MORE;
    }
    if (result == ENGINE_DONE) {
        evaluate_event(&work, event);
    }
    return result;
}

enum engine_result engine_advance(const struct engine *engine, void *task,
                                  struct customer *customer, int64_t now_ms,
                                  struct effects *effects)
{
    struct work work;
    if (customer->deadline_ms > now_ms) {
        return ENGINE_DONE;
    }
    work_begin(&work, engine, task, customer, effects);
    work.task_now_ms = now_ms;
    return fire_deadlines(&work, now_ms);
}
