/* SPDX-License-Identifier: Apache-2.0 */
/* One table of ids under one lock. Workers look into it; the thread takes the entry that has been
 * due longest, asks without the lock, and writes down what it learned.
 *
 *   from       what comes                            to
 *   WAITING    404                                   WAITING, missing since then; asked again
 *   WAITING    still 404 after missing_after_ms      UNKNOWN; asked again after negative_ttl_ms
 *   any        no answer, no copy on disk            AWAY (UNKNOWN stays); asked again with back-off
 *   any        an answer, or no answer and a copy    FOUND, for ever
 */
#include "io/registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/attributes.h"
#include "base/hash.h"
#include "io/clock.h"
#include "io/registry_request.h"

#define NEVER_MS INT64_MAX

struct entry {
    struct registry_key key;
    enum registry_state state;
    const struct registry_schema *schema;
    int64_t due_ms;           /* when the thread asks (again); NEVER_MS */
    int64_t missing_since_ms; /* the first 404 in a row; 0: none */
    int64_t recheck_ms;       /* UNKNOWN: when an ask makes it due again */
    uint32_t attempt;
};

struct registry {
    struct registry_settings settings; /* defaults filled in */
    struct registry_tally tally;
    struct registry_client asker;    /* the thread's */
    struct registry_client caller;   /* of the synchronous calls, under call_lock */
    pthread_mutex_t lock;            /* entries, schemas */
    _Atomic int64_t lookups_away_ms; /* until then what is on disk is not asked for */
    pthread_mutex_t call_lock;
    pthread_cond_t due;
    pthread_t thread;
    atomic_bool stop;
    _Atomic uint64_t generation;
    uint32_t entry_count;
    struct registry_schema **schemas; /* all that were found, to be freed */
    uint32_t schema_count;
    uint32_t schema_limit;
    struct entry entries[REGISTRY_SCHEMAS_MAX];
};

static int64_t now_ms(void)
{
    return clock_system()->ops->monotonic_us(clock_system()) / 1000;
}

/* --- the table */

static bool same_key(const struct registry_key *a, const struct registry_key *b)
{
    return a->by_guid == b->by_guid &&
           (a->by_guid ? memcmp(a->guid, b->guid, sizeof(a->guid)) == 0 : a->id == b->id);
}

static struct entry *find(struct registry *registry, const struct registry_key *key)
{
    for (uint32_t i = 0; i < registry->entry_count; i++) {
        if (same_key(&registry->entries[i].key, key)) {
            return &registry->entries[i];
        }
    }
    return NULL;
}

/* A free entry, or that of the id that has been known as missing longest; NULL: all are wanted. */
static struct entry *claim_entry(struct registry *registry)
{
    if (registry->entry_count < REGISTRY_SCHEMAS_MAX) {
        return &registry->entries[registry->entry_count++];
    }
    struct entry *oldest = NULL;
    for (uint32_t i = 0; i < registry->entry_count; i++) {
        struct entry *entry = &registry->entries[i];
        if (entry->state == REGISTRY_UNKNOWN &&
            (oldest == NULL || entry->recheck_ms < oldest->recheck_ms)) {
            oldest = entry;
        }
    }
    return oldest;
}

/* Own `schema` until registry_close. False: no memory. */
static bool keep_schema(struct registry *registry, struct registry_schema *schema)
{
    if (registry->schema_count == registry->schema_limit) {
        uint32_t limit = registry->schema_limit == 0 ? 64 : registry->schema_limit * 2;
        struct registry_schema **more =
            realloc(registry->schemas, limit * sizeof(struct registry_schema *));
        if (more == NULL) {
            return false;
        }
        registry->schemas = more;
        registry->schema_limit = limit;
    }
    registry->schemas[registry->schema_count++] = schema;
    return true;
}

enum registry_state registry_ask(struct registry *registry, const struct registry_key *key,
                                 const struct registry_schema **out_schema)
{
    enum registry_state state = REGISTRY_AWAY;
    (void)pthread_mutex_lock(&registry->lock);
    struct entry *entry = find(registry, key);
    if (entry == NULL) {
        entry = claim_entry(registry);
        if (entry != NULL) {
            *entry = (struct entry){.key = *key, .state = REGISTRY_WAITING, .due_ms = now_ms()};
            (void)pthread_cond_signal(&registry->due);
        }
    } else if (entry->state == REGISTRY_UNKNOWN && entry->due_ms == NEVER_MS &&
               now_ms() >= entry->recheck_ms) {
        entry->due_ms = now_ms();
        (void)pthread_cond_signal(&registry->due);
    }
    if (entry != NULL) {
        state = entry->state;
        if (state == REGISTRY_FOUND && out_schema != NULL) {
            *out_schema = entry->schema;
        }
    }
    (void)pthread_mutex_unlock(&registry->lock);
    return state;
}

