/* SPDX-License-Identifier: Apache-2.0 */
#include "lifesim/world.h"

#include <stdio.h>

#include "base/attributes.h"
#include "base/civil.h"
#include "base/hash.h"

static const char *const uk_stems[] = {
    "NORTHGATE", "HARGREAVES", "BRIGHTWELL", "OAKFIELD", "MERIDIAN", "CASTLE",
    "SEVERN",    "WHITBY",     "ALBION",     "KESTREL",  "THAMES",   "PENNINE",
    "FAIRVIEW",  "LANGLEY",    "REDWOOD",    "STERLING", NULL};
static const char *const uk_ends[] = {"LTD",      "PLC",       "SERVICES LTD", "NHS TRUST",
                                      "COUNCIL",  "FOODS LTD", "LOGISTICS",    "SCHOOLS",
                                      "CARE LTD", NULL};
static const char *const uk_first[] = {"AMELIA", "OLIVER", "ISLA",   "GEORGE",   "AVA",
                                       "NOAH",   "MIA",    "ARTHUR", "GRACE",    "LEO",
                                       "FREYA",  "HARRY",  "PRIYA",  "MOHAMMED", NULL};
static const char *const uk_last[] = {"SMITH",  "JONES", "PATEL",  "BROWN", "KHAN",
                                      "WALKER", "EVANS", "HUGHES", "GREEN", "WOOD",
                                      "CLARKE", "BEGUM", NULL};
static const char *const eu_stems[] = {"MUELLER", "RHEINTAL", "NORDSEE", "ALPINA",  "BERGMANN",
                                       "HANSA",   "LINDEN",   "SONNEN",  "ISAR",    "VOGEL",
                                       "ADLER",   "WESER",    "KRONE",   "STADLER", NULL};
static const char *const eu_ends[] = {
    "GMBH",     "AG", "GMBH CO KG", "E V", "KLINIKEN", "LOGISTIK GMBH", "STADTVERWALTUNG",
    "BAU GMBH", NULL};
static const char *const eu_first[] = {"LENA", "JONAS",  "MARIE", "FELIX", "ANNA",
                                       "PAUL", "SOFIA",  "LUKAS", "CLARA", "EMIL",
                                       "AYSE", "MEHMET", NULL};
static const char *const eu_last[] = {"SCHMIDT", "WEBER",    "FISCHER", "WAGNER",
                                      "BECKER",  "HOFFMANN", "KOCH",    "YILMAZ",
                                      "KLEIN",   "WOLF",     "NEUMANN", NULL};

