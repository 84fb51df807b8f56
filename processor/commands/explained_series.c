/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/explained_series.h"

#include <inttypes.h>

#include "base/civil.h"
#include "base/show.h"

void explained_date(const struct explanation *explanation, int64_t time_ms, FILE *out)
{
    char text[CIVIL_TEXT_SIZE];
    civil_format_date(zones_local_day(explanation->zones, explanation->zone, time_ms), text);
    (void)fputs(text, out);
}

static void put_moment(const struct explanation *explanation, const char *before,
                       const struct feature_value *moment, FILE *out)
{
    if (moment->present) {
        (void)fputs(before, out);
        explained_date(explanation, moment->i, out);
    }
}

static void put_amount(const char *before, const struct feature_value *minor, const char *after,
                       FILE *out)
{
    if (minor->present && minor->i >= 0) {
        (void)fprintf(out, "%s%" PRId64 ".%02d%s", before, minor->i / 100, (int)(minor->i % 100),
                      after);
    }
}

static const char *how_often(int64_t period_days)
{
    return period_days == 7    ? " a week"
           : period_days == 14 ? " a fortnight"
           : period_days == 28 ? " every four weeks"
                               : " a month";
}

/* "30 payments since 2025-07-04, 1844.35 a month, the last on 2026-01-23; the next is due on 2026-01-30". */
static void put_going_on(const struct explanation *explanation, const struct feature_value *v,
                         FILE *out)
{
    (void)fprintf(out, "%" PRId64 " payment%s", v[SERIES_HITS].i,
                  show_s((uint64_t)v[SERIES_HITS].i));
    put_moment(explanation, " since ", &v[SERIES_FIRST_AT], out);
    put_amount(", ", &v[SERIES_AMOUNT], how_often(v[SERIES_PERIOD_DAYS].i), out);
    put_moment(explanation, ", the last on ", &v[SERIES_LAST_AT], out);
    put_moment(explanation, "; the next is due on ", &v[SERIES_NEXT_AT], out);
    if (v[SERIES_CHANGE_PERCENT].present && v[SERIES_CHANGE_PERCENT].i != 0) {
        int64_t percent = v[SERIES_CHANGE_PERCENT].i;
        (void)fprintf(out, "; the last two are %" PRId64 " %% %s than before",
                      percent < 0 ? -percent : percent, percent < 0 ? "less" : "more");
    }
    if (v[SERIES_ACTIVE].i > 1) {
        (void)fprintf(out, "; %" PRId64 " more like it", v[SERIES_ACTIVE].i - 1);
        put_amount(", ", &v[SERIES_TOTAL_MONEY], " in 30 days together", out);
    }
}

static void put_stopped(const struct explanation *explanation, const struct feature_value *v,
                        FILE *out)
{
    (void)fprintf(out, "stopped after %" PRId64 " payment%s", v[SERIES_STOPPED_HITS].i,
                  show_s((uint64_t)v[SERIES_STOPPED_HITS].i));
    put_moment(explanation, " from ", &v[SERIES_STOPPED_FIRST_AT], out);
    put_moment(explanation, " to ", &v[SERIES_STOPPED_AT], out);
    put_amount(", ", &v[SERIES_STOPPED_MONEY], " in 30 days", out);
    put_moment(explanation, "; one was due on ", &v[SERIES_STOPPED_DUE_AT], out);
    (void)fputs(v[SERIES_STOPPED_DUE_AT].present ? " and did not come" : "", out);
}

static void put_series(const struct explanation *explanation, const struct explain_series *series,
                       FILE *out)
{
    const struct feature_value *v = series->values;
    bool goes_on = v[SERIES_ACTIVE].i > 0;
    bool stopped = v[SERIES_STOPPED_HITS].i > 0;
    (void)fputs("    - ", out);
    show_text(series->def->id, out);
    (void)fputs(series->def->direction == DIRECTION_CREDIT ? " (paid in): " : " (paid out): ", out);
    if (stopped) {
        put_stopped(explanation, v, out);
    }
    if (goes_on) {
        (void)fputs(stopped ? ". Goes on: " : "", out);
        put_going_on(explanation, v, out);
    }
    (void)fputs(stopped || goes_on ? "\n" : "none that comes regularly\n", out);
}

void explained_series(const struct explanation *explanation, FILE *out)
{
    (void)fputs(explanation->series_count > 0 ? "  What is known of regular payments:\n" : "", out);
    for (uint32_t i = 0; i < explanation->series_count; i++) {
        put_series(explanation, &explanation->series[i], out);
    }
}
