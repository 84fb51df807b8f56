/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/explain.h"

#include "engine/work.h"

enum status engine_values(const struct engine *engine, const struct customer *customer,
                          int64_t now_ms, struct arena *arena,
                          const struct feature_value **out_values)
{
    struct customer *copy = arena_take(arena, engine->customer_size);
    void *task = arena_take(arena, engine->task_size);
    struct work *work = arena_take(arena, sizeof(*work));
    if (copy == NULL || task == NULL || work == NULL) {
        return STATUS_FULL;
    }
    memcpy(copy, customer, engine->customer_size); /* reading moves cached totals */
    engine_task_init(engine, task, 0);
    work_begin(work, engine, task, copy, NULL);
    work->scope.now_ms = now_ms;
    work->moment =
        features_moment(engine->playbook->features, part(copy, engine->features), &work->scope);
    work_read_features(work);
    for (uint32_t i = 0; i < work->scope.feature_count; i++) {
        (void)scope_feature(&work->scope, i);
    }
    *out_values = work->values;
    return STATUS_OK;
}
