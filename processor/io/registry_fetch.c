/* SPDX-License-Identifier: Apache-2.0 */
/* A schema with what it refers to: from the registry, and from and to the copy on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/hash.h"
#include "io/registry_request.h"

enum { DEPTH_MAX = 16, CACHE_FORMAT = 1, FILE_PATH_SIZE = 1024 };

struct registry_schema *registry_schema_make(struct slice text, const struct slice *references,
                                             uint32_t reference_count)
{
    size_t size =
        sizeof(struct registry_schema) + reference_count * sizeof(struct slice) + text.size;
    for (uint32_t i = 0; i < reference_count; i++) {
        size += references[i].size;
    }
    struct registry_schema *schema = malloc(size);
    if (schema == NULL) {
        return NULL;
    }
    struct slice *list = (struct slice *)(schema + 1);
    uint8_t *at = (uint8_t *)(list + reference_count);
    memcpy(at, text.data, text.size);
    *schema = (struct registry_schema){slice_of(at, text.size), list, reference_count};
    at += text.size;
    for (uint32_t i = 0; i < reference_count; i++) {
        memcpy(at, references[i].data, references[i].size);
        list[i] = slice_of(at, references[i].size);
        at += references[i].size;
    }
    return schema;
}

/* --- from the registry */

/* The answers gathered for one schema. Each is kept until the block is made of their texts. */
struct gathering {
    struct registry_client *client;
    struct registry_reply *reply;
    struct status_text *text;
    json_t *answers[REGISTRY_REFERENCES_MAX]; /* of references, in dependency order */
    char paths[REGISTRY_REFERENCES_MAX]
              [REGISTRY_PATH_SIZE]; /* of those gathered or being gathered */
    uint32_t path_count;
    struct slice texts[REGISTRY_REFERENCES_MAX];
    uint32_t count;
};

static enum status ask_for_schema(struct gathering *gathering, const char *path,
                                  json_t **out_answer, struct slice *out_text)
{
    enum status status =
        registry_request(gathering->client, path, NULL, gathering->reply, gathering->text);
    if (status != STATUS_OK) {
        return status;
    }
    json_t *schema = json_object_get(gathering->reply->json, "schema");
    if (!json_is_string(schema)) {
        json_decref(gathering->reply->json);
        return status_fail(gathering->text, STATUS_AWAY, "%s: an answer without a schema", path);
    }
    *out_answer = gathering->reply->json;
    *out_text = slice_of(json_string_value(schema), json_string_length(schema));
    return STATUS_OK;
}

static enum status gather_references(struct gathering *gathering, json_t *answer, int depth);

static enum status gather_one(struct gathering *gathering, json_t *reference, int depth)
{
    const char *subject = json_string_value(json_object_get(reference, "subject"));
    json_t *version = json_object_get(reference, "version");
    char path[REGISTRY_PATH_SIZE] = "/subjects/";
    char tail[64];
    (void)snprintf(tail, sizeof(tail), "/versions/%lld", (long long)json_integer_value(version));
    if (subject == NULL || !json_is_integer(version) ||
        !registry_path_append(path, sizeof(path) - sizeof(tail), subject)) {
        return status_fail(gathering->text, STATUS_AWAY, "a reference without subject and version");
    }
    (void)snprintf(path + strlen(path), sizeof(tail), "%s", tail);
    for (uint32_t i = 0; i < gathering->path_count; i++) {
        if (strcmp(gathering->paths[i], path) == 0) {
            return STATUS_OK;
        }
    }
    if (gathering->path_count == REGISTRY_REFERENCES_MAX || depth == DEPTH_MAX) {
        return status_fail(gathering->text, STATUS_INVALID,
                           "a schema with more than %d references, or %d deep",
                           REGISTRY_REFERENCES_MAX, DEPTH_MAX);
    }
    memcpy(gathering->paths[gathering->path_count++], path, sizeof(path));
    json_t *answer = NULL;
    struct slice text;
    enum status status = ask_for_schema(gathering, path, &answer, &text);
    if (status == STATUS_OK) {
        status = gather_references(gathering, answer, depth + 1);
        gathering->answers[gathering->count] = answer; /* after those it refers to */
        gathering->texts[gathering->count++] = text;
    }
    return status;
}

