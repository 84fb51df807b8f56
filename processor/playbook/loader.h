/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of playbook/ share while one playbook is loaded. Inside playbook/ only.
 *
 * Definitions are sorted by id before they get their index, so that moving them about in the files
 * changes nothing; features that read features, and segments that read segments, come after what
 * they read. */
#ifndef PLAYBOOK_LOADER_H
#define PLAYBOOK_LOADER_H

#include "model/fields.h"
#include "playbook/keys.h"
#include "playbook/playbook.h"
#include "playbook/tests.h"
#include "text/yaml.h"

enum {
    CALENDARS_MAX = 16,
    CALENDAR_DAYS_MAX = 400, /* of holidays, and of working days, of one */
    SENSITIVE_CODES_MAX = 256,
    SENSITIVE_PAYEES_MAX = 1024,
};

/* Special-category data in what is read: of which category, and where it comes in. Empty category: none. */
struct taint {
    struct slice category; /* "health", ..; DATA_CATEGORY_SPECIAL when there are several */
    struct slice origin;   /* "tx.mcc 8011" */
};

struct sensitive_code {
    int32_t code;
    const char *category;
};

struct sensitive_payee {
    struct slice text;
    struct slice lower; /* in lower case, as tx.text is */
    const char *category;
};

/* Merchant codes and payees from which a special category can be inferred: the known and the playbook's. */
struct sensitive {
    struct sensitive_code *codes;
    struct sensitive_payee *payees;
    uint32_t code_count, payee_count;
    uint64_t hash; /* of the playbook's */
};

enum { EDGES_MAX = 16384, CANON_SIZE = 262144, SEGMENT_WORDS = SEGMENTS_MAX / 64 };

/* What a definition reads, by index (segments: in order of id until they are sorted). */
struct reads {
    uint64_t features[RULES_FEATURES_MAX / 64];
    uint64_t life;
    uint64_t segments[SEGMENT_WORDS];
    /* Of those, what taints: all but what is only asked in order to leave people alone. */
    uint64_t tainting_life;
    uint64_t tainting_segments[SEGMENT_WORDS];
    uint64_t turning_segments[SEGMENT_WORDS]; /* tainting ones, maybe read as "who is not in" */
    uint64_t guard_life;                      /* asked to leave people alone */
    uint64_t guard_segments[SEGMENT_WORDS];
    struct taint taint;       /* of the expressions themselves */
    struct taint guard_taint; /* of those that leave people alone */
    bool event;               /* reads the event itself */
};

/* One entry of a section. */
struct definition {
    const struct yaml_node *node;
    struct slice id;
    struct reads reads;
    uint64_t hash;
    struct taint taint;  /* its own or through what it reads */
    struct taint shadow; /* of those whom it leaves out: who is not in tells of them */
    bool is_read;        /* by anybody */
};

struct section {
    const char *key;  /* "life_events" */
    const char *what; /* "life event" */
    struct definition *list;
    uint32_t count;
    uint32_t max;
};

/* What each f.NAME is: a feature, or a field of a series. */
struct feature_facts {
    struct slice name;
    const struct yaml_node *node; /* its definition */
    uint64_t hash;
    uint32_t definition; /* index in sections[PLAYBOOK_FEATURE] */
    uint32_t def;        /* index in feature_defs or series */
    bool series;
    struct taint taint;
    bool is_read; /* by a rule, a feature or the view */
    bool armed;
    bool any_threshold; /* compared with something that is no constant, or with too many */
    int64_t thresholds[FEATURES_THRESHOLDS_MAX];
    uint32_t threshold_count;
};

struct loader {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const struct zones *zones;
    struct playbook *playbook;
    const struct yaml_node **roots;
    uint32_t root_count;
    struct section sections[PLAYBOOK_OFFER + 1]; /* by enum playbook_kind */
    const struct cel_environment *of_source[SOURCE_COUNT];
    struct feature_facts *facts; /* by f.* index */
    struct sensitive sensitive;
    const struct cel_calendar *calendars;
    const uint64_t *calendar_hashes;
    uint32_t calendar_count;
    int64_t data_kept_ms;        /* nothing may look further back; 0: no such rule */
    struct feature_facts tenure; /* of c.tenure_days: who compares it with what */
    struct playbook_edge *edges;
    struct playbook_test *tests;
    struct bytes_writer canon; /* canonical form of the definition being read */
    bool full;                 /* the arena ran out: said once */
};

