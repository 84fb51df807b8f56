/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an event file -> struct event:
 *
 *   {"source":"transactions","event":{"event_id":"e1","customer_id":"c1","amount_minor":1250, ...}}
 *
 * The event in the contract's field names; a union's value plain; null or absent for null; codes as text;
 * times as ISO text or milliseconds, dates as ISO text or days. {"source":"customer-profiles","key":"c1",
 * "event":null} erases. Files are written by people, so an unknown field is an error with a suggestion. */
#ifndef CODEC_NDJSON_H
#define CODEC_NDJSON_H

#include "base/arena.h"
#include "base/status.h"
#include "model/event.h"
#include "model/reject.h"

enum { NDJSON_LINE_SIZE_MAX = 1048576 };

struct ndjson_error {
    uint32_t column; /* 1-based, in bytes: of the field's name, or where the JSON breaks */
    struct status_text text;
    enum reject_reason reason; /* what the same mistake would be on a topic */
};

/* Texts are copied into `arena`. Fills everything but `offset` and `partition`. Applies event_check().
 * STATUS_INVALID: out_error says what. STATUS_FULL: the arena is full. */
MUST_USE enum status ndjson_parse(struct slice line, struct arena *arena, struct event *out_event,
                                  struct ndjson_error *out_error);

#endif
