/* SPDX-License-Identifier: Apache-2.0 */
/* Where each stage's state stands inside a customer's and a task's block, and what else the engine derives
 * from a playbook once. Private to engine/. */
#ifndef ENGINE_LAYOUT_H
#define ENGINE_LAYOUT_H

#include "engine/engine.h"
#include "playbook/playbook.h"
#include "rules/index.h"

enum engine_view_kind { VIEW_FEATURE, VIEW_LIFE, VIEW_SEGMENT, VIEW_OFFER };

/* One field of the view. */
struct engine_view_field {
    struct slice name; /* "f.spend_30d", "life.windfall", "seg.high_value", "offer"; static */
    uint32_t index;    /* in its stage */
    uint32_t key;      /* 32 bits of the hash of the name, for the record */
    uint8_t kind;      /* enum engine_view_kind */
};

/* Names of the parts of a packed record: 32 bits of (kind, definition hash). */
struct engine_keys {
    uint32_t series[SERIES_DEFS_MAX];
    uint32_t life[LIFE_DEFS_MAX];
    uint32_t segments[SEGMENTS_MAX];
    uint32_t offers[OFFERS_MAX];
};

/* The rows of rules/recall.h: one per feature, then one per field of each series, then these. */
enum reads_input {
    READS_LIFE,
    READS_SEGMENTS,
    READS_DAY,
    READS_AGE,
    READS_EVENT,
    READS_ALWAYS,
    READS_FEEDBACK,
    READS_CLOCK,
    READS_COUNT
};

/* A condition by its number, or a leaf of it by the place behind that. */
struct read_condition {
    const struct condition *condition;
    /* bit in a row: whose definition is looked at when it turns; READS_NOBODY: the condition matters only when
     * an event comes that may meet it, and its definition is looked at then */
    uint16_t settled;
    uint8_t leaf;     /* READS_WHOLE: the condition */
    bool reads_names; /* `life`, `seg`: it can only be evaluated in its stage */
};
enum { READS_NOBODY = UINT16_MAX, READS_WHOLE = UINT8_MAX, READS_WIDTH_MAX = 1024 };

/* A signal that reads the event, by its number. */
struct read_signal {
    const struct condition *condition;
    uint8_t life;     /* whose it is */
    bool reads_names; /* `life`, `seg`: it can only be evaluated in its stage */
};

/* A word of a row that is not empty. */
struct read_word {
    uint64_t bits;
    uint32_t at;
};

/* Which conditions and definitions read what (reads.c). The definitions are copies in which conditions have
 * numbers. */
struct reads {
    struct life_events life;
    struct segments segments;
    struct offers offers; /* with their triggers, unless everything is looked at */
    struct offers_triggers offers_triggers;
    const struct read_condition *conditions;
    const uint16_t *twins;             /* recall.twins */
    const struct read_signal *signals; /* by number, from 0 */
    uint32_t signal_count;
    uint32_t width;    /* words of a row */
    uint32_t mixed_at; /* word at which leaves of mixed conditions stand in a row */
    uint32_t life_at;  /* .. the settled life events .. */
    uint32_t segments_at;
    uint32_t input_rows; /* the first of them */
    const uint64_t *rows;
    /* The words of row i that are not empty stand from row_ends[i - 1] (of the first: 0) to row_ends[i]. */
    const struct read_word *row_words;
    const uint16_t *row_ends;
    uint64_t asked_for[RULES_FEATURES_MAX /
                       64]; /* names of features that are read: the row is not empty */
    uint64_t life_vulnerable;
};

/* First in a customer's part `recall`; then `width` words, moments of life events, segments and series,
 * the features' dues and the values of series. Zeroed: nothing is known. */
struct recall_head {
    int64_t life_ms, segments_ms, series_ms; /* the least of each */
    int64_t watch_ms;                        /* the profile's names */
    int64_t clock_ms;                        /* conditions that read the clock */
    uint64_t life_in, life_open;
    uint64_t segments_in[SEGMENTS_MAX / 64];
    int32_t today;     /* of the last evaluation */
    int32_t age_until; /* the day on which the customer's age is another one */
    bool known;
};

/* Conditions over events of one source, in this order: of features, of series, of signals (event_index.c). */
struct event_index {
    const struct rules_index *rules; /* NULL: each condition is evaluated */
    uint32_t series_at, signals_at;
};

struct engine {
    const struct playbook *playbook;
    struct reads reads;
    struct event_index indexes[SOURCE_COUNT];
    const struct zones *zones;
    struct engine_options options;
    uint64_t layout_hash;
    /* offsets in a customer's block */
    size_t features, recall, series, life, segments, ledger, histories, view_hashes;
    /* offsets in the part `recall` */
    size_t recall_life, recall_segments, recall_series, recall_dues, recall_kept;
    size_t customer_size;
    /* offsets in a task's block */
    size_t sizes, segments_swept, offers_task;
    size_t task_size;
    uint32_t outputs_per_moment; /* most outputs of one evaluation */
    uint32_t view_count;
    struct engine_view_field view[ENGINE_VIEW_FIELDS_MAX];
    struct engine_keys keys;
};

/* The head of a task's block; segment sizes and the offers' part follow. */
struct task_head {
    uint64_t unknowns; /* predicates that could not be evaluated: a metric, not packed */
    uint64_t unsure[SOURCE_COUNT]; /* events that may have come before (features.h): as unknowns */
    uint32_t number;
    int64_t silent_from_ms[SOURCE_COUNT]; /* as scope's; not packed */
    int64_t act_ms, heard_ms;             /* of engine_task_acts; not packed */
    uint64_t swept_hash; /* the playbook under which every customer was evaluated at least once */
    uint64_t begun_hash; /* the one for which a sweep was begun */
};

/* From engine->playbook; memory_take'n. */
void reads_build(struct engine *engine);
static inline const uint64_t *reads_row(const struct reads *reads, uint32_t row)
{
    return reads->rows + (size_t)row * reads->width;
}

/* Every customer there is was evaluated under this playbook (layout.c). */
void sweep_is_done(const struct engine *engine, void *task);

static inline void *part(void *block, size_t offset)
{
    return (uint8_t *)block + offset;
}

static inline const void *part_of(const void *block, size_t offset)
{
    return (const uint8_t *)block + offset;
}

#endif
