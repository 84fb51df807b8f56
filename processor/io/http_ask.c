/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http_ask.h"

#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

struct body {
    char *data;
    size_t size, limit;
};

static size_t take_body(char *data, size_t one, size_t count, void *context)
{
    struct body *body = context;
    size_t size = one * count;
    size_t room = body->limit - body->size - 1;
    size_t taken = size < room ? size : room;
    memcpy(body->data + body->size, data, taken);
    body->size += taken;
    return size; /* what does not fit is not wanted, and no error */
}

enum status http_ask(const char *address, const char *path, int32_t timeout_ms, char *out,
                     size_t size, struct status_text *out_text)
{
    char url[512];
    struct body body = {out, 0, size};
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return status_fail(out_text, STATUS_FATAL, "curl does not start");
    }
    (void)snprintf(url, sizeof(url), "http://%s%s", address, path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    out[body.size] = '\0';
    return code == CURLE_OK
               ? STATUS_OK
               : status_fail(out_text, STATUS_AWAY, "%s: %s", address, curl_easy_strerror(code));
}
