/* SPDX-License-Identifier: Apache-2.0 */
#include "features_model.h"

#include <math.h>
#include <stdlib.h>

#include "base/civil.h"
#include "model/fields.h"

static int32_t day_of(const struct model *model, int64_t time_ms)
{
    return zones_local_day(model->zones, model->zone, time_ms);
}

/* The newest arrival with that id and status. */
static struct model_event *find(struct model *model, struct slice id, uint8_t status)
{
    for (uint32_t i = model->count; i > 0; i--) {
        struct model_event *e = &model->events[i - 1];
        if (e->event.source == SOURCE_TRANSACTIONS && e->event.tx.status == status &&
            slice_equal(slice_text(e->id), id)) {
            return e;
        }
    }
    return NULL;
}

static bool was_reversed(const struct model *model, struct slice id)
{
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_event *e = &model->events[i];
        if (e->event.source == SOURCE_TRANSACTIONS && e->event.tx.status == TX_REVERSED &&
            slice_equal(e->event.tx.reverses.size > 0 ? e->event.tx.reverses : e->event.event_id,
                        id)) {
            return true;
        }
    }
    return false;
}

static enum features_result judge(struct model *model, struct model_event *new)
{
    const struct event *event = &new->event;
    if (event->source != SOURCE_TRANSACTIONS) {
        for (uint32_t i = 0; i < model->count; i++) {
            if (model->events[i].event.source == event->source &&
                slice_equal(model->events[i].event.event_id, event->event_id)) {
                return FEATURES_DUPLICATE;
            }
        }
        return FEATURES_ACCEPTED;
    }
    struct model_event *posted = find(model, event->event_id, TX_POSTED);
    struct model_event *pending = find(model, event->event_id, TX_PENDING);
    switch ((enum tx_status)event->tx.status) {
    case TX_REVERSED: {
        struct slice target = event->tx.reverses;
        if (was_reversed(model, target)) {
            return FEATURES_DUPLICATE;
        }
        struct model_event *given = find(model, target, TX_POSTED);
        given = given != NULL ? given : find(model, target, TX_PENDING);
        new->gone = given != NULL;
        if (given != NULL) {
            given->gone = true;
        }
        return FEATURES_REVERSED;
    }
    case TX_PENDING:
        return posted != NULL || pending != NULL || was_reversed(model, event->event_id)
                   ? FEATURES_DUPLICATE
                   : FEATURES_ACCEPTED;
    case TX_POSTED:
    case TX_STATUS_COUNT:
        break;
    }
    if (posted != NULL) {
        return FEATURES_DUPLICATE;
    }
    if (was_reversed(model, event->event_id)) {
        for (uint32_t i = 0; i < model->count; i++) {
            struct model_event *e = &model->events[i];
            e->gone = e->gone || (e->event.tx.status == TX_REVERSED &&
                                  slice_equal(e->event.tx.reverses, event->event_id));
        }
        new->gone = true;
        return pending != NULL ? FEATURES_DUPLICATE : FEATURES_REVERSED;
    }
    if (pending != NULL) {
        pending->gone = true;
    }
    return FEATURES_ACCEPTED;
}

enum features_result model_take(struct model *model, const struct model_event *event,
                                int32_t late_after)
{
    struct model_event *new = &model->events[model->count];
    *new = *event;
    new->event.event_id = slice_text(new->id);
    if (new->event.source == SOURCE_TRANSACTIONS) {
        new->event.tx.reverses = slice_text(new->reverses);
        new->event.tx.merchant_country = slice_text(new->text);
    }
    new->gone = false;
    int32_t day = day_of(model, new->event.time_ms);
    new->late =
        late_after > 0 && model->latest_day != INT32_MIN &&day < model->latest_day - late_after;
    enum features_result result = judge(model, new);
    if (result != FEATURES_DUPLICATE) {
        model->count++;
    }
    if (result == FEATURES_ACCEPTED && new->late) {
        return FEATURES_LATE;
    }
    if (result != FEATURES_DUPLICATE && !new->late && day > model->latest_day) {
        model->latest_day = day;
    }
    return result;
}

