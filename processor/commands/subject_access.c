/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/subject_access.h"

#include <inttypes.h>

#include "base/attributes.h"
#include "base/civil.h"
#include "base/show.h"
#include "commands/plain_words.h"
#include "model/codes.h"
#include "model/fields.h"

static void put_moment(FILE *out, const char *before, int64_t time_ms)
{
    char at[CIVIL_TEXT_SIZE];
    civil_format_time(time_ms, at);
    (void)fprintf(out, "%s%s", before, at);
}

static void put_day(FILE *out, const char *what, int32_t day)
{
    char at[CIVIL_TEXT_SIZE];
    civil_format_time((int64_t)day * MS_PER_DAY, at);
    (void)fprintf(out, "  %-28s %.10s\n", what, at);
}

static void put_text(FILE *out, const char *what, const char *text, uint32_t size)
{
    (void)fprintf(out, "  %-28s ", what);
    show_text(slice_of(text, size), out);
    (void)fputc('\n', out);
}

static void put_code(FILE *out, const char *what, const struct codes *codes, uint32_t code)
{
    (void)fprintf(out, "  %-28s %s\n", what, codes_text(codes, code));
}

static void put_set(FILE *out, const char *what, const struct codes *codes, uint32_t set)
{
    (void)fprintf(out, "  %-28s", what);
    for (uint32_t i = 0; i < 32; i++) {
        if ((set >> i & 1) != 0) {
            (void)fprintf(out, " %s", codes_text(codes, i));
        }
    }
    (void)fputs(set == 0 ? " none\n" : "\n", out);
}

static void put_person(const struct profile *profile, FILE *out)
{
    if (profile_has(profile, PROFILE_BIRTH_DATE)) {
        put_day(out, "date of birth", profile->birth_day);
    }
    if (profile_has(profile, PROFILE_COUNTRY)) {
        put_text(out, "country", profile->country, profile->country_size);
    }
    if (profile_has(profile, PROFILE_REGION)) {
        put_text(out, "region", profile->region, profile->region_size);
    }
    if (profile_has(profile, PROFILE_OCCUPATION)) {
        put_text(out, "occupation", profile->occupation, profile->occupation_size);
    }
    if (profile_has(profile, PROFILE_EMPLOYMENT_STATUS)) {
        put_code(out, "employment", &codes_employment_status, profile->employment_status);
    }
    if (profile_has(profile, PROFILE_INCOME_BAND)) {
        put_code(out, "income band", &codes_income_band, profile->income_band);
    }
    if (profile_has(profile, PROFILE_DEPENDANTS)) {
        (void)fprintf(out, "  %-28s %" PRId32 "\n", "dependants", profile->dependants);
    }
}

static void put_banking(const struct profile *profile, FILE *out)
{
    if (profile_has(profile, PROFILE_RELATIONSHIP_SINCE)) {
        put_day(out, "customer since", profile->relationship_day);
    }
    if (profile_has(profile, PROFILE_RISK_PROFILE)) {
        (void)fprintf(out, "  %-28s %" PRId32 " of 7\n", "risk profile", profile->risk_profile);
    }
    if (profile_has(profile, PROFILE_KNOWLEDGE)) {
        put_set(out, "products you know", &codes_product, profile->knowledge);
    }
    if (profile_has(profile, PROFILE_PRODUCTS_HELD)) {
        put_set(out, "products you hold", &codes_product, profile->products_held);
    }
    if (profile_has(profile, PROFILE_PREFERRED_CHANNEL)) {
        put_code(out, "how you like to be reached", &codes_channel, profile->preferred_channel);
    }
    if (profile_has(profile, PROFILE_VULNERABILITY)) {
        put_set(out, "needs we must care for", &codes_vulnerability, profile->vulnerability);
    }
    if (profile_has(profile, PROFILE_COMPLAINT_OPEN)) {
        (void)fprintf(out, "  %-28s %s\n", "an open complaint",
                      profile->complaint_open ? "yes" : "no");
    }
    if (profile_has(profile, PROFILE_LIFETIME_VALUE_MINOR)) {
        (void)fprintf(out, "  %-28s %.2f, in the bank's currency\n", "your value to the bank",
                      (double)profile->lifetime_value_minor / 100);
    }
}

