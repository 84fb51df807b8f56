/* SPDX-License-Identifier: Apache-2.0 */
#include "io/resp.h"

#include <hiredis/read.h>

#include "base/invariant.h"

enum {
    READER_IDLE_SIZE_MAX = 256 * 1024
}; /* bytes that an empty reader keeps for the next answer */

static void *take(struct resp *resp, size_t size)
{
    size_t start = (resp->used + 7) & ~(size_t)7;
    if (start > resp->size || size > resp->size - start) {
        return NULL;
    }
    resp->used = start + size;
    return resp->block + start;
}

/* Where the reply that `task` describes belongs: in its parent's children, or at the root. */
static struct store_reply *place(const redisReadTask *task)
{
    struct resp *resp = task->privdata;
    if (task->parent == NULL) {
        return &resp->root;
    }
    const struct store_reply *parent = task->parent->obj;
    return (struct store_reply *)(uintptr_t)&parent->children[task->idx];
}

static void *make_string(const redisReadTask *task, char *text, size_t size)
{
    static const uint8_t ok[] = "OK";
    static const uint8_t queued[] = "QUEUED";
    struct store_reply *reply = place(task);
    enum store_reply_kind kind = task->type == REDIS_REPLY_STATUS  ? STORE_STATUS
                                 : task->type == REDIS_REPLY_ERROR ? STORE_ERROR
                                                                   : STORE_BULK;
    struct slice copy;
    if (kind == STORE_STATUS && size == 2 && memcmp(text, ok, 2) == 0) {
        copy = slice_of(ok, 2);
    } else if (kind == STORE_STATUS && size == 6 && memcmp(text, queued, 6) == 0) {
        copy = slice_of(queued, 6);
    } else {
        uint8_t *data = take(task->privdata, size + 1);
        if (data == NULL) {
            return NULL;
        }
        if (size > 0) {
            memcpy(data, text, size);
        }
        data[size] = 0;
        copy = slice_of(data, size);
    }
    *reply = (struct store_reply){.kind = kind, .text = copy};
    return reply;
}

static void *make_array(const redisReadTask *task, int count)
{
    struct store_reply *reply = place(task);
    size_t size = (size_t)count * sizeof(struct store_reply);
    struct store_reply *children = take(task->privdata, size);
    if (children == NULL) {
        return NULL;
    }
    memset(children, 0, size);
    *reply =
        (struct store_reply){.kind = STORE_ARRAY, .children = children, .count = (uint32_t)count};
    return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    struct store_reply *reply = place(task);
    *reply = (struct store_reply){.kind = STORE_INTEGER, .integer = value};
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    struct store_reply *reply = place(task);
    *reply = (struct store_reply){.kind = STORE_NIL};
    return reply;
}

static void leave_in_block(void *reply UNUSED)
{
}

static redisReplyObjectFunctions functions = {make_string, make_array, make_integer, make_nil,
                                              leave_in_block};

enum status resp_open(struct resp *resp, void *block, size_t size)
{
    *resp = (struct resp){.block = block, .size = size};
    return resp_restart(resp);
}

void resp_close(struct resp *resp)
{
    if (resp->reader != NULL) {
        redisReaderFree(resp->reader);
    }
    *resp = (struct resp){0};
}

enum status resp_restart(struct resp *resp)
{
    redisReader *fresh = redisReaderCreateWithFunctions(&functions);
    if (fresh == NULL) {
        return STATUS_FULL;
    }
    fresh->privdata = resp;
    fresh->maxbuf = READER_IDLE_SIZE_MAX;
    if (resp->reader != NULL) {
        redisReaderFree(resp->reader);
    }
    resp->reader = fresh;
    resp->replies = NULL;
    resp->reply_count = 0;
    resp->wanted = 0;
    resp->used = 0;
    return STATUS_OK;
}

enum status resp_begin(struct resp *resp, uint32_t command_count)
{
    INVARIANT(resp->reply_count == resp->wanted);
    resp->used = 0;
    struct store_reply *replies = take(resp, (size_t)command_count * sizeof(*replies));
    if (replies == NULL) {
        return STATUS_FULL;
    }
    resp->replies = replies;
    resp->reply_count = 0;
    resp->wanted = command_count;
    return STATUS_OK;
}

enum status resp_feed(struct resp *resp, struct slice bytes)
{
    INVARIANT(bytes.size <= RESP_FEED_SIZE_MAX);
    redisReader *reader = resp->reader;
    /* Unparsed bytes are at most one reply that is not whole: it could never fit if it is larger
     * than all. */
    if (reader->len - reader->pos > resp->size + RESP_FEED_SIZE_MAX ||
        redisReaderFeed(reader, (const char *)bytes.data, bytes.size) != REDIS_OK) {
        return STATUS_FULL;
    }
    return STATUS_OK;
}

enum status resp_advance(struct resp *resp, struct status_text *out_text)
{
    redisReader *reader = resp->reader;
    while (resp->reply_count < resp->wanted) {
        void *found = NULL;
        if (redisReaderGetReply(reader, &found) != REDIS_OK) {
            if (reader->err == REDIS_ERR_OOM) {
                return status_fail(out_text, STATUS_FULL, "the answer needs more than %zu bytes",
                                   resp->size);
            }
            return status_fail(out_text, STATUS_INVALID, "not an answer of Redis: %s",
                               reader->errstr);
        }
        if (found == NULL) {
            return STATUS_RETRY;
        }
        resp->replies[resp->reply_count++] = resp->root;
    }
    return STATUS_OK;
}
