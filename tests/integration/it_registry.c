/* SPDX-License-Identifier: Apache-2.0 */
/* The registry client against tests/support/registry_stub.py, with faults. */
#include "io/registry.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"
#include "support/registry_server.h"
#include "support/suite.h"

static const char schema_a[] =
    "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"x\",\"type\":\"long\"}]}";
static const char schema_b[] = "{\"type\":\"string\"}";

static struct registry_server server;
static struct registry_settings settings;
static struct registry *registry;
static struct status_text text;
static char folder[64];

static void prepare(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/segue-registry-XXXXXX");
    ck_assert(mkdtemp(folder) != NULL);
    settings = (struct registry_settings){.urls = {server.url},
                                          .url_count = 1,
                                          .connect_timeout_ms = 500,
                                          .timeout_ms = 500,
                                          .retry_ms_min = 10,
                                          .retry_ms_max = 50,
                                          .missing_after_ms = 300,
                                          .negative_ttl_ms = 400,
                                          .body_size_max = 100000,
                                          .cache_folder = folder};
}

static void finish(void)
{
    if (registry != NULL) {
        registry_close(registry);
        registry = NULL;
    }
    if (server.pid > 0) {
        registry_server_stop(&server);
    }
    char command[96];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void open_registry(void)
{
    ck_assert_msg(registry_open(&registry, &settings, &text) == STATUS_OK, "%s", text.text);
}

static void reopen(void)
{
    registry_close(registry);
    open_registry();
}

static void start(const char *const *options)
{
    registry_server_start(&server, 0, options);
    open_registry();
}

static int64_t now_ms(void)
{
    return clock_system()->ops->monotonic_us(clock_system()) / 1000;
}

/* Ask until the state is `wanted`, at most five seconds. */
static const struct registry_schema *ask_until(const struct registry_key *key,
                                               enum registry_state wanted)
{
    const struct registry_schema *schema = NULL;
    int64_t end_ms = now_ms() + 5000;
    while (registry_ask(registry, key, &schema) != wanted) {
        struct timespec pause = {0, 2000000};
        ck_assert_msg(now_ms() < end_ms, "state %d never came", (int)wanted);
        (void)nanosleep(&pause, NULL);
    }
    return schema;
}

/* Somebody else does: `registry` knows nothing of it. */
static uint32_t register_text(const char *subject, const char *schema)
{
    struct registry_settings others = settings;
    struct registry *other;
    uint32_t id = 0;
    others.cache_folder = NULL;
    ck_assert_msg(registry_open(&other, &others, &text) == STATUS_OK, "%s", text.text);
    ck_assert_msg(registry_register(other, subject, slice_text(schema), &id, &text) == STATUS_OK,
                  "%s", text.text);
    registry_close(other);
    return id;
}

START_TEST(schema_is_found_by_id_and_by_guid)
{
    start(NULL);
    uint32_t id = register_text("a-value", schema_a);
    struct registry_key key = {.id = id};
    uint64_t generation = registry_generation(registry);
    ck_assert_int_eq(registry_ask(registry, &key, NULL), REGISTRY_WAITING);
    const struct registry_schema *schema = ask_until(&key, REGISTRY_FOUND);
    ck_assert(slice_is(schema->text, schema_a));
    ck_assert_uint_eq(schema->reference_count, 0);
    ck_assert_uint_gt(registry_generation(registry), generation);
    ck_assert_uint_eq(registry_counters(registry).waiting, 0);
    /* The stub's guid is the first half of the text's SHA-256, with "[]" for no references. */
    char command[600];
    struct registry_key guid = {.by_guid = true};
    (void)snprintf(command, sizeof(command), "printf '%%s' '%s[]' | sha256sum", schema_a);
    FILE *sum = popen(command, "r");
    for (size_t i = 0; i < sizeof(guid.guid); i++) {
        unsigned byte = 0;
        ck_assert_int_eq(fscanf(sum, "%2x", &byte), 1);
        guid.guid[i] = (uint8_t)byte;
    }
    (void)pclose(sum);
    ck_assert(slice_is(ask_until(&guid, REGISTRY_FOUND)->text, schema_a));
}
END_TEST

START_TEST(references_come_each_once_and_before_their_users)
{
    static const char *const posts[] = {"{\"schema\":\"{\\\"type\\\":\\\"enum\\\",\\\"name\\\":"
                                        "\\\"E\\\",\\\"symbols\\\":[\\\"S\\\"]}\"}",
                                        "base/e",
                                        "{\"schema\":\"\\\"int\\\"\",\"references\":[{\"name\":"
                                        "\"E\",\"subject\":\"base/e\",\"version\":1}]}",
                                        "mid",
                                        "{\"schema\":\"\\\"long\\\"\",\"references\":[{\"name\":"
                                        "\"M\",\"subject\":\"mid\",\"version\":1},"
                                        "{\"name\":\"E\",\"subject\":\"base/e\",\"version\":1}]}",
                                        "top"};
    start(NULL);
    for (size_t i = 0; i < 6; i += 2) {
        char command[700];
        (void)snprintf(command, sizeof(command),
                       "curl -s -o /dev/null -d '%s' %s/subjects/%s/versions", posts[i], server.url,
                       i == 0 ? "base%2Fe" : posts[i + 1]);
        ck_assert_int_eq(system(command), 0);
    }
    struct registry_key key = {.id = 3};
    const struct registry_schema *schema = ask_until(&key, REGISTRY_FOUND);
    ck_assert(slice_is(schema->text, "\"long\""));
    ck_assert_uint_eq(schema->reference_count, 2);
    ck_assert(slice_is(schema->references[1], "\"int\""));
    registry_server_stop(&server);
    reopen(); /* and the same from disk */
    schema = ask_until(&key, REGISTRY_FOUND);
    ck_assert_uint_eq(schema->reference_count, 2);
    ck_assert(slice_is(schema->references[1], "\"int\""));
}
END_TEST

START_TEST(missing_id_is_unknown_only_after_a_while)
{
    start(NULL);
    struct registry_key key = {.id = 99};
    int64_t begun_ms = now_ms();
    (void)ask_until(&key, REGISTRY_UNKNOWN);
    ck_assert_int_ge(now_ms() - begun_ms, 295);
    ck_assert_uint_ge(registry_counters(registry).not_found, 2);
    /* Registered late: seen once the negative entry is old enough. */
    for (int i = 1; i <= 99; i++) {
        char schema[100];
        (void)snprintf(schema, sizeof(schema), "{\"type\":\"fixed\",\"name\":\"F\",\"size\":%d}",
                       i);
        (void)register_text("many", schema);
    }
    ck_assert_int_eq(registry_ask(registry, &key, NULL), REGISTRY_UNKNOWN);
    ck_assert(slice_is(ask_until(&key, REGISTRY_FOUND)->text,
                       "{\"type\":\"fixed\",\"name\":\"F\",\"size\":99}"));
}
END_TEST

static const struct {
    const char *fault;
    bool retried; /* the state in between is AWAY */
} faults[] = {
    {"fault?kind=status&status=500&count=3", true},
    {"fault?kind=status&status=429&count=3", true},
    {"fault?kind=status&status=404&count=3", true},
    {"fault?kind=status&status=401&count=3", true},
    {"fault?kind=garbage&count=3", true},
    {"fault?kind=huge&bytes=1000000&count=3", true},
    {"fault?kind=hang&count=1", true},
    {"fault?kind=reset&count=3", true},
    {"fault?kind=empty&count=3", true},
    {"fault?kind=slow&ms=300&count=1", false},
};

START_TEST(fault_is_waited_out)
{
    start(NULL);
    struct registry_key key = {.id = register_text("a-value", schema_a)};
    registry_server_tell(&server, faults[_i].fault);
    if (faults[_i].retried) {
        (void)ask_until(&key, REGISTRY_AWAY);
    }
    ck_assert(slice_is(ask_until(&key, REGISTRY_FOUND)->text, schema_a));
    ck_assert_uint_eq(registry_counters(registry).retries > 0, faults[_i].retried);
}
END_TEST

START_TEST(restart_survives_an_outage_from_disk)
{
    start(NULL);
    uint32_t id = register_text("a-value", schema_a), found = 0;
    struct registry_key key = {.id = id};
    (void)ask_until(&key, REGISTRY_FOUND);
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    registry_server_stop(&server);
    reopen();
    ck_assert(slice_is(ask_until(&key, REGISTRY_FOUND)->text, schema_a));
    found = 0;
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    ck_assert_uint_eq(found, id);
    ck_assert_uint_eq(registry_counters(registry).disk_hits, 2);
    /* A damaged copy is none. */
    char command[200];
    (void)snprintf(command, sizeof(command), "sed -i 's/long/int/' %s/id-%u.json", folder, id);
    ck_assert_int_eq(system(command), 0);
    reopen();
    (void)ask_until(&key, REGISTRY_AWAY);
    /* Nor is one that another registry gave. */
    (void)snprintf(command, sizeof(command), "sed -i 's/int/long/' %s/id-%u.json", folder, id);
    ck_assert_int_eq(system(command), 0);
    settings.base_path = "/elsewhere";
    reopen();
    (void)ask_until(&key, REGISTRY_AWAY);
}
END_TEST

/* A connection that is accepted, and nothing comes: neither start nor records wait for the time-out. */
START_TEST(what_is_on_disk_is_not_waited_for_long)
{
    settings.timeout_ms = 600000; /* the test ends before */
    start(NULL);
    uint32_t id = register_text("a-value", schema_a), found = 0;
    struct registry_key key = {.id = id};
    (void)ask_until(&key, REGISTRY_FOUND);
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    reopen();
    registry_server_tell(&server, "fault?kind=hang&count=2");
    ck_assert(slice_is(ask_until(&key, REGISTRY_FOUND)->text, schema_a));
    found = 0;
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    ck_assert_uint_eq(found, id);
    ck_assert_uint_eq(registry_counters(registry).disk_hits, 2);
}
END_TEST

/* A process reads what it wrote itself (offer-stats): it knows that schema from having asked for its
 * id, or made it. */
START_TEST(a_schema_whose_id_was_asked_for_is_known_by_it)
{
    start(NULL);
    uint32_t id = 0, found = 0;
    if (_i == 0) {
        ck_assert_int_eq(registry_register(registry, "a-value", slice_text(schema_a), &id, &text),
                         STATUS_OK);
    } else {
        (void)register_text("a-value", schema_a);
        ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &id, &text),
                         STATUS_OK);
    }
    struct registry_key key = {.id = id};
    registry_server_stop(&server);
    reopen();
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    ck_assert(slice_is(ask_until(&key, REGISTRY_FOUND)->text, schema_a));
}
END_TEST

