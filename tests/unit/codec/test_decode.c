/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/decode.h"

#include <stdio.h>

#include "base/bytes.h"
#include "codec/schemas.h"
#include "support/suite.h"

static uint8_t block[1 << 22], contract_block[1 << 18], out_block[1 << 16];
static struct arena arena;
static struct status_text why;
static struct bytes_writer w;
static struct event event;
static struct reject reject;

/* Schemas below are written with ' for ", to be legible; files of schemas/ are taken as they are. */
static const char *quoted(const char *text)
{
    static char out[65536];
    size_t size = strlen(text);
    bool is_json = strchr(text, '"') != NULL;
    ck_assert_uint_lt(size, sizeof out);
    for (size_t i = 0; i <= size; i++) {
        out[i] = (char)(text[i] == '\'' && !is_json ? '"' : text[i]);
    }
    return out;
}

/* Compile a writer's schema against the contract of a source. */
static const struct plan *plan_for(const char *text, const struct source_mapping *mapping)
{
    struct arena contracts;
    const struct schema *writer, *contract;
    const struct plan *plan = NULL;
    arena_init(&arena, block, sizeof block);
    arena_init(&contracts, contract_block, sizeof contract_block);
    w = bytes_writer(out_block, sizeof out_block);
    why.text[0] = '\0';
    ck_assert_int_eq(schema_parse(schemas_text(schemas_name_of_source(mapping->source)), NULL, 0,
                                  &contracts, &contract, &why),
                     STATUS_OK);
    enum status status = schema_parse(slice_text(quoted(text)), NULL, 0, &arena, &writer, &why);
    ck_assert_msg(status == STATUS_OK, "%s", why.text);
    if (plan_compile(writer, contract, mapping, &arena, &plan, &why) != STATUS_OK) {
        return NULL;
    }
    return plan;
}

static void put_text(const char *text)
{
    bytes_put_varint(&w, (int64_t)strlen(text));
    bytes_put(&w, text, strlen(text));
}

static bool decode(const struct plan *plan)
{
    ck_assert_ptr_nonnull(plan);
    return decode_event(plan, slice_of(out_block, w.size), DECODE_RECORD_SIZE_MAX, &event, &reject);
}

#define STRING            "'string'"
#define FIELD(name, type) "{'name':'" name "','type':" type "}"
#define RECORD(fields)    "{'type':'record','name':'R','fields':[" fields "]}"
#define SCORE_HEAD        FIELD("customer_id", STRING) "," FIELD("name", STRING) ","

static const struct source_mapping scores = {.source = SOURCE_SCORES};
static const struct source_mapping transactions = {.source = SOURCE_TRANSACTIONS};

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

static const char bank_schema[] =
    "{'type':'record','name':'Booking','fields':["
    "{'name':'id','type':'string'},"
    "{'name':'junk','type':{'type':'map','values':'double'}},"
    "{'name':'who','type':['null',{'type':'record','name':'Who','fields':["
    "  {'name':'no','type':'string'}]}]},"
    "{'name':'pay','type':{'type':'record','name':'Pay','fields':["
    "  {'name':'amount','type':{'type':'bytes','logicalType':'decimal','precision':20,'scale':4}},"
    "  {'name':'ccy','type':{'type':'enum','name':'C','symbols':['EUR','GBP']}},"
    "  {'name':'side','type':'string'}]}},"
    "{'name':'when','type':{'type':'long','logicalType':'timestamp-micros'}}]}";

