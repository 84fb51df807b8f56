/* SPDX-License-Identifier: Apache-2.0 */
#include "support/suite.h"

#include "settings/settings.h"

static uint8_t block[4 << 20];
static struct arena arena;
static struct diagnostic list[DIAGNOSTICS_MAX];
static struct diagnostics diagnostics;
static struct settings settings;

static bool load(const char *text)
{
    arena_init(&arena, block, sizeof(block));
    diagnostics_init(&diagnostics, list);
    return settings_load_text("segue.yaml", slice_text(text), &arena, &diagnostics, &settings);
}

START_TEST(settings_have_every_default)
{
    ck_assert(load(""));
    ck_assert_uint_eq(diagnostics.count, 0);
    ck_assert_str_eq(settings.application, "segue");
    ck_assert_str_eq(settings.group, "segue");
    ck_assert_int_eq(settings.commit_interval_ms, 50);
    ck_assert_int_eq(settings.workers, 0);
    ck_assert_uint_eq(settings.cache_size, 256ULL << 20);
    ck_assert_int_eq(settings.log_level, LOG_INFO);
    ck_assert(settings.live_from_ms == INT64_MIN);
    ck_assert_str_eq(settings.topics[OUTPUT_LIFE_EVENT], "segue.life-events");
    ck_assert_str_eq(settings.journal_topic, "segue.journal");
    ck_assert_str_eq(settings.checkpoint_topic, "segue.checkpoints");
    ck_assert(!settings.sources[SOURCE_TRANSACTIONS].used);
}
END_TEST

START_TEST(settings_map_a_banks_own_record)
{
    ck_assert(load("sources:\n"
                   "  transactions:\n"
                   "    topic: core.postings\n"
                   "    start: 2026-01-01T00:00:00Z\n"
                   "    stale_after: 6h\n"
                   "    fields:\n"
                   "      amount_minor: {path: payload.amount, scale: 2}\n"
                   "      status: {constant: POSTED}\n"
                   "      direction: {path: dc, values: {D: DEBIT, C: CREDIT}}\n"
                   "  app-engagement:\n"));
    const struct settings_source *source = &settings.sources[SOURCE_TRANSACTIONS];
    ck_assert(source->used && settings.sources[SOURCE_APP_ENGAGEMENT].used);
    ck_assert_str_eq(source->topic, "core.postings");
    ck_assert_int_eq(source->start, START_TIME);
    ck_assert_int_eq(source->stale_after_ms, 6 * 3600000);
    const struct field_mapping *amount =
        &source->mapping.fields[fields_find(SOURCE_TRANSACTIONS, slice_text("amount_minor"))];
    ck_assert(slice_is(amount->path, "payload.amount") && amount->has_scale && amount->scale == 2);
    const struct field_mapping *direction =
        &source->mapping.fields[fields_find(SOURCE_TRANSACTIONS, slice_text("direction"))];
    ck_assert_uint_eq(direction->value_count, 2);
    ck_assert(slice_is(direction->values[0].ours, "DEBIT"));
}
END_TEST

START_TEST(settings_give_tasks_what_the_step_before_them_writes)
{
    ck_assert(load("sources:\n"
                   "  transactions: {topic: core.postings, repartition: key}\n"
                   "  app-engagement: {repartition: partitions}\n"
                   "  scores: {topic: core.scores}\n"
                   "topics: {prefix: bank.}\n"
                   "limits: {record: 2MiB}\n"));
    const struct settings_source *sources = settings.sources;
    ck_assert_int_eq(sources[SOURCE_TRANSACTIONS].repartition, REPARTITION_KEY);
    ck_assert_str_eq(sources[SOURCE_TRANSACTIONS].topic, "core.postings");
    ck_assert_str_eq(sources[SOURCE_TRANSACTIONS].task_topic, "bank.repartition.transactions");
    ck_assert_int_eq(sources[SOURCE_APP_ENGAGEMENT].repartition, REPARTITION_PARTITIONS);
    ck_assert_str_eq(sources[SOURCE_SCORES].task_topic, "core.scores");
    ck_assert_str_eq(settings.repartition_message_size, "2162688");
    ck_assert(settings_repartitions(&settings));
    ck_assert(load("sources: {transactions: }\n") && !settings_repartitions(&settings));
}
END_TEST