/* The thread is asking, and hears nothing, when a call answers from disk: that stays. */
START_TEST(what_a_call_found_is_not_lost_by_an_ask_under_way)
{
    settings.timeout_ms = 600000; /* the test ends before */
    start(NULL);
    uint32_t found = 0;
    struct registry_key key = {.id = register_text("a-value", schema_a)};
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    reopen();
    registry_server_tell(&server, "fault?kind=hold&match=/schemas/&count=9");
    registry_server_tell(&server, "fault?kind=reset&match=/subjects/&count=9");
    ck_assert_int_eq(registry_ask(registry, &key, NULL), REGISTRY_WAITING);
    registry_server_tell(&server, "held");
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    ck_assert_int_eq(registry_ask(registry, &key, NULL), REGISTRY_FOUND);
    uint64_t generation = registry_generation(registry);
    registry_server_tell(&server, "release");
    for (int i = 0; i < 5000 && registry_generation(registry) == generation; i++) {
        struct timespec pause = {0, 2000000};
        (void)nanosleep(&pause, NULL);
    }
    ck_assert_uint_ne(registry_generation(registry), generation);
    ck_assert_int_eq(registry_ask(registry, &key, NULL), REGISTRY_FOUND);
    ck_assert_uint_eq(registry_counters(registry).waiting, 0);
}
END_TEST

