/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON costs more than the engine does, so a thread fills batches of lines ahead. They are a ring:
 * the thread waits for the oldest, and so does the reader when its lines are still held. */
#include "commands/event_reader.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"

enum {
    BATCH_LINES = 512,
    BATCH_ARENA_SIZE = 2 * NDJSON_LINE_SIZE_MAX + 65536, /* always room for one line */
    BATCHES = 16,
};

struct event_batch {
    struct event_reader *reader;
    struct event_line *lines; /* BATCH_LINES */
    uint32_t count;
    uint32_t left; /* lines handed out or to be handed out; the reading side's */
    bool last;     /* nothing comes after it */
    bool full;     /* filled and not given back; guarded by the mutex */
    struct arena arena;
};

struct event_reader {
    enum source source;
    struct slice rest;                 /* not yet parsed: the thread's */
    struct event_container *container; /* read instead of `rest`; NULL: NDJSON */
    uint64_t line;                     /* the thread's */
    struct event_batch batches[BATCHES];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t reading; /* the batch that is read from */
    uint32_t next;    /* line in it */
    /* Its lines, and whether it is the last: once its lines are released the thread may fill it anew at any
     * moment, so the batch itself cannot be asked. */
    uint32_t count;
    bool last;
    bool open; /* batches[reading] is being read */
    bool ended;
};

/* The next line that is not empty. False: the end. */
static bool next_line(struct event_reader *reader, struct slice *out_line)
{
    while (reader->rest.size > 0) {
        const uint8_t *newline = memchr(reader->rest.data, '\n', reader->rest.size);
        size_t size = newline == NULL ? reader->rest.size : (size_t)(newline - reader->rest.data);
        size_t used = size + (newline != NULL);
        *out_line = slice_of(reader->rest.data, size);
        reader->rest = slice_of(reader->rest.data + used, reader->rest.size - used);
        reader->line++;
        while (out_line->size > 0 && (out_line->data[out_line->size - 1] == '\r' ||
                                      out_line->data[out_line->size - 1] == ' ')) {
            out_line->size--;
        }
        if (out_line->size > 0) {
            return true;
        }
    }
    return false;
}

/* Does the line say at its beginning, as ours do, that it is of another source? */
static bool is_of_another(const struct event_reader *reader, struct slice line)
{
    static const char begin[] = "{\"source\":\"";
    size_t size = sizeof(begin) - 1;
    if (line.size < size || memcmp(line.data, begin, size) != 0) {
        return false;
    }
    const uint8_t *end = memchr(line.data + size, '"', line.size - size);
    int32_t found = end == NULL
                        ? -1
                        : source_find(slice_of(line.data + size, (size_t)(end - line.data) - size));
    return found >= 0 && found != (int32_t)reader->source;
}

/* Is a line that was parsed whole one of this reader's? */
static bool is_ours(const struct event_reader *reader, const struct event_line *parsed,
                    struct slice line)
{
    struct event_reader other = {.source = SOURCE_COUNT};
    if (parsed->good) {
        return parsed->event.source == reader->source;
    }
    return is_of_another(&other, line) || reader->source == 0;
}

static void fill_records(struct event_reader *reader, struct event_batch *batch)
{
    while (batch->count < BATCH_LINES) {
        struct event_line *parsed = &batch->lines[batch->count];
        enum status status = event_container_next(reader->container, &batch->arena, &parsed->event,
                                                  &parsed->line, &parsed->error);
        if (status == STATUS_FULL || status == STATUS_AWAY) {
            batch->last = status == STATUS_AWAY;
            return;
        }
        parsed->good = status == STATUS_OK;
        parsed->event.offset = (int64_t)parsed->line - 1;
        parsed->batch = batch;
        batch->count++;
    }
}

static void fill_lines(struct event_reader *reader, struct event_batch *batch)
{
    while (batch->count < BATCH_LINES) {
        struct event_line *parsed = &batch->lines[batch->count];
        struct slice before = reader->rest, line;
        uint64_t line_before = reader->line;
        if (!next_line(reader, &line)) {
            batch->last = true;
            return;
        }
        if (is_of_another(reader, line)) {
            continue;
        }
        enum status status = ndjson_parse(line, &batch->arena, &parsed->event, &parsed->error);
        if (status == STATUS_FULL && batch->count > 0) { /* it begins the next batch */
            reader->rest = before;
            reader->line = line_before;
            return;
        }
        parsed->good = status == STATUS_OK;
        parsed->line = reader->line;
        parsed->event.offset = (int64_t)reader->line - 1;
        parsed->batch = batch;
        batch->count += is_ours(reader, parsed, line);
    }
}

