/* SPDX-License-Identifier: Apache-2.0 */
/* The Redis store against a real redis-server of its own. */
#include "io/redis_store.h"

#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/redis_server.h"
#include "support/suite.h"

enum { WAIT_MS = 5000, BUFFER_SIZE = 12 * 1024 * 1024 };

static struct redis_server server;
static struct redis_settings settings;
static struct redis_store *redis;
static struct store *store;
static struct status_text text;
static uint8_t buffer[BUFFER_SIZE];

static void prepare(void)
{
    redis_server_prepare(&server);
    settings = (struct redis_settings){.transport.address = server.unix_address,
                                       .transport.connect_timeout_ms = 1000,
                                       .connection_count = 2,
                                       .write_reply_size_max = 16 * 1024 * 1024};
}

static void finish(void)
{
    if (redis != NULL) {
        redis_store_close(redis);
        redis = NULL;
    }
    redis_server_finish(&server);
}

static void open_store(void)
{
    ck_assert_msg(redis_store_open(&redis, &settings, clock_system(), &text) == STATUS_OK, "%s",
                  text.text);
    store = redis_store_interface(redis);
}

static void open_ready(void)
{
    open_store();
    for (uint32_t i = 0; i < settings.connection_count; i++) {
        ck_assert_msg(redis_store_wait_ready(redis, i, WAIT_MS, &text) == STATUS_OK, "%s",
                      text.text);
    }
}

/* It is not ready, and says a reason each time; soon this one (a busy machine needs a while for a handshake). */
static void away_because(const char *word)
{
    text.text[0] = '\0';
    for (int tries = 0; strstr(text.text, word) == NULL; tries++) {
        ck_assert_msg(tries < WAIT_MS / 100, "not because of %s: %s", word, text.text);
        ck_assert_int_eq(redis_store_wait_ready(redis, 0, 100, &text), STATUS_AWAY);
        ck_assert_str_ne(text.text, "");
    }
}

/* A pipeline of one command given as words. */
static struct store_pipeline words(struct store_pipeline pipeline, const char *line)
{
    char copy[256];
    uint32_t count = 1;
    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (const char *at = copy; *at != '\0'; at++) {
        count += *at == ' ';
    }
    store_command(&pipeline, count);
    for (char *at = copy, *next; at != NULL; at = next) {
        next = strchr(at, ' ');
        if (next != NULL) {
            *next++ = '\0';
        }
        store_argument_text(&pipeline, at);
    }
    ck_assert(!pipeline.full);
    return pipeline;
}

static struct store_pipeline fresh(void)
{
    return (struct store_pipeline){.data = buffer, .limit = sizeof(buffer)};
}

static const struct store_reply *call(uint32_t connection, const char *line)
{
    static struct store_answer answer;
    struct store_pipeline pipeline = words(fresh(), line);
    enum status status = redis_store_call(redis, connection, &pipeline, WAIT_MS, &answer, &text);
    ck_assert_msg(status == STATUS_OK, "%s: %s", line, text.text);
    ck_assert_uint_eq(answer.reply_count, 1);
    return &answer.replies[0];
}

/* Wait for the next answer. */
static struct store_answer next_answer(int timeout_ms)
{
    struct store_answer answer;
    int64_t end_us = clock_system()->ops->monotonic_us(clock_system()) + timeout_ms * 1000LL;
    while (!store->ops->next_answer(store, &answer)) {
        struct pollfd ready = {store->ops->descriptor(store), POLLIN, 0};
        (void)poll(&ready, 1, timeout_ms);
        ck_assert_msg(clock_system()->ops->monotonic_us(clock_system()) < end_us, "no answer");
    }
    return answer;
}

/* Save in the background; it must end so. */
static void save(bool good)
{
    const char *wanted = good ? "rdb_last_bgsave_status:ok" : "rdb_last_bgsave_status:err";
    (void)call(0, "BGSAVE");
    for (int tries = 0;; tries++) {
        ck_assert_int_lt(tries, 500);
        (void)poll(NULL, 0, 20);
        char info[4096];
        const struct store_reply *reply = call(0, "INFO persistence");
        (void)snprintf(info, sizeof(info), "%.*s", SLICE_ARG(reply->text));
        if (strstr(info, wanted) != NULL && strstr(info, "rdb_bgsave_in_progress:0") != NULL) {
            return;
        }
    }
}

