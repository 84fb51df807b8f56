/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_redis.h"

#include <arpa/inet.h>
#include <check.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char facts[] = "redis_version:7.0.0\r\nredis_mode:standalone\r\n"
                            "maxmemory_policy:noeviction\r\nrole:master\r\n";

struct client {
    int fd;
    SSL *session; /* NULL: plain TCP */
    char bytes[4096];
    size_t size;
};

static bool send_text(struct client *client, const char *text)
{
    int size = (int)strlen(text);
    return client->session != NULL ? SSL_write(client->session, text, size) == size
                                   : send(client->fd, text, (size_t)size, MSG_NOSIGNAL) == size;
}

static bool receive(struct client *client)
{
    char *at = client->bytes + client->size;
    size_t room = sizeof(client->bytes) - 1 - client->size;
    ssize_t got = client->session != NULL ? SSL_read(client->session, at, (int)room)
                                          : recv(client->fd, at, room, 0);
    if (got > 0) {
        client->size += (size_t)got;
        client->bytes[client->size] = '\0';
    }
    return got > 0;
}

/* The size of the first command, 0 when it is not whole yet; `out_word`: its first word. */
static size_t command_size(const struct client *client, char out_word[16])
{
    const char *at = client->bytes, *end = client->bytes + client->size;
    long count = client->size > 0 && *at == '*' ? strtol(at + 1, NULL, 10) : 0;
    at = client->size > 0 ? strstr(at, "\r\n") : NULL;
    for (long i = 0; i < count && at != NULL && at + 3 < end; i++) {
        long size = strtol(at + 3, NULL, 10); /* behind "\r\n$" */
        at = strstr(at + 2, "\r\n");
        if (at == NULL || at + 2 + size + 2 > end) {
            return 0;
        }
        if (i == 0) {
            (void)snprintf(out_word, 16, "%.*s", (int)size, at + 2);
        }
        at += 2 + size;
        if (i == count - 1) {
            return (size_t)(at + 2 - client->bytes);
        }
    }
    return 0;
}

static bool answer(const struct fake_redis *fake, struct client *client, const char *word)
{
    char info[512];
    if (strcmp(word, "PING") == 0 || strcmp(word, "AUTH") == 0) {
        return send_text(client, "+OK\r\n");
    }
    if (strcmp(word, "INFO") == 0) {
        (void)snprintf(info, sizeof(info), "$%zu\r\n%s\r\n", strlen(facts), facts);
        return send_text(client, info);
    }
    return send_text(client, fake->answer);
}

static void serve_client(const struct fake_redis *fake, struct client *client)
{
    char word[16];
    bool good = client->session == NULL || SSL_accept(client->session) == 1;
    while (good && receive(client)) {
        size_t size;
        while (good && (size = command_size(client, word)) > 0) {
            good = answer(fake, client, word);
            client->size -= size;
            memmove(client->bytes, client->bytes + size, client->size + 1);
        }
    }
}

static void *serve(void *argument)
{
    struct fake_redis *fake = argument;
    int fd;
    while ((fd = accept(fake->listener, NULL, NULL)) >= 0) {
        struct client client = {.fd = fd};
        fake->connects++;
        if (fake->tls != NULL) {
            client.session = SSL_new(fake->tls);
            (void)SSL_set_fd(client.session, fd);
        }
        serve_client(fake, &client);
        SSL_free(client.session);
        (void)close(fd);
    }
    return NULL;
}

void fake_redis_certificate(const char *path, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
    static long serial; /* two of one subject: a verifier tells them apart by key */
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
    (void)X509_set_issuer_name(certificate, subject);
    (void)X509_set_pubkey(certificate, key);
    (void)X509_add_ext(certificate, names, -1);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
    ck_assert_int_eq(fclose(file), 0);
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void fake_redis_certify(struct fake_redis *fake, const char *certificate)
{
    SSL_CTX *tls = fake->tls;
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(tls, certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(tls, certificate, SSL_FILETYPE_PEM), 1);
}

void fake_redis_start(struct fake_redis *fake, const char *text, const char *certificate)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    *fake = (struct fake_redis){.answer = text};
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fake->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fake->listener, 16), 0);
    ck_assert_int_eq(getsockname(fake->listener, (struct sockaddr *)&address, &size), 0);
    fake->port = ntohs(address.sin_port);
    if (certificate != NULL) {
        fake->tls = SSL_CTX_new(TLS_server_method());
        fake_redis_certify(fake, certificate);
    }
    ck_assert_int_eq(pthread_create(&fake->thread, NULL, serve, fake), 0);
}

void fake_redis_stop(struct fake_redis *fake)
{
    (void)shutdown(fake->listener, SHUT_RDWR);
    (void)pthread_join(fake->thread, NULL);
    (void)close(fake->listener);
    SSL_CTX_free(fake->tls);
}
