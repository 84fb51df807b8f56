/* SPDX-License-Identifier: Apache-2.0 */
/* Good bytes, and every kind of bad ones. */
#include "by_hand.h"

static struct slice contract_of(enum source source)
{
    return schemas_text(schemas_name_of_source(source));
}

static const struct plan *contract_plan(const struct source_mapping *mapping)
{
    static char text[65536];
    struct slice schema = contract_of(mapping->source);
    memcpy(text, schema.data, schema.size);
    text[schema.size] = '\0';
    return plan_for(text, mapping);
}

/* A transaction of the contract: every nullable field null from `reverses` on but mcc. */
static void put_transaction(int64_t amount_minor)
{
    put_text("e1");
    put_text("c1");
    bytes_put_varint(&w, 1);
    put_text("acc");
    bytes_put_varint(&w, 1); /* CURRENT: second symbol of the contract */
    bytes_put_varint(&w, INT64_C(1700000000123));
    bytes_put_varint(&w, amount_minor);
    put_text("GBP");
    bytes_put_varint(&w, 1); /* CREDIT */
    bytes_put_varint(&w, 0); /* POSTED */
    bytes_put_varint(&w, 0); /* reverses null */
    bytes_put_varint(&w, 1); /* CARD */
    bytes_put_varint(&w, 1);
    bytes_put_varint(&w, 5411);
    for (int i = 0; i < 7; i++) {
        bytes_put_varint(&w, 0); /* merchant_name .. channel: null */
    }
}

START_TEST(decode_reads_a_transaction_of_the_contract)
{
    const struct plan *plan = contract_plan(&transactions);
    event.partition = 7;
    event.offset = 42;
    put_transaction(1250);
    ck_assert(decode(plan));
    ck_assert(slice_is(event.event_id, "e1") && slice_is(event.customer_id, "c1"));
    ck_assert(slice_is(event.tx.account_id, "acc") && slice_is(event.tx.currency, "GBP"));
    ck_assert_int_eq(event.time_ms, INT64_C(1700000000123));
    ck_assert_int_eq(event.tx.amount_minor, 1250);
    ck_assert_int_eq(event.tx.mcc, 5411);
    ck_assert_int_eq(event.tx.account_type, ACCOUNT_CURRENT);
    ck_assert_int_eq(event.tx.direction, DIRECTION_CREDIT);
    ck_assert_int_eq(event.tx.kind, KIND_CARD);
    ck_assert_int_eq(event.source, SOURCE_TRANSACTIONS);
    ck_assert_int_eq(event.offset, 42);
    ck_assert_uint_eq(event.partition, 7);
    ck_assert(event_has(&event, (uint32_t)fields_find(SOURCE_TRANSACTIONS, slice_text("mcc"))));
    ck_assert(
        !event_has(&event, (uint32_t)fields_find(SOURCE_TRANSACTIONS, slice_text("reference"))));
    ck_assert_uint_eq(event.tx.reference.size, 0);
}
END_TEST

START_TEST(decode_refuses_every_cut_and_every_leftover)
{
    const struct plan *plan = contract_plan(&transactions);
    put_transaction(1250);
    size_t whole = w.size;
    for (w.size = 0; w.size < whole; w.size++) {
        ck_assert(!decode(plan));
        ck_assert_int_eq(reject.reason, REJECT_TRUNCATED);
        ck_assert_uint_le(reject.at, w.size);
    }
    w.size = whole + 1;
    out_block[whole] = 0;
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_TRAILING_BYTES);
    ck_assert_uint_eq(reject.at, whole);
}
END_TEST

START_TEST(decode_refuses_amounts_that_are_not_above_zero)
{
    const struct plan *plan = contract_plan(&transactions);
    put_transaction(_i);
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_OUT_OF_RANGE);
    ck_assert_str_eq(reject.field, "amount_minor");
}
END_TEST

START_TEST(decode_refuses_what_is_too_large)
{
    const struct plan *plan = contract_plan(&transactions);
    put_transaction(1);
    ck_assert(!decode_event(plan, slice_of(out_block, w.size), w.size - 1, &event, &reject));
    ck_assert_int_eq(reject.reason, REJECT_TOO_LARGE);
    w.size = 0;
    bytes_put_varint(&w, EVENT_STRING_SIZE_MAX + 1);
    w.size += EVENT_STRING_SIZE_MAX + 1;
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_TOO_LARGE);
    ck_assert_str_eq(reject.field, "event_id");
}
END_TEST