START_TEST(settings_pass_kafka_properties_through_but_no_secret)
{
    ck_assert(load("kafka: {brokers: 'a:1,b:2', security.protocol: SASL_SSL, linger.ms: 5}\n"));
    ck_assert_str_eq(settings.brokers, "a:1,b:2");
    ck_assert_uint_eq(settings.property_count, 2);
    ck_assert_str_eq(settings.properties[1].value, "5");
    ck_assert(!load("kafka: {sasl.password: x}\n"));
    ck_assert_str_eq(list[0].mend, "write it into a file and name that: sasl.password_file: PATH");
}
END_TEST

/* One mistake each: text, error, line, column. */
static const struct {
    const char *text, *error;
    uint32_t line, column;
} wrong[] = {
    {"comit: {interval: 50ms}\n", "unknown key `comit`", 1, 1},
    {"commit: {intervall: 50ms}\n", "unknown key `intervall`", 1, 10},
    {"commit:\n  interval: 5ms\n", "`5ms` must be 25 ms to 10000 ms", 2, 13},
    {"application: 'a}b'\n", "`application` must be 1 to 63 bytes, without spaces and braces", 1,
     14},
    {"application: ''\n", "`application` must be 1 to 63 bytes, without spaces and braces", 1, 1},
    {"instance: 0123456789012345678901234567890123456789012345678901234567890123\n",
     "`instance` must be 1 to 63 bytes, without spaces and braces", 1, 11},
    {"registry: {url: 'http://a:b@c:1/d'}\n", "credentials in a URL", 1, 17},
    {"registry: {urls: ['http://c:1/@', 'https://a@c']}\n", "credentials in a URL", 1, 35},
    {"workers: many\n", "`workers` must be a whole number, 0 to 32", 1, 10},
    {"redis: {user: segue}\n", "a Redis user without a password file", 1, 15},
    {"registry: {user: segue}\n", "a registry user without a password file", 1, 18},
    {"registry: {token_file: /t, password_file: /x}\n", "a registry password file without a user",
     1, 43},
    {"redis: {password: x}\n", "unknown key `password`", 1, 9},
    {"redis: {address: 'unix:/x', tls: true}\n", "TLS over a Unix socket", 1, 34},
    {"redis: {address: 'localhost:63790'}\nclock: wall\n", "`clock` must be one of live stream", 2,
     8},
    {"redis: {address: 'localhost:2637999'}\n", "`localhost:2637999` is no address", 1, 18},
    {"redis: {address: 'localhost:65536'}\n", "`localhost:65536` is no address", 1, 18},
    {"redis: {address: 'localhost:0'}\n", "`localhost:0` is no address", 1, 18},
    {"redis: {address: 'localhost:+1'}\n", "`localhost:+1` is no address", 1, 18},
    {"redis: {address: localhost}\n", "`localhost` is no address", 1, 18},
    {"redis: {address: ':6379'}\n", "`:6379` is no address", 1, 18},
    {"redis: {address: 'fe80::1:6379'}\n", "`fe80::1:6379` is no address", 1, 18},
    {"redis: {address: 'a:1, b'}\n", "`b` is no address", 1, 18},
    {"redis: {address: 'a:1,'}\n", "`` is no address", 1, 18},
    {"redis: {address: 'a:1, [::1]:65535'}\nclock: wall\n", "`clock` must be one of live stream", 2,
     8},
    {"clock: wall\n", "`clock` must be one of live stream", 1, 8},
    {"sources: {transaction: {}}\n", "unknown key `transaction`", 1, 11},
    {"sources: {transactions: {start: soon}}\n", "`start` must be a moment", 1, 33},
    {"sources: {transactions: {fields: {mcc: {values: {a: b}}}}}\n",
     "`mcc` is no code: it has no values to map", 1, 41},
    {"sources: {transactions: {repartition: account}}\n",
     "`repartition` must be one of off partitions key", 1, 39},
    {"cache: {size: 5}\n", "`cache.size` must be 1048576 to 1099511627776 bytes", 1, 15},
    {"topics: {live-events: x}\n", "unknown key `live-events`", 1, 10},
};

