/* SPDX-License-Identifier: Apache-2.0 */
/* Tree to bytecode. Parts that read no name are run at once and become constants; patterns become
 * automata; the worst cost is added up on the way and compared with the environment's bound. */
#include "cel/leaves.h"

enum { CONSTANTS_MAX = 20000, FUNCTIONS_MAX = 4096, PATTERNS_MAX = 256, SLOTS_MAX = 1024 };

struct emitter {
    struct cel_compilation *c;
    struct cel_instruction *code;
    struct cel_value *constants;
    const struct cel_function **functions;
    const struct cel_pattern **patterns;
    uint32_t *slots;
    struct cel_value *missing;
    uint32_t code_room, constant_room;
    uint32_t code_count, constant_count, function_count, pattern_count, slot_count;
    uint32_t level;   /* of loops */
    uint32_t depth;   /* of the stack */
    uint32_t guarded; /* inside &&, ||, ?:, macros: an error may never happen */
    struct cel_program *program;
};

static bool emit(struct emitter *e, struct cel_node *node);

static bool fail(struct emitter *e, const struct cel_node *node, const char *what)
{
    cel_report(e->c, node->start, node->end, NULL, "%s", what);
    return false;
}

/* Make room for one more of `size` bytes; arrays double in the arena. */
static void *grown(struct emitter *e, void *list, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room) {
        return list;
    }
    void *more = arena_take(e->c->arena, 2 * (size_t)*room * size);
    if (more != NULL) {
        memcpy(more, list, *room * size);
        *room *= 2;
    }
    return more;
}

static bool put(struct emitter *e, const struct cel_node *node, enum cel_op op, unsigned a,
                unsigned b, uint32_t c)
{
    void *code = grown(e, e->code, e->code_count, &e->code_room, sizeof(*e->code));
    if (code == NULL || e->code_count >= CEL_PROGRAM_CODE_MAX || e->depth + 8 > CEL_STACK_MAX) {
        return fail(e, node, "the expression is too large");
    }
    e->code = code;
    e->program->code = code;
    e->code[e->code_count++] = (struct cel_instruction){(uint8_t)op, (uint8_t)a, (uint16_t)b, c};
    return true;
}

static bool put_constant(struct emitter *e, const struct cel_node *node, struct cel_value value,
                         uint32_t *out)
{
    void *constants =
        grown(e, e->constants, e->constant_count, &e->constant_room, sizeof(*e->constants));
    if (constants == NULL || e->constant_count >= CONSTANTS_MAX) {
        return fail(e, node, "too many constants");
    }
    e->constants = constants;
    e->program->constants = constants;
    *out = e->constant_count;
    e->constants[e->constant_count++] = value;
    return true;
}

static bool emit_constant(struct emitter *e, const struct cel_node *node, struct cel_value value)
{
    uint32_t index = 0;
    return put_constant(e, node, value, &index) && put(e, node, OP_CONSTANT, 0, 0, index);
}

/* The entry of a declared name in the program's slots. */
static bool slot_entry(struct emitter *e, const struct cel_node *node, uint32_t *out)
{
    const struct cel_name *name = &e->c->environment->names[node->index];
    for (uint32_t i = 0; i < e->slot_count; i++) {
        if (e->slots[i] == name->slot) {
            *out = i;
            return true;
        }
    }
    size_t size = strlen(name->name);
    char *text = arena_take(e->c->arena, size + 9);
    if (e->slot_count == SLOTS_MAX || text == NULL) {
        return fail(e, node, "too many names in one expression");
    }
    memcpy(text, "missing:", 8);
    memcpy(text + 8, name->name, size + 1);
    e->slots[e->slot_count] = name->slot;
    e->missing[e->slot_count] = cel_error(text);
    *out = e->slot_count++;
    return true;
}

static bool emit_slot(struct emitter *e, struct cel_node *node)
{
    uint32_t entry = 0;
    enum cel_op op = node->test ? OP_HAS_SLOT : node->optional ? OP_OPTIONAL_SLOT : OP_SLOT;
    return slot_entry(e, node, &entry) && put(e, node, op, 0, entry, 0);
}

