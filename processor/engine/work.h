/* SPDX-License-Identifier: Apache-2.0 */
/* The working memory of one evaluation. Private to engine/. */
#ifndef ENGINE_WORK_H
#define ENGINE_WORK_H

#include "engine/layout.h"

enum { SCRATCH_SIZE = 65536 }; /* bytes for strings made by rules of one stage */

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
    struct feature_value values[RULES_FEATURES_MAX];
    uint8_t scratch_block[SCRATCH_SIZE];
};

/* Everything but the moment. `work` need not be zeroed. */
void work_begin(struct work *work, const struct engine *engine, void *task, struct customer *customer,
                struct effects *effects);

/* Features and series at scope.now_ms into scope.features. */
void work_read_features(struct work *work);

/* What the stages before offers say, without evaluating them: as they stand. `out_in`: SEGMENTS_MAX bits. */
struct offers_facts work_facts(const struct work *work, uint64_t *out_in);

#endif
