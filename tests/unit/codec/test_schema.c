/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/schema.h"

#include <stdio.h>

#include "codec/schemas.h"
#include "support/suite.h"

static uint8_t block[1 << 20];

static enum status parse(const char *text, const struct schema **out, struct status_text *why)
{
    static struct arena arena;
    arena_init(&arena, block, sizeof block);
    return schema_parse(slice_text(text), NULL, 0, &arena, out, why);
}

static const char *const refused[] = {
    "",
    "{",
    "\"strin\"",
    "{\"type\":\"record\",\"name\":\"R\"}",
    "{\"type\":\"record\",\"name\":\"1R\",\"fields\":[]}",
    "{\"type\":\"record\",\"name\":\"a..R\",\"fields\":[]}",
    "{\"type\":\"record\",\"name\":\"int\",\"fields\":[]}",
    "{\"type\":\"record\",\"name\":\"R\",\"name\":\"S\",\"fields\":[]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},"
    "{\"name\":\"a\",\"type\":\"int\"}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"R2\"}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"default\":"
    "\"1\"}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"default\":"
    "2147483648}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\",\"int\"],"
    "\"default\":\"x\"}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":"
    "{\"type\":\"fixed\",\"name\":\"F\",\"size\":2},\"default\":\"abc\"}]}",
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":"
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}}]}",
    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"A\"]}",
    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[]}",
    "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"],\"default\":\"B\"}",
    "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}",
    "{\"type\":\"fixed\",\"name\":\"F\",\"size\":4611686018427387904}",
    "{\"type\":\"array\"}",
    "[\"null\",\"null\"]",
    "[\"null\",[\"int\"]]",
    "[{\"type\":\"map\",\"values\":\"int\"},{\"type\":\"map\",\"values\":\"long\"}]",
};

START_TEST(schema_refuses_what_is_wrong_and_says_why)
{
    const struct schema *schema = NULL;
    struct status_text why = {""};
    ck_assert_msg(parse(refused[_i], &schema, &why) == STATUS_INVALID, "accepted: %s", refused[_i]);
    ck_assert_ptr_null(schema);
    ck_assert_uint_gt(strlen(why.text), 0);
}
END_TEST

START_TEST(schema_keeps_what_resolution_needs)
{
    const struct schema *s;
    struct status_text why;
    ck_assert_int_eq(
        parse(
            "{\"type\":\"record\",\"name\":\"x.R\",\"aliases\":[\"Old\",\"y.Older\"],\"fields\":["
            "{\"name\":\"a\",\"aliases\":[\"b\"],\"type\":{\"type\":\"bytes\",\"logicalType\":"
            "\"decimal\","
            "\"precision\":9,\"scale\":2}},"
            "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"],"
            "\"default\":\"B\"},\"default\":\"A\"},"
            "{\"name\":\"next\",\"type\":[\"null\",\"R\"],\"default\":null}]}",
            &s, &why),
        STATUS_OK);
    ck_assert(slice_is(s->name, "x.R"));
    ck_assert(slice_is(s->aliases[0], "x.Old") && slice_is(s->aliases[1], "y.Older"));
    const struct schema_field *a = schema_field_find(s, slice_text("b"));
    ck_assert_ptr_eq(a, &s->fields[0]);
    ck_assert_int_eq(a->type->logical, LOGICAL_DECIMAL);
    ck_assert_uint_eq(a->type->scale, 2);
    ck_assert_int_eq(s->fields[1].type->default_symbol, 1);
    ck_assert(slice_is(s->fields[1].default_json, "\"A\""));
    ck_assert_ptr_eq(s->fields[2].type->branches[1], s);
    char text[200];
    schema_describe(a->type, text, sizeof text);
    ck_assert_str_eq(text, "decimal(9,2) in bytes");
    schema_describe(s->fields[2].type, text, sizeof text);
    ck_assert_str_eq(text, "union of null, record x.R");
}
END_TEST

