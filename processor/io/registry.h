/* SPDX-License-Identifier: Apache-2.0 */
/* Client of a Confluent-compatible schema registry (also Apicurio, Karapace, Redpanda).
 *
 * Two sides. registry_ask() is for workers: it never waits; a thread of its own does the asking,
 * with time-outs, retries and jitter, and the worker asks again later. The synchronous calls are
 * for start-up and commands. A schema of an id never changes, so what was found stays in memory
 * until registry_close; a copy on disk answers when the registry is away at a restart, or does not
 * answer within a second (and only then: a registry that answers is right).
 *
 * Thread-safe throughout. */
#ifndef IO_REGISTRY_H
#define IO_REGISTRY_H

#include "base/slice.h"
#include "base/status.h"

enum {
    REGISTRY_URLS_MAX = 8,
    REGISTRY_SCHEMAS_MAX = 4096,  /* ids known or being asked at one time */
    REGISTRY_REFERENCES_MAX = 64, /* of one schema, those of references included */
    REGISTRY_SUBJECT_SIZE_MAX = 256,
};

/* All texts are borrowed until registry_close; "" is as good as NULL. Zero means the default. */
struct registry_settings {
    const char *urls[REGISTRY_URLS_MAX]; /* "http://host:8081"; tried in order, the last that worked
                                            first */
    uint32_t url_count;
    const char *base_path;     /* before every path: "" or "/apis/ccompat/v7" */
    const char *user;          /* basic authentication, with password_file */
    const char *password_file; /* read at every request, so that it may be rotated */
    const char *token_file;    /* bearer token, likewise */
    const char *ca_file;       /* PEM; NULL: the system's */
    const char *certificate_file;
    const char *key_file;
    const char *cache_folder;    /* NULL: no copy on disk. Made when absent */
    uint32_t connect_timeout_ms; /* 2,000 */
    uint32_t timeout_ms;         /* one request in total: 5,000 */
    uint32_t retry_ms_min;       /* 200 */
    uint32_t retry_ms_max;       /* 5,000 */
    uint32_t attempts;           /* of a synchronous call, over all urls: 4 */
    uint32_t missing_after_ms;   /* a 404 must hold this long before REGISTRY_UNKNOWN: 60,000 */
    uint32_t negative_ttl_ms;    /* then it is asked again after: 300,000 */
    size_t body_size_max;        /* of one answer: 4 MiB */
};

/* How a record names its writer's schema. */
struct registry_key {
    bool by_guid;
    uint32_t id;      /* with !by_guid */
    uint8_t guid[16]; /* with by_guid, as on the wire (RFC 4122 order) */
};

/* A writer's schema with everything it refers to. Until registry_close. */
struct registry_schema {
    struct slice text;              /* JSON */
    const struct slice *references; /* texts, each once, a schema after those it refers to */
    uint32_t reference_count;
};

enum registry_state {
    REGISTRY_WAITING, /* asked; no answer yet, or a 404 younger than missing_after_ms */
    REGISTRY_FOUND,
    REGISTRY_UNKNOWN, /* the registry says, for missing_after_ms, that there is no such schema */
    REGISTRY_AWAY,    /* the last attempt failed; it goes on by itself */
    REGISTRY_STATE_COUNT
};

struct registry;

/* Start the thread. STATUS_INVALID: settings that cannot work (no url, a file that cannot be read).
 * Whether the registry answers is not asked here. */
MUST_USE enum status registry_open(struct registry **out_registry,
                                   const struct registry_settings *settings,
                                   struct status_text *out_text);
/* Stop the thread (within a second) and forget everything. */
void registry_close(struct registry *registry);

/* What is known about `key` now; starts asking when nothing is. Never blocks. `out_schema` (may be
 * NULL) is set with REGISTRY_FOUND only. REGISTRY_AWAY also when REGISTRY_SCHEMAS_MAX ids are being
 * asked. */
enum registry_state registry_ask(struct registry *registry, const struct registry_key *key,
                                 const struct registry_schema **out_schema);

/* Grows whenever the answer to some registry_ask may have changed: ask again only then, or every
 * second. */
uint64_t registry_generation(const struct registry *registry);

/* A registered version. */
struct registry_version {
    uint32_t id;
    int32_t version;
    const struct registry_schema *schema; /* until registry_close */
};

/* The newest version of `subject`. STATUS_INVALID: no such subject, or refused (credentials, path).
 * STATUS_AWAY: no answer after all attempts. `out_text` says what to do. */
MUST_USE enum status registry_latest(struct registry *registry, const char *subject,
                                     struct registry_version *out_version,
                                     struct status_text *out_text);

/* The id under which exactly `schema` (JSON) is registered for `subject`. Answered from disk when
 * the registry is away and it was found before; registry_ask knows the id then. STATUS_INVALID: it is not
 * registered. */
MUST_USE enum status registry_lookup(struct registry *registry, const char *subject,
                                     struct slice schema, uint32_t *out_id,
                                     struct status_text *out_text);

/* Register; the same schema again gives the same id; registry_ask knows it then. STATUS_INVALID:
 * incompatible or not a schema. */
MUST_USE enum status registry_register(struct registry *registry, const char *subject,
                                       struct slice schema, uint32_t *out_id,
                                       struct status_text *out_text);

/* Does it answer? For doctor and readiness: one request, no retry. */
MUST_USE enum status registry_ping(struct registry *registry, struct status_text *out_text);

struct registry_counters {
    uint64_t requests;
    uint64_t retries;
    uint64_t failures;  /* transport errors, 5xx, answers that are not a registry's */
    uint64_t not_found; /* definite 404s */
    uint64_t disk_hits;
    uint64_t waiting; /* ids being asked now */
};
struct registry_counters registry_counters(const struct registry *registry);

#endif
