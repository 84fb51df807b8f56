/* SPDX-License-Identifier: Apache-2.0 */
/* The naive model of features: keep every event, recount everything. Slow, obvious, shares nothing with
 * processor/features but the definitions and base/zone. */
#ifndef PROPERTY_FEATURES_MODEL_H
#define PROPERTY_FEATURES_MODEL_H

#include "features/features.h"
#include "support/rules_double.h"

enum { MODEL_EVENTS_MAX = 4096, MODEL_TEXT_SIZE = 16 };

struct model_event {
    struct event event;
    char id[MODEL_TEXT_SIZE], reverses[MODEL_TEXT_SIZE], text[MODEL_TEXT_SIZE];
    bool gone; /* its effect does not (or no longer) count */
    bool late;
};

struct model {
    struct model_event *events; /* in order of arrival */
    uint32_t count;
    int32_t latest_day;
    int32_t zone;
    const struct zones *zones;
};

/* Take an arrival in; says what features_event should. `late_after` as in the options. */
enum features_result model_take(struct model *model, const struct model_event *event,
                                int32_t late_after);

/* The event is of those that the definition takes, whether it is still there or not; it has the value. */
bool model_fits(const struct feature_def *def, const struct cel_program *where,
                const struct model_event *e);
bool model_has_value(const struct feature_def *def, const struct event *event);

/* Is what is taken back subtracted from tiles, so that nothing else of what is kept has a part in it? */
bool model_is_counted(const struct feature_def *def);

/* How far a value may be above the recount after events were taken back, by what features/README.md promises of its
 * kind (0: it is the recount); -1: its promise does not reach here. Remembered is what is younger than lateness_ms
 * before the newest. Operands have been asked into `slacks` already. */
int64_t model_slack(const struct model *model, const struct feature_def *defs, uint32_t index,
                    int64_t now_ms, int64_t lateness_ms, const int64_t *slacks);

/* Recount one feature; operands have been counted into `values` already. */
struct feature_value model_value(const struct model *model, const struct feature_def *defs,
                                 uint32_t index, int64_t now_ms,
                                 const struct feature_value *values);

#endif
