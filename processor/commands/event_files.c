/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON costs more than the engine does, so each file has a thread that parses ahead: two
 * batches a file, one being read from while the other is filled. What comes out, and in which
 * order, is as without threads. */
#include "commands/event_files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    BATCH_LINES = 512,
    BATCH_ARENA_SIZE =
        2 * NDJSON_LINE_SIZE_MAX + 65536, /* texts of a batch; always room for one line */
    BATCHES = 2,
};

/* A line that was read: an event, or what is wrong with it. */
struct parsed {
    bool good;
    uint64_t line;
    struct event event;
    struct ndjson_error error;
};

struct batch {
    struct parsed *entries; /* BATCH_LINES */
    uint32_t count;
    bool last; /* nothing comes after it */
    bool full; /* filled and not yet read; guarded by the file's mutex */
    struct arena arena;
};

struct one_file {
    const char *path;
    struct slice rest; /* not yet parsed: the thread's */
    uint64_t line;     /* the thread's */
    struct batch batches[BATCHES];
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t reading; /* the batch that is read from */
    uint32_t next;    /* entry in it */
    bool ready;       /* batches[reading] may be read */
    bool ended;
};

struct event_files {
    struct one_file files[EVENT_FILES_MAX];
    uint32_t count;
    uint32_t last; /* the file whose event was handed out: it moves on at the next call */
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

/* The next line that is not empty. False: the end. */
static bool next_line(struct one_file *file, struct slice *out_line)
{
    while (file->rest.size > 0) {
        const uint8_t *newline = memchr(file->rest.data, '\n', file->rest.size);
        size_t size = newline == NULL ? file->rest.size : (size_t)(newline - file->rest.data);
        size_t used = size + (newline != NULL);
        *out_line = slice_of(file->rest.data, size);
        file->rest = slice_of(file->rest.data + used, file->rest.size - used);
        file->line++;
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

static void fill(struct one_file *file, struct batch *batch)
{
    arena_reset(&batch->arena);
    batch->count = 0;
    batch->last = false;
    while (batch->count < BATCH_LINES) {
        struct parsed *parsed = &batch->entries[batch->count];
        struct slice before = file->rest, line;
        uint64_t line_before = file->line;
        if (!next_line(file, &line)) {
            batch->last = true;
            return;
        }
        enum status status = ndjson_parse(line, &batch->arena, &parsed->event, &parsed->error);
        if (status == STATUS_FULL && batch->count > 0) { /* it begins the next batch */
            file->rest = before;
            file->line = line_before;
            return;
        }
        parsed->good = status == STATUS_OK;
        parsed->line = file->line;
        parsed->event.offset = (int64_t)file->line - 1;
        batch->count++;
    }
}

static void *parse_ahead(void *context)
{
    struct one_file *file = context;
    for (uint32_t at = 0;; at = (at + 1) % BATCHES) {
        struct batch *batch = &file->batches[at];
        (void)pthread_mutex_lock(&file->mutex);
        while (batch->full) {
            (void)pthread_cond_wait(&file->changed, &file->mutex);
        }
        (void)pthread_mutex_unlock(&file->mutex);
        fill(file, batch);
        bool last = batch->last;
        (void)pthread_mutex_lock(&file->mutex);
        batch->full = true;
        (void)pthread_cond_signal(&file->changed);
        (void)pthread_mutex_unlock(&file->mutex);
        if (last) {
            return NULL;
        }
    }
}

enum status event_files_open(const char *const *paths, uint32_t count,
                             struct event_files **out_files, struct status_text *out_text)
{
    if (count > EVENT_FILES_MAX) {
        return status_fail(out_text, STATUS_INVALID, "more than %d event files", EVENT_FILES_MAX);
    }
    struct event_files *files = memory_take(sizeof(*files), "event files");
    for (uint32_t i = 0; i < count; i++) {
        struct one_file *file = &files->files[i];
        pthread_t thread;
        file->path = strcmp(paths[i], "-") == 0 ? "standard input" : paths[i];
        if (!open_one(paths[i], &file->rest)) {
            return status_fail(out_text, STATUS_INVALID, "%s: %s", paths[i], strerror(errno));
        }
        for (uint32_t j = 0; j < BATCHES; j++) {
            file->batches[j].entries =
                memory_take(BATCH_LINES * sizeof(struct parsed), "event files");
            arena_init(&file->batches[j].arena, memory_take(BATCH_ARENA_SIZE, "event files"),
                       BATCH_ARENA_SIZE);
        }
        (void)pthread_mutex_init(&file->mutex, NULL);
        (void)pthread_cond_init(&file->changed, NULL);
        int error = pthread_create(&thread, NULL, parse_ahead, file);
        if (error != 0) {
            return status_fail(out_text, STATUS_FATAL, "no thread for %s: %s", paths[i],
                               strerror(error));
        }
        (void)pthread_detach(thread);
    }
    files->count = count;
    files->last = count;
    *out_files = files;
    return STATUS_OK;
}

/* Wait for the batch that is to be read; give back the one that has been. */
static void next_batch(struct one_file *file)
{
    struct batch *batch = &file->batches[file->reading];
    (void)pthread_mutex_lock(&file->mutex);
    if (file->ready) {
        file->ended = batch->last;
        batch->full = false;
        file->reading = (file->reading + 1) % BATCHES;
        (void)pthread_cond_signal(&file->changed);
    }
    while (!file->ended && !file->batches[file->reading].full) {
        (void)pthread_cond_wait(&file->changed, &file->mutex);
    }
    (void)pthread_mutex_unlock(&file->mutex);
    file->ready = true;
    file->next = 0;
}

/* The file's next event; NULL at its end. */
static struct parsed *peek(struct one_file *file,
                           void (*on_bad)(void *, const struct event_files_bad *), void *context)
{
    while (!file->ended) {
        struct batch *batch = &file->batches[file->reading];
        if (!file->ready || file->next == batch->count) {
            next_batch(file);
            continue;
        }
        struct parsed *parsed = &batch->entries[file->next];
        if (parsed->good) {
            return parsed;
        }
        struct event_files_bad bad = {file->path, parsed->line, parsed->error};
        on_bad(context, &bad);
        file->next++;
    }
    return NULL;
}

bool event_files_next(struct event_files *files, struct event *out_event,
                      void (*on_bad)(void *context, const struct event_files_bad *bad),
                      void *context)
{
    uint32_t best = files->count;
    const struct parsed *first = NULL;
    if (files->last < files->count) {
        files->files[files->last].next++;
    }
    for (uint32_t i = 0; i < files->count; i++) {
        const struct parsed *parsed = peek(&files->files[i], on_bad, context);
        if (parsed != NULL && (first == NULL || parsed->event.time_ms < first->event.time_ms)) {
            first = parsed;
            best = i;
        }
    }
    files->last = best;
    if (first == NULL) {
        return false;
    }
    *out_event = first->event;
    return true;
}
