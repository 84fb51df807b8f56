/* SPDX-License-Identifier: Apache-2.0 */
/* A decode plan: a short program that walks the bytes of one writer's schema once and puts the
 * wanted fields into a struct event. Compiled once per (schema id, source), immutable, shared by
 * all threads.
 *
 *   writer {id: string, payload: {amount: decimal, note: [null,string]}, kind: enum}
 *   mapping amount_minor <- payload.amount, kind <- kind
 *
 *     0 skip_sized            id
 *     1 decimal    -> amount_minor, x 1
 *     2 union 2               note: null -> 4, string -> 3
 *     3 skip_sized            note
 *     4 enum       -> kind, symbols mapped by name
 *     5 end
 *
 * Resolution is by name and is done here, not per record: contract defaults and constants become
 * `set` instructions that run first, enum symbols become a byte table, a decimal's scale becomes a
 * factor. */
#ifndef CODEC_PLAN_H
#define CODEC_PLAN_H

#include "base/arena.h"
#include "base/status.h"
#include "codec/schema.h"
#include "model/mapping.h"

enum {
    PLAN_OPS_MAX = 8192,
    PLAN_FRAMES_MAX = 16,       /* loops and calls within each other while decoding */
    PLAN_ZERO_ITEMS_MAX = 65536 /* items without a byte (array of null), in one record */
};

/* Its inside is codec/plan_ops.h, for the compiler and decode.c only. */
struct plan;

/* Compile. `contract`: our own schema of that source (aliases, defaults, enum defaults); NULL:
 * none. The plan keeps nothing of `writer`, `contract` or `mapping`: all it needs is copied into
 * `arena`.
 *
 * STATUS_INVALID: a mapped path does not exist, a required field has no source, or a type cannot
 * fit; out_text names the field, the path and both types. STATUS_FULL: the arena is too small. */
MUST_USE enum status plan_compile(const struct schema *writer, const struct schema *contract,
                                  const struct source_mapping *mapping, struct arena *arena,
                                  const struct plan **out_plan, struct status_text *out_text);

/* The source whose events the plan makes. */
enum source plan_source(const struct plan *plan);

/* Fields of the contract that the plan can fill: bit i for field i. */
uint64_t plan_fields(const struct plan *plan);

#endif
