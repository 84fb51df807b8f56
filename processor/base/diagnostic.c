/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diagnostic.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "base/show.h"

void diagnostics_init(struct diagnostics *diagnostics, struct diagnostic *list)
{
    *diagnostics = (struct diagnostics){.list = list};
}

void diagnostics_add(struct diagnostics *diagnostics, enum diagnostic_level level,
                     struct source_span span, const char *mend, const char *format, ...)
{
    if (level == DIAGNOSTIC_NEW_RULE) {
        level = diagnostics->applied ? DIAGNOSTIC_WARNING : DIAGNOSTIC_ERROR;
    }
    if (level == DIAGNOSTIC_ERROR) {
        diagnostics->error_count++;
    }
    if (diagnostics->count == DIAGNOSTICS_MAX) {
        diagnostics->dropped++;
        return;
    }
    struct diagnostic *diagnostic = &diagnostics->list[diagnostics->count++];
    *diagnostic = (struct diagnostic){.level = level, .span = span};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(diagnostic->text, sizeof(diagnostic->text), format, arguments);
    va_end(arguments);
    if (mend != NULL) {
        (void)snprintf(diagnostic->mend, sizeof(diagnostic->mend), "%s", mend);
    }
}

static struct slice line_of(const struct source_file *file, uint32_t line)
{
    const uint8_t *at = file->text.data;
    const uint8_t *end = at + file->text.size;
    for (uint32_t i = 1; i < line && at < end; i++) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline == NULL ? end : newline + 1;
    }
    const uint8_t *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    return slice_of(at, (size_t)((stop == NULL ? end : stop) - at));
}

/* The end of the name at `at` if it names a secret, else 0. `password_file` says where one lies. */
static size_t secret_name_end(struct slice line, size_t at)
{
    static const char *const words[] = {"password", "passwd", "secret", "token", "key.pem"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t end = at + strlen(words[i]);
        if (end > line.size || strncasecmp((const char *)line.data + at, words[i], end - at) != 0) {
            continue;
        }
        while (end < line.size && (isalnum(line.data[end]) || strchr("_.-", line.data[end]))) {
            end++;
        }
        return end - at > 5 && memcmp(line.data + end - 5, "_file", 5) == 0 ? 0 : end;
    }
    return 0;
}

/* The end of `://` at `at` if credentials follow, `user:password@`, else 0. */
static size_t credentials_begin(struct slice line, size_t at)
{
    if (at + 3 > line.size || memcmp(line.data + at, "://", 3) != 0) {
        return 0;
    }
    for (size_t i = at + 3; i < line.size && !isspace(line.data[i]); i++) {
        if (line.data[i] == '@') {
            return at + 3;
        }
    }
    return 0;
}

/* Diagnostics end in logs and tickets; whoever wrote a password where none may stand is told so by its name. */
static struct slice before_secret(struct slice line)
{
    for (size_t i = 0; i < line.size; i++) {
        size_t end = secret_name_end(line, i);
        end = end == 0 ? credentials_begin(line, i) : end;
        if (end > 0) {
            return slice_of(line.data, end);
        }
    }
    return line;
}

static void print_line(const struct diagnostic *d, FILE *out, const char *paint, const char *plain)
{
    struct slice whole = line_of(d->span.file, d->span.line);
    struct slice line = d->span.file->may_have_secrets ? before_secret(whole) : whole;
    int width = snprintf(NULL, 0, "%u", d->span.line);
    (void)fprintf(out, "%*s |\n%u | ", width, "", d->span.line);
    show_text(line, out);
    (void)fprintf(out, "%s\n%*s | ", line.size < whole.size ? " ..." : "", width, "");
    for (uint32_t i = 1; i < d->span.column && i <= line.size; i++) {
        (void)fputc(line.data[i - 1] == '\t' ? '\t' : ' ', out);
    }
    (void)fputs(paint, out);
    for (uint32_t i = 0; i < (d->span.length == 0 ? 1 : d->span.length); i++) {
        (void)fputc('^', out);
    }
    (void)fprintf(out, "%s%s%s\n", d->mend[0] == '\0' ? "" : " ", d->mend, plain);
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool color)
{
    for (uint32_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = &diagnostics->list[i];
        bool error = d->level == DIAGNOSTIC_ERROR;
        const char *paint = color ? (error ? "\033[31m" : "\033[33m") : "";
        const char *plain = color ? "\033[0m" : "";
        (void)fprintf(out, "%s%s%s: ", paint, error ? "error" : "warning", plain);
        show_text(slice_text(d->text), out);
        (void)fputc('\n', out);
        if (d->span.file != NULL) {
            (void)fprintf(out, "  --> %s:%u:%u\n", d->span.file->path, d->span.line,
                          d->span.column);
            if (d->span.line > 0) {
                print_line(d, out, paint, plain);
            }
        } else if (d->mend[0] != '\0') {
            (void)fprintf(out, "  %s\n", d->mend);
        }
    }
    uint32_t all = diagnostics->count + diagnostics->dropped;
    if (all > 0) {
        uint32_t errors = diagnostics->error_count;
        (void)fprintf(out, "%u error%s, %u warning%s\n", errors, errors == 1 ? "" : "s",
                      all - errors, all - errors == 1 ? "" : "s");
    }
}

