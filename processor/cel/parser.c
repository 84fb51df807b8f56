/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens to a tree, by recursive descent over the spec's grammar:
 *
 *   expr  = or ["?" or ":" expr]          unary  = member | "!"+ member | "-"+ member
 *   or    = [or "||"] and                 member = primary | member "." ["?"] NAME ["(" args ")"]
 *   and   = [and "&&"] relation                  | member "[" ["?"] expr "]"
 *   relation = [relation OP] addition     primary = ["."] NAME ["(" args ")"] | "(" expr ")" |
 * literal addition = [addition (+|-)] product           | "[" [["?"] expr, ...] "]" | "{" [["?"] k
 * ":" v, ...] "}" product  = [product (*|/|%)] unary
 *
 * Depth is limited twice: of the descent (the C stack) and of the tree. */
#include <stdio.h>

#include "cel/ast.h"

struct parser {
    struct cel_compilation *c;
    struct cel_token token; /* the one looked at */
    uint32_t last_end;      /* where the one before ended */
    uint32_t depth;
};

enum { ITEMS_MAX = 4096 };

static struct cel_node *parse_expression(struct parser *p);

static bool fail(struct parser *p, const char *what)
{
    if (!p->c->failed) {
        cel_report(p->c, p->token.start, p->token.end, NULL, "%s", what);
    }
    return false;
}

static void advance(struct parser *p)
{
    p->last_end = p->token.end;
    p->token = cel_lex(p->c, p->token.end);
}

static bool is_symbol(const struct parser *p, uint32_t symbol)
{
    return p->token.kind == TOKEN_SYMBOL && p->token.symbol == symbol;
}

static bool accept(struct parser *p, uint32_t symbol)
{
    bool yes = is_symbol(p, symbol);
    if (yes) {
        advance(p);
    }
    return yes;
}

static struct slice token_text(const struct parser *p)
{
    return slice_of(p->c->text.data + p->token.start, p->token.end - p->token.start);
}

static bool expect(struct parser *p, uint32_t symbol)
{
    if (accept(p, symbol)) {
        return true;
    }
    if (!p->c->failed) {
        struct slice found = token_text(p);
        cel_report(p->c, p->token.start, p->token.end, NULL,
                   found.size == 0 ? "`%c` expected before the end%.*s"
                                   : "`%c` expected, not `%.*s`",
                   (char)symbol, SLICE_ARG(found));
    }
    return false;
}

struct cel_node *cel_node_make(struct cel_compilation *c, enum cel_node_kind kind, uint32_t start)
{
    struct cel_node *node = arena_take(c->arena, sizeof(*node));
    if (node == NULL) {
        cel_report(c, start, start, NULL, "out of memory for the expression");
        return NULL;
    }
    node->kind = kind;
    node->start = node->name_start = start;
    node->type.kind = CEL_DYN;
    return node;
}

static struct cel_node *finish(struct parser *p, struct cel_node *node)
{
    uint32_t deepest = node->target == NULL ? 0 : node->target->depth;
    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t depth = node->items[i] == NULL ? 0 : node->items[i]->depth;
        deepest = depth > deepest ? depth : deepest;
    }
    node->depth = deepest + 1;
    node->end = p->last_end;
    if (node->depth > CEL_NODE_DEPTH_MAX) {
        (void)fail(p, "the expression is nested too deeply");
        return NULL;
    }
    return node;
}

static struct cel_node *make_call(struct parser *p, const char *name, uint32_t start,
                                  struct cel_token operator, struct cel_node * left,
                                  struct cel_node *right)
{
    struct cel_node *node = cel_node_make(p->c, NODE_CALL, start);
    struct cel_node **items = arena_take(p->c->arena, 2 * sizeof(*items));
    if (left == NULL || right == NULL || node == NULL || items == NULL) {
        return NULL;
    }
    items[0] = left;
    items[1] = right;
    *node = (struct cel_node){.kind = NODE_CALL,
                              .start = start,
                              .name_start = operator.start,
                              .name_end = operator.end,
                              .name = slice_text(name),
                              .items = items,
                              .count = left == right ? 1 : 2,
                              .type = {.kind = CEL_DYN}};
    return finish(p, node);
}

struct binary {
    uint32_t symbol;
    const char *name;
};

