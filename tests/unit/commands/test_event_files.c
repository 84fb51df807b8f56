/* SPDX-License-Identifier: Apache-2.0 */
/* The order of event files is that of clock stream: of each task, the earliest head of its sources. */
#include "commands/event_files.h"
#include "commands/event_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/random.h"
#include "support/suite.h"

enum { CUSTOMERS = 40, EVENTS = 3000, SOURCES_USED = 2 };

struct expected {
    uint32_t source, customer;
    int64_t time_ms;
    uint32_t number;
};

static char path[64];
static struct expected *inputs[SOURCES_USED];
static uint32_t input_count[SOURCES_USED];
static uint32_t bad_lines;

static void on_bad(void *context, const struct event_files_bad *bad)
{
    (void)context;
    (void)bad;
    bad_lines++;
}

static void put(FILE *out, const struct expected *e)
{
    if (e->source == SOURCE_TRANSACTIONS) {
        (void)fprintf(
            out,
            "{\"source\":\"transactions\",\"event\":{\"event_id\":\"e%u\",\"customer_id\":"
            "\"c%u\",\"account_id\":\"a\",\"account_type\":\"CURRENT\",\"booked_at\":%lld,"
            "\"amount_minor\":1,\"currency\":\"GBP\",\"direction\":\"DEBIT\","
            "\"status\":\"POSTED\",\"kind\":\"CARD\",\"channel\":\"POS\"}}\n",
            e->number, e->customer, (long long)e->time_ms);
    } else {
        (void)fprintf(
            out,
            "{ \"event\":{\"event_id\":\"e%u\",\"customer_id\":\"c%u\",\"occurred_at\":%lld,"
            "\"event\":\"login\",\"channel\":\"WEB\"},\"source\":\"app-engagement\"}\n",
            e->number, e->customer, (long long)e->time_ms);
    }
}

/* Both sources in one file, times that go back now and then; `apart`: one source after the other. */
static void write_file(uint64_t seed, bool apart)
{
    struct random random;
    random_init(&random, seed);
    (void)snprintf(path, sizeof(path), "/tmp/test_event_files.XXXXXX");
    FILE *out = fdopen(mkstemp(path), "w");
    ck_assert_ptr_nonnull(out);
    int64_t time_ms = 1700000000000;
    for (uint32_t i = 0; i < EVENTS; i++) {
        uint32_t s = apart ? i / (EVENTS / 2) : (uint32_t)random_below(&random, SOURCES_USED);
        time_ms =
            apart && i == EVENTS / 2 ? 1700000000000 : time_ms + random_between(&random, 0, 9);
        int64_t late_ms = random_chance(&random, .1) ? random_between(&random, 0, 900) : 0;
        struct expected e = {s, (uint32_t)random_below(&random, CUSTOMERS), time_ms - late_ms, i};
        inputs[s][input_count[s]++] = e;
        put(out, &e);
    }
    (void)fputs("{\"source\":\"transactions\",\"event\":{\"nonsense\":1}}\nnothing at all\n", out);
    put(out, &(struct expected){SOURCE_TRANSACTIONS, 1, 253402300799000, EVENTS}); /* 9999-12-31 */
    ck_assert_int_eq(fclose(out), 0);
}

static void set_up(void)
{
    bad_lines = 0;
    for (uint32_t s = 0; s < SOURCES_USED; s++) {
        inputs[s] = calloc(EVENTS, sizeof(*inputs[s]));
        input_count[s] = 0;
    }
}

static void tear_down(void)
{
    (void)unlink(path);
    for (uint32_t s = 0; s < SOURCES_USED; s++) {
        free(inputs[s]);
    }
}

static uint32_t task_of(uint32_t customer, uint32_t task_count)
{
    char id[16];
    int size = snprintf(id, sizeof(id), "c%u", customer);
    return hash_partition(slice_of(id, (size_t)size), task_count);
}

