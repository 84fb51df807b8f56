/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/live_codec.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/framing.h"
#include "codec/schema_cache.h"
#include "codec/schemas.h"

enum { SUBJECT_SIZE = 300, ENCODERS_SIZE = 1048576 };

struct live_codec {
    struct live_codec_options options;
    struct schema_cache *cache;
    atomic_bool full;
    struct encode_facts facts; /* processed_at_ms is filled per call */
    struct {
        const struct encoder *encoder;
        uint32_t schema_id;
    } outputs[OUTPUT_KIND_COUNT];
};

_Static_assert((int)SCHEMA_REFERENCES_MAX == (int)REGISTRY_REFERENCES_MAX,
               "what the registry client gathers, the parser must take");

static struct registry_key registry_key_of(const struct schema_key *key)
{
    struct registry_key out = {.by_guid = key->is_guid, .id = key->id};
    memcpy(out.guid, key->guid, sizeof(out.guid));
    return out;
}

static enum worker_decode reject(struct reject *out_reject, enum reject_reason reason,
                                 const struct schema_key *key)
{
    *out_reject = (struct reject){.reason = reason, .schema_id = key == NULL ? 0 : key->id};
    return WORKER_REJECTED;
}

/* A record with no value: forget the customer, or nothing that we know. */
static enum worker_decode decode_tombstone(const struct log_record *record, struct event *out_event,
                                           struct reject *out_reject)
{
    if (record->source != SOURCE_CUSTOMER_PROFILES || !record->has_key || record->key.size == 0) {
        return reject(out_reject, REJECT_EMPTY, NULL);
    }
    if (record->key.size > CUSTOMER_ID_SIZE_MAX || !utf8_is_valid(record->key)) {
        return reject(out_reject, REJECT_TOO_LARGE, NULL);
    }
    *out_event = (struct event){.customer_id = record->key,
                                .time_ms = record->append_ms,
                                .source = SOURCE_CUSTOMER_PROFILES};
    out_event->profile.erase = true;
    return WORKER_DECODED;
}

/* Nothing leaves the cache: only a restart makes room. */
static void say_full(struct live_codec *codec)
{
    if (!atomic_exchange(&codec->full, true)) {
        log_error("schemas_full",
                  "more schemas are in use than there is room for: tasks wait; start the process "
                  "again, and "
                  "look for a producer that registers a schema per record",
                  "limit=%d", SCHEMA_CACHE_ENTRIES_MAX);
    }
}

/* The plan of a record's schema, asking the registry when nobody has yet. */
static enum worker_decode find_plan(struct live_codec *codec, enum source source,
                                    const struct schema_key *key, const struct plan **out_plan,
                                    struct reject *out_reject)
{
    enum schema_cache_answer answer = schema_cache_find(codec->cache, source, key, out_plan, NULL);
    if (answer == SCHEMA_CACHE_ASK) {
        const struct registry_schema *schema;
        struct registry_key asked = registry_key_of(key);
        enum registry_state state = registry_ask(codec->options.registry, &asked, &schema);
        if (state == REGISTRY_UNKNOWN) {
            return reject(out_reject, REJECT_UNKNOWN_SCHEMA, key);
        }
        if (state != REGISTRY_FOUND) {
            return WORKER_WAIT;
        }
        if (schema_cache_publish(codec->cache, source, key, schema->text, schema->references,
                                 schema->reference_count, NULL) == STATUS_FULL) {
            say_full(codec);
            return WORKER_WAIT;
        }
        answer = schema_cache_find(codec->cache, source, key, out_plan, NULL);
    }
    if (answer == SCHEMA_CACHE_BAD) {
        return reject(out_reject, REJECT_BAD_SCHEMA, key);
    }
    return answer == SCHEMA_CACHE_KNOWN ? WORKER_DECODED : WORKER_WAIT;
}

static enum worker_decode decode(void *context, const struct log_record *record,
                                 struct event *out_event, struct reject *out_reject)
{
    struct live_codec *codec = context;
    struct schema_key key;
    struct slice payload;
    const struct plan *plan;
    if (!record->has_value) {
        return decode_tombstone(record, out_event, out_reject);
    }
    if (record->value.size > codec->options.record_size_max) {
        return reject(out_reject, REJECT_TOO_LARGE, NULL);
    }
    if (!framing_read(record->value, record->headers, record->header_count, &key, &payload)) {
        return reject(out_reject, REJECT_BAD_FRAMING, NULL);
    }
    enum worker_decode found =
        find_plan(codec, (enum source)record->source, &key, &plan, out_reject);
    if (found != WORKER_DECODED) {
        return found;
    }
    if (!decode_event(plan, payload, codec->options.record_size_max, out_event, out_reject)) {
        out_reject->schema_id = key.id;
        return WORKER_REJECTED;
    }
    return WORKER_DECODED;
}