/* Zeroed room; NULL once it is full (an error was added). */
void *loader_take(struct loader *loader, size_t size);

/* The definition's place in its section, by id; -1. */
int32_t loader_find(const struct loader *loader, enum playbook_kind kind, struct slice id);

/* An error at `node` for a name that is not defined, with the nearest that is. */
void loader_unknown(struct loader *loader, enum playbook_kind kind, const struct yaml_node *node,
                    struct slice id, struct source_span span);

/* ---- rules.c: expressions and what they read ---- */

enum expression_type { EXPRESSION_BOOL, EXPRESSION_NUMBER, EXPRESSION_VALUE };

/* Compile a scalar. NULL node: false and nothing happens. Errors are placed in the file; also a
 * wrong type. The text goes into the canonical form under `name`. */
bool loader_compile(struct loader *loader, const struct yaml_node *node, const char *name,
                    const struct cel_environment *environment, enum expression_type type,
                    const struct cel_program **out_program);

/* The same for rules over a customer: fills `out` and adds to `reads`. `reader`: enum
 * playbook_kind. */
bool loader_condition(struct loader *loader, const struct yaml_node *node, const char *name,
                      enum playbook_kind reader, enum expression_type type, struct condition *out,
                      struct reads *reads);

/* An error unless it is three capital letters, as events have it: `gbp` would be the currency of none. */
void loader_check_currency(struct loader *loader, const struct yaml_node *node, struct slice text,
                           const char *mend);

/* Does it read that field of the profile, c.FIELD? A condition without a program reads none. */
bool loader_reads_profile(const struct condition *condition, const char *field);

/* What an expression says when one name has a value and all others are `others` (absent, or an error). */
struct cel_value loader_probe(const struct cel_program *program, uint32_t slot,
                              struct cel_value value, struct cel_value others,
                              struct arena *scratch);

/* A rule whose truth must be noticed as time passes reads these: arm them, with the constants it
 * compares. */
void loader_arm(struct loader *loader, const struct condition *condition);

/* Note edges, marks "is read", taint and finish the hash of a definition from what it reads. */
void loader_finish(struct loader *loader, enum playbook_kind kind, uint32_t index);

/* How one expression reads. READ_GUARD only holds people back by life events, segments or vulnerability, and taints
 * nothing but the shadow; READ_STRAIGHT has the same form where people are let in. */
enum reading { READ_ANYHOW, READ_STRAIGHT, READ_GUARD };

/* Take in what one expression reads. */
void loader_merge_reads(struct reads *to, const struct reads *from, enum reading reading);

/* Is it nothing but `"ID" in life`, `"ID" in seg`, `"CODE" in c.vulnerability`, joined by ||? */
bool loader_is_plain(struct slice text);

/* ---- firewall.c: special-category data ---- */

bool taint_is(const struct taint *taint);
void taint_add(struct taint *to, const struct taint *from);
/* `sensitive:` of the playbook; NULL: none. */
void firewall_load(struct loader *loader, const struct yaml_node *node);
/* Does the expression (NULL: none) single out a listed code or payee, or read c.vulnerability? */
struct taint firewall_ask(struct loader *loader, const struct cel_program *program);
/* Of a feature whose expressions are compiled. */
struct taint firewall_feature(struct loader *loader, const struct feature_def *def);
/* What comes through a feature that another one reads. */
struct taint firewall_through(struct loader *loader, const struct feature_facts *facts);
/* Of who reads a segment's shadow: those whom it leaves out. */
struct taint firewall_turned(struct loader *loader, const struct definition *segment);
/* What holds of a feature: `sensitivity:` where it is said, else what was seen. */
struct taint firewall_judge(struct loader *loader, const struct yaml_node *node, struct taint seen);
/* What is tainted goes into the view only when the playbook itself names its class: a feature or series by
 * `sensitivity`, a life event or segment (once it is finished) by `data_category`. */
