/* SPDX-License-Identifier: Apache-2.0 */
/* What rules read of a series, and when that changes with no event. */
#include "base/civil.h"
#include "features/series.h"

enum {
    STOPPED_DAYS_MAX = 400, /* a track that stopped longer ago is history */
    STOPPED_SHARE_PERCENT = 40,
    STANDS_OUT = 3,    /* times what amounts usually differ by */
    EARLIER_DAYS = 45, /* a start is one when another track began so much earlier */
};

/* Amounts beyond are not compared: their hundredths of a percent would overflow. */
#define SHARED_MAX (INT64_MAX / SERIES_VARIATION_WHOLE)

static const struct {
    const char *name;
    enum feature_value_type type;
} fields[SERIES_FIELD_COUNT] = {
    [SERIES_HITS] = {"hits", FEATURE_INT},
    [SERIES_MISSES] = {"misses", FEATURE_INT},
    [SERIES_LAST_AT] = {"last_at", FEATURE_TIME},
    [SERIES_NEXT_AT] = {"next_at", FEATURE_TIME},
    [SERIES_NEXT_FROM] = {"next_from", FEATURE_TIME},
    [SERIES_NEXT_UNTIL] = {"next_until", FEATURE_TIME},
    [SERIES_REGULARITY] = {"regularity", FEATURE_INT},
    [SERIES_SPREAD_PERCENT] = {"spread_percent", FEATURE_INT},
    [SERIES_PERIOD_DAYS] = {"period_days", FEATURE_INT},
    [SERIES_AMOUNT] = {"amount", FEATURE_INT},
    [SERIES_AMOUNT_BEFORE] = {"amount_before", FEATURE_INT},
    [SERIES_FIRST_AT] = {"first_at", FEATURE_TIME},
    [SERIES_ACTIVE] = {"active", FEATURE_INT},
    [SERIES_OVERDUE] = {"overdue", FEATURE_INT},
    [SERIES_NEW_PAYER_HITS] = {"new_payer_hits", FEATURE_INT},
    [SERIES_MONEY] = {"monthly", FEATURE_INT},
    [SERIES_TOTAL_MONEY] = {"total_monthly", FEATURE_INT},
    [SERIES_CHANGE_PERCENT] = {"change_percent", FEATURE_INT},
    [SERIES_RENAMED_AT] = {"renamed_at", FEATURE_TIME},
    [SERIES_STOPPED_FIRST_AT] = {"stopped_first_at", FEATURE_TIME},
    [SERIES_STOPPED_AT] = {"stopped_at", FEATURE_TIME},
    [SERIES_STOPPED_DUE_AT] = {"stopped_due_at", FEATURE_TIME},
    [SERIES_STOPPED_MONEY] = {"stopped_monthly", FEATURE_INT},
    [SERIES_STOPPED_HITS] = {"stopped_hits", FEATURE_INT},
    [SERIES_STOPPED_GAPS] = {"stopped_gaps", FEATURE_INT},
    [SERIES_STOPPED_PERIOD_DAYS] = {"stopped_period_days", FEATURE_INT},
    [SERIES_STARTS] = {"starts", FEATURE_INT},
    [SERIES_STOPS] = {"stops", FEATURE_INT},
};

const char *series_field_name(enum series_field field)
{
    return fields[field].name;
}

enum feature_value_type series_field_type(enum series_field field)
{
    return fields[field].type;
}

static int64_t misses_at(const struct series_def *def, const struct series_track *track,
                         const struct zones *zones, int32_t zone, int64_t now_ms)
{
    int32_t misses = 0;
    if (now_ms >= track->due_ms) {
        for (misses = 1; misses < SERIES_MISSES_MAX; misses++) {
            if (now_ms < series_miss_ms(def, track, zones, zone, misses + 1)) {
                break;
            }
        }
    }
    return misses;
}

static struct feature_value int_value(int64_t value)
{
    return (struct feature_value){.type = FEATURE_INT, .present = true, .i = value};
}

static struct feature_value time_value(int64_t value)
{
    return (struct feature_value){.type = FEATURE_TIME, .present = true, .i = value};
}

