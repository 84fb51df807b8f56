/* SPDX-License-Identifier: Apache-2.0 */
#include "settings/settings.h"

#include <stdlib.h>

#include "base/civil.h"
#include "base/hash.h"
#include "settings/parse.h"

enum form {
    FORM_TEXT,
    FORM_PATH,
    FORM_BOOL,
    FORM_INTEGER,
    FORM_SIZE,
    FORM_DURATION,
    FORM_TIME,
    FORM_WORD
};

/* One key. The default is YAML as one would write it; "" is "not set". min and max are in the
 * form's unit (milliseconds, bytes). */
struct key {
    const char *path; /* "commit.interval" */
    enum form form;
    size_t at; /* offset in struct settings */
    const char *value;
    int64_t min, max;
    const char *words; /* FORM_WORD: "live stream" in the enum's order */
    const char *about;
};

#define AT(member) offsetof(struct settings, member)
#define TEXT(path, member, value, about)                                                           \
    {                                                                                              \
        path, FORM_TEXT, AT(member), value, 0, 0, NULL, about                                      \
    }
#define PATH(path, member, value, about)                                                           \
    {                                                                                              \
        path, FORM_PATH, AT(member), value, 0, 0, NULL, about                                      \
    }
#define BOOL(path, member, value, about)                                                           \
    {                                                                                              \
        path, FORM_BOOL, AT(member), value, 0, 0, NULL, about                                      \
    }
#define INTEGER(path, member, value, min, max, about)                                              \
    {                                                                                              \
        path, FORM_INTEGER, AT(member), value, min, max, NULL, about                               \
    }
#define SIZE(path, member, value, min, max, about)                                                 \
    {                                                                                              \
        path, FORM_SIZE, AT(member), value, min, max, NULL, about                                  \
    }
#define TIMESPAN(path, member, value, min, max, about)                                             \
    {                                                                                              \
        path, FORM_DURATION, AT(member), value, min, max, NULL, about                              \
    }
#define WORD(path, member, value, words, about)                                                    \
    {                                                                                              \
        path, FORM_WORD, AT(member), value, 0, 0, words, about                                     \
    }
