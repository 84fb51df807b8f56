/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_greeting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attributes.h"

enum { GREETING_COMMANDS_AFTER_AUTH = 4 };

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* The first line of the file. */
static enum status read_password(const char *path, const char *key, char *out_password,
                                 size_t *out_size, struct status_text *out_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, out_password, REDIS_PASSWORD_SIZE_MAX);
    int error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (size < 0) {
        return status_fail(out_text, status_of_errno(error), "%s %s: %s", key, path,
                           strerror(error));
    }
    const char *end = memchr(out_password, '\n', (size_t)size);
    *out_size = end != NULL ? (size_t)(end - out_password) : (size_t)size;
    if (*out_size > 0 && out_password[*out_size - 1] == '\r') {
        (*out_size)--;
    }
    if (*out_size == 0 || *out_size == REDIS_PASSWORD_SIZE_MAX) {
        return status_fail(out_text, STATUS_INVALID, "%s %s: its first line is %s", key, path,
                           *out_size == 0 ? "empty" : "too long");
    }
    return STATUS_OK;
}

enum status redis_greeting_auth(const char *user, const char *file, const char *key,
                                struct store_pipeline *pipeline, struct status_text *out_text)
{
    char password[REDIS_PASSWORD_SIZE_MAX];
    size_t size = 0;
    if (!has_text(file)) {
        return STATUS_OK;
    }
    enum status status = read_password(file, key, password, &size, out_text);
    if (status == STATUS_OK) {
        store_command(pipeline, has_text(user) ? 3 : 2);
        store_argument_text(pipeline, "AUTH");
        if (has_text(user)) {
            store_argument_text(pipeline, user);
        }
        store_argument(pipeline, slice_of(password, size));
    }
    explicit_bzero(password, sizeof(password));
    return status;
}

enum status redis_greeting_write(const struct redis_settings *settings,
                                 struct store_pipeline *pipeline, struct status_text *out_text)
{
    static const char *const sections[] = {"server", "memory", "replication"};
    enum status status = redis_greeting_auth(settings->user, settings->password_file,
                                             "redis.password_file", pipeline, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    store_command(pipeline, 1);
    store_argument_text(pipeline, "PING");
    for (size_t i = 0; i < ARRAY_COUNT(sections); i++) {
        store_command(pipeline, 2);
        store_argument_text(pipeline, "INFO");
        store_argument_text(pipeline, sections[i]);
    }
    if (pipeline->full) {
        return status_fail(out_text, STATUS_INVALID, "redis.user or its password is too long");
    }
    return STATUS_OK;
}

/* --- INFO */

/* The value of "name:value\r\n" in an INFO text; empty when absent. Borrowed from `info`. */
static struct slice info_value(struct slice info, const char *name)
{
    size_t name_size = strlen(name);
    const uint8_t *at = info.data;
    const uint8_t *end = info.data + info.size;
    while (at != NULL && at < end) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((line_end == NULL ? end : line_end) - at);
        if (size > name_size && memcmp(at, name, name_size) == 0 && at[name_size] == ':') {
            size_t value_size = size - name_size - 1;
            const uint8_t *value = at + name_size + 1;
            if (value_size > 0 && value[value_size - 1] == '\r') {
                value_size--;
            }
            return slice_of(value, value_size);
        }
        at = line_end == NULL ? end : line_end + 1;
    }
    return (struct slice){NULL, 0};
}

static void info_text(struct slice info, const char *name, char *out_text, size_t size)
{
    struct slice value = info_value(info, name);
    size_t kept = value.size < size ? value.size : size - 1;
    if (kept > 0) {
        memcpy(out_text, value.data, kept);
    }
    out_text[kept] = '\0';
}

static uint64_t info_number(struct slice info, const char *name)
{
    char text[24];
    info_text(info, name, text, sizeof(text));
    return strtoull(text, NULL, 10);
}

static void read_facts(const struct store_reply *infos, struct redis_facts *out_facts)
{
    info_text(infos[0].text, "redis_version", out_facts->version, sizeof(out_facts->version));
    info_text(infos[0].text, "run_id", out_facts->run_id, sizeof(out_facts->run_id));
    info_text(infos[0].text, "redis_mode", out_facts->mode, sizeof(out_facts->mode));
    out_facts->server_time_ms = (int64_t)(info_number(infos[0].text, "server_time_usec") / 1000);
    info_text(infos[1].text, "maxmemory_policy", out_facts->policy, sizeof(out_facts->policy));
    out_facts->maxmemory = info_number(infos[1].text, "maxmemory");
    out_facts->used_memory = info_number(infos[1].text, "used_memory");
    info_text(infos[2].text, "role", out_facts->role, sizeof(out_facts->role));
}

