/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a tree in which every node knows its place in the file, and typed getters that say what
 * is wrong there and how to mend it.
 *
 * Read from libyaml's events. Refused, because in a file that people review they hide what is
 * meant: duplicate keys, anchors and aliases, tags, several documents, keys that are no plain text.
 *
 * A scalar keeps where each of its bytes came from, so that an error inside an expression points at
 * the right column through quotes, escapes and folded lines:
 *
 *     when: 'c.country == ''GB'' && f.mises > 2'       text  c.country == 'GB' && f.mises > 2
 *                                   ^ column 36                                  ^ byte 21
 */
#ifndef TEXT_YAML_H
#define TEXT_YAML_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/slice.h"
#include "model/codes.h"

enum {
    YAML_FILE_SIZE_MAX = 1 << 20, /* bytes of one file */
    YAML_DEPTH_MAX = 32,
    YAML_NODES_MAX = 100000, /* of one file */
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
    enum yaml_kind kind;
    bool quoted;                   /* '...' or "..." : never a number, a boolean or null */
    uint32_t count;                /* items or entries */
    const struct yaml_node *key;   /* in a mapping: the key's own node; else NULL */
    const struct yaml_node *first; /* items, or values of a mapping, in the file's order */
    const struct yaml_node *next;  /* the next item or value */
    struct slice text;             /* YAML_SCALAR: decoded, NUL-terminated */
    struct source_span span;       /* of the node; a collection's first line only */
    uint32_t content_at;           /* YAML_SCALAR: byte in the file of its first decoded byte */
    const uint32_t *map; /* per decoded byte (and one past): byte in the file; NULL: one to one */
};

/* Read the file's tree into `arena`. NULL root with true: an empty file. False: at least one error
 * was added (syntax errors have both places that libyaml knows). `file` outlives the tree and the
 * diagnostics. */
MUST_USE bool yaml_parse(const struct source_file *file, struct arena *arena,
                         struct diagnostics *diagnostics, const struct yaml_node **out_root);

/* The value of a key; NULL when `mapping` is NULL, no mapping, or has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

/* Line and column of the decoded byte `offset` of a scalar; `length` is the caret's. */
struct source_span yaml_locate(const struct yaml_node *scalar, size_t offset, uint32_t length);

/* Move the errors that a compiler added since `first`, with places counted in the scalar's decoded
 * text (line 1, column 1 = its first byte), to their places in the file. */
void yaml_relocate(const struct yaml_node *scalar, struct diagnostics *diagnostics, uint32_t first);

/* An error at the node. `mend` may be NULL. */
void yaml_error(const struct yaml_node *node, struct diagnostics *diagnostics, const char *mend,
                const char *format, ...) PRINTF_LIKE(4, 5);
/* An error, but a warning in what runs already (diagnostics->applied). */
void yaml_new_rule(const struct yaml_node *node, struct diagnostics *diagnostics, const char *mend,
                   const char *format, ...) PRINTF_LIKE(4, 5);
void yaml_warning(const struct yaml_node *node, struct diagnostics *diagnostics, const char *mend,
                  const char *format, ...) PRINTF_LIKE(4, 5);

/* Is it a mapping (sequence)? Adds an error when it is something else. NULL, or nothing behind the
 * key: false, no error. */
bool yaml_is_mapping(const struct yaml_node *node, struct diagnostics *diagnostics);
bool yaml_is_sequence(const struct yaml_node *node, struct diagnostics *diagnostics);

/* An error for each key of `mapping` that is not in `known`, with the nearest one. */
void yaml_refuse_unknown(const struct yaml_node *mapping, const char *const *known,
                         size_t known_count, struct diagnostics *diagnostics);

/* Typed getters. NULL node: false, no error, output untouched (the caller's default stands). A node
 * of the wrong form: false, one error with the mend, output untouched. */
bool yaml_text(const struct yaml_node *node, struct diagnostics *diagnostics,
               struct slice *out_text);
bool yaml_bool(const struct yaml_node *node, struct diagnostics *diagnostics, bool *out_value);
bool yaml_integer(const struct yaml_node *node, struct diagnostics *diagnostics, int64_t min,
                  int64_t max, int64_t *out_value);
bool yaml_number(const struct yaml_node *node, struct diagnostics *diagnostics, double min,
                 double max, double *out_value);
/* "5%" -> 500 of 10,000; "0.5%" -> 50. */
bool yaml_percent(const struct yaml_node *node, struct diagnostics *diagnostics,
                  uint32_t *out_per_10000);
/* "64MiB", "512KiB", "1GiB", "4096". */
bool yaml_size(const struct yaml_node *node, struct diagnostics *diagnostics, uint64_t *out_size);
/* "2026-11-25T10:00:00Z" or "2026-11-25" (midnight UTC). */
bool yaml_time(const struct yaml_node *node, struct diagnostics *diagnostics, int64_t *out_ms);
/* The position in a code list. */
bool yaml_code(const struct yaml_node *node, struct diagnostics *diagnostics,
               const struct codes *codes, uint8_t *out_code);
/* One of `words`: its position. */
bool yaml_word(const struct yaml_node *node, struct diagnostics *diagnostics,
               const char *const *words, size_t count, uint32_t *out_index);

/* A literal duration: a whole number and its unit, parts in falling order: 90d, 15m, 1h30m, 500ms,
 * 13mo. */
struct duration {
    int64_t ms;      /* everything but months; a day is 24 h */
    int32_t months;  /* calendar months: "13mo"; a year "1y" is 12 */
    bool whole_days; /* written in days, weeks or months: windows are then calendar days */
};
bool duration_parse(struct slice text, struct duration *out_duration);
bool yaml_duration(const struct yaml_node *node, struct diagnostics *diagnostics,
                   struct duration *out_duration);
/* As above where months make no sense: a month counts as 30 days, a year as 365. At least `min_ms`.
 */
bool yaml_duration_ms(const struct yaml_node *node, struct diagnostics *diagnostics, int64_t min_ms,
                      int64_t max_ms, int64_t *out_ms);

#endif
