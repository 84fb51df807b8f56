/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/show.h"
#include "commands/report.h"

enum { MONEY_SIZE = 40 };

/* 1234567 minor units of GBP -> "£12,345.67"; other currencies by their code. */
static const char *money(int64_t minor, const char *currency, char out[MONEY_SIZE])
{
    char digits[24];
    char grouped[32];
    uint64_t value = minor < 0 ? (uint64_t)-minor : (uint64_t)minor;
    size_t size = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, value / 100);
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) {
            grouped[used++] = ',';
        }
        grouped[used++] = digits[i];
    }
    grouped[used] = '\0';
    (void)snprintf(out, MONEY_SIZE, "%s%s%s%s.%02u", minor < 0 ? "-" : "",
                   strcmp(currency, "GBP") == 0 ? "£" : currency,
                   strcmp(currency, "GBP") == 0 ? "" : " ", grouped, (unsigned)(value % 100));
    return out;
}

/* As the options take it. */
static const char *day(int64_t time_ms, char out[CIVIL_TEXT_SIZE])
{
    civil_format_date((int32_t)civil_floor(time_ms, MS_PER_DAY), out);
    return out;
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static int64_t refused(const struct report_row *row)
{
    return row->outcomes[OUTCOME_REJECTED] + row->outcomes[OUTCOME_DISMISSED];
}

/* printf pads bytes, not characters: "£" has two. */
static int wide(const char *text, int width)
{
    int extra = 0;
    for (const char *c = text; *c != '\0'; c++) {
        extra += ((unsigned char)*c & 0xc0) == 0x80;
    }
    return width + extra;
}

/* 1234567 -> "1,234,567". */
static const char *grouped(int64_t value, char out[MONEY_SIZE])
{
    char text[MONEY_SIZE];
    size_t size = strlen(money(value * 100, "", text)) - 3; /* without " " and ".00" */
    (void)snprintf(out, MONEY_SIZE, "%.*s", (int)size, text);
    size_t skip = out[0] == ' ' ? 1 : 0;
    memmove(out, out + skip, strlen(out + skip) + 1);
    return out;
}

static void print_row(const struct report *report, const struct report_row *row, const char *name,
                      FILE *out)
{
    const int64_t counts[] = {row->offered, row->outcomes[OUTCOME_PRESENTED],
                              row->outcomes[OUTCOME_CLICKED], row->outcomes[OUTCOME_ACCEPTED]};
    char text[MONEY_SIZE];
    (void)fprintf(out, "%-28s", name);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        (void)fprintf(out, " %9s", grouped(counts[i], text));
    }
    (void)fprintf(out, " %7.2f%% %9s", 100 * share(row->outcomes[OUTCOME_ACCEPTED], row->offered),
                  grouped(refused(row), text));
    (void)fprintf(out, " %7.2f%% %8.2f%%",
                  100 * share(row->outcomes[OUTCOME_OPTED_OUT], row->offered),
                  100 * share(row->outcomes[OUTCOME_COMPLAINED], row->offered));
    const char *revenue = money(row->revenue_minor, report->currency, text);
    (void)fprintf(out, " %*s\n", wide(revenue, 15), revenue);
}

static struct report_row total_of(const struct report *report)
{
    struct report_row total = {NULL};
    for (uint32_t i = 0; i < report->row_count; i++) {
        const struct report_row *row = &report->rows[i];
        total.offered += row->offered;
        total.withdrawn += row->withdrawn;
        total.revenue_minor += row->revenue_minor;
        for (uint32_t k = 0; k < OUTCOME_COUNT; k++) {
            total.outcomes[k] += row->outcomes[k];
        }
    }
    return total;
}

static void print_rows(const struct report *report, FILE *out)
{
    struct report_row total = total_of(report);
    (void)fprintf(out, "%-28s %9s %9s %9s %9s %8s %9s %8s %9s %15s\n", report->by, "offered",
                  "shown", "clicked", "accepted", "rate", "refused", "opt-out", "complaint",
                  "revenue");
    for (uint32_t i = 0; i < report->row_count; i++) {
        print_row(report, &report->rows[i], report->rows[i].name, out);
    }
    if (report->row_count > 1 &&
        strcmp(report->by, "segment") != 0) { /* a customer is in several segments */
        print_row(report, &total, "all", out);
    }
}

/* What the interval allows to say. */
static const char *verdict(const struct experiment_interval *interval)
{
    return isnan(interval->low) ? "too few to say"
           : interval->low > 0  ? "more"
           : interval->high < 0 ? "LESS"
                                : "no difference shown yet";
}

/* A bound that nobody knows is none. */
static const char *bound(double minor, const char *currency, char out[MONEY_SIZE])
{
    return isnan(minor) ? "?" : money(llround(minor), currency, out);
}

