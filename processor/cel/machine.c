/* SPDX-License-Identifier: Apache-2.0 */
/* The machine. Its inner loop handles what predicates are made of; the rest is one call away. */
#include "cel/machine.h"

/* ---- scratch ---- */

struct cel_value cel_out_of_scratch(void)
{
    return cel_error("out of scratch memory");
}

struct cel_value *cel_take_values(struct cel_machine *machine, size_t count)
{
    return machine->scratch == NULL || count > SIZE_MAX / 64
               ? NULL
               : arena_take(machine->scratch, (count == 0 ? 1 : count) * sizeof(struct cel_value));
}

struct cel_value *cel_keep(struct cel_machine *machine, const struct cel_value *value)
{
    struct cel_value *copy = cel_take_values(machine, 1);
    if (copy != NULL) {
        *copy = *value;
    }
    return copy;
}

struct cel_value cel_some(struct cel_machine *machine, const struct cel_value *value)
{
    if (value->kind == CEL_ERROR) {
        return *value;
    }
    const struct cel_value *inner = cel_keep(machine, value);
    return inner == NULL ? cel_out_of_scratch()
                         : (struct cel_value){.kind = CEL_OPTIONAL, .inner = inner};
}

struct cel_value cel_scratch_string(struct cel_machine *machine, struct slice text)
{
    struct slice copy =
        machine->scratch == NULL ? slice_of(NULL, 0) : arena_copy(machine->scratch, text);
    return copy.data == NULL && text.size > 0 ? cel_out_of_scratch() : cel_string(copy);
}

/* ---- functions ---- */

static const char *skip_type(const char *at)
{
    char letter = *at++;
    if (letter == 'M') {
        at = skip_type(at);
    }
    return letter == 'L' || letter == 'O' || letter == 'M' ? skip_type(at) : at;
}

static bool takes(const struct cel_function *function, bool method,
                  const struct cel_value *arguments, uint32_t count)
{
    const char *at = function->signature;
    if ((*at == '.') != method) {
        return false;
    }
    at += method;
    for (uint32_t i = 0; i < count; i++) {
        enum cel_kind kind = cel_letter_kind(*at);
        if (*at == ':' || (kind != CEL_DYN && kind != arguments[i].kind)) {
            return false;
        }
        const char *next = skip_type(at);
        at = *next != '+' ? next : i + 1 < count ? at : next + 1;
    }
    return *at == ':';
}

struct cel_value cel_dispatch(struct cel_machine *machine, const struct cel_function *first,
                              bool method, const struct cel_value *arguments, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i].kind == CEL_ERROR) {
            return arguments[i];
        }
    }
    const char *name = first == NULL ? NULL : first->name;
    for (const struct cel_function *f = first;
         name != NULL && f->name != NULL && strcmp(f->name, name) == 0; f++) {
        if (takes(f, method, arguments, count)) {
            return f->call(machine, arguments, count);
        }
    }
    return cel_no_overload();
}

/* ---- single operations ---- */

struct cel_value cel_compare_values(enum cel_relation relation, const struct cel_value *a,
                                    const struct cel_value *b)
{
    if (a->kind == CEL_ERROR) {
        return *a;
    }
    if (b->kind == CEL_ERROR) {
        return *b;
    }
    if (relation == RELATION_EQ || relation == RELATION_NE) {
        return cel_bool(cel_equal(a, b) == (relation == RELATION_EQ));
    }
    int order = 0;
    if (!cel_compare(a, b, &order)) {
        return cel_no_overload();
    }
    bool less = order == -1, more = order == 1, equal = order == 0;
    return cel_bool(relation == RELATION_LT   ? less
                    : relation == RELATION_LE ? less || equal
                    : relation == RELATION_GT ? more
                                              : more || equal);
}

/* Values that predicates are made of are written and copied member by member: a whole one that was just written in
 * parts must wait, when it is loaded at once, until the parts have left the store buffer. That was a fourth of an
 * evaluation. */