START_TEST(every_transport_carries_a_pipeline)
{
    static char ca[128], certificate[128], key[128];
    if (_i == 2) {
        redis_server_certificates(&server);
        (void)snprintf(ca, sizeof(ca), "%s/ca.pem", server.folder);
        (void)snprintf(certificate, sizeof(certificate), "%s/client.pem", server.folder);
        (void)snprintf(key, sizeof(key), "%s/client.key", server.folder);
        settings.transport.tls = true;
        settings.transport.ca_file = ca;
        settings.transport.certificate_file = certificate;
        settings.transport.key_file = key;
    }
    redis_server_start(&server, NULL);
    settings.transport.address = _i == 0   ? server.unix_address
                                 : _i == 1 ? server.tcp_address
                                           : server.tls_address;
    open_ready();
    ck_assert(slice_is(call(1, "SET a 1")->text, "OK"));
    ck_assert(slice_is(call(0, "GET a")->text, "1"));
    const struct redis_facts *facts = redis_store_facts(redis);
    ck_assert_str_eq(facts->policy, "noeviction");
    ck_assert_str_eq(facts->role, "master");
    ck_assert_str_ne(facts->version, "");
    ck_assert_uint_eq(store->ops->epoch(store, 0), 1);
}
END_TEST

START_TEST(tls_refuses_a_server_it_cannot_verify)
{
    static char ca[128];
    redis_server_certificates(&server);
    redis_server_start(&server, (const char *const[]){"--tls-auth-clients", "no", NULL});
    (void)snprintf(ca, sizeof(ca), "%s/%s", server.folder, _i == 0 ? "other-ca.pem" : "ca.pem");
    settings.transport =
        (struct transport_settings){.address = server.tls_address, .tls = true, .ca_file = ca};
    settings.transport.server_name = _i == 1 ? "elsewhere.example" : NULL;
    open_store();
    if (_i == 2) { /* the control: right authority, right name */
        ck_assert_msg(redis_store_wait_ready(redis, 0, WAIT_MS, &text) == STATUS_OK, "%s",
                      text.text);
        return;
    }
    away_because("certificate");
}
END_TEST

START_TEST(certificate_that_cannot_be_read_is_refused_at_once)
{
    settings.transport.address = "localhost:1";
    settings.transport.tls = true;
    settings.transport.ca_file = "/nowhere/ca.pem";
    ck_assert_int_eq(redis_store_open(&redis, &settings, clock_system(), &text), STATUS_INVALID);
    ck_assert(strstr(text.text, "/nowhere/ca.pem") != NULL);
}
END_TEST

static const char acl[] =
    "user default off\nuser segue on >open-sesame ~{bank.* resetchannels -@all +get +mget +mset "
    "+set "
    "+del +sadd +srem +srandmember +sscan +hset +hdel +hgetall +watch +unwatch +multi +exec +ping "
    "+hello "
    "+auth +info +cluster|slots\n";

START_TEST(user_with_only_our_commands_can_do_everything)
{
    static const char *const lines[] = {"WATCH {bank.3}head",
                                        "GET {bank.3}head",
                                        "MULTI",
                                        "MSET {bank.3}head h {bank.3}c:1 r",
                                        "SET {bank.3}x y",
                                        "SADD {bank.3}due:7 c1 c2",
                                        "SREM {bank.3}due:7 c1",
                                        "HSET {bank.3}v:1 f 2",
                                        "HDEL {bank.3}v:1 g",
                                        "DEL {bank.3}x",
                                        "EXEC",
                                        "UNWATCH",
                                        "MGET {bank.3}head {bank.3}c:1",
                                        "SRANDMEMBER {bank.3}due:7 10",
                                        "SSCAN {bank.3}due:7 0 COUNT 10",
                                        "HGETALL {bank.3}v:1"};
    static char file[160];
    (void)snprintf(file, sizeof(file), "%s",
                   redis_server_file(&server, "password", "open-sesame\n"));
    redis_server_start(
        &server, (const char *const[]){"--aclfile", redis_server_file(&server, "acl", acl), NULL});
    settings.user = "segue";
    settings.password_file = file;
    open_ready();
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const struct store_reply *reply = call(1, lines[i]);
        ck_assert_msg(reply->kind != STORE_ERROR, "%s: %.*s", lines[i], SLICE_ARG(reply->text));
        if (strcmp(lines[i], "EXEC") == 0) {
            ck_assert_uint_eq(reply->count, 7);
            ck_assert_int_eq(reply->children[2].integer, 2);
        }
        if (strncmp(lines[i], "MGET", 4) == 0) {
            ck_assert(slice_is(reply->children[1].text, "r"));
        }
    }
    ck_assert_int_eq(call(1, "FLUSHALL")->kind,
                     STORE_ERROR); /* the user really has no more than that */
    ck_assert_int_eq(call(1, "EVAL return{} 0")->kind, STORE_ERROR);
}
END_TEST

