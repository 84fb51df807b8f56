/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the cel-spec suite (tests/simple/testdata) against our CEL and prints one line a file:
 *   file: passed/protobuf_free/total
 *
 * usage: cel_conformance [-v] [--expected FILE] FILE.textproto...
 * A case is protobuf-free when it names no message, enum or google.protobuf type. With --expected,
 * a protobuf-free case that fails without standing in FILE, or stands there and passes, makes the
 * exit code 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "cel/cel.h"
#include "textproto.h"

enum { NAMES_MAX = 32, REASON_SIZE = 600, ARENA_SIZE = 32 << 20 };

static struct arena arena, scratch;
static struct diagnostic list[DIAGNOSTICS_MAX];
static const struct zones *zones;
static char *expected_text = NULL;
static bool verbose;
static unsigned surprises;

/* ---- values and types of the suite ---- */

static struct cel_value value_of(const struct textproto *message);

static struct cel_value items_of(const struct textproto *message, enum cel_kind kind)
{
    uint32_t count = 0;
    struct cel_value *items = arena_take(&arena, 4096 * sizeof(*items));
    for (const struct textproto *f = message->first; f != NULL; f = f->next) {
        if (kind == CEL_LIST && slice_is(f->name, "values")) {
            items[count++] = value_of(f);
        } else if (slice_is(f->name, "entries")) {
            items[2 * count] = value_of(textproto_field(f, "key"));
            items[2 * count++ + 1] = value_of(textproto_field(f, "value"));
        }
    }
    return (struct cel_value){.kind = kind, .list = {items, count}};
}

static double double_of(struct slice text)
{
    char copy[400];
    (void)snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(text));
    return strtod(copy, NULL);
}

static int64_t int_of(struct slice text)
{
    char copy[64];
    (void)snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(text));
    return text.size > 0 && text.data[0] == '-' ? strtoll(copy, NULL, 0)
                                                : (int64_t)strtoull(copy, NULL, 0);
}

/* Any of a well-known time. */
static struct cel_value object_of(const struct textproto *field)
{
    const struct textproto *any = field->first;
    enum cel_kind kind = any == NULL                                              ? CEL_ERROR
                         : memmem(any->name.data, any->name.size, "Timestamp", 9) ? CEL_TIMESTAMP
                         : memmem(any->name.data, any->name.size, "Duration", 8)  ? CEL_DURATION
                                                                                  : CEL_ERROR;
    struct slice seconds = textproto_text(any, "seconds"), nanos = textproto_text(any, "nanos");
    return (struct cel_value){.kind = kind, .i = int_of(seconds), .nanos = (int32_t)int_of(nanos)};
}

static struct cel_value value_of(const struct textproto *message)
{
    const struct textproto *f = message == NULL ? NULL : message->first;
    struct slice name = f == NULL ? slice_of(NULL, 0) : f->name;
    if (f == NULL || slice_is(name, "null_value")) {
        return (struct cel_value){.kind = CEL_NULL};
    }
    if (slice_is(name, "bool_value")) {
        return cel_bool(slice_is(f->text, "true"));
    }
    if (slice_is(name, "int64_value")) {
        return cel_int(int_of(f->text));
    }
    if (slice_is(name, "uint64_value")) {
        return (struct cel_value){.kind = CEL_UINT, .i = int_of(f->text)};
    }
    if (slice_is(name, "double_value")) {
        return cel_double(double_of(f->text));
    }
    if (slice_is(name, "string_value") || slice_is(name, "bytes_value") ||
        slice_is(name, "type_value")) {
        enum cel_kind kind = name.data[0] == 's'   ? CEL_STRING
                             : name.data[0] == 'b' ? CEL_BYTES
                                                   : CEL_TYPE;
        return (struct cel_value){.kind = kind, .text = f->text};
    }
    if (slice_is(name, "list_value") || slice_is(name, "map_value")) {
        return items_of(f, name.data[0] == 'l' ? CEL_LIST : CEL_MAP);
    }
    return slice_is(name, "object_value") ? object_of(f) : (struct cel_value){.kind = CEL_ERROR};
}

static struct cel_type type_of(const struct textproto *message);

static const struct cel_type *part_of(const struct textproto *message, const char *name)
{
    struct cel_type *copy = arena_take(&arena, sizeof(*copy));
    *copy = type_of(textproto_field(message, name));
    return copy;
}

