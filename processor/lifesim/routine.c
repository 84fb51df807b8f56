/* SPDX-License-Identifier: Apache-2.0 */
/* An ordinary day of a person: incomes, bills, shops, holidays, the phone, small mistakes. */
#include "lifesim/bank.h"

static const struct payment credit = {.credit = true, .hour = 2};

static void pay_in(struct today *today, int64_t minor, enum party party, uint32_t number)
{
    struct payment p = credit;
    p.minor = minor;
    p.party = party;
    p.number = number;
    sim_pay(today, &p);
}

static void pay_bill(struct today *today, enum pay_kind kind, int64_t minor, enum party party,
                     uint32_t number)
{
    sim_pay(today, &(struct payment){
                       .minor = minor, .kind = kind, .hour = 5, .party = party, .number = number});
}

static void salaries(struct today *today)
{
    const struct person *person = today->person;
    uint32_t employer;
    int64_t salary = lifesim_salary_minor(person, today->day, &employer);
    if (salary == 0) {
        return;
    }
    pay_in(today, salary, PARTY_EMPLOYER, employer);
    if (person->saves > 0 && today->bank->balances[person->number - 1] > salary) {
        int64_t saved = (int64_t)((double)salary * person->saves) / 100 * 100;
        struct payment out = {.minor = saved,
                              .kind = PAY_STANDING_ORDER,
                              .hour = 9,
                              .party = PARTY_OWN_SAVINGS,
                              .number = person->number};
        sim_pay(today, &out);
        out.credit = out.saving = true;
        sim_pay(today, &out);
    }
}

static bool state_pension_day(const struct today *today, int32_t phase)
{
    const struct world *world = today->person->world;
    if (world->pension_weeks == 0) {
        return due_on_date(world, today->day, 31);
    }
    struct job four_weekly = {.payday = PAYDAY_FOUR_WEEKLY, .pay_date = phase % 28};
    return job_pays_on(world, &four_weekly, today->day);
}

/* A pension of the state and perhaps of a fund, from `fund_minor` a month. */
static void pensions(struct today *today, int64_t state_minor, int64_t fund_minor)
{
    const struct person *person = today->person;
    if (state_pension_day(today, (int32_t)person->number)) {
        pay_in(today, sim_price(today, state_minor), PARTY_STATE_PENSION, 1);
    }
    if (fund_minor > 0 && due_on_date(person->world, today->day, person->pension_date)) {
        pay_in(today, fund_minor, PARTY_PENSION_FUND, person->number % 300 + 1);
    }
}

static void other_incomes(struct today *today)
{
    const struct person *person = today->person;
    const struct world *world = person->world;
    int32_t month = civil_date(today->day).month;
    if (person->base == BASE_PENSION) {
        pensions(today, 88000, person->pension_minor);
    }
    bool retired = person->story == STORY_RETIREMENT_STARTED && today->since >= 10;
    if (retired) {
        pensions(today, sim_leaves(today, 0, 0.75) ? 88000 : 0,
                 sim_leaves(today, 1, 0.7) || !sim_leaves(today, 0, 0.75)
                     ? person->monthly_minor * 45 / 100
                     : 0);
    }
    if (person->story == STORY_SURVIVOR_PENSION && today->since >= 0 &&
        due_on_date(world, today->day, person->bill_date)) {
        pay_in(today, person->monthly_minor / 4, PARTY_PENSION_FUND, person->number % 300 + 1);
    }
    bool allowance = person->allowance_minor > 0 &&
                     !(person->story == STORY_SALARY_FIRST && today->since >= 40) &&
                     (person->story != STORY_ALLOWANCE || today->since >= 0);
    if (allowance && due_on_date(world, today->day, person->bill_date)) {
        pay_in(today, person->allowance_minor, PARTY_PERSON, person->number + 400000);
    }
    if (person->child_benefit &&
        due_on_date(world, today->day, 1 + (int32_t)(person->number % 27))) {
        pay_in(today, sim_price(today, 10500), PARTY_CHILD_BENEFIT, 1);
    }
    if (person->student_loan && (month == 1 || month == 4 || month == 9) &&
        due_on_date(world, today->day, 20)) {
        pay_in(today, 210000, PARTY_STUDENT_LOAN, 1);
    }
    bool together = person->story != STORY_SEPARATION || today->since < 0;
    together = together && (person->story != STORY_BEREAVEMENT || today->since < 0);
    if (person->partner_minor > 0 && together &&
        due_on_date(world, today->day, person->partner_date)) {
        pay_in(today, person->partner_minor, PARTY_PERSON, person->number + 100000);
    }
}

