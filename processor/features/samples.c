/* SPDX-License-Identifier: Apache-2.0 */
#include "features/samples.h"

#include "features/remembered.h"

static struct samples_head *head_of(const struct samples_plan *part, void *state)
{
    return state_at(state, part->offset);
}

static uint8_t *bytes_at(const struct samples_plan *part, void *state, uint32_t index)
{
    return (uint8_t *)state_at(state, part->offset) + sizeof(struct samples_head) +
           (size_t)index * part->stride;
}

void samples_init(const struct features_plan *plan, void *state)
{
    for (uint32_t i = 0; i < plan->samples_count; i++) {
        *head_of(&plan->samples[i], state) = (struct samples_head){.newest_ms = INT64_MIN};
    }
}

/* Cut on the edge of a UTF-8 character: back over continuation bytes. */
static struct slice cut_text(struct slice text)
{
    if (text.size > FEATURES_TEXT_SIZE) {
        text.size = FEATURES_TEXT_SIZE;
        while (text.size > 0 && (text.data[text.size] & 0xc0) == 0x80) {
            text.size--;
        }
    }
    return text;
}

static void write_sample(const struct samples_plan *part, void *state, uint32_t index,
                         struct sample sample, struct slice text)
{
    text = cut_text(text);
    if (part->with_text) {
        sample.text_size = (uint8_t)text.size;
        if (text.size > 0) {
            memcpy(sample.text, text.data, text.size);
        }
    }
    memcpy(bytes_at(part, state, index), &sample, part->stride);
}

bool samples_append(const struct samples_plan *part, void *state, int64_t time_ms, int64_t value,
                    struct slice text)
{
    struct samples_head *head = head_of(part, state);
    if (head->count == part->capacity) {
        head->lost = true;
        return false;
    }
    write_sample(part, state, head->count++, (struct sample){.time_ms = time_ms, .value = value},
                 text);
    return true;
}

/* Where an event of that time belongs. */
static uint32_t position(const struct samples_plan *part, const void *state, int64_t time_ms)
{
    uint32_t count = samples_head(part, state)->count;
    uint32_t at = 0;
    if (part->order == FEATURE_BY_ARRIVAL) {
        return part->oldest ? count : 0;
    }
    if (part->oldest) {
        for (at = count; at > 0 && samples_get(part, state, at - 1)->time_ms > time_ms; at--) {
        }
        return at;
    }
    while (at < count && samples_get(part, state, at)->time_ms > time_ms) {
        at++;
    }
    return at;
}

static void give(const struct samples_plan *part, void *state, const struct facts *facts)
{
    struct samples_head *head = head_of(part, state);
    uint32_t at = position(part, state, facts->time_ms);
    uint32_t last = head->count < part->capacity ? head->count : part->capacity - 1U;
    if (head->count == part->capacity) {
        head->lost = true;
        if (at >= part->capacity) {
            return;
        }
    } else {
        head->count++;
    }
    memmove(bytes_at(part, state, at + 1), bytes_at(part, state, at),
            (size_t)(last - at) * part->stride);
    struct slice text = {NULL, 0};
    if (part->with_text && part->feed.value != PLAN_NONE) {
        text = facts->texts[part->feed.value];
    }
    struct sample sample = {.time_ms = facts->time_ms, .value = feed_value(&part->feed, facts)};
    write_sample(part, state, at, sample, text);
}

/* Those that were pushed out come back while they are remembered: by time, and without texts, of which only the
 * hash is. */
static void refill(const struct features_plan *plan, const struct samples_plan *part, void *state)
{
    struct samples_head *head = head_of(part, state);
    if (part->order != FEATURE_BY_TIME || part->with_text) {
        return;
    }
    while (head->count < part->capacity) {
        struct sample next;
        int64_t than_ms = part->oldest ? INT64_MIN : INT64_MAX;
        than_ms = head->count > 0 ? samples_get(part, state, head->count - 1U)->time_ms : than_ms;
        if (!remembered_next(plan, state, &part->feed, than_ms, part->oldest, &next.time_ms,
                             &next.value)) {
            return;
        }
        (void)samples_append(part, state, next.time_ms, next.value, (struct slice){NULL, 0});
    }
}

/* The only one left stays when others are forgotten: what was last is then unknown, not never. */
static void take(const struct features_plan *plan, const struct samples_plan *part, void *state,
                 const struct facts *facts)
{
    struct samples_head *head = head_of(part, state);
    for (uint32_t i = 0; i < head->count; i++) {
        const struct sample *sample = samples_get(part, state, i);
        if (sample->time_ms != facts->time_ms || sample->value != feed_value(&part->feed, facts)) {
            continue;
        }
        head->count--;
        if (head->count > 0) {
            memmove(bytes_at(part, state, i), bytes_at(part, state, i + 1),
                    (size_t)(head->count - i) * part->stride);
        }
        refill(plan, part, state);
        if (head->count == 0 && head->lost) {
            head->count = 1; /* it still stands there */
        }
        return;
    }
}

void samples_apply(const struct features_plan *plan, void *state, const struct source_plan *source,
                   const struct facts *facts, int32_t sign)
{
    struct fed_walk walk = fed_walk(source, &source->samples, facts);
    for (const uint16_t *at = fed_next(&walk); at != NULL; at = fed_next(&walk)) {
        const struct samples_plan *part = &plan->samples[*at];
        if ((part->feed.accepts & facts->class) == 0) {
            continue;
        }
        bool has_value = feed_admits(&part->feed, facts);
        if (part->order == FEATURE_BY_TIME_STRICT && sign > 0) {
            struct samples_head *head = head_of(part, state);
            if (facts->time_ms < head->newest_ms) {
                continue;
            }
            head->newest_ms = facts->time_ms;
        }
        if (has_value && sign > 0) {
            give(part, state, facts);
        } else if (has_value) {
            take(plan, part, state, facts);
        }
    }
}
