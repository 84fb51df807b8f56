/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/lifesim.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/civil.h"
#include "commands/lifesim_person.h"
#include "model/codes.h"

enum { LINE_SIZE = 900, LATE_DAYS_MAX = 3 };

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
    uint64_t made;
    struct lifesim_counts counts;
    bool failed;
};

/* What a payment says; the rest of the record follows from the person. */
struct payment {
    int64_t time_ms;
    int64_t amount_minor;
    const char *direction;
    const char *kind;
    const char *channel;
    const char *account; /* "CURRENT" or "SAVINGS" */
    int32_t mcc;         /* 0: none */
    const char *merchant;
    const char *country;
    char counterparty[48];
    const char *reference;
};

struct lifesim_options lifesim_defaults(void)
{
    return (struct lifesim_options){.seed = 1,
                                    .customers = 2000,
                                    .first_day = 20454 /* 2026-01-01 */,
                                    .days = 180,
                                    .duplicates = 0.005,
                                    .late = 0.01,
                                    .refunds = 0.01,
                                    .life_events = 0.3};
}

static void keep_line(struct bank *bank, int64_t send_ms, const char *text)
{
    if (bank->line_count == bank->line_capacity) {
        size_t capacity = bank->line_capacity == 0 ? 4096 : bank->line_capacity * 2;
        struct line *lines = realloc(bank->lines, capacity * sizeof(*lines));
        if (lines == NULL) {
            bank->failed = true;
            return;
        }
        bank->lines = lines;
        bank->line_capacity = capacity;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        bank->failed = true;
        return;
    }
    bank->lines[bank->line_count++] = (struct line){send_ms, bank->made++, copy};
}

/* Send a record: now and then twice, now and then late. */
static void PRINTF_LIKE(4, 5)
    send(struct bank *bank, struct random *random, int64_t time_ms, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    int64_t send_ms = time_ms;
    if (random_chance(random, bank->options->late)) {
        send_ms += random_between(random, MS_PER_HOUR, LATE_DAYS_MAX * MS_PER_DAY);
    }
    keep_line(bank, send_ms, text);
    if (random_chance(random, bank->options->duplicates)) {
        keep_line(bank, send_ms + random_between(random, 1, MS_PER_HOUR), text);
    }
}

/* A random moment of that day's waking hours. */
static int64_t moment(struct random *random, int32_t day)
{
    return day * MS_PER_DAY + random_between(random, 7 * MS_PER_HOUR, 22 * MS_PER_HOUR);
}

static void pay(struct bank *bank, struct random *random, const struct person *person,
                const struct payment *p)
{
    char id[48];
    char time[CIVIL_TEXT_SIZE];
    char optional[300] = "";
    int used = 0;
    (void)snprintf(id, sizeof(id), "%s-%llx", person->id, (unsigned long long)bank->made);
    civil_format_time(p->time_ms, time);
    if (p->mcc != 0) {
        used += snprintf(optional + used, sizeof(optional) - (size_t)used,
                         ",\"mcc\":%d,\"merchant_name\":\"%s\",\"merchant_country\":\"%s\"", p->mcc,
                         p->merchant, p->country);
    }
    if (p->counterparty[0] != '\0') {
        used += snprintf(optional + used, sizeof(optional) - (size_t)used,
                         ",\"counterparty_id\":\"%s\",\"counterparty_name\":\"%s\"",
                         p->counterparty, p->counterparty);
    }
    if (p->reference != NULL) {
        (void)snprintf(optional + used, sizeof(optional) - (size_t)used, ",\"reference\":\"%s\"",
                       p->reference);
    }
    static const char format[] = "{\"source\":\"transactions\",\"event\":{\"event_id\":\"%s%s\","
                                 "\"customer_id\":\"%s\",\"account_id\":\"%s-%c\","
                                 "\"account_type\":\"%s\",\"booked_at\":\"%s\",\"amount_minor\":%"
                                 "lld,\"currency\":\"GBP\",\"direction\":\"%s\","
                                 "\"status\":\"%s\"%s,\"kind\":\"%s\",\"channel\":\"%s\"%s}}\n";
    send(bank, random, p->time_ms, format, id, "", person->id, person->id, p->account[0],
         p->account, time, (long long)p->amount_minor, p->direction, "POSTED", "", p->kind,
         p->channel, optional);
    if (strcmp(p->kind, "CARD") == 0 && random_chance(random, bank->options->refunds)) {
        char reverses[80];
        int64_t later = p->time_ms + random_between(random, MS_PER_HOUR, 7 * MS_PER_DAY);
        (void)snprintf(reverses, sizeof(reverses), ",\"reverses\":\"%s\"", id);
        civil_format_time(later, time);
        send(bank, random, later, format, id, "-r", person->id, person->id, p->account[0],
             p->account, time, (long long)p->amount_minor, p->direction, "REVERSED", reverses,
             p->kind, p->channel, optional);
    }
}

