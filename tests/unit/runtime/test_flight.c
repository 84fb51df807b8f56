/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/inside.h"

#include "support/suite.h"

enum { WRITES = 8, OURS = 0, DROPPED = 1, THIRD = 2 };

static struct worker worker;
static struct task task;
static struct log_write writes[WRITES];
static uint32_t slots[WRITES];
static struct flight_cut sealed[2];

/* Outputs of three tasks, then the cuts of two of them: offset names each. */
static void set_up(void)
{
    static const uint32_t of[WRITES] = {DROPPED, OURS, DROPPED, THIRD,
                                        DROPPED, OURS, THIRD,   DROPPED};
    worker.building = 0;
    struct flight *flight = &worker.flights[0];
    *flight = (struct flight){.state = FLIGHT_BUILDING,
                              .writes = writes,
                              .write_slots = slots,
                              .write_count = WRITES,
                              .sealed = sealed,
                              .sealed_count = 2};
    for (uint32_t i = 0; i < WRITES; i++) {
        writes[i] = (struct log_write){.partition = (int32_t)i};
        slots[i] = of[i];
    }
    sealed[0] = (struct flight_cut){.slot = OURS, .write = 5};
    sealed[1] = (struct flight_cut){.slot = THIRD, .write = 6};
    task = (struct task){.slot = DROPPED, .held_building = true};
}

START_TEST(a_task_that_is_dropped_takes_its_records_with_it_and_no_others)
{
    flight_drop_task(&worker, &task);
    ck_assert_uint_eq(worker.flights[0].write_count, 4);
    static const int32_t left[] = {1, 3, 5, 6};
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(writes[i].partition, left[i]);
        ck_assert_uint_ne(slots[i], DROPPED);
    }
    ck_assert(!task.held_building);
}
END_TEST

/* From there the broker's answer is read: where the cut lies in the journal. */
START_TEST(cuts_that_were_sealed_before_it_still_know_their_first_record)
{
    flight_drop_task(&worker, &task);
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_uint_lt(sealed[i].write, worker.flights[0].write_count);
        ck_assert_int_eq(writes[sealed[i].write].partition, (int32_t)(5 + i));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flight");
    TCase *drop = tcase_create("drop");
    tcase_add_checked_fixture(drop, set_up, NULL);
    tcase_add_test(drop, a_task_that_is_dropped_takes_its_records_with_it_and_no_others);
    tcase_add_test(drop, cuts_that_were_sealed_before_it_still_know_their_first_record);
    suite_add_tcase(suite, drop);
    return suite_run_all(suite);
}
