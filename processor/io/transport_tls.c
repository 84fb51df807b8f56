/* SPDX-License-Identifier: Apache-2.0 */
#include "io/transport_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { FILES_MAX = 4 }; /* authorities: a file, or the system's file and folder; certificate; key */

/* What tells one state of a file from the next; all 0 when it is not there. Of a folder: which files it has. */
struct stamp {
    struct timespec changed;
    ino_t inode;
    off_t size;
};

struct transport_tls {
    SSL_CTX *context;
    struct stamp stamps[FILES_MAX]; /* of the files, before they were read into the context */
    struct status_text problem;     /* why those that are there now are not in it */
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

/* As OpenSSL finds the system's authorities: the environment may name others. */
static const char *system_path(const char *variable, const char *otherwise)
{
    const char *path = getenv(variable);
    return path != NULL ? path : otherwise;
}

static void look_at_files(const struct transport_settings *settings,
                          struct stamp out_stamps[FILES_MAX])
{
    bool own = has_text(settings->ca_file);
    const char *const files[FILES_MAX] = {
        own ? settings->ca_file
            : system_path(X509_get_default_cert_file_env(), X509_get_default_cert_file()),
        own ? NULL : system_path(X509_get_default_cert_dir_env(), X509_get_default_cert_dir()),
        settings->certificate_file, settings->key_file};
    memset(out_stamps, 0, FILES_MAX * sizeof(*out_stamps));
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct stat about;
        if (has_text(files[i]) && stat(files[i], &about) == 0) {
            out_stamps[i].changed = about.st_mtim;
            out_stamps[i].inode = about.st_ino;
            out_stamps[i].size = about.st_size;
        }
    }
}

static enum status open_context(const struct transport_settings *settings, SSL_CTX **out_context,
                                struct status_text *out_text)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        return status_fail(out_text, STATUS_INVALID, "no memory for TLS");
    }
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(context,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    enum status status = load_files(context, settings, out_text);
    if (status != STATUS_OK) {
        SSL_CTX_free(context);
        return status;
    }
    *out_context = context;
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
    if (tls == NULL) {
        return status_fail(out_text, STATUS_INVALID, "no memory for TLS");
    }
    look_at_files(settings, tls->stamps);
    enum status status = open_context(settings, &tls->context, out_text);
    if (status != STATUS_OK) {
        transport_tls_close(tls);
        return status;
    }
    /* OpenSSL writes with write(2): a peer that is gone must be an error, not a signal. */
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
        (void)signal(SIGPIPE, SIG_IGN);
    }
    *out_tls = tls;
    return STATUS_OK;
}

void transport_tls_refresh(struct transport_tls *tls, const struct transport_settings *settings)
{
    struct stamp stamps[FILES_MAX];
    struct status_text text = {""};
    look_at_files(settings, stamps);
    if (memcmp(stamps, tls->stamps, sizeof(stamps)) == 0) {
        tls->problem.text[0] = '\0'; /* they may have been put back */
        return;
    }
    SSL_CTX *context = NULL;
    if (open_context(settings, &context, &text) != STATUS_OK) {
        (void)status_fail(&tls->problem, STATUS_INVALID,
                          "files for TLS could not be read again, those from before are used: %s",
                          text.text);
        return;
    }
    SSL_CTX_free(tls->context); /* sessions have their own reference */
    tls->context = context;
    memcpy(tls->stamps, stamps, sizeof(stamps));
    tls->problem.text[0] = '\0';
}

const char *transport_tls_problem(const struct transport_tls *tls)
{
    return tls == NULL ? "" : tls->problem.text;
}

void transport_tls_close(struct transport_tls *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        free(tls);
    }
}

/* Verify that name and ask for it. An IP address is verified as one, and sent as no SNI. */
static bool expect_name(SSL *session, const char *name)
{
    uint8_t address[16];
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name) == 1;
    }
    return SSL_set1_host(session, name) == 1 && SSL_set_tlsext_host_name(session, name) == 1;
}

void *transport_tls_session(struct transport_tls *tls, const struct transport_settings *settings,
                            int fd)
{
    char host[TRANSPORT_HOST_SIZE];
    const char *name = has_text(settings->server_name) ? settings->server_name : host;
    if (name == host && !transport_host_of(settings->address, host)) {
        return NULL;
    }
    SSL *session = SSL_new(tls->context);
    if (session == NULL || SSL_set_fd(session, fd) != 1 || !expect_name(session, name)) {
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