uint64_t registry_generation(const struct registry *registry)
{
    return atomic_load(&registry->generation);
}

/* --- the thread */

/* Write down that `key` is `schema`, whatever was thought before. Under the lock. */
static void note_found(struct registry *registry, const struct registry_key *key,
                       const struct registry_schema *schema)
{
    struct entry *entry = find(registry, key);
    entry = entry == NULL ? claim_entry(registry) : entry;
    if (entry != NULL) {
        *entry = (struct entry){
            .key = *key, .state = REGISTRY_FOUND, .schema = schema, .due_ms = NEVER_MS};
    }
}

/* A definite 404. Under the lock. */
static void note_missing(const struct registry *registry, struct entry *entry)
{
    const struct registry_settings *settings = &registry->settings;
    int64_t now = now_ms();
    if (entry->missing_since_ms == 0) {
        entry->missing_since_ms = now;
    }
    int64_t certain_ms = entry->missing_since_ms + settings->missing_after_ms;
    if (now >= certain_ms) {
        entry->state = REGISTRY_UNKNOWN;
        entry->due_ms = NEVER_MS;
        entry->recheck_ms = now + settings->negative_ttl_ms;
        return;
    }
    int64_t retry_ms = now + registry_backoff_ms(settings, ++entry->attempt);
    entry->state = REGISTRY_WAITING;
    entry->due_ms = retry_ms < certain_ms ? retry_ms : certain_ms;
}

static void ask_registry(struct registry *registry, const struct registry_key *key)
{
    char path[REGISTRY_PATH_SIZE];
    char name[REGISTRY_NAME_SIZE];
    struct registry_schema *schema = NULL;
    struct registry_version version = {0};
    struct registry_reply reply = {0};
    registry_key_name(key, name);
    (void)snprintf(path, sizeof(path), "/schemas/%s/%s", key->by_guid ? "guids" : "ids",
                   strchr(name, '-') + 1);
    struct registry_schema *copy = NULL;
    uint32_t kept_id = 0;
    bool kept = registry_cache_read(&registry->settings, name, &copy, &kept_id);
    registry->asker.patience_ms = kept ? REGISTRY_PATIENCE_MS : 0;
    enum status status = registry_fetch(&registry->asker, path, &schema, &version, &reply, NULL);
    bool missing = registry_reply_is_missing(&reply);
    if (status == STATUS_OK) {
        registry_cache_write(&registry->settings, name, schema, key->id);
    } else if (!missing && kept) {
        atomic_fetch_add(&registry->tally.disk_hits, 1);
        schema = copy;
        copy = NULL;
    }
    free(copy);
    (void)pthread_mutex_lock(&registry->lock);
    struct entry *entry = find(registry, key);
    if (entry != NULL && entry->state == REGISTRY_FOUND) {
        free(schema); /* a call of somebody's was faster */
    } else if (schema != NULL && keep_schema(registry, schema)) {
        note_found(registry, key, schema);
    } else if (entry != NULL && missing) {
        note_missing(registry, entry);
    } else if (entry != NULL) {
        free(schema);
        atomic_fetch_add(&registry->tally.retries, 1);
        entry->state = entry->state == REGISTRY_UNKNOWN ? REGISTRY_UNKNOWN : REGISTRY_AWAY;
        entry->due_ms = now_ms() + registry_backoff_ms(&registry->settings, ++entry->attempt);
    }
    (void)pthread_mutex_unlock(&registry->lock);
    atomic_fetch_add(&registry->generation, 1);
}

/* The entry that has been due longest; NULL and the time to wait until. Under the lock. */
static struct entry *next_due(struct registry *registry, int64_t *out_until_ms)
{
    struct entry *first = NULL;
    for (uint32_t i = 0; i < registry->entry_count; i++) {
        struct entry *entry = &registry->entries[i];
        if (entry->due_ms != NEVER_MS && (first == NULL || entry->due_ms < first->due_ms)) {
            first = entry;
        }
    }
    *out_until_ms = first == NULL ? NEVER_MS : first->due_ms;
    return first != NULL && first->due_ms <= now_ms() ? first : NULL;
}

