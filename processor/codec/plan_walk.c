/* SPDX-License-Identifier: Apache-2.0 */
/* How values are skipped, and how the walk goes through collections and unions, wanted or not. */
#include "codec/plan_compile.h"

/* Records that were looked into, so that each is once, however many fields are of its type. */
struct search {
    const struct schema *record;
    const struct schema *seen[SCHEMA_NAMES_MAX];
    uint32_t seen_count;
};

static bool is_first_look(struct search *search, const struct schema *record)
{
    for (uint32_t i = 0; i < search->seen_count; i++) {
        if (search->seen[i] == record) {
            return false;
        }
    }
    search->seen[search->seen_count++] = record;
    return true;
}

/* Only a record has values that may be none: what it adds to itself is not more than what it has otherwise. */
static bool finds_bytes(struct search *search, const struct schema *schema)
{
    if (schema->type != SCHEMA_RECORD) {
        return schema->type != SCHEMA_NULL &&
               (schema->type != SCHEMA_FIXED || schema->fixed_size > 0);
    }
    bool found = false;
    bool first = is_first_look(search, schema);
    for (uint32_t i = 0; first && !found && i < schema->count; i++) {
        found = finds_bytes(search, schema->fields[i].type);
    }
    return found;
}

/* Does every value of this type have at least a byte? */
static bool has_bytes(const struct schema *schema)
{
    struct search search;
    search.record = NULL;
    search.seen_count = 0;
    return finds_bytes(&search, schema);
}

/* Does `schema` contain `search->record`? */
static bool contains(struct search *search, const struct schema *schema)
{
    if (schema->type == SCHEMA_ARRAY || schema->type == SCHEMA_MAP) {
        return schema->items == search->record || contains(search, schema->items);
    }
    if (schema->type == SCHEMA_RECORD ? !is_first_look(search, schema)
                                      : schema->type != SCHEMA_UNION) {
        return false;
    }
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct schema *inner =
            schema->type == SCHEMA_UNION ? schema->branches[i] : schema->fields[i].type;
        if (inner == search->record || contains(search, inner)) {
            return true;
        }
    }
    return false;
}

/* Asked at every value of the type, answered once for each. */
static bool is_recursive(struct compiler *compiler, const struct schema *record)
{
    for (uint32_t i = 0; i < compiler->plain_count; i++) {
        if (compiler->plain[i] == record) {
            return false;
        }
    }
    for (uint32_t i = 0; i < compiler->call_count; i++) {
        if (compiler->calls[i].record == record) {
            return true;
        }
    }
    struct search search;
    search.record = record;
    search.seen_count = 0;
    if (contains(&search, record)) {
        return true;
    }
    compiler->plain[compiler->plain_count++] = record;
    return false;
}

/* What is jumped to here may not be merged with what stood before. */
uint32_t compiler_label(struct compiler *compiler)
{
    compiler->barrier = compiler->op_count;
    return compiler->op_count;
}

static void skip_bytes(struct compiler *compiler, uint32_t size)
{
    struct plan_op *last = &compiler->ops[compiler->op_count == 0 ? 0 : compiler->op_count - 1];
    if (compiler->op_count > compiler->barrier && last->code == PLAN_SKIP_BYTES &&
        size <= UINT32_MAX - last->a) {
        last->a += size;
    } else if (size > 0) {
        (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_SKIP_BYTES, .a = size});
    }
}

static void skip_by_call(struct compiler *compiler, const struct schema *record)
{
    uint32_t i = 0;
    while (i < compiler->call_count && compiler->calls[i].record != record) {
        i++;
    }
    if (i == PLAN_CALLS_MAX) {
        compiler_fail(compiler, "the schema has too many recursive types");
        return;
    }
    if (i == compiler->call_count) {
        compiler->calls[compiler->call_count++] = (struct plan_call){.record = record};
    }
    /* `a` becomes an address when all calls are compiled; b keeps which. */
    (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_CALL, .b = i});
    (void)compiler_label(compiler);
}

static void skip_value(struct compiler *compiler, const struct schema *schema, const void *context);

void compiler_loop(struct compiler *compiler, const struct schema *schema, value_function *value,
                   const void *context)
{
    bool is_map = schema->type == SCHEMA_MAP;
    uint32_t loop = compiler_emit(
        compiler, (struct plan_op){.code = PLAN_LOOP, .b = !is_map && !has_bytes(schema->items)});
    (void)compiler_label(compiler);
    value(compiler, schema->items, context);
    (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_LOOP_NEXT});
    compiler->ops[loop].a = compiler_label(compiler);
}