static const struct binary products[] = {{'*', "_*_"}, {'/', "_/_"}, {'%', "_%_"}};
static const struct binary additions[] = {{'+', "_+_"}, {'-', "_-_"}};
static const struct binary relations[] = {{'<', "_<_"},
                                          {'>', "_>_"},
                                          {SYMBOL2('<', '='), "_<=_"},
                                          {SYMBOL2('>', '='), "_>=_"},
                                          {SYMBOL2('=', '='), "_==_"},
                                          {SYMBOL2('!', '='), "_!=_"}};
static const struct {
    const struct binary *list;
    size_t count;
} levels[] = {{relations, ARRAY_COUNT(relations)},
              {additions, ARRAY_COUNT(additions)},
              {products, ARRAY_COUNT(products)}};

static const char *binary_name(const struct parser *p, size_t level)
{
    if (level == 0 && p->token.kind == TOKEN_NAME && slice_is(token_text(p), "in")) {
        return "@in";
    }
    for (size_t i = 0; i < levels[level].count; i++) {
        if (is_symbol(p, levels[level].list[i].symbol)) {
            return levels[level].list[i].name;
        }
    }
    return NULL;
}

/* NAME tokens that may not name a variable. */
static bool is_reserved(struct slice name)
{
    static const char *const words[] = {
        "as",        "break", "const",  "continue", "else", "false", "for",
        "function",  "if",    "import", "in",       "let",  "loop",  "package",
        "namespace", "null",  "return", "true",     "var",  "void",  "while"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (slice_is(name, words[i])) {
            return true;
        }
    }
    return false;
}

/* Move `count` gathered items from `from` on into the node. */
static bool keep_items(struct parser *p, struct cel_node *node, struct cel_node *const *items,
                       uint32_t count)
{
    node->items = arena_take(p->c->arena, count * sizeof(struct cel_node *) + 1);
    node->count = count;
    if (node->items == NULL) {
        return fail(p, "out of memory for the expression");
    }
    memcpy(node->items, items, count * sizeof(struct cel_node *));
    return true;
}

/* Arguments, list elements or map entries up to `close`. Elements are chained through a growing
 * array in the arena: it doubles, so the waste is bounded by the count itself. */
static bool parse_items(struct parser *p, struct cel_node *node, uint32_t close, bool optionals,
                        bool pairs)
{
    uint32_t room = 8, count = 0;
    struct cel_node **items = arena_take(p->c->arena, room * sizeof(*items));
    while (items != NULL && !is_symbol(p, close)) {
        bool optional = optionals && accept(p, '?');
        for (int part = 0; part < (pairs ? 2 : 1); part++) {
            if (part == 1 && !expect(p, ':')) {
                return false;
            }
            struct cel_node *item = parse_expression(p);
            if (item == NULL) {
                return false;
            }
            item->entry = optional;
            if (count == room) {
                struct cel_node **more = arena_take(p->c->arena, 2 * room * sizeof(*items));
                if (more == NULL || count >= ITEMS_MAX * 4) {
                    return fail(p, "too many elements");
                }
                memcpy(more, items, room * sizeof(*items));
                items = more;
                room *= 2;
            }
            items[count++] = item;
        }
        if (!accept(p, ',')) {
            break;
        }
        if (close == ')' && is_symbol(p, close)) {
            return fail(p, "an argument is missing after the comma");
        }
    }
    return items != NULL && expect(p, close) && keep_items(p, node, items, count);
}

static struct cel_node *parse_call(struct parser *p, struct cel_node *target, struct slice name,
                                   struct cel_token name_token, uint32_t start)
{
    struct cel_node *node = cel_node_make(p->c, NODE_CALL, start);
    if (node == NULL) {
        return NULL;
    }
    node->target = target;
    node->name = name;
    node->name_start = name_token.start;
    node->name_end = name_token.end;
    if (!parse_items(p, node, ')', false, false) || finish(p, node) == NULL) {
        return NULL;
    }
    struct cel_node *expanded = cel_expand(p->c, node);
    if (expanded != NULL && expanded != node) {
        expanded->end = p->last_end;
        expanded->depth = node->depth + 1;
    }
    return expanded;
}

static struct cel_node *parse_literal(struct parser *p, bool negative, uint32_t start)
{
    struct cel_node *node = cel_node_make(p->c, NODE_LITERAL, start);
    if (node == NULL || !cel_literal(p->c, &p->token, negative, &node->value)) {
        return NULL;
    }
    advance(p);
    return finish(p, node);
}