static const struct {
    const char *acl;
    const char *password;
    const char *mend;
} refusals[] = {
    {acl, "wrong", "redis.password_file"},
    {acl, NULL, "set redis.password_file"},
    {"user segue on >open-sesame ~* -@all +ping +auth\n", "open-sesame", "acl setuser segue"},
};

START_TEST(credentials_that_do_not_do_are_named)
{
    static char file[160];
    if (refusals[_i].password != NULL) {
        (void)snprintf(file, sizeof(file), "%s",
                       redis_server_file(&server, "password", refusals[_i].password));
        settings.password_file = file;
        settings.user = "segue";
    }
    redis_server_start(
        &server, (const char *const[]){"--aclfile",
                                       redis_server_file(&server, "acl", refusals[_i].acl), NULL});
    open_store();
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, WAIT_MS, &text), STATUS_INVALID);
    ck_assert_msg(strstr(text.text, refusals[_i].mend) != NULL, "%s", text.text);
    ck_assert_int_eq(redis_store_health(redis, NULL), STATUS_INVALID);
}
END_TEST

START_TEST(evicting_policy_is_refused_until_it_is_mended)
{
    redis_server_start(&server, (const char *const[]){"--maxmemory-policy", "allkeys-lru", NULL});
    open_store();
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, WAIT_MS, &text), STATUS_INVALID);
    ck_assert(strstr(text.text, "redis-cli config set maxmemory-policy noeviction") != NULL);
    char command[256];
    (void)snprintf(command, sizeof(command),
                   "redis-cli -s %s/socket config set maxmemory-policy noeviction >/dev/null",
                   server.folder);
    ck_assert_int_eq(system(command), 0);
    for (int tries = 0; redis_store_wait_ready(redis, 0, 100, &text) != STATUS_OK; tries++) {
        ck_assert_int_lt(tries, 50);
        struct timespec pause = {0, 50000000};
        (void)nanosleep(&pause, NULL);
    }
}
END_TEST

/* Not a wrong configuration, after which nobody would start the process again: a failover may be under way. */
START_TEST(replica_is_waited_for_until_it_is_promoted)
{
    redis_server_start(&server, (const char *const[]){"--replicaof", "127.0.0.1", "1", NULL});
    open_store();
    away_because("replica");
    char command[256];
    (void)snprintf(command, sizeof(command), "redis-cli -s %s/socket replicaof no one >/dev/null",
                   server.folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, WAIT_MS, &text), STATUS_OK);
}
END_TEST

/* Not even PING is answered then: a start waits, and goes on when a save succeeds. */
START_TEST(redis_that_cannot_save_is_waited_for)
{
    struct redis_store *control;
    char path[128];
    redis_server_start(&server, (const char *const[]){"--save", "3600 1", NULL});
    open_ready();
    control = redis;
    (void)snprintf(path, sizeof(path), "%s/dump.rdb", server.folder);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* no file can take that name now */
    (void)call(0, "SET key value");
    save(false);
    open_store();
    away_because("MISCONF");
    struct redis_store *waiting = redis;
    redis = control;
    ck_assert_int_eq(rmdir(path), 0);
    save(true);
    redis = waiting;
    ck_assert_msg(redis_store_wait_ready(redis, 0, WAIT_MS, &text) == STATUS_OK, "%s", text.text);
    redis_store_close(control);
}
END_TEST

