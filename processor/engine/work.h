/* SPDX-License-Identifier: Apache-2.0 */
/* The working memory of one evaluation. Private to engine/. */
#ifndef ENGINE_WORK_H
#define ENGINE_WORK_H

#include "engine/layout.h"

enum {
    SCRATCH_SIZE = 65536, /* bytes for strings made by rules of one definition */
    WORK_ROWS_MAX = RULES_FEATURES_MAX + READS_COUNT,
};
_Static_assert(SERIES_DEFS_MAX <= 32, "a bit each");

struct work {
    const struct engine *engine;
    void *task;
    struct customer *customer;
    struct effects *effects;
    int64_t task_now_ms;
    struct scope scope;
    struct step step;
    struct arena scratch;
    struct slice life_names[LIFE_DEFS_MAX];
    struct slice segment_names[SEGMENTS_MAX];
    struct features_moment moment;    /* of the values below */
    struct features_outcome outcome;  /* of the event, in the features */
    uint64_t touched[FEATURES_WORDS]; /* features that the event or time may have moved */
    uint32_t series_touched;          /* a bit each */
    bool keeps_series;                /* what is kept of their values is of this moment */
    uint16_t rows[WORK_ROWS_MAX];     /* of what has changed (engine->reads) */
    uint32_t row_count;
    uint8_t restless;         /* scope.restless */
    bool passed_over;         /* the event is not evaluated */
    bool indexed;             /* `found` is about the event of this moment */
    struct rules_found found; /* which of its source's conditions may hold */
    struct recall life_recall, segments_recall;
    uint64_t looked[1 + SEGMENTS_MAX / 64];  /* their `looked` */
    uint64_t ready[RULES_FEATURES_MAX / 64]; /* which values stand */
    struct feature_value values[RULES_FEATURES_MAX];
    uint8_t scratch_block[SCRATCH_SIZE];
};

/* Everything but the moment. `work` need not be zeroed. */
void work_begin(struct work *work, const struct engine *engine, void *task,
                struct customer *customer, struct effects *effects);

/* work->moment is set. From now on scope_feature() gives features and series as they stand at scope.now_ms.
 * Again after the customer's features or the moment have changed. */
void work_read_features(struct work *work);

/* What is kept of the values of these series is no longer so. */
void work_forget_series(struct work *work, uint32_t touched);

/* The same of one series, of which what is still asked is read again. A bit for each field that may say something
 * else than before. */
uint32_t work_renew_series(struct work *work, uint32_t number);

/* What the stages before offers say, without evaluating them: as they stand. `out_in`: SEGMENTS_MAX bits. */
struct offers_facts work_facts(const struct work *work, uint64_t *out_in);

#endif