static const struct world worlds[] = {
    {.name = "uk",
     .country = "GB",
     .zone = "Europe/London",
     .currency = "GBP",
     .paydays = {0.45, 0.33, 0.12, 0.08, 0.02},
     .pay_date_low = 15,
     .pay_date_high = 28,
     .rise_month = 4,
     .pension_weeks = 4,
     .price_level = 1.0,
     .salary_words = 0.6,
     .merchant_codes = 1.0,
     .removal_mcc = 4214,
     .nursery_mcc = 8351,
     .dress_mcc = 5621,
     .employer_stems = uk_stems,
     .employer_ends = uk_ends,
     .first_names = uk_first,
     .last_names = uk_last,
     .parties = {[PARTY_EMPLOYER] = {NULL, "SALARY"},
                 [PARTY_CLIENT] = {NULL, "INVOICE"},
                 [PARTY_PERSON] = {NULL, NULL},
                 [PARTY_LANDLORD] = {"LETTINGS", "RENT"},
                 [PARTY_HALL] = {"STUDENT LIVING", "ACCOMMODATION"},
                 [PARTY_ENERGY] = {"POWER GAS", NULL},
                 [PARTY_COUNCIL] = {"BOROUGH COUNCIL TAX", NULL},
                 [PARTY_WATER] = {"WATER", NULL},
                 [PARTY_MOBILE] = {"MOBILE", NULL},
                 [PARTY_BROADBAND] = {"BROADBAND", NULL},
                 [PARTY_INSURER] = {"INSURANCE", NULL},
                 [PARTY_STREAMING] = {"STREAM", NULL},
                 [PARTY_STATE_PENSION] = {"DWP STATE PENSION", "SP"},
                 [PARTY_PENSION_FUND] = {"PENSION SCHEME", "PENSION"},
                 [PARTY_PENSION_SAVING] = {"RETIREMENT SAVINGS", "SIPP"},
                 [PARTY_JOB_CENTRE] = {"DWP JSA", "BENEFIT"},
                 [PARTY_CHILD_BENEFIT] = {"HMRC CHILD BENEFIT", "CHB"},
                 [PARTY_STUDENT_LOAN] = {"STUDENT LOANS CO", "SLC"},
                 [PARTY_UNIVERSITY] = {"UNIVERSITY", "TUITION"},
                 [PARTY_NURSERY] = {"DAY NURSERY", "FEES"},
                 [PARTY_SOLICITOR] = {"SOLICITORS LLP", "COMPLETION"},
                 [PARTY_MORTGAGE] = {"BUILDING SOC MORTGAGE", NULL},
                 [PARTY_LENDER] = {"QUICK LOANS", "LOAN"},
                 [PARTY_CAR_LOAN] = {"MOTOR FINANCE", "AGREEMENT"},
                 [PARTY_CAR_DEALER] = {"MOTORS", "VEHICLE"},
                 [PARTY_CARD_BANK] = {"CARD SERVICES", NULL},
                 [PARTY_TAX] = {"HMRC SELF ASSESSMENT", NULL},
                 [PARTY_VENUE] = {"MANOR EVENTS", "DEPOSIT"},
                 [PARTY_MARKETPLACE] = {"RESALE MARKET", "PAYOUT"},
                 [PARTY_LOTTERY] = {"LOTTERY", "PRIZE"},
                 [PARTY_FUNERAL] = {"FUNERALCARE", NULL},
                 [PARTY_OWN_SAVINGS] = {"OWN SAVINGS", "SAVINGS"},
                 [PARTY_OWN_ELSEWHERE] = {NULL, NULL}}},
    {.name = "eu",
     .country = "DE",
     .zone = "Europe/Berlin",
     .currency = "EUR",
     .paydays = {0.35, 0.60, 0.0, 0.0, 0.05},
     .pay_date_low = 1,
     .pay_date_high = 15,
     .payday_after = true,
     .extra_pay_month = 11,
     .rise_month = 1,
     .price_level = 1.15,
     .salary_words = 0.8,
     .merchant_codes = 0.9,
     .removal_mcc = 7513,
     .nursery_mcc = 8299,
     .dress_mcc = 5699,
     .employer_stems = eu_stems,
     .employer_ends = eu_ends,
     .first_names = eu_first,
     .last_names = eu_last,
     .parties = {[PARTY_EMPLOYER] = {NULL, "LOHN GEHALT"},
                 [PARTY_CLIENT] = {NULL, "RECHNUNG"},
                 [PARTY_PERSON] = {NULL, NULL},
                 [PARTY_LANDLORD] = {"HAUSVERWALTUNG", "MIETE"},
                 [PARTY_HALL] = {"STUDIERENDENWERK", "WOHNHEIM"},
                 [PARTY_ENERGY] = {"STADTWERKE", "ABSCHLAG STROM"},
                 [PARTY_COUNCIL] = {"RUNDFUNK", NULL},
                 [PARTY_WATER] = {"WASSERWERK", NULL},
                 [PARTY_MOBILE] = {"MOBILFUNK", NULL},
                 [PARTY_BROADBAND] = {"TELEKOM NETZ", NULL},
                 [PARTY_INSURER] = {"VERSICHERUNG", NULL},
                 [PARTY_STREAMING] = {"STREAM", NULL},
                 [PARTY_STATE_PENSION] = {"RENTENVERSICHERUNG BUND", "RENTE"},
                 [PARTY_PENSION_FUND] = {"PENSIONSKASSE", "BETRIEBSRENTE"},
                 [PARTY_PENSION_SAVING] = {"ALTERSVORSORGE", "RIESTER"},
                 [PARTY_JOB_CENTRE] = {"BUNDESAGENTUR FUER ARBEIT", "ALG I"},
                 [PARTY_CHILD_BENEFIT] = {"FAMILIENKASSE", "KINDERGELD"},
                 [PARTY_STUDENT_LOAN] = {"BAFOEG AMT", "BAFOEG"},
                 [PARTY_UNIVERSITY] = {"UNIVERSITAET", "SEMESTERBEITRAG"},
                 [PARTY_NURSERY] = {"KITA", "BEITRAG"},
                 [PARTY_SOLICITOR] = {"NOTARIAT", "KAUFPREIS"},
                 [PARTY_MORTGAGE] = {"BAUSPARKASSE", "DARLEHEN"},
                 [PARTY_LENDER] = {"SOFORTKREDIT", "RATE"},
                 [PARTY_CAR_LOAN] = {"AUTOBANK", "RATE"},
                 [PARTY_CAR_DEALER] = {"AUTOHAUS", "FAHRZEUG"},
                 [PARTY_CARD_BANK] = {"KREDITKARTEN SERVICE", NULL},
                 [PARTY_TAX] = {"FINANZAMT", "EINKOMMENSTEUER"},
                 [PARTY_VENUE] = {"SCHLOSS EVENTS", "ANZAHLUNG"},
                 [PARTY_MARKETPLACE] = {"KLEINMARKT", "AUSZAHLUNG"},
                 [PARTY_LOTTERY] = {"LOTTO", "GEWINN"},
                 [PARTY_FUNERAL] = {"BESTATTUNGEN", NULL},
                 [PARTY_OWN_SAVINGS] = {"EIGENES SPARKONTO", "SPAREN"},
                 [PARTY_OWN_ELSEWHERE] = {NULL, NULL}}},
};

