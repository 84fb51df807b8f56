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
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "commands/all.h"
#include "commands/opened.h"
#include "commands/report_reader.h"

static const char help[] =
    "usage: segue report [OPTION..] FILE..\n\n"
    "FILE: NDJSON of segue.offers, segue.exposures, segue.segment-changes and of offer outcomes, "
    "as `segue\n"
    "backtest` and `segue tail` print them; - is standard input. All are read, and counted in "
    "order "
    "of time,\nan outcome once.\n\n"
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

static const char *const dimensions[] = {"offer", "variant", "channel", "day", "segment"};

void *reader_grow(void **list, uint32_t *count, size_t size)
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

const char *reader_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

int64_t reader_time(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    int64_t time_ms = json_integer_value(value);
    if (json_is_string(value)) {
        (void)civil_parse_time(slice_text(json_string_value(value)), &time_ms);
    }
    return time_ms;
}

char *reader_join(const char *a, const char *b, const char *c)
{
    size_t size = strlen(a) + strlen(b) + strlen(c) + 3;
    char *text = malloc(size);
    if (text != NULL) {
        (void)snprintf(text, size, c[0] == '\0' ? "%s|%s" : "%s|%s|%s", a, b, c);
    }
    return text;
}

int64_t reader_find(const json_t *map, const char *key)
{
    const json_t *value = key == NULL ? NULL : json_object_get(map, key);
    return value == NULL ? -1 : (int64_t)json_integer_value(value);
}

