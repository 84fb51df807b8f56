/* SPDX-License-Identifier: Apache-2.0 */
/* What is still known of the last evaluation at this moment, and what this one leaves to the next. */
#include "engine/recall.h"

#include "engine/event_index.h"

#include "base/invariant.h"

static struct recall_head *head_of(const struct work *work)
{
    return part(work->customer, work->engine->recall);
}

static uint64_t *bits_of(const struct work *work)
{
    return (uint64_t *)(head_of(work) + 1);
}

static int64_t *times_at(const struct work *work, size_t offset)
{
    return (int64_t *)part(head_of(work), offset);
}

static void clear(struct work *work, uint32_t row)
{
    work->rows[work->row_count++] = (uint16_t)row;
}

/* Something may be held back because its source is silent, and nobody tells the customer when it speaks again. */
static bool any_silent(const struct work *work)
{
    const int64_t *from_ms = work->scope.silent_from_ms;
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        if (from_ms[i] != INT64_MAX) {
            return true;
        }
    }
    return false;
}

/* The least moment of `count` definitions that must all be looked at; of none there is none. */
static int64_t nothing_known(uint32_t count)
{
    return count > 0 ? INT64_MIN : INT64_MAX;
}

static void forget(struct work *work)
{
    const struct engine *engine = work->engine;
    struct recall_head *head = head_of(work);
    *head = (struct recall_head){
        .life_ms = nothing_known(engine->playbook->life.count),
        .segments_ms = nothing_known(engine->playbook->segments.count),
        .series_ms = nothing_known(engine->playbook->series_count),
        .watch_ms = INT64_MIN,
        .clock_ms = INT64_MAX,
        .age_until = INT32_MIN,
    };
    memset(bits_of(work), 0, engine->reads.width * sizeof(uint64_t));
    for (uint32_t i = 0; i < engine->playbook->life.count; i++) {
        times_at(work, engine->recall_life)[i] = INT64_MIN;
    }
    for (uint32_t i = 0; i < engine->playbook->segments.count; i++) {
        times_at(work, engine->recall_segments)[i] = INT64_MIN;
    }
    for (uint32_t i = 0; i < engine->playbook->series_count; i++) {
        times_at(work, engine->recall_series)[i] = INT64_MIN;
    }
    features_dues_init(engine->playbook->features, part(head, engine->recall_dues));
    for (uint32_t i = 0; i < engine->playbook->feature_count; i++) {
        recall_put(work->touched, i, true);
    }
    work->series_touched = UINT32_MAX;
    work_forget_series(work, UINT32_MAX);
}

/* Rows of the fields that are not as they were: a payment that was expected moves few of them. */
static void clear_series(struct work *work, uint32_t number)
{
    const uint64_t *asked_for = work->engine->reads.asked_for;
    uint32_t first = work->engine->playbook->series[number].first_feature;
    for (uint32_t rest = work_renew_series(work, number); rest != 0; rest &= rest - 1) {
        uint32_t field = (uint32_t)__builtin_ctz(rest);
        if (field < SERIES_FIELD_COUNT && recall_has(asked_for, first + field)) {
            clear(work, first + field);
        }
    }
}

/* Rows of what was touched; the series whose moment has come are. */
static void clear_touched(struct work *work)
{
    const struct engine *engine = work->engine;
    const struct playbook *playbook = engine->playbook;
    for (uint32_t word = 0; word * 64 < playbook->feature_count; word++) {
        uint64_t rest = work->touched[word] & engine->reads.asked_for[word];
        for (; rest != 0; rest &= rest - 1) {
            clear(work, word * 64 + (uint32_t)__builtin_ctzll(rest));
        }
    }
    bool due = head_of(work)->series_ms <= work->scope.now_ms;
    for (uint32_t i = 0; due && i < playbook->series_count; i++) {
        if (times_at(work, engine->recall_series)[i] <= work->scope.now_ms) {
            work->series_touched |= UINT32_C(1) << i;
        }
    }
    for (uint32_t rest = work->series_touched; rest != 0; rest &= rest - 1) {
        clear_series(work, (uint32_t)__builtin_ctz(rest));
    }
}

/* Rows together, where something that has been said stands in them: most words are not set. */
struct joined {
    uint64_t words[READS_WIDTH_MAX / 64]; /* a bit each that is */
    uint64_t row[READS_WIDTH_MAX];
};