START_TEST(a_registry_that_is_back_is_asked_again_for_what_is_on_disk)
{
    start(NULL);
    uint32_t found = 0;
    (void)register_text("a-value", schema_a);
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    registry_server_tell(&server, "fault?kind=status&status=500&count=1");
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    ck_assert_uint_eq(registry_counters(registry).disk_hits, 1);
    struct timespec pause = {0, 2 * 50 * 1000000}; /* retry_ms_max, twice */
    (void)nanosleep(&pause, NULL);
    uint64_t requests = registry_counters(registry).requests;
    ck_assert_int_eq(registry_lookup(registry, "a-value", slice_text(schema_a), &found, &text),
                     STATUS_OK);
    ck_assert_uint_eq(registry_counters(registry).requests, requests + 1);
    ck_assert_uint_eq(registry_counters(registry).disk_hits, 1);
}
END_TEST

/* Of two containers both are process 1: a name of that number is taken. */
START_TEST(a_copy_is_written_whatever_others_are_writing)
{
    char path[128];
    start(NULL);
    struct registry_key key = {.id = register_text("a-value", schema_a)};
    (void)snprintf(path, sizeof(path), "%s/id-%u.%ld.new", folder, key.id, (long)getpid());
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void)ask_until(&key, REGISTRY_FOUND);
    (void)snprintf(path, sizeof(path), "%s/id-%u.json", folder, key.id);
    ck_assert_int_eq(access(path, R_OK), 0);
}
END_TEST