static void put_consents(const struct profile *profile, FILE *out)
{
    (void)fputs("What you have agreed to, or not\n", out);
    bool any = false;
    for (uint32_t p = 0; p < PURPOSE_COUNT; p++) {
        for (uint32_t c = 0; c < CHANNEL_COUNT; c++) {
            if (profile->consents[p][c].updated_at_ms == 0) {
                continue;
            }
            (void)fprintf(out, "  %s by %s: %s (%s)", codes_text(&codes_purpose, p),
                          codes_text(&codes_channel, c),
                          codes_text(&codes_consent_status, profile->consents[p][c].status),
                          codes_text(&codes_lawful_basis, profile->consents[p][c].basis));
            put_moment(out, ", since ", profile->consents[p][c].updated_at_ms);
            (void)fputc('\n', out);
            any = true;
        }
    }
    if (!any) {
        (void)fputs("  nothing is known: no marketing is sent\n", out);
    }
}

void subject_access_begin(const struct settings *settings, const struct customer *customer,
                          FILE *out)
{
    const struct profile *profile = &customer->profile;
    (void)fprintf(out, "What `%s` holds about customer ", settings->application);
    show_text(customer_id(customer), out);
    (void)fputc('\n', out);
    put_moment(out, "The newest event taken in is of ", customer->seen_ms);
    (void)fputs(".\n\nAbout you, from your bank's records\n", out);
    if (profile->updated_at_ms == INT64_MIN) {
        (void)fputs("  nothing\n", out);
    } else {
        put_person(profile, out);
        put_banking(profile, out);
        put_consents(profile, out);
        put_moment(out, "  this is as of ", profile->updated_at_ms);
        (void)fputc('\n', out);
    }
}

static void put_words(struct slice words, FILE *out)
{
    if (words.size > 0) {
        (void)fputs(": ", out);
        show_text(words, out);
    }
    (void)fputc('\n', out);
}

static void put_figures(const struct playbook *playbook, const struct feature_value *values,
                        FILE *out)
{
    uint32_t unknown = 0;
    (void)fputs("\nWorked out from your payments and your use of the app. Single payments are not "
                "kept here, only their ids\n"
                "for a while, and what is needed to take one back, so that none counts twice.\n",
                out);
    for (uint32_t i = 0; i < playbook->name_count; i++) {
        if (!values[i].present || plain_is_idle(playbook, i, values)) {
            unknown++;
            continue;
        }
        (void)fprintf(out, "  %s: ", playbook->names[i].name);
        plain_value(playbook, i, &values[i], out);
        (void)fputs("\n      ", out);
        plain_meaning(playbook, i, out);
        (void)fputc('\n', out);
    }
    (void)fprintf(out, "  of %u more nothing is known\n", unknown);
}

static bool has_signs(const struct explanation *e)
{
    for (uint32_t i = 0; i < e->signal_count; i++) {
        if (e->signals[i].weighs != 0) {
            return true;
        }
    }
    return false;
}

/* What is over, and what was not enough to suspect anything, is held too. */
static bool put_life(const struct explanation *e, FILE *out)
{
    bool signs = !e->holds && has_signs(e);
    if (!e->holds && e->ended_ms == 0 && !signs) {
        return false;
    }
    (void)fprintf(out, "  %.*s", SLICE_ARG(e->definition.id));
    if (e->holds) {
        (void)fputs(e->confirmed ? ", taken as certain" : ", only suspected", out);
        put_moment(out, ", since ", e->since_ms);
    } else if (e->ended_ms != 0) {
        put_moment(out, ", no longer thought so, since ", e->ended_ms);
    } else {
        (void)fputs(", not suspected", out);
    }
    (void)fputs(signs ? "; signs of it are kept" : "", out);
    put_words(e->about, out);
    return true;
}

