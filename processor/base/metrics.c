/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/attributes.h"
#include "base/invariant.h"
#include "base/memory.h"

static const char *const bucket_names[] = {"0.005", "0.01", "0.025", "0.05", "0.1",  "0.25", "0.5",
                                           "1.0",   "2.5",  "5.0",   "10.0", "30.0", "60.0"};
static const int64_t bucket_limits_us[] = {5000,     10000,    25000,   50000,   100000,
                                           250000,   500000,   1000000, 2500000, 5000000,
                                           10000000, 30000000, 60000000};
_Static_assert(ARRAY_COUNT(bucket_names) == METRIC_BUCKET_COUNT, "one name per bucket");
_Static_assert(ARRAY_COUNT(bucket_limits_us) == METRIC_BUCKET_COUNT, "one limit per bucket");

struct histogram {
    _Atomic uint64_t counts[METRIC_BUCKET_COUNT + 1]; /* each for itself; the last is beyond 60 s */
    _Atomic uint64_t sum_us;
};

struct metric {
    const struct metric_family *family;
    char labels[METRIC_LABELS_SIZE];
    _Atomic uint64_t value; /* counter: a count; gauge: the bits of a double */
    struct histogram *histogram;
};

struct metrics {
    struct metric *series; /* in order of registration */
    uint32_t series_count;
    uint32_t series_max;
    struct histogram *histograms;
    uint32_t histogram_count;
    uint32_t histogram_max;
};

struct metrics *metrics_open(uint32_t series_max, uint32_t histogram_max)
{
    struct metrics *metrics = memory_take(sizeof(*metrics), "metrics");
    metrics->series = memory_take(series_max * sizeof(struct metric), "metrics");
    metrics->series_max = series_max;
    metrics->histograms = memory_take(histogram_max * sizeof(struct histogram), "metrics");
    metrics->histogram_max = histogram_max;
    return metrics;
}

struct metric *metrics_register(struct metrics *metrics, const struct metric_family *family,
                                const char *labels)
{
    labels = labels == NULL ? "" : labels;
    for (uint32_t i = 0; i < metrics->series_count; i++) {
        struct metric *metric = &metrics->series[i];
        if (strcmp(metric->family->name, family->name) != 0) {
            continue;
        }
        INVARIANT(metric->family->kind == family->kind);
        if (strcmp(metric->labels, labels) == 0) {
            return metric;
        }
    }
    INVARIANT(metrics->series_count < metrics->series_max);
    INVARIANT(strlen(labels) < METRIC_LABELS_SIZE);
    struct metric *metric = &metrics->series[metrics->series_count++];
    metric->family = family;
    (void)snprintf(metric->labels, sizeof(metric->labels), "%s", labels);
    if (family->kind == METRIC_HISTOGRAM) {
        INVARIANT(metrics->histogram_count < metrics->histogram_max);
        metric->histogram = &metrics->histograms[metrics->histogram_count++];
    }
    return metric;
}

bool metrics_label(char labels[METRIC_LABELS_SIZE], const char *name, const char *value)
{
    char text[METRIC_LABELS_SIZE];
    int head = snprintf(text, sizeof(text), "%s%s=\"", labels[0] == '\0' ? "" : ",", name);
    size_t size = (size_t)head;
    if (head < 0 || size >= sizeof(text)) {
        return false;
    }
    for (; *value != '\0'; value++) {
        bool escaped = *value == '\\' || *value == '"' || *value == '\n';
        if (size + (escaped ? 2 : 1) + 2 > sizeof(text)) { /* a quote and the NUL come behind */
            return false;
        }
        if (escaped) {
            text[size++] = '\\';
        }
        text[size++] = (char)(*value == '\n' ? 'n' : *value);
    }
    size_t before = strlen(labels);
    if (size + 2 > sizeof(text) || before + size + 2 > METRIC_LABELS_SIZE) {
        return false;
    }
    text[size++] = '"';
    memcpy(labels + before, text, size);
    labels[before + size] = '\0';
    return true;
}

/* --- changing */

static double gauge_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

void metric_add(struct metric *metric, uint64_t count)
{
    INVARIANT(metric->family->kind == METRIC_COUNTER);
    atomic_fetch_add_explicit(&metric->value, count, memory_order_relaxed);
}

void metric_set_total(struct metric *metric, uint64_t total)
{
    INVARIANT(metric->family->kind == METRIC_COUNTER);
    atomic_store_explicit(&metric->value, total, memory_order_relaxed);
}

void metric_set(struct metric *metric, double value)
{
    INVARIANT(metric->family->kind == METRIC_GAUGE);
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    atomic_store_explicit(&metric->value, bits, memory_order_relaxed);
}

size_t metric_bucket_us(int64_t duration_us)
{
    size_t bucket = 0;
    while (bucket < METRIC_BUCKET_COUNT && duration_us > bucket_limits_us[bucket]) {
        bucket++;
    }
    return bucket;
}

void metric_observe_us(struct metric *metric, int64_t duration_us)
{
    INVARIANT(metric->family->kind == METRIC_HISTOGRAM);
    duration_us = duration_us < 0 ? 0 : duration_us; /* a clock that was set back */
    atomic_fetch_add_explicit(&metric->histogram->counts[metric_bucket_us(duration_us)], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->histogram->sum_us, (uint64_t)duration_us,
                              memory_order_relaxed);
}

