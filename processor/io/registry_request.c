/* SPDX-License-Identifier: Apache-2.0 */
#include "io/registry_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "base/attributes.h"
#include "io/clock.h"
#include "io/transport.h"

enum { SECRET_SIZE = 16384 /* a token's claims may be many */, URL_SIZE = 2048 };
_Static_assert(REGISTRY_REASON_SIZE >= CURL_ERROR_SIZE, "curl writes that much");

static const char content_type[] = "Content-Type: application/vnd.schemaregistry.v1+json";
static const char accept_type[] =
    "Accept: application/vnd.schemaregistry.v1+json, application/json";

/* --- curl */

static size_t take_body(char *data, size_t one, size_t count, void *context)
{
    struct registry_client *client = context;
    size_t size = one * count;
    if (size > client->settings->body_size_max - client->body_size) {
        client->body_too_large = true;
        return 0;
    }
    memcpy(client->body + client->body_size, data, size);
    client->body_size += size;
    return size;
}

static int keep_going(void *context, curl_off_t a UNUSED, curl_off_t b UNUSED, curl_off_t c UNUSED,
                      curl_off_t d UNUSED)
{
    const struct registry_client *client = context;
    return atomic_load(client->stop) ? 1 : 0;
}

enum status registry_client_open(struct registry_client *client,
                                 const struct registry_settings *settings,
                                 struct registry_tally *tally, const atomic_bool *stop)
{
    *client = (struct registry_client){.settings = settings, .tally = tally, .stop = stop};
    client->curl = curl_easy_init();
    client->body = malloc(settings->body_size_max + 1);
    if (client->curl == NULL || client->body == NULL) {
        registry_client_close(client);
        return STATUS_FULL;
    }
    return STATUS_OK;
}

void registry_client_close(struct registry_client *client)
{
    curl_easy_cleanup(client->curl);
    free(client->body);
    client->curl = NULL;
    client->body = NULL;
}

static ssize_t read_all(const char *path, char *out, size_t limit)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t got = fd < 0 ? -1 : 1;
    while (got > 0 && size < limit) {
        got = read(fd, out + size, limit - size);
        size += got > 0 ? (size_t)got : 0;
    }
    int error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = error;
    return got < 0 ? -1 : (ssize_t)size;
}

/* The first line of a file that holds a secret: whole, for half of one is refused and nobody knows why. */
static enum status read_secret(const char *what, const char *path, char out_secret[SECRET_SIZE],
                               struct status_text *out_text)
{
    ssize_t size = read_all(path, out_secret, SECRET_SIZE);
    if (size < 0) {
        return status_fail(out_text, status_of_errno(errno), "%s %s: %s", what, path,
                           strerror(errno));
    }
    size_t end = 0;
    while (end < (size_t)size && strchr("\r\n", out_secret[end]) == NULL) {
        end++;
    }
    if (end == 0) {
        return status_fail(out_text, STATUS_INVALID, "%s %s: its first line is empty", what, path);
    }
    if (end == SECRET_SIZE) {
        return status_fail(out_text, STATUS_INVALID, "%s %s: its first line has over %d bytes",
                           what, path, SECRET_SIZE - 1);
    }
    out_secret[end] = '\0';
    return STATUS_OK;
}

static enum status set_credentials(const struct registry_client *client,
                                   struct status_text *out_text)
{
    const struct registry_settings *settings = client->settings;
    char secret[SECRET_SIZE];
    enum status status = STATUS_OK;
    if (settings->token_file != NULL) {
        status = read_secret("registry.token_file", settings->token_file, secret, out_text);
        if (status == STATUS_OK) {
            (void)curl_easy_setopt(client->curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
            (void)curl_easy_setopt(client->curl, CURLOPT_XOAUTH2_BEARER, secret);
        }
    } else if (settings->user != NULL && settings->password_file != NULL) {
        status = read_secret("registry.password_file", settings->password_file, secret, out_text);
        if (status == STATUS_OK) {
            (void)curl_easy_setopt(client->curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
            (void)curl_easy_setopt(client->curl, CURLOPT_USERNAME, settings->user);
            (void)curl_easy_setopt(client->curl, CURLOPT_PASSWORD, secret);
        }
    }
    explicit_bzero(secret, sizeof(secret));
    return status;
}

static void set_options(struct registry_client *client, const char *body,
                        struct curl_slist *headers)
{
    const struct registry_settings *settings = client->settings;
    uint32_t timeout_ms = client->patience_ms > 0 && client->patience_ms < settings->timeout_ms
                              ? client->patience_ms
                              : settings->timeout_ms;
    CURL *curl = client->curl;
    curl_easy_reset(curl); /* keeps connections and DNS, forgets options */
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "segue/" SEGUE_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->connect_timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, keep_going);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
    if (settings->ca_file != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca_file);
    }
    if (settings->certificate_file != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT, settings->certificate_file);
        (void)curl_easy_setopt(curl, CURLOPT_SSLKEY,
                               settings->key_file != NULL ? settings->key_file
                                                          : settings->certificate_file);
    }
    if (body != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    }
}

/* --- what an answer means */

bool registry_reply_is_missing(const struct registry_reply *reply)
{
    return reply->http == 404 && reply->error_code >= REGISTRY_NOT_FOUND_SUBJECT &&
           reply->error_code <= REGISTRY_NOT_FOUND_SCHEMA;
}