/* score schema with one more field, skipped, before scored_at */
static const struct plan *plan_with_junk(const char *junk)
{
    char schema[1000];
    (void)snprintf(schema, sizeof schema,
                   RECORD(SCORE_HEAD FIELD("value", "'int'") "," FIELD(
                       "scored_at", "'long'") ",{'name':'junk','type':%s}"),
                   junk);
    const struct plan *plan = plan_for(schema, &scores);
    ck_assert_msg(plan != NULL, "%s", why.text);
    put_text("c");
    put_text("n");
    bytes_put_varint(&w, 1);
    bytes_put_varint(&w, 1700000000000);
    return plan;
}

static const struct {
    const char *type;
    const char *bytes;
    uint32_t size;
    enum reject_reason reason;
} hostile[] = {
    {"'boolean'", "\x02", 1, REJECT_BAD_VALUE},
    {"{'type':'enum','name':'E','symbols':['A','B']}", "\x04", 1, REJECT_BAD_VALUE},
    {"{'type':'enum','name':'E','symbols':['A','B']}", "\x01", 1, REJECT_BAD_VALUE},
    {"['null','int']", "\x04", 1, REJECT_BAD_VALUE},
    {"['int','string','null']", "\x06", 1, REJECT_BAD_VALUE},
    {"'int'", "\x80\x80\x80\x80\x20", 5, REJECT_BAD_VALUE}, /* 2^32 */
    {"'long'", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, REJECT_BAD_VALUE},
    {"'long'", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11, REJECT_BAD_VALUE},
    {"'string'", "\x01", 1, REJECT_BAD_VALUE}, /* length -1 */
    {"'string'", "\xfe\xff\xff\xff\x0f", 5, REJECT_TRUNCATED},
    {"'bytes'",
     "\x04"
     "a",
     2, REJECT_TRUNCATED},
    {"{'type':'array','items':'null'}", "\x80\x89\x7a\x00", 4,
     REJECT_TOO_LARGE}, /* 1,000,000 nulls */
    {"{'type':'array','items':'int'}", "\x80\x89\x7a\x00", 4, REJECT_TRUNCATED},
    {"{'type':'array','items':'int'}", "\x03\x06\x00\x00\x00", 5, REJECT_BAD_VALUE}, /* size
        3 for 2 bytes */
    {"{'type':'array','items':'int'}", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", 11,
     REJECT_BAD_VALUE},
    {"{'type':'array','items':'int'}", "\x03\x04\x00\x00", 4, REJECT_TRUNCATED}, /* no end */
    {"{'type':'map','values':'null'}", "\x02\x02", 2, REJECT_TRUNCATED},
    {"{'type':'array','items':'int'}", "\x03\x04\x00\x00\x00", 5, REJECT_NONE},
    {"{'type':'array','items':'null'}", "\xd0\x0f\x00", 3,
     REJECT_NONE}, /* 1,000 nulls are bearable */
    {"{'type':'array','items':['null',{'type':'map','values':'int'}]}",
     "\x02\x02\x02\x02k\x06\x00\x00", 8, REJECT_NONE},
    {"{'type':'fixed','name':'F','size':3}", "abc", 3, REJECT_NONE},
    {"{'type':'fixed','name':'F','size':3}", "ab", 2, REJECT_TRUNCATED},
    {"[]", "\x00", 1, REJECT_BAD_VALUE},
};

START_TEST(skipped_values_are_checked_too)
{
    const struct plan *plan = plan_with_junk(hostile[_i].type);
    bytes_put(&w, hostile[_i].bytes, hostile[_i].size);
    bool good = decode(plan);
    ck_assert_msg(good == (hostile[_i].reason == REJECT_NONE), "case %d: %s", _i,
                  reject_reason_text(reject.reason));
    if (!good) {
        ck_assert_msg(reject.reason == hostile[_i].reason, "case %d: %s", _i,
                      reject_reason_text(reject.reason));
        ck_assert_str_eq(reject.field, "junk");
    }
}
END_TEST

START_TEST(recursion_has_a_floor)
{
    const struct plan *plan =
        plan_with_junk("{'type':'record','name':'N','fields':[" FIELD("next", "['null','N']") "]}");
    size_t before = w.size;
    bytes_put(&w, "\x02\x02\x02\x00", 4);
    ck_assert_msg(decode(plan), "%s", reject_reason_text(reject.reason));
    w.size = before;
    for (int i = 0; i < 30000; i++) {
        bytes_put_u8(&w, 2);
    }
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_TOO_DEEP);
}
END_TEST

