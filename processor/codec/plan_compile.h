/* SPDX-License-Identifier: Apache-2.0 */
/* Between plan.c (what is wanted), plan_walk.c (skips, loops, unions) and plan_leaf.c (one value,
 * one field). */
#ifndef CODEC_PLAN_COMPILE_H
#define CODEC_PLAN_COMPILE_H

#include "codec/plan_ops.h"

enum {
    PLAN_TARGETS_MAX = 4096,
    PLAN_CODES_MAX = 4096,
    PLAN_TEXTS_MAX = 4096,
    PLAN_CALLS_MAX = 256,
    PLAN_DEPTH_MAX = 64, /* types within types, names followed */
    PLAN_VISITS_MAX =
        65536 /* values that are skipped, those of no bytes included: a few dozen records whose
                               fields are of one another's types are more values than atoms */
};

/* A field of the contract that looks for its value. */
struct want {
    const struct field *field;
    const struct field_mapping *mapping; /* NULL within consents */
    const struct schema *contract;       /* its type in the contract, or NULL */
    struct slice rest; /* of the path, below the type at hand; empty: this is it */
    uint8_t bit;
    bool *found;
    const struct schema **lost_in; /* the record that lacks the next part of the path */
};

struct plan_call {
    const struct schema *record;
    uint32_t at; /* its address once compiled */
};

struct compiler {
    struct arena *arena;
    struct status_text *text;
    enum status status;
    uint32_t op_count, target_count, code_count, text_count, call_count;
    uint32_t barrier; /* an op that something jumps to: not to be merged into the one before */
    uint32_t depth;
    uint32_t visits;
    uint32_t plain_count;
    const char *path; /* of the value at hand, in the arena */
    struct plan_call calls[PLAN_CALLS_MAX];
    const struct schema *plain[SCHEMA_NAMES_MAX]; /* records known not to contain themselves */
    uint32_t targets[PLAN_TARGETS_MAX];
    uint8_t codes[PLAN_CODES_MAX];
    struct plan_text texts[PLAN_TEXTS_MAX];
    struct plan_op ops[PLAN_OPS_MAX];
};

/* Append an op; the address it got. Failures stick in compiler->status. */
uint32_t compiler_emit(struct compiler *compiler, struct plan_op op);
PRINTF_LIKE(2, 3) void compiler_fail(struct compiler *compiler, const char *format, ...);
uint32_t compiler_text(struct compiler *compiler, struct slice text, uint8_t code);

/* The address of what comes next, which something jumps to: it is not merged with what stood
 * before. */
uint32_t compiler_label(struct compiler *compiler);

void compiler_skip(struct compiler *compiler, const struct schema *schema);
void compiler_skip_record(struct compiler *compiler, const struct schema *record);

/* Emits what reads one value; called for the items of a collection and the branches of a union. */
typedef void value_function(struct compiler *compiler, const struct schema *schema,
                            const void *context);

/* An array or a map; for a map `value` starts with its key. */
void compiler_loop(struct compiler *compiler, const struct schema *schema, value_function *value,
                   const void *context);
void compiler_union(struct compiler *compiler, const struct schema *schema, value_function *value,
                    const void *context);

/* Read a value of this type (no union, no null, no record) into a field. Collections loop by the
 * helpers below. What cannot fit fails with both types. */
void compiler_leaf(struct compiler *compiler, const struct schema *schema, const struct want *want);

/* The same for one item of a code set. */
void compiler_set_item(struct compiler *compiler, const struct schema *schema,
                       const struct want *want);

/* A value before the record is read: the mapping's constant, or the contract's default (`json`).
 * False: the field cannot have it (compiler failed), or the default is null (it did not). */
bool compiler_constant(struct compiler *compiler, const struct want *want, struct slice text);

/* "amount_minor: cannot be read from string at `payload.amount`". */
void compiler_mismatch(struct compiler *compiler, const struct want *want,
                       const struct schema *schema);

#endif