static enum status gather_references(struct gathering *gathering, json_t *answer, int depth)
{
    json_t *references = json_object_get(answer, "references");
    for (size_t i = 0; i < json_array_size(references); i++) {
        enum status status = gather_one(gathering, json_array_get(references, i), depth);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status registry_fetch(struct registry_client *client, const char *path,
                           struct registry_schema **out_schema,
                           struct registry_version *out_version, struct registry_reply *reply,
                           struct status_text *out_text)
{
    struct gathering *gathering = calloc(1, sizeof(*gathering));
    json_t *answer = NULL;
    struct slice text = {NULL, 0};
    if (gathering == NULL) {
        return status_fail(out_text, STATUS_AWAY, "no memory for a schema");
    }
    gathering->client = client;
    gathering->reply = reply;
    gathering->text = out_text;
    enum status status = ask_for_schema(gathering, path, &answer, &text);
    if (status == STATUS_OK) {
        out_version->id = (uint32_t)json_integer_value(json_object_get(answer, "id"));
        out_version->version = (int32_t)json_integer_value(json_object_get(answer, "version"));
        status = gather_references(gathering, answer, 0);
        if (registry_reply_is_missing(reply)) {
            *reply = (struct registry_reply){0}; /* the schema is there; what it refers to is not */
            status =
                status_fail(out_text, STATUS_AWAY, "%s refers to a schema that is missing", path);
        }
    }
    if (status == STATUS_OK) {
        *out_schema = registry_schema_make(text, gathering->texts, gathering->count);
        status = *out_schema == NULL ? status_fail(out_text, STATUS_AWAY, "no memory for a schema")
                                     : STATUS_OK;
    }
    for (uint32_t i = 0; i < gathering->count; i++) {
        json_decref(gathering->answers[i]);
    }
    json_decref(answer);
    free(gathering);
    reply->json = NULL;
    return status;
}

/* --- the copy on disk */

/* Over everything that must not change by itself, the registry's address included: ids differ
 * between two. */
static uint64_t fingerprint(const struct registry_settings *settings, const char *name,
                            const struct registry_schema *schema, uint32_t id)
{
    uint64_t hash = hash64(slice_text(settings->urls[0]), CACHE_FORMAT);
    hash = hash64(slice_text(settings->base_path), hash);
    hash = hash64(slice_text(name), hash);
    hash = hash64(schema->text, hash + id);
    for (uint32_t i = 0; i < schema->reference_count; i++) {
        hash = hash64(schema->references[i], hash);
    }
    return hash;
}

static bool path_of(const struct registry_settings *settings, const char *name, const char *suffix,
                    char out_path[FILE_PATH_SIZE])
{
    int size = snprintf(out_path, FILE_PATH_SIZE, "%s/%s%s", settings->cache_folder, name, suffix);
    return size > 0 && size < FILE_PATH_SIZE;
}

static json_t *json_of(const struct registry_settings *settings, const char *name,
                       const struct registry_schema *schema, uint32_t id)
{
    char hash[20];
    (void)snprintf(hash, sizeof(hash), "%016llx",
                   (unsigned long long)fingerprint(settings, name, schema, id));
    json_t *references = json_array();
    for (uint32_t i = 0; i < schema->reference_count; i++) {
        struct slice text = schema->references[i];
        (void)json_array_append_new(references, json_stringn((const char *)text.data, text.size));
    }
    return json_pack("{s:i, s:s, s:I, s:o, s:o, s:s}", "format", CACHE_FORMAT, "name", name, "id",
                     (json_int_t)id, "schema",
                     json_stringn((const char *)schema->text.data, schema->text.size), "references",
                     references, "fingerprint", hash);
}

void registry_cache_write(const struct registry_settings *settings, const char *name,
                          const struct registry_schema *schema, uint32_t id)
{
    char path[FILE_PATH_SIZE];
    char fresh[FILE_PATH_SIZE];
    if (settings->cache_folder == NULL) {
        return;
    }
    json_t *json = json_of(settings, name, schema, id);
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(1));
    if (text != NULL && path_of(settings, name, ".json", path) &&
        path_of(settings, name, ".new.XXXXXX", fresh)) {
        /* A name of its own: several processes may share the folder, and in containers all are process 1. */
        int fd = mkostemp(fresh, O_CLOEXEC);
        size_t size = strlen(text);
        bool good = fd >= 0 && fchmod(fd, 0644) == 0 && write(fd, text, size) == (ssize_t)size &&
                    fsync(fd) == 0;
        if (fd >= 0) {
            good = close(fd) == 0 && good;
        }
        if (fd >= 0 && (!good || rename(fresh, path) != 0)) {
            (void)unlink(fresh); /* a full disk costs the copy, not the run */
        }
    }
    free(text);
    json_decref(json);
}

static struct registry_schema *schema_of(json_t *json)
{
    struct slice texts[REGISTRY_REFERENCES_MAX];
    json_t *schema = json_object_get(json, "schema");
    json_t *references = json_object_get(json, "references");
    size_t count = json_array_size(references);
    if (!json_is_string(schema) || !json_is_array(references) || count > REGISTRY_REFERENCES_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        json_t *text = json_array_get(references, i);
        if (!json_is_string(text)) {
            return NULL;
        }
        texts[i] = slice_of(json_string_value(text), json_string_length(text));
    }
    return registry_schema_make(slice_of(json_string_value(schema), json_string_length(schema)),
                                texts, (uint32_t)count);
}

bool registry_cache_read(const struct registry_settings *settings, const char *name,
                         struct registry_schema **out_schema, uint32_t *out_id)
{
    char path[FILE_PATH_SIZE];
    struct stat about;
    json_error_t error;
    if (settings->cache_folder == NULL || !path_of(settings, name, ".json", path) ||
        stat(path, &about) != 0 ||
        (uint64_t)about.st_size > 4 * (uint64_t)settings->body_size_max) {
        return false;
    }
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    struct registry_schema *schema = schema_of(json);
    uint32_t id = (uint32_t)json_integer_value(json_object_get(json, "id"));
    const char *hash = json_string_value(json_object_get(json, "fingerprint"));
    char wanted[20] = "";
    if (schema != NULL) {
        (void)snprintf(wanted, sizeof(wanted), "%016llx",
                       (unsigned long long)fingerprint(settings, name, schema, id));
    }
    bool good = schema != NULL && hash != NULL && strcmp(hash, wanted) == 0;
    json_decref(json);
    if (!good) {
        free(schema);
        return false;
    }
    *out_schema = schema;
    *out_id = id;
    return true;
}
