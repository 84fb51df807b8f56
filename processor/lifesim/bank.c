/* SPDX-License-Identifier: Apache-2.0 */
#include "lifesim/bank.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 1100, LATE_DAYS_MAX = 3 };

static const char *const kinds[] = {"TRANSFER", "STANDING_ORDER", "DIRECT_DEBIT", "CARD", "ATM",
                                    "FEE",      "INTEREST"};
static const char *const channels[] = {"MOBILE", "AUTOMATIC", "AUTOMATIC", "POS",
                                       "ATM",    "AUTOMATIC", "AUTOMATIC"};

void sim_line(struct bank *bank, int64_t send_ms, const char *text)
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

static void PRINTF_LIKE(3, 4) send(struct today *today, int64_t time_ms, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    int64_t send_ms = time_ms;
    if (sim_chance(today, today->bank->options->late)) {
        send_ms += sim_between(today, MS_PER_HOUR, LATE_DAYS_MAX * MS_PER_DAY);
    }
    sim_line(today->bank, send_ms, text);
    if (sim_chance(today, today->bank->options->duplicates)) {
        sim_line(today->bank, send_ms + sim_between(today, 1, MS_PER_HOUR), text);
    }
}

int64_t sim_moment(struct today *today)
{
    return today->day * MS_PER_DAY + sim_between(today, 7 * MS_PER_HOUR, 22 * MS_PER_HOUR);
}

/* The members of the record that not every payment has. */
static void put_optional(struct today *today, const struct payment *p, char *out, size_t size)
{
    const struct world *world = today->person->world;
    size_t used = 0;
    out[0] = '\0';
    if (p->merchant != NULL) {
        const char *country = p->country == NULL ? world->country : p->country;
        used += (size_t)snprintf(out, size, ",\"merchant_name\":\"%s\",\"merchant_country\":\"%s\"",
                                 p->merchant, country);
        if (p->mcc != 0 && sim_chance(today, world->merchant_codes)) {
            used += (size_t)snprintf(out + used, size - used, ",\"mcc\":%d", p->mcc);
        }
    } else if (p->number != 0) {
        char id[SIM_NAME_SIZE], name[SIM_NAME_SIZE];
        world_party_id(world, p->party, p->number, id);
        world_party_name(world, p->party, p->number, name);
        used += (size_t)snprintf(
            out, size, ",\"counterparty_id\":\"%s\",\"counterparty_name\":\"%s\"", id, name);
    }
    const char *reference = p->reference;
    if (reference == NULL && p->number != 0) {
        /* An employer writes a reference, or it never does. */
        bool words =
            p->party != PARTY_EMPLOYER || (double)(p->number % 100) < world->salary_words * 100;
        reference = words ? world->parties[p->party].reference : NULL;
    }
    if (reference != NULL && reference[0] != '\0') {
        (void)snprintf(out + used, size - used, ",\"reference\":\"%s\"", reference);
    }
}

void sim_pay(struct today *today, const struct payment *p)
{
    struct bank *bank = today->bank;
    const struct person *person = today->person;
    char id[48], time[CIVIL_TEXT_SIZE], optional[320], balance[48] = "", reverses[80];
    if (p->minor <= 0) {
        return;
    }
    int64_t time_ms =
        p->hour != 0 ? today->day * MS_PER_DAY + p->hour * MS_PER_HOUR : sim_moment(today);
    int64_t *account =
        p->saving ? &bank->savings[person->number - 1] : &bank->balances[person->number - 1];
    if (!p->business) {
        *account += p->credit ? p->minor : -p->minor;
        (void)snprintf(balance, sizeof(balance), ",\"balance_after_minor\":%lld",
                       (long long)*account);
    }
    (void)snprintf(id, sizeof(id), "%s-%llx", person->id, (unsigned long long)bank->made);
    civil_format_time(time_ms, time);
    put_optional(today, p, optional, sizeof(optional));
    const char *type = p->business ? "BUSINESS" : p->saving ? "SAVINGS" : "CURRENT";
    const char *direction = p->credit ? "CREDIT" : "DEBIT";
    static const char format[] =
        "{\"source\":\"transactions\",\"event\":{\"event_id\":\"%s%s\",\"customer_id\":\"%s\","
        "\"account_id\":\"%s-%c\",\"account_type\":\"%s\",\"booked_at\":\"%s\",\"amount_minor\":%"
        "lld,"
        "\"currency\":\"%s\",\"direction\":\"%s\",\"status\":\"%s\"%s,\"kind\":\"%s\",\"channel\":"
        "\"%s\""
        "%s%s}}\n";
    send(today, time_ms, format, id, "", person->id, person->id, type[0], type, time,
         (long long)p->minor, person->world->currency, direction, "POSTED", "", kinds[p->kind],
         channels[p->kind], balance, optional);
    if (p->kind == PAY_CARD && sim_chance(today, bank->options->refunds)) {
        int64_t later = time_ms + sim_between(today, MS_PER_HOUR, 7 * MS_PER_DAY);
        *account += p->minor;
        (void)snprintf(reverses, sizeof(reverses), ",\"reverses\":\"%s\"", id);
        civil_format_time(later, time);
        send(today, later, format, id, "-r", person->id, person->id, type[0], type, time,
             (long long)p->minor, person->world->currency, direction, "REVERSED", reverses,
             kinds[p->kind], channels[p->kind], "", optional);
    }
}

void sim_app(struct today *today, int64_t time_ms, const char *event, const char *screen)
{
    char time[CIVIL_TEXT_SIZE];
    civil_format_time(time_ms, time);
    const char *id = today->person->id;
    send(today, time_ms,
         "{\"source\":\"app-engagement\",\"event\":{\"event_id\":\"%s-a%llx\",\"customer_id\":\"%"
         "s\","
         "\"occurred_at\":\"%s\",\"event\":\"%s\",\"screen\":\"%s\",\"channel\":\"MOBILE_APP\","
         "\"session_id\":\"%s-%d\",\"success\":true,\"attributes\":{}}}\n",
         id, (unsigned long long)today->bank->made, id, time, event, screen, id, today->day);
}