static void *run(void *context)
{
    struct registry *registry = context;
    (void)pthread_mutex_lock(&registry->lock);
    while (!atomic_load(&registry->stop)) {
        int64_t until_ms = NEVER_MS;
        struct entry *entry = next_due(registry, &until_ms);
        if (entry != NULL) {
            struct registry_key key = entry->key;
            (void)pthread_mutex_unlock(&registry->lock);
            ask_registry(registry, &key);
            (void)pthread_mutex_lock(&registry->lock);
        } else if (until_ms == NEVER_MS) {
            (void)pthread_cond_wait(&registry->due, &registry->lock);
        } else {
            struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
            (void)pthread_cond_timedwait(&registry->due, &registry->lock, &until);
        }
    }
    (void)pthread_mutex_unlock(&registry->lock);
    return NULL;
}

/* --- opening and closing */

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == 0 ? otherwise : value;
}

/* Settings say "" for what is not set. */
static void drop_empty_texts(struct registry_settings *settings)
{
    const char **const texts[] = {
        &settings->user,        &settings->password_file,    &settings->token_file,
        &settings->ca_file,     &settings->certificate_file, &settings->key_file,
        &settings->cache_folder};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (*texts[i] != NULL && (*texts[i])[0] == '\0') {
            *texts[i] = NULL;
        }
    }
}