static void join_rows(const struct work *work, struct joined *out)
{
    const struct reads *reads = &work->engine->reads;
    const uint64_t *bits = bits_of(work);
    memset(out->words, 0, sizeof(out->words));
    for (uint32_t i = 0; i < work->row_count; i++) {
        uint32_t row = work->rows[i], end = reads->row_ends[row];
        for (uint32_t k = row > 0 ? reads->row_ends[row - 1] : 0; k < end; k++) {
            const struct read_word *word = &reads->row_words[k];
            if ((bits[word->at] & word->bits) != 0) {
                bool more = recall_has(out->words, word->at);
                out->row[word->at] = word->bits | (more ? out->row[word->at] : 0);
                recall_put(out->words, word->at, true);
            }
        }
    }
}

/* Before a condition or leaf is asked out of its stage. */
static struct step *step_to_ask(struct work *work)
{
    work->restless = 0;
    arena_reset(&work->scratch);
    work->step.recall = &work->life_recall; /* verdicts and clock are all stages' */
    return &work->step;
}

/* Does the condition, which is not known, say what it said? */
static bool says_the_same(struct work *work, const struct condition *condition, uint64_t said)
{
    struct step *step = step_to_ask(work);
    enum rules_truth truth = condition_holds(condition, step, NULL);
    step->recall = NULL;
    return work->restless == 0 && 1U + (uint64_t)truth == said;
}

static bool leaf_says_the_same(struct work *work, const struct read_condition *read, uint64_t said)
{
    struct step *step = step_to_ask(work);
    bool same = condition_leaf_says(read->condition, read->leaf, said, step);
    step->recall = NULL;
    return same;
}

/* What that condition or leaf has said is cleared: may its definition stay settled? */
static bool stays_settled(struct work *work, const struct read_condition *read, uint64_t said)
{
    const struct condition *condition = read->condition;
    uint64_t *bits = bits_of(work);
    bool asked = recall_has(bits, read->settled) && !read->reads_names && !work->passed_over;
    if (read->leaf == READS_WHOLE) {
        return asked && says_the_same(work, condition, said);
    }
    uint64_t verdict = recall_said(bits, condition->number);
    if (verdict == 0) {
        return true; /* another leaf has turned, and was seen to */
    }
    if (asked && leaf_says_the_same(work, read, said)) {
        return true;
    }
    recall_say(bits, condition->number, 0);
    return asked && says_the_same(work, condition, verdict);
}

/* What has been said of these conditions and leaves is cleared; a settled definition stays so while each condition
 * says it again. It did not ask one of which nothing is known, so that one cannot matter to it either. */
static void ask_again(struct work *work, uint32_t at, uint64_t said)
{
    const struct read_condition *conditions = work->engine->reads.conditions;
    while (said != 0) {
        uint32_t shift = (uint32_t)__builtin_ctzll(said) & ~1U;
        uint64_t before = said >> shift & 3;
        const struct read_condition *read = &conditions[at * 32 + shift / 2];
        said &= ~(UINT64_C(3) << shift);
        if (read->settled != READS_NOBODY && !stays_settled(work, read, before)) {
            recall_put(bits_of(work), read->settled, false);
        }
    }
}

/* First the leaves of mixed conditions, which the event's signals ask, and the settled definitions, so that nothing
 * is asked for those which are looked at anyway. */
static void clear_rows(struct work *work)
{
    const struct reads *reads = &work->engine->reads;
    uint64_t *bits = bits_of(work);
    struct joined joined;
    uint32_t end = reads->width;
    join_rows(work, &joined);
    for (uint32_t at = recall_find(joined.words, true, reads->mixed_at, end); at < end;
         at = recall_find(joined.words, true, at + 1, end)) {
        bits[at] &= ~joined.row[at];
    }
    if (!work->passed_over && life_is_informed(work->scope.event)) {
        event_index_wake(work);
    }
    end = reads->mixed_at;
    for (uint32_t at = recall_find(joined.words, true, 0, end); at < end;
         at = recall_find(joined.words, true, at + 1, end)) {
        uint64_t said = bits[at] & joined.row[at];
        bits[at] &= ~said;
        ask_again(work, at, said);
    }
}