static struct cel_type type_of(const struct textproto *message)
{
    static const struct {
        const char *name;
        enum cel_kind kind;
    } words[] = {{"BOOL", CEL_BOOL},
                 {"INT64", CEL_INT},
                 {"UINT64", CEL_UINT},
                 {"DOUBLE", CEL_DOUBLE},
                 {"STRING", CEL_STRING},
                 {"BYTES", CEL_BYTES},
                 {"TIMESTAMP", CEL_TIMESTAMP},
                 {"DURATION", CEL_DURATION},
                 {"google.protobuf.Timestamp", CEL_TIMESTAMP},
                 {"google.protobuf.Duration", CEL_DURATION}};
    const struct textproto *f = message == NULL ? NULL : message->first;
    struct slice name = f == NULL ? slice_of(NULL, 0) : f->name;
    if (slice_is(name, "list_type")) {
        return (struct cel_type){.kind = CEL_LIST, .element = part_of(f, "elem_type")};
    }
    if (slice_is(name, "map_type")) {
        return (struct cel_type){
            .kind = CEL_MAP, .key = part_of(f, "key_type"), .element = part_of(f, "value_type")};
    }
    if (slice_is(name, "abstract_type") && slice_is(textproto_text(f, "name"), "optional_type")) {
        return (struct cel_type){.kind = CEL_OPTIONAL, .element = part_of(f, "parameter_types")};
    }
    for (size_t i = 0; f != NULL && i < ARRAY_COUNT(words); i++) {
        if (slice_is(f->text, words[i].name) && !slice_is(name, "wrapper")) {
            return (struct cel_type){.kind = words[i].kind};
        }
    }
    return (struct cel_type){.kind = slice_is(name, "null")   ? CEL_NULL
                                     : slice_is(name, "type") ? CEL_TYPE
                                                              : CEL_DYN};
}

static bool same_type(const struct cel_type *a, const struct cel_type *b)
{
    if (a == NULL || b == NULL) {
        return (a == NULL ? CEL_DYN : a->kind) == (b == NULL ? CEL_DYN : b->kind);
    }
    return a->kind == b->kind && same_type(a->key, b->key) && same_type(a->element, b->element);
}

/* Stricter than _==_: kinds count, and NaN is NaN. */
static bool same(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch ((int)a->kind) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return a->b == b->b;
    case CEL_INT:
    case CEL_UINT:
        return a->i == b->i;
    case CEL_DOUBLE:
        return a->d == b->d || (isnan(a->d) && isnan(b->d));
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return a->i == b->i && a->nanos == b->nanos;
    case CEL_LIST:
        for (uint32_t i = 0; a->list.count == b->list.count && i < a->list.count; i++) {
            if (!same(&a->list.items[i], &b->list.items[i])) {
                return false;
            }
        }
        return a->list.count == b->list.count;
    case CEL_MAP:
        for (uint32_t i = 0; i < a->list.count; i++) {
            bool found = false;
            for (uint32_t k = 0; !found && k < b->list.count; k++) {
                found = same(&a->list.items[2 * i], &b->list.items[2 * k]) &&
                        same(&a->list.items[2 * i + 1], &b->list.items[2 * k + 1]);
            }
            if (!found) {
                return false;
            }
        }
        return a->list.count == b->list.count;
    default:
        return slice_equal(a->text, b->text);
    }
}

/* ---- one case ---- */

struct bindings {
    struct cel_name names[NAMES_MAX];
    struct cel_value values[NAMES_MAX];
    uint32_t count;
    bool functions; /* the case declares functions of its own */
};

static struct cel_value read_binding(const struct cel_activation *activation, uint32_t slot)
{
    const struct bindings *bindings = activation->context;
    return bindings->values[slot];
}

static void bind(struct bindings *bindings, const struct textproto *test)
{
    *bindings = (struct bindings){.count = 0};
    for (const struct textproto *f = test->first; f != NULL; f = f->next) {
        bool declares = slice_is(f->name, "type_env"), binds = slice_is(f->name, "bindings");
        if (!declares && !binds) {
            continue;
        }
        struct slice name = textproto_text(f, declares ? "name" : "key");
        uint32_t i = 0;
        while (i < bindings->count && !slice_is(name, bindings->names[i].name)) {
            i++;
        }
        if (i == bindings->count) {
            bindings->count++;
            bindings->names[i] = (struct cel_name){
                (const char *)arena_copy(&arena, name).data, {.kind = CEL_DYN}, i};
            bindings->values[i] = (struct cel_value){.kind = CEL_ABSENT};
        }
        const struct textproto *ident = textproto_field(f, "ident");
        if (declares && ident != NULL) {
            bindings->names[i].type = type_of(textproto_field(ident, "type"));
        }
        bindings->functions = bindings->functions || textproto_field(f, "function") != NULL;
        if (binds) {
            bindings->values[i] = value_of(textproto_field(textproto_field(f, "value"), "value"));
        }
    }
}

static bool judge_value(const struct textproto *wanted, const struct cel_value *value, char *reason)
{
    struct cel_value right = wanted == NULL ? cel_bool(true) : value_of(wanted);
    if (same(&right, value)) {
        return true;
    }
    char got[200], want[200];
    (void)cel_format(value, got, sizeof(got));
    (void)cel_format(&right, want, sizeof(want));
    (void)snprintf(reason, REASON_SIZE, "%s, not %s", got, want);
    return false;
}

