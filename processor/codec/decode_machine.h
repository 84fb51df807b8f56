/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of decode.c, shared with decode_rare.c: where it stands, and how it takes the simple
 * values. */
#ifndef CODEC_DECODE_MACHINE_H
#define CODEC_DECODE_MACHINE_H

#include "base/civil.h"
#include "codec/decode.h"
#include "codec/plan_ops.h"
#include "codec/varint.h"

/* A loop over items, or a call. */
struct frame {
    uint32_t pc;          /* of the PLAN_LOOP, or of the op after the PLAN_CALL */
    uint64_t left;        /* items of this block */
    const uint8_t *limit; /* where the block says that it ends, or NULL */
};

struct machine {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *mark;
    uint8_t *base; /* the event, or the consent under construction */
    struct event *event;
    const struct plan *plan;
    uint64_t present;
    uint64_t present_outside; /* the event's, while in a consent */
    uint64_t zero_items_left;
    uint32_t depth;
    struct frame frames[PLAN_FRAMES_MAX];
};

static inline void store(struct machine *m, const struct plan_op *op, const void *value,
                         size_t size)
{
    memcpy(m->base + op->offset, value, size);
    m->present |= UINT64_C(1) << op->bit;
}

static inline enum reject_reason take_long(struct machine *m, int64_t *out)
{
    const uint8_t *after = varint_read(m->at, m->end, out);
    if (UNLIKELY(after == NULL)) {
        return varint_reason(m->at, m->end);
    }
    m->at = after;
    return REJECT_NONE;
}

/* A length-prefixed value of at most `size_max` bytes. */
static inline enum reject_reason take_sized(struct machine *m, size_t size_max, struct slice *out)
{
    int64_t size = 0;
    const uint8_t *after = varint_read(m->at, m->end, &size);
    if (UNLIKELY(after == NULL)) {
        return varint_reason(m->at, m->end);
    }
    if (UNLIKELY((uint64_t)size > (uint64_t)(m->end - after))) {
        return size < 0 ? REJECT_BAD_VALUE : REJECT_TRUNCATED;
    }
    if (UNLIKELY((uint64_t)size > size_max)) {
        return REJECT_TOO_LARGE;
    }
    *out = slice_of(after, (size_t)size);
    m->at = after + size;
    return REJECT_NONE;
}

/* Most texts are ASCII: see that here, with no call, by words and one last word that overlaps. */
static inline bool is_ascii(struct slice text)
{
    uint64_t bits = 0, word;
    size_t i = 0;
    if (text.size < 8) {
        for (; i < text.size; i++) {
            bits |= text.data[i];
        }
        return (bits & 0x80) == 0;
    }
    for (; i + 8 < text.size; i += 8) {
        memcpy(&word, text.data + i, 8);
        bits |= word;
    }
    memcpy(&word, text.data + text.size - 8, 8);
    return ((bits | word) & UINT64_C(0x8080808080808080)) == 0;
}

static inline enum reject_reason take_text(struct machine *m, struct slice *out)
{
    *out = (struct slice){0};
    enum reject_reason reason = take_sized(m, EVENT_STRING_SIZE_MAX, out);
    if (LIKELY(reason == REJECT_NONE) && UNLIKELY(!is_ascii(*out)) && !utf8_is_valid(*out)) {
        return REJECT_BAD_UTF8;
    }
    return reason;
}

/* Below 0 or beyond `count`: the union or enum index is wrong. */
static inline enum reject_reason take_index(struct machine *m, uint32_t count, uint32_t *out)
{
    int64_t index = 0;
    enum reject_reason reason = take_long(m, &index);
    if (reason != REJECT_NONE || (uint64_t)index >= count) {
        return reason != REJECT_NONE ? reason : REJECT_BAD_VALUE;
    }
    *out = (uint32_t)index;
    return REJECT_NONE;
}

/* number > 0 multiplies; < 0 divides, rounding half away from zero (money) or down (`floor`,
 * times). */
static inline bool machine_scale(int64_t value, int64_t number, bool floor, int64_t *out)
{
    if (number > 0) {
        return !__builtin_mul_overflow(value, number, out);
    }
    int64_t unit = -number;
    int64_t quotient = civil_floor(value, unit);
    int64_t rest = value - quotient * unit; /* 0 .. unit - 1 */
    bool up = !floor && (value >= 0 ? rest >= unit - rest : rest > unit - rest);
    *out = quotient + up;
    return true;
}

/* Run an op that run() does not do itself; the next op follows. INVARIANT: it is one of those. */
enum reject_reason decode_rare(struct machine *m, const struct plan_op *op);

#endif
