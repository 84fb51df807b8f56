/* SPDX-License-Identifier: Apache-2.0 */
#include "io/resp.h"

#include <stdio.h>

#include "support/suite.h"

static uint8_t block[4096];
static struct resp resp;
static struct status_text text;

static void prepare(void)
{
    ck_assert_int_eq(resp_open(&resp, block, sizeof(block)), STATUS_OK);
}

static void finish(void)
{
    resp_close(&resp);
}

/* Feed `bytes` in pieces of `piece` and return the last status. */
static enum status feed(const char *bytes, size_t size, size_t piece, uint32_t commands)
{
    enum status status = resp_begin(&resp, commands);
    for (size_t at = 0; at < size && (status == STATUS_OK || status == STATUS_RETRY); at += piece) {
        size_t count = size - at < piece ? size - at : piece;
        status = resp_feed(&resp, slice_of(bytes + at, count));
        if (status == STATUS_OK) {
            status = resp_advance(&resp, &text);
        }
    }
    return status;
}

static const char every_kind[] =
    "+OK\r\n-ERR no\r\n:-42\r\n$5\r\na\r\nbc\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n"
    "*3\r\n:1\r\n*2\r\n+QUEUED\r\n$1\r\nx\r\n$-1\r\n";

START_TEST(every_kind_is_read_however_it_is_cut)
{
    ck_assert_int_eq(feed(every_kind, sizeof(every_kind) - 1, (size_t)_i, 9), STATUS_OK);
    const struct store_reply *replies = resp.replies;
    ck_assert_uint_eq(resp.reply_count, 9);
    ck_assert(replies[0].kind == STORE_STATUS && slice_is(replies[0].text, "OK"));
    ck_assert(replies[1].kind == STORE_ERROR && slice_is(replies[1].text, "ERR no"));
    ck_assert(replies[2].kind == STORE_INTEGER && replies[2].integer == -42);
    ck_assert(replies[3].kind == STORE_BULK && slice_is(replies[3].text, "a\r\nbc"));
    ck_assert(replies[4].kind == STORE_NIL && replies[5].kind == STORE_NIL);
    ck_assert(replies[6].kind == STORE_ARRAY && replies[6].count == 0);
    ck_assert(replies[7].kind == STORE_BULK && replies[7].text.size == 0);
    ck_assert(replies[8].kind == STORE_ARRAY && replies[8].count == 3);
    ck_assert(replies[8].children[0].integer == 1);
    ck_assert(slice_is(replies[8].children[1].children[0].text, "QUEUED"));
    ck_assert(slice_is(replies[8].children[1].children[1].text, "x"));
    ck_assert(replies[8].children[2].kind == STORE_NIL);
}
END_TEST

START_TEST(bytes_behind_an_answer_belong_to_the_next)
{
    ck_assert_int_eq(feed(":1\r\n:2\r\n:3\r\n:4", 14, 14, 2), STATUS_OK);
    ck_assert_int_eq(resp.replies[1].integer, 2);
    ck_assert_int_eq(resp_begin(&resp, 2), STATUS_OK);
    ck_assert_int_eq(resp_advance(&resp, &text), STATUS_RETRY);
    ck_assert_int_eq(resp_feed(&resp, slice_text("\r\n")), STATUS_OK);
    ck_assert_int_eq(resp_advance(&resp, &text), STATUS_OK);
    ck_assert_int_eq(resp.replies[1].integer, 4);
}
END_TEST

