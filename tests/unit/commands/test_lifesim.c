/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil.h"
#include "commands/lifesim_person.h"

#include "support/suite.h"

static char *bank_text(const struct lifesim_options *options, struct lifesim_counts *counts)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(lifesim_run(options, out, NULL, NULL, counts));
    (void)fclose(out);
    return text;
}

START_TEST(the_same_seed_makes_the_same_bank)
{
    struct lifesim_options options = lifesim_defaults();
    struct lifesim_counts counts;
    options.customers = 20;
    options.days = 40;
    char *a = bank_text(&options, &counts);
    char *b = bank_text(&options, &counts);
    ck_assert_str_eq(a, b);
    options.seed = 2;
    char *c = bank_text(&options, &counts);
    ck_assert_str_ne(a, c);
    free(a);
    free(b);
    free(c);
}
END_TEST

START_TEST(everybody_in_work_is_paid_every_period)
{
    struct lifesim_options options = lifesim_defaults();
    options.life_events = 0;
    for (uint32_t number = 1; number <= 200; number++) {
        struct person person = lifesim_person(&options, number);
        int32_t last = 0;
        for (int32_t day = options.first_day; day < options.first_day + 400; day++) {
            int32_t employer;
            if (lifesim_salary_minor(&person, day, &employer) > 0) {
                int32_t weekday = civil_weekday(day);
                ck_assert_msg(weekday != 0 && weekday != 6, "paid on a weekend");
                ck_assert_msg(last == 0 || day - last <= 35, "a gap of %d days for %u", day - last, number);
                last = day;
            }
        }
        ck_assert_int_gt(last, options.first_day + 360);
    }
}
END_TEST

START_TEST(who_lost_the_job_is_paid_no_more)
{
    struct lifesim_options options = lifesim_defaults();
    options.life_events = 1;
    uint32_t seen = 0;
    for (uint32_t number = 1; number <= 500; number++) {
        struct person person = lifesim_person(&options, number);
        if (person.event != LIFESIM_JOB_LOST) {
            continue;
        }
        seen++;
        for (int32_t day = person.event_day; day < options.first_day + options.days; day++) {
            int32_t employer;
            ck_assert_int_eq(lifesim_salary_minor(&person, day, &employer), 0);
        }
    }
    ck_assert_uint_gt(seen, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifesim");
    TCase *tests = tcase_create("lifesim");
    tcase_add_test(tests, the_same_seed_makes_the_same_bank);
    tcase_add_test(tests, everybody_in_work_is_paid_every_period);
    tcase_add_test(tests, who_lost_the_job_is_paid_no_more);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
