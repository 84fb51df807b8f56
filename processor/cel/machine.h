/* SPDX-License-Identifier: Apache-2.0 */
/* Bytecode, the machine that runs it, and the table of functions. Private to cel/.
 *
 * A stack machine: an expression pushes one value. Errors are values: they travel through strict
 * operations and are forgotten by && and || when the other side decides. Variables of macros live
 * in `locals`. */
#ifndef CEL_MACHINE_H
#define CEL_MACHINE_H

#include "cel/ast.h"
#include "cel/values.h"

enum { CEL_STACK_MAX = 400, CEL_ARGUMENTS_MAX = 64, CEL_PROGRAM_CODE_MAX = 60000 };

enum cel_op {
    OP_RETURN,
    OP_CONSTANT,      /* c: constant */
    OP_SLOT,          /* b: entry of program->slots */
    OP_HAS_SLOT,      /* b */
    OP_OPTIONAL_SLOT, /* b */
    OP_UNKNOWN,       /* c: constant, the name */
    OP_LOCAL,         /* b: local */
    OP_STORE,         /* b: local; pops */
    OP_JUMP,          /* c: target */
    OP_UNLESS_FALSE,  /* c: where to go, keeping the value, when it is false */
    OP_UNLESS_TRUE,
    OP_AND,
    OP_OR,
    OP_BRANCH, /* c: else part; code[c - 1] is the jump behind it */
    OP_NOT,
    OP_COMPARE,      /* a: enum cel_relation */
    OP_COMPARE_SLOT, /* a: relation, b: slot entry, c: constant */
    OP_ADD,          /* c: function, for what is not int; so too the next four */
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_CALL,     /* a: arguments, b: 1 = method, c: function */
    OP_MATCHES,  /* c: pattern */
    OP_SELECT,   /* a: SELECT_ flags, c: constant, the name */
    OP_INDEX,    /* a: SELECT_OPTIONAL */
    OP_LIST,     /* c: room */
    OP_LIST_ADD, /* a: 1 = optional element */
    OP_MAP,
    OP_MAP_PUT,
    OP_LOOP,          /* a: level, b: enum cel_loop, c: end of the loop */
    OP_LOOP_NEXT,     /* a: level, b: first local | variables << 8, c: end of the loop */
    OP_LOOP_DECIDE,   /* a: level, b: enum cel_loop, c: next round */
    OP_LOOP_FILTER,   /* a: level, b: 1 = append the element, c: next round */
    OP_LOOP_APPEND,   /* a: level, b: enum cel_loop, c: next round */
    OP_LOOP_END,      /* b: enum cel_loop */
    OP_OPTIONAL_MAP,  /* b: local, c: end */
    OP_OPTIONAL_WRAP, /* a: 1 = the body must be an optional itself */
};

enum { SELECT_OPTIONAL = 1, SELECT_TEST = 2 };

enum cel_relation { RELATION_LT, RELATION_LE, RELATION_GT, RELATION_GE, RELATION_EQ, RELATION_NE };

struct cel_instruction {
    uint8_t op;
    uint8_t a;
    uint16_t b;
    uint32_t c;
};

struct cel_program {
    const struct cel_instruction *code;
    const struct cel_value *constants;
    const struct cel_function *const *functions;
    const struct cel_pattern *const *patterns;
    const uint32_t *slots;
    const struct cel_value *slot_missing; /* the error for each absent slot */
    uint32_t slot_count;
    uint32_t leaf_count;
    const struct cel_leaf *leaves;
    const uint32_t (*leaf_code)[3];              /* entry points: leaf, left, right (0: none) */
    const bool *leaf_whole;                      /* as `whole`, of each leaf */
    const struct cel_linear *const *leaf_linear; /* as `linear`, of each leaf */
    const struct cel_logic *logic;
    uint32_t logic_count;
    const struct zones *zones;
    const struct cel_environment *environment; /* that it was compiled with */
    struct slice text;                         /* as written */
    uint64_t cost;
    uint64_t rounds_max; /* of all loops together, whatever lists the host brings */
    struct cel_type type;
    bool whole;                      /* cel_evaluate_whole may decide it */
    const struct cel_linear *linear; /* NULL: it is no such comparison */
};

static inline bool cel_compare_wholes(unsigned relation, int64_t a, int64_t b)
{
    switch (relation) {
    case RELATION_LT:
        return a < b;
    case RELATION_LE:
        return a <= b;
    case RELATION_GT:
        return a > b;
    case RELATION_GE:
        return a >= b;
    case RELATION_EQ:
        return a == b;
    default:
        return a != b;
    }
}

/* OP_ADD to OP_MODULO; false: it overflows, or divides by zero. */
static inline bool cel_whole_arithmetic(unsigned op, int64_t a, int64_t b, int64_t *out)
{
    if (op >= OP_DIVIDE) {
        if (b == 0 || b == -1) {
            return false; /* by -1 it may overflow, and it is rare */
        }
        *out = op == OP_DIVIDE ? a / b : a % b;
        return true;
    }
    return op == OP_ADD        ? !__builtin_add_overflow(a, b, out)
           : op == OP_SUBTRACT ? !__builtin_sub_overflow(a, b, out)
                               : !__builtin_mul_overflow(a, b, out);
}

struct cel_iteration {
    struct cel_value range;
    uint32_t at; /* of the element being worked on, plus 1 */
};

struct cel_machine {
    const struct cel_program *program;
    const struct cel_activation *activation;
    struct arena *scratch;
    const struct zones *zones;
    uint64_t rounds_left;
    struct cel_value *top; /* the top of the stack */
    struct cel_value *locals;
    struct cel_iteration *loops;
};