/* --- judging */

/* A restart, a failover or a full disk, not a wrong configuration. MISCONF refuses even PING. */
static bool passes_by_itself(struct slice error)
{
    static const char *const starts[] = {
        "LOADING", "MASTERDOWN", "BUSY",       "ERR max number of clients",
        "MISCONF", "OOM",        "NOREPLICAS", "CLUSTERDOWN",
    };
    for (size_t i = 0; i < ARRAY_COUNT(starts); i++) {
        if (store_text_begins(error, starts[i])) {
            return true;
        }
    }
    return false;
}

static enum status judge_error(const struct redis_settings *settings, struct slice error,
                               struct status_text *out_text)
{
    const char *address = settings->transport.address;
    const char *user = has_text(settings->user) ? settings->user : "default";
    if (passes_by_itself(error)) {
        return status_fail(out_text, STATUS_AWAY, "Redis at %s is not ready: %.*s", address,
                           SLICE_ARG(error));
    }
    if (store_text_begins(error, "WRONGPASS")) {
        return status_fail(out_text, STATUS_INVALID,
                           "Redis at %s refuses user `%s` with the password in redis.password_file",
                           address, user);
    }
    if (store_text_begins(error, "NOAUTH")) {
        return status_fail(out_text, STATUS_INVALID,
                           "Redis at %s wants a password: set redis.password_file (and redis.user)",
                           address);
    }
    if (store_text_begins(error, "NOPERM")) {
        return status_fail(
            out_text, STATUS_INVALID,
            "Redis at %s: %.*s; mend: redis-cli acl setuser %s +ping +info +get +mget +mset +set "
            "+del +sadd +srem +srandmember +sscan +hset +hdel +hgetall +watch +unwatch +multi "
            "+exec",
            address, SLICE_ARG(error), user);
    }
    return status_fail(out_text, STATUS_INVALID, "Redis at %s: %.*s", address, SLICE_ARG(error));
}

static enum status judge_facts(const struct redis_settings *settings,
                               const struct redis_facts *facts, struct status_text *out_text)
{
    const char *address = settings->transport.address;
    if (!settings->cluster && strcmp(facts->mode, "cluster") == 0) {
        return status_fail(out_text, STATUS_INVALID,
                           "Redis at %s is a node of a cluster; set redis.cluster: true", address);
    }
    if (strcmp(facts->role, "slave") == 0) {
        /* Passes when it is promoted: an address that moves with the primary may be ahead of it. */
        return status_fail(out_text, STATUS_AWAY,
                           "Redis at %s is a replica: wait for the failover, or point "
                           "redis.address at its primary",
                           address);
    }
    if (strcmp(facts->policy, "noeviction") != 0) {
        return status_fail(
            out_text, STATUS_INVALID,
            "Redis at %s may evict keys (maxmemory-policy %s), which would lose customers' state; "
            "mend: redis-cli config set maxmemory-policy noeviction",
            address, facts->policy[0] == '\0' ? "unknown" : facts->policy);
    }
    return STATUS_OK;
}

enum status redis_greeting_judge(const struct redis_settings *settings,
                                 const struct store_reply *replies, uint32_t count,
                                 struct redis_facts *out_facts, struct status_text *out_text)
{
    for (uint32_t i = 0; i < count; i++) {
        if (replies[i].kind == STORE_ERROR) {
            return judge_error(settings, replies[i].text, out_text);
        }
    }
    if (count < GREETING_COMMANDS_AFTER_AUTH) {
        return status_fail(out_text, STATUS_AWAY, "%s hung up in the middle of the greeting",
                           settings->transport.address);
    }
    const struct store_reply *infos = &replies[count - 3];
    for (uint32_t i = 0; i < 3; i++) {
        if (infos[i].kind != STORE_BULK) {
            return status_fail(out_text, STATUS_INVALID, "%s does not answer INFO as Redis does",
                               settings->transport.address);
        }
    }
    struct redis_facts facts = {0};
    read_facts(infos, &facts);
    *out_facts = facts;
    return judge_facts(settings, &facts, out_text);
}