#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Every default of the configuration. */
static const struct key keys[] = {
    TEXT("application", application, "segue",
         "prefix of Redis keys, client ids and transactional ids"),
    TEXT("instance", instance, "segue-0",
         "this process's stable name; two processes never share one"),
    TEXT("group", group, "", "consumer group; the application's name when not set"),
    PATH("playbook", playbook, "playbooks/retail", "file or folder of rules"),
    TEXT("listen", listen, "127.0.0.1:9464",
         "address:port of /metrics, /healthz, /readyz; \"\" for none"),
    WORD("log.level", log_level, "info", "debug info warn error", "lines below it are dropped"),
    TEXT("salt", salt, "segue", "of holdouts and arms; a new one deals all customers anew"),
    WORD("clock", clock, "live", "live stream", "stream: event time only, for history and replays"),
    {"live_from", FORM_TIME, AT(live_from_ms), "", 0, 0, NULL,
     "before it outputs are BACKFILL: state topic only, no offers"},
    TIMESPAN("merge_wait", merge_wait_ms, "2s", 0, MS_PER_HOUR,
             "clock stream: how long a record waits for a source that is at its end"),
    TIMESPAN(
        "future_max", future_max_ms, "5m", 0, MS_PER_DAY,
        "an event dated further ahead, or a consent in it, is rejected; clock stream: ten years"),
    TIMESPAN("clock_lead_max", clock_lead_max_ms, "60s", MS_PER_SECOND, MS_PER_DAY,
             "the wall clock may run that far ahead of our last append"),
    INTEGER("tasks", tasks, "0", 0, 100000, "partitions of every source; 0: as the topics have"),
    INTEGER("workers", workers, "auto", 0, 32,
            "threads with a producer each; auto: one per core but one"),
    INTEGER("journal.partitions", journal_partitions, "4", 1, 1000,
            "J, when Segue makes the topic"),
    TIMESPAN("journal.keep", journal_keep_ms, "1h", MS_PER_SECOND, 30 * MS_PER_DAY,
             "never deleted before"),
    TIMESPAN("checkpoint.interval", checkpoint_interval_ms, "10m", MS_PER_SECOND, 7 * MS_PER_DAY,
             "a changed record is written to the checkpoint topic within that time"),
    TIMESPAN("commit.interval", commit_interval_ms, "50ms", 25, 10 * MS_PER_SECOND,
             "the longest between commits"),
    TIMESPAN("commit.catch_up", commit_catch_up_ms, "500ms", 0, 10 * MS_PER_SECOND,
             "the same while four times as much waits as the commit holds"),
    INTEGER("commit.records", batch_records_max, "50000", 1, 1000000, "inputs in one commit"),
    SIZE("commit.size", batch_size_max, "16MiB", 64 * KIB, GIB, "bytes of inputs in one commit"),
    SIZE("limits.record", record_size_max, "1MiB", KIB, 64 * MIB,
         "an input value beyond it is rejected"),
    SIZE("limits.cut", cut_size_max, "900KiB", 16 * KIB, 64 * MIB,
         "a journal message; a longer cut is split"),
    SIZE("limits.commit", commit_size_max, "4MiB", MIB, 256 * MIB,
         "a task's part of a transaction, which has four such; only ever raised"),
    SIZE("cache.size", cache_size, "256MiB", MIB, 1024 * GIB,
         "cached customer records, all workers"),
    INTEGER("sweep.rate", sweep_rate, "20000", 1, 10000000,
            "customers a second that are looked at again under another playbook, all workers"),
    INTEGER("apply.queue", apply_queue_max, "3", 1, 16, "cuts of a task that may wait for Redis"),
    TIMESPAN("watchdog", watchdog_ms, "60s", MS_PER_SECOND, MS_PER_DAY,
             "no progress for so long: exit 75"),
    TEXT("repartition.listen", repartition_listen, "127.0.0.1:9465",
         "as `listen`, of `segue repartition`"),
    TIMESPAN("shutdown", shutdown_ms, "10s", MS_PER_SECOND, MS_PER_HOUR,
             "SIGTERM: at most so long"),
    TEXT("registry.base_path", registry.base_path, "",
         "before every path: /apis/ccompat/v7 for Apicurio"),
    TEXT("registry.user", registry.user, "", "basic authentication, with password_file"),
    PATH("registry.password_file", registry.password_file, "", "read at every request"),
    PATH("registry.token_file", registry.token_file, "", "bearer token, read at every request"),
    PATH("registry.ca_file", registry.ca_file, "", "PEM; the system's when not set"),
    PATH("registry.certificate_file", registry.certificate_file, "", "PEM, for mutual TLS"),
    PATH("registry.key_file", registry.key_file, "", "PEM"),
    PATH("registry.cache_dir", registry.cache_folder, "",
         "copies of schemas, used when the registry is away"),
    TIMESPAN("registry.connect_timeout", registry.connect_timeout_ms, "2s", 10, MS_PER_HOUR,
             "with TLS"),
    TIMESPAN("registry.timeout", registry.timeout_ms, "5s", 10, MS_PER_HOUR,
             "one request in total"),
    TIMESPAN("registry.missing_after", registry.missing_after_ms, "60s", 0, MS_PER_DAY,
             "a definite 404 must last so long before records become dead letters"),
    TIMESPAN("registry.negative_ttl", registry.negative_ttl_ms, "5m", MS_PER_SECOND, MS_PER_DAY,
             "then the id is asked for again"),
    BOOL("registry.auto_register", registry.auto_register, "false",
         "register our schemas at start: demo only"),
    TEXT("redis.address", redis.address, "127.0.0.1:6379", "host:port, [v6]:port or unix:/path"),
    BOOL("redis.cluster", redis.cluster, "false",
         "a Redis Cluster; address then names some of its nodes: a:1,b:2"),
    TEXT("redis.sentinel_master", redis.sentinel_master, "",
         "a primary that Sentinel watches; address then names the sentinels: a:26379,b:26379"),
    PATH("redis.sentinel_password_file", redis.sentinel_password_file, "",
         "the sentinels' own, read at every connect"),
    BOOL("redis.tls", redis.tls, "false", "the nodes' certificates are verified, sentinels' too"),
    PATH("redis.ca_file", redis.ca_file, "", "PEM; the system's when not set"),
    PATH("redis.certificate_file", redis.certificate_file, "", "PEM, for mutual TLS"),
    PATH("redis.key_file", redis.key_file, "", "PEM"),
    TEXT("redis.server_name", redis.server_name, "",
         "name in the certificate; the address's when not set"),
    TEXT("redis.user", redis.user, "", "ACL user; the default one when not set"),
    PATH("redis.password_file", redis.password_file, "", "read at every connect"),
    TIMESPAN("redis.connect_timeout", redis.connect_timeout_ms, "2s", 10, MS_PER_HOUR,
             "with TLS and AUTH"),
    TIMESPAN("redis.timeout", redis.timeout_ms, "2s", 10, MS_PER_HOUR,
             "a slower answer breaks the connection"),
    SIZE("redis.reply_size", redis.reply_size_max, "64MiB", MIB, GIB,
         "replies a worker reads at a time; asks for less when they do not fit"),
};

enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

const char *parse_copy(struct parse *parse, struct slice text)
{
    struct slice copy = arena_copy(parse->arena, text);
    if (copy.data == NULL) {
        diagnostics_add(parse->diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0}, NULL,
                        "the configuration is too large");
        return "";
    }
    return (const char *)copy.data;
}

const char *parse_path(struct parse *parse, struct slice text)
{
    char whole[1024];
    if (text.size == 0 || text.data[0] == '/') {
        return parse_copy(parse, text);
    }
    int size = snprintf(whole, sizeof(whole), "%s%.*s", parse->folder, SLICE_ARG(text));
    return parse_copy(parse, slice_of(whole, size < 0 ? 0 : strnlen(whole, sizeof(whole))));
}

const char *parse_secret(struct parse *parse, const struct yaml_node *node)
{
    struct slice name;
    if (!yaml_text(node, parse->diagnostics, &name)) {
        return NULL;
    }
    const char *path = parse_path(parse, name);
    if (!parse->read_files) {
        return "";
    }
    struct source_file file;
    char error[DIAGNOSTIC_TEXT_SIZE];
    if (!source_file_read(&file, path, parse->arena, 65536, error)) {
        yaml_error(node, parse->diagnostics, "make it readable for this user only (0400)", "%s: %s",
                   path, error);
        return NULL;
    }
    while (file.text.size > 0 && strchr("\r\n", file.text.data[file.text.size - 1]) != NULL) {
        file.text.size--;
    }
    return parse_copy(parse, file.text);
}

static void set_word(const struct key *key, const struct yaml_node *node, struct parse *parse,
                     int *out)
{
    const char *words[8];
    char copy[64];
    size_t count = 0;
    (void)snprintf(copy, sizeof(copy), "%s", key->words);
    for (char *at = copy; at != NULL && count < 8; count++) {
        words[count] = at;
        at = strchr(at, ' ');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    uint32_t index;
    if (yaml_word(node, parse->diagnostics, words, count, &index)) {
        *out = (int)index;
    }
}

static void set_size(const struct key *key, const struct yaml_node *node, struct parse *parse,
                     uint64_t *out)
{
    uint64_t size;
    if (!yaml_size(node, parse->diagnostics, &size)) {
        return;
    }
    if (size < (uint64_t)key->min || size > (uint64_t)key->max) {
        yaml_error(node, parse->diagnostics, NULL, "`%s` must be %lld to %lld bytes", key->path,
                   (long long)key->min, (long long)key->max);
        return;
    }
    *out = size;
}

static void set_key(const struct key *key, const struct yaml_node *node, struct parse *parse)
{
    void *at = (char *)parse->settings + key->at;
    struct slice text;
    switch (key->form) {
    case FORM_TEXT:
        if (node->kind == YAML_SCALAR && node->text.size == 0) {
            *(const char **)at = "";
        } else if (yaml_text(node, parse->diagnostics, &text)) {
            *(const char **)at = parse_copy(parse, text);
        }
        return;
    case FORM_PATH:
        if (node->kind == YAML_SCALAR && node->text.size == 0) {
            *(const char **)at = "";
        } else if (yaml_text(node, parse->diagnostics, &text)) {
            *(const char **)at = parse_path(parse, text);
        }
        return;
    case FORM_BOOL:
        (void)yaml_bool(node, parse->diagnostics, at);
        return;
    case FORM_INTEGER:
        if (strcmp(key->value, "auto") == 0 && node->kind == YAML_SCALAR &&
            slice_is(node->text, "auto")) {
            *(int64_t *)at = 0;
        } else {
            (void)yaml_integer(node, parse->diagnostics, key->min, key->max, at);
        }
        return;
    case FORM_SIZE:
        set_size(key, node, parse, at);
        return;
    case FORM_DURATION:
        (void)yaml_duration_ms(node, parse->diagnostics, key->min, key->max, at);
        return;
    case FORM_TIME:
        (void)yaml_time(node, parse->diagnostics, at);
        return;
    case FORM_WORD:
        set_word(key, node, parse, at);
        return;
    }
}

/* Defaults go through the same parser as the file: a wrong one cannot hide. */
static void set_defaults(struct parse *parse)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        struct yaml_node node = {.kind = YAML_SCALAR, .text = slice_text(keys[i].value)};
        if (keys[i].form == FORM_TIME) {
            *(int64_t *)(void *)((char *)parse->settings + keys[i].at) = INT64_MIN;
        } else {
            set_key(&keys[i], &node, parse);
        }
    }
}

