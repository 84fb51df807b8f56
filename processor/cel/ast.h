/* SPDX-License-Identifier: Apache-2.0 */
/* The tree between text and bytecode, and the passes that share it: lexer -> parser (expands
 * macros) -> checker (resolves names, deduces types) -> emitter. Private to cel/. */
#ifndef CEL_AST_H
#define CEL_AST_H

#include "cel/cel.h"

enum { CEL_NODE_DEPTH_MAX = 1500, CEL_LOCALS_MAX = 96, CEL_LOOPS_MAX = 12 };

/* One compilation: where the text came from and where errors go. */
struct cel_compilation {
    const struct cel_environment *environment;
    struct slice text;
    struct source_span origin;
    struct arena *arena;
    struct diagnostics *diagnostics;
    bool failed;
};

/* Report bytes start..end of the text. `mend` may be NULL. */
void cel_report(struct cel_compilation *compilation, uint32_t start, uint32_t end, const char *mend,
                const char *format, ...) PRINTF_LIKE(5, 6);

enum cel_token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_QUOTED, /* `a-b`, after a dot only */
    TOKEN_INT,
    TOKEN_UINT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_SYMBOL,
    TOKEN_BAD, /* reported already */
};

struct cel_token {
    enum cel_token_kind kind;
    uint32_t start, end; /* bytes of the text */
    uint32_t symbol;     /* TOKEN_SYMBOL: the character, or first << 8 | second */
};

#define SYMBOL2(a, b) ((uint32_t)(a) << 8 | (uint32_t)(b))

/* The token at or after `at`. */
struct cel_token cel_lex(struct cel_compilation *c, uint32_t from);

/* The value of a literal token. False: reported. */
bool cel_literal(struct cel_compilation *compilation, const struct cel_token *token, bool negative,
                 struct cel_value *out_value);

enum cel_node_kind {
    NODE_LITERAL,
    NODE_NAME,
    NODE_SELECT,
    NODE_INDEX,
    NODE_CALL, /* functions and operators; operators are named as in the spec: _+_ */
    NODE_LIST,
    NODE_MAP, /* items: key, value, key, value ... */
    NODE_AND,
    NODE_OR,
    NODE_TERNARY,
    NODE_LOOP, /* target: the range; items: predicate (may be NULL), transform (may be NULL) */
    NODE_BIND, /* target: the value; items[0]: the body */
    NODE_OPTIONAL_MAP, /* target: the optional; items[0]: the body; optional: the body is one itself
                        */
    NODE_BLOCK,        /* items: the values, then the body */
    NODE_LOCAL,        /* resolved: a variable of a macro */
    NODE_SLOT,         /* resolved: a declared name */
    NODE_UNKNOWN,      /* not declared, and the environment allows that */
};

enum cel_loop {
    LOOP_ALL,
    LOOP_EXISTS,
    LOOP_ONE,
    LOOP_LIST,  /* map, filter, transformList */
    LOOP_MAP,   /* transformMap */
    LOOP_ENTRY, /* transformMapEntry */
};

struct cel_function;

struct cel_node {
    enum cel_node_kind kind;
    enum cel_loop loop;
    uint32_t start, end;           /* bytes of the text */
    uint32_t name_start, name_end; /* of the operator, field or function: where a caret belongs */
    uint32_t depth;
    uint32_t count; /* of items */
    uint32_t variable_count;
    /* NODE_LOCAL: the local; NODE_SLOT: index of the name; loops, binds: first local */
    uint32_t index;
    bool optional; /* a.?b, a[?b] */
    bool test;     /* has(a.b) */
    bool entry;    /* an element of a literal written with ? */
    bool rooted;   /* a name with a leading dot */
    bool constant; /* set when emitted: reads no name */
    struct slice name;
    struct slice variables[2];
    struct cel_value value;
    struct cel_type type;
    struct cel_node *target;
    struct cel_node **items;
    const struct cel_function *function;
    const struct cel_node *bound; /* NODE_LOCAL of cel.bind, cel.block: its value */
};

/* A zeroed node; NULL when the arena is full (reported). */
struct cel_node *cel_node_make(struct cel_compilation *compilation, enum cel_node_kind kind,
                               uint32_t start);

/* The whole text as a tree, macros expanded; NULL: reported. */
struct cel_node *cel_parse(struct cel_compilation *compilation);

/* If `call` (arguments parsed) is a macro, its expansion; otherwise `call`. NULL: reported. */
struct cel_node *cel_expand(struct cel_compilation *compilation, struct cel_node *call);

/* Resolve names and functions, deduce types. False: reported. */
bool cel_check(struct cel_compilation *compilation, struct cel_node *root);

/* A type for people: list(int). */
void cel_type_text(const struct cel_type *type, char *out, size_t size);

#endif
