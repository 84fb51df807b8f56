/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/bundle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/log.h"
#include "io/clock.h"

enum { BUNDLE_FORMAT = 1, OPEN_TIMEOUT_MS = 30000, READ_TIMEOUT_MS = 200, HEX_SIZE = 17 };

static bool take_hash(const json_t *object, const char *key, uint64_t *out_hash)
{
    const char *text = json_string_value(json_object_get(object, key));
    char *end = NULL;
    if (text == NULL || strlen(text) != HEX_SIZE - 1) {
        return false;
    }
    *out_hash = strtoull(text, &end, 16);
    return *end == '\0';
}

/* A NUL-terminated copy. */
static const char *take_text(struct arena *arena, const json_t *value, size_t *out_size)
{
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    char *copy = text == NULL ? NULL : arena_take(arena, size + 1);
    if (copy != NULL) {
        memcpy(copy, text, size);
        copy[size] = '\0';
        *out_size = size;
    }
    return copy;
}

static bool take_files(const json_t *files, struct arena *arena, struct bundle *bundle)
{
    size_t at;
    json_t *file;
    json_array_foreach(files, at, file)
    {
        size_t path_size = 0, size = 0;
        const char *path = take_text(arena, json_object_get(file, "path"), &path_size);
        const char *text = take_text(arena, json_object_get(file, "text"), &size);
        if (path == NULL || text == NULL || at == PLAYBOOK_FILES_MAX) {
            return false;
        }
        bundle->files[bundle->file_count++] = (struct playbook_text){path, slice_of(text, size)};
    }
    return bundle->file_count > 0;
}

enum status bundle_read(struct slice json, struct arena *arena, struct bundle *out_bundle,
                        struct status_text *out_text)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)json.data, json.size, 0, &error);
    if (root == NULL) {
        return status_fail(out_text, STATUS_INVALID, "a playbook record that is no JSON: %s",
                           error.text);
    }
    *out_bundle = (struct bundle){0};
    out_bundle->applied_at_ms = json_integer_value(json_object_get(root, "applied_at"));
    bool newer = json_integer_value(json_object_get(root, "format")) > BUNDLE_FORMAT;
    bool good = !newer && take_hash(root, "playbook_hash", &out_bundle->hash) &&
                take_hash(root, "replaces", &out_bundle->replaces) &&
                take_files(json_object_get(root, "files"), arena, out_bundle);
    json_decref(root);
    return good ? STATUS_OK
                : status_fail(out_text, STATUS_INVALID,
                              newer ? "a playbook record of a newer format: upgrade this program"
                                    : "a playbook record with missing or wrong fields");
}

char *bundle_write(const struct bundle *bundle, const char *application)
{
    char hash[HEX_SIZE], replaces[HEX_SIZE];
    (void)snprintf(hash, sizeof(hash), "%016" PRIx64, bundle->hash);
    (void)snprintf(replaces, sizeof(replaces), "%016" PRIx64, bundle->replaces);
    json_t *files = json_array();
    bool good = files != NULL;
    for (uint32_t i = 0; i < bundle->file_count; i++) {
        const struct playbook_text *file = &bundle->files[i];
        good = json_array_append_new(
                   files, json_pack("{s:s, s:s%}", "path", file->path, "text",
                                    file->text.size == 0 ? "" : (const char *)file->text.data,
                                    file->text.size)) == 0 &&
               good;
    }
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:s, s:I, s:o}", "format", BUNDLE_FORMAT, "application",
                  application, "playbook_hash", hash, "replaces", replaces, "applied_at",
                  (json_int_t)bundle->applied_at_ms, "files", files);
    char *text = good && root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (text != NULL && strlen(text) > BUNDLE_SIZE_MAX) {
        free(text);
        text = NULL;
    }
    return text;
}

void bundle_of(const struct playbook *playbook, struct bundle *out_bundle)
{
    size_t folder = strlen(playbook->path);
    *out_bundle = (struct bundle){.hash = playbook->hash};
    for (uint32_t i = 0; i < playbook->file_count; i++) {
        const struct source_file *file = &playbook->files[i];
        bool below = strncmp(file->path, playbook->path, folder) == 0 && file->path[folder] == '/';
        out_bundle->files[out_bundle->file_count++] =
            (struct playbook_text){below ? file->path + folder + 1 : file->path, file->text};
    }
}

static bool is_ours(const struct log_record *record, const char *application)
{
    return record->has_key && slice_is(record->key, application) && record->has_value;
}

static int64_t now_us(void)
{
    return clock_system()->ops->monotonic_us(clock_system());
}

enum status bundle_live(const struct connect *connect, struct arena *arena,
                        struct bundle *out_bundle, struct kafka_reader **out_reader,
                        struct status_text *out_text)
{
    const char *topic = connect->settings.playbook_topic;
    struct log_record record;
    *out_bundle = (struct bundle){0};
    enum status status = kafka_reader_open(&connect->kafka, &topic, 1, KAFKA_READER_EARLIEST,
                                           OPEN_TIMEOUT_MS, out_reader, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    size_t mark = arena->used;
    int64_t end_us = now_us() + OPEN_TIMEOUT_MS * INT64_C(1000);
    while (status == STATUS_OK && !kafka_reader_at_end(*out_reader)) {
        struct status_text why = {""};
        status = kafka_reader_next(*out_reader, READ_TIMEOUT_MS, &record, &why);
        if (status == STATUS_OK && is_ours(&record, connect->settings.application)) {
            arena->used = mark; /* only the last one counts */
            status = bundle_read(record.value, arena, out_bundle, &why);
        }
        bool late = status == STATUS_RETRY && now_us() >= end_us;
        if (late) {
            status = status_fail(out_text, STATUS_AWAY, "topic %s is not read to its end: %.400s",
                                 topic, why.text[0] == '\0' ? "no answer in time" : why.text);
        } else if (status == STATUS_RETRY) {
            status = STATUS_OK;
        } else if (status != STATUS_OK) {
            *out_text = why;
        }
    }
    if (status != STATUS_OK) {
        kafka_reader_close(*out_reader);
    }
    return status;
}

bool bundle_news(struct kafka_reader *reader, const char *application, uint64_t *out_hash)
{
    struct log_record record;
    struct status_text text;
    bool news = false;
    enum status status;
    while ((status = kafka_reader_next(reader, 0, &record, &text)) == STATUS_OK) {
        json_t *root = is_ours(&record, application)
                           ? json_loadb((const char *)record.value.data, record.value.size, 0, NULL)
                           : NULL;
        news |= root != NULL && take_hash(root, "playbook_hash", out_hash);
        json_decref(root);
    }
    if (status != STATUS_RETRY) {
        log_warn("playbook_unreadable", "what is applied is not seen", "reason=\"%s\"", text.text);
    }
    return news;
}
