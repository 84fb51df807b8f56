/* SPDX-License-Identifier: Apache-2.0 */
/* One person of LifeSim: what does not change from day to day, and the story that comes. */
#ifndef LIFESIM_PERSON_H
#define LIFESIM_PERSON_H

#include "lifesim/lifesim.h"
#include "lifesim/story.h"
#include "lifesim/world.h"

enum { KNOBS = 12 };

struct job {
    uint32_t employer; /* number of a payer; 0: no job */
    int64_t minor;     /* per payment */
    enum payday_kind payday;
    int32_t pay_date; /* day of month, or weekday, or phase of the weeks */
};

struct person {
    const struct world *world;
    uint32_t number;
    char id[16]; /* "L00000042" */
    int32_t birth_day;
    int32_t since_day; /* relationship with the bank */
    struct job job;
    struct job next_job;   /* of stories that have one */
    double variable_pay;   /* spread of overtime, 0: the same every time */
    bool extra_pay;        /* a 13th salary */
    int64_t monthly_minor; /* what the person lives on */
    int64_t pension_minor; /* of a retired person's fund, monthly; 0: the state's only */
    int32_t pension_date;
    uint32_t landlord;  /* number */
    int64_t rent_minor; /* 0: pays no rent */
    int64_t mortgage_minor;
    int32_t rent_date;
    int32_t bill_date;
    int64_t partner_minor; /* comes monthly from a partner for shared costs; 0: none */
    int32_t partner_date;
    bool child_benefit, nursery;
    int64_t allowance_minor; /* from parents */
    bool student_loan;
    double card_per_day; /* card payments on an ordinary day */
    double travel;       /* chance per month of a trip abroad */
    double logins_per_day;
    double saves; /* share of the salary moved to savings after payday */
    enum base base;
    enum story story;
    int32_t story_day;
    double knob[KNOBS];  /* in [0, 1): which footprints this story leaves */
    uint8_t income_band; /* enum income_band */
    bool consents;       /* to marketing by e-mail and in the app */
};

/* Customer `number` of the bank that `options` describes. */
struct person lifesim_person(const struct lifesim_options *options, uint32_t number);

/* Is the person paid a salary on that day, and how much (0: no)? `out_employer`: by whom. */
int64_t lifesim_salary_minor(const struct person *person, int32_t day, uint32_t *out_employer);

bool job_pays_on(const struct world *world, const struct job *job, int32_t day);

/* The first payday at or after `day`, within 62 days. */
int32_t job_first_payday(const struct world *world, const struct job *job, int32_t day);

/* Is `day` the working day for what is due on that date of the month? */
bool due_on_date(const struct world *world, int32_t day, int32_t date);

/* Random numbers of one person's day. */
struct random lifesim_day_random(const struct lifesim_options *options, uint32_t number,
                                 int32_t day);

#endif
