/* SPDX-License-Identifier: Apache-2.0 */
/* Event files (NDJSON or Avro container) as one stream, in the order in which `clock: stream` would process
 * them: what the files have of a source is merged by event time (at equal times the file named first goes
 * first), and the sources of each task by (event time, source). Lines of one source in one file keep their
 * order. */
#ifndef COMMANDS_EVENT_FILES_H
#define COMMANDS_EVENT_FILES_H

#include "base/status.h"
#include "codec/ndjson.h"
#include "commands/event_container.h"
#include "model/event.h"

enum { EVENT_FILES_MAX = 64 };

/* A line, or a record of a container, that is no event. */
struct event_files_bad {
    const char *path;
    uint64_t line; /* from 1 */
    bool record;   /* of a container: then the error has no column, its text names the byte */
    struct ndjson_error error;
};

struct event_files;

/* Told of each line that is no event. */
typedef void event_files_bad_function(void *context, const struct event_files_bad *bad);

/* Open them ("-": standard input, read whole), for customers divided among `task_count` tasks.
 * `container_source`: of the containers among them; EVENT_CONTAINER_ANY: each by its schema's name.
 * STATUS_INVALID: one cannot be read. Until exit. */
MUST_USE enum status event_files_open(const char *const *paths, uint32_t count, uint32_t task_count,
                                      int32_t container_source, struct event_files **out_files,
                                      struct status_text *out_text);

/* `--source NAME` of a command, as container_source. False, and told of on stderr: there is no such source. */
bool event_files_source(const char *command, const char *name, int32_t *out_source);

/* As `x.ndjson:3:7: ...` or `x.avro: record 3: ...` on stderr. */
void event_files_show_bad(const struct event_files_bad *bad);

/* The next event, valid until the next call. False: the end. */
bool event_files_next(struct event_files *files, struct event *out_event,
                      event_files_bad_function *on_bad, void *context);

#endif
