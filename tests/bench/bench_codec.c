/* SPDX-License-Identifier: Apache-2.0 */
/* CPU nanoseconds per decoded transaction: our plan beside avro-c's generic value, over the same
 * 20,000 messages. Prints `name: value`, the median of seven rounds. Built by default, never run by
 * the tests. */
#include <avro.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/invariant.h"
#include "base/random.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/framing.h"
#include "codec/schemas.h"

enum { MESSAGES = 20000, ROUNDS = 7, PASSES = 10, MESSAGE_SIZE_MAX = 512 };

struct message {
    size_t size;
    uint8_t bytes[MESSAGE_SIZE_MAX];
};

static struct message messages[MESSAGES];
static uint8_t block[1 << 20];
static uint64_t checksum; /* so that no work is optimised away */

static double now_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

PRINTF_LIKE(3, 4) static struct slice text(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out, size, format, arguments);
    va_end(arguments);
    return slice_text(out);
}

/* Lengths as in a bank's feed: 36-byte ids, names, mostly nulls where nulls are usual. */
static void make_messages(const struct encoder *encoder)
{
    static char id[64], customer[32], account[32], merchant[48], other[64], reference[64];
    struct random random;
    random_init(&random, 1);
    for (int i = 0; i < MESSAGES; i++) {
        struct event event = {.source = SOURCE_TRANSACTIONS, .present = (UINT64_C(1) << 19) - 1};
        bool card = random_chance(&random, 0.5);
        event.event_id = text(id, sizeof id, "7f6b2c1e-0000-4000-8000-%012llx",
                              (unsigned long long)(random_next(&random) >> 16));
        event.customer_id = text(customer, sizeof customer, "C%010llu",
                                 (unsigned long long)(random_below(&random, 1000000)));
        event.time_ms = INT64_C(1700000000000) + (int64_t)random_below(&random, 1000000000);
        event.tx.account_id = text(account, sizeof account, "GB29NWBK%014llu",
                                   (unsigned long long)(random_below(&random, 1000000)));
        event.tx.currency = slice_text("GBP");
        event.tx.merchant_name = text(merchant, sizeof merchant, "MERCHANT %llu LONDON",
                                      (unsigned long long)(random_below(&random, 99999)));
        event.tx.merchant_country = slice_text("GB");
        event.tx.counterparty_id =
            text(other, sizeof other, "cp-%016llx", (unsigned long long)(random_next(&random)));
        event.tx.counterparty_name = slice_text("ACME PAYROLL LTD");
        event.tx.reference = text(reference, sizeof reference, "INVOICE %llu",
                                  (unsigned long long)(random_below(&random, 99999999)));
        event.tx.amount_minor = (int64_t)random_between(&random, 1, 1000000);
        event.tx.balance_after_minor = (int64_t)random_between(&random, -100000, 10000000);
        event.tx.mcc = (int32_t)random_between(&random, 700, 9999);
        event.tx.kind = card ? KIND_CARD : KIND_TRANSFER;
        event.present &= ~(UINT64_C(1) << fields_find(SOURCE_TRANSACTIONS, slice_text("reverses")));
        const char *const absent[] = {card ? "counterparty_id" : "mcc",
                                      card ? "counterparty_name" : "merchant_name",
                                      card ? "reference" : "merchant_country"};
        for (int j = 0; j < 3; j++) {
            event.present &=
                ~(UINT64_C(1) << fields_find(SOURCE_TRANSACTIONS, slice_text(absent[j])));
        }
        messages[i].size = encode_event(encoder, &event, 1, messages[i].bytes, MESSAGE_SIZE_MAX);
        INVARIANT(messages[i].size > 0);
    }
}

static struct slice payload(int i)
{
    return slice_of(messages[i].bytes + FRAMING_SIZE, messages[i].size - FRAMING_SIZE);
}

static void decode_all(const void *context)
{
    struct event event;
    struct reject reject;
    for (int i = 0; i < MESSAGES; i++) {
        INVARIANT(decode_event(context, payload(i), DECODE_RECORD_SIZE_MAX, &event, &reject));
        checksum += (uint64_t)event.tx.amount_minor + event.customer_id.size;
    }
}

static void avro_c_all(const void *context)
{
    avro_value_t value, field;
    int64_t amount;
    avro_reader_t reader = avro_reader_memory("", 0);
    INVARIANT(avro_generic_value_new((avro_value_iface_t *)(uintptr_t)context, &value) == 0);
    for (int i = 0; i < MESSAGES; i++) {
        struct slice bytes = payload(i);
        avro_reader_memory_set_source(reader, (const char *)bytes.data, (int64_t)bytes.size);
        INVARIANT(avro_value_read(reader, &value) == 0);
        (void)avro_value_get_by_index(&value, 5, &field, NULL);
        (void)avro_value_get_long(&field, &amount);
        checksum += (uint64_t)amount;
    }
    avro_value_decref(&value);
    avro_reader_free(reader);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, void (*work)(const void *), const void *context)
{
    double rounds[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int pass = 0; pass < PASSES; pass++) {
            work(context);
        }
        rounds[round] = (now_ns() - start) / (double)(MESSAGES * PASSES);
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], by_value);
    (void)printf("%s: %.1f\n", name, rounds[ROUNDS / 2]);
}

int main(void)
{
    struct arena arena;
    struct status_text why;
    const struct schema *schema;
    const struct encoder *encoder;
    const struct plan *plan;
    struct source_mapping mapping = {.source = SOURCE_TRANSACTIONS};
    struct slice contract = schemas_text("transaction");
    avro_schema_t theirs;
    size_t total = 0;
    arena_init(&arena, block, sizeof block);
    INVARIANT(schema_parse(contract, NULL, 0, &arena, &schema, &why) == STATUS_OK);
    INVARIANT(encoder_compile_event(SOURCE_TRANSACTIONS, schema, &arena, &encoder, &why) ==
              STATUS_OK);
    INVARIANT(plan_compile(schema, schema, &mapping, &arena, &plan, &why) == STATUS_OK);
    INVARIANT(avro_schema_from_json_length((const char *)contract.data, contract.size, &theirs) ==
              0);
    make_messages(encoder);
    for (int i = 0; i < MESSAGES; i++) {
        total += payload(i).size;
    }
    (void)printf("transaction_bytes: %.0f\n", (double)total / MESSAGES);
    measure("decode_plan_ns", decode_all, plan);
    avro_value_iface_t *class = avro_generic_class_from_schema(theirs);
    measure("decode_avro_c_ns", avro_c_all, class);
    avro_value_iface_decref(class);
    avro_schema_decref(theirs);
    return checksum == 0;
}
