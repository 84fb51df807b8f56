/* SPDX-License-Identifier: Apache-2.0 */
/* The playbook: files that people write -> definitions that the engine runs.
 *
 *   folder/ (all *.yaml below it, in order of path) or one file
 *     -> yaml trees -> names -> features -> life events -> segments -> offers -> hashes -> checks
 *
 * The files are one document in parts: a section may stand in several files, an id only once.
 * Everything is checked here, once: types of expressions, unknown names, cycles, consent and
 * sensitivity. What loads, runs.
 *
 * Hash of a definition: XXH3 over its canonical form (keys in the loader's order with defaults
 * filled in, durations in milliseconds, expressions without needless blanks) followed by the hashes
 * of all that it reads. Comments, the order of keys and of files and `version` do not change it;
 * what could change a decision does. */
#ifndef PLAYBOOK_PLAYBOOK_H
#define PLAYBOOK_PLAYBOOK_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/zone.h"
#include "features/features.h"
#include "features/series.h"
#include "life/life.h"
#include "offers/offers.h"
#include "rules/rules.h"
#include "segments/segments.h"

enum {
    PLAYBOOK_FILES_MAX = 256,
    PLAYBOOK_ARENA_SIZE = 64 << 20, /* bytes that are enough for any playbook within its limits */
    PLAYBOOK_TESTS_MAX = 4096,
};

enum playbook_kind {
    PLAYBOOK_FEATURE, /* index in `names`: features and the fields of series */
    PLAYBOOK_LIFE_EVENT,
    PLAYBOOK_SEGMENT,
    PLAYBOOK_OFFER,
};

/* Who reads whom: one edge per definition and thing read, for plans and blast radius. */
struct playbook_edge {
    uint8_t kind; /* enum playbook_kind of the reader */
    uint8_t reads_kind;
    uint32_t index; /* of the reader, by its kind */
    uint32_t reads;
};

/* `tests:` of a definition; see playbook/tests.h. */
struct playbook_test;

/* Immutable. Lives in the arena given to playbook_load. */
struct playbook {
    const char *path; /* as given */
    uint64_t hash;    /* of everything that can change a decision */
    /* ISO 4217; features sum this one unless they say otherwise. Default GBP */
    struct slice currency;
    struct slice zone_name; /* IANA; of customers whose profile names none. Default Europe/London */
    int32_t zone;
    int64_t stale_after_ms; /* absences wait while their source is silent for longer; 0: never.
                               Default 0 */

    const struct feature_def *feature_defs;
    uint32_t feature_count; /* f.* 0 .. feature_count - 1; then the fields of each series */
    const struct features_plan *features; /* over feature_defs */
    struct features_options feature_options;
    const struct series_def *series;
    uint32_t series_count;
    struct life_events life;
    struct segments segments;
    struct offers offers;

    /* f.NAME of every feature (series: one per field), index = scope.features index. */
    const struct rules_feature *names;
    uint32_t name_count;
    const struct cel_environment *environment; /* RULES_CUSTOMER, over `names` */
    struct rules_watch watch; /* what rules read of the profile that changes as time passes */

    const struct playbook_edge *edges;
    uint32_t edge_count;
    const struct playbook_test *tests;
    uint32_t test_count;
    const struct source_file *files;
    uint32_t file_count;
};

/* Load all of `path`. False: at least one error was added to `diagnostics`, `out_playbook`
 * untouched; warnings (a feature that nobody reads, ...) may be added either way. `zones` outlives
 * the playbook. */
MUST_USE bool playbook_load(const char *path, const struct zones *zones, struct arena *arena,
                            struct diagnostics *diagnostics, const struct playbook **out_playbook);

/* A file that is in memory. Both borrowed as long as the playbook. */
struct playbook_text {
    const char *path; /* in diagnostics */
    struct slice text;
};

/* The same from texts (segue.playbook); `name` stands for the whole. */
MUST_USE bool playbook_load_texts(const char *name, const struct playbook_text *texts,
                                  uint32_t count, const struct zones *zones, struct arena *arena,
                                  struct diagnostics *diagnostics,
                                  const struct playbook **out_playbook);

/* The same from one text, called `name` (tests, fuzzing). */
MUST_USE bool playbook_load_text(const char *name, struct slice text, const struct zones *zones,
                                 struct arena *arena, struct diagnostics *diagnostics,
                                 const struct playbook **out_playbook);

/* The index of the definition with that id (a feature: without `f.`, in `names`); -1: the playbook has none. */
int32_t playbook_find(const struct playbook *playbook, enum playbook_kind kind, struct slice id);

/* For "did you mean": of the definitions of some kinds, a bit (1 << enum playbook_kind) each, the one whose id is
 * nearest to `name` by diagnostic_nearest; NULL: none is. Lives as long as the playbook. */
const char *playbook_nearest(const struct playbook *playbook, struct slice name, uint32_t kinds);

#endif
