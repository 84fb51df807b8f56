/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like a life event and is none. Decoys of the salary are in person.c, of silence in
 * footprints.c. */
#include "lifesim/footprints.h"

static bool monthly(const struct today *today, int32_t date)
{
    return today->since >= 0 && due_on_date(today->person->world, today->day, date);
}

static void second_job(struct today *today)
{
    const struct person *person = today->person;
    if (monthly(today, person->bill_date)) {
        footprint_pay(today, true, person->monthly_minor / 5, PARTY_EMPLOYER,
                      person->next_job.employer);
    }
}

static void young_saver(struct today *today)
{
    if (monthly(today, today->person->bill_date)) {
        footprint_debit(today, today->person->monthly_minor / 10, PARTY_PENSION_SAVING,
                        today->person->number % 40 + 1);
    }
}

static void baby_gifts(struct today *today)
{
    if (today->since == 0 || (today->since == 20 && sim_leaves(today, 0, 0.4))) {
        footprint_card(today, 5641, "BABY STORE", 3000, 12000);
    }
    if (today->since == 1) {
        footprint_card(today, 5945, "TOYS", 1500, 6000);
    }
}

static void holiday_camp(struct today *today)
{
    if (today->since == 0 || (today->since == 7 && sim_leaves(today, 0, 0.5))) {
        footprint_card(today, 7032, "HOLIDAY CAMP", 15000, 45000);
    }
}

static void anniversary(struct today *today)
{
    if (today->since == 0) {
        footprint_card(today, 5944, "JEWELLER", 40000, 180000);
        footprint_card(today, 5992, "FLORIST", 4000, 12000);
    }
}

static void flatmate(struct today *today)
{
    const struct person *person = today->person;
    if (monthly(today, person->partner_date)) {
        sim_pay(today,
                &(struct payment){.minor = person->monthly_minor / 6,
                                  .credit = true,
                                  .hour = 6,
                                  .kind = PAY_STANDING_ORDER,
                                  .party = PARTY_PERSON,
                                  .number = person->number + 150000,
                                  .reference = person->world->parties[PARTY_LANDLORD].reference});
    }
}

static void will_made(struct today *today)
{
    if (today->since == 0) {
        footprint_card(today, 8111, "SOLICITORS", 20000, 60000);
    }
}

static void funeral_plan(struct today *today)
{
    if (monthly(today, today->person->bill_date)) {
        sim_pay(today, &(struct payment){.minor = sim_price(today, 3500),
                                         .kind = PAY_CARD,
                                         .mcc = 7261,
                                         .merchant = "FUNERAL PLANS"});
    }
}

static void furniture_only(struct today *today)
{
    if (today->since == 0 || today->since == 4 ||
        (today->since == 11 && sim_leaves(today, 0, 0.6))) {
        footprint_card(today, today->since == 4 ? 5719 : 5712, "HOME STORE", 20000, 160000);
    }
}

static void house_sale(struct today *today)
{
    const struct person *person = today->person;
    int64_t price = person->monthly_minor * (60 + person->number % 60);
    if (today->since == 0) {
        footprint_pay(today, true, price, PARTY_SOLICITOR, person->number % 60 + 1);
    }
    if (sim_falls(today, 0, 1, 8)) {
        footprint_pay(today, false, price * 98 / 100, PARTY_SOLICITOR, person->number % 60 + 70);
    }
}

static void big_refund(struct today *today)
{
    const struct person *person = today->person;
    int64_t price = person->monthly_minor * (7 + person->number % 4);
    if (today->since == -14 || today->since == 0) {
        footprint_pay(today, today->since == 0, price, PARTY_CAR_DEALER, person->number % 40 + 1);
    }
    if (today->since == -15 || today->since == 2) { /* from savings, and back */
        footprint_pay(today, today->since < 0, price, PARTY_OWN_SAVINGS, person->number);
    }
}

static void one_overdraft(struct today *today)
{
    const struct person *person = today->person;
    int64_t left = today->bank->balances[person->number - 1];
    if (today->since == 0 && left > 0) {
        footprint_pay(today, false, left + person->monthly_minor / 5, PARTY_PERSON,
                      person->number + 200000);
    }
    if (today->since == 6) {
        footprint_pay(today, true, left > 0 ? 0 : person->monthly_minor - left, PARTY_OWN_SAVINGS,
                      person->number);
    }
}

static void parent_pays(struct today *today)
{
    if (today->since == 0 || today->since == 120) {
        footprint_card(today, 8220, "UNIVERSITY", 80000, 300000);
    }
    if (monthly(today, 2) && sim_leaves(today, 0, 0.6)) {
        footprint_pay(today, false, 40000, PARTY_PERSON, today->person->number + 600000);
    }
}

static void car_repair(struct today *today)
{
    if (today->since == 0) {
        footprint_card(today, sim_leaves(today, 0, 0.5) ? 5511 : 7538, "GARAGE", 25000, 110000);
    }
    if (today->since == 9 && sim_leaves(today, 1, 0.4)) {
        footprint_card(today, 7512, "CAR RENTAL", 9000, 40000);
    }
}

static void attic_sale(struct today *today)
{
    if (today->since >= 0 && today->since < 45 && sim_chance(today, 0.16)) {
        footprint_pay(today, true, sim_between(today, 8, 120) * 100, PARTY_MARKETPLACE, 1);
    }
}

static void one_refund(struct today *today)
{
    if (today->since == 0) {
        sim_pay(today, &(struct payment){.minor = sim_between(today, 10, 90) * 100,
                                         .credit = true,
                                         .hour = 8,
                                         .party = PARTY_TAX,
                                         .number = 1,
                                         .reference = "REFUND"});
    }
}

static void (*const decoys[STORY_COUNT])(struct today *today) = {
    [STORY_SECOND_JOB] = second_job,         [STORY_YOUNG_SAVER] = young_saver,
    [STORY_BABY_GIFTS] = baby_gifts,         [STORY_HOLIDAY_CAMP] = holiday_camp,
    [STORY_ANNIVERSARY] = anniversary,       [STORY_FLATMATE] = flatmate,
    [STORY_WILL_MADE] = will_made,           [STORY_FUNERAL_PLAN] = funeral_plan,
    [STORY_FURNITURE_ONLY] = furniture_only, [STORY_HOUSE_SALE] = house_sale,
    [STORY_BIG_REFUND] = big_refund,         [STORY_ONE_OVERDRAFT] = one_overdraft,
    [STORY_PARENT_PAYS] = parent_pays,       [STORY_CAR_REPAIR] = car_repair,
    [STORY_ATTIC_SALE] = attic_sale,         [STORY_ONE_REFUND] = one_refund,
};

void sim_decoy_footprints(struct today *today)
{
    if (decoys[today->person->story] != NULL) {
        decoys[today->person->story](today);
    }
}
