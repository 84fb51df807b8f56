/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders against decode plans, the JSON writer against the Avro encoder, both against avro-c. */
#include "codec/encode.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/civil.h"
#include "codec/decode.h"
#include "codec/encode_json.h"
#include "codec/framing.h"
#include "codec/ndjson.h"
#include "codec/schemas.h"
#include "codec/shape.h"
#include "support/avro_oracle.h"
#include "support/codec_samples.h"
#include "support/suite.h"

enum { ROUNDS = 300 };

static uint8_t schema_block[1 << 20], text_block[1 << 20], bytes[1 << 16], line[1 << 17];
static struct arena schemas, texts;
static struct status_text why;
static struct random rng;

static const struct schema *parse(struct slice text)
{
    const struct schema *schema = NULL;
    arena_init(&schemas, schema_block, sizeof schema_block);
    ck_assert_msg(schema_parse(text, NULL, 0, &schemas, &schema, &why) == STATUS_OK, "%s",
                  why.text);
    return schema;
}

static void seed(void)
{
    const char *text = getenv("SEED");
    uint64_t value = text == NULL ? 1 : strtoull(text, NULL, 10);
    random_init(&rng, value);
    (void)printf("# SEED=%llu\n", (unsigned long long)value);
}

static bool takes_null(const struct schema *schema)
{
    for (uint32_t i = 0; schema->type == SCHEMA_UNION && i < schema->count; i++) {
        if (schema->branches[i]->type == SCHEMA_NULL) {
            return true;
        }
    }
    return false;
}

static void same_fields(const struct shape *shape, const struct schema *schema, bool defaults)
{
    ck_assert_uint_eq(shape->count, schema->count);
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct shape_field *field = &shape->fields[i];
        ck_assert_msg(slice_is(schema->fields[i].name, field->name), "%s", field->name);
        bool null = takes_null(schema->fields[i].type);
        ck_assert_msg(field->nullable == (null || (defaults && schema->fields[i].has_default)),
                      "%s", field->name);
        ck_assert_msg(!null || schema->fields[i].has_default, "%s needs a default", field->name);
    }
}

START_TEST(shapes_and_schemas_say_the_same)
{
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        const struct schema *schema =
            parse(schemas_text(schemas_name_of_output((enum output_kind)kind)));
        same_fields(shape_of_output((enum output_kind)kind), schema, false);
    }
    for (int source = 0; source < SOURCE_COUNT; source++) {
        struct shape_field fields[FIELDS_MAX];
        struct shape shape = shape_of_event((enum source)source, fields);
        same_fields(&shape, parse(schemas_text(schemas_name_of_source((enum source)source))), true);
    }
}
END_TEST