static void fill(struct event_reader *reader, struct event_batch *batch)
{
    arena_reset(&batch->arena);
    batch->count = 0;
    batch->last = false;
    if (reader->container != NULL) {
        fill_records(reader, batch);
    } else {
        fill_lines(reader, batch);
    }
}

static void *parse_ahead(void *context)
{
    struct event_reader *reader = context;
    for (uint32_t at = 0;; at = (at + 1) % BATCHES) {
        struct event_batch *batch = &reader->batches[at];
        (void)pthread_mutex_lock(&reader->mutex);
        while (batch->full) {
            (void)pthread_cond_wait(&reader->changed, &reader->mutex);
        }
        (void)pthread_mutex_unlock(&reader->mutex);
        fill(reader, batch);
        bool last = batch->last;
        (void)pthread_mutex_lock(&reader->mutex);
        batch->full = true;
        (void)pthread_cond_signal(&reader->changed);
        (void)pthread_mutex_unlock(&reader->mutex);
        if (last) {
            return NULL;
        }
    }
}

static enum status start(struct event_reader *reader, struct event_reader **out_reader,
                         struct status_text *out_text)
{
    pthread_t thread;
    /* Address space; what is never read into costs nothing. */
    uint8_t *arenas = mmap(NULL, (size_t)BATCHES * BATCH_ARENA_SIZE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct event_line *lines =
        mmap(NULL, BATCHES * BATCH_LINES * sizeof(*lines), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arenas == MAP_FAILED || lines == MAP_FAILED) {
        return status_fail(out_text, STATUS_FATAL, "no memory: %s", strerror(errno));
    }
    for (uint32_t i = 0; i < BATCHES; i++) {
        struct event_batch *batch = &reader->batches[i];
        batch->reader = reader;
        batch->lines = lines + (size_t)i * BATCH_LINES;
        arena_init(&batch->arena, arenas + (size_t)i * BATCH_ARENA_SIZE, BATCH_ARENA_SIZE);
    }
    (void)pthread_mutex_init(&reader->mutex, NULL);
    (void)pthread_cond_init(&reader->changed, NULL);
    int error = pthread_create(&thread, NULL, parse_ahead, reader);
    if (error != 0) {
        return status_fail(out_text, STATUS_FATAL, "no thread: %s", strerror(error));
    }
    (void)pthread_detach(thread);
    *out_reader = reader;
    return STATUS_OK;
}

enum status event_reader_open(struct slice text, enum source source,
                              struct event_reader **out_reader, struct status_text *out_text)
{
    struct event_reader *reader = memory_take(sizeof(*reader), "event files");
    reader->source = source;
    reader->rest = text;
    return start(reader, out_reader, out_text);
}

enum status event_reader_open_container(struct event_container *container,
                                        struct event_reader **out_reader,
                                        struct status_text *out_text)
{
    struct event_reader *reader = memory_take(sizeof(*reader), "event files");
    reader->source = event_container_source(container);
    reader->container = container;
    return start(reader, out_reader, out_text);
}

/* Begin the next batch. False: the end, or its lines of the last round are still held. */
static bool open_batch(struct event_reader *reader)
{
    struct event_batch *batch = &reader->batches[reader->reading];
    if (reader->ended || batch->left > 0) {
        return false;
    }
    (void)pthread_mutex_lock(&reader->mutex);
    while (!batch->full) {
        (void)pthread_cond_wait(&reader->changed, &reader->mutex);
    }
    (void)pthread_mutex_unlock(&reader->mutex);
    batch->left = batch->count;
    reader->count = batch->count;
    reader->last = batch->last;
    reader->next = 0;
    reader->open = true;
    return true;
}

struct event_line *event_reader_next(struct event_reader *reader)
{
    while (reader->open || open_batch(reader)) {
        struct event_batch *batch = &reader->batches[reader->reading];
        if (reader->next < reader->count) {
            return &batch->lines[reader->next++];
        }
        reader->open = false;
        reader->ended = reader->last;
        reader->reading = (reader->reading + 1) % BATCHES;
    }
    return NULL;
}

bool event_reader_ended(const struct event_reader *reader)
{
    return reader->ended;
}

void event_reader_release(struct event_line *line)
{
    struct event_batch *batch = line->batch;
    if (--batch->left > 0) {
        return;
    }
    (void)pthread_mutex_lock(&batch->reader->mutex);
    batch->full = false;
    (void)pthread_cond_signal(&batch->reader->changed);
    (void)pthread_mutex_unlock(&batch->reader->mutex);
}