/* The value goes straight to the arena's free end: its size is known only afterwards. */
static struct slice encode_value(const struct live_codec *codec, const struct output *output,
                                 const struct encode_facts *facts, struct arena *arena)
{
    uint8_t *at = arena->block + arena->used;
    size_t size =
        encode_output(codec->outputs[output->kind].encoder, output, facts,
                      codec->outputs[output->kind].schema_id, at, arena->size - arena->used);
    arena->used += size;
    return slice_of(at, size);
}

static enum status encode(void *context, const struct output *output, int64_t processed_at_ms,
                          struct arena *arena, struct log_write *out_write)
{
    const struct live_codec *codec = context;
    struct encode_facts facts = codec->facts;
    facts.processed_at_ms = processed_at_ms;
    struct header *headers = arena_take(arena, ENCODE_HEADERS_MAX * sizeof(*headers));
    if (headers == NULL) {
        return STATUS_FULL;
    }
    /* The output's own texts go with the engine's arena, which is cleared while this is being sent.
     */
    struct slice key = arena_copy(arena, output->key);
    if (output->key.size > 0 && key.size == 0) {
        return STATUS_FULL;
    }
    uint32_t header_count = encode_headers(output, &facts, arena, headers);
    struct log_write write = {.topic = codec->options.output_topics[output->kind],
                              .partition = -1,
                              .key = key,
                              .has_key = key.size > 0,
                              .has_value = !output->tombstone,
                              .headers = headers,
                              .header_count = header_count};
    if (!output->tombstone) {
        write.value = encode_value(codec, output, &facts, arena);
    }
    if (header_count == 0 || (write.has_value && write.value.size == 0)) {
        return STATUS_FULL;
    }
    *out_write = write;
    return STATUS_OK;
}

static enum status resolve_id(const struct live_codec *codec, enum output_kind kind,
                              uint32_t *out_id, struct status_text *out_text)
{
    char subject[SUBJECT_SIZE];
    struct slice text = schemas_text(schemas_name_of_output(kind));
    (void)snprintf(subject, sizeof(subject), "%s-value", codec->options.output_topics[kind]);
    enum status status = registry_lookup(codec->options.registry, subject, text, out_id, out_text);
    if (status == STATUS_INVALID && codec->options.auto_register) {
        return registry_register(codec->options.registry, subject, text, out_id, out_text);
    }
    if (status == STATUS_INVALID) {
        return status_fail(out_text, status,
                           "schema schemas/%s is not registered under %s: `segue topics --create` "
                           "registers it, or set "
                           "registry.auto_register",
                           schemas_name_of_output(kind), subject);
    }
    return status;
}

static enum status open_outputs(struct live_codec *codec, struct status_text *out_text)
{
    struct arena arena;
    struct arena scratch;
    arena_init(&arena, memory_take(ENCODERS_SIZE, "encoders"), ENCODERS_SIZE);
    arena_init(&scratch, memory_take(ENCODERS_SIZE, "encoders"), ENCODERS_SIZE);
    for (int kind = 0; kind < OUTPUT_KIND_COUNT; kind++) {
        const struct schema *schema;
        arena_reset(&scratch);
        enum status status =
            schema_parse(schemas_text(schemas_name_of_output((enum output_kind)kind)), NULL, 0,
                         &scratch, &schema, out_text);
        if (status == STATUS_OK) {
            status = encoder_compile((enum output_kind)kind, schema, &arena,
                                     &codec->outputs[kind].encoder, out_text);
        }
        if (status == STATUS_OK) {
            status = resolve_id(codec, (enum output_kind)kind, &codec->outputs[kind].schema_id,
                                out_text);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status live_codec_open(const struct live_codec_options *options, struct live_codec **out_codec,
                            struct status_text *out_text)
{
    struct live_codec *codec = memory_take(sizeof(*codec), "codec");
    codec->options = *options;
    codec->facts.application = slice_text(options->application);
    for (int i = 0; i < SOURCE_COUNT; i++) {
        if (options->input_topics[i] != NULL) {
            codec->facts.topics[i] = slice_text(options->input_topics[i]);
        }
    }
    enum status status = schema_cache_open(options->mappings, &codec->cache, out_text);
    if (status == STATUS_OK && !options->decode_only) {
        status = open_outputs(codec, out_text);
    }
    if (status == STATUS_OK) {
        *out_codec = codec;
    }
    return status;
}

struct worker_codec live_codec_interface(struct live_codec *codec)
{
    return (struct worker_codec){codec, decode, encode};
}

bool live_codec_full(const struct live_codec *codec)
{
    return atomic_load(&codec->full);
}

uint32_t live_codec_waiting(const struct live_codec *codec)
{
    return (uint32_t)registry_counters(codec->options.registry).waiting;
}
