/* SPDX-License-Identifier: Apache-2.0 */
/* The operators' HTTP server, spoken to byte by byte. Needs nothing but loopback. */
#include "io/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/metrics.h"
#include "support/suite.h"

static struct http_server *server;
static struct metrics *metrics;
static struct status_text text;
static char answer[65536];
static bool ready;

static void show_metrics(void *context, const struct http_request *request, struct http_answer *out)
{
    enum metrics_format format = metrics_format_of(request->accept);
    out->content_type = metrics_content_type(format);
    out->size = metrics_write(context, format, out->data, out->limit);
}

static void show_ready(void *context, const struct http_request *request, struct http_answer *out)
{
    (void)request;
    out->status = *(const bool *)context ? 200 : 503;
    out->size = (size_t)snprintf(out->data, out->limit, "%s\n",
                                 out->status == 200 ? "ready" : "redis: away");
}

static void prepare(void)
{
    static const struct metric_family family = {"segue_events", NULL, "Events read.",
                                                METRIC_COUNTER};
    metrics = metrics_open(8, 1);
    metric_add(metrics_register(metrics, &family, "task=\"3\""), 7);
    const struct http_handler handlers[] = {{"/metrics", show_metrics, metrics},
                                            {"/readyz", show_ready, &ready}};
    ck_assert_msg(http_open(&server, "127.0.0.1:0", handlers, 2, 16384, &text) == STATUS_OK, "%s",
                  text.text);
}

static void finish(void)
{
    http_close(server);
}

static int connect_from(const char *from)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(http_port(server))};
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(from)};
    struct timeval limit = {5, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static int connect_to_server(void)
{
    return connect_from("127.0.0.1");
}

/* Send `request`, read until the server closes. */
static const char *ask_from(const char *from, const char *request)
{
    int fd = connect_from(from);
    size_t used = 0;
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    for (ssize_t got; used < sizeof(answer) - 1; used += (size_t)got) {
        got = recv(fd, answer + used, sizeof(answer) - 1 - used, 0);
        if (got <= 0) {
            break;
        }
    }
    answer[used] = '\0';
    (void)close(fd);
    return answer;
}

static const char *ask(const char *request)
{
    return ask_from("127.0.0.1", request);
}

#define END " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
#define ck_assert_has(part)                                                                        \
    ck_assert_msg(strstr(answer, part) != NULL, "no `%s` in: %s", part, answer)

START_TEST(metrics_come_in_the_format_asked_for)
{
    (void)ask("GET /metrics" END "\r\n");
    ck_assert_has("HTTP/1.1 200");
    ck_assert_has("Content-Type: text/plain; version=0.0.4");
    ck_assert_has("segue_events_total{task=\"3\"} 7\n");
    (void)ask("GET /metrics?x=1" END "Accept: application/openmetrics-text;version=1.0.0\r\n\r\n");
    ck_assert_has("Content-Type: application/openmetrics-text; version=1.0.0");
    ck_assert_has("# EOF\n");
}
END_TEST

START_TEST(readiness_is_a_status)
{
    ready = false;
    (void)ask("GET /readyz" END "\r\n");
    ck_assert_has("HTTP/1.1 503");
    ck_assert_has("redis: away");
    ready = true;
    (void)ask("HEAD /readyz" END "\r\n");
    ck_assert_has("HTTP/1.1 200");
    ck_assert_ptr_null(strstr(answer, "\r\n\r\nready"));
}
END_TEST

START_TEST(all_else_is_refused)
{
    (void)ask("GET /" END "\r\n");
    ck_assert_has("HTTP/1.1 404");
    ck_assert_has("/metrics /readyz");
    (void)ask("POST /metrics" END "Content-Length: 0\r\n\r\n");
    ck_assert_has("HTTP/1.1 405");
    ck_assert_has("Allow: GET, HEAD");
    (void)ask("POST /metrics" END "Content-Length: 5\r\n\r\nhello");
    ck_assert_ptr_null(strstr(answer, " 200 "));
    (void)ask("nonsense\r\n\r\n");
    ck_assert_ptr_null(strstr(answer, " 200 "));
}
END_TEST

START_TEST(long_header_is_refused)
{
    static char request[40000];
    size_t used =
        (size_t)snprintf(request, sizeof(request), "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ");
    memset(request + used, 'x', 30000);
    memcpy(request + used + 30000, "\r\n\r\n", 5);
    (void)ask(request);
    ck_assert_ptr_null(strstr(answer, " 200 "));
}
END_TEST

START_TEST(more_connections_than_the_limit_do_not_stop_it)
{
    int fds[HTTP_CONNECTIONS_MAX + 8];
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        fds[i] = connect_to_server();
    }
    (void)ask_from("127.0.0.2", "GET /metrics" END "\r\n"); /* while one address holds all it can */
    ck_assert_has("HTTP/1.1 200");
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        (void)close(fds[i]);
    }
    (void)usleep(100000);
    (void)ask("GET /metrics" END "\r\n");
    ck_assert_has("HTTP/1.1 200");
}
END_TEST

START_TEST(port_in_use_and_bad_addresses_are_said)
{
    static const char *const bad[] = {
        "", "9464", ":9464", "localhost:9464", "127.0.0.1:", "127.0.0.1:70000", "[::1:9"};
    struct http_server *second = NULL;
    char address[32];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", http_port(server));
    ck_assert_int_eq(http_open(&second, address, NULL, 0, 1024, &text), STATUS_AWAY);
    ck_assert_msg(strstr(text.text, "in use") != NULL, "%s", text.text);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(http_open(&second, bad[i], NULL, 0, 1024, &text), STATUS_INVALID);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("http");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, prepare, finish);
    tcase_add_test(tests, metrics_come_in_the_format_asked_for);
    tcase_add_test(tests, readiness_is_a_status);
    tcase_add_test(tests, all_else_is_refused);
    tcase_add_test(tests, long_header_is_refused);
    tcase_add_test(tests, more_connections_than_the_limit_do_not_stop_it);
    tcase_add_test(tests, port_in_use_and_bad_addresses_are_said);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
