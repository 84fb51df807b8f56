/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that avro-c wrote, read back; the same ones broken at every place. */
#include "commands/event_container.h"

#include <avro.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/container.h"
#include "codec/encode.h"
#include "codec/schemas.h"
#include "support/suite.h"

enum { RECORDS = 300, FRAMING_SIZE = 5, ARENA_SIZE = 4 << 20, BLOCK_SIZE = 4096 };

static uint8_t memory[ARENA_SIZE], texts[ARENA_SIZE];
static uint8_t file[1 << 20];
static const struct encoder *encoder;

static const struct encoder *compiled(void)
{
    const struct schema *schema;
    struct status_text text;
    struct arena arena;
    arena_init(&arena, memory, sizeof(memory));
    ck_assert_int_eq(schema_parse(schemas_text("transaction"), NULL, 0, &arena, &schema, &text),
                     STATUS_OK);
    ck_assert_int_eq(encoder_compile_event(SOURCE_TRANSACTIONS, schema, &arena, &encoder, &text),
                     STATUS_OK);
    return encoder;
}

static size_t encode(uint32_t i, int64_t amount_minor, uint8_t *out, size_t limit)
{
    char id[16];
    struct event event = {.source = SOURCE_TRANSACTIONS, .time_ms = 1700000000000 + i};
    event.customer_id = slice_text("c1");
    event.event_id = slice_of(id, (size_t)snprintf(id, sizeof(id), "e%u", i));
    event.tx.account_id = slice_text("a");
    event.tx.amount_minor = amount_minor;
    event.tx.currency = slice_text("GBP");
    event.present = UINT64_MAX;
    return encode_event(encoder, &event, 0, out, limit);
}

/* A container by avro-c of RECORDS transactions; `bad`: a record that no source takes. Its size in `file`. */
static size_t write_container(const char *codec, uint32_t bad)
{
    char path[] = "/tmp/test_event_container.XXXXXX";
    avro_schema_t schema;
    avro_file_writer_t writer;
    struct slice text = schemas_text("transaction");
    (void)compiled();
    ck_assert_int_eq(avro_schema_from_json_length((const char *)text.data, text.size, &schema), 0);
    (void)close(mkstemp(path));
    (void)unlink(path);
    ck_assert_int_eq(avro_file_writer_create_with_codec(path, schema, &writer, codec, BLOCK_SIZE),
                     0);
    for (uint32_t i = 0; i < RECORDS; i++) {
        uint8_t record[512];
        size_t size = encode(i, i == bad ? -1 : (int64_t)i + 1, record, sizeof(record));
        ck_assert_uint_gt(size, FRAMING_SIZE);
        ck_assert_int_eq(avro_file_writer_append_encoded(writer, record + FRAMING_SIZE,
                                                         (int64_t)(size - FRAMING_SIZE)),
                         0);
    }
    ck_assert_int_eq(avro_file_writer_close(writer), 0);
    avro_schema_decref(schema);
    FILE *in = fopen(path, "rb");
    size_t size = fread(file, 1, sizeof(file), in);
    (void)fclose(in);
    (void)unlink(path);
    return size;
}

struct seen {
    uint32_t good, bad;
    uint64_t last_number;
    struct ndjson_error error; /* the last */
};

/* Read all that is there; every event must be the one that was written. */
static struct seen read_all(struct event_container *container)
{
    struct seen seen = {0};
    struct event event;
    struct arena arena;
    enum status status;
    arena_init(&arena, texts, sizeof(texts));
    uint64_t number;
    while ((status = event_container_next(container, &arena, &event, &number, &seen.error)) !=
           STATUS_AWAY) {
        ck_assert_int_ne(status, STATUS_FULL);
        seen.good += status == STATUS_OK;
        seen.bad += status != STATUS_OK;
        seen.last_number = number;
        ck_assert_uint_lt(seen.bad, 10000);
    }
    return seen;
}

static struct event_container *open_size(size_t size)
{
    struct event_container *container = NULL;
    struct status_text text;
    ck_assert_msg(event_container_open(slice_of(file, size), EVENT_CONTAINER_ANY, &container,
                                       &text) == STATUS_OK,
                  "%s", text.text);
    return container;
}

static const char *const codecs[] = {"null", "deflate"};

START_TEST(what_avro_c_wrote_is_read)
{
    size_t size = write_container(codecs[_i], RECORDS);
    struct event_container *container = open_size(size);
    ck_assert_int_eq(event_container_source(container), SOURCE_TRANSACTIONS);
    struct arena arena;
    struct event event;
    struct ndjson_error error;
    uint64_t number;
    arena_init(&arena, texts, sizeof(texts));
    for (uint32_t i = 0; i < RECORDS; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "e%u", i);
        ck_assert_int_eq(event_container_next(container, &arena, &event, &number, &error),
                         STATUS_OK);
        ck_assert_uint_eq(number, i + 1);
        ck_assert(slice_is(event.event_id, id));
        ck_assert_int_eq(event.tx.amount_minor, i + 1);
    }
    ck_assert_int_eq(event_container_next(container, &arena, &event, &number, &error), STATUS_AWAY);
}
END_TEST

START_TEST(a_record_refused_for_what_it_says_costs_no_other)
{
    struct seen seen = read_all(open_size(write_container(codecs[_i], 41)));
    ck_assert_uint_eq(seen.good, RECORDS - 1);
    ck_assert_uint_eq(seen.bad, 1);
    ck_assert_int_eq(seen.error.reason, REJECT_OUT_OF_RANGE);
}
END_TEST

