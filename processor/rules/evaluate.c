/* SPDX-License-Identifier: Apache-2.0 */
/* A predicate at one moment: on plain numbers where they decide, else by the machine. */
#include "rules/leaf.h"

struct cel_value rules_value(const struct cel_program *program, const struct scope *scope,
                             struct arena *scratch)
{
    const struct cel_activation activation = {
        .read = rules_read, .context = scope, .scratch = scratch};
    return cel_evaluate(program, &activation);
}

enum cel_found rules_read_whole(const void *context, uint32_t slot, int64_t *out_value)
{
    const struct scope *scope = context;
    enum scope_space space = SCOPE_SLOT_SPACE(slot);
    if (space == SCOPE_FEATURE) {
        const struct feature_value *value = scope_feature(scope, SCOPE_SLOT_INDEX(slot));
        if (value == NULL || !value->present) {
            return CEL_MISSING;
        }
        *out_value = value->i;
        return value->type == FEATURE_INT    ? CEL_WHOLE
               : value->type == FEATURE_TIME ? CEL_MOMENT
                                             : CEL_OTHER;
    }
    if (space == SCOPE_NOW) {
        scope_reads(scope, SCOPE_READ_CLOCK);
        *out_value = scope->now_ms;
        return CEL_MOMENT;
    }
    if (slot == RULES_SLOT_AGE || slot == RULES_SLOT_TENURE_DAYS) {
        const struct cel_activation activation = {.context = scope};
        struct cel_value value = rules_read(&activation, slot);
        *out_value = value.i;
        return value.kind == CEL_ABSENT ? CEL_MISSING : CEL_WHOLE;
    }
    return space == SCOPE_EVENT ? rules_event_whole(scope, SCOPE_SLOT_INDEX(slot), out_value)
                                : CEL_UNSURE;
}

enum rules_truth rules_holds(const struct cel_program *program, const struct scope *scope,
                             struct arena *scratch, struct slice *out_why)
{
    int whole = cel_evaluate_whole(program, rules_read_whole, scope);
    if (whole == CEL_WHOLE_FAILS && out_why == NULL) {
        return RULES_UNKNOWN;
    }
    if (whole == 0 || whole == 1) {
        return whole != 0 ? RULES_YES : RULES_NO;
    }
    struct cel_value value = rules_value(program, scope, scratch);
    if (value.kind == CEL_BOOL) {
        return value.b ? RULES_YES : RULES_NO;
    }
    if (out_why != NULL) {
        *out_why = value.kind == CEL_ERROR ? value.text : slice_text("not a condition");
    }
    return RULES_UNKNOWN;
}
