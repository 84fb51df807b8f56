/* SPDX-License-Identifier: Apache-2.0 */
/* The events of one source out of one event file (NDJSON or Avro container), parsed ahead by a thread of its own.
 * Lines may be held while later ones are read, as long as the reader's memory lasts. */
#ifndef COMMANDS_EVENT_READER_H
#define COMMANDS_EVENT_READER_H

#include "base/status.h"
#include "codec/ndjson.h"
#include "commands/event_container.h"
#include "model/event.h"

/* A line (of a container: a record) that was read: an event, or what is wrong with it. */
struct event_line {
    bool good;
    uint64_t line; /* from 1 */
    struct event event;
    struct ndjson_error error;
    struct event_line *next; /* the holder's */
    struct event_batch *batch;
};

struct event_reader;

/* `text` is the whole file and stays. A line that names no source is the first source's. Until exit. */
MUST_USE enum status event_reader_open(struct slice text, enum source source,
                                       struct event_reader **out_reader,
                                       struct status_text *out_text);

/* The same of a container, all of whose events are of its source. */
MUST_USE enum status event_reader_open_container(struct event_container *container,
                                                 struct event_reader **out_reader,
                                                 struct status_text *out_text);

/* The next line, the caller's until event_reader_release. NULL: the end, or too many lines are held. */
struct event_line *event_reader_next(struct event_reader *reader);
bool event_reader_ended(const struct event_reader *reader);

void event_reader_release(struct event_line *line);

#endif
