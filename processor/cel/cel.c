/* SPDX-License-Identifier: Apache-2.0 */
/* The front door: compile, and what may be asked of a program. */
#include "cel/types.h"

const struct cel_program *cel_compile(const struct cel_environment *environment, struct slice text,
                                      struct source_span origin, struct arena *arena,
                                      struct diagnostics *diagnostics)
{
    struct cel_compilation compilation = {environment, text, origin, arena, diagnostics, false};
    /* Names, literals and leaves point into the text: keep it as long as the program. */
    compilation.text = arena_copy(arena, text);
    if (compilation.text.data == NULL && text.size > 0) {
        cel_report(&compilation, 0, 1, NULL, "out of memory for the expression");
        return NULL;
    }
    struct cel_node *root = cel_parse(&compilation);
    if (root == NULL || !cel_check(&compilation, root)) {
        if (!compilation.failed) {
            cel_report(&compilation, 0, 1, NULL, "the expression cannot be read");
        }
        return NULL;
    }
    root->type = cel_type_settle(&compilation, root->type);
    return cel_emit(&compilation, root);
}

struct cel_type cel_program_type(const struct cel_program *program)
{
    return program->type;
}

const uint32_t *cel_program_slots(const struct cel_program *program, uint32_t *out_count)
{
    *out_count = program->slot_count;
    return program->slots;
}

uint64_t cel_program_cost(const struct cel_program *program)
{
    return program->cost;
}

uint32_t cel_program_leaf_count(const struct cel_program *program)
{
    return program->leaf_count;
}

const struct cel_leaf *cel_program_leaf(const struct cel_program *program, uint32_t index)
{
    return index < program->leaf_count ? &program->leaves[index] : NULL;
}

const struct cel_logic *cel_program_logic(const struct cel_program *program, uint32_t *out_count)
{
    *out_count = program->logic_count;
    return program->logic_count > 0 ? program->logic : NULL;
}

struct cel_value cel_evaluate_leaf(const struct cel_program *program, uint32_t index,
                                   const struct cel_activation *activation)
{
    return index < program->leaf_count ? cel_run(program, program->leaf_code[index][0], activation)
                                       : cel_error("no such leaf");
}

struct cel_leaf_result cel_explain_leaf(const struct cel_program *program, uint32_t index,
                                        const struct cel_activation *activation)
{
    struct cel_leaf_result result = {.right = {.kind = CEL_NULL}};
    if (index >= program->leaf_count) {
        result.holds = result.left = cel_error("no such leaf");
        return result;
    }
    const uint32_t *entries = program->leaf_code[index];
    result.holds = cel_run(program, entries[0], activation);
    result.left = cel_run(program, entries[1], activation);
    if (entries[2] != 0) {
        result.right = cel_run(program, entries[2], activation);
    }
    return result;
}