struct cel_value cel_run(const struct cel_program *program, uint32_t entry,
                         const struct cel_activation *activation);

/* A copy of the value in scratch, for what must be pointed at; NULL when scratch is full. */
struct cel_value *cel_keep(struct cel_machine *machine, const struct cel_value *value);
struct cel_value *cel_take_values(struct cel_machine *machine, size_t count);
struct cel_value cel_out_of_scratch(void);
/* An empty list or map with room for `room` elements or entries. */
struct cel_value cel_new_items(struct cel_machine *machine, enum cel_kind kind, uint32_t room);
/* One OP_LOOP* instruction; returns where to go on. */
uint32_t cel_step_loop(struct cel_machine *machine, const struct cel_instruction *in, uint32_t next,
                       const struct cel_instruction *code);
struct cel_value cel_some(struct cel_machine *machine, const struct cel_value *value);
static inline struct cel_value cel_none(void)
{
    return (struct cel_value){.kind = CEL_OPTIONAL, .inner = NULL};
}

/* Text written into scratch: size 0 with NULL data is "full". */
struct cel_value cel_scratch_string(struct cel_machine *machine, struct slice text);

/* One overload. `signature`: "." for a method, then a letter per parameter, ":" and the result:
 * b i u d s y(bytes) t(imestamp) D(uration) n(ull) T(ype) P(ip) C(idr) *(any) N(any number), A B
 * parameters of type, L.. list of, M.. .. map of, O.. optional of; "+" after a parameter: it may repeat. */
struct cel_function {
    const char *name;
    const char *signature;
    struct cel_value (*call)(struct cel_machine *machine, const struct cel_value *arguments,
                             uint32_t count);
};

/* The kind that a letter of a signature stands for; CEL_DYN for *, N, A, B. */
enum cel_kind cel_letter_kind(char letter);

/* The overloads of a name stand together: the first; NULL when there is none. */
const struct cel_function *cel_function_find(struct slice name);

/* All names, for "did you mean". */
const char *cel_function_nearest(struct slice name);

/* Run the overload that the kinds of the arguments choose. */
struct cel_value cel_dispatch(struct cel_machine *machine, const struct cel_function *first,
                              bool method, const struct cel_value *arguments, uint32_t count);

/* The tables, one per file; each ends with a NULL name. */
extern const struct cel_function cel_operators[], cel_conversions[], cel_strings[], cel_times[],
    cel_maths[], cel_networks[], cel_collections[], cel_banking[], cel_formats[];

/* Operations that several files share. */
struct cel_value cel_compare_values(enum cel_relation relation, const struct cel_value *a,
                                    const struct cel_value *b);
struct cel_value cel_select(struct cel_machine *machine, const struct cel_value *target,
                            const struct cel_value *name, unsigned flags);
struct cel_value cel_index(struct cel_machine *machine, const struct cel_value *target,
                           const struct cel_value *key, bool optional);

struct cel_value cel_list_size(struct cel_machine *machine, const struct cel_value *arguments,
                               uint32_t count);
struct cel_value cel_list_reverse(struct cel_machine *machine, const struct cel_value *arguments,
                                  uint32_t count);

/* Times (time.c). Texts are NUL-terminated, at most 64 bytes. */
size_t cel_timestamp_text(const struct cel_value *value, char *out);
size_t cel_duration_text(const struct cel_value *value, char *out);
struct cel_value cel_timestamp_parse(struct slice text);
struct cel_value cel_duration_parse(struct slice text);
struct cel_value cel_timestamp_of(int64_t seconds, int64_t nanos);
struct cel_value cel_duration_of(int64_t seconds, int64_t nanos);
/* Local seconds (since 1970 in that zone). `zone`: IANA name or +hh:mm. False: no such zone. */
bool cel_local_seconds(const struct zones *zones, const struct cel_value *timestamp,
                       struct slice zone, int64_t *out);

/* Addresses (network.c). */
size_t cel_address_text(const struct cel_value *value, char *out);

/* Patterns (pattern.c): RE2's common subset, matched in time linear in the text. */
const struct cel_pattern *cel_pattern_compile(struct slice text, struct arena *arena,
                                              const char **out_error);
/* Does the pattern match anywhere? Takes working memory from `scratch`. */
struct cel_value cel_pattern_match(const struct cel_pattern *pattern, struct slice text,
                                   struct arena *scratch);

/* Which enum cel_relation an operator's name is; -1: none. */
int cel_relation_of(struct slice name);

/* Worst cost of a tree in steps; saturates. */
uint64_t cel_cost(const struct cel_environment *environment, const struct cel_node *node);

/* Is it worth trying whole numbers first, of what begins at `entry`? */
bool cel_is_whole(const struct cel_program *program, uint32_t entry, uint32_t code_count);

/* What begins at `entry` as the comparison of one sum, in `arena`; NULL: it is no such, or the arena is full. */
const struct cel_linear *cel_linear_of(const struct cel_program *program, uint32_t entry,
                                       uint32_t code_count, struct arena *arena);

/* As cel_evaluate_whole; -1 too where a value is so large that the machine may know better. */
int cel_linear_holds(const struct cel_program *program, const struct cel_linear *linear,
                     cel_read_whole *read, const void *context);

/* Tree to program; NULL: reported (cost, size). */
const struct cel_program *cel_emit(struct cel_compilation *compilation, struct cel_node *root);

#endif
