/* SPDX-License-Identifier: Apache-2.0 */
/* One person of LifeSim: what does not change from day to day, and the life event that comes. */
#ifndef COMMANDS_LIFESIM_PERSON_H
#define COMMANDS_LIFESIM_PERSON_H

#include "commands/lifesim.h"

enum lifesim_event {
    LIFESIM_NONE,
    LIFESIM_JOB_LOST,
    LIFESIM_JOB_CHANGED,
    LIFESIM_PAY_RISE,
    LIFESIM_SALARY_FIRST,
    LIFESIM_WINDFALL,
    LIFESIM_BABY,
    LIFESIM_HOME_MOVING,
    LIFESIM_DORMANT,
    LIFESIM_EVENT_COUNT
};

/* "job.lost", ...; as in the life event pack. Static. */
const char *lifesim_event_name(enum lifesim_event event);

enum payday { PAYDAY_DATE, PAYDAY_LAST_WORKING_DAY, PAYDAY_FOUR_WEEKLY, PAYDAY_WEEKLY };

struct person {
    uint32_t number;
    char id[16]; /* "L00000042" */
    int32_t birth_day;
    int32_t since_day;     /* relationship with the bank */
    int32_t employer;      /* number of a payer; 0: no job */
    int32_t next_employer; /* after LIFESIM_JOB_CHANGED */
    int64_t salary_minor;  /* per payment */
    enum payday payday;
    int32_t pay_date; /* day of month, or weekday, or phase of the four weeks */
    int32_t landlord;
    int64_t rent_minor; /* 0: owns its home */
    int32_t rent_date;
    int32_t bill_date;
    double card_per_day; /* card payments on an ordinary day */
    double travel;       /* chance per month of a trip abroad */
    double logins_per_day;
    double saves; /* share of the salary moved to savings after payday */
    enum lifesim_event event;
    int32_t event_day;
    uint8_t income_band; /* enum income_band */
    bool consents;       /* to marketing by e-mail and in the app */
};

/* Customer `number` of the bank that `options` describes. */
struct person lifesim_person(const struct lifesim_options *options, uint32_t number);

/* Is the person paid on that day, and how much (0: no)? Paydays on a weekend come on the Friday
 * before. */
int64_t lifesim_salary_minor(const struct person *person, int32_t day, int32_t *out_employer);

/* Random numbers of one person's day. */
struct random lifesim_day_random(const struct lifesim_options *options, uint32_t number,
                                 int32_t day);

#endif