START_TEST(loops_count_as_depth_too)
{
    static const char *const trees[] = {
        "{'type':'record','name':'N','fields':[{'name':'c','type':{'type':'array','items':'N'}}]}",
        "{'type':'array','items':{'type':'record','name':'N','fields':["
        "{'name':'c','type':{'type':'array','items':'N'}}]}}"};
    const struct plan *plan = plan_with_junk(trees[_i]);
    size_t before = w.size;
    for (int levels = 1; levels < 40; levels++) {
        w.size = before;
        for (int i = 0; i < levels; i++) {
            bytes_put_varint(&w, 1);
        }
        for (int i = 0; i <= levels; i++) {
            bytes_put_varint(&w, 0);
        }
        bool good = decode(plan);
        ck_assert_msg(good == (levels <= 7), "%d levels: %s", levels,
                      reject_reason_text(reject.reason));
        ck_assert(good || reject.reason == REJECT_TOO_DEEP);
    }
}
END_TEST

START_TEST(kept_texts_must_be_utf8)
{
    static const struct {
        const char *text;
        bool good;
    } texts[] = {{"caf\xc3\xa9", true},       {"12345678\xf0\x9f\x98\x80", true},
                 {"\xc0\x80", false},         {"\xed\xa0\x80", false},
                 {"\xf5\x80\x80\x80", false}, {"abcdefgh\xff", false},
                 {"\xe2\x82", false},         {"\xe0\x9f\xbf", false},
                 {"\xf4\x8f\xbf\xbf", true},  {"\xf4\x90\x80\x80", false}};
    const struct plan *plan = plan_for(
        RECORD(SCORE_HEAD FIELD("value", "'int'") "," FIELD("scored_at", "'long'")), &scores);
    put_text("c");
    put_text(texts[_i].text);
    bytes_put_varint(&w, 1);
    bytes_put_varint(&w, 1700000000000);
    ck_assert_int_eq(decode(plan), texts[_i].good);
    if (!texts[_i].good) {
        ck_assert_int_eq(reject.reason, REJECT_BAD_UTF8);
        ck_assert_str_eq(reject.field, "name");
    }
}
END_TEST

START_TEST(a_required_null_is_missing)
{
    const struct plan *plan = plan_for(
        RECORD(FIELD("customer_id", STRING) "," FIELD("name", "['null','string']") "," FIELD(
            "value", "'int'") "," FIELD("scored_at", STRING)),
        &scores);
    put_text("c");
    bytes_put_varint(&w, 0);
    bytes_put_varint(&w, 1);
    put_text("2026-11-25T10:00:00Z");
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_MISSING_FIELD);
    ck_assert_str_eq(reject.field, "name");
    ck_assert_int_eq(event.time_ms, INT64_C(1795600800000));
}
END_TEST

static const char engagement_schema[] =
    "{'type':'record','name':'A','fields':["
    "{'name':'event_id','type':'string'},{'name':'customer_id','type':'string'},"
    "{'name':'occurred_at','type':'long'},{'name':'event','type':'string'},"
    "{'name':'attributes','type':{'type':'map','values':['null','string']}}]}";

START_TEST(attributes_are_bounded)
{
    const struct source_mapping engagement = {.source = SOURCE_APP_ENGAGEMENT};
    const struct plan *plan = plan_for(engagement_schema, &engagement);
    ck_assert_msg(plan != NULL, "%s", why.text);
    for (int extra = 0; extra < 2; extra++) {
        w.size = 0;
        put_text("e");
        put_text("c");
        bytes_put_varint(&w, 1700000000000);
        put_text("login");
        bytes_put_varint(&w, ATTRIBUTES_MAX + extra);
        for (int i = 0; i < ATTRIBUTES_MAX + extra; i++) {
            put_text("k");
            bytes_put_varint(&w, 1);
            put_text("v");
        }
        bytes_put_varint(&w, 0);
        ck_assert_int_eq(decode(plan), extra == 0);
    }
    ck_assert_int_eq(reject.reason, REJECT_TOO_LARGE);
    ck_assert_str_eq(reject.field, "attributes");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tests = tcase_create("decode");
    tcase_add_test(tests, decode_reads_a_transaction_of_the_contract);
    tcase_add_test(tests, decode_refuses_every_cut_and_every_leftover);
    tcase_add_loop_test(tests, decode_refuses_amounts_that_are_not_above_zero, -1, 1);
    tcase_add_test(tests, decode_refuses_what_is_too_large);
    tcase_add_loop_test(tests, skipped_values_are_checked_too, 0,
                        sizeof hostile / sizeof hostile[0]);
    tcase_add_test(tests, recursion_has_a_floor);
    tcase_add_loop_test(tests, loops_count_as_depth_too, 0, 2);
    tcase_add_loop_test(tests, kept_texts_must_be_utf8, 0, 10);
    tcase_add_test(tests, a_required_null_is_missing);
    tcase_add_test(tests, attributes_are_bounded);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