static struct cel_node *parse_word(struct parser *p)
{
    static const struct {
        const char *word;
        struct cel_value value;
    } words[] = {{"true", {.kind = CEL_BOOL, .b = true}},
                 {"false", {.kind = CEL_BOOL}},
                 {"null", {.kind = CEL_NULL}}};
    struct cel_token token = p->token;
    struct slice name = token_text(p);
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (slice_is(name, words[i].word)) {
            struct cel_node *node = cel_node_make(p->c, NODE_LITERAL, token.start);
            if (node != NULL) {
                node->value = words[i].value;
                advance(p);
            }
            return node == NULL ? NULL : finish(p, node);
        }
    }
    if (is_reserved(name)) {
        cel_report(p->c, token.start, token.end, NULL, "`%.*s` is a reserved word",
                   SLICE_ARG(name));
        return NULL;
    }
    advance(p);
    if (accept(p, '(')) {
        return parse_call(p, NULL, name, token, token.start);
    }
    struct cel_node *node = cel_node_make(p->c, NODE_NAME, token.start);
    if (node != NULL) {
        node->name = name;
        node->name_end = token.end;
    }
    return node == NULL ? NULL : finish(p, node);
}

static struct cel_node *parse_primary(struct parser *p)
{
    uint32_t start = p->token.start;
    struct cel_node *node = NULL;
    if (p->token.kind == TOKEN_NAME) {
        return parse_word(p);
    }
    if (p->token.kind >= TOKEN_INT && p->token.kind <= TOKEN_BYTES) {
        return parse_literal(p, false, start);
    }
    if (accept(p, '(')) {
        node = parse_expression(p);
        return node != NULL && expect(p, ')') ? node : NULL;
    }
    if (accept(p, '.')) {
        node = p->token.kind == TOKEN_NAME ? parse_word(p) : NULL;
        if (node == NULL || node->kind == NODE_LITERAL) {
            (void)fail(p, "a name expected after the dot");
            return NULL;
        }
        node->rooted = true;
        return node;
    }
    bool list = is_symbol(p, '['), map = is_symbol(p, '{');
    if (list || map) {
        advance(p);
        node = cel_node_make(p->c, list ? NODE_LIST : NODE_MAP, start);
        bool good = node != NULL && parse_items(p, node, list ? ']' : '}', true, map);
        return good ? finish(p, node) : NULL;
    }
    (void)fail(p, p->token.kind == TOKEN_END ? "a value is missing at the end"
                                             : "a value expected here");
    return NULL;
}

static struct cel_node *parse_select(struct parser *p, struct cel_node *target, uint32_t start)
{
    bool optional = accept(p, '?');
    struct cel_token token = p->token;
    struct slice name = token_text(p);
    bool quoted = token.kind == TOKEN_QUOTED;
    if (!quoted && (token.kind != TOKEN_NAME || slice_is(name, "in") || slice_is(name, "true") ||
                    slice_is(name, "false") || slice_is(name, "null"))) {
        (void)fail(p, "a field's name expected after the dot");
        return NULL;
    }
    advance(p);
    if (quoted) {
        name = slice_of(name.data + 1, name.size - 2);
    } else if (!optional && accept(p, '(')) {
        return parse_call(p, target, name, token, start);
    }
    struct cel_node *node = cel_node_make(p->c, NODE_SELECT, start);
    if (node == NULL) {
        return NULL;
    }
    node->target = target;
    node->name = name;
    node->optional = optional;
    node->name_start = token.start;
    node->name_end = token.end;
    return finish(p, node);
}

static struct cel_node *parse_index(struct parser *p, struct cel_node *target, uint32_t start)
{
    struct cel_node *node = cel_node_make(p->c, NODE_INDEX, start);
    bool optional = accept(p, '?');
    struct cel_node *index = parse_expression(p);
    if (node == NULL || index == NULL || !expect(p, ']') || !keep_items(p, node, &index, 1)) {
        return NULL;
    }
    node->target = target;
    node->optional = optional;
    node->name_start = index->start;
    node->name_end = index->end;
    return finish(p, node);
}

static struct cel_node *parse_member_of(struct parser *p, struct cel_node *node, uint32_t start)
{
    while (node != NULL) {
        if (accept(p, '.')) {
            node = parse_select(p, node, start);
        } else if (accept(p, '[')) {
            node = parse_index(p, node, start);
        } else if (is_symbol(p, '{') && (node->kind == NODE_NAME || node->kind == NODE_SELECT)) {
            cel_report(p->c, p->token.start, p->token.end, NULL,
                       "messages cannot be made here: no protobuf");
            return NULL;
        } else {
            return node;
        }
    }
    return NULL;
}