/* Has the person moved, and with it landlord and suppliers? */
static bool has_moved(const struct today *today)
{
    enum story story = today->person->story;
    bool moves = story == STORY_HOME_MOVING || story == STORY_HOME_PURCHASE;
    return moves && today->since >= 0;
}

/* Bills of somebody who left the bank go elsewhere, one after the other. */
static bool bill_left(const struct today *today, uint32_t bill)
{
    return today->person->story == STORY_LEAVING && today->since >= 5 + 9 * (int32_t)(bill % 5);
}

static void housing(struct today *today)
{
    const struct person *person = today->person;
    bool bought = person->story == STORY_HOME_PURCHASE && today->since >= 0;
    bool moved = has_moved(today);
    int64_t rent = person->rent_minor;
    if (rent > 0 && !bought && !bill_left(today, 1) &&
        due_on_date(person->world, today->day, person->rent_date)) {
        rent = moved ? rent * (90 + person->number % 40) / 100 : rent;
        if (person->story == STORY_SEPARATION && today->since >= 30 && sim_leaves(today, 4, 0.5)) {
            rent = rent * 80 / 100;
        }
        pay_bill(today, PAY_STANDING_ORDER, rent, PARTY_LANDLORD,
                 person->landlord + (moved ? 1000 : 0));
    }
    int64_t mortgage = bought && today->since >= 25 ? rent * 125 / 100 : person->mortgage_minor;
    uint32_t lender = person->number % 30 + 1;
    lender += person->story == STORY_REMORTGAGE && today->since >= 0 ? 50 : 0;
    if (mortgage > 0 && !bill_left(today, 2) &&
        due_on_date(person->world, today->day, person->rent_date + 2)) {
        pay_bill(today, PAY_DIRECT_DEBIT, mortgage, PARTY_MORTGAGE, lender);
    }
}

/* The rich live in larger homes, in a wide band. */
static double purse_of(const struct person *person)
{
    double purse = (double)person->monthly_minor / 220000;
    return purse < 0.4 ? 0.4 : purse > 2 ? 2 : purse;
}

static void bills(struct today *today)
{
    static const struct {
        enum party party;
        int64_t minor;
        bool moves; /* another supplier at the new home, often */
    } debits[] = {{PARTY_ENERGY, 11200, true},   {PARTY_COUNCIL, 15800, true},
                  {PARTY_WATER, 3400, true},     {PARTY_MOBILE, 1800, false},
                  {PARTY_BROADBAND, 3100, true}, {PARTY_INSURER, 2600, false},
                  {PARTY_STREAMING, 1099, false}};
    const struct person *person = today->person;
    bool homeless = person->base == BASE_YOUNG || person->base == BASE_QUIET;
    for (uint32_t i = homeless ? ARRAY_COUNT(debits) - 1 : 0; i < ARRAY_COUNT(debits); i++) {
        int32_t date = (person->bill_date + (int32_t)(i * 3)) % 28 + 1;
        bool has = (person->number * 7 + i * 13) % 10 < 8; /* not everybody has every contract */
        if (!has || bill_left(today, i) || (person->base == BASE_QUIET) ||
            !due_on_date(person->world, today->day, date)) {
            continue;
        }
        uint32_t supplier = person->number % 7 + 1;
        bool changes =
            debits[i].moves && has_moved(today) && today->since >= 5 && person->knob[i] < 0.75;
        changes = changes || (person->story == STORY_ENERGY_SWITCH && i == 0 && today->since >= 0);
        supplier += changes ? 20 : 0;
        int64_t noise = i == 0 ? sim_between(today, -900, 900) : 0;
        int64_t minor =
            (int64_t)((double)sim_price(today, debits[i].minor) * purse_of(person) + (double)noise);
        minor += changes ? minor * (int64_t)(person->number % 5) / 12 : 0;
        pay_bill(today, PAY_DIRECT_DEBIT, minor, debits[i].party, supplier);
    }
    if (person->nursery && due_on_date(person->world, today->day, 3)) {
        pay_bill(today, PAY_DIRECT_DEBIT, sim_price(today, 62000), PARTY_NURSERY,
                 person->number % 90 + 1);
    }
    int64_t *balance = &today->bank->balances[person->number - 1];
    if (civil_date(today->day).day == 1 && person->base == BASE_QUIET) {
        sim_pay(today, &(struct payment){.minor = sim_between(today, 5, 90),
                                         .kind = PAY_INTEREST,
                                         .hour = 1,
                                         .credit = true});
    }
    if (*balance < -20000 && civil_date(today->day).day == 28) {
        sim_pay(today, &(struct payment){
                           .minor = 600, .kind = PAY_FEE, .hour = 1, .reference = "OVERDRAFT"});
    }
}

