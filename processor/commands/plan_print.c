/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people. */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

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

static bool is_same(const json_t *row)
{
    const json_t *filled = json_object_get(row, "filled");
    return strcmp(text(row, "state"), "unchanged") == 0 &&
           number(row, "live") == number(row, "new") && number(row, "enter") == 0 &&
           number(row, "leave") == 0 && number(filled, "enter") == 0 &&
           number(filled, "leave") == 0 &&
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
        (void)fprintf(out, "    and of %zu more features\n", count - LACKS_SHOWN);
    }
}

static void print_segments(json_t *rows, bool all, FILE *out)
{
    size_t at, same = 0;
    json_t *row;
    (void)fprintf(out, "\n%-32s %-9s %8s %8s %8s %8s %8s %8s\n", "SEGMENT", "", "live", "new",
                  "enter", "leave", "keep", "filled");
    json_array_foreach(rows, at, row)
    {
        if (is_same(row) && !all) {
            same++;
            continue;
        }
        (void)fprintf(out,
                      "%-32s %-9s %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64
                      " %8" PRId64 "\n",
                      text(row, "id"), text(row, "state"), number(row, "live"), number(row, "new"),
                      number(row, "enter"), number(row, "leave"), number(row, "keep"),
                      number(json_object_get(row, "filled"), "new"));
        print_reasons(row, out);
        print_lacks(row, out);
    }
    if (same > 0) {
        (void)fprintf(out, "%zu more stay as they are\n", same);
    }
}

static void print_counts(const char *title, json_t *rows, bool all, FILE *out)
{
    size_t at, same = 0;
    json_t *row;
    (void)fprintf(out, "\n%-32s %-9s %8s %8s\n", title, "", "live", "new");
    json_array_foreach(rows, at, row)
    {
        if (is_same(row) && !all) {
            same++;
        } else {
            (void)fprintf(out, "%-32s %-9s %8" PRId64 " %8" PRId64 "\n", text(row, "id"),
                          text(row, "state"), number(row, "live"), number(row, "new"));
            print_lacks(row, out);
        }
    }
    if (same > 0) {
        (void)fprintf(out, "%zu more stay as they are\n", same);
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
        const char *record, *words;
    } known[] = {{"kept", "keep their state, though they are new or written otherwise:"},
                 {"partly", "keep a part of their state and lack the rest:"},
                 {"empty", "start empty and lack what was before:"},
                 {"dropped", "are dropped:"}};
    size_t at, plain = 0;
    json_t *row;
    json_array_foreach(rows, at, row)
    {
        plain += is_plain(row);
    }
    (void)fprintf(out, "\nFEATURES AND SERIES\n%5zu keep their state\n", plain);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t count = 0;
        json_array_foreach(rows, at, row)
        {
            count += strcmp(text(row, "record"), known[i].record) == 0 && !is_plain(row);
        }
        if (count == 0) {
            continue;
        }
        (void)fprintf(out, "%5zu %s\n", count, known[i].words);
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
    (void)fprintf(out, "live %s -> new %s, over %" PRId64 " events of %" PRId64 " customers\n",
                  text(report, "live"), text(report, "new"), number(report, "events"),
                  number(report, "customers"));
    print_segments(json_object_get(report, "segments"), all, out);
    print_counts("LIFE EVENT (confirmed)", json_object_get(report, "life_events"), all, out);
    print_counts("OFFER (decided)", json_object_get(report, "offers"), all, out);
    print_features(json_object_get(report, "features"), out);
    (void)fputs("\nnew: as soon as the plan is applied and everybody was looked at. filled: once "
                "features that do not keep their\nstate have seen as much as this sample has.\n",
                out);
}
