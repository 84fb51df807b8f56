/* SPDX-License-Identifier: Apache-2.0 */
/* Macros at work: a loop over a list or a map, its result on the stack below each round. */
#include "cel/machine.h"

/* ---- loops: range popped, result so far pushed ---- */

static bool loop_begin(struct cel_machine *machine, const struct cel_instruction *in)
{
    struct cel_value *top = machine->top;
    struct cel_iteration *loop = &machine->loops[in->a];
    loop->range = *top;
    loop->at = 0;
    if (top->kind != CEL_LIST && top->kind != CEL_MAP) {
        *top = top->kind == CEL_ERROR ? *top : cel_no_overload();
        return false;
    }
    uint32_t count = top->list.count;
    switch (in->b) {
    case LOOP_ALL:
    case LOOP_EXISTS:
        *top = cel_bool(in->b == LOOP_ALL);
        break;
    case LOOP_ONE:
        *top = cel_int(0);
        break;
    default:
        *top = cel_new_items(machine, in->b == LOOP_LIST ? CEL_LIST : CEL_MAP, count);
        break;
    }
    return top->kind != CEL_ERROR;
}

static bool loop_next(struct cel_machine *machine, const struct cel_instruction *in)
{
    struct cel_iteration *loop = &machine->loops[in->a];
    if (loop->at == loop->range.list.count) {
        return false;
    }
    if (machine->rounds_left-- == 0) {
        *machine->top = cel_error("the evaluation exceeds its cost bound");
        machine->rounds_left = 0;
        return false;
    }
    uint32_t i = loop->at++;
    struct cel_value *local = &machine->locals[in->b & 0xff];
    const struct cel_value *items = loop->range.list.items;
    bool map = loop->range.kind == CEL_MAP, two = in->b >> 8 == 2;
    local[0] = map ? items[(size_t)2 * i] : two ? cel_int(i) : items[i];
    if (two) {
        local[1] = map ? items[(size_t)2 * i + 1] : items[i];
    }
    return true;
}

/* all, exists, exists_one: true to go on with the next round. */
static bool loop_decide(struct cel_machine *machine, unsigned kind)
{
    struct cel_value *result = machine->top - 1;
    struct cel_value value = *machine->top--;
    if (value.kind != CEL_BOOL && value.kind != CEL_ERROR) {
        value = cel_no_overload();
    }
    if (kind == LOOP_ONE) {
        if (value.kind == CEL_ERROR) {
            *result = value;
            return false;
        }
        result->i += value.b;
        return true;
    }
    if (value.kind == CEL_BOOL && value.b == (kind == LOOP_EXISTS)) {
        *result = value;
        return false;
    }
    if (value.kind == CEL_ERROR && result->kind != CEL_ERROR) {
        *result = value;
    }
    return true;
}

static void append_to_map(struct cel_machine *machine, struct cel_value *map,
                          const struct cel_value *key, const struct cel_value *value)
{
    if (cel_map_find(map, key) != NULL) {
        *map = cel_error("Failed with repeated key");
        return;
    }
    struct cel_value *items = (struct cel_value *)(uintptr_t)map->list.items;
    (void)machine;
    items[(size_t)2 * map->list.count] = *key;
    items[(size_t)2 * map->list.count + 1] = *value;
    map->list.count++;
}

static void merge_entry(struct cel_machine *machine, struct cel_value *map,
                        const struct cel_value *entry)
{
    if (entry->list.count > 1) {
        /* More entries than rounds: move to a bigger place. */
        struct cel_value bigger =
            cel_new_items(machine, CEL_MAP, map->list.count + entry->list.count + 1024);
        if (bigger.kind == CEL_ERROR) {
            *map = bigger;
            return;
        }
        memcpy((struct cel_value *)(uintptr_t)bigger.list.items, map->list.items,
               2 * sizeof(struct cel_value) * map->list.count);
        bigger.list.count = map->list.count;
        *map = bigger;
    }
    for (uint32_t i = 0; i < entry->list.count && map->kind == CEL_MAP; i++) {
        append_to_map(machine, map, &entry->list.items[(size_t)2 * i],
                      &entry->list.items[(size_t)2 * i + 1]);
    }
}

/* map, filter, transform*: the value on top joins the result. False: an error ended the loop. */
static bool loop_append(struct cel_machine *machine, const struct cel_instruction *in)
{
    struct cel_value *result = machine->top - 1;
    struct cel_value value = *machine->top--;
    const struct cel_iteration *loop = &machine->loops[in->a];
    if (value.kind == CEL_ERROR) {
        *result = value;
        return false;
    }
    if (in->b == LOOP_LIST) {
        struct cel_value *items = (struct cel_value *)(uintptr_t)result->list.items;
        items[result->list.count++] = value;
        return true;
    }
    uint32_t i = loop->at - 1;
    if (in->b == LOOP_ENTRY) {
        if (value.kind != CEL_MAP) {
            *result = cel_no_overload();
        } else {
            merge_entry(machine, result, &value);
        }
    } else {
        bool map = loop->range.kind == CEL_MAP;
        struct cel_value key = map ? loop->range.list.items[(size_t)2 * i] : cel_int(i);
        append_to_map(machine, result, &key, &value);
    }
    return result->kind != CEL_ERROR;
}

/* The condition of filter, map(x, p, t) ..: 1 go on to the transform, 0 next round, -1 error. */
static int loop_filter(struct cel_machine *machine, const struct cel_instruction *in)
{
    struct cel_value *result = machine->top - 1;
    struct cel_value value = *machine->top--;
    if (value.kind != CEL_BOOL) {
        *result = value.kind == CEL_ERROR ? value : cel_no_overload();
        return -1;
    }
    if (!value.b || in->b == 0) {
        return value.b;
    }
    const struct cel_iteration *loop = &machine->loops[in->a];
    uint32_t i = loop->at - 1;
    struct cel_value *items = (struct cel_value *)(uintptr_t)result->list.items;
    items[result->list.count++] =
        loop->range.list.items[loop->range.kind == CEL_MAP ? (size_t)2 * i : i];
    return 0;
}

uint32_t cel_step_loop(struct cel_machine *machine, const struct cel_instruction *in, uint32_t next,
                       const struct cel_instruction *code)
{
    int go = 1;
    switch (in->op) {
    case OP_LOOP:
        return loop_begin(machine, in) ? next : in->c;
    case OP_LOOP_NEXT:
        return loop_next(machine, in) ? next : in->c;
    case OP_LOOP_DECIDE: /* c: the OP_LOOP_NEXT, whose c is the end */
        return loop_decide(machine, in->b) ? in->c : code[in->c].c;
    case OP_LOOP_FILTER:
        go = loop_filter(machine, in);
        return go == 1 ? next : go == 0 ? in->c : code[in->c].c;
    case OP_LOOP_APPEND:
        return loop_append(machine, in) ? in->c : code[in->c].c;
    default: /* OP_LOOP_END */
        if (in->b == LOOP_ONE && machine->top->kind == CEL_INT) {
            *machine->top = cel_bool(machine->top->i == 1);
        }
        return next;
    }
}
