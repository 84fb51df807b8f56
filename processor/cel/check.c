/* SPDX-License-Identifier: Apache-2.0 */
/* Names to slots, calls to functions, types from the leaves up. What is not known is dyn and is
 * checked when it runs; what is known to be wrong is reported here, with both types and the mend.
 */
#include <stdio.h>

#include "cel/types.h"

struct local {
    struct slice name;
    struct cel_type type;
    uint32_t index;
    const struct cel_node *bound;
};

struct checker {
    struct cel_compilation *c;
    struct local locals[CEL_LOCALS_MAX];
    uint32_t local_count;
    uint32_t loop_depth;
    bool silent; /* environment.no_check */
};

enum { QUALIFIED_SIZE_MAX = 512 };

static bool check(struct checker *k, struct cel_node *node);

static bool check_all(struct checker *k, struct cel_node *node)
{
    bool good = node->target == NULL || check(k, node->target);
    for (uint32_t i = 0; i < node->count; i++) {
        good = (node->items[i] == NULL || check(k, node->items[i])) && good;
    }
    return good;
}

static const struct local *find_local(const struct checker *k, struct slice name)
{
    for (uint32_t i = k->local_count; i > 0; i--) {
        if (slice_equal(k->locals[i - 1].name, name)) {
            return &k->locals[i - 1];
        }
    }
    return NULL;
}

static bool add_local(struct checker *k, const struct cel_node *at, struct slice name,
                      struct cel_type type)
{
    if (k->local_count == CEL_LOCALS_MAX) {
        cel_report(k->c, at->start, at->end, NULL, "more than %d variables of macros",
                   CEL_LOCALS_MAX);
        return false;
    }
    k->locals[k->local_count] = (struct local){name, type, k->local_count, NULL};
    k->local_count++;
    return true;
}

/* The dotted name that a chain of selects spells; empty when it is none. `*out_root` is its first
 * name. */
static struct slice qualified(const struct cel_node *node, char *out,
                              const struct cel_node **out_root)
{
    size_t size = 0;
    if (node->kind == NODE_NAME) {
        *out_root = node;
    } else if (node->kind == NODE_SELECT && !node->optional) {
        size = qualified(node->target, out, out_root).size;
        if (size == 0) {
            return slice_of(NULL, 0);
        }
        out[size++] = '.';
    } else {
        return slice_of(NULL, 0);
    }
    if (node->name.size == 0 || size + node->name.size + 2 > QUALIFIED_SIZE_MAX) {
        return slice_of(NULL, 0);
    }
    memcpy(out + size, node->name.data, node->name.size);
    return slice_of(out, size + node->name.size);
}

