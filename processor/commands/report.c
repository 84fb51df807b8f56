/* SPDX-License-Identifier: Apache-2.0 */
/* segue report: what offers did, from the records of Segue's own topics and the outcomes that came back.
 *
 * It reads lines as `segue backtest` and `segue tail` print them and as event files have them, so it works on files
 * and on live topics alike:
 *
 *   segue tail --from-start --once offers exposures bank.offer-outcomes | segue report -
 *
 * A customer counts once per experiment, on the side of the first exposure: intention to treat. Converted: an
 * ACCEPTED outcome of that offer within the attribution window, whoever asked for it. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "commands/all.h"
#include "commands/opened.h"
#include "commands/report.h"

static const char help[] =
    "usage: segue report [OPTION..] FILE..\n\n"
    "FILE: NDJSON of segue.offers, segue.exposures, segue.segment-changes and of offer outcomes, "
    "as `segue\n"
    "backtest` and `segue tail` print them; - is standard input. Each file in its own order, all "
    "are read.\n\n"
    "  --by WHAT         offer (default), variant, channel, day, segment\n"
    "  --from, --to DAY  2026-11-25: decisions from, and up to and including, that day (UTC)\n"
    "  --offer ID        only that one\n"
    "  --segment ID      only customers who were in it at the decision (needs the segment "
    "changes)\n"
    "  --playbook PATH   planned shares, attribution, currency (default config/playbooks/retail)\n"
    "  --json            for programs\n"
    "  --openmetrics     for a node exporter's textfile collector\n"
    "  --output FILE     write it there\n\n"
    "Exit code 1: a split is not what was planned.\n";

enum { BY_OFFER, BY_VARIANT, BY_CHANNEL, BY_DAY, BY_SEGMENT };
static const char *const dimensions[] = {"offer", "variant", "channel", "day", "segment"};

/* Maps are JSON objects from a text to an index. */
struct reader {
    struct report report;
    const struct playbook *playbook;
    int by;
    const char *only, *segment; /* NULL: all */
    json_t *rows;               /* name -> row */
    json_t *experiments;        /* "offer|layer" -> experiment */
    json_t *units;              /* "customer|offer|layer" -> unit */
    json_t *made;               /* "decision|offer" -> [row, ..] */
    json_t *members;            /* customer -> {segment: true} */
    json_t *arms;               /* "customer|offer" seen in a variant layer */
    bool failed;
};

/* One more entry at the end of an array, zeroed; NULL: memory is short. */
static void *grow(void **list, uint32_t *count, size_t size)
{
    if ((*count & (*count - 1)) == 0) { /* full at every power of two */
        size_t capacity = *count == 0 ? 1 : 2 * (size_t)*count;
        void *bigger = realloc(*list, capacity * size);
        if (bigger == NULL) {
            return NULL;
        }
        *list = bigger;
    }
    void *entry = (char *)*list + (size_t)(*count)++ * size;
    memset(entry, 0, size);
    return entry;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* A timestamp in ms or as ISO text. */
static int64_t time_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    int64_t time_ms = json_integer_value(value);
    if (json_is_string(value)) {
        (void)civil_parse_time(slice_text(json_string_value(value)), &time_ms);
    }
    return time_ms;
}

static char *join(const char *a, const char *b, const char *c)
{
    size_t size = strlen(a) + strlen(b) + strlen(c) + 3;
    char *text = malloc(size);
    if (text != NULL) {
        (void)snprintf(text, size, c[0] == '\0' ? "%s|%s" : "%s|%s|%s", a, b, c);
    }
    return text;
}

/* The index behind a key; -1. */
static int64_t find(const json_t *map, const char *key)
{
    const json_t *value = key == NULL ? NULL : json_object_get(map, key);
    return value == NULL ? -1 : (int64_t)json_integer_value(value);
}