/* The next event of a task by the rule itself: look at the whole of each source. */
static const struct expected *next_of(uint32_t task, uint32_t task_count, bool (*taken)[EVENTS])
{
    const struct expected *best = NULL;
    for (uint32_t s = 0; s < SOURCES_USED; s++) {
        for (uint32_t i = 0; i < input_count[s]; i++) {
            const struct expected *e = &inputs[s][i];
            if (!taken[s][i] && task_of(e->customer, task_count) == task) {
                best = best == NULL || e->time_ms < best->time_ms ? e : best;
                break;
            }
        }
    }
    return best;
}

static void check_order(uint32_t task_count)
{
    static bool taken[SOURCES_USED][EVENTS];
    const char *paths[] = {path};
    struct event_files *files;
    struct status_text text;
    struct event event;
    uint32_t count = 0;
    memset(taken, 0, sizeof(taken));
    ck_assert_int_eq(event_files_open(paths, 1, task_count, EVENT_CONTAINER_ANY, &files, &text),
                     STATUS_OK);
    for (; event_files_next(files, &event, on_bad, NULL); count++) {
        const struct expected *e =
            next_of(hash_partition(event.customer_id, task_count), task_count, taken);
        ck_assert_ptr_nonnull(e);
        ck_assert_msg(event.offset == e->number && event.source == e->source,
                      "event %u: line %lld, expected line %u", count, (long long)event.offset,
                      e->number);
        taken[e->source][e - inputs[e->source]] = true;
    }
    ck_assert_uint_eq(count, EVENTS);
    ck_assert_uint_eq(bad_lines, 3);
}

START_TEST(a_file_is_merged_as_one_task_would)
{
    write_file(1 + (uint64_t)_i, false);
    check_order(1);
}
END_TEST

START_TEST(every_task_has_its_own_order)
{
    write_file(10 + (uint64_t)_i, false);
    check_order(7);
}
END_TEST

START_TEST(a_source_that_lies_behind_another_in_the_file_merges_all_the_same)
{
    write_file(20, true);
    check_order(1 + (uint32_t)_i * 4);
}
END_TEST

START_TEST(a_task_with_nothing_of_a_source_does_not_stop_the_others)
{
    write_file(30, false);
    check_order(1000);
}
END_TEST

/* 17 batches in a ring of 16: while the reader stands at the end of the first, all of its lines released,
 * the thread fills it with the file's last lines. */
START_TEST(a_batch_filled_anew_is_not_taken_for_the_one_that_was_read)
{
    enum { LINES = 17 * 512 - 100, BATCH = 512 };
    static char *text; /* the reader's until exit */
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    for (uint32_t i = 0; i < LINES; i++) {
        put(out, &(struct expected){SOURCE_TRANSACTIONS, i % CUSTOMERS, 1700000000000 + i, i});
    }
    ck_assert_int_eq(fclose(out), 0);
    struct event_reader *reader;
    struct status_text problem;
    ck_assert_int_eq(
        event_reader_open(slice_of(text, size), SOURCE_TRANSACTIONS, &reader, &problem), STATUS_OK);
    uint32_t count = 0;
    for (struct event_line *line = event_reader_next(reader); line != NULL;
         line = event_reader_next(reader)) {
        ck_assert_uint_eq(line->line, ++count);
        event_reader_release(line);
        if (count == BATCH) {
            (void)usleep(300000);
        }
    }
    ck_assert_uint_eq(count, LINES);
    ck_assert(event_reader_ended(reader));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event_files");
    TCase *tests = tcase_create("event_files");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_file_is_merged_as_one_task_would, 0, 3);
    tcase_add_loop_test(tests, every_task_has_its_own_order, 0, 3);
    tcase_add_loop_test(tests, a_source_that_lies_behind_another_in_the_file_merges_all_the_same, 0,
                        2);
    tcase_add_test(tests, a_task_with_nothing_of_a_source_does_not_stop_the_others);
    tcase_add_test(tests, a_batch_filled_anew_is_not_taken_for_the_one_that_was_read);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
