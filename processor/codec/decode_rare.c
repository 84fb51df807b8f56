/* SPDX-License-Identifier: Apache-2.0 */
/* The rarer instructions of a decode plan. */
#include "codec/decode_machine.h"

#include <math.h>

#include "base/invariant.h"

/* A decimal's bytes: two's complement, big-endian, any length whose value fits 64 bits. */
static bool decimal_value(struct slice bytes, int64_t *out)
{
    uint8_t sign = bytes.size > 0 && (bytes.data[0] & 0x80) != 0 ? 0xff : 0;
    while (bytes.size > 8) {
        if (bytes.data[0] != sign) {
            return false;
        }
        bytes = slice_of(bytes.data + 1, bytes.size - 1);
    }
    if (bytes.size == 8 && ((bytes.data[0] ^ sign) & 0x80) != 0) {
        return false;
    }
    uint64_t value = sign == 0 ? 0 : UINT64_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        value = value << 8 | bytes.data[i];
    }
    *out = (int64_t)value;
    return true;
}

static enum reject_reason take_amount(struct machine *m, const struct plan_op *op)
{
    struct slice bytes = {0};
    int64_t value = 0;
    if (op->code == PLAN_AMOUNT_BYTES) {
        enum reject_reason reason = take_sized(m, EVENT_STRING_SIZE_MAX, &bytes);
        if (reason != REJECT_NONE) {
            return reason;
        }
    } else {
        if (op->a > (size_t)(m->end - m->at)) {
            return REJECT_TRUNCATED;
        }
        bytes = slice_of(m->at, op->a);
        m->at += op->a;
    }
    if (!decimal_value(bytes, &value) || !machine_scale(value, op->number, false, &value)) {
        return REJECT_OUT_OF_RANGE;
    }
    store(m, op, &value, sizeof value);
    return REJECT_NONE;
}

static enum reject_reason take_float(struct machine *m, const struct plan_op *op)
{
    double value;
    float narrow;
    if (op->a > (size_t)(m->end - m->at)) {
        return REJECT_TRUNCATED;
    }
    if (op->a == sizeof narrow) {
        memcpy(&narrow, m->at, sizeof narrow);
        value = (double)narrow;
    } else {
        memcpy(&value, m->at, sizeof value);
    }
    m->at += op->a;
    if (op->code == PLAN_DOUBLE_FLOAT) {
        store(m, op, &value, sizeof value);
        return isfinite(value) ? REJECT_NONE : REJECT_OUT_OF_RANGE;
    }
    value = round(value * (double)op->number);
    if (!(fabs(value) < 9.0e18)) { /* NaN too */
        return REJECT_OUT_OF_RANGE;
    }
    int64_t amount = (int64_t)value;
    store(m, op, &amount, sizeof amount);
    return REJECT_NONE;
}