static void incomes(struct bank *bank, struct random *random, const struct person *person,
                    int32_t day)
{
    int32_t employer;
    int64_t salary = lifesim_salary_minor(person, day, &employer);
    if (salary > 0) {
        struct payment p = {day * MS_PER_DAY + 2 * MS_PER_HOUR,
                            salary,
                            "CREDIT",
                            "TRANSFER",
                            "AUTOMATIC",
                            "CURRENT",
                            0,
                            NULL,
                            NULL,
                            "",
                            "SALARY"};
        (void)snprintf(p.counterparty, sizeof(p.counterparty), "EMPLOYER %d", employer);
        pay(bank, random, person, &p);
        if (person->saves > 0) {
            struct payment out = {day * MS_PER_DAY + 9 * MS_PER_HOUR,
                                  (int64_t)((double)salary * person->saves),
                                  "CREDIT",
                                  "TRANSFER",
                                  "AUTOMATIC",
                                  "SAVINGS",
                                  0,
                                  NULL,
                                  NULL,
                                  "OWN CURRENT",
                                  "SAVINGS"};
            pay(bank, random, person, &out);
        }
    }
    if (person->event == LIFESIM_WINDFALL && day == person->event_day) {
        struct payment p = {day * MS_PER_DAY + 11 * MS_PER_HOUR,
                            random_between(random, 15000, 90000) * 100,
                            "CREDIT",
                            "TRANSFER",
                            "AUTOMATIC",
                            "CURRENT",
                            0,
                            NULL,
                            NULL,
                            "ESTATE SOLICITORS",
                            "INHERITANCE"};
        pay(bank, random, person, &p);
    }
}

static void bills(struct bank *bank, struct random *random, const struct person *person,
                  int32_t day)
{
    int32_t date = civil_date(day).day;
    bool moved = person->event == LIFESIM_HOME_MOVING && day >= person->event_day;
    if (person->rent_minor > 0 && date == person->rent_date) {
        struct payment p = {day * MS_PER_DAY + 6 * MS_PER_HOUR,
                            person->rent_minor + (moved ? 15000 : 0),
                            "DEBIT",
                            "STANDING_ORDER",
                            "AUTOMATIC",
                            "CURRENT",
                            0,
                            NULL,
                            NULL,
                            "",
                            "RENT"};
        (void)snprintf(p.counterparty, sizeof(p.counterparty), "LANDLORD %d",
                       person->landlord + (moved ? 1000 : 0));
        pay(bank, random, person, &p);
    }
    static const struct {
        const char *name;
        int64_t amount;
    } direct_debits[] = {{"ENERGY", 11200},
                         {"COUNCIL TAX", 15800},
                         {"WATER", 3400},
                         {"MOBILE", 1800},
                         {"BROADBAND", 3100}};
    if (date == person->bill_date) {
        for (size_t i = 0; i < ARRAY_COUNT(direct_debits); i++) {
            struct payment p = {day * MS_PER_DAY + 5 * MS_PER_HOUR,
                                direct_debits[i].amount + random_between(random, -300, 300),
                                "DEBIT",
                                "DIRECT_DEBIT",
                                "AUTOMATIC",
                                "CURRENT",
                                0,
                                NULL,
                                NULL,
                                "",
                                NULL};
            (void)snprintf(p.counterparty, sizeof(p.counterparty), "%s %d", direct_debits[i].name,
                           (int)(person->number % 7 + (moved && i < 3 ? 50U : 0U)));
            pay(bank, random, person, &p);
        }
    }
    if (moved && day == person->event_day) {
        struct payment p = {day * MS_PER_DAY + 10 * MS_PER_HOUR,
                            random_between(random, 400, 1500) * 100,
                            "DEBIT",
                            "CARD",
                            "POS",
                            "CURRENT",
                            4214,
                            "REMOVALS LTD",
                            "GB",
                            "",
                            NULL};
        pay(bank, random, person, &p);
    }
}

struct shop {
    int32_t mcc;
    const char *name;
    int64_t low, high;
};