static inline void set_bool(struct cel_value *out, bool b)
{
    out->kind = CEL_BOOL;
    out->nanos = 0;
    out->b = b;
}

static inline void copy(struct cel_value *out, const struct cel_value *value)
{
    if (value->kind == CEL_INT || value->kind == CEL_TIMESTAMP || value->kind == CEL_DURATION) {
        out->kind = value->kind;
        out->nanos = value->nanos;
        out->i = value->i;
    } else if (value->kind == CEL_BOOL) {
        set_bool(out, value->b);
    } else {
        *out = *value;
    }
}

static inline void compare(struct cel_value *out, unsigned relation, const struct cel_value *a,
                           const struct cel_value *b)
{
    if (LIKELY(a->kind == CEL_INT && b->kind == CEL_INT)) {
        set_bool(out, cel_compare_wholes(relation, a->i, b->i));
    } else {
        *out = cel_compare_values((enum cel_relation)relation, a, b);
    }
}

static inline struct cel_value read_slot(struct cel_machine *machine, uint32_t entry)
{
    return machine->activation->read(machine->activation, machine->program->slots[entry]);
}

/* The value that was read, or the error that there is none. */
static inline const struct cel_value *present(const struct cel_machine *machine, uint32_t entry,
                                              const struct cel_value *value)
{
    return LIKELY(value->kind != CEL_ABSENT) ? value : &machine->program->slot_missing[entry];
}

static struct cel_value has_slot(struct cel_machine *machine, uint32_t entry, bool optional)
{
    struct cel_value value =
        machine->activation->read(machine->activation, machine->program->slots[entry]);
    bool present = value.kind != CEL_ABSENT;
    if (value.kind == CEL_ERROR) {
        return value;
    }
    return !optional ? cel_bool(present) : present ? cel_some(machine, &value) : cel_none();
}

static struct cel_value unknown(struct cel_machine *machine, struct slice name)
{
    if (machine->activation->read_name != NULL) {
        return machine->activation->read_name(machine->activation, name);
    }
    return cel_error("undeclared reference");
}

static struct cel_value merge(bool is_or, const struct cel_value *a, const struct cel_value *b)
{
    if (b->kind == CEL_BOOL && b->b == is_or) {
        return *b;
    }
    return a->kind == CEL_ERROR ? *a : b->kind == CEL_ERROR ? *b : cel_no_overload();
}

static void list_add(struct cel_machine *machine, bool optional)
{
    struct cel_value *list = machine->top - 1;
    const struct cel_value *item = machine->top--;
    struct cel_value value = *item;
    if (list->kind != CEL_LIST) {
        return; /* an error already */
    }
    if (optional && value.kind == CEL_OPTIONAL) {
        if (value.inner == NULL) {
            return;
        }
        value = *value.inner;
    } else if (optional && value.kind != CEL_ERROR) {
        value = cel_no_overload();
    }
    if (value.kind == CEL_ERROR) {
        *list = value;
        return;
    }
    struct cel_value *items = (struct cel_value *)(uintptr_t)list->list.items;
    items[list->list.count++] = value;
}

static void map_put(struct cel_machine *machine, bool optional)
{
    struct cel_value *map = machine->top - 2;
    struct cel_value key = machine->top[-1], value = machine->top[0];
    machine->top -= 2;
    if (map->kind != CEL_MAP) {
        return;
    }
    if (optional && value.kind == CEL_OPTIONAL && key.kind != CEL_ERROR) {
        if (value.inner == NULL) {
            return;
        }
        value = *value.inner;
    } else if (optional && value.kind != CEL_ERROR) {
        value = cel_no_overload();
    }
    bool good = key.kind == CEL_INT || key.kind == CEL_UINT || key.kind == CEL_BOOL ||
                key.kind == CEL_STRING;
    if (key.kind == CEL_ERROR || value.kind == CEL_ERROR || !good) {
        *map = key.kind == CEL_ERROR     ? key
               : value.kind == CEL_ERROR ? value
                                         : cel_error("unsupported key type");
    } else if (cel_map_find(map, &key) != NULL) {
        *map = cel_error("Failed with repeated key");
    } else {
        struct cel_value *items = (struct cel_value *)(uintptr_t)map->list.items;
        items[(size_t)2 * map->list.count] = key;
        items[(size_t)2 * map->list.count + 1] = value;
        map->list.count++;
    }
}