START_TEST(registry_that_answers_beats_the_disk)
{
    start(NULL);
    struct registry_key key = {.id = register_text("a-value", schema_a)};
    (void)ask_until(&key, REGISTRY_FOUND);
    uint16_t port = server.port;
    registry_server_stop(&server);
    registry_server_start(&server, port, NULL); /* a new registry under the old address */
    reopen();
    ck_assert_uint_eq(register_text("b-value", schema_b), key.id);
    ck_assert(slice_is(ask_until(&key, REGISTRY_FOUND)->text, schema_b));
    registry_server_stop(&server);
    registry_server_start(&server, port, NULL); /* and one that knows nothing */
    reopen();
    (void)ask_until(&key, REGISTRY_UNKNOWN);
    ck_assert_uint_eq(registry_counters(registry).disk_hits, 0);
}
END_TEST

START_TEST(synchronous_calls_answer_or_say_why_not)
{
    start((const char *const[]){"--base", "/apis/ccompat/v7", NULL});
    struct registry_version version;
    uint32_t id = 0;
    ck_assert_int_eq(registry_ping(registry, &text),
                     STATUS_AWAY); /* the wrong path is no "not found" */
    ck_assert(strstr(text.text, "base_path") != NULL);
    settings.base_path = "/apis/ccompat/v7";
    reopen();
    ck_assert_msg(registry_ping(registry, &text) == STATUS_OK, "%s", text.text);
    ck_assert_int_eq(registry_latest(registry, "odd/sub ject", &version, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "40401") != NULL, "%s", text.text);
    ck_assert_int_eq(registry_lookup(registry, "odd/sub ject", slice_text(schema_a), &id, &text),
                     STATUS_INVALID);
    id = register_text("odd/sub ject", schema_b);
    ck_assert_uint_eq(register_text("odd/sub ject", schema_b), id);
    uint32_t second = register_text("odd/sub ject", schema_a);
    ck_assert_uint_ne(second, id);
    ck_assert_int_eq(registry_latest(registry, "odd/sub ject", &version, &text), STATUS_OK);
    ck_assert_uint_eq(version.id, second);
    ck_assert_int_eq(version.version, 2);
    ck_assert(slice_is(version.schema->text, schema_a));
    ck_assert_int_eq(
        registry_lookup(registry, "odd/sub ject", slice_text(schema_b), &second, &text), STATUS_OK);
    ck_assert_uint_eq(second, id);
    ck_assert_int_eq(registry_register(registry, "x", slice_text("not json"), &id, &text),
                     STATUS_INVALID);
    ck_assert(strstr(text.text, "42201") != NULL);
    registry_server_tell(&server, "fault?kind=status&status=503&count=2");
    ck_assert_int_eq(registry_latest(registry, "odd/sub ject", &version, &text), STATUS_OK);
}
END_TEST

START_TEST(credentials_come_from_files)
{
    static char path[96];
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    FILE *file = fopen(path, "w");
    ck_assert(file != NULL && fputs("open-sesame\n", file) >= 0 && fclose(file) == 0);
    start(_i == 0 ? (const char *const[]){"--user", "segue:open-sesame", NULL}
                  : (const char *const[]){"--token", "open-sesame", NULL});
    ck_assert_int_eq(registry_ping(registry, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "401") != NULL, "%s", text.text);
    settings.user = "segue";
    settings.password_file = _i == 0 ? path : NULL;
    settings.token_file = _i == 1 ? path : NULL;
    reopen();
    ck_assert_msg(registry_ping(registry, &text) == STATUS_OK, "%s", text.text);
}
END_TEST

static void write_secret(const char *path, size_t size, const char *end)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < size; i++) {
        ck_assert_int_eq(fputc('t', file), 't');
    }
    ck_assert(fputs(end, file) >= 0 && fclose(file) == 0);
}

