/* SPDX-License-Identifier: Apache-2.0 */
/* What the life events of LifeSim leave on a day, beyond what they change in the routine. */
#include "lifesim/footprints.h"
#include "lifesim/bank.h"

void footprint_card(struct today *today, int32_t mcc, const char *merchant, int64_t low,
                    int64_t high)
{
    sim_pay(today, &(struct payment){.minor = sim_price(today, sim_between(today, low, high)),
                                     .kind = PAY_CARD,
                                     .mcc = mcc,
                                     .merchant = merchant});
}

void footprint_pay(struct today *today, bool credit, int64_t minor, enum party party,
                   uint32_t number)
{
    sim_pay(today,
            &(struct payment){
                .minor = minor, .credit = credit, .hour = 11, .party = party, .number = number});
}

void footprint_debit(struct today *today, int64_t minor, enum party party, uint32_t number)
{
    sim_pay(
        today,
        &(struct payment){
            .minor = minor, .kind = PAY_DIRECT_DEBIT, .hour = 5, .party = party, .number = number});
}

/* Due on that date of the month, from `from` days after the story's day on. */
static bool monthly(const struct today *today, int32_t from, int32_t date)
{
    return today->since >= from && due_on_date(today->person->world, today->day, date);
}

static void job_lost(struct today *today)
{
    const struct person *person = today->person;
    if (today->since == 3 && sim_leaves(today, 2, 0.4)) {
        footprint_pay(today, true, person->monthly_minor * (2 + person->number % 3), PARTY_EMPLOYER,
                      person->job.employer);
    }
    bool benefit = sim_leaves(today, 3, 0.35);
    struct job fortnightly = {.payday = PAYDAY_FORTNIGHTLY,
                              .pay_date = (int32_t)(person->number % 14)};
    bool uk = person->world->pension_weeks != 0;
    bool due = uk ? job_pays_on(person->world, &fortnightly, today->day) : monthly(today, 0, 31);
    if (benefit && today->since >= 28 && due) {
        footprint_pay(today, true, uk ? 18000 : person->monthly_minor * 6 / 10, PARTY_JOB_CENTRE,
                      1);
    }
    if (sim_falls(today, 4, 5, 120) && sim_leaves(today, 5, 0.4)) {
        footprint_card(today, 7361, "JOB AGENCY", 2000, 9000);
    }
}

static void retirement_approaching(struct today *today)
{
    const struct person *person = today->person;
    if (sim_leaves(today, 0, 0.8) && monthly(today, 0, person->bill_date)) {
        footprint_debit(today, person->monthly_minor * 2 / 10, PARTY_PENSION_SAVING,
                        person->number % 40 + 1);
    }
    bool reads = today->since >= 0 && today->since < 90 && sim_chance(today, 0.12);
    if (reads && sim_leaves(today, 1, 0.85)) {
        sim_app(today, sim_moment(today), "view",
                sim_chance(today, 0.7) ? "pension" : "retirement_calculator");
    }
    if (sim_falls(today, 2, 10, 150) && sim_leaves(today, 3, 0.35)) {
        footprint_card(today, 6282, "PENSION ADVISERS", 30000, 120000);
    }
}

static void retirement_started(struct today *today)
{
    const struct person *person = today->person;
    if (sim_falls(today, 2, 15, 45) && sim_leaves(today, 3, 0.45)) {
        footprint_pay(today, true, person->monthly_minor * (8 + person->number % 20),
                      PARTY_PENSION_FUND, person->number % 300 + 1);
    }
}

static void baby(struct today *today)
{
    const struct person *person = today->person;
    int32_t since = today->since;
    bool season = since > -80 && since < 260;
    if (season && sim_chance(today, 0.05 + 0.06 * person->knob[1])) {
        footprint_card(today, 5641, "BABY STORE", 1500, 12000);
    }
    if (season && sim_chance(today, 0.09)) {
        footprint_card(today, 5912, "PHARMACY", 600, 3500);
    }
    if (since > 0 && season && sim_chance(today, 0.03)) {
        footprint_card(today, 5945, "TOYS", 900, 5000);
    }
    if (sim_falls(today, 2, -90, 5) && sim_leaves(today, 3, 0.4)) {
        footprint_card(today, 8062, "HOSPITAL", 2000, 30000);
    }
    if (sim_leaves(today, 4, 0.75) && monthly(today, 40, 1 + (int32_t)(person->number % 27))) {
        footprint_pay(today, true, sim_price(today, 10500), PARTY_CHILD_BENEFIT, 1);
    }
}

