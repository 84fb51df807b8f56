/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting: to a host of several addresses, and to servers whose certificates are of this name or that. */
#include "io/transport.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/fake_redis.h"
#include "support/suite.h"

enum { STEPS_MAX = 1000, STEP_MS = 10, TIMEOUT_MS = 1000 };

static struct transport transport;
static struct status_text text;
static struct fake_redis node;

static struct transport_address loopback(uint16_t port)
{
    struct transport_address address = {.size = sizeof(struct sockaddr_in)};
    const struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    memcpy(&address.storage, &name, sizeof(name));
    return address;
}

/* A port whose backlog is full: the system answers no further connection. */
struct silent {
    int listener;
    int waiting[8];
    uint16_t port;
};

static void silent_open(struct silent *silent)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(name);
    silent->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(silent->listener, (struct sockaddr *)&name, size), 0);
    ck_assert_int_eq(listen(silent->listener, 0), 0);
    ck_assert_int_eq(getsockname(silent->listener, (struct sockaddr *)&name, &size), 0);
    silent->port = ntohs(name.sin_port);
    for (size_t i = 0; i < sizeof(silent->waiting) / sizeof(silent->waiting[0]); i++) {
        silent->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(silent->waiting[i], (struct sockaddr *)&name, size);
    }
}

static void silent_close(struct silent *silent)
{
    for (size_t i = 0; i < sizeof(silent->waiting) / sizeof(silent->waiting[0]); i++) {
        (void)close(silent->waiting[i]);
    }
    (void)close(silent->listener);
}

/* Advance at this moment until it is known. */
static enum status advance(int64_t now_us)
{
    enum status status = STATUS_RETRY;
    for (uint32_t i = 0; i < STEPS_MAX && status == STATUS_RETRY; i++) {
        struct pollfd ready = {
            transport.fd,
            (short)((transport.wants_read ? POLLIN : 0) | (transport.wants_write ? POLLOUT : 0)),
            0};
        (void)poll(&ready, 1, STEP_MS);
        status = transport_advance(&transport, now_us);
    }
    return status;
}

START_TEST(a_silent_address_leaves_time_for_the_next)
{
    struct silent silent;
    const struct transport_settings settings = {.address = "host:1",
                                                .connect_timeout_ms = TIMEOUT_MS};
    silent_open(&silent);
    fake_redis_start(&node, "", NULL);
    const struct transport_address addresses[] = {loopback(silent.port), loopback(silent.port),
                                                  loopback(node.port)};
    enum status status = transport_open(&transport, &settings, NULL, addresses, 3, 0);
    ck_assert_int_eq(status, STATUS_OK);
    ck_assert_int_eq(transport.due_us, 333333);
    ck_assert_int_eq(transport_advance(&transport, 333332), STATUS_RETRY);
    ck_assert_uint_eq(transport.address_index, 1);
    ck_assert_int_eq(transport_advance(&transport, 333333), STATUS_RETRY);
    ck_assert_uint_eq(transport.address_index, 2);
    ck_assert_int_eq(transport_advance(&transport, transport.due_us), STATUS_RETRY);
    ck_assert_msg(advance(700000) == STATUS_OK, "%s", transport.why.text);
    transport_close(&transport);
    fake_redis_stop(&node);
    silent_close(&silent);
}
END_TEST

START_TEST(addresses_that_are_all_silent_end_in_time)
{
    struct silent silent;
    const struct transport_settings settings = {.address = "host:1",
                                                .connect_timeout_ms = TIMEOUT_MS};
    silent_open(&silent);
    const struct transport_address addresses[] = {loopback(silent.port), loopback(silent.port)};
    ck_assert_int_eq(transport_open(&transport, &settings, NULL, addresses, 2, 0), STATUS_OK);
    ck_assert_int_eq(transport_advance(&transport, 500000), STATUS_RETRY);
    ck_assert_int_eq(transport_advance(&transport, 999999), STATUS_RETRY);
    ck_assert_int_eq(transport_advance(&transport, 1000000), STATUS_AWAY);
    ck_assert_msg(strstr(transport.why.text, "time-out") != NULL, "%s", transport.why.text);
    silent_close(&silent);
}
END_TEST