static int64_t row_index(struct reader *reader, const char *name)
{
    struct report *report = &reader->report;
    int64_t at = reader_find(reader->rows, name);
    if (at < 0) {
        struct report_row *row =
            reader_grow((void **)&report->rows, &report->row_count, sizeof(*row));
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

/* Of the offers that were asked for? It is noted that there are records of it. */
static bool want_offer(struct reader *reader, const char *offer)
{
    bool asked_for = reader->only != NULL && strcmp(reader->only, offer) == 0;
    reader->offer_seen |= asked_for;
    return reader->only == NULL || asked_for;
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
        name = reader_join(reader_text(offer, "offer_id"), reader_text(offer, "variant"), "");
        break;
    case BY_DAY:
        civil_format_date((int32_t)civil_floor(reader_time(decision, "effective_at"), MS_PER_DAY),
                          day);
        name = strdup(day);
        break;
    case BY_CHANNEL:
        name = strdup(reader_text(offer, "channel"));
        break;
    case BY_SEGMENT:
        json_object_foreach(json_object_get(reader->members, reader_text(decision, "customer_id")),
                            segment, value)
        {
            (void)json_array_append_new(list, json_integer(row_index(reader, segment)));
        }
        return list;
    default:
        name = strdup(reader_text(offer, "offer_id"));
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
    const json_t *segments = json_object_get(reader->members, reader_text(value, "customer_id"));
    return reader->segment == NULL || json_object_get(segments, reader->segment) != NULL;
}

static void take_offer(struct reader *reader, const json_t *decision, const json_t *offer,
                       bool review)
{
    size_t i;
    json_t *index;
    if (!want_offer(reader, reader_text(offer, "offer_id"))) {
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
    char *key =
        reader_join(reader_text(decision, "decision_id"), reader_text(offer, "offer_id"), "");
    reader->failed |= key == NULL || json_object_set_new(reader->made, key, rows) != 0;
    free(key);
}

/* The rows of an earlier decision's offer, NULL when it is out of range or unknown. */
static const json_t *rows_made(struct reader *reader, const json_t *value)
{
    char *key = reader_join(reader_text(value, "decision_id"), reader_text(value, "offer_id"), "");
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

static void take_withdrawal(struct reader *reader, const json_t *value)
{
    size_t i, k;
    json_t *entry, *index;
    json_array_foreach(json_object_get(value, "withdrawn"), i, entry)
    {
        const json_t *rows = rows_made(reader, entry);
        json_array_foreach(rows, k, index)
        {
            reader->report.rows[json_integer_value(index)].withdrawn++;
        }
    }
}

static void take_decision(struct reader *reader, const json_t *value)
{
    struct report *report = &reader->report;
    const json_t *offers = json_object_get(value, "offers");
    const json_t *review = json_object_get(value, "for_review");
    size_t i;
    json_t *entry;
    if (!is_member(reader, value) || !in_range(reader, reader_time(value, "effective_at"))) {
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
        if (want_offer(reader, reader_text(entry, "offer_id"))) {
            take_block(report, reader_text(entry, "gate"));
        }
    }
}

static void take_exposure(struct reader *reader, const json_t *value)
{
    if (want_offer(reader, reader_text(value, "offer_id"))) {
        bool counts =
            is_member(reader, value) && in_range(reader, reader_time(value, "effective_at"));
        units_expose(reader, value, counts);
    }
}

static void take_outcome(struct reader *reader, const json_t *value)
{
    const json_t *rows = rows_made(reader, value);
    int32_t outcome = codes_find(&codes_outcome, slice_text(reader_text(value, "outcome")));
    int64_t revenue = json_integer_value(json_object_get(value, "revenue_minor"));
    size_t i;
    json_t *index;
    if (outcome < 0 || !want_offer(reader, reader_text(value, "offer_id"))) {
        return;
    }
    json_array_foreach(rows, i, index)
    {
        struct report_row *row = &reader->report.rows[json_integer_value(index)];
        row->outcomes[outcome]++;
        row->revenue_minor = offer_revenue_add(row->revenue_minor, revenue);
    }
    units_outcome(reader, value, outcome == OUTCOME_ACCEPTED, revenue);
}

static void take_membership(struct reader *reader, const json_t *value)
{
    const char *customer = reader_text(value, "customer_id");
    json_t *segments = json_object_get(reader->members, customer);
    reader->segment_seen |=
        reader->segment != NULL && strcmp(reader->segment, reader_text(value, "segment_id")) == 0;
    if (segments == NULL) {
        segments = json_object();
        (void)json_object_set_new(reader->members, customer, segments);
    }
    if (strcmp(reader_text(value, "transition"), "EXITED") == 0) {
        (void)json_object_del(segments, reader_text(value, "segment_id"));
    } else {
        (void)json_object_set_new(segments, reader_text(value, "segment_id"), json_true());
    }
}

static void take(struct reader *reader, enum report_kind kind, const json_t *value)
{
    switch (kind) {
    case REPORT_MEMBERSHIP:
        take_membership(reader, value);
        break;
    case REPORT_EXPOSURE:
        take_exposure(reader, value);
        break;
    case REPORT_DECISION:
        take_decision(reader, value);
        break;
    case REPORT_WITHDRAWAL:
        take_withdrawal(reader, value);
        break;
    case REPORT_OUTCOME:
        take_outcome(reader, value);
        break;
    }
}

/* One line: an output with its topic, or an event with its source. */
static void keep_line(struct reader *reader, const json_t *line)
{
    const json_t *value = json_object_get(line, "value");
    lines_keep(reader, value != NULL ? value : json_object_get(line, "event"));
}

static void say_errno(const char *path)
{
    (void)fprintf(stderr, "segue report: %s: %s\n", path, strerror(errno));
}

static bool read_file(struct reader *reader, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    uint64_t number = 0;
    bool good = file != NULL;
    if (file == NULL) {
        say_errno(path);
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
            keep_line(reader, object);
        }
        json_decref(object);
    }
    if (good && ferror(file) != 0) { /* a directory opens too */
        say_errno(path);
        good = false;
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

static bool take_day(const char *option, const char *text, int32_t *out_day)
{
    bool good = civil_parse_date(slice_text(text), out_day);
    if (!good) {
        (void)fprintf(stderr, "segue report: --%s takes a day, as 2026-11-25, not `%s`\n", option,
                      text);
    }
    return good;
}

static bool take_dimension(const char *text, int *out_by)
{
    for (*out_by = BY_OFFER; *out_by <= BY_SEGMENT; (*out_by)++) {
        if (strcmp(dimensions[*out_by], text) == 0) {
            return true;
        }
    }
    (void)fprintf(stderr,
                  "segue report: --by takes offer, variant, channel, day or segment, not `%s`\n",
                  text);
    return false;
}

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
            good = take_dimension(optarg, &reader->by);
            break;
        case 'f':
            good = take_day("from", optarg, &request->from_day);
            break;
        case 't':
            good = take_day("to", optarg, &request->to_day);
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
            (void)fputs(help, stderr);
            return false;
        }
    }
    if (good && optind == count) {
        (void)fputs("segue report: which file? `-` is standard input; --help says more\n", stderr);
    }
    return good && optind < count;
}

static int write_report(const struct report *report, const struct request *request, bool sound)
{
    FILE *out = request->output == NULL ? stdout : fopen(request->output, "w");
    if (out == NULL) {
        say_errno(request->output);
        return EXIT_NO;
    }
    request->print(report, out);
    bool good = ferror(out) == 0;
    good = (out == stdout ? fflush(out) : fclose(out)) == 0 && good;
    return good && sound ? EXIT_GOOD : EXIT_NO;
}

/* A name of an earlier playbook is known by its records: `seen`. */
static bool name_is_known(const struct reader *reader, enum playbook_kind kind, const char *what,
                          const char *name, bool seen)
{
    if (name == NULL || seen || playbook_find(reader->playbook, kind, slice_text(name)) >= 0) {
        return true;
    }
    const char *near = playbook_nearest(reader->playbook, slice_text(name), 1U << kind);
    (void)fprintf(stderr, "segue report: neither the playbook nor the records have %s `%s`%s%s%s\n",
                  what, name, near == NULL ? "" : "; did you mean `", near == NULL ? "" : near,
                  near == NULL ? "" : "`?");
    return false;
}

/* A report of nobody or nothing, for a name that is none or want of the records that say who, is no answer. */
static bool can_be_answered(const struct reader *reader)
{
    if (!name_is_known(reader, PLAYBOOK_SEGMENT, "a segment", reader->segment,
                       reader->segment_seen) ||
        !name_is_known(reader, PLAYBOOK_OFFER, "an offer", reader->only, reader->offer_seen)) {
        return false;
    }
    bool asks_who = reader->segment != NULL || reader->by == BY_SEGMENT;
    if (asks_who && json_object_size(reader->members) == 0) {
        (void)fprintf(stderr,
                      "segue report: %s needs the segment changes, and there are none among the "
                      "records; give segue.segment-changes too\n",
                      reader->segment != NULL ? "--segment" : "--by segment");
        return false;
    }
    return true;
}

/* Whoever reads such a sum as it stands would be wrong by what is left out. */
static void say_full_sums(const struct report *report)
{
    bool full = false;
    for (uint32_t i = 0; i < report->row_count; i++) {
        full |= report->rows[i].revenue_minor >= OFFER_REVENUE_MAX ||
                report->rows[i].revenue_minor <= -OFFER_REVENUE_MAX;
    }
    for (uint32_t i = 0; i < report->unit_count; i++) {
        full |= report->units[i].revenue_minor >= OFFER_REVENUE_MAX ||
                report->units[i].revenue_minor <= -OFFER_REVENUE_MAX;
    }
    if (full) {
        (void)fputs("segue report: a revenue stands at its end, 10^15 minor units, and is that or "
                    "more: some outcome reports an amount that cannot be; look for its "
                    "revenue_minor\n",
                    stderr);
    }
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
    if (!good) {
        return EXIT_USAGE;
    }
    if (request.from_day > request.to_day) {
        (void)fputs("segue report: --from is later than --to: no decision is between\n", stderr);
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
    json_t **maps[] = {&reader.rows,  &reader.experiments, &reader.exposed,
                       &reader.units, &reader.layers,      &reader.made,
                       &reader.arms,  &reader.members,     &reader.outcomes};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        *maps[i] = json_object();
    }
    for (int i = optind; i < argument_count; i++) {
        if (!read_file(&reader, arguments[i])) {
            return EXIT_NO;
        }
    }
    lines_replay(&reader, take);
    units_finish(&reader);
    if (reader.failed) {
        (void)fputs("segue report: out of memory\n", stderr);
        return EXIT_NO;
    }
    if (!can_be_answered(&reader)) {
        return EXIT_USAGE;
    }
    say_full_sums(&reader.report);
    return write_report(&reader.report, &request, report_finish(&reader.report));
}
