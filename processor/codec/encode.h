/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs -> Avro in Confluent framing with CloudEvents headers, and events -> Avro of their contract.
 *
 * What a struct holds is told once, in codec/shape.h, and joined by name to a schema here: an encoder is
 * the joined list, in the schema's order. encode_json.h writes the same shapes as JSON. */
#ifndef CODEC_ENCODE_H
#define CODEC_ENCODE_H

#include "base/arena.h"
#include "base/status.h"
#include "codec/schema.h"
#include "model/header.h"
#include "model/output.h"

enum {
    ENCODE_HEADERS_MAX = 12,
    ENCODE_SIZE_MAX = 1048576, /* an output larger than that is a mistake of the engine */
};

/* What an output does not know about itself. Texts are borrowed. */
struct encode_facts {
    int64_t processed_at_ms;
    struct slice application;          /* ce_source is "/segue/<application>" */
    struct slice topics[SOURCE_COUNT]; /* input topics, for causes */
};

struct encoder;

/* Join the shape of `kind` to `schema`, in `arena`. The encoder keeps nothing of `schema`.
 * STATUS_INVALID: the schema wants a field that we do not have and gives no default, or a type that ours
 * cannot become; out_text names it. STATUS_FULL: the arena is too small. */
MUST_USE enum status encoder_compile(enum output_kind kind, const struct schema *schema,
                                     struct arena *arena, const struct encoder **out_encoder,
                                     struct status_text *out_text);

/* The same for events, for `segue feed`, `simulate` and tests. */
MUST_USE enum status encoder_compile_event(enum source source, const struct schema *schema,
                                           struct arena *arena, const struct encoder **out_encoder,
                                           struct status_text *out_text);

/* Framing and value into `out`. Bytes written; 0 when `limit` is too small. INVARIANT: not a tombstone. */
size_t encode_output(const struct encoder *encoder, const struct output *output,
                     const struct encode_facts *facts, uint32_t schema_id, uint8_t *out,
                     size_t limit);

/* An event, framed with `schema_id`; an absent field is null, or the schema's default when it has no null.
 * Bytes written; 0 when `limit` is too small. INVARIANT: not an erase. */
size_t encode_event(const struct encoder *encoder, const struct event *event, uint32_t schema_id,
                    uint8_t *out, size_t limit);

/* The CloudEvents headers: ce_specversion ce_id ce_source ce_type ce_time ce_subject ce_causationid
 * ce_sequence ce_dataclassification ce_route content-type, those that have a value, in that order.
 * Texts live in `arena`. Returns the count, at most ENCODE_HEADERS_MAX; 0 when the arena is full. */
uint32_t encode_headers(const struct output *output, const struct encode_facts *facts,
                        struct arena *arena, struct header out_headers[ENCODE_HEADERS_MAX]);

#endif
