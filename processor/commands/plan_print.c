/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people. */
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "commands/plan_report.h"

enum { REASONS_SHOWN = 3 };

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
           number(filled, "leave") == 0;
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
        }
    }
    if (same > 0) {
        (void)fprintf(out, "%zu more stay as they are\n", same);
    }
}

static void print_features(json_t *rows, FILE *out)
{
    static const struct {
        const char *state, *words;
    } known[] = {{"unchanged", "keep their state"},
                 {"changed", "start anew (what they had is dropped)"},
                 {"new", "start empty"},
                 {"dropped", "are dropped"}};
    (void)fputs("\nFEATURES AND SERIES\n", out);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t at, count = 0;
        json_t *row;
        json_array_foreach(rows, at, row)
        {
            count += strcmp(text(row, "state"), known[i].state) == 0;
        }
        if (count == 0) {
            continue;
        }
        (void)fprintf(out, "%5zu %s", count, known[i].words);
        json_array_foreach(rows, at, row)
        {
            if (i > 0 && strcmp(text(row, "state"), known[i].state) == 0) {
                (void)fprintf(out, " f.%s", text(row, "id"));
            }
        }
        (void)fputc('\n', out);
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
