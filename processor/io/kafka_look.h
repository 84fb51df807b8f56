/* SPDX-License-Identifier: Apache-2.0 */
/* Look at one partition at a time, and at what a group has committed, without being a member: for `segue doctor`.
 * Changes nothing. Every call blocks, up to the time given to kafka_look_open. */
#ifndef IO_KAFKA_LOOK_H
#define IO_KAFKA_LOOK_H

#include "io/kafka_log.h"

struct kafka_look;

/* `committed`: what is read and asked is stable, and waits for transactions that are pending; otherwise nothing
 * waits for them. STATUS_INVALID: a property is wrong. No broker is asked yet. */
enum status kafka_look_open(const struct kafka_connection *connection, const char *group,
                            bool committed, int32_t timeout_ms, struct kafka_look **out_look,
                            struct status_text *out_text) MUST_USE;
void kafka_look_close(struct kafka_look *look);

/* The group's committed offsets of partition `task` of each topic (NULL: not used); -1: none.
 * STATUS_AWAY: no answer, or it may not be asked. */
enum status kafka_look_committed(struct kafka_look *look, const char *const topics[SOURCE_COUNT],
                                 uint32_t task, struct log_offset out_offsets[SOURCE_COUNT],
                                 struct status_text *out_text) MUST_USE;

/* First and next offset of a partition; an election of its leader is waited for. STATUS_AWAY: no answer. */
enum status kafka_look_marks(struct kafka_look *look, const char *topic, uint32_t partition,
                             int64_t *out_low, int64_t *out_high,
                             struct status_text *out_text) MUST_USE;

/* Read this partition from `offset` on (-2: its first), instead of what was read before. */
enum status kafka_look_at(struct kafka_look *look, const char *topic, uint32_t partition,
                          int64_t offset, struct status_text *out_text) MUST_USE;

/* The next record, borrowed until the next call. STATUS_FULL: that was the last; STATUS_INVALID: the
 * offset is not there; STATUS_AWAY: nothing came in time. */
enum status kafka_look_next(struct kafka_look *look, struct log_record *out_record,
                            struct status_text *out_text) MUST_USE;

/* Did the last call that failed fail for want of a permission? */
bool kafka_look_denied(const struct kafka_look *look);

#endif
