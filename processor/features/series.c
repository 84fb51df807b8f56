/* SPDX-License-Identifier: Apache-2.0 */
#include "features/series.h"

#include "base/civil.h"
#include "base/hash.h"
#include "features/payday.h"

_Static_assert((int)SERIES_HITS_KEPT <= (int)PAYDAY_DAYS_MAX,
               "a habit is found among the kept hits");

enum {
    SAME_CYCLE_DAYS = 4, /* two payments so close are one: a correction, a split transfer */
    DAYS_PER_MONTH = 30,
    NAME_KEPT = 64,        /* letters of a payer's name that tell it from others */
    VARIATION_MOST = 4000, /* of one payment: what differs by more is no wage of that job */
    VARIATION_MEMORY = 16, /* payments */
};

static const int32_t period_days[SERIES_PERIOD_COUNT] = {0, 7, 14, 28, DAYS_PER_MONTH};

int32_t series_period_days(enum series_period period)
{
    return period_days[period];
}

/* What the functions below need of the customer's calendar. */
struct calendar {
    const struct zones *zones;
    int32_t zone;
};

static int32_t local_day(const struct calendar *calendar, int64_t time_ms)
{
    return zones_local_day(calendar->zones, calendar->zone, time_ms);
}

/* The `count`-th expected day after the payment on `last_day`. */
static int32_t expected_day(const struct series_track *track, int32_t last_day, int32_t count)
{
    if (track->period != SERIES_MONTHLY) {
        return last_day + count * period_days[track->period];
    }
    return payday_after(last_day, track->anchor, count);
}

/* The local days of the kept hits, newest first; how many. */
static uint32_t hit_days(const struct series_track *track, const struct calendar *calendar,
                         int32_t *out_days)
{
    uint32_t count = 0;
    for (; count < SERIES_HITS_KEPT && count < track->hits; count++) {
        out_days[count] = local_day(calendar, track->hit_ms[count]);
    }
    return count;
}

static bool near(int32_t value, int32_t target, int32_t tolerance)
{
    return value >= target - tolerance && value <= target + tolerance;
}

/* Is a gap of so many days one or two periods? Tolerances grow with the period, so that 28 days can be
 * four-weekly and monthly, but 7 never 14. Of a track known to have that period, bank holidays may move
 * two paydays in a row by `slack` days more. */
static bool gap_fits(int32_t gap, enum series_period period, bool known)
{
    int32_t slack = known ? 2 : 0;
    switch (period) {
    case SERIES_WEEKLY:
        return near(gap, 7, 1 + slack) || near(gap, 14, 1 + slack);
    case SERIES_FORTNIGHTLY:
        return near(gap, 14, 2 + slack) || near(gap, 28, 2 + slack);
    case SERIES_FOUR_WEEKLY:
        return near(gap, 28, 1 + slack) || near(gap, 56, 1 + slack);
    case SERIES_MONTHLY:
        return near(gap, 30, 8 + slack) || near(gap, 61, 8 + slack);
    case SERIES_PERIOD_NONE:
    case SERIES_PERIOD_COUNT:
        break;
    }
    return false;
}

/* May the payments be four-weekly? Not while a habit of the month explains them too (28 days are the same date
 * after a February, the third Friday after the second in two months of three): the month says later that one
 * is missing. One payday of a known month may have moved. Nor where bank holidays, which do not add up,
 * cannot explain how long it took. */
static bool may_be_four_weekly(const struct series_track *track, const int32_t *days,
                               uint32_t count)
{
    const int32_t four_weeks = period_days[SERIES_FOUR_WEEKLY];
    int32_t span = days[0] - days[count - 1];
    int32_t periods = (span + four_weeks / 2) / four_weeks;
    if (!near(span, periods * four_weeks, periods < 3 ? 3 : 4)) {
        return false;
    }
    uint32_t monthly = track->period == SERIES_FOUR_WEEKLY
                           ? 0
                           : payday_fits(days, count, payday_habit(days, count));
    bool moved = track->period == SERIES_MONTHLY && count == SERIES_HITS_KEPT;
    return monthly + moved < count;
}

/* The period that the kept gaps fit, the shortest first; a gap of one single period must be among them.
 * An established track may have one gap that does not fit (a payday moved far). */