static struct cel_node *parse_unary(struct parser *p)
{
    struct cel_token operator= p->token;
    uint32_t start = operator.start, symbol = is_symbol(p, '!') ? '!' : is_symbol(p, '-') ? '-' : 0;
    if (symbol == 0) {
        return parse_member_of(p, parse_primary(p), start);
    }
    advance(p);
    struct cel_node *node = NULL;
    if (symbol == '-' && (p->token.kind == TOKEN_INT || p->token.kind == TOKEN_DOUBLE)) {
        return parse_member_of(p, parse_literal(p, true, start), start);
    }
    if (++p->depth > CEL_DEPTH_MAX) {
        (void)fail(p, "the expression is nested too deeply");
        return NULL;
    }
    node = is_symbol(p, symbol) ? parse_unary(p)
                                : parse_member_of(p, parse_primary(p), p->token.start);
    p->depth--;
    return node == NULL ? NULL
                        : make_call(p, symbol == '!' ? "!_" : "-_", start, operator, node, node);
}

static struct cel_node *parse_binary(struct parser *p, size_t level)
{
    uint32_t start = p->token.start;
    bool last = level + 1 == ARRAY_COUNT(levels);
    struct cel_node *node = last ? parse_unary(p) : parse_binary(p, level + 1);
    for (const char *name = NULL; node != NULL && (name = binary_name(p, level)) != NULL;) {
        struct cel_token operator= p->token;
        advance(p);
        struct cel_node *right = last ? parse_unary(p) : parse_binary(p, level + 1);
        node = right == NULL ? NULL : make_call(p, name, start, operator, node, right);
    }
    return node;
}

static struct cel_node *parse_logic(struct parser *p, bool is_or)
{
    uint32_t start = p->token.start, symbol = is_or ? SYMBOL2('|', '|') : SYMBOL2('&', '&');
    struct cel_node *node = is_or ? parse_logic(p, false) : parse_binary(p, 0);
    while (node != NULL && is_symbol(p, symbol)) {
        struct cel_token operator= p->token;
        advance(p);
        struct cel_node *right = is_or ? parse_logic(p, false) : parse_binary(p, 0);
        node = right == NULL ? NULL
                             : make_call(p, is_or ? "_||_" : "_&&_", start, operator, node, right);
        if (node != NULL) {
            node->kind = is_or ? NODE_OR : NODE_AND;
        }
    }
    return node;
}

static struct cel_node *parse_ternary(struct parser *p)
{
    uint32_t start = p->token.start;
    struct cel_node *condition = parse_logic(p, true);
    struct cel_token operator= p->token;
    if (condition == NULL || !accept(p, '?')) {
        return condition;
    }
    struct cel_node *yes = parse_logic(p, true);
    if (yes == NULL || !expect(p, ':')) {
        return NULL;
    }
    struct cel_node *no = parse_expression(p);
    struct cel_node *node = no == NULL ? NULL : cel_node_make(p->c, NODE_TERNARY, start);
    struct cel_node *items[] = {condition, yes, no};
    if (node == NULL || !keep_items(p, node, items, 3)) {
        return NULL;
    }
    node->name = slice_text("_?_:_");
    node->name_start = operator.start;
    node->name_end = operator.end;
    return finish(p, node);
}

static struct cel_node *parse_expression(struct parser *p)
{
    if (++p->depth > CEL_DEPTH_MAX) {
        (void)fail(p, "the expression is nested too deeply");
        return NULL;
    }
    struct cel_node *node = parse_ternary(p);
    p->depth--;
    return node;
}

struct cel_node *cel_parse(struct cel_compilation *c)
{
    struct parser parser = {.c = c};
    if (c->text.size > CEL_TEXT_SIZE_MAX) {
        cel_report(c, 0, 1, NULL, "the expression is longer than %d bytes", CEL_TEXT_SIZE_MAX);
        return NULL;
    }
    parser.token = cel_lex(c, 0);
    struct cel_node *root = parse_expression(&parser);
    if (root != NULL && parser.token.kind != TOKEN_END) {
        (void)fail(&parser, "an operator expected between two values");
    }
    return c->failed ? NULL : root;
}
