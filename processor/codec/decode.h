/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes -> struct event, by a plan. Input is hostile until proven otherwise: every length is checked
 * against what is left, nothing is allocated, nothing recurses, leftovers are refused. */
#ifndef CODEC_DECODE_H
#define CODEC_DECODE_H

#include "codec/plan.h"
#include "model/event.h"
#include "model/reject.h"

enum { DECODE_RECORD_SIZE_MAX = 1048576 /* the usual limit, bytes of one payload */ };

/* Decode one payload (framing removed). Strings in `out_event` are borrowed from `payload`.
 * Fills everything but `offset` and `partition`, which stay as they are.
 *
 * False: `out_reject` has reason, byte offset in the payload and field (schema_id is the caller's);
 * `out_event` is then garbage. A field's text lives as long as the plan. */
MUST_USE bool decode_event(const struct plan *plan, struct slice payload, size_t record_size_max,
                           struct event *out_event, struct reject *out_reject);

/* The same of the first of the records in `bytes`, which stand one after the other. out_size: how many bytes it
 * has, also of a record that is refused for what it says; 0 when its end cannot be told. */
MUST_USE bool decode_next(const struct plan *plan, struct slice bytes, size_t record_size_max,
                          struct event *out_event, size_t *out_size, struct reject *out_reject);

/* What is asked of an event whatever its form: sizes of ids, amount_minor > 0, times (a consent's
 * too) within the years 1900 to 9999, dates within 1 to 9999, currency of three letters A to Z,
 * risk_profile 1..7. True when good. */
MUST_USE bool event_check(const struct event *event, struct reject *out_reject);

/* Is this valid UTF-8 (no surrogates, no overlong forms)? */
bool utf8_is_valid(struct slice text);

#endif
