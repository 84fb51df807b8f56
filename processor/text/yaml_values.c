/* SPDX-License-Identifier: Apache-2.0 */
/* Typed getters: one form per kind of value, an error with its mend for everything else. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "text/yaml.h"

static void add(const struct yaml_node *node, struct diagnostics *diagnostics,
                enum diagnostic_level level, const char *mend, const char *format,
                va_list arguments)
{
    char text[DIAGNOSTIC_TEXT_SIZE];
    struct source_span span = node->span;
    if (node->kind == YAML_SCALAR && node->text.size == 0 && node->key != NULL) {
        span = node->key->span; /* nothing stands there to point at */
    }
    (void)vsnprintf(text, sizeof(text), format, arguments);
    diagnostics_add(diagnostics, level, span, mend, "%s", text);
}

void yaml_error(const struct yaml_node *node, struct diagnostics *diagnostics, const char *mend,
                const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(node, diagnostics, DIAGNOSTIC_ERROR, mend, format, arguments);
    va_end(arguments);
}

void yaml_new_rule(const struct yaml_node *node, struct diagnostics *diagnostics, const char *mend,
                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(node, diagnostics, DIAGNOSTIC_NEW_RULE, mend, format, arguments);
    va_end(arguments);
}

void yaml_warning(const struct yaml_node *node, struct diagnostics *diagnostics, const char *mend,
                  const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(node, diagnostics, DIAGNOSTIC_WARNING, mend, format, arguments);
    va_end(arguments);
}

/* "`window`", or "this" for an item of a sequence. */
static void name_of(const struct yaml_node *node, char out[80])
{
    if (node->key == NULL) {
        (void)snprintf(out, 80, "this");
    } else {
        (void)snprintf(out, 80, "`%.*s`",
                       (int)(node->key->text.size > 60 ? 60 : node->key->text.size),
                       (const char *)node->key->text.data);
    }
}

static bool wrong(const struct yaml_node *node, struct diagnostics *diagnostics, const char *want,
                  const char *mend)
{
    char name[80];
    name_of(node, name);
    yaml_error(node, diagnostics, mend, "%s must be %s", name, want);
    return false;
}

/* `sources:` with nothing behind it: as if the key were not there. */
static bool is_empty(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->text.size == 0 && !node->quoted;
}

bool yaml_is_mapping(const struct yaml_node *node, struct diagnostics *diagnostics)
{
    if (node == NULL || node->kind == YAML_MAPPING || is_empty(node)) {
        return node != NULL && node->kind == YAML_MAPPING;
    }
    return wrong(node, diagnostics, "a mapping",
                 "write it as {key: value} or indented lines `key: value`");
}

bool yaml_is_sequence(const struct yaml_node *node, struct diagnostics *diagnostics)
{
    if (node == NULL || node->kind == YAML_SEQUENCE || is_empty(node)) {
        return node != NULL && node->kind == YAML_SEQUENCE;
    }
    return wrong(node, diagnostics, "a list",
                 "write it as [a, b] or as lines that begin with `- `");
}

void yaml_refuse_unknown(const struct yaml_node *mapping, const char *const *known,
                         size_t known_count, struct diagnostics *diagnostics)
{
    if (mapping == NULL || mapping->kind != YAML_MAPPING) {
        return;
    }
    for (const struct yaml_node *value = mapping->first; value != NULL; value = value->next) {
        bool found = false;
        for (size_t i = 0; i < known_count && !found; i++) {
            found = slice_is(value->key->text, known[i]);
        }
        if (found) {
            continue;
        }
        char mend[DIAGNOSTIC_TEXT_SIZE];
        const char *near = diagnostic_nearest(value->key->text, known, known_count);
        if (near != NULL) {
            (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near);
        } else {
            size_t at = (size_t)snprintf(mend, sizeof(mend), "known here:");
            for (size_t i = 0; i < known_count && at < sizeof(mend) - 1; i++) {
                at += (size_t)snprintf(mend + at, sizeof(mend) - at, " %s", known[i]);
            }
        }
        diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, value->key->span, mend, "unknown key `%.*s`",
                        SLICE_ARG(value->key->text));
    }
}

bool yaml_text(const struct yaml_node *node, struct diagnostics *diagnostics,
               struct slice *out_text)
{
    if (node == NULL) {
        return false;
    }
    if (node->kind != YAML_SCALAR || (node->text.size == 0 && !node->quoted)) {
        return wrong(node, diagnostics, "text", NULL);
    }
    if (memchr(node->text.data, 0, node->text.size) != NULL) {
        return wrong(node, diagnostics, "text without a NUL", NULL);
    }
    *out_text = node->text;
    return true;
}

bool yaml_bool(const struct yaml_node *node, struct diagnostics *diagnostics, bool *out_value)
{
    if (node == NULL) {
        return false;
    }
    bool yes = slice_is(node->text, "true");
    if (node->kind != YAML_SCALAR || node->quoted || (!yes && !slice_is(node->text, "false"))) {
        return wrong(node, diagnostics, "true or false", "write true or false, without quotes");
    }
    *out_value = yes;
    return true;
}

