/* SPDX-License-Identifier: Apache-2.0 */
/* Experiments as counters, for /metrics: `segue report` counts the same from the topics, customer by customer.
 *
 *   first exposure -> a side per layer (global, the offer's own) -> converted, revenue while it is attributed
 *
 * A customer stays on the side of the first exposure: intention to treat. A plan that comes back has its name
 * again, but its counters begin at 0: its customers are told from those of the first time by the moment at which
 * the task's first of them came. Revenue is squared per customer, so that sums over tasks give the variance too.
 * Each task publishes its own sides; whoever reads them adds them. */
#include <stdio.h>

#include "base/hash.h"
#include "offers/choose.h"

uint32_t offers_experiment(const struct offers *offers, uint32_t offer)
{
    const struct offers_policy *policy = &offers->policy;
    const struct offer_def *def = &offers->defs[offer];
    uint32_t by_all = offers_global_holdout(offers, def);
    const int64_t numbers[] = {by_all, def->holdout, outcome_attribution(policy)};
    if (by_all == 0 && def->holdout == 0) {
        return 0;
    }
    uint64_t hash = hash64(slice_of(numbers, sizeof(numbers)), 0);
    hash = hash64(policy->holdout_layer, hash);
    hash = hash64(def->holdout_layer, hash64(def->id, hash));
    return (uint32_t)hash | 1;
}

static uint8_t in_bit(enum offer_layer layer)
{
    return (uint8_t)(1U << layer);
}

static uint8_t held_bit(enum offer_layer layer)
{
    return (uint8_t)(1U << OFFER_LAYER_COUNT << layer);
}

static struct slice layer_name(const struct offers *offers, uint32_t offer, enum offer_layer layer,
                               struct arena *arena)
{
    return layer == LAYER_GLOBAL ? offers_global_layer(offers)
                                 : offers_offer_layer(&offers->defs[offer], arena);
}

/* This task's sides of one offer, whole: the newest record per key is the truth of the compacted topic. */
static void say_sides(const struct offers *offers, uint32_t offer, const struct offers_task *task,
                      struct step *step)
{
    const struct offer_def *def = &offers->defs[offer];
    struct arena *arena = &step->effects->arena;
    struct output_identity identity = {.definition = {def->id, def->version, def->hash},
                                       .kind = OUTPUT_OFFER_STATS,
                                       .transition = 1,
                                       .sequence = offer};
    struct output *output = step_output(step, OUTPUT_OFFER_STATS, &identity);
    struct offer_stats_side *list =
        arena_take(arena, 2 * OFFER_LAYER_COUNT * sizeof(struct offer_stats_side));
    if (output == NULL || list == NULL) {
        step->effects->full = true;
        return;
    }
    char key[EVENT_ID_SIZE_MAX + 32], name[16];
    int size = snprintf(key, sizeof(key), "%u|%.*s|*", step->task_number,
                        (int)(def->id.size < EVENT_ID_SIZE_MAX ? def->id.size : EVENT_ID_SIZE_MAX),
                        (const char *)def->id.data);
    (void)snprintf(name, sizeof(name), "%08x", offers_experiment(offers, offer));
    output->key = arena_copy(arena, slice_of(key, size > 0 ? (size_t)size : 0));
    output->offer_stats = (struct offer_stats){
        .offer_id = def->id,
        .variant = slice_text("*"),
        .channel = def->channels != 0 ? (uint8_t)__builtin_ctz(def->channels) : 0,
        .task = step->task_number,
        .experiment = arena_copy(arena, slice_text(name)),
        .sides = list,
    };
    for (uint32_t i = 0; i < 2 * OFFER_LAYER_COUNT; i++) {
        const struct offer_side *side = &task->sides[offer][i / 2][i % 2];
        if (side->customers > 0) {
            list[output->offer_stats.side_count++] = (struct offer_stats_side){
                .layer = layer_name(offers, offer, (enum offer_layer)(i / 2), arena),
                .control = i % 2 == 1,
                .customers = side->customers,
                .converted = side->converted,
                .revenue_minor = side->revenue_minor,
                .revenue_squares = side->revenue_squares,
            };
        }
    }
}

bool experiment_has(const struct offers_task *task, uint32_t offer,
                    const struct offer_history *history)
{
    return history->experiment != 0 && history->experiment == task->experiments[offer];
}

void experiment_enter(const struct gate_view *view, struct offer_history *history,
                      struct offers_task *task, bool held_out)
{
    bool global = offers_global_holdout(view->offers, view->def) > 0;
    bool own = view->def->holdout > 0 && !view->held_by_all;
    uint32_t *experiment = &task->experiments[view->index];
    if (*experiment == 0) {
        uint32_t plan = offers_experiment(view->offers, view->index);
        int64_t now_ms = view->step->scope->now_ms;
        *experiment = (uint32_t)hash64(slice_of(&now_ms, sizeof(now_ms)), plan) | 1;
    }
    history->experiment = *experiment;
    history->converted = false;
    history->earned_minor = 0;
    history->since_ms = view->step->scope->now_ms;
    history->sides = (uint8_t)((global ? in_bit(LAYER_GLOBAL) : 0) | (own ? in_bit(LAYER_OWN) : 0));
    if (global && held_out && view->held_by_all) {
        history->sides |= held_bit(LAYER_GLOBAL);
    }
    if (own && held_out) {
        history->sides |= held_bit(LAYER_OWN);
    }
    for (enum offer_layer layer = LAYER_GLOBAL; layer < OFFER_LAYER_COUNT; layer++) {
        bool held = (history->sides & held_bit(layer)) != 0;
        task->sides[view->index][layer][held].customers += (history->sides & in_bit(layer)) != 0;
    }
    if (history->sides != 0) {
        say_sides(view->offers, view->index, task, view->step);
    }
}

void experiment_outcome(const struct offers *offers, uint32_t offer, struct offer_history *history,
                        struct offers_task *task, struct step *step)
{
    const struct event *event = step->scope->event;
    bool converts = event->outcome.outcome == OUTCOME_ACCEPTED && !history->converted;
    int64_t revenue = event->outcome.revenue_minor;
    int64_t until_ms = history->since_ms + outcome_attribution(&offers->policy);
    if (history->sides == 0 || !experiment_has(task, offer, history) ||
        event->time_ms < history->since_ms || event->time_ms > until_ms ||
        (!converts && revenue == 0)) {
        return;
    }
    double before = (double)history->earned_minor / 100;
    int64_t earned_minor = offer_revenue_add(history->earned_minor, revenue);
    double after = (double)earned_minor / 100;
    for (enum offer_layer layer = LAYER_GLOBAL; layer < OFFER_LAYER_COUNT; layer++) {
        bool held = (history->sides & held_bit(layer)) != 0;
        if ((history->sides & in_bit(layer)) != 0) {
            struct offer_side *side = &task->sides[offer][layer][held];
            side->converted += converts;
            side->revenue_minor = offer_revenue_add(side->revenue_minor, revenue);
            side->revenue_squares += after * after - before * before;
        }
    }
    history->converted = history->converted || converts;
    history->earned_minor = earned_minor;
    say_sides(offers, offer, task, step);
}
