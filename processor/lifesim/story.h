/* SPDX-License-Identifier: Apache-2.0 */
/* What may happen to a person of LifeSim: the life events of the pack, and decoys that look like one.
 *
 * A customer has at most one story. Its footprints are partial: each is left with a chance, so two
 * customers with the same story look different (footprints.c). */
#ifndef LIFESIM_STORY_H
#define LIFESIM_STORY_H

#include <stdbool.h>
#include <stdint.h>

/* Whom a story can happen to. */
enum base {
    BASE_ANY,     /* whoever it is */
    BASE_WORKER,  /* paid a salary */
    BASE_TENANT,  /* a worker who rents */
    BASE_OWNER,   /* a worker with a mortgage */
    BASE_COUPLE,  /* a worker who shares costs with a partner */
    BASE_SINGLE,  /* a worker without */
    BASE_OLDER,   /* a worker of 58 to 66 */
    BASE_PENSION, /* retired */
    BASE_YOUNG,   /* 17 to 24, lives on parents or a loan */
    BASE_QUIET,   /* a second account with little use */
};

/* enum, life event, decoy (NULL: it really happens), base, days until it can be known, days that it needs after. */
#define SIM_STORIES(X)                                                                             \
    X(SALARY_FIRST, "salary.first", NULL, BASE_YOUNG, 20, 100)                                     \
    X(JOB_CHANGED, "job.changed", NULL, BASE_WORKER, 30, 120)                                      \
    X(JOB_LOST, "job.lost", NULL, BASE_WORKER, 30, 110)                                            \
    X(INCOME_DROP, "income.drop", NULL, BASE_WORKER, 25, 110)                                      \
    X(PAY_RISE, "pay.rise", NULL, BASE_WORKER, 25, 100)                                            \
    X(RETIREMENT_APPROACHING, "retirement.approaching", NULL, BASE_OLDER, 15, 90)                  \
    X(RETIREMENT_STARTED, "retirement.started", NULL, BASE_OLDER, 35, 120)                         \
    X(BABY, "baby", NULL, BASE_WORKER, 0, 120)                                                     \
    X(CHILDCARE_STARTED, "childcare.started", NULL, BASE_WORKER, 30, 100)                          \
    X(WEDDING_PLANNED, "wedding.planned", NULL, BASE_WORKER, 45, 200)                              \
    X(HOUSEHOLD_JOINT, "household.joint", NULL, BASE_SINGLE, 35, 110)                              \
    X(SEPARATION, "separation", NULL, BASE_COUPLE, 35, 110)                                        \
    X(BEREAVEMENT, "bereavement", NULL, BASE_ANY, 10, 90)                                          \
    X(HOME_MOVING, "home.moving", NULL, BASE_TENANT, 5, 60)                                        \
    X(HOME_PURCHASE, "home.purchase", NULL, BASE_TENANT, 35, 100)                                  \
    X(WINDFALL, "windfall", NULL, BASE_WORKER, 10, 45)                                             \
    X(DEBT_STRESS, "debt.stress", NULL, BASE_WORKER, 40, 120)                                      \
    X(LEAVING, "leaving", NULL, BASE_WORKER, 30, 110)                                              \
    X(DORMANT, "dormant", NULL, BASE_QUIET, 90, 150)                                               \
    X(STUDENT_START, "student.start", NULL, BASE_YOUNG, 15, 70)                                    \
    X(CAR_PURCHASE, "car.purchase", NULL, BASE_WORKER, 10, 60)                                     \
    X(BUSINESS_STARTED, "business.started", NULL, BASE_WORKER, 45, 120)                            \
    X(ACCOUNT_REACTIVATED, "account.reactivated", NULL, BASE_QUIET, 5, 45)                         \
    X(UNPAID_LEAVE, "job.lost", "unpaid leave", BASE_WORKER, 30, 90)                               \
    X(SEASONAL_WORKER, "job.lost", "seasonal worker", BASE_WORKER, 30, 90)                         \
    X(CHRISTMAS_PAY, "job.lost", "salary early before Christmas", BASE_WORKER, 30, 40)             \
    X(PAYER_RENAMED, "job.changed", "payer renamed", BASE_WORKER, 30, 90)                          \
    X(SECOND_JOB, "job.changed", "second job beside the first", BASE_WORKER, 30, 90)               \
    X(BACK_TO_WORK, "salary.first", "back to work", BASE_WORKER, 30, 90)                           \
    X(ALLOWANCE, "salary.first", "parents pay an allowance", BASE_YOUNG, 30, 90)                   \
    X(SHORT_MONTH, "income.drop", "one short month", BASE_WORKER, 30, 90)                          \
    X(BONUS_IN_BASE, "income.drop", "bonus month in the base", BASE_WORKER, 30, 90)                \
    X(BONUS_ONCE, "pay.rise", "one bonus", BASE_WORKER, 30, 70)                                    \
    X(OVERTIME_MONTH, "pay.rise", "a month of overtime", BASE_WORKER, 30, 70)                      \
    X(SURVIVOR_PENSION, "retirement.started", "survivor's pension", BASE_OLDER, 30, 100)           \
    X(YOUNG_SAVER, "retirement.approaching", "a young saver for old age", BASE_SINGLE, 30, 90)     \
    X(BABY_GIFTS, "baby", "gifts for a baby", BASE_WORKER, 0, 60)                                  \
    X(HOLIDAY_CAMP, "childcare.started", "holiday camp", BASE_WORKER, 10, 60)                      \
    X(ANNIVERSARY, "wedding.planned", "anniversary", BASE_WORKER, 10, 60)                          \
    X(FLATMATE, "household.joint", "flatmate's rent", BASE_SINGLE, 30, 90)                         \
    X(WILL_MADE, "separation", "solicitor for a will", BASE_COUPLE, 10, 90)                        \
    X(FUNERAL_PLAN, "bereavement", "prepaid funeral plan", BASE_ANY, 10, 90)                       \
    X(FURNITURE_ONLY, "home.moving", "furniture only", BASE_TENANT, 10, 60)                        \
    X(ENERGY_SWITCH, "home.moving", "new energy supplier", BASE_TENANT, 10, 60)                    \
    X(REMORTGAGE, "home.purchase", "remortgage", BASE_OWNER, 30, 90)                               \
    X(HOUSE_SALE, "windfall", "house sale in transit", BASE_OWNER, 5, 45)                          \
    X(BIG_REFUND, "windfall", "refund of a big payment", BASE_WORKER, 5, 45)                       \
    X(ONE_OVERDRAFT, "debt.stress", "one overdrawn week", BASE_WORKER, 5, 60)                      \
    X(LONG_HOLIDAY, "leaving", "a long holiday", BASE_WORKER, 30, 90)                              \
    X(SILENT_TRIP, "dormant", "two silent months", BASE_QUIET, 30, 120)                            \
    X(PARENT_PAYS, "student.start", "a parent pays tuition", BASE_OLDER, 15, 60)                   \
    X(CAR_REPAIR, "car.purchase", "car repair", BASE_WORKER, 10, 60)                               \
    X(ATTIC_SALE, "business.started", "sale of the attic", BASE_WORKER, 20, 70)                    \
    X(ONE_REFUND, "account.reactivated", "one refund to a sleeping account", BASE_QUIET, 5, 45)

enum story {
    STORY_NONE,
#define SIM_STORY_ENUM(name, event, decoy, base, known, after) STORY_##name,
    SIM_STORIES(SIM_STORY_ENUM)
#undef SIM_STORY_ENUM
        STORY_COUNT,
    STORY_DECOYS_FROM = STORY_UNPAID_LEAVE
};

struct story_info {
    const char *life_event; /* "job.lost"; of a decoy: the one that it looks like */
    const char *decoy;      /* "unpaid leave"; NULL: it really happens */
    enum base base;
    /* from what happened until an attentive reader could know, at the earliest */
    int32_t known_days;
    int32_t after_days; /* the story needs so many days to the end of the simulation */
};

/* Static; STORY_NONE has no life_event. */
const struct story_info *story_info(enum story story);

#endif
