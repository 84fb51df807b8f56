/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs and events as NDJSON lines (DESIGN section 4), from the same shapes as their Avro. Keys come in
 * the order of the contract's schema, so the same output is the same line, byte for byte. */
#ifndef CODEC_ENCODE_JSON_H
#define CODEC_ENCODE_JSON_H

#include "codec/encode.h"

/* {"topic":"segue.life-events","key":"...","headers":{...},"value":{...}} and a newline.
 * `topic` as configured ("segue." in front of output_topic() by default). Timestamps are milliseconds,
 * as in Avro; a tombstone has "value":null; an output without key has "key":null.
 * `arena` is for the headers' texts. Bytes written; 0 when `limit` or the arena is too small. */
size_t encode_json_output(const struct output *output, const struct encode_facts *facts,
                          struct slice topic, struct arena *arena, uint8_t *out, size_t limit);

/* {"source":"transactions","event":{...}} and a newline, as ndjson_parse reads it: dates as ISO text,
 * timestamps as milliseconds, nulls left out; an erase is {"source":..,"key":..,"event":null}.
 * Bytes written; 0 when `limit` is too small. */
size_t encode_json_event(const struct event *event, uint8_t *out, size_t limit);

#endif
