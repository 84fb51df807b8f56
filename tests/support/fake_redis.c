/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_redis.h"

#include <arpa/inet.h>
#include <check.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char facts[] = "redis_version:7.0.0\r\nredis_mode:cluster\r\n"
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

void fake_redis_certify(struct fake_redis *fake, const char *certificate, const char *key)
{
    ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(fake->tls, certificate), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(fake->tls, key, SSL_FILETYPE_PEM), 1);
}

void fake_redis_start(struct fake_redis *fake, const char *text, const char *certificate,
                      const char *key)
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
        fake_redis_certify(fake, certificate, key);
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
