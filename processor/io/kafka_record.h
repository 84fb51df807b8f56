/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's messages as struct log_record. */
#ifndef IO_KAFKA_RECORD_H
#define IO_KAFKA_RECORD_H

#include "io/log.h"

struct rd_kafka_message_s;
struct rd_kafka_headers_s;

/* Everything but headers; borrowed from `message`, which is also the handle. */
void kafka_record_of(struct rd_kafka_message_s *message, uint8_t source,
                     struct log_record *out_record);

/* Does it carry headers? Cheap: the common answer is no. */
bool kafka_record_has_headers(struct rd_kafka_message_s *message);

/* Up to LOG_HEADERS_MAX headers, borrowed from `message`; returns how many. Further ones are not
 * shown. */
uint32_t kafka_record_headers(struct rd_kafka_message_s *message, struct header *out_headers);

/* The headers of a record to write, for producev; NULL: none. The caller's until producev took the
 * record. */
struct rd_kafka_headers_s *kafka_headers_of(const struct log_write *write);

#endif