START_TEST(schema_ignores_a_logical_type_that_cannot_be)
{
    const struct schema *s;
    struct status_text why;
    ck_assert_int_eq(parse("{\"type\":\"string\",\"logicalType\":\"date\"}", &s, &why), STATUS_OK);
    ck_assert_int_eq(s->logical, LOGICAL_NONE);
    ck_assert_int_eq(
        parse("{\"type\":\"fixed\",\"name\":\"F\",\"size\":2,\"logicalType\":\"decimal\","
              "\"precision\":5}",
              &s, &why),
        STATUS_OK);
    ck_assert_int_eq(s->logical, LOGICAL_NONE); /* 2 bytes hold 4 digits */
}
END_TEST

START_TEST(schema_follows_references)
{
    const struct slice references[] = {
        slice_text("{\"type\":\"enum\",\"name\":\"c.E\",\"symbols\":[\"A\"]}"),
        slice_text(
            "{\"type\":\"record\",\"name\":\"c.M\",\"fields\":[{\"name\":\"e\",\"type\":\"E\"}]}")};
    struct arena arena;
    const struct schema *s;
    struct status_text why;
    const char *text =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"m\",\"type\":\"c.M\"}]}";
    arena_init(&arena, block, sizeof block);
    ck_assert_int_eq(schema_parse(slice_text(text), references, 2, &arena, &s, &why), STATUS_OK);
    ck_assert(slice_is(s->fields[0].type->fields[0].type->name, "c.E"));
    ck_assert_int_eq(schema_parse(slice_text(text), references, 1, &arena, &s, &why),
                     STATUS_INVALID);
    ck_assert_str_eq(why.text, "R.m: there is no type c.M");
}
END_TEST

/* Records of one another's types: each level of the default multiplies the ways in which it could fit. */
START_TEST(a_default_that_fits_in_too_many_ways_is_given_up)
{
    enum { RECORDS = 64, LEVELS = 15 };
    static char text[65536];
    const struct schema *s;
    struct status_text why;
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "{\"type\":\"record\",\"name\":\"W\",\"fields\":[{\"name\":\"x\",\"type\":[");
    for (int i = 0; i < RECORDS; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "%s{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":"
                                 "\"a\",\"type\":[\"R0\"",
                                 i == 0 ? "" : ",", i);
        for (int j = 1; j <= i; j++) {
            used += (size_t)snprintf(text + used, sizeof text - used, ",\"R%d\"", j);
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "]}]}");
    }
    used += (size_t)snprintf(text + used, sizeof text - used, "],\"default\":");
    for (int i = 0; i < LEVELS; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "{\"a\":");
    }
    used += (size_t)snprintf(text + used, sizeof text - used, "5");
    memset(text + used, '}', LEVELS);
    (void)snprintf(text + used + LEVELS, sizeof text - used - LEVELS, "}]}");
    ck_assert_int_eq(parse(text, &s, &why), STATUS_INVALID);
    ck_assert_str_eq(why.text, "W.x: too many ways in which the defaults could fit their types");
}
END_TEST

START_TEST(a_large_default_is_none_that_fits_in_many_ways)
{
    static char text[SCHEMA_TEXT_SIZE_MAX];
    const struct schema *s;
    struct status_text why;
    size_t used =
        (size_t)snprintf(text, sizeof text,
                         "{\"type\":\"record\",\"name\":\"W\",\"fields\":[{\"name\":\"x\","
                         "\"type\":{\"type\":\"array\",\"items\":\"int\"},\"default\":[0");
    while (used < sizeof text - 16) {
        used += (size_t)snprintf(text + used, sizeof text - used, ",7");
    }
    (void)snprintf(text + used, sizeof text - used, "]}]}");
    static struct arena arena;
    static uint8_t large[4 * SCHEMA_TEXT_SIZE_MAX];
    arena_init(&arena, large, sizeof large);
    ck_assert_int_eq(schema_parse(slice_text(text), NULL, 0, &arena, &s, &why), STATUS_OK);
}
END_TEST