static void childcare_started(struct today *today)
{
    const struct person *person = today->person;
    if (!monthly(today, 0, 1 + (int32_t)(person->number % 12))) {
        return;
    }
    int64_t fee = sim_price(today, 28000 + (int64_t)(person->knob[0] * 70000));
    fee += sim_leaves(today, 1, 0.3) ? sim_between(today, -4000, 4000) : 0; /* days booked differ */
    if (sim_leaves(today, 2, 0.6)) {
        footprint_debit(today, fee, PARTY_NURSERY, person->number % 90 + 1);
    } else {
        sim_pay(today, &(struct payment){.minor = fee,
                                         .kind = PAY_CARD,
                                         .mcc = person->world->nursery_mcc,
                                         .merchant = person->world->parties[PARTY_NURSERY].name});
    }
}

static void wedding_planned(struct today *today)
{
    const struct person *person = today->person;
    if (today->since == 0 && sim_leaves(today, 0, 0.85)) {
        footprint_card(today, 5944, "JEWELLER", 90000, 400000);
    }
    if (sim_falls(today, 1, 15, 60) ||
        (sim_falls(today, 1, 105, 150) && sim_leaves(today, 2, 0.5))) {
        footprint_pay(today, false, sim_price(today, sim_between(today, 60000, 250000)),
                      PARTY_VENUE, person->number % 30 + 1);
    }
    if (sim_falls(today, 3, 30, 120) && sim_leaves(today, 4, 0.8)) {
        footprint_card(today, person->world->dress_mcc, "BRIDAL HOUSE", 60000, 200000);
    }
    if (sim_falls(today, 5, 20, 140) && sim_leaves(today, 6, 0.7)) {
        footprint_card(today, 7221, "PHOTO STUDIO", 30000, 150000);
    }
    if (sim_falls(today, 7, 40, 170) && sim_leaves(today, 8, 0.6)) {
        footprint_card(today, 5811, "CATERING", 50000, 400000);
    }
    if (sim_falls(today, 9, 60, 190) && sim_leaves(today, 10, 0.6)) {
        footprint_card(today, 5992, "FLORIST", 15000, 90000);
    }
}

/* Two share a home: money comes monthly from one person, and the shops see a bigger household. */
static void household_joint(struct today *today)
{
    const struct person *person = today->person;
    uint32_t partner = person->number + 100000;
    if (monthly(today, 0, person->partner_date)) {
        int64_t share = person->monthly_minor / 5;
        share += sim_leaves(today, 2, 0.3) ? sim_between(today, -3000, 3000) : 0;
        sim_pay(today,
                &(struct payment){.minor = share,
                                  .credit = sim_leaves(today, 0, 0.7),
                                  .hour = 6,
                                  .kind = PAY_STANDING_ORDER,
                                  .party = PARTY_PERSON,
                                  .number = partner,
                                  .reference = sim_leaves(today, 1, 0.5) ? "HOUSEHOLD" : ""});
    }
    if (today->since >= 0 && sim_chance(today, 0.14)) {
        footprint_card(today, 5411, "SUPERMARKET", 3000, 14000);
    }
    if (sim_falls(today, 3, 5, 60) && sim_leaves(today, 4, 0.6)) {
        footprint_card(today, 5712, "FURNITURE", 20000, 150000);
    }
    if (today->since >= 0 && sim_chance(today, 0.05)) {
        footprint_pay(today, sim_chance(today, 0.5), sim_between(today, 500, 9000), PARTY_PERSON,
                      partner);
    }
}