static int64_t row_index(struct reader *reader, const char *name)
{
    struct report *report = &reader->report;
    int64_t at = find(reader->rows, name);
    if (at < 0) {
        struct report_row *row = grow((void **)&report->rows, &report->row_count, sizeof(*row));
        if (row == NULL || (row->name = strdup(name)) == NULL) {
            reader->failed = true;
            return -1;
        }
        at = report->row_count - 1;
        (void)json_object_set_new(reader->rows, name, json_integer(at));
    }
    return at;
}

static bool in_range(struct reader *reader, int64_t at_ms)
{
    struct report *report = &reader->report;
    if (at_ms < report->from_ms || at_ms >= report->to_ms) {
        return false;
    }
    report->first_ms = at_ms < report->first_ms ? at_ms : report->first_ms;
    report->last_ms = at_ms > report->last_ms ? at_ms : report->last_ms;
    return true;
}

static bool is_wanted(const struct reader *reader, const char *offer)
{
    return reader->only == NULL || strcmp(reader->only, offer) == 0;
}

/* The rows that an offer of a decision counts in: one, or one per segment that the customer is in. */
static json_t *rows_of(struct reader *reader, const json_t *decision, const json_t *offer)
{
    json_t *list = json_array();
    char day[CIVIL_TEXT_SIZE];
    char *name = NULL;
    const char *segment;
    json_t *value;
    switch (reader->by) {
    case BY_VARIANT:
        name = join(text_of(offer, "offer_id"), text_of(offer, "variant"), "");
        break;
    case BY_DAY:
        civil_format_date((int32_t)civil_floor(time_of(decision, "effective_at"), MS_PER_DAY), day);
        name = strdup(day);
        break;
    case BY_CHANNEL:
        name = strdup(text_of(offer, "channel"));
        break;
    case BY_SEGMENT:
        json_object_foreach(json_object_get(reader->members, text_of(decision, "customer_id")),
                            segment, value)
        {
            (void)json_array_append_new(list, json_integer(row_index(reader, segment)));
        }
        return list;
    default:
        name = strdup(text_of(offer, "offer_id"));
        break;
    }
    (void)json_array_append_new(list, json_integer(name == NULL ? -1 : row_index(reader, name)));
    reader->failed |= name == NULL;
    free(name);
    return list;
}

/* Of the customers that were asked for? */
static bool is_member(const struct reader *reader, const json_t *value)
{
    const json_t *segments = json_object_get(reader->members, text_of(value, "customer_id"));
    return reader->segment == NULL || json_object_get(segments, reader->segment) != NULL;
}

static void take_offer(struct reader *reader, const json_t *decision, const json_t *offer,
                       bool review)
{
    size_t i;
    json_t *index;
    if (!is_wanted(reader, text_of(offer, "offer_id"))) {
        return;
    }
    json_t *rows = rows_of(reader, decision, offer);
    json_array_foreach(rows, i, index)
    {
        if (json_integer_value(index) >= 0) {
            struct report_row *row = &reader->report.rows[json_integer_value(index)];
            row->offered++;
            row->reviewed += review;
        }
    }
    char *key = join(text_of(decision, "decision_id"), text_of(offer, "offer_id"), "");
    reader->failed |= key == NULL || json_object_set_new(reader->made, key, rows) != 0;
    free(key);
}

/* The rows of an earlier decision's offer, NULL when it is out of range or unknown. */
static const json_t *rows_made(struct reader *reader, const json_t *value)
{
    char *key = join(text_of(value, "decision_id"), text_of(value, "offer_id"), "");
    const json_t *rows = key == NULL ? NULL : json_object_get(reader->made, key);
    free(key);
    return rows;
}

static void take_block(struct report *report, const char *gate)
{
    for (int i = 0; i < OFFER_GATE_COUNT; i++) {
        report->gates[i] += strcmp(offer_gate_name((enum offer_gate)i), gate) == 0;
    }
    report->blocked++;
}

