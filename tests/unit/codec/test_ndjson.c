/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/ndjson.h"

#include "model/fields.h"
#include "support/suite.h"

static uint8_t block[1 << 16];
static struct arena arena;
static struct event event;
static struct ndjson_error error;

/* Lines below are written with ' for ", to be legible. */
static enum status parse(const char *text)
{
    static char line[4096];
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        line[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    }
    arena_init(&arena, block, sizeof block);
    return ndjson_parse(slice_of(line, size), &arena, &event, &error);
}

START_TEST(a_transaction_reads_as_the_contract_says)
{
    event.offset = 5;
    ck_assert_int_eq(
        parse("{'source':'transactions','event':{'event_id':'e1','customer_id':'c1','booked_at':"
              "'2026-11-25T10:00:00Z','amount_minor':1250,'currency':'GBP','direction':'CREDIT','"
              "kind':'CARD',"
              "'mcc':5411,'reverses':null}}"),
        STATUS_OK);
    ck_assert_int_eq(event.time_ms, INT64_C(1795600800000));
    ck_assert_int_eq(event.tx.amount_minor, 1250);
    ck_assert_int_eq(event.tx.direction, DIRECTION_CREDIT);
    ck_assert_int_eq(event.tx.status, TX_POSTED);
    ck_assert_int_eq(event.tx.kind, KIND_CARD);
    ck_assert_int_eq(event.offset, 5);
    ck_assert(event_has(&event, (uint32_t)fields_find(SOURCE_TRANSACTIONS, slice_text("mcc"))));
    ck_assert(
        !event_has(&event, (uint32_t)fields_find(SOURCE_TRANSACTIONS, slice_text("reverses"))));
}
END_TEST

START_TEST(a_profile_has_dates_sets_and_consents)
{
    ck_assert_int_eq(
        parse("{'source':'customer-profiles','event':{'customer_id':'c1','updated_at':5,'birth_"
              "date':'1990-01-02',"
              "'relationship_since':0,'products_held':['SAVINGS','FX'],'complaint_open':false,"
              "'consents':[{'purpose':'MARKETING','channel':'EMAIL','status':'GRANTED','updated_at'"
              ":7}]}}"),
        STATUS_OK);
    ck_assert_int_eq(event.profile.birth_day, 7306);
    ck_assert_uint_eq(event.profile.products_held, 1U << ACCOUNT_SAVINGS | 1U << PRODUCT_FX);
    ck_assert_uint_eq(event.profile.consent_count, 1);
    ck_assert_int_eq(event.profile.consents[0].updated_at_ms, 7);
    ck_assert_uint_eq(event.profile.consents[0].status, CONSENT_GRANTED);
}
END_TEST

START_TEST(a_null_profile_erases)
{
    ck_assert_int_eq(parse("{'source':'customer-profiles','key':'c9','event':null}"), STATUS_OK);
    ck_assert(event.profile.erase);
    ck_assert(slice_is(event.customer_id, "c9"));
    ck_assert_int_eq(parse("{'source':'customer-profiles','event':null}"), STATUS_INVALID);
    ck_assert_int_eq(parse("{'source':'transactions','key':'c9','event':null}"), STATUS_INVALID);
}
END_TEST

#define SCORE(rest) "{'source':'scores','event':{'customer_id':'c','name':'n'," rest "}}"
#define AMOUNT(amount)                                                                             \
    "{'source':'transactions','event':{'event_id':'e','customer_id':'c','booked_at':5,"            \
    "'amount_minor':" amount ",'currency':'GBP','direction':'DEBIT'}}"
#define PAID(currency)                                                                             \
    "{'source':'transactions','event':{'event_id':'e','customer_id':'c','booked_at':5,"            \
    "'amount_minor':1,'currency':'" currency "','direction':'DEBIT'}}"
#define DATES(birth, since)                                                                        \
    "{'source':'customer-profiles','event':{'customer_id':'c','updated_at':5,'birth_date':" birth  \
    ",'relationship_since':" since "}}"
