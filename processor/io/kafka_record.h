/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's messages as struct log_record. */
#ifndef IO_KAFKA_RECORD_H
#define IO_KAFKA_RECORD_H

#include "io/log.h"

struct rd_kafka_message_s;
struct rd_kafka_s;
struct rd_kafka_topic_s;

/* Everything but headers; borrowed from `message`, which is also the handle. */
void kafka_record_of(struct rd_kafka_message_s *message, uint8_t source,
                     struct log_record *out_record);

/* Does it carry headers? Cheap: the common answer is no. */
bool kafka_record_has_headers(struct rd_kafka_message_s *message);

/* Up to LOG_HEADERS_MAX headers, borrowed from `message`; returns how many. Further ones are not shown,
 * but for the last HEADER_SCHEMA_ID, without which nobody reads the value: it takes the last place. */
uint32_t kafka_record_headers(struct rd_kafka_message_s *message, struct header *out_headers);

/* Hand one record to librdkafka: to `topic`, or when that is NULL to the topic of the write's name.
 * With `copy` nothing of `write` is kept; else its payload is borrowed until the delivery report,
 * which gets `opaque`. Returns librdkafka's code; nothing was taken unless it is 0. */
int kafka_record_send(struct rd_kafka_s *client, struct rd_kafka_topic_s *topic,
                      const struct log_write *write, bool copy, void *opaque);

#endif