/* As many as the registry's client gathers. */
START_TEST(schema_takes_as_many_references_as_there_may_be)
{
    static char texts[SCHEMA_REFERENCES_MAX + 1][64];
    struct slice references[SCHEMA_REFERENCES_MAX + 1];
    struct arena arena;
    const struct schema *s;
    struct status_text why;
    for (int i = 0; i <= SCHEMA_REFERENCES_MAX; i++) {
        (void)snprintf(texts[i], sizeof texts[i],
                       "{\"type\":\"fixed\",\"name\":\"F%d\",\"size\":1}", i);
        references[i] = slice_text(texts[i]);
    }
    arena_init(&arena, block, sizeof block);
    ck_assert_int_eq(schema_parse(slice_text("\"F63\""), references, 64, &arena, &s, &why),
                     STATUS_OK);
    ck_assert(slice_is(s->name, "F63"));
    ck_assert_int_eq(schema_parse(slice_text("\"F63\""), references, 65, &arena, &s, &why),
                     STATUS_INVALID);
    ck_assert_str_eq(why.text, "more than 64 references");
}
END_TEST

START_TEST(schema_bounds_depth_and_memory)
{
    static char deep[4000];
    const struct schema *s;
    struct status_text why;
    struct arena small;
    size_t used = 0;
    for (int i = 0; i < 100; i++) {
        used += (size_t)snprintf(deep + used, sizeof deep - used, "{\"type\":\"array\",\"items\":");
    }
    used += (size_t)snprintf(deep + used, sizeof deep - used, "\"int\"");
    memset(deep + used, '}', 100);
    ck_assert_int_eq(parse(deep, &s, &why), STATUS_INVALID);
    ck_assert_str_eq(why.text, "types are nested too deep");
    arena_init(&small, block, 512);
    ck_assert_int_eq(schema_parse(schemas_text("transaction"), NULL, 0, &small, &s, &why),
                     STATUS_FULL);
}
END_TEST

START_TEST(every_contract_schema_parses)
{
    ck_assert_uint_eq(schemas_count(), SOURCE_COUNT + OUTPUT_KIND_COUNT);
    for (uint32_t i = 0; i < schemas_count(); i++) {
        struct arena arena;
        const struct schema *s;
        struct status_text why = {""};
        arena_init(&arena, block, sizeof block);
        ck_assert_msg(schema_parse(schemas_text(schemas_name(i)), NULL, 0, &arena, &s, &why) ==
                          STATUS_OK,
                      "%s: %s", schemas_name(i), why.text);
        ck_assert_int_eq(s->type, SCHEMA_RECORD);
    }
    for (int k = 0; k < OUTPUT_KIND_COUNT; k++) {
        struct arena arena;
        const struct schema *s;
        arena_init(&arena, block, sizeof block);
        struct slice text = schemas_text(schemas_name_of_output((enum output_kind)k));
        ck_assert_int_eq(schema_parse(text, NULL, 0, &arena, &s, NULL), STATUS_OK);
        ck_assert(slice_is(s->name, output_record_name((enum output_kind)k)));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema");
    TCase *tests = tcase_create("parse");
    tcase_add_loop_test(tests, schema_refuses_what_is_wrong_and_says_why, 0,
                        sizeof refused / sizeof refused[0]);
    tcase_add_test(tests, schema_keeps_what_resolution_needs);
    tcase_add_test(tests, schema_ignores_a_logical_type_that_cannot_be);
    tcase_add_test(tests, schema_follows_references);
    tcase_add_test(tests, a_default_that_fits_in_too_many_ways_is_given_up);
    tcase_add_test(tests, a_large_default_is_none_that_fits_in_many_ways);
    tcase_add_test(tests, schema_takes_as_many_references_as_there_may_be);
    tcase_add_test(tests, schema_bounds_depth_and_memory);
    tcase_add_test(tests, every_contract_schema_parses);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
