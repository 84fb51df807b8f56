/* SPDX-License-Identifier: Apache-2.0 */
/* How often a connection comes back to nodes that do not have its keys. Time stands still unless a test
 * moves it. */
#include "io/redis_connection.h"

#include <dlfcn.h>
#include <errno.h>
#include <hiredis/read.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/fake_redis.h"
#include "support/suite.h"

enum { STEPS_MAX = 2000, STEP_MS = 10, CONNECTS_MANY = 50, ROUNDS = 8 };

static int64_t now_us;
static uint32_t epoll_refusals, memory_refusals; /* how many calls are still to fail */
static struct fake_redis nodes[2];
static char seeds[64];
static struct redis_settings settings;
static struct redis_store *redis;
static struct store *store;
static struct status_text text;
static uint8_t bytes[256];

/* In the place of libc's and hiredis' own. */
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (epoll_refusals > 0) {
        epoll_refusals--;
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

redisReader *redisReaderCreateWithFunctions(redisReplyObjectFunctions *functions)
{
    if (memory_refusals > 0) {
        memory_refusals--;
        return NULL;
    }
    union {
        void *found;
        redisReader *(*call)(redisReplyObjectFunctions *);
    } own = {dlsym(RTLD_NEXT, "redisReaderCreateWithFunctions")};
    return own.call(functions);
}

/* A name server that answers of "redis.bank" only when it may, and never to who must not wait. */
static pthread_t worker;
static atomic_bool may_answer;
static atomic_uint look_ups, look_ups_by_worker;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **out_list)
{
    union {
        void *found;
        int (*call)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    } own = {dlsym(RTLD_NEXT, "getaddrinfo")};
    bool ours = strcmp(host, "redis.bank") == 0;
    look_ups += ours;
    look_ups_by_worker += ours && pthread_equal(pthread_self(), worker);
    while (ours && !may_answer && !pthread_equal(pthread_self(), worker)) {
        (void)poll(NULL, 0, STEP_MS);
    }
    return own.call(ours ? "127.0.0.1" : host, service, hints, out_list);
}

static int64_t fake_wall_ms(struct clock *clock UNUSED)
{
    return now_us / 1000;
}

static int64_t fake_monotonic_us(struct clock *clock UNUSED)
{
    return now_us;
}

static uint64_t fake_random64(struct clock *clock UNUSED)
{
    return 0;
}

static const struct clock_ops fake_ops = {fake_wall_ms, fake_monotonic_us, fake_random64};
static struct clock fake_clock = {&fake_ops};

static void open_store(void)
{
    settings =
        (struct redis_settings){.transport.address = seeds, .connection_count = 1, .cluster = true};
    (void)snprintf(seeds, sizeof(seeds), "127.0.0.1:%u", nodes[0].port);
    now_us = 1000000;
    enum status status = redis_store_open(&redis, &settings, &fake_clock, &text);
    ck_assert_msg(status == STATUS_OK, "%s", text.text);
    store = redis_store_interface(redis);
}

static void finish(void)
{
    redis_store_close(redis);
}

static bool is_paused(void)
{
    const struct redis_connection *connection = &redis->connections[0];
    return connection->phase == PHASE_WAITING && connection->due_us > now_us;
}

/* Send a command whenever the connection is ready, until it is answered with `wanted` or pauses. */
static void ask_until(enum status wanted)
{
    struct store_pipeline pipeline = {.data = bytes, .limit = sizeof(bytes)};
    struct store_answer answer = {.status = STATUS_COUNT};
    bool asked = false;
    store_command(&pipeline, 1);
    store_argument_text(&pipeline, "GET");
    for (uint32_t i = 0; i < STEPS_MAX && nodes[0].connects + nodes[1].connects < CONNECTS_MANY;
         i++) {
        if (store->ops->next_answer(store, &answer)) {
            asked = false;
        }
        if (answer.status == wanted || (!asked && is_paused())) {
            return;
        }
        if (!asked) {
            asked = store->ops->submit(store, 0, &pipeline, 0) == STATUS_OK;
        }
        struct pollfd ready = {store->ops->descriptor(store), POLLIN, 0};
        (void)poll(&ready, 1, STEP_MS);
    }
    ck_abort_msg("neither answered nor paused after %u connections",
                 nodes[0].connects + nodes[1].connects);
}

static int64_t pause_ms(void)
{
    return (redis->connections[0].due_us - now_us) / 1000;
}