static void take_decision(struct reader *reader, const json_t *value)
{
    struct report *report = &reader->report;
    const json_t *offers = json_object_get(value, "offers");
    const json_t *review = json_object_get(value, "for_review");
    const json_t *withdrawn = json_object_get(value, "withdrawn");
    size_t i, k;
    json_t *entry, *index;
    json_array_foreach(withdrawn, i, entry)
    {
        const json_t *rows = rows_made(reader, entry);
        json_array_foreach(rows, k, index)
        {
            report->rows[json_integer_value(index)].withdrawn++;
        }
    }
    if (json_array_size(withdrawn) > 0 || !is_member(reader, value) ||
        !in_range(reader, time_of(value, "effective_at"))) {
        return;
    }
    report->decisions++;
    report->no_offers += json_array_size(offers) + json_array_size(review) == 0;
    json_array_foreach(offers, i, entry)
    {
        take_offer(reader, value, entry, false);
    }
    json_array_foreach(review, i, entry)
    {
        take_offer(reader, value, entry, true);
    }
    json_array_foreach(json_object_get(value, "blocked"), i, entry)
    {
        if (is_wanted(reader, text_of(entry, "offer_id"))) {
            take_block(report, text_of(entry, "gate"));
        }
    }
}

static const struct offer_def *offer_named(const struct reader *reader, const char *id)
{
    for (uint32_t i = 0; i < reader->playbook->offers.count; i++) {
        if (slice_is(reader->playbook->offers.defs[i].id, id)) {
            return &reader->playbook->offers.defs[i];
        }
    }
    return NULL;
}

/* Fixed variants: each customer once. */
static void take_variant(struct reader *reader, const char *customer, const json_t *value)
{
    struct report *report = &reader->report;
    const struct offer_def *def = offer_named(reader, text_of(value, "offer_id"));
    char *key = join(customer, text_of(value, "offer_id"), "");
    uint32_t at = 0;
    if (def != NULL && !def->learn && key != NULL && json_object_get(reader->arms, key) == NULL) {
        (void)json_object_set_new(reader->arms, key, json_true());
        while (at < report->split_count && report->splits[at].def != def) {
            at++;
        }
        if (at == report->split_count) {
            report->splits[report->split_count++] = (struct report_split){.def = def};
        }
        for (uint32_t i = 0; i < def->variant_count; i++) {
            report->splits[at].counts[i] +=
                slice_is(def->variants[i].id, text_of(value, "variant"));
        }
    }
    free(key);
}

static double planned_holdout(const struct reader *reader, const char *offer, const char *layer)
{
    const struct offers_policy *policy = &reader->playbook->offers.policy;
    const struct offer_def *def = offer_named(reader, offer);
    if (slice_is(policy->holdout_layer, layer)) {
        return policy->holdout / 10000.0;
    }
    return def != NULL && slice_is(def->holdout_layer, layer) ? def->holdout / 10000.0 : NAN;
}

static int64_t experiment_index(struct reader *reader, const char *offer, const char *layer)
{
    struct report *report = &reader->report;
    char *key = join(offer, layer, "");
    int64_t at = find(reader->experiments, key);
    if (at < 0 && key != NULL) {
        struct report_experiment *experiment =
            grow((void **)&report->experiments, &report->experiment_count, sizeof(*experiment));
        if (experiment != NULL) {
            experiment->offer = strdup(offer);
            experiment->layer = strdup(layer);
            experiment->holdout = planned_holdout(reader, offer, layer);
            at = report->experiment_count - 1;
            (void)json_object_set_new(reader->experiments, key, json_integer(at));
        }
    }
    reader->failed |= at < 0;
    free(key);
    return at;
}

