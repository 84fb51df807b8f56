/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/change_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_SIZE = 5, TRANSITION_ENTERED = 0, TRANSITION_EXITED = 1, NUMBER_SIZE = 24 };

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static int64_t take_long(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
        }
    }
    cursor->bad = true;
    return 0;
}

static struct slice take_text(struct cursor *cursor)
{
    int64_t size = take_long(cursor);
    if (cursor->bad || size < 0 || size > cursor->end - cursor->at) {
        cursor->bad = true;
        return (struct slice){NULL, 0};
    }
    struct slice text = slice_of(cursor->at, (size_t)size);
    cursor->at += size;
    return text;
}

/* ["null", ..]: is there something? */
static bool take_present(struct cursor *cursor)
{
    int64_t branch = take_long(cursor);
    cursor->bad |= branch != 0 && branch != 1;
    return branch == 1 && !cursor->bad;
}

static struct slice take_optional_text(struct cursor *cursor)
{
    return take_present(cursor) ? take_text(cursor) : (struct slice){NULL, 0};
}

static void skip_optional_long(struct cursor *cursor)
{
    if (take_present(cursor)) {
        (void)take_long(cursor);
    }
}

/* How many items the next block of an array has; 0: the array is over. */
static int64_t take_block(struct cursor *cursor)
{
    int64_t count = take_long(cursor);
    if (count < 0) {
        (void)take_long(cursor); /* its size in bytes */
        count = -count;
    }
    return cursor->bad ? 0 : count;
}

static void take_cause(struct cursor *cursor, struct change *change)
{
    if (!take_present(cursor)) {
        cursor->bad = true;
        return;
    }
    (void)take_text(cursor); /* topic */
    change->cause_partition = take_long(cursor);
    change->cause_offset = take_long(cursor);
    change->cause_ms = take_long(cursor);
    (void)take_optional_text(cursor); /* event_id */
    (void)take_text(cursor);          /* type */
}

static bool take_number(struct slice text, int64_t *out)
{
    char digits[NUMBER_SIZE];
    char *end;
    if (text.size == 0 || text.size >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    *out = strtoll(digits, &end, 10);
    return *end == '\0';
}

/* Every leaf; the two figures of the output are values of leaves that read those features. */
static void take_proof(struct cursor *cursor, struct change *change)
{
    bool count_seen = false, debit_seen = false;
    for (int64_t left = take_block(cursor); left > 0 && !cursor->bad; left = take_block(cursor)) {
        for (; left > 0 && !cursor->bad; left--) {
            (void)take_text(cursor); /* leaf_id */
            (void)take_text(cursor); /* expr */
            struct slice value = take_optional_text(cursor);
            (void)take_optional_text(cursor); /* threshold */
            (void)take_long(cursor);          /* polarity */
            struct slice feature = take_optional_text(cursor);
            (void)take_long(cursor); /* as_of */
            cursor->bad |= cursor->at >= cursor->end;
            cursor->at++; /* holds */
            count_seen |= slice_is(feature, "f.count_7d") && take_number(value, &change->count_7d);
            debit_seen |=
                slice_is(feature, "f.debit_30d") && take_number(value, &change->debit_30d);
        }
    }
    cursor->bad |= !count_seen || !debit_seen;
}

bool change_read(struct slice value, struct change *out_change)
{
    struct cursor cursor = {value.data, value.data + value.size, false};
    if (value.size < FRAME_SIZE || value.data[0] != 0) {
        return false;
    }
    cursor.at += FRAME_SIZE;
    out_change->customer = take_text(&cursor);
    out_change->segment = take_text(&cursor);
    (void)take_long(&cursor); /* definition_version */
    (void)take_text(&cursor); /* definition_hash */
    int64_t transition = take_long(&cursor);
    out_change->entered = transition == TRANSITION_ENTERED;
    (void)take_long(&cursor);    /* origin */
    (void)take_long(&cursor);    /* effective_at */
    (void)take_long(&cursor);    /* processed_at */
    skip_optional_long(&cursor); /* valid_until */
    (void)take_long(&cursor);    /* membership_seq */
    skip_optional_long(&cursor); /* entered_at */
    skip_optional_long(&cursor); /* previous_exit_at */
    take_cause(&cursor, out_change);
    take_proof(&cursor, out_change);
    for (int64_t left = take_block(&cursor); left > 0 && !cursor.bad; left = take_block(&cursor)) {
        for (; left > 0; left--) {
            (void)take_text(&cursor); /* missing_features */
        }
    }
    (void)take_optional_text(&cursor); /* purpose */
    (void)take_optional_text(&cursor); /* data_category */
    (void)take_optional_text(&cursor); /* need */
    return !cursor.bad && cursor.at == cursor.end &&
           (transition == TRANSITION_ENTERED || transition == TRANSITION_EXITED);
}

void change_print(const struct change *change, FILE *out)
{
    (void)fprintf(out, "%.*s %.*s %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
                  SLICE_ARG(change->customer), SLICE_ARG(change->segment),
                  change->entered ? "ENTERED" : "EXITED", change->cause_ms, change->cause_partition,
                  change->cause_offset, change->count_7d, change->debit_30d);
}
