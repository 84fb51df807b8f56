/* SPDX-License-Identifier: Apache-2.0 */
/* The newest (or oldest) matching events of a feature as (time, value), newest first: what `last`, `nth`,
 * `top`, quantiles, sessions and sequences are computed from. By time, the set does not depend on the order of
 * arrival; equal times stand by arrival, the later one in front. */
#ifndef FEATURES_SAMPLES_H
#define FEATURES_SAMPLES_H

#include "features/plan.h"

struct sample {
    int64_t time_ms;
    int64_t value; /* number, a double's bits, or the hash of the text */
    /* only in parts with_text: */
    uint8_t text_size;
    uint8_t text[FEATURES_TEXT_SIZE];
};

enum { SAMPLE_SIZE = 16, SAMPLE_TEXT_SIZE = 40 };
_Static_assert(sizeof(struct sample) == SAMPLE_TEXT_SIZE, "stride of a sample with text");

struct samples_head {
    /* FEATURE_BY_TIME_STRICT: latest time of any matching event, with a value or not */
    int64_t newest_ms;
    uint16_t count;
    bool lost; /* a matching event is no longer here */
    uint8_t reserved[5];
};

void samples_init(const struct features_plan *plan, void *state);
void samples_apply(const struct features_plan *plan, void *state, const struct source_plan *source,
                   const struct facts *facts, int32_t sign);

static inline const struct samples_head *samples_head(const struct samples_plan *part,
                                                      const void *state)
{
    return state_at_const(state, part->offset);
}

/* `index` 0 is the newest (in parts that keep the oldest: the oldest). INVARIANT: index < count. Only the first
 * SAMPLE_SIZE bytes exist in parts without text. */
static inline const struct sample *samples_get(const struct samples_plan *part, const void *state,
                                               uint32_t index)
{
    return state_at_const(state, part->offset + (uint32_t)sizeof(struct samples_head) +
                                     index * part->stride);
}

static inline struct slice sample_text(const struct sample *sample)
{
    return slice_of(sample->text, sample->text_size);
}

/* Append as the last one (unpacking). False when it is full. */
bool samples_append(const struct samples_plan *part, void *state, int64_t time_ms, int64_t value,
                    struct slice text);

#endif
