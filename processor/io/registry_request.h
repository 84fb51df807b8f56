/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange with a schema registry over HTTP. Only registry*.c include this. */
#ifndef IO_REGISTRY_REQUEST_H
#define IO_REGISTRY_REQUEST_H

#include <stdatomic.h>

#include "io/registry.h"

struct json_t; /* jansson */

enum {
    REGISTRY_PATH_SIZE = 1024,
    REGISTRY_PATIENCE_MS = 1000, /* with a copy on disk */
    REGISTRY_REASON_SIZE = 256,
    REGISTRY_NOT_FOUND_SUBJECT = 40401,
    REGISTRY_NOT_FOUND_VERSION = 40402,
    REGISTRY_NOT_FOUND_SCHEMA = 40403,
};

/* Counted by both sides of the client. */
struct registry_tally {
    _Atomic uint64_t requests;
    _Atomic uint64_t retries;
    _Atomic uint64_t failures;
    _Atomic uint64_t not_found;
    _Atomic uint64_t disk_hits;
};

/* One thread's way to the registry: a curl handle with its kept connection. */
struct registry_client {
    const struct registry_settings *settings; /* every default filled in */
    struct registry_tally *tally;
    const atomic_bool *stop; /* ends a request that is under way */
    uint32_t
        patience_ms; /* of one request, when that is less than settings->timeout_ms; 0: no less */
    /* private */
    void *curl;
    uint32_t url_first; /* the one that worked last */
    char *body;         /* settings->body_size_max + 1 bytes */
    size_t body_size;
    bool body_too_large;
    char reason[REGISTRY_REASON_SIZE]; /* curl's, which keeps the address between requests */
};

struct registry_reply {
    struct json_t *json; /* the caller's to json_decref; with STATUS_OK only */
    long http;           /* of the last url tried; 0: none answered */
    int error_code;      /* the registry's own (40403 ..), or 0 */
};

/* STATUS_FULL: no memory. */
MUST_USE enum status registry_client_open(struct registry_client *client,
                                          const struct registry_settings *settings,
                                          struct registry_tally *tally, const atomic_bool *stop);
void registry_client_close(struct registry_client *client);

/* GET (`body` NULL) or POST `path`, over all urls once.
 * STATUS_OK: 2xx with JSON. STATUS_INVALID: the registry says no, and would again
 * (`reply->error_code`, 401, 403, 409, 422). STATUS_AWAY: no answer, or none of a registry: worth
 * another try. `reply->http` and `error_code` are set whatever comes. */
MUST_USE enum status registry_request(struct registry_client *client, const char *path,
                                      const char *body, struct registry_reply *reply,
                                      struct status_text *out_text);

/* True when `reply` says definitely that there is no such thing. */
bool registry_reply_is_missing(const struct registry_reply *reply);

/* Append `text`, percent-encoded, to the `size` bytes at `path`. False: it does not fit. */
bool registry_path_append(char *path, size_t size, const char *text);

/* "id-42" or "guid-0123..": a file name, and the last part of the path. */
enum { REGISTRY_NAME_SIZE = 64 };
void registry_key_name(const struct registry_key *key, char out_name[REGISTRY_NAME_SIZE]);

/* Fetch what `path` names ({"schema", "references"}) and everything it refers to.
 * Statuses of registry_request; `out_schema` is one block for free(). Of
 * `out_version` only id and version are set: 0 when absent. */
MUST_USE enum status registry_fetch(struct registry_client *client, const char *path,
                                    struct registry_schema **out_schema,
                                    struct registry_version *out_version,
                                    struct registry_reply *reply, struct status_text *out_text);

/* A schema in one block from its texts (copied); NULL: no memory. */
struct registry_schema *registry_schema_make(struct slice text, const struct slice *references,
                                             uint32_t reference_count);

/* The copy on disk: `name` (a file name) within settings->cache_folder. Does nothing without a
 * folder. A file is written beside and renamed; a damaged, foreign or cut one is as good as none
 * when read. */
void registry_cache_write(const struct registry_settings *settings, const char *name,
                          const struct registry_schema *schema, uint32_t id);
/* False: there is none. `out_schema` is one block for free(). */
bool registry_cache_read(const struct registry_settings *settings, const char *name,
                         struct registry_schema **out_schema, uint32_t *out_id);

/* Milliseconds to wait before attempt number `attempt` (from 1), with jitter. */
uint32_t registry_backoff_ms(const struct registry_settings *settings, uint32_t attempt);

#endif