struct cel_value cel_new_items(struct cel_machine *machine, enum cel_kind kind, uint32_t room)
{
    struct cel_value *items = cel_take_values(machine, (size_t)room * (kind == CEL_MAP ? 2 : 1));
    return items == NULL ? cel_out_of_scratch()
                         : (struct cel_value){.kind = kind, .list = {items, 0}};
}

/* ---- the rest of the instructions; returns where to go on ---- */

static uint32_t step_optional(struct cel_machine *machine, const struct cel_instruction *in,
                              uint32_t next)
{
    struct cel_value *top = machine->top;
    if (in->op == OP_OPTIONAL_WRAP) {
        if (in->a == 0) {
            *top = cel_some(machine, top);
        } else if (top->kind != CEL_OPTIONAL && top->kind != CEL_ERROR) {
            *top = cel_no_overload();
        }
        return next;
    }
    if (top->kind != CEL_OPTIONAL) {
        *top = top->kind == CEL_ERROR ? *top : cel_no_overload();
        return in->c;
    }
    if (top->inner == NULL) {
        return in->c;
    }
    machine->locals[in->b] = *top->inner;
    machine->top--;
    return next;
}

static uint32_t step(struct cel_machine *machine, const struct cel_instruction *in, uint32_t next)
{
    const struct cel_program *program = machine->program;
    struct cel_value *top = machine->top;
    switch (in->op) {
    case OP_HAS_SLOT:
    case OP_OPTIONAL_SLOT:
        *++machine->top = has_slot(machine, in->b, in->op == OP_OPTIONAL_SLOT);
        break;
    case OP_UNKNOWN:
        *++machine->top = unknown(machine, program->constants[in->c].text);
        break;
    case OP_STORE:
        machine->locals[in->b] = *top;
        machine->top--;
        break;
    case OP_CALL:
        machine->top = top - in->a + 1;
        *machine->top =
            cel_dispatch(machine, program->functions[in->c], in->b != 0, machine->top, in->a);
        break;
    case OP_MATCHES:
        *top = top->kind == CEL_STRING
                   ? cel_pattern_match(program->patterns[in->c], top->text, machine->scratch)
               : top->kind == CEL_ERROR ? *top
                                        : cel_no_overload();
        break;
    case OP_SELECT:
        *top = cel_select(machine, top, &program->constants[in->c], in->a);
        break;
    case OP_INDEX:
        machine->top--;
        *machine->top = cel_index(machine, machine->top, top, in->a != 0);
        break;
    case OP_LIST:
    case OP_MAP:
        *++machine->top = cel_new_items(machine, in->op == OP_LIST ? CEL_LIST : CEL_MAP, in->c);
        break;
    case OP_LIST_ADD:
        list_add(machine, in->a != 0);
        break;
    case OP_MAP_PUT:
        map_put(machine, in->a != 0);
        break;
    case OP_OPTIONAL_MAP:
    case OP_OPTIONAL_WRAP:
        return step_optional(machine, in, next);
    default:
        return cel_step_loop(machine, in, next, program->code);
    }
    return next;
}

/* A condition of ?: that is no bool: the whole becomes that error. */
static struct cel_value branch_error(const struct cel_value *condition)
{
    return condition->kind == CEL_ERROR ? *condition : cel_no_overload();
}

static inline void negate(struct cel_value *value)
{
    if (LIKELY(value->kind == CEL_BOOL)) {
        set_bool(value, !value->b);
    } else {
        *value = branch_error(value);
    }
}