static bool run_case(const struct textproto *test, char *reason)
{
    static struct bindings bindings;
    struct diagnostics diagnostics;
    arena_reset(&arena);
    arena_reset(&scratch);
    diagnostics_init(&diagnostics, list);
    bind(&bindings, test);
    bool unchecked = slice_is(textproto_text(test, "disable_check"), "true");
    const struct cel_environment environment = {
        .names = bindings.names,
        .name_count = bindings.count,
        .container = textproto_text(test, "container"),
        .zones = zones,
        .dynamic = unchecked,
        .no_check = unchecked,
        .no_macros = slice_is(textproto_text(test, "disable_macros"), "true")};
    const struct textproto *typed = textproto_field(test, "typed_result");
    bool error = textproto_field(test, "eval_error") != NULL ||
                 textproto_field(test, "any_eval_errors") != NULL;
    const struct cel_program *program =
        cel_compile(&environment, textproto_text(test, "expr"), (struct source_span){NULL, 1, 1, 0},
                    &arena, &diagnostics);
    if (program == NULL) {
        (void)snprintf(reason, REASON_SIZE, "does not compile: %.400s", list[0].text);
        return error;
    }
    const struct textproto *deduced = textproto_field(typed, "deduced_type");
    struct cel_type type = cel_program_type(program), wanted = type_of(deduced);
    if (deduced != NULL && !same_type(&type, &wanted)) {
        (void)snprintf(reason, REASON_SIZE, "deduces another type");
        return false;
    }
    if (slice_is(textproto_text(test, "check_only"), "true")) {
        return true;
    }
    const struct cel_activation activation = {
        .read = read_binding, .context = &bindings, .scratch = &scratch};
    struct cel_value value = cel_evaluate(program, &activation);
    if (error) {
        (void)snprintf(reason, REASON_SIZE, "no error");
        return value.kind == CEL_ERROR;
    }
    return judge_value(typed != NULL ? textproto_field(typed, "result")
                                     : textproto_field(test, "value"),
                       &value, reason);
}

/* ---- files ---- */

static bool is_protobuf_free(const struct textproto *test)
{
    static const char *const marks[] = {"TestAllTypes", "google.protobuf", "enum_value",
                                        "object_value", "cel.expr.conformance"};
    for (size_t i = 0; i < ARRAY_COUNT(marks); i++) {
        if (memmem(test->source.data, test->source.size, marks[i], strlen(marks[i])) != NULL) {
            return false;
        }
    }
    return true;
}

/* Lines of the list: "file/section/test: reason". */
static bool is_expected(const char *name)
{
    size_t size = strlen(name);
    for (const char *at = expected_text; at != NULL && (at = strstr(at, name)) != NULL;
         at += size) {
        if ((at == expected_text || at[-1] == '\n') && at[size] == ':') {
            return true;
        }
    }
    return false;
}

static void judge_case(const char *file, const struct textproto *section,
                       const struct textproto *test, unsigned counts[3])
{
    char name[300], reason[REASON_SIZE] = "";
    bool is_free = is_protobuf_free(test);
    (void)snprintf(name, sizeof(name), "%s/%.*s/%.*s", file,
                   SLICE_ARG(textproto_text(section, "name")),
                   SLICE_ARG(textproto_text(test, "name")));
    bool passed = run_case(test, reason);
    counts[0] += passed && is_free;
    counts[1] += is_free;
    counts[2]++;
    if (!is_free) {
        return;
    }
    bool expected = is_expected(name);
    if (!passed && (verbose || (expected_text != NULL && !expected))) {
        printf("  %s: %s\n    %.*s\n", name, reason, SLICE_ARG(textproto_text(test, "expr")));
    }
    if (passed && expected) {
        printf("  %s: passes now: take it off the list\n", name);
    }
    surprises += expected_text != NULL && passed == expected;
}

static bool run_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    char file[100];
    unsigned counts[3] = {0, 0, 0};
    (void)snprintf(file, sizeof(file), "%s", slash == NULL ? path : slash + 1);
    char *dot = strchr(file, '.');
    if (dot != NULL) {
        *dot = '\0';
    }
    const struct textproto *fields = textproto_read(path);
    for (const struct textproto *section = fields; section != NULL; section = section->next) {
        for (const struct textproto *test = section->first; test != NULL; test = test->next) {
            if (slice_is(section->name, "section") && slice_is(test->name, "test")) {
                judge_case(file, section, test, counts);
            }
        }
    }
    printf("%s: %u/%u/%u\n", file, counts[0], counts[1], counts[2]);
    return fields != NULL;
}

static char *read_expected(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    if (file == NULL || text == NULL) {
        perror(path);
        exit(2);
    }
    (void)!fread(text, 1, (1 << 20) - 1, file);
    (void)fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    bool good = true;
    arena_init(&arena, calloc(1, ARENA_SIZE), ARENA_SIZE);
    arena_init(&scratch, calloc(1, ARENA_SIZE), ARENA_SIZE);
    if (zones_load(&zones, NULL) != STATUS_OK) {
        (void)fputs("no time zones: install tzdata\n", stderr);
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            verbose = true;
        } else if (strcmp(argv[i], "--expected") == 0 && i + 1 < argc) {
            expected_text = read_expected(argv[++i]);
        } else {
            good = run_file(argv[i]) && good;
        }
    }
    free(expected_text);
    return good && surprises == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
