/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the writer's schema in the order of its bytes and emits ops. The walk knows three kinds of
 * place: nothing is wanted here (skip), something below is wanted (descend), the value itself is
 * wanted (leaf). */
#include "codec/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diagnostic.h"
#include "codec/plan_compile.h"

void compiler_fail(struct compiler *compiler, const char *format, ...)
{
    if (compiler->status != STATUS_OK) {
        return;
    }
    struct status_text text;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text.text, sizeof text.text, format, arguments);
    va_end(arguments);
    compiler->status = status_fail(compiler->text, STATUS_INVALID, "%s", text.text);
}

static void fail_full(struct compiler *compiler)
{
    if (compiler->status == STATUS_OK) {
        compiler->status =
            status_fail(compiler->text, STATUS_FULL, "no memory left for decode plans");
    }
}

uint32_t compiler_emit(struct compiler *compiler, struct plan_op op)
{
    if (compiler->op_count == PLAN_OPS_MAX) {
        compiler_fail(compiler, "the schema is too large for a decode plan");
        return PLAN_OPS_MAX - 1;
    }
    op.path = compiler->path;
    compiler->ops[compiler->op_count] = op;
    return compiler->op_count++;
}

uint32_t compiler_text(struct compiler *compiler, struct slice text, uint8_t code)
{
    if (compiler->text_count == PLAN_TEXTS_MAX) {
        compiler_fail(compiler, "the schema has too many symbols for a decode plan");
        return 0;
    }
    struct slice copy = arena_copy(compiler->arena, text);
    if (copy.data == NULL) {
        fail_full(compiler);
        return 0;
    }
    compiler->texts[compiler->text_count] = (struct plan_text){copy, code};
    return compiler->text_count++;
}

void compiler_mismatch(struct compiler *compiler, const struct want *want,
                       const struct schema *schema)
{
    static const char *const names[] = {"text",
                                        "a number (64 bits)",
                                        "a number (32 bits)",
                                        "a decimal",
                                        "true or false",
                                        "a time",
                                        "a date",
                                        "a code",
                                        "a list of codes",
                                        "a map of texts",
                                        "a list of consents"};
    _Static_assert(ARRAY_COUNT(names) == FIELD_TYPE_COUNT, "one name per field type");
    char type[160];
    schema_describe(schema, type, sizeof type);
    compiler_fail(compiler, "%s is %s and cannot be read from `%s`, which is %s", want->field->name,
                  names[want->field->type], compiler->path, type);
}

/* Wanted values -----------------------------------------------------------------------------------
 */

struct wants {
    struct want *list;
    uint32_t count;
};

static void wanted_value(struct compiler *compiler, const struct schema *schema,
                         const void *context);

static void set_item(struct compiler *compiler, const struct schema *schema, const void *context)
{
    if (schema->type == SCHEMA_UNION) {
        compiler_union(compiler, schema, set_item, context);
    } else {
        compiler_set_item(compiler, schema, context);
    }
}

static void map_value(struct compiler *compiler, const struct schema *schema, const void *context)
{
    if (schema->type == SCHEMA_UNION) {
        compiler_union(compiler, schema, map_value, context);
    } else if (schema->type == SCHEMA_STRING || schema->type == SCHEMA_BYTES) {
        (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_MAP_VALUE});
    } else {
        compiler_mismatch(compiler, context, schema);
    }
}

static void map_entry(struct compiler *compiler, const struct schema *schema, const void *context)
{
    (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_MAP_KEY});
    map_value(compiler, schema, context);
}

static const struct field consent_fields[] = {
    {"purpose", FIELD_CODE, offsetof(struct consent, purpose), true, &codes_purpose},
    {"channel", FIELD_CODE, offsetof(struct consent, channel), true, &codes_channel},
    {"status", FIELD_CODE, offsetof(struct consent, status), true, &codes_consent_status},
    {"lawful_basis", FIELD_CODE, offsetof(struct consent, basis), false, &codes_lawful_basis},
    {"updated_at", FIELD_TIME, offsetof(struct consent, updated_at_ms), true, NULL},
};
enum { CONSENT_FIELD_COUNT = ARRAY_COUNT(consent_fields) };

