/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/plain_words.h"

#include <inttypes.h>
#include <string.h>

#include "base/attributes.h"
#include "base/civil.h"
#include "base/show.h"
#include "features/series.h"
#include "model/fields.h"

/* "the sum of " VALUE " of " EVENTS: what stands before the value and before the events. NULL: it has no value. */
static const struct {
    const char *of_value, *of_events;
} kinds[] = {
    [FEATURE_COUNT] = {NULL, "how many there were of "},
    [FEATURE_SUM] = {"the sum of ", " of "},
    [FEATURE_AVG] = {"the average of ", " of "},
    [FEATURE_MIN] = {"the smallest of ", " of "},
    [FEATURE_MAX] = {"the largest of ", " of "},
    [FEATURE_ACTIVE_DAYS] = {NULL, "on how many days there were any of "},
    [FEATURE_STREAK] = {NULL, "on how many days in a row, up to today, there were any of "},
    [FEATURE_LONGEST_STREAK] = {NULL, "the most days in a row with any of "},
    [FEATURE_TREND] = {"how much a day's sum grows or falls each day, of ", " of "},
    [FEATURE_DECAY] = {"the sum, in which older days count less, of ", " of "},
    [FEATURE_FIRST] = {"what came first as ", " of "},
    [FEATURE_LAST] = {"what came last as ", " of "},
    [FEATURE_NTH] = {"what came some time ago as ", " of "},
    [FEATURE_TIME_SINCE] = {NULL, "the time since the last of "},
    [FEATURE_DAYS_SINCE] = {NULL, "days since the last of "},
    [FEATURE_DAYS_SINCE_FIRST] = {NULL, "days since the first of "},
    [FEATURE_DISTINCT] = {"how many different values there were of ", " of "},
    [FEATURE_TOP] = {"what came most often as ", " of "},
    [FEATURE_TOP_COUNT] = {"how often the most frequent value came as ", " of "},
    [FEATURE_QUANTILE] = {"what is usual as ", " of "},
    [FEATURE_MAD] = {"how far it usually is from what is usual for you, of ", " of "},
    [FEATURE_SESSIONS] = {NULL, "how many times, without long breaks between, there were any of "},
    [FEATURE_SEQUENCE] = {NULL, "when two things last came one after the other among "},
    [FEATURE_ABSENCE] = {NULL, "whether something was expected and did not come among "},
    [FEATURE_RATIO] = {NULL, "one figure as a part of another: "},
    [FEATURE_RFM] = {NULL, "marks from 1 to 5 for how recent, how many and how much: "},
};
_Static_assert(ARRAY_COUNT(kinds) == FEATURE_KIND_COUNT, "words for each kind");

static const char *const events[] = {
    [SOURCE_TRANSACTIONS] = "your payments",
    [SOURCE_APP_ENGAGEMENT] = "your use of the app",
    [SOURCE_CUSTOMER_PROFILES] = "your bank's records of you",
    [SOURCE_OFFER_OUTCOMES] = "your answers to offers",
    [SOURCE_LIFE_EVENT_FEEDBACK] = "what was said about changes in your life",
    [SOURCE_SCORES] = "what other models of the bank say of you",
};
_Static_assert(ARRAY_COUNT(events) == SOURCE_COUNT, "words for each source");

static const char *const of_series[] = {
    [SERIES_HITS] = "how many equal payments were seen",
    [SERIES_MISSES] = "how many expected payments are overdue",
    [SERIES_LAST_AT] = "when the last payment came",
    [SERIES_NEXT_AT] = "when the next payment is expected",
    [SERIES_NEXT_FROM] = "the earliest moment at which the next payment is expected",
    [SERIES_NEXT_UNTIL] = "the latest moment at which the next payment is expected",
    [SERIES_REGULARITY] = "how regular it is: percent of payments on the usual day",
    [SERIES_SPREAD_PERCENT] = "how much the amounts differ, in percent",
    [SERIES_PERIOD_DAYS] = "days from one payment to the next",
    [SERIES_AMOUNT] = "the amount",
    [SERIES_AMOUNT_BEFORE] = "the amount before it last changed",
    [SERIES_FIRST_AT] = "when the first payment came",
    [SERIES_ACTIVE] = "how many of these go on",
    [SERIES_OVERDUE] = "how many of these are overdue",
    [SERIES_NEW_PAYER_HITS] = "how many payments came from somebody new since",
    [SERIES_MONEY] = "money from the main one in 30 days",
    [SERIES_TOTAL_MONEY] = "money from all of them in 30 days",
    [SERIES_CHANGE_PERCENT] = "how much the amount has changed, in percent",
    [SERIES_RENAMED_AT] = "when it went on under another payer's name",
    [SERIES_STOPPED_FIRST_AT] = "the first payment of one that has stopped",
    [SERIES_STOPPED_AT] = "the last payment of one that has stopped",
    [SERIES_STOPPED_DUE_AT] = "when a payment was expected that did not come",
    [SERIES_STOPPED_MONEY] = "money in 30 days from one that has stopped",
    [SERIES_STOPPED_HITS] = "how many payments came from one that has stopped",
    [SERIES_STOPPED_GAPS] = "how often it had stopped before and come back",
    [SERIES_STOPPED_PERIOD_DAYS] = "days between the payments of one that has stopped",
    [SERIES_STARTS] = "how many began lately",
    [SERIES_STOPS] = "how many stopped lately",
};
_Static_assert(ARRAY_COUNT(of_series) == SERIES_FIELD_COUNT, "words for each field");

