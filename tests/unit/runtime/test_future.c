/* SPDX-License-Identifier: Apache-2.0 */
/* What is dated ahead of the clock is a dead letter, whichever of its times says so: of two consents the later
 * holds, and one of the year 53000 would hold against every withdrawal to come. */
#include <stdio.h>

#include "base/hash.h"
#include "runtime/stats.h"
#include "runtime/worker_double.h"
#include "support/suite.h"

enum { TASK = 3, NEXT = 10, TURNS = 20 };

static int64_t consent_ms;
static char id[16];

static enum worker_decode decode(void *context, const struct log_record *record,
                                 struct event *out_event, struct reject *out_reject)
{
    (void)context;
    (void)out_reject;
    *out_event = (struct event){.customer_id = record->key,
                                .time_ms = 1,
                                .source = SOURCE_CUSTOMER_PROFILES,
                                .profile.consent_count = 2};
    out_event->profile.consents[1].updated_at_ms = consent_ms;
    return WORKER_DECODED;
}

static void set_up(void)
{
    double_open(64, TASK);
    doubled.worker->options.codec.decode = decode;
    doubled.worker->options.sources[SOURCE_CUSTOMER_PROFILES].topic = "profiles";
    for (int i = 0; id[0] == 0 || hash_partition(slice_text(id), DOUBLE_TASKS) != TASK; i++) {
        (void)snprintf(id, sizeof(id), "C%d", i);
    }
}

/* A profile whose second consent is dated so far ahead of the clock. True: it became a dead letter. */
static bool is_refused(enum engine_clock clock, int64_t ahead_ms)
{
    struct worker *worker = doubled.worker;
    struct log_record record = {.key = slice_text(id),
                                .has_key = true,
                                .has_value = true,
                                .value = slice_text("x"),
                                .partition = TASK,
                                .source = SOURCE_CUSTOMER_PROFILES,
                                .offset = NEXT};
    worker->options.clock_mode = clock;
    double_become_live(NEXT);
    consent_ms = worker->wall_ms + ahead_ms;
    doubled.record = &record;
    for (int i = 0; i < TURNS && doubled.dead_letter.offset != NEXT; i++) {
        double_turn(LOG_ENDS, TASK, 0);
    }
    ck_assert_ptr_null(doubled.record);
    if (doubled.dead_letter.offset != NEXT) {
        return false;
    }
    ck_assert_int_eq(doubled.dead_letter.reason, REJECT_FUTURE);
    ck_assert(slice_is(doubled.dead_letter.field, "consents.updated_at"));
    return true;
}

/* The clock goes on by seconds while the worker turns. */
static const struct {
    enum engine_clock clock;
    int64_t most_ms;
} clocks[] = {{ENGINE_CLOCK_LIVE, 300000}, {ENGINE_CLOCK_STREAM, WORKER_STREAM_FUTURE_MS_MAX}};

START_TEST(a_consent_dated_ahead_refuses_its_profile)
{
    ck_assert(is_refused(clocks[_i].clock, clocks[_i].most_ms + 3600000));
}
END_TEST

START_TEST(a_consent_of_a_clock_that_is_a_little_ahead_does_not)
{
    ck_assert(!is_refused(clocks[_i].clock, clocks[_i].most_ms));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("future");
    TCase *tests = tcase_create("future");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_loop_test(tests, a_consent_dated_ahead_refuses_its_profile, 0, 2);
    tcase_add_loop_test(tests, a_consent_of_a_clock_that_is_a_little_ahead_does_not, 0, 2);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