static bool emit_logic(struct emitter *e, struct cel_node *node)
{
    bool is_and = node->kind == NODE_AND;
    if (!emit(e, node->items[0]) ||
        !put(e, node, is_and ? OP_UNLESS_FALSE : OP_UNLESS_TRUE, 0, 0, 0)) {
        return false;
    }
    uint32_t jump = e->code_count - 1;
    e->depth++;
    bool good = emit(e, node->items[1]) && put(e, node, is_and ? OP_AND : OP_OR, 0, 0, 0);
    e->depth--;
    e->code[jump].c = e->code_count;
    return good;
}

static bool emit_ternary(struct emitter *e, struct cel_node *node)
{
    if (!emit(e, node->items[0]) || !put(e, node, OP_BRANCH, 0, 0, 0)) {
        return false;
    }
    uint32_t branch = e->code_count - 1;
    if (!emit(e, node->items[1]) || !put(e, node, OP_JUMP, 0, 0, 0)) {
        return false;
    }
    uint32_t jump = e->code_count - 1;
    e->code[branch].c = e->code_count;
    bool good = emit(e, node->items[2]);
    e->code[jump].c = e->code_count;
    return good;
}

static bool emit_items(struct emitter *e, struct cel_node *node)
{
    bool map = node->kind == NODE_MAP;
    uint32_t depth = e->depth;
    bool good = put(e, node, map ? OP_MAP : OP_LIST, 0, 0, map ? node->count / 2 : node->count);
    e->depth++;
    for (uint32_t i = 0; good && i < node->count; i++) {
        struct cel_node *item = node->items[i];
        good = emit(e, item);
        e->depth += map && i % 2 == 0;
        if (good && (!map || i % 2 == 1)) {
            good = put(e, node, map ? OP_MAP_PUT : OP_LIST_ADD, item->entry, 0, 0);
            e->depth = depth + 1;
        }
    }
    e->depth = depth;
    return good;
}

static bool emit_loop(struct emitter *e, struct cel_node *node)
{
    uint32_t level = e->level, depth = e->depth;
    if (!emit(e, node->target) || !put(e, node, OP_LOOP, level, node->loop, 0)) {
        return false;
    }
    uint32_t begin = e->code_count - 1;
    uint32_t next = e->code_count;
    bool decides = node->loop <= LOOP_ONE;
    bool good = put(e, node, OP_LOOP_NEXT, level, node->index | node->variable_count << 8, 0);
    e->level++;
    e->depth++;
    if (good && node->items[0] != NULL) {
        bool keeps = node->items[1] == NULL;
        good = emit(e, node->items[0]) && put(e, node, decides ? OP_LOOP_DECIDE : OP_LOOP_FILTER,
                                              level, decides ? node->loop : keeps, next);
    }
    if (good && node->items[1] != NULL) {
        good = emit(e, node->items[1]) && put(e, node, OP_LOOP_APPEND, level, node->loop, next);
    } else if (good && !decides) {
        good = put(e, node, OP_JUMP, 0, 0, next);
    }
    e->level = level;
    e->depth = depth;
    if (good) {
        e->code[begin].c = e->code[next].c = e->code_count;
    }
    return good && put(e, node, OP_LOOP_END, 0, node->loop, 0);
}

static bool emit_bind(struct emitter *e, struct cel_node *node)
{
    if (node->kind == NODE_BLOCK) {
        for (uint32_t i = 0; i + 1 < node->count; i++) {
            if (!emit(e, node->items[i]) || !put(e, node, OP_STORE, 0, node->index + i, 0)) {
                return false;
            }
        }
        return emit(e, node->items[node->count - 1]);
    }
    bool optional = node->kind == NODE_OPTIONAL_MAP;
    if (!emit(e, node->target) ||
        !put(e, node, optional ? OP_OPTIONAL_MAP : OP_STORE, 0, node->index, 0)) {
        return false;
    }
    uint32_t begin = e->code_count - 1;
    if (!emit(e, node->items[0]) ||
        (optional && !put(e, node, OP_OPTIONAL_WRAP, node->optional, 0, 0))) {
        return false;
    }
    e->code[begin].c = optional ? e->code_count : 0;
    return true;
}

/* x.matches('literal') : the pattern is compiled now. */
static bool emit_matches(struct emitter *e, struct cel_node *node, const struct cel_value *pattern,
                         struct cel_node *text)
{
    const char *error = NULL;
    const struct cel_pattern *compiled = cel_pattern_compile(pattern->text, e->c->arena, &error);
    if (compiled == NULL && e->c->environment->dynamic) {
        return emit_constant(e, node, cel_error(error));
    }
    if (compiled == NULL || e->pattern_count == PATTERNS_MAX) {
        return fail(e, node, compiled == NULL ? error : "too many patterns");
    }
    uint32_t index = e->pattern_count++; /* the text may have patterns of its own */
    e->patterns[index] = compiled;
    return emit(e, text) && put(e, node, OP_MATCHES, 0, 0, index);
}

