/* SPDX-License-Identifier: Apache-2.0 */
/* Which conditions an event can meet at all: those of features, of series, and of signals that read the event, in
 * one index per source (rules/index.h). */
#include "engine/event_index.h"

#include "base/memory.h"
#include "engine/work.h"

enum { INDEX_SIZE = 8 << 20 }; /* bytes for all sources */

struct builder {
    struct engine *engine;
    struct arena arena, work;
    const struct cel_program *programs[RULES_INDEX_CONDITIONS_MAX];
    uint8_t signal_life[RULES_INDEX_CONDITIONS_MAX];
    uint32_t count;
};

static bool add(struct builder *builder, const struct cel_program *program)
{
    if (builder->count == RULES_INDEX_CONDITIONS_MAX) {
        return false;
    }
    builder->programs[builder->count++] = program;
    return true;
}

/* Signals in the order of definitions, those that do not read the event left out. */
static bool add_signals(struct builder *builder, struct event_index *index)
{
    const struct life_events *life = &builder->engine->playbook->life;
    bool good = true;
    for (uint32_t i = 0; i < life->count; i++) {
        for (uint32_t k = 0; k < life->defs[i].signal_count && good; k++) {
            const struct condition *condition = &life->defs[i].signals[k].condition;
            if (condition->program != NULL && condition_reads_event(condition)) {
                builder->signal_life[index->signal_count++] = (uint8_t)i;
                good = add(builder, condition->program);
            }
        }
    }
    return good;
}

static bool build_one(struct builder *builder, enum source source)
{
    const struct playbook *playbook = builder->engine->playbook;
    struct event_index *index = &builder->engine->indexes[source];
    bool good = true;
    builder->count = 0;
    uint32_t predicates = features_predicate_count(playbook->features, source);
    for (uint32_t i = 0; i < predicates; i++) {
        good = good && add(builder, features_predicate(playbook->features, source, i));
    }
    index->series_at = builder->count;
    for (uint32_t i = 0; source == SOURCE_TRANSACTIONS && i < playbook->series_count; i++) {
        good = good && add(builder, playbook->series[i].where);
    }
    index->signals_at = builder->count;
    good = good && add_signals(builder, index);
    uint8_t *signal_life = arena_take(&builder->arena, index->signal_count + 1U);
    if (!good || signal_life == NULL) {
        return false;
    }
    memcpy(signal_life, builder->signal_life, index->signal_count);
    index->signal_life = signal_life;
    index->rules = rules_index_build(source, builder->programs, builder->count, &builder->arena,
                                     &builder->work);
    return index->rules != NULL;
}

void event_index_build(struct engine *engine)
{
    struct builder builder = {.engine = engine};
    arena_init(&builder.arena, memory_take(INDEX_SIZE, "event index"), INDEX_SIZE);
    arena_init(&builder.work, memory_take(RULES_INDEX_WORK_SIZE, "building the event index"),
               RULES_INDEX_WORK_SIZE);
    engine->indexed = !engine->options.look_at_all;
    for (uint32_t source = 0; source < SOURCE_COUNT && engine->indexed; source++) {
        engine->indexed = build_one(&builder, (enum source)source);
    }
}

void event_index_match(struct work *work)
{
    const struct engine *engine = work->engine;
    work->indexed = engine->indexed;
    if (work->indexed) {
        rules_index_match(engine->indexes[work->scope.event->source].rules, &work->scope,
                          &work->scratch, work->holds);
        work->step.may_hold = work->holds;
        work->step.may_hold_from = engine->indexes[work->scope.event->source].signals_at;
    }
}

void event_index_wake(struct work *work)
{
    const struct event_index *index = &work->engine->indexes[work->scope.event->source];
    uint64_t *settled = work->life_recall.settled;
    for (uint32_t i = index->signals_at; i < index->signals_at + index->signal_count;) {
        uint64_t rest = work->holds[i / 64] >> i % 64;
        if (rest == 0) {
            i = (i / 64 + 1) * 64;
            continue;
        }
        i += (uint32_t)__builtin_ctzll(rest);
        if (i < index->signals_at + index->signal_count) {
            recall_put(settled, index->signal_life[i - index->signals_at], false);
        }
        i++;
    }
}