void firewall_publish(struct loader *loader, const struct yaml_node *node, bool publish,
                      const struct taint *taint);
void firewall_publish_named(struct loader *loader, enum playbook_kind kind, uint32_t index,
                            bool publish);
/* An error at the definition, with the path on which the data comes to it. */
void firewall_refuse(struct loader *loader, enum playbook_kind kind, uint32_t index,
                     const char *mend);

/* ---- canon.c: the canonical form ---- */
void canon_begin(struct loader *loader, const char *what);
void canon_text(struct loader *loader, const char *key, struct slice text);
void canon_expression(struct loader *loader, const char *key, struct slice text);
void canon_integer(struct loader *loader, const char *key, int64_t value);
void canon_number(struct loader *loader, const char *key, double value);
void canon_hash(struct loader *loader, const char *key, uint64_t hash);
uint64_t canon_end(struct loader *loader);
/* Blanks outside of quotes: none at the ends, one where two names would touch, else none. In the
 * arena. */
struct slice canon_squeeze(struct loader *loader, struct slice text);

/* ---- calendar_defs.c ---- */
void load_calendars(struct loader *loader, const struct yaml_node *node);
/* A hash of the calendars that an expression names; 0: none of the playbook's. `judged`: an error for each that is
 * not there. */
uint64_t calendars_use(struct loader *loader, const struct yaml_node *node, bool judged);
/* The text by which an expression is known: without needless blanks, with the calendars that it names. */
struct slice calendars_text(struct loader *loader, const struct yaml_node *node);

/* ---- feature_keys.c: a new rule broken (a warning in what is applied already) for .. ---- */

/* .. each key of a feature that says nothing to its kind. */
void feature_refuse_unheard(struct loader *loader, const struct yaml_node *node,
                            const struct feature_kind_info *kind);
/* .. a key that its kind cannot do without, and one that only a transaction has, of another source. `def` has its
 * kind and source. */
void feature_check_needs(struct loader *loader, const struct yaml_node *node,
                         const struct feature_def *def);

/* ---- one file per section ---- */
void load_features(struct loader *loader);     /* feature_defs.c: definitions and names */
void load_feature_plan(struct loader *loader); /* after all rules: thresholds, plan */
/* series_defs.c: the definition's fields become names from playbook->name_count on. */
void load_series(struct loader *loader, uint32_t definition, struct series_def *def);
/* The next f.NAME; NULL when there are too many. */
struct feature_facts *load_name(struct loader *loader, uint32_t definition, struct slice name,
                                enum feature_value_type type);
bool load_publish(struct loader *loader, const struct yaml_node *node);
void load_life(struct loader *loader);     /* life_defs.c */
void load_segments(struct loader *loader); /* segment_defs.c */
void load_offers(struct loader *loader);   /* offer_defs.c */
/* Ids of segments or life events -> indices in the arena, or bits; unknown ones are errors. */
uint32_t load_segment_ids(struct loader *loader, const struct yaml_node *node, const uint32_t **out,
                          struct reads *reads);
uint64_t load_life_ids(struct loader *loader, const struct yaml_node *node, struct reads *reads);
void load_contact_policy(struct loader *loader); /* policy_defs.c */
bool load_caps(struct loader *loader, const struct yaml_node *node, bool policy,
               const struct offer_cap **out, uint32_t *out_count);
void load_tests(struct loader *loader, enum playbook_kind kind, uint32_t index); /* test_defs.c */

/* A duration as a window has it: months of 30.44 days, together rounded up to whole days (13mo: 396), so that no
 * calendar month is cut. */
int64_t load_length_ms(const struct duration *duration);

/* An error when `node` says a time that is longer than data is kept. */
void load_kept(struct loader *loader, const struct yaml_node *node, int64_t length_ms);

/* `version:`, from 1. */
int32_t load_version(struct loader *loader, const struct yaml_node *node);

#endif