static bool function_entry(struct emitter *e, const struct cel_node *node, uint32_t *out)
{
    for (uint32_t i = 0; i < e->function_count; i++) {
        if (e->functions[i] == node->function) {
            *out = i;
            return true;
        }
    }
    if (e->function_count == FUNCTIONS_MAX) {
        return fail(e, node, "too many functions");
    }
    e->functions[e->function_count] = node->function;
    *out = e->function_count++;
    return true;
}

static bool emit_arguments(struct emitter *e, struct cel_node *node)
{
    uint32_t depth = e->depth;
    bool good = node->target == NULL || emit(e, node->target);
    e->depth += node->target != NULL;
    for (uint32_t i = 0; good && i < node->count; i++) {
        good = emit(e, node->items[i]);
        e->depth++;
    }
    e->depth = depth;
    return good;
}

static bool emit_call(struct emitter *e, struct cel_node *node)
{
    int relation = node->target == NULL && node->count == 2 ? cel_relation_of(node->name) : -1;
    uint32_t index = 0;
    bool matches = slice_is(node->name, "matches") && node->count + (node->target != NULL) == 2;
    struct cel_node *last = node->count > 0 ? node->items[node->count - 1] : NULL;
    if (matches && last->kind == NODE_LITERAL && last->value.kind == CEL_STRING) {
        return emit_matches(e, node, &last->value,
                            node->target != NULL ? node->target : node->items[0]);
    }
    if (relation >= 0) {
        struct cel_node *left = node->items[0];
        bool direct =
            left->kind == NODE_SLOT && !left->test && !left->optional && last->kind == NODE_LITERAL;
        if (direct) {
            uint32_t entry = 0;
            return slot_entry(e, left, &entry) && put_constant(e, node, last->value, &index) &&
                   put(e, node, OP_COMPARE_SLOT, (unsigned)relation, entry, index);
        }
        return emit_arguments(e, node) && put(e, node, OP_COMPARE, (unsigned)relation, 0, 0);
    }
    if (node->count == 1 && slice_is(node->name, "!_")) {
        return emit(e, node->items[0]) && put(e, node, OP_NOT, 0, 0, 0);
    }
    static const char *const arithmetic[] = {"_+_", "_-_", "_*_", "_/_", "_%_"};
    for (unsigned i = 0; i < ARRAY_COUNT(arithmetic); i++) {
        if (slice_is(node->name, arithmetic[i])) {
            return emit_arguments(e, node) && function_entry(e, node, &index) &&
                   put(e, node, (enum cel_op)(OP_ADD + i), 0, 0, index);
        }
    }
    return emit_arguments(e, node) && function_entry(e, node, &index) &&
           put(e, node, OP_CALL, node->count + (node->target != NULL), node->target != NULL, index);
}

static bool emit_member(struct emitter *e, struct cel_node *node)
{
    uint32_t index = 0;
    if (node->kind == NODE_SELECT) {
        unsigned flags = (node->optional ? SELECT_OPTIONAL : 0U) | (node->test ? SELECT_TEST : 0U);
        return emit(e, node->target) && put_constant(e, node, cel_string(node->name), &index) &&
               put(e, node, OP_SELECT, flags, 0, index);
    }
    e->depth++;
    bool good = emit(e, node->target) && emit(e, node->items[0]) &&
                put(e, node, OP_INDEX, node->optional, 0, 0);
    e->depth--;
    return good;
}

static bool emit_kind(struct emitter *e, struct cel_node *node)
{
    uint32_t index = 0;
    switch ((int)node->kind) {
    case NODE_LITERAL:
        return emit_constant(e, node, node->value);
    case NODE_SLOT:
        return emit_slot(e, node);
    case NODE_LOCAL:
        return put(e, node, OP_LOCAL, 0, node->index, 0);
    case NODE_UNKNOWN:
        return put_constant(e, node, cel_string(node->name), &index) &&
               put(e, node, OP_UNKNOWN, 0, 0, index);
    case NODE_SELECT:
    case NODE_INDEX:
        return emit_member(e, node);
    case NODE_LIST:
    case NODE_MAP:
        return emit_items(e, node);
    case NODE_AND:
    case NODE_OR:
        return emit_logic(e, node);
    case NODE_TERNARY:
        return emit_ternary(e, node);
    case NODE_LOOP:
        return emit_loop(e, node);
    case NODE_CALL:
        return emit_call(e, node);
    default:
        return emit_bind(e, node);
    }
}