/* ---- recounting ---- */

bool model_has_value(const struct feature_def *def, const struct event *event)
{
    return features_kind(def->kind)->needs == FEATURE_NEEDS_NOTHING ||
           def->from != FEATURE_FROM_FIELD || event_has(event, def->value_field);
}

static int64_t number(const struct model *model, const struct feature_def *def,
                      const struct event *event)
{
    switch (def->from) {
    case FEATURE_FROM_FIELD:
        return def->value_field ==
                       (uint32_t)fields_find(SOURCE_TRANSACTIONS, slice_text("amount_minor"))
                   ? event->tx.amount_minor
                   : event->tx.balance_after_minor;
    case FEATURE_FROM_PROGRAM:
        return def->value->value(event);
    case FEATURE_FROM_TIME:
        return event->time_ms;
    case FEATURE_FROM_DAY:
        return day_of(model, event->time_ms);
    case FEATURE_FROM_PARTITION:
        return event->partition;
    case FEATURE_FROM_OFFSET:
        return event->offset;
    case FEATURE_FROM_NOTHING:
        break;
    }
    return 0;
}

/* Whether it is still there or not. */
bool model_fits(const struct feature_def *def, const struct cel_program *where,
                const struct model_event *e)
{
    if (e->event.source != def->source || (where != NULL && !where->holds(&e->event)) ||
        (def->currency.size > 0 && !slice_equal(def->currency, e->event.tx.currency))) {
        return false;
    }
    if ((e->late && def->late == FEATURE_LATE_EXCLUDE) ||
        (!e->late && def->late == FEATURE_LATE_ONLY)) {
        return false;
    }
    bool pending = e->event.source == SOURCE_TRANSACTIONS && e->event.tx.status == TX_PENDING;
    return pending ? def->pending != FEATURE_PENDING_EXCLUDE : def->pending != FEATURE_PENDING_ONLY;
}

static bool matches(const struct feature_def *def, const struct cel_program *where,
                    const struct model_event *e)
{
    return !e->gone && model_fits(def, where, e);
}

static bool in_window(const struct model *model, const struct feature_def *def,
                      const struct event *event, int64_t now_ms)
{
    if (def->unit == FEATURE_DAYS) {
        int32_t day = day_of(model, event->time_ms);
        int32_t end = def->anchor == FEATURE_ANCHOR_NOW ? day_of(model, now_ms) : model->latest_day;
        return (day <= end || def->kind == FEATURE_DISTINCT) && day > end - (int32_t)def->length;
    }
    if (def->unit == FEATURE_MINUTES) {
        int64_t tile = MS_PER_MINUTE;
        static const int64_t sizes[] = {1, 2, 5, 10, 15, 30};
        for (size_t i = 0; ((int64_t)def->length + sizes[i] - 1) / sizes[i] > 96; i++) {
            tile = sizes[i + 1] * MS_PER_MINUTE;
        }
        int64_t tiles = ((int64_t)def->length * MS_PER_MINUTE + tile - 1) / tile;
        int64_t end = civil_floor(now_ms, tile);
        int64_t at = civil_floor(event->time_ms, tile);
        return (at <= end || def->kind == FEATURE_DISTINCT) && at > end - tiles;
    }
    return true;
}

/* Matching events, newest first (by time or by arrival). */
static uint32_t collect(const struct model *model, const struct feature_def *def,
                        const struct cel_program *where, int64_t now_ms,
                        const struct model_event **out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_event *e = &model->events[i];
        if (e->event.source == SOURCE_TRANSACTIONS && e->event.tx.status == TX_REVERSED) {
            continue;
        }
        if (!matches(def, where, e) || !model_has_value(def, &e->event) ||
            !in_window(model, def, &e->event, now_ms)) {
            continue;
        }
        uint32_t at = count++;
        for (; at > 0 && def->order != FEATURE_BY_ARRIVAL &&
               out[at - 1]->event.time_ms > e->event.time_ms;
             at--) {
            out[at] = out[at - 1];
        }
        out[at] = e;
    }
    for (uint32_t i = 0; i < count / 2; i++) {
        const struct model_event *swap = out[i];
        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swap;
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static int64_t ranked(int64_t *values, uint32_t count, double q)
{
    qsort(values, count, sizeof(values[0]), compare);
    int64_t rank = (int64_t)ceil(q * count);
    return values[rank < 1 ? 0 : rank - 1];
}

/* Own fields of reversals whose event never came are subtracted from counts and sums. */
static int64_t unmatched(const struct model *model, const struct feature_def *def, int64_t now_ms,
                         bool sum)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_event *e = &model->events[i];
        if (e->event.source == SOURCE_TRANSACTIONS && e->event.tx.status == TX_REVERSED &&
            matches(def, def->where, e) && model_has_value(def, &e->event) &&
            in_window(model, def, &e->event, now_ms)) {
            total += sum ? number(model, def, &e->event) : 1;
        }
    }
    return total;
}