static enum status settle(struct registry_settings *settings, struct status_text *out_text)
{
    drop_empty_texts(settings);
    const char *const files[] = {settings->password_file, settings->token_file, settings->ca_file,
                                 settings->certificate_file, settings->key_file};
    if (settings->url_count == 0 || settings->url_count > REGISTRY_URLS_MAX) {
        return status_fail(out_text, STATUS_INVALID, "registry.url: give 1, or urls: 1 to %d",
                           REGISTRY_URLS_MAX);
    }
    for (uint32_t i = 0; i < settings->url_count; i++) {
        if (strncmp(settings->urls[i], "http://", 7) != 0 &&
            strncmp(settings->urls[i], "https://", 8) != 0) {
            return status_fail(out_text, STATUS_INVALID,
                               "registry.url: `%s` is not http:// or https://", settings->urls[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        if (files[i] != NULL && access(files[i], R_OK) != 0) {
            return status_fail(out_text, STATUS_INVALID, "registry: %s: %s", files[i],
                               strerror(errno));
        }
    }
    if (settings->cache_folder != NULL && mkdir(settings->cache_folder, 0755) != 0 &&
        errno != EEXIST) {
        return status_fail(out_text, STATUS_INVALID, "registry.cache_folder %s: %s",
                           settings->cache_folder, strerror(errno));
    }
    settings->base_path = settings->base_path == NULL ? "" : settings->base_path;
    settings->connect_timeout_ms = or_default(settings->connect_timeout_ms, 2000);
    settings->timeout_ms = or_default(settings->timeout_ms, 5000);
    settings->retry_ms_min = or_default(settings->retry_ms_min, 200);
    settings->retry_ms_max = or_default(settings->retry_ms_max, 5000);
    settings->attempts = or_default(settings->attempts, 4);
    settings->missing_after_ms = or_default(settings->missing_after_ms, 60000);
    settings->negative_ttl_ms = or_default(settings->negative_ttl_ms, 300000);
    settings->body_size_max =
        settings->body_size_max == 0 ? 4 * 1024 * 1024 : settings->body_size_max;
    return STATUS_OK;
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void free_registry(struct registry *registry)
{
    registry_client_close(&registry->asker);
    registry_client_close(&registry->caller);
    for (uint32_t i = 0; i < registry->schema_count; i++) {
        free(registry->schemas[i]);
    }
    free(registry->schemas);
    free(registry);
}

enum status registry_open(struct registry **out_registry, const struct registry_settings *settings,
                          struct status_text *out_text)
{
    struct registry_settings settled = *settings;
    enum status status = settle(&settled, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    (void)pthread_once(&curl_once, start_curl);
    struct registry *registry = calloc(1, sizeof(*registry));
    if (registry == NULL) {
        return status_fail(out_text, STATUS_AWAY, "no memory for the registry client");
    }
    registry->settings = settled;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&registry->due, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&registry->lock, NULL);
    (void)pthread_mutex_init(&registry->call_lock, NULL);
    if (registry_client_open(&registry->asker, &registry->settings, &registry->tally,
                             &registry->stop) != STATUS_OK ||
        registry_client_open(&registry->caller, &registry->settings, &registry->tally,
                             &registry->stop) != STATUS_OK ||
        pthread_create(&registry->thread, NULL, run, registry) != 0) {
        free_registry(registry);
        return status_fail(out_text, STATUS_AWAY, "no memory or thread for the registry client");
    }
    *out_registry = registry;
    return STATUS_OK;
}

void registry_close(struct registry *registry)
{
    (void)pthread_mutex_lock(&registry->lock);
    atomic_store(&registry->stop, true);
    (void)pthread_cond_signal(&registry->due);
    (void)pthread_mutex_unlock(&registry->lock);
    (void)pthread_join(registry->thread, NULL);
    (void)pthread_mutex_destroy(&registry->lock);
    (void)pthread_mutex_destroy(&registry->call_lock);
    (void)pthread_cond_destroy(&registry->due);
    free_registry(registry);
}

/* --- synchronous calls */

/* The registry, or the copy of its answer, says that this text has this id: nobody need ask for it to read what is
 * written under it. An answer by id, which came from the registry, stays. */
static void note_own(struct registry *registry, uint32_t id, struct slice text)
{
    struct registry_key key = {.id = id};
    (void)pthread_mutex_lock(&registry->lock);
    const struct entry *entry = find(registry, &key);
    struct registry_schema *schema = entry != NULL && entry->state == REGISTRY_FOUND
                                         ? NULL
                                         : registry_schema_make(text, NULL, 0);
    if (schema != NULL && keep_schema(registry, schema)) {
        note_found(registry, &key, schema);
    } else {
        free(schema);
    }
    (void)pthread_mutex_unlock(&registry->lock);
    atomic_fetch_add(&registry->generation, 1);
}

static void pause_before(const struct registry *registry, uint32_t attempt)
{
    uint32_t wait_ms = registry_backoff_ms(&registry->settings, attempt);
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000L};
    (void)nanosleep(&wait, NULL);
}

static enum status subject_path(char path[REGISTRY_PATH_SIZE], const char *subject,
                                const char *tail, struct status_text *out_text)
{
    (void)snprintf(path, REGISTRY_PATH_SIZE, "/subjects/");
    if (subject[0] == '\0' || strlen(subject) >= REGISTRY_SUBJECT_SIZE_MAX ||
        !registry_path_append(path, REGISTRY_PATH_SIZE - 32, subject)) {
        return status_fail(out_text, STATUS_INVALID, "a subject is 1 to %d bytes",
                           REGISTRY_SUBJECT_SIZE_MAX - 1);
    }
    (void)snprintf(path + strlen(path), 32, "%s", tail);
    return STATUS_OK;
}

enum status registry_latest(struct registry *registry, const char *subject,
                            struct registry_version *out_version, struct status_text *out_text)
{
    char path[REGISTRY_PATH_SIZE];
    struct registry_schema *schema = NULL;
    struct registry_version version = {0};
    struct registry_reply reply = {0};
    enum status status = subject_path(path, subject, "/versions/latest", out_text);
    if (status != STATUS_OK) {
        return status;
    }
    (void)pthread_mutex_lock(&registry->call_lock);
    for (uint32_t attempt = 1;; attempt++) {
        status = registry_fetch(&registry->caller, path, &schema, &version, &reply, out_text);
        if (status != STATUS_AWAY || attempt >= registry->settings.attempts) {
            break;
        }
        atomic_fetch_add(&registry->tally.retries, 1);
        pause_before(registry, attempt);
    }
    (void)pthread_mutex_unlock(&registry->call_lock);
    if (status != STATUS_OK) {
        return status;
    }
    struct registry_key key = {.id = version.id};
    char name[REGISTRY_NAME_SIZE];
    registry_key_name(&key, name);
    registry_cache_write(&registry->settings, name, schema, version.id);
    (void)pthread_mutex_lock(&registry->lock);
    bool kept = keep_schema(registry, schema);
    if (kept) {
        note_found(registry, &key, schema);
    }
    (void)pthread_mutex_unlock(&registry->lock);
    if (!kept) {
        free(schema);
        return status_fail(out_text, STATUS_AWAY, "no memory for a schema");
    }
    version.schema = schema;
    *out_version = version;
    return STATUS_OK;
}

/* POST {"schema": ..} and read the id that comes back. `kept`: there is a copy, so no need to insist. */
static enum status post_schema(struct registry *registry, const char *path, struct slice schema,
                               bool kept, uint32_t *out_id, struct status_text *out_text)
{
    uint32_t attempts = kept ? 1 : registry->settings.attempts;
    struct registry_reply reply = {0};
    json_t *json =
        json_pack("{s:o}", "schema", json_stringn((const char *)schema.data, schema.size));
    char *body = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (body == NULL) {
        return status_fail(out_text, STATUS_INVALID, "the schema is not UTF-8");
    }
    enum status status;
    (void)pthread_mutex_lock(&registry->call_lock);
    registry->caller.patience_ms = kept ? REGISTRY_PATIENCE_MS : 0;
    for (uint32_t attempt = 1;; attempt++) {
        status = registry_request(&registry->caller, path, body, &reply, out_text);
        if (status != STATUS_AWAY || attempt >= attempts) {
            break;
        }
        atomic_fetch_add(&registry->tally.retries, 1);
        pause_before(registry, attempt);
    }
    registry->caller.patience_ms = 0;
    (void)pthread_mutex_unlock(&registry->call_lock);
    free(body);
    if (status != STATUS_OK) {
        return status;
    }
    json_t *id = json_object_get(reply.json, "id");
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > UINT32_MAX) {
        status = status_fail(out_text, STATUS_AWAY, "%s: an answer without an id", path);
    } else {
        *out_id = (uint32_t)json_integer_value(id);
    }
    json_decref(reply.json);
    return status;
}

static void lookup_name(char name[REGISTRY_NAME_SIZE], const char *subject, struct slice schema)
{
    (void)snprintf(name, REGISTRY_NAME_SIZE, "lookup-%016llx",
                   (unsigned long long)hash64(schema, hash64(slice_text(subject), 0)));
}

/* The registry has answered: a restart while it is away need not ask. */
static void keep_own(struct registry *registry, const char *name, struct slice schema, uint32_t id)
{
    struct registry_schema whole = {schema, NULL, 0};
    registry_cache_write(&registry->settings, name, &whole, id);
    note_own(registry, id, schema);
}

enum status registry_lookup(struct registry *registry, const char *subject, struct slice schema,
                            uint32_t *out_id, struct status_text *out_text)
{
    char path[REGISTRY_PATH_SIZE];
    char name[REGISTRY_NAME_SIZE];
    enum status status = subject_path(path, subject, "", out_text);
    if (status != STATUS_OK) {
        return status;
    }
    struct registry_schema *copy = NULL;
    uint32_t kept_id = 0;
    lookup_name(name, subject, schema);
    bool kept = registry_cache_read(&registry->settings, name, &copy, &kept_id);
    free(copy);
    /* What hung a moment ago is not asked again for each schema, or a start would take a time-out per output. */
    bool hangs = kept && now_ms() < atomic_load(&registry->lookups_away_ms);
    status = hangs ? STATUS_AWAY : post_schema(registry, path, schema, kept, out_id, out_text);
    if (!hangs) {
        int64_t until_ms = now_ms() + registry->settings.retry_ms_max;
        atomic_store(&registry->lookups_away_ms, status == STATUS_AWAY ? until_ms : 0);
    }
    if (status == STATUS_OK) {
        keep_own(registry, name, schema, *out_id);
    } else if (status == STATUS_AWAY && kept) {
        atomic_fetch_add(&registry->tally.disk_hits, 1);
        *out_id = kept_id;
        note_own(registry, kept_id, schema);
        status = STATUS_OK;
    }
    return status;
}

enum status registry_register(struct registry *registry, const char *subject, struct slice schema,
                              uint32_t *out_id, struct status_text *out_text)
{
    char path[REGISTRY_PATH_SIZE];
    enum status status = subject_path(path, subject, "/versions", out_text);
    if (status == STATUS_OK) {
        status = post_schema(registry, path, schema, false, out_id, out_text);
    }
    if (status == STATUS_OK) {
        char name[REGISTRY_NAME_SIZE];
        lookup_name(name, subject, schema);
        keep_own(registry, name, schema, *out_id);
    }
    return status;
}

enum status registry_ping(struct registry *registry, struct status_text *out_text)
{
    struct registry_reply reply = {0};
    (void)pthread_mutex_lock(&registry->call_lock);
    enum status status =
        registry_request(&registry->caller, "/schemas/types", NULL, &reply, out_text);
    (void)pthread_mutex_unlock(&registry->call_lock);
    json_decref(reply.json);
    return status;
}

struct registry_counters registry_counters(const struct registry *registry)
{
    struct registry *locked = (struct registry *)(uintptr_t)registry;
    struct registry_counters counters = {
        .requests = atomic_load(&registry->tally.requests),
        .retries = atomic_load(&registry->tally.retries),
        .failures = atomic_load(&registry->tally.failures),
        .not_found = atomic_load(&registry->tally.not_found),
        .disk_hits = atomic_load(&registry->tally.disk_hits),
    };
    (void)pthread_mutex_lock(&locked->lock);
    for (uint32_t i = 0; i < registry->entry_count; i++) {
        counters.waiting += registry->entries[i].due_ms != NEVER_MS;
    }
    (void)pthread_mutex_unlock(&locked->lock);
    return counters;
}
