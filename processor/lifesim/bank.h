/* SPDX-License-Identifier: Apache-2.0 */
/* LifeSim's bank: balances, and records on their way out. Inside lifesim_*.c only. */
#ifndef LIFESIM_BANK_H
#define LIFESIM_BANK_H

#include "base/attributes.h"
#include "base/civil.h"
#include "lifesim/person.h"

/* A record waiting for its moment of sending. */
struct line {
    int64_t send_ms;
    uint64_t order; /* ties keep their order of making */
    char *text;
};

struct bank {
    const struct lifesim_options *options;
    struct line *lines; /* to be sent today or later */
    size_t line_count;
    size_t line_capacity;
    int64_t *balances; /* of current accounts, by number - 1 */
    int64_t *savings;
    uint64_t made;
    struct lifesim_counts counts;
    bool failed;
};

/* One person's day while it is made. */
struct today {
    struct bank *bank;
    const struct person *person;
    struct random random;
    int32_t day;
    int32_t since; /* days since the story's day; negative before, INT32_MIN without a story */
};

enum pay_kind {
    PAY_TRANSFER,
    PAY_STANDING_ORDER,
    PAY_DIRECT_DEBIT,
    PAY_CARD,
    PAY_ATM,
    PAY_FEE,
    PAY_INTEREST
};

/* A payment: the rest of the record follows from the person. Zeroed is a transfer out of the current account
 * at a waking hour. */
struct payment {
    int64_t minor;
    bool credit;
    enum pay_kind kind;
    int32_t hour; /* 0: any of the day's waking hours */
    enum party party;
    uint32_t number;       /* of the party; 0: a payment without a counterparty */
    const char *reference; /* NULL: the party's own */
    int32_t mcc;           /* 0: none */
    const char *merchant;
    const char *country; /* NULL: the world's */
    bool saving;         /* of the savings account */
    bool business;       /* of a business account */
};

/* Book it and send the record: now and then twice, now and then late, some card payments taken back. */
void sim_pay(struct today *today, const struct payment *payment);

/* An app event. */
void sim_app(struct today *today, int64_t time_ms, const char *event, const char *screen);

/* A record that is neither: `text` is one line of NDJSON. */
void sim_line(struct bank *bank, int64_t send_ms, const char *text);

/* A random moment of that day's waking hours. */
int64_t sim_moment(struct today *today);

static inline bool sim_chance(struct today *today, double chance)
{
    return random_chance(&today->random, chance);
}

static inline int64_t sim_between(struct today *today, int64_t low, int64_t high)
{
    return random_between(&today->random, low, high);
}

/* Of two customers of the same story only some leave a footprint: knob below `share`. */
static inline bool sim_leaves(const struct today *today, int knob, double share)
{
    return today->person->knob[knob] < share;
}

/* A day of the story drawn by a knob from low..high days after its beginning: is it today? */
static inline bool sim_falls(const struct today *today, int knob, int32_t low, int32_t high)
{
    return today->since == low + (int32_t)(today->person->knob[knob] * (high - low + 1));
}

/* Prices of the world. */
static inline int64_t sim_price(const struct today *today, int64_t minor)
{
    return (int64_t)((double)minor * today->person->world->price_level);
}

/* routine.c: an ordinary day. */
void sim_routine(struct today *today);

/* footprints.c: what the person's story adds to the day. */
void sim_footprints(struct today *today);

/* Does the story leave the account asleep on that day? */
bool sim_is_silent(const struct today *today);

#endif