/* One day's count or sum, less reversals whose event never came. */
static int64_t day_total(const struct model *model, const struct feature_def *def,
                         const struct model_event **events, uint32_t count, int32_t day)
{
    bool sum = features_kind(def->kind)->needs == FEATURE_NEEDS_NUMBER;
    int64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (day_of(model, events[i]->event.time_ms) == day) {
            total += sum ? number(model, def, &events[i]->event) : 1;
        }
    }
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_event *e = &model->events[i];
        if (e->event.source == SOURCE_TRANSACTIONS && e->event.tx.status == TX_REVERSED &&
            matches(def, def->where, e) && model_has_value(def, &e->event) &&
            day_of(model, e->event.time_ms) == day) {
            total -= sum ? number(model, def, &e->event) : 1;
        }
    }
    return total;
}

static void count_days(const struct model *model, const struct feature_def *def,
                       const struct model_event **events, uint32_t count, int64_t now_ms,
                       struct feature_value *value)
{
    int32_t end = def->anchor == FEATURE_ANCHOR_NOW ? day_of(model, now_ms) : model->latest_day;
    int32_t n = (int32_t)def->length;
    if (end == INT32_MIN) {
        return; /* no latest day yet */
    }
    int64_t run = 0;
    int64_t longest = 0;
    int64_t active = 0;
    double slope_above = 0;
    double decayed = 0;
    double mean_x = (n - 1) / 2.0;
    double below = 0;
    bool broken = false;
    for (int32_t i = 0; i < n; i++) {
        int32_t day = end - n + 1 + i;
        int64_t total = day_total(model, def, events, count, day);
        bool has = total > 0;
        run = has ? run + 1 : 0;
        longest = run > longest ? run : longest;
        active += has;
        double y = (double)total;
        slope_above += (i - mean_x) * y;
        below += (i - mean_x) * (i - mean_x);
        decayed += y * pow(0.5, (n - 1 - i) / (def->half_life_days > 0 ? def->half_life_days : 1));
    }
    int64_t streak = 0;
    for (int32_t day = end; day > end - n && !broken; day--) {
        bool has = day_total(model, def, events, count, day) > 0;
        streak += has;
        broken = !has && day != end;
    }
    value->i = def->kind == FEATURE_STREAK           ? streak
               : def->kind == FEATURE_LONGEST_STREAK ? longest
                                                     : active;
    if (def->kind == FEATURE_TREND) {
        value->d = below > 0 ? slope_above / below : 0;
    } else if (def->kind == FEATURE_DECAY) {
        value->d = decayed;
    }
}

/* How often each text came among the first `count`: the n-th most frequent, newest first among equals. */
static uint32_t tally(const struct model_event **events, uint32_t count, uint32_t nth,
                      const struct model_event **out_nth, int64_t *out_uses)
{
    const struct model_event *kinds[MODEL_EVENTS_MAX];
    int64_t uses[MODEL_EVENTS_MAX];
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = 0;
        while (k < found && strcmp(kinds[k]->text, events[i]->text) != 0) {
            k++;
        }
        if (k == found) {
            kinds[found] = events[i];
            uses[found++] = 0;
        }
        uses[k]++;
    }
    *out_nth = NULL;
    *out_uses = 0;
    for (uint32_t place = 0; place < nth && place < found; place++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t k = 0; k < found; k++) {
            best = uses[k] > 0 && (best == UINT32_MAX || uses[k] > uses[best]) ? k : best;
        }
        *out_nth = place + 1 == nth ? kinds[best] : NULL;
        *out_uses = place + 1 == nth ? uses[best] : 0;
        uses[best] = 0;
    }
    return found;
}