static void consent_item(struct compiler *compiler, const struct schema *schema,
                         const void *context)
{
    struct want list[CONSENT_FIELD_COUNT];
    bool found[CONSENT_FIELD_COUNT] = {false};
    const struct schema *lost;
    int64_t required = 0;
    if (schema->type == SCHEMA_UNION) {
        compiler_union(compiler, schema, consent_item, context);
        return;
    }
    if (schema->type != SCHEMA_RECORD) {
        compiler_mismatch(compiler, context, schema);
        return;
    }
    for (uint32_t i = 0; i < CONSENT_FIELD_COUNT; i++) {
        list[i] = (struct want){.field = &consent_fields[i],
                                .bit = (uint8_t)i,
                                .found = &found[i],
                                .lost_in = &lost,
                                .rest = slice_text(consent_fields[i].name)};
        required |= consent_fields[i].required ? INT64_C(1) << i : 0;
    }
    struct wants wants = {list, CONSENT_FIELD_COUNT};
    (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_CONSENT_BEGIN});
    wanted_value(compiler, schema, &wants);
    (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_CONSENT_END, .number = required});
    for (uint32_t i = 0; i < CONSENT_FIELD_COUNT; i++) {
        if (consent_fields[i].required && !found[i]) {
            compiler_fail(compiler, "consents: their records in `%s` have no `%s`", compiler->path,
                          consent_fields[i].name);
        }
    }
}

/* The value itself, for one field. */
static void wanted_leaf(struct compiler *compiler, const struct schema *schema, struct want *want)
{
    enum field_type type = want->field->type;
    *want->found = true;
    bool loops = schema->type == (type == FIELD_MAP ? SCHEMA_MAP : SCHEMA_ARRAY);
    if (type != FIELD_CODE_SET && type != FIELD_MAP && type != FIELD_CONSENTS) {
        compiler_leaf(compiler, schema, want);
    } else if (!loops) {
        compiler_mismatch(compiler, want, schema);
    } else {
        (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_PRESENT, .bit = want->bit});
        compiler_loop(compiler, schema,
                      type == FIELD_MAP        ? map_entry
                      : type == FIELD_CONSENTS ? consent_item
                                               : set_item,
                      want);
    }
}

static struct slice path_head(struct slice path)
{
    const uint8_t *dot = memchr(path.data, '.', path.size);
    return dot == NULL ? path : slice_of(path.data, (size_t)(dot - path.data));
}

static struct slice path_rest(struct slice path)
{
    size_t head = path_head(path).size;
    return head == path.size ? (struct slice){NULL, 0}
                             : slice_of(path.data + head + 1, path.size - head - 1);
}

static const char *path_join(struct compiler *compiler, const char *path, struct slice name)
{
    size_t before = strlen(path);
    char *joined = arena_take(compiler->arena, before + name.size + 2);
    if (joined == NULL) {
        fail_full(compiler);
        return path;
    }
    (void)snprintf(joined, before + name.size + 2, "%s%s%.*s", path, before == 0 ? "" : ".",
                   SLICE_ARG(name));
    return joined;
}

static void wanted_record(struct compiler *compiler, const struct schema *record,
                          const struct wants *wants)
{
    const char *path = compiler->path;
    const struct schema_field
        *heads[FIELDS_MAX]; /* a look through all aliases: once for each want */
    for (uint32_t i = 0; i < wants->count; i++) {
        heads[i] = schema_field_find(record, path_head(wants->list[i].rest));
        if (heads[i] == NULL) {
            *wants->list[i].lost_in = record;
        }
    }
    for (uint32_t f = 0; f < record->count; f++) {
        struct want list[FIELDS_MAX];
        struct wants below = {list, 0};
        for (uint32_t i = 0; i < wants->count; i++) {
            if (heads[i] != NULL && heads[i] == &record->fields[f]) {
                list[below.count] = wants->list[i];
                list[below.count].rest = path_rest(wants->list[i].rest);
                below.count++;
            }
        }
        compiler->path = path_join(compiler, path, record->fields[f].name);
        wanted_value(compiler, record->fields[f].type, &below);
        compiler->path = path;
    }
}