static void take_exposure(struct reader *reader, const json_t *value)
{
    struct report *report = &reader->report;
    const char *customer = text_of(value, "customer_id");
    const char *offer = text_of(value, "offer_id");
    const char *layer = text_of(value, "layer");
    if (!is_wanted(reader, offer) || !is_member(reader, value) ||
        !in_range(reader, time_of(value, "effective_at"))) {
        return;
    }
    if (text_of(value, "variant")[0] != '\0') {
        take_variant(reader, customer, value);
        return;
    }
    int64_t experiment = experiment_index(reader, offer, layer);
    char *key = join(customer, offer, layer);
    if (experiment >= 0 && find(reader->units, key) < 0) {
        struct report_unit *unit =
            grow((void **)&report->units, &report->unit_count, sizeof(*unit));
        reader->failed |= unit == NULL || key == NULL;
        if (!reader->failed) {
            unit->experiment = (uint32_t)experiment;
            unit->held_out = json_is_true(json_object_get(value, "held_out"));
            unit->since_ms = time_of(value, "effective_at");
            (void)json_object_set_new(reader->units, key, json_integer(report->unit_count - 1));
        }
    }
    free(key);
}

static void take_outcome_of_units(struct reader *reader, const json_t *value, bool accepted,
                                  int64_t revenue)
{
    struct report *report = &reader->report;
    int64_t attribution_ms = reader->playbook->offers.policy.attribution_ms;
    for (uint32_t i = 0; i < report->experiment_count; i++) {
        if (strcmp(report->experiments[i].offer, text_of(value, "offer_id")) != 0) {
            continue;
        }
        char *key = join(text_of(value, "customer_id"), report->experiments[i].offer,
                         report->experiments[i].layer);
        int64_t at = find(reader->units, key);
        int64_t when_ms = time_of(value, "occurred_at");
        free(key);
        if (at >= 0 && when_ms >= report->units[at].since_ms &&
            when_ms <= report->units[at].since_ms + attribution_ms) {
            report->units[at].converted |= accepted;
            report->units[at].revenue_minor += revenue;
        }
    }
}

static void take_outcome(struct reader *reader, const json_t *value)
{
    const json_t *rows = rows_made(reader, value);
    int32_t outcome = codes_find(&codes_outcome, slice_text(text_of(value, "outcome")));
    int64_t revenue = json_integer_value(json_object_get(value, "revenue_minor"));
    size_t i;
    json_t *index;
    if (outcome < 0 || !is_wanted(reader, text_of(value, "offer_id"))) {
        return;
    }
    json_array_foreach(rows, i, index)
    {
        struct report_row *row = &reader->report.rows[json_integer_value(index)];
        row->outcomes[outcome]++;
        row->revenue_minor += revenue;
    }
    take_outcome_of_units(reader, value, outcome == OUTCOME_ACCEPTED, revenue);
}

static void take_membership(struct reader *reader, const json_t *value)
{
    const char *customer = text_of(value, "customer_id");
    json_t *segments = json_object_get(reader->members, customer);
    if (segments == NULL) {
        segments = json_object();
        (void)json_object_set_new(reader->members, customer, segments);
    }
    if (strcmp(text_of(value, "transition"), "EXITED") == 0) {
        (void)json_object_del(segments, text_of(value, "segment_id"));
    } else {
        (void)json_object_set_new(segments, text_of(value, "segment_id"), json_true());
    }
}

/* One line: an output with its topic, or an event with its source. What it is shows in its fields. */
static void take_line(struct reader *reader, const json_t *line)
{
    const json_t *value = json_object_get(line, "value");
    value = value != NULL ? value : json_object_get(line, "event");
    if (json_object_get(value, "outcome") != NULL) {
        take_outcome(reader, value);
    } else if (json_object_get(value, "held_out") != NULL) {
        take_exposure(reader, value);
    } else if (json_object_get(value, "offers") != NULL) {
        take_decision(reader, value);
    } else if (json_object_get(value, "membership_seq") != NULL) {
        take_membership(reader, value);
    }
}

static bool read_file(struct reader *reader, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    uint64_t number = 0;
    bool good = file != NULL;
    if (file == NULL) {
        perror(path);
    }
    while (good && getline(&line, &size, file) > 0) {
        json_error_t error;
        json_t *object = json_loads(line, 0, &error);
        number++;
        if (!json_is_object(object)) {
            (void)fprintf(stderr, "%s:%llu:%d: %s\n", path, (unsigned long long)number,
                          error.column, object == NULL ? error.text : "this is no record");
            good = false;
        } else {
            take_line(reader, object);
        }
        json_decref(object);
    }
    free(line);
    if (file != NULL && file != stdin) {
        (void)fclose(file);
    }
    return good;
}