START_TEST(avro_c_reads_every_output_as_the_json_says)
{
    enum output_kind kind = (enum output_kind)_i;
    struct slice text = schemas_text(schemas_name_of_output(kind));
    const struct encoder *encoder = NULL;
    struct avro_oracle *oracle = avro_oracle_open(text);
    ck_assert_msg(encoder_compile(kind, parse(text), &schemas, &encoder, &why) == STATUS_OK, "%s",
                  why.text);
    seed();
    for (int round = 0; round < ROUNDS; round++) {
        struct output output;
        arena_init(&texts, text_block, sizeof text_block);
        sample_output(&rng, kind, &texts, &output);
        size_t size = encode_output(encoder, &output, sample_facts(), 77, bytes, sizeof bytes);
        ck_assert_uint_gt(size, FRAMING_SIZE);
        json_t *theirs =
            avro_oracle_read(oracle, slice_of(bytes + FRAMING_SIZE, size - FRAMING_SIZE));
        size_t length = encode_json_output(&output, sample_facts(), slice_text("segue.x"), &texts,
                                           line, sizeof line);
        json_t *ours = json_loadb((const char *)line, length, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_ptr_nonnull(ours);
        ck_assert_ptr_nonnull(theirs);
        ck_assert_msg(json_equal(json_object_get(ours, "value"), theirs), "round %d: %.*s", round,
                      (int)length, line);
        /* too small by any number of bytes: nothing */
        size_t limit = random_below(&rng, size);
        ck_assert_uint_eq(encode_output(encoder, &output, sample_facts(), 77, bytes, limit), 0);
        json_decref(ours);
        json_decref(theirs);
    }
    avro_oracle_close(oracle);
}
END_TEST

static const struct plan *plan_of(enum source source, const struct schema *schema)
{
    struct source_mapping mapping = {.source = source};
    const struct plan *plan = NULL;
    ck_assert_msg(plan_compile(schema, schema, &mapping, &schemas, &plan, &why) == STATUS_OK, "%s",
                  why.text);
    return plan;
}

START_TEST(an_event_survives_avro_and_ndjson)
{
    enum source source = (enum source)_i;
    const struct schema *schema = parse(schemas_text(schemas_name_of_source(source)));
    const struct encoder *encoder = NULL;
    const struct plan *plan = plan_of(source, schema);
    ck_assert_int_eq(encoder_compile_event(source, schema, &schemas, &encoder, &why), STATUS_OK);
    seed();
    for (int round = 0; round < ROUNDS; round++) {
        struct event event, decoded, read;
        struct reject reject = {0};
        struct ndjson_error error;
        arena_init(&texts, text_block, sizeof text_block);
        sample_event(&rng, source, &texts, &event);
        size_t size = encode_event(encoder, &event, 1, bytes, sizeof bytes);
        ck_assert_uint_gt(size, FRAMING_SIZE);
        ck_assert_msg(decode_event(plan, slice_of(bytes + FRAMING_SIZE, size - FRAMING_SIZE),
                                   DECODE_RECORD_SIZE_MAX, &decoded, &reject),
                      "round %d: %s %s", round, reject_reason_text(reject.reason), reject.field);
        ck_assert(events_equal(&event, &decoded));
        size_t length = encode_json_event(&event, line, sizeof line);
        ck_assert_msg(ndjson_parse(slice_of(line, length), &texts, &read, &error) == STATUS_OK,
                      "%s: %.*s", error.text.text, (int)length, line);
        ck_assert(events_equal(&event, &read));
    }
}
END_TEST

START_TEST(what_we_accept_avro_c_accepts)
{
    enum source source = (enum source)_i;
    struct slice text = schemas_text(schemas_name_of_source(source));
    const struct schema *schema = parse(text);
    const struct encoder *encoder = NULL;
    const struct plan *plan = plan_of(source, schema);
    struct avro_oracle *oracle = avro_oracle_open(text);
    int accepted = 0;
    ck_assert_int_eq(encoder_compile_event(source, schema, &schemas, &encoder, &why), STATUS_OK);
    seed();
    for (int round = 0; round < 40 * ROUNDS; round++) {
        struct event event;
        struct reject reject;
        arena_init(&texts, text_block, sizeof text_block);
        sample_event(&rng, source, &texts, &event);
        size_t size = encode_event(encoder, &event, 1, bytes, sizeof bytes);
        for (uint64_t i = random_below(&rng, 3); i > 0; i--) {
            bytes[FRAMING_SIZE + random_below(&rng, size - FRAMING_SIZE)] ^=
                (uint8_t)(1U << random_below(&rng, 8));
        }
        struct slice payload = slice_of(bytes + FRAMING_SIZE, size - FRAMING_SIZE);
        if (decode_event(plan, payload, DECODE_RECORD_SIZE_MAX, &event, &reject)) {
            json_t *theirs = avro_oracle_read(oracle, payload);
            ck_assert_msg(theirs != NULL, "round %d", round);
            json_t *id = json_object_get(theirs, "customer_id");
            ck_assert(slice_equal(event.customer_id,
                                  slice_of(json_string_value(id), json_string_length(id))));
            json_decref(theirs);
            accepted++;
        }
    }
    ck_assert_int_gt(accepted, ROUNDS);
    avro_oracle_close(oracle);
}
END_TEST

START_TEST(the_contracts_defaults_are_those_of_ndjson)
{
    struct event event = {0}, read;
    struct ndjson_error error;
    struct reject reject;
    const char *text = "{\"source\":\"transactions\",\"event\":{\"event_id\":\"e\",\"customer_id\":"
                       "\"c\",\"booked_at\":5,"
                       "\"amount_minor\":1,\"currency\":\"GBP\",\"direction\":\"DEBIT\"}}";
    const struct schema *schema = parse(schemas_text("transaction"));
    const struct encoder *encoder = NULL;
    arena_init(&texts, text_block, sizeof text_block);
    ck_assert_int_eq(ndjson_parse(slice_text(text), &texts, &read, &error), STATUS_OK);
    event = read;
    for (int i = 0; i < 19; i++) { /* as an event that never had them */
        event.present &=
            fields_of(SOURCE_TRANSACTIONS)->fields[i].required ? ~UINT64_C(0) : ~(UINT64_C(1) << i);
    }
    ck_assert_uint_ne(event.present, read.present);
    ck_assert_int_eq(encoder_compile_event(SOURCE_TRANSACTIONS, schema, &schemas, &encoder, &why),
                     STATUS_OK);
    size_t size = encode_event(encoder, &event, 1, bytes, sizeof bytes);
    ck_assert(decode_event(plan_of(SOURCE_TRANSACTIONS, schema),
                           slice_of(bytes + FRAMING_SIZE, size - FRAMING_SIZE),
                           DECODE_RECORD_SIZE_MAX, &event, &reject));
    ck_assert(events_equal(&event, &read));
}
END_TEST

START_TEST(headers_are_cloudevents)
{
    struct header headers[ENCODE_HEADERS_MAX];
    struct output output = {.kind = OUTPUT_SEGMENT_CHANGED,
                            .id = {1, 0xabc},
                            .sequence = 42,
                            .customer_id = slice_text("c1"),
                            .effective_at_ms = INT64_C(1795600800123)};
    output.segment_changed.data_category = slice_text("health");
    output.segment_changed.cause =
        (struct cause){.source = SOURCE_CUSTOMER_PROFILES, .partition = 3, .offset = 9};
    static const char *const expected[][2] = {{"ce_specversion", "1.0"},
                                              {"ce_id", "00000000000000010000000000000abc"},
                                              {"ce_source", "/segue/retail"},
                                              {"ce_type", "segue.v1.SegmentChanged"},
                                              {"ce_time", "2026-11-25T10:00:00.123Z"},
                                              {"ce_subject", "c1"},
                                              {"ce_causationid", "bank.topic/3/9"},
                                              {"ce_sequence", "00000000000000000042"},
                                              {"ce_dataclassification", "health"},
                                              {"content-type", "application/avro"}};
    arena_init(&texts, text_block, sizeof text_block);
    ck_assert_uint_eq(encode_headers(&output, sample_facts(), &texts, headers), 10);
    for (int i = 0; i < 10; i++) {
        ck_assert_msg(slice_is(headers[i].name, expected[i][0]), "%s", expected[i][0]);
        ck_assert_msg(slice_is(headers[i].value, expected[i][1]), "%s: %.*s", expected[i][0],
                      SLICE_ARG(headers[i].value));
    }
    output.segment_changed.cause.event_id = slice_text("e7");
    (void)encode_headers(&output, sample_facts(), &texts, headers);
    ck_assert(slice_is(headers[6].value, "e7"));
    output.customer_id = slice_of("a\0b", 3); /* not another customer, a */
    output.segment_changed.cause.event_id = slice_of("e\0f", 3);
    (void)encode_headers(&output, sample_facts(), &texts, headers);
    ck_assert(slice_equal(headers[5].value, output.customer_id));
    ck_assert(slice_equal(headers[6].value, output.segment_changed.cause.event_id));
    arena_init(&texts, text_block, 40);
    ck_assert_uint_eq(encode_headers(&output, sample_facts(), &texts, headers), 0);
}
END_TEST

/* What an output was decided from goes with it, of whichever kind it is. */
START_TEST(headers_tell_the_data_category)
{
    struct header headers[ENCODE_HEADERS_MAX];
    struct output life = {.kind = OUTPUT_LIFE_EVENT}, offer = {.kind = OUTPUT_OFFER_DECIDED};
    const struct {
        const struct output *output;
        struct slice *category;
    } cases[] = {{&life, &life.life_event.data_category},
                 {&offer, &offer.offer_decided.data_category}};
    for (int i = 0; i < 2; i++) {
        arena_init(&texts, text_block, sizeof text_block);
        uint32_t without = encode_headers(cases[i].output, sample_facts(), &texts, headers);
        *cases[i].category = slice_text("health");
        uint32_t with = encode_headers(cases[i].output, sample_facts(), &texts, headers);
        ck_assert_uint_eq(with, without + 1);
        ck_assert(slice_is(headers[with - 2].name, "ce_dataclassification"));
        ck_assert(slice_is(headers[with - 2].value, "health"));
    }
}
END_TEST

/* A care team reads its life events by this header, without opening a value. */
START_TEST(headers_route_a_life_event)
{
    struct header headers[ENCODE_HEADERS_MAX];
    struct output life = {.kind = OUTPUT_LIFE_EVENT};
    arena_init(&texts, text_block, sizeof text_block);
    uint32_t without = encode_headers(&life, sample_facts(), &texts, headers);
    life.life_event.route = slice_text("care");
    uint32_t with = encode_headers(&life, sample_facts(), &texts, headers);
    ck_assert_uint_eq(with, without + 1);
    ck_assert(slice_is(headers[with - 2].name, "ce_route"));
    ck_assert(slice_is(headers[with - 2].value, "care"));
}
END_TEST

START_TEST(a_line_of_output_is_stable)
{
    struct output output = {.kind = OUTPUT_DEAD_LETTER, .id = {1, 2}};
    output.dead_letter = (struct dead_letter){.topic = slice_text("bank.transactions"),
                                              .partition = 1,
                                              .offset = 7,
                                              .reason = REJECT_BAD_UTF8,
                                              .at = 12,
                                              .schema_id = 5};
    arena_init(&texts, text_block, sizeof text_block);
    size_t size = encode_json_output(&output, sample_facts(), slice_text("segue.dead-letters"),
                                     &texts, line, sizeof line);
    line[size] = 0;
    ck_assert_str_eq(
        (char *)line,
        "{\"topic\":\"segue.dead-letters\",\"key\":null,\"headers\":{\"ce_specversion\":\"1.0\","
        "\"ce_id\":\"00000000000000010000000000000002\",\"ce_source\":\"/segue/retail\","
        "\"ce_type\":\"segue.v1.DeadLetter\",\"ce_time\":\"1970-01-01T00:00:00Z\","
        "\"ce_sequence\":\"00000000000000000000\",\"content-type\":\"application/avro\"},"
        "\"value\":{\"topic\":\"bank.transactions\",\"partition\":1,\"offset\":7,\"reason\":\"bad_"
        "utf8\","
        "\"at\":12,\"schema_id\":5,\"field\":null,\"processed_at\":1795600800123}}\n");
}
END_TEST

START_TEST(an_open_end_is_null)
{
    struct output output = {.kind = OUTPUT_SEGMENT_STATE};
    output.segment_changed.valid_until_ms = INT64_MAX;
    output.segment_changed.entered_at_ms = 5;
    arena_init(&texts, text_block, sizeof text_block);
    size_t size =
        encode_json_output(&output, sample_facts(), slice_text("t"), &texts, line, sizeof line);
    line[size] = 0;
    ck_assert_ptr_nonnull(strstr((char *)line, "\"valid_until\":null,"));
    ck_assert_ptr_nonnull(strstr((char *)line, "\"entered_at\":5,\"previous_exit_at\":null,"));
}
END_TEST

START_TEST(a_tombstone_is_null)
{
    struct output output = {
        .kind = OUTPUT_SEGMENT_STATE, .tombstone = true, .key = slice_text("c|\"s\"")};
    arena_init(&texts, text_block, sizeof text_block);
    size_t size =
        encode_json_output(&output, sample_facts(), slice_text("t"), &texts, line, sizeof line);
    line[size] = 0;
    ck_assert_ptr_nonnull(strstr((char *)line, "\"key\":\"c|\\\"s\\\"\","));
    ck_assert_ptr_nonnull(strstr((char *)line, "},\"value\":null}\n"));
}
END_TEST

static const struct {
    const char *fields;
    const char *message;
} unjoinable[] = {
    {"{\"name\":\"surprise\",\"type\":\"int\"}",
     "X.surprise: we have no such field, and it takes no null"},
    {"{\"name\":\"partition\",\"type\":\"string\"}",
     "X.partition: our value does not become string"},
    {"{\"name\":\"offset\",\"type\":\"int\"}", "X.offset: our value does not become int"},
    {"{\"name\":\"surprise\",\"type\":[\"null\",\"int\"]}", NULL},
};

START_TEST(a_schema_that_asks_too_much_is_named)
{
    char text[300];
    const struct encoder *encoder = NULL;
    (void)snprintf(text, sizeof text, "{\"type\":\"record\",\"name\":\"X\",\"fields\":[%s]}",
                   unjoinable[_i].fields);
    enum status status =
        encoder_compile(OUTPUT_DEAD_LETTER, parse(slice_text(text)), &schemas, &encoder, &why);
    ck_assert_int_eq(status, unjoinable[_i].message == NULL ? STATUS_OK : STATUS_INVALID);
    if (unjoinable[_i].message != NULL) {
        ck_assert_str_eq(why.text, unjoinable[_i].message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encode");
    TCase *tests = tcase_create("encode");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, shapes_and_schemas_say_the_same);
    tcase_add_loop_test(tests, avro_c_reads_every_output_as_the_json_says, 0, OUTPUT_KIND_COUNT);
    tcase_add_loop_test(tests, an_event_survives_avro_and_ndjson, 0, SOURCE_COUNT);
    tcase_add_loop_test(tests, what_we_accept_avro_c_accepts, 0, SOURCE_COUNT);
    tcase_add_test(tests, the_contracts_defaults_are_those_of_ndjson);
    tcase_add_test(tests, headers_are_cloudevents);
    tcase_add_test(tests, headers_tell_the_data_category);
    tcase_add_test(tests, headers_route_a_life_event);
    tcase_add_test(tests, a_line_of_output_is_stable);
    tcase_add_test(tests, an_open_end_is_null);
    tcase_add_test(tests, a_tombstone_is_null);
    tcase_add_loop_test(tests, a_schema_that_asks_too_much_is_named, 0,
                        sizeof unjoinable / sizeof unjoinable[0]);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
