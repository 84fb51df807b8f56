/* SPDX-License-Identifier: Apache-2.0 */
#include "io/transport_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct transport_tls {
    SSL_CTX *context;
    char name[TRANSPORT_HOST_SIZE];
    bool name_is_address; /* an IP address is verified as one, and sent as no SNI */
};

static bool has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static enum status refuse(struct status_text *out_text, const char *what, const char *file)
{
    char text[256] = "unknown reason";
    unsigned long code = ERR_peek_last_error();
    if (code != 0) {
        ERR_error_string_n(code, text, sizeof(text));
    }
    ERR_clear_error();
    return status_fail(out_text, STATUS_INVALID, "%s %s cannot be used: %s", what, file, text);
}

static enum status load_files(SSL_CTX *context, const struct transport_settings *settings,
                              struct status_text *out_text)
{
    if (has_text(settings->ca_file)) {
        if (SSL_CTX_load_verify_locations(context, settings->ca_file, NULL) != 1) {
            return refuse(out_text, "CA file", settings->ca_file);
        }
    } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
        return refuse(out_text, "CA file", "of the system");
    }
    if (!has_text(settings->certificate_file)) {
        return STATUS_OK;
    }
    const char *key_file =
        has_text(settings->key_file) ? settings->key_file : settings->certificate_file;
    if (SSL_CTX_use_certificate_chain_file(context, settings->certificate_file) != 1) {
        return refuse(out_text, "certificate", settings->certificate_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return refuse(out_text, "key", key_file);
    }
    return STATUS_OK;
}

enum status transport_tls_open(struct transport_tls **out_tls,
                               const struct transport_settings *settings,
                               struct status_text *out_text)
{
    *out_tls = NULL;
    if (!settings->tls) {
        return STATUS_OK;
    }
    struct transport_tls *tls = calloc(1, sizeof(*tls));
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || context == NULL) {
        free(tls);
        SSL_CTX_free(context);
        return status_fail(out_text, STATUS_INVALID, "no memory for TLS");
    }
    tls->context = context;
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(context,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    enum status status = load_files(context, settings, out_text);
    if (status == STATUS_OK && has_text(settings->server_name)) {
        (void)snprintf(tls->name, sizeof(tls->name), "%s", settings->server_name);
    } else if (status == STATUS_OK && !transport_host_of(settings->address, tls->name)) {
        status = status_fail(out_text, STATUS_INVALID, "TLS needs host:port, not `%s`",
                             settings->address);
    }
    if (status != STATUS_OK) {
        transport_tls_close(tls);
        return status;
    }
    uint8_t address[16];
    tls->name_is_address =
        inet_pton(AF_INET, tls->name, address) == 1 || inet_pton(AF_INET6, tls->name, address) == 1;
    /* OpenSSL writes with write(2): a peer that is gone must be an error, not a signal. */
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
        (void)signal(SIGPIPE, SIG_IGN);
    }
    *out_tls = tls;
    return STATUS_OK;
}

void transport_tls_close(struct transport_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        free(tls);
    }
}

void *transport_tls_session(struct transport_tls *tls, int fd)
{
    SSL *session = SSL_new(tls->context);
    if (session == NULL || SSL_set_fd(session, fd) != 1) {
        SSL_free(session);
        return NULL;
    }
    int good = tls->name_is_address
                   ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), tls->name)
                   : (SSL_set1_host(session, tls->name) == 1 &&
                      SSL_set_tlsext_host_name(session, tls->name) == 1);
    if (good != 1) {
        SSL_free(session);
        return NULL;
    }
    return session;
}

void transport_tls_reason(void *session, char *out_text, size_t size)
{
    int error = errno;
    long verified = SSL_get_verify_result(session);
    unsigned long code = ERR_peek_last_error();
    if (verified != X509_V_OK) {
        (void)snprintf(out_text, size, "the server's certificate: %s",
                       X509_verify_cert_error_string(verified));
    } else if (code != 0) {
        ERR_error_string_n(code, out_text, size);
    } else {
        (void)snprintf(out_text, size, "%s",
                       error == 0 ? "the server closed the connection" : strerror(error));
    }
    ERR_clear_error();
}