static enum series_period find_period(const struct series_def *def,
                                      const struct series_track *track,
                                      const struct calendar *calendar)
{
    int32_t days[SERIES_HITS_KEPT];
    uint32_t count = hit_days(track, calendar, days);
    for (int period = SERIES_WEEKLY; period < SERIES_PERIOD_COUNT; period++) {
        if (def->period != SERIES_PERIOD_NONE && def->period != period) {
            continue;
        }
        uint32_t misfits = 0;
        bool single = false;
        bool known = track->period == period;
        for (uint32_t i = 0; i + 1 < count; i++) {
            int32_t gap = days[i] - days[i + 1];
            bool fits = gap_fits(gap, (enum series_period)period, known);
            misfits += !fits;
            single = single || gap < period_days[period] * 3 / 2;
            if (!fits && known && i + 2 < count &&
                gap_fits(days[i] - days[i + 2], (enum series_period)period, true)) {
                i++; /* one payday far too early: two gaps that are two periods together */
            }
        }
        if (single && misfits <= (known ? 1U : 0U) &&
            (period != SERIES_FOUR_WEEKLY || def->period == period ||
             may_be_four_weekly(track, days, count))) {
            return (enum series_period)period;
        }
    }
    return SERIES_PERIOD_NONE;
}

int64_t series_miss_ms(const struct series_def *def, const struct series_track *track,
                       const struct zones *zones, int32_t zone, int32_t count)
{
    int32_t day = expected_day(track, zones_local_day(zones, zone, track->alive_ms), count);
    return zones_day_start_ms(zones, zone, day + def->tolerance_days + 1);
}

/* Percent of the kept hits, the oldest left out, that came within a day of when the one before let expect. */
static uint8_t regularity(const struct series_track *track, const struct calendar *calendar)
{
    uint32_t count = track->hits < SERIES_HITS_KEPT ? track->hits : SERIES_HITS_KEPT;
    uint32_t regular = 0;
    for (uint32_t i = 0; i + 1 < count; i++) {
        int32_t expected = expected_day(track, local_day(calendar, track->hit_ms[i + 1]), 1);
        regular += near(local_day(calendar, track->hit_ms[i]), expected, 1);
    }
    return count < 2 ? 0 : (uint8_t)(regular * 100 / (count - 1));
}

/* Amounts before the newest `kept` were for other days: nothing is compared with them any more. */
static void amounts_forget(struct series_track *track, uint8_t kept)
{
    track->amount_count = track->amount_count < kept ? track->amount_count : kept;
    track->peak_minor = 0;
}

/* After any change: period, anchor, next expected day and deadline again from the kept hits. */
static void renew(const struct series_def *def, struct series_track *track,
                  const struct calendar *calendar)
{
    track->due_ms = INT64_MAX;
    enum series_period period = find_period(def, track, calendar);
    if (period == SERIES_PERIOD_NONE && track->period != SERIES_PERIOD_NONE) {
        track->hits = 1; /* it was regular and is no longer: begin again from the newest payment */
        amounts_forget(track, 1);
    } else if (period != track->period && track->period != SERIES_PERIOD_NONE &&
               (period < SERIES_FOUR_WEEKLY || track->period < SERIES_FOUR_WEEKLY)) {
        amounts_forget(track, 2); /* another calendar; four weeks and a month are much the same */
    }
    if (period == SERIES_PERIOD_NONE || track->hits < def->min_hits) {
        track->period = SERIES_PERIOD_NONE;
        return;
    }
    track->period = (uint8_t)period;
    int32_t days[SERIES_HITS_KEPT];
    track->anchor = payday_habit(days, hit_days(track, calendar, days));
    track->regularity = regularity(track, calendar);
    track->next_ms =
        zones_day_start_ms(calendar->zones, calendar->zone,
                           expected_day(track, local_day(calendar, track->alive_ms), 1));
    track->due_ms = series_miss_ms(def, track, calendar->zones, calendar->zone, 1);
}

/* A name's letters, small: "Acme Ltd 2505/17" and "ACME LTD" are one payer. Bytes beyond ASCII stay; a name
 * without letters stays as it is. */
static uint64_t name_key(struct slice name, uint8_t direction)
{
    char letters[NAME_KEPT];
    size_t size = 0;
    for (size_t i = 0; i < name.size && size < sizeof letters; i++) {
        char one = (char)name.data[i];
        if (one >= 'A' && one <= 'Z') {
            one = (char)(one - 'A' + 'a');
        }
        if ((one >= 'a' && one <= 'z') || (unsigned char)one >= 0x80) {
            letters[size++] = one;
        }
    }
    return hash64(size == 0 ? name : slice_of(letters, size), direction);
}