static void print_experiment(const struct report_experiment *e, const char *currency, FILE *out)
{
    char gain[MONEY_SIZE], low[MONEY_SIZE], high[MONEY_SIZE];
    int64_t treated = e->converted[0].count;
    if (e->offers > 0) {
        (void)fprintf(out, "%u offer%s together", e->offers, show_s(e->offers));
    } else {
        (void)fputs(e->offer, out);
    }
    (void)fprintf(out, ", %s: %s in", e->layer, grouped(treated, gain));
    (void)fprintf(out, ", %s held out", grouped(e->converted[1].count, gain));
    if (!isnan(e->holdout)) {
        (void)fprintf(out, " (%.2f%%, planned %.2f%%)",
                      100 * share(e->converted[1].count, treated + e->converted[1].count),
                      100 * e->holdout);
    }
    (void)fputc('\n', out);
    if (isnan(e->uplift.estimate)) {
        (void)fputs("  one side is empty: nothing can be said\n", out);
        return;
    }
    double scale = 100.0 * (double)treated;
    /* Of few customers the interval is wider than shares can differ; in a part of them too. */
    (void)fprintf(
        out,
        "  converted %.2f%% against %.2f%%: %+.2f points (95%% at any time: %+.2f to %+.2f): %s\n",
        100 * e->converted[0].sum / (double)treated,
        100 * e->converted[1].sum / (double)e->converted[1].count, 100 * e->uplift.estimate,
        fmax(100 * e->uplift.low, -100), fmin(100 * e->uplift.high, 100), verdict(&e->uplift));
    (void)fprintf(out, "  incremental revenue %s (%s to %s): %s\n",
                  money(llround(e->gain.estimate * scale), currency, gain),
                  bound(e->gain.low * scale, currency, low),
                  bound(e->gain.high * scale, currency, high), verdict(&e->gain));
    if (e->alarm) {
        (void)fprintf(
            out, "  ALARM: one sound experiment in %.0f ever looks so: believe nothing above\n",
            1 / (e->split_chance > 1e-12 ? e->split_chance : 1e-12));
    }
}

static void print_part(const struct report *report, const struct report_experiment *e, FILE *out)
{
    char text[MONEY_SIZE], low[MONEY_SIZE], high[MONEY_SIZE];
    (void)fprintf(out, "  %-26s", e->part);
    (void)fprintf(out, " %9s", grouped(e->converted[0].count, text));
    (void)fprintf(out, " %9s", grouped(e->converted[1].count, text));
    if (isnan(e->uplift.estimate)) {
        (void)fputs("  one side is empty: nothing can be said\n", out);
        return;
    }
    double scale = 100.0 * (double)e->converted[0].count;
    (void)fprintf(out, " %+7.2f (%+.2f to %+.2f)", 100 * e->uplift.estimate,
                  fmax(100 * e->uplift.low, -100), fmin(100 * e->uplift.high, 100));
    (void)fprintf(out, "  %s (%s to %s): %s%s\n",
                  money(llround(e->gain.estimate * scale), report->currency, text),
                  bound(e->gain.low * scale, report->currency, low),
                  bound(e->gain.high * scale, report->currency, high), verdict(&e->gain),
                  e->alarm ? "; ALARM: a broken split" : "");
}

/* Each part against the same part of the control group; each interval holds by itself, not all of them at once. */
static void print_experiments(const struct report *report, FILE *out)
{
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        const struct report_experiment *e = &report->experiments[i];
        if (e->part[0] == '\0') {
            print_experiment(e, report->currency, out);
            continue;
        }
        if (e[-1].part[0] == '\0') { /* a part follows its whole */
            (void)fprintf(out, "  %-26s %9s %9s  points, incremental revenue\n", report->by, "in",
                          "held out");
        }
        print_part(report, e, out);
    }
}

static void print_summary(const struct report *report, FILE *out)
{
    struct report_row total = total_of(report);
    char text[MONEY_SIZE];
    (void)fprintf(out, "decisions %s", grouped(report->decisions, text));
    (void)fprintf(out, ", without an offer %s", grouped(report->no_offers, text));
    (void)fprintf(out, "; offers blocked %s", grouped(report->blocked, text));
    if (strcmp(report->by, "segment") == 0) {
        (void)fputs("\n\n", out);
        return;
    }
    (void)fprintf(out, "\noffered %s", grouped(total.offered, text));
    (void)fprintf(out, ", withdrawn %s", grouped(total.withdrawn, text));
    (void)fprintf(out, ", accepted %s", grouped(total.outcomes[OUTCOME_ACCEPTED], text));
    (void)fprintf(out, " (%.2f%%), revenue %s\n\n",
                  100 * share(total.outcomes[OUTCOME_ACCEPTED], total.offered),
                  money(total.revenue_minor, report->currency, text));
}

