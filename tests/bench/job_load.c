/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/job_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/invariant.h"
#include "base/random.h"

enum { RECORD_SIZE_MAX = 512, MS_PER_HOUR = 3600000, DAY_MS = 86400000 };

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"Transaction\",\"namespace\":\"bank.tx\",\"fields\":["
    "{\"name\":\"event_id\",\"type\":{\"type\":\"string\",\"logicalType\":\"uuid\"}},"
    "{\"name\":\"customer_id\",\"type\":\"string\"},"
    "{\"name\":\"account_id\",\"type\":\"string\"},"
    "{\"name\":\"ts\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
    "{\"name\":\"amount\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":"
    "18,"
    "\"scale\":2}},"
    "{\"name\":\"currency\",\"type\":\"string\"},"
    "{\"name\":\"direction\",\"type\":{\"type\":\"enum\",\"name\":\"Direction\",\"symbols\":["
    "\"DEBIT\","
    "\"CREDIT\"]}},"
    "{\"name\":\"mcc\",\"type\":\"int\"},"
    "{\"name\":\"merchant_name\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"merchant_country\",\"type\":\"string\"},"
    "{\"name\":\"channel\",\"type\":{\"type\":\"enum\",\"name\":\"Channel\",\"symbols\":[\"CARD\","
    "\"ATM\","
    "\"TRANSFER\",\"DIRECT_DEBIT\",\"APP\",\"WEB\"]}},"
    "{\"name\":\"balance_after\",\"type\":[\"null\",\"long\"]},"
    "{\"name\":\"counterparty\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"is_recurring\",\"type\":\"boolean\"},"
    "{\"name\":\"description\",\"type\":[\"null\",\"string\"]},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"map\",\"values\":\"string\"}}]}";

struct slice job_schema(void)
{
    return slice_text(schema_text);
}

static struct field_mapping *field(struct source_mapping *mapping, const char *name)
{
    int at = fields_find(mapping->source, slice_text(name));
    INVARIANT(at >= 0);
    return &mapping->fields[at];
}

const struct source_mapping *job_mapping(void)
{
    static const struct mapping_value any[] = {
        {{(const uint8_t *)"*", 1}, {(const uint8_t *)"ONLINE", 6}}};
    static const char *const renamed[][2] = {{"booked_at", "ts"},
                                             {"amount_minor", "amount"},
                                             {"balance_after_minor", "balance_after"},
                                             {"counterparty_id", "counterparty"},
                                             {"reference", "description"}};
    static const char *const constants[][2] = {
        {"account_type", "CURRENT"}, {"status", "POSTED"}, {"kind", "CARD"}};
    static struct source_mapping mapping;
    mapping = (struct source_mapping){.source = SOURCE_TRANSACTIONS};
    for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
        field(&mapping, renamed[i][0])->path = slice_text(renamed[i][1]);
    }
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        field(&mapping, constants[i][0])->constant = slice_text(constants[i][1]);
        field(&mapping, constants[i][0])->has_constant = true;
    }
    field(&mapping, "channel")->values = any;
    field(&mapping, "channel")->value_count = 1;
    return &mapping;
}

/* ---- one record ---- */

struct pen {
    uint8_t bytes[RECORD_SIZE_MAX];
    size_t size;
};