static uint64_t track_key(const struct transaction *tx)
{
    struct slice name = tx->counterparty_name.size > 0 ? tx->counterparty_name
                                                       : tx->merchant_name; /* paid by card */
    if (tx->counterparty_id.size == 0 && name.size == 0) {
        return 0;
    }
    uint64_t key = tx->counterparty_id.size > 0 ? hash64(tx->counterparty_id, tx->direction)
                                                : name_key(name, tx->direction);
    return key == 0 ? 1 : key;
}

static bool amount_fits(const struct series_def *def, int64_t amount_minor, int64_t level_minor)
{
    int64_t distance =
        amount_minor > level_minor ? amount_minor - level_minor : level_minor - amount_minor;
    if (distance == 0 || def->amount_tolerance_permille == 0) {
        return distance == 0;
    }
    return distance <= INT64_MAX / 1000 &&
           distance * 1000 / def->amount_tolerance_permille <= level_minor;
}

/* Its newest payment, at whatever amount. */
static int64_t last_ms(const struct series_track *track)
{
    bool other = track->other_minor != 0 && track->other_ms > track->alive_ms;
    return other ? track->other_ms : track->alive_ms;
}

/* A free place, else that of the track that matters least: not established before established, then the one
 * paid longest ago. */
static struct series_track *track_take(struct series_state *state, uint64_t key)
{
    struct series_track *worst = NULL;
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX; i++) {
        struct series_track *track = &state->tracks[i];
        if (track->key == key || track->key == 0) {
            return track;
        }
        if (worst == NULL || series_is_established(track) < series_is_established(worst) ||
            (series_is_established(track) == series_is_established(worst) &&
             last_ms(track) < last_ms(worst))) {
            worst = track;
        }
    }
    *worst = (struct series_track){0};
    return worst;
}

static void track_start(struct series_track *track, uint64_t key, int64_t time_ms,
                        int64_t amount_minor)
{
    *track = (struct series_track){.key = key,
                                   .first_ms = time_ms,
                                   .alive_ms = time_ms,
                                   .amount_minor = amount_minor,
                                   .due_ms = INT64_MAX,
                                   .hits = 1,
                                   .amounts = {amount_minor},
                                   .amount_count = 1};
    track->hit_ms[0] = time_ms;
}

/* An amount that differed from the level before it, and has not stayed: into the average. While little is
 * known each counts as much as the others. */
static void variation_fold(struct series_track *track, int64_t amount_minor, int64_t level_minor)
{
    int64_t distance =
        amount_minor > level_minor ? amount_minor - level_minor : level_minor - amount_minor;
    int32_t one = VARIATION_MOST;
    if (level_minor > 0 && distance <= INT64_MAX / SERIES_VARIATION_WHOLE &&
        distance * SERIES_VARIATION_WHOLE / level_minor < VARIATION_MOST) {
        one = (int32_t)(distance * SERIES_VARIATION_WHOLE / level_minor);
    }
    int32_t known = track->hits > track->amount_count ? track->hits : track->amount_count;
    known = known > VARIATION_MEMORY + 2 ? VARIATION_MEMORY : known > 3 ? known - 2 : 1;
    track->variation = (uint16_t)(track->variation + (one - track->variation) / known);
}

/* Less than usual came on an expected day, once: that is how this pay varies. A bonus is not, nor what came
 * beside the usual (arrears of a rise). */
static void other_fold(struct series_track *track)
{
    for (uint32_t i = 0; i < SERIES_HITS_KEPT && i < track->hits; i++) {
        int64_t apart_ms = track->hit_ms[i] - track->other_ms;
        if (apart_ms > -SAME_CYCLE_DAYS * MS_PER_DAY && apart_ms < SAME_CYCLE_DAYS * MS_PER_DAY) {
            return;
        }
    }
    if (track->other_minor != 0 && track->other_minor < track->amount_minor &&
        series_is_established(track) && track->alive_ms == track->other_ms) {
        variation_fold(track, track->other_minor, track->amount_minor);
    }
}

/* Keep the amount of a hit that came `place` hits before the newest. */
static void amount_insert(struct series_track *track, uint32_t place, int64_t amount_minor)
{
    if (place > track->amount_count || place >= SERIES_AMOUNTS_KEPT) {
        return;
    }
    for (uint32_t i = SERIES_AMOUNTS_KEPT - 1; i > place; i--) {
        track->amounts[i] = track->amounts[i - 1];
    }
    track->amounts[place] = amount_minor;
    if (track->amount_count >= 3) { /* what was paid twice in a row, before the newest two */
        int64_t level =
            track->amounts[2] < track->amounts[3] ? track->amounts[2] : track->amounts[3];
        track->peak_minor = level > track->peak_minor ? level : track->peak_minor;
    }
    if (place == 0 && track->amount_count >= 3) { /* one is of the newest two no longer */
        int64_t before = track->amounts[3];
        for (uint32_t i = 4; i < SERIES_AMOUNTS_KEPT && i <= track->amount_count; i++) {
            before += (track->amounts[i] - before) / (int64_t)(i - 2);
        }
        variation_fold(track, track->amounts[2], before);
    }
    if (track->amount_count < SERIES_AMOUNTS_KEPT) {
        track->amount_count++;
    }
}

