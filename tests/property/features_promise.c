/* SPDX-License-Identifier: Apache-2.0 */
/* What features/README.md promises of each kind after events were taken back. */
#include "features_model.h"

#include "model/fields.h"

bool model_is_counted(const struct feature_def *def)
{
    switch ((int)def->kind) {
    case FEATURE_COUNT:
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
    case FEATURE_TREND:
    case FEATURE_DECAY:
        return def->unit != FEATURE_EVENTS;
    default:
        return false;
    }
}

static bool was_given(const struct feature_def *def, const struct cel_program *where,
                      const struct model_event *e)
{
    return e->event.tx.status != TX_REVERSED && model_fits(def, where, e) &&
           model_has_value(def, &e->event);
}

static int64_t remembered_from(const struct model *model, int64_t lateness_ms)
{
    int64_t newest_ms = INT64_MIN + lateness_ms;
    for (uint32_t i = 0; i < model->count; i++) {
        int64_t time_ms = model->events[i].event.time_ms;
        newest_ms = time_ms > newest_ms ? time_ms : newest_ms;
    }
    return newest_ms - lateness_ms;
}

/* Also kinds that only count texts share what is kept with those that say them. */
static bool takes_text(const struct feature_def *def)
{
    return features_kind(def->kind)->needs == FEATURE_NEEDS_VALUE &&
           def->value_field ==
               (uint32_t)fields_find(SOURCE_TRANSACTIONS, slice_text("merchant_country"));
}

/* A newer one that is gone came before: it may have been the only one left, which stays (features/README.md), and
 * then stands in front of this one. */
static bool is_behind(const struct model *model, const struct feature_def *def,
                      const struct cel_program *where, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        const struct model_event *e = &model->events[i];
        if (e->gone && e->event.time_ms >= model->events[index].event.time_ms &&
            was_given(def, where, e)) {
            return true;
        }
    }
    return false;
}

/* The newest `need` events of those that `where` matches are kept: nothing was pushed out or taken back, or so many
 * remembered ones stand. Of texts only a hash is remembered. */
static bool are_held(const struct model *model, const struct feature_def *def,
                     const struct cel_program *where, uint32_t need, int64_t from_ms)
{
    uint32_t given = 0;
    uint32_t gone = 0;
    uint32_t standing = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_event *e = &model->events[i];
        if (was_given(def, where, e)) {
            given++;
            gone += e->gone;
            standing += !e->gone && e->event.time_ms >= from_ms && !is_behind(model, def, where, i);
        }
    }
    return gone == 0 || given <= need || (!takes_text(def) && standing >= need);
}

/* Values of which only forgotten events stand, and whose remembered one was taken back. */
static int64_t distinct_slack(const struct model *model, const struct feature_def *def,
                              int64_t from_ms)
{
    const char *counted[8];
    int64_t slack = 0;
    for (uint32_t i = 0; i < model->count && def->unit != FEATURE_ALL; i++) {
        const struct model_event *e = &model->events[i];
        bool forgotten = false;
        bool remembered = !e->gone || !was_given(def, def->where, e);
        for (int64_t k = 0; k < slack; k++) {
            remembered = remembered || strcmp(counted[k], e->text) == 0;
        }
        for (uint32_t k = 0; k < model->count && !remembered; k++) {
            const struct model_event *other = &model->events[k];
            bool same = strcmp(other->text, e->text) == 0 && !other->gone &&
                        model_fits(def, def->where, other) &&
                        other->event.tx.status != TX_REVERSED &&
                        model_has_value(def, &other->event);
            remembered = same && other->event.time_ms >= from_ms &&
                         (k < i || other->event.time_ms >= e->event.time_ms);
            forgotten = forgotten || same;
        }
        if (!remembered && forgotten) {
            counted[slack++] = e->text;
        }
    }
    return slack;
}

int64_t model_slack(const struct model *model, const struct feature_def *defs, uint32_t index,
                    int64_t now_ms, int64_t lateness_ms, const int64_t *slacks)
{
    const struct feature_def *def = &defs[index];
    int64_t from_ms = remembered_from(model, lateness_ms);
    uint32_t need = def->unit == FEATURE_EVENTS ? def->length : 1;
    bool held = true;
    (void)now_ms;
    switch (def->kind) {
    case FEATURE_COUNT:
    case FEATURE_SUM:
    case FEATURE_AVG:
    case FEATURE_MIN:
    case FEATURE_MAX:
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
    case FEATURE_TREND:
    case FEATURE_DECAY:
        held = def->unit != FEATURE_EVENTS || are_held(model, def, def->where, need, from_ms);
        break;
    case FEATURE_DAYS_SINCE_FIRST:
        break;
    case FEATURE_FIRST:
        held = !takes_text(def) || are_held(model, def, def->where, need, from_ms);
        break;
    case FEATURE_LAST:
    case FEATURE_NTH:
    case FEATURE_TIME_SINCE:
    case FEATURE_DAYS_SINCE:
    case FEATURE_TOP:
    case FEATURE_TOP_COUNT:
    case FEATURE_QUANTILE:
    case FEATURE_MAD:
    case FEATURE_SESSIONS:
        held = are_held(model, def, def->where, need, from_ms);
        break;
    case FEATURE_SEQUENCE:
    case FEATURE_ABSENCE:
        held = are_held(model, def, def->where, FEATURES_PAIRS_MAX, from_ms) &&
               (def->then == NULL || are_held(model, def, def->then, FEATURES_PAIRS_MAX, from_ms));
        break;
    case FEATURE_DISTINCT:
        if (def->unit != FEATURE_EVENTS) {
            return distinct_slack(model, def, from_ms);
        }
        held = are_held(model, def, def->where, need, from_ms);
        break;
    case FEATURE_RATIO:
    case FEATURE_RFM:
        for (uint32_t i = 0; i < (def->kind == FEATURE_RATIO ? 2U : 3U); i++) {
            held = held && slacks[def->operands[i]] == 0;
        }
        break;
    case FEATURE_KIND_COUNT:
        break;
    }
    return held ? 0 : -1;
}
