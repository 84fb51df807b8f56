/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads that were made to be printed by `segue tail`. */
#include "by_hand.h"

#include "codec/avro_json.h"

static uint8_t schema_block[1 << 20];

static bool print(const char *schema_text, char **out_text)
{
    struct arena schemas;
    const struct schema *schema;
    size_t size = 0;
    arena_init(&schemas, schema_block, sizeof schema_block);
    ck_assert_int_eq(
        schema_parse(slice_text(quoted(schema_text)), NULL, 0, &schemas, &schema, &why), STATUS_OK);
    FILE *out = open_memstream(out_text, &size);
    bool good = avro_json_write(schema, slice_of(out_block, w.size), out);
    (void)fclose(out);
    return good;
}

START_TEST(texts_are_json_and_no_terminal_obeys_them)
{
    char *text = NULL;
    w = bytes_writer(out_block, sizeof out_block);
    put_text("a\x1b[2J\xc2\x9b\x7f\"\xff");
    ck_assert(print(RECORD(FIELD("t", STRING)), &text));
    ck_assert_str_eq(text, "{\"t\":\"a\\u001b[2J\\u009b\\u007f\\\"\\ufffd\"}");
    free(text);
}
END_TEST

/* Whose day no int32_t holds, whose year no text of four digits does, and who lies within. */
START_TEST(a_time_that_no_calendar_has_is_shown_as_its_number)
{
    static const struct {
        int64_t number;
        const char *shown;
    } times[] = {
        {INT64_C(9223372036854775807), "9223372036854775807"},
        {INT64_C(253402300800000), "253402300800000"},
        {INT64_C(253402300799999), "\"9999-12-31T23:59:59.999Z\""},
    };
    char *text = NULL;
    char want[80];
    w = bytes_writer(out_block, sizeof out_block);
    bytes_put_varint(&w, times[_i].number);
    bytes_put_varint(&w, _i == 2 ? 2932896 : 2147483647);
    ck_assert(print(RECORD(FIELD("t", "{'type':'long','logicalType':'timestamp-millis'}") "," FIELD(
                        "d", "{'type':'int','logicalType':'date'}")),
                    &text));
    (void)snprintf(want, sizeof want, "{\"t\":%s,\"d\":%s}", times[_i].shown,
                   _i == 2 ? "\"9999-12-31\"" : "2147483647");
    ck_assert_str_eq(text, want);
    free(text);
}
END_TEST

/* N28 has 2^28 values of no bytes. */
START_TEST(a_tower_of_records_is_not_climbed)
{
    static char schema[8192];
    char *text = NULL;
    size_t used = 0;
    for (int i = 28; i > 0; i--) {
        used += (size_t)snprintf(schema + used, sizeof schema - used,
                                 "{'type':'record','name':'N%d','fields':[{'name':'a','type':", i);
    }
    used += (size_t)snprintf(schema + used, sizeof schema - used,
                             "{'type':'record','name':'N0','fields':[]}");
    for (int i = 1; i <= 28; i++) {
        used += (size_t)snprintf(schema + used, sizeof schema - used,
                                 "},{'name':'b','type':'N%d'}]}", i - 1);
    }
    w = bytes_writer(out_block, sizeof out_block);
    ck_assert(!print(schema, &text));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("avro_json");
    TCase *tests = tcase_create("avro_json");
    tcase_add_test(tests, texts_are_json_and_no_terminal_obeys_them);
    tcase_add_loop_test(tests, a_time_that_no_calendar_has_is_shown_as_its_number, 0, 3);
    tcase_add_test(tests, a_tower_of_records_is_not_climbed);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