static void card_payments(struct bank *bank, struct random *random, const struct person *person,
                          int32_t day)
{
    static const struct shop shops[] = {
        {5411, "SUPERMARKET", 800, 9000}, {5812, "RESTAURANT", 1200, 7000},
        {5814, "COFFEE", 250, 900},       {5541, "FUEL", 3000, 8000},
        {4111, "RAIL", 400, 6000},        {5651, "CLOTHES", 1500, 12000},
        {5912, "PHARMACY", 300, 2500},    {5732, "ELECTRONICS", 2000, 60000}};
    static const struct shop baby[] = {{5641, "BABY WEAR", 1500, 9000},
                                       {5945, "TOYS", 900, 5000},
                                       {8351, "NURSERY", 30000, 90000}};
    static const struct shop abroad[] = {{3000, "AIRLINE", 6000, 45000},
                                         {7011, "HOTEL", 7000, 60000},
                                         {5812, "TAVERNA", 1500, 9000}};
    static const char *const countries[] = {"FR", "ES", "IT", "US", "GR", "PT"};
    struct random month = lifesim_day_random(bank->options, person->number, 1000000 + day / 30);
    bool trip = random_chance(&month, person->travel) && day % 30 < 9;
    const char *country = trip ? countries[random_below(&month, ARRAY_COUNT(countries))] : "GB";
    bool parent = person->event == LIFESIM_BABY && day >= person->event_day;
    double wanted =
        person->card_per_day * (trip ? 2.0 : 1.0) * (civil_weekday(day) == 6 ? 1.6 : 1.0);
    for (; wanted > 0 && random_chance(random, wanted < 1 ? wanted : 1); wanted -= 1) {
        const struct shop *shop = trip ? &abroad[random_below(random, ARRAY_COUNT(abroad))]
                                  : parent && random_chance(random, 0.3)
                                      ? &baby[random_below(random, ARRAY_COUNT(baby))]
                                      : &shops[random_below(random, ARRAY_COUNT(shops))];
        struct payment p = {moment(random, day),
                            random_between(random, shop->low, shop->high),
                            "DEBIT",
                            "CARD",
                            "POS",
                            "CURRENT",
                            shop->mcc,
                            shop->name,
                            country,
                            "",
                            NULL};
        pay(bank, random, person, &p);
    }
}

static void app_use(struct bank *bank, struct random *random, const struct person *person,
                    int32_t day)
{
    static const char *const screens[] = {"home",  "payments", "savings",
                                          "cards", "travel",   "mortgages"};
    for (double wanted = person->logins_per_day;
         wanted > 0 && random_chance(random, wanted < 1 ? wanted : 1); wanted -= 1) {
        char time[CIVIL_TEXT_SIZE];
        int64_t at = moment(random, day);
        for (int64_t i = 0, n = random_between(random, 1, 3); i < n; i++) {
            civil_format_time(at + i * 20000, time);
            send(bank, random, at + i * 20000,
                 "{\"source\":\"app-engagement\",\"event\":{\"event_id\":\"%s-a%llx\",\"customer_"
                 "id\":\"%s\",\"occurred_at\":\"%s\","
                 "\"event\":\"%s\",\"screen\":\"%s\",\"channel\":\"MOBILE_APP\",\"session_id\":\"%"
                 "s-%d-%lld\",\"success\":true,"
                 "\"attributes\":{}}}\n",
                 person->id, (unsigned long long)bank->made, person->id, time,
                 i == 0 ? "login" : "view",
                 screens[i == 0 ? 0 : random_below(random, ARRAY_COUNT(screens))], person->id, day,
                 (long long)(at % MS_PER_DAY));
        }
    }
}