/* --- TLS */

static char folder[] = "/tmp/segue-transport-XXXXXX";
static char named[64], numbered[64],
    both[64]; /* PEM files: of "localhost", of 127.0.0.1, of either */
static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/segue-transport-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(named, sizeof(named), "%s/named.pem", folder);
    (void)snprintf(numbered, sizeof(numbered), "%s/numbered.pem", folder);
    (void)snprintf(both, sizeof(both), "%s/both.pem", folder);
    fake_redis_certificate(named, "DNS:localhost");
    fake_redis_certificate(numbered, "IP:127.0.0.1");
}

static void tear_down(void)
{
    (void)unlink(named);
    (void)unlink(numbered);
    (void)unlink(both);
    (void)rmdir(folder);
}

/* One connection to the node under that host name, then closed. */
static enum status connect_as(const char *host, const struct transport_settings *settings,
                              struct transport_tls *tls)
{
    char address[64];
    struct transport_settings target = *settings;
    const struct transport_address loop = loopback(node.port);
    (void)snprintf(address, sizeof(address), "%s:%u", host, node.port);
    target.address = address;
    enum status status = transport_open(&transport, &target, tls, &loop, 1, 0);
    status = status == STATUS_OK ? advance(0) : status;
    transport_close(&transport);
    return status;
}

START_TEST(each_node_is_verified_by_its_own_name)
{
    struct transport_settings settings = {
        .address = "localhost:1,127.0.0.1:2", .tls = true, .ca_file = _i == 0 ? named : numbered};
    struct transport_tls *tls = NULL;
    fake_redis_start(&node, "", settings.ca_file);
    ck_assert_msg(transport_tls_open(&tls, &settings, &text) == STATUS_OK, "%s", text.text);
    ck_assert_int_eq(connect_as("localhost", &settings, tls), _i == 0 ? STATUS_OK : STATUS_AWAY);
    ck_assert_int_eq(connect_as("127.0.0.1", &settings, tls), _i == 1 ? STATUS_OK : STATUS_AWAY);
    settings.server_name = _i == 0 ? "localhost" : "127.0.0.1"; /* for all nodes */
    ck_assert_int_eq(connect_as("localhost", &settings, tls), STATUS_OK);
    ck_assert_int_eq(connect_as("127.0.0.1", &settings, tls), STATUS_OK);
    transport_tls_close(tls);
    fake_redis_stop(&node);
}
END_TEST

START_TEST(files_that_were_rotated_are_read_again)
{
    const struct transport_settings settings = {
        .address = "localhost:1", .tls = true, .ca_file = both};
    struct transport_tls *tls = NULL;
    fake_redis_certificate(both, "DNS:localhost");
    fake_redis_start(&node, "", both);
    ck_assert_msg(transport_tls_open(&tls, &settings, &text) == STATUS_OK, "%s", text.text);
    ck_assert_int_eq(connect_as("localhost", &settings, tls), STATUS_OK);
    fake_redis_certify(&node, named); /* of another authority by now */
    ck_assert_int_eq(connect_as("localhost", &settings, tls), STATUS_AWAY);
    (void)unlink(both);
    ck_assert_int_eq(connect_as("localhost", &settings, tls), STATUS_AWAY);
    const char *problem = transport_tls_problem(tls);
    ck_assert_msg(strstr(problem, both) != NULL, "%s", problem);
    ck_assert_int_eq(rename(named, both), 0);
    ck_assert_msg(connect_as("localhost", &settings, tls) == STATUS_OK, "%s", transport.why.text);
    ck_assert_str_eq(transport_tls_problem(tls), "");
    transport_tls_close(tls);
    fake_redis_stop(&node);
}
END_TEST

