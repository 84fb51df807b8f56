/* SPDX-License-Identifier: Apache-2.0 */
#include "features/plan.h"

#define KIND_ROW(name, key, needs, windows, type, text)                                            \
    [name] = {key, FEATURE_NEEDS_##needs, FEATURE_WINDOW_##windows, FEATURE_##type, text},

static const struct feature_kind_info kinds[] = {FEATURE_KINDS(KIND_ROW)};
_Static_assert(ARRAY_COUNT(kinds) == FEATURE_KIND_COUNT, "one row a kind");

const struct feature_kind_info *features_kind(enum feature_kind kind)
{
    INVARIANT((unsigned)kind < FEATURE_KIND_COUNT);
    return &kinds[kind];
}

int32_t features_kind_find(struct slice key)
{
    for (int32_t i = 0; i < FEATURE_KIND_COUNT; i++) {
        if (slice_is(key, kinds[i].key)) {
            return i;
        }
    }
    return -1;
}

static enum feature_value_type field_value_type(const struct feature_def *def)
{
    const struct field_table *table = fields_of(def->source);
    if (def->value_field >= table->count) {
        return FEATURE_INT;
    }
    switch (table->fields[def->value_field].type) {
    case FIELD_STRING:
    case FIELD_CODE: /* by its text */
        return FEATURE_STRING;
    case FIELD_DOUBLE:
        return FEATURE_DOUBLE;
    case FIELD_BOOL:
        return FEATURE_BOOL;
    case FIELD_TIME:
        return FEATURE_TIME;
    case FIELD_INT64:
    case FIELD_INT32:
    case FIELD_DATE:
    case FIELD_CODE_SET:
    case FIELD_MAP:
    case FIELD_CONSENTS:
    case FIELD_TYPE_COUNT:
        break;
    }
    return FEATURE_INT;
}

static enum feature_value_type program_value_type(const struct feature_def *def)
{
    if (def->value == NULL) {
        return FEATURE_INT;
    }
    switch ((int)cel_program_type(def->value).kind) {
    case CEL_STRING:
        return FEATURE_STRING;
    case CEL_DOUBLE:
        return FEATURE_DOUBLE;
    case CEL_BOOL:
        return FEATURE_BOOL;
    case CEL_TIMESTAMP:
        return FEATURE_TIME;
    default:
        return FEATURE_INT;
    }
}

enum feature_value_type plan_value_type(const struct feature_def *def)
{
    switch (def->from) {
    case FEATURE_FROM_FIELD:
        return field_value_type(def);
    case FEATURE_FROM_PROGRAM:
        return program_value_type(def);
    case FEATURE_FROM_TIME:
        return FEATURE_TIME;
    case FEATURE_FROM_NOTHING:
    case FEATURE_FROM_DAY:
    case FEATURE_FROM_PARTITION:
    case FEATURE_FROM_OFFSET:
        break;
    }
    return FEATURE_INT;
}

enum feature_value_type features_type(const struct feature_def *def)
{
    enum feature_value_type type = features_kind(def->kind)->type;
    bool extreme =
        def->kind == FEATURE_MIN || def->kind == FEATURE_MAX || def->kind == FEATURE_QUANTILE;
    if (type == FEATURE_STRING || (extreme && plan_value_type(def) == FEATURE_TIME)) {
        return plan_value_type(def);
    }
    return type;
}

struct features_options features_options_default(void)
{
    struct features_options options = {.allowed_lateness_ms = 7 * MS_PER_DAY};
    for (uint32_t s = 0; s < SOURCE_COUNT; s++) {
        options.remembered[s] = 16;
    }
    options.remembered[SOURCE_TRANSACTIONS] = 32;
    return options;
}

uint32_t features_count(const struct features_plan *plan)
{
    return plan->count;
}

const struct feature_def *features_def(const struct features_plan *plan, uint32_t index)
{
    INVARIANT(index < plan->count);
    return &plan->defs[index];
}

size_t features_state_size(const struct features_plan *plan)
{
    return plan->state_size;
}

size_t features_packed_size_max(const struct features_plan *plan)
{
    return plan->packed_size_max;
}

size_t features_ids_size_max(const struct features_plan *plan)
{
    return plan->ids_size_max;
}