void metric_set_histogram(struct metric *metric, const uint64_t counts[METRIC_BUCKET_COUNT + 1],
                          uint64_t sum_us)
{
    INVARIANT(metric->family->kind == METRIC_HISTOGRAM);
    for (size_t i = 0; i <= METRIC_BUCKET_COUNT; i++) {
        atomic_store_explicit(&metric->histogram->counts[i], counts[i], memory_order_relaxed);
    }
    atomic_store_explicit(&metric->histogram->sum_us, sum_us, memory_order_relaxed);
}

double metric_value(const struct metric *metric)
{
    uint64_t total = 0;
    switch (metric->family->kind) {
    case METRIC_COUNTER:
        return (double)atomic_load_explicit(&metric->value, memory_order_relaxed);
    case METRIC_GAUGE:
        return gauge_of(atomic_load_explicit(&metric->value, memory_order_relaxed));
    case METRIC_HISTOGRAM:
        for (size_t i = 0; i <= METRIC_BUCKET_COUNT; i++) {
            total += atomic_load_explicit(&metric->histogram->counts[i], memory_order_relaxed);
        }
        return (double)total;
    }
    return 0;
}

/* --- writing */

struct page {
    char *out;
    size_t size;
    size_t limit;
    bool full;
};

PRINTF_LIKE(2, 3) static void put(struct page *page, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = page->full
                   ? 0
                   : vsnprintf(page->out + page->size, page->limit - page->size, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= page->limit - page->size) {
        page->full = true;
        return;
    }
    page->size += (size_t)size;
}

static void put_head(struct page *page, const struct metric_family *family,
                     enum metrics_format format)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    /* The older format names a counter's family as its samples; the newer without _total. */
    const char *suffix =
        format == METRICS_PROMETHEUS && family->kind == METRIC_COUNTER ? "_total" : "";
    put(page, "# TYPE %s%s %s\n", family->name, suffix, kinds[family->kind]);
    if (format == METRICS_OPENMETRICS && family->unit != NULL) {
        put(page, "# UNIT %s %s\n", family->name, family->unit);
    }
    put(page, "# HELP %s%s %s\n", family->name, suffix, family->help);
}

static void put_histogram(struct page *page, const struct metric *metric)
{
    const char *name = metric->family->name;
    const char *labels = metric->labels;
    const char *comma = labels[0] == '\0' ? "" : ",";
    uint64_t total = 0;
    for (size_t i = 0; i <= METRIC_BUCKET_COUNT; i++) {
        total += atomic_load_explicit(&metric->histogram->counts[i], memory_order_relaxed);
        put(page, "%s_bucket{%s%sle=\"%s\"} %llu\n", name, labels, comma,
            i < METRIC_BUCKET_COUNT ? bucket_names[i] : "+Inf", (unsigned long long)total);
    }
    uint64_t sum_us = atomic_load_explicit(&metric->histogram->sum_us, memory_order_relaxed);
    const char *open = labels[0] == '\0' ? "" : "{";
    const char *close = labels[0] == '\0' ? "" : "}";
    /* _count is the +Inf bucket by definition: read once, so that they never differ. */
    put(page, "%s_count%s%s%s %llu\n", name, open, labels, close, (unsigned long long)total);
    put(page, "%s_sum%s%s%s %llu.%06llu\n", name, open, labels, close,
        (unsigned long long)(sum_us / 1000000), (unsigned long long)(sum_us % 1000000));
}

/* The formats have words of their own for what is no number. */
static void put_gauge(struct page *page, double value)
{
    if (isnan(value)) {
        put(page, "NaN\n");
    } else if (isinf(value)) {
        put(page, "%sInf\n", value > 0 ? "+" : "-");
    } else {
        put(page, "%.15g\n", value);
    }
}

static void put_series(struct page *page, const struct metric *metric)
{
    const char *open = metric->labels[0] == '\0' ? "" : "{";
    const char *close = metric->labels[0] == '\0' ? "" : "}";
    uint64_t value = atomic_load_explicit(&metric->value, memory_order_relaxed);
    switch (metric->family->kind) {
    case METRIC_COUNTER:
        put(page, "%s_total%s%s%s %llu\n", metric->family->name, open, metric->labels, close,
            (unsigned long long)value);
        break;
    case METRIC_GAUGE:
        put(page, "%s%s%s%s ", metric->family->name, open, metric->labels, close);
        put_gauge(page, gauge_of(value));
        break;
    case METRIC_HISTOGRAM:
        put_histogram(page, metric);
        break;
    }
}

static bool same_family(const struct metric *a, const struct metric *b)
{
    return strcmp(a->family->name, b->family->name) == 0;
}

static bool is_first_of_family(const struct metrics *metrics, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (same_family(&metrics->series[i], &metrics->series[index])) {
            return false;
        }
    }
    return true;
}

size_t metrics_write(const struct metrics *metrics, enum metrics_format format, char *out,
                     size_t limit)
{
    struct page page = {out, 0, limit, limit == 0};
    for (uint32_t i = 0; i < metrics->series_count; i++) {
        if (!is_first_of_family(metrics, i)) {
            continue;
        }
        put_head(&page, metrics->series[i].family, format);
        for (uint32_t j = i; j < metrics->series_count; j++) {
            if (same_family(&metrics->series[i], &metrics->series[j])) {
                put_series(&page, &metrics->series[j]);
            }
        }
    }
    if (format == METRICS_OPENMETRICS) {
        put(&page, "# EOF\n");
    }
    return page.full ? 0 : page.size;
}

enum metrics_format metrics_format_of(const char *accept)
{
    return accept != NULL && strstr(accept, "application/openmetrics-text") != NULL
               ? METRICS_OPENMETRICS
               : METRICS_PROMETHEUS;
}

const char *metrics_content_type(enum metrics_format format)
{
    return format == METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}
