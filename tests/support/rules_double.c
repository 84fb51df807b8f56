/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rules_double.h"

enum rules_truth rules_holds(const struct cel_program *program, const struct scope *scope,
                             struct arena *scratch, struct slice *out_why)
{
    (void)scratch;
    (void)out_why;
    return program->holds(scope->event) ? RULES_YES : RULES_NO;
}

struct cel_value rules_value(const struct cel_program *program, const struct scope *scope,
                             struct arena *scratch)
{
    (void)scratch;
    return cel_int(program->value(scope->event));
}

struct cel_type cel_program_type(const struct cel_program *program)
{
    (void)program;
    return (struct cel_type){.kind = CEL_INT};
}
