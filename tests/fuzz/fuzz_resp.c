/* SPDX-License-Identifier: Apache-2.0 */
/* A server's bytes are not trusted: the first byte says how many replies are expected and how the
 * rest is cut into pieces; every reply must lie within the block that it was given, and cutting
 * must change nothing. */
#include "fuzz.h"

#include "base/invariant.h"
#include "io/resp.h"

static uint8_t block[1 << 16];
static uint64_t sum;

static void touch(const struct store_reply *reply, int depth)
{
    INVARIANT(depth <= RESP_DEPTH_MAX + 2);
    INVARIANT(reply->kind <= STORE_ARRAY);
    for (size_t i = 0; i < reply->text.size; i++) {
        sum = sum * 31 + reply->text.data[i];
    }
    sum = sum * 31 + (uint64_t)reply->kind + (uint64_t)reply->integer;
    for (uint32_t i = 0; i < reply->count; i++) {
        const uint8_t *at = (const uint8_t *)&reply->children[i];
        INVARIANT(at >= block && at + sizeof(*reply) <= block + sizeof(block));
        touch(&reply->children[i], depth + 1);
    }
}

static enum status read_all(const uint8_t *data, size_t size, size_t piece, uint32_t wanted,
                            uint64_t *out_sum)
{
    struct resp resp;
    INVARIANT(resp_open(&resp, block, sizeof(block)) == STATUS_OK);
    enum status status = resp_begin(&resp, wanted);
    INVARIANT(status == STATUS_OK);
    status = STATUS_RETRY;
    for (size_t at = 0; at < size && status == STATUS_RETRY; at += piece) {
        struct slice part = {data + at, size - at < piece ? size - at : piece};
        status = resp_feed(&resp, part);
        if (status == STATUS_OK) {
            status = resp_advance(&resp, NULL);
        }
    }
    sum = 0;
    for (uint32_t i = 0; i < resp.reply_count; i++) {
        touch(&resp.replies[i], 0);
    }
    *out_sum = sum;
    resp_close(&resp);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > RESP_FEED_SIZE_MAX) {
        return 0;
    }
    uint32_t wanted = 1 + data[0] % 8;
    size_t piece = 1 + data[0] / 8;
    uint64_t whole_sum, cut_sum;
    enum status whole = read_all(data + 1, size - 1, RESP_FEED_SIZE_MAX, wanted, &whole_sum);
    enum status cut = read_all(data + 1, size - 1, piece, wanted, &cut_sum);
    INVARIANT(whole == cut && whole_sum == cut_sum);
    return 0;
}