START_TEST(a_bank_maps_its_own_record)
{
    static const struct mapping_value sides[] = {
        {{(const uint8_t *)"D", 1}, {(const uint8_t *)"DEBIT", 5}},
        {{(const uint8_t *)"*", 1}, {(const uint8_t *)"CREDIT", 6}}};
    struct source_mapping map = transactions;
    const struct plan *plan;
    struct {
        const char *field, *path;
    } paths[] = {{"event_id", "id"},      {"customer_id", "who.no"},
                 {"booked_at", "when"},   {"amount_minor", "pay.amount"},
                 {"currency", "pay.ccy"}, {"direction", "pay.side"},
                 {"account_id", "id"}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        map.fields[fields_find(map.source, slice_text(paths[i].field))].path =
            slice_text(paths[i].path);
    }
    struct field_mapping *direction = &map.fields[fields_find(map.source, slice_text("direction"))];
    direction->values = sides;
    direction->value_count = 2;
    struct field_mapping *kind = &map.fields[fields_find(map.source, slice_text("kind"))];
    kind->constant = slice_text("TRANSFER");
    kind->has_constant = true;
    plan = plan_for(bank_schema, &map);
    ck_assert_msg(plan != NULL, "%s", why.text);
    put_text("tx-9");
    bytes_put_varint(&w, -1); /* a block of one entry with its size */
    bytes_put_varint(&w, 10);
    put_text("k");
    bytes_put_u64(&w, 0);
    bytes_put_varint(&w, 0);
    bytes_put_varint(&w, 1);
    put_text("cust");
    bytes_put_varint(&w, 3); /* three bytes of a decimal with four digits behind the point */
    bytes_put(&w, "\x0c\x0d\x0e", 3);
    bytes_put_varint(&w, 1);
    put_text("X");
    bytes_put_varint(&w, INT64_C(1700000000123999));
    ck_assert_msg(decode(plan), "%s at %u %s", reject_reason_text(reject.reason), reject.at,
                  reject.field);
    ck_assert(slice_is(event.customer_id, "cust") && slice_is(event.event_id, "tx-9"));
    ck_assert(slice_is(event.tx.account_id, "tx-9") && slice_is(event.tx.currency, "GBP"));
    ck_assert_int_eq(event.time_ms, INT64_C(1700000000123));
    ck_assert_int_eq(event.tx.amount_minor, (0x0c0d0e + 50) / 100);
    ck_assert_int_eq(event.tx.direction, DIRECTION_CREDIT);
    ck_assert_int_eq(event.tx.kind, KIND_TRANSFER);
    ck_assert_int_eq(event.tx.status, TX_POSTED); /* the contract's default */
    ck_assert(event_has(&event, (uint32_t)fields_find(SOURCE_TRANSACTIONS, slice_text("status"))));
}
END_TEST

static const struct {
    const char *type;
    int64_t number; /* written as varint; real != 0: as double or float instead */
    double real;
    double expected;
} promotions[] = {
    {"'int'", -7, 0, -7},
    {"'long'", INT64_C(1) << 40, 0, 1099511627776.0},
    {"'double'", 0, 2.5, 2.5},
    {"'float'", 0, 0.25, 0.25},
};

START_TEST(numbers_are_promoted)
{
    char schema[400];
    (void)snprintf(schema, sizeof schema,
                   RECORD(SCORE_HEAD "{'name':'value','type':%s}," FIELD("scored_at", "'long'")),
                   promotions[_i].type);
    const struct plan *plan = plan_for(schema, &scores);
    put_text("c");
    put_text("churn");
    float narrow = (float)promotions[_i].real;
    if (promotions[_i].real == 0) {
        bytes_put_varint(&w, promotions[_i].number);
    } else if (strcmp(promotions[_i].type, "'float'") == 0) {
        bytes_put(&w, &narrow, 4);
    } else {
        bytes_put(&w, &promotions[_i].real, 8);
    }
    bytes_put_varint(&w, 1700000000000);
    ck_assert(decode(plan));
    ck_assert_double_eq(event.score.value, promotions[_i].expected);
}
END_TEST

static const struct {
    const char *fields;
    const char *message;
} misfits[] = {
    {FIELD("name", STRING) "," FIELD("value", "'double'") "," FIELD("scored_at", "'long'"),
     "customer_id: the schema has no `customer_id` in record R"},
    {SCORE_HEAD FIELD("value", STRING) "," FIELD("scored_at", "'long'"),
     "value is a decimal and cannot be read from `value`, which is string"},
    {SCORE_HEAD FIELD("value", "['null','double','boolean']") "," FIELD("scored_at", "'long'"),
     "value is a decimal and cannot be read from `value`, which is boolean"},
    {SCORE_HEAD FIELD("value", "'int'") "," FIELD(
         "scored_at", "{'type':'long','logicalType':'local-timestamp-millis'}"),
     "scored_at is a time and cannot be read from `scored_at`, which is local-timestamp-millis in "
     "long"},
};

START_TEST(a_schema_that_cannot_fit_is_named)
{
    char schema[1000];
    (void)snprintf(schema, sizeof schema, RECORD("%s"), misfits[_i].fields);
    ck_assert_ptr_null(plan_for(schema, &scores));
    ck_assert_str_eq(why.text, misfits[_i].message);
}
END_TEST

static const char nested_schema[] =
    "{'type':'record','name':'R','fields':["
    "{'name':'customer_id','type':'string'},{'name':'name','type':'string'},"
    "{'name':'scored_at','type':'long'},"
    "{'name':'body','type':{'type':'record','name':'Body','fields':["
    "  {'name':'value','type':'double'}]}}]}";