static void separation(struct today *today)
{
    const struct person *person = today->person;
    if ((sim_falls(today, 0, 5, 80) && sim_leaves(today, 1, 0.7)) ||
        (sim_falls(today, 2, 20, 150) && sim_leaves(today, 1, 0.5))) {
        footprint_card(today, 8111, "FAMILY LAW", 25000, 150000);
    }
    if (sim_falls(today, 3, -60, 30) && sim_leaves(today, 5, 0.3)) {
        footprint_card(today, 7277, "COUNSELLING", 5000, 12000);
    }
    if (sim_leaves(today, 4, 0.5) && today->since == 30) {
        footprint_card(today, 5712, "FURNITURE", 20000, 120000);
    }
    if (sim_leaves(today, 4, 0.5) && monthly(today, 25, person->rent_date)) { /* a second home */
        sim_pay(today, &(struct payment){.minor = person->monthly_minor / 4,
                                         .kind = PAY_STANDING_ORDER,
                                         .hour = 5,
                                         .party = PARTY_LANDLORD,
                                         .number = person->landlord + 2000});
    }
    if (sim_leaves(today, 6, 0.3) && monthly(today, 40, 15)) {
        footprint_pay(today, false, 35000, PARTY_PERSON, person->number + 100000);
    }
}

static void bereavement(struct today *today)
{
    const struct person *person = today->person;
    if (sim_falls(today, 0, 5, 20) && sim_leaves(today, 1, 0.85)) {
        if (sim_leaves(today, 2, 0.7)) {
            footprint_card(today, 7261, "FUNERALCARE", 140000, 450000);
        } else {
            footprint_pay(today, false, sim_price(today, sim_between(today, 140000, 450000)),
                          PARTY_FUNERAL, person->number % 25 + 1);
        }
    }
    if (today->since >= 0 && today->since < 15 && sim_chance(today, 0.08)) {
        footprint_card(today, 5992, "FLORIST", 3000, 20000);
    }
    if (sim_falls(today, 3, 60, 170) && sim_leaves(today, 4, 0.4)) {
        sim_pay(today, &(struct payment){.minor = person->monthly_minor * (3 + person->number % 12),
                                         .credit = true,
                                         .hour = 11,
                                         .party = PARTY_SOLICITOR,
                                         .number = person->number % 60 + 1,
                                         .reference = "ESTATE"});
    }
}

static void home_moving(struct today *today)
{
    if (sim_falls(today, 8, -5, 3) && sim_leaves(today, 9, 0.7)) {
        footprint_card(today, today->person->world->removal_mcc,
                       today->person->world->pension_weeks != 0 ? "REMOVALS" : "TRANSPORTER MIETE",
                       15000, 150000);
    }
    bool furnishing = today->since > -10 && today->since < 35;
    if (furnishing && sim_leaves(today, 10, 0.8) && sim_chance(today, 0.13)) {
        static const int32_t codes[] = {5712, 5713, 5714, 5719, 5722, 5200};
        footprint_card(today, codes[sim_between(today, 0, 5)], "HOME STORE", 3000, 90000);
    }
    if (sim_falls(today, 7, -10, 20) && sim_leaves(today, 11, 0.5)) {
        sim_app(today, sim_moment(today), "address_change", "profile");
    }
}

static void home_purchase(struct today *today)
{
    const struct person *person = today->person;
    home_moving(today);
    if (today->since == -12) {
        footprint_pay(today, false, person->monthly_minor * (8 + person->number % 12),
                      PARTY_SOLICITOR, person->number % 60 + 1);
    }
    if (today->since == -13) { /* the savings for it come home first */
        footprint_pay(today, true, person->monthly_minor * (8 + person->number % 12),
                      PARTY_OWN_SAVINGS, person->number);
    }
    if (sim_falls(today, 6, -70, -20) && sim_leaves(today, 5, 0.6)) {
        footprint_card(today, 8111, "CONVEYANCING", 60000, 180000);
    }
    if (today->since > -120 && today->since < -40 && sim_leaves(today, 4, 0.6) &&
        sim_chance(today, 0.07)) {
        sim_app(today, sim_moment(today), "calculator_used", "mortgages");
    }
}

static void windfall(struct today *today)
{
    static const enum party payers[] = {PARTY_SOLICITOR, PARTY_INSURER, PARTY_LOTTERY,
                                        PARTY_PERSON};
    const struct person *person = today->person;
    int64_t sum = person->monthly_minor * (8 + (int64_t)(person->knob[0] * 30));
    if (today->since == 0) {
        enum party payer = payers[person->number % 4];
        sim_pay(today,
                &(struct payment){.minor = sum,
                                  .credit = true,
                                  .hour = 11,
                                  .party = payer,
                                  .number = person->number % 60 + 300,
                                  .reference = payer == PARTY_SOLICITOR ? "INHERITANCE" : NULL});
    }
    if (sim_falls(today, 1, 5, 60) && sim_leaves(today, 2, 0.5)) { /* some is put aside or spent */
        footprint_pay(today, false, sum * 3 / 10, PARTY_OWN_ELSEWHERE, person->number + 300000);
    }
}

