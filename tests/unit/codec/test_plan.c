/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan makes of a writer's schema: mappings, promotions, defaults, and what it refuses to
 * make. */
#include "by_hand.h"

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

START_TEST(an_unknown_symbol_is_the_contracts_default)
{
    struct source_mapping map = transactions;
    map.fields[fields_find(map.source, slice_text("booked_at"))].unit = MAPPING_UNIT_MICROS;
    const struct plan *plan = plan_for(
        "{'type':'record','name':'T','fields':[{'name':'event_id','type':'string'},"
        "{'name':'customer_id','type':'string'},{'name':'booked_at','type':'long'},"
        "{'name':'amount_minor','type':'int'},{'name':'currency','type':'string'},"
        "{'name':'direction','type':{'type':'enum','name':'D','symbols':['CREDIT','DEBIT']}},"
        "{'name':'kind','type':{'type':'enum','name':'K','symbols':['CARD','CRYPTO']}},"
        "{'name':'status','type':{'type':'enum','name':'S','symbols':['POSTED','HELD']}}]}",
        &map);
    ck_assert_msg(plan != NULL, "%s", why.text);
    put_text("e");
    put_text("c");
    bytes_put_varint(&w, INT64_C(1700000000123456));
    bytes_put_varint(&w, 5);
    put_text("GBP");
    bytes_put_varint(&w, 1);
    bytes_put_varint(&w, 1);
    bytes_put_varint(&w, 0);
    ck_assert(decode(plan));
    ck_assert_int_eq(event.time_ms, INT64_C(1700000000123));
    ck_assert_int_eq(event.tx.direction, DIRECTION_DEBIT); /* by name, not by position */
    ck_assert_int_eq(event.tx.kind, KIND_OTHER);
    out_block[w.size - 1] =
        2; /* HELD: a status that the contract does not know must not count as posted */
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_BAD_VALUE);
    ck_assert_str_eq(reject.field, "status");
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

static const struct {
    const char *type;
    const char *bytes;
    uint32_t size;
    int scale;     /* -1: none in the mapping */
    int64_t minor; /* 0: out of range */
} amounts[] = {
    {"'int'", "\xf4\x03", 2, -1, 250},
    {"'long'", "\xf4\x03", 2, 2, 25000},
    {"'double'", "\x00\x00\x00\x00\x00\x00\x29\x40", 8, -1, 1250}, /* 12.5 */
    {"'float'", "\x00\x00\x48\x41", 4, 3, 12500},
    {"'double'", "\x00\x00\x00\x00\x00\x00\xf8\x7f", 8, -1, 0}, /* NaN */
    {"{'type':'bytes','logicalType':'decimal','precision':9,'scale':2}", "\x04\x30\x39", 3, -1,
     12345},
    {"{'type':'bytes','logicalType':'decimal','precision':9,'scale':0}", "\x02\x0c", 2, -1, 1200},
    {"{'type':'bytes','logicalType':'decimal','precision':9,'scale':2}", "\x04\x30\x39", 3, 0, 123},
    {"{'type':'bytes','logicalType':'decimal','precision':9,'scale':1}", "\x02\x05", 2, 0,
     1}, /* 0.5 */
    {"{'type':'bytes','logicalType':'decimal','precision':9,'scale':2}", "\x02\xff", 2, -1,
     0}, /* -0.01 */
    {"{'type':'fixed','name':'F','size':10,'logicalType':'decimal','precision':20,'scale':2}",
     "\x00\x00\x00\x00\x00\x00\x00\x00\x30\x39", 10, -1, 12345},
    {"{'type':'fixed','name':'F','size':10,'logicalType':'decimal','precision':20,'scale':2}",
     "\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00", 10, -1, 0}, /* 65 bits */
};

START_TEST(amounts_become_minor_units)
{
    char schema[700];
    struct source_mapping map = transactions;
    struct field_mapping *amount = &map.fields[fields_find(map.source, slice_text("amount_minor"))];
    amount->path = slice_text("amt"); /* the bank renamed it and left an alias */
    amount->has_scale = amounts[_i].scale >= 0;
    amount->scale = (uint8_t)(amounts[_i].scale >= 0 ? amounts[_i].scale : 0);
    (void)snprintf(
        schema, sizeof schema,
        RECORD(FIELD("event_id", STRING) "," FIELD("customer_id", STRING) "," FIELD(
            "booked_at", "'long'") "," FIELD("currency",
                                             STRING) "," FIELD("direction",
                                                               STRING) ",{'name':'amount','aliases'"
                                                                       ":['amt'],'type':%s}"),
        amounts[_i].type);
    const struct plan *plan = plan_for(schema, &map);
    ck_assert_msg(plan != NULL, "%s", why.text);
    put_text("e");
    put_text("c");
    bytes_put_varint(&w, 1700000000000);
    put_text("GBP");
    put_text("DEBIT");
    bytes_put(&w, amounts[_i].bytes, amounts[_i].size);
    bool good = decode(plan);
    ck_assert_msg(good == (amounts[_i].minor != 0), "case %d: %s", _i,
                  reject_reason_text(reject.reason));
    if (good) {
        ck_assert_int_eq(event.tx.amount_minor, amounts[_i].minor);
    } else {
        ck_assert_int_eq(reject.reason, REJECT_OUT_OF_RANGE);
    }
}
END_TEST

