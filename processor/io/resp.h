/* SPDX-License-Identifier: Apache-2.0 */
/* Redis' answers (RESP2) as trees of struct store_reply, in a fixed block: a server that answers
 * more, or deeper, than there is room for is refused, never allocated for. Parsing is hiredis'
 * reader; building the trees is ours. Hostile bytes are an expected input (tests/fuzz/fuzz_resp.c).
 *
 *   resp_begin(reader, commands) -> resp_feed(bytes).. / resp_advance until STATUS_OK ->
 * reader->replies
 *
 * Bytes fed beyond that answer stay for the next resp_begin. */
#ifndef IO_RESP_H
#define IO_RESP_H

#include "io/store.h"

enum {
    RESP_DEPTH_MAX = 7, /* arrays within arrays (hiredis' own bound) */
    RESP_FEED_SIZE_MAX = 64 * 1024,
};

struct resp {
    /* Of the answer that resp_advance completed; until the next resp_begin */
    struct store_reply *replies;
    uint32_t reply_count; /* complete so far */
    /* private */
    uint32_t wanted;
    void *reader; /* redisReader */
    uint8_t *block;
    size_t size;
    size_t used;
    struct store_reply root; /* the reply under construction */
};

/* Use `size` bytes at `block` (outlives the reader) for replies. STATUS_FULL: no memory for the
 * reader. */
MUST_USE enum status resp_open(struct resp *resp, void *block, size_t size);
void resp_close(struct resp *resp);

/* Forget everything, half a reply included: a connection begins. STATUS_FULL: no memory; what it was stays. */
MUST_USE enum status resp_restart(struct resp *resp);

/* Expect `command_count` replies; those of the last answer become invalid. STATUS_FULL: no room for
 * so many. */
MUST_USE enum status resp_begin(struct resp *resp, uint32_t command_count);

/* Take bytes (copied), at most RESP_FEED_SIZE_MAX at a time, then call resp_advance.
 * STATUS_FULL: no memory, or a single reply is larger than the block. */
MUST_USE enum status resp_feed(struct resp *resp, struct slice bytes);

/* Parse what was fed. STATUS_OK: all replies of this answer are in `replies`. STATUS_RETRY: feed
 * more. STATUS_FULL: the replies do not fit into the block. STATUS_INVALID: not RESP2. After the
 * last two only resp_restart helps; `out_text` says what was wrong. */
MUST_USE enum status resp_advance(struct resp *resp, struct status_text *out_text);

#endif