/* The key's node: "commit.interval" is `interval` in `commit`. */
static const struct yaml_node *find(const struct yaml_node *root, const char *path)
{
    const char *dot = strchr(path, '.');
    if (dot == NULL) {
        return yaml_get(root, path);
    }
    char section[32];
    (void)snprintf(section, sizeof(section), "%.*s", (int)(dot - path), path);
    return yaml_get(yaml_get(root, section), dot + 1);
}

/* Names of a section's keys ("" is the top), then `extra` until NULL. */
static void refuse_unknown(struct parse *parse, const struct yaml_node *node, const char *section,
                           const char *const *extra)
{
    const char *known[KEY_COUNT + 40];
    char names[KEY_COUNT][32];
    size_t count = 0, length = strlen(section);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char *dot = strchr(keys[i].path, '.');
        if (length == 0) { /* the part before the dot; the same several times is harmless */
            size_t size = dot == NULL ? strlen(keys[i].path) : (size_t)(dot - keys[i].path);
            (void)snprintf(names[i], sizeof(names[i]), "%.*s", (int)size, keys[i].path);
            if (count == 0 || strcmp(known[count - 1], names[i]) != 0) {
                known[count++] = names[i];
            }
        } else if (dot != NULL && (size_t)(dot - keys[i].path) == length &&
                   strncmp(keys[i].path, section, length) == 0) {
            known[count++] = dot + 1;
        }
    }
    for (; *extra != NULL; extra++) {
        known[count++] = *extra;
    }
    yaml_refuse_unknown(node, known, count, parse->diagnostics);
}

/* A URL is named in messages, so nothing secret may stand in it: http://user:password@host */
static void add_registry_url(struct parse *parse, const struct yaml_node *node, struct slice text)
{
    const char *url = parse_copy(parse, text);
    const char *host = strstr(url, "://");
    host = host == NULL ? url : host + 3;
    const char *at = strchr(host, '@');
    if (at != NULL && at < host + strcspn(host, "/?#")) {
        yaml_error(node, parse->diagnostics,
                   "write registry.user, and registry.password_file: PATH", "credentials in a URL");
        return;
    }
    parse->settings->registry.urls[parse->settings->registry.url_count++] = url;
}

static void parse_registry_urls(struct parse *parse, const struct yaml_node *registry)
{
    const struct yaml_node *node = yaml_get(registry, "url");
    const struct yaml_node *urls = yaml_get(registry, "urls");
    struct slice text;
    if (yaml_text(node, parse->diagnostics, &text)) {
        add_registry_url(parse, node, text);
    }
    if (!yaml_is_sequence(urls, parse->diagnostics)) {
        return;
    }
    for (const struct yaml_node *url = urls->first; url != NULL; url = url->next) {
        if (parse->settings->registry.url_count == SETTINGS_REGISTRY_URLS_MAX) {
            yaml_error(url, parse->diagnostics, NULL, "at most %d registry urls",
                       SETTINGS_REGISTRY_URLS_MAX);
            return;
        }
        if (yaml_text(url, parse->diagnostics, &text)) {
            add_registry_url(parse, url, text);
        }
    }
}