static enum status judge(struct registry_client *client, const char *url,
                         struct registry_reply *reply, struct status_text *out_text)
{
    json_error_t error;
    json_t *json = json_loadb(client->body, client->body_size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    const char *message = json_string_value(json_object_get(json, "message"));
    char text[200];
    (void)snprintf(text, sizeof(text), "%s", message == NULL ? "no message" : message);
    reply->error_code = (int)json_integer_value(json_object_get(json, "error_code"));
    if (reply->http >= 200 && reply->http < 300 && json != NULL) {
        reply->json = json;
        return STATUS_OK;
    }
    json_decref(json);
    if (reply->http >= 200 && reply->http < 300) {
        return status_fail(out_text, STATUS_AWAY, "%s answers what is not JSON; is it a registry?",
                           url);
    }
    if (registry_reply_is_missing(reply)) {
        return status_fail(out_text, STATUS_INVALID, "%s: %s (%d)", url, text, reply->error_code);
    }
    switch (reply->http) {
    case 401:
    case 403:
        return status_fail(
            out_text, STATUS_INVALID,
            "%s refuses these credentials (%ld); see registry.user, password_file, token_file", url,
            reply->http);
    case 409:
    case 422:
        return status_fail(out_text, STATUS_INVALID, "%s: %s (%d)", url, text, reply->error_code);
    case 404:
        return status_fail(out_text, STATUS_AWAY,
                           "%s: 404 without a registry's error code; is registry.base_path right?",
                           url);
    default:
        return status_fail(out_text, STATUS_AWAY, "%s answers %ld: %s", url, reply->http, text);
    }
}

static enum status ask_one(struct registry_client *client, const char *base, const char *path,
                           const char *body, struct registry_reply *reply,
                           struct status_text *out_text)
{
    char url[URL_SIZE];
    int size = snprintf(url, sizeof(url), "%s%s%s", base, client->settings->base_path, path);
    if (size < 0 || (size_t)size >= sizeof(url)) {
        return status_fail(out_text, STATUS_INVALID, "a registry url over %d bytes", URL_SIZE - 1);
    }
    struct curl_slist *headers = curl_slist_append(NULL, accept_type);
    if (body != NULL && headers != NULL) {
        struct curl_slist *more = curl_slist_append(headers, content_type);
        headers = more != NULL ? more : headers;
    }
    set_options(client, body, headers);
    enum status status = set_credentials(client, out_text);
    if (status != STATUS_OK) {
        curl_slist_free_all(headers);
        return status;
    }
    (void)curl_easy_setopt(client->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, client->reason);
    client->reason[0] = '\0';
    client->body_size = 0;
    client->body_too_large = false;
    atomic_fetch_add(&client->tally->requests, 1);
    CURLcode code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        return status_fail(out_text, STATUS_AWAY, "%s: %s", url,
                           client->body_too_large ? "the answer is larger than registry's limit"
                           : client->reason[0] != '\0' ? client->reason
                                                       : curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->http);
    return judge(client, url, reply, out_text);
}

enum status registry_request(struct registry_client *client, const char *path, const char *body,
                             struct registry_reply *reply, struct status_text *out_text)
{
    enum status status = STATUS_AWAY;
    uint32_t count = client->settings->url_count;
    for (uint32_t i = 0; i < count && status == STATUS_AWAY && !atomic_load(client->stop); i++) {
        uint32_t index = (client->url_first + i) % count;
        *reply = (struct registry_reply){0};
        status = ask_one(client, client->settings->urls[index], path, body, reply, out_text);
        if (status == STATUS_AWAY) {
            atomic_fetch_add(&client->tally->failures, 1);
        } else {
            client->url_first = index;
        }
    }
    if (registry_reply_is_missing(reply)) {
        atomic_fetch_add(&client->tally->not_found, 1);
    }
    return status;
}

/* --- small things */

bool registry_path_append(char *path, size_t size, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = strlen(path);
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || strchr("-._~", byte) != NULL;
        if (used + 4 > size) {
            return false;
        }
        if (plain) {
            path[used++] = (char)byte;
        } else {
            path[used++] = '%';
            path[used++] = digits[byte >> 4];
            path[used++] = digits[byte & 15];
        }
        path[used] = '\0';
    }
    return true;
}

void registry_key_name(const struct registry_key *key, char out_name[REGISTRY_NAME_SIZE])
{
    if (!key->by_guid) {
        (void)snprintf(out_name, REGISTRY_NAME_SIZE, "id-%u", key->id);
        return;
    }
    size_t used = (size_t)snprintf(out_name, REGISTRY_NAME_SIZE, "guid-");
    for (size_t i = 0; i < sizeof(key->guid); i++) {
        const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        used += (size_t)snprintf(out_name + used, REGISTRY_NAME_SIZE - used, "%s%02x", dash,
                                 key->guid[i]);
    }
}

uint32_t registry_backoff_ms(const struct registry_settings *settings, uint32_t attempt)
{
    struct transport_settings bounds = {.backoff_ms_min = settings->retry_ms_min,
                                        .backoff_ms_max = settings->retry_ms_max};
    struct clock *clock = clock_system();
    return transport_backoff_ms(&bounds, attempt, clock->ops->random64(clock));
}