static bool is_constant(const struct cel_node *node)
{
    bool foldable = node->kind == NODE_CALL || node->kind == NODE_LIST || node->kind == NODE_MAP ||
                    node->kind == NODE_SELECT || node->kind == NODE_INDEX;
    bool constant = foldable && (node->target == NULL || node->target->constant);
    for (uint32_t i = 0; constant && i < node->count; i++) {
        constant = node->items[i]->constant;
    }
    return constant || node->kind == NODE_LITERAL;
}

static struct cel_value nothing(const struct cel_activation *activation, uint32_t slot)
{
    (void)activation;
    (void)slot;
    return (struct cel_value){.kind = CEL_ABSENT};
}

/* The code since `start` reads nothing: run it and keep its value. */
static bool fold(struct emitter *e, struct cel_node *node, uint32_t start)
{
    const struct cel_activation activation = {.read = nothing, .scratch = e->c->arena};
    if (!put(e, node, OP_RETURN, 0, 0, 0)) {
        return false;
    }
    e->program->functions = e->functions;
    e->program->patterns = e->patterns;
    size_t used = e->c->arena->used;
    struct cel_value value = cel_run(e->program, start, &activation);
    e->code_count--;
    if (value.kind == CEL_ERROR) {
        e->c->arena->used = used > e->c->arena->used ? e->c->arena->used : used;
        node->constant = false;
        if (!e->c->environment->dynamic && e->guarded == 0) {
            char text[200];
            (void)cel_format(&value, text, sizeof(text));
            return fail(e, node, text);
        }
        return true;
    }
    e->code_count = start;
    node->kind = NODE_LITERAL;
    node->value = value;
    return emit_constant(e, node, value);
}

static bool emit(struct emitter *e, struct cel_node *node)
{
    uint32_t start = e->code_count;
    bool guards = node->kind == NODE_AND || node->kind == NODE_OR || node->kind == NODE_TERNARY ||
                  node->kind == NODE_LOOP || node->kind == NODE_BIND || node->kind == NODE_BLOCK;
    e->guarded += guards;
    bool good = emit_kind(e, node);
    e->guarded -= guards;
    if (!good) {
        return false;
    }
    node->constant = is_constant(node);
    return !node->constant || node->kind == NODE_LITERAL || fold(e, node, start);
}

/* ---- leaves ---- */

static bool emit_part(struct emitter *e, struct cel_node *node, uint32_t *out_entry)
{
    *out_entry = e->code_count;
    return emit(e, node) && put(e, node, OP_RETURN, 0, 0, 0);
}

static bool emit_leaf(struct emitter *e, struct cel_node *node, struct cel_leaf *leaf,
                      uint32_t entries[3])
{
    bool sides = leaf->comparison;
    bool good = emit_part(e, node, &entries[0]);
    if (good && leaf->form == CEL_LEAF_MATCHES) {
        leaf->pattern = e->patterns[e->pattern_count - 1];
    }
    good = good && emit_part(e, sides ? node->items[0] : node, &entries[1]) &&
           (!sides || emit_part(e, node->items[1], &entries[2]));
    leaf->constant_left = sides && node->items[0]->constant && !node->items[1]->constant;
    return good;
}