/* The median of at most SERIES_AMOUNTS_KEPT amounts; the lower middle one of an even count. */
static int64_t median(const int64_t *amounts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t below = 0, equal = 0;
        for (uint32_t k = 0; k < count; k++) {
            below += amounts[k] < amounts[i];
            equal += amounts[k] == amounts[i];
        }
        if (below <= (count - 1) / 2 && below + equal > (count - 1) / 2) {
            return amounts[i];
        }
    }
    return 0;
}

/* In 30 days, at the median of the newest three amounts: one bonus does not count. */
static int64_t monthly(const struct series_track *track)
{
    int32_t days = series_period_days((enum series_period)track->period);
    int64_t amount = median(track->amounts, track->amount_count < 3 ? track->amount_count : 3);
    return days == 0 || amount > INT64_MAX / 30 ? amount : amount * 30 / days;
}

/* The least and the most of the amounts before the newest two; at least one must be kept. */
static void earlier(const struct series_track *track, int64_t *out_least, int64_t *out_most)
{
    *out_least = *out_most = track->amounts[2];
    for (uint32_t i = 3; i < track->amount_count; i++) {
        int64_t amount = track->amounts[i];
        *out_least = amount < *out_least ? amount : *out_least;
        *out_most = amount > *out_most ? amount : *out_most;
    }
}

static int64_t spread_percent(const struct series_track *track)
{
    if (track->amount_count < 4) {
        return 0;
    }
    int64_t least = 0, most = 0;
    earlier(track, &least, &most);
    int64_t before = median(track->amounts + 2, track->amount_count - 2U);
    return before <= 0 || most > INT64_MAX / 100 ? 0 : (most - least) * 100 / before;
}

/* Half a month's pay in half a month is no less than before: the newest two must have come as far apart as this
 * payer's payments do. */
static bool a_period_apart(const struct series_track *track)
{
    int64_t gap_ms = track->hit_ms[0] - track->hit_ms[1];
    int64_t period_ms = series_period_days((enum series_period)track->period) * MS_PER_DAY;
    return gap_ms >= period_ms * 2 / 3 && gap_ms <= period_ms * 3 / 2;
}

static int64_t change_percent(const struct series_track *track)
{
    if (track->amount_count < 4 || !a_period_apart(track)) {
        return 0;
    }
    const int64_t *amounts = track->amounts;
    int64_t low = amounts[0] < amounts[1] ? amounts[0] : amounts[1];
    int64_t high = amounts[0] < amounts[1] ? amounts[1] : amounts[0];
    int64_t newer = low + (high - low) / 2;
    int64_t before = median(amounts + 2, track->amount_count - 2U);
    if (before <= 0 || before > SHARED_MAX || newer > SHARED_MAX) {
        return 0;
    }
    int64_t least = 0, most = 0;
    earlier(track, &least, &most);
    bool above = low > most && low - most >= (most - least) / 2;
    bool below = high < least && least - high >= (most - least) / 2;
    if (!above && !below) {
        return 0;
    }
    int64_t lesser = above ? low - before : before - high;
    int64_t change = above ? newer - before : before - newer;
    bool one_only = lesser < change / 2; /* a month of overtime beside an ordinary one */
    bool usual = lesser / before < 10 && /* ten times as much is never usual */
                 lesser % before * SERIES_VARIATION_WHOLE / before +
                         lesser / before * SERIES_VARIATION_WHOLE <
                     (int64_t)track->variation * STANDS_OUT;
    bool back_again = above && low - track->peak_minor / 16 <= track->peak_minor;
    return one_only || usual || back_again ? 0 : newer * 100 / before - 100;
}

static void primary_values(const struct series_def *def, const struct series_track *track,
                           const struct zones *zones, int32_t zone, int64_t now_ms,
                           struct feature_value *out)
{
    out[SERIES_HITS] = int_value(track->hits);
    out[SERIES_MISSES] = int_value(misses_at(def, track, zones, zone, now_ms));
    out[SERIES_LAST_AT] = time_value(track->alive_ms);
    out[SERIES_NEXT_AT] = time_value(track->next_ms);
    out[SERIES_NEXT_UNTIL] = time_value(track->due_ms);
    out[SERIES_REGULARITY] = int_value(track->regularity);
    out[SERIES_PERIOD_DAYS] = int_value(series_period_days((enum series_period)track->period));
    out[SERIES_AMOUNT] = int_value(track->amount_minor);
    out[SERIES_AMOUNT_BEFORE] = int_value(track->amount_before_minor);
    out[SERIES_AMOUNT_BEFORE].present = track->amount_before_minor != 0;
    out[SERIES_FIRST_AT] = time_value(track->first_ms);
    out[SERIES_MONEY] = int_value(monthly(track));
    out[SERIES_RENAMED_AT] = time_value(track->renamed_ms);
    out[SERIES_RENAMED_AT].present = track->renamed_ms != 0;
}

