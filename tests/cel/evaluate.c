/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates one CEL expression a line with our CEL and prints what comes out, as cel_go/main.go does. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "cel/cel.h"

enum {
    ARENA_SIZE = 16 << 20,
    SCRATCH_SIZE = 1 << 20,
    LINE_SIZE = 1 << 16,
    ENTRIES_MAX = 64,
    TEXT_SIZE = 4096
};
enum slot { SLOT_A, SLOT_B, SLOT_U, SLOT_D, SLOT_S, SLOT_T, SLOT_L, SLOT_M };

static const struct cel_type int_type = {.kind = CEL_INT}, string_type = {.kind = CEL_STRING};

static const struct cel_name names[] = {
    {"a", {.kind = CEL_INT}, SLOT_A},
    {"b", {.kind = CEL_INT}, SLOT_B},
    {"u", {.kind = CEL_UINT}, SLOT_U},
    {"d", {.kind = CEL_DOUBLE}, SLOT_D},
    {"s", {.kind = CEL_STRING}, SLOT_S},
    {"t", {.kind = CEL_BOOL}, SLOT_T},
    {"l", {.kind = CEL_LIST, .element = &int_type}, SLOT_L},
    {"m", {.kind = CEL_MAP, .key = &string_type, .element = &int_type}, SLOT_M},
};

static struct cel_value read_name(const struct cel_activation *activation, uint32_t slot)
{
    static struct cel_value list[3], map[4];
    (void)activation;
    list[0] = cel_int(3);
    list[1] = cel_int(1);
    list[2] = cel_int(2);
    map[0] = cel_string(slice_text("x"));
    map[1] = cel_int(1);
    map[2] = cel_string(slice_text("y"));
    map[3] = cel_int(2);
    switch ((enum slot)slot) {
    case SLOT_A:
        return cel_int(7);
    case SLOT_B:
        return cel_int(-3);
    case SLOT_U:
        return (struct cel_value){.kind = CEL_UINT, .u = 5};
    case SLOT_D:
        return cel_double(2.5);
    case SLOT_S:
        return cel_string(slice_text("Ab\xc3\xbc c"));
    case SLOT_T:
        return cel_bool(true);
    case SLOT_L:
        return (struct cel_value){.kind = CEL_LIST, .list = {list, 3}};
    case SLOT_M:
        return (struct cel_value){.kind = CEL_MAP, .list = {map, 2}};
    }
    return (struct cel_value){.kind = CEL_ABSENT};
}

static void put(const struct cel_value *value, FILE *out);

static void put_hex(const char *kind, struct slice text, FILE *out)
{
    (void)fprintf(out, "%s ", kind);
    for (size_t i = 0; i < text.size; i++) {
        (void)fprintf(out, "%02x", text.data[i]);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Entries in order of their text: maps have no order. */
static void put_map(const struct cel_value *value, FILE *out)
{
    static char entries[ENTRIES_MAX][TEXT_SIZE];
    uint32_t count = value->list.count < ENTRIES_MAX ? value->list.count : ENTRIES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        FILE *entry = fmemopen(entries[i], TEXT_SIZE, "w");
        put(&value->list.items[(size_t)2 * i], entry);
        (void)fputs(": ", entry);
        put(&value->list.items[(size_t)2 * i + 1], entry);
        (void)fclose(entry);
    }
    qsort(entries, count, TEXT_SIZE, by_text);
    (void)fputs("map {", out);
    for (uint32_t i = 0; i < count; i++) {
        (void)fprintf(out, "%s%s", i == 0 ? "" : ", ", entries[i]);
    }
    (void)fputc('}', out);
}

static void put_double(double value, FILE *out)
{
    char text[64];
    if (value != value || value > 1e308 * 10 || value < -1e308 * 10) {
        (void)fprintf(out, "double %s", value != value ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    (void)snprintf(text, sizeof(text), "%.17g", value);
    (void)fprintf(out, "double %s", text);
}

static void put(const struct cel_value *value, FILE *out)
{
    static const char *const others[CEL_KIND_COUNT] = {
        [CEL_NULL] = "null", [CEL_ERROR] = "error", [CEL_ABSENT] = "error"};
    switch (value->kind) {
    case CEL_BOOL:
        (void)fprintf(out, "bool %s", value->b ? "true" : "false");
        return;
    case CEL_INT:
        (void)fprintf(out, "int %" PRId64, value->i);
        return;
    case CEL_UINT:
        (void)fprintf(out, "uint %" PRIu64, value->u);
        return;
    case CEL_DOUBLE:
        put_double(value->d, out);
        return;
    case CEL_STRING:
    case CEL_BYTES:
        put_hex(value->kind == CEL_STRING ? "string" : "bytes", value->text, out);
        return;
    case CEL_TIMESTAMP:
        (void)fprintf(out, "timestamp %" PRId64 " %d", value->i, value->nanos);
        return;
    case CEL_DURATION:
        (void)fprintf(out, "duration %" PRId64, value->i * 1000000000 + value->nanos);
        return;
    case CEL_LIST:
        (void)fputs("list [", out);
        for (uint32_t i = 0; i < value->list.count; i++) {
            (void)fputs(i == 0 ? "" : ", ", out);
            put(&value->list.items[i], out);
        }
        (void)fputc(']', out);
        return;
    case CEL_MAP:
        put_map(value, out);
        return;
    case CEL_NULL:
    case CEL_TYPE:
    case CEL_OPTIONAL:
    case CEL_IP:
    case CEL_CIDR:
    case CEL_DYN:
    case CEL_ERROR:
    case CEL_ABSENT:
    case CEL_KIND_COUNT:
        break;
    }
    (void)fputs(others[value->kind] != NULL ? others[value->kind] : "?", out);
}

/* What a line gives: a value, `error`, or `refused` by its types. `early`: it was refused at load because a
 * part of it that reads nothing always fails; then what it gives without that look ahead. */
static void evaluate(const char *line, bool look_ahead, void *block, void *scratch_block)
{
    static struct diagnostic list[DIAGNOSTICS_MAX];
    const struct cel_environment environment = {.names = names,
                                                .name_count = ARRAY_COUNT(names),
                                                .dynamic = !look_ahead,
                                                .cost_max = UINT64_MAX}; /* cel-go has no bound */
    struct arena arena, scratch;
    struct diagnostics diagnostics;
    arena_init(&arena, block, ARENA_SIZE);
    arena_init(&scratch, scratch_block, SCRATCH_SIZE);
    diagnostics_init(&diagnostics, list);
    const struct cel_program *program = cel_compile(
        &environment, slice_text(line), (struct source_span){NULL, 1, 1, 0}, &arena, &diagnostics);
    if (program == NULL && look_ahead) {
        evaluate(line, false, block, scratch_block);
    } else if (program == NULL) {
        (void)puts("refused");
    } else {
        const struct cel_activation activation = {.read = read_name, .scratch = &scratch};
        struct cel_value value = cel_evaluate(program, &activation);
        (void)fputs(look_ahead ? "" : "early ", stdout);
        put(&value, stdout);
        (void)putchar('\n');
    }
}

int main(void)
{
    static char line[LINE_SIZE];
    void *block = malloc(ARENA_SIZE), *scratch_block = malloc(SCRATCH_SIZE);
    if (block == NULL || scratch_block == NULL) {
        return EXIT_FAILURE;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        evaluate(line, true, block, scratch_block);
    }
    free(block);
    free(scratch_block);
    return EXIT_SUCCESS;
}
