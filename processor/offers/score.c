/* SPDX-License-Identifier: Apache-2.0 */
/* What an offer is worth to make now: P x C x V x L, and which of its variants to show.
 *
 * P is the mean of a Beta posterior over the decisions that this offer has had on this channel, in two steps:
 * the offer's own rate on the channel starts from the playbook's prior (or a model's score), the rate in the
 * customer's coarse context starts from the offer's. Counters are this task's plus what it has read of the
 * others' (decisions/0009).
 *
 * A learned variant is drawn by the probability that it is the best arm (Thompson sampling), mixed with a floor
 * of exploration. The probability is worked out first and the arm drawn from it by a keyed hash of the
 * decision, so that the logged probability is exactly the one of the draw, and a replay draws the same arm. */
#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "offers/choose.h"

/* Points at which the best arm's chance is summed, in standard deviations of the arm's own belief. */
enum { BEST_POINTS = 32 };
static const double best_reach = 4.0;

static struct slice layer_of(const char *prefix, const struct offer_def *def, struct arena *arena)
{
    char text[OFFER_LAYER_SIZE_MAX];
    int size = snprintf(text, sizeof(text), "%s%.*s", prefix,
                        (int)(def->id.size < EVENT_ID_SIZE_MAX ? def->id.size : EVENT_ID_SIZE_MAX),
                        (const char *)def->id.data);
    return arena_copy(arena, slice_of(text, size > 0 ? (size_t)size : 0));
}

struct slice offers_global_layer(const struct offers *offers)
{
    return offers->policy.holdout_layer.size > 0 ? offers->policy.holdout_layer
                                                 : slice_text("global");
}

struct slice offers_offer_layer(const struct offer_def *def, struct arena *arena)
{
    return def->holdout_layer.size > 0 ? def->holdout_layer : layer_of("offer:", def, arena);
}

struct slice offers_variant_layer(const struct offer_def *def, struct arena *arena)
{
    return layer_of("variant:", def, arena);
}

struct slice offer_variant_id(const struct offer_def *def, uint32_t index)
{
    return def->variant_count > 0 ? def->variants[index].id : slice_text("default");
}

struct slice offers_context_id(const struct offers *offers, uint32_t context)
{
    return context > 0 && context < offers->policy.context_count
               ? offers->policy.contexts[context].name
               : slice_text("other");
}

uint32_t offers_context(const struct offers *offers, struct step *step)
{
    for (uint32_t i = 1; i < offers->policy.context_count; i++) {
        if (condition_holds(&offers->policy.contexts[i], step, NULL) == RULES_YES) {
            return i;
        }
    }
    return 0;
}

static bool number(const struct condition *condition, const struct step *step, double *out)
{
    struct cel_value value = rules_value(condition->program, step->scope, step->scratch);
    if (value.kind == CEL_INT) {
        *out = (double)value.i;
        return true;
    }
    if (value.kind == CEL_UINT) {
        *out = (double)value.u;
        return true;
    }
    *out = value.kind == CEL_DOUBLE ? value.d : 0;
    return value.kind == CEL_DOUBLE && isfinite(value.d);
}

bool offer_value(struct gate_view *view)
{
    const struct offer_def *def = view->def;
    double minor = (double)def->value_minor;
    view->c = 1;
    view->valued = (def->value.program == NULL || number(&def->value, view->step, &minor)) &&
                   (def->context.program == NULL || number(&def->context, view->step, &view->c));
    view->v = minor / 100;
    return view->valued;
}

/* Decisions of one arm, as far as they are known: tried and accepted. */
struct trials {
    double accepted, presented;
};

static struct trials trials_of(const struct gate_view *view, uint32_t variant, uint32_t context)
{
    const struct offer_counts *own =
        &view->task
             ->counts[offers_arm(view->offers, view->index, variant, view->plan.channel, context)];
    const struct offer_counts *others =
        own + offers_arms_before(view->offers,
                                 view->offers->count); /* what the other tasks have counted */
    double accepted = (double)(own->accepted + others->accepted);
    double presented = (double)(own->presented + others->presented);
    return (struct trials){accepted, presented > accepted ? presented : accepted};
}

/* The model's word, when it has said something, lately enough, that is a probability. */
static bool model_says(const struct gate_view *view, double *out_chance)
{
    const struct offer_def *def = view->def;
    bool fresh = def->propensity_while.program == NULL ||
                 condition_holds(&def->propensity_while, view->step, NULL) == RULES_YES;
    return fresh && def->propensity.program != NULL &&
           number(&def->propensity, view->step, out_chance) && *out_chance >= 0 && *out_chance <= 1;
}

static struct trials prior_of(const struct gate_view *view)
{
    const struct offers_policy *policy = &view->offers->policy;
    struct trials prior = {policy->prior_accepted > 0 ? policy->prior_accepted : 1,
                           policy->prior_presented > 0 ? policy->prior_presented : 20};
    double chance = 0;
    if (model_says(view, &chance)) {
        prior.accepted = chance * prior.presented;
    }
    return prior;
}

static double propensity(const struct gate_view *view)
{
    struct trials prior = prior_of(view);
    struct trials all = prior;
    struct trials here = {0, 0};
    uint32_t contexts = offers_context_count(view->offers);
    for (uint32_t variant = 0; variant < offer_variant_count(view->def); variant++) {
        for (uint32_t context = 0; context < contexts; context++) {
            struct trials trials = trials_of(view, variant, context);
            all.accepted += trials.accepted;
            all.presented += trials.presented;
            here.accepted += context == view->context ? trials.accepted : 0;
            here.presented += context == view->context ? trials.presented : 0;
        }
    }
    double mean = all.presented > 0 ? all.accepted / all.presented : 0;
    if (contexts == 1) {
        return mean;
    }
    return (mean * prior.presented + here.accepted) / (prior.presented + here.presented);
}