/* A score, then records of records: N0 has `atom`, each Nn two of the one before, so N40 is 2^40 of them. */
static const char *tower(char *out, size_t size, const char *atom, int floors, const char *more)
{
    size_t used = (size_t)snprintf(
        out, size,
        "{'type':'record','name':'R','fields':[" SCORE_HEAD FIELD("value", "'double'") "," FIELD(
            "scored_at", "'long'") "," FIELD("n0", "{'type':'record','name':'N0','fields':[%s]}"),
        atom);
    for (int i = 1; i <= floors; i++) {
        used += (size_t)snprintf(out + used, size - used,
                                 ",{'name':'n%d','type':{'type':'record','name':'N%d','fields':["
                                 "{'name':'a','type':'N%d'},{'name':'b','type':'N%d'}]}}",
                                 i, i, i - 1, i - 1);
    }
    used += (size_t)snprintf(out + used, size - used, "%s]}", more);
    ck_assert_uint_lt(used, size);
    return out;
}

static void put_score(const struct plan *plan)
{
    ck_assert_ptr_nonnull(plan);
    w = bytes_writer(out_block, sizeof out_block);
    put_text("c");
    put_text("s");
    bytes_put_u64(&w, 0);
    bytes_put_varint(&w, 1700000000000);
}

#define FIXED(name, size) "{'type':'fixed','name':'" name "','size':" size "}"

START_TEST(a_tower_of_records_is_refused_before_it_is_climbed)
{
    static char text[16384];
    static const char *const atoms[] = {"", FIELD("x", FIXED("F", "16")),
                                        FIELD("x", "{'type':'array','items':'null'}")};
    ck_assert_ptr_null(plan_for(tower(text, sizeof text, atoms[_i], 40, ""), &scores));
    ck_assert_str_eq(why.text, "the schema is too large for a decode plan");
    ck_assert_ptr_null(plan_for(
        tower(text, sizeof text, atoms[_i], 40, "," FIELD("l", "{'type':'array','items':'N40'}")),
        &scores));
}
END_TEST

START_TEST(a_low_tower_is_read)
{
    static char text[16384];
    const struct plan *plan = plan_for(
        tower(text, sizeof text, "", 6, "," FIELD("l", "{'type':'array','items':'N6'}")), &scores);
    put_score(plan);
    bytes_put_varint(&w, 3); /* items of no bytes */
    bytes_put_varint(&w, 0);
    ck_assert(decode(plan));
    plan = plan_for(tower(text, sizeof text, FIELD("x", FIXED("F", "16")), 3, ""), &scores);
    put_score(plan);
    for (int i = 0; i < 15 * 2; i++) {
        bytes_put_u64(&w, 0);
    }
    ck_assert(decode(plan));
}
END_TEST

/* 2^13 of 2^20 bytes are 2^33: in 32 bits, none. */
START_TEST(sizes_do_not_wrap)
{
    static char text[16384];
    const struct plan *plan = plan_for(
        tower(text, sizeof text, FIELD("x", FIXED("F", "1048576")), 12, "," FIELD("last", "'F'")),
        &scores);
    put_score(plan);
    ck_assert(!decode(plan));
    ck_assert_int_eq(reject.reason, REJECT_TRUNCATED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, a_bank_maps_its_own_record);
    tcase_add_loop_test(tests, numbers_are_promoted, 0, sizeof promotions / sizeof promotions[0]);
    tcase_add_loop_test(tests, a_schema_that_cannot_fit_is_named, 0,
                        sizeof misfits / sizeof misfits[0]);
    tcase_add_test(tests, a_path_that_is_lost_says_where_and_what_is_near);
    tcase_add_test(tests, an_unknown_symbol_is_the_contracts_default);
    tcase_add_test(tests, a_profile_has_sets_consents_and_dates);
    tcase_add_loop_test(tests, amounts_become_minor_units, 0, sizeof amounts / sizeof amounts[0]);
    tcase_add_loop_test(tests, a_tower_of_records_is_refused_before_it_is_climbed, 0, 3);
    tcase_add_test(tests, a_low_tower_is_read);
    tcase_add_test(tests, sizes_do_not_wrap);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
