/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_sentinel.h"

#include <stdio.h>

#include "io/redis_greeting.h"

enum status redis_sentinel_write(const struct redis_settings *settings,
                                 struct store_pipeline *pipeline, struct status_text *out_text)
{
    enum status status = redis_greeting_auth(NULL, settings->sentinel_password_file,
                                             "redis.sentinel_password_file", pipeline, out_text);
    store_command(pipeline, 3);
    store_argument_text(pipeline, "SENTINEL");
    store_argument_text(pipeline, "GET-MASTER-ADDR-BY-NAME");
    store_argument_text(pipeline, settings->sentinel_master);
    if (status == STATUS_OK && pipeline->full) {
        status = status_fail(out_text, STATUS_INVALID, "redis.sentinel_master is too long");
    }
    return status;
}

enum status redis_sentinel_judge(const struct redis_settings *settings, const char *from,
                                 const struct store_reply *replies, uint32_t count,
                                 char out_address[REDIS_NODE_SIZE], struct status_text *out_text)
{
    for (uint32_t i = 0; i < count; i++) {
        struct slice error = replies[i].text;
        if (replies[i].kind != STORE_ERROR) {
            continue;
        }
        bool password = store_text_begins(error, "NOAUTH") || store_text_begins(error, "WRONGPASS");
        return status_fail(out_text, password ? STATUS_INVALID : STATUS_AWAY,
                           "the sentinel at %s: %.*s%s", from, SLICE_ARG(error),
                           password ? "; mend: set redis.sentinel_password_file" : "");
    }
    const struct store_reply *last = count == 0 ? NULL : &replies[count - 1];
    if (last == NULL) {
        return status_fail(out_text, STATUS_AWAY, "the sentinel at %s hung up", from);
    }
    if (last->kind == STORE_NIL) {
        return status_fail(out_text, STATUS_INVALID,
                           "the sentinel at %s watches no primary `%s`; mend redis.sentinel_master",
                           from, settings->sentinel_master);
    }
    if (last->kind != STORE_ARRAY || last->count != 2 || last->children[0].kind != STORE_BULK ||
        last->children[1].kind != STORE_BULK) {
        return status_fail(out_text, STATUS_INVALID, "%s does not answer as a sentinel does", from);
    }
    struct slice host = last->children[0].text, port = last->children[1].text;
    bool six = memchr(host.data, ':', host.size) != NULL;
    int size = snprintf(out_address, REDIS_NODE_SIZE, "%s%.*s%s:%.*s", six ? "[" : "",
                        SLICE_ARG(host), six ? "]" : "", SLICE_ARG(port));
    return size > 0 && size < REDIS_NODE_SIZE
               ? STATUS_OK
               : status_fail(out_text, STATUS_INVALID, "the sentinel at %s: a name is too long",
                             from);
}

bool redis_sentinel_is_demoted(const struct store_reply *replies, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (replies[i].kind == STORE_ERROR && store_text_begins(replies[i].text, "READONLY")) {
            return true;
        }
    }
    return false;
}