/* `name` is no feature of its own. */
static const struct series_def *series_of(const struct playbook *playbook, uint32_t name,
                                          enum series_field *out_field)
{
    for (uint32_t i = 0; i < playbook->series_count; i++) {
        const struct series_def *series = &playbook->series[i];
        if (name >= series->first_feature && name < series->first_feature + SERIES_FIELD_COUNT) {
            *out_field = (enum series_field)(name - series->first_feature);
            return series;
        }
    }
    return NULL;
}

bool plain_is_idle(const struct playbook *playbook, uint32_t name,
                   const struct feature_value *values)
{
    enum series_field field;
    const struct series_def *series = series_of(playbook, name, &field);
    return series != NULL && values[series->first_feature + SERIES_HITS].i == 0;
}

static const char *field_of(const struct feature_def *def)
{
    const struct field_table *table = fields_of(def->source);
    return def->from == FEATURE_FROM_FIELD && def->value_field < table->count
               ? table->fields[def->value_field].name
               : "";
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), of_end = strlen(end);
    return size >= of_end && strcmp(text + size - of_end, end) == 0;
}

/* amount_minor -> "amount". */
static void put_field(const struct feature_def *def, FILE *out)
{
    const char *name = field_of(def);
    size_t size = strlen(name) - (ends_with(name, "_minor") ? strlen("_minor") : 0);
    for (size_t i = 0; i < size; i++) {
        (void)fputc(name[i] == '_' ? ' ' : name[i], out);
    }
    if (size == 0 && (def->from == FEATURE_FROM_TIME || def->from == FEATURE_FROM_DAY)) {
        (void)fputs("the time", out);
    } else if (size == 0) {
        show_text(def->value_text, out);
    }
}

static void put_window(const struct feature_def *def, FILE *out)
{
    if (def->unit == FEATURE_EVENTS) {
        (void)fprintf(out, ", the last %" PRIu32 " of them", def->length);
    } else if (def->unit != FEATURE_ALL) {
        bool hours = def->unit == FEATURE_MINUTES && def->length % 60 == 0;
        (void)fprintf(out, " in the last %" PRIu32 " %s", hours ? def->length / 60 : def->length,
                      hours                       ? "hours"
                      : def->unit == FEATURE_DAYS ? "days"
                                                  : "minutes");
    }
}

static void put_condition(const char *before, struct slice text, FILE *out)
{
    if (text.size > 0) {
        (void)fputs(before, out);
        show_text(text, out);
    }
}

static void put_operands(const struct playbook *playbook, const struct feature_def *def, FILE *out)
{
    uint32_t count = def->kind == FEATURE_RATIO ? 2 : 3;
    for (uint32_t i = 0; i < count; i++) {
        (void)fprintf(out, "%s%s", i == 0 ? "" : ", ", playbook->names[def->operands[i]].name);
    }
}

static void put_definition(const struct playbook *playbook, const struct feature_def *def,
                           FILE *out)
{
    if (kinds[def->kind].of_value != NULL) {
        (void)fputs(kinds[def->kind].of_value, out);
        put_field(def, out);
    }
    (void)fputs(kinds[def->kind].of_events, out);
    if (def->kind == FEATURE_RATIO || def->kind == FEATURE_RFM) {
        put_operands(playbook, def, out);
        return;
    }
    (void)fputs(events[def->source], out);
    put_window(def, out);
    put_condition(", of those where ", def->where_text, out);
    put_condition(", then ", def->then_text, out);
}

