/* SPDX-License-Identifier: Apache-2.0 */
#include "lifesim/lifesim.h"

#include <stdlib.h>
#include <string.h>

#include "lifesim/bank.h"
#include "model/codes.h"

struct lifesim_options lifesim_defaults(void)
{
    return (struct lifesim_options){.world = world_find(slice_text("uk")),
                                    .seed = 1,
                                    .customers = 2000,
                                    .first_day = 20454 /* 2026-01-01 */,
                                    .days = 180,
                                    .until_ms = INT64_MAX,
                                    .duplicates = 0.005,
                                    .late = 0.01,
                                    .refunds = 0.01,
                                    .life_events = 0.3,
                                    .decoys = 0.2};
}

static const char *employment(const struct person *person)
{
    if (person->base == BASE_YOUNG) {
        return "STUDENT";
    }
    return person->base == BASE_PENSION ? "RETIRED"
           : person->base == BASE_QUIET ? "UNKNOWN"
                                        : "EMPLOYED";
}

/* `vulnerability`: what the bank was told of, between quotes, or nothing. */
static void profile(struct bank *bank, struct random *random, const struct person *person,
                    int32_t day, const char *vulnerability)
{
    char birth[CIVIL_TEXT_SIZE], since[CIVIL_TEXT_SIZE], time[CIVIL_TEXT_SIZE],
        asked[CIVIL_TEXT_SIZE];
    char text[2000];
    int64_t at = day * MS_PER_DAY + random_between(random, 0, MS_PER_HOUR);
    civil_format_date(person->birth_day, birth);
    civil_format_date(person->since_day, since);
    civil_format_time(at, time);
    civil_format_time(bank->options->first_day * MS_PER_DAY, asked);
    const char *status = person->consents ? "GRANTED" : "DENIED";
    (void)snprintf(
        text, sizeof(text),
        "{\"source\":\"customer-profiles\",\"event\":{\"customer_id\":\"%s\",\"updated_at\":\"%s\","
        "\"birth_date\":\"%s\",\"country\":\"%s\",\"timezone\":\"%s\",\"employment_status\":\"%s\","
        "\"income_band\":\"%s\",\"dependants\":%d,\"relationship_since\":\"%s\",\"risk_profile\":%"
        "d,"
        "\"knowledge\":[\"SAVINGS\"],\"products_held\":[\"CURRENT\",\"SAVINGS\"],\"consents\":["
        "{\"purpose\":\"MARKETING\",\"channel\":\"EMAIL\",\"status\":\"%s\",\"lawful_basis\":"
        "\"CONSENT\","
        "\"updated_at\":\"%s\"},{\"purpose\":\"MARKETING\",\"channel\":\"IN_APP\",\"status\":\"%"
        "s\","
        "\"lawful_basis\":\"CONSENT\",\"updated_at\":\"%s\"}],\"preferred_channel\":\"IN_APP\","
        "\"vulnerability\":[%s],\"complaint_open\":false,\"lifetime_value_minor\":%lld}}\n",
        person->id, time, birth, person->world->country, person->world->zone, employment(person),
        codes_text(&codes_income_band, person->income_band),
        person->child_benefit ? 1 + (int)(person->number % 3) : 0, since,
        (int)(person->number % 7 + 1), status, asked, status, asked, vulnerability,
        (long long)(person->number % 997 * 400 + 5000));
    sim_line(bank, at, text);
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

/* Write what is due before `end_ms`, and before the bank's own end; the rest waits. */
static bool flush(struct bank *bank, FILE *out, int64_t end_ms)
{
    int64_t until_ms = bank->options->until_ms < end_ms ? bank->options->until_ms : end_ms;
    if (bank->line_count > 0) {
        qsort(bank->lines, bank->line_count, sizeof(*bank->lines), by_time);
    }
    size_t sent = 0;
    bool good = !bank->failed;
    for (; sent < bank->line_count && bank->lines[sent].send_ms < until_ms; sent++) {
        good = good && fputs(bank->lines[sent].text, out) >= 0;
        free(bank->lines[sent].text);
    }
    bank->counts.events += sent;
    if (sent > 0) {
        memmove(bank->lines, bank->lines + sent, (bank->line_count - sent) * sizeof(*bank->lines));
    }
    bank->line_count -= sent;
    return good;
}

static void live(struct bank *bank, const struct person *person, int32_t day)
{
    struct today today = {.bank = bank,
                          .person = person,
                          .random = lifesim_day_random(bank->options, person->number, day),
                          .day = day,
                          .since =
                              person->story == STORY_NONE ? INT32_MIN : day - person->story_day};
    sim_routine(&today);
    sim_footprints(&today);
    if (person->story == STORY_BEREAVEMENT && sim_leaves(&today, 5, 0.4) &&
        sim_falls(&today, 6, 3, 40)) {
        profile(bank, &today.random, person, day, "\"BEREAVEMENT\"");
    }
}

struct truth {
    const char *life_event;
    int32_t happened_day;
    int32_t knowable_day;
    bool implied;
};

static void tell(struct bank *bank, FILE *out, const struct person *person,
                 const struct truth *truth, const char *decoy)
{
    char happened[CIVIL_TEXT_SIZE], knowable[CIVIL_TEXT_SIZE], label[64] = "null";
    bank->counts.life_events += decoy == NULL && !truth->implied;
    bank->counts.decoys += decoy != NULL;
    if (out == NULL) {
        return;
    }
    civil_format_date(truth->happened_day, happened);
    civil_format_date(truth->knowable_day, knowable);
    if (decoy != NULL) {
        (void)snprintf(label, sizeof(label), "\"%s\"", decoy);
    }
    (void)fprintf(out,
                  "{\"customer_id\":\"%s\",\"life_event\":\"%s\",\"happened_at\":\"%s\","
                  "\"knowable_at\":\"%s\",\"decoy\":%s,\"implied\":%s}\n",
                  person->id, truth->life_event, happened, knowable, label,
                  truth->implied ? "true" : "false");
}

/* What else is true of somebody with this story, fully or arguably. */
static void tell_more(struct bank *bank, FILE *out, const struct person *person)
{
    static const struct {
        enum story story;
        const char *life_event;
        int32_t from_days, known_days;
        bool implied;
    } more[] = {
        {STORY_JOB_LOST, "income.drop", 0, 60, true},
        {STORY_RETIREMENT_STARTED, "income.drop", 0, 60, true},
        {STORY_RETIREMENT_STARTED, "windfall", 0, 10, true}, /* the lump sum */
        {STORY_BABY, "income.drop", 0, 60, true},
        {STORY_LEAVING, "income.drop", 0, 60, true},
        {STORY_LEAVING, "dormant", 60, 150, true},
        {STORY_JOB_CHANGED, "pay.rise", 0, 60, true},
        {STORY_JOB_CHANGED, "income.drop", 0, 60, true},
        {STORY_HOME_PURCHASE, "home.moving", 0, 5, false},
        {STORY_SEPARATION, "home.moving", 30, 60, true},
        {STORY_BEREAVEMENT, "windfall", 60, 70, true}, /* an estate */
        {STORY_HOUSEHOLD_JOINT, "home.moving", 0, 30, true},
        {STORY_STUDENT_START, "home.moving", 0, 30, true},
        {STORY_BACK_TO_WORK, "job.lost", -150, -120, false},
        {STORY_BACK_TO_WORK, "income.drop", -150, -90, true},
        {STORY_BACK_TO_WORK, "job.changed", 0, 30, true},
        {STORY_SEASONAL_WORKER, "income.drop", 0, 60, true},
        /* The first time nobody can know; it may be a year before, as the season ends twice a year. */
        {STORY_SEASONAL_WORKER, "job.lost", -183, -150, true},
        {STORY_SEASONAL_WORKER, "job.lost", -365, -332, true},
        {STORY_ACCOUNT_REACTIVATED, "dormant", INT32_MIN, 90, false},
        {STORY_ONE_REFUND, "dormant", INT32_MIN, 90, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(more); i++) {
        bool from_start = more[i].from_days == INT32_MIN;
        int32_t from = from_start ? bank->options->first_day + 20 : person->story_day;
        if (more[i].story != person->story) {
            continue;
        }
        struct truth truth = {more[i].life_event, from + (from_start ? 0 : more[i].from_days),
                              from + more[i].known_days, more[i].implied};
        tell(bank, out, person, &truth, NULL);
    }
}

/* The day from which an attentive reader could know: of what is seen in a payday, the payday. */
static int32_t knowable_day(const struct person *person)
{
    int32_t day = person->story_day;
    switch ((int)person->story) {
    case STORY_SALARY_FIRST:
    case STORY_JOB_LOST:
    case STORY_PAY_RISE:
    case STORY_INCOME_DROP:
        return job_first_payday(person->world, &person->job, day);
    case STORY_JOB_CHANGED:
        return job_first_payday(person->world, &person->next_job,
                                day + (int32_t)(person->knob[1] * 35));
    default:
        return day + story_info(person->story)->known_days;
    }
}

static void tell_truth(struct bank *bank, FILE *out, const struct person *person)
{
    if (person->story == STORY_NONE) {
        return;
    }
    const struct story_info *info = story_info(person->story);
    struct truth truth = {info->life_event, person->story_day, knowable_day(person), false};
    tell(bank, out, person, &truth, info->decoy);
    tell_more(bank, out, person);
}

static bool open_accounts(struct bank *bank)
{
    size_t count = bank->options->customers;
    bank->balances = calloc(count, sizeof(int64_t));
    bank->savings = calloc(count, sizeof(int64_t));
    if (bank->balances == NULL || bank->savings == NULL) {
        return false;
    }
    for (uint32_t number = 1; number <= count; number++) {
        struct person person = lifesim_person(bank->options, number);
        int64_t weeks = person.base == BASE_QUIET ? 200 + number % 90 : 1 + number % 9;
        bank->balances[number - 1] = person.monthly_minor * weeks / 4;
        bank->savings[number - 1] = person.monthly_minor * (number % 13) / 2;
    }
    return true;
}

bool lifesim_run(const struct lifesim_options *options, FILE *out, FILE *truth,
                 void (*progress)(int32_t days_done, int32_t days,
                                  const struct lifesim_counts *counts),
                 struct lifesim_counts *out_counts)
{
    struct bank bank = {.options = options};
    bool good = open_accounts(&bank);
    for (int32_t i = 0; good && i < options->days; i++) {
        int32_t day = options->first_day + i;
        for (uint32_t number = 1; number <= options->customers; number++) {
            struct person person = lifesim_person(options, number);
            if (i == 0) {
                struct random random = lifesim_day_random(options, number, -2);
                profile(&bank, &random, &person, day, "");
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
    for (size_t i = 0; i < bank.line_count; i++) {
        free(bank.lines[i].text);
    }
    free(bank.lines);
    free(bank.balances);
    free(bank.savings);
    *out_counts = bank.counts;
    return good && fflush(out) == 0 && (truth == NULL || fflush(truth) == 0);
}