START_TEST(nodes_that_point_at_each_other_are_not_asked_without_end)
{
    char to_first[64], to_second[64];
    fake_redis_start(&nodes[0], "", NULL);
    fake_redis_start(&nodes[1], "", NULL);
    (void)snprintf(to_first, sizeof(to_first), "-MOVED 1 127.0.0.1:%u\r\n", nodes[0].port);
    (void)snprintf(to_second, sizeof(to_second), "-MOVED 1 127.0.0.1:%u\r\n", nodes[1].port);
    nodes[0].answer = to_second;
    nodes[1].answer = to_first;
    open_store();
    ask_until(STATUS_OK);
    ck_assert(is_paused());
    ck_assert_uint_gt(nodes[0].connects + nodes[1].connects, 2); /* a few go at once */
    int64_t before_ms = pause_ms();
    now_us = redis->connections[0].due_us;
    ask_until(STATUS_OK);
    ck_assert_int_gt(pause_ms(), before_ms);
    nodes[0].answer = nodes[1].answer = "+OK\r\n";
    now_us = redis->connections[0].due_us;
    ask_until(STATUS_OK);
    bool second = strstr(to_second, redis->connections[0].node) != NULL;
    nodes[second ? 1 : 0].answer = second ? to_first : to_second;
    ask_until(STATUS_OK); /* one that is right is followed at once again */
    ck_assert(!is_paused());
    finish();
    fake_redis_stop(&nodes[0]);
    fake_redis_stop(&nodes[1]);
}
END_TEST

START_TEST(pauses_grow_while_keys_are_on_their_way)
{
    fake_redis_start(&nodes[0], "-TRYAGAIN Multiple keys request during rehashing\r\n", NULL);
    open_store();
    int64_t first_ms = 0, last_ms = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        ask_until(STATUS_OK);
        ck_assert(is_paused());
        last_ms = pause_ms();
        first_ms = i == 0 ? last_ms : first_ms;
        now_us = redis->connections[0].due_us;
    }
    ck_assert_int_ge(last_ms, 10 * first_ms);
    nodes[0].answer = "+OK\r\n";
    ask_until(STATUS_OK);
    nodes[0].answer = "-CLUSTERDOWN The cluster is down\r\n";
    ask_until(STATUS_OK);
    ck_assert_int_eq(pause_ms(), first_ms);
    finish();
    fake_redis_stop(&nodes[0]);
}
END_TEST

START_TEST(a_machine_at_its_limits_is_waited_for)
{
    fake_redis_start(&nodes[0], "+OK\r\n", NULL);
    open_store();
    ask_until(STATUS_OK);
    redis_connection_break(redis, &redis->connections[0], STATUS_AWAY, "for the test");
    for (uint32_t i = 0; i < 4; i++) {
        memory_refusals = i == 0;
        epoll_refusals = i == 1 ? 2 : 0; /* to change, then to add */
        now_us = redis->connections[0].due_us;
        ask_until(STATUS_OK);
        ck_assert_int_eq(is_paused(), i < 2);
        if (i < 2) {
            ck_assert_ptr_nonnull(
                strstr(redis->connections[0].why.text, i == 0 ? "no memory" : "cannot be watched"));
        }
    }
    finish();
    fake_redis_stop(&nodes[0]);
}
END_TEST

static void turn(uint32_t times)
{
    struct store_answer answer;
    for (uint32_t i = 0; i < times; i++) {
        struct pollfd ready = {store->ops->descriptor(store), POLLIN, 0};
        (void)poll(&ready, 1, STEP_MS);
        ck_assert(!store->ops->next_answer(store, &answer));
    }
}

static uint32_t count_in(enum redis_phase phase)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < settings.connection_count; i++) {
        count += redis->connections[i].phase == phase;
    }
    return count;
}

START_TEST(a_name_server_that_is_silent_stops_nobody)
{
    worker = pthread_self();
    may_answer = false;
    fake_redis_start(&nodes[0], "+OK\r\n", NULL);
    settings = (struct redis_settings){.transport.address = seeds, .connection_count = 4};
    (void)snprintf(seeds, sizeof(seeds), "redis.bank:%u", nodes[0].port);
    now_us = 1000000;
    ck_assert_int_eq(redis_store_open(&redis, &settings, &fake_clock, &text), STATUS_OK);
    store = redis_store_interface(redis);
    turn(5);
    ck_assert_uint_eq(count_in(PHASE_LOOKING), 4);
    now_us += 5000000; /* the time-out of an attempt */
    turn(5);
    ck_assert_uint_eq(count_in(PHASE_WAITING), 4);
    ck_assert_int_eq(redis_store_health(redis, &text), STATUS_AWAY);
    ck_assert_msg(strstr(text.text, "name server") != NULL, "%s", text.text);
    may_answer = true;
    turn(10); /* it comes between two attempts */
    now_us += 3000000;
    for (uint32_t i = 0; i < STEPS_MAX && count_in(PHASE_READY) == 0; i++) {
        turn(1);
    }
    ck_assert_uint_eq(count_in(PHASE_READY), 1); /* the node serves one at a time */
    ck_assert_uint_eq(look_ups, 1);              /* for all four, and all attempts */
    ck_assert_uint_eq(look_ups_by_worker, 0);
    finish();
    fake_redis_stop(&nodes[0]);
}
END_TEST

