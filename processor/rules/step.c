/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/step.h"

#include <stdio.h>

#include "base/hash.h"
#include "rules/blame.h"

enum { FORMATTED_SIZE = 256 }; /* bytes of one proof value */

static void *keep(struct arena *arena, const void *list, size_t size, uint32_t *count)
{
    void *kept = size == 0 ? NULL : arena_take(arena, size);
    if (kept == NULL) {
        *count = 0;
        return NULL;
    }
    memcpy(kept, list, size);
    return kept;
}

struct proof_leaf *proof_leaves(struct proof *proof, struct arena *arena)
{
    return keep(arena, proof->leaves, proof->count * sizeof(proof->leaves[0]), &proof->count);
}

struct slice *proof_missing(struct proof *proof, struct arena *arena)
{
    return keep(arena, proof->missing, proof->missing_count * sizeof(proof->missing[0]),
                &proof->missing_count);
}

static struct slice format_value(struct arena *arena, const struct cel_value *value)
{
    char text[FORMATTED_SIZE];
    if (value->kind == CEL_ERROR || value->kind == CEL_ABSENT) {
        return (struct slice){NULL, 0};
    }
    size_t size = cel_format(value, text, sizeof(text));
    return arena_copy(arena, slice_of(text, size));
}

static struct slice leaf_name(struct arena *arena, struct slice name, uint32_t index,
                              uint32_t count)
{
    if (count == 1) {
        return arena_copy(arena, name);
    }
    char text[FORMATTED_SIZE];
    int size = snprintf(text, sizeof(text), "%.*s.%u", (int)(name.size < 200 ? name.size : 200),
                        (const char *)name.data, index + 1);
    return arena_copy(arena, slice_of(text, (size_t)size));
}

static enum rules_truth truth_of(const struct cel_value *value)
{
    return value->kind != CEL_BOOL ? RULES_UNKNOWN : value->b ? RULES_YES : RULES_NO;
}

/* What stands under `!` is what ought not to hold where nobody knows of anything whether it does. */
static void note_negated(const struct cel_program *program, struct proof_leaf *leaves,
                         uint32_t count)
{
    enum rules_truth truths[CEL_LEAVES_MAX];
    uint8_t blames[CEL_LEAVES_MAX] = {BLAME_NONE};
    for (uint32_t i = 0; i < cel_program_leaf_count(program); i++) {
        truths[i] = RULES_UNKNOWN;
    }
    blame_leaves(program, truths, true, blames);
    for (uint32_t i = 0; i < count; i++) {
        leaves[i].negated = blames[i] == BLAME_OUGHT_NOT_TO;
    }
}

void proof_add(struct proof *proof, struct arena *arena, const struct step *step,
               const struct condition *condition, enum polarity polarity)
{
    if (condition->program == NULL) {
        return;
    }
    struct cel_activation activation = {
        .read = rules_read, .context = step->scope, .scratch = step->scratch};
    uint32_t count = cel_program_leaf_count(condition->program);
    enum rules_truth truths[CEL_LEAVES_MAX];
    uint8_t blames[CEL_LEAVES_MAX] = {BLAME_NONE};
    struct proof_leaf *first = &proof->leaves[proof->count];
    uint32_t added = 0;
    for (; added < count && proof->count < STEP_PROOF_MAX; added++) {
        uint32_t i = added;
        const struct cel_leaf *leaf = cel_program_leaf(condition->program, i);
        struct cel_leaf_result result = cel_explain_leaf(condition->program, i, &activation);
        struct slice feature = {NULL, 0};
        if (leaf->first_slot != UINT32_MAX) {
            feature = slice_text(rules_slot_name(step->environment, leaf->first_slot));
        }
        proof->leaves[proof->count++] = (struct proof_leaf){
            .leaf_id = leaf_name(arena, condition->name, i, count),
            .expr = leaf->text,
            .value = format_value(arena, leaf->constant_left ? &result.right : &result.left),
            .threshold = leaf->comparison ? format_value(arena, leaf->constant_left ? &result.left
                                                                                    : &result.right)
                                          : (struct slice){NULL, 0},
            .feature = feature,
            .as_of_ms = step->scope->now_ms,
            .polarity = (uint8_t)polarity,
            .holds = result.holds.kind == CEL_BOOL && result.holds.b,
            .span = result.left.kind == CEL_DURATION || result.right.kind == CEL_DURATION,
            .unknown = result.holds.kind != CEL_BOOL,
        };
        truths[i] = truth_of(&result.holds);
    }
    bool ought = polarity == POLARITY_INCLUDING;
    enum rules_truth whole = rules_holds(condition->program, step->scope, step->scratch, NULL);
    if (added == count &&
        whole != (ought ? RULES_YES : RULES_NO)) { /* else nothing is in the way */
        blame_leaves(condition->program, truths, ought, blames);
    }
    for (uint32_t i = 0; i < added; i++) {
        first[i].blame = blames[i];
    }
    note_negated(condition->program, first, added);
}