/* A name goes into Redis keys, whose braces say which slot they lie in, into ids of Kafka's, and into messages. */
static void check_name(struct parse *parse, const char *key, const struct yaml_node *node,
                       const char *name)
{
    size_t size = strlen(name);
    bool good = size > 0 && size <= SETTINGS_NAME_SIZE_MAX;
    for (size_t i = 0; good && i < size; i++) {
        good = (unsigned char)name[i] > ' ' && strchr("{}\x7f", name[i]) == NULL;
    }
    if (!good) {
        yaml_error(node, parse->diagnostics, "letters, digits, `-`, `_` and `.` are safe",
                   "`%s` must be 1 to %d bytes, without spaces and braces", key,
                   SETTINGS_NAME_SIZE_MAX);
    }
}

/* The `size` bytes at `text` are host:port or [v6]:port, with a port that there can be. */
static bool is_host_and_port(const char *text, size_t size)
{
    size_t host = size;
    while (host > 0 && text[host - 1] != ':') {
        host--;
    }
    size_t digits = size - host;
    if (host < 2 || digits == 0 || digits > 5 || strspn(text + host, "0123456789") != digits) {
        return false;
    }
    unsigned long port = strtoul(text + host, NULL, 10);
    bool in_brackets = text[0] == '[' && text[host - 2] == ']';
    return port > 0 && port <= UINT16_MAX && (in_brackets || memchr(text, ':', host - 1) == NULL);
}

/* Each of a list; the path of a socket is looked at when it is used. */
static void check_redis_address(struct parse *parse, const struct yaml_node *node)
{
    const char *at = parse->settings->redis.address;
    if (strncmp(at, "unix:", 5) == 0) {
        return;
    }
    for (bool more = true; more;) {
        at += strspn(at, " ");
        size_t size = strcspn(at, ",");
        if (!is_host_and_port(at, size)) {
            yaml_error(node, parse->diagnostics,
                       "write host:port, [v6]:port or unix:/path, with a port of 1 to 65535",
                       "`%.*s` is no address", (int)size, at);
            return;
        }
        more = at[size] == ',';
        at += size + 1;
    }
}

static void check_whole(struct parse *parse, const struct yaml_node *root)
{
    struct settings *settings = parse->settings;
    static const char *const sections[] = {"log",    "journal", "checkpoint", "commit",
                                           "limits", "cache",   "apply",      "registry",
                                           "redis",  "sweep",   "repartition"};
    static const char *const top[] = {"kafka", "sources", "topics", NULL};
    static const char *const urls[] = {"url", "urls", NULL}, *const none[] = {NULL};
    refuse_unknown(parse, root, "", top);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        const struct yaml_node *section = yaml_get(root, sections[i]);
        if (yaml_is_mapping(section, parse->diagnostics)) {
            refuse_unknown(parse, section, sections[i],
                           strcmp(sections[i], "registry") == 0 ? urls : none);
        }
    }
    const struct yaml_node *redis = yaml_get(root, "redis"), *named = yaml_get(redis, "user");
    if (settings->redis.user[0] != '\0' && settings->redis.password_file[0] == '\0') {
        yaml_error(named, parse->diagnostics, "add password_file: PATH",
                   "a Redis user without a password file");
    }
    const struct yaml_node *registry = yaml_get(root, "registry");
    bool user = settings->registry.user[0] != '\0';
    if (user != (settings->registry.password_file[0] != '\0')) { /* else it asked as nobody */
        yaml_error(yaml_get(registry, user ? "user" : "password_file"), parse->diagnostics,
                   user ? "add password_file: PATH" : "add user: NAME",
                   user ? "a registry user without a password file"
                        : "a registry password file without a user");
    }
    check_redis_address(parse, yaml_get(redis, "address"));
    if (settings->redis.tls && strncmp(settings->redis.address, "unix:", 5) == 0) {
        yaml_error(yaml_get(redis, "tls"), parse->diagnostics, "leave tls away",
                   "TLS over a Unix socket");
    }
    check_name(parse, "application", yaml_get(root, "application"), settings->application);
    check_name(parse, "instance", yaml_get(root, "instance"), settings->instance);
    if (settings->group[0] == '\0') {
        settings->group = settings->application;
    }
    settings->salt_hash = hash64(slice_text(settings->salt), 0);
    (void)snprintf(settings->repartition_message_size, sizeof(settings->repartition_message_size),
                   "%llu", (unsigned long long)settings->record_size_max + 64 * KIB);
}

