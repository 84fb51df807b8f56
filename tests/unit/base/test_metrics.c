/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/suite.h"

static const struct metric_family events = {"segue_events", NULL, "Events read.", METRIC_COUNTER};
static const struct metric_family lag = {"segue_lag_seconds", "seconds", "How far behind.",
                                         METRIC_GAUGE};
static const struct metric_family commit = {"segue_commit_seconds", "seconds", "A commit.",
                                            METRIC_HISTOGRAM};

static char page[16384];

/* A tiny reader of the text: counts samples and refuses a line that is neither a comment of the
 * right kind nor `name{labels} value`, a sample outside its family's block, a family twice, and
 * text behind # EOF. */
static int count_samples(const char *text, bool openmetrics)
{
    char family[64] = "", seen[512] = "";
    int samples = 0;
    bool ended = false;
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        char name[64], rest[256], copy[512];
        if (end == NULL || ended || (size_t)(end - line) >= sizeof(copy)) {
            return -1;
        }
        memcpy(copy, line, (size_t)(end - line));
        copy[end - line] = '\0';
        line = end + 1;
        if (strcmp(copy, "# EOF") == 0) {
            ended = true;
        } else if (sscanf(copy, "# TYPE %63s %255s", name, rest) == 2) {
            char mark[80];
            (void)snprintf(mark, sizeof(mark), "|%s|", name);
            if (strstr(seen, mark) != NULL) {
                return -2;
            }
            (void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s", mark);
            (void)snprintf(family, sizeof(family), "%s", name);
        } else if (copy[0] == '#') {
            if (sscanf(copy, "# HELP %63s %255s", name, rest) != 2 &&
                sscanf(copy, "# UNIT %63s %255s", name, rest) != 2) {
                return -3;
            }
            if (strcmp(name, family) != 0) {
                return -4;
            }
        } else {
            char *value = strrchr(copy, ' ');
            char *stop = NULL;
            if (value == NULL || strncmp(copy, family, strlen(family)) != 0) {
                return -5;
            }
            (void)strtod(value + 1, &stop);
            if (stop == value + 1 || *stop != '\0') {
                return -6;
            }
            samples++;
        }
    }
    return ended == openmetrics ? samples : -7;
}

static struct metrics *filled(void)
{
    struct metrics *metrics = metrics_open(8, 2);
    metric_add(metrics_register(metrics, &events, "source=\"transactions\""), 3);
    metric_set(metrics_register(metrics, &lag, NULL), 1.5);
    metric_add(metrics_register(metrics, &events, "source=\"app\""),
               4); /* written beside the first */
    struct metric *histogram = metrics_register(metrics, &commit, "worker=\"0\"");
    metric_observe_us(histogram, 5000); /* limits are inclusive */
    metric_observe_us(histogram, 5001);
    metric_observe_us(histogram, 90000000);
    metric_observe_us(histogram, -1);
    return metrics;
}

START_TEST(text_is_well_formed_in_both_formats)
{
    struct metrics *metrics = filled();
    size_t size = metrics_write(metrics, (enum metrics_format)_i, page, sizeof(page));
    ck_assert_uint_eq(size, strlen(page));
    ck_assert_int_eq(count_samples(page, _i == METRICS_OPENMETRICS),
                     2 + 1 + METRIC_BUCKET_COUNT + 1 + 2);
}
END_TEST

START_TEST(values_are_shown_as_they_were_counted)
{
    static const char *const lines[] = {
        "# TYPE segue_events counter\n",
        "# UNIT segue_lag_seconds seconds\n",
        "segue_events_total{source=\"transactions\"} 3\nsegue_events_total{source=\"app\"} 4\n",
        "\nsegue_lag_seconds 1.5\n",
        "segue_commit_seconds_bucket{worker=\"0\",le=\"0.005\"} 2\n",
        "segue_commit_seconds_bucket{worker=\"0\",le=\"0.01\"} 3\n",
        "segue_commit_seconds_bucket{worker=\"0\",le=\"60.0\"} 3\n",
        "segue_commit_seconds_bucket{worker=\"0\",le=\"+Inf\"} 4\n",
        "segue_commit_seconds_count{worker=\"0\"} 4\n",
        "segue_commit_seconds_sum{worker=\"0\"} 90.010001\n",
    };
    struct metrics *metrics = filled();
    (void)metrics_write(metrics, METRICS_OPENMETRICS, page, sizeof(page));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(strstr(page, lines[i]) != NULL, "no `%s` in:\n%s", lines[i], page);
    }
}
END_TEST