static void debt_stress(struct today *today)
{
    const struct person *person = today->person;
    int64_t *balance = &today->bank->balances[person->number - 1];
    if (today->since < 0) {
        return;
    }
    double growing = today->since > 120 ? 1 : 0.4 + (double)today->since / 200;
    if (sim_leaves(today, 0, 0.55) && sim_chance(today, 0.12 * growing)) {
        footprint_card(today, 7995, "BETTING", 2000, 15000);
    }
    if (sim_chance(today, 0.05 * growing)) {
        footprint_card(today, sim_leaves(today, 1, 0.5) ? 6051 : 5933, "CASH SHOP", 3000, 20000);
    }
    if (sim_leaves(today, 2, 0.75) && (today->since == 12 || today->since == 55)) {
        footprint_pay(today, true, person->monthly_minor / 3, PARTY_LENDER, person->number % 9 + 1);
    }
    if (sim_leaves(today, 2, 0.75) && monthly(today, 30, person->bill_date)) {
        footprint_debit(today, person->monthly_minor / 8, PARTY_LENDER, person->number % 9 + 1);
    }
    if (civil_date(today->day).day == person->rent_date && *balance > -person->monthly_minor) {
        footprint_pay(today, false, person->monthly_minor / 4, PARTY_CARD_BANK,
                      person->number % 12 + 1);
    }
    if (*balance < 0 && sim_chance(today, 0.05)) {
        sim_pay(today, &(struct payment){.minor = 1200,
                                         .kind = PAY_FEE,
                                         .hour = 4,
                                         .reference = "RETURNED DIRECT DEBIT"});
    }
}

static void leaving(struct today *today)
{
    const struct person *person = today->person;
    int64_t left = today->bank->balances[person->number - 1];
    if ((sim_falls(today, 1, 0, 15) || today->since == 30 || today->since == 50) && left > 2000) {
        sim_pay(today, &(struct payment){.minor = left * 9 / 10,
                                         .hour = 12,
                                         .party = PARTY_OWN_ELSEWHERE,
                                         .number = person->number + 300000,
                                         .reference = "TO MY ACCOUNT"});
    }
}

static void student_start(struct today *today)
{
    const struct person *person = today->person;
    int32_t month = civil_date(today->day).month;
    bool term = month == 9 || month == 10 || month == 1 || month == 4;
    bool first = today->since >= 4 && today->since < 35;
    if (sim_leaves(today, 0, 0.75)) {
        bool due = person->world->pension_weeks != 0
                       ? today->since == 8 || (term && month != 9 && today->since > 40 &&
                                               due_on_date(person->world, today->day, 12))
                       : monthly(today, 8, 31);
        int64_t loan = person->world->pension_weeks != 0 ? 230000 : 74000;
        footprint_pay(today, true, due ? loan : 0, PARTY_STUDENT_LOAN, 1);
    }
    if (sim_leaves(today, 1, 0.75) && monthly(today, 5, person->rent_date)) {
        footprint_debit(today, sim_price(today, 52000), PARTY_HALL, person->number % 50 + 1);
    }
    if (first && sim_leaves(today, 2, 0.6) && sim_falls(today, 3, 4, 34)) {
        footprint_card(today, 8220, "UNIVERSITY", 15000, 120000);
    }
    if (today->since >= 0 && today->since < 45 && sim_chance(today, 0.07)) {
        footprint_card(today, sim_chance(today, 0.5) ? 5942 : 5943, "CAMPUS BOOKS", 800, 7000);
    }
}