START_TEST(a_full_arena_gives_the_same_record_again)
{
    struct event_container *container = open_size(write_container("deflate", RECORDS));
    struct event event;
    struct arena arena;
    struct ndjson_error error;
    uint64_t number, good = 0;
    arena_init(&arena, texts, 256);
    for (;;) {
        enum status status = event_container_next(container, &arena, &event, &number, &error);
        if (status == STATUS_AWAY) {
            break;
        }
        if (status == STATUS_FULL) {
            ck_assert_uint_gt(arena.used, 0);
            arena_reset(&arena);
            continue;
        }
        ck_assert_int_eq(status, STATUS_OK);
        ck_assert_uint_eq(number, ++good);
    }
    ck_assert_uint_eq(good, RECORDS);
}
END_TEST

/* Where the header ends: behind the first marker, which is also the file's last 16 bytes. */
static size_t header_size(size_t size)
{
    for (size_t at = 0;; at++) {
        if (memcmp(file + at, file + size - 16, 16) == 0) {
            return at + 16;
        }
    }
}

START_TEST(a_broken_marker_costs_its_block_and_is_told_with_its_byte)
{
    size_t size = write_container(codecs[_i], RECORDS), header = header_size(size);
    size_t marker = header;
    while (memcmp(file + marker, file + size - 16, 16) != 0) {
        marker++;
    }
    ck_assert_uint_lt(marker, size - 16); /* there are more blocks */
    file[marker + 3] ^= 1;
    struct seen seen = read_all(open_size(size));
    char where[64];
    (void)snprintf(where, sizeof(where), "block at byte %zu: its block does not end in", header);
    ck_assert_uint_eq(seen.bad, 1);
    ck_assert_msg(strstr(seen.error.text.text, where) != NULL, "%s", seen.error.text.text);
    ck_assert_uint_gt(seen.good, 0);
    ck_assert_uint_lt(seen.good, RECORDS);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_told_of_or_ends_between_blocks)
{
    size_t size = write_container(codecs[_i], RECORDS), header = header_size(size);
    for (size_t cut = header; cut < size; cut += 1 + size / 97) {
        struct seen seen = read_all(open_size(cut));
        ck_assert_uint_lt(seen.good, RECORDS);
        bool between = cut == header || memcmp(file + cut - 16, file + size - 16, 16) == 0;
        ck_assert_uint_eq(seen.bad, between ? 0 : 1);
    }
}
END_TEST

START_TEST(a_byte_changed_anywhere_never_makes_more_records)
{
    size_t size = write_container(codecs[_i], RECORDS), header = header_size(size);
    for (size_t at = header; at < size; at += 1 + size / 211) {
        file[at] ^= 0x55;
        struct seen seen = read_all(open_size(size));
        ck_assert_uint_le(seen.good, RECORDS);
        file[at] ^= 0x55;
    }
}
END_TEST

START_TEST(a_broken_header_is_refused_with_its_byte)
{
    struct event_container *container;
    struct status_text text;
    size_t header = header_size(write_container("deflate", RECORDS));
    for (size_t cut = 4; cut < header; cut++) {
        ck_assert_int_eq(
            event_container_open(slice_of(file, cut), EVENT_CONTAINER_ANY, &container, &text),
            STATUS_INVALID);
        ck_assert(strncmp(text.text, "byte ", 5) == 0);
    }
    static const char snappy[] = "Obj\1\4\x16"
                                 "avro.schema\14\"null\"\x14"
                                 "avro.codec\14snappy\0"
                                 "0123456789abcdef";
    ck_assert_int_eq(event_container_open(slice_of(snappy, sizeof(snappy) - 1), EVENT_CONTAINER_ANY,
                                          &container, &text),
                     STATUS_INVALID);
    ck_assert(strstr(text.text, "codec `snappy`") != NULL);
}
END_TEST

START_TEST(a_schema_that_is_no_sources_is_asked_for)
{
    static const char other[] = "Obj\1\2\x16"
                                "avro.schema\x6c"
                                "{\"type\":\"record\",\"name\":\"Booking\",\"fields\":[        ]}\0"
                                "0123456789abcdef";
    struct event_container *container;
    struct status_text text;
    ck_assert_int_eq(event_container_open(slice_of(other, sizeof(other) - 1), EVENT_CONTAINER_ANY,
                                          &container, &text),
                     STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "the schema `Booking` is no source's") != NULL, "%s",
                  text.text);
    ck_assert_int_eq(event_container_open(slice_of(other, sizeof(other) - 1), SOURCE_TRANSACTIONS,
                                          &container, &text),
                     STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "has no `event_id`") != NULL, "%s", text.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event_container");
    TCase *tcase = tcase_create("event_container");
    tcase_add_loop_test(tcase, what_avro_c_wrote_is_read, 0, 2);
    tcase_add_loop_test(tcase, a_record_refused_for_what_it_says_costs_no_other, 0, 2);
    tcase_add_test(tcase, a_full_arena_gives_the_same_record_again);
    tcase_add_loop_test(tcase, a_broken_marker_costs_its_block_and_is_told_with_its_byte, 0, 2);
    tcase_add_loop_test(tcase, a_file_cut_anywhere_is_told_of_or_ends_between_blocks, 0, 2);
    tcase_add_loop_test(tcase, a_byte_changed_anywhere_never_makes_more_records, 0, 2);
    tcase_add_test(tcase, a_broken_header_is_refused_with_its_byte);
    tcase_add_test(tcase, a_schema_that_is_no_sources_is_asked_for);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return suite_run_all(suite);
}
