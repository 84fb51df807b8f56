/* SPDX-License-Identifier: Apache-2.0 */
#include "io/redis_cluster.h"

#include <stdio.h>

uint32_t redis_cluster_seed_count(const char *list)
{
    uint32_t count = 1;
    for (const char *at = strchr(list, ','); at != NULL; at = strchr(at + 1, ',')) {
        count++;
    }
    return count;
}

bool redis_cluster_seed(const char *list, uint32_t number, char out_address[REDIS_NODE_SIZE])
{
    const char *at = list;
    for (uint32_t skip = number % redis_cluster_seed_count(list); skip > 0; skip--) {
        at = strchr(at, ',') + 1;
    }
    while (*at == ' ') {
        at++;
    }
    const char *end = strchr(at, ',');
    size_t size = end == NULL ? strlen(at) : (size_t)(end - at);
    int written = snprintf(out_address, REDIS_NODE_SIZE, "%.*s", (int)size, at);
    return written >= 0 && written < REDIS_NODE_SIZE;
}

/* "MOVED 3999 127.0.0.1:6381"; the host may be empty (the same as the answering node's) or a bare
 * IPv6 address. */
static bool moved_address(struct slice error, const char *from, char out_address[REDIS_NODE_SIZE])
{
    const uint8_t *end = error.data + error.size;
    const uint8_t *at = memchr(error.data, ' ', error.size);
    at = at == NULL ? NULL : memchr(at + 1, ' ', (size_t)(end - at - 1));
    if (at == NULL) {
        return false;
    }
    at++;
    const uint8_t *colon = end - 1;
    while (colon > at && *colon != ':') {
        colon--;
    }
    if (colon >= end || *colon != ':') {
        return false;
    }
    struct slice host = slice_of(at, (size_t)(colon - at));
    struct slice port = slice_of(colon, (size_t)(end - colon)); /* with its colon */
    if (host.size == 0) {
        const char *last = strrchr(from, ':');
        host = slice_of(from, last == NULL ? strlen(from) : (size_t)(last - from));
    }
    bool bare = host.size > 0 && host.data[0] != '[' && memchr(host.data, ':', host.size) != NULL;
    int written = snprintf(out_address, REDIS_NODE_SIZE, "%s%.*s%s%.*s", bare ? "[" : "",
                           SLICE_ARG(host), bare ? "]" : "", SLICE_ARG(port));
    return written > 0 && written < REDIS_NODE_SIZE;
}

enum redis_redirect redis_cluster_redirect(const struct store_reply *replies, uint32_t count,
                                           const char *from, char out_address[REDIS_NODE_SIZE])
{
    static const char *const waits[] = {"ASK ", "TRYAGAIN", "CLUSTERDOWN", "MOVED "};
    for (uint32_t i = 0; i < count; i++) {
        if (replies[i].kind != STORE_ERROR) {
            continue;
        }
        if (store_text_begins(replies[i].text, "MOVED ") &&
            moved_address(replies[i].text, from, out_address)) {
            return REDIRECT_MOVED;
        }
        for (size_t k = 0; k < ARRAY_COUNT(waits); k++) {
            if (store_text_begins(replies[i].text, waits[k])) {
                return REDIRECT_WAIT;
            }
        }
    }
    return REDIRECT_NONE;
}