static bool emit_leaves(struct emitter *e, struct cel_node *root)
{
    struct cel_leaf_list list;
    cel_leaves_gather(root, &list);
    struct cel_leaf *leaves = arena_take(e->c->arena, (list.count + 1) * sizeof(*leaves));
    uint32_t(*entries)[3] = arena_take(e->c->arena, (list.count + 1) * sizeof(*entries));
    struct cel_logic *logic = arena_take(e->c->arena, (list.logic_count + 1) * sizeof(*logic));
    bool *whole = arena_take(e->c->arena, list.count + 1);
    const struct cel_linear **linear =
        arena_take(e->c->arena, (list.count + 1) * sizeof(const struct cel_linear *));
    bool good =
        leaves != NULL && entries != NULL && logic != NULL && whole != NULL && linear != NULL;
    for (uint32_t i = 0; good && i < list.count; i++) {
        good = cel_leaf_describe(e->c, list.nodes[i], &leaves[i]);
    }
    if (!good) {
        return fail(e, root, "out of memory for the expression");
    }
    memcpy(logic, list.logic, list.logic_count * sizeof(*logic));
    e->guarded++;
    for (uint32_t i = 0; good && i < list.count; i++) {
        good = emit_leaf(e, list.nodes[i], &leaves[i], entries[i]);
        whole[i] = good && cel_is_whole(e->program, entries[i][0], e->code_count);
        linear[i] =
            good ? cel_linear_of(e->program, entries[i][0], e->code_count, e->c->arena) : NULL;
    }
    e->guarded--;
    e->program->leaves = leaves;
    e->program->leaf_code = (const uint32_t(*)[3])entries;
    e->program->leaf_whole = whole;
    e->program->leaf_linear = linear;
    e->program->leaf_count = list.count;
    e->program->logic = logic;
    e->program->logic_count = list.logic_count;
    return good;
}

/* ---- all of it ---- */

static bool prepare(struct emitter *e)
{
    struct arena *arena = e->c->arena;
    e->code_room = 64;
    e->constant_room = 16;
    e->program = arena_take(arena, sizeof(*e->program));
    e->code = arena_take(arena, e->code_room * sizeof(*e->code));
    e->constants = arena_take(arena, e->constant_room * sizeof(*e->constants));
    return e->program != NULL && e->code != NULL && e->constants != NULL;
}

/* What grew in temporary arrays moves to the program at its true size. */
static bool settle(struct emitter *e)
{
    struct arena *arena = e->c->arena;
    uint32_t *slots = arena_take(arena, (e->slot_count + 1) * sizeof(*slots));
    struct cel_value *missing = arena_take(arena, (e->slot_count + 1) * sizeof(*missing));
    const struct cel_function **functions =
        arena_take(arena, (e->function_count + 1) * sizeof(*functions));
    const struct cel_pattern **patterns =
        arena_take(arena, (e->pattern_count + 1) * sizeof(*patterns));
    if (slots == NULL || missing == NULL || functions == NULL || patterns == NULL) {
        return false;
    }
    memcpy(slots, e->slots, e->slot_count * sizeof(*slots));
    memcpy(missing, e->missing, e->slot_count * sizeof(*missing));
    memcpy(functions, e->functions, e->function_count * sizeof(*functions));
    memcpy(patterns, e->patterns, e->pattern_count * sizeof(*patterns));
    e->program->slots = slots;
    e->program->slot_missing = missing;
    e->program->functions = functions;
    e->program->patterns = patterns;
    e->program->slot_count = e->slot_count;
    return true;
}

const struct cel_program *cel_emit(struct cel_compilation *c, struct cel_node *root)
{
    const struct cel_function *functions[FUNCTIONS_MAX];
    const struct cel_pattern *patterns[PATTERNS_MAX];
    uint32_t slots[SLOTS_MAX];
    struct cel_value missing[SLOTS_MAX];
    struct emitter e = {
        .c = c, .functions = functions, .patterns = patterns, .slots = slots, .missing = missing};
    uint64_t bound = c->environment->cost_max == 0 ? CEL_COST_MAX : c->environment->cost_max;
    if (!prepare(&e)) {
        cel_report(c, 0, 1, NULL, "out of memory for the expression");
        return NULL;
    }
    e.program->zones = c->environment->zones;
    e.program->environment = c->environment;
    e.program->text = c->text;
    e.program->rounds_max = bound;
    e.program->cost = cel_cost(c->environment, root);
    if (e.program->cost > bound) {
        cel_report(c, root->start, root->end, "fewer macros inside each other, or shorter lists",
                   "costs up to %llu steps, more than the bound of %llu",
                   (unsigned long long)e.program->cost, (unsigned long long)bound);
        return NULL;
    }
    if (!put(&e, root, OP_RETURN, 0, 0, 0) || !emit(&e, root) ||
        !put(&e, root, OP_RETURN, 0, 0, 0)) {
        return NULL;
    }
    e.program->type = root->type;
    e.program->whole = cel_is_whole(e.program, 1, e.code_count);
    e.program->linear = cel_linear_of(e.program, 1, e.code_count, c->arena);
    if (!emit_leaves(&e, root) || !settle(&e)) {
        return NULL;
    }
    return c->failed ? NULL : e.program;
}
