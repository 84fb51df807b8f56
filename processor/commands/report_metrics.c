/* SPDX-License-Identifier: Apache-2.0 */
/* A report as OpenMetrics text: for a node exporter's textfile collector, after a timer has run `segue report`.
 * Parts of experiments (by channel, by segment, ..) are here; what counters can tell, the experiments as a whole
 * among it, is on /metrics of every process. */
#include <inttypes.h>
#include <math.h>

#include "commands/report.h"

static void put_text(const char *text, FILE *out)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"') {
            (void)fputc('\\', out);
        }
        (void)fputs(*c == '\n' ? "\\n" : (const char[]){*c, '\0'}, out);
    }
}

static void put_label(const char *name, const char *value, const char *end, FILE *out)
{
    (void)fprintf(out, "%s=\"", name);
    put_text(value, out);
    (void)fprintf(out, "\"%s", end);
}

static void begin(const char *name, const char *help, FILE *out)
{
    (void)fprintf(out, "# TYPE %s gauge\n# HELP %s %s\n", name, name, help);
}

static uint32_t rows_of(const struct report *report)
{
    return report->row_count < REPORT_METRIC_ROWS_MAX ? report->row_count : REPORT_METRIC_ROWS_MAX;
}

static void begin_row(const struct report *report, const char *name, const struct report_row *row,
                      FILE *out)
{
    (void)fprintf(out, "%s{", name);
    put_label("by", report->by, ",", out);
    put_label("name", row->name, "", out);
}

static void put_counts(const struct report *report, FILE *out)
{
    begin("segue_report_offered", "Offers made in the reported time", out);
    for (uint32_t i = 0; i < rows_of(report); i++) {
        begin_row(report, "segue_report_offered", &report->rows[i], out);
        (void)fprintf(out, "} %" PRId64 "\n", report->rows[i].offered);
    }
    begin("segue_report_outcomes", "Outcomes of those offers", out);
    for (uint32_t i = 0; i < rows_of(report); i++) {
        for (uint32_t k = 0; k < OUTCOME_COUNT; k++) {
            begin_row(report, "segue_report_outcomes", &report->rows[i], out);
            put_label(",outcome", codes_text(&codes_outcome, k), "", out);
            (void)fprintf(out, "} %" PRId64 "\n", report->rows[i].outcomes[k]);
        }
    }
    begin("segue_report_revenue", "Revenue of those offers, in major units of the currency", out);
    for (uint32_t i = 0; i < rows_of(report); i++) {
        begin_row(report, "segue_report_revenue", &report->rows[i], out);
        put_label(",currency", report->currency, "", out);
        (void)fprintf(out, "} %.2f\n", (double)report->rows[i].revenue_minor / 100);
    }
    begin("segue_report_rows_left_out", "Rows and parts beyond the limit of series", out);
    uint32_t parts = 0;
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        parts += report->experiments[i].part[0] != '\0';
    }
    parts = parts < REPORT_METRIC_ROWS_MAX ? 0 : parts - REPORT_METRIC_ROWS_MAX;
    (void)fprintf(out, "segue_report_rows_left_out %u\n",
                  report->row_count - rows_of(report) + parts);
}

/* Shares of the offers made; a row without one has none. */
static void put_shares(const struct report *report, FILE *out)
{
    static const struct {
        const char *name, *help;
        enum outcome outcome;
    } shares[] = {{"segue_report_conversion_ratio", "Accepted of offered", OUTCOME_ACCEPTED},
                  {"segue_report_opt_out_ratio", "Opted out of offered", OUTCOME_OPTED_OUT},
                  {"segue_report_complaint_ratio", "Complained of offered", OUTCOME_COMPLAINED}};
    for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
        begin(shares[s].name, shares[s].help, out);
        for (uint32_t i = 0; i < rows_of(report); i++) {
            const struct report_row *row = &report->rows[i];
            if (row->offered > 0) {
                begin_row(report, shares[s].name, row, out);
                (void)fprintf(out, "} %.6f\n",
                              (double)row->outcomes[shares[s].outcome] / (double)row->offered);
            }
        }
    }
}

/* Of all customers of an offer, of the parts, of a layer's offers together: series of three families, so that a sum
 * counts nobody twice. */