const struct world *world_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_COUNT(worlds); i++) {
        if (slice_equal(name, slice_text(worlds[i].name))) {
            return &worlds[i];
        }
    }
    return NULL;
}

const char *world_names(void)
{
    return "uk, eu";
}

/* Gauss's Easter (Gregorian, Anonymous algorithm): Good Friday and Easter Monday are free in both worlds. */
static int32_t easter_day(int32_t year)
{
    int32_t a = year % 19, b = year / 100, c = year % 100;
    int32_t d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
    int32_t h = (19 * a + b - d - g + 15) % 30;
    int32_t l = (32 + 2 * e + 2 * (c / 4) - h - c % 4) % 7;
    int32_t m = (a + 11 * h + 22 * l) / 451;
    int32_t sum = h + l - 7 * m + 114;
    return civil_day((struct civil_date){year, sum / 31, sum % 31 + 1});
}

bool world_is_working_day(const struct world *world, int32_t day)
{
    int32_t weekday = civil_weekday(day);
    if (weekday == 0 || weekday == 6) {
        return false;
    }
    struct civil_date date = civil_date(day);
    int32_t easter = easter_day(date.year);
    if ((date.month == 1 && date.day == 1) ||
        (date.month == 12 && (date.day == 25 || date.day == 26)) || day == easter - 2 ||
        day == easter + 1) {
        return false;
    }
    bool uk = world->pension_weeks != 0;
    bool early_may = uk && date.month == 5 && weekday == 1 && (date.day <= 7 || date.day >= 25);
    bool late_august = uk && date.month == 8 && weekday == 1 && date.day >= 25;
    bool others =
        !uk && ((date.month == 5 && date.day == 1) || (date.month == 10 && date.day == 3) ||
                day == easter + 39 || day == easter + 50);
    return !early_may && !late_august && !others;
}

int32_t world_pay_day(const struct world *world, int32_t day)
{
    while (!world_is_working_day(world, day)) {
        day += world->payday_after ? 1 : -1;
    }
    return day;
}

static uint64_t mix(enum party party, uint32_t number)
{
    uint8_t bytes[8] = {(uint8_t)party,
                        0,
                        0,
                        0,
                        (uint8_t)number,
                        (uint8_t)(number >> 8),
                        (uint8_t)(number >> 16),
                        (uint8_t)(number >> 24)};
    return hash64(slice_of(bytes, sizeof(bytes)), 77);
}

static const char *pick(const char *const *list, uint64_t number)
{
    uint64_t count = 1;
    while (list[count] != NULL) {
        count++;
    }
    return list[number % count];
}

void world_party_name(const struct world *world, enum party party, uint32_t number,
                      char out[SIM_NAME_SIZE])
{
    uint64_t hash = mix(party, number);
    if (party == PARTY_EMPLOYER || (party == PARTY_CLIENT && hash % 3 != 0)) {
        (void)snprintf(out, SIM_NAME_SIZE, "%s %s", pick(world->employer_stems, hash),
                       pick(world->employer_ends, hash >> 16));
    } else if (world->parties[party].name == NULL) {
        (void)snprintf(out, SIM_NAME_SIZE, "%s %s", pick(world->first_names, hash),
                       pick(world->last_names, hash >> 16));
    } else {
        (void)snprintf(out, SIM_NAME_SIZE, "%s %u", world->parties[party].name, number % 40);
    }
}

void world_party_id(const struct world *world, enum party party, uint32_t number,
                    char out[SIM_NAME_SIZE])
{
    (void)snprintf(out, SIM_NAME_SIZE, "%s%014llu", world->country,
                   (unsigned long long)(mix(party, number) % 100000000000000U));
}