void report_print(const struct report *report, FILE *out)
{
    char from[CIVIL_TEXT_SIZE], to[CIVIL_TEXT_SIZE];
    if (report->first_ms > report->last_ms) {
        (void)fputs("nothing was decided and nothing came back\n", out);
        return;
    }
    (void)fprintf(out, "Offers from %s to %s\n\n", day(report->first_ms, from),
                  day(report->last_ms, to));
    print_summary(report, out);
    print_rows(report, out);
    (void)fputs(report->experiment_count > 0 ? "\nAgainst the control groups\n" : "", out);
    print_experiments(report, out);
    for (uint32_t i = 0; i < report->split_count; i++) {
        const struct report_split *split = &report->splits[i];
        if (split->chance < EXPERIMENT_SPLIT_ALARM) {
            (void)fprintf(out, "ALARM: the variants of %.*s are not dealt by their weights\n",
                          SLICE_ARG(split->def->id));
        }
    }
    (void)fputs(report->blocked > 0 ? "\nWhat stopped offers\n" : "", out);
    for (int i = 0; i < OFFER_GATE_COUNT; i++) {
        if (report->gates[i] > 0) {
            char text[MONEY_SIZE];
            (void)fprintf(out, "  %-14s %12s\n", offer_gate_name((enum offer_gate)i),
                          grouped(report->gates[i], text));
        }
    }
}

static json_t *interval_json(const struct experiment_interval *interval, double scale)
{
    if (isnan(interval->estimate)) {
        return json_null();
    }
    if (isnan(interval->low)) {
        return json_pack("{s:f,s:n,s:n}", "estimate", interval->estimate * scale, "low", "high");
    }
    return json_pack("{s:f,s:f,s:f}", "estimate", interval->estimate * scale, "low",
                     interval->low * scale, "high", interval->high * scale);
}

static json_t *row_json(const struct report_row *row)
{
    json_t *object =
        json_pack("{s:s,s:I,s:I,s:I,s:I,s:f}", "name", row->name, "offered",
                  (json_int_t)row->offered, "for_review", (json_int_t)row->reviewed, "withdrawn",
                  (json_int_t)row->withdrawn, "revenue_minor", (json_int_t)row->revenue_minor,
                  "conversion", share(row->outcomes[OUTCOME_ACCEPTED], row->offered));
    for (uint32_t i = 0; i < OUTCOME_COUNT; i++) {
        (void)json_object_set_new(object, codes_text(&codes_outcome, i),
                                  json_integer(row->outcomes[i]));
    }
    return object;
}

static json_t *experiment_json(const struct report_experiment *e)
{
    double treated = (double)e->converted[0].count;
    return json_pack(
        "{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:f,s:b}", "offer", e->offer, "layer",
        e->layer, "part", e->part, "treated", (json_int_t)e->converted[0].count, "held_out",
        (json_int_t)e->converted[1].count, "treated_converted", (json_int_t)e->converted[0].sum,
        "held_out_converted", (json_int_t)e->converted[1].sum, "treated_revenue_minor",
        (json_int_t)llround(e->revenue[0].sum * 100), "held_out_revenue_minor",
        (json_int_t)llround(e->revenue[1].sum * 100), "uplift", interval_json(&e->uplift, 1),
        "incremental_revenue_minor", interval_json(&e->gain, 100 * treated), "split_chance",
        e->split_chance, "split_alarm", e->alarm);
}

void report_print_json(const struct report *report, FILE *out)
{
    json_t *rows = json_array();
    json_t *experiments = json_array();
    json_t *parts = json_array();
    json_t *layers = json_array();
    json_t *splits = json_array();
    for (uint32_t i = 0; i < report->row_count; i++) {
        (void)json_array_append_new(rows, row_json(&report->rows[i]));
    }
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        const struct report_experiment *e = &report->experiments[i];
        json_t *list = e->offers > 0 ? layers : e->part[0] == '\0' ? experiments : parts;
        (void)json_array_append_new(list, experiment_json(e));
    }
    for (uint32_t i = 0; i < report->split_count; i++) {
        const struct report_split *split = &report->splits[i];
        (void)json_array_append_new(
            splits, json_pack("{s:s%,s:f,s:b}", "offer", (const char *)split->def->id.data,
                              split->def->id.size, "split_chance", split->chance, "split_alarm",
                              split->chance < EXPERIMENT_SPLIT_ALARM));
    }
    json_t *gates = json_object();
    for (int i = 0; i < OFFER_GATE_COUNT; i++) {
        if (report->gates[i] > 0) {
            (void)json_object_set_new(gates, offer_gate_name((enum offer_gate)i),
                                      json_integer(report->gates[i]));
        }
    }
    json_t *whole =
        json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o}", "by", report->by, "first",
                  (json_int_t)report->first_ms, "last", (json_int_t)report->last_ms, "decisions",
                  (json_int_t)report->decisions, "no_offers", (json_int_t)report->no_offers,
                  "blocked", (json_int_t)report->blocked, "rows", rows, "experiments", experiments,
                  "layers", layers, "parts", parts, "variants", splits, "gates", gates);
    (void)json_dumpf(whole, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    (void)fputc('\n', out);
    json_decref(whole);
}
