/* SPDX-License-Identifier: Apache-2.0 */
/* For avro_share.py: read a block of values both ways we have. usage: value_tool COUNT SCHEMA_SIZE < SCHEMA BLOCK
 *
 * The block stands as an array in a field that nobody maps, so the decode plan passes over it with all its
 * checks; avro_json_write reads the same bytes by the schema alone. Prints the values as JSON. Exit 0: both
 * take it, 1: both refuse it (the reason on stderr), 2: they differ, or the schema is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "codec/avro_json.h"
#include "codec/decode.h"
#include "codec/schemas.h"

static uint8_t block[1 << 22], contract_block[1 << 18], payload[1 << 20];
static char input[1 << 20], text[1 << 20];

static const char head[] =
    "{\"type\":\"record\",\"name\":\"Outer\",\"fields\":[{\"name\":\"customer_id\",\"type\":"
    "\"string\"},"
    "{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"value\",\"type\":\"int\"},"
    "{\"name\":\"scored_at\",\"type\":\"long\"},{\"name\":\"block\",\"type\":{\"type\":\"array\","
    "\"items\":";

static const struct schema *parse(struct slice from, struct arena *arena)
{
    const struct schema *schema;
    struct status_text why;
    if (schema_parse(from, NULL, 0, arena, &schema, &why) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        exit(2);
    }
    return schema;
}

int main(int argument_count, char **arguments)
{
    static const struct source_mapping scores = {.source = SOURCE_SCORES};
    static struct event event;
    struct arena arena, contracts;
    struct reject reject = {.reason = REJECT_NONE};
    struct status_text why;
    const struct plan *plan;
    size_t size = fread(input, 1, sizeof(input), stdin);
    size_t schema_size = argument_count == 3 ? strtoul(arguments[2], NULL, 10) : sizeof(input);
    if (schema_size > size) {
        return 2;
    }
    (void)snprintf(text, sizeof(text), "%s%.*s}}]}", head, (int)schema_size, input);
    arena_init(&arena, block, sizeof(block));
    arena_init(&contracts, contract_block, sizeof(contract_block));
    const struct schema *schema = parse(slice_text(text), &arena);
    const struct schema *contract =
        parse(schemas_text(schemas_name_of_source(SOURCE_SCORES)), &contracts);
    if (plan_compile(schema, contract, &scores, &arena, &plan, &why) != STATUS_OK) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    struct bytes_writer writer = bytes_writer(payload, sizeof(payload));
    bytes_put_varint(&writer, 1);
    bytes_put_u8(&writer, 'c');
    bytes_put_varint(&writer, 1);
    bytes_put_u8(&writer, 'n');
    bytes_put_varint(&writer, 1);
    bytes_put_varint(&writer, INT64_C(1700000000000));
    size_t at = writer.size;
    bytes_put_varint(&writer, strtol(arguments[1], NULL, 10));
    bytes_put(&writer, input + schema_size, size - schema_size);
    bytes_put_varint(&writer, 0);
    bool good =
        decode_event(plan, slice_of(payload, writer.size), sizeof(payload), &event, &reject);
    bool shown =
        avro_json_write(schema->fields[4].type, slice_of(payload + at, writer.size - at), stdout);
    (void)fprintf(stderr, "%s\n", reject_reason_text(reject.reason));
    return good != shown ? 2 : good ? EXIT_SUCCESS : EXIT_FAILURE;
}