enum family_kind { FAMILY_WHOLE, FAMILY_PART, FAMILY_LAYER };
static const char *const family_prefix[] = {"", "part_", "layer_"};

struct experiments {
    const struct report *report;
    enum family_kind kind;
    FILE *out;
};

static enum family_kind kind_of(const struct report_experiment *e)
{
    return e->offers > 0 ? FAMILY_LAYER : e->part[0] != '\0' ? FAMILY_PART : FAMILY_WHOLE;
}

/* In this family, and within the limit? Only parts have one: experiments as a whole are two per offer. */
static bool is_shown(const struct experiments *family, uint32_t index)
{
    const struct report_experiment *all = family->report->experiments;
    return kind_of(&all[index]) == family->kind &&
           (family->kind != FAMILY_PART || all[index].number < REPORT_METRIC_ROWS_MAX);
}

static void begin_family(const struct experiments *family, const char *name, const char *help)
{
    (void)fprintf(family->out, "# TYPE segue_report_%s%s gauge\n# HELP segue_report_%s%s %s\n",
                  family_prefix[family->kind], name, family_prefix[family->kind], name, help);
}

static void begin_experiment(const struct experiments *family, const char *name, uint32_t index)
{
    const struct report_experiment *e = &family->report->experiments[index];
    FILE *out = family->out;
    (void)fprintf(out, "segue_report_%s%s{", family_prefix[family->kind], name);
    if (family->kind == FAMILY_PART) {
        put_label("by", family->report->by, ",", out);
        put_label("name", e->part, ",", out);
    }
    if (family->kind != FAMILY_LAYER) {
        put_label("offer", e->offer, ",", out);
    }
    put_label("layer", e->layer, "", out);
}

static void put_interval(const struct experiments *family, const char *name, uint32_t index,
                         const struct experiment_interval *interval, double scale)
{
    const struct {
        const char *bound;
        double value;
    } bounds[] = {
        {"low", interval->low}, {"estimate", interval->estimate}, {"high", interval->high}};
    for (size_t i = 0; i < 3; i++) {
        if (isnan(bounds[i].value)) {
            continue;
        }
        begin_experiment(family, name, index);
        put_label(",bound", bounds[i].bound, "", family->out);
        (void)fprintf(family->out, "} %.6f\n", bounds[i].value * scale);
    }
}

static void put_experiments(const struct experiments *family)
{
    const struct report *report = family->report;
    begin_family(family, "experiment_customers",
                 "Customers of an experiment, by the side of their first exposure");
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        for (int side = 0; side < 2 && is_shown(family, i); side++) {
            begin_experiment(family, "experiment_customers", i);
            put_label(",side", side == 0 ? "treated" : "held_out", "", family->out);
            (void)fprintf(family->out, "} %" PRId64 "\n",
                          report->experiments[i].converted[side].count);
        }
    }
    begin_family(family, "incremental_conversion",
                 "Conversion above the control group's, 95% at any time");
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        if (is_shown(family, i)) {
            put_interval(family, "incremental_conversion", i, &report->experiments[i].uplift, 1);
        }
    }
    begin_family(family, "incremental_revenue",
                 "Revenue above the control group's, in major units of the currency");
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        const struct report_experiment *e = &report->experiments[i];
        if (is_shown(family, i)) {
            put_interval(family, "incremental_revenue", i, &e->gain, (double)e->converted[0].count);
        }
    }
    begin_family(family, "split_alarm",
                 "1: less than one sound experiment in 1,000 is ever split so");
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        if (is_shown(family, i)) {
            begin_experiment(family, "split_alarm", i);
            (void)fprintf(family->out, "} %d\n", report->experiments[i].alarm);
        }
    }
}

void report_print_metrics(const struct report *report, FILE *out)
{
    put_counts(report, out);
    put_shares(report, out);
    put_experiments(&(struct experiments){report, FAMILY_WHOLE, out});
    put_experiments(&(struct experiments){report, FAMILY_PART, out});
    put_experiments(&(struct experiments){report, FAMILY_LAYER, out});
    begin("segue_report_last_timestamp_seconds", "The newest decision in the report", out);
    (void)fprintf(out, "segue_report_last_timestamp_seconds %" PRId64 "\n# EOF\n",
                  report->first_ms > report->last_ms ? 0 : report->last_ms / 1000);
}
