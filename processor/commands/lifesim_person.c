/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lifesim_person.h"

#include "base/attributes.h"
#include "base/civil.h"
#include "model/codes.h"

static const char *const event_names[] = {"none",     "job.lost",     "job.changed",
                                          "pay.rise", "salary.first", "windfall",
                                          "baby",     "home.moving",  "dormant"};
_Static_assert(ARRAY_COUNT(event_names) == LIFESIM_EVENT_COUNT, "one name per event");

const char *lifesim_event_name(enum lifesim_event event)
{
    return event_names[event];
}

struct random lifesim_day_random(const struct lifesim_options *options, uint32_t number,
                                 int32_t day)
{
    struct random random;
    random_init(&random, options->seed * 0x9e3779b97f4a7c15U ^ (uint64_t)number << 24 ^
                             (uint64_t)(uint32_t)day);
    return random;
}

/* Gross annual pay spreads from GBP 16k to 110k, most of it below 45k. */
static int64_t annual_pay_minor(struct random *random)
{
    double u = random_unit(random);
    return (int64_t)((16000.0 + 24000.0 * u + 70000.0 * u * u * u * u) * 0.78) * 100;
}

static void choose_job(struct person *person, struct random *random)
{
    int64_t annual = annual_pay_minor(random);
    double kind = random_unit(random);
    person->employer = (int32_t)random_between(random, 1, 4000);
    person->next_employer = 4000 + (int32_t)random_between(random, 1, 4000);
    if (kind < 0.45) {
        person->payday = PAYDAY_DATE;
        person->pay_date = (int32_t)random_between(random, 15, 28);
        person->salary_minor = annual / 12;
    } else if (kind < 0.80) {
        person->payday = PAYDAY_LAST_WORKING_DAY;
        person->salary_minor = annual / 12;
    } else if (kind < 0.92) {
        person->payday = PAYDAY_FOUR_WEEKLY;
        person->pay_date = (int32_t)random_below(random, 28);
        person->salary_minor = annual / 13;
    } else {
        person->payday = PAYDAY_WEEKLY;
        person->pay_date = 5;
        person->salary_minor = annual / 52;
    }
    person->income_band = (uint8_t)(annual < 1600000   ? INCOME_A
                                    : annual < 2400000 ? INCOME_B
                                    : annual < 3200000 ? INCOME_C
                                    : annual < 4200000 ? INCOME_D
                                    : annual < 6000000 ? INCOME_E
                                                       : INCOME_F);
}

static void choose_event(const struct lifesim_options *options, struct person *person,
                         struct random *random)
{
    if (!random_chance(random, options->life_events) || options->days < 120) {
        return;
    }
    person->event = (enum lifesim_event)random_between(random, 1, LIFESIM_EVENT_COUNT - 1);
    /* Late enough to have a history, early enough to be seen. */
    person->event_day =
        options->first_day + (int32_t)random_between(random, options->days / 2, options->days - 50);
}

struct person lifesim_person(const struct lifesim_options *options, uint32_t number)
{
    struct person person = {.number = number};
    struct random random = lifesim_day_random(options, number, -1);
    int64_t age_days = random_between(&random, 18 * 365, 67 * 365);
    (void)snprintf(person.id, sizeof(person.id), "L%08u", number);
    person.birth_day = options->first_day - (int32_t)age_days;
    person.since_day = options->first_day - (int32_t)random_between(&random, 30, 4000);
    choose_job(&person, &random);
    person.landlord = (int32_t)random_between(&random, 1, 900);
    person.rent_minor = random_chance(&random, 0.6) ? random_between(&random, 450, 1600) * 100 : 0;
    person.rent_date = (int32_t)random_between(&random, 1, 5);
    person.bill_date = (int32_t)random_between(&random, 1, 28);
    person.card_per_day = 0.3 + 1.6 * random_unit(&random);
    person.travel = random_chance(&random, 0.15) ? 0.35 : 0.03;
    person.logins_per_day = random_chance(&random, 0.2) ? 1.5 : 0.25;
    person.saves = random_chance(&random, 0.4) ? 0.05 + 0.15 * random_unit(&random) : 0.0;
    person.consents = random_chance(&random, 0.7);
    choose_event(options, &person, &random);
    if (person.event == LIFESIM_SALARY_FIRST) {
        person.birth_day = person.event_day - (int32_t)random_between(&random, 18 * 365, 23 * 365);
    }
    return person;
}

static bool is_working(int32_t day)
{
    int32_t weekday = civil_weekday(day);
    return weekday != 0 && weekday != 6;
}

/* The working day on or before `day`. */
static int32_t back_to_working(int32_t day)
{
    while (!is_working(day)) {
        day--;
    }
    return day;
}

static bool is_payday(const struct person *person, int32_t day)
{
    if (person->payday == PAYDAY_WEEKLY) {
        return civil_weekday(day) == person->pay_date;
    }
    if (person->payday == PAYDAY_FOUR_WEEKLY) {
        int32_t phase = back_to_working(day) == day ? day : INT32_MIN;
        for (int32_t nominal = day; phase != INT32_MIN && nominal <= day + 2; nominal++) {
            if (nominal % 28 == person->pay_date && back_to_working(nominal) == day) {
                return true;
            }
        }
        return false;
    }
    /* This month's payday, and next month's (it may fall back into this month: never by more than
     * two days). */
    struct civil_date date = civil_date(day);
    struct civil_date next = {date.year + (date.month == 12), date.month % 12 + 1, 1};
    int32_t nominal = person->payday == PAYDAY_DATE
                          ? civil_day((struct civil_date){date.year, date.month, person->pay_date})
                          : civil_day(next) - 1;
    return back_to_working(nominal) == day;
}

int64_t lifesim_salary_minor(const struct person *person, int32_t day, int32_t *out_employer)
{
    bool after = day >= person->event_day;
    *out_employer = person->employer;
    if (!is_payday(person, day)) {
        return 0;
    }
    switch (person->event) {
    case LIFESIM_JOB_LOST:
        return after ? 0 : person->salary_minor;
    case LIFESIM_SALARY_FIRST:
        return after ? person->salary_minor : 0;
    case LIFESIM_DORMANT:
        return after ? 0 : person->salary_minor;
    case LIFESIM_PAY_RISE:
        return after ? person->salary_minor * 115 / 100 : person->salary_minor;
    case LIFESIM_JOB_CHANGED:
        *out_employer = after ? person->next_employer : person->employer;
        return after ? person->salary_minor * 108 / 100 : person->salary_minor;
    case LIFESIM_NONE:
    case LIFESIM_WINDFALL:
    case LIFESIM_BABY:
    case LIFESIM_HOME_MOVING:
    case LIFESIM_EVENT_COUNT:
        break;
    }
    return person->salary_minor;
}
