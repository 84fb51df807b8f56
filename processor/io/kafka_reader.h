/* SPDX-License-Identifier: Apache-2.0 */
/* Read topics from the outside, with no group: for `segue tail`, tests and tools, not for workers.
 */
#ifndef IO_KAFKA_READER_H
#define IO_KAFKA_READER_H

#include "io/kafka_log.h"

enum kafka_reader_start { KAFKA_READER_EARLIEST, KAFKA_READER_LATEST };

struct kafka_reader;

/* Assign every partition of the topics, read_committed. `topics` and what `connection` points to are
 * borrowed until the end. STATUS_INVALID: a topic does not exist, may not be seen (`out_text` has the
 * command that permits it), or a property is wrong; STATUS_AWAY: no broker within timeout_ms. Nothing is
 * committed anywhere. */
enum status kafka_reader_open(const struct kafka_connection *connection, const char *const *topics,
                              uint32_t count, enum kafka_reader_start start, int32_t timeout_ms,
                              struct kafka_reader **out_reader,
                              struct status_text *out_text) MUST_USE;

/* The next record, waiting at most `timeout_ms`; `record->source` is the topic's index. Borrowed until
 * the next call. STATUS_RETRY: none came in time; `out_text` says what is wrong with reading, which goes on
 * by itself when that has passed, or is "" when nothing is. STATUS_INVALID: a topic may not be read, and
 * `out_text` has the command that permits it; a later call goes on once it is. STATUS_FATAL: reading failed
 * for good. */
enum status kafka_reader_next(struct kafka_reader *reader, int32_t timeout_ms,
                              struct log_record *out_record, struct status_text *out_text) MUST_USE;

/* Has every partition been read to the end that it had at some moment since its last record? True again whenever
 * that holds again, whichever partition the newer records came from. */
bool kafka_reader_at_end(const struct kafka_reader *reader);

void kafka_reader_close(struct kafka_reader *reader);

#endif