static const struct {
    const char *bytes;
    enum status status;
} hostile[] = {
    {"hello\r\n", STATUS_INVALID},
    {"$x\r\n", STATUS_INVALID},
    {"$-2\r\n", STATUS_INVALID},
    {"*-2\r\n", STATUS_INVALID},
    {"$99999999999999999999\r\n", STATUS_INVALID},
    {"*99999999999\r\n", STATUS_INVALID},
    {"*2147483647\r\n", STATUS_FULL},           /* 100 GiB of replies from 13 bytes */
    {"*100\r\n", STATUS_FULL},                  /* more than this block */
    {"$9223372036854775807\r\n", STATUS_RETRY}, /* waits; what follows is bounded by resp_feed */
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", STATUS_OK},
    {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", STATUS_INVALID},
    {"%1\r\n+a\r\n+b\r\n", STATUS_INVALID}, /* RESP3 */
    {":12x\r\n", STATUS_INVALID},
};

START_TEST(hostile_bytes_are_refused_in_bounds)
{
    enum status status = feed(hostile[_i].bytes, strlen(hostile[_i].bytes), 4096, 1);
    ck_assert_msg(status == hostile[_i].status, "%s: %s %s", hostile[_i].bytes, status_name(status),
                  text.text);
    ck_assert_int_eq(resp_restart(&resp), STATUS_OK); /* and it can go on afterwards */
    ck_assert_int_eq(feed("+OK\r\n", 5, 1, 1), STATUS_OK);
}
END_TEST

START_TEST(reply_larger_than_the_block_is_refused_before_it_is_whole)
{
    static char piece[RESP_FEED_SIZE_MAX];
    ck_assert_int_eq(feed("$1000000000\r\n", 13, 13, 1), STATUS_RETRY);
    enum status status = STATUS_OK;
    size_t fed = 0;
    for (; status == STATUS_OK && fed < (1U << 24); fed += sizeof(piece)) {
        status = resp_feed(&resp, slice_of(piece, sizeof(piece)));
        if (status == STATUS_OK) {
            ck_assert_int_eq(resp_advance(&resp, &text), STATUS_RETRY);
        }
    }
    ck_assert_int_eq(status, STATUS_FULL);
    ck_assert_uint_le(fed, 4 * sizeof(piece));
}
END_TEST

START_TEST(nothing_is_written_behind_the_block)
{
    static uint8_t guarded[512 + 64];
    static char bytes[600];
    bool fitted = false, refused = false;
    for (int size = 300; size < 520; size++) {
        struct resp small;
        memset(guarded, 0xaa, sizeof(guarded));
        ck_assert_int_eq(resp_open(&small, guarded, 512), STATUS_OK);
        ck_assert_int_eq(resp_begin(&small, 1), STATUS_OK);
        int head = snprintf(bytes, sizeof(bytes), "$%d\r\n", size);
        memset(bytes + head, 'x', (size_t)size);
        memcpy(bytes + head + size, "\r\n", 2);
        ck_assert_int_eq(resp_feed(&small, slice_of(bytes, (size_t)head + (size_t)size + 2)),
                         STATUS_OK);
        enum status status = resp_advance(&small, &text);
        fitted = fitted || status == STATUS_OK;
        refused = refused || status == STATUS_FULL;
        for (size_t i = 512; i < sizeof(guarded); i++) {
            ck_assert_uint_eq(guarded[i], 0xaa);
        }
        resp_close(&small);
    }
    ck_assert(fitted && refused);
}
END_TEST

START_TEST(more_commands_than_the_block_has_room_for_are_refused)
{
    ck_assert_int_eq(resp_begin(&resp, 10000), STATUS_FULL);
    ck_assert_int_eq(resp_begin(&resp, 10), STATUS_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resp");
    TCase *tests = tcase_create("resp");
    tcase_add_checked_fixture(tests, prepare, finish);
    tcase_add_loop_test(tests, every_kind_is_read_however_it_is_cut, 1, (int)sizeof(every_kind));
    tcase_add_test(tests, bytes_behind_an_answer_belong_to_the_next);
    tcase_add_loop_test(tests, hostile_bytes_are_refused_in_bounds, 0,
                        sizeof(hostile) / sizeof(hostile[0]));
    tcase_add_test(tests, reply_larger_than_the_block_is_refused_before_it_is_whole);
    tcase_add_test(tests, nothing_is_written_behind_the_block);
    tcase_add_test(tests, more_commands_than_the_block_has_room_for_are_refused);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
