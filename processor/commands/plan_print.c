/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people. */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/show.h"
#include "commands/plan_report.h"

enum { REASONS_SHOWN = 3, LACKS_SHOWN = 3 };

static int64_t number(const json_t *row, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(row, key));
}

static const char *text(const json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));
    return value == NULL ? "" : value;
}

static bool moves(const json_t *row)
{
    static const char *const words[] = {"enter", "leave", "gained", "lost"};
    bool any = false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        any = any || number(row, words[i]) != 0;
    }
    return any;
}

static bool is_same(const json_t *row)
{
    return strcmp(text(row, "state"), "unchanged") == 0 && !moves(row) &&
           !moves(json_object_get(row, "filled")) &&
           json_array_size(json_object_get(row, "sees_too_little")) == 0;
}

static void print_reasons(const json_t *row, FILE *out)
{
    const json_t *reasons = json_object_get(row, "reasons");
    for (size_t i = 0; i < json_array_size(reasons) && i < REASONS_SHOWN; i++) {
        const json_t *reason = json_array_get(reasons, i);
        (void)fprintf(out, "%s  %6" PRId64 "  %s\n", i == 0 ? "    because" : "           ",
                      number(reason, "count"), text(reason, "text"));
    }
}

/* Until when something lacks that is not kept whole. */
static void print_until(const json_t *lack, FILE *out)
{
    const char *date = text(lack, "complete_on");
    int64_t events = number(lack, "lacks_events");
    if (*date != '\0') {
        (void)fprintf(out, " until %s", date);
    }
    if (events > 0) {
        (void)fprintf(out, "%s %" PRId64 " more event%s", *date != '\0' ? " and" : " until", events,
                      events == 1 ? "" : "s");
    }
    if (*date == '\0' && events == 0) {
        (void)fputs(": what was before stays unknown", out);
    }
}

static void print_lacks(const json_t *row, FILE *out)
{
    const json_t *lacks = json_object_get(row, "sees_too_little");
    size_t count = json_array_size(lacks);
    for (size_t i = 0; i < count && i < LACKS_SHOWN; i++) {
        const json_t *lack = json_array_get(lacks, i);
        (void)fprintf(out, "    sees too little of f.%s", text(lack, "id"));
        print_until(lack, out);
        (void)fputc('\n', out);
    }
    if (count > LACKS_SHOWN) {
        (void)fprintf(out, "    and of %zu more feature%s\n", count - LACKS_SHOWN,
                      show_s(count - LACKS_SHOWN));
    }
}

struct section {
    const char *key, *title, *words[3];
};

static void print_filled(const json_t *filled, const struct section *section, FILE *out)
{
    (void)fprintf(out, " %8" PRId64, number(filled, "new"));
    if (moves(filled)) {
        (void)fprintf(out, "  +%" PRId64 " -%" PRId64, number(filled, section->words[0]),
                      number(filled, section->words[1]));
    }
    (void)fputc('\n', out);
}

static void print_rows(const json_t *report, const struct section *section, bool all, FILE *out)
{
    size_t at, same = 0;
    json_t *row;
    (void)fprintf(out, "\n%-32s %-9s %8s %8s %8s %8s %8s %8s\n", section->title, "", "live", "new",
                  section->words[0], section->words[1], section->words[2], "filled");
    json_array_foreach(json_object_get(report, section->key), at, row)
    {
        if (is_same(row) && !all) {
            same++;
            continue;
        }
        (void)fprintf(out,
                      "%-32s %-9s %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64,
                      text(row, "id"), text(row, "state"), number(row, "live"), number(row, "new"),
                      number(row, section->words[0]), number(row, section->words[1]),
                      number(row, section->words[2]));
        print_filled(json_object_get(row, "filled"), section, out);
        print_reasons(row, out);
        print_lacks(row, out);
    }
    if (same > 0) {
        (void)fprintf(out, "%zu more %s\n", same,
                      same == 1 ? "stays as it is" : "stay as they are");
    }
}

/* Kept and still as it was written: said as a number, without a name. */
static bool is_plain(const json_t *row)
{
    return strcmp(text(row, "record"), "kept") == 0 && strcmp(text(row, "state"), "unchanged") == 0;
}

static void print_features(json_t *rows, FILE *out)
{
    static const struct {
        const char *record, *words, *of_one;
    } known[] = {{"kept", "keep their state, though they are new or written otherwise:",
                  "keeps its state, though it is new or written otherwise:"},
                 {"partly", "keep a part of their state and lack the rest:",
                  "keeps a part of its state and lacks the rest:"},
                 {"empty", "start empty and lack what was before:",
                  "starts empty and lacks what was before:"},
                 {"dropped", "are dropped:", "is dropped:"}};
    size_t at, plain = 0;
    json_t *row;
    json_array_foreach(rows, at, row)
    {
        plain += is_plain(row);
    }
    (void)fprintf(out, "\nFEATURES AND SERIES\n%5zu %s\n", plain,
                  plain == 1 ? "keeps its state" : "keep their state");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t count = 0;
        json_array_foreach(rows, at, row)
        {
            count += strcmp(text(row, "record"), known[i].record) == 0 && !is_plain(row);
        }
        if (count == 0) {
            continue;
        }
        (void)fprintf(out, "%5zu %s\n", count, count == 1 ? known[i].of_one : known[i].words);
        json_array_foreach(rows, at, row)
        {
            if (strcmp(text(row, "record"), known[i].record) == 0 && !is_plain(row)) {
                (void)fprintf(out, "      f.%s", text(row, "id"));
                if (i == 1 || i == 2) {
                    print_until(row, out);
                }
                (void)fputc('\n', out);
            }
        }
    }
}

void plan_print(json_t *report, bool all, FILE *out)
{
    (void)fprintf(out, "live %s -> new %s, over %" PRId64 " event%s of %" PRId64 " customer%s\n",
                  text(report, "live"), text(report, "new"), number(report, "events"),
                  show_s((uint64_t)number(report, "events")), number(report, "customers"),
                  show_s((uint64_t)number(report, "customers")));
    static const struct section sections[] = {
        {"segments", "SEGMENT (members)", {"enter", "leave", "keep"}},
        {"life_events", "LIFE EVENT (confirmed)", {"gained", "lost", "kept"}},
        {"offers", "OFFER (made)", {"gained", "lost", "kept"}},
    };
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        print_rows(report, &sections[i], all, out);
    }
    print_features(json_object_get(report, "features"), out);
    (void)fputs(
        "\nnew: as soon as the plan is applied and everybody was looked at; what was offered "
        "stays so. filled: had the\nnew playbook seen the whole sample, so what it comes to "
        "once its features are filled, and against live.\n",
        out);
}
