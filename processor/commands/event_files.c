/* SPDX-License-Identifier: Apache-2.0 */
/* Every source of every file has a reader. What the files have of one source is one stream, by time. Each
 * task's share of a stream waits in a queue; a task's event is taken when all of its queues have a head or
 * their stream is at its end, so the order is that of `clock: stream` over the same events
 * (decisions/0007), late ones included.
 *
 * For that a stream is read ahead of the others until every task has something of it, up to the readers'
 * memory. Beyond it (thousands of events in a row that are all of other tasks) a task goes on when the
 * stream has passed its own time: then only an event that is late by more than all of that can be misplaced. */
#include "commands/event_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/show.h"
#include "codec/container.h"
#include "commands/event_reader.h"
#include "io/clock.h"
#include "runtime/merge.h"
#include "runtime/worker.h"

struct stream {
    struct event_reader *readers[EVENT_FILES_MAX];
    /* the next of each file; NULL: not read yet, or none */
    struct event_line *heads[EVENT_FILES_MAX];
    uint32_t queued; /* lines in its tasks' queues */
    int64_t read_ms; /* the latest time read so far */
    bool ended;
    bool full; /* its readers are, until a line is released */
};

struct queue {
    struct event_line *first;
    struct event_line *last;
};

struct event_files {
    const char *paths[EVENT_FILES_MAX];
    bool containers[EVENT_FILES_MAX];
    uint32_t count;
    uint32_t task_count;
    int64_t latest_ms; /* as for clock stream: a later event is rejected */
    struct stream streams[SOURCE_COUNT];
    struct queue *queues;     /* SOURCE_COUNT of each task */
    struct event_line *taken; /* handed out: released at the next call */
    uint32_t task;            /* to look at next, */
    uint32_t task_end;        /* up to here */
    bool assume;              /* memory is full: a stream beyond a time has nothing before it */
    event_files_bad_function *on_bad;
    void *context;
};

static bool read_whole(int fd, struct slice *out)
{
    size_t size = 0, capacity = 1 << 20;
    uint8_t *data = malloc(capacity);
    for (;;) {
        if (data == NULL) {
            return false;
        }
        ssize_t got = read(fd, data + size, capacity - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            *out = slice_of(data, size);
            return got == 0;
        }
        size += (size_t)got;
        if (size == capacity) {
            capacity *= 2;
            uint8_t *larger = realloc(data, capacity);
            if (larger == NULL) {
                free(data);
            }
            data = larger;
        }
    }
}

static bool open_one(const char *path, struct slice *out)
{
    if (strcmp(path, "-") == 0) {
        return read_whole(STDIN_FILENO, out);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0) {
        return false;
    }
    bool good = fstat(fd, &about) == 0;
    if (good && S_ISREG(about.st_mode) && about.st_size > 0) {
        void *data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        good = data != MAP_FAILED;
        if (good) {
            (void)madvise(data, (size_t)about.st_size, MADV_SEQUENTIAL);
            *out = slice_of(data, (size_t)about.st_size);
        }
    } else if (good) {
        good = read_whole(fd, out); /* a pipe, or empty */
    }
    (void)close(fd);
    return good;
}

