/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/redis_permissions.h"

#include <stdio.h>

/* Every command that Segue sends, as it may be tried on a probe key; the last ones leave nothing
 * behind. */
static const char *const probes[][3] = {
    {"WATCH", "key", NULL},   {"UNWATCH", NULL, NULL},     {"MULTI", NULL, NULL},
    {"EXEC", NULL, NULL},     {"GET", "key", NULL},        {"MGET", "key", NULL},
    {"SET", "key", "1"},      {"MSET", "key", "1"},        {"DEL", "key", NULL},
    {"SADD", "key", "1"},     {"SRANDMEMBER", "key", "1"}, {"SSCAN", "key", "0"},
    {"SREM", "key", "1"},     {"HSET", "key", "f"},        {"HDEL", "key", "f"},
    {"HGETALL", "key", NULL}, {"DEL", "key", NULL},
};

static void write_probe(struct store_pipeline *pipeline, const char *const words[3],
                        const char *key)
{
    bool hash_set = strcmp(words[0], "HSET") == 0;
    uint32_t count = 1U + (words[1] != NULL) + (words[2] != NULL) + hash_set;
    store_command(pipeline, count);
    store_argument_text(pipeline, words[0]);
    if (words[1] != NULL) {
        store_argument_text(pipeline, key);
    }
    if (words[2] != NULL) {
        store_argument_text(pipeline, words[2]);
    }
    if (hash_set) {
        store_argument_text(pipeline, "1");
    }
}

enum status redis_permissions_ask(const struct connect *connect, struct redis_store *redis,
                                  int32_t timeout_ms, char *out_mend, size_t mend_size,
                                  struct status_text *out_text)
{
    uint8_t block[2048];
    char key[128];
    struct store_pipeline pipeline = {.data = block, .limit = sizeof(block)};
    struct store_answer answer;
    const char *user = connect->settings.redis.user;
    user = user == NULL || user[0] == '\0' ? "default" : user;
    int used = snprintf(out_mend, mend_size, "redis-cli acl setuser %s '~{%s.*'", user,
                        connect->settings.application);
    (void)snprintf(key, sizeof(key), "{%s.doctor}probe", connect->settings.application);
    for (size_t i = 0; i < ARRAY_COUNT(probes); i++) {
        write_probe(&pipeline, probes[i], key);
    }
    enum status status =
        redis_store_call(redis, STORE_CONNECTION_READ, &pipeline, timeout_ms, &answer, out_text);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < ARRAY_COUNT(probes) && i < answer.reply_count; i++) {
        struct slice error = answer.replies[i].text;
        if (answer.replies[i].kind != STORE_ERROR) {
            continue;
        }
        /* Out of memory, loading, no replicas: that passes. WRONGTYPE: a fellow probes the same key. */
        if (error.size < 6 || memcmp(error.data, "NOPERM", 6) != 0) {
            if (status == STATUS_OK) {
                status = status_fail(out_text, STATUS_RETRY, "Redis refuses %s just now: %.*s",
                                     probes[i][0], SLICE_ARG(error));
            }
            continue;
        }
        status = status_fail(out_text, STATUS_INVALID, "Redis user %s may not %s: %.*s", user,
                             probes[i][0], SLICE_ARG(error));
        if (used > 0 && (size_t)used < mend_size && strstr(out_mend, probes[i][0]) == NULL) {
            used += snprintf(out_mend + used, mend_size - (size_t)used, " +%s", probes[i][0]);
        }
    }
    return status;
}