struct request {
    const char *playbook, *output, *by;
    void (*print)(const struct report *report, FILE *out);
    int32_t from_day, to_day;
};

static bool parse_options(int count, char **arguments, struct request *request,
                          struct reader *reader)
{
    static const struct option options[] = {{"by", required_argument, NULL, 'b'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"offer", required_argument, NULL, 'o'},
                                            {"playbook", required_argument, NULL, 'p'},
                                            {"output", required_argument, NULL, 'w'},
                                            {"segment", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"openmetrics", no_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    bool good = true;
    optind = 1;
    while (good && (option = getopt_long(count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 'b':
            request->by = optarg;
            break;
        case 'f':
            good = civil_parse_date(slice_text(optarg), &request->from_day);
            break;
        case 't':
            good = civil_parse_date(slice_text(optarg), &request->to_day);
            break;
        case 'o':
            reader->only = optarg;
            break;
        case 'p':
            request->playbook = optarg;
            break;
        case 'w':
            request->output = optarg;
            break;
        case 's':
            reader->segment = optarg;
            break;
        case 'j':
            request->print = report_print_json;
            break;
        case 'm':
            request->print = report_print_metrics;
            break;
        default:
            return false;
        }
    }
    return good && optind < count;
}

static int write_report(const struct report *report, const struct request *request, bool sound)
{
    FILE *out = request->output == NULL ? stdout : fopen(request->output, "w");
    if (out == NULL) {
        perror(request->output);
        return EXIT_NO;
    }
    request->print(report, out);
    bool good = ferror(out) == 0;
    good = (out == stdout ? fflush(out) : fclose(out)) == 0 && good;
    return good && sound ? EXIT_GOOD : EXIT_NO;
}

int report_run(int argument_count, char **arguments)
{
    static struct reader reader;
    static struct opened opened;
    static char currency[8];
    struct request request = {.playbook = "config/playbooks/retail",
                              .by = "offer",
                              .print = report_print,
                              .from_day = INT32_MIN / 2,
                              .to_day = INT32_MAX / 2};
    if (argument_count > 1 && strcmp(arguments[1], "--help") == 0) {
        (void)fputs(help, stdout);
        return EXIT_GOOD;
    }
    bool good = parse_options(argument_count, arguments, &request, &reader);
    for (reader.by = BY_OFFER; good && strcmp(dimensions[reader.by], request.by) != 0;
         reader.by++) {
        good = reader.by < BY_SEGMENT;
    }
    if (!good) {
        (void)fputs(help, stderr);
        return EXIT_USAGE;
    }
    int code = opened_playbook("report", request.playbook, false, &opened);
    if (code != EXIT_GOOD) {
        return code;
    }
    reader.playbook = opened.playbook;
    (void)snprintf(currency, sizeof(currency), "%.*s", SLICE_ARG(opened.playbook->currency));
    reader.report = (struct report){.by = request.by,
                                    .currency = currency,
                                    .from_ms = request.from_day * MS_PER_DAY,
                                    .to_ms = (request.to_day + INT64_C(1)) * MS_PER_DAY,
                                    .first_ms = INT64_MAX,
                                    .last_ms = INT64_MIN};
    json_t **maps[] = {&reader.rows, &reader.experiments, &reader.units,
                       &reader.made, &reader.members,     &reader.arms};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        *maps[i] = json_object();
    }
    for (int i = optind; i < argument_count; i++) {
        if (!read_file(&reader, arguments[i])) {
            return EXIT_NO;
        }
    }
    if (reader.failed) {
        (void)fputs("segue report: out of memory\n", stderr);
        return EXIT_NO;
    }
    return write_report(&reader.report, &request, report_finish(&reader.report));
}
