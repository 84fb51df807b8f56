/* SPDX-License-Identifier: Apache-2.0 */
/* (source, schema id or GUID) -> decode plan, for the whole process.
 *
 * Readers take no lock: an entry is complete before its pointer is published, and is never changed or
 * removed (ids are immutable in a registry). Whoever fetched a schema's text (io/registry, or a test)
 * publishes it; that compiles under a mutex. Memory is taken at open. */
#ifndef CODEC_SCHEMA_CACHE_H
#define CODEC_SCHEMA_CACHE_H

#include "base/status.h"
#include "codec/framing.h"
#include "codec/plan.h"

enum {
    SCHEMA_CACHE_ENTRIES_MAX = 1000,
    SCHEMA_CACHE_PLANS_SIZE = 4194304, /* bytes for all plans together */
};

struct schema_cache;

enum schema_cache_answer {
    SCHEMA_CACHE_ASK,   /* not known: ask the registry, then schema_cache_publish */
    SCHEMA_CACHE_KNOWN, /* out_plan is set */
    SCHEMA_CACHE_BAD,   /* the text cannot be mapped: reject bad_schema; out_why says why */
};

/* Take memory and parse our own contracts. `mappings`: SOURCE_COUNT pointers, NULL for the default
 * mapping; they must outlive the cache. Until exit. INVARIANT: before memory_seal.
 * STATUS_INVALID: an embedded contract is broken (a mistake of the build). */
MUST_USE enum status schema_cache_open(const struct source_mapping *const mappings[SOURCE_COUNT],
                                       struct schema_cache **out_cache,
                                       struct status_text *out_text);

/* Any thread, no lock. `out_why` (may be NULL): static until exit, set with SCHEMA_CACHE_BAD. */
enum schema_cache_answer schema_cache_find(const struct schema_cache *cache, enum source source,
                                           const struct schema_key *key,
                                           const struct plan **out_plan, const char **out_why);

/* Tell the cache what the registry said: the schema's JSON text and the texts it refers to, in order.
 * Any thread. Afterwards find answers KNOWN or BAD. Publishing a key again changes nothing.
 *
 * STATUS_OK: known. STATUS_INVALID: recorded as BAD. STATUS_FULL: no room for another entry or plan; find
 * keeps saying ASK, and the process needs a restart with fewer live schemas (alarm). */
MUST_USE enum status schema_cache_publish(struct schema_cache *cache, enum source source,
                                          const struct schema_key *key, struct slice text,
                                          const struct slice *references, uint32_t reference_count,
                                          struct status_text *out_text);

#endif
