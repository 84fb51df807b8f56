/* SPDX-License-Identifier: Apache-2.0 */
/* One stage alone: the names of engine_kit's playbook, with values that the test sets by hand. */
#ifndef SUPPORT_STAGE_KIT_H
#define SUPPORT_STAGE_KIT_H

#include "support/engine_kit.h"
#include "support/suite.h"

enum { STAGE_COUNT_TX, STAGE_SPEND, STAGE_LAST_ACTIVITY, STAGE_LOGINS, STAGE_FEATURES = 32 };

struct stage {
    struct kit kit;
    struct feature_value values[STAGE_FEATURES];
    struct scope scope;
    struct step step;
    struct arena scratch;
    struct customer customer;
    struct slice names[SEGMENTS_MAX];
    uint8_t scratch_block[65536];
};

static inline void stage_open(struct stage *stage)
{
    memset(stage, 0, sizeof(*stage));
    kit_open(&stage->kit);
    arena_init(&stage->scratch, stage->scratch_block, sizeof(stage->scratch_block));
    stage->customer.id[0] = 'x';
    stage->customer.id_size = 1;
    stage->customer.profile.updated_at_ms = INT64_MIN;
    stage->scope = (struct scope){.now_ms = KIT_START_MS,
                                  .customer = &stage->customer,
                                  .features = stage->values,
                                  .feature_count = stage->kit.playbook.name_count,
                                  .zones = stage->kit.zones};
    stage->step = (struct step){.scope = &stage->scope,
                                .effects = &stage->kit.effects,
                                .scratch = &stage->scratch,
                                .customer = &stage->customer,
                                .environment = stage->kit.playbook.environment,
                                .live = true,
                                .task_count = 1,
                                .origin = ORIGIN_LIVE,
                                .task_now_ms = KIT_START_MS};
}

static inline void stage_close(struct stage *stage)
{
    kit_close(&stage->kit);
}

/* Move to a moment `days` after the start; nothing was said yet. */
static inline void stage_at(struct stage *stage, int64_t days, const struct event *event)
{
    stage->scope.now_ms = KIT_START_MS + days * KIT_DAY_MS;
    stage->scope.event = event;
    stage->step.task_now_ms = stage->step.act_ms = stage->scope.now_ms;
    stage->kit.effects.count = 0;
    arena_reset(&stage->kit.effects.arena);
    arena_reset(&stage->scratch);
}

static inline void stage_set(struct stage *stage, uint32_t feature, int64_t value)
{
    stage->values[feature] =
        (struct feature_value){.type = feature == STAGE_LAST_ACTIVITY ? FEATURE_TIME : FEATURE_INT,
                               .present = true,
                               .i = value};
}

#endif