static void join_files(const char *first, const char *second, const char *out_path)
{
    const char *const parts[] = {first, second};
    FILE *out = fopen(out_path, "we");
    ck_assert_ptr_nonnull(out);
    for (uint32_t i = 0; i < 2; i++) {
        FILE *in = fopen(parts[i], "re");
        char part[4096];
        ck_assert_ptr_nonnull(in);
        size_t size = fread(part, 1, sizeof(part), in);
        ck_assert_uint_eq(fwrite(part, 1, size, out), size);
        (void)fclose(in);
    }
    ck_assert_int_eq(fclose(out), 0);
}

/* Nodes under two names, each with a certificate of its own. A cluster's first node sends on to the second one; a
 * sentinel names it. */
START_TEST(tls_verifies_each_node_by_the_name_it_is_reached_by)
{
    static const char *const names[] = {"DNS:localhost", "IP:127.0.0.1"};
    static char moved[64], primary[64], port[8];
    char folder[] = "/tmp/segue-connection-XXXXXX", files[2][64], both[64];
    bool cluster = _i == 0;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(both, sizeof(both), "%s/both.pem", folder);
    for (uint32_t i = 0; i < 2; i++) {
        (void)snprintf(files[i], sizeof(files[i]), "%s/%u.pem", folder, i);
        fake_redis_certificate(files[i], names[i]);
        fake_redis_start(&nodes[i], "+OK\r\n", files[i]);
    }
    join_files(files[0], files[1], both);
    (void)snprintf(port, sizeof(port), "%u", nodes[1].port);
    (void)snprintf(moved, sizeof(moved), "-MOVED 1 127.0.0.1:%s\r\n", port);
    (void)snprintf(primary, sizeof(primary), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n",
                   strlen(port), port);
    nodes[0].answer = cluster ? moved : primary;
    (void)snprintf(seeds, sizeof(seeds), "localhost:%u,localhost:%u", nodes[0].port, nodes[0].port);
    settings =
        (struct redis_settings){.transport = {.address = seeds, .tls = true, .ca_file = both},
                                .connection_count = 1,
                                .cluster = cluster,
                                .sentinel_master = cluster ? NULL : "main"};
    now_us = 1000000;
    enum status status = redis_store_open(&redis, &settings, &fake_clock, &text);
    ck_assert_msg(status == STATUS_OK, "%s", text.text);
    store = redis_store_interface(redis);
    ask_until(STATUS_OK);
    ck_assert_msg(!is_paused(), "%s", redis->connections[0].why.text);
    ck_assert_ptr_nonnull(strstr(redis->connections[0].node, port));
    finish();
    for (uint32_t i = 0; i < 2; i++) {
        fake_redis_stop(&nodes[i]);
        (void)unlink(files[i]);
    }
    (void)unlink(both);
    (void)rmdir(folder);
}
END_TEST

START_TEST(a_file_for_tls_that_went_bad_is_named_while_the_one_from_before_serves)
{
    char file[] = "/tmp/segue-connection-XXXXXX";
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    fake_redis_certificate(file, "DNS:localhost");
    fake_redis_start(&nodes[0], "+OK\r\n", file);
    (void)snprintf(seeds, sizeof(seeds), "localhost:%u", nodes[0].port);
    settings = (struct redis_settings){
        .transport = {.address = seeds, .tls = true, .ca_file = file}, .connection_count = 1};
    now_us = 1000000;
    enum status status = redis_store_open(&redis, &settings, &fake_clock, &text);
    ck_assert_msg(status == STATUS_OK, "%s", text.text);
    store = redis_store_interface(redis);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < STEPS_MAX && count_in(PHASE_READY) == 0; i++) {
            turn(1);
        }
        ck_assert_int_eq(redis_store_health(redis, &text), STATUS_OK);
        ck_assert_msg((strstr(text.text, file) != NULL) == (round == 1), "%s", text.text);
        ck_assert_int_eq(ftruncate(fd, 0), 0);
        redis_connection_break(redis, &redis->connections[0], STATUS_AWAY, "a test");
        now_us += 5000000; /* any pause */
    }
    finish();
    fake_redis_stop(&nodes[0]);
    (void)close(fd);
    (void)unlink(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis_connection");
    TCase *tests = tcase_create("nodes");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, nodes_that_point_at_each_other_are_not_asked_without_end);
    tcase_add_test(tests, pauses_grow_while_keys_are_on_their_way);
    tcase_add_test(tests, a_machine_at_its_limits_is_waited_for);
    tcase_add_test(tests, a_name_server_that_is_silent_stops_nobody);
    tcase_add_loop_test(tests, tls_verifies_each_node_by_the_name_it_is_reached_by, 0, 2);
    tcase_add_test(tests, a_file_for_tls_that_went_bad_is_named_while_the_one_from_before_serves);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