static void wanted_value(struct compiler *compiler, const struct schema *schema,
                         const void *context)
{
    const struct wants *wants = context;
    if (wants->count == 0) {
        compiler_skip(compiler, schema);
        return;
    }
    if (compiler->status != STATUS_OK || ++compiler->depth > PLAN_DEPTH_MAX) {
        compiler_fail(compiler, "types are nested too deep at `%s`", compiler->path);
        return;
    }
    bool descend = wants->list[0].rest.size > 0;
    if (schema->type == SCHEMA_UNION) {
        compiler_union(compiler, schema, wanted_value, context);
    } else if (schema->type == SCHEMA_RECORD && descend) {
        wanted_record(compiler, schema, wants);
    } else {
        if (wants->count > 1) {
            (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_MARK});
        }
        for (uint32_t i = 0; i < wants->count; i++) {
            if ((wants->list[i].rest.size > 0) != (schema->type == SCHEMA_RECORD && descend)) {
                compiler_fail(compiler, "%s: `%s` is no record, it has no `%.*s`",
                              wants->list[i].field->name, compiler->path,
                              SLICE_ARG(wants->list[i].rest));
            }
            if (i > 0) {
                (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_BACK});
                (void)compiler_label(compiler);
            }
            wanted_leaf(compiler, schema, &wants->list[i]);
        }
    }
    compiler->depth--;
}

/* The whole ---------------------------------------------------------------------------------------
 */

/* What a source's part of the event holds before its large arrays. */
static const uint32_t clear_sizes[] = {sizeof(struct transaction),
                                       offsetof(struct engagement, attributes),
                                       offsetof(struct profile_update, consents),
                                       sizeof(struct offer_outcome),
                                       sizeof(struct life_event_feedback),
                                       sizeof(struct external_score)};
_Static_assert(ARRAY_COUNT(clear_sizes) == SOURCE_COUNT, "one size per source");

/* The types that are skipped by call, each once; they may ask for more of them. */
static void emit_calls(struct compiler *compiler)
{
    compiler->path = "";
    for (uint32_t i = 0; i < compiler->call_count && compiler->status == STATUS_OK; i++) {
        compiler->calls[i].at = compiler_label(compiler);
        compiler_skip_record(compiler, compiler->calls[i].record);
        (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_RETURN});
    }
    for (uint32_t i = 0; i < compiler->op_count; i++) {
        if (compiler->ops[i].code == PLAN_CALL) {
            compiler->ops[i].a = compiler->calls[compiler->ops[i].b].at;
        }
    }
}

static void fail_missing(struct compiler *compiler, const struct want *want,
                         const struct schema *lost)
{
    const char *candidates[SCHEMA_FIELDS_MAX];
    struct slice wanted = want->rest;
    uint32_t count = 0;
    const uint8_t *dot = wanted.data;
    while (lost != NULL && count < lost->count) {
        /* Names in a schema are followed by a NUL: arena_copy put it there. */
        candidates[count] = (const char *)lost->fields[count].name.data;
        count++;
    }
    for (const uint8_t *at = wanted.data; at < wanted.data + wanted.size; at++) {
        dot = *at == '.' ? at + 1 : dot;
    }
    struct slice last = slice_of(dot, (size_t)(wanted.data + wanted.size - dot));
    const char *near = diagnostic_nearest(last, candidates, count);
    compiler_fail(
        compiler, "%s: the schema has no `%.*s`%s%.*s%s%s%s", want->field->name, SLICE_ARG(wanted),
        lost == NULL ? "" : " in record ", lost == NULL ? 0 : (int)lost->name.size,
        lost == NULL ? "" : (const char *)lost->name.data, near == NULL ? "" : "; did you mean `",
        near == NULL ? "" : near, near == NULL ? "" : "`?");
}

/* Names of the contract for a field: its own, then its aliases, whichever the writer has. */
static struct slice default_path(const struct schema *record, const struct schema_field *contract,
                                 struct slice name)
{
    for (uint32_t i = 0; contract != NULL && i < contract->alias_count; i++) {
        if (schema_field_find(record, name) == NULL &&
            schema_field_find(record, contract->aliases[i]) != NULL) {
            return contract->aliases[i];
        }
    }
    return name;
}

static bool emit_absent(struct compiler *compiler, const struct want *want, bool mapped,
                        const struct schema_field *contract, const struct schema *lost)
{
    if (want->mapping->has_constant) {
        return compiler_constant(compiler, want, want->mapping->constant);
    }
    if (!*want->found && !mapped && contract != NULL && contract->has_default) {
        return compiler_constant(compiler, want, contract->default_json);
    }
    if (!*want->found && (mapped || want->field->required)) {
        fail_missing(compiler, want, lost);
    }
    return false;
}

