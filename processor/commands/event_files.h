/* SPDX-License-Identifier: Apache-2.0 */
/* Event files (NDJSON) as one stream: several files are merged by event time, each in its own
 * order; at equal times the file named first goes first. One file is read as it is. */
#ifndef COMMANDS_EVENT_FILES_H
#define COMMANDS_EVENT_FILES_H

#include "base/status.h"
#include "codec/ndjson.h"
#include "model/event.h"

enum { EVENT_FILES_MAX = 64 };

/* A line that is no event. */
struct event_files_bad {
    const char *path;
    uint64_t line; /* from 1 */
    struct ndjson_error error;
};

struct event_files;

/* Open them ("-": standard input, read whole). STATUS_INVALID: one cannot be read. Until exit. */
MUST_USE enum status event_files_open(const char *const *paths, uint32_t count,
                                      struct event_files **out_files, struct status_text *out_text);

/* The next event, valid until the next call. `on_bad` is told of each line that is none. False: the
 * end. */
bool event_files_next(struct event_files *files, struct event *out_event,
                      void (*on_bad)(void *context, const struct event_files_bad *bad),
                      void *context);

#endif