/* Insert a hit by time; false when it belongs to a cycle that has one already. */
static bool hit_insert(struct series_track *track, int64_t time_ms, int64_t amount_minor,
                       const struct calendar *calendar)
{
    uint32_t kept = track->hits < SERIES_HITS_KEPT ? track->hits : SERIES_HITS_KEPT;
    int32_t day = local_day(calendar, time_ms);
    uint32_t at = kept;
    for (uint32_t i = kept; i-- > 0;) {
        if (near(local_day(calendar, track->hit_ms[i]), day, SAME_CYCLE_DAYS - 1)) {
            return false;
        }
        if (time_ms > track->hit_ms[i]) {
            at = i;
        }
    }
    for (uint32_t i = SERIES_HITS_KEPT - 1; i > at; i--) {
        track->hit_ms[i] = track->hit_ms[i - 1];
    }
    if (at < SERIES_HITS_KEPT) {
        track->hit_ms[at] = time_ms;
    }
    amount_insert(track, at, amount_minor);
    if (track->hits < UINT16_MAX) {
        track->hits++;
    }
    return true;
}

static bool near_expected(const struct series_def *def, const struct series_track *track,
                          const struct calendar *calendar, int64_t time_ms)
{
    int32_t day = local_day(calendar, time_ms);
    int32_t alive = local_day(calendar, track->alive_ms);
    for (int32_t count = 1; count <= SERIES_MISSES_MAX; count++) {
        int32_t expected = expected_day(track, alive, count);
        if (near(day, expected, def->tolerance_days)) {
            return true;
        }
        if (expected > day) {
            break;
        }
    }
    return false;
}

/* A payment of a known payer at another amount: a bonus keeps an established track alive; the second
 * like it in a row is a new level (a step), or simply the right one while nothing is established. */
static void other_amount(const struct series_def *def, struct series_track *track, int64_t time_ms,
                         int64_t amount_minor, const struct calendar *calendar)
{
    bool established = series_is_established(track);
    bool again = track->other_minor != 0 && amount_fits(def, amount_minor, track->other_minor) &&
                 !near(local_day(calendar, time_ms), local_day(calendar, track->other_ms),
                       SAME_CYCLE_DAYS - 1);
    if (again && established) {
        (void)hit_insert(track, track->other_ms, track->other_minor, calendar);
        (void)hit_insert(track, time_ms, amount_minor, calendar);
        track->amount_before_minor = track->amount_minor;
        track->amount_minor = amount_minor;
    } else if (again) {
        int64_t other_ms = track->other_ms, other_minor = track->other_minor;
        int64_t first_ms = track->first_ms; /* who pays by the hour has paid all along */
        track_start(track, track->key, time_ms, amount_minor);
        (void)hit_insert(track, other_ms, other_minor, calendar);
        track->first_ms = first_ms < time_ms ? first_ms : time_ms;
        track->alive_ms = other_ms > time_ms ? other_ms : time_ms;
    } else {
        other_fold(track);
        track->other_minor = amount_minor;
        track->other_ms = time_ms;
    }
    if (again) {
        track->other_minor = 0;
    }
    if (time_ms > track->alive_ms &&
        (again || (established && near_expected(def, track, calendar, time_ms)))) {
        track->alive_ms = time_ms;
    }
}

/* A reversal names no payment that we kept; by payer, amount and direction it is the newest such hit. */
static bool take_back(struct series_track *track, int64_t amount_minor)
{
    if (track->amount_minor != amount_minor) {
        return false;
    }
    if (track->hits <= 1) {
        *track = (struct series_track){0};
        return true;
    }
    if (track->alive_ms == track->hit_ms[0]) {
        track->alive_ms = track->hit_ms[1];
    }
    for (uint32_t i = 0; i + 1 < SERIES_HITS_KEPT; i++) {
        track->hit_ms[i] = track->hit_ms[i + 1];
    }
    for (uint32_t i = 0; i + 1 < SERIES_AMOUNTS_KEPT; i++) {
        track->amounts[i] = track->amounts[i + 1];
    }
    if (track->amount_count > 1) {
        track->amount_count--;
    }
    track->hits--;
    if (track->hits >= SERIES_HITS_KEPT) {
        track->hits = SERIES_HITS_KEPT - 1; /* what lay before is not known any more */
    }
    return true;
}

