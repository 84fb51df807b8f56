/* SPDX-License-Identifier: Apache-2.0 */
/* The events of an Avro container file: one source, by the plan that its schema makes with the contract. */
#ifndef COMMANDS_EVENT_CONTAINER_H
#define COMMANDS_EVENT_CONTAINER_H

#include "base/arena.h"
#include "base/status.h"
#include "codec/ndjson.h"
#include "model/event.h"

enum { EVENT_CONTAINER_ANY = -1 };

struct event_container;

/* Read the header and compile the plan. `source`: what its events are, or EVENT_CONTAINER_ANY: of the source
 * whose contract has the schema's full name (or bare name). `file` stays. Until exit.
 * STATUS_INVALID: no such container, or its schema cannot be that source's. */
MUST_USE enum status event_container_open(struct slice file, int32_t source,
                                          struct event_container **out_container,
                                          struct status_text *out_text);

enum source event_container_source(const struct event_container *container);

/* The next record: STATUS_OK with the event, its text in the file or copied into `arena`; STATUS_INVALID with
 * out_error (its column is 0), records or blocks follow; STATUS_FULL: the same again with an empty arena;
 * STATUS_AWAY: the end. out_number: of the record, from 1. */
MUST_USE enum status event_container_next(struct event_container *container, struct arena *arena,
                                          struct event *out_event, uint64_t *out_number,
                                          struct ndjson_error *out_error);

#endif