static void profile(struct bank *bank, struct random *random, const struct person *person)
{
    char birth[CIVIL_TEXT_SIZE];
    char since[CIVIL_TEXT_SIZE];
    char time[CIVIL_TEXT_SIZE];
    char consents[400] = "";
    int64_t at = bank->options->first_day * MS_PER_DAY + random_between(random, 0, MS_PER_HOUR);
    civil_format_date(person->birth_day, birth);
    civil_format_date(person->since_day, since);
    civil_format_time(at, time);
    const char *status = person->consents ? "GRANTED" : "DENIED";
    (void)snprintf(consents, sizeof(consents),
                   "{\"purpose\":\"MARKETING\",\"channel\":\"EMAIL\",\"status\":\"%s\",\"lawful_"
                   "basis\":\"CONSENT\",\"updated_at\":\"%s\"},"
                   "{\"purpose\":\"MARKETING\",\"channel\":\"IN_APP\",\"status\":\"%s\",\"lawful_"
                   "basis\":\"CONSENT\",\"updated_at\":\"%s\"}",
                   status, time, status, time);
    char text[LINE_SIZE * 2];
    (void)snprintf(
        text, sizeof(text),
        "{\"source\":\"customer-profiles\",\"event\":{\"customer_id\":\"%s\",\"updated_at\":\"%s\","
        "\"birth_date\":\"%s\","
        "\"country\":\"GB\",\"timezone\":\"Europe/"
        "London\",\"employment_status\":\"%s\",\"income_band\":\"%s\","
        "\"dependants\":%d,\"relationship_since\":\"%s\",\"risk_profile\":%d,\"knowledge\":["
        "\"SAVINGS\"],"
        "\"products_held\":[\"CURRENT\",\"SAVINGS\"],\"consents\":[%s],\"preferred_channel\":\"IN_"
        "APP\","
        "\"vulnerability\":[],\"complaint_open\":false,\"lifetime_value_minor\":%lld}}\n",
        person->id, time, birth, person->event == LIFESIM_SALARY_FIRST ? "STUDENT" : "EMPLOYED",
        codes_text(&codes_income_band, person->income_band), (int)random_below(random, 3), since,
        (int)random_between(random, 1, 7), consents,
        (long long)random_between(random, 5000, 400000));
    keep_line(bank, at, text);
}

static int by_time(const void *a, const void *b)
{
    const struct line *x = a;
    const struct line *y = b;
    if (x->send_ms != y->send_ms) {
        return x->send_ms < y->send_ms ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Write what is due before `end_ms`; the rest waits. */
static bool flush(struct bank *bank, FILE *out, int64_t end_ms)
{
    qsort(bank->lines, bank->line_count, sizeof(*bank->lines), by_time);
    size_t sent = 0;
    bool good = !bank->failed;
    for (; sent < bank->line_count && bank->lines[sent].send_ms < end_ms; sent++) {
        good = good && fputs(bank->lines[sent].text, out) >= 0;
        free(bank->lines[sent].text);
    }
    bank->counts.events += sent;
    memmove(bank->lines, bank->lines + sent, (bank->line_count - sent) * sizeof(*bank->lines));
    bank->line_count -= sent;
    return good;
}

static void live(struct bank *bank, const struct person *person, int32_t day)
{
    struct random random = lifesim_day_random(bank->options, person->number, day);
    if (person->event == LIFESIM_DORMANT && day >= person->event_day) {
        return;
    }
    incomes(bank, &random, person, day);
    bills(bank, &random, person, day);
    card_payments(bank, &random, person, day);
    app_use(bank, &random, person, day);
}

static void tell_truth(struct bank *bank, FILE *truth, const struct person *person)
{
    if (person->event != LIFESIM_NONE) {
        bank->counts.life_events++;
        if (truth != NULL) {
            char date[CIVIL_TEXT_SIZE];
            civil_format_date(person->event_day, date);
            (void)fprintf(truth, "{\"customer_id\":\"%s\",\"life_event\":\"%s\",\"at\":\"%s\"}\n",
                          person->id, lifesim_event_name(person->event), date);
        }
    }
}

bool lifesim_run(const struct lifesim_options *options, FILE *out, FILE *truth,
                 void (*progress)(int32_t days_done, int32_t days,
                                  const struct lifesim_counts *counts),
                 struct lifesim_counts *out_counts)
{
    struct bank bank = {.options = options};
    bool good = true;
    for (int32_t i = 0; good && i < options->days; i++) {
        int32_t day = options->first_day + i;
        for (uint32_t number = 1; number <= options->customers; number++) {
            struct person person = lifesim_person(options, number);
            if (i == 0) {
                struct random random = lifesim_day_random(options, number, -2);
                profile(&bank, &random, &person);
                tell_truth(&bank, truth, &person);
            }
            live(&bank, &person, day);
        }
        good = flush(&bank, out, (day + 1) * MS_PER_DAY);
        if (progress != NULL) {
            progress(i + 1, options->days, &bank.counts);
        }
    }
    good = flush(&bank, out, INT64_MAX) && good;
    free(bank.lines);
    *out_counts = bank.counts;
    return good && fflush(out) == 0 && (truth == NULL || fflush(truth) == 0);
}