static uint64_t compile_fields(struct compiler *compiler, const struct schema *writer,
                               const struct schema *record, const struct schema *contract,
                               const struct source_mapping *mapping, uint32_t *out_entry)
{
    const struct field_table *table = fields_of(mapping->source);
    struct want list[FIELDS_MAX], reading[FIELDS_MAX];
    const struct schema_field *ours[FIELDS_MAX];
    const struct schema *lost[FIELDS_MAX] = {NULL};
    bool found[FIELDS_MAX] = {false};
    struct wants wants = {reading, 0};
    uint64_t fields = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct field_mapping *map = &mapping->fields[i];
        struct slice name = slice_text(table->fields[i].name);
        ours[i] = contract == NULL ? NULL : schema_field_find(contract, name);
        list[i] = (struct want){.field = &table->fields[i],
                                .mapping = map,
                                .bit = (uint8_t)i,
                                .contract = ours[i] == NULL ? NULL : ours[i]->type,
                                .found = &found[i],
                                .lost_in = &lost[i],
                                .rest = map->path.size > 0 ? map->path
                                                           : default_path(record, ours[i], name)};
        if (map->path.size > 0 || !map->has_constant) {
            reading[wants.count++] = list[i];
        }
    }
    compiler->path = "";
    wanted_value(compiler, writer, &wants);
    (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_END});
    *out_entry = compiler_label(compiler);
    for (uint32_t i = 0; i < table->count && compiler->status == STATUS_OK; i++) {
        bool constant =
            emit_absent(compiler, &list[i], mapping->fields[i].path.size > 0, ours[i], lost[i]);
        fields |= found[i] || constant ? UINT64_C(1) << i : 0;
    }
    if (*out_entry == compiler->op_count) {
        *out_entry = 0;
    } else {
        (void)compiler_emit(compiler, (struct plan_op){.code = PLAN_JUMP, .a = 0});
    }
    return fields;
}

static const void *keep(struct compiler *compiler, const void *list, size_t size)
{
    void *copy = arena_take(compiler->arena, size == 0 ? 1 : size);
    if (copy == NULL) {
        fail_full(compiler);
    } else if (size > 0) {
        memcpy(copy, list, size);
    }
    return copy;
}

static void compile(struct compiler *compiler, const struct schema *writer,
                    const struct schema *contract, const struct source_mapping *mapping,
                    struct plan *plan)
{
    const struct field_table *table = fields_of(mapping->source);
    const struct schema *record = writer;
    for (uint32_t i = 0; writer->type == SCHEMA_UNION && i < writer->count; i++) {
        record = writer->branches[i]->type == SCHEMA_RECORD ? writer->branches[i] : record;
    }
    if (record->type != SCHEMA_RECORD) {
        char type[160];
        schema_describe(writer, type, sizeof type);
        compiler_fail(compiler, "an event is a record, and this schema is %s", type);
        return;
    }
    plan->source = mapping->source;
    plan->fields = compile_fields(compiler, writer, record, contract, mapping, &plan->entry);
    emit_calls(compiler);
    plan->clear_size = clear_sizes[mapping->source];
    for (uint32_t i = 0; i < table->count; i++) {
        plan->required |= table->fields[i].required ? UINT64_C(1) << i : 0;
    }
    plan->op_count = compiler->op_count;
    plan->ops = keep(compiler, compiler->ops, compiler->op_count * sizeof *compiler->ops);
    plan->targets =
        keep(compiler, compiler->targets, compiler->target_count * sizeof *compiler->targets);
    plan->codes = keep(compiler, compiler->codes, compiler->code_count);
    plan->texts = keep(compiler, compiler->texts, compiler->text_count * sizeof *compiler->texts);
}

enum status plan_compile(const struct schema *writer, const struct schema *contract,
                         const struct source_mapping *mapping, struct arena *arena,
                         const struct plan **out_plan, struct status_text *out_text)
{
    struct compiler *compiler = calloc(1, sizeof *compiler); /* half a MiB: not for a stack */
    struct plan *plan = arena_take(arena, sizeof *plan);
    if (compiler == NULL || plan == NULL) {
        free(compiler);
        return status_fail(out_text, STATUS_FULL, "no memory left for decode plans");
    }
    compiler->arena = arena;
    compiler->text = out_text;
    compiler->path = "";
    compile(compiler, writer, contract, mapping, plan);
    enum status status = compiler->status;
    free(compiler);
    if (status == STATUS_OK) {
        *out_plan = plan;
    }
    return status;
}