struct shop {
    int32_t mcc;
    const char *name;
    int64_t low, high;
};

static const struct shop shops[] = {{5411, "SUPERMARKET", 800, 9000},
                                    {5411, "GROCER", 500, 4000},
                                    {5812, "RESTAURANT", 1200, 7000},
                                    {5814, "COFFEE", 250, 900},
                                    {5541, "FUEL", 3000, 8000},
                                    {4111, "RAIL", 400, 6000},
                                    {5651, "CLOTHES", 1500, 12000},
                                    {5912, "PHARMACY", 300, 2500},
                                    {5732, "ELECTRONICS", 2000, 60000},
                                    {5942, "BOOKS", 600, 4000},
                                    {7230, "HAIR", 1500, 9000},
                                    {5200, "DIY STORE", 800, 15000},
                                    {5813, "PUB", 500, 5000},
                                    {7832, "CINEMA", 900, 3500},
                                    {5311, "DEPARTMENT STORE", 1000, 15000}};
/* Now and then: what life events are made of, when there is none. */
static const struct shop rare[] = {
    {5945, "TOYS", 900, 6000},       {5641, "CHILDRENS WEAR", 1200, 6000},
    {5944, "JEWELLER", 3000, 30000}, {5712, "FURNITURE", 6000, 90000},
    {5992, "FLORIST", 1500, 6000},   {7538, "GARAGE", 9000, 70000},
    {8011, "DOCTOR", 3000, 20000},   {7995, "BETTING", 500, 4000},
    {5719, "HOMEWARE", 1500, 12000}, {8111, "SOLICITORS", 12000, 60000},
    {5943, "STATIONERY", 500, 4000}, {5511, "CAR SERVICE", 12000, 60000}};
static const struct shop abroad[] = {
    {3000, "AIRLINE", 6000, 45000}, {7011, "HOTEL", 7000, 60000}, {5812, "TAVERNA", 1500, 9000}};

/* People spend less when little is left, and more before Christmas. */
static double wish_to_spend(const struct today *today)
{
    const struct person *person = today->person;
    double left =
        (double)today->bank->balances[person->number - 1] / (double)(person->monthly_minor + 1);
    if (person->base == BASE_QUIET) {
        return 1; /* it was filled once and is used up slowly */
    }
    double wish = left < 0.05 ? 0.05 : left < 0.3 ? 0.6 : left > 4 ? 1.4 : 1.0;
    int32_t month = civil_date(today->day).month;
    wish *= month == 12 ? 1.25 : month == 1 ? 0.85 : 1.0;
    bool jobless = person->story == STORY_JOB_LOST && today->since >= 0;
    bool leaving = person->story == STORY_LEAVING && today->since >= 0;
    wish *= leaving ? (today->since > 45 ? 0.03 : 0.5) : jobless ? 0.7 : 1.0;
    return wish * (person->story == STORY_DEBT_STRESS && today->since >= 0 ? 1.3 : 1.0);
}