START_TEST(settings_say_what_is_wrong_and_where)
{
    ck_assert(!load(wrong[_i].text));
    ck_assert_uint_eq(diagnostics.error_count, 1);
    ck_assert_str_eq(list[0].text, wrong[_i].error);
    ck_assert_uint_eq(list[0].span.line, wrong[_i].line);
    ck_assert_uint_eq(list[0].span.column, wrong[_i].column);
}
END_TEST

/* Each is refused, and what it says of it goes to a log: the secret is hunter2. */
static const struct {
    const char *text, *shown;
} secrets[] = {
    {"kafka:\n  sasl.password: hunter2\n", "2 |   sasl.password ...\n  |   ^^^^^^^^^^^^^ write it"},
    {"kafka: {ssl.key.pem: hunter2, ssl.key.password: x}\n", "1 | kafka: {ssl.key.pem ...\n"},
    {"kafka: {sasl.password: hunter2, bootstrap.servers: x}\n", "call it `brokers`"},
    {"registry: {url: 'http://a:hunter2@c:1/d'}\n", "1 | registry: {url: 'http:// ...\n"},
    {"registry: {urls: ['http://c:1', 'https://hunter2@c']}\n", "'https:// ...\n"},
    {"registry: {Token: hunter2}\n", "1 | registry: {Token ...\n"},
    {"redis: {password: hunter2}\n", "1 | redis: {password ...\n"},
    {"redis: {tls: 1, sentinel_password: hunter2}\n", "sentinel_password ...\n"},
    {"kafka:\n  sasl.password: @hunter2\n", "2 |   sasl.password ...\n"}, /* no YAML */
    {"redis: {password_file: /x, user: [1]}\n", "1 | redis: {password_file: /x, user: [1]}\n"},
};

START_TEST(settings_never_repeat_a_secret)
{
    char *text = NULL;
    size_t size = 0;
    ck_assert(!load(secrets[_i].text));
    FILE *out = open_memstream(&text, &size);
    diagnostics_print(&diagnostics, out, false);
    diagnostics_print_json(&diagnostics, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(strstr(text, "hunter2") == NULL, "%s", text);
    ck_assert_msg(strstr(text, secrets[_i].shown) != NULL, "%s", text);
    free(text);
}
END_TEST

START_TEST(settings_print_a_file_that_loads_to_the_defaults)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    settings_print_defaults(out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(load(text));
    ck_assert_uint_eq(diagnostics.count, 0);
    ck_assert_int_eq(settings.watchdog_ms, 60000);
    ck_assert_str_eq(settings.listen, "127.0.0.1:9464");
    ck_assert_uint_eq(settings.batch_size_max, 16 << 20);
    ck_assert_str_eq(settings.topics[0], "segue.segment-changes");
    ck_assert_str_eq(settings.registry.user, "");
    ck_assert_ptr_nonnull(strstr(text, "registry:\n  # url: "));
    ck_assert_ptr_nonnull(strstr(text, "  # urls: "));
    for (const char *line = text; line != NULL; line = strchr(line + 1, '\n')) {
        const char *about = strchr(line + 1, '#'); /* each key says what it means */
        ck_assert_msg(about == NULL || strncmp(about, "#  (", 4) != 0, "%.60s", line);
        ck_assert_msg(about == NULL || strncmp(about, "# \n", 3) != 0, "%.60s", line);
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings");
    TCase *tc = tcase_create("settings");
    tcase_add_test(tc, settings_have_every_default);
    tcase_add_test(tc, settings_map_a_banks_own_record);
    tcase_add_test(tc, settings_give_tasks_what_the_step_before_them_writes);
    tcase_add_test(tc, settings_pass_kafka_properties_through_but_no_secret);
    tcase_add_loop_test(tc, settings_say_what_is_wrong_and_where, 0,
                        sizeof(wrong) / sizeof(wrong[0]));
    tcase_add_loop_test(tc, settings_never_repeat_a_secret, 0,
                        sizeof(secrets) / sizeof(secrets[0]));
    tcase_add_test(tc, settings_print_a_file_that_loads_to_the_defaults);
    suite_add_tcase(suite, tc);
    return suite_run_all(suite);
}