void compiler_skip_record(struct compiler *compiler, const struct schema *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        skip_value(compiler, record->fields[i].type, NULL);
    }
}

static void skip_map_entry(struct compiler *compiler, const struct schema *schema,
                           const void *context)
{
    (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_SKIP_SIZED});
    skip_value(compiler, schema, context);
}

static void skip_value(struct compiler *compiler, const struct schema *schema, const void *context)
{
    if (++compiler->depth > PLAN_DEPTH_MAX) {
        compiler_fail(compiler, "types are nested too deep at `%s`", compiler->path);
    }
    /* Records without bytes, and neighbours of a fixed size, emit nothing that would run into PLAN_OPS_MAX. */
    if (++compiler->visits > PLAN_VISITS_MAX) {
        compiler_fail(compiler, "the schema is too large for a decode plan");
    }
    if (compiler->status == STATUS_OK) {
        switch (schema->type) {
        case SCHEMA_NULL:
            break;
        case SCHEMA_BOOLEAN:
            (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_SKIP_BOOL});
            break;
        case SCHEMA_INT:
            (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_SKIP_INT});
            break;
        case SCHEMA_LONG:
            (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_SKIP_LONG});
            break;
        case SCHEMA_FLOAT:
        case SCHEMA_DOUBLE:
            skip_bytes(compiler, schema->type == SCHEMA_FLOAT ? 4 : 8);
            break;
        case SCHEMA_BYTES:
        case SCHEMA_STRING:
            (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_SKIP_SIZED});
            break;
        case SCHEMA_FIXED:
            skip_bytes(compiler, schema->fixed_size);
            break;
        case SCHEMA_ENUM:
            (void)compiler_emit(compiler,
                                (struct plan_op){.code = PLAN_SKIP_ENUM, .b = schema->count});
            break;
        case SCHEMA_ARRAY:
            compiler_loop(compiler, schema, skip_value, context);
            break;
        case SCHEMA_MAP:
            compiler_loop(compiler, schema, skip_map_entry, context);
            break;
        case SCHEMA_UNION:
            compiler_union(compiler, schema, skip_value, context);
            break;
        case SCHEMA_RECORD:
            if (is_recursive(compiler, schema)) {
                skip_by_call(compiler, schema);
            } else {
                compiler_skip_record(compiler, schema);
            }
            break;
        case SCHEMA_TYPE_COUNT:
            break;
        }
    }
    compiler->depth--;
}

void compiler_skip(struct compiler *compiler, const struct schema *schema)
{
    skip_value(compiler, schema, NULL);
}

/* Unions ------------------------------------------------------------------------------------------
 */

void compiler_union(struct compiler *compiler, const struct schema *schema, value_function *value,
                    const void *context)
{
    bool first_null = schema->count == 2 && schema->branches[0]->type == SCHEMA_NULL;
    if (first_null || (schema->count == 2 && schema->branches[1]->type == SCHEMA_NULL)) {
        uint32_t test = compiler_emit(
            compiler, (struct plan_op){.code = PLAN_NULLABLE, .a = first_null ? 0 : 1});
        value(compiler, schema->branches[first_null ? 1 : 0], context);
        compiler->ops[test].b = compiler_label(compiler);
        return;
    }
    if (compiler->target_count + schema->count > PLAN_TARGETS_MAX) {
        compiler_fail(compiler, "the schema has too many unions");
        return;
    }
    uint32_t targets = compiler->target_count;
    uint32_t jumps[SCHEMA_BRANCHES_MAX];
    compiler->target_count += schema->count;
    (void)compiler_emit(compiler,
                        (struct plan_op){.code = PLAN_UNION, .a = targets, .b = schema->count});
    for (uint32_t i = 0; i < schema->count; i++) {
        compiler->targets[targets + i] = compiler_label(compiler);
        if (schema->branches[i]->type != SCHEMA_NULL) {
            value(compiler, schema->branches[i], context);
        }
        jumps[i] = compiler_emit(compiler, (struct plan_op){.code = PLAN_JUMP});
    }
    uint32_t end = compiler_label(compiler);
    for (uint32_t i = 0; i < schema->count; i++) {
        compiler->ops[jumps[i]].a = end;
    }
}
