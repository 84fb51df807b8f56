/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that runs decode plans. The hot instructions stand in run() itself, with the position
 * in a register; the others are functions that work on the machine. */
#include "codec/decode.h"

#include "codec/decode_machine.h"

/* Loops and calls ---------------------------------------------------------------------------------
 */

/* Read a block's header. left 0: the collection is over. */
static enum reject_reason block_begin(struct machine *m, struct frame *frame, bool zero_items)
{
    int64_t count, size;
    enum reject_reason reason = take_long(m, &count);
    frame->limit = NULL;
    if (reason == REJECT_NONE && count < 0) {
        if (count == INT64_MIN || (reason = take_long(m, &size)) != REJECT_NONE || size < 0) {
            return reason != REJECT_NONE ? reason : REJECT_BAD_VALUE;
        }
        if (size > m->end - m->at) {
            return REJECT_TRUNCATED;
        }
        count = -count;
        frame->limit = m->at + size;
    }
    if (reason != REJECT_NONE) {
        return reason;
    }
    if (zero_items) {
        if ((uint64_t)count > m->zero_items_left) {
            return REJECT_TOO_LARGE;
        }
        m->zero_items_left -= (uint64_t)count;
    } else if (count > m->end - m->at) {
        return REJECT_TRUNCATED; /* an item has at least a byte */
    }
    frame->left = (uint64_t)count;
    return REJECT_NONE;
}

static enum reject_reason loop_begin(struct machine *m, const struct plan_op *op, uint32_t *pc)
{
    if (m->depth == PLAN_FRAMES_MAX) {
        return REJECT_TOO_DEEP;
    }
    struct frame *frame = &m->frames[m->depth];
    frame->pc = *pc;
    frame->left = 0;
    enum reject_reason reason = block_begin(m, frame, op->b != 0);
    if (frame->left == 0) {
        *pc = op->a;
    } else {
        m->depth++;
        (*pc)++;
    }
    return reason;
}

static enum reject_reason loop_next(struct machine *m, uint32_t *pc)
{
    struct frame *frame = &m->frames[m->depth - 1];
    /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.ArraySubscript): a plan's loop ends in its begin's frame */
    const struct plan_op *loop = &m->plan->ops[frame->pc];
    if (--frame->left == 0) { /* NOLINT(clang-analyzer-core.uninitialized.Assign): as above */
        if (frame->limit != NULL && frame->limit != m->at) {
            return REJECT_BAD_VALUE; /* the block is not as long as it says */
        }
        enum reject_reason reason = block_begin(m, frame, loop->b != 0);
        if (reason != REJECT_NONE) {
            return reason;
        }
        if (frame->left == 0) {
            m->depth--;
            *pc = loop->a;
            return REJECT_NONE;
        }
    }
    *pc = frame->pc + 1;
    return REJECT_NONE;
}

static enum reject_reason call(struct machine *m, const struct plan_op *op, uint32_t *pc)
{
    if (m->depth == PLAN_FRAMES_MAX) {
        return REJECT_TOO_DEEP;
    }
    m->frames[m->depth++].pc = *pc + 1;
    *pc = op->a;
    return REJECT_NONE;
}

/* Numbers. `op->b` is 1 when the writer says int: 32 bits, whatever the bytes say. */
static inline enum reject_reason take_number(struct machine *m, const struct plan_op *op)
{
    int64_t value = 0;
    enum reject_reason reason = take_long(m, &value);
    if (UNLIKELY(reason != REJECT_NONE)) {
        return reason;
    }
    if (UNLIKELY(op->b != 0 && value != (int32_t)value)) {
        return REJECT_BAD_VALUE;
    }
    if (op->code == PLAN_INT32) {
        int32_t narrow = (int32_t)value;
        store(m, op, &narrow, sizeof narrow);
        return narrow == value ? REJECT_NONE : REJECT_OUT_OF_RANGE;
    }
    if (op->number != 1 && UNLIKELY(!machine_scale(value, op->number, true, &value))) {
        return REJECT_OUT_OF_RANGE;
    }
    store(m, op, &value, sizeof value);
    return REJECT_NONE;
}

static inline enum reject_reason take_bool(struct machine *m, bool *out)
{
    if (m->at == m->end) {
        return REJECT_TRUNCATED;
    }
    *out = *m->at == 1;
    return *m->at++ > 1 ? REJECT_BAD_VALUE : REJECT_NONE;
}

static inline enum reject_reason run_skip(struct machine *m, const struct plan_op *op)
{
    int64_t value = 0;
    uint32_t index;
    bool flag;
    struct slice bytes;
    enum reject_reason reason;
    switch (op->code) {
    case PLAN_SKIP_SIZED:
        return take_sized(m, SIZE_MAX, &bytes);
    case PLAN_SKIP_INT:
        reason = take_long(m, &value);
        return reason == REJECT_NONE && value != (int32_t)value ? REJECT_BAD_VALUE : reason;
    case PLAN_SKIP_LONG:
        return take_long(m, &value);
    case PLAN_SKIP_ENUM:
        return take_index(m, op->b, &index);
    case PLAN_SKIP_BYTES:
        if (op->a > (size_t)(m->end - m->at)) {
            return REJECT_TRUNCATED;
        }
        m->at += op->a;
        return REJECT_NONE;
    default:
        return take_bool(m, &flag);
    }
}