static bool put_segment(const struct explanation *e, FILE *out)
{
    if (!e->holds) {
        return false;
    }
    (void)fprintf(out, "  %.*s", SLICE_ARG(e->definition.id));
    put_moment(out, ", since ", e->since_ms);
    if (e->disclosure.size == 0 && e->need.size > 0) {
        (void)fputs(", as you may need", out);
    }
    put_words(e->disclosure.size > 0 ? e->disclosure : e->need, out);
    return true;
}

static bool put_offer(const struct explanation *e, FILE *out)
{
    if (e->offered_ms == 0 && e->held_until_ms == 0) {
        return false;
    }
    (void)fprintf(out, "  %.*s", SLICE_ARG(e->definition.id));
    if (e->offered_ms != 0) {
        put_moment(out, ", last proposed ", e->offered_ms);
        (void)fprintf(out, " by %s", codes_text(&codes_channel, e->channel));
    }
    if (e->heard_ms != 0) {
        (void)fprintf(out, "; what came back: %s", codes_text(&codes_outcome, e->heard));
        put_moment(out, ", ", e->heard_ms);
    }
    if (e->held_until_ms != 0) {
        put_moment(out, ", waits for the end of your night, ", e->held_until_ms);
    }
    put_words(e->about, out);
    return true;
}

enum status subject_access_values(const struct engine *engine, const struct playbook *playbook,
                                  const void *task, const struct customer *customer, int64_t now_ms,
                                  struct arena *arena, FILE *out)
{
    const struct {
        const char *title;
        enum explain_kind kind;
        uint32_t count;
        bool (*put)(const struct explanation *e, FILE *out); /* false: nothing to say */
    } kinds[] = {
        {"\nChanges in your life that we think have happened, or thought so, or saw signs of\n",
         EXPLAIN_LIFE_EVENT, playbook->life.count, put_life},
        {"\nGroups you are in\n", EXPLAIN_SEGMENT, playbook->segments.count, put_segment},
        {"\nWhat was proposed to you, or waits to be\n", EXPLAIN_OFFER, playbook->offers.count,
         put_offer}};
    const struct feature_value *values;
    arena_reset(arena);
    enum status status = engine_values(engine, customer, now_ms, arena, &values);
    if (status == STATUS_OK) {
        put_figures(playbook, values, out);
    }
    for (size_t k = 0; k < ARRAY_COUNT(kinds) && status == STATUS_OK; k++) {
        bool any = false;
        (void)fputs(kinds[k].title, out);
        for (uint32_t i = 0; i < kinds[k].count && status == STATUS_OK; i++) {
            struct explanation explanation;
            arena_reset(arena);
            status = engine_explain(engine, task, customer, kinds[k].kind, i, now_ms, NULL, arena,
                                    &explanation);
            if (status == STATUS_OK) {
                any = kinds[k].put(&explanation, out) || any;
            }
        }
        (void)fputs(any ? "" : "  none\n", out);
    }
    return status;
}

void subject_access_end(const struct settings *settings, FILE *out)
{
    (void)fprintf(
        out,
        "\nWhere it is: in Redis, for the bank's own systems to read; and as messages in Kafka, "
        "with every change that\n"
        "was announced (%s, %s, %s) and with what is needed to restore it.\n"
        "No decision here is made by a person. `segue why CUSTOMER SEGMENT-OR-OFFER` says for each "
        "how it came about.\n"
        "To have it corrected, the bank corrects its records: what follows from them is worked out "
        "anew.\n"
        "To have it erased: `segue erase CUSTOMER`, which says by when the last copy is gone.\n",
        settings->topics[OUTPUT_SEGMENT_CHANGED], settings->topics[OUTPUT_LIFE_EVENT],
        settings->topics[OUTPUT_OFFER_DECIDED]);
}