static bool resolve_exact(struct cel_compilation *c, struct cel_node *node, struct slice name)
{
    static const enum cel_kind types[] = {CEL_NULL,     CEL_BOOL,   CEL_INT,       CEL_UINT,
                                          CEL_DOUBLE,   CEL_STRING, CEL_BYTES,     CEL_LIST,
                                          CEL_MAP,      CEL_TYPE,   CEL_TIMESTAMP, CEL_DURATION,
                                          CEL_OPTIONAL, CEL_IP,     CEL_CIDR};
    const struct cel_environment *e = c->environment;
    for (uint32_t i = 0; i < e->name_count; i++) {
        if (slice_is(name, e->names[i].name)) {
            node->kind = NODE_SLOT;
            node->index = i;
            node->type = e->names[i].type;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(types) && !node->test; i++) {
        if (slice_is(name, cel_kind_name(types[i]))) {
            node->kind = NODE_LITERAL;
            node->value =
                (struct cel_value){.kind = CEL_TYPE, .text = slice_text(cel_kind_name(types[i]))};
            node->type = cel_type_of(CEL_TYPE);
            return true;
        }
    }
    return false;
}

/* Container rules: a.b.NAME, a.NAME, NAME; a leading dot means NAME alone. */
static bool resolve(struct checker *k, struct cel_node *node, struct slice name, bool rooted)
{
    char text[2 * QUALIFIED_SIZE_MAX];
    struct slice container = k->c->environment->container;
    while (!rooted && container.size > 0 && container.size + name.size + 1 < sizeof(text)) {
        int size = snprintf(text, sizeof(text), "%.*s.%.*s", SLICE_ARG(container), SLICE_ARG(name));
        if (resolve_exact(k->c, node, slice_of(text, (size_t)size))) {
            return true;
        }
        while (container.size > 0 && container.data[container.size - 1] != '.') {
            container.size--;
        }
        container.size -= container.size > 0;
    }
    return resolve_exact(k->c, node, name);
}

/* The name with something before a dot: who writes `spend` means `f.spend`. NULL: none. */
static const char *prefixed(const struct cel_environment *e, struct slice name)
{
    for (uint32_t i = 0; i < e->name_count; i++) {
        struct slice known = slice_text(e->names[i].name);
        if (known.size > name.size + 1 && known.data[known.size - name.size - 1] == '.' &&
            memcmp(known.data + known.size - name.size, name.data, name.size) == 0) {
            return e->names[i].name;
        }
    }
    return NULL;
}

static bool unknown_name(struct checker *k, struct cel_node *node, struct slice name)
{
    const struct cel_environment *e = k->c->environment;
    if (e->dynamic || k->silent) {
        node->kind = NODE_UNKNOWN;
        node->name = arena_copy(k->c->arena, name);
        return true;
    }
    const char **names = arena_take(k->c->arena, (e->name_count + 1) * sizeof(*names));
    const char *near = NULL;
    for (uint32_t i = 0; names != NULL && i < e->name_count; i++) {
        names[i] = e->names[i].name;
    }
    if (names != NULL) {
        near = diagnostic_nearest(name, names, e->name_count);
    }
    near = near == NULL ? prefixed(e, name) : near;
    char mend[200];
    (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near == NULL ? "" : near);
    cel_report(k->c, node->start, node->name_end, near == NULL ? NULL : mend, "unknown name `%.*s`",
               SLICE_ARG(name));
    return false;
}

static bool check_name(struct checker *k, struct cel_node *node)
{
    const struct local *local = node->rooted ? NULL : find_local(k, node->name);
    if (local != NULL) {
        node->kind = NODE_LOCAL;
        node->index = local->index;
        node->type = local->type;
        node->bound = local->bound;
        return true;
    }
    return resolve(k, node, node->name, node->rooted) || unknown_name(k, node, node->name);
}

/* Is any shorter beginning of the chain a declared name? Then the rest are fields of its value. */
static bool resolves_in_part(struct checker *k, const struct cel_node *node)
{
    char text[QUALIFIED_SIZE_MAX];
    const struct cel_node *root = NULL;
    for (const struct cel_node *at = node->target; at != NULL; at = at->target) {
        struct slice name = qualified(at, text, &root);
        struct cel_node probe = {.kind = NODE_NAME};
        if (name.size > 0 && resolve(k, &probe, name, root->rooted)) {
            return true;
        }
    }
    return false;
}

static bool check_select(struct checker *k, struct cel_node *node)
{
    char text[QUALIFIED_SIZE_MAX];
    const struct cel_node *root = NULL;
    struct slice name = qualified(node, text, &root);
    if (node->optional) {
        /* c.?name over a name that is declared whole. */
        node->optional = false;
        name = qualified(node, text, &root);
        node->optional = true;
    }
    bool chain = name.size > 0 && (root->rooted || find_local(k, root->name) == NULL);
    if (chain && resolve(k, node, name, root->rooted)) {
        if (node->optional && node->kind == NODE_SLOT) {
            node->type = cel_type_list(k->c, CEL_OPTIONAL, node->type);
        }
        node->type = node->test ? cel_type_of(CEL_BOOL) : node->type;
        return true;
    }
    if (chain && !resolves_in_part(k, node)) {
        return unknown_name(k, node, name);
    }
    if (!check(k, node->target)) {
        return false;
    }
    struct cel_type of = node->target->type;
    bool wrapped = of.kind == CEL_OPTIONAL;
    if (wrapped && of.element != NULL) {
        of = *of.element;
    }
    bool open = of.kind == CEL_DYN || of.kind == CEL_ABSENT || k->silent || wrapped;
    if (of.kind != CEL_MAP && !open) {
        char type[120];
        cel_type_text(&of, type, sizeof(type));
        cel_report(k->c, node->name_start, node->name_end, NULL,
                   "%s has no fields: `.%.*s` reads from a map", type, SLICE_ARG(node->name));
        return false;
    }
    node->type = of.kind == CEL_MAP && of.element != NULL ? *of.element : cel_type_of(CEL_DYN);
    if (node->optional || wrapped) {
        node->type = cel_type_list(k->c, CEL_OPTIONAL, node->type);
    }
    node->type = node->test ? cel_type_of(CEL_BOOL) : node->type;
    return true;
}

static bool check_index(struct checker *k, struct cel_node *node)
{
    if (!check_all(k, node)) {
        return false;
    }
    struct cel_type of = node->target->type, key = node->items[0]->type;
    bool wrapped = of.kind == CEL_OPTIONAL;
    if (wrapped) {
        of = of.element == NULL ? cel_type_of(CEL_DYN) : *of.element;
    }
    struct cel_type joined;
    bool open = of.kind == CEL_DYN || of.kind == CEL_ABSENT || k->silent;
    bool open_key = key.kind == CEL_DYN || key.kind == CEL_ABSENT; /* ABSENT: an element of [] */
    bool list = of.kind == CEL_LIST && (key.kind == CEL_INT || open_key);
    bool map = of.kind == CEL_MAP && (of.key == NULL || cel_type_join(k->c, *of.key, key, &joined));
    if (!open && !list && !map) {
        char types[2][120];
        cel_type_text(&of, types[0], sizeof(types[0]));
        cel_type_text(&key, types[1], sizeof(types[1]));
        cel_report(k->c, node->name_start, node->name_end, NULL, "%s cannot be indexed by %s",
                   types[0], types[1]);
        return false;
    }
    node->type = open || of.element == NULL ? cel_type_of(CEL_DYN) : *of.element;
    if (node->optional || wrapped) {
        node->type = cel_type_list(k->c, CEL_OPTIONAL, node->type);
    }
    return true;
}

/* math.abs(x) parses as a method of `math`: make it the function it is. */
static void unwrap_namespace(struct checker *k, struct cel_node *node)
{
    char text[QUALIFIED_SIZE_MAX], full[QUALIFIED_SIZE_MAX + 64];
    const struct cel_node *root = NULL;
    struct slice name =
        node->target == NULL ? slice_of(NULL, 0) : qualified(node->target, text, &root);
    if (name.size == 0 || (find_local(k, root->name) != NULL && !root->rooted)) {
        return;
    }
    int size = snprintf(full, sizeof(full), "%.*s.%.*s", SLICE_ARG(name), SLICE_ARG(node->name));
    if (size < (int)sizeof(full) && cel_function_find(slice_of(full, (size_t)size)) != NULL) {
        node->name = arena_copy(k->c->arena, slice_of(full, (size_t)size));
        node->target = NULL;
    }
}

/* Is something of it known only when it runs? */
static bool is_open(const struct cel_type *type)
{
    return type->kind == CEL_DYN || type->kind == CEL_ABSENT ||
           (type->key != NULL && is_open(type->key)) ||
           (type->element != NULL && is_open(type->element));
}

static bool is_name(const struct cel_environment *e, struct slice name)
{
    for (uint32_t i = 0; i < e->name_count; i++) {
        if (slice_is(name, e->names[i].name)) {
            return true;
        }
    }
    return false;
}

static void unknown_function(struct checker *k, const struct cel_node *node)
{
    const char *near = cel_function_nearest(node->name);
    char mend[100];
    if (is_name(k->c->environment, node->name)) { /* now() */
        near = (const char *)node->name.data;
        (void)snprintf(mend, sizeof(mend), "it is a name: write it without ()");
    } else {
        (void)snprintf(mend, sizeof(mend), "did you mean `%s`?", near == NULL ? "" : near);
    }
    cel_report(k->c, node->name_start, node->name_end, near == NULL ? NULL : mend,
               "unknown function `%.*s`", SLICE_ARG(node->name));
}

static bool check_call(struct checker *k, struct cel_node *node)
{
    unwrap_namespace(k, node);
    node->function = cel_function_find(node->name);
    if (node->function == NULL) {
        if (k->silent) {
            return check_all(k, node);
        }
        unknown_function(k, node);
        return false;
    }
    uint32_t count = 0;
    struct cel_type types[CEL_ARGUMENTS_MAX + 1];
    if (node->count > CEL_ARGUMENTS_MAX) {
        cel_report(k->c, node->start, node->end, NULL, "more than %d arguments", CEL_ARGUMENTS_MAX);
        return false;
    }
    if (!check_all(k, node)) {
        return false;
    }
    if (node->target != NULL) {
        types[count++] = node->target->type;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        types[count++] = node->items[i]->type;
    }
    struct cel_type result = cel_type_of(CEL_DYN), other;
    bool found = false, open = false;
    for (uint32_t i = 0; i < count; i++) {
        open = open || is_open(&types[i]);
    }
    /* Exact overloads stand first, and those that take anything last: with all types known the first that fits is
     * the one that will run. */
    for (const struct cel_function *f = node->function;
         f->name != NULL && slice_is(node->name, f->name) && !(found && !open); f++) {
        if (cel_signature_fits(k->c, f, node->target != NULL, types, count, &other)) {
            result = found && !cel_type_same(&result, &other) ? cel_type_of(CEL_DYN) : other;
            found = true;
        }
    }
    node->type = result;
    if (!found && !k->silent) {
        char text[300], mend[120];
        cel_describe(node, types, count, text, sizeof(text));
        cel_mend(node, types, count, mend, sizeof(mend));
        cel_report(k->c, node->name_start, node->name_end, mend[0] == '\0' ? NULL : mend,
                   "no such overload: %s", text);
        return false;
    }
    return true;
}

static bool check_bool(struct checker *k, const struct cel_node *node, const char *what)
{
    enum cel_kind kind = node->type.kind;
    if (kind == CEL_BOOL || kind == CEL_DYN || kind == CEL_ABSENT || k->silent) {
        return true;
    }
    char type[120];
    cel_type_text(&node->type, type, sizeof(type));
    const char *mend = kind == CEL_INT ? "compare it: ... > 0" : NULL;
    cel_report(k->c, node->start, node->end, mend, "%s needs a condition, not %s", what, type);
    return false;
}

static bool check_logic(struct checker *k, struct cel_node *node)
{
    const char *what = node->kind == NODE_AND ? "&&" : "||";
    node->type = cel_type_of(CEL_BOOL);
    return check_all(k, node) && check_bool(k, node->items[0], what) &&
           check_bool(k, node->items[1], what);
}

static bool check_ternary(struct checker *k, struct cel_node *node)
{
    if (!check_all(k, node) || !check_bool(k, node->items[0], "?:")) {
        return false;
    }
    if (cel_type_join(k->c, node->items[1]->type, node->items[2]->type, &node->type) || k->silent) {
        return true;
    }
    char types[2][120];
    cel_type_text(&node->items[1]->type, types[0], sizeof(types[0]));
    cel_type_text(&node->items[2]->type, types[1], sizeof(types[1]));
    cel_report(k->c, node->name_start, node->end, NULL, "the two sides of ?: differ: %s and %s",
               types[0], types[1]);
    return false;
}

/* An element of a literal: what it adds to the literal's element type. */
static bool join_element(struct checker *k, const struct cel_node *item, struct cel_type *type)
{
    struct cel_type own = item->type;
    if (item->entry) {
        if (own.kind != CEL_OPTIONAL && own.kind != CEL_DYN && !k->silent) {
            cel_report(k->c, item->start, item->end, NULL, "an element with ? is an optional");
            return false;
        }
        own = own.kind == CEL_OPTIONAL && own.element != NULL ? *own.element : cel_type_of(CEL_DYN);
    }
    if (!cel_type_join(k->c, *type, own, type)) {
        *type = cel_type_of(CEL_DYN);
    }
    return true;
}

static bool check_literal(struct checker *k, struct cel_node *node)
{
    bool map = node->kind == NODE_MAP;
    struct cel_type key = cel_type_of(CEL_ABSENT), element = key;
    if (!check_all(k, node)) {
        return false;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        const struct cel_node *item = node->items[i];
        bool is_key = map && i % 2 == 0;
        if (is_key) {
            enum cel_kind kind = item->type.kind;
            bool good = kind == CEL_INT || kind == CEL_UINT || kind == CEL_BOOL ||
                        kind == CEL_STRING || kind == CEL_DYN;
            if (!good && !k->silent) {
                cel_report(k->c, item->start, item->end, NULL,
                           "a key is int, uint, bool or string");
                return false;
            }
            if (!cel_type_join(k->c, key, item->type, &key)) {
                key = cel_type_of(CEL_DYN);
            }
        } else if (!join_element(k, item, &element)) {
            return false;
        }
    }
    node->type = map ? cel_type_map(k->c, key, element) : cel_type_list(k->c, CEL_LIST, element);
    return true;
}

/* The types of a loop's variables by what it runs over. */
static bool range_types(struct checker *k, const struct cel_node *node, struct cel_type out[2])
{
    struct cel_type range = node->target->type;
    struct cel_type key = range.key == NULL ? cel_type_of(CEL_DYN) : *range.key;
    struct cel_type element = range.element == NULL ? cel_type_of(CEL_DYN) : *range.element;
    bool two = node->variable_count == 2;
    bool open = range.kind == CEL_DYN || range.kind == CEL_ABSENT || k->silent;
    if (range.kind == CEL_LIST) {
        out[0] = two ? cel_type_of(CEL_INT) : element;
    } else if (range.kind == CEL_MAP) {
        out[0] = key;
    } else if (open) {
        out[0] = element = cel_type_of(CEL_DYN);
    } else {
        char type[120];
        cel_type_text(&range, type, sizeof(type));
        cel_report(k->c, node->target->start, node->target->end, NULL,
                   "%.*s runs over a list or a map, not %s", SLICE_ARG(node->name), type);
        return false;
    }
    out[1] = element;
    return true;
}

static struct cel_type loop_type(struct checker *k, const struct cel_node *node,
                                 struct cel_type first)
{
    struct cel_type made = node->items[1] == NULL ? first : node->items[1]->type;
    switch ((int)node->loop) {
    case LOOP_LIST:
        return cel_type_list(k->c, CEL_LIST, made);
    case LOOP_MAP:
        return cel_type_map(k->c, first, made);
    case LOOP_ENTRY:
        return made.kind == CEL_MAP
                   ? made
                   : cel_type_map(k->c, cel_type_of(CEL_DYN), cel_type_of(CEL_DYN));
    default:
        return cel_type_of(CEL_BOOL);
    }
}

static bool check_loop(struct checker *k, struct cel_node *node)
{
    struct cel_type types[2];
    if (!check(k, node->target) || !range_types(k, node, types)) {
        return false;
    }
    if (k->loop_depth == CEL_LOOPS_MAX) {
        cel_report(k->c, node->name_start, node->name_end, NULL,
                   "more than %d macros inside each other", CEL_LOOPS_MAX);
        return false;
    }
    uint32_t before = k->local_count;
    node->index = before;
    bool good = true;
    for (uint32_t i = 0; i < node->variable_count; i++) {
        good = good && add_local(k, node, node->variables[i], types[i]);
    }
    k->loop_depth++;
    for (uint32_t i = 0; i < 2; i++) {
        good = (node->items[i] == NULL || check(k, node->items[i])) && good;
    }
    k->loop_depth--;
    k->local_count = before;
    node->type = good ? loop_type(k, node, types[0]) : cel_type_of(CEL_DYN);
    return good && (node->items[0] == NULL || check_bool(k, node->items[0], "a macro"));
}

/* cel.bind, optMap, cel.block: values with names, then a body. */
static bool check_bind(struct checker *k, struct cel_node *node)
{
    uint32_t before = k->local_count;
    node->index = before;
    bool good = node->target == NULL || check(k, node->target);
    if (node->kind == NODE_BLOCK) {
        for (uint32_t i = 0; good && i + 1 < node->count; i++) {
            char name[24];
            (void)snprintf(name, sizeof(name), "@index:%u", i);
            good =
                check(k, node->items[i]) &&
                add_local(k, node, arena_copy(k->c->arena, slice_text(name)), node->items[i]->type);
            if (good) {
                k->locals[k->local_count - 1].bound = node->items[i];
            }
        }
    } else if (good && node->target != NULL) {
        struct cel_type type = node->target->type;
        if (node->kind == NODE_OPTIONAL_MAP) {
            type = type.kind == CEL_OPTIONAL && type.element != NULL ? *type.element
                                                                     : cel_type_of(CEL_DYN);
        }
        good = add_local(k, node, node->variables[0], type);
        if (good && node->kind == NODE_BIND) {
            k->locals[k->local_count - 1].bound = node->target;
        }
    }
    struct cel_node *body = node->items[node->count - 1];
    good = good && check(k, body);
    k->local_count = before;
    node->type = body->type;
    if (node->kind == NODE_OPTIONAL_MAP && !node->optional) {
        node->type = cel_type_list(k->c, CEL_OPTIONAL, body->type);
    }
    return good;
}

static bool check(struct checker *k, struct cel_node *node)
{
    switch ((int)node->kind) {
    case NODE_LITERAL:
        node->type = cel_type_of(node->value.kind);
        return true;
    case NODE_NAME:
        return check_name(k, node);
    case NODE_SELECT:
        return check_select(k, node);
    case NODE_INDEX:
        return check_index(k, node);
    case NODE_CALL:
        return check_call(k, node);
    case NODE_LIST:
    case NODE_MAP:
        return check_literal(k, node);
    case NODE_AND:
    case NODE_OR:
        return check_logic(k, node);
    case NODE_TERNARY:
        return check_ternary(k, node);
    case NODE_LOOP:
        return check_loop(k, node);
    default:
        return check_bind(k, node);
    }
}

bool cel_check(struct cel_compilation *c, struct cel_node *root)
{
    struct checker checker = {.c = c, .silent = c->environment->no_check};
    return check(&checker, root) && !c->failed;
}