void diagnostics_print_json(const struct diagnostics *diagnostics, FILE *out)
{
    (void)fputc('[', out);
    for (uint32_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *d = &diagnostics->list[i];
        (void)fprintf(out, "%s{\"level\":\"%s\",\"file\":", i == 0 ? "" : ",",
                      d->level == DIAGNOSTIC_ERROR ? "error" : "warning");
        show_json(slice_text(d->span.file == NULL ? "" : d->span.file->path), out);
        (void)fprintf(out, ",\"line\":%u,\"column\":%u,\"length\":%u,\"message\":", d->span.line,
                      d->span.column, d->span.length);
        show_json(slice_text(d->text), out);
        (void)fputs(",\"mend\":", out);
        show_json(slice_text(d->mend), out);
        (void)fputc('}', out);
    }
    (void)fputs("]\n", out);
}

enum { NEAREST_WORD_MAX = 64 };

/* Levenshtein's distance by two rows. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[NEAREST_WORD_MAX + 1];
    for (size_t j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t best = diagonal + (a.data[i - 1] != b.data[j - 1]);
            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            row[j] = best;
        }
    }
    return row[b.size];
}

/* Two neighbours that changed places are one slip of the hand. */
static bool is_swap(struct slice a, struct slice b)
{
    size_t at = 0;
    while (at < a.size && at < b.size && a.data[at] == b.data[at]) {
        at++;
    }
    return a.size == b.size && at + 1 < a.size && a.data[at] == b.data[at + 1] &&
           a.data[at + 1] == b.data[at] &&
           memcmp(a.data + at + 2, b.data + at + 2, a.size - at - 2) == 0;
}

/* `tx.amount` of `tx.amount_minor`: the beginning was remembered. */
static bool is_beginning(struct slice word, struct slice candidate)
{
    return word.size >= 3 && candidate.size > word.size &&
           (candidate.data[word.size] == '_' || candidate.data[word.size] == '.') &&
           memcmp(word.data, candidate.data, word.size) == 0;
}

const char *diagnostic_nearest(struct slice word, const char *const *candidates, size_t count)
{
    const char *best = NULL, *beginning = NULL;
    size_t best_distance = word.size / 3 < 2 ? word.size / 3 + 1 : 3;
    if (word.size > NEAREST_WORD_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct slice candidate = slice_text(candidates[i]);
        if (candidate.size > NEAREST_WORD_MAX) {
            continue;
        }
        size_t d = is_swap(word, candidate) ? 1 : distance(word, candidate);
        if (d < best_distance) {
            best_distance = d;
            best = candidates[i];
        }
        beginning = beginning == NULL && is_beginning(word, candidate) ? candidates[i] : beginning;
    }
    return best != NULL ? best : beginning;
}

bool source_file_read(struct source_file *file, const char *path, struct arena *arena,
                      size_t size_max, char out_error[DIAGNOSTIC_TEXT_SIZE])
{
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        (void)snprintf(out_error, DIAGNOSTIC_TEXT_SIZE, "cannot read %s: %s", path,
                       strerror(errno));
        return false;
    }
    bool good = false;
    size_t before = arena->used;
    uint8_t *text = arena_take(arena, size_max + 1);
    if (text == NULL) {
        (void)snprintf(out_error, DIAGNOSTIC_TEXT_SIZE, "%s: no room left for its text", path);
    } else {
        size_t size = fread(text, 1, size_max + 1, in);
        if (ferror(in) != 0) {
            (void)snprintf(out_error, DIAGNOSTIC_TEXT_SIZE, "cannot read %s: %s", path,
                           strerror(errno));
        } else if (size > size_max) {
            (void)snprintf(out_error, DIAGNOSTIC_TEXT_SIZE, "%s is larger than %zu bytes", path,
                           size_max);
        } else {
            file->text = slice_of(text, size);
            (void)snprintf(file->path, sizeof(file->path), "%s", path);
            arena->used =
                (size_t)(text - arena->block) + size + 1; /* give back what was not needed */
            text[size] = '\0';
            good = true;
        }
    }
    if (!good) {
        arena->used = before;
    }
    (void)fclose(in);
    return good;
}
