/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/event_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { LINE_ARENA_SIZE = 2 * NDJSON_LINE_SIZE_MAX };

struct one_file {
    const char *path;
    struct slice rest; /* not yet read */
    uint64_t line;
    struct arena arena; /* texts of `event` */
    struct event event; /* read ahead */
    bool ready;
};

struct event_files {
    struct one_file files[EVENT_FILES_MAX];
    uint32_t count;
    uint32_t last; /* the file whose event was handed out: its arena is free at the next call */
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

enum status event_files_open(const char *const *paths, uint32_t count,
                             struct event_files **out_files, struct status_text *out_text)
{
    if (count > EVENT_FILES_MAX) {
        return status_fail(out_text, STATUS_INVALID, "more than %d event files", EVENT_FILES_MAX);
    }
    struct event_files *files = memory_take(sizeof(*files), "event files");
    for (uint32_t i = 0; i < count; i++) {
        struct one_file *file = &files->files[i];
        file->path = strcmp(paths[i], "-") == 0 ? "standard input" : paths[i];
        if (!open_one(paths[i], &file->rest)) {
            return status_fail(out_text, STATUS_INVALID, "%s: %s", paths[i], strerror(errno));
        }
        arena_init(&file->arena, memory_take(LINE_ARENA_SIZE, "event files"), LINE_ARENA_SIZE);
    }
    files->count = count;
    files->last = count;
    *out_files = files;
    return STATUS_OK;
}

/* Read lines until one is an event. */
static void fill(struct one_file *file, void (*on_bad)(void *, const struct event_files_bad *),
                 void *context)
{
    while (!file->ready && file->rest.size > 0) {
        const uint8_t *newline = memchr(file->rest.data, '\n', file->rest.size);
        size_t size = newline == NULL ? file->rest.size : (size_t)(newline - file->rest.data);
        struct slice line = slice_of(file->rest.data, size);
        size_t used = size + (newline != NULL);
        file->rest = slice_of(file->rest.data + used, file->rest.size - used);
        file->line++;
        while (line.size > 0 &&
               (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == ' ')) {
            line.size--;
        }
        if (line.size == 0) {
            continue;
        }
        struct event_files_bad bad = {.path = file->path, .line = file->line};
        arena_reset(&file->arena);
        file->ready = ndjson_parse(line, &file->arena, &file->event, &bad.error) == STATUS_OK;
        if (!file->ready) {
            on_bad(context, &bad);
        }
        file->event.offset = (int64_t)file->line - 1;
    }
}

bool event_files_next(struct event_files *files, struct event *out_event,
                      void (*on_bad)(void *context, const struct event_files_bad *bad),
                      void *context)
{
    uint32_t best = files->count;
    if (files->last < files->count) {
        files->files[files->last].ready = false;
    }
    for (uint32_t i = 0; i < files->count; i++) {
        struct one_file *file = &files->files[i];
        fill(file, on_bad, context);
        if (file->ready &&
            (best == files->count || file->event.time_ms < files->files[best].event.time_ms)) {
            best = i;
        }
    }
    files->last = best;
    if (best == files->count) {
        return false;
    }
    *out_event = files->files[best].event;
    return true;
}