/* The certificate comes first, its key a while later: the connections in between are opened. */
START_TEST(a_rotation_in_two_steps_refuses_no_connection)
{
    char certificate[64], key[64];
    (void)snprintf(certificate, sizeof(certificate), "%s/certificate.pem", folder);
    (void)snprintf(key, sizeof(key), "%s/key.pem", folder);
    const struct transport_settings settings = {.address = "localhost:1",
                                                .tls = true,
                                                .ca_file = named,
                                                .certificate_file = certificate,
                                                .key_file = key};
    struct transport_tls *tls = NULL;
    fake_redis_certificate(certificate, "DNS:segue");
    ck_assert_int_eq(link(certificate, key), 0); /* each file of these has both */
    fake_redis_certificate(both, "DNS:segue");
    fake_redis_start(&node, "", named);
    ck_assert_msg(transport_tls_open(&tls, &settings, &text) == STATUS_OK, "%s", text.text);
    ck_assert_int_eq(rename(both, certificate), 0);
    ck_assert_msg(connect_as("localhost", &settings, tls) == STATUS_OK, "%s", transport.why.text);
    const char *problem = transport_tls_problem(tls);
    ck_assert_msg(strstr(problem, key) != NULL, "%s", problem);
    ck_assert_int_eq(unlink(key), 0);
    ck_assert_int_eq(link(certificate, key), 0);
    ck_assert_msg(connect_as("localhost", &settings, tls) == STATUS_OK, "%s", transport.why.text);
    ck_assert_str_eq(transport_tls_problem(tls), "");
    transport_tls_close(tls);
    fake_redis_stop(&node);
    (void)unlink(certificate);
    (void)unlink(key);
}
END_TEST

/* The name under which OpenSSL looks for an authority in a folder: the hash of its subject. */
static void hashed_name(const char *file, char out_path[64])
{
    FILE *from = fopen(file, "re");
    ck_assert_ptr_nonnull(from);
    X509 *certificate = PEM_read_X509(from, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(certificate);
    (void)snprintf(out_path, 64, "%s/%08lx.0", folder, X509_subject_name_hash(certificate));
    X509_free(certificate);
    (void)fclose(from);
}

START_TEST(an_authority_that_left_the_systems_folder_is_not_trusted)
{
    const struct transport_settings settings = {.address = "localhost:1", .tls = true};
    struct transport_tls *tls = NULL;
    char hashed[64];
    hashed_name(named, hashed);
    ck_assert_int_eq(link(named, hashed), 0);
    ck_assert_int_eq(setenv("SSL_CERT_FILE", both, 1), 0); /* none */
    ck_assert_int_eq(setenv("SSL_CERT_DIR", folder, 1), 0);
    fake_redis_start(&node, "", named);
    ck_assert_msg(transport_tls_open(&tls, &settings, &text) == STATUS_OK, "%s", text.text);
    ck_assert_msg(connect_as("localhost", &settings, tls) == STATUS_OK, "%s", transport.why.text);
    ck_assert_int_eq(unlink(hashed), 0);
    ck_assert_int_eq(connect_as("localhost", &settings, tls), STATUS_AWAY);
    ck_assert_str_eq(transport_tls_problem(tls), "");
    transport_tls_close(tls);
    fake_redis_stop(&node);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transport");
    TCase *tests = tcase_create("connecting");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_silent_address_leaves_time_for_the_next);
    tcase_add_test(tests, addresses_that_are_all_silent_end_in_time);
    suite_add_tcase(suite, tests);
    tests = tcase_create("TLS");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, each_node_is_verified_by_its_own_name, 0, 2);
    tcase_add_test(tests, files_that_were_rotated_are_read_again);
    tcase_add_test(tests, a_rotation_in_two_steps_refuses_no_connection);
    tcase_add_test(tests, an_authority_that_left_the_systems_folder_is_not_trusted);
    suite_add_tcase(suite, tests);
    return suite_run_all(suite);
}