bool yaml_integer(const struct yaml_node *node, struct diagnostics *diagnostics, int64_t min,
                  int64_t max, int64_t *out_value)
{
    if (node == NULL) {
        return false;
    }
    char want[80];
    (void)snprintf(want, sizeof(want), "a whole number, %lld to %lld", (long long)min,
                   (long long)max);
    char digits[32] = "", *end = digits;
    size_t size = 0;
    if (node->kind == YAML_SCALAR && !node->quoted && node->text.size > 0) {
        for (size_t i = 0; i < node->text.size && size < sizeof(digits) - 1; i++) {
            if (node->text.data[i] != '_') { /* 1_000_000 */
                digits[size++] = (char)node->text.data[i];
            }
        }
    }
    errno = 0;
    long long value = strtoll(digits, &end, 10);
    if (size == 0 || *end != '\0' || errno != 0 || digits[0] == ' ' || digits[0] == '+') {
        return wrong(node, diagnostics, want, NULL);
    }
    if (value < min || value > max) {
        return wrong(node, diagnostics, want, value < min ? "too small" : "too large");
    }
    *out_value = value;
    return true;
}

/* A plain decimal number at the start of `text`; bytes used, 0: none. */
static size_t parse_number(struct slice text, double *out_value)
{
    char digits[40];
    size_t size = 0;
    while (size < text.size && size < sizeof(digits) - 1 &&
           strchr("0123456789.-", text.data[size]) != NULL && text.data[size] != '\0') {
        digits[size] = (char)text.data[size];
        size++;
    }
    digits[size] = '\0';
    char *end = digits;
    double value = strtod(digits, &end);
    if (size == 0 || *end != '\0' || !isfinite(value)) {
        return 0;
    }
    *out_value = value;
    return size;
}

bool yaml_number(const struct yaml_node *node, struct diagnostics *diagnostics, double min,
                 double max, double *out_value)
{
    if (node == NULL) {
        return false;
    }
    char want[80];
    double value = 0;
    (void)snprintf(want, sizeof(want), "a number, %g to %g", min, max);
    if (node->kind != YAML_SCALAR || node->quoted || node->text.size == 0 ||
        parse_number(node->text, &value) != node->text.size || value < min || value > max) {
        return wrong(node, diagnostics, want, NULL);
    }
    *out_value = value;
    return true;
}

bool yaml_percent(const struct yaml_node *node, struct diagnostics *diagnostics,
                  uint32_t *out_per_10000)
{
    if (node == NULL) {
        return false;
    }
    double value = 0;
    size_t used = node->kind == YAML_SCALAR ? parse_number(node->text, &value) : 0;
    double parts = value * 100;
    if (used == 0 || used + 1 != node->text.size || node->text.data[used] != '%' || parts < 0 ||
        parts > 10000 || fabs(parts - nearbyint(parts)) > 1e-9) {
        return wrong(node, diagnostics, "a share", "write it as 5% or 0.25%; steps of 0.01%");
    }
    *out_per_10000 = (uint32_t)nearbyint(parts);
    return true;
}

bool yaml_size(const struct yaml_node *node, struct diagnostics *diagnostics, uint64_t *out_size)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1}, {"B", 1}, {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}};
    if (node == NULL) {
        return false;
    }
    double value = 0;
    size_t used = node->kind == YAML_SCALAR ? parse_number(node->text, &value) : 0;
    struct slice unit =
        slice_of(node->text.data == NULL ? NULL : node->text.data + used, node->text.size - used);
    bool number = used > 0 && unit.data != NULL;
    for (size_t i = 0; number && i < sizeof(units) / sizeof(units[0]); i++) {
        double size = value * units[i].factor;
        if (slice_is(unit, units[i].name) && size >= 0 && size < 1e15) {
            *out_size = (uint64_t)size;
            return true;
        }
    }
    return wrong(node, diagnostics, "a size", "write it as 4096, 512KiB, 64MiB or 2GiB");
}

bool yaml_time(const struct yaml_node *node, struct diagnostics *diagnostics, int64_t *out_ms)
{
    int32_t day;
    if (node == NULL) {
        return false;
    }
    if (node->kind == YAML_SCALAR && civil_parse_date(node->text, &day)) {
        *out_ms = day * MS_PER_DAY;
        return true;
    }
    if (node->kind == YAML_SCALAR && civil_parse_time(node->text, out_ms)) {
        return true;
    }
    return wrong(node, diagnostics, "a moment", "write it as 2026-11-25 or 2026-11-25T10:00:00Z");
}

bool yaml_word(const struct yaml_node *node, struct diagnostics *diagnostics,
               const char *const *words, size_t count, uint32_t *out_index)
{
    if (node == NULL) {
        return false;
    }
    for (size_t i = 0; i < count && node->kind == YAML_SCALAR; i++) {
        if (slice_is(node->text, words[i])) {
            *out_index = (uint32_t)i;
            return true;
        }
    }
    char want[DIAGNOSTIC_TEXT_SIZE], mend[DIAGNOSTIC_TEXT_SIZE];
    size_t at = (size_t)snprintf(want, sizeof(want), "one of");
    for (size_t i = 0; i < count && at < sizeof(want) - 1; i++) {
        at += (size_t)snprintf(want + at, sizeof(want) - at, " %s", words[i]);
    }
    const char *near =
        node->kind == YAML_SCALAR ? diagnostic_nearest(node->text, words, count) : NULL;
    (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near == NULL ? "" : near);
    return wrong(node, diagnostics, want, near == NULL ? NULL : mend);
}

bool yaml_code(const struct yaml_node *node, struct diagnostics *diagnostics,
               const struct codes *codes, uint8_t *out_code)
{
    uint32_t index;
    if (!yaml_word(node, diagnostics, codes->names, codes->count, &index)) {
        return false;
    }
    *out_code = (uint8_t)index;
    return true;
}