static void set_event(const struct model *model, const struct feature_def *def,
                      const struct model_event *e, struct feature_value *value)
{
    value->present = true;
    if (value->type == FEATURE_STRING) {
        value->text = slice_text(e->text);
    } else {
        value->i = number(model, def, &e->event);
    }
}

static void count_pair(const struct model *model, const struct feature_def *def, int64_t now_ms,
                       struct feature_value *value)
{
    const struct model_event *first[MODEL_EVENTS_MAX];
    const struct model_event *second[MODEL_EVENTS_MAX];
    uint32_t first_count = collect(model, def, def->where, now_ms, first);
    uint32_t second_count =
        collect(model, def, def->then != NULL ? def->then : def->where, now_ms, second);
    first_count = first_count > FEATURES_PAIRS_MAX ? FEATURES_PAIRS_MAX : first_count;
    second_count = second_count > FEATURES_PAIRS_MAX ? FEATURES_PAIRS_MAX : second_count;
    if (def->kind == FEATURE_ABSENCE) {
        value->present = true;
        value->i = first_count > 0 && now_ms - first[0]->event.time_ms >= def->within_ms;
        for (uint32_t i = 0; i < second_count && value->i != 0; i++) {
            int64_t after_ms = second[i]->event.time_ms - first[0]->event.time_ms;
            value->i = !(after_ms > 0 && after_ms < def->within_ms);
        }
        return;
    }
    for (uint32_t b = 0; b < second_count && !value->present; b++) {
        for (uint32_t a = 0; a < first_count; a++) {
            int64_t after_ms = second[b]->event.time_ms - first[a]->event.time_ms;
            if (after_ms > 0 && after_ms <= def->within_ms) {
                value->present = true;
                value->i = second[b]->event.time_ms;
            }
        }
    }
}

static void count_numbers(const struct model *model, const struct feature_def *def,
                          const struct model_event **events, uint32_t count,
                          struct feature_value *value)
{
    int64_t values[MODEL_EVENTS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        values[i] = number(model, def, &events[i]->event);
    }
    value->present = count > 0;
    if (count == 0) {
        return;
    }
    switch ((int)def->kind) {
    case FEATURE_MIN:
        value->i = ranked(values, count, 0);
        break;
    case FEATURE_MAX:
        value->i = ranked(values, count, 1);
        break;
    case FEATURE_QUANTILE:
        value->i = ranked(values, count, def->quantile);
        break;
    default: {
        int64_t median = ranked(values, count, 0.5);
        for (uint32_t i = 0; i < count; i++) {
            values[i] = values[i] > median ? values[i] - median : median - values[i];
        }
        value->i = ranked(values, count, 0.5);
        break;
    }
    }
}

static void count_derived(const struct feature_def *def, const struct feature_value *values,
                          struct feature_value *value)
{
    if (def->kind == FEATURE_RATIO) {
        const struct feature_value *a = &values[def->operands[0]];
        const struct feature_value *b = &values[def->operands[1]];
        value->present = a->present && b->present && b->i != 0;
        value->d = value->present ? (double)a->i / (double)b->i : 0;
        return;
    }
    value->present = true;
    for (uint32_t part = 0; part < 3; part++) {
        const struct feature_value *operand = &values[def->operands[part]];
        int64_t digit = 1;
        for (uint32_t i = 0; i < 4; i++) {
            bool reached = operand->i >= def->cuts[part][i];
            digit += operand->present && (part == 0 ? !reached : reached);
        }
        value->i = value->i * 10 + digit;
    }
}

static int64_t since(const struct model *model, const struct feature_def *def, int64_t time_ms,
                     int64_t now_ms)
{
    if (def->kind == FEATURE_TIME_SINCE) {
        return now_ms - time_ms;
    }
    int32_t end = def->anchor == FEATURE_ANCHOR_NOW ? day_of(model, now_ms) : model->latest_day;
    return end - day_of(model, time_ms);
}