#define CONSENT(time)                                                                              \
    "{'source':'customer-profiles','event':{'customer_id':'c','updated_at':5,'consents':["         \
    "{'purpose':'MARKETING','channel':'PUSH','status':'WITHDRAWN','updated_at':5},"                \
    "{'purpose':'MARKETING','channel':'EMAIL','status':'GRANTED','updated_at':" time "}]}}"
static const struct {
    const char *line;
    uint32_t column;
    enum reject_reason reason;
    const char *message;
} wrong[] = {
    {"{'source':'scores'", 18, REJECT_BAD_VALUE, NULL},
    {"[]", 1, REJECT_BAD_VALUE, "a line is an object"},
    {"{'source':'score','event':{}}", 3, REJECT_BAD_VALUE, NULL},
    {"{'source':'scores','evnt':{}}", 21, REJECT_BAD_VALUE,
     "a line has source, event and key, no `evnt`"},
    {SCORE("'value':1,'scored_at':5,'scored_at':6"), 0, REJECT_BAD_VALUE, NULL},
    {SCORE("'valuue':1,'scored_at':5"), 59, REJECT_BAD_VALUE,
     "scores have no field `valuue`; did you mean `value`?"},
    {SCORE("'value':'1','scored_at':5"), 59, REJECT_BAD_VALUE, "`value` is a number"},
    {SCORE("'value':1,'scored_at':'today'"), 69, REJECT_BAD_VALUE,
     "`scored_at` is a time: \"2026-11-25T10:00:00Z\" or milliseconds since 1970"},
    {SCORE("'value':1"), 21, REJECT_MISSING_FIELD, "scores need `scored_at`"},
    {SCORE("'value':1,'scored_at':null"), 21, REJECT_MISSING_FIELD, "scores need `scored_at`"},
    {SCORE("'value':1,'scored_at':999999999999999"), 69, REJECT_OUT_OF_RANGE,
     "`scored_at` is not acceptable: out_of_range"},
    {AMOUNT("0"), 83, REJECT_OUT_OF_RANGE, "`amount_minor` is not acceptable: out_of_range"},
    {AMOUNT("1000000000000001"), 83, REJECT_OUT_OF_RANGE,
     "`amount_minor` is not acceptable: out_of_range"},
    {PAID("GB"), 100, REJECT_OUT_OF_RANGE, "`currency` is not acceptable: out_of_range"},
    {PAID("gbp"), 100, REJECT_OUT_OF_RANGE, "`currency` is not acceptable: out_of_range"},
    {PAID("G1P"), 100, REJECT_OUT_OF_RANGE, "`currency` is not acceptable: out_of_range"},
    {DATES("2147483647", "0"), 74, REJECT_OUT_OF_RANGE,
     "`birth_date` is not acceptable: out_of_range"},
    {DATES("'0000-12-31'", "0"), 74, REJECT_OUT_OF_RANGE,
     "`birth_date` is not acceptable: out_of_range"},
    {DATES("'0001-01-01'", "2932897"), 100, REJECT_OUT_OF_RANGE,
     "`relationship_since` is not acceptable: out_of_range"},
    {CONSENT("1700000000000000"), 74, REJECT_OUT_OF_RANGE,
     "`consents.updated_at` is not acceptable: out_of_range"},
    {CONSENT("'1899-12-31T23:59:59Z'"), 74, REJECT_OUT_OF_RANGE,
     "`consents.updated_at` is not acceptable: out_of_range"},
    {"{'source':'offer-outcomes','event':{'event_id':'e','customer_id':'c','decision_id':'d','"
     "offer_id':'o',"
     "'outcome':'CLICKD','occurred_at':1}}",
     104, REJECT_BAD_VALUE, "`outcome` has no code `CLICKD`; did you mean `CLICKED`?"},
};