START_TEST(what_is_no_number_has_a_word)
{
    struct metrics *metrics = metrics_open(8, 0);
    struct metric *gauge = metrics_register(metrics, &lag, NULL);
    static const struct {
        double value;
        const char *line;
    } words[] = {{(double)NAN, "segue_lag_seconds NaN\n"},
                 {-(double)NAN, "segue_lag_seconds NaN\n"},
                 {(double)INFINITY, "segue_lag_seconds +Inf\n"},
                 {-(double)INFINITY, "segue_lag_seconds -Inf\n"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        metric_set(gauge, words[i].value);
        ck_assert_uint_gt(metrics_write(metrics, METRICS_PROMETHEUS, page, sizeof(page) - 1), 0);
        ck_assert_ptr_nonnull(strstr(page, words[i].line));
    }
}
END_TEST

START_TEST(older_format_names_the_family_as_its_samples)
{
    (void)metrics_write(filled(), METRICS_PROMETHEUS, page, sizeof(page));
    ck_assert(strstr(page, "# TYPE segue_events_total counter\n") != NULL);
    ck_assert(strstr(page, "# UNIT") == NULL);
}
END_TEST

START_TEST(page_that_does_not_fit_is_not_written)
{
    struct metrics *metrics = filled();
    size_t size = metrics_write(metrics, METRICS_OPENMETRICS, page, sizeof(page));
    ck_assert_uint_eq(metrics_write(metrics, METRICS_OPENMETRICS, page, size),
                      0); /* the NUL needs room */
    ck_assert_uint_eq(metrics_write(metrics, METRICS_OPENMETRICS, page, size + 1), size);
    ck_assert_uint_eq(metrics_write(metrics, METRICS_OPENMETRICS, page, 0), 0);
}
END_TEST

START_TEST(same_family_and_labels_are_the_same_series)
{
    struct metrics *metrics = metrics_open(2, 0);
    struct metric *first = metrics_register(metrics, &events, "a=\"1\"");
    ck_assert_ptr_eq(metrics_register(metrics, &events, "a=\"1\""), first);
    ck_assert_ptr_ne(metrics_register(metrics, &events, "a=\"2\""), first);
    metric_set_total(first, 9);
    ck_assert(metric_value(first) >= 9 && metric_value(first) <= 9);
}
END_TEST

START_TEST(label_values_are_escaped_and_bounded)
{
    char labels[METRIC_LABELS_SIZE] = "";
    char wide[METRIC_LABELS_SIZE];
    ck_assert(metrics_label(labels, "a", "x\"y\\z\n"));
    ck_assert(metrics_label(labels, "b", "2"));
    ck_assert_str_eq(labels, "a=\"x\\\"y\\\\z\\n\",b=\"2\"");
    memset(wide, 'w', sizeof(wide));
    for (size_t size = 0; size < sizeof(wide); size++) {
        char again[METRIC_LABELS_SIZE] = "";
        wide[sizeof(wide) - 1 - size] = 'w';
        wide[sizeof(wide) - 1] = '\0';
        bool fits = metrics_label(again, "n", wide + sizeof(wide) - 1 - size);
        ck_assert_int_eq(fits, size + 5 <= METRIC_LABELS_SIZE); /* n="" and the NUL */
    }
}
END_TEST

START_TEST(format_follows_the_accept_header)
{
    ck_assert_int_eq(metrics_format_of(NULL), METRICS_PROMETHEUS);
    ck_assert_int_eq(metrics_format_of("*/*"), METRICS_PROMETHEUS);
    ck_assert_int_eq(
        metrics_format_of("application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"),
        METRICS_OPENMETRICS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");
    tcase_add_loop_test(tests, text_is_well_formed_in_both_formats, 0, 2);
    tcase_add_test(tests, values_are_shown_as_they_were_counted);
    tcase_add_test(tests, what_is_no_number_has_a_word);
    tcase_add_test(tests, older_format_names_the_family_as_its_samples);
    tcase_add_test(tests, page_that_does_not_fit_is_not_written);
    tcase_add_test(tests, same_family_and_labels_are_the_same_series);
    tcase_add_test(tests, label_values_are_escaped_and_bounded);
    tcase_add_test(tests, format_follows_the_accept_header);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