/* Close the hole that take_back left by freeing an entry in the middle: places are filled from the front. */
static void close_gap(struct series_state *state, struct series_track *track)
{
    struct series_track *last = &state->tracks[SERIES_TRACKS_MAX - 1];
    for (; track < last; track++) {
        track[0] = track[1];
    }
    *last = (struct series_track){0};
}

/* A payer that nobody knows pays what another was to pay these days, to within 4 %, while that one is silent:
 * it is the same one under a new name (a merger, a payroll service). */
static bool follow_rename(const struct series_def *def, struct series_state *state, uint64_t key,
                          int64_t time_ms, int64_t amount_minor, const struct calendar *calendar)
{
    struct series_track *found = NULL;
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        struct series_track *track = &state->tracks[i];
        if (track->key == key) {
            return false;
        }
        int64_t level = track->amounts[0];
        int64_t distance = amount_minor > level ? amount_minor - level : level - amount_minor;
        int32_t since = local_day(calendar, time_ms) - local_day(calendar, track->alive_ms);
        if (series_is_established(track) && distance <= level / 25 && since >= SAME_CYCLE_DAYS &&
            near(local_day(calendar, time_ms),
                 expected_day(track, local_day(calendar, track->alive_ms), 1),
                 def->tolerance_days)) {
            found = track;
        }
    }
    if (found != NULL) {
        found->key = key;
        found->renamed_ms = time_ms;
    }
    return found != NULL;
}

/* Can it be a payment of the series, whatever `where` says? */
static bool may_be_payment(const struct series_def *def, const struct event *event)
{
    return event->source == SOURCE_TRANSACTIONS && event->tx.direction == def->direction &&
           event->tx.status != TX_PENDING;
}

bool series_update(const struct series_def *def, struct series_state *state,
                   const struct event *event, const struct scope *scope, struct arena *scratch)
{
    return may_be_payment(def, event) &&
           (def->where == NULL || rules_holds(def->where, scope, scratch, NULL) == RULES_YES) &&
           series_update_matched(def, state, event, scope);
}

bool series_update_matched(const struct series_def *def, struct series_state *state,
                           const struct event *event, const struct scope *scope)
{
    const struct transaction *tx = &event->tx;
    uint64_t key = may_be_payment(def, event) ? track_key(tx) : 0;
    if (key == 0) {
        return false;
    }
    struct calendar calendar = {scope->zones, scope->customer->profile.zone};
    if (tx->status == TX_REVERSED) {
        for (uint32_t i = 0; i < SERIES_TRACKS_MAX; i++) {
            struct series_track *track = &state->tracks[i];
            if (track->key == key && take_back(track, tx->amount_minor)) {
                if (track->key == 0) {
                    close_gap(state, track);
                } else {
                    renew(def, track, &calendar);
                }
                return true;
            }
        }
        return false;
    }
    bool changed = false;
    if (def->follow_renames) {
        changed = follow_rename(def, state, key, event->time_ms, tx->amount_minor, &calendar);
    }
    struct series_track *track = track_take(state, key);
    if (track->key == 0) {
        track_start(track, key, event->time_ms, tx->amount_minor);
        return true;
    }
    if (event->time_ms >= track->due_ms && track->gaps < UINT8_MAX) {
        track->gaps++;
        changed = true;
    }
    if (!amount_fits(def, tx->amount_minor, track->amount_minor)) {
        other_amount(def, track, event->time_ms, tx->amount_minor, &calendar);
    } else if (hit_insert(track, event->time_ms, tx->amount_minor, &calendar)) {
        other_fold(track);
        track->other_minor = 0;
        track->first_ms = event->time_ms < track->first_ms ? event->time_ms : track->first_ms;
        track->alive_ms = event->time_ms > track->alive_ms ? event->time_ms : track->alive_ms;
    } else {
        return changed;
    }
    renew(def, track, &calendar);
    return true;
}

void series_renew(const struct series_def *def, struct series_state *state,
                  const struct zones *zones, int32_t zone)
{
    struct calendar calendar = {zones, zone};
    for (uint32_t i = 0; i < SERIES_TRACKS_MAX && state->tracks[i].key != 0; i++) {
        renew(def, &state->tracks[i], &calendar);
    }
}
