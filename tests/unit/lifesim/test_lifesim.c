/* SPDX-License-Identifier: Apache-2.0 */
#include "base/civil.h"
#include "lifesim/person.h"

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

START_TEST(a_bank_that_ends_at_a_moment_is_the_same_bank_until_then)
{
    struct lifesim_options options = lifesim_defaults();
    struct lifesim_counts counts;
    options.customers = 20;
    options.days = 10;
    char *whole = bank_text(&options, &counts);
    uint64_t events = counts.events;
    options.until_ms = (options.first_day + 7) * MS_PER_DAY + 15 * MS_PER_HOUR;
    char *cut = bank_text(&options, &counts);
    ck_assert_uint_gt(strlen(cut), strlen(whole) / 2);
    ck_assert_int_eq(strncmp(whole, cut, strlen(cut)), 0);
    const char *next = whole + strlen(cut);
    ck_assert_ptr_nonnull(strstr(next, "2026-01-08T15:"));
    ck_assert_ptr_null(strstr(cut, "2026-01-08T15:"));
    ck_assert_ptr_nonnull(strstr(cut, "2026-01-08T14:"));
    ck_assert_uint_lt(counts.events, events);
    free(whole);
    free(cut);
}
END_TEST

START_TEST(everybody_in_work_is_paid_every_period)
{
    struct lifesim_options options = lifesim_defaults();
    options.life_events = options.decoys = 0;
    for (uint32_t number = 1; number <= 200; number++) {
        struct person person = lifesim_person(&options, number);
        int32_t last = 0;
        if (person.job.employer == 0) {
            continue;
        }
        for (int32_t day = options.first_day; day < options.first_day + 400; day++) {
            uint32_t employer;
            if (lifesim_salary_minor(&person, day, &employer) > 0) {
                int32_t weekday = civil_weekday(day);
                ck_assert_msg(weekday != 0 && weekday != 6, "paid on a weekend");
                ck_assert_msg(last == 0 || day - last <= 35, "a gap of %d days for %u", day - last,
                              number);
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
    for (uint32_t number = 1; number <= 1500; number++) {
        struct person person = lifesim_person(&options, number);
        if (person.story != STORY_JOB_LOST) {
            continue;
        }
        seen++;
        for (int32_t day = person.story_day; day < options.first_day + options.days; day++) {
            uint32_t employer;
            ck_assert_int_eq(lifesim_salary_minor(&person, day, &employer), 0);
        }
    }
    ck_assert_uint_gt(seen, 20);
}
END_TEST

START_TEST(every_story_happens_in_every_world)
{
    static const char *const names[] = {"uk", "eu"};
    for (size_t w = 0; w < 2; w++) {
        struct lifesim_options options = lifesim_defaults();
        uint32_t seen[STORY_COUNT] = {0};
        options.world = world_find(slice_text(names[w]));
        options.days = 540;
        options.life_events = options.decoys = 0.5;
        for (uint32_t number = 1; number <= 4000; number++) {
            struct person person = lifesim_person(&options, number);
            seen[person.story]++;
            if (person.story != STORY_NONE) {
                ck_assert_int_ge(person.story_day, options.first_day + 100);
                ck_assert_int_lt(person.story_day, options.first_day + options.days);
            }
        }
        for (int story = 1; story < STORY_COUNT; story++) {
            ck_assert_msg(seen[story] > 5, "%s: story %d (%s) came %u times", names[w], story,
                          story_info((enum story)story)->life_event, seen[story]);
        }
    }
    ck_assert_ptr_null(world_find(slice_text("atlantis")));
}
END_TEST

START_TEST(the_truth_says_what_was_a_decoy)
{
    struct lifesim_options options = lifesim_defaults();
    struct lifesim_counts counts;
    char *truth = NULL, *text = NULL;
    size_t size = 0, text_size = 0;
    FILE *out = open_memstream(&text, &text_size), *told = open_memstream(&truth, &size);
    options.customers = 300;
    options.days = 120;
    options.decoys = 0.5;
    ck_assert(lifesim_run(&options, out, told, NULL, &counts));
    (void)fclose(out);
    (void)fclose(told);
    uint64_t events = 0, decoys = 0;
    for (char *line = truth; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        char *end = strchr(line, '\n');
        *end = '\0';
        ck_assert_ptr_nonnull(strstr(line, "\"knowable_at\":\"20"));
        bool decoy = strstr(line, "\"decoy\":null") == NULL;
        decoys += decoy;
        events += !decoy && strstr(line, "\"implied\":false") != NULL;
        *end = '\n';
    }
    ck_assert_uint_gt(decoys, 50);
    ck_assert_uint_eq(decoys, counts.decoys);
    ck_assert_uint_eq(events, counts.life_events);
    free(truth);
    free(text);
}
END_TEST

START_TEST(free_days_move_a_payday_by_the_worlds_rule)
{
    const struct world *uk = world_find(slice_text("uk")), *eu = world_find(slice_text("eu"));
    int32_t good_friday = civil_day((struct civil_date){2026, 4, 3});
    ck_assert(!world_is_working_day(uk, good_friday));
    ck_assert_int_eq(world_pay_day(uk, good_friday), good_friday - 1);
    ck_assert_int_eq(world_pay_day(eu, good_friday), good_friday + 4); /* past Easter Monday */
    ck_assert(!world_is_working_day(uk, civil_day((struct civil_date){2026, 8, 31})));
    ck_assert(world_is_working_day(eu, civil_day((struct civil_date){2026, 8, 31})));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lifesim");
    TCase *tests = tcase_create("lifesim");
    tcase_add_test(tests, the_same_seed_makes_the_same_bank);
    tcase_add_test(tests, a_bank_that_ends_at_a_moment_is_the_same_bank_until_then);
    tcase_add_test(tests, everybody_in_work_is_paid_every_period);
    tcase_add_test(tests, every_story_happens_in_every_world);
    tcase_add_test(tests, the_truth_says_what_was_a_decoy);
    tcase_add_test(tests, free_days_move_a_payday_by_the_worlds_rule);
    tcase_add_test(tests, who_lost_the_job_is_paid_no_more);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