void plain_meaning(const struct playbook *playbook, uint32_t name, FILE *out)
{
    enum series_field field;
    const struct series_def *series = series_of(playbook, name, &field);
    if (series != NULL) {
        show_text(series->about.size > 0 ? series->about : slice_text("regular payments"), out);
        (void)fprintf(out, ": %s", of_series[field]);
        return;
    }
    const struct feature_def *def = &playbook->feature_defs[name];
    if (def->about.size > 0) {
        show_text(def->about, out);
    } else {
        put_definition(playbook, def, out);
    }
}

/* A value of the field's own unit. */
static bool keeps_unit(enum feature_kind kind)
{
    return kind != FEATURE_DISTINCT && kind != FEATURE_TOP_COUNT;
}

static bool is_money(const struct playbook *playbook, uint32_t name)
{
    enum series_field field;
    if (series_of(playbook, name, &field) != NULL) {
        return field == SERIES_AMOUNT || field == SERIES_AMOUNT_BEFORE || field == SERIES_MONEY ||
               field == SERIES_TOTAL_MONEY || field == SERIES_STOPPED_MONEY;
    }
    const struct feature_def *def = &playbook->feature_defs[name];
    return ends_with(field_of(def), "_minor") && keeps_unit(def->kind);
}

/* Digits of the minor unit, by ISO 4217. */
static int minor_digits(struct slice currency)
{
    static const char *const of_none[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                          "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                          "VND", "VUV", "XAF", "XOF", "XPF"};
    static const char *const of_three[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
    for (size_t i = 0; i < ARRAY_COUNT(of_none); i++) {
        if (slice_is(currency, of_none[i])) {
            return 0;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(of_three); i++) {
        if (slice_is(currency, of_three[i])) {
            return 3;
        }
    }
    return 2;
}

/* Empty: not known, as of `currency: any` and of a series, which takes payments of whatever currency. */
static struct slice currency_of(const struct playbook *playbook, uint32_t name)
{
    enum series_field field;
    return series_of(playbook, name, &field) == NULL ? playbook->feature_defs[name].currency
                                                     : slice_of(NULL, 0);
}

static void put_money(struct slice currency, double minor, FILE *out)
{
    static const double units[] = {1, 10, 100, 1000};
    int digits = minor_digits(currency);
    (void)fprintf(out, "%.*f%s%.*s", digits, minor / units[digits], currency.size > 0 ? " " : "",
                  SLICE_ARG(currency));
}

static double number_of(const struct feature_value *value)
{
    return value->type == FEATURE_INT ? (double)value->i : value->d;
}

bool plain_amount(const struct playbook *playbook, uint32_t name, const struct feature_value *value,
                  FILE *out)
{
    bool number = value->type == FEATURE_INT || value->type == FEATURE_DOUBLE;
    if (!value->present || !number || !is_money(playbook, name)) {
        return false;
    }
    struct slice currency = currency_of(playbook, name);
    if (currency.size > 0) {
        put_money(currency, number_of(value), out);
    } else {
        (void)fprintf(out, "%.15g (minor units)", number_of(value));
    }
    return true;
}

static bool is_span(const struct playbook *playbook, uint32_t name)
{
    enum series_field field;
    return series_of(playbook, name, &field) == NULL &&
           playbook->feature_defs[name].kind == FEATURE_TIME_SINCE;
}

void plain_value(const struct playbook *playbook, uint32_t name, const struct feature_value *value,
                 FILE *out)
{
    char at[CIVIL_TEXT_SIZE];
    bool number = value->type == FEATURE_INT || value->type == FEATURE_DOUBLE;
    if (number && is_money(playbook, name)) {
        put_money(currency_of(playbook, name), number_of(value), out);
        return;
    }
    switch (value->type) {
    case FEATURE_INT:
        if (is_span(playbook, name)) {
            (void)fprintf(out, "%.1f hours", (double)value->i / 3600000);
        } else {
            (void)fprintf(out, "%" PRId64, value->i);
        }
        return;
    case FEATURE_DOUBLE:
        (void)fprintf(out, "%.4g", value->d);
        return;
    case FEATURE_BOOL:
        (void)fputs(value->i != 0 ? "yes" : "no", out);
        return;
    case FEATURE_TIME:
        civil_format_time(value->i, at);
        (void)fputs(at, out);
        return;
    case FEATURE_STRING:
        show_text(value->text, out);
        return;
    }
}