/* A reader for each source of the file; a container's has all of it. */
static enum status open_readers(struct event_files *files, uint32_t index, struct slice file,
                                int32_t container_source, struct status_text *out_text)
{
    struct event_container *container = NULL;
    struct status_text text;
    files->containers[index] = container_is(file);
    if (files->containers[index]) {
        enum status status = event_container_open(file, container_source, &container, &text);
        if (status != STATUS_OK) {
            return status_fail(out_text, status, "%s: %s", files->paths[index], text.text);
        }
        file.size = 0; /* of the other sources there is nothing */
    }
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        struct event_reader **reader = &files->streams[s].readers[index];
        enum status status = container != NULL && event_container_source(container) == s
                                 ? event_reader_open_container(container, reader, out_text)
                                 : event_reader_open(file, (enum source)s, reader, out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status event_files_open(const char *const *paths, uint32_t count, uint32_t task_count,
                             int32_t container_source, struct event_files **out_files,
                             struct status_text *out_text)
{
    if (count > EVENT_FILES_MAX) {
        return status_fail(out_text, STATUS_INVALID, "more than %d event files", EVENT_FILES_MAX);
    }
    struct event_files *files = memory_take(sizeof(*files), "event files");
    files->count = count;
    files->task_count = task_count;
    struct clock *clock = clock_system();
    files->latest_ms = clock->ops->wall_ms(clock) + WORKER_STREAM_FUTURE_MS_MAX;
    files->queues =
        memory_take((size_t)task_count * SOURCE_COUNT * sizeof(struct queue), "event files");
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        files->streams[s].read_ms = INT64_MIN;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct slice file = {NULL, 0};
        files->paths[i] = strcmp(paths[i], "-") == 0 ? "standard input" : paths[i];
        if (!open_one(paths[i], &file)) {
            return status_fail(out_text, STATUS_INVALID, "%s: %s", paths[i], strerror(errno));
        }
        enum status status = open_readers(files, i, file, container_source, out_text);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *out_files = files;
    return STATUS_OK;
}

bool event_files_source(const char *command, const char *name, int32_t *out_source)
{
    *out_source = source_find(slice_text(name));
    if (*out_source < 0) {
        (void)fprintf(stderr, "segue %s: --source: there is no source `%s`\n", command, name);
    }
    return *out_source >= 0;
}

void event_files_show_bad(const struct event_files_bad *bad)
{
    if (bad->record) {
        (void)fprintf(stderr, "%s: record %" PRIu64 ": ", bad->path, bad->line);
    } else {
        (void)fprintf(stderr, "%s:%" PRIu64 ":%u: ", bad->path, bad->line, bad->error.column);
    }
    show_text(slice_text(bad->error.text.text), stderr);
    (void)fputc('\n', stderr);
}

/* Have the file's next event in hand, if it has one; tell of lines that are none. */
static void look(struct event_files *files, struct stream *stream, uint32_t file)
{
    while (stream->heads[file] == NULL) {
        struct event_line *line = event_reader_next(stream->readers[file]);
        if (line == NULL) {
            stream->full |= !event_reader_ended(stream->readers[file]);
            return;
        }
        const char *field;
        if (line->good && event_is_beyond(&line->event, files->latest_ms, &field)) {
            line->error = (struct ndjson_error){.reason = REJECT_FUTURE, .column = 1};
            (void)status_fail(&line->error.text, STATUS_INVALID,
                              "`%s` is dated more than ten years ahead", field);
        } else if (line->good) {
            stream->heads[file] = line;
            return;
        }
        struct event_files_bad bad = {files->paths[file], line->line, files->containers[file],
                                      line->error};
        files->on_bad(files->context, &bad);
        event_reader_release(line);
    }
}

/* Put the stream's next event into its task's queue, and have that task looked at. */
static void pull(struct event_files *files, uint32_t source)
{
    struct stream *stream = &files->streams[source];
    uint32_t best = files->count;
    for (uint32_t i = 0; i < files->count; i++) {
        look(files, stream, i);
        const struct event_line *head = stream->heads[i];
        if (head != NULL &&
            (best == files->count || head->event.time_ms < stream->heads[best]->event.time_ms)) {
            best = i;
        }
    }
    if (stream->full) {
        return;
    }
    if (best == files->count) {
        stream->ended = true; /* whoever waited for it need not any more */
        files->task = 0;
        files->task_end = files->task_count;
        return;
    }
    struct event_line *line = stream->heads[best];
    uint32_t task = hash_partition(line->event.customer_id, files->task_count);
    struct queue *queue = &files->queues[task * SOURCE_COUNT + source];
    stream->heads[best] = NULL;
    line->next = NULL;
    *(queue->first == NULL ? &queue->first : &queue->last->next) = line;
    queue->last = line;
    stream->queued++;
    stream->read_ms = line->event.time_ms > stream->read_ms ? line->event.time_ms : stream->read_ms;
    files->task = task;
    files->task_end = task + 1;
}

/* The task's next event; NULL: it must wait for a stream. */
static struct event_line *take(struct event_files *files, uint32_t task)
{
    struct queue *queues = &files->queues[task * SOURCE_COUNT];
    uint32_t best = SOURCE_COUNT;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        if (queues[s].first != NULL &&
            (best == SOURCE_COUNT || merge_before(queues[s].first->event.time_ms, s,
                                                  queues[best].first->event.time_ms, best))) {
            best = s;
        }
    }
    for (uint32_t s = 0; s < SOURCE_COUNT && best < SOURCE_COUNT; s++) {
        const struct stream *stream = &files->streams[s];
        if (queues[s].first == NULL && !stream->ended &&
            (!files->assume || stream->read_ms < queues[best].first->event.time_ms)) {
            return NULL;
        }
    }
    if (best == SOURCE_COUNT) {
        return NULL;
    }
    struct event_line *line = queues[best].first;
    queues[best].first = line->next;
    files->streams[best].queued--;
    return line;
}

/* The stream of which least waits, so that a rare source is read as far ahead as it takes. */
static uint32_t choose(const struct event_files *files)
{
    uint32_t best = SOURCE_COUNT;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        const struct stream *stream = &files->streams[s];
        if (!stream->ended && !stream->full &&
            (best == SOURCE_COUNT || stream->queued < files->streams[best].queued)) {
            best = s;
        }
    }
    return best;
}

/* Anything left in a queue? Then all that can be read has been: go on with what is here. */
static bool assume_all(struct event_files *files)
{
    bool any = false;
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        any = any || files->streams[s].queued > 0;
    }
    files->assume = true;
    files->task = 0;
    files->task_end = files->task_count;
    return any;
}

static void release_taken(struct event_files *files)
{
    if (files->taken != NULL) {
        event_reader_release(files->taken);
        files->taken = NULL;
        for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
            files->streams[s].full = false;
        }
    }
}

bool event_files_next(struct event_files *files, struct event *out_event,
                      event_files_bad_function *on_bad, void *context)
{
    files->on_bad = on_bad;
    files->context = context;
    release_taken(files);
    for (;;) {
        for (; files->task < files->task_end; files->task++) {
            files->taken = take(files, files->task);
            if (files->taken != NULL) {
                *out_event = files->taken->event;
                return true;
            }
        }
        files->assume = false;
        uint32_t source = choose(files);
        if (source < SOURCE_COUNT) {
            pull(files, source);
        } else if (!assume_all(files)) {
            return false;
        }
    }
}