/* What few rules ask and takes as long as all the rest. */
static void costly_values(const struct series_def *def, const struct series_track *track,
                          const struct zones *zones, int32_t zone, struct feature_value *out)
{
    int32_t next_day = zones_local_day(zones, zone, track->next_ms);
    out[SERIES_NEXT_FROM] =
        time_value(zones_day_start_ms(zones, zone, next_day - def->tolerance_days));
    out[SERIES_SPREAD_PERCENT] = int_value(spread_percent(track));
    out[SERIES_CHANGE_PERCENT] = int_value(change_percent(track));
}

bool series_is_costly(uint32_t field)
{
    return field == SERIES_NEXT_FROM || field == SERIES_SPREAD_PERCENT ||
           field == SERIES_CHANGE_PERCENT;
}

static bool has_stopped(const struct series_track *track, int64_t now_ms)
{
    return series_is_established(track) && now_ms >= track->due_ms &&
           now_ms - track->alive_ms < STOPPED_DAYS_MAX * MS_PER_DAY;
}

/* The track that missed a payment and has not come back; NULL: none. */
static const struct series_track *find_stopped(const struct series_state *state, int64_t now_ms)
{
    int64_t most = 0;
    const struct series_track *found = NULL;
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        int64_t money = has_stopped(&state->tracks[i], now_ms) ? monthly(&state->tracks[i]) : 0;
        most = money > most ? money : most;
    }
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        const struct series_track *track = &state->tracks[i];
        if (has_stopped(track, now_ms) && monthly(track) >= most / 100 * STOPPED_SHARE_PERCENT &&
            (found == NULL || track->alive_ms > found->alive_ms)) {
            found = track;
        }
    }
    return found;
}

static void stopped_values(const struct series_track *found, struct feature_value *out)
{
    out[SERIES_STOPPED_FIRST_AT] = time_value(found->first_ms);
    out[SERIES_STOPPED_AT] = time_value(found->alive_ms);
    out[SERIES_STOPPED_DUE_AT] = time_value(found->next_ms);
    out[SERIES_STOPPED_MONEY] = int_value(monthly(found));
    out[SERIES_STOPPED_HITS] = int_value(found->hits);
    out[SERIES_STOPPED_GAPS] = int_value(found->gaps);
    out[SERIES_STOPPED_PERIOD_DAYS] =
        int_value(series_period_days((enum series_period)found->period));
}

/* Which came and which went of late. Of a customer who is new nothing has started: others came before. */
static void turnover_values(const struct series_def *def, const struct series_state *state,
                            int64_t now_ms, struct feature_value *out)
{
    int64_t recent_ms = def->recent_days * MS_PER_DAY;
    int64_t oldest_ms = INT64_MAX, starts = 0, stops = 0;
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        int64_t first_ms = state->tracks[i].first_ms;
        oldest_ms =
            series_is_established(&state->tracks[i]) && first_ms < oldest_ms ? first_ms : oldest_ms;
    }
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        const struct series_track *track = &state->tracks[i];
        if (!series_is_established(track)) {
            continue;
        }
        stops += now_ms >= track->due_ms && now_ms < track->due_ms + recent_ms;
        starts += now_ms < track->due_ms && now_ms < track->first_ms + recent_ms &&
                  track->first_ms - oldest_ms >= EARLIER_DAYS * MS_PER_DAY;
    }
    out[SERIES_STARTS] = int_value(starts);
    out[SERIES_STOPS] = int_value(stops);
}

static bool is_better(const struct series_track *track, const struct series_track *than,
                      int64_t now_ms)
{
    if (than == NULL || (now_ms < track->due_ms) != (now_ms < than->due_ms)) {
        return than == NULL || now_ms < track->due_ms;
    }
    int64_t money = monthly(track), other = monthly(than);
    if (now_ms < track->due_ms && money != other) {
        return money > other;
    }
    return track->alive_ms > than->alive_ms;
}

