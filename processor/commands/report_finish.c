/* SPDX-License-Identifier: Apache-2.0 */
/* From what was counted to what it means: sides of experiments, intervals, splits, the order of rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/report.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct report_row *)a)->name, ((const struct report_row *)b)->name);
}

static int by_layer(const void *a, const void *b)
{
    const struct report_experiment *x = a, *y = b;
    int order = strcmp(x->offer, y->offer);
    order = order != 0 ? order : strcmp(x->layer, y->layer);
    return order != 0 ? order : strcmp(x->part, y->part); /* the whole first */
}

static uint32_t parts_of(const struct report *report)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        count += report->experiments[i].part[0] != '\0';
    }
    return count;
}

static void fill_sides(struct report *report)
{
    for (uint32_t i = 0; i < report->unit_count; i++) {
        const struct report_unit *unit = &report->units[i];
        struct report_experiment *experiment = &report->experiments[unit->experiment];
        experiment_add(&experiment->converted[unit->held_out], unit->converted);
        experiment_add(&experiment->revenue[unit->held_out], (double)unit->revenue_minor / 100);
    }
}

/* A layer as a whole says something when several offers share it and hold out the same customers. */
static bool is_lone_layer(const struct report_experiment *e)
{
    return strcmp(e->offer, REPORT_ALL_OFFERS) == 0 && (e->offers < 2 || isnan(e->holdout));
}

/* Behind the end, so the units' indices are of no use any more. */
static void drop_lone_layers(struct report *report)
{
    uint32_t at = 0;
    while (at < report->experiment_count) {
        struct report_experiment *e = &report->experiments[at];
        if (is_lone_layer(e)) {
            struct report_experiment lone = *e;
            *e = report->experiments[--report->experiment_count];
            report->experiments[report->experiment_count] = lone;
        } else {
            at++;
        }
    }
}

bool report_finish(struct report *report)
{
    bool sound = true;
    uint32_t parts = parts_of(report);
    fill_sides(report);
    drop_lone_layers(report);
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        struct report_experiment *e = &report->experiments[i];
        int64_t counts[2] = {e->converted[0].count, e->converted[1].count};
        double shares[2] = {1 - e->holdout, e->holdout};
        e->uplift =
            experiment_difference(&e->converted[0], &e->converted[1], true, EXPERIMENT_ALPHA);
        e->gain = experiment_difference(&e->revenue[0], &e->revenue[1], false, EXPERIMENT_ALPHA);
        e->split_chance = isnan(e->holdout) ? 1 : experiment_split_chance(counts, shares, 2);
        e->alarm = e->split_chance < EXPERIMENT_SPLIT_ALARM / (e->part[0] != '\0' ? parts : 1);
        sound = sound && !e->alarm;
    }
    for (uint32_t i = 0; i < report->split_count; i++) {
        struct report_split *split = &report->splits[i];
        double shares[OFFER_VARIANTS_MAX];
        double weights = 0;
        for (uint32_t k = 0; k < split->def->variant_count; k++) {
            weights += split->def->variants[k].weight;
        }
        for (uint32_t k = 0; k < split->def->variant_count; k++) {
            shares[k] = split->def->variants[k].weight / weights;
        }
        split->chance = experiment_split_chance(split->counts, shares, split->def->variant_count);
        sound = sound && split->chance >= EXPERIMENT_SPLIT_ALARM;
    }
    if (report->row_count > 0) {
        qsort(report->rows, report->row_count, sizeof(*report->rows), by_name);
    }
    if (report->experiment_count > 0) {
        qsort(report->experiments, report->experiment_count, sizeof(*report->experiments),
              by_layer);
    }
    for (uint32_t i = 0, number = 0; i < report->experiment_count; i++) {
        report->experiments[i].number = number;
        number += report->experiments[i].part[0] != '\0';
    }
    return sound;
}