static void card_payments(struct today *today)
{
    static const char *const countries[] = {"FR", "ES", "IT", "US", "GR", "PT"};
    const struct person *person = today->person;
    struct random month =
        lifesim_day_random(today->bank->options, person->number, 1000000 + today->day / 30);
    int32_t calendar_month = civil_date(today->day).month;
    double travel = person->travel * (calendar_month >= 6 && calendar_month <= 9 ? 2.0 : 0.8);
    bool trip = random_chance(&month, travel) && today->day % 30 < 9;
    trip = trip || (person->story == STORY_LONG_HOLIDAY && today->since >= 0 && today->since < 40);
    const char *country = trip ? countries[random_below(&month, ARRAY_COUNT(countries))] : NULL;
    double wanted = person->card_per_day * wish_to_spend(today) * (trip ? 1.6 : 1.0) *
                    (civil_weekday(today->day) == 6 ? 1.6 : 1.0);
    double purse = purse_of(person);
    for (; wanted > 0 && sim_chance(today, wanted < 1 ? wanted : 1); wanted -= 1) {
        const struct shop *shop = trip ? &abroad[random_below(&today->random, ARRAY_COUNT(abroad))]
                                  : sim_chance(today, 0.025)
                                      ? &rare[random_below(&today->random, ARRAY_COUNT(rare))]
                                      : &shops[random_below(&today->random, ARRAY_COUNT(shops))];
        double u = random_unit(&today->random);
        int64_t minor = shop->low + (int64_t)((double)(shop->high - shop->low) * u * u * u * purse);
        sim_pay(today, &(struct payment){.minor = minor,
                                         .kind = PAY_CARD,
                                         .mcc = shop->mcc,
                                         .merchant = shop->name,
                                         .country = country});
    }
    bool some_left = today->bank->balances[person->number - 1] > person->monthly_minor / 8;
    if (some_left && sim_chance(today, person->base == BASE_QUIET ? 0.005 : 0.05)) {
        sim_pay(today,
                &(struct payment){.minor = sim_between(today, 1, 10) * 1000, .kind = PAY_ATM});
    }
}

/* Money between friends, merchants' credits, a payment that came back. */
static void small_change(struct today *today)
{
    const struct person *person = today->person;
    if (person->base == BASE_QUIET) {
        return;
    }
    uint32_t friend = person->number + 200000 + (uint32_t)sim_between(today, 0, 6) * 7;
    if (sim_chance(today, 0.03)) {
        bool in = sim_chance(today, 0.5);
        sim_pay(today, &(struct payment){.minor = sim_between(today, 5, 90) * 100,
                                         .credit = in,
                                         .party = PARTY_PERSON,
                                         .number = friend});
    }
    if (sim_chance(today, 0.006)) {
        sim_pay(today, &(struct payment){.minor = sim_between(today, 8, 120) * 100,
                                         .credit = true,
                                         .kind = PAY_CARD,
                                         .mcc = 5651,
                                         .merchant = "CLOTHES"});
    }
    if (sim_chance(today, 0.001)) {
        struct payment p = {.minor = sim_between(today, 50, 400) * 100,
                            .hour = 10,
                            .party = PARTY_PERSON,
                            .number = friend};
        sim_pay(today, &p);
        p.credit = true;
        p.hour = 16;
        p.reference = "RETURNED";
        sim_pay(today, &p);
    }
}

static void app_use(struct today *today)
{
    static const char *const screens[] = {"home",  "payments", "savings",
                                          "cards", "travel",   "mortgages"};
    const struct person *person = today->person;
    bool leaving = person->story == STORY_LEAVING && today->since >= 30;
    double wanted = leaving ? 0.01 : person->logins_per_day;
    for (; wanted > 0 && sim_chance(today, wanted < 1 ? wanted : 1); wanted -= 1) {
        int64_t at = sim_moment(today);
        for (int64_t i = 0, n = sim_between(today, 1, 3); i < n; i++) {
            sim_app(today, at + i * 20000, i == 0 ? "login" : "view",
                    screens[i == 0 ? 0 : random_below(&today->random, ARRAY_COUNT(screens))]);
        }
    }
}

void sim_routine(struct today *today)
{
    if (sim_is_silent(today)) {
        if (civil_date(today->day).day == 1) { /* the bank's own booking */
            sim_pay(today, &(struct payment){.minor = sim_between(today, 5, 90),
                                             .kind = PAY_INTEREST,
                                             .hour = 1,
                                             .credit = true});
        }
        return;
    }
    salaries(today);
    other_incomes(today);
    housing(today);
    bills(today);
    card_payments(today);
    small_change(today);
    app_use(today);
}