static inline enum reject_reason run_kept(struct machine *m, const struct plan_op *op)
{
    struct slice text = {NULL, 0};
    uint32_t index;
    bool flag = false;
    uint8_t code;
    enum reject_reason reason;
    switch (op->code) {
    case PLAN_STRING:
        reason = take_text(m, &text);
        store(m, op, &text, sizeof text);
        return reason;
    case PLAN_CODE_ENUM:
        reason = take_index(m, op->b, &index);
        if (UNLIKELY(reason != REJECT_NONE)) {
            return reason;
        }
        code = m->plan->codes[op->a + index];
        store(m, op, &code, 1);
        return code == PLAN_CODE_UNKNOWN ? REJECT_BAD_VALUE : REJECT_NONE;
    default:
        reason = take_bool(m, &flag);
        store(m, op, &flag, sizeof flag);
        return reason;
    }
}

static enum reject_reason run(struct machine *m, const struct plan_op **out_op)
{
    const struct plan *plan = m->plan;
    enum reject_reason reason = REJECT_NONE;
    uint32_t index, pc = plan->entry;
    for (;;) {
        const struct plan_op *op = &plan->ops[pc];
        switch (op->code) {
        case PLAN_END:
            *out_op = NULL;
            return REJECT_NONE;
        case PLAN_SKIP_INT:
        case PLAN_SKIP_LONG:
        case PLAN_SKIP_BOOL:
        case PLAN_SKIP_BYTES:
        case PLAN_SKIP_SIZED:
        case PLAN_SKIP_ENUM:
            reason = run_skip(m, op);
            pc++;
            break;
        case PLAN_STRING:
        case PLAN_CODE_ENUM:
        case PLAN_BOOL:
            reason = run_kept(m, op);
            pc++;
            break;
        case PLAN_INT32:
        case PLAN_INT64:
            reason = take_number(m, op);
            pc++;
            break;
        case PLAN_NULLABLE:
            reason = take_index(m, 2, &index);
            pc = reason == REJECT_NONE && index == op->a ? op->b : pc + 1;
            break;
        case PLAN_UNION:
            reason = take_index(m, op->b, &index);
            pc = reason == REJECT_NONE ? plan->targets[op->a + index] : pc;
            break;
        case PLAN_JUMP:
            pc = op->a;
            break;
        case PLAN_LOOP:
            reason = loop_begin(m, op, &pc);
            break;
        case PLAN_LOOP_NEXT:
            reason = loop_next(m, &pc);
            break;
        case PLAN_CALL:
            reason = call(m, op, &pc);
            break;
        case PLAN_RETURN:
            /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): a plan returns from calls only */
            pc = m->frames[--m->depth].pc;
            break;
        default:
            reason = decode_rare(m, op);
            pc++;
            break;
        }
        if (UNLIKELY(reason != REJECT_NONE)) {
            *out_op = op;
            return reason;
        }
    }
}

static void machine_begin(struct machine *m, const struct plan *plan, struct slice bytes,
                          struct event *event)
{
    event->customer_id = event->event_id = (struct slice){NULL, 0};
    event->time_ms = 0;
    event->source = (uint8_t)plan->source;
    memset((uint8_t *)event + offsetof(struct event, tx), 0, plan->clear_size);
    m->at = bytes.data;
    m->end = bytes.data + bytes.size;
    m->base = (uint8_t *)event;
    m->event = event;
    m->plan = plan;
    m->present = 0;
    m->zero_items_left = PLAN_ZERO_ITEMS_MAX;
    m->depth = 0;
}

/* The machine is at the record's end, or where `reason` was noticed. */
static inline bool machine_end(struct machine *m, const struct plan_op *op, struct slice bytes,
                               enum reject_reason reason, struct reject *out_reject)
{
    const struct plan *plan = m->plan;
    m->event->present = m->present;
    if (LIKELY(reason == REJECT_NONE && (plan->required & ~m->present) == 0)) {
        return event_check(m->event, out_reject);
    }
    *out_reject = (struct reject){.reason = reason,
                                  .at = (uint32_t)(m->at - bytes.data),
                                  .field = op == NULL ? NULL : op->path};
    if (reason == REJECT_NONE) {
        out_reject->reason = REJECT_MISSING_FIELD;
        out_reject->field =
            fields_of(plan->source)->fields[__builtin_ctzll(plan->required & ~m->present)].name;
    }
    return false;
}

bool decode_event(const struct plan *plan, struct slice payload, size_t record_size_max,
                  struct event *out_event, struct reject *out_reject)
{
    struct machine m;
    const struct plan_op *op = NULL;
    if (payload.size > record_size_max) {
        *out_reject = (struct reject){.reason = REJECT_TOO_LARGE};
        return false;
    }
    machine_begin(&m, plan, payload, out_event);
    enum reject_reason reason = run(&m, &op);
    if (UNLIKELY(reason == REJECT_NONE && m.at != m.end)) {
        reason = REJECT_TRAILING_BYTES;
    }
    return machine_end(&m, op, payload, reason, out_reject);
}

bool decode_next(const struct plan *plan, struct slice bytes, size_t record_size_max,
                 struct event *out_event, size_t *out_size, struct reject *out_reject)
{
    struct machine m;
    const struct plan_op *op = NULL;
    bool more = bytes.size > record_size_max;
    if (more) {
        bytes.size = record_size_max;
    }
    machine_begin(&m, plan, bytes, out_event);
    enum reject_reason reason = run(&m, &op);
    *out_size = reason == REJECT_NONE ? (size_t)(m.at - bytes.data) : 0;
    if (more && reason == REJECT_TRUNCATED) {
        reason = REJECT_TOO_LARGE;
    }
    return machine_end(&m, op, bytes, reason, out_reject);
}

enum source plan_source(const struct plan *plan)
{
    return plan->source;
}

uint64_t plan_fields(const struct plan *plan)
{
    return plan->fields;
}