static bool load(struct parse *parse, struct source_file *file)
{
    file->may_have_secrets = true;
    const struct yaml_node *root = NULL;
    uint32_t before = parse->diagnostics->error_count;
    *parse->settings = (struct settings){.live_from_ms = INT64_MIN};
    set_defaults(parse);
    if (!yaml_parse(file, parse->arena, parse->diagnostics, &root)) {
        return false;
    }
    if (!yaml_is_mapping(root, parse->diagnostics)) {
        root = NULL; /* an error was added, or there is nothing in the file: defaults */
    }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct yaml_node *node = find(root, keys[i].path);
        if (node != NULL) {
            set_key(&keys[i], node, parse);
        }
    }
    parse_registry_urls(parse, yaml_get(root, "registry"));
    parse_kafka(parse, yaml_get(root, "kafka"));
    parse_sources(parse, yaml_get(root, "sources"));
    parse_topics(parse, yaml_get(root, "topics"));
    check_whole(parse, root);
    return parse->diagnostics->error_count == before;
}

bool settings_load(const char *path, struct arena *arena, struct diagnostics *diagnostics,
                   struct settings *out_settings)
{
    struct parse parse = {arena, diagnostics, out_settings, "", true};
    struct source_file *file = arena_take(arena, sizeof(*file));
    char error[DIAGNOSTIC_TEXT_SIZE];
    if (file == NULL || !source_file_read(file, path, arena, YAML_FILE_SIZE_MAX, error)) {
        diagnostics_add(diagnostics, DIAGNOSTIC_ERROR, (struct source_span){0},
                        "name another one with --config FILE", "%s: %s", path,
                        file == NULL ? "no room" : error);
        return false;
    }
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        (void)snprintf(parse.folder, sizeof(parse.folder), "%.*s", (int)(slash - path + 1), path);
    }
    return load(&parse, file);
}

bool settings_load_text(const char *name, struct slice text, struct arena *arena,
                        struct diagnostics *diagnostics, struct settings *out_settings)
{
    struct parse parse = {arena, diagnostics, out_settings, "", false};
    struct source_file *file = arena_take(arena, sizeof(*file));
    if (file == NULL) {
        return false;
    }
    (void)snprintf(file->path, sizeof(file->path), "%s", name);
    file->text = text;
    return load(&parse, file);
}

void settings_print_defaults(FILE *out)
{
    /* One or a list, so they are not in the table. */
    static const char url_lines[] =
        "  # url:                                # required: http:// or https://, host and port\n"
        "  # urls:                               # instead: a list, [URL, URL]; the next when one "
        "is away\n";
    char section[32] = "";
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct key *key = &keys[i];
        const char *dot = strchr(key->path, '.');
        char here[32] = "";
        if (dot != NULL) {
            (void)snprintf(here, sizeof(here), "%.*s", (int)(dot - key->path), key->path);
        }
        if (strcmp(here, section) != 0 && dot != NULL) {
            (void)fprintf(out, "%s:\n", here);
            (void)fputs(strcmp(here, "registry") == 0 ? url_lines : "", out);
        }
        memcpy(section, here, sizeof(section));
        bool unset = key->value[0] == '\0' || key->form == FORM_TIME;
        int width = fprintf(out, "%s%s%s: %s", dot == NULL ? "" : "  ", unset ? "# " : "",
                            dot == NULL ? key->path : dot + 1, unset ? "" : key->value);
        (void)fprintf(out, "%*s# %s", width < 40 ? 40 - width : 1, "", key->about);
        if (key->form == FORM_INTEGER) {
            (void)fprintf(out, " (%lld to %lld)", (long long)key->min, (long long)key->max);
        } else if (key->words != NULL) {
            (void)fprintf(out, " (%s)", key->words);
        } else if (key->form == FORM_DURATION && key->min > 0) {
            (void)fprintf(out, " (at least %lld ms)", (long long)key->min);
        }
        (void)fputc('\n', out);
    }
    sources_print_defaults(out);
}
