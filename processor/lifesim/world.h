/* SPDX-License-Identifier: Apache-2.0 */
/* The worlds of LifeSim: countries that differ in paydays, holidays, names, references and categories.
 *
 * A detector that leans on the words or the calendar of one world shows it on the other. Everything
 * that a world fixes is in one struct; the people and their lives (person.h) are the same. */
#ifndef LIFESIM_WORLD_H
#define LIFESIM_WORLD_H

#include "base/slice.h"

enum { SIM_NAME_SIZE = 64 };

/* Who is at the other end of a payment. */
enum party {
    PARTY_EMPLOYER,
    PARTY_CLIENT,
    PARTY_PERSON,
    PARTY_LANDLORD,
    PARTY_HALL, /* a students' home */
    PARTY_ENERGY,
    PARTY_COUNCIL,
    PARTY_WATER,
    PARTY_MOBILE,
    PARTY_BROADBAND,
    PARTY_INSURER,
    PARTY_STREAMING,
    PARTY_STATE_PENSION,
    PARTY_PENSION_FUND,   /* pays a pension */
    PARTY_PENSION_SAVING, /* takes contributions */
    PARTY_JOB_CENTRE,     /* pays the benefit of the unemployed */
    PARTY_CHILD_BENEFIT,
    PARTY_STUDENT_LOAN,
    PARTY_UNIVERSITY,
    PARTY_NURSERY,
    PARTY_SOLICITOR,
    PARTY_MORTGAGE,
    PARTY_LENDER, /* dear, small loans */
    PARTY_CAR_LOAN,
    PARTY_CAR_DEALER,
    PARTY_CARD_BANK, /* takes the payment of a credit card elsewhere */
    PARTY_TAX,
    PARTY_VENUE,
    PARTY_MARKETPLACE,
    PARTY_LOTTERY,
    PARTY_FUNERAL,
    PARTY_OWN_SAVINGS,
    PARTY_OWN_ELSEWHERE, /* the customer's own account at another bank */
    PARTY_COUNT
};

struct party_words {
    const char *name;      /* a number is put behind it; NULL: made of the world's stems */
    const char *reference; /* NULL: none */
};

enum payday_kind {
    PAYDAY_DATE,
    PAYDAY_LAST_WORKING_DAY,
    PAYDAY_FOUR_WEEKLY,
    PAYDAY_WEEKLY,
    PAYDAY_FORTNIGHTLY,
    PAYDAY_KIND_COUNT
};

struct world {
    const char *name;
    const char *country;
    const char *zone;
    const char *currency;
    double paydays[PAYDAY_KIND_COUNT]; /* shares, sum 1 */
    int32_t pay_date_low, pay_date_high;
    /* a payday on a free day comes on the next working day, not the one before */
    bool payday_after;
    int32_t extra_pay_month; /* month with a 13th salary for half of the employees; 0: none */
    int32_t rise_month;      /* when everybody's pay follows prices */
    int32_t pension_weeks;   /* the state pension: every so many weeks; 0: monthly */
    double price_level;
    double salary_words;   /* share of employers that write a reference */
    double merchant_codes; /* share of card payments that carry their category code */
    int32_t removal_mcc, nursery_mcc, dress_mcc;
    const char *const *employer_stems;
    const char *const *employer_ends;
    const char *const *first_names;
    const char *const *last_names;
    struct party_words parties[PARTY_COUNT];
};

/* The world of that name; NULL. */
const struct world *world_find(struct slice name);

/* "uk, eu" for messages. */
const char *world_names(void);

bool world_is_working_day(const struct world *world, int32_t day);

/* The day on which a payment due on `day` comes. */
int32_t world_pay_day(const struct world *world, int32_t day);

/* Name and account id of party `number`; the same number has the same. */
void world_party_name(const struct world *world, enum party party, uint32_t number,
                      char out[SIM_NAME_SIZE]);
void world_party_id(const struct world *world, enum party party, uint32_t number,
                    char out[SIM_NAME_SIZE]);

#endif