void proof_add_fact(struct proof *proof, struct arena *arena, struct proof_leaf leaf)
{
    if (proof->count == STEP_PROOF_MAX) {
        return;
    }
    leaf.leaf_id = arena_copy(arena, leaf.leaf_id);
    leaf.expr = arena_copy(arena, leaf.expr);
    leaf.value = arena_copy(arena, leaf.value);
    leaf.threshold = arena_copy(arena, leaf.threshold);
    leaf.feature = arena_copy(arena, leaf.feature);
    proof->leaves[proof->count++] = leaf;
}

void proof_add_missing(struct proof *proof, struct arena *arena, struct slice why)
{
    static const char prefix[] = "missing:";
    size_t skip = sizeof(prefix) - 1;
    if (proof->missing_count == STEP_MISSING_MAX || why.size <= skip ||
        memcmp(why.data, prefix, skip) != 0) {
        return;
    }
    struct slice name = slice_of(why.data + skip, why.size - skip);
    for (uint32_t i = 0; i < proof->missing_count; i++) {
        if (slice_equal(proof->missing[i], name)) {
            return;
        }
    }
    proof->missing[proof->missing_count++] = arena_copy(arena, name);
}

void step_output_id(const struct step *step, const struct output_identity *identity,
                    uint64_t out_id[2])
{
    uint8_t bytes[CUSTOMER_ID_SIZE_MAX + 256];
    struct bytes_writer writer = bytes_writer(bytes, sizeof(bytes));
    bytes_put_slice(&writer, customer_id(step->customer));
    struct slice id = identity->definition.id;
    id.size = id.size < 128 ? id.size : 128;
    bytes_put_slice(&writer, id);
    bytes_put_u64(&writer, identity->definition.hash);
    bytes_put_u8(&writer, identity->kind);
    bytes_put_u8(&writer, identity->transition);
    bytes_put_u8(&writer, step->cause.source);
    bytes_put_u32(&writer, step->cause.partition);
    bytes_put_u64(&writer, (uint64_t)step->cause.offset);
    bytes_put_u64(&writer, (uint64_t)step->scope->now_ms);
    bytes_put_u64(&writer, identity->sequence);
    out_id[0] = hash64(slice_of(bytes, writer.size), 0);
    out_id[1] = hash64(slice_of(bytes, writer.size), out_id[0]);
}

struct output *step_output(struct step *step, enum output_kind kind,
                           const struct output_identity *identity)
{
    struct output *output = effects_add(step->effects, kind);
    if (output == NULL) {
        return NULL;
    }
    struct slice id = arena_copy(&step->effects->arena, customer_id(step->customer));
    output->key = id;
    output->customer_id = id;
    output->sequence = ++step->customer->changes;
    output->effective_at_ms = step->scope->now_ms;
    step_output_id(step, identity, output->id);
    return output;
}

uint32_t step_bucket(uint64_t salt, struct slice id, struct slice layer)
{
    uint8_t bytes[CUSTOMER_ID_SIZE_MAX + 130];
    struct bytes_writer writer = bytes_writer(bytes, sizeof(bytes));
    bytes_put(&writer, layer.data, layer.size < 128 ? layer.size : 128);
    bytes_put_u8(&writer, 0);
    bytes_put(&writer, id.data, id.size);
    return (uint32_t)(hash64(slice_of(bytes, writer.size), salt) % 10000);
}
