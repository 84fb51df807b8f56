/* SPDX-License-Identifier: Apache-2.0 */
/* Values of features and series for rules, when they are asked for. */
#include <string.h>

#include "engine/work.h"

static struct series_kept *kept_of(const struct work *work)
{
    return part(part(work->customer, work->engine->recall), work->engine->recall_kept);
}

static void value_stands(struct work *work, uint32_t index)
{
    work->ready[index / 64] |= UINT64_C(1) << index % 64;
}

/* All of a series, or all but what is costly. Returns which fields are not as they were kept. */
static uint32_t read_series(struct work *work, uint32_t number, bool costly)
{
    const struct series_def *def = &work->engine->playbook->series[number];
    const struct series_state *states = part_of(work->customer, work->engine->series);
    struct feature_value *values = work->values + def->first_feature;
    series_values(def, &states[number], work->engine->zones, work->customer->profile.zone,
                  scope_judged_until(&work->scope, SOURCE_TRANSACTIONS), costly, values);
    for (uint32_t i = 0; i < SERIES_FIELD_COUNT; i++) {
        if (costly || !series_is_costly(i)) {
            value_stands(work, def->first_feature + i);
        }
    }
    return work->keeps_series ? series_keep(&kept_of(work)[number], values, costly) : UINT32_MAX;
}

/* scope.read_feature: a rule asks for this one. */
static void read_feature(void *reader, uint32_t index)
{
    struct work *work = reader;
    const struct engine *engine = work->engine;
    const struct playbook *playbook = engine->playbook;
    if (index < playbook->feature_count) {
        void *features = part(work->customer, engine->features);
        work->values[index] = features_value(playbook->features, features, index, &work->moment);
        value_stands(work, index);
        return;
    }
    uint32_t number = (index - playbook->series[0].first_feature) / SERIES_FIELD_COUNT;
    const struct series_def *def = &playbook->series[number];
    uint32_t field = index - def->first_feature;
    if (work->keeps_series && series_keeps(&kept_of(work)[number], field)) {
        work->values[index] = series_kept_value(&kept_of(work)[number], field);
        value_stands(work, index);
        return;
    }
    (void)read_series(work, number, series_is_costly(field)); /* with what stands with it */
}

void work_forget_series(struct work *work, uint32_t touched)
{
    uint32_t count = work->engine->playbook->series_count;
    struct series_kept *kept = kept_of(work);
    uint32_t rest = count < 32 ? touched & ((UINT32_C(1) << count) - 1) : touched;
    for (; rest != 0; rest &= rest - 1) {
        kept[__builtin_ctz(rest)].stands = 0;
    }
}

uint32_t work_renew_series(struct work *work, uint32_t number)
{
    const struct series_kept *kept = &kept_of(work)[number];
    bool costly = series_keeps(kept, SERIES_NEXT_FROM);
    return kept->stands == 0 ? UINT32_MAX : read_series(work, number, costly);
}

void work_read_features(struct work *work)
{
    work->scope.feature_count = work->engine->playbook->name_count;
    work->scope.features_ready = work->ready;
    work->scope.read_feature = read_feature;
    work->scope.reader = work;
    memset(work->ready, 0, (work->scope.feature_count + 63) / 64 * sizeof(work->ready[0]));
}