START_TEST(a_path_that_is_lost_says_where_and_what_is_near)
{
    struct source_mapping map = scores;
    map.fields[2].path = slice_text("body.valu");
    ck_assert_ptr_null(plan_for(nested_schema, &map));
    ck_assert_str_eq(why.text,
                     "value: the schema has no `body.valu` in record Body; did you mean `value`?");
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

static const char profile_schema[] =
    "{'type':'record','name':'P','fields':["
    "{'name':'customer_id','type':'string'},"
    "{'name':'updated_at','type':'long'},"
    "{'name':'birth_date','type':{'type':'int','logicalType':'date'}},"
    "{'name':'products_held','type':{'type':'array','items':'string'}},"
    "{'name':'vulnerability','type':['null',{'type':'array','items':"
    "  {'type':'enum','name':'V','symbols':['SIGHT','NEW']}}]},"
    "{'name':'consents','type':{'type':'array','items':{'type':'record','name':'Co','fields':["
    "  {'name':'status','type':'string'},{'name':'purpose','type':'string'},"
    "  {'name':'channel','type':'string'},{'name':'extra','type':'int'},"
    "  {'name':'updated_at','type':'long'}]}}}]}";

START_TEST(a_profile_has_sets_consents_and_dates)
{
    const struct source_mapping profiles = {.source = SOURCE_CUSTOMER_PROFILES};
    const struct plan *plan = plan_for(profile_schema, &profiles);
    ck_assert_msg(plan != NULL, "%s", why.text);
    put_text("c");
    bytes_put_varint(&w, 1700000000000);
    bytes_put_varint(&w, -3650);
    bytes_put_varint(&w, 2);
    put_text("SAVINGS");
    put_text("SPACE_TRAVEL"); /* unknown: the contract's enum default */
    bytes_put_varint(&w, 0);
    bytes_put_varint(&w, 1);
    bytes_put_varint(&w, 1);
    bytes_put_varint(&w, 0); /* SIGHT */
    size_t symbol = w.size - 1;
    bytes_put_varint(&w, 0);
    bytes_put_varint(&w, 2);
    for (int i = 0; i < 2; i++) {
        put_text(i == 0 ? "GRANTED" : "WITHDRAWN");
        put_text("MARKETING");
        put_text(i == 0 ? "EMAIL" : "POST");
        bytes_put_varint(&w, 99);
        bytes_put_varint(&w, 5 + i);
    }
    bytes_put_varint(&w, 0);
    ck_assert_msg(decode(plan), "%s at %u %s", reject_reason_text(reject.reason), reject.at,
                  reject.field);
    ck_assert_int_eq(event.profile.birth_day, -3650);
    ck_assert_uint_eq(event.profile.products_held, 1U << ACCOUNT_SAVINGS | 1U << ACCOUNT_UNKNOWN);
    ck_assert_uint_eq(event.profile.vulnerability, 1U << VULNERABLE_SIGHT);
    ck_assert_uint_eq(event.profile.consent_count, 2);
    ck_assert_uint_eq(event.profile.consents[1].status, CONSENT_WITHDRAWN);
    ck_assert_uint_eq(event.profile.consents[1].channel, CHANNEL_POST);
    ck_assert_int_eq(event.profile.consents[1].updated_at_ms, 6);
    ck_assert_uint_eq(event.profile.consents[0].basis, BASIS_NONE);
    out_block[symbol] = 2; /* NEW: an unknown vulnerability must not be overlooked */
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_BAD_VALUE);
    ck_assert_str_eq(reject.field, "vulnerability");
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
    tcase_add_test(tests, a_bank_maps_its_own_record);
    tcase_add_loop_test(tests, numbers_are_promoted, 0, sizeof promotions / sizeof promotions[0]);
    tcase_add_loop_test(tests, a_schema_that_cannot_fit_is_named, 0,
                        sizeof misfits / sizeof misfits[0]);
    tcase_add_test(tests, a_path_that_is_lost_says_where_and_what_is_near);
    tcase_add_loop_test(tests, skipped_values_are_checked_too, 0,
                        sizeof hostile / sizeof hostile[0]);
    tcase_add_test(tests, recursion_has_a_floor);
    tcase_add_loop_test(tests, kept_texts_must_be_utf8, 0, 10);
    tcase_add_test(tests, a_required_null_is_missing);
    tcase_add_test(tests, a_profile_has_sets_consents_and_dates);
    tcase_add_test(tests, attributes_are_bounded);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
