/* SPDX-License-Identifier: Apache-2.0 */
/* Errors in files that people write: where (file, line, column), what, and the mend.
 *
 *   error: feature `spend_90d` has no field `mises`
 *     --> playbook/life/job.yaml:14:21
 *      |
 *   14 |     when: 'f.salary.mises >= 2'
 *      |                     ^^^^^ did you mean `misses`?
 */
#ifndef BASE_DIAGNOSTIC_H
#define BASE_DIAGNOSTIC_H

#include <stdio.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/slice.h"

enum { DIAGNOSTICS_MAX = 200, DIAGNOSTIC_TEXT_SIZE = 400 };

/* A file's text, read whole. Lives as long as the diagnostics that point into it. */
struct source_file {
    char path[512];
    struct slice text;     /* owned by whoever read it */
    bool may_have_secrets; /* of a line only what stands before the first secret is printed */
};

/* A range in a file. Lines and columns are 1-based; a column counts bytes. length 0: no caret. */
struct source_span {
    const struct source_file *file; /* NULL: the error is about no file */
    uint32_t line;
    uint32_t column;
    uint32_t length;
};

/* NEW_RULE is for diagnostics_add alone: a rule that came after playbooks were applied. An error, but a warning in
 * what runs already: an upgrade must not stop it. */
enum diagnostic_level { DIAGNOSTIC_ERROR, DIAGNOSTIC_WARNING, DIAGNOSTIC_NEW_RULE };

struct diagnostic {
    enum diagnostic_level level;
    struct source_span span;
    char text[DIAGNOSTIC_TEXT_SIZE]; /* what is wrong */
    char mend[DIAGNOSTIC_TEXT_SIZE]; /* what to write instead, or "" */
};

struct diagnostics {
    /* from memory_take or malloc'd by the owner; DIAGNOSTICS_MAX entries */
    struct diagnostic *list;
    uint32_t count;
    uint32_t error_count;
    uint32_t dropped; /* beyond DIAGNOSTICS_MAX */
    bool applied;     /* the files run already; set by the owner, after diagnostics_init */
};

/* `list` has room for DIAGNOSTICS_MAX entries and outlives `diagnostics`. */
void diagnostics_init(struct diagnostics *diagnostics, struct diagnostic *list);

/* Add one; text is cut at DIAGNOSTIC_TEXT_SIZE. `mend` may be NULL. */
void diagnostics_add(struct diagnostics *diagnostics, enum diagnostic_level level,
                     struct source_span span, const char *mend, const char *format, ...)
    PRINTF_LIKE(5, 6);

/* Print all with line and caret, then "2 errors, 1 warning". `color`: ANSI colours. */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool color);

/* As a JSON array of {level, file, line, column, length, message, mend}. */
void diagnostics_print_json(const struct diagnostics *diagnostics, FILE *out);

/* The candidate nearest to `word` (edit distance at most 2 and a third of its length, two neighbours that changed
 * places count one), else the first that goes on after it with _ or ., or NULL.
 * For "did you mean". */
const char *diagnostic_nearest(struct slice word, const char *const *candidates, size_t count);

/* Read a file of at most `size_max` bytes into `arena`. False with errno's text in `out_error`. */
bool source_file_read(struct source_file *file, const char *path, struct arena *arena,
                      size_t size_max, char out_error[DIAGNOSTIC_TEXT_SIZE]);

#endif
