/* SPDX-License-Identifier: Apache-2.0 */
/* Which conditions an event can meet at all: those of features, of series, and of signals that read the event, in
 * one index per source (rules/index.h). */
#include "engine/event_index.h"

#include "base/memory.h"
#include "engine/work.h"

enum { INDEX_SIZE = 8 << 20 }; /* bytes for all sources */
_Static_assert((int)FEATURES_PREDICATES_MAX + (int)SERIES_DEFS_MAX +
                       (int)LIFE_DEFS_MAX * (int)LIFE_SIGNALS_MAX <=
                   (int)RULES_INDEX_CONDITIONS_MAX,
               "all conditions of a source have a place");

struct builder {
    struct engine *engine;
    struct arena arena, work;
    const struct cel_program *programs[RULES_INDEX_CONDITIONS_MAX];
    uint32_t count;
};

static void add(struct builder *builder, const struct cel_program *program)
{
    builder->programs[builder->count++] = program;
}

/* In the order of their numbers. */
static void add_signals(struct builder *builder)
{
    const struct life_events *life = &builder->engine->reads.life;
    for (uint32_t i = 0; i < life->count; i++) {
        for (uint32_t k = 0; k < life->defs[i].signal_count; k++) {
            if (life->defs[i].signals[k].number != 0) {
                add(builder, life->defs[i].signals[k].condition.program);
            }
        }
    }
}

static void build_one(struct builder *builder, enum source source)
{
    const struct playbook *playbook = builder->engine->playbook;
    struct event_index *index = &builder->engine->indexes[source];
    builder->count = 0;
    uint32_t predicates = features_predicate_count(playbook->features, source);
    for (uint32_t i = 0; i < predicates; i++) {
        add(builder, features_predicate(playbook->features, source, i));
    }
    index->series_at = builder->count;
    for (uint32_t i = 0; source == SOURCE_TRANSACTIONS && i < playbook->series_count; i++) {
        add(builder, playbook->series[i].where);
    }
    index->signals_at = builder->count;
    add_signals(builder);
    index->rules = rules_index_build(source, builder->programs, builder->count, index->signals_at,
                                     &builder->arena, &builder->work);
}

void event_index_build(struct engine *engine)
{
    struct builder builder = {.engine = engine};
    if (engine->options.look_at_all) {
        return;
    }
    arena_init(&builder.arena, memory_take(INDEX_SIZE, "event index"), INDEX_SIZE);
    arena_init(&builder.work, memory_take(RULES_INDEX_WORK_SIZE, "building the event index"),
               RULES_INDEX_WORK_SIZE);
    for (uint32_t source = 0; source < SOURCE_COUNT; source++) {
        build_one(&builder, (enum source)source);
    }
}

bool engine_indexed(const struct engine *engine, enum source source)
{
    return engine->indexes[source].rules != NULL;
}

uint32_t engine_patterns_alone(const struct engine *engine, enum source source,
                               struct slice *out_texts, uint32_t max)
{
    const struct rules_index *rules = engine->indexes[source].rules;
    return rules == NULL ? 0 : rules_index_alone(rules, out_texts, max);
}

void event_index_match(struct work *work)
{
    const struct event_index *index = &work->engine->indexes[work->scope.event->source];
    work->indexed = index->rules != NULL;
    if (work->indexed) {
        rules_index_match(index->rules, &work->scope, &work->scratch, &work->found);
        work->step.may_hold = work->found.may_hold;
        work->step.may_hold_from = index->signals_at;
    }
}

/* Does the signal hold for this event, of which the index has found nothing against it? */
static bool holds(struct work *work, const struct rules_index *rules, uint32_t number,
                  const struct condition *condition)
{
    work->step.recall = &work->life_recall;
    enum rules_truth truth = rules_index_holds(rules, &work->found, number, condition, &work->step);
    work->step.recall = NULL;
    work->step.unknowns += truth == RULES_UNKNOWN;
    return truth == RULES_YES;
}

void event_index_wake(struct work *work)
{
    const struct reads *reads = &work->engine->reads;
    const struct event_index *index = &work->engine->indexes[work->scope.event->source];
    uint32_t from = index->signals_at, end = from + reads->signal_count;
    uint64_t *settled = work->life_recall.settled, *may_hold = work->found.may_hold;
    for (uint32_t i = 0; !work->indexed && i < reads->signal_count; i++) {
        recall_put(settled, reads->signals[i].life, false);
    }
    for (uint32_t i = recall_find(may_hold, true, from, end); work->indexed && i < end;
         i = recall_find(may_hold, true, i + 1, end)) {
        const struct read_signal *signal = &reads->signals[i - from];
        bool wakes = signal->reads_names || holds(work, index->rules, i, signal->condition);
        recall_put(may_hold, i, wakes);
        if (wakes) {
            recall_put(settled, signal->life, false);
        }
    }
}
