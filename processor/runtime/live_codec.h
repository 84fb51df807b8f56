/* SPDX-License-Identifier: Apache-2.0 */
/* The codec of production behind struct worker_codec: Confluent framing, plans from the registry's
 * schemas, encoders of our outputs. One for the whole process; all workers share it. */
#ifndef RUNTIME_LIVE_CODEC_H
#define RUNTIME_LIVE_CODEC_H

#include "io/registry.h"
#include "model/mapping.h"
#include "runtime/worker.h"

struct live_codec;

struct live_codec_options {
    struct registry *registry;
    const char *application;                      /* static; ce_source */
    const char *input_topics[SOURCE_COUNT];       /* NULL: not used */
    const char *output_topics[OUTPUT_KIND_COUNT]; /* static */
    /* NULL: the contract's own names; until exit */
    const struct source_mapping *mappings[SOURCE_COUNT];
    size_t record_size_max; /* bytes of an input record */
    bool auto_register;     /* register our output schemas when they are missing */
    bool decode_only;       /* nothing is encoded: output schemas are not asked for */
};

/* Take memory, compile our encoders, and resolve the id of each output schema (subject
 * `<topic>-value`) in the registry; blocks for the registry's time-outs. Before memory_seal.
 *
 * STATUS_AWAY: the registry does not answer (and no copy on disk does). STATUS_INVALID: a schema is
 * not registered; `out_text` names the subject and the command that registers it. */
MUST_USE enum status live_codec_open(const struct live_codec_options *options,
                                     struct live_codec **out_codec, struct status_text *out_text);

/* For worker_options.codec. */
struct worker_codec live_codec_interface(struct live_codec *codec);

/* Do records wait because the cache of schemas is full? Said in the log when it begins. */
bool live_codec_full(const struct live_codec *codec);

/* Schemas that tasks are waiting for at this moment: readiness says so. */
uint32_t live_codec_waiting(const struct live_codec *codec);

#endif
