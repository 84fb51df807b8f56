/* SPDX-License-Identifier: Apache-2.0 */
/* What `segue report` has counted. Private to report*.c. */
#ifndef COMMANDS_REPORT_H
#define COMMANDS_REPORT_H

#include <stdio.h>

#include "commands/experiment.h"
#include "model/codes.h"
#include "playbook/playbook.h"

enum { REPORT_METRIC_ROWS_MAX = 1000 };

/* One row: an offer, a variant, a channel, a day, a segment. */
struct report_row {
    char *name;
    int64_t offered, reviewed, withdrawn, outcomes[OUTCOME_COUNT];
    int64_t revenue_minor;
};

/* One customer in one experiment: a layer of one offer, or of all its offers. */
struct report_unit {
    uint32_t experiment;
    bool held_out;
    int64_t since_ms;
    int64_t until_ms; /* what comes later counts no more */
    bool converted;
    int64_t revenue_minor;
};

/* The name that stands for all offers of a layer; no offer has it. */
#define REPORT_ALL_OFFERS "*"

struct report_experiment {
    char *offer, *layer;
    char *
        part; /* those customers of it alone, by what `by` says of the first exposure; "": all of them */
    double holdout;  /* share that the playbook says; NAN: the playbook has no such layer */
    uint32_t offers; /* of REPORT_ALL_OFFERS: how many of them there were; else 0 */
    struct experiment_side converted[2], revenue[2]; /* by held_out; revenue in major units */
    struct experiment_interval uplift, gain;
    double split_chance;
    uint32_t number; /* of a part: how many parts stand before it; report_finish */
    bool alarm;      /* the split is broken; parts share one chance of a false alarm */
};

/* Learned shares shift, fixed ones must not: one offer's arms against their weights. */
struct report_split {
    const struct offer_def *def;
    int64_t counts[OFFER_VARIANTS_MAX];
    double chance;
};

struct report {
    struct report_row *rows;
    uint32_t row_count;
    struct report_unit *units;
    uint32_t unit_count;
    struct report_experiment *experiments;
    uint32_t experiment_count;
    struct report_split splits[OFFERS_MAX];
    uint32_t split_count;
    int64_t decisions, no_offers, blocked;
    int64_t gates[OFFER_GATE_COUNT];
    int64_t from_ms, to_ms;    /* what was asked for */
    int64_t first_ms, last_ms; /* what there was */
    const char *by;
    const char *currency;
};

/* Units into their sides, intervals, splits, rows by name. True: every split is as planned. Once, before
 * printing. */
bool report_finish(struct report *report);

/* Tables for people: GBP with thousands, days as 2026-11-25, percent. */
void report_print(const struct report *report, FILE *out);
/* The same for programs. */
void report_print_json(const struct report *report, FILE *out);
/* The same as OpenMetrics text, at most REPORT_METRIC_ROWS_MAX rows and as many parts of experiments; what is
 * beyond is counted in one series. Experiments as a whole are never cut. */
void report_print_metrics(const struct report *report, FILE *out);

#endif
