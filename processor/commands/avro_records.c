/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/avro_records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "codec/avro_json.h"
#include "codec/framing.h"

enum { ASK_TIMEOUT_MS = 10000, ASK_PAUSE_MS = 20 };

void avro_records_init(struct avro_records *records, struct registry *registry,
                       const volatile sig_atomic_t *stopping)
{
    *records = (struct avro_records){.registry = registry, .stopping = stopping};
    arena_init(&records->arena, memory_take(AVRO_RECORDS_ARENA_SIZE, "schemas"),
               AVRO_RECORDS_ARENA_SIZE);
}

static const struct registry_schema *ask(struct avro_records *records, const struct schema_key *key)
{
    const struct registry_schema *found = NULL;
    struct registry_key asked = {.by_guid = key->is_guid, .id = key->id};
    memcpy(asked.guid, key->guid, sizeof(asked.guid));
    for (int waited_ms = 0; waited_ms < ASK_TIMEOUT_MS && !*records->stopping;
         waited_ms += ASK_PAUSE_MS) {
        enum registry_state state = registry_ask(records->registry, &asked, &found);
        if (state == REGISTRY_FOUND || state == REGISTRY_UNKNOWN) {
            break;
        }
        (void)nanosleep(&(struct timespec){0, ASK_PAUSE_MS * 1000000L}, NULL);
    }
    return found;
}

/* The writer's schema; NULL when there is none. */
static const struct schema *schema_of(struct avro_records *records, const struct schema_key *key)
{
    const struct schema *schema = NULL;
    struct status_text text;
    for (uint32_t i = 0; i < records->known_count; i++) {
        if (schema_key_equal(&records->known[i].key, key)) {
            return records->known[i].schema;
        }
    }
    const struct registry_schema *found = ask(records, key);
    if (found != NULL && schema_parse(found->text, found->references, found->reference_count,
                                      &records->arena, &schema, &text) != STATUS_OK) {
        (void)fprintf(stderr, "segue: schema %u: %s\n", key->id, text.text);
        schema = NULL;
    }
    if (records->known_count < AVRO_RECORDS_SCHEMAS_MAX && !*records->stopping) {
        records->known[records->known_count].key = *key;
        records->known[records->known_count++].schema = schema;
    }
    return schema;
}

char *avro_records_text(struct avro_records *records, const struct log_record *record)
{
    struct schema_key key;
    struct slice payload;
    char *text = NULL;
    size_t size = 0;
    const struct schema *schema = NULL;
    if (framing_read(record->value, record->headers, record->header_count, &key, &payload)) {
        schema = schema_of(records, &key);
    }
    /* Into memory first: a value that breaks off must not leave half a line of JSON. */
    FILE *out = schema == NULL ? NULL : open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    bool good = avro_json_write(schema, payload, out);
    if (fclose(out) != 0 || !good) {
        free(text);
        return NULL;
    }
    return text;
}
