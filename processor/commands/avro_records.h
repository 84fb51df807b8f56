/* SPDX-License-Identifier: Apache-2.0 */
/* Records read from the outside, as JSON, by their writer's schema from the registry. For commands, not for
 * workers. One thread. */
#ifndef COMMANDS_AVRO_RECORDS_H
#define COMMANDS_AVRO_RECORDS_H

#include <signal.h>

#include "codec/schema_cache.h"
#include "io/log.h"
#include "io/registry.h"

enum { AVRO_RECORDS_SCHEMAS_MAX = 64, AVRO_RECORDS_ARENA_SIZE = 4 << 20 };

struct avro_records {
    struct registry *registry;
    const volatile sig_atomic_t *stopping; /* waiting for a schema ends when it is set */
    struct arena arena;
    struct {
        struct schema_key key;
        const struct schema *schema; /* NULL: it could not be had */
    } known[AVRO_RECORDS_SCHEMAS_MAX];
    uint32_t known_count;
};

/* `registry` and `stopping` are borrowed. Takes memory: before memory_seal. */
void avro_records_init(struct avro_records *records, struct registry *registry,
                       const volatile sig_atomic_t *stopping);

/* The value as JSON text, to be freed by the caller; NULL: its schema cannot be had, or it does not decode.
 * Waits for the registry for some seconds when it must. */
char *avro_records_text(struct avro_records *records, const struct log_record *record);

#endif