START_TEST(what_is_wrong_is_said_with_its_column)
{
    event.time_ms = 77;
    ck_assert_int_eq(parse(wrong[_i].line), STATUS_INVALID);
    ck_assert_int_eq(error.reason, wrong[_i].reason);
    ck_assert_msg(wrong[_i].column == 0 || error.column == wrong[_i].column, "%s: column %u",
                  wrong[_i].line, error.column);
    if (wrong[_i].message != NULL) {
        ck_assert_str_eq(error.text.text, wrong[_i].message);
    }
    ck_assert_int_eq(event.time_ms, 77); /* untouched */
}
END_TEST

START_TEST(the_largest_amount_is_one)
{
    ck_assert_int_eq(parse(AMOUNT("1000000000000000")), STATUS_OK);
    ck_assert_int_eq(event.tx.amount_minor, EVENT_AMOUNT_MINOR_MAX);
}
END_TEST

/* A clerk's slip of a year, or 9999-12-31 for "open": whoever refuses what lies ahead sees all times. */
START_TEST(the_times_inside_an_event_count_as_its_own)
{
    const char *field = "?";
    ck_assert_int_eq(parse(CONSENT("'9999-12-31T00:00:00Z'")), STATUS_OK);
    ck_assert(event_is_beyond(&event, INT64_C(253402214399999), &field));
    ck_assert_str_eq(field, "consents.updated_at");
    field = "?";
    ck_assert(!event_is_beyond(&event, INT64_C(253402214400000), &field));
    ck_assert_str_eq(field, "?");
    ck_assert(event_is_beyond(&event, 4, &field));
    ck_assert_str_eq(field, "updated_at");
    ck_assert_int_eq(parse(SCORE("'value':1,'scored_at':5")), STATUS_OK);
    ck_assert(!event_is_beyond(&event, 5, &field));
    ck_assert(event_is_beyond(&event, 4, &field));
    ck_assert_str_eq(field, "scored_at");
}
END_TEST

START_TEST(a_full_arena_is_no_fault_of_the_line)
{
    static const char line[] =
        "{\"source\":\"scores\",\"event\":{\"customer_id\":\"c\",\"name\":\"n\","
        "\"value\":1,\"scored_at\":5}}";
    arena_init(&arena, block, 16);
    ck_assert_int_eq(ndjson_parse(slice_text(line), &arena, &event, &error), STATUS_FULL);
}
END_TEST

/* Whatever room there is: the whole event, or none of it. */
START_TEST(an_attribute_keeps_its_name_or_does_not_fit)
{
    static const char line[] =
        "{\"source\":\"app-engagement\",\"event\":{\"event_id\":\"e\",\"customer_id\":\"c\","
        "\"occurred_at\":5,\"event\":\"x\",\"attributes\":{\"abcdefghijklmnopqrstuvwxyz"
        "abcdefghijklmnopqrstuvwxyz\":\"\"}}}";
    bool fitted = false;
    for (size_t size = 1; size < 256; size++) {
        arena_init(&arena, block, size);
        enum status status = ndjson_parse(slice_text(line), &arena, &event, &error);
        ck_assert_msg(status == (fitted ? STATUS_OK : STATUS_FULL) || status == STATUS_OK, "%s",
                      error.text.text);
        fitted = status == STATUS_OK;
        ck_assert(!fitted || event.app.attributes[0].name.size == 52);
    }
    ck_assert(fitted);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ndjson");
    TCase *tests = tcase_create("ndjson");
    tcase_add_test(tests, a_transaction_reads_as_the_contract_says);
    tcase_add_test(tests, a_profile_has_dates_sets_and_consents);
    tcase_add_test(tests, a_null_profile_erases);
    tcase_add_loop_test(tests, what_is_wrong_is_said_with_its_column, 0,
                        sizeof wrong / sizeof wrong[0]);
    tcase_add_test(tests, an_attribute_keeps_its_name_or_does_not_fit);
    tcase_add_test(tests, the_largest_amount_is_one);
    tcase_add_test(tests, the_times_inside_an_event_count_as_its_own);
    tcase_add_test(tests, a_full_arena_is_no_fault_of_the_line);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