void series_values(const struct series_def *def, const struct series_state *state,
                   const struct zones *zones, int32_t zone, int64_t now_ms, bool costly,
                   struct feature_value *out_values)
{
    const struct series_track *primary = NULL;
    int64_t active = 0, overdue = 0, total = 0, new_hits = 0;
    for (int field = 0; field < SERIES_FIELD_COUNT; field++) {
        out_values[field] = (struct feature_value){.type = fields[field].type};
    }
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        const struct series_track *track = &state->tracks[i];
        if (!series_is_established(track)) {
            continue;
        }
        active += now_ms < track->due_ms;
        overdue += now_ms >= track->due_ms;
        int64_t money = now_ms < track->due_ms ? monthly(track) : 0;
        total = money > INT64_MAX - total ? INT64_MAX : total + money;
        primary = is_better(track, primary, now_ms) ? track : primary;
    }
    out_values[SERIES_HITS] = int_value(0);
    out_values[SERIES_MISSES] = int_value(0);
    out_values[SERIES_STARTS] = int_value(0);
    out_values[SERIES_STOPS] = int_value(0);
    out_values[SERIES_STOPPED_HITS] = int_value(0);
    out_values[SERIES_STOPPED_GAPS] = int_value(0);
    int64_t since_ms = INT64_MIN;
    if (primary != NULL) {
        const struct series_track *stopped = find_stopped(state, now_ms);
        primary_values(def, primary, zones, zone, now_ms, out_values);
        if (costly) {
            costly_values(def, primary, zones, zone, out_values);
        }
        turnover_values(def, state, now_ms, out_values);
        since_ms = primary->alive_ms;
        if (stopped != NULL) {
            stopped_values(stopped, out_values);
            since_ms = stopped->alive_ms < since_ms ? stopped->alive_ms : since_ms;
        }
    }
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        const struct series_track *track = &state->tracks[i];
        if (track != primary && track->first_ms > since_ms && track->hits > new_hits) {
            new_hits = track->hits;
        }
    }
    out_values[SERIES_ACTIVE] = int_value(active);
    out_values[SERIES_OVERDUE] = int_value(overdue);
    out_values[SERIES_NEW_PAYER_HITS] = int_value(new_hits);
    out_values[SERIES_TOTAL_MONEY] = int_value(total);
}

struct feature_value series_kept_value(const struct series_kept *kept, uint32_t field)
{
    return (struct feature_value){.type = fields[field].type,
                                  .present = (kept->present >> field & 1) != 0,
                                  .i = kept->values[field]};
}

uint32_t series_keep(struct series_kept *kept, const struct feature_value *values, bool costly)
{
    uint32_t stood = kept->stands, was = kept->present, differs = 0;
    kept->stands = kept->present = 0;
    for (uint32_t field = 0; field < SERIES_FIELD_COUNT; field++) {
        differs |= (uint32_t)(kept->values[field] != values[field].i) << field;
        kept->values[field] = values[field].i;
        kept->present |= (uint32_t)values[field].present << field;
        kept->stands |= (uint32_t)(costly || !series_is_costly(field)) << field;
    }
    return differs | (was ^ kept->present) | ~(stood & kept->stands);
}

static int64_t sooner(int64_t at_ms, int64_t now_ms, int64_t next_ms)
{
    return at_ms > now_ms && at_ms < next_ms ? at_ms : next_ms;
}

int64_t series_next_change(const struct series_def *def, const struct series_state *state,
                           const struct zones *zones, int32_t zone, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        const struct series_track *track = &state->tracks[i];
        if (!series_is_established(track)) {
            continue;
        }
        int64_t due = track->due_ms;
        for (int32_t count = 2; due <= now_ms && count <= SERIES_MISSES_MAX; count++) {
            due = series_miss_ms(def, track, zones, zone, count);
        }
        next = sooner(due, now_ms, next);
        next = sooner(track->due_ms + def->recent_days * MS_PER_DAY, now_ms, next);
        next = sooner(track->first_ms + def->recent_days * MS_PER_DAY, now_ms, next);
        next = sooner(track->alive_ms + STOPPED_DAYS_MAX * MS_PER_DAY, now_ms, next);
    }
    return next;
}