START_TEST(answers_come_whole_and_in_order)
{
    redis_server_start(&server, NULL);
    open_ready();
    static uint8_t blocks[REDIS_IN_FLIGHT_MAX][128];
    struct store_pipeline pipeline;
    for (uint32_t i = 0; i < REDIS_IN_FLIGHT_MAX; i++) {
        char line[64];
        pipeline = (struct store_pipeline){.data = blocks[i], .limit = sizeof(blocks[i])};
        (void)snprintf(line, sizeof(line), "SET k %u", i);
        pipeline = words(pipeline, line);
        pipeline = words(pipeline, "GET k");
        ck_assert_int_eq(store->ops->submit(store, 1, &pipeline, 1000 + i), STATUS_OK);
    }
    ck_assert_int_eq(store->ops->submit(store, 1, &pipeline, 0), STATUS_FULL);
    for (uint32_t i = 0; i < REDIS_IN_FLIGHT_MAX; i++) {
        char value[16];
        struct store_answer answer = next_answer(WAIT_MS);
        (void)snprintf(value, sizeof(value), "%u", i);
        ck_assert_uint_eq(answer.token, 1000 + i);
        ck_assert_uint_eq(answer.connection, 1);
        ck_assert_uint_eq(answer.reply_count, 2);
        ck_assert(slice_is(answer.replies[1].text, value));
    }
    struct store_answer none;
    ck_assert(!store->ops->next_answer(store, &none));
}
END_TEST

START_TEST(ten_megabytes_go_and_come)
{
    settings.transport.address = _i == 0 ? server.unix_address : server.tcp_address;
    redis_server_start(&server, NULL);
    open_ready();
    static uint8_t value[10000];
    struct store_pipeline pipeline = fresh();
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%u", i);
        memset(value, (int)(i % 251), sizeof(value));
        store_command(&pipeline, 3);
        store_argument_text(&pipeline, "SET");
        store_argument_text(&pipeline, key);
        store_argument(&pipeline, slice_of(value, sizeof(value)));
    }
    ck_assert(!pipeline.full);
    ck_assert_int_eq(store->ops->submit(store, 1, &pipeline, 1), STATUS_OK);
    struct store_answer answer = next_answer(WAIT_MS);
    ck_assert_int_eq(answer.status, STATUS_OK);
    ck_assert_uint_eq(answer.reply_count, 1000);
    pipeline = fresh();
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "k%u", i);
        store_command(&pipeline, 2);
        store_argument_text(&pipeline, "GET");
        store_argument_text(&pipeline, key);
    }
    ck_assert_int_eq(store->ops->submit(store, 0, &pipeline, 2), STATUS_OK);
    answer = next_answer(WAIT_MS);
    ck_assert_int_eq(answer.status, STATUS_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        memset(value, (int)(i % 251), sizeof(value));
        ck_assert(slice_equal(answer.replies[i].text, slice_of(value, sizeof(value))));
    }
}
END_TEST

START_TEST(killed_redis_is_away_and_comes_back_in_a_new_epoch)
{
    redis_server_start(&server, NULL);
    open_ready();
    redis_server_freeze(&server, true);
    struct store_pipeline first = words(fresh(), "SET a 1");
    struct store_pipeline second =
        words((struct store_pipeline){.data = buffer + 1024, .limit = 1024}, "GET a");
    ck_assert_int_eq(store->ops->submit(store, 1, &first, 7), STATUS_OK);
    ck_assert_int_eq(store->ops->submit(store, 1, &second, 8), STATUS_OK);
    redis_server_kill(&server);
    for (uint64_t token = 7; token <= 8; token++) {
        struct store_answer answer = next_answer(WAIT_MS);
        ck_assert_int_eq(answer.status, STATUS_AWAY);
        ck_assert_uint_eq(answer.token, token);
        ck_assert_uint_eq(answer.connection_epoch, 1);
        ck_assert_uint_eq(store->ops->epoch(store, 1), 0);
    }
    ck_assert_int_eq(store->ops->submit(store, 1, &first, 9), STATUS_AWAY);
    ck_assert_int_eq(redis_store_wait_ready(redis, 1, 300, &text), STATUS_AWAY);
    redis_server_start(&server, NULL);
    ck_assert_int_eq(redis_store_wait_ready(redis, 1, WAIT_MS, &text), STATUS_OK);
    ck_assert_uint_eq(store->ops->epoch(store, 1), 2);
    ck_assert_int_eq(call(1, "GET a")->kind, STORE_NIL);
    ck_assert_uint_eq(redis_store_counters(redis)->breaks, 2);
}
END_TEST

