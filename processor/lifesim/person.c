/* SPDX-License-Identifier: Apache-2.0 */
#include "lifesim/person.h"

#include "base/attributes.h"
#include "base/civil.h"
#include "model/codes.h"

static const struct story_info stories[STORY_COUNT] = {
#define SIM_STORY_INFO(name, event, decoy, base, known, after)                                     \
    [STORY_##name] = {event, decoy, base, known, after},
    SIM_STORIES(SIM_STORY_INFO)
#undef SIM_STORY_INFO
};

const struct story_info *story_info(enum story story)
{
    return &stories[story];
}

struct random lifesim_day_random(const struct lifesim_options *options, uint32_t number,
                                 int32_t day)
{
    struct random random;
    random_init(&random, options->seed * 0x9e3779b97f4a7c15U ^ (uint64_t)number << 24 ^
                             (uint64_t)(uint32_t)day);
    return random;
}

/* Gross annual pay spreads from 16k to 110k, most of it below 45k. */
static int64_t annual_pay_minor(const struct world *world, struct random *random)
{
    double u = random_unit(random);
    return (int64_t)((16000.0 + 24000.0 * u + 70000.0 * u * u * u * u) * 0.78 *
                     world->price_level) *
           100;
}

static struct job choose_job(const struct world *world, struct random *random, int64_t annual)
{
    static const int32_t a_year[] = {12, 12, 13, 52, 26};
    struct job job = {.employer = (uint32_t)random_between(random, 1, 8000)};
    double kind = random_unit(random);
    for (int i = 0; i < PAYDAY_KIND_COUNT; i++) {
        job.payday = (enum payday_kind)i;
        if (kind < world->paydays[i]) {
            break;
        }
        kind -= world->paydays[i];
    }
    job.minor = annual / a_year[job.payday];
    switch (job.payday) {
    case PAYDAY_DATE:
        job.pay_date = (int32_t)random_between(random, world->pay_date_low, world->pay_date_high);
        break;
    case PAYDAY_WEEKLY:
        job.pay_date = random_chance(random, 0.7) ? 5 : 4;
        break;
    case PAYDAY_FORTNIGHTLY:
        job.pay_date = (int32_t)random_below(random, 14);
        break;
    case PAYDAY_FOUR_WEEKLY:
        job.pay_date = (int32_t)random_below(random, 28);
        break;
    case PAYDAY_LAST_WORKING_DAY:
    case PAYDAY_KIND_COUNT:
        break;
    }
    return job;
}

static uint8_t band_of(int64_t annual)
{
    return (uint8_t)(annual < 1600000   ? INCOME_A
                     : annual < 2400000 ? INCOME_B
                     : annual < 3200000 ? INCOME_C
                     : annual < 4200000 ? INCOME_D
                     : annual < 6000000 ? INCOME_E
                                        : INCOME_F);
}

static void choose_story(const struct lifesim_options *options, struct person *person,
                         struct random *random)
{
    bool event = random_chance(random, options->life_events);
    bool decoy = random_chance(random, options->decoys);
    if (options->days < 120 || (!event && !decoy)) {
        return;
    }
    person->story =
        (enum story)(event ? random_between(random, 1, STORY_DECOYS_FROM - 1)
                           : random_between(random, STORY_DECOYS_FROM, STORY_COUNT - 1));
    const struct story_info *info = &stories[person->story];
    /* Late enough to have a history, early enough to be seen. */
    int32_t first = options->days / 3 > 100 ? options->days / 3 : options->days / 2;
    int32_t last = options->days - info->after_days;
    last = last < first ? first : last;
    person->story_day = options->first_day + (int32_t)random_between(random, first, last);
    struct civil_date date = civil_date(person->story_day);
    int32_t day;
    if (person->story == STORY_CHRISTMAS_PAY) {
        day = civil_day((struct civil_date){date.year - (date.month < 7), 12, 1});
    } else if (person->story == STORY_STUDENT_START || person->story == STORY_PARENT_PAYS) {
        day = civil_day((struct civil_date){date.year - (date.month < 4), 9, date.day / 2 + 8});
    } else if (person->story == STORY_SEASONAL_WORKER) {
        day = civil_day((struct civil_date){date.year, date.month < 7 ? 4 : 10, 1});
    } else {
        return;
    }
    /* In a short simulation that season may not be there at all. */
    bool outside = day < options->first_day + options->days / 4 ||
                   day > options->first_day + options->days - info->after_days;
    person->story_day = day;
    person->story = outside ? STORY_NONE : person->story;
}

/* What the person is without a story. */
static enum base choose_base(struct random *random)
{
    double u = random_unit(random);
    return u < 0.62 ? BASE_WORKER : u < 0.80 ? BASE_PENSION : u < 0.90 ? BASE_YOUNG : BASE_QUIET;
}

static int64_t years(struct random *random, int32_t low, int32_t high)
{
    return random_between(random, low * 365, high * 365 + 364);
}

static void choose_home(struct person *person, struct random *random)
{
    double share = 0.18 + 0.14 * random_unit(random);
    int64_t home = (int64_t)((double)person->monthly_minor * share) / 500 * 500;
    bool owner =
        person->base == BASE_OWNER || (person->base != BASE_TENANT && random_chance(random, 0.4));
    person->landlord = (uint32_t)random_between(random, 1, 900);
    person->rent_date = (int32_t)random_between(random, 1, 5);
    person->bill_date = (int32_t)random_between(random, 1, 28);
    if (person->base == BASE_PENSION || person->base == BASE_QUIET || person->base == BASE_YOUNG) {
        return;
    }
    person->rent_minor = owner ? 0 : home;
    person->mortgage_minor = owner ? home : 0;
}

static void choose_income(struct person *person, struct random *random)
{
    const struct world *world = person->world;
    int64_t annual = annual_pay_minor(world, random);
    person->income_band = band_of(annual);
    person->next_job = choose_job(world, random, annual * random_between(random, 96, 130) / 100);
    struct job job = choose_job(world, random, annual);
    person->monthly_minor = annual / 12;
    switch (person->base) {
    case BASE_PENSION:
        person->pension_minor = random_chance(random, 0.7) ? annual / 40 : 0;
        person->monthly_minor = (int64_t)(95000 * world->price_level) + person->pension_minor;
        person->pension_date = (int32_t)random_between(random, 1, 28);
        break;
    case BASE_YOUNG:
        person->allowance_minor = random_between(random, 20, 60) * 1000;
        person->monthly_minor = person->allowance_minor;
        person->job = person->story == STORY_SALARY_FIRST ? job : (struct job){0};
        break;
    case BASE_QUIET:
        person->monthly_minor = 6000;
        break;
    case BASE_ANY:
    case BASE_WORKER:
    case BASE_TENANT:
    case BASE_OWNER:
    case BASE_COUPLE:
    case BASE_SINGLE:
    case BASE_OLDER:
        person->job = job;
        person->pension_date = (int32_t)(person->number % 28) + 1; /* of a pension that may come */
        person->variable_pay = random_chance(random, 0.35) ? 0.02 + 0.06 * random_unit(random) : 0;
        person->extra_pay = world->extra_pay_month != 0 && random_chance(random, 0.5);
        break;
    }
}

static void choose_age(const struct lifesim_options *options, struct person *person,
                       struct random *random)
{
    int64_t age = years(random, 21, 64);
    if (person->base == BASE_PENSION) {
        age = years(random, 67, 88);
    } else if (person->base == BASE_YOUNG) {
        age = person->story == STORY_STUDENT_START ? years(random, 18, 20) : years(random, 17, 23);
    } else if (person->base == BASE_OLDER) {
        age = person->story == STORY_PARENT_PAYS ? years(random, 45, 57) : years(random, 59, 66);
    } else if (person->story == STORY_BABY || person->story == STORY_WEDDING_PLANNED ||
               person->story == STORY_CHILDCARE_STARTED || person->story == STORY_YOUNG_SAVER) {
        age = years(random, 24, 41);
    }
    person->birth_day = options->first_day - (int32_t)age;
    person->since_day = options->first_day - (int32_t)random_between(random, 30, 4000);
}

struct person lifesim_person(const struct lifesim_options *options, uint32_t number)
{
    struct person person = {.number = number, .world = options->world};
    struct random random = lifesim_day_random(options, number, -1);
    (void)snprintf(person.id, sizeof(person.id), "L%08u", number);
    choose_story(options, &person, &random);
    person.base = choose_base(&random);
    if (person.story != STORY_NONE && stories[person.story].base != BASE_ANY) {
        person.base = stories[person.story].base;
    }
    choose_age(options, &person, &random);
    choose_income(&person, &random);
    choose_home(&person, &random);
    bool couple = person.base == BASE_COUPLE ||
                  (person.base == BASE_WORKER && random_chance(&random, 0.2)) ||
                  (person.story == STORY_BEREAVEMENT && person.base != BASE_YOUNG &&
                   person.base != BASE_QUIET);
    person.partner_minor = couple ? random_between(&random, 20, 60) * 1000 : 0;
    person.partner_date = (int32_t)random_between(&random, 1, 28);
    bool parent = person.base == BASE_WORKER && random_chance(&random, 0.22) &&
                  person.story != STORY_BABY && person.story != STORY_CHILDCARE_STARTED;
    person.child_benefit = parent;
    person.nursery = parent && person.story == STORY_NONE && random_chance(&random, 0.3);
    person.student_loan =
        person.base == BASE_YOUNG && person.story == STORY_NONE && random_chance(&random, 0.4);
    person.card_per_day = 0.3 + 1.6 * random_unit(&random);
    if (person.base == BASE_QUIET) {
        person.card_per_day = 0.14 + 0.1 * random_unit(&random);
    }
    person.travel = random_chance(&random, 0.15) ? 0.35 : 0.03;
    person.logins_per_day = random_chance(&random, 0.2) ? 1.5
                            : person.base == BASE_QUIET ? 0.03
                                                        : 0.25;
    person.saves = random_chance(&random, 0.4) ? 0.05 + 0.15 * random_unit(&random) : 0.0;
    person.consents = random_chance(&random, 0.7);
    for (int i = 0; i < KNOBS; i++) {
        person.knob[i] = random_unit(&random);
    }
    return person;
}

bool due_on_date(const struct world *world, int32_t day, int32_t date)
{
    if (!world_is_working_day(world, day)) {
        return false;
    }
    /* Free days move it by less than a week: look at the due days around. */
    for (int32_t due = day - 5; due <= day + 5; due++) {
        struct civil_date civil = civil_date(due);
        bool last = civil_date(due + 1).day == 1;
        if ((civil.day == date || (date > civil.day && last)) && world_pay_day(world, due) == day) {
            return true;
        }
    }
    return false;
}

static bool due_in_weeks(const struct world *world, int32_t day, int32_t phase, int32_t weeks)
{
    if (!world_is_working_day(world, day)) {
        return false;
    }
    for (int32_t due = day - 5; due <= day + 5; due++) {
        if (due % (7 * weeks) == phase && world_pay_day(world, due) == day) {
            return true;
        }
    }
    return false;
}

bool job_pays_on(const struct world *world, const struct job *job, int32_t day)
{
    switch (job->payday) {
    case PAYDAY_DATE:
        return due_on_date(world, day, job->pay_date);
    case PAYDAY_LAST_WORKING_DAY: {
        int32_t next = day + 1;
        while (!world_is_working_day(world, next)) {
            next++;
        }
        return world_is_working_day(world, day) && civil_date(next).month != civil_date(day).month;
    }
    case PAYDAY_FOUR_WEEKLY:
        return due_in_weeks(world, day, job->pay_date, 4);
    case PAYDAY_FORTNIGHTLY:
        return due_in_weeks(world, day, job->pay_date, 2);
    case PAYDAY_WEEKLY:
        return due_in_weeks(world, day, (job->pay_date + 3) % 7, 1);
    case PAYDAY_KIND_COUNT:
        break;
    }
    return false;
}

int32_t job_first_payday(const struct world *world, const struct job *job, int32_t day)
{
    int32_t end = day + 62;
    while (day < end && !job_pays_on(world, job, day)) {
        day++;
    }
    return day;
}

/* Whole per cent of the usual pay on this payday. */
static int64_t share_of_pay(const struct person *person, int32_t day)
{
    const struct world *world = person->world;
    bool after = day >= person->story_day;
    int32_t first = after ? job_first_payday(world, &person->job, person->story_day) : 0;
    int32_t month = civil_date(day).month;
    switch ((int)person->story) {
    case STORY_JOB_LOST:
    case STORY_DORMANT:
    case STORY_RETIREMENT_STARTED:
        return after ? 0 : 100;
    case STORY_LEAVING:
        return day >= person->story_day + (int32_t)(person->knob[0] * 20) ? 0 : 100;
    case STORY_SALARY_FIRST:
        return after ? 100 : 0;
    case STORY_PAY_RISE:
        return after ? 110 + (int64_t)(person->knob[0] * 18) : 100;
    case STORY_INCOME_DROP:
        return after ? 45 + (int64_t)(person->knob[0] * 20) : 100;
    case STORY_BABY:
        return after && day < person->story_day + 180 && person->knob[0] < 0.4 ? 55 : 100;
    case STORY_UNPAID_LEAVE:
        return after && day < person->story_day + (person->job.payday == PAYDAY_WEEKLY ? 21 : 30)
                   ? 0
                   : 100;
    case STORY_SEASONAL_WORKER:
        return month % 6 == 4 || month % 6 == 5 ? 0
                                                : 100; /* no work in two months of each half year */
    case STORY_SHORT_MONTH:
        return after && day == first ? 55 : 100;
    case STORY_BONUS_IN_BASE:
        return after && day == first ? 330 : 100;
    case STORY_BONUS_ONCE:
        return after && day == first ? 170 + (int64_t)(person->knob[0] * 60) : 100;
    case STORY_OVERTIME_MONTH:
        return after && day == first ? 118 : 100;
    default:
        return 100;
    }
}

/* The job on that day, and NULL between two. */
static const struct job *job_on(const struct person *person, int32_t day)
{
    int32_t since = day - person->story_day;
    if (person->story == STORY_JOB_CHANGED && since >= 0) {
        return since >= (int32_t)(person->knob[1] * 35) ? &person->next_job : NULL;
    }
    if (person->story == STORY_BACK_TO_WORK && since >= -150) {
        return since >= 0 ? &person->next_job : NULL;
    }
    return &person->job;
}

/* Before Christmas they pay on the 18th to the 20th; the date moves for December only. */
static bool pays_today(const struct person *person, const struct job *job, int32_t day)
{
    struct civil_date date = civil_date(day);
    if (person->story == STORY_CHRISTMAS_PAY && date.month == 12 &&
        job->payday <= PAYDAY_LAST_WORKING_DAY) {
        return due_on_date(person->world, day, 18);
    }
    return job_pays_on(person->world, job, day);
}

int64_t lifesim_salary_minor(const struct person *person, int32_t day, uint32_t *out_employer)
{
    const struct job *job = job_on(person, day);
    *out_employer = 0;
    if (job == NULL || job->employer == 0 || !pays_today(person, job, day)) {
        return 0;
    }
    struct civil_date date = civil_date(day);
    struct random random;
    random_init(&random, ((uint64_t)person->number << 32) + (uint64_t)(uint32_t)day);
    *out_employer = job->employer;
    if (person->story == STORY_PAYER_RENAMED && day >= person->story_day) {
        *out_employer += 10000;
    }
    /* 2.5 % more a year for everybody from the rise month on; five years around 2025 matter. */
    int32_t rises = date.year - 2024 + (date.month >= person->world->rise_month);
    int64_t pay = job->minor + job->minor * 25 * (rises > 0 ? rises : 0) / 1000;
    pay = pay * share_of_pay(person, day) / 100;
    if (person->variable_pay > 0) {
        pay += (int64_t)((double)pay * person->variable_pay * (random_unit(&random) - 0.3));
    }
    if (person->extra_pay && date.month == person->world->extra_pay_month &&
        job->payday <= PAYDAY_LAST_WORKING_DAY) {
        pay *= 2;
    }
    return pay;
}