static inline void join(struct cel_machine *machine, bool is_or)
{
    struct cel_value *left = machine->top - 1, *right = machine->top--;
    if (LIKELY(left->kind == CEL_BOOL && right->kind == CEL_BOOL)) {
        set_bool(left, right->b); /* the left was not decisive, or we would not be here */
    } else {
        *left = merge(is_or, left, right);
    }
}

static inline void reckon(struct cel_machine *machine, const struct cel_instruction *in)
{
    struct cel_value *left = machine->top - 1, *right = machine->top;
    int64_t whole = 0;
    if (LIKELY(left->kind == CEL_INT && right->kind == CEL_INT &&
               cel_whole_arithmetic(in->op, left->i, right->i, &whole))) {
        left->i = whole;
    } else {
        *left = cel_dispatch(machine, machine->program->functions[in->c], false, left, 2);
    }
    machine->top--;
}

static struct cel_value run(struct cel_machine *machine, uint32_t entry)
{
    const struct cel_program *program = machine->program;
    const struct cel_instruction *code = program->code;
    for (uint32_t pc = entry;;) {
        const struct cel_instruction *in = &code[pc++];
        struct cel_value *top = machine->top;
        switch (in->op) {
        case OP_RETURN:
            return LIKELY(top->kind == CEL_BOOL) ? cel_bool(top->b) : *top;
        case OP_CONSTANT:
            *++machine->top = program->constants[in->c];
            break;
        case OP_SLOT: {
            struct cel_value value = read_slot(machine, in->b);
            copy(++machine->top, present(machine, in->b, &value));
            break;
        }
        case OP_LOCAL:
            *++machine->top = machine->locals[in->b];
            break;
        case OP_JUMP:
            pc = in->c;
            break;
        case OP_UNLESS_FALSE:
            pc = top->kind == CEL_BOOL && !top->b ? in->c : pc;
            break;
        case OP_UNLESS_TRUE:
            pc = top->kind == CEL_BOOL && top->b ? in->c : pc;
            break;
        case OP_AND:
        case OP_OR:
            join(machine, in->op == OP_OR);
            break;
        case OP_BRANCH:
            if (LIKELY(top->kind == CEL_BOOL)) {
                pc = top->b ? pc : in->c;
                machine->top--;
            } else {
                *top = branch_error(top);
                pc = code[in->c - 1].c;
            }
            break;
        case OP_NOT:
            negate(top);
            break;
        case OP_COMPARE:
            compare(&top[-1], in->a, &top[-1], top);
            machine->top--;
            break;
        case OP_COMPARE_SLOT: {
            struct cel_value value = read_slot(machine, in->b);
            compare(++machine->top, in->a, present(machine, in->b, &value),
                    &program->constants[in->c]);
            break;
        }
        case OP_ADD:
        case OP_SUBTRACT:
        case OP_MULTIPLY:
        case OP_DIVIDE:
        case OP_MODULO:
            reckon(machine, in);
            break;
        default:
            pc = step(machine, in, pc);
            break;
        }
    }
}

struct cel_value cel_run(const struct cel_program *program, uint32_t entry,
                         const struct cel_activation *activation)
{
    struct cel_value stack[CEL_STACK_MAX];
    struct cel_value locals[CEL_LOCALS_MAX + 1];
    struct cel_iteration loops[CEL_LOOPS_MAX];
    struct cel_machine machine = {
        .program = program,
        .activation = activation,
        .scratch = activation->scratch,
        .zones = program->zones,
        .rounds_left = program->rounds_max,
        .top = stack,
        .locals = locals,
        .loops = loops,
    };
    stack[0] = cel_bool(false); /* below the first value: operations may look one down */
    return run(&machine, entry);
}

struct cel_value cel_evaluate(const struct cel_program *program,
                              const struct cel_activation *activation)
{
    return cel_run(program, 1, activation);
}