START_TEST(frozen_redis_answers_late_or_is_reset)
{
    redis_server_start(&server, NULL);
    open_ready();
    redis_server_freeze(&server, true);
    struct store_pipeline pipeline = words(fresh(), "SET a 1");
    struct store_answer answer;
    ck_assert_int_eq(store->ops->submit(store, 0, &pipeline, 1), STATUS_OK);
    ck_assert_int_eq(store->ops->submit(store, 1, &pipeline, 2), STATUS_OK);
    struct timespec pause = {0, 200000000};
    (void)nanosleep(&pause, NULL);
    ck_assert(!store->ops->next_answer(store, &answer));
    store->ops->reset(store, 0);
    answer = next_answer(WAIT_MS);
    ck_assert_int_eq(answer.status, STATUS_AWAY);
    ck_assert_uint_eq(answer.token, 1);
    redis_server_freeze(&server, false);
    answer = next_answer(WAIT_MS);
    ck_assert_int_eq(answer.status, STATUS_OK);
    ck_assert_uint_eq(answer.token, 2);
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, WAIT_MS, &text), STATUS_OK);
    ck_assert_uint_eq(store->ops->epoch(store, 0), 2);
    ck_assert_uint_eq(store->ops->epoch(store, 1), 1);
}
END_TEST

START_TEST(server_that_never_greets_is_away_in_time)
{
    redis_server_start(&server, NULL);
    redis_server_freeze(&server, true);
    open_store();
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, 2500, &text), STATUS_AWAY);
    ck_assert_msg(strstr(text.text, "does not answer") != NULL, "%s", text.text);
    redis_server_freeze(&server, false);
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, WAIT_MS, &text), STATUS_OK);
}
END_TEST

START_TEST(watch_is_lost_with_its_connection_and_guards_while_it_lives)
{
    redis_server_start(&server, NULL);
    open_ready();
    (void)call(1, "WATCH head");
    (void)call(0, "SET head other");
    (void)call(1, "MULTI");
    (void)call(1, "SET head mine");
    ck_assert_int_eq(call(1, "EXEC")->kind, STORE_NIL);
    ck_assert(slice_is(call(0, "GET head")->text, "other"));
}
END_TEST

START_TEST(answer_over_its_limit_breaks_the_connection)
{
    redis_server_start(&server, NULL);
    settings.read_reply_size_max = 64 * 1024;
    open_ready();
    static uint8_t value[100000];
    struct store_pipeline pipeline = fresh();
    store_command(&pipeline, 3);
    store_argument_text(&pipeline, "SET");
    store_argument_text(&pipeline, "big");
    store_argument(&pipeline, slice_of(value, sizeof(value)));
    struct store_answer answer;
    ck_assert_int_eq(redis_store_call(redis, 1, &pipeline, WAIT_MS, &answer, &text), STATUS_OK);
    pipeline = words(fresh(), "GET big");
    ck_assert_int_eq(redis_store_call(redis, 0, &pipeline, WAIT_MS, &answer, &text), STATUS_AWAY);
    ck_assert_msg(strstr(text.text, "65536 bytes") != NULL, "%s", text.text);
    ck_assert_int_eq(redis_store_wait_ready(redis, 0, WAIT_MS, &text), STATUS_OK);
}
END_TEST

int main(void)
{
    if (!redis_server_installed()) {
        (void)puts("1..0 # SKIP redis-server is not installed");
        return 0;
    }
    Suite *suite = suite_create("redis_store");
    TCase *tests = tcase_create("redis_store");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, prepare, finish);
    tcase_add_loop_test(tests, every_transport_carries_a_pipeline, 0, 3);
    tcase_add_loop_test(tests, tls_refuses_a_server_it_cannot_verify, 0, 3);
    tcase_add_test(tests, certificate_that_cannot_be_read_is_refused_at_once);
    tcase_add_test(tests, user_with_only_our_commands_can_do_everything);
    tcase_add_loop_test(tests, credentials_that_do_not_do_are_named, 0, 3);
    tcase_add_test(tests, evicting_policy_is_refused_until_it_is_mended);
    tcase_add_test(tests, replica_is_waited_for_until_it_is_promoted);
    tcase_add_test(tests, redis_that_cannot_save_is_waited_for);
    tcase_add_test(tests, answers_come_whole_and_in_order);
    tcase_add_loop_test(tests, ten_megabytes_go_and_come, 0, 2);
    tcase_add_test(tests, killed_redis_is_away_and_comes_back_in_a_new_epoch);
    tcase_add_test(tests, frozen_redis_answers_late_or_is_reset);
    tcase_add_test(tests, server_that_never_greets_is_away_in_time);
    tcase_add_test(tests, watch_is_lost_with_its_connection_and_guards_while_it_lives);
    tcase_add_test(tests, answer_over_its_limit_breaks_the_connection);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
