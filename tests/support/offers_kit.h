/* SPDX-License-Identifier: Apache-2.0 */
/* The offers stage alone: offers that a login triggers, and a customer who may be told of them. For the
 * tests of offers/ only: one file includes it and owns what is in it. */
#ifndef SUPPORT_OFFERS_KIT_H
#define SUPPORT_OFFERS_KIT_H

#include "model/fields.h"
#include "offers/offers.h"
#include "support/stage_kit.h"

enum { HOUR_MS = 3600000 };

static struct stage stage;
static struct offer_def defs[3];
static struct offers offers;
static struct offers_state state;
static struct offer_history histories[3];
static struct offers_task *task;
static uint64_t in[SEGMENTS_MAX / 64], entered[SEGMENTS_MAX / 64];
static struct offers_facts facts;
static struct slice login;

static inline void setup(void)
{
    stage_open(&stage);
    login = slice_text("login");
    defs[0] = (struct offer_def){.id = slice_text("one"),
                                 .hash = 1,
                                 .purpose = PURPOSE_MARKETING,
                                 .channels = 1U << CHANNEL_PUSH | 1U << CHANNEL_EMAIL,
                                 .value_minor = 2000,
                                 .priority = 1,
                                 .on_app = &login,
                                 .on_app_count = 1,
                                 .valid_from_ms = INT64_MIN,
                                 .valid_until_ms = INT64_MAX,
                                 .eligible = kit_condition(&stage.kit, "eligible", "f.spend >= 10"),
                                 .suitable =
                                     kit_condition(&stage.kit, "suitable", "c.risk_profile >= 3")};
    defs[1] = defs[0];
    defs[1].id = slice_text("two");
    defs[1].hash = 2;
    defs[1].value_minor = 4000;
    defs[2] = defs[1];
    defs[2].id = slice_text("three");
    defs[2].hash = 3;
    offers =
        (struct offers){.defs = defs,
                        .count = 1,
                        .policy = {.top = 2, .quiet_from_minute = -1, .publish_no_offer = true}};
    /* tests change definitions as they go: anything may trigger each, but only noted ones are open */
    static const struct offers_triggers any = {UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                               SEGMENTS_MAX / 64};
    offers.triggers = &any;
    memset(&state, 0, sizeof(state));
    memset(histories, 0, sizeof(histories));
    memset(in, 0, sizeof(in));
    memset(entered, 0, sizeof(entered));
    facts = (struct offers_facts){.segments_in = in, .segments_entered = entered};
    task = calloc(1, sizeof(*task) + 4 * OFFER_ARMS_MAX * sizeof(struct offer_counts));
    stage_set(&stage, STAGE_SPEND, 50);
    struct profile *profile = &stage.customer.profile;
    profile->updated_at_ms = KIT_START_MS;
    profile->present = UINT64_MAX;
    profile->risk_profile = 4;
    profile->preferred_channel = CHANNEL_PUSH;
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].status = CONSENT_GRANTED;
    profile->consents[PURPOSE_MARKETING][CHANNEL_PUSH].basis = BASIS_CONSENT;
}

static inline void teardown(void)
{
    free(task);
    stage_close(&stage);
}

static inline const struct offer_decided *decide_at(int64_t now_ms)
{
    struct event event = kit_app(now_ms, "login");
    stage_at(&stage, 0, &event);
    stage.scope.now_ms = now_ms;
    stage.step.task_now_ms = stage.step.act_ms = now_ms;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    for (uint32_t i = 0; i < stage.kit.effects.count; i++) {
        if (stage.kit.effects.outputs[i].kind == OUTPUT_OFFER_DECIDED) {
            return &stage.kit.effects.outputs[i].offer_decided;
        }
    }
    return NULL;
}

static inline const struct offer_decided *decide(int64_t days)
{
    return decide_at(KIT_START_MS + days * KIT_DAY_MS);
}

/* The profile is silent about this field, and about no other. */
static inline void hide(const char *field)
{
    int32_t index = fields_find(SOURCE_CUSTOMER_PROFILES, slice_text(field));
    stage.customer.profile.present = ~(UINT64_C(1) << index);
}

static inline const struct offer_decided *said_by(const struct event *event)
{
    stage_at(&stage, (event->time_ms - KIT_START_MS) / KIT_DAY_MS, event);
    stage.scope.now_ms = stage.step.task_now_ms = stage.step.act_ms = event->time_ms;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    for (uint32_t i = 0; i < stage.kit.effects.count; i++) {
        if (stage.kit.effects.outputs[i].kind == OUTPUT_OFFER_DECIDED) {
            return &stage.kit.effects.outputs[i].offer_decided;
        }
    }
    return NULL;
}

/* The newest profile says what stage.customer holds; what is said of it. */
static inline const struct offer_decided *tell_profile(int64_t days)
{
    struct event event = {.source = SOURCE_CUSTOMER_PROFILES,
                          .time_ms = KIT_START_MS + days * KIT_DAY_MS};
    stage.customer.profile.updated_at_ms = event.time_ms;
    return said_by(&event);
}

static inline const struct offer_decided *tell_outcome(int64_t days, enum outcome kind)
{
    struct event event = kit_outcome(KIT_START_MS + days * KIT_DAY_MS, "one", kind);
    event.outcome.variant = slice_text("default");
    event.outcome.channel = CHANNEL_PUSH;
    event.present = UINT64_MAX;
    return said_by(&event);
}

enum { OFFER_TEXT_SIZE = 64 };

static inline void keep(char *out, struct slice text)
{
    (void)snprintf(out, OFFER_TEXT_SIZE, "%.*s", SLICE_ARG(text));
}

/* A deadline, with no event. */
static inline const struct offer_decided *advance_to(int64_t now_ms)
{
    stage_at(&stage, 0, NULL);
    stage.scope.now_ms = stage.step.task_now_ms = stage.step.act_ms = now_ms;
    offers_evaluate(&offers, &state, histories, task, &facts, &stage.step);
    return stage.kit.effects.count > 0 ? &stage.kit.effects.outputs[0].offer_decided : NULL;
}

static inline void expect_blocked(int64_t days, const char *reason)
{
    const struct offer_decided *said = decide(days);
    ck_assert_ptr_nonnull(said);
    ck_assert_uint_eq(said->offer_count, 0);
    ck_assert_msg(slice_is(said->no_offer_reason, reason), "%.*s",
                  SLICE_ARG(said->no_offer_reason));
}

#endif