static enum reject_reason take_digits(struct machine *m, const struct plan_op *op)
{
    struct slice text = {0};
    enum reject_reason reason = take_text(m, &text);
    int64_t value = 0;
    if (reason != REJECT_NONE) {
        return reason;
    }
    bool negative = text.size > 1 && text.data[0] == '-';
    if (text.size == 0 || text.size > 18) {
        return REJECT_BAD_VALUE;
    }
    for (size_t i = negative; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return REJECT_BAD_VALUE;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    value = negative ? -value : value;
    if (op->a == 4 && (value < INT32_MIN || value > INT32_MAX)) {
        return REJECT_OUT_OF_RANGE;
    }
    store(m, op, &value, op->a); /* little-endian: base/bytes.h asserts it */
    return REJECT_NONE;
}

static enum reject_reason take_time_text(struct machine *m, const struct plan_op *op)
{
    struct slice text = {0};
    int64_t time_ms;
    int32_t day;
    enum reject_reason reason = take_text(m, &text);
    if (reason != REJECT_NONE) {
        return reason;
    }
    if (op->code == PLAN_TIME_TEXT) {
        if (!civil_parse_time(text, &time_ms)) {
            return REJECT_BAD_VALUE;
        }
        store(m, op, &time_ms, sizeof time_ms);
    } else {
        if (!civil_parse_date(text, &day)) {
            return REJECT_BAD_VALUE;
        }
        store(m, op, &day, sizeof day);
    }
    return REJECT_NONE;
}

static enum reject_reason take_date(struct machine *m, const struct plan_op *op)
{
    int64_t value = 0;
    enum reject_reason reason = take_long(m, &value);
    if (reason != REJECT_NONE) {
        return reason;
    }
    value = civil_floor(value, op->number);
    if (value < INT32_MIN || value > INT32_MAX) {
        return REJECT_OUT_OF_RANGE;
    }
    int32_t day = (int32_t)value;
    store(m, op, &day, sizeof day);
    return REJECT_NONE;
}

static enum reject_reason take_code_text(struct machine *m, const struct plan_op *op, uint8_t *out)
{
    struct slice text = {0};
    enum reject_reason reason = take_text(m, &text);
    if (reason != REJECT_NONE) {
        return reason;
    }
    for (uint32_t i = 0; i < op->b; i++) {
        if (slice_equal(m->plan->texts[op->a + i].text, text)) {
            *out = m->plan->texts[op->a + i].code;
            return REJECT_NONE;
        }
    }
    *out = (uint8_t)op->number;
    return op->number < 0 ? REJECT_BAD_VALUE : REJECT_NONE;
}

static enum reject_reason take_set_item(struct machine *m, const struct plan_op *op)
{
    uint32_t index, set;
    uint8_t code = 0;
    enum reject_reason reason;
    if (op->code == PLAN_SET_TEXT) {
        reason = take_code_text(m, op, &code);
    } else {
        reason = take_index(m, op->b, &index);
        if (reason == REJECT_NONE && (code = m->plan->codes[op->a + index]) == PLAN_CODE_UNKNOWN) {
            reason = REJECT_BAD_VALUE;
        }
    }
    if (reason == REJECT_NONE) {
        memcpy(&set, m->base + op->offset, sizeof set);
        set |= UINT32_C(1) << code;
        memcpy(m->base + op->offset, &set, sizeof set);
    }
    return reason;
}

static enum reject_reason take_map_entry(struct machine *m, const struct plan_op *op)
{
    struct engagement *app = &m->event->app;
    if (app->attribute_count == ATTRIBUTES_MAX) {
        return REJECT_TOO_LARGE;
    }
    struct attribute *attribute = &app->attributes[app->attribute_count];
    if (op->code == PLAN_MAP_KEY) {
        return take_text(m, &attribute->name);
    }
    enum reject_reason reason = take_text(m, &attribute->value);
    app->attribute_count = (uint8_t)(app->attribute_count + (reason == REJECT_NONE));
    return reason;
}

static enum reject_reason consent_begin(struct machine *m)
{
    struct profile_update *profile = &m->event->profile;
    if (profile->consent_count == CONSENTS_MAX) {
        return REJECT_TOO_LARGE;
    }
    struct consent *consent = &profile->consents[profile->consent_count];
    *consent = (struct consent){0};
    m->base = (uint8_t *)consent;
    m->present_outside = m->present;
    m->present = 0;
    return REJECT_NONE;
}

static enum reject_reason consent_end(struct machine *m, const struct plan_op *op)
{
    bool complete = ((uint64_t)op->number & ~m->present) == 0;
    m->base = (uint8_t *)m->event;
    m->present = m->present_outside;
    m->event->profile.consent_count++;
    return complete ? REJECT_NONE : REJECT_MISSING_FIELD;
}

static void put(struct machine *m, const struct plan_op *op)
{
    if (op->code == PLAN_PUT_STRING) {
        store(m, op, &m->plan->texts[op->a].text, sizeof(struct slice));
    } else if (op->code == PLAN_PUT_INT8) {
        store(m, op, &op->number, 1); /* little-endian */
    } else if (op->code == PLAN_PUT_INT32) {
        store(m, op, &op->number, 4);
    } else {
        store(m, op, &op->number, 8); /* PLAN_PUT_DOUBLE shares the bytes */
    }
}

static enum reject_reason take_double_long(struct machine *m, const struct plan_op *op)
{
    int64_t whole = 0;
    enum reject_reason reason = take_long(m, &whole);
    double value = reason == REJECT_NONE ? (double)whole : 0;
    store(m, op, &value, sizeof value);
    return reason;
}

static enum reject_reason take_symbol(struct machine *m, const struct plan_op *op)
{
    uint32_t index = 0;
    enum reject_reason reason = take_index(m, op->b, &index);
    if (reason == REJECT_NONE) {
        store(m, op, &m->plan->texts[op->a + index].text, sizeof(struct slice));
    }
    return reason;
}

/* Steps that read no value: places, presence, what stands in the plan itself. */
static enum reject_reason arrange(struct machine *m, const struct plan_op *op)
{
    switch ((int)op->code) {
    case PLAN_MARK:
        m->mark = m->at;
        break;
    case PLAN_BACK:
        m->at = m->mark;
        break;
    case PLAN_PRESENT:
        m->present |= UINT64_C(1) << op->bit;
        break;
    case PLAN_CONSENT_BEGIN:
        return consent_begin(m);
    case PLAN_CONSENT_END:
        return consent_end(m, op);
    default:
        put(m, op);
        break;
    }
    return REJECT_NONE;
}

/* Whatever run() does not do itself. All of these go on with the next op. */
enum reject_reason decode_rare(struct machine *m, const struct plan_op *op)
{
    uint8_t code;
    enum reject_reason reason;
    switch ((enum plan_code)op->code) {
    case PLAN_STRING_ENUM:
        return take_symbol(m, op);
    case PLAN_INT_TEXT:
        return take_digits(m, op);
    case PLAN_AMOUNT_BYTES:
    case PLAN_AMOUNT_FIXED:
        return take_amount(m, op);
    case PLAN_AMOUNT_FLOAT:
    case PLAN_DOUBLE_FLOAT:
        return take_float(m, op);
    case PLAN_DOUBLE_LONG:
        return take_double_long(m, op);
    case PLAN_TIME_TEXT:
    case PLAN_DATE_TEXT:
        return take_time_text(m, op);
    case PLAN_DATE:
        return take_date(m, op);
    case PLAN_CODE_TEXT:
        reason = take_code_text(m, op, &code);
        if (reason == REJECT_NONE) {
            store(m, op, &code, 1);
        }
        return reason;
    case PLAN_SET_ENUM:
    case PLAN_SET_TEXT:
        return take_set_item(m, op);
    case PLAN_MAP_KEY:
    case PLAN_MAP_VALUE:
        return take_map_entry(m, op);
    case PLAN_MARK:
    case PLAN_BACK:
    case PLAN_PRESENT:
    case PLAN_CONSENT_BEGIN:
    case PLAN_CONSENT_END:
    case PLAN_PUT_STRING:
    case PLAN_PUT_INT8:
    case PLAN_PUT_INT32:
    case PLAN_PUT_INT64:
    case PLAN_PUT_DOUBLE:
        return arrange(m, op);
    case PLAN_END:
    case PLAN_JUMP:
    case PLAN_CALL:
    case PLAN_RETURN:
    case PLAN_NULLABLE:
    case PLAN_UNION:
    case PLAN_LOOP:
    case PLAN_LOOP_NEXT:
    case PLAN_SKIP_INT:
    case PLAN_SKIP_LONG:
    case PLAN_SKIP_BOOL:
    case PLAN_SKIP_BYTES:
    case PLAN_SKIP_SIZED:
    case PLAN_SKIP_ENUM:
    case PLAN_STRING:
    case PLAN_INT32:
    case PLAN_INT64:
    case PLAN_BOOL:
    case PLAN_CODE_ENUM:
    case PLAN_CODE_COUNT:
        break;
    }
    invariant_failed(__FILE__, __LINE__, "a plan holds only ops that decode knows");
}