bool offer_score(struct gate_view *view)
{
    if (!offer_value(view)) {
        return false;
    }
    view->context = offers_context(view->offers, view->step);
    double chance = 0;
    view->modelled = model_says(view, &chance);
    view->p = propensity(view);
    view->l = view->def->priority > 0 ? view->def->priority : 1;
    view->score = view->p * view->c * view->v * view->l;
    return true;
}

/* ---- variants ---- */

/* What is believed of an arm: the log-odds of its rate as a normal distribution, by the moments of the
 * Beta posterior's (digamma and trigamma, to 1e-8 by their series after a shift). */
struct belief {
    double mean, deviation;
};

static double digamma(double x)
{
    double sum = 0;
    for (; x < 8; x += 1) {
        sum -= 1 / x;
    }
    double r = 1 / (x * x);
    return sum + log(x) - 0.5 / x - r * (1.0 / 12 - r * (1.0 / 120 - r / 252));
}

static double trigamma(double x)
{
    double sum = 0;
    for (; x < 8; x += 1) {
        sum += 1 / (x * x);
    }
    double r = 1 / (x * x);
    return sum + 1 / x + r / 2 + r / x * (1.0 / 6 - r * (1.0 / 30 - r / 42));
}

static struct belief belief_of(const struct gate_view *view, struct trials prior, uint32_t variant)
{
    struct trials here = trials_of(view, variant, view->context);
    double good = prior.accepted + here.accepted;
    double bad = prior.presented - prior.accepted + here.presented - here.accepted;
    good = good > 0.05 ? good : 0.05;
    bad = bad > 0.05 ? bad : 0.05;
    return (struct belief){digamma(good) - digamma(bad), sqrt(trigamma(good) + trigamma(bad))};
}

static double normal_below(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

/* The chance that each arm is the best, by these beliefs; they sum to 1. */
static void chances_of_best(const struct belief *beliefs, uint32_t count, double *out)
{
    double total = 0;
    for (uint32_t i = 0; i < count; i++) {
        out[i] = 0;
        for (uint32_t k = 0; k < BEST_POINTS; k++) {
            double z = best_reach * (2.0 * (k + 0.5) / BEST_POINTS - 1);
            double at = beliefs[i].mean + z * beliefs[i].deviation;
            double chance = exp(-z * z / 2);
            for (uint32_t j = 0; j < count; j++) {
                chance *= j == i ? 1 : normal_below((at - beliefs[j].mean) / beliefs[j].deviation);
            }
            out[i] += chance;
        }
        total += out[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] /= total;
    }
}

double keyed_unit(const struct step *step, const uint64_t decision[2], struct slice what)
{
    uint8_t key[16 + EVENT_ID_SIZE_MAX];
    size_t size = what.size < EVENT_ID_SIZE_MAX ? what.size : EVENT_ID_SIZE_MAX;
    memcpy(key, decision, 16);
    memcpy(key + 16, what.data, size);
    return (double)(hash64(slice_of(key, 16 + size), step->salt) >> 11) * 0x1p-53;
}

static uint32_t draw_learned(const struct gate_view *view, const uint64_t decision[2],
                             double *out_share)
{
    const struct offer_def *def = view->def;
    struct trials prior = prior_of(view);
    struct belief beliefs[OFFER_VARIANTS_MAX];
    double chances[OFFER_VARIANTS_MAX];
    double weights = 0;
    for (uint32_t i = 0; i < def->variant_count; i++) {
        beliefs[i] = belief_of(view, prior, i);
        weights += def->variants[i].weight;
    }
    chances_of_best(beliefs, def->variant_count, chances);
    double floor = view->offers->policy.floor;
    double at = keyed_unit(view->step, decision, def->id);
    uint32_t arm = 0;
    for (uint32_t i = 0; i < def->variant_count; i++) {
        *out_share = (1 - floor) * chances[i] + floor * def->variants[i].weight / weights;
        arm = i;
        if (at < *out_share) {
            break;
        }
        at -= *out_share;
    }
    return arm;
}

/* A stable arm per customer: bucket in layer "variant:ID", arms laid side by side by weight. */
static uint32_t draw_fixed(const struct gate_view *view, double *out_share)
{
    const struct offer_def *def = view->def;
    const struct step *step = view->step;
    uint64_t total = 0;
    for (uint32_t i = 0; i < def->variant_count; i++) {
        total += def->variants[i].weight;
    }
    uint64_t at = step_bucket(step->salt, customer_id(step->customer),
                              offers_variant_layer(def, step->scratch)) *
                  total / 10000;
    uint32_t arm = 0;
    while (at >= def->variants[arm].weight) {
        at -= def->variants[arm++].weight;
    }
    *out_share = (double)def->variants[arm].weight / (double)total;
    return arm;
}

uint32_t variant_choose(const struct gate_view *view, const uint64_t decision[2], double *out_share)
{
    *out_share = 1;
    if (view->def->variant_count == 0) {
        return 0;
    }
    return view->def->learn ? draw_learned(view, decision, out_share) : draw_fixed(view, out_share);
}

uint32_t variant_planned(struct gate_view *view, const uint64_t decision[2])
{
    double share;
    view->context = offers_context(view->offers, view->step);
    return variant_choose(view, decision, &share);
}
