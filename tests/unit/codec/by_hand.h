/* SPDX-License-Identifier: Apache-2.0 */
/* For test_plan.c and test_decode.c: a writer's schema, its plan, and bytes written by hand. */
#ifndef CODEC_BY_HAND_H
#define CODEC_BY_HAND_H

#include <stdio.h>

#include "base/bytes.h"
#include "codec/decode.h"
#include "codec/schemas.h"
#include "support/suite.h"

static uint8_t block[1 << 22], contract_block[1 << 18], out_block[1 << 16];
static struct arena arena;
static struct status_text why;
static struct bytes_writer w;
static struct event event;
static struct reject reject;

/* Schemas below are written with ' for ", to be legible; files of schemas/ are taken as they are.
 */
static inline const char *quoted(const char *text)
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
static inline const struct plan *plan_for(const char *text, const struct source_mapping *mapping)
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

static inline void put_text(const char *text)
{
    bytes_put_varint(&w, (int64_t)strlen(text));
    bytes_put(&w, text, strlen(text));
}

static inline bool decode(const struct plan *plan)
{
    ck_assert_ptr_nonnull(plan);
    return decode_event(plan, slice_of(out_block, w.size), DECODE_RECORD_SIZE_MAX, &event, &reject);
}

#define STRING            "'string'"
#define FIELD(name, type) "{'name':'" name "','type':" type "}"
#define RECORD(fields)    "{'type':'record','name':'R','fields':[" fields "]}"
#define SCORE_HEAD        FIELD("customer_id", STRING) "," FIELD("name", STRING) ","

UNUSED static const struct source_mapping scores = {.source = SOURCE_SCORES};
UNUSED static const struct source_mapping transactions = {.source = SOURCE_TRANSACTIONS};

#endif