static void put_long(struct pen *pen, int64_t value)
{
    uint64_t rest = (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
    for (; rest >= 0x80; rest >>= 7) {
        pen->bytes[pen->size++] = (uint8_t)(rest | 0x80);
    }
    pen->bytes[pen->size++] = (uint8_t)rest;
}

static void put_text(struct pen *pen, const char *text)
{
    size_t size = strlen(text);
    put_long(pen, (int64_t)size);
    memcpy(pen->bytes + pen->size, text, size);
    pen->size += size;
}

/* A union of null and a text: `likely` of ten times the text. */
static void put_maybe(struct pen *pen, struct random *random, uint64_t likely, const char *text)
{
    bool there = random_below(random, 10) < likely;
    put_long(pen, there);
    if (there) {
        put_text(pen, text);
    }
}

/* Three bytes hold amounts up to 8,388,607. */
static void put_amount(struct pen *pen, int64_t amount_minor)
{
    put_long(pen, 3);
    for (int shift = 16; shift >= 0; shift -= 8) {
        pen->bytes[pen->size++] = (uint8_t)(amount_minor >> shift);
    }
}

static void put_record(struct pen *pen, struct random *random, const char *id, int64_t time_ms)
{
    static const char *const merchants[] = {"REWE Markt GmbH",    "Amazon EU S.a r.l.",
                                            "Shell Station 2231", "Netflix.com",
                                            "Deutsche Bahn",      "IKEA Deutschland"};
    static const char *const countries[] = {"DE", "FR", "NL", "US", "GB"};
    char text[160];
    uint64_t home = hash64(slice_text(id), 1) % 5;
    pen->size = 0;
    memcpy(pen->bytes, "\0\0\0\0\7", 5);
    pen->size = 5;
    (void)snprintf(text, sizeof(text), "%016llx-4000-8000-%012llx",
                   (unsigned long long)random_next(random),
                   (unsigned long long)(random_next(random) >> 16));
    put_text(pen, text);
    put_text(pen, id);
    (void)snprintf(text, sizeof(text), "DE89370400440532%06llu",
                   (unsigned long long)random_below(random, 1000000));
    put_text(pen, text);
    put_long(pen, time_ms);
    put_amount(pen, random_between(random, 1, 500000));
    put_text(pen, "EUR");
    put_long(pen, random_below(random, 10) < 8 ? 0 : 1);
    put_long(pen, random_between(random, 4000, 8999));
    put_maybe(pen, random, 9, merchants[random_below(random, 6)]);
    bool away = random_below(random, 100) < 2;
    put_text(pen, countries[away ? (home + 1 + random_below(random, 4)) % 5 : home]);
    put_long(pen, random_between(random, 0, 5));
    bool balance = random_below(random, 10) < 9;
    put_long(pen, balance);
    if (balance) {
        put_long(pen, random_between(random, 0, 9999999));
    }
    (void)snprintf(text, sizeof(text), "DE44500105175407%06llu",
                   (unsigned long long)random_below(random, 1000000));
    put_maybe(pen, random, 6, text);
    pen->bytes[pen->size++] = random_below(random, 8) == 0;
    (void)snprintf(text, sizeof(text),
                   "Card payment ref %012llu auth %06llu terminal 44120931 Frankfurt am Main Hbf, "
                   "end-to-end id NOTPROVIDED, mandate M-%08llu",
                   (unsigned long long)random_below(random, 1000000000000),
                   (unsigned long long)random_below(random, 1000000),
                   (unsigned long long)random_below(random, 100000000));
    put_maybe(pen, random, 9, text);
    put_long(pen, 1);
    put_text(pen, "device");
    put_text(pen, "ios-17.4");
    put_long(pen, 0);
}

/* ---- all of them ---- */

static void *need(void *block)
{
    if (block == NULL) {
        perror("bench_job");
        exit(1);
    }
    return block;
}

/* 8 of 100 come from the "hot" 1 % of the customers, another 1 % every ten days. */
static uint64_t choose(struct random *random, uint32_t customers, int64_t day)
{
    uint32_t hot = customers / 100 > 0 ? customers / 100 : 1;
    if (random_below(random, 100) < 8) {
        return ((uint64_t)(day / 10 * 37 % 100) * hot + random_below(random, hot)) % customers;
    }
    return random_below(random, customers);
}

void job_load_make(struct job_load *load, uint32_t count, uint32_t customers)
{
    struct random random;
    struct pen pen;
    char id[JOB_ID_SIZE + 1];
    random_init(&random, 1);
    for (uint32_t i = 0; i < JOB_TASKS; i++) {
        load->records[i] = need(malloc((size_t)(count + 1) * sizeof(struct job_record)));
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t since_ms = (int64_t)i * JOB_DAYS * DAY_MS / count;
        (void)snprintf(id, sizeof(id), "C%010llu",
                       (unsigned long long)choose(&random, customers, since_ms / DAY_MS) %
                           10000000000ULL);
        int64_t time_ms = INT64_C(1767225600000) + since_ms;
        uint64_t late = random_below(&random, 10000);
        if (late == 0) {
            time_ms -= INT64_C(40) * DAY_MS;
        } else if (late < 200) {
            time_ms -= random_between(&random, 0, MS_PER_HOUR);
        }
        put_record(&pen, &random, id, time_ms);
        uint8_t *copy = need(malloc(JOB_ID_SIZE + pen.size));
        memcpy(copy, id, JOB_ID_SIZE);
        memcpy(copy + JOB_ID_SIZE, pen.bytes, pen.size);
        struct job_record record = {slice_of(copy, JOB_ID_SIZE),
                                    slice_of(copy + JOB_ID_SIZE, pen.size)};
        uint32_t task = hash_partition(record.key, JOB_TASKS);
        load->records[task][load->counts[task]++] = record;
    }
}
