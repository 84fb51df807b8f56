/* SPDX-License-Identifier: Apache-2.0 */
/* Literal durations. "m" is a minute and "mo" a month, as in Prometheus and Flink SQL. */
#include "base/civil.h"
#include "text/yaml.h"

struct unit {
    const char *name;
    int64_t ms; /* 0: months */
    int32_t months;
    bool whole_days;
};

/* In falling order: a part must be of a smaller unit than the one before. */
static const struct unit units[] = {
    {"y", 0, 12, true},
    {"mo", 0, 1, true},
    {"w", 7 * MS_PER_DAY, 0, true},
    {"d", MS_PER_DAY, 0, true},
    {"h", MS_PER_HOUR, 0, false},
    {"m", MS_PER_MINUTE, 0, false},
    {"s", MS_PER_SECOND, 0, false},
    {"ms", 1, 0, false},
};
enum { UNIT_COUNT = sizeof(units) / sizeof(units[0]), NUMBER_MAX = 100000000 };

static const int64_t limit_ms =
    INT64_C(100) * 366 * MS_PER_DAY; /* a century: nothing here is longer */

static size_t parse_digits(struct slice text, size_t at, int64_t *out_value)
{
    int64_t value = 0;
    size_t start = at;
    while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9' && value < NUMBER_MAX) {
        value = value * 10 + (text.data[at] - '0');
        at++;
    }
    *out_value = value;
    return value >= NUMBER_MAX ? start : at;
}

bool duration_parse(struct slice text, struct duration *out_duration)
{
    struct duration duration = {.whole_days = true};
    size_t at = 0, unit = 0;
    while (at < text.size) {
        int64_t value;
        size_t digits_end = parse_digits(text, at, &value);
        size_t end = digits_end;
        while (end < text.size && text.data[end] >= 'a' && text.data[end] <= 'z') {
            end++;
        }
        struct slice name = slice_of(text.data + digits_end, end - digits_end);
        while (unit < UNIT_COUNT && !slice_is(name, units[unit].name)) {
            unit++;
        }
        if (digits_end == at || unit == UNIT_COUNT) {
            return false;
        }
        duration.ms += value * units[unit].ms;
        duration.months += (int32_t)(value * units[unit].months);
        duration.whole_days = duration.whole_days && units[unit].whole_days;
        if (duration.ms > limit_ms || duration.months > 1200) {
            return false;
        }
        at = end;
        unit++;
    }
    if (text.size == 0) {
        return false;
    }
    *out_duration = duration;
    return true;
}

bool yaml_duration(const struct yaml_node *node, struct diagnostics *diagnostics,
                   struct duration *out_duration)
{
    if (node == NULL) {
        return false;
    }
    if (node->kind != YAML_SCALAR || !duration_parse(node->text, out_duration)) {
        yaml_error(node, diagnostics, "write it as 90d, 15m, 1h30m, 500ms, 2w, 13mo or 1y",
                   "`%.*s` is no duration", SLICE_ARG(node->text));
        return false;
    }
    return true;
}

bool yaml_duration_ms(const struct yaml_node *node, struct diagnostics *diagnostics, int64_t min_ms,
                      int64_t max_ms, int64_t *out_ms)
{
    struct duration duration;
    if (!yaml_duration(node, diagnostics, &duration)) {
        return false;
    }
    int64_t years = duration.months / 12, months = duration.months % 12;
    int64_t ms = duration.ms + (years * 365 + months * 30) * MS_PER_DAY;
    if (ms < min_ms || ms > max_ms) {
        yaml_error(node, diagnostics, ms < min_ms ? "make it longer" : "make it shorter",
                   "`%.*s` must be %lld ms to %lld ms", SLICE_ARG(node->text), (long long)min_ms,
                   (long long)max_ms);
        return false;
    }
    *out_ms = ms;
    return true;
}