/* A token with many claims is sent whole; half of one would be refused, and nobody knew why. */
START_TEST(a_secret_is_read_whole_or_refused)
{
    static char path[96], token[16001];
    memset(token, 't', sizeof(token) - 1);
    (void)snprintf(path, sizeof(path), "%s/secret", folder);
    settings.token_file = path;
    write_secret(path, sizeof(token) - 1, "\nsecond line\n");
    start((const char *const[]){"--token", token, NULL});
    ck_assert_msg(registry_ping(registry, &text) == STATUS_OK, "%s", text.text);
    write_secret(path, 16384, "\n");
    ck_assert_int_eq(registry_ping(registry, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "over 16383 bytes") != NULL, "%s", text.text);
    write_secret(path, 0, "\nsecond line\n");
    ck_assert_int_eq(registry_ping(registry, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, "first line is empty") != NULL, "%s", text.text);
    write_secret(path, 0, "");
    ck_assert_int_eq(registry_ping(registry, &text), STATUS_INVALID);
}
END_TEST

START_TEST(second_url_serves_when_the_first_is_away)
{
    registry_server_start(&server, 0, NULL);
    settings.urls[0] = "http://127.0.0.1:1";
    settings.urls[1] = server.url;
    settings.url_count = 2;
    open_registry();
    ck_assert_msg(registry_ping(registry, &text) == STATUS_OK, "%s", text.text);
    struct registry_key key = {.id = register_text("a-value", schema_a)};
    (void)ask_until(&key, REGISTRY_FOUND);
}
END_TEST

START_TEST(closing_does_not_wait_for_a_hanging_registry)
{
    settings.timeout_ms = 30000;
    start(NULL);
    registry_server_tell(&server, "fault?kind=hang&count=1");
    struct registry_key key = {.id = 1};
    (void)registry_ask(registry, &key, NULL);
    struct timespec pause = {0, 100000000};
    (void)nanosleep(&pause, NULL);
    int64_t begun_ms = now_ms();
    registry_close(registry);
    registry = NULL;
    ck_assert_int_lt(now_ms() - begun_ms, 1500);
}
END_TEST

START_TEST(settings_that_cannot_work_are_refused)
{
    settings.url_count = 0;
    ck_assert_int_eq(registry_open(&registry, &settings, &text), STATUS_INVALID);
    settings.url_count = 1;
    settings.urls[0] = "ftp://x";
    ck_assert_int_eq(registry_open(&registry, &settings, &text), STATUS_INVALID);
    settings.urls[0] = "http://x";
    settings.token_file = "/nowhere/token";
    ck_assert_int_eq(registry_open(&registry, &settings, &text), STATUS_INVALID);
    ck_assert(strstr(text.text, "/nowhere/token") != NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry");
    TCase *tests = tcase_create("registry");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, prepare, finish);
    tcase_add_test(tests, schema_is_found_by_id_and_by_guid);
    tcase_add_test(tests, references_come_each_once_and_before_their_users);
    tcase_add_test(tests, missing_id_is_unknown_only_after_a_while);
    tcase_add_loop_test(tests, fault_is_waited_out, 0, sizeof(faults) / sizeof(faults[0]));
    tcase_add_test(tests, restart_survives_an_outage_from_disk);
    tcase_add_test(tests, what_is_on_disk_is_not_waited_for_long);
    tcase_add_loop_test(tests, a_schema_whose_id_was_asked_for_is_known_by_it, 0, 2);
    tcase_add_test(tests, what_a_call_found_is_not_lost_by_an_ask_under_way);
    tcase_add_test(tests, a_registry_that_is_back_is_asked_again_for_what_is_on_disk);
    tcase_add_test(tests, a_copy_is_written_whatever_others_are_writing);
    tcase_add_test(tests, registry_that_answers_beats_the_disk);
    tcase_add_test(tests, synchronous_calls_answer_or_say_why_not);
    tcase_add_loop_test(tests, credentials_come_from_files, 0, 2);
    tcase_add_test(tests, a_secret_is_read_whole_or_refused);
    tcase_add_test(tests, second_url_serves_when_the_first_is_away);
    tcase_add_test(tests, closing_does_not_wait_for_a_hanging_registry);
    tcase_add_test(tests, settings_that_cannot_work_are_refused);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