/* NOLINTNEXTLINE(readability-function-size): the model says everything in one place */
struct feature_value model_value(const struct model *model, const struct feature_def *defs,
                                 uint32_t index, int64_t now_ms, const struct feature_value *values)
{
    const struct feature_def *def = &defs[index];
    const struct model_event *events[MODEL_EVENTS_MAX];
    const struct model_event *nth = NULL;
    struct feature_value value = {.type = features_type(def)};
    int64_t uses = 0;
    int64_t sum = 0;
    uint32_t count = collect(model, def, def->where, now_ms, events);
    count = def->unit == FEATURE_EVENTS && count > def->length ? def->length : count;
    uint32_t wanted = def->nth == 0 ? 1 : def->nth;
    for (uint32_t i = 0; i < count && features_kind(def->kind)->needs == FEATURE_NEEDS_NUMBER;
         i++) {
        sum += number(model, def, &events[i]->event);
    }
    switch (def->kind) {
    case FEATURE_COUNT:
        value.present = true;
        value.i = (int64_t)count -
                  (def->unit == FEATURE_EVENTS ? 0 : unmatched(model, def, now_ms, false));
        break;
    case FEATURE_SUM:
        value.present = true;
        value.i = sum - unmatched(model, def, now_ms, true);
        break;
    case FEATURE_AVG: {
        int64_t net = (int64_t)count - unmatched(model, def, now_ms, false);
        value.present = net != 0;
        value.d = net == 0 ? 0 : (double)(sum - unmatched(model, def, now_ms, true)) / (double)net;
        break;
    }
    case FEATURE_MIN:
    case FEATURE_MAX:
    case FEATURE_QUANTILE:
    case FEATURE_MAD:
        count_numbers(model, def, events, count, &value);
        break;
    case FEATURE_ACTIVE_DAYS:
    case FEATURE_STREAK:
    case FEATURE_LONGEST_STREAK:
    case FEATURE_TREND:
    case FEATURE_DECAY:
        value.present = true;
        count_days(model, def, events, count, now_ms, &value);
        break;
    case FEATURE_FIRST:
    case FEATURE_LAST:
    case FEATURE_NTH:
        if (def->kind == FEATURE_FIRST ? count > 0 : count >= wanted) {
            set_event(model, def, events[def->kind == FEATURE_FIRST ? count - 1 : wanted - 1],
                      &value);
        }
        break;
    case FEATURE_TIME_SINCE:
    case FEATURE_DAYS_SINCE:
    case FEATURE_DAYS_SINCE_FIRST:
        value.present = count > 0;
        nth = count == 0 ? NULL : events[def->kind == FEATURE_DAYS_SINCE_FIRST ? count - 1 : 0];
        value.i = nth == NULL ? 0 : since(model, def, nth->event.time_ms, now_ms);
        break;
    case FEATURE_DISTINCT:
        value.present = true;
        value.i = tally(events, count, 1, &nth, &uses);
        break;
    case FEATURE_TOP:
    case FEATURE_TOP_COUNT:
        (void)tally(events, count, wanted, &nth, &uses);
        value.present = nth != NULL || def->kind == FEATURE_TOP_COUNT;
        value.i = uses;
        if (def->kind == FEATURE_TOP) {
            value.text = nth != NULL ? slice_text(nth->text) : (struct slice){NULL, 0};
        }
        break;
    case FEATURE_SESSIONS:
        value.present = true;
        value.i = count > 0;
        for (uint32_t i = 1; i < count; i++) {
            value.i += events[i - 1]->event.time_ms - events[i]->event.time_ms > def->within_ms;
        }
        break;
    case FEATURE_SEQUENCE:
    case FEATURE_ABSENCE:
        count_pair(model, def, now_ms, &value);
        break;
    case FEATURE_RATIO:
    case FEATURE_RFM:
        count_derived(def, values, &value);
        break;
    case FEATURE_KIND_COUNT:
        break;
    }
    return value;
}
