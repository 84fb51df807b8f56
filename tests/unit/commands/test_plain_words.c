/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts in their currency, and what is none. */
#include "support/suite.h"

#include <stdlib.h>

#include "base/attributes.h"
#include "commands/plain_words.h"
#include "model/fields.h"

/* `field`: of a transaction. */
static const struct {
    const char *field, *currency;
    struct feature_value value;
    const char *amount;
} figures[] = {
    {"amount_minor", "GBP", {.present = true, .type = FEATURE_INT, .i = 250105}, "2501.05 GBP"},
    {"amount_minor", "EUR", {.present = true, .type = FEATURE_INT, .i = -5}, "-0.05 EUR"},
    {"balance_after_minor",
     "GBP",
     {.present = true, .type = FEATURE_DOUBLE, .d = 1234.5},
     "12.35 GBP"},
    {"amount_minor", "JPY", {.present = true, .type = FEATURE_INT, .i = 5400}, "5400 JPY"},
    {"amount_minor", "KWD", {.present = true, .type = FEATURE_INT, .i = 5400}, "5.400 KWD"},
    {"amount_minor",
     "",
     {.present = true, .type = FEATURE_INT, .i = 12345678901},
     "12345678901 (minor units)"},
    {"amount_minor", "GBP", {.present = false, .type = FEATURE_INT, .i = 1}, NULL},
    {"mcc", "GBP", {.present = true, .type = FEATURE_INT, .i = 5411}, NULL},
    {"booked_at", "GBP", {.present = true, .type = FEATURE_TIME, .i = 5411}, NULL},
};

START_TEST(an_amount_is_printed_in_its_currency_and_nothing_else_is)
{
    struct feature_def def = {
        .source = SOURCE_TRANSACTIONS, .from = FEATURE_FROM_FIELD, .kind = FEATURE_MAX};
    struct playbook playbook = {.feature_defs = &def, .feature_count = 1};
    const struct field_table *table = fields_of(SOURCE_TRANSACTIONS);
    while (strcmp(table->fields[def.value_field].name, figures[_i].field) != 0) {
        def.value_field++;
        ck_assert_uint_lt(def.value_field, table->count);
    }
    def.currency = slice_text(figures[_i].currency);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool amount = plain_amount(&playbook, 0, &figures[_i].value, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(amount == (figures[_i].amount != NULL));
    ck_assert_str_eq(text, amount ? figures[_i].amount : "");
    free(text);
}
END_TEST

/* Whatever the playbook's currency is: a series takes payments of any. */
START_TEST(an_amount_of_a_series_is_in_minor_units)
{
    struct series_def series = {.first_feature = 0};
    struct feature_def def = {.currency = slice_text("GBP")};
    struct playbook playbook = {.series = &series, .series_count = 1, .feature_defs = &def};
    struct feature_value value = {.present = true, .type = FEATURE_INT, .i = 250105};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(plain_amount(&playbook, SERIES_AMOUNT, &value, out));
    ck_assert(!plain_amount(&playbook, SERIES_HITS, &value, out));
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, "250105 (minor units)");
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plain_words");
    TCase *tc = tcase_create("plain_words");
    tcase_add_loop_test(tc, an_amount_is_printed_in_its_currency_and_nothing_else_is, 0,
                        (int)ARRAY_COUNT(figures));
    tcase_add_test(tc, an_amount_of_a_series_is_in_minor_units);
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