void recall_begin(struct work *work)
{
    const struct engine *engine = work->engine;
    const struct playbook *playbook = engine->playbook;
    const struct event *event = work->scope.event;
    struct recall_head *head = head_of(work);
    work->row_count = 0;
    work->moment =
        features_moment(playbook->features, part(work->customer, engine->features), &work->scope);
    work_read_features(work);
    work->keeps_series = !engine->options.look_at_all;
    bool profile = event != NULL && event->source == SOURCE_CUSTOMER_PROFILES;
    if (!head->known || profile || engine->options.look_at_all || any_silent(work)) {
        forget(work);
    } else {
        features_dues_reached(playbook->features, part(head, engine->recall_dues), &work->moment,
                              work->touched);
        features_add_readers(playbook->features, work->touched);
        clear_touched(work);
        uint32_t inputs = engine->reads.input_rows;
        clear(work, inputs + READS_ALWAYS);
        if (work->moment.today != head->today) {
            clear(work, inputs + READS_DAY);
        }
        if (work->scope.now_ms >= head->clock_ms) {
            head->clock_ms = INT64_MAX;
            clear(work, inputs + READS_CLOCK);
        }
        if (event != NULL) {
            clear(work, inputs + READS_EVENT);
        }
        if (event != NULL && event->source == SOURCE_LIFE_EVENT_FEEDBACK) {
            clear(work, inputs + READS_FEEDBACK);
        }
    }
    if (work->moment.today >= head->age_until || work->moment.today < head->today) {
        head->age_until = rules_age_until(&work->customer->profile, work->moment.today);
        clear(work, engine->reads.input_rows + READS_AGE);
    }
    head->today = work->moment.today;
    uint64_t *bits = bits_of(work);
    memset(work->looked, 0, sizeof(work->looked));
    work->life_recall =
        (struct recall){.bits = bits,
                        .twins = engine->reads.twins,
                        .width = engine->reads.width,
                        .settled = bits + engine->reads.life_at,
                        .in = &head->life_in,
                        .open = &head->life_open,
                        .next_ms = times_at(work, engine->recall_life),
                        .least_ms = &head->life_ms,
                        .clock_ms = &head->clock_ms,
                        .row = reads_row(&engine->reads, engine->reads.input_rows + READS_LIFE),
                        .looked = work->looked};
    work->segments_recall =
        (struct recall){.bits = bits,
                        .twins = engine->reads.twins,
                        .width = engine->reads.width,
                        .settled = bits + engine->reads.segments_at,
                        .in = head->segments_in,
                        .next_ms = times_at(work, engine->recall_segments),
                        .least_ms = &head->segments_ms,
                        .clock_ms = &head->clock_ms,
                        .row = reads_row(&engine->reads, engine->reads.input_rows + READS_SEGMENTS),
                        .looked = work->looked + 1};
    clear_rows(work);
}

void recall_pass_over(struct work *work)
{
    uint32_t life = work->engine->playbook->life.count,
             segments = work->engine->playbook->segments.count;
    for (uint32_t i = 0; i < life; i++) {
        recall_put(work->life_recall.looked, i, !recall_has(work->life_recall.settled, i));
    }
    for (uint32_t i = 0; i < segments; i++) {
        recall_put(work->segments_recall.looked, i, !recall_has(work->segments_recall.settled, i));
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_of_series(struct work *work)
{
    const struct engine *engine = work->engine;
    const struct playbook *playbook = engine->playbook;
    const struct series_state *series = part_of(work->customer, engine->series);
    int64_t *next_ms = times_at(work, engine->recall_series);
    int64_t least = INT64_MAX;
    if (work->series_touched == 0) {
        return head_of(work)->series_ms;
    }
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        if ((work->series_touched >> i & 1) != 0) {
            int64_t change_ms = series_next_change(
                &playbook->series[i], &series[i], engine->zones, work->customer->profile.zone,
                scope_judged_until(&work->scope, SOURCE_TRANSACTIONS));
            next_ms[i] = scope_absence_due(&work->scope, SOURCE_TRANSACTIONS, change_ms);
        }
        least = earlier(least, next_ms[i]);
    }
    head_of(work)->series_ms = least;
    return least;
}

int64_t recall_end(struct work *work)
{
    const struct engine *engine = work->engine;
    const struct playbook *playbook = engine->playbook;
    struct recall_head *head = head_of(work);
    int64_t now_ms = work->scope.now_ms;
    int64_t next =
        features_dues_settle(playbook->features, part_of(work->customer, engine->features),
                             part(head, engine->recall_dues), &work->moment, work->touched,
                             work->scope.event != NULL ? &work->outcome : NULL);
    next = earlier(next, next_of_series(work));
    next =
        earlier(next, life_next_change(&engine->reads.life, part_of(work->customer, engine->life),
                                       &work->life_recall, &work->scope));
    next = earlier(next, segments_next_change(&engine->reads.segments,
                                              part_of(work->customer, engine->segments),
                                              &work->segments_recall, now_ms));
    if (head->watch_ms <= now_ms) {
        head->watch_ms = rules_next_change(&playbook->watch, &work->scope);
    }
    head->known = !any_silent(work); /* what it said then may be otherwise when its source speaks */
    return earlier(next, head->watch_ms);
}