static void car_purchase(struct today *today)
{
    const struct person *person = today->person;
    if (today->since == 0) {
        int64_t price =
            person->monthly_minor * (3 + person->number % 8) / (sim_leaves(today, 0, 0.4) ? 4 : 1);
        if (sim_leaves(today, 1, 0.6)) {
            sim_pay(today,
                    &(struct payment){.minor = price,
                                      .kind = PAY_CARD,
                                      .hour = 12,
                                      .mcc = person->number % 3 == 0 ? 5521 : 5511,
                                      .merchant = person->world->parties[PARTY_CAR_DEALER].name});
        } else {
            footprint_pay(today, false, price, PARTY_CAR_DEALER, person->number % 40 + 1);
        }
    }
    if (sim_leaves(today, 0, 0.4) && monthly(today, 15, person->bill_date)) {
        footprint_debit(today, person->monthly_minor / 9, PARTY_CAR_LOAN, person->number % 12 + 1);
    }
    if (sim_falls(today, 3, 0, 8) && sim_leaves(today, 4, 0.75)) {
        footprint_card(today, 6300, "CAR INSURANCE", 25000, 90000);
    }
    if (sim_falls(today, 5, 0, 12) && sim_leaves(today, 6, 0.6)) {
        footprint_card(today, 9399, "VEHICLE REGISTRATION", 3000, 25000);
    }
    if (today->since >= 0 && sim_chance(today, 0.12)) {
        footprint_card(today, 5541, "FUEL", 3000, 9000);
    }
}

static void business_started(struct today *today)
{
    const struct person *person = today->person;
    if (today->since < 0) {
        return;
    }
    if (sim_chance(today, today->since < 60 ? 0.05 : 0.10)) {
        uint32_t client = person->number % 1000 + 500 + (uint32_t)sim_between(today, 0, 7) * 1001;
        sim_pay(today,
                &(struct payment){.minor = person->monthly_minor * sim_between(today, 8, 45) / 100,
                                  .credit = true,
                                  .hour = 10,
                                  .party = PARTY_CLIENT,
                                  .number = client,
                                  .business = sim_leaves(today, 0, 0.4)});
    }
    if (sim_chance(today, 0.03)) {
        footprint_card(today, sim_chance(today, 0.5) ? 5943 : 5734, "OFFICE SUPPLY", 1500, 20000);
    }
    if (sim_falls(today, 1, 20, 100) && sim_leaves(today, 2, 0.5)) {
        footprint_card(today, 8931, "ACCOUNTANTS", 9000, 60000);
    }
    if (sim_leaves(today, 3, 0.5) && (today->since == 75 || today->since == 165)) {
        footprint_pay(today, false, person->monthly_minor / 5, PARTY_TAX, 1);
    }
}

static void (*const footprints[STORY_DECOYS_FROM])(struct today *today) = {
    [STORY_JOB_LOST] = job_lost,
    [STORY_RETIREMENT_APPROACHING] = retirement_approaching,
    [STORY_RETIREMENT_STARTED] = retirement_started,
    [STORY_BABY] = baby,
    [STORY_CHILDCARE_STARTED] = childcare_started,
    [STORY_WEDDING_PLANNED] = wedding_planned,
    [STORY_HOUSEHOLD_JOINT] = household_joint,
    [STORY_SEPARATION] = separation,
    [STORY_BEREAVEMENT] = bereavement,
    [STORY_HOME_MOVING] = home_moving,
    [STORY_HOME_PURCHASE] = home_purchase,
    [STORY_WINDFALL] = windfall,
    [STORY_DEBT_STRESS] = debt_stress,
    [STORY_LEAVING] = leaving,
    [STORY_STUDENT_START] = student_start,
    [STORY_CAR_PURCHASE] = car_purchase,
    [STORY_BUSINESS_STARTED] = business_started,
};

bool sim_is_silent(const struct today *today)
{
    const struct person *person = today->person;
    int32_t known = today->day - today->bank->options->first_day;
    switch ((int)person->story) {
    case STORY_DORMANT:
        return today->since >= 0;
    case STORY_ACCOUNT_REACTIVATED:
        return today->since < 0 && known > 20;
    case STORY_ONE_REFUND:
        return known > 20;
    case STORY_SILENT_TRIP:
        return today->since >= 0 && today->since < 45 + (int32_t)(person->knob[0] * 20);
    default:
        return false;
    }
}

void sim_footprints(struct today *today)
{
    enum story story = today->person->story;
    if (story >= STORY_DECOYS_FROM) {
        sim_decoy_footprints(today);
    } else if (story != STORY_NONE && footprints[story] != NULL) {
        footprints[story](today);
    }
}
