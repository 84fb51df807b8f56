/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/leaf.h"

#include "model/fields.h"

enum cel_found rules_event_whole(const struct scope *scope, uint32_t index, int64_t *out_value)
{
    uint32_t source = index / RULES_EVENT_FIELDS_EACH, at = index % RULES_EVENT_FIELDS_EACH;
    const struct event *event = scope->event;
    scope_reads(scope, SCOPE_READ_EVENT);
    if (event == NULL || event->source != source) {
        return CEL_MISSING;
    }
    const struct field_table *table = fields_of((enum source)source);
    if (at >= table->count) {
        return CEL_UNSURE; /* tx.text */
    }
    if (!event_has(event, at)) {
        return CEL_MISSING;
    }
    const void *value = (const char *)event + table->fields[at].offset;
    switch ((int)table->fields[at].type) {
    case FIELD_INT64:
        *out_value = *(const int64_t *)value;
        return CEL_WHOLE;
    case FIELD_INT32:
        *out_value = *(const int32_t *)value;
        return CEL_WHOLE;
    case FIELD_TIME:
        *out_value = *(const int64_t *)value;
        return CEL_MOMENT;
    default:
        return CEL_OTHER;
    }
}

bool rules_leaf_same(const struct cel_leaf *a, const struct cel_leaf *b)
{
    return slice_equal(a->text, b->text) && a->slot_count == b->slot_count &&
           memcmp(a->slots, b->slots, a->slot_count * sizeof(uint32_t)) == 0;
}

/* A text in a list of texts, as of codes and names. */
static enum rules_truth contains(const struct cel_value *list, struct slice text)
{
    for (uint32_t i = 0; i < list->list.count; i++) {
        if (slice_equal(list->list.items[i].text, text)) {
            return RULES_YES;
        }
    }
    return RULES_NO;
}

/* Of two texts; RULES_UNKNOWN also when one is missing. */
static enum rules_truth same_texts(const struct cel_leaf *leaf,
                                   const struct cel_activation *activation)
{
    struct cel_value left = rules_read(activation, leaf->slots[0]);
    struct cel_value right = rules_read(activation, leaf->slots[1]);
    if (left.kind != CEL_STRING || right.kind != CEL_STRING) {
        return RULES_UNKNOWN;
    }
    bool same = slice_equal(left.text, right.text);
    return same == (leaf->form == CEL_LEAF_SAME) ? RULES_YES : RULES_NO;
}

static enum rules_truth evaluate(const struct cel_program *program, uint32_t leaf,
                                 const struct cel_activation *activation)
{
    struct cel_value value = cel_evaluate_leaf(program, leaf, activation);
    return value.kind != CEL_BOOL ? RULES_UNKNOWN : value.b ? RULES_YES : RULES_NO;
}

enum rules_truth rules_leaf_holds(const struct cel_program *program, uint32_t leaf,
                                  const struct scope *scope, struct arena *scratch)
{
    const struct cel_leaf *about = cel_program_leaf(program, leaf);
    const struct cel_activation activation = {
        .read = rules_read, .context = scope, .scratch = scratch};
    int whole = -1;
    struct cel_value value;
    switch (about->form) {
    case CEL_LEAF_HAS:
        value = rules_read(&activation, about->first_slot);
        return value.kind == CEL_ABSENT  ? RULES_NO
               : value.kind != CEL_ERROR ? RULES_YES
                                         : evaluate(program, leaf, &activation);
    case CEL_LEAF_CONTAINS:
        value = rules_read(&activation, about->first_slot);
        return value.kind == CEL_ABSENT ? RULES_UNKNOWN
               : value.kind == CEL_LIST && about->constant->kind == CEL_STRING
                   ? contains(&value, about->constant->text)
                   : evaluate(program, leaf, &activation);
    case CEL_LEAF_SAME:
    case CEL_LEAF_DIFFERS:
        return same_texts(about, &activation);
    case CEL_LEAF_COMPARES:
    case CEL_LEAF_DISTANCE:
    case CEL_LEAF_OTHER:
        whole = cel_evaluate_leaf_whole(program, leaf, rules_read_whole, scope);
        return whole < 0                  ? evaluate(program, leaf, &activation)
               : whole == CEL_WHOLE_FAILS ? RULES_UNKNOWN
               : whole != 0               ? RULES_YES
                                          : RULES_NO;
    case CEL_LEAF_MATCHES:
        break;
    }
    return evaluate(program, leaf, &activation);
}
