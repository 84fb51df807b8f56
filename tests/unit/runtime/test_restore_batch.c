/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/restore_batch.h"

#include <stdio.h>

#include "base/attributes.h"
#include "runtime/due.h"
#include "runtime/pipeline_text.h"
#include "support/suite.h"

enum { BYTES = 64 * 1024, CUSTOMERS = 100000 };

static struct restore_room room;
static uint8_t bytes[BYTES];
static uint8_t commands[BYTES];
static struct head head;

static void set_up(void)
{
    restore_room_begin(&room, bytes, sizeof(bytes));
    head = (struct head){.due_first = INT64_MAX, .due_last = INT64_MIN};
}

static bool add(uint32_t batch, const char *id, const char *record, int64_t bucket)
{
    struct cut_entry entry = {
        .id = slice_text(id), .flags = CUT_RECORD_DELETE, .bucket_old = CUT_NO_BUCKET};
    if (record != NULL) {
        entry.flags = CUT_RECORD_SET | CUT_BUCKET_NEW | CUT_VIEW_WHOLE;
        entry.record = slice_text(record);
        entry.bucket_new = bucket;
    }
    return restore_add(&room, &room.batches[batch], &entry);
}

static const char *put(uint32_t batch)
{
    struct store_pipeline pipeline = {.data = commands, .limit = sizeof(commands)};
    ck_assert(restore_put(&room.batches[batch], slice_text("c:"), slice_text("v:"),
                          slice_text("due:"), &head, &pipeline));
    return pipeline_text(&pipeline);
}

static uint32_t questions(uint32_t batch)
{
    uint32_t index = 0;
    uint32_t count = 0;
    struct slice id;
    while (restore_next_question(&room.batches[batch], &index, &id)) {
        count++;
    }
    return count;
}

START_TEST(records_and_due_sets_are_written_together)
{
    ck_assert(add(0, "a", "A", 7) && add(0, "b", "B", 9) && add(0, "c", "C", 7));
    ck_assert_str_eq(put(0),
                     "MSET c:a A c:b B c:c C\nDEL v:a v:b v:c\nSADD due:7 a c\nSADD due:9 b");
    ck_assert_uint_eq(head.customer_count, 3);
    ck_assert_int_eq(head.due_first, 7);
    ck_assert_int_eq(head.due_last, 9);
}
END_TEST

START_TEST(of_two_in_a_batch_the_later_one_counts)
{
    ck_assert(add(0, "a", "A", 7) && add(0, "b", "B", 7) && add(0, "a", "AA", 8));
    ck_assert_str_eq(put(0), "MSET c:b B c:a AA\nDEL v:b v:a\nSADD due:7 b\nSADD due:8 a");
    ck_assert_uint_eq(head.customer_count, 2);
}
END_TEST

START_TEST(only_who_was_seen_before_is_asked_for)
{
    ck_assert(add(0, "a", "A", 7) && add(0, "b", "B", 7));
    ck_assert_uint_eq(questions(0), 0);
    ck_assert(add(1, "c", "C", 7) && add(1, "b", "BB", 7));
    ck_assert_uint_eq(questions(1), 1);
}
END_TEST

START_TEST(what_an_older_one_left_goes_first)
{
    head.customer_count = 2;
    ck_assert(add(0, "a", "A", 7) && add(0, "gone", NULL, 0));
    room.batches[0].entries[0].known = true;
    room.batches[0].entries[0].before = 5;
    room.batches[0].entries[1].known = true;
    room.batches[0].entries[1].before = 6;
    ck_assert_str_eq(put(0), "MSET c:a A\nDEL v:a v:gone c:gone\nSREM due:5 a\nSREM due:6 gone\n"
                             "SADD due:7 a");
    ck_assert_uint_eq(head.customer_count, 1);
}
END_TEST

/* Nobody was seen before, but an EXEC that ran in part may have left keys that no due set knows. */
START_TEST(what_is_left_of_somebody_unseen_goes_too)
{
    ck_assert(add(0, "a", "A", DUE_FAR_FIRST) && add(0, "gone", NULL, 0));
    ck_assert_ptr_nonnull(strstr(put(0), "\nDEL v:a v:gone c:gone\n"));
    ck_assert_int_eq(head.due_last, INT64_MIN); /* a far set is no near one */
}
END_TEST

/* Enough for the filter to be wrong now and then: it may ask in vain, it never forgets to ask. */
START_TEST(nobody_who_was_seen_is_forgotten)
{
    char id[16];
    uint32_t asked[2] = {0, 0};
    uint32_t added = 0;
    for (uint32_t i = 0; i < 2 * CUSTOMERS; i++) {
        (void)snprintf(id, sizeof(id), "C%u", i % CUSTOMERS);
        restore_batch_clear(&room.batches[0]);
        added += add(0, id, "r", 1);
        asked[i / CUSTOMERS] += questions(0);
    }
    ck_assert_uint_eq(added, 2 * CUSTOMERS);
    ck_assert_uint_lt(asked[0], CUSTOMERS / 100);
    ck_assert_uint_eq(asked[1], CUSTOMERS);
}
END_TEST

START_TEST(a_full_batch_takes_no_more)
{
    char record[1024];
    memset(record, 'x', sizeof(record));
    record[sizeof(record) - 1] = 0;
    char id[16];
    uint32_t count = 0;
    do {
        (void)snprintf(id, sizeof(id), "C%u", count);
    } while (add(0, id, record, 1) && ++count < RESTORE_BATCH_MAX);
    ck_assert_uint_eq(count, room.batches[0].count);
    ck_assert_uint_gt(count, 25);
    ck_assert_uint_lt(count, 32);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restore_batch");
    TCase *tests = tcase_create("a batch");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, records_and_due_sets_are_written_together);
    tcase_add_test(tests, of_two_in_a_batch_the_later_one_counts);
    tcase_add_test(tests, only_who_was_seen_before_is_asked_for);
    tcase_add_test(tests, what_an_older_one_left_goes_first);
    tcase_add_test(tests, what_is_left_of_somebody_unseen_goes_too);
    tcase_add_test(tests, nobody_who_was_seen_is_forgotten);
    tcase_add_test(tests, a_full_batch_takes_no_more);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
