/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers for operators: counters, gauges, histograms, shown as OpenMetrics 1.0 or Prometheus 0.0.4
 * text.
 *
 * Every series is registered once, at start, with its labels; from then on changing it is one
 * relaxed atomic addition, from any thread. Names begin with "segue_", are in base units (seconds,
 * bytes), and carry no suffix of a kind: the text adds _total, _bucket, _sum, _count.
 *
 *   struct metric *late = metrics_register(metrics, &rejects_family, "reason=\"late\"");
 *   metric_add(late, 1);                    ->  segue_rejects_total{reason="late"} 1 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdatomic.h>

#include "base/slice.h"

enum {
    METRIC_BUCKET_COUNT =
        13, /* .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10 30 60 seconds; +Inf is beyond */
    METRIC_LABELS_SIZE = 256, /* bytes of a series' label text, NUL included */
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* What the series of one name have in common. Static. */
struct metric_family {
    const char *name; /* "segue_commit_seconds" */
    const char *unit; /* "seconds", "bytes" (then the name ends in it) or NULL */
    const char *help; /* one line */
    enum metric_kind kind;
};

struct metric;
struct metrics;

enum metrics_format { METRICS_OPENMETRICS, METRICS_PROMETHEUS };

/* Memory for `series_max` series, `histogram_max` of them histograms (base/memory.h: before
 * memory_seal). */
struct metrics *metrics_open(uint32_t series_max, uint32_t histogram_max);

/* Register a series: the same family and labels again give the same series. `labels` is NULL, "" or
 * text as `task="3",source="transactions"` (metrics_label escapes a value); copied. At start, one
 * thread. INVARIANT: there is room, and a family's name has one kind and unit. */
struct metric *metrics_register(struct metrics *metrics, const struct metric_family *family,
                                const char *labels);

/* Append `name="value"` to `labels` (METRIC_LABELS_SIZE bytes, NUL-terminated), with a comma when
 * it is not empty, escaped as the format wants. False: it does not fit; nothing is appended. */
bool metrics_label(char labels[METRIC_LABELS_SIZE], const char *name, const char *value);

/* A counter grows by `count`. */
void metric_add(struct metric *metric, uint64_t count);
/* A counter that somebody else counts: shows `total`, which must never fall. */
void metric_set_total(struct metric *metric, uint64_t total);
/* A gauge. A family in seconds is given seconds. */
void metric_set(struct metric *metric, double value);
/* A histogram in seconds, given microseconds. */
void metric_observe_us(struct metric *metric, int64_t duration_us);

/* For a histogram that somebody else keeps: the bucket of a duration (METRIC_BUCKET_COUNT: beyond
 * the last limit), and all buckets at once, each for itself, with their sum. Neither may ever fall.
 */
size_t metric_bucket_us(int64_t duration_us);
void metric_set_histogram(struct metric *metric, const uint64_t counts[METRIC_BUCKET_COUNT + 1],
                          uint64_t sum_us);

/* A counter's or gauge's value now, or a histogram's count. For tests and progress lines. */
double metric_value(const struct metric *metric);

/* Write all series, those of a family together. Returns the bytes written, 0 when `limit` is too
 * small: a cut exposition is worse than none. */
size_t metrics_write(const struct metrics *metrics, enum metrics_format format, char *out,
                     size_t limit);

/* The format that an Accept header asks for, and the content type to answer with (static). */
enum metrics_format metrics_format_of(const char *accept);
const char *metrics_content_type(enum metrics_format format);

#endif
